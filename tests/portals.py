"""Portals that differ from the sandbox: each is a `Dialect`, made of small independent parts.

`answer` is a pure function from a request to a response, so that a dialect can be served over a real socket (`serve`)
or put in the place of the network (`httpx.MockTransport(portal.respond)`).
"""

from __future__ import annotations

import base64
import contextlib
import csv
import dataclasses
import datetime as dt
import gzip
import http.server
import io
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyarrow as pa

from isr_analysis import messages, settings, times
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token

ACCOUNT = "6d0c8f0e-42a7-4e0b-9d53-0a4c2b7e9f11"
API = "/api/v1/subscriber"
TOKEN = "isr_mqtt_rest_example-of-the-test-portals"
FIRST = times.instant("2026-11-01")
NOW = FIRST + 4 * times.DAY + 5 * times.HOUR

Row = dict[str, Any]
Notes = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What a device published: `at` in ns, `topic` the subpath, `payload` the JSON value."""

    at: int
    client: str
    topic: str
    payload: Any


# How an instant is written and read.


def iso(at: int) -> str:
    """2026-11-01T06:30:00.5Z."""
    return times.iso(at)


def offset_iso(at: int) -> str:
    """2026-11-01 07:30:00.500000+01:00."""
    text = times.iso(at + times.HOUR).removesuffix("Z").replace("T", " ")
    return f"{text}+01:00"


def number(unit: int) -> Callable[[int], int | float]:
    """Write a number since 1970."""
    return lambda at: at // unit if at % unit == 0 else at / unit


def read_instant(form: str, text: str) -> int:
    """Read what the portal was sent; ValueError says what is expected."""
    if form == "date":
        return int(dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).timestamp()) * times.SECOND
    if form == "iso seconds":
        return int(dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC).timestamp()) * times.SECOND
    if form == "iso":
        if text.isdigit():
            raise ValueError("Input should be a valid datetime in ISO 8601")
        return times.instant(text)
    unit = {"s": times.SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}[form]
    try:
        return int(text) * unit
    except ValueError as exc:
        words = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[form]
        raise ValueError(f"must be a Unix timestamp in {words}") from exc


# How a message is written.


def plain(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """Client, subpath and payload as JSON."""
    return {"time": when(one.at), "client_id": one.client, "topic": one.topic, "payload": one.payload}


def by_path(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """The whole platform path, nothing else that names the client."""
    return {"ts": when(one.at), "topic": f"{ACCOUNT}/{one.client}/{one.topic}", "message": one.payload}


def camel(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """Names as JavaScript has them, an id, and the broker's notes."""
    return {
        "id": f"{one.at}-{one.topic}", "publishedAt": when(one.at), "clientId": one.client, "qos": 1, "retain": False,
        "fullTopic": f"site/{ACCOUNT}/{one.client}/{one.topic}", "payload": one.payload,
        "receivedAt": when(one.at + 10**9),
    }  # fmt: skip


