"""The network: its certificates, and the proxy of the environment."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from urllib.parse import urlsplit

import httpx

from isr_analysis import errors

CONNECTIONS = 8


class WhenNeeded(httpx.BaseTransport):
    """The network, from the first request on: reading the certificates takes longer than a week from disk."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._lock = threading.Lock()
        self._made: httpx.BaseTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        with self._lock:
            self._made = self._made or _network(self._origin)
        return self._made.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()


def _network(origin: str) -> httpx.BaseTransport:
    # httpx reads HTTPS_PROXY and its like only for a client without a transport of its own.
    parts = urlsplit(origin)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if urllib.request.proxy_bypass(parts.hostname or ""):
        proxy = None
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    try:
        return httpx.HTTPTransport(proxy=proxy, limits=limits)
    except (ValueError, httpx.InvalidURL) as exc:
        raise errors.UsageError(f"the proxy of the environment ({parts.scheme.upper()}_PROXY) is no address") from exc
    except (OSError, ssl.SSLError) as exc:
        raise errors.UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR names no certificates: {exc}") from exc
