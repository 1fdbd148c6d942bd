"""Portals as their frameworks refuse, page and write by themselves, without a document: how to ask is learned."""

from __future__ import annotations

import dataclasses
import re

import portal_rows
import portals
import pytest
from portal_messages import FLAT, SPAN, inside, published, same
from portal_odd import Odd, give
from portals import ACCOUNT, NOW, Dialect

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError, HistoryIncompleteError, RequestRefusedError, UsageError
from isr_analysis.times import DAY, SECOND

STORED = published([*FLAT, 21.5, 7], unit=SECOND)


class Framework(Odd):
    """A portal whose history is answered by a function of it and of the question."""

    def __init__(self, how):
        super().__init__(lambda server, asked, _n: how(server, asked), Dialect(doc=None), STORED)

    def within(self, low, high):
        """Give the messages of a range, oldest first."""
        return sorted((one for one in self.stored if low <= one.at < high), key=lambda one: one.at)


def clock(at):
    """2026-11-01 06:30:00."""
    return times.iso(at)[:19].replace("T", " ")


def missing(asked, *names):
    """Give those of the parameters that were not sent."""
    return [name for name in names if name not in asked]


def read(asked, *names, form=r".*Z"):
    """Read the instants; None where one is not written in the form."""
    if not all(re.fullmatch(form, asked[name]) for name in names):
        return None
    return [times.instant(asked[name].replace(" ", "T")) for name in names]


def laravel(server, asked):
    """Names each failed check twice, the second time in prose, and wants a layout of PHP's."""
    form, failed = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", {}
    for name in ("start_date", "end_date"):
        words = name.replace("_", " ")
        if name not in asked:
            failed[name] = [f"The {words} field is required."]
        elif not re.fullmatch(form, asked[name]):
            failed[name] = [f"The {words} field must match the format Y-m-d H:i:s."]
    if failed:
        return give({"message": f"{next(iter(failed.values()))[0]} (and more)", "errors": failed}, 422)
    found, page = server.within(*read(asked, "start_date", "end_date", form=form)), int(asked.get("page", 1))
    part = [portal_rows.plain(one, clock) for one in found[page * 50 - 50 : page * 50]]
    link = f"http://portal.local/api/v1/subscriber/history?page={page + 1}" if len(found) > page * 50 else None
    return give({"current_page": page, "data": part, "next_page_url": link, "per_page": 50, "total": len(found)})


