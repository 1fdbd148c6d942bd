"""What is typical: the profile of a day or a week, and the distribution of values."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.grid import mean
from isr_analysis.checks.kinds import decimals
from isr_analysis.checks.series import Floats, Ints, stamps
from isr_analysis.errors import UsageError
from isr_analysis.plots import theme as look
from isr_analysis.plots.compass import Compass, about, compass, directions
from isr_analysis.plots.lines import headed, titled
from isr_analysis.plots.outside import Outside
from isr_analysis.plots.panels import Line, bottom, panel_axes, stacked, styles
from isr_analysis.plots.pick import Picked, pick
from isr_analysis.plots.thin import broken

_BANDS = 4
_BINS = 60
_PLACES, _EXACT = 6, 2**50  # decimals, and steps between the least and the greatest value, that can be counted
_HALF_TURN = 180
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


Course = tuple[Floats, Floats, Floats]
"""The usual course of a line, by hour: the lower quartile, the median and the upper one."""

Ends = tuple[float, float] | None
"""The least and the greatest value that an axis shows; None if that is all."""


def profile(
    df: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    over: Literal["day", "week"] = "day",
    by: str | list[str] | None = None,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Plot a typical day or week: the median of each hour, and the band that contains half of the values.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    fields, by
        See `timeseries`.
    over : {"day", "week"}
        Hours of the day, or of the week from Monday.
    tz : str or tzinfo, optional
        The time zone that defines the hours; by default, that of the index.
    title, theme
        See `timeseries`.

    Returns
    -------
    plotly.graph_objects.Figure
        One line per series, one panel per field and unit; for states, the share of messages in which they were on. The
        band from the 25th to the 75th percentile is drawn for up to four lines in a panel. Directions (see `wide`) are
        sorted around their mean direction: the middle of 350 and 20 is 5. Where they lie around north, so does the
        axis; what passes its end goes on at the other. Without any rows or numbers, see `timeseries`.

    Raises
    ------
    UsageError
        A column is missing, nothing can be drawn, or `over` is neither "day" nor "week".

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    >>> figure = isr.plots.profile(pd.DataFrame({"value": list(range(24)) * 2}, index=index))
    >>> figure.data[-1].y.tolist()[:3]
    [0.0, 1.0, 2.0]
    """
    ground = look.checked(theme)
    if over not in ("day", "week"):
        raise UsageError(f'over={over!r} is not known; give "day" or "week"')
    picked = pick(df, fields, by=by, tz=tz)
    if picked.no_lines:
        return look.nothing(ground, title=title or f"Profile of the {over}", words=picked.no_lines)
    many = 24 if over == "day" else 168
    figure, looks, legend, banded = go.Figure(), styles(picked.lines, ground), set[str](), False
    domains = stacked([1.0] * len(picked.panels), gap=64)
    for number, panel in enumerate(picked.panels):
        own = [line for line in picked.lines if line.panel == panel]
        axis = panel_axes(figure, own, number, domains[number])[0]
        if own[0].state:
            _of_shares(figure, axis, own)
        hours = [_hours(line.time, picked.zone, week=over == "week") for line in own]
        courses, dial, strange = _courses(own, hours, many)
        if dial:
            ends = [edge for course in courses for edge in (np.nanmin(course[0]), np.nanmax(course[2]))]
            figure.layout[axis.replace("y", "yaxis")].update(dial.ticks(min(ends), max(ends)))
        if strange:
            picked.notes.append(f"{counted(strange, 'value')} of {look.said(own[0].field)} left out: no direction")
        for line, course in zip(own, courses, strict=True):
            has_band = len(own) <= _BANDS and not line.state
            banded |= has_band
            shown = line.name not in legend
            figure.add_traces(_course(line, course, over, looks[line.name], axis, dial, has_band=has_band, shown=shown))
            legend.add(line.name)
        if len(picked.panels) > 1:
            headed(figure, own, [], domains[number][1])
    zone = str(picked.zone) if picked.zone else "the data has no time zone"
    ticks = list(range(0, 7 * 24, 24) if over == "week" else range(0, 25, 3))
    figure.update_layout(
        xaxis={
            "title": {"text": f"Hour of the {over} ({zone})"}, "range": [0, many], "anchor": bottom(domains),
            "tickvals": ticks, "ticktext": _DAYS if over == "week" else [f"{one:02d}:00" for one in ticks],
        },
        hovermode="closest",
    )  # fmt: skip
    middle_is = "share" if all(line.state for line in picked.lines) else "median"
    band = "; the band holds half of the values" if banded else ""
    notes = [f"{middle_is} of each hour over {counted(_days_seen(picked.lines), 'day')}{band}", *picked.notes]
    heading = title or f"Usual {over}: {titled(picked.lines, picked.marks)}"
    return _finish(figure, picked, ground, heading, notes, legend)


