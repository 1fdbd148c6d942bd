"""How figures look: axes, names and colours that say what is so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import stations
from stations import plain

from isr_analysis import checks, plots
from isr_analysis.plots import theme

MINUTES = stations.MINUTES[:200]
LONG = "a-name-that-is-so-long-that-it-would-take-the-whole-width-of-the-figure-"


@pytest.mark.parametrize("count", [1, 50])
def test_a_moment_is_shown_within_an_hour(count):
    """One message, or many in the same microsecond, stand in the middle of an axis whose ticks are minutes."""
    at = MINUTES[:1].repeat(count) + pd.to_timedelta(range(count), unit="ns")
    figure = plots.timeseries(plain(np.arange(float(count)), at))
    assert [*figure.layout.xaxis.range] == ["2026-10-31T23:30:00.000000", "2026-11-01T00:30:00.000000"]


@pytest.mark.parametrize("draw", [plots.timeseries, plots.timeline])
def test_ticks_write_the_day_before_the_month(draw):
    """As titles, tables and hover text do; plotly's own ticks are American."""
    figure = draw(plain([True, False] * 100))
    formats = [stop.value for stop in figure.layout.xaxis.tickformatstops]
    assert "%-d %b\n%Y" in formats
    assert not any("%b %-d" in one for one in formats)


def test_a_thousand_million_is_no_byte():
    """Ticks take the prefixes of SI: 2.5 G and not 2.5 B, which beside bytes would be two and a half of them."""
    figure = plots.timeseries(pd.DataFrame({"rx_bytes": np.arange(200) * 1e7}, index=MINUTES))
    assert figure.layout.template.layout.yaxis.exponentformat == "SI"


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_states_in_one_figure_have_colours_of_their_own(ground):
    """No state looks like a fault or like on if one of these is there; green, as if all were well, comes last."""
    states = ["on", "off", "fault", "high", "idle", "low", "rx", "standby", "tx"]
    colours = theme.state_colours(states, ground)
    assert len({*colours.values()}) == len(states)
    known = {colours[one] for one in ("on", "off", "fault")}
    assert not known & {colours[one] for one in states[3:]}
    dozen = [f"mode {n}" for n in range(12)]
    assert len({*theme.state_colours(dozen, ground).values()}) == 12
    assert theme.state_colours(["high", "ok"], ground)["high"] != theme.COLOURS[ground][2]


def test_a_single_message_of_a_day_is_not_like_none():
    """In the heat map the least share differs from nothing as much as the eye needs."""
    for ground in ("light", "dark"):
        nothing, least = (theme.SCALES[ground][at] for at in (0, 1))
        assert least[0] < 1 / 24
        ink = [np.array([int(one[at : at + 2], 16) for at in (1, 3, 5)]) for one in (nothing[1], least[1])]
        assert np.abs(ink[0] - ink[1]).sum() > 40


def test_long_names_leave_room_for_the_figure():
    """Beside an axis they are cut in the middle; the whole name is in the hover text."""
    frame = plain([True, False] * 100, client_id=[f"{LONG}{n % 4 // 2}" for n in range(200)], topic="t")
    figure = plots.timeline(frame)
    assert max(map(len, figure.layout.yaxis.ticktext)) <= 40
    assert len({*figure.layout.yaxis.ticktext}) == 2
    assert {text.partition("<br>")[0] for trace in figure.data for text in trace.customdata} == {f"{LONG}0", f"{LONG}1"}
    days = plots.availability(frame)
    assert max(map(len, days.layout.yaxis.ticktext)) <= 40
    assert "%{customdata}" in days.data[0].hovertemplate
    assert [row[0] for row in days.data[0].customdata] == [*days.data[0].y] == [f"{LONG}1", f"{LONG}0"]
    assert "%{y}" in plots.availability(frame.assign(client_id="a-1")).data[0].hovertemplate
    events = plots.timeseries(frame.assign(topic="event/change"))
    assert events.data[-1].text[0].endswith(f"<br>{LONG}0")
    lines = plots.timeseries(pd.DataFrame({LONG: range(200), "b": range(200)}, index=MINUTES))
    title = next(axis.title.text for axis in lines.select_yaxes() if axis.title.text.startswith("a-name"))
    assert len(title) <= 26
    assert f"<b>{LONG}:" in lines.data[0].hovertemplate


