"""Values of fields as Arrow columns, one for each kind of JSON value that a field has. Pure.

A decoded table has one row a message: ``time``, ``client_id``, ``topic`` and ``seq`` as in messages; a column
``{kind}:{field}`` for each kind that a field has (see `KINDS`); and ``rest``, a JSON object of the fields that too few
messages have for a column of their own. At most one kind of a field is set in a row; none is set where the message
lacks the field. No row depends on another, so a decoded table may be sliced, filtered, put together with others and
written to disk, and `resolve` gives for what is left what decoding just those messages would have given.
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
import pyarrow.compute as pc

from isr_analysis.payloads.message import PAYLOAD, VALUE

KINDS = ("int", "real", "bool", "text", "other", "bytes", "null")
"""The kinds: integers within int64, reals, booleans, text, all else (as JSON: larger integers, lists, ``{}``, text
with lone surrogates), bytes that are no text, and an explicit null (true where it is)."""

LIMIT = 500
"""The most fields that become columns. The rest stays together as JSON."""

EXTRA = "extra"
"""The column of the fields beyond `LIMIT`."""

REST = "rest"

_KEPT_FROM = 256
"""One message in so many must have a field for it to get columns of its own in a decoded table."""

_SHOWN_FROM = 1000
"""One message in so many must have a field for it to become a column where not all can."""

_WHOLE = {VALUE, PAYLOAD}
_EXACT = 2**53
_TYPES = {"int": pa.int64(), "real": pa.float64(), "bool": pa.bool_(), "null": pa.bool_(), "text": pa.large_string(),
          "other": pa.large_string(), "bytes": pa.large_binary()}  # fmt: skip
_NUMPY: dict[str, Any] = {"int": np.int64, "real": np.float64, "bool": np.bool_, "null": np.bool_}
_KIND_OF: dict[type, str] = {int: "int", float: "real", bool: "bool", str: "text", bytes: "bytes", type(None): "null"}

_dumps = json.JSONEncoder(separators=(",", ":")).encode
_encode = msgspec.json.Encoder().encode
_loads = msgspec.json.Decoder().decode

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a frame.

    Parameters
    ----------
    name : str
        The field.
    dtype : str
        ``Int64``, ``float64``, ``boolean``, ``str`` or ``object``; see `resolve`.
    kinds : dict of str to pyarrow.Array
        The values by kind, each as long as the frame, null where a row has no value of that kind. A ``float64``
        column has the one kind ``real``.
    """

    name: str
    dtype: str
    kinds: dict[str, pa.Array]

    def objects(self) -> npt.NDArray[np.object_]:
        """Give each value as a Python object; None where there is none, or an explicit null."""
        rows = len(next(iter(self.kinds.values())))
        out = np.full(rows, None, dtype=object)
        for kind, array in self.kinds.items():
            if kind != "null":
                there = array.is_valid().to_numpy(zero_copy_only=False)
                told = values(kind, array.drop_null())
                out[there] = np.fromiter(told, np.object_, len(told))  # np.array would take lists apart
        return out


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
    listed: list[Any] = array.tolist() if isinstance(array, np.ndarray) else array.to_pylist()
    return [_parse(text) for text in listed] if kind == "other" else listed


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


