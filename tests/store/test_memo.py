"""The memo: only ever a short cut."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from isr_analysis import messages, payloads
from isr_analysis.messages import Selector
from isr_analysis.store import memo as memos
from isr_analysis.store import store as stores
from isr_analysis.store.memo import Memo
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, MINUTE, Range

D0 = 20_000 * DAY
DAY0 = Range(D0, D0 + DAY)
ALL = Selector()
SMALL = stores._SMALL


@pytest.fixture(autouse=True)
def _every_part_is_worth_it(monkeypatch):
    """Keep a memo of small parts, too."""
    monkeypatch.setattr(stores, "_SMALL", 0)


@pytest.fixture
def store(tmp_path):
    """Give a store of one day."""
    made = Store(tmp_path / "account")
    rows = [
        {"time": D0 + i * MINUTE, "client_id": "abc"[i % 3], "topic": ["t/x", "t/y", "s"][i % 7 % 3],
         "payload": b'{"v": %d, "n": {"w": "%d"}}' % (i, i), "seq": i, "source": "history", "extra": None}
        for i in range(1000)
    ]  # fmt: skip
    made.commit(ALL, DAY0, [pa.Table.from_pylist(rows, schema=messages.SCHEMA)], fetched_at=D0 + 2 * DAY)
    return made


def files(store):
    """Give the memo's files."""
    return sorted(store.memo._folder.glob("*")) if store.memo._folder.exists() else []


def plain(table):
    """Give a decoded table's rows as Python has them."""
    return table.to_pylist()


def direct(store, selector=ALL, span=DAY0):
    """Decode without a memo."""
    return plain(payloads.decode(store.read(selector, span)))


def no_decoding(monkeypatch):
    """Fail where something is decoded."""

    def decode(_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(payloads, "decode", decode)


def test_the_second_time_nothing_is_decoded(store, monkeypatch):
    """What comes from the memo is what was decoded."""
    wanted = direct(store)
    assert plain(store.decoded(ALL, DAY0)) == wanted
    no_decoding(monkeypatch)
    assert plain(store.decoded(ALL, DAY0)) == wanted


def test_a_day_of_a_thousand_messages_is_decoded_once(store, monkeypatch):
    """A year of a small fleet has such days, and was decoded whole each time."""
    monkeypatch.setattr(stores, "_SMALL", SMALL)
    wanted = plain(store.decoded(ALL, DAY0))
    no_decoding(monkeypatch)
    assert plain(store.decoded(ALL, DAY0)) == wanted


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (ALL, Selector(("a",), "t/x")), (ALL, Selector(None, "t/+")), (ALL, Selector(("a", "c"))),
        (Selector(None, "t/#"), Selector(("b",), "t/#")), (Selector(("b",)), Selector(("b",), "s")),
    ],
)  # fmt: skip
def test_a_wider_memo_answers_narrower_questions(store, monkeypatch, wide, narrow):
    """In any part of the range, with the very rows."""
    span = Range(D0 + 2 * HOUR, D0 + 5 * HOUR)
    wanted = store.read(narrow, span)
    store.decoded(wide, DAY0)
    no_decoding(monkeypatch)
    found = store.decoded(narrow, span)
    for name in ("time", "client_id", "topic", "seq"):
        assert found[name].to_pylist() == wanted[name].to_pylist()


def test_deleting_it_changes_nothing(store):
    """Nor does damaging it, or a folder that cannot be written."""
    wanted = plain(store.decoded(ALL, DAY0))
    (file,) = files(store)
    for harm in (lambda: file.write_bytes(b"ARROW1 nonsense"), lambda: file.write_bytes(b""), file.unlink):
        harm()
        assert plain(store.decoded(ALL, DAY0)) == wanted
    store.memo.clear()
    assert files(store) == []
    store.memo._folder.rmdir()
    store.memo._folder.write_text("in the way")
    assert plain(store.decoded(ALL, DAY0)) == wanted


