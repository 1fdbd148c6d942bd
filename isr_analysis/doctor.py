"""Is everything in order? A table of checks, with a remedy for each failure. At most ten requests, or fourteen."""

from __future__ import annotations

import datetime as dt
import email.utils
import importlib.metadata
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from isr_analysis import answers, times
from isr_analysis.amounts import counted, sized
from isr_analysis.errors import AddOnMissingError, AnswerError, IsrError, QuestionRefusedError
from isr_analysis.files import is_read_only
from isr_analysis.portal import identity, lists, transport, wire
from isr_analysis.portal import token as tokens
from isr_analysis.portal.portal import Portal
from isr_analysis.reading.reach import LATE, NAME_THE_ZONE, ZONELESS
from isr_analysis.settings import OFFLINE, Profile
from isr_analysis.store.store import Store

REQUESTS = 10
"""How many requests an examination makes at most, save `_FAR`."""

_FOR_HISTORY = 2
"""How many of these are left for history itself."""

_FAR = 4
"""How many more it may take where the portal's document lies behind redirects, scripts and configurations."""

SKEW = 60.0
"""Seconds by which this machine's clock may differ from the portal's before it matters."""

_SAID = re.compile(r"(.*?→ \d+(?:; the portal said: \".*\"|, without a word))[.;:,] (.*)", re.DOTALL)
"""A message that holds the portal's words, and what is said after them."""

OK, WARN, FAIL = "ok", "warning", "failed"
_LACKING = "not enabled"

