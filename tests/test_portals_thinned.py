"""Portals that thin long answers without a word, as for a chart: found out, and others not taken for such."""

from __future__ import annotations

import portals
import pytest
from portal_messages import same
from portal_odd import Odd, rows
from portals import FIRST, Dialect, Message

import isr_analysis as isr
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, MINUTE

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
