"""What the invented devices measure: weather, keying, switching, load. Each is a pure function of key and time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isr_analysis.sandbox import noise
from isr_analysis.sandbox.noise import Ints, Reals
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

_OVER = 3 * MINUTE
_SLOT = 2 * HOUR
_WARMEST, _BUSIEST = 14.5, 19.5  # hour of the day, UTC


def day(t: Ints, hour: float) -> Reals:
    """Give a curve of [-1, 1] that is highest at an hour of each day."""
    curve: Reals = np.cos(2.0 * np.pi * ((t % DAY) / DAY - hour / 24.0))
    return curve


def outdoor(key: int, k: Ints, t: Ints) -> Reals:
    """Give a temperature outdoors, °C: the day, the weather that passes, a little noise."""
    year = np.cos(2.0 * np.pi * ((t % (365 * DAY)) / (365 * DAY) - 0.55))
    curve: Reals = 9.0 + 9.0 * year + 4.5 * day(t, _WARMEST) + 4.0 * noise.smooth(key, t, 31 * HOUR)
    return curve + 0.06 * noise.normal(key + 1, k)


def busy(key: int, t: Ints) -> Reals:
    """Give how much goes on at a station, 0 to 1: evenings more than mornings, some days more than others."""
    level: Reals = 0.22 + 0.2 * day(t, _BUSIEST) + 0.16 * noise.smooth(key, t, 9 * HOUR)
    return np.clip(level, 0.01, 1.0)


def keyed(key: int, t: Ints) -> NDArray[np.bool_]:
    """Tell whether a station transmits: in some spans of three minutes one over, of a length of its own."""
    over = t // _OVER
    into = (t - over * _OVER) / _OVER
    begins = 0.35 * noise.uniform(key + 1, over)
    ends = begins + 0.12 + 0.5 * noise.uniform(key + 2, over)
    active = noise.uniform(key, over) < busy(key, over * _OVER)
    keyed: NDArray[np.bool_] = active & (into >= begins) & (into < ends)
    return keyed


def forward(key: int, k: Ints, t: Ints, watts: float) -> Reals:
    """Give a transmitter's power, W: near `watts` while keyed, else the meter's own noise."""
    on = watts * (0.97 + 0.02 * noise.smooth(key + 3, t, HOUR) + 0.006 * noise.normal(key + 4, k))
    off = 0.35 + 0.12 * noise.normal(key + 5, k)
    return np.where(keyed(key, t), on, np.abs(off))


def _switching(key: int, slot: Ints) -> tuple[NDArray[np.bool_], Ints, Ints]:
    """Give for each slot whether a relay is switched on in it, and when on and off."""
    active = noise.uniform(key, slot) < 0.55  # noqa: PLR2004 (about every second slot)
    begins = slot * _SLOT + (noise.uniform(key + 1, slot) * 0.4 * _SLOT).astype(np.int64)
    ends = begins + ((0.05 + 0.5 * noise.uniform(key + 2, slot)) * _SLOT).astype(np.int64)
    return active, begins // 1000 * 1000, ends // 1000 * 1000


def relay(key: int, t: Ints) -> NDArray[np.bool_]:
    """Tell whether a relay is on."""
    active, begins, ends = _switching(key, t // _SLOT)
    on: NDArray[np.bool_] = active & (t >= begins) & (t < ends)
    return on


def switchings(key: int, start: int, end: int) -> Ints:
    """Give the instants of ``[start, end)`` at which a relay changes, in order."""
    active, begins, ends = _switching(key, np.arange(start // _SLOT, end // _SLOT + 1, dtype=np.int64))
    both = np.column_stack([begins[active], ends[active]]).ravel()
    return both[(both >= start) & (both < end)]


def load(key: int, k: Ints, t: Ints) -> Reals:
    """Give a computer's load, 0 to 1: higher while the station transmits."""
    level = 0.12 + 0.05 * noise.smooth(key, t, 40 * MINUTE) + 0.25 * keyed(key, t) + 0.02 * noise.normal(key + 6, k)
    return np.clip(level, 0.01, 1.0)


def counter(key: int, t: Ints, since: Ints, per_second: float) -> Ints:
    """Give a count of bytes that grows from 0 at the instants `since`."""

    def grown(at: Ints) -> Reals:
        # The wander is slower than the growth: 0.3 hours' worth within six hours.
        wander: Reals = 0.3 * HOUR / SECOND * noise.smooth(key, at, 6 * HOUR)
        return wander + at / SECOND

    return np.floor(per_second * (grown(t) - grown(since))).astype(np.int64)
