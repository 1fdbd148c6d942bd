"""Payloads of bytes, as portals write them: base64, hex, lists, and what says that they are that."""

from __future__ import annotations

import base64
import json

import pytest
from pages import ROW, read, told

from isr_analysis.answers import Fields

CODED = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64 without padding": lambda data: base64.b64encode(data).decode().rstrip("="),
    "base64 of addresses": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "hex": bytes.hex,
    "bytea of PostgreSQL": lambda data: "\\x" + data.hex(),
    "a list of bytes": list,
    "an array of JavaScript": lambda data: {str(i): one for i, one in enumerate(data)},
    "an object that says base64": lambda data: {"encoding": "base64", "data": base64.b64encode(data).decode()},
    "an object of MongoDB": lambda data: {"$binary": {"base64": base64.b64encode(data).decode(), "subType": "00"}},
}


@pytest.mark.parametrize("code", CODED)
def test_coded_payloads_are_known_by_what_they_hold(code):
    """If each is JSON and one of them an object; one alone that is a number, a list or a word stays what it is."""
    published = [b"7", b"{}", b'{"a": "\xc3\xbf\xc3\xbe??>>"}', b"[]", b"null"]
    rows = [{**ROW, "payload": CODED[code](one)} for one in published]
    assert [one[3] for one in told(read(rows))] == published
    if "object" not in code:
        alone = CODED[code](b"7")
        (found,) = told(read([{**ROW, "payload": alone}, {**ROW, "payload": {"no": 1}}]))[:1]
        assert str(json.loads(found[3])) == str(alone)  # or, of digits alone, a number


def test_a_payload_of_no_bytes_hides_nothing_of_the_others():
    """It is coded as an empty text; such alone tell nothing."""
    published = [b"", b'{"a": 1}', b"\xff\x00", b"", b"7"]
    rows = [{**ROW, "payload": base64.b64encode(one).decode()} for one in published]
    assert [one[3] for one in told(read(rows))] == published
    page = read(rows[:1])
    assert (told(page)[0][3], page.payload_unsure) == (b'""', True)
    assert read(rows[2:4]).payload_unsure


@pytest.mark.parametrize("name", ["payload_format", "encoding"])
@pytest.mark.parametrize("said", ["binary", "application/octet-stream", "bytes"])
def test_what_is_said_to_be_bytes_is_base64_where_all_of_it_may_be(name, said):
    """Text has no bytes of any value; one that cannot be coded shows that none is."""
    rows = [{**ROW, "payload": "95XGTj+ql+K//d8h", name: said}, {**ROW, "payload": "open", name: "text/plain"},
            {**ROW, "payload": {"a": 1}, name: "json"}]  # fmt: skip
    found = [one[3] for one in told(read(rows))]
    assert found == [base64.b64decode("95XGTj+ql+K//d8h"), b"open", b'{"a": 1}']
    assert told(read([*rows, {**ROW, "payload": "on", name: said}]))[0][3] == b'"95XGTj+ql+K//d8h"'


def test_a_kind_of_content_tells_bytes():
    """As MQTT 5 has it beside a message; of text it tells nothing."""
    rows = [{**ROW, "payload": "95XGTj+ql+K//d8h", "contentType": "application/octet-stream"},
            {**ROW, "payload": "open", "contentType": "text/plain"}, {**ROW, "payload": {"a": 1}}]  # fmt: skip
    assert [one[3] for one in told(read(rows))] == [base64.b64decode("95XGTj+ql+K//d8h"), b'"open"', b'{"a": 1}']


def test_channels_by_their_numbers_are_no_bytes():
    """Though all of their values may be; an empty one beside bytes has none."""
    channels = [b'{"0": 1, "1": 0}', b'{"0": 0, "1": 1}']
    assert [one[3] for one in told(read([{**ROW, "payload": json.loads(one)} for one in channels]))] == channels
    coded = CODED["an array of JavaScript"](b'{"a": 1}')
    assert [one[3] for one in told(read([{**ROW, "payload": one} for one in (coded, {})]))] == [b'{"a": 1}', b""]
    known = [told(read([{**ROW, "payload": one}], fields=Fields(payload_form="bytes"))) for one in (coded, {}, [])]
    assert [one[3] for (one,) in known] == [b'{"a": 1}', b"", b""]


@pytest.mark.parametrize("name", ["payloadBytes", "payload_binary", "bytes"])
def test_bytes_stand_beside_a_payload_of_null(name):
    """Of those that are no text; a count of bytes is none."""
    rows = [{**ROW, "payload": '{"a": 1}', name: None}, {**ROW, "payload": None, name: "95XGTj+ql+K//d8h"}]
    assert [one[3] for one in told(read(rows))] == [b'{"a": 1}', base64.b64decode("95XGTj+ql+K//d8h")]
    assert told(read([{**ROW, "payload": {"a": 1}, name: 8}]))[0][3] == b'{"a": 1}'
    assert [one[3] for one in told(read([rows[0], {**ROW, "payload": None, name: 8}]))][1] in (b"null", b"8")


def test_what_says_how_it_is_coded_shows_the_payload_and_leaves_open_what_words_are():
    """A page of words alone says that others may show whether they were published with quotes; such pages do."""
    row = {name: value for name, value in ROW.items() if name != "payload"} | {"bodyEncoding": "utf-8"}
    rows = [{**row, "body": "open"}, {**row, "body": "7"}]
    page = read(rows)
    assert ([one[3] for one in told(page)], page.payload_name) == ([b'"open"', b"7"], "body")
    assert page.payload_unsure
    page = read([*rows, {**row, "body": '{"a": 1}'}])
    assert ([one[3] for one in told(page)][:2], page.payload_form) == ([b"open", b"7"], "text")
    page = read([*rows, {**row, "body": 21.5}, {**row, "body": "AAE=", "bodyEncoding": "base64"}])
    assert ([one[3] for one in told(page)], page.payload_form) == (
        [b'"open"', b'"7"', b"21.5", b"\x00\x01"], "decoded",
    )  # fmt: skip
