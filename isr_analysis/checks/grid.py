"""Messages on a regular time grid, with one column per channel."""

from __future__ import annotations

import datetime as dt
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.checks.absence import quiet
from isr_analysis.checks.cadence import cadence, silences
from isr_analysis.checks.kinds import (
    coalesced,
    is_direction,
    is_event,
    is_label,
    is_number,
    is_state,
    numbers,
    unit_columns,
)  # fmt: skip
from isr_analysis.checks.naming import in_words, mingled, named, nameless, telling
from isr_analysis.checks.series import (
    TOPIC,
    Flags,
    Floats,
    Ints,
    Series,
    identity,
    listed,
    missing,
    natural,
    numbered,
    plain,
    split,
    stamps,
    taken,
    zone_of,
)  # fmt: skip
from isr_analysis.checks.tables import day_edges, whole_span
from isr_analysis.errors import UsageError
from isr_analysis.messages import check_flags

_MOST = 50_000_000
_UNIT = "unit"
_TURN = 360.0
_How = Literal["mean", "median", "min", "max", "sum", "count", "last"]
_OF_WORDS = ("last", "count")


def wide(
    df: pd.DataFrame | pd.Series,
    field: str | list[str] = "value",
    *,
    every: str | dt.timedelta | pd.offsets.BaseOffset = "1min",
    how: _How | None = None,
    counter: bool = False,
    by: str | list[str] | None = None,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
) -> pd.DataFrame:
    """Resample fields to a regular time grid with one column per channel, so that channels can be compared row by row.

    A measurement is the mean of the messages within each step, and missing where there are none: nothing is
    interpolated. States and events hold until the next message, but not while the device was silent, and a step has the
    last: flags, words, 0 and 1, and, on a topic of states, a few whole numbers that seldom change. A state that is
    published only when it changes shows no silence by itself: the frame needs the device's other topics too. The share
    of each day in which a flag was true is ``wide(df, "on", every="1min").resample("1D").mean()``. With `how`, the
    messages of each step are aggregated instead, whatever they hold.

    The energy of a power in W is, in Wh, ``wide(df, every="5min").sum() * 5 / 60``, with a step of a few publishing
    intervals: a longer one counts all of a step in which there was a silence, a shorter one has steps without any
    message.

    For directions in degrees, recognised by the field's name (heading, bearing, azimuth, course, wind direction, yaw,
    longitude), the mean is the mean direction: the mean of 350 and 20 is 5. Sentinel numbers such as 65535 are included
    unless you remove them: `quality` finds them. Text such as "n/a" between numbers is ignored. Numbers written as text
    count, except versions and names.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    field : str or list of str
        The column or columns to return, which may belong to different topics. A Series has just the one.
    every : str, timedelta or pandas offset
        The step, such as ``"1min"``, ``"1h"`` or ``pd.offsets.Hour(6)``. Whole days are days in the frame's zone (23 or
        25 hours where the clocks change); shorter steps are of equal length and start at the first midnight.
    how : {"mean", "median", "min", "max", "sum", "count", "last"}, optional
        How to aggregate the messages in a step, as pandas does: a step without any is missing, and its count is 0. The
        maximum of flags is whether any was true, the minimum whether all were, the mean the share of those that were.
        Words have only ``"last"`` and ``"count"``. Directions are plain numbers for all but the mean: their median or
        sum is no direction.
    counter : bool
        The field is a counter, such as bytes, pulses or energy: return its increase in each step instead of the mean.
        The increase between two messages counts in the step of the later one, so the steps add up; but frames that are
        loaded day by day each lack the increase up to their first message. A drop to less than half is a restart from
        zero; after a smaller drop, such as from a repeated message, nothing counts until the counter has caught up.
    by : str or list of str, optional
        The columns that distinguish the channels, such as ``["client_id", "sensor"]``; whatever else differs is one
        channel. By default, client, topic and what identifies a reading (see `channels`).
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The range of the grid. Default: the range that `gaps` uses, extended to all messages in the frame.

    Returns
    -------
    pandas.DataFrame
        Index ``time``: the start of each step, in the frame's zone (UTC if it has none). One column per channel, named
        by what distinguishes it from the others, followed by the field if a list of fields was given: measurements
        ``float64``, flags ``boolean``, words ``str``, mixed states ``object``, counts ``int64``. A gap is NaN or NA. A
        field without any rows has no column; if no field has any, there are no rows.

        If payloads give units, ``attrs["units"]`` has those of the columns, in the order of the names in
        ``attrs["columns"]``, and plots show them. A channel that used several units has a column for each. Pandas keeps
        ``attrs`` in results computed from the frame: after converting units, clear or correct them.

    Raises
    ------
    UsageError
        A column is missing, or has no numbers although `counter` is given, or nothing but words although `how` needs
        numbers; `how` is unknown or combined with `counter`; or the grid would have more than 50 million cells.

    Warns
    -----
    UserWarning
        Some channels hold words, which `how` cannot aggregate: they have no column. Or one column has messages of the
        same instants that differ in a field, such as ``sensor``, by which a device may tell its channels apart. Or `df`
        is a column of a loaded frame, which does not tell whose values they are.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=4, freq="30s", tz="UTC", name="time")
    >>> df = pd.DataFrame({"chan": [1, 2, 1, 2], "value": [4.0, 7.0, 5.0, 8.0]}, index=index)
    >>> isr.wide(df, every="1min").to_dict("list")
    {'chan 1': [4.0, 5.0], 'chan 2': [7.0, 8.0]}
    >>> isr.wide(df, every="1d", how="max").to_dict("list")
    {'chan 1': [5.0], 'chan 2': [8.0]}
    >>> energy = pd.DataFrame({"wh": [90.0, 95.0, 2.0, 5.0]}, index=index)  # it restarted at zero
    >>> isr.wide(energy, "wh", every="2min", counter=True)["value"].tolist()
    [10.0]
    """
    _check_how(how, counter=counter)
    frame = taken(df)
    if isinstance(df, pd.Series) and field == "value":  # whatever it is called, behind those of its groups
        field = str(frame.columns[-1])
    fields = listed(field)
    step = times.duration(every, name="every")
    zone = zone_of(frame)
    if not fields:
        raise UsageError(f"field={field!r} is not a column name; give one, or a list of them")
    if len(frame) and any(name not in frame.columns for name in fields):
        raise missing(frame, fields)
    columns = identity(frame) if by is None else listed(by)
    span = whole_span(frame, start, end)
    found = {name: part for name in fields if len(frame) and len(part := frame[frame[name].notna()])}
    if counter and (words := [name for name, part in found.items() if np.isnan(numbers(part[name])).all()]):
        raise UsageError(f"counter=True needs numbers, but there are none in {', '.join(map(repr, words))}")
    if not found or not span:
        return _grid(np.zeros(0, dtype=np.int64), zone, {})
    split_up = {name: _by_unit(part, name, columns, alone=fields == [name]) for name, part in found.items()}
    edges = _edges(span, step, zone, sum(len(one) for one, _ in split_up.values()), every)
    made: dict[str, Any] = {}
    told: dict[str, str] = {}
    of_words: list[str] = []
    reach = span if start is None and end is None else _reach(span, whole_span(frame) or span)
    silent = functools.cache(functools.partial(_silent, frame, reach, int(edges[-1])))
    for name, (one, units) in split_up.items():
        before = len(made)
        channels = _channels(found[name][name], one, edges, "rise" if counter else how, silent)
        for unit, (channel, column) in zip(units, channels, strict=True):
            called = channel if isinstance(field, str) else f"{channel} · {name}"
            while called in made:  # names may have the mark between them in themselves
                called += " ·"
            if column is None:
                of_words.append(called)
            else:
                made[called], told[called] = column, unit if how != "count" else ""
        if len(made) == before:
            raise UsageError(
                f'how={how!r} needs numbers or flags, and {name!r} holds words; give how="last" or "count", or no how= '
                "to hold each state until the next"
            )
    mixed = [nameless(frame), *(mingled(one, name) for name, (one, _) in split_up.items())] if by is None else []
    _warn(mixed, of_words, how)
    order = sorted(made, key=natural)
    grid = _grid(edges[:-1], zone, {name: made[name] for name in order})
    if any(told.values()):  # two lists, which every writer of attrs keeps
        grid.attrs = {"columns": order, "units": [told[name] for name in order]}
    return grid


