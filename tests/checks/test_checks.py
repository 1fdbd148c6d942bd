"""Every check: it takes any frame with an index of time, and leaves it as it is."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ticks import START, at, joined, minutes, noise, ticks

from isr_analysis import plots
from isr_analysis.checks import channels, completeness, gaps, intervals, kinds, quality, wide
from isr_analysis.checks.saying import saying
from isr_analysis.errors import UsageError

EVERY = [gaps, quality, completeness, channels, intervals]


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
def test_a_load_without_a_message_has_no_row(function):
    """Although it is of a range."""
    empty = ticks([])
    empty.attrs = {"start": str(START), "end": str(at(60)), "rows": 0}
    assert len(function(empty)) == 0


@pytest.mark.parametrize("function", [gaps, quality, completeness, wide])
def test_a_range_that_ends_before_it_begins_is_refused(function):
    """With both ends, in their order."""
    with pytest.raises(UsageError, match=r"the range is empty: start .*00:09:00Z is not before end .*00:03:00Z"):
        function(ticks(minutes(0, 50)), start=at(9), end=at(3))


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
        lambda df: df.assign(value=pd.Series(["half \ud800", *range(len(df) - 1)], df.index, dtype="object")),
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


def test_a_frame_with_the_types_of_arrow_is_as_good_as_another(tmp_path):
    """An index that `read_parquet(…, dtype_backend="pyarrow")` gives is one of time, and the findings are the same."""
    df = joined(ticks(minutes(0, 60), value=noise(60)).drop(index=[at(20), at(21), at(22)]))
    df.to_parquet(tmp_path / "df.parquet")
    arrow = pd.read_parquet(tmp_path / "df.parquet", dtype_backend="pyarrow")
    assert not isinstance(arrow.index, pd.DatetimeIndex)
    for function in [*EVERY, wide]:
        pd.testing.assert_frame_equal(function(arrow), function(df))


@pytest.mark.parametrize("name", ["client_id", "topic", "chan", "unit", "value"])
@pytest.mark.parametrize("cell", [7, True, 1.5, b"x", ["x"], {"a": 1}, pd.Timestamp("2026-11-01")], ids=str)
@pytest.mark.parametrize("kind", ["object", "arrow"])
def test_what_stands_in_a_column_need_be_no_text(name, cell, kind):
    """In a frame of one's own clients and topics may be numbers, and Arrow keeps lists in types of its own."""
    dtype = pd.ArrowDtype(pa.array([cell]).type) if kind == "arrow" else "object"
    df = ticks(minutes(0, 60), value=noise(60)).assign(chan=1, unit="W")
    df[name] = pd.Series([cell] * len(df), df.index, dtype="object").astype(dtype)
    for function in [*EVERY, wide, plots.availability, plots.live, *([plots.timeseries] if name != "value" else [])]:
        function(df)
    if name in {"client_id", "topic"}:
        assert set(channels(df)[name]) == {str(cell)}


@pytest.mark.parametrize("names", ["category", "str", "object"])
def test_series_have_one_order_however_a_frame_holds_their_names(names):
    """The channels are listed as people sort them, whichever spoke first, and also after a round trip by CSV."""
    parts = [ticks(minutes(no, no + 90), client=f"dev-{no}", chan=no) for no in (10, 2, 9)]
    df = joined(*parts).sort_index(ascending=False).astype({"client_id": names, "topic": names})
    for function in (channels, intervals):
        assert function(df)["client_id"].tolist() == ["dev-2", "dev-9", "dev-10"]
    assert channels(df.assign(client_id="a"))["chan"].tolist() == ["2", "9", "10"]
    nameless = df.assign(client_id=df["client_id"].where(df["client_id"] != "dev-2"))
    assert channels(nameless)["client_id"].tolist() == ["dev-9", "dev-10", ""]


@pytest.mark.parametrize("function", EVERY)
def test_an_instant_that_no_clock_means_is_refused_with_the_way_out(function):
    """The years 1700 and 2200 are told, with how to leave them out; what the way out leaves is taken."""
    index = pd.DatetimeIndex(["1700-01-01", "2026-11-01", "2200-01-01"], tz="UTC")
    df = pd.DataFrame({"value": [1.0, 2.0, 3.0]}, index=index)
    with pytest.raises(UsageError, match=r"from 1700-01-01.* to 2200-01-01"):
        function(df)
    function(df[(df.index.year >= 1970) & (df.index.year <= 2100)])


