"""Time series: what is a line, a panel, a step, a mark, and what is none."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest
from stations import MINUTES, fleet, plain, shaded, words

from isr_analysis import plots
from isr_analysis.checks import gaps, wide


def test_a_line_never_joins_two_series():
    """Clients and channels have a line each, whatever `by` says; `by` decides names and colours."""
    frame = fleet("a-1", "b-2", channels=2).query("topic == 'telemetry/watt_meter'")
    for by in (None, "chan", "client_id", ["client_id", "chan"]):
        figure = plots.timeseries(frame, "value", by=by)
        assert len(figure.data) == 4
    names = [trace.name for trace in plots.timeseries(frame, "value", by="client_id").data]
    assert names == ["a-1", "a-1", "b-2", "b-2"]
    shown = [trace.showlegend for trace in plots.timeseries(frame, "value", by="client_id").data]
    assert shown == [True, False, True, False]


def test_a_column_of_a_loaded_frame_that_joins_clients_says_so():
    """It does not tell whose values they are; the whole frame does, and a column of one's own has nothing to tell."""
    frame = fleet("a-1", "b-2").query("topic == 'telemetry/watt_meter'")
    frame.attrs |= {"rows": len(frame), "topic": "telemetry/watt_meter"}
    told = "several clients or channels as one: of the loaded frame only value is given"
    for cut in (frame["value"], frame[["value"]]):
        assert told in plots.timeseries(cut).layout.title.subtitle.text
        assert told in plots.distribution(cut).layout.title.subtitle.text
    assert told not in str(plots.timeseries(frame, "value").layout.title)
    assert told not in str(plots.timeseries(plain(np.arange(9.0))["value"]).layout.title)


def test_clients_of_a_frame_of_ones_own_may_be_numbers():
    """As an id column of another table is, or what pandas.read_csv makes of ids of digits."""
    frame = pd.DataFrame({"client_id": [1, 2] * 5, "value": range(10)}, index=MINUTES[:10])
    for draw in (plots.timeseries, plots.distribution, plots.profile):
        assert draw(frame).data
    assert [trace.name for trace in plots.timeseries(frame, "value").data] == ["1", "2"]


def test_a_line_of_what_lacks_what_it_is_drawn_by_says_so():
    """A frame with bands beside values, of which some have none: that line is not called by its field."""
    frame = plain([1.1, 1.2, 1.3, 1.4] * 50, band=["20 m", "40 m", None, "20 m"] * 50).rename(columns={"value": "swr"})
    assert {trace.name for trace in plots.timeseries(frame, "swr", by="band").data} == {
        "band 20 m", "band 40 m", "no band",
    }  # fmt: skip


def test_an_axis_of_many_columns_says_their_units_and_the_legend_their_names():
    """Cut names of a wide frame are all alike, and would say nothing."""
    frame = pd.concat([plain([1.0, 2.0, 3.0], client_id=f"station-{n}", topic="t", unit="W") for n in range(5)])
    figure = plots.timeseries(wide(frame, every="1min"), facet=False)
    assert figure.layout.yaxis.title.text == "[W]"
    assert [trace.name for trace in figure.data] == [f"station-{n}" for n in range(5)]


@pytest.mark.parametrize(("unit", "bare"), [("Hz", True), ("W", True), ("kHz", False), ("mW", False), ("%", False)])
def test_no_prefix_stands_before_a_unit_that_has_one(unit, bare):
    """14,070 kHz are written so, as "14.07k [kHz]" would be read as 14.07; 14.07k Hz are what they say."""
    frame = plain([14_070.0, 14_074.0, 14_350.0], unit=unit)
    for axis in (plots.timeseries(frame, "value").layout.yaxis, plots.distribution(frame, "value").layout.xaxis):
        assert (axis.exponentformat, axis.separatethousands) == ((None, None) if bare else ("power", True))


def test_a_wide_frame_is_drawn_with_its_units():
    """Also a part of it, a column alone, and in other plots."""
    grid = wide(plain([1.0, 2.0, 3.0, 4.0], chan=[1, 2, 1, 2], unit=["W", "V"] * 2), every="1min")
    titles = lambda data: [axis.title.text for axis in plots.timeseries(data).select_yaxes()]  # noqa: E731
    assert titles(grid) == ["chan 1 [W]", "chan 2 [V]"]
    assert titles(grid[["chan 2"]]) == titles(grid["chan 2"]) == ["chan 2 [V]"]
    assert plots.distribution(grid["chan 1"]).layout.xaxis.title.text == "chan 1 [W]"
    grid.attrs = {"columns": 2, "units": "W"}  # somebody else's
    assert titles(grid) == ["chan 1", "chan 2"]


