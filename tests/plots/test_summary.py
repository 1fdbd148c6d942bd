"""Profile and distribution: what is usual."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stations import fleet, hours, plain, words

from isr_analysis import plots
from isr_analysis.errors import UsageError


def test_a_profile_is_the_median_of_each_local_hour():
    """Hour of the day in the zone of the frame, also across a change of the clocks."""
    index = pd.date_range("2026-10-20", "2026-10-30", freq="1h", tz="Europe/Zurich", name="time", inclusive="left")
    figure = plots.profile(pd.DataFrame({"value": index.hour * 1.0}, index=index))
    assert figure.data[-1].y.tolist() == [*range(24), 0]
    assert "Europe/Zurich" in figure.layout.xaxis.title.text
    with pytest.raises(UsageError, match="year"):
        plots.profile(plain([1.0]), over="year")


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Asia/Kathmandu", "UTC"])
def test_a_profile_says_on_how_many_days_its_hours_rest(zone):
    """One day of the zone is one day, although it is two of UTC; and so is one from noon to noon."""
    for begin in ("2026-11-01", "2026-11-01 12:00"):
        assert "over 1 day;" in words(plots.profile(hours(begin, zone, count=24)))
        assert "over 2 days;" in words(plots.profile(hours(begin, zone, count=48)))


@pytest.mark.parametrize("draw", [plots.profile, plots.distribution])
def test_panels_of_bare_numbers_say_of_which_topic_they_are(draw):
    """Light and voltage are both called value; above its panel stands which it is, as in a time series."""
    frame = pd.concat([plain([1.0, 2.0]).assign(topic=topic) for topic in ("light", "voltage")])
    assert [note.text for note in draw(frame).layout.annotations] == ["light", "voltage"]
    assert not draw(frame[frame["topic"] == "light"]).layout.annotations  # the title says it


def test_a_distribution_adds_up():
    """The shares of each line's classes add up to 100 %."""
    figure = plots.distribution(fleet("a-1", "b-2").query("topic == 'telemetry/watt_meter'"), "value")
    assert len(figure.data) == 4
    for trace in figure.data:
        assert trace.y[1::2][:-1].sum() == pytest.approx(100)


def test_a_profile_of_levels_says_what_its_share_is_of():
    """A relay is on or off; what has more levels is above 0 or not."""
    for level, said in ((1, "on"), (3, "above 0")):
        index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
        frame = pd.DataFrame({"topic": "state/mode", "mode": [0, level] * 24}, index=index)
        assert plots.profile(frame, "mode").layout.yaxis.title.text == f"mode, % of messages {said}"


def test_a_profile_of_a_week_begins_on_monday():
    """Each hour of it is where its day's name stands."""
    index = pd.date_range("2026-11-02", periods=14 * 24, freq="1h", tz="UTC", name="time")  # from a Monday on
    figure = plots.profile(plain(np.arange(14 * 24) % 168 * 1.0, index), over="week")
    line = figure.data[-1]
    assert line.y.tolist() == line.x.tolist() == [*range(168)]
    assert dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))[24] == "Tue"
    assert [line.text[0], line.text[25]] == ["Mon 00:00", "Tue 01:00"]


