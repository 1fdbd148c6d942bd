"""Lists in pages over HTTP: each row once, whatever changes in it, and no question too many."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3

import httpx
import portals
import pytest
from portal_odd import Listed, give
from portals import ACCOUNT, API

import isr_analysis as isr
from isr_analysis.errors import AnswerError, PortalUnavailableError, QuotaExhaustedError


def publisher(client_id, **more):
    """A row of the list of publishers."""
    return {"client_id": client_id, "topic": f"{ACCOUNT}/{client_id}/#", **more}


@pytest.mark.parametrize(
    ("tail", "load", "row"),
    [
        ("/publishers", isr.load_publishers, lambda i, n: {"clientId": f"d{i}", "topic": "x", "lastSeen": n}),
        ("/members", isr.mgmt.load_members, lambda i, n: {"email": f"{i}@example.com", "role": "member", "active": n}),
        ("/members", isr.mgmt.load_members, lambda i, n: {"role": "member", "user": {"id": i, "active": n}}),
        ("/members/invites", isr.mgmt.load_invites, lambda i, n: {"invite_id": i, "email": "a@b.ch", "asked": n}),
    ],
)
def test_rows_in_which_something_changes_are_the_same_rows(home, tail, load, row):
    """A portal that gives the same ten whatever is asked is not asked for ever, and has ten."""
    answers = itertools.count()

    def rows(_):
        number = next(answers)
        assert number < 20
        return [row(i, number) for i in range(10)]

    server = Listed(tail, rows)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(load(portal=portal)) == 10


@pytest.mark.parametrize("total", [{}, {"total": 4}])
def test_pages_that_the_portal_names_are_taken_whole(home, total):
    """Two channels of one topic, and two logins of one client, may be on two pages."""

    def page(rows, asked):
        at = int(asked.get("cursor", 0))
        return {"items": rows[at : at + 2], "next_cursor": str(at + 2) if at + 2 < len(rows) else None, **total}

    said = {"client_id": "a", "topic": "telemetry/watt_meter", "time": "2026-11-05T00:00:00Z"}
    channels = [{**said, "payload": {"chan": i}} for i in range(4)]
    with (
        portals.serve(Listed("/publishers/live", lambda asked: page(channels, asked))) as origin,
        portals.connect(origin, home / "live") as portal,
    ):
        assert sorted(isr.load_live(portal=portal)["chan"]) == [0, 1, 2, 3]
    logins = [publisher("a", login=f"pub-{i}") for i in range(4)]
    with (
        portals.serve(Listed("/publishers", lambda asked: page(logins, asked))) as origin,
        portals.connect(origin, home / "list") as portal,
    ):
        assert len(isr.load_publishers(portal=portal)) == 4


def test_a_number_that_the_portal_does_not_follow_is_not_counted_on(home):
    """It gives the same rows for each page, and says each time that there is more."""
    answers = itertools.count()

    def rows(_):
        assert next(answers) < 30
        return {"items": [publisher(f"d{i}", seen=len(server.log)) for i in range(3)], "has_more": True}

    server = Listed("/publishers", rows, "page")
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(AnswerError, match="would not be whole"),
    ):
        isr.load_publishers(portal=portal)


def test_pages_are_counted_behind_what_a_size_gave(home):
    """The first pages hold what is known, where a size led on, which was cut as well."""
    stored = [publisher(f"d{i:02d}") for i in range(55)]

    def rows(asked):
        size, page = min(int(asked.get("limit", 10)), 20), int(asked.get("page", 1))
        return stored[(page - 1) * size : page * size]

    server = Listed("/publishers", rows)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_publishers(portal=portal)) == 55


@pytest.mark.parametrize("pager", ["page", "offset"])
@pytest.mark.parametrize("total", [20, 25])
@pytest.mark.parametrize(
    "notes",
    [
        lambda _, pages: {"total_pages": pages},
        lambda begin, pages: {"current_page": begin // 10 + 1, "last_page": pages},
        lambda begin, pages: {"pagination": {"current": begin // 10 + 1, "total": pages}},
        lambda begin, pages: {"next_page": begin // 10 + 2 if begin // 10 + 1 < pages else None},
        lambda *_: {"count": 10},
    ],
)
def test_a_list_that_half_says_how_long_it_is_is_whole(home, notes, total, pager):
    """By how many pages there are, or how long this one is; the number that it shows it may not follow."""
    stored = [publisher(f"d{i:02d}") for i in range(total)]

    def rows(asked):
        begin = int(asked.get("offset", 0)) if pager == "offset" else 10 * int(asked.get("page", 1)) - 10
        return {"items": stored[begin : begin + 10], **notes(begin, -(-total // 10))}

    with portals.serve(Listed("/publishers", rows)) as origin, portals.connect(origin, home) as portal:
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == [one["client_id"] for one in stored]


@pytest.mark.parametrize("size", [10, 20])
def test_a_publisher_with_a_newer_message_is_one_all_the_same(home, size):
    """Where each has one, and the list is given again, or up to a size; the newer one is of another channel."""
    looks = itertools.count()

    def rows(asked):
        look = next(looks)
        assert look < 30
        said = {"topic": "telemetry/relay", "time": "2026-11-05T00:00:00Z"}
        chans = [look if i == 3 else 1 for i in range(20)]
        found = [{"client_id": f"d{i:02d}", **said, "payload": {"chan": chan}} for i, chan in enumerate(chans)]
        return found[: min(int(asked.get("limit", 10)), size)]

    with portals.serve(Listed("/publishers/live", rows)) as origin, portals.connect(origin, home) as portal:
        assert isr.load_live(portal=portal)["client_id"].tolist() == [f"d{i:02d}" for i in range(size)]


@pytest.mark.parametrize("total", [{}, {"total": 25}])
@pytest.mark.parametrize("pager", ["offset", "page", "limit"])
def test_channels_of_one_topic_are_rows_of_their_own(home, pager, total):
    """Where a live answer has each, and is cut among them without a word; each has another value at each look."""
    values = itertools.count()

    def channel(i):
        whose = {"station_controller_device_id": "SC-1", "type": "relay", "chan": i % 8 + 1, "module": i // 8}
        said = {"client_id": "a", "topic": f"{ACCOUNT}/a/telemetry/relay", "time": "2026-11-05T00:00:00Z"}
        return {**said, "payload": {**whose, "value": next(values)}}

    def rows(asked):
        size = int(asked.get("limit", 10)) if pager == "limit" else 10
        begin = int(asked.get(pager, 0)) if pager == "offset" else 0
        begin = 10 * int(asked.get(pager, 1)) - 10 if pager == "page" else begin
        return {"publishers": [channel(i) for i in range(25)][begin : begin + size], **total}

    with portals.serve(Listed("/publishers/live", rows)) as origin, portals.connect(origin, home) as portal:
        live = isr.load_live(portal=portal)
    assert len(live) == len({*zip(live["chan"], live["module"], strict=True)}) == 25


@pytest.mark.parametrize(
    "envelope",
    [
        lambda rows, after: {"data": rows, "meta": {"next_cursor": after}},
        lambda rows, after: {"things": rows, "paging": {"next_cursor": after}},
        lambda rows, after: {"publishers": rows, "onward": {"next_cursor": after}},
    ],
)
def test_rows_under_their_ids_come_in_pages_too(home, envelope):
    """An object beside them is none of them, and may name the next page; what each says of itself does not."""
    stored = {f"d{i}": {"topic": f"{ACCOUNT}/d{i}/#", "next_page": "report"} for i in range(6)}

    def rows(asked):
        begin = int(asked.get("cursor", 0))
        part = dict([*stored.items()][begin : begin + 3])
        return envelope(part, str(begin + 3) if begin + 3 < len(stored) else None)

    with portals.serve(Listed("/publishers", rows)) as origin, portals.connect(origin, home) as portal:
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == [*stored]


@pytest.mark.parametrize("size", [10, 16, 25, 32])
def test_a_list_that_says_nothing_is_cut_at_round_numbers(home, size):
    """Those that programmers choose; then the rest is asked for."""
    stored = [publisher(f"d{i:02d}") for i in range(60)]

    def rows(asked):
        begin = int(asked.get("offset", 0))
        return stored[begin : begin + size]

    with portals.serve(Listed("/publishers", rows)) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_publishers(portal=portal)) == 60


@pytest.mark.parametrize(
    ("count", "notes"),
    [
        (0, {}), (7, {}), (10, {"total": 10}), (10, {"page": 1, "pages": 1}), (10, {"pages": 1}), (10, {"next": None}),
        (10, {"has_more": False}), (12, {"count": 12}),
    ],
)  # fmt: skip
def test_a_list_that_is_whole_is_asked_for_once(home, count, notes):
    """No request is spent on what the answer says itself, or on what is no limit of anybody's."""
    server = Listed("/publishers", lambda _: {"publishers": [publisher(f"d{i:02d}") for i in range(count)], **notes})
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert portal.account_id
        server.log.clear()
        assert len(isr.load_publishers(portal=portal)) == count
    assert server.log == [("/publishers", {})]


