"""Portals that leave messages out without a word, as they thin answers for a chart or cut ranges short: found out."""

from __future__ import annotations

import portal_rows
import portals
import pytest
from portal_messages import same
from portal_odd import Odd, rows
from portals import FIRST, Dialect, Message

import isr_analysis as isr
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR, MINUTE

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
        low, high = (portal_rows.read_instant("iso", asked[name]) for name in ("start", "end"))
        low, high = (low, min(high, low + DAY // 2)) if part == "first" else (max(low, high - DAY // 2), high)
        return rows([one for one in stored if low <= one.at < high])

    with portals.mocked(Odd(how, Dialect(doc=None, cap=9999), stored), home) as portal:
        if silence:
            assert not len(isr.load_history(start="2026-10-28", end="2026-11-01", portal=portal))
        with pytest.raises(AnswerError, match=r"cuts long ranges short.*longest"):
            isr.load_history(start="2026-11-01", end="2026-11-05", portal=portal)


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
