"""Answers in every plausible format, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib

import pyarrow as pa
import pytest
from pages import ACCOUNT, ALL, AT, NS, ONE, PATH, ROW, ROWS, as_csv, read, tarred, through, told, zipped

from isr_analysis import answers, messages
from isr_analysis.errors import AnswerError

LINES = [json.dumps(row).encode() for row in ROWS]
FORMATS = {
    "json": json.dumps(ROWS).encode(),
    "json, spaced": json.dumps({"messages": ROWS}, indent=2).encode(),
    "json, not escaped": json.dumps(ROWS, ensure_ascii=False).encode(),
    "ndjson": b"\n".join(LINES),
    "ndjson, crlf and blank lines": b"\r\n\r\n".join(LINES) + b"\r\n",
    "ndjson with a trailer": b"\n".join(LINES) + b'\n{"next_cursor": null, "count": 3}\n',
    "json text sequence": b"".join(b"\x1e" + line + b"\n" for line in LINES),
    "json, one after the other": b"".join(LINES),
    "arrays, one after the other": b"[" + LINES[0] + b"]\n[" + LINES[1] + b"," + LINES[2] + b"]",
    "csv": as_csv(ROWS),
    "csv, unix": as_csv(ROWS, end="\n"),
    "csv, semicolons": as_csv(ROWS, ";"),
    "csv, tabs": as_csv(ROWS, "\t"),
    "csv, bars": as_csv(ROWS, "|"),
    "csv, topic first": as_csv([{k: row[k] for k in ("topic", "client_id", "time", "payload")} for row in ROWS]),
}  # fmt: skip
PACKED = {
    "plain": lambda body: body,
    "gzip": gzip.compress,
    "gzip twice": lambda body: gzip.compress(gzip.compress(body)),
    "gzip in parts": lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:]),
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda body: through("zstd", body),
    "lz4": lambda body: through("lz4", body),
    "zip": zipped,
    "tar": tarred,
    "tar, gzipped": lambda body: gzip.compress(tarred(body)),
    "gzip of a zip": lambda body: gzip.compress(zipped(body)),
    "utf-8 with a mark": lambda body: b"\xef\xbb\xbf" + body,
    "utf-16": lambda body: body.decode().encode("utf-16"),
    "utf-16, big": lambda body: b"\xfe\xff" + body.decode().encode("utf-16-be"),
    "utf-32 gzipped": lambda body: gzip.compress(body.decode().encode("utf-32")),
}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read_under_every_compression(form, packed):
    """JSON, JSON lines and sequences, CSV of every divider; compressed, encoded, or both."""
    page = read(PACKED[packed](FORMATS[form]))
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == ALL
    assert page.rows == 3
    assert page.accounts == {ACCOUNT}


def test_several_answers_in_one_file_are_read():
    """Pages that were saved one after the other, with an envelope each."""
    pages = [{"messages": [row], "next_cursor": str(i)} for i, row in enumerate(ROWS)]
    page = read("\n".join(map(json.dumps, pages)).encode())
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL]
    assert page.messages["extra"].null_count == 3


@pytest.mark.parametrize("before", ["sep=,\r\n", '"sep=,"\n', "# an export\n#\n# of it\n\n", "\ufeffsep=,\n# x\n"])
def test_what_stands_before_the_header_of_csv_is_no_part_of_it(before):
    """The divider as Excel wants it told, and notes."""
    page = read(before.encode() + FORMATS["csv"])
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL]


def test_the_charset_of_the_content_type_counts():
    """Latin-1 text is read as such where the portal says so; but JSON that is UTF-8 is that."""
    page = read("time,client_id,topic,payload\n2026-11-01,a,t,é\n".encode("latin-1"),
                content_type="text/csv; charset=ISO-8859-1")  # fmt: skip
    assert told(page)[0][3] == "é".encode()
    row = json.dumps([{**ROW, "payload": "é"}], ensure_ascii=False)
    for encoding, named in (("latin-1", "ISO-8859-1"), ("utf-16-le", "utf-16-le"), ("utf-8", "ISO-8859-1")):
        page = read(row.encode(encoding), content_type=f"application/json; charset={named}")
        assert told(page)[0][3] == '"é"'.encode()


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson; charset=utf-8", "application/json-seq"])
def test_no_line_of_a_format_of_lines_is_no_row(kind):
    """An empty body is an answer only where lines are promised."""
    assert read(b"", content_type=kind).rows == 0


@pytest.mark.parametrize("packed", ["gzip", "gzip twice", "bzip2", "xz", "zstd", "lz4", "zip"])
def test_a_compressed_file_of_nothing_is_no_row(packed):
    """It is whole; what is to be JSON, or has nothing under it at all, is missed."""
    body = PACKED[packed](b"")
    for kind in (None, "application/gzip", "application/octet-stream"):
        assert read(body, content_type=kind).rows == 0
    for empty, kind in ((body, "application/json"), (b"", "application/gzip"), (b"", None), (body[:-2], None)):
        with pytest.raises(AnswerError):
            read(empty, content_type=kind)


KINDS = "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339"
ANNOTATED = f"""{KINDS},double,string,string,string,string
#group,false,false,true,true,false,false,true,true,true,true
#default,_result,,,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement,client_id,topic
,,0,{AT},{AT},{AT},21.5,temp,mqtt,a,{PATH}
,,0,{AT},{AT},2026-11-01T06:30:01Z,22,temp,mqtt,a,{PATH}

