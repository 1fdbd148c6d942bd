"""Portals that ask and answer by a clock on a wall: refused where nobody says which, exact where someone does."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
from zoneinfo import ZoneInfo

import portal_rows
import portals
import pytest
from portal_messages import inside, same
from portal_odd import Odd, give, rows, within
from portals import API, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

LAYOUT = "%Y-%m-%d %H:%M:%S"
SINGAPORE, ZURICH = "Asia/Singapore", "Europe/Zurich"
MINUTELY = [Message(NOW - HOUR + i * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(10 * 60)]


class OnTheWall(Odd):
    """A portal that knows one clock only: what is asked is read by it, a time shown twice as `fold` says."""

    def __init__(self, zone, stored, fold=0):
        super().__init__(self._page, Dialect(doc=None, cap=10_000), stored)
        self._zone, self._fold = ZoneInfo(zone), fold

    def _shown(self, at):
        return dt.datetime.fromtimestamp(at // SECOND, self._zone).strftime(LAYOUT)

    def _page(self, _server, asked, _n):
        low, high = (self._meant(asked[one]) for one in ("start", "end"))
        found = within(self.stored, low, high)
        return give({"messages": [portal_rows.plain(one, self._shown) for one in found]})

    def _meant(self, shown):
        local = dt.datetime.strptime(shown, LAYOUT).replace(tzinfo=self._zone, fold=self._fold)
        return int(local.timestamp()) * SECOND


def contract(tmp_path, zone=None):
    """Write the contract file of such a portal."""
    file = tmp_path / f"{'no' if zone is None else zone[:2]}.toml"
    named = "" if zone is None else f'[history.fields]\ntime_zone = "{zone}"\n'
    file.write_text(f'[history]\ntime_form = "{LAYOUT}"\n{named}')
    return file


def published(start, count=300):
    """Give a message each ten minutes."""
    return [Message(start + i * 10 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(count)]


def test_a_clock_ahead_of_utc_is_found_out(home, tmp_path):
    """Asked by the clock that it answers by, each message comes again; but some are of the future."""
    stored = published(NOW - 20 * HOUR, 119)
    with (
        portals.mocked(OnTheWall(SINGAPORE, stored), home, contract_file=contract(tmp_path)) as portal,
        pytest.raises(AnswerError, match=r"in the future.*time_zone"),
    ):
        isr.load_history(last="1d", portal=portal)


@pytest.mark.parametrize("answer", [give("down", 500), give("odd"), give({"detail": "end is in the future"}, 400)])
def test_a_portal_of_utc_need_not_know_the_future(home, tmp_path, answer):
    """What it says when it is asked for that is no reason to refuse what it gave."""
    stored = published(NOW - 20 * HOUR, 119)

    class Shy(OnTheWall):
        def _page(self, server, asked, n):
            return answer if self._meant(asked["start"]) > NOW else super()._page(server, asked, n)

    with portals.mocked(Shy("UTC", stored), home, contract_file=contract(tmp_path)) as portal:
        same(isr.load_history(last="1d", portal=portal), stored)


def test_with_its_zone_it_is_exact(home, tmp_path):
    """It is asked by its own clock then, and nothing is shifted."""
    stored = published(NOW - 20 * HOUR, 119)
    server = OnTheWall(SINGAPORE, stored)
    with portals.mocked(server, home, contract_file=contract(tmp_path, SINGAPORE)) as portal:
        same(isr.load_history(last="1d", portal=portal), stored)
        inside = [one for one in stored if NOW - 9 * HOUR <= one.at < NOW - 5 * HOUR]
        ends = {"start": times.iso(NOW - 9 * HOUR), "end": times.iso(NOW - 5 * HOUR)}
        same(isr.load_history(**ends, refresh=True, portal=portal), inside)


@pytest.mark.parametrize("fold", [0, 1])
def test_an_hour_that_its_clock_shows_twice_is_not_lost(home, tmp_path, fold):
    """Days of UTC begin in that hour, and the portal may read it as either."""
    start = times.instant("2026-10-24T12:00:00Z")
    stored = published(start, 144)
    kept = [one for one in stored if not _is_twice(one.at)]  # what it answers of that hour nobody can tell apart
    server = OnTheWall(ZURICH, kept, fold)
    with portals.mocked(server, home, contract_file=contract(tmp_path, ZURICH)) as portal:
        same(isr.load_history(start="2026-10-24", end="2026-10-26", portal=portal), kept)


def _is_twice(at):
    local = dt.datetime.fromtimestamp(at // SECOND, ZoneInfo(ZURICH))
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


DATED = [{"name": name, "in": "query", "schema": {"type": "string", "format": "date"}} for name in ("start", "end")]


@pytest.mark.parametrize("hours", [0, 1, -5, 12])
@pytest.mark.parametrize("included", [True, False, None])
def test_days_of_another_clock_are_found_out(home, tmp_path, hours, included):
    """Asked by dates, or by one, such a portal leaves out an end of each day of UTC; with its zone all is there."""

    def how(server, asked, _n):
        first, last = asked.get("start", asked.get("date")), asked.get("end", asked.get("date"))
        low, high = (times.instant(one) - hours * HOUR for one in (first, last))
        return rows([one for one in server.stored if low <= one.at < high + (included is not False) * DAY])

    class Dated(Odd):
        def _document(self, _path):
            named = [{**DATED[0], "name": "date"}] if included is None else DATED
            return give({"openapi": "3.1.0", "paths": {f"{API}/history": {"get": {"parameters": named}}}})

    stored = [Message(NOW - 6 * DAY + i * 30 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(5 * 48)]
    span = {"start": times.iso((NOW - 5 * DAY) // DAY * DAY), "end": times.iso((NOW - 2 * DAY) // DAY * DAY)}
    wanted = inside(stored, *map(times.instant, span.values()))
    with portals.mocked(Dated(how, Dialect(), stored), home) as portal:
        if hours:
            with pytest.raises(AnswerError, match=r"its days are of another clock than UTC.*time_zone"):
                isr.load_history(**span, portal=portal)
        else:
            same(isr.load_history(**span, portal=portal), wanted)
    file = tmp_path / "contract.toml"
    file.write_text(f'[history.fields]\ntime_zone = "Etc/GMT{-hours:+}"\n')
    with portals.mocked(Dated(how, Dialect(), stored), home, contract_file=file) as portal:
        same(isr.load_history(**span, refresh=True, portal=portal), wanted)


def test_a_live_answer_of_the_future_is_refused(home):
    """Where its instants name no zone; a few minutes may be the clocks'."""

    def at(ahead):
        dialect = Dialect(doc=None, when=lambda at: times.iso(at + ahead).removesuffix("Z"))
        server = portals.Server(dialect, [Message(NOW - SECOND, "dev-a", "t/x", {"i": 1})])
        return portals.mocked(server, home / str(ahead))

    with at(5 * MINUTE) as portal:
        assert len(isr.load_live(portal=portal)) == 1
    with at(2 * HOUR) as portal, pytest.raises(AnswerError, match=r"live answer.*time_zone"):
        isr.load_live(portal=portal)


