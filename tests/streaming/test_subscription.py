"""How a stream takes what a broker answers, and its pace, by a broker that answers as it is told, byte by byte."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.errors import BrokerUnavailableError, SubscriberRefusedError
from isr_analysis.secret import Secret
from isr_analysis.streaming.login import Address, Login
from isr_analysis.streaming.stream import Message
from isr_analysis.times import SECOND

mqtt = pytest.importorskip("paho.mqtt.client")

ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000000a"
OK, NOT_THIS_ID, BUSY, WRONG_PASSWORD = 0, 2, 3, 4  # of a CONNACK
NO = 0x80  # of a SUBACK


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Connect again at once."""
    usual = mqtt.Client.reconnect_delay_set
    monkeypatch.setattr(mqtt.Client, "reconnect_delay_set", lambda self, *_: usual(self, 0.01, 0.01))


def published(topic, payload):
    """Give the packet of a message."""
    body = len(topic).to_bytes(2) + topic + payload
    return b"\x30" + bytes([len(body)]) + body


MESSAGE = published(f"{ACCOUNT}/dev-1/a".encode(), b"1")


def answer(wire, code=None, granted=OK, sent=b""):
    """Answer one connection: to the login, to the subscription, and with what is sent then; no code: with its end.

    Who asks for all that there is, and not for the one filter of a subscriber, is refused.
    """
    wire.recv(1000)
    if code is None:
        return
    wire.sendall(b"\x20\x02\x00" + bytes([code]))
    if code == OK:
        asked = wire.recv(1000)
        wire.sendall(b"\x90\x03" + asked[2:4] + bytes([NO if asked[6:-1] == b"#" else granted]) + sent)


@contextlib.contextmanager
def broker(*answers):
    """Serve a broker that answers one connection after the other so, and ends each but the last; give a login."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for number, one in enumerate(answers, 1):
                wire, _ = server.accept()
                with wire, contextlib.suppress(OSError):
                    answer(wire, *one)
                    while one and number == len(answers) and wire.recv(1000):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = Address("127.0.0.1", server.getsockname()[1], tls=False)
        yield Login(address, "sub-1", Secret("pass"), f"{ACCOUNT}/#")
        thread.join(30)
        assert not thread.is_alive()


def test_refusals_are_counted_anew_once_a_login_was_good(monkeypatch, caplog):
    """A broker that is started twice, and knows its logins late each time, ends no stream."""
    monkeypatch.setattr("isr_analysis.streaming.subscription._REFUSALS", 2)
    with (
        caplog.at_level(logging.CRITICAL),
        broker((OK,), (WRONG_PASSWORD,), (OK,), (WRONG_PASSWORD,), (OK, OK, MESSAGE)) as login,
        isr.stream(login=login, duration="30s") as live,
    ):
        assert next(iter(live)).value == 1
        assert len(live.gaps()) == 2


def test_a_broker_that_is_busy_refuses_no_login(monkeypatch, caplog):
    """However often it says so after a break, it counts for nothing when it does not know the login yet."""
    monkeypatch.setattr("isr_analysis.streaming.subscription._REFUSALS", 2)
    with (
        caplog.at_level(logging.CRITICAL),
        broker((OK,), (BUSY,), (BUSY,), (WRONG_PASSWORD,), (OK, OK, MESSAGE)) as login,
        isr.stream(login=login, duration="30s") as live,
    ):
        assert next(iter(live)).value == 1


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ((WRONG_PASSWORD,), SubscriberRefusedError, "refused the login sub-1"),
        ((NOT_THIS_ID,), BrokerUnavailableError, "accepted no login: Client identifier .* its own client id"),
        ((BUSY,), BrokerUnavailableError, "accepted no login"),
        ((OK, NO), SubscriberRefusedError, f"does not let sub-1 listen to {ACCOUNT}/#.*ISR_MQTT_TOPIC_FILTER"),
        ((), BrokerUnavailableError, "closed the connection .*TLS"),
    ],
)
def test_what_a_broker_says_at_the_start_is_an_error_at_once(caplog, answers, kind, words):
    """Who is refused, and what to do, is known before a stream is given; nothing is tried again."""
    with caplog.at_level(logging.CRITICAL), broker(answers) as login, pytest.raises(kind, match=words):
        isr.stream(login=login)


def test_a_broker_that_says_nothing_is_left(monkeypatch):
    """An error says so, and nothing goes on in the background."""
    monkeypatch.setattr("isr_analysis.streaming.subscription._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("127.0.0.1", server.getsockname()[1], tls=False)
        with pytest.raises(BrokerUnavailableError, match="accepted the connection, then sent nothing"):
            isr.stream(login=Login(address, "sub-1", Secret("pass"), f"{ACCOUNT}/#"))
        wire, _ = server.accept()
        with wire:
            wire.settimeout(20)
            while wire.recv(1000):  # until the other end is closed
                pass


def test_a_topic_that_is_no_text_is_passed_over():
    """What no publisher of the platform can have sent ends no stream."""
    sent = published(b"\xff\xfe", b"0") + MESSAGE
    with broker((OK, OK, sent)) as login, isr.stream(login=login, duration="30s") as live:
        assert next(iter(live)).value == 1
        assert live.received == 1


@pytest.mark.parametrize("often", [1, 5])
def test_a_subscription_that_is_refused_after_a_break_is_tried_again(caplog, often):
    """A broker that has just started may not know the rights yet; one that never does ends the stream."""
    then = [(OK, OK, MESSAGE)] if often == 1 else []
    with (
        caplog.at_level(logging.CRITICAL),
        broker((OK,), *[(OK, NO)] * often, *then) as login,
        isr.stream(login=login, duration="30s") as live,
    ):
        if often == 1:
            assert next(iter(live)).value == 1
            assert len(live.gaps()) == 1
        else:
            with pytest.raises(SubscriberRefusedError, match="does not let sub-1 listen"):
                next(iter(live))


def test_a_topic_of_no_client_is_passed_over_with_a_word(caplog):
    """As a vendor's own tree has them: once said, whatever their number. The broker's own are nobody's loss."""
    sent = b"".join(published(one, b"0") for one in (b"$SYS/a", b"vendor/1/a", b"vendor/2/a")) + MESSAGE
    with broker((OK, OK, sent)) as login, isr.stream(login=login, duration="30s") as live:
        assert next(iter(live)).value == 1
    (said,) = caplog.messages
    assert "'vendor/1/a'" in said


