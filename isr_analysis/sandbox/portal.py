"""The portal as a FastAPI application: history, live answers, documentation. The Mgmt API is in its own module."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from isr_analysis import messages, times
from isr_analysis.errors import UsageError
from isr_analysis.sandbox import docs, forms, mgmt
from isr_analysis.sandbox.access import Caller, answers, opened_by
from isr_analysis.sandbox.archive import cursor, read_cursor
from isr_analysis.sandbox.replies import reply
from isr_analysis.sandbox.world import World

API = "/api/v1/subscriber"


def application(world: World) -> FastAPI:
    """Make the application that serves a world."""
    app = FastAPI(
        title="iShareRadio subscriber API (sandbox)",
        version="1",
        description="A local portal with invented stations. Send a token with each request, "
        "as `Authorization: Bearer isr_mqtt_rest_…`.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
    )
    app.state.world = world
    app.include_router(router)
    app.include_router(mgmt.router, prefix=API)
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
        if (not asked.client_id or feed.client_id in asked.client_id) and messages.covers(asked.topic, feed.topic)
    ]
    rows, last = archive.page(wanted, start, end, now=now, limit=asked.limit, after=after)
    following = json.dumps(cursor(last, question) if last is not None else None).encode()
    return reply(request, b'{"messages":[' + b",".join(rows) + b'],"next_cursor":' + following + b"}")


@router.get(
    "/publishers/live",
    tags=["Live REST API"],
    summary="The last message of each publisher",
    responses=answers(forms.LivePage, words="One row for each publisher that ever published."),
)
def live(request: Request, caller: Annotated[Caller, Depends(opened_by("live"))]) -> Response:
    """Give the last message of each publisher."""
    archive, now = caller.account.archive, caller.world.now()
    listed = {row["client_id"] for row in caller.account.books.publishers(now)}
    found = [archive.last(client, now) for client in archive.fleet.clients if client.client_id in listed]
    rows = [archive.row(one) for one in found if one is not None]
    return reply(request, b'{"publishers":[' + b",".join(rows) + b"]}")


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
