"""Figures: what is drawn, and that nothing is drawn wrongly."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isr_analysis import plots
from isr_analysis.errors import UsageError
from isr_analysis.plots.theme import client_colour, palette
from isr_analysis.plots.thin import POINTS, thin

MINUTES = pd.date_range("2026-11-01", periods=300, freq="1min", tz="UTC", name="time", unit="ns")


def plain(value, index=MINUTES, **columns):
    """Make a frame with one field, by hand."""
    return pd.DataFrame({"value": value, **columns}, index=index[: len(value)])


def fleet(*clients, channels=2, index=MINUTES):
    """Make a frame of a fleet, as a loader gives it: watt meters, relays, summaries, events."""
    parts = []
    for number, client in enumerate(clients):
        rng = np.random.default_rng(number)
        who = {"client_id": client, "station_controller_device_id": f"SC-{number}"}
        for chan in range(1, channels + 1):
            power = {"topic": "telemetry/watt_meter", "type": "watt_meter", "chan": chan, "unit": "W"}
            relay = {"topic": "state/relay", "type": "relay", "chan": chan}
            switched = np.where(np.arange(len(index)) // 50 % 2, "on", "off").astype(object)
            parts += [
                pd.DataFrame({**who, **power, "value": rng.normal(50, 2, len(index))}, index=index),
                pd.DataFrame({**who, **relay, "value": switched}, index=index),
            ]
        load = {"client_id": client, "topic": "state/summary", "cpu.load": rng.random(len(index)), "online": True}
        parts.append(pd.DataFrame(load, index=index))
        event = {"client_id": client, "topic": "event/change", "event": "ptt"}
        parts.append(pd.DataFrame(event, index=index[::60]))
    frame = pd.concat(parts).sort_index(kind="stable")
    frame = frame.astype({"client_id": "category", "topic": "category", "chan": "Int64", "online": "boolean"})
    return frame.rename_axis("time")


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


def words(figure):
    """Give all that a figure says besides its data."""
    title = figure.layout.title
    return " ".join([title.text or "", title.subtitle.text or "", *(note.text for note in figure.layout.annotations)])


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


@pytest.mark.parametrize("plot", DRAWN)
def test_an_index_that_is_not_of_time_is_refused_with_the_way_out(plot):
    """The error says what came and how to make an index of time."""
    with pytest.raises(UsageError, match=r"RangeIndex.*set_index"):
        DRAWN[plot](pd.DataFrame({"time": ["2026-11-01"], "value": [1]}))


def test_a_field_that_is_not_there_is_named_with_those_that_are():
    """The error names what is missing and what there is."""
    with pytest.raises(UsageError, match=r"'power'.*value"):
        plots.timeseries(plain([1.0]), "power")
    with pytest.raises(UsageError, match=r"'room'"):
        plots.timeseries(plain([1.0]), by="room")
    with pytest.raises(UsageError, match=r"theme='pink'"):
        plots.timeseries(plain([1.0]), theme="pink")


# --- lines


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
    assert [str(shape.x0)[:16] for shape in figure.layout.shapes] == ["2026-11-01T01:39"]
    assert [str(shape.x1)[:16] for shape in figure.layout.shapes] == ["2026-11-01T02:30"]
    assert not plots.timeseries(frame, gaps=False).layout.shapes


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


@pytest.mark.parametrize("draw", [plots.timeseries, plots.availability, lambda df: plots.compare(df, df)])
def test_an_instant_that_no_clock_means_is_refused(draw):
    """The years 1700 and 2200 are a UsageError with the way out, in each figure."""
    index = pd.DatetimeIndex(["1700-01-01", "2026-11-01", "2200-01-01"], tz="UTC")
    with pytest.raises(UsageError, match="1970 to 2100"):
        draw(pd.DataFrame({"value": [1.0, 2.0, 3.0]}, index=index))


def test_coverage_of_a_series_is_refused():
    """What is no frame of the ledger is told by its type."""
    with pytest.raises(UsageError, match="a Series came"):
        plots.coverage(pd.Series([1, 2]))


# --- length


@given(st.integers(0, 10_000), st.integers(3, 4000), st.integers(0, 30))
@settings(max_examples=60)
def test_thinning_keeps_extremes_ends_and_gaps(seed, count, holes):
    """However a line is thinned, its ends, its least and greatest value and its gaps are there, and few points."""
    rng = np.random.default_rng(seed)
    pause = np.ones(count, dtype="int64")
    pause[rng.integers(0, count, holes)] = 1000
    time, value = pause.cumsum(), rng.standard_cauchy(count)
    breaks = np.flatnonzero(np.diff(time) >= 1000)
    keep, kept = thin(time, value, breaks, 300)
    assert len(keep) <= 460
    assert (np.diff(keep) > 0).all()
    assert {0, count - 1, int(value.argmin()), int(value.argmax())} <= {*keep.tolist()}
    assert np.isin(keep[kept], breaks).all()
    assert (keep[kept + 1] == keep[kept] + 1).all()
    if len(breaks) <= 300 // 8:
        assert len(kept) == len(breaks)


def test_a_long_line_is_thinned_and_says_so():
    """Half a million points: a small figure with the true extremes that tells of the thinning."""
    index = pd.date_range("2026-11-01", periods=500_000, freq="1s", tz="UTC")
    value = np.random.default_rng(1).normal(0, 1, 500_000)
    value[123_456], value[345_678] = 99.0, -99.0
    figure = plots.timeseries(plain(value, index))
    assert len(figure.data[0].y) <= POINTS
    assert (np.nanmin(figure.data[0].y), np.nanmax(figure.data[0].y)) == (-99.0, 99.0)
    assert "thinned" in figure.layout.title.subtitle.text
    assert "thinned" not in words(plots.timeseries(plain(value[:500], index)))
    assert len(figure.to_json()) < 1_000_000


def test_a_thousand_long_lines_stay_a_small_figure():
    """A thousand channels of a thousand points: few lines, a note that says so, below a megabyte."""
    index = pd.date_range("2026-11-01", periods=1000, freq="1min", tz="UTC")
    frame = pd.DataFrame(
        {"chan": np.repeat(np.arange(1000), 1000), "value": np.random.default_rng(1).normal(0, 1, 1_000_000)},
        index=pd.DatetimeIndex(np.tile(index, 1000)),
    )
    figure = plots.timeseries(frame, "value", by="chan")
    assert "of 1000 lines" in figure.layout.title.subtitle.text
    assert len(figure.to_json()) < 1_000_000


# --- time


def hours(day, zone="Europe/Zurich", count=48):
    """Make a frame of hours from a local midnight on."""
    index = pd.date_range(pd.Timestamp(day, tz=zone), periods=count, freq="1h", unit="ns", name="time")
    return pd.DataFrame({"value": np.arange(count) * 1.0}, index=index)


@pytest.mark.parametrize("day", ["2026-10-24", "2026-10-25", "2026-03-28", "2026-03-29"])
def test_a_line_across_a_change_of_the_clocks_does_not_fold(day):
    """Equal steps of time are equal steps of the axis; the hover text has the local clock."""
    frame = hours(day)
    figure = plots.timeseries(frame)
    x = figure.data[0].x.astype("M8[ns]")
    assert set(np.diff(x)) == {np.timedelta64(1, "h")}
    local = [text.split()[3] for text in figure.data[0].customdata]
    assert local == [f"{one:%H:%M:%S}" for one in frame.index]
    assert {text.split()[4] for text in figure.data[0].customdata} == {"CET", "CEST"}
    assert "changed its clocks on" in figure.layout.xaxis.title.text
    assert "UTC+0" in figure.layout.xaxis.title.text


def test_within_one_offset_the_axis_shows_the_local_clock():
    """Local midnight is drawn at midnight, and the zone is named."""
    figure = plots.timeseries(hours("2026-11-01", count=24))
    assert str(figure.data[0].x[0])[:16] == "2026-11-01T00:00"
    assert figure.layout.xaxis.title.text == "Time (Europe/Zurich, UTC+01:00)"
    assert figure.data[0].customdata is None
    there = plots.timeseries(hours("2026-11-10", count=24), tz="America/St_Johns")
    assert str(there.data[0].x[0])[:16] == "2026-11-09T19:30"


def test_a_frame_without_a_zone_is_drawn_as_it_is():
    """Naive instants keep their digits, and the axis says that no zone is known."""
    figure = plots.timeseries(hours("2026-11-01").tz_localize(None))
    assert str(figure.data[0].x[0])[:16] == "2026-11-01T00:00"
    assert "no zone" in figure.layout.xaxis.title.text


def test_availability_counts_the_hours_of_local_days():
    """A day of 25 hours that was heard throughout is 100 %; one that was heard half is half."""
    frame = hours("2026-10-24", count=24 + 25 + 24)
    assert plots.availability(frame).data[0].z.tolist() == [[100.0, 100.0, 100.0]]
    half = frame[(frame.index.day != 26) | (frame.index.hour >= 12)].assign(client_id="a-1")
    figure = plots.availability(half)
    assert figure.data[0].z.tolist() == [[100.0, 100.0, 50.0]]
    assert figure.data[0].x[1] == "2026-10-25"


# --- looks


@given(st.lists(st.from_regex(r"[a-z]{2,6}-[a-z]{2,6}-\d{2}", fullmatch=True), min_size=2, max_size=5, unique=True))
@settings(max_examples=30)
def test_a_client_has_the_same_colour_in_every_figure(clients):
    """A client's colour rests on its id alone: alone, among others, in any plot."""
    index = MINUTES[:30]
    parts = [plain(np.arange(30.0), index, client_id=client, topic="t") for client in clients]
    figure = plots.timeseries(pd.concat(parts), "value")
    for trace in figure.data:
        assert trace.line.color == client_colour(trace.name, "light")
    looks = [(trace.line.color, trace.line.dash) for trace in figure.data]
    assert len(set(looks)) == len(clients)


