"""The even grid: a column a series, a row a step."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from ticks import START, joined, minutes, ticks

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.checks import channels, wide
from isr_analysis.errors import UsageError


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


def test_a_measurement_that_is_words_by_turns_is_the_mean_of_its_numbers():
    """As in `channels` and figures; what is rather a name, and states, are held as they came."""
    value = [10.0, "n/a", 14.0, "n/a", "err", "err", 7.5, 8.5, 9.5, "n/a"]
    grid = wide(ticks(np.arange(10) * 20, value=pd.array(value, dtype="object")), every="1min")
    assert grid.iloc[:, 0].dtype == "float64"
    assert grid.iloc[:, 0].tolist() == pytest.approx([12.0, np.nan, 8.5, np.nan], nan_ok=True)
    for held in (["1.2b", 2, "1.2c", 2], ["on", 1, "off", 0], ["up", True, "down", 3]):
        grid = wide(ticks(np.arange(4) * 60, value=pd.array(held, dtype="object")), every="1min")
        assert grid.iloc[:, 0].tolist() == held


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_numbers_that_a_device_wrote_as_text_are_a_measurement(dtype):
    """Their mean, as of numbers; a version in digits, and words of which a few are digits, stay as they are."""
    index = pd.date_range("2026-11-01", periods=4, freq="30s", tz="UTC", name="time")
    texts = {"value": ["20.5", "21.5", "n/a", "22"], "firmware": ["2.10"] * 4, "key": ["73", "cq", "de", "k"],
             "slot": ["2_1", "2_2", "2_3", "2_4"]}  # fmt: skip
    frame = pd.DataFrame(texts, index=index, dtype=dtype)
    assert wide(frame, "value")["value"].tolist() == [21.0, 22.0]
    assert wide(frame, "firmware")["value"].tolist() == ["2.10", "2.10"]
    assert wide(frame, "key")["value"].tolist() == ["cq", "k"]
    assert wide(frame, "slot")["value"].tolist() == ["2_2", "2_4"]
    assert channels(frame).set_index("field")["kind"].to_dict() == {"value": "measurement"}


def test_numbers_count_beside_the_same_written_as_text():
    """A device that was changed to write text: both are in the mean."""
    index = pd.date_range("2026-11-01", periods=4, freq="15s", tz="UTC", name="time")
    frame = pd.DataFrame({"value": pd.Series([20.0, 21.0, "22.0", "23.0"], index, dtype="object")})
    assert wide(frame)["value"].tolist() == [21.5]


def test_each_channel_has_a_column_of_its_own():
    """A number is the same key as text, no channel hides another of like name, and the 2nd stands before the 10th."""
    frame = ticks([0, 60, 120], value=[1.0, 2.0, 3.0]).assign(node=pd.Series([1, "1", "2"], dtype="object").to_numpy())
    assert wide(frame, by="node")["node 1"].tolist()[:2] == [1.0, 2.0]
    alike = ticks([0, 60, 120], value=[1.0, 2.0, 4.0]).assign(type=["x · y", "x", "x"], dcn=["z", "y · z", "z"])
    assert sorted(wide(alike, by=["type", "dcn"]).sum()) == [1.0, 2.0, 4.0]
    some = ticks(np.arange(11) * 60, value=1.0).assign(chan=np.arange(11))
    assert wide(some, by="chan").columns.tolist() == [f"chan {number}" for number in range(11)]


def test_a_column_of_a_loaded_frame_does_not_mix_clients_without_a_word():
    """Cut to one client and topic, or loaded so, or chosen by `by=`, there is nothing to warn of."""
    frame = ticks([0, 60, 120], value=[1.0, 2.0, 4.0], client_id=["a", "b", "a"], topic="telemetry/power")
    frame.attrs = {"clients": [], "topic": "telemetry/#", "rows": 3}
    with pytest.warns(UserWarning, match=r"only value is given, without client_id: what several clients") as told:
        assert wide(frame["value"], every="1h")["value"].tolist() == [7 / 3]
    assert told[0].filename == __file__
    assert wide(frame, every="1h").to_dict("list") == {"a": [2.5], "b": [2.0]}
    assert wide(frame.loc[frame["client_id"] == "a", "value"], every="1h")["value"].tolist() == [2.5]
    frame.attrs |= {"clients": ["a"], "topic": "telemetry/power"}
    assert wide(frame["value"], every="1h")["value"].tolist() == [7 / 3]


def test_a_column_of_a_loaded_frame_does_not_mix_channels_without_a_word():
    """Two channels of one client, published together; of one of them, or of repeated messages, nothing is said."""
    values, who = [1.0, 9.0, 2.0, 8.0, 3.0, 7.0], {"client_id": "a", "topic": "telemetry/power"}
    frame = ticks([0, 0, 60, 60, 120, 120], value=values, chan=[1, 2] * 3, **who)
    frame.attrs = {"clients": ["a"], "topic": "telemetry/power", "rows": 6}
    with pytest.warns(UserWarning, match=r"only value is given, without what tells its channels apart"):
        assert wide(frame["value"], every="1h")["value"].tolist() == [5.0]
    assert wide(frame.loc[frame["chan"] == 1, "value"], every="1h")["value"].tolist() == [2.0]
    assert wide(frame.assign(value=5.0)["value"], every="1h")["value"].tolist() == [5.0]
    packed = frame.assign(payload=[b"\xfe%d" % number for number in range(6)])["payload"]  # no text, and no error
    with pytest.warns(UserWarning, match="only payload is given"):
        assert wide(packed, every="1h", how="count")["value"].tolist() == [6]


def test_a_grid_beyond_reason_is_refused():
    """A step of a second over a century is an error that says so, and no dead machine."""
    index = pd.DatetimeIndex(["1970-01-01", "2090-01-01"], tz="UTC")
    with pytest.raises(UsageError, match="longer step"):
        wide(pd.DataFrame({"value": [1.0, 2.0]}, index=index), every="1s")


def test_a_missing_field_names_those_that_are_there():
    """The error of wide says which columns there are."""
    with pytest.raises(UsageError, match=r"no column 'power'.*value"):
        wide(ticks([1, 2]), "power")


@pytest.mark.parametrize("name", ["volt", None, 7])
def test_a_series_is_resampled_whatever_it_is_called(name):
    """Its one column is meant; with a name that is not its own, it is an error as ever."""
    volts = ticks([0, 30, 60], value=[12.0, 13.0, 14.0])["value"].rename(name)
    assert wide(volts, every="1min")["value"].tolist() == [12.5, 14.0]
    with pytest.raises(UsageError, match="the frame has no column 'amp'"):
        wide(volts, "amp", every="1min")


def test_several_fields_stand_beside_each_other_also_of_different_topics():
    """Each is what it is alone, under its channel and its name; a field that nothing has makes no column."""
    frame = joined(
        ticks(minutes(0, 60, 1), topic="voltage", value=12.5),
        ticks(minutes(0, 60, 7), topic="telemetry/rf", value=None).assign(rssi=-80.0, value=np.nan, snr=np.nan),
    )
    grid = wide(frame, ["value", "rssi", "snr"], every="5min", by="client_id")
    client = frame["client_id"].iloc[0]
    assert grid.columns.tolist() == [f"{client} · rssi", f"{client} · value"]
    for name in ("value", "rssi"):
        alone = wide(frame, name, every="5min", by="client_id")
        pd.testing.assert_series_equal(grid[f"{client} · {name}"], alone[client], check_names=False)


@pytest.mark.parametrize("wrong", [None, [], 5, {}])
def test_what_names_no_field_is_refused(wrong):
    """And what came is said."""
    with pytest.raises(UsageError, match=re.escape(repr(wrong))):
        wide(ticks([1, 2]), wrong)


def test_a_name_in_the_place_of_a_flag_is_refused():
    """Where it counted as True, the means asked for would be rises, and the other way round."""
    frame = ticks([1, 2])
    for call in (
        lambda: wide(frame, counter="value"),
        lambda: isr.gaps(frame, each="client_id"),
        lambda: isr.plots.timeseries(frame, "value", gaps="5min"),
        lambda: isr.plots.timeseries(frame, "value", events="event/#"),
        lambda: isr.plots.zoomable(frame, "value", widget="no"),
    ):
        with pytest.raises(UsageError, match="is neither True nor False"):
            call()


@pytest.mark.parametrize(("every", "last"), [("1min", "2026-11-02T00:09"), ("1d", "2026-11-02")])
def test_the_grid_has_every_message_also_where_late_ones_may_still_come(every, last):
    """What is provisional is no less there than the rest."""
    frame = ticks(minutes(0, 1450))
    frame.attrs = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:10:00Z", "rows": len(frame),
                   "provisional_from": "2026-11-01T23:59:00Z"}  # fmt: skip
    grid = wide(frame, every=every)
    assert grid.index[-1] == pd.Timestamp(last, tz="UTC")
    assert wide(frame, every=every, end="2026-11-01T12:00").index[-1] < START + pd.Timedelta(hours=12)


def test_a_state_is_not_held_once_the_device_is_silent_for_good():
    """After its last message it counts as long as the next one may be on its way, also in a longer range."""
    df = ticks(minutes(0, 60), topic="state/relay", value=True)
    made = wide(df, every="10min", end=START + pd.Timedelta("3h")).iloc[:, 0]
    assert made.notna().tolist() == [True] * 7 + [False] * 11


def test_the_grid_begins_with_the_step_in_which_its_range_does():
    """Steps are counted from the first midnight; of the range's first and last one all that lies in them is there."""
    frame = ticks(minutes(787, 812), value=np.arange(25.0))  # 13:07 to 13:31
    grid = wide(frame, every="10min")
    assert grid.index.strftime("%H:%M").tolist() == ["13:00", "13:10", "13:20", "13:30"]
    assert grid.iloc[:, 0].tolist() == [1.0, 7.5, 17.5, 23.5]
    part = wide(frame, every="10min", start=START + pd.Timedelta("13h10min"), end=START + pd.Timedelta("13h30min"))
    assert part.iloc[:, 0].tolist() == [7.5, 17.5]
    seven = wide(frame, every="7h")
    assert seven.index.hour.tolist() == [7]