def test_a_list_of_less_than_its_pages_hold_is_no_list(home):
    """It says that there are three, and gives one, whatever is asked."""
    server = Listed("/publishers", lambda _: {"items": [publisher("a"), publisher("b")], "pages": 3})
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(AnswerError, match=r"states 3 pages of .* and gave 2 rows"),
    ):
        isr.load_publishers(portal=portal)


def test_a_document_that_cannot_be_had_is_not_asked_for_with_each_list(home):
    """Five publishers are all, mostly; a portal that fails at its documentation is asked for it now and then."""
    server = Listed("/publishers", lambda _: [publisher(f"d{i}") for i in range(5)], "page")
    server.document = None
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(3):
            assert len(isr.load_publishers(max_age="0s", portal=portal)) == 5
    assert server.log.count(("/openapi.json", {})) == 4  # at once, as of each question at which a portal fails


@pytest.mark.parametrize(
    "pages",
    [
        {},
        {
            "/docs": "<script>SwaggerUIBundle({url: '/swagger/v1/swagger.json'})</script>",
            "/swagger/v1/swagger.json": "",
        },
        {"/docs": '<script src="/docs/swagger-ui-init.js"></script>', "/docs/swagger-ui-init.js": "let options = "},
    ],
)
def test_while_the_portal_is_away_its_document_is_read_from_disk(home, pages):
    """In another process, too, and wherever it was found: it names by what the pages were asked for."""
    stored = [publisher(f"d{i:02d}") for i in range(25)]

    def rows(asked):
        begin = 10 * int(asked.get("page_no", 1)) - 10
        return stored[begin : begin + 10]

    server = Listed("/publishers", rows, "page_no")
    if pages:
        server.is_documented, plain = False, server.answer
        pages = {path: text if "<" in text else text + json.dumps(server.document) for path, text in pages.items()}
        server.answer = lambda url, headers: (
            (200, {"Content-Type": "text/plain"}, pages[path].encode())
            if (path := httpx.URL(url).path) in pages else plain(url, headers)
        )  # fmt: skip
    with portals.serve(server) as origin:
        with portals.connect(origin, home) as portal:
            assert len(isr.load_publishers(portal=portal)) == 25
        server.answer = lambda *_: give({"detail": "down"}, 503)
        for is_offline in (False, True):
            with portals.connect(origin, home) as portal:
                object.__setattr__(portal.profile, "is_offline", is_offline)
                portal.wire.allow(0 if is_offline else None)
                assert len(isr.load_publishers(max_age="0s", portal=portal)) == 25


