"""The noon at which most clocks of the tests stand, and a clock that moves when it is told to."""

from __future__ import annotations

from isr_analysis import times

NOON = times.instant("2026-11-20T12:00:00Z")


class Clock:
    """A clock that stands until it is set, or until someone sleeps by it; called, it gives the instant, ns."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.at += round(seconds * times.SECOND)
