"""A payload that stands in its row twice, decoded and as coded bytes: the bytes are what was published. Pure.

A portal that decodes JSON has null beside the bytes of what is none. No name tells; the rows that have both do.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, payload, raw
from isr_analysis.answers.columns import Columns

_ROWS = 100
"""How many rows with both are compared."""

_CHANCE = 3
"""Bytes that may be a value's by chance."""


def coded(table: Columns, names: Collection[str], payloads: Collection[str]) -> tuple[str, str, str] | None:
    """Find two columns, at least one of them of `payloads`, of which one holds the other's JSON as coded bytes.

    Returns
    -------
    (str, str, str) or None
        The column of the coded bytes, their form, as `payload.published` takes it, and the other column. None if there
        is no such pair: in each row that has a value in the other column, the bytes must be the same JSON.
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


def _same(bytes_of: pa.ChunkedArray, values: pa.ChunkedArray, form: str) -> bool:
    there = pc.and_(columns.present(values), pc.not_equal(values, b"null"))
    longest = 0
    for one, value in zip(*(column.filter(there)[:_ROWS].to_pylist() for column in (bytes_of, values)), strict=True):
        decoded = None if one is None else payload.sound(one, form)
        if decoded is None or not _is_json(decoded, value):
            return False
        longest = max(longest, len(decoded))
    return longest > _CHANCE


def _is_json(decoded: bytes, value: bytes) -> bool:
    """Tell whether bytes are the JSON of a value, or the text that a JSON string holds."""
    if raw.kind(value) == '"' and raw.text(value).encode("utf-8", "surrogatepass") == decoded:
        return True
    try:
        return bool(msgspec.json.decode(decoded) == msgspec.json.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
