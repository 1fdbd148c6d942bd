"""JSON taken apart without changing a byte of its values.

`msgspec` does it fast where the text is standard JSON. What Python and others emit beside the standard (NaN and
infinities, raw control characters and lone surrogates in strings, any depth) is taken apart by a slower scanner, which
checks just as strictly that the text is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

import msgspec

from isr_analysis.errors import AnswerError

_SPACE = re.compile(rb"[ \t\n\r]*+")
_BETWEEN = re.compile(rb"[ \t\n\r\x1e]*+")
_TOKEN = re.compile(
    rb"""[ \t\n\r]*+(?:([{\[])|([}\]])|([,:])
    |("(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
    |(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|-?Infinity|NaN))""",
    re.VERBOSE,
)
_SHORT = 20_000
_LITTLE = 24
"""Bytes of an object, for each of its members, that may be spaces and punctuation."""

_STANDARD = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

_raw = msgspec.json.Decoder(msgspec.Raw)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_dict = msgspec.json.Decoder(dict[str, msgspec.Raw])
_records = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_text = msgspec.json.Decoder(str)


def kind(value: bytes) -> str:
    """Give the kind of a JSON text: ``{``, ``[``, ``"``, ``0`` (a number), ``t``, ``f``, ``n`` (null), or nothing."""
    first = value[:1].decode("latin-1")
    return "0" if first and first in "-0123456789IN" else first


def members(value: bytes) -> dict[str, bytes]:
    """Give the members of an object; of a name that comes twice, the last.

    Raises
    ------
    AnswerError
        It is no object.
    """
    if kind(value) != "{":
        raise AnswerError(f"{value[:60].decode('utf-8', 'replace')} stands where an object should")
    try:
        return {name: bytes(raw) for name, raw in _dict.decode(value).items()}
    except _STANDARD:
        parts = list(_parts(value))
        return {text(name): part for name, part in zip(parts[::2], parts[1::2], strict=True)}


def fields(value: bytes) -> dict[str, bytes]:
    """Give the members of an object; of anything else there are none."""
    return members(value) if kind(value) == "{" else {}


def doubled(value: bytes, found: dict[str, bytes]) -> str | None:
    """Give the name that an object has twice, so that more than a few bytes are not among its members."""
    if len(value) - sum(map(len, found)) - sum(map(len, found.values())) < _LITTLE * (len(found) + 1):
        return None
    names = [text(one) for one in list(_parts(value))[::2]]
    return next((name for name in found if names.count(name) > 1), None)


def contradictory(value: bytes, found: Collection[str]) -> list[str]:
    """Give the names that an object, of which the names are known, has twice with different values."""
    parts = list(_parts(value))
    if len(parts) == 2 * len(found):
        return []
    pairs = {(text(name), part) for name, part in zip(parts[::2], parts[1::2], strict=True)}
    names = [name for name, _ in pairs]
    return [name for name in found if names.count(name) > 1]


def elements(value: bytes) -> list[bytes]:
    """Give the elements of an array."""
    try:
        return [bytes(raw) for raw in _list.decode(value)]
    except _STANDARD:
        return list(_parts(value))


def records(value: bytes) -> list[dict[str, bytes]]:
    """Give the members of each object of an array."""
    try:
        return [{name: bytes(raw) for name, raw in one.items()} for one in _records.decode(value)]
    except _STANDARD:
        return [members(one) for one in elements(value)]


def first(value: bytes) -> bytes | None:
    """Give the first element of an array; None if it is empty.

    The others are not looked at, unless the first is so long that the scanner would be slow.
    """
    try:
        return next(_parts(value[:_SHORT]), None)
    except AnswerError:
        if len(value) <= _SHORT:
            raise
    try:
        return bytes(_list.decode(value)[0])
    except _STANDARD:
        return next(_parts(value), None)


def text(value: bytes) -> str:
    """Give the text of a JSON string; a lone surrogate stays one, invalid UTF-8 becomes lone surrogates."""
    try:
        return _text.decode(value)
    except _STANDARD:
        return str(json.loads(value.decode("utf-8", "surrogateescape"), strict=False))


def plain_text(value: bytes) -> str:
    """Give the text of a JSON string, and of anything else its JSON text."""
    return text(value) if kind(value) == '"' else value.decode()


def documents(body: bytes) -> list[bytes]:
    """Give the JSON texts of a body: one, one a line, a text sequence (RFC 7464), or one after the other.

    Raises
    ------
    AnswerError
        The body is not JSON, or breaks off.
    """
    try:
        return [bytes(_raw.decode(body))]
    except _STANDARD:
        pass
    try:
        return [bytes(raw) for raw in _raw.decode_lines(body.replace(b"\x1e", b"\n"))]
    except _STANDARD:
        found: list[bytes] = []
        at = 0
        while (at := _BETWEEN.match(body, at).end()) < len(body):  # type: ignore[union-attr]
            end = _end(body, at)
            found.append(body[at:end])
            at = end
        return found


def is_json(value: bytes) -> bool:
    """Tell whether bytes are one JSON text."""
    try:
        _raw.decode(value)
    except _STANDARD:
        try:
            return bool(value) and _space(value, _end(value, _space(value, 0))) == len(value)
        except AnswerError:
            return False
    return True


def _space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at


def _parts(value: bytes) -> Iterator[bytes]:
    """Give the elements of an array, or the names and values of an object by turns."""
    at = _space(value, _space(value, 0) + 1)
    while value[at : at + 1] not in (b"]", b"}"):
        end = _end(value, at)
        yield value[at:end]
        at = _space(value, end)
        if value[at : at + 1] in (b",", b":"):
            at = _space(value, at + 1)


def _end(body: bytes, at: int) -> int:
    """Give where the JSON value that begins at a byte ends; it is checked all through."""
    closers: list[bytes] = []
    wanted = "value"  # value, value or close, name, name or close, colon, comma or close
    while True:
        found = _TOKEN.match(body, at)
        opens, closes, divider, string, plain = found.groups() if found else (None,) * 5
        if found is None:
            pass
        elif opens and wanted.startswith("value"):
            closers.append(b"}" if opens == b"{" else b"]")
            wanted = "name or close" if opens == b"{" else "value or close"
            at = found.end()
            continue
        elif closes and closers and closes == closers[-1] and wanted.endswith("close"):
            closers.pop()
            wanted = "comma or close"
            at = found.end()
        elif divider == b"," and wanted == "comma or close":
            wanted = "name" if closers[-1] == b"}" else "value"
            at = found.end()
            continue
        elif divider == b":" and wanted == "colon":
            wanted = "value"
            at = found.end()
            continue
        elif string and wanted.startswith("name"):
            wanted = "colon"
            at = found.end()
            continue
        elif (string or plain) and wanted.startswith("value"):
            wanted = "comma or close"
            at = found.end()
        else:
            found = None
        if found is None:
            rest = body[at : at + 40]
            raise AnswerError(
                f"the JSON breaks off after {len(body)} bytes"
                if not rest.strip() or at == len(body)
                else f"the JSON is broken at byte {at}: {rest.decode('utf-8', 'replace')!r}"
            )
        if not closers:
            return at
