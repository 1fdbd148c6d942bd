"""How often a series publishes, found from its times, and where it fell silent. Pure: arrays in, arrays out.

A series is looked at in blocks of neighbouring messages, so that a change of rate is followed. The interval of a block
is the one in which it spends its time, not the one that is counted most often: a burst of five messages each minute is
a matter of minutes. A long silence has no more weight than a few ordinary pauses, so that an outage moves nothing.
Several long pauses of one length in a row are no silences but a slower rate, such as that of a station at night.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from isr_analysis.checks.series import Flags, Floats, Ints

BLOCK = 32
SILENT = 2.5
"""A pause of more than so many intervals is a gap: one lost message is none. A link that loses many gets more."""

BURST = 0.25
"""What comes sooner after another, in intervals, is of one burst with it."""

_NEAR = 0.3
_CERTAIN = 0.55
_ENOUGH = 6
_SAMPLE = 2048
_SAME_RATE = 1.6
_FOR_GOOD = 3
_IN_A_ROW = 3
"""So many long pauses alike, one after the other, may be a slower rate; it takes `_ENOUGH` of that length in all."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """The rate at which a series speaks.

    Parameters
    ----------
    edges : numpy.ndarray
        Rate ``i`` holds for the pauses ``edges[i]`` to ``edges[i + 1]``; pause ``j`` lies between message ``j`` and
        the next.
    interval : numpy.ndarray
        ns between messages, one a rate.
    regular : numpy.ndarray
        Whether the series keeps to that interval; what speaks when something happens does not.
    limit : numpy.ndarray
        ns from which on a pause is a silence; infinite where the series is not regular.
    blur : numpy.ndarray
        By how many pauses each edge between two rates may be off.
    """

    edges: Ints
    interval: Floats
    regular: Flags
    limit: Floats
    blur: Ints

    def limits(self, pauses: int, *, anyhow: float = np.inf) -> Floats:
        """Give, for each pause, the length (ns) from which on it is a silence.

        Near a change of rate the slower rate counts. `anyhow` is the factor where there is no regular interval.
        """
        limit = self.limit if np.isinf(anyhow) else np.where(self.regular, self.limit, self.interval * anyhow)
        if len(limit) == 1:
            return np.full(pauses, limit[0])
        each = np.repeat(limit, np.diff(self.edges))
        for edge, blur, before, after in zip(self.edges[1:-1], self.blur, limit[:-1], limit[1:], strict=True):
            near = slice(max(0, edge - blur), edge + blur)
            each[near] = np.maximum(each[near], max(before, after))
        return each

    def rate_at(self, pause: int) -> int:
        """Give the number of the rate that holds for one pause; outside of all, that of the first or the last."""
        return min(max(int(np.searchsorted(self.edges, pause, side="right")) - 1, 0), len(self.interval) - 1)

    def limit_at(self, pause: int) -> float:
        """Give the length (ns) from which on one pause is a silence; infinite where there is no regular interval."""
        rate = self.rate_at(pause)
        near = [rate]
        if rate > 0 and pause < self.edges[rate] + self.blur[rate - 1]:
            near.append(rate - 1)
        if rate < len(self.blur) and pause >= self.edges[rate + 1] - self.blur[rate]:
            near.append(rate + 1)
        return max(float(self.limit[one]) for one in near)


def cadence(time: Ints) -> Cadence:
    """Find the rate, or the rates, at which a series speaks.

    Parameters
    ----------
    time : numpy.ndarray
        Its instants, ns, ascending; repeats are no harm.

    Returns
    -------
    Cadence
        One rate, or several where it changed for good or for some hours. Fewer than two instants: one irregular rate
        of 0 ns.
    """
    pause = np.diff(time)
    count = len(pause)
    base = _usual(pause)
    size = max(BLOCK, -(-count // _SAMPLE))
    whole = count // size
    if whole <= 1:
        return _judged(pause, np.array([0, count]))
    blocks = pause[: whole * size].reshape(whole, size)[:, : 2 * BLOCK]
    edges = _regimes(_block_interval(blocks, base)) * size
    edges[-1] = count
    return _judged(pause, edges)


def _judged(pause: Ints, edges: Ints) -> Cadence:
    """Find interval, regularity and limit of each rate, and the slower rates that come and go within one."""
    rates: list[tuple[int, float, bool, float, int]] = []  # where it begins, what it is, how exact its beginning
    for begin, end in pairwise(edges.tolist()):
        part = _thin(pause[begin:end])
        usual = _usual(part)
        regular = _keeps(part, usual)
        usual = _mean(part, usual) if regular else usual
        limit = usual * _patience(part, usual, end - begin) if regular else np.inf
        rates.append((begin, usual, regular, limit, BLOCK))
        for first, last, slow, longest in _slower(pause[begin:end], usual, limit) if regular else ():
            if first == 0:
                rates.pop()
            rates.append((begin + first, slow, True, longest, BLOCK if first == 0 else 0))
            if begin + last < end:
                rates.append((begin + last, usual, regular, limit, 0))
    begins, interval, kept, limits, blur = zip(*rates, strict=True)
    return Cadence(
        np.array([*begins, edges[-1]]), np.array(interval), np.array(kept), np.array(limits), np.array(blur[1:], int)
    )


def _slower(pause: Ints, interval: float, limit: float) -> list[tuple[int, int, float, float]]:
    """Find the runs of long pauses that are a rate of their own: first and last + 1, interval and limit of each."""
    if np.count_nonzero(pause > limit) < _ENOUGH:
        return []
    due = np.flatnonzero(pause >= interval / 2)  # a burst ends no run
    long = pause[due] > limit
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(long)) + 1, [len(long)]])
    runs = [
        due[begin:end] for begin, end in pairwise(bounds.tolist())
        if long[begin] and (end - begin >= _IN_A_ROW or begin == 0 or end == len(long))  # of a cut run little is seen
    ]  # fmt: skip
    usual = np.array([np.median(pause[run]) for run in runs])
    order = np.argsort(usual)
    level, many = usual[order], np.cumsum([0, *(len(runs[at]) for at in order)])
    low, high = np.searchsorted(level, usual * (1 - _NEAR)), np.searchsorted(level, usual * (1 + _NEAR), side="right")
    often = many[high] - many[low] >= _ENOUGH
    found = []
    for run, own, is_often in zip(runs, usual.tolist(), often.tolist(), strict=True):
        alike = np.abs(pause[run] / own - 1) <= _NEAR
        if is_often and 2 * np.count_nonzero(alike) > len(run):
            found.append((int(run[0]), int(run[-1]) + 1, own, own * _patience(pause[run], own, len(run))))
    return found


def _patience(pause: Ints, interval: float, count: int) -> float:
    """Give the number of intervals that messages lost one by one do not explain.

    When each message is lost with the chance p, the longest of n pauses lasts about 1 + log(n) / log(1/p) intervals. A
    pause of several intervals is rather an outage than chance, and says nothing of p.
    """
    due = pause[(pause >= interval / 2) & (pause < 3.5 * interval)]
    lost = min(float((due > 1.5 * interval).mean()), 0.9) if len(due) else 0.0
    return max(SILENT, 1 + np.log(100 * count) / -np.log(lost)) if lost else SILENT


def _thin(pause: Ints) -> Ints:
    """Take runs of neighbours out of a long series: enough to judge it by, wherever it changed."""
    if len(pause) <= _SAMPLE * BLOCK:
        return pause
    size = len(pause) // _SAMPLE
    return pause[: size * _SAMPLE].reshape(_SAMPLE, size)[:, :BLOCK].ravel()


def _usual(pause: Ints) -> float:
    """Find the pause that a series keeps: often enough, and long enough to matter.

    Pauses are counted in classes of a quarter more each; a class's weight is its count times the root of its length.
    Between counting (bursts win) and adding up time (the nights of a solar station win), the root is the middle.
    """
    some = _thin(pause)
    some = some[some > 0].astype(np.float64)
    if not len(some):
        return 0.0
    cls = np.floor(np.log(some) / np.log(1.25)).astype(np.int64)
    cls -= cls.min()
    weight = np.bincount(cls, weights=np.sqrt(some))
    pair = weight[:-1] + weight[1:] if len(weight) > 1 else weight
    at = int(pair.argmax())
    return float(np.median(some[(cls == at) | (cls == at + 1)]))


def _mean(pause: Ints, usual: float) -> float:
    """Give the mean pause from one message, or burst, to the next, where none is lost: jitter leaves it as it is."""
    for _ in range(3):
        whole = np.diff(np.append(0, np.cumsum(pause)[pause >= usual * BURST]))
        near = whole[(whole >= usual / 2) & (whole < 1.5 * usual)]
        usual = float(near.mean()) if len(near) else usual
    return usual


def _block_interval(blocks: Ints, base: float) -> Floats:
    """Give the weighted median pause of each block."""
    ordered = np.sort(blocks, axis=1).astype(np.float64)
    weight = np.sqrt(np.minimum(ordered, 4 * base))
    total = np.cumsum(weight, axis=1)
    at = (total >= total[:, -1:] / 2).argmax(axis=1)
    found: Floats = np.maximum(ordered[np.arange(len(ordered)), at], 1.0)
    return found


def _regimes(interval: Floats) -> Ints:
    """Cut the blocks where the interval changes for good: for at least three blocks on either side."""
    level = np.log(interval) / np.log(_SAME_RATE)
    edges, current = [0], float(np.median(level[:_FOR_GOOD]))
    away = np.flatnonzero(np.abs(level - current) > 1)
    number = int(away[0]) if len(away) else len(level)
    while number <= len(level) - _FOR_GOOD:
        ahead = level[number : number + _FOR_GOOD]
        if number - edges[-1] >= _FOR_GOOD and np.abs(ahead - current).min() > 1 and np.ptp(ahead) <= 1:
            edges.append(number)
            current = float(np.median(ahead))
        number += 1
    return np.array([*edges, len(level)], dtype=np.int64)


def _keeps(pause: Ints, interval: float) -> bool:
    """Judge whether a series keeps to its interval, with a margin for small numbers.

    Bursts do not count against it. Things that happen by chance are near their commonest pause in fewer than half of
    the cases.
    """
    if interval <= 0:
        return False
    ratio = pause[pause >= interval / 2] / interval
    near = int((np.abs(ratio - 1) <= _NEAR).sum())
    count = len(ratio)
    if count < _ENOUGH:
        return False
    share, z = near / count, 2.0
    low = (share + z * z / (2 * count) - z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)) / (
        1 + z * z / count
    )
    return bool(low >= _CERTAIN)


def silences(time: Ints, known: Cadence, *, anyhow: float = np.inf) -> Ints:
    """Give the pauses, by the number of the message before each, that are longer than the series' rate explains."""
    pause = np.diff(time)
    return np.flatnonzero(pause > known.limits(len(pause), anyhow=anyhow))
