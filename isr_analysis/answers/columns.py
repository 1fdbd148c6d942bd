"""Rows as columns: what every form of answer is turned into before its meaning is looked for.

A column is text (`pyarrow.string`) or the JSON text of each value (`pyarrow.binary`); null is a row without the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import raw, shape
from isr_analysis.answers.shape import is_bookkeeping, is_label, plain
from isr_analysis.errors import AnswerError

Columns = dict[str, pa.ChunkedArray]

REST = "\0rest"
"""A column of JSON objects: the further fields of rows that share too few of them."""

_WIDEST = 200
_TRIES = 32
"""Rows of more different shapes than this are read one by one."""

_FURTHER = re.compile(r"Object contains unknown field `(.*)` - at `[^`]*`$", re.DOTALL)
"""How msgspec names a field that the first row lacks; should it ever use other words, the slower way is taken."""

_LONGEST = 2**31 - 1
_FEW = 64
_NULL = pa.scalar(b"null", pa.binary())
_NAMED = {*shape.PAYLOADS, *shape.PERHAPS_PAYLOAD, *shape.ENCODING, *shape.ACCOUNT}


def text(values: Iterable[str | None]) -> pa.ChunkedArray:
    """Make a column of text."""
    return pa.chunked_array([pa.array(values, pa.string())])


def json_texts(values: Iterable[bytes | None]) -> pa.ChunkedArray:
    """Make a column of JSON texts; no bytes at all are a missing value."""
    made = pa.chunked_array([pa.array(values, pa.binary())])
    return _without_nothing(made) if pc.min(pc.binary_length(made)).as_py() == 0 else made


def _without_nothing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(pc.binary_length(column), 0), None, column)


def _of_raws(values: list[msgspec.Raw]) -> pa.ChunkedArray:
    """Make a column of JSON texts that msgspec has checked, without a Python object for each."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
    if offsets[-1] > _LONGEST:
        return json_texts(list(map(bytes, values)))
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(values))]  # each is a buffer
    made = pa.chunked_array([pa.Array.from_buffers(pa.binary(), len(values), buffers)])
    return _without_nothing(made) if (np.diff(offsets) == 0).any() else made


def length(columns: Columns) -> int:
    """Give the number of rows."""
    return len(next(iter(columns.values()), ()))


def of_arrays(arrays: Sequence[bytes]) -> tuple[Columns, list[int]]:
    """Make columns of JSON arrays of objects, and give the number of rows of each array."""
    if (found := of_like(arrays, next((one for one in map(raw.first, arrays) if one is not None), None))) is not None:
        return found
    records = [raw.records(one) for one in arrays]
    return of_records([row for part in records for row in part]), [len(part) for part in records]


def of_like(arrays: Sequence[bytes | memoryview], head: bytes | None) -> tuple[Columns, list[int]] | None:
    """Do what `of_arrays` does if the rows are like the first, and if each text is one array; else give None."""
    if head is None:
        return {}, [0] * len(arrays)
    # Each field, and whether it is read as text.
    fields = {name: is_label(name) and raw.kind(value) == '"' for name, value in raw.members(head).items()}
    for name in raw.contradictory(head, fields):  # as of a join of tables that both have it
        if is_label(name) or plain(name) in _NAMED:
            raise AnswerError(f"the rows have two members {name!r} that differ, of which only one would be read")
    for _ in range(_TRIES):
        decoder = _decoder(tuple(fields.items()))
        if decoder is None:
            break
        try:
            parts = [decoder.decode(one) for one in arrays]
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
            if (further := _FURTHER.match(str(exc))) and further[1] not in fields:
                fields[further[1]] = False
            elif any(fields.values()):
                fields = dict.fromkeys(fields, False)
            else:
                break
            continue
        rows = [row for part in parts for row in part] if len(parts) > 1 else parts[0]
        made: Columns = {}
        for i, (name, as_text) in enumerate(fields.items()):
            values = list(map(attrgetter(f"f{i}"), rows))
            made[name] = text(values) if as_text else _of_raws(values)
        return made, [len(part) for part in parts]
    return None


