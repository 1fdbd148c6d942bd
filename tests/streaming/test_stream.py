"""The stream, over real connections to a real broker: what comes, what is missed, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time

import pytest

import isr_analysis as isr
from isr_analysis import messages, settings
from isr_analysis.errors import (
    BrokerUnavailableError,
    SubscriberRefusedError,
    UsageError,
    WrongAccountError,
)
from isr_analysis.sandbox import broker
from isr_analysis.sandbox.broker import Broker
from isr_analysis.secret import Secret
from isr_analysis.streaming import login as logins
from isr_analysis.streaming.login import Address, Login

needs_mosquitto = pytest.mark.skipif(broker.program() is None, reason="mosquitto is not installed")

ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000000a"
OTHER = "ffffffff-0000-4000-8000-00000000000b"


@pytest.fixture
def station():
    """Give a broker of its own, with one subscriber."""
    made = Broker()
    made.admit({"sub-1": ("pass", ACCOUNT)})
    yield made
    made.close()


def entry(station, **more):
    """Give the subscriber's login."""
    known = {"address": logins.address(station.url), "username": "sub-1", "password": Secret("pass")}
    return Login(**{**known, "topic_filter": f"{ACCOUNT}/#", **more})


def wait_for(condition, seconds=30.0):
    """Wait until something is so; fail if it never is."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to be so"
        time.sleep(0.01)


@needs_mosquitto
def test_the_brokers_port_may_stand_beside_its_address(station, monkeypatch):
    """`port=` is the one that is connected to, also where the address or the environment names another."""
    monkeypatch.setenv("ISR_MQTT_TOPIC_FILTER", f"{ACCOUNT}/#")
    monkeypatch.setenv("ISR_MQTT_PORT", "2")
    port, mine = logins.address(station.url).port, {"username": "sub-1", "password": "pass", "duration": "1s"}
    for host in ("mqtt://127.0.0.1", "mqtt://127.0.0.1:1"):
        with isr.stream(host=host, port=port, **mine) as live:
            assert live.connected
    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1 "):
        isr.stream(host="mqtt://127.0.0.1", port=1, **mine)


@needs_mosquitto
def test_messages_come_as_they_are_published(station):
    """Each with client, subpath, payload as published, and the moment at which it came."""
    with isr.stream(login=entry(station), duration="60s") as live:
        before = time.time_ns()
        station.publish(f"{ACCOUNT}/dev-1/state/relay", b'{"on": true}')
        station.publish(f"{ACCOUNT}/dev-1/a/b/c", b"\xff\x00")
        station.publish(f"{ACCOUNT}/dev-2/note", b"plain")
        found = [message for _, message in zip(range(3), live, strict=False)]
    assert [(one.client_id, one.topic, one.value) for one in found] == [
        ("dev-1", "state/relay", {"on": True}), ("dev-1", "a/b/c", b"\xff\x00"), ("dev-2", "note", "plain"),
    ]  # fmt: skip
    assert all(before <= one.time_ns <= time.time_ns() for one in found)
    assert str(found[0].time.tz) == "UTC"
    assert live.gaps().empty


@needs_mosquitto
def test_only_what_is_meant_comes(station):
    """Publishers and topics are chosen; the broker's own topics and retained messages are left out."""
    station._client.publish(f"{ACCOUNT}/dev-1/telemetry/old", b"0", retain=True).wait_for_publish(10)
    with isr.stream(["dev-1", "dev-3"], "telemetry/#", login=entry(station)) as live:
        for path in ("dev-1/telemetry/a", "dev-2/telemetry/a", "dev-1/state/a", "dev-3/telemetry/b", "dev-3/telemetry"):
            station.publish(f"{ACCOUNT}/{path}", b"1")
        wait_for(lambda: live.received >= 3)
        live.close()
        assert [f"{one.client_id}/{one.topic}" for one in live] == [
            "dev-1/telemetry/a", "dev-3/telemetry/b", "dev-3/telemetry",
        ]  # fmt: skip


