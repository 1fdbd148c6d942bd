"""Portals as usual frameworks make them: what their words and their empty answers look like."""

from __future__ import annotations

import base64
import json

import portal_rows
import portals
import pytest
from portal_messages import FLAT, published, same
from portal_odd import MINUTES, Odd, give, rows
from portals import API, FIRST, NOW, Dialect, Message

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR, SECOND

SPAN = {"start": "2026-11-01", "end": "2026-11-04"}
STORED = published([*FLAT, 21.5, None])
INSIDE = [one for one in STORED if FIRST <= one.at < FIRST + 3 * DAY]


class Usual(Odd):
    """A portal whose history is answered by a function of it and of the question."""

    def __init__(self, how, stored=STORED, **dialect):
        super().__init__(lambda server, asked, _n: how(server, asked), Dialect(doc=None, cap=10_000, **dialect), stored)

    def within(self, low, high, client=None):
        """Give the messages of a range, oldest first."""
        found = [one for one in self.stored if low <= one.at < high and client in (None, one.client)]
        return sorted(found, key=lambda one: one.at)


def pydantic(*failed):
    """Refuse as FastAPI does."""
    return give({"detail": [{"type": "x", "loc": ["query", name], "msg": words} for name, words in failed]}, 422)


def iso(asked, *names):
    """Read the ends of the range."""
    return (times.instant(asked[name]) for name in names)


def forbidding(server, asked):
    """Names its parameters and forbids others, all in one answer."""
    missing = [(one, "Field required") for one in ("start_time", "end_time") if one not in asked]
    extra = [(one, "Extra inputs are not permitted") for one in asked if one not in ("start_time", "end_time")]
    if missing or extra:
        return pydantic(*missing, *extra)
    return give([portal_rows.plain(one) for one in server.within(*iso(asked, "start_time", "end_time"))])


def of_dates(server, asked):
    """Takes dates, the last one included, and says so as pydantic does."""
    if any("T" in asked[name] for name in ("start", "end")):
        words = "Datetimes provided to dates should have zero time - e.g. be exact dates"
        return pydantic(("start", words), ("end", words))
    low, high = iso(asked, "start", "end")
    return give([portal_rows.plain(one) for one in server.within(low, high + DAY)])


def of_clocks(server, asked):
    """Takes no zone."""
    if asked["start"][-1] == "Z":
        return pydantic(*((name, "Input should not have timezone info") for name in ("start", "end")))
    return give([portal_rows.plain(one) for one in server.within(*iso(asked, "start", "end"))])


def of_named_units(server, asked):
    """Takes milliseconds, of a day at most, and says so by its parameters' names."""
    if missing := [(one, "Field required") for one in ("startMs", "endMs") if one not in asked]:
        return pydantic(*missing)
    low, high = int(asked["startMs"]) * 10**6, int(asked["endMs"]) * 10**6
    if high - low > DAY:
        return give({"detail": "Requested window exceeds the maximum of 24h"}, 400)
    return give([portal_rows.plain(one) for one in server.within(low, high)])


def of_unsaid_numbers(server, asked):
    """Takes milliseconds, of a day at most, and says only that a text is none."""
    if not asked["start"].isdigit():
        return give(
            {"title": "Bad Request", "detail": f"Failed to convert 'start' with value: '{asked['start']}'"}, 400
        )
    low, high = int(asked["start"]) * 10**6, int(asked["end"]) * 10**6
    if high - low > DAY:
        return give({"title": "Bad Request", "detail": "The range is too long: more than 24h"}, 400)
    return give([portal_rows.plain(one) for one in server.within(low, high)])


def linking(server, asked):
    """Links to a next page by a cursor alone, and wants the range with it."""
    if "start" not in asked:
        return give({"message": "The start field is required."}, 422)
    found, at = server.within(*iso(asked, "start", "end")), int(asked.get("cursor", "c0")[1:])
    link = f"{API}/history?cursor=c{at + 50}" if at + 50 < len(found) else None
    return give({"data": [portal_rows.plain(one) for one in found[at : at + 50]], "links": {"next": link}})


def of_lines(server, asked):
    """Streams lines under the type of JSON: nothing at all where there are none."""
    found = server.within(*iso(asked, "start", "end"))
    return give(
        b"".join(json.dumps(portal_rows.plain(one)).encode() + b"\n" for one in found), Content_Type="application/json"
    )


def of_protobuf(server, asked):
    """Leaves out whatever is empty."""
    found, at = server.within(*iso(asked, "start", "end")), int(asked.get("pageToken", 0))
    said = {"messages": [portal_rows.plain(one) for one in found[at : at + 50]]} if found[at : at + 50] else {}
    return give(said | ({"nextPageToken": str(at + 50)} if at + 50 < len(found) else {}))


def of_base64(server, asked):
    """Gives payloads in base64 without a word."""
    found = server.within(*iso(asked, "start", "end"), asked.get("client_id"))
    return give([portal_rows.as_hidden_base64(one) for one in found])