def test_a_frame_of_another_program_is_told_with_how_one_of_pandas_is_made():
    """That of polars is called DataFrame, too: the error says whose it is, and its advice gives what is needed."""
    pl = pytest.importorskip("polars", reason="polars is not installed")
    df = ticks(minutes(0, 5))
    for other, way in (
        (pl.from_pandas(df.reset_index()), 'df.to_pandas().set_index("time")'),
        (pl.from_pandas(df.reset_index()).lazy(), 'df.collect().to_pandas().set_index("time")'),
        (pa.Table.from_pandas(df), 'df.to_pandas().set_index("time")'),
    ):
        with pytest.raises(UsageError, match=r"^a pandas DataFrame .*, not (polars|pyarrow)\.\w+; ") as caught:
            gaps(other)
        assert str(caught.value).endswith(f"; convert it with {way}")
    assert gaps(pl.from_pandas(df.reset_index()).to_pandas().set_index("time")).equals(gaps(df))
    with pytest.raises(UsageError, match=r"is needed, not list$"):
        gaps([df])


@pytest.mark.parametrize("function", EVERY)
def test_an_index_that_is_not_of_time_is_refused_with_the_way_out(function):
    """The error says what index came and how to make one of time."""
    with pytest.raises(UsageError, match=r"RangeIndex.*set_index"):
        function(pd.DataFrame({"time": ["2026-11-01"], "value": [1]}))


def test_a_channel_that_another_firmware_writes_as_text_is_the_same():
    """It is one series, that is not silent on either side of the change; that the type changed is a finding."""
    chan = pd.array([1] * 60 + ["1"] * 60, dtype="object")
    df = ticks(minutes(0, 120), chan=chan)
    assert channels(df)[["channel", "messages"]].to_numpy().tolist() == [["chan 1", 120]]
    assert wide(df, every="1h").notna().all(axis=None)
    assert len(gaps(df, start=START, end=START + pd.Timedelta("2h"))) == 0
    assert quality(df)["kind"].tolist() == ["type changed"]


def test_what_was_grouped_and_resampled_is_taken():
    """Groups and time as an index are the same as a column a group and an index of time."""
    df = joined(*(ticks(minutes(0, 50), client_id=client, value=number) for number, client in enumerate("ab")))
    hourly = df.groupby("client_id", observed=True)["value"].resample("5min").mean()
    assert channels(hourly)[["client_id", "field", "messages"]].to_numpy().tolist() == [
        ["a", "value", 10],
        ["b", "value", 10],
    ]
    for named in (hourly, hourly.rename("volt")):
        assert wide(named, every="10min").to_dict("list") == {"a": [0.0] * 5, "b": [1.0] * 5}


def test_an_index_of_several_zones_or_of_text_is_refused_with_a_way_out_that_works():
    """Two frames of different zones on end, and a CSV file over a change of the clocks, are made one of time."""
    zones = [ticks(minutes(0, 5)).tz_convert(zone) for zone in ("UTC", "Europe/Zurich")]
    for df in (pd.concat(zones), zones[1].set_axis(zones[1].index.astype("str"))):
        with pytest.raises(UsageError, match=r"try df\.set_index\(pd\.to_datetime\(df\.index, utc=True\)\)"):
            gaps(df)
        assert len(gaps(df.set_index(pd.to_datetime(df.index, utc=True)))) == 0


@pytest.mark.parametrize("function", [gaps, quality])
def test_a_coverage_that_is_none_is_refused(function):
    """With what came, and where the right one comes from."""
    with pytest.raises(UsageError, match=r"isr\.coverage returns, not str"):
        function(ticks([1, 2]), coverage="all")


def test_a_misspelt_column_is_answered_with_those_like_it_first():
    """Of many columns only some are told: those that may have been meant are among them, before the others."""
    index = pd.DatetimeIndex(["2026-11-01"], tz="UTC", name="time")
    df = pd.DataFrame([range(61)], index=index, columns=[*(f"f{n}" for n in range(60)), "battery_v"])
    with pytest.raises(UsageError, match=r"no column 'batery_v'; it has columns: battery_v, f0, .*, f18, …$"):
        wide(df, "batery_v", every="1h")
    with pytest.raises(UsageError, match=r"no column 'power'; it has columns: f0, f1$"):
        wide(df[["f0", "f1"]], "power", every="1h")


