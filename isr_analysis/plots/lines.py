"""Lines over time: one trace per series, one panel per quantity."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.absence import quiet
from isr_analysis.checks.cadence import cadence
from isr_analysis.checks.series import CLIENT, TOPIC, listed, split, taken
from isr_analysis.checks.tables import whole_span
from isr_analysis.messages import check_flags
from isr_analysis.plots import theme as look
from isr_analysis.plots.outside import Outside, above_zero, with_room
from isr_analysis.plots.panels import Line, bottom, draw, lighten, mark, panel_axes, shade, stacked, styles
from isr_analysis.plots.pick import Picked, pick
from isr_analysis.plots.thin import share
from isr_analysis.plots.zones import Clock, around, clock

_NAMED = 3
_STEPS = 6  # lines of states in a panel that can still be told apart
_APART, _SMEAR = 12, 500  # lines, and how often they go up and down all together, beyond which they are a smear
_MEANS = 'many lines overlap: timeseries(wide(df, every="{every}"), facet=False) draws their means'
_LONG = 14 * times.DAY  # beyond which means of days are told of, not of hours
_SHADES = 3000  # shaded spans of a figure: about 150 kB
_STRIP, _ROWS = 110, 40  # px of events of a few clients; the most clients that each have room for a name


def timeseries(
    df: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    by: str | list[str] | None = None,
    facet: str | list[str] | bool | None = None,
    second: str | list[str] | None = None,
    gaps: bool = True,
    log: bool = False,
    events: bool | None = None,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Plot fields over time: measurements as lines, states as steps, events as marks.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    fields : str or list of str, optional
        The columns to plot; by default, all that contain numbers, flags or words for on and off (at most eight panels).
    by : str or list of str, optional
        The columns that distinguish lines in colour and legend, such as ``"chan"`` or ``"client_id"``. A line never
        joins two series: client, topic and channel are always kept apart.
    facet : str or list of str or bool, optional
        Columns that get one panel per value. By default, or with True, there is one panel per field and unit; with
        False, all fields share one.
    second : str or list of str, optional
        Those of `fields` that use an axis on the right.
    gaps : bool
        Shade spans in which every line of a panel is silent. Lines are broken at gaps in any case: where messages are
        missing, and on a regular grid, such as `wide` returns, where values are. A state that is published when it
        changes has a gap where its client is silent.
    log : bool
        Use logarithmic axes for measurements, such as counts of several decades. The figure says how many values of 0
        or below these cannot show; lines are broken there.
    events : bool, optional
        Mark the messages of event topics in a panel below; by default, only if `fields` is not given.
    tz : str or tzinfo, optional
        The time zone of the axis; by default, that of the index.
    title : str, optional
        Replaces the automatic title.
    theme : {"light", "dark"}
        The background on which the figure will be shown.

    Returns
    -------
    plotly.graph_objects.Figure
        At most some 12 000 points, however many there are: each trace is thinned so that it looks the same and keeps
        its exact minimum and maximum, which the figure mentions. Values that mean "no measurement" and would flatten
        the rest (65535, -9999, 1e30) lie outside the axis, which the figure also mentions; double-click to show
        everything. It also names clients whose field is text ("-83 dBm") where others send numbers. Times are in the
        zone named under the axis; units come from the payload's ``unit`` or ``units``. Without any rows, or without any
        numbers if `fields` is not given, a figure that says so.

    Raises
    ------
    UsageError
        A column is missing, the index is not a time index, or none of the requested fields can be drawn as a line.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=4, freq="1min", tz="UTC", name="time")
    >>> df = pd.DataFrame({"chan": [1, 2, 1, 2], "value": [4.0, 7.5, 4.5, 7.0], "unit": "W"}, index=index)
    >>> figure = isr.plots.timeseries(df, "value", by="chan")
    >>> [trace.name for trace in figure.data], figure.layout.yaxis.title.text
    (['chan 1', 'chan 2'], 'value [W]')
    """
    return timeseries_drawn(
        df,
        fields,
        by=by,
        facet=facet,
        second=second,
        gaps=gaps,
        log=log,
        events=events,
        tz=tz,
        title=title,
        theme=theme,
    ).figure


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with what it was drawn from.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure.
    lines : list of Line
        Its lines, each with the number of its trace.
    hands : Clock or None
        The clock of its axis; None if nothing was drawn.
    most : int
        Points that each line may have.
    """

    figure: go.Figure
    lines: list[Line]
    hands: Clock | None
    most: int


def timeseries_drawn(
    df: pd.DataFrame | pd.Series, fields: str | list[str] | None, *, by: str | list[str] | None = None,
    facet: str | list[str] | bool | None = None, second: str | list[str] | None = None, gaps: bool = True,
    log: bool = False, events: bool | None = None, tz: str | dt.tzinfo | None = None, title: str | None = None,
    theme: str = "light",
) -> Drawn:  # fmt: skip
    """Draw `timeseries`, which says what the arguments are, and keep what it was drawn from."""
    ground = look.checked(theme)
    check_flags(gaps=gaps, log=log, events=events is None or events)
    facets = [] if isinstance(facet, bool) else listed(facet)
    picked = pick(
        df, fields, by=by, facets=facets, overlay=facet is False, right=listed(second),
        events=fields is None if events is None else events, tz=tz,
    )  # fmt: skip
    _interrupt(picked.lines, taken(df))
    picked = _logarithmic(picked) if log else picked
    return drawn(picked, ground, facets=facets, gaps=gaps, title=title, log=log)


def _interrupt(lines: list[Line], whole: pd.DataFrame) -> None:
    """Break lines of states that are published when they change, which have no gaps of their own, at their client's.

    Up to there they hold, and from its end on.
    """
    away = functools.cache(functools.partial(quiet, whole, span=whole_span(whole)))
    for line in lines:
        if not line.state or line.of_rows or cadence(line.time).regular.all():
            continue
        spans = np.array([(one.start, one.end) for one in away(str(line.keys.get(CLIENT, "")))]).reshape(-1, 2)
        after = np.searchsorted(line.time, spans[:, 0], side="right")
        between = (after > 0) & (after < len(line.time)) & ~np.isin(after - 1, line.breaks)
        between[between] = line.time[after[between]] >= spans[between, 1]
        spans, after = spans[between], after[between]
        held = np.where(line.time[after] == spans[:, 1], line.value[after], line.value[after - 1])
        line.breaks = np.union1d(
            line.breaks + 2 * np.searchsorted(after, line.breaks, side="right"), after + 2 * np.arange(len(after))
        )
        line.time = np.insert(line.time, np.repeat(after, 2), spans.ravel())
        line.value = np.insert(line.value, np.repeat(after, 2), np.column_stack([line.value[after - 1], held]).ravel())


def _logarithmic(picked: Picked) -> Picked:
    """Leave out what logarithmic axes cannot show, and say so."""
    lines, notes = above_zero(picked.lines)
    panels = [panel for panel in picked.panels if any(line.panel == panel for line in lines)]
    none = "" if lines or len(picked.marks) else "No data: no value is above 0,<br>as a logarithmic axis needs"
    return dataclasses.replace(
        picked, lines=lines, panels=panels, notes=[*picked.notes, *notes], nothing=picked.nothing or none
    )


def drawn(
    picked: Picked, ground: look.Theme, *, facets: list[str], gaps: bool, title: str | None, log: bool = False
) -> Drawn:
    """Draw what was picked."""
    if picked.nothing:
        return Drawn(look.nothing(ground, title=title or "Nothing to draw", words=picked.nothing), [], None, 0)
    lines, panels, marks, notes = picked.lines, picked.panels, picked.marks, [*picked.notes]
    times_of = [line.time if line.heard is None else line.heard[0] for line in lines]
    ends = np.concatenate([*(time[[0, -1]] for time in times_of), split(marks, []).time])
    hands = clock(ends, picked.zone)
    figure = go.Figure()
    strip = _strip(marks)
    domains = stacked([3.0] * len(panels) + [0.9 + (strip - _STRIP) / 80] * bool(strip), gap=64)
    most = share(len(lines))
    legend: set[str] = set()
    looks, outside, crowded, hidden = styles(lines, ground), Outside(), False, 0
    for number, panel in enumerate(panels):
        own = [line for line in lines if line.panel == panel]
        left, right = panel_axes(figure, own, number, domains[number], log=log)
        for line in own:
            axis, (colour, dash) = right if line.right else left, looks[line.name]
            draw(figure, line, hands, axis=axis, colour=colour, dash=dash, most=most, legend=legend)
        crowded |= _fitted(figure, own, left, right, outside)
        if gaps:
            hue, many = look.INK[ground]["gap"], _SHADES // len(panels)
            hidden += shade(figure, own, hands, axis=left, colour=hue, most=many)
        if len(panels) > 1:
            headed(figure, own, facets, domains[number][1])
    if len(marks):
        marked = mark(figure, marks, hands, axis=f"y{2 * len(panels) + 1}", domain=domains[-1], ground=ground)
        if marked < len(marks):
            notes.append(f"{marked:,} of {len(marks):,} events, from the whole range")
    figure.update_layout(
        xaxis=look.time_axis(hands.title, around(ends, hands)) | {"anchor": bottom(domains)},
        hovermode="closest",
    )
    notes += outside.words
    notes += [_MEANS.format(every="1d" if np.ptp(ends) > _LONG else "1h")] * crowded
    if figure.layout.shapes:
        rows = any(line.of_rows for line in lines)
        notes.append("grey: rows without a value" if rows else "grey: no message for longer than usual")
    if hidden:
        notes.append(f"{counted(hidden, 'gap')} too short to be visible here: not shaded")
    steps = Counter(line.panel for line in lines if line.state)
    if any(many > _STEPS for many in steps.values()):
        notes.append("many states overlap: plots.timeline draws each as its own bar")
    if (shown := sum(line.drawn for line in lines)) < (total := sum(line.whole for line in lines)):
        notes.insert(0, f"thinned: {shown:,} of {total:,} points; each line keeps its minimum and maximum")
    height = 134 + (320 if len(panels) == 1 else 240 * len(panels)) + strip
    said = _axis_says(lines)
    figure.update_traces({"showlegend": False}, lambda trace: trace.name in said)
    names = sorted(legend - said) if len(legend) > 1 else []
    from_the_top = sorted(lines, key=lambda line: panels.index(line.panel))
    look.dressed(
        figure, ground, title=title or titled(from_the_top, marks), notes=notes, height=height, legend=names,
        heading=len(panels) > 1,
    )  # fmt: skip
    return Drawn(figure, lines, hands, most)


def _fitted(figure: go.Figure, own: list[Line], left: str, right: str, outside: Outside) -> bool:
    """Let the axes of a panel show what was measured, and its lines be seen; tell whether these are a smear."""
    for axis, beside in ((left, [one for one in own if not one.right]), (right, [one for one in own if one.right])):
        if measured := outside.ends(beside):
            layout = figure.layout[axis.replace("y", "yaxis")]
            layout.range = with_room(measured, log=layout.type == "log")
    swings = lighten(figure, [line for line in own if not line.state and not line.right], left)
    return bool(len(own) > _APART and swings > _SMEAR)


def _strip(marks: pd.DataFrame) -> int:
    """Give the px that events take: room for the name of each client."""
    if not len(marks):
        return 0
    clients = marks[CLIENT].nunique() if CLIENT in marks.columns else 1
    return max(_STRIP, 16 * min(clients, _ROWS))


def _axis_says(lines: list[Line]) -> set[str]:
    """Give the names that the axis of a panel says already, as it shows one line that is called as its field."""
    own = Counter(line.panel for line in lines)
    return {line.name for line in lines if line.name == line.field and own[line.panel] == 1}


def headed(figure: go.Figure, own: list[Line], facets: list[str], top: float) -> None:
    """Say above a panel what it shows, where its axis cannot."""
    topics = list(dict.fromkeys(str(line.keys[TOPIC]) for line in own if TOPIC in line.keys))
    facets = [str(own[0].keys.get(name, "")) for name in facets]
    words = " · ".join(dict.fromkeys([*facets, *topics[:_NAMED]])) + (" …" if len(topics) > _NAMED else "")
    figure.add_annotation(
        text=look.said(words), x=0, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False
    )


def titled(lines: list[Line], marks: pd.DataFrame) -> str:
    """Name what is drawn: the fields, and of whom."""
    fields = list(dict.fromkeys(look.short(line.field) for line in lines)) or ["Events"]
    what = ", ".join(fields[:_NAMED]) + (f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else "")
    topics = {str(line.keys[TOPIC]) for line in lines if TOPIC in line.keys}
    clients = {str(line.keys[CLIENT]) for line in lines if CLIENT in line.keys}
    if not lines and CLIENT in marks.columns:
        clients = {str(one) for one in marks[CLIENT].unique()}
    where = [*topics] if len(topics) == 1 else []
    who = [*clients] if len(clients) == 1 else [f"{len(clients)} clients"] if clients else []
    return look.said(" · ".join([what, *map(look.short, where), *map(look.short, who)]))
