"""Portals that answer in odd ways: exactly the messages of the range all the same."""

from __future__ import annotations

import base64
import dataclasses
import json
import threading
from urllib.parse import urlencode

import httpx
import portal_rows
import portals
import pytest
from portal_odd import MINUTES, SPAN, Odd, ends, give, rows
from portal_rows import iso
from portals import API, FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import errors, times
from isr_analysis.times import DAY, HOUR, SECOND

TOLERABLE = {
    "gives everything at once, whatever is asked": lambda server, _asked, _n: rows(server.stored),
    "has no messages and says so with 404": None,
    "has no content": None,
    "has no messages and says so in words alone": None,
    "has no messages and says so in an object alone": None,
    "does not follow the end": lambda server, asked, _n: rows(
        [m for m in server.stored if m.at >= portal_rows.read_instant("iso", asked["start"])]
    ),
    "does not follow the start, newest first": lambda server, asked, _n: rows(
        [m for m in server.stored[::-1] if m.at < portal_rows.read_instant("iso", asked["end"])]
    ),
    "repeats the cursor that it was asked with": lambda server, asked, _n: (
        rows(server.stored[:60], cursor=None, next_cursor="b")
        if "cursor" not in asked
        else rows(server.stored[60:], cursor="b", next_cursor=None)
    ),
    "always names a cursor, in an empty page the one it was asked with": lambda server, asked, _n: (
        rows([], next_cursor="end")
        if asked.get("cursor") == "end"
        else rows(server.stored[60:], next_cursor="end")
        if "cursor" in asked
        else rows(server.stored[:60], next_cursor="b")
    ),
    "takes its cursor alone": lambda server, asked, _n: (
        give({"detail": "cursor must not be combined with other parameters"}, 400)
        if "cursor" in asked and len(asked) > 1
        else rows(
            server.stored[(i := int(asked.get("cursor", 0))) : i + 40], next_cursor=str(i + 40) if i < 80 else None
        )
    ),
    "names an undocumented cursor": lambda server, asked, _n: (
        rows(server.stored[:60], nextPageToken="b") if "pageToken" not in asked else rows(server.stored[60:])
    ),
    "names a cursor that nothing takes": lambda server, asked, _n: rows(
        [m for m in server.stored if portal_rows.read_instant("iso", asked["start"]) <= m.at][:40],
        **({"marker": "m"} if portal_rows.read_instant("iso", asked["start"]) < server.stored[60].at else {}),
    ),
    "numbers its pages without a word in the document": lambda server, asked, _n: rows(
        server.stored[(p := int(asked.get("page", 1)) - 1) * 40 : p * 40 + 40], page=p + 1, pages=3, total=100
    ),
    "names the number of the next page": lambda server, asked, _n: rows(
        server.stored[(p := int(asked.get("page", 1)) - 1) * 40 : p * 40 + 40], next_page=p + 2 if p < 2 else None
    ),
    "fails twice and recovers": lambda _server, _asked, n: give("oops", 503) if n < 3 else None,
    "is in no order": lambda server, asked, _n: rows(sorted(server._in(asked), key=lambda m: hash((m.at, 7)))),
}
EMPTY = {
    "has no messages and says so with 404": lambda *_: give({"detail": "No messages found in this range"}, 404),
    "has no content": lambda *_: give(b"", 204),
    "has no messages and says so in words alone": lambda *_: give("No data", content_type="text/plain"),
    "has no messages and says so in an object alone": lambda *_: give({"message": "No data found for this range."}),
}


@pytest.mark.parametrize("way", TOLERABLE)
def test_what_can_be_had_in_an_odd_way_is_had(home, way):
    """Exactly the messages of the range, or none where there are none."""
    stored = sorted(
        [
            Message(FIRST + 3 * HOUR, "dev-a", "t/x", {"i": -1}),
            *MINUTES[1:],
            Message(FIRST + 2 * DAY + HOUR, "dev-a", "t/x", {"i": -2}),
        ],
        key=lambda m: m.at,
    )
    how = TOLERABLE[way]
    if "cursor" in way or "page" in way or "recovers" in way:
        stored = MINUTES
    with portals.mocked(Odd(how or EMPTY[way], Dialect(cap=5000, doc=None), stored), home) as portal:
        df = isr.load_history(**SPAN, portal=portal)
        expected = [] if how is None else [m.payload["i"] for m in stored if m.payload["i"] >= 0]
        assert (df["i"].tolist() if len(df) else []) == expected


