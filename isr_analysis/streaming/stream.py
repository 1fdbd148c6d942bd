"""The stream: messages, and tables and frames of them, as they are published."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral
from threading import Event
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from isr_analysis import frame, messages, settings, times
from isr_analysis.errors import UsageError, WrongAccountError
from isr_analysis.messages import Clients, Selector
from isr_analysis.mgmt.made import Made
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.secret import Secret
from isr_analysis.streaming import login as logins
from isr_analysis.streaming.buffer import Buffer, Gap, Row
from isr_analysis.streaming.login import Login
from isr_analysis.streaming.subscription import Subscription

logger = logging.getLogger(__name__)

_TOPICS = 50_000
_WAIT = 0.5  # s; short, as Ctrl-C must come through on every system


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it arrives from a `Stream`.

    Parameters
    ----------
    time_ns : int
        When it arrived, ns since 1970 UTC; MQTT itself carries no time.
    client_id, topic : str
        Who published it, and the subpath.
    payload : bytes
        As published.
    """

    time_ns: int
    client_id: str
    topic: str
    payload: bytes

    @property
    def time(self) -> pd.Timestamp:
        """When it arrived, UTC."""
        return pd.Timestamp(self.time_ns, tz="UTC")

    @property
    def value(self) -> Any:
        """The decoded payload: its JSON value, else its text, else its bytes."""
        try:
            return json.loads(self.payload)
        except (ValueError, RecursionError):
            try:
                return self.payload.decode()
            except UnicodeDecodeError:
                return self.payload


