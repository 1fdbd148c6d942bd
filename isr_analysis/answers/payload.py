"""What was published, from what a row says of it: the payload's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import boxes, columns, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import BASE64, ENCODING, HEX, leaf
from isr_analysis.errors import AnswerError

_BYTE = rb"\s*(?:\d\d?|1\d\d|2[0-4]\d|25[0-5])\s*"
_BUFFER = re.compile(rb'\{\s*"type"\s*:\s*"Buffer"\s*,\s*"data"\s*:\s*\[(' + _BYTE + rb"(?:," + _BYTE + rb")*)\]\s*\}")
CODED = {
    "base64": re.compile(rb'"(?:[A-Za-z0-9+/]{2,}={,2}|[\w-]{2,})"'),
    "hex": re.compile(rb'"(?:\\\\x|0x)?(?:[0-9a-fA-F]{2})+"'),
    "bytes": re.compile(
        rb"\[" + _BYTE + rb"(?:," + _BYTE + rb")*\]"
        rb'|\{\s*"0"\s*:' + _BYTE + rb'(?:,\s*"[1-9]\d*"\s*:' + _BYTE + rb")*\}"  # as JavaScript writes a Uint8Array
    ),
}
"""JSON texts of payloads that may be coded bytes; base64 with the letters of addresses too, padded or not."""

STRINGS = ("objects", "text", "decoded")
"""How a portal gives payloads: objects as such, as far as is known; what is no object as text; all as it decodes JSON.

What a page shows is outweighed by what another does that is later in this row.
"""

_OPENS = rb'^"(?:\s|\\[tnr])*[{\[]'
_MAY_BE_SCALAR = rb'^"(?:\s|\\[tnr])*(?:[-0-9tfnNI]|\\")'

_EMPTY = b'""'
"""No bytes, coded or not."""

_OF_BYTES = r"binary|octet|\bbytes?\b"
"""Words that a row says of its payload where that may be bytes in base64: if all of which they are said are sound."""

_CODINGS = r'(?i)^(?:null|"(?:utf-?8|ascii|text|plain|json|base64|b64|hex|binary|raw|bytes)")$'
_IS_CODED = r'^(?:null|true|false|"?[01]"?|"(?i:true|false)")$'
FLAG = re.compile(r"(?:is)?(?:base64|b64|binary)(?:encoded)?")
"""What a field is called that says whether a payload is coded, perhaps after the payload's own name."""

_STATED = rf"(?i)base64|b64|hex|text|{_OF_BYTES}"

_BINARY = re.compile(
    rb'\{\s*"\$binary"\s*:\s*\{\s*"base64"\s*:\s*(?P<data>"[^"\\]*")\s*(?:,\s*"subType"\s*:\s*"\w+"\s*)?\}\s*\}'
)
"""Coded bytes as MongoDB writes them."""


