"""Payloads that stand in one of two fields of a row, or in both: decoded, and as text or coded bytes. Pure.

A portal that decodes JSON has null beside the text or the bytes of what is none. Where it gives the bytes always, no
name tells; the rows that have both do.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, labels, payload, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.roles import Roles
from isr_analysis.answers.shape import is_of_payload, leaf, plain

_ROWS = 100
"""How many rows with both are compared."""

_INSTEAD = ("raw", "text", "string", "binary", "bytes", "body", "data", "content", "payloadbytes", "payloadbinary")
"""What a field may be called as well that stands in for a payload."""

_CHANCE = 3
"""Bytes that may be a value's by chance."""


def of_coded(table: Columns, role: Roles) -> tuple[Roles, str | None]:
    """Take payloads from the column that has their bytes, coded, where another one has the same as JSON.

    Returns
    -------
    (Roles, str or None)
        The roles without the other column, and the form of the bytes, as `payload.published` takes it. Without such
        columns: the roles as they are, and None.
    """
    payloads = (*role.payload, *role.spread)
    found = _coded(table, (*payloads, *role.extra), payloads)
    if found is None:
        return role, None
    name, form, other = found
    rest = tuple(one for one in (*role.spread, *role.extra) if one not in (name, other))
    return replace(role, payload=(name,), shown=name, spread=(), extra=rest), form


def _coded(table: Columns, names: Collection[str], payloads: Collection[str]) -> tuple[str, str, str] | None:
    """Find two columns, at least one of them of `payloads`, of which one holds the other's JSON as coded bytes.

    Gives the column of the bytes, their form, and the other column. In each row that has a value in the other column,
    the bytes must be the same JSON.
    """
    for name in names:
        bytes_of = columns.as_json(table[name])
        head = columns.sample(bytes_of)
        for form in payload.CODED:
            if not isinstance(head, bytes) or payload.sound(head, form) is None:  # most often it is not
                continue
            for other in names:
                one_is = name in payloads or other in payloads
                if one_is and other != name and _same(bytes_of, columns.as_json(table[other]), form):
                    return name, form, other
    return None


def instead(table: Columns, payloads: Sequence[str], others: Collection[str]) -> list[str]:
    """Name the fields, of others than the payloads, that have a value in rows in which no payload is."""
    lacking = functools.reduce(pc.and_, (pc.invert(_holds(table[name])) for name in payloads))
    if not payloads or not pc.any(lacking).as_py():  # mostly so
        return []
    named = (name for name in others if is_of_payload(name) or leaf(name) in _INSTEAD)
    return [name for name in named if pc.any(_holds(table[name]).filter(lacking)).as_py()]


def encoding(table: Columns, name: str | None, others: Collection[str]) -> pa.ChunkedArray | None:
    """Give what rows say of their payloads' form, in the field of a name; or in a kind of content that is bytes."""
    if name is None:
        kinds = (one for one in others if leaf(one) in ("contenttype", "mimetype"))
        said = labels.text_of(table, next(kinds, None))
        of_bytes = said is not None and pc.match_substring(pc.fill_null(said, ""), "octet-stream")
        return pc.if_else(of_bytes, said, "") if of_bytes and pc.any(of_bytes).as_py() else None
    said = labels.text_of(table, name)
    if said is not None and payload.FLAG.search(plain(name)):  # whether it is
        return pc.if_else(pc.is_in(pc.utf8_lower(said), pa.array(["true", "1"])), "base64", None)
    return said


def form_of(column: pa.ChunkedArray, name: str) -> str | None:
    """Give the form of a column that is called bytes, if all of it may be that: hex, which may be base64, too."""
    if not leaf(name).endswith(("bytes", "binary")):
        return None
    values = columns.as_json(column.filter(_holds(column))).to_pylist()
    forms = (form for form in ("hex", "base64") if values and all(payload.is_coded(one, form) for one in values))
    return next(forms, None)


def _holds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell for each row whether it has a value other than null."""
    column = columns.as_json(column)
    return pc.and_(columns.present(column), pc.fill_null(pc.not_equal(column, b"null"), False))


def _same(bytes_of: pa.ChunkedArray, values: pa.ChunkedArray, form: str) -> bool:
    there = _holds(values)
    longest = 0
    for one, value in zip(*(column.filter(there)[:_ROWS].to_pylist() for column in (bytes_of, values)), strict=True):
        decoded = None if one is None else payload.sound(one, form)
        if decoded is None or not _is_json(decoded, value):
            return False
        longest = max(longest, len(decoded))
    return longest > _CHANCE


def _is_json(decoded: bytes, value: bytes) -> bool:
    """Tell whether bytes are the JSON of a value, or the text that a JSON string holds.

    Numbers are compared as a portal in JavaScript reads them, which rounds those beyond 2⁵³.
    """
    if raw.kind(value) == '"' and raw.text(value).encode("utf-8", "surrogatepass") == decoded:
        return True
    try:
        one, other = (json.loads(text, parse_int=float) for text in (decoded, value))
        return bool(one == other)
    except (ValueError, RecursionError):
        return False
