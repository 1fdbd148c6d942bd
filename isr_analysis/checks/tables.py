"""What the frames of this package share: their range, their zone, and columns that are the same when empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.checks.series import CLIENT, Ints, nanoseconds, stamps, zone_of
from isr_analysis.errors import UsageError

Row = dict[str, Any]
"""One row of such a frame, instants and durations in ns; what it lacks is missing."""


def span_of(
    frame: pd.DataFrame, start: times.Instant | None = None, end: times.Instant | None = None
) -> times.Range | None:
    """Find the range that a frame speaks for; None if it has no rows and none is known.

    It is what the caller says; else the range that was loaded, as long as the frame is as it was loaded (one that was
    filtered may have lost its edges); else from its first to its last row.
    """
    zone = zone_of(frame)
    begin = times.instant(start, zone, name="start") if start is not None else None
    until = times.instant(end, zone, name="end") if end is not None else None
    loaded = _loaded(frame)
    if begin is None and loaded:
        begin = loaded.start
    if until is None and loaded:
        until = loaded.end
    if len(frame) and (begin is None or until is None):
        ns = nanoseconds(frame.index)
        begin = int(ns.min()) if begin is None else begin
        until = int(ns.max()) + 1 if until is None else until
    if begin is None or until is None:
        return None
    if until < begin:
        raise UsageError(f"the range is empty: start {times.iso(begin)} is not before end {times.iso(until)}")
    return times.Range(begin, until)


def whole_span(
    frame: pd.DataFrame, start: times.Instant | None = None, end: times.Instant | None = None
) -> times.Range | None:
    """Find the range of `span_of`, widened to all messages of the frame where the caller does not say its end.

    Of the time from which late messages may come, nothing is missing yet; but what has come is there.
    """
    span = span_of(frame, start, end)
    if span is None or not len(frame):
        return span
    return times.Range(
        span.start, span.end if end is not None else max(span.end, int(nanoseconds(frame.index).max()) + 1)
    )


def day_edges(span: times.Range, zone: dt.tzinfo | None, each: int = 1) -> Ints:
    """Give the first instants (ns) of the local days that cover a range, every so many, and where the last one ends.

    A day begins at its first instant also where the clocks are changed at midnight, which came twice there, or never.
    """
    ends = stamps([span.start, max(span.start, span.end - 1)], zone)
    first, last = ends.tz_localize(None).normalize()
    days = pd.date_range(first, periods=(last - first).days // each + 2, freq=f"{each}D")
    there = days.tz_localize(zone or "UTC", ambiguous=np.ones(len(days), bool), nonexistent="shift_forward")
    return np.unique(nanoseconds(there))  # a day that a zone left out has no instant


def _loaded(frame: pd.DataFrame) -> times.Range | None:
    """Read the range that a loader wrote into `attrs`; what may still come late is not counted as missing.

    It is none of this frame's where the index was moved since, or lost its zone: its clock is not known then.
    """
    return told_range(frame) if frame.attrs.get("rows") == len(frame) else None


def told_range(frame: pd.DataFrame) -> times.Range | None:
    """Read the range that a loader wrote into `attrs`, of which rows may have been taken away since."""
    told = frame.attrs
    if not (told.get("start") and told.get("end")) or zone_of(frame) is None:
        return None
    try:
        start, end = times.instant(told["start"]), times.instant(told["end"])
        until = times.instant(told["provisional_from"]) if told.get("provisional_from") else end
    except UsageError:
        return None
    if len(frame) and not start <= (ns := nanoseconds(frame.index)).min() <= ns.max() < end:
        return None
    return times.Range(start, max(start, min(end, until)))


def never_heard(frame: pd.DataFrame) -> list[str]:
    """Give the clients that were asked for by name and have no row at all, if the frame still says whose rows are."""
    asked = frame.attrs.get("clients") if frame.attrs.get("rows") == len(frame) else None
    if not isinstance(asked, list) or not asked or (len(frame) and CLIENT not in frame.columns):
        return []
    present = {str(one) for one in frame[CLIENT].unique()} if len(frame) else set()
    if not present.issubset(asked):  # they were given other names
        return []
    return [client for client in asked if client not in present]


def table(rows: list[Row], kinds: Mapping[str, str], zone: dt.tzinfo | None) -> pd.DataFrame:
    """Make a frame of rows, with the same columns and dtypes when there are none.

    Parameters
    ----------
    rows : list of dict
        Instants and durations in ns, None where there is none.
    kinds : dict
        For each column a dtype, ``"instant"`` or ``"duration"``.
    zone : datetime.tzinfo or None
        Of the instants; UTC if None.
    """
    return pd.DataFrame({name: _column([row.get(name) for row in rows], kind, zone) for name, kind in kinds.items()})


def _column(values: list[Any], kind: str, zone: dt.tzinfo | None) -> Any:
    if kind in {"instant", "duration"}:
        empty = np.iinfo(np.int64).min  # how numpy writes "no time"
        ns = np.array([empty if value is None else int(value) for value in values], dtype=np.int64)
        return stamps(ns, zone) if kind == "instant" else pd.TimedeltaIndex(ns.view("m8[ns]"))
    return pd.Series(values, dtype=kind).array
