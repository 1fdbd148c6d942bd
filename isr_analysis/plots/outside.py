"""Values outside an axis: those that would flatten a figure, and those below a logarithmic one."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np

from isr_analysis.amounts import counted
from isr_analysis.checks.series import Floats
from isr_analysis.checks.values import apart, is_sentinel
from isr_analysis.plots.panels import Line
from isr_analysis.plots.theme import said, short

_FLAT = 4.0  # times the height of what was measured from which on the others flatten it
_ABSURD = 1e6  # times the greatest of the others: nothing that was measured is so far from all else
_FEW = 3
_ROOM = 0.06  # of the axis, above and below
_NAMED = 3


class Outside:
    """What lies outside the axes of a figure; gathered panel by panel, to be told under its title."""

    def __init__(self) -> None:
        self._values: Counter[float] = Counter()

    def ends(self, own: list[Line]) -> tuple[float, float] | None:
        """Give the least and the greatest value that the axis of some lines should show; None if that is all.

        The others are drawn all the same, and seen when the axis is widened.
        """
        if any(line.state for line in own):
            return None
        found = [measured(line.value, line.field) for line in own]
        # A probe that never measured anything, beside others that did.
        moving = [one for one in found if not (is_sentinel(float(one[0])) and (one == one[0]).all())]
        if not moving:
            return None
        low, high = min(float(one.min()) for one in moving), max(float(one.max()) for one in moving)
        strange = [line.value[(line.value < low) | (line.value > high)] for line in own]
        values, counts = np.unique(np.concatenate(strange), return_counts=True)
        if not len(values) or max(high, values[-1]) - min(low, values[0]) <= _FLAT * (high - low):
            return None
        self._values.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        return low, high

    @property
    def words(self) -> list[str]:
        """What is to be said of it: nothing, or one sentence."""
        if not self._values:
            return []
        return [f"outside the axis: {named(self._values)}; double-click to see all"]


def named(values: Counter[float]) -> str:
    """Name values and how often they came, the most frequent first."""
    told = [f"{value:,.7g} ({count:,} times)" if count > 1 else f"{value:,.7g}"
            for value, count in values.most_common(_NAMED)]  # fmt: skip
    more = f" and {counted(len(values) - _NAMED, 'other')}" if len(values) > _NAMED else ""
    return f"{', '.join(told)}{more}"


def above_zero(lines: list[Line]) -> tuple[list[Line], list[str]]:
    """Give lines as a logarithmic axis shows them, broken where they are not above zero, and what is to be said of it.

    States that have an axis for themselves stay as they are.
    """
    steps = {(line.panel, line.right) for line in lines} - {
        (line.panel, line.right) for line in lines if not line.state
    }
    found: list[Line] = []
    left_out: Counter[str] = Counter()
    for line in lines:
        at = np.flatnonzero(line.value > 0)
        if len(at) == len(line.value) or (line.panel, line.right) in steps:
            found.append(line)
            continue
        left_out[line.field] += len(line.value) - len(at)
        if len(at):
            gaps = (np.diff(at) > 1) | (np.diff(np.searchsorted(line.breaks, at)) > 0)
            heard, breaks = (line.time, line.breaks), np.flatnonzero(gaps)
            found.append(
                dataclasses.replace(line, time=line.time[at], value=line.value[at], breaks=breaks, heard=heard)
            )
    if not left_out:
        return found, []
    names = ", ".join(said(short(field)) for field in [*left_out][:_NAMED]) + (" …" if len(left_out) > _NAMED else "")
    return found, [f"not on a logarithmic axis: {counted(left_out.total(), 'value')} of 0 or below, of {names}"]


def with_room(ends: tuple[float, float], *, log: bool = False) -> list[float]:
    """Give the range of an axis that shows two values and all between them; a logarithmic one is given by exponents."""
    low, high = np.log10(ends).tolist() if log else ends
    room = _ROOM * (high - low) or 0.05 * abs(low) or 0.5
    return [low - room, high + room]


def measured(value: Floats, field: str) -> Floats:
    """Leave out what stands for no measurement, by its value, or as it is beyond all reason."""
    while True:
        rest = apart(_within_reason(value), field)[1]
        if len(rest) == len(value):
            return value
        value = rest


def _within_reason(value: Floats) -> Floats:
    end = max(float(value.min()), float(value.max()), key=abs)
    if abs(end) < _ABSURD:  # as nearly always, and then nothing is copied
        return value
    others = value[value != end]
    if len(others) < max(_FEW, len(value) / 2) or not 0 < np.abs(others).max() * _ABSURD <= abs(end):
        return value
    return _within_reason(others)
