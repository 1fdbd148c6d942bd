"""Exports and other engines: the same messages, wherever they are read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import recorders
from held_days import DAYS, NAMES, held

import isr_analysis as isr
from isr_analysis import errors, exported, files, frame, times
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import Range


@pytest.mark.parametrize("name", ["out.csv", "OUT.CSV.GZ", "out.parquet", "out.arrow"])
def test_a_file_holds_the_frame(portal, tmp_path, name):
    """Time, client, topic and fields as columns, in the zone that was asked for; nothing is left beside it."""
    done = isr.export_history(tmp_path / "a" / name, topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    df = isr.load_history(topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    path = tmp_path / "a" / name
    assert done.rows == len(df) > 0
    assert str(done) == f"{done.rows:,} messages in 1 part: {path}"
    assert [path.name for path in (tmp_path / "a").iterdir()] == [name]
    if "csv" in name.lower():
        read = pd.read_csv(path, low_memory=False, compression="gzip" if name.endswith("GZ") else None)
        assert pd.Timestamp(read["time"].iloc[0]) == df.index[0]
        assert read["time"].iloc[0].endswith("+01:00")
    else:
        table = pq.read_table(path) if name.endswith("parquet") else pa.ipc.open_file(path).read_all()
        read = table.to_pandas()
        assert table.schema.field("time").type == pa.timestamp("ns", "Europe/Zurich")
        assert read["time"].tolist() == df.index.tolist()
    assert read.columns.tolist() == ["time", *df.columns]
    assert read["value"].sum() == pytest.approx(pd.to_numeric(df["value"], errors="coerce").sum())


def test_a_delta_table_is_no_file(portal, tmp_path):
    """A name of a file with delta=True is refused, before anything is asked or made."""
    with pytest.raises(errors.UsageError, match=r"a\.csv.* names a file, and a Delta table is a folder"):
        isr.export_history(tmp_path / "a.csv", **DAYS, delta=True, portal=portal)
    assert not [*tmp_path.glob("a*")]


@pytest.mark.parametrize("name", ["a.xlsx", "a.json", "a.json.gz", "a.parquetx"])
def test_an_unknown_extension_is_refused(sandbox, portal, tmp_path, name):
    """The known ones are named, nothing is made and nothing asked; a folder that is there may be called anything."""
    before = sandbox.requests()
    with pytest.raises(errors.UsageError, match=r"\.csv, \.csv\.gz, \.parquet, \.arrow, \.feather.* folder"):
        isr.export_history(tmp_path / name, **DAYS, portal=portal)
    assert [path.name for path in tmp_path.iterdir() if path.name == name] == []
    assert sandbox.requests() == before
    (tmp_path / name).mkdir()
    assert isr.export_history(tmp_path / name, **DAYS, portal=portal).written == 3


def test_a_folder_grows_by_what_is_new(portal, tmp_path):
    """Each day is a file of messages as published; a second run writes what has changed, and nothing else."""
    folder = tmp_path / "not" / "there" / "yet"
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


def test_a_day_whose_file_went_is_written_again(portal, tmp_path):
    """What is there counts, and not only what was noted."""
    isr.export_history(tmp_path / "out", **DAYS, portal=portal)
    (tmp_path / "out" / "date=2026-11-15" / "messages.parquet").unlink()
    again = isr.export_history(tmp_path / "out", **DAYS, portal=portal)
    assert (again.written, again.kept) == (1, 2)
    assert ds.dataset(tmp_path / "out", partitioning="hive").count_rows() == len(held(portal))


def test_of_two_exports_at_once_neither_notes_what_the_other_wrote(portal, tmp_path, monkeypatch):
    """The one that knew less writes a day last, the other its notes: the next export finds the day outdated."""
    folder, put = tmp_path / "out", exported.Folder.put
    isr.sync(**DAYS, portal=portal)
    less = held(portal).slice(100)

    def put_before_the_other(self, date, table):
        written = put(self, date, table)
        if date == "2026-11-16":
            put(self, date, less)  # what the other one had read before
        return written

    monkeypatch.setattr(exported.Folder, "put", put_before_the_other)
    isr.export_history(folder, **DAYS, portal=portal)
    monkeypatch.setattr(exported.Folder, "put", put)
    assert isr.export_history(folder, **DAYS, portal=portal).written == 1
    assert ds.dataset(folder, partitioning="hive").count_rows() == len(held(portal))


def test_a_folder_of_another_selection_is_refused(sandbox, portal, tmp_path):
    """What is in it is named, it is left as it is, and nothing is asked of the portal."""
    isr.export_history(tmp_path / "out", topic="telemetry/#", **DAYS, portal=portal)
    before = sandbox.requests()
    with pytest.raises(errors.UsageError, match=r"holds an export of all clients · telemetry/#"):
        isr.export_history(tmp_path / "out", start="2026-11-02", end="2026-11-03", portal=portal)
    assert sandbox.requests() == before


def test_what_a_killed_export_left_goes_with_the_next_one(portal, tmp_path):
    """Hidden files would add up; those of an export that runs beside this one stay."""
    day = tmp_path / "all" / "date=2026-11-14"
    day.mkdir(parents=True)
    old, new = [], []
    for file in (day / "messages.parquet", tmp_path / "all" / exported.NOTES, tmp_path / "day.csv"):
        for which in (old, new):
            which.append(file.with_name(files.aside_of(file.name)))
            which[-1].write_bytes(b"half")
        os.utime(old[-1], (0, 0))
    other = tmp_path / ".day.csv.backup.tmp"
    other.write_bytes(b"mine")
    os.utime(other, (0, 0))
    for target in (tmp_path / "all", tmp_path / "day.csv"):
        isr.export_history(target, start="2026-11-14", end="2026-11-15", portal=portal)
    assert set(tmp_path.rglob(".*.tmp")) == {*new, other}
    assert not any(path.exists() for path in old)


def test_a_folder_whose_export_was_killed_is_that_of_its_selection(portal, tmp_path, monkeypatch):
    """It is noted before the first day is written, so that days of two selections never lie side by side."""
    folder, put, noted = tmp_path / "out", exported.Folder.put, []

    def looked_at(self, date, table):
        noted.append(exported.notes(str(folder))["selector"])
        return put(self, date, table)

    monkeypatch.setattr(exported.Folder, "put", looked_at)
    isr.export_history(folder, topic="telemetry/#", **DAYS, portal=portal)
    assert noted == ["all clients · telemetry/#"] * 3


@pytest.mark.parametrize("notes", [b"[1]", b"{}", b'{"days": 1}', b"\xff", b"{"])
def test_notes_that_cannot_be_read_are_named(portal, tmp_path, notes):
    """A file of notes that is damaged is an error in words."""
    isr.export_history(tmp_path / "out", **DAYS, portal=portal)
    (tmp_path / "out/_isr_export.json").write_bytes(notes)
    with pytest.raises(errors.StoreError, match=r"_isr_export\.json, cannot be read"):
        isr.export_history(tmp_path / "out", **DAYS, portal=portal)


@pytest.mark.parametrize("name", ["~/out.parquet", "~/out", "~/table"])
def test_the_home_folder_has_its_short_name(portal, tmp_path, monkeypatch, name):
    """For a file, a folder and a Delta table alike."""
    if name.endswith("table"):
        pytest.importorskip("deltalake")
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv("HOME", str(mine))
    monkeypatch.setenv("USERPROFILE", str(mine))
    monkeypatch.chdir(mine)
    isr.export_history(name, **DAYS, delta=name.endswith("table"), portal=portal)
    assert [one.name for one in mine.iterdir()] == [name[2:]]


def test_a_folder_that_cannot_be_written_is_named(portal, tmp_path):
    """A file in the way is an error in words."""
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(errors.StoreError, match="cannot be written"):
        isr.export_history(tmp_path / "out", **DAYS, portal=portal)


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "x" * 300, "in_the_way/out.csv", "in_the_way/out"])
def test_a_name_that_cannot_be_is_an_error_in_words(portal, tmp_path, name):
    """One that is too long, or below a file."""
    (tmp_path / "in_the_way").write_text("")
    with pytest.raises(errors.StoreError, match=r"out|xxx"):
        isr.export_history(tmp_path / name, **DAYS, portal=portal)


@pytest.mark.skipif(os.name != "posix", reason="names are UTF-16 here")
def test_a_file_may_have_a_name_that_is_no_utf8(portal, tmp_path):
    """A folder may not, as Arrow cannot write there: that is told before anything is asked."""
    for kind in ("csv", "parquet", "arrow"):
        isr.export_history(tmp_path / os.fsdecode(b"\xff.%s" % kind.encode()), **DAYS, portal=portal)
    assert len([*tmp_path.glob("*.*")]) == 3
    with pytest.raises(errors.UsageError, match="is not UTF-8"):
        isr.export_history(tmp_path / os.fsdecode(b"\xff"), **DAYS, portal=portal)


def test_offline_export_asks_for_nothing(sandbox, portal, tmp_path):
    """What is on disk goes out; the portal is not asked."""
    isr.sync(**DAYS, portal=portal)
    before = sandbox.requests()
    with pytest.warns(UserWarning, match=r"not on disk: \[2026-11-10T00:00:00Z, 2026-11-14T00:00:00Z\)$"):
        done = isr.export_history(tmp_path / "out", start="2026-11-10", end="2026-11-17", offline=True, portal=portal)
    assert done.written == 3
    assert "not on disk: [2026-11-10T00:00:00Z" in str(done)
    assert not isr.export_history(tmp_path / "out", **DAYS, offline=True, portal=portal).lacking
    assert sandbox.requests() == before


def test_an_offline_export_says_where_what_is_on_disk_ends(portal, tmp_path):
    """Without an end of its own it ends there, which is said, and is nothing to be warned of."""
    isr.sync(start="2026-11-13", end="2026-11-17", portal=portal)
    for to in ("out", "out.csv"):
        done = isr.export_history(tmp_path / to, start="2026-11-13", offline=True, portal=portal)
        assert "not on disk: [2026-11-17T00:00:00Z, " in str(done), to


def test_a_dot_in_a_name_means_no_file_where_none_can_be_meant(portal, tmp_path):
    """A folder by its URL, and a Delta table, may be called anything."""
    assert isr.export_history(f"file://{tmp_path}/v1.2", **DAYS, portal=portal).written == 3
    pytest.importorskip("deltalake")
    assert isr.export_history(tmp_path / "out.delta", **DAYS, delta=True, portal=portal).written == 3


def test_what_was_never_fetched_is_no_day_without_messages(portal, tmp_path):
    """Exported offline: what was exported of it before stays as it is, and nothing is noted of what never was."""
    isr.export_history(tmp_path / "out", **DAYS, portal=portal)
    many = len(held(portal))
    isr.sync(start="2026-10-28", end="2026-10-29", portal=portal)  # kept since October 31: fetched, and empty
    Store(portal.folder).clear(Range(times.instant("2026-11-14"), times.instant("2026-11-17")), now=portal.now())
    with pytest.warns(UserWarning, match=r"not on disk: \[2026-10-29T"):
        done = isr.export_history(tmp_path / "out", start="2026-10-28", end="2026-11-17", offline=True, portal=portal)
    assert (done.written, done.kept) == (0, 0)
    assert ds.dataset(tmp_path / "out", partitioning="hive").count_rows() == many
    noted = exported.notes(str(tmp_path / "out"))["days"]
    assert sorted(noted) == ["2026-10-28", "2026-11-14", "2026-11-15", "2026-11-16"]


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


def test_a_delta_table_that_someone_else_changed_is_mended(portal, tmp_path):
    """A day that was deleted from it is written again, and so is all of a table that was deleted but for its notes."""
    deltalake = pytest.importorskip("deltalake")
    folder = tmp_path / "delta"
    isr.export_history(folder, **DAYS, delta=True, portal=portal)
    deltalake.DeltaTable(folder).delete("date = '2026-11-15'")
    for written in (1, 0):
        assert isr.export_history(folder, **DAYS, delta=True, portal=portal).written == written
        assert deltalake.DeltaTable(folder).to_pyarrow_dataset().count_rows() == len(held(portal))
    shutil.rmtree(folder / "_delta_log")
    assert isr.export_history(folder, **DAYS, delta=True, portal=portal).written == 3


def test_a_store_of_objects_that_cannot_be_reached_is_told(portal, monkeypatch):
    """Arrow raises what the network said; here it is said in its place, as a network that is there would be asked."""

    def away(_):
        raise OSError("Could not resolve host: club.s3.amazonaws.com")

    monkeypatch.setattr(exported.fs, "FileSystem", SimpleNamespace(from_uri=away))
    with pytest.raises(errors.StoreError, match=r"s3://club/x cannot be reached .*resolve host"):
        isr.export_history("s3://club/x", **DAYS, portal=portal)


@pytest.fixture
def bucket(monkeypatch):
    """Run an S3 server, and give the URL of a bucket and what Delta needs to know of it."""
    boto3 = pytest.importorskip("boto3")
    ThreadedMotoServer = pytest.importorskip("moto.server").ThreadedMotoServer  # noqa: N806 (it is a class)

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    settings = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}  # fmt: skip
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, settings[name])
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="telemetry")
    yield f"s3://telemetry/out?endpoint_override={endpoint.partition('//')[2]}&scheme=http", settings
    server.stop()


@pytest.mark.filterwarnings("ignore")
def test_an_object_store_takes_folders_and_delta_tables(portal, bucket):
    """Partitioned Parquet and a Delta table on an S3 server; again, only what is new."""
    pytest.importorskip("deltalake")
    url, settings = bucket
    assert isr.export_history(url, **DAYS, portal=portal).written == 3
    assert isr.export_history(url.replace("/out", "/out/"), **DAYS, portal=portal).kept == 3
    files, path = pa.fs.FileSystem.from_uri(url)
    read = ds.dataset(path, filesystem=files, partitioning="hive").to_table()
    assert len(read) == len(held(portal))
    delta = url.replace("/out", "/delta")
    done = isr.export_history(delta, **DAYS, delta=True, storage_options=settings, portal=portal)
    assert done.written == 3
    import deltalake

    table = deltalake.DeltaTable("s3://telemetry/delta", storage_options=settings)
    assert table.to_pyarrow_dataset().count_rows() == len(held(portal))


def test_mixed_fields_are_json_text():
    """What no column type holds is written as JSON; only NaN and infinity, for which it has no word, are null."""
    texts = (b'{"v": [1, "x"]}', b'{"v": 1.5}', b'{"v": null}', b'{"v": NaN}', b'{"v": [-1e999]}', b"\xff\x00")
    made = frame.as_arrow(frame.to_frame(recorders.table([(i, "a", "t", text) for i, text in enumerate(texts)])))
    assert made["v"].to_pylist() == ['[1, "x"]', "1.5", None, None, "[null]", None]


def test_pandas_reads_the_dtypes_of_the_frame_again(portal, tmp_path):
    """Also of fields that most rows lack: whole numbers stay whole. Whose account it was is not told."""
    df = isr.load_history(topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
    for kind, read in (("parquet", pd.read_parquet), ("arrow", pd.read_feather)):
        isr.export_history(tmp_path / f"out.{kind}", topic="telemetry/#", **DAYS, tz="Europe/Zurich", portal=portal)
        found = read(tmp_path / f"out.{kind}")
        mixed = [name for name in df if df[name].dtype == "object"]
        assert found.set_index("time").drop(columns=mixed).dtypes.equals(df.drop(columns=mixed).dtypes)
        assert found["rx_bytes"].tolist() == df["rx_bytes"].tolist()
        assert portal.account_id.encode() not in (tmp_path / f"out.{kind}").read_bytes()


def test_lists_and_objects_in_a_csv_file_are_json(portal, tmp_path):
    """Any program reads them, and bytes as text; what is plain stays as it is."""
    df = isr.load_history(**DAYS, portal=portal)
    isr.export_history(tmp_path / "out.csv", **DAYS, portal=portal)
    read = pd.read_csv(tmp_path / "out.csv", low_memory=False, dtype={"value": "str", "payload": "str"})
    spectra = [(text, value) for text, value in zip(read["value"], df["value"], strict=True) if isinstance(value, list)]
    assert spectra
    assert all(json.loads(text) == value for text, value in spectra)
    odd = pd.DataFrame({"v": pd.Series([[{"on": True, "at": None}], b"\xffok", True, None, 2**64], dtype="object")})
    assert frame.as_text(odd)["v"].tolist() == ['[{"on": true, "at": null}]', "\\xffok", True, None, 2**64]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
@pytest.mark.parametrize("other", [1, "y"])
def test_half_a_character_does_not_keep_a_csv_from_being_written(tmp_path, name, other):
    """JSON can say half of a pair of characters, which no text file can hold: it is written as JSON writes it."""
    from isr_analysis import export

    df = pd.DataFrame(
        {"v": pd.Series(["x\ud800y", other], dtype="object").array},
        index=pd.date_range("2026-11-01", periods=2, tz="UTC", name="time"), dtype="object",
    )  # fmt: skip
    export.write_file(df, tmp_path / name, "csv")
    assert pd.read_csv(tmp_path / name)["v"].tolist() == ["x\\ud800y", str(other)]


@pytest.mark.parametrize("text", ["str", "object", "category"])
def test_a_carriage_return_in_a_text_ends_no_row_of_a_csv_file(tmp_path, text):
    """Devices on serial lines end their words in one; each message stays one row, and other files end lines as ever."""
    from isr_analysis import export

    index = pd.date_range("2026-11-01", periods=3, freq="1min", tz="UTC", name="time")
    said = ["T=21.5\r", "one\rtwo", "three"]
    for value, name in ((said, "a.csv"), ([b"\xff\r", "x", 5], "b.csv"), (["plain", "words", "here"], "c.csv")):
        kind = "object" if name == "b.csv" else text
        export.write_file(pd.DataFrame({"v": pd.Series(value, index, dtype=kind)}), tmp_path / name, "csv")
    assert pd.read_csv(tmp_path / "a.csv")["v"].tolist() == said
    assert pd.read_csv(tmp_path / "b.csv")["v"].tolist() == ["\\xff\r", "x", "5"]
    assert b"\r" not in (tmp_path / "c.csv").read_bytes()


def test_a_field_of_any_name_may_hold_a_list_in_a_csv_file(tmp_path):
    """Also one that is called as Python calls an object's own."""
    from isr_analysis import export

    df = pd.DataFrame({"self": [["a", 1]]}, index=pd.date_range("2026-11-01", periods=1, tz="UTC", name="time"))
    export.write_file(df, tmp_path / "out.csv", "csv")
    assert json.loads(pd.read_csv(tmp_path / "out.csv")["self"][0]) == ["a", 1]


