"""Payloads of one template: taken in columns, the odd ones left."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from isr_analysis.payloads import plain


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
