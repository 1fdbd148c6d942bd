"""Absence: which silences are told, of whom, and what explains them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ticks import START, at, joined, minutes, noise, ticks

from isr_analysis.checks import gaps, intervals, quality
from isr_analysis.errors import UsageError


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


def test_a_client_that_goes_on_slowly_was_not_silent():
    """A topic of each minute that stops is one row, though all is quiet between the messages of slower topics."""
    s = minutes(0, 1440)
    fast = ticks(s[(s <= 300 * 60) | (s >= 400 * 60)])
    for slow in ([5], [5, 7]):
        frame = joined(fast, *(ticks(minutes(0, 1440, every) + 1.0, topic=f"state/{every}") for every in slow))
        found = gaps(frame)
        assert found["topic"].tolist() == ["telemetry/a"]
        assert [found["start"].iloc[0], found["end"].iloc[0]] == [at(300), at(400)]
        assert found["missed"].tolist() == [99]


@given(st.integers(0, 10_000))
@example(132)
@settings(max_examples=40)
def test_a_gap_is_true_of_all_that_it_names_and_told_once(seed):
    """Whatever fell silent beside whatever went on: no message of a row's series lies within it, and all is told."""
    rng = np.random.default_rng(seed)
    parts = []
    for topic in "abcd"[: rng.integers(2, 5)]:
        seconds = np.arange(0, 86_400, rng.choice([30, 60, 150, 300])) + rng.uniform(0, 3)
        for begin, length in zip(rng.uniform(3600, 70_000, 3), rng.choice([900, 3600, 14_400], 3), strict=True):
            if rng.random() < 0.5:
                seconds = seconds[(seconds < begin) | (seconds > begin + length)]
        parts.append(ticks(seconds, topic=topic))
    usual = {part["topic"].iloc[0]: np.median(np.diff(part.index.asi8)) for part in parts}
    left = {}  # what no row explains of each long pause
    for part in parts:
        topic, pause = part["topic"].iloc[0], np.diff(part.index.asi8)
        for number in np.flatnonzero(pause > 2 * usual[topic]):
            left[topic, part.index[number], part.index[number + 1]] = pause[number]
    found = gaps(joined(*parts))
    for row in found.itertuples():
        around = []
        for part in parts:
            topic = part["topic"].iloc[0]
            if row.topic in {"", topic}:
                assert not ((part.index > row.start) & (part.index < row.end)).any()
                key = next((one for one in left if one[0] == topic and one[1] <= row.start and row.end <= one[2]), None)
                around.append(key is not None)
                if key and key[2] - key[1] - row.duration <= pd.Timedelta(3 * usual[topic]):
                    around.append("all of it")
                if key:
                    left[key] -= row.duration.value
        # Either it is all of one topic's silence, or none of the topics that go on spoke when it should have.
        assert "all of it" in around or all(around)
    for (topic, *_), pause in left.items():
        assert pause <= 6 * usual[topic]
    for _, rows in found.groupby("topic"):
        assert (rows["start"].to_numpy()[1:] >= rows["end"].to_numpy()[:-1]).all()


def test_silence_at_the_edges_of_the_loaded_range_is_found():
    """The range that a loader wrote into attrs counts, as long as the frame is as it was loaded."""
    frame = ticks(minutes(100, 200))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T06:00:00Z", "rows": len(frame)}
    assert gaps(frame)["duration"].dt.total_seconds().tolist() == [100 * 60, 161 * 60]
    assert gaps(frame)["missed"].tolist() == [100, 160]  # those of 00:00 to 01:39, and of 03:20 to 05:59
    assert gaps(frame.iloc[5:-5]).empty
    for part in (frame.iloc[5:-5], frame.iloc[5:-5].tz_convert("Europe/Zurich")):
        assert gaps(part, end="2026-11-01T06:00:00Z")["start"].tolist() == [frame.index[-6]]
        assert gaps(part, start="2026-11-01T00:00:00Z")["end"].tolist() == [frame.index[5]]


