"""One line of progress, where someone can see it: a terminal, or a notebook with a live front end."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from isr_analysis.portal.token import someone_is_there


class Progress:
    """Counts windows, messages and requests on one line; silent in logs and headless runs.

    Parameters
    ----------
    windows : int
        How many windows are to be fetched.
    show : bool, optional
        True and False force it; by default it shows where someone is there to see it.
    """

    def __init__(self, windows: int, *, show: bool | None = None) -> None:
        self._bar: Any = None
        self._messages = 0
        if windows and (show if show is not None else _can_be_seen()):
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=windows, unit="window", leave=False, dynamic_ncols=True, file=sys.stderr,
                bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} windows, {remaining} left{postfix}",
                desc="history",
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def page(self, rows: int, *, requests: int, left: int) -> None:
        """Say that a page came."""
        self._messages += rows
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._messages:,} messages, {requests} requests ({left} left this hour)")

    def window(self) -> None:
        """Say that a window is done."""
        if self._bar is not None:
            self._bar.update()


def _can_be_seen() -> bool:
    if "ipykernel" in sys.modules:
        return someone_is_there()
    return bool(sys.stderr and sys.stderr.isatty())
