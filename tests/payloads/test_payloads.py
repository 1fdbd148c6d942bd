"""Payloads: every value kept, whichever way it was read, kept, sliced or put together."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isr_analysis import messages, payloads
from isr_analysis.payloads import columns, decoder, message, shapes
from isr_analysis.payloads import fields as fields_module
from isr_analysis.payloads import plain as plain_payloads

KEYS = ["a", "b", "c", "a.b", "a.b.c", "b.c", "", "time", "topic", "value", "payload", "payload.time", "payload.a.b",
        "extra", "rest", "int:a", 'quo"ted',
        "back\\slash", "new\nline", "nul\0", "é", "日本", "\ud800", "\\ud800"]  # fmt: skip
ALL_TEXT = st.text(st.characters(codec=None, categories=None), max_size=8)
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**300]),
    st.integers(),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 20.0, 1e16, 2.0**53, math.inf, -math.inf, math.nan]),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, ALL_TEXT, st.sampled_from(["2026-11-01", "2026-11-01T00:00:00Z"])
)


def objects(inner, keys=None):
    """Make JSON objects."""
    return st.dictionaries(st.one_of(st.sampled_from(KEYS), ALL_TEXT) if keys is None else keys, inner, max_size=4)


JSON = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), objects(inner)), max_leaves=8)
STATION = objects(st.one_of(SCALARS, objects(SCALARS, st.sampled_from("xyz"))), st.sampled_from("abc"))
SPELLED = st.builds(
    lambda value, ascii_, indent: json.dumps(value, ensure_ascii=ascii_, indent=indent).encode("utf-8", "replace"),
    st.one_of(STATION, STATION, objects(JSON), JSON), st.booleans(), st.sampled_from([None, 1]),
)  # fmt: skip
ODD = [
    b"", b" ", b"\xff\x00", b'{"a":"\xff"}', b'{"a":1} x', b'{"a":1}{"a":2}', b'{"a":1},{"a":2}', b'{"a":[{}', b"{}]}",
    b'\xef\xbb\xbf{"a":1}', b"open", b"nan", b"NaN", b"1e400", b'{"a":-1e400}', b"[" * 999 + b"]" * 999, b"1" * 5000,
    b'{"a":1,"a":2}', b'{"a":{"x":1},"a":{"y":2}}', b'{"a":"x\ny"}', b'\n{"a":\r\n1}\n', b"{}", b'{"a":{}}', b"null",
    b'{"\\u0061":1}', '{"a":1}'.encode("utf-16"), b'{"ort":"Z\xfcrich"}', b'{"a":' * 300 + b"1" + b"}" * 300,
]  # fmt: skip
PAYLOADS = st.one_of(SPELLED, SPELLED, SPELLED, st.sampled_from(ODD), st.binary(max_size=6))
FLEET = objects(
    st.one_of(SCALARS, st.just({}), st.fixed_dictionaries({}, optional={"x": SCALARS, "y": JSON})), st.just("a")
)
WORDS = st.sampled_from(["null", '"a":null', '"a": 1}', "{}", "2026-11-01", "\n", "\\", "é", "", ", "])
READING = st.fixed_dictionaries(
    {"a": st.sampled_from([0.5, 1.5, 1e22, -0.0, 20.0, 3, -7, 2**53, 2**53 + 1, math.inf])},
    optional={"b": WORDS, "c": st.fixed_dictionaries({}, optional={"a": st.sampled_from([1, None]), "x": WORDS}),
              "d": st.sampled_from([True, None]), "e": st.sampled_from([None, {}, {"b": None}, 7]), "f": WORDS},
)  # fmt: skip
COMPACT = [None, (",", ":"), (" , ", " :\t")]
BASES = [
    b'{"a": 1, "b": "x", "c": {"d": 2.5, "e": null}, "t": true}', b'{"s":"u","l":[1,"a",{"z":1}],"v":-3.25}', b"14.5",
    b'"open"', b'{"time":1.0,"value":0,"":"q","n":-12}', b' {"k" : 7 , "m":false}\n',
]  # fmt: skip
EDITS = st.lists(
    st.tuples(
        st.integers(0, 60), st.integers(0, 3),
        st.sampled_from([*(bytes([c]) for c in b'"\\{}[],: 019.-+eExn\n\0\xff'), b"null", b"true", b'"a": 1', b""]),
    ),
    max_size=2,
)  # fmt: skip


def edited(payload, edits):
    """Put some bytes in the place of others."""
    for at, gone, new in edits:
        payload = payload[:at] + new + payload[at + gone :]
    return payload


LISTS = st.one_of(
    st.sampled_from(BASES).flatmap(
        lambda base: st.lists(st.tuples(st.just("t"), EDITS.map(lambda edits: edited(base, edits))), max_size=12)
    ),
    st.tuples(st.lists(READING, max_size=12), st.sampled_from(COMPACT), st.booleans()).map(
        lambda made: [("t", json.dumps(one, separators=made[1], ensure_ascii=made[2]).encode()) for one in made[0]]
    ),
    st.lists(st.tuples(st.sampled_from(["t", "u", "a/t", "b/t", "b/u"]), PAYLOADS), max_size=12),
    st.lists(st.tuples(st.just("t"), FLEET.map(lambda value: json.dumps(value).encode())), max_size=6),
)


def table(*given_):
    """Make messages of (topic, payload), or of payloads alone."""
    pairs = [one if isinstance(one, tuple) else ("t", one) for one in given_]
    return pa.Table.from_pylist(
        [{"time": i // 2, "client_id": "c", "topic": t, "payload": p, "seq": i, "source": "history", "extra": None}
         for i, (t, p) in enumerate(pairs)], schema=messages.SCHEMA)  # fmt: skip


def told(payload):
    """Say what fields a payload has, in the simplest way."""
    try:
        value = json.loads(payload.decode().removeprefix("\ufeff"))
        assert nesting(value) <= message.DEEPEST
    except (ValueError, RecursionError, AssertionError):
        try:
            return {"payload": payload.decode()}
        except UnicodeDecodeError:
            return {"payload": payload}
    if not isinstance(value, dict):
        return {"value": value}
    paths = sorted(flat(value), key=lambda pair: -len(pair[0]))
    fields = {}
    alone = [plain(path) for path, _ in paths]
    for (_, leaf), name in zip(paths, alone, strict=True):
        while name in fields:
            name = "payload." + name  # noqa: PLW2901
        fields[name] = leaf
    return fields


def nesting(value):
    """Tell how deep a value is nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(nesting, inner), default=0)


