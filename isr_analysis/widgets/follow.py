"""What a live board shows: messages from the stream if a read-only subscriber is set up, else the live answer."""

from __future__ import annotations

import datetime as dt
import time

import pandas as pd

from isr_analysis import messages
from isr_analysis.errors import IsrError, UsageError, in_words
from isr_analysis.live import load_live
from isr_analysis.portal.portal import Portal
from isr_analysis.streaming.polled import opened
from isr_analysis.streaming.stream import Stream
from isr_analysis.watching import Watched

_AGAIN = 60.0  # s between two tries to reach a broker, while the live answer stands in for it


class Follower:
    """Gives the present frame, again and again. One thread uses it.

    Parameters
    ----------
    source : {"stream", "live"}, optional
        As of `watch_live`. If it is left out and the stream cannot be had, the live answer stands in for it.
    zone : tzinfo
        The zone of the frames.
    max_age : timedelta
        How old a kept live answer may be.

    Attributes
    ----------
    trouble : str
        Why there is no stream although one is set up; empty if all is well.
    """

    def __init__(self, source: str | None, zone: dt.tzinfo, max_age: dt.timedelta) -> None:
        if source not in (None, messages.STREAM, messages.LIVE):
            raise UsageError(f'source={source!r} is not a source; give "stream", "live" or None')
        self._source = source
        self._zone = zone
        self._max_age = max_age
        self._portal: Portal | None = None
        self._stream: Stream | None = None
        self._watched: Watched | None = None
        self._next_try = 0.0
        self._opened_at = 0
        self.trouble = ""

    def frame(self, portal: Portal) -> pd.DataFrame:
        """Give the last messages, as `load_live` or `watch_live` does.

        Raises
        ------
        IsrError
            As of these. A stream that has ended is made anew the next time.
        """
        if portal is not self._portal:  # another one by now, perhaps another account's: it has a stream of its own
            self.close()
            self._portal, self._next_try, self.trouble = portal, 0.0, ""
        if self._stream is None and self._source != messages.LIVE and time.monotonic() >= self._next_try:
            self._open(portal)
        if self._stream is None or self._watched is None:
            return load_live(tz=self._zone, max_age=self._max_age, portal=portal)
        try:
            return self._watched.frame(self._stream.new())
        except IsrError:
            self.close()
            raise

    @property
    def since(self) -> int | None:
        """Since when (ns) the stream is heard without a break; None without a stream."""
        if self._stream is None:
            return None
        gaps = self._stream.missed()
        return max(self._opened_at, gaps[-1].end) if gaps else self._opened_at

    def close(self) -> None:
        """End the stream."""
        if self._stream is not None:
            self._stream.close()
        self._stream = self._watched = None

    def _open(self, portal: Portal) -> None:
        self.trouble = ""
        self._next_try = time.monotonic() + _AGAIN
        try:
            found = opened(self._source, None, "#", duration=None, portal=portal)
        except IsrError as exc:
            if self._source is not None:
                self._next_try = 0.0
                raise
            self.trouble = in_words(exc)
            return
        if isinstance(found, Stream):
            self._stream, self._opened_at = found, portal.now()
            self._watched = Watched(portal, found, self._zone)
