"""Values of fields as Arrow columns, one for each kind of JSON value that a field has. Pure.

A decoded table has one row a message: ``time``, ``client_id``, ``topic`` and ``seq`` as in messages; a column
``{kind}:{field}`` for each kind that a field has; and ``rest``, a JSON object of the fields that too few messages have
for a column of their own. At most one kind of a field is set in a row; none is set where the message lacks the field.
No row depends on another, so a decoded table may be sliced, filtered, put together with others and written to disk, and
`isr_analysis.payloads.resolve` gives for what is left what decoding just those messages would have given.

The kinds are ``int`` (within int64), ``real``, ``bool``, ``text``, ``other`` (all else, as JSON: larger integers,
lists, ``{}``, text with lone surrogates), ``bytes`` (a payload that is no text) and ``null`` (true where
one is written).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isr_analysis.payloads.message import PAYLOAD, VALUE

LIMIT = 500
"""The most fields that become columns. The rest stays together as JSON."""

EXTRA = "extra"
"""The column of the fields beyond `LIMIT`."""

REST = "rest"

_KEPT_FROM = 256
"""One message in so many must have a field for it to get columns of its own in a decoded table."""

_WHOLE = {VALUE, PAYLOAD}
_TYPES = {"int": pa.int64(), "real": pa.float64(), "bool": pa.bool_(), "null": pa.bool_(), "text": pa.large_string(),
          "other": pa.large_string(), "bytes": pa.large_binary()}  # fmt: skip
_NUMPY: dict[str, Any] = {"int": np.int64, "real": np.float64, "bool": np.bool_, "null": np.bool_}
_KIND_OF: dict[type, str] = {int: "int", float: "real", bool: "bool", str: "text", bytes: "bytes", type(None): "null"}

_dumps = json.JSONEncoder(separators=(",", ":")).encode
_encode = msgspec.json.Encoder().encode
_loads = msgspec.json.Decoder().decode

Rows = npt.NDArray[np.int64]


@dataclass(slots=True)
class Cells:
    """Values as they are decoded, piece by piece, before they become columns.

    Parameters
    ----------
    length : int
        The number of messages.
    """

    length: int
    _pieces: dict[str, dict[str, list[tuple[Rows, Any]]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, name: str, rows: Rows, given: list[Any], types: set[type] | None = None) -> None:
        """Add values of a field, with the row of each; `msgspec.UNSET` stands for none."""
        kinds = self._pieces[name]
        for kind, at, array in _split(given, set(map(type, given)) if types is None else types):
            kinds.setdefault(kind, []).append((rows if at is None else rows[at], array))

    def add_objects(self, objects: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Add the fields of objects, with the row of each, in order."""
        gathered: dict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
        for row, fields in objects:
            for name, value in fields.items():
                rows, given = gathered[name]
                rows.append(row)
                given.append(value)
        for name, (rows, given) in gathered.items():
            self.add(name, np.array(rows, np.int64), given)

    def put(self, name: str, kind: str, rows: Rows, values: Any) -> None:
        """Add values of one kind, none missing: an array of numpy, or of Arrow where numpy has no such kind."""
        self._pieces[name].setdefault(kind, []).append((rows, values))

    def counts(self) -> dict[str, int]:
        """Give the number of messages that have each field."""
        return {
            name: sum(len(rows) for pieces in kinds.values() for rows, _ in pieces)
            for name, kinds in self._pieces.items()
        }

    def column(self, name: str) -> dict[str, pa.Array]:
        """Give a field's columns, by kind."""
        return {kind: array for _, kind, array in self._columns([name] if name in self._pieces else [])}

    def _columns(self, names: Iterable[str]) -> Iterator[tuple[str, str, pa.Array]]:
        """Give field, kind and column, those that the same messages have one after the other."""
        together: dict[tuple[int, ...], list[tuple[str, str]]] = defaultdict(list)
        for name in names:
            for kind, pieces in self._pieces[name].items():
                together[tuple(id(rows) for rows, _ in pieces)].append((name, kind))
        for alike in together.values():
            name, kind = alike[0]
            rows = np.concatenate([rows for rows, _ in self._pieces[name][kind]])
            missing = np.ones(self.length, np.bool_)
            missing[rows] = False
            place = None
            for name, kind in alike:
                arrays = [array for _, array in self._pieces[name][kind]]
                if kind in _NUMPY:
                    out = np.zeros(self.length, _NUMPY[kind])
                    out[rows] = np.concatenate(arrays)
                    yield name, kind, pa.array(out, _TYPES[kind], mask=missing, from_pandas=False)
                else:
                    if place is None:
                        place = np.zeros(self.length, np.int64)
                        place[rows] = np.arange(len(rows))
                        place = pa.array(place, mask=missing)
                    yield name, kind, pa.concat_arrays(arrays).take(place)

    def entries(self, names: Iterable[str]) -> Iterator[tuple[int, str, Any]]:
        """Give row, field and value of each cell of some fields."""
        for name in names:
            for kind, pieces in self._pieces[name].items():
                for rows, array in pieces:
                    for row, value in zip(rows.tolist(), values(kind, array), strict=True):
                        yield row, name, value

    def table(self, fixed: dict[str, pa.Array]) -> pa.Table:
        """Give the decoded table, with its fixed columns in front."""
        counts = {name: count for name, count in self.counts().items() if count}
        chosen = frequent(counts, self.length / _KEPT_FROM)
        columns = {f"{kind}:{name}": array for name, kind, array in self._columns(chosen)}
        columns = {**fixed, **dict(sorted(columns.items()))}
        if len(chosen) < len(counts):
            columns[REST] = as_json(self.entries(sorted(counts.keys() - set(chosen))), self.length)
        return pa.table(columns)


