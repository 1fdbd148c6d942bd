"""Lists of an answer that are no messages: publishers, members, invites."""

from __future__ import annotations

import gzip
import json

import pytest

from isr_analysis import answers
from isr_analysis.answers import read_rows
from isr_analysis.errors import AnswerError


@pytest.mark.parametrize(
    "body",
    [
        [{"client_id": "a", "paused": False}], {"publishers": [{"client_id": "a", "paused": False}], "total": 1},
        {"data": {"items": [{"client_id": "a", "paused": False}]}}, {"a": {"paused": False}},
        {"data": {"a": {"client_id": "a", "paused": False}}},
        {"status": "ok", "things": [{"client_id": "a", "paused": False}]},
        {"columns": ["client_id", "paused"], "rows": [["a", False]]},
        {"data": {"publishers": {"edges": [{"cursor": "x", "node": {"client_id": "a", "paused": False}}]}}},
    ],
)  # fmt: skip
def test_other_lists_are_read_from_every_envelope(body):
    """Publishers, members, invites: rows as Python values."""
    assert answers.read_rows(json.dumps(body).encode()) == [{"client_id": "a", "paused": False}]
    assert answers.read_rows(gzip.compress(json.dumps(body).encode())) == [{"client_id": "a", "paused": False}]


@pytest.mark.parametrize("name", ["publishers", "clients", "stationList", "members"])
def test_an_empty_object_in_the_place_of_a_list_is_one_of_none(name):
    """As of clients by their ids, without any; under a name that is none of a place, it is a client."""
    assert answers.read_rows(json.dumps({name: {}}).encode()) == []
    assert answers.read_rows(json.dumps({name: {}, "meta": {"total": 0}, "links": {}}).encode()) == []
    assert answers.read_rows(b'{"dev-a": {}}') == [{"client_id": "dev-a"}]


def test_a_failure_beside_an_empty_list_is_no_list():
    """However it is stated."""
    for stated in ({"hasError": True}, {"code": 500, "message": "backend down"}, {"state": "FAILED"}):
        with pytest.raises(AnswerError, match="states a failure"):
            answers.read_rows(json.dumps({"items": [], **stated}).encode())
    assert answers.read_rows(b'{"items": [], "code": 200, "message": "ok"}') == []


def test_lists_of_json_api():
    """What stands in attributes is of the row, and the client may stand among its relationships."""
    row = {"type": "publishers", "id": "1", "attributes": {"paused": False}}
    related = {**row, "relationships": {"client": {"data": {"type": "clients", "id": "a"}}}}
    whole = {**row, "attributes": {"client_id": "a", "paused": False}}
    found = [{"type": "publishers", "id": "1", "client_id": "a", "paused": False}]
    assert answers.read_rows(json.dumps({"data": [related]}).encode()) == found
    assert answers.read_rows(json.dumps({"data": [whole]}).encode()) == found


def test_lists_in_other_formats():
    """CSV, JSON lines, bare names, nothing."""
    assert answers.read_rows(b"client_id,paused\na,x\n") == [{"client_id": "a", "paused": "x"}]
    assert answers.read_rows(b'{"email": "a@b"}\n{"email": "c@d"}\n') == [{"email": "a@b"}, {"email": "c@d"}]
    assert answers.read_rows(b'["a", "b"]') == [{"client_id": "a"}, {"client_id": "b"}]
    assert answers.read_rows(b'{"members": []}') == answers.read_rows(b"[]") == []
    assert answers.read_rows(b'{"a": {}}') == [{"client_id": "a"}]


@pytest.mark.parametrize("around", [
    {"_links": {"self": {"href": "/x"}}}, {"_embedded": {}, "_links": {}},
    {"meta": {"total": 0}, "links": {"self": "/x"}},
    {"_links": {"self": {"href": "/x"}}, "page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}},
])  # fmt: skip
def test_what_stands_around_a_list_is_no_client(around):
    """HAL leaves out a list of none; what says neither is not understood."""
    assert answers.read_rows(json.dumps(around).encode()) == []
    with pytest.raises(AnswerError, match="not a list of objects"):
        answers.read_rows(b'{"page": {"number": 1, "size": 20}}')


def test_null_in_the_place_of_a_list_is_one_of_none():
    """So Go writes it; not beside a failure."""
    for body in (b"null", b'{"publishers": null}', b'{"data": {"items": null, "total": 0}}', b'{"members": null}'):
        assert answers.read_rows(body) == []
    for body in (b'{"code": 401, "msg": "no", "data": null}', b'{"items": null, "error": "backend down"}'):
        with pytest.raises(AnswerError, match="states a failure"):
            answers.read_rows(body)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"[1]", b'{"detail": "no"}', b"{", b"x", b"[" * 10_000 + b"]" * 10_000]
)
def test_what_is_no_list_is_refused(body):
    """With what came in the message."""
    with pytest.raises(AnswerError, match="list was not understood"):
        answers.read_rows(body)


@pytest.mark.parametrize(
    "beside", [{}, {"quota": {"left": 4990}}, {"filters": [{"name": "all"}], "missing": 0}, {"failures": []}]
)
def test_a_list_by_hal_is_found_whatever_stands_beside_it(beside):
    """In what is embedded, also where that is none."""
    row = {"client_id": "dev-a", "topic": "x/dev-a/#"}
    for rows in ([row], []):
        assert answers.read_rows(json.dumps({**beside, "_embedded": {"stations": rows}}).encode()) == rows


def test_the_one_list_of_objects_is_that_of_rows_whatever_it_is_called():
    """Beside objects and lists of words."""
    row = {"client_id": "dev-a"}
    assert answers.read_rows(json.dumps({"quota": {"left": 1}, "tags": ["x"], "stations": [row]}).encode()) == [row]


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize(
    "more", [{"topics": ["a", "b"]}, {"topics": []}, {"history_topic_prefix": "x/d/", "tags": ["a"]}]
)
def test_a_client_under_its_name_is_not_taken_for_a_place_of_others(many, more):
    """The topics of a single client were taken for clients."""
    listed = {f"dev-{i}": {"topic": f"x/dev-{i}/#", **more} for i in range(many)}
    for body in (listed, {"publishers": listed}):
        assert [row["client_id"] for row in answers.read_rows(json.dumps(body).encode())] == [*listed]


def test_an_empty_list_beside_that_of_rows_is_not_taken_for_it():
    """Of an envelope with its own messages, say."""
    around = {"success": True, "errors": [], "messages": []}
    assert read_rows(json.dumps({**around, "result": [{"client_id": "a"}]}).encode()) == [{"client_id": "a"}]
    assert read_rows(json.dumps({**around, "result": []}).encode()) == []


@pytest.mark.parametrize("line", [{"count": 2}, {"status": "ok", "took": 3}, {"next_cursor": None}, {"event": "end"}])
def test_a_line_of_a_list_that_is_no_row_is_none(line):
    """The first or the last; what may be a row is one, and a failure is told."""
    rows = [{"user_id": "u1", "email": "a@x.example"}, {"user_id": "u2", "email": "b@x.example"}]
    for lines in ([*rows, line], [line, *rows]):
        assert read_rows("\n".join(map(json.dumps, lines)).encode()) == rows
    other = {"uid": "u3", "mail": "c@x.example"}
    assert read_rows("\n".join(map(json.dumps, [*rows, other])).encode()) == [*rows, other]
    with pytest.raises(AnswerError, match="breaks off with a failure: backend"):
        read_rows("\n".join(map(json.dumps, [*rows, {"error": "backend"}])).encode())