def _check_how(how: str | None, *, counter: bool) -> None:
    check_flags(counter=counter)
    if how is not None and how not in get_args(_How):
        raise UsageError(f"how={how!r} is not known; give one of {', '.join(map(repr, get_args(_How)))}")
    if counter and how is not None:
        raise UsageError(f"how={how!r} and counter=True, which gives by how much it rose, were given; give one of them")


def _warn(said: list[str], of_words: list[str], how: str | None) -> None:
    if of_words:
        said.append(f"{', '.join(of_words)}: left out, as how={how!r} needs numbers or flags, and there are words")
    for words in filter(None, said):
        warnings.warn(words, stacklevel=3)


def _by_unit(part: pd.DataFrame, field: str, columns: list[str], *, alone: bool) -> tuple[Series, list[str]]:
    """Split the rows of a field into channels, and one of several units by these as well; give the unit of each."""
    series = split(part, columns)
    known = unit_columns(part, field, alone=alone)
    if not known:
        return series, [""] * len(series)
    unit = coalesced(part, known)
    code, units = numbered(unit)
    of_row = code[series.order]
    there = of_row >= 0
    whose, which = np.divmod(pd.unique(series.code[there] * len(units) + of_row[there]), max(1, len(units)))
    if len(np.unique(whose)) == len(whose):
        told = dict(zip(whose.tolist(), which.tolist(), strict=True))
        return series, [str(units[told[number]]) if number in told else "" for number in range(len(series))]
    series = split(part.assign(**{_UNIT: unit}), [*columns, _UNIT])
    return series, [plain(one) for one in series.keys[_UNIT].fillna("")]


