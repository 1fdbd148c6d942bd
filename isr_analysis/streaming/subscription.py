"""The connection to a broker: made over TLS, made again when it breaks, with failures in plain words."""

from __future__ import annotations

import logging
import math
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from isr_analysis import times
from isr_analysis.errors import BrokerUnavailableError, IsrError, MissingExtraError, SubscriberRefusedError
from isr_analysis.streaming.login import Login

logger = logging.getLogger(__name__)

KEEPALIVE = 30
"""Seconds after which a connection on which nothing came is asked whether it is there."""

_BEAT = 1.0
_STILL = 5.0
"""Seconds without a beat after which this program did not run: the machine slept, or had no time for it."""

_BACKLOG = 1.0
"""Seconds for which what comes after that is taken for what had to wait."""

_real_seconds = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time
"""A clock that goes on while the machine sleeps."""

_PATIENCE = 20.0
_TCP_SECONDS = 10.0
_SLOWEST = 60
_REFUSALS = 5
_REFUSED = (134, 135)  # login, right
_SUBACK_FAILED = 128


class Subscription:
    """One subscription at a broker, kept up.

    Parameters
    ----------
    login : Login
        Who listens, and where.
    topic_filter : str
        To what.
    heard : callable
        Is given each message's topic and payload, in the network's thread, and when it came (ns). Of what came while
        this program did not run that is when it last ran.
    missed : callable
        Is given each span (ns) in which messages may have been missed once it is over, and the reason: the
        ``"connection"`` was away, or this program was ``"paused"``.
    failed : callable
        Is given the error with which the subscription ends.
    now : callable
        Gives the present instant, ns.

    Attributes
    ----------
    away_since : int or None
        Since when (ns) the connection is away; None while it is there.

    Raises
    ------
    BrokerUnavailableError, SubscriberRefusedError
        The first connection failed.
    MissingExtraError
        paho-mqtt is not installed.
    """

    def __init__(
        self,
        login: Login,
        topic_filter: str,
        *,
        heard: Callable[[str, bytes, int], None],
        missed: Callable[[int, int, str], None],
        failed: Callable[[IsrError], None],
        now: Callable[[], int],
    ) -> None:
        self._login = login
        self._filter = topic_filter
        self._heard = heard
        self._missed = missed
        self._failed = failed
        self._now = now
        self._last = now()
        self.away_since: int | None = None
        self._refusals = 0
        self._closing = False
        self._beating = threading.Lock()
        self._beat = _real_seconds()
        self._waited = 0, -math.inf  # the instant (ns) as of which what had to wait counts, and until when it comes
        self._closed = threading.Event()
        self._ready = threading.Event()
        self._problem: IsrError | None = None
        self._client = self._made()
        self._open()
        threading.Thread(target=self._keep_beating, name="isr-stream-beat", daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._closing = True
        self._closed.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _keep_beating(self) -> None:
        while not self._closed.wait(_BEAT):
            self._run()

    def _run(self) -> None:
        """Note that this program runs; and if it did not for a while, that as much may have been missed."""
        with self._beating:
            real = _real_seconds()
            still, self._beat = real - self._beat, real
            if still > _STILL and self._ready.is_set():
                now = self._now()
                before = max(self._last, now - int(still * times.SECOND))
                self._waited = before, real + _BACKLOG
                if self.away_since is None:
                    logger.warning("this program did not run for %.0f s: messages may be missing", still)
                    self._missed(before, max(before, now), "paused")

    def _came_at(self) -> int:
        """Give when what comes now came: of what had to wait as this program did not run, when it last ran."""
        self._run()
        before, until = self._waited
        return before if _real_seconds() < until else self._now()

    def _made(self) -> Any:
        mqtt, version = _paho()
        where = self._login.address
        client = mqtt.Client(
            version,
            client_id=f"isr-{secrets.token_hex(8)}",
            clean_session=True,
            transport="tcp" if where.path is None else "websockets",
        )
        client.username_pw_set(self._login.username, self._login.password.reveal())
        client.connect_timeout = _TCP_SECONDS
        client.reconnect_delay_set(1, _SLOWEST)
        if where.path is not None:
            client.ws_set_options(path=where.path)
        if where.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _open(self) -> None:
        where = self._login.address
        try:
            self._client.connect(where.host, where.port, keepalive=KEEPALIVE)
        except ssl.SSLError as exc:
            raise BrokerUnavailableError(
                f"the broker {where} responds, but no encrypted connection could be made ("
                f"{getattr(exc, 'verify_message', None) or exc.reason or exc}); check the host and the port. For a "
                "company's own certificates, set SSL_CERT_FILE"
            ) from exc
        except (OSError, ValueError) as exc:  # paho's WebSockets raise ValueErrors of their own
            raise BrokerUnavailableError(
                f"the broker {where} cannot be reached ({exc}); check host= and port= (ISR_MQTT_HOST, ISR_MQTT_PORT), "
                "and whether a firewall lets the port through"
            ) from exc
        try:
            self._client.loop_start()
            came = self._ready.wait(_PATIENCE)
        except BaseException:  # Ctrl-C: nobody has this subscription yet, so nobody else could close it
            self.close()
            raise
        if not came or self._problem is not None:
            self.close()
            raise self._problem or BrokerUnavailableError(
                f"the broker {where} accepted the connection, then sent nothing for {_PATIENCE:.0f} s; does it speak "
                "MQTT 3.1.1 on this port?"
            )

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if not code.is_failure:
            self._client.subscribe(self._filter, qos=0)
            return
        is_refused = code.value in _REFUSED
        self._refusals += is_refused
        logger.warning("the broker %s refused the login: %s", self._login.address, code)
        if is_refused and (not self._ready.is_set() or self._refusals >= _REFUSALS):
            self._give_up(
                SubscriberRefusedError(
                    f"the broker {self._login.address} refused the login {self._login.username}: {code}. It is wrong, "
                    "expired or revoked; make a new one in the portal, or with `isr subscribers create`"
                )
            )
        elif not self._ready.is_set():
            self._give_up(
                BrokerUnavailableError(
                    f"the broker {self._login.address} accepted no login: {code}. Try again later, or ask its "
                    "operator: a stream uses MQTT 3.1.1, with its own client id"
                )
            )

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: Any, _properties: Any) -> None:
        if any(code.value >= _SUBACK_FAILED for code in codes):
            self._refusals += 1
            if self._ready.is_set() and self._refusals < _REFUSALS:  # one that has just started may know no rights yet
                logger.warning("the broker %s refused the subscription; trying again", self._login.address)
                self._client.socket().close()
                return
            self._give_up(
                SubscriberRefusedError(
                    f"the broker {self._login.address} does not let {self._login.username} listen to {self._filter}: "
                    "a read-only subscriber may use only the filter that the portal shows beside it; set "
                    "ISR_MQTT_TOPIC_FILTER to that"
                )
            )
            return
        self._refusals = 0
        away, self.away_since = self.away_since, None
        if away is not None:
            logger.info("the broker %s is back", self._login.address)
            self._missed(away, max(away, self._now()), "connection")
        self._ready.set()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._last = self._came_at()
        if message.retain:  # of some earlier time, which nobody tells
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._heard(topic, message.payload, self._last)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if self._closing or self.away_since is not None:
            return
        if not self._ready.is_set():
            hint = "does it want TLS (mqtts://)?" if not self._login.address.tls else "is it an MQTT broker?"
            self._give_up(
                BrokerUnavailableError(f"the broker {self._login.address} closed the connection ({code}); {hint}")
            )
            return
        # Nobody tells when the last message came through, only when it was noticed that none do.
        self._run()
        now = self._now()
        self.away_since = min(now, max(self._last, now - 2 * KEEPALIVE * times.SECOND))
        logger.warning("the connection to the broker %s broke (%s); trying again", self._login.address, code)

    def _give_up(self, problem: IsrError) -> None:
        self._problem = problem
        self._closing = True
        self._client.disconnect()
        self._failed(problem)
        self._ready.set()


def _paho() -> tuple[Any, Any]:
    try:
        from paho.mqtt import client
        from paho.mqtt.enums import CallbackAPIVersion
    except ModuleNotFoundError as exc:
        raise MissingExtraError.of("live MQTT", "paho-mqtt", "mqtt") from exc
    return client, CallbackAPIVersion.VERSION2
