"""Live: the table of who was heard, and when."""

from __future__ import annotations

import pandas as pd
import pytest

from isr_analysis import plots
from isr_analysis.errors import UsageError


def test_the_board_puts_the_longest_silent_on_top():
    """Ages count from when the portal answered; states are words as well as colours."""
    index = pd.DatetimeIndex(["2026-11-01T11:59:30", "2026-11-01T11:00", "2026-10-20"], tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": ["a", "b", "c"], "topic": "t", "value": [1, 2, 3]}, index=index)
    frame.attrs["fetched_at"] = "2026-11-01T12:00:00Z"
    cells = plots.live(frame).data[0].cells["values"]
    assert [*cells[0]] == ["c", "b", "a"]
    assert [words.partition(",")[0] for words in cells[1]] == ["● silent", "● stale", "● live"]
    assert cells[1][2] == "● live, 30 s ago, 01 Nov 11:59:30"
    assert cells[2][2] == "t: 1"
    frame.attrs["stale"] = True
    assert "older answer" in plots.live(frame).layout.title.subtitle.text


def test_the_board_counts_from_the_instant_that_is_given_by_the_limits_that_are_given():
    """In the zone asked for, under the title asked for; a clock that is ahead is told."""
    index = pd.DatetimeIndex(["2026-11-01T12:00", "2026-11-01T11:00", "2026-11-01T14:00"], tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": ["a", "b", "c"], "topic": "t", "value": [1, 2, 3]}, index=index)
    asked = {"now": "2026-11-01T13:02", "stale": "1min", "silent": "1h", "tz": "Europe/Zurich", "title": "Now"}
    figure = plots.live(frame, **asked)
    cells = figure.data[0].cells["values"]
    assert [*zip(*cells[:2], strict=True)] == [
        ("b", "● silent, 1 h 2 min ago, 01 Nov 12:00:00"),
        ("a", "● stale, 2 min ago, 01 Nov 13:00:00"),
        ("c", "● live, 1 h 58 min ahead, 01 Nov 15:00:00"),
    ]
    assert figure.data[0].header["values"][1] == "<b>heard, at (Europe/Zurich)</b>"
    assert figure.layout.title.text == "Now"
    assert "13:02:00 (Europe/Zurich)" in figure.layout.title.subtitle.text
    with pytest.raises(UsageError, match="shorter than stale"):
        plots.live(frame, stale="2h", silent="1h")


def test_long_names_are_broken_where_they_have_parts():
    """Behind a slash, between words, in the middle only where there is no other way; a minus stays with its number."""
    index = pd.DatetimeIndex(["2026-11-01"], tz="UTC", name="time")
    frame = pd.DataFrame(
        {"client_id": "isr-mountain-hut", "topic": "telemetry/position/deep", "rssi": -87}, index=index
    )
    cells = plots.live(frame.assign(note="x" * 40)).data[0].cells["values"]
    assert cells[0][0] == "isr-mountain-<br>hut"
    assert cells[2][0] == f"telemetry/position/deep: rssi -87, note<br>{'x' * 40}"


def test_where_no_word_is_long_the_width_of_the_page_breaks_the_lines():
    """A line that is broken here would be cut off on a phone: plotly breaks none that is broken already."""
    index = pd.DatetimeIndex(["2026-11-01"], tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": "a", "topic": "telemetry/rf", **dict.fromkeys("bcdefg", 123456.5)}, index=index)
    assert not any("<br>" in text for column in plots.live(frame).data[0].cells["values"] for text in column)


@pytest.mark.parametrize("count", [1, 9, 200])
def test_the_board_is_as_high_as_its_rows(count):
    """No blank strip is left under the table; a long one is scrolled in its place."""
    index = pd.DatetimeIndex(["2026-11-01T12:00"] * count, tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": [f"c-{i}" for i in range(count)], "topic": "t", "value": 1}, index=index)
    figure = plots.live(frame)
    table = figure.data[0]
    used = figure.layout.margin.t + table.header.height + count * table.cells.height + figure.layout.margin.b
    assert figure.layout.height == pytest.approx(min(used, 936), abs=9)
    assert (f"{count} rows; scroll the table" in figure.layout.title.subtitle.text) is (count > 3)


def test_messages_of_no_client_are_nobodys():
    """A row without a client is left out; where none has one, the figure says that nobody was heard."""
    index = pd.DatetimeIndex(["2026-11-01T12:00", "2026-11-01T11:00"], tz="UTC", name="time")
    frame = pd.DataFrame({"client_id": ["a", None], "value": 1}, index=index)
    assert [*plots.live(frame).data[0].cells["values"][0]] == ["a"]
    figure = plots.live(frame.assign(client_id=None))
    assert "no publisher was heard" in figure.layout.annotations[0].text
