"""Many payloads of one plain shape, read by Arrow a column at a time, without a Python object for each value.

Arrow's JSON reader is fast and lenient: it splits at line ends, takes text that looks like a date for one, gives ``20``
as ``20.0`` beside a real, and a null like a field that is not there. So it is told each field's type, gets only what it
cannot take apart wrongly, and where what it gives can mean two things the text itself is asked. A message of which
something stays open is left for a slower way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from isr_analysis.payloads.columns import Rows
from isr_analysis.payloads.message import REFUSED, Path, name_of, read

PORTION = 16_384
"""Payloads that are read at once."""

LEAST = 4096
"""Fewer payloads are not worth it. Where more cannot be read together, halves of them are tried."""

_SAMPLE = 32
_LONGEST = 32_768  # bytes of a payload; longer ones are read by themselves
_MOST = 64_000_000  # bytes that are read at once
_BLOCK = 1 << 20
_DEEPEST = 8
_EXACT = 2**53
_KINDS: dict[type, tuple[str, pa.DataType]] = {
    int: ("int", pa.int64()), float: ("real", pa.float64()), bool: ("bool", pa.bool_()),
    str: ("text", pa.large_string()),
}  # fmt: skip

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of some messages.

    Parameters
    ----------
    columns : list
        Field, kind, rows and values, as `Cells.put` takes them.
    left : numpy.ndarray
        The rows of the messages that were not read.
    """

    columns: list[tuple[str, str, Rows, Any]]
    left: Rows


def take(payloads: pa.Array, rows: Rows) -> Taken:
    """Read messages of one topic.

    Parameters
    ----------
    payloads : pyarrow.Array
        ``large_binary``; those of all messages.
    rows : numpy.ndarray
        The messages that are meant, at most `PORTION`.
    """
    taken = _together(payloads, rows)
    if taken is not None:
        return taken
    if len(rows) < 2 * LEAST:
        return Taken([], rows)
    halves = [take(payloads, half) for half in np.array_split(rows, 2)]
    return Taken([one for half in halves for one in half.columns], np.concatenate([half.left for half in halves]))


def _together(payloads: pa.Array, rows: Rows) -> Taken | None:
    """Do what `take` does, if all of them can be read together; else give None."""
    some = rows[np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.int64)]
    types = _types(payloads.take(pa.array(some)).to_pylist())
    if not types:
        return None
    taken = payloads.take(pa.array(rows))
    broken, returned, null, escaped = _having(taken, "\n", "\r", "null", "\\")
    sure = _sure(taken) & ~broken & ~returned
    if not sure.all():
        taken, null, escaped = taken.filter(pa.array(sure)), null[sure], escaped[sure]
    if taken.nbytes > _MOST:
        return None
    try:
        taken = taken.cast(pa.string())  # Arrow's reader does not look whether text is UTF-8
        table = _table(taken, _schema(types))
    except (pa.ArrowException, UnicodeError):
        return None
    leaves = dict(_leaves(table, ()))
    names = {path: name_of(path) for path in leaves}
    if len(table) != len(taken) or len(set(names.values())) < len(names):
        return None
    found = _Found(taken, leaves, null, escaped)
    for path, array in leaves.items():
        found.weigh(path, array, types)
    at, good = rows[sure], ~found.doubtful
    columns: list[tuple[str, str, Rows, Any]] = []
    for path, kind, there, array in found.columns:
        here = there & good
        if here.all():
            columns.append((names[path], kind, at, array))
        elif here.any():
            columns.append((names[path], kind, at[here], _where(array, here)))
    return Taken(columns, np.concatenate([rows[~sure], at[~good]]))


def _types(sample: list[bytes]) -> dict[str, Any] | None:
    """Give the type of each field that a sample has, objects as dicts; None if one has several, or another kind."""
    merged: dict[str, Any] = {}
    for payload in sample:
        try:
            value = read(payload)
        except REFUSED:
            continue
        if type(value) is dict and not _merge(merged, value, 1):
            return None
    return merged


def _merge(merged: dict[str, Any], value: dict[str, Any], level: int) -> bool:
    for key, one in value.items():
        kind = type(one)
        if one is None:
            continue
        if kind is dict and one and level < _DEEPEST:
            there = merged.setdefault(key, {})
            if type(there) is not dict or not _merge(there, one, level + 1):
                return False
            continue
        there = merged.setdefault(key, kind)
        if kind not in _KINDS or type(there) is dict or (there is not kind and {there, kind} != {int, float}):
            return False
        if there is not kind:
            merged[key] = float
    return True


def _schema(types: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(k, pa.struct(_schema(t)) if type(t) is dict else _KINDS[t][1]) for k, t in types.items()]