def distribution(
    df: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    by: str | list[str] | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Plot the distribution of values, as a histogram for each series.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    fields, by
        See `timeseries`.
    title, theme
        See `timeseries`.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per field and unit, one outline per series: the share of its messages in each bin. There are at most
        60 bins, of equal width and the same for all series in a panel; values that `timeseries` puts outside its axis
        are in no bin, which the figure mentions. Directions that lie around north are shown as one hill, not as two
        halves. Without any rows, a figure that says so.

    Raises
    ------
    UsageError
        A column is missing, or nothing can be drawn.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=4, freq="1h", tz="UTC", name="time")
    >>> figure = isr.plots.distribution(pd.DataFrame({"value": [1.0, 1.0, 2.0, 5.0]}, index=index))
    >>> float(figure.data[0].y.max())
    50.0
    """
    ground = look.checked(theme)
    picked = pick(df, fields, by=by)
    if picked.no_lines:
        return look.nothing(ground, title=title or "Distribution", words=picked.no_lines)
    figure, looks, legend, outside = go.Figure(), styles(picked.lines, ground), set[str](), Outside()
    domains = stacked([1.0] * len(picked.panels), gap=120)
    for number, panel in enumerate(picked.panels):
        own = [line for line in picked.lines if line.panel == panel]
        x, y = f"x{number + 1}" if number else "x", f"y{number + 1}" if number else "y"
        ends, dial = _around(own, outside.ends(own))
        edges, told = _classes(own, ends)
        if dial and ends:
            told |= dial.ticks(*ends)
        unit = f" [{own[0].unit}]" if own[0].unit else ""
        figure.update_layout({
            x.replace("x", "xaxis"): {"title": {"text": look.said(own[0].field + unit)}, "anchor": y,
                                      **look.number_axis([own[0].unit]), **told},
            y.replace("y", "yaxis"): {"domain": domains[number], "title": {"text": "% of messages"}, "anchor": x,
                                      "rangemode": "tozero"},
        })  # fmt: skip
        for line in own:
            colour, dash = looks[line.name]
            count = np.histogram(line.value, edges)[0]
            share = 100 * count / len(line.value)
            figure.add_trace(
                go.Scatter(
                    x=np.repeat(edges, 2), y=np.concatenate([[0], np.repeat(share, 2), [0]]), xaxis=x, yaxis=y,
                    mode="lines", line={"color": colour, "dash": dash, "width": 1.6},
                    fill="tozeroy" if len(own) <= _BANDS else "none", fillcolor=_faint(colour, 0.12),
                    name=line.name, legendgroup=line.name, showlegend=line.name not in legend,
                    customdata=dial.published(np.repeat(edges, 2)) if dial else None,
                    hovertemplate=f"<b>%{{y:.3~g}} % of {len(line.value):,} messages</b><br>"
                    f"near %{{{'customdata' if dial else 'x'}:,.5~g}} {look.said(line.unit)}<br>{line.told}"
                    "<extra></extra>",
                )
            )  # fmt: skip
            legend.add(line.name)
        if len(picked.panels) > 1:
            headed(figure, own, [], domains[number][1])
    heading = title or f"Distribution: {titled(picked.lines, picked.marks)}"
    notes = [*picked.notes, *(one.partition(";")[0] for one in outside.words)]  # there is nothing of them to see
    return _finish(figure, picked, ground, heading, notes, legend)


def _finish(
    figure: go.Figure, picked: Picked, ground: look.Theme, title: str, notes: list[str], legend: set[str]
) -> go.Figure:
    several = len(picked.panels) > 1
    height = 134 + (250 * len(picked.panels) if several else 320)
    names = sorted(legend) if len(legend) > 1 else []
    return look.dressed(figure, ground, title=title, notes=notes, height=height, legend=names, heading=several)


def _course(
    line: Line, course: Course, over: str, style: tuple[str, str], axis: str, dial: Compass | None,
    *, has_band: bool, shown: bool,
) -> list[go.Scatter]:  # fmt: skip
    """Draw the usual course of one line, and under it, if there is to be one, the band of its middle half.

    The line of a direction that passes the end of the axis is broken there.
    """
    common = {"yaxis": axis, "legendgroup": line.name, "name": line.name}
    wrap = np.array([*range(len(course[0])), *([0] if over == "day" else [])])
    low, middle, high = (edge[wrap] for edge in course)
    colour, dash = style
    unit = " %" if line.state else f" {look.said(line.unit)}" if line.unit else ""
    leaps = np.flatnonzero(np.abs(np.diff(middle)) > _HALF_TURN) if dial else wrap[:0]
    at, holes = broken(np.arange(len(wrap)), leaps)
    y = middle[at]
    y[holes] = np.nan
    value = "customdata" if dial else "y"
    middles = go.Scatter(
        x=at, y=y, mode=_mode(y), marker={"size": 5}, customdata=dial.published(y) if dial else None,
        line={"color": colour, "dash": dash, "width": 2}, text=[_moment(one, over) for one in wrap[at].tolist()],
        hovertemplate=f"<b>{look.said(line.field)}: %{{{value}:,.5~g}}{unit}</b><br>%{{text}}<br>{line.told}"
        "<extra></extra>",
        showlegend=shown, **common,
    )  # fmt: skip
    return [_band(low, middle, high, dial, colour, common), middles] if has_band else [middles]


def _days_seen(lines: list[Line]) -> int:
    """Tell on how many days an hour was seen; a range that begins and ends at noon is not of a day more."""
    hours = np.unique(np.concatenate([np.unique(line.time // times.HOUR) for line in lines]))
    return round(len(hours) / len(np.unique(hours % 24)))


def _of_shares(figure: go.Figure, axis: str, own: list[Line]) -> None:
    """Make a panel of states one of the share of messages in which they were on."""
    on = "on" if max(float(line.value.max()) for line in own) <= 1 else "above 0"
    figure.layout[axis.replace("y", "yaxis")].update(
        title={"text": f"{look.said(look.short(own[0].field, 12))}, % of messages {on}"},
        tickvals=None,
        ticktext=None,
        range=[-3, 103],
    )


def _band(
    low: Floats, middle: Floats, high: Floats, dial: Compass | None, colour: str, common: dict[str, str]
) -> go.Scatter:
    """Fill what lies between two lines: a closed outline for each run of hours that have any value."""
    at = np.flatnonzero(~np.isnan(low))
    x: list[Floats] = []
    y: list[Floats] = []
    for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
        hour = run.astype(float)
        whole = [(hour, low[run], high[run])]
        for where, below, above in dial.pieces(hour, low[run], middle[run], high[run]) if dial else whole:
            x += [where, where[::-1], np.array([np.nan])]
            y += [below, above[::-1], np.array([np.nan])]
    return go.Scatter(
        x=np.concatenate(x), y=np.concatenate(y), mode="lines", line={"width": 0, "color": colour}, fill="toself",
        fillcolor=_faint(colour), showlegend=False, hoverinfo="skip", **common,
    )  # fmt: skip


def _mode(y: Floats) -> str:
    """Let a point be seen that stands alone, with no line to either side."""
    there = np.concatenate([[False], ~np.isnan(y), [False]])
    return "lines+markers" if (there[1:-1] & ~there[:-2] & ~there[2:]).any() else "lines"


def _faint(colour: str, opacity: float = 0.18) -> str:
    return f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},{opacity})"


def _moment(hour: int, over: str) -> str:
    return f"{_DAYS[hour // 24]} {hour % 24:02d}:00" if over == "week" else f"{hour % 24:02d}:00 to {hour % 24:02d}:59"


def _hours(time: Ints, zone: dt.tzinfo | None, *, week: bool) -> Ints:
    """Give the hour of the local day, or of the local week, of each instant."""
    there = stamps(time, zone)
    hour = there.hour.to_numpy().astype(np.int64)
    return hour + 24 * there.day_of_week.to_numpy().astype(np.int64) if week else hour


def _courses(own: list[Line], hours: list[Ints], many: int) -> tuple[list[Course], Compass | None, int]:
    """Give the quartiles of each hour of the lines of a panel; of directions their axis, and how many values are none.

    Quartiles of directions lie about the mean direction of their hour.
    """
    known = directions(own)
    if known is None:
        return [_quartiles(line, line.value, hour, many) for line, hour in zip(own, hours, strict=True)], None, 0
    values = [line.value[some] for line, some in zip(own, known, strict=True)]
    found = [
        _quartiles(line, value, hour[some], many, turning=True)
        for line, value, hour, some in zip(own, values, hours, known, strict=True)
    ]
    dial = compass(values, [edge for course in found for edge in course])
    turned = [dial.onto(middle) - middle for _, middle, _ in found]
    courses = [(low + by, middle + by, high + by) for (low, middle, high), by in zip(found, turned, strict=True)]
    return courses, dial, sum(int(np.count_nonzero(~some)) for some in known)


def _quartiles(line: Line, value: Floats, hour: Ints, many: int, *, turning: bool = False) -> Course:
    """Give the quartiles of each hour; of states the share in percent, three times."""
    order = np.argsort(hour, kind="stable")
    bounds = np.searchsorted(hour[order], np.arange(many + 1))
    found = np.full((3, many), np.nan)
    for at in range(many):
        part = value[order[bounds[at] : bounds[at + 1]]]
        if turning and len(part):
            part = about(part, mean(part, line.field))
        if len(part):
            found[:, at] = 100 * (part > 0).mean() if line.state else np.percentile(part, [25, 50, 75])
    return found[0], found[1], found[2]


def _around(own: list[Line], ends: Ends) -> tuple[Ends, Compass | None]:
    """Turn directions that lie on both sides of north, so that these lie together; give the ends of what is shown."""
    known = directions(own)
    if known is None or (ends is None and not all(some.all() for some in known)):
        return ends, None
    values = [line.value[some] for line, some in zip(own, known, strict=True)]
    dial = compass(values, values)
    if dial.is_usual:
        return ends, None
    for line, some in zip(own, known, strict=True):
        line.value = np.where(some, dial.onto(line.value), np.inf)
    turned = dial.onto(np.concatenate(values))
    return (float(turned.min()), float(turned.max())), dial


def _classes(own: list[Line], shown: Ends) -> tuple[Floats, dict[str, object]]:
    """Give the edges of the classes of a panel, from the least to the greatest value or of what is `shown`.

    And the axis' labels where they are states.
    """
    low = shown[0] if shown else min(float(line.value.min()) for line in own)
    high = shown[1] if shown else max(float(line.value.max()) for line in own)
    levels = sorted({float(one) for line in own if line.state for one in np.unique(line.value)})
    if levels and len(levels) <= _BINS:
        words = {value: word for line in own for value, word in line.words.items()}
        edges = np.unique([edge for one in levels for edge in (one - 0.3, one + 0.3)])
        return edges, {"tickvals": levels, "ticktext": [words.get(one, f"{one:g}") for one in levels]}
    if low == high:
        room = abs(low) * 0.05 or 0.5
        return np.linspace(low - room, high + room, 4), {}
    places = max(decimals(line.value[(line.value >= low) & (line.value <= high)]) for line in own)
    if places <= _PLACES and high / 2 - low / 2 < _EXACT / 10**places:
        # Whole steps of how the values are written: else some classes hold one more of them than their neighbours.
        steps = round((high - low) * 10**places)
        each = -(-(steps + 1) // _BINS)
        many = -(-(steps + 1) // each)
        return low + (np.arange(many + 1) * each - 0.5) / 10**places, {}
    return np.linspace(low / 2, high / 2, _BINS + 1) * 2, {}  # halves, as the span of great numbers is infinite
