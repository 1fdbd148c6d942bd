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
    """Give the last message of each publisher on each topic, each time anew.

    It begins with what `load_live` gives, and goes on with the stream where a read-only subscriber is set up, else with
    the live answer, asked again and again. After the stream was away the live answer is asked once more.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        Only these publishers; all if left out.
    topic : str
        An MQTT topic filter on the subpath.
    every : str or timedelta
        How often.
    source : Stream or {"stream", "live"}, optional
        As of `record`.
    duration : str or timedelta, optional
        For how long; until the loop is left if it is left out.
    tz : str or tzinfo
        The zone of the index.
    portal : Portal, optional
        The connection; by default that of `connect`.

    Yields
    ------
    pandas.DataFrame
        As of `load_live`, one row for each topic of each publisher that was heard so far. ``attrs["connected"]`` says
        whether the source is there at this moment, ``attrs["gaps"]`` how often it was not, ``attrs["fetched_at"]``
        as of when the frame is.

    Raises
    ------
    IsrError
        As of `load_live` and `stream`; raised with the first frame. A source that goes away later is waited for.

    Warns
    -----
    UserWarning
        The portal has no publisher of a name in `client_id`; ``attrs["warning"]`` of each frame says so, too.

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
            return last_messages(self._portal, found.selector, max_age=1.0)[1]
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
