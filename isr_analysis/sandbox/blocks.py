"""The messages of a fleet, generated on demand in blocks: one feed, one span.

A block is a pure function of the seed, so it is the same whatever range or page asks for it. It holds what is
published in its span, with the instant from which on each message is stored.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isr_analysis.sandbox.fleet import Feed
from isr_analysis.sandbox.noise import Ints
from isr_analysis.sandbox.troubles import REPEATED, Plan, Trouble

_KEPT = 300_000
"""Messages that stay in memory, about 60 MB."""


@dataclass(frozen=True, slots=True)
class Block:
    """The messages of one feed in one span, in order.

    Parameters
    ----------
    time, visible : numpy.ndarray of int64
        ns: when each was published, and from when on it is stored.
    payloads : list of bytes
        As published.
    """

    time: Ints
    visible: Ints
    payloads: list[bytes]


class Blocks:
    """Every block of a fleet, each `length` ns long; the ones used last are kept in memory."""

    def __init__(self, feeds: list[Feed], plan: Plan, *, length: int) -> None:
        self.length = length
        self._feeds = feeds
        self._plan = plan
        self._blocks: OrderedDict[tuple[int, int], Block] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def get(self, rank: int, number: int) -> Block:
        """Give a block of a feed, by its place among them all, from memory or made."""
        with self._lock:
            kept = self._blocks.get((rank, number))
            if kept is not None:
                self._blocks.move_to_end((rank, number))
                return kept
        feed = self._feeds[rank]
        made = self._make(feed, number * self.length, (number + 1) * self.length)
        with self._lock:
            if (rank, number) not in self._blocks:
                self._blocks[rank, number] = made
                self._held += len(made.payloads) + 1
                while self._held > _KEPT and len(self._blocks) > 1:
                    self._held -= len(self._blocks.popitem(last=False)[1].payloads) + 1
        return made

    def repeats(self, start: int, end: int) -> Iterator[Trouble]:
        """Give every message of ``[start, end)`` that is stored twice."""
        for feed in self._feeds:
            k, t, channel = self._published(feed, start, end)
            twice = self._plan.repeated(feed, k, channel)
            if twice.any():
                number = channel[twice].tolist()
                shown = self._written(feed, k[twice], t[twice], channel[twice])
                for at, one, payload in zip(t[twice].tolist(), number, shown, strict=True):
                    on = one if feed.channels > 1 else None
                    yield Trouble(REPEATED, feed.client_id, feed.topic, on, at, at, payload.decode())

    def _make(self, feed: Feed, start: int, end: int) -> Block:
        k, t, channel = self._published(feed, start, end)
        twice = self._plan.repeated(feed, k, channel)
        if twice.any():
            k, t, channel = (np.repeat(column, 1 + twice) for column in (k, t, channel))
        visible = t.copy()
        for late in self._plan.late(start, end):
            if late.client_id == feed.client_id:
                visible[(t >= late.start) & (t < late.end)] = late.end
        return Block(t, visible, self._written(feed, k, t, channel))

    def _written(self, feed: Feed, k: Ints, t: Ints, channel: Ints) -> list[bytes]:
        """Write payloads, with what goes wrong inside of them."""
        other = self._plan.retyped(feed, t)
        for stuck in self._plan.stuck(int(t[0]), int(t[-1]) + 1) if len(t) else ():
            if (stuck.client_id, stuck.topic) == (feed.client_id, feed.topic):
                # Measured at the first moment, and the same again ever after.
                mine = (t >= stuck.start) & (t < stuck.end) & (channel == stuck.channel)
                k, t = np.where(mine, 0, k), np.where(mine, stuck.start, t)
        if feed.retyped is None or not other.any():
            return feed.payloads(k, t, channel)
        both = (feed.payloads(k, t, channel), feed.retyped(k, t, channel))
        return [both[which][i] for i, which in enumerate(other.tolist())]

    def _published(self, feed: Feed, start: int, end: int) -> tuple[Ints, Ints, Ints]:
        k, t, channel = feed.sample(start, end)
        for outage in self._plan.outages(start, end):
            if outage.client_id == feed.client_id:
                heard = (t < outage.start) | (t >= outage.end)
                k, t, channel = k[heard], t[heard], channel[heard]
        order = np.argsort(t, kind="stable")  # channels that come one after another may overtake the next round
        return k[order], t[order], channel[order]
