"""The content of a report about one topic: computed once, as text, numbers and figures, and then shown."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import isr_analysis as isr
from isr_analysis.checks import intervals, quality
from isr_analysis.checks.absence import SILENT
from isr_analysis.checks.cadence import cadence
from isr_analysis.checks.grid import mean
from isr_analysis.checks.kinds import decimals, is_direction
from isr_analysis.checks.naming import channel
from isr_analysis.checks.saying import as_published
from isr_analysis.checks.series import CLIENT, TOPIC, Floats, Ints, nanoseconds, natural, stamps, taken, zone_of
from isr_analysis.errors import UsageError, in_words
from isr_analysis.plots import pick, zones
from isr_analysis.plots import values as columns
from isr_analysis.plots.outside import measured
from isr_analysis.plots.panels import Line
from isr_analysis.report.markup import listed, written
from isr_analysis.times import Range

_LAST_MESSAGES = 8
_LONG = 80  # characters of a list, an object or bytes in a table
_NUMBERS = [CLIENT, "channel", "field", "unit", "least", "mean", "rise", "greatest", "now", "messages", "decimals",
            "without"]  # fmt: skip
_TOTAL = re.compile(
    r"uptime|total|count|bytes|octets|packets|pulses|ticks|tips|energy|[kM]?[Ww][Hh](?![a-z])", re.IGNORECASE
)
_ENERGY = {"Wh", "kWh", "MWh"}
_CODE = 999  # beyond which whole numbers that only rise are no share, code or level
_FALLS = 0.02  # of the rises: late messages
_TOP, _TOP_BARE = 40, 16  # room above a figure without a title, with and without headings of its panels


@dataclass(frozen=True, slots=True)
class Chapter:
    """One topic.

    Parameters
    ----------
    topic : str
        Which.
    rows : int
        Its messages.
    clients : list of str
        Whose they are.
    every : list of pandas.Timedelta
        The intervals at which they come, the shortest first; empty if they come when something happens.
    figures : list of plotly Figure
        What is measured as lines, and states as bars; none if nothing in it can be drawn.
    said : list of str
        What the figures say of themselves, such as that they were thinned.
    numbers : pandas.DataFrame
        A row for each measured channel, field and unit: least, mean, greatest and last value, how many there are,
        how many decimals they were published with, and how often each value came that stands for no measurement, which
        least, mean and greatest are without. What counts up has no mean, but by how much it rose, in ``rise``.
    tail : pandas.DataFrame or None
        Its last messages as text, if there is no figure.
    findings : pandas.DataFrame
        What looks wrong, as of `isr_analysis.quality`.
    problem : str
        Why the rest is missing; empty if it is not.
    detail : str
        The traceback.
    """

    topic: str
    rows: int
    clients: list[str]
    every: list[pd.Timedelta]
    figures: list[Any]
    said: list[str]
    numbers: pd.DataFrame
    tail: pd.DataFrame | None
    findings: pd.DataFrame
    problem: str = ""
    detail: str = ""


def chapter(
    topic: str,
    df: pd.DataFrame,
    span: Range | None = None,
    coverage: pd.DataFrame | None = None,
    heard: pd.DataFrame | None = None,
) -> Chapter:
    """Work out one topic from its messages; its figures show the whole of `span`, if it is given.

    What `coverage` says is not on disk is no silence. `heard` is who published when, on any topic.
    """
    df = taken(df)
    lines = [] if pick.event_rows(df).all() else pick.lines_of(df, columns.fields_of(df, None), [])[0]
    lines = [line for line in lines if not line.label]
    figures, said = drawn(df, lines, _elsewhere(topic, df, lines, heard))
    if span is not None:
        for figure in figures:
            _across(figure, df, span)
    paces = intervals(df)
    return Chapter(
        topic,
        len(df),
        [str(one) for one in df[CLIENT].cat.categories],
        sorted(paces.loc[paces["regular"].fillna(value=False), "interval"].dt.round("1s").unique()),
        figures,
        said,
        in_numbers(lines),
        None if figures else _as_text(df.tail(_LAST_MESSAGES)),
        _found(df, paces, coverage),
    )


def _found(df: pd.DataFrame, paces: pd.DataFrame, coverage: pd.DataFrame | None) -> pd.DataFrame:
    """Give what looks wrong; where a channel is all that a client has, its silence is the topic's."""
    found = quality(df, coverage)
    channels = paces.groupby(CLIENT)["channel"].nunique()
    alone = found[CLIENT].isin(channels[channels == 1].index) & found["kind"].eq(SILENT)
    return found.assign(channel=found["channel"].mask(alone, ""))