def spring(server, asked):
    """Reads a LocalDateTime, and says only that what came could not be converted."""
    if lacking := missing(asked, "startTime", "endTime"):
        return give({"title": "Bad Request", "detail": f"Required parameter '{lacking[0]}' is not present."}, 400)
    span = read(asked, "startTime", "endTime", form=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
    if span is None:
        words = f"Failed to convert 'startTime' with value: '{asked['startTime']}'"
        return give({"title": "Bad Request", "detail": words}, 400)
    rows = [portal_rows.plain(one, lambda at: times.iso(at).removesuffix("Z")) for one in server.within(*span)]
    return give({"_embedded": {"messages": rows}} if rows else {"_links": {}, "page": {"totalElements": 0}})


def validated(server, asked):
    """Checks beans: what is not sent must not be null."""
    if lacking := missing(asked, "from", "to"):
        return give({"errors": [f"{name}: must not be null" for name in lacking]}, 400)
    return give([portal_rows.plain(one) for one in server.within(*read(asked, "from", "to"))])


def flask(server, asked):
    """Says in a paragraph of a page of HTML what is wrong."""
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"
    if not re.fullmatch(form, asked["start"]):
        page = f"<title>400 Bad Request</title><h1>Bad Request</h1><p>Invalid isoformat string: '{asked['start']}'</p>"
        return give(page, 400, Content_Type="text/html")
    return give([portal_rows.plain(one) for one in server.within(*read(asked, "start", "end", form=form))])


def usage(server, asked):
    """Shows its usage where a parameter is not sent."""
    if missing(asked, "from", "to") or not asked["from"].isdigit():
        return give("usage: /history?from=<ms>&to=<ms>[&client=<id>]\n", 400, Content_Type="text/plain")
    return give([portal_rows.plain(one) for one in server.within(int(asked["from"]) * 10**6, int(asked["to"]) * 10**6)])


def bracketed(server, asked):
    """Names its parameters in brackets, at the end of a sentence, and by one short word."""
    if lacking := missing(asked, "gte", "lt"):
        return give({"error": {"reason": f"missing parameter [{lacking[0]}]."}}, 400)
    return give([portal_rows.plain(one) for one in server.within(*read(asked, "gte", "lt"))])


def numbered(server, asked):
    """Takes the number of a page under the name by which its answers tell it."""
    found, page = server.within(*read(asked, "start", "end")), int(asked.get("pageNum", 1))
    part = [portal_rows.plain(one) for one in found[page * 6 - 6 : page * 6]]
    more = len(found) > page * 6
    return give({"code": 0, "data": {"list": part, "total": len(found), "pageNum": page, "hasNextPage": more}})


def skipping(server, asked):
    """Takes how much is left out under the name by which its answers tell it."""
    found, at = server.within(*read(asked, "start", "end")), int(asked.get("skip", 0))
    part = [portal_rows.plain(one) for one in found[at : at + 6]]
    return give({"items": part, "skip": at, "take": 6, "total": len(found)})


def omitting(server, asked):
    """Leaves out what is empty: rows, and the cursor of a last page."""
    found, at = server.within(*read(asked, "start", "end")), int(asked.get("cursor", 0))
    said = {"items": [portal_rows.plain(one) for one in found[at : at + 50]]} if found[at : at + 50] else {}
    return give(said | ({"cursor": str(at + 50)} if len(found) > at + 50 else {}))


def listed(server, asked):
    """Gives a list of each series' messages."""
    series = {}
    for one in server.within(*read(asked, "start", "end")):
        series.setdefault((one.client, one.topic), []).append(portal_rows.plain(one))
    return give(list(series.values()))


def typed(server, asked):
    """Keeps payloads in a column of each kind."""
    rows = [portal_rows.plain(one) for one in server.within(*read(asked, "start", "end"))]
    for row in rows:
        payload = row.pop("payload")
        of_object = isinstance(payload, dict)
        row |= {"payload_json": payload if of_object else None, "payload_num": None if of_object else payload}
    return give({"rows": rows})


def charted(server, asked):
    """Gives the newest of the range alone, oldest first, as charts want them."""
    return give([portal_rows.plain(one) for one in server.within(*read(asked, "start", "end"))[-100:]])


def limited(server, asked, *, newest=False):
    """Gives at most 20 of each series, as databases of series limit them."""
    series = {}
    for one in server.within(*read(asked, "start", "end")):
        series.setdefault((one.client, one.topic), []).append(portal_rows.plain(one))
    return give([row for rows in series.values() for row in (rows[-20:] if newest else rows[:20])])


def latest(server, asked):
    """Gives the newest of each series, at most 20."""
    return limited(server, asked, newest=True)


WAYS = (
    laravel, spring, validated, flask, usage, bracketed, numbered, skipping, omitting, listed, typed, charted,
    limited, latest,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_message_comes_through(home, way):
    """All of the range over a socket, within few requests; as the first question of all, a day without any."""
    server = Framework(way)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_history(start="2026-11-02T03:00", end="2026-11-02T20:00", portal=portal)) == 0
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        same(isr.load_history("dev-a", topic="telemetry/#", last="1d", portal=portal), [
            one for one in STORED if one.client == "dev-a" and one.topic == "telemetry/temp" and one.at >= NOW - DAY
        ])  # fmt: skip
    assert server.count() < 150


def test_json_is_asked_for_by_name(home):
    """A framework for pages of HTML sends everyone else to its login."""

    class ForBrowsers(Framework):
        def answer(self, url, headers):
            if not headers.get("accept", "").startswith("application/json"):
                return give(b"", 302, Location="/login")
            return super().answer(url, headers)

    with portals.mocked(ForBrowsers(listed), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))


WANTED = {
    "subpath": lambda one: one.topic,
    "path": lambda one: f"{ACCOUNT}/{one.client}/{one.topic}",
}


