"""Portals whose ranges and pages do not end where one would think: exact, or an error that says why."""

from __future__ import annotations

import dataclasses
import random

import portals
import pytest
from portal_messages import same
from portal_odd import MINUTES, SPAN, Odd, ends, give, rows, within
from portals import FIRST, Message

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError, HistoryIncompleteError
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND


def test_messages_just_outside_of_a_range_must_be_given_in_their_own_time(home):
    """A portal that goes by when it stored them, seconds later, would lose them at each border; one that rounds not."""
    stored = [Message(FIRST + i * HOUR - 1_700_000_000, "dev-a", "t/x", {"i": i}) for i in range(1, 72)]

    def late(server, asked, _n):
        low, high = ends(asked)
        return rows(within(server.stored, low - 5 * SECOND, high - 5 * SECOND))

    def rounding(server, asked, _n):
        low, high = ends(asked)
        return rows(within(server.stored, low // MINUTE * MINUTE, high // MINUTE * MINUTE + MINUTE))

    with (
        portals.mocked(Odd(late, stored=stored), home / "late") as portal,
        pytest.raises(AnswerError, match="another time than the one that is read"),
    ):
        isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)
    with portals.mocked(Odd(rounding, stored=stored), home / "rounding") as portal:
        same(
            isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal),
            within(stored, FIRST + DAY, FIRST + 2 * DAY),
        )


