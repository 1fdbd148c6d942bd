"""Reduces the points of a figure so that it looks the same. Pure: arrays in, positions out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

from isr_analysis.checks.series import Floats, Ints

POINTS = 12_000
"""Points in one figure, shared by its traces: about half a megabyte of JSON."""
_LEAST = 24
_SEEN = 300  # a gap of more than so many parts of the line is seen as one: about three pixels
_CHOOSER = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]


def share(traces: int) -> int:
    """Give the number of points that each of so many traces may have."""
    return max(_LEAST, POINTS // max(1, traces))


def thin(time: Ints, value: Floats, breaks: Ints, most: int) -> tuple[Ints, Ints]:
    """Choose about `most` points of a line, each run between two gaps by itself.

    Parameters
    ----------
    time, value : numpy.ndarray
        The line, ascending in time, without NaN.
    breaks : numpy.ndarray
        The points after which there is a gap, ascending.
    most : int
        How many points to keep. Of more gaps than an eighth of it, the longest are kept, of equal ones some of the
        whole line, and in any case each that is wider than the line.

    Returns
    -------
    keep, breaks : numpy.ndarray
        Positions to draw, ascending, and where among these the line is broken (after that one). The first and last
        point, the least and the greatest value are always among them.
    """
    if len(value) <= max(most, 1):
        return np.arange(len(value)), breaks
    if len(breaks) > most // 8:
        length = time[breaks + 1] - time[breaks]
        many = max(most // 8, int(np.count_nonzero(length > (time[-1] - time[0]) // _SEEN)))
        breaks = breaks[_longest(length, many)]
    edges = np.concatenate([[0], breaks + 1, [len(value)]])
    room = most - 2 * len(breaks) - 4
    kept = [np.array([0, len(value) - 1, int(value.argmin()), int(value.argmax())])]
    for begin, end in pairwise(edges):
        wanted = max(2, int(room * (end - begin) / len(value)))
        if end - begin <= wanted:
            kept.append(np.arange(begin, end))
        elif wanted < _LEAST:
            part = value[begin:end]
            kept.append(begin + np.array([0, int(part.argmin()), int(part.argmax()), end - begin - 1]))
        else:
            chosen = _CHOOSER.downsample(time[begin:end], value[begin:end], n_out=wanted)
            kept.append(begin + chosen.astype(np.int64))
    keep = np.unique(np.concatenate(kept))
    return keep, np.searchsorted(keep, breaks, side="right") - 1


def _longest(length: Ints, many: int) -> Ints:
    """Choose the longest of some gaps; of those that are as long as the last of them, some from everywhere."""
    least = np.partition(length, -many)[-many]
    longer, same = np.flatnonzero(length > least), np.flatnonzero(length == least)
    room = many - len(longer)
    return np.sort(np.concatenate([longer, same[np.arange(room) * len(same) // room]]))


def broken(keep: Ints, breaks: Ints) -> tuple[Ints, Ints]:
    """Give `keep` with room for a break after each of `breaks`: the positions, and where the breaks now lie."""
    at = breaks[breaks < len(keep) - 1] + 1
    return np.insert(keep, at, keep[at - 1]), at + np.arange(len(at))


def changes(value: Floats) -> Ints:
    """Give the points at which a state changes, its first and its last: all that steps need."""
    if not len(value):
        return np.zeros(0, dtype=np.int64)
    differs = np.flatnonzero(value[1:] != value[:-1]) + 1
    return np.unique(np.concatenate([[0], differs, [len(value) - 1]]))
