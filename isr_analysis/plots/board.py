"""All publishers at a glance: when each was last heard, and what it last said."""

from __future__ import annotations

import datetime as dt
import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.series import CLIENT, missing, nanoseconds, stamps, taken, zone_of
from isr_analysis.checks.standing import LIVE, SILENT, STALE, limits_of, standing
from isr_analysis.plots import theme as look

_ROWS = 200
_NAME = 14  # characters of a line that fit on a phone
_WIDE, _LINE, _WORD = 58, 40, 22  # of a line in some 1000 px, as in JupyterLab, and in 600; of a word on a phone
_HEAD, _TWO_LINES = 30, 46  # px of a row
_TALLEST = 900  # px; a longer table is scrolled in its place
_SEEN = 3  # rows of which all are seen in a narrow figure, too, where each has more lines


def live(
    df: pd.DataFrame,
    *,
    now: times.Instant | None = None,
    stale: str | dt.timedelta = "15min",
    silent: str | dt.timedelta = "1d",
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw the live board: one row per publisher, with the longest silent at the top.

    Parameters
    ----------
    df : pandas.DataFrame
        The result of `load_live`, or any frame of messages; the last message of each client counts. It is not changed.
    now : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The time from which ages are counted. Default: when the portal answered (``attrs["fetched_at"]``), else the last
        message of all.
    stale, silent : str or timedelta
        Publishers not heard for this long are highlighted, for `silent` more strongly.
    tz : str or tzinfo, optional
        The time zone for times; by default, that of the index.
    title : str, optional
        Replaces "Live".
    theme : {"light", "dark"}
        The background on which the figure will be shown.

    Returns
    -------
    plotly.graph_objects.Figure
        A table. Without any rows, a figure that says so.

    Raises
    ------
    UsageError
        There is no ``client_id``, or an argument cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.DatetimeIndex(["2026-11-01T12:00", "2026-11-01T11:00"], tz="UTC", name="time")
    >>> df = pd.DataFrame({"client_id": ["isr-shack-01", "isr-hill-02"], "topic": "heartbeat"}, index=index)
    >>> [*isr.plots.live(df, now="2026-11-01T12:00:30").data[0].cells["values"][0]]
    ['isr-hill-02', 'isr-shack-01']
    """
    ground = look.checked(theme)
    frame = taken(df)
    limits_of(stale, silent)  # refuses what is none, also of an empty frame
    heading = title or "Live: each publisher's last message"
    if len(frame):
        if CLIENT not in frame.columns:
            raise missing(frame, [CLIENT])
        frame = frame.iloc[np.argsort(nanoseconds(frame.index), kind="stable")].dropna(subset=[CLIENT])
    if not len(frame):
        return look.nothing(ground, title=heading, words="No data: no publisher was heard")
    zone = (zone_of(frame) if tz is None else times.zone(tz)) or dt.UTC
    at = int(nanoseconds(frame.index)[-1])
    if now is not None:
        at = times.instant(now, zone, name="now")
    elif told := df.attrs.get("fetched_at"):
        at = times.instant(told)
    table = standing(frame, now=at, stale=stale, silent=silent)
    table = table.sort_values("age", ascending=False, kind="stable")
    notes = [f"as of {stamps([at], zone)[0]:%a %d %b %Y %H:%M:%S} ({zone})"]
    if df.attrs.get("stale"):
        notes.append("the portal could not be reached: this is an older answer")
    if len(table) > _ROWS:
        notes.append(f"the {_ROWS} longest silent of {len(table):,} publishers")
        table = table.head(_ROWS)
    if len(table) > _SEEN:
        notes.append(f"{counted(len(table), 'row')}; scroll the table to see them all")
    return _drawn(table, zone, ground, heading=heading, notes=notes)


def _drawn(table: pd.DataFrame, zone: dt.tzinfo, ground: look.Theme, *, heading: str, notes: list[str]) -> go.Figure:
    """Draw a table of `standing`, as high as its rows need."""
    ink = look.INK[ground]
    colours = {LIVE: ink["live"], STALE: ink["stale"], SILENT: ink["silent"]}
    columns = {
        "publisher": [look.folded(one, _NAME) for one in table["client_id"]],
        f"heard, at ({zone})": [
            f"● {state}, {times.ago(age.value)}, {heard.tz_convert(zone):%d %b %H:%M:%S}"
            for state, age, heard in zip(table["state"], table["age"], table["heard"], strict=True)
        ],
        "topic and content": [
            _content(": ".join(part for part in parts if part))
            for parts in zip(table["topic"], table["says"], strict=True)
        ],
    }
    lines = np.array([
        max(2, name.count("<br>") + 1, len(textwrap.wrap(words, _WIDE)), words.count("<br>") + 1)
        for name, _, words in zip(*columns.values(), strict=True)
    ])  # fmt: skip
    strong, plain = [colours[one] for one in table["state"]], [ink["text"]] * len(table)
    figure = go.Figure(
        go.Table(
            columnwidth=[32, 30, 46],
            header={"values": [f"<b>{name}</b>" for name in columns], "align": "left", "height": _HEAD,
                    "fill": {"color": ink["empty"]}, "line": {"color": ink["grid"]},
                    "font": {"color": ink["soft"], "size": 12}},
            cells={"values": list(columns.values()), "align": "left", "height": _TWO_LINES,
                   "fill": {"color": ink["paper"]}, "line": {"color": ink["grid"]},
                   "font": {"color": [plain, strong, plain]}},
        )
    )  # fmt: skip
    height = 82 + _HEAD + _TWO_LINES * len(table) + 16 * int((lines - 2).sum())
    look.dressed(figure, ground, title=heading, notes=notes, height=min(height, _TALLEST))
    figure.update_layout(margin={"l": 20, "r": 20, "b": 16})
    return figure


def _content(text: str) -> str:
    """Leave the lines to plotly, which breaks them by the width there is; but not where a word is too long for it."""
    return look.folded(text, _LINE) if any(len(word) > _WORD for word in text.split()) else look.said(text)
