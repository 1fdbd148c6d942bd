"""What the fields of a row mean: topic, client and payload."""

from __future__ import annotations

import base64
import json

import pytest
from pages import ACCOUNT, AT, BARE, NS, ONE, OTHER, PATH, ROW, live, read, told

from isr_analysis.answers import Fields
from isr_analysis.errors import AnswerError


def test_a_name_that_comes_twice_in_a_payload_is_the_devices_own():
    """Its payload stays as it was published."""
    payload = b'{"text": "a text of some length", "text": "another text of some length", "text": 1}'
    row = json.dumps({**ROW, "payload": 0}).encode()[:-2] + payload + b"}"
    for body in (b"[" + row + b"]", b'{"messages":[' + row + b"]}", row, row + b"\n" + row):
        assert {one[3] for one in told(read(body))} == {payload}


def test_the_contract_names_what_the_shape_does_not_tell():
    """Rows, fields and forms as given; a name that is not there is an error."""
    body = {"x": {"y": [{"wann": 12, "wer": "a", "was": "t", "wie": "eyJvbiI6dHJ1ZX0"}]}}
    fields = Fields(
        rows="x.y", time="wann", client_id="wer", topic="was", payload="wie", time_form="ms", payload_form="base64"
    )
    assert told(read(body, fields=fields)) == [(12_000_000, "a", "t", b'{"on":true}')]
    for wrong in (Fields(rows="x.z"), Fields(rows="x.y", time="zeit"), Fields(payload="wie?", time="wann")):
        with pytest.raises(AnswerError, match="contract names"):
            read(body, fields=wrong)
    nested = [{"m": {"zeit": AT}, "client_id": "a", "topic": "t", "payload": 1}]
    assert told(read(nested, fields=Fields(time="m.zeit"))) == [(NS, "a", "t", b"1")]
    boxed = [{**ROW, "payload": {"content_type": "application/json", "data": one}} for one in ({"on": True}, 1)]
    found = [b'{"on": true}', b"1"]
    assert [one[3] for one in told(read(boxed, fields=Fields(payload="payload.data")))] == found


def test_a_null_is_no_rows_where_a_contract_names_their_place():
    """As Go writes an empty list; without a contract it may be a failure, and the error says that one can tell."""
    for body, rows in (({"entries": None}, "entries"), ({"data": {"entries": None}}, "data.entries")):
        assert told(read(body, fields=Fields(rows=rows))) == []
    with pytest.raises(
        AnswerError, match=r"'entries' is the value null. If that means no rows, name their place \(rows\)"
    ):
        read({"entries": None})
    with pytest.raises(AnswerError, match="states a failure beside its rows"):
        read({"entries": None, "error": "backend down"}, fields=Fields(rows="entries"))


def test_what_stands_around_rows_whose_place_is_named_is_heard():
    """The cursor, the zone and a failure; that something is missing is what the name of the place overrules."""
    fields = Fields(rows="antwort.zeilen")
    local = {**ROW, "time": "2026-11-01T07:30:00.5"}
    said = {"antwort": {"zeilen": [local], "next_cursor": "abc"}, "meta": {"has_more": True, "tz": "Europe/Zurich"}}
    page = read(said, fields=fields)
    assert (told(page)[0][0], page.paging.cursor, page.paging.has_more) == (NS, "abc", True)
    for around in ({"error": "timeout"}, {"success": False}):
        for body in ({"antwort": {"zeilen": [ROW]}, **around}, {"antwort": {"zeilen": [ROW], **around}}):
            with pytest.raises(AnswerError, match="states a failure beside its rows"):
                read(body, fields=fields)
    lacking = {"antwort": {"messages": [ROW]}, "missing_clients": ["b"]}
    with pytest.raises(AnswerError, match=r"not whole: missing_clients.*place \(rows\) in a contract file"):
        read(lacking)
    assert len(told(read(lacking, fields=Fields(rows="antwort.messages")))) == 1


