"""JSON lines: the first and the last may be no rows, and say how the rows end."""

from __future__ import annotations

import gzip
import json

import portal_rows
import pytest
from pages import ACCOUNT, AT, NS, ROW, read, told
from portal_odd import MINUTES, Odd, give
from portals import Dialect, Server, connect, serve

import isr_analysis as isr
from isr_analysis.answers import raw
from isr_analysis.errors import AnswerError

OTHER = {**ROW, "time": "2026-11-01T06:30:01.5Z", "payload": 2}


def lines(*objects):
    """Write objects, a line each."""
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


NO_ROWS = [
    {"event": "end", "rows": 2}, {"status": "ok"}, {"status": "complete", "records": 2}, {"eof": True},
    {"statusCode": 200}, {"took": 12, "hits": 2}, {"message": "end of stream"}, {"query": {"id": "7f", "took_ms": 3}},
    {"stats": {"rows": 2}, "elapsed": 0.2, "columns": ["time", "payload"]}, {"note": "2 rows, 0 errors: done"},
]  # fmt: skip


@pytest.mark.parametrize("one", NO_ROWS)
def test_a_first_or_last_line_without_a_field_of_a_row_is_none(one):
    """It speaks of all of them."""
    for body in (lines(ROW, OTHER, one), lines(one, ROW, OTHER), lines(one, ROW, OTHER, one)):
        assert [at for at, *_ in told(read(body))] == [NS, NS + 10**9]


@pytest.mark.parametrize(
    "one",
    [
        {"type": "error", "message": "shard 3"}, {"level": "error", "msg": "x"}, {"code": "INTERNAL", "detail": "lost"},
        {"result": "aborted"}, {"event": "cancelled"}, {"failed": True}, {"message": "query was killed"},
        {"status": 503}, {"info": {"error": "timeout"}}, {"note": "not all of it"},
    ],
)  # fmt: skip
def test_a_last_line_that_states_a_failure_is_one(one):
    """In whatever words: what came before it is not all."""
    with pytest.raises(AnswerError, match=r"breaks off with a failure|has no time|not whole"):
        read(lines(ROW, OTHER, one))


@pytest.mark.parametrize("one", [{"message": "disk almost full"}, {"value": 3}, {"payload": {"on": True}}])
def test_a_last_line_that_may_be_a_row_is_not_passed_over(one):
    """What is not understood is told."""
    with pytest.raises(AnswerError, match="has no time"):
        read(lines(ROW, OTHER, one))


def test_a_last_line_may_say_that_there_is_more():
    """It counts as beside rows elsewhere."""
    for one in ({"truncated": True}, {"partial": True, "rows": 2}, {"status": "ok", "next_page_token": "x"}):
        assert read(lines(ROW, OTHER, one)).paging.has_more or read(lines(ROW, OTHER, one)).paging.cursor == "x"


@pytest.mark.parametrize(
    "one", [{"rows": 0, "status": "ok"}, {"summary": {"records": 0, "took_ms": 3}}, {"messages": 0}]
)
def test_an_object_that_counts_no_rows_has_none(one):
    """Whatever else it says; one that counts some lacks them."""
    assert read(lines(one)).rows == 0
    with pytest.raises(AnswerError, match="no rows of messages"):
        read(json.dumps(one).replace("0", "2").encode())


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "one", [{"status": "ok"}, {"summary": {"rows": None, "took_ms": 3}}, {"event": "end", "n": None}]
)
def test_such_a_line_alone_is_an_answer_without_rows(home, one, pack):
    """As an answer with rows shows; unless it counts some."""

    def told_with(rows):
        return json.loads(json.dumps(one).replace("null", str(rows)))

    def answer(server, asked, _):
        stored = server._in(asked)
        return give(pack(lines(*map(portal_rows.plain, stored), told_with(len(stored)))), content_type="text/plain")

    with serve(Odd(answer)) as origin, connect(origin, home) as portal:
        assert len(isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)) == len(MINUTES)


