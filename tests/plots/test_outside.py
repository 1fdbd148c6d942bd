"""What devices write where they measured nothing does not flatten a figure, and is not hidden either."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stations import shaded

import isr_analysis as isr

MANY = 400
SINGLE = float(np.finfo(np.float32).max)


def frame(strange=(), *, base=20.0, client="isr-a", times=1):
    """A probe that swings about a value by 3, with some values in place of its own, so many times each."""
    value = base + 3 * np.sin(np.arange(MANY) / 20)
    for nth, one in enumerate(strange):
        value[50 + 20 * nth : 50 + 20 * nth + times] = one
    index = pd.date_range("2026-11-01", periods=MANY, freq="5min", tz="UTC", name="time")
    return pd.DataFrame({"client_id": client, "topic": "telemetry/temp_probe", "value": value}, index=index)


def said(figure):
    """Give what a figure says under its title."""
    return figure.layout.title.subtitle.text or ""


@pytest.mark.parametrize("strange", [1e30, -1e30, SINGLE, 1e25, 65535.0, -9999.9, -127.0, 4294967295.0])
@pytest.mark.parametrize("times", [1, 12])
def test_what_stands_for_nothing_lies_outside_and_is_told(strange, times):
    """The axis shows what was measured; the value is drawn all the same, and named with how often it came."""
    figure = isr.plots.timeseries(frame([strange], times=times), "value")
    low, high = figure.layout.yaxis.range
    assert 15 < low < 17
    assert 23 < high < 25
    assert strange in figure.data[0].y
    often = " (12 times)" if times > 1 else ""
    assert said(figure).startswith(f"outside the axis: {strange:,.7g}{often}; double-click to see all")


def test_several_in_several_lines_are_told_together():
    """Three are named, the others counted."""
    df = pd.concat([frame([1e30, 65535.0]), frame([SINGLE, -9999.9], client="isr-b")]).sort_index()
    figure = isr.plots.timeseries(df, "value")
    assert figure.layout.yaxis.range[1] < 25
    assert " and 1 other; double-click" in said(figure)


def test_a_probe_that_never_measured_leaves_the_others_readable():
    """All of its values are one that means nothing: they lie outside, and that is told."""
    dead = frame(client="isr-b").assign(value=-127.0)
    figure = isr.plots.timeseries(pd.concat([frame(), dead]).sort_index(), "value")
    assert figure.layout.yaxis.range[0] > 15
    assert f"-127 ({MANY} times)" in said(figure)
    assert isr.plots.timeseries(dead, "value").layout.yaxis.range is None  # alone it is all that there is


@pytest.mark.parametrize("usual", [0.0, 230.0, 27.5, 1000.0])
def test_a_dip_or_a_burst_is_what_was_measured(usual):
    """A mains that fails, a transmitter that is keyed, a gust: no figure hides them."""
    figure = isr.plots.timeseries(frame([usual]), "value")
    assert figure.layout.yaxis.range is None
    assert said(figure) == ""


def test_levels_far_apart_of_two_stations_are_both_shown():
    """12 V beside 48 kV are no outliers."""
    df = pd.concat([frame(base=12.0), frame(base=48_000.0, client="isr-b")]).sort_index()
    assert isr.plots.timeseries(df, "value").layout.yaxis.range is None


def test_an_axis_of_its_own_is_looked_at_by_itself():
    """The axis on the right keeps its values where those on the left have one that stands for nothing."""
    df = frame([65535.0]).assign(power=frame(base=500.0)["value"])
    figure = isr.plots.timeseries(df, ["value", "power"], second="power")
    assert figure.layout.yaxis.range[1] < 25
    assert figure.layout.yaxis2.range is None


def test_a_distribution_has_its_classes_where_the_values_are():
    """One 1e30 does not put all others into one class; it is told, and the shares are of all messages."""
    figure = isr.plots.distribution(frame([1e30], times=40), "value")
    assert max(figure.data[0].x) < 24
    assert max(figure.data[0].y) < 20
    assert sum(figure.data[0].y[1:-1:2]) == pytest.approx(90)
    assert said(figure) == "outside the axis: 1e+30 (40 times)"


def test_a_comparison_too():
    """It is made of the same lines."""
    figure = isr.plots.compare(frame(), frame([-9999.9], client="isr-b"), "value")
    assert figure.layout.yaxis.range[0] > 15
    assert "-9,999.9" in said(figure)


def test_a_receiver_without_a_fix_leaves_the_track_readable():
    """Zero, of a coordinate far from it, lies outside; of anything else it is a value."""
    df = frame([0.0], base=47.0).rename(columns={"value": "lat"})
    figure = isr.plots.timeseries(df, "lat")
    assert figure.layout.yaxis.range[0] > 40
    assert said(figure) == "outside the axis: 0; double-click to see all"


@pytest.mark.parametrize(("clients", "told"), [(20, True), (12, False)])
def test_a_smear_of_many_lines_leads_to_their_means(clients, told):
    """Of more lines than can be told apart, that swing all the time, the figure says how their means are drawn."""
    parts = [frame(base=20 + n / 9, client=f"isr-{n:02d}") for n in range(clients)]
    df = pd.concat([part.assign(value=part["value"] + np.arange(MANY) % 2 * 9) for part in parts]).sort_index()
    figure = isr.plots.timeseries(df, "value")
    assert ('timeseries(wide(df, every="1h"), facet=False) draws their means' in said(figure)) is told
    means = isr.plots.timeseries(isr.wide(df, every="1h"), facet=False)
    assert len(means.data) == clients
    assert "lines overlap" not in said(means)


@pytest.mark.parametrize("draw", [isr.plots.timeseries, isr.plots.profile, isr.plots.distribution])
def test_a_frame_of_words_alone_is_told_and_fails_only_where_they_were_asked_for(draw):
    """A notebook goes on over a fleet that measures nothing; who names the field made a slip."""
    df = frame().assign(value="restart & go")
    assert "No data: there are no numbers in value;<br>plots.timeline draws" in draw(df).layout.annotations[0].text
    with pytest.raises(
        isr.errors.UsageError, match=r"no numbers in 'value' \(there: 'restart & go', …\); plots\.timeline"
    ):
        draw(df, "value")


@pytest.mark.parametrize("draw", [isr.plots.timeseries, isr.plots.profile, isr.plots.distribution])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            pd.to_timedelta(np.arange(MANY), unit="s"),
            r"no numbers in 'value' \(there: .*df\['value'\]\.dt\.total_seconds",
        ),
        (pd.date_range("2026-11-01", periods=MANY, tz="UTC"), r"no numbers in 'value' \(there: '2026-11-01"),
        (np.arange(MANY) * 1j, r"no numbers in 'value' \(there: '0j'"),
        ([[1, 2]] * MANY, r"no numbers in 'value' \(there: '\[1, 2\]'"),
        (["1,25"] * MANY, r"no numbers in 'value' \(there: '1,25', …\); pd\.to_numeric\(df\['value'\]\.str\.replace"),
        (["-83 dBm"] * MANY, r"no numbers in 'value' \(there: '-83 dBm', …\); df\['value'\]\.str\.extract\("),
    ],
    ids=["durations", "instants", "complex", "lists", "decimal commas", "with units"],
)
def test_what_is_no_number_is_shown_and_not_called_missing(draw, value, told):
    """Durations, instants, lists are there: the error shows one, and of durations how to make numbers of them."""
    with pytest.raises(isr.errors.UsageError, match=told):
        draw(frame().assign(value=value), "value")


def test_infinite_values_are_called_beyond_and_not_missing():
    """A device that says infinity for no value has said something."""
    drawn = isr.plots.timeseries(frame().assign(value=np.inf), "value")
    assert drawn.layout.annotations[0].text == "No data: every value is beyond 1e+300"


def test_a_logarithmic_axis_shows_decades_and_what_stands_for_nothing_lies_outside_it():
    """Its range is in exponents: values around 20 are seen, and 65535 is named as on any other axis."""
    figure = isr.plots.timeseries(frame([65535.0]), "value", log=True)
    assert figure.layout.yaxis.type == "log"
    low, high = 10 ** np.array(figure.layout.yaxis.range)
    assert 16 < low < 17
    assert 23 < high < 24
    assert said(figure) == "outside the axis: 65,535; double-click to see all"
    assert isr.plots.timeseries(frame(), "value", log=True).layout.yaxis.range is None
    assert isr.plots.timeseries(frame(), "value").layout.yaxis.type is None


def test_what_a_logarithmic_axis_cannot_show_is_counted_and_no_gap():
    """Bursts of a counter that is mostly zero: the line is broken at zeros, and these are not called silence."""
    df = frame([0.0, -1.0], times=5)
    df.iloc[[150, 152], 2] = 0.0
    heard = df.drop(df.index[200:250])
    figure = isr.plots.timeseries(heard, "value", log=True)
    line, alone = figure.data
    assert (np.isnan(line.y).sum(), [*alone.y]) == (5, [heard["value"].iloc[151]])
    assert alone.mode == "markers"
    assert np.nanmin(line.y) > 0
    assert len(line.y) - 5 == len(heard) - 12
    ((silent,),) = shaded(figure)
    assert silent == tuple(np.datetime64(df.index[at].tz_localize(None)) for at in (199, 250))
    assert said(figure).startswith("not on a logarithmic axis: 12 values of 0 or below, of value<br>")
    assert "logarithmic" not in said(isr.plots.timeseries(heard, "value"))


def test_fields_without_a_value_above_zero_and_states_beside_a_logarithmic_axis():
    """Levels in dBm have no panel there, which is said, and alone no figure; states keep their steps."""
    df = frame().assign(rssi=-70.0, relay=[True, False] * (MANY // 2))
    figure = isr.plots.timeseries(df, log=True)
    axes = {axis.title.text: axis for axis in figure.select_yaxes()}
    assert {name: axis.type for name, axis in axes.items()} == {"value": "log", "relay": None}
    assert [*axes["relay"].ticktext] == ["false", "true"]
    assert "400 values of 0 or below, of rssi" in said(figure)
    nothing = isr.plots.timeseries(df, "rssi", log=True)
    assert "no value is above 0" in nothing.layout.annotations[0].text
    both = isr.plots.timeseries(df, ["value"], second="rssi", log=True)
    assert [axis.type for axis in both.select_yaxes()] == ["log"]


def test_lines_that_swing_over_decades_are_seen_through_on_a_logarithmic_axis():
    """How often they go up and down is counted as it is seen."""
    index = pd.date_range("2026-11-01", periods=MANY, freq="5min", tz="UTC", name="time")
    swing = np.where(np.arange(MANY) % 2, 1.0, 10.0)
    rows = pd.DataFrame({"a": swing, "b": swing, "c": np.geomspace(1, 1e6, MANY)}, index=index)
    width = lambda log: [one.line.width for one in isr.plots.timeseries(rows, facet=False, log=log).data]  # noqa: E731
    assert width(True) == [1, 1, 1.6]
    assert width(False) == [1.6] * 3
