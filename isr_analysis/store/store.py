"""The store of one account's messages."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import database, messages, payloads, times
from isr_analysis.errors import StoreError
from isr_analysis.files import locked
from isr_analysis.messages import Selector
from isr_analysis.store import holding, ledger, memo, parts, upkeep
from isr_analysis.store.hints import Hints, near_misses
from isr_analysis.store.holding import MAX_AGE, SETTLE, Held
from isr_analysis.times import EVER, Range

_WHOSE = ["time", "client_id", "topic"]
_LOCKS = 64
_AHEAD = 2 * times.DAY
_SMALL = 500
"""Messages of a part below which there is no memo of it."""

_T = TypeVar("_T")
_NONE = np.empty(0, np.int64)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """How a store is.

    Parameters
    ----------
    rows, files, bytes : int
        Messages, files that count, and their size together.
    lost : list of str
        Files that should be there and are not, or are of another size.
    """

    rows: int
    files: int
    bytes: int
    lost: list[str]


class Store:
    """The messages of one account, as published.

    Attributes
    ----------
    memo : memo.Memo
        Its decoded parts.
    """

    def __init__(self, folder: Path) -> None:
        self._parts = folder / "parts"
        self._ledger = folder / "ledger.sqlite"
        self._locks = folder / "locks"
        self.memo = memo.Memo(folder / "memo")

    def fetching(self, span: Range, waiting: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
        """Keep other processes and threads from fetching the same UTC day meanwhile; waits for one that does.

        `waiting` is called twice a second of waiting; what it raises ends the wait.
        """
        return locked(self._locks / f"{span.start // times.DAY % _LOCKS:02}.lock", waiting)

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
        """Tell what is there and what is missing; see `holding.weigh`."""
        found = self._look(lambda db: ledger.spans(db, span, selector))
        return holding.weigh(found, selector, span, now=now, settle=settle, max_age=max_age, since=since)

    def mind_clock(self, now: int) -> None:
        """Let what was fetched after the present count as never fetched, as a clock that was ahead named the future.

        What was published since would not be asked for, and would count as settled some day. Where it is days ahead,
        it is rather the present clock that is wrong, and nothing is forgotten.
        """
        future = Range(now, now + _AHEAD)
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            is_ahead = db is not None and ledger.is_ahead(db, future)
        if is_ahead:
            with database.transaction(self._ledger, ledger.FORMAT) as db:
                ledger.forget_ahead(db, future)

    def spans(self, selector: Selector, span: Range) -> tuple[list[ledger.Span], list[tuple[ledger.Span, str]]]:
        """Give the fetched spans that say something of a selector, and what of its topic failed when last tried."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            if db is None:
                return [], []
            return ledger.spans(db, span, selector), ledger.failures(db, span, selector.topic)

    def all_spans(self, span: Range) -> list[ledger.Span]:
        """Give every fetched span, of any selector, that touches a span."""
        return self._look(lambda db: ledger.all_spans(db, span))

    def clear(self, span: Range, *, now: int) -> int:
        """Forget the messages of a span, and that they were fetched; give how many there were."""
        with self._writing() as written, database.transaction(self._ledger, ledger.FORMAT) as db:
            found = ledger.parts(db, span, Selector())
            for part in found:
                if not part.is_all(Selector(), span):
                    rest = self._rest(db, part, Selector(), span)
                    if len(rest):
                        written.append(parts.write(self._parts, rest))
            ledger.replace_parts(db, found, written, now)
            ledger.forget(db, span)
        return sum(part.rows for part in found) - sum(part.rows for part in written)

    def count(self, selector: Selector, span: Range) -> int:
        """Count the messages of a selector in a span."""

        def rows(part: ledger.Part) -> int:
            if part.is_all(selector, span):
                return part.rows
            return len(parts.read(self._parts, part, span, selector, columns=_WHOSE))

        return sum(self._each(selector, span, rows))

    def mark(self, selector: Selector, span: Range) -> str | None:
        """Give a text that changes whenever what `read` gives changes; None where there is nothing.

        Parts never change, so their names are enough.
        """
        names = "\n".join(sorted(part.file for part in self._found(selector, span)))
        return hashlib.blake2b(names.encode(), digest_size=12).hexdigest() if names else None

    def files(self, selector: Selector, span: Range) -> list[tuple[Path, ledger.Part]]:
        """Give the Parquet files that hold what is meant, and maybe more; they stay for an hour after they count."""
        return [(self._parts / part.file, part) for part in self._found(selector, span)]

    def health(self, selector: Selector | None = None, span: Range = EVER) -> Health:
        """Compare the ledger with the files; a store that is not there yet is empty, and well."""
        found = self._found(selector or Selector(), span)
        lost = [part.file for part in found if not parts.is_there(self._parts, part)]
        return Health(sum(part.rows for part in found), len(found), sum(part.bytes for part in found), lost)

    def near_misses(self, selector: Selector, hints: Hints | None) -> str:
        """Say which clients and topics of a selector are not on disk, and what is named nearly so; empty if all are.

        `hints` is the portal, if that may be asked what else there is.
        """
        found = self._found(Selector(), EVER)
        clients = (client for part in found for client in part.clients)
        topics = (topic for part in found for topic in part.topics)
        return near_misses(selector, clients, topics, hints)

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

    def read(self, selector: Selector, span: Range, *, columns: list[str] | None = None) -> pa.Table:
        """Give the messages of a selector in a span, in order; none is a table without rows.

        Parameters
        ----------
        selector, span
            What is wanted.
        columns : list of str, optional
            Only these, with those that `messages.in_order` sorts by; payloads are most of a part.
        """
        tables = self._each(selector, span, lambda part: parts.read(self._parts, part, span, selector, columns=columns))
        # Parts of one day overlap, those of different days do not.
        empty = messages.empty() if columns is None else messages.empty().select(columns)
        return messages.in_order(pa.concat_tables([empty, *tables]))

    def decoded(self, selector: Selector, span: Range) -> pa.Table:
        """Give what `isr_analysis.payloads.decode` makes of `read`, in any order; most of it from the memo."""
        loose: list[pa.Table] = []

        def one(part: ledger.Part) -> list[pa.Table]:
            if part.rows < _SMALL:  # decoded together with others in less time than a file takes to open
                loose.append(parts.read(self._parts, part, span, selector))
                return []
            whole = self.memo.decoded(part, selector, lambda: parts.read(self._parts, part, None, selector))
            return [memo.within(whole, span)]

        tables = [table for made in self._each(selector, span, one, loose.clear) for table in made if len(table)]
        self.memo.trim()
        if loose or not tables:
            tables.append(payloads.decode(pa.concat_tables([messages.empty(), *loose])))
        return tables[0] if len(tables) == 1 else payloads.concat(tables)

    def _found(self, selector: Selector, span: Range) -> list[ledger.Part]:
        """Give the parts that can hold what is meant, as the ledger has them now."""
        return self._look(lambda db: ledger.parts(db, span, selector))

    def _look(self, find: Callable[[sqlite3.Connection], list[_T]]) -> list[_T]:
        """Find something in the ledger; nothing where there is none yet."""
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            return [] if db is None else find(db)

    def _each(
        self,
        selector: Selector,
        span: Range,
        do: Callable[[ledger.Part], _T],
        again: Callable[[], None] = lambda: None,
        tries: int = 3,
    ) -> list[_T]:
        """Do something with each part that can hold what is meant, all of one state of the ledger."""
        try:
            return [do(part) for part in self._found(selector, span)]
        except FileNotFoundError as exc:  # replaced and removed since the ledger was read: what counts now?
            if tries > 1:
                again()
                return self._each(selector, span, do, again, tries - 1)
            raise parts.DamagedError(
                f"a file of the store in {self._parts} is gone, and this package did not remove it ({exc}). "
                "Load the range with refresh=True: what it held is fetched again"
            ) from exc

    def commit(
        self,
        selector: Selector,
        span: Range,
        batches: Iterable[pa.Table],
        *,
        fetched_at: int,
        ahead: Callable[[], int] = int,
        settle: int = SETTLE,
        decode: bool = False,
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
        ahead : callable
            Gives how far the clock that says so is ahead of the portal's, ns, once all came.
        settle : int
            Messages younger than this (ns) go into a part of their own, which the next fetch replaces whole.
        decode : bool
            Decode them for the memo as well: they are about to be asked for.

        Returns
        -------
        int
            The number of messages.
        """
        given: list[npt.NDArray[np.int64]] = []
        known = bool(self._found(selector, span))
        with self._writing() as written:
            for table in parts.portions(batches, selector, span):
                at = table["time"].cast("int64")
                old = pc.less(at, fetched_at - settle)
                halves = [table] if pc.all(old).as_py() else [table.filter(old), table.filter(pc.invert(old))]
                for half in map(messages.in_order, halves):
                    if len(half):
                        written.append(parts.write(self._parts, half))
                    if decode and len(half) >= _SMALL:
                        self.memo.fill(written[-1], half)
                given += [at.to_numpy()] if known else []
            rows = sum(part.rows for part in written)
            with database.transaction(self._ledger, ledger.FORMAT) as db:
                found = ledger.parts(db, span, selector)
                outdated = self._outdated(found, selector, span, given)
                replaced = [part for part in found if part.is_all(selector, outdated)]
                for part in found:
                    if part in replaced:
                        continue
                    rest = self._rest(db, part, selector, outdated)
                    if len(rest) < part.rows:
                        replaced.append(part)
                        if len(rest):
                            written.append(parts.write(self._parts, rest))
                ledger.replace_parts(db, replaced, written, fetched_at)
                ledger.note(db, selector, span, fetched_at - ahead(), settle=settle)
        return rows

    def _rest(self, db: sqlite3.Connection, part: ledger.Part, selector: Selector, span: Range) -> pa.Table:
        """Give what a part holds beside a selector and a span.

        What a lost or damaged file held beside them is to be fetched again when it is asked for.
        """
        try:
            return parts.without(parts.read(self._parts, part), selector, span)
        except (FileNotFoundError, StoreError):
            ledger.forget(db, Range(part.first, part.last + 1))
            return messages.empty()

    def _outdated(
        self, found: list[ledger.Part], selector: Selector, span: Range, given: list[npt.NDArray[np.int64]]
    ) -> Range:
        """Give the part of a span in which what was given replaces what is held."""
        held: list[npt.NDArray[np.int64]] = []
        for part in found:
            with contextlib.suppress(FileNotFoundError, StoreError):
                there = parts.read(self._parts, part, span, selector, columns=_WHOSE)
                held.append(messages.instants(there))
        start = upkeep.forgotten_until(np.concatenate([_NONE, *held]), np.concatenate([_NONE, *given]), span)
        if start > span.start:
            logger.info("of %s the portal has nothing before %s any more: that is kept", span, times.iso(start))
        return Range(start, span.end)

    def tidy(self, day: Range, *, now: int, settle: int = SETTLE) -> None:
        """Merge small parts of a UTC day where that is worth while, and remove the files that nobody needs any more.

        The caller holds the day's lock (`fetching`).
        """
        with database.snapshot(self._ledger, ledger.FORMAT) as db:
            if db is None:
                return
            chosen = upkeep.worth_merging(ledger.parts(db, day, Selector()), day, settled_until=now - settle)
            gone = ledger.gone(db, now - upkeep.GRACE)
            known = ledger.files(db)
        if chosen:
            self._merge(day, {part.file for part in chosen}, now)
        self._remove(upkeep.left_over(self._parts, day, known))
        if gone:
            removed = self._remove(gone)
            with database.transaction(self._ledger, ledger.FORMAT, durable=False) as db:
                ledger.removed(db, removed)

    def _merge(self, day: Range, chosen: set[str], now: int) -> None:
        with self._writing() as written, database.transaction(self._ledger, ledger.FORMAT) as db:
            found, tables = [], []
            for part in ledger.parts(db, day, Selector()):
                if part.file in chosen:
                    # A lost or damaged file is left alone: whoever reads it is told so.
                    with contextlib.suppress(FileNotFoundError, StoreError):
                        tables.append(parts.read(self._parts, part))
                        found.append(part)
            if tables:
                written.append(parts.write(self._parts, pa.concat_tables(tables)))
            ledger.replace_parts(db, found, written, now)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[list[ledger.Part]]:
        """Give the list of the parts that are written within; if that fails, their files go again."""
        written: list[ledger.Part] = []
        try:
            yield written
        except BaseException:
            # An interrupt may come just after the transaction: what the ledger names by now stays.
            with database.snapshot(self._ledger, ledger.FORMAT) as db:
                counting = set() if db is None else ledger.files(db)
            self._remove([part.file for part in written if part.file not in counting])
            raise

    def _remove(self, files: Iterable[str]) -> list[str]:
        """Remove files, and give those that are no more; one that is open may be impossible to remove yet."""
        removed = []
        for file in files:
            with contextlib.suppress(OSError):
                (self._parts / file).unlink(missing_ok=True)
                removed.append(file)
                self.memo.forget(file)
        return removed
