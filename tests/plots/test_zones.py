"""Time: the axis shows the local clock, and does not fold where the clocks change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stations import hours, plain

from isr_analysis import plots
from isr_analysis.checks import series
from isr_analysis.plots import zones


@pytest.mark.parametrize("day", ["2026-10-24", "2026-10-25", "2026-03-28", "2026-03-29"])
def test_a_line_across_a_change_of_the_clocks_does_not_fold(day):
    """Equal steps of time are equal steps of the axis; the hover text has the local clock."""
    frame = hours(day)
    figure = plots.timeseries(frame)
    x = figure.data[0].x.astype("M8[ns]")
    assert (np.diff(x) == np.timedelta64(1, "h")).all()
    local = [text.split()[3] for text in figure.data[0].customdata]
    assert local == [f"{one:%H:%M:%S}" for one in frame.index]
    assert {text.split()[4] for text in figure.data[0].customdata} == {"CET", "CEST"}
    assert "changed its clocks on" in figure.layout.xaxis.title.text
    assert "UTC+0" in figure.layout.xaxis.title.text


def test_bars_say_which_of_two_clocks_they_mean():
    """Half past two comes twice in that night; where the clocks stay as they are, the axis names the zone once."""
    index = pd.date_range("2026-10-25", periods=8, freq="30min", tz="UTC", name="time").tz_convert("Europe/Zurich")
    changed = plots.timeline(plain([False, True] * 4, index).rename(columns={"value": "relay"}))
    assert changed.data[0].customdata[0] == "Sun 25 Oct 2026 02:00:00 CEST to Sun 25 Oct 2026 02:30:00 CEST"
    assert changed.data[0].customdata[1] == "Sun 25 Oct 2026 02:00:00 CET to Sun 25 Oct 2026 02:30:00 CET"
    usual = plots.timeline(plain([False, True] * 4, index.shift(7, "D")).rename(columns={"value": "relay"}))
    assert "CE" not in usual.data[0].customdata[0]


def test_all_changes_of_the_clocks_are_told():
    """Of two both dates are said, of more how many there are; two dates alone would deny the others."""
    days = [hours(day, count=2) for day in ("2026-01-01", "2026-12-01", "2027-12-01")]
    two, four = (plots.timeseries(pd.concat(some)).layout.xaxis.title.text for some in (days[:2], days))
    assert "changed its clocks on 2026-03-29 and 2026-10-25" in two
    assert "changed its clocks 4 times from 2026-03-29 to 2027-10-31" in four


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
    assert "no time zone" in figure.layout.xaxis.title.text


def test_the_words_of_many_bars_are_written_at_once(monkeypatch):
    """One by one they would take longer than everything else of a timeline."""
    seen = []
    monkeypatch.setattr(zones, "stamps", lambda ns, zone: seen.append(len(ns)) or series.stamps(ns, zone))
    (off, on) = plots.timeline(plain(["on", "off"] * 150)).data
    assert len(on.customdata) == len(off.customdata) == 150
    assert on.customdata[0] == "Sun 01 Nov 2026 00:00:00 to Sun 01 Nov 2026 00:01:00"
    assert len(seen) < 20
