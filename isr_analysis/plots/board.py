"""All publishers at a glance: who was heard when, and what each said last."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.checks.saying import saying
from isr_analysis.checks.series import CLIENT, TOPIC, missing, nanoseconds, stamps, taken, zone_of
from isr_analysis.errors import UsageError
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
    limits = times.duration(stale, name="stale"), times.duration(silent, name="silent")
    if limits[1] < limits[0]:
        raise UsageError(f"silent={silent!r} is shorter than stale={stale!r}")
    heading = title or "Live: the last message of each publisher"
    if not len(frame):
        return look.nothing(ground, title=heading, words="No data: no publisher was heard")
    if CLIENT not in frame.columns:
        raise missing(frame, [CLIENT])
    zone = (zone_of(frame) if tz is None else times.zone(tz)) or dt.UTC
    ns = nanoseconds(frame.index)
    frame = frame.iloc[np.argsort(ns, kind="stable")].groupby(CLIENT, observed=True, sort=False).tail(1)
    ns = nanoseconds(frame.index)
    told = df.attrs.get("fetched_at")
    at = times.instant(now, zone, name="now") if now is not None else times.instant(told) if told else int(ns.max())
    notes = [f"as of {stamps([at], zone)[0]:%a %d %b %Y %H:%M:%S} ({zone})"]
    if df.attrs.get("stale"):
        notes.append("the portal could not be reached: this is an older answer")
    if len(frame) > _ROWS:
        notes.append(f"the {_ROWS} longest silent of {len(frame):,} publishers")
        frame, ns = frame.iloc[:_ROWS], ns[:_ROWS]

    topics = frame[TOPIC].astype("str") if TOPIC in frame.columns else [""] * len(frame)
    age = at - ns
    level = np.searchsorted(limits, age, side="left")
    ink = look.ink(ground)
    colours = [look.palette(ground)[2], ink["stale"], ink["bad"]]
    words = np.array(["heard", "stale", "silent"])[level]
    columns = {
        "": np.array(["●"] * len(frame)),
        "publisher": np.array([look.folded(one, _NAME) for one in frame[CLIENT].astype("str")]),
        "state": words,
        "last heard": np.array([times.ago(float(one)) for one in age]),
        f"at ({zone})": np.array([f"{one:%d %b<br>%H:%M:%S}" for one in stamps(ns, zone)]),
        "topic": np.array([look.folded(one, _TOPIC) for one in topics]),
        "said": np.array([look.folded(saying(row), _A_LINE) for row in frame.astype("object").to_dict("records")]),
    }
    lines = np.array([1 + max(text.count("<br>") for text in row) for row in zip(*columns.values(), strict=True)])
    strong = [colours[one] for one in level]
    plain = [ink["text"]] * len(frame)
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
    height = min(82 + _TWO_LINES * (1 + len(frame)) + 16 * int((lines - 2).sum()), _TALLEST)
    look.dressed(figure, ground, title=heading, notes=notes, height=height)
    figure.update_layout(margin={"l": 20, "r": 20, "b": 16})
    return figure
