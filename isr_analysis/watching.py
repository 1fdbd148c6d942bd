"""Watching: the last message of each publisher on each topic, again and again."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
from collections.abc import Generator

import pandas as pd
import pyarrow as pa

from isr_analysis import frame, messages, times
from isr_analysis.errors import (
    AddOnMissingError,
    AnswerError,
    PortalUnavailableError,
    QuestionRefusedError,
    QuotaExhaustedError,
)
from isr_analysis.live import last_messages, strangers
from isr_analysis.messages import Clients
from isr_analysis.offline import check_online
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.streaming.polled import Source, opened
from isr_analysis.streaming.stream import Stream

_WHERE = ("client_id", "topic")


def watch_live(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    every: str | dt.timedelta = "10s",
    source: Stream | str | None = None,
    duration: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    portal: Portal | None = None,
) -> Generator[pd.DataFrame, None, None]:
    """Yield the last message of each publisher on each topic, again and again.

    It begins with what `load_live` returns, and continues with the stream if a read-only subscriber is set up, else by
    polling the live answer. After an interruption of the stream, the live answer is requested once more.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        Only these publishers; by default, all.
    topic : str
        An MQTT topic filter on the subpath.
    every : str or timedelta
        The interval between frames.
    source : Stream or {"stream", "live"}, optional
        See `record`.
    duration : str or timedelta, optional
        How long to watch; by default, until you leave the loop.
    tz : str or tzinfo
        The time zone of the index.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Yields
    ------
    pandas.DataFrame
        The same format as from `load_live`, one row for each topic of each publisher heard so far.
        ``attrs["connected"]`` says whether the source is connected at the moment, ``attrs["gaps"]`` how often it was
        not, and ``attrs["fetched_at"]`` the time that the frame represents.

    Raises
    ------
    IsrError
        See `load_live` and `stream`; raised with the first frame. If a source becomes unavailable later, it is waited
        for.

    Warns
    -----
    UserWarning
        The portal has no publisher with a name in `client_id`; ``attrs["warning"]`` of each frame says so too.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     for live in isr.watch_live("isr-shack-01", every="1s", duration="1s", portal=portal):
    ...         print(live["client_id"].unique().tolist())
    ['isr-shack-01']
    """
    portal = connection.current(portal)
    zone = times.zone(tz)
    times.duration(every, name="every")  # before anything is asked
    check_online(portal)
    with contextlib.closing(opened(source, client_id, topic, duration=duration, portal=portal)) as found:
        watched = Watched(portal, found, zone)
        if watched.warning:
            warnings.warn(watched.warning, stacklevel=2)
        first = watched.frame(messages.empty())
        if len(first):
            yield first
        for table in found.tables(every):
            yield watched.frame(table)


class Watched:
    """The last message of each publisher on each topic, as a source brings them.

    Parameters
    ----------
    portal : Portal
        Whose.
    source : Stream or Polled
        Of a stream it begins with what the live answer has, which is asked again after a gap: the stream itself has
        only what comes from now on.
    zone : tzinfo
        The zone of the frames.
    """

    def __init__(self, portal: Portal, source: Source, zone: dt.tzinfo) -> None:
        self._portal = portal
        self._source = source
        self._zone = zone
        self._gaps = -1 if isinstance(source, Stream) else 0
        self.warning = strangers(portal, source.selector)
        self._last = messages.empty()

    def frame(self, table: pa.Table) -> pd.DataFrame:
        """Take what came since the last time, and give the frame that `watch_live` gives."""
        gaps = len(self._source.missed())
        seen = []
        if isinstance(self._source, Stream) and self._source.connected and gaps != self._gaps:
            seen, self._gaps = [self._seen(self._source)], gaps
        # What comes is later than what is known, whatever the clocks say that its time is of: ours, or the portal's.
        self._last = latest(pa.concat_tables([_without(self._last, table), *seen, table]))
        attrs = _attrs(self._portal, self._source, len(self._last)) | {"warning": self.warning}
        return frame.to_frame(self._last, tz=self._zone, attrs=attrs)

    def _seen(self, found: Stream) -> pa.Table:
        """Give what the live answer has, where it can be had."""
        try:
            return last_messages(self._portal, found.selector, max_age=1.0).table
        except (AddOnMissingError, PortalUnavailableError, QuotaExhaustedError):
            return messages.empty()
        except (AnswerError, QuestionRefusedError):
            if self._gaps < 0:  # later it may be a page that says it is being mended
                raise
            return messages.empty()


def latest(table: pa.Table) -> pa.Table:
    """Give the last message of each client and topic, in order."""
    table = messages.in_order(table)
    last = {place: i for i, place in enumerate(messages.rows(table, *_WHERE))}
    return table.take(pa.array(sorted(last.values()), pa.int64()))


def _without(table: pa.Table, other: pa.Table) -> pa.Table:
    """Give the messages of a client and topic of which another table has none."""
    others = set(messages.rows(other, *_WHERE))
    return table.filter(pa.array([place not in others for place in messages.rows(table, *_WHERE)], pa.bool_()))


def _attrs(portal: Portal, found: Source, rows: int) -> dict[str, object]:
    return {
        "source": found.source,
        **connection.provenance(portal, found.selector),
        "fetched_at": times.iso(portal.now()),
        "stale": not found.connected,
        "connected": found.connected,
        "gaps": len(found.missed()),
        "rows": rows,
    }
