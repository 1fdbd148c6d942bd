"""Columns that an object names beside rows of values, or holds as lists of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from isr_analysis.answers import columns, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.instants import is_instant
from isr_analysis.answers.shape import CLIENT, PAYLOAD, TOPIC, pick, plain, time_rank
from isr_analysis.errors import AnswerError

_COLUMNS = ("columns", "columnnames", "cols", "header", "headers", "fields", "schema", "names", "meta")
SPECIAL = {b"NaN": b"NaN", b"+Inf": b"Infinity", b"-Inf": b"-Infinity"}
"""What databases write that is no number in JSON, and what it is there."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*|1\d{9}(?:\d{3}){0,3}")
"""A name that is an instant to the second or finer, and of these years if it is a number."""

_VALUES = ("values", "data", "rows", "records", "datapoints", "dataset")


def columns_of(fields: dict[str, bytes]) -> Columns | None:
    """Give the columns of an object that names them beside rows of values, or that holds a list for each."""
    spelled = {plain(name): one for name, one in fields.items()}
    lists = [spelled[name] for name in _VALUES if raw.kind(spelled.get(name, b"")) == "["]
    for known in _COLUMNS:
        names = list(_names(spelled.get(known, b"")))
        rows = next((one for one in lists if (head := raw.first(one)) is None or raw.kind(_cells(head)) == "["), None)
        if names and rows is not None:
            parts = list(map(_cells, raw.elements(rows)))
            table = table_of(names, parts)
            index = raw.elements(spelled["index"]) if raw.kind(spelled.get("index", b"")) == "[" else []
            if len(index) == len(parts) and not any(time_rank(name) is not None for name in names):
                table["time"] = columns.json_texts(index)
            return table
    if raw.kind(spelled.get("stream", b"")) == "{" and raw.kind(spelled.get("values", b"")) == "[":
        # Loki: lines, each with its nanosecond, and perhaps labels of its own behind them.
        return table_of(["time", "payload"], [_line(one) for one in raw.elements(spelled["values"])])
    if (data := raw.fields(spelled.get("data", b""))).keys() >= {"values"}:
        return _frame(spelled.get("schema", b""), raw.elements(data["values"]), raw.elements(data.get("nanos", b"[]")))
    if found := _numbered(fields) or _by_instants(fields):
        return found
    arrays = {_single(name, one): one for name, one in fields.items() if raw.kind(one) == "["}
    for name, one in list(arrays.items()):
        named = _named(one)
        if named and any(time_rank(other) is not None for other in arrays):  # columns in objects, beside the instants
            del arrays[name]
            arrays |= named
    heads = {name: raw.first(one) for name, one in arrays.items()}
    timed = [name for name in arrays if time_rank(name) is not None and raw.kind(heads[name] or b"0") in ('"', "0")]
    if len(arrays) < 2 or not timed:  # noqa: PLR2004
        return None
    lengths = {name: len(raw.elements(one)) for name, one in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise AnswerError(
            "the answer's lists of values differ in length: " + ", ".join(f"{n} {k}" for n, k in lengths.items())
        )
    return {name: columns.json_texts(raw.elements(one)) for name, one in arrays.items()}


def _numbered(fields: dict[str, bytes]) -> Columns:
    """Give the columns of objects with a value of each row by its number, as of a DataFrame; none if they are no such.

    What stands beside them is of all rows.
    """
    objects = {name: raw.members(one) for name, one in fields.items() if raw.kind(one) == "{"}
    timed = next((list(one) for name, one in objects.items() if time_rank(name) is not None), [])
    if not timed or not all(map(str.isdigit, timed)) or any(list(one) != timed for one in objects.values()):
        return {}
    return {name: columns.json_texts(list(one.values())) for name, one in objects.items()}


def _by_instants(fields: dict[str, bytes]) -> Columns:
    """Give the columns of rows of which each stands under its instant, or only what was published; none if not."""
    if not fields or not all(map(_MOMENT.fullmatch, fields)) or any(raw.kind(one) == "[" for one in fields.values()):
        return {}
    rows = []
    for at, value in fields.items():
        inner = raw.fields(value)
        if any(time_rank(name) is not None for name in inner):
            return {}
        is_row = pick(inner, (*CLIENT, *TOPIC, *PAYLOAD)) is not None
        rows.append(columns.join({"time": b'"%b"' % at.encode(), **(inner if is_row else {"payload": value})}))
    return columns.of_arrays([b"[" + b",".join(rows) + b"]"])[0]


def _cells(row: bytes) -> bytes:
    """Take the values of a row out of objects around it and around each, as of BigQuery and Google's charts."""
    fields = raw.fields(row)
    held = next((one for name, one in fields.items() if name in ("f", "c", "cells")), row)
    if raw.kind(held) != "[" or len(fields) != 1:
        return row
    parts = [raw.fields(one).get("v", one) for one in raw.elements(held)]
    return b"[" + b",".join(parts) + b"]"


def _single(name: str, value: bytes) -> str:
    """Give the name of one value for that of a list: ``times`` is ``time``, as is an index of instants."""
    one = name.removesuffix("s")
    if plain(one) in (*CLIENT, *TOPIC, *PAYLOAD):
        return one
    if plain(name) == "index" and raw.kind(head := raw.first(value) or b"") == '"' and is_instant(raw.text(head)):
        return "time"
    return one if len(plain(one)) > 1 and time_rank(name) is None and time_rank(one) is not None else name


def _named(value: bytes) -> dict[str, bytes]:
    """Give the lists of values of an array of objects that each have a name and such a list, and are all so."""
    found: dict[str, bytes] = {}
    parts = list(map(raw.fields, raw.elements(value)))
    for part in parts:
        names = [part[one] for one in ("name", "attrName", "id", "key") if raw.kind(part.get(one, b"")) == '"']
        if names and raw.kind(part.get("values", b"")) == "[":
            found[raw.text(names[0])] = part["values"]
    return found if len(found) == len(parts) else {}


def pairs_of(value: bytes) -> Columns | None:
    """Give the columns of an array of instants, each beside what was published then; None if it is none."""
    rows = [raw.elements(one) if raw.kind(one) == "[" else [] for one in raw.elements(value)]
    if not all(len(row) == 2 and raw.kind(row[0]) in ('"', "0") for row in rows):  # noqa: PLR2004
        return None
    if not all(is_instant(raw.plain_text(row[0])) for row in rows):
        return None
    return {
        "time": columns.json_texts([row[0] for row in rows]),
        "payload": columns.json_texts([row[1] for row in rows]),
    }


def is_pair(value: bytes) -> bool:
    """Tell whether a value is an instant beside what was published then."""
    return (
        raw.kind(value) == "[" and raw.kind(raw.first(value) or b"") in ('"', "0") and bool(pairs_of(b"[%b]" % value))
    )


def of_series(table: Columns) -> Columns:
    """Name what a series of Prometheus holds as a field of that name; texts of numbers are these."""
    held = next((one for one in ("payload", "value", "values") if one in table), None)
    if "_field" not in table or "_value" in table or held is None:
        return table
    values = [None if one is None else _number(one) for one in columns.as_json(table[held]).to_pylist()]
    return {name: one for name, one in table.items() if name != held} | {"_value": columns.json_texts(values)}


def _number(value: bytes) -> bytes:
    text = raw.text(value).encode("utf-8", "surrogatepass") if raw.kind(value) == '"' else value
    return SPECIAL.get(text) or (text if raw.is_json(text) and raw.kind(text) == "0" else value)


def _frame(schema: bytes, values: list[bytes], nanos: list[bytes]) -> Columns | None:
    """Give the columns of a frame of Grafana: lists of values as the schema's fields stand, with the fields' labels.

    Of instants in milliseconds the nanoseconds stand in lists beside.
    """
    inner = raw.fields(schema)
    fields = [raw.members(one) for one in raw.elements(inner.get("fields", b"[]"))]
    names = list(_names(schema))
    lists = [raw.elements(one) for one in values if raw.kind(one) == "["]
    if not names or len(names) != len(values) or len({len(one) for one in lists}) > 1 or len(lists) != len(values):
        return None
    for i, rest in enumerate(nanos[: len(lists)]):
        parts = raw.elements(rest) if raw.kind(rest) == "[" else []
        if len(parts) == len(lists[i]) and all(map(bytes.isdigit, (*lists[i], *parts))):
            lists[i] = [b"%d" % (int(ms) * 1_000_000 + int(ns)) for ms, ns in zip(lists[i], parts, strict=True)]
        elif parts:
            raise AnswerError(f"the nanoseconds beside {names[i]!r} do not belong to milliseconds, one to one")
    table = {name: columns.json_texts(column) for name, column in zip(names, lists, strict=True)}
    said = {name: one for part in fields for name, one in raw.members(part.get("labels", b"{}")).items()}
    return table | {name: columns.json_texts([one] * len(lists[0])) for name, one in said.items() if name not in table}


def _line(row: bytes) -> bytes:
    return b"[" + b",".join(raw.elements(row)[:2]) + b"]" if raw.kind(row) == "[" else row


def _names(value: bytes) -> Iterator[str]:
    """Give the names in a list of columns: texts, or objects that have a name."""
    if raw.kind(value) == "{":
        inner = {plain(name): one for name, one in raw.members(value).items()}
        value = next((inner[one] for one in _COLUMNS[:7] if one in inner), value)
    for one in raw.elements(value) if raw.kind(value) == "[" else ():
        if raw.kind(one) == "{":
            named = raw.members(one)
            one = named.get("name") or named.get("id") or named.get("key") or b""  # noqa: PLW2901
        if raw.kind(one) != '"':
            return
        yield raw.text(one)


def table_of(names: list[str], rows: list[bytes]) -> Columns:
    """Make columns of rows of values.

    Raises
    ------
    AnswerError
        A row has more or fewer values than there are names, or a name comes twice.
    """
    if len(set(names)) < len(names):
        raise AnswerError(f"a column is named twice: {', '.join(names[:20])}")
    values: list[list[bytes]] = []
    for i, row in enumerate(rows):
        parts = raw.elements(row) if raw.kind(row) == "[" else []
        if len(parts) != len(names):
            raise AnswerError(
                f"row {i + 1} has {len(parts)} values for {len(names)} columns ({', '.join(names[:20])}): {row[:80]!r}"
            )
        values.append(parts)
    turned = zip(*values, strict=True) if values else [()] * len(names)
    return {name: columns.json_texts(list(column)) for name, column in zip(names, turned, strict=True)}
