"""Portals whose documents do not say how a range is asked for, or say it wrongly; unasked they give the last day."""

from __future__ import annotations

import re

import portal_rows
import portals
import pytest
from portal_messages import same
from portal_odd import Odd, give, rows
from portals import API, FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError, RequestRefusedError
from isr_analysis.times import DAY, HOUR, MINUTE, Range

SPAN = {"start": "2026-11-01", "end": "2026-11-03"}
STORED = [Message(FIRST + i * 7 * MINUTE, f"dev-{i % 3}", "t/x", {"i": i}) for i in range(860)]
INSIDE = [one for one in STORED if one.at < FIRST + 2 * DAY]


def query(name, **schema):
    """Write a query parameter."""
    return {"name": name, "in": "query", "schema": schema or {"type": "string"}}


ISO = {"type": "string", "format": "date-time"}
PAGES = (query("cursor"), query("page_size", type="integer"))
UNSAID = {
    "no parameters": [],
    "words alone": [],
    "one of no range": [query("client_id")],
    "names that tell nothing": [*PAGES, query("lo_t"), query("hi_t")],
    "instants under names that tell nothing": [*PAGES, query("opening", **ISO), query("closing", **ISO)],
    "references to another file": [*PAGES, {"$ref": "./parameters.json#/Since"}, {"$ref": "./parameters.json#/Until"}],
    "an object written as JSON": [*PAGES, {"name": "filter", "in": "query", "content": {"application/json": {}}}],
}


class Unsaid(Odd):
    """A portal with a document of these parameters that takes the ends of the range by names of its own."""

    def __init__(self, listed, start, end, *, strict):
        super().__init__(self._of_range, Dialect(doc="openapi", cap=10_000), STORED)
        self.listed, self.ends, self.strict = listed, (start, end), strict

    def _of_range(self, _, asked, _nth):
        if self.strict and (odd := next((name for name in asked if name not in (*self.ends, "cursor")), None)):
            return give({"message": [f"property {odd} should not exist"]}, 400)
        low, high = (times.instant(asked[name]) if name in asked else None for name in self.ends)
        low, high = NOW - DAY if low is None else low, NOW if high is None else high
        return give({"items": [portal_rows.plain(one) for one in self.stored if low <= one.at < high], "next": None})

    def _document(self, path):
        if path != f"{API}/openapi.json":
            return self._refuse(404, "Not Found")
        get = {"description": "Stored messages, by `from` and `to`.", "parameters": self.listed}
        return give({"openapi": "3.1.0", "paths": {f"{API}/history": {"get": get}}})


@pytest.mark.parametrize(
    ("ends", "strict"), [(("start", "end"), True), (("from", "to"), True), (("start_ts", "end_ts"), False)]
)
@pytest.mark.parametrize("listed", UNSAID)
def test_what_a_document_does_not_say_is_found_out(home, listed, ends, strict):
    """The last day is not taken for all there is: the usual names are tried, and the range is whole."""
    with (
        portals.serve(Unsaid(UNSAID[listed], *ends, strict=strict)) as origin,
        portals.connect(origin, home) as portal,
    ):
        same(isr.load_history(**SPAN, portal=portal), INSIDE)
        assert "does not say how a range is asked for" in portal.contract.source


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("listed", UNSAID)
def test_what_cannot_be_found_out_is_an_error(home, listed, strict):
    """Where no usual name is the portal's own: nothing is lost without a word, neither long ago nor of late."""
    server = Unsaid(UNSAID[listed], "lo_t", "hi_t", strict=strict)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for span in (SPAN, {"last": "2d"}):
            with pytest.raises(AnswerError, match=r"\[history\] of a contract file|Say in a contract file"):
                isr.load_history(**span, portal=portal)


def test_the_error_names_what_may_be_the_range(home):
    """With the names that the document lists, and what a file says then; with that file all is there."""
    server = Unsaid(UNSAID["names that tell nothing"], "lo_t", "hi_t", strict=True)
    words = r"unless by lo_t, hi_t.* Name its start and end under \[history\] of a contract file"
    with portals.serve(server) as origin:
        with portals.connect(origin, home) as portal, pytest.raises(AnswerError, match=words):
            isr.load_history(**SPAN, portal=portal)
        file = home.parent / "mine.toml"
        file.write_text('[history]\nstart = "lo_t"\nend = "hi_t"\n')
        with portals.connect(origin, home, contract_file=file) as portal:
            same(isr.load_history(**SPAN, portal=portal), INSIDE)


