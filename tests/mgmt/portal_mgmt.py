"""A portal that is one function, for changes that are sent to it."""

from __future__ import annotations

import httpx

from isr_analysis import settings
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token

ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000000a"


def answering(respond):
    """Give a connection to a portal that is one function, and the requests that it saw."""
    seen = []

    def handle(request):
        seen.append(request)
        if request.method == "GET" and request.url.path.endswith("/publishers"):
            return httpx.Response(200, json=[{"client_id": "a", "topic": f"{ACCOUNT}/a/#"}])
        return respond(request)

    line = Portal(
        settings.profile(origin="https://portal.test"),
        Token("isr_mqtt_rest_x"),
        transport=httpx.MockTransport(handle),
        sleep=lambda _: None,
    )
    return line, seen
