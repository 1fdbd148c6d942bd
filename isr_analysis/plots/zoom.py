"""A figure that shows more detail when you zoom in, in a live notebook."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from isr_analysis.messages import check_flags
from isr_analysis.plots.lines import Drawn, timeseries, timeseries_drawn
from isr_analysis.plots.panels import points
from isr_analysis.surroundings import page_is_live


def zoomable(
    df: pd.DataFrame | pd.Series, fields: str | list[str] | None = None, *, widget: bool | None = None, **options: Any
) -> go.Figure:
    """Plot `timeseries` as a figure that adds detail when you zoom in.

    Parameters
    ----------
    df, fields
        See `timeseries`. The lines stay in memory as long as the figure does.
    widget : bool, optional
        Whether to make a widget; by default, only where a live notebook can show one. Elsewhere (a script, a report) it
        is the plain figure, which stays small.
    **options
        The other arguments of `timeseries`.

    Returns
    -------
    plotly.graph_objects.FigureWidget or plotly.graph_objects.Figure
        When you zoom, the points are thinned again for the range in view, and all are drawn once they are few enough.
        No thread is started: the kernel responds when the front end reports the zoom.

    Raises
    ------
    UsageError
        See `timeseries`.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=50_000, freq="1s", tz="UTC", name="time")
    >>> widget = isr.plots.zoomable(pd.DataFrame({"value": range(50_000)}, index=index), widget=True)
    >>> widget.layout.xaxis.range = ("2026-11-01 01:00", "2026-11-01 01:10")
    >>> str(widget.data[0].x[1])[:19], len(widget.data[0].x)
    ('2026-11-01T01:00:00', 603)
    """
    check_flags(widget=widget is None or widget)
    if not (page_is_live() if widget is None else widget):
        return timeseries(df, fields, **options)
    return _watched(timeseries_drawn(df, fields, **options))


def _watched(whole: Drawn) -> go.Figure:
    """Make a widget of a figure that thins its lines anew when the view changes."""
    widget = go.FigureWidget(whole.figure)
    hands = whole.hands
    if hands is None:
        return widget

    def look_closer(layout: Any, *_: Any) -> None:
        ends = None if layout.xaxis.autorange else layout.xaxis.range
        view = None
        if ends is not None:
            begin, end = (int(np.datetime64(str(one).replace("Z", ""), "ns").astype(np.int64)) for one in ends)
            view = (begin - hands.offset, end - hands.offset)
        with widget.batch_update():
            for line in whole.lines:
                main, _alone = points(line, hands, whole.most, view)
                widget.data[line.trace].update(main)

    widget.layout.on_change(look_closer, "xaxis.range", "xaxis.autorange")
    return widget
