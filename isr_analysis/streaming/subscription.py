"""The connection to a broker: made over TLS, made again when it breaks, with failures in plain words."""

from __future__ import annotations

import logging
import secrets
import ssl
import threading
from collections.abc import Callable
from typing import Any

from isr_analysis import times
from isr_analysis.errors import BrokerUnavailableError, IsrError, MissingExtraError, SubscriberRefusedError
from isr_analysis.streaming.login import Login

logger = logging.getLogger(__name__)

KEEPALIVE = 30
"""Seconds after which a connection on which nothing came is asked whether it is there."""

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
        Is given each message's topic and payload, in the network's thread.
    back : callable
        Is given the span (ns) in which the connection was away, when it is back.
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
        heard: Callable[[str, bytes], None],
        back: Callable[[int, int], None],
        failed: Callable[[IsrError], None],
        now: Callable[[], int],
    ) -> None:
        self._login = login
        self._filter = topic_filter
        self._heard = heard
        self._back = back
        self._failed = failed
        self._now = now
        self._last = now()
        self.away_since: int | None = None
        self._refusals = 0
        self._closing = False
        self._ready = threading.Event()
        self._problem: IsrError | None = None
        self._client = self._made()
        self._open()

    def close(self) -> None:
        """End it."""
        self._closing = True
        self._client.disconnect()
        self._client.loop_stop()

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
            self._back(away, max(away, self._now()))
        self._ready.set()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._last = self._now()
        if message.retain:  # of some earlier time, which nobody tells
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._heard(topic, message.payload)

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
