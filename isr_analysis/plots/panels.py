"""The parts of a figure over time: panels above each other on one time axis, lines, shaded gaps, marks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis.checks.kinds import is_direction
from isr_analysis.checks.series import CLIENT, TOPIC, Floats, Ints, is_nothing, nanoseconds, natural
from isr_analysis.plots import theme as look
from isr_analysis.plots.thin import broken, changes, thin
from isr_analysis.plots.zones import Clock

_EVENTS = 5000
_PIXELS = 1000
_SAID, _HOVER = 400, 400_000  # characters of hover text: of one event, and of all
_MARKED = 60
_WORDS = 12
_NAMED = 3
_UNIT = 20  # characters of a unit beside an axis
_SWINGS = 40  # times the height of its panel that a line goes up and down before it hides what is behind it
_HALF_TURN = 180
_TITLE = 52  # characters beside a panel that has the figure for itself


@dataclass(slots=True)
class Line:
    """One series of one field.

    Parameters
    ----------
    field, unit : str
        What is drawn, and in what.
    keys : dict
        The client, topic and channel it is of, and whatever else it was split by.
    time, value : numpy.ndarray
        Its points, ascending, without NaN.
    words : dict
        What 0 and 1 mean, where they stand for words.
    state : bool
        Whether it is drawn as steps.
    breaks : numpy.ndarray
        The points after which there is a gap.
    panel : tuple
        Lines with the same one share a panel.
    right : bool
        Whether it belongs to the axis on the right.
    name, told : str
        Its name in the legend, shared by lines that look the same, and its keys for hover text.
    drawn, whole, trace : int
        Points drawn, points that were to be drawn, and the number of its trace in the figure.
    label : bool
        Whether its numbers stand among as many words, like the ``1.9`` of a version: it is no measurement.
    of_rows : bool
        Whether it is broken where rows of an even grid have no value; else, where nothing came for longer than usual.
    heard : tuple of numpy.ndarray or None
        Where it is a part of what was heard: the instants and breaks of the whole.
    """

    field: str
    unit: str
    keys: dict[str, Any]
    time: Ints
    value: Floats
    words: dict[float, str]
    state: bool
    breaks: Ints
    panel: tuple[Any, ...] = ()
    right: bool = False
    name: str = ""
    told: str = ""
    drawn: int = 0
    whole: int = 0
    trace: int = -1
    label: bool = False
    of_rows: bool = False
    heard: tuple[Ints, Ints] | None = None


def stacked(heights: list[float], gap: float) -> list[tuple[float, float]]:
    """Share the height among panels, the first on top; `gap` is about the px between two of a usual size."""
    between = gap / (260 * len(heights)) if len(heights) > 1 else 0.0
    room = 1 - between * (len(heights) - 1)
    domains, top = [], 1.0
    for height in heights:
        bottom = top - room * height / sum(heights)
        domains.append((max(0.0, bottom), top))
        top = bottom - between
    return domains


def panel_axes(
    figure: go.Figure, own: list[Line], number: int, domain: tuple[float, float], *, log: bool = False
) -> tuple[str, str]:
    """Make the axis of a panel, and one on the right if a line needs it; give their names for traces."""
    most = _TITLE if domain == (0.0, 1.0) else _TITLE // 2
    left = f"y{2 * number + 1}" if number else "y"
    right = f"y{2 * number + 2}"
    for axis, lines in (
        (left, [line for line in own if not line.right]),
        (right, [line for line in own if line.right]),
    ):
        if not lines and axis == right:
            continue
        layout: dict[str, Any] = {"domain": domain, "title": {"text": _quantities(lines, most)}, "anchor": "x"}
        layout |= look.number_axis(line.unit for line in lines)
        if axis == right:
            layout |= {"overlaying": left, "side": "right", "showgrid": False, "tickmode": "auto"}
        if lines and all(line.state for line in lines):
            layout |= _steps(lines)
        elif log:
            layout |= {"type": "log"}
        figure.update_layout({axis.replace("y", "yaxis"): layout})
    return left, right


def _quantities(lines: list[Line], most: int) -> str:
    names = [*dict.fromkeys((line.field, f" [{look.short(line.unit, _UNIT)}]" if line.unit else "") for line in lines)]
    if len(names) > _NAMED:  # the legend names them; cut, as those of a wide frame would be, they are all alike
        return look.said(", ".join(dict.fromkeys(unit.strip() for _, unit in names if unit)))
    room = most // max(1, len(names))
    return ", ".join(look.said(look.short(field, max(12, room - len(unit))) + unit) for field, unit in names)


def _steps(lines: list[Line]) -> dict[str, Any]:
    """Label the axis of states: with their words where they have some, else with the whole numbers."""
    told: dict[float, list[str]] = {}
    for line in lines:
        for value, word in line.words.items():
            if word not in told.setdefault(value, []):
                told[value].append(word)
    if told:
        told = {0.0: [], 1.0: []} | told
    levels = sorted({float(value) for line in lines for value in np.unique(line.value)} | set(told))
    if len(levels) > _WORDS:
        return {}
    low, high = min(levels), max(levels)
    words = {level: look.said(", ".join(told.get(level, [f"{level:g}"]))) for level in levels}
    ticks = {level: text for level, text in words.items() if text}  # a state that never was has no word
    return {
        "tickvals": [*ticks], "ticktext": [*ticks.values()],
        "range": [low - 0.15 * max(1.0, high - low), high + 0.15 * max(1.0, high - low)], "zeroline": False,
    }  # fmt: skip


def bottom(domains: list[tuple[float, float]]) -> str:
    """Give the name of the axis of the lowest panel."""
    return f"y{2 * len(domains) - 1}" if len(domains) > 1 else "y"


def styles(lines: list[Line], ground: look.Theme) -> dict[str, tuple[str, str]]:
    """Give (colour, dash) for each name in the legend."""
    clients = [line.keys.get(CLIENT) for line in lines]
    return look.line_styles(
        [None if one is None else str(one) for one in clients],  # in a frame of one's own they may be numbers
        [line.name for line in lines], [line.panel for line in lines], ground,
    )  # fmt: skip


def draw(
    figure: go.Figure, line: Line, hands: Clock, *, axis: str, colour: str, dash: str, most: int, legend: set[str]
) -> None:
    """Add a line: thinned, broken at its gaps, with hover text."""
    shown = "%{text}" if line.words else f"%{{y:,.6~g}}{' ' + look.said(line.unit) if line.unit else ''}"
    common: dict[str, Any] = {
        "name": line.name, "legendgroup": line.name, "yaxis": axis,
        "hovertemplate": f"<b>{look.said(line.field)}: {shown}</b><br>{hands.hover}<br>{line.told}<extra></extra>",
    }  # fmt: skip
    main, alone = points(line, hands, most)
    line.trace = len(figure.data)
    figure.add_trace(
        go.Scatter(
            **main, marker={"size": 5, "color": colour}, showlegend=line.name not in legend, **common,
            line={"color": colour, "dash": dash, "width": 1.6, "shape": "hv" if line.state else "linear"},
        )
    )  # fmt: skip
    legend.add(line.name)
    if len(alone["x"]):
        figure.add_trace(
            go.Scatter(**alone, mode="markers", marker={"size": 4, "color": colour}, showlegend=False, **common)
        )


def lighten(figure: go.Figure, own: list[Line], axis: str) -> float:
    """Let lines of a panel, of one axis, be seen through that swing so often that they would hide the others.

    Give how many times the height of the panel all go up and down together.
    """
    if len(own) < 2:  # noqa: PLR2004 (a line alone hides none)
        return 0.0
    layout = figure.layout[axis.replace("y", "yaxis")]
    shown, scale = layout.range or (-np.inf, np.inf), np.log10 if layout.type == "log" else np.asarray
    drawn = [
        (figure.data[line.trace], np.clip(scale(np.asarray(figure.data[line.trace].y, float)), *shown)) for line in own
    ]
    height = max(np.nanmax(y) for _, y in drawn) - min(np.nanmin(y) for _, y in drawn)
    swings = [float(np.nansum(np.abs(np.diff(y)))) for _, y in drawn]
    for (trace, _), one in zip(drawn, swings, strict=True):
        if one > _SWINGS * height:
            trace.update(line_width=1, opacity=0.7)
    return float(sum(swings) / height) if height else 0.0


def points(
    line: Line, hands: Clock, most: int, view: tuple[int, int] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Choose the points of a line that are drawn.

    Parameters
    ----------
    line, hands, most
        The line, the clock of the axis, and how many points it may have.
    view : tuple of int, optional
        From when to when (ns) it is looked at; one point on either side comes along.

    Returns
    -------
    main, alone : dict
        What goes into a trace for the line, and into one of markers for its points between two gaps, which have no line
        to be seen by.
    """
    time, value, breaks = line.time, line.value, line.breaks
    if view is not None:
        begin = max(0, int(np.searchsorted(time, view[0])) - 1)
        end = min(len(time), int(np.searchsorted(time, view[1], side="right")) + 1)
        time, value = time[begin:end], value[begin:end]
        breaks = breaks[(breaks >= begin) & (breaks < end - 1)] - begin
    keep, breaks, line.whole = _chosen(time, value, breaks, most, state=line.state)
    line.drawn = len(keep)
    at, holes = broken(keep, breaks)
    y = value[at]
    y[holes] = np.nan
    x, local = hands.axis(time[at]), hands.local(time[at])
    words = [look.said(line.words.get(one, "")) for one in y.tolist()] if line.words else None
    marked = len(keep) <= _MARKED and not line.state
    mode = "lines+markers" if marked else "lines"
    if is_direction(line.field) and not line.state and (np.abs(np.diff(value)) > _HALF_TURN).any():
        marked, mode = True, "markers"  # a line would run from top to bottom wherever it passes north
    main = {"x": x, "y": y, "customdata": local, "text": words, "mode": mode}
    empty = np.isnan(np.concatenate([[np.nan], y, [np.nan]]))
    lonely = np.flatnonzero(empty[:-2] & ~empty[1:-1] & empty[2:]) if not marked else np.zeros(0, dtype=np.int64)
    alone = {
        "x": x[lonely], "y": y[lonely], "customdata": None if local is None else local[lonely],
        "text": None if words is None else [words[one] for one in lonely],
    }  # fmt: skip
    return main, alone