class Stream:
    """A live stream of messages, made by `stream`. Iterate over it, over its `frames`, or over its `tables`.

    It is a context manager: leaving it closes the connection.
    """

    source = messages.STREAM

    def __init__(
        self,
        login: Login,
        account_id: str,
        selector: Selector,
        *,
        room: int,
        until: float | None,
        now: Callable[[], int] = clock.time_ns,
    ) -> None:
        self.login = login
        self.account_id = account_id
        self.selector = selector
        self._now = now
        self._until = until
        self._buffer = Buffer(room)
        self._count = 0
        self._topics: dict[str, tuple[str, str] | None] = {}
        self._warned = False
        self._subscription = Subscription(
            login, logins.filter_of(login, account_id),
            heard=self._heard,
            missed=lambda start, end, reason: self._buffer.note(Gap(start, end, reason, None)),
            failed=self._buffer.close,
            now=now,
        )  # fmt: skip

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return f"Stream({self.selector} at {self.login.address} as {self.login.username}, {state})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Message]:
        """Yield each message as it arrives, until the stream ends; you can leave the loop and continue later."""
        while not self._ended():
            for time, client, topic, payload, _ in self._take(_WAIT, 1):
                yield Message(time, client, topic, payload)

    def tables(self, every: str | dt.timedelta = "1s") -> Iterator[pa.Table]:
        """Yield what arrived as Arrow tables of `isr_analysis.messages.SCHEMA`, one per `every`, even if empty."""
        for _ in self.beats(every):
            yield self.new()

    def beats(self, every: str | dt.timedelta, stop: Event | None = None) -> Iterator[None]:
        """Yield once per `every` until the stream ends or `stop` is set; then call `new` for what arrived."""
        pause = times.duration(every, name="every") / times.SECOND
        at = clock.monotonic()
        while not self._ended(stop):
            at = max(at + pause, clock.monotonic())
            while (left := at - clock.monotonic()) > 0 and not self._ended(stop):
                clock.sleep(min(left, _WAIT))
            yield

    def new(self) -> pa.Table:
        """Return what arrived since the last look as a table of `isr_analysis.messages.SCHEMA`, without waiting."""
        return _table(self._take(0))

    def frames(self, every: str | dt.timedelta = "1s", *, tz: str | dt.tzinfo = "UTC") -> Iterator[pd.DataFrame]:
        """Yield what arrived as DataFrames in the format of `load_history`, one per `every` with any messages.

        Parameters
        ----------
        every : str or timedelta
            How long messages are collected.
        tz : str or tzinfo
            The time zone of the index.

        Yields
        ------
        pandas.DataFrame
            One row per message; the index ``time`` is when it arrived. ``attrs["gaps"]`` is the number of gaps so far,
            which `gaps` lists.
        """
        zone = times.zone(tz)
        for table in self.tables(every):
            if len(table):
                yield frame.to_frame(table, tz=zone, attrs=self.provenance(len(table)))

    def provenance(self, rows: int) -> dict[str, Any]:
        """Return the ``attrs`` of a frame from this stream."""
        return {
            "source": self.source,
            "broker": str(self.login.address),
            "account": self.account_id,
            "clients": list(self.selector.clients or ()),
            "topic": self.selector.topic,
            "connected": self.connected,
            "gaps": len(self.missed()),
            "rows": rows,
        }

    @property
    def connected(self) -> bool:
        """Whether the broker is connected at the moment."""
        return self._subscription.away_since is None

    @property
    def received(self) -> int:
        """How many messages of the selection have arrived, including dropped ones."""
        return self._count

    def missed(self) -> list[Gap]:
        """Return every span so far in which messages may be missing, including a current one."""
        away = self._subscription.away_since
        open_ = [Gap(away, max(away, self._now()), "connection", None)] if away is not None else []
        return [*self._buffer.gaps, *open_]

    def gaps(self) -> pd.DataFrame:
        """List the spans in which the stream may have missed messages.

        Returns
        -------
        pandas.DataFrame
            One row per gap, sorted by start, with a RangeIndex. Columns ``start``, ``end`` (UTC), ``reason``
            (``"connection"``: the broker was away; ``"paused"``: this program did not run, as when the machine sleeps;
            ``"reader"``: the reader was too slow and the oldest messages were dropped) and ``lost`` (Int64: how many
            messages were dropped, NA if unknown). Without any gap: the same columns, no rows.
        """
        return gaps_table(self.missed())

    def rest(self) -> pa.Table:
        """Return what arrived but was not read yet, after the stream has ended."""
        return _table(self._buffer.drain())

    def close(self) -> None:
        """End the stream; what has arrived can still be read."""
        self._subscription.close()
        self._buffer.close()

    def _take(self, wait: float, most: int | None = None) -> list[Row]:
        left = wait if self._until is None else max(0.0, self._until - clock.monotonic())
        return self._buffer.take(min(wait, left), most)

    def _ended(self, stop: Event | None = None) -> bool:
        if self._until is not None and clock.monotonic() >= self._until:
            self.close()
        return self._buffer.ended or (stop is not None and stop.is_set())

    def _heard(self, topic: str, payload: bytes, at: int) -> None:
        """Take a message from the network; must not raise."""
        if topic not in self._topics:
            if len(self._topics) > _TOPICS:
                self._topics.clear()
            self._topics[topic] = self._place(topic)
        place = self._topics[topic]
        if place is not None:
            self._count += 1
            self._buffer.put((at, *place, payload, self._count))

    def _place(self, topic: str) -> tuple[str, str] | None:
        """Give client and subpath of a topic that is meant."""
        account, client, subpath = messages.split_topic(topic, account_id=self.account_id)
        if account is None or client is None:
            if not topic.startswith("$") and not self._warned:  # the broker's own
                logger.warning(
                    "the broker %s sends messages on topics that name no account and client, such as %.100r: they are "
                    "passed over", self.login.address, topic,
                )  # fmt: skip
                self._warned = True
            return None
        if account.lower() != self.account_id.lower():
            self._buffer.close(
                WrongAccountError(
                    f"the broker {self.login.address} sent a message of account {account}, but this stream is of "
                    f"account {self.account_id}: it was dropped. Tell the operator"
                )
            )
            return None
        chosen = self.selector.clients is None or client in self.selector.clients
        return (client, subpath) if chosen and messages.covers(self.selector.topic, subpath) else None


