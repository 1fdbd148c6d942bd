"""Paths, folders and files: folders only their owner can read, files written completely or not at all, and locks."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from isr_analysis.errors import StoreError, UsageError

ABANDONED = 3600.0
"""Seconds without a byte more after which nobody is still writing a file: its writer was killed."""


def path_of(given: str | os.PathLike[str], name: str) -> Path:
    """Give what someone gave as an argument of a name as a path, ``~`` resolved.

    Raises
    ------
    UsageError
        It is no path, or there is no such user.
    """
    if isinstance(given, str) and (not given.strip() or "\0" in given):  # "" would be the folder of the process
        raise UsageError(f"{name}={given!r} is not a path; give text or a pathlib.Path")
    try:
        return Path(given).expanduser()
    except (TypeError, RuntimeError) as exc:
        raise UsageError(f"{name}={given!r} is not a path ({exc}); give text or a pathlib.Path") from exc


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it that are missing, each for its owner's eyes alone.

    Raises
    ------
    StoreError
        It cannot be made; the message names the setting that moves it.
    """
    try:
        for one in (*(above for above in reversed(folder.parents) if not above.exists()), folder):
            one.mkdir(mode=0o700, exist_ok=True)  # with parents=True those above would be open to all
    except OSError as exc:
        raise StoreError(
            f"the folder {folder} cannot be created ({exc.strerror}); set ISR_HOME to a folder that can be written"
        ) from exc
    return folder


def is_read_only(folder: Path) -> bool:
    """Tell whether nothing can be written in a folder, or it cannot even be made; a file in its place is no answer."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK)


def stand_in(folder: Path) -> Path:
    """Make a temporary folder in place of one that cannot be written.

    Raises
    ------
    StoreError
        There is no room for temporary files either, as in a container that can be written nowhere.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="isr-"))
    except OSError as exc:
        raise StoreError(
            f"{folder} cannot be written, and neither can any folder for temporary files ({exc.strerror}); set "
            "ISR_HOME to a folder that can"
        ) from exc


def size_of(folder: Path) -> int:
    """Give the bytes of all files below a folder; one that goes meanwhile, as in a store that is in use, has none."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def aside_of(name: str) -> str:
    """Name the file in which another one is written: of two writers at once, neither cuts into the other's."""
    return f".{name}.{uuid.uuid4().hex[:8]}.tmp"


def remove_asides(path: Path) -> None:
    """Remove what writers of a file left beside it that were killed, an hour ago or more."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.tmp")
    with contextlib.suppress(OSError):
        for one in path.parent.iterdir():
            if pattern.fullmatch(one.name) and one.stat().st_mtime < time.time() - ABANDONED:
                one.unlink()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path at which to write a file; at the end it takes the place of what is at `path`, or where a link leads.

    Whom what was there is closed to, the new file is closed to. If anything fails meanwhile, Ctrl-C too, what was
    written goes, and what was there stays.
    """
    path = Path(os.path.realpath(path))
    made = path.with_name(aside_of(path.name))
    try:
        yield made
        with contextlib.suppress(FileNotFoundError):
            made.chmod(stat.S_IMODE(made.stat().st_mode & path.stat().st_mode))
        made.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink()
        raise


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock between processes and threads, and wait for whoever holds it.

    `waiting` is called twice a second of waiting; what it raises ends the wait.

    It is the system's own, on a file, and ends with its process, however that ends.

    Raises
    ------
    StoreError
        The file cannot be locked.
    """
    make_folder(path.parent)
    lock = FileLock(path, thread_local=False)
    while not _acquired(lock):
        waiting()
    try:
        yield
    finally:
        lock.release()


def _acquired(lock: BaseFileLock) -> bool:
    """Try for half a second to get it."""
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        return False
    except OSError as exc:
        raise StoreError(
            f"{lock.lock_file} cannot be locked ({exc.strerror or exc}); set ISR_HOME to a folder on a local disk that "
            "can be written"
        ) from exc
    return True
