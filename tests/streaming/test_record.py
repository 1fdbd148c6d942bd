"""Recording: what is published, stored as it comes, until the history has it; through breaks and rivals."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections import Counter

import pytest
from clocks import Clock
from recorders import EVER, S, needs_mosquitto, rows, said, truth, wait_for

import isr_analysis as isr
from isr_analysis import settings, times
from isr_analysis.errors import BrokerUnavailableError, UsageError
from isr_analysis.messages import Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.recording import _TIDY_EVERY, _Recorder
from isr_analysis.store.recorded import Recorded
from isr_analysis.store.store import Store
from isr_analysis.streaming.polled import Polled
from isr_analysis.streaming.stream import _table
from isr_analysis.times import Range

T0 = times.instant("2026-11-20T12:00:00")
MIN = times.MINUTE


class Running:
    """A recorder in a thread."""

    def __init__(self, portal, **options):
        self.states, self.done, self.stop = [], None, threading.Event()
        self._thread = threading.Thread(target=self._run, args=(portal,), kwargs=options)
        self._thread.start()
        wait_for(lambda: self.states)

    def _run(self, portal, **options):
        self.done = isr.record(portal=portal, stop=self.stop, progress=self.states.append, **options)

    def end(self):
        self.stop.set()
        self._thread.join(60)
        assert self.done is not None
        return self.done


@needs_mosquitto
def test_an_hour_in_fast_motion_with_three_breaks_then_history_over_it(caplog):
    """After the history was fetched the store equals the fleet's truth, and nothing is there twice."""
    clock = Clock()
    with (
        isr.sandbox.serve(days=1, broker=True, rate=10, now=clock) as here,
        here.connect() as portal,
        isr.stream(login=here.make_subscriber(), portal=portal) as live,
        caplog.at_level(logging.CRITICAL),
    ):
        recorder = Running(portal, source=live, every="1s")
        heard = 0

        def step():
            clock.at += 20 * S
            wait_for(lambda: here.air.published[1] >= clock.at)
            wait_for(lambda: live.received == here.air.published[0])  # or it would be heard later, by this clock

        for number in range(180):
            if number in (30, 90, 150):
                here.air.broker.stop()
                wait_for(lambda: not live.connected)
            if number in (38, 105, 157):
                here.air.broker.start()
                wait_for(lambda: live.connected)
            step()
        heard = live.received
        done = recorder.end()
        whole = truth(here, T0, clock.at)
        assert done.rows == heard == len(rows(Recorded(portal.folder).read(Selector(), EVER)))
        assert [gap.reason for gap in done.missed] == ["connection"] * 3
        assert 0.8 < heard / len(whole) < 0.9  # ten minutes of sixty without a broker
        for gap in done.missed:
            missing = truth(here, gap.start, gap.end)
            assert missing
        end = clock.at + MIN
        clock.at += 20 * MIN
        wait_for(lambda: here.air.published[1] >= clock.at)
        df = isr.load_history(start=isr_time(T0), end=isr_time(end), portal=portal)
        whole = truth(here, T0, end)
        assert len(df) == len(whole)
        assert df.attrs["recorded"] == 0
        assert df.attrs["provisional_from"] == ""
        assert sorted(rows(Store(portal.folder).read(Selector(), Range(T0, end)))) == whole
        assert Recorded(portal.folder).health().rows == 0


def isr_time(ns):
    """Write an instant."""
    return times.iso(ns)


@needs_mosquitto
def test_the_frame_is_seamless_up_to_now_and_says_what_is_provisional():
    """History, then what was recorded since: each message once, at every moment, whenever history is fetched."""
    clock = Clock()
    with (
        isr.sandbox.serve(days=1, broker=True, rate=20, troubles=False, now=clock) as here,
        here.connect() as portal,
        isr.stream(login=here.make_subscriber(), portal=portal) as live,
    ):
        before = isr.load_history(last="2min", portal=portal)
        assert before.attrs["recorded"] == 0
        recorder = Running(portal, source=live, every="1s")
        store = Recorded(portal.folder)
        shares = []
        for number in range(1, 121):
            clock.at += S // 4
            wait_for(lambda: here.air.published[1] >= clock.at and live.received == here.air.published[0])
            if number % 40 == 0:
                wait_for(lambda: store.health().rows == live.received)
                clock.at += 1000  # ns: what came at this moment lies before it
                for age in ("1h", "1s"):  # with what was recorded; then with the tail fetched anew
                    df = isr.load_history(start=isr_time(T0 - 2 * MIN), max_age=age, portal=portal)
                    whole = truth(here, T0 - 2 * MIN, clock.at)
                    assert len(df) == len(whole)
                    assert Counter(df["client_id"]) == Counter(one[1] for one in whole)
                    assert df.attrs["provisional_from"]
                    shares.append(df.attrs["recorded"])
        recorder.end()
    assert all(share > 0 for share in shares[::2])
    assert all(share == 0 for share in shares[1::2])


