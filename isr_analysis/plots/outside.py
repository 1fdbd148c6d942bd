"""Values that would flatten a figure and so lie outside its axis: what devices write when they measured nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np

from isr_analysis.amounts import counted
from isr_analysis.checks.series import Floats
from isr_analysis.checks.values import apart, is_sentinel
from isr_analysis.plots.panels import Line

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


def with_room(ends: tuple[float, float]) -> list[float]:
    """Give the range of an axis that shows two values and all between them."""
    low, high = ends
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
