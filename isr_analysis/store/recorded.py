"""What was recorded as it was published: kept beside the history, which takes its place once it is fetched.

Recorded messages never count as fetched. Where the history has settled, it alone counts; where it has not, it comes
first, and of what was recorded only that which it does not have (yet). What a settled history lacks is kept aside: it
may be nowhere else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa

from isr_analysis import database, messages, times
from isr_analysis.errors import StoreError
from isr_analysis.files import locked
from isr_analysis.messages import Selector
from isr_analysis.store import doubles, ledger, parts
from isr_analysis.store.doubles import NEAR
from isr_analysis.store.store import Store
from isr_analysis.times import Range

_SAME = ("time", "client_id", "topic", "payload")


class Aside(Store):
    """Recorded messages: parts of their own, without spans, that nobody can fetch again."""

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

    def in_all(self, selector: Selector, span: Range, settled: list[Range]) -> list[ledger.Part]:
        """Give the parts of a span that a selector means all of, and that lie in one of some ranges."""
        return [part for part in self._found(selector, span) if any(part.is_all(selector, one) for one in settled)]

    def lacking(self, history: Store, part: ledger.Part, *, whole: bool) -> pa.Table:
        """Give the messages of a part that a settled history lacks; of one that is gone or damaged, none.

        It may be the `whole` of what was heard, or what is left of it.
        """
        try:
            table = parts.read(self._parts, part)
        except (FileNotFoundError, StoreError):
            return messages.empty()
        around = Range(part.first - times.MINUTE, part.last + times.MINUTE + 1)
        there = history.read(Selector(), around)
        return table.filter(pa.array(doubles.unconfirmed(there, table, whole=whole)))

    def replace(self, part: ledger.Part, table: pa.Table, *, now: int) -> None:
        """Keep only some messages of a part, or none."""
        with self._writing() as written, database.transaction(self._ledger, ledger.FORMAT) as db:
            if len(table):
                written.append(parts.write(self._parts, table))
            ledger.replace_parts(db, [part], written, now)


class Recorded(Aside):
    """The recorded messages of one account, as long as the history does not have them.

    Attributes
    ----------
    unconfirmed : Aside
        Those that the history lacks although it has settled.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "recorded")
        self.unconfirmed = Aside(folder / "recorded" / "unconfirmed")

    def recording(self, waiting: Callable[[], None]) -> AbstractContextManager[None]:
        """Be the account's one recorder: two would record everything twice. Waits for one that is at work.

        `waiting` is called twice a second of waiting; what it raises ends the wait.
        """
        return locked(self._locks / "recorder.lock", waiting)

    def beside(self, history: Store, selector: Selector, span: Range, *, settle: int, now: int) -> pa.Table:
        """Give what was recorded of a selector in a span and the history does not have.

        Parameters
        ----------
        history : Store
            The account's history.
        selector, span
            What is wanted.
        settle : int
            As for `Store.held`, ns. Of a part over all of which the history has settled, only what that lacks is kept,
            in `unconfirmed`.
        now : int
            The present instant, ns.
        """
        wide = Range(span.start - NEAR, span.end + NEAR)
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
        there = history.read(selector, Range(int(at[0]) - 2 * NEAR, wide.end))
        new = doubles.lacking(there, found)
        return found.filter(pa.array(new & open_ & span.holds(at)))

    def clear(self, span: Range, *, now: int) -> int:
        """Forget the messages of a span, those that the history lacks as well; give how many there were."""
        return super().clear(span, now=now) + self.unconfirmed.clear(span, now=now)

    def _gaps(
        self, history: Store, selector: Selector, span: Range, *, settle: int, now: int
    ) -> dict[str, list[Range]]:
        """Give where the history is yet to settle, by client, or of all; settle what was recorded where it has."""
        around = Range(span.start - times.DAY, span.end + times.DAY)
        spans, _ = history.spans(selector, around)
        gaps = {}
        for one in selector.clients or (ledger.ALL,):
            settled = [known.settled(settle) for known in spans if known.client in (ledger.ALL, one)]
            # The portal may tell of a message that it came a little later: what follows is on its way. Each day is a
            # span of its own, and those in a row are one range: a part ends with its day.
            inner = [one.before(one.end - NEAR) for one in around.minus(around.minus(settled))]
            self._settle(history, Selector(None if one == ledger.ALL else (one,), selector.topic), span, inner, now)
            gaps[one] = span.minus(settled)
        return gaps

    def _settle(self, history: Store, selector: Selector, span: Range, settled: list[Range], now: int) -> None:
        """Forget the parts of a span over which the history has settled; what it lacks of them is kept aside.

        What is aside is compared again each time: the portal may have been late, and asked again since.
        """
        for store in (self.unconfirmed, self):
            if not store.in_all(selector, span, settled):
                continue
            with contextlib.suppress(StoreError), locked(self._locks / "settle.lock"):  # else it can only be read
                found = store.in_all(selector, span, settled)
                for part in found:
                    rest = store.lacking(history, part, whole=store is self)
                    if store is self:
                        self.unconfirmed.append(self.unconfirmed.unknown(rest))  # some may be there since a crash
                    elif len(rest) == part.rows:
                        continue
                    store.replace(part, rest if store is self.unconfirmed else messages.empty(), now=now)
                for day in {times.day_of(part.first) for part in found}:
                    self.unconfirmed.tidy(day, now=now, settle=0)


def _lie_in(gaps: dict[str, list[Range]], table: pa.Table) -> np.ndarray:
    """Tell which messages lie in one of the ranges of their client, or of all."""
    at = messages.instants(table)
    client = np.array(table["client_id"].to_pylist(), object)
    found = np.zeros(len(table), np.bool_)
    for one, ranges in gaps.items():
        mine = np.ones(len(table), np.bool_) if one == ledger.ALL else client == one
        for gap in ranges:
            found |= mine & gap.holds(at)
    return found
