"""Connections that break, stay silent or speak something else: an error of the tree, and no foreign exception."""

from __future__ import annotations

import contextlib
import socket
import threading

import portals
import pytest

import isr_analysis as isr
from isr_analysis import errors
from isr_analysis.portal import patience


@contextlib.contextmanager
def raw_server(*answers):
    """Serve raw bytes on loopback, one answer a connection; an answer of None never comes."""
    listening = socket.create_server(("127.0.0.1", 0))
    held = []

    def run():
        i = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.recv(65536)
                answer = answers[min(i, len(answers) - 1)]
                i += 1
                if answer is not None:
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_RDWR)
                    connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for one in held:
            one.close()
        thread.join(5)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CUTS = {
    "by its length": OK + b'Content-Length: 500\r\n\r\n{"publishers": []}',
    "in a chunk": OK + b'Transfer-Encoding: chunked\r\n\r\n12\r\n{"publishers": []}\r\n',
    "in gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08" + bytes(9),
    "before the headers end": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "before it begins": b"",
    "as no HTTP at all": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_body_that_breaks_off_is_no_answer(home, cut):
    """Whichever way the connection ends too early: an error, with no foreign exception."""
    with raw_server(CUTS[cut]) as origin, portals.connect(origin, home) as portal:
        for load in (isr.load_live, isr.load_publishers):
            with pytest.raises((errors.PortalUnavailableError, errors.AnswerError)):
                load(portal=portal)


def test_silence_ends_in_an_error(home, monkeypatch):
    """A portal that takes the question and says nothing: the time-out is an error that says so."""
    monkeypatch.setattr(patience, "SOON", 0.2)
    monkeypatch.setattr(patience, "PATIENT", 0.4)
    with (
        raw_server(None) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(errors.PortalUnavailableError, match="in time"),
    ):
        isr.load_live(portal=portal)


def test_no_tls_where_tls_is_expected(home):
    """A portal that speaks plain HTTP on its https port."""
    answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with (
        raw_server(answer) as origin,
        portals.connect(origin.replace("http:", "https:"), home) as portal,
        pytest.raises(errors.PortalUnavailableError, match=r"(?i)ssl"),
    ):
        isr.load_live(portal=portal)