def published(
    column: pa.ChunkedArray, form: str | None = None, encoding: pa.ChunkedArray | None = None
) -> pa.ChunkedArray:
    """Give the bytes that were published.

    A payload that is no JSON string is given as its JSON text, unchanged. What a string is depends on how the portal
    gives payloads (`STRINGS`). If as text, it is what was published. Else it is that if it is JSON by itself: an object
    or array in any case, a number, a boolean or the like (``21.5``, ``true``) if the portal does not decode such, or
    this one was published with quotes. Any other string is a text value, and stays the JSON text that it is, quotes
    and all. If every payload of the answer is base64, half of them of JSON, an object or array among it, the bytes in
    it were published.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Text or JSON texts; a missing one is ``null``.
    form : {"json", "text", "base64", "hex", "bytes", "boxed", "objects", "decoded"}, optional
        What strings mean, where it is known; one of `STRINGS` if other answers showed it. Or that payloads stand in
        `boxes`.
    encoding : pyarrow.ChunkedArray, optional
        Text: what the row itself says of its payload; ``"base64"``, ``"hex"`` and ``"text"`` count.

    Returns
    -------
    pyarrow.ChunkedArray
        binary, no nulls.

    Raises
    ------
    AnswerError
        A payload is not in the form that it is said to be in.
    """
    if encoding is not None:
        said = pc.replace_substring(pc.utf8_lower(pc.fill_null(encoding, "")), "b64", "base64")
        of_bytes = pc.match_substring_regex(said, _OF_BYTES)
        values = columns.as_json(column.filter(of_bytes)).to_pylist()
        if values and all(is_coded(one, "base64") for one in values):
            said = pc.if_else(of_bytes, "base64", said)
        for one in ("base64", "hex", "text"):
            if (marked := pc.match_substring(said, one)) and pc.any(marked).as_py():
                others = pc.invert(marked)
                at, left = np.flatnonzero(marked), np.flatnonzero(others)
                values = zip(column.filter(marked).to_pylist(), at.tolist(), strict=True)
                decoded = _binary([_decoded(value, one, i) for value, i in values])
                rest = published(column.filter(others), form, encoding.filter(others))
                place = np.argsort(np.concatenate([left, at]))
                return pa.chunked_array([*rest.chunks, *decoded.chunks]).take(pa.array(place))
    are_cells = pa.types.is_string(column.type)
    if are_cells:
        column = columns.as_json(column)
    given = _with_nulls(column)
    column = _buffers(given)
    if form == "boxed" or (form in (None, "objects", "decoded") and _is_boxed(column)):
        if (held := boxes.opened(column.to_pylist(), sure=form == "boxed")) is not None:
            return _binary(held)
        if form == "boxed":
            raise AnswerError(
                'the payloads are said to be boxed (or were in other answers), but one is not: payload_form = "json" '
                "leaves all as they are"
            )
    if form in CODED:
        return _binary([_decoded(one, form, i) for i, one in enumerate(column.to_pylist())])
    if form is None and (coded := _all_coded(column)) is not None:
        return coded[1]
    is_text = pc.starts_with(given, b'"')
    if form == "json" or not pc.any(is_text).as_py():
        return column
    strings = "decoded" if form != "text" and _has_scalar(given) else form or _strings(given)
    strings = "text" if are_cells else strings
    texts = _binary([_text(one, strings) for one in given.filter(is_text).to_pylist()])
    if len(texts) == len(column):
        return texts
    every = (one.combine_chunks() for one in (column, is_text, texts))  # replaced in one piece alone
    return pa.chunked_array([pc.replace_with_mask(*every)])


def is_coded(value: bytes | None, form: str) -> bool:
    """Tell whether a payload may be of a form, base64 with its padding; or it is nothing."""
    if value in (None, b"null", _EMPTY):
        return True
    assert value is not None
    return sound(value, form) is not None and (form != "base64" or len(value) % 4 == 2)  # noqa: PLR2004 (the quotes)


def shown_form(column: pa.ChunkedArray) -> str | None:
    """Give the form that all payloads of a column are in without doubt, or which of `STRINGS` they show; else None."""
    if pa.types.is_string(column.type):
        column = columns.as_json(column)
    column = _with_nulls(column)
    if _is_boxed(column):
        return "boxed" if boxes.opened(column.to_pylist()) is not None else None
    coded = _all_coded(column)
    return _strings(column) if coded is None else coded[0]


def strings_of(column: pa.ChunkedArray, encoding: pa.ChunkedArray) -> tuple[str | None, bool]:
    """Give which of `STRINGS` payloads show whose rows do not say how they are coded, and if others may show more."""
    column = _with_nulls(columns.as_json(column.filter(pc.invert(pc.match_substring_regex(encoding, _STATED)))))
    shown = _strings(column)
    return shown, shown in (None, "objects") and _has_strings(column, scalars=shown is not None)


def seen(form: str | None, *, unsure: bool) -> str | None:
    """Give the form that payloads show to others: by numbers in strings, beside objects as such, that it is text."""
    return "text" if form == "objects" and unsure else form


def _strings(column: pa.ChunkedArray) -> str | None:
    """Give which of `STRINGS` JSON texts show; None if they show none."""
    if _has_scalar(column):
        return "decoded"
    if pc.any(pc.starts_with(column, b"{")).as_py():
        return "objects"
    opens = column.filter(pc.match_substring_regex(column, _OPENS))
    return "text" if any(raw.is_json(_text(one, "text")) for one in opens.to_pylist()) else None


