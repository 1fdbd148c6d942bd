"""Bringing what is missing into the store: window by window, several at once, each committed whole."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from isr_analysis import times
from isr_analysis.contract.contract import TopicNeededError
from isr_analysis.errors import (
    AnswerError,
    HistoryIncompleteError,
    IsrError,
    PortalUnavailableError,
    QuestionRefusedError,
    QuotaExhaustedError,
    StoreError,
    UsageError,
)
from isr_analysis.interrupts import finished, uninterrupted
from isr_analysis.messages import Selector
from isr_analysis.offline import check_online
from isr_analysis.portal import quota
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report, Status, reporting
from isr_analysis.reading import cuts
from isr_analysis.reading.pages import pages, to_the_end
from isr_analysis.reading.window import PagesEndError
from isr_analysis.store import ledger
from isr_analysis.store.holding import Held
from isr_analysis.store.store import Store
from isr_analysis.times import Range

WORKERS = 4
"""How many windows are fetched at once."""

_APART = 3
"""As many clients, at most, are asked for one by one where they are all that there are."""

_SHOWN = 200


class _Stopped(Exception):  # noqa: N818 (not an error: the reason is raised by whoever asked to stop)
    """Another window failed, or the caller went away."""


def questions(
    portal: Portal, selector: Selector, missing: list[tuple[Selector, Range]]
) -> list[tuple[Selector, Range]]:
    """Give the questions that bring what is missing of a selector: as narrow as the portal can be asked, each once.

    Clients are asked for together, as all, where only a topic could name them, or where they are all that there are
    and one question for each would be many.
    """
    history = portal.contract.history
    clients: dict[Range, set[str]] = defaultdict(set)
    for one, window in missing:
        clients[window] |= {*(one.clients or ())}
    if history.client is None and not history.client_required:
        together = {*clients} if len(set().union(*clients.values())) > 1 else set()
    else:
        many = {window for window, named in clients.items() if len(named) > _APART}
        everyone = {*portal.listed_clients(())[0]} if many and not history.client_required else set()
        is_all = bool(everyone) and everyone.issubset(selector.clients or ())
        together = {window for window in many if is_all and 2 * len(clients[window]) > len(everyone)}
    wide = [(Selector(None, one.topic) if window in together else one, window) for one, window in missing]
    return list(dict.fromkeys((history.askable(one), window) for one, window in wide))


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
    warn: Callable[[str], None] | None = None,
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
    warn : callable, optional
        Is given what the caller is to be warned of; by default that is a `UserWarning`.

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
    warn = warn or functools.partial(warnings.warn, stacklevel=3)
    with contextlib.suppress(StoreError):  # where it can only be read
        store.mind_clock(portal.now() + settle)
    since = portal.now() if refresh else None
    download = _Download(portal, store, settle, max_age, since, decode=decode, wait_for_quota=wait_for_quota)
    missing = download.held(selector, span).missing
    if portal.profile.is_offline:  # what was fetched counts, however old
        missing = store.held(selector, span, now=portal.now(), max_age=None, since=since).missing
    if missing:
        check_online(portal)
        asked = download.questions(selector, missing)
        with portal.habits.download(refresh=refresh), reporting(progress, len(asked)) as report:
            while True:
                try:
                    download.run(asked, report)
                    break
                except TopicNeededError:  # it was learned meanwhile how narrow the portal must be asked
                    if download.questions(selector, missing) == asked:
                        raise
                except (AnswerError, HistoryIncompleteError, QuestionRefusedError):
                    if not portal.reads_anew():
                        raise
                asked = download.questions(selector, missing)
                download = dataclasses.replace(download, rows=0, done=0, stop=threading.Event())
        by_list = selector.clients is None and portal.contract.history.client_required
        doubt = portal.doubt_of_clients() if by_list else ""
        remark, portal.habits.remark = portal.habits.remark, ""
        said = f"the portal says beside its messages: {remark!r}" if remark else ""
        for words in (cuts.unproven(portal, selector), doubt, said, portal.contract.choice):
            if words:
                warn(words)
    if words := not_kept(store, selector, span):
        warn(words)
    return download.rows


def not_kept(store: Store, selector: Selector, span: Range) -> str:
    """Say what of a span the portal refused as too old when it was last asked for; else ""."""
    told = [
        (one.range.end, words.removeprefix(ledger.TOO_OLD))
        for one, words in store.spans(selector, span)[1]
        if words.startswith(ledger.TOO_OLD) and one.client in (ledger.ALL, *(selector.clients or (one.client,)))
    ]
    if not told:
        return ""
    until, words = max(told)
    said = f' ("{words[:_SHOWN]}")' if words else ""
    return (
        f"the portal gives nothing from before {times.iso(until)}{said}: of that there is only what was fetched "
        "earlier. Should it give more some day, as another plan may, load once with refresh=True"
    )


@dataclass(slots=True)
class _Download:
    """One download: what it goes by, as of `fetch`, and what its workers have done so far."""

    portal: Portal
    store: Store
    settle: int
    max_age: int
    since: int | None
    decode: bool
    wait_for_quota: bool
    windows: int = 0
    done: int = 0
    rows: int = 0
    report: Report | None = None
    requests_before: int = 0
    began: float = 0.0
    waited: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def held(self, selector: Selector, span: Range) -> Held:
        """Tell what is there of a selector and a span, and what is missing."""
        return self.store.held(
            selector, span, now=self.portal.now(), settle=self.settle, max_age=self.max_age, since=self.since
        )

    def questions(self, selector: Selector, missing: list[tuple[Selector, Range]]) -> list[tuple[Selector, Range]]:
        """Give the questions; the portal's document may have to be asked for, and that takes a request, too."""
        while True:
            try:
                return questions(self.portal, selector, missing)
            except QuotaExhaustedError as exc:
                if not self.wait_for_quota:
                    raise
                self._pause(max(exc.retry_after, 1.0))

    def run(self, asked: list[tuple[Selector, Range]], report: Report | None) -> None:
        """Bring the answers to questions, and note how long their requests took."""
        self.windows, self.report = len(asked), report
        self.requests_before, self.began = self.portal.requests, time.monotonic()
        self.waited = False
        self.work([functools.partial(self._bring, *one) for one in asked])
        if self.waited:  # for the quota, or another process: that is no time that requests take
            return
        with contextlib.suppress(StoreError):
            requests = max(self.portal.requests - self.requests_before, 1)
            self.store.note_speed(requests, time.monotonic() - self.began)

    def work(self, jobs: list[Callable[[], None]]) -> None:
        """Do jobs, several at once; the first failure ends the rest."""
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="isr-fetch")
        try:
            for one in finished(pool, jobs):
                failed = one.exception()
                if failed is not None:
                    self.stop.set()
                    pool.shutdown(cancel_futures=True)
                    if isinstance(failed, IsrError) and self.done:
                        failed.add_note(
                            f"{self.done} of {self.windows} windows are stored; the next call goes on there"
                        )
                    raise failed
        finally:
            # Also where the caller was interrupted: the workers end with the page that they are at.
            with uninterrupted():
                self.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _bring(self, selector: Selector, window: Range) -> None:
        # Another process, or thread, may be fetching the same day: it is waited for, and what it brought is not asked
        # for again.
        with self.store.fetching(window, self._waiting):
            missing = self.held(selector, window).missing
            for one, part in missing:
                self._commit(one, _whole_minutes(part, self.portal.now()))
            if missing:
                with contextlib.suppress(StoreError):  # it can be done another time
                    self.store.tidy(times.day_of(window.start), now=self.portal.now(), settle=self.settle)
        self._add(windows=1)

    def _commit(self, selector: Selector, window: Range) -> None:
        """Ask for a window, and store it whole, or that it could not be had."""
        at, refused = self.portal.now(), [(0, "")]
        try:
            to_the_end(
                lambda: self.store.commit(
                    selector, window, self._pages(selector, window, refused.append), fetched_at=at,
                    ahead=lambda: self.portal.wire.ahead, settle=self.settle, decode=self.decode,
                )
            )  # fmt: skip
        except (PortalUnavailableError, HistoryIncompleteError, AnswerError) as exc:
            with contextlib.suppress(StoreError):
                self.store.fail(selector, window, at=at, words=str(exc))
            raise
        until, words = max(refused)
        if old := window.before(until):
            with contextlib.suppress(StoreError):
                self.store.fail(selector, old, at=at, words=f"{ledger.TOO_OLD}{words}")

    def _pages(
        self, selector: Selector, window: Range, refused: Callable[[tuple[int, str]], None]
    ) -> Iterator[pa.Table]:
        self._add()
        rows, wait = 0, self._pause if self.wait_for_quota else False
        try:
            for page in pages(self.portal, selector, window, wait=wait, refused=refused):
                rows += len(page)
                self._add(rows=len(page))
                _check_name(self.portal, selector, page)
                yield page
        except PagesEndError:  # they come again
            self._add(rows=-rows)
            raise

    def _pause(self, seconds: float) -> None:
        """Wait for the quota, up to an hour; whoever stops the download need not wait for that."""
        self.waited = True
        self._add()
        while seconds > 0:
            self.portal.wire.sleep(min(seconds, 1.0))
            seconds -= 1.0
            self._add()

    def _waiting(self) -> None:
        """Look up, twice a second, while another one fetches the same day."""
        self.waited = True
        self._add()
        state = self.portal.quota
        if not self.wait_for_quota and state.left <= 0 and not state.is_brief(self.portal.now()):
            # Whoever fetches this day may be waiting for more requests, which this caller does not want to.
            raise quota.used_up(state, self.portal.now())

    def _add(self, *, rows: int = 0, windows: int = 0) -> None:
        """Count what came, and report it; raise if the download was stopped."""
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
                    self.windows, self.done, self.rows, self.portal.requests - self.requests_before,
                    self.portal.quota.left, took / self.done * (self.windows - self.done) if self.done else None,
                )
            )  # fmt: skip


def _check_name(portal: Portal, selector: Selector, page: pa.Table) -> None:
    """Refuse a page of one client alone that is the one asked for by another name: all would be left out.

    So it is if their ids differ in capitals; or if the portal lists the one asked for, and the other not.
    """
    came = page["client_id"].unique().to_pylist()
    if len(came) != 1 or came[0] in (selector.clients or came):
        return
    for wanted in selector.clients or ():
        if came[0].casefold() == wanted.casefold():
            raise UsageError(f"client_id={wanted!r}: the portal answers with messages of {came[0]!r}; ask for that")
        listed = portal.listed_clients([wanted])[0]
        if wanted in listed and came[0] not in listed:
            raise UsageError(
                f"client_id={wanted!r}: the portal answers with messages of {came[0]!r}, which is not in its list of "
                f"clients, where {wanted!r} is; ask for {came[0]!r}, or for all clients. If the two are one, name the "
                "client's field in a contract file (ISR_CONTRACT)"
            )


def _whole_minutes(span: Range, now: int) -> Range:
    """Widen a range to whole minutes: a portal may cut its ends to these, or show no finer times than those it has."""
    wide = span.whole(times.MINUTE)
    return wide if wide.end <= now else Range(wide.start, span.end)
