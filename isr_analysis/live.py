"""The live answer: the last message of each publisher."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import answers, frame, messages, offline, times
from isr_analysis.errors import AddOnMissingError, AnswerError, IsrError
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal import connection, lists
from isr_analysis.portal.portal import Portal
from isr_analysis.reading.asking import Asker
from isr_analysis.reading.reach import LATE, ZONELESS
from isr_analysis.store import hints
from isr_analysis.times import Range

if TYPE_CHECKING:  # requests-cache takes as long to import as all else
    from isr_analysis.answers import Page
    from isr_analysis.contract.contract import Contract
    from isr_analysis.portal.responses import Kept

_JUST_NOW = 10.0
"""Seconds for which an answer that just came is read once more, in another way, and not asked for again."""

_SLACK = 2 * times.SECOND
"""How far instants may be off (ns) that follow from how many seconds ago they were."""


def load_live(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    max_age: str | dt.timedelta = "10s",
    portal: Portal | None = None,
) -> pd.DataFrame:
    """Load the last message of each publisher.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        Only these publishers; by default, all.
    topic : str
        An MQTT topic filter on the subpath; last messages that do not match it are left out.
    tz : str or tzinfo
        The time zone of the index.
    fields : str or list of str, optional
        The payload fields to return as columns; by default, all. A field that no message has gives a column of missing
        values, and a warning.
    max_age : str or timedelta
        A cached answer no older than this is used; with ``"0s"``, the portal is always asked.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Returns
    -------
    pandas.DataFrame
        The same format as from `load_history`: one row per message, index ``time`` (when it was published), columns
        ``client_id``, ``topic``, then the payload's fields. A publisher that never published has no row.
        ``attrs["fetched_at"]`` is when the portal answered, ``attrs["stale"]`` whether that is longer ago than
        `max_age` because the portal could not be reached, and ``attrs["warning"]`` the text of any warnings (empty if
        none).

    Raises
    ------
    UsageError
        An argument cannot be used.
    TokenMissingError, TokenRefusedError, AddOnMissingError, QuotaExhaustedError, PortalUnavailableError
        The portal could not be reached, or refused.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        The portal has no publisher with a name in `client_id`, gave a round number of messages and may have more, or
        says that some may be missing. Or nothing matched `topic`, which resembles a topic of the answer or begins with
        a slash, as topics hardly ever do.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     live = isr.load_live("isr-shack-01", portal=portal)
    >>> live["client_id"].tolist()
    ['isr-shack-01']
    """
    zone = times.zone(tz)
    selector = Selector.of(client_id, topic)
    age = times.duration(max_age, name="max_age", zero=True) / times.SECOND
    portal = connection.current(portal)
    kept, table, _ = last_messages(portal, selector, max_age=age)
    silent = set(selector.clients or ()).difference(table["client_id"].to_pylist())
    said = lists.caveats(portal.responses, portal.routes.live)
    if silent and (unknown := strangers(portal, selector)):
        said.insert(0, unknown)
    if not len(table):
        said += [f"no message of {selector} came: {one}" for one in hints.misheard(selector.topic, portal)]
    for words in said:
        warnings.warn(words, stacklevel=2)
    attrs = {
        "source": "live",
        **connection.provenance(portal, selector),
        **lists.freshness(kept),
        "rows": len(table),
        "warning": "; ".join(said),
    }
    return frame.to_frame(table, tz=zone, fields=fields, attrs=attrs)


class Last(NamedTuple):
    """The last messages of the publishers.

    Parameters
    ----------
    answers : list of Kept
        The portal's answers that they are in.
    table : pyarrow.Table
        Those that are meant, in order.
    slack : int
        How far their instants may be off, ns, where the portal says only how long ago they were.
    """

    answers: list[Kept]
    table: pa.Table
    slack: int


def last_messages(portal: Portal, selector: Selector, *, max_age: float) -> Last:
    """Give the last messages of a selector, from answers that are at most `max_age` seconds old."""

    def read(age: float) -> list[tuple[Kept, Page]]:
        routes, found, form, unread = portal.routes, None, None, None
        try:
            found = lists.live(portal.responses, routes, portal.account_id, max_age=age)
            if not any(page.payload_unsure for _, page in found):
                return found
            form, _ = answers.shown(page for _, page in found)
        except AnswerError as exc:
            if portal.known_contract is not None:
                raise
            unread = exc
        # The portal's document, which is not needed else, may say what the fields are, and what codes the payloads.
        try:
            known = portal.contract
        except IsrError:
            if found is None:
                raise
            return found
        if unread is not None and _asked(known) == _asked(routes):  # it would be read so again
            raise unread
        form = form or known.live_fields.payload_form
        if found is not None:
            form = form or known.history.fields.payload_form
            if form is None and not any(kept.stale for kept, _ in found):  # else the portal is away
                form = _shown_by_history(portal)
            age = max(age, _JUST_NOW)
        known = replace(known, live_fields=replace(known.live_fields, payload_form=form))
        if found is not None and known.live_fields == routes.live_fields:
            return found
        return lists.live(portal.responses, known, portal.account_id, max_age=age)

    found = offline.answers(portal, "the live answer", read, max_age)
    for _, page in found:
        portal.check_accounts(page.accounts)
        ahead = pc.max(page.messages["time"].cast("int64")).as_py()
        if page.zoneless and ahead is not None and ahead > portal.now() + LATE:
            raise AnswerError(f"the portal's live answer has a message of {times.iso(ahead)}. {ZONELESS}")
    table = messages.in_order(selector.select(pa.concat_tables([page.messages for _, page in found])))
    return Last([kept for kept, _ in found], table, _SLACK if any(page.aged for _, page in found) else 0)


def _asked(known: Contract) -> tuple[object, ...]:
    """Give what a contract says of the live answer."""
    return known.live, known.live_fields, known.paged(known.live), known.headers


def _shown_by_history(portal: Portal) -> str | None:
    """Give the form of payloads that messages of late show, if those of all clients can be asked for."""
    known, forms = portal.contract.history, portal.habits.forms
    if known.client_required or known.topic_required:
        return None
    if forms.payloads is None and not portal.habits.is_worth_a_look("payloads"):  # it failed again and again
        return None
    try:
        return Asker(portal, known, Selector(), Range(0, portal.now()), wait=False).shown_by_others()[0]
    except AddOnMissingError:
        forms.payloads = None, None
    except IsrError:  # it is asked again with the next answer
        pass
    return None


def strangers(portal: Portal, selector: Selector) -> str:
    """Say which of the clients that a selector names the portal does not list, and what is called nearly so."""
    named = selector.clients or ()
    known, where, called = portal.listed_clients(named) if named else ([], "", [])
    return "; ".join([*hints.strangers(named, known, where), *called])
