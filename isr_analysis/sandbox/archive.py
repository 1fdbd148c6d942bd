"""The stored messages of a fleet, served in pages: what has been published and has arrived by now."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass

import numpy as np

from isr_analysis.sandbox import noise
from isr_analysis.sandbox.blocks import Block, Blocks
from isr_analysis.sandbox.fleet import FOREVER, Client, Feed, Fleet
from isr_analysis.sandbox.noise import Ints
from isr_analysis.sandbox.troubles import Plan, Trouble
from isr_analysis.times import DAY

_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of a message in the order of the archive.

    Parameters
    ----------
    time : int
        ns.
    feed : tuple of str
        Client id and topic.
    number : int
        Which of the feed's block.
    """

    time: int
    feed: tuple[str, str]
    number: int


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message: client, topic (the subpath), instant (ns), payload as published."""

    client: Client
    feed: Feed
    time: int
    payload: bytes


class Archive:
    """The stored messages of one account, as many `days` back as are kept; `rate` sets only the length of a block."""

    def __init__(self, fleet: Fleet, plan: Plan, *, days: int, rate: float = 1.0) -> None:
        self.fleet = fleet
        self.plan = plan
        self.kept = days * DAY
        self._feeds = fleet.feeds()
        self._blocks = Blocks(self._feeds, plan, length=DAY >> max(0, math.ceil(math.log2(rate))))
        self._heads = [self._head(feed) for feed in self._feeds]
        self._pauses: dict[str, list[tuple[int, int]]] = {}

    def pause(self, client_id: str, at: int) -> None:
        """Store nothing more of a client from an instant (ns) on."""
        self._pauses.setdefault(client_id, []).append((at, FOREVER))

    def resume(self, client_id: str, at: int) -> None:
        """Store a client's messages again from an instant (ns) on; those in between are lost."""
        self._pauses[client_id] = [(start, min(end, at)) for start, end in self._pauses.get(client_id, ())]

    def page(
        self,
        wanted: list[Feed],
        start: int,
        end: int,
        *,
        now: int,
        limit: int,
        after: Position | None = None,
    ) -> tuple[list[bytes], Position | None]:
        """Give rows of JSON in the order of time, client and topic, and where the next page begins.

        Parameters
        ----------
        wanted : list of Feed
            Of which feeds.
        start, end : int
            ns, half-open.
        now : int
            ns; what is not visible by then is left out.
        limit : int
            How many at most.
        after : Position, optional
            The last message of the page before.

        Returns
        -------
        rows : list of bytes
            Messages, each a JSON object.
        last : Position or None
            The last of them, if there are more; None at the end.
        """
        start = max(start, now - self.kept, after.time if after is not None else 0)
        end = min(end, now)
        chosen = {id(feed) for feed in wanted}
        ranks = [rank for rank, feed in enumerate(self._feeds) if id(feed) in chosen]
        rows: list[bytes] = []
        last: Position | None = None
        for number in (
            range(start // self._blocks.length, -(-end // self._blocks.length)) if ranks and start < end else ()
        ):
            order, time, rank, place, payloads = self._merged(ranks, number, start, end, now, after)
            room = limit - len(rows)
            if len(order) and room == 0:
                return rows, last
            rows += self._rows(order[:room], time, rank, payloads)
            if len(order):
                at = order[:room][-1]
                feed = self._feeds[rank[at]]
                last = Position(int(time[at]), (feed.client_id, feed.topic), int(place[at]))
            if len(order) > room:
                return rows, last
        return rows, None

    def last(self, client: Client, now: int) -> Message | None:
        """Give a client's last message that is stored; None if it has none."""
        feeds = [(rank, feed) for rank, feed in enumerate(self._feeds) if feed.client_id == client.client_id]
        latest = min(now, client.gone) - 1
        for number in range(
            latest // self._blocks.length, (max(now - self.kept, client.born)) // self._blocks.length - 1, -1
        ):
            found: Message | None = None
            for rank, feed in feeds:
                block = self._blocks.get(rank, number)
                visible = self._visible(feed, block)
                stored = np.flatnonzero((visible <= now) & (block.time < now) & (block.time >= now - self.kept))
                if len(stored) and (found is None or block.time[stored[-1]] > found.time):
                    found = Message(client, feed, int(block.time[stored[-1]]), block.payloads[stored[-1]])
            if found is not None:
                return found
        return None

    def published(self, start: int, end: int) -> list[Message]:
        """Give what is published in ``[start, end)`` (ns), in order; what is stored late is published in time."""
        found: list[Message] = []
        clients = {client.client_id: client for client in self.fleet.clients}
        for number in range(start // self._blocks.length, -(-end // self._blocks.length)):
            for rank, feed in enumerate(self._feeds):
                block = self._blocks.get(rank, number)
                first, last = np.searchsorted(block.time, (start, end))
                unheard = self._visible(feed, block)[first:last] == FOREVER
                found += [
                    Message(clients[feed.client_id], feed, int(block.time[first + i]), block.payloads[first + i])
                    for i in np.flatnonzero(~unheard).tolist()
                ]
        return sorted(found, key=lambda one: one.time)

    def row(self, message: Message) -> bytes:
        """Write one message as the history does."""
        rank = next(rank for rank, feed in enumerate(self._feeds) if feed is message.feed)
        nothing = np.zeros(1, np.int64)
        fragment = _fragment(message.feed, message.payload)
        return self._rows(nothing, np.array([message.time]), np.array([rank]), [fragment])[0]

    def troubles(self, start: int, end: int) -> list[Trouble]:
        """Give everything that was planted in ``[start, end)``, in order."""
        found = [*self.plan.outages(start, end), *self.plan.stuck(start, end), *self.plan.late(start, end),
                 *self.plan.at_instants(start, end), *self._blocks.repeats(start, end)]  # fmt: skip
        return sorted(found, key=lambda one: (one.start, one.kind, one.client_id, one.topic or "", one.channel or 0))

    def _merged(
        self, ranks: list[int], number: int, start: int, end: int, now: int, after: Position | None
    ) -> tuple[Ints, Ints, Ints, Ints, list[bytes]]:
        """Put the blocks of a span together: which messages are meant, in order, and the columns they index."""
        blocks = [(rank, self._blocks.get(rank, number)) for rank in ranks]
        blocks = [(rank, block) for rank, block in blocks if block.payloads]
        if not blocks:
            return _NOTHING, _NOTHING, _NOTHING, _NOTHING, []
        sizes = [len(block.payloads) for _, block in blocks]
        time = np.concatenate([block.time for _, block in blocks])
        visible = np.concatenate([self._visible(self._feeds[rank], block) for rank, block in blocks])
        rank = np.repeat(np.array([rank for rank, _ in blocks]), sizes)
        place = np.concatenate([np.arange(size) for size in sizes])
        meant = (time >= start) & (time < end) & (visible <= now)
        if after is not None:
            before = [rank for rank in ranks if (self._feeds[rank].client_id, self._feeds[rank].topic) < after.feed]
            same = [rank for rank in ranks if (self._feeds[rank].client_id, self._feeds[rank].topic) == after.feed]
            done = np.isin(rank, before) | (np.isin(rank, same) & (place <= after.number))
            meant &= (time > after.time) | ((time == after.time) & ~done)
        index = np.flatnonzero(meant)
        order = index[np.lexsort((place[index], rank[index], time[index]))]
        payloads: list[bytes] = []
        for one, block in blocks:
            feed = self._feeds[one]
            payloads += block.payloads if feed.form == "json" else [_fragment(feed, p) for p in block.payloads]
        return order, time, rank, place, payloads

    def _visible(self, feed: Feed, block: Block) -> Ints:
        """Give the instants from which on the messages of a block are stored; never, for those of a pause."""
        visible = block.visible
        for start, end in self._pauses.get(feed.client_id, ()):
            visible = np.where((block.time >= start) & (block.time < end), FOREVER, visible)
        return visible

    def _rows(self, order: Ints, time: Ints, rank: Ints, payloads: list[bytes]) -> list[bytes]:
        # A row costs one formatting of bytes and no JSON encoder: that is what makes 100 000 a second easy.
        stamps = np.datetime_as_string((time[order] // 1000).astype("M8[us]")).astype("S").tolist()
        heads = self._heads
        return [
            b'{"time":"%bZ",%b%b}' % (stamp, heads[one], payloads[i])
            for stamp, one, i in zip(stamps, rank[order].tolist(), order.tolist(), strict=True)
        ]

    def _head(self, feed: Feed) -> bytes:
        path = f"{self.fleet.account_id}/{feed.client_id}/{feed.topic}"
        head = f'"client_id":{json.dumps(feed.client_id)},"topic":{json.dumps(path)},'
        return (head + ('"payload":' if feed.form == "json" else "")).encode()


def _fragment(feed: Feed, payload: bytes) -> bytes:
    """Write a payload as fields of a row; one that is JSON stands there as it was published."""
    if feed.form == "json":
        return payload
    if feed.form == "base64":
        return b'"payload_encoding":"base64","payload":"%b"' % base64.b64encode(payload)
    return b'"payload_encoding":"text","payload":%b' % json.dumps(payload.decode(), ensure_ascii=False).encode()


def cursor(last: Position, question: str) -> str:
    """Write a position as an opaque text that belongs to one question."""
    words = json.dumps([last.time, *last.feed, last.number, _check(question)], separators=(",", ":"))
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def read_cursor(text: str, question: str) -> Position | None:
    """Read a cursor; None if it is none, or belongs to another question."""
    try:
        time, client, topic, number, check = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        return None
    well_formed = (
        isinstance(time, int) and isinstance(number, int) and isinstance(client, str) and isinstance(topic, str)
    )
    if check != _check(question) or not well_formed:
        return None
    return Position(time, (client, topic), number)


def _check(question: str) -> int:
    return noise.key("cursor", question) >> 32
