"""Repeated or disordered messages, measurements that stopped varying, and sentinel numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from isr_analysis.amounts import counted
from isr_analysis.checks.kinds import NO_MEASURE, is_event, is_place, is_state, numbers
from isr_analysis.checks.rhythm import Rhythm
from isr_analysis.checks.series import CLIENT, TOPIC, Codes, Flags, Floats, Ints, Series, numbered
from isr_analysis.checks.tables import Row
from isr_analysis.times import SECOND

_AGAIN = 5 * SECOND
_AGAIN_UNTIMED = SECOND
_IN_BURSTS = 0.3
_DOUBLED = 0.9

_VARIES = 10
_FEW_LEVELS = 4
_CHANGES = 200  # of what has but few levels, which show how long it stays at one
_ODD = 3
_STRAY = 1000
_SHORTEST = 15
_FAR = 4.0
_RESTS = 3
_FALLS = 0.02

_WORD = (-(2**15), 2**15 - 1, 2**16 - 1)
_SENTINELS = {
    *(sign * nines for sign in (-1, 1) for nines in (999, 999.9, 9999, 9999.9, 99_999, 999_999)), -99, -99.9,
    *_WORD, *(limit / scale for limit in _WORD for scale in (10, 100)), -(2**7), 2**8 - 1,
    -(2**23), 2**23 - 1, 2**24 - 1, -(2**31), 2**31 - 1, 2**32 - 1, -127, 85,
    *(sign * real for sign in (-1, 1) for real in (1e20, 1e30, float(np.finfo(np.float32).max))),
}  # fmt: skip
"""What devices send in place of a measurement: nines, the limits of integers, also scaled, and of reals, and a
DS18B20's own."""

_CODES = {85, 255, 999}
"""Those that may as well be a code, among few others, or a usual level, as of a transmitter of 85 W."""

_USUAL = 0.95  # the share of the others, where it is none


