"""What a report says of one topic: worked out once, in words and numbers and drawn, and only then shown."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import isr_analysis as isr
from isr_analysis.checks import channels, intervals, quality
from isr_analysis.checks.kinds import numbers
from isr_analysis.checks.series import CLIENT, TOPIC, identity, named, split
from isr_analysis.errors import UsageError
from isr_analysis.report.markup import listed, written

_LAST_MESSAGES = 8
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
    figure : plotly Figure or None
        Drawn; None if nothing in it can be.
    said : list of str
        What the figure says of itself, such as that it was thinned.
    numbers : pandas.DataFrame
        A row for each measured channel and field: least, mean, greatest and last value.
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
    figure: Any
    said: list[str]
    numbers: pd.DataFrame
    tail: pd.DataFrame | None
    findings: pd.DataFrame
    problem: str = ""
    detail: str = ""


def chapter(topic: str, df: pd.DataFrame) -> Chapter:
    """Work out one topic from its messages."""
    found = channels(df)
    measured = in_numbers(df, found)
    figure, said = drawn(df, found, measured)
    paces = intervals(df)
    return Chapter(
        topic,
        len(df),
        [str(one) for one in df[CLIENT].cat.categories],
        sorted(paces.loc[paces["regular"].fillna(value=False), "interval"].dt.round("1s").unique()),
        figure,
        said,
        measured,
        None if figure is not None else _as_text(df.tail(_LAST_MESSAGES)),
        quality(df),
    )


def broken(topic: str, exc: Exception) -> Chapter:
    """Give the chapter of a topic that could not be worked out."""
    from isr_analysis.report.outline import words_of

    nothing = pd.DataFrame()
    return Chapter(
        topic, 0, [], [], None, [], nothing, None, nothing, words_of(exc), "".join(traceback.format_exception(exc))
    )


def drawn(df: pd.DataFrame, found: pd.DataFrame, measured: pd.DataFrame) -> tuple[Any, list[str]]:
    """Draw a topic: as lines where anything is measured, else as spans of states; None if it holds neither."""
    kinds, fields, said = set(found["kind"]), None, []
    if kinds == {"state"}:
        ways = [isr.plots.timeline, isr.plots.timeseries]
    else:
        ways = [isr.plots.timeseries, isr.plots.timeline]
        still = [
            str(name)
            for name, own in measured.groupby("field", sort=False)
            if own["least"].min() == own["greatest"].max()
        ]
        vary = [name for name in found["field"].unique() if name not in still]
        if still and vary and "event" not in kinds:
            fields, said = vary, [f"always the same, so not drawn: {listed(still)}"]
    for draw in ways:
        try:
            figure = draw(df, fields)
        except UsageError:  # this way shows nothing of it
            continue
        if figure.data:
            return figure, [*bare(figure, str(df[TOPIC].iloc[0])), *said]
    return None, []


def bare(figure: Any, heading: str = "") -> list[str]:
    """Take title and notes off a figure, as the section's heading is its title; the notes are given back."""
    title, layout = figure.layout.title, figure.layout
    notes = re.split(r"<br>| · ", (title.subtitle.text if title.subtitle else None) or "")
    kept = [one for one in layout.annotations if one.text != heading]
    spare = max(0, (layout.margin.t or _TOP) - (_TOP if kept else _TOP_BARE))
    layout.annotations = kept
    layout.title = {"text": "", "subtitle": {"text": ""}}
    layout.margin.t = (layout.margin.t or _TOP) - spare
    if layout.height:
        layout.height -= spare
    return [note.partition("; choose")[0] for note in notes if note]


def in_numbers(df: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Give least, mean, greatest and last value of each measured channel and field."""
    wanted = found[found["kind"] == "measurement"]
    columns = {name: numbers(df[name]) for name in wanted["field"].unique()}
    series = split(df, identity(df))
    clients, _, names = named(series)
    places = {key: number for number, key in enumerate(zip(clients, names, strict=True))}
    rows = []
    for one in wanted.to_dict("records"):
        at = series.rows(places[one[CLIENT], one["channel"]])
        values = columns[one["field"]][at]
        values = values[np.isfinite(values)]
        if len(values):
            rows.append(
                {**one, "least": values.min(), "mean": values.mean(), "greatest": values.max(), "now": values[-1]}
            )
    return pd.DataFrame(rows, columns=[*found.columns, "least", "mean", "greatest", "now"])


def _as_text(df: pd.DataFrame) -> pd.DataFrame:
    rows = df.dropna(axis="columns", how="all").astype("object").drop(columns=[TOPIC])
    rows.insert(0, "time", [written(one) for one in df.index])
    return rows.map(lambda value: repr(value)[:80] if isinstance(value, bytes | list | dict) else value)
