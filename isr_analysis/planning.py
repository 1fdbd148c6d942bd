"""What a load would ask for."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from isr_analysis import times
from isr_analysis.amounts import counted, percent
from isr_analysis.fetch import questions
from isr_analysis.holdings import windows
from isr_analysis.messages import Clients, Selector, check_flags
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.quota import Quota
from isr_analysis.store import ledger
from isr_analysis.store.store import Store
from isr_analysis.times import Range


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load would request, returned by `plan_history`.

    Parameters
    ----------
    windows : pandas.DataFrame
        What would be requested: one row per window, with columns ``client_id`` (``"*"`` means all), ``topic``,
        ``start``, ``end`` and ``requests`` (the expected number, or the minimum if there is nothing to estimate from).
    rows : int
        Messages that are already on disk.
    share : float
        The fraction of the range that is on disk, 0 to 1.
    requests : int
        The expected number of requests.
    quota : Quota
        What is left of this hour's requests.
    seconds : float or None
        The expected duration, s; None if no download has been timed yet.
    at_least : bool
        Whether `requests` and `seconds` are only minimums, because nothing similar has been loaded yet.
    warning : str
        If everything is on disk but nothing of a client or of the topic: those with similar names.
    """

    windows: pd.DataFrame
    rows: int
    share: float
    requests: int
    quota: Quota
    seconds: float | None
    at_least: bool = False
    warning: str = ""

    def __str__(self) -> str:
        rows = counted(self.rows, "message")
        if not self.requests:
            return "; ".join([f"{rows}, all of it on disk: no request", *filter(None, [self.warning])])
        rows += " of parts of it" if self.rows and not self.share else ""
        about = "at least" if self.at_least else "about"
        time = "" if self.seconds is None else f", {about} {max(self.seconds, 1):.0f} s"
        over = "" if self.requests <= self.quota.left else " (more than are left: it would end early, or wait)"
        return (
            f"{percent(self.share)} on disk ({rows}); to fetch: {counted(len(self.windows), 'window')}, {about} "
            f"{counted(self.requests, 'request')} of {self.quota.left:,} left this hour{over}{time}"
        )

    __repr__ = __str__


def plan_history(
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
    portal: Portal | None = None,
) -> Plan:
    """Estimate what `load_history` would request with the same arguments, and how long that would take.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, refresh, max_age, settle, portal
        See `load_history`.

    Returns
    -------
    Plan
        What is on disk and what is missing; printed, it is one line. Its ``windows`` lists what would be requested.

    Raises
    ------
    UsageError
        An argument cannot be used.
    IsrError
        The portal's OpenAPI document, which says how to ask, was requested and this failed. If the portal wants one
        client per request, the list of clients may be requested too, but is optional. History is never requested.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     plan = isr.plan_history(last="1h", portal=portal)
    >>> plan.rows, plan.share, plan.at_least
    (0, 0.0, True)
    """
    check_flags(refresh=refresh)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal, to_the_second=True)
    store = Store(portal.folder)
    now = portal.now()
    missing = store.held(
        selector,
        span,
        now=now,
        settle=times.duration(settle, name="settle"),
        max_age=times.duration(max_age, name="max_age", zero=True),
        since=now if refresh else None,
    ).missing
    asked = questions(portal, selector, missing) if missing else []
    rows = store.count(selector, span)
    whole = (min(span.end, now) - span.start) * len(selector.clients or (None,))
    lacking = sum(window.end - window.start for _, window in missing)
    count = functools.cache(store.count)  # the days around one window are those around the next
    likely = [_requests(portal, store, one, window, count) for one, window in asked]
    whose = ((one.clients[0] if one.clients else ledger.ALL, one.topic, window) for one, window in asked)
    least, is_known = _least(portal, asked) if asked else ([], True)
    table = windows(list(whose), tz)
    table["requests"] = pd.Series([max(one or 0, few) for one, few in zip(likely, least, strict=True)], dtype="int64")
    requests = int(table["requests"].sum())
    speed = store.speed()
    return Plan(
        table,
        rows,
        1 - lacking / whole,
        requests,
        portal.quota,
        None if speed is None else speed * requests,
        None in likely or not is_known,
        "" if missing else store.near_misses(selector, portal),
    )


def _least(portal: Portal, asked: list[tuple[Selector, Range]]) -> tuple[list[int], bool]:
    """Give how many requests each window takes at least, also to learn that it is empty; and whether that is known.

    A portal may want one client named in each, or shorter ranges.
    """
    known = portal.contract.history
    most = None if known.longest is None else times.duration(known.longest)
    one_by_one = known.client_required and any(selector.clients is None for selector, _ in asked)
    clients = len(portal.listed_clients(())[0]) if one_by_one else 0
    least = [
        (clients or 1 if selector.clients is None else 1) * (1 if most is None else -(-(span.end - span.start) // most))
        for selector, span in asked
    ]
    return least, not one_by_one or clients > 0


def _requests(
    portal: Portal, store: Store, selector: Selector, window: Range, count: Callable[[Selector, Range], int]
) -> int | None:
    """Estimate the requests of a window from how many messages the days around it had, or those nearest to it.

    None if nobody knows.
    """
    around = _week_around(window)
    if not (known := _fetched(store, selector, around)):
        ever = [one.range for one in store.spans(selector, times.EVER)[0]]
        if not ever:
            return None
        nearest = min(ever, key=lambda one: max(one.start - window.end, window.start - one.end))
        edge = nearest.start if nearest.start >= window.end else nearest.end
        around = _week_around(Range(edge, edge))
        known = _fetched(store, selector, around)
    rows = sum(count(selector, day) for day in around.days()) * (window.end - window.start) / known
    return -(-round(rows) // portal.contract.history.page_size)


def _week_around(span: Range) -> Range:
    return Range(span.start - 7 * times.DAY, span.end + 7 * times.DAY)


def _fetched(store: Store, selector: Selector, span: Range) -> int:
    """Give how much (ns) of a span was fetched; spans of all clients and of one, or of topics, may overlap."""
    unknown = span.minus([one.range for one in store.spans(selector, span)[0]])
    return span.end - span.start - sum(part.end - part.start for part in unknown)