def resolve(decoded: pa.Table, fields: list[str] | None = None) -> tuple[Iterator[Column], pa.Array | None, list[str]]:
    """Give each field that the messages of a decoded table have as one column of one dtype.

    ===================================================  ===========
    what its messages have                               dtype
    ===================================================  ===========
    only integers, all within int64                      ``Int64``
    reals, or reals and integers of at most ±2⁵³         ``float64``
    only booleans                                        ``boolean``
    only text                                            ``str``
    anything else: mixed kinds, lists, larger integers   ``object``
    ===================================================  ===========

    ``20`` is an integer, ``20.0`` a real. A null changes nothing beside other values; alone it is ``object``.

    Parameters
    ----------
    decoded : pyarrow.Table
        Of `isr_analysis.payloads.decode`, or a part of it, or several put together.
    fields : list of str, optional
        The fields that are wanted; all if left out.

    Returns
    -------
    columns : iterator of Column
        Each made when it is asked for. By name, or in the order of `fields`; those of `fields` that no message has
        are left out. Without `fields` at most `LIMIT`; if there are more: ``value`` and ``payload``, then those that
        most messages have, and of two that as many have the first by name; none that fewer than one message in 1000
        has.
    extra : pyarrow.Array or None
        The other fields, a JSON object a message; None if there are no others.
    names : list of str
        All fields that there are, by name.
    """
    dense: dict[str, dict[str, pa.ChunkedArray]] = defaultdict(dict)
    for label, array in zip(decoded.column_names, decoded.columns, strict=True):
        kind, colon, name = label.partition(":")
        if colon and array.null_count < len(array):
            dense[name][kind] = array
    rare = Cells(len(decoded))
    if REST in decoded.column_names:
        _read_rest(decoded[REST], rare)
    counts = rare.counts()
    for name, kinds in dense.items():
        counts[name] = counts.get(name, 0) + sum(len(array) - array.null_count for array in kinds.values())
    names = sorted(counts)
    if fields is None:
        # What stays together is called `extra`, so a field of that name is in it.
        plain = {name: counts[name] for name in names if name != EXTRA}
        chosen = names if len(names) <= LIMIT else frequent(plain, len(decoded) / _SHOWN_FROM)
    else:
        chosen = [name for name in dict.fromkeys(fields) if name in counts]
    columns = (_column(name, _merged(dense.get(name, {}), rare.column(name))) for name in chosen)
    extra = None
    if fields is None and len(chosen) < len(names):
        left = counts.keys() - set(chosen)
        cells = [*rare.entries(sorted(left & rare.counts().keys()))]
        for name in sorted(left & dense.keys()):
            for kind, array in dense[name].items():
                rows = np.flatnonzero(array.is_valid()).tolist()
                cells += [(row, name, v) for row, v in zip(rows, values(kind, array.drop_null()), strict=True)]
        extra = as_json(cells, len(decoded))
    return columns, extra, names


def _read_rest(rest: pa.ChunkedArray, cells: Cells) -> None:
    gathered: dict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for row, text in enumerate(rest.to_pylist()):
        if text is not None:
            for name, value in _parse(text).items():
                rows, given = gathered[name]
                rows.append(row)
                given.append(value)
    for name, (rows, given) in gathered.items():
        cells.add(name, np.array(rows, np.int64), given)


def _merged(dense: dict[str, pa.ChunkedArray], rare: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Put a field together that has columns in one part of a table and is among the rest in another."""
    out = {kind: whole(array) for kind, array in dense.items()}
    for kind, array in rare.items():
        out[kind] = pc.coalesce(out[kind], array) if kind in out else array
    return out


def _column(name: str, kinds: dict[str, pa.Array]) -> Column:
    told = kinds.keys() - {"null"}
    if told == {"int"}:
        return Column(name, "Int64", {"int": kinds["int"]})
    if told == {"bool"}:
        return Column(name, "boolean", {"bool": kinds["bool"]})
    if told == {"text"}:
        return Column(name, "str", {"text": kinds["text"]})
    if told == {"real"}:
        return Column(name, "float64", {"real": kinds["real"]})
    if told == {"real", "int"}:
        span = pc.min_max(kinds["int"]).as_py()
        if span["min"] >= -_EXACT and span["max"] <= _EXACT:
            return Column(name, "float64", {"real": pc.coalesce(kinds["real"], kinds["int"].cast(pa.float64()))})
    return Column(name, "object", kinds)


def _written(value: Any) -> str:
    try:
        text = _encode(value)
    except (OverflowError, UnicodeEncodeError):  # larger integers, lone surrogates
        return _dumps(value)
    return _dumps(value) if b"null" in text else text.decode()  # msgspec writes NaN as null


def _parse(text: str) -> Any:
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
    return pa.array([_written(value) for value in given] if kind == "other" else given, _TYPES[kind])
