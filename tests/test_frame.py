"""The frame: index, fixed columns, order, dtypes, selection, and the same by every way."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isr_analysis import frame, messages, payloads
from isr_analysis.errors import UsageError

T0 = 1_793_491_200_000_000_001


def table(*rows):
    """Make messages of (seconds, client, topic, payload)."""
    return pa.Table.from_pylist(
        [{"time": T0 + s * 10**9, "client_id": c, "topic": t, "payload": p, "seq": i, "source": "history"}
         for i, (s, c, t, p) in enumerate(rows)], schema=messages.SCHEMA)  # fmt: skip


STATION = table(
    (0, "b", "telemetry/temp_probe", b'{"chan":1,"value":20,"unit":"C"}'),
    (0, "a", "telemetry/temp_probe", b'{"chan":1,"value":20.5,"unit":"C"}'),
    (1, "a", "state/relay", b'{"chan":2,"on":true}'),
    (2, "a", "telemetry/system", b'{"cpu":{"load":0.5},"disks":["sda"],"total":9007199254740993}'),
    (2, "a", "door", b'"open"'),
    (3, "a", "raw", b"\x00\xff"),
    (3, "a", "note", b"plain"),
)


def test_a_frame_of_a_station():
    """Index, columns, dtypes and values, as documented."""
    df = frame.to_frame(STATION, tz="Europe/Zurich", attrs={"rows": 7, "clients": ["a", "b"]})
    assert isinstance(df.index, pd.DatetimeIndex)
    assert df.index.name == "time"
    assert str(df.index.dtype) == "datetime64[ns, Europe/Zurich]"
    assert df.index[0].isoformat() == "2026-11-01T01:00:00.000000001+01:00"
    assert {name: str(dtype) for name, dtype in df.dtypes.items()} == {
        "client_id": "category", "topic": "category", "chan": "Int64", "cpu.load": "float64", "disks": "object",
        "on": "boolean", "payload": "object", "total": "Int64", "unit": "str", "value": "object"}  # fmt: skip
    assert [*df.columns] == ["client_id", "topic", *sorted(df.columns[2:])]
    assert df["client_id"].tolist() == ["a", "b", "a", "a", "a", "a", "a"]
    assert df["client_id"].cat.categories.tolist() == ["a", "b"]
    assert str(df["topic"].cat.categories.dtype) == "str"
    assert df["value"].tolist() == [20.5, 20, None, "open", None, None, None]
    assert df["payload"].tolist() == [None, None, None, None, None, "plain", b"\x00\xff"]
    assert df["disks"].dropna().tolist() == [["sda"]]
    assert df["total"].dropna().tolist() == [2**53 + 1]
    assert df["on"].isna().sum() == 6
    assert df.attrs == {"rows": 7, "clients": ["a", "b"]}


def test_no_messages_no_rows():
    """The same index and fixed columns; a selected field is there, and empty."""
    df = frame.to_frame(messages.empty(), tz=ZoneInfo("Europe/Zurich"), attrs={"rows": 0})
    full = frame.to_frame(STATION, tz="Europe/Zurich")
    assert (df.index.dtype, df.index.name, len(df)) == (full.index.dtype, "time", 0)
    assert {name: str(dtype) for name, dtype in df.dtypes.items()} == {"client_id": "category", "topic": "category"}
    assert str(df["topic"].cat.categories.dtype) == "str"
    assert df.attrs == {"rows": 0}
    assert frame.to_frame(messages.empty(), fields=["value"]).columns.tolist() == ["client_id", "topic", "value"]
    pd.testing.assert_frame_equal(frame.to_frame(STATION.slice(0, 0)), frame.to_frame(messages.empty()))


def test_fields_are_selected_in_the_order_given():
    """A text or a list; the fixed columns stay, and naming one again changes nothing."""
    assert [*frame.to_frame(STATION, fields="value").columns] == ["client_id", "topic", "value"]
    assert [*frame.to_frame(STATION, fields=["unit", "chan", "unit", "topic", "time"]).columns] == [
        "client_id", "topic", "unit", "chan"]  # fmt: skip
    assert [*frame.to_frame(STATION, fields=[]).columns] == ["client_id", "topic"]


def test_a_field_that_no_message_has_is_missing_everywhere_and_warned_of():
    """As that of an event is in a quiet hour; those that come near are named, or those that there are."""
    with pytest.warns(UserWarning, match=r"fields='valeu': no message .* 'value' and 7 more$") as warned:
        df = frame.to_frame(STATION, fields=["chan", "valeu"], attrs={"warning": "first"})
    assert [*df.columns] == ["client_id", "topic", "chan", "valeu"]
    assert df["valeu"].isna().all()
    assert df["valeu"].dtype == object
    assert df.attrs["warning"] == f"first; {warned[0].message}"
    with pytest.warns(UserWarning, match=r"'chan', 'cpu.load', 'disks', 'on', 'payload', 'total', 'unit', 'value'$"):
        frame.to_frame(STATION, fields="xyz")
    with pytest.warns(UserWarning, match=r"they have 'a' and 1 more$"):  # not the whole of a name of many words
        frame.to_frame(table((0, "a", "t", json.dumps({"a": 1, "z" * 5000: 2}).encode())), fields="z" * 50)
    with pytest.warns(UserWarning, match="their payloads have none"):
        assert len(frame.to_frame(table((0, "a", "t", b"{}")), fields="x")) == 1


def test_what_names_no_field_is_an_error():
    """Neither a number in a list nor alone."""
    with pytest.raises(UsageError, match="3 is not a field name"):
        frame.to_frame(STATION, fields=["chan", 3])
    with pytest.raises(UsageError, match="fields=3: int is not a field name; give a name or a list of names"):
        frame.to_frame(STATION, fields=3)


def test_a_frame_may_be_written_to():
    """Nothing in it is Arrow's read-only memory, and nothing that is written goes back."""
    decoded = payloads.decode(STATION)
    before = frame.from_decoded(decoded)
    df = frame.from_decoded(decoded)
    for name, value in {"chan": 9, "cpu.load": 1.5, "on": False, "unit": "F", "value": 1, "topic": "raw"}.items():
        df.iloc[0, df.columns.get_loc(name)] = value
        assert df[name].iloc[0] == value
    full = frame.to_frame(table((0, "a", "t", b'{"i":1,"r":0.5,"b":true}')))
    full.loc[:, ["i", "r", "b"]] = [[2, 1.5, False]]
    assert full[["i", "r", "b"]].to_numpy().tolist() == [[2, 1.5, False]]
    pd.testing.assert_frame_equal(frame.from_decoded(decoded), before)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [0.5, [1]])
