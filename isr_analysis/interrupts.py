"""Ctrl-C at the right moment, and work in threads that it does not harm."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What may end a program with a `KeyboardInterrupt`; Windows has no SIGHUP."""


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, and what else ends a command as it does.

    For what must be done whole or not at all, and for starting threads, as Python takes locks of its own there: an
    interrupt just then would leave one locked, a thread would wait for it forever, and the program, at its end, for the
    thread.
    """
    known = {number: signal.getsignal(number) for number in _ENDING}
    former = {number: handler for number, handler in known.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread() or not former:
        yield
        return
    came: list[int] = []
    try:
        for number in former:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def finished(pool: ThreadPoolExecutor, jobs: Sequence[Callable[[], T]]) -> Iterator[Future[T]]:
    """Do jobs in a pool's threads, and give each when it is done.

    Ctrl-C comes through at any time and harms no lock that the threads need.
    """
    done: queue.SimpleQueue[Future[T]] = queue.SimpleQueue()
    with uninterrupted():
        for job in jobs:
            pool.submit(job).add_done_callback(done.put)
    for _ in jobs:
        yield _next(done)


def in_threads(threads: int, jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Do jobs side by side, and give what they gave, in their order; if one raises, that is raised."""
    results: dict[int, T] = {}

    def put(at: int) -> None:
        results[at] = jobs[at]()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="isr-work")
    try:
        for one in finished(pool, [partial(put, at) for at in range(len(jobs))]):
            one.result()
        return [results[at] for at in range(len(jobs))]
    finally:
        with uninterrupted():
            pool.shutdown(wait=False, cancel_futures=True)


def _next(done: queue.SimpleQueue[Future[T]]) -> Future[T]:
    """Give the next job that is done. In short waits: on Windows, Ctrl-C comes through only between two."""
    while True:
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=0.5)
