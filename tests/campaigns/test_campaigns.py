"""Long random trials of the store, with real processes: ``pytest tests/campaigns -m campaign`` runs the long forms.

The short forms run with every other test.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import campaign_workers as workers

import isr_analysis as isr
from isr_analysis import fetch, interrupts
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.streaming.buffer import Buffer
from isr_analysis.times import DAY, HOUR, Range

CAMPAIGN = pytest.mark.campaign
DAYS = 4


def lengths(short, long):
    """Give the short form, and the long one with its marker."""
    return [pytest.param(short, id="short"), pytest.param(long, id="long", marks=CAMPAIGN)]


@pytest.fixture(scope="module")
def processes():
    """Give what starts processes, each from a clean one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(workers.PRELOAD)
    return context


@pytest.fixture
def sandbox():
    """Serve a small fleet."""
    with isr.sandbox.serve(days=10, rate=0.05) as served:
        yield served


@pytest.fixture
def where(sandbox, home):
    """Give origin, token and home for the processes."""
    return sandbox.origin, sandbox.token, str(home)


@pytest.fixture
def range_():
    """Give some whole days, all settled."""
    midnight = time.time_ns() // DAY * DAY - DAY
    return {"start": pd.Timestamp(midnight - DAYS * DAY, tz="UTC"), "end": pd.Timestamp(midnight, tz="UTC")}


def undisturbed(sandbox, range_, home):
    """Give the messages of a range from a store that nobody disturbed."""
    with sandbox.connect(home=home / "undisturbed") as portal:
        isr.sync(**range_, portal=portal)
        return held(portal, range_)


def held(portal, range_):
    """Give the messages of a range that a connection's store holds; `seq` depends on how it was asked."""
    span = Range(range_["start"].value, range_["end"].value)
    return Store(portal.folder).read(Selector(), span).drop_columns(["seq"])


def start(processes, work, *args):
    """Start a process that says things; give it and the end to listen at."""
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(*args[:2], there, *args[2:]), daemon=True)
    process.start()
    there.close()
    return process, here


@pytest.mark.parametrize("rounds", lengths(5, 500))
def test_kill_at_any_moment(rounds, processes, sandbox, where, range_, home):
    """Whenever a sync is killed: nothing is called covered that is not there; in the end nothing is lost or double."""
    truth = undisturbed(sandbox, range_, home)
    with sandbox.connect(home=home) as portal:
        _ = portal.account_id, portal.contract
        store = Store(portal.folder)
        took = 0.6
        for number in range(rounds):
            process, said = start(processes, workers.sync, where, [{**range_, "refresh": number % 4 != 0}])
            assert said.recv() == "going"
            began = time.monotonic()
            if said.poll(random.uniform(0, took)):
                took = 0.9 * took + 0.1 * (time.monotonic() - began)
            process.kill()
            process.join()
            for _, row in isr.coverage(**range_, portal=portal).query("state == 'settled'").iterrows():
                span = Range(row["start"].value, row["end"].value)
                there = store.read(Selector(), span).drop_columns(["seq"])
                at = truth["time"].cast("int64")
                wanted = truth.filter(pa.array((at.to_numpy() >= span.start) & (at.to_numpy() < span.end)))
                assert there.equals(wanted)
            sandbox.set_quota()
        isr.sync(**range_, portal=portal)
        assert held(portal, range_).equals(truth)
        assert set(isr.coverage(**range_, portal=portal)["state"]) == {"settled"}


@pytest.mark.parametrize(("count", "rounds"), [pytest.param(4, 1), pytest.param(8, 20, marks=CAMPAIGN)])
def test_processes_share_store_and_quota(count, rounds, processes, sandbox, where, range_, home):
    """Processes that sync overlapping ranges at once: every message once, and never more requests than the quota."""
    truth = undisturbed(sandbox, range_, home)
    for number in range(rounds):
        there = home / f"round-{number}"
        limit = 6 + number
        sandbox.set_quota(limit)
        before = sandbox.requests()
        with sandbox.connect(home=there) as portal:
            _ = portal.account_id, portal.contract  # from now on it is known how many there are
        said = run_overlapping(processes, (*where[:2], str(there)), range_, count)
        assert sandbox.requests() - before <= limit
        assert {name for name, _ in said} <= {"done", "QuotaExhaustedError"}, said
        sandbox.set_quota()
        (there / "quota.sqlite").unlink()  # an hour later
        said = run_overlapping(processes, (*where[:2], str(there)), range_, count)
        assert {name for name, _ in said} == {"done"}, said
        # One request a day, and what each process may ask for itself: whose the token is, and the portal's document.
        assert sandbox.requests("history") <= DAYS * (2 * rounds + 1)
        with sandbox.connect(home=there) as portal:
            assert held(portal, range_).equals(truth)


