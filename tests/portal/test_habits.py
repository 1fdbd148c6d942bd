"""What a portal's answers have shown: nothing is lost where several threads note it, and what may change is renewed."""

from __future__ import annotations

import threading
import time

import pytest

from isr_analysis.messages import Selector
from isr_analysis.portal.habits import Habits

ALL = Selector()


class Slow(int):
    """A number that takes a while to compare."""

    def __lt__(self, other):
        time.sleep(0.05)
        return int(self) < int(other)

    def __gt__(self, other):
        time.sleep(0.05)
        return int(self) > int(other)


def together(*jobs):
    """Do jobs at once."""
    threads = [threading.Thread(target=one) for one in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_days_that_are_refused_at_once_leave_the_latest_edge():
    """What one thread notes while another compares is not lost; the words are those of that edge."""
    habits = Habits()
    habits.note_since(ALL, Slow(1), "")
    together(*(lambda since=since: habits.note_since(ALL, Slow(since), str(since)) for since in (3, 2)))
    assert (habits.kept(ALL).since, habits.kept(ALL).words) == (3, "3")


def test_pages_that_come_at_once_leave_the_longest():
    """A shorter one that is noted meanwhile is not taken for the longest."""
    sizes = Habits().sizes
    sizes.note(Slow(1))
    together(*(lambda rows=rows: sizes.note(Slow(rows)) for rows in (30, 20)))
    assert sizes.longest == 30
    assert sizes.note(25) == 30


@pytest.mark.parametrize("refresh", [False, True])
def test_a_download_learns_anew_what_may_have_changed(refresh):
    """Whether ranges are cut, and what is answered; with `refresh` from when on messages are kept, too."""
    habits = Habits(remark="some may be missing", listed=[])
    habits.ranges.are_cut = True
    habits.note_answered(ALL, 100, 1000)
    habits.note_since(ALL, 90, "too old")
    with habits.download(refresh=refresh):
        kept = habits.kept(ALL)
        assert (habits.ranges.are_cut, habits.remark, habits.listed) == (False, "", None)
        assert kept.earliest > 100
        assert (kept.age, kept.since, kept.words) == ((0, 0, "") if refresh else (900, 90, "too old"))


def test_a_download_beside_another_one_goes_by_what_that_learned():
    """As it is of the same portal, at the same time."""
    habits = Habits()
    with habits.download(refresh=False):
        habits.note_since(ALL, 90, "too old")
        with habits.download(refresh=True):
            assert habits.kept(ALL).since == 90
        assert habits.kept(ALL).since == 90
    with habits.download(refresh=True):
        assert habits.kept(ALL).since == 0


def test_how_much_comes_at_once_is_forgotten_after_a_while():
    """All but that any portal gives a few rows."""
    habits = Habits()
    with habits.download(refresh=False):
        habits.sizes.note(500)
        habits.sizes.note_end(500, is_last=True)
    with habits.download(refresh=False):
        assert (habits.sizes.longest, habits.sizes.whole) == (500, 500)
    habits.sizes.sure_until = time.monotonic()
    with habits.download(refresh=False):
        assert (habits.sizes.longest, habits.sizes.whole) == (10, 0)


def test_the_same_is_looked_at_ever_more_rarely():
    """Each of the first six times, then at the eighth, the sixteenth and so on; other things are counted apart."""
    habits = Habits()
    looked = [n for n in range(1, 40) if habits.is_worth_a_look("an end is silent")]
    assert looked == [1, 2, 3, 4, 5, 6, 8, 16, 32]
    assert habits.is_worth_a_look("nothing came")
