"""Findings: repeats, drift, renamed devices; all troubles of a fleet, and nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from ticks import START, at, joined, minutes, noise, ticks

import isr_analysis as isr
from isr_analysis import sandbox
from isr_analysis.checks import completeness, gaps, intervals, quality


def kinds(frame, **options):
    """Give the kinds of the findings."""
    return quality(frame, **options)["kind"].tolist()


def test_findings_stand_in_order_and_say_whom_they_concern():
    """A silence of the client, of a topic and of a channel, and what came in between, each with how long it lasts."""
    holes = [range(100, 200), range(400, 500), range(700, 800)]
    one, two = (ticks(np.delete(minutes(0, 1440), np.concatenate(holes[:n])), topic="a", chan=4 - n) for n in (3, 2))
    other = ticks(minutes(0, 1440, 5), topic="b", chan=1)
    other = other[(other.index < at(100)) | (other.index >= at(200))]
    found = quality(joined(one, two, other, one.iloc[[10, 600]]))
    assert found[["kind", "topic", "channel", "field", "start", "end"]].to_numpy().tolist() == [
        ["repeated messages", "a", "chan 1", "", one.index[10], one.index[600]],
        ["device silent", "", "", "", at(99), at(200)],
        ["device silent", "a", "", "", at(399), at(500)],
        ["device silent", "a", "chan 1", "", at(699), at(800)],
    ]
    assert found["duration"].tolist() == (found["end"] - found["start"]).tolist()
    assert found["detail"].tolist()[1:] == [
        "no message on any topic for 1 h 41 min, usually one every 1 min",
        "no message on any channel for 1 h 41 min, usually one every 1 min",
        "no message for 1 h 41 min, usually one every 1 min",
    ]


def test_a_topic_without_channels_has_none_that_are_silent():
    """Of two clients each with one topic, nothing is said of topics or channels that there are not."""
    frame = joined(
        ticks([*minutes(0, 40), *minutes(70, 120)], client="a", topic="x"), ticks(minutes(0, 120), client="b")
    )
    assert quality(frame)["detail"].tolist() == ["no message for 31 min, usually one every 1 min"]


@pytest.mark.parametrize("own", [{"topic": "slow"}, {"chan": 1}])
def test_a_silence_is_told_with_the_pace_of_its_own_topic_and_channel(own):
    """Not with that of a faster one of the same client."""
    other = {"topic": "fast"} if "topic" in own else {"chan": 2}
    slow = np.concatenate([minutes(0, 40), minutes(70, 120)])
    found = quality(joined(ticks(slow, **own), ticks(np.arange(0, 7200, 10), **other)))
    assert [detail.partition(", ")[2] for detail in found["detail"]] == ["usually one every 1 min"]


def test_a_unit_that_turns_into_another_is_told():
    """Of its series alone, wherever the payload says it; by turns, or of a few messages, they are of several things."""
    unit = np.where(np.arange(200) < 120, "W", "kW").astype("object")
    unit[::3] = None
    frame = ticks(minutes(0, 200), chan=1, value=noise(200))
    other = ticks(minutes(0, 200), chan=2, value=noise(200)).assign(unit="V")
    for name in ("unit", "power.unit", "powerUnit"):
        found = quality(joined(frame.assign(**{name: unit}), other))
        assert found[["kind", "channel", "field", "start", "end", "count", "detail"]].to_numpy().tolist() == [
            ["unit changed", "chan 1", name, at(121), at(199), 53, f"{name}: W → kW"]
        ]
    assert kinds(frame.assign(unit=np.where(np.arange(200) % 2, "W", "V"))) == []
    assert kinds(frame.assign(unit=np.where(np.arange(200) == 7, "W", "V"))) == []
    assert kinds(frame.assign(unit=unit, topic="event/reading")) == ["unit changed"]
    assert kinds(frame.assign(unit=np.where(np.arange(200) < 120, 1, 2))) == []
    assert kinds(frame.assign(unit=[["W"]] * 200)) == []


def test_repeats_are_counted_at_the_same_instant_and_a_moment_later():
    """QoS 1 may repeat a message; equal values at their usual pace, and by chance within bursts, are no repeats."""
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
    bursts = (minutes(0, 200)[:, None] + np.array([0, 0.4, 0.8])).ravel()
    assert kinds(ticks(bursts, value=noise(600).round(1))) == []


def test_a_link_that_doubles_every_message_is_told():
    """All come again within a moment, and differ from one minute to the next; what rests anyway is not told."""
    twice = (minutes(0, 200)[:, None] + np.array([0, 0.5])).ravel()
    found = quality(ticks(twice, value=np.repeat(noise(200).round(1), 2)))
    assert found[["kind", "count", "start"]].to_numpy().tolist() == [
        ["repeated messages", 200, START.replace(microsecond=500_000)]
    ]
    assert kinds(ticks(twice, value=np.repeat(np.arange(200) // 20, 2))) == []


def test_repeats_are_counted_for_each_channel():
    """With the first and the last that came again; another channel's message of the same value is none."""
    one, two = (ticks(minutes(0, 100), chan=number, value=7.5) for number in (1, 2))
    found = quality(joined(one, two, one.iloc[[3, 60, 99]], two.iloc[[20, 50]]))
    assert found[["channel", "start", "end", "count"]].to_numpy().tolist() == [
        ["chan 1", at(3), at(99), 3], ["chan 2", at(20), at(50), 2],
    ]  # fmt: skip


def test_what_comes_at_its_usual_pace_is_no_repeat():
    """Equal values every four seconds for a while are as due as those a minute apart before."""
    seconds = np.concatenate([minutes(0, 600), 36_000 + np.arange(0, 800, 4)])
    assert kinds(ticks(seconds, value=1.0)) == []


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


