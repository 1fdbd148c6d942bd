"""Other engines: the same messages, read by each of them."""

from __future__ import annotations

import json
import sys
from unittest.mock import Mock

import pandas as pd
import pyarrow as pa
import pytest
from held_days import DAYS, NAMES, held
from recorders import table

import isr_analysis as isr
from isr_analysis import errors, exported, messages, times
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import Range

duckdb = pytest.importorskip("duckdb")
pl = pytest.importorskip("polars")
dd = pytest.importorskip("dask.dataframe")


def test_arrow_duckdb_and_polars_read_the_same_messages(portal):
    """As published, straight from the store's files, filtered by client, topic and time."""
    isr.sync(**DAYS, portal=portal)  # more than is asked for is on disk
    asked = {"start": "2026-11-14T03:00", "end": "2026-11-15T21:00", "portal": portal}
    clients = isr.load_history(**asked)["client_id"].unique()[:4].tolist()
    truth = Store(portal.folder).read(
        Selector.of(clients, "telemetry/#"), Range(times.instant("2026-11-14T03:00"), times.instant("2026-11-15T21:00"))
    )
    wanted = sorted(zip(*(truth[name].to_pylist() for name in NAMES[1:]), strict=True))
    data, lazy, relation = (
        isr.open_history(clients, "telemetry/#", engine=one, **asked) for one in ("arrow", "polars", "duckdb")
    )
    table = data.to_table(columns=NAMES[1:])
    assert sorted(zip(*(c.to_pylist() for c in table.columns), strict=True)) == wanted
    assert isinstance(lazy, pl.LazyFrame)
    assert sorted(lazy.select(NAMES[1:]).collect().rows()) == wanted
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    assert sorted(relation.project("client_id, topic, payload").fetchall()) == wanted
    ((first,),) = relation.order("time").project("decode(payload)").limit(1).fetchall()
    assert json.loads(first) == json.loads(truth["payload"][0].as_py())


def test_a_topic_that_nothing_was_published_on_has_no_messages(portal):
    """None on disk is of it, and that is no error."""
    assert isr.open_history(topic="no/such", **DAYS, portal=portal).to_table().num_rows == 0


@pytest.mark.parametrize("engine", ["arrow", "duckdb", "polars"])
def test_decoded_the_fields_are_columns(portal, engine):
    """The same numbers as in the frame."""
    df = isr.load_history(topic="telemetry/watt_meter", **DAYS, portal=portal)
    data = isr.open_history(topic="telemetry/watt_meter", engine=engine, decoded=True, **DAYS, portal=portal)
    read = {
        "arrow": lambda: data.to_table().to_pandas(),
        "duckdb": lambda: data.project("*").df(),
        "polars": lambda: data.collect().to_pandas(),
    }[engine]()
    assert list(read.columns) == ["time", *df.columns]
    assert read["value"].sum() == pytest.approx(df["value"].sum())
    assert len(read) == len(df)


@pytest.mark.parametrize("decoded", [False, True])
def test_duckdb_computes_in_the_zone_that_was_asked_for(portal, decoded):
    """Days and instants without an offset are of `tz`, not of the machine's zone, and Python gets the instants."""
    asked = {"start": "2026-11-14", "end": "2026-11-15", "tz": "Asia/Kathmandu", "portal": portal}
    relation = isr.open_history(topic="telemetry/#", engine="duckdb", decoded=decoded, **asked)
    ((day, after, first),) = relation.aggregate(
        "date_trunc('day', min(time::timestamptz))::varchar, count(*) filter (time >= '2026-11-14 06:00'), min(time)"
    ).fetchall()
    index = isr.load_history(topic="telemetry/#", **asked).index
    assert day == "2026-11-14 00:00:00+05:45"
    assert after == (index >= pd.Timestamp("2026-11-14 06:00", tz="Asia/Kathmandu")).sum()
    assert abs(first - index[0]) < pd.Timedelta("1ms")


