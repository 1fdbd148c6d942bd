"""The list of publishers, to its end."""

from __future__ import annotations

import contextlib
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

    def __init__(self, *bodies, status=200):
        self.left = list(bodies)
        self.status = status

    def get(self, path, **_):
        """Give the next."""
        answer = Answer(json.dumps(self.left.pop(0)).encode(), {}, f"https://portal.example{path}", status=self.status)
        return Kept(answer, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), stale=False)


def read(*bodies, status=200):
    """Read the list; gives its rows."""
    answers = Answers(*bodies, status=status)
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
        [
            {"data": ROWS[:3], "pagination": {"next_uri": "/x?c=3"}},
            {"data": ROWS[3:], "pagination": {"next_uri": None}},
        ],
        [{"data": ROWS[:3], "offset": "itr/3"}, {"data": ROWS[3:]}],
        [
            {
                "data": {
                    "all": {"edges": ROWS[:3], "pageInfo": {"hasNextPage": True, "endCursor": "3"}, "totalCount": 5}
                }
            },
            {
                "data": {
                    "all": {"edges": ROWS[3:], "pageInfo": {"hasNextPage": False, "endCursor": "5"}, "totalCount": 5}
                }
            },
        ],
        [{"data": ROWS, "paging": {"cursors": {"after": "5"}}}, {"data": [], "paging": {"cursors": {"after": "5"}}}],
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


@pytest.mark.parametrize(
    "notes",
    [
        {"info": {"more_records": True}},
        {"LastEvaluatedKey": {"client_id": "dev-4"}},
        {"warnings": ["the list was truncated"]},
        {"status": 206},
    ],
)
def test_a_list_that_says_in_its_own_way_that_there_is_more_is_not_whole(notes):
    """Under whatever name: rather an error than publishers that are missing."""
    status = notes.pop("status", 200)
    with pytest.raises(AnswerError, match="there is more"):
        read({"items": ROWS, **notes}, status=status)


def test_what_is_next_under_a_name_of_the_portals_own_is_asked_for_by_that():
    """And if the portal does not know it and gives the same again, the list is not whole."""
    assert read({"items": ROWS[:3], "next_after_id": 3}, {"items": ROWS[3:]}) == ROWS
    with pytest.raises(AnswerError, match="there is more"):
        read(*[{"items": ROWS, "nextPageStart": 5}] * 2)


@pytest.mark.parametrize("total", [1, 2])
def test_last_messages_are_counted_by_publisher(total):
    """One that never published counts; a total of more than there are is not whole."""
    last = {"time": "2026-11-01T00:00:00Z", "topic": "t", "payload": 1}
    body = {"publishers": [{"client_id": "a", "last_message": last}, {"client_id": "b", "last_message": None}]}
    answers = Answers({**body, "total": total + 1})
    with pytest.raises(AnswerError, match="states 3 rows") if total > 1 else contextlib.nullcontext():
        assert len(list(lists.live(answers, Contract(), None, max_age=0))) == 1
