"""Which lines a figure has: a frame's series and fields, their names, and which share a panel."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.cadence import cadence, silences
from isr_analysis.checks.kinds import UNITS, coalesced, is_event, is_state, unit_columns
from isr_analysis.checks.naming import in_words, nameless, telling
from isr_analysis.checks.series import (
    CLIENT,
    TOPIC,
    Flags,
    Ints,
    identity,
    listed,
    missing,
    natural,
    split,
    taken,
    zone_of,
)  # fmt: skip
from isr_analysis.messages import DEVICE
from isr_analysis.plots import theme as look
from isr_analysis.plots import values
from isr_analysis.plots.panels import Line

_LINES = 40
_PANELS = 8
_NAMED = 3
_MANY, _LONG = 20, 20.0  # a line of so many points without a rhythm breaks at so many of its usual pauses
_CHANGE, _QUARTER = 2 * times.HOUR, times.HOUR // 4  # clocks are changed by no more, and by such parts of an hour
_MONTH = (28, 31)  # days
_TELLING = [CLIENT, "chan", "type", "module", "dcn", DEVICE, TOPIC]


@dataclass(frozen=True, slots=True)
class Picked:
    """What there is to draw.

    Parameters
    ----------
    lines : list of Line
        In the order of their names.
    panels : list of tuple
        The panels, the first on top.
    marks : pandas.DataFrame
        The messages of event topics, if they were asked for.
    zone : datetime.tzinfo or None
        The zone of the axis.
    notes : list of str
        What was left out.
    nothing : str
        Why there is nothing to draw, in words; else empty.
    """

    lines: list[Line]
    panels: list[tuple[Any, ...]]
    marks: pd.DataFrame
    zone: dt.tzinfo | None
    notes: list[str]
    nothing: str = ""

    @property
    def no_lines(self) -> str:
        """Why there is no line to draw, in words; empty if there is one."""
        return self.nothing or ("" if self.lines else "No data: only events")


def pick(
    df: pd.DataFrame | pd.Series, fields: str | list[str] | None, *, by: str | list[str] | None = None,
    facets: list[str] | None = None, overlay: bool = False, right: list[str] | None = None, events: bool = False,
    tz: str | dt.tzinfo | None = None, sides: str = "",
) -> Picked:  # fmt: skip
    """Read from a frame what there is to draw; of too many lines, as many and the same of each value of column `sides`.

    Raises
    ------
    UsageError
        A column is missing, or there are no numbers in `fields`.
    """
    frame = taken(df)
    wanted = values.fields_of(frame, fields)
    extra, facets, right = listed(by), facets or [], right or []
    if len(frame) and any(name not in frame.columns for name in [*extra, *facets, *right]):
        raise missing(frame, [*extra, *facets, *right])
    wanted = list(dict.fromkeys([*wanted, *right]))
    if fields is None:
        wanted = [name for name in wanted if name not in [*extra, *facets]]
    zone = zone_of(frame) if tz is None else times.zone(tz)
    if not len(frame):
        return Picked([], [], frame, zone, [], "No data: the frame has no rows")
    marked = event_rows(frame)
    marks = frame[marked] if events else frame.iloc[:0]
    rows = frame[~marked] if fields is None and marked.any() else frame
    lines, seen, beyond = lines_of(rows, wanted, [*extra, *facets], asked=fields is not None)
    if fields is None:
        lines = [line for line in lines if not line.label]
    if not lines and not len(marks):
        if fields is None and any(seen.values()):  # whoever asks for all that can be drawn is told, and nothing fails
            named_ones = ", ".join(look.short(name, 20) for name in wanted[:3]) + (", …" if wanted[3:] else "")
            words = f"No data: there are no numbers in {look.said(named_ones)};<br>plots.timeline draws states in words"
            return Picked([], [], marks, zone, [], words)
        if not seen or any(seen.values()):
            raise values.no_numbers(frame, wanted)
        words = f"No data: every value is {f'beyond {values.MOST:g}' if beyond else 'missing'}"
        return Picked([], [], marks, zone, [], words)
    notes = [f"{counted(beyond, 'value')} beyond {values.MOST:g} left out"] if beyond else []
    notes += _in_words_only(rows, lines)
    if not extra and nameless(frame):
        names = ", ".join(look.short(str(name), 20) for name in frame.columns[:_NAMED])
        notes.append(f"several clients or channels as one: of the loaded frame only {look.said(names)} is given")
    lines = _placed(lines, facets, overlay=overlay or bool(right), right=right, sides=sides, notes=notes)
    named(lines, extra, facets)
    panels = list(dict.fromkeys(line.panel for line in lines))
    lines.sort(key=lambda line: natural(line.name))
    return Picked(lines, panels, marks, zone, notes)


def _in_words_only(frame: pd.DataFrame, lines: list[Line]) -> list[str]:
    """Say whose field has only words, such as "-83 dBm", while a line shows that of others on the same topic."""
    notes = []
    for name in dict.fromkeys(line.field for line in lines if CLIENT in line.keys):
        if pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        column = values.read(frame[name])
        own = [line.keys for line in lines if line.field == name]
        numbered = frame.loc[~np.isnan(column.number), CLIENT].unique()
        left = (column.code >= 0) & ~frame[CLIENT].isin([*numbered, *(keys.get(CLIENT) for keys in own)]).to_numpy()
        if TOPIC in frame.columns:
            left &= frame[TOPIC].isin([keys.get(TOPIC) for keys in own]).to_numpy()
        if left.any():
            who = sorted(map(str, frame.loc[left, CLIENT].unique()), key=natural)
            whose = ", ".join(who[:_NAMED]) + (f" and {len(who) - _NAMED} more" if len(who) > _NAMED else "")
            given = look.short(str(frame.loc[left, name].iloc[-1]), 20)
            notes.append(look.said(f"no numbers in {look.short(name, 20)} of {whose}, but {given!r}"))
    return notes


def event_rows(frame: pd.DataFrame) -> Flags:
    """Tell which rows are of topics of events."""
    if TOPIC not in frame.columns:
        return np.zeros(len(frame), bool)
    topics = frame[TOPIC].astype("category")
    kinds = [is_event(str(topic)) for topic in topics.cat.categories]
    return np.append(np.array(kinds, dtype=bool), False)[topics.cat.codes.to_numpy()]


def lines_of(
    frame: pd.DataFrame, fields: list[str], extra: list[str], *, asked: bool = False
) -> tuple[list[Line], dict[str, bool], int]:
    """Give a line for each field of each series, whether each holds what is no number, and how many are too large.

    Fields that somebody `asked` for are drawn as far as they hold numbers, versions in digits, too.
    """
    lines: list[Line] = []
    seen: dict[str, bool] = {}
    beyond = 0
    splits: dict[str | None, Any] = {}
    if all(name in frame.columns for name in UNITS):
        frame = frame.assign(**{UNITS[0]: coalesced(frame, UNITS)})
    of_grid, messages = _units_of_grid(frame), bool(identity(frame))
    for name in fields:
        if name in extra:
            continue
        column = values.read(frame[name], asked=asked)
        seen[name] = column.other or bool((column.code >= 0).any())
        beyond += column.beyond
        unit = next(iter(unit_columns(frame, name, alone=fields == [name])), None)
        if unit not in splits:
            columns = list(dict.fromkeys([*identity(frame), *extra, *([unit] if unit else [])]))
            splits[unit] = split(frame, columns)
        series = splits[unit]
        for number, told in enumerate(series.tell()):
            rows = series.rows(number)
            value, words = column.drawn(rows)
            whole = series.times(number)
            there = ~np.isnan(value)
            value, time = (value, whole) if there.all() else (value[there], whole[there])
            if not len(value):
                continue
            symbol = str(told.pop(unit)) if unit and unit in told else str(of_grid.get(name, ""))
            topic = told.get(TOPIC)
            state = bool(words) or is_state(value, topic)
            label = not words and column.is_label(rows)
            mixed = column.words and not words  # what stands between the numbers is a word, and not nothing
            breaks, of_rows = breaks_of(whole, None if mixed or messages else there, time, state=state)
            lines.append(Line(name, symbol, told, time, value, words, state, breaks, label=label, of_rows=of_rows))
    kinds: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        kinds.setdefault((line.field, line.unit, line.keys.get(TOPIC)), []).append(line)
    for same in kinds.values():  # a relay that was never switched is a state like the others
        all_states = all(line.state or (line.value == line.value[0]).all() for line in same)
        for line in same:
            line.state = bool(line.words) or (all_states and any(one.state for one in same))
    return lines, seen, beyond


def breaks_of(whole: Ints, there: Flags | None, time: Ints, *, state: bool) -> tuple[Ints, bool]:
    """Give the values, by their number, after which a line through them is broken, and whether rows without one do so.

    Parameters
    ----------
    whole : numpy.ndarray
        The instants of all rows of a series, ascending.
    there : numpy.ndarray or None
        Which rows hold a value; None if they are messages, of which some lack this field without anything being amiss.
        Rows on an even grid without a value are a gap, unless the values come at a slower rate than the rows.
    time : numpy.ndarray
        The instants of the values.
    state : bool
        Whether the line is one of states, which hold until the next.
    """
    pace = cadence(time)
    if there is not None and len(time) < len(whole) and _is_even(whole):
        steps = np.diff(np.flatnonzero(there))
        slower = np.median(steps) > 1 and (state or pace.regular.any()) if len(steps) else False
        if not slower:
            return np.flatnonzero(steps > 1), True
    return silences(time, pace, anyhow=np.inf if state or len(time) < _MANY else _LONG), False


def _is_even(time: Ints) -> bool:
    """Tell whether instants are those of a grid: steps of one length, or of as many days, or of months."""
    pause = np.diff(time)
    if not len(pause) or pause.min() <= 0:
        return False
    if pause.min() == pause.max():
        return True
    days = np.rint(pause / times.DAY)
    if days.min() < 1 or (pause % _QUARTER).any() or (np.abs(pause - days * times.DAY) > _CHANGE).any():
        return False
    return bool(days.min() == days.max() or (days.min() >= _MONTH[0] and days.max() <= _MONTH[1]))


def _units_of_grid(frame: pd.DataFrame) -> dict[Any, Any]:
    """Give the units that `wide` wrote into `attrs`, by column."""
    names, units = (frame.attrs.get(key) for key in ("columns", "units"))
    return dict(zip(names, units, strict=False)) if isinstance(names, list) and isinstance(units, list) else {}


def _placed(
    lines: list[Line], facets: list[str], *, overlay: bool, right: list[str], sides: str, notes: list[str]
) -> list[Line]:
    """Give each line its panel, and leave out what no figure can show, with a note."""
    for line in lines:
        line.right = line.field in right
        # A bare number is named by its topic alone: light and voltage are no common axis.
        bare = line.keys.get(TOPIC) if line.field == "value" and not line.unit else None
        quantity = () if overlay else (line.field, line.unit, line.state, bare)
        line.panel = (*(str(line.keys.get(name, "")) for name in facets), *quantity)
    if not overlay:
        lines = sorted(lines, key=lambda line: line.state)
    panels = list(dict.fromkeys(line.panel for line in lines))
    if len(panels) > _PANELS:
        notes.append(f"{_PANELS} of {len(panels):,} panels are drawn; choose with fields=, or filter the frame")
        moving = {line.panel for line in lines if (line.value != line.value[0]).any()}
        panels.sort(key=lambda panel: panel not in moving)  # what never changes gives way
        lines = [line for line in lines if line.panel in panels[:_PANELS]]
    if len(lines) > _LINES:
        # In turn from each panel and side, the fullest first, so that none is emptied by another.
        kin = {id(line): str((line.panel, line.field, line.keys | {sides: ""})) for line in lines}
        full: Counter[str] = Counter()
        for line in lines:
            full[kin[id(line)]] += len(line.time)
        by_size = sorted(lines, key=lambda line: -full[kin[id(line)]])
        place: Counter[tuple[Any, ...]] = Counter()
        turn = {}
        for line in by_size:
            beside = (line.panel, line.keys.get(sides))
            turn[id(line)] = place[beside]
            place[beside] += 1
        best = {id(line) for line in sorted(by_size, key=lambda line: turn[id(line)])[:_LINES]}
        notes.append(f"the {_LINES} fullest of {len(lines):,} lines; filter the frame to see others")
        lines = [line for line in lines if id(line) in best]
    return lines


def named(lines: list[Line], by: list[str], facets: list[str], always: str = "", *, apart: bool = False) -> None:
    """Name each line by as little as tells it from the others of its panel, and by one column `always`.

    Or `by` some columns; with what else tells it from the others behind them, if each must be told `apart`.
    """
    for panel in dict.fromkeys(line.panel for line in lines):
        own = [line for line in lines if line.panel == panel]
        columns = list(dict.fromkeys(key for line in own for key in line.keys))
        chosen = [name for name in by if name in columns]
        if not by or apart:
            order = sorted(columns, key=lambda name: _TELLING.index(name) if name in _TELLING else -1)
            told_by = telling([line.keys for line in own], [*chosen, *(name for name in order if name not in facets)])
            chosen = list(dict.fromkeys([*([always] if always else []), *chosen, *told_by]))
        several = len({line.field for line in own}) > 1
        for line in own:
            parts = {name: in_words(name, line.keys[name]) for name in columns if name in line.keys}
            line.told = "<br>".join(map(look.said, parts.values()))
            words = [parts.get(name, f"no {name}") for name in chosen if name in parts or name in by]
            alone = line.field if CLIENT in facets else parts.get(CLIENT, line.field)  # its panel is headed by it
            name = " · ".join([*words, *([line.field] if several else [])]) or alone
            line.name = look.said(name)
