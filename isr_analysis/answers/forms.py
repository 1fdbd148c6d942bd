"""From the bytes of a body to columns, whatever the format."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection
from dataclasses import replace

from isr_analysis.answers import arrow, beside, columns, csv, envelope, failures, keys, paging, payload, raw, unpack
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import AROUND, TOPIC, Fields, plain, time_rank
from isr_analysis.answers.words import error_words
from isr_analysis.errors import AnswerError

_OF_LINES = re.compile(r"csv|tab-separated|ndjson|jsonl|json-lines|json-seq|jsonlines|event-stream", re.IGNORECASE)
"""Media types of which nothing at all is an answer without rows."""

_EVENTS = re.compile(rb"\s*+(?:(?:event|id|retry|):[^\r\n]*+\s*+)*+data:")
"""How a stream of events begins."""

_CELLS = "\0cells"
"""The note of an answer that is CSV."""

_NO_DATA = (b"", b"{}", b"null", b"[DONE]")
"""What events say that mark the end of a stream."""

_ARRAY = re.compile(rb"\[\s*\{")
_NEAR = 20_000


def read(
    body: bytes, content_type: str | None, *, fields: Fields, live: bool, whole: bool = False
) -> tuple[Columns, dict[str, bytes]]:
    """Give the rows of a body as columns, and what stands beside them; `whole` if it is known to have come whole.

    Raises
    ------
    AnswerError
        The body has no form that is known, or breaks off.
    """
    texts = unpack.texts(body, content_type)
    if len(texts) == 1 and (found := _alike(texts[0], fields=fields, live=live)):
        return gather(found.groups), found.notes
    if not b"".join(texts) and unpack.is_packed(body) and "/json" not in (content_type or ""):
        return {}, {}  # a file of lines that has none, or no files; it is whole, or it would not unpack
    if live and len(texts) == 1 and texts[0].strip() == b"null":
        return {}, {}  # as Go writes a list of none
    named = {one for one in (fields.time, fields.client_id, fields.topic, fields.payload) if one}
    documents, tables, said = split(texts, content_type, whole=whole, named=named)
    if not documents:
        return columns.concat([(one, columns.length(one)) for one in tables]), said
    files = {one.strip() for one in texts} if len(texts) > 1 else ()
    lines = _OF_LINES.search(content_type or "") is not None
    found = envelope.find(documents, fields=fields, live=live, beside_tables=bool(tables), files=files, lines=lines)
    rows = gather(found.groups)
    if tables:
        rows = columns.concat([(one, columns.length(one)) for one in (rows, *tables)])
    return rows, said | found.notes


def read_files(body: bytes, content_type: str | None, *, fields: Fields) -> tuple[Columns, dict[str, bytes]] | None:
    """Read the files of a zip or tar file one by one, of which the paths say whose rows each has; None if it is none.

    Raises
    ------
    AnswerError
        A file has no form that is known, or breaks off.
    """
    files = [(path, text) for path, text in unpack.files(body, content_type) if path]
    found = [read(text, content_type, fields=fields, live=False) for _, text in files]
    tables = [(table, columns.length(table)) for table, _ in found]
    if not files or any(name.startswith(keys.KEY) for table, _ in tables for name in table):
        return None
    around = keys.columns_of([keys.of_path(path) for path, _ in files], [count for _, count in tables])
    return around | columns.concat(tables), {name: one for _, notes in found for name, one in notes.items()}


def _alike(text: bytes, *, fields: Fields, live: bool) -> envelope.Found | None:
    """Find the rows of a text that holds one array of rows alike, which is then gone through once; None if it does not.

    If what is between two brackets is an array, and the text with its first row alone is JSON, then the whole text is;
    and the rows are found as they are in the shorter one, which is looked through in its place.
    """
    opens = _ARRAY.search(text, 0, _NEAR)
    end = _last_close(text)
    if opens is None or not end:
        return None
    at = opens.start()
    try:
        head = raw.first(text[at : at + _NEAR])
        assert head is not None  # it is an object
        short = b"[" + head + b"]"
        documents = raw.documents(text[:at] + short + text[end:])
        found = envelope.find(documents, fields=fields, live=live)
    except AnswerError:  # broken, or of another form: the longer way says so
        return None
    if len(documents) > 1 or [one.rows for one in found.groups] != [short]:
        return None
    made = columns.of_like([memoryview(text)[at:end]], head)
    if made is None:
        return None
    found.groups = [replace(found.groups[0], rows=made[0])]
    return found


def _last_close(text: bytes) -> int:
    """Give where the last array of objects ends; 0 if none does near the text's end."""
    near = max(len(text) - _NEAR, 0)
    end = text.rfind(b"]", near) + 1
    while end and text[near : end - 1].rstrip()[-1:] != b"}":
        end = text.rfind(b"]", near, end - 1) + 1
    return end


