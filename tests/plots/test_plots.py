"""Every plot: any frame gives a figure or an error that says why, and nothing else is changed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from stations import MINUTES, fleet, plain, words

from isr_analysis import plots, read_history
from isr_analysis.errors import UsageError

FRAMES = {
    "empty as loaded": fleet("a-1").iloc[:0],
    "empty": pd.DataFrame(),
    "one point": plain([1.5]),
    "all NaN": plain([np.nan] * 5),
    "infinite": plain([1.0, np.inf, -np.inf, 3.0]),
    "huge": plain([1e300, -1e300, 1.0, 2.0]),
    "constant": plain([5.0] * 200),
    "text": plain(["up there", "down there"] * 100),
    "numbers as text": plain(["1.5", "2"] * 100),
    "mixed": plain(pd.array([1, "2", True, None, "x", {"a": 1}, [1]], dtype=object)),
    "half characters": plain(pd.array(["on\ud800", 1, "\udfff"], dtype=object), topic="event/x"),
    "a unit of half a character": plain([1.0, 2.0], unit=pd.Series(["\ud800"] * 2, MINUTES[:2], dtype="object")),
    "flags": plain([True, False] * 100),
    "flags and NA": plain(pd.array([True, None, False], dtype="boolean")),
    "integers and NA": plain(pd.array([1, None, 3, 2**60], dtype="Int64")),
    "decimals": plain(pd.array([Decimal("1.5")] * 3, dtype=object)),
    "unsorted": plain(np.arange(200.0)).sample(frac=1, random_state=1),
    "repeated": pd.concat([plain(np.arange(200.0))] * 2),
    "one instant": plain(np.arange(50.0)).set_axis(MINUTES[:1].repeat(50)),
    "naive": plain(np.arange(200.0)).tz_localize(None),
    "resampled": plain(np.arange(200.0)).resample("7min").mean(),
    "series": plain(np.arange(200.0))["value"],
    "seconds": plain(np.arange(200.0)).set_axis(MINUTES[:200].as_unit("s")),
    "no instant": plain(np.arange(3.0)).set_axis([pd.NaT, *MINUTES[1:3]]),
    "two levels": pd.DataFrame({("a", "x"): [1.0, 2.0], ("b", "y"): [3.0, 4.0]}, index=MINUTES[:2]),
    "a name twice": pd.DataFrame([[1.0, 2.0]], columns=["a", "a"], index=MINUTES[:1]),
    "a century": plain([1.0, 2.0, 3.0]).set_axis(
        pd.DatetimeIndex(["1970-01-01", "2026-01-01", "2099-12-31"], tz="Europe/Zurich")
    ),
    "durations": pd.DataFrame({"lasted": pd.to_timedelta([1, 2], unit="s")}, index=MINUTES[:2]),
    "a thousand channels": pd.concat(
        [plain(np.arange(20.0) + n, chan=n, station_controller_device_id="SC", type="t") for n in range(1000)]
    ),
    "a thousand fields": pd.DataFrame(np.ones((9, 1000)), index=MINUTES[:9]).cumsum(),
    "a nameless client": plain([1.0, 2.0], client_id=[None, "a"]),
    "events alone": fleet("a-1").query("topic == 'event/change'"),
    "a fleet": fleet("a-1", "b-2"),
}
DRAWN = {
    "timeseries": plots.timeseries,
    "availability": plots.availability,
    "timeline": plots.timeline,
    "profile": plots.profile,
    "week": lambda df, **options: plots.profile(df, over="week", **options),
    "distribution": plots.distribution,
    "compare": lambda df, **options: plots.compare(df, df, **options),
    "live": plots.live,
}


def strict(figure):
    """Read a figure's JSON, as strictly as a browser does."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(figure.to_json(), parse_constant=refuse)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("plot", DRAWN)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_frame_gives_a_sensible_figure_or_says_what_is_missing(name, plot, theme):
    """A figure with something in it or words why not, or a UsageError with the columns; the input stays as it was."""
    frame = FRAMES[name]
    before = frame.copy(deep=True)
    try:
        figure = DRAWN[plot](frame, theme=theme)
    except UsageError as error:
        assert "column" in str(error)  # noqa: PT017 (either outcome is right)
    else:
        assert type(figure) is go.Figure
        assert figure.data or "No data" in words(figure)
        assert len(json.dumps(strict(figure))) < 1_000_000
    assert frame.equals(before)
    assert frame.attrs == before.attrs


@pytest.mark.parametrize("plot", ["timeseries", "timeline", "profile", "week", "distribution"])
def test_an_hour_without_a_message_gives_a_figure_that_says_so_whatever_is_named(plot):
    """A loader's frame of no rows has no fields, and a script that draws one of them does not fail in a quiet hour."""
    loaded = read_history(b"[]")
    assert [*loaded.columns] == ["client_id", "topic"]
    assert "No data: the frame has no rows" in words(DRAWN[plot](loaded, fields="value", by="chan"))
    with pytest.raises(UsageError, match="no column 'value'"):
        DRAWN[plot](fleet("a-1").drop(columns="value"), fields="value")


