"""Portals that differ from the sandbox: each is a `Dialect`, made of small independent parts.

`answer` is a pure function from a request to a response, so that a dialect can be served over a real socket (`serve`)
or put in the place of the network (`httpx.MockTransport(portal.respond)`).
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.server
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyarrow as pa
from portal_rows import ACCOUNT, Body, Message, Notes, Row, iso, json_body, messages_in, plain, read_instant

from isr_analysis import messages, settings, times
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.reading.pages import pages, to_the_end

API = "/api/v1/subscriber"
TOKEN = "isr_mqtt_rest_example-of-the-test-portals"
FIRST = times.instant("2026-11-01")
NOW = FIRST + 4 * times.DAY + 5 * times.HOUR
SPAN = times.Range(FIRST, FIRST + times.DAY)
EVERY_MINUTE = [Message(FIRST + i * times.MINUTE, f"dev-{i % 3}", "t/x", {"i": i}) for i in range(2 * 1440)]


@dataclass(frozen=True)
class Dialect:
    """One portal's way."""

    name: str = "plain"
    # the question
    start: str | None = "start"
    end: str | None = "end"
    asked: str = "iso"
    start_in: bool = True
    end_in: bool = False
    client: str | None = "client_id"
    client_required: bool = False
    topic: str | None = None
    topic_form: str = "filter"
    limit: str | None = "limit"
    required: tuple[str, ...] = ()
    strict: bool = False  # refuse parameters that are not known
    longest: int | None = None  # of a range, ns
    shortest: int | None = None
    too_short: str = "the range must be at least 1 hour"
    kept: int | None = None  # how long, ns
    # the pages
    paging: str = "cursor"  # cursor, page, offset, link, body link, none
    pager: str | None = "cursor"  # the parameter
    first_page: int = 1
    cap: int = 40
    documented: int | None = None  # another cap, in its document
    total: str | None = None
    note: str = "next_cursor"
    order: str = "up"  # up, down, mixed
    grain: int = 1  # to which instants are cut when they are written
    # the answer
    row: Callable[..., Row] = plain
    when: Callable[[int], Any] = iso
    write: Callable[[list[Row], Notes], Body] = messages_in
    live: Callable[[list[Row]], Any] = lambda rows: {"publishers": rows}
    # what it says of itself
    doc: str | None = "openapi"  # openapi, docs (a page that names it), None
    says: tuple[str, ...] = ("types", "names", "start", "cap", "longest", "required")
    errors: str = "detail"  # detail, list, problem, text, html, empty
    add_ons: tuple[str, ...] = ("history", "live", "mgmt")


