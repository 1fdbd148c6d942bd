"""Fetching: what is missing is asked for once, whoever asks, and whatever comes between."""

from __future__ import annotations

import signal
import threading

import pandas as pd
import pytest
from clocks import NOON, Clock

import isr_analysis as isr
from isr_analysis import errors, settings, times
from isr_analysis.fetch import WORKERS
from isr_analysis.messages import Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND, Range


@pytest.fixture
def clock():
    """Give a clock that stands at noon."""
    return Clock()


@pytest.fixture
def sandbox(clock):
    """Serve 40 days of an invented fleet, by the clock of the test."""
    with isr.sandbox.serve(days=40, rate=0.05, now=clock) as served:
        yield served


@pytest.fixture
def portal(sandbox):
    """Connect, and ask what has to be asked once in a life."""
    with sandbox.connect() as line:
        _ = line.account_id, line.contract
        yield line


def asked(sandbox, what) -> int:
    """Count the requests that something makes."""
    before = sandbox.requests()
    what()
    return sandbox.requests() - before


def test_one_more_day_costs_that_days_requests(sandbox, portal):
    """Thirty days, then thirty-one: what the new day alone would cost."""
    one, end = "isr-hill-02", pd.Timestamp("2026-11-19", tz="UTC")
    month = {"client_id": one, "start": end - pd.Timedelta("30D"), "end": end, "portal": portal}
    assert asked(sandbox, lambda: isr.load_history(**month)) >= 30
    more = asked(sandbox, lambda: isr.load_history(**{**month, "end": "2026-11-20"}))
    with sandbox.connect(home=portal.profile.home / "another") as fresh:
        _ = fresh.account_id, fresh.contract
        assert asked(sandbox, lambda: isr.load_history(one, start=end, end="2026-11-20", portal=fresh)) == more


def test_what_is_held_costs_nothing_however_it_is_asked_for(sandbox, portal):
    """Another zone, two halves, the later first, one topic, one client, some clients: no request, the same rows."""
    days = {"start": "2026-11-10", "end": "2026-11-16", "portal": portal}
    whole = isr.load_history(**days)
    client, topic = whole["client_id"].iloc[0], whole["topic"].iloc[0]

    def others():
        there = {"start": "2026-11-10T01:00", "end": "2026-11-16T01:00", "tz": "Europe/Zurich"}
        zurich = isr.load_history(**there, portal=portal)
        pd.testing.assert_index_equal(zurich.index.tz_convert("UTC"), whole.index)
        halves = [
            isr.load_history(**{**days, "start": "2026-11-13T07:30"}),
            isr.load_history(**{**days, "end": "2026-11-13T07:30"}),
        ]
        assert sum(map(len, halves)) == len(whole)
        assert len(isr.load_history(topic=topic, **days)) == (whole["topic"] == topic).sum()
        assert len(isr.load_history(client, **days)) == (whole["client_id"] == client).sum()
        some = [*whole["client_id"].unique()[:3]]
        assert (
            len(isr.load_history(some, "telemetry/#", **days))
            == (whole["client_id"].isin(some) & whole["topic"].str.startswith("telemetry/")).sum()
        )

    assert asked(sandbox, others) == 0


