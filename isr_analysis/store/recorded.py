"""What was recorded as it was published: kept beside the history, which takes its place once it is fetched.

Recorded messages never count as fetched. Where the history has settled, it alone counts; where it has not, it comes
first, and of what was recorded only that which it does not have (yet).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa

from isr_analysis import database, messages
from isr_analysis.errors import StoreError
from isr_analysis.files import locked
from isr_analysis.messages import Selector
from isr_analysis.store import doubles, ledger, parts
from isr_analysis.store.doubles import NEAR
from isr_analysis.store.store import Store
from isr_analysis.times import Range

_SAME = ("time", "client_id", "topic", "payload")


class Recorded(Store):
    """The recorded messages of one account: parts of their own, without spans."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "recorded")

    def recording(self, waiting: Callable[[], None]) -> AbstractContextManager[None]:
        """Be the account's one recorder: two would record everything twice. Waits for one that is at work.

        `waiting` is called twice a second of waiting; what it raises ends the wait.
        """
        return locked(self._locks / "recorder.lock", waiting)

    def read(self, selector: Selector, span: Range, *, columns: list[str] | None = None) -> pa.Table:
        """Give the messages of a selector in a span, as `Store.read` does.

        Raises
        ------
        StoreError
            A file is gone or damaged. It is nowhere else, and the history has what was published.
        """
        try:
            return super().read(selector, span, columns=columns)
        except parts.DamagedError as exc:
            raise StoreError(
                f"a file of what was recorded in {self._parts} is gone or damaged ({exc.__cause__}); end the recorder, "
                f"if one runs, and remove the folder {self._parts.parent}: the history has what was published"
            ) from exc

    def append(self, table: pa.Table) -> None:
        """Add messages. Once this returns they outlast a crash."""
        if not len(table):
            return
        with self._writing() as written:
            written.append(parts.write(self._parts, table))
            with database.transaction(self._ledger, ledger.FORMAT) as db:
                ledger.replace_parts(db, [], written, written[0].last)

    def unknown(self, table: pa.Table) -> pa.Table:
        """Give the messages of a table that were not recorded yet: of another client, topic, time or payload."""
        if not len(table):
            return table
        at = messages.instants(table)
        known = self.read(Selector(), Range(int(at.min()), int(at.max()) + 1))
        # Back to the last message of a client that has been silent for months that may be millions.
        there = set(messages.rows(known.filter(pa.array(np.isin(messages.instants(known), at))), *_SAME))
        return table.filter(pa.array([row not in there for row in messages.rows(table, *_SAME)], pa.bool_()))

    def beside(self, history: Store, selector: Selector, span: Range, *, settle: int, now: int) -> pa.Table:
        """Give what was recorded of a selector in a span and the history does not have.

        Parameters
        ----------
        history : Store
            The account's history.
        selector, span
            What is wanted.
        settle : int
            As for `Store.held`, ns. A part over all of which the history has settled is superfluous, and is removed.
        now : int
            The present instant, ns.
        """
        wide = Range(max(0, span.start - NEAR), span.end + NEAR)
        gaps = self._gaps(history, selector, span, settle=settle, now=now)
        first = min((gap.start for one in gaps.values() for gap in one), default=None)
        if first is None:
            return messages.empty()
        found = self.read(selector, Range(max(wide.start, first - 2 * NEAR), wide.end))
        open_ = _lie_in(gaps, found)
        if not open_.any():
            return messages.empty()
        at = messages.instants(found)
        near = at >= at[open_].min() - 2 * NEAR
        found, open_, at = found.filter(pa.array(near)), open_[near], at[near]
        there = history.read(selector, Range(max(0, int(at[0]) - 2 * NEAR), wide.end))
        streamed = np.array([source == messages.STREAM for source in found["source"].to_pylist()], np.bool_)
        new = np.zeros(len(found), np.bool_)
        new[streamed] = doubles.alone(there, found.filter(pa.array(streamed)))
        heard = found.filter(pa.array(new))
        # The live answer gives what the stream gave as well, where both were recorded.
        new[~streamed] = doubles.alone(
            messages.in_order(pa.concat_tables([there, heard])), found.filter(pa.array(~streamed))
        )
        return found.filter(pa.array(new & open_ & (at >= span.start) & (at < span.end)))

    def _gaps(
        self, history: Store, selector: Selector, span: Range, *, settle: int, now: int
    ) -> dict[str, list[Range]]:
        """Give where the history is yet to settle, by client, or of all; forget the parts that lie where it has."""
        spans, _ = history.spans(selector, span)
        gaps = {}
        for one in selector.clients or (ledger.ALL,):
            settled = [known.settled(settle) for known in spans if known.client in (ledger.ALL, one)]
            self._forget(Selector(None if one == ledger.ALL else (one,), selector.topic), settled, now)
            gaps[one] = span.minus(settled)
        return gaps

    def _forget(self, selector: Selector, settled: list[Range], now: int) -> None:
        """Forget the parts that lie in one of the spans over which the history has settled."""
        if not settled:
            return
        around = Range(min(span.start for span in settled), max(span.end for span in settled))

        def done(db: sqlite3.Connection) -> list[ledger.Part]:
            found = ledger.parts(db, around, selector)
            return [part for part in found if any(part.is_all(selector, span) for span in settled)]

        with contextlib.suppress(StoreError):  # a store that can only be read
            with database.snapshot(self._ledger, ledger.FORMAT) as db:
                if db is None or not done(db):
                    return
            with database.transaction(self._ledger, ledger.FORMAT) as db:
                ledger.replace_parts(db, done(db), [], now)


def _lie_in(gaps: dict[str, list[Range]], table: pa.Table) -> np.ndarray:
    """Tell which messages lie in one of the ranges of their client, or of all."""
    at = messages.instants(table)
    client = np.array(table["client_id"].to_pylist(), object)
    found = np.zeros(len(table), np.bool_)
    for one, ranges in gaps.items():
        mine = np.ones(len(table), np.bool_) if one == ledger.ALL else client == one
        for gap in ranges:
            found |= mine & (at >= gap.start) & (at < gap.end)
    return found
