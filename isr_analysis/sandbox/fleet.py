"""The invented fleet: which clients there are, what each publishes, and when.

A feed's messages are numbered since 1970, so any range of them can be made without the ones before.
"""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass, field

import numpy as np

from isr_analysis.sandbox import devices, noise
from isr_analysis.sandbox.devices import Published
from isr_analysis.sandbox.noise import Ints
from isr_analysis.times import DAY, MINUTE, SECOND

FOREVER = 2**62
RENAMED_EVERY = 30 * DAY
"""The drifting buoy gets a new id at this pace: once in any 30 days."""

_BREAK = 11 * MINUTE  # between the last message under the old id and the first under the new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Published):
    """A topic of one client, at the fleet's rate.

    Parameters
    ----------
    client_id : str
        The device's own id.
    key : int
        What sets this feed apart.
    born, gone : int
        ns; the client publishes in ``[born, gone)``.
    """

    client_id: str
    key: int
    born: int = 0
    gone: int = FOREVER

    def sample(self, start: int, end: int) -> tuple[Ints, Ints, Ints]:
        """Give numbers, instants and channels of the messages of ``[start, end)``, in order of time."""
        start, end = max(start, self.born), min(end, self.gone)
        if start >= end:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, nothing
        if self.instants is not None:
            t, channel = self.instants(start, end)
            return t // SECOND, t, channel
        phase = noise.choose(self.key, 0, self.interval)
        k = np.arange((start - phase) // self.interval - 1, (end - phase) // self.interval + 2, dtype=np.int64)
        late = noise.uniform(self.key + 1, k) * min(0.02 * self.interval, SECOND)
        t = (phase + k * self.interval + late.astype(np.int64)) // 1000 * 1000
        if self.channels == 1:
            inside = (t >= start) & (t < end)
            return k[inside], t[inside], np.ones(int(inside.sum()), np.int64)
        number = np.arange(1, self.channels + 1, dtype=np.int64)
        t = (t[:, None] + self.skew * (number - 1)).ravel()
        k, channel = np.repeat(k, self.channels), np.tile(number, len(k))
        inside = (t >= start) & (t < end)
        return k[inside], t[inside], channel[inside]


@dataclass(frozen=True, slots=True)
class Client:
    """One device that publishes.

    Parameters
    ----------
    client_id : str
        Its own id.
    username : str
        The broker login that it uses; several devices may share one.
    label : str
        What its owner calls it.
    feeds : tuple of Feed
        What it publishes, by topic.
    born, gone : int
        ns; it publishes in ``[born, gone)``.
    """

    client_id: str
    username: str
    label: str
    feeds: tuple[Feed, ...]
    born: int = 0
    gone: int = FOREVER


@dataclass(frozen=True, slots=True)
class Fleet:
    """The clients of one account.

    Parameters
    ----------
    seed : int
        Which fleet.
    account_id : str
        The account, a UUID that follows from the seed.
    clients : tuple of Client
        By client id.
    renames : tuple of (int, str, str)
        When (ns) a client got which new id in place of which old one.
    """

    seed: int
    account_id: str
    clients: tuple[Client, ...]
    renames: tuple[tuple[int, str, str], ...] = field(default=())

    def feeds(self) -> list[Feed]:
        """Give every feed, by client and topic."""
        return [feed for client in self.clients for feed in client.feeds]


def account_id(seed: int) -> str:
    """Give the account of a seed."""
    return str(uuid.UUID(int=(noise.key("account", seed) << 64 | noise.key("account", seed, 2)), version=4))


def fleet(seed: int, *, start: int, end: int, rate: float = 1.0, troubles: bool = True) -> Fleet:
    """Make the fleet of a seed.

    Parameters
    ----------
    seed : int
        Which one. The client ids are the same in each, what they measure is not.
    start, end : int
        ns; which span the clients are made for. It decides only how many ids of the renamed buoy there are.
    rate : float
        How many times faster than usual everything is published.
    troubles : bool
        Whether the buoy is ever renamed.
    """
    clients = []
    for made in devices.roster(seed):
        feeds = tuple(
            _feed(seed, made.client_id, published, rate) for published in sorted(made.published, key=lambda p: p.topic)
        )
        clients.append(Client(made.client_id, _username(seed, made.login), made.label, feeds))
    clients.append(Client("spare-01", _username(seed, "spare-01"), "Spare, not in use yet", ()))
    offset = int(noise.draw(noise.key(seed, "rename")) * RENAMED_EVERY) // 1000 * 1000
    first, last = ((at - offset) // RENAMED_EVERY for at in (start, end))
    renames = []
    for number in range(first, last + 1) if troubles else [0]:
        born, gone = offset + number * RENAMED_EVERY, offset + (number + 1) * RENAMED_EVERY
        name = f"buoy-{number % 1000:03d}"
        if troubles:
            renames.append((born, f"buoy-{(number - 1) % 1000:03d}", name))
        born, gone = (born + _BREAK, gone) if troubles else (0, FOREVER)
        feed = _feed(seed, name, devices.buoy(seed), rate, born=born, gone=gone, family="buoy")
        clients.append(Client(name, _username(seed, "buoy"), "Drifting buoy", (feed,), born, gone))
    clients.sort(key=lambda client: client.client_id)
    return Fleet(seed, account_id(seed), tuple(clients), tuple(renames))


def _feed(
    seed: int,
    client_id: str,
    made: Published,
    rate: float,
    *,
    born: int = 0,
    gone: int = FOREVER,
    family: str | None = None,
) -> Feed:
    return Feed(
        **{one.name: getattr(made, one.name) for one in dataclasses.fields(made)} | {
            "interval": max(int(made.interval / rate), 1000 * max(made.channels, 1)) if made.interval else 0,
            "skew": int(made.skew / rate),
        },
        client_id=client_id, key=noise.key(seed, family or client_id, made.topic), born=born, gone=gone,
    )  # fmt: skip


def _username(seed: int, login: str) -> str:
    return f"pub-{noise.key(seed, 'login', login):016x}"[:14]
