"""Changes sent to the portal, once each, with failures in plain words."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from isr_analysis import answers, messages
from isr_analysis.contract.contract import API
from isr_analysis.errors import PortalUnavailableError, RequestRefusedError, UsageError
from isr_analysis.mgmt import made
from isr_analysis.offline import check_online
from isr_analysis.portal import wire
from isr_analysis.portal.portal import Portal

logger = logging.getLogger(__name__)

MEMBERS = f"{API}/members"
INVITES = f"{MEMBERS}/invites"
TENANTS = f"{API}/tenants"
SUBSCRIBERS = f"{API}/subscriber-mqtt-passwords"

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def change(portal: Portal, method: str, path: str, *, json: Mapping[str, Any] | None) -> bytes:
    """Send a change, once, and give the answer's body.

    Parameters
    ----------
    portal : Portal
        Its account is made sure of first: a change never reaches another one.
    method : {"POST", "PATCH", "DELETE"}
        What to do.
    path : str
        The list to which something is added, or what `one_of` gives.
    json : mapping, optional
        The body.

    Raises
    ------
    PortalUnavailableError
        The answer never came, or is a failure of the portal's: the message says whether it may have been done.
    RequestRefusedError
        The portal refused, by its status or in the words of its answer.
    """
    check_online(portal)
    _ = portal.account_id
    try:
        response = portal.wire.raw(method, path, json=json)
    except PortalUnavailableError as exc:
        if isinstance(exc.__cause__, _NEVER_SENT):
            raise
        raise PortalUnavailableError(f"{exc}. {_PERHAPS}") from exc
    finally:
        _forget_lists(portal)
    if response.is_server_error:
        words = answers.error_words(response.content, response.headers.get("content-type"))
        raise PortalUnavailableError(
            f"the portal {portal.origin} failed: {method} {path} → {response.status_code}, {words or 'without a word'}"
            f". {_PERHAPS}",
            status_code=response.status_code,
        )
    is_seen_to = response.is_success and response.history and response.history[-1].status_code == HTTPStatus.SEE_OTHER
    if response.request.method != method and not is_seen_to:
        raise RequestRefusedError(
            f"the portal redirected {method} {path} to {response.url.path}, where only a GET went. Is {portal.origin} "
            f"the portal's own address? Set ISR_PORTAL_ORIGIN to where it redirects. {_PERHAPS}",
            status_code=response.history[-1].status_code,
        )
    body = wire.good(response, portal.origin).body
    failure = answers.failure_of_change(body)
    if failure and not made.has_secret(body):  # what is shown this once is never lost
        raise RequestRefusedError(
            f"the portal answered {method} {path} → {response.status_code} with a failure: {failure}. {_PERHAPS}",
            status_code=response.status_code,
        )
    return body


def _forget_lists(portal: Portal) -> None:
    """Let the lists be asked for anew; where that cannot be, the answer, with a password in it, is not lost for it."""
    try:
        for stale in (portal.routes.publishers, portal.routes.live, MEMBERS, INVITES):
            portal.responses.forget(stale)
    except Exception as exc:  # noqa: BLE001 (a full disk, a locked file: SQLite's own errors among them)
        logger.warning("the kept lists could not be forgotten, and may be out of date for a minute: %s", exc)


_PERHAPS = "It was not sent again, and may have taken effect anyway: check the list before you repeat it"


def text(value: object, name: str, wanted: str) -> str:
    """Accept a text that says something, without what stands around it.

    Raises
    ------
    UsageError
        It is none, or empty.
    """
    if not isinstance(value, str):
        raise UsageError(f"{name}={value!r} is of type {type(value).__name__}; give {wanted} as text")
    if not value.strip():
        raise UsageError(f"{name}={value!r} is empty; give {wanted}")
    if messages.HALF.search(value):
        raise UsageError(f"{name}={value!a} is no UTF-8, as this terminal wrote it; give {wanted}")
    return value.strip()


def one_of(listed: str, name: str, then: str = "") -> str:
    """Give the path of one of a list, such as a client's or a member's, and what follows it there.

    Raises
    ------
    UsageError
        The name is no text, empty, or would lead elsewhere: to the list itself, for one.
    """
    text(name, "id", "it as the portal lists it")
    if name in (".", ".."):
        raise UsageError(f"{name!r} is not an id; give it as the portal lists it")
    return f"{listed}/{quote(name, safe='')}{then}"
