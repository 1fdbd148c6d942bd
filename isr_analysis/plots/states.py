"""States over time as bars: one row per channel, one colour per state. The same for the ledger's coverage."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.absence import STATES, quiet
from isr_analysis.checks.cadence import cadence
from isr_analysis.checks.kinds import NO_MEASURE, is_state
from isr_analysis.checks.series import CLIENT, TOPIC, Ints, identity, listed, missing, natural, split, taken, zone_of
from isr_analysis.checks.tables import whole_span
from isr_analysis.errors import UsageError
from isr_analysis.plots import theme as look
from isr_analysis.plots import values
from isr_analysis.plots.panels import Line
from isr_analysis.plots.pick import breaks_of, event_rows, named
from isr_analysis.plots.zones import around, clock

_STATES, _LOOKS = 12, 60  # that a row may have without being asked for; that can be told apart
_ROWS = 60
_NAMED = 3
_BARS = 4000
_PIXELS = 1500  # that the axis has, about
_LONG = 2**62  # ns; longer than any span
_GENERIC = {"value", "state", "status", "payload"}  # fields whose names say nothing beside the topic
_FAST = "changing quickly"

Span = tuple[str, int, int, str]
"""One bar: its row, from when to when (ns), its state."""


def timeline(
    df: pd.DataFrame | pd.Series,
    fields: str | list[str] | None = None,
    *,
    by: str | list[str] | None = None,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw states over time, such as when a relay was on or a client was online.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    fields : str or list of str, optional
        The columns that contain states; by default, all that contain flags, up to twelve words, or 0 and 1. Of a column
        that is named here, up to 60 different values are drawn, numbers included.
    by : str or list of str, optional
        The columns that come first in the row names, before whatever else distinguishes them.
    tz : str or tzinfo, optional
        The time zone of the axis; by default, that of the index.
    title, theme
        See `timeseries`.

    Returns
    -------
    plotly.graph_objects.Figure
        One row per channel and field, one bar per span of a state. A state holds until the next message, but not while
        the device was silent, as far as the frame has what it publishes: there the row is empty. Adjacent spans that
        are too short to be seen are combined into one bar, "changing quickly"; if there are too many bars to draw, so
        are longer ones in the rows that have the most. Without any rows, a figure that says so.

    Raises
    ------
    UsageError
        A column is missing, or none contains states.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=4, freq="1h", tz="UTC", name="time")
    >>> figure = isr.plots.timeline(pd.DataFrame({"relay": ["off", "on", "on", "off"]}, index=index))
    >>> [trace.name for trace in figure.data]
    ['off', 'on']
    """
    ground = look.checked(theme)
    frame = whole = taken(df)
    wanted = listed(fields) if fields is not None else [name for name in frame.columns if name not in NO_MEASURE]
    if len(frame) and any(name not in frame.columns for name in [*wanted, *listed(by)]):
        raise missing(frame, [*wanted, *listed(by)])
    if not len(frame):
        return look.nothing(ground, title=title or "No states", words="No data: the frame has no rows")
    if fields is None and not (events := event_rows(frame)).all():
        frame = frame[~events]  # what happens at an instant is no state
    lines, crowded = _state_lines(frame, wanted, listed(by), asked=fields is not None)
    if not lines:
        if not frame[wanted].notna().to_numpy().any():
            return look.nothing(ground, title=title or "No states", words="No data: every value is missing")
        raise _no_states(frame, crowded, asked=fields is not None)
    names = _row_names([line for line, _ in lines], listed(by))
    zone = zone_of(frame) if tz is None else times.zone(tz)
    last = max(int(line.time[-1]) for line, _ in lines)
    width = max(1, last - min(int(line.time[0]) for line, _ in lines)) // _PIXELS
    rows = sorted(set(names), key=natural)
    notes = [f"{_ROWS} of {len(rows):,} rows; filter the frame to see others"] if len(rows) > _ROWS else []
    if crowded:
        told = ", ".join(f"{look.said(look.short(name))} ({many:,})" for name, many in [*crowded.items()][:_NAMED])
        more = f" and {len(crowded) - _NAMED} more" if len(crowded) > _NAMED else ""
        notes.append(f"left out, as they hold many different values: {told}{more}; fields= draws up to {_ROWS} of them")
    away = functools.cache(functools.partial(quiet, whole, span=whole_span(whole)))
    each = [
        _spans(name, line, words, last, away)
        for (line, words), name in zip(lines, names, strict=True)
        if name in rows[:_ROWS]
    ]
    spans, coarse = _few_enough(each, width)
    if coarse:
        notes.append(
            f'many changes: in {counted(coarse, "row")}, longer spans are also drawn as "{_FAST}"; '
            "filter the frame to see them"
        )
    if len(spans) > _BARS:  # as many silences as that: there is nothing to join
        spans = sorted(spans, key=lambda span: span[1] - span[2])[:_BARS]
        notes.append(f"the {_BARS:,} longest spans")
    heading = title or _titled([line for line, _ in lines])
    looks, rare = _looks(spans, ground)
    return _bars(spans, rows[:_ROWS], looks, zone, ground, title=heading, notes=notes, rare=rare)