def test_a_loop_that_is_left_goes_on_with_the_next_message():
    """Of several that came at once, too: those behind the one that ended it are not lost."""
    sent = b"".join(published(f"{ACCOUNT}/dev-1/a".encode(), b"%d" % i) for i in range(3))
    with broker((OK, OK, sent)) as login, isr.stream(login=login, duration="30s") as live:
        until = time.monotonic() + 30
        while live.received < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert [next(iter(live)).value for _ in range(2)] == [0, 1]
        assert live.rest()["payload"].to_pylist() == [b"2"]


def test_what_was_not_read_is_there_after_the_end():
    """Once: a recorder stores it when it was stopped."""
    with broker((OK, OK, MESSAGE)) as login, isr.stream(login=login) as live:
        until = time.monotonic() + 30
        while not live.received and time.monotonic() < until:
            time.sleep(0.01)
        live.close()
        assert live.rest()["payload"].to_pylist() == [b"1"]
        assert live.rest().num_rows == 0


def test_a_stream_ends_in_time_however_long_it_gathers():
    """Also where nothing came at all; and frames of nothing are none."""
    began = time.monotonic()
    with broker((OK,)) as login, isr.stream(login=login, duration="0.3s") as live:
        assert [len(table) for table in live.tables("60s")] == [0]
    with broker((OK,)) as login, isr.stream(login=login, duration="0.3s") as live:
        assert list(live.frames("0.1s")) == []
    assert time.monotonic() - began < 45


def test_a_reader_that_was_late_is_not_given_tables_all_at_once():
    """What it missed of the pace is gone: the next tables come one each `every` again."""
    with broker((OK,)) as login, isr.stream(login=login) as live:
        tables = live.tables("0.3s")
        next(tables)
        time.sleep(1.0)
        next(tables)
        before = time.monotonic()
        next(tables)
        assert time.monotonic() - before > 0.2


class Known(isr.Portal):
    """A connection of a known account and clock, which is never asked for anything."""

    def __init__(self):
        self.profile = settings.profile()
        self.now = lambda: 5

    named_account = ACCOUNT.upper()


