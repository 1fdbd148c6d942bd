"""The fields of a decoded table, each as one column of one dtype. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.payloads.columns import EXTRA, LIMIT, REST, Cells, as_json, bare, frequent, is_plain, parse, values

_SHOWN_FROM = 1000
"""One message in so many must have a field for it to become a column where not all can."""

_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a frame.

    Parameters
    ----------
    name : str
        The field.
    dtype : str
        ``Int64``, ``float64``, ``boolean``, ``str`` or ``object``; see `resolve`.
    kinds : dict of str to pyarrow.ChunkedArray
        The values by kind, each as long as the frame, null where a row has no value of that kind. A ``float64``
        column has the one kind ``real``.
    """

    name: str
    dtype: str
    kinds: dict[str, pa.ChunkedArray]

    def numbers(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Give the values of the one kind ``int`` or ``bool``, zero where there is none, and where that is."""
        ((_, array),) = self.kinds.items()
        out, missing = bare(array), array.is_null().to_numpy()
        out *= ~missing  # by a mask it takes eight times as long where the gaps are many
        return out, missing

    def objects(self) -> npt.NDArray[np.object_]:
        """Give each value as a Python object; None where there is none, or an explicit null."""
        rows = len(next(iter(self.kinds.values())))
        out = np.full(rows, None, dtype=object)
        for kind, array in self.kinds.items():
            if kind == "null":
                continue
            there = np.flatnonzero(array.is_valid().to_numpy())
            if is_plain(kind):
                out[there] = bare(array)[there]
            else:
                told = values(kind, array.drop_null())
                out[there] = np.fromiter(told, np.object_, len(told))  # np.array would take lists apart
        return out


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
        texts = enumerate(decoded[REST].to_pylist())
        rare.add_objects((row, parse(text)) for row, text in texts if text is not None)
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


def _merged(dense: dict[str, pa.ChunkedArray], rare: dict[str, pa.Array]) -> dict[str, pa.ChunkedArray]:
    """Put a field together that has columns in one part of a table and is among the rest in another."""
    out = dict(dense)
    for kind, array in rare.items():
        one = pa.chunked_array([array])
        out[kind] = pc.coalesce(out[kind], one) if kind in out else one
    return out


def _column(name: str, kinds: dict[str, pa.ChunkedArray]) -> Column:
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
