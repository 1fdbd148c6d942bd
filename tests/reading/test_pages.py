"""What is asked for a span, and how often: a portal that says what it does costs no request more."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from urllib.parse import unquote

import portals
import pyarrow as pa
import pytest
from portals import EVERY_MINUTE, FIRST, NOW, SPAN, Dialect, Message, Server, read

import isr_analysis as isr
from isr_analysis import messages, times
from isr_analysis.errors import AnswerError, QuotaExhaustedError, TokenRefusedError, UsageError
from isr_analysis.messages import Selector, instants
from isr_analysis.reading.pages import pages
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND, Range


@pytest.mark.parametrize(
    ("dialect", "requests"),
    [
        (Dialect(cap=5000), 1),
        # Of several pages: once, one more shows that the oldest message was not deleted while they were read.
        (Dialect(cap=100), 15 + 1),
        (Dialect(cap=480, paging="link"), 3 + 1),
        (Dialect(cap=500, paging="body link"), 3 + 1),
        (Dialect(cap=500, paging="offset", pager="skip", total="total"), 3 + 1),
        (Dialect(cap=500, paging="page", pager="page", total="total", says=("types", "cap", "first")), 3 + 1),
        (Dialect(cap=500, paging="none", pager=None, total="total"), 3),
        (Dialect(cap=500, paging="none", pager=None, total="total", order="down", doc=None), 3),
        (Dialect(cap=1000, paging="none", pager=None), 2),
        # Nothing is said: one more proves the end, and, once, one that it is not cut at its beginning, one not thinned.
        (Dialect(cap=5000, paging="none", pager=None, doc=None), 4),
        (Dialect(cap=500, paging="none", pager=None, doc=None), 4),
    ],
)
def test_a_day_costs_what_it_must(home, dialect, requests):
    """Rows by page size, and one request more only where nothing tells the end."""
    server = Server(dialect, EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert read(portal) == sorted(one.at for one in EVERY_MINUTE if one.at < FIRST + DAY) or dialect.order == "down"
        assert server.count() == requests
        read(portal, Range(FIRST + DAY, FIRST + DAY + 6 * HOUR))
        assert server.count() <= requests + -(-360 // dialect.cap) + 1


class Bounded(Server):
    """A portal whose pages end where they are too far from the first, as those of a search do."""

    def _page(self, rows, asked, size, path):
        number = int(asked.get(self.dialect.pager, 0))
        if (number if self.dialect.paging == "offset" else (number - 1) * size) >= 300:
            return self._refuse(400, "from + size must be at most 300")
        return super()._page(rows, asked, size, path)


@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("total", [None, "total"])
@pytest.mark.parametrize("paging", ["offset", "page"])
def test_behind_the_last_page_that_can_be_named_it_is_read_by_time(home, paging, total, order):
    """Every message is there once, whichever way the pages run and whether their number is told."""
    server = Bounded(Dialect(cap=100, paging=paging, pager=paging, total=total, order=order), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert sorted(read(portal)) == [one.at for one in EVERY_MINUTE if one.at < FIRST + DAY]


def test_pieces_of_a_limited_range_do_not_overlap(home):
    """A message on the border of two pieces is in one of them, whichever ends the portal counts in."""
    borders = [Message(FIRST + i * HOUR + j, "dev", "t", 1) for i in range(24) for j in (-1000, 0, 1000)]
    for i, (start_in, end_in) in enumerate([(True, True), (True, False), (False, True), (False, False)]):
        dialect = Dialect(longest=HOUR, start_in=start_in, end_in=end_in, says=("types", "longest"), doc="openapi")
        with portals.mocked(Server(dialect, borders), home / str(i)) as portal:
            assert read(portal) == sorted(one.at for one in borders if one.at >= FIRST)


def test_a_window_of_a_day_stays_one_request_where_a_day_is_allowed(home):
    """Whether the start counts in is found out once, so that later windows need not be longer than allowed."""
    server = Server(Dialect(longest=DAY, says=("types", "longest"), cap=5000), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        read(portal)
        before = server.count()
        read(portal, Range(FIRST + DAY, FIRST + 2 * DAY))
        assert server.count() == before + 1


def test_client_by_client(home):
    """A portal that insists on a client is asked for each that there is; for one, once."""
    server = Server(Dialect(client_required=True, cap=5000), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert len(read(portal)) == 1440
        assert server.count() == 3
        assert len(read(portal, selector=Selector(("dev-1",)))) == 480
        assert server.count() == 4


def test_what_was_learned_is_asked_for_from_then_on(home):
    """A refusal costs its request once in a connection."""
    dialect = Dialect(
        doc=None, start="from", end="to", required=("from", "to"), asked="ms", strict=True, cap=500, client=None
    )
    server = Server(dialect, EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert len(read(portal)) == 1440
        before = server.count()
        assert len(read(portal, Range(FIRST + DAY, FIRST + DAY + HOUR))) == 60
        assert server.count() == before + 1
        assert "corrected by what the portal said" in portal.contract.source


def test_the_order_within_an_instant_is_the_portals(home):
    """Messages of one instant keep their order, oldest or newest first, over pages and parts."""
    crowd = [Message(FIRST + HOUR + i // 4 * SECOND, "dev", "t", i) for i in range(200)]
    for order, paging in (("up", "cursor"), ("up", "none"), ("down", "cursor"), ("down", "none")):
        dialect = Dialect(paging=paging, pager="cursor" if paging == "cursor" else None, order=order, cap=30, doc=None)
        stored = crowd if order == "up" else crowd[::-1]
        with portals.mocked(Server(dialect, stored), home / (order + paging)) as portal:
            found = messages.in_order(pa.concat_tables([*pages(portal, Selector(), SPAN)]))
            assert [int(one) for one in found["payload"].to_pylist()] == list(range(200))


def test_now_is_no_border_for_what_comes_late(home):
    """A window that ends now is asked for to the end of the unit, and holds what was published just before."""
    stored = [*EVERY_MINUTE, Message(NOW - 1000, "dev-0", "t/x", {"i": -1})]
    for form in ("iso", "s", "ms", "date"):
        with portals.mocked(Server(Dialect(asked=form), stored), home / form) as portal:
            assert read(portal, Range(NOW - NOW % DAY, NOW)) == [NOW - 1000]


class Rounded(Server):
    """Rounds the end of a range up to a whole hour."""

    def answer(self, url, headers):
        """Answer a request."""
        end = re.search(r"end=([^&]+)", url)
        if end:
            at = times.instant(end[1].replace("%3A", ":"))
            url = url.replace(end[1], times.iso(-(-at // HOUR) * HOUR))
        return super().answer(url, headers)


def test_a_portal_that_rounds_its_ends_is_followed(home):
    """Its rows are where it says; that is found out once."""
    server = Rounded(Dialect(cap=5000), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        known = portal.contract.history
        for i in range(3):
            span = Range(FIRST + i * HOUR, FIRST + i * HOUR + 10 * MINUTE)
            assert read(portal, span) == list(range(span.start, span.end, MINUTE))
        assert portal.contract.history == known
        assert server.count() == 4


class Polite(Server):
    """Refuses with a good status, and wants a client and no more than a day."""

    def answer(self, url, headers):
        """Answer a request."""
        if "/history" in url:
            words = None
            start, end = (times.instant(unquote(re.search(name + "=([^&]+)", url)[1])) for name in ("start", "end"))
            if "client_id" not in url:
                words = "client_id is required"
            elif end - start > 12 * HOUR:
                words = "range too large: maximum 12 hours"
            if words:
                self.log.append(("refused", {}))
                return (
                    200,
                    {"Content-Type": "application/json"},
                    json.dumps({"success": False, "error": words}).encode(),
                )
        return super().answer(url, headers)


def test_a_refusal_with_a_good_status_teaches_too(home):
    """An error in place of data is used like a 422 where its words say how else to ask."""
    server = Polite(Dialect(cap=5000, doc=None), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert sorted(read(portal)) == [one.at for one in EVERY_MINUTE if one.at < FIRST + DAY]
        assert portal.contract.history.client_required
        assert server.count("refused") == 2


class Overlapping(Server):
    """Begins each numbered page with the last row of the one before."""

    def answer(self, url, headers):
        """Answer a request."""
        found = re.search(r"page=(\d+)", url)
        status, had, body = super().answer(url.replace(found[0], "page=1") if found else url, headers)
        if "/history" in url and (n := int(found[1]) if found else 1) and status == 200:
            rows = json.loads(body)["messages"]
            body = json.dumps({"messages": rows[(n - 1) * 39 : (n - 1) * 39 + 40]}).encode()
        return status, had, body


NUMBERED = Dialect(cap=5000, documented=40, paging="page", pager="page", says=("types", "cap", "first"))


@pytest.mark.parametrize("way", ["found out", "told"])
def test_pages_that_overlap_double_nothing(home, tmp_path, way):
    """What follows the first of them is read by time; all of it where a contract file says so."""
    few, file = EVERY_MINUTE[:100], tmp_path / "contract.toml"
    file.write_text('[history]\npage = "none"\n' if way == "told" else "")
    server = Overlapping(NUMBERED, few)
    with portals.mocked(server, home, contract_file=file) as portal:
        assert read(portal) == [one.at for one in few]
    assert sum("page" in asked for _, asked in server.log) == (way == "found out")  # the second one alone


def test_repeats_on_the_border_of_two_pages_are_kept(home):
    """The portal is asked for that instant alone, and has them all."""
    twice = [one for one in EVERY_MINUTE[:100] for _ in (1, 2)]
    numbered = dataclasses.replace(NUMBERED, cap=25, documented=None)
    server = Server(numbered, twice)
    with portals.mocked(server, home) as portal:
        assert read(portal) == [one.at for one in twice]


class Short(Server):
    """Cuts every range to its first six hours."""

    def answer(self, url, headers):
        """Answer a request."""
        if "/history" in url:
            start, end = (times.instant(unquote(re.search(name + "=([^&]+)", url)[1])) for name in ("start", "end"))
            url = re.sub("end=[^&]+", f"end={times.iso(min(end, start + 6 * HOUR))}", url)
        return super().answer(url, headers)


def test_ranges_that_are_cut_short_are_not_taken_for_whole(home, tmp_path):
    """What is silent at one end is asked for again; the error says what to write, and then nothing is missing."""
    whole = [one for one in EVERY_MINUTE if one.at < FIRST + DAY]
    with portals.mocked(Short(Dialect(cap=5000), EVERY_MINUTE), home) as portal:
        for span in (SPAN, Range(FIRST, FIRST + HOUR)):  # nor is what would be believed of another portal
            with pytest.raises(AnswerError, match="cuts long ranges short"):
                read(portal, span)
    file = tmp_path / "contract.toml"
    file.write_text('[history]\nlongest = "6h"\n')
    with portals.mocked(Short(Dialect(cap=5000), EVERY_MINUTE), home, contract_file=file) as portal:
        assert read(portal) == [one.at for one in whole]


class Onward(Server):
    """Takes a start alone, and gives an hour from there on."""

    def _range(self, asked):
        low, _ = super()._range(asked)
        return low, low + HOUR


def test_ranges_that_are_cut_short_are_found_where_there_is_no_end(home):
    """A portal that takes only where to begin does not give all up to now: silence behind is asked for again."""
    thinner = [one for i, one in enumerate(EVERY_MINUTE) if i % 3 == 0 or one.at % DAY < HOUR]
    with (
        portals.mocked(Onward(Dialect(end=None, cap=5000), thinner), home) as portal,
        pytest.raises(AnswerError, match="cuts long ranges short"),
    ):
        read(portal)


def test_a_silence_at_one_end_is_asked_for_once(home):
    """Devices are silent at night: one question, that ends with a message of the evening, shows that all is given."""
    morning = [one for one in EVERY_MINUTE if one.at % DAY < 6 * HOUR]
    server = Server(Dialect(cap=5000), morning)
    with portals.mocked(server, home) as portal:
        for _ in range(20):
            assert read(portal) == [one.at for one in morning if one.at < FIRST + DAY]
    assert server.count() == 20 + 1


class Forgetful(Server):
    """Names the next page by a link that holds a cursor, and nothing of the question; the cursor is a place in time."""

    def answer(self, url, headers):
        """Answer a request."""
        found = re.search(r"cursor=(\d+)", url)
        at = int(found[1]) if found else 0
        if "/history" not in url:
            return super().answer(url, headers)
        status, had, body = super().answer(re.sub("&?cursor=[^&]*", "", url), headers)
        rows = [row for row in json.loads(body)["messages"] if times.instant(row["time"]) > at]
        link = f"/api/v1/subscriber/history?cursor={times.instant(rows[39]['time'])}" if len(rows) > 40 else None
        return status, had, json.dumps({"messages": rows[:40], "next_page_url": link and f"{link}&as=token"}).encode()


@pytest.mark.parametrize("client", [None, "dev-1"])
def test_a_link_that_forgets_the_question_is_asked_with_it(home, client):
    """Of other times or other clients than were asked for, nothing comes and nothing is missing."""
    server = Forgetful(Dialect(cap=5000, paging="none", pager=None, doc=None), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        selector = Selector(client and (client,))
        found = pa.concat_tables(pages(portal, selector, Range(FIRST + HOUR, FIRST + 6 * HOUR)))
    wanted = [m.at for m in EVERY_MINUTE if FIRST + HOUR <= m.at < FIRST + 6 * HOUR and client in (None, m.client)]
    assert instants(found).tolist() == wanted


def test_the_clients_that_must_be_named_are_those_of_the_live_answer(home):
    """Where the list of publishers is not open, and the history is given of one client at a time."""
    server = Server(Dialect(client_required=True, cap=999, add_ons=("history", "live")), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        assert len(isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)) == DAY // MINUTE


@pytest.mark.parametrize("status", [403, 404])
def test_where_no_list_is_open_the_clients_must_be_named(home, status):
    """The error says so, with the portal's words, which may mean something else; named, they are loaded.

    A portal may say of routes that are not open that it has none.
    """

    class Closed(Server):
        def _refuse(self, code, words, name=""):
            return super()._refuse(status if code == 403 else code, words, name)

    server = Closed(Dialect(client_required=True, cap=999, add_ons=("history",), says=("types",)), EVERY_MINUTE)
    ask = {"start": "2026-11-01", "end": "2026-11-02"}
    with portals.mocked(server, home) as portal:
        with pytest.raises(UsageError, match=r"one client at a time.*client_id=.*`client_id` is required"):
            isr.load_history(**ask, portal=portal)
        assert len(isr.load_history(["dev-0", "dev-1", "dev-2"], **ask, portal=portal)) == DAY // MINUTE


def test_a_request_does_not_wait_for_the_contract(home):
    """Whoever reads the portal's document may be waiting for that very request, as one that the cache is busy with."""
    came = []

    class Nested(Server):
        def _document(self, path):
            if not came:
                other = threading.Thread(target=lambda: came.append(portal.wire.get(f"{portals.API}/publishers")))
                other.start()
                other.join(timeout=20)
            return super()._document(path)

    with portals.mocked(Nested(Dialect(), EVERY_MINUTE), home) as portal:
        assert portal.contract.history.client == "client_id"
        assert len(came) == 1


class Spent(Short):
    """Refuses its token any answer after some, as the range might be found out to be cut."""

    most = 1
    status = 429

    def answer(self, url, headers):
        """Answer a request."""
        if "/history" in url and self.count() >= self.most:
            return self.status, {"Retry-After": "1800"}, b"{}"
        return super().answer(url, headers)


@pytest.mark.parametrize(("status", "kind"), [(429, QuotaExhaustedError), (401, TokenRefusedError)])
@pytest.mark.parametrize("most", range(1, 6))
def test_a_token_that_ends_before_a_check_proves_nothing(home, most, status, kind):
    """What was not found out, as the quota is used up or the token revoked, is no reason to believe an answer."""
    server = Spent(Dialect(cap=5000), EVERY_MINUTE)
    server.most, server.status = most, status
    with portals.mocked(server, home) as portal, pytest.raises((kind, AnswerError)):
        read(portal)