def broken(topic: str, exc: Exception) -> Chapter:
    """Give the chapter of a topic that could not be worked out."""
    nothing = pd.DataFrame()
    return Chapter(
        topic, 0, [], [], [], [], nothing, None, nothing, in_words(exc), "".join(traceback.format_exception(exc))
    )


def _elsewhere(topic: str, df: pd.DataFrame, lines: list[Line], heard: pd.DataFrame | None) -> pd.DataFrame:
    """Give the messages on other topics that tell when a client was silent whose states show it not by themselves."""
    if heard is None or all(not line.state or cadence(line.time).regular.all() for line in lines):
        return df.iloc[:0]
    return heard[heard[CLIENT].isin(df[CLIENT].cat.categories) & (heard[TOPIC] != topic)]


def _joined(df: pd.DataFrame, elsewhere: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([df, elsewhere[[CLIENT, TOPIC]]]) if len(elsewhere) else df


def drawn(df: pd.DataFrame, lines: list[Line], elsewhere: pd.DataFrame) -> tuple[list[Any], list[str]]:
    """Draw a topic: what is measured as lines, its states as bars; what never changes only if nothing does."""
    if pick.event_rows(df).all():
        return _figures([(isr.plots.timeseries, df)])
    measured = {line.field for line in lines if not line.state}
    moving = {line.field for line in lines if not line.state and line.value.min() < line.value.max()}
    states = {line.field for line in lines} - measured
    still = {str(name): _only(df[name]) for name in df.columns if name in measured - moving or name in states}
    still = {name: word for name, word in still.items() if word or name in measured}
    for out in (still, {name: word for name, word in still.items() if name in measured}, {}):
        figures, said = _figures([
            (isr.plots.timeseries, df.drop(columns=[*states.union(out)]) if measured.difference(out) else None),
            (isr.plots.timeline, _joined(df.drop(columns=[*measured.union(out)]), elsewhere)),
        ])  # fmt: skip
        if figures:
            told = listed(f"{name} ({word})" if word else name for name, word in out.items())
            return figures, [*said, *([f"always the same, so not drawn: {told}"] if told else [])]
    return [], []


def _only(column: pd.Series) -> str:
    """Write the one value that a column holds, if it holds no other."""
    held = columns.read(column)
    words, numbers = np.unique(held.code[held.code >= 0]), np.unique(held.number[~np.isnan(held.number)])
    if len(words) + len(numbers) != 1:
        return ""
    return held.words[words[0]] if len(words) else written(float(numbers[0]))


def _figures(ways: list[tuple[Any, pd.DataFrame | None]]) -> tuple[list[Any], list[str]]:
    """Draw in each way what can be drawn so, and give what the figures say of themselves."""
    figures, said = [], []
    for draw, df in ways:
        if df is None:
            continue
        try:
            figure = draw(df)
        except UsageError:  # this way shows nothing of it
            continue
        if figure.data:
            figures.append(figure)
            said += bare(figure, str(df[TOPIC].iloc[0]))
    return figures, [*dict.fromkeys(said)]


def _across(figure: Any, df: pd.DataFrame, span: Range) -> None:
    """Let the axis of time show the whole range: so figures can be compared, and who fell silent is seen to."""
    ends = nanoseconds(df.index)[[0, -1]]
    hands = zones.clock(ends, zone_of(df))
    shown = np.array([min(span.start, ends[0]), max(span.end, ends[1])])
    figure.layout.xaxis.range = zones.around(shown, hands)


def bare(figure: Any, heading: str = "") -> list[str]:
    """Take title and notes off a figure, as the section's heading is its title; the notes are given back.

    What is read out in place of the figure is still its title, kept in ``layout.meta``.
    """
    title, layout = figure.layout.title, figure.layout
    notes = re.split(r"<br>| · ", (title.subtitle.text if title.subtitle else None) or "")
    kept = [one for one in layout.annotations if one.text != heading]
    spare = max(0, (layout.margin.t or _TOP) - (_TOP if kept else _TOP_BARE))
    layout.annotations = kept
    layout.meta = {"title": title.text}
    layout.title = {"text": "", "subtitle": {"text": ""}}
    layout.margin.t = (layout.margin.t or _TOP) - spare
    if layout.height:
        layout.height -= spare
    return [note.partition("; ")[0] for note in notes if note]


def in_numbers(lines: list[Line]) -> pd.DataFrame:
    """Give least, mean, greatest and last value of what is measured, by how much it rose of what counts up."""
    rows = []
    lines = [line for line in lines if not line.state]
    values = [measured(line.value, line.field) for line in lines]
    totals = {(line.field, line.unit) for line, value in zip(lines, values, strict=True) if _counts_up(value, line)}
    for line, value in zip(lines, values, strict=True):
        known = np.isin(line.value, value) if len(value) < len(line.value) else np.ones(len(value), bool)
        total = (line.field, line.unit) in totals and (_counts_up(value, line) or bool((np.diff(value) >= 0).all()))
        rows.append({
            CLIENT: str(line.keys.get(CLIENT, "")), "channel": channel(line.keys), "field": line.field,
            "unit": line.unit, "least": value.min(), "mean": np.nan if total else mean(value, line.field),
            "rise": _rise(value, line.time[known]) if total else np.nan,
            "greatest": value.max(), "now": line.value[-1],
            "messages": len(line.value), "decimals": decimals(value),
            "without": Counter(line.value[~known].tolist()),
        })  # fmt: skip
    found = pd.DataFrame(rows, columns=[*_NUMBERS])
    return found.sort_values([CLIENT, "channel"], key=lambda one: one.map(natural), kind="stable", ignore_index=True)


def _counts_up(value: Floats, line: Line) -> bool:
    """Tell whether values are those of a counter, whose mean says nothing: they rise, or begin anew.

    So does a battery that is charged; what is not called a total has to be whole and greater than a share or level is.
    """
    named = line.unit in _ENERGY or _TOTAL.search(line.field) is not None
    if is_direction(line.field) or value.min() < 0:
        return False
    if not named and (value.max() <= _CODE or (value != np.floor(value)).any()):
        return False
    before, after = value[:-1], value[1:]
    rises, anew = (int(np.count_nonzero(one)) for one in (after > before, after < before / 2))
    falls = int(np.count_nonzero(after < before)) - anew
    least, most = (3, 0.25) if named else (10, _FALLS)  # a device may be restarted each hour
    return rises >= least and falls <= _FALLS * rises and anew <= most * rises


def _rise(value: Floats, time: Ints) -> float:
    """Give by how much a counter rose from the first to the last message."""
    frame = pd.DataFrame({"value": value}, index=stamps(time, None))
    return float(isr.wide(frame, every="1d", counter=True)["value"].sum())


def _as_text(df: pd.DataFrame) -> pd.DataFrame:
    rows = df.dropna(axis="columns", how="all").astype("object").drop(columns=[TOPIC])
    rows.insert(0, "time", [written(one) for one in df.index])
    return rows.map(_brief)


def _brief(value: Any) -> Any:
    if not isinstance(value, bytes | list | dict):
        return value
    text = repr(value) if isinstance(value, bytes) else as_published(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
