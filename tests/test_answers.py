"""Answers of every plausible shape: bytes in, messages out."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
import zlib

import pyarrow as pa
import pytest

from isr_analysis import answers, messages
from isr_analysis.answers import Fields, columns, raw
from isr_analysis.errors import AnswerError

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


ENVELOPES = [
    [ROW],
    {"messages": [ROW]},
    {"anything": [ROW], "status": "ok"},
    {"data": {"history": {"rows": [ROW]}}, "errors": []},
    {"data": {"messages": {"edges": [{"cursor": "c", "node": ROW}], "pageInfo": {"hasNextPage": False}}}},
    {"hits": {"total": {"value": 1}, "hits": [{"_index": "i", "_source": ROW}]}},
    {"a": [{"time": AT, "topic": "t/x", "payload": {"on": True}}]},
    b'{"meta": {"version": 1}}\n' + json.dumps(ROW).encode() + b'\n{"_summary": {"rows": 1}}\n',
    {"t/x": [{"time": AT, "client_id": "a", "payload": {"on": True}}]},
    {"data": {"a": {"t/x": [BARE]}}},
    {"data": {"a": {"t/x": [BARE], "t/y": []}, "b": {}}},
    {f"{ACCOUNT}/a/t/x": [BARE]},
    {"data": {f"{ACCOUNT}/a/t/x": BARE}},
    {"groups": [{"client_id": "a", "topic": "t/x", "rows": [BARE]}, {"client_id": "b", "topic": "t", "rows": []}]},
    [{"client_id": "a", "topics": {"t/x": [BARE]}}],
    [{"topic": PATH, "messages": [BARE]}],
    {"client_id": "a", "topic": "t/x", "messages": [BARE]},
    {"client_id": "a", "topic": "t/#", "messages": [ROW]},
    {"device": {"client_id": "a", "label": "x"}, "messages": [{**BARE, "topic": "t/x"}]},
    {"clients": [{"id": "a", "topics": [{"topic": "t/x", "messages": [BARE]}]}]},
    {"topics": [{"name": PATH, "messages": [BARE]}]},
    {"data": [{"type": "message", "id": "1", "attributes": ROW}], "links": {"next": None}},
    {"columns": ["time", "client_id", "topic", "payload"], "rows": [list(ROW.values())]},
    {"columns": [{"name": name} for name in ROW], "data": [list(ROW.values())]},
    {"columns": ["client_id", "topic", "payload"], "index": [AT], "data": [["a", "t/x", {"on": True}]]},
    {"schema": {"fields": [{"name": name} for name in ROW]}, "data": [ROW]},
    {name: [value] for name, value in ROW.items()},
    {"data": {name: [value] for name, value in ROW.items()}},
    [list(ROW), list(ROW.values())],
    {"results": [{"series": [{"tags": {"topic": "t/x", "client_id": "a"}, "columns": ["time", "on"],
                              "values": [[AT, True]]}]}]},
    ROW,
    {"data": ROW},
    {"publishers": [{"client_id": "a", "created_at": AT}], "messages": [ROW]},
    [{"message": ROW}],
    [{"id": 7, "publisher": {"client_id": "a", "label": "x"}, "message": {**BARE, "topic": "t/x"}}],
    [{"meta": {"time": AT, "client_id": "a", "topic": "t/x"}, "payload": {"on": True}}],
    [{"device": {"id": "a"}, "topic": "t/x", "timestamp": AT, "payload": {"on": True}}],
    {"data": [{"type": "m", "id": "7", "attributes": {"time": AT, "topic": "t/x", "payload": {"on": True}},
               "relationships": {"client": {"data": {"type": "c", "id": "a"}}}}]},
    {"series": [{"client_id": "a", "topic": "t/x", "values": [[NS // 10**6, {"on": True}]]}]},
    {"series": {PATH: [[NS // 10**6, {"on": True}]]}},
    {"a": {"t/x": [[AT, {"on": True}]]}},
    {"data": {"result": [{"metric": {"client_id": "a", "topic": "t/x"}, "values": [[NS / 10**9, '{"on": true}']]}]}},
    {"meta": [{"name": name} for name in ROW], "data": [list(ROW.values())], "rows": 1},
    {
        "results": {
            "A": {
                "frames": [
                    {
                        "schema": {
                            "fields": [
                                {"name": "time"},
                                {"name": "payload", "labels": {"client_id": "a", "topic": "t/x"}},
                            ]
                        },
                        "data": {"values": [[NS // 10**6], ['{"on": true}']]},
                    }
                ]
            }
        }
    },
]  # fmt: skip


@pytest.mark.parametrize("body", ENVELOPES)
def test_rows_are_found_in_every_envelope(body):
    """Arrays, objects under any name, groups by client and topic, columns beside values."""
    page = read(body, account_id=ACCOUNT)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert page.rows == 1
    assert page.accounts <= {ACCOUNT}


@pytest.mark.parametrize(
    "body",
    [
        [], {"messages": []}, {"data": {"rows": []}}, {"data": {}}, {"data": {"a": []}}, {"messages": None, "total": 0},
        {"columns": ["time", "topic"], "rows": []}, {"time": [], "client_id": [], "topic": [], "payload": []},
        {"results": [{"statement_id": 0}]}, {"messages": [], "warnings": [{"at": AT, "text": "slow"}]},
        {"messages": None, "next": ""}, {"messages": None, "has_more": False}, {"nextPageToken": ""}, {"type": "end"},
        {"_links": {"self": {"href": "/h"}}, "page": {"number": 1, "totalPages": 1, "totalElements": 10}},
        b'{"meta": {"version": 1}}\n{"_summary": {"rows": 0}}\n',
    ],
)  # fmt: skip
def test_an_empty_place_for_rows_is_a_page_of_none(body):
    """No messages, the same schema."""
    page = read(body)
    assert page.messages.equals(messages.empty())
    assert page.rows == 0
    assert page.descending is None


FEW = json.dumps([ROW, ROW]).encode()
DOUBLED = [(FEW, FEW), (FEW, b"[]")]
NO_NAMES = [{}, {"a": 1}, [], True]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        ({}, "no rows"),
        ([1], "number 1"),
        (b'"x"', "neither JSON nor CSV"),
        (b"17", "neither JSON nor CSV"),
        (b"null", "neither JSON nor CSV"),
        ({"detail": "slow down"}, "slow down"),
        ({"error": {"message": "no such thing"}}, "no such thing"),
        ({"messages": [{"a": 1}]}, "fields a"),
        ({"messages": None}, "fields messages"),
        ({"messages": None, "next": "abc"}, "fields messages"),
        ({"messages": None, "message": "slow", "next": ""}, "fields messages"),
        ({"total": 7, "next": None}, "fields total"),
        ({"ok": True}, "fields ok"),
        (b"<!doctype html><title>Sign in</title>", "Sign in"),
        (b"Service Unavailable", "Service Unavailable"),
        ([{"time": "x"}], "no instant|holds an instant"),
        ([{**ROW, "time": None}], "instant"),
        ([ROW, None], "null stands where an object should"),
        ([ROW, [1]], "where an object should"),
        ([ROW, {**ROW, "time": None}], "row 2 .*no time"),
        ([ROW, {"client_id": "a", "topic": "t", "payload": 1}], "row 2 .*no time"),
        ([ROW, {**ROW, "time": "yesterday"}], "row 2.*'yesterday'"),
        ([{**ROW, "time": 10**20}], "out of range|no instant"),
        ([{**ROW, "topic": "t/x"}, {**BARE, "topic": "t/x"}], "row 2 .*names no client"),
        ([{"time": AT, "topic": "t/x", "payload": 1}], "row 1 .*names no client"),
        ([{"time": AT, "client_id": "a", "payload": 1}], "topic"),
        ([{"time": AT, "client_id": "a", "topic": "t"}], "payload"),
        ({"messages": [ROW], "errors": [{"message": "shard down"}]}, "shard down"),
        ({"messages": [], "status": "error"}, "error"),
        ([{"client_id": "a", "rows": [ROW]}, {"client_id": "b", "rows": [], "error": "shard down"}], "shard down"),
        ({"success": False, "message": "sorry", "data": []}, "sorry"),
        ({"timestamp": AT, "status": 500, "error": "Oops", "path": "/api/v1"}, "Oops"),
        ({"columns": ["time", "topic"], "rows": [[AT]]}, "1 values for 2"),
        ({"time": [AT, AT], "client_id": ["a"]}, "differ in length"),
        ([{**ROW, "payload_encoding": "base64", "payload": "?"}], "said to be base64"),
        ([{**ROW, "client_id": "\ud800"}], "no text"),
        *((b'{"messages": %s, "n": 1, "messages": %s}' % one, "two members 'messages'") for one in DOUBLED),
        *(([ROW, {**ROW, name: one}], "row 2 .*no name") for name in ("client_id", "topic") for one in NO_NAMES),
        (b'{"client_id": "a", "topic": "t", "time": null, "x": []}\n' + json.dumps(ROW).encode(), "row 1 .*no time"),
        (b"time,client_id,topic,payload\n" + AT.encode() + b",a,t\n", "3 cells"),
        (b"time,client_id,topic,payload\n" + AT.encode() + b',a,t,"x\n', "quote"),
        (b"time,time,topic,payload\n1,2,3,4\n", "twice"),
        (b"#datatype,string,long\n,error,reference\n,failed to parse,897\n", "failed to parse"),
        (b"\xff\xfe\xfd", "not utf-16"),
        (b"\x89PNG\r\n\x1a\n\xff", "neither JSON nor text"),
    ],
)
def test_what_was_not_understood_is_shown(body, says):
    """The error says what came and what to do; it is never an empty page."""
    with pytest.raises(AnswerError, match=f"(?s){says}.*ISR_CONTRACT"):
        read(body)


# --- formats and compression ---------------------------------------------------------------------------------------

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


def through(codec, body):
    """Compress with one of pyarrow's codecs."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, codec) as stream:
        stream.write(body)
    return out.getvalue().to_pybytes()


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


