"""What goes wrong in the invented fleet, and when: planted at times that depend only on the seed.

Time is cut into periods since 1970, and each holds one trouble of a kind, wholly inside it. So any six days have
an outage and a stuck probe, any two days messages that come late (unless just then the client is silent), and any
thirty days one field that changes its type and one device that gets a new id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isr_analysis.sandbox import noise
from isr_analysis.sandbox.fleet import RENAMED_EVERY, Feed, Fleet
from isr_analysis.sandbox.noise import Ints
from isr_analysis.times import DAY, HOUR, MINUTE

OUTAGE, STUCK, REPEATED, LATE, RETYPED, RENAMED = "outage", "stuck", "repeated", "late", "retyped", "renamed"
"""The kinds of trouble."""

_PERIOD = 3 * DAY
_REPEATED_SHARE = 1 / 500
_RETYPED_EVERY = RENAMED_EVERY
_STUCK_TOPIC = "telemetry/temp_probe"
_MAY_FALL_SILENT = ("isr-", "bench-", "gateway-", "rpt-south", "rpt-west")
_MAY_STICK = "isr-"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One planted trouble.

    Parameters
    ----------
    kind : str
        ``"outage"``: no message of the client, on any topic. ``"stuck"``: a channel's value stays what it was.
        ``"repeated"``: one message is stored twice, at the same instant. ``"late"``: what the client published is
        visible only from `end` on. ``"retyped"``: a field has another type from `start` on. ``"renamed"``: the client
        goes on under a new id.
    client_id : str
        Whose; of a renamed one, the new id.
    topic : str or None
        The subpath; None for all topics of the client.
    channel : int or None
        The channel (1-based); None for all.
    start, end : int
        ns since 1970 UTC, half-open; the same instant twice for what has no length.
    detail : str
        ``"repeated"``: the payload. ``"retyped"``: the field, and what it becomes (``"rssi: number → text"``).
        ``"renamed"``: the former id. Else empty.
    """

    kind: str
    client_id: str
    topic: str | None
    channel: int | None
    start: int
    end: int
    detail: str = ""


class Plan:
    """What is planted in a fleet; nothing if it is not active."""

    def __init__(self, fleet: Fleet, *, active: bool = True) -> None:
        self._fleet = fleet
        self._active = active
        self._key = noise.key(fleet.seed, "troubles")
        ids = [client.client_id for client in fleet.clients]
        self._silent = [one for one in ids if one.startswith(_MAY_FALL_SILENT)]
        self._sticky = [
            feed for feed in fleet.feeds() if feed.topic == _STUCK_TOPIC and feed.client_id.startswith(_MAY_STICK)
        ]
        self._retyped_at = int(noise.draw(noise.key(self._key, RETYPED)) * _RETYPED_EVERY) // 1000 * 1000

    def outages(self, start: int, end: int) -> list[Trouble]:
        """Give the outages that touch ``[start, end)``."""
        return self._within(start, end, _PERIOD, self._outage)

    def stuck(self, start: int, end: int) -> list[Trouble]:
        """Give the spans that touch ``[start, end)`` in which a probe's value stays the same."""
        return self._within(start, end, _PERIOD, self._stuck)

    def late(self, start: int, end: int) -> list[Trouble]:
        """Give the spans that touch ``[start, end)`` whose messages come when the span is over."""
        found = self._within(start, end, DAY, self._late)
        silent = self.outages(start - DAY, end + DAY)
        return [
            one
            for one in found
            if not any(one.client_id == out.client_id and one.start < out.end and out.start < one.end for out in silent)
        ]

    def repeated(self, feed: Feed, k: Ints, channel: Ints) -> NDArray[np.bool_]:
        """Tell which messages of a feed are stored twice."""
        if not (self._active and feed.repeats):
            return np.zeros(len(k), bool)
        twice: NDArray[np.bool_] = noise.uniform(noise.key(feed.key, REPEATED), k * 16 + channel) < _REPEATED_SHARE
        return twice

    def retyped(self, feed: Feed, t: Ints) -> NDArray[np.bool_]:
        """Tell which messages of a feed have the other type."""
        if not self._active or feed.retyped is None:
            return np.zeros(len(t), bool)
        other: NDArray[np.bool_] = (t - self._retyped_at) // _RETYPED_EVERY % 2 == 1
        return other

    def at_instants(self, start: int, end: int) -> list[Trouble]:
        """Give what has no length: fields that change their type, and devices that get a new id."""
        if not self._active:
            return []
        found = [
            Trouble(RENAMED, new, None, None, at, at, old) for at, old, new in self._fleet.renames if start <= at < end
        ]
        first, last = ((at - self._retyped_at) // _RETYPED_EVERY for at in (start, end))
        for feed in self._fleet.feeds():
            for number in range(first, last + 1) if feed.retyped is not None else ():
                at = self._retyped_at + number * _RETYPED_EVERY
                if start <= at < end:
                    words = "rssi: number → text" if number % 2 else "rssi: text → number"
                    found.append(Trouble(RETYPED, feed.client_id, feed.topic, None, at, at, words))
        return found

    def _within(self, start: int, end: int, period: int, plan: Callable[[int], Trouble]) -> list[Trouble]:
        """Give the troubles that touch ``[start, end)``, of a kind of which each period has one."""
        if not self._active or start >= end:
            return []
        each = [plan(number) for number in range(start // period, (end - 1) // period + 1)]
        return [one for one in each if one.start < end and one.end > start]

    def _outage(self, number: int) -> Trouble:
        key = noise.key(self._key, OUTAGE)
        # Not the client whose probe is stuck in the same days: each trouble is to be seen by itself.
        others = [one for one in self._silent if one != self._stuck(number).client_id]
        client = others[noise.choose(key, 2 * number, len(others))]
        return Trouble(OUTAGE, client, None, None, *self._span(key, number, _PERIOD, HOUR, 6 * HOUR))

    def _stuck(self, number: int) -> Trouble:
        key = noise.key(self._key, STUCK)
        feed = self._sticky[noise.choose(key, 2 * number, len(self._sticky))]
        channel = 1 + noise.choose(key, 2 * number + 1, feed.channels)
        span = self._span(key, number, _PERIOD, 4 * HOUR, 12 * HOUR)
        return Trouble(STUCK, feed.client_id, feed.topic, channel, *span)

    def _late(self, number: int) -> Trouble:
        key = noise.key(self._key, LATE)
        client = self._silent[noise.choose(key, 2 * number, len(self._silent))]
        return Trouble(LATE, client, None, None, *self._span(key, number, DAY, 3 * MINUTE, 8 * MINUTE))

    @staticmethod
    def _span(key: int, number: int, period: int, shortest: int, longest: int) -> tuple[int, int]:
        """Give a span that lies within a period with room on either side."""
        length = shortest + int(noise.draw(key + 1, number) * (longest - shortest))
        start = number * period + int((0.02 + 0.96 * noise.draw(key + 2, number)) * (period - length))
        return start // 1000 * 1000, (start + length) // 1000 * 1000