def as_text(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """The payload as the text that was published."""
    return {
        "timestamp": when(one.at), "device_id": one.client, "topic": one.topic, "payload": json.dumps(one.payload),
    }  # fmt: skip


def as_base64(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """The payload in base64, and a field that says so."""
    payload = base64.b64encode(json.dumps(one.payload).encode()).decode()
    return {"t": when(one.at), "client": one.client, "topic": one.topic, "payload": payload, "encoding": "base64"}


def as_hidden_base64(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """The payload in base64, and nothing that says so."""
    return {name: value for name, value in as_base64(one, when).items() if name != "encoding"}


def spread(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """The payload's fields beside the others."""
    return {"time": when(one.at), "client_id": one.client, "topic": one.topic, **one.payload}


def nested(one: Message, when: Callable[[int], Any] = iso) -> Row:
    """Everything in an object of the message, beside one of the publisher."""
    return {
        "publisher": {"client_id": one.client, "label": one.client.upper()},
        "message": {"published_at": when(one.at), "topic": one.topic, "payload": one.payload},
    }


# What stands around the rows. Each gives body, content type and headers.

Body = tuple[bytes, str, dict[str, str]]


def _json(value: Any) -> Body:
    return json.dumps(value).encode(), "application/json", {}


def array(rows: list[Row], notes: Notes) -> Body:
    """A bare array; what it has to say is in headers."""
    body, kind, _ = _json(rows)
    return body, kind, as_headers(notes)


def under(name: str, *, notes_in: str | None = None) -> Callable[[list[Row], Notes], Body]:
    """An object with the rows under a name, and the notes beside them or in an object."""

    def write(rows: list[Row], notes: Notes) -> Body:
        return _json({name: rows, **({notes_in: notes} if notes_in else notes)})

    return write


messages_in = under("messages")


def grouped(*keys: str) -> Callable[[list[Row], Notes], Body]:
    """Objects keyed by client, and by topic within."""

    def write(rows: list[Row], notes: Notes) -> Body:
        made: dict[str, Any] = {}
        for row in rows:
            at = made
            for key in keys[:-1]:
                at = at.setdefault(row[key], {})
            at.setdefault(row[keys[-1]], []).append({k: v for k, v in row.items() if k not in keys})
        return _json({"data": made, **notes})

    return write


def table(rows: list[Row], notes: Notes) -> Body:
    """Names of columns beside rows of values."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["time", "client_id", "topic", "payload"]
    return _json({"columns": names, "values": [[row.get(name) for name in names] for row in rows], **notes})


def lines(rows: list[Row], notes: Notes) -> Body:
    """JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows), "application/x-ndjson", as_headers(notes)


def separated(rows: list[Row], notes: Notes) -> Body:
    """CSV with a header; a payload is JSON text in a cell."""
    file = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["time", "client_id", "topic", "payload"]
    out = csv.writer(file)
    out.writerow(names)
    for row in rows:
        out.writerow(
            [json.dumps(v) if isinstance(v, dict | list) else "" if v is None else v for v in map(row.get, names)]
        )
    return file.getvalue().encode(), "text/csv; charset=utf-8", as_headers(notes)


def influx(rows: list[Row], notes: Notes) -> Body:
    """InfluxDB's annotated CSV, one field a row; of rows as `spread` writes them."""
    kinds = {float: "double", int: "long", str: "string", bool: "boolean"}
    tables: dict[tuple[str, str, str], list[list[str]]] = {}
    for row in rows:
        rest = {k: v for k, v in row.items() if k not in ("time", "client_id", "topic")}
        for name, value in rest.items():
            text = json.dumps(value) if isinstance(value, bool | int | float) else value
            tables.setdefault((name, kinds[type(value)], row["client_id"] + "\0" + row["topic"]), []).append(
                [row["time"], text]
            )
    parts = []
    for i, ((name, kind, whose), values) in enumerate(tables.items()):
        client, topic = whose.split("\0")
        parts.append(
            f"#datatype,string,long,dateTime:RFC3339Nano,{kind},string,string,string\r\n"
            "#group,false,false,false,false,true,true,true\r\n#default,_result,,,,,,\r\n"
            ",result,table,_time,_value,_field,client_id,topic\r\n"
            + "".join(f",,{i},{at},{value},{name},{client},{topic}\r\n" for at, value in values)
        )
    return ("\r\n".join(parts) + "\r\n").encode(), "text/csv", as_headers(notes)


def packed(write: Callable[[list[Row], Notes], Body]) -> Callable[[list[Row], Notes], Body]:
    """The same as a download of a compressed file."""

    def packed_too(rows: list[Row], notes: Notes) -> Body:
        body, _, headers = write(rows, notes)
        return gzip.compress(body), "application/gzip", {**headers, "Content-Disposition": "attachment; filename=h.gz"}

    return packed_too


def as_headers(notes: Notes) -> dict[str, str]:
    """Say in headers what has no place in the body."""
    made = {}
    for name, value in notes.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            made["X-" + name.replace("_", "-").title()] = text
    return made


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
            return self._ok(_json(self.dialect.live([self.dialect.row(one, self.dialect.when) for one in self.last()])))
        rows = [
            {"client_id": c, "topic": f"{ACCOUNT}/{c}/#", "is_paused": False, "history_topic_prefix": f"{ACCOUNT}/{c}/"}
            for c in sorted({one.client for one in self.stored})
        ]
        return self._ok(_json({"items": rows}))

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
            return messages.topic_matches(wanted, path if form == "path filter" else one.topic)
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
        return self._ok(_json(document(d)))


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
            self.send_response(status)
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