def values(kind: str, array: Any) -> list[Any]:
    """Give values of one kind, none missing, as Python objects."""
    if kind == "null":
        return [None] * len(array)
    if kind in _NUMPY and not isinstance(array, np.ndarray):
        array = np.asarray(array)
    listed: list[Any] = array.tolist() if isinstance(array, np.ndarray) else array.to_pylist()
    if kind != "other":
        return listed
    try:
        together: list[Any] = _loads(f"[{','.join(listed)}]")
    except msgspec.DecodeError:  # NaN, Infinity, lone surrogates
        return [parse(text) for text in listed]
    return together


def is_plain(kind: str) -> bool:
    """Tell whether numpy has the values of a kind as they are."""
    return kind in _NUMPY


def bare(array: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Give a copy of the values of a plain kind, whatever stands where there is none."""
    chunks = [
        pa.Array.from_buffers(one.type, len(one), [None, one.buffers()[1]], offset=one.offset) for one in array.chunks
    ]
    return np.concatenate([one.to_numpy(zero_copy_only=False) for one in chunks])


def whole(array: pa.ChunkedArray) -> pa.Array:
    """Give an array in one piece, without copying it if it is in one."""
    return array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()


def as_json(entries: Iterable[tuple[int, str, Any]], length: int) -> pa.Array:
    """Put cells together as one JSON object a row, its keys sorted; null where a row has none."""
    objects: dict[int, dict[str, Any]] = defaultdict(dict)
    for row, name, value in entries:
        objects[row][name] = value
    texts: list[str | None] = [None] * length
    for row, fields in objects.items():
        texts[row] = _dumps(dict(sorted(fields.items())))
    return pa.array(texts, pa.large_string())


def frequent(counts: dict[str, int], least: float) -> list[str]:
    """Give at most `LIMIT` fields that at least so many messages have, by name; those of whole payloads always."""
    enough = [name for name, count in counts.items() if name in _WHOLE or count >= least]
    return sorted(sorted(enough, key=lambda name: (name not in _WHOLE, -counts[name], name))[:LIMIT])


def concat(tables: list[pa.Table]) -> pa.Table:
    """Put decoded tables together, one below the other, ready to be written as Arrow IPC."""
    return pa.concat_tables(tables, promote_options="default").unify_dictionaries()


def written(value: Any) -> str:
    """Write a value as JSON that `parse` reads."""
    try:
        text = _encode(value)
    except (OverflowError, UnicodeEncodeError):  # larger integers, lone surrogates
        return _dumps(value)
    return _dumps(value) if b"null" in text else text.decode()  # msgspec writes NaN as null


def parse(text: str) -> Any:
    """Read JSON that was written here."""
    try:
        return _loads(text)
    except msgspec.DecodeError:  # NaN, Infinity, lone surrogates
        return json.loads(text)


def _split(given: list[Any], types: set[type]) -> Iterator[tuple[str, Rows | None, Any]]:
    """Give kind, places and array of values, for each kind that they have."""
    for one in types - {msgspec.UnsetType} if given else ():
        at, some = None, given
        if len(types) > 1:
            at = np.array([i for i, value in enumerate(given) if type(value) is one], np.int64)
            some = [given[i] for i in at.tolist()]
        kind = _KIND_OF.get(one, "other")
        try:
            yield kind, at, _array(kind, some)
        except (OverflowError, UnicodeEncodeError):
            odd = np.array([not _fits(kind, value) for value in some])
            at = np.arange(len(some)) if at is None else at
            yield kind, at[~odd], _array(kind, [v for v, no in zip(some, odd, strict=True) if not no])
            yield "other", at[odd], _array("other", [v for v, no in zip(some, odd, strict=True) if no])


def _fits(kind: str, value: Any) -> bool:
    try:
        _array(kind, [value])
    except (OverflowError, UnicodeEncodeError):
        return False
    return True


def _array(kind: str, given: list[Any]) -> Any:
    if kind == "null":
        return np.ones(len(given), np.bool_)
    if kind in _NUMPY:
        return np.array(given, _NUMPY[kind])
    return pa.array([written(value) for value in given] if kind == "other" else given, _TYPES[kind])