def test_all_files_of_a_zip_are_read():
    """In the order of their names, whatever their format."""
    page = read(zipped(FORMATS["json"], FORMATS["ndjson"]))
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL] * 2


def test_a_manifest_beside_tables_is_a_note():
    """Its count counts; a failure, or what may hold rows, is not passed over."""
    manifest = {"account_id": ACCOUNT, "total": 3, "created_at": AT, "format": "csv"}
    page = read(zipped(FORMATS["csv"], json.dumps(manifest).encode()))
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL]
    assert (page.rows, page.total, page.accounts) == (3, 3, {ACCOUNT})
    assert read(zipped(FORMATS["csv"], json.dumps(ROW).encode())).rows == 4
    for other in ({"error": "timeout"}, {"status": "partial"}, {"files": [{"name": "day-0.csv"}]}, {}):
        with pytest.raises(AnswerError):
            read(zipped(FORMATS["csv"], json.dumps(other).encode()))


def test_the_charset_of_the_content_type_counts():
    """Latin-1 text is read as such where the portal says so; but JSON that is UTF-8 is that."""
    page = read("time,client_id,topic,payload\n2026-11-01,a,t,é\n".encode("latin-1"),
                content_type="text/csv; charset=ISO-8859-1")  # fmt: skip
    assert told(page)[0][3] == '"é"'.encode()
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


