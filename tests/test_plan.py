"""What a plan and a sync say: as a load would weigh it, in words, and for what may be asked of them."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter

import pandas as pd
import portals
import pytest
from clocks import NOON
from portals import EVERY_MINUTE, Dialect, Server

import isr_analysis as isr
from isr_analysis import settings, times
from isr_analysis.contract.contract import Contract
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.quota import Word
from isr_analysis.portal.token import Token
from isr_analysis.store import parts
from isr_analysis.store.store import Store

DAYS = {"start": "2026-11-14", "end": "2026-11-17"}
JUST_NOW = {"start": "2026-11-20T11:00", "end": "2026-11-20T11:55"}


@pytest.fixture(scope="module")
def sandbox():
    """Serve a small fleet whose clock stands still."""
    with isr.sandbox.serve(days=20, rate=0.05, now=lambda: NOON) as served:
        yield served


@pytest.fixture
def portal(sandbox):
    """Connect."""
    sandbox.set_quota()
    with sandbox.connect() as line:
        yield line


def test_a_plan_of_many_days_looks_at_each_once_or_twice(portal, monkeypatch):
    """Once for what is held, and once for how much is likely to come, although that is told by the days around."""
    isr.sync(start="2026-11-03", end="2026-11-18", portal=portal)
    seen, read = Counter(), parts.read
    monkeypatch.setattr(parts, "read", lambda *given, **how: seen.update([given[1].file]) or read(*given, **how))
    plan = isr.plan_history("isr-shack-01", start="2026-11-03", end="2026-11-18", refresh=True, portal=portal)
    assert plan.requests == 15
    assert set(seen.values()) <= {1, 2}


@pytest.mark.parametrize(("requests", "words"), [(7, "of 7 left this hour, "), (8, "of 7 left this hour (more than")])
def test_a_plan_that_the_quota_does_not_allow_says_so(portal, requests, words):
    """As many requests as are left are not too many."""
    plan = dataclasses.replace(isr.plan_history(**DAYS, portal=portal), requests=requests, seconds=2.0)
    assert words in str(dataclasses.replace(plan, quota=dataclasses.replace(plan.quota, left=7)))


def test_a_plan_says_how_long_it_takes_once_a_download_was_timed(portal):
    """So long for each request; before that nothing is said of it, and never "0 s"."""
    first = isr.plan_history("nobody", **DAYS, portal=portal)
    assert first.seconds is None
    assert first.warning == ""  # nobody knows yet
    assert str(first).endswith("left this hour")
    Store(portal.folder).note_speed(4, 2.0)
    timed = isr.plan_history(**DAYS, portal=portal)
    assert timed.seconds == pytest.approx(1.5)
    assert str(timed).endswith(", at least 2 s")
    assert str(dataclasses.replace(timed, seconds=0.01)).endswith(", at least 1 s")


def test_a_plan_weighs_what_is_fresh_and_what_is_settled_as_a_load_does(sandbox, portal):
    """What was fetched soon after it was published is asked for again by `max_age`, unless `settle` says it is over."""
    isr.sync(**JUST_NOW, portal=portal)
    portal.now = lambda: NOON + 30 * times.SECOND
    for options, requests in (({}, 0), ({"max_age": "10s", "settle": "4min"}, 0), ({"max_age": "10s"}, 1)):
        assert isr.plan_history(**JUST_NOW, **options, portal=portal).requests == requests
        assert isr.sync(**JUST_NOW, **options, portal=portal).requests == requests


def test_what_lies_in_the_future_is_no_part_of_the_share(portal):
    """Of a range that ends tomorrow, half is on disk when half of what there can be is."""
    isr.sync(start="2026-11-19T12:00", end="2026-11-20", portal=portal)
    assert isr.plan_history(start="2026-11-19T12:00", end="2026-11-22", portal=portal).share == pytest.approx(0.5)


def test_a_plan_goes_by_the_days_around_a_window(portal):
    """Before it or after it, in a week, or those nearest to it; one on which nothing came takes a request, too."""
    assert isr.plan_history(start="2026-11-02", end="2026-11-03", portal=portal).at_least
    isr.sync(start="2026-11-10", end="2026-11-11", portal=portal)
    for day in ("1970-01-01", "2026-11-02", "2026-11-03", "2026-11-17", "2026-11-18"):
        plan = isr.plan_history(start=day, end=pd.Timestamp(day) + pd.Timedelta("1D"), portal=portal)
        assert (plan.requests, plan.at_least) == (1, False)
    plan = isr.plan_history("nobody", start="2026-11-11", end="2026-11-12", portal=portal)
    assert (plan.requests, plan.at_least) == (1, False)


def test_a_plan_counts_each_client_and_each_part_where_the_portal_wants_them_one_by_one(tmp_path):
    """At least so many requests are made, whatever comes; the list of clients may have to be asked for."""
    server = Server(Dialect(client_required=True, longest=6 * times.HOUR, cap=1000), EVERY_MINUTE)
    with portals.serve(server) as origin, portals.connect(origin, tmp_path) as portal:
        days = {"start": "2026-11-01", "end": "2026-11-03", "portal": portal}
        plan = isr.plan_history(**days)
        assert (plan.windows["requests"].tolist(), plan.requests) == ([12, 12], 24)
        assert isr.plan_history("dev-1", **days).requests == 8
        assert server.count() == 0
        assert len(isr.load_history(**days)) == len(EVERY_MINUTE)
        assert server.count() >= 24
    alone = Server(Dialect(client_required=True, add_ons=("history",)), EVERY_MINUTE)
    with portals.serve(alone) as origin, portals.connect(origin, tmp_path / "other") as portal:
        plan = isr.plan_history(start="2026-11-01", end="2026-11-03", portal=portal)
        assert (plan.requests, plan.at_least) == (2, True)  # nobody can say how many clients there are


def test_a_plan_of_long_ago_counts_the_pages_of_the_days_that_are_known(portal):
    """By what a week took: four times as many requests, and not one a day."""
    history = portal.contract.history
    portal._contract = dataclasses.replace(portal.contract, history=dataclasses.replace(history, page_size=100))
    made = isr.sync(start="2026-11-12", end="2026-11-19", portal=portal)
    plan = isr.plan_history(start="2026-10-01", end="2026-10-29", portal=portal)
    assert made.requests > 2 * 7
    assert not plan.at_least
    assert plan.requests == pytest.approx(4 * made.requests, rel=0.2)


def test_a_plan_counts_what_was_fetched_twice_once(sandbox):
    """Of all clients and then of one, of all topics and then of some: the days around have no more hours by that."""
    contract = Contract()
    contract = dataclasses.replace(contract, history=dataclasses.replace(contract.history, page_size=50))
    day, next_day = {"start": "2026-11-14", "end": "2026-11-15"}, {"start": "2026-11-15", "end": "2026-11-16"}
    with sandbox.connect(contract=contract) as portal:
        isr.sync(**day, portal=portal)
        requests = isr.plan_history("isr-shack-01", **next_day, portal=portal).requests
        for topic in ("#", "telemetry/#"):
            isr.sync("isr-shack-01", topic, **day, refresh=True, portal=portal)
            assert isr.plan_history("isr-shack-01", **next_day, portal=portal).requests == requests > 5


def test_a_plan_of_what_is_on_disk_needs_no_portal(sandbox, portal):
    """Not even to learn how it wants to be asked."""
    asked = isr.plan_history(**DAYS, portal=portal).windows
    isr.sync(**DAYS, portal=portal)
    assert isr.plan_history(**DAYS, portal=portal).windows.dtypes.equals(asked.dtypes)
    portal.close()
    (portal.folder / "responses.sqlite").unlink()
    sandbox.fail("down")
    with sandbox.connect() as line:
        assert isr.plan_history(**DAYS, portal=line).requests == 0
    sandbox.heal()


def test_a_plan_of_a_client_that_is_not_there_says_so(portal):
    """All of it is on disk, as the whole account's range is; nothing is said of one that is listed and silent."""
    isr.sync(**DAYS, portal=portal)
    plan = isr.plan_history("isr-shack-1", **DAYS, portal=portal)
    assert plan.warning.startswith("no message of isr-shack-1")
    assert "no request; no message of isr-shack-1 · # was found: there is no client 'isr-shack-1' on disk" in str(plan)
    for there in ("isr-shack-01", "spare-01"):
        assert str(isr.plan_history(there, **DAYS, portal=portal)).endswith("all of it on disk: no request")


