"""What stands in front of the portal's routes: the count of requests, and failures on demand."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from isr_analysis.errors import UsageError
from isr_analysis.times import SECOND

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Failure = Literal["down", "html", "slow", "cut", "broken"]
"""How a portal can fail.

``"down"``: 503. ``"html"``: 200 with a page of HTML. ``"slow"``: the right answer, after a while. ``"cut"``: the
connection breaks in the middle of the body. ``"broken"``: 200 with half of the JSON, as if it were whole.
"""

_KINDS = get_args(Failure)
_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


class _CutError(Exception):
    """Ends a connection in the middle of an answer: uvicorn closes it."""


@dataclass(slots=True)
class _Fault:
    how: Failure
    route: str | None
    times: int | None
    seconds: float


class Front:
    """The application as the network sees it; `prefix` is what every route's path begins with, `now` its clock."""

    def __init__(self, app: App, prefix: str, now: Callable[[], int]) -> None:
        self._app = app
        self._prefix = prefix
        self._now = now
        self._faults: list[_Fault] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def fail(self, how: Failure, route: str | None, times: int | None, seconds: float) -> None:
        """Fail from now on: on one route or all, a number of times or until `heal`."""
        if how not in _KINDS:
            raise UsageError(f"how={how!r} is not a way to fail; there are {', '.join(_KINDS)}")
        if times is not None and times < 1:
            raise UsageError(f"times={times!r} is not a number of requests; give 1 or more, or None (until heal())")
        with self._lock:
            self._faults.append(_Fault(how, route, times, seconds))

    def heal(self) -> None:
        """Fail no more."""
        with self._lock:
            self._faults.clear()

    def count(self, route: str | None, token: str | None) -> int:
        """Count the requests so far: to one route or all, with one token or any."""
        with self._lock:
            return sum(
                number
                for (path, given), number in self._counts.items()
                if route in (None, path) and token in (None, given)
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = scope["path"].removeprefix(self._prefix).strip("/")
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").rpartition(" ")[2]
        fault = self._next_fault(route, given)
        state = scope.setdefault("state", {})

        async def with_headers(event: MutableMapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                said = {"Date": email.utils.formatdate(self._now() / SECOND, usegmt=True), **state.get("headers", {})}
                extra = [(name.lower().encode(), value.encode()) for name, value in said.items()]
                event["headers"] = [*event.get("headers", ()), *extra]
            await send(event)

        try:
            await self._answered(fault, scope, receive, with_headers)
        except _CutError:
            raise
        except Exception:
            logger.exception("the sandbox itself failed at %s %s", scope["method"], scope["path"])
            raise

    async def _answered(self, fault: _Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.how in ("down", "html"):
            await _instead(fault.how, send)
        elif fault.how == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        else:
            # Half of something that is packed would not be half of a JSON text.
            scope["headers"] = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
            await self._app(scope, receive, _Half(send, cut=fault.how == "cut"))

    def _next_fault(self, route: str, given: str) -> _Fault | None:
        with self._lock:
            self._counts[route, given] += 1
            for fault in self._faults:
                if fault.route in (None, route):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self._faults.remove(fault)
                    return fault
        return None


async def _instead(how: Failure, send: Send) -> None:
    status, kind, body = (503, b"application/json", b'{"detail":"the portal is being serviced"}')
    if how == "html":
        status, kind, body = 200, b"text/html; charset=utf-8", _PAGE
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Half:
    """Sends the first half of an answer: then the connection breaks, or the body ends as if it were whole."""

    def __init__(self, send: Send, *, cut: bool) -> None:
        self._send = send
        self._cut = cut
        self._start: MutableMapping[str, Any] = {}

    async def __call__(self, event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self._start = event
            return
        body = event.get("body", b"")
        half = body[: len(body) // 2]
        if not self._cut:
            length = (b"content-length", str(len(half)).encode())
            kept = [one for one in self._start["headers"] if one[0].lower() != b"content-length"]
            self._start["headers"] = [*kept, length]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": half, "more_body": self._cut})
        if self._cut:
            raise _CutError