def flat(value, path=()):
    """Flatten an object; what is empty stays."""
    for key, inner in value.items():
        yield from flat(inner, (*path, key)) if isinstance(inner, dict) and inner else [((*path, key), inner)]


def plain(path):
    """Name a field."""
    name = ".".join(path).encode("utf-8", "backslashreplace").decode()
    return "payload." + name if name in {"time", "client_id", "topic"} else name


def resolved(decoded):
    """Resolve, with a list of columns."""
    found, extra, names = payloads.resolve(decoded)
    return [*found], extra, names


def given_back(found, extra, length):
    """Give the fields of each message, as far as they are not null."""
    texts = ["{}"] * length if extra is None else [text or "{}" for text in extra.to_pylist()]
    rows = [{name: value for name, value in json.loads(text).items() if value is not None} for text in texts]
    for column in found:
        for fields, value in zip(rows, column.objects(), strict=True):
            if value is not None:
                assert column.name not in fields
                fields[column.name] = value
    return rows


def dtype(values):
    """Say the dtype of a field, by the rule."""
    kinds = {type(v) for v in values if v is not None}
    big = [v for v in values if type(v) is int and not -(2**63) <= v < 2**63]
    wide = [v for v in values if type(v) is int and abs(v) > 2**53]
    odd = [v for v in values if type(v) is str and any("\ud800" <= c <= "\udfff" for c in v)]
    if kinds == {int} and not big:
        return "Int64"
    if kinds == {float} or (kinds == {int, float} and not wide):
        return "float64"
    return {frozenset({bool}): "boolean", frozenset({str}): "object" if odd else "str"}.get(frozenset(kinds), "object")


@pytest.fixture(params=["in columns", "by shape", "one by one"])
def way(request, monkeypatch):
    """Read in one way wherever it can be, and in no other but one by one."""
    monkeypatch.setattr(decoder, "_ENOUGH", 10**9 if request.param == "one by one" else 1)
    monkeypatch.setattr(shapes, "SAMPLE", 2)
    monkeypatch.setattr(plain_payloads, "LEAST", 1)
    if request.param == "in columns":
        monkeypatch.setattr(shapes, "reader", lambda _: None)
    if request.param == "by shape":
        monkeypatch.setattr(plain_payloads, "take", lambda _, rows: plain_payloads.Taken([], rows))


