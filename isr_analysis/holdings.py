"""The store from outside: what it covers, and bringing it up to date."""

from __future__ import annotations

import datetime as dt
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.fetch import fetch
from isr_analysis.messages import Clients, Selector, check_flags, overlap
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.store import ledger
from isr_analysis.store.parts import DamagedError
from isr_analysis.store.store import Store
from isr_analysis.times import Range

_COLUMNS = ["client_id", "topic", "start", "end", "state", "fetched_at", "detail"]


@dataclass(frozen=True, slots=True)
class Synced:
    """What `sync` did.

    Parameters
    ----------
    rows : int
        Messages that were fetched.
    requests : int
        Requests that were made.
    seconds : float
        How long it took, s.
    provisional_from : str
        The time from which late messages may still arrive (ISO 8601, UTC); empty if none can.
    """

    rows: int
    requests: int
    seconds: float
    provisional_from: str

    def __str__(self) -> str:
        return f"{counted(self.rows, 'message')} came, {counted(self.requests, 'request')}, {self.seconds:.1f} s"

    __repr__ = __str__


def sync(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    refresh: bool = False,
    max_age: str | dt.timedelta = "60s",
    settle: str | dt.timedelta = "10min",
    wait: bool = False,
    progress: bool | Report | None = None,
    portal: Portal | None = None,
) -> Synced:
    """Fetch what is missing into the store without loading it, so that memory use stays flat whatever the size.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, refresh, max_age, settle, wait, progress, portal
        See `load_history`.

    Returns
    -------
    Synced
        Messages, requests and seconds; printed, it is one line.

    Raises
    ------
    IsrError
        See `load_history`.

    Warns
    -----
    UserWarning
        A client or the topic has nothing on disk, and others have a similar name.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     done = isr.sync(last="1h", portal=portal)
    >>> done.rows > 0
    True
    """
    check_flags(refresh=refresh, wait=wait)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal, to_the_second=True)
    store, before, began = Store(portal.folder), portal.requests, time.monotonic()
    settle_ns = times.duration(settle, name="settle")
    rows = fetch(
        portal, store, selector, span, settle=settle_ns, max_age=times.duration(max_age, name="max_age", zero=True),
        refresh=refresh, wait_for_quota=wait, progress=progress,
    )  # fmt: skip
    if words := store.near_misses(selector, portal):
        warnings.warn(words, stacklevel=2)
    if lost := store.health(selector, span).lost:
        raise DamagedError(
            f"of {span} {counted(len(lost), 'file')} of the store in {portal.folder} cannot be used, as the first, "
            f"{lost[0]}, is gone or cut. Load the range with refresh=True: what was in them is fetched again"
        )
    open_from = store.held(selector, span, now=portal.now(), settle=settle_ns, max_age=None).provisional_from
    return Synced(
        rows, portal.requests - before, time.monotonic() - began, "" if open_from is None else times.iso(open_from)
    )


def coverage(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    settle: str | dt.timedelta = "10min",
    portal: Portal | None = None,
) -> pd.DataFrame:
    """List which parts of a range are on disk and how final they are; without a range, everything ever fetched.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, settle, portal
        See `load_history`. Without `start`, `end` and `last`, all fetched spans of these clients and of topics that
        overlap the filter are listed, and no missing ones; without any argument, the whole ledger.

    Returns
    -------
    pandas.DataFrame
        One row per span, sorted by client and time, with a RangeIndex. Columns ``client_id`` (str; ``"*"`` means all
        clients), ``topic`` (str; the filter that was used), ``start`` and ``end`` (half-open, in `tz`), ``state`` (str:
        ``settled``, fetched long enough after its end; ``provisional``, late messages may still arrive; ``missing``,
        never fetched; ``failed``, fetching failed), ``fetched_at`` (in `tz`, NaT where missing) and ``detail`` (str,
        why it failed). Times that depend on the present are cut to the second.

    Raises
    ------
    UsageError
        An argument cannot be used.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     isr.coverage(last="1h", portal=portal)["state"].tolist()
    ['missing']
    """
    settle_ns = times.duration(settle, name="settle")
    if start is None and end is None and last is None:
        selector, zone = Selector.of(client_id, topic), times.zone(tz)
        ever = Store(connection.current(portal).folder).all_spans(times.EVER)
        found = [one for one in ever if overlap(one.topic, selector.topic) and _is_of(one, selector)]
        return _told(_held(found, times.EVER, settle_ns), times.EVER, zone)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal, to_the_second=True)
    until = span.before(times.whole_second(portal.now()))
    found, failed = Store(portal.folder).spans(selector, span)
    rows = list(_held(found, span, settle_ns))
    for client in selector.clients or (ledger.ALL,):
        whose = (ledger.ALL, client)
        gaps = until.minus([one.range for one in found if one.client in whose])
        rows += _not_held(client, selector.topic, gaps, [one for one in failed if one[0].client in whose])
    return _told(rows, span, tz)