def test_numbered_stations_have_colours_of_their_own():
    """Eight numbered stations never share a colour."""
    for theme in ("light", "dark"):
        colours = {client_colour(f"isr-{place}-{n:02}", theme) for n, place in enumerate("abcdefgh", 1)}
        assert colours == set(palette(theme))


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


# --- the other plots


def test_a_timeline_holds_states_but_not_through_an_outage():
    """On from message to message; empty where a device that speaks each minute was silent."""
    value = np.where(np.arange(300) < 150, "on", "off").astype(object)
    frame = plain(value).drop(MINUTES[50:100])
    figure = plots.timeline(frame)
    on = next(trace for trace in figure.data if trace.name == "on")
    assert [str(one)[11:16] for one in on.base] == ["00:00", "01:40"]
    assert [one / 60_000 for one in on.x] == [49, 50]


def test_states_that_are_published_on_a_change_hold_to_the_next():
    """Without a rhythm there is no silence: what was said last holds."""
    index = pd.DatetimeIndex(["2026-11-01T00:00", "2026-11-01T07:13", "2026-11-02T00:00"], tz="UTC")
    figure = plots.timeline(plain(["on", "off", "on"], index))
    off = next(trace for trace in figure.data if trace.name == "off")
    assert off.x[0] / 3_600_000 == pytest.approx(24 - 7 - 13 / 60)


