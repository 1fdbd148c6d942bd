"""The live answer, polled: a stream for those without a read-only subscriber."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from threading import Event

import pyarrow as pa

from isr_analysis import messages, times
from isr_analysis.errors import (
    AnswerError,
    PortalUnavailableError,
    QuestionRefusedError,
    QuotaExhaustedError,
    SubscriberMissingError,
    UsageError,
    WrongAccountError,
)
from isr_analysis.live import last_messages
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.streaming.buffer import Gap
from isr_analysis.streaming.stream import Stream, stream

logger = logging.getLogger(__name__)

_PULSE = 0.5
_PATIENCE = times.HOUR
"""How long is waited out what is no live answer: a page that says that the portal is being mended, or, of a proxy on
the way, that nothing is there."""


class Polled:
    """The last messages of the publishers, those that are new since the last look.

    What was published and followed by another message between two looks is not seen.
    """

    source = messages.LIVE

    def __init__(self, portal: Portal, selector: Selector, *, duration: float | None) -> None:
        self.selector = selector
        self._portal = portal
        self._until = None if duration is None else time.monotonic() + duration
        self._last: dict[tuple[str, str], set[tuple[int, bytes]]] = {}  # several channels may have one topic
        self._gaps: list[Gap] = []
        self._away_since: int | None = None
        self._answered = False

    @property
    def connected(self) -> bool:
        """Whether the portal answered when last asked."""
        return self._away_since is None

    def tables(self, every: str | dt.timedelta = "10s", stop: Event | None = None) -> Iterator[pa.Table]:
        """Give what is new as tables of `isr_analysis.messages.SCHEMA`, one each `every`, also empty ones.

        The portal is asked once, however short the duration is, or though `stop` is set, which ends it.

        Raises
        ------
        IsrError
            The token was refused, or is not allowed to ask. Or the portal cannot be reached, or the hour's requests are
            used up, or it refused the question, or its answer was not understood, at the first look; later on these
            are waited for, the last two of them for an hour.
        """
        pause = times.duration(every, name="every") / times.SECOND
        while not (self._answered and self._ended(stop)):
            began, wait = time.monotonic(), pause
            try:
                yield self._new()
            except QuotaExhaustedError as exc:
                if not self._answered:
                    raise
                self._away()
                logger.warning("%s", exc)
                wait = max(pause, exc.retry_after)
                yield messages.empty()
            except (PortalUnavailableError, AnswerError, QuestionRefusedError) as exc:
                away = self._away()
                if not self._answered or (not isinstance(exc, PortalUnavailableError) and away > _PATIENCE):
                    raise
                logger.warning("%s", exc)
                yield messages.empty()
            while (left := began + wait - time.monotonic()) > 0 and not self._ended(stop):
                time.sleep(min(left, _PULSE))

    def missed(self) -> list[Gap]:
        """Give the spans in which the portal could not be asked."""
        away = self._away_since
        return [*self._gaps, *([Gap(away, max(away, self._portal.now()), "connection", None)] if away else [])]

    def close(self) -> None:
        """Do nothing: between two looks nothing is open, as it is of a `Stream`."""

    def _new(self) -> pa.Table:
        portal = self._portal
        answers, table, slack = last_messages(portal, self.selector, max_age=0.0)
        if any(one.stale for one in answers):
            raise PortalUnavailableError(
                f"{portal.origin} cannot be reached or fails, and an older answer is not live; check the network "
                "and ISR_PORTAL_ORIGIN"
            )
        self._answered = True
        self._gaps, self._away_since = self.missed(), None
        new, came = [], defaultdict(set)
        for at, client, topic, payload in messages.rows(table, "time", "client_id", "topic", "payload"):
            former = (one for one in self._last.get((client, topic), ()) if one[1] == payload)
            same = next((one for one in former if abs(one[0] - at) <= slack), None)
            new.append(same is None)
            came[client, topic].add(same or (at, payload))
        self._last.update(came)
        return table.filter(pa.array(new, pa.bool_()))

    def _away(self) -> int:
        """Note that the portal is away, and give for how long it is, ns."""
        now = self._portal.now()
        self._away_since = self._away_since or now
        return now - self._away_since

    def _ended(self, stop: Event | None) -> bool:
        is_late = self._until is not None and time.monotonic() >= self._until
        return is_late or (stop is not None and stop.is_set())


Source = Stream | Polled
"""Where messages come from as they are published."""


def opened(
    source: Stream | str | None,
    client_id: Clients | None,
    topic: str,
    *,
    duration: str | dt.timedelta | None,
    portal: Portal,
) -> Source:
    """Give the source of `record` and `watch_live`: the stream where a subscriber is set up, else the live answer.

    Raises
    ------
    UsageError
        `source` is none; or it is a stream of other messages than those that are meant.
    WrongAccountError
        It is a stream of another account than the portal's.
    IsrError
        As of `stream`.
    """
    selector = Selector.of(client_id, topic)
    seconds = None if duration is None else times.duration(duration, name="duration") / times.SECOND
    if isinstance(source, Stream):
        if selector not in (Selector(), source.selector) or seconds is not None:
            raise UsageError("source= is a stream, which has its own topic, clients and duration; set them there")
        named = portal.named_account
        if named is not None and named.lower() != source.account_id.lower():
            raise WrongAccountError(
                f"source= is a stream of account {source.account_id}, but the account in use is {named}; open the "
                "stream with the same portal="
            )
        return source
    if source not in (None, messages.STREAM, messages.LIVE):
        raise UsageError(
            f'source={source!r} is not a source; give "stream", "live", what isr_analysis.stream() gave, or None'
        )
    if source != messages.LIVE:
        try:
            return stream(client_id, topic, duration=duration, portal=portal)
        except SubscriberMissingError as exc:
            if source is not None or isinstance(exc.__cause__, OSError):  # a file that is named, and cannot be read
                raise
            logger.info("no read-only subscriber is set up: the live answer is asked again and again")
    return Polled(portal, selector, duration=seconds)