@needs_mosquitto
def test_frames_are_those_of_every_loader(station):
    """Index, columns and attrs as of the history; what came in one moment is in one frame."""
    with isr.stream(client_id="dev-1", login=entry(station)) as live:
        for i in range(5):
            station.publish(f"{ACCOUNT}/dev-1/telemetry/temp", b'{"value": %d.5, "unit": "C"}' % i)
        wait_for(lambda: live.received == 5)
        df = next(live.frames("1s", tz="Europe/Zurich"))
    assert df.index.name == "time"
    assert str(df.index.tz) == "Europe/Zurich"
    assert list(df.columns[:2]) == ["client_id", "topic"]
    assert set(df.columns[2:]) == {"value", "unit"}
    assert df["value"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert df.attrs["source"] == "stream"
    assert df.attrs["account"] == ACCOUNT
    assert df.attrs["clients"] == ["dev-1"]


@needs_mosquitto
def test_it_reconnects_and_tells_what_it_may_have_missed(station, caplog):
    """A broker that goes away and comes back is one gap; messages go on behind it."""
    with isr.stream(login=entry(station)) as live, caplog.at_level(logging.CRITICAL):
        station.publish(f"{ACCOUNT}/dev-1/a", b"1")
        wait_for(lambda: live.received == 1)
        before = time.time_ns()
        station.stop()
        wait_for(lambda: not live.connected)
        (gap,) = live.missed()
        assert gap.reason == "connection"
        assert live.provenance(0)["gaps"] == 1
        station.start()
        wait_for(lambda: live.connected)
        station.publish(f"{ACCOUNT}/dev-1/a", b"2")
        wait_for(lambda: live.received == 2)
        table = live.gaps()
    assert table["reason"].tolist() == ["connection"]
    assert table["lost"].isna().all()
    assert str(table["start"].dtype) == str(table["end"].dtype) == "datetime64[ns, UTC]"
    assert table["start"][0].value < before  # when the last message came, not when the silence was noticed
    assert before < table["end"][0].value <= time.time_ns()


@needs_mosquitto
def test_a_slow_reader_costs_bounded_memory_and_is_told_what_was_dropped(station):
    """The oldest give way, the newest are there, and the gap says how many are missing."""
    with isr.stream(login=entry(station), buffer=20_000) as live:
        for i in range(500):
            station.publish(f"{ACCOUNT}/dev-1/a", b"%d" % i)
        wait_for(lambda: live.received == 500)
        live.close()
        kept = [message.value for message in live]
        table = live.gaps()
    assert kept == list(range(500 - len(kept), 500))
    assert 0 < len(kept) < 100
    assert table["reason"].tolist() == ["reader"]
    assert table["lost"].sum() == 500 - len(kept)


@needs_mosquitto
def test_two_streams_of_one_subscriber_leave_each_other_alone(station):
    """A notebook and a recorder with the same login: neither takes the other's connection."""
    with isr.stream(login=entry(station)) as one, isr.stream(login=entry(station)) as other:
        for i in range(3):
            station.publish(f"{ACCOUNT}/dev-1/a", b"%d" % i)
        wait_for(lambda: one.received == other.received == 3)
        assert one.gaps().empty
        assert other.gaps().empty


@needs_mosquitto
def test_it_ends_by_itself(station):
    """After its duration a stream ends, whether something came or not."""
    began = time.monotonic()
    with isr.stream(login=entry(station), duration="1s") as live:
        assert list(live) == []
    assert 0.9 < time.monotonic() - began < 10


@needs_mosquitto
def test_a_wrong_login_is_refused_at_once(station):
    """Wrong password: an error that says what to do, and not the password."""
    with pytest.raises(SubscriberRefusedError, match="isr subscribers create") as caught:
        isr.stream(login=entry(station, password=Secret("wrong-pass")))
    assert "wrong-pass" not in str(caught.value)


@needs_mosquitto
def test_a_login_that_ends_ends_the_stream(station, monkeypatch, caplog):
    """A subscriber that is revoked while it listens: what came is read, then the error comes."""
    monkeypatch.setattr("isr_analysis.streaming.subscription._REFUSALS", 1)
    with isr.stream(login=entry(station)) as live, caplog.at_level(logging.CRITICAL):
        station.publish(f"{ACCOUNT}/dev-1/a", b"1")
        wait_for(lambda: live.received == 1)
        station.stop()
        station.admit({})
        station.start()
        told = iter(live)
        assert next(told).value == 1
        with pytest.raises(SubscriberRefusedError):
            next(told)


@needs_mosquitto
def test_a_login_that_is_refused_once_is_tried_again(station, caplog):
    """A broker that has just started may not know its logins yet: that ends no stream."""
    with isr.stream(login=entry(station)) as live, caplog.at_level(logging.WARNING):
        station.stop()
        station.admit({})
        station.start()
        wait_for(lambda: "refused the login" in caplog.text)
        station.admit({"sub-1": ("pass", ACCOUNT)})
        wait_for(lambda: live.connected)
        station.publish(f"{ACCOUNT}/dev-1/a", b"1")
        assert next(iter(live)).value == 1


@needs_mosquitto
def test_another_accounts_messages_are_refused(station):
    """A broker that sends another account's messages ends the stream, and nothing of them is given."""
    station.admit({"sub-1": ("pass", "+")})
    with isr.stream(login=entry(station, topic_filter="#"), portal=FakePortal()) as live:
        station.publish(f"{OTHER}/dev-1/a", b"1")
        with pytest.raises(WrongAccountError, match=OTHER):
            list(live)


class FakePortal(isr.Portal):
    """A connection of a known account, which is never asked for anything."""

    def __init__(self):
        self.profile = settings.profile()
        self.now = time.time_ns

    named_account = ACCOUNT


def test_a_subscriber_of_another_account_is_refused_before_it_connects():
    """The token's account and the subscriber's filter must be one."""
    login = Login(Address("127.0.0.1", 1, tls=False), "sub-1", Secret("x"), f"{OTHER}/#")
    with pytest.raises(WrongAccountError, match="listens to account"):
        isr.stream(login=login, portal=FakePortal())


def test_where_nobody_says_whose_messages_are_meant_it_is_asked_for():
    """A filter without an account, and a portal that names none: nothing is listened to under a wrong name."""

    class Unnamed(FakePortal):
        named_account = None

    login = Login(Address("127.0.0.1", 1, tls=False), "sub-1", Secret("x"), None)
    with pytest.raises(UsageError, match="ISR_ACCOUNT_ID"):
        isr.stream(login=login, portal=Unnamed())


def test_nobody_there_is_a_plain_error():
    """No broker at the address: which address, and what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    login = Login(Address("127.0.0.1", port, tls=False), "sub-1", Secret("x"), f"{ACCOUNT}/#")
    with pytest.raises(BrokerUnavailableError, match="ISR_MQTT_PORT") as caught:
        isr.stream(login=login)
    assert caught.value.retryable


@needs_mosquitto
# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_is_verified(tmp_path, monkeypatch):
    """A broker with a certificate of an authority that is trusted is heard; otherwise nothing is sent to it."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1", "localhost")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.cert_chain_pems[0].write_to_path(files[0])
    made.private_key_pem.write_to_path(files[1])
    station = Broker(certificate=files)
    try:
        station.admit({"sub-1": ("pass", ACCOUNT)})
        assert station.url.startswith("mqtts://")
        with pytest.raises(BrokerUnavailableError, match=r"unable to get local issuer.* SSL_CERT_FILE"):
            isr.stream(login=entry(station))
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with isr.stream(login=entry(station), duration="30s") as live:
            station.publish(f"{ACCOUNT}/dev-1/a", b"1")
            assert next(iter(live)).value == 1
        plain = Login(Address("127.0.0.1", station.port, tls=False), "sub-1", Secret("pass"), f"{ACCOUNT}/#")
        with pytest.raises(BrokerUnavailableError):
            isr.stream(login=plain)
    finally:
        station.close()


