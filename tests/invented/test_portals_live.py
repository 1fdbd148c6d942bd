"""Live answers that nobody has seen: of each, exactly the last messages."""

from __future__ import annotations

import json
import logging

import httpx
import portal_rows
import portals
import pytest
from portal_messages import same
from portal_odd import give
from portals import ACCOUNT, API, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.errors import AnswerError, QuestionRefusedError
from isr_analysis.messages import Selector
from isr_analysis.portal import responses
from isr_analysis.streaming.polled import Polled
from isr_analysis.times import HOUR, SECOND

LAST = [
    Message(NOW - 90 * SECOND, "dev-a", "telemetry/temp", {"value": 1.5}),
    Message(NOW - 5 * SECOND, "dev-b", "state/relay", {"on": True}),
    Message(NOW - 3 * HOUR, "dev-c", "x", 21.5),
]
OTHER = "00000000-0000-4000-8000-000000000001"
NEVER = {"client_id": "dev-z", "label": "never published"}


def flat(one):
    """The last message beside its publisher, by names that begin so."""
    return {
        "client_id": one.client,
        "last_seen": portal_rows.iso(one.at),
        "last_topic": one.topic,
        "last_payload": one.payload,
    }


def beside(one):
    """The last message in an object of its own."""
    return {
        "id": one.client,
        "online": True,
        "last_message": {"ts": one.at // 10**6, "topic": f"{ACCOUNT}/{one.client}/{one.topic}", "payload": one.payload},
    }


def nameless(one):
    """The last message, under its client."""
    return {"last_seen": portal_rows.iso(one.at), "last_topic": one.topic, "last_payload": one.payload, "online": False}


LIVES = {
    "list": lambda: [portal_rows.plain(one) for one in LAST],
    "under data, with one that never published": lambda: {
        "data": [*map(flat, LAST), {**NEVER, "last_seen": None, "last_topic": None, "last_payload": None}]
    },
    "nested last message": lambda: {
        "publishers": [*map(beside, LAST), {"id": "dev-z", "online": False, "last_message": None}],
        "count": 4,
    },
    "keyed by client": lambda: {one.client: nameless(one) for one in LAST},
    "keyed by client, under a name": lambda: {
        "live": {
            one.client: {"time": portal_rows.iso(one.at), "topic": one.topic, "payload": one.payload} for one in LAST
        },
        "as_of": portal_rows.iso(NOW),
    },
    "when it was last seen beside what it said, keyed by client": lambda: {
        **{
            one.client: {
                "last_seen": portal_rows.iso(one.at),
                "last_message": {"topic": one.topic, "payload": one.payload},
            }
            for one in LAST
        },
        "dev-z": {"last_seen": None, "last_message": None},
    },
    "one per topic, keyed by topic": lambda: {
        "clients": [
            {"client_id": one.client, "topics": {one.topic: {"at": portal_rows.iso(one.at), "payload": one.payload}}}
            for one in LAST
        ]
    },
    "camel case in seconds": lambda: {
        "items": [
            {
                "clientId": one.client,
                "lastMessageAt": one.at / SECOND,
                "topic": one.topic,
                "payload": one.payload,
                "receivedAt": portal_rows.iso(one.at + SECOND),
            }
            for one in LAST
        ]
    },
    "payload as text": lambda: {
        "result": [{**portal_rows.as_text(one), "last_seen_at": portal_rows.iso(NOW)} for one in LAST]
    },
    "base64": lambda: [portal_rows.as_base64(one) for one in LAST],
    "base64 by its name, keyed by client and topic": lambda: {
        "clients": {
            one.client: {
                one.topic: {"ts": portal_rows.iso(one.at), "payload_base64": portal_rows.as_base64(one)["payload"]}
            }
            for one in LAST
        },
        "generated_at": portal_rows.iso(NOW),
    },
    "whole paths alone": lambda: [portal_rows.by_path(one) for one in LAST],
    "publisher beside message": lambda: {"publishers": [portal_rows.nested(one) for one in LAST]},
    "columns": lambda: {
        "columns": ["time", "client_id", "topic", "payload"],
        "rows": [list(portal_rows.plain(one).values()) for one in LAST],
    },
}


@pytest.mark.parametrize("shape", LIVES)
def test_live_gives_the_last_messages(home, shape):
    """A list, an object keyed by client, the last message nested or flat, with one that never published."""
    with portals.mocked(Server(Dialect(live=lambda _: LIVES[shape]()), LAST), home) as portal:
        df = isr.load_live(portal=portal)
        same(df, LAST)
        same(isr.load_live("dev-b", portal=portal), LAST[1:2])


def test_an_answer_that_cannot_be_read_is_asked_for_again_only_if_the_document_says_how(home):
    """A second one like it may take as long as the first: half a minute, if it does not end."""

    class Page(Server):
        def answer(self, url, headers):
            found = super().answer(url, headers)
            return (200, {"content-type": "text/html"}, b"<h1>Welcome</h1>") if url.endswith("/live") else found

    server = Page(Dialect(), LAST)
    for n in (1, 2):
        with portals.mocked(server, home) as portal, pytest.raises(AnswerError, match="a page of HTML"):
            isr.load_live(portal=portal)
        assert server.count("/live") == n


@pytest.mark.parametrize(("fields", "columns"), [("value", ["value"]), (["on", "value"], ["on", "value"]), ([], [])])
def test_fields_select_the_columns_of_the_last_messages(home, fields, columns):
    """Each message has its row all the same; a field that none has may be a slip."""
    with portals.mocked(Server(Dialect(), LAST), home) as portal:
        df = isr.load_live(fields=fields, portal=portal)
        assert (list(df), len(df)) == (["client_id", "topic", *columns], len(LAST))
        with pytest.warns(UserWarning, match=r"fields='volts'.*they have 'on', 'value'"):
            assert isr.load_live(fields="volts", portal=portal)["volts"].isna().all()


def test_nobody_published_yet(home):
    """An empty list is an empty frame with its columns."""
    for empty in ([], {"publishers": []}, {}, {"publishers": [{**NEVER, "last_message": None}]}, {"live": {}}):
        with portals.mocked(Server(Dialect(live=lambda _, e=empty: e), []), home) as portal:
            df = isr.load_live(portal=portal, max_age="1s")
            assert (len(df), list(df)[:2]) == (0, ["client_id", "topic"])
            portal.responses._session.cache.clear()


def test_a_route_that_a_proxy_has_not_for_a_while_is_waited_out(home, caplog):
    """As one on the way says of a portal that is being started anew; for an hour, and not at the first look."""
    server, clock = Server(Dialect(), LAST), [NOW]
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home, now=lambda: clock[0]) as portal,
        caplog.at_level(logging.CRITICAL),
    ):
        source = Polled(portal, Selector(), duration=None)
        tables = source.tables("0.1s")
        assert len(next(tables)) == len(LAST)
        server.answer = lambda *_: (404, {"Content-Type": "text/plain"}, b"404 page not found")
        assert len(next(tables)) == 0
        assert not source.connected
        del server.answer
        assert len(next(tables)) == 0
        assert source.connected
        server.answer = lambda *_: (404, {"Content-Type": "text/plain"}, b"404 page not found")
        next(tables)
        clock[0] += 2 * HOUR
        with pytest.raises(QuestionRefusedError, match="404 page not found"):
            next(tables)
        with pytest.raises(QuestionRefusedError, match="404 page not found"):
            next(Polled(portal, Selector(), duration=None).tables())


