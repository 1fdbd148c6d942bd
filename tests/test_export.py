"""Exports and other engines: the same messages, wherever they are read."""

from __future__ import annotations

import json
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from dask import dataframe as dd

import isr_analysis as isr
from isr_analysis import errors, frame, times
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import Range

NOON = times.instant("2026-11-20T12:00:00Z")
DAYS = {"start": "2026-11-14", "end": "2026-11-17"}
NAMES = ["time", "client_id", "topic", "payload"]


@pytest.fixture(scope="module")
def sandbox():
    """Serve a small fleet whose clock stands still."""
    with isr.sandbox.serve(days=20, rate=0.05, now=lambda: NOON) as served:
        yield served


@pytest.fixture
def portal(sandbox):
    """Connect."""
    with sandbox.connect() as line:
        yield line


def held(portal, topic="#"):
    """Give the messages of the days as the store has them."""
    span = Range(times.instant(DAYS["start"]), times.instant(DAYS["end"]))
    return Store(portal.folder).read(Selector.of(None, topic), span)


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet", "out.arrow"])
def test_a_file_holds_the_frame(portal, tmp_path, name):
    """Time, client, topic and fields as columns, in the zone that was asked for; nothing is left beside it."""
    done = isr.export_history(tmp_path / "a" / name, topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    df = isr.load_history(topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    assert done.rows == len(df) > 0
    assert [path.name for path in (tmp_path / "a").iterdir()] == [name]
    path = tmp_path / "a" / name
    if "csv" in name:
        read = pd.read_csv(path, low_memory=False)
        assert pd.Timestamp(read["time"].iloc[0]) == df.index[0]
        assert read["time"].iloc[0].endswith("+01:00")
    else:
        table = pq.read_table(path) if name.endswith("parquet") else pa.ipc.open_file(path).read_all()
        read = table.to_pandas()
        assert table.schema.field("time").type == pa.timestamp("ns", "Europe/Zurich")
        assert read["time"].tolist() == df.index.tolist()
    assert read.columns.tolist() == ["time", *df.columns]
    assert read["value"].sum() == pytest.approx(pd.to_numeric(df["value"], errors="coerce").sum())


def test_a_folder_grows_by_what_is_new(portal, tmp_path):
    """Each day is a file of messages as published; a second run writes what has changed, and nothing else."""
    folder = tmp_path / "out"
    first = isr.export_history(folder, **DAYS, portal=portal)
    assert (first.written, first.kept) == (3, 0)
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    assert sorted(path.parent.name for path in files) == [f"date=2026-11-{day}" for day in (14, 15, 16)]
    again = isr.export_history(folder, start="2026-11-14", end="2026-11-18", portal=portal)
    assert (again.written, again.kept) == (1, 3)
    assert all(path.stat().st_mtime_ns == at for path, at in files.items())
    read = ds.dataset(folder, partitioning="hive").to_table()
    span = Range(times.instant("2026-11-14"), times.instant("2026-11-18"))
    assert read.select(NAMES).sort_by("time").num_rows == len(Store(portal.folder).read(Selector(), span))
    assert pl.scan_parquet(folder / "**/*.parquet").select(pl.len()).collect().item() == read.num_rows


def test_a_folder_of_another_selection_is_refused(portal, tmp_path):
    """What is in it is named, and it is left as it is."""
    isr.export_history(tmp_path / "out", topic="telemetry/#", **DAYS, portal=portal)
    with pytest.raises(errors.UsageError, match=r"holds an export of all clients · telemetry/#"):
        isr.export_history(tmp_path / "out", **DAYS, portal=portal)


def test_a_folder_that_cannot_be_written_is_named(portal, tmp_path):
    """A file in the way is an error in words."""
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(errors.StoreError, match="cannot be written"):
        isr.export_history(tmp_path / "out", **DAYS, portal=portal)


def test_offline_export_asks_for_nothing(sandbox, portal, tmp_path):
    """What is on disk goes out; the portal is not asked."""
    isr.sync(**DAYS, portal=portal)
    before = sandbox.requests_total()
    done = isr.export_history(tmp_path / "out", start="2026-11-10", end="2026-11-17", offline=True, portal=portal)
    assert done.written == 3
    assert sandbox.requests_total() == before


def test_a_delta_table_has_every_message_once(portal, tmp_path):
    """However often it is exported to: each day in one commit, the others untouched."""
    deltalake = pytest.importorskip("deltalake")
    folder = tmp_path / "delta"
    for end in ("2026-11-16", "2026-11-17", "2026-11-17"):
        done = isr.export_history(folder, start="2026-11-14", end=end, delta=True, portal=portal)
    assert (done.written, done.kept) == (0, 3)
    table = deltalake.DeltaTable(folder)
    assert table.version() == 2
    read = pa.table(
        table.to_pyarrow_table() if hasattr(table, "to_pyarrow_table") else table.to_pyarrow_dataset().to_table()
    )
    truth = held(portal)
    assert len(read) == len(truth)
    order = [("date", "ascending"), ("time", "ascending"), ("client_id", "ascending"), ("topic", "ascending")]
    assert read.sort_by(order)["payload"].to_pylist() == truth["payload"].to_pylist()


@pytest.fixture
def bucket(monkeypatch):
    """Run an S3 server, and give the URL of a bucket and what Delta needs to know of it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    settings = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="telemetry")
    yield f"s3://telemetry/out?endpoint_override={endpoint.partition('//')[2]}&scheme=http", settings
    server.stop()


@pytest.mark.filterwarnings("ignore")
def test_an_object_store_takes_folders_and_delta_tables(portal, bucket):
    """Partitioned Parquet and a Delta table on an S3 server; again, only what is new."""
    url, settings = bucket
    assert isr.export_history(url, **DAYS, portal=portal).written == 3
    assert isr.export_history(url, **DAYS, portal=portal).kept == 3
    files, path = pa.fs.FileSystem.from_uri(url)
    read = ds.dataset(path, filesystem=files, partitioning="hive").to_table()
    assert len(read) == len(held(portal))
    delta = url.replace("/out", "/delta")
    done = isr.export_history(delta, **DAYS, delta=True, storage_options=settings, portal=portal)
    assert done.written == 3
    import deltalake

    table = deltalake.DeltaTable("s3://telemetry/delta", storage_options=settings)
    assert table.to_pyarrow_dataset().count_rows() == len(held(portal))


def test_arrow_duckdb_and_polars_read_the_same_messages(portal):
    """As published, straight from the store's files, filtered by client, topic and time."""
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


def test_an_engine_that_is_not_there_is_named(portal, monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(errors.MissingExtraError, match=r'pip install "isr-analysis\[polars\]"'):
        isr.open_history(engine="polars", **DAYS, portal=portal)
    with pytest.raises(errors.UsageError, match="arrow, duckdb, polars, dask"):
        isr.open_history(engine="spark", **DAYS, portal=portal)


def test_mixed_fields_are_json_text():
    """What no column type holds is written as JSON; nothing is lost."""
    from isr_analysis import export

    table = pa.Table.from_pylist(
        [{"time": i, "client_id": "a", "topic": "t", "payload": text, "seq": i, "source": "history", "extra": None}
         for i, text in enumerate([b'{"v": [1, "x"]}', b'{"v": 1.5}', b'{"v": null}', b"\xff\x00"])],
        schema=isr.messages.SCHEMA)  # fmt: skip
    made = export.as_arrow(frame.to_frame(table))
    assert made["v"].to_pylist() == ['[1, "x"]', "1.5", None, None]
