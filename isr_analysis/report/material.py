"""The data for a report: the messages on disk of a selection and a range, complete or not."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import isr_analysis as isr
from isr_analysis import frame, messages, times
from isr_analysis.checks import quality
from isr_analysis.checks.absence import FAILED, NEVER_FETCHED, SILENT
from isr_analysis.checks.series import nanoseconds, stamps
from isr_analysis.errors import AddOnMissingError, HistoryIncompleteError, IsrError, in_words
from isr_analysis.messages import Clients, Selector
from isr_analysis.offline import keeping, missing, on_disk
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.report.chapters import Chapter, broken, chapter
from isr_analysis.report.outline import Problem
from isr_analysis.store.store import Store
from isr_analysis.times import Range

_PIECE = 30 * times.DAY
_CHAPTERS = 200  # of so many topics, each some 0.1 s; a page of thousands nobody could read
_WHOSE = ["time", "client_id", "topic", "seq"]
_LACKING = ["missing", "failed"]
_FETCHING = [NEVER_FETCHED, FAILED]


class Material:
    """The data for a report: the messages on disk of a selection and range, and the current state from the portal.

    Parameters
    ----------
    selector : Selector
        The selected messages.
    span : Range
        The range.
    tz : str or tzinfo
        The time zone of all times.
    portal : Portal
        The connection.
    problems : list of Problem
        What went wrong while updating the store.
    """

    def __init__(
        self, selector: Selector, span: Range, *, tz: str | dt.tzinfo, portal: Portal, problems: list[Problem]
    ) -> None:
        self.selector = selector
        self.span = span
        self.tz = tz
        self.portal = portal
        self.problems = problems
        self._store = Store(portal.folder)
        self._check = keeping(portal, selector, span, offline=True)

    @property
    def zone(self) -> dt.tzinfo:
        """The time zone of all times."""
        return times.zone(self.tz)

    @property
    def is_offline(self) -> bool:
        """Whether the portal must not be asked, so that its last known answers are used."""
        return self.portal.profile.is_offline

    @functools.cached_property
    def until(self) -> int:
        """The end of the data that can exist: the range's own end, or now."""
        return max(self.span.start + 1, min(self.span.end, self.portal.now()))

    @functools.cached_property
    def coverage(self) -> pd.DataFrame:
        """Which parts of the range are on disk; see `isr_analysis.coverage`."""
        clients = self.selector.client_id
        return isr.coverage(
            clients, self.selector.topic, start=times.iso(self.span.start), end=times.iso(self.span.end), tz=self.tz,
            portal=self.portal,
        )  # fmt: skip

    @property
    def lacking(self) -> pd.DataFrame:
        """The rows of `coverage` that are not on disk, except the last moment, which is left to the next sync."""
        known = self.coverage
        moment = known["start"] >= instant(self.until - times.MINUTE, self.zone)
        return known[known["state"].isin(_LACKING) & ~moment]

    @functools.cached_property
    def heard(self) -> pd.DataFrame:
        """Who published when and on which topic: the frame of `load_history` without payload fields."""
        tables, at = [], self.span.start
        while at < self.span.end:  # in pieces, as sorting a year at once takes long
            piece = Range(at, min((at // _PIECE + 1) * _PIECE, self.span.end))
            tables.append(self._store.read(self.selector, piece, columns=_WHOSE))
            at = piece.end
        table = pa.concat_tables(tables)
        self._check(self.span)
        rows = pd.DataFrame({name: table[name].dictionary_encode().to_pandas() for name in ("client_id", "topic")})
        rows.index = stamps(messages.instants(table), self.zone).rename("time")
        rows.attrs.update(self._attrs(len(rows)))
        return rows

    @property
    def topics(self) -> list[str]:
        """The topics with any messages, sorted by name."""
        return sorted(self.heard["topic"].cat.categories)

    def topic(self, name: str) -> pd.DataFrame:
        """Return the frame of one topic, as `load_history` does."""
        table = self._store.decoded(Selector(self.selector.clients, name), self.span)
        self._check(self.span)
        return frame.from_decoded(table, tz=self.tz, attrs=self._attrs(len(table)))

    @functools.cached_property
    def chapters(self) -> list[Chapter]:
        """The content for each topic (if there are very many, the fullest ones); a failure affects only its topic."""
        made = []
        fullest = self.heard["topic"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
        for name in sorted(fullest.index[:_CHAPTERS]):
            try:
                span = Range(self.span.start, self.until)
                made.append(chapter(name, self.topic(name), span, self.coverage, self.heard))
            except Exception as exc:  # noqa: BLE001 (whatever it is: it concerns this topic alone)
                made.append(broken(name, exc))
        return made

    @functools.cached_property
    def publishers(self) -> pd.DataFrame | IsrError:
        """The selection's listed publishers, then those heard but not listed; or why there is no list."""
        try:
            found = isr.load_publishers(max_age="1h", portal=self.portal)
        except IsrError as exc:
            return exc
        if self.selector.clients:
            found = found[found["client_id"].isin(self.selector.clients)]
        return with_heard(found, self.heard)

    @functools.cached_property
    def live(self) -> pd.DataFrame | IsrError:
        """The last message of each publisher of the selection, or why there is none."""
        clients = self.selector.client_id
        try:
            return isr.load_live(clients, self.selector.topic, tz=self.tz, max_age="5min", portal=self.portal)
        except IsrError as exc:
            return exc

    @functools.cached_property
    def findings(self) -> pd.DataFrame:
        """What looks wrong; see `isr_analysis.quality`."""
        fleet = quality(self.heard, self.coverage)
        topics = self.heard.groupby("client_id", observed=True)["topic"].nunique()
        single = set(topics[topics == 1].index)
        silent = fleet["kind"] == SILENT
        found = [fleet[fleet["kind"].isin(_FETCHING) | (silent & ~fleet["client_id"].isin(single))]]
        for own in (one.findings for one in self.chapters if len(one.findings)):
            # That a client is silent on all of its topics stands there already. Where it has only one, that topic's
            # messages tell more: whether another client went on in its place.
            silent = (own["kind"] == SILENT) & (own["channel"] == "") & ~own["client_id"].isin(single)
            found += [own[~silent & ~own["kind"].isin(_FETCHING)]]
        rows = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
        return rows.sort_values(["start", "client_id", "topic"], kind="stable", ignore_index=True)

    @functools.cached_property
    def share(self) -> pd.Series:
        """For each client, the share of the range's hours in which at least one message arrived, 0 to 1.

        Hours are counted from the start of the range; a remainder at its end counts if it is half an hour or more.
        """
        many = max(1, (self.until - self.span.start + times.HOUR // 2) // times.HOUR)
        hour = np.minimum((nanoseconds(self.heard.index) - self.span.start) // times.HOUR, many - 1)
        rows = pd.DataFrame({"client_id": self.heard["client_id"].astype("str").to_numpy(), "hour": hour})
        return rows.drop_duplicates().groupby("client_id")["hour"].size() / many

    @property
    def _open_from(self) -> str:
        """From when on late messages may still come: of what is on disk, as what is not is told by `coverage`."""
        late = self.coverage["state"] == "provisional"
        if late.any():
            return times.iso(int(nanoseconds(pd.DatetimeIndex(self.coverage.loc[late, "start"])).min()))
        return times.iso(self.until) if self.until < self.span.end else ""

    def _attrs(self, rows: int) -> dict[str, Any]:
        known = self._store.held(self.selector, self.span, now=self.portal.now(), max_age=None)
        return {
            "source": "history",
            **connection.provenance(self.portal, self.selector),
            "start": times.iso(self.span.start),
            "end": times.iso(self.span.end),
            "fetched_at": times.iso(known.fetched_at) if known.fetched_at is not None else "",
            "provisional_from": self._open_from,
            "rows": rows,
        }


def gather(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    offline: bool = False,
    portal: Portal | None = None,
) -> Material:
    """Update the store and return the data for a report.

    Unlike a loader, this does not raise if the portal fails: it uses what is on disk, and says what is missing.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, portal
        See `load_history`.
    offline : bool
        Use what is on disk and request no history; without `end`, the range ends where the data does.

    Returns
    -------
    Material
        Its ``problems`` list what went wrong.

    Raises
    ------
    UsageError
        An argument cannot be used.
    TokenMissingError, WrongAccountError
        The account is not known.

    Examples
    --------
    >>> from isr_analysis import report
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     material = report.gather(last="1h", portal=portal)
    >>> material.problems
    []
    """
    messages.check_flags(offline=offline)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal)
    if offline or portal.profile.is_offline:
        span, problems = kept(portal, selector, span, is_open=end is None)
        if offline and end is not None:
            problems = []  # told by whoever brought it: `build_report` sets both
    else:
        problems = bring(portal, selector, span, progress=None)
    return Material(selector, span, tz=tz, portal=portal, problems=problems)


def bring(portal: Portal, selector: Selector, span: Range, *, progress: Any) -> list[Problem]:
    """Fetch what is missing of a selection, up to its very end, and tell what went wrong in doing so."""
    try:
        isr.sync(
            selector.client_id, selector.topic, start=times.iso(span.start), end=times.iso(span.end), max_age="1s",
            progress=progress, portal=portal,
        )  # fmt: skip
    except IsrError as exc:
        return [Problem("History", f"not all of it could be fetched: {in_words(exc)}")]
    return []


def kept(portal: Portal, selector: Selector, span: Range, *, is_open: bool) -> tuple[Range, list[Problem]]:
    """Give the range as far as it is on disk, if it has no end of its own, and tell what of it is not."""
    try:
        found, warning = on_disk(portal, selector, span, is_open=is_open)
    except HistoryIncompleteError:
        if is_open:  # the time since, up to now, is no news of a report that is made offline
            until = max((one.range.end for one in Store(portal.folder).spans(selector, span)[0]), default=span.start)
            span = Range(span.start, until) if 0 <= span.end - until <= until - span.start else span
        return span, [Problem("History", missing(portal, selector, span))]
    return found, [Problem("History", warning)] if warning else []


def is_closed(found: object) -> bool:
    """Tell whether the account's add-ons do not open a source; that is how it is, and no failure."""
    return isinstance(found, AddOnMissingError)


def instant(ns: int, zone: dt.tzinfo) -> pd.Timestamp:
    """Turn ns into an instant of a zone."""
    return stamps([ns], zone)[0]


def with_heard(known: pd.DataFrame, heard: pd.DataFrame) -> pd.DataFrame:
    """Put behind the list of publishers who was heard and is not on it, such as one that was deleted since."""
    clients = pd.Series(heard["client_id"].cat.categories.astype("str"), dtype=known["client_id"].dtype)
    others = clients[~clients.isin(known["client_id"])]
    if others.empty:
        return known
    rows = pd.DataFrame({"client_id": others}).astype({"client_id": known["client_id"].dtype})
    found = pd.concat([known, rows], ignore_index=True)
    found.attrs = dict(known.attrs)
    return found