@pytest.mark.parametrize("refuses", [None, {"error": "topic: wildcards are not supported"}, {"error": "no such topic"}])
@pytest.mark.parametrize("form", WANTED)
def test_one_topic_of_one_client_is_asked_for_where_the_portal_wants_both(home, form, refuses):
    """How a topic is written is found out; nothing is empty before; without a topic the error says to name one."""

    def how(server, asked):
        if lacking := missing(asked, "client_id", "topic", "start", "end"):
            return give({"detail": [{"loc": ["query", name], "msg": "Field required"} for name in lacking]}, 422)
        if "#" in asked["topic"] and refuses:
            return give(refuses, 404 if "no such" in str(refuses) else 400)
        found = server.within(*read(asked, "start", "end"))
        found = [one for one in found if (one.client, WANTED[form](one)) == (asked["client_id"], asked["topic"])]
        return give({"items": [{"time": times.iso(one.at), "payload": one.payload} for one in found]})

    server = Framework(how)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        wanted = [one for one in inside(STORED) if (one.client, one.topic) == ("dev-a", "telemetry/temp")]
        same(isr.load_history("dev-a", "telemetry/temp", **SPAN, portal=portal), wanted)
        count = server.count()
        same(isr.load_history("dev-a", "telemetry/temp", **SPAN, portal=portal), wanted)
        assert server.count() == count < 50
        with pytest.raises(UsageError, match="name one with topic="):
            isr.load_history("dev-a", **SPAN, portal=portal)


@pytest.mark.parametrize("unit", [None, 1_000_000])
def test_a_client_without_messages_holds_up_none_where_it_is_asked_client_by_client(home, unit):
    """It shows neither what an answer without rows is, nor the unit of instants: others are asked for that."""

    def how(server, asked):
        if lacking := missing(asked, "client_id", "start", "end"):
            return give({"detail": [{"loc": ["query", name], "msg": "Field required"} for name in lacking]}, 422)
        if unit and not asked["start"].isdigit():
            return give({"detail": [{"loc": ["query", "start"], "msg": "Input should be a valid integer"}]}, 422)
        ends = [int(asked[name]) * unit if unit else times.instant(asked[name]) for name in ("start", "end")]
        groups = {}
        for one in (one for one in server.within(*ends) if one.client == asked["client_id"]):
            at = one.at // unit if unit else times.iso(one.at)
            groups.setdefault(one.topic, []).append({"ts": at, "payload": one.payload})
        return give(groups)

    server = Framework(how)
    server.stored = [dataclasses.replace(STORED[0], at=NOW - 400 * DAY, client="a-silent-one"), *STORED]
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        assert isr.load_history("a-silent-one", **SPAN, portal=portal).empty
        assert server.count() < 90


@pytest.mark.parametrize("asked_for", [(None, "#"), ("dev-a", "#"), ("dev-a", "telemetry/temp"), (None, "telemetry/#")])
def test_a_filter_that_has_to_begin_with_the_account_does(home, asked_for):
    """As of a portal that takes filters of platform paths, and refuses ``#`` alone."""

    def how(server, asked):
        if "topic" not in asked:
            return give({"detail": [{"loc": ["query", "topic"], "msg": "Field required"}]}, 422)
        if not asked["topic"].startswith(f"{ACCOUNT}/"):
            return give({"detail": "topic must start with your account id: {account_id}/..."}, 422)
        fitting = re.compile(re.escape(asked["topic"]).replace(r"\+", "[^/]+").replace(r"/\#", "(/.*)?"))
        found = [
            {"time": times.iso(one.at), "topic": path, "payload": one.payload}
            for one in server.within(*read(asked, "start", "end"))
            if fitting.fullmatch(path := f"{ACCOUNT}/{one.client}/{one.topic}")
        ]
        return give({"items": found})

    client, topic = asked_for
    wanted = [
        one
        for one in inside(STORED)
        if client in (None, one.client) and topic in ("#", one.topic, one.topic.split("/")[0] + "/#")
    ]
    assert wanted
    with portals.mocked(Framework(how), home) as portal:
        same(isr.load_history(client, topic, **SPAN, portal=portal), wanted)


@pytest.mark.parametrize("client", [None, "dev-a"])
def test_a_client_that_is_wanted_and_not_heeded_doubles_nothing(home, client):
    """Of a portal that is asked client by client, and gives all of them each time."""

    def how(server, asked):
        if "client_id" not in asked:
            return give({"detail": [{"loc": ["query", "client_id"], "msg": "Field required"}]}, 422)
        return give({"items": [portal_rows.plain(one) for one in server.within(*read(asked, "start", "end"))]})

    with portals.mocked(Framework(how), home) as portal:
        wanted = [one for one in inside(STORED) if client in (None, one.client)]
        same(isr.load_history(client, **SPAN, portal=portal), wanted)
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))


