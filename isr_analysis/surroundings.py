"""Where this runs: in a notebook or not, whether anyone is watching, and what a terminal can show."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import Any


def kernel() -> Any | None:
    """Give the kernel of the notebook that this runs in; None in a script or a terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None)


def someone_is_there() -> bool:
    """Tell whether a prompt would be seen: a terminal, or a notebook with a live front end."""
    if (running := kernel()) is not None:
        return bool(getattr(running, "_allow_stdin", False))
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def page_is_live() -> bool:
    """Tell whether a page shows what a cell displays and answers to it: that of a notebook, or of Voilà.

    Voilà runs a notebook as nbconvert does, so that nobody can be prompted, and then shows it as a page that is alive.
    """
    return someone_is_there() or os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def printable(text: str) -> str:
    """Give a text with a dot for each character that a terminal would obey, such as those of a name that came so."""
    return "".join(one if one.isprintable() else "·" for one in text)


def cells(text: str) -> int:
    """Give how many columns of a terminal a text takes: signs of East Asia and emoji take two.

    >>> cells("shack"), cells("漢字"), cells("e\u0301")
    (5, 4, 1)
    """
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


def cut(line: str, width: int) -> str:
    """Cut a line to so many columns of a terminal; what is cut ends with an ellipsis."""
    if cells(line) <= width:
        return line
    line = line[: max(width - 1, 0)]
    while cells(line) > width - 1 and line:
        line = line[:-1]
    return f"{line}…"
