"""How figures look: axes, names and colours that say what is so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isr_analysis import plots
from isr_analysis.plots import theme

MINUTES = pd.date_range("2026-11-01", periods=200, freq="1min", tz="UTC", name="time", unit="ns")
LONG = "a-name-that-is-so-long-that-it-would-take-the-whole-width-of-the-figure-"


def plain(value, index=MINUTES, **columns):
    """Make a frame with one field, by hand."""
    return pd.DataFrame({"value": value, **columns}, index=index[: len(value)])


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
    assert theme.state_colours(["high", "ok"], ground)["high"] != theme.palette(ground)[2]


def test_a_single_message_of_a_day_is_not_like_none():
    """In the heat map the least share differs from nothing as much as the eye needs."""
    for ground in ("light", "dark"):
        nothing, least = (theme.scale(ground)[at] for at in (0, 1))
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
    assert max(map(len, plots.availability(frame).layout.yaxis.ticktext)) <= 40
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
