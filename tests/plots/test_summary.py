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
