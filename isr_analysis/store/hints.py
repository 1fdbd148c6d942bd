"""Why no message came: a client or a topic that is not there, and what is named nearly so. Pure but for `Hints`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol

from isr_analysis import messages
from isr_analysis.messages import Selector

_NEAR = 0.8
"""How alike a topic must be to one that is only in the live answer, which has not all of them."""

_STAR = '; "*" is no wildcard, "+" stands for one level of a topic and "#" for all that follow'


class Hints(Protocol):
    """What a portal can be asked for where no message came; nothing is given where it cannot be had."""

    def listed_clients(self, wanted: Iterable[str]) -> tuple[list[str], str, list[str]]:
        """Give the clients that there are, by what is wanted; where they are from; and who else is called like that."""

    def heard_topics(self) -> list[str]:
        """Give the topics of the live answer."""


def near_misses(
    selector: Selector, clients: Iterable[str], topics: Iterable[str], hints: Hints | None = None, at: str = "on disk"
) -> str:
    """Say which clients and topics of a selector are not among those there are, and what is named nearly so; else "".

    A client that `hints` lists is there, and silent; without any other, these are all. If it lists none of those that
    there are, though, its list and its history call clients differently. `at` is where the others are.
    """
    clients, topics = sorted(set(clients)), sorted(set(topics))
    at_hand = bool(clients)
    strange = tuple(one for one in selector.clients or () if one not in clients)
    there, where, called = hints.listed_clients(strange) if strange and hints else ([], "", [])
    clients = clients or sorted(there)
    strange = tuple(one for one in strange if clients and one not in there)
    said = strangers(strange, clients, at if at_hand else where) + called
    if at_hand and there and not set(there).intersection(clients):
        otherwise = f"is listed {where}, but none of the clients {at} is ({_some(clients[:3], clients)})"
        more = "it may go by another name there; name its field in a contract file (ISR_CONTRACT), and use refresh=True"
        said += [f"{one!r} {otherwise}: {more}" for one in selector.clients or () if one in there]
    if topics and not any(messages.covers(selector.topic, topic) for topic in topics):
        said.append(f"no topic {at} is matched by {selector.topic!r}{_nearly(selector.topic, topics)}")
    elif not topics and (slip := misheard(selector.topic, hints)):
        said += slip
    elif strange:
        selector = Selector(strange, selector.topic)
    return f"no message of {selector} was found: {'; '.join(said)}" if said else ""


def misheard(topic: str, hints: Hints | None) -> list[str]:
    """Say what is odd about a topic of which nothing came, or else which topics of the live answer are nearly it."""
    if topic != (bare := topic.lstrip("/")):
        return [f"{topic!r} begins with a slash, and topics hardly ever do; try {bare!r}"]
    heard = hints.heard_topics() if hints and topic != "#" else []
    if any(messages.covers(topic, one) for one in heard):
        return []
    wanted = topic.removesuffix("/#").split("/")
    heads: dict[str, str] = {}
    for one in heard:
        head = "/".join(one.split("/")[: len(wanted)])
        heads[head.casefold()] = one if one == head else f"{head}/#"
    close = difflib.get_close_matches("/".join(wanted).casefold(), heads, cutoff=_NEAR)
    there = ", ".join(repr(heads[one]) for one in close)
    return [f"the portal's live answer has none of {topic!r}, but of {there}"] if close else []


def strangers(wanted: Iterable[str], known: list[str], where: str) -> list[str]:
    """Say of each client that is not among the known ones that it is not there, and which are called nearly so."""
    return [f"there is no client {one!r} {where}{_nearly(one, known)}" for one in wanted if known and one not in known]


def _nearly(name: str, known: list[str]) -> str:
    alike: dict[str, str] = {}
    for one in known:
        alike.setdefault(one.casefold(), one)
    found = difflib.get_close_matches(name.casefold(), [*alike], n=3, cutoff=0.5)
    close = [alike[one] for one in found] or known[:3]
    return f" (there: {_some(close, known)}){_STAR if '*' in name else ''}"


def _some(names: list[str], known: list[str]) -> str:
    return ", ".join(names) + (", …" if len(known) > len(names) else "")
