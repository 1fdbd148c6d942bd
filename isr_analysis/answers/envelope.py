"""Where the rows are: arrays, objects around them, groups by client or topic, and columns beside rows of values."""

from __future__ import annotations

from dataclasses import dataclass, field

from isr_analysis.answers import columns, raw, tables
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import (
    ACCOUNT,
    BESIDE,
    CLIENT,
    PAYLOAD,
    RECEIVED,
    ROWS,
    TOPIC,
    Fields,
    pick,
    plain,
    time_rank,
)
from isr_analysis.answers.words import error_words
from isr_analysis.errors import AnswerError

_DEEPEST = 12
_FAILED = ("error", "errors", "exception", "fault")
_NOT_OK = {"error", "fail", "failed", "failure", "partial", "timeout"}
_NOTHING = (b"null", b"false", b'""', b"[]", b"{}", b"0", b"None")


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand together.

    Parameters
    ----------
    rows : bytes or Columns
        A JSON array of objects, or columns already.
    outer : dict
        What the objects around say of all of these rows; a row's own word comes first.
    keys : tuple of str
        The names under which the rows stand, where the rows are grouped: clients, topics.
    """

    rows: bytes | Columns
    outer: dict[str, bytes]
    keys: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """The rows of a body, and what the envelope says beside them, by name; dots go into nested objects."""

    groups: list[Group] = field(default_factory=list)
    notes: dict[str, bytes] = field(default_factory=dict)


def find(documents: list[bytes], *, fields: Fields, live: bool) -> Found:
    """Find the rows of JSON documents.

    Raises
    ------
    AnswerError
        There are no rows, and no field that would hold them; or the body states a failure.
    """
    search = _Search(fields, live=live)
    if not documents:
        raise AnswerError("the body is empty")
    if len(documents) > 1:
        ends = {0, len(documents) - 1}  # where lines of JSON have a header or a trailer
        documents = [one for i, one in enumerate(documents) if i not in ends or not search.is_note(one)]
        heads = [search.role(one) for one in documents[:1]]
        if heads == ["row"] and all(raw.kind(one) == "{" for one in documents):
            documents = [b"[" + b",".join(documents) + b"]"]
    for document in documents:
        value = _walk(document, fields.rows) if fields.rows else document
        groups = search.dig(value, {}, ())
        if groups is None and fields.rows and raw.kind(value) == "[" and raw.kind(raw.first(value) or b"") == "{":
            groups = [Group(value, {}, ())]
        if groups is None:
            raise AnswerError(f"no rows of messages were found in {describe(document)}")
        search.found.groups += groups
    return search.found


def describe(value: bytes) -> str:
    """Say what a JSON text is, in a few words."""
    what = raw.kind(value)
    if what == "{":
        fields = raw.members(value)
        if words := next((name for name in ("detail", *_FAILED) if fields.get(name, b"null") not in _NOTHING), None):
            return f"an object that states {words!r}: {error_words(value)}"
        inside = next((name for name in fields if plain(name) in ROWS and raw.kind(fields[name]) == "["), None)
        within = f"; {inside!r} is {describe(fields[inside])}" if inside else ""
        return f"an object with the fields {', '.join(list(fields)[:20]) or '(none)'}{within}"
    if what == "[":
        head = raw.first(value)
        return "an empty array" if head is None else f"an array of which the first element is {describe(head)}"
    names = {'"': "the text", "0": "the number", "t": "the value", "f": "the value", "n": "the value"}
    return f"{names.get(what, 'the text')} {value[:60].decode('utf-8', 'replace')}"


def _walk(document: bytes, path: str) -> bytes:
    value = document
    for name in path.split("."):
        inner = raw.members(value).get(name) if raw.kind(value) == "{" else None
        if inner is None:
            raise AnswerError(
                f"the field {path!r}, which the contract names for the rows, is not in {describe(document)}"
            )
        value = inner
    return value


class _Search:
    """One search through a body."""

    def __init__(self, fields: Fields, *, live: bool) -> None:
        self.fields = fields
        self.live = live
        self.found = Found()

    def _rank(self, name: str) -> int | None:
        return 0 if name == self.fields.time else time_rank(name)

    def _payload(self, fields: dict[str, bytes]) -> str | None:
        return self.fields.payload if self.fields.payload in fields else pick(fields, PAYLOAD)

    def _topic(self, fields: dict[str, bytes]) -> str | None:
        return self.fields.topic if self.fields.topic in fields else pick(fields, TOPIC)

    def is_note(self, document: bytes) -> bool:
        """Tell whether a document among others holds no row but notes on paging, and take them."""
        if raw.kind(document) != "{":
            return False
        fields = raw.members(document)
        if not fields or not all(is_note_name(name) for name in fields):
            return False
        self._note(fields)
        return True

    def role(self, document: bytes) -> str | None:
        """Tell whether a document is a row among others, or holds rows."""
        return self._role(raw.members(document), 0) if raw.kind(document) == "{" else None

    def dig(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...], depth: int = 0) -> list[Group] | None:
        """Give the rows within a value; an empty list is a place for rows without any, None is no such place."""
        what = raw.kind(value)
        if depth > _DEEPEST or what not in ("{", "["):
            return None
        return (self._array if what == "[" else self._object)(value, outer, keys, depth)

    def _array(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...], depth: int) -> list[Group] | None:
        head = raw.first(value)
        if head is None:
            return []
        if raw.kind(head) == "[":
            names = [raw.text(one) for one in raw.elements(head) if raw.kind(one) == '"']
            if len(names) != len(raw.elements(head)) or not any(self._rank(name) is not None for name in names):
                return None
            return [Group(tables.table_of(names, raw.elements(value)[1:]), outer, keys)]
        role = None
        parts: list[bytes] = []
        if raw.kind(head) == "{":
            role = self._role(raw.members(head), depth)
        if role is None:
            parts = [one for one in raw.elements(value) if raw.kind(one) != "n"]
            if any(raw.kind(one) != "{" for one in parts):
                return None
            roles = (self._role(raw.members(one), depth) for one in parts)
            role = next((one for one in roles if one is not None), None)
            if role is None and all(set(raw.members(one)) == {"statement_id"} for one in parts):
                return []  # InfluxDB 1, where nothing was found
        if role == "row":
            return [Group(b"[" + b",".join(parts) + b"]" if parts else value, outer, keys)]
        if role == "group":
            return self._groups(parts or raw.elements(value), outer, keys, depth)
        never = self.live and all(pick(raw.members(one), CLIENT) or "id" in raw.members(one) for one in parts)
        if never and parts:  # none of them ever published; their accounts count all the same
            return [Group(b"[" + b",".join(parts) + b"]", outer, keys)]
        return [] if never else None

    def _groups(self, parts: list[bytes], outer: dict[str, bytes], keys: tuple[str, ...], depth: int) -> list[Group]:
        groups: list[Group] = []
        for i, part in enumerate(parts):
            fields = raw.members(part)
            if tables.columns_of(fields) is not None:
                groups += self.dig(part, outer, keys, depth + 1) or []
                continue
            around = {**outer, **{name: one for name, one in fields.items() if raw.kind(one) not in ("{", "[")}}
            inner = [
                self.dig(one, around, (*keys, *_name_of(fields), *_as_key(name)), depth + 1)
                for name, one in fields.items()
                if raw.kind(one) in ("{", "[") and plain(name) not in BESIDE
            ]
            if all(one is None for one in inner) and not self.live and b"null" not in fields.values():
                raise AnswerError(f"element {i + 1} of the list of groups has no rows; it is {describe(part)}")
            groups += [group for one in inner for group in one or ()]
        return groups

    def _role(self, fields: dict[str, bytes], depth: int) -> str | None:
        """Tell whether an object of an array is a row, or a group of rows; None does not say."""
        rank = min((r for name, one in fields.items() if raw.kind(one) in ('"', "0")
                    and (r := self._rank(name)) is not None), default=None)  # fmt: skip
        own = rank is not None and rank <= RECEIVED
        payload = self._payload(fields)
        if rank is None and payload is None and tables.columns_of(fields) is not None:
            return "group"
        if own and (payload or self._topic(fields)):
            return "row"
        for name, one in fields.items():
            if name == payload or plain(name) in BESIDE or raw.kind(one) not in ("{", "["):
                continue
            if own and plain(name) not in ROWS:
                continue
            if (raw.kind(one) == "[" or not self._is_message(raw.members(one))) and self.dig(one, {}, (), depth + 1):
                return "group"
        if rank is not None or (payload is not None and any(raw.kind(one) == "{" for one in fields.values())):
            return "row"
        inner = (raw.members(one) for one in fields.values() if raw.kind(one) == "{")
        return "row" if any(self._rank(name) is not None for one in inner for name in one) else None

    def _is_message(self, fields: dict[str, bytes]) -> bool:
        """Tell whether an object is one message, or a publisher with its last one."""
        timed = any(self._rank(name) is not None and raw.kind(one) in ('"', "0") for name, one in fields.items())
        valued = any(plain(name) in ("value", "val", "v") for name in fields)
        if timed and (valued or self._payload(fields) or self._topic(fields)) and not _failure(fields):
            return True
        inner = (raw.members(one) for one in fields.values() if raw.kind(one) == "{")
        return self.live and pick(fields, CLIENT) is not None and any(self._is_message(one) for one in inner)

    def _object(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...], depth: int) -> list[Group] | None:
        fields = raw.members(value)
        around = {**outer, **_labels(fields)}
        if (table := tables.columns_of(fields)) is not None:
            self._note(fields)
            tags = raw.members(fields["tags"]) if raw.kind(fields.get("tags", b"")) == "{" else {}
            series = {"_measurement": fields["name"]} if "name" in fields else {}
            return [Group(table, {**around, **series, **tags}, keys)] if columns.length(table) else []
        dug = {
            name: self.dig(one, around, (*keys, name), depth + 1)
            for name, one in fields.items()
            if raw.kind(one) in ("{", "[") and plain(name) not in BESIDE and plain(name) not in PAYLOAD[1:]
            and not (plain(name) == "payload" and (pick(fields, TOPIC) or pick(fields, CLIENT)))
        }  # fmt: skip
        bearing = {name: groups for name, groups in dug.items() if groups}
        listed = any(plain(name) in ROWS and raw.kind(fields[name]) == "[" for name in bearing)
        if not listed and self._is_message(fields):
            return [Group(b"[" + value + b"]", outer, keys)]
        self._note(fields)
        places = bool(bearing) or self._has_empty_place(fields, dug, depth)
        if not places:
            return None
        if failure := _failure(fields):
            raise AnswerError(f"the answer states a failure beside its rows: {failure}")
        speaking = [name for name in bearing if plain(name) in ROWS and self._speaks(bearing[name])]
        if speaking:  # what stands beside messages and has neither topic nor payload is something else
            bearing = {name: one for name, one in bearing.items() if name in speaking or self._speaks(one)}
        if len(bearing) == 1 and plain(next(iter(bearing))) in ROWS:
            name = next(iter(bearing))
            return [Group(one.rows, one.outer, _without(one.keys, len(keys))) for one in bearing[name]]
        return [group for groups in bearing.values() for group in groups]

    def _speaks(self, groups: list[Group]) -> bool:
        rows = groups[0].rows
        fields = raw.members(raw.first(rows) or b"{}") if isinstance(rows, bytes) else dict.fromkeys(rows, b"")
        return self._payload(fields) is not None or self._topic(fields) is not None

    def _has_empty_place(self, fields: dict[str, bytes], dug: dict[str, list[Group] | None], depth: int) -> bool:
        empty = [name for name, groups in dug.items() if groups is not None]
        if empty and (len(dug) == len(empty) or any(plain(name) in ROWS for name in empty)):
            return True
        known = [name for name in fields if plain(name) in ROWS]
        if any(fields[name] == b"{}" for name in known):
            return True
        counted = any(plain(name) in ("total", "count", "totalcount") and one == b"0" for name, one in fields.items())
        if counted and any(fields[name] == b"null" for name in known):
            return True
        return self.live and depth == 0 and all(one == b"null" for one in fields.values())

    def _note(self, fields: dict[str, bytes], prefix: str = "", depth: int = 0) -> None:
        for name, one in fields.items():
            what = raw.kind(one)
            if what not in ("{", "["):
                self.found.notes[prefix + name] = one
            elif what == "{" and depth < 3 and (depth or plain(name) in BESIDE):  # noqa: PLR2004
                self._note(raw.members(one), f"{prefix}{name}.", depth + 1)
            elif what == "[" and plain(name) in ("links", "_links"):  # a list of {"rel": "next", "href": …}
                for link in raw.elements(one):
                    parts = raw.members(link) if raw.kind(link) == "{" else {}
                    if "rel" in parts and "href" in parts:
                        self.found.notes[f"links.{raw.text(parts['rel'])}.href"] = parts["href"]


def is_note_name(name: str) -> bool:
    """Tell whether a name speaks of paging and of nothing else."""
    return plain(name) in _PAGING


_PAGING = {
    "nextcursor", "nextpagetoken", "continuationtoken", "continuation", "nexttoken", "next", "endcursor", "nextlink",
    "nexturl", "nextpage", "nextoffset", "total", "totalcount", "count", "hasmore", "hasnext", "more", "page", "pages",
    "pagesize", "limit", "offset", "prev", "previous", "cursor", "end", "done", "type",
}  # fmt: skip


def _name_of(group: dict[str, bytes]) -> tuple[str, ...]:
    """Give the name of a group that says neither client nor topic but has an id or a name: it is one of the two."""
    if pick(group, CLIENT) or pick(group, TOPIC):
        return ()
    return tuple(raw.text(group[name]) for name in ("id", "name") if raw.kind(group.get(name, b"")) == '"')[:1]


def _as_key(name: str) -> tuple[str, ...]:
    return () if plain(name) in ROWS else (name,)


def _without(keys: tuple[str, ...], at: int) -> tuple[str, ...]:
    return keys[:at] + keys[at + 1 :]


def _labels(fields: dict[str, bytes]) -> dict[str, bytes]:
    """Give what an object says of the client, topic and account of all within it."""
    names = [pick(fields, known) for known in (CLIENT, TOPIC, ACCOUNT)]
    found = {name: fields[name] for name in names if name and raw.kind(fields[name]) == '"'}
    nested = next((name for name, one in fields.items() if plain(name) in CLIENT and raw.kind(one) == "{"), None)
    inner = raw.members(fields[nested]) if nested else {}
    named = pick(inner, (*CLIENT, "id"))
    return {**found, "client_id": inner[named]} if named and "client_id" not in found else found


def _failure(fields: dict[str, bytes]) -> str | None:
    """Give the failure that an envelope states, if it does."""
    for name, one in fields.items():
        spelled = plain(name)
        if spelled in _FAILED and one not in _NOTHING:
            return error_words(b'{"detail":' + one + b"}")
        if spelled in ("success", "ok") and one == b"false":
            return error_words(columns.join({n: v for n, v in fields.items() if raw.kind(v) not in ("{", "[")}))
        if (
            spelled == "status"
            and pick(fields, CLIENT) is None
            and raw.kind(one) == '"'
            and raw.text(one).lower() in _NOT_OK
        ):
            return f"status {raw.text(one)!r}"
    return None