def test_a_wide_frame_may_be_written_to_and_exported_without_a_warning(kind):
    """Pandas warns of more than a hundred columns that each stand alone in memory."""
    payload = json.dumps({f"f{i:03}": kind if i < 150 else i for i in range(300)}).encode()
    df = frame.to_frame(table(*((s, "a", "t", payload) for s in range(3))))
    df["mean"] = 1.0
    df.loc[df.index[0], "f000"] = None
    assert frame.as_arrow(df).num_columns == 304
    assert df.iloc[1].tolist() == ["a", "t", *[kind] * 150, *range(150, 300), 1.0]


def test_beyond_500_fields():
    """500 columns, the rest as JSON text in `extra`."""
    wide = table(*((i, "a", "t", json.dumps({f"k{j:03}": j for j in range(600)}).encode()) for i in range(3)))
    df = frame.to_frame(wide)
    assert df.shape == (3, 503)
    assert str(df["extra"].dtype) == "str"
    assert json.loads(df["extra"].iloc[2]) == {f"k{j:03}": j for j in range(500, 600)}
    assert [*frame.to_frame(wide, fields="k599").columns] == ["client_id", "topic", "k599"]


def seen(df):
    """Say everything that can be seen of a frame, with the kind of each value."""
    return (
        [*zip(df.columns, map(str, df.dtypes), strict=True)], str(df.index.dtype), df.index.asi8.tolist(),
        [df[name].cat.categories.tolist() for name in ("client_id", "topic")],
        [[*map(repr, df[name])] for name in df],
    )  # fmt: skip


