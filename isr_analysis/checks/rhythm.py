"""The series of a frame with their rates and silences, from which every check of time starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from isr_analysis.checks.cadence import Cadence, cadence, silences
from isr_analysis.checks.kinds import is_event
from isr_analysis.checks.naming import named
from isr_analysis.checks.series import CLIENT, TOPIC, Ints, Series
from isr_analysis.times import Range


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
            pace = replace(pace, regular=np.zeros_like(pace.regular))
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


def _edge(start: int, end: int, pace: Cadence, rate: int) -> Iterator[Range]:
    if pace.regular[rate] and end - start > pace.limit[rate]:
        yield Range(start, end)