def _chosen(time: Ints, value: Floats, breaks: Ints, most: int, *, state: bool) -> tuple[Ints, Ints, int]:
    """Give the points to keep, the breaks among them, and of how many they were chosen.

    Steps need only the changes: leaving out the rest is no thinning.
    """
    keep = np.arange(len(time))
    if state and len(time):
        edges = np.concatenate([[0], breaks + 1, [len(time)]])
        keep = np.concatenate([begin + changes(value[begin:end]) for begin, end in pairwise(edges)])
        breaks = np.searchsorted(keep, breaks, side="right") - 1
    chosen, breaks = thin(time[keep], value[keep], breaks, most)
    return keep[chosen], breaks, len(keep)


def shade(figure: go.Figure, own: list[Line], hands: Clock, *, axis: str, colour: str, most: int) -> int:
    """Shade the spans in which every line of a panel is silent, all of them as one shape: hundreds would be slow.

    Give how many are left out, as they would not be seen.
    """
    heard = [line.heard or (line.time, line.breaks) for line in own]
    begins = np.concatenate([time[np.concatenate([[0], breaks + 1])] for time, breaks in heard])
    ends = np.concatenate([time[np.concatenate([breaks, [len(time) - 1]])] for time, breaks in heard])
    order = np.argsort(begins, kind="stable")
    begins, reach = begins[order], np.maximum.accumulate(ends[order])
    silent = np.flatnonzero(begins[1:] > reach[:-1])
    start, end, hidden = _to_be_seen(reach[silent], begins[silent + 1], most)
    if not len(start):
        return hidden
    left, right = (np.datetime_as_string(hands.axis(one), "ms").tolist() for one in (start, end))
    path = "".join(f"M{a},0V1H{b}V0Z" for a, b in zip(left, right, strict=True)).replace("T", "_")
    figure.layout.shapes += (
        go.layout.Shape(
            type="path", path=path, xref="x", yref=f"{axis} domain", layer="below", fillcolor=colour, line={"width": 0}
        ),
    )
    return hidden