def test_a_sync_says_from_when_late_messages_may_come(portal):
    """By what counts as settled; nothing where all is."""
    assert isr.sync(**JUST_NOW, portal=portal).provisional_from == "2026-11-20T11:50:00Z"
    assert isr.sync(**JUST_NOW, settle="1h", portal=portal).provisional_from == "2026-11-20T11:00:00Z"
    assert isr.sync(**DAYS, portal=portal).provisional_from == ""
    loaded = [isr.load_history(**JUST_NOW, settle=settle, portal=portal) for settle in ("10min", "1h")]
    assert [df.attrs["provisional_from"][11:16] for df in loaded] == ["11:50", "11:00"]


def test_a_sync_asks_again_if_told_to(portal):
    """With `refresh=True`, also for what has settled."""
    rows = isr.sync(**DAYS, portal=portal).rows
    assert isr.sync(**DAYS, portal=portal).requests == 0
    again = isr.sync(**DAYS, refresh=True, portal=portal)
    assert (again.requests, again.rows) == (3, rows)


@pytest.mark.parametrize("how", ["load", "file", "folder"])
def test_whoever_needs_a_sync_waits_and_tells_as_it_does(sandbox, how, tmp_path):
    """A load, and an export of either kind."""
    clock, told = [NOON], []

    def sleep(seconds):
        clock[0] += round(seconds * times.SECOND)

    read = {
        "load": isr.load_history,
        "file": functools.partial(isr.export_history, tmp_path / "a.csv"),
        "folder": functools.partial(isr.export_history, tmp_path / "a"),
    }
    with Portal(
        settings.profile(origin=sandbox.origin), Token(sandbox.token), now=lambda: clock[0], sleep=sleep
    ) as line:
        assert line.account_id
        line._tally.hear(Word(5000, 0, 600.0), NOON)
        read[how](**DAYS, wait=True, progress=told.append, portal=line)
    assert told[-1].done == 3
    assert clock[0] >= NOON + 600 * times.SECOND


def test_a_sync_waits_for_the_quota_if_told_to(sandbox):
    """With `wait=True` it goes on when there are requests again, also at its first step; else it is an error."""
    clock = [NOON]

    def sleep(seconds):
        clock[0] += round(seconds * times.SECOND)

    profile = settings.profile(origin=sandbox.origin)
    with Portal(profile, Token(sandbox.token), now=lambda: clock[0], sleep=sleep) as portal:
        assert portal.account_id
        portal._tally.hear(Word(5000, 0, 600.0), NOON)
        with pytest.raises(isr.errors.QuotaExhaustedError, match="2026-11-20T12:10:00Z"):
            isr.sync(**DAYS, portal=portal)
        assert isr.sync(**DAYS, wait=True, portal=portal).rows
        assert clock[0] >= NOON + 600 * times.SECOND
        isr.sync(**JUST_NOW, portal=portal)
        speed = Store(portal.folder).speed()
        portal._tally.hear(Word(5000, 0, 600.0), clock[0])
        assert isr.sync(**DAYS, refresh=True, wait=True, portal=portal).rows
        assert Store(portal.folder).speed() == speed is not None  # which a wait says nothing of
