"""All publishers at a glance, refreshed while someone is looking."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from isr_analysis import messages, times
from isr_analysis.amounts import counted
from isr_analysis.checks import standing as stands
from isr_analysis.errors import AddOnMissingError, IsrError, in_words
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.quota import Quota
from isr_analysis.publishers import load_publishers
from isr_analysis.settings import OFFLINE
from isr_analysis.surroundings import kernel
from isr_analysis.widgets.background import Task, Worker
from isr_analysis.widgets.base import Composite, row
from isr_analysis.widgets.follow import Follower
from isr_analysis.widgets.words import call, notice, table

_PULSE = 3
_PATIENCE = 3.5 * _PULSE  # s without a word from the page before the board rests
_LONGEST = 60.0  # s between two tries while the portal fails
_LIST_AGE = 300.0  # s
_MARK = {stands.LIVE: "isr-good", stands.STALE: "isr-warn", stands.SILENT: "isr-bad"}
_COLUMNS = ("Client", "State", "Last heard", "Topic", "Says")


class LiveBoard(Composite):
    """Show all publishers and when they were last heard, refreshed every few seconds, with stale ones highlighted.

    The board listens to the stream if a read-only subscriber is set up (see `stream`), else it polls the live answer;
    its heading says which. It runs in a thread while it is displayed: it pauses when the output is cleared, the cell is
    run again, or the page is closed or hidden, and resumes when it is displayed again. Polling uses at most half of
    this hour's remaining requests, and slows down to keep to that.

    Parameters
    ----------
    every : str or timedelta
        The refresh interval.
    stale, silent : str or timedelta
        How long after its last message a publisher counts as stale or silent.
    source : {"stream", "live"}, optional
        See `watch_live`. By default, the live answer is also used while the broker is unavailable.
    tz : str or tzinfo
        The time zone for display.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Attributes
    ----------
    value : pandas.DataFrame or None
        The state of each publisher: ``client_id``, ``label``, ``state``, ``heard``, ``age``, ``topic``, ``says``.
    paused : bool
        Whether the board is paused. It can be set.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     board = isr.widgets.live_board(portal=portal)
    ...     pause = board.refresh()
    ...     list(board.value["state"].unique())[:1]
    ['silent']
    """

    value: Any = traitlets.Instance(pd.DataFrame, allow_none=True)
    paused = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        *,
        every: str | dt.timedelta = "5s",
        stale: str | dt.timedelta = "15min",
        silent: str | dt.timedelta = "1d",
        source: str | None = None,
        tz: str | dt.tzinfo = "UTC",
        portal: Portal | None = None,
    ) -> None:
        super().__init__(portal=portal, every=_PULSE)
        self._every = times.duration(every, name="every") / times.SECOND
        self._limits = {"stale": stale, "silent": silent}
        self._zone = times.zone(tz)
        stands.limits_of(stale, silent)  # refuses what is none
        self._source = source
        self._follower(source)  # refuses what is none
        self._failures = 0
        self._seen_at = -_PATIENCE
        self._asked: Portal | None = None
        self._publishers: pd.DataFrame | None = None
        self._asks_from = 0.0  # when the list of publishers is asked for again, as its add-on is missing
        self._worker = Worker(self._fail)
        self._workers = (self._worker,)
        self.pause = ipywidgets.ToggleButton(description="Pause", layout={"width": "110px"})
        self.now = ipywidgets.Button(description="Refresh now", layout={"width": "130px"})
        self.head = ipywidgets.HTML('<span class="isr-dim">Asking the portal …</span>')
        self.trouble = ipywidgets.HTML()
        self.board = ipywidgets.HTML()
        self.board.add_class("isr-tall")  # it scrolls itself, as what is in it is written anew each time
        traitlets.link((self, "paused"), (self.pause, "value"))
        self.now.on_click(lambda _: self._worker.start(self._once if self.paused else self._run))
        self.children = [self._page, row(self.pause, self.now, self.head), self.trouble, self.board]

    def refresh(self) -> float:
        """Refresh the board once, from the live answer.

        Returns
        -------
        float
            The number of seconds until the next refresh is due.
        """
        with contextlib.closing(self._follower(messages.LIVE)) as once:
            return self._round(Task(), once)

    def code(self) -> str:
        """Return Python code that loads the same data."""
        if self._source == messages.STREAM:
            return call("isr.watch_live", {"source": self._source}, raw=self._raw)
        return call("isr.load_live", {}, raw=self._raw)

    def parts(self) -> Iterator[Any]:
        """Return the state of each publisher as a table."""
        with contextlib.closing(self._follower(messages.LIVE)) as once:
            yield stands.readable(self._load(self._connected(), once)[0])

    def _heard(self, *, seen: bool, dark: bool) -> None:
        if not seen:  # another page that shows it says so within seconds
            self._seen_at = -_PATIENCE
            self._worker.stop()
            return
        self._seen_at = time.monotonic()
        super()._heard(seen=seen, dark=dark)
        if not self.paused and not self._worker.busy:
            self._worker.start(self._run)

    def _appear(self) -> None:
        if not self.paused and time.monotonic() - self._seen_at <= _PATIENCE:
            self._failures = 0
            self._worker.start(self._run)

    @traitlets.observe("paused")
    def _pause(self, _: dict[str, Any]) -> None:
        self.pause.description = "Resume" if self.paused else "Pause"
        if self.paused:
            self._worker.stop()
            self.head.value += " · <b>paused</b>"
        else:
            self._worker.start(self._run)

    def _run(self, task: Task) -> None:
        with contextlib.closing(self._follower(self._source)) as source:
            while True:
                task.wait(self._round(task, source))
                _when_free(self._rest)

    def _once(self, task: Task) -> None:
        with contextlib.closing(self._follower(messages.LIVE)) as once:
            self._round(task, once)
        with task.turn():
            self.head.value += " · <b>paused</b>"

    def _rest(self) -> None:
        """Stop if no page has said lately that it shows the board."""
        if time.monotonic() - self._seen_at > _PATIENCE:
            self._worker.stop()

    def _follower(self, source: str | None) -> Follower:
        return Follower(source, self._zone, dt.timedelta(seconds=0.8 * self._every))

    def _round(self, task: Task, source: Follower) -> float:
        try:
            portal = self._connected()
            shown, live = self._load(portal, source)
        except Exception as exc:  # noqa: BLE001 (whatever it is, the board says so and tries again)
            self._failures += 1
            again = exc.retry_after if isinstance(exc, IsrError) else None
            delay = again or min(self._every * 2 ** min(self._failures, 8), _LONGEST)
            delay = min(max(delay, self._every), 3600.0)
            with task.turn():
                old = "" if self.value is None else " The last known state is shown below."
                self.trouble.value = notice(f"{in_words(exc)}.{old} Trying again in {delay:.0f} s.", "bad")
                self.board.add_class("isr-faded")
            return delay
        self._failures = 0
        since = source.since
        delay = self._every if since is not None else pace(self._every, portal.quota, portal.now())
        with task.turn():
            self.value = shown
            self.head.value = self._heading(shown, live, portal.quota, delay, since)
            self.trouble.value = self._troubles(live, source, delay)
            (self.board.add_class if live.attrs["stale"] else self.board.remove_class)("isr-faded")
            self.board.value = table(*_written(shown))
        return delay

    def _troubles(self, live: pd.DataFrame, source: Follower, delay: float) -> str:
        if live.attrs["stale"] and source.since is not None:
            return notice(
                "The broker cannot be reached; the board retries automatically and shows the last known state. What is "
                "published meanwhile is in the history.", "bad",
            )  # fmt: skip
        if live.attrs["stale"]:
            shown = f"This is its answer from {live.attrs['fetched_at'][:19]}Z"
            if self._asked is not None and self._asked.profile.is_offline:
                return notice(f"{OFFLINE} is set, so the portal is not asked. {shown}.", "warn")
            return notice(f"The portal cannot be reached. {shown}; trying again in {delay:.0f} s.", "bad")
        if source.trouble:
            return notice(f"{source.trouble}. Until then, the live answer is used instead of the stream.", "warn")
        return ""

    def _load(self, portal: Portal, source: Follower) -> tuple[pd.DataFrame, pd.DataFrame]:
        if portal is not self._asked:  # another one by now: labels of another account are none of its own
            self._asked, self._publishers, self._asks_from = portal, None, 0.0
        live = source.frame(portal)
        offline = portal.profile.is_offline
        fails = live.attrs["stale"] and not offline  # then it is not asked twice
        if not fails and time.monotonic() >= self._asks_from:
            try:
                self._publishers = load_publishers(max_age=dt.timedelta(seconds=_LIST_AGE), portal=portal)
            except AddOnMissingError:
                self._publishers = None  # without that add-on: no labels, and nobody who was never heard
                self._asks_from = time.monotonic() + _LIST_AGE
            except IsrError:
                if source.since is None and not offline:
                    raise  # else the stream, or what is on disk, is shown with the labels that are known
        return stands.standing(live, self._publishers, now=portal.now(), **self._limits), live

    def _heading(self, shown: pd.DataFrame, live: pd.DataFrame, left: Quota, delay: float, since: int | None) -> str:
        counts = shown["state"].value_counts()
        states = " · ".join(f"<b>{counts[one]}</b> {one}" for one in stands.ORDER if one in counts)
        at = pd.Timestamp(live.attrs["fetched_at"]).tz_convert(self._zone)
        if since is None:
            slow = f", every {delay:.0f} s because few are left" if delay > 1.5 * self._every else ""
            origin = f"{counted(left.left, 'request')} left this hour{slow}"
        else:
            gaps = live.attrs["gaps"]
            heard = f"since {pd.Timestamp(since, tz='UTC').tz_convert(self._zone):%H:%M:%S}"
            missed = f", {counted(gaps, 'gap')}" if gaps else ""
            origin = f"stream, {heard if live.attrs['connected'] else 'not connected'}{missed}"
        return (
            f"<span>{states or 'No publisher was ever heard'}</span> "
            f'<span class="isr-dim">· {at:%H:%M:%S} {self._zone} · {origin}</span>'
        )

    def _fail(self, exc: Exception) -> None:
        self.trouble.value = notice(f"The board has stopped: {in_words(exc)}", "bad")


def pace(every: float, left: Quota, now: int) -> float:
    """Give the seconds until the next refresh: a board takes at most half of what is left of the quota."""
    remaining = max(left.resets_at - now, 0) / times.SECOND
    return max(every, 2 * remaining / max(left.left, 1)) if remaining else every


def _written(shown: pd.DataFrame) -> tuple[list[list[str]], tuple[str, ...], list[str]]:
    rows = [
        [f"{one['client_id']}{' · ' + one['label'] if one['label'] else ''}", one["state"],
         times.ago(None if pd.isna(one["age"]) else one["age"].value).replace(" ", "\N{NO-BREAK SPACE}"),
         one["topic"], one["says"]]
        for one in shown.to_dict("records")
    ]  # fmt: skip
    return rows, _COLUMNS, [_MARK.get(one, "isr-off") for one in shown["state"]]


def _when_free(do: Callable[[], None]) -> None:
    """Call a function when the kernel runs no cell: what the page said meanwhile has come by then, or comes at once."""
    loop = getattr(kernel(), "io_loop", None)
    if loop is None:
        do()
    else:
        loop.add_callback(do)