def test_a_condition_in_a_language_is_written_as_a_file_says(home):
    """As OData's $filter takes it, or MongoDB's where; the error says so, and names what the document lists."""

    def answer(server, asked, _nth):
        low, high = FIRST - DAY, NOW
        if "$filter" in asked:
            found = re.fullmatch(r"Time ge (\S+) and Time lt (\S+)", asked["$filter"])
            low, high = times.instant(found[1]), times.instant(found[2])
        return give({"value": [portal_rows.plain(one) for one in server.stored if low <= one.at < high]})

    server = Unsaid([query("$filter"), query("$top", type="integer")], None, None, strict=False)
    server._how = answer
    words = r"unless by \$filter.* as divider = "
    with portals.serve(server) as origin:
        with portals.connect(origin, home) as portal, pytest.raises(AnswerError, match=words):
            isr.load_history(**SPAN, portal=portal)
        file = home.parent / "mine.toml"
        divider = "Time ge {start} and Time lt {end}"
        file.write_text(f'[history]\nstart = "$filter"\nend = "$filter"\ndivider = "{divider}"\n')
        with portals.connect(origin, home, contract_file=file) as portal:
            same(isr.load_history(**SPAN, portal=portal), INSIDE)


def test_names_of_a_document_that_the_portal_refuses_are_not_all_it_knows(home):
    """Without them it gives the last day; it knows the usual ones."""
    server = Unsaid([query("since", **ISO), query("until", **ISO), *PAGES], "from", "to", strict=True)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), INSIDE)


@pytest.mark.parametrize("listed", [[], [query("start", **ISO), query("end", **ISO), *PAGES]])
def test_a_start_that_is_refused_alone_is_missed(home, listed):
    """The portal then begins with the last day: an error, until a file says its name, or that it has none."""
    file = home.parent / "mine.toml"
    with portals.serve(Unsaid(listed, "lo_t", "end", strict=True)) as origin:
        for span in (SPAN, {"last": "2d"}):
            words = r"asked without a start.* Name its start under \[history\] of a contract file"
            with portals.connect(origin, home) as portal, pytest.raises(AnswerError, match=words):
                isr.load_history(**span, portal=portal)
        file.write_text('[history]\nstart = "lo_t"\n')
        with portals.connect(origin, home, contract_file=file) as portal:
            same(isr.load_history(**SPAN, portal=portal), INSIDE)


def test_a_file_that_says_nothing_of_the_range_leaves_it_to_be_found_out(home):
    """A header, or a client's parameter, is not the word of the user that without a range all comes."""
    file = home.parent / "mine.toml"
    file.write_text('[headers]\nX-Tenant = "a"\n[history]\nclient = "none"\n')
    server = Unsaid([], "lo_t", "hi_t", strict=True)
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home, contract_file=file) as portal,
        pytest.raises(AnswerError, match="cannot be told whether that is all"),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_a_portal_that_always_gives_all_is_taken_at_its_word(home):
    """Of its document, if that lists how its answer is parted and nothing else; else of the user's file."""

    class All(Unsaid):
        def _of_range(self, _, asked, _nth):
            at = int(asked.get("cursor", 0))
            part = [portal_rows.plain(one) for one in self.stored[at : at + 300]]
            return give({"items": part, "next_cursor": str(at + 300) if at + 300 < len(self.stored) else None})

    early = {"start": "2026-10-20", "end": "2026-11-03"}  # from before its first message on
    file = home.parent / "mine.toml"
    file.write_text('[history]\nstart = "none"\nend = "none"\n')
    for number, (listed, said) in enumerate([(PAGES, None), ([], file)]):
        server = All(list(listed), "", "", strict=False)
        with portals.serve(server) as origin, portals.connect(origin, home / str(number), contract_file=said) as portal:
            same(isr.load_history(**early, portal=portal), INSIDE)


def test_a_refusal_of_history_says_where_it_is_answered(home):
    """What the portal wants is said in a file."""
    server = Odd(lambda *_: give({"detail": "site is required"}, 422), Dialect(doc=None))
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(RequestRefusedError, match=r"site is required.*under \[history\] of a contract file"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize(
    "more",
    [
        {"servers": [{"url": "https://staging.example/internal/v9"}, {"url": "https://portal.example/api/v1"}]},
        {"servers": [{"url": "/behind/a/proxy"}], "path": "/api/v1/subscriber/history"},
        {"servers": [{"url": "/other"}], "item": {"servers": [{"url": "/api/v1"}]}},
    ],
)
def test_the_published_route_is_asked_whatever_servers_a_document_names(home, more):
    """Other servers than the first, those of the route itself, or what a proxy on the way takes off."""
    get = {"parameters": [query("start", **ISO), query("end", **ISO)]}
    item = {more.get("path", "/subscriber/history"): {"get": get, **more.get("item", {})}}

    class Served(Server):
        def _document(self, path):
            found = {"openapi": "3.1.0", "servers": more["servers"], "paths": item}
            return give(found) if path == f"{API}/openapi.json" else self._refuse(404, "Not Found")

    server = Served(Dialect(paging="none", pager=None, limit=None, client=None, cap=10_000), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), INSIDE)