@contextlib.contextmanager
def through_websockets(port):
    """Serve a broker's port over WebSockets, and give the port of that."""
    websocket, web = pytest.importorskip("tornado.websocket"), pytest.importorskip("tornado.web")
    tcpclient, netutil, httpserver = (
        pytest.importorskip(f"tornado.{name}") for name in ("tcpclient", "netutil", "httpserver")
    )

    class Bridge(websocket.WebSocketHandler):
        def select_subprotocol(self, offered):
            return "mqtt" if "mqtt" in offered else None

        async def open(self):
            self.wire = await tcpclient.TCPClient().connect("127.0.0.1", port)
            self.task = asyncio.ensure_future(self.forward())

        async def forward(self):
            with contextlib.suppress(Exception):
                while True:
                    await self.write_message(await self.wire.read_bytes(4096, partial=True), binary=True)

        async def on_message(self, message):
            await self.wire.write(message)

        def on_close(self):
            self.wire.close()

    sockets, loop, up = netutil.bind_sockets(0, "127.0.0.1"), asyncio.new_event_loop(), threading.Event()

    def serve():
        asyncio.set_event_loop(loop)
        httpserver.HTTPServer(web.Application([("/mqtt", Bridge)])).add_sockets(sockets)
        loop.call_soon(up.set)
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    up.wait(30)
    yield sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    for one in sockets:
        one.close()


