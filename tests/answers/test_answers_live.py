"""Live answers: whose and what the last messages are, in every shape and under whatever names."""

from __future__ import annotations

import json

import pytest
from pages import ACCOUNT, AT, BARE, NS, ONE, PATH, ROW, live, read, told

from isr_analysis import messages
from isr_analysis.answers import read_live
from isr_analysis.errors import AnswerError

LAST = {"time": AT, "topic": PATH, "payload": {"on": True}}


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


def test_how_many_publishers_are_in_a_state_is_no_failure():
    """Nor are a client's own counts; which clients are not in the answer is one."""
    row = {"client_id": "a", "last_topic": PATH, "last_payload": {"on": True}, "last_seen_at": AT}
    assert told(live({"items": [row], "online": 1, "unreachable": 2, "meta": {"failed_publishers": 3}})) == ONE
    message = {"time": AT, "topic": PATH, "payload": {"on": True}}
    assert told(live({"clients": [{"client_id": "a", "skipped_messages": 4, "messages": [message]}]})) == ONE
    with pytest.raises(AnswerError, match="unreachable"):
        live({"items": [row], "unreachable": ["b"]})


def test_when_a_row_was_changed_is_not_when_its_publisher_was_seen():
    """In whichever order the two stand; alone, it is the one time there is."""
    last = {"client_id": "a", "last_topic": PATH, "last_payload": {"on": True}}
    changed, seen = {"updated_at": "2026-11-03T00:00:00Z"}, {"last_seen_at": AT}
    for row in ({**last, **changed, **seen}, {**seen, **changed, **last}):
        assert told(live([row])) == ONE
    assert told(live([{**last, "updated_at": AT}])) == ONE


@pytest.mark.parametrize("name", ["value", "message", "data"])
def test_the_login_of_a_publisher_is_no_part_of_its_message(name):
    """Beside the message or around it, as its label and state are; in a message it is what a station says of itself."""
    row = {"client_id": "a", "label": "L", "username": "pub-1", "online": True}
    said = {"time": AT, "topic": "t/x", name: 7}
    assert told(live([{**row, **said}])) == told(live([{**row, "last": said}])) == [(*ONE[0][:3], b"7")]
    published = {"username": "hb9xyz", "value": 7}
    assert json.loads(told(live([{**row, "time": AT, "topic": "t/x", "payload": published}]))[0][3]) == published


@pytest.mark.parametrize("name", ["last_message", "last_data"])
def test_the_last_message_may_be_when_it_came_or_what_it_was(name):
    """A number of no year is what it was, though a text of digits is an instant elsewhere."""
    row = {"client_id": "a", "topic": "t/x"}
    for published in (7, "7"):
        assert told(live([{**row, "timestamp": AT, name: published}])) == [(*ONE[0][:3], b"7")]
    assert told(live([{**row, name: AT, "payload": {"on": True}}])) == ONE


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