def _grid(starts: Ints, zone: dt.tzinfo | None, columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=stamps(starts, zone).rename("time"))


def _edges(span: times.Range, step: int, zone: dt.tzinfo | None, channels: int, every: object) -> Ints:
    """Give the edges of the steps that cover a range."""
    cells = ((span.end - span.start) // step + 2) * channels
    if cells > _MOST:
        raise UsageError(f"every={every!r} would make {cells:,} cells for this range; use a longer step")
    if step % times.DAY == 0:
        return day_edges(span, zone, step // times.DAY)
    origin = int(day_edges(span, zone)[0])
    first = origin + (span.start - origin) // step * step
    return np.arange(first, span.end + step, step, dtype=np.int64)


def _names(series: Series) -> list[str]:
    """Name each channel by as few of its keys as tell it from the others, the most telling first."""
    keys, columns = series.tell(), [*series.keys.columns]
    needed = telling(keys, sorted(columns, key=lambda one: (one == TOPIC, one in {"type", "module", "dcn"})))
    chosen = [name for name in columns if name in needed] or columns[:1]
    return [
        " · ".join(in_words(name, one[name]) for name in chosen if one.get(name, "") != "") or "value" for one in keys
    ]


def _channels(
    part: pd.Series, series: Series, edges: Ints, how: str | None, silent: Callable[[str], list[times.Range]]
) -> Iterator[tuple[str, Any]]:
    """Give each channel of a field, by its name, as `_column`; `silent` gives when a client was."""
    clients, topics, _ = named(series)
    for number, channel in enumerate(_names(series)):
        values, at = part.iloc[series.rows(number)], series.times(number)
        away = functools.partial(silent, clients[number])
        yield channel, _column(values, at, edges, topic=topics[number], how=how, away=away)


def _column(
    part: pd.Series, time: Ints, edges: Ints, *, topic: str, how: str | None, away: Callable[[], list[times.Range]]
) -> Any:
    """Put one channel on the grid; None if it holds words, which cannot be aggregated as is asked.

    `away` gives when its client was silent.
    """
    if how == "rise":
        return _rises(part, time, edges)
    number = numbers(part)
    some = ~np.isnan(number)
    words = not some.any() or (
        not some.all() and is_label(len(np.unique(number[some])), part[~some].map(str).nunique())
    )
    if how is None:
        if words or is_event(topic) or is_state(number[some], topic or None):
            return _held(part, time, edges, away)
        return _means(number[some], time[some], edges, str(part.name))
    flags = words and _is_flags(part)
    if words and not flags and how not in _OF_WORDS:
        return None
    if how == "last":
        return _last(part, time, edges) if words else _last(pd.Series(number[some]), time[some], edges)
    if words:
        number, some = (part.to_numpy(dtype=np.float64) if flags else np.zeros(len(part))), np.ones(len(part), bool)
    if how == "mean":
        return _means(number[some], time[some], edges, "" if flags else str(part.name))
    step, inside = _steps(time[some], edges)
    made = pd.Series(number[some][inside]).groupby(step[inside]).agg(how)
    made = made.reindex(range(len(edges) - 1), fill_value=0 if how == "count" else np.nan)  # no numbers, no sum
    return made.astype("boolean").array if flags and how in ("min", "max") else made.to_numpy()


def mean(number: Floats, field: str) -> float:
    """Give the mean of a field's measurements, of a direction the mean direction."""
    return float(_means(number, np.zeros(len(number), dtype=np.int64), np.array([0, 1]), field)[0])


def _means(number: Floats, time: Ints, edges: Ints, field: str) -> Floats:
    step, inside = _steps(time, edges)
    if is_direction(field) and inside.any() and ((number >= -_TURN / 2) & (number <= _TURN)).all():
        least = -_TURN / 2 if number.min() < 0 else 0.0
        straight = _means(_straight(number[inside], step[inside], least), time[inside], edges, "")
        turned: Floats = straight - np.floor((straight - least) / _TURN) * _TURN
        return turned
    count = np.bincount(step[inside], minlength=len(edges) - 1)
    # Relative to one in their middle, so that a sum of great numbers stays exact enough and finite.
    finite = number[np.isfinite(number)]
    middle = float(np.quantile(finite, 0.5, method="lower")) if len(finite) else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.bincount(step[inside], weights=number[inside] - middle, minlength=len(edges) - 1)
        mean: Floats = np.where(count > 0, middle + total / count, np.nan)
    return mean


def _straight(degrees: Floats, step: Ints, least: float) -> Floats:
    """Give directions without the leap from 360 to 0: each within half a turn of the middle direction of its step.

    Whole turns are added, so that where none is, the numbers stay the very same.
    """
    sums = [np.bincount(step, weights=one(np.radians(degrees))) for one in (np.sin, np.cos)]
    middle = (np.round(np.degrees(np.arctan2(*sums)), 9) - least) % _TURN + least
    made: Floats = degrees + _TURN * np.rint(np.round((middle[step] - degrees) / _TURN, 9))
    return made


def _rises(part: pd.Series, time: Ints, edges: Ints) -> Floats:
    """Give by how much a counter rose in each step."""
    number = numbers(part)
    some = np.isfinite(number)
    value, at = number[some], time[some][1:]
    if not len(value):
        return np.full(len(edges) - 1, np.nan)
    anew = np.concatenate([[False], (value[1:] < value[:-1] / 2) & (value[1:] >= 0)])  # one below zero rises to it
    highest = pd.Series(value).groupby(anew.cumsum()).cummax().to_numpy()
    rise = np.where(anew, value, np.diff(highest, prepend=0.0))[1:]
    step, inside = _steps(at, edges)
    count = np.bincount(step[inside], minlength=len(edges) - 1)
    total = np.bincount(step[inside], weights=rise[inside], minlength=len(edges) - 1)
    return np.where(count > 0, total, np.nan)


def _steps(time: Ints, edges: Ints) -> tuple[Ints, Flags]:
    """Give the step in which each instant lies, and whether it lies in any."""
    step = np.searchsorted(edges, time, side="right") - 1
    return step, (step >= 0) & (step < len(edges) - 1)


def _reach(*spans: times.Range) -> times.Range:
    return times.Range(min(one.start for one in spans), max(one.end for one in spans))


def _silent(frame: pd.DataFrame, span: times.Range, last: int, client: str) -> list[times.Range]:
    """Give when a client was silent; after its last message that is up to the end of the grid."""
    found = quiet(frame, client, span)
    return [one if one.end < span.end else times.Range(one.start, max(one.end, last)) for one in found]


def _held(part: pd.Series, time: Ints, edges: Ints, away: Callable[[], list[times.Range]]) -> Any:
    """Give the last state of each step, held to the next message but not through a silence, its own or the client's."""
    at = np.searchsorted(time, edges[1:], side="left") - 1
    known = at >= 0
    pace = cadence(time)
    over = np.isin(at, silences(time, pace)) & (time[np.maximum(at, 0)] < edges[:-1])
    last = at == len(time) - 1
    if pace.regular[-1]:
        over |= last & (edges[:-1] - time[-1] > pace.limit[-1])
    for one in [] if pace.regular.all() else away():
        over |= (edges[:-1] > one.start) & (edges[1:] <= one.end)
    return _at(part, at, known & ~over)


def _last(part: pd.Series, time: Ints, edges: Ints) -> Any:
    """Give the last value of each step."""
    at = np.searchsorted(time, edges[1:], side="left") - 1
    return _at(part, at, (at >= 0) & (time[np.maximum(at, 0)] >= edges[:-1]))


def _at(part: pd.Series, at: Ints, known: Flags) -> Any:
    """Give the values at some positions, where they are known."""
    values = part.reset_index(drop=True).take(np.maximum(at, 0)).reset_index(drop=True)
    if is_number(part):
        return np.where(known, values.to_numpy(dtype=np.float64, na_value=np.nan), np.nan)
    if _is_flags(part):
        return values.astype("boolean").where(known).array
    return values.astype("object").where(known, None).to_numpy()


def _is_flags(part: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(part.dtype) or all(isinstance(value, bool | np.bool_) for value in part)