def test_events_are_listed_by_name_from_the_top():
    """Clients stand in the same order as in every other figure."""
    frame = pd.DataFrame({"client_id": ["b", "c", "a"], "topic": "event/x", "code": 1}, index=MINUTES[:3])
    assert [*plots.timeseries(frame).layout.yaxis.categoryarray] == ["c", "b", "a"]


def test_rows_of_states_are_named_by_field():
    """The field's name is there where it says anything, and the topic only where there are several."""
    flags = plain([True, False] * 100, client_id="a", topic="state/flags").rename(columns={"value": "door"})
    assert {row for trace in plots.timeline(flags).data for row in trace.y} == {"door"}
    two = flags.assign(client_id=[f"c-{n % 4 // 2}" for n in range(200)])
    assert {row for trace in plots.timeline(two).data for row in trace.y} == {"door · c-0", "door · c-1"}


def test_a_version_among_others_is_no_line():
    """The 1.9 of a firmware that else is 1.9.3 is a name; a measurement with a few words for errors is drawn."""
    mixed = plain(range(200), fw=["1.9", "1.9.3"] * 100, volt=["error", *map(str, range(199))])
    assert {axis.title.text for axis in plots.timeseries(mixed).select_yaxes()} == {"value", "volt"}
    assert plots.timeseries(mixed, "fw").layout.yaxis.title.text == "fw"


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_a_version_in_digits_is_a_line_only_where_it_is_asked_for(dtype):
    """As `channels` and `wide` take it, by the name of its field; a reading that a device writes as text is drawn."""
    versions = pd.Series(["7.10", "7.9"] * 100, dtype=dtype).array
    frame = plain(range(200), firmware=versions, volt=pd.Series(map(str, range(200)), dtype=dtype).array)
    assert {axis.title.text for axis in plots.timeseries(frame).select_yaxes()} == {"value", "volt"}
    assert set(plots.timeseries(frame, "firmware").data[0].y) == {7.1, 7.9}
    assert {trace.name for trace in plots.timeline(frame[["firmware"]]).data} == {"7.10", "7.9"}


def test_noisy_lines_do_not_hide_each_other():
    """What swings all the time is drawn thin and lets the lines of its panel through; alone, or smooth, it is not."""
    noise = np.random.default_rng(1).random(200)
    rows = pd.DataFrame({"a": noise, "b": noise[::-1], "calm": np.linspace(0, 1, 200)}, index=MINUTES)
    drawn = {one.name: (one.line.width, one.opacity) for one in plots.timeseries(rows, facet=False).data}
    assert drawn["a"] == drawn["b"] == (1, 0.7)
    assert drawn["calm"] == (plots.timeseries(rows["a"]).data[0].line.width, None)
    level = pd.DataFrame({"a": 1.0, "b": 1.0}, index=MINUTES)
    assert [one.opacity for one in plots.timeseries(level, facet=False).data] == [None, None]


def test_a_profile_shows_an_hour_that_stands_alone():
    """With no line to either side a point is marked, and the band is drawn for each run of hours by itself."""
    alone = plots.profile(plain([4.0], MINUTES[:1]))
    assert alone.data[-1].mode == "lines+markers"
    hours = pd.date_range("2026-11-01", periods=72, freq="1h", tz="UTC", name="time", unit="ns")
    frame = plain(np.arange(72.0), hours)
    frame = frame[~frame.index.hour.isin([5, 6, 7])]
    band, line = plots.profile(frame).data
    assert line.mode == "lines"
    assert band.fill == "toself"
    runs = np.split(band.x, np.flatnonzero(np.isnan(band.x)) + 1)[:-1]
    assert [(run[0], run[:-1].max(), run[-2]) for run in runs] == [(0, 4, 0), (8, 24, 8)]


