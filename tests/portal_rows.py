"""How test portals write: instants, messages as rows, and what stands around the rows."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isr_analysis import times

ACCOUNT = "6d0c8f0e-42a7-4e0b-9d53-0a4c2b7e9f11"

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


def json_body(value: Any) -> Body:
    """Give an answer's body, its media type and its headers."""
    return json.dumps(value).encode(), "application/json", {}


def array(rows: list[Row], notes: Notes) -> Body:
    """A bare array; what it has to say is in headers."""
    body, kind, _ = json_body(rows)
    return body, kind, as_headers(notes)


def under(name: str, *, notes_in: str | None = None) -> Callable[[list[Row], Notes], Body]:
    """An object with the rows under a name, and the notes beside them or in an object."""

    def write(rows: list[Row], notes: Notes) -> Body:
        return json_body({name: rows, **({notes_in: notes} if notes_in else notes)})

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
        return json_body({"data": made, **notes})

    return write


def table(rows: list[Row], notes: Notes) -> Body:
    """Names of columns beside rows of values."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["time", "client_id", "topic", "payload"]
    return json_body({"columns": names, "values": [[row.get(name) for name in names] for row in rows], **notes})


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
