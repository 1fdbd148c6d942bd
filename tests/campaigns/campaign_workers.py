"""What the processes of a campaign do. Each is a process of its own, which may be killed at any moment."""

from __future__ import annotations

import resource
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import isr_analysis as isr
from isr_analysis import errors, settings
from isr_analysis.messages import Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.store.store import Store
from isr_analysis.times import Range

PRELOAD = ["campaign_workers", "isr_analysis.holdings", "isr_analysis.history", "pandas", "pyarrow.parquet"]
"""What the server of processes imports, so that a new process costs nothing."""


def connect(origin: str, token: str, home: str) -> Portal:
    """Connect as a script of its own would."""
    return Portal(settings.profile(origin=origin, home=home, environ={}), Token(token))


def sync(
    where: tuple[str, str, str], asked: list[dict[str, Any]], say: Connection, start: Barrier | None = None
) -> None:
    """Sync ranges one after the other; say "going" before the first, and at the end what became of them."""
    with connect(*where) as portal:
        if start is not None:
            start.wait()
        say.send("going")
        try:
            for one in asked:
                isr.sync(**one, portal=portal)
        except errors.IsrError as exc:
            say.send((type(exc).__name__, str(exc)))
        else:
            say.send(("done", ""))


def sync_with_little_room(where: tuple[str, str, str], asked: list[dict[str, Any]], say: Connection, room: int) -> None:
    """Sync where no file may grow beyond so many bytes: as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    sync(where, asked, say)


def refresh_until(folder: str, stop: float, selectors: list[list[Any]], truth: str, number: int) -> None:
    """Put what is held in its own place again, by other selectors, and tidy up: as if it were fetched anew."""
    import pyarrow.parquet as pq

    store, table, turn = Store(Path(folder)), pq.read_table(truth), number
    first, last = (table["time"].cast("int64")[i].as_py() for i in (0, -1))
    while time.monotonic() < stop:
        clients, topic = selectors[turn % len(selectors)]
        selector = Selector(tuple(clients) if clients else None, topic)
        for day in Range(first, last + 1).days():
            with store.fetching(day):
                store.commit(selector, day, [table], fetched_at=time.time_ns())
                store.tidy(day, now=time.time_ns())
        turn += 1


def read_until(folder: str, stop: float, truth: str, say: Connection) -> None:
    """Read all, again and again, once at least; say how often, and how often it was not exact."""
    import pyarrow.parquet as pq

    store, table = Store(Path(folder)), pq.read_table(truth)
    first, last = (table["time"].cast("int64")[i].as_py() for i in (0, -1))
    whole = Range(first, last + 1)
    rows = table.select(["time", "client_id", "topic", "payload"])
    right = wrong = 0
    while time.monotonic() < stop or not right + wrong:  # a busy machine may have started this one late
        read = store.read(Selector(), whole).select(rows.column_names)
        exact = read.equals(rows) and len(store.decoded(Selector(), whole)) == len(rows)
        right, wrong = right + exact, wrong + (not exact)
    say.send((right, wrong))


def grown(where: tuple[str, str, str], asked: dict[str, Any], say: Connection) -> None:
    """Sync, and say how many messages came and the most memory (bytes) that the process had."""
    with connect(*where) as portal:
        done = isr.sync(**asked, portal=portal)
    say.send((done.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, done.seconds))
