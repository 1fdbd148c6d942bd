"""Gaps, quality, completeness, channels, intervals, the even grid."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isr_analysis as isr
from isr_analysis import sandbox, times
from isr_analysis.checks import channels, completeness, gaps, intervals, quality, wide
from isr_analysis.checks.cadence import cadence, silences
from isr_analysis.errors import UsageError

S = times.SECOND
START = pd.Timestamp("2026-11-01", tz="UTC")
EVERY = [gaps, quality, completeness, channels, intervals]


def ticks(seconds, *, client="isr-shack-01", topic="telemetry/a", start=START, **columns):
    """Make a frame of messages at so many seconds after `start`."""
    index = start + pd.to_timedelta(np.asarray(seconds, dtype="float64"), unit="s")
    frame = pd.DataFrame({"client_id": client, "topic": topic, **columns}, index=index.as_unit("ns").rename("time"))
    return frame if "value" in frame else frame.assign(value=np.arange(len(frame)) % 97 + 0.5)


def joined(*frames):
    """Put frames together as a loader would."""
    frame = pd.concat(frames).sort_index(kind="stable")
    return frame.astype({"client_id": "category", "topic": "category"})


def minutes(first, last, step=1):
    """Give the seconds of every so many minutes of a range of them."""
    return np.arange(first, last, step) * 60


# --- the interval that is found


def test_the_interval_is_found_from_the_instants():
    """One message a minute, jittered, is a minute and regular."""
    jitter = np.random.default_rng(1).uniform(0, 15, 500)
    row = intervals(ticks(minutes(0, 500) + jitter)).iloc[0]
    assert row["regular"]
    assert abs(row["interval"].total_seconds() - 60) < 3


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


# --- gaps


def test_a_client_that_was_silent_is_one_row():
    """An outage of the client is told once, with the last message before and the first after."""
    out = lambda s: s[(s < 6000) | (s >= 12_000)]  # noqa: E731
    frame = joined(
        ticks(out(minutes(0, 600)), topic="telemetry/a"),
        ticks(out(minutes(0, 600, 5)), topic="state/b"),
        ticks(minutes(0, 600), client="isr-hill-02"),
    )
    found = gaps(frame)
    assert found[["kind", "client_id", "topic", "channel"]].to_numpy().tolist() == [
        ["device silent", "isr-shack-01", "", ""]
    ]
    assert found["start"].iloc[0] == START + pd.Timedelta(minutes=99)
    assert found["end"].iloc[0] == START + pd.Timedelta(minutes=200)
    assert gaps(frame, each=True)["topic"].tolist() == ["state/b", "telemetry/a"]


def test_a_topic_and_a_channel_alone_are_told_as_such():
    """What falls silent while the client goes on is named: the topic, or the one channel."""
    s = minutes(0, 600)
    chan = lambda topic, number, seconds: ticks(seconds, topic=topic, chan=number)  # noqa: E731
    some = s[(s < 6000) | (s >= 12_000)]
    one = joined(chan("a", 1, some), chan("a", 2, some), chan("b", 1, s))
    assert gaps(one)[["topic", "channel"]].to_numpy().tolist() == [["a", ""]]
    two = joined(chan("a", 1, some), chan("a", 2, s), chan("b", 1, s))
    assert gaps(two)[["topic", "channel"]].to_numpy().tolist() == [["a", "chan 1"]]


def test_silence_around_an_outage_of_the_client_is_told_too():
    """A probe that died an hour before the outage of its client has a row of its own for that hour."""
    s = minutes(0, 600)
    frame = joined(
        ticks(s[(s < 6000) | (s >= 12_000)], topic="a"), ticks(s[(s < 2400) | (s >= 12_000)], topic="b")
    )  # fmt: skip
    found = gaps(frame)
    assert found["topic"].tolist() == ["b", ""]
    assert found["end"].iloc[0] == found["start"].iloc[1]


def test_a_slow_series_around_an_outage_of_its_client_is_not_told_again():
    """What the outage leaves of a slow topic's silence is what is usual; a silence far beyond the outage is told."""
    fast = ticks(minutes(0, 1440)).loc[lambda df: (df.index < at(740)) | (df.index > at(803))]
    for slow, told in (([720, 810], [""]), ([570, 990], ["state/slow", ""])):
        every = [m for m in range(0, 1440, 30) if not slow[0] < m < slow[1]]
        found = gaps(joined(fast, ticks(np.array(every) * 60 - 0.5, topic="state/slow")))
        assert found["topic"].tolist() == told
    fast = ticks(minutes(0, 1440)).loc[lambda df: (df.index < at(740)) | (df.index > at(745))]
    every = [m for m in range(0, 1440, 30) if not 660 < m < 780]
    found = gaps(joined(fast, ticks(np.array(every) * 60 - 0.5, topic="state/slow")))
    assert found["topic"].tolist() == ["state/slow", ""]  # five minutes do not explain two hours