def holds_object(column: pa.ChunkedArray) -> bool:
    """Tell whether a column holds an object, or texts of JSON of which one is of an object, or coded bytes of such."""
    column = columns.as_json(column)
    if pc.any(pc.starts_with(column, b"{")).as_py():
        return True
    opens = pc.match_substring_regex(column, _OPENS)
    texts = [raw.text(one).lstrip() for one in column.filter(opens).to_pylist()]
    if not texts:
        return shown_form(column) in CODED
    sound = all(raw.is_json(one.encode("utf-8", "surrogatepass")) for one in texts)
    return sound and any(one[0] == "{" for one in texts)


def named_form(name: str) -> str | None:
    """Give the form that a payload's name states."""
    spelled = leaf(name)
    return "base64" if spelled in BASE64 else "hex" if spelled in HEX else None


def coding(table: Columns, names: Iterable[str], payload: str) -> str | None:
    """Find the field that says whether or how a payload is coded: by its name, and by nothing else being in it."""
    bare = leaf(payload)
    for name in names:
        spelled = leaf(name)
        is_flag = FLAG.fullmatch(spelled.removeprefix(bare)) is not None
        if is_flag or spelled in ENCODING or spelled.removeprefix(bare) in ("encoding", "format"):
            values = columns.as_json(table[name]).drop_null()
            if len(values) and pc.all(pc.match_substring_regex(values, _IS_CODED if is_flag else _CODINGS)).as_py():
                return name
    return None


def is_unsure(column: pa.ChunkedArray, others: Iterable[pa.ChunkedArray], shown: str | None, form: str | None) -> bool:
    """Tell whether other answers may show that something else was published than what was read.

    Strings may be numbers, or coded bytes; so may be what stands in other columns, if there is nothing in this one.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        The payloads.
    others : iterable of pyarrow.ChunkedArray
        What else rows say.
    shown, form : str or None
        What the payloads show, as of `shown_form`, and what was known before, as of `published`.
    """
    if {shown, form} <= {None, "objects"} and _has_strings(column, scalars=bool(shown or form)):
        return True
    if shown or form:
        return False
    is_nothing = not pc.any(pc.not_equal(columns.as_json(column), b"null")).as_py()
    return _may_be_coded(column) or (is_nothing and any(map(_may_be_coded, others)))


def _may_be_coded(column: pa.ChunkedArray) -> bool:
    """Tell whether all payloads of a column may be coded bytes, if others were to show that they are."""
    values = [one for one in columns.as_json(column).to_pylist() if one not in (None, b"null", _EMPTY)]
    return bool(values) and any(all(sound(one, form) is not None for one in values) for form in CODED)


def _has_strings(column: pa.ChunkedArray, *, scalars: bool) -> bool:
    """Tell whether strings are among JSON texts: any, or `scalars` alone, a number or the like by themselves."""
    if pa.types.is_string(column.type):  # of cells, that are all texts
        return False
    texts = column.filter(pc.fill_null(pc.match_substring_regex(column, _MAY_BE_SCALAR if scalars else b'^"'), False))
    return any(not scalars or _is_scalar(_text(one, "text")) for one in texts.to_pylist())


