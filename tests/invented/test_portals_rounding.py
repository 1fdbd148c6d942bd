"""Portals that cut or round the ends of the ranges that they are asked for: exact all the same."""

from __future__ import annotations

import random
from decimal import Decimal

import portals
import pytest
from portal_messages import same
from portal_odd import Odd, ends, give, rows, within
from portals import FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

SPAN = {"start": "2026-11-01", "end": "2026-11-04"}
AT_BORDERS = [FIRST + day * DAY + off for day in range(4) for off in (-30 * SECOND, -SECOND // 2, 0)]
STORED = [
    Message(at, f"dev-{i % 2}", "t/x", {"i": i})
    for i, at in enumerate(sorted([*AT_BORDERS, *(FIRST + i * 1977 * SECOND + SECOND // 2 for i in range(150))]))
]
LOW, HIGH = FIRST + DAY + 6 * HOUR + 30 * SECOND, FIRST + DAY + 9 * HOUR + 30 * SECOND

CUT = {"down": lambda at, unit: at // unit * unit, "to the nearest": lambda at, unit: (at + unit // 2) // unit * unit}


@pytest.mark.parametrize(
    ("how", "unit", "longest", "start_in", "order"),
    [
        ("down", MINUTE, None, True, "up"),
        ("down", MINUTE, None, True, "mixed"),
        ("down", SECOND, DAY, True, "up"),
        ("down", MINUTE, DAY, False, "up"),
        ("down", SECOND, 3 * HOUR, False, "mixed"),
        ("to the nearest", 1_000_000, None, False, "up"),
        ("to the nearest", SECOND, None, False, "up"),
        ("to the nearest", SECOND, 3 * HOUR, False, "up"),
    ],
)
def test_ends_of_ranges_that_the_portal_rounds_lose_nothing(tmp_path, how, unit, longest, start_in, order):
    """Of part of a day, of all, and again from disk; whether it takes whole days, and whether the start counts."""
    stored = sorted([*STORED, Message(HIGH - 25 * SECOND, "dev-0", "t/x", {"i": -1})], key=lambda one: one.at)

    def answer(server, asked, _n):
        low, high = ends(asked)
        if longest is not None and high - low > longest:
            return give({"detail": f"the range may be at most {longest // HOUR} hours"}, 400)
        found = within(server.stored, CUT[how](low, unit) + (not start_in), CUT[how](high, unit))
        if order == "mixed":
            random.Random(0).shuffle(found)
        return rows(found[:40]) if how == "down" else rows(found, has_more=False)

    server = Odd(answer, stored=stored)
    with portals.serve(server) as origin, portals.connect(origin, tmp_path) as portal:
        part = isr.load_history(start=times.iso(LOW), end=times.iso(HIGH), portal=portal)
        same(part, within(stored, LOW, HIGH))
        everything = within(stored, FIRST, FIRST + 3 * DAY)
        same(isr.load_history(**SPAN, portal=portal), everything)
        before = server.count()
        same(isr.load_history(**SPAN, portal=portal), everything)
        assert server.count() == before
        same(isr.load_history(**SPAN, offline=True, portal=portal), everything)


def test_a_range_is_parted_between_the_steps_that_the_portal_shows(home):
    """A message of the half second before a cut is shown before it, and given behind it: in neither half."""
    stored = [Message(FIRST + DAY + i * 710_000_000, "dev-a", "t/x", {"i": i}) for i in range(400)]
    shown = [Message(times.whole_second(one.at), one.client, one.topic, one.payload) for one in stored]

    def how(server, asked, _n):
        found = [seen for one, seen in zip(stored, shown, strict=True) if within([one], *ends(asked))]
        random.Random(0).shuffle(found)
        return rows(found[:13])

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        same(isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal), shown)


def test_few_messages_of_a_portal_that_cuts_to_the_minute_are_not_taken_for_lost(home):
    """Whether long ranges are cut short is found out by ranges that end a whole minute behind a message."""
    stored = [Message(FIRST + DAY + hour * HOUR + 40 * SECOND, "dev-a", "t/x", {"i": hour}) for hour in (-8, 3, 4, 30)]

    def how(server, asked, _n):
        low, high = (end // MINUTE * MINUTE for end in ends(asked))
        return rows(within(server.stored, low, high), next_cursor=None)

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        part = {"start": "2026-11-02T03:00", "end": "2026-11-02T09:00"}
        same(isr.load_history(**part, portal=portal), stored[1:3])
        same(isr.load_history(**SPAN, portal=portal), stored)


def test_a_range_of_close_messages_is_parted_at_whole_seconds(home):
    """Parted in the middle of the nearest gap, a half would lack what lies between its last second and its end."""
    stored = [Message(FIRST + DAY + i // 3 * SECOND + (142, 420, 857)[i % 3] * 10**6, "a", "t", i) for i in range(400)]

    def how(server, asked, _n):
        found = within(server.stored, *map(times.whole_second, ends(asked)))
        random.Random(0).shuffle(found)
        return rows(found[:15])

    with portals.mocked(Odd(how, stored=stored), home) as portal:
        same(isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal), stored)


@pytest.mark.parametrize("order", ["down", "up", "mixed"])
def test_seconds_as_a_double_are_shown_early_at_times(home, order):
    """By some 0.1 µs, where nanoseconds are divided by 1e9: none is left out by asking up to the instant shown."""
    stored = []
    for i in range(300):
        near = range(FIRST + i * 700 * SECOND, FIRST + (i + 1) * 700 * SECOND, 1_000_000)
        at = next(at for at in near if Decimal(str(at / 1e9)) * SECOND < at)
        stored.append(Message(at, "dev-0", "t/x", {"i": i}))
    dialect = Dialect(asked="ms", paging="none", order=order, when=lambda at: at / 1e9, doc="openapi")
    with portals.serve(Server(dialect, stored)) as origin, portals.connect(origin, home) as portal:
        df = isr.load_history(**SPAN, portal=portal)
    assert df["i"].tolist() == list(range(300))
    assert abs(df.index.asi8 - [one.at for one in stored]).max() < 500
