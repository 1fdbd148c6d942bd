"""`watch_live`, `isr live` and `isr record`: the moment, in frames, in a table, on the disk."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time

import pandas as pd
import portals
import pytest
from click.testing import CliRunner
from portal_odd import Listed
from portals import ACCOUNT
from recorders import table

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.cli import cli
from isr_analysis.cli import live as terminal
from isr_analysis.errors import AnswerError, UsageError, WrongAccountError
from isr_analysis.messages import Selector
from isr_analysis.sandbox import broker
from isr_analysis.store.recorded import Recorded
from isr_analysis.streaming.polled import Polled, opened
from isr_analysis.times import Range
from isr_analysis.watching import latest


@pytest.fixture(scope="module")
def here():
    """Run a sandbox with a broker."""
    if broker.program() is None:
        pytest.skip("mosquitto is not installed")
    with isr.sandbox.serve(days=1, broker=True, rate=200) as running:
        yield running


@pytest.fixture
def setting(here, monkeypatch):
    """Set the environment to the sandbox, with a subscriber."""
    login = here.make_subscriber()
    for name, value in {
        "ISR_TOKEN": here.token, "ISR_PORTAL_ORIGIN": here.origin, "ISR_MQTT_HOST": login.host,
        "ISR_MQTT_USERNAME": login.username, "ISR_MQTT_PASSWORD": login.password.reveal(),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def test_the_latest_of_each_topic():
    """One message for each client and topic, the last one, in order."""
    found = latest(table([(3, "a", "t", b"3"), (1, "a", "t", b"1"), (2, "a", "u", b"2"), (2, "b", "t", b"4")]))
    assert found["payload"].to_pylist() == [b"2", b"4", b"3"]


def test_it_begins_with_the_live_answer_and_goes_on_with_the_stream(here):
    """The first frame has every publisher; later ones have what came since, on more topics."""
    with here.connect() as portal, isr.stream(login=here.make_subscriber(), portal=portal) as source:
        frames = isr.watch_live(every="1s", source=source, portal=portal)
        first = next(frames)
        listed = isr.load_live(portal=portal)
        assert set(first["client_id"]) >= set(listed["client_id"])
        later = next(frames)
        assert len(later) > len(listed)
        assert not later.duplicated(["client_id", "topic"]).any()
        assert later.index[-1] > first.index[-1]
        assert later.attrs["source"] == "stream"
        assert later.attrs["connected"]
        isr.plots.live(later)
        frames.close()
        assert list(source) is not None  # it was closed with the loop


def test_what_the_stream_brings_is_shown_where_the_clock_of_this_machine_is_slow(here):
    """The live answer has the portal's time and the stream ours: it does not stand before what came since."""

    def told(df):
        return dict(zip(zip(df["client_id"], df["topic"], strict=True), df.index, strict=True))

    with here.connect() as portal:
        portal.now = lambda: time.time_ns() - times.HOUR
        with isr.stream(login=here.make_subscriber(), portal=portal) as source:
            frames = isr.watch_live(every="0.2s", source=source, portal=portal)
            first, until = told(next(frames)), time.monotonic() + 30
            while not any(at < first.get(place, at) for place, at in told(next(frames)).items()):
                assert time.monotonic() < until
            frames.close()


def test_after_a_gap_of_the_stream_the_live_answer_is_asked_once(here):
    """When the broker is back, as only then what it missed is known; neither before nor again."""
    with here.connect() as portal, isr.stream(login=here.make_subscriber(), portal=portal) as source:
        frames = isr.watch_live(every="0.2s", source=source, portal=portal)
        next(frames)
        asked, later = here.requests("publishers/live"), time.monotonic() + 1.5  # for a second an answer is kept
        here.air.broker.stop()
        try:
            next(one for one in frames if not one.attrs["connected"] and time.monotonic() > later)
            assert here.requests("publishers/live") == asked
        finally:
            here.air.broker.start()
        next(one for one in frames if one.attrs["connected"])
        assert here.requests("publishers/live") == asked + 1
        later = time.monotonic() + 1.5
        assert next(one for one in frames if time.monotonic() > later).attrs["gaps"] == 1
        assert here.requests("publishers/live") == asked + 1
        frames.close()


def test_a_live_answer_that_is_none_after_a_gap_of_the_stream_does_not_end_the_watch(here):
    """A portal that is being mended says so in a page: what the stream brings is shown, and what was known stays."""
    with here.connect() as portal, isr.stream(login=here.make_subscriber(), portal=portal) as source:
        frames = isr.watch_live(every="0.2s", source=source, portal=portal)
        first = next(frames)
        here.air.broker.stop()
        here.fail("html", route="publishers/live")
        try:
            assert not next(one for one in frames if not one.attrs["connected"]).empty
            here.air.broker.start()
            later = next(one for one in frames if one.attrs["connected"])
        finally:
            here.heal()
            here.air.broker.start()
        assert later.attrs["gaps"] == 1
        assert set(later["client_id"]) >= set(first["client_id"])
        frames.close()