# --- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "ns"),
    [
        ("time", AT, NS), ("time", "2026-11-01T07:30:00.5+01:00", NS),
        ("time", "2026-11-01T07:30:00.5+0100", NS), ("time", "2026-11-01 06:30:00.5", NS),
        ("time", "2026-11-01T06:30:00,5Z", NS), ("time", "2026-11-01 06:30:00.500 UTC", NS),
        ("time", "20261101T063000.5Z", NS), ("time", "2026-11-01t06:30:00.5z", NS),
        ("time", "2026-11-01 07:30:00.5 +0100", NS), ("time", "2026/11/01 06:30:00.5", NS),
        ("time", "2026-11-01T06:30:00.500000001Z", NS + 1), ("time", "2026-11-01T06:30:00.5000000019Z", NS + 1),
        ("time", "2026-11-01T00:00:00.5-06:30", NS), ("time", "2026-11-01T06:29:60.5Z", NS),
        ("time", "2026-11-01T06:30Z", NS - 500_000_000), ("time", "2026-11-01T06:30:00.5+00:00[UTC]", NS),
        ("time", "Sun, 01 Nov 2026 06:30:00 GMT", NS - 500_000_000),
        ("time", "Sun, 01 Nov 2026 07:30:00 +0100", NS - 500_000_000),
        ("time", "2026-10-31T24:00:00Z", NS - 23_400_500_000_000),
        ("ts", 1_793_514_600, NS - 500_000_000), ("ts", 1_793_514_600_500, NS), ("ts", 1_793_514_600_500_000, NS),
        ("ts", NS, NS), ("ts", NS + 1, NS + 1), ("ts", 1_793_514_600.5, NS), ("ts", "1793514600.500000001", NS + 1),
        ("ts", "1793514600500", NS), ("ts", "1.7935146005e9", NS), ("ts", "1793514600500.25", NS + 250_000),
        ("time_ms", 1000, 1_000_000_000), ("timestamp_s", 5, 5_000_000_000), ("tsNs", 7, 7), ("time_us", 1, 1000),
        ("epochMillis", 1_793_514_600_500, NS), ("timestamp", 0, 0), ("ts", -1000, -1_000_000_000_000),
        ("publishedAt", AT, NS), ("@timestamp", AT, NS), ("received_at", AT, NS), ("createdAt", AT, NS),
        ("eventTimestamp", AT, NS), ("_time", AT, NS), ("t", 1_793_514_600_500, NS), ("msg_time", AT, NS),
        ("time_received", AT, NS), ("last_seen", AT, NS), ("DateTime", AT, NS), ("when", AT, NS), ("unix", NS, NS),
    ],
)  # fmt: skip
def test_instants_of_every_form_are_exact(name, value, ns):
    """Names, offsets, fractions, units by name or else by magnitude; a naive instant is UTC."""
    assert told(read([{name: value, "client_id": "a", "topic": "t", "payload": 1}]))[0][0] == ns
    if isinstance(value, str):
        line = f'{name};client_id;topic;payload\n"{value}";a;t;1\n'
        assert told(read(line.encode()))[0][0] == ns


def test_a_name_that_comes_twice_in_a_payload_is_the_devices_own():
    """Its payload stays as it was published."""
    payload = b'{"text": "a text of some length", "text": "another text of some length", "text": 1}'
    row = json.dumps({**ROW, "payload": 0}).encode()[:-2] + payload + b"}"
    for body in (b"[" + row + b"]", b'{"messages":[' + row + b"]}", row, row + b"\n" + row):
        assert {one[3] for one in told(read(body))} == {payload}


def test_instants_of_several_forms_share_a_column():
    """A column is read value by value where its values differ in form."""
    rows = [{**ROW, "time": one} for one in (AT, "2026-11-01 06:30:00.5", "2026-11-01T07:30:00.5+01:00")]
    assert [one[0] for one in told(read(rows))] == [NS] * 3


def test_the_published_time_comes_before_others():
    """Published before received before last seen; a row without the first has the next."""
    rows = [
        {"received_at": "2026-11-02", "published_at": AT, "client_id": "a", "topic": "t", "payload": 1},
        {"received_at": "2026-11-02", "published_at": None, "client_id": "a", "topic": "t", "payload": 1},
    ]
    assert [one[0] for one in told(read(rows))] == [NS, 1_793_577_600_000_000_000]
    assert (
        told(read([{"date": "2026-11-01", "time": "06:30:00.5", "client_id": "a", "topic": "t", "payload": 1}]))[0][0]
        == NS
    )  # a day and a time of day apart


def test_the_contract_names_what_the_shape_does_not_tell():
    """Rows, fields and forms as given; a name that is not there is an error."""
    body = {"x": {"y": [{"wann": 12, "wer": "a", "was": "t", "wie": "eyJvbiI6dHJ1ZX0"}]}}
    fields = Fields(
        rows="x.y", time="wann", client_id="wer", topic="was", payload="wie", time_form="ms", payload_form="base64"
    )
    assert told(read(body, fields=fields)) == [(12_000_000, "a", "t", b'{"on":true}')]
    for wrong in (Fields(rows="x.z"), Fields(rows="x.y", time="zeit"), Fields(payload="wie?", time="wann")):
        with pytest.raises(AnswerError, match="contract names"):
            read(body, fields=wrong)
    nested = [{"m": {"zeit": AT}, "client_id": "a", "topic": "t", "payload": 1}]
    assert told(read(nested, fields=Fields(time="m.zeit"))) == [(NS, "a", "t", b"1")]
    boxed = [{**ROW, "payload": {"content_type": "application/json", "data": one}} for one in ({"on": True}, 1)]
    found = [b'{"on": true}', b"1"]
    assert [one[3] for one in told(read(boxed, fields=Fields(payload="payload.data")))] == found