WAIT = {"late": {DAY + 30 * MINUTE: HOUR, DAY - 10 * MINUTE: HOUR}, "soon": {}}
"""How much later than others what was published then came: of the day, and so that it came after its end."""


def of_two_times(goes_by, stored, late, delay):
    """Give a portal of which each row has two times, and that goes by one of them."""

    def received(one):
        i = one.payload["i"]
        return dataclasses.replace(one, at=one.at + late.get(one.at - stored[0].at, delay * (1 + i % 7)))

    def row(one):
        return {**portal_rows.plain(one), "received_at": times.iso(received(one).at)}

    def how(server, asked, _n):
        low, high = (times.instant(asked[name]) for name in ("start", "end"))
        goes = {"time": lambda one: one.at, "received_at": lambda one: received(one).at}[goes_by]
        asked_for = sorted((one for one in server.stored if low <= goes(one) < high), key=goes)
        return give({"messages": [row(one) for one in asked_for]})

    return Odd(how, Dialect(doc=None, cap=10_000), stored), [received(one) for one in stored]


@pytest.mark.parametrize("goes_by", ["time", "received_at"])
@pytest.mark.parametrize(
    ("late", "delay"), [("late", SECOND), ("soon", SECOND), ("soon", SECOND // 20), ("soon", MINUTE)]
)
def test_the_time_that_a_portal_goes_by_stands_for_a_message_of_which_the_row_has_two(home, goes_by, late, delay):
    """By the other one, what came late would be in no range, or in two. It is found out once."""
    start = times.instant("2026-11-02")
    server, received = of_two_times(goes_by, published(start), WAIT[late], delay)
    stands = {"time": server.stored, "received_at": received}[goes_by]
    with portals.mocked(server, home, contract_file=None) as portal:
        for day in ("2026-11-02", "2026-11-03"):
            first = times.instant(day)
            df = isr.load_history(start=day, end=times.iso(first + DAY), portal=portal)
            same(df, inside(sorted(stands, key=lambda one: one.at), first, first + DAY))
            asked = len(server.log)
        same(
            isr.load_history(start="2026-11-02", end="2026-11-04", portal=portal),
            inside(sorted(stands, key=lambda one: one.at), start, start + 2 * DAY),
        )
        assert len(server.log) == asked


def test_a_portal_that_goes_by_neither_time_of_a_message_is_refused(home):
    """It gave the message, and would give it for no range of the times that it shows."""
    start = times.instant("2026-11-02")
    odd = start + 15 * HOUR

    def row(one):
        at, received = (one.at - 3 * HOUR + MINUTE, one.at - HOUR) if one.at == odd else (one.at, one.at + SECOND)
        return {**portal_rows.plain(one), "time": times.iso(at), "received_at": times.iso(received)}

    def how(server, asked, _n):
        low, high = (times.instant(asked[name]) for name in ("start", "end"))
        return give({"messages": [row(one) for one in within(server.stored, low, high)]})

    server = Odd(how, Dialect(doc=None, cap=10_000), published(start))
    with portals.mocked(server, home, contract_file=None) as portal, pytest.raises(AnswerError, match="'received_at'"):
        isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)


class Dated(Server):
    """A portal that says what time it has, and has what was published until then."""

    at = NOW

    def answer(self, url, headers):
        """Answer as of its present."""
        self.stored = [one for one in MINUTELY if one.at < self.at]
        status, given, body = super().answer(url, headers)
        return status, {**given, "Date": email.utils.formatdate(self.at // SECOND, usegmt=True)}, body


@pytest.mark.parametrize("ahead", [15 * MINUTE, 5 * HOUR, 26 * HOUR, 400 * DAY, -15 * MINUTE])
def test_a_clock_that_is_ahead_all_the_time_leaves_no_hole(home, ahead):
    """What it takes for the past is still to come: it is not taken for settled, by the time that the portal says."""
    server = Dated(Dialect(cap=5000), MINUTELY)
    with portals.mocked(server, home, now=lambda: server.at + ahead) as portal:
        isr.load_history(start=times.iso(NOW - HOUR), portal=portal)
        for _ in range(4):
            server.at += 20 * MINUTE
            isr.load_history(start=times.iso(server.at - 20 * MINUTE), portal=portal)
        server.at += 8 * HOUR
        whole = {"start": times.iso(NOW - HOUR), "end": times.iso(NOW + 6 * HOUR)}
        df = isr.load_history(**whole, portal=portal)
    same(df, [one for one in MINUTELY if NOW - HOUR <= one.at < NOW + 6 * HOUR])


def test_a_clock_that_goes_wrong_in_an_open_connection_leaves_no_hole(home):
    """As after a machine has slept; nor is it held against the clock, once it is right again."""
    server, ahead = Dated(Dialect(cap=5000), MINUTELY), [0]
    with portals.mocked(server, home, now=lambda: server.at + ahead[0]) as portal:
        for off in (0, 0, 5 * HOUR, 5 * HOUR):
            ahead[0] = off
            isr.load_history(start=times.iso(server.at - HOUR), portal=portal)
            server.at += 20 * MINUTE
        assert portal.wire.ahead == 5 * HOUR
        ahead[0] = -HOUR
        for _ in range(2):
            isr.load_history(start=times.iso(server.at - 2 * HOUR), refresh=True, portal=portal)
        ahead[0] = 0
        server.at += 8 * HOUR
        whole = {"start": times.iso(NOW - HOUR), "end": times.iso(NOW + 6 * HOUR)}
        df = isr.load_history(**whole, portal=portal)
        for _ in range(3):
            isr.load_history(**whole, refresh=True, portal=portal)
        assert portal.wire.off == 0
    same(df, [one for one in MINUTELY if NOW - HOUR <= one.at < NOW + 6 * HOUR])


def test_an_answer_that_a_proxy_kept_tells_no_time(home):
    """It has the date of when the proxy had it, and says how old that is."""
    server = Dated(Dialect(), MINUTELY)
    plain = server.answer

    def kept(url, headers):
        status, given, body = plain(url, headers)
        return status, {**given, "Age": "3600", "Date": "Thu, 05 Nov 2026 04:00:00 GMT"}, body

    with portals.mocked(server, home, now=lambda: server.at) as portal:
        isr.load_live(portal=portal)
        server.answer = kept
        isr.load_live(max_age="0s", portal=portal)
        assert portal.wire.off == 0
