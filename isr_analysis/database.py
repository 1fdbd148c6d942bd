"""SQLite shared between processes: short transactions with write-ahead logs, and errors in plain words."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isr_analysis.errors import StoreError
from isr_analysis.files import make_folder

BUSY_SECONDS = 30.0

_LITTLE = 1_000_000  # with less free space than so many bytes SQLite cannot work

_MOUNTS = Path("/proc/self/mounts")
_KIND = 2
_OCTAL = re.compile(r"\\([0-7]{3})")  # how blanks in a mount's name are written
_FAR = ("nfs", "cifs", "smb", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "9p", "fuse.sshfs", "fuse.rclone")


@dataclass(frozen=True, slots=True)
class Format:
    """What a database's tables are, and how older ones become that.

    Parameters
    ----------
    schema : str
        Statements with ``IF NOT EXISTS`` that make the tables as they are now.
    migrations : tuple of str
        The statements that bring a file of version 1, 2, … to the next one.
    """

    schema: str
    migrations: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The version of the tables as they are now, kept in the file as ``user_version``."""
        return 1 + len(self.migrations)


@contextlib.contextmanager
def transaction(path: Path, form: Format, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """Open a database and hold its write lock: what is done inside happens whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    form : Format
        The tables; made if they are not there yet, brought up to date if they are older.
    durable : bool
        Whether a commit must outlast a power cut. A crash of the process alone loses nothing either way.

    Raises
    ------
    StoreError
        The file cannot be opened, is locked for long, is full or damaged, or is of a newer version of the package.
    """
    make_folder(path.parent)
    with _plain_errors(path), contextlib.closing(_writer(path, form, durable=durable)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            _roll_back(db)
            raise
        db.execute("COMMIT")


@contextlib.contextmanager
def snapshot(path: Path, form: Format) -> Iterator[sqlite3.Connection | None]:
    """Open a database to read one consistent state of it; None where there is none yet.

    Raises
    ------
    StoreError
        As of `transaction`.
    """
    if not path.exists():
        yield None
        return
    with _plain_errors(path), contextlib.ExitStack() as held:
        db = held.enter_context(contextlib.closing(_reader(path, held)))
        if _version(db, path, form) not in (0, form.version):
            held.pop_all().close()
            db = held.enter_context(contextlib.closing(_writer(path, form, durable=True)))
        db.execute("BEGIN")
        yield None if _version(db, path, form) == 0 else db


def _writer(path: Path, form: Format, *, durable: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        if _version(db, path, form) != form.version:
            _switch(db, "DELETE" if _is_far(path) else "WAL")
            _bring_up_to_date(db, path, form)
    except BaseException:
        db.close()
        raise
    return db


def prepare(path: Path) -> bool:
    """Make a database for a library that opens it in its own way, and tell whether it has a write-ahead log.

    Raises
    ------
    StoreError
        As of `transaction`.
    """
    make_folder(path.parent)
    logged = not _is_far(path)
    with _plain_errors(path), contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
        _switch(db, "WAL" if logged else "DELETE")
    return logged


def _switch(db: sqlite3.Connection, journal: str) -> None:
    """Set the kind of journal. SQLite gives up at once where another process does so just then: it is asked again."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute(f"PRAGMA journal_mode={journal}")
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _bring_up_to_date(db: sqlite3.Connection, path: Path, form: Format) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db, path, form)  # looked at again, as another process may have been faster
        for statements in (form.schema,) if version == 0 else form.migrations[version - 1 :]:
            for statement in statements.split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version={form.version}")
    except BaseException:
        _roll_back(db)
        raise
    db.execute("COMMIT")


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:  # on a full disk SQLite has rolled back by itself; doing it twice would hide the cause
        db.execute("ROLLBACK")


def _version(db: sqlite3.Connection, path: Path, form: Format) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > form.version:
        raise StoreError(
            f"{path} was written by a newer version of isr_analysis (its format is {version}, this version knows "
            f"{form.version}); install the newest version, or set ISR_HOME to another folder"
        )
    return version


def _reader(path: Path, held: contextlib.ExitStack) -> sqlite3.Connection:
    # Opened for writing even to read: a reader of a write-ahead log has to register itself. On a read-only
    # mount that is impossible, and also unneeded, as nobody can write there.
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if _is_full(path.parent):  # alone, a reader needs no room in which to register itself
            db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            return db
        if os.access(path.parent, os.W_OK):
            raise
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:  # what was written last is in there, and only a writer may look
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="isr-")))
            try:
                for one in (path, log):
                    shutil.copyfile(one, folder / one.name)
            except OSError as exc:
                raise sqlite3.OperationalError(f"its log cannot be copied to {folder} ({exc})") from exc
            return sqlite3.connect(folder / path.name, isolation_level=None)
        return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, isolation_level=None)
    except BaseException:
        db.close()
        raise
    return db


def _is_far(path: Path) -> bool:
    """Tell whether a file is on a network file system, where a write-ahead log is not safe between machines."""
    if str(path).startswith("\\\\"):
        return True
    try:
        mounts = [line.split(" ") for line in _MOUNTS.read_text("utf-8", "replace").splitlines()]
    except OSError:  # no Linux
        return False
    whole = path.resolve()
    kinds = {_OCTAL.sub(lambda code: chr(int(code[1], 8)), m[1]): m[_KIND] for m in mounts if len(m) > _KIND}
    above = (place for place in kinds if whole.is_relative_to(place))  # of several at one place, the last is on top
    return kinds.get(max(above, key=len, default=""), "").startswith(_FAR)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE
    except OSError:
        return False


@contextlib.contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        said = str(exc)
        if said == "disk I/O error" and _is_full(path.parent):  # not even the log's index could be made
            said = "database or disk is full"
        remedy = {
            "database is locked": "another process has held it for a long time; look for one that hangs, and try again",
            "database or disk is full": "make room on the disk, or set ISR_HOME to a folder on another disk",
        }.get(said, "set ISR_HOME to a folder on a local disk that can be written")
        raise StoreError(f"{path} cannot be used: {said}; {remedy}") from exc
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"{path} is damaged ({exc}); move it away, and what is missing is fetched again") from exc
