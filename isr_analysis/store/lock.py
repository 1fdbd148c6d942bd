"""A lock between processes and threads: the system's own, on a file. It ends with its process, however that ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from isr_analysis.errors import StoreError
from isr_analysis.files import make_folder


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock, and wait for whoever holds it.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    waiting : callable
        Called twice a second of waiting; what it raises ends the wait.

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
