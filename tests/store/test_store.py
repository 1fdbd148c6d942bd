"""The store: what was fetched is there once, whole, and what is missing is known."""

from __future__ import annotations

import contextlib
import json
import os
import random
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isr_analysis import database, messages, times
from isr_analysis.errors import StoreError
from isr_analysis.messages import Selector
from isr_analysis.store import ledger, parts
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, MINUTE, Range

D0 = 20_000 * DAY
EVER = Range(0, D0 + 1000 * DAY)
ALL = Selector()


def messages_of(rows):
    """Make messages of (time, client, topic, text)."""
    return pa.Table.from_pylist(
        [{"time": t, "client_id": c, "topic": topic, "payload": text.encode(), "seq": i, "source": "history",
          "extra": None} for i, (t, c, topic, text) in enumerate(rows)], schema=messages.SCHEMA)  # fmt: skip


def rows_of(table):
    """Give the messages of a table as (time, client, topic, text)."""
    names = zip(table["time"].cast("int64").to_pylist(), table["client_id"].to_pylist(), table["topic"].to_pylist(),
                table["payload"].to_pylist(), strict=True)  # fmt: skip
    return [(t, c, topic, payload.decode()) for t, c, topic, payload in names]


@pytest.fixture
def store(tmp_path):
    """Give an empty store."""
    return Store(tmp_path / "account")


def fill(store, selector, span, rows, at):
    """Commit what a portal with `rows` would give."""
    return store.commit(selector, span, [messages_of(rows)], fetched_at=at)


ROWS = [(D0 + HOUR * i, c, t, f"{i}{c}{t}") for i in range(48) for c in "ab" for t in ("x", "y/z")]
LATER = D0 + 10 * DAY


def test_what_is_put_in_comes_out_in_order(store):
    """A committed window is read back exactly, sorted, and only what the selector and range mean."""
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    assert fill(store, ALL, Range(D0, D0 + 2 * DAY), shuffled, LATER) == len(ROWS)
    assert rows_of(store.read(ALL, EVER)) == ROWS
    span = Range(D0 + 3 * HOUR, D0 + 5 * HOUR)
    assert rows_of(store.read(Selector(("a",), "y/#"), span)) == [ROWS[13], ROWS[17]]


def test_an_empty_store_gives_no_rows_and_misses_everything(store):
    """Nothing on disk: a table without rows, and each day of the range is missing."""
    assert store.read(ALL, EVER).equals(messages.empty())
    held = store.held(ALL, Range(D0 + HOUR, D0 + 2 * DAY), now=LATER)
    assert [span for _, span in held.missing] == [Range(D0 + HOUR, D0 + DAY), Range(D0 + DAY, D0 + 2 * DAY)]
    assert held.provisional_from == D0 + HOUR
    assert held.fetched_at is None
    just_now = Range(LATER - 30 * times.SECOND, LATER)
    assert store.held(ALL, just_now, now=LATER).missing == [(ALL, just_now)]


def test_an_empty_window_is_known_to_be_empty(store):
    """A span without messages is not asked for again."""
    fill(store, ALL, Range(D0, D0 + DAY), [], LATER)
    assert store.held(ALL, Range(D0, D0 + DAY), now=LATER).missing == []


def test_a_wider_selector_answers_a_narrower_one_and_not_the_reverse(store):
    """What was fetched for all clients and topics holds for one; one client's says nothing of the others."""
    day = Range(D0, D0 + DAY)
    fill(store, Selector(("a",), "y/#"), day, ROWS, LATER)
    assert store.held(Selector(("a",), "y/z"), day, now=LATER).missing == []
    for other in (ALL, Selector(("a",), "#"), Selector(("b",), "y/z"), Selector(("a", "b"), "y/z")):
        assert store.held(other, day, now=LATER).missing, other
    assert store.held(Selector(("a", "b"), "y/z"), day, now=LATER).missing == [(Selector(("b",), "y/z"), day)]


def test_the_last_minutes_are_provisional(store):
    """A span is settled but for its last ten minutes before the fetch, which count while they are young."""
    span = Range(D0, D0 + 6 * HOUR)
    at = D0 + 6 * HOUR
    fill(store, ALL, span, ROWS[:24], at)
    border = at - 10 * MINUTE
    assert store.held(ALL, span, now=at + 30 * times.SECOND).missing == []
    assert store.held(ALL, span, now=at + 2 * MINUTE).missing == [(ALL, Range(border, span.end))]
    assert store.held(ALL, span, now=at).provisional_from == border
    fill(store, ALL, Range(border, span.end), [], at + 11 * MINUTE)
    assert store.held(ALL, span, now=LATER).missing == []
    assert store.held(ALL, span, now=LATER).provisional_from is None
    assert rows_of(store.read(ALL, EVER)) == ROWS[:24]