@pytest.mark.parametrize("function", [*EVERY, wide])
def test_what_is_no_frame_is_refused_and_a_series_without_a_name_is_a_value(function):
    """The error says what came."""
    with pytest.raises(UsageError, match="not list"):
        function([1, 2])
    series = ticks(minutes(0, 60))["value"]
    pd.testing.assert_frame_equal(function(series.rename(None)), function(series))


def test_days_are_an_index_of_time():
    """What groupby made of df.index.date is drawn and checked like what resample made of it."""
    frame = ticks(minutes(0, 3 * 24 * 60))
    days = frame["value"].groupby(frame.index.date).mean()
    assert plots.timeseries(days).data[0].y.tolist() == frame["value"].resample("1D").mean().tolist()
    pd.testing.assert_frame_equal(channels(days), channels(days.set_axis(pd.DatetimeIndex(days.index))))


def test_periods_and_two_columns_of_one_name():
    """A period counts from its start on; of two columns of one name nobody knows which is meant."""
    frame = ticks(minutes(0, 60)).tz_localize(None)
    periods = frame.set_axis(frame.index.to_period("min"))
    assert wide(periods, every="10min").iloc[:, 0].tolist() == wide(frame, every="10min").iloc[:, 0].tolist()
    with pytest.raises(UsageError, match="called 'value'"):
        gaps(pd.concat([frame, frame[["value"]]], axis=1))
    assert channels(frame.set_axis(["client_id", "topic", ("cpu", "load")], axis=1))["field"].tolist() == ["cpu load"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"client_id": "a", "topic": "t", "device_id": "d", "value": None, "x": math.nan, "y": pd.NA}, ""),
        ({"type": "alarm", "chan": 2}, "type alarm, chan 2"),
        ({"value": 1, "unit": "W", "units": "kW"}, "1 W, units kW"),
        ({"value": np.True_, "raw": b"\x00\xff"}, "true, raw 2 bytes"),
        (dict.fromkeys("abcdef", 1), "a 1, b 1, c 1, d 1, e 1, f 1"),
        (dict.fromkeys("abcdefg", 1), "a 1, b 1, c 1, d 1, e 1, f 1, …"),
        ({"value": "\x1b[31m\n"}, "·[31m·"),
        ({"value": "x" * 40}, "x" * 40),
        ({"value": "x" * 41}, "x" * 39 + "…"),
        ({"value": ["ü", {"at": dt.date(2026, 11, 1)}]}, '["ü", {"at": "2026-11-01"}]'),
    ],
)
def test_what_one_message_says_is_short_and_safe_to_print(row, words):
    """What is missing or names the device is left out; at most six fields, of each forty characters that print."""
    assert saying(row) == words


def test_the_units_of_a_field_are_its_own_or_those_of_the_only_one():
    """A column of units that stands beside several fields is that of `value`."""
    frame = pd.DataFrame(columns=["unit", "a", "a.unit", "value"])
    assert kinds.unit_columns(frame, "a", alone=False) == ["a.unit"]
    assert kinds.unit_columns(frame, "a", alone=True) == ["a.unit", "unit"]
    assert kinds.unit_columns(frame, "value", alone=False) == ["unit"]


def test_a_nested_value_has_the_unit_beside_it():
    """Of {"p": {"value": 3, "unit": "W"}}; another number of that object may have another unit."""
    frame = pd.DataFrame(columns=["unit", "p.value", "p.unit", "p.phase", "q.reading", "q.units"])
    assert kinds.unit_columns(frame, "p.value", alone=False) == ["p.unit"]
    assert kinds.unit_columns(frame, "q.reading", alone=False) == ["q.units"]
    assert kinds.unit_columns(frame, "p.phase", alone=False) == []
    assert kinds.unit_columns(frame, "p.value", alone=True) == ["p.unit", "unit"]


