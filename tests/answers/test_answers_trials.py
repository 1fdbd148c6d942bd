"""Answers on trial: whatever is written is read back exactly; whatever is cut or damaged is refused or still right."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
import random
import zipfile
import zlib
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pages import through

from isr_analysis import answers, times
from isr_analysis.errors import AnswerError

ACCOUNT = "7b0c2f5e-6f5e-4d7c-9a3e-3f4c9d1b2a60"
FIELDS = ("time", "client_id", "topic", "payload")


def told(page):
    """Give (ns, client, topic, payload) of each message of a page."""
    table = page.messages.set_column(0, "time", page.messages["time"].cast("int64"))
    return list(zip(*(table[name].to_pylist() for name in FIELDS), strict=True))


# --- writers: messages (ns, client, topic, JSON text) to bodies ------------------------------------------------------


def members(given, *, time=times.iso, path=True):
    """Write messages as JSON objects, their payloads byte by byte."""
    for ns, client, topic, text in given:
        whole = f"{ACCOUNT}/{client}/{topic}" if path else topic
        at = time(ns)
        at = json.dumps(at) if isinstance(at, str) else str(at)
        yield f'{{"time": {at}, "client_id": {json.dumps(client)}, "topic": {json.dumps(whole)}, "payload": {text}}}'


def seconds(ns):
    """Write an instant as a number of seconds without loss."""
    whole, rest = divmod(ns, times.SECOND)
    return Decimal(f"{whole}.{rest:09d}")


def array(given):
    """A bare array, full topics, ISO 8601."""
    return f"[{','.join(members(given))}]"


def enveloped(given):
    """An object, short topics, nanoseconds as a number."""
    rows = ", ".join(members(given, time=int, path=False))
    return f'{{"ok": true, "result": {{"things": [{rows}], "next_cursor": "x"}}}}'


def in_seconds(given):
    """Seconds as a number with nine decimals."""
    return f'{{"messages": [{",".join(members(given, time=seconds))}]}}'


def lines(given):
    """JSON lines."""
    return "".join(f"{one}\n" for one in members(given))


def sequence(given):
    """A JSON text sequence, fields in another order."""
    rows = (json.loads(f'[{json.dumps(text)}, "{times.iso(ns)}", "{ACCOUNT}/{c}/{t}"]') for ns, c, t, text in given)
    return "".join(f'\x1e{{"p": null, "payload": {p}, "topic": {json.dumps(t)}, "ts": "{a}"}}\n' for p, a, t in rows)


def grouped(given):
    """Rows by client and topic; only for messages that stand together anyway."""
    found = {}
    for ns, client, topic, text in given:
        row = f'{{"timestamp": "{times.iso(ns)}", "payload": {text}}}'
        found.setdefault(client, {}).setdefault(topic, []).append(row)
    inner = (
        f"{json.dumps(c)}: {{{', '.join(f'{json.dumps(t)}: [{chr(44).join(rows)}]' for t, rows in topics.items())}}}"
        for c, topics in found.items()
    )
    return f'{{"data": {{{", ".join(inner)}}}}}'


def columnar(given):
    """Names of columns beside rows of values."""
    rows = ", ".join(f"[{json.dumps(c)}, {text}, {ns}, {json.dumps(t)}]" for ns, c, t, text in given)
    return f'{{"columns": ["client", "payload", "time_ns", "topic"], "values": [{rows}]}}'


def listed(given):
    """A list for each column."""
    parts = {
        "topic": [json.dumps(t) for _, _, t, _ in given],
        "device_id": [json.dumps(c) for _, c, _, _ in given],
        "published_at": [json.dumps(times.iso(ns)) for ns, *_ in given],
        "payload": [text for *_, text in given],
    }
    return "{" + ", ".join(f'"{name}": [{", ".join(values)}]' for name, values in parts.items()) + "}"


def within_strings(given):
    """Payloads as JSON inside of strings, all of them."""
    return array([(ns, c, t, json.dumps(text)) for ns, c, t, text in given])


def in_base64(given):
    """Payloads in base64, said by the field's name."""
    return array(
        [(ns, c, t, json.dumps(base64.b64encode(text.encode()).decode())) for ns, c, t, text in given]
    ).replace('"payload": ', '"payload_b64": ')


def nested(given):
    """The message in an object of its own."""
    return "[" + ", ".join(f'{{"seq": {i}, "message": {one}}}' for i, one in enumerate(members(given))) + "]"


