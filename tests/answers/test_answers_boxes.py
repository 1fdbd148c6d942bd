"""Payloads in boxes that say how they are written: opened where that is sure, left as they are where it is not."""

from __future__ import annotations

import base64
import json

import pytest
from pages import ROW, live, read, told

from isr_analysis.answers import Fields
from isr_analysis.answers.boxes import opened
from isr_analysis.errors import AnswerError

PUBLISHED = [{"on": True, "type": "relay"}, 21.5, [1, None], {}, "2026-11-01", 2**53 + 1]


def b64(value):
    """Write JSON in base64."""
    return base64.b64encode(json.dumps(value).encode()).decode()


BOXES = {
    "hex": lambda v: {"hex": json.dumps(v).encode().hex()},
    "base64, with its size": lambda v: {"base64": b64(v), "size": 7},
    "type and value": lambda v: {"type": "json", "value": v},
    "format and content, as text": lambda v: {"format": "JSON", "content": json.dumps(v)},
    "media type": lambda v: {"content_type": "application/json; charset=utf-8", "data": json.dumps(v)},
    "encoding and data": lambda v: {"encoding": "base64", "data": b64(v)},
    "one of three": lambda v: {"json": v, "text": None, "base64": None},
    "text beside JSON": lambda v: {"raw": json.dumps(v), "json": v},
    "an enumeration of Rust's": lambda v: {"Json": v},
    "type by type": lambda v: {"type": "json" if isinstance(v, dict) else "number", "value": v},
    "a union of types": lambda v: {"kind": "object" if isinstance(v, dict) else "number", "value": v},
    "bytes as numbers": lambda v: {"type": "application/octet-stream", "bytes": list(json.dumps(v).encode())},
}


@pytest.mark.parametrize("box", BOXES)
def test_what_is_in_a_box_was_published(box):
    """Whatever JSON it is, of history and of the last message."""
    values = PUBLISHED[:2] if box in ("type by type", "a union of types") else PUBLISHED
    rows = [{**ROW, "client_id": f"c{i}", "topic": "t", "payload": BOXES[box](v)} for i, v in enumerate(values)]
    rows.append({**rows[0], "client_id": "null", "payload": None})
    expected = [*values, None]
    assert [json.loads(one[3]) for one in told(read(rows))] == expected
    assert [json.loads(one[3]) for one in told(live(rows))] == expected


def test_bytes_and_texts_in_boxes_are_what_was_published():
    """Beside JSON, what is none."""
    boxes = [{"type": "json", "value": {}}, {"type": "text", "value": "on"}, {"type": "binary", "value": "AP8="}]
    assert [one[3] for one in told(read([{**ROW, "payload": one} for one in boxes]))] == [b"{}", b"on", b"\x00\xff"]


@pytest.mark.parametrize(
    "payloads",
    [
        [{"type": "text", "value": "on"}], [{"type": "number", "value": 3}], [{"text": "on"}], [{"raw": 512}],
        [{"hex": "a1b2"}], [{"type": "relay", "value": 1}], [{"type": "json", "value": 1}, {"on": True}],
        [{"type": "json", "value": 1, "unit": "C"}], [{"json": {}, "text": "on"}], [{"hex": "7b7"}], [{"size": 3}],
    ],
)  # fmt: skip
def test_what_a_device_may_have_published_itself_is_no_box(payloads):
    """Words of a device's own, other fields beside, not all alike, or not in the form that is said."""
    rows = [{**ROW, "payload": one} for one in payloads]
    assert [json.loads(one[3]) for one in told(read(rows))] == payloads


def test_boxes_that_were_shown_are_opened_in_all_answers():
    """One alone may not tell; the page says what others do, and a contract can say that they are, or are not."""
    sure, unsure = {"type": "json", "value": {"on": True}}, {"type": "text", "value": "on"}
    assert read([{**ROW, "payload": sure}]).payload_form == "boxed"
    assert read([{**ROW, "payload": unsure}]).payload_form is None
    said = {"fields": Fields(payload_form="boxed")}
    assert told(read([{**ROW, "payload": unsure}], **said))[0][3] == b"on"
    left = told(read([{**ROW, "payload": sure}], fields=Fields(payload_form="json")))
    assert json.loads(left[0][3]) == sure
    with pytest.raises(AnswerError, match="boxed"):
        read([{**ROW, "payload": {"on": True}}], **said)
    assert opened([b"null"]) is None