def test_units_stand_in_the_titles_and_separate_panels():
    """Watts and degrees of one field are two panels, each with its unit."""
    frame = pd.concat([plain([1.0, 2.0], topic="w", unit="W"), plain([3.0, 4.0], topic="t", unit="°C")])
    figure = plots.timeseries(frame, "value")
    assert {axis.title.text for axis in figure.select_yaxes()} == {"value [W]", "value [°C]"}


def test_a_bare_number_is_named_by_its_topic_which_has_a_panel_of_its_own():
    """Light and voltage without a unit would flatten each other on one axis."""
    frame = pd.concat([plain([9e3, 8e3], topic="light"), plain([13.1, 13.2], topic="voltage")])
    figure = plots.timeseries(frame)
    assert len([*figure.select_yaxes()]) == 2
    assert {note.text for note in figure.layout.annotations} == {"light", "voltage"}


def test_what_the_axis_names_is_no_entry_of_the_legend():
    """Columns of a grid have a panel each and no row of equal lines below; lines that share a panel are told."""
    grid = pd.DataFrame({"north": [1.0, 2.0], "south": [2.0, 3.0]}, index=MINUTES[:2])
    assert not plots.timeseries(grid).layout.showlegend
    assert plots.timeseries(grid, facet=False).layout.showlegend
    assert [trace.showlegend for trace in plots.timeseries(grid, facet=False).data] == [True, True]


def test_a_panel_that_is_headed_by_its_client_does_not_name_it_again():
    """Beside channels of others in the legend it would stand for one."""
    frame = fleet("a-1", "b-2", channels=2).query(
        "topic == 'telemetry/watt_meter' and (client_id == 'a-1' or chan == 1)"
    )
    figure = plots.timeseries(frame, "value", facet="client_id")
    assert {trace.name for trace in figure.data if trace.showlegend} == {"chan 1", "chan 2"}


def test_second_axis_and_facets():
    """`second` puts fields on the right; `facet` gives each client a panel; False joins all fields in one."""
    frame = pd.DataFrame({"load": [0.1, 0.2], "temp": [40.0, 41.0], "client_id": ["a", "b"]}, index=MINUTES[:2])
    figure = plots.timeseries(frame, ["load"], second="temp")
    assert [axis.side for axis in figure.select_yaxes()] == [None, "right"]
    assert {trace.yaxis for trace in figure.data} == {"y", "y2"}
    assert len([*plots.timeseries(frame, "load", facet="client_id").select_yaxes()]) == 2
    assert len([*plots.timeseries(frame, ["load", "temp"], facet=False).select_yaxes()]) == 1


def test_a_gap_is_not_bridged_and_is_shaded():
    """The line is broken where the device was silent, and the span is shaded."""
    frame = plain(np.arange(300.0)).drop(MINUTES[100:150])
    figure = plots.timeseries(frame)
    y = figure.data[0].y
    assert np.isnan(y).sum() == 1
    assert shaded(figure) == [[(np.datetime64("2026-11-01T01:39"), np.datetime64("2026-11-01T02:30"))]]
    assert [shape.yref for shape in figure.layout.shapes] == ["y domain"]
    assert not plots.timeseries(frame, gaps=False).layout.shapes


def test_a_state_published_when_it_changes_has_a_gap_where_its_client_is_silent():
    """It holds up to there, and from the end on: unless it is what ends the silence, then the new one does."""
    silent = ((100, 151), (400, 461))  # the messages before and after
    minutes = [pd.Timestamp("2026-11-01", tz="UTC") + pd.Timedelta(minutes=n) for n in range(600)]
    away = {n for first, last in silent for n in range(first + 1, last)}
    speaks = pd.DataFrame({"client_id": "a", "topic": "telemetry/t", "value": 1.5}, index=minutes)
    speaks = speaks.drop([minutes[n] for n in {*away, 461}])
    switched = {5: 0, 30: 1, 50: 0, 60: 1, 461: 0, 500: 1}
    relay = pd.DataFrame({"client_id": "a", "topic": "state/r", "state": [*switched.values()]},
                         index=[minutes[n] for n in switched])  # fmt: skip
    frame = pd.concat([speaks, relay]).rename_axis("time").sort_index()
    line = next(one for one in plots.timeseries(frame, ["value", "state"]).data if one.yaxis == "y3")
    at = (pd.DatetimeIndex(line.x) - pd.Timestamp("2026-11-01")) // pd.Timedelta(minutes=1)
    drawn = [(n, None if np.isnan(y) else y) for n, y in zip(at, line.y, strict=True)]
    first, second = [(100, 1), (100, None), (151, 1)], [(400, 1), (400, None), (461, 0)]
    assert drawn == [(5, 0), (30, 1), (50, 0), (60, 1), *first, *second, (500, 1)]
    assert len(shaded(plots.timeseries(frame, "state"))[0]) == 2


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_all_gaps_are_shaded_however_many(ground):
    """Of 239 equal outages in a month each one is grey, in each panel its own."""
    index = pd.date_range("2026-01-01", periods=43_200, freq="1min", tz="UTC", name="time")
    frame = plain(np.arange(43_200.0), index)[index.hour % 3 > 0]
    figure = plots.timeseries(frame, theme=ground)
    found = gaps(frame)
    assert len(found) == 239
    ends = zip(found["start"].dt.tz_localize(None), found["end"].dt.tz_localize(None), strict=True)
    assert shaded(figure) == [[*ends]]
    assert len(figure.to_json()) < 1_000_000
    both = pd.concat([frame.assign(topic="a"), frame.iloc[::-1][:20_000].assign(topic="b")]).sort_index(kind="stable")
    assert [len(one) for one in shaded(plots.timeseries(both, theme=ground))] == [239, 166]


