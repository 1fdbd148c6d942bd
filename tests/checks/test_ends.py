"""Where a loaded frame ends: for what judges what is missing, and for what shows it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from ticks import at, joined, minutes, ticks

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


def fleet():
    """Give a frame as it is loaded, of three days of four clients: one dies early, one comes late, one is slow."""
    frame = joined(
        ticks(minutes(0, 4320)),
        ticks(minutes(0, 1000), client="dies"),
        ticks(minutes(3000, 4320), client="late"),
        ticks(minutes(0, 4320, 700), client="slow", topic="state/b"),
    )
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-04T00:00:00Z", "rows": len(frame)}
    return frame


@pytest.mark.parametrize("check", [gaps, quality, completeness])
def test_a_frame_cut_to_a_dead_client_is_not_healthy_without_a_word(check):
    """Its silence at the edge of what was loaded is told if they are given, and else that it is not counted."""
    df = fleet()
    for client, lost, given in (("dies", "after 2026-11-01 16:39:00+00:00", "end"),
                                ("late", "before 2026-11-03 02:00:00+00:00", "start")):  # fmt: skip
        one = df[df["client_id"] == client]
        words = rf"taken away .*loaded, so silence {re.escape(lost)} is not counted; give {given}="
        with pytest.warns(UserWarning, match=words) as told:
            check(one)
        assert [warning.filename for warning in told] == [__file__]
        found = check(one, **{given: df.attrs[given]})
        assert found["share"].min() < 0.5 if check is completeness else len(found) == 1
    both = df[(df["client_id"] == "dies") | (df["client_id"] == "slow")]
    check(both[both.index < "2026-11-03"], start=df.attrs["start"], end="2026-11-03")
    with pytest.warns(UserWarning, match="silence before 2026-11-01 08:20"):
        check(df[df["client_id"] == "dies"].iloc[500:])


@pytest.mark.parametrize("check", [gaps, quality, completeness])
def test_a_slice_of_time_is_no_cut(check):
    """All clients are there, or some begin and end in it at once; and nothing is lost of a client that is well."""
    df = fleet()
    check(df.loc["2026-11-03 03:00":])
    check(df.loc["2026-11-01 09:00":"2026-11-01 13:00"])
    check(df[df["client_id"] == "isr-shack-01"])
    check(df[df["topic"] == "telemetry/a"])
    check(df[df["value"] > 3])
    one = df[df["client_id"] == "dies"].assign(client_id="dies")
    one.attrs = {}
    check(one)
    of_one = ticks(minutes(0, 1440)).astype({"client_id": "category", "topic": "category"})
    of_one.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "rows": 1440}
    check(of_one.loc["2026-11-01 05:00":"2026-11-01 06:00"])


def test_of_clients_as_text_the_names_asked_for_tell_which_are_gone():
    """Where the frame's columns are none of categories, as from a file."""
    df = fleet()
    df["client_id"], df["topic"] = df["client_id"].astype("str"), df["topic"].astype("str")
    gaps(df[df["client_id"] == "dies"])
    df.attrs["clients"] = ["dies", "isr-shack-01"]
    with pytest.warns(UserWarning, match="silence after"):
        gaps(df[df["client_id"] == "dies"])