def _to_be_seen(start: Ints, end: Ints, most: int) -> tuple[Ints, Ints, int]:
    """Give the spans to shade: all, or of very many what is seen of them on a line of as many pixels as `most`.

    There spans are joined if what came between is shorter than a pixel, and than they are. What is still narrower than
    a pixel is left out, and counted.
    """
    if len(start) <= most:
        return start, end, 0
    pixel, length, between = (end[-1] - start[0]) // most, end - start, start[1:] - end[:-1]
    first = np.append(0, np.flatnonzero((between >= pixel) | (between > np.minimum(length[1:], length[:-1]))) + 1)
    many = np.diff(first, append=len(start))
    start, end = start[first], end[first + many - 1]
    wide = end - start >= pixel
    return start[wide], end[wide], int(many[~wide].sum())


def mark(
    figure: go.Figure, frame: pd.DataFrame, hands: Clock, *, axis: str, domain: tuple[float, float], ground: look.Theme
) -> int:
    """Mark events, a row for each client, with what they say as hover text; give how many are drawn."""
    axis = "y" if axis == "y1" else axis
    at = nanoseconds(frame.index)
    who = (
        frame[CLIENT].astype(str).map(look.said) if CLIENT in frame.columns else pd.Series("events", index=frame.index)
    )
    shown = _spread(at, who)
    frame, at, who = frame.iloc[shown], at[shown], who.iloc[shown]
    long = min(_SAID, _HOVER // max(1, len(at)))
    told = [
        "\n".join(f"{k}: {v}" for k, v in row.items() if k not in {CLIENT, TOPIC} and not is_nothing(v))
        for row in frame.astype("object").to_dict("records")
    ]
    text = [
        f"<b>{look.said(topic)}</b><br>{look.said(words[:long]).replace(chr(10), '<br>')}<br>{client}"
        for topic, words, client in zip(frame[TOPIC].astype(str), told, who, strict=True)
    ]
    figure.add_trace(
        go.Scatter(
            x=hands.axis(at), y=who.to_numpy(), customdata=hands.local(at), text=text, mode="markers", yaxis=axis,
            marker={"symbol": "diamond", "size": 8, "opacity": 0.8,
                    "color": [look.client_colour(one, ground) for one in who]},
            name="events", showlegend=False, hovertemplate=f"%{{text}}<br>{hands.hover}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        {
            axis.replace("y", "yaxis"): {"domain": domain, "anchor": "x", "title": {"text": "events"}}
            | look.name_axis(sorted(who.unique(), key=natural))
        }
    )
    return len(at)


def _spread(at: Ints, who: pd.Series) -> Ints:
    """Choose which events are drawn: all; of very many some of each client in each pixel, so that none is emptied."""
    order = np.argsort(at, kind="stable")
    if len(at) <= _EVENTS:
        return order
    at = at[order]
    pixel = (at - at[0]) // max(1, (at[-1] - at[0]) // _PIXELS)
    place = pd.Series(pixel).groupby([pd.factorize(who)[0][order], pixel]).cumcount().to_numpy()
    # In turn from each place; of the last turn, which has no room for all, some are taken from the whole range.
    turn = np.sort(place)[_EVENTS]
    last = np.flatnonzero(place == turn)
    room = _EVENTS - int(np.count_nonzero(place < turn))
    chosen = np.concatenate([np.flatnonzero(place < turn), last[np.arange(room) * len(last) // max(1, room)]])
    found: Ints = order[np.sort(chosen)]
    return found