# --- topic and client ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "asked", "client", "topic"),
    [
        ({"topic": PATH}, {}, "a", "t/x"),
        ({"topic": PATH, "client_id": "login"}, {}, "a", "t/x"),
        ({"topic": f"site/9/{PATH}"}, {}, "a", "t/x"),
        ({"topic": "a/t/x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "clientId": "a"}, {}, "a", "t/x"),
        ({"mqtt_topic": "t/x", "device_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "publisher": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "client_id": 17}, {}, "17", "t/x"),
        ({"topic": "t/x"}, {"client_id": "a"}, "a", "t/x"),
        ({}, {"client_id": "a", "topic": "t/x"}, "a", "t/x"),
        ({"client_id": "a"}, {"topic": "t/x"}, "a", "t/x"),
        ({"topic": "acme/a/t/x"}, {"account_id": "acme"}, "a", "t/x"),
        ({"topic": "acme/a/t/x", "account_id": "acme"}, {}, "a", "t/x"),
        ({"subpath": "t/x", "client_id": "a", "full_topic": PATH}, {}, "a", "t/x"),
        ({"path": "t/x", "client": "a"}, {}, "a", "t/x"),
        ({"topic": "t/x", "client": {"id": 4, "client_id": "a", "name": "Shack"}}, {}, "a", "t/x"),
        ({"topic": "t/x", "device": {"id": "a", "name": "Shack"}}, {}, "a", "t/x"),
        ({"topic": "t/x", "username": "a"}, {}, "a", "t/x"),
        ({"topic": PATH, "username": "pub-1"}, {}, "a", "t/x"),
        ({"topic": "t/x", "username": "pub-1"}, {"client_id": "a"}, "a", "t/x"),
        ({"topic": {"full": PATH, "sub": "t/x"}}, {}, "a", "t/x"),
        ({"topic": {"sub": "t/x"}, "client": {"id": "a"}}, {}, "a", "t/x"),
        ({"topic": ["t", "x"], "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": PATH.split("/")}, {}, "a", "t/x"),
        ({"topic": "/t/x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": f"/{PATH}"}, {}, "a", "t/x"),
        ({"topic": PATH.replace("/", ".")}, {"account_id": ACCOUNT}, "a", "t/x"),
        ({"topic": f"{ACCOUNT}.a.1.t.x", "client_id": "a.1"}, {"account_id": ACCOUNT}, "a.1", "t/x"),
        ({"topic": "a.t.x", "client_id": "a"}, {}, "a", "t/x"),
        ({"topic": "t.x", "client_id": "a"}, {}, "a", "t.x"),
    ],
)  # fmt: skip
def test_clients_and_topics_in_every_form(row, asked, client, topic):
    """With or without account and client, with a prefix, or as the question said."""
    assert told(read([{"time": AT, **row, "payload": 1}], **asked)) == [(NS, client, topic, b"1")]


def test_levels_and_nested_clients_of_a_live_answer():
    """A topic of levels is no topic of nothing, and the client's own id comes before the database's."""
    said = {"time": AT, "topic": ["t", "x"], "payload": {"on": True}}
    assert told(live([{"client_id": "a", **said}])) == ONE
    assert told(live({"results": [{"client": {"id": 9, "client_id": "a"}, "last": said}]})) == ONE
    assert told(live({"edges": [{"cursor": "c", "node": {"clientId": "a", "lastMessage": said}}]})) == ONE


CODED = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64 without padding": lambda data: base64.b64encode(data).decode().rstrip("="),
    "base64 of addresses": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "hex": bytes.hex,
    "bytea of PostgreSQL": lambda data: "\\x" + data.hex(),
    "a list of bytes": list,
    "an object that says base64": lambda data: {"encoding": "base64", "data": base64.b64encode(data).decode()},
    "an object of MongoDB": lambda data: {"$binary": {"base64": base64.b64encode(data).decode(), "subType": "00"}},
}


@pytest.mark.parametrize("code", CODED)
def test_coded_payloads_are_known_by_what_they_hold(code):
    """If each is JSON and one of them an object; one alone that is a number, a list or a word stays what it is."""
    published = [b"7", b"{}", b'{"a": "\xc3\xbf\xc3\xbe??>>"}', b"[]", b"null"]
    rows = [{**ROW, "payload": CODED[code](one)} for one in published]
    assert [one[3] for one in told(read(rows))] == published
    if "object" not in code:
        alone = CODED[code](b"7")
        (found,) = told(read([{**ROW, "payload": alone}, {**ROW, "payload": {"no": 1}}]))[:1]
        assert json.loads(found[3]) == alone


def test_every_account_is_reported():
    """In topics, fields and the envelope, so that the caller can refuse foreign ones."""
    body = {"tenant_id": "t-1", "messages": [ROW, {**ROW, "topic": f"{OTHER}/b/t"}, {**ROW, "account_id": "acme"}]}
    assert read(body).accounts == {"t-1", ACCOUNT, OTHER, "acme"}
    assert live([{"client_id": "a", "account_id": OTHER, "last_message": None}]).accounts == {OTHER}


# --- payload -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1.0", "1e400", str(2**70), "-0.0", "true", "null", '"text"', "[]", "{}", '{"a": 1, "a": 2}', r'"\u00e9\/"',
        '{"b":1,  "a":[1,{"c":null}]}', "NaN", "-Infinity", '[NaN, {"x": Infinity}]', r'{"x": "\ud800"}',
        '{"x": "a\nb"}',
        "[" * 3000 + "]" * 3000, '{"time": "x", "topic": 3, "payload": 1}', r'"\ud800"',
    ],
)  # fmt: skip
def test_payloads_are_the_bytes_of_the_answer(text):
    """No number, key, escape or space of a payload is changed, whether it is standard JSON or not."""
    line = f'{{"time": "{AT}", "client_id": "a", "topic": "t", "payload": {text}}}'
    other = f'{{"time": "{AT}", "client_id": "a", "topic": "t", "payload": 3}}'
    for body in (f"[{line}, {other}]", f"{line}\n{other}\n", f'{{"m": [{line},{other}]}}'):
        assert [one[3] for one in told(read(body.encode()))] == [text.encode(), b"3"]


def test_bytes_that_are_no_text_stay_in_their_payload():
    """Invalid UTF-8 within a payload is kept, as its publisher sent it."""
    body = json.dumps([ROW]).encode().replace(b"true", b'"\xff"')
    assert told(read(body)) == [(NS, "a", "t/x", b'{"on": "\xff"}')]


@pytest.mark.parametrize(
    ("given", "published"),
    [
        (['{"on": 1}', "21.5", "true", '"x"', "off", ""], [b'{"on": 1}', b"21.5", b"true", b'"x"', b'"off"', b'""']),
        (["21.5", 3], [b'"21.5"', b"3"]),  # this portal decodes: a number would have come as one
        (['{"on": 1}', 3], [b'{"on": 1}', b"3"]),
        (["on", "off"], [b'"on"', b'"off"']),
        (["eyJhIjoxfQ==", "Mi41", "Im9uIg=="], [b'{"a":1}', b"2.5", b'"on"']),
        (["Mi41"], [b'"Mi41"']),  # it may be a name as well
        (["eyJhIjoxfQ==", "x"], [b'"eyJhIjoxfQ=="', b'"x"']),
        ([None, {"a": 1}], [b"null", b'{"a": 1}']),
    ],
)
def test_json_within_strings(given, published):
    """A string is the published text where it is JSON and the portal decodes nothing; base64 only where it is sure."""
    rows = [{**ROW, "payload": one} for one in given]
    assert [one[3] for one in told(read(rows))] == published


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        ({"payload_base64": base64.b64encode(b"\xff\x00").decode()}, b"\xff\x00"),
        ({"payload": None, "payload_base64": "AAE="}, b"\x00\x01"),
        ({"payload": {"a": 1}, "payload_base64": None}, b'{"a": 1}'),
        ({"payload_json": {"a": 1}, "payload_text": None}, b'{"a": 1}'),
        ({"payload_json": None, "payload_text": "21.5"}, b"21.5"),
        ({"payload_json": None, "payload_text": "on air"}, b'"on air"'),
        ({"payload": "AAE", "payload_encoding": "base64"}, b"\x00\x01"),
        ({"payload": "_-8=", "encoding": "BASE64"}, b"\xff\xef"),
        ({"payload": "0001", "payload_encoding": "hex"}, b"\x00\x01"),
        ({"payload_hex": "0xff"}, b"\xff"),
        ({"payload": {"type": "Buffer", "data": [0, 255]}}, b"\x00\xff"),
        ({"payload": {"type": "Buffer", "data": [256]}}, b'{"type": "Buffer", "data": [256]}'),
        ({"payload.on": 1, "payload.cpu.load": 2.5}, b'{"on":1,"cpu.load":2.5}'),
        ({"payload": "AAE=", "payload_encoding": "utf8"}, b'"AAE="'),
        ({"payloadJson": {"a": 1}}, b'{"a": 1}'),
        ({"message": {"a": 1}, "qos": 1}, b'{"a": 1}'),
        ({"key": "YQ==", "value": {"a": 1}, "partition": 0, "offset": 7}, b'{"a": 1}'),
        ({"specversion": "1.0", "source": "s", "type": "t", "id": "7", "data": 21.5}, b"21.5"),
        ({"offset": 7, "key": "a"}, b'{"offset":7,"key":"a"}'),
        ({"value": 21.5}, b"21.5"),
        ({"value": 21.5, "unit": "C"}, b'{"value":21.5,"unit":"C"}'),
        ({"temp": 1.0, "ok": None, "qos": 1, "retain": False, "id": "7"}, b'{"temp":1.0}'),
        ({"message": "boot", "level": "info"}, b'{"message":"boot","level":"info"}'),
    ],
)
def test_where_the_payload_is(fields, published):
    """Under its names, encoded as named or flagged, or spread over the row."""
    row = {"time": AT, "client_id": "a", "topic": "t", **fields}
    assert told(read([row]))[0][3] == published


