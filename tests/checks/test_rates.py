"""Channels and completeness: what is measured, and how much of it came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ticks import START, at, joined, minutes, ticks

from isr_analysis.checks import channels, completeness, intervals, wide


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


def test_words_for_on_and_off_are_a_state():
    """A field that says on or off, in any words, is listed; mere text, and words among numbers or lists, are not."""
    words = {"relay": ["on", "OFF", None], "door": ["open", True, "closed"], "mode": ["auto", "on", "off"],
             "mixed": ["on", [1], "off"], "name": ["a", "b", "c"]}  # fmt: skip
    found = channels(ticks([0, 60, 120]).assign(**words)).set_index("field")
    assert found["kind"].to_dict() == {"relay": "state", "door": "state", "value": "measurement"}
    assert found["messages"].to_dict() == {"relay": 2, "door": 3, "value": 3}


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


def test_a_day_begins_where_midnight_came_twice_or_never():
    """In Havana the clocks go from 00:00 to 01:00 on 9 March and from 01:00 to 00:00 on 2 November 2025."""
    for noon, hours in (("2025-03-08T17:00", 23), ("2025-11-01T16:00", 25)):
        index = pd.date_range(noon, periods=(12 + hours + 12) * 60, freq="1min", tz="UTC", name="time")
        frame = pd.DataFrame({"value": 1.0}, index=index.tz_convert("America/Havana"))
        found = completeness(frame)
        assert found["messages"].tolist() == [720, hours * 60, 720]
        assert wide(frame, every="1d").index.equals(pd.DatetimeIndex(found["day"]))
        assert len(wide(frame, every="1h")) == 12 + hours + 12


def test_a_day_without_any_message_is_there_with_zero():
    """Days of the range on which nothing came are rows too."""
    s = minutes(0, 3 * 1440)
    found = completeness(ticks(s[(s < 86_400) | (s >= 2 * 86_400)]), end="2026-11-04")
    assert found["messages"].tolist() == [1440, 0, 1440]
    assert found["share"].tolist() == [1.0, 0.0, 1.0]


def test_a_channel_reaches_from_its_first_message_to_its_last():
    """Also where there is one alone."""
    df = joined(ticks(minutes(5, 9), chan=1), ticks(minutes(7, 8), chan=2))
    assert channels(df)[["first", "last"]].to_numpy().tolist() == [[at(5), at(8)], [at(7), at(7)]]


def test_what_came_at_the_end_of_the_range_is_no_part_of_it():
    """A message that stands on it makes up for none that is missing before."""
    df = ticks(minutes(0, 61)).drop(at(30))
    assert completeness(df, start=at(0), end=at(60))["share"].tolist() == [59 / 60]


def test_a_day_of_which_the_range_has_a_part_is_asked_for_what_was_due_in_it():
    """Each hour on the hour: of the 20 minutes before midnight nothing is missing, of those after it one may be."""
    hourly = ticks(minutes(0, 2 * 1440 + 60, 60))
    for frame, last in ((hourly, 1.0), (hourly.iloc[:-1], 0.0)):
        found = completeness(frame, start=at(-20), end=at(2 * 1440 + 20))
        assert found["expected"].tolist() == [pd.NA, 24, 24, 1]
        assert found["share"].tolist() == pytest.approx([np.nan, 1.0, 1.0, last], nan_ok=True)
    morning = completeness(hourly, start=at(13 * 60 + 20), end=at(1440))
    assert morning[["expected", "share"]].to_numpy().tolist() == [[10, 1.0]]


def test_each_rate_has_its_messages_and_all_of_them_are_told():
    """From the first message to the one with which the rate changes, and from there to the last."""
    df = ticks(np.concatenate([np.arange(0, 36_000, 10), np.arange(36_000, 180_000, 60)]))
    first, then = intervals(df).to_dict("records")
    assert (first["start"], then["end"], first["end"]) == (df.index[0], df.index[-1], then["start"])
    assert first["messages"] == (df.index <= first["end"]).sum()
    assert first["messages"] + then["messages"] == len(df)


def test_shares_are_told_day_by_day():
    """Each day with all channels; a channel that keeps to no interval has a count, and no share."""
    chance = np.random.default_rng(1).exponential(3600, 40).cumsum()
    df = joined(ticks(minutes(0, 2880), chan=1), ticks(chance, chan=2))
    found = completeness(df, end=at(2880))
    assert found[["day", "channel", "expected"]].to_numpy().tolist() == [
        [START, "chan 1", 1440],
        [START, "chan 2", pd.NA],
        [at(1440), "chan 1", 1440],
        [at(1440), "chan 2", pd.NA],
    ]
    assert found["messages"].tolist()[1::2] == np.histogram(chance, [0, 86_400, 172_800])[0].tolist()
    assert found["share"].isna().tolist() == [False, True] * 2
    assert completeness(df.iloc[:0]).empty
    alone = completeness(ticks(minutes(0, 1440)))  # from its first message to its last
    assert alone[["messages", "expected", "share"]].to_numpy().tolist() == [[1440, 1440, 1.0]]


def test_the_unit_is_the_one_that_was_given_last():
    """What a payload leaves out is none; what has no identity and says mere text is no channel, a reading is one."""
    df = ticks([0, 60, 120]).assign(unit=["W", "kW", None], flag=[True, None, False], said=["a", "b", "c"])
    found = channels(df).set_index("field")
    assert found["unit"].to_dict() == {"value": "kW", "flag": ""}
    assert found["kind"].to_dict() == {"value": "measurement", "flag": "state"}
    found = channels(df.assign(chan=1, topic="telemetry/x")).set_index("field")
    assert found["kind"].to_dict() == {"value": "measurement", "flag": "state", "said": "state"}
    assert set(channels(df.assign(topic="event/x"))["kind"]) == {"event"}


@pytest.mark.parametrize("every", [60, 500, 1800])
@pytest.mark.parametrize("phase", [0.1, 0.5, 0.9])
def test_where_nothing_is_missing_each_day_is_whole(every, phase):
    """Wherever between two messages midnight and the ends of the range lie: eight of eight are not seven eighths."""
    late = np.random.default_rng(1).uniform(0, 0.02 * every, 3 * 86_400 // every + 1)
    frame = ticks((np.arange(len(late)) + phase) * every + late)
    for start, end in [(0, 3 * 1440), (700, 2 * 1440 + 220), (0, 2 * 1440 + 205)]:
        found = completeness(frame, start=at(start), end=at(end))
        assert set(found["share"]) == {1.0}
        # Of a day that is cut off, all that came is given, and what is expected is of the range alone.
        assert abs(found["messages"] - found["expected"]).iloc[1:-1].max() == 0


def test_each_rate_is_expected_for_as_long_as_it_holds():
    """Of a device that was told to say less by night, or to spare its battery, nothing is missing."""
    day = 86_400
    seconds = np.concatenate([np.arange(0, day, 60), np.arange(day, 2 * day, 600), np.arange(2 * day, 3 * day, 60)])
    found = completeness(ticks(seconds), start=START, end=at(3 * 1440))
    assert found["expected"].tolist() == pytest.approx([1440, 144, 1440], rel=0.02)
    assert found["share"].tolist() == pytest.approx([1, 1, 1], abs=0.02)


def test_a_client_that_was_asked_for_and_never_heard_has_its_days():
    """Else the one station that is dead all week would be missing from the week's table, and nobody would ask."""
    frame = ticks(minutes(0, 2880))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-03T00:00:00Z", "rows": len(frame),
                   "clients": ["isr-shack-01", "isr-gone-09"], "topic": "#"}  # fmt: skip
    found = completeness(frame)
    gone = found[found["client_id"] == "isr-gone-09"]
    assert gone["day"].tolist() == [START, START + pd.Timedelta("1D")]
    assert gone["messages"].tolist() == [0, 0]
    assert gone[["expected", "share"]].isna().all(axis=None)
    assert len(found) == 4
    nobody = frame.iloc[:0]
    nobody.attrs = {**frame.attrs, "rows": 0}
    assert sorted(completeness(nobody)["client_id"]) == ["isr-gone-09"] * 2 + ["isr-shack-01"] * 2
