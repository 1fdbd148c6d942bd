"""Which channels there are, how often each publishes, and how complete each day is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.checks.cadence import BURST
from isr_analysis.checks.kinds import NO_MEASURE, is_event, is_state, numbers, on_off, unit_columns
from isr_analysis.checks.naming import named
from isr_analysis.checks.rhythm import Rhythm, rhythms, tell_of_lost_edges
from isr_analysis.checks.series import (
    CLIENT,
    TOPIC,
    Flags,
    Floats,
    Ints,
    identity,
    plain,
    split,
    taken,
    zone_of,
)  # fmt: skip
from isr_analysis.checks.tables import day_edges, never_heard, span_of, table
from isr_analysis.messages import DEVICE, IDENTITY

_FEW = 50
_WHICH = {CLIENT: "str", TOPIC: "str", "channel": "str"}
_CHANNELS = _WHICH | {
    "field": "str", "kind": "str", "unit": "str", "messages": "Int64", "first": "instant", "last": "instant",
    DEVICE: "str", "type": "str", "chan": "str", "module": "str", "dcn": "str",
}  # fmt: skip
_INTERVALS = _WHICH | {
    "start": "instant", "end": "instant", "interval": "duration", "regular": "boolean", "messages": "Int64",
}  # fmt: skip
_COMPLETENESS = {"day": "instant"} | _WHICH | {"messages": "Int64", "expected": "Int64", "share": "float64"}


def channels(df: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """List what is measured or reported: the channels of Station Controllers, and the fields of everything else.

    A Station Controller's reading is identified by ``station_controller_device_id``, ``type``, ``chan``, ``module`` and
    ``dcn`` together; ``channel`` combines them into a readable name. Anything without this identity has an empty
    ``channel`` and is distinguished by its field.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.

    Returns
    -------
    pandas.DataFrame
        One row for each client, topic, channel and field that contains numbers (also as text), flags or words for a
        state; for readings with an identity, whatever they contain. Columns ``client_id``, ``topic``, ``channel``,
        ``field``, ``kind`` (``measurement``, ``state`` or ``event``), ``unit`` (as given by the payload, the last one
        if there are several, else empty; all str), ``messages`` (Int64, in any unit), ``first`` and ``last`` (in the
        frame's zone), and the five parts of the identity (str, NA where there is none). Without any rows: the same
        columns.

    Raises
    ------
    UsageError
        The index is not a time index.

    Examples
    --------
    >>> import pandas as pd
    >>> from isr_analysis.checks import channels
    >>> index = pd.date_range("2026-11-01", periods=2, freq="1min", tz="UTC", name="time")
    >>> channels(pd.DataFrame({"chan": [1, 2], "value": [4.0, 7.5], "unit": "W"}, index=index))["channel"].tolist()
    ['chan 1', 'chan 2']
    """
    frame = taken(df)
    series = split(frame, identity(frame))
    clients, topics, names = named(series)
    columns = [name for name in frame.columns if name not in NO_MEASURE]
    there = {name: frame[name].notna().to_numpy(bool) for name in columns}
    rows = []
    for number, keys in enumerate(series.tell()):
        at, time = series.rows(number), series.times(number)
        for name in columns:
            if not (has := there[name][at]).any():
                continue
            part = frame[name].iloc[at[has]]
            kind = _kind(part, topics[number])
            if kind is None and not names[number]:
                continue
            held = time[has]
            rows.append({
                CLIENT: clients[number], TOPIC: topics[number], "channel": names[number], "field": name,
                "kind": kind or "state", "unit": _unit(frame, name, at[has]), "messages": len(held),
                "first": held[0], "last": held[-1],
                **{key: plain(keys[key]) for key in IDENTITY if key in keys},
            })  # fmt: skip
    return table(rows, _CHANNELS, zone_of(frame))


def _kind(part: pd.Series, topic: str) -> str | None:
    """Say what a field of one series is, None if it is mere text."""
    if is_event(topic):
        return "event"
    if pd.api.types.is_bool_dtype(part.dtype):
        return "state"
    number = numbers(part)
    number = number[~np.isnan(number)]
    if len(number):
        return "state" if is_state(number, topic) else "measurement"
    for some in (part.head(_FEW), part):  # most are seen to be none by their first values
        if on_off({str(value) for value in some}) is None:
            return None
    return "state"


def _unit(frame: pd.DataFrame, field: str, rows: Ints) -> str:
    for name in unit_columns(frame, field, alone=False):
        units = frame[name].iloc[rows].dropna()
        if len(units):
            return str(units.iloc[-1])
    return ""


def intervals(df: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Find how often each series publishes, from the times of its messages alone.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.

    Returns
    -------
    pandas.DataFrame
        One row for each client, topic and channel, or several where the rate changed. Columns ``client_id``, ``topic``,
        ``channel`` (str), ``start`` and ``end`` (first and last message at that rate, in the frame's zone),
        ``interval`` (timedelta; NaT with fewer than two messages), ``regular`` (boolean: whether the series keeps to
        the interval; events and values published on change do not) and ``messages`` (Int64). Without any rows: the same
        columns.

    Raises
    ------
    UsageError
        The index is not a time index.

    Examples
    --------
    >>> import pandas as pd
    >>> from isr_analysis.checks import intervals
    >>> index = pd.date_range("2026-11-01", periods=60, freq="1min", tz="UTC", name="time")
    >>> intervals(pd.DataFrame({"value": 1.0}, index=index))[["interval", "regular"]].values.tolist()
    [[Timedelta('0 days 00:01:00'), True]]
    """
    frame = taken(df)
    rows = []
    for one in rhythms(split(frame, identity(frame)), None):
        edges = one.pace.edges
        for number, usual in enumerate(one.pace.interval):
            begin, end = int(edges[number]), int(edges[number + 1])
            rows.append({
                **one.which, "start": one.time[begin], "end": one.time[end], "interval": round(usual) or None,
                "regular": bool(one.pace.regular[number]), "messages": end - begin + (number == 0),
            })  # fmt: skip
    return table(rows, _INTERVALS, zone_of(frame))


def completeness(
    df: pd.DataFrame | pd.Series,
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
) -> pd.DataFrame:
    """Compute for each day what share of the expected messages of each series arrived.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The range that the frame represents; see `gaps`.

    Returns
    -------
    pandas.DataFrame
        One row for each day of the range, client, topic and channel. Columns ``day`` (its first instant in the frame's
        zone; a day on which the clocks change has 23 or 25 hours), ``client_id``, ``topic``, ``channel`` (str),
        ``messages`` (Int64, all that arrived), ``expected`` (Int64, from the interval, up to
        ``attrs["provisional_from"]``, as later ones may still arrive; NA without a regular interval and where none was
        due) and ``share`` (float64, 0 to 1: the share of expected messages that arrived, counting bursts and repeats
        once; NaN where nothing is expected). A client that was asked for by name and never heard has rows too, without
        a topic, of which nothing is known but that 0 messages came. Without any rows: the same columns.

    Raises
    ------
    UsageError
        The index is not a time index, or `start` or `end` cannot be used.

    Warns
    -----
    UserWarning
        Rows were removed since the frame was loaded, and silence at its edges is not counted; see `gaps`.

    Examples
    --------
    >>> import pandas as pd
    >>> from isr_analysis.checks import completeness
    >>> index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    >>> frame = pd.DataFrame({"value": 1.0}, index=index).drop(index[30:36])
    >>> completeness(frame, end="2026-11-03")["share"].tolist()
    [1.0, 0.75]
    """
    frame = taken(df)
    span, zone = span_of(frame, start, end), zone_of(frame)
    if not span:
        return table([], _COMPLETENESS, zone)
    edges = day_edges(span, zone)
    rows = []
    found = rhythms(split(frame, identity(frame)), span)
    tell_of_lost_edges(frame, found, start=start is not None, end=end is not None)
    for one in found:
        due = one.time[_due(one)]
        came = np.histogram(one.time[one.time < edges[-1]], edges)[0]  # to numpy the last edge would be in the last day
        counted = np.histogram(due[span.holds(due)], edges)[0]
        expected = _expected(one, _in_step(one, edges, span))
        for day, begin in enumerate(edges[:-1]):
            some = round(expected[day]) > 0
            rows.append({
                "day": begin, **one.which, "messages": int(came[day]),
                "expected": round(expected[day]) if some else None,
                "share": min(1.0, counted[day] / round(expected[day])) if some else np.nan,
            })  # fmt: skip
    rows += [
        {"day": begin, CLIENT: client, TOPIC: "", "channel": "", "messages": 0, "expected": None, "share": np.nan}
        for client in never_heard(frame)
        for begin in edges[:-1]
    ]
    rows.sort(key=lambda row: row["day"])
    return table(rows, _COMPLETENESS, zone)


def _due(one: Rhythm) -> Flags:
    """Tell which messages count: in a burst, and of repeats, only the first."""
    pause = np.diff(one.time)
    usual = np.repeat(one.pace.interval, np.diff(one.pace.edges))[: len(pause)]
    return np.concatenate([[True], pause >= usual * BURST])


def _in_step(one: Rhythm, edges: Ints, span: times.Range) -> Ints:
    """Cut days to a range, each edge in step with the messages: of a part of an interval none is due, or one is.

    A day's edge is where its first message is due. On the clock it may lie anywhere between two messages, and a
    part of an interval would count as one that is missing.
    """
    at = np.searchsorted(one.time, [span.start, *edges[1:-1], span.end])
    at[-1] -= 1  # the end goes by the message before it, which is the last one that is there
    at = np.clip(at, 0, len(one.time) - 1)
    rate = np.clip(np.searchsorted(one.pace.edges, at, side="right") - 1, 0, len(one.pace.interval) - 1)
    usual = np.maximum(1, np.round(one.pace.interval[rate])).astype(np.int64)
    bounds = np.array([span.start, *edges[1:-1], span.end], dtype=np.int64)
    return np.maximum.accumulate(bounds + (one.time[at] - bounds) % usual)


def _expected(one: Rhythm, edges: Ints) -> Floats:
    """Count how many messages each day should have had, rate by rate."""
    total = np.zeros(len(edges) - 1)
    last = len(one.pace.interval) - 1
    for number, usual in enumerate(one.pace.interval):
        if not one.pace.regular[number]:
            continue
        begin = edges[0] if number == 0 else one.time[one.pace.edges[number]]
        end = edges[-1] if number == last else one.time[one.pace.edges[number + 1]]
        total += np.diff(np.clip(edges, begin, end)) / usual
    return total