def _no_states(frame: pd.DataFrame, crowded: dict[str, int], *, asked: bool) -> UsageError:
    """Make the error for a frame without anything that a timeline can show."""
    columns = ", ".join(frame.columns[:20])
    if not crowded:
        return UsageError(
            f"no column contains states (flags, words or 0 and 1); columns: {columns}; plots.timeseries draws numbers"
        )
    name, many = min(crowded.items(), key=lambda one: one[1])
    if asked or many > _ROWS:
        way = (
            f"at most {_ROWS} are drawn; join some, as with df[{name!r}].replace, or draw numbers with plots.timeseries"
        )
    else:
        way = f"more than {_STATES} are drawn only of a column that is named: fields={name!r}"
    return UsageError(f"{name!r} has {many:,} different values, and {way}; columns: {columns}")


def _looks(spans: list[Span], ground: look.Theme) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Give each state its colour and pattern; of many, plain colours go to those that hold longest.

    Of more than can be told apart, the rarest have one look together: give also what these are called.
    """
    held: Counter[str] = Counter()
    for _, start, end, state in spans:
        if state != _FAST:
            held[state] += end - start
    states = sorted(held, key=natural)
    rare: dict[str, str] = {}
    if len(states) > _STATES:
        states.sort(key=lambda state: -held[state])
    if len(states) > _LOOKS:
        rare = dict.fromkeys(states[_LOOKS - 1 :], f"{len(states) - _LOOKS + 1:,} other states")
    found = look.state_looks([state for state in states if state not in rare], ground)
    found = {state: found[state] for state in sorted(found, key=natural)}
    found |= dict.fromkeys(rare.values(), (look.INK[ground]["soft"], "x"))
    return found | ({_FAST: (look.INK[ground]["line"], "|")} if any(span[3] == _FAST for span in spans) else {}), rare


def _titled(lines: list[Line]) -> str:
    """Name what is drawn: the fields, or the topics of those that say nothing, and of whom."""
    said = (line.keys.get(TOPIC, line.field) if line.field in _GENERIC else line.field for line in lines)
    who = {str(line.keys[CLIENT]) for line in lines if CLIENT in line.keys}
    whose = [*map(look.short, who)] if len(who) == 1 else [f"{len(who):,} clients"] if who else []
    return look.said(" · ".join([f"States: {', '.join(dict.fromkeys(map(str, said)))}"[:80], *whose]))


def _row_names(lines: list[Line], by: list[str]) -> list[str]:
    """Name each row by its topic, its field if its name says anything, and what tells it from the others there."""
    for line in lines:
        line.panel = (str(line.keys.get(TOPIC, "")), line.field)
    named(lines, by, [], apart=True)  # two channels in one row would hide each other's states
    topics = {line.panel[0] for line in lines}
    several = {topic for topic in topics if len({line.field for line in lines if line.panel[0] == topic}) > 1}
    clients = {str(line.keys.get(CLIENT, "")) for line in lines}
    names = []
    for line in lines:
        topic = look.said(line.panel[0])
        own = "" if len(clients) == 1 and line.name in {*map(look.said, clients), topic} else line.name
        field = look.said(line.field) if line.panel[0] in several or line.field not in _GENERIC else ""
        parts = [topic if len(topics) > 1 or not (own or field) else "", field, own]
        names.append(" · ".join(dict.fromkeys(part for part in parts if part)) or look.said(line.field))
    return names


def _state_lines(
    frame: pd.DataFrame, fields: list[str], by: list[str], *, asked: bool
) -> tuple[list[tuple[Line, list[str]]], dict[str, int]]:
    """Give each series of each field that holds states, with the state of each of its points in words.

    And how many different values each field has that has too many of them to be drawn.
    """
    crowded: dict[str, int] = {}
    found: list[tuple[Line, list[str]]] = []
    alone: set[int] = set()
    series = split(frame, list(dict.fromkeys([*identity(frame), *by])))
    for name in fields:
        column = values.read(frame[name])
        present = column.present
        for number, told in enumerate(series.tell()):
            rows = series.rows(number)
            there = present[rows]
            if not there.any():
                continue
            rows = rows[there]
            code, value = column.code[rows], column.number[rows]
            used = np.unique(code[code >= 0])
            plain = value[code < 0]
            numeric = len(plain) > 0 and (asked or is_state(plain, told.get(TOPIC)))
            few = len(used) + (len(np.unique(plain)) if numeric else 0)
            if not few or (len(plain) and not numeric):
                continue
            if few > (_ROWS if asked else _STATES):
                crowded[name] = max(few, crowded.get(name, 0))
                continue
            if not asked and few == 1 and not numeric and column.words[used[0]] not in {"true", "false", "on", "off"}:
                alone.add(len(found))
            words = [look.said(column.words[at]) if at >= 0 else f"{n:g}" for at, n in zip(code, value, strict=True)]
            time = series.times(number)[there]
            breaks, _ = breaks_of(series.times(number), None if identity(frame) else there, time, state=True)
            found.append((Line(name, "", told, time, np.zeros(len(time)), {}, True, breaks), words))
    # One word all the time is a version or a name, unless others of its field and topic change: then it is a state.
    places = [(line.field, line.keys.get(TOPIC)) for line, _ in found]
    changing = {place for at, place in enumerate(places) if at not in alone}
    return [one for at, one in enumerate(found) if at not in alone or places[at] in changing], crowded


def _spans(row: str, line: Line, words: list[str], last: int, away: Callable[[str], list[times.Range]]) -> list[Span]:
    """Join what follows with the same state, up to the next message or the last one before a silence.

    A message that nothing follows has no length. `away` gives when a client was silent.
    """
    text = np.array(words, dtype="object")
    turn = np.zeros(len(text), bool)
    turn[0] = True
    turn[1:] = text[1:] != text[:-1]
    turn[line.breaks + 1] = True
    begin = np.flatnonzero(turn)
    until: Ints = line.time[np.minimum(np.append(begin[1:], len(text)), len(text) - 1)].copy()
    silent = np.isin(np.append(begin[1:], len(text)) - 1, line.breaks)
    until[silent] = line.time[np.append(begin[1:], len(text)) - 1][silent]
    pace = cadence(line.time)
    if not pace.regular[-1] or last - line.time[-1] <= pace.limit[-1]:
        until[-1] = last
    quietly = [] if pace.regular.all() else away(str(line.keys.get(CLIENT, "")))
    least = min((one.end - one.start for one in quietly), default=_LONG)
    return [
        (row, part.start, part.end, state)
        for start, end, state in zip(line.time[begin].tolist(), until.tolist(), text[begin].tolist(), strict=True)
        for part in times.Range(start, max(start, end)).minus(quietly if end - start >= least else [])
        or [times.Range(start, start)]
    ]


def _few_enough(rows: list[list[Span]], width: int) -> tuple[list[Span], int]:
    """Join the spans that are too short to be seen; and until all can be drawn, longer ones of the fullest row.

    Give also of how many rows those were. What is left out would be a state that seems never to have been there.
    """
    joined = [_joined(spans, width, width) for spans in rows]
    short = [width] * len(rows)
    while sum(map(len, joined)) > _BARS:
        fullest = max(range(len(rows)), key=lambda at: (short[at] < _LONG, len(joined[at])))
        if short[fullest] >= _LONG:
            break
        short[fullest] = max(2 * short[fullest], 1)
        joined[fullest] = _joined(rows[fullest], width, short[fullest])
    return [span for spans in joined for span in spans], sum(one > width for one in short)


def _joined(spans: list[Span], width: int, short: int) -> list[Span]:
    """Make one bar of short spans that follow each other within the width of a pixel."""
    found: list[Span] = []
    for row, start, end, state in spans:
        near = found and start - found[-1][2] <= width
        if near and end - start < short and (found[-1][3] == _FAST or found[-1][2] - found[-1][1] < short):
            found[-1] = (row, found[-1][1], end, _FAST)
        else:
            found.append((row, start, end, state))
    return found


def _bars(
    spans: list[Span], rows: list[str], looks: dict[str, tuple[str, str]], zone: dt.tzinfo | None, ground: look.Theme,
    *, title: str, notes: list[str], rare: dict[str, str] | None = None,
) -> go.Figure:  # fmt: skip
    """Draw bars by row; a trace for each state, or for what the `rare` ones are called, so that the legend explains."""
    ends = np.array([at for _, start, end, _ in spans for at in (start, end)], dtype=np.int64)
    hands = clock(ends, zone)
    pixel = max(1, int(np.ptp(ends)) // _PIXELS)  # an outline shows what is narrower, and makes nothing longer
    figure = go.Figure()
    for state, (colour, pattern) in looks.items():
        stripes = {"shape": pattern, "size": 5, "solidity": 0.4}
        if state == _FAST:  # neither one nor the other, so what is between the stripes is empty
            stripes |= {"fgcolor": look.INK[ground]["text"]}
        elif pattern:
            stripes |= {"fillmode": "overlay", "fgcolor": look.INK[ground]["paper"]}
        own = [span for span in spans if (rare or {}).get(span[3], span[3]) == state]
        start, end = (np.array([span[at] for span in own], dtype=np.int64) for at in (1, 2))
        text = [a if a == b else f"{a} to {b}" for a, b in zip(hands.words(start), hands.words(end), strict=True)]
        if rare and state in rare.values():
            text = [f"{span[3]}<br>{words}" for span, words in zip(own, text, strict=True)]
        if any(look.short(row) != row for row in rows):  # the axis, and with it %{y}, has them cut
            text = [f"{span[0]}<br>{words}" for span, words in zip(own, text, strict=True)]
        figure.add_trace(
            go.Bar(
                base=hands.axis(start), x=(end - start) / 1e6, y=[span[0] for span in own], orientation="h", name=state,
                marker={"color": colour, "pattern": stripes if pattern else {},
                        "line": {"color": colour, "width": np.where(end - start < pixel, 2, 0).astype("u1")}},
                width=0.7, customdata=text,
                hovertemplate=f"<b>%{{y}}: {state}</b><br>%{{customdata}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(
        barmode="overlay", hovermode="closest",
        xaxis=look.time_axis(hands.title, around(ends, hands)),
        yaxis=look.name_axis(rows) | {"showgrid": False, "ticks": "", "range": [-0.6, len(rows) - 0.4]},
    )  # fmt: skip
    return look.dressed(figure, ground, title=title, notes=notes, height=140 + 30 * max(2, len(rows)), legend=looks)


def coverage(
    frame: pd.DataFrame,
    *,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw what is on disk and what is not, from the frame that `isr_analysis.coverage` returns.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``start``, ``end``, ``state``; ``client_id`` and ``topic``, if present, name the rows. It is not
        changed.
    tz : str or tzinfo, optional
        The time zone of the axis; by default, that of ``start``.
    title : str, optional
        Replaces "On disk".
    theme : {"light", "dark"}
        The background on which the figure will be shown.

    Returns
    -------
    plotly.graph_objects.Figure
        One row per client and topic filter, one bar per span. Without any rows, a figure that says so.

    Raises
    ------
    UsageError
        `frame` is not a DataFrame, or a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> days = pd.to_datetime(["2026-11-01", "2026-11-02", "2026-11-03"], utc=True)
    >>> frame = pd.DataFrame({"start": days[:2], "end": days[1:], "state": ["settled", "missing"]})
    >>> [trace.name for trace in isr.plots.coverage(frame).data]
    ['on disk for good', 'never fetched']
    """
    ground = look.checked(theme)
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"the DataFrame that isr.coverage returns is needed, not {type(frame).__name__}")
    if absent := [name for name in ("start", "end", "state") if name not in frame.columns]:
        raise missing(frame, absent)
    heading = title or "On disk"
    if not len(frame):
        return look.nothing(ground, title=heading, words="No data: nothing was asked for in this range")
    zone = getattr(frame["start"].dtype, "tz", None) if tz is None else times.zone(tz)
    spans: list[Span] = []
    for row in frame.to_dict("records"):
        who = "all clients" if row.get(CLIENT, "*") == "*" else str(row[CLIENT])
        what = str(row.get(TOPIC, "#"))
        name = look.said(who if what == "#" else f"{who} · {what}")
        state = STATES.get(str(row["state"]), str(row["state"]))
        spans.append((name, times.instant(row["start"]), times.instant(row["end"]), state))
    c, colours = look.INK[ground], look.COLOURS[ground]
    known = dict(zip(STATES.values(), (c["good"], colours[6], c["line"], c["bad"]), strict=True))
    present = dict.fromkeys(span[3] for span in spans)
    shades = look.state_colours(present, ground) | known
    ordered = [one for one in known if one in present] + [one for one in present if one not in known]
    rows = list(dict.fromkeys(span[0] for span in spans))
    notes = [f"{_ROWS} of {len(rows):,} rows"] if len(rows) > _ROWS else []
    spans = [span for span in spans if span[0] in rows[:_ROWS]]
    return _bars(
        spans, rows[:_ROWS], {one: (shades[one], "") for one in ordered}, zone, ground, title=heading, notes=notes
    )  # fmt: skip