_PACKAGES = ("isr-analysis", "pandas", "pyarrow", "httpx", "requests-cache", "plotly", "ipywidgets")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
        What.
    state : {"ok", "warning", "failed"}
        How it is.
    found : str
        What was seen.
    remedy : str
        What to do about it; empty if nothing is.
    """

    name: str
    state: str
    found: str
    remedy: str = ""


def examine(
    profile: Profile, key: tokens.Token | None = None, **portal_options: Any
) -> tuple[list[Check], Portal | None]:
    """Look at everything that a load rests on.

    With `key` in place of the token that is found; the options are for `Portal`.

    Returns
    -------
    checks : list of Check
        In the order in which they build on each other.
    portal : Portal or None
        The connection, for its contract; None without a token.
    """
    checks = [Check("settings", OK, f"profile {profile.name!r}, portal {profile.origin}, kept in {profile.home}")]
    if profile.is_offline:
        words = f"{OFFLINE} is set: loaders and reports use what is on disk and make no requests"
        checks.append(Check("offline", WARN, words, "unset it to fetch"))
    portal: Portal | None = None
    try:
        portal = Portal(profile, key or tokens.find(profile, ask=False), **portal_options)
        checks.append(Check("token", OK, "found, in the right form"))
    except IsrError as exc:
        checks.append(_failed("token", exc))
    if portal is not None:
        checks += _of_portal(portal)
        portal.wire.allow(portal.requests)  # what the portal did not say, the store is not to wait for again
    checks.append(_store(profile, portal))
    checks.append(Check("versions", OK, _versions()))
    return checks, portal


def _of_portal(portal: Portal) -> Iterator[Check]:
    most = portal.requests + REQUESTS
    portal.wire.allow(most - _FOR_HISTORY)
    try:
        live = portal.wire.raw("GET", portal.routes.live)
    except IsrError as exc:
        yield _failed("portal", exc)
        return
    yield Check("portal", OK, f"{portal.origin} answers" + (" over TLS" if portal.origin.startswith("https") else ""))
    yield _clock(live.headers.get("date", ""), portal.now())
    try:
        if live.status_code == HTTPStatus.UNAUTHORIZED:
            wire.good(live, portal.origin)
        before = portal.requests
        account = portal.account_id
        told_by_list = portal.requests == before + 1 and portal.named_account is not None
    except IsrError as exc:
        yield _failed("account", exc)
        return
    if portal.named_account is None:
        yield Check(
            "account", WARN, "the token is accepted, but no answer names its account", "name it: ISR_ACCOUNT_ID"
        )
    else:
        yield Check("account", OK, f"the token is accepted, for account {account}")
    held: list[answers.Page] = []
    last = _route("Live REST API", lambda: held.append(_live(portal, live)))
    yield last
    yield from (_zone(page, portal.now()) for page in held if page.zoneless)
    given: list[answers.Page] = []
    history = _route("Programmatic History Download", lambda: given.extend(_history(portal, most)))
    # One request told whose the token is: that was for the list of publishers, which need not be asked for again.
    told = (lambda: None) if told_by_list else lambda: lists.publishers(portal.responses, portal.routes, max_age=60.0)
    mgmt = _route("Mgmt REST API", told)
    yield mgmt
    known = portal.known_contract
    if known is not None:
        remedy = "how to ask for history is assumed; if that fails, edit the contract below and set ISR_CONTRACT"
        words = "; ".join(filter(None, (remedy if known.is_assumed else "", known.choice)))
        yield Check("contract", WARN if words else OK, known.source, words)
    yield history
    yield from filter(None, (_range(page, portal.now()) for page in given))
    if all(one.found == _LACKING for one in (last, mgmt, history)):
        remedy = "an owner of the account can enable them in the portal, in the account's settings under add-ons"
        yield Check("add-ons", FAIL, "none is enabled: nothing can be loaded", remedy)
    left = portal.quota
    scarce = left.left <= left.limit // 20
    more = f"more from {times.iso(left.resets_at)[:19]}Z"
    yield Check("quota", WARN if scarce else OK, f"{left.left} of {left.limit} requests left this hour", more * scarce)


def _live(portal: Portal, response: httpx.Response) -> answers.Page:
    """Read the live answer."""
    answer = wire.good(response, portal.origin)

    def read(fields: answers.Fields) -> answers.Page:
        return answers.read_live(
            answer.body, content_type=answer.content_type, account_id=portal.account_id, fields=fields,
            answered_at=answer.answered_at,
        )  # fmt: skip

    try:
        return read(portal.routes.live_fields)
    except AnswerError:
        return read(portal.contract.live_fields)  # which the portal's document may name


def _zone(page: answers.Page, now: int) -> Check:
    """Tell whether instants that name no zone can be of UTC: nothing else would tell of a clock behind it."""
    newest = max(page.messages["time"].cast("int64").to_pylist())
    behind = (now - newest) / times.HOUR
    found = f"live times have no zone; read as UTC, the newest message is {times.iso(newest)}"
    if newest > now + LATE:
        return Check("time zone", FAIL, f"{found}, which is in the future", ZONELESS)
    if behind < 1:
        return Check("time zone", OK, found)
    return Check(
        "time zone",
        WARN,
        f"{found}, {behind:.1f} h ago",
        f"if it is newer than that, they are local times: {NAME_THE_ZONE}",
    )


def _history(portal: Portal, most: int) -> Iterator[answers.Page]:
    """Ask for one message of the last day, and read it; what refusals teach on the way goes into the contract.

    The last of the requests, `most` in all, are not for finding the portal's document.
    """

    def client() -> str | None:
        found = next(iter(portal.client_ids()), None)
        portal.wire.allow(max(most, portal.requests + _FOR_HISTORY))  # a list in small pages takes some
        return found

    portal.wire.allow(most + _FAR - _FOR_HISTORY)
    known = portal.contract.history
    portal.wire.allow(max(most, portal.requests + _FOR_HISTORY))
    answer, asked = identity.recent(
        portal.wire, known, portal.named_account, portal.now(), client=client, learn=portal.learn
    )
    if answer.body.strip() == b"{}":
        raise transport.EnoughError(
            "the portal gives {} for the last day, which may mean no messages, or an answer that is not understood"
        )
    if answer.status not in (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
        yield answers.read_page(
            answer.body, content_type=answer.content_type, account_id=portal.account_id,
            client_id=asked.clients[0] if asked.clients else None, fields=portal.contract.history.fields,
        )  # fmt: skip


def _range(page: answers.Page, now: int) -> Check | None:
    """Tell where the portal did not give what was asked for, as another range or none is followed."""
    first = min(page.messages["time"].cast("int64").to_pylist(), default=now)
    if first > now - 2 * times.DAY - LATE:
        return None
    found = f"asked for the last day, the portal gave a message of {times.iso(first)}"
    remedy = "loads look for the names that it follows; should they fail, edit the contract below: start and end"
    return Check("range", WARN, found, remedy)


def _route(add_on: str, ask: Callable[[], object]) -> Check:
    name = f"add-on “{add_on}”"
    try:
        ask()
    except transport.EnoughError as exc:
        return Check(name, WARN, str(exc), "try again, or use the route")
    except AddOnMissingError as exc:
        return Check(name, WARN, _LACKING, str(exc))
    except (QuestionRefusedError, AnswerError) as exc:
        return Check(name, FAIL, str(exc), "edit the contract below, and set ISR_CONTRACT to its file")
    except IsrError as exc:
        return _failed(name, exc)
    return Check(name, OK, "enabled")


def _clock(header: str, now: int) -> Check:
    try:
        theirs = email.utils.parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return Check("clock", WARN, "the portal does not say what time it is", "check this machine's clock yourself")
    if theirs.tzinfo is None:  # "-0000" or no zone: UTC, and not this machine's
        theirs = theirs.replace(tzinfo=dt.UTC)
    off = (dt.datetime.fromtimestamp(now / times.SECOND, dt.UTC) - theirs).total_seconds()
    if abs(off) <= SKEW:
        return Check("clock", OK, f"within {max(abs(off), 1):.0f} s of the portal's")
    way = "ahead of" if off > 0 else "behind"
    missed = (
        "reach into the portal's future"
        if off > 0
        else f"end {abs(off):.0f} s too early: the newest messages are missing"
    )
    return Check("clock", FAIL, f"{abs(off):.0f} s {way} the portal's",
                 f'set this machine\'s clock (NTP); until then last="7d" would {missed}')  # fmt: skip


def _store(profile: Profile, portal: Portal | None) -> Check:
    try:
        folder = portal.folder if portal is not None else None
    except IsrError:
        folder = None
    if folder is None:
        return Check("store", WARN, f"{profile.home}: the account is not known", "see the checks above")
    try:
        health = Store(folder).health()
    except IsrError as exc:
        return _failed("store", exc)
    found = f"{counted(health.rows, 'message')} in {counted(health.files, 'file')}, {sized(health.bytes)}, in {folder}"
    if health.lost:
        lost = f"missing or cut: {counted(len(health.lost), 'file')}, the first {health.lost[0]}"
        return Check("store", FAIL, f"{found}; {lost}", "load the range again with refresh=True (isr sync --refresh)")
    if is_read_only(profile.home):
        return Check("store", WARN, f"{found}; it can only be read", "set ISR_HOME to a folder that can be written")
    return Check("store", OK, found)


def _versions() -> str:
    parts = [f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            parts.append(f"{name} not installed")
    return ", ".join(parts)


def _failed(name: str, exc: IsrError) -> Check:
    told = _SAID.match(str(exc))
    found, remedy = told.groups() if told else str(exc).partition("; ")[::2]
    return Check(name, FAIL, found, remedy or "see the message")
