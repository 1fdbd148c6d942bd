"""Portals that leave messages out without a word, as they thin answers for a chart or cut ranges short: found out."""

from __future__ import annotations

import contextlib

import portal_rows
import portals
import pytest
from portal_messages import same
from portal_odd import Odd, ends, rows, within
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

SPAN = {"start": "2026-11-02", "end": "2026-11-03"}
DENSE = [Message(FIRST + DAY + i * MINUTE, f"dev-{'ab'[i % 2]}", "t/x", {"i": i}) for i in range(1440)]
MOST = 300


def every_kth(found):
    """Give each k-th, so that there are no more than the most."""
    return found[:: -(-len(found) // MOST) or 1]


def means(found):
    """Give the mean of each few, at the first one's instant."""
    k = -(-len(found) // MOST) or 1
    return [Message(found[i].at, "dev-a", "t/x", {"i": found[i].payload["i"] + k / 2}) for i in range(0, len(found), k)]


@pytest.mark.parametrize("thin", [every_kth, means])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_thinned_answer_is_no_history(home, thin, newest_first):
    """A small part of it, asked for alone, has more messages: an error that says what to do, and nothing is kept."""

    def how(server, asked, _n):
        return rows(thin(server._in(asked))[:: -1 if newest_first else 1])

    with portals.mocked(Odd(how, stored=DENSE), home) as portal:
        for _ in range(2):
            with pytest.raises(AnswerError, match=r"thins long answers.*longest"):
                isr.load_history(**SPAN, portal=portal)


def test_with_shorter_ranges_it_is_exact(home, tmp_path):
    """What the error says to do."""
    contract = tmp_path / "portal.toml"
    contract.write_text('[history]\nlongest = "2h"\n')
    server = Odd(lambda server, asked, _n: rows(every_kth(server._in(asked))), stored=DENSE)
    with portals.mocked(server, home, contract_file=contract) as portal:
        same(isr.load_history(**SPAN, portal=portal), DENSE)


@pytest.mark.parametrize("key", [lambda one: one.at, lambda one: (one.client, one.at), lambda one: -one.at])
def test_whole_answers_are_believed_after_one_question(home, key):
    """In whichever order; answers that are not much longer are not looked at again."""
    days = [Message(one.at + i * DAY, one.client, one.topic, one.payload) for i in range(2) for one in DENSE]
    parts = []

    def how(server, asked, _n):
        found = server._in(asked)
        parts.extend([found] if 1 < len(found) < 30 else [])
        return rows(sorted(found, key=key))

    with portals.mocked(Odd(how, Dialect(doc=None, cap=9999), days), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), DENSE)
        assert len(parts) == 1
        same(isr.load_history(start="2026-11-02", end="2026-11-04", portal=portal), days)
        assert len(parts) == 1


HOURS = {
    "mornings": [[6, 7, 8, 9]] * 4,
    "evenings": [[18, 19, 20, 21]] * 4,
    "by turns": [[18, 19], [2, 3, 20]] * 2,
    "one a day": [[20], [4], [22], [1]],
}
"""When something is published, on each of four days."""


@pytest.mark.parametrize("hours", HOURS.values(), ids=HOURS)
@pytest.mark.parametrize("part", ["first", "last"])
@pytest.mark.parametrize("silence", [False, True])
def test_a_range_that_is_cut_short_is_found_out(home, hours, part, silence):
    """Whichever half of a day the portal gives, and whether it was asked for days of silence before."""
    stored = [
        Message(FIRST + day * DAY + hour * HOUR + i * MINUTE, "dev-a", "t/x", {"i": i})
        for day, of_day in enumerate(hours) for hour in of_day for i in range(3)
    ]  # fmt: skip

    def how(server, asked, _n):
        low, high = ends(asked)
        low, high = (low, min(high, low + DAY // 2)) if part == "first" else (max(low, high - DAY // 2), high)
        return rows(within(stored, low, high))

    alone = Dialect(doc=None, cap=9999, add_ons=("history", "mgmt"))  # no live answer tells of a message
    with portals.mocked(Odd(how, alone, stored), home) as portal:
        if silence:
            with pytest.warns(UserWarning, match=r"whether it answers so long a range whole.*longest"):
                quiet = isr.load_history(start="2026-10-28", end="2026-11-01", portal=portal)
            assert not len(quiet)
            assert "whether it answers so long a range whole" in quiet.attrs["warning"]  # where the explorer reads it
        with pytest.raises(AnswerError, match=r"cuts long ranges short.*longest"):
            isr.load_history(start="2026-11-01", end="2026-11-05", portal=portal)


SPARSE = [
    Message(FIRST - 17 * DAY + at * HOUR, "dev-a", "t/x", {"i": at}) for at in (5, 31, 80, 115, 164, 226, 300, 389, 443)
]
"""Nine messages in twenty days, at different hours; most days are silent."""

TWENTY = {"start": "2026-10-15", "end": "2026-11-04"}


def cut_to(part, hours):
    """Make a portal that cuts each range to its first hours, or its last, and says nothing of it."""

    def how(server, asked, _n):
        low, high = ends(asked)
        low, high = (low, min(high, low + hours * HOUR)) if part == "first" else (max(low, high - hours * HOUR), high)
        return rows(within(server.stored, low, high))

    return how


SILENT = {"cap": 9999, "paging": "none", "pager": None}


@pytest.mark.parametrize("doc", [None, "openapi"])
@pytest.mark.parametrize("part", ["first", "last"])
@pytest.mark.parametrize("hours", [1, 12, 20])
def test_a_cut_is_found_out_by_one_message(home, doc, part, hours):
    """A range that begins with it, or ends with it, must hold it; the live answer names one where history gave none."""
    server = Odd(cut_to(part, hours), Dialect(doc=doc, **SILENT), SPARSE)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(2):
            with pytest.raises(AnswerError, match=r"cuts long ranges short.*longest"):
                isr.load_history(**TWENTY, portal=portal)


def test_a_cut_is_not_taken_for_a_limit_of_one_message(home):
    """Of the days around, cut to their first hours, the portal gives one message as well, and another."""
    server = Odd(cut_to("first", 20), Dialect(doc=None, **SILENT), SPARSE)
    cuts = pytest.raises(AnswerError, match=r"cuts long ranges short.*longest")
    with portals.serve(server) as origin, portals.connect(origin, home) as portal, cuts:
        isr.load_history(start="2026-10-16", end="2026-10-17", portal=portal)


def test_with_a_length_that_it_gives_a_cutting_portal_is_exact(home, tmp_path):
    """What the error says to do."""
    contract = tmp_path / "portal.toml"
    contract.write_text('[history]\nlongest = "12h"\n')
    server = Odd(cut_to("last", 12), Dialect(doc=None, **SILENT), SPARSE)
    with portals.serve(server) as origin, portals.connect(origin, home, contract_file=contract) as portal:
        same(isr.load_history(**TWENTY, portal=portal), SPARSE)


@pytest.mark.parametrize("doc", [None, "openapi"])
def test_a_portal_that_gives_all_is_asked_for_it_once(home, doc):
    """Two questions show it for all days to come, and that no message was known, one more; what is held costs none."""
    server = Odd(cut_to("last", 99), Dialect(doc=doc, cap=9999), SPARSE)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(start="2026-10-15", end="2026-10-25", refresh=True, portal=portal), SPARSE[:6])
        before = server.count(), server.count("/live")
        same(isr.load_history(**TWENTY, portal=portal), SPARSE)
        assert server.count() - before[0] <= 10 * (2 if doc is None else 1) + 1
        before = len(server.log)
        same(isr.load_history(**TWENTY, portal=portal), SPARSE)
        assert len(server.log) == before
    assert server.count("/live") <= 1


def test_where_no_message_is_known_nothing_is_said_to_be_proven(home):
    """No frame of none without a word, where the portal may have cut off all there was."""
    server = Odd(cut_to("last", 1), Dialect(add_ons=("history", "mgmt"), **SILENT), SPARSE[:3])
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.warns(UserWarning, match=r"is not known.*longest"),
    ):
        assert not len(isr.load_history(**TWENTY, portal=portal))


def test_a_message_that_is_not_given_again_is_an_error(home):
    """A portal that reads no more of an instant than its date gives it in some ranges, and in others not."""

    def how(server, asked, _n):
        low, high = (portal_rows.read_instant("iso", asked[name]) // DAY * DAY for name in ("start", "end"))
        return rows(within(server.stored, low, high))

    stored = [Message(FIRST + 2 * DAY + 9 * HOUR, "dev-a", "t/x", {"i": 1})]
    server = Odd(how, Dialect(doc="openapi", **SILENT), stored)
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(AnswerError, match="did not"),
    ):
        isr.load_history(start="2026-11-01", end="2026-11-04T12:00", portal=portal)


def by_another_clock(server, asked, _n):
    """Give the range an hour earlier."""
    low, high = (portal_rows.read_instant("iso", asked[name]) - HOUR for name in ("start", "end"))
    return rows(within(server.stored, low, high))


def by_days(server, asked, _n):
    """Give whole days, but for the last."""
    low, high = (portal_rows.read_instant("iso", asked[name]) // DAY * DAY for name in ("start", "end"))
    return rows(within(server.stored, low, high), has_more=False)


@pytest.mark.parametrize("how", [by_another_clock, by_days])
def test_a_first_short_range_of_nothing_is_not_said_to_be_empty(home, how):
    """The live answer names a message that the history does not give, either."""
    stored = [Message(FIRST + 2 * DAY + 9 * HOUR, "dev-a", "t/x", {"i": 1})]
    with (
        portals.serve(Odd(how, Dialect(doc="openapi", **SILENT), stored)) as origin,
        portals.connect(origin, home) as portal,
        pytest.warns(UserWarning, match="nor any other yet"),
    ):
        assert not len(isr.load_history(start="2026-11-03T08:30", end="2026-11-03T09:30", portal=portal))


@pytest.mark.parametrize("start_in", [True, False])
def test_a_first_short_range_is_not_empty_where_a_portal_cuts_ends_to_the_hour(home, start_in):
    """It gives the message of the live answer in one range, and in another around it does not."""

    def by_hours(server, asked, _n):
        low, high = (portal_rows.read_instant("iso", asked[name]) // HOUR * HOUR for name in ("start", "end"))
        return rows([one for one in server.stored if low + (not start_in) <= one.at < high], has_more=False)

    stored = [Message(FIRST + i * 20 * MINUTE + 433 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(285)]
    server = Odd(by_hours, Dialect(doc="openapi", **SILENT), stored)
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(AnswerError, match="follows a range in another way"),
    ):
        isr.load_history(start="2026-11-02T10:10", end="2026-11-02T10:40", portal=portal)


@pytest.mark.parametrize("login", ["pub-", ""])
def test_a_client_by_another_name_is_not_said_to_be_silent(home, login):
    """A portal may know clients by their logins: then it lacks the message that its live answer names, too."""

    def how(server, asked, _n):
        return rows([one for one in server._in(asked) if login + one.client == asked.get("client_id")])

    server = Odd(how, Dialect(doc=None, cap=9999), SPARSE)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match="nor any other yet.*client") if login else contextlib.nullcontext():
            df = isr.load_history("dev-a", **TWENTY, portal=portal)
        same(df, [] if login else SPARSE)


def test_a_short_range_of_nothing_is_believed_where_a_message_is_in_one(home):
    """A portal that gives whole days gives nothing of an hour."""
    stored = [Message(FIRST + day * DAY + hour * HOUR, "dev-a", "t/x", {}) for day in range(4) for hour in range(24)]
    server = Odd(by_days, Dialect(doc="openapi", start_in=True, **SILENT), stored)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal), stored[:24])
        with pytest.raises(AnswerError, match="did not"):
            isr.load_history(start="2026-11-03T08:30", end="2026-11-03T09:30", portal=portal)


@pytest.mark.parametrize("hours", HOURS.values(), ids=HOURS)
def test_silence_at_the_ends_of_ranges_is_believed(home, hours):
    """A portal that gives all is taken at its word: a few more are asked than the three a day that prove its ends."""
    days = range(24)
    stored = [
        Message(FIRST - day * DAY + hour * HOUR, "dev-a", "t/x", {"i": day})
        for day in reversed(days) for hour in hours[day % 4]
    ]  # fmt: skip
    server = Odd(lambda server, asked, _n: rows(server._in(asked)), Dialect(doc=None, cap=9999), stored)
    with portals.mocked(server, home) as portal:
        df = isr.load_history(start="2026-10-09", end="2026-11-02", portal=portal)
        same(df, stored)
        assert server.count() <= 3 * len(days) + 24


@pytest.mark.parametrize("seconds", [1, 3, 35, 59])
def test_a_short_range_of_nothing_is_no_sign_of_cuts(home, seconds):
    """Of seconds, too, such as the last ten minutes leave: a range that is to show it holds the message it asks for."""
    now = NOW // MINUTE * MINUTE + seconds * SECOND
    stored = [Message(now - HOUR + 17 * SECOND, "dev-a", "t/x", {"i": 1})]
    with portals.mocked(Server(Dialect(), stored), home, now=lambda: now) as portal:
        assert isr.load_history(last="10min", portal=portal).empty


def test_an_answer_that_counts_more_than_it_gives_is_no_range_that_was_cut(home):
    """Of few messages at once, the newest first: what is not among them comes with the next question."""
    stored = [Message(FIRST + i * 100 * MINUTE, f"dev-{i % 2}", "t/x", {"i": i}) for i in range(58)]

    def how(server, asked, _n):
        found = server._in(asked)
        return rows(sorted(found, key=lambda one: -one.at)[:7], total=len(found))

    span = {"start": "2026-11-01T00:30", "end": "2026-11-03T20:00"}
    with portals.mocked(Odd(how, Dialect(paging="none"), stored), home) as portal:
        for more in ({}, {"client_id": "dev-1", "refresh": True}):
            df = isr.load_history(**span, **more, portal=portal)
            assert df["i"].tolist() == [
                i for i in range(1, 41) if stored[i].client == more.get("client_id", stored[i].client)
            ]