def test_a_live_answer_that_is_none_at_the_start_is_an_error(here):
    """Also where the stream is there: it is told what came in its place."""
    with here.connect() as portal, isr.stream(login=here.make_subscriber(), portal=portal) as source:
        here.fail("html", route="publishers/live")
        try:
            with pytest.raises(AnswerError):
                next(isr.watch_live(every="0.2s", source=source, portal=portal))
        finally:
            here.heal()


def test_a_stream_of_another_account_is_refused(here):
    """What another account publishes is neither shown nor stored, whoever opened the stream."""
    other = here.make_token(seed=7)
    with (
        here.connect(other) as portal,
        isr.stream(login=here.make_subscriber(), duration="2s") as source,
    ):
        with pytest.raises(WrongAccountError, match="open the stream with the same portal="):
            next(isr.watch_live(source=source, portal=portal))
        with pytest.raises(WrongAccountError):
            isr.record(source=source, portal=portal)
        assert not Recorded(portal.folder).health().rows


def test_a_stream_that_is_given_says_itself_what_it_is_of(here):
    """It is taken with its own topic, which may be said again; another one, or a duration, is said where it is made."""
    with (
        here.connect() as portal,
        isr.stream(topic="telemetry/#", login=here.make_subscriber(), portal=portal) as source,
    ):
        for other in ({"topic": "state/#"}, {"client_id": "isr-shack-01"}, {"duration": "2s"}):
            with pytest.raises(UsageError, match="which has its own topic"):
                next(isr.watch_live(source=source, portal=portal, **other))
        for same in ({}, {"topic": "telemetry/#"}):
            assert opened(source, None, **{"topic": "#", **same}, duration=None, portal=portal) is source
        with pytest.raises(UsageError, match='give "stream"'):
            next(isr.watch_live(source="mqtt", portal=portal))


def test_without_a_subscriber_the_live_answer_is_watched():
    """Frames of the live answer, through an outage, marked as stale."""
    with isr.sandbox.serve(days=1) as other, other.connect() as portal:
        frames = isr.watch_live("isr-shack-01", every="1s", portal=portal, tz="Europe/Zurich")
        first = next(frames)
        assert first["client_id"].tolist() == ["isr-shack-01"]
        assert str(first.index.tz) == "Europe/Zurich"
        assert first.attrs["source"] == "live"
        other.fail("down")
        second = next(frames)
        assert second.attrs["stale"]
        assert len(second) == 1
        other.heal()
        assert not next(frames).attrs["stale"]
        frames.close()


def test_the_live_answer_is_asked_once_however_short_the_duration(sandbox):
    """A slow machine, or portal, would else show nothing."""
    with sandbox.connect() as portal:
        frames = [*isr.watch_live("isr-shack-01", every="1s", duration="0.001s", source="live", portal=portal)]
    assert [frame["client_id"].unique().tolist() for frame in frames] == [["isr-shack-01"]]


def test_an_hour_that_is_used_up_is_waited_for():
    """At the first look it is an error; later it is told as an outage that began then, and the last messages stay."""
    with isr.sandbox.serve(days=1) as other, other.connect() as portal:
        frames = isr.watch_live(every="1s", source="live", portal=portal)
        first = next(frames)
        other.set_quota(0)
        second = next(frames)
        assert second["client_id"].tolist() == first["client_id"].tolist()
        assert second.attrs["stale"]
        assert second.attrs["gaps"] == 1
        frames.close()
        with pytest.raises(isr.errors.QuotaExhaustedError):
            next(isr.watch_live(every="1s", source="live", portal=portal))


def test_of_several_channels_on_one_topic_those_that_are_new_come(home):
    """A portal may give the last message of each; what was seen at the look before is not published anew."""
    said = {"client_id": "a", "topic": f"{ACCOUNT}/a/telemetry/watt_meter", "time": "2026-11-05T00:00:00Z"}
    values = [1, 2, 3, 4]
    server = Listed("/publishers/live", lambda _: [{**said, "payload": [i, v]} for i, v in enumerate(values)])
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        tables = Polled(portal, Selector(), duration=None).tables("0.01s")
        assert next(tables)["payload"].to_pylist() == [b"[0, 1]", b"[1, 2]", b"[2, 3]", b"[3, 4]"]
        assert len(next(tables)) == 0
        values[1] = 5
        assert next(tables)["payload"].to_pylist() == [b"[1, 5]"]