@pytest.mark.parametrize("nothing", [b"null", b"No data access", b'{"message": "no data", "error": "backend down"}'])
def test_nothing_is_believed_where_the_portal_says_only_that(home, nothing):
    """Go writes an array without elements as null; words that say more are no answer."""

    def how(server, asked, _n):
        found = [portal_rows.plain(one) for one in server._in(asked)]
        return give(found) if found else give(nothing, content_type="application/json")

    stored = [*MINUTES, Message(NOW - HOUR, "dev-a", "t/x", {"i": -1})]
    with portals.mocked(Odd(how, stored=stored), home) as portal:
        if nothing == b"null":
            assert len(isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)) == len(MINUTES)
        else:
            with pytest.raises((errors.AnswerError, errors.RequestRefusedError)):
                isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)


def test_an_end_in_the_future_is_asked_for_once(home):
    """Where instants are whole seconds, the present one is not over: it is left out if the portal refuses it."""
    now, refused = portals.NOW + SECOND // 2, []
    stored = [Message(portals.NOW - i * SECOND, "dev-a", "t/x", {"i": i}) for i in range(1, 100)]
    server = Server(Dialect(asked="s"), stored)

    def respond(request):
        if int(request.url.params.get("end", 0)) * SECOND > now:
            refused.append(request)
            return httpx.Response(400, json={"detail": "end is in the future"})
        return server.respond(request)

    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond), now=lambda: now) as portal:
        assert len(isr.load_history(last="90s", portal=portal)) == 89
        assert len(isr.load_history(last="90s", portal=portal, refresh=True)) == 89
        assert portal.contract.history.end_is_past
        assert len(refused) == 1


def test_a_link_to_another_host_is_asked_for_at_home(home):
    """Whatever host a next link names, the token goes to the portal alone."""
    hosts = []

    def respond(request):
        hosts.append(request.url.host)
        return server.respond(request)

    server = Server(Dialect(paging="body link", pager="c", cap=30), MINUTES)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond)) as portal:
        assert len(isr.load_history(**SPAN, portal=portal)) == len(MINUTES)
    assert set(hosts) == {"127.0.0.1"}


