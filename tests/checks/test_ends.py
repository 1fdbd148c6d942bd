"""Where a loaded frame ends: for what judges what is missing, and for what shows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ticks import at, minutes, ticks

from isr_analysis.checks import completeness, gaps, quality, wide


def loaded(frame, **attrs):
    """Give a frame the attrs of one that was loaded of two days."""
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-03T00:00:00Z", "rows": len(frame), **attrs}
    return frame


def test_when_the_oldest_part_was_fetched_ends_no_range():
    """Of a range whose first day has been on disk for long all is looked at: the gap of the second day is found."""
    frame = loaded(ticks(np.delete(minutes(0, 2880), slice(2000, 2100))), fetched_at="2026-11-02T00:10:00Z")
    assert gaps(frame)["missed"].tolist() == [100]
    assert wide(frame, "value", every="1h").notna().sum().tolist() == [47]
    assert completeness(frame)["messages"].tolist() == [1440, 1340]


@pytest.mark.parametrize("since", ["2026-11-02T23:50:00Z", "2026-11-01T23:50:00Z", "2026-11-01T00:00:00Z"])
def test_what_came_where_more_may_come_is_on_the_grid(since):
    """Nothing that is in a frame is left out of it, though it is not counted as missing either."""
    frame = loaded(ticks(minutes(0, 2880)), provisional_from=since)
    grid = wide(frame, "value", every="1min")
    assert len(grid) == grid.notna().to_numpy().sum() == 2880
    assert len(wide(frame, "value", every="1min", end="2026-11-01T12:00:00Z")) == 720


def test_what_came_where_more_may_come_makes_up_for_nothing():
    """A day's share is of what should have come by then: late ones do not stand in for those that are missing."""
    frame = loaded(ticks(np.delete(minutes(0, 1300), slice(100, 200))), provisional_from="2026-11-01T20:00:00Z")
    day = completeness(frame).iloc[0]
    assert (day["messages"], day["expected"]) == (1200, 1200)
    assert day["share"] == pytest.approx(1100 / 1200)


def test_silence_outside_of_the_range_is_none():
    """Of one that begins or ends outside that part is left out; where late messages may come, all of it is."""
    frame = ticks(np.delete(minutes(0, 1440), [*range(100, 200), *range(900, 1000)]))
    assert gaps(frame, start=at(300), end=at(800)).empty
    found = gaps(frame, start=at(150), end=at(950))
    assert found[["start", "end", "missed"]].to_numpy().tolist() == [[at(150), at(200), 50], [at(899), at(950), 50]]
    assert gaps(frame, start=at(198), end=at(901)).empty
    assert gaps(loaded(frame, provisional_from="2026-11-01T12:00:00Z"))["start"].tolist() == [at(99)]


@pytest.mark.parametrize(
    "change",
    [
        lambda df: df["value"],
        lambda df: df[["value"]],
        lambda df: df.rename(columns={"client_id": "station"}),
        lambda df: df.assign(client_id="Shack"),
        lambda df: df.tz_convert("Europe/Zurich").tz_localize(None),
        lambda df: df.set_axis(df.index + pd.Timedelta(days=7)),
        lambda df: df.set_axis(df.index - pd.Timedelta(hours=1)),
    ],
)
def test_what_was_loaded_and_changed_since_is_not_called_silent(change):
    """One column of it, other names, no zone, another week: that its `attrs` say otherwise is no silence."""
    frame = change(loaded(ticks(minutes(0, 2880)), clients=["isr-shack-01"], topic="telemetry/a"))
    assert frame.attrs["rows"] == len(frame)
    assert len(gaps(frame)) == 0
    assert len(quality(frame)) == 0
    assert set(completeness(frame)["share"]) == {1.0}
    assert wide(frame, every="1h").notna().all(axis=None)


def test_who_was_asked_for_and_is_not_there_is_silent():
    """Beside one that spoke, and alone."""
    frame = loaded(ticks(minutes(0, 2880)), clients=["isr-shack-01", "other"], topic="telemetry/a")
    assert gaps(frame)["client_id"].tolist() == ["other"]
    assert gaps(loaded(frame.iloc[:0], clients=["other"]))["client_id"].tolist() == ["other"]


def test_a_day_ends_before_the_next_midnight_and_a_range_begins_at_its_start():
    """A message of the next midnight is of the next day; those before the range do not stand in for missing ones."""
    hours = np.arange(0, 48) * 3600.0
    day = completeness(ticks(hours), end="2026-11-02").iloc[-1]
    assert (day["messages"], day["expected"]) == (24, 24)
    half = completeness(ticks(np.delete(hours, slice(14, 20))), start="2026-11-01T12:00", end="2026-11-02").iloc[-1]
    assert (half["expected"], half["share"]) == (12, 0.5)
