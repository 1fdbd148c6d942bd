"""All publishers at a glance: who was heard when, and what each said last."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.series import CLIENT, missing, nanoseconds, stamps, taken, zone_of
from isr_analysis.checks.standing import LIVE, SILENT, STALE, limits_of, standing
from isr_analysis.plots import theme as look

_ROWS = 200
_NAME, _TOPIC, _A_LINE = 12, 17, 36  # characters of a column, where the figure is some 700 px wide, as in JupyterLab
_TWO_LINES = 46  # px of a row
_TALLEST = 900  # px; a longer table is scrolled in its place


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
    """Draw the live board: a row for each publisher, the longest silent on top.

    Parameters
    ----------
    df : pandas.DataFrame
        What `load_live` gives, or any frame of messages; the last one of each client counts. It is not changed.
    now : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        From when the ages are counted; if left out, when the portal answered (``attrs["fetched_at"]``), else the last
        message of all.
    stale, silent : str or timedelta
        Whoever was not heard for so long stands out, and stands out more.
    tz : str or tzinfo, optional
        The zone of the instants; that of the index if left out.
    title : str, optional
        In place of "Live".
    theme : {"light", "dark"}
        The ground on which it will be seen.

    Returns
    -------
    plotly.graph_objects.Figure
        A table. Without any row, a figure that says so.

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
    >>> [*isr.plots.live(df, now="2026-11-01T12:00:30").data[0].cells["values"][1]]
    ['isr-hill-02', 'isr-shack-01']
    """
    ground = look.checked(theme)
    frame = taken(df)
    limits_of(stale, silent)  # refuses what is none, also of an empty frame
    heading = title or "Live: the last message of each publisher"
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

    ink = look.INK[ground]
    colours = {LIVE: look.COLOURS[ground][2], STALE: ink["stale"], SILENT: ink["bad"]}
    columns = {
        "": ["●"] * len(table),
        "publisher": [look.folded(one, _NAME) for one in table["client_id"]],
        "state": [*table["state"]],
        "last heard": [times.ago(one.value) for one in table["age"]],
        f"at ({zone})": [f"{one.tz_convert(zone):%d %b<br>%H:%M:%S}" for one in table["heard"]],
        "topic": [look.folded(one, _TOPIC) for one in table["topic"]],
        "said": [look.folded(one, _A_LINE) for one in table["says"]],
    }
    lines = np.array([1 + max(text.count("<br>") for text in row) for row in zip(*columns.values(), strict=True)])
    strong = [colours[one] for one in table["state"]]
    plain = [ink["text"]] * len(table)
    figure = go.Figure(
        go.Table(
            columnwidth=[12, 58, 28, 46, 38, 73, 141],
            header={"values": [f"<b>{name}</b>" for name in columns], "align": "left", "height": _TWO_LINES,
                    "fill": {"color": ink["empty"]}, "line": {"color": ink["grid"]},
                    "font": {"color": ink["soft"], "size": 12}},
            cells={"values": list(columns.values()), "align": "left", "height": _TWO_LINES,
                   "fill": {"color": ink["paper"]}, "line": {"color": ink["grid"]},
                   "font": {"color": [strong, plain, strong, *[plain] * 4]}},
        )
    )  # fmt: skip
    height = 82 + _TWO_LINES * (1 + len(table)) + 16 * int(np.maximum(lines - 2, 0).sum())
    if height > _TALLEST:
        height = _TALLEST
        notes.append(f"{counted(len(table), 'row')}; scroll the table to see them all")
    look.dressed(figure, ground, title=heading, notes=notes, height=height)
    figure.update_layout(margin={"l": 20, "r": 20, "b": 16})
    return figure
