"""Zooming: every point comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from stations import plain

from isr_analysis import plots


def test_zooming_brings_back_every_point_and_zooming_out_thins_again():
    """The view's own points are drawn, in the zone of the axis; the reset restores the first view."""
    index = pd.date_range("2026-11-01", periods=100_000, freq="1s", tz="Europe/Zurich", unit="ns")
    widget = plots.zoomable(plain(np.arange(100_000.0), index), widget=True)
    assert isinstance(widget, go.FigureWidget)
    first = len(widget.data[0].x)
    widget.layout.xaxis.range = ("2026-11-01 02:00", "2026-11-01 02:05")
    x = widget.data[0].x.astype("M8[s]")
    assert len(x) == 303
    assert np.datetime64("2026-11-01T02:00:00") in x
    widget.layout.xaxis.autorange = True
    assert len(widget.data[0].x) == first


def test_where_nobody_can_zoom_there_is_the_plain_figure():
    """In a script the figure is an ordinary one; an unknown argument is an error in both."""
    assert type(plots.zoomable(plain([1.0, 2.0]))) is go.Figure
    with pytest.raises(TypeError, match="colour"):
        plots.zoomable(plain([1.0, 2.0]), widget=True, colour="red")


def test_a_figure_widget_gets_instants_and_not_numbers():
    """What a figure's page and its widget are sent are dates: a widget draws nothing of bare integers."""
    from plotly.serializers import _py_to_js

    index = pd.date_range("2026-11-01", periods=3, freq="h", tz="UTC")
    figure = plots.timeseries(pd.DataFrame({"value": [1.0, 2.0, 3.0]}, index=index))
    (sent,) = [_py_to_js(trace.x, None) for trace in figure.data if len(trace.x) == len(index)]
    assert [pd.Timestamp(one) for one in sent] == index.tz_localize(None).tolist()