def _is_of(one: ledger.Span, selector: Selector) -> bool:
    return one.client == ledger.ALL or selector.clients is None or one.client in selector.clients


def _told(given: Iterable[_Row], span: Range, tz: str | dt.tzinfo) -> pd.DataFrame:
    """Make the frame of `coverage`."""
    rows = [row._replace(range=_cut(row.range, span)) for row in given]
    rows = sorted((row for row in rows if row.range), key=lambda row: (row.client, row.range))
    table = windows([(row.client, row.topic, row.range) for row in rows], tz)
    table["state"] = pd.Series([row.state for row in rows], dtype="str")
    fetched_at = pd.Series([row.fetched_at for row in rows], dtype="Int64")
    table["fetched_at"] = pd.to_datetime(fetched_at, unit="ns", utc=True).dt.tz_convert(times.zone(tz))
    table["detail"] = pd.Series([row.detail for row in rows], dtype="str")
    return table[_COLUMNS]


class _Row(NamedTuple):
    """A row of `coverage`."""

    client: str
    topic: str
    range: Range
    state: str
    fetched_at: int | None = None
    detail: str = ""


def _held(found: list[ledger.Span], span: Range, settle: int) -> Iterator[_Row]:
    """Give what was fetched: what of it has settled, and what has not."""
    for one in found:
        settled = one.settled(settle)
        settled = settled.before(times.whole_second(settled.end))
        for part, state in ((settled, "settled"), (Range(settled.end, one.range.end), "provisional")):
            if inside := part.common(span):
                yield _Row(one.client, one.topic, inside, state, times.whole_second(one.fetched_at))


def _cut(part: Range, span: Range) -> Range:
    """Cut to the second what is not an end of the range that was asked for: it was the present of some download."""
    start, end = (one if one in (span.start, span.end) else times.whole_second(one) for one in (part.start, part.end))
    return Range(start, end)


def _not_held(client: str, topic: str, gaps: list[Range], failed: list[tuple[ledger.Span, str]]) -> Iterator[_Row]:
    """Give what was not fetched: where that was tried, with the words of the last failure."""
    for gap in gaps:
        left = [gap]
        for tried, words in failed:
            for one in left:
                if part := tried.range.common(one):
                    yield _Row(client, topic, part, "failed", times.whole_second(tried.fetched_at), words)
            left = [rest for one in left for rest in one.minus([tried.range])]
        for rest in left:
            yield _Row(client, topic, rest, "missing")


def windows(rows: list[tuple[str, str, Range]], tz: str | dt.tzinfo) -> pd.DataFrame:
    """Make a frame of clients, topics and ranges, whose columns are ``client_id``, ``topic``, ``start`` and ``end``."""
    zone = times.zone(tz)

    def instants(values: list[int]) -> pd.Series:
        return pd.Series(pd.DatetimeIndex(values, dtype="datetime64[ns]").tz_localize("UTC").tz_convert(zone))

    return pd.DataFrame(
        {
            "client_id": pd.Series([row[0] for row in rows], dtype="str"),
            "topic": pd.Series([row[1] for row in rows], dtype="str"),
            "start": instants([row[2].start for row in rows]),
            "end": instants([row[2].end for row in rows]),
        }
    )
