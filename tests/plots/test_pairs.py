"""Compare: two ranges, or two stations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stations import fleet, hours, words

from isr_analysis import plots
from isr_analysis.errors import UsageError
from isr_analysis.plots.theme import client_colour


def test_two_weeks_are_compared_hour_by_hour_of_the_local_clock():
    """The week before the clocks change is moved by whole days: 09:00 meets 09:00."""
    one, two = hours("2026-10-26", count=24), hours("2026-10-19", count=24)
    figure = plots.compare(one, two)
    assert [trace.x[9].astype("M8[m]").item().hour for trace in figure.data] == [9, 9]
    assert "7 days later" in figure.layout.title.subtitle.text
    assert {trace.name for trace in figure.data} == {"2026-10-26", "2026-10-19"}
    assert "1 day later" in plots.compare(one, hours("2026-10-25", count=20)).layout.title.subtitle.text


def test_weeks_that_were_loaded_meet_day_by_day_also_where_one_began_with_silence():
    """Monday lies over Monday, though the station said nothing on one of them."""
    one, two = hours("2026-10-26", count=7 * 24), hours("2026-10-20", count=6 * 24)
    two.attrs = {"start": "2026-10-18T22:00:00Z", "end": "2026-10-25T23:00:00Z", "rows": len(two)}
    assert "7 days later" in plots.compare(one, two).layout.title.subtitle.text
    two.attrs = {}
    assert "6 days later" in plots.compare(one, two).layout.title.subtitle.text


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


def test_two_frames_whose_values_are_all_missing_are_said_to_be_so():
    """A column that holds nothing in either is no column that is not there."""
    frame = hours("2026-11-01").assign(value=np.nan)
    assert "every value is missing" in words(plots.compare(frame.iloc[:24], frame.iloc[24:], "value"))


def test_a_frame_of_which_there_is_nothing_to_draw_is_named():
    """Where one of the two has no row, or no value, the figure says that the line is the other's alone."""
    frame = hours("2026-11-01")
    for other in (frame.iloc[:0], frame.assign(value=np.nan)):
        assert "nothing to draw of last" in words(plots.compare(frame, other, "value", names=("this", "last")))


def test_of_fleets_that_are_too_large_to_draw_both_ranges_keep_the_same_stations():
    """The shorter range, of which each line has fewer points, is not left out for the lines of the longer one."""
    week = pd.concat([hours("2026-10-19", count=24 + number).assign(client_id=f"s-{number}") for number in range(30)])
    today = week.iloc[::2].set_axis(week.index[::2] + pd.Timedelta("7D"))
    figure = plots.compare(week, today, "value", names=("week", "today"))
    drawn = [trace.name.split(" · ") for trace in figure.data]
    assert len(drawn) == 40
    of_the_week, of_today = ({who for whose, who in drawn if whose == side} for side in ("week", "today"))
    assert of_the_week == of_today == {f"s-{number}" for number in range(10, 30)}
    assert "nothing to draw" not in words(figure)


def test_ranges_of_other_units_keep_their_names_and_colours():
    """A panel that one of the two has for itself says which, in its own colour."""
    one = hours("2026-11-01").assign(client_id="a-1", unit="W")
    two = hours("2026-11-03").assign(client_id="a-1", unit="kW")
    figure = plots.compare(one, two, "value", names=("before", "after"))
    assert {trace.name for trace in figure.data} == {"before", "after"}
    assert len({trace.line.color for trace in figure.data}) == 2
    assert figure.layout.showlegend


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c"), ("a", "a"), "ab", ()])
def test_names_that_are_no_pair_are_refused(names):
    """One, three, twice the same, which would be one line, or a text, which is two letters; numbers will do."""
    one, two = hours("2026-11-01"), hours("2026-11-03")
    with pytest.raises(UsageError, match=r'is not two different names; give for example \("before"'):
        plots.compare(one, two, "value", names=names)
    assert {trace.name for trace in plots.compare(one, two, "value", names=(2025, 2026)).data} == {"2025", "2026"}


def test_a_field_in_the_place_of_the_second_frame_is_told_as_such():
    """The other figures take a frame and a field."""
    with pytest.raises(
        UsageError, match=r"the second of the two frames to compare, other: a pandas DataFrame .* not str"
    ):
        plots.compare(hours("2026-11-01"), "value")