def test_a_profile_is_the_median_of_each_local_hour():
    """Hour of the day in the zone of the frame, also across a change of the clocks."""
    index = pd.date_range("2026-10-20", "2026-10-30", freq="1h", tz="Europe/Zurich", name="time", inclusive="left")
    figure = plots.profile(pd.DataFrame({"value": index.hour * 1.0}, index=index))
    assert figure.data[-1].y.tolist() == [*range(24), 0]
    assert "Europe/Zurich" in figure.layout.xaxis.title.text
    with pytest.raises(UsageError, match="year"):
        plots.profile(plain([1.0]), over="year")


def test_a_distribution_adds_up():
    """The shares of each line's classes add up to 100 %."""
    figure = plots.distribution(fleet("a-1", "b-2").query("topic == 'telemetry/watt_meter'"), "value")
    assert len(figure.data) == 4
    for trace in figure.data:
        assert trace.y[1::2][:-1].sum() == pytest.approx(100)


def test_two_weeks_are_compared_hour_by_hour_of_the_local_clock():
    """The week before the clocks change is moved by whole days: 09:00 meets 09:00."""
    one, two = hours("2026-10-26", count=24), hours("2026-10-19", count=24)
    figure = plots.compare(one, two)
    assert [trace.x[9].astype("M8[m]").item().hour for trace in figure.data] == [9, 9]
    assert "7 days later" in figure.layout.title.subtitle.text
    assert {trace.name for trace in figure.data} == {"2026-10-26", "2026-10-19"}
    assert "1 day later" in plots.compare(one, hours("2026-10-25", count=20)).layout.title.subtitle.text


