"""A portal whose history is answered by a function, and what it holds: a message each minute of a day."""

from __future__ import annotations

import json

import httpx
import portal_rows
from portals import FIRST, Dialect, Message, Server

from isr_analysis.times import DAY, SECOND

SPAN = {"start": "2026-11-02", "end": "2026-11-03"}
MINUTES = [Message(FIRST + DAY + i * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(100)]


class Odd(Server):
    """A portal whose history is answered by a function of the question and of how often it was asked."""

    def __init__(self, how, dialect=None, stored=MINUTES):
        super().__init__(dialect or Dialect(doc=None), stored)
        self._how = how
        self._asked = 0

    def answer(self, url, headers):
        if httpx.URL(url).path == "/login":
            return give("<html><title>Sign in</title><form></form></html>", content_type="text/html")
        return super().answer(url, headers)

    def _in(self, asked):
        """Give the messages of the range that was asked for."""
        low, high = (portal_rows.read_instant("iso", asked[name]) for name in ("start", "end"))
        return [one for one in self.stored if low <= one.at < high]

    def _history(self, asked, path):
        self._asked += 1
        said = self._how(self, asked, self._asked)
        return super()._history(asked, path) if said is None else said


def give(body, status=200, **headers):
    """Make an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes | str):
        return status, headers, body.encode() if isinstance(body, str) else body
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


def rows(stored, **more):
    """Give messages in an object."""
    return give({"messages": [portal_rows.plain(one) for one in stored], **more})
