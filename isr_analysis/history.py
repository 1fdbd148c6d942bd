"""The history: what was published, from the store where it is held and from the portal where it is not."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from isr_analysis import frame, messages, payloads, times
from isr_analysis.errors import (
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
    """Load stored messages as a DataFrame; only what is not on disk yet is asked of the portal.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        The publishers' client ids; all of the account if left out.
    topic : str
        An MQTT topic filter on the subpath, such as ``"telemetry/watt_meter"`` or ``"telemetry/#"``.
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The half-open range ``[start, end)``; `end` is now if left out. Without a zone of their own they are read in
        `tz`; a date is its first instant. A time that the clocks of `tz` showed twice or skipped is an error that says
        what to write.
    last : str or timedelta, optional
        In place of `start`: how far back from `end`, such as ``"7d"`` or ``"90min"``.
    tz : str or tzinfo
        The zone of the index, and of instants without one. The machine's own zone never matters.
    fields : str or list of str, optional
        The payload's fields that become columns; all if left out. One that no message has is missing in every row,
        with a warning.
    refresh : bool
        Ask for the whole range again.
    offline : bool
        Never ask the portal for history: give what is on disk, or raise if that is not all. With `end` left out the
        range ends where what is on disk does, and ``attrs["end"]`` says where that is. ``ISR_OFFLINE=1`` in the
        environment means it for every loader.
    max_age : str or timedelta
        What is too young to be settled is asked for again when it was fetched longer ago than this; with ``"0s"``,
        always.
    settle : str or timedelta
        How long after its end a span must have been fetched to count for good, as late messages exist.
    wait : bool
        Wait where the token's requests of the hour are used up, in place of `QuotaExhaustedError`.
    progress : bool or callable, optional
        Show a line of progress; by default where someone is there to see it. A function is called with each page's
        `progress.Status`, and ends the download if it raises.
    portal : Portal, optional
        The connection; by default that of `connect`.

    Returns
    -------
    pandas.DataFrame
        One row a message. Index ``time``: DatetimeIndex in `tz`, ns, sorted. Columns ``client_id`` and ``topic``
        (categories; the topic without account and client), then the payload's fields, nested ones joined with dots:
        integers ``Int64``, reals ``float64``, booleans ``boolean``, text ``str``, mixed kinds ``object``. A payload
        that is no object is in ``value``, one that is no JSON in ``payload``; so is a bare text, unless the portal
        decodes JSON, where it cannot be told from one in quotes. Beyond 500 fields the rarest stay together in
        ``extra``, as JSON, unless `fields` names them. No message: the same index and ``client_id`` and ``topic``, no
        rows. Units are those of the payload.
        ``attrs`` says where it came from: origin, account, selector, range, rows, when fetched,
        ``provisional_from``, the instant from which late messages may still come (empty if none may), and
        ``recorded``, how many of the messages are not from the history: those of `record` that it does not have yet,
        and ``warning``, what was warned of (empty if nothing).

    Raises
    ------
    UsageError
        An argument cannot be used.
    TokenMissingError, TokenRefusedError, AddOnMissingError, QuotaExhaustedError, PortalUnavailableError
        The portal was needed and could not be asked, or refused.
    HistoryIncompleteError
        Part of the range could not be had; also `offline` with part of it not on disk.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        There is no message, and a client or topic of nearly this name has some on disk, or else in the portal's list of
        clients or its live answer. The portal keeps nothing so old, or says beside its messages that some may be
        missing; or it wants one of several choices in each question. Or `offline` without `end`, and less than half of
        the range is on disk.

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
    store = Store(portal.folder)
    before, said = portal.requests, []
    for _ in range(_TRIES):
        began = portal.now()
        if offline:
            span, words = on_disk(portal, selector, span, is_open=end is None)
            said += [one for one in (words, not_kept(store, selector, span)) if one]
        else:
            with _hinting(portal, selector, span, is_open=end is None):
                fetch(
                    portal, store, selector, span, settle=settle_ns, max_age=age_ns, refresh=refresh, decode=True,
                    wait_for_quota=wait, progress=progress, warn=said.append,
                )  # fmt: skip
        decoded, beside = _whole(store, Recorded(portal.folder), selector, span, settle=settle_ns, now=portal.now())
        known = store.held(selector, span, now=portal.now(), settle=settle_ns, max_age=None)
        if all(gap.start >= began - age_ns for _, gap in known.missing):
            break
    else:  # another process clears the store while this one loads
        raise HistoryIncompleteError(
            f"parts of {span} were removed from the store while they were loaded, {_TRIES} times; look what clears it "
            f"(isr cache clear), and try again"
        )
    open_from = [one for one in (known.provisional_from, *messages.instants(beside).tolist()) if one is not None]
    if (silent := _silent(selector, decoded)) is not None:
        words = store.near_misses(silent, None if offline else portal)
        said += [words] if words else []
    said = list(dict.fromkeys(said))
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
        "warning": "; ".join(said),
    }
    return frame.from_decoded(decoded, tz=tz, fields=fields, attrs=attrs)


@contextlib.contextmanager
def _hinting(portal: Portal, selector: Selector, span: Range, *, is_open: bool) -> Iterator[None]:
    """Have the error of a portal that could not be asked say how far what is on disk reaches."""
    try:
        yield
    except (PortalUnavailableError, TokenRefusedError, QuotaExhaustedError) as exc:
        with contextlib.suppress(HistoryIncompleteError):  # then what is on disk has gaps
            reach, _ = on_disk(portal, selector, span, is_open=is_open)
            hint = f". What is on disk of this range reaches to {times.iso(reach.end)}: offline=True loads it"
            exc.args = (f"{exc}{hint}", *exc.args[1:])
        raise


def _silent(selector: Selector, decoded: pa.Table) -> Selector | None:
    """Give that of a selector of which no message came: all of it, or some of the clients that it names."""
    if not len(decoded):
        return selector
    if selector.clients is None:
        return None
    came = decoded["client_id"].unique().to_pylist()
    quiet = tuple(one for one in selector.clients if one not in came)
    return Selector(quiet, selector.topic) if quiet else None


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
