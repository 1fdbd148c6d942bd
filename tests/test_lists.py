"""The list of publishers, to its end."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from isr_analysis.errors import AnswerError
from isr_analysis.portal import lists
from isr_analysis.portal.contract import Contract
from isr_analysis.portal.responses import Kept
from isr_analysis.portal.wire import Answer

ROWS = [{"client_id": f"dev-{i}"} for i in range(5)]


class Answers:
    """Gives one body after the other."""

    def __init__(self, *bodies):
        self.left = list(bodies)

    def get(self, path, **_):
        """Give the next."""
        answer = Answer(json.dumps(self.left.pop(0)).encode(), {}, f"https://portal.example{path}")
        return Kept(answer, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), stale=False)


def read(*bodies):
    """Read the list; gives its rows."""
    answers = Answers(*bodies)
    found = [row for _, rows in lists.publishers(answers, Contract(), max_age=0) for row in rows]
    assert not answers.left
    return found


@pytest.mark.parametrize(
    "bodies",
    [
        [{"content": ROWS, "totalPages": 1, "number": 0, "last": True, "totalElements": 5}],
        [{"items": ROWS, "page": 0, "pages": 1, "has_more": False}],
        [{"_embedded": {"publishers": ROWS}, "page": {"number": 0, "totalPages": 1, "totalElements": 5}}],
        [
            {"items": ROWS[:3], "page": 1, "pages": 2, "total": 5},
            {"items": ROWS[3:], "page": 2, "pages": 2, "total": 5},
        ],
        [{"results": ROWS, "count": 5, "next": None}],
    ],
)
def test_a_list_is_read_to_the_end_that_it_states(bodies):
    """What says that it is the last is the last, however pages are numbered."""
    assert read(*bodies) == ROWS


def test_a_list_shorter_than_it_states_is_no_list():
    """Rather an error than publishers that are missing without a word."""
    with pytest.raises(AnswerError, match=r"states 9 rows of .* and gave 5"):
        read({"items": ROWS, "total": 9})


def test_a_list_whose_pages_name_each_other_for_ever_is_an_error():
    """A next page that was read before is not asked for again."""
    with pytest.raises(AnswerError, match="would not be whole"):
        read(*({"items": ROWS[:1], "next_cursor": "ab"[i % 2], "answer": i} for i in range(20)))