def test_ranges_that_the_portal_widens_to_whole_hours_are_cut_to_what_was_asked(home):
    """Asked for the minutes around noon it gives two hours."""
    stored = [Message(FIRST + i * 47 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(6000)]

    def how(server, asked, _n):
        low, high = ends(asked)
        return rows(within(server.stored, low // HOUR * HOUR, -(-high // HOUR) * HOUR))

    for name, low, high in (("hour", 34, 35), ("days", 24, 72)):
        span = {"start": f"2026-11-0{1 + low // 24}T{low % 24:02}", "end": f"2026-11-0{1 + high // 24}T{high % 24:02}"}
        with portals.mocked(Odd(how, stored=stored), home / name) as portal:
            same(isr.load_history(**span, portal=portal), within(stored, FIRST + low * HOUR, FIRST + high * HOUR))


def test_a_cursor_that_is_the_instant_behind_the_last_message_is_no_page(home):
    """Others of its instant would be on none: what follows is read by time."""
    stored = [Message(FIRST + DAY + i // 9 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(90)]

    def how(server, asked, _n):
        low, high = ends(asked)
        found = within(server.stored, int(asked["cursor"]) * 1_000_000 if "cursor" in asked else low, high)
        more = {"next_cursor": str(found[19].at // 1_000_000 + 1)} if len(found) > 20 else {}
        return rows(found[:20], **more)

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), stored)


def test_a_shorter_answer_with_such_a_cursor_is_not_whole(home):
    """A portal may give so many bytes at once, and not so many messages."""
    stored = [Message(FIRST + DAY + i * SECOND, "dev-a", "t/x", {"i": i}) for i in range(90)]

    def how(server, asked, _n):
        found = server._in(asked)
        size = sum(sum(1 if one.payload["i"] < 30 else 3 for one in found[: i + 1]) <= 30 for i in range(len(found)))
        more = {"next_cursor": str(found[size - 1].at // 1_000_000 + 1)} if len(found) > size else {}
        return rows(found[:size], **more)

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), stored)


@pytest.mark.parametrize("unit", [1, SECOND, MINUTE])
def test_pages_of_rows_in_no_order_are_not_taken_for_whole(home, unit):
    """A database that is not told to order them may give some twice and others never; an honest one gives each once.

    So it is found out where it cuts the ends of ranges, too.
    """
    stored = [Message(one.at + 7_001_000_000, one.client, one.topic, one.payload) for one in MINUTES]
    repeated = [stored[0], *stored]

    def how(server, asked, n):
        low, high = (end // unit * unit for end in ends(asked))
        found, at = within(server.stored, low, high), int(asked.get("offset", 0))
        random.Random(n if server.stored is stored else 0).shuffle(found)
        return rows(found[at : at + 20], offset=at, total=len(found))

    shuffled = Odd(how, stored=stored)
    with portals.mocked(shuffled, home / "any") as portal, pytest.raises(HistoryIncompleteError, match="no order"):
        isr.load_history(**SPAN, portal=portal)
    with portals.mocked(Odd(how, stored=repeated), home / "one") as portal:
        same(isr.load_history(**SPAN, portal=portal), repeated)


@pytest.mark.parametrize("paging", ["page", "offset"])
@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("cap", [40, 500])
def test_messages_of_one_instant_may_stand_in_another_order_in_each_answer(tmp_path, paging, order, cap):
    """The first page, by its number, is that page once more; of an instant some are on two pages, and some on none."""
    stored = [Message(FIRST + DAY + i // 7 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(300)]

    def how(server, asked, n):
        dice = random.Random(n)
        found = sorted(within(server.stored, *ends(asked)), key=lambda one: (one.at, dice.random()))
        found = found[::-1] if order == "down" else found
        at = (int(asked.get("page", 1)) - 1) * cap if paging == "page" else int(asked.get("offset", 0))
        return rows(found[at : at + cap])

    dialect = portals.Dialect(paging=paging, pager=paging, says=("types",), cap=cap)
    server = Odd(how, dialect, stored)
    with portals.serve(server) as origin, portals.connect(origin, tmp_path) as portal:
        same(isr.load_history(**SPAN, portal=portal), stored)


def shown(unit):
    """Make a portal of four messages that shows their times cut to a unit; give the messages as it shows them, too."""
    stored = [Message(FIRST + DAY + i * MINUTE + 40 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(4)]

    def cut(found):
        return [dataclasses.replace(one, at=one.at // unit * unit) for one in found]

    return Odd(lambda server, asked, _n: rows(cut(within(server.stored, *ends(asked)))), stored=stored), cut(stored)


def test_a_part_that_has_fewer_messages_than_the_whole_is_an_error(home):
    """A portal that shows steps of 110 s alone gives a message behind a cut that is shown before it, in no half."""
    server, _ = shown(110 * SECOND)
    with portals.mocked(server, home) as portal, pytest.raises(HistoryIncompleteError, match="gave fewer messages"):
        isr.load_history(start="2026-11-02T00:00", end="2026-11-02T00:10", portal=portal)


def test_a_portal_that_shows_the_minute_alone_is_parted_at_minutes(home):
    """What a minute is cut at is between two of them, so that each message is in one part."""
    server, truth = shown(MINUTE)
    with portals.mocked(server, home) as portal:
        same(isr.load_history(start="2026-11-02T00:00", end="2026-11-02T00:10", portal=portal), truth)


def test_what_a_portal_deletes_meanwhile_is_not_missed(home):
    """The oldest messages of a range may go between two requests: all that are still there are given."""
    stored = [Message(FIRST + DAY + i * 37 % 100 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(100)]

    def how(server, asked, n):
        low, high = ends(asked)
        return rows(within(server.stored, max(low, FIRST + DAY + n * MINUTE), high))

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        df = isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)
    assert df["i"].is_unique
    assert set(df["i"]) >= {one.payload["i"] for one in stored if one.at >= FIRST + DAY + 20 * MINUTE}


def test_short_ranges_of_nothing_are_asked_for_once_where_minutes_are_shown(home):
    """A message shown at the full minute need not be in the seconds around that; one look at it is enough."""
    stored = [Message(FIRST + DAY + i * 130 * SECOND + 47 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(270)]
    cut = [dataclasses.replace(one, at=one.at // MINUTE * MINUTE) for one in stored]

    def how(server, asked, _n):
        low, high = ends(asked)
        return rows([dataclasses.replace(one, at=one.at // MINUTE * MINUTE) for one in within(stored, low, high)])

    server = Odd(how, stored=stored)
    with portals.mocked(server, home) as portal:
        first = isr.load_history(start="2026-11-02", end="2026-11-02T10", portal=portal)
        same(first, within(cut, FIRST, FIRST + DAY + 10 * HOUR))
        before = server.count()
        for i in range(10):
            low = FIRST + DAY + 12 * HOUR + i * 10 * SECOND + 50 * SECOND * (i > 4)
            assert isr.load_history(start=times.iso(low), end=times.iso(low + 10 * SECOND), portal=portal).empty
    assert server.count() - before <= 11


def test_a_portal_that_cuts_the_ends_of_a_range_to_the_minute_follows_it(home):
    """Asked from just before midnight on it gives the last minute of the day before, and nothing of a few seconds."""
    stored = [Message(FIRST + i * 29_123_000_000, "dev-a", "t/x", {"i": i}) for i in range(9000)]

    def how(server, asked, _n):
        return rows(within(server.stored, *(end // MINUTE * MINUTE for end in ends(asked))))

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), within(stored, FIRST + DAY, FIRST + 2 * DAY))


def test_repeats_of_qos_1_on_many_pages_cost_few_requests(home):
    """That one message of two pages is two alike is asked for a few times, not for each page."""
    repeated = [one for one in MINUTES for _ in range(9)]

    def how(server, asked, _n):
        found, at = within(server.stored, *ends(asked)), int(asked.get("offset", 0))
        random.Random(0).shuffle(found)
        return rows(found[at : at + 20], offset=at, total=len(found))

    server = Odd(how, stored=repeated)
    with portals.mocked(server, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), repeated)
    assert server.count() <= 900 / 20 + 6


@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "link", "none"])
@pytest.mark.parametrize(
    "words",
    ["the range must be at least 1 hour", "minimum window: 60 minutes", "range too short", "max 31 days, min 3600 s"],
)
def test_a_range_that_the_portal_finds_too_short_is_read_from_a_longer_one(home, paging, words):
    """Minutes of the past, and the tail of today; exact, with pages and without, whatever the words."""
    stored = [Message(portals.NOW - DAY + i * 20 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(4320)]
    dialect = portals.Dialect(
        paging=paging, pager={"page": "page", "offset": "offset", "none": None}.get(paging, "cursor"),
        cap=500, shortest=HOUR, too_short=words,
    )  # fmt: skip
    with portals.mocked(portals.Server(dialect, stored), home) as portal:
        now = portals.NOW
        for low, high in ((now - 9 * HOUR, now - 9 * HOUR + 5 * MINUTE), (now - 8 * MINUTE, now), (now - DAY, now)):
            frame = isr.load_history(start=times.iso(low), end=times.iso(high), portal=portal)
            same(frame, within(stored, low, high))
        assert portal.contract.history.shortest is not None


def test_more_messages_than_a_portal_gives_at_once_in_the_least_that_can_be_asked_for(home):
    """They cannot be had, and the error says why."""
    stored = [Message(FIRST + DAY + i * SECOND, "dev-a", "t/x", {"i": i}) for i in range(3000)]
    dialect = portals.Dialect(paging="none", pager=None, cap=500, shortest=HOUR, order="mixed")
    with (
        portals.mocked(portals.Server(dialect, stored), home) as portal,
        pytest.raises(HistoryIncompleteError, match="no range shorter than 1h"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize(("order", "end_in"), [("up", True), ("down", False), ("up", False)])
def test_a_shortest_range_where_not_all_is_kept_any_more(home, order, end_in):
    """Only a few minutes of a day are left, and the portal refuses what begins before them, and what is so short."""
    low = portals.NOW - DAY
    stored = [Message(low - 9 * HOUR + i * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(33 * 60)]
    midnight = low // DAY * DAY + DAY
    dialect = portals.Dialect(
        paging="none", pager=None, cap=181, order=order, end_in=end_in, shortest=HOUR,
        kept=portals.NOW - midnight + 10 * 60 * SECOND,
    )  # fmt: skip
    with portals.mocked(portals.Server(dialect, stored), home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            frame = isr.load_history(start=times.iso(low - 2 * HOUR), end=times.iso(midnight + 5 * HOUR), portal=portal)
        same(frame, within(stored, midnight - 10 * 60 * SECOND, midnight + 5 * HOUR))


@pytest.mark.parametrize("order", ["up", "down"])
def test_as_many_messages_in_each_of_the_shortest_ranges(home, order):
    """Each answer is as long as the longest, and may be cut; what a longer range shows beyond a part proves that."""
    stored = [Message(portals.NOW - DAY + i * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(24 * 60)]
    dialect = portals.Dialect(
        paging="none", pager=None, cap=2000, shortest=HOUR, longest=HOUR + 60 * SECOND, order=order, says=()
    )
    with portals.mocked(portals.Server(dialect, stored), home) as portal:
        low, high = portals.NOW - 12 * HOUR, portals.NOW - 9 * HOUR
        same(isr.load_history(start=times.iso(low), end=times.iso(high), portal=portal), within(stored, low, high))


def test_a_shortest_range_of_which_only_the_newest_come_where_not_all_is_kept(home):
    """Nothing older can be asked for: what is behind cannot be had, and is not left out without a word."""
    first, many = portals.NOW - 30 * HOUR, 30 * HOUR // SECOND // 7
    stored = [Message(first + i * 7 * SECOND, f"dev-{i % 3}", "t/x", {"i": i}) for i in range(many)]
    dialect = portals.Dialect(
        paging="none", pager=None, cap=40, order="down", start_in=False, asked="s", shortest=HOUR,
        too_short="minimum window: 60 minutes", kept=10 * HOUR + HOUR // 2, client=None, doc=None,
    )  # fmt: skip
    low, high = portals.NOW - 25 * HOUR, portals.NOW - 9 * HOUR
    with (
        portals.mocked(portals.Server(dialect, stored), home) as portal,
        pytest.raises(HistoryIncompleteError, match="no range shorter than"),
    ):
        isr.load_history(start=times.iso(low), end=times.iso(high), portal=portal)


@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("overlap", [0, 1])
def test_pages_that_overlap_where_no_range_may_be_short(home, order, overlap):
    """Found out by the messages of one instant, though they come with an hour; pages that part two alike are read.

    By time, the newest of the last hour can be had, but not what is before others of an hour that are more than a page.
    """
    stored = [Message(portals.NOW - 3 * HOUR + i // 2 * MINUTE, "dev-a", "t/x", {"i": i // 2}) for i in range(360)]

    def how(server, asked, _n):
        found, at = within(server.stored, *ends(asked)), int(asked.get("offset", 0))
        if ends(asked)[1] - ends(asked)[0] < HOUR:
            return give({"detail": "the range must be at least 1 hour"}, 400)
        found = found[::-1] if order == "down" else found
        return rows(found[max(at - overlap, 0) : at + 41], offset=at)

    high = portals.NOW - (0 if order == "down" else 90 * MINUTE)
    span = {"start": times.iso(high - HOUR), "end": times.iso(high)}
    with portals.mocked(Odd(how, portals.Dialect(paging="offset", pager="offset", cap=41), stored), home) as portal:
        if overlap and order == "up":
            with pytest.raises(HistoryIncompleteError, match=r"no more than 41 messages at once .*no range shorter"):
                isr.load_history(**span, portal=portal)
        else:
            same(isr.load_history(**span, portal=portal), within(stored, high - HOUR, high))


def test_what_is_learned_while_it_is_asked_whether_a_start_counts_is_kept(home):
    """By another thread, whose answer says more of the portal than this one knew when it asked."""
    stored = [Message(portals.NOW - 20 * HOUR + i * 10 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(120)]
    server = portals.Server(portals.Dialect(longest=6 * HOUR, says=("types", "names", "longest")), stored)
    asks = server._history

    def history(asked, path):
        low, high = ends(asked)
        if high - low < MINUTE:
            portal.learn_fields(time_zone="UTC")
        return asks(asked, path)

    server._history = history
    with portals.mocked(server, home) as portal:
        span = times.Range(portals.NOW - 14 * HOUR, portals.NOW - 12 * HOUR)
        assert portal.contract.history.fields.time_zone is None
        assert portals.read(portal, span) == [one.at for one in stored if span.start <= one.at < span.end]
        assert portal.contract.history.fields.time_zone == "UTC"


@pytest.mark.parametrize("start_in", [True, False])
def test_whether_a_start_counts_is_learned_from_a_range_that_is_long_enough(home, start_in):
    """Where ranges may be neither long nor short; then nothing is asked for that begins before what is wanted."""
    stored = [Message(portals.NOW - 20 * HOUR + i * 10 * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(120)]
    dialect = portals.Dialect(shortest=HOUR, longest=6 * HOUR, start_in=start_in, says=("types", "names", "longest"))
    server = portals.Server(dialect, stored)
    with portals.mocked(server, home) as portal:
        low = portals.NOW - 14 * HOUR
        isr.load_history(start=times.iso(low), end=times.iso(low + 5 * MINUTE), portal=portal)
        assert portal.contract.history.start_included is start_in
        before = server.count()
        frame = isr.load_history(start=times.iso(low + 2 * HOUR), end=times.iso(low + 8 * HOUR), portal=portal)
        same(frame, within(stored, low + 2 * HOUR, low + 8 * HOUR))
        assert server.count() - before == (1 if start_in else 2)  # six hours, and no unit more
