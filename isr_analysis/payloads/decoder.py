"""The payloads of messages, decoded into columns.

Messages of one topic mostly differ in their values alone: these are cut out of the bytes, field by field. Of the
others a sample tells the shape, and msgspec reads them into structs of it. What does not fit exactly is read by itself,
by the same parser. Which way a message was read never shows in its values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.interrupts import in_threads
from isr_analysis.payloads import columns, message, plain, shapes
from isr_analysis.payloads.columns import Cells, Rows

DECODER_VERSION = 1
"""Goes up whenever the same messages would be decoded into something else."""

_BLOCK = 500_000
"""Messages that are decoded at once: so the memory that it takes stays in proportion."""

_THREADS = 4
_WORTHWHILE = 50_000
"""Messages that are worth a thread of their own. Most of the work is numpy's and Arrow's, without Python's lock."""

_PORTION = 4096
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
    threads = max(min(_THREADS, os.cpu_count() or 1, len(table) // _WORTHWHILE), 1)
    size = max(min(_BLOCK, -(-len(table) // threads)), 1)
    parts = [table.slice(at, size) for at in range(0, len(table), size)]
    if len(parts) < 2:  # noqa: PLR2004
        return _block(table)
    blocks = in_threads(threads, [partial(_block, one) for one in parts]) if threads > 1 else map(_block, parts)
    return columns.concat(list(blocks))


def _block(table: pa.Table) -> pa.Table:
    topics, clients = (columns.whole(table[name]).dictionary_encode() for name in ("topic", "client_id"))
    payloads = columns.whole(table["payload"].cast(pa.large_binary()))
    cells = Cells(len(table))
    codes = topics.indices.to_numpy()
    rows = np.arange(len(table))
    deep = _deep(payloads)
    if len(deep):
        rows = np.delete(rows, deep)
        cells.add_objects(_one_by_one(payloads, deep, message.raw))
    alike = _alike(topics.dictionary, codes)[codes]
    left = [_plain(cells, payloads, some) for some in _grouped(rows, alike)]
    for of_topic in _grouped(np.concatenate(left), codes):
        _topic(cells, payloads, of_topic)
    return cells.table({"time": table["time"], "client_id": clients, "topic": topics, "seq": table["seq"]})


def _deep(payloads: pa.Array) -> Rows:
    """Give the rows of what is nested too deep to be read."""
    long = np.flatnonzero(pc.greater(pc.binary_length(payloads), 2 * message.DEEPEST))
    return np.array([row for row in long.tolist() if message.is_deep(payloads[row].as_py())], np.int64)


def _alike(topics: pa.Array, codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give of each topic the number of the topics that its messages are read with.

    A topic of few messages goes with those that end in the same level, as their devices are mostly of one kind; and
    where these are few as well, one of very few with all such.
    """
    counts = np.bincount(codes, minlength=len(topics))
    last = pc.replace_substring_regex(topics, ".*/", "").dictionary_encode().indices.to_numpy() + len(topics)
    alike = np.where(counts < plain.LEAST, last, np.arange(len(topics)))
    alone = np.bincount(alike, counts)[alike] < plain.LEAST
    alike[alone] = np.where(counts < _ENOUGH, 2 * len(topics), np.arange(len(topics)))[alone]
    return alike


def _grouped(rows: Rows, groups: npt.NDArray[Any]) -> list[Rows]:
    """Part rows by the number of the group that each is of."""
    numbers = groups[rows]
    numbers = numbers.astype(np.min_scalar_type(numbers.max(initial=0)))  # 16 bits are sorted six times faster than 32
    order = np.argsort(numbers, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(numbers[order])) + 1)


def _plain(cells: Cells, payloads: pa.Array, rows: Rows) -> Rows:
    """Read in columns what can be of messages that may be alike, and give the rest."""
    if len(rows) < plain.LEAST:
        return rows
    left = []
    for part in np.array_split(rows, -(-len(rows) // plain.PORTION)):
        taken = plain.take(payloads, part)
        left.append(taken.left)
        for name, kind, at, values in taken.columns:
            cells.put(name, kind, at, values)
    return np.concatenate(left)


def _topic(cells: Cells, payloads: pa.Array, rows: Rows) -> None:
    """Read messages of one topic: by shape as long as one is found that most of them have, the rest one by one."""
    for _ in range(_ROUNDS):
        if len(rows) < _ENOUGH:
            break
        sample = rows[np.linspace(0, len(rows) - 1, shapes.SAMPLE).astype(np.int64)]
        reader = shapes.reader(_taken(payloads, sample))
        if reader is None:
            break
        left = [reader(cells, part, _taken(payloads, part)) for part in _portions(rows)]
        before, rows = len(rows), np.concatenate(left)
        if len(rows) > before / 2:
            break
    cells.add_objects(_one_by_one(payloads, rows, message.fields))


def _one_by_one(
    payloads: pa.Array, rows: Rows, read: Callable[[bytes], dict[str, Any]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each row with the fields of its payload."""
    for part in _portions(rows):
        for row, payload in zip(part.tolist(), _taken(payloads, part), strict=True):
            yield row, read(payload)


def _portions(rows: Rows) -> Iterator[Rows]:
    """Give rows in portions whose values stay in the processor's cache from one step to the next."""
    return (rows[at : at + _PORTION] for at in range(0, len(rows), _PORTION))


def _taken(payloads: pa.Array, rows: Rows) -> list[bytes]:
    taken: list[bytes] = payloads.take(pa.array(rows)).to_pylist()
    return taken
