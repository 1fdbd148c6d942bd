"""What the store covers, what a load would ask for, and the store on trial; from Python and from the command line."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner
from clocks import NOON

import isr_analysis as isr
from isr_analysis import audit, errors, times
from isr_analysis.cli import cli
from isr_analysis.contract.contract import Contract
from isr_analysis.messages import Selector
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, Range

ALL = Selector()
DAYS = {"start": "2026-11-14", "end": "2026-11-17"}
D1 = times.instant("2026-11-14")
SPAN = Range(times.instant("2026-11-14"), times.instant("2026-11-17"))


@pytest.fixture(scope="module")
def sandbox():
    """Serve a small fleet whose clock stands still."""
    with isr.sandbox.serve(days=20, rate=0.05, now=lambda: NOON) as served:
        yield served


@pytest.fixture
def portal(sandbox):
    """Connect, and make it the connection of the command line as well."""
    with sandbox.connect() as line:
        yield line


@pytest.fixture
def run(sandbox, monkeypatch, portal):
    """Give a function that runs a command with the sandbox's clock."""
    monkeypatch.setattr(isr, "connect", lambda **_: sandbox.connect())
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)

    def run(*words):
        done = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False)
        return done.return_value, done.output

    return run


def test_a_plan_is_what_a_load_then_does(sandbox, portal):
    """Windows, requests and share before and after; printed it is one line."""
    isr.sync(start="2026-11-14", end="2026-11-16", portal=portal)
    plan = isr.plan_history(start="2026-11-14", end="2026-11-18", portal=portal)
    assert plan.share == pytest.approx(0.5)
    assert plan.windows["start"].tolist() == [pd.Timestamp(f"2026-11-{day}", tz="UTC") for day in (16, 17)]
    assert plan.requests == 2
    assert plan.rows == len(isr.load_history(start="2026-11-14", end="2026-11-16", portal=portal))
    assert f"50% on disk ({plan.rows:,} messages); to fetch: 2 windows" in str(plan)
    before = sandbox.requests("history")
    isr.load_history(start="2026-11-14", end="2026-11-18", portal=portal)
    assert sandbox.requests("history") - before == plan.requests
    after = isr.plan_history(start="2026-11-14", end="2026-11-18", portal=portal)
    assert (after.requests, after.share) == (0, 1.0)
    assert "all of it on disk" in repr(after)
    assert isr.plan_history(**DAYS, refresh=True, portal=portal).requests == 3


def test_a_plan_says_what_is_the_least_only(portal):
    """Where nothing of the kind was ever loaded, nobody knows how many requests a window takes."""
    first = isr.plan_history(start="2026-11-14", end="2026-11-15", portal=portal)
    assert first.at_least
    assert "to fetch: 1 window, at least 1 request of " in str(first)
    done = isr.sync(start="2026-11-14", end="2026-11-15", portal=portal)
    assert repr(done) == str(done)
    assert "came, 1 request, " in str(done)
    following = isr.plan_history(start="2026-11-15", end="2026-11-17", portal=portal)
    assert not following.at_least
    assert "to fetch: 2 windows, about 2 requests of " in str(following)


@pytest.mark.parametrize(
    ("share", "rows", "words"),
    [
        (0.0, 0, "0% on disk (0 messages); "), (0.0, 7, "0% on disk (7 messages of parts of it); "),
        (0.001, 7, "<1% on disk (7 messages); "), (0.9999, 7, ">99% on disk (7 messages); "),
    ],
)  # fmt: skip
def test_what_is_partly_on_disk_is_neither_none_nor_all(portal, share, rows, words):
    """Where something is left to fetch; and messages of one topic are no share of all topics."""
    plan = isr.plan_history(start="2026-11-14", end="2026-11-15", portal=portal)
    assert str(dataclasses.replace(plan, share=share, rows=rows)).startswith(words)


def test_a_plan_counts_the_pages_of_a_window(sandbox):
    """By how many messages a day had that is on disk: also the last page, which is not full."""
    contract = Contract()
    contract = dataclasses.replace(contract, history=dataclasses.replace(contract.history, page_size=100))
    with sandbox.connect(contract=contract) as line:
        rows = isr.sync(start="2026-11-14", end="2026-11-15", portal=line).rows
        plan = isr.plan_history(start="2026-11-15", end="2026-11-16", portal=line)
    assert rows % 100 > 0
    assert plan.requests == rows // 100 + 1


