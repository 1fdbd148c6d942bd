"""SQLite between processes: short transactions in write-ahead logs, errors in plain words."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from isr_analysis.errors import StoreError
from isr_analysis.settings import make_folder

BUSY_SECONDS = 30.0


@contextlib.contextmanager
def transaction(path: Path, schema: str, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """Open a database and hold its write lock: what is done inside happens whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    schema : str
        Statements with ``IF NOT EXISTS`` that make the tables.
    durable : bool
        Whether a commit must outlast a power cut. A crash of the process alone loses nothing either way.

    Raises
    ------
    StoreError
        The file cannot be opened, is locked for long, is full or damaged.
    """
    make_folder(path.parent)
    with _plain_errors(path), contextlib.closing(_open(path, schema, durable=durable)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


@contextlib.contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open a database to read one consistent state of it; None where there is none yet."""
    if not path.exists():
        yield None
        return
    with _plain_errors(path), contextlib.closing(_reader(path)) as db:
        db.execute("BEGIN")
        yield db


def _open(path: Path, schema: str, *, durable: bool) -> sqlite3.Connection:
    new = not path.exists()
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        if new or db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version=1; COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _reader(path: Path) -> sqlite3.Connection:
    # Opened for writing even to read: a reader of a write-ahead log has to register itself. On a read-only
    # mount that is impossible, and also unneeded, as nobody can write there.
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        db.close()
        return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, isolation_level=None)
    return db


@contextlib.contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        remedy = {
            "database is locked": "another process holds it for long; look for one that hangs, and try again",
            "database or disk is full": "make room on the disk, or set ISR_HOME to a folder on another",
        }.get(str(exc), "set ISR_HOME to a folder on a local disk that can be written")
        raise StoreError(f"{path} cannot be used: {exc}; {remedy}") from exc
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"{path} is damaged ({exc}); move it away, and what is missing is fetched again") from exc