def test_today_is_fetched_in_tails(sandbox, portal, clock):
    """Within `max_age` nothing is asked; later one request brings the last minutes again, and the late messages."""
    load = lambda: isr.load_history(last="6h", portal=portal)  # noqa: E731
    load()
    clock.sleep(30)
    assert asked(sandbox, load) == 0
    clock.sleep(3600)
    assert asked(sandbox, load) == 1
    spans = isr.coverage(last="6h", portal=portal)
    assert spans["state"].tolist() == ["settled", "settled", "provisional"]
    assert spans["start"].iloc[2] == pd.Timestamp(clock() - 10 * MINUTE, tz="UTC")
    clock.sleep(DAY // SECOND)
    day = {"start": "2026-11-20T07:00", "end": "2026-11-20T13:00"}
    frame = isr.load_history(**day, portal=portal)
    with sandbox.connect(home=portal.profile.home / "another") as fresh:
        pd.testing.assert_frame_equal(frame, isr.load_history(**day, portal=fresh))


def test_a_clock_that_was_ahead_hides_nothing(sandbox, portal, clock):
    """What it took for the past was still to come: all of it is asked for once the clock is right."""
    with Portal(portal.profile, Token(sandbox.token), now=lambda: clock() + 3 * HOUR) as ahead:
        isr.load_history(last="4h", portal=ahead)
    for minutes in (5, 600):
        clock.sleep(60 * minutes)
        isr.load_history(last="30min", portal=portal)
    day = {"start": "2026-11-20T11:00", "end": "2026-11-20T16:00"}
    frame = isr.load_history(**day, portal=portal)
    with sandbox.connect(home=portal.profile.home / "another") as fresh:
        pd.testing.assert_frame_equal(frame, isr.load_history(**day, portal=fresh))


def test_a_clock_that_is_days_behind_forgets_nothing(sandbox, portal, clock):
    """As of a machine without a battery: what was fetched is there when the clock is right again."""
    day = {"start": "2026-11-19", "end": "2026-11-20"}
    frame = isr.load_history(**day, portal=portal)
    with Portal(portal.profile, Token(sandbox.token), now=lambda: clock() - 5 * DAY) as behind:
        isr.load_history(last="1h", portal=behind)
    pd.testing.assert_frame_equal(frame, isr.load_history(**day, portal=portal, offline=True))


def test_a_range_that_ended_before_now_is_not_asked_for_at_each_look(sandbox, portal, clock):
    """The clock goes on while a load runs: the seconds since the last one are no reason to ask again."""
    isr.load_history(last="6h", portal=portal)
    for _ in range(5):
        clock.sleep(5)
        assert asked(sandbox, lambda: isr.load_history(last="6h", portal=portal)) == 0


def test_refresh_asks_again_and_keeps_what_the_portal_forgot(sandbox, portal, clock):
    """What was fetched stays on disk when its retention has passed at the portal, also on the edge day."""
    month = {"client_id": "isr-hill-02", "start": "2026-10-15", "end": "2026-11-15", "portal": portal}
    before = isr.load_history(**month)
    clock.sleep(12.5 * DAY / SECOND)  # the portal keeps 40 days: it has forgotten the first week, and half a day
    assert asked(sandbox, lambda: isr.load_history(**month, refresh=True)) >= 31
    pd.testing.assert_frame_equal(isr.load_history(**month), before)


def test_what_a_portal_never_gave_is_not_asked_for_again(sandbox, portal):
    """Days before the retention begins are empty, and known to be."""
    old = {"start": "2026-08-01", "end": "2026-08-11", "portal": portal}
    assert len(isr.load_history(**old)) == 0
    assert asked(sandbox, lambda: isr.load_history(**old)) == 0


@pytest.mark.parametrize("how", ["cut", "down", "broken", "html"])
def test_a_failure_in_the_middle_leaves_what_was_done(sandbox, portal, how):
    """An error, of which nothing is covered that did not come; the next call asks for the rest alone."""
    week = {"start": "2026-11-01", "end": "2026-11-08", "portal": portal}

    def fails(status):
        if status.done == 3:
            sandbox.fail(how, route="history")

    portal.wire.sleep = lambda _: None
    with pytest.raises(errors.IsrError) as caught:
        isr.load_history(**week, progress=fails)
    sandbox.heal()
    assert any("windows are stored" in note for note in caught.value.__notes__)
    states = isr.coverage(**week)["state"]
    assert {"settled", "failed"} <= set(states)
    assert asked(sandbox, lambda: isr.load_history(**week)) <= 7 - 3
    assert set(isr.coverage(**week)["state"]) == {"settled"}
    with sandbox.connect(home=portal.profile.home / "another") as fresh:
        pd.testing.assert_frame_equal(isr.load_history(**week), isr.load_history(**{**week, "portal": fresh}))


def test_a_failure_at_the_start_speaks_of_no_windows(sandbox, portal):
    """Nothing was stored, so there is nothing to go on from."""
    sandbox.fail("broken", route="history")
    with pytest.raises(errors.IsrError) as caught:
        isr.load_history(start="2026-11-01", end="2026-11-03", portal=portal)
    assert not getattr(caught.value, "__notes__", [])


def test_an_interrupt_leaves_what_was_done(sandbox, portal):
    """Whatever a caller's progress function raises ends the download; the next call goes on there."""
    week = {"start": "2026-11-01", "end": "2026-11-08", "portal": portal}

    def stops(status):
        if status.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isr.sync(**week, progress=stops)
    done = (isr.coverage(**week)["state"] == "settled").sum()
    assert 2 <= done < 7
    assert asked(sandbox, lambda: isr.sync(**week)) == 7 - done


def test_ctrl_c_while_the_workers_start_comes_after_that(sandbox, portal, monkeypatch):
    """Raised within Python's own locks it would leave one locked, and the program would wait at its end for ever."""
    started = []
    real = threading.Thread.start

    def start(thread):
        real(thread)
        if thread.name.startswith("isr-fetch"):
            signal.raise_signal(signal.SIGINT)
            started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        isr.sync(start="2026-11-01", end="2026-11-08", portal=portal)
    assert len(started) == WORKERS
    for thread in started:
        thread.join(30)
        assert not thread.is_alive()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_waits_for_another_can_stop(portal):
    """However long the other one takes for a day: it is told how it stands meanwhile, and what that raises ends it."""
    ready, done = threading.Event(), threading.Event()

    def hold():
        with Store(portal.folder).fetching(Range(NOON - DAY, NOON)):
            ready.set()
            done.wait(20)

    def stop(_):
        raise InterruptedError

    other = threading.Thread(target=hold)
    other.start()
    assert ready.wait(20)
    with pytest.raises(InterruptedError):
        isr.load_history(start="2026-11-19", end="2026-11-20", progress=stop, portal=portal)
    assert other.is_alive()
    done.set()
    other.join()


def test_two_at_once_fetch_each_window_once(sandbox, portal):
    """The one waits for what the other is fetching, and does not ask for it again."""
    week = {"start": "2026-11-01", "end": "2026-11-08"}
    sandbox.fail("slow", route="history", seconds=0.1)
    frames = []

    def load(line):
        frames.append(isr.load_history(**week, portal=line))

    with sandbox.connect() as other:
        _ = other.account_id, other.contract
        threads = [threading.Thread(target=load, args=(line,)) for line in (portal, other)]

        def both():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert asked(sandbox, both) == 7
    pd.testing.assert_frame_equal(*frames)


def test_offline_says_what_is_missing(sandbox, portal):
    """What is on disk comes without a request; if that is not all, the error names the gap."""
    days = {"start": "2026-11-01", "end": "2026-11-04", "portal": portal}
    isr.load_history(**days)
    assert asked(sandbox, lambda: isr.load_history(**days, offline=True)) == 0
    with pytest.warns(UserWarning, match="no client 'isr-shack-1' on disk"):
        assert asked(sandbox, lambda: isr.load_history("isr-shack-1", **days, offline=True)) == 0
    with pytest.raises(errors.UsageError, match="give one of the two"):
        isr.load_history(**days, offline=True, refresh=True)
    with pytest.raises(errors.HistoryIncompleteError, match=r"2026-11-04T00:00:00Z, 2026-11-05T00:00:00Z.*end="):
        isr.load_history(**{**days, "end": "2026-11-05"}, offline=True)


def test_offline_says_what_is_there_of_all_clients(portal):
    """Of several, the one of whom the least is on disk tells how far all reach, in whichever order they are named."""
    far, near = ("isr-hill-02", "2026-11-04"), ("isr-shack-01", "2026-11-02")
    for client, end in (far, near):
        isr.sync(client, start="2026-11-01", end=end, portal=portal)
    both = {"client_id": [far[0], near[0]], "start": "2026-11-01", "portal": portal, "offline": True}
    with pytest.raises(errors.HistoryIncompleteError, match='end="2026-11-02T00:00:00Z"'):
        isr.load_history(**both, end="2026-11-05")
    assert set(isr.load_history(**both, end="2026-11-02")["client_id"]) == {far[0], near[0]}


def test_wait_sleeps_until_there_are_requests_again(sandbox, clock):
    """With `wait=True` a used-up quota is waited for by the clock; without it the error says until when."""
    sandbox.set_quota(12)
    profile = settings.profile(origin=sandbox.origin)
    with Portal(profile, Token(sandbox.token), now=clock, sleep=clock.sleep) as line:
        month = {"client_id": "isr-hill-02", "start": "2026-10-20", "end": "2026-11-19", "portal": line}
        with pytest.raises(errors.QuotaExhaustedError, match="2026-11-20T13:") as caught:
            isr.load_history(**month)
        assert 0 < caught.value.retry_after <= 3600
        assert sandbox.requests() <= 12
        began = clock()
        frame = isr.load_history(**month, wait=True)
        # Workers that wait side by side each move this clock on, so that it runs up to four times too fast.
        assert HOUR <= clock() - began <= 4 * 3 * HOUR
    sandbox.set_quota()
    with sandbox.connect(home=profile.home / "another") as fresh:
        pd.testing.assert_frame_equal(frame, isr.load_history(**{**month, "portal": fresh}))


def test_who_waits_for_another_that_waits_for_the_quota_is_told(sandbox, portal, clock):
    """A day that is locked by a process that has no requests left is not waited for by one that would not wait."""
    store = Store(portal.folder)
    day = Range(NOON - DAY, NOON - DAY + HOUR)
    sandbox.set_quota(1)
    portal._tally.hear(isr.portal.quota.Word(1, 0, 3600.0), clock())
    with store.fetching(day), pytest.raises(errors.QuotaExhaustedError):
        isr.load_history(start="2026-11-19T12:00", end="2026-11-19T13:00", portal=portal)


def test_today_stays_small_however_often_it_is_looked_at(sandbox, portal, clock):
    """A hundred refreshes leave a few files, of about the size that one load would have."""
    for _ in range(100):
        isr.sync(last="1d", portal=portal)
        clock.sleep(180)
    clock.sleep(DAY // SECOND)
    isr.sync(last="2d", portal=portal)
    clock.sleep(7200)
    isr.sync(last="2d", portal=portal)
    files = [*(portal.folder / "parts").rglob("*.parquet")]
    with sandbox.connect(home=portal.profile.home / "another") as fresh:
        isr.sync(last="3d", portal=fresh)
        once = [*(fresh.folder / "parts").rglob("*.parquet")]
        assert sum(f.stat().st_size for f in files) < 2 * sum(f.stat().st_size for f in once)
    assert len(files) < 25
    health = Store(portal.folder).health()
    assert health.files <= len(files)
    assert not health.lost
    with portal_db(portal) as db:
        assert db.execute("SELECT count(*) FROM span").fetchone()[0] < 12


def portal_db(portal):
    """Open the ledger of a connection's account."""
    from isr_analysis import database
    from isr_analysis.store import ledger

    return database.transaction(portal.folder / "ledger.sqlite", ledger.FORMAT)


def test_progress_tells_how_it_stands(sandbox, portal):
    """Rows, windows, requests, quota and time; it ends with everything done."""
    told = []
    frame = isr.load_history(start="2026-11-01", end="2026-11-05", portal=portal, progress=told.append)
    last = told[-1]
    assert (last.windows, last.done, last.rows, last.requests) == (4, 4, len(frame), 4)
    assert last.left == portal.quota.left
    assert last.seconds_left == pytest.approx(0)
    assert "4/4 windows" in str(last)


def test_thousands_of_days_are_planned_without_a_request(sandbox, portal):
    """Each is a window, and nothing is stored by it."""
    before = portal.requests
    plan = isr.plan_history(start="2020-01-01", end="2026-11-20", portal=portal)
    assert len(plan.windows) == len(list(Range(times.instant("2020-01-01"), times.instant("2026-11-20")).days()))
    assert portal.requests == before
    assert Store(portal.folder).count(Selector(), Range(0, NOON)) == 0