@pytest.mark.parametrize("plot", DRAWN)
def test_an_index_that_is_not_of_time_is_refused_with_the_way_out(plot):
    """The error says what came and how to make an index of time."""
    with pytest.raises(UsageError, match=r"RangeIndex.*set_index"):
        DRAWN[plot](pd.DataFrame({"time": ["2026-11-01"], "value": [1]}))


def test_columns_of_one_name_are_refused():
    """Of two columns of one name neither is drawn in silence: the error says which, and what to do."""
    frame = pd.concat([plain([1.0]), plain([2.0])], axis=1)
    with pytest.raises(UsageError, match=r"called .*'value'.*add_suffix"):
        plots.timeseries(frame)


def test_a_field_that_is_not_there_is_named_with_those_that_are():
    """The error names what is missing and what there is."""
    with pytest.raises(UsageError, match=r"'power'.*value"):
        plots.timeseries(plain([1.0]), "power")
    with pytest.raises(UsageError, match=r"'room'"):
        plots.timeseries(plain([1.0]), by="room")
    with pytest.raises(UsageError, match=r"theme='pink'"):
        plots.timeseries(plain([1.0]), theme="pink")


@pytest.mark.parametrize("wrong", [{"fields": 5}, {"by": True}, {"second": 0.5}, {"theme": ["dark"]}])
def test_what_is_no_name_is_refused_with_what_came(wrong):
    """No error of Python's own stands in its place."""
    ((_, value),) = wrong.items()
    with pytest.raises(UsageError, match=re.escape(repr(value))):
        plots.timeseries(plain([1.0]), **wrong)


@pytest.mark.parametrize("draw", [plots.timeseries, plots.availability, lambda df: plots.compare(df, df)])
def test_an_instant_that_no_clock_means_is_refused(draw):
    """The years 1700 and 2200 are a UsageError with the way out, in each figure."""
    index = pd.DatetimeIndex(["1700-01-01", "2026-11-01", "2200-01-01"], tz="UTC")
    with pytest.raises(UsageError, match="1970 to 2100"):
        draw(pd.DataFrame({"value": [1.0, 2.0, 3.0]}, index=index))


def test_plotly_itself_is_left_as_it_was():
    """No default template is changed, none registered under a name."""
    before = pio.templates.default, [*pio.templates]
    figure = plots.timeseries(plain([1.0, 2.0]), theme="dark")
    assert (pio.templates.default, [*pio.templates]) == before
    assert figure.layout.template.layout.paper_bgcolor == "#161B22"


def test_importing_the_room_does_not_import_plotly():
    """The library plotly comes with the first figure, not with the package."""
    code = "import sys, isr_analysis; isr_analysis.plots; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_plot_is_there():
    """All names of the room lead to functions with a docstring."""
    for name in plots.__all__:
        assert getattr(plots, name).__doc__
    assert dir(plots) == sorted(plots.__all__)


@pytest.mark.parametrize("none", [sys.float_info.max, -1e308, np.inf, 10**400], ids=["max", "low", "inf", "integer"])
@pytest.mark.parametrize("draw", [plots.timeseries, plots.profile, plots.distribution])
def test_what_is_too_large_to_be_drawn_is_left_out_and_said(draw, none):
    """Some devices say the greatest real there is for "no value": the rest is drawn, and the figure tells how many."""
    value = np.sin(np.arange(200.0) / 9)
    left = pd.Series(value, dtype="object").where(np.arange(200) % 100 > 0, none).tolist()
    figure = draw(plain(pd.array(left, dtype="object")))
    assert "2 values beyond 1e+300 left out" in words(figure)
    strict(figure)
    drawn = np.concatenate([np.asarray(trace.x if draw is plots.distribution else trace.y) for trace in figure.data])
    assert np.nanmax(np.abs(drawn.astype(float))) <= 1


@pytest.mark.parametrize("draw", [plots.timeseries, plots.profile, plots.distribution])
def test_whose_numbers_come_with_their_unit_as_text_is_named(draw):
    """A device that says "-83 dBm" where others say -83 is not just missing from the figure."""
    df = fleet("a-1", "b-2")
    rssi = pd.Series(np.arange(len(df)) % 9 - 83.0, df.index, dtype="object")
    df["rssi"] = rssi.where((df["client_id"] != "b-2").to_numpy(), rssi.astype("str") + " dBm")
    assert "no numbers in rssi of b-2, but '-8" in words(draw(df, "rssi"))
    assert "no numbers" not in words(draw(df[df["client_id"] == "a-1"], "rssi"))
    df["rssi"] = df["rssi"].astype("str").str.removesuffix(" dBm")
    assert "no numbers" not in words(draw(df, "rssi"))


def test_a_unit_beside_an_axis_is_no_longer_than_there_is_room():
    """One of sixty characters would lie over the panels above and below."""
    index = pd.date_range("2026-11-01", periods=9, freq="1min", tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": "a", "topic": "t", "value": np.arange(9.0), "unit": "counts " * 9}, index=index)
    assert len(plots.timeseries(frame, "value").layout.yaxis.title.text) < 30
