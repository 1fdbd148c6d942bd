"""Whose and what the last messages of a live answer are, under whatever names."""

from __future__ import annotations

from pages import ACCOUNT, AT, BARE, NS, ONE, PATH, live, told


def test_what_is_of_the_last_message_is_the_same_of_any():
    """A live answer may say of time, topic and payload alike that they are the last message's."""
    row = {"client_id": "a", "connected_at": "2026-10-01T00:00:00Z", "registered_at": "2026-01-01T00:00:00Z"}
    last = {"last_message_at": AT, "last_message_topic": PATH, "last_message_payload": {"on": True}}
    never = {**row, "client_id": "b", **dict.fromkeys(last)}
    assert told(live({"items": [{**row, **last}, never]})) == ONE
    latest = {"latest_time": AT, "latest_topic": PATH, "latest_payload": {"on": True}}
    assert told(live([{**row, **latest}])) == ONE
    value = {"clientId": "a", "lastTopic": "t/x", "lastValue": {"on": True}, "lastValueAt": AT}
    assert told(live({"items": [value]})) == ONE


def test_a_publisher_beside_its_last_message_is_whose_it_is():
    """However deep the message lies; what it is called is no client."""
    publisher = {"client_id": "a", "label": "L", "topic": f"{ACCOUNT}/a/#"}
    for last in ({"message": BARE | {"topic": "t/x"}}, {"latest": {"message": BARE | {"topic": "t/x"}}}):
        assert told(live({"result": {"live": [{"publisher": publisher, "last": last}]}})) == ONE


def test_a_message_of_null_is_one():
    """If its topic is said and when it came; a pattern, or a topic alone, is of a publisher that never published."""
    seen = {"client_id": "a", "topic": "t/x", "last_seen": AT, "payload": None}
    never = {**seen, "client_id": "b", "last_seen": None}
    assert told(live([seen, never])) == [(*ONE[0][:3], b"null")]
    assert told(live([{**seen, "topic": f"{ACCOUNT}/a/#"}])) == []


def test_a_record_is_no_client_where_the_client_is_its_key():
    """Its number is the message's; and what stands with the message is its payload, spread, without a prefix."""
    record = {"id": 7, "published_at": AT, "mqttTopic": "t/x", "payload": {"on": True}}
    assert told(live({"a": record, "b": {**record, "id": 8}})) == [ONE[0], (NS, "b", *ONE[0][2:])]
    spread = {"client_id": "a", "label": "L", "last_message": {"time": AT, "topic": "t/x", "value": 1.5, "chan": 3}}
    assert told(live([spread])) == [(NS, "a", "t/x", b'{"value":1.5,"chan":3}')]
