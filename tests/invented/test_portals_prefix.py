"""Portals that are asked by the platform path: by a publisher's own prefix, behind another, topic by topic."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import portal_rows
import portals
import pytest
from portal_messages import SPAN, inside, same
from portal_odd import ends
from portals import ACCOUNT, API, FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import messages
from isr_analysis.errors import UsageError
from isr_analysis.times import HOUR

# A text that is JSON by itself, from a client alone, is read as in the answers that hold numbers.
_PAYLOADS = {0: "12", 3: 12}
TOPICS = ("telemetry/temp", "state/relay", "x")
STORED = [
    Message(FIRST + i * HOUR, ("dev-a", "dev-b")[i % 2], TOPICS[i % 3], _PAYLOADS.get(i % 7, {"n": i}))
    for i in range(60)
]
STORED.append(Message(FIRST + 2 * 24 * HOUR + 20 * HOUR, "dev-b", "x", "12"))


class ByPath(Server):
    """Stores everything behind a prefix, and takes one parameter `name` of a topic beside the range."""

    def __init__(self, name, words, fits, *, before="site7/", end="/", required=True, documented=True, client=False):
        super().__init__(Dialect(), STORED)
        self.name, self.words, self.fits, self.before, self.end = name, words, fits, before, end
        self.required, self.documented, self.client = required, documented, client

    def answer(self, url, _):
        """Answer a request."""
        path, asked = urlsplit(url).path, {k: v[-1] for k, v in parse_qs(urlsplit(url).query).items()}
        self.log.append((path, asked))
        if path == f"{API}/publishers":
            begins = {one: f"{self.before}{ACCOUNT}/{one}" for one in ("dev-a", "dev-b")}
            own = {one: {"topic": f"{it}/#", "history_topic_prefix": it + self.end} for one, it in begins.items()}
            return self.told(200, [{"client_id": one, **rest} for one, rest in own.items()])
        if path == f"{API}/openapi.json" and self.documented:
            paths = {f"{API}/history": {"get": {"parameters": self.known()}}}
            return self.told(200, {"openapi": "3.1.0", "paths": paths})
        if path != f"{API}/history":
            return self.told(404, {"detail": "Not Found"})
        for name in ("start", "end", *([self.name] if self.required else []), *(["client_id"] if self.client else [])):
            if name not in asked:
                return self.told(422, {"detail": [{"loc": ["query", name], "msg": "Field required"}]})
        low, high = ends(asked)
        rows = [
            {"time": portal_rows.iso(one.at), "topic": self.path(one), "payload": one.payload}
            for one in self.stored
            if low <= one.at < high
            and (self.name not in asked or self.fits(asked[self.name], self.path(one)))
            and asked.get("client_id", one.client) == one.client
        ]
        return self.told(200, {"messages": rows})

    def known(self):
        """Give the parameters."""
        instants = [{"name": one, "schema": {"type": "string", "format": "date-time"}} for one in ("start", "end")]
        client = [{"name": "client_id", "required": True}] if self.client else []
        topic = {"name": self.name, "description": self.words, "required": self.required}
        return [{"in": "query", **one} for one in (*instants, *client, topic)]

    def path(self, one):
        """Give the path under which a message is stored."""
        return f"{self.before}{ACCOUNT}/{one.client}/{one.topic}"

    def told(self, status, value):
        """Give an answer of JSON."""
        return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def own(given, path):
    """Tell whether a path begins with the very prefix of a publisher; a shorter one is nobody's."""
    return given.strip("/").endswith(("/dev-a", "/dev-b")) and path.startswith(given)


WAYS = {
    "a publisher's own prefix": ByPath("history_topic_prefix", "", own),
    "a publisher's own prefix, by its description": ByPath("prefix", "A publisher's history_topic_prefix", own, end=""),
    "a publisher's own prefix, learned from a refusal": ByPath("history_topic_prefix", "", own, documented=False),
    "any prefix": ByPath("topic_prefix", "Begins with {account_id}/{client_id}", lambda g, p: p.startswith(g)),
    "a filter": ByPath("topic", "MQTT topic filter on the full platform path", messages.covers, required=False),
    "one whole path": ByPath("topic", "The full platform path, exactly", lambda g, p: g == p, required=False),
    "no prefix at all": ByPath("history_topic_prefix", "", own, before=""),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_stands_before_the_account_is_asked_for_too(home, way):
    """As the list of publishers says; else an old installation's portal would give nothing."""
    with portals.mocked(WAYS[way], home) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        for client, topic in (("dev-a", "#"), (None, "telemetry/#"), ("dev-b", "state/relay"), (None, "x")):
            wanted = [
                one for one in inside(STORED)
                if client in (None, one.client) and messages.covers(topic, one.topic)
            ]  # fmt: skip
            same(isr.load_history(client, topic, **SPAN, refresh=True, portal=portal), wanted)


def test_a_portal_that_gives_one_topic_at_a_time_is_asked_for_one(home):
    """And a question without one says what is missing, and asks nothing."""
    server = ByPath("topic", "The full platform path, exactly", lambda g, p: g == p, client=True)
    with portals.mocked(server, home) as portal:
        wanted = [one for one in inside(STORED) if (one.client, one.topic) == ("dev-a", "state/relay")]
        same(isr.load_history("dev-a", "state/relay", **SPAN, portal=portal), wanted)
        with pytest.raises(UsageError, match="one topic at a time"):
            isr.load_history("dev-a", **SPAN, portal=portal)


class Unfound(ByPath):
    """Says that there is nothing in a range by 404."""

    def answer(self, url, _):
        """Answer a request."""
        status, headers, body = super().answer(url, _)
        nothing = status == 200 and json.loads(body) == {"messages": []}
        return self.told(404, {"detail": "Not Found"}) if nothing else (status, headers, body)


def test_a_range_that_is_not_found_is_empty_if_others_are_answered_behind_the_prefix(home):
    """What the portal is asked instead begins with the prefix, too; else it would find nothing, and be refused."""
    server = Unfound("topic_prefix", "Begins with {account_id}/{client_id}", lambda g, p: p.startswith(g))
    with portals.mocked(server, home) as portal, pytest.warns(UserWarning, match="no message of dev-a · x"):
        assert isr.load_history("dev-a", "x", start="2026-10-31", end="2026-10-31T12:00", portal=portal).empty