def without_rows(body: bytes, content_type: str | None) -> frozenset[bytes]:
    """Give what `nothing` gives of an answer of this one's form without rows; none where that would show it by itself.

    Of JSON lines nothing is left, or the first and the last, which are no rows; braces, of groups, or of what says
    nothing beside its rows but what is next; and of an array Go writes null.
    """
    documents, tables, _ = split(unpack.texts(body, content_type), content_type)
    if len(documents) == 1 and not tables and raw.kind(documents[0]) == "[":
        return frozenset((b"null",))
    if tables or any(raw.kind(one) != "{" for one in documents):
        return frozenset()
    scalars = [name for name, one in raw.members(documents[0]).items() if raw.kind(one) not in ("{", "[")]
    if len(documents) > 1 or any(time_rank(name) is not None for name in scalars):
        return frozenset((_names(envelope.find(documents, fields=Fields(), live=False).lines),))
    empty = (b"{}",) if all(paging.is_next(name) for name in scalars) else ()
    return frozenset((*empty, *_nil(documents, "[")))


def nothing(body: bytes, content_type: str | None, *, behind: bool = False) -> frozenset[bytes]:
    """Give an answer that may be one without rows in short, in each way that it may be; none if it is no such one.

    The rows that it counts are not missing where it is a page `behind` others.
    """
    with contextlib.suppress(AnswerError):
        text = b"\n".join(unpack.texts(body, content_type)).strip()
        if text in (b"", b"{}", b"null"):
            return frozenset((text,))
        documents = raw.documents(text)
        counts_none = all(beside.is_nothing(raw.fields(one)) for one in documents)
        return frozenset((*((_names(documents),) if counts_none else ()), *_nil(documents, "n", behind=behind)))
    return frozenset()


def _nil(documents: list[bytes], kind: str, *, behind: bool = False) -> tuple[bytes, ...]:
    """Give the place of an object's rows, by which one with null there is known; nothing if there is no such object."""
    way = beside.nil(raw.fields(documents[0]), kind, behind=behind) if len(documents) == 1 else None
    return (json.dumps({"null": way}).encode(),) if way else ()


def _names(documents: list[bytes]) -> bytes:
    return b"\n".join(json.dumps(sorted(raw.members(one))).encode() for one in documents)


def split(
    texts: list[bytes], content_type: str | None, *, whole: bool = False, named: Collection[str] = ()
) -> tuple[list[bytes], list[Columns], dict[str, bytes]]:
    """Give the JSON documents of a body's texts, its tables of CSV, and what lines of these say that are no rows.

    Raises
    ------
    AnswerError
        It is neither, or breaks off.
    """
    documents: list[bytes] = []
    tables: list[Columns] = []
    said: list[str] = []
    is_of_cells = False
    for text in texts:
        start = text[:200].lstrip(b" \t\r\n\x1e")
        if _EVENTS.match(text):
            found = [line[5:].strip() for line in text.splitlines() if line.startswith(b"data:")]
            data = b"\n".join(line for line in found if line not in _NO_DATA)
            documents += raw.documents(data) if data else []
            tables += [] if data else [{}]
        elif arrow.is_arrow(text):
            tables.append(arrow.read(text))
        elif start[:1] in (b"{", b"["):
            documents += raw.documents(text)
        elif start[:1] == b'"' and (inner := _json_within(text)):
            documents += raw.documents(inner)
        elif not start and text.strip() == b"" and _OF_LINES.search(content_type or ""):
            tables.append({})
        elif not text.strip():
            raise AnswerError("the body is empty")
        elif start[:1] == b"<":
            raise AnswerError(_no_data(text, content_type))
        else:
            table, lines = _csv(text, content_type, named, whole=whole)
            is_of_cells = True
            tables.append(table)
            said += lines
    if not documents and not tables:
        raise AnswerError("the body is a zip file without files")
    return documents, tables, _heard(said) | ({_CELLS: b"true"} if is_of_cells else {})


