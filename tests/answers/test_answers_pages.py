"""What an answer says of the pages after it, and what stands around its rows."""

from __future__ import annotations

import json

import pytest
from pages import AT, NS, ONE, ROW, read, told

from isr_analysis import answers
from isr_analysis.answers import Fields, columns, raw
from isr_analysis.errors import AnswerError


def test_a_last_line_of_csv_that_may_be_cut_is_refused():
    """A bare number without a line end may be half of one; the error says so, and what to do."""
    body = f"time,client_id,topic,payload\n{AT},a,t/x,21".encode()
    with pytest.raises(
        AnswerError, match=r"may be cut: .*\('21'\).*if a saved file is whole, add a line end"
    ) as caught:
        read(body)
    assert "not understood" in str(caught.value)
    assert told(read(body + b"\n")) == [(NS, "a", "t/x", b"21")]


def test_rows_that_differ_in_their_fields_stay_on_the_fast_path(monkeypatch):
    """Fields that only some rows have are columns too, in the order in which they come, and none is read row by row."""
    monkeypatch.setattr(raw, "records", None)
    some = [{}, {"qos": 1}, {"payload_encoding": "json"}, {"odd ` - at `name": None}, {"qos": 2, "client_id": 7}]
    rows = [{**ROW, **one} for one in some * 3]
    table, counts = columns.of_arrays([json.dumps(rows).encode()] * 2)
    assert counts == [15, 15]
    assert list(table) == [*ROW, "qos", "payload_encoding", "odd ` - at `name"]
    assert table["qos"].to_pylist() == [None, b"1", None, None, b"2"] * 6
    assert table["client_id"].to_pylist() == [b'"a"', b'"a"', b'"a"', b'"a"', b"7"] * 6


