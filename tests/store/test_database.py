"""Databases: versions that fit, and folders that cannot be written, locked or trusted with a write-ahead log."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sqlite3
from types import SimpleNamespace

import pytest

from isr_analysis import database
from isr_analysis.database import Format
from isr_analysis.errors import StoreError
from isr_analysis.store import ledger

OLD = Format("CREATE TABLE IF NOT EXISTS t (a INTEGER)")
NEW = Format("CREATE TABLE IF NOT EXISTS t (a INTEGER, b INTEGER NOT NULL DEFAULT 7)",
             ("ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7; UPDATE t SET b = a + 1",))  # fmt: skip


@pytest.fixture
def path(tmp_path):
    """Give the path of a database of the old format, with one row."""
    with database.transaction(tmp_path / "x.sqlite", OLD) as db:
        db.execute("INSERT INTO t VALUES (1)")
    return tmp_path / "x.sqlite"


@pytest.mark.parametrize("use", [database.snapshot, database.transaction])
def test_an_older_one_is_brought_up_to_date(path, use):
    """By whoever opens it first, to read or to write; what is in it stays."""
    with use(path, NEW) as db:
        assert db.execute("SELECT a, b FROM t").fetchall() == [(1, 2)]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


@pytest.mark.parametrize("use", [database.snapshot, database.transaction])
def test_a_newer_one_is_refused(path, use):
    """In words: which versions, and what to do."""
    with database.transaction(path, NEW):
        pass
    with (
        pytest.raises(StoreError, match=r"newer version.*its format is 2, this version knows 1.*install"),
        use(path, OLD),
    ):
        pass


def test_a_migration_that_breaks_off_changes_nothing(path):
    """It happens whole or not at all."""
    broken = Format(NEW.schema, ("ALTER TABLE t ADD COLUMN b INTEGER; UPDATE nonsense SET b = 1",))
    with pytest.raises(StoreError, match="nonsense"), database.transaction(path, broken):
        raise AssertionError
    with database.snapshot(path, OLD) as db:
        assert [name for _, name, *_ in db.execute("PRAGMA table_info(t)")] == ["a"]


def test_a_ledger_of_the_first_format_is_read(tmp_path):
    """Spans that were settled then are settled now."""
    first = Format(ledger.SCHEMA.replace(", margin INTEGER NOT NULL", ""))
    with database.transaction(tmp_path / "l.sqlite", first) as db:
        db.execute("INSERT INTO span VALUES ('*', '#', 0, 100, 150)")
    with database.snapshot(tmp_path / "l.sqlite", ledger.FORMAT) as db:
        (span,) = ledger.all_spans(db, ledger.Range(0, 1000))
    assert (span.margin, span.settled(50), span.settled(60)) == (50, span.range, ledger.Range(0, 90))


def test_an_error_inside_undoes_everything(path):
    """What was done before it is not there."""

    def fails():
        with database.transaction(path, OLD) as db:
            db.execute("DELETE FROM t")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    with database.snapshot(path, OLD) as db:
        assert db.execute("SELECT count(*) FROM t").fetchone() == (1,)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_folder_has_no_write_ahead_log(tmp_path, monkeypatch, kind):
    """There its shared memory is not shared."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    with database.transaction(tmp_path / "x.sqlite", OLD) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with database.transaction(tmp_path / "x.sqlite", OLD) as db:
        db.execute("INSERT INTO t VALUES (1)")
    assert not (tmp_path / "x.sqlite-wal").exists()


def test_a_network_file_system_is_known_by_any_name(tmp_path, monkeypatch):
    """Blanks in it are written as numbers in the list of mounts, other letters as they are; the last one is on top."""
    folder = tmp_path / "été à Genève"
    folder.mkdir()
    mounts = tmp_path / "mounts"
    written = str(folder).replace(" ", "\\040")
    lines = ("/dev/vda / ext4 rw 0 0", f"auto {written} autofs rw 0 0", f"server:/x {written} nfs4 rw 0 0")
    mounts.write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    with database.transaction(folder / "x.sqlite", OLD) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def dies_after_writing(path):
    """Write, and end without closing: what was written last is in the log alone."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("INSERT INTO t VALUES (2)")
    os._exit(0)


@pytest.mark.parametrize("clean", [True, False])
def test_a_read_only_folder_is_read(tmp_path, read_only, clean):
    """Also where the last writer was killed; writing is refused in words."""
    folder = tmp_path / "medium"
    path = folder / "x.sqlite"
    with database.transaction(path, OLD) as db:
        db.execute("INSERT INTO t VALUES (1)")
    if not clean:
        process = multiprocessing.get_context("spawn").Process(target=dies_after_writing, args=(path,))
        process.start()
        process.join()
        assert path.with_name("x.sqlite-wal").stat().st_size > 0
    read_only(folder)
    with database.snapshot(path, OLD) as db:
        assert [a for (a,) in db.execute("SELECT a FROM t ORDER BY a")] == ([1] if clean else [1, 2])
    with pytest.raises(StoreError, match="ISR_HOME"), database.transaction(path, OLD) as db:
        db.execute("INSERT INTO t VALUES (3)")


def test_a_full_disk_is_said_as_that(path):
    """SQLite takes the transaction back by itself there: that it cannot be taken back twice hides nothing."""
    with pytest.raises(StoreError, match=r"is full; make room on the disk"):
        _fill(path)


@pytest.mark.parametrize(("free", "words"), [(100_000, "is full; make room"), (10**9, "disk I/O error; set ISR_HOME")])
def test_a_disk_with_no_room_for_the_log_is_said_to_be_full(path, monkeypatch, free, words):
    """There SQLite speaks of an I/O error; with room on the disk it is one."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(StoreError, match=words), database.transaction(path, OLD):
        raise sqlite3.OperationalError("disk I/O error")


def test_what_is_there_is_read_on_a_full_disk(path, monkeypatch):
    """Where no room is left for the log's index, a reader does without: also what only the log has is read."""
    process = multiprocessing.get_context("spawn").Process(target=dies_after_writing, args=(path,))
    process.start()
    process.join()
    path.with_name("x.sqlite-shm").unlink(missing_ok=True)
    path.with_name("x.sqlite-shm").mkdir()  # it cannot be made
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with database.snapshot(path, OLD) as db:
        assert [a for (a,) in db.execute("SELECT a FROM t ORDER BY a")] == [1, 2]


def _fill(path):
    """Write more than there is room for."""
    with database.transaction(path, OLD, durable=False) as db:
        db.execute("PRAGMA max_page_count=3")
        db.execute("PRAGMA cache_size=2")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 99999) INSERT INTO t SELECT i FROM n"
        )