def test_silence_of_topics_at_other_times_is_told_of_each_once():
    """With all channels of each; and of the client where all of it fell silent before the range's end."""
    out = {"a": (100, 200), "b": (300, 400), "c": (410, 450)}
    frames = [
        ticks(np.delete(minutes(0, 500), range(*out[topic])), topic=topic, chan=chan)
        for topic, chan in (("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1))
    ]  # fmt: skip
    found = gaps(joined(*frames), end=at(600))
    assert found[["topic", "channel", "start", "end", "missed"]].to_numpy().tolist() == [
        ["a", "", at(99), at(200), 200], ["b", "", at(299), at(400), 200], ["c", "chan 1", at(409), at(450), 40],
        ["", "", at(499), at(600), 500],
    ]  # fmt: skip


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


def test_what_is_missed_is_counted_for_every_series_that_fell_silent():
    """A client's row has the messages of all of its topics; what was not fetched in between has none."""
    out = [s[(s < 6000) | (s >= 12_000)] for s in (minutes(0, 600), minutes(0, 600, 5))]
    frame = joined(ticks(out[0], topic="a"), ticks(out[1], topic="b"))
    assert gaps(frame)["missed"].tolist() == [100 + 20]
    assert dict(gaps(frame, each=True)[["topic", "missed"]].to_numpy().tolist()) == {"a": 100, "b": 20}
    cut = gaps(ticks(out[0]), covered(("2026-11-01T02:00", "2026-11-01T03:00", "missing")))
    assert cut["missed"].tolist() == [20, pd.NA, 20]  # 01:40 to 01:59, and 03:00 to 03:19
    assert len(gaps(ticks(out[0]), covered(("2026-11-01T01:41", "2026-11-01T03:19", "missing")))) == 1


def test_events_have_no_gap_however_regular_they_are():
    """And what speaks by chance at first is silent only where it keeps to an interval."""
    s = minutes(1440, 2880)
    out = s[(s < 120_000) | (s > 130_000)]
    assert gaps(ticks(out, topic="event/heartbeat"), start=START).empty
    chance = np.sort(np.random.default_rng(2).uniform(0, 86_400, 300))
    frame = ticks(np.concatenate([chance, out]))
    assert gaps(frame)["start"].tolist() == [at(1999)]
    hole = ("2026-11-01T05:00", "2026-11-01T09:00", "missing")
    assert gaps(frame, covered(hole))["kind"].tolist() == ["never fetched", "device silent"]


def test_coverage_beyond_the_range_is_cut_to_it():
    """What was not fetched before it or after it is no matter of this frame."""
    wide = ("2026-10-31", "2026-11-01T02:00", "missing"), ("2026-11-01T08:00", "2026-11-05", "failed")
    found = gaps(ticks(minutes(120, 480)), covered(*wide), start=START, end=at(600))
    assert found[["kind", "start", "end"]].to_numpy().tolist() == [
        ["never fetched", START, at(120)], ["portal failed", at(480), at(600)],
    ]  # fmt: skip
    assert gaps(ticks(minutes(120, 480)), covered(*wide)).empty
    assert len(gaps(ticks(minutes(0, 480)), covered(wide[1], wide[1]), end=at(600))) == 1  # a span is told once


def test_of_a_client_that_was_never_heard_only_what_was_fetched_is_silence():
    """What lacks of it, or of all clients, cuts its row; what lacks of another client or topic does not."""
    frame = ticks(minutes(0, 200))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T03:20:00Z", "rows": len(frame),
                   "clients": ["isr-shack-01", "isr-gone-09"], "topic": "telemetry/a"}  # fmt: skip
    span = ("2026-11-01", "2026-11-01T01:00", "missing")
    for whose, topic, begin in (
        ("isr-gone-09", "#", 60),
        ("*", "telemetry/#", 60),
        ("isr-other-02", "#", 0),
        ("*", "b", 0),
    ):
        found = gaps(frame, covered(span, client=whose, topic=topic))
        assert found.loc[
            found["kind"] == "device silent", ["client_id", "topic", "start", "end"]
        ].to_numpy().tolist() == [["isr-gone-09", "telemetry/a", at(begin), at(200)]]


DAY = 86_400


def by_chance(seed):
    """Give healthy series without an interval, each by its name: the seconds of its messages."""
    rng = np.random.default_rng(seed)

    def thinned(days, mean, awake):
        at = rng.exponential(mean, int(1.3 * days * DAY / mean)).cumsum()
        at = at[at < days * DAY]
        return at[rng.random(len(at)) < awake(at % DAY / 3600, at // DAY % 7)]

    def bursts(count, most, pause):
        return np.concatenate([[pause(), *rng.exponential(5, rng.integers(30, most))] for _ in range(count)]).cumsum()

    walk = 0.05 * rng.normal(size=15_000).cumsum() + 3 * np.sin(np.arange(15_000) / 1440 * 2 * np.pi)
    beat = np.arange(3000) * 300 + rng.normal(0, 90, 3000)
    return {
        "chance": rng.exponential(60, 5000).cumsum(), "little": rng.exponential(3600, 70).cumsum(),
        "even": rng.uniform(300, 1200, 3000).cumsum(), "gamma": rng.gamma(3, 60, 3000).cumsum(),
        "lognormal": rng.lognormal(5, 1, 3000).cumsum(), "wide": rng.lognormal(5, 1.5, 3000).cumsum(),
        "few wide": rng.lognormal(5, 1, 150).cumsum(), "weibull": (300 * rng.weibull(0.5, 2000)).cumsum(),
        "pareto": (30 * (1 + rng.pareto(1.5, 3000))).cumsum(), "endless": (30 * (1 + rng.pareto(1.1, 3000))).cumsum(),
        "bursts": bursts(80, 120, lambda: rng.exponential(9e3)), "sleeps": bursts(5, 900, lambda: rng.exponential(9e3)),
        "duty": bursts(12, 200, lambda: 6 * 3600), "few duties": bursts(4, 400, lambda: 6 * 3600),
        "sessions": bursts(30, 300, lambda: rng.lognormal(8, 1)),
        "slower": rng.exponential(np.linspace(60, 600, 4000)).cumsum(),
        "faster": rng.exponential(np.linspace(600, 60, 4000)).cumsum(),
        "step": rng.exponential(np.repeat([30, 900], [3000, 200])).cumsum(),
        "by day": thinned(14, 60, lambda hour, _: (hour > 7) & (hour < 19)),
        "few days": thinned(4, 60, lambda hour, _: (hour > 7) & (hour < 19)),
        "motion": thinned(9, 120, lambda hour, _: np.where(abs(hour - 15) < 8, 0.15 + 0.8 * (hour > 18), 0.004)),
        "office": thinned(28, 150, lambda hour, day: (abs(hour - 13) < 5) & (day < 5)),
        "one week-end": thinned(10, 150, lambda hour, day: (abs(hour - 13) < 5) & (day < 5)),
        "lunch": thinned(14, 60, lambda hour, _: (abs(hour - 13) < 5) & (abs(hour - 12.5) > 0.5)),
        "tides": thinned(14, 120, lambda hour, _: 0.505 - 0.495 * np.cos(hour / 12 * np.pi)),
        "on change": np.flatnonzero(np.diff(np.floor(walk / 0.3))) * 60.0,
        "switched": rng.uniform(np.tile([600, 300], 200), np.tile([2400, 900], 200)).cumsum(),
        "radio": np.sort(beat[rng.random(3000) > 0.2]), "bad radio": np.sort(beat[rng.random(3000) > 0.4]),
    }  # fmt: skip


@pytest.mark.parametrize("name", [*by_chance(0)])
def test_an_irregular_series_has_pauses_but_no_gaps(name):
    """However heavy the tail of its pauses is, by night, in bursts, on duty, and while its rate drifts."""
    for seed in range(8):
        at = by_chance(seed)[name]
        assert gaps(ticks(at, value=noise(len(at)))).empty


@pytest.mark.parametrize("name", ["chance", "weibull", "lognormal", "radio", "bad radio"])
def test_an_irregular_series_is_silent_where_chance_does_not_explain_it(name):
    """In the middle and at the end of the range; how many were missed is not known."""
    for seed in range(8):
        at = by_chance(seed)[name]
        middle = len(at) // 2
        at[middle:] += 10 * DAY
        frame = ticks(at, value=noise(len(at)))
        found = gaps(frame, end=frame.index[-1] + pd.Timedelta("9D"))
        assert found["start"].tolist() == [frame.index[middle - 1], frame.index[-1]]
        assert found["missed"].isna().all()
    said = quality(frame).query("kind == 'device silent'")["detail"].tolist()
    assert len(said) == 1
    assert re.match(r"no message for 10 d.*, while 99 % of the pauses are shorter than ", said[0])


@pytest.mark.parametrize("name", ["by day", "few days", "motion", "office", "one week-end"])
def test_what_sleeps_by_night_is_silent_where_it_does_so_for_far_longer(name):
    """Several times as long as its nights and week-ends, which are none."""
    for seed in range(8):
        at = by_chance(seed)[name]
        middle = len(at) // 2
        at[middle:] += 14 * DAY
        found = gaps(ticks(at, value=noise(len(at))))
        assert found["duration"].between(pd.Timedelta("14D"), pd.Timedelta("17D")).tolist() == [True]


def test_outages_of_a_radio_link_that_loses_messages_are_found():
    """Several of them do not hide each other, though its jitter leaves it no interval."""
    at = by_chance(1)["radio"]
    hours = [(30, 3), (60, 9), (100, 5), (150, 20), (200, 4)]
    for begin, length in hours:
        at = at[(at < begin * 3600) | (at > (begin + length) * 3600)]
    assert not intervals(ticks(at))["regular"].any()
    found = gaps(ticks(at))
    assert (found["duration"] / pd.Timedelta("1h")).round().tolist() == [length for _, length in hours]


def test_what_speaks_when_something_changes_is_never_silent():
    """A thermostat in summer, also if its messages say the time or come in numbers; but not what changes by chance."""
    rng = np.random.default_rng(0)
    pause = rng.exponential(900, 2000)
    pause[1000] = 25 * DAY
    at = pause.cumsum()
    on = np.arange(2000) % 2
    long = {"end": START + pd.Timedelta("300D")}
    assert gaps(ticks(at, value=on), **long).empty
    assert gaps(ticks(at, topic="state/x", value=np.where(on, "on", "off"), ts=at), **long).empty
    assert gaps(ticks(at, value=rng.choice([-0.5, 0.5], 2000).cumsum()), **long).empty
    assert len(gaps(ticks(at, value=rng.normal(20, 1, 2000).round(1)), **long)) == 2
    value, hum = (np.repeat(rng.choice([-step, step], 1001).cumsum(), 2) for step in (0.5, 1.0))
    two = {"value": value[:2000], "hum": hum[1:2001]}  # now this one changes, now that
    assert gaps(ticks(at, **two), **long).empty
    assert gaps(ticks(at, topic="event/x", value=rng.normal(20, 1, 2000)), **long).empty


def test_a_slow_irregular_series_goes_on_while_a_fast_one_is_silent():
    """Its pauses are none of the client's: the fast one's silence is told of that alone."""
    rng = np.random.default_rng(0)
    fast = rng.exponential(60, 8000).cumsum()
    slow = rng.exponential(1800, 12 * 48).cumsum()
    fast[4000:] += 4 * DAY
    slow = slow[slow < fast[-1]]
    found = gaps(joined(ticks(fast), ticks(slow, topic="telemetry/b")))
    assert found["topic"].tolist() == ["telemetry/a"]
    assert found["duration"].iloc[0] > pd.Timedelta("4D")