def test_one_object_shows_where_the_payload_is():
    """Beside fields that are not known; whichever row it stands in."""
    rows = [{"time": AT, "client_id": "a", "topic": "t", "data": one, "shard": 3} for one in (7, {"b": 1})]
    assert [one[3] for one in told(read(rows))] == [b"7", b'{"b": 1}']


def test_the_rest_of_a_row_is_extra():
    """What else the row says is a JSON object, or null where it says nothing else."""
    row = {"time": AT, "client_id": "a", "topic": "t", "payload": 1}
    rows = [{**row, "qos": 1, "received_at": "2026-11-02", "note": "001"}, row]
    extra = read(rows).messages["extra"].to_pylist()
    assert json.loads(extra[0]) == {"qos": 1, "received_at": "2026-11-02", "note": "001"}
    assert extra[1] is None


def test_fields_of_a_spread_payload_are_not_taken_for_the_portals():
    """A device beside a topic that names the client, and the time of a measurement, stay in the payload."""
    row = {"time": AT, "topic": PATH, "device_id": "d", "measured_at": "2025-01-01T00:00:00Z", "temp": 1}
    assert [(*one[:3], json.loads(one[3])) for one in told(read([row]))] == [
        (NS, "a", "t/x", {"device_id": "d", "measured_at": "2025-01-01T00:00:00Z", "temp": 1})
    ]
    with pytest.raises(AnswerError, match=r"row 2 .*no time"):
        read([row, {**row, "time": None}])


def test_the_login_of_a_shared_credential_is_extra():
    """Where the topic names another client than the row, both are kept."""
    page = read([{**ROW, "client_id": "pub-1"}])
    assert told(page)[0][1] == "a"
    assert json.loads(page.messages["extra"][0].as_py()) == {"client_id": "pub-1"}


def test_rows_with_thousands_of_different_fields():
    """Payloads spread over rows that share few fields: each has its own, in memory in proportion."""
    rows = [{"time": AT, "client_id": "a", "topic": "t", f"f{i}": i, "qos": 1} for i in range(3000)]
    page = read(rows)
    assert [json.loads(one[3]) for one in told(page)] == [{f"f{i}": i} for i in range(3000)]
    assert set(page.messages["extra"].to_pylist()) == {'{"qos":1}'}


def test_cells_of_csv_have_kinds_by_column():
    """Numbers, booleans and JSON where all of a column is, else text; an empty cell is a missing field."""
    body = f"time,client_id,topic,n,b,s,j\n{AT},1,t,1.50,True,1e5,[1]\n{AT},007,t,,false,x,\n"
    assert [(one[1], one[3]) for one in told(read(body.encode()))] == [
        ("1", b'{"n":1.50,"b":true,"s":"1e5","j":[1]}'),
        ("007", b'{"b":false,"s":"x"}'),
    ]


# --- order and paging ----------------------------------------------------------------------------------------------


def test_a_last_line_of_csv_that_may_be_cut_is_refused():
    """A bare number without a line end may be half of one; the error says so, and what to do."""
    body = f"time,client_id,topic,payload\n{AT},a,t/x,21".encode()
    with pytest.raises(
        AnswerError, match=r"may be cut: .*\('21'\).*if a saved file is whole, add a line end"
    ) as caught:
        read(body)
    assert "not understood" in str(caught.value)
    assert told(read(body + b"\n")) == [(NS, "a", "t/x", b"21")]


def test_rows_that_differ_in_their_fields_stay_on_the_fast_path(monkeypatch):
    """Fields that only some rows have are columns too, in the order in which they come, and none is read row by row."""
    monkeypatch.setattr(raw, "records", None)
    some = [{}, {"qos": 1}, {"payload_encoding": "json"}, {"odd ` - at `name": None}, {"qos": 2, "client_id": 7}]
    rows = [{**ROW, **one} for one in some * 3]
    table, counts = columns.of_arrays([json.dumps(rows).encode()] * 2)
    assert counts == [15, 15]
    assert list(table) == [*ROW, "qos", "payload_encoding", "odd ` - at `name"]
    assert table["qos"].to_pylist() == [None, b"1", None, None, b"2"] * 6
    assert table["client_id"].to_pylist() == [b'"a"', b'"a"', b'"a"', b'"a"', b"7"] * 6