def test_seq_is_the_order_of_publishing():
    """Newest first is counted backward; one instant alone does not tell."""
    late = {**ROW, "time": "2026-11-01T07:00:00Z"}
    assert (read([ROW, ROW, late]).descending, read([ROW, ROW, late]).messages["seq"].to_pylist()) == (False, [0, 1, 2])
    assert (read([late, ROW, ROW]).descending, read([late, ROW, ROW]).messages["seq"].to_pylist()) == (True, [2, 1, 0])
    assert read([ROW, ROW]).descending is None
    by_client = {c: [{**late, "topic": "t"}, {**ROW, "topic": "t"}] for c in ("a", "b", "c")}
    assert read(by_client).descending is True


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({"next_cursor": "abc"}, {"cursor": "abc"}),
        ({"nextCursor": 17}, {"cursor": "17"}),
        ({"next": "abc"}, {"cursor": "abc"}),
        ({"next_cursor": None}, {}),
        ({"next_cursor": ""}, {}),
        ({"next_cursor": "null", "nextPage": "None"}, {"has_more": False}),
        ({"next_cursor": "0"}, {"has_more": False}),
        ({"next": -1}, {"has_more": False}),
        ({"next_cursor": "10"}, {"cursor": "10"}),
        ({"has_more": 0, "next_cursor": "x"}, {"has_more": False}),
        ({"has_more": "true"}, {"has_more": True}),
        ({"truncated": 1}, {"has_more": True}),
        ({"page": 1, "last": 1}, {"page": 1}),
        ({"meta": {"next_cursor": "abc", "total": 7}}, {"cursor": "abc", "total": 7}),
        ({"pagination": {"cursors": {"after": "x"}}}, {"cursor": "x"}),
        ({"pageInfo": {"endCursor": "x", "hasNextPage": True}}, {"cursor": "x", "has_more": True}),
        ({"pageInfo": {"endCursor": "x", "hasNextPage": False}}, {"has_more": False}),
        ({"next": "https://p/api?cursor=x"}, {"url": "https://p/api?cursor=x"}),
        ({"next": "/api?page=2"}, {"url": "/api?page=2"}),
        ({"links": {"next": "/api?page=2", "self": "/api"}}, {"url": "/api?page=2"}),
        ({"_links": {"next": {"href": "/api?page=2"}}}, {"url": "/api?page=2"}),
        ({"links": [{"rel": "next", "href": "/api?page=2"}, {"rel": "self", "href": "/"}]}, {"url": "/api?page=2"}),
        ({"@odata.nextLink": "https://p/x"}, {"url": "https://p/x"}),
        ({"pageNum": 2, "total": 9}, {"page": 2, "page_name": "pageNum", "total": 9}),
        ({"has_more": True, "next_offset": 20}, {"has_more": True, "next_offset": 20}),
        ({"page": 1, "pages": 3, "per_page": 1}, {"page": 1, "pages": 3, "limit": 1}),
        ({"next_page": 2}, {"next_page": 2}),
        ({"offset": 0, "limit": 1, "total": 9}, {"offset": 0, "limit": 1, "total": 9, "offset_name": "offset"}),
        ({"count": 9}, {"total": 9}),
        ({"count": 1}, {}),
        ({"total": "9"}, {"total": 9}),
        ({"total": 90, "total_is_estimate": True}, {}),
        ({"meta": {"total": 90, "count_type": "estimated"}}, {}),
        ({"total": 9, "approximate": False}, {"total": 9}),
        ({"done": False}, {"has_more": True}),
        ({"is_complete": False}, {"has_more": True}),
        ({"next": {"cursor": "x"}}, {"cursor": "x"}),
        ({"page": {"number": 0, "size": 20, "totalPages": 3}}, {"page": 0, "limit": 20, "pages": 3}),
        ({"next": True}, {"has_more": True}),
        ({"truncated": True}, {"has_more": True}),
        ({"timed_out": True}, {"has_more": True}),
        ({"limit_reached": True}, {"has_more": True}),
        ({"info": {"more_records": True}}, {"has_more": True}),
        ({"isLastPage": False, "nextPageStart": 20}, {"has_more": True, "cursor": "20"}),
        ({"next_after_id": 40}, {"cursor": "40"}),
        ({"page": {"next": {"skip": 20}}}, {"has_more": True, "offset": 20, "offset_name": "skip"}),
        ({"LastEvaluatedKey": {"client_id": "a"}}, {"has_more": True}),
        ({"warnings": ["the result was truncated"]}, {"has_more": True}),
        ({"warning": "partial results"}, {"has_more": True}),
        ({"offset": "itr/rec"}, {"cursor": "itr/rec"}),
        *[({name: "/api?page=2"}, {"url": "/api?page=2"}) for name in ("next_uri", "nextRecordsUrl", "next_page_link")],
    ],
)
def test_notes_on_paging_are_read(notes, expected):
    """Cursors, addresses, counts, page numbers and offsets, beside the rows or nested."""
    page = read({"messages": [ROW], **notes})
    said = {name: getattr(page.paging, name) for name in answers.Paging.__dataclass_fields__}
    told_only = ("cursor_name", "has_more") if "has_more" not in expected else ("cursor_name",)
    assert {name: value for name, value in said.items() if value is not None and name not in told_only} == expected
    assert page.rows == 1


def test_that_nothing_was_cut_does_not_say_that_no_page_follows():
    """A search that kept within its time has further pages all the same."""
    others = {"next_update_at": AT}, {"nextForwardToken": "f"}, {"warnings": ["the clock is off"]}
    for notes in ({"timed_out": False, "partial": False}, *others):
        assert read({"messages": [ROW], **notes}).paging.has_more is None


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ({"next_cursor": "x"}, {"next_cursor": None}),
        ({"truncated": True}, {"truncated": False}),
        ({"next": "/history?client=a&page=2"}, {"next": None}),
    ],
)
def test_a_group_that_has_more_says_so_of_the_answer(cut, whole):
    """Whichever group it is, in a list or by its client; what others say of themselves does not hide it."""
    rows = [{"time": AT, "topic": "t", "payload": 1}]
    for first, second, more in ((cut, whole, True), (whole, cut, True), (whole, whole, None)):
        groups = {"a": {"messages": rows, **first}, "b": {"messages": rows, **second}}
        listed = [{"client_id": name, **group} for name, group in groups.items()]
        assert answers.read_page(json.dumps({"clients": listed}).encode()).paging.has_more is more
        assert answers.read_page(json.dumps({"clients": groups}).encode()).paging.has_more is (more or False)