def test_devices_that_share_a_login_are_kept_where_it_is_asked_client_by_client(home):
    """Their own names are in no list of clients: what comes under them is that client's, once."""

    def how(server, asked):
        if "client_id" not in asked:
            return give({"detail": [{"loc": ["query", "client_id"], "msg": "Field required"}]}, 422)
        found = [one for one in server.within(*read(asked, "start", "end")) if one.client == asked["client_id"]]
        return give({"items": [portal_rows.plain(dataclasses.replace(one, client=f"{one.client}-1")) for one in found]})

    with portals.mocked(Framework(how), home) as portal:
        named = [dataclasses.replace(one, client=f"{one.client}-1") for one in inside(STORED)]
        same(isr.load_history(**SPAN, portal=portal), named)


def test_a_topic_of_which_nothing_shows_how_it_is_written_is_no_empty_frame(home):
    """There may be some of it, under another spelling."""

    def how(_, asked):
        lacking = missing(asked, "topic")
        return give({"error": "topic is required"}, 400) if lacking else give({"items": []})

    with portals.mocked(Framework(how), home) as portal, pytest.raises(AnswerError, match="topic_form"):
        isr.load_history("dev-a", "telemetry/temp", **SPAN, portal=portal)


@pytest.mark.parametrize("lies", [False, True])
def test_a_total_of_the_whole_table_is_told_from_one_of_the_question(home, lies):
    """It is the same for every question, and the portal says which page is the last; else the end is not proven."""

    def how(server, asked):
        found, at = server.within(*read(asked, "start", "end")), int(asked.get("cursor", 0))
        part, more = found[at : at + 50], at + 50 < len(found)
        total = len(found) + 3 if lies else 48_213
        cursor = {"next_cursor": str(at + 50)} if more else {}
        return give({"data": [portal_rows.plain(one) for one in part], "total": total, "has_more": more, **cursor})

    with portals.mocked(Framework(how), home) as portal:
        if lies:
            with pytest.raises(HistoryIncompleteError, match="states"):
                isr.load_history(**SPAN, portal=portal)
            return
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))


def test_what_is_not_found_is_empty_where_the_same_is_answered_of_late(home):
    """A page of HTML that says 404 and nothing more; of a client that the portal never answers about it is an error."""

    def how(server, asked):
        found = [one for one in server.within(*read(asked, "start", "end")) if one.client == asked["client_id"]]
        page = "<title>404 Not Found</title><h1>Not Found</h1><p>The requested URL was not found on the server.</p>"
        return give([portal_rows.plain(one) for one in found]) if found else give(page, 404, Content_Type="text/html")

    with portals.mocked(Framework(how), home) as portal:
        assert len(isr.load_history("dev-a", start="2026-11-02T03:00", end="2026-11-02T20:00", portal=portal)) == 0
        same(isr.load_history("dev-a", **SPAN, portal=portal), [one for one in inside(STORED) if one.client == "dev-a"])
        with pytest.raises(RequestRefusedError, match="404"):
            isr.load_history("dev-c", **SPAN, portal=portal)


@pytest.mark.parametrize("names", [("from", "to"), ("startTime", "endTime"), ("since", "until")])
@pytest.mark.parametrize("unit", [None, 1_000_000])
@pytest.mark.parametrize("refuses", [False, True])
def test_names_of_a_range_that_are_ignored_are_found_out(home, names, unit, refuses):
    """A portal that takes no notice of what it does not know gives the last day; it is asked by other names, once."""

    def how(server, asked):
        try:
            low, high = (int(asked[one]) * unit if unit else times.instant(asked[one]) for one in names)
        except KeyError:
            low, high = NOW - DAY, NOW
        except (ValueError, UsageError):
            if refuses:
                return give({"error": f"{names[0]} must be a Unix timestamp in milliseconds"}, 400)
            low, high = NOW - DAY, NOW
        return give({"messages": [portal_rows.plain(one) for one in server.within(low, high)]})

    server = Framework(how)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        assert (portal.contract.history.start, portal.contract.history.end) == names
        assert server.count() < 50
