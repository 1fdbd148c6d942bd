"""Ctrl-C, at the right moment."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done.

    For what must be done whole or not at all, and for starting threads: Python takes locks of its own there.
    Interrupted just then it would leave one locked; a thread would wait for it forever, and the program at its end for
    the thread.
    """
    former = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(former):
        yield
        return
    came: list[int] = []
    try:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
        yield
    finally:
        signal.signal(signal.SIGINT, former)
        for number in came[:1]:
            signal.raise_signal(number)
