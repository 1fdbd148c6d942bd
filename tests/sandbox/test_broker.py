"""The sandbox's broker, a real mosquitto, under the eyes of the clients that come with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from unittest.mock import Mock

import pytest

import isr_analysis as isr
from isr_analysis.errors import IsrError, MissingExtraError, UsageError
from isr_analysis.sandbox import broker

pytestmark = pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto's clients are not installed")


@pytest.fixture(scope="module")
def here():
    """Run a sandbox with a broker, whose fleet talks much."""
    with isr.sandbox.serve(days=1, broker=True, rate=300) as running:
        yield running


def listen(here, login, topic, *options):
    """Listen with mosquitto_sub, and give its status, the topics of what it heard, and its words."""
    words = [
        "mosquitto_sub", "-h", "127.0.0.1", "-p", str(here.air.broker.port), "-u", login.username,
        "-P", login.password.reveal(), "-t", topic, "-F", "%t", *options,
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_read_only_subscriber_may_listen(here):
    """mosquitto_sub with the login hears the fleet, on its platform paths."""
    login = here.make_subscriber()
    code, topics, _ = listen(here, login, f"{here.account_id}/#", "-C", "20", "-W", "30")
    assert code == 0
    assert len(topics) == 20
    topics = [topic.split("/") for topic in topics]
    assert {levels[0] for levels in topics} == {here.account_id}
    listed = set(isr.load_publishers(portal=here.connect())["client_id"])
    assert {levels[1] for levels in topics} <= listed


def test_it_may_not_publish(here):
    """What mosquitto_pub sends with a read-only login is heard by nobody, not even where it listens."""
    login = here.make_subscriber()
    topic = f"{here.account_id}/isr-shack-01/forged"
    words = ["-h", "127.0.0.1", "-p", str(here.air.broker.port), "-u", login.username, "-P", login.password.reveal()]
    ear = subprocess.Popen(
        ["mosquitto_sub", *words, "-t", f"{here.account_id}/isr-shack-01/+", "-F", "%t", "-W", "4"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(6):
        subprocess.run(["mosquitto_pub", *words, "-t", topic, "-m", "x", "-q", "1"], check=False, timeout=30)
        time.sleep(0.5)  # the ear takes a moment to listen: one of them would be heard
    heard, _ = ear.communicate(timeout=60)
    assert "heartbeat" in heard
    assert "forged" not in heard


def test_it_sees_no_other_account(here):
    """With two accounts on the broker, "#" of one login brings that account's messages alone."""
    mine, other = here.make_subscriber(), here.make_subscriber(seed=2)
    for login, account in ((mine, here.account_id), (other, here.account_of(2))):
        code, topics, _ = listen(here, login, "#", "-C", "30", "-W", "30")
        assert code == 0
        assert {topic.partition("/")[0] for topic in topics} == {account}


def test_a_wrong_password_is_refused(here):
    """Without the right password there is nothing to hear."""
    login = here.make_subscriber()
    wrong = isr.mgmt.Made(login.what, {**login.fields, "password": type(login.password)("wrong")})
    code, topics, words = listen(here, wrong, "#", "-W", "5")
    assert code != 0
    assert not topics
    assert "not authorised" in words.lower()


def test_a_subscriber_ends_with_its_time():
    """Once it has expired, a login is refused."""
    clock = [time.time_ns()]
    with isr.sandbox.serve(days=1, broker=True, now=lambda: clock[0]) as running:
        login = running.make_subscriber(days=1)
        assert running.air.broker._logins
        clock[0] += 25 * 3600 * 10**9
        until = time.monotonic() + 20
        while running.air.broker._logins and time.monotonic() < until:
            time.sleep(0.02)
        code = listen(running, login, "#", "-W", "5")[0]
        while code == 0 and time.monotonic() < until:  # the broker reads its files in its own time
            code = listen(running, login, "#", "-W", "5")[0]
        assert code not in (0, 27)  # 27: timed out, so it was let in


def test_it_stops_and_starts_at_the_same_place(here):
    """A stopped broker refuses connections, and listens again at its port."""
    login = here.make_subscriber()
    here.air.broker.stop()
    assert listen(here, login, "#", "-C", "1", "-W", "5")[0] != 0
    here.air.broker.start()
    assert listen(here, login, "#", "-C", "1", "-W", "30")[0] == 0


def test_a_start_that_fails_leaves_no_process(here, monkeypatch):
    """Else the next start would find its port taken, and the first one's broker would run on."""
    own = here.air.broker
    own.stop()
    with monkeypatch.context() as patch:
        patch.setattr(own, "_connected", Mock(side_effect=IsrError("it did not start")))
        with pytest.raises(IsrError, match="did not start"):
            own.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.HOST, own.port))
    own.start()
    assert own.running


def test_a_taken_port_is_said(monkeypatch):
    """Where each port that is tried is taken by then, it says so."""
    first = broker.Broker()
    try:
        monkeypatch.setattr(broker, "_free_port", lambda: first.port)
        with pytest.raises(UsageError, match="cannot listen"):
            broker.Broker()
    finally:
        first.close()


def test_without_mosquitto_it_says_what_to_install(monkeypatch):
    """The sandbox runs without a broker where there is none, and says so if one is asked for."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(broker, "_PLACES", ())
    with pytest.raises(MissingExtraError, match="apt install mosquitto"):
        isr.sandbox.serve(broker=True, days=1)
    with isr.sandbox.serve(days=1) as running, pytest.raises(UsageError, match="broker=True"):
        _ = running.air


def test_the_broker_ends_with_its_sandbox_however_that_ends(tmp_path):
    """After kill -9 of the process that started it, the broker is gone too."""
    code = (
        "import time\nfrom isr_analysis.sandbox.broker import Broker\n"
        "one = Broker()\nprint(one._process, flush=True)\ntime.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    process = int(child.stdout.readline())
    os.kill(process, 0)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    until = time.monotonic() + 20
    while broker._alive(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert not broker._alive(process)
