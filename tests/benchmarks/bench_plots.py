"""How fast ten million points become a figure, and how big it is, beside `plotly.express.line` at a size it survives.

``pytest -m benchmark -s tests/benchmarks/bench_plots.py``, or run the file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import pytest

from isr_analysis import checks, plots

COUNT, EXPRESS, CHANNELS = 10_000_000, 200_000, 4


def measured(count: int) -> pd.DataFrame:
    """Make up the readings of a few channels of two stations, as `load_history` would give them."""
    rng = np.random.default_rng(1)
    index = pd.DatetimeIndex(np.arange(count) * 1_000_000_000 + 1_793_500_000 * 10**9, tz="UTC", name="time")
    channel = np.arange(count) % CHANNELS
    return pd.DataFrame(
        {
            "client_id": pd.Categorical.from_codes(channel // 2, ["isr-hill-02", "isr-shack-01"]),
            "topic": pd.Categorical.from_codes(np.zeros(count, np.int8), ["telemetry/watt_meter"]),
            "station_controller_device_id": pd.array(np.array(["SC-A", "SC-B"], object)[channel // 2], dtype="str"),
            "type": pd.array(np.full(count, "watt_meter", object), dtype="str"),
            "chan": pd.array(channel % 2 + 1, dtype="Int64"),
            "value": 50 + 10 * np.sin(np.arange(count) / 200_000) + rng.normal(0, 1, count),
        },
        index=index.as_unit("ns"),
    )


def timed(draw: Callable[[], go.Figure]) -> tuple[float, int, go.Figure]:
    """Give the seconds to a figure's JSON, its bytes, and the figure; the best of three."""
    best, size, figure = np.inf, 0, go.Figure()
    for _ in range(3):
        begin = time.perf_counter()
        figure = draw()
        size = len(figure.to_json())
        best = min(best, time.perf_counter() - begin)
    return best, size, figure


def report(name: str, count: int, seconds: float, size: int) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{name:<34}{count:>12,} points {seconds:8.3f} s {size / 1e6:9.3f} MB of JSON\n")


@pytest.mark.benchmark
def test_ten_million_points_in_a_second_and_a_megabyte():
    """A figure of ten million points takes less than a second and a megabyte, and keeps each line's extremes."""
    frame = measured(COUNT)
    one = frame.drop(columns=["station_controller_device_id", "type", "chan", "client_id", "topic"])
    seconds, size, figure = timed(lambda: plots.timeseries(one, "value"))
    report("timeseries, one line", COUNT, seconds, size)
    assert seconds < 1
    assert size < 1e6
    assert np.nanmax(figure.data[0].y) == one["value"].max()
    seconds, size, figure = timed(lambda: plots.timeseries(frame, "value"))
    report(f"timeseries, {CHANNELS} channels", COUNT, seconds, size)
    assert size < 1e6
    for trace, (_, part) in zip(figure.data, frame.groupby(["client_id", "chan"], observed=True)["value"], strict=True):
        assert (np.nanmin(trace.y), np.nanmax(trace.y)) == (part.min(), part.max())
    few = measured(EXPRESS)
    ours = timed(lambda: plots.timeseries(few, "value"))
    theirs = timed(lambda: px.line(few.reset_index(), x="time", y="value", color="chan", line_dash="client_id"))
    report("timeseries", EXPRESS, *ours[:2])
    report("plotly.express.line", EXPRESS, *theirs[:2])


@pytest.mark.benchmark
def test_a_month_of_messages_is_checked_in_seconds():
    """Gaps and quality of 2.6 million messages take seconds."""
    frame = measured(2_600_000)
    for check in (checks.gaps, checks.quality, checks.completeness, checks.wide):
        begin = time.perf_counter()
        check(frame)
        seconds = time.perf_counter() - begin
        sys.stdout.write(f"{check.__name__:<14}{len(frame):>12,} messages {seconds:8.2f} s\n")
        assert seconds < 10


if __name__ == "__main__":
    test_ten_million_points_in_a_second_and_a_megabyte()
    test_a_month_of_messages_is_checked_in_seconds()
