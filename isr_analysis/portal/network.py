"""The network: its certificates, and the proxy of the environment."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import threading
import urllib.request
import weakref
from typing import Any
from urllib.parse import urlsplit

import httpx

from isr_analysis import errors, settings

CONNECTIONS = 8


class WhenNeeded(httpx.BaseTransport):
    """The network, opened at the first request: reading the certificates takes longer than loading a week from disk.

    Closed, it wakes the threads that wait for an answer: closing a socket alone would leave them waiting. A process
    that was forked opens connections of its own: answers on its parent's would go to either of them.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._made: httpx.BaseTransport | None = None
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            if self._closed:
                raise errors.UsageError("this connection was closed; connect again")
            self._made = self._made or _network(self._origin)
        request.extensions["trace"] = self._trace
        return self._made.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            _wake(stream)
        if self._made is not None:
            self._made.close()

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._streams.add(info["return_value"])
                closed = self._closed
            if closed:
                _wake(info["return_value"])


def _wake(stream: Any) -> None:
    """End what any thread waits for at a connection."""
    with contextlib.suppress(OSError):
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _network(origin: str) -> httpx.BaseTransport:
    # httpx reads HTTPS_PROXY and the like only for a client without a transport of its own.
    parts = urlsplit(origin)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    if settings.is_loopback(host) or urllib.request.proxy_bypass(host):  # no token in plain leaves this machine
        proxy = None
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    try:
        return httpx.HTTPTransport(verify=_certificates(), proxy=proxy, limits=limits)
    except (ValueError, httpx.InvalidURL) as exc:
        raise errors.UsageError(f"the proxy of the environment ({parts.scheme.upper()}_PROXY) is no address") from exc
    except (OSError, ssl.SSLError) as exc:
        raise errors.UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR names no certificates: {exc}") from exc


def _certificates() -> ssl.SSLContext:
    """Give the certificates to trust; those that the environment names may have been mended since they were read."""
    is_named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    return httpx.create_ssl_context() if is_named else _usual_certificates()


@functools.cache
def _usual_certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()
