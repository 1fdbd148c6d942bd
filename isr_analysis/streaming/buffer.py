"""Messages that have not been read yet: bounded, dropping the oldest first and counting what was dropped."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from dataclasses import dataclass

Row = tuple[int, str, str, bytes, int]
"""A message: time (ns), client id, topic, payload, and its number in the stream."""

_OVERHEAD = 250  # bytes that a message takes beside its payload


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which messages may be missing from a stream.

    Parameters
    ----------
    start, end : int
        ns; `end` is the present if the connection is still away.
    reason : {"connection", "paused", "reader"}
        Whether the broker was away, this program did not run (as when the machine sleeps), or the reader was too slow
        and the oldest messages were dropped.
    lost : int or None
        How many messages were dropped; None if unknown.
    """

    start: int
    end: int
    reason: str
    lost: int | None


class Buffer:
    """Messages between the network's thread and the reader, of so many bytes at the most."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._rows: deque[Row] = deque()
        self._size = 0
        self._dropped: Gap | None = None
        self._gaps: list[Gap] = []
        self._closed = False
        self._error: BaseException | None = None
        # Both in C: Ctrl-C, the usual end of reading, may come at any step, and would leave a Condition locked.
        self._lock = threading.Lock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def put(self, row: Row) -> None:
        """Add a message; the oldest give way if there is no room."""
        with self._lock:
            was_empty = not self._rows
            self._rows.append(row)
            self._size += len(row[3]) + _OVERHEAD
            while self._size > self._room and len(self._rows) > 1:
                old = self._rows.popleft()
                self._size -= len(old[3]) + _OVERHEAD
                first, lost = (self._dropped.start, self._dropped.lost or 0) if self._dropped else (old[0], 0)
                self._dropped = Gap(first, old[0] + 1, "reader", lost + 1)
            if was_empty:
                self._wake.put(None)

    def take(self, timeout: float, most: int | None = None) -> list[Row]:
        """Give all that came, or the first so many; waits for something for so many seconds.

        Raises
        ------
        BaseException
            What `close` was given, once all that came before is read.
        """
        rows = self.drain(most)
        if not rows and not self._closed:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=timeout)
            rows = self.drain(most)
        if not rows and self._error is not None:
            raise self._error
        return rows

    def drain(self, most: int | None = None) -> list[Row]:
        """Give all that came, or the first so many, without waiting or raising."""
        with self._lock:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._wake.get_nowait()
            many = len(self._rows) if most is None else min(most, len(self._rows))
            rows = [self._rows.popleft() for _ in range(many)]
            self._size -= sum(len(row[3]) + _OVERHEAD for row in rows)
            if self._dropped is not None and not self._rows:  # of a reader who is late all the time it is one gap
                self._gaps.append(self._dropped)
                self._dropped = None
            return rows

    def close(self, error: BaseException | None = None) -> None:
        """Let readers end, or fail, when they have read what came."""
        with self._lock:
            self._error = self._error or error
            self._closed = True
            self._wake.put(None)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to read, and nothing more will come."""
        with self._lock:
            return self._closed and not self._rows and self._error is None

    def note(self, gap: Gap) -> None:
        """Add a gap that the connection had."""
        with self._lock:
            self._gaps.append(gap)

    @property
    def gaps(self) -> list[Gap]:
        """Every gap so far, by its start; what is being dropped at this moment counts."""
        with self._lock:
            now = [] if self._dropped is None else [self._dropped]
            return sorted([*self._gaps, *now], key=lambda gap: (gap.start, gap.end))
