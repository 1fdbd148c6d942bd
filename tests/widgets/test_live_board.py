"""The live board on the stream: a real broker, which comes and goes, and what the board says of it."""

from __future__ import annotations

import threading
import time

import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis.errors import UsageError
from isr_analysis.sandbox import broker
from isr_analysis.widgets import follow


@pytest.fixture(scope="module")
def sandbox():
    """Run a sandbox with a broker, on which much is said."""
    if broker.program() is None:
        pytest.skip("mosquitto is not installed")
    with isr.sandbox.serve(days=1, broker=True, rate=200) as running:
        yield running


@pytest.fixture
def portal(sandbox, home, monkeypatch):
    """Give a connection, with a subscriber set up in the environment."""
    subscribe(sandbox, monkeypatch)
    with sandbox.connect(home=home) as made:
        yield made


def subscribe(sandbox, monkeypatch):
    """Set a new subscriber up in the environment."""
    login = sandbox.make_subscriber()
    for name, value in {
        "ISR_MQTT_HOST": login.host, "ISR_MQTT_USERNAME": login.username,
        "ISR_MQTT_PASSWORD": login.password.reveal(),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.fixture
def shown(portal):
    """Give what makes a board and shows it on a page."""
    boards, there = [], listening()

    def made(**options):
        boards.append(isr.widgets.live_board(every="0.2s", portal=portal, **options))
        boards[-1]._page._handle_custom_msg({"seen": True, "dark": False}, [])
        return boards[-1]

    yield made
    for board in boards:
        board.close()
        assert board._worker.join()
    assert listening() == there


def listening():
    """Give the threads of MQTT clients; the sandbox's fleet has one, too."""
    return {one.ident for one in threading.enumerate() if "paho" in one.name}


def until(true, seconds=30.0):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_shows_what_is_published(sandbox, portal, shown):
    """All publishers at first, then what the broker brings, without asking the portal again."""
    board = shown()
    until(lambda: "stream, since" in board.head.value)
    assert "requests left" not in board.head.value
    assert set(board.value["client_id"]) >= set(isr.load_live(portal=portal)["client_id"])
    asked = sandbox.requests("publishers/live")
    before = board.value["heard"].max()
    until(lambda: board.value["heard"].max() > before + pd.Timedelta("1s"))
    assert sandbox.requests("publishers/live") == asked
    assert board.value["label"].any()


def test_a_broker_that_goes_away_shows_and_comes_back(sandbox, shown):
    """What was known stays in sight, dimmed; afterwards the board says that something was missed."""
    board = shown()
    until(lambda: "stream, since" in board.head.value)
    sandbox.air.broker.stop()
    try:
        until(lambda: "not connected" in board.head.value)
        until(lambda: "broker cannot be reached" in board.trouble.value)
        assert len(board.value)
    finally:
        sandbox.air.broker.start()
    until(lambda: "1 gap" in board.head.value and not board.trouble.value, 60)
    assert "not connected" not in board.head.value


def test_a_page_that_goes_and_comes_back_listens_anew(shown):
    """A board that rests listens to nothing."""
    there = listening()
    board = shown()
    until(lambda: "stream, since" in board.head.value)
    assert listening() > there
    board._page._handle_custom_msg({"seen": False}, [])
    assert board._worker.join()
    assert listening() == there
    board.head.value = ""
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    until(lambda: "stream, since" in board.head.value)


def test_a_login_that_is_refused_is_told_and_the_live_answer_stands_in(sandbox, shown, monkeypatch):
    """The board works all the same, and tries the broker again later; by name, it is an error."""
    monkeypatch.setenv("ISR_MQTT_PASSWORD", "not-the-password")
    board = shown()
    until(lambda: "requests left" in board.head.value)
    assert "refused" in board.trouble.value
    assert "is used instead of the stream" in board.trouble.value
    strict = shown(source="stream")
    until(lambda: "Trying again in" in strict.trouble.value)
    assert strict.value is None
    login = sandbox.make_subscriber()
    monkeypatch.setattr(follow, "_AGAIN", 0.0)
    monkeypatch.setenv("ISR_MQTT_USERNAME", login.username)
    monkeypatch.setenv("ISR_MQTT_PASSWORD", login.password.reveal())
    until(lambda: "stream, since" in strict.head.value)


def test_another_account_has_a_stream_of_its_own(sandbox, monkeypatch):
    """Where a token of another one is entered while the board runs, it goes on with that one's messages alone."""
    subscribe(sandbox, monkeypatch)
    with (
        isr.connect(sandbox.token, origin=sandbox.origin),
        isr.sandbox.serve(days=1, seed=5, broker=True, rate=200) as second,
    ):
        board = isr.widgets.live_board(every="0.2s")
        board._page._handle_custom_msg({"seen": True, "dark": False}, [])
        until(lambda: "stream, since" in board.head.value)
        subscribe(second, monkeypatch)
        isr.connect(second.token, origin=second.origin)
        sandbox.air.broker.stop()
        try:
            at = pd.Timestamp.now("UTC")
            until(lambda: board.value["heard"].max() > at and "stream, since" in board.head.value)
        finally:
            sandbox.air.broker.start()
            board.close()
            assert board._worker.join()


def test_the_live_answer_by_name(shown):
    """A subscriber is set up, and not used; the code says what the board does."""
    board = shown(source="live")
    until(lambda: "requests left" in board.head.value)
    assert board.code() == "isr.load_live(portal=portal)"
    assert isr.widgets.live_board(source="stream").code() == 'isr.watch_live(source="stream")'
    with pytest.raises(UsageError, match='give "stream", "live" or None'):
        isr.widgets.live_board(source="radio")
