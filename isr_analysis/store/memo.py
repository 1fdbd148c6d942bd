"""The memo: decoded parts, kept so that the next load need not decode them. Deleting it changes nothing but time.

A memo is an uncompressed Arrow file, which is mapped into memory and not read. It is named by its part (which never
changes), by what was selected of the part, and by the decoder's version, so it is never out of date.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from isr_analysis import messages, payloads
from isr_analysis.files import ABANDONED, replacing, size_of
from isr_analysis.messages import Selector
from isr_analysis.store.ledger import Part
from isr_analysis.times import Range

CAP = 2_000_000_000
"""Bytes that all memos of a store may have; the ones that were not used for longest go first."""

_TOUCH = 3600.0


class Memo:
    """The decoded parts of one store.

    A folder that cannot be written just means that everything is decoded each time. `cap` is in bytes.
    """

    def __init__(self, folder: Path, *, cap: int = CAP) -> None:
        self._folder = folder
        self._cap = cap
        self._grew = False

    def decoded(self, part: Part, selector: Selector, read: Callable[[], pa.Table]) -> pa.Table:
        """Give what a selector means of a part, decoded and in order; `read` gives its messages where there is no memo.

        The rows are those of `read`, whether they were decoded now or earlier.
        """
        # Those whose memo holds what it means, the nearest first.
        for wider in dict.fromkeys((selector, Selector(None, selector.topic), Selector(selector.clients), Selector())):
            if (table := self._open(self._path(part, wider))) is not None:
                return table if wider == selector else _select(table, selector)
        table = payloads.decode(read())
        self._keep(self._path(part, selector), table)
        return table

    def fill(self, part: Part, table: pa.Table) -> None:
        """Decode a new part's messages, all of them, while they are in memory."""
        self._keep(self._path(part, Selector()), payloads.decode(table))

    def forget(self, part: str) -> None:
        """Remove what was decoded of a part, by its file's name."""
        for path in self._folder.glob(f"{Path(part).stem}.*"):
            _unlink(path)

    def trim(self) -> None:
        """Remove what was not used for longest, if there is more than the cap allows."""
        if not self._grew:
            return
        self._grew = False
        with contextlib.suppress(OSError):
            found = sorted((one.stat().st_mtime, one.stat().st_size, one.path) for one in os.scandir(self._folder))
            over = sum(size for _, size, _ in found) - self._cap
            for used, size, path in found:
                if over > 0 or (path.endswith(".tmp") and used < time.time() - ABANDONED):
                    over -= size if _unlink(Path(path)) else 0

    def bytes(self) -> int:
        """Give the size of all of them."""
        return size_of(self._folder)

    def clear(self) -> None:
        """Remove all of them."""
        for path in self._folder.glob("*"):
            _unlink(path)

    def _path(self, part: Part, selector: Selector) -> Path:
        mark = hashlib.blake2b(repr((selector.clients, selector.topic)).encode(), digest_size=8).hexdigest()
        return self._folder / f"{Path(part.file).stem}.{payloads.DECODER_VERSION}.{mark}.arrow"

    def _open(self, path: Path) -> pa.Table | None:
        try:
            used = path.stat().st_mtime
            if used < _booted():
                # A memo is written without waiting for the disk, so it may not have survived a power cut whole.
                return None
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            if time.time() - used > _TOUCH:
                os.utime(path)
        except (OSError, pa.ArrowException):
            return None
        return table

    def _keep(self, path: Path, table: pa.Table) -> None:
        with contextlib.suppress(OSError, pa.ArrowException):  # then it is decoded again
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (
                replacing(path) as aside,
                pa.OSFile(str(aside), "wb") as file,
                pa.ipc.new_file(file, table.schema) as writer,
            ):
                writer.write_table(table)
            self._grew = True


def _unlink(path: Path) -> bool:
    """Remove a file; one that is open, or mapped into memory, cannot go yet on Windows."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _select(table: pa.Table, selector: Selector) -> pa.Table:
    wanted = np.ones(len(table), np.bool_)
    if selector.clients is not None:
        wanted &= _named(table["client_id"], selector.clients.__contains__)
    if selector.topic != "#":
        wanted &= _named(table["topic"], lambda topic: messages.covers(selector.topic, topic))
    return table.filter(pa.array(wanted))


def _named(column: pa.ChunkedArray, means: Callable[[str], bool]) -> np.ndarray:
    """Tell of each row whether its client or topic, a dictionary, is meant."""
    hits = [
        np.array([means(name) for name in chunk.dictionary.to_pylist()], np.bool_)[chunk.indices.to_numpy()]
        for chunk in column.chunks
    ]
    return np.concatenate(hits) if hits else np.zeros(0, np.bool_)


def within(table: pa.Table, span: Range) -> pa.Table:
    """Give the rows of a decoded table, in order of time, that lie in a span, without copying them."""
    at = messages.instants(table)
    first, last = np.searchsorted(at, [span.start, span.end])
    return table.slice(first, last - first)


def _booted() -> float:
    """Give when the machine started, s since 1970; where that is hard to know, not before it did."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() - (time.monotonic() if clock is None else time.clock_gettime(clock))
