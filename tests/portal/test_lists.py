"""The list of publishers, to its end."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import pytest

from isr_analysis.contract.contract import Contract
from isr_analysis.errors import (
    AnswerError,
    PortalUnavailableError,
    QuestionRefusedError,
    QuotaExhaustedError,
    TokenRefusedError,
)
from isr_analysis.portal import lists
from isr_analysis.portal.responses import Kept
from isr_analysis.portal.wire import Answer

ROWS = [{"client_id": f"dev-{i}"} for i in range(5)]


class Undocumented:
    """What keeps nothing, and knows no document."""

    def __init__(self):
        self.ways, self.doubtful, self.remarks = {}, {}, {}

    def forget(self, path, *, before):
        """Keep nothing."""

    def documented(self, *, away):  # noqa: ARG002
        """Say nothing of lists."""
        return Contract()


class Answers(Undocumented):
    """Gives one body after the other."""

    def __init__(self, *bodies, status=200):
        super().__init__()
        self.left = list(bodies)
        self.status = status
        self.write = lambda body: json.dumps(body).encode()

    def get(self, path, **_):
        """Give the next; there are no others."""
        if not self.left:
            raise QuestionRefusedError("no such page", status_code=404)
        answer = Answer(self.write(self.left.pop(0)), {}, f"https://portal.example{path}", status=self.status)
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


def test_an_empty_page_that_names_another_is_not_the_last():
    """As where a portal reads so many rows of a table, and leaves out those of other accounts."""
    assert read({"items": ROWS[:2], "next": "a"}, {"items": [], "next": "b"}, {"items": ROWS[2:], "next": None}) == ROWS


def test_a_warning_beside_the_first_page_stands_for_all():
    """The last page need not say it again; the list read anew may do without."""
    answers = Answers(
        {"items": ROWS[:3], "next_cursor": "a", "warnings": ["some stations may be missing"]}, {"items": ROWS[3:]}
    )
    path = Contract().publishers
    lists.publishers(answers, Contract(), max_age=0)
    assert "some stations may be missing" in " ".join(lists.caveats(answers, path))
    answers.left = [{"items": ROWS}]
    lists.publishers(answers, Contract(), max_age=0)
    assert not lists.caveats(answers, path)


def test_a_list_that_gives_the_same_whatever_is_asked_and_promises_more_is_an_error():
    """An offset that the portal ignores would lead on for ever."""
    with pytest.raises(AnswerError, match="would not be whole"):
        read(*[{"items": ROWS, "has_more": True, "offset": 0}] * 2)


def test_a_line_behind_the_rows_may_name_the_next_page():
    """As an envelope does."""
    answers = Answers(ROWS, [])
    pages = [[*ROWS[:3], {"next_cursor": "x"}], [*ROWS[3:], {"next_cursor": None}]]
    answers.left = ["\n".join(map(json.dumps, page)) for page in pages]
    answers.write = str.encode
    found = lists.publishers(answers, Contract(), max_age=0)
    assert [row["client_id"] for _, rows in found for row in rows] == [row["client_id"] for row in ROWS]


def test_an_id_that_is_a_level_of_the_topic_is_the_clients():
    """JSON:API has no other name for it."""
    row = {"id": "dev-a", "type": "publisher", "topic": "x/dev-a/#"}
    assert read([row])[0]["client_id"] == "dev-a"
    assert "client_id" not in read([{**row, "id": "17"}])[0]


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


@pytest.mark.parametrize("beside", [{"missing": ["dev-9"]}, {"errors": ["a shard is down"]}, {"status": 503}])
def test_a_list_beside_which_a_failure_stands_is_not_whole(beside):
    """As of a history; what says that there was none is none."""
    with pytest.raises(AnswerError, match=r"states a failure beside its rows|says that it is not whole"):
        read({"items": ROWS, **beside})
    assert read({"items": ROWS, **{name: type(one)() for name, one in beside.items()}}) == ROWS
    assert read({"items": ROWS, "unreachable": 2, "failed_clients": 1}) == ROWS  # how many are in that state


@pytest.mark.parametrize("total", [1, 2])
def test_last_messages_are_counted_by_publisher(total):
    """One that never published counts; a total of more than there are is not whole."""
    last = {"time": "2026-11-01T00:00:00Z", "topic": "t", "payload": 1}
    body = {"publishers": [{"client_id": "a", "last_message": last}, {"client_id": "b", "last_message": None}]}
    answers = Answers({**body, "total": total + 1})
    with pytest.raises(AnswerError, match="states 3 rows") if total > 1 else contextlib.nullcontext():
        assert len(list(lists.live(answers, Contract(), None, max_age=0))) == 1


class Cut(Undocumented):
    """A list that is cut at ten rows without a word, and follows one way to ask for others."""

    def __init__(self, clients, *, live=False, beside=None, **ways):
        super().__init__()
        self.beside = beside or {}
        self.clients, self.live, self.follows, self.asked = clients, live, ways, []

    def get(self, path, *, params=None, **_):
        """Give ten rows, of those that were asked for."""
        self.asked.append(params)
        (name, value), *_ = [*(params or {}).items(), ("", "0")]
        begin, size = self.follows[name](int(value)) if name in self.follows else (0, 10)
        if begin is None:
            raise QuestionRefusedError("no such page", status_code=404)
        rows = [one if isinstance(one, dict) else {"client_id": one} for one in self.clients[begin : begin + size]]
        if self.live:
            said = {"time": "2026-11-01T00:00:00Z", "topic": "t", "payload": len(self.asked)}
            rows = [{**said, **row} for row in rows]
        body = json.dumps({"publishers": rows, **self.beside}).encode()
        return Kept(Answer(body, {}, f"https://x{path}"), dt.datetime(2026, 11, 1, tzinfo=dt.UTC), stale=False)


@pytest.mark.parametrize(
    ("error", "is_word"),
    [
        (QuestionRefusedError("no such parameter", status_code=400), True),
        (AnswerError("no list: there is no such page"), True),
        (PortalUnavailableError("failed", status_code=500), True),
        (PortalUnavailableError("failed", status_code=503), False),
        (PortalUnavailableError("no route to host"), False),
        (QuotaExhaustedError("used up", status_code=429), False),
        (TokenRefusedError("revoked", status_code=401), False),
    ],
)
def test_a_failure_on_the_way_to_the_rest_of_a_list_is_no_word_on_the_list(error, is_word):
    """Only a refusal of how it was asked tells that there is nothing to be had in that way."""

    class Failing(Cut):
        def get(self, path, *, params=None, **_):
            if params:
                raise error
            return super().get(path, params=params)

    answers = Failing([f"dev-{i:02d}" for i in range(10)])
    with contextlib.nullcontext() if is_word else pytest.raises(type(error)):
        assert sum(len(rows) for _, rows in lists.publishers(answers, Contract(), max_age=0)) == 10


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    "way",
    [
        {"offset": lambda n: (n, 10)}, {"skip": lambda n: (n, 10)}, {"page": lambda n: ((n - 1) * 10, 10)},
        {"page": lambda n: (n * 10, 10)}, {"page": lambda n: ((n - 1) * 10 if n < 4 else None, 10)},
        {"limit": lambda n: (0, n)}, {"limit": lambda n: (0, min(n, 20)), "offset": lambda n: (n, 10)}, {},
    ],
)  # fmt: skip
def test_a_list_that_may_have_been_cut_without_a_word_is_asked_for_the_rest(way, live):
    """In the usual ways, by number, by rows before, or by size, and only of a round number of rows.

    What is refused, or not heeded, is asked for once; a size each time, as it shows only later whether it is heeded.
    """
    clients = [f"dev-{i:02d}" for i in range(25 if way else 10)]
    answers = Cut(clients, live=live, **way)

    def clients_of():
        if live:
            found = lists.live(answers, Contract(), None, max_age=0)
            return sorted(one for _, page in found for one in page.messages["client_id"].to_pylist())
        return sorted(row["client_id"] for _, rows in lists.publishers(answers, Contract(), max_age=0) for row in rows)

    assert clients_of() == clients
    answers.asked.clear()
    assert clients_of() == clients
    names = {name for one in answers.asked if one for name in one}
    assert names - {"limit"} == set(way) - {"limit"}
    assert ("limit" in names) is ("limit" in way or not way)
    if not way:
        odd = Cut(clients[:9])
        assert len(lists.publishers(odd, Contract(), max_age=0)[0][1]) == 9
        assert odd.asked == [None]


def test_a_list_that_was_whole_and_has_grown_over_a_limit_is_asked_for_the_rest():
    """It is as long as before; so is one by whose size all was had, until that is over a limit as well."""
    answers = Cut([f"dev-{i:03d}" for i in range(10)], limit=lambda n: (0, min(n, 20)), offset=lambda n: (n, 10))
    for count in (10, 20, 35):
        answers.clients = [f"dev-{i:03d}" for i in range(count)]
        for _ in range(2):
            assert sum(len(rows) for _, rows in lists.publishers(answers, Contract(), max_age=0)) == count


@pytest.mark.parametrize(
    ("count", "is_heeded", "is_doubted"),
    [
        (100, True, False),
        (100, False, True),
        (64, False, True),
        (150, False, True),
        (32, False, False),
        (60, False, False),
    ],
)
def test_a_list_that_is_as_long_as_a_limit_is_doubted_until_the_portal_shows_that_it_counts(
    count, is_heeded, is_doubted
):
    """It has no page behind the rows, or never looked at what was asked; the doubt goes with the list."""
    ways = {"": lambda n: (n, count)} | ({"page": lambda n: (0 if n < 2 else None, count)} if is_heeded else {})
    answers = Cut([f"dev-{i:03d}" for i in range(count)], **ways)
    path = Contract().publishers
    for _ in range(2):
        assert len(lists.publishers(answers, Contract(), max_age=0)[0][1]) == count
        assert bool(lists.doubt(answers, path)) is is_doubted
    answers.clients.pop()
    assert len(lists.publishers(answers, Contract(), max_age=0)[0][1]) == count - 1
    assert not lists.doubt(answers, path)


@pytest.mark.parametrize(
    "way",
    [
        {"offset": lambda n: (n, 10)}, {"skip": lambda n: (n, 10)}, {"page": lambda n: ((n - 1) * 10, 10)},
        {"page": lambda n: ((n - 1) * 10 if n < 4 else None, 10)}, {"limit": lambda n: (0, n)},
    ],
)  # fmt: skip
def test_a_list_that_grows_beyond_what_is_given_at_once_is_whole_again(way):
    """Though nothing led on when it was just as long, or shorter again for a while."""
    everyone = [f"dev-{i:02d}" for i in range(21)]
    answers = Cut(everyone[:10], **way)
    for many in (10, 10, 11, 9, 10, 12, 10, 21):
        answers.clients = everyone[:many]
        answers.asked.clear()
        found = [row["client_id"] for _, rows in lists.publishers(answers, Contract(), max_age=0) for row in rows]
        assert found == everyone[:many]
    assert len(answers.asked) <= 5


@pytest.mark.parametrize("many", [150, 100])
def test_a_list_that_was_shown_to_end_is_not_doubted_later(many):
    """Where a size led to all of it at first, and then, as it has become shorter, to nothing."""
    ways = {"": lambda n: (n, 100), "limit": lambda n: (0, n), "offset": lambda n: (n, 100)}
    answers = Cut([f"dev-{i:03d}" for i in range(150)], **ways)
    for length in (150, many):
        answers.clients = answers.clients[:length]
        assert sum(len(rows) for _, rows in lists.publishers(answers, Contract(), max_age=0)) == length
        assert not lists.doubt(answers, Contract().publishers)


@pytest.mark.parametrize("name", ["client_id", "email", "label"])
def test_rows_are_told_apart_by_their_client_or_else_whole(name):
    """What was seen last changes from page to page; members have no client, and an id that is none tells nothing."""
    rows = [{name: f"dev-{i:02d}", "id": None, "uuid": ""} for i in range(25)]
    answers = Cut(rows, offset=lambda n: (max(n - 1, 0), 10))
    plain = answers.get

    def get(path, **more):
        if name == "client_id":
            answers.clients = [{**row, "last_seen": len(answers.asked)} for row in rows]
        return plain(path, **more)

    answers.get = get
    found = [row[name] for _, part in lists.rows(answers, "/members", max_age=0) for row in part]
    assert found == [row[name] for row in rows]


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("way", [{"offset": lambda n: (n, 10)}, {"page": lambda n: ((n - 1) * 10, 10)}])
def test_last_messages_of_several_topics_and_of_none_are_all_had(way, nested, total):
    """Where a page ends between two topics of a client, and where publishers never published, whose rows count."""
    said = [{"client_id": f"dev-{i // 3}", "topic": f"t/{i % 3}"} for i in range(24)]
    never = [{"client_id": f"new-{i}", "time": None, "topic": None, "payload": None} for i in range(2)]
    rows = [*said[:12], never[0], *said[12:], never[1]]
    if nested:
        last = {"time": "2026-11-01T00:00:00Z", "payload": 1}
        rows = [{"client_id": one["client_id"], "last_message": {**last, **one}} for one in rows]
    answers = Cut(rows, live=not nested, beside={"total": 26} if total else None, **way)
    found = lists.live(answers, Contract(), None, max_age=0)
    whose = [(row["client_id"], row["topic"]) for _, page in found for row in page.messages.to_pylist()]
    assert whose == [(one["client_id"], one["topic"]) for one in said]


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("way", [{"offset": lambda n: (n, 10)}, {"limit": lambda n: (0, min(n, 20))}, {}])
def test_a_list_that_says_only_that_there_is_more_is_asked_for_the_rest(way, honest):
    """In the usual ways, until it says that there is no more; if it never does, it is not whole."""
    clients = [f"dev-{i:02d}" for i in range(17)]
    answers = Cut(clients, **way)
    plain = answers.get

    def get(path, *, params=None, **more):
        kept = plain(path, params=params, **more)
        rows = json.loads(kept.answer.body)["publishers"]
        more_of_it = not honest or not rows or rows[-1]["client_id"] != clients[-1]
        body = json.dumps({"publishers": rows, "has_more": more_of_it}).encode()
        return Kept(Answer(body, {}, "https://x"), kept.fetched_at, stale=False)

    answers.get = get
    whole = contextlib.nullcontext() if way and honest else pytest.raises(AnswerError, match="would not be whole")
    with whole:
        found = lists.publishers(answers, Contract(), max_age=0)
        assert [row["client_id"] for _, rows in found for row in rows] == clients


def test_a_page_that_is_as_long_as_it_says_pages_may_be_is_not_the_last():
    """Where the list repeats limit and offset but no total."""
    clients = [f"dev-{i}" for i in range(7)]
    answers = Cut(clients, offset=lambda n: (n, 3))
    first = [{"client_id": one} for one in clients[:3]]
    plain = answers.get

    def get(path, *, params=None, **more):
        kept = plain(path, params=params, **more)
        body = json.dumps({"limit": 3, "offset": 0, "publishers": first}).encode()
        return kept if params else Kept(Answer(body, {}, "https://x"), kept.fetched_at, stale=False)

    answers.get = get
    found = lists.publishers(answers, Contract(), max_age=0)
    assert [row["client_id"] for _, rows in found for row in rows] == clients