def test_seq_is_the_order_of_publishing():
    """Newest first is counted backward; one instant alone does not tell."""
    late = {**ROW, "time": "2026-11-01T07:00:00Z"}
    assert (read([ROW, ROW, late]).descending, read([ROW, ROW, late]).messages["seq"].to_pylist()) == (False, [0, 1, 2])
    assert (read([late, ROW, ROW]).descending, read([late, ROW, ROW]).messages["seq"].to_pylist()) == (True, [2, 1, 0])
    assert read([ROW, ROW]).descending is None
    by_client = {c: [{**late, "topic": "t"}, {**ROW, "topic": "t"}] for c in ("a", "b", "c")}
    assert read(by_client).descending is True


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({"next_cursor": "abc"}, {"cursor": "abc"}),
        ({"nextCursor": 17}, {"cursor": "17"}),
        ({"next": "abc"}, {"cursor": "abc"}),
        ({"next_cursor": None}, {}),
        ({"next_cursor": ""}, {}),
        ({"meta": {"next_cursor": "abc", "total": 7}}, {"cursor": "abc", "total": 7}),
        ({"pagination": {"cursors": {"after": "x"}}}, {"cursor": "x"}),
        ({"pageInfo": {"endCursor": "x", "hasNextPage": True}}, {"cursor": "x", "has_more": True}),
        ({"pageInfo": {"endCursor": "x", "hasNextPage": False}}, {"has_more": False}),
        ({"next": "https://p/api?cursor=x"}, {"url": "https://p/api?cursor=x"}),
        ({"next": "/api?page=2"}, {"url": "/api?page=2"}),
        ({"links": {"next": "/api?page=2", "self": "/api"}}, {"url": "/api?page=2"}),
        ({"_links": {"next": {"href": "/api?page=2"}}}, {"url": "/api?page=2"}),
        ({"links": [{"rel": "next", "href": "/api?page=2"}, {"rel": "self", "href": "/"}]}, {"url": "/api?page=2"}),
        ({"@odata.nextLink": "https://p/x"}, {"url": "https://p/x"}),
        ({"has_more": True, "next_offset": 20}, {"has_more": True, "next_offset": 20}),
        ({"page": 1, "pages": 3, "per_page": 1}, {"page": 1, "pages": 3, "limit": 1}),
        ({"next_page": 2}, {"next_page": 2}),
        ({"offset": 0, "limit": 1, "total": 9}, {"offset": 0, "limit": 1, "total": 9}),
        ({"count": 9}, {"total": 9}),
        ({"count": 1}, {}),
        ({"total": "9"}, {"total": 9}),
        ({"done": False}, {"has_more": True}),
        ({"next": {"cursor": "x"}}, {"cursor": "x"}),
        ({"page": {"number": 0, "size": 20, "totalPages": 3}}, {"page": 0, "limit": 20, "pages": 3}),
        ({"next": True}, {"has_more": True}),
        ({"truncated": True}, {"has_more": True}),
    ],
)
def test_notes_on_paging_are_read(notes, expected):
    """Cursors, addresses, counts, page numbers and offsets, beside the rows or nested."""
    page = read({"messages": [ROW], **notes})
    said = {name: getattr(page.paging, name) for name in answers.Paging.__dataclass_fields__}
    told_only = ("cursor_name", "has_more") if "has_more" not in expected else ("cursor_name",)
    assert {name: value for name, value in said.items() if value is not None and name not in told_only} == expected
    assert page.rows == 1


def test_what_a_payload_says_is_no_note_on_paging():
    """A payload with fields such as next or total does not lead to another page."""
    data = {"next": "abc", "total": 9, "values": [], "more": True}
    for row in ({**ROW, "payload": data}, {"time": AT, "client_id": "a", "data": data}):
        assert read([row], topic="t/x").paging == answers.Paging()


def test_what_stands_around_rows_is_no_part_of_their_payload():
    """InfluxDB 1 numbers its statements, groups have a unit: notes beside the message, not fields of it."""
    tags = {"client_id": "a", "topic": "t/x"}
    series = {"name": "m", "tags": tags, "columns": ["time", "on"], "values": [[AT, True]]}
    for body in (
        {"results": [{"statement_id": 0, "series": [series]}]},
        [{"client_id": "a", "unit": "C", "count": 1, "messages": [{"time": AT, "topic": "t/x", "on": True}]}],
    ):
        page = read(body)
        assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert json.loads(page.messages["extra"][0].as_py()) == {"unit": "C", "count": 1}


def test_a_null_in_a_row_over_which_a_payload_is_spread_is_nothing():
    """A wide table has the columns of every topic in every row: a topic's payload has its own fields only."""
    rows = [
        {"time": AT, "client_id": "a", "topic": "t/x", "on": True, "temp": None, "note": "null"},
        {"time": AT, "client_id": "a", "topic": "t/y", "on": None, "temp": 0, "note": None},
        {"time": AT, "client_id": "a", "topic": "t/z", "on": None, "temp": None, "note": None},
    ]
    found = [{"on": True, "note": "null"}, {"temp": 0}, {}]
    assert [json.loads(one) for *_, one in told(read(rows))] == found
    wide = [row | {f"f{i}": i if row["on"] else None for i in range(300)} for row in rows]
    found[0] |= {f"f{i}": i for i in range(300)}
    assert [json.loads(one) for *_, one in told(read(wide))] == found
    whole = [{**ROW, "payload": {"on": None}}]
    assert json.loads(told(read(whole))[0][3]) == {"on": None}