def table(given, divider=","):
    """CSV, payloads as quoted JSON text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=divider, quoting=csv.QUOTE_ALL)
    writer.writerow(["received", "time", "client_id", "topic", "payload"])
    writer.writerows(["", times.iso(ns), c, f"{ACCOUNT}/{c}/{t}", text] for ns, c, t, text in given)
    return out.getvalue()


def semicolons(given):
    """CSV with semicolons."""
    return table(given, ";")


# A JSON string may stand for the text within (`payload.published`), so VALUES get no strings that are JSON themselves;
# what writes the text of a payload gets any.
VALUES = [array, enveloped, in_seconds, lines, sequence, grouped, columnar, listed, nested]
TEXTS = [within_strings, in_base64, table, semicolons]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)
numbers = st.sampled_from(["1.0", "1e400", "-0.0", str(2**70), "1E5", '{"a": 1, "a": 2}', r'"\u00e9"', "[ 1,2 ]"])
payloads = values.map(lambda value: json.dumps(value, ensure_ascii=False)) | values.map(json.dumps) | numbers
names = st.text("abcXYZ019_-é", max_size=6)
messages = st.tuples(
    st.integers(1_600_000_000 * times.SECOND, 1_900_000_000 * times.SECOND),
    names.map("c{}".format),
    st.lists(names.map("t{}".format), min_size=1, max_size=3).map("/".join),
    payloads.filter(lambda text: "\\ud" not in text),
)


def is_json(text):
    """Tell whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("write", VALUES)
@given(given_=st.lists(messages, min_size=1, max_size=6))
def test_whatever_is_written_as_values_is_read_back(write, given_):
    """Counts, instants, ids and topics exactly; the bytes of every payload as they were written."""
    assume(not any(text.startswith('"') and is_json(json.loads(text)) for *_, text in given_))
    page = answers.read_page(write(given_).encode(), account_id=ACCOUNT)
    expected = [(ns, client, topic, text.encode()) for ns, client, topic, text in given_]
    if write is grouped:  # the order between clients and topics is the writer's
        assert sorted(told(page)) == sorted(expected)
    else:
        assert told(page) == expected
    assert page.rows == len(given_)


@pytest.mark.parametrize("write", TEXTS)
@given(given_=st.lists(messages, min_size=1, max_size=6))
def test_whatever_is_written_as_text_is_read_back(write, given_):
    """The same for portals that give the text of payloads, in whatever wrapping."""
    page = answers.read_page(write(given_).encode(), account_id=ACCOUNT)
    assert told(page) == [(ns, client, topic, text.encode()) for ns, client, topic, text in given_]


keys = st.text("abcdefgh", min_size=2, max_size=4)
objects = st.dictionaries(keys, scalars, min_size=1, max_size=4)


@given(st.lists(st.tuples(messages, objects), min_size=1, max_size=6))
def test_whatever_is_spread_over_rows_is_read_back(given_):
    """Payloads whose fields stand beside time, client and topic, the same or others in each row; null is no field."""
    rows = [{"ts": times.iso(ns), "client_id": c, "topic": t, "qos": 1, **fields} for (ns, c, t, _), fields in given_]
    assume(not all(len(fields) == 1 and "value" in fields for _, fields in given_))
    found = told(answers.read_page(json.dumps(rows).encode()))
    assert [(*one[:3], json.loads(one[3])) for one in found] == [
        (ns, c, t, {name: one for name, one in fields.items() if one is not None}) for (ns, c, t, _), fields in given_
    ]  # fmt: skip


@given(st.lists(st.tuples(messages, objects), min_size=1, max_size=6, unique_by=lambda one: one[0][:3]), st.randoms())
def test_fields_one_a_row_are_put_together(given_, chance):
    """InfluxDB's form in any order of rows, cut into pages anywhere: every message has all of its fields."""
    rows = [
        {"_time": times.iso(ns), "_field": name, "_value": value, "client_id": c, "topic": t}
        for (ns, c, t, _), fields in given_
        for name, value in fields.items()
        if value is not None
    ]
    chance.shuffle(rows)
    assume(rows)
    cut = chance.randrange(len(rows)) or len(rows)
    pages = [answers.read_page(json.dumps(part).encode()) for part in (rows[:cut], rows[cut:]) if part]
    assert all(page.fragments for page in pages)
    found = answers.merge(pa.concat_tables([page.messages for page in pages])).to_pydict()
    shown = {
        (at.value, c, t): json.loads(p)
        for at, c, t, p in zip(*(found[name] for name in FIELDS), strict=True)
    }  # fmt: skip
    expected = {one[:3]: {k: v for k, v in fields.items() if v is not None} for one, fields in given_}
    assert shown == {one: fields for one, fields in expected.items() if fields}
    assert len(found["time"]) == len(shown)


# --- damage ---------------------------------------------------------------------------------------------------------

SAMPLE = [
    (1_793_514_600_500_000_000, "ca", "t/x", '{"on": true, "w": 1.50}'),
    (1_793_514_601_000_000_000, "cb", "t", '["é", 21.5]'),
    (1_793_514_602_000_000_000, "ca", "t/x", '"text, \\"quoted\\""'),
    (1_793_514_603_000_000_000, "cb", "t", "21.5"),
]