@pytest.mark.usefixtures("way")
@settings(max_examples=400)
@given(LISTS)
def test_every_value_is_kept_and_the_rule_gives_its_dtype(rows):
    """Any messages at all: each value as Python's json reads it, of the kind it was written in, in its own row."""
    decoded = payloads.decode(table(*rows))
    expected = [told(payload) for _, payload in rows]
    names = {name for fields in expected for name in fields}
    found, extra, there = resolved(decoded)
    assert extra is None
    assert there == sorted(names) == [column.name for column in found]
    for column in found:
        values = [fields.get(column.name) for fields in expected]
        assert column.dtype == dtype(values)
        if column.dtype == "float64":
            values = [v if v is None else float(v) for v in values]
        assert [*map(repr, column.objects())] == [*map(repr, values)]


@settings(max_examples=400)
@given(LISTS, st.data())
def test_a_part_of_a_decoded_table_is_the_part_decoded(rows, data):
    """Slicing, filtering, putting together and writing to disk change nothing, at any limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_ENOUGH", data.draw(st.sampled_from([1, 4, 10**9])))
        patch.setattr(shapes, "SAMPLE", data.draw(st.sampled_from([1, 2, 32])))
        patch.setattr(plain_payloads, "LEAST", data.draw(st.sampled_from([1, 2, 4, 1024])))
        patch.setattr(decoder, "_PORTION", data.draw(st.sampled_from([2, 4096])))
        patch.setattr(decoder, "_BLOCK", data.draw(st.sampled_from([1, 3, 500_000])))
        patch.setattr(decoder, "_WORTHWHILE", data.draw(st.sampled_from([1, 50_000])))
        processors = data.draw(st.sampled_from([None, 1, 3]))
        patch.setattr(os, "cpu_count", lambda: processors)
        limit = data.draw(st.sampled_from([2, 3, 500]))
        patch.setattr(columns, "LIMIT", limit)
        patch.setattr(fields_module, "LIMIT", limit)
        patch.setattr(columns, "_KEPT_FROM", data.draw(st.sampled_from([1, 2, 256])))
        patch.setattr(fields_module, "_SHOWN_FROM", data.draw(st.sampled_from([2, 1000])))
        whole = table(*rows)
        cut = data.draw(st.integers(0, len(rows)))
        decoded = payloads.concat([payloads.decode(whole.slice(0, cut)), payloads.decode(whole.slice(cut))])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, decoded.schema) as file:
            file.write_table(decoded)
        decoded = pa.ipc.open_file(sink.getvalue()).read_all()
        kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
        found = resolved(decoded.filter(pa.array(kept)))
        direct = resolved(payloads.decode(whole.filter(pa.array(kept))))
        assert found[2] == direct[2]
        assert [(c.name, c.dtype, [*map(repr, c.objects())]) for c in found[0]] == [
            (c.name, c.dtype, [*map(repr, c.objects())]) for c in direct[0]]  # fmt: skip
        assert (found[1] is None) == (direct[1] is None)
        assert found[1] is None or found[1].to_pylist() == direct[1].to_pylist()
        rows = [payload for (_, payload), keep in zip(rows, kept, strict=True) if keep]
        for payload, fields in zip(rows, given_back(*found[:2], len(rows)), strict=True):
            assert fields.keys() == {name for name, value in told(payload).items() if value is not None}


def fields_of(*payloads_):
    """Give the fields of each payload, read in both ways."""
    found, extra, _ = resolved(payloads.decode(table(*payloads_)))
    return given_back(found, extra, len(payloads_))


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (b'{"cpu":{"load":0.5,"temp":{"core":41}},"up":true}', {"cpu.load": 0.5, "cpu.temp.core": 41, "up": True}),
        (b'{"a":{},"b":[],"c":{"d":{}}}', {"a": {}, "b": [], "c.d": {}}),
        (b'{"a":null}', {}),
        (b"{}", {}),
        (b"null", {}),
        (b"21.5", {"value": 21.5}),
        (b'"open"', {"value": "open"}),
        (b'[1,2.0,{"a":null}]', {"value": [1, 2.0, {"a": None}]}),
        (b"open", {"payload": "open"}),
        (b"", {"payload": ""}),
        (b" \n", {"payload": " \n"}),
        (b"\x01\xff", {"payload": b"\x01\xff"}),
        (b'{"ort":"Z\xfcrich","t":1}', {"payload": b'{"ort":"Z\xfcrich","t":1}'}),
        (b'{"a":1}{"a":2}', {"payload": '{"a":1}{"a":2}'}),
        (b'{"a":1},{"a":2}', {"payload": '{"a":1},{"a":2}'}),
        (b'{"a":"x\ny"}', {"payload": '{"a":"x\ny"}'}),
        (b'\r\n{"a":\n1}\n', {"a": 1}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"time":1,"topic":"x","client_id":2}', {"payload.time": 1, "payload.topic": "x", "payload.client_id": 2}),
        (b'{"x":{"time":1}}', {"x.time": 1}),
        (b'{"a.b":1,"a":{"b":2}}', {"payload.a.b": 1, "a.b": 2}),
        (b'{"a.b":1}', {"a.b": 1}),
        (b'{"payload.a.b":1,"a.b":2,"a":{"b":3}}', {"payload.a.b": 1, "payload.payload.a.b": 2, "a.b": 3}),
        (b'{"time":1,"payload":{"time":2}}', {"payload.payload.time": 1, "payload.time": 2}),
        (b'{"":1,"a":{"":2}}', {"": 1, "a.": 2}),
        (b'{"value":1,"payload":2}', {"value": 1, "payload": 2}),
        (b'{"a":1e400,"b":-Infinity}', {"a": math.inf, "b": -math.inf}),
        (b'{"a":0.1000000000000000055511151231257827,"b":5e-324}', {"a": 0.1, "b": 5e-324}),
        (b'{"a":9007199254740993,"b":9223372036854775808}', {"a": 2**53 + 1, "b": 2**63}),
        (b'{"a":"2026-11-01T00:00:00Z","b":"1.0"}', {"a": "2026-11-01T00:00:00Z", "b": "1.0"}),
        (b'{"a":"\\ud83d","\\ud83d":1}', {"a": "\ud83d", "\\ud83d": 1}),
        (b"[" * 200 + b"]" * 200, {"value": json.loads("[" * 200 + "]" * 200)}),
        (b"[[]," + b"[" * 199 + b"]" * 200, {"value": [[], json.loads("[" * 199 + "]" * 199)]}),
        (b'{"a":' * 201 + b"1" + b"}" * 201, {"payload": '{"a":' * 201 + "1" + "}" * 201}),
        (b'{"a":"' + b"[" * 300 + b'","b":[' + b"[]," * 300 + b"1]}", {"a": "[" * 300, "b": [*[[]] * 300, 1]}),
        (b"[" + b"[]," * 300 + b"[" * 200 + b"]" * 201, {"payload": "[" + "[]," * 300 + "[" * 200 + "]" * 201}),
        (b"1" * 4301, {"payload": "1" * 4301}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("way")
def test_one_payload(payload, fields):
    """What becomes of each kind of payload, alone and among others of its topic."""
    assert fields_of(payload) == [fields]
    usual = b'{"a":1,"b":{"c":2}}'
    assert fields_of(usual, payload, usual, payload)[1::2] == [fields, fields]
    assert fields_of(usual, payload, usual)[0::2] == [{"a": 1, "b.c": 2}] * 2


@pytest.mark.usefixtures("way")
def test_what_only_looks_like_the_others_is_read_by_itself():
    """Numbers that are none or that no double holds, and text with a control character, among those that fit."""
    usual = b'{"n":1,"s":"x","t":2.5}'
    numbers = ["-0", "01", "-", "-01", "1.", ".5", "1.5.5", "1-5", "+1", "1e5", "1E400", "tru", "truenull", "",
               "9007199254740993", "-9007199254740993", "999999999999999999", "-999999999999999999",
               "9223372036854775808"]  # fmt: skip
    texts = ["x\ny", "\t", "\0", "\x1f", "\x7f", "é\u2028", "\\n", "\\"]
    odd = [usual.replace(b"1", one.encode()) for one in numbers] + [usual.replace(b"x", one.encode()) for one in texts]
    odd += [usual.replace(b"2.5", one.encode()) for one in numbers]
    for one in odd:
        assert fields_of(*[usual] * 3, one, usual)[3:] == [told(one), told(usual)]
        assert fields_of(*[one] * 3) == [told(one)] * 3


def test_under_a_missing_number_stands_zero():
    """Whatever Arrow has there: so frames that are equal are so byte by byte, when they are pickled or hashed."""
    for dtype_, kind, given_ in (("Int64", "int", [1, 7, 3]), ("boolean", "bool", [True, True, False])):
        array = pa.chunked_array([pa.array(np.array(given_), mask=np.array([False, True, False]))])
        values, missing = payloads.Column("a", dtype_, {kind: array}).numbers()
        assert values.tolist() == [given_[0], 0, given_[2]]
        assert missing.tolist() == [False, True, False]


@pytest.mark.usefixtures("way")
def test_objects_that_are_empty_null_or_none_where_others_have_fields():
    """They stay apart from each other, and from objects with fields."""
    rows = [b'{"a":{"b":1}}', b'{"a":{}}', b'{"a":null}', b'{"a":3}', b"{}", b'{"a":{"c":{"d":2}}}', b'{"a":{"b":4}}']
    assert fields_of(*rows) == [{"a.b": 1}, {"a": {}}, {}, {"a": 3}, {}, {"a.c.d": 2}, {"a.b": 4}]
    found, _, _ = resolved(payloads.decode(table(rows[0], rows[2], rows[0])))
    assert [(column.name, column.dtype) for column in found] == [("a", "object"), ("a.b", "Int64")]


@pytest.mark.parametrize(
    ("values", "dtype_"),
    [
        (["1", "-2"], "Int64"), (["1", "null"], "Int64"), (["9223372036854775807"], "Int64"),
        (["9223372036854775808"], "object"), (["1.0"], "float64"), (["1", "2.5"], "float64"), (["NaN"], "float64"),
        (["9007199254740992", "0.5"], "float64"), (["9007199254740993", "0.5"], "object"), (["true"], "boolean"),
        (["1", "true"], "object"), (['"a"'], "str"), (['"a"', "1"], "object"), (["[]"], "object"), (["{}"], "object"),
        (["null"], "object"), (['"\\ud800"', '"a"'], "object"),
    ],
)  # fmt: skip
def test_the_rule_of_dtypes(values, dtype_):
    """One dtype for each mixture of kinds."""
    found, _, _ = resolved(payloads.decode(table(*(b'{"a":%s}' % value.encode() for value in values))))
    assert [(column.name, column.dtype) for column in found] == [("a", dtype_)]


def test_rare_and_countless_fields_stay_together():
    """Beyond 500 fields the rest is JSON, a field named `extra` in it, and memory stays in proportion."""
    rows = [json.dumps({f"k{i}": i, "always": 0.5, "extra": "e"}).encode() for i in range(4_000)]
    decoded = payloads.decode(table(*rows))
    assert decoded.nbytes < 10 * sum(map(len, rows))
    found, extra, names = resolved(decoded)
    assert [column.name for column in found] == ["always"]
    assert len(names) == 4_002
    assert [json.loads(text) for text in extra.to_pylist()] == [{"extra": "e", f"k{i}": i} for i in range(4_000)]
    few, extra, names = resolved(decoded.slice(0, 498))
    assert len(few) == len(names) == 500
    assert extra is None
    many, extra, _ = resolved(decoded.slice(0, 700))
    assert [column.name for column in many] == sorted(["always", *sorted(f"k{i}" for i in range(700))[:499]])
    assert json.loads(extra[699].as_py()) == {"extra": "e", "k699": 699}
    some, extra, _ = payloads.resolve(decoded, ["k7", "extra", "nothing"])
    assert [(column.name, column.dtype) for column in some] == [("k7", "Int64"), ("extra", "str")]
    assert extra is None


def test_of_too_many_fields_those_become_columns_that_most_messages_have():
    """Whatever their names, and whether they were decoded together or not."""
    rows = [json.dumps({f"f{k:03}": i for k in range(i, 600)}).encode() for i in range(600)]
    found, extra, names = resolved(payloads.decode(table(*rows)))
    assert [column.name for column in found] == [f"f{k:03}" for k in range(100, 600)]
    assert len(names) == 600
    assert json.loads(extra[99].as_py()) == {"f099": 99}
    assert extra[100].as_py() is None
    few, many = ([json.dumps({f"{one}{k:03}": k for k in range(300)}).encode()] for one in "az")
    found, _, _ = resolved(payloads.concat([payloads.decode(table(*few * 3)), payloads.decode(table(*many * 9))]))
    assert [column.name for column in found] == [f"a{k:03}" for k in range(200)] + [f"z{k:03}" for k in range(300)]


def test_nobody_shares_a_shape():
    """Messages of one topic that have no key in common are read all the same."""
    rows = [json.dumps({f"a{i}": i, f"b{i}": {"c": str(i)}}).encode() for i in range(300)]
    assert fields_of(*rows) == [{f"a{i}": i, f"b{i}.c": str(i)} for i in range(300)]