def test_the_future_is_not_missing(store):
    """A range that reaches beyond now lacks nothing that could be had, and is provisional."""
    now = D0 + HOUR
    fill(store, ALL, Range(D0, now), [], now)
    held = store.held(ALL, Range(D0, D0 + DAY), now=now)
    assert held.missing == []
    assert held.provisional_from == now - 10 * MINUTE
    assert store.held(ALL, Range(D0, D0 + DAY), now=now, settle=0).provisional_from == now
    later = store.held(ALL, Range(D0, D0 + DAY), now=now + HOUR)
    assert later.missing == [(ALL, Range(now - 10 * MINUTE, now + HOUR))]


def test_a_commit_waits_for_the_disk(store, monkeypatch):
    """A part and its name are on the disk before the ledger has it, and then the ledger is: no power cut harms them.

    So are the names of the folders that were made for it.
    """
    flushed, seen = [], []
    real, note = os.fsync, ledger.note

    def fsync(descriptor):
        flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    def noted(db, *rest, **how):
        seen.append((flushed[:], *db.execute("PRAGMA synchronous").fetchone()))
        note(db, *rest, **how)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(ledger, "note", noted)
    fill(store, ALL, Range(D0, D0 + DAY), ROWS[:8], LATER)
    fill(store, ALL, Range(D0 + DAY, D0 + 2 * DAY), [(at + DAY, *rest) for at, *rest in ROWS[:8]], LATER)
    (first, full), (second, _) = seen
    assert (first[0], full) == (False, 2)
    assert len(first) > 3  # the month's folder, that of all months, and the one that this is in
    assert all(first[1:])
    assert second == [*first, False, True]


def test_what_is_cleared_is_missing(store):
    """Its messages are gone, and the rest of a day stays, held as it was."""
    fill(store, ALL, Range(D0, D0 + 2 * DAY), ROWS, LATER)
    middle = Range(D0 + 12 * HOUR, D0 + 20 * HOUR)
    assert store.clear(middle, now=LATER) == 8 * 4
    assert rows_of(store.read(ALL, EVER)) == [row for row in ROWS if not middle.start <= row[0] < middle.end]
    assert store.held(ALL, Range(D0, D0 + 2 * DAY), now=LATER).missing == [(ALL, middle)]


def test_a_fetch_replaces_what_was_there_of_it_and_nothing_else(store):
    """Messages that the portal no longer gives go, later ones come, other selectors' stay, nothing doubles."""
    fill(store, ALL, Range(D0, D0 + 2 * DAY), ROWS, LATER)
    new = [(D0 + HOUR, "a", "x", "new"), (D0 + 30 * HOUR, "a", "x", "outside"), (D0 + HOUR, "b", "x", "not meant")]
    assert fill(store, Selector(("a",), "x"), Range(D0, D0 + DAY), new, LATER) == 1
    kept = [row for row in ROWS if not (row[1:3] == ("a", "x") and row[0] < D0 + DAY)]
    assert rows_of(store.read(ALL, EVER)) == sorted([*kept, new[0]])
    assert store.held(ALL, Range(D0, D0 + 2 * DAY), now=LATER).missing == []


def test_a_fetch_leaves_the_files_of_which_it_means_nothing(store):
    """They are not written anew, so what was decoded or exported of them stays good."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS[:96], LATER)
    before = store.files(ALL, EVER)
    half_past = Range(D0 + HOUR // 2, D0 + HOUR * 3 // 4)  # nothing was published then
    fill(store, Selector(("a",)), half_past, [(half_past.start, "a", "x", "late")], LATER + 1)
    assert len(store.files(ALL, EVER)) == 2
    assert set(before) < set(store.files(ALL, EVER))


def test_a_fetch_that_fails_half_way_changes_nothing(store, tmp_path):
    """Neither rows nor ledger nor files are left of it."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    before = sorted((tmp_path / "account").rglob("*.parquet"))

    def breaks():
        yield messages_of(ROWS[:10])
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.commit(ALL, Range(D0, D0 + 2 * DAY), breaks(), fetched_at=LATER)
    assert rows_of(store.read(ALL, EVER)) == ROWS[:96]
    assert store.held(ALL, Range(D0, D0 + 2 * DAY), now=LATER).missing == [(ALL, Range(D0 + DAY, D0 + 2 * DAY))]
    assert sorted((tmp_path / "account").rglob("*.parquet")) == before
    assert not list((tmp_path / "account").rglob("*.tmp"))


