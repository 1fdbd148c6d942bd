"""The series of a frame with their rates and silences, from which every check of time starts.

A series without a regular interval is silent where a pause is far longer than its other pauses let expect. Of what
happens by chance the longest of n pauses is about log(n) times the mean, of other things far more; what sleeps at night
is not silent then, and what speaks only when something changes never is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from isr_analysis.checks.cadence import Cadence, cadence, silences
from isr_analysis.checks.kinds import NO_MEASURE, is_event, numbers
from isr_analysis.checks.naming import named
from isr_analysis.checks.series import CLIENT, TOPIC, Flags, Floats, Ints, Series, numbered, stamps, zone_of
from isr_analysis.checks.tables import told_range
from isr_analysis.times import DAY, HOUR, Range

_ENOUGH = 60
"""So many pauses show how long they are by chance."""

_OUTAGES = 8
"""So many silences at most are told of an irregular series: what comes more often is its own way."""

_TAIL = 300
_LUCK = 100  # times as many pauses as there are would hold one as long as the limit
_CERTAIN = 2.0  # standard errors
_LONGER = 2.5
_NEAR = 8
_OWN_WAY = 5.0
_ALIKE = 0.1
_CORE = 0.2
_AWAKE = 0.2
_MOSTLY = 0.6
_SOME = 3
_SHORT = 2 * HOUR
_NIGHT = 4 * HOUR
_WEEKEND = 4 * DAY
_REPEATED = 0.1
_COUNTS = 0.9
_EXPECTED = 10


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One series of a frame with its rate and its silences.

    Parameters
    ----------
    client, topic, channel : str
        Which.
    time : numpy.ndarray
        Its instants, ns, ascending.
    pace : Cadence
        Its rate.
    silent : list of Range
        Between a message and the next, or the range's edge.
    limit : int
        ns; what is shorter is no silence at any of its rates.
    """

    client: str
    topic: str
    channel: str
    time: Ints
    pace: Cadence
    silent: list[Range]
    limit: int

    def allowed(self, part: Range) -> int:
        """Give the length (ns) from which on a span counts as silence at the rate that holds there."""
        limit = self.pace.limit_at(int(np.searchsorted(self.time, part.start, side="right")) - 1)
        return int(limit) if np.isfinite(limit) else self.limit

    @property
    def regular(self) -> bool:
        """Whether it has a regular interval at any time."""
        return bool(self.pace.regular.any())

    @property
    def fastest(self) -> float:
        """The shortest of its regular intervals, ns; it must have one."""
        return float(self.pace.interval[self.pace.regular].min())

    @property
    def which(self) -> dict[str, str]:
        """Which series it is, as a finding's row says it."""
        return {CLIENT: self.client, TOPIC: self.topic, "channel": self.channel}


def rhythms(series: Series, span: Range | None) -> list[Rhythm]:
    """Give each series with its rate and its silences within a range."""
    clients, topics, channels = named(series)
    found = []
    for number in range(len(series)):
        time = series.times(number)
        pace = cadence(time)
        if is_event(topics[number]):
            pace = replace(pace, regular=np.zeros_like(pace.regular), limit=np.full_like(pace.limit, np.inf))
        elif not pace.regular.all():
            pace = _chance(series, number, pace, span)
        after = silences(time, pace)
        silent = [Range(int(time[at]), int(time[at + 1])) for at in after]
        if span is not None:
            cut = [one.common(span) for one in silent]
            long = [one.end - one.start > pace.limit_at(at) for one, at in zip(cut, after.tolist(), strict=True)]
            silent = [one for one, is_long in zip(cut, long, strict=True) if is_long]
            silent = [*_edge(span.start, int(time[0]), pace, 0), *silent, *_edge(int(time[-1]), span.end, pace, -1)]
        limit = int(pace.limit[pace.regular].max()) if pace.regular.any() else 0
        found.append(Rhythm(clients[number], topics[number], channels[number], time, pace, silent, limit))
    return found


def by_client(found: list[Rhythm]) -> dict[str, list[Rhythm]]:
    """Give the series of each client, in their order."""
    own: dict[str, list[Rhythm]] = {}
    for one in found:
        own.setdefault(one.client, []).append(one)
    return own