def test_a_profile_tells_of_a_band_only_where_there_is_one():
    """Of flags there is a share and no band; and one day is no days."""
    frame = plain(np.arange(200.0))
    assert "median of each hour over 1 day; the band holds half" in plots.profile(frame).layout.title.subtitle.text
    flags = plain([True, False] * 100)
    assert plots.profile(flags).layout.title.subtitle.text == "share of each hour over 1 day"
    fleet = pd.concat([frame.assign(client_id=f"a-{n}") for n in range(5)])
    assert "band" not in plots.profile(fleet).layout.title.subtitle.text


@pytest.mark.parametrize(("hours", "days"), [(96, 4), (95, 4), (13, 1), (49, 2)])
def test_a_profile_says_on_how_many_days_it_rests(hours, days):
    """Four days from noon to noon are four, though five dates; a message a day at noon is one of each day."""
    index = pd.date_range("2026-11-01T12:30", periods=hours * 4, freq="15min", tz="UTC", name="time", unit="ns")
    shown = plots.profile(plain(np.arange(hours * 4.0), index)).layout.title.subtitle.text
    assert f"of each hour over {days} day" in shown
    noons = pd.date_range("2026-11-01T12:00", periods=days, freq="1D", tz="UTC", name="time", unit="ns")
    assert f"over {days} day" in plots.profile(plain(np.arange(1.0 * days), noons)).layout.title.subtitle.text


@pytest.mark.parametrize("step", [1, 0.1, 7, 1e-3])
def test_classes_of_a_distribution_hold_whole_steps(step):
    """Values that are all as frequent give a flat outline, whatever the steps in which they are written."""
    values = np.round(np.arange(200) % 100 * step, 6)
    (trace,) = plots.distribution(plain(values)).data
    edges = np.unique(trace.x)
    assert len(edges) <= 61
    width = np.diff(edges)
    assert np.allclose(width, width[0])
    if step != 7:
        assert len({*np.round(trace.y[1:-1], 9)}) == 1


def test_many_distributions_are_outlines():
    """Filled ones would lie over each other until all is grey."""
    few = pd.concat([plain(np.arange(200.0) + n, client_id=f"a-{n}") for n in range(3)])
    many = pd.concat([plain(np.arange(200.0) + n, client_id=f"a-{n}") for n in range(9)])
    assert {trace.fill for trace in plots.distribution(few).data} == {"tozeroy"}
    assert {trace.fill for trace in plots.distribution(many).data} == {"none"}


def test_two_months_of_one_client_have_two_colours():
    """Also where both end on the same day of the month."""
    hours = pd.date_range("2026-04-01", "2026-06-30", freq="1h", tz="UTC", name="time", unit="ns")
    frame = plain(np.arange(float(len(hours))), hours, client_id="a-1")
    figure = plots.compare(frame.loc["2026-04"], frame.loc["2026-06"], "value")
    assert len({trace.line.color for trace in figure.data}) == 2


def test_a_long_title_has_several_lines():
    """It is not cut off at the edge of a page of 700 px, and the figure is higher by as much."""
    short, long = (plots.timeseries(plain(np.arange(200.0)), title=text) for text in ("short", "long " * 40))
    assert long.layout.title.text.count("<br>") == 2
    assert max(len(line) * 9 for line in long.layout.title.text.split("<br>")) < 700 - 20  # px of a letter, on average
    assert long.layout.height - short.layout.height == long.layout.margin.t - short.layout.margin.t > 0
    named = plots.timeseries(
        plain(np.arange(200.0)), title="of two lines, between whose words it breaks: a-" + "b-c" * 12
    )
    assert named.layout.title.text.endswith("<br>a-" + "b-c" * 12)


