"""Where the rows are: arrays, objects around them, groups by client or topic, and columns beside rows of values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from isr_analysis.answers import beside, columns, failures, quoted, raw, shape, tables
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.instants import is_date, of_object
from isr_analysis.answers.shape import Fields, is_bookkeeping, is_other_time, is_place, pick, plain, time_rank
from isr_analysis.errors import AnswerError

_DEEPEST = 8


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
    """The rows of a body, what the envelope says beside them, by name (dots go into objects), and lines beside them."""

    groups: list[Group] = field(default_factory=list)
    notes: dict[str, bytes] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)


def find(
    documents: list[bytes], *, fields: Fields, live: bool, beside_tables: bool = False, files: Collection[bytes] = (),
    lines: bool = False,
) -> Found:  # fmt: skip
    """Find the rows of JSON documents, of which each is a row if they are `lines` and not found to be anything else.

    `files` are those that are a file of their own: one may speak of the others, and of tables if `beside_tables`.

    Raises
    ------
    AnswerError
        There are no rows, and no field that would hold them; or the body states a failure.
    """
    search = _Search(fields, live=live)
    rows = [one for one in documents if one.strip() not in files or not search.is_manifest(one)] if files else documents
    documents = rows if rows or beside_tables else documents
    if len(documents) > 1:
        ends = {0: documents[1], len(documents) - 1: documents[-2]}  # where lines of JSON have a header or a trailer
        documents = [one for i, one in enumerate(documents) if i not in ends or not search.is_note(one, ends[i])]
        last = raw.fields(documents[-1]) if documents else {}
        heard = failures.broken if documents[1:] and search.is_row(documents[0]) else failures.stated
        if (failure := heard(last)) and not search.is_row(documents[-1]):  # what came before is not all
            raise AnswerError(f"the answer breaks off with a failure: {failure}")
        documents = beside.tabled(beside.unboxed(documents))
        if all(raw.kind(one) == "{" for one in documents) and any(map(search.is_row, documents)):
            documents = [b"[" + b",".join(documents) + b"]"]
    for document in documents:
        value, said = beside.walked(document, fields.rows) if fields.rows else (document, {})
        search.found.notes |= said
        groups = search.dig(value, {}, ())
        if groups is None and fields.rows and raw.kind(value) == "[" and raw.kind(raw.first(value) or b"") == "{":
            groups = [Group(value, {}, ())]
        if groups is None and (inner := beside.unboxed([document])) != [document]:
            groups = search.dig(b"[" + inner[0] + b"]", {}, ())
        for opened in (beside.opened, *([beside.unheard] if live else ())):
            if groups is None and (whole := opened(document)) != document:
                groups = search.dig(whole, {}, ())
        if groups is None:
            are_rows = document is documents[0] and (lines or len(documents) > 1)
            whole = search.dig(b"[" + b",".join(documents) + b"]", {}, ()) if are_rows else None
            if whole is None:
                raise AnswerError(f"no rows of messages were found in {failures.describe(document)}")
            search.found.groups = whole
            break
        search.found.groups += groups
    return search.found


class _Search:
    """One search through a body."""

    def __init__(self, fields: Fields, *, live: bool) -> None:
        self.fields = fields
        self.named = {fields.time, fields.client_id, fields.topic, fields.payload}
        self.live = live
        self.found = Found()

    def _rank(self, name: str) -> int | None:
        return 0 if name == self.fields.time else time_rank(name)

    def _instant(self, name: str, value: bytes) -> int | None:
        """Rank a field that holds an instant, or tells how long ago one was; None if it does not."""
        rank = shape.SEEN if self.live and shape.age_unit(name) and plain(name) != "age" else self._rank(name)
        return rank if rank is not None and (raw.kind(value) in ('"', "0") or of_object(value)) else None

    def _payload(self, fields: dict[str, bytes]) -> str | None:
        return self.fields.payload if self.fields.payload in fields else pick(fields, shape.PAYLOADS)

    def _topic(self, fields: dict[str, bytes]) -> str | None:
        found = self.fields.topic if self.fields.topic in fields else pick(fields, shape.TOPIC)
        return found if self.live or not beside.is_any(fields.get(found or "", b"")) else None

    def is_note(self, document: bytes, other: bytes) -> bool:
        """Tell whether a document beside another one holds no row but notes, and take them."""
        fields = raw.fields(document)
        aside = self.is_row(other) and not self.is_row(document) and beside.is_aside(fields, raw.members(other))
        if not (aside or beside.is_note(fields)):
            return False
        failures.check_whole(fields, counts=not self.live)
        self.found.notes |= beside.notes(fields)
        self.found.lines.append(document)
        return True

    def is_manifest(self, document: bytes) -> bool:
        """Tell whether a document among files of rows only says something of them, and no failure, and take it."""
        fields = raw.fields(document)
        if not fields or any(raw.kind(one) in ("{", "[") for one in fields.values()):
            return False
        timed = any(
            (rank := self._instant(name, one)) is not None and rank <= shape.PLAIN for name, one in fields.items()
        )
        if timed or self._is_message(fields) or failures.stated(fields, rows=False):
            return False
        self.found.notes |= beside.notes(fields)
        return True

    def is_row(self, document: bytes) -> bool:
        """Tell whether a document is a row among others, and does not hold rows of its own."""
        return raw.kind(document) == "{" and self._verdict(raw.members(document)) == "row"

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
        if raw.kind(head) == "{" and beside.unwrapped(head) != head:
            return self._array(b"[" + b",".join(map(beside.unwrapped, raw.elements(value))) + b"]", outer, keys, depth)
        if raw.kind(head) == "[":
            return self._nested(value, outer, keys, depth)
        if raw.kind(head) == "{" and self._verdict(raw.members(head)) == "row":
            return [Group(value, outer, keys)]
        parts = [one for one in raw.elements(value) if raw.kind(one) != "n"]
        if any(raw.kind(one) != "{" for one in parts):
            return None
        fields = [raw.members(one) for one in parts]
        verdict = next((one for one in map(self._verdict, fields) if one is not None), None)
        if verdict == "groups":
            groups = self._groups(fields, parts, outer, keys, depth)
            if groups or not any(map(self._may_be_row, fields)):
                return groups
            if self.live and (place := next(filter(None, map(beside.topics_alone, fields)), None)):
                raise AnswerError(f"the topics in {place!r} have no instants of their own, of which each must have one")
            verdict = "row"
        if verdict == "row":
            return [Group(b"[" + b",".join(parts) + b"]", outer, keys)]
        if all(set(one) == {"statement_id"} for one in fields):  # InfluxDB 1, where nothing was found
            return []
        if self.live and all(pick(one, shape.CLIENT) or "id" in one for one in fields):
            # None of them ever published; their accounts count all the same.
            return [Group(b"[" + b",".join(parts) + b"]", outer, keys)]
        return None

    def _nested(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...], depth: int) -> list[Group] | None:
        """Give the rows of an array of arrays: a list of each client or topic, a table below its names, or pairs."""
        parts = [one for one in raw.elements(value) if raw.first(one) is not None]
        if not parts or raw.kind(raw.first(parts[0]) or b"") == "{":
            lists = [self.dig(one, outer, keys, depth + 1) for one in parts]
            return None if None in lists else [group for one in lists for group in one or ()]
        if (pairs := tables.pairs_of(value)) is not None:
            return [Group(pairs, outer, keys)]
        names = [raw.text(one) for one in raw.elements(parts[0]) if raw.kind(one) == '"']
        if len(names) != len(raw.elements(parts[0])) or not any(self._rank(name) is not None for name in names):
            return None
        return [Group(tables.table_of(names, raw.elements(value)[1:]), outer, keys)]

    def _groups(
        self,
        elements: list[dict[str, bytes]],
        parts: list[bytes],
        outer: dict[str, bytes],
        keys: tuple[str, ...],
        depth: int,
    ) -> list[Group] | None:
        """Give the rows within the elements of an array; None if these are no groups after all."""
        groups: list[Group] = []
        places: list[bool] = []
        names: set[str] = set()  # under which rows stand
        unread = False  # whether an element has something in it that is no place for rows, and no place called as such
        noted = dict(self.found.notes)
        for fields, part in zip(elements, parts, strict=True):
            if tables.columns_of(fields) is not None:
                inner = {"rows": self.dig(part, outer, keys, depth + 1)}
            else:
                said = {name: one for name, one in fields.items() if raw.kind(one) not in ("{", "[")}
                said |= beside.labels(fields) | beside.tags(fields)
                around = outer | {self._around(name): one for name, one in said.items()}
                inner = {
                    name: self.dig(one, around, (*keys, *beside.name_of(fields), *beside.as_key(name)), depth + 1)
                    for name, one in fields.items()
                    if raw.kind(one) in ("{", "[") and plain(name) not in shape.BESIDE
                }
            known = [name for name, one in inner.items() if one is not None]
            places.append(bool(known) or b"null" in fields.values())
            unread |= len(known) < len(inner) and not any(plain(name) in shape.ROWS for name in known)
            names |= {name for name in known if inner[name]}
            groups += [group for one in inner.values() for group in one or ()]
        if unread and not self.live and len(names) == 1 and "/" not in (name := names.pop()):
            # One and the same name in all groups, with what is none beside it, is that of a place and no topic.
            groups = [replace(one, keys=tuple(key for key in one.keys if key != name)) for one in groups]
        if not groups:
            self.found.notes = noted
            return [] if all(places) and not unread and not any(map(beside.is_dated, elements)) else None
        if not self.live and any(map(beside.goes_on, elements)):
            self.found.notes["groups.incomplete"] = b"true"  # each has a next page of its own: the rest is had by time
        for i, (fields, part, there) in enumerate(zip(elements, parts, places, strict=True)):
            failure = None if self.live else failures.stated(fields) or failures.lacking(fields)
            if failure:
                raise AnswerError(f"element {i + 1} of the list of groups states a failure: {failure}")
            if not (there or self.live):
                raise AnswerError(f"element {i + 1} of the list of groups has no rows; it is {failures.describe(part)}")
        return groups

    def _around(self, name: str) -> str:
        """Name what a group says of its rows: what a row may say itself keeps its name."""
        known = pick(
            (name,), (*shape.CLIENT, *shape.TOPIC, *shape.ACCOUNT, *shape.PAYLOAD, *shape.ENCODING)
        ) or name in (*self.named, "_field")
        return name if known or is_bookkeeping(name) or self._rank(name) is not None else shape.AROUND + name

    def _verdict(self, fields: dict[str, bytes]) -> str | None:
        """Tell whether an object of an array is a row or may be a group of rows; None does not say."""
        rank = min((r for name, one in fields.items() if (r := self._instant(name, one)) is not None), default=None)
        own = rank is not None and rank <= shape.RECEIVED
        payload = self._payload(fields)
        if own and (payload or self._topic(fields)):
            return "row"
        if rank is None and tables.columns_of(fields) is not None:
            return "groups"
        inner = {name: one for name, one in fields.items() if name != payload and plain(name) not in shape.BESIDE}
        lists = {
            name for name, one in inner.items() if raw.kind(one) == "[" and raw.kind(raw.first(one) or b"{") in "{["
        }
        objects = {
            name: raw.members(one)
            for name, one in inner.items()
            if raw.kind(one) == "{" and self._instant(name, one) is None
        }
        if any(plain(name) in shape.ROWS for name in lists):
            return "groups"
        if not lists and self._topic(fields) and any(is_other_time(one) and is_date(fields[one]) for one in fields):
            return "row"
        if not any(self._is_message(one) for one in objects.values()) and any(
            not own or plain(name) in shape.ROWS for name in (*lists, *objects)
        ):
            return "groups"
        return "row" if self._may_be_row(fields) or any(map(quoted.is_message, fields.values())) else None

    def _may_be_row(self, fields: dict[str, bytes]) -> bool:
        """Tell whether an object may be a row: it, or one within it, has an instant, or it has payload and topic."""
        inner = [raw.members(one) for one in fields.values() if raw.kind(one) == "{"]
        timed = (
            self._instant(name, one) is not None or (is_other_time(name) and is_date(one))
            for part in (fields, *inner)
            for name, one in part.items()
        )
        return any(timed) or (self._payload(fields) is not None and bool(inner or self._topic(fields)))

    def _is_message(self, fields: dict[str, bytes]) -> bool:
        """Tell whether an object is one message, or a publisher with its last one."""
        timed = any(self._instant(name, one) is not None for name, one in fields.items())
        speaks = [self._payload(fields), self._topic(fields), pick(fields, ("value", "val", "v"))]
        is_whole = self.live and all(speaks[:2])  # then a failure that is stated is a word of the client's
        if timed and any(speaks) and (is_whole or not failures.stated(fields)):
            return True
        inner = {name: raw.members(one) for name, one in fields.items() if raw.kind(one) == "{"}
        if self.live and timed and any(plain(name) in shape.LAST and self._payload(one) for name, one in inner.items()):
            return True  # when it was last seen, beside what it said then
        return self.live and pick(fields, shape.CLIENT) is not None and any(map(self._is_message, inner.values()))

    def _is_of_topic(self, fields: dict[str, bytes], keys: tuple[str, ...]) -> bool:
        """Tell whether an object under a topic of a live answer is its message, spread, as it has an instant."""
        below_topic = self.live and bool(keys) and "/" in keys[-1]
        return below_topic and any(self._instant(name, one) is not None for name, one in fields.items())

    def _spread(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...]) -> list[Group]:
        """Give what is a message like those beside it, by its instant alone: its payload is spread."""
        fields = raw.members(value) if raw.kind(value) == "{" and len(keys) < _DEEPEST else {}
        if any(
            (rank := self._instant(name, one)) is not None and rank <= shape.RECEIVED for name, one in fields.items()
        ):
            return [Group(b"[" + value + b"]", outer, keys)]
        return [group for name, one in fields.items() for group in self._spread(one, outer, (*keys, name))]

    def _alike(
        self, bearing: dict[str, list[Group]], others: dict[str, bytes], outer: dict[str, bytes], keys: tuple[str, ...]
    ) -> dict[str, list[Group]]:
        """Give those of the members beside messages that are messages, too, of which only an instant shows it."""
        listed = any(plain(name) in shape.ROWS for name in bearing)
        depths = {len(one.keys) for groups in bearing.values() for one in groups}
        spread = {} if listed else {name: self._spread(one, outer, (*keys, name)) for name, one in others.items()}
        found = {name: new for name, new in spread.items() if new and {len(one.keys) for one in new} <= depths}
        if all(plain(key) in shape.ROWS for key in keys):  # they are publishers, or topics
            failures.check_others({name: one for name, one in others.items() if name not in found}, bearing)
        return found

    def _object(self, value: bytes, outer: dict[str, bytes], keys: tuple[str, ...], depth: int) -> list[Group] | None:
        fields = raw.members(value)
        around = {**outer, **beside.labels(fields)}
        if (table := tables.columns_of(fields)) is not None:
            self.found.notes |= beside.notes(fields)
            series = {"_measurement": fields["name"]} if "name" in fields else {}
            return [Group(table, {**around, **series, **beside.tags(fields)}, keys)] if columns.length(table) else []
        if self.live and fields and all(map(tables.is_pair, fields.values())):  # of each topic when, and what
            pairs = {name: tables.pairs_of(b"[" + one + b"]") for name, one in fields.items()}
            return [Group(pair, around, (*keys, name)) for name, pair in pairs.items() if pair is not None]
        dug = {
            name: self.dig(one, around, (*keys, name), depth + 1)
            for name, one in fields.items()
            if raw.kind(one) in ("{", "[") and plain(name) not in shape.BESIDE and plain(name) not in shape.PAYLOAD[1:]
            and not (plain(name) == "payload" and (pick(fields, shape.TOPIC) or pick(fields, shape.CLIENT)))
        }  # fmt: skip
        bearing = {name: groups for name, groups in dug.items() if groups}
        if self.live and bearing:
            others = {name: fields[name] for name, groups in dug.items() if groups is None}
            bearing |= self._alike(bearing, others, around, keys)
        again = set() if self.live else beside.shown_again(fields, [name for name in dug if dug[name] is not None])
        bearing = {name: groups for name, groups in bearing.items() if name not in again}
        listed = any(plain(name) in shape.ROWS and raw.kind(fields[name]) == "[" for name in bearing)
        if not listed and (self._is_message(fields) or self._is_of_topic(fields, keys)):
            return [Group(b"[" + value + b"]", outer, keys)]
        if not bearing and not self._has_empty_place(fields, dug, depth):
            return None
        if twice := raw.doubled(value, fields):
            raise AnswerError(f"an object that holds rows has two members {twice!r}, of which only one would be read")
        self._hear(fields, bearing, keys)
        speaking = [name for name in bearing if plain(name) in shape.ROWS and self._speaks(bearing[name])]
        if speaking:  # what stands beside messages and has neither topic nor payload is something else
            bearing = {name: one for name, one in bearing.items() if name in speaking or self._speaks(one)}
        if len(bearing) == 1 and self._is_place(next(iter(bearing)), fields, dug, keys):
            (groups,), at = bearing.values(), len(keys)
            return [Group(one.rows, one.outer, one.keys[:at] + one.keys[at + 1 :]) for one in groups]
        return [group for groups in bearing.values() for group in groups]

    def _hear(self, fields: dict[str, bytes], bearing: Collection[str], keys: tuple[str, ...]) -> None:
        """Note what an object says beside those of its members that bear rows; refuse it if that is a failure."""
        self.found.notes |= beside.notes(fields)
        if not self.live and keys and beside.as_key(keys[-1]) and beside.goes_on(fields):
            self.found.notes["groups.incomplete"] = b"true"
        if self.live and keys and bearing:  # the state is a client's own, as it has a message
            return
        if failure := failures.stated(fields, rows=bool(bearing or (self.live and keys)), counts=not keys):
            raise AnswerError(f"the answer states a failure beside its rows: {failure}")
        others = {name: one for name, one in fields.items() if name not in bearing}
        failures.check_whole(others, counts=not (keys or self.live))

    def _is_place(
        self, name: str, fields: dict[str, bytes], dug: dict[str, list[Group] | None], keys: tuple[str, ...]
    ) -> bool:
        """Tell whether the only member with rows is named as a place for them, rather than by a client or topic."""
        if all(map(is_place, keys)) and is_place(name):
            return True
        if raw.kind(fields[name]) == "{" and keys:
            return plain(name) in shape.ROWS and name != "telemetry"  # a level of topics, below a client
        others = [one for one, groups in dug.items() if groups is None and fields[one] not in (b"{}", b"[]")]
        return plain(name) in shape.ROWS or bool(others and not self.live and "/" not in name)

    def _speaks(self, groups: list[Group]) -> bool:
        rows = groups[0].rows
        fields = raw.members(raw.first(rows) or b"{}") if isinstance(rows, bytes) else dict.fromkeys(rows, b"")
        return self._payload(fields) is not None or self._topic(fields) is not None

    def _has_empty_place(self, fields: dict[str, bytes], dug: dict[str, list[Group] | None], depth: int) -> bool:
        empty = [name for name, groups in dug.items() if groups is not None]
        placed = bool(empty) and (len(dug) == len(empty) or any(plain(name) in shape.ROWS for name in empty))
        nil = self.live and not depth and all(one == b"null" for one in fields.values())
        return placed or nil or beside.is_empty(fields, dug, top=not depth)
