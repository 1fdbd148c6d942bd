"""The history: what was published, from the store where it is held and from the portal where it is not."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings

import pandas as pd
import pyarrow as pa

from isr_analysis import frame, messages, payloads, times
from isr_analysis.amounts import counted
from isr_analysis.errors import (
    AddOnMissingError,
    HistoryIncompleteError,
    PortalUnavailableError,
    QuotaExhaustedError,
    TokenRefusedError,
    UsageError,
)
from isr_analysis.fetch import fetch, not_kept
from isr_analysis.messages import Clients, Selector
from isr_analysis.offline import on_disk
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.store.recorded import Recorded
from isr_analysis.store.store import Store
from isr_analysis.times import Range

_HINTED = (
    AddOnMissingError, HistoryIncompleteError, PortalUnavailableError, QuotaExhaustedError, TokenRefusedError,
)  # fmt: skip
"""Errors beside which it helps to know what is on disk."""

_TRIES = 3
"""How often a range is loaded of which parts are removed from the store meanwhile."""


def load_history(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    refresh: bool = False,
    offline: bool = False,
    max_age: str | dt.timedelta = "60s",
    settle: str | dt.timedelta = "10min",
    wait: bool = False,
    progress: bool | Report | None = None,
    portal: Portal | None = None,
) -> pd.DataFrame:
    """Load stored messages as a DataFrame, fetching from the portal only what is not on disk yet.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        The publishers' client ids; by default, all in the account.
    topic : str
        An MQTT topic filter on the subpath, such as ``"telemetry/watt_meter"`` or ``"telemetry/#"``.
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The half-open range ``[start, end)``; `end` defaults to now. Times without a zone are read in `tz`; a date means
        its first instant. A time that the clocks in `tz` showed twice or skipped is an error that says what to write
        instead.
    last : str or timedelta, optional
        Instead of `start`: how far back from `end`, such as ``"7d"`` or ``"90min"``.
    tz : str or tzinfo
        The time zone of the index, and of times given without one. The machine's own zone is never used.
    fields : str or list of str, optional
        The payload fields to return as columns; by default, all. A field that no message has gives a column of missing
        values, and a warning. What tells channels apart, such as ``chan``, is a field, too (if it is left out, there is
        a warning), and so is a unit: without it, `wide` and the plots cannot tell values in two units apart.
    refresh : bool
        Request the whole range again.
    offline : bool
        Never request history from the portal: return what is on disk, or raise if that is incomplete. Without `end`,
        the range ends where the data on disk ends, which ``attrs["end"]`` gives. ``ISR_OFFLINE=1`` in the environment
        does the same for every loader.
    max_age : str or timedelta
        Data that is too recent to be settled is requested again if it was fetched longer ago than this; with ``"0s"``,
        always.
    settle : str or timedelta
        How long after its end a span must have been fetched to count as final, since messages may arrive late.
    wait : bool
        Wait when this hour's requests are used up, instead of raising `QuotaExhaustedError`.
    progress : bool or callable, optional
        Show a progress line; by default, only if someone is there to see it. A function is called with the
        `progress.Status` after each page, and ends the download if it raises.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Returns
    -------
    pandas.DataFrame
        One row per message, in the units of the payload. Index ``time``: DatetimeIndex in `tz`, ns, sorted; where the
        portal gives several times of a message, the one by which it answers ranges. Columns
        ``client_id`` and ``topic`` (categories; the topic without account and client), then the payload's fields, with
        nested names joined by dots: integers ``Int64``, reals ``float64``, booleans ``boolean``, text ``str``, mixed
        kinds ``object``. JSON that is not an object is in ``value``, and anything that is not JSON in ``payload``,
        including bare text (unless the portal decodes JSON: then bare and quoted text look the same). Beyond 500
        fields, the rarest are combined as JSON in ``extra``, unless `fields` names them. Without any message: the same
        index, ``client_id`` and ``topic``, no rows.

        ``attrs`` gives the origin, account, selector, range, number of rows and time of fetching;
        ``provisional_from``, the time from which late messages may still arrive (empty if none can); ``recorded``, how
        many messages come from `record` because the history does not have them yet; ``unconfirmed``, how many recorded
        ones are left out because it has settled without them (see `load_recorded`); and ``warning``, the text of any
        warnings (empty if none).

    Raises
    ------
    UsageError
        An argument cannot be used.
    TokenMissingError, TokenRefusedError, AddOnMissingError, QuotaExhaustedError, PortalUnavailableError
        The portal was needed, but could not be reached or refused.
    HistoryIncompleteError
        Part of the range could not be fetched, or is not on disk with `offline`.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        `fields` leaves out what tells channels apart. There is no message, but a client or topic with a similar name
        has some on disk or is in the portal's list of clients or its live answer. The portal keeps nothing that old,
        says that some messages may be missing, or wants one of several choices with each request. Its history has
        settled without messages that were recorded. With `offline` and no `end`: less than half of the range is on
        disk.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     df = isr.load_history("isr-shack-01", "telemetry/watt_meter", last="2h", portal=portal)
    ...     df.index.name, str(df.index.tz), df["topic"].unique().tolist()
    ('time', 'UTC', ['telemetry/watt_meter'])
    """
    messages.check_flags(refresh=refresh, offline=offline, wait=wait)
    settle_ns, age_ns = times.duration(settle, name="settle"), times.duration(max_age, name="max_age", zero=True)
    if refresh and offline:
        raise UsageError("refresh=True asks the portal and offline=True never does; give one of the two")
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal)
    offline = offline or (portal.profile.is_offline and not refresh)
    before, said = portal.requests, []
    store = Store(portal.folder)
    for _ in range(_TRIES):
        began = portal.now()
        try:
            if offline:
                span, words = on_disk(portal, selector, span, is_open=end is None)
                said += [one for one in (words, not_kept(store, selector, span)) if one]
            else:
                fetch(
                    portal, store, selector, span, settle=settle_ns, max_age=age_ns, refresh=refresh, decode=True,
                    wait_for_quota=wait, progress=progress, warn=said.append,
                )  # fmt: skip
        except _HINTED as exc:
            exc.args = (f"{exc}{_instead(portal, selector, span, is_open=end is None)}", *exc.args[1:])
            raise
        recorded = Recorded(portal.folder)
        decoded, beside = _whole(store, recorded, selector, span, settle=settle_ns, now=portal.now())
        known = store.held(selector, span, now=portal.now(), settle=settle_ns, max_age=None)
        if all(gap.start >= began - age_ns for _, gap in known.missing):
            break
    else:  # another process clears the store while this one loads
        raise HistoryIncompleteError(
            f"parts of {span} were removed from the store while they were loaded, {_TRIES} times; look what clears it "
            f"(isr cache clear), and try again"
        )
    open_from = [one for one in (known.provisional_from, *messages.instants(beside).tolist()) if one is not None]
    unconfirmed = recorded.unconfirmed.count(selector, span)
    silent = _silent(selector, decoded)
    misses = "" if silent is None else store.near_misses(silent, None if offline else portal)
    said = list(dict.fromkeys([*said, *filter(None, (misses, _without_recorded(span, unconfirmed)))]))
    for words in said:
        warnings.warn(words, stacklevel=2)
    attrs = {
        "source": "history",
        **connection.provenance(portal, selector),
        "start": times.iso(span.start),
        "end": times.iso(span.end),
        "fetched_at": times.iso(known.fetched_at) if known.fetched_at is not None else "",
        "provisional_from": times.iso(min(open_from)) if open_from else "",
        "requests": portal.requests - before,
        "rows": len(decoded),
        "recorded": len(beside),
        "unconfirmed": unconfirmed,
        "warning": "; ".join(said),
    }
    return frame.from_decoded(decoded, tz=tz, fields=fields, attrs=attrs)


def _instead(portal: Portal, selector: Selector, span: Range, *, is_open: bool) -> str:
    """Say what of a range can be had from disk, where the portal does not give it."""
    said = ""
    with contextlib.suppress(HistoryIncompleteError):  # then what is on disk has gaps
        reach, _ = on_disk(portal, selector, span, is_open=is_open)
        said = f". What is on disk of this range reaches to {times.iso(reach.end)}: offline=True loads it"
    recorded = Recorded(portal.folder)
    if recorded.count(selector, span) or recorded.unconfirmed.count(selector, span):
        said += ". isr.load_recorded() gives what was recorded of it"
    return said


def _silent(selector: Selector, decoded: pa.Table) -> Selector | None:
    """Give that of a selector of which no message came: all of it, or some of the clients that it names."""
    if not len(decoded):
        return selector
    if selector.clients is None:
        return None
    came = decoded["client_id"].unique().to_pylist()
    quiet = tuple(one for one in selector.clients if one not in came)
    return Selector(quiet, selector.topic) if quiet else None


def _without_recorded(span: Range, count: int) -> str:
    """Say that the history lacks so many messages that were recorded; "" if it lacks none."""
    if not count:
        return ""
    return (
        f"the portal's history of {span} has settled without {counted(count, 'message')} that `record` heard; "
        "isr.load_recorded() gives them, refresh=True asks the portal again, and `isr cache clear --recorded` removes "
        "them"
    )


def _whole(
    store: Store, recorded: Recorded, selector: Selector, span: Range, *, settle: int, now: int
) -> tuple[pa.Table, pa.Table]:
    """Give what is held and what was recorded that the history lacks, decoded; and the latter alone, as published."""
    while True:
        before = store.spans(selector, span)
        beside = recorded.beside(store, selector, span, settle=settle, now=now)
        decoded = store.decoded(selector, span)
        if not len(beside):
            return decoded, beside
        if store.spans(selector, span) == before:  # else something was fetched between the two
            return payloads.concat([decoded, payloads.decode(beside)]), beside
