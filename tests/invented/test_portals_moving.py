"""Portals whose messages come and go while they are read: nothing is lost or doubled, and no error is made of it."""

from __future__ import annotations

import contextlib
import time

import portals
import pytest
from portal_messages import same
from portal_odd import MINUTES, SPAN, Odd, ends, rows
from portals import FIRST, NOW, Dialect, Message

import isr_analysis as isr
from isr_analysis import report, times
from isr_analysis.errors import HistoryIncompleteError
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, MINUTE, Range

LATE = Message(MINUTES[7].at + MINUTE // 2, "dev-b", "t/x", {"i": -1})


@pytest.mark.parametrize("paging", ["offset", "none"])
def test_a_total_that_a_late_message_changes_is_asked_for_once_more(home, paging):
    """The message came between two requests."""

    def how(server, asked, n):
        stored = sorted([*server.stored, *[LATE] * (n > 1)], key=lambda one: one.at)
        found = [one for one in stored if ends(asked)[0] <= one.at < ends(asked)[1]]
        at = int(asked.get("offset", 0))
        return rows(found[at : at + 40], total=len(found), **({"offset": at} if paging == "offset" else {}))

    dialect = Dialect(paging=paging, pager="offset", says=("types",))
    with portals.serve(Odd(how, dialect)) as origin, portals.connect(origin, home) as portal:
        same(isr.load_history(**SPAN, portal=portal), [*MINUTES, LATE])


def test_a_total_that_is_never_true_is_an_error(home):
    """Asked for once more it states another number than it gives still."""

    def how(server, asked, _n):
        found, at = server._in(asked), int(asked.get("offset", 0))
        return rows(found[at : at + 40], total=len(found) + 3, offset=at)

    server = Odd(how)
    with portals.mocked(server, home) as portal, pytest.raises(HistoryIncompleteError, match=r"states 103 .* gave 100"):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize("paging", ["cursor", "offset", "page", "link"])
@pytest.mark.parametrize("total", [None, "total"])
def test_messages_that_are_deleted_while_pages_are_counted_move_no_others_out(home, paging, total):
    """Where the first ones go, the next page begins behind messages that were on none: all is read by time then."""
    stored = [Message(NOW - 2 * DAY + i * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(400)]

    class Forgetful(portals.Server):
        def _history(self, asked, path):
            self.stored = [one for one in stored if one.at >= NOW - 2 * DAY + self.count() * MINUTE // 2]
            return super()._history(asked, path)

    dialect = Dialect(paging=paging, pager="cursor" if paging in ("cursor", "link") else paging, total=total)
    span = {"start": times.iso(NOW - 2 * DAY), "end": times.iso(NOW - DAY)}
    with portals.serve(Forgetful(dialect, stored)) as origin, portals.connect(origin, home) as portal:
        found = isr.load_history(**span, portal=portal)["i"].tolist()
    assert found == list(range(found[0], 400))
    assert found[0] < 20


def test_the_oldest_message_may_be_deleted_before_it_is_asked_for_again(home):
    """A portal forgets what is thirty days old; where a range begins before that, it is looked at whether it is cut."""
    stored = [Message(NOW - 30 * DAY + i * MINUTE, "dev-a", "t/x", {"i": i}) for i in range(600)]
    stored += [Message(NOW - HOUR, "dev-a", "t/x", {"i": -1})]

    def how(server, asked, n):
        low, high = ends(asked)
        return rows([one for one in server.stored if max(low, NOW - 30 * DAY + n * MINUTE) <= one.at < high])

    with (
        portals.serve(Odd(how, Dialect(doc=None, cap=5000), stored)) as origin,
        portals.connect(origin, home) as portal,
    ):
        df = isr.load_history(start=times.iso(NOW - 32 * DAY), end=times.iso(NOW - 29 * DAY), portal=portal)
        assert set(df["i"]) >= set(range(30, 600))
        assert df["i"].is_unique


FIRST_DAY, SECOND_DAY = Range(FIRST + DAY, FIRST + 2 * DAY), Range(FIRST + 2 * DAY, FIRST + 3 * DAY)
HOURS = [Message(FIRST_DAY.start + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(48)]
TWO_DAYS = {"start": times.iso(FIRST_DAY.start), "end": times.iso(SECOND_DAY.end)}


@contextlib.contextmanager
def cleared(home, often=1):
    """Serve two days of which the first is cleared from the store when the second is asked for, so many times."""
    done = []

    def how(server, asked, _n):
        low, high = ends(asked)
        if low < SECOND_DAY.start and high == SECOND_DAY.end and len(done) < often:
            store = Store(portal.folder)
            while store.held(Selector(), FIRST_DAY, now=NOW).missing:
                time.sleep(0.01)
            done.append(store.clear(FIRST_DAY, now=NOW))
        return rows(server._in(asked))

    with portals.serve(Odd(how, stored=HOURS)) as origin, portals.connect(origin, home) as portal:
        yield portal


@pytest.mark.parametrize("often", [1, 9])
def test_what_is_cleared_while_it_is_loaded_is_fetched_again(home, often):
    """Another process may clear the store at any moment; if it never ends doing so, that is an error."""
    with cleared(home, often) as portal:
        if often == 1:
            same(isr.load_history(**TWO_DAYS, portal=portal), HOURS)
        else:
            with pytest.raises(HistoryIncompleteError, match="removed from the store while they were loaded"):
                isr.load_history(**TWO_DAYS, refresh=True, portal=portal)


@pytest.mark.parametrize(
    "read",
    [
        lambda **asked: isr.export_history("out", **asked),
        isr.open_history,
        lambda **asked: isr.open_history(**asked, decoded=True),
    ],
    ids=["export", "arrow", "decoded"],
)
def test_what_is_cleared_before_it_is_read_is_an_error(home, read):
    """An export or another engine gives no part of a range as if it were all; the next call fetches what is gone."""
    with cleared(home) as portal:
        with pytest.raises(HistoryIncompleteError, match=r"of all clients .* was removed from the store .*try again"):
            read(**TWO_DAYS, portal=portal)
        found = read(**TWO_DAYS, portal=portal)
        assert (found.rows if hasattr(found, "rows") else found.count_rows()) == len(HOURS)


def test_what_is_cleared_while_a_report_is_made_is_an_error(home):
    """Its chapters and figures show no part of a range as if it were all."""
    odd = Odd(lambda server, asked, _: rows(server._in(asked)), stored=HOURS)
    with portals.serve(odd) as origin, portals.connect(origin, home) as portal:
        material = report.gather(**TWO_DAYS, portal=portal)
        assert len(material.heard) == len(material.topic("t/x")) == len(HOURS)
        Store(portal.folder).clear(FIRST_DAY, now=NOW)
        with pytest.raises(HistoryIncompleteError, match="removed from the store"):
            material.topic("t/x")