@pytest.mark.parametrize("path", [True, False])
def test_rows_are_named_by_the_answer_where_the_portal_is_not_asked_for_a_client(home, path):
    """It refused that: of its clients one alone may have messages, which is not the one that the user asked for."""

    def answer(_server, asked, _nth):
        if "client_id" in asked:
            return give({"error": "Unknown query parameter: client_id"}, 422)
        low, high = times.instant(asked["start"]), times.instant(asked["end"])
        groups = {}
        for one in STORED[1::3]:  # of dev-1
            if low <= one.at < high:
                topic = f"{portal_rows.ACCOUNT}/{one.client}/{one.topic}" if path else one.topic
                row = {"time": times.iso(one.at), "topic": topic, "payload": one.payload}
                groups.setdefault(one.client, []).append(row)
        return give({"data": groups, "next": None})

    with portals.serve(Odd(answer, Dialect(doc=None), STORED)) as origin, portals.connect(origin, home) as portal:
        df = isr.load_history(["dev-0", "dev-1"], **SPAN, portal=portal)
    same(df, [one for one in INSIDE if one.client == "dev-1"])


@pytest.mark.parametrize("paging", ["none", "offset"])
@pytest.mark.parametrize(
    ("newest_first", "span"),
    [(False, Range(FIRST, FIRST + 2 * DAY)), (True, Range(NOW - 6 * HOUR, NOW)), (True, Range(NOW - 2 * HOUR, NOW))],
)
def test_names_that_are_ignored_are_found_out_though_the_first_page_is_of_the_range(home, paging, newest_first, span):
    """As the newest messages are, or the oldest, of a portal that gives all that it has: it follows from and to."""
    every = [Message(FIRST + i * 4 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range((NOW - FIRST) // (4 * MINUTE))]

    def how(_server, asked, _n):
        low, high = (times.instant(asked.get(one, whole)) for one, whole in (("from", "2026-01"), ("to", "2027-01")))
        found = [one for one in every if low <= one.at < high][:: -1 if newest_first else 1]
        at, said = int(asked.get("offset", 0)), {"total": len(found)}
        return rows(found[at:][:20], **({**said, "offset": at} if paging == "offset" else {}))

    with portals.mocked(Odd(how, Dialect(doc=None)), home) as portal:
        same(
            isr.load_history(start=times.iso(span.start), end=times.iso(span.end), portal=portal),
            [one for one in every if span.start <= one.at < span.end],
        )


def _spring(value):
    said = "Failed to convert value of type 'String' to required type 'java.time.OffsetDateTime'"
    return give({"status": 400, "message": f"{said}; Text '{value}' could not be parsed at index 19"}, 400)


def test_words_that_lead_back_to_what_was_refused_end_there(home):
    """In circles, a day that cannot be asked for cost 21 requests of the hour's."""
    server = Odd(lambda _, asked, __: _spring(asked.get("start")))
    words = "could not be parsed at index 19"
    with portals.mocked(server, home) as portal, pytest.raises(RequestRefusedError, match=words):
        isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
    assert server.count() == 3  # as ISO 8601, as a number, and as that again


@pytest.mark.parametrize("how", [
    {"description": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}, {"pattern": r"^[0-9-]{10}T[0-9:]{8}[.][0-9]{3}Z$"},
])  # fmt: skip
def test_three_digits_are_sent_to_who_takes_no_other_number_of_them(home, how):
    """So a pattern of Java's is read, or a regular expression."""
    three = re.compile(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}(?:Z|\+00:00)")

    def answer(server, asked, _):
        wrong = next((one for name in ("start", "end") if not three.fullmatch(one := asked.get(name, ""))), None)
        return rows(server._in(asked)) if wrong is None else _spring(wrong)

    server = Odd(answer, Dialect())
    listed = [query(name, type="string", **how) for name in ("start", "end")]
    server._document = lambda _: give(
        {"openapi": "3.1.0", "paths": {f"{API}/history": {"get": {"parameters": listed}}}}
    )
    with portals.mocked(server, home) as portal:
        assert len(isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)) == len(server.stored)
