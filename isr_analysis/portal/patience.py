"""How long an answer is waited for, and how often it is asked for again."""

from __future__ import annotations

import logging

import httpx
import httpx_retries

logger = logging.getLogger(__name__)

SOON = 30.0
"""Seconds for which an answer is waited for at first: whoever waits learns then for what."""

PATIENT = 120.0
"""Seconds for which a portal that was slow is waited for, and a change, which is sent once; and between two bytes."""

TIMEOUT = httpx.Timeout(10.0, read=PATIENT)
"""Seconds: connecting, sending and waiting for a connection; and what is waited for otherwise."""

RETRIES = 3


PASSING = frozenset({408, 425, 460, 499, *range(500, 600)} - {501, 505})
"""The statuses of failures that may pass: the portal's, and those of what stands before it, which gave up waiting."""

ASKED_AGAIN = PASSING - {408, 460, 499, 511, 524}
"""Those that may pass at once; the others are of what took too long, or of a network that wants a login."""


class Retry(httpx_retries.Retry):
    """Asks again for what failed, and once for what was waited for in vain."""

    def is_retryable_exception(self, exception: Exception) -> bool:
        """Tell whether it is asked again after an error."""
        in_vain = isinstance(exception, httpx.ReadTimeout) and self.attempts_made > 0
        return super().is_retryable_exception(exception) and not in_vain


class Patience(httpx.BaseTransport):
    """Waits for the beginning of an answer a short time; a long one, once that was too short.

    Parameters
    ----------
    inner : httpx.BaseTransport
        What sends the requests.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self._is_slow = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and wait."""
        waits: dict[str, float | None] = request.extensions["timeout"]
        soon = request.method == "GET" and not self._is_slow
        waits["read"] = SOON if soon else PATIENT
        try:
            response = self._inner.handle_request(request)
        except httpx.ReadTimeout:
            if soon:
                self._is_slow = True
                logger.warning(
                    "%s has not answered for %.0f s: it is asked again, and waited for up to %.0f s (Ctrl-C stops)",
                    request.url.host, SOON, PATIENT,
                )  # fmt: skip
            raise
        waits["read"] = PATIENT
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