def test_an_export_that_is_interrupted_leaves_its_notes_and_no_other_files(portal, tmp_path, monkeypatch):
    """Ctrl-C while the notes or a file are written: the folder can be exported to again, and nothing lies beside it."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    folder = tmp_path / "out"
    isr.export_history(folder, **DAYS, portal=portal)
    with monkeypatch.context() as patch:
        patch.setattr("isr_analysis.exported.json.dumps", interrupted)
        with pytest.raises(KeyboardInterrupt):
            isr.export_history(folder, **DAYS, portal=portal)
    assert isr.export_history(folder, **DAYS, portal=portal).kept == 3
    with monkeypatch.context() as patch:
        patch.setattr("isr_analysis.export.pq.write_table", lambda _, path, **__: Path(path).touch() or interrupted())
        with pytest.raises(KeyboardInterrupt):
            isr.export_history(tmp_path / "cut", **DAYS, portal=portal)
    assert [one.name for one in (tmp_path / "cut").rglob("*") if one.is_file()] == ["_isr_export.json"]
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda _, path, **__: path.touch() or interrupted())
    with pytest.raises(KeyboardInterrupt):
        isr.export_history(tmp_path / "out.csv", **DAYS, portal=portal)
    assert [one.name for one in tmp_path.glob("*out*")] == ["out"]
