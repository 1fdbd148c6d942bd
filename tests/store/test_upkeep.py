"""What of a store is put together, kept and removed: the decisions."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from isr_analysis.store import upkeep
from isr_analysis.store.ledger import Part
from isr_analysis.times import DAY, HOUR, MINUTE, Range

D0 = 20_000 * DAY
DAY0 = Range(D0, D0 + DAY)


def part(name, rows, *, first=D0, last=D0 + HOUR, size=1000):
    """Make a part of so many messages."""
    return Part(name, first, last, rows, size, frozenset("a"), frozenset("t"))


def merged(sizes, *, settled_until=D0 + 2 * DAY, **more):
    """Give the sizes of the parts that would become one."""
    found = [part(str(i), rows, **more) for i, rows in enumerate(sizes)]
    return sorted(one.rows for one in upkeep.worth_merging(found, DAY0, settled_until=settled_until))


def test_a_day_that_is_over_becomes_one_part_from_eight_on():
    """Whatever their sizes; fewer are left as they are."""
    assert merged([1, 2, 3, 400, 500, 6000, 7]) == []
    assert merged([1, 2, 3, 400, 500, 6000, 7, 8]) == [1, 2, 3, 7, 8, 400, 500, 6000]


def test_today_only_parts_of_one_size_are_put_together():
    """With those that are smaller: so each message is written anew a few times, however often today is looked at."""
    today = D0 + 12 * HOUR
    assert merged([1] * 7 + [100], settled_until=today) == []
    assert merged([1] * 8 + [100], settled_until=today) == [1] * 8
    assert merged([1] * 3 + [100] * 8, settled_until=today) == [1] * 3 + [100] * 8
    assert merged([1] * 3 + [100] * 8 + [1000], settled_until=today) == [1] * 3 + [100] * 8


def test_what_is_large_is_left_alone():
    """In messages or in bytes, all together: a part is read whole."""
    assert merged([20_000] * 7) == []
    assert merged([1] * 8 + [upkeep.SMALL]) == [1] * 8
    assert merged([10] * 9, size=1_000_000) == [10] * 8


@pytest.mark.parametrize(
    "more",
    [{"last": D0 + 12 * HOUR}, {"last": D0 + 13 * HOUR}, {"first": D0 - 1}, {"first": D0 + DAY, "last": D0 + DAY}],
)
def test_what_may_still_change_or_is_of_another_day_is_left_alone(more):
    """Up to the instant from which messages may come."""
    assert merged([1] * 8, settled_until=D0 + 12 * HOUR, **more) == []
    assert merged([1] * 8, settled_until=D0 + 12 * HOUR, last=D0 + 12 * HOUR - 1) == [1] * 8


@pytest.mark.parametrize(
    ("held", "given", "kept_until"),
    [
        ([1, 2, 3], [2, 3], 2),  # the beginning is lacking: the portal has forgotten it
        ([1, 2, 3], [], 10),  # all of it is
        ([1, 2, 3], [2, 3, 4, 4], 2),  # and others came
        ([1, 2, 2, 3], [2, 3], 0),  # one in the middle is lacking, too: this is another answer
        ([1, 2, 3], [2], 0),
        ([2, 3], [2, 3], 0),  # nothing is lacking
        ([2, 3], [1, 2, 3], 0),
        ([], [1], 0),
        ([], [], 0),
    ],
)
def test_what_the_portal_has_forgotten_is_kept(held, given, kept_until):
    """Only where just the beginning of what is held was not given again; any other answer replaces all."""
    found = upkeep.forgotten_until(np.array(held, np.int64), np.array(given, np.int64), Range(0, 10))
    assert found == kept_until


def test_files_of_nobody_are_found(tmp_path):
    """Of the day, old, and not in the ledger: what a writer left that was killed."""
    folder = tmp_path / "2024-10"
    folder.mkdir()
    names = {"2024-10-04-old.parquet": HOUR * 2, ".2024-10-04-old.tmp": HOUR * 2, ".2024-10-04-young.tmp": MINUTE,
             "2024-10-04-known.parquet": HOUR * 2, ".2024-10-05-old.tmp": HOUR * 2}  # fmt: skip
    for name, age in names.items():
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age / 1e9,) * 2)
    left = upkeep.left_over(tmp_path, DAY0, {"2024-10/2024-10-04-known.parquet"})
    assert sorted(left) == ["2024-10/.2024-10-04-old.tmp", "2024-10/2024-10-04-old.parquet"]


def test_a_file_that_goes_while_it_is_looked_at_is_nobodys_concern(tmp_path):
    """Its writer has just given it its name: a link that leads nowhere is such a one."""
    folder = tmp_path / "2024-10"
    folder.mkdir()
    (folder / "2024-10-04-gone.tmp").symlink_to(folder / "renamed")
    assert upkeep.left_over(tmp_path, DAY0, set()) == []
