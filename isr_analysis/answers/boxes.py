"""Payloads in boxes: objects that a portal puts around what was published, to say how it is written.

``{"hex": "7b7d"}``, ``{"type": "json", "value": {…}}``, ``{"json": null, "text": "on"}``. A device may publish such an
object itself. So it is taken for a box only if every payload of an answer is one, and one of them says so surely.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple

from isr_analysis.answers import raw
from isr_analysis.answers.shape import plain

_FORMS = {
    "json": "json", "object": "json", "hex": "hex", "base64": "base64", "b64": "base64", "base64url": "base64",
    "text": "text", "string": "text", "str": "text", "utf8": "text", "plain": "text", "raw": "text", "binary": "base64",
    "bytes": "base64", "number": "json", "integer": "json", "float": "json", "double": "json", "boolean": "json",
    "bool": "json", "array": "json", "null": "json",
    "applicationjson": "json", "textplain": "text", "applicationoctetstream": "base64",
}  # fmt: skip
"""What the words that portals use say of how a payload is written."""

_SURE = {"json", "hex", "base64", "b64", "base64url", "utf8", "applicationjson", "textplain", "applicationoctetstream"}
"""Of these words those that say nothing of a device's own."""

_TAGS = {"type", "format", "encoding", "kind", "contenttype", "payloadtype", "mimetype", "mediatype", "datatype"}
_HELD = {"value", "data", "content", "payload", "body", "raw", "bytes"}
_NOTES = {"size", "length", "len", "bytelength", "charset"}


def opened(values: Sequence[bytes], *, sure: bool = False) -> list[bytes] | None:
    """Give what is in the boxes, if all payloads are in one; None if they are not, or nothing says so surely.

    Parameters
    ----------
    values : sequence of bytes
        Payloads as JSON texts; null stays.
    sure : bool
        Whether other answers of the portal showed that its payloads are in boxes.
    """
    boxes = [None if value == b"null" else _open(value) for value in values]
    if any(box is None and value != b"null" for box, value in zip(boxes, values, strict=True)):
        return None
    if not (sure or any(box is not None and box.sure for box in boxes)):
        return None
    texts = all(raw.kind(box.held) == '"' for box in boxes if box is not None and box.form == "json")
    return [b"null" if box is None else _of_json(box.held, texts) if box.form == "json" else box.held for box in boxes]


class _Box(NamedTuple):
    """What a box holds: bytes, or JSON of which texts may be those of JSON; and whether it surely is a box."""

    held: bytes
    form: str
    sure: bool


def _open(value: bytes) -> _Box | None:
    if raw.kind(value) != "{":
        return None
    inner = {plain(name): one for name, one in raw.members(value).items()}
    inner = {name: one for name, one in inner.items() if name not in _NOTES or len(inner) == 1}
    tag = next((name for name in inner if name in _TAGS), None)
    if tag is not None:
        held = inner.keys() - {tag}
        word = plain(raw.text(inner[tag]).partition(";")[0].lower()) if raw.kind(inner[tag]) == '"' else ""
        if len(held) != 1 or not held <= {*_HELD, *_FORMS} or (box := _box(value := inner[held.pop()], word)) is None:
            return None
        return box._replace(sure=box.sure or (word == "object" and raw.kind(value) == "{"))
    there = {name: one for name, one in inner.items() if one != b"null"}
    if not inner or not inner.keys() <= _FORMS.keys() or (len(there) > 1 and not _same(there)):
        return None
    name = min(there, key=lambda one: _FORMS[one] != "text", default="json")  # the text is as it was published
    box = _box(there.get(name, b"null"), name)
    if box is None:
        return None
    alone = len(inner) == 1 and _FORMS[name] != "json"  # a device may have a field of that name
    opens = box.held.lstrip()[:1] in (b"{", b"[") and raw.is_json(box.held)
    return box._replace(sure=bool(_SURE & inner.keys()) and (not alone or opens))


def _same(there: dict[str, bytes]) -> bool:
    """Tell whether the members of a box say the same in two ways: the text, and the JSON that it is."""
    texts = [raw.text(one).encode() for name, one in there.items() if _FORMS[name] == "text" and raw.kind(one) == '"']
    others = [one for name, one in there.items() if _FORMS[name] == "json"]
    return len(texts) == len(others) == 1 and re.sub(rb"\s", b"", texts[0]) == re.sub(rb"\s", b"", others[0])


def _box(value: bytes, word: str) -> _Box | None:
    """Give what a value is in the form that a word says; None if the word says none, or it is not in that form."""
    form, sure = _FORMS.get(word), word in _SURE
    if form == "json":
        return _Box(value, form, sure)
    if form == "base64" and raw.kind(value) == "[":
        bytes_of = [int(one) if one.isdigit() else 256 for one in raw.elements(value)]
        return _Box(bytes(bytes_of), form, sure) if max(bytes_of, default=0) < 256 else None  # noqa: PLR2004
    if form is None or raw.kind(value) != '"':
        return None
    try:
        return _Box(decoded(raw.text(value).encode(), form), form, sure)
    except ValueError:  # and what is not in its form
        return None


def decoded(text: bytes, form: str) -> bytes:
    """Undo hex or base64, of either alphabet, padded or not; in any other form a text is itself."""
    if form == "hex":
        return bytes.fromhex(text.decode().removeprefix("\\x").removeprefix("0x"))
    if form == "base64":
        text = text.translate(bytes.maketrans(b"-_", b"+/"), b"\r\n").rstrip(b"=")
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    return text


def _of_json(value: bytes, texts: bool) -> bytes:
    """Give the JSON of a value; if all are texts, they are texts of JSON, and so is one of an object or array."""
    if raw.kind(value) != '"':
        return value
    text = raw.text(value).encode("utf-8", "surrogatepass")
    return text if (texts or text.lstrip()[:1] in (b"{", b"[")) and raw.is_json(text) else value