def test_a_message_that_is_told_by_its_age_is_new_only_once(home):
    """Seconds ago, and the second of the answer: its instant is not the same each time, and it is the same message."""
    said, ages = {"client_id": "a", "topic": f"{ACCOUNT}/a/t", "payload": 1}, [40]
    server = Listed("/publishers/live", lambda _: [{**said, "age_seconds": ages[0]}])
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        tables = Polled(portal, Selector(), duration=None).tables("0.01s")
        assert len(next(tables)) == 1
        for ages[0] in (41, 42, 41):
            assert len(next(tables)) == 0
        ages[0] = 20
        assert len(next(tables)) == 1


def test_a_gap_ends_no_earlier_than_it_began(home):
    """The clock may be set back while the portal is away."""
    clock = [portals.NOW]
    said = {"client_id": "a", "topic": f"{ACCOUNT}/a/t", "time": "2026-11-05T00:00:00Z", "payload": 1}
    status = [200]
    server = Listed("/publishers/live", lambda _: ([said], status[0]))
    with portals.serve(server) as origin, portals.connect(origin, home, now=lambda: clock[0]) as portal:
        source = Polled(portal, Selector(), duration=None)
        tables = source.tables("0.01s")
        next(tables)
        status[0] = 503
        next(tables)
        clock[0] -= times.HOUR
        assert [(one.start, one.end) for one in source.missed()] == [(portals.NOW, portals.NOW)]
        status[0] = 200
        next(tables)
        assert [(one.start, one.end) for one in source.missed()] == [(portals.NOW, portals.NOW)]
        assert source.connected


def test_an_hour_that_is_used_up_is_not_asked_for_before_it_is_over(sandbox):
    """However often it is looked: each request more would only be refused."""
    stop = threading.Event()
    with sandbox.connect() as portal:
        tables = Polled(portal, Selector(), duration=None).tables("0.01s", stop)
        assert len(next(tables))
        sandbox.set_quota(0)
        assert len(next(tables)) == 0
        asked, end = sandbox.requests(), threading.Timer(0.5, stop.set)
        end.start()
        assert [*tables] == []
        assert sandbox.requests() == asked
        end.join()


def test_a_pace_that_is_none_is_refused_before_anything_is_asked(sandbox):
    """Also where one table is printed, and it would not matter."""
    before = sandbox.requests()
    with sandbox.connect() as portal, pytest.raises(UsageError, match="every='soon' is not a duration"):
        next(isr.watch_live(every="soon", portal=portal))
    assert sandbox.requests() == before


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_portal_that_is_away_from_the_start_is_an_error(seen_before):
    """Never an empty frame, also where an older live answer is in the cache."""
    with isr.sandbox.serve(days=1) as other, other.connect() as portal:
        assert portal.account_id
        if seen_before:
            isr.load_live(portal=portal)
        other.fail("down")
        with pytest.raises(isr.errors.PortalUnavailableError):
            next(isr.watch_live(every="1s", source="live", portal=portal))


def test_isr_live_prints_one_table_where_nobody_looks_on(here, setting):
    """For a pipe: one table of all publishers, and the end."""
    done = CliRunner().invoke(cli, ["live", "--source", "live", "--every", "1s"], catch_exceptions=False)
    assert done.exit_code == 0
    head, names, *rows = done.output.splitlines()
    assert " topics · live" in head
    assert names.split() == ["publisher", "topic", "time", "heard", "says"]
    with here.connect() as portal:
        assert {row.split()[0] for row in rows} == set(isr.load_live(portal=portal)["client_id"])
    assert all(len(line) <= 110 for line in done.output.splitlines())
    assert "\x1b" not in done.output


def test_isr_live_in_json(here, setting):
    """One object a line, with time, client and topic."""
    done = CliRunner().invoke(cli, ["live", "--json", "--every", "1s"], catch_exceptions=False)
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert rows
    assert all({"time", "client_id", "topic"} <= set(row) for row in rows)
    assert all(value is not None for row in rows for value in row.values())


def test_isr_live_refreshes_on_a_terminal(here, setting):
    """The table is drawn over itself until it ends, and fits the terminal."""
    main, other = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", "from isr_analysis.cli import main; main()", "live", "--every", "1s", "--for", "4s"],
        stdin=other, stdout=other, stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", "LINES": "20", "TERM": "xterm"},
    )  # fmt: skip
    os.close(other)
    seen = b""
    try:
        while part := os.read(main, 65_536):
            seen += part
    except OSError:  # the other side was closed
        pass
    os.close(main)
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait(60) == 0, said
    drawn = seen.decode().split("\x1b[H")
    assert len(drawn) > 2  # at least twice: how often in these seconds is the machine's affair
    lines = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in drawn[-1].splitlines()]
    assert "· stream" in lines[0]
    assert len(lines) <= 20
    assert all(len(line) <= 80 for line in lines)