@pytest.mark.parametrize("rounds", lengths(1, 50))
def test_processes_may_all_begin_at_once(rounds, processes, sandbox, where, range_, home):
    """Where nothing is there yet, eight processes that begin at the same moment make one store, without an error."""
    for number in range(rounds):
        there = (*where[:2], str(home / f"round-{number}"))
        said = run_overlapping(processes, there, range_, 8)
        assert {name for name, _ in said} == {"done"}, said
        sandbox.set_quota()


def run_overlapping(processes, where, range_, count):
    """Sync overlapping parts of a range in several processes at once; give what each said."""
    barrier = processes.Barrier(count)
    running = []
    for number in range(count):
        first, last = sorted(random.sample(range(DAYS + 1), 2))
        part = {"start": range_["start"] + pd.Timedelta(days=first), "end": range_["start"] + pd.Timedelta(days=last)}
        asked = [part, range_] if number % 2 else [range_, part]
        running.append(start(processes, workers.sync, where, asked, barrier))
    said = []
    for process, here in running:
        assert here.recv() == "going"
        said.append(here.recv())
        process.join()
    return said


@pytest.mark.parametrize("seconds", lengths(3, 120))
def test_reads_are_exact_while_others_write_and_merge(seconds, processes, sandbox, range_, home, tmp_path):
    """Four processes put everything in its own place again and merge, four read: every read is exact."""
    undisturbed(sandbox, range_, home)
    with sandbox.connect(home=home / "undisturbed") as portal:
        folder = portal.folder
        span = Range(range_["start"].value, range_["end"].value)
        truth = Store(folder).read(Selector(), span)
    path = str(tmp_path / "truth.parquet")
    pq.write_table(truth, path)
    clients = truth["client_id"].unique().to_pylist()
    selectors = [[None, "#"], [clients[:3], "#"], [None, "telemetry/#"], [clients[2:9], "+/+"], [clients[:1], "#"]]
    stop = time.monotonic() + seconds
    writers = [(workers.refresh_until, str(folder), stop, selectors, path, number) for number in range(4)]
    running = [processes.Process(target=work, args=args, daemon=True) for work, *args in writers]
    ears = []
    for _ in range(4):
        here, there = processes.Pipe(duplex=False)
        running.append(processes.Process(target=workers.read_until, args=(str(folder), stop, path, there), daemon=True))
        ears.append(here)
    for process in running:
        process.start()
    counts = [here.recv() for here in ears]
    for process in running:
        process.join()
        assert process.exitcode == 0
    assert [wrong for _, wrong in counts] == [0] * 4
    assert all(right > 0 for right, _ in counts)
    assert Store(folder).read(Selector(), span).equals(truth)


@pytest.mark.parametrize("rounds", lengths(2, 100))
def test_a_full_disk_harms_nothing(rounds, processes, sandbox, where, range_, home):
    """Where a file cannot be written, the error says so and what to do; with room again the rest is fetched."""
    truth = undisturbed(sandbox, range_, home)
    with sandbox.connect(home=home) as portal:
        _ = portal.account_id, portal.contract
    for number in range(rounds):
        room = 60_000 if number == 0 else random.randrange(3_000, 200_000)
        process, here = start(processes, workers.sync_with_little_room, where, [{**range_, "refresh": True}], room)
        assert here.recv() == "going"
        name, words = here.recv()
        process.join()
        assert name in ("StoreError", "done"), words
        assert name == "done" or "ISR_HOME" in words
        sandbox.set_quota()
    with sandbox.connect(home=home) as portal:
        isr.sync(**range_, portal=portal)
        assert held(portal, range_).equals(truth)


