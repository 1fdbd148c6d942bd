"""The portal's routes, as a FastAPI application over the invented accounts."""

from __future__ import annotations

import gzip
import json
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse

from isr_analysis import messages, times
from isr_analysis.errors import UsageError
from isr_analysis.sandbox import docs, fleet, forms
from isr_analysis.sandbox.archive import Archive, cursor, read_cursor
from isr_analysis.sandbox.tokens import ADD_ONS, Grant, Tokens
from isr_analysis.sandbox.troubles import Plan

API = "/api/v1/subscriber"
ACCOUNT_HEADER = "X-ISR-Account-Id"

_AHEAD = 366 * times.DAY  # a sandbox that runs for a year still knows its clients
_WORTH_PACKING = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """One invented account: its archive, and what was made over the Mgmt API."""

    archive: Archive
    subscribers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def account_id(self) -> str:
        """The account's UUID."""
        return self.archive.fleet.account_id


class World:
    """All that the routes answer from.

    Parameters
    ----------
    days : int
        How far back messages are kept.
    rate : float
        How many times faster than usual the fleets publish.
    troubles : bool
        Whether things go wrong in them.
    now : callable
        Gives the present instant, ns.
    limit : int
        Requests per hour and token.
    """

    def __init__(self, *, days: int, rate: float, troubles: bool, now: Callable[[], int], limit: int) -> None:
        self.now = now
        self.tokens = Tokens(limit)
        self._settings = (days, rate, troubles)
        self._accounts: dict[int, Account] = {}
        self._lock = threading.Lock()

    def account(self, seed: int) -> Account:
        """Give the account of a seed; it is made when it is first asked for."""
        with self._lock:
            if seed not in self._accounts:
                days, rate, troubles = self._settings
                now = self.now()
                made = fleet.fleet(seed, start=now - days * times.DAY, end=now + _AHEAD, rate=rate, troubles=troubles)
                self._accounts[seed] = Account(Archive(made, Plan(made, active=troubles), days=days, rate=rate))
            return self._accounts[seed]

    def named(self, account_id: str) -> Account | None:
        """Give the account with an id, if there is one."""
        return next((one for one in self._accounts.values() if one.account_id == account_id.lower()), None)


def application(world: World) -> FastAPI:
    """Make the application that serves a world."""
    app = FastAPI(
        title="iShareRadio subscriber API (sandbox)",
        version="1",
        description="A local portal with invented stations. Paste a token in Authorize: "
        "`Authorization: Bearer isr_mqtt_rest_…`.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
    )
    app.state.world = world
    app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _refused)
    return app


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, StarletteHTTPException)
    detail = exc.detail
    if detail in ("Not Found", "Method Not Allowed"):  # the framework's own words say too little
        detail = f"{request.method} {request.url.path} is no route of this portal; {API}/docs lists them"
    return JSONResponse({"detail": detail}, exc.status_code, exc.headers)


_bearer = HTTPBearer(auto_error=False, scheme_name="REST API token", description="isr_mqtt_rest_…")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the account whose data is meant, and the world it is in."""

    world: World
    account: Account


def _opened_by(add_on: str) -> Callable[..., Caller]:
    """Make the check that a route's caller may use it."""

    def check(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
        world: World = request.app.state.world
        grant = _grant(world, given)
        allowance = world.tokens.take(grant, world.now())
        request.state.headers = {
            "X-RateLimit-Limit": str(allowance.limit),
            "X-RateLimit-Remaining": str(allowance.left),
            "X-RateLimit-Reset": str(allowance.resets_in),
        }
        if not allowance.allowed:
            raise HTTPException(
                429,
                f"the {allowance.limit} requests per hour of this token are used up; again in "
                f"{allowance.resets_in} seconds",
                {"Retry-After": str(allowance.resets_in)},
            )
        account = _account(world, grant, request.headers.get(ACCOUNT_HEADER))
        if add_on not in grant.add_ons:
            raise HTTPException(
                403, f"the add-on {ADD_ONS[add_on]!r} is not enabled for this account, and this route needs it"
            )
        return Caller(world, account)

    return check


def _grant(world: World, given: HTTPAuthorizationCredentials | None) -> Grant:
    again = {"WWW-Authenticate": "Bearer"}
    if given is None or not given.credentials:
        raise HTTPException(401, "no token: send the header Authorization: Bearer isr_mqtt_rest_…", again)
    grant = world.tokens.find(given.credentials)
    if grant is None:
        raise HTTPException(401, "this token is not known", again)
    if grant.revoked:
        raise HTTPException(401, "this token was revoked", again)
    if grant.expires_at <= world.now():
        raise HTTPException(401, f"this token expired at {times.iso(grant.expires_at)}", again)
    return grant


def _account(world: World, grant: Grant, named: str | None) -> Account:
    if grant.seed is not None:
        return world.account(grant.seed)
    if named is None:
        raise HTTPException(400, f"a platform operator's token needs the header {ACCOUNT_HEADER}: <account_id>")
    account = world.named(named)
    if account is None:
        raise HTTPException(404, f"{ACCOUNT_HEADER}: there is no account {named!r}")
    return account


_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": forms.Refusal, "description": "No token, or one that is unknown, revoked or expired."},
    403: {"model": forms.Refusal, "description": "The add-on that opens the route is not enabled."},
    429: {
        "model": forms.Refusal,
        "description": "The token's requests of this hour are used up.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}
_RATE_HEADERS = {
    "X-RateLimit-Limit": {"description": "Requests per hour and token.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "How many are left of them.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "Seconds until there are more.", "schema": {"type": "integer"}},
}


def _answers(model: type, *, status: int = 200, words: str) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model, "description": words, "headers": _RATE_HEADERS}, **_REFUSALS}