def test_an_interrupt_just_after_a_commit_takes_nothing_back(store, monkeypatch):
    """What the ledger names by then stays on disk, though the caller hears of the interrupt."""
    real = database.transaction

    @contextlib.contextmanager
    def interrupted(*args, **kwargs):
        with real(*args, **kwargs) as db:
            yield db
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(database, "transaction", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fill(store, ALL, Range(D0, D0 + 2 * DAY), ROWS, LATER)
    assert rows_of(store.read(ALL, EVER)) == ROWS
    assert not store.held(ALL, Range(D0, D0 + 2 * DAY), now=LATER, settle=0, max_age=None).missing


def test_replaced_files_stay_for_an_hour(store, tmp_path):
    """A reader that has one open is not harmed; then they go."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER + MINUTE)
    assert len(list((tmp_path / "account").rglob("*.parquet"))) == 2
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER + 2 * HOUR)
    store.tidy(Range(D0, D0 + DAY), now=LATER + 2 * HOUR + 59 * MINUTE)
    files = {str(p.relative_to(tmp_path / "account" / "parts")) for p in (tmp_path / "account").rglob("*.parquet")}
    assert len(files) == 2
    assert rows_of(store.read(ALL, EVER)) == ROWS[:96]


def test_the_last_minutes_have_a_part_of_their_own(store, tmp_path):
    """So that the next fetch replaces a small file and not the day's."""
    at = D0 + 6 * HOUR
    rows = [(D0 + MINUTE * i, "a", "x", str(i)) for i in range(360)]
    fill(store, ALL, Range(D0, at), rows, at)
    sizes = sorted(parts.pq.read_metadata(p).num_rows for p in (tmp_path / "account").rglob("*.parquet"))
    assert sizes == [10, 350]


def test_a_damaged_file_is_named(store, tmp_path):
    """A part that cannot be read is an error that names it, not missing rows."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    (file,) = (tmp_path / "account").rglob("*.parquet")
    file.write_bytes(b"PAR1 nonsense")
    with pytest.raises(StoreError, match=file.name):
        store.read(ALL, EVER)


def test_a_file_of_which_a_byte_has_changed_never_gives_other_messages(store, tmp_path):
    """What a disk has let rot is named, or is not of the messages."""
    rows = [(t, c, topic, random.Random(i).randbytes(20).hex()) for i, (t, c, topic, _) in enumerate(ROWS[:40])]
    fill(store, ALL, Range(D0, D0 + DAY), rows, LATER)
    (file,) = (tmp_path / "account").rglob("*.parquet")
    sound, named = file.read_bytes(), 0
    for at in range(4, len(sound), len(sound) // 300):
        file.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        try:
            assert rows_of(store.read(ALL, EVER)) == rows
        except StoreError:
            named += 1
    assert named > 100


def test_a_damaged_ledger_is_named(store, tmp_path):
    """An SQLite file that is none is an error that names it."""
    (tmp_path / "account").mkdir()
    (tmp_path / "account" / "ledger.sqlite").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match=r"ledger\.sqlite"):
        store.held(ALL, EVER, now=LATER)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """Where a file stands in the way, the error names the setting that moves the store."""
    (tmp_path / "account").write_text("in the way")
    with pytest.raises(StoreError, match="ISR_HOME"):
        fill(Store(tmp_path / "account"), ALL, Range(D0, D0 + DAY), ROWS, LATER)


selectors = st.tuples(
    st.sampled_from([None, ("a",), ("b",), ("a", "b")]), st.sampled_from(["#", "x", "y/#", "+", "y/z"])
).map(lambda p: Selector(*p))
hours = st.tuples(st.integers(0, 47), st.integers(1, 20)).map(lambda p: Range(D0 + p[0] * HOUR, D0 + sum(p) * HOUR))


@settings(max_examples=60)
@given(st.lists(st.tuples(selectors, hours), min_size=1, max_size=6), selectors, hours)
def test_any_sequence_of_fetches_holds_exactly_what_was_fetched(tmp_path_factory, fetches, wanted, span):
    """After any fetches, fetching what is missing of a selector gives exactly the portal's messages, each once."""
    store = Store(tmp_path_factory.mktemp("s") / "account")
    for selector, window in fetches:
        fill(store, selector, window, ROWS, LATER)
    for selector, window in store.held(wanted, span, now=LATER).missing:
        fill(store, selector, window, ROWS, LATER)
    assert store.held(wanted, span, now=LATER).missing == []
    truth = [row for row in ROWS if span.start <= row[0] < span.end]
    assert rows_of(store.read(wanted, span)) == rows_of(wanted.select(messages_of(truth)))


@settings(max_examples=100)
@given(st.lists(st.tuples(hours, st.integers(0, 60)), max_size=6), st.integers(D0, D0 + 3 * DAY))
def test_the_ledger_remembers_the_latest_fetch_of_each_instant(tmp_path_factory, fetches, at):
    """Overlapping fetches of one selector: each instant belongs to the last of them, and to no other."""
    path = tmp_path_factory.mktemp("l") / "ledger.sqlite"
    with ledger_db(path) as db:
        for number, (span, _) in enumerate(fetches):
            ledger.note(db, ALL, span, number, settle=10 * MINUTE)
        found = [s for s in ledger.spans(db, EVER, ALL) if s.range.start <= at < s.range.end]
    last = [number for number, (span, _) in enumerate(fetches) if span.start <= at < span.end][-1:]
    assert [s.fetched_at for s in found] == last


def ledger_db(path: Path):
    """Open a ledger to write."""
    from isr_analysis import database

    return database.transaction(path, ledger.FORMAT)


def test_parts_name_what_is_in_them(store, tmp_path):
    """The ledger knows each part's clients and topics, so that others need not be opened."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    with ledger_db(tmp_path / "account" / "ledger.sqlite") as db:
        (row,) = db.execute("SELECT clients, topics, rows FROM part").fetchall()
    assert (json.loads(row[0]), json.loads(row[1]), row[2]) == (["a", "b"], ["x", "y/z"], 96)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"PAR1 nonsense")])
def test_a_lost_or_damaged_file_keeps_nothing_else_from_being_put_together(store, tmp_path, harm):
    """Small parts of a day become one without it; it stays where it is, and reading it is an error."""
    for i in range(12):
        fill(store, Selector((f"c{i}",)), Range(D0, D0 + DAY), [(D0 + HOUR, f"c{i}", "x", "1")], LATER)
    first = next(part for path, part in store.files(Selector(("c0",)), EVER))
    harm(tmp_path / "account" / "parts" / first.file)
    store.tidy(Range(D0, D0 + DAY), now=LATER)
    assert store.health().files == 2
    others = Selector(tuple(f"c{i}" for i in range(1, 12)))
    assert len(store.read(others, EVER)) == 11
    with pytest.raises(StoreError, match="refresh=True"):
        store.read(Selector(("c0",)), EVER)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"PAR1 nonsense")])
def test_a_span_with_a_lost_or_damaged_file_can_be_cleared(store, tmp_path, harm):
    """What the file held beside the span counts as never fetched, and nothing is left that cannot be read."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    (file,) = (tmp_path / "account").rglob("*.parquet")
    harm(file)
    store.clear(Range(D0, D0 + HOUR), now=LATER)
    assert store.health().files == 0
    assert len(store.read(ALL, EVER)) == 0
    first, last = ROWS[0][0], max(row[0] for row in ROWS if row[0] < D0 + DAY)
    missing = store.held(ALL, Range(D0, D0 + DAY), now=LATER).missing
    assert missing == [(ALL, Range(first, last + 1))]


def test_what_ends_a_wait_is_not_taken_for_a_failing_lock(store):
    """Who waits for a day's lock and raises, be it an OSError of a progress line, sees just that error."""

    def waiting():
        raise BrokenPipeError("nobody reads the progress")

    with (
        store.fetching(Range(D0, D0 + DAY)),
        pytest.raises(BrokenPipeError),
        store.fetching(Range(D0, D0 + DAY), waiting),
    ):
        pass


def test_a_lock_that_cannot_be_made_is_named(store, tmp_path):
    """Where a folder stands in the way of a lock's file, the error names the setting that moves the store."""
    (tmp_path / "account" / "locks" / f"{D0 // DAY % 64:02}.lock").mkdir(parents=True)
    with pytest.raises(StoreError, match="ISR_HOME"), store.fetching(Range(D0, D0 + DAY)):
        pass


def test_what_a_writer_that_was_killed_left_goes(store, tmp_path):
    """When its day is tidied, and it is old enough to be nobody's."""
    fill(store, ALL, Range(D0, D0 + DAY), ROWS, LATER)
    (kept,) = (tmp_path / "account").rglob("*.parquet")
    left = kept.with_name(f"{kept.name[:10]}-left.tmp")
    left.touch()
    os.utime(left, (0, 0))
    store.tidy(Range(D0, D0 + DAY), now=LATER)
    assert (kept.exists(), left.exists()) == (True, False)


def test_a_part_that_goes_while_it_is_read_doubles_nothing(store, monkeypatch):
    """What was read of the former state is dropped when the new one is read."""
    for client in "ab":
        fill(store, Selector((client,)), Range(D0, D0 + DAY), [row for row in ROWS if row[1] == client], LATER)
    read, tries = parts.read, iter([False, True])

    def replaced_once(*given, **more):
        if next(tries, False):
            raise FileNotFoundError
        return read(*given, **more)

    monkeypatch.setattr(parts, "read", replaced_once)
    assert len(store.decoded(ALL, EVER)) == 96