@needs_mosquitto
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the bridge, when it is torn down
def test_a_broker_behind_websockets_is_heard(station):
    """Where only web ports are open, ws:// and wss:// addresses work like the others."""
    with through_websockets(station.port) as port:
        known = entry(station, address=logins.address(f"ws://127.0.0.1:{port}/mqtt"))
        with isr.stream(login=known, duration="60s") as live:
            station.publish(f"{ACCOUNT}/dev-1/a", b"1")
            assert next(iter(live)).value == 1
        with pytest.raises(BrokerUnavailableError):
            isr.stream(login=entry(station, address=logins.address(f"ws://127.0.0.1:{port}/other")))


def test_tables_have_the_one_schema():
    """What came is a table of messages like any other."""
    from isr_analysis.streaming.stream import _table

    made = _table([(1, "c", "t", b"\xff", 1), (2, "c", "u", b"", 2)])
    assert made.schema.equals(messages.SCHEMA)
    assert made["source"].to_pylist() == ["stream", "stream"]
    assert _table([]).schema.equals(messages.SCHEMA)


def test_ctrl_c_while_it_connects_leaves_no_connection(monkeypatch):
    """Nobody has a stream yet whose `close` would end it; the thread would connect again and again for ever."""
    mqtt = pytest.importorskip("paho.mqtt.client")
    ended = []

    def interrupted(_self):
        raise KeyboardInterrupt

    monkeypatch.setattr(mqtt.Client, "connect", lambda *_, **__: None)
    monkeypatch.setattr(mqtt.Client, "loop_start", interrupted)
    monkeypatch.setattr(mqtt.Client, "disconnect", lambda _: ended.append("disconnected"))
    monkeypatch.setattr(mqtt.Client, "loop_stop", lambda _: ended.append("stopped"))
    login = Login(Address("127.0.0.1", 1, tls=False), "sub-1", Secret("x"), f"{ACCOUNT}/#")
    with pytest.raises(KeyboardInterrupt):
        isr.stream(login=login, portal=FakePortal())
    assert ended == ["disconnected", "stopped"]


def test_what_cannot_be_listened_with_is_refused_before_anything_is_asked():
    """A buffer without room; a subscriber whose password the portal did not give."""
    with pytest.raises(UsageError, match="is not a usable size; give a number of bytes"):
        isr.stream(buffer=0)
    with pytest.raises(UsageError, match="buffer='1MB' is not a usable size; give a number of bytes"):
        isr.stream(buffer="1MB")
    with pytest.raises(UsageError, match=r"login= has no password \(dict\)") as caught:
        isr.stream(login={"username": "sub-1", "password": "very-secret"})
    assert "very-secret" not in str(caught.value)
    made = isr.mgmt.Made("read-only subscriber", {"username": "sub-1", "host": "broker.example"})
    with pytest.raises(UsageError, match="login= has no password"):
        isr.stream(login=made)
