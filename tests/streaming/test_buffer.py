"""What stands between a stream and its reader: bounded, in order, and nobody waits for ever."""

from __future__ import annotations

import queue
import threading

import pytest

from isr_analysis.streaming.buffer import Buffer, Gap


def test_a_buffer_never_holds_more_than_its_room():
    """Whatever the sizes: bytes are bounded, nothing is reordered, and kept + dropped is what came."""
    buffer = Buffer(10_000)
    for i in range(1000):
        buffer.put((i, "c", "t", b"x" * (i % 700), i))
        assert buffer._size <= 10_000
    (gap,) = buffer.gaps
    rows = buffer.take(0)
    assert [row[0] for row in rows] == list(range(1000 - len(rows), 1000))
    assert (gap.start, gap.end, gap.lost) == (0, 1000 - len(rows), 1000 - len(rows))
    assert buffer.take(0) == []


def test_the_last_message_is_kept_however_large_it_is():
    """A message that is larger than all the room gives way to the next one alone."""
    buffer = Buffer(10)
    for i in range(2):
        buffer.put((i, "c", "t", b"x" * 100, i))
    assert [row[0] for row in buffer.take(0)] == [1]
    assert [gap.lost for gap in buffer.gaps] == [1]


def test_a_reader_wakes_when_something_comes_or_the_end_does():
    """Waiting ends with a message, with the end, or with an error, once all is read."""
    buffer, other, found = Buffer(1000), Buffer(1000), queue.SimpleQueue()

    def read():
        found.put(len(buffer.take(3600)))
        found.put(other.take(3600))
        found.put(other.take(3600))

    threading.Thread(target=read, daemon=True).start()
    threading.Timer(0.05, buffer.put, [(1, "c", "t", b"", 1)]).start()
    assert found.get(timeout=30) == 1
    threading.Timer(0.05, other.close).start()
    assert [found.get(timeout=30), found.get(timeout=30)] == [[], []]
    assert other.ended
    buffer.put((2, "c", "t", b"", 2))
    buffer.close(RuntimeError("over"))
    assert len(buffer.take(30)) == 1
    with pytest.raises(RuntimeError, match="over"):
        buffer.take(30)


def test_what_was_read_makes_room():
    """Only what waits counts against the room, however much came before: a reader that keeps up misses nothing."""
    buffer = Buffer(10_000)
    for i in range(100):
        for _ in range(2):
            buffer.put((i, "c", "t", b"x" * 1000, i))
        assert len(buffer.take(0)) == 2
    assert buffer.gaps == []


def test_a_reader_that_is_late_all_the_time_has_one_gap():
    """However many messages it takes one by one meanwhile; the next gap begins when it has caught up."""
    buffer = Buffer(1000)
    for i in range(100):
        buffer.put((i, "c", "t", b"x" * 200, i))
        if i % 10 == 9:
            assert len(buffer.take(0, 1)) == 1
    (gap,) = buffer.gaps
    rest = len(buffer.take(0))
    assert (gap.start, gap.lost) == (0, 100 - 10 - rest)
    for i in range(100, 105):
        buffer.put((i, "c", "t", b"x" * 200, i))
    assert [one.start for one in buffer.gaps] == [0, 100]


def test_an_error_is_not_lost_behind_an_ordinary_end():
    """The stream is closed after its login ended: whoever reads on is told all the same."""
    buffer = Buffer(1000)
    buffer.put((1, "c", "t", b"", 1))
    buffer.close(RuntimeError("over"))
    buffer.close()
    assert len(buffer.take(0)) == 1
    assert not buffer.ended
    with pytest.raises(RuntimeError, match="over"):
        buffer.take(0)


def test_gaps_come_by_their_start():
    """Also where what was dropped is older than a break that was noted before."""
    buffer = Buffer(10)
    buffer.put((1, "c", "t", b"", 1))
    buffer.note(Gap(5, 9, "connection", None))
    buffer.put((10, "c", "t", b"", 2))
    assert [(gap.start, gap.reason) for gap in buffer.gaps] == [(1, "reader"), (5, "connection")]