def test_a_nested_value_has_a_unit_of_a_short_name():
    """Of {"p": {"v": 3, "u": "W"}} and {"p": {"value": 3, "uom": "W"}}; but a number there is a voltage."""
    frame = pd.DataFrame({"p.v": [3.0], "p.u": ["W"], "q.value": [3.0], "q.uom": ["W"], "r.v": [3.0], "r.u": [230.1]})
    frame = frame.assign(v=[1.0], u=["W"])
    assert kinds.unit_columns(frame, "p.v", alone=False) == ["p.u"]
    assert kinds.unit_columns(frame, "q.value", alone=False) == ["q.uom"]
    assert kinds.unit_columns(frame, "r.v", alone=False) == []
    assert kinds.unit_columns(frame, "v", alone=False) == []  # an object of its own says that they belong together


def test_a_unit_stands_under_the_name_of_its_field_in_either_style():
    """Of {"temp": 21, "tempUnit": "C"} as of {"temp": 21, "temp_unit": "C"}."""
    frame = pd.DataFrame(columns=["temp", "tempUnit", "hum", "hum_unit"])
    assert kinds.unit_columns(frame, "temp", alone=False) == ["tempUnit"]
    assert kinds.unit_columns(frame, "hum", alone=False) == ["hum_unit"]


@pytest.mark.parametrize(
    ("numbers", "topic", "state"),
    [
        ([0, 1, 1], "telemetry/x", True), ([0, 0], "telemetry/x", False), ([1, 1], "telemetry/x", False),
        ([0, 0], "state/x", True), ([1, 1], "status/x", True), ([0, 1, 2], "telemetry/x", False),
        ([*range(10)], "state/x", True), ([*range(11)], "state/x", False), ([0, 2.5], "state/x", False),
        ([*[0, 1] * 500, 2], "telemetry/x", False), ([*[0, 1] * 500, 2.5], "state/x", False), ([0, 2], None, False),
        ([471_386, 473_386], "state/x", False), ([471_386], "state/x", False), ([4_713, 4_713], "state/x", True),
        ([200, 404], "state/x", True), ([40, 41, 43, 42, 44, 44, 42] * 9, "state/x", False),
        ([*[3] * 5, *[4] * 4] * 9, "state/x", True), ([1, 2, 3] * 9, "state/x", True),
    ],
)  # fmt: skip
def test_numbers_are_states_if_both_0_and_1_or_few_whole_ones_of_a_state(numbers, topic, state):
    """And they hold, or come when they change. What comes after the first thousand counts as well."""
    assert kinds.is_state(np.array(numbers, float), topic) is state


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([True, 2, "3", None], [math.nan, 2, 3, math.nan]),
        (["1", "x"], [math.nan, math.nan]),
        (["1", "2", "x"], [1, 2, math.nan]),
        (["1_000", "2", "3"], [math.nan, 2, 3]),
        (["inf", "2", "3"], [math.nan, 2, 3]),
        ([10**400, "x"], [math.inf, math.nan]),
        ([True, False], [math.nan, math.nan]),
        ([1j, 2j], [math.nan, math.nan]),
    ],
)
def test_text_is_counted_as_number_where_most_of_it_is(values, found):
    """Flags and complex numbers are none, and neither is what Python alone takes for a number."""
    np.testing.assert_array_equal(kinds.numbers(pd.Series(values, name="x")), found)
    if isinstance(values[0], str):
        assert np.isnan(kinds.numbers(pd.Series(values, name="fw_version"))).all()
        assert np.isnan(kinds.numbers(pd.Series(values, name="x", dtype="category"))).all()


def test_decimals_are_those_that_were_published_but_for_noise():
    """Six at most; what has more counts as nine."""
    assert [kinds.decimals(np.array(some)) for some in ([2.0], [0.1 + 0.2, 0.5], [3e-6], [3e-7])] == [0, 1, 6, 9]


def test_words_for_on_and_off_are_states_if_all_are_such_words():
    """Whatever their case, and with spaces around; few names beside few numbers are names, too."""
    assert kinds.on_off([" ON ", "Off"]) == {" ON ": 1.0, "Off": 0.0}
    assert kinds.on_off(["on", "ajar"]) is None
    assert kinds.on_off([]) is None
    assert [kinds.is_label(*given) for given in ((4, 4), (5, 9), (3, 2))] == [True, False, False]
    assert [kinds.is_event(topic) for topic in ("event/x", "events", "telemetry/event")] == [True, True, False]
