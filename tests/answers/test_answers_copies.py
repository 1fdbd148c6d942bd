"""Payloads that stand twice in a row, decoded and as coded bytes: what was published, whatever the two are called."""

from __future__ import annotations

import base64
import json

import portals
import pytest
from pages import AT, read, told
from portals import FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.answers import Fields
from isr_analysis.times import DAY, HOUR

PUBLISHED = [b'{"a": 1}', b"on", b"\xff\x01", b"null", b"[1, 2]"]
DECODED = [{"a": 1}, None, None, None, [1, 2]]
CODES = {"base64": lambda one: base64.b64encode(one).decode(), "hex": bytes.hex, "bytes": list}


def rows(name, other, code="base64"):
    """Give rows with the decoded payload and the coded one."""
    pairs = zip(DECODED, PUBLISHED, strict=True)
    return [
        {"time": AT, "client_id": "a", "topic": "t", "qos": 1, name: one, other: CODES[code](coded)}
        for one, coded in pairs
    ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("decoded_payload", "frm_payload"), ("payload", "raw"), ("payload", "payload_raw"),
        ("payload", "payload_bytes"), ("decoded", "payload"), ("payload_json", "payload_bin"), ("json", "text"),
        ("value", "raw"), ("object", "data"), ("body", "body_b64"), ("fields", "payload"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", CODES)
def test_the_bytes_are_what_was_published(name, other, code):
    """Null is no payload where the bytes beside it say what it was."""
    page = read(rows(name, other, code))
    assert [one[3] for one in told(page)] == PUBLISHED
    assert (page.payload_name, page.payload_form) == (other, code)
    later = rows(name, other, code)[1:3]  # which do not show it
    assert [one[3] for one in told(read(later, fields=Fields(payload=other, payload_form=code)))] == PUBLISHED[1:3]


def test_numbers_that_the_portal_rounded_are_the_same():
    """As JavaScript reads those beyond 2⁵³; else texts beside them would be taken for their base64."""
    given, published = rows("payload", "raw"), b'{"id": 9007199254740993}'
    rounded = {**given[0], "payload": {"id": 9007199254740992}, "raw": base64.b64encode(published).decode()}
    assert [one[3] for one in told(read([*given, rounded]))] == [*PUBLISHED, published]


def test_a_note_may_be_called_as_a_form_of_payloads_is():
    """Such as how many bytes a payload has, beside the list of them."""
    given = [{**one, "bytes": len(PUBLISHED[at])} for at, one in enumerate(rows("decoded", "payload", "bytes"))]
    page = read(given)
    assert [one[3] for one in told(page)] == PUBLISHED
    noted = [json.loads(one)["bytes"] for one in page.messages["extra"].to_pylist()]
    assert noted == [len(one) for one in PUBLISHED]


def test_what_is_not_the_same_is_no_copy():
    """Of one row alone it could be chance; a key beside payloads may look coded, and bytes may be of something else."""
    row = {"time": AT, "client_id": "a", "topic": "t"}
    other = [{**row, "payload": {"a": i}, "key": base64.b64encode(b'{"a": 0}').decode()} for i in (0, 1)]
    assert [one[3] for one in told(read(other))] == [b'{"a": 0}', b'{"a": 1}']
    lacking = [{**one, "key": None} if one["payload"] == {"a": 1} else one for one in other]
    assert [one[3] for one in told(read(lacking))] == [b'{"a": 0}', b'{"a": 1}']
    assert told(read([{**row, "payload": 1, "key": "MQ=="}]))[0][3] == b"1"


@pytest.mark.parametrize("other", ["raw", "text", "payload_content", "raw_body"])
def test_what_is_no_json_may_stand_in_another_field_alone(other):
    """Then it is not null; a note on a message of null is no payload."""
    row = {"time": AT, "client_id": "a", "topic": "t"}
    either = [{**row, "payload": {"a": 1}, other: None}, {**row, "payload": None, other: "on"}]
    assert [one[3] for one in told(read(either))] == [b'{"a": 1}', b'"on"']
    assert told(read([{**row, "payload": None, "error": "not decoded"}]))[0][3] == b"null"
    neither = {**row, "payload": None, other: None}
    assert [one[3] for one in told(read([*either, neither]))] == [b'{"a": 1}', b'"on"', b"null"]


def test_an_answer_of_nulls_alone_is_read_as_others_show(home):
    """A day of texts shows nothing of what stands beside them: an answer of late does."""
    stored = [Message(FIRST + i * HOUR, "dev-a", "t/x", "on" if i < 24 else {"i": i}) for i in range(4 * 24)]

    def row(one, when):
        published = one.payload.encode() if isinstance(one.payload, str) else json.dumps(one.payload).encode()
        decoded = None if isinstance(one.payload, str) else one.payload
        coded = base64.b64encode(published).decode()
        return {"time": when(one.at), "client_id": one.client, "topic": one.topic, "payload": decoded, "raw": coded}

    with portals.mocked(Server(Dialect(row=row, cap=500), stored), home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
    assert (FIRST + DAY, df["payload"].tolist()) == (FIRST + DAY, ["on"] * 24)