def stream(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    login: Made | Login | None = None,
    host: str | None = None,
    port: int | None = None,
    username: str | None = None,
    password: str | Secret | None = None,
    duration: str | dt.timedelta | None = None,
    buffer: int = 100_000_000,
    portal: Portal | None = None,
) -> Stream:
    """Listen to messages as they are published, through a read-only subscriber.

    The connection is made immediately, and again whenever it breaks. `Stream.gaps` lists when messages may have been
    missed; the history has them. Retained messages are left out, because their age is unknown.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        Only these publishers; by default, all.
    topic : str
        An MQTT topic filter on the subpath, such as ``"telemetry/#"``.
    login : isr_analysis.mgmt.Made, optional
        The result of `isr_analysis.mgmt.create_subscriber`.
    host : str, optional
        The broker: a name, ``"host:port"``, ``"mqtts://host:port"`` or ``"wss://host/path"``; plain ``mqtt://`` only to
        this machine. Default: ``ISR_MQTT_HOST``, else what was saved with the login.
    port : int, optional
        Default: ``ISR_MQTT_PORT``, else 8883.
    username : str, optional
        The subscriber, ``sub-…``. Default: ``ISR_MQTT_USERNAME``.
    password : str or Secret, optional
        The subscriber's password, never a REST API token. Default: ``ISR_MQTT_PASSWORD``, else the file named by
        ``ISR_MQTT_PASSWORD_FILE``, else the keyring.
    duration : str or timedelta, optional
        How long until the stream ends by itself, such as ``"10min"``.
    buffer : int
        How many bytes may wait to be read. If the reader is slower than that, the oldest messages are dropped, and
        `Stream.gaps` says how many.
    portal : Portal, optional
        The connection that determines the account and the clock; not needed if the login or ``ISR_ACCOUNT_ID`` names
        the account.

    Returns
    -------
    Stream
        Iterate over it for each `Message`, or over `Stream.frames` for DataFrames.

    Raises
    ------
    SubscriberMissingError
        No broker or no login is set up.
    SubscriberRefusedError
        The broker refused the login. Also raised later, while iterating, if the login stops being valid.
    BrokerUnavailableError
        The broker could not be reached at the start.
    WrongAccountError
        The subscriber belongs to a different account than the portal's token.
    UsageError
        An argument cannot be used, such as a REST API token as the password.
    MissingExtraError
        paho-mqtt is not installed.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve(broker=True, rate=100) as sandbox:
    ...     with isr.stream(topic="telemetry/#", login=sandbox.make_subscriber(), duration="2s") as live:
    ...         topics = {message.topic for message in live}
    """
    selector = Selector.of(client_id, topic)
    seconds = None if duration is None else times.duration(duration, name="duration") / times.SECOND
    if isinstance(buffer, bool) or not isinstance(buffer, Integral) or buffer < 1:
        raise UsageError(f"buffer={buffer!r} is not a usable size; give a number of bytes, such as 100_000_000")
    portal = None if portal is None else connection.current(portal)
    profile = portal.profile if portal is not None else settings.profile()
    known = logins.find(profile, login=login, host=host, port=port, username=username, password=password)
    account = _account(known, profile, portal)
    now = clock.time_ns if portal is None else portal.now
    until = None if seconds is None else clock.monotonic() + seconds
    return Stream(known, account, selector, room=buffer, until=until, now=now)


def gaps_table(gaps: list[Gap]) -> pd.DataFrame:
    """Make the table that `Stream.gaps` gives."""
    stamps = {
        name: pd.to_datetime([getattr(gap, name) for gap in gaps], utc=True, unit="ns") for name in ("start", "end")
    }
    return pd.DataFrame(
        {
            **{name: pd.Series(values, dtype="datetime64[ns, UTC]") for name, values in stamps.items()},
            "reason": pd.Series([gap.reason for gap in gaps], dtype="str"),
            "lost": pd.Series([gap.lost for gap in gaps], dtype="Int64"),
        }
    )


def _account(login: Login, profile: settings.Profile, portal: Portal | None) -> str:
    """Find out whose messages are meant."""
    told = login.account_id
    asked = portal.named_account if portal is not None else profile.account_id
    if asked is None and told is None:
        asked = connection.current(portal).named_account
    if asked is not None and told is not None and asked.lower() != told.lower():
        raise WrongAccountError(
            f"the subscriber {login.username} listens to account {told}, but the account in use is {asked}; use that "
            "account's subscriber, or another profile (profile=, ISR_PROFILE)"
        )
    account = told or asked
    if account is None:
        raise UsageError("the portal does not say whose data the token opens; name the account: ISR_ACCOUNT_ID")
    return account


def _table(rows: list[Row]) -> pa.Table:
    if not rows:
        return messages.empty()
    time, client, topic, payload, number = zip(*rows, strict=True)
    return pa.table(
        [
            pa.array(time, pa.int64()).cast(messages.SCHEMA.field("time").type),
            pa.array(client, pa.string()),
            pa.array(topic, pa.string()),
            pa.array(payload, pa.binary()),
            pa.array(number, pa.int64()),
            pa.repeat(messages.STREAM, len(rows)),
            pa.nulls(len(rows), pa.string()),
        ],
        schema=messages.SCHEMA,
    )