def _json_within(text: bytes) -> bytes | None:
    """Give the JSON that a text is that is itself a JSON string: an answer that was written as JSON twice."""
    inner = raw.text(text.strip()).encode("utf-8", "surrogatepass") if raw.is_json(text) else b""
    return inner if inner.lstrip()[:1] in (b"{", b"[") and raw.is_json(inner) else None


def _no_data(text: bytes, content_type: str | None) -> str:
    """Say what came where data should have: XML, or a page of HTML, of which no contract file makes an answer."""
    page = re.search(rb"<!doctype html|<html|<head|<body", text[:2000], re.IGNORECASE)
    if page is None and "html" not in (content_type or ""):
        return f"XML came, which is not read: {text[:80].decode('utf-8', 'replace')!r}"
    return f"no data came but {error_words(text, 'text/html')!r}: {failures.ELSEWHERE}"


def taught(form: str | None, notes: dict[str, bytes]) -> str | None:
    """Give the form of payloads that an answer shows to others; all cells of CSV are text, also those of numbers."""
    return None if form in payload.STRINGS and _CELLS in notes else form


def _heard(said: list[str]) -> dict[str, bytes]:
    """Give what lines beside rows of CSV say as a note; refuse it if it is that rows are missing."""
    if not said:
        return {}
    words = json.dumps("; ".join(said)).encode()
    failures.check_whole({"notes": words})
    return {"notices": words}


def _csv(text: bytes, content_type: str | None, named: Collection[str], *, whole: bool) -> tuple[Columns, list[str]]:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as exc:
        if text[: exc.start].isascii() and b"\0" not in text and len(text[: exc.start].split()) > 1:
            raise AnswerError(
                f"a text came that is not UTF-8 ({text[max(exc.start - 20, 0) : exc.end + 5]!r}), and no charset in "
                f"its Content-Type ({content_type or 'none'}) says what it is"
            ) from exc
        raise AnswerError(f"neither JSON nor text came ({content_type or 'no type'}): {text[:40]!r}") from exc
    head = csv.head_of(decoded, named)
    if head is None:
        raise AnswerError(f"neither JSON nor CSV came ({content_type or 'no type'}) but {decoded[:80]!r}")
    return csv.read(decoded, head, whole=whole)


def gather(groups: list[envelope.Group]) -> Columns:
    """Put groups of rows one below the other, with what stands around each as columns."""
    if not groups:
        return {}
    arrays = [one.rows for one in groups if isinstance(one.rows, bytes)]
    if len(arrays) == len(groups):
        table, counts = columns.of_arrays(arrays)
    else:
        tables = [columns.of_arrays([one.rows])[0] if isinstance(one.rows, bytes) else one.rows for one in groups]
        counts = [columns.length(one) for one in tables]
        table = columns.concat(list(zip(tables, counts, strict=True)))
    paths: Columns = {}
    for name in dict.fromkeys(name for one in groups for name in one.outer):
        around = columns.json_texts(
            [one.outer.get(name) for one, count in zip(groups, counts, strict=True) for _ in range(count)]
        )
        own = name.removeprefix(AROUND)
        own = own if own in table else name
        if own in table and plain(own) in TOPIC:
            paths |= keys.paths_around(columns.texts(table[own], own), columns.texts(around, own))
        table[own] = columns.first_of(table[own], around) if own in table else around
    return table | keys.columns_of([one.keys for one in groups], counts) | paths
