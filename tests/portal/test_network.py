"""The network below the wire: whose connections they are, how they end, and the proxy of the environment."""

from __future__ import annotations

import http.server
import multiprocessing
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from isr_analysis import errors, times
from isr_analysis.portal.quota import Tally
from isr_analysis.portal.token import Token
from isr_analysis.portal.wire import Wire

ORIGIN = "https://portal.example"
VALUE = "isr_mqtt_rest_example-not-a-real-one"
NOW = 20_000 * times.DAY


def test_closing_ends_what_waits_for_an_answer(tmp_path):
    """A request under way in another thread ends with an error at once, however long the portal takes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = Wire(origin, Token("isr_mqtt_rest_secret"), None, tally=Tally(tmp_path / "quota.sqlite", "a token"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(line.get, "/api/v1/subscriber/history")
            asked, _ = silent.accept()
            with asked:
                assert asked.recv(1000)
                line.close()
                with pytest.raises(errors.UsageError, match="was closed"):
                    waiting.result(timeout=30)


class Ports(http.server.BaseHTTPRequestHandler):
    """Answers with the port of whoever asks: requests on one connection come from one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = str(self.client_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_was_forked_has_connections_of_its_own(tmp_path):
    """On one that it shares with its parent, answers would go to whoever reads first."""
    forked = multiprocessing.get_context("fork")
    found = forked.SimpleQueue()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ports) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            origin = f"http://127.0.0.1:{server.server_address[1]}"
            line = Wire(origin, Token(VALUE), None, tally=Tally(tmp_path / "quota.sqlite", "a token"))
            own = line.get("/x").body
            child = forked.Process(target=lambda: found.put(line.get("/x").body))
            child.start()
            child.join(timeout=60)
            assert child.exitcode == 0
            assert found.get() != own
            assert line.get("/x").body == own
            line.close()
        finally:
            server.shutdown()


class Proxy(http.server.BaseHTTPRequestHandler):
    """Notes to whom it should lead, and leads nobody there."""

    def do_GET(self) -> None:
        self.server.asked.add(self.path)
        self.send_error(502)

    do_CONNECT = do_GET  # noqa: N815 (as the server calls it)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("origin", "asked"),
    [("https://portal.example", {"portal.example:443"}), ("https://past.invalid", set()), ("http://localhost:1", set()),
     ("https://127.0.0.1:1", set())],
)  # fmt: skip
def test_a_proxy_of_the_environment_is_used(monkeypatch, tmp_path, origin, asked):
    """HTTPS_PROXY and its like lead to the proxy; NO_PROXY leads past it, and so does this machine's own address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.asked = set()
        threading.Thread(target=proxy.serve_forever).start()
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_address[1]}")
        monkeypatch.setenv("NO_PROXY", "past.invalid")
        line = Wire(origin, Token(VALUE), None, tally=Tally(tmp_path / "quota.sqlite", "a token"))
        with pytest.raises(errors.PortalUnavailableError, match=f"{origin} cannot be reached"):
            line.get("/x")
        line.close()
        proxy.shutdown()
    assert proxy.asked == asked


def test_certificates_that_the_environment_names_are_read_for_each_connection(monkeypatch, tmp_path):
    """Whoever mends the file, or names it after a failure, need not begin a new process."""
    trustme = pytest.importorskip("trustme")
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ports) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def asked():
            origin = f"https://127.0.0.1:{server.server_address[1]}"
            line = Wire(origin, Token(VALUE), None, tally=Tally(tmp_path / "quota.sqlite", "a token"))
            try:
                return line.get("/x").body
            finally:
                line.close()

        try:
            with pytest.raises(errors.PortalUnavailableError, match="certificate"):
                asked()
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            for wrong in ("no certificate", other.cert_pem.bytes().decode()):
                file.write_text(wrong)
                with pytest.raises(errors.IsrError, match=r"names no certificates|certificate verify failed"):
                    asked()
            authority.cert_pem.write_to_path(file)
            assert asked().isdigit()
            monkeypatch.delenv("SSL_CERT_FILE")
            with pytest.raises(errors.PortalUnavailableError, match="certificate"):
                asked()
        finally:
            server.shutdown()
