"""Two frames side by side: two ranges of one station, or two stations in one range."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.series import CLIENT, listed, nanoseconds, stamps, taken, zone_of
from isr_analysis.checks.tables import span_of
from isr_analysis.errors import UsageError
from isr_analysis.plots import theme as look
from isr_analysis.plots.lines import drawn, titled
from isr_analysis.plots.pick import named, pick

_WHOSE = "compared"


def compare(
    df: pd.DataFrame | pd.Series,
    other: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    names: tuple[str, str] | None = None,
    by: str | list[str] | None = None,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Plot two frames over each other, such as this week and last week, or two stations.

    Frames from the same time are drawn as they are. A frame from another time is shifted over `df` by whole days of the
    zone, so that the same hours of the local clock line up; the figure says by how much.

    Parameters
    ----------
    df, other : pandas.DataFrame or pandas.Series
        Frames from a loader, or any with a time index. Neither is changed.
    fields, by
        See `timeseries`.
    names : tuple of str, optional
        The names of the two; by default, their clients or their dates.
    tz : str or tzinfo, optional
        The time zone of the axis; by default, that of `df`.
    title, theme
        See `timeseries`.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per field and unit, with the lines of both. If neither has any rows, a figure that says so.

    Raises
    ------
    UsageError
        A column is missing, nothing can be drawn, or `names` is not two different names.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    >>> df = pd.DataFrame({"value": range(48)}, index=index)
    >>> figure = isr.plots.compare(df.iloc[:24], df.iloc[24:], names=("Sunday", "Monday"))
    >>> [trace.name for trace in figure.data]
    ['Monday', 'Sunday']
    """
    ground = look.checked(theme)
    one = taken(df)
    try:
        two = taken(other)
    except UsageError as exc:
        raise UsageError(f"the second of the two frames to compare, other: {exc}") from None
    zone = zone_of(one) if tz is None else times.zone(tz)
    called = _names(one, two, zone) if names is None else _pair(names)
    notes = []
    if len(one) and len(two):
        days = _days_apart(one, two, zone)
        if days:
            two = _moved(two, days, zone)
            way = "later" if days > 0 else "earlier"
            notes.append(f"{called[1]} is drawn {counted(abs(days), 'day')} {way} than it was")
    both = [frame.assign(**{_WHOSE: name}) for frame, name in zip((one, two), called, strict=True) if len(frame)]
    if not both:
        return look.nothing(ground, title=title or "Comparison", words="No data: neither frame has any rows")
    joined = _joined(both)
    picked = pick(joined, fields, by=[_WHOSE, *listed(by)], tz=zone, sides=_WHOSE)
    if picked.no_lines:
        return look.nothing(ground, title=title or "Comparison", words=picked.no_lines)
    drawn_of = {line.keys[_WHOSE] for line in picked.lines}
    picked.notes[:0] = notes + [f"nothing to draw of {name}" for name in called if name not in drawn_of]
    if by is None:
        named(picked.lines, [], [], always=_WHOSE)
    first, second = (_clients(joined[joined[_WHOSE] == name]) for name in called)
    for line in picked.lines:
        whose = str(line.keys[_WHOSE])
        line.name = line.name.removeprefix(f"{_WHOSE} ")
        line.told = line.told.replace(f"{_WHOSE} {whose}", whose)
        if {*first} == {*second}:  # one client twice: the colour tells the ranges apart; numbered, they have two
            line.keys[CLIENT] = f"range-{called.index(whose)}"
    heading = title or f"{called[0]} and {called[1]}: {titled(picked.lines, picked.marks).split(' · ', maxsplit=1)[0]}"
    return drawn(picked, ground, facets=[], gaps=False, title=heading).figure


def _pair(names: object) -> tuple[str, str]:
    """Take the names that somebody gives the two."""
    given = [str(one) for one in names] if isinstance(names, list | tuple) else []
    if len(given) != 2 or given[0] == given[1]:  # noqa: PLR2004 (a pair)
        raise UsageError(f'names={names!r} is not two different names; give for example ("before", "after")')
    return given[0], given[1]


def _clients(frame: pd.DataFrame) -> list[str]:
    return [str(one) for one in frame[CLIENT].unique()] if CLIENT in frame.columns else []


def _names(one: pd.DataFrame, two: pd.DataFrame, zone: dt.tzinfo | None) -> tuple[str, str]:
    """Call the two by their clients, if each has one of its own, else by their days, else first and second."""
    clients = [_clients(frame) for frame in (one, two)]
    if [len(some) for some in clients] == [1, 1] and clients[0] != clients[1]:
        return clients[0][0], clients[1][0]
    days = []
    for frame in (one, two):
        ends = stamps(nanoseconds(frame.index)[[0, -1]], zone) if len(frame) else None
        days.append("nothing" if ends is None else " to ".join(dict.fromkeys(str(day.date()) for day in sorted(ends))))
    return (days[0], days[1]) if days[0] != days[1] else ("first", "second")


def _days_apart(one: pd.DataFrame, two: pd.DataFrame, zone: dt.tzinfo | None) -> int:
    """Give by how many local days `two` must be moved to lie over `one`; 0 if they share half of the shorter's time."""
    a, b = nanoseconds(one.index), nanoseconds(two.index)
    shared = min(a.max(), b.max()) - max(a.min(), b.min())
    if shared >= min(np.ptp(a), np.ptp(b)) / 2:
        return 0
    # Of ranges that were loaded their first days meet, also where nothing came on one of these.
    begins = [span.start for frame in (one, two) if (span := span_of(frame)) is not None]
    first, second = stamps(begins, zone).tz_localize(None).normalize()
    return int((first - second).days)


def _moved(frame: pd.DataFrame, days: int, zone: dt.tzinfo | None) -> pd.DataFrame:
    """Move a frame by whole days of the local clock; an hour that the clocks skip is drawn at the one after."""
    index = stamps(nanoseconds(frame.index), zone)
    wall = index.tz_localize(None) + pd.Timedelta(days * times.DAY, unit="ns")
    moved = wall.tz_localize(zone or "UTC", ambiguous=np.ones(len(wall), bool), nonexistent="shift_forward")
    return frame.set_axis(moved if zone_of(frame) is not None else moved.tz_localize(None), axis=0)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of the same zone under each other; categories are joined as text."""
    if len(frames) == 1:
        return frames[0]
    zone = zone_of(frames[0])
    plain = []
    for frame in frames:
        text = {name: frame[name].astype("object") for name in frame.select_dtypes("category").columns}
        index = stamps(nanoseconds(frame.index), zone)
        plain.append(frame.assign(**text).set_axis(index if zone else index.tz_localize(None), axis=0))
    kept = [frame.dropna(axis=1, how="all") for frame in plain]
    return pd.concat(kept).reindex(columns=list(dict.fromkeys(name for frame in plain for name in frame.columns)))
