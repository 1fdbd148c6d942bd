"""The progress of a download, for a line that someone can see or for a caller's own display."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from isr_analysis.amounts import counted
from isr_analysis.surroundings import kernel, page_is_live


@dataclass(frozen=True, slots=True)
class Status:
    """The progress of a download.

    Parameters
    ----------
    windows, done : int
        Windows to fetch, and how many of them are stored.
    rows : int
        Messages received so far.
    requests : int
        Requests made so far.
    left : int
        What is left of this hour's requests.
    seconds_left : float or None
        The expected time for the rest; None before the first window is done.
    """

    windows: int
    done: int
    rows: int
    requests: int
    left: int
    seconds_left: float | None

    def __str__(self) -> str:
        rest = "" if not self.seconds_left else f", {self.seconds_left:.0f} s to go"
        return (
            f"{self.done}/{counted(self.windows, 'window')}, {counted(self.rows, 'message')}, "
            f"{counted(self.requests, 'request')} ({self.left:,} left){rest}"
        )


_EVERY = 0.1
"""Seconds between two looks at the line."""

Report = Callable[[Status], None]
"""Called with each page. What it raises ends the download; what was stored by then stays."""


@contextlib.contextmanager
def reporting(show: bool | Report | None, windows: int) -> Iterator[Report | None]:
    """Give the function that is told how a download stands; None if nobody wants to know.

    Parameters
    ----------
    show : bool or callable or None
        A function of the caller's own; or whether there is a line of progress: by default where someone is there to
        see it, a terminal or a notebook with a live front end, and never in a log or under nbconvert.
    windows : int
        How many windows are to be fetched; with none there is nothing to show.
    """
    if callable(show):
        yield show
    elif windows and (show if show is not None else _can_be_seen()):
        with (_line if kernel() is None else _output)(windows) as report:
            yield report
    else:
        yield None


@contextlib.contextmanager
def _line(windows: int) -> Iterator[Report]:
    """Show a line in a terminal."""
    from tqdm import tqdm

    bar: Any = tqdm(
        total=windows, leave=False, dynamic_ncols=True, file=sys.stderr, bar_format="{desc} |{bar}|", desc="history",
        miniters=0, mininterval=_EVERY,
    )  # fmt: skip

    def report(status: Status) -> None:
        bar.set_description_str(str(status), refresh=False)
        bar.update(status.done - bar.n)

    with bar:
        yield report


@contextlib.contextmanager
def _output(windows: int) -> Iterator[Report]:
    """Show a line below a notebook's cell; no widget, as its model would be missing where that is opened again."""
    from IPython.display import display

    shown: Any = display({"text/html": _bar(0, windows), "text/plain": ""}, raw=True, display_id=True)
    seen = time.monotonic()

    def report(status: Status) -> None:
        nonlocal seen
        if time.monotonic() - seen >= _EVERY:
            seen = time.monotonic()
            line = f"{_bar(status.done, windows)} {status}"
            shown.update({"text/html": line, "text/plain": str(status)}, raw=True)

    try:
        yield report
    finally:
        shown.update({"text/html": "", "text/plain": ""}, raw=True)


def _bar(done: int, windows: int) -> str:
    return f'<progress style="vertical-align: middle" aria-label="history" value="{done}" max="{windows}"></progress>'


def _can_be_seen() -> bool:
    return bool(sys.stderr and sys.stderr.isatty()) if kernel() is None else page_is_live()
