"""Everything that looks wrong in a frame, as one table to read from top to bottom."""

from __future__ import annotations

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.checks.absence import SILENT, Unfetched, silent_rows, unfetched_in
from isr_analysis.checks.drift import fields_changed, renamed, types_changed, units_changed
from isr_analysis.checks.rhythm import Rhythm, by_client, rhythms, tell_of_lost_edges
from isr_analysis.checks.series import CLIENT, TOPIC, identity, split, taken, zone_of
from isr_analysis.checks.tables import Row, span_of, table
from isr_analysis.checks.values import implausible, out_of_order, repeats

_COLUMNS = {
    "kind": "str", CLIENT: "str", TOPIC: "str", "channel": "str", "field": "str", "start": "instant", "end": "instant",
    "duration": "duration", "count": "Int64", "detail": "str",
}  # fmt: skip


def quality(
    df: pd.DataFrame | pd.Series,
    coverage: pd.DataFrame | None = None,
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
) -> pd.DataFrame:
    """Find what is wrong: gaps, repeats, stuck or sentinel values, disorder, permanent changes, renamed devices.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    coverage : pandas.DataFrame, optional
        The result of `coverage` for the same range. Without it, every gap counts as silence of the device.
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The range that the frame represents; see `gaps`.

    Returns
    -------
    pandas.DataFrame
        One row per finding, sorted by start, with a RangeIndex; a healthy frame has none. Columns ``kind``,
        ``client_id``, ``topic``, ``channel``, ``field`` (str, empty where the finding concerns all of them), ``start``
        and ``end`` (in the frame's zone), ``duration`` (timedelta), ``count`` (Int64, the messages concerned; NA where
        none) and ``detail`` (an explanation). The kinds:

        ``device silent``, ``never fetched``, ``portal failed``
            The rows of `gaps`.
        ``value stuck``
            A measurement that normally varies kept exactly the same value for far longer than it does by chance.
            ``start`` and ``end`` are its first and last message with that value.
        ``sentinel value``
            A number that devices write when they measured nothing (-999, 65535, 85 from a DS18B20), farther from all
            other values of the field than those are from each other; one row per number. It stays in the frame and in
            every mean: remove it with ``df["temp"] = df["temp"].mask(df["temp"] == -999)``.
        ``repeated messages``
            The same payload twice at the same time or within a moment, as can happen with QoS 1; one row per series.
            They stay in the frame, and in every count. Of one topic, ``df[~df.reset_index().duplicated().to_numpy()]``
            is without those at the same time (``df.drop_duplicates()`` would not look at the times).
        ``out of order``
            Rows that follow later ones, in a frame that is not sorted by time (frames from the loaders are).
        ``type changed``
            A field's values change from one type to another, such as from numbers to text.
        ``unit changed``
            The unit that a payload gives changes and stays changed, such as from W to kW.
        ``fields changed``
            Fields that were always present are missing from then on, or the other way round.
        ``device renamed``
            A client falls silent and another one continues to publish the same; ``client_id`` is the new one. Their
            silence before and after is then not a separate finding.

    Raises
    ------
    UsageError
        The index is not a time index, or `coverage` lacks a column.

    Warns
    -----
    UserWarning
        Rows were removed since the frame was loaded, and silence at its edges is not counted; see `gaps`.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=60, freq="1min", tz="UTC", name="time")
    >>> df = pd.DataFrame({"client_id": "isr-shack-01", "value": range(60)}, index=index)
    >>> isr.quality(df).empty, isr.quality(df.drop(index[20:30]))["detail"].tolist()
    (True, ['no message for 11 min, usually one every 1 min'])
    """
    frame = taken(df)
    span = span_of(frame, start, end)
    unfetched = unfetched_in(coverage, span)
    series = split(frame, identity(frame))
    found = rhythms(series, span)
    tell_of_lost_edges(frame, found, start=start is not None, end=end is not None)
    own = by_client(found)
    silent = silent_rows(frame, found, span, unfetched, each=False)
    new_names = renamed(frame, series, found, span)
    rows: list[Row] = [
        *(_fetching(one) for one in unfetched),
        *(_told(row, own.get(row[CLIENT], [])) for row in silent if not _explained(row, new_names)),
        *new_names,
        *repeats(series, found),
        *implausible(series, found),
        *out_of_order(series, found),
        *types_changed(series, found),
        *units_changed(series, found),
        *fields_changed(series, found),
    ]
    rows.sort(key=lambda row: (row["start"], row[CLIENT], row.get(TOPIC, ""), row.get("channel", ""), row["kind"]))
    for row in rows:
        row["duration"] = row["end"] - row["start"]
        for name in (TOPIC, "channel", "field"):
            row.setdefault(name, "")
    return table(rows, _COLUMNS, zone_of(frame))


def _fetching(one: Unfetched) -> Row:
    words = f"not on disk ({one.kind}) for {'all clients' if one.client == '*' else one.client}, topics {one.topic}"
    return {"kind": one.kind, CLIENT: one.client, TOPIC: one.topic, "start": one.span.start, "end": one.span.end,
            "detail": words}  # fmt: skip


def _told(row: Row, own: list[Rhythm]) -> Row:
    """Say a silence of a client in words."""
    same = [
        one for one in own
        if one.regular and row[TOPIC] in ("", one.topic) and row["channel"] in ("", one.channel)
    ]  # fmt: skip
    usual = min((one.fastest for one in same), default=0.0)
    silent = [one for one in own if row[TOPIC] in ("", one.topic)]
    where = "" if row["channel"] or len(silent) == 1 else " on any channel" if row[TOPIC] else " on any topic"
    each = f", usually one every {times.lasting(usual)}" if usual else ""
    if not usual and len(silent) == 1 and len(silent[0].time) > 1:
        most = float(np.quantile(np.diff(silent[0].time), 0.99))
        each = f", while 99 % of the pauses are shorter than {times.lasting(most)}"
    words = f"no message{where} for {times.lasting(row['duration'])}{each}"
    kept = {name: row[name] for name in (CLIENT, TOPIC, "channel", "start", "end")}
    return {"kind": SILENT, **kept, "detail": words}


def _explained(row: Row, new_names: list[Row]) -> bool:
    """Whether a silence is that of a former name after, or of a new name before, the device was renamed."""
    return any(
        (row[CLIENT] == one["former"] and row["start"] >= one["start"])
        or (row[CLIENT] == one[CLIENT] and row["end"] <= one["end"])
        for one in new_names
    )
