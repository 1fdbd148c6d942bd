"""Answers of every plausible envelope: bytes in, messages out."""

from __future__ import annotations

import json

import pytest
from pages import ACCOUNT, AT, BARE, NS, ONE, PATH, ROW, read, told

from isr_analysis import answers, messages
from isr_analysis.errors import AnswerError

ENVELOPES = [
    [ROW],
    {"messages": [ROW]},
    {"anything": [ROW], "status": "ok"},
    {"data": {"history": {"rows": [ROW]}}, "errors": []},
    {"data": {"messages": {"edges": [{"cursor": "c", "node": ROW}], "pageInfo": {"hasNextPage": False}}}},
    {"hits": {"total": {"value": 1}, "hits": [{"_index": "m", "_id": "1", "_source": {
        "@timestamp": AT, "client": {"id": "a"}, "topic": "t/x", "payload": {"on": True}}, "sort": [1]}]}},
    {"hits": {"total": {"value": 1}, "hits": [{"_index": "i", "_source": ROW}]}},
    {"a": [{"time": AT, "topic": "t/x", "payload": {"on": True}}]},
    b'{"meta": {"version": 1}}\n' + json.dumps(ROW).encode() + b'\n{"_summary": {"rows": 1}}\n',
    json.dumps(json.dumps({"messages": [ROW]})).encode(),
    {"t/x": [{"time": AT, "client_id": "a", "payload": {"on": True}}]},
    {"data": {"a": {"t/x": [BARE]}}},
    {"data": {"a": {"t/x": [BARE], "t/y": []}, "b": {}}},
    {f"{ACCOUNT}/a/t/x": [BARE]},
    {"data": {f"{ACCOUNT}/a/t/x": BARE}},
    {"groups": [{"client_id": "a", "topic": "t/x", "rows": [BARE]}, {"client_id": "b", "topic": "t", "rows": []}]},
    [{"client_id": "a", "topics": {"t/x": [BARE]}}],
    [{"topic": PATH, "messages": [BARE]}],
    {"client_id": "a", "topic": "t/x", "messages": [BARE]},
    {"client_id": "a", "topic": "t/#", "messages": [ROW]},
    {"device": {"client_id": "a", "label": "x"}, "messages": [{**BARE, "topic": "t/x"}]},
    {"clients": [{"id": "a", "topics": [{"topic": "t/x", "messages": [BARE]}]}]},
    {"topics": [{"name": PATH, "messages": [BARE]}]},
    {"data": [{"type": "message", "id": "1", "attributes": ROW}], "links": {"next": None}},
    {"columns": ["time", "client_id", "topic", "payload"], "rows": [list(ROW.values())]},
    {"columns": [{"name": name} for name in ROW], "data": [list(ROW.values())]},
    {"columns": ["client_id", "topic", "payload"], "index": [AT], "data": [["a", "t/x", {"on": True}]]},
    {"schema": {"fields": [{"name": name} for name in ROW]}, "data": [ROW]},
    {name: [value] for name, value in ROW.items()},
    {"data": {name: [value] for name, value in ROW.items()}},
    [list(ROW), list(ROW.values())],
    {"results": [{"series": [{"tags": {"topic": "t/x", "client_id": "a"}, "columns": ["time", "on"],
                              "values": [[AT, True]]}]}]},
    ROW,
    {"data": ROW},
    {"publishers": [{"client_id": "a", "created_at": AT}], "messages": [ROW]},
    [{"message": ROW}],
    [{"id": 7, "publisher": {"client_id": "a", "label": "x"}, "message": {**BARE, "topic": "t/x"}}],
    [{"meta": {"time": AT, "client_id": "a", "topic": "t/x"}, "payload": {"on": True}}],
    [{"device": {"id": "a"}, "topic": "t/x", "timestamp": AT, "payload": {"on": True}}],
    {"data": [{"type": "m", "id": "7", "attributes": {"time": AT, "topic": "t/x", "payload": {"on": True}},
               "relationships": {"client": {"data": {"type": "c", "id": "a"}}}}]},
    {"series": [{"client_id": "a", "topic": "t/x", "values": [[NS // 10**6, {"on": True}]]}]},
    {"series": {PATH: [[NS // 10**6, {"on": True}]]}},
    {"a": {"t/x": [[AT, {"on": True}]]}},
    {"data": {"result": [{"metric": {"client_id": "a", "topic": "t/x"}, "values": [[NS / 10**9, '{"on": true}']]}]}},
    {"metric": {"__name__": "on", "client_id": "a", "topic": "t/x"}, "values": [True], "timestamps": [NS // 10**6]},
    {"entities": [{"entityId": "a", "entityType": "D", "index": [AT], "attributes": [
        {"attrName": "topic", "values": ["t/x"]}, {"attrName": "on", "values": [True]}]}]},
    {"success": True, "data": json.dumps([ROW])},
    {"d": json.dumps({"messages": [ROW]})},
    {"meta": [{"name": name} for name in ROW], "data": [list(ROW.values())], "rows": 1},
    {
        "results": {
            "A": {
                "frames": [
                    {
                        "schema": {
                            "fields": [
                                {"name": "time"},
                                {"name": "payload", "labels": {"client_id": "a", "topic": "t/x"}},
                            ]
                        },
                        "data": {"values": [[NS // 10**6], ['{"on": true}']]},
                    }
                ]
            }
        }
    },
]  # fmt: skip


@pytest.mark.parametrize("body", ENVELOPES)
def test_rows_are_found_in_every_envelope(body):
    """Arrays, objects under any name, groups by client and topic, columns beside values."""
    page = read(body, account_id=ACCOUNT)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert page.rows == 1
    assert page.accounts <= {ACCOUNT}


@pytest.mark.parametrize(
    "body",
    [
        [], {"messages": []}, {"data": {"rows": []}}, {"data": {}}, {"data": {"a": []}}, {"messages": None, "total": 0},
        {"columns": ["time", "topic"], "rows": []}, {"time": [], "client_id": [], "topic": [], "payload": []},
        {"results": [{"statement_id": 0}]}, {"messages": [], "warnings": [{"at": AT, "text": "slow"}]},
        {"messages": None, "next": ""}, {"messages": None, "has_more": False}, {"nextPageToken": ""}, {"type": "end"},
        {"_links": {"self": {"href": "/h"}}, "page": {"number": 1, "totalPages": 1, "totalElements": 10}},
        b'{"meta": {"version": 1}}\n{"_summary": {"rows": 0}}\n',
    ],
)  # fmt: skip
def test_an_empty_place_for_rows_is_a_page_of_none(body):
    """No messages, the same schema."""
    page = read(body)
    assert page.messages.equals(messages.empty())
    assert page.rows == 0
    assert page.descending is None


FEW = json.dumps([ROW, ROW]).encode()
DOUBLED = [(FEW, FEW), (FEW, b"[]")]
NO_NAMES = [{}, {"a": 1}, [], True]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        ({}, "no rows"),
        ([1], "number 1"),
        (b'"x"', "neither JSON nor CSV"),
        (b"17", "neither JSON nor CSV"),
        (b"null", "neither JSON nor CSV"),
        ({"detail": "slow down"}, "slow down"),
        ({"error": {"message": "no such thing"}}, "no such thing"),
        ({"messages": [{"a": 1}]}, "fields a"),
        ({"messages": None}, "fields messages"),
        ({"messages": None, "next": "abc"}, "fields messages"),
        ({"messages": None, "message": "slow", "next": ""}, "fields messages"),
        ({"total": 7, "next": None}, "fields total"),
        ({"ok": True}, "fields ok"),
        (b"<?xml version='1.0'?><messages/>", "XML came"),
        ({"hits": {"hits": [ROW]}, "_shards": {"total": 2, "failed": 1}}, "not all parts .*failed"),
        ({"hits": [], "_shards": {"total": 2, "failed": 1}}, "not all parts .*failed"),
        (
            {
                "schema": {"fields": [{"name": name} for name in ROW]},
                "data": {"values": [[one] for one in ROW.values()], "nanos": [[7]]},
            },
            "do not belong to milliseconds",
        ),
        (b"Service Unavailable", "Service Unavailable"),
        ([{"time": "x"}], "no instant|holds an instant"),
        ([{**ROW, "time": None}], "instant"),
        ([ROW, None], "null stands where an object should"),
        ([ROW, [1]], "where an object should"),
        ([ROW, {**ROW, "time": None}], "row 2 .*no time"),
        ([ROW, {"client_id": "a", "topic": "t", "payload": 1}], "row 2 .*no time"),
        ([ROW, {**ROW, "time": "yesterday"}], "row 2.*'yesterday'"),
        ([{**ROW, "time": 10**20}], "out of range|no instant"),
        ([{**ROW, "topic": "t/x"}, {**BARE, "topic": "t/x"}], "row 2 .*names no client"),
        ([{"time": AT, "topic": "t/x", "payload": 1}], "row 1 .*names no client"),
        ([{"time": AT, "client_id": "a", "payload": 1}], "topic"),
        ([{"time": AT, "client_id": "a", "topic": "t"}], "payload"),
        ({"messages": [ROW], "errors": [{"message": "shard down"}]}, "shard down"),
        ({"messages": [], "status": "error"}, "error"),
        ([{"client_id": "a", "rows": [ROW]}, {"client_id": "b", "rows": [], "error": "shard down"}], "shard down"),
        ({"success": False, "message": "sorry", "data": []}, "sorry"),
        ({"timestamp": AT, "status": 500, "error": "Oops", "path": "/api/v1"}, "Oops"),
        ({"columns": ["time", "topic"], "rows": [[AT]]}, "1 values for 2"),
        ({"time": [AT, AT], "client_id": ["a"]}, "differ in length"),
        ([{**ROW, "payload_encoding": "base64", "payload": "?"}], "said to be base64"),
        ([{**ROW, "client_id": "\ud800"}], "no text"),
        *((b'{"messages": %s, "n": 1, "messages": %s}' % one, "two members 'messages'") for one in DOUBLED),
        (
            b'[%s, "topic": "%s/#"}]' % (json.dumps(ROW)[:-1].encode(), ACCOUNT.encode()),
            "two members 'topic' that differ",
        ),
        (b'[%s, "payload": 1}]' % json.dumps(ROW)[:-1].encode(), "two members 'payload' that differ"),
        *(([ROW, {**ROW, name: one}], "row 2 .*no name") for name in ("client_id", "topic") for one in NO_NAMES),
        (b'{"client_id": "a", "topic": "t", "time": null, "x": []}\n' + json.dumps(ROW).encode(), "row 1 .*no time"),
        (b"time,client_id,topic,payload\n" + AT.encode() + b",a,t\n", "3 cells"),
        (b"time,client_id,topic,payload\n" + AT.encode() + b',a,t,"x\n', "quote"),
        (b"time,time,topic,payload\n1,2,3,4\n", "twice"),
        (b"#datatype,string,long\n,error,reference\n,failed to parse,897\n", "failed to parse"),
        (b"\xff\xfe\xfd", "not utf-16"),
        (b"\x89PNG\r\n\x1a\n\xff", "neither JSON nor text"),
    ],
)
def test_what_was_not_understood_is_shown(body, says):
    """The error says what came and what to do; it is never an empty page."""
    with pytest.raises(AnswerError, match=f"(?s){says}.*ISR_CONTRACT"):
        read(body)


def test_a_page_of_html_is_no_answer_of_which_a_contract_file_makes_one():
    """Login pages, proxies and other services: the error says where to look."""
    with pytest.raises(AnswerError, match=r"Sign in.*ISR_PORTAL_ORIGIN") as caught:
        read(b"<!doctype html><title>Sign in</title>")
    assert "ISR_CONTRACT" not in str(caught.value)


def test_nanoseconds_may_stand_beside_milliseconds():
    """As Grafana's frames have them."""
    values = [[NS // 1_000_000] * 2, ["a", "a"], ["t", "t"], [1, 2]]
    body = {"schema": {"fields": [{"name": name} for name in ROW]},
            "data": {"values": values, "nanos": [[17, 0], None, None, None]}}  # fmt: skip
    assert [one[0] - NS // 1_000_000 * 1_000_000 for one in told(read(body))] == [17, 0]


def test_levels_of_a_topic_may_be_names_within_names():
    """As trees of topics have them; an account above them is that, whoever else's it may be."""
    rows = [{"ts": "2026-11-01T00:00:00Z", "payload": 1}]
    tree = {"a": {"telemetry": {"temp": rows}}, "b": {"x": rows, "state": {"relay": {"1": rows}}}}
    found = answers.read_page(json.dumps({ACCOUNT: tree}).encode())
    whose = zip(found.messages["client_id"].to_pylist(), found.messages["topic"].to_pylist(), strict=True)
    assert list(whose) == [("a", "telemetry/temp"), ("b", "x"), ("b", "state/relay/1")]
    assert found.accounts == {ACCOUNT}
    whole = [{"client_id": "a", "topic": "t", **rows[0]}]
    other = ACCOUNT.replace("1", "2")
    assert answers.read_page(json.dumps({ACCOUNT: whole, other: whole}).encode(), account_id=ACCOUNT).accounts == {
        ACCOUNT, other,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "topics"),
    [
        ({"telemetry": {"rf/a": 1}, "state": {"x/1": 1}}, ["telemetry/rf/a", "state/x/1"]),
        ({"2026-11-20": {"telemetry/rf": 1}, "2026-11-21": {"telemetry/rf": 1}}, ["telemetry/rf", "telemetry/rf"]),
    ],
)
def test_below_a_client_first_levels_of_topics_and_days_are_no_clients(body, topics):
    """Though whole topics, or the rest of them, stand below these; a day is no level of a topic either."""
    rows = [{"ts": "2026-11-20T00:00:00Z", "payload": 1}]
    inner = {name: dict.fromkeys(below, rows) for name, below in body.items()}
    found = answers.read_page(json.dumps({"isr-shack-01": inner}).encode()).messages
    assert found["client_id"].to_pylist() == ["isr-shack-01", "isr-shack-01"]
    assert found["topic"].to_pylist() == topics


def test_the_name_of_a_place_for_rows_is_no_topic():
    """Where something else stands beside it, and one client was asked for."""
    row = {"time": "2026-11-01T00:00:00Z", "payload": 1}
    series = {"Datastream": {"id": 7, "name": "t/x"}, "dataArray": [["2026-11-01T00:00:00Z", 20.1]]}
    for body in ({"channel": {"id": 7}, "feed_items": [row]}, {"documents": [row]}, {"value": [series, series]}):
        with pytest.raises(AnswerError, match="no field of the rows holds a topic"):
            answers.read_page(json.dumps(body).encode(), client_id="a")
    lists = [{"site": {"id": 7}, name: series["dataArray"]} for name in ("temp", "hum")]
    page = answers.read_page(json.dumps({"value": lists}).encode(), client_id="a")
    assert page.messages["topic"].to_pylist() == ["temp", "hum"]


def test_rows_under_an_unknown_name_are_of_the_topic_that_was_asked_for():
    """The name of their place is no topic, if the portal was asked for one."""
    body = b'{"verlauf": [{"time": "2026-11-01T06:30:00Z", "payload": {"on": true}}]}'
    page = answers.read_page(body, client_id="dev-a", topic="state/relay")
    assert page.messages["topic"].to_pylist() == ["state/relay"]
    assert answers.read_page(body.replace(b"verlauf", b"x"), client_id="dev-a").messages["topic"].to_pylist() == ["x"]


def test_a_member_that_comes_twice_with_one_value_is_read():
    """As a join of tables has it; and one that is no message's own does not matter."""
    row = json.dumps({"id": 1, **ROW})[:-1].encode()
    assert told(read(b'[%s, "id": 2, "client_id": "a"}]' % row)) == ONE


@pytest.mark.parametrize("name", ["latest", "first_message", "last", "previous", "publishers"])
def test_what_is_shown_beside_a_list_of_messages_is_no_further_one(name):
    """One of them again, or one before them, or whose they are; by itself it may be the rows."""
    one = {**ROW, "time": "2026-10-31T00:00:00Z"}
    for shown in (one, [one]):
        assert read({"messages": [ROW, ROW], name: shown}).rows == 2
        assert read({"data": {"messages": [], name: shown}}).rows == 0
    assert read({name: [ROW, ROW]}).rows == 2
    assert read({"client_id": "a", name: [ROW], "topics": {"t/y": [ROW]}}).rows == 2