def at(minute):
    """Give the instant so many minutes after the start."""
    return START + pd.Timedelta(minutes=minute)


def test_silence_at_the_edges_of_the_loaded_range_is_found():
    """The range that a loader wrote into attrs counts, as long as the frame is as it was loaded."""
    frame = ticks(minutes(100, 200))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T06:00:00Z", "rows": len(frame)}
    assert gaps(frame)["duration"].dt.total_seconds().tolist() == [100 * 60, 161 * 60]
    assert gaps(frame.iloc[5:-5]).empty
    assert len(gaps(frame.iloc[5:-5], end="2026-11-01T06:00:00Z")) == 1


def test_what_may_still_come_late_is_no_gap():
    """The provisional end of a range is not counted as silence."""
    frame = ticks(minutes(0, 200))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "rows": len(frame),
                   "provisional_from": "2026-11-01T03:21:00Z"}  # fmt: skip
    assert gaps(frame).empty


def test_a_client_that_was_asked_for_and_never_heard_is_a_gap():
    """A client named in the selector without any row is silent throughout."""
    frame = ticks(minutes(0, 200))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T03:20:00Z", "rows": len(frame),
                   "clients": ["isr-shack-01", "isr-gone-09"]}  # fmt: skip
    assert gaps(frame)[["client_id", "duration"]].to_numpy().tolist() == [["isr-gone-09", pd.Timedelta("3h20min")]]


def covered(*rows, client="*", topic="#"):
    """Make a frame of coverage from rows of start, end and state."""
    frame = pd.DataFrame(rows, columns=["start", "end", "state"]).assign(client_id=client, topic=topic)
    return frame.assign(
        start=pd.to_datetime(frame["start"], utc=True, format="ISO8601"),
        end=pd.to_datetime(frame["end"], utc=True, format="ISO8601"),
    )


def test_the_kinds_of_absence_are_kept_apart():
    """What was never fetched, and where the portal failed, is not the device's silence."""
    s = minutes(0, 1440)
    frame = ticks(s[(s < 3600 * 4) | (s >= 3600 * 10)])
    coverage = covered(
        ("2026-11-01", "2026-11-01T06:00", "settled"),
        ("2026-11-01T06:00", "2026-11-01T07:00", "missing"),
        ("2026-11-01T07:00", "2026-11-01T08:00", "missing"),
        ("2026-11-01T08:00", "2026-11-01T09:00", "failed"),
        ("2026-11-01T09:00", "2026-11-02", "provisional"),
    )
    found = gaps(frame, coverage)
    assert found["kind"].tolist() == ["device silent", "never fetched", "portal failed", "device silent"]
    assert [f"{one:%H:%M}" for one in found["start"]] == ["03:59", "06:00", "08:00", "09:00"]
    assert [f"{one:%H:%M}" for one in found["end"]] == ["06:00", "08:00", "09:00", "10:00"]


def test_a_missing_span_of_one_topic_leaves_the_others_alone():
    """Coverage of a topic filter or a client explains only what it names."""
    s = minutes(0, 600)
    out = s[(s < 6000) | (s >= 12_000)]
    frame = joined(ticks(out, topic="telemetry/a"), ticks(out, topic="state/b"))
    missing = ("2026-11-01T01:40", "2026-11-01T03:20", "missing")
    by_topic = gaps(frame, covered(missing, topic="telemetry/#"))
    assert by_topic[["kind", "topic"]].to_numpy().tolist() == [
        ["device silent", "state/b"],
        ["never fetched", "telemetry/#"],
    ]
    other = gaps(frame, covered(missing, client="isr-hill-02"))
    assert sorted(other["kind"]) == ["device silent", "never fetched"]
    assert gaps(frame, covered(missing))["kind"].tolist() == ["never fetched"]