def test_columns_are_named_by_what_tells_them_apart():
    """What all have in common is left out; of one channel alone its client is the name."""
    two = joined(ticks(minutes(0, 9), chan=1, type="relay"), ticks(minutes(0, 9), chan=2, type="relay"))
    assert wide(two).columns.tolist() == ["chan 1", "chan 2"]
    assert wide(two[two["chan"] == 1]).columns.tolist() == ["isr-shack-01"]
    other = two.assign(client_id="isr-hill-02")
    assert wide(joined(two, other)).columns.tolist() == [
        f"{client} · chan {chan}" for client in ("isr-hill-02", "isr-shack-01") for chan in (1, 2)
    ]


def test_the_grid_of_a_frame_without_a_zone_is_in_utc():
    """Its clock is read as that of UTC, as the loaders' frames are."""
    frame = ticks([0, 60])
    pd.testing.assert_frame_equal(wide(frame.tz_localize(None)), wide(frame))


def test_steps_of_several_days_begin_with_the_first():
    """Each is of whole days, and the last one has what is left."""
    frame = ticks(minutes(720, 6 * 1440, 60), value=1.0)  # from noon on
    assert wide(frame, every="2d").index.day.tolist() == [1, 3, 5]
    assert wide(frame.iloc[:-24], every="2d").index.day.tolist() == [1, 3, 5]
    assert wide(frame, every="1w").index.day.tolist() == [1]


