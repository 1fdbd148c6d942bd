"""Where two pages meet: in which order their messages stand, and what both have, or neither."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.errors import CONTRACT_FILE
from isr_analysis.messages import instants, within
from isr_analysis.times import Range

_OF_MESSAGE = ("time", "client_id", "topic", "payload")
_MOST_SHARED = 100
_BY_TIME = f'page = "none" and offset = "none" under [history] of {CONTRACT_FILE} have all read by time'
REPEATED = (
    "gives a message of {} on two of its pages, and has it once: its pages are in no order, and others may be on none; "
    f"{_BY_TIME}"
)
GRAINS = (times.MINUTE, times.SECOND, 1_000_000, 1000, 1)
"""The steps of which instants may be whole numbers, ns."""


def order_of(table: pa.Table) -> str | None:
    """Tell whether times run ``"up"``, ``"down"``, are all ``"one"``, or stand in no order (None)."""
    steps = np.diff(instants(table))
    if not steps.any():
        return "one"
    return "up" if (steps >= 0).all() else "down" if (steps <= 0).all() else None


def grain_of(at: int | npt.NDArray[np.int64]) -> int:
    """Give the coarsest step, from a minute to a nanosecond, of which instants are whole numbers."""
    return next(one for one in GRAINS if not np.any(at % one))


def overlap(held: Page, after: Page, ask: Callable[..., Page], unit: int) -> int | None:
    """Give the instant of a message that two pages share; None if each has its own, alike perhaps.

    Where a page has messages that the one before it has at its last instant, the portal is asked for that alone; or
    with what comes behind it in the order of the pages, if the portal gives no range so short. Those of one instant may
    stand in another order in each answer: some are on both pages then, and others on none.
    """
    order = order_of(held.messages)
    if order is None or not len(shared := _shared(held.messages, after.messages)):
        return None
    at = int(instants(shared)[0])
    alone = _alone(ask, at, max(unit, grain_of(at)), back=order == "down")
    if len(alone.messages) >= held.rows:
        return None
    for i in range(len(shared)):
        message = shared.slice(i, 1)
        given = count_of(message, held.messages) + count_of(message, after.messages)
        if 0 < count_of(message, alone.messages) < given:
            return at
    return None


def left_out(held: Page, after: Page, ask: Callable[..., Page], unit: int) -> int | None:
    """Give the instant with which a page ends, if neither it nor the next one has all of its messages; else None.

    A portal may go on behind that instant, and not behind the message. It is asked for the instant alone.
    """
    at = int(instants(held.messages)[-1])
    for length in (max(unit, grain_of(at)), unit):  # a portal may keep its times finer than it shows them
        alone = _alone(ask, at, length, back=order_of(held.messages) == "down")
        if len(alone.messages) < held.rows:
            break
    else:
        return None
    edge = Range(at, at + 1)
    given = len(within(held.messages, edge)) + len(within(after.messages, edge))
    return at if len(within(alone.messages, edge)) > given else None


def repeated(
    seen: list[npt.NDArray[np.uint64]], held: Page, after: Page, ask: Callable[..., Page], unit: int
) -> int | None:
    """Give the instant of a message that pages in no order of time give twice; None if there is none, or it is two.

    A portal that does not order what it pages through may give some rows twice, and others never. `seen` is what the
    pages before had; the portal is asked for one such instant alone.
    """
    if held.fragments or order_of(held.messages) is not None:
        return None
    seen.append(_hashes(held.messages))
    given = _hashes(after.messages)
    twice = np.flatnonzero(functools.reduce(np.logical_or, (np.isin(given, one) for one in seen)))
    if not len(twice):
        return None
    message = after.messages.slice(int(twice[0]), 1)
    at = int(instants(message)[0])
    alone = _alone(ask, at, max(unit, grain_of(at)))
    return at if count_of(message, alone.messages) == 1 and len(alone.messages) < held.rows else None


def is_gone(at: int, ask: Callable[..., Page], unit: int, most: int) -> bool:
    """Tell whether the portal has no message of an instant, asked for that alone: less than `most`, so it is whole."""
    page = _alone(ask, at, max(unit, grain_of(at)))
    return page.rows < most and not len(within(page.messages, Range(at, at + 1)))


def _alone(ask: Callable[..., Page], at: int, length: int, **how: bool) -> Page:
    """Ask for an instant alone; to the end of its minute if it is not given, as a portal may cut ends to that."""
    page = ask(Range(at, at + length), **how)
    if len(within(page.messages, Range(at, at + 1))):
        return page
    return ask(Range(at, (at // times.MINUTE + 1) * times.MINUTE), **how)


def _hashes(table: pa.Table) -> npt.NDArray[np.uint64]:
    """Give a number for each message, eight bytes, as all of a range's are kept."""
    made = [instants(table).view(np.uint64)]
    for name in ("client_id", "topic"):
        few = table[name].combine_chunks().dictionary_encode()
        made.append(pd.util.hash_array(few.dictionary.to_numpy(zero_copy_only=False))[few.indices.to_numpy()])
    made.append(pd.util.hash_array(table["payload"].to_numpy(), categorize=False))
    return functools.reduce(lambda all_of, one: all_of * np.uint64(1_000_003) + one, made)


def _shared(one: pa.Table, other: pa.Table) -> pa.Table:
    """Give the messages of a page that are of the instant with which the one before it ends, and on that as well."""
    if not len(one):
        return one
    edge = Range(at := int(instants(one)[-1]), at + 1)
    here, there = within(one, edge), within(other, edge)
    if not len(there):
        return there
    return there.filter(pa.array(np.isin(_hashes(there), _hashes(here)))).slice(0, _MOST_SHARED)


def are_same(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether two pages have the same messages, in whatever order those of one instant stand."""
    if not one["time"].equals(other["time"]):  # mostly so
        return False
    names = [name for name in one.column_names if name != "seq"]
    parts = (table.select(names).sort_by([(name, "ascending") for name in names]) for table in (one, other))
    return bool(next(parts).equals(next(parts)))


def count_of(message: pa.Table, table: pa.Table, names: Sequence[str] = _OF_MESSAGE) -> int:
    """Count the messages of a table that are like one."""
    alike = [pc.equal(table[name], message[name][0]) for name in names]
    return int(pc.sum(functools.reduce(pc.and_, alike), min_count=0).as_py())