def _sure(taken: pa.Array) -> Mask:
    """Tell which payloads are not too long, and begin and end as an object with something in it."""
    offsets = np.frombuffer(taken.buffers()[1], np.int64, len(taken) + 1, 8 * taken.offset)
    text = np.frombuffer(taken.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    sure = (lengths > len("{}")) & (lengths <= _LONGEST)
    sure[sure] = (text[offsets[:-1][sure]] == ord("{")) & (text[offsets[1:][sure] - 1] == ord("}"))
    return sure


def _table(taken: pa.Array, schema: list[pa.Field]) -> pa.Table:
    """Read payloads, one a line.

    Each begins with ``{`` and ends with ``}``; a line end between these two can only stand outside of an object. So
    where there are as many rows as payloads, each row is its own payload's.
    """
    lines = pa.ListArray.from_arrays(pa.array([0, len(taken)], pa.int32()), taken)
    return pj.read_json(
        pa.BufferReader(pc.binary_join(lines, "\n")[0].as_buffer()),
        read_options=pj.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pj.ParseOptions(explicit_schema=pa.schema(schema), unexpected_field_behavior="infer"),
    )


def _leaves(table: pa.Table, path: Path) -> Iterator[tuple[Path, pa.Array]]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        yield from _within(column.combine_chunks(), (*path, name))


def _within(array: pa.Array, path: Path) -> Iterator[tuple[Path, pa.Array]]:
    yield path, array
    if pa.types.is_struct(array.type):
        for field, one in zip(array.type, array.flatten(), strict=True):
            yield from _within(one, (*path, field.name))


class _Found:
    """What Arrow found in payloads, field by field.

    Attributes
    ----------
    columns : list
        Path, kind, the rows that have it, and the values of all rows.
    doubtful : numpy.ndarray
        The rows of which something is not sure.
    """

    def __init__(self, taken: pa.Array, leaves: dict[Path, pa.Array], null: Mask, escaped: Mask) -> None:
        self._text = taken
        self._sole = {key for key, count in Counter(path[-1] for path in leaves).items() if count == 1}
        self._null, self._escaped = null, escaped
        self.columns: list[tuple[Path, str, Mask, Any]] = []
        self.doubtful = np.zeros(len(taken), np.bool_)

    def weigh(self, path: Path, array: pa.Array, types: dict[str, Any]) -> None:
        """Take a field's values."""
        there = _mask(array.is_valid())
        null = self._written(path, self._null & ~there, "null")
        if null.any():
            self.columns.append((path, "null", null, null))
        known: Any = types
        for key in path:
            known = known.get(key) if type(known) is dict else None
        if known is None:  # not in the sample
            self.doubtful |= there
        elif type(known) is dict:  # an object with nothing in it is a value of its own
            for one in array.flatten() if there.any() else ():
                there &= _mask(one.is_null())
            self.doubtful |= there
        elif known is float:
            values = array.to_numpy(zero_copy_only=False)
            self.doubtful |= there & ~np.isfinite(values)
            ints = self._written(path, there & (values == np.floor(values)), r"-?[0-9]+\s*[,}]")
            if ints.any():
                self.doubtful |= ints & (np.abs(values) >= _EXACT)
                self.columns.append((path, "int", ints, np.where(ints & ~self.doubtful, values, 0).astype(np.int64)))
            self.columns.append((path, "real", there & ~ints, values))
        else:
            kind = _KINDS[known][0]
            self.columns.append((path, kind, there, array if known is str else array.fill_null(known())))

    def _written(self, path: Path, among: Mask, pattern: str) -> Mask:
        """Tell in which of some rows a field's value is written so. Where the text cannot say it, the row is doubtful.

        Without a backslash no string holds a quote, so what looks like a key is one.
        """
        at = np.flatnonzero(among)
        out = np.zeros(len(among), np.bool_)
        if len(at):
            text = self._text if len(at) == len(out) else self._text.take(pa.array(at))
            out[at] = _mask(pc.match_substring_regex(text, rf'"{re.escape(path[-1])}"\s*:\s*{pattern}'))
            self.doubtful |= among & self._escaped
            if path[-1] not in self._sole:
                self.doubtful |= out
        return out


def _having(taken: pa.Array, *parts: str) -> list[Mask]:
    """Tell for each of some texts which payloads hold it. Mostly none does, and Python sees that sooner than Arrow."""
    whole = bytes(taken.buffers()[2] or b"")  # of a table that was taken, so nothing else is in it
    return [
        _mask(pc.match_substring(taken, part)) if part.encode() in whole else np.zeros(len(taken), np.bool_)
        for part in parts
    ]


def _where(array: Any, mask: Mask) -> Any:
    return array[mask] if isinstance(array, np.ndarray) else array.filter(pa.array(mask))


def _mask(array: pa.Array) -> Mask:
    mask: Mask = array.to_numpy(zero_copy_only=False)
    return mask