@pytest.mark.parametrize("rounds", lengths(1, 40))
def test_ctrl_c_in_the_middle_of_a_sync(rounds, sandbox, where, range_, home):
    """`isr sync` ends at Ctrl-C with one line and status 130; the next one goes on and ends with everything."""
    truth = undisturbed(sandbox, range_, home)
    sandbox.fail("slow", route="history", seconds=0.2)
    environment = {**os.environ, "ISR_TOKEN": where[1], "ISR_PORTAL_ORIGIN": where[0], "ISR_HOME": where[2]}
    command = [sys.executable, "-c", "from isr_analysis.cli import main; main()", "sync", "--refresh"]
    command += ["--start", range_["start"].isoformat(), "--end", range_["end"].isoformat()]
    ended = []
    for _ in range(rounds):
        before = sandbox.requests("history")
        running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while sandbox.requests("history") == before and running.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        ended.append(running.returncode)
        assert running.returncode in (130, 0), (out, err)
        assert "Traceback" not in err
        assert running.returncode == 0 or "stopped" in err
        sandbox.set_quota()
    assert 130 in ended
    sandbox.heal()
    with sandbox.connect(home=home) as portal:
        isr.sync(**range_, portal=portal)
        assert held(portal, range_).equals(truth)


@pytest.mark.parametrize("rounds", lengths(200, 20_000))
def test_ctrl_c_at_any_step(rounds, monkeypatch):
    """It comes out as KeyboardInterrupt, and neither a worker nor whoever brings messages waits for a lock for ever."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # in a callback of the collector, it is lost in any case
    former = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    interrupted = 0
    try:
        for number in range(rounds):
            work, threads = (_downloading, _reading, _side_by_side)[number % 3]()
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 0.004))
                    work()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            until = time.monotonic() + 30
            while left := threads():
                assert time.monotonic() < until, left
                time.sleep(0.0005)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert interrupted > rounds / 4


def _side_by_side():
    """Give what works in threads for an instant, and what gives those that have not ended."""
    jobs = [lambda: time.sleep(0.0003)] * 6
    return lambda: interrupts.in_threads(2, jobs), lambda: [o for o in threading.enumerate() if "isr-work" in o.name]


def _downloading():
    """Give what downloads for an instant, and what gives its workers that have not ended."""
    download = fetch._Download(None, None, 0, 0, None, decode=False, wait_for_quota=False)
    jobs = [lambda: time.sleep(0.0003)] * 6
    return lambda: download.work(jobs), lambda: [one for one in threading.enumerate() if "isr-fetch" in one.name]


def _reading():
    """Give what reads messages for ever, and what ends the thread that brings them and gives it until it has ended."""
    buffer = Buffer(1 << 20)
    over = []

    def bring():
        while not over:
            buffer.put((1, "shack", "telemetry", b"1", 0))
            time.sleep(0)

    def read():
        while True:
            buffer.take(1.0)

    def left():
        over.append(True)
        return [bringing] if bringing.is_alive() else []

    bringing = threading.Thread(target=bring, daemon=True)
    bringing.start()
    return read, left


@pytest.mark.parametrize("rounds", lengths(40, 500))
def test_refreshes_of_today_keep_the_store_small(rounds, home):
    """The store's size stays in proportion to its messages, also before the grace of replaced files is over."""
    now = [time.time_ns() // DAY * DAY + HOUR]
    with isr.sandbox.serve(days=3, rate=0.2, now=lambda: now[0]) as served, served.connect(home=home) as portal:
        for _ in range(rounds):
            isr.sync(last="1d", max_age="1s", portal=portal)
            now[0] += 80_000_000_000_000 // rounds
        size = sum(path.stat().st_size for path in portal.folder.rglob("*") if path.is_file())
        now[0] += HOUR
        day = {"start": pd.Timestamp(now[0] - DAY - HOUR, tz="UTC"), "end": pd.Timestamp(now[0] - HOUR, tz="UTC")}
        isr.sync(**day, portal=portal)
        truth = undisturbed(served, day, home)
        assert held(portal, day).equals(truth)
        once = sum(path.stat().st_size for path in (home / "undisturbed").rglob("*") if path.is_file())
        assert size < 8 * once