ROWS = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(["t", "u", "t/u", "ü"]),
        st.sampled_from([b"1", b"2.5", b"true", b'"x"', b"null", b"raw", b"\xff", b'{"value":1}',
                         b'{"a":{"b":1.0},"c":[]}', b'{"a":"x","time":null}',
                         b'{"a.b":2,"a":{"b":3}}', b"{}", b'{"c":"18"}']),
    ), max_size=10,
)  # fmt: skip


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_way_do_not_matter(rows, random):
    """Shuffled messages, shuffled decoded parts and a part of them: the frame that their order of time gives."""
    whole = table(*rows)
    shuffled = whole.take(pa.array(random.sample(range(len(rows)), len(rows)), pa.int64()))
    df = frame.to_frame(shuffled)
    ordered = messages.in_order(whole)
    assert seen(df) == seen(frame.to_frame(ordered))
    assert df["client_id"].tolist() == ordered["client_id"].to_pylist()
    assert df["topic"].tolist() == ordered["topic"].to_pylist()
    cut = random.randint(0, len(rows))
    decoded = payloads.concat([payloads.decode(shuffled.slice(cut)), payloads.decode(shuffled.slice(0, cut))])
    assert seen(frame.from_decoded(decoded)) == seen(df)
    kept = pa.array(np.array([random.random() < 0.5 for _ in rows], np.bool_))
    part = payloads.concat([decoded.slice(len(rows) - cut), decoded.slice(0, len(rows) - cut)]).filter(kept)
    assert seen(frame.from_decoded(part)) == seen(frame.to_frame(shuffled.filter(kept)))


def reading(second, client="a", topic="telemetry/watt_meter", **keys):
    """Make a reading of a Station Controller."""
    keys = {"station_controller_device_id": "SC-1", "type": "watt_meter", "module": "WM2", "dcn": "0x11"} | keys
    return second, client, topic, json.dumps({**keys, "value": second * 1.5, "unit": "W"}).encode()


def test_fields_without_what_tells_channels_apart_are_warned_of():
    """Else the means of forward and reflected power would be one column, and right for neither."""
    several = table(*(reading(second, chan=1 + second % 2) for second in range(6)))
    with pytest.warns(UserWarning, match=r"fields= leaves out chan, by which channels") as warned:
        df = frame.to_frame(several, fields=["value", "unit"], attrs={"warning": "first"})
    assert [*df.columns] == ["client_id", "topic", "value", "unit"]
    assert df.attrs["warning"] == f"first; {warned[0].message}"
    with pytest.warns(UserWarning, match="leaves out chan, module"):
        frame.to_frame(table(reading(0, chan=1), reading(1, chan=1, module="WM3"), reading(2, chan=2)), fields="value")
    frame.to_frame(several, fields=["chan", "value"])
    frame.to_frame(several, fields=[])
    frame.to_frame(table(reading(0, chan=1), reading(1, "b", chan=2), reading(2, topic="t", chan=3)), fields="value")
    events = (
        (5, "a", "event/change", b'{"type":"relay","on":true}'),
        (6, "a", "event/change", b'{"type":"x","on":true}'),
    )
    frame.to_frame(table(*events, reading(0, chan=1)), fields="on")  # the type of an event is no channel
    frame.to_frame(table(*events), fields="on")


def test_what_fields_leave_out_is_seen_at_both_ends_of_a_long_table(monkeypatch):
    """A channel that was added later is one more of the same topic, too."""
    monkeypatch.setattr(frame, "_END", 3)
    with pytest.warns(UserWarning, match="leaves out chan"):
        frame.to_frame(table(*(reading(second, chan=1 + (second > 7)) for second in range(9))), fields="value")
