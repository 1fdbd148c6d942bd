"""Answers of every plausible shape: bytes in, messages out."""

from __future__ import annotations

import json

import pytest

from isr_analysis import answers, messages
from isr_analysis.errors import AnswerError

ACCOUNT = "7b0c2f5e-6f5e-4d7c-9a3e-3f4c9d1b2a60"
AT = "2026-11-01T06:30:00.5Z"
ROW = {"time": AT, "client_id": "a", "topic": f"{ACCOUNT}/a/t/x", "payload": {"on": True}}
BARE = {"time": AT, "payload": {"on": True}}
ONE = [("2026-11-01T06:30:00.500000000", "a", "t/x", {"on": True})]


def told(page):
    """Give (time, client, topic, payload) of each message of a page."""
    assert page.messages.schema == messages.SCHEMA
    table = page.messages.to_pydict()
    return [
        (str(time.tz_localize(None).to_datetime64()), client, topic, json.loads(payload))
        for time, client, topic, payload in zip(
            table["time"], table["client_id"], table["topic"], table["payload"], strict=True
        )
    ]


@pytest.mark.parametrize(
    "body",
    [
        [ROW],
        {"messages": [ROW]},
        {"anything": [ROW], "status": "ok"},
        {"data": {"history": {"rows": [ROW]}}, "errors": []},
        {"a": [{"time": AT, "topic": "t/x", "payload": {"on": True}}]},
        {"t/x": [{"time": AT, "client_id": "a", "payload": {"on": True}}]},
        {"data": {"a": {"t/x": [BARE]}}},
        {f"{ACCOUNT}/a/t/x": [BARE]},
        {"groups": [{"client_id": "a", "topic": "t/x", "rows": [BARE]}, {"client_id": "b", "topic": "t", "rows": []}]},
        [{"client_id": "a", "topics": {"t/x": [BARE]}}],
        {"columns": ["time", "client_id", "topic", "payload"], "rows": [list(ROW.values())]},
        {"columns": [{"name": name} for name in ROW], "data": [list(ROW.values())]},
        {name: [value] for name, value in ROW.items()},
        [list(ROW), list(ROW.values())],
        {"results": [{"series": [{"tags": {"topic": "t/x", "client_id": "a"}, "columns": ["time", "on"], "values": [[AT, True]]}]}]},
    ],
)  # fmt: skip
def test_rows_are_found_in_every_envelope(body):
    """Arrays, objects under any name, groups by client and topic, columns beside values."""
    page = answers.read_page(json.dumps(body).encode(), account_id=ACCOUNT)
    assert told(page) == ONE
    assert page.rows == 1
    assert page.accounts <= {ACCOUNT}


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", b"[1]", b'"x"', b'{"detail": "no"}', b'{"messages": [{"a": 1}]}', b"<html>", b'[{"time": "x"}]'],
)
def test_what_is_no_answer_is_refused(body):
    """No page without rows or a place for them."""
    with pytest.raises(AnswerError, match="ISR_CONTRACT"):
        answers.read_page(body)
