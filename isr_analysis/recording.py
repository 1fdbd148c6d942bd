"""Recording: what is published goes into the store as it comes, until the history has it."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time as clock
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from isr_analysis import frame, messages, times
from isr_analysis.amounts import counted
from isr_analysis.errors import IsrError, StoreError
from isr_analysis.interrupts import uninterrupted
from isr_analysis.live import strangers
from isr_analysis.messages import Clients, Selector
from isr_analysis.offline import check_online
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.store.doubles import NEAR
from isr_analysis.store.recorded import Recorded
from isr_analysis.streaming.buffer import Gap
from isr_analysis.streaming.polled import Source, opened
from isr_analysis.streaming.stream import Stream, gaps_table

logger = logging.getLogger(__name__)

_TIDY_EVERY = 8
_LEAST = 0.001  # s
_ROOM = 100_000_000
"""Bytes of messages that may wait for the disk, if it is full for a while."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The state of a recording, returned by `record`.

    Parameters
    ----------
    source : {"stream", "live"}
        Where the messages come from.
    rows : int
        Messages that were stored.
    start, end : int
        When it began and up to when it has recorded, ns.
    missed : tuple of Gap
        Where messages may be missing; the history has them.
    connected : bool
        Whether the source is connected at the moment.
    standing_by : bool
        Whether another recorder of the account is running, and this one is waiting to take over.
    """

    source: str
    rows: int
    start: int
    end: int
    missed: tuple[Gap, ...] = ()
    connected: bool = True
    standing_by: bool = False

    def gaps(self) -> pd.DataFrame:
        """List where messages may be missing, as `Stream.gaps` does."""
        return gaps_table(list(self.missed))

    def __str__(self) -> str:
        if self.standing_by:
            return "standing by: another recorder of this account is at work"
        said = f"{counted(self.rows, 'message')} from the {'live answer' if self.source == 'live' else self.source}"
        gaps = f", {counted(len(self.missed), 'gap')}" if self.missed else ""
        away = "" if self.connected else ", not connected"
        return f"{said} since {times.iso(self.start)[:19]}Z{gaps}{away}"

    __repr__ = __str__


def record(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    source: Stream | str | None = None,
    every: str | dt.timedelta | None = None,
    duration: str | dt.timedelta | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[Recording], None] | None = None,
    portal: Portal | None = None,
) -> Recording:
    """Store messages as they are published, so that `load_history` reaches up to now.

    Recorded messages are provisional: they never count as fetched, and the history replaces them once it is fetched, so
    there are no duplicates. A message's time is when it arrived (from the live answer: the time the portal gives).
    Only one recorder per account runs at a time; a second one stands by, and takes over when the first one ends.
    Recording ends after `duration`, when `stop` is set, or with Ctrl-C; everything that has arrived is stored.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        Only these publishers; by default, all.
    topic : str
        An MQTT topic filter on the subpath.
    source : Stream or {"stream", "live"}, optional
        The result of `isr_analysis.stream`; ``"stream"`` to open one; or ``"live"`` to poll the live answer, which
        shows only each publisher's last message and misses what is published between two requests. By default the
        stream if a read-only subscriber is set up, else the live answer.
    every : str or timedelta, optional
        For a stream, how often messages are stored (a crash loses no more than that), by default 5 s; for the live
        answer, how often it is requested, by default 10 s.
    duration : str or timedelta, optional
        How long to record, counted from the call, also while it stands by; by default, until stopped.
    stop : threading.Event, optional
        Setting it ends the recording, for a recorder that runs in its own thread.
    progress : callable, optional
        Called with the `Recording` so far, at each `every`.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Returns
    -------
    Recording
        ``rows``, ``gaps()`` and other details.

    Raises
    ------
    SubscriberMissingError, SubscriberRefusedError, BrokerUnavailableError, WrongAccountError
        See `stream`. If the broker becomes unavailable later, the recorder waits for it.
    TokenMissingError, TokenRefusedError, AddOnMissingError, PortalUnavailableError
        The portal refused, or could not be reached at the start. If it becomes unavailable later, the recorder waits.
    StoreError
        The store cannot be written. If that happens later, as with a full disk, up to 100 MB of messages wait for it;
        it is raised if they are more, or the recording ends.

    Warns
    -----
    UserWarning
        The portal has no publisher with a name in `client_id`; anything that one publishes later is still recorded. Or
        this machine's clock differs from the portal's by more than 10 s.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     done = isr.record("isr-shack-01", duration="1s", portal=portal)
    ...     df = isr.load_history("isr-shack-01", last="1h", portal=portal)
    >>> done.source, done.rows, df.attrs["recorded"]
    ('live', 1, 0)
    """
    portal = connection.current(portal)
    check_online(portal)
    seconds = None if duration is None else times.duration(duration, name="duration") / times.SECOND
    recorder = _Recorder(portal, progress, threading.Event() if stop is None else stop, seconds)
    with contextlib.suppress(_Stopped), contextlib.ExitStack() as held:
        held.enter_context(recorder.store.recording(recorder.stand_by))
        opening = opened(source, client_id, topic, duration=recorder.left(), portal=portal)
        found = held.enter_context(contextlib.closing(opening))
        for words in (strangers(portal, found.selector), _wrong_clock(portal) if isinstance(found, Stream) else ""):
            if words:
                warnings.warn(words, stacklevel=2)
        recorder.run(found, every)
    return recorder.state()


def load_recorded(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    portal: Portal | None = None,
) -> pd.DataFrame:
    """Load what `record` stored and the history does not have: not yet, or not at all.

    It is for accounts without the add-on for history, and for messages that the portal failed to store. `load_history`
    includes recorded messages only until the history of their time has settled. Those that the history then has are
    removed; the others stay, and are only here.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, fields, portal
        Same as in `load_history`. Without `start`, `end` and `last`: all that is on disk. The portal is not asked.

    Returns
    -------
    pandas.DataFrame
        Same as from `load_history`, one row per message; ``time`` is when it came over MQTT, or the portal's time of it
        in the live answer. ``attrs["unconfirmed"]`` is how many of the messages the history lacks although it has
        settled.

    Raises
    ------
    UsageError
        An argument cannot be used.
    StoreError
        A file is missing or damaged.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     _ = isr.record("isr-shack-01", duration="1s", portal=portal)
    ...     isr.load_recorded(portal=portal)["client_id"].tolist()
    ['isr-shack-01']
    """
    if start is None and end is None and last is None:
        portal, selector, span = connection.current(portal), Selector.of(client_id, topic), times.EVER
    else:
        portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal)
    recorded = Recorded(portal.folder)
    aside = recorded.unconfirmed.read(selector, span)
    table = messages.in_order(pa.concat_tables([recorded.read(selector, span), aside]))
    attrs = {
        "source": "recorded",
        **connection.provenance(portal, selector),
        "start": "" if span is times.EVER else times.iso(span.start),
        "end": "" if span is times.EVER else times.iso(span.end),
        "rows": len(table),
        "unconfirmed": len(aside),
    }
    return frame.to_frame(table, tz=times.zone(tz), fields=fields, attrs=attrs)


def _wrong_clock(portal: Portal) -> str:
    """Say that the machine's clock is too far from the portal's for their messages to be known as the same; else ""."""
    if not portal.requests:  # every answer tells the portal's time
        with contextlib.suppress(IsrError):
            portal.wire.get(portal.routes.live)
    off = portal.wire.off
    if abs(off) <= NEAR:
        return ""
    return (
        f"this machine's clock is {times.lasting(abs(off))} {'ahead of' if off > 0 else 'behind'} the portal's, and "
        "what comes over MQTT bears its time: it will stand beside the same messages of the history until these have "
        "settled. Set the clock, and start the recorder again"
    )


class _Stopped(Exception):  # noqa: N818 (not an error: somebody asked for it)
    """It was to end before it began."""


class _Recorder:
    """One recording."""

    def __init__(
        self, portal: Portal, progress: Callable[[Recording], None] | None, stop: threading.Event, seconds: float | None
    ) -> None:
        self.store = Recorded(portal.folder)
        self._until = None if seconds is None else clock.monotonic() + seconds
        self._stands_by = False
        self._waiting = messages.empty()
        self._portal = portal
        self._progress = progress
        self._stop = stop
        self._start = portal.now()
        self._rows = 0
        self._appends = 0
        self._source: Source | None = None

    def stand_by(self) -> None:
        """Wait for another recorder."""
        if self._stop.is_set() or (self._until is not None and clock.monotonic() >= self._until):
            raise _Stopped
        if not self._stands_by:
            logger.warning("another recorder of this account is at work: this one stands by, to take its place")
            self._stands_by = True
        if self._progress is not None:
            self._progress(Recording(messages.STREAM, 0, self._start, self._portal.now(), standing_by=True))

    def left(self) -> dt.timedelta | None:
        """Give for how much longer it is to record, from now on; None is without end."""
        self._start = self._portal.now()
        self._stands_by = False
        return None if self._until is None else dt.timedelta(seconds=max(_LEAST, self._until - clock.monotonic()))

    def run(self, source: Source, every: str | dt.timedelta | None) -> None:
        """Record until the source or somebody ends it."""
        self._source = source
        try:
            if isinstance(source, Stream):
                source.rest()  # what came before this was the recorder: another one may have stored it
                for _ in source.beats("5s" if every is None else every, self._stop):
                    with uninterrupted():  # what came is taken and stored: it is not lost between the two
                        self._keep(source.new())
            else:
                first = True
                for table in source.tables("10s" if every is None else every, self._stop):
                    self._keep(self.store.unknown(table) if first else table)
                    first = first and not len(table)
        except KeyboardInterrupt:
            logger.info("stopped by hand")
        finally:
            try:
                source.close()  # it may wait for a connection that is being made: Ctrl-C comes through
            finally:
                with uninterrupted():
                    self._keep(source.rest() if isinstance(source, Stream) else messages.empty(), is_last=True)

    def state(self) -> Recording:
        """Tell how it stands."""
        source = self._source
        return Recording(
            messages.LIVE if source is None else source.source,
            self._rows, self._start, self._portal.now(),
            tuple(source.missed()) if source is not None else (),
            connected=source is None or source.connected, standing_by=self._stands_by,
        )  # fmt: skip

    def _keep(self, table: pa.Table, *, is_last: bool = False) -> None:
        with uninterrupted():  # what came is stored once, neither half nor twice
            self._waiting = pa.concat_tables([self._waiting, table])
            if len(self._waiting):
                try:
                    self._write(self._waiting)
                except StoreError as exc:
                    if is_last or not self._rows or self._waiting.nbytes > _ROOM:
                        raise
                    logger.warning("%s; %s wait for it", exc, counted(len(self._waiting), "message"))
                else:
                    self._rows += len(self._waiting)
                    self._waiting = messages.empty()
        if self._progress is not None:
            self._progress(self.state())

    def _write(self, table: pa.Table) -> None:
        self.store.append(table)
        self._appends += 1
        if self._appends % _TIDY_EVERY == 0:
            now = self._portal.now()
            with contextlib.suppress(StoreError):  # it can be done another time
                self.store.tidy(times.day_of(now), now=now, settle=0)
