"""A portal that is slow, or says nothing: how long it is waited for, how often asked, and what is said meanwhile."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading

import httpx
import portals
import pytest

from isr_analysis.errors import AnswerError, PortalUnavailableError
from isr_analysis.portal import patience, transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
DRIBBLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Let a wait that is short be over soon, and a long one not before what it waits for comes."""
    monkeypatch.setattr(patience, "SOON", 0.2)


@contextlib.contextmanager
def listening(answer):
    """Take connections, and let a function answer each by what was sent and how many there were; gives the origin."""
    came, threads = [], []

    def take(line):
        with line, contextlib.suppress(OSError):
            while sent := line.recv(65_536):
                came.append(sent.split(b" ")[0].decode())
                answer(line, came)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=take, args=(door.accept()[0],), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}", came
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)


def test_a_portal_that_never_answers_is_asked_twice(home, monkeypatch, caplog):
    """Whoever waits is told soon for what; a long wait follows, and then the error."""
    monkeypatch.setattr(patience, "PATIENT", 0.4)
    with (
        listening(lambda *_: None) as (origin, came),
        portals.connect(origin, home) as portal,
        pytest.raises(PortalUnavailableError, match="did not answer in time"),
    ):
        portal.wire.get("/x")
    assert came == ["GET", "GET"]
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING] == [
        "127.0.0.1 has not answered for 0 s: it is asked again, and waited for up to 0 s (Ctrl-C stops)"
    ]


def test_a_slow_portal_is_waited_for(home, caplog):
    """Once it was found to be slow no question is asked twice, and nothing more is said."""
    ready = threading.Event()

    def slowly(line, came):
        if len(came) > 1:  # the first is asked again meanwhile
            ready.wait(1.5 * patience.SOON)
            line.sendall(ANSWER)

    with listening(slowly) as (origin, came), portals.connect(origin, home) as portal:
        assert [portal.wire.get("/x").body for _ in range(3)] == [b"[]"] * 3
    assert came == ["GET"] * 4
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1


def test_a_change_and_a_body_are_waited_for_long(home, caplog):
    """What is sent once, and what has begun to come, is not given up soon."""
    ready = threading.Event()

    def answer(line, came):
        if came[-1] == "GET":
            line.sendall(DRIBBLE)
        ready.wait(1.5 * patience.SOON)
        line.sendall(b"2\r\n[]\r\n0\r\n\r\n" if came[-1] == "GET" else ANSWER)

    with listening(answer) as (origin, came), portals.connect(origin, home) as portal:
        assert portal.wire.get("/x").body == b"[]"
        assert portal.wire.raw("POST", "/x").content == b"[]"
    assert came == ["GET", "POST"]
    assert not [one for one in caplog.records if one.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("kind", "bulk", "ends"),
    [
        ("text/event-stream", False, False),
        ("text/event-stream; charset=utf-8", True, False),
        ("application/x-ndjson", False, False),
        ("application/x-ndjson", True, True),
        ("application/json", False, True),
    ],
)
def test_a_stream_without_an_end_is_given_up(home, monkeypatch, kind, bulk, ends):
    """It would be listened to for ever; a download, or a body on a slow line, may take its time."""
    monkeypatch.setattr(transport, "_ENDLESS", 0.3)

    def answer(line, _):
        line.sendall(DRIBBLE.replace(b"application/json", kind.encode()))
        for _ in range(6 if ends else 1000):
            line.sendall(b"1\r\n\n\r\n")
            threading.Event().wait(0.1)
        line.sendall(b"0\r\n\r\n")

    with listening(answer) as (origin, came), portals.connect(origin, home) as portal:
        if ends:
            assert portal.wire.get("/x", bulk=bulk).body == b"\n" * 6
        else:
            with pytest.raises(AnswerError, match="/x has not come to an end for 0 s"):
                portal.wire.get("/x", bulk=bulk)
    assert came == ["GET"]


def test_a_portal_that_hangs_up_without_a_word_cannot_be_reached(home):
    """It is no answer that breaks off, as none began."""
    with (
        listening(lambda line, _: line.shutdown(socket.SHUT_RDWR)) as (origin, came),
        portals.connect(origin, home) as portal,
        pytest.raises(PortalUnavailableError, match="cannot be reached"),
    ):
        portal.wire.get("/x")
    assert came == ["GET"] * (1 + patience.RETRIES)


def test_how_long_each_is_waited_for():
    """Short at first, for what may be asked again; long for a change, for a body, and once that was too short."""
    waited, fails = [], [True]

    def answer(request):
        waited.append((request.method, request.extensions["timeout"]["read"]))
        if request.method == "GET" and fails:
            raise httpx.ReadTimeout(str(fails.pop()))
        return httpx.Response(200)

    made = patience.Patience(httpx.MockTransport(answer))
    with httpx.Client(transport=made, timeout=patience.TIMEOUT) as client:
        client.post("http://portal.test/")
        with pytest.raises(httpx.ReadTimeout):
            client.get("http://portal.test/")
        assert client.get("http://portal.test/").request.extensions["timeout"]["read"] == patience.PATIENT
    assert waited == [("POST", patience.PATIENT), ("GET", patience.SOON), ("GET", patience.PATIENT)]