def test_what_a_payload_says_is_no_note_on_paging():
    """A payload with fields such as next or total does not lead to another page."""
    data = {"next": "abc", "total": 9, "values": [], "more": True}
    for row in ({**ROW, "payload": data}, {"time": AT, "client_id": "a", "data": data}):
        assert read([row], topic="t/x").paging == answers.Paging()


def test_what_stands_around_rows_is_no_part_of_their_payload():
    """InfluxDB 1 numbers its statements, groups have a unit: notes beside the message, not fields of it."""
    tags = {"client_id": "a", "topic": "t/x"}
    series = {"name": "m", "tags": tags, "columns": ["time", "on"], "values": [[AT, True]]}
    for body in (
        {"results": [{"statement_id": 0, "series": [series]}]},
        [{"client_id": "a", "unit": "C", "count": 1, "messages": [{"time": AT, "topic": "t/x", "on": True}]}],
    ):
        page = read(body)
        assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert json.loads(page.messages["extra"][0].as_py()) == {"unit": "C", "count": 1}


def test_a_null_in_a_row_over_which_a_payload_is_spread_is_nothing():
    """A wide table has the columns of every topic in every row: a topic's payload has its own fields only."""
    rows = [
        {"time": AT, "client_id": "a", "topic": "t/x", "on": True, "temp": None, "note": "null"},
        {"time": AT, "client_id": "a", "topic": "t/y", "on": None, "temp": 0, "note": None},
        {"time": AT, "client_id": "a", "topic": "t/z", "on": None, "temp": None, "note": None},
    ]
    found = [{"on": True, "note": "null"}, {"temp": 0}, {}]
    assert [json.loads(one) for *_, one in told(read(rows))] == found
    wide = [row | {f"f{i}": i if row["on"] else None for i in range(300)} for row in rows]
    found[0] |= {f"f{i}": i for i in range(300)}
    assert [json.loads(one) for *_, one in told(read(wide))] == found
    whole = [{**ROW, "payload": {"on": None}}]
    assert json.loads(told(read(whole))[0][3]) == {"on": None}