@pytest.mark.parametrize(
    "body",
    [
        [{"client_id": "a", "label": "x", "paused": False, "last_seen": AT, "last_message": LAST}],
        [{"client_id": "b", "last_seen": None, "last_message": None}, {"client_id": "a", "last_message": LAST}],
        {"publishers": [{"client_id": "a", "topic": f"{ACCOUNT}/a/#", "last_seen": AT, "last_message": LAST}]},
        {"a": LAST, "b": None},
        {"a": {"t/x": [AT, {"on": True}]}, "b": {}, "c": None},
        {"as_of": AT, "publishers": {"a": {"t/x": [NS // 1_000_000, {"on": True}]}}},
        {"live": {PATH: [AT, {"on": True}]}},
        {"data": {"a": {"label": "x", "last_message": LAST}, "b": {"label": "y", "last_message": None}}},
        {"a": {"client_id": "a", "online": True, "last": LAST}},
        [{"client_id": "a", **LAST}, {"client_id": "b", "time": None, "topic": None, "payload": None}],
        [{"client_id": c, "last_topic": t, "last_payload": p, "last_message_at": at, "last_seen": "2026-11-02"}
         for c, t, p, at in (("a", "t/x", {"on": True}, AT), ("b", None, None, None))],
        [{"client_id": "a", "topics": {"t/x": BARE}}, {"client_id": "b", "topics": {}}],
        [{"client_id": "a", "messages": [{**BARE, "topic": "t/x"}]}, {"client_id": "b", "messages": []}],
        [{"client_id": "a", "message": {"topic": "t/x", "payload": {"on": True}}, "last_seen": AT}],
        {"a": {"t/x": BARE}, "b": {}},
        {"a": {"status": "online", "last": {"t/x": {"ts": AT, "value": {"on": True}}}}},
        [{"client_id": "a", "ip": "::1", "last_message": '{"on": true}', "last_message_topic": "t/x",
          "last_message_at": AT}],
        LAST,
        {"items": [{"id": "a", "name": "Shack", "last_message": {**LAST, "topic": "t/x"}}]},
        b"client_id,label,time,topic,payload\na,x," + AT.encode() + b',t/x,"{""on"": true}"\nb,y,,,\n',
    ],
)  # fmt: skip
def test_live_answers_of_every_shape(body):
    """Lists, objects keyed by client, nested or flat, one a client or one a topic; who never published has none."""
    page = live(body, account_id=ACCOUNT)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert set(page.messages["source"].to_pylist()) == {"live"}


@pytest.mark.parametrize(
    "body",
    [[], {}, b"null", {"publishers": []}, {"a": None}, [{"client_id": "a", "last_message": None}], {"publishers": {}},
     {"publishers": [{"client_id": "a", "topic": f"{ACCOUNT}/a/#", "last_seen": None, "last_payload": None}]}],
)  # fmt: skip
def test_nobody_published_is_a_page_of_none(body):
    """The publishers are there, their messages are not."""
    assert live(body).messages.equals(messages.empty())


def test_what_the_portal_says_of_a_publisher_is_extra():
    """Label, pause and the like do not become part of the payload."""
    (extra,) = (
        live([{"client_id": "a", "label": "x", "paused": True, "last_message": LAST}]).messages["extra"].to_pylist()
    )
    assert json.loads(extra) == {"label": "x", "paused": True}
    flat = {"client_id": "a", "topic": "t", "time": AT, "temp": 1, "online": True, "label": "x"}
    page = live([flat])
    assert told(page)[0][3] == b'{"temp":1}'
    assert json.loads(page.messages["extra"][0].as_py()) == {"online": True, "label": "x"}


def test_a_live_answer_without_topics_is_read():
    """One message a publisher, of a topic that the portal does not say."""
    assert told(live([{"client_id": "a", "last_seen": AT, "last_payload": 1}])) == [(NS, "a", "", b"1")]


def test_live_with_a_payload_but_no_time_is_refused():
    """A message without an instant is not left out in silence."""
    with pytest.raises(AnswerError, match="no time"):
        live([{"client_id": "a", "topic": "t", "time": None, "payload": 1}, {"client_id": "b", **LAST}])


def test_when_a_publisher_was_made_is_no_message():
    """A publisher that never published has no message, alone or beside others, whenever it was registered."""
    never = {"client_id": "b", "last_topic": None, "last_payload": None, "last_message_at": None, "created_at": AT}
    there = {"client_id": "a", "last_topic": "t/x", "last_payload": {"on": True}, "last_message_at": AT}
    assert told(live([never])) == []
    assert told(live([{"client_id": "b", "last_message": None, "created_at": AT}])) == []
    page = live([never, {**there, "created_at": "2026-01-01T00:00:00Z"}])
    assert told(page) == ONE
    assert json.loads(page.messages["extra"][0].as_py()) == {"created_at": "2026-01-01T00:00:00Z"}
    seen = {"client_id": "a", "topic": "t/x", "payload": {"on": True}, "created_at": "2026-01-01", "last_seen": AT}
    assert told(live([seen])) == told(live([{**BARE, "created_at": "2025", "client_id": "a", "topic": "t/x"}])) == ONE
    assert told(live([{"client_id": "a", "topic": "t/x", "payload": {"on": True}, "created_at": AT}])) == ONE
    with pytest.raises(AnswerError, match="no time"):
        live([there, {**there, "last_message_at": None, "created_at": AT}])


def test_publishers_by_their_ids_none_of_whom_published_have_no_messages():
    """As in an account that is new; what says more than that is no such answer."""
    for said in (None, {}, {"last_message": None}, {"label": "Mast", "last_message": {}}, {"last_seen": None}):
        assert told(live({"publishers": {"a": said, "b": said}, "meta": {"total": 2}})) == []
    assert told(live({"a": {"last_message": None, "label": "Mast"}, "info": {"total": 1}})) == []
    for other in ({"value": 5}, {"last_message": {"blob": 5}}, {"last_message": 5}, "queued"):
        for body in ({"a": {"last_message": None}, "b": other}, {"publishers": {"a": None, "b": other}}):
            with pytest.raises(AnswerError, match="not understood"):
                live(body)
    with pytest.raises(AnswerError, match="not understood"):
        live({"job": {"finished_at": None}})


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"error": {"message": None}}}, {"data": {"viewer": None}}, {"result": {"status": None, "time": None}},
        {"error": {"last_message": None}}, {"detail": {"last": None}}, {"result": {"job": {"updated_at": None}}},
        {"devices": {"a": None}, "items": {"a": None}},
        *({"publishers": {"a": None}, **said} for said in ({"error": "down"}, {"success": False}, {"failed": ["b"]})),
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_of_publishers_is_no_answer_without_messages(body):
    """Nor is one beside which a failure stands."""
    with pytest.raises(AnswerError):
        live(body)


def test_what_follows_publishers_none_of_whom_published_is_read():
    """Others may be on the next page."""
    assert live({"publishers": {"a": None}, "next_cursor": "x"}).paging.cursor == "x"
    assert live({"a": {"last_message": None}, "meta": {"next_cursor": "x"}}).paging.cursor == "x"


@pytest.mark.parametrize("name", ["last_messages", "latestValues", "by_topic"])
def test_the_name_of_a_place_for_topics_is_no_level_of_them(name):
    """What holds a publisher's topics may be called so; no topic begins with it."""
    row = {"client_id": "a", "online": False, name: {"t/x": {"received_at": AT, "payload": {"on": True}}}}
    assert told(live([row])) == told(live({"a": row})) == ONE


def test_what_stands_around_an_account_is_no_client():
    """The name under which accounts are listed is neither a client nor a level of topics."""
    assert told(live({"accounts": {ACCOUNT: {"a": {"t/x": BARE}}}})) == ONE
    assert told(live({"accounts": {ACCOUNT: {"a": {"t/x": BARE}}}}, account_id=ACCOUNT)) == ONE


def test_how_long_ago_a_publisher_was_seen_is_no_instant():
    """Seconds ago are not of 1970, whatever their name; an instant beside them counts, and nought is that of nobody."""
    row = {"client_id": "a", "topic": "t/x", "payload": {"on": True}, "last_seen_seconds": 90.5}
    assert told(live([{**row, "last_seen": AT}])) == ONE
    with pytest.raises(AnswerError, match=r"no field of the rows holds an instant.*last_seen_seconds"):
        live([row, {**row, "last_seen_seconds": 0}])
    seen = {"client_id": "b", "topic": "t/y", "payload": 1, "last_seen": NS // 1_000_000}
    never = {"client_id": "a", "topic": "", "payload": None, "last_seen": 0}
    assert [one[1] for one in told(live([never, seen]))] == ["b"]


def test_empty_texts_in_the_place_of_all_are_of_a_publisher_that_never_published():
    """A row without instant, topic and payload; one of an empty payload that has them is a message."""
    row = {"client_id": "a", "topic": "t/x", "payload": "", "last_seen": AT}
    never = {"client_id": "b", "topic": "", "payload": "", "last_seen": ""}
    assert [one[1:3] for one in told(live([row, never]))] == [("a", "t/x")]
    with pytest.raises(AnswerError, match="no time"):
        live([row, {**never, "topic": "t/x"}])


@pytest.mark.parametrize(
    "first", [0, "0", 0.0, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "1970-01-01T00:00:00.000Z"]
)
@pytest.mark.parametrize("name", ["ts", "time", "last_seen"])
def test_the_first_of_instants_is_of_a_publisher_that_never_published(name, first):
    """As languages write a time that was never set; with a payload it is a message of a device without a clock."""
    row = {
        "client_id": "a",
        "topic": "t/x",
        "payload": 1,
        name: NS // 1_000_000 if isinstance(first, float | int) else AT,
    }
    for topic in ("", None):
        never = {"client_id": "b", "topic": topic, "payload": None, name: first}
        assert [one[1] for one in told(live([row, never]))] == ["a"]
        assert [one[1] for one in told(live([never, row]))] == ["a"]
    if first == 0:
        assert [one[:2] for one in told(live([{**row, "topic": "t/x", name: 0}]))] == [(0, "a")]


def test_a_failure_in_the_place_of_publishers_is_told_in_its_words():
    """Not only by the names of its fields."""
    with pytest.raises(AnswerError, match="states a failure: backend timeout"):
        live({"success": False, "message": "backend timeout"})


def test_what_stands_around_clients_and_their_topics_is_no_client():
    """Whatever the place is called, beside what the portal says of it."""
    assert told(live({"as_of": AT, "snapshot": {"a": {"t/x": BARE}}})) == ONE
    assert [one[1] for one in told(live({"now": {"a": {"t/x": BARE}, "b": {"t/x": BARE}}}))] == ["a", "b"]


def test_a_payload_spread_under_its_topic_is_a_message_whatever_its_fields():
    """One that has a value is not the only one."""
    spread = {"a": {"t/x": {"on": True, "_ts": AT}}, "b": {"t/x": {"value": 1, "_ts": AT}}}
    assert told(live(spread)) == [(NS, "a", "t/x", b'{"on":true}'), (NS, "b", "t/x", b'{"value":1}')]


def test_topics_without_instants_of_their_own_are_refused():
    """When the publisher was last seen is not when each of them was published; they are no payload."""
    with pytest.raises(AnswerError, match="topics in 'topics' have no instants of their own"):
        live([{"client_id": "a", "last_seen": AT, "topics": {"t/x": {"on": True}, "t/y": 1}}])


def test_when_the_last_payload_came_says_more_than_when_its_publisher_was_seen():
    """In whichever order the two stand; a payload itself is no time."""
    last = {"client_id": "a", "topic": "t/x", "last_payload": {"on": True}}
    seen, came = {"last_seen": "2026-11-03T00:00:00Z"}, {"last_payload_at": AT}
    assert told(live([{**last, **seen, **came}])) == told(live([{**last, **came, **seen}])) == ONE
    assert told(live([{"client_id": "a", "topic": "t/x", "payload": "2026-11-05", "time": AT}]))[0][0] == NS


def test_no_publisher_is_lost_beside_one_that_has_a_value():
    """Keyed by client or topic, with payloads spread: those beside the message that shows itself are messages too."""
    value, other = {"ts": AT, "value": 1}, {"ts": AT, "temp": 2}
    for keyed in (lambda one: one, lambda one: {"telemetry": {"x": one}}, lambda one: {"heartbeat": one}):
        found = told(live({"a": keyed(value), "b": keyed(other), "c": {}, "d": None}))
        assert [(one[1], json.loads(one[3])) for one in found] == [("a", {"value": 1}), ("b", {"temp": 2})]
    around = {"a": {"t/x": {"ts": AT, "payload": {"on": True}}}, "server": {"time": AT, "version": "1"}}
    assert told(live(around)) == ONE


@pytest.mark.parametrize("will", ["last_will", "will", "lwt", "status_message"])
@pytest.mark.parametrize("first", [True, False])
def test_a_last_will_is_not_the_last_message(will, first):
    """It has a topic and a payload, and was not published yet."""
    left = {will: {"topic": f"{ACCOUNT}/a/status", "payload": "offline"}}
    last = {"last_message": {"topic": PATH, "time": AT, "payload": {"on": True}}}
    row = {"client_id": "a", **left, **last} if first else {"client_id": "a", **last, **left}
    assert told(live({"publishers": [row]})) == ONE


@pytest.mark.parametrize("will", ["last_will", "will", "lwt"])
def test_a_last_will_alone_is_no_message(will):
    """What the publisher said when it was seen is not in the answer."""
    row = {"client_id": "a", "last_seen": AT, will: {"topic": PATH, "payload": "offline"}}
    with pytest.raises(AnswerError, match="payload"):
        live({"publishers": [row]})


def test_a_publisher_whose_message_could_not_be_had_is_not_left_out_without_a_word():
    """Where its row states a failure; one that is away or never published may say that in the same place."""
    quiet = {"client_id": "b", "time": None, "topic": None, "payload": None}
    for said in (None, "", "no messages yet", "never published", "device offline", 2):
        assert len(live([{**ROW, "error": None}, {**quiet, "error": said}]).messages) == 1
        keyed = {"a": {"last_message": ROW, "stats": {"error": "E5"}}, "b": {"last_message": None, "error": said}}
        assert len(live(keyed).messages) == len(live({"publishers": keyed}).messages) == 1
    with pytest.raises(AnswerError, match=r"row 2 .*has no message and states error: .*timeout"):
        live([ROW, {"client_id": "b", "error": "timeout"}])
    for lost in ({"error": "timeout"}, {"last_message": None, "error": {"code": 504}}):
        for body in ({"a": ROW, "b": lost}, {"publishers": {"a": {"last_message": ROW}, "b": lost}}):
            with pytest.raises(AnswerError, match=r"'b' has no message and states error: .*(?:timeout|504)"):
                live(body)


@pytest.mark.parametrize(
    "state", [{"status": "error"}, {"status": "degraded"}, {"errors": 2}, {"unavailable": ["gps"]}]
)
@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize("place", ["flat", "last_message", "messages"])
def test_the_state_of_a_client_under_its_name_is_no_failure_of_the_answer(state, many, place):
    """As in a row: it has a message, beside which its own state stands."""
    message = {"topic": "state/relay", "timestamp": "2026-11-01T06:30:00Z", "payload": {"on": True}}
    inside = message if place == "flat" else {place: message if place == "last_message" else [message]}
    body = {f"dev-{i}": {**state, **inside} for i in range(many)}
    for whole in (body, {"publishers": body}):
        page = read_live(json.dumps(whole).encode())
        assert page.messages["client_id"].to_pylist() == [*body]
        assert page.messages["payload"].to_pylist() == [b'{"on": true}'] * many


@pytest.mark.parametrize(
    ("name", "age"),
    [
        ("age_seconds", 90), ("last_seen_seconds_ago", 90.0), ("ageMs", 90_000), ("seconds_since_last_message", "90"),
        ("idle_minutes", 1.5), ("last_seen_s", 90), ("last_message_age_ms", 90_000),
    ],
)  # fmt: skip
def test_messages_may_be_told_by_how_long_ago_they_were(name, age):
    """As of the moment of the answer: also within the message, and beside ages and times of other things."""
    row = {"client_id": "a", "registered_at": "2026-01-01T00:00:00Z", "connected_seconds_ago": 4000}
    message = {"topic": PATH, "payload": {"on": True}, name: age}
    for body in ([{**row, **message}], {"items": [{**row, "last_message": message}], "now": AT}):
        page = live(body, answered_at=NS + 90 * 10**9)
        assert page.aged
        assert told(page) == ONE
    assert told(live([{**row, **message}, {"client_id": "b", name: None}], answered_at=NS + 90 * 10**9)) == ONE


def test_an_age_counts_only_where_nothing_else_tells_the_time():
    """Nor is it known of when it is, if the answer has no date; and a payload may have an age of its own."""
    row = {"client_id": "a", "topic": PATH, "payload": {"on": True}, "age_seconds": 7}
    page = live([{**row, "time": AT}], answered_at=NS + 90 * 10**9)
    assert told(page) == ONE
    assert not page.aged
    with pytest.raises(AnswerError, match="no field of the rows holds an instant"):
        live([row])
    spread = {"client_id": "a", "topic": PATH, "time": AT, "age": 7}
    assert json.loads(told(live([spread], answered_at=NS))[0][3]) == {"age": 7}


def test_a_message_may_stand_in_a_field_as_the_text_of_its_json():
    """All of it, with its time; a payload that has a time of its own is no such message."""
    message = json.dumps({"topic": PATH, "timestamp": AT, "payload": {"on": True}})
    never = {"client_id": "b", "online": False, "raw": None}
    assert told(live([{"client_id": "a", "online": True, "raw": message}, never])) == ONE
    assert told(read([{"id": 1, "message": message}, {"id": 2, "message": message}])) == ONE * 2
    payload = json.dumps({"ts": AT, "value": 1, "unit": "W"})
    with pytest.raises(AnswerError, match="no field of the rows holds an instant"):
        live([{"client_id": "a", "topic": PATH, "payload": payload}])
    timed = {"time": "2026-11-02T00:00:00Z", "client_id": "a", "topic": PATH, "message": message}
    assert told(live([timed]))[0][3] == message.encode()