def test_an_account_is_the_same_in_capitals():
    """In the topics of messages, and as the portal writes it; and the portal's clock says when they came."""
    message = published(f"{ACCOUNT.upper()}/dev-1/a".encode(), b"1")
    with broker((OK, OK, message)) as login, isr.stream(login=login, duration="30s", portal=Known()) as live:
        found = next(iter(live))
    assert (found.client_id, found.topic, found.time_ns) == ("dev-1", "a", 5)


def test_an_account_need_not_be_a_uuid():
    """Where the filter names it, messages are told apart by it all the same."""
    with (
        broker((OK, OK, published(b"club/dev-1/a", b"1"))) as login,
        isr.stream(login=dataclasses.replace(login, topic_filter="club/#"), duration="30s") as live,
    ):
        found = next(iter(live))
    assert (live.account_id, found.client_id, found.topic) == ("club", "dev-1", "a")


def test_a_break_begins_with_the_last_message(monkeypatch, caplog):
    """Not when it was noticed, nor when the stream began."""
    ticks = itertools.count(1)
    monkeypatch.setattr("time.time_ns", lambda: next(ticks))
    with (
        caplog.at_level(logging.CRITICAL),
        broker((OK, OK, MESSAGE * 3), (OK, OK, MESSAGE)) as login,
        isr.stream(login=login, duration="30s") as live,
    ):
        _, _, last, following = (message for _, message in zip(range(4), live, strict=False))
        (gap,) = live.missed()
    assert abs(gap.start - last.time_ns) <= 1
    assert last.time_ns < gap.end < following.time_ns


def test_a_break_after_a_long_silence_begins_a_minute_before_it_was_noticed(monkeypatch, caplog):
    """A connection on which nothing comes is asked twice a minute; logins that are refused meanwhile move nothing."""
    ticks = itertools.count(1)
    monkeypatch.setattr("time.time_ns", lambda: next(ticks) * 100 * SECOND)
    with (
        caplog.at_level(logging.CRITICAL),
        broker((OK, OK, MESSAGE), (WRONG_PASSWORD,), (OK, OK, MESSAGE)) as login,
        isr.stream(login=login, duration="30s") as live,
    ):
        first, _ = (message for _, message in zip(range(2), live, strict=False))
        (gap,) = live.missed()
    assert gap.start - first.time_ns == 40 * SECOND


def test_a_program_that_did_not_run_says_what_it_may_have_missed():
    """A real one, stopped for some seconds as by a laptop's sleep: what waited counts as of when it last ran."""
    code = """
import os, sys, time
import isr_analysis as isr
from isr_analysis.secret import Secret
from isr_analysis.streaming.login import Address, Login
login = Login(Address("127.0.0.1", int(sys.argv[1]), tls=False), "sub-1", Secret("pass"), sys.argv[2] + "/#")
with isr.stream(login=login, duration="60s") as live:
    print("there", flush=True)
    message = next(iter(live))
    for gap in live.missed():
        print(gap.reason, gap.start, gap.end, message.time_ns)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        child = subprocess.Popen([sys.executable, "-c", code, port, ACCOUNT], stdout=subprocess.PIPE, text=True)
        wire, _ = server.accept()
        with wire:
            answer(wire, OK)
            assert child.stdout.readline() == "there\n"
            child.send_signal(signal.SIGSTOP)
            began = time.time_ns()
            time.sleep(7)
            wire.sendall(MESSAGE)
            ended = time.time_ns()
            child.send_signal(signal.SIGCONT)
            reason, start, end, came = child.communicate(timeout=60)[0].split()
    assert reason == "paused"
    assert abs(int(start) - began) < 3 * SECOND
    assert int(end) >= ended
    assert int(came) == int(start)


def test_the_account_is_asked_for_where_no_filter_says_it(sandbox, monkeypatch):
    """Of the connection that every loader would have."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    with broker((OK,)) as login, isr.stream(login=dataclasses.replace(login, topic_filter=None)) as live:
        assert live.account_id == sandbox.account_id


def test_the_value_of_a_message_is_what_it_says():
    """Of JSON its value, else its text, else its bytes; brackets without end are text, and no error."""
    deep = b"[" * 100_000
    for payload, value in ((b"1.5", 1.5), (b"{", "{"), (b"\xff", b"\xff"), (deep, deep.decode())):
        assert Message(0, "dev-1", "a", payload).value == value
