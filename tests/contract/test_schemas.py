"""The fields of an answer, from the schema of it that an OpenAPI document shows."""

from __future__ import annotations

import httpx
import pytest
from portal_messages import same
from portals import ACCOUNT, API, FIRST, Message, connect

import isr_analysis as isr
from isr_analysis.answers import Fields
from isr_analysis.contract import schemas
from isr_analysis.times import SECOND, instant, iso

ROW = {
    "zeitpunkt": {"type": "string", "format": "date-time", "description": "Zeitpunkt der Veröffentlichung"},
    "geraet": {"type": "string", "description": "client_id des Geräts"},
    "thema": {"type": "string", "description": "MQTT topic (subpath)"},
    "nutzdaten": {"description": "Payload as JSON"},
}
NAMED = {"time": "zeitpunkt", "client_id": "geraet", "topic": "thema", "payload": "nutzdaten"}
OBJECT = {"type": "object", "properties": ROW}
TEXT = {"type": "string"}
LISTED = {"client_id": "dev-a", "history_topic_prefix": f"{ACCOUNT}/dev-a/"}


def answering(schema, **more):
    """Write an operation that answers by a schema."""
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}, **more}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": OBJECT}, Fields(**NAMED)),
        ({"properties": {"messages": {"type": "array", "items": OBJECT}}}, Fields(**NAMED)),
        ({"properties": {"nachrichten": {"type": "array", "items": OBJECT}}}, Fields(rows="nachrichten", **NAMED)),
        (
            {"properties": {"antwort": {"properties": {"seite": {"type": "integer"}, "zeilen": {"items": OBJECT}}}}},
            Fields(rows="antwort.zeilen", **NAMED),
        ),
        ({"items": {"allOf": [{"$ref": "#/components/schemas/Zeile"}]}}, Fields(**NAMED)),
        ({"items": {"properties": {"time": {}, "client_id": {}, "topic": {}, "payload": {}}}}, Fields()),
        ({"items": {"properties": {**ROW, "time": {}}}}, Fields(**{**NAMED, "time": None})),
        ({"items": {"properties": {"time": {}, "temp": {"description": "of the sensor"}}}}, Fields()),
        ({"items": {"properties": {"x": {"description": "client and topic"}}}}, Fields()),
        ({"items": {"properties": {**ROW, "bis": ROW["zeitpunkt"]}}}, Fields(**{**NAMED, "time": None})),
        ({"items": {"type": "string"}}, Fields()),
        ({}, Fields()),
    ],
)  # fmt: skip
def test_what_the_names_do_not_say_the_descriptions_do(schema, expected):
    """Of fields whose names are known, or of which two would do, nothing is said."""
    document = {"components": {"schemas": {"Zeile": OBJECT}}}
    assert schemas.fields(document, answering(schema)) == expected


@pytest.mark.parametrize(
    ("name", "schema", "words"),
    [
        ("timezone", TEXT, "Time zone of the device"),
        ("live", {"type": "boolean"}, "Whether it came in real time"),
        ("changed", TEXT, "What was changed the last time"),
        ("method", TEXT, "How the time was measured"),
        ("device_count", {"type": "integer"}, "Number of devices in the client's group"),
        ("device_model", TEXT, "Model of the device"),
        ("position", {"type": "integer"}, "The lowest place that is occupied by the device"),
        ("role", {**TEXT, "enum": ["a", "b"]}, "The device's name for its part"),
        ("depth", {"type": "integer"}, "The greatest depth of a device that is mounted"),
        ("topic_title", TEXT, "Title of the topic"),
        ("fw", TEXT, "Device firmware"),
        ("temp", {"type": "number"}, "The device"),
        ("up", {"type": "integer"}, "Device uptime"),
        ("owner", TEXT, "Name of the station's owner"),
        ("place", TEXT, "Name of the place where the station stands"),
    ],
)
def test_what_is_something_of_a_client_or_a_time_is_neither(name, schema, words):
    """Its description speaks of them, but not as who published, or when."""
    row = {name: {**schema, "description": words}, "x": {"type": "number"}}
    assert schemas.fields({}, answering({"items": {"properties": row}})) == Fields()


@pytest.mark.parametrize(
    "words", ["Name of the station", "Device ID", "The device that published it", "Publishing client", "Which station"]
)
def test_who_published_is_told_in_many_words(words):
    """As short ones, by an id or a name, or by what was done; the place of an instant is no client."""
    row = {"who": {**TEXT, "description": words}, "x": {**TEXT, "format": "date-time", "description": "Device clock"}}
    found = schemas.fields({}, answering({"items": {"properties": row}}))
    assert (found.client_id, found.time) == ("who", "x")


@pytest.mark.parametrize("beside", ["_links", "errors", "warnings"])
def test_rows_are_not_where_other_things_are_listed(beside):
    """Whatever stands first in the schema."""
    other = {"type": "array", "items": {"properties": {"note": {**TEXT, "description": "The time"}}}}
    schema = {"properties": {beside: other, "nachrichten": {"type": "array", "items": OBJECT}}}
    assert schemas.fields({}, answering(schema)) == Fields(rows="nachrichten", **NAMED)