{KINDS},string,string,string,string,string
#group,false,false,true,true,false,false,true,true,true,true
#default,_result,,,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement,client_id,topic
,,1,{AT},{AT},{AT},007,note,mqtt,a,{PATH}

{KINDS},boolean,string,string,string,string
#group,false,false,true,true,false,false,true,true,true,true
#default,_result,,,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement,client_id,topic
,,2,{AT},{AT},{AT},true,on,mqtt,a,{PATH}

""".replace("\n", "\r\n").encode()


def test_fields_of_influxdb_are_put_together_into_messages():
    """One message an instant, client and topic, its fields with the types that the annotations state."""
    page = read(ANNOTATED)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [
        (NS, "a", "t/x", {"temp": 21.5, "note": "007", "on": True}),
        (NS + 500_000_000, "a", "t/x", {"temp": 22}),
    ]
    assert page.fragments
    assert page.rows == 4


PIVOTED = (
    "#datatype,string,long,dateTime:RFC3339,double,long,string,string\n#group,f,f,f,f,f,t,t\n#default,_r,,,,,,\n"
    f",result,table,_time,temp,n,client_id,topic\n,,0,{AT},21.5,,a,t/x\n"
)
BARE_FLUX = (
    f",result,table,_time,_field,_value,client_id,topic\n,,0,{AT},temp,21.5,a,t/x\n\n"
    f",result,table,_time,_field,_value,client_id,topic\n,,1,{AT},hum,4,a,t/x\n"
)
EAV = [
    {"time": AT, "client_id": "a", "topic": "t/x", "field": name, "value": value}
    for name, value in (("temp", 1.5), ("on", None), ("note", "x"))
]


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (BARE_FLUX, {"temp": 21.5, "hum": 4}),
        (f"_time,_field,_value,_measurement,client_id\n{AT},temp,21.5,t/x,a\n", {"temp": 21.5}),
        (f"_time,_field,_value,_measurement,client_id,topic,chan\n{AT},temp,1,m,a,t/x,2\n", {"temp": 1, "chan": 2}),
        (f'_time,_field,_value,client_id,topic\n{AT},payload,"{{""on"": 1}}",a,t/x\n', {"on": 1}),
        (EAV, {"temp": 1.5, "note": "x"}),
        (PIVOTED, {"temp": 21.5}),
    ],
)
def test_other_forms_of_one_field_a_row(body, payload):
    """Without annotations, without a topic, with further tags, with the whole payload in a field, as JSON, pivoted."""
    page = read(body.encode() if isinstance(body, str) else body)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", payload)]


def test_fragments_of_two_pages_are_merged():
    """Messages of one instant are one if each brings fields that the other lacks, and otherwise stay apart."""
    rows = [
        {"time": AT, "client_id": "a", "topic": "t", "field": name, "value": value}
        for name, value in [("x", 1), ("y", 2), ("z", 4), ("x", 3)]
    ]
    pages = [read(rows[:1]).messages, read(rows[1:3]).messages, read(rows[3:]).messages]
    found = answers.merge(pa.concat_tables(pages))
    assert found.schema == messages.SCHEMA
    assert [json.loads(one) for one in found["payload"].to_pylist()] == [{"x": 1, "y": 2, "z": 4}, {"x": 3}]
    assert answers.merge(pages[0]).equals(pages[0])
    assert answers.merge(messages.empty()).equals(messages.empty())


def test_the_first_and_the_last_line_may_be_no_rows():
    """By what they say that they are; a row of that kind is one."""
    lines = [{"type": "header", "account_id": ACCOUNT, "version": 1}, ROW, ROW, {"type": "end", "count": 2}]
    page = read("\n".join(map(json.dumps, lines)).encode())
    assert (page.rows, page.accounts) == (2, {ACCOUNT})
    row = {"time": AT, "client_id": "a", "type": "start"}
    assert read("\n".join(map(json.dumps, [row, row])).encode(), topic="t").rows == 2


@pytest.mark.parametrize(
    "body",
    [
        {"meta": {"columns": ["time", "client_id", "topic", "payload"]}, "data": [[AT, "a", "t/x", {"on": True}]] * 2},
        {"a": {"t/x": {"times": [AT, AT], "values": [{"on": True}] * 2}}},
        {"a": {"t/x": {"timestamps": [NS // 10**6] * 2, "payloads": ['{"on": true}'] * 2}}},
        {"times": [AT] * 2, "client_ids": ["a"] * 2, "topics": ["t/x"] * 2, "payloads": [{"on": True}] * 2, "count": 2},
        {
            "timestamps": [AT, AT],
            "properties": [
                {"name": "clientId", "type": "String", "values": ["a", "a"]},
                {"name": "topic", "type": "String", "values": ["t/x", "t/x"]},
                {"name": "payload", "type": "String", "values": ['{"on": true}'] * 2},
            ],
            "progress": 100.0,
        },
    ],
)
def test_lists_of_columns_in_every_form(body):
    """Named beside the rows, or within what is beside them; in the plural; columns in objects."""
    assert told(read(body)) == ONE * 2


@pytest.mark.parametrize("published", [b"21.5", b"true", b'"on"', b"[1, 2]"])
def test_a_list_of_payloads_is_one_of_payloads_whatever_they_are(published):
    """Alone, a field called so would be a part of one."""
    body = {"client_id": "a", "topic": "t/x", "times": [AT] * 2, "payloads": [json.loads(published)] * 2}
    assert [one[3] for one in told(read([body]))] == [published] * 2


@pytest.mark.parametrize("name", ["values", "rows", "dataset"])
def test_rows_of_values_beside_the_columns_that_they_have(name):
    """Whatever they are called."""
    names = [{"name": one, "type": "STRING"} for one in ("time", "client_id", "topic", "payload")]
    body = {"query": "…", "columns": names, name: [list(ROW.values())], "count": 1}
    assert told(read(body)) == ONE
    assert told(read({**body, name: []})) == []


def test_of_two_fields_of_one_instant_the_finer_counts():
    """Whole seconds beside a number with the rest; another field's time of the same second is another."""
    row = {"client_id": "a", "topic": "t/x", "payload": {"on": True}}
    for first, second in (
        ({"created_at": "2026-11-01T06:30:00Z"}, {"created_epoch": NS / 10**9}),
        ({"time": "2026-11-01T06:30:00Z"}, {"time_ms": NS // 10**6}),
    ):
        assert told(read([{**first, **second, **row}])) == told(read([{**second, **first, **row}])) == ONE
    other = {"published_at": "2026-11-01T06:30:00Z", "received_at": AT}
    assert told(read([{**other, **row}]))[0][0] == NS - 500_000_000


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ({"time": "2026-11-01T06:30:00Z"}, {"nanos": 500_000_000}),
        ({"ts": NS // 10**9}, {"ts_nanos": 500_000_000}),
        ({"timestamp": "2026-11-01 06:30:00"}, {"millis": 500}),
        ({"published_at": NS // 10**9}, {"published_us": "500000"}),
        ({"sec": NS // 10**9}, {"nsec": 500_000_000}),
        ({"time": "2026-11-01T06:30:00.5Z"}, {"nanos": 500_000_000}),  # as Java has it, once more
    ],
)
def test_parts_of_a_second_may_stand_beside_the_instant(whole, part):
    """In whichever order; they are no field of a payload that is spread over its row."""
    row = {"client_id": "a", "topic": "t/x", "payload": {"on": True}}
    assert told(read([{**whole, **part, **row}])) == told(read([{**part, **whole, **row}])) == ONE
    if not part.keys() & {"millis", "nsec"}:
        del row["payload"]
        assert told(read([{**whole, **part, **row, "on": True}])) == [(*ONE[0][:3], b'{"on":true}')]


def test_a_number_beside_an_instant_that_is_no_part_of_a_second_moves_nothing():
    """How long something took; a field of the payload; more than a second."""
    row = {"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "t/x"}
    for more in ({"took_ms": 12, "payload": {}}, {"ms": 12}, {"ns": 1}, {"nanos": 10**9, "payload": {}}):
        page = read([{**row, **more}])
        assert told(page)[0][0] == NS - 500_000_000
        assert "payload" in more or told(page)[0][3] == json.dumps(more).replace(" ", "").encode()


def test_a_row_of_an_empty_list_is_not_taken_for_none():
    """Its time may have a name that is not known; groups that have no rows are none, whenever they began."""
    row = {"zeitpunkt": AT, "client_id": "a", "topic": "t/x", "data": []}
    with pytest.raises(AnswerError, match="no rows of messages"):
        read([row])
    assert told(read([row], fields=answers.Fields(time="zeitpunkt", payload="data"))) == [(*ONE[0][:3], b"[]")]
    assert told(read([{"client_id": "a", "topic": "t/x", "from": AT, "data": []}])) == []


def test_an_empty_list_beside_what_is_not_understood_is_no_empty_group():
    """What holds the messages may be the other; a list that is called as rows are is their place."""
    group = {"client_id": "a", "topic": "t/x", "flags": [], "dps": {"first": {"on": True}}}
    with pytest.raises(AnswerError, match="no rows of messages"):
        read([group])
    assert told(read([{**group, "dps": {"1793514600": {"on": True}}}]))[0][1:] == ("a", "t/x", b'{"on": true}')
    assert told(read([{"client_id": "a", "labels": {"site": "b"}, "messages": []}])) == []


def test_series_are_fields_of_their_names():
    """Two metrics of Prometheus at one instant are one message; texts of numbers are these."""
    series = [
        {"metric": {"__name__": name, "client_id": "a", "topic": "t"}, "values": [[NS // 10**9, value], [1.8e9, "1"]]}
        for name, value in (("temp", "21.5"), ("hum", "NaN"), ("state", "on"))
    ]
    page = read({"status": "success", "data": {"resultType": "matrix", "result": series}})
    assert [payload for *_, payload in told(page)] == [
        b'{"temp":21.5,"hum":NaN,"state":"on"}', b'{"temp":1,"hum":1,"state":1}',
    ]  # fmt: skip


def test_lines_of_arrays_are_a_table():
    """The names of its columns first."""
    lines = [["time", "client_id", "topic", "payload"], *([AT, "a", "t/x", {"i": i}] for i in range(3))]
    page = read("\n".join(map(json.dumps, lines)).encode())
    assert [json.loads(payload) for *_, payload in told(page)] == [{"i": 0}, {"i": 1}, {"i": 2}]


def test_a_comma_for_the_point_makes_numbers_between_semicolons():
    """In all cells of a column; elsewhere it is text."""
    head = "time;client_id;topic;value;version\n"
    told_of = [payload for *_, payload in told(read(f"{head}{AT};a;t;21,5;1,2,3\n{AT};a;t;-3;2,0\n".encode()))]
    assert [json.loads(one) for one in told_of] == [
        {"value": 21.5, "version": "1,2,3"}, {"value": -3, "version": "2,0"},
    ]  # fmt: skip


def test_cells_between_tabs_may_be_escaped_by_backslashes():
    """As ClickHouse, MySQL and PostgreSQL write them; where JSON shows none, a backslash is one."""
    head = "time\tclient_id\ttopic\tpayload\tqos\n"
    payload = {"say": 'a "b"\n', "path": "C:\\x"}

    def line(text):
        return f"{AT}\ta\tt/x\t{text}\t\\N\n"

    plain, escaped = json.dumps(payload), json.dumps(payload).replace("\\", "\\\\")
    for text in (plain, escaped):
        page = read((head + line(text) * 2).encode())
        assert [json.loads(payload) for *_, payload in told(page)] == [payload, payload]
        assert page.messages["extra"].to_pylist() == [None, None]