router = APIRouter(prefix=API)


@router.get(
    "/history",
    tags=["Programmatic History Download"],
    summary="Stored messages, oldest first",
    responses=_answers(forms.HistoryPage, words="A page of messages of the half-open range [start, end)."),
)
def history(
    request: Request,
    caller: Annotated[Caller, Depends(_opened_by("history"))],
    asked: Annotated[forms.HistoryQuestion, Query()],
) -> Response:
    """Give the messages that were published in a range, page by page: repeat with `cursor` until there is none."""
    now = caller.world.now()
    end = _instant("end", asked.end, now)
    start = _instant("start", asked.start, end - times.DAY)
    if start >= end:
        raise _wrong("end", asked.end, f"start {times.iso(start)} is not before end {times.iso(end)}")
    try:
        messages.check_filter(asked.topic)
    except UsageError as exc:
        raise _wrong("topic", asked.topic, str(exc)) from exc
    archive = caller.account.archive
    question = json.dumps([caller.account.account_id, sorted(asked.client_id), asked.topic])
    after = None
    if asked.cursor is not None:
        after = read_cursor(asked.cursor, question)
        if after is None:
            raise _wrong("cursor", asked.cursor, "this is no next_cursor of an answer to the same question")
    wanted = [
        feed
        for feed in archive.fleet.feeds()
        if (not asked.client_id or feed.client_id in asked.client_id)
        and messages.topic_matches(asked.topic, feed.topic)
    ]
    rows, last = archive.page(wanted, start, end, now=now, limit=asked.limit, after=after)
    following = json.dumps(cursor(last, question) if last is not None else None).encode()
    return _answer(request, b'{"messages":[' + b",".join(rows) + b'],"next_cursor":' + following + b"}")


@router.get(
    "/publishers/live",
    tags=["Live REST API"],
    summary="The last message of each publisher",
    responses=_answers(forms.LivePage, words="One row for each publisher that ever published."),
)
def live(request: Request, caller: Annotated[Caller, Depends(_opened_by("live"))]) -> Response:
    """Give the last message of each publisher."""
    archive, now = caller.account.archive, caller.world.now()
    found = [archive.last(client, now) for client in archive.fleet.clients]
    rows = [archive.row(one) for one in found if one is not None]
    return _answer(request, b'{"publishers":[' + b",".join(rows) + b"]}")


@router.get(
    "/publishers",
    tags=["Mgmt REST API"],
    summary="The MQTT clients of the account",
    responses=_answers(forms.PublishersPage, words="One row a client, never with its password."),
)
def publishers(request: Request, caller: Annotated[Caller, Depends(_opened_by("mgmt"))]) -> Response:
    """List the MQTT clients of the account."""
    archive, now = caller.account.archive, caller.world.now()
    rows = [
        {
            "client_id": client.client_id,
            "label": client.label,
            "username": client.username,
            "topic": f"{caller.account.account_id}/{client.client_id}/#",
            "history_topic_prefix": f"{caller.account.account_id}/{client.client_id}/",
            "paused": False,
        }
        for client in archive.fleet.clients
        if client.born <= now and client.gone > now - archive.kept
    ]
    return _answer(request, json.dumps({"publishers": rows}).encode())


@router.post(
    "/subscriber-mqtt-passwords",
    status_code=201,
    tags=["Mgmt REST API"],
    summary="Make a read-only subscriber",
    responses=_answers(forms.Subscriber, status=201, words="The new login; its password is shown this once."),
)
def make_subscriber(
    request: Request,
    caller: Annotated[Caller, Depends(_opened_by("mgmt"))],
    asked: forms.SubscriberQuestion,
) -> Response:
    """Make a broker login that may listen to everything of the account, and publish nothing."""
    now = caller.world.now()
    name = secrets.token_hex(5)
    made = {
        "id": name,
        "label": asked.label,
        "username": f"sub-{name}",
        "topic_filter": f"{caller.account.account_id}/#",
        "created_at": times.iso(now // times.SECOND * times.SECOND),
        "expires_at": times.iso((now // times.SECOND + asked.expires_in_days * 86_400) * times.SECOND),
    }
    caller.account.subscribers.append(made)
    body = json.dumps({**made, "password": secrets.token_urlsafe(18)}).encode()
    return _answer(request, body, status=201)


@router.get("/docs", include_in_schema=False)
def documentation(request: Request) -> Response:
    """Show the routes to a person."""
    page = docs.page(request.app.openapi(), f"{API}/openapi.json")
    return Response(page, media_type="text/html")


def _instant(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return times.instant(text.strip(), name=name)
    except UsageError as exc:
        raise _wrong(name, text, str(exc)) from exc


def _wrong(name: str, value: Any, words: str) -> RequestValidationError:
    """Make the refusal of a parameter, in the same form as the framework's own."""
    return RequestValidationError([{"type": "value_error", "loc": ("query", name), "msg": words, "input": value}])


def _answer(request: Request, body: bytes, status: int = 200) -> Response:
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= _WORTH_PACKING and _takes_gzip(request.headers.get("accept-encoding", "")):
        body = gzip.compress(body, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, status, headers, "application/json")


def _takes_gzip(accepted: str) -> bool:
    match = re.search(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([0-9.]+))?\s*(?:,|$)", accepted.lower())
    return match is not None and float(match[1] or 1) > 0
