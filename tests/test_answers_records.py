"""Answers in the records of other standards: messages all the same."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import ACCOUNT, AT, NS, PATH, live, read, told

from isr_analysis import answers
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


def parquet(table):
    """Write a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def arrow(table, write=pa.ipc.new_stream):
    """Write a stream of Arrow, or a file."""
    file = io.BytesIO()
    with write(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


@pytest.mark.parametrize("write", [parquet, arrow, lambda table: arrow(table, pa.ipc.new_file)])
@pytest.mark.parametrize(
    ("payload", "published"),
    [
        (pa.array([b'{"on":  true}', b"\xff\x00", None]), [b'{"on":  true}', b"\xff\x00", b"null"]),
        (pa.array(['{"on":  true}', "21.50", None]), [b'{"on":  true}', b"21.50", b"null"]),
        (pa.array([{"on": True}, {"on": None}, None]), [b'{"on": true}', b'{"on": null}', b"null"]),
        (pa.array([1.5, 2.0, None]), [b"1.5", b"2.0", b"null"]),
    ],
)
def test_parquet_and_arrow_are_read(write, payload, published):
    """Instants to the nanosecond, payloads as they were published; nothing in it is an answer without rows."""
    table = pa.table({
        "time": pa.array([NS, NS + 1, NS + 2], pa.timestamp("ns", "UTC")),
        "client_id": pa.array(["a", "a", "b"]).dictionary_encode(),
        "topic": ["t/x", "t/x", "t"],
        "payload": payload,
        "qos": pa.array([0, 1, 2], pa.int8()),
    })  # fmt: skip
    page = answers.read_page(write(table))
    assert [row[3] for row in told(page)] == published
    assert [row[:3] for row in told(page)] == [(NS, "a", "t/x"), (NS + 1, "a", "t/x"), (NS + 2, "b", "t")]
    assert page.messages["extra"].to_pylist() == ['{"qos":0}', '{"qos":1}', '{"qos":2}']
    assert answers.read_page(write(table.slice(0, 0))).rows == 0
    with pytest.raises(AnswerError, match="breaks off"):
        answers.read_page(write(table)[:-40])


def test_instants_of_parquet_without_a_zone_are_said_to_have_none():
    """So that it is found out whether they are UTC."""
    table = pa.table({"time": pa.array([NS], pa.timestamp("ns")), "client_id": ["a"], "topic": ["t"], "payload": [1]})
    page = answers.read_page(parquet(table))
    assert (told(page), page.zoneless) == ([(NS, "a", "t", b"1")], True)