@pytest.mark.parametrize(
    "body",
    [
        {"_links": {"self": {"href": "/h"}}, "page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}},
        {"cursor": None, "count": 0},
        {"total": 0, "meta": {"took": 3}},
        {"messages": None, "total": 0},
    ],
)
def test_none_in_number_is_an_empty_page(body):
    """HAL and JSON lines leave out a list of nothing, and say that there is nothing."""
    assert told(read(body)) == []


@pytest.mark.parametrize("body", [{"count": 3}, {"count": 0, "total": 3}, {"count": 0, "stuff": [1]}, {"pages": 0}])
def test_what_does_not_say_that_there_is_nothing_is_no_empty_page(body):
    """Rows that are said to be there, or something that is not understood, are missed."""
    with pytest.raises(AnswerError, match="no rows of messages"):
        read(body)


@pytest.mark.parametrize(
    "at",
    ["/Date(1793514600500)/", "/Date(1793514600500+0100)/", "2026-11-01 07:30:00.5 +0100 CET",
     "2026-11-01 12:00:00.5 +0530 +0530", {"$date": AT}, {"$date": {"$numberLong": "1793514600500"}},
     {"$date": 1793514600500},
     {"seconds": "1793514600", "nanos": 500_000_000}, {"_seconds": 1793514600, "_nanoseconds": 500_000_000}],
)  # fmt: skip
def test_instants_as_programs_write_them(at):
    """Of ASP.NET, Go, MongoDB, protobuf and Firestore; also where the topic stands within another object."""
    assert told(read([{**ROW, "time": at}])) == ONE
    row = {"_id": {"$oid": "0a"}, "metadata": {"client_id": "a", "topic": "t/x"}, "timestamp": at}
    alike = {"time": AT, "topic": "x/y", "value": 1}  # a payload that could itself be a message
    rows = [{**row, "payload": one} for one in (alike, {}, 1)]
    payloads = [json.dumps(alike).encode(), b"{}", b"1"]
    assert told(read(rows)) == [(NS, "a", "t/x", one) for one in payloads]


def test_a_zone_that_the_envelope_names_is_that_of_instants_without():
    """A contract's own zone comes first; an instant that names a zone keeps it; what is no zone counts for nothing."""
    local = {"timezone": "Europe/Zurich", "messages": [{**ROW, "time": "2026-11-01 07:30:00.5"}]}
    assert told(read(local)) == told(read({"meta": {"tz": "Europe/Zurich"}, "rows": local["messages"]})) == ONE
    assert told(read({"timezone": "Europe/Zurich", "messages": [ROW]})) == ONE
    assert told(read({"timezone": "local/../x", "messages": [{**ROW, "time": AT[:-1]}]})) == ONE
    assert told(read({**local, "messages": [{**ROW, "time": AT[:-1]}]}, fields=Fields(time_zone="UTC"))) == ONE


def test_streams_of_lines():
    """Loki: labels around lines that stand behind their nanosecond, with or without labels of their own."""
    stream = {"client_id": "a", "topic": "t/x", "job": "mqtt"}
    values = [[str(NS), '{"on": true}'], [str(NS + 1), "21.5", {"level": "info"}]]
    body = {"status": "success", "data": {"resultType": "streams", "result": [{"stream": stream, "values": values}]}}
    page = read(body)
    assert told(page) == [*ONE, (NS + 1, "a", "t/x", b"21.5")]
    assert json.loads(page.messages["extra"][0].as_py()) == {"job": "mqtt"}


# --- live ----------------------------------------------------------------------------------------------------------

LAST = {"time": AT, "topic": PATH, "payload": {"on": True}}


@pytest.mark.parametrize(
    "body",
    [
        [{"client_id": "a", "label": "x", "paused": False, "last_seen": AT, "last_message": LAST}],
        [{"client_id": "b", "last_seen": None, "last_message": None}, {"client_id": "a", "last_message": LAST}],
        {"publishers": [{"client_id": "a", "topic": f"{ACCOUNT}/a/#", "last_seen": AT, "last_message": LAST}]},
        {"a": LAST, "b": None},
        {"data": {"a": {"label": "x", "last_message": LAST}, "b": {"label": "y", "last_message": None}}},
        {"a": {"client_id": "a", "online": True, "last": LAST}},
        [{"client_id": "a", **LAST}, {"client_id": "b", "time": None, "topic": None, "payload": None}],
        [{"client_id": c, "last_topic": t, "last_payload": p, "last_message_at": at, "last_seen": "2026-11-02"}
         for c, t, p, at in (("a", "t/x", {"on": True}, AT), ("b", None, None, None))],
        [{"client_id": "a", "topics": {"t/x": BARE}}, {"client_id": "b", "topics": {}}],
        [{"client_id": "a", "messages": [{**BARE, "topic": "t/x"}]}, {"client_id": "b", "messages": []}],
        [{"client_id": "a", "message": {"topic": "t/x", "payload": {"on": True}}, "last_seen": AT}],
        {"a": {"t/x": BARE}, "b": {}},
        {"a": {"status": "online", "last": {"t/x": {"ts": AT, "value": {"on": True}}}}},
        [{"client_id": "a", "ip": "::1", "last_message": '{"on": true}', "last_message_topic": "t/x",
          "last_message_at": AT}],
        LAST,
        {"items": [{"id": "a", "name": "Shack", "last_message": {**LAST, "topic": "t/x"}}]},
        b"client_id,label,time,topic,payload\na,x," + AT.encode() + b',t/x,"{""on"": true}"\nb,y,,,\n',
    ],
)  # fmt: skip
def test_live_answers_of_every_shape(body):
    """Lists, objects keyed by client, nested or flat, one a client or one a topic; who never published has none."""
    page = live(body, account_id=ACCOUNT)
    assert [(*one[:3], json.loads(one[3])) for one in told(page)] == [(NS, "a", "t/x", {"on": True})]
    assert set(page.messages["source"].to_pylist()) == {"live"}


@pytest.mark.parametrize(
    "body",
    [[], {}, {"publishers": []}, {"a": None}, [{"client_id": "a", "last_message": None}], {"publishers": {}},
     {"publishers": [{"client_id": "a", "topic": f"{ACCOUNT}/a/#", "last_seen": None, "last_payload": None}]}],
)  # fmt: skip
def test_nobody_published_is_a_page_of_none(body):
    """The publishers are there, their messages are not."""
    assert live(body).messages.equals(messages.empty())


def test_what_the_portal_says_of_a_publisher_is_extra():
    """Label, pause and the like do not become part of the payload."""
    (extra,) = (
        live([{"client_id": "a", "label": "x", "paused": True, "last_message": LAST}]).messages["extra"].to_pylist()
    )
    assert json.loads(extra) == {"label": "x", "paused": True}
    flat = {"client_id": "a", "topic": "t", "time": AT, "temp": 1, "online": True, "label": "x"}
    page = live([flat])
    assert told(page)[0][3] == b'{"temp":1}'
    assert json.loads(page.messages["extra"][0].as_py()) == {"online": True, "label": "x"}


def test_a_live_answer_without_topics_is_read():
    """One message a publisher, of a topic that the portal does not say."""
    assert told(live([{"client_id": "a", "last_seen": AT, "last_payload": 1}])) == [(NS, "a", "", b"1")]


def test_live_with_a_payload_but_no_time_is_refused():
    """A message without an instant is not left out in silence."""
    with pytest.raises(AnswerError, match="no time"):
        live([{"client_id": "a", "topic": "t", "time": None, "payload": 1}, {"client_id": "b", **LAST}])


def test_when_a_publisher_was_made_is_no_message():
    """A publisher that never published has no message, alone or beside others, whenever it was registered."""
    never = {"client_id": "b", "last_topic": None, "last_payload": None, "last_message_at": None, "created_at": AT}
    there = {"client_id": "a", "last_topic": "t/x", "last_payload": {"on": True}, "last_message_at": AT}
    assert told(live([never])) == []
    assert told(live([{"client_id": "b", "last_message": None, "created_at": AT}])) == []
    page = live([never, {**there, "created_at": "2026-01-01T00:00:00Z"}])
    assert told(page) == ONE
    assert json.loads(page.messages["extra"][0].as_py()) == {"created_at": "2026-01-01T00:00:00Z"}
    seen = {"client_id": "a", "topic": "t/x", "payload": {"on": True}, "created_at": "2026-01-01", "last_seen": AT}
    assert told(live([seen])) == told(live([{**BARE, "created_at": "2025", "client_id": "a", "topic": "t/x"}])) == ONE
    assert told(live([{"client_id": "a", "topic": "t/x", "payload": {"on": True}, "created_at": AT}])) == ONE
    with pytest.raises(AnswerError, match="no time"):
        live([there, {**there, "last_message_at": None, "created_at": AT}])


# --- other lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        [{"client_id": "a", "paused": False}], {"publishers": [{"client_id": "a", "paused": False}], "total": 1},
        {"data": {"items": [{"client_id": "a", "paused": False}]}}, {"a": {"paused": False}},
        {"data": {"a": {"client_id": "a", "paused": False}}},
        {"status": "ok", "things": [{"client_id": "a", "paused": False}]},
        {"columns": ["client_id", "paused"], "rows": [["a", False]]},
        {"data": {"publishers": {"edges": [{"cursor": "x", "node": {"client_id": "a", "paused": False}}]}}},
    ],
)  # fmt: skip
def test_other_lists_are_read_from_every_envelope(body):
    """Publishers, members, invites: rows as Python values."""
    assert answers.read_rows(json.dumps(body).encode()) == [{"client_id": "a", "paused": False}]
    assert answers.read_rows(gzip.compress(json.dumps(body).encode())) == [{"client_id": "a", "paused": False}]