def test_coverage_tells_settled_provisional_missing_and_failed_apart(sandbox, portal):
    """Each instant of the range once, for the selection that is asked about."""
    isr.sync(topic="telemetry/#", start="2026-11-15", end="2026-11-16", portal=portal)
    isr.sync(start="2026-11-20", end="2026-11-20T12:00", portal=portal)
    portal.wire.sleep = lambda _: None
    sandbox.fail("html", route="history")
    with pytest.raises(errors.AnswerError):
        isr.sync(start="2026-11-17", end="2026-11-18", portal=portal)
    sandbox.heal()
    asked = {"start": "2026-11-15", "end": "2026-11-21", "tz": "Europe/Zurich", "portal": portal}
    table = isr.coverage(topic="telemetry/system", **asked)
    assert table["state"].tolist() == ["missing", "settled", "missing", "failed", "missing", "settled", "provisional"]
    assert table["end"].iloc[:-1].tolist() == table["start"].iloc[1:].tolist()
    assert {str(table[name].dt.tz) for name in ("start", "end", "fetched_at")} == {"Europe/Zurich"}
    assert "HTML" in table["detail"].iloc[3]
    assert table["start"].iloc[-1] == pd.Timestamp(NOON - 10 * times.MINUTE, tz="UTC")
    assert table["fetched_at"].isna().tolist() == [state == "missing" for state in table["state"]]
    assert isr.coverage(topic="state/#", **asked)["state"].iloc[0] == "missing"


def test_without_a_range_all_that_was_fetched_is_listed(portal):
    """Of whichever clients and topics, with nothing that is missing; of one client, what is said of it."""
    isr.sync("isr-shack-01", "telemetry/#", start="2026-11-15", end="2026-11-16", portal=portal)
    isr.sync(topic="state/relay", start="2026-11-18", end="2026-11-19", portal=portal)
    held = isr.coverage(tz="Europe/Zurich", portal=portal)
    assert held[["client_id", "topic"]].to_numpy().tolist() == [["*", "state/relay"], ["isr-shack-01", "telemetry/#"]]
    assert held["start"].tolist() == [pd.Timestamp("2026-11-18", tz="UTC"), pd.Timestamp("2026-11-15", tz="UTC")]
    assert held["state"].tolist() == ["settled"] * 2
    assert str(held["start"].dt.tz) == "Europe/Zurich"
    for asked, topics in (
        ({"client_id": "isr-shack-01"}, ["state/relay", "telemetry/#"]),
        ({"client_id": "isr-shack-02"}, ["state/relay"]),
        ({"topic": "telemetry/+"}, ["telemetry/#"]),
        ({"topic": "event/#"}, []),
    ):
        assert isr.coverage(**asked, portal=portal)["topic"].tolist() == topics


def test_coverage_ends_where_the_range_does(portal):
    """Of a day on disk, and of one that is still open, only what was asked about is told."""
    isr.sync(start="2026-11-14", end="2026-11-15", portal=portal)
    isr.sync(start="2026-11-20", portal=portal)
    settled = isr.coverage(start="2026-11-14T03:00", end="2026-11-14T05:00", portal=portal)
    assert settled[["start", "end"]].map(lambda at: at.hour).to_numpy().tolist() == [[3, 5]]
    late = isr.coverage(start="2026-11-20T11:55", end="2026-11-20T11:57", portal=portal)
    assert late["state"].tolist() == ["provisional"]
    assert late[["start", "end"]].map(lambda at: at.minute).to_numpy().tolist() == [[55, 57]]


def test_the_present_is_told_to_the_second(portal):
    """Nobody reads nanoseconds of now; and just after a load no splinter of a second is missing."""
    portal.now = lambda: NOON + 123_456_789
    isr.load_history(last="1h", portal=portal)
    portal.now = lambda: NOON + 987_654_321
    table = isr.coverage(last="2h", portal=portal)
    assert table["state"].tolist() == ["missing", "settled", "provisional"]
    for instants in (table["start"], table["end"], table["fetched_at"].dropna()):
        assert (instants == instants.dt.floor("s")).all()
    (start,) = isr.plan_history(last="2h", portal=portal).windows["start"]
    assert start == start.floor("s")


def test_the_present_of_a_former_load_is_told_to_the_second(sandbox):
    """What was loaded up to 12:00:00.7 ends, and what is missing after it begins, at the second; no instant lacks."""
    with sandbox.connect() as line:
        now = NOON - 12 * times.HOUR + 700_000_000
        line.now = lambda: now
        isr.load_history("isr-shack-01", last="1h", portal=line)
        now += times.HOUR
        held = isr.coverage("isr-shack-01", last="2h", portal=line)
    assert held["state"].tolist() == ["settled", "provisional", "missing"]
    assert (held["start"] == held["start"].dt.floor("s")).all()
    assert (held["end"].iloc[:-1] == held["start"].iloc[1:].to_numpy()).all()


