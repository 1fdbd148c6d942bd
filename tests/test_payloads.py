"""Payloads: every value kept, whichever way it was read, kept, sliced or put together."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isr_analysis import messages, payloads
from isr_analysis.payloads import columns, decoder, message, shapes

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
LISTS = st.lists(st.tuples(st.sampled_from("tu"), PAYLOADS), max_size=12)


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


@pytest.fixture(params=[1, 10**9], ids=["by shape", "one by one"])
def way(request, monkeypatch):
    """Read by shape wherever it can be, or never."""
    monkeypatch.setattr(decoder, "_ENOUGH", request.param)
    monkeypatch.setattr(shapes, "SAMPLE", 2)


@pytest.mark.usefixtures("way")
@settings(max_examples=400)
@given(LISTS)
def test_every_value_is_kept_and_the_rule_gives_its_dtype(rows):
    """Any messages at all: each value as Python's json reads it, of the kind it was written in, in its own row."""
    decoded = payloads.decode(table(*rows))
    expected = [told(payload) for _, payload in rows]
    names = {name for fields in expected for name in fields}
    found, extra, there = payloads.resolve(decoded)
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
        patch.setattr(decoder, "_PORTION", data.draw(st.sampled_from([2, 4096])))
        patch.setattr(decoder, "_BLOCK", data.draw(st.sampled_from([1, 3, 500_000])))
        patch.setattr(columns, "LIMIT", data.draw(st.sampled_from([2, 3, 500])))
        patch.setattr(columns, "_KEPT_FROM", data.draw(st.sampled_from([1, 2, 256])))
        patch.setattr(columns, "_SHOWN_FROM", data.draw(st.sampled_from([2, 1000])))
        whole = table(*rows)
        cut = data.draw(st.integers(0, len(rows)))
        decoded = payloads.concat([payloads.decode(whole.slice(0, cut)), payloads.decode(whole.slice(cut))])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, decoded.schema) as file:
            file.write_table(decoded.unify_dictionaries())
        decoded = pa.ipc.open_file(sink.getvalue()).read_all()
        kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
        found = payloads.resolve(decoded.filter(pa.array(kept)))
        direct = payloads.resolve(payloads.decode(whole.filter(pa.array(kept))))
        assert found[2] == direct[2]
        assert [(c.name, c.dtype, [*map(repr, c.objects())]) for c in found[0]] == [
            (c.name, c.dtype, [*map(repr, c.objects())]) for c in direct[0]]  # fmt: skip
        assert (found[1] is None) == (direct[1] is None)
        assert found[1] is None or found[1].to_pylist() == direct[1].to_pylist()
        rows = [payload for (_, payload), keep in zip(rows, kept, strict=True) if keep]
        for payload, fields in zip(rows, given_back(*found[:2], len(rows)), strict=True):
            assert fields.keys() == {name for name, value in told(payload).items() if value is not None}
