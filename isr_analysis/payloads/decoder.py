"""The payloads of messages, decoded into columns.

Messages of one topic mostly have one shape. A sample says which, msgspec reads them into structs of that shape, and
the values are taken out field by field. What does not fit exactly is read by itself instead, by the same parser. Which
way a message was read never shows in its values.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.payloads import columns, message, shapes
from isr_analysis.payloads.columns import Cells, Rows

DECODER_VERSION = 1
"""Goes up whenever the same messages would be decoded into something else."""

_BLOCK = 500_000
_ENOUGH = 64
_ROUNDS = 4


def decode(table: pa.Table) -> pa.Table:
    r"""Decode the payloads of messages, each by itself.

    - An object gives its fields. Objects in it are flattened, their keys joined with dots: ``cpu.load``. An empty
      object in it is a value, and so is a list.
    - Other JSON is the field ``value``.
    - What is no JSON in UTF-8 is the field ``payload``: text if it is UTF-8, else bytes. So is JSON that is nested
      more than 200 deep or has an integer of more than 4300 digits.
    - A field named ``time``, ``client_id`` or ``topic`` gets ``payload.`` in front. So does the shallower of two that
      have one name in one message, as in ``{"a.b": 1, "a": {"b": 2}}``; and again, until its name is free.
    - A real is the nearest double, so 1e400 is infinity. Of a key that comes twice the last counts. A byte order mark
      in front is passed over; a lone surrogate in a key is written out, as ``\ud800``.

    Parameters
    ----------
    table : pyarrow.Table
        Messages, in any order.

    Returns
    -------
    pyarrow.Table
        A decoded table (see `isr_analysis.payloads.columns`), its rows those of `table`.
    """
    blocks = [_block(table.slice(at, _BLOCK)) for at in range(0, len(table), _BLOCK)] or [_block(table)]
    return blocks[0] if len(blocks) == 1 else columns.concat(blocks)


def _block(table: pa.Table) -> pa.Table:
    topics, clients = (_coded(table[name]) for name in ("topic", "client_id"))
    payloads = table["payload"].to_pylist()
    cells = Cells(len(table))
    codes = topics.indices.to_numpy()
    rows = np.argsort(codes, kind="stable")
    deep = [row for row in _long(table["payload"]) if message.depth(payloads[row]) > message.DEEPEST]
    if deep:
        rows = rows[~np.isin(rows, deep)]
        _each(cells, np.array(deep, np.int64), [message.raw(payloads[row]) for row in deep])
    for of_topic in np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1):
        _topic(cells, of_topic, [payloads[row] for row in of_topic.tolist()])
    return cells.table({"time": table["time"], "client_id": clients, "topic": topics, "seq": table["seq"]})


def _coded(array: pa.ChunkedArray) -> pa.DictionaryArray:
    return array.combine_chunks().dictionary_encode()


def _long(payloads: pa.ChunkedArray) -> list[int]:
    """Give the rows that are long enough to be nested too deep."""
    long = pc.greater(pc.binary_length(payloads), 2 * message.DEEPEST)
    return np.flatnonzero(long).tolist()


def _topic(cells: Cells, rows: Rows, payloads: list[bytes]) -> None:
    """Read messages of one topic: by shape as long as one is found that most of them have, the rest one by one."""
    for _ in range(_ROUNDS):
        shape = shapes.sampled(payloads) if len(payloads) >= _ENOUGH else None
        if shape is None:
            break
        before = len(payloads)
        rows, payloads = shapes.fitting(cells, shape, rows, payloads)
        if len(payloads) > before / 2:
            break
    _each(cells, rows, [message.fields(payload) for payload in payloads])


def _each(cells: Cells, rows: Rows, found: list[dict[str, Any]]) -> None:
    gathered: dict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for row, fields in zip(rows.tolist(), found, strict=True):
        for name, value in fields.items():
            at, values = gathered[name]
            at.append(row)
            values.append(value)
    for name, (at, values) in gathered.items():
        cells.add(name, np.array(at, np.int64), values)
