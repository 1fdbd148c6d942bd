"""What of a store is worth putting together, and what may go. Decisions only: nothing is written here."""

from __future__ import annotations

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isr_analysis import times
from isr_analysis.files import ABANDONED
from isr_analysis.store.ledger import Part
from isr_analysis.times import Range

Instants = npt.NDArray[np.int64]

GRACE = times.HOUR
"""How long (ns) a file stays after it was replaced: a reader may be about to open it."""

SMALL = 131_072
"""The most messages that parts are put together to; one of more is no small one."""

_LARGE = 8_000_000  # bytes on disk; in memory it is some twenty times as much
_MANY = 8


def worth_merging(found: Iterable[Part], day: Range, *, settled_until: int) -> list[Part]:
    """Choose the parts of a day that should become one; none if that is not worth while.

    Parts are put together with those of about their own size, eight at least, so that each message is written anew a
    few times in all, however often today is looked at. Those of a day that is over become one as soon as there are
    eight.

    Parameters
    ----------
    found : iterable of Part
        Those of the day.
    day : Range
        A UTC day.
    settled_until : int
        The instant, ns, from which messages may still come: a part that reaches beyond it will soon be replaced anyway.
    """
    until = min(day.end, settled_until)
    small, rows, size = [], 0, 0
    for part in sorted(found, key=lambda part: part.rows):
        if day.start <= part.first and part.last < until and rows + part.rows <= SMALL and size + part.bytes <= _LARGE:
            small.append(part)
            rows, size = rows + part.rows, size + part.bytes
    if len(small) < _MANY:
        return []
    if settled_until >= day.end:
        return small
    sizes: dict[int, list[Part]] = defaultdict(list)
    for part in small:
        sizes[int(math.log(part.rows, _MANY))].append(part)
    full = [size for size, parts in sizes.items() if len(parts) >= _MANY]
    return [part for size, parts in sizes.items() for part in parts if full and size <= max(full)]


def forgotten_until(held: Instants, given: Instants, span: Range) -> int:
    """Give the instant of a span up to which what is held stays, although it was not given again.

    A portal forgets. Where an answer lacks just the beginning of what is held, or all of it, the portal no longer keeps
    that, and what was fetched once is kept for good. An answer that differs in any other way replaces all that is held.

    Parameters
    ----------
    held, given : array of int
        The times (ns) of the messages that the store holds and of those that came, in any order.
    span : Range
        What was asked for.
    """
    given = np.sort(given)
    first = int(given[0]) if len(given) else span.end
    if not (held < first).any():
        return span.start
    still, counts = np.unique(held[held >= first], return_counts=True)
    again = np.searchsorted(given, still, "right") - np.searchsorted(given, still, "left")
    return first if (again >= counts).all() else span.start


def left_over(folder: Path, day: Range, known: Collection[str]) -> list[str]:
    """Find the files of a UTC day, which nobody is fetching, that are not `known` and that nobody is still writing."""
    date = times.iso(day.start)[:10]
    old = time.time() - ABANDONED
    left = []
    month = folder / date[:7]
    for path in (*month.glob(f"{date}-*"), *month.glob(f".{date}-*")):  # with a dot: what was being written
        name = f"{date[:7]}/{path.name}"
        with contextlib.suppress(FileNotFoundError):  # its writer has just given it its name
            if name not in known and path.stat().st_mtime < old:
                left.append(name)
    return left
