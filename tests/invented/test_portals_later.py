"""Portals that change while a connection is open: what was learned of them is not held against them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time

import portal_rows
import portals
import pytest
from portal_odd import give
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
import isr_analysis.portal.portal
from isr_analysis.errors import AnswerError, HistoryIncompleteError
from isr_analysis.times import DAY, HOUR, MINUTE

STORED = [Message(FIRST + i * 10 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(4 * 144)]
DAY_2, DAY_3 = ({"start": f"2026-11-0{n}", "end": f"2026-11-0{n + 1}"} for n in (2, 3))


def change(server, **ways):
    """Let a portal go on in another way."""
    server.dialect = dataclasses.replace(server.dialect, **ways)


@pytest.mark.parametrize("doc", [None, "openapi"])
@pytest.mark.parametrize("paging", ["none", "page"])
def test_a_portal_that_gives_less_at_once_than_before_is_read_to_the_end(home, doc, paging):
    """Its answers are no longer as long as the longest was, or as its document says, and are not whole for that."""
    server = Server(Dialect(paging=paging, pager="page", cap=500, doc=doc), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_history(**DAY_2, portal=portal)) == 144
        change(server, cap=33)
        portal.habits.sizes.sure_until = time.monotonic()  # ten minutes later
        assert len(isr.load_history(**DAY_3, portal=portal)) == 144


@pytest.mark.parametrize("paging", ["none", "page"])
def test_what_was_just_proven_of_a_portals_sizes_is_not_proven_again_with_each_load(home, paging):
    """One request for one answer."""
    stored = [one for one in STORED if one.at % HOUR == 0]
    server = Server(Dialect(paging=paging, pager="page", cap=500), stored)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        isr.load_history(**DAY_2, portal=portal)
        before = server.count()
        assert len(isr.load_history(**DAY_3, portal=portal)) == 24
        assert server.count() == before + 1


def test_what_a_portal_begins_to_keep_for_longer_is_had_with_refresh(home):
    """As the warning says, also in the connection that was refused it; nothing is told of it then."""
    server = Server(Dialect(kept=2 * DAY), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before .* refresh=True"):
            assert isr.load_history(**DAY_2, portal=portal).empty
        change(server, kept=None)
        assert len(isr.load_history(**DAY_2, refresh=True, portal=portal)) == 144
        assert len(isr.load_history(**DAY_2, portal=portal)) == 144


def test_what_a_portal_no_longer_keeps_is_left_out_though_it_was_given_before(home):
    """With refresh, whatever it kept before."""
    server = Server(Dialect(), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_history("dev-a", start="2026-11-02", end="2026-11-04", portal=portal)) == 288
        change(server, kept=NOW - FIRST - 2 * DAY - 12 * HOUR)
        with pytest.warns(UserWarning, match="gives nothing from before 2026-11-03T12:00"):
            found = isr.load_history("dev-a", **DAY_3, refresh=True, portal=portal)
        assert len(found) == 144  # those that are gone there are still here


def test_a_day_that_is_gone_at_midnight_is_left_out(home):
    """A portal keeps days whole: what it gives at the end of one is older than what it gives the next morning."""
    server, now = Server(Dialect(kept=3 * DAY), STORED), [NOW - 6 * HOUR]
    server.now = FIRST + 3 * DAY  # whence it counts
    with portals.serve(server) as origin, portals.connect(origin, home, now=lambda: now[0]) as portal:
        assert len(isr.load_history(start="2026-11-01T01:00", end="2026-11-01T02:00", portal=portal)) == 6
        now[0], server.now = NOW, FIRST + 4 * DAY
        with pytest.warns(UserWarning, match="gives nothing from before 2026-11-02"):
            df = isr.load_history(start="2026-11-01T10:00", end="2026-11-03", portal=portal)
        assert len(df) == 144


def test_what_is_too_old_is_told_after_it_failed_in_another_way(home):
    """A download that fails takes nothing of what is known."""
    server = Server(Dialect(kept=2 * DAY), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            assert isr.load_history(**DAY_2, portal=portal).empty
        server.answer = lambda *_: (200, {"Content-Type": "text/html"}, b"<title>Sign in</title>")
        with pytest.raises(AnswerError, match="Sign in"):
            isr.load_history(**DAY_2, refresh=True, portal=portal)
        del server.answer
        with pytest.warns(UserWarning, match="gives nothing from before"):
            assert isr.load_history(**DAY_2, portal=portal).empty


def test_what_was_too_old_of_one_client_is_made_good_by_a_fetch_of_all(home):
    """Of the part that is fetched, though that is not all that was refused."""
    server = Server(Dialect(kept=2 * DAY), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            assert isr.load_history("dev-a", start="2026-11-02T01:00", end="2026-11-02T12:00", portal=portal).empty
        change(server, kept=None)
        assert len(isr.load_history(start="2026-11-02", end="2026-11-02T06:00", refresh=True, portal=portal)) == 36


def test_ranges_that_are_no_longer_cut_are_loaded_in_the_same_connection(home):
    """As after a portal was mended."""

    class Cutting(Server):
        def _range(self, asked):
            low, high = super()._range(asked)
            return (max(low, high - HOUR), high) if self.cuts else (low, high)

        cuts = True

    server = Cutting(Dialect(paging="none", doc=None), STORED[::18])
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.raises(AnswerError, match="cuts long ranges short"):
            isr.load_history(**DAY_2, portal=portal)
        server.cuts = False
        assert len(isr.load_history(**DAY_2, portal=portal)) == 8


def test_a_document_that_has_changed_is_read_again_where_a_load_fails(home, monkeypatch):
    """In the same connection, and in one that finds it kept, but not a moment after it was read."""
    server = Server(Dialect(paging="page", pager="page"), STORED)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_history(**DAY_2, portal=portal)) == 144
        change(server, paging="cursor", pager="cursor")
        with pytest.raises(HistoryIncompleteError, match="the same page again"):
            isr.load_history(**DAY_3, portal=portal)
        documents = server.count("openapi.json")
        monkeypatch.setattr(isr_analysis.portal.portal, "_SURE", dt.timedelta(0))
        with portals.connect(origin, home) as other:
            for one in (other, portal):
                assert len(isr.load_history(**DAY_3, refresh=True, portal=one)) == 144
        assert server.count("openapi.json") == documents + 2


def test_a_document_that_is_away_does_not_take_the_place_of_what_it_said(home, monkeypatch):
    """As where a proxy on the way answers everything for a while; one that comes only later counts."""
    monkeypatch.setattr(isr_analysis.portal.portal, "_SURE", dt.timedelta(0))
    server = Server(Dialect(start="from_ts", end="to_ts", asked="ms", strict=True), STORED)
    plain, login = server.answer, lambda *_: (200, {"Content-Type": "text/html"}, b"<title>Sign in</title>")
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        _ = portal.account_id
        for _ in range(2):
            server.answer = login
            with pytest.raises(AnswerError, match="Sign in"):
                isr.load_history(**DAY_2, refresh=True, portal=portal)
            server.answer = plain
            assert len(isr.load_history(**DAY_2, refresh=True, portal=portal)) == 144


@pytest.mark.parametrize("add_ons", [("history", "live", "mgmt"), ("history", "live")])
def test_a_live_answer_that_may_be_cut_casts_no_doubt_on_a_list_that_is_whole(home, add_ons):
    """Where history is asked for by the list of clients; without one, the live answer takes its place."""

    class Full(Server):
        def answer(self, url, headers):
            path = url.partition("?")[0]
            if not path.endswith("/publishers/live"):
                return super().answer(url, headers)
            self.log.append((path, {}))
            return give({"publishers": [portal_rows.plain(one) for one in self.last()][:100]})

    many = [Message(NOW - HOUR + i * MINUTE // 4, f"dev-{i:03d}", "t/x", {"i": i}) for i in range(101)]
    server = Full(Dialect(client_required=True, add_ons=add_ons), many)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match="100 rows of .*/live"):
            isr.load_live(portal=portal)
        found = (
            contextlib.nullcontext() if "mgmt" in add_ons else pytest.warns(UserWarning, match="100 rows of .*/live")
        )
        with found:
            df = isr.load_history(start="2026-11-05T04:00", end="2026-11-05T04:30", portal=portal)
        assert len(df) == (101 if "mgmt" in add_ons else 100)
