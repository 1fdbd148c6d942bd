"""Payloads of one template: taken in columns, the odd ones left."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from isr_analysis import messages, payloads
from isr_analysis.payloads import message, plain


def test_plain_messages_are_read_in_columns_and_only_odd_ones_are_left():
    """What has one template is taken at once; one odd message sends no other the slower way."""
    rows = [
        json.dumps({"a": i / 4 - 9, "l": ["x", i], "n": None, "o": {"b": f"{i}" * (i % 3)}, "t": i % 2 == 0}).encode()
        for i in range(1000)
    ]
    odd = [b'{"a":1,"new":2}', b'{"a":0.5,"o":{}}', b"17.5", b'{"a":\n0.5}', b'{"a":NaN}', rows[0][:-1], rows[0] + b"}",
           rows[0].replace(b"-9.0", b"")]  # fmt: skip
    for extra, left in ([], []), (odd, [*range(1000, 1008)]):
        given_ = pa.array([*rows, *extra, *rows], pa.large_binary())
        assert sorted(plain.take(given_, np.arange(len(given_))).left.tolist()) == left


def test_a_field_whose_type_changes_is_read_in_columns_before_and_after():
    """Each of a topic's templates is found, and few messages are left."""
    rows = [
        json.dumps({"a": i + 0.5 if i < 8192 else str(i), "b": [] if i == 100 else i}).encode() for i in range(16_384)
    ]
    left = plain.take(pa.array(rows, pa.large_binary()), np.arange(16_384)).left
    assert left.tolist() == [100]


def test_few_messages_of_many_topics_are_read_together(monkeypatch):
    """Each device has topics of its own: they are read in columns all the same, and each value is in its row."""
    read = []
    monkeypatch.setattr(
        message, "fields", lambda payload, plainly=message.fields: read.append(payload) or plainly(payload)
    )
    kinds = [
        *(("d{}/temp", {"t": 0.5 * i}) for i in range(2000)),
        *(("volt/d{}", {"v": i, "ok": i % 2 == 0}) for i in range(1500)),
        *(("d{}/note", {f"n{i}": i}) for i in range(50)),
    ]
    rows = [(topic.format(i), value) for i, (topic, value) in enumerate(kinds)] * 2
    given_ = pa.Table.from_pylist(
        [{"time": i, "client_id": "c", "topic": topic, "payload": json.dumps(value).encode(), "seq": i,
          "source": "history"} for i, (topic, value) in enumerate(rows)], schema=messages.SCHEMA)  # fmt: skip
    columns, extra, _ = payloads.resolve(payloads.decode(given_))
    found = [{} for _ in rows] if extra is None else [json.loads(text or "{}") for text in extra.to_pylist()]
    for column in columns:
        for fields, value in zip(found, column.objects(), strict=True):
            fields.update({} if value is None else {column.name: value})
    assert found == [value for _, value in rows]
    assert len(read) <= 200