def test_a_publisher_that_is_not_there_is_told_with_those_of_nearly_its_name(sandbox, monkeypatch):
    """By each that shows or stores what comes; of one that is listed and was never heard nothing is told."""
    words = r"^there is no client 'isr-shak-01' at the portal \(there: isr-shack-01"
    with sandbox.connect() as portal:
        with pytest.warns(UserWarning, match=words):
            live = isr.load_live(["isr-shak-01", "isr-hill-02"], portal=portal)
        assert live["client_id"].tolist() == ["isr-hill-02"]
        assert re.search(words, live.attrs["warning"])
        with pytest.warns(UserWarning, match=words):
            (first, *_) = isr.watch_live("isr-shak-01", every="1s", duration="1s", source="live", portal=portal)
        shown = terminal.table(first, times.MINUTE, "UTC", width=60, height=20)
        assert "there is no client 'isr-shak-01'" in shown[1]
        assert len(first) == 0
        with pytest.warns(UserWarning, match=words):
            isr.record("isr-shak-01", duration="1s", source="live", portal=portal)
        assert isr.load_live("spare-01", portal=portal).attrs["warning"] == ""
        isr.record("spare-01", duration="1s", source="live", portal=portal)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    command = [sys.executable, "-m", "isr_analysis", "live", "--client", "isr-shak-01"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("isr: there is no client 'isr-shak-01' at the portal (there: isr-shack-01")
    assert len(done.stdout.splitlines()) == 2


def test_of_a_publisher_that_the_live_answer_lacks_it_is_not_said_that_there_is_none(sandbox):
    """Where the add-on for the list is missing: it may never have been heard."""
    with sandbox.connect(sandbox.make_token(["live"])) as portal:
        for name in ("isr-shak-01", "spare-01"):
            words = rf"^there is no client '{name}' in the portal's live answer \(there: "
            with pytest.warns(UserWarning, match=words):
                assert isr.load_live(name, portal=portal).empty


def test_isr_record_tells_of_gaps_though_it_is_to_be_quiet(monkeypatch):
    """On standard error, as of all that is wrong; where nothing is, it says nothing at all."""
    command = ["record", "--quiet", "--source", "live", "--every", "1s", "--for"]
    with isr.sandbox.serve(days=1) as here:
        monkeypatch.setenv("ISR_TOKEN", here.token)
        monkeypatch.setenv("ISR_PORTAL_ORIGIN", here.origin)
        assert CliRunner().invoke(cli, [*command, "1s"], catch_exceptions=False).output == ""
        falls = threading.Timer(1.5, here.fail, ["down"], {"route": "publishers/live"})
        falls.start()
        done = CliRunner().invoke(cli, [*command, "4s"], catch_exceptions=False)
        falls.join()
    assert done.stdout == ""
    assert re.search(r"isr: may be missing: \S+Z to \S+Z \(connection\)\n$", done.stderr)


def test_what_isr_record_did_is_on_standard_output(sandbox, monkeypatch):
    """Also beside a terminal, in one line of which progress goes: whoever keeps the output has all of it there."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    near, far = pty.openpty()
    command = [sys.executable, "-m", "isr_analysis", "record", "--for", "1s", "--source", "live"]
    narrow = {**os.environ, "COLUMNS": "30"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=far, text=True, check=True, env=narrow)
    os.close(far)
    told = os.read(near, 65_536).decode()
    os.close(near)
    assert all(len(line.strip()) < 30 for line in re.split(r"\x1b\[K", told))
    assert re.fullmatch(r"\d+ messages from the live answer since \S+\n", done.stdout)


def test_isr_record_says_what_it_did(here, setting):
    """The stream for two seconds: stored, counted, said; then the live answer by name."""
    done = CliRunner().invoke(cli, ["record", "--for", "2s", "--every", "1s"], catch_exceptions=False)
    assert done.exit_code == 0
    count = int(re.search(r"([\d,]+) messages? from the stream", done.output)[1].replace(",", ""))
    with here.connect() as portal:
        store = Recorded(portal.folder)
        assert store.health().rows == count > 10
        done = CliRunner().invoke(
            cli, ["record", "--source", "live", "--for", "1s", "--client", "isr-shack-01"], catch_exceptions=False
        )
        assert "1 message from the live answer" in done.output
        newest = store.read(Selector(), Range(0, 2**62))["time"].cast("int64").to_numpy().max()
    assert abs(pd.Timestamp(newest).value - time.time_ns()) < 60 * 10**9
