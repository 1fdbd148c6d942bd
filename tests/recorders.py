"""What tests of recorders and of the moment share: messages as tuples and tables, the fleet's truth, waiting."""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa
import pytest

from isr_analysis import messages, times
from isr_analysis.sandbox import broker
from isr_analysis.times import Range

S = times.SECOND
EVER = Range(0, 2**62)

needs_mosquitto = pytest.mark.skipif(broker.program() is None, reason="mosquitto is not installed")


def wait_for(condition, seconds=60.0):
    """Wait until something is so; fail if it never is."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to be so"
        time.sleep(0.005)


def rows(table):
    """Give messages as tuples."""
    columns = (table[name].to_pylist() for name in ("client_id", "topic", "payload"))
    return list(zip(table["time"].cast(pa.int64()).to_pylist(), *columns, strict=True))


def truth(here, start, end):
    """Give what the fleet published in a span."""
    made = here._world.account(here.seed).archive.published(start, end)
    return sorted((one.time, one.client.client_id, one.feed.topic, one.payload) for one in made)


def said(found):
    """Count messages without their times."""
    return Counter(one[1:] for one in found)


def table(rows):
    """Make messages of (ns, client, topic, payload) rows."""
    time, client, topic, payload = zip(*rows, strict=True)
    return pa.table(
        [
            pa.array(time, pa.int64()).cast(messages.SCHEMA.field("time").type), client, topic,
            pa.array(payload, pa.binary()), range(len(rows)), ["stream"] * len(rows), pa.nulls(len(rows), pa.string()),
        ],
        schema=messages.SCHEMA,
    )  # fmt: skip