def test_what_failed_twice_is_told_once(portal):
    """Of all clients and of one, of two topic filters: the last failure tells, and never another client's."""
    store = Store(portal.folder)
    store.fail(ALL, Range(D1, D1 + 4 * HOUR), at=NOON, words="all")
    store.fail(Selector(("a",), "x/#"), Range(D1 + 2 * HOUR, D1 + 6 * HOUR), at=NOON + 1, words="one")
    store.fail(Selector(("b",), "#"), Range(D1, D1 + 8 * HOUR), at=NOON + 2, words="another client's")
    found = isr.coverage("a", start="2026-11-14", end="2026-11-14T08:00", portal=portal)
    assert found["start"].dt.hour.tolist() == [0, 2, 6]
    assert found["end"].dt.hour.tolist() == [2, 6, 8]
    assert found["state"].tolist() == ["failed", "failed", "missing"]
    assert found["detail"].tolist() == ["all", "one", ""]
    assert (found["fetched_at"].dropna() == pd.Timestamp(NOON, tz="UTC")).all()  # nobody reads it finer than a second


def test_a_plan_of_two_clients_counts_each(portal):
    """With the one on disk and the other not, half is there."""
    isr.sync("isr-shack-01", **DAYS, portal=portal)
    plan = isr.plan_history(["isr-shack-01", "isr-shack-02"], **DAYS, portal=portal)
    assert plan.share == pytest.approx(0.5)
    assert set(plan.windows["client_id"]) == {"isr-shack-02"}
    again = isr.plan_history("isr-shack-01", **DAYS, refresh=True, portal=portal)
    assert (again.share, len(again.windows)) == (0.0, 3)


def test_coverage_of_two_clients_is_told_client_by_client(portal):
    """Each in the order of time."""
    isr.sync("isr-shack-01", start="2026-11-15", end="2026-11-16", portal=portal)
    table = isr.coverage(["isr-shack-02", "isr-shack-01"], **DAYS, portal=portal)
    assert [(one.client_id[-2:], one.state, one.start.day) for one in table.itertuples()] == [
        ("01", "missing", 14), ("01", "settled", 15), ("01", "missing", 16), ("02", "missing", 14),
    ]  # fmt: skip


def test_of_several_failures_of_a_span_the_last_is_told(sandbox, portal):
    """Each instant stands in one row, also where spans that overlap were tried again and again."""
    portal.wire.sleep = lambda _: None
    for how, hours in ("html", (0, 12)), ("down", (6, 18)), ("html", (9, 10)):
        sandbox.fail(how, route="history")
        with pytest.raises(errors.IsrError):
            isr.sync(start=f"2026-11-17T{hours[0]:02}:00", end=f"2026-11-17T{hours[1]:02}:00", portal=portal)
        sandbox.heal()
    table = isr.coverage(start="2026-11-17", end="2026-11-18", portal=portal)
    assert [(one.state, one.start.hour, one.end.hour) for one in table.itertuples()] == [
        ("failed", 0, 6), ("failed", 6, 9), ("failed", 9, 10), ("failed", 10, 18), ("missing", 18, 0),
    ]  # fmt: skip
    assert ["HTML" in words for words in table["detail"]] == [True, False, True, False, False]


def test_coverage_of_nothing_is_missing(portal):
    """The same columns and kinds of values, and one row that says so."""
    table = isr.coverage(**DAYS, portal=portal)
    assert table["state"].tolist() == ["missing"]
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        "client_id": "str", "topic": "str", "start": "datetime64[ns, UTC]", "end": "datetime64[ns, UTC]",
        "state": "str", "fetched_at": "datetime64[ns, UTC]", "detail": "str",
    }  # fmt: skip
    whole_ledger = isr.coverage(portal=portal)
    assert whole_ledger.empty
    pd.testing.assert_series_equal(whole_ledger.dtypes, table.dtypes)


def tampered(portal, change):
    """Put something else in the place of a day's messages, as if it had been fetched."""
    store = Store(portal.folder)
    day = Range(SPAN.start, SPAN.start + DAY)
    table = store.read(Selector(), day)
    store.commit(Selector(), day, [change(table)], fetched_at=NOON - HOUR)


def last_changed(table):
    """Change the last payload."""
    payloads = [*table["payload"].to_pylist()[:-1], b"nonsense"]
    return table.set_column(3, table.schema.field("payload"), pa.array(payloads))


@pytest.mark.parametrize(
    ("change", "lacking", "surplus"),
    [
        (lambda t: t.slice(0, len(t) - 2), 2, 0),
        (lambda t: pa.concat_tables([t, t.slice(5, 1)]), 0, 1),
        (last_changed, 1, 1),
    ],
)
def test_verify_finds_what_differs(portal, change, lacking, surplus):
    """A message that lacks, one that is there twice, one that is another: each is counted, and where."""
    isr.sync(**DAYS, portal=portal)
    assert audit.verify_store(10, portal=portal)["state"].tolist() == ["same"] * 3
    tampered(portal, change)
    table = audit.verify_store(10, portal=portal)
    assert table["state"].tolist() == ["differs", "same", "same"]
    assert (table["lacking"].iloc[0], table["surplus"].iloc[0]) == (lacking, surplus)