def test_the_grid_tells_the_units_of_its_columns():
    """In lists, which Parquet keeps; nothing where no payload gave one."""
    frame = joined(
        ticks(minutes(0, 60, 1), chan=1).assign(unit="W"),
        ticks(minutes(0, 60, 1), chan=2).assign(unit=None, units="°C"),
    )
    frame["load"] = 1.0
    assert wide(frame, every="1h").attrs == {"columns": ["chan 1", "chan 2"], "units": ["W", "°C"]}
    assert wide(frame, ["value", "load"], every="1h").attrs["units"] == ["", "W", "", "°C"]
    assert wide(frame.drop(columns=["unit", "units"]), every="1h").attrs == {}


def test_values_in_two_units_are_not_averaged_together():
    """A channel that changed from W to mW has a column of each."""
    value = np.where(np.arange(60) < 30, 2.0, 1500.0)
    unit = np.where(np.arange(60) < 30, "W", "mW")
    grid = wide(ticks(minutes(0, 60, 1), chan=1, value=value).assign(unit=unit), every="1h", by="chan")
    assert grid.to_dict("list") == {"unit W": [2.0], "unit mW": [1500.0]}
    assert grid.attrs == {"columns": ["unit W", "unit mW"], "units": ["W", "mW"]}


def test_a_state_is_not_held_while_all_that_its_device_publishes_is_silent():
    """A relay that speaks only when it changes is not known to be on in an outage, nor after the last message."""
    s = minutes(0, 300)
    s = s[((s < 3600) | (s >= 7200)) & (s < 14400)]
    frame = joined(
        ticks(s, topic="telemetry/a"),
        ticks([600, 9000], topic="state/relay", value=np.nan).assign(on=pd.array([True, False], dtype="boolean")),
        ticks(minutes(0, 300), client="isr-hill-02"),
        ticks([1200], client="isr-hill-02", topic="state/relay", value=np.nan).assign(on=pd.array([True], "boolean")),
    ).astype({"on": "boolean"})
    grid = wide(frame, "on", every="1min")
    for every, own in (("1min", grid["isr-shack-01"]), ("10min", wide(frame, "on", every="10min")["isr-shack-01"])):
        known = own.dropna()
        assert known.index[known.index < START + pd.Timedelta("2h")][-1] + pd.Timedelta(every) <= START + pd.Timedelta(
            "1h"
        )
        assert own.isna().sum() * pd.Timedelta(every) == pd.Timedelta("10min") + pd.Timedelta("1h") * 2
    assert grid["isr-shack-01"][START + pd.Timedelta("2h")]  # as far as is known it is as it was
    assert grid["isr-hill-02"].notna().sum() == 280
    alone = wide(
        frame[frame["client_id"] == "isr-shack-01"], "on", every="1min", by="topic", end=START + pd.Timedelta("5h")
    )
    assert (
        alone.iloc[:, 0].tolist() == grid["isr-shack-01"].tolist()
    )  # whether or not the column is named by the client