WAYS = (
    forbidding, of_dates, of_clocks, of_named_units, of_unsaid_numbers, linking, of_lines, of_protobuf, of_base64
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_message_comes_through(home, way):
    """All of the range; of a day on which there are none, as the first question of all; and of an hour or two."""
    with portals.mocked(Usual(way), home) as portal:
        assert len(isr.load_history(start="2026-11-02T03:00", end="2026-11-02T20:00", portal=portal)) == 0
        same(isr.load_history(**SPAN, portal=portal), INSIDE)
    for one in INSIDE[::40]:
        with portals.mocked(Usual(way), home / str(one.at)) as portal:
            start = one.at // SECOND * SECOND
            df = isr.load_history(start=times.iso(start), end=times.iso(start + SECOND), portal=portal)
            same(df, [other for other in INSIDE if start <= other.at < start + SECOND])


@pytest.mark.parametrize("order", ["up", "down"])
def test_a_portal_that_follows_no_range_is_read_whole(home, order):
    """Where its pages go on to their end: up to now as well, whichever end they begin at."""

    def how(server, asked):
        found, at = sorted(server.stored, key=lambda one: one.at, reverse=order == "down"), int(asked.get("offset", 0))
        page = [portal_rows.plain(one) for one in found[at : at + 20]]
        return give({"results": page, "next": f"{API}/history?offset={at + 20}" if at + 20 < len(found) else None})

    stored = STORED + [Message(FIRST + 4 * DAY + i * HOUR // 20, "dev-b", "x", {"i": i}) for i in range(60)]
    with portals.mocked(Usual(how, stored), home) as portal:
        same(isr.load_history(last="7d", portal=portal), [one for one in stored if one.at >= NOW - 7 * DAY])


def test_a_cut_answer_in_the_order_of_clients_is_not_read_on_by_its_last_instant(home):
    """Its first page may be of one client alone, oldest first: what others published before its end would be lost."""

    def how(server, asked):
        found = server.within(*iso(asked, "start", "end"))
        return give([portal_rows.plain(one) for one in sorted(found, key=lambda one: one.client)[:25]])

    with portals.mocked(Usual(how), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), INSIDE)


def test_an_echoed_page_that_stays_the_same_is_read_on_by_time(home):
    """The portal says which page it gave, and takes its number under a name that nobody tells."""

    def how(server, asked):
        found, page = server.within(*iso(asked, "start", "end")), int(asked.get("seite", 1))
        part = [portal_rows.plain(one) for one in found[page * 50 - 50 : page * 50]]
        return give({"items": part, "page": page, "has_more": len(found) > page * 50})

    with portals.mocked(Usual(how), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), INSIDE)


@pytest.mark.parametrize("order", ["up", "down"])
def test_the_last_day_is_not_all_there_is(home, order):
    """A portal that knows no name for the range gives one of its own choice, and pages to its end."""

    def how(server, asked):
        if odd := next((name for name in asked if name != "offset"), None):
            return give({"error": f"unknown parameter {odd!r}"}, 400)
        found, at = server.within(NOW - DAY, NOW), int(asked.get("offset", 0))
        found = found if order == "up" else found[::-1]
        link = f"{API}/history?offset={at + 20}" if at + 20 < len(found) else None
        return give({"items": [portal_rows.plain(one) for one in found[at : at + 20]], "next": link})

    with (
        portals.mocked(Usual(how), home) as portal,
        pytest.raises(AnswerError, match="cannot be told whether that is all"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize("form", ["date", "iso"])
def test_clocks_without_a_zone_are_proven_where_pages_begin_at_the_newest(home, form):
    """The first page about the message that is looked for may lack it, of days asked for as dates and of a burst."""

    def how(server, asked):
        low, high = iso(asked, "start", "end")
        found, at = server.within(low, high + DAY * (form == "date"))[::-1], int(asked.get("offset", 0))
        page = [portal_rows.plain(one, lambda at: times.iso(at).removesuffix("Z")) for one in found[at : at + 20]]
        return give({"items": page, "total": len(found), "offset": at, "limit": 20})

    toml = home.parent / "contract.toml"
    toml.write_text(f'history = {{ time_form = "{form}" }}')
    stored = [*STORED, *(Message(FIRST + 13 * HOUR + i * SECOND, "dev-b", "x", {"i": i}) for i in range(300))]
    with portals.mocked(Usual(how, stored), home, contract_file=toml) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
        same(df, [one for one in stored if FIRST <= one.at < FIRST + DAY])


def test_a_cursor_may_be_called_offset(home):
    """As Airtable has it: the last page has none, and a number in its place is an error of the portal's."""

    def how(server, asked, _):
        at = base64.b64decode(asked["offset"], validate=True) if "offset" in asked else b"row 0"
        if not at.startswith(b"row "):
            return give("Internal Server Error", 500)
        here, stored = int(at[4:]), server._in(asked)
        more = {"offset": base64.b64encode(b"row %d" % (here + 30)).decode()} if here + 30 < len(stored) else {}
        return rows(stored[here : here + 30], **more)

    portal = Odd(how, Dialect(paging="offset", pager="offset"))
    with portals.serve(portal) as origin, portals.connect(origin, home) as portal:
        assert [*isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)["i"]] == [*range(len(MINUTES))]