def repeats(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find messages that came again: one row a series."""
    time, bounds = series.time, series.bounds
    # Again within a moment counts too, where the rhythm shows that nothing was due.
    reach = np.array([_AGAIN_UNTIMED if not one.regular else min(_AGAIN, int(0.2 * one.fastest)) for one in found])
    pause = np.diff(time)
    near = np.concatenate([[False], pause <= np.repeat(reach, np.diff(bounds))[1:]])
    near[bounds[1:-1]] = False
    if not near.any():
        return []
    some = near | np.append(near[1:], False)
    twice = np.zeros(len(time), bool)
    twice[some] = _same(series.frame.iloc[series.order[some]], np.cumsum(~near)[some])
    exact = twice & np.concatenate([[False], pause == 0])
    rows = []
    for number in np.unique(series.code[twice]):
        begin, end = bounds[number], bounds[number + 1]
        again, of_series = twice[begin:end], near[begin:end]
        # In bursts two in a row are alike by chance, too: not where all are that come within a moment, and no others.
        if of_series.mean() > _IN_BURSTS and not (
            again[of_series].mean() > _DOUBLED and _alike(series.frame.iloc[series.rows(number)[~of_series]]) < 1 / 2
        ):
            again = exact[begin:end]
        hits = np.flatnonzero(again)
        if not len(hits):
            continue
        at = time[begin:end][hits]
        words = f"{len(hits):,} of {end - begin:,} messages came again with the same payload"
        rows.append({"kind": "repeated messages", **found[number].which, "start": int(at[0]), "end": int(at[-1]),
                     "count": len(hits), "detail": words})  # fmt: skip
    return rows


def _same(part: pd.DataFrame, cluster: Ints) -> Flags:
    """Tell which rows repeat an earlier one of their cluster, payload and all."""
    codes: dict[str, Codes] = {"": cluster}
    for name in part.columns:
        if name in {CLIENT, TOPIC} or not part[name].notna().any():
            continue
        codes[name] = numbered(part[name])[0]
    return pd.DataFrame(codes).duplicated().to_numpy(bool)


def _alike(part: pd.DataFrame) -> float:
    """Give the share of rows that are like the one before, of every second row."""
    return float(_same(part, np.arange(len(part)) // 2)[1::2].mean()) if len(part) > 1 else 1.0


def out_of_order(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find rows that stand after later ones of their series. A frame that runs backward as a whole is only reversed."""
    index = series.frame.index
    if index.is_monotonic_increasing or index.is_monotonic_decreasing:
        return []
    rows = []
    for number, one in enumerate(found):
        time = series.times(number)[np.argsort(series.rows(number))]
        latest = np.maximum.accumulate(time)
        late = np.flatnonzero(time < latest)
        if len(late):
            most = int((latest - time).max()) / SECOND
            rows.append({
                "kind": "out of order", **one.which, "start": int(time[late].min()), "end": int(time[late].max()),
                "count": len(late), "detail": f"{counted(len(late), 'message')} follow later ones, by up to {most:g} s",
            })  # fmt: skip
    return rows


def implausible(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find what was sent in place of a measurement: one value for far too long, and numbers that stand for none."""
    rows = []
    for name in series.frame.columns:
        if name in NO_MEASURE:
            continue
        number = numbers(series.frame[name])
        if np.isnan(number).all():
            continue
        number = number[series.order]
        for at, one in enumerate(found):
            part, time = number[series.part(at)], one.time
            some = ~np.isnan(part)
            if is_event(one.topic) or some.sum() <= _SHORTEST:
                continue
            value, held = part[some], time[some]
            if not is_state(value, one.topic or None):
                still = [] if is_place(name) else _stuck(name, value, held)  # a car that is parked is not stuck
                told = [*still, *_sentinels(name, value, held)]
                rows += [{**one.which, "field": name, **row} for row in told]
    return rows


def _stuck(name: str, value: Floats, time: Ints) -> list[Row]:
    return [
        {"kind": "value stuck", "start": int(time[begin]), "end": int(time[end - 1]), "count": end - begin,
         "detail": f"{name} stayed {value[begin]:g} for {end - begin:,} messages"}
        for begin, end in _flat(value)
    ]  # fmt: skip


def _sentinels(name: str, value: Floats, time: Ints) -> list[Row]:
    levels, rest = apart(value[np.isfinite(value)], name)
    rows = []
    for level in levels:
        at = time[value == level]
        words = (
            f"{name} was {level:g} in {len(at):,} of {counted(len(value), 'message')}, far from the others "
            f"({rest.min():g} to {rest.max():g}), a number that devices write when they measured nothing"
        )
        rows.append({"kind": "sentinel value", "start": int(at[0]), "end": int(at[-1]), "count": len(at),
                     "detail": words})  # fmt: skip
    return rows


def is_sentinel(value: float) -> bool:
    """Tell whether a value is one that devices send where they measured nothing, and hardly ever as a measurement."""
    return value in _SENTINELS and value not in _CODES


def apart(value: Floats, name: str) -> tuple[list[float], Floats]:
    """Part the sentinels, each farther from the others than these are from each other, from what was measured.

    Of a coordinate on the earth, zero is one: what a receiver says that has no fix.
    """
    for end in (value.min(initial=np.inf), value.max(initial=-np.inf)):
        if end not in _SENTINELS and not (end == 0 and is_place(name)):
            continue
        others = value[value != end]
        is_code = end in _CODES and (len(np.unique(others)) < _VARIES or len(others) < _USUAL * len(value))
        if not is_code and len(others) > _SHORTEST and np.abs(others - end).min() > _spread(np.abs(others - end)):
            more, rest = apart(others, name)
            return [float(end), *more], rest
    return [], value


def _spread(away: Floats) -> float:
    """Give how far the others of an end lie from each other, by their distances from it, without the few farthest."""
    strays = max(1, len(away) // _STRAY) if len(away) >= _STRAY / 10 else 0
    return float(np.partition(away, len(away) - 1 - strays)[len(away) - 1 - strays] - away.min())


def _flat(value: Floats) -> list[tuple[int, int]]:
    """Give the runs of one value that are no chance.

    When a measurement equals the one before it with the chance p, the longest run among n is about log(n) / log(1/p)
    long. Of few levels, as of something slow that flickers now and then, it must be longer than nearly all others, too.
    Four kinds of level are at rest and not stuck: one to which it returns for long again and again, the least or
    greatest if it was reached several times, the ends of what cannot go further (zero of what is never below, as a
    transmitter that is off, and 100 of what is never above, as humidity), and any of a counter, which stands still
    while there is nothing to count.
    """
    edges = np.concatenate([[0], np.flatnonzero(value[1:] != value[:-1]) + 1, [len(value)]])
    length, level = np.diff(edges), value[edges[:-1]]
    levels = len(np.unique(level))
    if length.max() <= _SHORTEST or levels < _FEW_LEVELS or _counts(level):
        return []
    if levels < _VARIES and len(length) <= _CHANGES:
        return []
    usual = np.sort(length)[: len(length) - max(1, len(length) // 100)]
    same = 1 - len(usual) / usual.sum()
    by_chance = np.log(len(value)) / -np.log(same) if same > 0 else 0.0
    limit = max(_SHORTEST, _FAR * by_chance)
    if levels < _VARIES:
        limit = max(limit, _FAR * float(np.sort(length)[-1 - _ODD]))
    long = np.flatnonzero(length > limit)
    least, most = value.min(), value.max()

    def rests(what: float) -> bool:
        times = int((level == what).sum()) if what in (least, most) else int((level[long] == what).sum())
        return times >= _RESTS or what == 0 == least or what == 100 == most  # noqa: PLR2004 (per cent)

    return [(int(edges[at]), int(edges[at + 1])) for at in long if not rests(level[at])]


def _counts(level: Floats) -> bool:
    """Tell whether it is a counter: it only rises, but for where it began anew, at zero or elsewhere a few times."""
    falls = (level[1:] < level[:-1]) & (level[1:] != 0)
    return bool(falls.mean() <= _FALLS)