def test_lists_of_json_api():
    """What stands in attributes is of the row, and the client may stand among its relationships."""
    row = {"type": "publishers", "id": "1", "attributes": {"paused": False}}
    related = {**row, "relationships": {"client": {"data": {"type": "clients", "id": "a"}}}}
    whole = {**row, "attributes": {"client_id": "a", "paused": False}}
    found = [{"type": "publishers", "id": "1", "client_id": "a", "paused": False}]
    assert answers.read_rows(json.dumps({"data": [related]}).encode()) == found
    assert answers.read_rows(json.dumps({"data": [whole]}).encode()) == found


def test_lists_in_other_formats():
    """CSV, JSON lines, bare names, nothing."""
    assert answers.read_rows(b"client_id,paused\na,x\n") == [{"client_id": "a", "paused": "x"}]
    assert answers.read_rows(b'{"email": "a@b"}\n{"email": "c@d"}\n') == [{"email": "a@b"}, {"email": "c@d"}]
    assert answers.read_rows(b'["a", "b"]') == [{"client_id": "a"}, {"client_id": "b"}]
    assert answers.read_rows(b'{"members": []}') == answers.read_rows(b"[]") == []


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"[1]", b'{"detail": "no"}', b"{", b"x", b"[" * 10_000 + b"]" * 10_000]
)
def test_what_is_no_list_is_refused(body):
    """With what came in the message."""
    with pytest.raises(AnswerError, match="list was not understood"):
        answers.read_rows(body)


def test_what_a_row_says_of_its_payload_counts():
    """A row may say that its payload is text or base64: then that was published, without the quotes of JSON."""
    rows = [
        {"payload_encoding": "text", "payload": "OK \u00b7 1"},
        {"payload_encoding": "text", "payload": "21.5"},
        {"payload_encoding": "base64", "payload": "AAE="},
        {"payload": {"a": 1}},
        {"payload": "left as it is"},
    ]
    body = [{"time": f"2026-11-01T06:30:0{i}Z", "client_id": "a", "topic": "t", **row} for i, row in enumerate(rows)]
    found = answers.read_page(json.dumps(body).encode()).messages["payload"].to_pylist()
    assert found == ["OK \u00b7 1".encode(), b"21.5", b"\x00\x01", b'{"a": 1}', b'"left as it is"']


def test_groups_of_the_client_that_was_asked_for_are_its_groups():
    """Where rows stand under client and topic, and one client was asked for, its name is no topic."""
    row = {"time": "2026-11-01T00:00:00Z", "payload": 1}
    body = json.dumps({"dev-a": {"t/x": [row], "u": [row]}}).encode()
    found = answers.read_page(body, client_id="dev-a").messages
    assert found["client_id"].to_pylist() == ["dev-a", "dev-a"]
    assert found["topic"].to_pylist() == ["t/x", "u"]
    by_topic = b'{"t/x": [{"time": "2026-11-01T00:00:00Z", "payload": 1}]}'
    assert answers.read_page(by_topic, client_id="dev-a").messages["topic"].to_pylist() == ["t/x"]


@pytest.mark.parametrize(
    "tail", ["", ', "links": []', ', "tags": ["a", "b"]', ', "links": [{"rel": "self", "href": "/x"}]']
)
@pytest.mark.parametrize("head", ["", '"columns": [{"name": "time"}], ', '"note": "[{", '])
def test_lists_before_and_behind_the_rows_change_nothing(head, tail):
    """Rows alike are found between whatever stands around them, with the notes."""
    rows = [
        {"time": f"2026-11-01T00:00:{i:02}Z", "client_id": "a", "topic": "t", "payload": {"v": [i]}} for i in range(9)
    ]
    page = answers.read_page(f'{{{head}"messages": {json.dumps(rows)}{tail}, "next_cursor": "c"}}'.encode())
    assert page.messages["payload"].to_pylist() == [f'{{"v": [{i}]}}'.encode() for i in range(9)]
    assert page.next_cursor == "c"
    with pytest.raises(AnswerError):
        answers.read_page(f'{{{head}"messages": {json.dumps(rows)}{tail}, "next_cursor": "c"'.encode())


@pytest.mark.parametrize(
    "body", [b'{"code": 500, "msg": "backend down", "data": []}', b'{"errcode":7,"message":"no","rows":[]}']
)
def test_a_failures_code_beside_words_is_no_empty_page(body):
    """Where an envelope states a code that is not good, an empty list is no answer; a good code changes nothing."""
    with pytest.raises(AnswerError, match=r"backend down|no"):
        answers.read_page(body)
    for good in (b'"code": 0, "msg": "none"', b'"code": 200, "msg": "none"', b'"code": 10000, "msg": "success"'):
        assert answers.read_page(b"{" + good + b', "data": []}').rows == 0


def test_a_code_beside_rows_is_no_failure():
    """What a portal's own number for success is, nobody knows: rows say that all is well."""
    row = b'{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": 1}'
    assert answers.read_page(b'{"code": 1, "msg": "found", "data": [' + row + b"]}").rows == 1