def _with_nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write what is missing as null; most columns lack nothing, and stay as they are."""
    return pc.fill_null(column, b"null") if column.null_count else column


def spread(parts: Columns) -> pa.ChunkedArray:
    """Give the objects whose members are columns of JSON texts; what is missing in a row is left out."""
    rest = parts.get(columns.REST)
    named = {columns.key(name): one for name, one in parts.items() if name != columns.REST}
    if rest is None and not any(one.null_count for one in named.values()):
        # Not with the option to skip nulls: pyarrow 26 loses rows of nothing but nulls.
        pieces = [piece for i, (name, one) in enumerate(named.items()) for piece in ((b"," if i else b"{") + name, one)]
        scalar = [
            one if isinstance(one, pa.ChunkedArray) else pa.scalar(one, pa.binary()) for one in (*pieces, b"}", b"")
        ]
        return pc.binary_join_element_wise(*scalar)
    rows = zip(*(one.to_pylist() for one in (*named.values(), *((rest,) if rest is not None else ()))), strict=True)
    names = list(named)
    made = []
    for row in rows:
        members = [name + value for name, value in zip(names, row, strict=False) if value is not None]
        if rest is not None and len(row[-1] or b"{}") > 2:  # noqa: PLR2004
            members.append(row[-1][1:-1])
        made.append(b"{" + b",".join(members) + b"}")
    return _binary(made)


def _is_boxed(column: pa.ChunkedArray) -> bool:
    """Tell whether the first of the payloads may be in a box; most often it is not."""
    head = columns.sample(column)
    return isinstance(head, bytes) and boxes.opened([head], sure=True) is not None


def _buffers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the bytes of payloads that Node.js wrote as ``{"type":"Buffer","data":[…]}``, or MongoDB as ``$binary``."""
    if not pc.any(pc.match_substring_regex(column, rb'^\{\s*"(?:type"\s*:\s*"Buffer|\$binary)"')).as_py():
        return column
    values = column.to_pylist()
    binaries = [_BINARY.fullmatch(one) for one in values]
    if all(found or one == b"null" for found, one in zip(binaries, values, strict=True)):
        pairs = enumerate(binaries)
        return _binary([_decoded(found["data"], "base64", i) if found else b"null" for i, found in pairs])
    found = ((one, _BUFFER.fullmatch(one)) for one in values)
    return _binary([bytes(map(int, match[1].split(b","))) if match else one for one, match in found])


def _has_scalar(column: pa.ChunkedArray) -> bool:
    """Tell whether a number or a boolean is among JSON texts."""
    return bool(pc.any(pc.match_substring_regex(column, "^[-0-9tfNI]")).as_py())


def _text(value: bytes, strings: str | None) -> bytes:
    """Give what was published of which a JSON string came, by how the portal gives `STRINGS`."""
    try:
        text = raw.text(value).encode()
    except UnicodeError:  # no text that could have been published: the JSON text keeps it
        return value
    if strings == "text":
        return text
    return text if raw.is_json(text) and not (strings == "decoded" and _is_scalar(text)) else value


def _is_scalar(text: bytes) -> bool:
    """Tell whether a text is JSON, and no object or array."""
    return text.lstrip()[:1] not in (b"{", b"[") and raw.is_json(text)


def _decoded(value: bytes | str | None, form: str, row: int) -> bytes:
    text = value.encode() if isinstance(value, str) else value
    if text is None or text == b"null":
        return b"null"
    try:
        if form == "bytes":
            if text in (b"[]", b"{}"):
                return b""
            return bytes(map(int, re.sub(rb'"\d+"\s*:', b"", text).strip(b"[]{}").split(b",")))
        if text[:1] == b'"' and (form != "text" or isinstance(value, bytes)):
            text = raw.text(text).encode()
        return boxes.decoded(text, form)
    except ValueError as exc:
        raise AnswerError(f"row {row + 1}: the payload is said to be {form} but is {text[:60]!r}") from exc


def _all_coded(column: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray] | None:
    """Decode coded bytes where there is no doubt: all may be that, half of them are of JSON, one an object or array."""
    head = columns.sample(column)
    for form in CODED:
        if not isinstance(head, bytes) or (head != _EMPTY and sound(head, form) is None):  # most often none of them is
            continue
        empty = {b"null": b"null", **dict.fromkeys((b"[]", b"{}") if form == "bytes" else (_EMPTY,), b"")}
        decoded = [empty[value] if value in empty else sound(value, form) for value in column.to_pylist()]
        whole = [one for one in decoded if one is not None]
        if len(whole) < len(decoded) or not any(one.lstrip()[:1] in (b"{", b"[") and raw.is_json(one) for one in whole):
            continue
        if 2 * sum(map(raw.is_json, whole)) >= sum(one != b"" for one in whole):
            return form, _binary(whole)
    return None


def sound(value: bytes, form: str) -> bytes | None:
    """Decode a payload, a JSON text, if it may be coded bytes of a form; else give None."""
    if not CODED[form].fullmatch(value):
        return None
    try:
        return _decoded(value, form, 0)
    except AnswerError:
        return None


def _binary(values: Sequence[bytes | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.binary())])
