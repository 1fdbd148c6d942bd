"""Availability, day by day and client by client."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.series import CLIENT, Floats, Ints, Series, natural, split, stamps, taken, zone_of
from isr_analysis.checks.tables import day_edges, never_heard, whole_span
from isr_analysis.plots import theme as look

_ROWS = 60
_LABELS = 15
_MANY = 100  # days beyond which a gap between them would hide them
_MOST = 400
_BAR = {"tickvals": [0, 50, 100], "ticktext": ["0%", "50%", "100%"], "thickness": 12, "outlinewidth": 0,
        "lenmode": "pixels", "len": 120, "y": 1, "yanchor": "top"}  # fmt: skip


def availability(
    df: pd.DataFrame | pd.Series,
    *,
    tz: str | dt.tzinfo | None = None,
    title: str | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw on which days each client was heard, and for how much of each day.

    A cell is the share of the day's hours in which at least one message arrived, so that clients that publish often and
    rarely can be compared. Hours are in the given zone: a day on which the clocks change has 23 or 25. If less than
    half of the last hour was in the loaded range, it does not count.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index; without ``client_id`` it is drawn as one row. It is not
        changed.
    tz : str or tzinfo, optional
        The time zone that defines the days; by default, that of the index.
    title : str, optional
        Replaces "Availability".
    theme : {"light", "dark"}
        The background on which the figure will be shown.

    Returns
    -------
    plotly.graph_objects.Figure
        Clients by days of the loaded range, or from the first to the last message; one that was asked for by name and
        never heard has an empty row. More than 400 days are drawn several to a cell; of more than 60 clients, those
        heard least are drawn. Without any rows, a figure that says so.

    Raises
    ------
    UsageError
        The index is not a time index, or an argument cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    >>> figure = isr.plots.availability(pd.DataFrame({"client_id": "isr-shack-01"}, index=index))
    >>> figure.data[0].z.tolist()
    [[100.0, 100.0]]
    """
    ground = look.checked(theme)
    frame = taken(df)
    heading = title or "Availability: share of each day's hours with a message"
    if not len(frame):
        return look.nothing(ground, title=heading, words="No data: the frame has no rows")
    zone = (zone_of(frame) if tz is None else times.zone(tz)) or dt.UTC
    series = split(frame, [CLIENT] if CLIENT in frame.columns else [])
    names = [look.said(one) for one in series.keys[CLIENT]] if CLIENT in series.keys else ["all messages"]

    span = whole_span(frame) or times.Range(0, 0)
    each = max(1, -(-(span.end - span.start) // times.DAY // _MOST))
    edges = day_edges(span, zone, each)
    many = len(edges) - 1
    share, messages, hours = _shares(series, span, edges)
    if absent := never_heard(frame):
        names += [look.said(one) for one in absent]
        share, messages, hours = (np.concatenate([one, np.zeros((len(absent), *one.shape[1:]), one.dtype)])
                                  for one in (share, messages, hours))  # fmt: skip
    least = np.lexsort((np.array(names), hours))[:_ROWS]
    order = sorted(least.tolist(), key=lambda at: natural(names[at]), reverse=True)
    notes = []
    if len(names) > _ROWS:
        notes.append(f"the {_ROWS} least heard of {len(names):,} clients; filter the frame to see others")
    if each > 1:
        notes.append(f"each cell is {each} days")
    text = [[counted(int(one), "message") for one in row] for row in messages[order]]
    rows = look.name_axis([names[at] for at in order[::-1]])
    cut = "ticktext" in rows  # the hover of an axis says what stands beside it
    figure = go.Figure(
        go.Heatmap(
            x=[str(one.date()) for one in stamps(edges[:-1], zone)], y=[names[at] for at in order],
            z=share[order].round(1), text=text,
            zmin=0, zmax=100, xgap=2 if many <= _MANY else 0, ygap=2, colorscale=look.SCALES[ground],
            colorbar=_BAR, customdata=[[names[at]] * many for at in order] if cut else None,
            hovertemplate=f"<b>%{{{'customdata' if cut else 'y'}}}</b>"
            "<br>%{x|%a %-d %b %Y}<br>%{z} % of the hours, %{text}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=f"Day ({zone})", type="date", showgrid=False, **_ticks(many * each))
    figure.update_yaxes(**rows, showgrid=False, ticks="", showline=False)
    return look.dressed(figure, ground, title=heading, notes=notes, height=150 + max(3, len(order)) * 28)


def _shares(series: Series, span: times.Range, edges: Ints) -> tuple[Floats, Ints, Ints]:
    """Give, by series and day, the % of its hours with a message, and its messages; and the hours of each series.

    Of the first and the last day only what the frame speaks for counts.
    """
    many = len(edges) - 1
    day = np.searchsorted(edges, series.time, side="right") - 1
    cell = series.code * many + day
    hour = (series.time - edges[day]) // times.HOUR
    new = np.concatenate([[True], (np.diff(hour) != 0) | (np.diff(cell) != 0)])
    hours, messages = (
        np.bincount(one, minlength=len(series) * many).reshape(len(series), many) for one in (cell[new], cell)
    )
    inside = np.clip(edges, span.start, span.end)
    # Of an hour that a range was loaded up to, less than half says nothing: perhaps no message was due yet.
    ended = (inside[1:] - edges[:-1]) / times.HOUR
    ended = np.round(ended) if span.end - series.time.max() > 1 else np.ceil(ended)
    share = np.minimum(100, 100 * hours / np.maximum(1, ended - (inside[:-1] - edges[:-1]) // times.HOUR))
    return share, messages, hours.sum(axis=1)


def _ticks(days: int) -> dict[str, object]:
    """Label whole days only: a heat map of days has no hours."""
    every = next((step for step in (1, 2, 7, 14) if days / step <= _LABELS), None)
    return {"dtick": every * 86_400_000, "tickformat": "%-d %b"} if every else {}