@pytest.mark.parametrize(
    ("row", "asked", "client", "topic"),
    [
        ({"topic": PATH}, {}, "a", "t/x"),
        ({"topic": PATH, "client_id": "login"}, {}, "a", "t/x"),
        ({"topic": f"site/9/{PATH}"}, {}, "a", "t/x"),
        ({"topic": "a/t/x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "clientId": "a"}, {}, "a", "t/x"),
        ({"mqtt_topic": "t/x", "device_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "publisher": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "client_id": 17}, {}, "17", "t/x"),
        ({"topic": "t/x", "client": "/api/clients/a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "client": "https://portal.example/api/clients/a/"}, {}, "a", "t/x"),
        ({"topic": "t/x"}, {"client_id": "a"}, "a", "t/x"),
        ({}, {"client_id": "a", "topic": "t/x"}, "a", "t/x"),
        ({"client_id": "a"}, {"topic": "t/x"}, "a", "t/x"),
        ({"topic": "acme/a/t/x"}, {"account_id": "acme"}, "a", "t/x"),
        ({"topic": "acme/a/t/x", "account_id": "acme"}, {}, "a", "t/x"),
        ({"subpath": "t/x", "client_id": "a", "full_topic": PATH}, {}, "a", "t/x"),
        ({"path": "t/x", "client": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "client": {"id": 4, "client_id": "a", "name": "Shack"}}, {}, "a", "t/x"),
        ({"topic": "t/x", "device": {"id": "a", "name": "Shack"}}, {}, "a", "t/x"),
        ({"topic": "t/x", "username": "a"}, {}, "a", "t/x"),
        ({"topic": PATH, "username": "pub-1"}, {}, "a", "t/x"),
        ({"topic": "t/x", "username": "pub-1"}, {"client_id": "a"}, "a", "t/x"),
        ({"topic": {"full": PATH, "sub": "t/x"}}, {}, "a", "t/x"),
        ({"topic": {"sub": "t/x"}, "client": {"id": "a"}}, {}, "a", "t/x"),
        ({"topic": ["t", "x"], "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": PATH.split("/")}, {}, "a", "t/x"),
        ({"topic": "/t/x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": f"/{PATH}"}, {}, "a", "t/x"),
        ({"topic": PATH.replace("/", ".")}, {"account_id": ACCOUNT}, "a", "t/x"),
        ({"topic": f"{ACCOUNT}.a.1.t.x", "client_id": "a.1"}, {"account_id": ACCOUNT}, "a.1", "t/x"),
        ({"topic": "a.t.x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t.x", "client_id": "a"}, {}, "a", "t.x"),
    ],
)  # fmt: skip
def test_clients_and_topics_in_every_form(row, asked, client, topic):
    """With or without account and client, with a prefix, or as the question said."""
    assert told(read([{"time": AT, **row, "payload": 1}], **asked)) == [(NS, client, topic, b"1")]


def test_a_clients_own_id_at_the_beginning_of_a_subpath_was_published():
    """Where other topics of the answer are subpaths; where all begin so, it is the client's level of the path."""
    rows = [{**ROW, "client_id": "a", "topic": one} for one in ("a/t", "t")]
    assert [one[2] for one in told(read(rows))] == ["a/t", "t"]
    assert [one[2] for one in told(read([{**rows[0], "topic": f"{ACCOUNT}/a/a/t"}, rows[0]]))] == ["a/t", "t"]
    assert [one[2] for one in told(read(rows[:1]))] == ["t"]


@pytest.mark.parametrize("named", ["uid", "identifier", "slug"])
def test_a_device_is_called_by_its_id_and_not_by_its_name(named):
    """A name is for people: the id beside it is the client, in an object of the device or spelled out, asked or not."""
    objects = {"device": {"pk": 7, "name": "Wetter am Dach", named: "a"}}, {"device": {named: "a", "name": "Wetter"}}
    for device in (*objects, {"device_name": "Wetter am Dach", f"device_{named}": "a"}):
        row = {**BARE, **device, "topic": "t/x", "payload": 1}
        assert told(read([row])) == told(read([row], client_id="a")) == [(NS, "a", "t/x", b"1")]


@pytest.mark.parametrize("name", ["node", "gatewayId", "thing", "sensor", "devEUI", "IMEI"])
def test_a_field_that_may_name_a_client_does_where_nothing_else_says_whose_a_message_is(name):
    """A client that was asked for, stands in the topic or has a field of its own comes first: it is the payload's."""
    row = {**BARE, "topic": "t/x", name: "a"}
    assert told(read([row])) == told(live([row])) == ONE
    assert {(one[1], one[3]) for one in told(read([row], client_id="b"))} == {("b", ONE[0][3])}
    spread = {"time": AT, "topic": PATH, name: "bme280", "temp": 1}
    for of_client in ({}, {"client_id": "a"}):
        assert told(read([{**spread, **of_client}]))[0][1::2] == ("a", f'{{"{name}":"bme280","temp":1}}'.encode())


def test_groups_of_others_are_theirs():
    """Where a portal gives all clients, whoever was asked for."""
    body = {"b": {"t/x": [BARE], "u": [BARE]}, "c": {"t": [BARE]}}
    for asked in ("a", "b", None):
        assert {one[1:3] for one in told(read(body, client_id=asked))} == {("b", "t/x"), ("b", "u"), ("c", "t")}


def test_a_path_beside_its_subpath_names_the_client():
    """Whichever of the two comes first."""
    row = {"time": AT, "topic": "t/x", "full_topic": f"{ACCOUNT}/a/t/x", "payload": {"on": True}}
    for one in (row, dict(reversed(row.items()))):
        assert told(read([one])) == told(live([one])) == ONE


def test_levels_and_nested_clients_of_a_live_answer():
    """A topic of levels is no topic of nothing, and the client's own id comes before the database's."""
    said = {"time": AT, "topic": ["t", "x"], "payload": {"on": True}}
    assert told(live([{"client_id": "a", **said}])) == ONE
    assert told(live({"results": [{"client": {"id": 9, "client_id": "a"}, "last": said}]})) == ONE
    assert told(live({"edges": [{"cursor": "c", "node": {"clientId": "a", "lastMessage": said}}]})) == ONE


def test_levels_of_topics_are_parted_as_in_an_address():
    """Where all are; in a topic beside others of plain levels it was published so."""
    coded, topic = f"{ACCOUNT}%2Fdev-a%2ftelemetry%2Fx", f"{ACCOUNT}/dev-a/a%2Fb"
    row = {name: one for name, one in ROW.items() if name not in ("topic", "client_id")}
    page = read([{**row, "topic": coded}])
    assert page.messages.select(["client_id", "topic"]).to_pylist() == [{"client_id": "dev-a", "topic": "telemetry/x"}]
    assert page.accounts == {ACCOUNT}
    assert read([{**row, "topic": topic}]).messages["topic"].to_pylist() == ["a%2Fb"]


def test_every_account_is_reported():
    """In topics, fields and the envelope, so that the caller can refuse foreign ones."""
    body = {"tenant_id": "t-1", "messages": [ROW, {**ROW, "topic": f"{OTHER}/b/t"}, {**ROW, "account_id": "acme"}]}
    assert read(body).accounts == {"t-1", ACCOUNT, OTHER, "acme"}
    assert live([{"client_id": "a", "account_id": OTHER, "last_message": None}]).accounts == {OTHER}


@pytest.mark.parametrize(
    "text",
    [
        "1.0", "1e400", str(2**70), "-0.0", "true", "null", '"text"', "[]", "{}", '{"a": 1, "a": 2}', r'"\u00e9\/"',
        '{"b":1,  "a":[1,{"c":null}]}', "NaN", "-Infinity", '[NaN, {"x": Infinity}]', r'{"x": "\ud800"}',
        '{"x": "a\nb"}',
        "[" * 3000 + "]" * 3000, '{"time": "x", "topic": 3, "payload": 1}', r'"\ud800"',
    ],
)  # fmt: skip
def test_payloads_are_the_bytes_of_the_answer(text):
    """No number, key, escape or space of a payload is changed, whether it is standard JSON or not."""
    line = f'{{"time": "{AT}", "client_id": "a", "topic": "t", "payload": {text}}}'
    other = f'{{"time": "{AT}", "client_id": "a", "topic": "t", "payload": 3}}'
    for body in (f"[{line}, {other}]", f"{line}\n{other}\n", f'{{"m": [{line},{other}]}}'):
        assert [one[3] for one in told(read(body.encode()))] == [text.encode(), b"3"]


def test_bytes_that_are_no_text_stay_in_their_payload():
    """Invalid UTF-8 within a payload is kept, as its publisher sent it."""
    body = json.dumps([ROW]).encode().replace(b"true", b'"\xff"')
    assert told(read(body)) == [(NS, "a", "t/x", b'{"on": "\xff"}')]


@pytest.mark.parametrize(
    ("given", "published"),
    [
        (['{"on": 1}', "21.5", "true", '"x"', "off", ""], [b'{"on": 1}', b"21.5", b"true", b'"x"', b"off", b""]),
        (["21.5", 3], [b'"21.5"', b"3"]),  # this portal decodes: a number would have come as one
        (['{"on": 1}', 3], [b'{"on": 1}', b"3"]),
        (["21.5", "off", {"on": 1}], [b"21.5", b'"off"', b'{"on": 1}']),  # and this one leaves numbers as they came
        (["on", "off"], [b'"on"', b'"off"']),
        (["eyJhIjoxfQ==", "Mi41", "Im9uIg=="], [b'{"a":1}', b"2.5", b'"on"']),
        (["eyJhIjoxfQ==", "Mi41", "AP8Q", "T04="], [b'{"a":1}', b"2.5", b"\x00\xff\x10", b"ON"]),
        (["eyJhIjoxfQ==", "AP8Q", "T04="], [b'"eyJhIjoxfQ=="', b'"AP8Q"', b'"T04="']),  # one of three may be chance
        (["Mi41"], [b'"Mi41"']),  # it may be a name as well
        (["eyJhIjoxfQ==", "x"], [b'"eyJhIjoxfQ=="', b'"x"']),
        ([None, {"a": 1}], [b"null", b'{"a": 1}']),
    ],
)
def test_json_within_strings(given, published):
    """A string is the published text where the portal decodes nothing, or it is JSON; base64 only where it is sure."""
    rows = [{**ROW, "payload": one} for one in given]
    assert [one[3] for one in told(read(rows))] == published


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        ({"payload_base64": base64.b64encode(b"\xff\x00").decode()}, b"\xff\x00"),
        ({"payload": None, "payload_base64": "AAE="}, b"\x00\x01"),
        ({"payload": {"a": 1}, "payload_base64": None}, b'{"a": 1}'),
        ({"payload_json": {"a": 1}, "payload_text": None}, b'{"a": 1}'),
        ({"payload_json": None, "payload_text": "21.5"}, b"21.5"),
        ({"payload_json": None, "payload_text": "on air"}, b'"on air"'),
        ({"payload": "AAE", "payload_encoding": "base64"}, b"\x00\x01"),
        ({"payload": "_-8=", "encoding": "BASE64"}, b"\xff\xef"),
        ({"payload": "0001", "payload_encoding": "hex"}, b"\x00\x01"),
        ({"payload": "AAE=", "encoding": "b64"}, b"\x00\x01"),
        ({"payload": "AAE=", "is_base64": True}, b"\x00\x01"),
        ({"payload": "AAE=", "isBase64Encoded": True}, b"\x00\x01"),
        ({"payload": "AAE=", "is_base64": False}, b'"AAE="'),
        ({"payload": "AAE=", "payload_b64": True}, b"\x00\x01"),
        ({"payload": "AAE=", "payload_b64": False}, b'"AAE="'),
        ({"payload": "AAE=", "is_binary": True}, b"\x00\x01"),
        ({"body": "AAE=", "bodyEncoding": "base64"}, b"\x00\x01"),
        ({"data": "on", "encoding": "text"}, b"on"),
        ({"content": "AAE=", "is_base64": True}, b"\x00\x01"),
        ({"message": "on", "message_format": "morse"}, b'{"message":"on","message_format":"morse"}'),
        ({"value": 21.5, "binary": 7}, b'{"value":21.5,"binary":7}'),
        ({"payload_hex": "0xff"}, b"\xff"),
        ({"message_hex": "0xff"}, b"\xff"),
        ({"payload": {"type": "Buffer", "data": [0, 255]}}, b"\x00\xff"),
        ({"payload": {"type": "Buffer", "data": [256]}}, b'{"type": "Buffer", "data": [256]}'),
        ({"payload.on": 1, "payload.cpu.load": 2.5}, b'{"on":1,"cpu.load":2.5}'),
        ({"payload": "AAE=", "payload_encoding": "utf8"}, b'"AAE="'),
        ({"payloadJson": {"a": 1}}, b'{"a": 1}'),
        ({"message": {"a": 1}, "qos": 1}, b'{"a": 1}'),
        ({"key": "YQ==", "value": {"a": 1}, "partition": 0, "offset": 7}, b'{"a": 1}'),
        ({"specversion": "1.0", "source": "s", "type": "t", "id": "7", "data": 21.5}, b"21.5"),
        ({"offset": 7, "key": "a"}, b'{"offset":7,"key":"a"}'),
        ({"value": 21.5}, b"21.5"),
        ({"value": 21.5, "unit": "C"}, b'{"value":21.5,"unit":"C"}'),
        ({"temp": 1.0, "ok": None, "qos": 1, "retain": False, "id": "7"}, b'{"temp":1.0}'),
        ({"message": "boot", "level": "info"}, b'{"message":"boot","level":"info"}'),
        ({"p": {"a": 1}, "qos": 1}, b'{"a": 1}'),
        ({"p": 21.5}, b'{"p":21.5}'),
        ({"p": {"a": 1}, "q": 2}, b'{"p":{"a": 1},"q":2}'),
    ],
)
def test_where_the_payload_is(fields, published):
    """Under its names, encoded as named or flagged, or spread over the row."""
    row = {"time": AT, "client_id": "a", "topic": "t", **fields}
    assert told(read([row]))[0][3] == published


@pytest.mark.parametrize("name", ["data", "body", "message", "msg", "content"])
def test_a_payload_stands_plainly_or_coded(name):
    """As CloudEvents have it; that one row is coded says nothing of those that are not."""
    row = {"time": AT, "client_id": "a", "topic": "t"}
    plainly, coded = {**row, name: {"a": 1}}, {**row, f"{name}_base64": base64.b64encode(b'{"b": 2}').decode()}
    assert [one[3] for one in told(read([plainly, coded]))] == [b'{"a": 1}', b'{"b": 2}']
    assert [one[3] for one in told(read([coded]))] == [b'{"b": 2}']
    assert read([coded]).payload_form is None


@pytest.mark.parametrize("name", ["data", "message", "value"])
def test_a_column_that_repeats_the_client_of_each_path_is_no_part_of_a_payload(name):
    """One field beside it is the payload, as beside payloads that are objects; behind a shared login it is not."""
    rows = [{"time": AT, "topic": f"{ACCOUNT}/{one}/t", "device_id": one, name: 21.5} for one in ("a", "b")]
    page = read(rows)
    assert [one[3] for one in told(page)] == [b"21.5", b"21.5"]
    assert [json.loads(one)["device_id"] for one in page.messages["extra"].to_pylist()] == ["a", "b"]
    for other in ({"device_id": "fleet"}, {"unit": "C"}):
        spread = {**rows[1], **other}
        published = {key: one for key, one in spread.items() if key not in ("time", "topic")}
        assert json.loads(told(read([rows[0], spread]))[1][3]) == published


@pytest.mark.parametrize("beside", ["event_time", "timestamp", "server_time", "reported_at", "stored_at"])
@pytest.mark.parametrize("name", ["data", "msg", "body", "message", "value"])
def test_a_column_beside_a_second_time_holds_the_payload_as_it_would_alone(name, beside):
    """What no object shows, as numbers do not."""
    row = {"received_at": AT, beside: AT, "topic": f"{ACCOUNT}/a/t", name: 5}
    for clock in (None, "received_at"):
        assert told(read([row], fields=Fields(clock=clock))) == [(NS, "a", "t", b"5")]


@pytest.mark.parametrize("name", ["metrics", "state", "event", "raw_json", "messageBody", "anything"])
def test_what_alone_holds_objects_is_the_payload_whatever_it_is_called(name):
    """Of several topics, or beside what is no object; a payload that is spread over its row is not taken for one."""
    rows = [{"time": AT, "client_id": "a", "topic": one, name: {"on": True}} for one in ("t", "u")]
    assert {one[3] for one in told(read(rows))} == {b'{"on": true}'}
    mixed = [rows[0], {**rows[0], name: 3}, {**rows[0], name: None}]
    assert [one[3] for one in told(read(mixed))] == [b'{"on": true}', b"3", b"null"]
    spread = [{**rows[0], "chan": 1}, rows[1]]
    if name in ("raw_json", "messageBody"):  # names of nothing else
        assert told(read(spread))[0][3] == b'{"on": true}'
        return
    assert told(read(spread))[0][3] == f'{{"{name}":{{"on": true}},"chan":1}}'.encode()


def test_a_payload_under_a_name_of_its_own_is_known_in_answers_that_do_not_show_it():
    """An answer of one topic alone does not; the page says what the field is called."""
    rows = [{"time": AT, "client_id": "a", "topic": one, "state": {"on": True}} for one in ("t", "u")]
    name = read(rows).payload_name
    assert (name, read(rows[:1]).payload_name, read([ROW]).payload_name) == ("state", None, None)
    assert told(read(rows[:1]))[0][3] == b'{"state":{"on": true}}'
    assert told(read(rows[:1], fields=Fields(payload=name)))[0][3] == b'{"on": true}'


@pytest.mark.parametrize("name", ["value", "message", "text"])
def test_texts_of_json_are_the_payload_beside_what_is_not(name):
    """Whatever other fields a row has; texts of which one is no JSON are fields of a payload like any other."""
    row = {"time": AT, "client_id": "a", "topic": "t", "level": "info"}
    rows = [{**row, name: text} for text in ('{"on": true}', "3")]
    expected = [b'{"on": true}', b"3"] if name != "text" else [b'{"level":"info","text":"3"}']
    assert told(read(rows))[-1][3] == expected[-1]
    assert b"level" in told(read([rows[0], {**row, name: "{3"}]))[0][3]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("value", ['{"a":1}', "on", "2"]),
        ("Body", [base64.b64encode(one).decode() for one in (b'{"a":1}', b"on", b"2")]),
    ],
)
def test_a_payload_among_fields_that_are_not_known_is_shown_by_an_object_in_it(name, given):
    """As text of JSON, also beside texts that are none, or as coded bytes; the others are not its fields."""
    row = {"time": AT, "client_id": "a", "topic": "t", "feed_key": "x", "properties": {"b": None}}
    found = [one[3].strip(b'"') for one in told(read([{**row, name: one} for one in given]))]
    assert found == [b'{"a":1}', b"on", b"2"]


def test_one_object_shows_where_the_payload_is():
    """Beside fields that are not known; whichever row it stands in."""
    rows = [{"time": AT, "client_id": "a", "topic": "t", "data": one, "shard": 3} for one in (7, {"b": 1})]
    assert [one[3] for one in told(read(rows))] == [b"7", b'{"b": 1}']


def test_the_rest_of_a_row_is_extra():
    """What else the row says is a JSON object, or null where it says nothing else."""
    row = {"time": AT, "client_id": "a", "topic": "t", "payload": 1}
    rows = [{**row, "qos": 1, "received_at": "2026-11-02", "note": "001"}, row]
    extra = read(rows).messages["extra"].to_pylist()
    assert json.loads(extra[0]) == {"qos": 1, "received_at": "2026-11-02", "note": "001"}
    assert extra[1] is None


def test_fields_of_a_spread_payload_are_not_taken_for_the_portals():
    """A device beside a topic that names the client, and the time of a measurement, stay in the payload."""
    row = {"time": AT, "topic": PATH, "device_id": "d", "measured_at": "2025-01-01T00:00:00Z", "temp": 1}
    assert [(*one[:3], json.loads(one[3])) for one in told(read([row]))] == [
        (NS, "a", "t/x", {"device_id": "d", "measured_at": "2025-01-01T00:00:00Z", "temp": 1})
    ]
    with pytest.raises(AnswerError, match=r"row 2 .*no time"):
        read([row, {**row, "time": None}])


def test_the_login_of_a_shared_credential_is_extra():
    """Where the topic names another client than the row, both are kept."""
    page = read([{**ROW, "client_id": "pub-1"}])
    assert told(page)[0][1] == "a"
    assert json.loads(page.messages["extra"][0].as_py()) == {"client_id": "pub-1"}


def test_rows_with_thousands_of_different_fields():
    """Payloads spread over rows that share few fields: each has its own, in memory in proportion."""
    rows = [{"time": AT, "client_id": "a", "topic": "t", f"f{i}": i, "qos": 1} for i in range(3000)]
    page = read(rows)
    assert [json.loads(one[3]) for one in told(page)] == [{f"f{i}": i} for i in range(3000)]
    assert set(page.messages["extra"].to_pylist()) == {'{"qos":1}'}


def test_cells_of_csv_have_kinds_by_column():
    """Numbers, booleans and JSON where all of a column is, else text; an empty cell is a missing field."""
    body = f"time,client_id,topic,n,b,s,j\n{AT},1,t,1.50,True,1e5,[1]\n{AT},007,t,,false,x,\n"
    assert [(one[1], one[3]) for one in told(read(body.encode()))] == [
        ("1", b'{"n":1.50,"b":true,"s":"1e5","j":[1]}'),
        ("007", b'{"b":false,"s":"x"}'),
    ]


def test_a_string_that_is_json_by_itself_is_read_as_other_answers_show():
    """It is the published text; where others held numbers or booleans that are no strings, it was one in quotes."""
    of = [read([{**ROW, "payload": one}]) for one in ("21.5", "on air", '{"a":1}', 3, True, "")]
    objects = [read([{**ROW, "payload": {"on": True}}, {**ROW, "payload": one}]) for one in ("on", "21.5", 3)]
    assert [(page.payload_form, page.payload_unsure) for page in (*of, *objects)] == [
        (None, True), (None, True), ("text", False), ("decoded", False), ("decoded", False), (None, True),
        ("objects", False), ("objects", True), ("decoded", False),
    ]  # fmt: skip
    assert read([{**ROW, "payload": [1, 2]}]).payload_form is None
    known = [Fields(payload_form=form) for form in (None, "objects", "decoded", "text")]
    for one in ("21.5", "true", "null", '"x"', ' "x"', "-1e5", "NaN"):
        found = [read([{**ROW, "payload": one}], fields=fields) for fields in known]
        text, quoted = one.encode(), json.dumps(one).encode()
        assert [told(page)[0][3] for page in found] == [text, text, quoted, text]
        assert [page.payload_unsure for page in found] == [True, True, False, False]
    for one in ("on", "", "007", "1 V", "{half"):
        found = [told(read([{**ROW, "payload": one}], fields=fields))[0][3] for fields in known]
        assert found == [json.dumps(one).encode()] * 3 + [one.encode()]
    for one in ('{"a":1}', "[1]"):
        assert {told(read([{**ROW, "payload": one}], fields=fields))[0][3] for fields in known} == {one.encode()}