def test_of_very_many_gaps_those_that_can_be_seen_are_shaded():
    """A year in which the link fails each hour, for a third of it, and one day for good; and half of a day quickly.

    A failure of 20 minutes is narrower than a pixel there. Where the grey would be most of what is seen, it is joined.
    """
    index = pd.date_range("2026-01-01", periods=365 * 1440, freq="1min", tz="UTC", name="time")
    minute = np.arange(len(index))
    heard = (minute % 60 >= 20) & (minute // 1440 != 100) & ~((minute // 720 == 400) & (minute % 20 >= 3))
    figure = plots.timeseries(plain(np.sin(minute / 1e4), index)[heard])
    ((day, half),) = shaded(figure)
    assert [str(one)[:13] for one in day] == ["2026-04-10T23", "2026-04-12T00"]
    assert [str(one)[:13] for one in half] == ["2026-07-19T23", "2026-07-20T12"]
    assert words(figure).endswith(
        "grey: no message for longer than usual<br>8,721 gaps too short to be visible here: not shaded"
    )
    assert len(figure.to_json()) < 1_000_000


def test_gaps_of_which_none_can_be_seen_are_told():
    """A third of each minute of three days: no grey, and a sentence."""
    index = pd.date_range("2026-11-01", periods=3 * 86_400, freq="1s", tz="UTC", name="time")
    frame = plain(np.arange(len(index)) * 1.0, index)[index.second >= 20]
    assert not plots.timeseries(frame).layout.shapes
    assert words(plots.timeseries(frame)).endswith("4,319 gaps too short to be visible here: not shaded")


@pytest.mark.parametrize("every", ["1d", "12h", "6h", "1h"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/Havana"])
def test_a_day_without_messages_is_a_gap_of_the_grid(every, zone):
    """What is NaN in a wide frame is no straight line in its picture, also where a day has 23 hours."""
    index = pd.date_range("2026-03-01", periods=41 * 24, freq="1h", tz=zone, name="time")
    frame = plain(np.arange(len(index)) * 1.0, index, client_id="a", topic="telemetry/t")
    grid = wide(frame[frame.index.day != 20], "value", every=every)
    assert grid["a"].isna().sum() in range(1, 25)
    drawn = pd.Series(plots.timeseries(grid).data[0].y)
    assert drawn.isna().sum() == 1
    assert drawn.dropna().tolist() == grid["a"].dropna().tolist()


@pytest.mark.parametrize("freq", ["30s", "1h", "D", "W", "MS"])
def test_each_run_without_a_value_breaks_a_line_of_a_resampled_frame(freq):
    """However long the steps are; one value between two runs is a marker, as it has no line to be seen by."""
    index = pd.date_range("2010-01-01", periods=180, freq=freq, tz="Europe/Zurich", name="time")
    value = np.arange(180.0)
    value[[50, 70, 71, 90, 92]] = np.nan
    line, alone = plots.timeseries(plain(value, index)).data
    assert np.diff(line.y)[np.isnan(np.diff(line.y))].size == 2 * 4
    assert (alone.mode, [*alone.y]) == ("markers", [91.0])
    assert len(plots.timeseries(plain(value, index), gaps=False).data) == 2
    assert "grey: rows without a value" in words(plots.timeseries(plain(value, index)))


def test_a_channel_that_speaks_more_rarely_than_the_grid_has_a_line():
    """Of a value each five minutes on a grid of one nothing is missing; where two of them are, the line is broken."""
    slow = np.where(np.arange(300) % 5, np.nan, np.arange(300))
    (line,) = plots.timeseries(plain(slow)).data
    assert [*line.y] == [*range(0, 300, 5)]
    slow[100:116] = np.nan
    figure = plots.timeseries(plain(slow))
    assert np.isnan(figure.data[0].y).sum() == 1
    assert "grey: no message for longer than usual" in words(figure)


@pytest.mark.parametrize("columns", [{"client_id": "a"}, {"topic": "telemetry/t"}, {"chan": 1}])
def test_a_message_without_a_field_is_no_gap_of_it(columns):
    """Also where messages come on the full minute: this one was about something else."""
    value = np.arange(200.0)
    value[[50, 70, 71]] = np.nan
    (line,) = plots.timeseries(plain(value, **columns), "value").data
    assert not np.isnan(line.y).any()


def test_messages_of_no_even_grid_may_lack_a_field():
    """Without a column that says whose they are, rows whose steps differ are messages."""
    index = MINUTES[:200] + pd.to_timedelta(np.arange(200) % 2, unit="s")
    value = np.arange(200.0)
    value[[50, 70, 71]] = np.nan
    for at in (index, pd.DatetimeIndex(np.cumsum([0, *[15, 30] * 99, 15]) * 60_000_000_000, tz="UTC")):
        assert not np.isnan(plots.timeseries(plain(value, at)).data[0].y).any()


@pytest.mark.parametrize(("channels", "told"), [(6, False), (7, True)])
def test_many_states_point_to_the_plot_that_keeps_them_apart(channels, told):
    """Steps of one panel hide one another, be they ever so thin; measurements do not say so, however many."""
    frame = fleet("a-1", channels=channels)
    figure = plots.timeseries(frame[frame["topic"] == "state/relay"], "value")
    assert ("plots.timeline draws each as its own bar" in words(figure)) is told
    assert "timeline" not in words(plots.timeseries(frame[frame["topic"] == "telemetry/watt_meter"], "value"))


def test_states_are_steps_at_0_and_1_with_their_words():
    """Flags and words for on and off are drawn as steps, labelled with the words."""
    for value, low, high in (([True, False] * 9, "false", "true"), (["on", "off"] * 9, "off", "on")):
        figure = plots.timeseries(plain(value))
        assert figure.data[0].line.shape == "hv"
        assert set(figure.data[0].y) == {0.0, 1.0}
        assert [*figure.layout.yaxis.ticktext] == [low, high]


def test_numbers_are_read_out_of_mixed_columns():
    """Of 1, "2", None and "x" the numbers are drawn."""
    figure = plots.timeseries(plain(pd.array([1, "2", None, "x", 5.5], dtype=object)))
    assert figure.data[0].y.tolist() == [1, 2, 5.5]


def test_events_are_marked_with_what_they_say():
    """Messages of event topics are marks in a panel of their own; they can be left out."""
    frame = fleet("a-1")
    figure = plots.timeseries(frame)
    marks = [trace for trace in figure.data if trace.name == "events"]
    assert len(marks) == 1
    assert len(marks[0].x) == 5
    assert "event: ptt" in marks[0].text[0]
    assert "events" not in {trace.name for trace in plots.timeseries(frame, events=False).data}


def test_the_words_of_an_event_are_cut_between_two_characters():
    """What looks like a tag is written as several, of which none is left in part."""
    index = MINUTES[:3]
    frame = pd.DataFrame({"topic": "event/change", "event": [f"{'x' * n}{'<&' * 600}" for n in range(3)]}, index=index)
    texts = plots.timeseries(frame).data[0].text
    assert len(texts) == 3
    for text in texts:
        _, said, _ = text.split("<br>")
        assert re.fullmatch(r"event: x*(&lt;|&amp;)+", said)
        assert len(html.unescape(said)) == 400


def test_all_events_are_drawn_or_the_figure_says_so():
    """Thousands are all drawn; of more, some of every client and hour, in a page of bounded size, and it is said."""
    index = pd.date_range("2026-11-01", periods=4000, freq="1min", tz="UTC", name="time")
    many = pd.DataFrame({"client_id": "a", "topic": "event/change", "event": "x" * 900}, index=index)
    figure = plots.timeseries(many)
    assert len(figure.data[0].x) == 4000
    assert "events," not in (figure.layout.title.subtitle.text or "")
    assert sum(map(len, figure.data[0].text)) < 700_000
    rare = many.iloc[::400].assign(client_id="rare")
    burst = (
        many.iloc[:1]
        .loc[index[:1].repeat(30_000)]
        .set_axis(pd.date_range("2026-11-02", periods=30_000, freq="1s", tz="UTC", name="time"))
    )
    figure = plots.timeseries(pd.concat([many, rare, burst]))
    drawn = pd.Series(figure.data[0].y, index=pd.DatetimeIndex(figure.data[0].x))
    assert len(drawn) == 5000
    assert (drawn == "rare").sum() == len(rare)
    assert len(drawn.index.floor("h").unique()) == len(index.floor("h").unique())
    assert drawn.index.is_monotonic_increasing
    assert "000 of 34" in figure.layout.title.subtitle.text


def test_the_shaded_spans_are_explained():
    """A figure that shades a silence says what the grey is, and one without a silence does not."""
    whole = plain(np.arange(300.0))
    note = "grey: no message for longer than usual"
    assert note in words(plots.timeseries(whole.drop(whole.index[100:200])))
    assert note not in words(plots.timeseries(whole))
    assert note not in words(plots.timeseries(whole.drop(whole.index[100:200]), gaps=False))


def test_a_state_that_never_was_has_no_tick_without_a_word():
    """A flag that is always true has the tick for true only, and no line without a label."""
    axis = plots.timeseries(plain([True] * 100)).layout.yaxis
    assert [*axis.ticktext] == ["true"]
    assert [*axis.tickvals] == [1]


@pytest.mark.parametrize(
    ("field", "value", "lines"),
    [
        ("wind_dir", [350.0, 10.0, 5.0, 355.0], False),
        ("wind_dir", [150.0, 170.0, 160.0, 90.0], True),
        ("power", [350.0, 10.0, 5.0, 355.0], True),
    ],
)
def test_directions_that_pass_north_are_points(field, value, lines):
    """A line would run from top to bottom each time; where none passes, and of what is none, it is a line."""
    (trace,) = plots.timeseries(plain(value * 70).rename(columns={"value": field}), field).data
    assert trace.mode == ("lines" if lines else "markers")
    assert trace.marker.color == trace.line.color


def test_a_direction_that_is_a_state_has_steps():
    """Points at its changes alone would hide how long it held."""
    value = [0, 0, 0, 270, 270, 0, 0, 270] * 10
    frame = plain(value).rename(columns={"value": "wind_dir"}).assign(topic="state/vane")
    assert all("lines" in trace.mode for trace in plots.timeseries(frame, "wind_dir").data)


def test_what_never_changes_gives_way_where_there_are_too_many_panels():
    """Of ten fields eight are drawn: those that change, and the constants only as far as there is room."""
    still = {f"a{number}": 4.0 for number in range(5)}
    frame = plain(np.arange(60.0)).drop(columns="value").assign(**still)
    frame = frame.assign(**{f"z{number}": np.arange(60.0) for number in range(5)})
    figure = plots.timeseries(frame)
    assert {trace.name for trace in figure.data} == {"a0", "a1", "a2", "z0", "z1", "z2", "z3", "z4"}
    assert "8 of 10 panels" in words(figure)


@pytest.mark.parametrize(("clients", "strip"), [(2, 110), (25, 400), (60, 640)])
def test_the_events_of_many_clients_have_a_row_each(clients, strip):
    """Their names stand beside the rows, which are as high as a name, up to forty of them."""
    rows = [f"tx-{number}" for number in range(clients)]
    frame = pd.DataFrame({"client_id": rows, "topic": "event/change", "event": "ptt"}, index=MINUTES[:clients])
    alone = plots.timeseries(frame)
    assert alone.layout.height == 134 + strip
    power = plain(np.arange(60.0), client_id="tx-0", topic="telemetry/power")
    beside = plots.timeseries(pd.concat([power, frame]).sort_index())
    bottom, top = next(axis.domain for axis in beside.select_yaxes() if axis.title.text == "events")
    assert (top - bottom) * (beside.layout.height - 134) >= 0.75 * strip


def test_the_title_names_the_fields_from_the_top():
    """Not by what their lines are called, which may begin with the last panel."""
    frame = pd.concat([
        plain(np.arange(60.0), client_id="b", topic="telemetry/power"),
        plain(np.arange(60.0), client_id="a", topic="telemetry/system").rename(columns={"value": "zeal"}),
    ]).sort_index(kind="stable")  # fmt: skip
    figure = plots.timeseries(frame)
    panels = [axis.title.text for axis in figure.select_yaxes()]
    assert panels == ["value", "zeal"]
    assert figure.layout.title.text == "value, zeal · 2 clients"