@pytest.mark.parametrize(
    "body",
    [
        {"_links": {"self": {"href": "/h"}}, "page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}},
        {"cursor": None, "count": 0},
        {"total": 0, "meta": {"took": 3}},
        {"messages": None, "total": 0},
        {"total": 0, "uplinks": [], "filters": [{"name": "a"}]},
        {"hydra:totalItems": 0, "hydra:member": [], "hydra:search": {"hydra:mapping": []}, "hydra:view": {"@id": "/h"}},
        {"@id": "/h", "member": [], "view": {"@id": "/h", "@type": "PartialCollectionView"}},
    ],
)
def test_none_in_number_is_an_empty_page(body):
    """HAL and JSON lines leave out a list of nothing, and say that there is nothing."""
    assert told(read(body)) == []


@pytest.mark.parametrize("body", [{"count": 3}, {"count": 0, "total": 3}, {"count": 0, "stuff": [1]}, {"pages": 0}])
def test_what_does_not_say_that_there_is_nothing_is_no_empty_page(body):
    """Rows that are said to be there, or something that is not understood, are missed."""
    with pytest.raises(AnswerError, match="no rows of messages"):
        read(body)


@pytest.mark.parametrize(
    "at",
    ["/Date(1793514600500)/", "/Date(1793514600500+0100)/", "2026-11-01 07:30:00.5 +0100 CET",
     "2026-11-01 12:00:00.5 +0530 +0530", {"$date": AT}, {"$date": {"$numberLong": "1793514600500"}},
     {"$date": 1793514600500},
     {"seconds": "1793514600", "nanos": 500_000_000}, {"_seconds": 1793514600, "_nanoseconds": 500_000_000}],
)  # fmt: skip
def test_instants_as_programs_write_them(at):
    """Of ASP.NET, Go, MongoDB, protobuf and Firestore; also where the topic stands within another object."""
    assert told(read([{**ROW, "time": at}])) == ONE
    row = {"_id": {"$oid": "0a"}, "metadata": {"client_id": "a", "topic": "t/x"}, "timestamp": at}
    alike = {"time": AT, "topic": "x/y", "value": 1}  # a payload that could itself be a message
    rows = [{**row, "payload": one} for one in (alike, {}, 1)]
    payloads = [json.dumps(alike).encode(), b"{}", b"1"]
    assert told(read(rows)) == [(NS, "a", "t/x", one) for one in payloads]


def test_a_zone_that_the_envelope_names_is_that_of_instants_without():
    """A contract's own zone comes first; an instant that names a zone keeps it; what is no zone counts for nothing."""
    local = {"timezone": "Europe/Zurich", "messages": [{**ROW, "time": "2026-11-01 07:30:00.5"}]}
    assert told(read(local)) == told(read({"meta": {"tz": "Europe/Zurich"}, "rows": local["messages"]})) == ONE
    assert told(read({"timezone": "Europe/Zurich", "messages": [ROW]})) == ONE
    assert told(read({"timezone": "local/../x", "messages": [{**ROW, "time": AT[:-1]}]})) == ONE
    assert told(read({**local, "messages": [{**ROW, "time": AT[:-1]}]}, fields=Fields(time_zone="UTC"))) == ONE


def test_streams_of_lines():
    """Loki: labels around lines that stand behind their nanosecond, with or without labels of their own."""
    stream = {"client_id": "a", "topic": "t/x", "job": "mqtt"}
    values = [[str(NS), '{"on": true}'], [str(NS + 1), "21.5", {"level": "info"}]]
    body = {"status": "success", "data": {"resultType": "streams", "result": [{"stream": stream, "values": values}]}}
    page = read(body)
    assert told(page) == [*ONE, (NS + 1, "a", "t/x", b"21.5")]
    assert json.loads(page.messages["extra"][0].as_py()) == {"job": "mqtt"}


def test_what_a_row_says_of_its_payload_counts():
    """A row may say that its payload is text or base64: then that was published, without the quotes of JSON."""
    rows = [
        {"payload_encoding": "text", "payload": "OK \u00b7 1"},
        {"payload_encoding": "text", "payload": "21.5"},
        {"payload_encoding": "base64", "payload": "AAE="},
        {"payload": {"a": 1}},
        {"payload": "left as it is"},
    ]
    body = [{"time": f"2026-11-01T06:30:0{i}Z", "client_id": "a", "topic": "t", **row} for i, row in enumerate(rows)]
    found = answers.read_page(json.dumps(body).encode()).messages["payload"].to_pylist()
    assert found == ["OK \u00b7 1".encode(), b"21.5", b"\x00\x01", b'{"a": 1}', b'"left as it is"']


def test_groups_of_the_client_that_was_asked_for_are_its_groups():
    """Where rows stand under client and topic, and one client was asked for, its name is no topic."""
    row = {"time": "2026-11-01T00:00:00Z", "payload": 1}
    body = json.dumps({"dev-a": {"t/x": [row], "u": [row]}}).encode()
    found = answers.read_page(body, client_id="dev-a").messages
    assert found["client_id"].to_pylist() == ["dev-a", "dev-a"]
    assert found["topic"].to_pylist() == ["t/x", "u"]
    by_topic = b'{"t/x": [{"time": "2026-11-01T00:00:00Z", "payload": 1}]}'
    assert answers.read_page(by_topic, client_id="dev-a").messages["topic"].to_pylist() == ["t/x"]


@pytest.mark.parametrize(
    "tail", ["", ', "links": []', ', "tags": ["a", "b"]', ', "links": [{"rel": "self", "href": "/x"}]']
)
@pytest.mark.parametrize("head", ["", '"columns": [{"name": "time"}], ', '"note": "[{", '])
def test_lists_before_and_behind_the_rows_change_nothing(head, tail):
    """Rows alike are found between whatever stands around them, with the notes."""
    rows = [
        {"time": f"2026-11-01T00:00:{i:02}Z", "client_id": "a", "topic": "t", "payload": {"v": [i]}} for i in range(9)
    ]
    page = answers.read_page(f'{{{head}"messages": {json.dumps(rows)}{tail}, "next_cursor": "c"}}'.encode())
    assert page.messages["payload"].to_pylist() == [f'{{"v": [{i}]}}'.encode() for i in range(9)]
    assert page.paging.cursor == "c"
    with pytest.raises(AnswerError):
        answers.read_page(f'{{{head}"messages": {json.dumps(rows)}{tail}, "next_cursor": "c"'.encode())


@pytest.mark.parametrize(
    "body", [b'{"code": 500, "msg": "backend down", "data": []}', b'{"errcode":7,"message":"no","rows":[]}']
)
def test_a_failures_code_beside_words_is_no_empty_page(body):
    """Where an envelope states a code that is not good, an empty list is no answer; a good code changes nothing."""
    with pytest.raises(AnswerError, match=r"backend down|no"):
        answers.read_page(body)
    for good in (b'"code": 0, "msg": "none"', b'"code": 200, "msg": "none"', b'"code": 10000, "msg": "success"'):
        assert answers.read_page(b"{" + good + b', "data": []}').rows == 0


NO_ROWS = {
    "a flag that is a number": b'{"ok": 0, "errmsg": "not authorized", "data": []}',
    "a status of HTTP": b'{"status": 403, "message": "add-on not enabled", "messages": []}',
    "a flag of failure": b'{"hasError": true, "errorMessage": "time-out of the database", "items": []}',
    "a result in a word": b'{"result": "failure", "items": []}',
    "a state": b'{"state": "ABORTED", "items": []}',
    "a code of letters": b'{"errorCode": "E1001", "data": []}',
    "a number of an error": b'{"error_code": 17, "data": []}',
    "a code as text": b'{"returnCode": "0099", "returnMessage": "too much is asked", "data": []}',
    "a code in a header": b'{"header": {"code": 17, "message": "too much is asked"}, "data": []}',
    "a warning": b'{"items": [], "warning": "shard 3 unavailable"}',
    "warnings": b'{"items": [], "warnings": ["stations b and c timed out"]}',
    "words of what could not be": b'{"items": [], "message": "can\'t reach the store"}',
    "words of what is not there": b'{"items": [], "note": "The archive is temporarily unavailable"}',
}


@pytest.mark.parametrize("body", NO_ROWS.values(), ids=NO_ROWS)
def test_a_failure_in_whatever_words_is_no_empty_page(body):
    """Where there are no rows, what may be the reason counts."""
    with pytest.raises(AnswerError, match=r"states a failure beside its rows|says that it is not whole"):
        answers.read_page(body)


@pytest.mark.parametrize(
    "beside",
    [
        b'"errorCode": 0, "errorMessage": ""', b'"error_code": "0000", "errmsg": "OK"', b'"state": "FINISHED"',
        b'"failed": 0, "ok": 1', b'"code": 404, "message": "No data found"', b'"warning": "times are of UTC"',
        b'"status": 200, "hasError": false', b'"errorCode": "NONE", "result": "success"',
        b'"message": "could not find any messages"', b'"message": "No messages: the station is down"',
        b'"info": "the newest messages may be delayed"', b'"note": "Late messages can be down to a minute old"',
    ],
)  # fmt: skip
def test_an_envelope_that_states_no_failure_may_be_empty(beside):
    """Neither names of failures that say there is none, nor a code for nothing found, are one."""
    assert answers.read_page(b"{" + beside + b', "data": []}').rows == 0


def test_what_may_be_missing_beside_rows_is_an_error():
    """Part of an answer is no answer."""
    row = b'{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": 1}'
    with pytest.raises(AnswerError, match="shard 3 timed out"):
        answers.read_page(b'{"warnings": ["shard 3 timed out"], "data": [' + row + b"]}")


def test_a_code_beside_rows_is_no_failure():
    """What a portal's own number for success is, nobody knows: rows say that all is well."""
    row = b'{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": 1}'
    assert answers.read_page(b'{"code": 1, "msg": "found", "data": [' + row + b"]}").rows == 1


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ({"code": 500, "message": "a shard is down"}, 1), ({"status": 503}, 1), ({"statusCode": 504}, 1),
        ({"errorMessage": "canceled"}, 1), ({"code": "ERR_DB"}, 0), ({"failed_shards": 1}, 1), ({"degraded": True}, 1),
        ({"unavailableNodes": ["n3"]}, 1), ({"status": "degraded"}, 1), ({"missing": ["dev-b"]}, 1),
        ({"unavailable_clients": ["dev-b"]}, 1), ({"failures": [{"client": "dev-b"}]}, 0), ({"skipped": ["dev-b"]}, 1),
        ({"meta": {"missing_clients": 1}}, 1), ({"partialErrors": ["x"]}, 1), ({"status": 206}, 1),
        ({"downsampled": True}, 1),
    ],
)  # fmt: skip
def test_a_failure_by_a_code_is_none_of_the_rows_words(said, rows):
    """A code of HTTP's, or words of an error, beside some rows or none: they are not all there is."""
    row = {"time": "2026-11-01T00:00:00Z", "client_id": "dev-a", "topic": "t", "payload": 1}
    with pytest.raises(AnswerError, match=r"states a failure beside its rows|says that it is not whole"):
        answers.read_page(json.dumps({**said, "data": [row] * rows}).encode(), content_type="application/json")