@pytest.mark.parametrize(
    ("before", "after", "understood"),
    [
        ('{"items": ', "}", True), ('{"code": 0, "msg": "ok", "data": ', "}", True),
        ('{"status": "ok", "data": {"page": 1, "list": ', "}}", True),
        ('{"code": %d, "msg": "?", "data": ', "}", False), ('{"status": "%d", "data": ', "}", False),
        ('{"total": 4, "items": ', "}", False), ('{"next_cursor": "x", "items": ', "}", False),
    ],
)  # fmt: skip
def test_null_in_the_place_of_rows_is_none_of_them_if_days_with_some_show_that_place(home, before, after, understood):
    """As Go writes an empty list; not beside another state, a count of rows or more pages."""

    def answer(server, asked, _):
        stored = [*map(portal_rows.plain, server._in(asked))]
        around = before.replace("%d", str(int(not stored))).replace('"x"', "null" if stored else "2")
        return give(f"{around}{json.dumps(stored or None)}{after}".encode())

    with serve(Odd(answer)) as origin, connect(origin, home) as portal:
        if understood:
            found = isr.load_history(start="2026-10-31", end="2026-11-04", portal=portal)
            assert (len(found), set(isr.coverage(portal=portal)["state"])) == (len(MINUTES), {"settled"})
        else:
            with pytest.raises(AnswerError, match="no rows of messages"):
                isr.load_history(start="2026-10-31", end="2026-11-04", portal=portal)


@pytest.mark.parametrize("pager", ["offset", "page"])
def test_null_on_the_page_behind_the_last_one_is_none_of_the_rows_that_are_counted(home, pager):
    """As Go writes the empty list there; the count is of all pages, and what came has to be as many."""

    def write(rows, notes):
        return json.dumps({"code": 0, "data": rows or None, **notes}).encode(), "application/json", {}

    dialect = Dialect(paging=pager, pager=pager, total="total", cap=500, write=write)
    with serve(Server(dialect, list(MINUTES))) as origin, connect(origin, home) as portal:
        found = isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)
    assert [*found["i"]] == [*range(len(MINUTES))]


def test_such_a_line_alone_that_counts_rows_is_not_taken_for_none(home):
    """The rows that it speaks of are not there."""

    def answer(server, asked, _):
        stored = server._in(asked)
        return give(lines(*map(portal_rows.plain, stored), {"event": "end", "rows": len(stored) or 7}))

    with serve(Odd(answer)) as origin, connect(origin, home) as portal, pytest.raises(AnswerError, match="no rows"):
        isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)


def test_lines_are_not_each_looked_into_for_a_box_that_the_first_does_not_have(monkeypatch):
    """A file of a million lines is read in seconds: that they are no boxes is seen from the first one."""
    seen = []
    known = raw.fields
    monkeypatch.setattr(raw, "fields", lambda value: seen.append(1) or known(value))
    assert len(read(lines(*[ROW | {"payload": n} for n in range(1000)])).messages) == 1000
    assert len(seen) < 50


@pytest.mark.parametrize("published", [{"v": 1}, [1, 2], 3])
@pytest.mark.parametrize("trailer", [b"", b'\n{"next_cursor": null, "count": 1}'])
def test_a_line_is_a_row_where_its_names_tell_less(published, trailer):
    """As the same rows are in a list; one line alone is one where it is said that lines came."""
    rows = [{"id": 7, "at": AT, "device_id": one, "path": f"{ACCOUNT}/{one}/t", "body": published} for one in "ab"]
    for many in (1, 2):
        body = b"\n".join(json.dumps(one).encode() for one in rows[:many]) + trailer
        found = told(read(body, content_type="application/x-ndjson"))
        assert found == told(read(rows[:many]))
        assert [one[1:3] for one in found] == [("a", "t"), ("b", "t")][:many]
