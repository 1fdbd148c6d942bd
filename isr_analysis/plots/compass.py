"""Directions on a straight axis: where it cuts the circle, what its ticks say, and what is drawn across the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isr_analysis.checks.kinds import is_direction
from isr_analysis.checks.series import Flags, Floats
from isr_analysis.plots.outside import measured
from isr_analysis.plots.panels import Line

_TURN = 360.0
_CUTS = (-180, -90, -270, -45, -135, -225, -315)  # degrees from where a circle usually begins
_NEAR = 22.5
_TICKS = (1, 2, 5, 10, 15, 30, 45, 90)
_FEW = 8
_MINUS = "\N{MINUS SIGN}"  # as plotly writes it
_FINE = 12  # points of a band between two hours, so that it is cut where it passes the end of the axis

Piece = tuple[Floats, Floats, Floats]
"""A part of a band: where it lies, and its lower and upper edge there."""


@dataclass(frozen=True, slots=True)
class Compass:
    """An axis of directions.

    Parameters
    ----------
    least : float
        The least direction as it is published: 0, or -180.
    cut : float
        Where the axis begins, at most a turn below `least`. It ends after a turn.
    """

    least: float
    cut: float

    @property
    def is_usual(self) -> bool:
        """Whether the axis shows directions as they are published."""
        return self.cut == self.least

    def onto(self, degrees: Floats) -> Floats:
        """Turn directions onto the axis."""
        return _from(degrees, self.cut)

    def published(self, degrees: Floats) -> Floats:
        """Turn what stands on the axis back to directions as they are published."""
        return _from(degrees, self.least)

    def ticks(self, low: float, high: float) -> dict[str, Any]:
        """Label an axis of which a part is seen; the usual one labels itself."""
        if self.is_usual:
            return {}
        step = next((one for one in _TICKS if (high - low) / one <= _FEW), _TICKS[-1])
        at = np.arange(self.cut, self.cut + _TURN + 1, step)
        return {"tickvals": at.tolist(), "ticktext": [f"{one:g}".replace("-", _MINUS) for one in self.published(at)]}

    def pieces(self, x: Floats, low: Floats, middle: Floats, high: Floats) -> list[Piece]:
        """Cut a band about a direction into what of it is on the axis: what leaves at one end comes in at the other."""
        straight = np.unwrap(middle, period=_TURN)
        fine = np.linspace(x[0], x[-1], _FINE * (len(x) - 1) + 1)
        below, above = (np.interp(fine, x, edge + straight - middle) for edge in (low, high))
        end = self.cut + _TURN
        turns = range(int((below.min() - self.cut) // _TURN), int((above.max() - self.cut) // _TURN) + 1)
        found: list[Piece] = []
        for turn in turns:
            lower, upper = below - turn * _TURN, above - turn * _TURN
            seen = np.flatnonzero((upper >= self.cut) & (lower <= end))
            lower, upper = np.clip(lower, self.cut, end), np.clip(upper, self.cut, end)
            runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
            found += [(fine[run], lower[run], upper[run]) for run in runs if len(run)]
        return found


def directions(own: list[Line]) -> list[Flags] | None:
    """Tell which values of the lines of a panel are directions; None if these are not directions in degrees."""
    if not is_direction(own[0].field) or any(line.state for line in own):
        return None
    real = [measured(line.value, line.field) for line in own]
    if not all(((some >= -_TURN / 2) & (some <= _TURN)).all() for some in real):
        return None
    return [
        np.isin(line.value, some) if len(some) < len(line.value) else np.ones(len(some), bool)
        for line, some in zip(own, real, strict=True)
    ]


def compass(published: list[Floats], drawn: list[Floats]) -> Compass:
    """Let an axis begin at the least direction that is published, or elsewhere if much is drawn near that."""
    least = -_TURN / 2 if any((some < 0).any() for some in published) else 0.0
    every = np.concatenate(drawn)
    near = {
        least + cut: np.count_nonzero(np.abs(_from(every - least - cut, -_TURN / 2)) < _NEAR) for cut in (0, *_CUTS)
    }
    best = min(near, key=near.__getitem__)
    return Compass(least, best if 2 * near[best] < near[least] else least)


def about(degrees: Floats, middle: float) -> Floats:
    """Give directions as numbers within half a turn of one, so that they can be sorted."""
    found: Floats = degrees + _TURN * np.rint((middle - degrees) / _TURN)
    return found


def _from(degrees: Floats, begin: float) -> Floats:
    found: Floats = (degrees - begin) % _TURN + begin
    return found
