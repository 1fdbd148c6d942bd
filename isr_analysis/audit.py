"""Checks the store: fetches random spans again and compares them with what is held. Changes nothing."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pandas as pd
import pyarrow as pa

from isr_analysis import messages, times
from isr_analysis.errors import UsageError
from isr_analysis.messages import Selector
from isr_analysis.offline import check_online
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.reading.pages import pages, to_the_end
from isr_analysis.store import upkeep
from isr_analysis.store.holding import SETTLE
from isr_analysis.store.ledger import ALL
from isr_analysis.store.store import Store
from isr_analysis.times import Range

SAME, DIFFERS, FORGOTTEN = "same", "differs", "forgotten"


def verify_store(count: int = 10, *, wait: bool = False, portal: Portal | None = None) -> pd.DataFrame:
    """Fetch settled windows again, chosen by chance, and compare them with the store.

    Parameters
    ----------
    count : int
        How many, each a UTC day at most.
    wait : bool
        Wait where the requests of the hour are used up.
    portal : Portal, optional
        The connection; by default that of `connect`.

    Returns
    -------
    pandas.DataFrame
        One row a window: ``client_id`` (``"*"`` is all), ``topic``, ``start``, ``end`` (UTC), ``held``, ``given``
        (messages), ``lacking`` (the portal's that are not held), ``surplus`` (held ones that the portal did not give)
        and ``state``: ``same``; ``differs``; ``forgotten``, where the portal no longer has the beginning, or any.

    Raises
    ------
    UsageError
        `count` is below 1.
    IsrError
        The portal could not be asked, or the store not be read.
    """
    if count < 1:
        raise UsageError(f"count={count}: give how many windows to compare, 1 or more")
    portal = connection.current(portal)
    check_online(portal)
    store = Store(portal.folder)
    windows = [(one, window) for one, held in _settled(store, portal.now()) for window in held.days()]
    chosen = random.sample(windows, min(count, len(windows)))
    rows = [_compared(portal, store, one, window, wait=wait) for one, window in sorted(chosen, key=lambda c: c[1])]
    names = ["client_id", "topic", "start", "end", "held", "given", "lacking", "surplus", "state"]
    return pd.DataFrame(rows, columns=names)


def _settled(store: Store, now: int) -> list[tuple[Selector, Range]]:
    return [
        (Selector(None if one.client == ALL else (one.client,), one.topic), part)
        for one in store.all_spans(Range(0, now))
        if (part := one.settled(SETTLE).before(now))
    ]


def _compared(portal: Portal, store: Store, selector: Selector, window: Range, *, wait: bool) -> tuple[Any, ...]:
    asked = portal.contract.history.askable(selector)
    came = to_the_end(lambda: pa.concat_tables([messages.empty(), *pages(portal, asked, window, wait=wait)]))
    given = selector.select(messages.within(came, window))
    held = store.read(selector, window)
    ours, theirs = (Counter(messages.rows(one, "time", "client_id", "topic", "payload")) for one in (held, given))
    lacking, surplus = (theirs - ours).total(), (ours - theirs).total()
    state = SAME if not lacking and not surplus else DIFFERS
    if not lacking and surplus:
        there, came_at = map(messages.instants, (held, given))
        state = FORGOTTEN if upkeep.forgotten_until(there, came_at, window) > window.start else DIFFERS
    edges = [pd.Timestamp(times.iso(edge)) for edge in (window.start, window.end)]
    who = selector.clients[0] if selector.clients else ALL
    return (who, selector.topic, *edges, len(held), len(given), lacking, surplus, state)