def test_the_channels_of_two_ranges_are_told_apart():
    """Each range has its colour, and each of its channels its line and its name in the legend; `by` names fewer."""
    frame = fleet("a-1", channels=2).query("topic == 'telemetry/watt_meter'")
    half = len(frame) // 2
    parts = frame.iloc[:half], frame.iloc[half:]
    figure = plots.compare(*parts, "value", names=("first", "second"))
    assert [trace.name for trace in figure.data] == [
        f"{whose} · chan {chan}" for whose in ("first", "second") for chan in (1, 2)
    ]
    assert len({trace.line.color for trace in figure.data}) == 2
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 4
    names = [trace.name for trace in plots.compare(*parts, "value", names=("first", "second"), by=[]).data]
    assert set(names) == {"first", "second"}


def test_two_stations_are_compared_in_their_colours():
    """Two clients of the same time keep their time and their colours."""
    parts = [fleet(name).query("topic == 'telemetry/watt_meter' and chan == 1") for name in ("a-1", "b-2")]
    figure = plots.compare(*parts, "value")
    assert [(trace.name, trace.line.color) for trace in figure.data] == [
        (name, client_colour(name, "light")) for name in ("a-1", "b-2")
    ]


def test_the_board_puts_the_longest_silent_on_top():
    """Ages count from when the portal answered; states are words as well as colours."""
    index = pd.DatetimeIndex(["2026-11-01T11:59:30", "2026-11-01T11:00", "2026-10-20"], tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": ["a", "b", "c"], "topic": "t", "value": [1, 2, 3]}, index=index)
    frame.attrs["fetched_at"] = "2026-11-01T12:00:00Z"
    cells = plots.live(frame).data[0].cells["values"]
    assert [*cells[1]] == ["c", "b", "a"]
    assert [*cells[2]] == ["silent", "stale", "heard"]
    assert cells[3][2] == "30 s ago"
    frame.attrs["stale"] = True
    assert "older answer" in plots.live(frame).layout.title.subtitle.text


@pytest.mark.parametrize("count", [1, 9, 200])
def test_the_board_is_as_high_as_its_rows(count):
    """No blank strip is left under the table; a long one is scrolled in its place."""
    index = pd.DatetimeIndex(["2026-11-01T12:00"] * count, tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": [f"c-{i}" for i in range(count)], "topic": "t", "value": 1}, index=index)
    figure = plots.live(frame)
    table = figure.data[0]
    used = figure.layout.margin.t + table.header.height + count * table.cells.height + figure.layout.margin.b
    assert figure.layout.height == pytest.approx(min(used, 918), abs=8)


def test_coverage_is_drawn_by_client_and_state():
    """The frame of the ledger: a row for each selector, states in words; nothing asked for says so."""
    days = pd.to_datetime(["2026-11-01", "2026-11-02", "2026-11-03"], utc=True)
    frame = pd.DataFrame({"client_id": ["*", "a-1"], "topic": ["#", "t/#"], "start": days[:2], "end": days[1:],
                          "state": ["settled", "failed"]})  # fmt: skip
    figure = plots.coverage(frame)
    assert [trace.name for trace in figure.data] == ["on disk for good", "the portal failed"]
    assert [trace.y[0] for trace in figure.data] == ["all clients", "a-1 · t/#"]
    assert "No data" in words(plots.coverage(frame.iloc[:0]))
    with pytest.raises(UsageError, match="state"):
        plots.coverage(frame.drop(columns="state"))


# --- zooming


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


def test_the_shaded_spans_are_explained():
    """A figure that shades a silence says what the grey is, and one without a silence does not."""
    whole = plain(np.arange(300.0))
    note = "grey: nothing came for longer than usual"
    assert note in words(plots.timeseries(whole.drop(whole.index[100:200])))
    assert note not in words(plots.timeseries(whole))
    assert note not in words(plots.timeseries(whole.drop(whole.index[100:200]), gaps=False))


def test_a_state_that_never_was_has_no_tick_without_a_word():
    """A flag that is always true has the tick for true only, and no line without a label."""
    axis = plots.timeseries(plain([True] * 100)).layout.yaxis
    assert [*axis.ticktext] == ["true"]
    assert [*axis.tickvals] == [1]