def zipped(body):
    """Pack a body into a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("history.json", body)
    return out.getvalue()


def influx(given):
    """One field a row, annotated."""
    head = (
        "#datatype,string,long,dateTime:RFC3339,string,string,string,string\n#group,f,f,f,f,t,t,t\n"
        "#default,_result,,,,,,\n,result,table,_time,_value,_field,client_id,topic\n"
    )
    rows = "".join(f",,0,{times.iso(ns)},{i},f{i},{c},{t}\n" for i, (ns, c, t, _) in enumerate(given))
    return (head + rows + "\n").replace("\n", "\r\n")


BODIES = {write.__name__: write(SAMPLE).encode() for write in (*VALUES, *TEXTS, influx)}
BODIES["utf-16"] = BODIES["table"].decode().encode("utf-16")
PACKERS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zip": zipped,
    "zstd": lambda body: through("zstd", body),
    "lz4": lambda body: through("lz4", body),
}
BODIES |= {name: pack(BODIES["array"]) for name, pack in PACKERS.items()}
UNCHECKED = {"lz4", "zstd", "utf-16"}
"""What holds no sum to check by, or in which one byte shifts all that follow: a short but sound text may come out."""
OF_LINES = {"lines", "sequence", "table", "semicolons", "influx", "utf-16"}


def outcome(body):
    """Give what a body is read as, or None where it is refused; any other exception is a failure."""
    try:
        return told(answers.read_page(body, account_id=ACCOUNT))
    except AnswerError:
        return None


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_cut_anywhere_is_refused(name):
    """At every byte; what consists of lines may end with any whole line, and has the rows up to there."""
    body = BODIES[name]
    whole = outcome(body)
    assert whole is not None
    assert len(whole) == len(SAMPLE)
    for cut in range(len(body)):
        found = outcome(body[:cut])
        if found is None or found == whole:
            continue
        assert name in OF_LINES, (cut, body[:cut])
        assert found == whole[: len(found)], (cut, body[:cut])
        text = body[:cut].decode("utf-16" if name == "utf-16" else "utf-8")
        rest = body[cut:].lstrip(b"\x00")
        assert text.endswith(("\n", "\r", "}", "\x1e")) or rest[:1] in (b"\r", b"\n"), (cut, text)


def mutated(body, chance):
    """Change, take away, double or swap some bytes."""
    made = bytearray(body)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(made))
        what = chance.randrange(5)
        if what == 0:
            made[at] = chance.randrange(256)
        elif what == 1:
            del made[at]
        elif what == 2:
            made.insert(at, made[at])
        elif what == 3:
            made[at] = chance.choice(b'{}[]",:\\0\n\r;eNn-\x1e \x00')
        else:
            made[at], made[at - 1] = made[at - 1], made[at]
    return bytes(made)


def damage(count, seed):
    """Read mutated bodies; give how many were refused and how many read."""
    chance = random.Random(seed)
    refused = 0
    for _ in range(count):
        name = chance.choice(list(BODIES))
        body = mutated(BODIES[name], chance)
        found = outcome(body)
        refused += found is None
        assert found is None or len(found) >= len(SAMPLE) or name in UNCHECKED, (name, body)
        tried(body)
    return refused, count - refused


def test_damaged_bodies_are_refused_or_read():
    """A few hundred mutations: an error of our own or rows, never another exception."""
    refused, read = damage(400, 7)
    assert refused
    assert read


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
def test_campaign_of_mutations(seed):
    """Ten thousand of them: run with `pytest -m campaign`."""
    damage(1000, seed)


PREFIXES = [
    b"", b"[", b"{", b'[{"time":', b"time,client_id,topic,payload\n", b"#datatype,", b"<", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh9", b"x\x9c", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",
]  # fmt: skip
NAMES = [
    "time", "topic", "client_id", "payload", "data", "messages", "columns", "values", "rows", "error", "last", "next",
    "results", "series", "tags", "name", "_field", "_value", "ts", "a/b", "x",
]  # fmt: skip


def tried(body):
    """Read a body as everything; only errors of our own may come."""
    outcome(body)
    for read in (answers.read_live, answers.read_rows):
        try:
            read(body)
        except AnswerError:
            continue
    assert isinstance(answers.error_words(body), str)


@given(st.sampled_from(PREFIXES), st.binary(max_size=200))
def test_random_bytes_are_refused(prefix, rest):
    """Whatever comes: an error of our own, or the rows that it states."""
    tried(prefix + rest)


looks = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(looks)
def test_any_json_is_read_or_refused(value):
    """Objects and arrays that look a little like answers raise nothing but our own error."""
    tried(json.dumps(value).encode())
