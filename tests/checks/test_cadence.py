"""Cadence: the interval of a series is found from its instants, and with it what is a silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticks import START, joined, minutes, ticks

from isr_analysis import times
from isr_analysis.checks import completeness, gaps, intervals
from isr_analysis.checks.cadence import cadence, silences

S = times.SECOND


def test_the_interval_is_found_from_the_instants():
    """One message a minute, jittered, is a minute and regular."""
    jitter = np.random.default_rng(1).uniform(0, 15, 500)
    row = intervals(ticks(minutes(0, 500) + jitter)).iloc[0]
    assert row["regular"]
    assert abs(row["interval"].total_seconds() - 60) < 3


@pytest.mark.parametrize(
    "published",
    [
        lambda due, rng: due + rng.uniform(0, 30, len(due)),
        lambda due, rng: due + rng.exponential(5, len(due)),
        lambda due, rng: (due + rng.uniform(0, 10, len(due)))[:, None] + [0, 0.5, 2],
        lambda due, rng: (due + rng.uniform(0, 20, len(due)))[rng.random(len(due)) > 0.1],
    ],
    ids=["jitter", "late ones", "three times", "lossy"],
)
def test_jitter_repeats_and_loss_leave_the_interval_as_it_is(published):
    """It is that of the device's clock; all that it published counts once, and what was lost does not."""
    seconds = published(minutes(0, 2880), np.random.default_rng(1))
    frame = ticks(np.sort(seconds.ravel()))
    assert intervals(frame)["interval"].dt.total_seconds().tolist() == pytest.approx([60], rel=1e-3)
    share = completeness(frame, start=START, end=START + pd.Timedelta("2D"))["share"]
    assert share.tolist() == pytest.approx([len(seconds) / 2880] * 2, abs=0.01)


@pytest.mark.parametrize("burst", [2, 5, 10])
def test_bursts_do_not_hide_the_interval(burst):
    """Several messages at once each minute are a matter of minutes, and no gap."""
    seconds = (minutes(0, 300)[:, None] + np.arange(burst) * 0.2).ravel()
    frame = ticks(seconds)
    assert 55 < intervals(frame)["interval"].iloc[0].total_seconds() <= 60
    assert gaps(frame).empty


def test_a_change_of_rate_is_two_rates_and_no_gap():
    """Ten seconds, then a minute: both are told, and neither is a gap; an outage in each is found."""
    seconds = np.concatenate([np.arange(0, 36_000, 10), np.arange(36_000, 180_000, 60)])
    assert intervals(ticks(seconds))["interval"].dt.total_seconds().tolist() == [10, 60]
    assert gaps(ticks(seconds)).empty
    holed = seconds[~(((seconds > 9_000) & (seconds < 9_100)) | ((seconds > 90_000) & (seconds < 91_000)))]
    assert gaps(ticks(holed))["duration"].dt.total_seconds().tolist() == [100, 1020]
    assert gaps(ticks(holed))["missed"].tolist() == [9, 16]


@given(st.integers(0, 10_000), st.integers(12, 400))
@settings(max_examples=60)
def test_what_happens_by_chance_has_no_interval(seed, count):
    """Events at random have no gap on a topic of events, and next to never elsewhere an interval."""
    seconds = np.random.default_rng(seed).exponential(600, count).cumsum()
    assert not intervals(ticks(seconds, topic="event/change"))["regular"].any()
    assert gaps(ticks(seconds, topic="event/change")).empty


def test_chance_is_rarely_taken_for_a_rhythm():
    """Of 300 random series at most a few look regular."""
    rng = np.random.default_rng(7)
    taken = [cadence((rng.exponential(600, n) * S).cumsum().astype("int64")).regular.any() for n in range(10, 310)]
    assert sum(taken) <= 6


def test_messages_lost_one_by_one_are_no_outages():
    """A link that loses a third of its messages has no gap; a real outage on it is found."""
    rng = np.random.default_rng(3)
    seconds = minutes(0, 5000)[rng.random(5000) > 0.33]
    assert gaps(ticks(seconds)).empty
    holed = seconds[(seconds < 60_000) | (seconds > 67_200)]
    assert len(gaps(ticks(holed))) == 1


def test_nights_without_sun_are_gaps_and_not_the_rhythm():
    """A station that runs six hours a day publishes each minute, with a gap each night."""
    seconds = minutes(0, 10 * 1440)
    frame = ticks(seconds[seconds % 86_400 < 6 * 3600])
    assert intervals(frame)["interval"].tolist() == [pd.Timedelta(minutes=1)]
    assert len(gaps(frame)) == 9


@pytest.mark.parametrize(("day", "night"), [(60, 600), (60, 200), (60, 3600), (10, 600), (300, 3600)])
def test_a_slower_rate_at_night_is_no_gap(day, night):
    """Five days of 15 fast and 9 slow hours have no gap; an outage by day and one by night are found, each once."""
    rng = np.random.default_rng(night)
    moments, at = [], 0.0
    while at < 5 * 86_400:
        moments.append(at)
        at += (day if 7 <= at / 3600 % 24 < 22 else night) * rng.uniform(0.95, 1.05)
    assert gaps(ticks(moments), start=START, end=START + pd.Timedelta("5D")).empty
    hour = np.array(moments) / 3600
    quiet = ((hour > 36) & (hour < 36.3)) | ((hour > 49) & (hour < 53))
    both = joined(*(ticks(np.array(moments)[~quiet] + 5 * n, topic=f"telemetry/{n}") for n in (0, 1)))
    found = gaps(both)
    assert found["topic"].tolist() == [""] * 2
    late = (START + pd.to_timedelta([36, 49], unit="h") - found["start"]).dt.total_seconds()
    assert late.between(-5, [day * 1.1, night * 1.1]).all()
    assert found["duration"].iloc[1] < pd.Timedelta(hours=4, seconds=2.2 * night)


def test_ten_million_instants_are_judged_in_a_second():
    """The rhythm is found from samples of the blocks, so that length costs little."""
    pace = cadence(np.arange(10_000_000, dtype="int64") * S)
    assert pace.interval.tolist() == [S]


@given(st.lists(st.integers(0, 10**15), max_size=200))
def test_any_instants_are_judged_without_an_error(values):
    """Any ascending instants, repeated ones too, give silences that lie within them."""
    time = np.sort(np.array(values, dtype="int64"))
    at = silences(time, cadence(time))
    assert ((at >= 0) & (at < max(1, len(time) - 1))).all()


@pytest.mark.parametrize(("messages", "regular"), [(1, False), (6, False), (7, True)])
def test_a_few_messages_are_no_rhythm_yet(messages, regular):
    """Five pauses alike may be chance; then what follows is no silence."""
    df = ticks(minutes(0, messages))
    assert intervals(df)["regular"].tolist() == [regular]
    assert len(gaps(df, end=START + pd.Timedelta("1D"))) == regular
    assert completeness(df, end=START + pd.Timedelta("1D"))["expected"].notna().tolist() == [regular]


def test_near_a_change_of_rate_the_slower_one_counts():
    """A few messages before it what would be a pause then is none; an hour away each rate has its own limit."""
    fast, slow = np.arange(0, 36_000, 10), np.arange(36_000, 180_000, 60)
    for begin, length, told in ((35_800, 100, 0), (30_000, 100, 1), (60_000, 120, 0), (60_000, 200, 1)):
        seconds = np.concatenate([fast, slow])
        found = gaps(ticks(seconds[(seconds <= begin) | (seconds >= begin + length)]))
        assert len(found) == told, (begin, length)
