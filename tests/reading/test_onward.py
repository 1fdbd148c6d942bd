"""Reading on by time: any messages, any limit, any order, whichever ends of a range count."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isr_analysis import messages
from isr_analysis.answers import Page, Paging
from isr_analysis.errors import HistoryIncompleteError
from isr_analysis.messages import instants
from isr_analysis.portal.habits import Habits
from isr_analysis.reading.onward import Onward
from isr_analysis.times import DAY, Range

SPAN = Range(20_000 * DAY, 20_001 * DAY)


def table(stored):
    """Give (instant, number) pairs as messages."""
    rows = [
        {"time": at, "client_id": "a", "topic": "t", "payload": b"%d" % n, "seq": i, "source": "history", "extra": None}
        for i, (at, n) in enumerate(stored)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=messages.SCHEMA)


class Asked:
    """A portal in one function; counts the questions."""

    def __init__(self, stored, *, cap, order, start_in, end_in, unit=1000):
        self._stored, self._cap, self._order = stored, cap, order
        self._start_in, self._end_in, self._unit = start_in, end_in, unit
        self.count = 0

    def __call__(self, span):
        self.count += 1
        start = max(span.start - self._unit, 0)  # as asked where it is not known whether the start counts
        found = [
            one for one in self._stored
            if (start <= one[0] if self._start_in else start < one[0])
            and (one[0] <= span.end if self._end_in else one[0] < span.end)
        ]  # fmt: skip
        if self._order == "mixed":
            random.Random(f"{span}").shuffle(found)
        else:
            found.sort(key=lambda one: one[0], reverse=self._order.startswith("down"))
        found = found[-self._cap :] if "last" in self._order else found[: self._cap]
        return Page(table(found), len(found), paging=Paging())

    def read(self, span=SPAN, habits=None, longest=None):
        """Read the span to its end."""
        reader = Onward(
            self, span, unit=lambda: self._unit, longest=longest, habits=habits or Habits(), told=lambda _: None,
            incomplete=HistoryIncompleteError,
        )  # fmt: skip
        parts = [part for part, _ in reader.read(self(span))]
        found = pa.concat_tables([messages.empty(), *parts])
        at = instants(found)
        return found.filter(pa.array((at >= span.start) & (at < span.end)))


stores = st.lists(
    st.tuples(st.integers(-30, 400), st.integers(0, 9)).map(lambda one: (SPAN.start + one[0] * 1000, one[1])),
    max_size=80,
)


@settings(max_examples=300)
@example(stored=[(SPAN.start, 0)] * 3, cap=2, order="down", start_in=False, end_in=False)
@given(
    stored=stores, cap=st.integers(2, 30), start_in=st.booleans(), end_in=st.booleans(),
    order=st.sampled_from(["up", "down", "mixed", "up, the last of them", "down, the last of them"]),
)  # fmt: skip
def test_all_or_an_error(stored, cap, order, start_in, end_in):
    """Never less, never twice: what cannot be proven is an error. Other days show how much the portal gives at once."""
    stored = stored + [(SPAN.start - DAY // 2 + i * 1_000_000, i) for i in range(31)]
    asked = Asked(stored, cap=cap, order=order, start_in=start_in, end_in=end_in)
    expected = Counter(one for one in stored if SPAN.start <= one[0] < SPAN.end)
    try:
        found = asked.read()
    except HistoryIncompleteError:
        dense = Counter(at for at, _ in stored)
        nearby = max((sum(dense[at + i * 1000] for i in range(-1, 3)) for at in dense), default=0)
        assert nearby >= cap / 2
        return
    assert (
        Counter(zip(instants(found).tolist(), [int(p) for p in found["payload"].to_pylist()], strict=True)) == expected
    )


@pytest.mark.parametrize("order", ["up", "down", "mixed"])
def test_a_proof_costs_a_request_or_two_and_later_none(order):
    """The longest answer is known from then on: what is shorter is whole."""
    many = [(SPAN.start + i * 1_000_000, i) for i in range(500)]
    asked = Asked(many, cap=10_000, order=order, start_in=True, end_in=False)
    habits = Habits()
    assert len(asked.read(habits=habits)) == 500
    assert asked.count <= 3
    asked.count = 0
    asked.read(Range(SPAN.start, SPAN.start + 300_000_000), habits)
    assert asked.count == 1


@pytest.mark.parametrize("order", ["up", "down"])
def test_pages_are_not_asked_for_twice(order):
    """10 000 messages, 100 at once: about 100 requests, and no depth of calls."""
    many = [(SPAN.start + i * 1_000_000, i) for i in range(10_000)]
    asked = Asked(many, cap=100, order=order, start_in=True, end_in=True)
    assert len(asked.read()) == 10_000
    assert asked.count <= 105


@pytest.mark.parametrize(("count", "cap", "longest"), [(130, 100, DAY), (130, 1000, DAY), (100, 1000, None)])
def test_an_instant_may_be_cut_where_no_longer_range_shows_that_it_is_whole(count, cap, longest):
    """A round number of messages, and nothing beside them, may be all that the portal gives at once."""
    stored = [(SPAN.start + 5, i) for i in range(count)] + [(SPAN.start - DAY // 2, -1)]
    asked = Asked(stored, cap=cap, order="up", start_in=True, end_in=False)
    if count < cap:
        assert len(asked.read(longest=longest)) == count
    else:
        with pytest.raises(HistoryIncompleteError, match="as many share one instant"):
            asked.read(longest=longest)


@pytest.mark.parametrize("order", ["up", "down"])
def test_a_portal_that_goes_by_another_time_than_is_read_loses_nothing_unseen(order):
    """What it gave of an instant must come again when it is asked from there on: here it shows two seconds more."""
    many = [(SPAN.start + i * 500_000_000, i) for i in range(100)]
    asked = Asked(many, cap=20, order=order, start_in=True, end_in=False)

    class Shifted(Asked):
        def __call__(self, span):
            page = asked(span)
            at = pc.add(page.messages["time"].cast("int64"), 2_000_000_000 if order == "up" else -2_000_000_000)
            return Page(page.messages.set_column(0, "time", at.cast(page.messages["time"].type)), page.rows)

    with pytest.raises(HistoryIncompleteError, match="another time"):
        Shifted(many, cap=20, order=order, start_in=True, end_in=False).read()