def test_channels_that_a_field_of_their_own_tells_apart_are_warned_of():
    """A gateway that publishes forward and reflected power at once: their mean is neither, and says nothing."""
    s = np.repeat(minutes(0, 60), 2)
    frame = ticks(s, value=np.tile([100.0, 2.0], 60), direction=["forward", "reflected"] * 60, seq=np.arange(120))
    words = r"isr-shack-01 · telemetry/a has several messages of 'value' .* differ in 'direction' .* by=\['client_id', "
    for asked in ({}, {"how": "max"}):
        with pytest.warns(UserWarning, match=words) as warned:
            wide(frame, every="10min", **asked)
        assert warned[0].filename == __file__
    apart = wide(frame, every="10min", by=["client_id", "topic", "direction"])
    assert apart.iloc[0].tolist() == [100.0, 2.0]
    wide(frame.drop(columns="direction"), every="10min")  # a number that goes up tells nothing apart
    wide(frame[s < 1800].iloc[::2], every="10min")
    twice = frame.iloc[::2].loc[lambda df: df.index.repeat(2)]
    wide(twice, every="10min")  # the same again is no other channel
    wide(frame.assign(chan=[1, 2] * 60), every="10min")


def test_the_states_of_clients_put_together_are_not_held_while_nobody_speaks():
    """Where by= makes one column of several devices, one that speaks is enough."""
    s = minutes(0, 300)
    away = (s >= 3600) & (s < 7200)
    relay = ticks([600, 9000], topic="state/relay", value=np.nan).assign(on=pd.array([True, False], dtype="boolean"))
    for other, unknown in ((s[~away], 60), (s, 0)):
        frame = joined(ticks(s[~away], topic="telemetry/a"), relay, ticks(other, client="isr-hill-02"))
        grid = wide(frame.astype({"on": "boolean"}), "on", every="1min", by="topic")
        assert grid.iloc[10:, 0].isna().sum() == unknown


def test_bytes_between_numbers_are_no_numbers():
    """A column of a device that sends "+12.5" and sometimes bytes that are no text: the numbers are aggregated."""
    frame = ticks(minutes(0, 60), value=pd.Series(["+12.5", "+13.5", b"\xfe\x01"] * 20, dtype="object").to_numpy())
    assert wide(frame, every="1h").iloc[0].tolist() == [13.0]
    assert wide(frame, every="1h", how="max").iloc[0].tolist() == [13.5]
