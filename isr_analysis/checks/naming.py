"""The names of series: the channel as text, and only as much as is needed to distinguish them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isr_analysis.checks.series import CLIENT, TOPIC, Series, plain
from isr_analysis.messages import DEVICE, IDENTITY

_BARE = {CLIENT, TOPIC, "type", "dcn", DEVICE}
"""Keys that tell by themselves what they are; the others are named beside their value."""


def named(series: Series) -> tuple[list[str], list[str], list[str]]:
    """Give client, topic and channel of each series as text, "" where there is none."""
    told = series.tell()
    clients, topics = ([str(one.get(name, "")) for one in told] for name in (CLIENT, TOPIC))
    return clients, topics, [channel(one) for one in told]


def channel(keys: dict[str, Any]) -> str:
    """Name a channel in words, the telling parts first; "" where there is none.

    >>> channel({"type": "relay", "chan": 3, "module": 1, "dcn": "0x01"})
    'relay 3 · module 1 · 0x01'
    """
    words = {name: plain(keys[name]) for name in IDENTITY if name in keys}
    head = " ".join(words[name] for name in ("type", "chan") if name in words)
    if "type" not in words and "chan" in words:
        head = f"chan {head}"
    rest = [f"module {words['module']}"] if "module" in words else []
    rest += [words[name] for name in ("dcn", DEVICE) if name in words]
    return " · ".join([head, *rest] if head else rest)


def telling(keys: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> list[str]:
    """Give the columns that are needed to tell series with such keys apart, the first ones first."""
    chosen: list[str] = []
    groups = 1
    for name in columns:
        now = len({tuple(str(one.get(part)) for part in [*chosen, name]) for one in keys})
        if now > groups:
            chosen.append(name)
            groups = now
    return chosen


def in_words(name: str, value: Any) -> str:
    """Write one key in the name of a series.

    >>> in_words("chan", 3.0), in_words("type", "relay")
    ('chan 3', 'relay')
    """
    return plain(value) if name in _BARE else f"{name} {plain(value)}"