@dataclass
class Server:
    """A portal of a dialect over some messages; counts the requests by path."""

    dialect: Dialect
    stored: list[Message]
    log: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    now: int = NOW

    def count(self, tail: str = "/history") -> int:
        """Count the requests to a path that ends so."""
        return sum(path.endswith(tail) for path, _ in self.log)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Answer for `httpx.MockTransport`."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, given, body = self.answer(str(request.url), headers)
        return httpx.Response(status, headers=given, content=body)

    def answer(self, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Answer a request."""
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.log.append((parts.path, asked))
        if parts.path in ("/openapi.json", f"{API}/openapi.json", "/spec/v3.json", f"{API}/docs", "/docs"):
            return self._document(parts.path)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "token not known")
        route = {f"{API}/history": "history", f"{API}/publishers/live": "live", f"{API}/publishers": "mgmt"}.get(
            parts.path
        )
        if route is None:
            return self._refuse(404, "Not Found")
        if route not in self.dialect.add_ons:
            return self._refuse(403, "add-on not enabled")
        if route == "history":
            return self._history(asked, parts.path)
        if route == "live":
            return self._ok(
                json_body(self.dialect.live([self.dialect.row(one, self.dialect.when) for one in self.last()]))
            )
        rows = [
            {"client_id": c, "topic": f"{ACCOUNT}/{c}/#", "is_paused": False, "history_topic_prefix": f"{ACCOUNT}/{c}/"}
            for c in sorted({one.client for one in self.stored})
        ]
        return self._ok(json_body({"items": rows}))

    def last(self) -> list[Message]:
        """Give each client's last message."""
        found: dict[str, Message] = {}
        for one in self.stored:
            if one.client not in found or one.at >= found[one.client].at:
                found[one.client] = one
        return list(found.values())

    def _ok(self, body: Body) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": body[1], **body[2]}, body[0]

    def _refuse(self, status: int, words: str, name: str = "") -> tuple[int, dict[str, str], bytes]:
        kind, said = self.dialect.errors, f"{name}: {words}" if name else words
        if kind == "list":
            loc = ["query", name] if name else ["query"]
            return (
                status,
                {"Content-Type": "application/json"},
                json.dumps({"detail": [{"loc": loc, "msg": words}]}).encode(),
            )
        if kind == "problem":
            body = {"type": "about:blank", "title": "Bad question", "status": status, "detail": said}
            return status, {"Content-Type": "application/problem+json"}, json.dumps(body).encode()
        if kind == "text":
            return status, {"Content-Type": "text/plain"}, said.encode()
        if kind == "html":
            return status, {"Content-Type": "text/html"}, f"<html><body><h1>{said}</h1></body></html>".encode()
        if kind == "empty":
            return status, {}, b""
        return status, {"Content-Type": "application/json"}, json.dumps({"detail": said}).encode()

    def _names(self) -> set[str]:
        d = self.dialect
        return {
            one for one in (d.start, d.end, d.client, d.topic, d.limit, d.pager if d.paging != "none" else None) if one
        }

    def _history(self, asked: dict[str, str], path: str) -> tuple[int, dict[str, str], bytes]:
        d = self.dialect
        if d.strict and (odd := next((name for name in asked if name not in self._names()), None)):
            return self._refuse(422, f"unknown parameter '{odd}'")
        for name in d.required:
            if name not in asked:
                return self._refuse(422, "Field required", name)
        if d.client_required and d.client not in asked:
            return self._refuse(422, f"`{d.client}` is required")
        try:
            low, high = self._range(asked)
        except ValueError as exc:
            return self._refuse(422, str(exc))
        if d.longest is not None and high - low > d.longest:
            return self._refuse(400, f"the range may be at most {d.longest // times.HOUR} hours")
        if d.shortest is not None and high - low < d.shortest:
            return self._refuse(400, d.too_short)
        if d.kept is not None and low < self.now - d.kept:
            return self._refuse(422, f"start lies before the retention of {d.kept // times.DAY} days")
        date = d.asked == "date"
        rows = [
            one for one in self.stored
            if (low <= one.at if d.start_in or date else low < one.at)
            and (one.at <= high if d.end_in and not date else one.at < high)
            and (d.client is None or d.client not in asked or asked[d.client] == one.client)
            and (d.topic is None or d.topic not in asked or self._fits(asked[d.topic], one))
        ]  # fmt: skip
        size = d.cap
        if d.limit is not None and d.limit in asked:
            if d.strict and "cap" in d.says and int(asked[d.limit]) > d.cap:
                return self._refuse(422, f"Input should be less than or equal to {d.cap}", d.limit)
            size = min(int(asked[d.limit]), d.cap)
        rows.sort(key=lambda one: one.at, reverse=d.order == "down")
        if d.order == "mixed":
            random.Random(str(sorted(asked.items() - {(d.pager, asked.get(d.pager or ""))}))).shuffle(rows)
        return self._page(rows, asked, size, path)

    def _range(self, asked: dict[str, str]) -> tuple[int, int]:
        d = self.dialect
        found = {}
        for name in (d.start, d.end):
            if name in asked:
                try:
                    found[name] = read_instant(d.asked, asked[name])
                except ValueError as exc:
                    raise ValueError(f"{name}: {exc}") from exc
        if d.asked == "date" and d.end is None:  # one day
            return found[d.start], found[d.start] + times.DAY
        high = found.get(d.end, self.now + times.DAY)
        return found.get(d.start, 0), high + times.DAY if d.asked == "date" and d.end_in and d.end in found else high

    def _fits(self, wanted: str, one: Message) -> bool:
        form, path = self.dialect.topic_form, f"{ACCOUNT}/{one.client}/{one.topic}"
        if form in ("filter", "path filter"):
            return messages.covers(wanted, path if form == "path filter" else one.topic)
        if form in ("prefix", "path prefix"):
            return (path if form == "path prefix" else one.topic).startswith(wanted)
        return wanted == (path if form == "path" else one.topic)

    def _page(
        self, rows: list[Message], asked: dict[str, str], size: int, path: str
    ) -> tuple[int, dict[str, str], bytes]:
        d = self.dialect
        given = asked.get(d.pager or "", "")
        at = 0
        if given and d.paging == "page":
            at = (int(given) - d.first_page) * size
        elif given and d.paging == "offset":
            at = int(given)
        elif given and d.paging != "none":
            at = int(base64.urlsafe_b64decode(given))
        part = rows[at : at + size]
        notes: Notes = {} if d.total is None else {d.total: len(rows)}
        more = at + size < len(rows)
        token = base64.urlsafe_b64encode(str(at + size).encode()).decode()
        headers = {}
        if d.paging == "cursor":
            notes[d.note] = token if more else None
        elif d.paging == "body link":
            link = f"http://internal:8000/history?{urlencode({**asked, d.pager or '': token})}"
            notes["links"] = {"self": path, "next": link if more else None}
        elif d.paging == "link" and more:
            link = f"{path}?{urlencode({**asked, d.pager or '': token})}"
            headers["Link"] = f'<{path}?first>; rel="first", <{link}>; rel="next"'
        body = d.write([d.row(dataclasses.replace(one, at=one.at // d.grain * d.grain), d.when) for one in part], notes)
        status, had, content = self._ok(body)
        return status, {**had, **headers}, content

    def _document(self, path: str) -> tuple[int, dict[str, str], bytes]:
        d = self.dialect
        if d.doc == "docs" and path == f"{API}/docs":
            page = "<html><script>SwaggerUIBundle({url: '/spec/v3.json', dom_id: '#ui'})</script></html>"
            return 200, {"Content-Type": "text/html"}, page.encode()
        if (d.doc, path) not in (("openapi", f"{API}/openapi.json"), ("docs", "/spec/v3.json")):
            return self._refuse(404, "Not Found")
        return self._ok(json_body(document(d)))


def document(d: Dialect) -> dict[str, Any]:
    """Write the OpenAPI document of a dialect."""
    kinds: dict[str, dict[str, Any]] = {
        "iso": {"type": "string", "format": "date-time"},
        "iso seconds": {"type": "string", "description": "YYYY-MM-DDTHH:MM:SSZ"},
        "date": {"type": "string", "format": "date"},
        "s": {"type": "integer", "description": "Unix time in seconds"},
        "ms": {"type": "integer", "description": "Milliseconds since 1970"},
        "us": {"type": "integer", "example": FIRST // 1000},
        "ns": {"type": "integer", "description": "Nanoseconds since the epoch"},
    }
    listed: list[dict[str, Any]] = []

    def add(name: str | None, schema: dict[str, Any], words: str = "", *, required: bool = False) -> None:
        if name is not None:
            schema = schema if "types" in d.says else {"type": "string"}
            listed.append({"name": name, "in": "query", "required": required, "description": words, "schema": schema})

    add(d.end, kinds[d.asked], ("Inclusive end." if d.end_in else "End of the range, exclusive.") * ("start" in d.says))
    add(d.start, kinds[d.asked], ("Start, inclusive" if d.start_in else "Start, exclusive") * ("start" in d.says))
    add(d.client, {"type": "string"}, "One client", required=d.client_required and "required" in d.says)
    words = {
        "filter": "MQTT topic filter on the subpath", "path filter": "MQTT topic filter on the full platform path",
        "prefix": "What the subpath begins with", "path": "The full platform path, exactly",
    }  # fmt: skip
    add(d.topic, {"type": "string"}, words.get(d.topic_form, ""))
    cap: dict[str, Any] = {"maximum": d.documented or d.cap} if "cap" in d.says else {}
    add(d.limit, {"type": "integer", **cap})
    if d.paging in ("page", "offset"):
        add(
            d.pager,
            {"type": "integer", **({"default": d.first_page} if d.paging == "page" and "first" in d.says else {})},
        )
    elif d.paging != "none":
        add(d.pager, {"type": "string"}, "Opaque")
    longest = f"The range may be at most {d.longest // times.HOUR} hours." if d.longest and "longest" in d.says else ""
    get = {"summary": "Stored messages", "description": longest, "parameters": listed}
    return {"openapi": "3.1.0", "paths": {f"{API}/history": {"get": get}}}


@contextlib.contextmanager
def serve(server: Server) -> Iterator[str]:
    """Serve a portal on loopback; gives its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = server.answer(self.path, {k.lower(): v for k, v in self.headers.items()})
            self.send_response_only(status)  # with no date: it would be today's
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def connect(origin: str, home: Any, **more: Any) -> Portal:
    """Connect to a portal at the family's instant."""
    options = {"now": lambda: NOW, "sleep": lambda _: None, **more}
    contract = options.pop("contract_file", None)
    return Portal(settings.profile(origin=origin, home=home, contract=contract, environ={}), Token(TOKEN), **options)


def mocked(server: Server, home: Any, **more: Any) -> Portal:
    """Connect to a portal without a socket."""
    return connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond), **more)


def read(portal: Portal, span: times.Range = SPAN, selector: messages.Selector | None = None) -> list[int]:
    """Read a span, without a store; give the instants."""
    tables = to_the_end(lambda: [messages.empty(), *pages(portal, selector or messages.Selector(), span)])
    return messages.instants(pa.concat_tables(tables)).tolist()


def arrow(stored: list[Message]) -> pa.Table:
    """Give messages as the store holds them."""
    rows = [
        {
            "time": one.at, "client_id": one.client, "topic": one.topic, "payload": json.dumps(one.payload).encode(),
            "seq": i, "source": messages.HISTORY, "extra": None,
        }
        for i, one in enumerate(stored)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=messages.SCHEMA)