def tell_of_lost_edges(frame: pd.DataFrame, found: list[Rhythm], *, start: bool, end: bool) -> None:
    """Warn where a frame was cut to fewer clients or topics, and may have been silent at the edges of what was loaded.

    A slice of time has all that was loaded, or several clients begin or end in it at once. What the caller says of
    `start` and `end` is not lost.
    """
    loaded = told_range(frame)
    if loaded is None or not len(frame) or frame.attrs.get("rows") == len(frame) or not _is_cut(frame):
        return
    first, last = min(int(one.time[0]) for one in found), max(int(one.time[-1]) for one in found)
    first_by, last_by = ([one for one in found if one.pace.limit[at] < np.inf] for at in (0, -1))
    begin = {one.client for one in first_by if one.time[0] - first <= one.pace.limit[0]}
    finish = {one.client for one in last_by if last - one.time[-1] <= one.pace.limit[-1]}
    before = not start and len(begin) <= 1 and any(first - loaded.start > one.pace.limit[0] for one in first_by)
    after = not end and len(finish) <= 1 and any(loaded.end - last > one.pace.limit[-1] for one in last_by)
    if before or after:
        at = [f"{word} {stamps([ns], zone_of(frame))[0].floor('s')}" for word, ns, lost in
              (("before", first, before), ("after", last, after)) if lost]  # fmt: skip
        names = [name for name, lost in (("start=", before), ("end=", after)) if lost]
        words = (
            f"rows were taken away from the frame since it was loaded, so silence {' and '.join(at)} is not counted; "
            f"give {' and '.join(names)} to say which range it represents"
        )
        warnings.warn(words, stacklevel=3)


def _is_cut(frame: pd.DataFrame) -> bool:
    """Whether a loaded frame lacks clients or topics that were loaded."""
    held = [frame[name] for name in (CLIENT, TOPIC) if name in frame.columns]
    kept = [column for column in held if isinstance(column.dtype, pd.CategoricalDtype)]
    if any(column.nunique() < len(column.cat.categories) for column in kept):
        return True
    asked = frame.attrs.get("clients")
    return not kept and bool(held) and isinstance(asked, list) and not {*asked}.issubset({*held[0].astype("str")})


def _edge(start: int, end: int, pace: Cadence, rate: int) -> Iterator[Range]:
    if end - start > pace.limit[rate]:
        yield Range(start, end)


def _chance(series: Series, number: int, pace: Cadence, span: Range | None) -> Cadence:
    """Give an irregular series the length from which on its pauses are no chance, if there are such."""
    time = series.times(number)
    pause = np.diff(time)
    edges = [] if span is None else [(span.start, int(time[0])), (int(time[-1]), span.end)]
    longest = max([*(end - begin for begin, end in edges), pause.max(initial=0)])
    wild = ~np.repeat(pace.regular, np.diff(pace.edges)) & (pause > 0)
    nights = _nights(time) if longest > _OWN_WAY * _NIGHT else []
    wild[nights] = False  # so many hide what is far longer
    limit = max(_limit(pause[wild]), _OWN_WAY * float(pause[nights].max(initial=0)))
    if longest > limit:
        limit = max(limit, _own_way(time, limit))
        usual = [end - begin for begin, end in edges if end - begin > limit and _is_usual(time, begin, end, least=0)]
        limit = max([limit, *usual])
    if longest > limit and _on_change(series, number):
        limit = np.inf
    return replace(pace, limit=np.where(pace.regular, pace.limit, limit))


def _nights(time: Ints) -> list[int]:
    """Give the pauses that other days have at the same hours, if most that last for hours are such, of most days."""
    pause = np.diff(time)
    long = np.argsort(pause)[: -_TAIL - 1 : -1]
    long = long[pause[long] > _NIGHT]
    found = [int(at) for at in long if _is_usual(time, int(time[at]), int(time[at + 1]))]
    others = pause[[at for at in long.tolist() if at not in found]]
    days = (int(time[-1] - time[0]) - int(others.sum())) / DAY
    return found if len(found) >= max(_SOME, _MOSTLY * len(long), _MOSTLY * days) else []


def _own_way(time: Ints, limit: float) -> float:
    """Give the length of pause, above the limit of chance, that the ways of the series explain.

    Its ways are pauses that other days have at the same hours, that are alike, among which it speaks as slowly, or in
    which it is silent for longer than it speaks. What is several times longer than all of them is a silence.
    """
    pause = np.diff(time)
    longest = np.argsort(pause)[: -2 * _OUTAGES - 1 : -1]
    own = max((int(pause[at]) for at in longest if _is_usual(time, int(time[at]), int(time[at + 1]))), default=0)
    long = np.flatnonzero(pause > limit)
    length = pause[long].astype(np.float64)
    alike = [one for one in length.tolist() if 2 * (np.abs(length / one - 1) <= _ALIKE).sum() > len(length) > 1]
    sleeps = [length.max()] if len(length) > 2 and 2 * length.sum() > time[-1] - time[0] else []  # noqa: PLR2004
    near = ([pause[max(0, at - _NEAR) : at], pause[at + 1 : at + 1 + _NEAR]] for at in long)
    slow = [max(part.mean() for part in parts if len(part)) for parts in near]
    among = [one for one, mean in zip(length.tolist(), slow, strict=True) if one <= _NEAR * mean]
    return float(max([_OWN_WAY * max([own, *alike, *sleeps]), *among]))