@needs_mosquitto
def test_two_recorders_at_once_record_once():
    """The second one stands by, and takes over when the first one ends."""
    with isr.sandbox.serve(days=1, broker=True, rate=200) as here:
        login = here.make_subscriber()
        portals = [here.connect(), here.connect()]
        store = Recorded(portals[0].folder)
        began = time.time_ns()
        with isr.stream(login=login, portal=portals[0]) as one, isr.stream(login=login, portal=portals[1]) as other:
            first = Running(portals[0], source=one, every="1s")
            wait_for(lambda: store.health().rows > 20)
            second = Running(portals[1], source=other, every="1s")
            wait_for(lambda: second.states and second.states[-1].standing_by)
            assert "standing by" in str(second.states[-1])
            wait_for(lambda: store.health().rows > 60)
            assert second.states[-1].standing_by
            taken_over = time.time_ns()
            first.end()
            wait_for(lambda: not second.states[-1].standing_by and second.states[-1].rows > 20)
            assert second.end().start >= taken_over
        found = rows(store.read(Selector(), EVER))
        assert len(found) == first.done.rows + second.done.rows
        assert said(found) <= said(truth(here, began - 2 * S, time.time_ns()))


@needs_mosquitto
def test_who_stands_by_can_be_stopped():
    """Waiting for another recorder ends when it is asked to."""
    with isr.sandbox.serve(days=1) as here:
        portal, other = here.connect(), here.connect()
        with Recorded(portal.folder).recording(lambda: None):
            waiting = Running(other, source="live")
            wait_for(lambda: waiting.states)
            assert waiting.end().rows == 0


def test_who_stands_by_ends_in_time_and_says_so(caplog):
    """An hourly job beside a recorder that is always there: its time counts from when it was called."""
    with isr.sandbox.serve(days=1) as here:
        portal, other = here.connect(), here.connect()
        with Recorded(portal.folder).recording(lambda: None):
            done = isr.record(source="live", duration="1s", portal=other)
        assert (done.rows, str(done)) == (0, "standing by: another recorder of this account is at work")
        assert sum("another recorder" in one.message for one in caplog.records) == 1
        assert isr.record(source="live", duration="1s", portal=other).rows


def test_without_a_subscriber_the_live_answer_is_recorded():
    """Each publisher's last message, once, however often it is seen, for as long as asked, and by the next one."""
    clock = Clock()
    with isr.sandbox.serve(days=1, now=clock) as here, here.connect() as portal:
        first = isr.record(duration="2s", every="1s", portal=portal)
        assert str(first) == f"{first.rows} messages from the live answer since 2026-11-20T12:00:00Z"
        assert first.rows == len(isr.load_live(portal=portal))
        began = time.monotonic()
        again = isr.record(duration="1s", portal=portal)
        assert time.monotonic() - began >= 1
        assert again.rows == 0
        clock.at += MIN
        more = isr.record("isr-shack-01", duration="1s", portal=portal)
        assert more.rows == 1
        found = rows(Recorded(portal.folder).read(Selector(), EVER))
        assert len(found) == first.rows + 1
        known = set(truth(here, T0 - times.DAY, clock.at))
        assert set(found) <= known
        assert portal.requests > 0


def test_a_portal_that_goes_away_is_waited_for(caplog):
    """A recorder of the live answer lives through an outage, and says when it was."""
    clock = Clock()
    with isr.sandbox.serve(days=1, now=clock) as here, here.connect() as portal, caplog.at_level(logging.CRITICAL):
        recorder = Running(portal, every="1s", source="live")
        wait_for(lambda: recorder.states and recorder.states[-1].rows)
        here.fail("down", route="publishers/live")
        wait_for(lambda: not recorder.states[-1].connected)
        clock.at += 5 * MIN
        here.heal()
        wait_for(lambda: recorder.states[-1].connected)
        done = recorder.end()
    (gap,) = done.missed
    assert (gap.start, gap.end) == (T0, T0 + 5 * MIN)
    assert done.gaps()["reason"].tolist() == ["connection"]
    assert str(done).endswith("Z, 1 gap")


def test_a_page_in_the_place_of_the_live_answer_is_waited_out_for_an_hour(caplog):
    """As a portal shows it while it is being mended; the first look must be understood, and so must one an hour.

    A portal that is away is waited for longer.
    """
    clock = Clock()
    with isr.sandbox.serve(days=1, now=clock) as here, here.connect() as portal, caplog.at_level(logging.CRITICAL):
        source = Polled(portal, Selector(), duration=None)
        tables = source.tables("0.1s")
        assert len(next(tables))
        here.fail("html", route="publishers/live")
        for _ in range(2):
            assert len(next(tables)) == 0
            assert not source.connected
            clock.at += 30 * MIN
        here.heal()
        next(tables)
        assert [(one.start, one.end) for one in source.missed()] == [(T0, T0 + 60 * MIN)]
        here.fail("down", route="publishers/live")
        for _ in range(2):
            assert len(next(tables)) == 0
            clock.at += 61 * MIN
        here.heal()
        next(tables)
        assert source.connected
        here.fail("html", route="publishers/live")
        next(tables)
        clock.at += 61 * MIN
        with pytest.raises(isr.errors.AnswerError, match="a page of HTML"):
            next(tables)
        with pytest.raises(isr.errors.AnswerError, match="a page of HTML"):
            next(Polled(portal, Selector(), duration=None).tables())


