"""The ledger: which parts concern a range, and how settled a span of it is."""

from __future__ import annotations

import pytest

from isr_analysis import database
from isr_analysis.messages import Selector
from isr_analysis.store import holding, ledger
from isr_analysis.store.ledger import Part, Span
from isr_analysis.times import DAY, HOUR, MINUTE, Range

D0 = 20_000 * DAY
ALL = Selector()
EVER = Range(0, 2**62)


@pytest.fixture
def db(tmp_path):
    """Open an empty ledger."""
    with database.transaction(tmp_path / "ledger.sqlite", ledger.FORMAT) as opened:
        yield opened


def part(first, last, file="one"):
    """Make a part of client a and topic t/x."""
    return Part(file, first, last, 1, 1, frozenset("a"), frozenset(["t/x"]))


@pytest.mark.parametrize(
    ("span", "found", "whole"),
    [
        (Range(10, 21), True, True),
        (Range(10, 20), True, False),  # its last message is at the end, which is not part of a range
        (Range(11, 30), True, False),
        (Range(20, 30), True, False),
        (Range(21, 30), False, False),
        (Range(0, 11), True, False),
        (Range(0, 10), False, False),
    ],
)
def test_a_part_concerns_the_ranges_that_hold_one_of_its_messages(db, span, found, whole):
    """Half-open: what lies at the start is in it, what lies at the end is not."""
    one = part(10, 20)
    ledger.replace_parts(db, [], [one], 0)
    assert (ledger.parts(db, span, ALL) == [one]) is found
    assert one.is_all(ALL, span) is whole


@pytest.mark.parametrize(
    ("selector", "found", "whole"),
    [
        (Selector(), True, True),
        (Selector(("a", "b"), "#"), True, True),
        (Selector(("a",), "#"), True, False),
        (Selector(("c",), "#"), False, False),
        (Selector(None, "t/#"), True, False),
        (Selector(("a", "b", "c"), "+/x"), True, True),
        (Selector(None, "t/y"), False, False),
    ],
)
def test_a_part_is_all_of_what_is_meant_only_if_nothing_else_is_in_it(db, selector, found, whole):
    """What is fetched anew takes the place of such a part: of another client or topic nothing may be in it."""
    one = Part("one", 10, 20, 4, 1, frozenset("ab"), frozenset(["t/x", "s/x"]))
    ledger.replace_parts(db, [], [one], 0)
    assert (ledger.parts(db, EVER, selector) == [one]) is found
    assert one.is_all(selector, EVER) is whole


def test_a_fetch_of_some_leaves_what_is_known_of_all(db):
    """Only what a fetch answers whole gives way to it."""
    known = [Selector(), Selector(("a",), "t/#"), Selector(("b",), "t/x")]
    for selector in known:
        ledger.note(db, selector, Range(0, 10), 20, settle=0)
    ledger.note(db, Selector(None, "t/x"), Range(0, 10), 30, settle=0)
    found = {(one.client, one.topic, one.fetched_at) for one in ledger.all_spans(db, EVER)}
    assert found == {("*", "#", 20), ("a", "t/#", 20), ("*", "t/x", 30)}
    of_another = ledger.spans(db, EVER, Selector(("b",), "t/x"))
    assert sorted((one.client, one.topic) for one in of_another) == [("*", "#"), ("*", "t/x")]


def test_what_fails_again_is_written_down_once(db):
    """A job that fails each hour does not make the ledger grow; the last words count."""
    for at in (1, 2):
        ledger.fail(db, ALL, Range(0, 10), at, f"failed at {at}")
    ledger.fail(db, Selector(("a",)), Range(0, 10), 3, "failed at 3")
    assert [words for _, words in ledger.failures(db, EVER, "#")] == ["failed at 3", "failed at 2"]


def test_what_is_left_of_a_span_was_fetched_longer_after_its_end(db):
    """Of a day fetched at its end the morning has settled, even when the afternoon counts as never fetched."""
    ledger.note(db, ALL, Range(D0, D0 + DAY), D0 + DAY, settle=10 * MINUTE)
    ledger.forget(db, Range(D0 + 12 * HOUR, D0 + DAY))
    (left,) = ledger.spans(db, EVER, ALL)
    assert (left.range, left.margin) == (Range(D0, D0 + 12 * HOUR), 12 * HOUR)
    assert left.settled(12 * HOUR) == left.range