@pytest.mark.filterwarnings("ignore:Creating scratch directories is taking:UserWarning")  # on a busy machine
def test_dask_decodes_in_its_workers(portal, tmp_path):
    """On a cluster of several processes, from the store and from an exported folder: the numbers of the frame."""
    from distributed import Client, LocalCluster

    df = isr.load_history(topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    isr.export_history(tmp_path / "out", **DAYS, tz="Europe/Zurich", portal=portal)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        raw = isr.open_history(engine="dask", **DAYS, portal=portal)
        assert isinstance(raw, dd.DataFrame)
        assert len(raw) == len(held(portal))
        ours = isr.open_history(
            topic="telemetry/#", engine="dask", decoded=True, **DAYS, tz="Europe/Zurich", portal=portal
        )
        theirs = isr.open_exported(tmp_path / "out", "telemetry/#", **DAYS, tz="Europe/Zurich")
        for lazy in (ours, theirs):
            assert lazy.npartitions == 3 + 1  # local days reach into four of UTC
            computed = lazy.compute()
            pd.testing.assert_index_equal(computed.index, df.index)
            assert computed["client_id"].tolist() == df["client_id"].tolist()
            sums = lazy.groupby("topic")["value"].sum().compute()
            numbers = pd.to_numeric(df["value"], errors="coerce").groupby(df["topic"].astype("str")).sum()
            for topic, total in sums.items():
                assert total == pytest.approx(numbers[topic])
            assert lazy.dtypes.astype(str).to_dict() == computed.dtypes.astype(str).to_dict()


def days_of(portal, *days, decoded=True):
    """Put the payloads of some days into the store, and open them with Dask."""
    begin = times.instant("2026-09-01")
    span = Range(begin, begin + len(days) * times.DAY)
    rows = [
        {"time": begin + day * times.DAY + i, "client_id": "c", "topic": "t", "payload": payload, "seq": i,
         "source": "history", "extra": None} for day, given in enumerate(days) for i, payload in enumerate(given)
    ]  # fmt: skip
    brought = [pa.Table.from_pylist(rows, schema=messages.SCHEMA)]
    Store(portal.folder).commit(Selector(), span, brought, fetched_at=portal.now())
    asked = {"start": times.iso(span.start), "end": times.iso(span.end), "offline": True, "portal": portal}
    return isr.open_history(engine="dask", decoded=decoded, **asked)


def test_what_is_cleared_before_it_is_computed_is_no_day_without_messages(portal):
    """Workers that find nothing where something was say so; files that were named stay for an hour."""
    lazy = [isr.open_history(engine="dask", decoded=one, **DAYS, portal=portal) for one in (False, True)]
    data = isr.open_history(**DAYS, portal=portal)
    many = len(held(portal))
    assert [len(one) for one in lazy] == [many, many]
    Store(portal.folder).clear(Range(times.instant("2026-11-15"), times.instant("2026-11-16")), now=portal.now())
    for one in lazy:
        with pytest.raises(errors.HistoryIncompleteError, match="removed from the store"):
            one.compute()
    assert data.count_rows() == many
    with pytest.warns(UserWarning, match=r"this is not on disk: \[2026-11-15"):
        rest = isr.open_history(engine="dask", offline=True, **DAYS, portal=portal)
    assert 0 < len(rest.compute()) < many


def test_in_dask_messages_are_as_published_at_their_instants_in_utc(portal):
    """Whatever the machine's zone; a day without messages is empty, of the same columns."""
    df = days_of(portal, [b"1", b"\xff"], [], [b"2"], decoded=False).compute()
    assert df["payload"].tolist() == [b"1", b"\xff", b"2"]
    assert df.index.tolist() == [pd.Timestamp(at) for at in (
        "2026-09-01T00:00Z", "2026-09-01T00:00:00.000000001Z", "2026-09-03T00:00Z")]  # fmt: skip
    assert (df.index.name, str(df.index.tz)) == ("time", "UTC")


def test_in_dask_a_field_of_mixed_kinds_is_json_on_every_day(portal):
    """Also on days on which it has one kind alone: whole numbers stay whole, true is true, a text has its quotes."""
    lazy = days_of(
        portal,
        [b'{"a":20}', b'{"b":1}', b'{"a":9007199254740993}'],
        [b'{"a":"open"}', b'{"a":true}'],
        [b'{"a":"open"}', b'{"b":2.5}'],
        [b'{"a":true}', b"{}"],
        [b'{"a":0.5}', b'{"a":null}'],
        [b'{"a":{}}', b'{"a":[1,"x"]}'],
    )
    told = lazy["a"].compute().dropna().tolist()
    assert [json.loads(text) for text in told] == [20, 2**53 + 1, "open", True, "open", True, 0.5, {}, [1, "x"]]
    assert told[:2] == ["20", "9007199254740993"]
    assert lazy["b"].compute().dropna().tolist() == [1.0, 2.5]


def test_in_dask_a_day_of_nulls_makes_no_text_of_numbers(portal):
    """A null changes nothing beside the values of other days; alone it is nothing."""
    lazy = days_of(portal, [b'{"n":null,"r":null,"t":null,"none":null}'], [b'{"n":3,"r":0.5,"t":"x","none":null}'])
    assert lazy.dtypes.astype(str)[["n", "r"]].tolist() == ["Int64", "float64"]
    assert lazy[["n", "r", "t"]].compute().iloc[1].tolist() == [3, 0.5, "x"]
    assert lazy["none"].compute().isna().all()


def test_in_dask_no_field_of_a_wide_payload_is_lost(portal):
    """Where `load_history` puts the fields beyond 500 together, in Dask each has its column."""
    lazy = days_of(portal, [json.dumps({f"k{i}": i for i in range(600)}).encode()], [b'{"k599":7}'])
    df = lazy.compute()
    assert [df[f"k{i}"].iloc[0] for i in range(600)] == [*range(600)]
    assert df["k599"].tolist() == [599, 7]


def test_a_folder_that_is_no_parquet_export_is_refused(portal, tmp_path):
    """A name mistyped, some other folder, a Delta table, a range that runs backward: never an empty frame."""
    isr.export_history(tmp_path / "delta", **DAYS, delta=True, portal=portal)
    for name, words in (("typo", "is no export"), (".", "is no export"), ("delta", "is a Delta table")):
        with pytest.raises(errors.UsageError, match=words):
            isr.open_exported(tmp_path / name, **DAYS)
    with pytest.raises(errors.UsageError, match="can read and write"):
        isr.open_exported("nowhere://out", **DAYS)
    isr.export_history(tmp_path / "out", **DAYS, portal=portal)
    with pytest.raises(errors.UsageError, match="the range is empty"):
        isr.open_exported(tmp_path / "out", start=DAYS["start"], end=DAYS["start"])
    isr.export_history(tmp_path / "some", topic="telemetry/#", **DAYS, portal=portal)
    with pytest.raises(errors.UsageError, match=r"nothing of topic='state/#': it is an export of .*telemetry/#"):
        isr.open_exported(tmp_path / "some", "state/#", **DAYS)


def test_an_exported_folder_is_opened_whole_where_no_range_is_given(portal, tmp_path):
    """Nobody has to remember what was exported; one end is enough, and a hole in between is told."""
    isr.export_history(tmp_path / "out", start="2026-11-13", end="2026-11-15", portal=portal)
    one, both = (len(isr.open_exported(tmp_path / "out", **given)) for given in ({"start": "2026-11-14"}, {}))
    df = isr.load_history(start="2026-11-13", end="2026-11-15", portal=portal)
    assert (one, both) == (len(df.loc["2026-11-14"]), len(df))
    isr.export_history(tmp_path / "out", start="2026-11-10", end="2026-11-11", portal=portal)
    with pytest.raises(errors.HistoryIncompleteError, match="no export of 2026-11-11, nor of 1 more of the 5 days"):
        isr.open_exported(tmp_path / "out")


def test_a_day_that_was_never_exported_is_no_empty_one(portal, tmp_path, monkeypatch):
    """It is named, also where its export broke off; a day of which there is no message was exported all the same."""
    isr.export_history(tmp_path / "out", start="2026-10-28", end="2026-11-02", portal=portal)  # kept since October 31
    assert len(isr.open_exported(tmp_path / "out", start="2026-10-28", end="2026-10-30")) == 0
    with pytest.raises(errors.HistoryIncompleteError, match="no export of 2026-11-02, nor of 1 more of the 3 days"):
        isr.open_exported(tmp_path / "out", start="2026-11-01", end="2026-11-04")
    isr.sync(**DAYS, portal=portal)
    monkeypatch.setattr("isr_analysis.export.pq.write_table", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        isr.export_history(tmp_path / "cut", **DAYS, portal=portal)
    with pytest.raises(errors.HistoryIncompleteError, match="no export of 2026-11-14; it has none to none"):
        isr.open_exported(tmp_path / "cut", start="2026-11-14", end="2026-11-15")
    with pytest.raises(errors.HistoryIncompleteError, match="has no day yet"):
        isr.open_exported(tmp_path / "cut")


def test_an_engine_that_is_not_there_is_named(portal, monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(errors.MissingExtraError, match=r'pip install "isr-analysis\[polars\]"'):
        isr.open_history(engine="polars", **DAYS, portal=portal)
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(errors.MissingExtraError, match=r'engine="dask" needs .*pip install "isr-analysis\[dask\]"'):
        isr.open_history(engine="dask", **DAYS, portal=portal)
    monkeypatch.setitem(sys.modules, "arrow", None)  # another package: Arrow's own datasets need none
    assert isr.open_history(engine="arrow", **DAYS, portal=portal).count_rows() > 0
    with pytest.raises(errors.UsageError, match="arrow, duckdb, polars, dask"):
        isr.open_history(engine="spark", **DAYS, portal=portal)


def test_a_delta_table_cuts_what_is_finer_than_a_microsecond(tmp_path):
    """Delta knows no finer times."""
    pytest.importorskip("deltalake")
    target = exported.Delta(str(tmp_path / "a"), None)
    assert target.put("1970-01-01", table([(1999, "a", "t", b"1")])) == target.files()["1970-01-01"]
