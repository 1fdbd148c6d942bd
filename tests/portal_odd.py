"""A portal whose history is answered by a function, and what it holds: a message each minute of a day."""

from __future__ import annotations

import json

import httpx
import portal_rows
from portals import API, FIRST, Dialect, Message, Server

from isr_analysis.times import DAY, SECOND

SPAN = {"start": "2026-11-02", "end": "2026-11-03"}
MINUTES = [Message(FIRST + DAY + i * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(100)]


def within(stored, low, high):
    """Give the messages of a range."""
    return [one for one in stored if low <= one.at < high]


def ends(asked):
    """Give the range that was asked for."""
    return [portal_rows.read_instant("iso", asked[name]) for name in ("start", "end")]


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
        return within(self.stored, *ends(asked))

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


class Listed(Server):
    """A portal of one list, whose rows are what a function of the parameters gives; its document may name some."""

    def __init__(self, tail, rows, *documented):
        super().__init__(Dialect(doc=None), [])
        self.tail, self.rows, self.is_documented = tail, rows, bool(documented)
        given = [{"name": one, "in": "query", "schema": {"type": "integer"}} for one in documented]
        self.document = {"openapi": "3.1.0", "paths": {f"{API}{tail}": {"get": {"parameters": given}}}}

    def answer(self, url, headers):
        path, asked = httpx.URL(url).path, dict(httpx.URL(url).params)
        if path == "/openapi.json" and self.is_documented:
            self.log.append((path, asked))
            return give(self.document, 200 if self.document else 503)
        if not path.endswith(self.tail):
            return super().answer(url, headers)
        self.log.append((self.tail, asked))
        given = self.rows(asked)
        return give(*given) if isinstance(given, tuple) else give(given)
