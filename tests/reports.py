"""Reading a report."""

from __future__ import annotations

import re


def problems(text: str) -> str:
    """Give what a report says at its top of what failed or is missing."""
    found = re.search(r'<section class="problems".*?</section>', text, re.DOTALL)
    return re.sub(r"\s+", " ", found[0]) if found else ""
