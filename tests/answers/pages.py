"""What the tests of answers share: messages in an answer, what a page is told to hold, and ways to pack a body."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile

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
ROWS = [
    {"time": AT, "client_id": "a", "topic": PATH, "payload": {"on": True}},
    {"time": "2026-11-01T06:30:01Z", "client_id": "b", "topic": f"{ACCOUNT}/b/t", "payload": [1.0, "é\n,;"]},
    {"time": "2026-11-01T06:30:02Z", "client_id": "b", "topic": f"{ACCOUNT}/b/t", "payload": 21.5},
]
ALL = [
    (NS, "a", "t/x", {"on": True}),
    (NS + 500_000_000, "b", "t", [1.0, "é\n,;"]),
    (NS + 1_500_000_000, "b", "t", 21.5),
]  # fmt: skip


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


def as_csv(rows, divider=",", end="\r\n"):
    """Write rows as CSV with payloads as JSON."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=divider, lineterminator=end)
    writer.writerow(list(rows[0]))
    writer.writerows([*list(row.values())[:-1], json.dumps(row["payload"], ensure_ascii=False)] for row in rows)
    return out.getvalue().encode()


def zipped(*parts):
    """Pack bodies into a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for i, part in enumerate(parts):
            file.writestr(f"day-{i}.json", part)
    return out.getvalue()


def tarred(*parts, folder="history/", **named):
    """Pack bodies into a tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, part in ({f"day-{i}.json": part for i, part in enumerate(parts)} | named).items():
            about = tarfile.TarInfo(folder + name)
            about.size = len(part)
            file.addfile(about, io.BytesIO(part))
    return out.getvalue()