@pytest.mark.parametrize("note", [{"total": 25}, {"has_more": True}])
def test_offline_what_is_not_on_disk_of_a_list_is_not_laid_at_the_portal(home, note):
    """Its first page came, and then the quota was used up: the answer was understood."""
    server = Listed("/publishers", lambda _: {"items": [publisher(f"d{i}") for i in range(10)], **note})
    with portals.serve(server) as origin:
        plain = server.answer
        server.answer = lambda url, headers: plain(url, headers) if "?" not in url else give({}, 429)
        with portals.connect(origin, home) as portal, pytest.raises(QuotaExhaustedError):
            isr.load_publishers(portal=portal)
        with portals.connect(origin, home) as portal:
            object.__setattr__(portal.profile, "is_offline", True)
            portal.wire.allow(0)
            with pytest.raises(PortalUnavailableError, match="list of publishers is not on disk"):
                isr.load_publishers(portal=portal)


def test_pages_stay_on_disk_until_their_list_is_read_anew(home):
    """However they are asked for: without them a list that says nothing of pages would be cut. Older ones go then."""
    stored = [publisher(f"d{i:02d}") for i in range(25)]

    def rows(asked):
        if "format" not in asked:
            return {"detail": "format is required"}, 422
        begin = 10 * int(asked.get("page_no", 1)) - 10
        return stored[begin : begin + 10]

    server = Listed("/publishers", rows, "page_no")
    wanted = {"name": "format", "in": "query", "required": True, "schema": {"type": "string", "enum": ["json"]}}
    server.document["paths"][f"{API}/publishers"]["get"]["parameters"].append(wanted)
    turns = itertools.count()

    def members(asked):
        turn = next(turns)
        return {"members": [{"email": f"{turn}@b.ch"}], **({} if "cursor" in asked else {"next_cursor": f"c{turn}"})}

    others = Listed("/members", members)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_publishers(portal=portal)) == 25
        with contextlib.closing(sqlite3.connect(portal.folder / "responses.sqlite")) as db, db:
            db.execute("UPDATE responses SET expires = expires - 100000")
        server.answer = others.answer
        for _ in range(3):
            assert len(isr.mgmt.load_members(max_age="0s", portal=portal)) == 2
        with contextlib.closing(sqlite3.connect(portal.folder / "responses.sqlite")) as db:
            urls = [json.loads(text)["url"] for (text,) in db.execute("SELECT value FROM responses")]
            assert sum("/members" in one for one in urls) == 2, urls
        server.answer = lambda *_: give({"detail": "down"}, 503)
        assert len(isr.load_publishers(max_age="0s", portal=portal)) == 25