def test_spans_that_touch_become_one_as_old_and_as_settled_as_the_least_of_them(db):
    """So nothing counts for fresher, or for more settled, than it is; and what lies between two was not fetched."""
    for start, at in ((0, 3), (1, 5), (2, 4), (4, 7), (5, 9)):
        span = Range(D0 + start * HOUR, D0 + (start + 1) * HOUR)
        ledger.note(db, ALL, span, D0 + at * HOUR, settle=10 * MINUTE)
    assert ledger.spans(db, EVER, ALL) == [
        Span(ledger.ALL, "#", Range(D0, D0 + 3 * HOUR), D0 + 3 * HOUR, HOUR),
        Span(ledger.ALL, "#", Range(D0 + 4 * HOUR, D0 + 6 * HOUR), D0 + 7 * HOUR, 2 * HOUR),
    ]


def test_a_fetch_makes_good_what_failed_within_it(db):
    """Also up to its very end; what reaches beyond, or is of more topics, has still failed."""
    for end, topic in ((10, "t/x"), (11, "t/x"), (10, "#")):
        ledger.fail(db, Selector(None, topic), Range(0, end), 0, f"{topic} {end}")
    ledger.note(db, Selector(None, "t/#"), Range(0, 10), 20, settle=0)
    assert sorted(words for _, words in ledger.failures(db, EVER, "#")) == ["# 10", "t/x 11"]
    assert [words for _, words in ledger.failures(db, EVER, "s/y")] == ["# 10"]


def test_requests_of_long_ago_count_less(db):
    """The seconds of a request follow the portal's of today."""
    for _ in range(20):
        ledger.note_speed(db, 10, 10.0)
    requests, seconds = ledger.speed(db)
    assert seconds / requests == pytest.approx(1.0)
    assert 10 < requests < 60
    for _ in range(20):
        ledger.note_speed(db, 10, 20.0)
    requests, seconds = ledger.speed(db)
    assert seconds / requests == pytest.approx(2.0, abs=0.05)


def test_files_that_were_replaced_before_an_instant_are_told(db):
    """Not those that were replaced at it, or later."""
    for at in (1, 2, 3):
        one = part(0, 1, file=str(at))
        ledger.replace_parts(db, [], [one], 0)
        ledger.replace_parts(db, [one], [], at)
    assert ledger.gone(db, 2) == ["1"]
    assert ledger.files(db) == {"1", "2", "3"}


def test_what_is_held_is_as_old_as_the_oldest_of_it():
    """And what is not settled is asked for again once it is as old as allowed, and when all is to be anew."""
    early, late = (Span("*", "#", Range(D0 + h * HOUR, D0 + (h + 1) * HOUR), D0 + at, 0) for h, at in ((0, 5), (1, 9)))
    span = Range(D0, D0 + 2 * HOUR)

    def missing(**more):
        given = {"now": D0 + DAY, "max_age": None, **more}
        return [window for _, window in holding.weigh([early, late], ALL, span, **given).missing]

    assert holding.weigh([early, late], ALL, span, now=D0 + DAY, max_age=None).fetched_at == D0 + 5
    assert missing() == []
    assert missing(since=D0 + 5) == [early.range]
    assert missing(since=D0 + 4) == []
    assert missing(now=D0 + 3 * HOUR, max_age=3 * HOUR - 9) == [span]
    assert missing(now=D0 + 3 * HOUR, max_age=3 * HOUR - 8) == [early.range]


def test_what_was_asked_for_just_now_is_fresh_up_to_now_but_no_hole_before_it_is():
    """However often the present is looked at, what was never fetched before it is fetched."""
    early, late = Range(D0, D0 + HOUR), Range(D0 + 2 * HOUR, D0 + 3 * HOUR)
    found = [Span("*", "#", early, D0 + 2 * HOUR, HOUR), Span("*", "#", late, late.end, 0)]
    now = late.end + MINUTE // 2
    held = holding.weigh(found, ALL, Range(D0, now), now=now, max_age=MINUTE)
    assert [window for _, window in held.missing] == [Range(early.end, late.start)]


def test_provisional_is_from_the_first_instant_that_may_change():
    """Whoever's it is."""
    a, b = (Span(who, "#", Range(D0, D0 + DAY), D0 + at * HOUR, 0) for who, at in (("a", 9), ("b", 7)))
    span = Range(D0, D0 + DAY)
    for clients, hour in ((("a", "b"), 6), (("a",), 8)):
        held = holding.weigh([a, b], Selector(clients), span, now=D0 + DAY, settle=HOUR)
        assert held.provisional_from == D0 + hour * HOUR
