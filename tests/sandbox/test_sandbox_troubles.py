"""What goes wrong in the sandbox's fleet: the history shows what the truth says, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isr_analysis import times
from isr_analysis.sandbox import fleet, noise
from isr_analysis.sandbox.archive import Archive
from isr_analysis.sandbox.troubles import LATE, OUTAGE, RENAMED, REPEATED, RETYPED, STUCK, Plan

DAY, HOUR, MINUTE = times.DAY, times.HOUR, times.MINUTE
NOW = times.instant("2026-11-20T15:37:12.5")


def archive(seed: int = 1, now: int = NOW, *, active: bool = True, days: int = 90) -> Archive:
    """Make the archive that a sandbox answers from."""
    made = fleet.fleet(seed, start=now - days * DAY, end=now + DAY, troubles=active)
    return Archive(made, Plan(made, active=active), days=days)


def rows(of: Archive, start: int, end: int, now: int = NOW, clients: str = "") -> list[tuple[int, str, str, str]]:
    """Give instants, clients, subpaths and payloads (as written) of a range, of the clients that begin like this."""
    wanted = [feed for feed in of.fleet.feeds() if feed.client_id.startswith(clients)]
    written: list[bytes] = []
    after = None
    while True:
        page, after = of.page(wanted, start, end, now=now, limit=10_000, after=after)
        written += page
        if after is None:
            break
    form = re.compile(r'\{"time":"(.+?)Z","client_id":"(.+?)","topic":"[^/]+/[^/]+/(.+?)",.*?"payload":(.*)\}')
    found = [form.fullmatch(row.decode()).groups() for row in written]
    instants = np.array([row[0] for row in found], "M8[ns]").astype(np.int64).tolist()
    return [(t, *row[1:]) for t, row in zip(instants, found, strict=True)]


@pytest.fixture(scope="module")
def days():
    """Give the archive of seed 1, and the messages of its last twelve days."""
    made = archive()
    return made, rows(made, NOW - 12 * DAY, NOW)


def test_an_outage_is_silence_of_one_client(days):
    """Within an outage the client says nothing on any topic; just before and after it does."""
    made, found = days
    outages = [one for one in made.troubles(NOW - 11 * DAY, NOW - DAY) if one.kind == OUTAGE]
    assert len(outages) >= 3
    heard = defaultdict(list)
    for t, client, _, _ in found:
        heard[client].append(t)
    for one in outages:
        t = np.array(heard[one.client_id])
        assert HOUR <= one.end - one.start <= 6 * HOUR
        assert not ((t >= one.start) & (t < one.end)).any()
        assert ((t >= one.start - 5 * MINUTE) & (t < one.start)).any()
        assert ((t >= one.end) & (t < one.end + 5 * MINUTE)).any()


def test_no_silence_that_is_not_planted(days):
    """No feed with an interval is ever quiet for longer than that, outside of outages and renames."""
    made, found = days
    quiet = [one for one in made.troubles(NOW - 13 * DAY, NOW) if one.kind == OUTAGE]
    last: dict[tuple[str, str], int] = {}
    interval = {(feed.client_id, feed.topic): feed.interval for feed in made.fleet.feeds()}
    for t, client, topic, _ in found:
        before = last.get((client, topic), t)
        last[client, topic] = t
        gap = interval[client, topic]
        if gap and t - before > 1.1 * gap + times.SECOND:
            assert any(one.client_id == client and before < one.end and one.start < t for one in quiet)


def test_a_stuck_probe_keeps_its_value_for_hours(days):
    """Within the span all readings of the channel are the same; no other probe is constant for so long."""
    made, found = days
    stuck = [one for one in made.troubles(NOW - 12 * DAY, NOW) if one.kind == STUCK]
    assert len(stuck) >= 3
    series = defaultdict(list)
    for t, client, topic, payload in found:
        if topic == "telemetry/temp_probe":
            reading = json.loads(payload)
            series[client, reading["chan"]].append((t, reading["value"]))
    planted = 0
    for (client, channel), readings in series.items():
        run, since = 0, readings[0][0]
        before = None
        for t, value in [*readings, (NOW, None)]:
            if value == before:
                run += 1
                continue
            if run > 20:
                assert any(
                    (one.client_id, one.channel) == (client, channel)
                    and one.start <= since + 20 * MINUTE
                    and t >= one.end
                    for one in stuck
                )
                planted += 1
            run, since, before = 1, t, value
    assert planted == len(stuck)


def test_repeats_are_exactly_the_planted_ones(days):
    """The same message twice at the same instant: those of the truth, no other."""
    made, found = days
    twice = Counter({message: count for message, count in Counter(found).items() if count > 1})
    truth = Counter(
        (one.start, one.client_id, one.topic, one.detail)
        for one in made.troubles(NOW - 12 * DAY, NOW)
        if one.kind == REPEATED
    )
    assert len(truth) > 100
    assert set(truth) == set(twice)
    assert set(twice.values()) == {2}


def test_a_field_changes_its_type_once():
    """Before the date a number, after it a text, or the other way round."""
    made = archive()
    (change,) = [one for one in made.troubles(NOW - 30 * DAY, NOW) if one.kind == RETYPED]
    found = rows(made, NOW - 30 * DAY, NOW, clients=change.client_id)
    kinds = {
        side: {
            type(json.loads(payload)["rssi"]).__name__
            for t, client, topic, payload in found
            if (client, topic) == (change.client_id, change.topic) and (t >= change.start) == side
        }
        for side in (False, True)
    }
    before, after = change.detail.removeprefix("rssi: ").split(" → ")
    names = {"number": {"int"}, "text": {"str"}}
    assert kinds == {False: names[before], True: names[after]}


def test_a_renamed_client_goes_on_where_the_old_one_fell_silent():
    """The old id ends, the new one begins minutes later, and what it measures goes on."""
    made = archive()
    found = rows(made, NOW - 30 * DAY, NOW, clients="buoy-")
    (renamed,) = [one for one in made.troubles(NOW - 30 * DAY, NOW) if one.kind == RENAMED]
    old = [(t, json.loads(payload)) for t, client, _, payload in found if client == renamed.detail]
    new = [(t, json.loads(payload)) for t, client, _, payload in found if client == renamed.client_id]
    assert old[-1][0] < renamed.start < new[0][0] < renamed.start + 20 * MINUTE
    assert old[-1][1]["seq"] < new[0][1]["seq"] < old[-1][1]["seq"] + 6
    assert abs(old[-1][1]["lat"] - new[0][1]["lat"]) < 0.001


def test_late_messages_come_when_the_span_is_over():
    """Until the end of the span nothing of it is stored; then all of it, under the times of publishing."""
    made = archive()
    late = [one for one in made.troubles(NOW - 10 * DAY, NOW) if one.kind == LATE]
    assert len(late) >= 5
    for one in late:
        during = rows(made, one.start, one.end, now=one.end - 1000)
        after = rows(made, one.start, one.end, now=one.end)
        assert one.client_id not in {client for _, client, _, _ in during}
        assert one.client_id in {client for _, client, _, _ in after}
        assert one.end - one.start < 10 * MINUTE


@given(now=st.integers(NOW - 300 * DAY, NOW + 300 * DAY), seed=st.integers(1, 10_000))
@settings(max_examples=40)
def test_any_week_has_its_troubles(now, seed):
    """Any seven days hold a whole outage and a whole stuck probe; any thirty a change of type and of name."""
    made = archive(seed, now, days=31)
    plan = made.plan
    for found in (plan.outages(now - 7 * DAY, now), plan.stuck(now - 7 * DAY, now)):
        assert any(one.start >= now - 7 * DAY and one.end <= now for one in found)
    assert plan.late(now - 7 * DAY, now)
    kinds = Counter(one.kind for one in plan.at_instants(now - 30 * DAY, now))
    assert kinds == {RETYPED: 1, RENAMED: 1}


def test_a_clean_fleet_has_none():
    """Without troubles nothing is planted, and nothing is repeated or late."""
    made = archive(active=False)
    assert made.troubles(NOW - 90 * DAY, NOW) == []
    found = rows(made, NOW - 2 * DAY, NOW)
    assert len(found) == len(set(found)) > 40_000


def test_draws_do_not_depend_on_their_company():
    """A draw for a number is the same alone and among others, and the draws are spread as they should be."""
    many = np.arange(-5, 100_000, dtype=np.int64)
    for drawn in (noise.uniform, noise.normal):
        together = drawn(7, many)
        assert together[:20].tolist() == [drawn(7, many[i : i + 1])[0] for i in range(20)]
    assert noise.uniform(7, many).mean() == pytest.approx(0.5, abs=0.005)
    assert noise.normal(7, many).std() == pytest.approx(1.0, abs=0.01)
