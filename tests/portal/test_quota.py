"""The quota: exact, shared, and overruled by the portal."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isr_analysis import times
from isr_analysis.errors import QuotaExhaustedError
from isr_analysis.portal.quota import PER_HOUR, Tally, Word, read_word

NOW = 20_000 * times.DAY


@pytest.fixture
def tally(tmp_path):
    """Give a tally on which nothing was taken."""
    return Tally(tmp_path / "quota.sqlite", "one")


def test_an_unused_quota_is_whole(tally):
    """Asking takes nothing, and makes no file."""
    assert tally.state(NOW).left == PER_HOUR


def test_each_request_is_counted_for_an_hour(tally):
    """A request leaves the count an hour later; another token has its own."""
    for i in range(3):
        tally.take(NOW + i)
    assert tally.state(NOW + 3).left == PER_HOUR - 3
    assert tally.state(NOW + times.HOUR + 1).left == PER_HOUR - 1
    assert Tally(tally._path, "other").state(NOW).left == PER_HOUR


def test_a_used_up_quota_is_an_error_that_says_until_when(tally):
    """Exactly the limit is granted; the next one is free when the oldest leaves the hour."""
    tally.hear(Word(limit=3, remaining=None, resets_in=None), NOW)
    for i in range(3):
        tally.take(NOW + i * times.MINUTE)
    with pytest.raises(QuotaExhaustedError, match="58 min") as caught:
        tally.take(NOW + 2 * times.MINUTE)
    assert caught.value.retry_after == 58 * 60
    assert caught.value.status_code == 429
    assert caught.value.retryable
    with pytest.raises(QuotaExhaustedError, match=r"\(in 12 s\)"):
        tally.take(NOW + times.HOUR - 12 * times.SECOND)
    assert "the portal said" not in str(caught.value)
    tally.take(NOW + times.HOUR)


def test_the_portal_overrides_our_count(tally):
    """What it says is left is left, minus what was taken since; after its reset there is a new hour."""
    number = tally.take(NOW).number
    tally.hear(Word(limit=5, remaining=2, resets_in=600.0), NOW, number)
    tally.take(NOW + 1)
    tally.take(NOW + 2)
    with pytest.raises(QuotaExhaustedError) as caught:
        tally.take(NOW + 3)
    assert caught.value.retry_after == pytest.approx(600, abs=1)
    assert tally.state(NOW + 600 * times.SECOND - 1).left == 0
    assert tally.state(NOW + 600 * times.SECOND).left == 5


def test_what_a_clock_that_was_ahead_noted_does_not_count(tally):
    """Else the quota would be used up until the clock is there once more."""
    ahead = NOW + times.DAY
    for i in range(3):
        tally.take(ahead + i)
    tally.hear(Word(limit=5, remaining=0, resets_in=600.0), ahead, tally.take(ahead).number)
    assert tally.state(NOW).left == PER_HOUR
    tally.take(NOW)
    assert tally.state(NOW).left == PER_HOUR - 1


def test_a_word_without_a_reset_counts_for_a_minute(tally):
    """Then our own count does, of the limit that was stated."""
    number = tally.take(NOW).number
    tally.hear(Word(limit=5, remaining=2, resets_in=None), NOW, number)
    assert tally.state(NOW + times.MINUTE - 1).left == 2
    assert tally.state(NOW + times.MINUTE).left == 4


def test_a_limit_that_came_alone_is_no_word_on_what_is_left(tally):
    """The next answer of the same hour says it; of those that overtake each other the lowest counts."""
    for left, count in ((None, PER_HOUR), (3, 3), (4, 3), (2, 2)):
        tally.hear(Word(limit=PER_HOUR, remaining=left, resets_in=600.0), NOW)
        assert tally.state(NOW).left == count


@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_whatever_overtakes_whatever_no_more_is_granted_than_the_portal_gives(tmp_path_factory, limit, random):
    """Requests arrive and are answered in any order; the portal never counts more than its limit."""
    tally = Tally(tmp_path_factory.mktemp("q") / "quota.sqlite", "one")
    tally.hear(Word(limit, limit, 3600.0), NOW)
    counted, sent, answered = 0, [], []
    for step in range(60):
        action = random.choice(["take", "arrive", "hear"])
        if action == "take":
            with contextlib.suppress(QuotaExhaustedError):
                sent.append(tally.take(NOW + step).number)
        elif action == "arrive" and sent:
            counted += 1
            answered.append((sent.pop(random.randrange(len(sent))), limit - counted))
        elif action == "hear" and answered:
            number, left = answered.pop(random.randrange(len(answered)))
            tally.hear(Word(limit, left, 3600.0), NOW + step, number)
    assert counted + len(sent) <= limit
    for number, left in answered:
        tally.hear(Word(limit, left, 3600.0), NOW + 100, number)
    assert tally.state(NOW + 101).left == limit - counted - len(sent)


@pytest.mark.parametrize(
    ("headers", "is_brief"),
    [({"retry-after": "30"}, True), ({"retry-after": "60"}, True), ({"retry-after": "90"}, False), ({}, False)],
)
def test_a_limit_of_the_pace_is_one_that_the_portal_says_ends_soon(tally, headers, is_brief):
    """Only then is it waited for unasked; a 429 that does not say until when may be the end of the hour."""
    tally.hear(read_word(headers, 429, NOW), NOW, tally.take(NOW).number)
    assert tally.state(NOW).is_brief(NOW) is is_brief


def test_what_the_portal_does_not_say_is_not_waited_for_a_moment_later_either(tally):
    """The next command would stand still for most of a minute, where the one before it failed at once."""
    tally.hear(read_word({}, 429, NOW), NOW, tally.take(NOW).number)
    later = NOW + 5 * times.SECOND
    assert tally.state(later).left == 0
    assert not tally.state(later).is_brief(later)


def test_an_hour_that_we_counted_ourselves_is_no_limit_of_the_pace(tally):
    """It is used up also where its oldest request leaves it soon: the next ones would wait again and again."""
    tally.hear(Word(limit=1, remaining=None, resets_in=None), NOW)
    tally.take(NOW)
    soon = NOW + times.HOUR - times.SECOND
    assert tally.state(soon).left == 0
    assert not tally.state(soon).is_brief(soon)


def test_a_limit_of_the_pace_is_not_taken_for_that_of_the_hour(tally):
    """Said by a 429 alone, with when to ask again: once that is over, it says nothing of what is left of the hour."""
    headers = {"retry-after": "3", "x-ratelimit-limit": "20", "x-ratelimit-remaining": "0"}
    tally.hear(read_word(headers, 429, NOW), NOW, tally.take(NOW).number)
    assert tally.state(NOW).left == 0
    later = NOW + 3 * times.SECOND
    for i in range(30):
        tally.take(later + (i + 1) * times.SECOND)
    assert tally.state(later + times.MINUTE).left == PER_HOUR - 30


def test_near_the_end_many_requests_are_spaced_out(tally):
    """The last two in a hundred last until there are more, whoever takes them; a single request is not kept waiting."""
    tally.hear(Word(limit=500, remaining=10, resets_in=100.0), NOW)
    assert tally.take(NOW, gently=True).number is not None
    waiting = tally.take(NOW + 1, gently=True)
    assert waiting.number is None
    assert waiting.pause == pytest.approx(100 / 9, abs=0.1)
    assert tally.take(NOW + 2).number is not None
    assert tally.take(NOW + 2 + round(13 * times.SECOND), gently=True).number is not None


def test_by_our_own_count_the_last_requests_are_spaced_out_too(tally):
    """The hour is known then; a portal that says nothing of it would refuse what is too much."""
    tally.hear(Word(limit=100, remaining=None, resets_in=None), NOW)
    for _ in range(98):
        assert tally.take(NOW, gently=True).number is not None
    assert tally.take(NOW, gently=True).pause == pytest.approx(30)


def test_a_reset_alone_begins_no_new_hour(tally):
    """Of a portal that says the limit and when it ends, and not what is left, our own count is all there is."""
    for i in range(5):
        tally.take(NOW + i)
        tally.hear(Word(limit=5, remaining=None, resets_in=600.0), NOW + i)
    with pytest.raises(QuotaExhaustedError):
        tally.take(NOW + 5)


def test_what_may_be_of_a_bucket_is_not_spaced_out(tally):
    """Where nothing says when there is more, few that are left may be filled up each second."""
    tally.hear(Word(limit=None, remaining=33, resets_in=None), NOW)
    for _ in range(3):
        assert tally.take(NOW, gently=True).number is not None


def test_no_pause_is_longer_than_half_a_minute(tally):
    """However long the last requests must last: whoever waits looks again whether there are more."""
    tally.hear(Word(limit=500, remaining=3, resets_in=3600.0), NOW)
    tally.take(NOW)
    assert tally.take(NOW, gently=True).pause == pytest.approx(30)


def test_processes_share_one_quota(tmp_path):
    """Four processes that take as fast as they can are granted exactly the limit together."""
    Tally(tmp_path / "q.sqlite", "one").hear(Word(200, None, None), NOW)
    code = (
        "import sys\nfrom pathlib import Path\nfrom isr_analysis.portal.quota import Tally\n"
        "from isr_analysis.errors import QuotaExhaustedError\n"
        "tally, n = Tally(Path(sys.argv[1]), 'one'), 0\n"
        "try:\n    while True:\n        tally.take(int(sys.argv[2])); n += 1\n"
        "except QuotaExhaustedError:\n    print(n)\n"
    )
    args = [sys.executable, "-c", code, str(tmp_path / "q.sqlite"), str(NOW + 1)]
    running = [subprocess.Popen(args, stdout=subprocess.PIPE) for _ in range(4)]
    assert sum(int(one.communicate()[0]) for one in running) == 200


S = times.SECOND


@pytest.mark.parametrize(
    ("headers", "status", "word"),
    [
        ({}, 200, Word(None, None, None)),
        ({"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1800"}, 200,
         Word(5000, 4999, 1800.0)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7", "ratelimit-reset": "5"}, 200,
         Word(100, 7, 5.0)),
        ({"x-rate-limit-remaining": "3", "x-rate-limit-reset": str(NOW // S + 90)}, 200, Word(None, 3, 90.0)),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": str((NOW // S + 90) * 1000)}, 200, Word(None, 3, 90.0)),
        ({"retry-after": "120"}, 429, Word(None, 0, 120.0)),
        ({"x-rate-limit-retry-after-seconds": "2"}, 429, Word(None, 0, 2.0)),
        ({"retry-after": "Tue, 04 Oct 2024 00:02:00 GMT"}, 429, Word(None, 0, 120.0)),
        ({"retry-after": "30", "x-ratelimit-reset": "1800"}, 429, Word(None, 0, 30.0)),
        ({}, 429, Word(None, 0, 61.0)),
        ({"x-ratelimit-remaining": "17"}, 429, Word(None, 0, 61.0)),
        ({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "-1"}, 200, Word(None, 0, None)),
        ({"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'}, 200, Word(100, 50, 30.0)),
        ({"ratelimit": '"b";r=5;t=3', "ratelimit-policy": '"a";q=9;w=9, "b";q=7;w=6'}, 200, Word(7, 5, 3.0)),
        ({"ratelimit": "limit=5000, remaining=7, reset=90"}, 429, Word(5000, 0, 90.0)),
        ({"x-ratelimit-limit": "inf", "x-ratelimit-remaining": "nan", "x-ratelimit-reset": "9" * 20}, 200,
         Word(None, None, None)),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "3"}, 200, Word(None, 3, None)),
        ({"retry-after": "1e400"}, 429, Word(None, 0, 61.0)),
        ({"retry-after": "30 s"}, 429, Word(None, 0, 30.0)),
        ({"retry-after": "Fri, 01 Jan 9999 00:00:00 GMT"}, 429, Word(None, 0, 61.0)),
    ],
)  # fmt: skip
def test_the_portals_word_is_read_under_any_usual_name(headers, status, word):
    """Limits, rests and resets, as a span or an instant, in seconds or milliseconds; a 429 leaves nothing."""
    assert read_word(headers, status, NOW) == word


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": "slow down", "retry_after": 1800}, 1800),
        ({"error": {"message": "slow down", "retryAfterMs": 90_000}}, 90),
        ({"detail": "slow down", "reset_at": "2024-10-04T00:30:00Z"}, 1800),
        ({"details": [{"retryDelay": "30s"}]}, 30),
        ({"resetTime": (NOW // S + 90) * 1000}, 90),
        ({"message": "Rate limit exceeded. Try again in 30 minutes."}, 1800),
        ("Too many requests: wait for 2 h", 7200),
        ({"error": "Rate limit exceeded: 5000 per 1 hour", "retry_after": None}, 61),
        ({"error": "slow down", "reset": "soon"}, 61),
        ({"retry_count": 3, "preset": 5, "retry-after": 9}, 9),
        ({"retry_after_minutes": 5}, 300),
        ({"reset_at_ms": (NOW // S + 90) * 1000}, 90),
        ({"reset_at": "2024-10-04 00:30:00"}, 1800),
        ({"message": "100 requests allowed in 60 s, try again in 5 minutes"}, 300),
        ({"message": "Quota for 1 hour exceeded; retry after 90 seconds"}, 90),
        ({"message": "Too many requests, try again in 1h 30m."}, 5400),
        ({"message": "Quota used up; available again in 1 hour, 2 minutes and 3 seconds"}, 3723),
        ({"retry_after": "1h2m3s"}, 3723),
        ({"retryAfter": "PT1H30M"}, 5400),
        ({"reset_password_url": "https://portal.example/reset", "retry": True, "resets": None}, 61),
    ],
)
def test_a_429_says_in_its_body_until_when(body, seconds):
    """A span, an instant or words; a header counts first, and what says nothing is as before."""
    content = json.dumps(body).encode()
    assert read_word({}, 429, NOW, content) == Word(None, 0, seconds)
    assert read_word({"retry-after": "7"}, 429, NOW, content) == Word(None, 0, 7)