def test_coverage_without_its_columns_is_refused():
    """The error names the column that is missing and those that came."""
    with pytest.raises(UsageError, match=r"no column state.*start, end"):
        gaps(ticks(minutes(0, 9)), pd.DataFrame({"start": [], "end": []}))


# --- quality


def kinds(frame, **options):
    """Give the kinds of the findings."""
    return quality(frame, **options)["kind"].tolist()


def noise(count, seed=1):
    """Give values of a measurement."""
    return 20 + np.random.default_rng(seed).normal(0, 1, count).round(2)


def test_a_measurement_that_stops_varying_is_stuck():
    """One value for hours, of what always varied, is told with its span and count."""
    value = noise(600)
    value[200:300] = value[200]
    found = quality(ticks(minutes(0, 600), value=value))
    assert found[["kind", "field", "count"]].to_numpy().tolist() == [["value stuck", "value", 100]]
    assert found["start"].iloc[0] == START + pd.Timedelta(minutes=200)
    assert found["end"].iloc[0] == START + pd.Timedelta(minutes=299)


@pytest.mark.parametrize(
    "value",
    [
        np.full(600, 42.0),
        np.arange(600) // 60 * 1.0,
        np.round(np.sin(np.arange(600) / 90), 1),
        np.where(np.arange(600) % 200 < 150, 0.0, noise(600)),
        np.where(np.arange(600) < 300, 0.0, noise(600)),
        (np.arange(600) // 100 % 2).astype(bool),
        np.minimum(100.0, 99 + np.abs(np.sin(np.arange(600) / 20)) * 3).round(2),
    ],
    ids=["constant", "steps", "slow", "off by turns", "off", "state", "at its limit by turns"],
)
def test_what_keeps_its_value_by_nature_is_not_stuck(value):
    """Constants, slow values, states, and transmitters that are off are no finding."""
    assert kinds(ticks(minutes(0, 600), value=value)) == []


def test_repeats_are_counted_at_the_same_instant_and_a_moment_later():
    """QoS 1 may repeat a message; equal values at their usual pace are no repeats."""
    frame = ticks(minutes(0, 200), value=noise(200))
    again = frame.iloc[[5, 50, 120]]
    later = frame.iloc[[70]].set_axis(frame.index[[70]] + pd.Timedelta(seconds=2))
    found = quality(joined(frame, again, later))
    assert found[["kind", "count"]].to_numpy().tolist() == [["repeated messages", 4]]
    two = frame.assign(chan=1, by="schedule"), frame.assign(chan=2, by="schedule").shift(freq="300ms")
    assert kinds(joined(*(one.assign(topic="event/change", value=7) for one in two))) == []
    other = frame.iloc[[5]].assign(value=-1.0)
    assert kinds(joined(frame, other)) == []
    assert kinds(ticks(minutes(0, 200), value=1.0)) == []


def test_rows_out_of_order_are_told():
    """A frame that is not sorted says how many rows stand after later ones; a reversed one is only reversed."""
    frame = ticks(minutes(0, 100), value=noise(100))
    order = [*range(50), 60, *range(50, 60), *range(61, 100)]
    assert quality(frame.iloc[order])[["kind", "count"]].to_numpy().tolist() == [["out of order", 10]]
    assert kinds(frame.iloc[::-1]) == []


def test_a_type_that_changes_is_dated():
    """From numbers to text: one finding at the first text, with both types."""
    value = pd.array([*noise(50).tolist(), *(str(one) for one in noise(50))], dtype="object")
    found = quality(ticks(minutes(0, 100), value=value))
    assert found[["kind", "field", "count", "detail"]].to_numpy().tolist() == [
        ["type changed", "value", 50, "value: number → text"]
    ]
    assert found["start"].iloc[0] == START + pd.Timedelta(minutes=50)


def test_fields_that_appear_or_go_for_good_are_dated():
    """A key that is gone from some day on, and one that is new, are two findings; one that comes and goes is none."""
    count = 200
    frame = ticks(
        minutes(0, count),
        value=noise(count),
        old=np.where(np.arange(count) < 80, noise(count, 2), np.nan),
        new=np.where(np.arange(count) >= 120, noise(count, 3), np.nan),
        rare=np.where(np.arange(count) % 3 == 0, noise(count, 4), np.nan),
    )
    found = quality(frame)
    assert found[["kind", "field", "count"]].to_numpy().tolist() == [
        ["fields changed", "old", 120],
        ["fields changed", "new", 120],
    ]
    assert found["start"].tolist() == [START + pd.Timedelta(minutes=80), START + pd.Timedelta(minutes=120)]


def test_a_renamed_device_is_no_outage():
    """A new id that goes on where an old one fell silent is one finding; both silences are explained by it."""
    both = joined(
        ticks(minutes(0, 300), client="buoy-1", value=noise(300)),
        ticks(minutes(310, 600), client="buoy-2", value=noise(290, 2)),
        ticks(minutes(0, 600), client="other-1", topic="telemetry/b", value=noise(600, 3)),
    )
    found = quality(both)
    assert found[["kind", "client_id"]].to_numpy().tolist() == [["device renamed", "buoy-2"]]
    assert "buoy-1" in found["detail"].iloc[0]
    unlike = joined(ticks(minutes(0, 300), client="buoy-1"), ticks(minutes(310, 600, 5), client="gate-2", topic="b"))
    assert "device renamed" not in kinds(unlike)


@pytest.mark.parametrize(("seed", "days"), [(1, 31), (2, 8), (3, 8)])
def test_the_troubles_of_the_sandbox_are_all_found_and_nothing_else(seed, days):
    """Each planted trouble has its finding, outages within an interval at both ends; no finding is without one."""
    now = int(pd.Timestamp("2026-11-20", tz="UTC").value)
    with sandbox.serve(seed=seed, now=lambda: now) as portal, portal.connect() as connection:
        df = isr.load_history(last=f"{days}d", portal=connection, progress=False)
        truth = [one for one in portal.truth(df.attrs["start"], df.attrs["end"]) if one.kind != "late"]
    found = quality(df)
    names = {"outage": "device silent", "stuck": "value stuck", "retyped": "type changed", "renamed": "device renamed"}
    left = found[found["kind"] != "repeated messages"]
    for trouble in truth:
        if trouble.kind == "repeated":
            continue
        start, end = pd.Timestamp(trouble.start, tz="UTC"), pd.Timestamp(trouble.end, tz="UTC")
        near = pd.Timedelta(minutes=15)
        mine = left[(left["kind"] == names[trouble.kind]) & (left["client_id"] == trouble.client_id)]
        mine = mine[(mine["start"] <= end + near) & (mine["end"] >= start - near)]
        assert len(mine) == 1, trouble
        row = mine.iloc[0]
        if trouble.kind == "outage":
            interval = intervals(df[df["client_id"] == trouble.client_id])
            least = interval.loc[interval["regular"], "interval"].min()
            inside = df.attrs["start"], df.attrs["end"]
            begin, until = max(start, pd.Timestamp(inside[0])), min(end, pd.Timestamp(inside[1]))
            assert abs(row["start"] - begin) <= least * 1.05
            assert abs(row["end"] - until) <= least * 1.05
        left = left.drop(mine.index)
    assert left.empty, left.to_string()
    planted = {key: len([*own]) for key, own in itertools.groupby(
        sorted((one.client_id, one.topic) for one in truth if one.kind == "repeated"))}  # fmt: skip
    repeated = found[found["kind"] == "repeated messages"].groupby(["client_id", "topic"])["count"].sum()
    assert repeated.to_dict() == planted


@pytest.mark.parametrize("seed", [1, 4])
def test_a_clean_fleet_has_no_finding(seed):
    """Without troubles nothing is found: no gap, nothing stuck, no repeat."""
    now = int(pd.Timestamp("2026-11-20T12:00", tz="UTC").value)
    with sandbox.serve(seed=seed, troubles=False, now=lambda: now) as portal, portal.connect() as connection:
        df = isr.load_history(last="8d", portal=connection, progress=False)
    assert quality(df).to_dict("records") == []
    assert gaps(df).empty
    share = completeness(df)["share"].dropna()
    assert share.min() > 0.95


# --- channels, completeness, grid


def test_a_reading_is_identified_by_all_five_parts():
    """Same channel number on another module or bus address is another channel."""
    keys = {"station_controller_device_id": "SC-A", "type": "relay", "topic": "state/relay"}
    frame = joined(
        *(
            ticks(minutes(0, 10), chan=chan, module=module, dcn=dcn, **keys)
            for chan, module, dcn in [(1, 1, "0x01"), (2, 1, "0x01"), (1, 2, "0x01"), (1, 1, "0x02")]
        ),
        ticks(minutes(0, 10), topic="state/summary").assign(value=np.nan, cpu=0.5, ram=41),
        ticks(minutes(0, 10), topic="event/change", type="login").assign(value=np.nan),
    )
    found = channels(frame)
    readings = found[found["channel"] != ""]
    assert readings["channel"].tolist() == [
        "relay 1 · module 1 · 0x01 · SC-A", "relay 1 · module 1 · 0x02 · SC-A",
        "relay 1 · module 2 · 0x01 · SC-A", "relay 2 · module 1 · 0x01 · SC-A",
    ]  # fmt: skip
    assert found.loc[found["channel"] == "", "field"].tolist() == ["cpu", "ram"]


def test_a_unit_is_found_in_every_place_that_plots_look_at():
    """Beside its field, under a name of its own; the bare word is the unit of `value`, and of no other field."""
    frame = ticks(minutes(0, 10)).assign(temp=20.5, temp_units="°C", load=0.5, **{"load.unit": "%"}, ram=41.5, unit="W")
    found = channels(frame)
    assert dict(zip(found["field"], found["unit"], strict=True)) == {"value": "W", "temp": "°C", "load": "%", "ram": ""}


def test_days_on_which_the_clocks_change_have_their_own_length():
    """In Zurich 25 October 2026 has 25 hours: 1500 minutes are expected of it, and all came."""
    index = pd.date_range("2026-10-24", "2026-10-27", freq="1min", tz="Europe/Zurich", inclusive="left", name="time")
    found = completeness(pd.DataFrame({"value": 1.0}, index=index), end="2026-10-27")
    assert found["expected"].tolist() == [1440, 1500, 1440]
    assert found["share"].tolist() == [1.0, 1.0, 1.0]
    daily = wide(pd.DataFrame({"value": 1.0}, index=index), every="1d")
    assert daily.index.hour.tolist() == [0, 0, 0]


def test_a_day_without_any_message_is_there_with_zero():
    """Days of the range on which nothing came are rows too."""
    s = minutes(0, 3 * 1440)
    found = completeness(ticks(s[(s < 86_400) | (s >= 2 * 86_400)]), end="2026-11-04")
    assert found["messages"].tolist() == [1440, 0, 1440]
    assert found["share"].tolist() == [1.0, 0.0, 1.0]


def test_the_grid_holds_states_and_not_measurements():
    """A measurement is there only where it came; a state holds to the next one, but not through a silence."""
    s = minutes(0, 120, 5)
    s = s[(s < 1800) | (s >= 3600)]
    frame = joined(
        ticks(s, topic="telemetry/a", chan=1),
        ticks(s, topic="state/r", chan=1, value=(s < 4500).astype("int64")),
        ticks([0, 1200], topic="state/on_change", chan=1, value=["on", "off"]).assign(chan=2),
    )
    grid = wide(frame, every="1min", by=["topic", "chan"])
    measure, state, change = (grid[name] for name in
                              ("telemetry/a · chan 1", "state/r · chan 1", "state/on_change · chan 2"))  # fmt: skip
    assert measure.notna().sum() == len(s)
    at = lambda minute: START + pd.Timedelta(minutes=minute)  # noqa: E731
    assert state[at(3)] == 1
    assert pd.isna(state[at(40)])
    assert state[at(112)] == 0
    assert change[at(19)] == "on"
    assert change[at(100)] == "off"


def test_the_grid_is_even_across_both_changes_of_the_clocks():
    """Steps are of equal length, and the mean of each is that of its messages."""
    for day in ("2026-03-29", "2026-10-25"):
        index = pd.date_range(day, periods=24 * 60, freq="1min", tz="Europe/Zurich", name="time")
        grid = wide(pd.DataFrame({"value": np.arange(len(index)) * 1.0}, index=index), every="30min")
        assert set(np.diff(grid.index.asi8)) == {30 * times.MINUTE}
        assert grid["value"].tolist() == [14.5 + 30 * n for n in range(48)]


def test_a_grid_beyond_reason_is_refused():
    """A step of a second over a century is an error that says so, and no dead machine."""
    index = pd.DatetimeIndex(["1970-01-01", "2090-01-01"], tz="UTC")
    with pytest.raises(UsageError, match="longer step"):
        wide(pd.DataFrame({"value": [1.0, 2.0]}, index=index), every="1s")


def test_a_missing_field_names_those_that_are_there():
    """The error of wide says which columns there are."""
    with pytest.raises(UsageError, match=r"no column 'power'.*value"):
        wide(ticks([1, 2]), "power")


# --- any frame


@pytest.mark.parametrize("function", EVERY)
def test_an_empty_frame_gives_the_same_columns_and_types(function):
    """No row: the same schema, in the frame's zone; a bare empty frame too."""
    full = function(ticks(minutes(0, 50), value=noise(50)).drop(START + pd.Timedelta(minutes=20)))
    empty = function(ticks([]).tz_convert("UTC"))
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert function(pd.DataFrame()).columns.tolist() == full.columns.tolist()
    zone = function(ticks(minutes(0, 50)).tz_convert("Europe/Zurich"))
    assert {str(zone[name].dt.tz) for name in zone if hasattr(zone[name].dtype, "tz")} == {"Europe/Zurich"}


@pytest.mark.parametrize("function", [*EVERY, wide])
@pytest.mark.parametrize(
    "change",
    [
        lambda df: df.sample(frac=1, random_state=1),
        lambda df: pd.concat([df, df]),
        lambda df: df.tz_localize(None),
        lambda df: df[["value"]],
        lambda df: df["value"],
        lambda df: df[["value"]].resample("5min").mean(),
        lambda df: df.iloc[:1],
        lambda df: df.assign(value=np.nan),
        lambda df: df.assign(value="text"),
        lambda df: df.assign(value=[[1]] * len(df)),
        lambda df: df.assign(value=1e300),
        lambda df: df.set_axis(df.index[:1].repeat(len(df))),
        lambda df: df.set_axis(df.index.as_unit("s")),
        lambda df: df.set_axis([pd.NaT, *df.index[1:]]),
    ],
)
def test_any_frame_with_an_index_of_time_is_taken_and_never_changed(function, change):
    """Unsorted, repeated, naive, resampled, single, empty of values: a frame comes back, the input stays as it was."""
    frame = change(ticks(minutes(0, 60)))
    before = frame.copy(deep=True)
    assert isinstance(function(frame), pd.DataFrame)
    assert frame.equals(before)


@pytest.mark.parametrize("function", EVERY)
def test_an_instant_that_no_clock_means_is_refused_with_the_way_out(function):
    """The years 1700 and 2200 are told, with how to leave them out; what the way out leaves is taken."""
    index = pd.DatetimeIndex(["1700-01-01", "2026-11-01", "2200-01-01"], tz="UTC")
    df = pd.DataFrame({"value": [1.0, 2.0, 3.0]}, index=index)
    with pytest.raises(UsageError, match=r"from 1700-01-01.* to 2200-01-01"):
        function(df)
    function(df[(df.index.year >= 1970) & (df.index.year <= 2100)])


@pytest.mark.parametrize("function", EVERY)
def test_an_index_that_is_not_of_time_is_refused_with_the_way_out(function):
    """The error says what index came and how to make one of time."""
    with pytest.raises(UsageError, match=r"RangeIndex.*set_index"):
        function(pd.DataFrame({"time": ["2026-11-01"], "value": [1]}))
