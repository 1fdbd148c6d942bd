"""When the message of each row was published, of which the row may have several times."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, instants, labels, shape
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.roles import Roles
from isr_analysis.answers.shape import Asked
from isr_analysis.errors import AnswerError


class Apart(NamedTuple):
    """A message of which the row has two times.

    Parameters
    ----------
    message : pyarrow.Table
        That message, by the instant that is read.
    at, other : int
        This instant, and the other one, ns.
    name : str
        The field of the other one.
    is_order : bool
        Whether the rows of the page stand in order of that field, and not of the one that is read.
    """

    message: pa.Table
    at: int
    other: int
    name: str
    is_order: bool

    @property
    def by(self) -> int:
        """How far apart they are, ns."""
        return abs(self.at - self.other)


def of_rows(table: Columns, role: Roles, asked: Asked) -> pa.ChunkedArray:
    """Give the instant of each row's message, ns; an `AnswerError` names the row that has none."""
    time = None
    for name in role.time:
        same = asked.fields.time is None and shape.is_same_time(role.time[0], name)
        if time is not None and time.null_count == 0 and not same:
            continue
        one = instants.to_ns(table[name], name, asked.fields.time_form, asked.fields.time_zone)
        time = one if time is None or (same and _is_cut(time, one)) else pc.coalesce(time, one)
    assert time is not None
    if role.part is not None and (unit := shape.part_of_second(role.part, role.time[0])) is not None:
        time = instants.completed(time, table[role.part], unit) or time
    if time.null_count == 0:
        return time
    raise AnswerError(f"{labels.row(table, pc.index(pc.is_null(time), True).as_py())} has no time")


def apart(table: Columns, made: pa.Table, time: pa.ChunkedArray, role: Roles, asked: Asked) -> Apart | None:
    """Give the message whose times are furthest apart, of rows that have several."""
    found: Apart | None = None
    for name in (one for one in role.time[1:] if len(time) == columns.length(table)):
        with contextlib.suppress(AnswerError):  # it is no time of this kind
            other = instants.to_ns(table[name], name, None, asked.fields.time_zone)
            gaps = pc.abs(pc.subtract(other, time))
            by = pc.max(gaps).as_py() or 0
            if by > (found.by if found else 0):
                i = pc.index(gaps, by).as_py()
                is_order = other.null_count == 0 and _is_ordered(other) and not _is_ordered(time)
                found = Apart(made.slice(i, 1), time[i].as_py(), other[i].as_py(), name, is_order)
    return found


def _is_ordered(time: pa.ChunkedArray) -> bool:
    steps = np.diff(time.to_numpy())
    return bool((steps >= 0).all() or (steps <= 0).all())


def _is_cut(time: pa.ChunkedArray, finer: pa.ChunkedArray) -> bool:
    """Tell whether instants are others, cut to seconds, milliseconds or microseconds."""
    if time.null_count or finer.null_count:
        return False
    short, whole = time.to_numpy(), finer.to_numpy()
    return bool((short != whole).any()) and any((short == whole // unit * unit).all() for unit in instants.NS.values())