def test_long_names_that_differ_in_the_middle_stay_apart_beside_an_axis():
    """A row that might be any of ten stations says nothing; names that differ late are whole if they have to be."""
    for name in ("measuring-station-{}-upper-valley-north-ridge-cabinet", f"{LONG}{{}}{LONG}"):
        names = [name.format(n) for n in range(100, 110)]
        figure = plots.availability(plain(range(200), client_id=np.resize(names, 200), topic="t"))
        assert len({*figure.layout.yaxis.ticktext}) == 10
    assert max(map(len, figure.layout.yaxis.ticktext)) > 100


def test_what_looks_like_a_tag_is_shown():
    """Plotly takes text as HTML: a state called <unset> would have no name, and a device could put links there."""
    names = {"client_id": "<s>a</s>", "topic": "t & u"}
    frame = plain(["<unset>", "set"] * 100, **names).rename(columns={"value": "<i>"}).assign(n=range(200))
    events = frame.assign(topic="event/x")
    said = [
        *(draw(frame) for draw in (plots.timeline, plots.timeseries, plots.profile, plots.distribution, plots.live)),
        plots.availability(frame), plots.timeseries(events), plots.timeline(frame[["<i>"]]),
    ]  # fmt: skip
    for figure in said:
        text = figure.to_json().replace("\\u003c", "<").replace("\\u003e", ">")
        assert not any(tag in text for tag in ("<unset>", "<i>", "<s>", "t & u")), figure.layout.title.text
    assert [trace.name for trace in said[0].data] == ["&lt;unset&gt;", "set"]


def test_long_names_on_the_board_are_folded():
    """Plotly's tables cut off a word that is wider than its column."""
    frame = pd.DataFrame(
        {"client_id": ["isr-mountain-hut-07", "a"], "topic": "telemetry/a/long/way/up"}, index=MINUTES[:2]
    )
    cells = plots.live(frame).data[0].cells["values"]
    assert [*cells[0]] == ["isr-mountain-<br>hut-07", "a"]
    assert all(len(line) <= 40 for text in cells[2] for line in text.split("<br>"))


def test_what_changes_quickly_is_striped():
    """It is neither on nor off, so its bar is not just another grey beside that of off."""
    seconds = pd.date_range("2026-11-01", periods=20_000, freq="1s", tz="UTC", name="time", unit="ns")
    value = np.where(np.arange(20_000) < 5000, "off", np.where(np.arange(20_000) % 2, "on", "off")).astype(object)
    bars = {trace.name: trace.marker.pattern.shape for trace in plots.timeline(plain(value, seconds)).data}
    assert bars["changing quickly"] == "|"
    assert bars["off"] is None


def test_a_unit_is_found_under_either_name():
    """One device says unit, another units: each line has its own, in the figure and in the list of channels."""
    frame = plain(
        np.arange(200.0), client_id=["a", "b"] * 100, topic="t", unit=["W", None] * 100, units=[None, "%"] * 100
    )
    assert {axis.title.text for axis in plots.timeseries(frame).select_yaxes()} == {"value [W]", "value [%]"}
    assert checks.channels(frame)["unit"].tolist() == ["W", "%"]


def test_an_entry_of_a_legend_shows_what_tells_its_line_from_others():
    """The longest strokes, 15 px and as much of nothing, are seen twice; once would be a short line."""
    assert theme.template("light").layout.legend.itemwidth >= 3 * 15


def test_room_for_a_legend_is_that_of_its_rows():
    """One long name among many short ones widens its own entry alone."""
    short = [f"chan {number}" for number in range(21)]
    heights = [
        theme.dressed(go.Figure(), "light", title="", height=100, legend=names).layout.height
        for names in (short, [*short, LONG])
    ]
    assert heights == [100 + 19 * 3 + 8, 100 + 19 * 4 + 8]
