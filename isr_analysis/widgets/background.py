"""Long-running work in its own thread: the kernel stays free, and newer work replaces older work."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 (its own end is registered first, so that ours comes before it)
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

# One for all widgets: what a piece of work shows at the end may start another's, and two locks could wait for each
# other. It is held while a few values are assigned, never while something is fetched or computed.
TURN = threading.RLock()


class Stopped(Exception):  # noqa: N818 (not an error: somebody asked for it)
    """The work was stopped, a newer one took its place, or the program is ending."""


class Task:
    """What a piece of work is given: it can be stopped, and shows what it found only while it is wanted."""

    def __init__(self) -> None:
        self._over = threading.Event()
        _TASKS.add(self)

    def end(self) -> None:
        """Stop the work at its next check."""
        self._over.set()

    def check(self) -> None:
        """Raise `Stopped` if nobody wants the work any more."""
        if self._over.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait, and notice at once when the work is stopped."""
        self._over.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Assign to widgets: nobody else does so meanwhile, and nothing outdated is shown."""
        with TURN:
            self.check()
            yield


_TASKS: weakref.WeakSet[Task] = weakref.WeakSet()


def _end_all() -> None:
    for task in [*_TASKS]:
        task.end()


# A program that ends waits for the threads of a download before it calls what `atexit` knows, so they would bring all
# of it first. What ends thread pools themselves comes early enough.
getattr(threading, "_register_atexit", atexit.register)(_end_all)


class Worker:
    """Does one piece of work at a time.

    Parameters
    ----------
    failed : callable
        Is given the exception that ended a piece of work, in its turn. Not called for one that was stopped.
    ended : callable, optional
        Is called when a piece of work is over, however it ended, unless a newer one is under way.
    """

    def __init__(self, failed: Callable[[Exception], None], ended: Callable[[], None] | None = None) -> None:
        self._failed = failed
        self._ended = ended
        self._task: Task | None = None
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a piece of work is under way that nobody has stopped."""
        return self._task is not None

    def start(self, work: Callable[[Task], None]) -> None:
        """Begin a piece of work, in place of the one that is under way."""
        with TURN:
            self.stop()
            task = self._task = Task()
            # A daemon: a download never keeps the kernel from ending.
            self._thread = threading.Thread(target=self._run, args=(work, task), name="isr-widget", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop what is under way; what it would have shown is not shown."""
        with TURN:
            if self._task is not None:
                self._task.end()
                self._task = None

    def join(self, timeout: float = 30.0) -> bool:
        """Wait until the latest piece of work is over; tell whether it is."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, work: Callable[[Task], None], task: Task) -> None:
        try:
            work(task)
        except Stopped:
            pass
        except Exception as exc:
            logger.debug("the work of a widget failed", exc_info=True)
            with contextlib.suppress(Stopped), task.turn():
                self._failed(exc)
        finally:
            with TURN:
                latest = self._task in (task, None)
                if self._task is task:
                    self._task = None
                if latest and self._ended is not None:
                    self._ended()