def _limit(pause: Ints) -> float:
    """Give the length that pauses do not reach by chance, as the longest of them are spread.

    The ranked spacings of the tail, times their rank, are the same throughout if pauses are exponential, and grow
    towards the longest with a power of the rank if the tail is heavier. It is followed beyond the longest, with a
    margin for what is not known of it. As many as are outages are left out of it.
    """
    count = len(pause)
    if count < _ENOUGH:
        return np.inf
    some = min(count, _TAIL + 2 * _OUTAGES)
    ranked = np.sort(np.partition(pause, count - some)[count - some :])[::-1].astype(np.float64)
    limit, most = max(_extrapolated(ranked, count), ranked[0]), 0
    for outages in range(1, min(_OUTAGES, count // 100) + 1):
        found = _extrapolated(ranked[outages:], count - outages)
        beyond = int(np.count_nonzero(ranked > found))
        if 3 * beyond >= outages and beyond > most:
            limit, most = found, beyond
    return float(limit)


def _extrapolated(ranked: Floats, count: int) -> float:
    tail = min(count // 4, _TAIL)
    rank = np.arange(1, tail + 1)
    spacing = rank * (ranked[:tail] - ranked[1 : tail + 1]) + 1e-3 * ranked[tail]
    upper = max(2, round(tail / 4))
    apart = np.log(rank[upper:]).mean() - np.log(rank[:upper]).mean()
    grows = np.log(spacing[:upper].mean() / spacing[upper:].mean()) / apart
    unsure = np.sqrt(1 / upper + 1 / (tail - upper)) / apart
    power = max(grows + _CERTAIN * unsure, 0.02)
    scale = spacing[upper:].mean() * np.exp(power * np.log(rank[upper:] / upper).mean())
    with np.errstate(over="ignore"):
        beyond = scale / power * ((upper * _LUCK) ** power - 1)
    return float(max(ranked[upper - 1] + beyond, _LONGER * ranked[2]))


def _is_usual(time: Ints, begin: int, end: int, *, least: int = _SHORT) -> bool:
    """Whether a pause is one of the nights, or week-ends, of a series.

    Or it may be one, as there is no other day, and it is longer than the `least` that a night is.
    """
    length = end - begin
    core = [begin + int(_CORE * length), end - int(_CORE * length)]
    most = _AWAKE * len(time) * (core[1] - core[0]) / max(1, int(time[-1] - time[0]))

    def asleep(days: list[int]) -> list[bool]:
        there = ([core[0] + day * DAY, core[1] + day * DAY] for day in days)
        others = (one for one in there if one[1] <= begin or one[0] >= end)
        inside = (one for one in others if one[0] >= time[0] and one[1] <= time[-1])
        return [int(np.diff(np.searchsorted(time, one))[0]) <= most for one in inside]

    if length >= _WEEKEND:
        return False
    found = asleep([day for day in range(-7, 8) if day] if length < DAY else [-21, -14, -7, 7, 14, 21])
    return 2 * sum(found) >= len(found) if found else least < length < DAY


def _on_change(series: Series, number: int) -> bool:
    """Whether a series speaks only when something changed: hardly ever the same twice in a row, where chance would."""
    rows = series.rows(number)
    held = {name: series.frame[name].iloc[rows] for name in series.frame.columns if name not in NO_MEASURE}
    names = [name for name, part in held.items() if not _counts(numbers(part))]
    codes = [numbered(held[name])[0] for name in names]
    again = [code[1:] == code[:-1] for code in codes]
    chance = [float((np.bincount(code + 1).astype(np.float64) ** 2).sum()) / len(code) for code in codes]
    if any(map(_hardly, again, chance)):
        return True
    some = [same for same in again if same.any()]
    # Of several fields each may stay as it was, but never all of them.
    return len(some) > 1 and _hardly(
        np.logical_and.reduce(some), len(rows) * float(np.prod([same.mean() for same in some]))
    )


def _counts(number: Floats) -> bool:
    """Whether numbers go up by as much each time, as what counts the messages does, also where it begins anew."""
    steps, many = np.unique(np.diff(number), return_counts=True)
    usual = steps[many.argmax()] if len(steps) else 0.0
    return bool(np.isfinite(usual) and usual != 0 and many.max() > _COUNTS * len(number))


def _hardly(same: Flags, expected: float) -> bool:
    return expected >= _EXPECTED and int(same.sum()) <= _REPEATED * expected