@lru_cache(256)
def _decoder(names: tuple[tuple[str, bool], ...]) -> msgspec.json.Decoder[Any] | None:
    """Make a decoder of rows that have some of these fields and no others, each read as text or left as it is."""
    if len(names) > _WIDEST:
        return None
    fields: list[tuple[str, Any, Any]] = [
        (f"f{i}", str | None, None) if as_text else (f"f{i}", msgspec.Raw, msgspec.Raw(b""))
        for i, (_, as_text) in enumerate(names)
    ]
    rename = {f"f{i}": name for i, (name, _) in enumerate(names)}
    try:
        row = msgspec.defstruct("Row", fields, rename=rename, forbid_unknown_fields=True, gc=False)
    except ValueError:  # a name that msgspec cannot look for
        return None
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def of_records(rows: Sequence[dict[str, bytes]]) -> Columns:
    """Make columns of the members of objects."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) <= _WIDEST:
        return {name: json_texts([row.get(name) for row in rows]) for name in names}
    kept = [name for name in names if is_label(name) or is_bookkeeping(name, live=True) or plain(name) in _NAMED]
    made = {name: json_texts([row.get(name) for row in rows]) for name in kept}
    fixed = set(kept)
    made[REST] = json_texts([join({k: v for k, v in row.items() if k not in fixed and v != b"null"}) for row in rows])
    return made


def join(members: dict[str, bytes]) -> bytes:
    """Write an object of JSON texts."""
    return b"{" + b",".join(key(name) + value for name, value in members.items()) + b"}"


@lru_cache(4096)
def key(name: str) -> bytes:
    """Write the name of a member, and its colon."""
    try:
        return json.dumps(name, ensure_ascii=False).encode() + b":"
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(name).encode() + b":"


def sample(column: pa.ChunkedArray) -> str | bytes | None:
    """Give the first value of a column that is there and not null: text, or JSON text."""
    if len(column) and (head := column[0].as_py()) not in (None, "", b"null"):  # mostly so
        first: str | bytes = head
        return first
    for part in (column.slice(0, _FEW), column):
        if (at := pc.index(present(part), True).as_py()) >= 0:
            found: str | bytes = part[at].as_py()
            return found
    return None


def sample_text(column: pa.ChunkedArray) -> str:
    """Give the first value of a column as `sample` does if that is text, or the JSON text of one; else nothing."""
    value = sample(column)
    return value if isinstance(value, str) else raw.text(value) if value and raw.kind(value) == '"' else ""


def listed(table: Columns) -> str:
    """Name the columns of rows for an error."""
    names = [name for name in table if not name.startswith("\0")]
    return "the fields " + ", ".join(names[:20]) + (" …" if len(names) > 20 else "") if names else "no fields"  # noqa: PLR2004


def scalars(table: Columns) -> list[str]:
    """Give the columns whose values are no objects or arrays."""
    samples = {name: sample(column) for name, column in table.items()}
    return [name for name, value in samples.items() if not isinstance(value, bytes) or value[:1] not in (b"{", b"[")]


def present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell for each row whether it has a value: JSON that is not null, text that is not empty."""
    nothing = pa.scalar("") if pa.types.is_string(column.type) else _NULL
    return pc.fill_null(pc.not_equal(column, nothing), False)


def texts(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Give a column as text: strings without their quotes, null as missing, numbers and others as they stand.

    Raises
    ------
    AnswerError
        A string holds what is no text; the message says in which field.
    """
    if pa.types.is_string(column.type):
        return column
    inner = pc.if_else(present(column), column, None)
    quoted = pc.all(pc.starts_with(inner, b'"')).as_py() is not False
    quoted = quoted and not pc.any(pc.match_substring(inner, b"\\")).as_py()
    try:
        inner = inner if quoted else json_texts([_plain_text(one) for one in inner.to_pylist()])
        found = inner.cast(pa.string())
    except (pa.ArrowInvalid, UnicodeError) as exc:
        raise AnswerError(
            f"the field {name!r} holds what is no text (bytes that are no UTF-8, or half a pair)"
        ) from exc
    return pc.utf8_slice_codeunits(found, 1, -1) if quoted else found


def said(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give text in which nothing at all is missing."""
    empty = pc.equal(column, "")
    return pc.if_else(empty, None, column) if pc.any(empty).as_py() else column


def _plain_text(value: bytes | None) -> bytes | None:
    return raw.text(value).encode() if value is not None and raw.kind(value) == '"' else value


def as_json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column as JSON texts."""
    if not pa.types.is_string(column.type):
        return column
    if not pc.any(pc.match_substring_regex(column, r'[\x00-\x1f"\\]')).as_py():
        return pc.binary_join_element_wise(pa.scalar('"'), column, pa.scalar('"'), pa.scalar("")).cast(pa.binary())
    encode = msgspec.json.encode
    return json_texts([None if one is None else encode(one) for one in column.to_pylist()])


def filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column as JSON texts in which null is missing: a table has every topic's columns in every row."""
    column = as_json(column)
    empty = pc.equal(column, _NULL)
    return pc.if_else(empty, None, column) if pc.any(empty).as_py() else column


def concat(tables: Sequence[tuple[Columns, int]]) -> Columns:
    """Put rows of different columns one below the other; each comes with its number of rows."""
    names = list(dict.fromkeys(name for table, _ in tables for name in table))
    made: Columns = {}
    for name in names:
        there = [table[name] for table, _ in tables if name in table]
        kind = pa.string() if all(pa.types.is_string(one.type) for one in there) else pa.binary()
        parts = [
            (table[name] if kind == pa.string() else as_json(table[name])) if name in table
            else pa.chunked_array([pa.nulls(rows, kind)])
            for table, rows in tables
        ]  # fmt: skip
        made[name] = pa.chunked_array([chunk for part in parts for chunk in part.chunks], kind)
    return made


def first_of(column: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the values of a column, and those of another where it has none."""
    if column.type != other.type:
        column, other = as_json(column), as_json(other)
    return pc.if_else(present(column), column, other)
