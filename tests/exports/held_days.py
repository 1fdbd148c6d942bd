"""The days that are exported and opened elsewhere, and their messages as the store has them."""

from __future__ import annotations

from isr_analysis import times
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import Range

DAYS = {"start": "2026-11-14", "end": "2026-11-17"}
NAMES = ["time", "client_id", "topic", "payload"]


def held(portal, topic="#"):
    """Give the messages of the days as the store has them."""
    span = Range(times.instant(DAYS["start"]), times.instant(DAYS["end"]))
    return Store(portal.folder).read(Selector.of(None, topic), span)