@pytest.mark.parametrize(("account", "topics"), [(ACCOUNT, ["telemetry/temp"]), (OTHER, [])])
def test_a_hint_names_no_topic_of_another_account(home, account, topics):
    """A live answer that holds such is dropped, as by the loader of it."""
    one = Message(NOW, "dev-a", "telemetry/temp", {"value": 1})
    rows = [{"time": portal_rows.iso(NOW), "topic": f"{account}/dev-a/telemetry/temp", "payload": one.payload}]
    server = Server(Dialect(live=lambda _: {"publishers": rows}), [one])
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert portal.heard_topics() == topics


class Cut(Server):
    """A portal that gives ten publishers at once; one parameter, which its document may name, leads on."""

    def __init__(self, stored, pager="offset", *, notes=(), documented=False):
        super().__init__(Dialect(), stored)
        self.pager, self.notes, self.documented = pager, notes, documented
        self.is_away = False

    def answer(self, url, headers):
        path, asked = httpx.URL(url).path, httpx.URL(url).params
        if self.is_away:
            return give({"detail": "down"}, 503)
        if path.endswith("/openapi.json") and self.documented:
            return give(self._with_pages(portals.document(self.dialect)))
        if not path.endswith(("/publishers/live", "/publishers")):
            return super().answer(url, headers)
        if set(asked) - {self.pager}:
            return give({"detail": "no such parameter"}, 400)
        rows = [{**portal_rows.plain(one), "topic": f"{ACCOUNT}/{one.client}/x"} for one in self.stored]
        number = int(asked.get(self.pager, "umber" in self.pager))
        begin = 10 * (number - 1) if "umber" in self.pager else number
        said = {"total": len(rows), "more": begin + 10 < len(rows), "next": begin + 10}
        notes = {name: said[name] for name in self.notes if name != "next" or said["more"]}
        return give({"publishers": rows[begin : begin + 10], **notes})

    def _with_pages(self, document):
        kind = {"type": "string"} if "oken" in self.pager else {"type": "integer", "description": "index of the first"}
        for tail in ("publishers", "publishers/live"):
            given = [{"name": self.pager, "in": "query", "schema": kind}]
            document["paths"][f"{API}/{tail}"] = {"get": {"summary": tail, "parameters": given}}
        return document


