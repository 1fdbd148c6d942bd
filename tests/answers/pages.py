"""What the tests of answers share: one message in an answer, what a page is told to hold, and ways to pack a body."""

from __future__ import annotations

import json

import pyarrow as pa

from isr_analysis import answers, messages

ACCOUNT = "7b0c2f5e-6f5e-4d7c-9a3e-3f4c9d1b2a60"
OTHER = "00000000-0000-4000-8000-000000000002"
AT = "2026-11-01T06:30:00.5Z"
NS = 1_793_514_600_500_000_000
PATH = f"{ACCOUNT}/a/t/x"
ROW = {"time": AT, "client_id": "a", "topic": PATH, "payload": {"on": True}}
BARE = {"time": AT, "payload": {"on": True}}
ONE = [(NS, "a", "t/x", b'{"on": true}')]


def told(page):
    """Give (ns, client, topic, payload) of each message of a page."""
    assert page.messages.schema == messages.SCHEMA
    page.messages.validate(full=True)
    assert sorted(page.messages["seq"].to_pylist()) == list(range(len(page.messages)))
    table = page.messages.set_column(0, "time", page.messages["time"].cast("int64"))
    return list(zip(*(table[name].to_pylist() for name in ("time", "client_id", "topic", "payload")), strict=True))


def read(body, **asked):
    """Read a page of history; what is no bytes is written as JSON."""
    return answers.read_page(body if isinstance(body, bytes) else json.dumps(body).encode(), **asked)


def live(body, **asked):
    """Read a live answer."""
    return answers.read_live(body if isinstance(body, bytes) else json.dumps(body).encode(), **asked)


def through(codec, body):
    """Compress with one of pyarrow's codecs."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, codec) as stream:
        stream.write(body)
    return out.getvalue().to_pybytes()