def test_a_type_that_changes_back_is_two_findings_and_by_turns_one():
    """Each turn lasts until the next; where they are many they are counted, from the first one to the last."""
    value = np.array(noise(100), dtype="object")
    value[40:60] = "err"
    found = quality(
        joined(ticks(minutes(0, 100), chan=1, value=noise(100)), ticks(minutes(0, 100), chan=2, value=value))
    )
    assert found[["channel", "start", "end", "count", "detail"]].to_numpy().tolist() == [
        ["chan 2", at(40), at(59), 20, "value: number → text"],
        ["chan 2", at(60), at(99), 40, "value: text → number"],
    ]
    value[::10], value[60:] = [[1.5], {"a": 1}] * 5, noise(40)
    found = quality(ticks(minutes(0, 100), value=value))
    assert found[["start", "end", "count", "detail"]].to_numpy().tolist() == [
        [at(1), at(60), 12, "value switches between list and number and object and text"]
    ]


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
    assert found[["kind", "start", "end", "count", "detail"]].to_numpy().tolist() == [
        ["fields changed", at(80), at(199), 120, "old missing from then on"],
        ["fields changed", at(120), at(120), 120, "new missing until then"],
    ]
    assert found["field"].tolist() == ["old", "new"]


def test_fields_that_are_missing_for_a_while_are_told_of_their_own_channel():
    """From the first message without them to the last; four in a row are not yet a change, nor is what events lack."""
    temp = noise(200, 2)
    temp[50:55] = np.nan
    frame = ticks(minutes(0, 200), chan=2, value=noise(200), temp=temp)
    found = quality(joined(ticks(minutes(0, 200), chan=1, value=noise(200), temp=noise(200)), frame))
    assert found[["channel", "field", "start", "end", "count", "detail"]].to_numpy().tolist() == [
        ["chan 2", "temp", at(50), at(54), 5, "temp missing for a while"]
    ]
    temp[50] = 20.0
    assert kinds(frame.assign(temp=temp)) == []
    assert kinds(frame.assign(temp=np.where(np.arange(200) < 100, np.nan, 1.5), topic="event/alarm")) == []


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
    found = quality(joined(both, ticks(minutes(312, 600), client="buoy-3", value=noise(288, 7))))
    assert found.loc[found["kind"] == "device renamed", "client_id"].tolist() == ["buoy-2"]  # of two, the first
    begun = ticks(minutes(305, 600), client="begun-1", topic="telemetry/c", value=noise(295, 4))
    ended = ticks(minutes(0, 320, 2), client="ended-1", topic="telemetry/d", value=noise(160, 5))
    chance = ticks(np.random.default_rng(6).uniform(19_000, 30_000, 40), client="chance-1", topic="telemetry/e")
    found = quality(joined(both, begun, ended, chance))
    assert found[["kind", "client_id"]].to_numpy().tolist() == [
        ["device silent", "begun-1"], ["device renamed", "buoy-2"], ["device silent", "ended-1"],
    ]  # fmt: skip
    unlike = joined(ticks(minutes(0, 300), client="buoy-1"), ticks(minutes(310, 600, 5), client="gate-2", topic="b"))
    assert "device renamed" not in kinds(unlike)
    sides = [ticks(minutes(*part), client=name, topic="telemetry/b", value=noise(100, 8)) for name, part in (
        ("buoy-1", (0, 100)), ("buoy-2", (500, 600)))]  # fmt: skip
    found = quality(joined(both, *sides))
    assert found[["kind", "client_id", "topic"]].to_numpy().tolist() == [  # what was silent before, and still is after
        ["device silent", "buoy-1", "telemetry/b"], ["device renamed", "buoy-2", ""],
        ["device silent", "buoy-2", "telemetry/b"],
    ]  # fmt: skip


def test_a_renamed_device_is_no_outage_beside_what_was_not_fetched():
    """Which cuts the silence of the one before, and of the other after, in two."""
    both = joined(
        ticks(minutes(0, 300), client="buoy-1", value=noise(300)),
        ticks(minutes(310, 600), client="buoy-2", value=noise(290, 2)),
    )
    holes = [(at(100), at(150)), (at(450), at(500))]
    for begin, end in holes:
        both = both[(both.index < begin) | (both.index >= end)]
    lacking = pd.DataFrame(holes, columns=["start", "end"]).assign(state="missing")
    assert kinds(both, coverage=lacking) == ["never fetched", "device renamed", "never fetched"]


@pytest.mark.parametrize(
    ("pause", "new", "is_one"),
    [
        (30, {}, True),
        (31, {}, False),
        (-9, {}, False),
        (24 * 60, {"callsign": "HB9ABC"}, True),
        (24 * 60 + 1, {"callsign": "HB9ABC"}, False),
        (10, {"callsign": "HB9XYZ"}, False),
        (10, {"step": 2}, False),
        (10, {"rssi": -80.5}, False),
    ],
)
def test_only_what_is_alike_and_goes_on_soon_is_the_same_device(pause, new, is_one):
    """Half an hour is soon, with the same callsign a day; not another callsign, rate or set of fields."""
    begin = 299 + pause
    columns = {name: value for name, value in new.items() if name != "step"}
    old = {"callsign": "HB9ABC"} if "callsign" in new else {}
    one = ticks(minutes(0, 300), client="buoy-1", value=noise(300), **old)
    two = ticks(minutes(begin, begin + 300, new.get("step", 1)), client="buoy-2", **columns)
    assert ("device renamed" in kinds(joined(one, two))) == is_one


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