@pytest.mark.parametrize("load", [isr.load_live, isr.load_publishers])
@pytest.mark.parametrize(
    ("pager", "notes", "documented"),
    [
        ("offset", (), False), ("pageNumber", (), True), ("page[number]", ("total",), True), ("$skip", ("more",), True),
        ("start", (), True), ("startIndex", ("total", "more"), True), ("pageToken", ("next",), True),
    ],
)  # fmt: skip
def test_a_list_in_pages_is_as_long_each_time_and_without_the_portal(home, load, pager, notes, documented):
    """As the document names the pages, or as is usual: again in one connection, offline, and while the portal fails."""
    stored = [Message(NOW - i * SECOND, f"dev-{i:02d}", "x", i) for i in range(25)]
    server = Cut(stored, pager, notes=notes, documented=documented)
    with portals.serve(server) as origin:
        with portals.connect(origin, home) as portal:
            assert len(load(portal=portal)) == 25
            assert len(load(portal=portal, max_age="0s")) == 25
            server.is_away = True
            stale = load(portal=portal, max_age="0s")
            assert (len(stale), stale.attrs["stale"]) == (25, True)
        with portals.connect(origin, home) as portal:
            object.__setattr__(portal.profile, "is_offline", True)
            portal.wire.allow(0)
            assert len(load(portal=portal)) == 25


class Turning(Server):
    """A portal whose list of publishers comes in pages of two, by cursors that are others each time, or by number."""

    def __init__(self, *, numbered=False):
        super().__init__(Dialect(), [])
        self.numbered, self.clients = numbered, [f"dev-{i}" for i in range(6)]

    def answer(self, url, headers):
        path, asked = httpx.URL(url).path, httpx.URL(url).params
        if not path.endswith("/publishers"):
            return super().answer(url, headers)
        self.log.append((path, dict(asked)))
        begin = int(asked.get("cursor", "0").partition("-")[0])
        rows = [{"client_id": one, "topic": f"{ACCOUNT}/{one}/#"} for one in self.clients[begin : begin + 2]]
        more = f"{begin + 2}{'' if self.numbered else f'-{len(self.log)}'}" if begin + 2 < len(self.clients) else None
        return give({"items": rows, "next_cursor": more})