@needs_mosquitto
@pytest.mark.parametrize(("off", "words"), [(45 * S, "ahead of"), (-90 * S, "behind"), (5 * S, None)])
def test_a_clock_that_is_off_is_told(tmp_path, off, words):
    """By the time that it puts on messages they are not known as those of the history; seconds do no harm.

    Also where the account is known, and nothing else is asked.
    """
    with isr.sandbox.serve(days=1, broker=True, rate=1) as here:
        login = here.make_subscriber()
        for known in (False, True):
            portal = Portal(
                settings.profile(origin=here.origin, home=tmp_path), Token(here.token), now=lambda: time.time_ns() + off
            )
            with portal, warnings.catch_warnings(record=True) as said, isr.stream(login=login, portal=portal) as live:
                warnings.simplefilter("always")
                assert (portal.requests == 0) == known
                stop = threading.Event()
                stop.set()
                isr.record(source=live, every="0.1s", stop=stop, portal=portal)
            assert [f"{words} the portal's" in str(one.message) for one in said] == ([True] if words else [])


def test_files_that_cannot_be_put_together_do_not_end_a_recording():
    """As where the disk has room for what comes, and not for all of it once more."""
    resource = pytest.importorskip("resource")
    with isr.sandbox.serve(days=1) as here, here.connect() as portal:
        recorder = _Recorder(portal, None, threading.Event(), None)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        try:
            for i in range(_TIDY_EVERY):
                recorder._keep(_table([(portal.now(), "dev-a", "noise", os.urandom(60_000), i)]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert recorder.state().rows == _TIDY_EVERY
        assert recorder.store.health().files == _TIDY_EVERY
        recorder.store.tidy(times.day_of(portal.now()), now=portal.now(), settle=0)
        assert recorder.store.health().files == 1


def test_a_disk_that_is_full_for_a_while_is_waited_for(caplog):
    """What came meanwhile is stored once there is room; if there is none at the end, that is an error."""
    resource = pytest.importorskip("resource")
    caplog.set_level(logging.CRITICAL)
    with isr.sandbox.serve(days=1) as here, here.connect() as portal:
        recorder = _Recorder(portal, None, threading.Event(), None)
        keep = [_table([(portal.now() + i, "dev-a", "noise", b"%d" % i, i)]) for i in range(5)]
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        recorder._keep(keep[0])
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
            recorder._keep(keep[1])
            recorder._keep(keep[2])
            assert recorder.state().rows == 1
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            recorder._keep(keep[3])
            assert recorder.state().rows == 4
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
            with pytest.raises(isr.errors.StoreError, match=r"cannot be (written|used)"):
                recorder._keep(keep[4], is_last=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert isr.load_recorded(portal=portal)["value"].tolist() == [0, 1, 2, 3]


def test_recorded_messages_never_count_as_fetched():
    """The plan asks for the whole range, and offline loads refuse it."""
    with isr.sandbox.serve(days=1) as here, here.connect() as portal:
        isr.record(duration="1s", source="live", portal=portal)
        assert Recorded(portal.folder).health().rows
        assert not isr.plan_history(last="1h", portal=portal).windows.empty
        with pytest.raises(isr.errors.HistoryIncompleteError):
            isr.load_history(last="1h", offline=True, portal=portal)


def test_what_cannot_be_a_source_is_refused():
    """An unknown name; a stream of something else; a broker that is not there."""
    with isr.sandbox.serve(days=1) as here, here.connect() as portal:
        with pytest.raises(UsageError, match='"stream", "live"'):
            isr.record(source="radio", portal=portal)
        with pytest.raises(UsageError, match=r"^every=0 is not a duration"):  # and not the usual one
            isr.record(source="live", every=0, duration="1s", portal=portal)
        with pytest.raises(isr.errors.SubscriberMissingError):
            isr.record(source="stream", portal=portal)
        os.environ["ISR_MQTT_HOST"], os.environ["ISR_MQTT_USERNAME"] = "mqtt://127.0.0.1:9", "sub-1"
        os.environ["ISR_MQTT_PASSWORD"] = "x"
        try:
            with pytest.raises(BrokerUnavailableError):
                isr.record(portal=portal)
        finally:
            for name in ("HOST", "USERNAME", "PASSWORD"):
                del os.environ[f"ISR_MQTT_{name}"]


def test_a_password_file_that_cannot_be_read_is_no_choice_of_the_live_answer(sandbox, monkeypatch):
    """Whoever names one wants the stream, and would not see that the portal is asked in its place."""
    monkeypatch.setenv("ISR_MQTT_PASSWORD_FILE", "gone")
    with sandbox.connect() as portal:
        for begun in (isr.record, lambda **given: next(isr.watch_live(**given))):
            with pytest.raises(isr.errors.SubscriberMissingError, match="gone cannot be read"):
                begun(duration="1s", portal=portal)
        isr.record(duration="1s", source="live", portal=portal)