def test_half_of_the_values_of_each_hour_lie_in_the_band():
    """Of 0, 1, 2 and 3 it reaches from 0.75 to 2.25, in its field's panel; an hour of which nothing came is bare."""
    index = pd.date_range("2026-11-02", periods=96, freq="1h", tz="UTC", name="time")
    frame = plain(np.arange(96) // 24 * 1.0, index).assign(temp=7.0)
    figure = plots.profile(frame[frame.index.hour < 12])
    (band, line), others = figure.data[:2], figure.data[2:]
    assert line.y.tolist() == pytest.approx([1.5] * 12 + [np.nan] * 12 + [1.5], nan_ok=True)
    assert (band.fill, {*band.y[:12]}, {*band.y[12:24]}) == ("toself", {0.75}, {2.25})
    assert {trace.yaxis for trace in others} != {band.yaxis} == {line.yaxis}
    assert [np.nanmax(trace.y) for trace in others] == [7.0, 7.0]
    assert [trace.showlegend for trace in figure.data] == [False, True, False, True]


def wind(degrees, field="wind_dir", **columns):
    """Make a frame of a week of directions, one a minute."""
    index = pd.date_range("2026-11-01", periods=7 * 1440, freq="1min", tz="UTC", name="time")
    return pd.DataFrame({field: degrees, **columns}, index=index)


def off(degrees, middle):
    """Give by how much directions lie off one."""
    return np.abs((np.asarray(degrees) - middle + 180) % 360 - 180)


@pytest.mark.parametrize("middle", [0, 5, 90, 180, 355])
@pytest.mark.parametrize("least", [0, -180])
@pytest.mark.parametrize("field", ["wind_dir", "course"])
def test_a_profile_of_a_steady_wind_is_that_wind(middle, least, field):
    """From wherever it blows, the median is its direction, and half of the values lie within 10 degrees of it."""
    noise = np.random.default_rng(1).normal(0, 15, 7 * 1440)
    figure = plots.profile(wind((middle + noise - least) % 360 + least, field))
    band, line = figure.data
    assert off(line.y, middle).max() < 4
    assert np.nanmax(off(band.y, middle)) < 15
    assert np.nanmin(off(band.y, middle)) > 5
    assert np.ptp(line.y) < 8
    assert not np.isnan(line.y).any()
    assert off(line.customdata, middle).max() < 4
    assert "%{customdata" in line.hovertemplate
    assert least <= min(line.customdata) <= max(line.customdata) < least + 360
    assert figure.layout.title.subtitle.text == "median of each hour over 7 days; the band holds half of the values"


def test_the_axis_of_a_profile_of_directions_says_them_as_they_are_published():
    """Around north it goes from 350 by 0 to 10, and no value of it is below zero."""
    noise = np.random.default_rng(1).normal(0, 15, 7 * 1440)
    axis = plots.profile(wind(noise % 360)).layout.yaxis
    told = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert [told[at] for at in (-10, -5, 0, 5)] == ["350", "355", "0", "5"]
    assert plots.profile(wind(90 + noise)).layout.yaxis.ticktext is None
    axis = plots.profile(wind((noise / 5 + 360) % 360 - 180, "lon")).layout.yaxis
    told = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert [told[at] for at in (-181, -180, -179)] == ["179", "\N{MINUS SIGN}180", "\N{MINUS SIGN}179"]


def test_a_profile_of_a_wind_that_turns_leaves_the_axis_and_comes_in_again():
    """Once round in a day: the line is broken where it passes north, and the band goes on at the other end."""
    noise = np.random.default_rng(1).normal(0, 25, 7 * 1440)
    band, line = plots.profile(wind((np.arange(7 * 1440) / 4 + noise) % 360)).data
    assert np.flatnonzero(np.isnan(line.y)).tolist() == [24]
    assert off(np.delete(line.y, 24), np.append(np.arange(24), 0) * 15 + 7.5).max() < 8
    assert (np.nanmin(band.y), np.nanmax(band.y)) == (0, 360)
    evening = [(x, y) for x, y in zip(band.x, band.y, strict=True) if x == 24]
    assert off([y for _, y in evening], 7.5).max() < 25
    assert {y < 180 for _, y in evening} == {True, False}
    middle = [y for x, y in zip(band.x, band.y, strict=True) if x == 12]
    assert len(middle) == 2
    assert off(middle, 12 * 15 + 7.5).max() < 22


def test_what_is_no_direction_is_left_out_of_a_profile_of_them_and_told():
    """A vane that says 999 for none does not spoil the mean direction of its hours."""
    degrees = np.random.default_rng(1).normal(0, 15, 7 * 1440) % 360
    degrees[::100] = 999
    figure = plots.profile(wind(degrees))
    assert off(figure.data[1].y, 0).max() < 4
    assert figure.layout.title.subtitle.text.endswith("101 values of wind_dir left out: no direction")
    mils = plots.profile(wind(np.arange(7 * 1440) % 6400))  # not degrees: numbers like others
    assert mils.data[1].customdata is None


def test_a_distribution_of_a_north_wind_is_one_hill():
    """Its highest class is at 0, between 350 and 10; all others of the panel stand on the same axis."""
    noise = np.random.default_rng(1).normal(0, 15, 7 * 1440)
    frame = pd.concat([wind(noise % 360, client_id="a"), wind((noise + 60) % 360, client_id="b")])
    figure = plots.distribution(frame.sort_index(kind="stable"), "wind_dir")
    for trace, middle in zip(figure.data, (0, 60), strict=True):
        assert sum(trace.y[1:-1:2]) == pytest.approx(100)
        assert off(trace.x[trace.y.argmax()], middle) < 10
        seen = trace.x[trace.y > 0]
        assert np.ptp(seen) < 180
        assert (trace.customdata.min() >= 0, trace.customdata.max() < 360) == (True, True)
    told = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert (told[-30], told[0], told[30]) == ("330", "0", "30")
    usual = plots.distribution(wind((noise + 90) % 360))
    assert (usual.layout.xaxis.ticktext, usual.data[0].customdata) == (None, None)
    far = plots.distribution(wind(np.where(np.arange(7 * 1440) % 100, noise % 360, -9999)))
    assert sum(far.data[0].y[1:-1:2]) == pytest.approx(99, abs=0.1)
    assert far.layout.title.subtitle.text == "outside the axis: -9,999 (101 times)"


def test_of_a_state_the_profile_is_how_often_it_was_on():
    """In percent of its messages, without a band."""
    index = pd.date_range("2026-11-02", periods=96, freq="1h", tz="UTC", name="time")
    (line,) = plots.profile(plain([True] * 72 + [False] * 24, index)).data
    assert {*line.y} == {75.0}


def test_each_class_of_a_distribution_has_its_share():
    """Of two fields each has its panel; the classes of a state are its levels, by their words."""
    index = pd.date_range("2026-11-02", periods=4, freq="1h", tz="UTC", name="time")
    value, temp = plots.distribution(plain([1.0, 1.0, 2.0, 5.0], index, temp=8.0)).data
    middle = (value.x[1:-1:2] + value.x[2::2]) / 2
    assert dict(zip(middle, value.y[1::2], strict=False)) == {1.0: 50.0, 2.0: 25.0, 3.0: 0.0, 4.0: 0.0, 5.0: 25.0}
    assert (value.xaxis, value.yaxis, temp.xaxis, temp.yaxis) == ("x", "y", "x2", "y2")
    figure = plots.distribution(plain([True, True, False, True], index))
    begin, end, y = figure.data[0].x[1:-1:2], figure.data[0].x[2::2], figure.data[0].y[1:-1:2]
    level = dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True))
    assert {word: y[(begin < at) & (at < end)] for word, at in level.items()} == {"false": [25.0], "true": [75.0]}


def test_each_series_stands_once_in_the_legend():
    """Also where it has lines in several panels."""
    for draw in (plots.profile, plots.distribution):
        shown = [trace.name for trace in draw(fleet("a-1", "b-2")).data if trace.showlegend]
        assert sorted(shown) == ["a-1", "a-1 · chan 1", "a-1 · chan 2", "b-2", "b-2 · chan 1", "b-2 · chan 2"]


def test_a_distribution_is_named_and_headed_as_asked_for():
    """Lines that have a name in common stand once in the legend, and none is joined to another."""
    frame = fleet("a-1", "b-2").query("topic == 'telemetry/watt_meter'")
    figure = plots.distribution(frame, "value", by="chan", title="Power")
    assert figure.layout.title.text == "Power"
    shown = [(trace.name, trace.showlegend) for trace in figure.data]
    assert shown == [("chan 1", True), ("chan 1", False), ("chan 2", True), ("chan 2", False)]
    with pytest.raises(UsageError, match="no column 'nope'"):
        plots.distribution(frame, by="nope")