def test_the_pages_of_a_list_are_all_of_one_reading(home, monkeypatch):
    """A page that is kept from an older one would lack whoever has moved to another page since."""
    server = Turning(numbered=True)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_publishers(portal=portal)) == 6
        server.clients.insert(0, "dev")
        fresh = responses._is_fresh  # the first page is just too old, and the others are not yet
        monkeypatch.setattr(responses, "_is_fresh", lambda old, *more: "?" in old.url and fresh(old, *more))
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == server.clients


def test_the_pages_of_a_list_that_is_read_again_and_again_take_no_more_room(home):
    """Those of older readings go, and without the portal the last ones are there."""
    server = Turning()
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(5):
            assert len(isr.load_publishers(max_age="0s", portal=portal)) == 6
        with portal.responses._in_use():
            kept = portal.responses._session.cache.filter()
            assert len([one for one in kept if "/publishers" in one.url]) == 3
        object.__setattr__(portal.profile, "is_offline", True)
        portal.wire.allow(0)
        assert len(isr.load_publishers(portal=portal)) == 6


class Wanting(Cut):
    """A portal that wants a format named, or gives payloads only where they are asked for, as its document says."""

    def __init__(self, stored, wanted):
        super().__init__(stored, documented=True)
        self.dialect = Dialect(row=portal_rows.by_path)  # which tells whose the token is
        self.wanted = wanted
        self.fails = False

    def answer(self, url, headers):
        parts = httpx.URL(url)
        if parts.path.endswith("/openapi.json") and self.fails:
            self.log.append((parts.path, {}))
            return give({"detail": "down"}, 503)
        if not parts.path.endswith(("/publishers/live", "/publishers")):
            return super().answer(url, headers)
        asked = dict(parts.params)
        if self.wanted == "format" and asked.pop("format", "") != "json":
            return give({"detail": "format: Field required"}, 422)
        whole = asked.pop("include_payload", "false") == "true"
        status, given, body = super().answer(str(parts.copy_with(params=asked)), headers)
        bare = json.loads(body)
        if self.wanted == "include_payload" and not whole:
            bare["publishers"] = [{k: v for k, v in one.items() if k != "payload"} for one in bare["publishers"]]
        return give(bare, status, **given)

    def _with_pages(self, document):
        kind = {
            "format": {"required": True, "schema": {"type": "string", "enum": ["csv", "json"]}},
            "include_payload": {"schema": {"type": "boolean", "default": False}},
        }
        super()._with_pages(document)
        for tail in ("publishers", "publishers/live"):
            given = document["paths"][f"{API}/{tail}"]["get"]["parameters"]
            given.append({"name": self.wanted, "in": "query", **kind[self.wanted]})
        return document


@pytest.mark.parametrize("load", [isr.load_live, isr.load_publishers])
@pytest.mark.parametrize("wanted", ["format", "include_payload"])
def test_what_the_document_wants_of_a_list_is_asked_for(home, load, wanted):
    """Where it is not given without; again later, and offline."""
    stored = [Message(NOW - i * SECOND, f"dev-{i:02d}", "x", i) for i in range(25)]
    with portals.serve(Wanting(stored, wanted)) as origin:
        for age in ("1min", "0s"):  # the account is known the second time, and what the document says is kept
            with portals.connect(origin, home) as portal:
                assert len(load(max_age=age, portal=portal)) == len(load(max_age=age, portal=portal)) == 25
        with portals.connect(origin, home) as portal:
            object.__setattr__(portal.profile, "is_offline", True)
            portal.wire.allow(0)
            df = load(portal=portal)
            assert len(df) == 25
            if load is isr.load_live:
                assert df["value"].tolist() == [*range(25)][::-1]


def test_a_document_that_fails_is_not_asked_for_with_each_reading_of_a_list(home):
    """Of one that may be cut; nor does that hide what there is."""
    server = Wanting([Message(NOW - i * SECOND, f"dev-{i:02d}", "x", i) for i in range(25)], "")
    server.fails = True
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(5):
            assert len(isr.load_live(max_age="0s", portal=portal)) == 25
        assert server.count("/openapi.json") == 4  # once, and again as it may be well in a moment
