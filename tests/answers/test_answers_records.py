"""Answers in the records of other standards: messages all the same."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import ACCOUNT, AT, NS, ONE, PATH, ROW, live, read, told

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
    with pytest.raises(AnswerError, match="no field of the rows holds an instant"):
        answers.read_page(b'[{"n": "t", "bt": 1, "t": 1e9999999, "v": 3}]', client_id="a")


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


def test_events_of_a_stream_are_rows():
    """Whatever stands between them; one that marks the end is none, and a stream of no more has none."""
    events = "".join(f"id: {i}\nevent: message\ndata: {json.dumps({**ROW, 'n': i})}\n\n" for i in range(3))
    end = "event: end\ndata: {}\n\n"
    assert told(read(f": hello\n\n{events}{end}".encode(), content_type="text/event-stream")) == ONE * 3
    for nothing in (end.encode(), b""):
        assert read(nothing, content_type="text/event-stream").rows == 0


def test_rows_in_an_object_each_are_rows():
    """As lines of what storage gives have them; one alone as well."""
    line = json.dumps(
        {"result": {"device": {"device_id": "a"}, "received_at": AT, "up": {"topic": "t/x", "payload": 3}}}
    )
    for count in (1, 3):
        assert told(read(f"{line}\n".encode() * count)) == [(NS, "a", "t/x", b"3")] * count


def test_lines_that_end_in_a_failure_are_not_all():
    """Though the lines before it are messages; a payload may speak of an error, too."""
    line = json.dumps({"time": AT, "client_id": "a", "topic": "t", "error": "low", "n": 1}) + "\n"
    assert len(told(read(line.encode() * 2))) == 2
    with pytest.raises(AnswerError, match="timed out"):
        read((line * 2 + '{"error": "timed out"}\n').encode())


def test_an_instant_that_is_not_read_is_shown():
    """Of a day and a month with a slash between them nobody can tell which is which; and there is no 13th month."""
    for wrong in ("01/11/2026 06:30", "01.13.2026 06:30"):
        with pytest.raises(AnswerError, match=f"'time' holds '{wrong}'"):
            read([{**ROW, "time": wrong}])


@pytest.mark.parametrize("around", [lambda series: series, lambda series: {"dev-a": series}])
def test_series_by_the_names_of_fields_are_messages_of_the_topic_that_was_asked_for(around):
    """As ThingsBoard gives them, with numbers as text; without a topic that was asked for, the names are topics."""
    ms = NS // 10**6
    series = {
        "temp": [{"ts": ms, "value": "21.5"}, {"ts": ms + 1000, "value": "22"}],
        "name": [{"ts": ms, "value": "DB0ZU"}],
    }
    asked = {"client_id": "dev-a", "topic": "telemetry/temp_probe"}
    assert told(read(around(series), **asked)) == [
        (NS // 10**6 * 10**6, "dev-a", "telemetry/temp_probe", b'{"temp":21.5,"name":"DB0ZU"}'),
        (NS // 10**6 * 10**6 + 10**9, "dev-a", "telemetry/temp_probe", b'{"temp":22}'),
    ]
    alone = told(read(around({"temp": series["temp"]}), **asked))
    assert [one[2:] for one in alone] == [
        ("telemetry/temp_probe", b'{"temp":21.5}'),
        ("telemetry/temp_probe", b'{"temp":22}'),
    ]
    levels = told(read(around({"telemetry/temp_probe": series["temp"]}), **asked))
    assert [one[2] for one in levels] == ["telemetry/temp_probe"] * 2
    assert {one[2] for one in told(read({"dev-a": series}, client_id="dev-a"))} == {"temp", "name"}


def test_rows_of_fiware_are_messages():
    """An attribute that has levels is a topic; beside one it is a field of the payload."""
    row = {"recvTime": AT, "entityId": "a", "entityType": "Device", "attrType": "json"}
    assert told(read([{**row, "attrName": "t/x", "attrValue": {"on": True}}])) == [(NS, "a", "t/x", b'{"on": true}')]
    fields = [{**row, "topic": "t/x", "attrName": name, "attrValue": value} for name, value in (("on", True), ("w", 5))]
    assert told(read(fields)) == [(NS, "a", "t/x", b'{"on":true,"w":5}')]
