"""The store of one account's messages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from isr_analysis import database, messages, times
from isr_analysis.errors import StoreError
from isr_analysis.messages import Selector
from isr_analysis.settings import make_folder
from isr_analysis.store import ledger, parts
from isr_analysis.times import Range

SETTLE = 10 * times.MINUTE
MAX_AGE = times.MINUTE

_BIG = 48_000_000
"""Bytes of messages, in memory, that make a part."""

_WHOSE = ["time", "client_id", "topic"]
_LOCKS = 64
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Held:
    """What the store knows of a selector over a range, at one moment.

    Parameters
    ----------
    missing : list of (Selector, Range)
        What must be asked for, a UTC day each.
    provisional_from : int or None
        The first instant, ns, from which messages may still come; None if all is settled.
    fetched_at : int or None
        When the oldest span that the range rests on was fetched, ns; None if there is none.
    """

    missing: list[tuple[Selector, Range]]
    provisional_from: int | None
    fetched_at: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """How a store is.

    Parameters
    ----------
    rows, files, bytes : int
        Messages, files that count, and their size together.
    lost : list of str
        Files that should be there and are not.
    """

    rows: int
    files: int
    bytes: int
    lost: list[str]


class Store:
    """The messages of one account, as published.

    Parameters
    ----------
    folder : Path
        The account's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._parts = folder / "parts"
        self._ledger = folder / "ledger.sqlite"
        self._locks = folder / "locks"

    @contextlib.contextmanager
    def fetching(self, span: Range) -> Iterator[None]:
        """Keep other processes and threads from fetching the same day meanwhile; waits for one that does.

        The lock is the operating system's, on a file: it ends with the process, however that ends.
        """
        path = make_folder(self._locks) / f"{span.start // times.DAY % _LOCKS:02}.lock"
        try:
            with FileLock(path, thread_local=False):
                yield
        except OSError as exc:
            raise StoreError(
                f"{path} cannot be locked ({exc.strerror or exc}); set ISR_HOME to a folder on a local disk that can "
                "be written"
            ) from exc

    def held(
        self,
        selector: Selector,
        span: Range,
        *,
        now: int,
        settle: int = SETTLE,
        max_age: int | None = MAX_AGE,
        since: int | None = None,
    ) -> Held:
        """Tell what is there and what is missing.

        Parameters
        ----------
        selector, span
            What is wanted.
        now : int
            The present instant, ns; nothing after it can be missing.
        settle : int
            A span is settled if it was fetched this long (ns) after its end.
        max_age : int or None
            What is not settled counts while it is younger than this (ns), and so does what was published since the
            last fetch, if that is not longer ago. None: what is not settled counts, however old.
        since : int, optional
            Nothing that was fetched before this instant (ns) counts.
        """
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            found = [] if db is None else ledger.spans(db, span, selector)
        if since is not None:
            found = [one for one in found if one.fetched_at >= since]
        asked = Range(span.start, max(span.start, min(span.end, now)))
        missing: list[tuple[Selector, Range]] = []
        for client in selector.clients or (ledger.ALL,):
            one = Selector(None if client == ledger.ALL else (client,), selector.topic)
            there = ledger.held(found, client, now=now, settle=settle, max_age=max_age)
            gaps = asked.minus(there)
            if (
                gaps
                and max_age is not None
                and gaps[-1].end == now
                and now - gaps[-1].start < max_age
                and since is None
            ):
                gaps = [gap for gap in gaps if gap.end < now or all(one.end != gap.start for one in there)]
            missing += [(one, day) for gap in gaps for day in gap.days()]
        return Held(
            missing,
            ledger.provisional_from(found, selector, span, settle=settle),
            min((one.fetched_at for one in found), default=None),
        )

    def spans(self, selector: Selector, span: Range) -> tuple[list[ledger.Span], list[tuple[ledger.Span, str]]]:
        """Give the fetched spans that say something of a selector, and those that failed when last tried."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            if db is None:
                return [], []
            return ledger.spans(db, span, selector), ledger.failures(db, span, selector)

    def count(self, selector: Selector, span: Range) -> int:
        """Count the messages of a selector in a span."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            found = [] if db is None else ledger.parts(db, span, selector)
        rows = 0
        for part in found:
            inside = span.start <= part.first and part.last < span.end
            if inside and part.clients <= set(selector.clients or part.clients) and selector.topic == "#":
                rows += part.rows
            else:
                rows += len(selector.select(parts.read(self._parts, part, span, columns=_WHOSE)))
        return rows

    def health(self) -> Health:
        """Compare the ledger with the files; a store that is not there yet is empty, and well."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            found = [] if db is None else ledger.parts(db, Range(0, 2**62), Selector())
        lost = [part.file for part in found if not (self._parts / part.file).exists()]
        return Health(sum(part.rows for part in found), len(found), sum(part.bytes for part in found), lost)

    def fail(self, selector: Selector, span: Range, *, at: int, words: str) -> None:
        """Write down that a span could not be fetched."""
        with database.transaction(self._ledger, ledger.FORMAT) as db:
            ledger.fail(db, selector, span, at, words)

    def note_speed(self, requests: int, seconds: float) -> None:
        """Write down how long a download's requests took together."""
        with database.transaction(self._ledger, ledger.FORMAT, durable=False) as db:
            ledger.note_speed(db, requests, seconds)

    def speed(self) -> float | None:
        """Give the seconds that a request takes, by what earlier downloads took; None if there was none."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            known = db and ledger.speed(db)
        return known[1] / known[0] if known and known[0] else None

    def read(self, selector: Selector, span: Range) -> pa.Table:
        """Give the messages of a selector in a span, in order; none is a table without rows."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(FileNotFoundError):  # replaced since the ledger was read: what counts now?
                return self._read(selector, span)
        return self._read(selector, span)

    def _read(self, selector: Selector, span: Range) -> pa.Table:
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            found = [] if db is None else ledger.parts(db, span, selector)
        tables = [selector.select(parts.read(self._parts, part, span)) for part in found]
        if not tables:
            return messages.empty()
        # Parts of one day overlap, those of different days do not; sorting an ordered table costs little.
        return messages.in_order(pa.concat_tables(tables))

    def commit(
        self,
        selector: Selector,
        span: Range,
        batches: Iterable[pa.Table],
        *,
        fetched_at: int,
        settle: int = SETTLE,
    ) -> int:
        """Put what the portal gave for a selector and a span in the place of all that was there of it.

        Readers see all of it or nothing. If `batches` raises, nothing has changed.

        Parameters
        ----------
        selector, span
            What was asked for. Messages outside of it are left out.
        batches : iterable of pyarrow.Table
            Messages, as they come; memory holds one part's worth at a time.
        fetched_at : int
            When the first of them was asked for, ns.
        settle : int
            Messages younger than this (ns) go into a part of their own, which the next fetch replaces whole.

        Returns
        -------
        int
            The number of messages.
        """
        written: list[ledger.Part] = []
        try:
            for table in _portions(batches, selector, span):
                old = pc.less(table["time"].cast("int64"), fetched_at - settle)
                halves = table.filter(old), table.filter(pc.invert(old))
                written.extend(parts.write(self._parts, half) for half in halves if len(half))
            rows = sum(part.rows for part in written)
            with database.transaction(self._ledger, ledger.FORMAT) as db:
                replaced = []
                for part in ledger.parts(db, span, selector):
                    rest = _without(parts.read(self._parts, part), selector, span)
                    if len(rest) < part.rows:
                        replaced.append(part)
                        written += [parts.write(self._parts, rest)] if len(rest) else []
                ledger.replace_parts(db, replaced, written, fetched_at)
                ledger.note(db, selector, span, fetched_at, settle=settle)
                outdated = ledger.gone(db, fetched_at)
        except BaseException:
            self._discard(written)
            raise
        self._remove(outdated)
        return rows

    def _discard(self, written: list[ledger.Part]) -> None:
        # An interrupt may come just after the transaction: what the ledger names by now stays.
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            counting = set() if db is None else ledger.files(db)
        self._remove([part.file for part in written if part.file not in counting])

    def _remove(self, files: Iterable[str]) -> None:
        for file in files:
            with contextlib.suppress(OSError):
                (self._parts / file).unlink()


def _portions(batches: Iterable[pa.Table], selector: Selector, span: Range) -> Iterator[pa.Table]:
    """Gather what was asked for into tables of a part's size."""
    gathered: list[pa.Table] = []
    size = 0
    for batch in batches:
        wanted = selector.select(batch.filter(parts.within(span)))
        if len(wanted):
            gathered.append(wanted)
            size += wanted.nbytes
        if size >= _BIG:
            yield pa.concat_tables(gathered)
            gathered, size = [], 0
    if gathered:
        yield pa.concat_tables(gathered)


def _without(table: pa.Table, selector: Selector, span: Range) -> pa.Table:
    """Give the messages of a table that a selector does not mean, or that lie outside of a span."""
    time = table["time"].cast("int64")
    inside = pc.and_(pc.greater_equal(time, span.start), pc.less(time, span.end))
    return table.filter(pc.invert(pc.and_(inside, selector.mask(table))))