@pytest.mark.parametrize("said", [{"format": "byte"}, {"format": "base64url"}, {"contentEncoding": "base64"}])
def test_bytes_are_in_base64_where_the_schema_says_so(said):
    """Whether or not they may be missing; a text is none."""
    for one in ({"type": "string", **said}, {"anyOf": [{"type": "string", **said}, {"type": "null"}]}):
        row = {"time": {}, "client_id": {}, "topic": {}, "payload": one}
        assert schemas.fields({}, answering({"items": {"properties": row}})) == Fields(payload_form="base64")
        last = {"client_id": {}, "last_message": {"type": "object", "properties": row}}
        assert schemas.fields({}, answering({"items": {"properties": last}})) == Fields(payload_form="base64")
    row = {"time": {}, "client_id": {}, "topic": {}, "payload": {"type": "string", "format": "binary"}}
    assert schemas.fields({}, answering({"items": {"properties": row}})) == Fields()


def test_a_schema_whose_parts_name_it_in_turn_is_read():
    """As generators write kinds of one thing: the parent lists its kinds, and each is made of the parent."""
    kind = {"allOf": [{"$ref": "#/parent"}, OBJECT]}
    document = {"parent": {"oneOf": [{"$ref": "#/kind"}], "properties": {"id": {"type": "string"}}}, "kind": kind}
    for one in ("parent", "kind"):
        found = schemas.fields(document, answering({"items": {"$ref": f"#/{one}"}}))
        assert found == Fields(**NAMED)


def test_a_document_without_schemas_names_no_field():
    """Nor does one of Swagger 2 that has them elsewhere break anything."""
    for operation in ({}, {"responses": []}, {"responses": {"200": {"$ref": "#/nowhere"}}}, answering({"items": 3})):
        assert schemas.fields({}, operation) == Fields()
    assert schemas.fields({}, {"responses": {"200": {"schema": {"items": OBJECT}}}}) == Fields(**NAMED)


def test_messages_under_names_that_only_the_document_explains(home):
    """History and last messages; the document is asked for where the last messages are not understood without it."""
    stored = [Message(FIRST + i * SECOND, "dev-a", "t/x", {"n": i}) for i in range(9)]
    schema = {"properties": {"nachrichten": {"type": "array", "items": OBJECT}}}
    ends = {"von": "Beginn", "bis": "until"}
    date = {"in": "query", "required": True, "schema": {"type": "string", "format": "date-time"}}
    asked = [{"name": name, "description": words, **date} for name, words in ends.items()]
    routes = {"history": answering(schema, parameters=asked), "publishers/live": answering(schema)}
    document = {"openapi": "3.1.0", "paths": {f"{API}/{name}": {"get": one} for name, one in routes.items()}}

    def respond(request):
        rows = [dict(zip(ROW, (iso(m.at), m.client, m.topic, m.payload), strict=True)) for m in stored]
        if request.url.path.endswith("/history"):
            low, high = (instant(request.url.params[name]) for name in ends)
            rows = [row for row, one in zip(rows, stored, strict=True) if low <= one.at < high]
        bodies = {
            "openapi.json": document, "history": {"nachrichten": rows}, "live": {"nachrichten": rows[-1:]},
            "publishers": [LISTED],
        }  # fmt: skip
        body = bodies.get(request.url.path.rpartition("/")[2])
        return httpx.Response(404 if body is None else 200, json=body)

    for first in ("live", "history"):
        with connect("http://127.0.0.1:1", home / first, transport=httpx.MockTransport(respond)) as portal:
            if first == "live":
                same(isr.load_live(portal=portal), stored[-1:])
            same(isr.load_history(start="2026-11-01", end="2026-11-01T01:00", portal=portal), stored)
            same(isr.load_live(portal=portal), stored[-1:])


@pytest.mark.parametrize("described", ["live", "history"])
def test_bytes_of_the_last_messages_are_known_by_the_document(home, described):
    """Where they are no JSON, nothing else would tell; what codes the payloads of the history codes these."""
    row = {"time": {}, "client_id": {}, "topic": {}, "payload": {"type": "string", "format": "byte"}}
    coded = answering({"items": {"properties": row}})
    told = {one: coded if one == described else {"responses": {}} for one in ("history", "live")}
    routes = {"history": told["history"], "publishers/live": told["live"]}
    document = {"openapi": "3.1.0", "paths": {f"{API}/{name}": {"get": one} for name, one in routes.items()}}
    last = {"time": iso(FIRST), "client_id": "dev-a", "topic": "raw", "payload": "V2luZCBOVyA1"}

    def respond(request):
        bodies = {"openapi.json": document, "live": [last], "publishers": [LISTED]}
        body = bodies.get(request.url.path.rpartition("/")[2])
        return httpx.Response(404 if body is None else 200, json=body)

    with connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond)) as portal:
        for _ in range(2):
            assert isr.load_live(portal=portal)["payload"].tolist() == ["Wind NW 5"]


def test_last_messages_come_though_the_document_fails(home):
    """It would tell no more than whether a word is coded bytes."""
    last = {"time": iso(FIRST), "client_id": "dev-a", "topic": "state", "payload": "open"}

    def respond(request):
        body = {"live": [last], "publishers": [LISTED]}.get(request.url.path.rpartition("/")[2])
        return httpx.Response(503 if body is None else 200, json=body)

    with connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond)) as portal:
        assert isr.load_live(portal=portal)["value"].tolist() == ["open"]
