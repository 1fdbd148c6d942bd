"""The portal's routes, as a FastAPI application over the invented accounts."""

from __future__ import annotations

import gzip
import json
import re
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from isr_analysis import messages, times
from isr_analysis.errors import UsageError
from isr_analysis.sandbox import docs, forms
from isr_analysis.sandbox.access import Caller, answers, opened_by
from isr_analysis.sandbox.archive import cursor, read_cursor
from isr_analysis.sandbox.world import World

API = "/api/v1/subscriber"

_WORTH_PACKING = 1000


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
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    return app


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    detail = exc.detail
    if detail in ("Not Found", "Method Not Allowed"):  # the framework's own words say too little
        detail = f"{request.method} {request.url.path} is no route of this portal; {API}/docs lists them"
    return JSONResponse({"detail": detail}, exc.status_code, exc.headers)


async def _not_valid(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    # What came is not repeated: it may be something that JSON cannot say, such as NaN.
    said = [{"loc": list(one["loc"]), "msg": _words(one), "type": one["type"]} for one in exc.errors()]
    return Response(json.dumps({"detail": said}), 422, media_type="application/json")


def _words(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return f"no parameter of this route; there are {', '.join(forms.HistoryQuestion.model_fields)}"
    return str(error["msg"])


router = APIRouter(prefix=API)


@router.get(
    "/history",
    tags=["Programmatic History Download"],
    summary="Stored messages, oldest first",
    responses=answers(forms.HistoryPage, words="A page of messages of the half-open range [start, end)."),
)
def history(
    request: Request,
    caller: Annotated[Caller, Depends(opened_by("history"))],
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
    responses=answers(forms.LivePage, words="One row for each publisher that ever published."),
)
def live(request: Request, caller: Annotated[Caller, Depends(opened_by("live"))]) -> Response:
    """Give the last message of each publisher."""
    archive, now = caller.account.archive, caller.world.now()
    found = [archive.last(client, now) for client in archive.fleet.clients]
    rows = [archive.row(one) for one in found if one is not None]
    return _answer(request, b'{"publishers":[' + b",".join(rows) + b"]}")


@router.get(
    "/publishers",
    tags=["Mgmt REST API"],
    summary="The MQTT clients of the account",
    responses=answers(forms.PublishersPage, words="One row a client, never with its password."),
)
def publishers(request: Request, caller: Annotated[Caller, Depends(opened_by("mgmt"))]) -> Response:
    """List the MQTT clients of the account."""
    archive, now = caller.account.archive, caller.world.now()
    rows = [
        {
            "client_id": client.client_id,
            "label": client.label,
            "username": client.username,
            "topic": f"{caller.account.account_id}/{client.client_id}/#",
            "history_topic_prefix": f"{caller.account.account_id}/{client.client_id}/",
            "paused": client.client_id in caller.account.paused,
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
    responses=answers(forms.Subscriber, status=201, words="The new login; its password is shown this once."),
)
def make_subscriber(
    request: Request,
    caller: Annotated[Caller, Depends(opened_by("mgmt"))],
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
    match = re.search(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]*)?))?\s*(?:,|$)", accepted.lower())
    return match is not None and float(match[1] or 1) > 0