def test_it_goes_with_its_part(store):
    """A part that is replaced takes its memo along when its file goes."""
    store.decoded(ALL, DAY0)
    store.commit(ALL, DAY0, [store.read(ALL, DAY0)], fetched_at=D0 + 3 * DAY)
    assert len(files(store)) == 1
    store.tidy(DAY0, now=D0 + 4 * DAY)
    assert files(store) == []


def test_another_decoder_decodes_again(store, monkeypatch):
    """What an older version made is not used."""
    store.decoded(ALL, DAY0)
    monkeypatch.setattr(payloads, "DECODER_VERSION", payloads.DECODER_VERSION + 1)
    no_decoding(monkeypatch)
    with pytest.raises(AssertionError, match="decoded again"):
        store.decoded(ALL, DAY0)


def test_what_may_not_have_come_through_a_power_cut_is_not_used(store, monkeypatch):
    """A memo from before the machine's start was never waited for to be on the disk."""
    store.decoded(ALL, DAY0)
    monkeypatch.setattr(memos, "_booted", lambda: time.time() + 1)
    no_decoding(monkeypatch)
    with pytest.raises(AssertionError, match="decoded again"):
        store.decoded(ALL, DAY0)


def test_its_size_is_capped(store):
    """What was not used for longest goes first; what is used stays."""
    selectors = [Selector((one,)) for one in "abc"]
    for age, selector in zip((300, 200, 100), selectors, strict=True):
        before = set(files(store))
        store.decoded(selector, DAY0)
        (new,) = set(files(store)) - before
        os.utime(new, (time.time() - age, time.time() - age))
    oldest = min(files(store), key=lambda path: path.stat().st_mtime)
    small = Memo(store.memo._folder, cap=store.memo.bytes())
    store.memo = small
    store.decoded(ALL, DAY0)
    assert oldest not in files(store)
    assert small._path(next(part for _, part in store.files(ALL, DAY0)), ALL) in files(store)
    assert small.bytes() <= small._cap


def test_one_that_is_open_keeps_no_other_from_going(store, monkeypatch):
    """As on Windows, where a file that is mapped into memory cannot be removed: the cap takes the next one."""
    for age, one in zip((300, 200, 100), "abc", strict=True):
        before = set(files(store))
        store.decoded(Selector((one,)), DAY0)
        (new,) = set(files(store)) - before
        os.utime(new, (time.time() - age, time.time() - age))
    oldest, second, _ = sorted(files(store), key=lambda path: path.stat().st_mtime)
    unlink = Path.unlink

    def refused(path, **more):
        if path == oldest:
            raise PermissionError("in use")
        unlink(path, **more)

    monkeypatch.setattr(Path, "unlink", refused)
    small = Memo(store.memo._folder, cap=store.memo.bytes())
    small._grew = True
    (store.memo._folder / "new.arrow").write_bytes(b"1")
    small.trim()
    assert (oldest.exists(), second.exists()) == (True, False)
    small.clear()
    assert files(store) == [oldest]


def test_what_is_used_counts_as_new(store, monkeypatch):
    """So that the cap takes what nobody uses."""
    monkeypatch.setattr(memos, "_booted", lambda: 0.0)
    store.decoded(ALL, DAY0)
    (file,) = files(store)
    os.utime(file, (time.time() - 7200, time.time() - 7200))
    store.decoded(ALL, DAY0)
    assert file.stat().st_mtime > time.time() - 600


def test_what_a_writer_that_was_killed_left_goes(store):
    """Once it is old enough to be nobody's; what somebody may be writing stays, and so does a memo of any age."""
    store.decoded(Selector(("a",)), DAY0)
    (memo,) = files(store)
    old, young = store.memo._folder / "old.tmp", store.memo._folder / "young.tmp"
    for path, age in ((memo, 7200), (old, 7200), (young, 60)):
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    store.decoded(ALL, DAY0)
    assert (memo.exists(), old.exists(), young.exists()) == (True, False, True)
