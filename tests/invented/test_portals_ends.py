"""Portals whose pages end before the range does: a cursor expires or serves once, or no page has so high a number."""

from __future__ import annotations

import portals
import pytest
from portal_messages import same
from portal_odd import Odd, give, rows
from portals import FIRST, Dialect, Message

import isr_analysis as isr
from isr_analysis import audit
from isr_analysis.times import DAY, SECOND

SPAN = {"start": "2026-11-02", "end": "2026-11-03"}
STORED = [Message(FIRST + DAY + i * 120 * SECOND, f"dev-{i % 3}", "t/x", {"i": i}) for i in range(720)]
SIZE = 50

ORDERS = {"up": lambda one: one.at, "down": lambda one: -one.at, "by client": lambda one: (one.client, one.at)}
REFUSALS = {
    "cursor": (410, "cursor expired"),
    "token": (404, "unknown page token"),
    "offset": (400, "Result window is too large, from + size must be less than or equal to: [150]"),
    "page": (422, "Only the first 3 pages are available"),
}


def ending(how, order, most):
    """Make a portal whose pages are named in one way, and are refused from the `most`-th on."""

    def answer(server, asked, _n):
        found = sorted(server._in(asked), key=ORDERS[order])
        nth = {
            "cursor": lambda: int(asked.get("cursor", "c0")[1:]),
            "token": lambda: int(asked.get("pageToken", "t0")[1:]),
            "offset": lambda: int(asked.get("offset", 0)) // SIZE,
            "page": lambda: int(asked.get("page", 1)) - 1,
        }[how]()
        if nth >= most:
            return give({"detail": REFUSALS[how][1]}, REFUSALS[how][0])
        part, more = found[nth * SIZE : (nth + 1) * SIZE], (nth + 1) * SIZE < len(found)
        notes = {
            "cursor": {"next_cursor": f"c{nth + 1}" if more else None},
            "token": {"nextPageToken": f"t{nth + 1}" if more else None},
            "offset": {"offset": nth * SIZE, "has_more": more},
            "page": {"page": nth + 1, "has_more": more},
        }[how]
        return rows(part, **notes)

    return Odd(answer, Dialect(doc=None), STORED)


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", REFUSALS)
def test_what_pages_do_not_reach_is_read_by_time(home, how, order, most):
    """All of it, in whichever order the pages were: what others of them held is not taken for all up to an instant."""
    with portals.mocked(ending(how, order, most), home) as portal:
        same(isr.load_history(**SPAN, portal=portal), STORED)
        assert portal.requests < 80
        assert audit.verify_store(10, portal=portal)["state"].tolist() == ["same"]


def test_a_cursor_that_serves_once_and_whose_answer_broke_off(home):
    """Asked for once more it is not known: the answer is had by time, and counted once."""
    broken, used = [], set()

    def answer(server, asked, _n):
        at, found = int(asked.get("cursor", 0)), server._in(asked)
        if at in used:
            return give({"detail": "unknown cursor"}, 404)
        used.update({at} - {0})
        if at == 4 * SIZE and not broken:
            broken.append(at)
            return give("bad gateway", 502)
        part, more = found[at : at + SIZE], at + SIZE < len(found)
        return rows(part, next_cursor=str(at + SIZE) if more else None)

    seen = []
    with portals.mocked(Odd(answer, Dialect(doc=None), STORED), home) as portal:
        same(isr.load_history(**SPAN, portal=portal, progress=seen.append), STORED)
    assert broken
    assert seen[-1].rows == len(STORED)
