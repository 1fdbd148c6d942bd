"""Recorded messages beside the history: none lost, none twice, whatever is fetched when."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tracemalloc
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isr_analysis import messages, times
from isr_analysis.errors import StoreError
from isr_analysis.messages import Selector
from isr_analysis.store import doubles, parts
from isr_analysis.store.recorded import Recorded
from isr_analysis.store.store import SETTLE, Store
from isr_analysis.times import Range

S, MIN = times.SECOND, times.MINUTE
T0 = times.instant("2026-11-20T12:00:00")
ALL = Selector()


def table(rows, source=messages.STREAM):
    """Make messages of (seconds, client, topic, payload) rows."""
    made = [
        {
            "time": int(T0 + at * S), "client_id": client, "topic": topic, "payload": payload, "seq": i,
            "source": source, "extra": None,
        }
        for i, (at, client, topic, payload) in enumerate(rows)
    ]  # fmt: skip
    columns = {name: [row[name] for row in made] for name in messages.SCHEMA.names}
    columns["time"] = pa.array(columns["time"], pa.int64()).cast(messages.SCHEMA.field("time").type)
    return messages.in_order(pa.table(columns, schema=messages.SCHEMA))


def seconds(found):
    """Give when the messages were, in seconds."""
    return [(one - T0) / S for one in found["time"].cast(pa.int64()).to_pylist()]


@pytest.fixture
def both(tmp_path):
    """Give an empty history, and what was recorded beside it."""
    return Store(tmp_path), Recorded(tmp_path)


def fetched(history, rows, start, end, at, selector=ALL):
    """Fetch a span of the history, at an instant."""
    history.commit(
        selector, Range(T0 + start * S, T0 + end * S), [table(rows, messages.HISTORY)], fetched_at=T0 + at * S
    )


def test_before_anything_is_fetched_all_that_was_recorded_is_there(both):
    """Recorded messages need no history; a selector chooses among them."""
    history, recorded = both
    recorded.append(table([(1, "a", "t", b"1"), (2, "b", "t", b"2"), (99, "a", "t", b"3")]))
    found = recorded.beside(history, Selector(("a",), "#"), Range(T0, T0 + 60 * S), settle=SETTLE, now=T0)
    assert seconds(found) == [1]
    assert history.held(ALL, Range(T0, T0 + 60 * S), now=T0 + 60 * S).missing != []


def test_where_history_has_settled_it_alone_counts(both):
    """Recorded messages of a settled span are not given, and their parts go."""
    history, recorded = both
    recorded.append(table([(1, "a", "t", b"1"), (2, "a", "t", b"2")]))
    recorded.append(table([(200, "a", "t", b"new")]))
    fetched(history, [(1, "a", "t", b"1"), (2, "a", "t", b"2")], -60, 120, 120 + 600)
    span = Range(T0, T0 + 300 * S)
    found = recorded.beside(history, ALL, span, settle=SETTLE, now=T0 + 900 * S)
    assert seconds(found) == [200]
    assert recorded.health().rows == 1
    assert recorded.unconfirmed.health().rows == 0


def test_where_all_has_settled_nothing_is_beside_it(both):
    """Also where parts cannot go, as the history of their later half has not settled; a range ends before its end."""
    history, recorded = both
    recorded.append(table([(1, "a", "t", b"1"), (100, "a", "t", b"new")]))
    fetched(history, [(1, "a", "t", b"1")], 0, 60, 60 + 600)
    for start, end, found in ((0, 40, []), (0, 100, []), (0, 101, [100]), (100, 101, [100]), (101, 102, [])):
        beside = recorded.beside(history, ALL, Range(T0 + start * S, T0 + end * S), settle=SETTLE, now=T0 + 700 * S)
        assert seconds(beside) == found


def test_what_was_recorded_as_the_settled_history_begins_is_of_that(both):
    """Its first instant is in a range: what history lacks of it is not beside it, and what came before is."""
    history, recorded = both
    recorded.append(table([(59, "a", "t", b"1"), (60, "a", "t", b"2")]))
    fetched(history, [], 60, 120, 120 + 600)
    found = recorded.beside(history, ALL, Range(T0, T0 + 120 * S), settle=SETTLE, now=T0 + 900 * S)
    assert seconds(found) == [59]


def test_nothing_recorded_is_read_where_history_has_settled(both, monkeypatch):
    """A part stays for its other topics; of what is asked for, only the part that is open is read, and what is near."""
    history, recorded = both
    for day in range(4):
        recorded.append(table([(day * 86_400 + i, "a", topic, b"%d" % i) for i in range(3) for topic in "tu"]))
    one = Selector(topic="t")
    fetched(history, [], 0, 3 * 86_400, 5 * 86_400, one)
    read, plainly = [], parts.read
    monkeypatch.setattr(parts, "read", lambda *given, **how: read.append(given[1]) or plainly(*given, **how))
    whole = Range(T0, T0 + 4 * 86_400 * S)
    settled = Range(T0, T0 + 3 * 86_400 * S)
    assert len(recorded.beside(history, one, settled, settle=SETTLE, now=T0 + 5 * 86_400 * S)) == 0
    assert read == []
    assert seconds(recorded.beside(history, one, whole, settle=SETTLE, now=T0 + 5 * 86_400 * S)) == [
        259_200, 259_201, 259_202]  # fmt: skip
    assert {part.first for part in read if part.rows == 6} == {T0 + 259_200 * S}
    assert len(recorded.beside(history, Selector(topic="u"), whole, settle=SETTLE, now=T0 + 5 * 86_400 * S)) == 12


def test_in_the_tail_history_comes_first_and_what_it_lacks_stays(both):
    """Of a span that was just fetched: what history has is not given again; what it does not have yet is."""
    history, recorded = both
    recorded.append(
        table([(10.2, "a", "t", b"1"), (20.2, "a", "t", b"2"), (58.3, "a", "t", b"3"), (61, "a", "t", b"4")])
    )
    fetched(history, [(10, "a", "t", b"1"), (20, "a", "t", b"2")], 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 70 * S), settle=SETTLE, now=T0 + 70 * S)
    assert seconds(found) == [58.3, 61]


def test_the_same_reading_again_and_again_is_counted(both):
    """A state that is published every ten seconds, always the same: each is one message."""
    history, recorded = both
    same = b'{"on": true}'
    recorded.append(table([(at + 0.3, "a", "t", same) for at in range(0, 100, 10)]))
    fetched(history, [(at, "a", "t", same) for at in range(0, 60, 10)], 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert seconds(found) == [60.3, 70.3, 80.3, 90.3]


def test_a_recorder_that_began_just_now_has_not_heard_what_came_before(both):
    """The same reading before the recorder began and after: the later one is not taken for the earlier one."""
    history, recorded = both
    values = [(at, "a", "v", b"%d" % (at * 7)) for at in range(0, 60, 5)]
    rows = sorted([*((at, "a", "t", b"same") for at in range(0, 60, 5)), *values])
    recorded.append(table([(at + 0.4, *rest) for at, *rest in rows if at >= 40]))
    fetched(history, [one for one in rows if one[0] < 50], 0, 50, 50)
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert seconds(found) == [50.4, 50.4, 55.4, 55.4]


def test_clocks_may_differ(both):
    """A recorder whose clock is eight seconds off has no message twice."""
    history, recorded = both
    rows = [(at, "a", "t", b"%d" % (at // 20 * 3)) for at in range(0, 60, 10)]
    rows += [(at + 1, "a", "v", b"%d" % at) for at in range(0, 60, 10)]
    recorded.append(table([(at - 8, *rest) for at, *rest in rows if at > 10]))
    fetched(history, sorted(rows), 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert len(found) == 0


@pytest.mark.parametrize("late", [(9, -8, 2), (15, 15, 15)])
def test_the_same_words_some_seconds_apart_are_not_the_same_message(both, late):
    """Where the two times differ by something else each time, or by too much, they are no two times of one message."""
    history, recorded = both
    rows = [(at, "a", "t", b"%d" % at) for at in (0, 20, 40)]
    fetched(history, rows, 0, 60, 60)
    recorded.append(table([(at + by, *rest) for (at, *rest), by in zip(rows, late, strict=True)]))
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert len(found) == 3


def test_repeats_stay_repeats(both):
    """What was published twice at once is there twice, once from history or twice from it."""
    history, recorded = both
    recorded.append(table([(10.1, "a", "t", b"1"), (10.2, "a", "t", b"1"), (70, "a", "t", b"1"), (70, "a", "t", b"1")]))
    fetched(history, [(10, "a", "t", b"1"), (10, "a", "t", b"1")], 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert seconds(found) == [70, 70]


def test_a_message_of_the_settled_part_takes_no_other_message_s_twin(both):
    """The same state just before what has settled ends, and just after: the later one, not in the history yet, stays.

    A range that begins or ends between the two times of one message does not have it twice.
    """
    history, recorded = both
    recorded.append(table([(-0.5, "a", "t", b"on"), (0.3, "a", "t", b"on"), (59.9, "a", "t", b"off")]))
    fetched(history, [(-0.5, "a", "t", b"on"), (60.1, "a", "t", b"off")], -60, 600, 600)
    for end in (60, 120):
        found = recorded.beside(history, ALL, Range(T0 - 60 * S, T0 + end * S), settle=SETTLE, now=T0 + 600 * S)
        assert seconds(found) == [0.3]


def test_a_portal_that_spells_json_anew_is_understood(both):
    """Other order, blanks and numbers of the same value: the same message."""
    history, recorded = both
    recorded.append(table([(10.1, "a", "t", b'{"b": 1.0, "a": "\xc3\xa9"}'), (11, "a", "t", b"[1, 2]")]))
    fetched(history, [(10, "a", "t", b'{"a":"\\u00e9","b":1}'), (11, "a", "t", b"[1,2.0]")], 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 60 * S), settle=SETTLE, now=T0 + 60 * S)
    assert len(found) == 0


def test_a_portal_that_writes_payloads_in_its_own_way_gives_no_doubles(both):
    """If nothing of a topic agrees, history alone counts up to its last message; other topics are not concerned."""
    history, recorded = both
    recorded.append(table([(at + 0.2, "a", "t", b'{"v": %d}' % at) for at in range(0, 100, 10)]))
    recorded.append(table([(55, "a", "u", b"7")]))
    fetched(history, [(at, "a", "t", b'{"v": %d, "id": 1}' % at) for at in range(0, 60, 10)], 0, 60, 60)
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert seconds(found) == [55, 60.2, 70.2, 80.2, 90.2]


def test_stream_and_live_of_the_same_message_are_one(both):
    """Who recorded the stream and the live answer has each message once."""
    history, recorded = both
    recorded.append(table([(10.2, "a", "t", b"1"), (20.2, "a", "t", b"2")]))
    recorded.append(table([(10, "a", "t", b"1"), (30, "a", "t", b"3")], messages.LIVE))
    found = recorded.beside(history, ALL, Range(T0, T0 + 60 * S), settle=SETTLE, now=T0 + 60 * S)
    assert sorted(seconds(found)) == [10.2, 20.2, 30]


def test_one_client_is_settled_and_another_is_not(both):
    """What was fetched for one client says nothing of another."""
    history, recorded = both
    recorded.append(table([(1, "a", "t", b"1"), (1, "b", "t", b"1")]))
    fetched(history, [], 0, 60, 60 + 600, Selector(("a",), "#"))
    for _ in range(2):
        found = recorded.beside(history, Selector(("a", "b"), "#"), Range(T0, T0 + 60 * S), settle=SETTLE, now=T0)
        assert found["client_id"].to_pylist() == ["b"]


def test_what_was_recorded_before_is_known(both):
    """A recorder that begins again does not record the same live answer again."""
    _, recorded = both
    recorded.append(recorded.unknown(messages.empty()))
    assert recorded.health().files == 0
    first = table([(1, "a", "t", b"1"), (2, "b", "t", b"2")], messages.LIVE)
    recorded.append(first)
    again = table([(1, "a", "t", b"1"), (3, "b", "t", b"3"), (2, "b", "t", b"x")], messages.LIVE)
    assert sorted(seconds(recorded.unknown(again))) == [2, 3]
    assert len(recorded.unknown(first)) == 0


def test_what_is_known_of_months_takes_little_memory(both):
    """A client that was silent for so long is among those whose last message is seen."""
    _, recorded = both
    recorded.append(table([(i, "a", "t", b"%d" % i) for i in range(30_000)]))
    again = table([(1, "a", "t", b"1"), (29_999, "a", "t", b"29999"), (29_999, "b", "t", b"x")], messages.LIVE)
    tracemalloc.start()
    try:
        assert recorded.unknown(again)["client_id"].to_pylist() == ["b"]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000  # bytes
    finally:
        tracemalloc.stop()


def test_small_parts_become_few(both):
    """Hours of recording are some files, not thousands, and not a message less."""
    _, recorded = both
    for i in range(100):
        recorded.append(table([(i, "a", "t", b"%d" % i)]))
        recorded.tidy(Range(T0 // times.DAY * times.DAY, (T0 // times.DAY + 1) * times.DAY), now=T0 + i * S, settle=0)
    assert recorded.health().files < 20
    assert seconds(recorded.read(ALL, Range(T0, T0 + 200 * S))) == list(range(100))


_payload = st.sampled_from([b"1", b'{"on":true}', b'{"on":false}', b"x"])
_event = st.tuples(st.floats(0, 400), st.sampled_from(["a", "b"]), st.sampled_from(["t", "u"]), _payload)


@given(st.lists(_event, max_size=40), st.floats(0, 0.9), st.integers(0, 400))
@example([(0.0, "a", "t", b"1"), (0.75, "a", "t", b"1")], 0.75, 1)
def test_history_and_what_is_beside_it_are_the_whole_truth(events, delay, fetched_until):
    """Whatever is published, with whatever delay, fetched up to whenever: together each message once.

    Of equal messages that follow each other at just the delay nobody can tell which is which: of these none is lacking.
    """
    truth = sorted(events)
    ours = table([(at + delay, *rest) for at, *rest in truth])
    theirs = table([one for one in truth if one[0] < fetched_until], messages.HISTORY)
    left = doubles.alone(theirs, ours)
    kept = [json.dumps([c, t, p.decode()]) for c, t, p in zip(
        *(ours.filter(pa.array(left))[name].to_pylist() for name in ("client_id", "topic", "payload")), strict=True
    )]  # fmt: skip
    had = [json.dumps([c, t, p.decode()]) for c, t, p in zip(
        *(theirs[name].to_pylist() for name in ("client_id", "topic", "payload")), strict=True
    )]  # fmt: skip
    found, wanted = Counter(kept + had), Counter(json.dumps([c, t, p.decode()]) for _, c, t, p in truth)
    assert not wanted - found
    pairs = itertools.combinations(truth, 2)
    if not delay or all(one[1:] != other[1:] or abs(other[0] - one[0] - delay) > 1e-6 for one, other in pairs):
        assert found == wanted


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"PAR1 nonsense")])
def test_what_a_lost_or_damaged_file_says_to_do_helps(both, tmp_path, harm):
    """Nobody gives a recorded message again: the folder goes, and with it the error; the history is untouched."""
    history, recorded = both
    recorded.append(table([(1, "a", "t", b"1")]))
    fetched(history, [(1, "a", "t", b"1")], 0, 60, 60)
    (file,) = (tmp_path / "recorded").rglob("*.parquet")
    harm(file)
    span = Range(T0, T0 + 60 * S)
    with pytest.raises(StoreError, match=re.escape(f"remove the folder {tmp_path / 'recorded'}:")):
        recorded.beside(history, ALL, span, settle=SETTLE, now=T0)
    shutil.rmtree(tmp_path / "recorded")
    assert len(recorded.beside(history, ALL, span, settle=SETTLE, now=T0)) == 0
    assert seconds(history.read(ALL, span)) == [1]


def test_the_same_words_of_another_client_or_topic_are_another_message():
    """Whichever of them the history lacks is the one that is told."""
    heard = table([(at, *place, b"on") for at, place in enumerate(itertools.product("abc", "tu"))])
    for lost in range(len(heard)):
        there = pa.concat_tables([heard.slice(0, lost), heard.slice(lost + 1)])
        for lacks in (doubles.unconfirmed(there, heard, whole=True), doubles.alone(there, heard)):
            assert [i for i, one in enumerate(lacks) if one] == [lost]


def test_of_equal_messages_the_one_that_came_when_it_had_to_is_the_same():
    """With a delay that is known exactly, a state of half a second before is not taken for the one that is there."""
    known = [(i, "a", "t", b"%d" % i) for i in range(5)]
    there = table([*known, (10.5, "a", "t", b"on")], messages.HISTORY)
    recorded = table([*known, (10.0, "a", "t", b"on"), (10.5, "a", "t", b"on")])
    assert doubles.alone(there, recorded).tolist() == [False] * 5 + [True, False]


def test_a_clock_that_is_known_from_the_others_pairs_what_it_can(both):
    """A recorder that is eight seconds late: a message of the fetched end comes after it, and is no other message."""
    history, recorded = both
    rows = [(at, "a", "t", b"%d" % at) for at in range(8, 60, 10)]
    few = [(30, "b", "t", b"x"), (59, "b", "t", b"y")]  # of so few alone nothing is known
    fetched(history, sorted([*rows, *few]), 0, 60, 60)
    new = [(61, "a", "t", b"58"), (61, "b", "t", b"y")]
    recorded.append(table([(at + 8, *rest) for at, *rest in sorted([*rows, *few, *new])]))
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert seconds(found) == [69, 69]


def test_each_client_has_a_delay_of_its_own(both):
    """One whose messages take five seconds more has none of them twice, nor has the other."""
    history, recorded = both
    rows = [(at, client, "t", b"%d" % at) for at in range(38, 60, 10) for client in "ab"]
    fetched(history, rows, 0, 60, 60)
    recorded.append(table([(at + 0.2 + 5 * (client == "b"), client, *rest) for at, client, *rest in rows]))
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert len(found) == 0


@pytest.mark.parametrize("late", [(9,), (9, 9), (7, 7.9, 8.8)])
def test_a_few_equal_words_or_unsteady_ones_tell_of_no_delay(both, late):
    """Once or twice the same, or seconds apart by something else each time: different messages that look the same."""
    history, recorded = both
    rows = [(20 * i, "a", "t", b"%d" % i) for i in range(len(late))]
    fetched(history, rows, 0, 60, 60)
    recorded.append(table([(at + by, *rest) for (at, *rest), by in zip(rows, late, strict=True)]))
    found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
    assert len(found) == len(late)


def test_two_messages_that_history_lacks_are_no_other_spelling_of_it(tmp_path):
    """That nothing of a topic agrees means something of three messages and more, in the history and beside it."""
    for many, others in ((3, 2), (2, 3), (3, 3)):
        history, recorded = Store(tmp_path / f"{many}"), Recorded(tmp_path / f"{many}")
        fetched(history, [(20 + at, "a", "t", b"%d" % at) for at in range(many)], 0, 60, 60)
        recorded.append(table([(10 + at, "a", "t", b"new %d" % at) for at in range(others)]))
        found = recorded.beside(history, ALL, Range(T0, T0 + 200 * S), settle=SETTLE, now=T0 + 100 * S)
        assert len(found) == (0 if many == others else others)


def test_what_is_paired_takes_no_second_one():
    """A repeat half a second later that came late is paired as well, or is there alone where history has no repeat."""
    there = table([(10, "a", "t", b"on"), (10.5, "a", "t", b"on")], messages.HISTORY)
    recorded = table([(10, "a", "t", b"on"), (10.9, "a", "t", b"on")])
    assert not doubles.alone(there, recorded).any()
    assert doubles.alone(there.slice(0, 1), recorded).tolist() == [False, True]