BURSTS = [Message(FIRST + DAY + i // 30 * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(300)]


@pytest.mark.parametrize("begins", ["at", "after"])
@pytest.mark.parametrize("named", ["cursor", "ms", "link", "packed", "packed JSON"])
def test_an_instant_alone_names_no_page(home, named, begins):
    """Whether the next page begins with that instant once more or behind it: nothing is doubled, nothing left out."""

    def how(server, asked, _n):
        after = asked.get("after", iso(0))
        if named.startswith("packed") and "after" in asked:
            after = base64.urlsafe_b64decode(after + "==").decode().removeprefix('{"last": "').removesuffix('"}')
        low = portal_rows.read_instant("ms" if after.isdigit() else "iso", after)
        found = [one for one in server._in(asked) if (one.at >= low if begins == "at" else one.at > low)]
        if len(found) <= 40:
            return rows(found)
        last = found[39].at
        if named == "link":
            return rows(found[:40], next=f"{API}/history?{urlencode({**asked, 'after': iso(last)})}")
        if named.startswith("packed"):
            text = json.dumps({"last": iso(last)}) if named == "packed JSON" else str(last // 10**6)
            return rows(found[:40], next_after=base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))
        return rows(found[:40], next_after=iso(last) if named == "cursor" else last // 10**6)

    with portals.mocked(Odd(how, stored=BURSTS), home) as portal:
        assert sorted(isr.load_history(**SPAN, portal=portal)["i"]) == list(range(300))


@pytest.mark.parametrize("errors_as", ["detail", "list", "problem", "text", "html"])
def test_what_is_no_longer_kept_counts_as_empty_once(home, errors_as):
    """Days before the retention are known to be empty; of the day in which it ends, the rest is there."""
    stored = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(4 * 24)]
    server = Server(Dialect(kept=2 * DAY, errors=errors_as), stored)
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(start="2026-10-20", end="2026-11-05", portal=portal)
        assert df["i"].tolist() == [i for i in range(4 * 24) if stored[i].at >= NOW - 2 * DAY]
        first = server.count()
        assert first < 50
        with pytest.warns(UserWarning, match="gives nothing from before"):
            isr.load_history(start="2026-10-20", end="2026-11-04", portal=portal)
        assert server.count() == first


def test_retention_without_a_number_is_found_out(home):
    """Only 410 is said: the day in which the retention ends is not lost."""
    edge = FIRST + DAY + 7 * HOUR + 1234 * SECOND

    def how(server, asked, n):
        return give({"detail": "Gone"}, 410) if portal_rows.read_instant("iso", asked["start"]) < edge else None

    stored = [Message(FIRST + i * 600 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(3 * 144)]
    server = Odd(how, Dialect(cap=5000), stored)
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)
        assert df["i"].tolist() == [i for i, m in enumerate(stored) if m.at >= edge]
        assert server.count() < 30


@pytest.mark.parametrize("kept", [3, 40])
@pytest.mark.parametrize("documented", [True, False])
@pytest.mark.parametrize("shortest", [0, HOUR])
def test_a_range_that_is_not_found_may_begin_before_the_retention(home, kept, documented, shortest):
    """Without a word 404 may as well say that nothing is there: of the day in which the retention ends, the rest is.

    That its end is answered shows it, though the portal may take nothing as short as an end.
    """
    edge = NOW - kept * DAY + 1234 * SECOND

    def how(server, asked, _n):
        low, high = ends(asked)
        if high - low < shortest:
            return give({"detail": "the range must be at least 1 hour"}, 400)
        if low < edge:
            return give("<title>404 Not Found</title>", 404)
        return rows([one for one in server._in(asked) if one.at >= edge])

    stored = [Message(NOW - (kept + 3) * DAY + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(10 * 24)]
    server = Odd(how, Dialect(cap=5000, doc="openapi" if documented else None), [one for one in stored if one.at < NOW])
    span = {"start": NOW - (kept + 2) * DAY, "end": min(NOW, NOW - (kept - 3) * DAY)}
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(**{name: times.iso(at) for name, at in span.items()}, portal=portal)
        assert df["i"].tolist() == [one.payload["i"] for one in server.stored if edge <= one.at < span["end"]]


def test_lists_in_pages_are_read_to_their_end(home):
    """Publishers and last messages: by cursor, or refused if it is not said how."""

    class Paged(Server):
        def answer(self, url, headers):
            status, given, body = super().answer(url, headers)
            name = {"/publishers": "items", "/publishers/live": "publishers"}.get(httpx.URL(url).path.removeprefix(API))
            if name is None or status != 200:
                return status, given, body
            listed, at = (
                json.loads(body)[name],
                int(dict(httpx.URL(url).params).get("cursor", "0").replace("same", "0")),
            )
            page = {name: listed[at : at + 2], "next_cursor": str(at + 2) if at + 2 < len(listed) else None}
            return give({**page, **extra})

    stored = [Message(FIRST + i * SECOND, f"dev-{i}", "t/x", {"i": i}) for i in range(7)]
    extra = {}
    with portals.mocked(Paged(Dialect(), stored), home) as portal:
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == [f"dev-{i}" for i in range(7)]
        assert isr.load_live(portal=portal)["i"].tolist() == list(range(7))
        assert portal.client_ids() == [f"dev-{i}" for i in range(7)]
    extra = {"next_cursor": "same"}
    with portals.mocked(Paged(Dialect(), stored), home / "other") as portal:
        for load in (isr.load_publishers, isr.load_live):
            with pytest.raises(errors.IsrError):
                load(portal=portal)


def test_an_answer_without_content_is_a_list_of_none(home):
    """204 of the publishers and of their last messages: nobody is there."""

    class Nobody(Server):
        def answer(self, url, headers):
            return (204, {}, b"") if "/publishers" in url else super().answer(url, headers)

    with portals.mocked(Nobody(Dialect(), []), home) as portal:
        assert len(isr.load_live(portal=portal)) == 0
        assert len(isr.load_publishers(portal=portal)) == 0


def clock(offset):
    """Write an instant as a clock without a zone shows it."""
    return lambda at: times.iso(at + offset).removesuffix("Z")


def test_local_times_without_a_zone_are_refused_wherever_messages_lie(home):
    """Not only where they lie so near a border that they fall out of the range."""
    noon = [Message(FIRST + DAY + 12 * HOUR, "dev-a", "t/x", {"i": 0})]
    with (
        portals.mocked(Server(Dialect(when=clock(HOUR)), noon), home) as portal,
        pytest.raises(errors.AnswerError, match="time_zone"),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_utc_without_a_zone_is_proven_once(home):
    """One request tells that instants are those that were asked for, for all that is loaded after."""
    with portals.mocked(server := Server(Dialect(when=clock(0), cap=5000), MINUTES), home) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(100))
        assert portal.habits.instants.zone_is_proven
        before = server.count()
        isr.load_history("dev-a", start="2026-11-02T02:00", end="2026-11-02T04:00", refresh=True, portal=portal)
        assert server.count() == before + 1


def test_a_portal_of_groups_is_empty_where_it_gives_none(home):
    """An object without a member is an answer only where others showed what its members are."""

    def write(rows, _):
        made = {}
        for row in rows:
            made.setdefault(row["client_id"], []).append({k: v for k, v in row.items() if k != "client_id"})
        return portal_rows.json_body(made)

    with portals.mocked(Server(Dialect(write=write, cap=5000, paging="none"), MINUTES), home / "1") as portal:
        assert len(isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)) == 0
        assert len(isr.load_history(**SPAN, portal=portal)) == 100
    with (
        portals.mocked(Odd(lambda *_: give({})), home / "2") as portal,
        pytest.raises(errors.AnswerError, match="no rows"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("documented", [True, False])
def test_the_unit_of_a_number_that_nobody_states_is_found_out(home, unit, documented):
    """By asking: with the wrong one the portal gives nothing, which is not taken for an answer."""

    class Numbers(Server):
        def _document(self, *_):
            if not documented:
                return self._refuse(404, "Not Found")
            listed = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("start", "end")]
            return give({"paths": {f"{API}/history": {"get": {"parameters": listed}}}})

        def _range(self, asked):
            if not asked["start"].isdigit():
                raise ValueError("start: Input should be a valid integer")
            return super()._range(asked)

    server = Numbers(Dialect(asked=unit, cap=5000), MINUTES)
    with portals.mocked(server, home) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(100))
        assert portal.contract.history.time_form == unit
    with portals.mocked(server, home, now=lambda: NOW + 300 * DAY) as portal:  # nothing came for months
        assert isr.load_history(start="2026-12-01", end="2026-12-02", portal=portal).empty
        assert portal.contract.history.time_form == unit


def test_a_client_of_other_capitals_is_no_empty_frame(tmp_path):
    """A portal that knows no capitals answers under the name that it has; left out, its messages would be lost."""
    odd = Odd(lambda server, asked, _n: rows(server._in(asked)))
    with portals.serve(odd) as origin, portals.connect(origin, tmp_path) as portal:
        with pytest.raises(errors.UsageError, match="client_id='DEV-A': the portal answers with messages of 'dev-a'"):
            isr.load_history("DEV-A", "t/x", **SPAN, portal=portal)
        assert len(isr.load_history("dev-a", "t/x", **SPAN, portal=portal)) == len(MINUTES)


def test_a_client_that_is_answered_under_a_name_that_no_list_has_is_no_empty_frame(tmp_path):
    """An id of the database, say; a client that is listed, of which nothing came, is silent all the same."""
    named = "1001"
    stored = [*MINUTES, Message(FIRST, "dev-b", "t/x", {"i": 0})]
    odd = Odd(lambda at, asked, _n: rows([dataclasses.replace(m, client=named) for m in at._in(asked)]), None, stored)
    with portals.serve(odd) as origin, portals.connect(origin, tmp_path) as portal:
        with pytest.raises(errors.UsageError, match="client_id='dev-a': the portal answers with messages of '1001'"):
            isr.load_history("dev-a", "t/x", **SPAN, portal=portal)
        assert set(isr.load_history(topic="t/x", **SPAN, portal=portal)["client_id"]) == {"1001"}
    named = "dev-a"
    with portals.serve(odd) as origin, portals.connect(origin, tmp_path / "other") as portal:
        assert isr.load_history("dev-b", "t/x", **SPAN, portal=portal).empty


def test_days_that_are_asked_for_at_once_learn_together_what_their_payloads_are(home):
    """A day of one short payload shows not that it is base64; of those that other threads wait for, none is left so."""
    numbers = [Message(FIRST + day * DAY + HOUR, "dev-a", "t/x", 100 + day) for day in range(-3, 4)]
    objects = [Message(FIRST - 10 * DAY + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(20)]
    others_ask = threading.Event()

    def answer(server, asked, _n):
        found = server._in(asked)
        if len(found) == 1:  # a day: the first one is answered at once, those beside it once its thread asks again
            day = (found[0].at - FIRST) // DAY
            if day > 0:
                others_ask.set()
            elif day > -3:
                assert others_ask.wait(30)
        return give([portal_rows.as_hidden_base64(one) for one in found])

    with portals.mocked(Odd(answer, Dialect(cap=5000, doc=None), objects + numbers), home) as portal:
        df = isr.load_history(start="2026-10-29", end="2026-11-05", portal=portal)
        assert df["value"].tolist() == [one.payload for one in numbers]


def test_a_topic_is_found_behind_as_many_pages_of_others_as_it_takes(home):
    """Where the portal reads first, and then leaves out what was not asked for."""
    stored = [Message(FIRST + i * SECOND, "dev-a", "x" if i < 3400 else "y", {"n": i}) for i in range(3500)]

    def respond(server, asked, _n):
        at = int(asked.get("cursor", 0))
        page = server._in({name: one for name, one in asked.items() if name != "topic"})[at : at + 40]
        found = [one for one in page if asked.get("topic", one.topic) == one.topic]
        return rows(found, **({"next_cursor": str(at + 40)} if len(page) == 40 else {}))

    server = Odd(respond, Dialect(cap=40, topic="topic"), stored)
    with portals.mocked(server, home) as portal:
        span = {"start": "2026-11-01", "end": "2026-11-01T01:00"}
        assert isr.load_history("dev-a", "y", **span, portal=portal)["n"].tolist() == list(range(3400, 3500))
