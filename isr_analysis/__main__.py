"""`python -m isr_analysis` runs the `isr` command where it is not on the path."""

from __future__ import annotations

from isr_analysis.cli import main

if __name__ == "__main__":
    main()
