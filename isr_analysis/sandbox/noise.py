"""Randomness without state: every draw is a pure function of a key and a number.

A generator that remembers where it stands would give another fleet to whoever asks in another order. These draws are
the same in whatever order, range or page they are asked for.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST = np.uint64(31)


def key(*parts: object) -> int:
    """Make a key of 64 bits from anything that has a plain text form."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def bits(of: int, k: Ints) -> NDArray[np.uint64]:
    """Give 64 random bits for each number: the finisher of SplitMix64."""
    x = (k.astype(np.uint64) + np.uint64(1)) * _GOLDEN ^ np.uint64(of)
    for shift, factor in _MIX:
        x = (x ^ (x >> shift)) * factor
    return x ^ (x >> _LAST)


def uniform(of: int, k: Ints) -> Reals:
    """Give a number of [0, 1) for each number."""
    return (bits(of, k) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(of: int, k: Ints) -> Reals:
    """Give a bell-shaped number (mean 0, deviation 1, never beyond 3.5) for each number."""
    x = bits(of, k)
    parts = np.zeros(len(k))
    for shift in (0, 16, 32, 48):
        parts += x >> np.uint64(shift) & np.uint64(0xFFFF)
    drawn: Reals = (parts / 65536.0 - 2.0) * 3.0**0.5
    return drawn


def smooth(of: int, t: Ints, period: int) -> Reals:
    """Give a curve of [-1, 1] that wanders from one value to the next once a period (ns)."""
    step = t // period
    share = (t - step * period) / period
    weight = share * share * (3.0 - 2.0 * share)
    curve: Reals = 2.0 * ((1.0 - weight) * uniform(of, step) + weight * uniform(of, step + 1)) - 1.0
    return curve


def draw(of: int, k: int = 0) -> float:
    """Give one number of [0, 1)."""
    return float(uniform(of, np.array([k], np.int64))[0])


def choose(of: int, k: int, count: int) -> int:
    """Give one number of 0 to `count` - 1."""
    return int(draw(of, k) * count)
