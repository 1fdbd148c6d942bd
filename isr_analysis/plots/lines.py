"""Lines over time: a trace for each series, a panel for each quantity."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.plots import theme as look
from isr_analysis.plots import values
from isr_analysis.plots.panels import Line, counted, draw, mark, panel_axes, shade, stacked
from isr_analysis.plots.thin import share
from isr_analysis.plots.zones import clock
from isr_analysis.checks.cadence import cadence, silences
from isr_analysis.checks.kinds import is_event, is_state
from isr_analysis.checks.series import CLIENT, DEVICE, TOPIC, identity, missing, split, taken, zone_of

_LINES = 40
_PANELS = 8
_NAMED = 3
_MANY, _LONG = 20, 20.0  # a line of so many points without a rhythm breaks at so many of its usual pauses
_DIGITS = re.compile(r"(\d+)")
_TELLING = [CLIENT, "chan", "type", "module", "dcn", DEVICE, TOPIC]


def timeseries(
    df: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    by: str | list[str] | None = None,
    facet: str | list[str] | bool | None = None,
    second: str | list[str] | None = None,
    gaps: bool = True,
    events: bool = True,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw fields over time: a line for each series, measurements as lines, states as steps, events as marks.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame of the loaders, or any with an index of time. It is not changed.
    fields : str or list of str, optional
        The columns to draw; all that hold numbers, flags or words for on and off if left out (eight panels at most).
    by : str or list of str, optional
        The columns that tell the lines apart in colour and legend, such as ``"chan"`` or ``"client_id"``. A line never
        joins two series: client, topic and channel are kept apart whatever is given here.
    facet : str or list of str or bool, optional
        Columns of which each value has a panel of its own. If left out, or True, each field and unit has one; False
        draws all fields in one.
    second : str or list of str, optional
        Of `fields`, those that belong to an axis on the right.
    gaps : bool
        Shade the spans in which every line of a panel is silent. Lines are broken at gaps in any case.
    events : bool
        Mark the messages of event topics in a panel below.
    tz : str or tzinfo, optional
        The zone of the axis; that of the index if left out.
    title : str, optional
        In place of the one made from what is drawn.
    theme : {"light", "dark"}
        The ground on which it will be seen.

    Returns
    -------
    plotly.graph_objects.Figure
        At most some 12 000 points, however many there are: each trace is thinned so that it looks the same and keeps
        its exact minimum and maximum, and the figure says so. Instants are drawn in the zone named under the axis;
        units are those of the payload's ``unit`` or ``units``. Without any row, a figure that says so.

    Raises
    ------
    UsageError
        A column is missing, the index is not one of time, or nothing asked for can be drawn as a line.

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
    ground = look.checked(theme)
    frame = taken(df)
    wanted = values.fields_of(frame, fields)
    extra, facets, right = _list(by), _list(facet) if not isinstance(facet, bool) else [], _list(second)
    if any(name not in frame.columns for name in [*extra, *facets, *right]):
        raise missing(frame, [*extra, *facets, *right])
    wanted = list(dict.fromkeys([*wanted, *right]))
    if not len(frame):
        return look.nothing(ground, title=title or "No messages", words="No data: the frame has no rows")
    zone = zone_of(frame) if tz is None else times.zone(tz)

    marks = _event_rows(frame) if events else np.zeros(len(frame), bool)
    body = frame[~marks] if fields is None and marks.any() else frame
    lines, seen = _lines(body, wanted, [*extra, *facets])
    if not lines and not marks.any():
        if not seen or any(seen.values()):
            raise values.no_numbers(frame, wanted)
        return look.nothing(ground, title=title or ", ".join(wanted), words="No data: every value is missing")
    notes: list[str] = []
    lines = _placed(lines, facets, overlay=facet is False or bool(right), right=right, notes=notes)
    _named(lines, extra, facets)
    panels = list(dict.fromkeys(line.panel for line in lines))
    lines.sort(key=lambda line: [(part.zfill(12) if part.isdigit() else part) for part in _DIGITS.split(line.name)])
    return _figure(lines, panels, frame[marks], zone, ground, facets=facets, gaps=gaps, title=title, notes=notes)


def _list(names: str | list[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else [*names]


def _event_rows(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if TOPIC not in frame.columns:
        return np.zeros(len(frame), bool)
    topics = frame[TOPIC].astype("category")
    kinds = [is_event(str(topic)) for topic in topics.cat.categories]
    return np.append(np.array(kinds, dtype=bool), False)[topics.cat.codes.to_numpy()]


def _lines(frame: pd.DataFrame, fields: list[str], extra: list[str]) -> tuple[list[Line], dict[str, bool]]:
    """Give a line for each field of each series, and whether each field held anything at all."""
    lines: list[Line] = []
    seen: dict[str, bool] = {}
    splits: dict[str | None, Any] = {}
    for name in fields:
        if name in extra:
            continue
        column = values.read(frame[name])
        seen[name] = bool((column.code >= 0).any())
        unit = values.unit_column(frame, name, fields)
        if unit not in splits:
            columns = list(dict.fromkeys([*identity(frame), *extra, *([unit] if unit else [])]))
            splits[unit] = split(frame, columns)
        series = splits[unit]
        for number, keys in enumerate(series.keys.to_dict("records")):
            value, words = column.drawn(series.rows(number))
            time = series.times(number)
            there = ~np.isnan(value)
            if not there.all():
                value, time = value[there], time[there]
            if not len(value):
                continue
            told = {str(key): what for key, what in keys.items() if what is not None and what == what}  # noqa: PLR0124
            symbol = str(told.pop(unit)) if unit and unit in told else ""
            topic = told.get(TOPIC)
            state = bool(words) or is_state(value, topic)
            held = state or len(time) < _MANY
            breaks = silences(time, cadence(time), anyhow=np.inf if held else _LONG)
            lines.append(Line(name, symbol, told, time, value, words, state, breaks))
    return lines, seen


def _placed(lines: list[Line], facets: list[str], *, overlay: bool, right: list[str], notes: list[str]) -> list[Line]:
    """Give each line its panel, and leave out what no figure can show, with a note."""
    kinds: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        kinds.setdefault((line.field, line.unit, line.keys.get(TOPIC)), []).append(line)
    for same in kinds.values():  # a relay that was never switched is a state like the others
        switched = any(line.state for line in same) and all(line.state or line.value[0] in {0, 1} for line in same)
        for line in same:
            line.state = switched and (line.state or len(np.unique(line.value)) == 1)
    for line in lines:
        line.right = line.field in right
        quantity = () if overlay else (line.field, line.unit, line.state)
        line.panel = (*(str(line.keys.get(name, "")) for name in facets), *quantity)
    if not overlay:
        lines = sorted(lines, key=lambda line: line.state)
    panels = list(dict.fromkeys(line.panel for line in lines))
    if len(panels) > _PANELS:
        notes.append(f"{_PANELS} of {len(panels)} panels; choose with fields=")
        lines = [line for line in lines if line.panel in panels[:_PANELS]]
    if len(lines) > _LINES:
        # In turn from each panel, the fullest first, so that none is emptied by another.
        place: Counter[tuple[Any, ...]] = Counter()
        turn = {}
        for line in sorted(lines, key=lambda one: -len(one.time)):
            turn[id(line)] = place[line.panel]
            place[line.panel] += 1
        best = {id(line) for line in sorted(lines, key=lambda one: (turn[id(one)], -len(one.time)))[:_LINES]}
        notes.append(f"the {_LINES} fullest of {len(lines)} lines; filter the frame to see others")
        lines = [line for line in lines if id(line) in best]
    return lines


def _named(lines: list[Line], by: list[str], facets: list[str]) -> None:
    """Name each line by as little as tells it from the others of its panel."""
    for panel in dict.fromkeys(line.panel for line in lines):
        own = [line for line in lines if line.panel == panel]
        columns = list(dict.fromkeys(key for line in own for key in line.keys))
        chosen = [name for name in by if name in columns]
        if not by:
            order = sorted(columns, key=lambda name: _TELLING.index(name) if name in _TELLING else -1)
            chosen = _telling(own, [name for name in order if name not in facets])
        several = len({line.field for line in own}) > 1
        for line in own:
            parts = {name: _part(name, line.keys[name]) for name in columns if name in line.keys}
            line.told = "<br>".join(parts.values())
            words = [parts[name] for name in chosen if name in parts]
            line.name = " · ".join([*words, *([line.field] if several else [])]) or parts.get(CLIENT, line.field)


def _telling(lines: list[Line], columns: list[str]) -> list[str]:
    """Give the columns that are needed to tell the lines apart, the first ones first."""
    chosen: list[str] = []
    groups = 1
    for name in columns:
        now = len({tuple(str(line.keys.get(one)) for one in [*chosen, name]) for line in lines})
        if now > groups:
            chosen.append(name)
            groups = now
    return chosen


def _part(name: str, value: Any) -> str:
    plain = name in {CLIENT, TOPIC, "type", "dcn", DEVICE}
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if plain else f"{name} {value}"


def _figure(
    lines: list[Line], panels: list[tuple[Any, ...]], marks: pd.DataFrame, zone: dt.tzinfo | None, ground: look.Theme,
    *, facets: list[str], gaps: bool, title: str | None, notes: list[str],
) -> go.Figure:  # fmt: skip
    ends = [*(line.time[[0, -1]] for line in lines), split(marks, []).time]
    hands = clock(np.concatenate(ends), zone)
    figure = go.Figure()
    domains = stacked([3.0] * len(panels) + [0.9] * bool(len(marks)), gap=64)
    most = share(len(lines))
    legend: set[str] = set()
    styles = look.line_styles(
        [line.keys.get(CLIENT) for line in lines], [line.name for line in lines], [line.panel for line in lines], ground
    )
    for number, panel in enumerate(panels):
        own = [line for line in lines if line.panel == panel]
        left, right = panel_axes(figure, own, number, domains[number])
        for line in own:
            axis, (colour, dash) = right if line.right else left, styles[line.name]
            draw(figure, line, hands, axis=axis, colour=colour, dash=dash, most=most, legend=legend)
        if gaps:
            shade(figure, own, hands, axis=left, colour=look.ink(ground)["gap"])
        if len(panels) > 1:
            _heading(figure, own, facets, domains[number][1])
    if len(marks):
        mark(figure, marks, hands, axis=f"y{2 * len(panels) + 1}", domain=domains[-1], ground=ground)
    bottom = f"y{2 * len(domains) - 1}" if len(domains) > 1 else "y"
    figure.update_layout(xaxis={"type": "date", "title": {"text": hands.title}, "anchor": bottom}, hovermode="closest")
    if (drawn := sum(line.drawn for line in lines)) < (total := sum(line.whole for line in lines)):
        notes.insert(
            0, f"thinned: {counted(drawn)} of {counted(total)} points drawn; each least and greatest value kept"
        )
    height = 134 + (320 if len(panels) == 1 else 240 * len(panels)) + 110 * bool(len(marks))
    names = sorted(legend) if len(legend) > 1 else []
    return look.dressed(
        figure,
        ground,
        title=title or _title(lines, marks),
        notes=notes,
        height=height,
        legend=names,
        heading=len(panels) > 1,
    )


def _heading(figure: go.Figure, own: list[Line], facets: list[str], top: float) -> None:
    """Say above a panel what it shows, where its axis cannot."""
    topics = list(dict.fromkeys(str(line.keys[TOPIC]) for line in own if TOPIC in line.keys))
    facets = [str(own[0].keys.get(name, "")) for name in facets]
    words = " · ".join(dict.fromkeys([*facets, *topics[:_NAMED]])) + (" …" if len(topics) > _NAMED else "")
    figure.add_annotation(
        text=words, x=0, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False
    )


def _title(lines: list[Line], marks: pd.DataFrame) -> str:
    """Name what is drawn: the fields, and of whom."""
    fields = list(dict.fromkeys(line.field for line in lines)) or ["Events"]
    what = ", ".join(fields[:_NAMED]) + (f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else "")
    topics = {str(line.keys[TOPIC]) for line in lines if TOPIC in line.keys}
    clients = {str(line.keys[CLIENT]) for line in lines if CLIENT in line.keys}
    if not lines and CLIENT in marks.columns:
        clients = {str(one) for one in marks[CLIENT].unique()}
    where = [*topics] if len(topics) == 1 else []
    who = [*clients] if len(clients) == 1 else [f"{len(clients)} clients"] if clients else []
    return " · ".join([what, *where, *who])
