"""Bringing what is missing into the store: window by window, several at once, each committed whole."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from isr_analysis import times
from isr_analysis.errors import AnswerError, HistoryIncompleteError, IsrError, PortalUnavailableError, StoreError
from isr_analysis.interrupts import finished, uninterrupted
from isr_analysis.messages import Selector
from isr_analysis.portal import quota
from isr_analysis.portal.contract import TopicNeededError
from isr_analysis.portal.pages import pages
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report, Status, reporting
from isr_analysis.store.store import Store
from isr_analysis.times import Range

WORKERS = 4
"""How many windows are fetched at once."""


class _Stopped(Exception):  # noqa: N818 (not an error: the reason is raised by whoever asked to stop)
    """Another window failed, or the caller went away."""


@dataclass(slots=True)
class _Tally:
    """What the workers of one download have done so far."""

    portal: Portal
    windows: int
    report: Report | None
    done: int = 0
    rows: int = 0
    before: int = 0
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def add(self, *, rows: int = 0, windows: int = 0) -> None:
        if self.stop.is_set():
            raise _Stopped
        with self.lock:
            self.rows += rows
            self.done += windows
            if self.report is None:
                return
            took = time.monotonic() - self.began
            self.report(
                Status(
                    self.windows, self.done, self.rows, self.portal.requests - self.before, self.portal.quota.left,
                    took / self.done * (self.windows - self.done) if self.done else None,
                )
            )  # fmt: skip


def questions(portal: Portal, missing: list[tuple[Selector, Range]]) -> list[tuple[Selector, Range]]:
    """Give the questions that bring what is missing: as narrow as the portal can be asked, each once."""
    history = portal.contract.history
    return list(dict.fromkeys((history.askable(selector), window) for selector, window in missing))


def _narrower(
    portal: Portal, missing: list[tuple[Selector, Range]], asked: list[tuple[Selector, Range]], exc: TopicNeededError
) -> list[tuple[Selector, Range]]:
    if (found := questions(portal, missing)) == asked:
        raise exc
    return found


def fetch(
    portal: Portal,
    store: Store,
    selector: Selector,
    span: Range,
    *,
    settle: int,
    max_age: int,
    refresh: bool = False,
    decode: bool = False,
    wait_for_quota: bool = False,
    progress: bool | Report | None = None,
) -> int:
    """Bring what is missing of a selector and a span into the store.

    Parameters
    ----------
    portal, store
        From where, and where to.
    selector, span
        What is wanted.
    settle, max_age : int
        As for `Store.held`, ns.
    refresh : bool
        Ask for what is held, too.
    decode : bool
        As for `Store.commit`.
    wait_for_quota : bool
        Wait where the quota is used up, in place of the error.
    progress : bool or callable, optional
        See `progress.reporting`.

    Returns
    -------
    int
        How many messages came.

    Raises
    ------
    IsrError
        The first that befell a window. The windows that were done by then are stored, and a note of the error says
        how many.
    """
    since = portal.now() if refresh else None
    missing = store.held(selector, span, now=portal.now(), settle=settle, max_age=max_age, since=since).missing
    if not missing:
        return 0
    asked = questions(portal, missing)
    with reporting(progress, len(asked)) as report:
        tally = _Tally(portal, len(asked), report, before=portal.requests)

        def pause(seconds: float) -> None:
            tally.add()
            while seconds > 0:  # up to an hour: whoever stops the download is not to wait for that
                portal.wire.sleep(min(seconds, 1.0))
                seconds -= 1.0
                tally.add()

        def waiting() -> None:
            tally.add()
            state = portal.quota
            if not wait_for_quota and state.left <= 0 and not state.is_brief(portal.now()):
                # Whoever fetches this day may be waiting for more requests, which this caller does not want to.
                raise quota.used_up(state, portal.now())

        def bring(selector: Selector, window: Range) -> None:
            # Another process, or thread, may be fetching the same day: it is waited for, and what it brought is not
            # asked for again.
            with store.fetching(window, waiting):
                held = store.held(selector, window, now=portal.now(), settle=settle, max_age=max_age, since=since)
                for one, part in ((one, _whole_seconds(part, portal.now())) for one, part in held.missing):
                    at = portal.now() if since is None else max(portal.now(), since + 1)
                    try:
                        store.commit(one, part, brought(one, part), fetched_at=at, settle=settle, decode=decode)
                    except (PortalUnavailableError, HistoryIncompleteError, AnswerError) as exc:
                        with contextlib.suppress(StoreError):
                            store.fail(one, part, at=at, words=str(exc))
                        raise
                if held.missing:
                    with contextlib.suppress(StoreError):  # it can be done another time
                        store.tidy(times.day_of(window.start), now=portal.now(), settle=settle)
            tally.add(windows=1)

        def brought(selector: Selector, window: Range) -> Iterator[pa.Table]:
            tally.add()
            for page in pages(portal, selector, window, wait=pause if wait_for_quota else False):
                tally.add(rows=len(page))
                yield page

        began = time.monotonic()
        try:
            _run(tally, [functools.partial(bring, *one) for one in asked])
        except TopicNeededError as exc:  # it was learned meanwhile how narrow the portal must be asked
            tally = _Tally(portal, len(asked), report, before=tally.before)
            _run(tally, [functools.partial(bring, *one) for one in _narrower(portal, missing, asked, exc)])
        with contextlib.suppress(StoreError):
            store.note_speed(max(portal.requests - tally.before, 1), time.monotonic() - began)
        return tally.rows


def _run(tally: _Tally, jobs: list[Callable[[], None]]) -> None:
    """Run the jobs, several at once; the first failure ends the rest."""
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="isr-fetch")
    try:
        for one in finished(pool, jobs):
            failed = one.exception()
            if failed is not None:
                tally.stop.set()
                pool.shutdown(cancel_futures=True)
                if isinstance(failed, IsrError) and tally.done:
                    failed.add_note(f"{tally.done} of {tally.windows} windows are stored; the next call goes on there")
                raise failed
    finally:
        # Also where the caller was interrupted: the workers end with the page that they are at.
        with uninterrupted():
            tally.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _whole_seconds(span: Range, now: int) -> Range:
    """Widen a range to whole seconds: a portal may show no finer times than it has, and cuts by those it has."""
    end = -(-span.end // times.SECOND) * times.SECOND
    return Range(span.start // times.SECOND * times.SECOND, end if end <= now else span.end)