def test_verify_knows_what_the_portal_forgot(portal):
    """What lies before its retention is no difference."""
    isr.sync(**DAYS, portal=portal)

    def with_older(table):
        older = pc.subtract(table["time"].cast("int64"), 25 * DAY).cast(table.schema.field("time").type)
        return table.set_column(0, table.schema.field("time"), older)

    table = with_older(Store(portal.folder).read(Selector(), Range(SPAN.start, SPAN.start + DAY)))
    old = Range(SPAN.start - 25 * DAY, SPAN.start - 24 * DAY)
    Store(portal.folder).commit(Selector(), old, [table], fetched_at=NOON)
    assert audit.verify_store(10, portal=portal)["state"].tolist() == ["forgotten", "same", "same", "same"]


def test_the_command_cache(portal, run):
    """Show, verify and clear."""
    status, words = run("cache", "verify")
    assert status == 0
    assert "nothing was compared" in words
    isr.load_history(**DAYS, portal=portal)
    rows = Store(portal.folder).health().rows
    _, shown = run("cache", "show")
    assert run("cache")[1] == shown
    assert f"{rows:,} in 3 files" in shown
    assert "2026-11-14 to 2026-11-17T00:00Z" in shown
    status, words = run("cache", "verify", "--count", "2")
    assert status == 0
    assert "2 windows compared, 0 differ" in words
    tampered(portal, last_changed)
    status, words = run("cache", "verify")
    assert status == 1
    assert "3 windows compared, 1 differ" in words
    with pytest.raises(errors.UsageError, match="count=-1"):
        run("cache", "verify", "--count", "-1")
    _, cleared = run("cache", "clear", "--start", "2026-11-16", "--yes")
    assert "messages removed" in cleared
    assert isr.coverage(**DAYS, portal=portal)["state"].tolist()[-1] == "missing"
    run("cache", "clear", "--yes")
    assert Store(portal.folder).health().rows == 0
    isr.sync(**DAYS, portal=portal)
    assert Store(portal.folder).health().rows == rows


def test_what_is_kept_of_the_only_account_is_seen_and_cleared_without_a_token(sandbox, portal, run, monkeypatch):
    """A token that is gone does not lock anyone out of a folder of theirs; of several accounts one must be named."""
    isr.load_history(**DAYS, portal=portal)
    shown = run("cache")[1]
    monkeypatch.delenv("ISR_TOKEN")
    before = sandbox.requests()
    assert run("cache")[1] == shown
    assert sandbox.requests() == before
    with sandbox.connect(sandbox.make_token(seed=2)) as other:
        isr.sync(last="1h", portal=other)
    with pytest.raises(errors.TokenMissingError) as caught:
        run("cache")
    assert sandbox.account_id in caught.value.__notes__[0]
    monkeypatch.setenv("ISR_ACCOUNT_ID", sandbox.account_id)
    assert run("cache")[1] == shown
    run("cache", "clear", "--yes")
    assert Store(portal.folder).health().rows == 0


def test_a_lost_file_is_said_and_healed(portal, run):
    """A file that someone removed is named; a refresh of its day brings it back, and nothing else is asked for."""
    whole = isr.load_history(**DAYS, portal=portal)
    store = Store(portal.folder)
    file, _ = store.files(Selector(), Range(SPAN.start, SPAN.start + DAY))[0]
    file.unlink()
    store.memo.clear()
    assert file.name in run("cache", "show")[1]
    with pytest.raises(errors.StoreError, match="refresh=True"):
        isr.load_history(**DAYS, portal=portal)
    isr.load_history(start="2026-11-14", end="2026-11-15", refresh=True, portal=portal)
    pd.testing.assert_frame_equal(isr.load_history(**DAYS, portal=portal), whole)


def test_plan_sync_and_export_as_commands(run, tmp_path):
    """The same as in Python, in words."""
    days = ("--start", "2026-11-14", "--end", "2026-11-16")
    assert "to fetch: 2 windows" in run("plan", *days)[1]
    assert "messages came, 2 requests" in run("sync", *days)[1]
    assert "all of it on disk" in run("plan", *days)[1]
    assert run("sync", *days, "--quiet")[1] == ""
    _, words = run("export", str(tmp_path / "out.csv"), "--topic", "telemetry/#", *days)
    assert words.startswith(f"{len(pd.read_csv(tmp_path / 'out.csv', low_memory=False)):,} messages in 1 part")
    assert "2 parts" in run("export", str(tmp_path / "folder"), *days)[1]
    assert "0 messages in 0 parts, 2 were there already" in run("export", str(tmp_path / "folder"), *days)[1]
