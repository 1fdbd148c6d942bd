"""Answers in the records of other standards: messages all the same."""

from __future__ import annotations

import pytest
from pages import ACCOUNT, AT, NS, PATH, live, read, told

from isr_analysis.errors import AnswerError

SECONDS = NS // 10**9


def test_records_of_senml_are_messages():
    """Each with its whole name and time, and one payload; what is in no record of it is another form."""
    whole = SECONDS * 10**9
    packed = [
        {"bn": f"{ACCOUNT}/a/", "bt": SECONDS, "bu": "Cel", "n": "t/x", "v": 21.5},
        {"n": "t/y", "t": 1.5, "vb": True},
        {"bn": "", "n": f"{ACCOUNT}/b/t", "t": -1, "vs": "on", "u": "%"},
    ]
    assert told(read(packed)) == [
        (whole, "a", "t/x", b"21.5"), (whole + 1_500_000_000, "a", "t/y", b"true"), (whole - 10**9, "b", "t", b'"on"'),
    ]  # fmt: skip
    assert told(read([{"n": PATH, "t": NS / 10**9, "v": 3}])) == [(NS, "a", "t/x", b"3")]


def test_a_platform_path_names_the_topic_whatever_it_is_called():
    """As an observation of SensorThings has it; a filter or a prefix names none."""
    row = {
        "@iot.id": 7,
        "phenomenonTime": AT,
        "resultTime": AT,
        "result": 3,
        "Datastream": {"name": PATH, "@iot.id": 1},
    }
    assert told(read({"value": [row]})) == told(live({"value": [row]})) == [(NS, "a", "t/x", b"3")]
    for name in ("history_topic_prefix", "subscribed"):
        with pytest.raises(AnswerError, match="topic"):
            read([{"time": AT, "client_id": "a", name: f"{ACCOUNT}/a/#", "payload": 3}])