@pytest.mark.parametrize(
    "said",
    [
        {"failed_shards": 0},
        {"missing_parts": []},
        {"missing": [], "skipped": 40, "unavailable_clients": None, "meta": {"failed": 0}},
        {"missing_value": "NaN", "aggregated": False, "sampled": 3},
        {"degraded": False},
        {"code": 0, "message": "ok"},
        {"code": 20000},
        {"status": 200},
        {"errorMessage": ""},
    ],
)
def test_a_code_that_all_is_well_is_no_failure(said):
    """Whatever number a framework has for it."""
    row = {"time": "2026-11-01T00:00:00Z", "client_id": "dev-a", "topic": "t", "payload": 1}
    assert answers.read_page(json.dumps({**said, "data": [row]}).encode(), content_type="application/json").rows == 1


def test_rows_of_a_topic_called_missing_are_no_failure():
    """What holds rows says nothing of them."""
    row = {"time": "2026-11-01T00:00:00Z", "payload": 1}
    assert read({"missing": [row], "failed": [row, row]}, client_id="dev-a").rows == 3


def test_a_last_line_that_says_what_is_missing_ends_no_whole_answer():
    """As in an envelope."""
    row = b'{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": 1}'
    with pytest.raises(AnswerError, match="says that it is not whole: failed_clients"):
        answers.read_page(row + b'\n{"type": "end", "failed_clients": ["b"]}', content_type="application/x-ndjson")


@pytest.mark.parametrize("name", ["errors", "failed", "error"])
def test_how_often_a_client_erred_is_no_failure_of_its_history(name):
    """A count in a group of its rows is its own; beside all rows it is of the answer."""
    row = {"time": "2026-11-01T00:00:00Z", "topic": "t", "payload": 1}
    for body in (
        [{"client_id": one, name: 2, "messages": [row]} for one in "ab"],
        {"publishers": [{"client_id": one, name: 2, "topics": [{"topic": "t", "messages": [row]}]} for one in "ab"]},
        {one: {name: 2, "messages": [row]} for one in "ab"},
    ):
        assert answers.read_page(json.dumps(body).encode()).messages["client_id"].to_pylist() == ["a", "b"]
        with pytest.raises(AnswerError, match=r"failure|not whole"):
            answers.read_page(json.dumps({name: 2, "messages": [{"client_id": "a", **row}]}).encode())
