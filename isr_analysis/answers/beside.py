"""What an envelope says beside its rows: whose they are, which pages follow, or that there are none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from isr_analysis.answers import columns, failures, paging, raw, shape
from isr_analysis.answers.instants import is_date
from isr_analysis.answers.keys import Inner, Label
from isr_analysis.answers.shape import is_place, pick, plain, time_rank
from isr_analysis.errors import AnswerError

_COUNTED = ("total", "count", "totalcount", "totalelements", "totalitems", "totalresults", "totalrecords", "totalrows")
_THEMSELVES = ("rows", "records", "messages", "items", "results", "points", "entries", "events", "hits", "n")
"""Where the rows stand, or the number of them."""

_STATES = ("status", "state", "outcome", "code", "success", "ok")
"""What is alike in all answers of which nothing failed."""

_PAGING = {
    "nextcursor", "nextpagetoken", "continuationtoken", "continuation", "nexttoken", "next", "endcursor", "nextlink",
    "nexturl", "nextpage", "nextoffset", "total", "totalcount", "count", "hasmore", "hasnext", "more", "page", "pages",
    "pagesize", "limit", "offset", "prev", "previous", "cursor", "end", "done", "type",
}  # fmt: skip
_ASIDE = {*shape.BESIDE, "lastevaluatedkey"}
_OF_CLIENTS = ("publishers", "clients", "devices")
"""The places where names are those of clients, even if nothing is said of them."""
_OF_ANSWERS = ("status", "state", "detail", "message", "result", "response", "data")
"""What is called so is of the answer, and no client."""
_KINDS = ("type", "kind", "recordtype")
_AROUND = ("header", "head", "meta", "metadata", "begin", "start", "footer", "trailer", "summary", "end", "eof", "done")
"""What a first or last line is called that is no row."""
_SAYS = re.compile(r"\w*(?:message|msg|details?|reason|description|text|info|notes?|warnings?|notices?)")
_ENDS = re.compile(r"\b(?:ok|end|eof|done|completed?|finished|success\w*)\b|^$", re.IGNORECASE)
"""Where a line beside rows has words, and what these say at the end."""

_OF_RANGE = re.compile(r"from|to$|start|begin|end|since|until|first|last|oldest|newest|updated|generated|created")
_AGAIN = re.compile(
    r"(?:latest|last|first|newest|oldest|previous|prior)(?:(?:message|value|row|record|point|known|state)s?)?"
    r"|publishers|clients|devices|stations"
)
"""What is called beside a list of messages that shows some of them, or those before, or whose they are."""

_LINES = {"result", "record", "row", "item", "entry", "document", "doc", "event", "data"}
_HEADINGS = {"meta", "metadata", "summary", "stats", "statistics"}


def notes(fields: dict[str, bytes], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give what an envelope says beside its rows, by name; dots go into nested objects."""
    for name, one in fields.items():
        what = raw.kind(one)
        if what not in ("{", "[") or (what == "[" and plain(name) in ("warnings", "notices")):
            yield prefix + name, one
        elif what == "{" and depth < 3 and (depth or plain(name) in _ASIDE):  # noqa: PLR2004
            yield from notes(raw.members(one), f"{prefix}{name}.", depth + 1)
        elif what == "[" and plain(name) == "links":  # a list of {"rel": "next", "href": …}
            for link in raw.elements(one):
                parts = raw.fields(link)
                if "rel" in parts and "href" in parts:
                    yield f"links.{raw.text(parts['rel'])}.href", parts["href"]


def is_note(fields: dict[str, bytes]) -> bool:
    """Tell whether a document among others speaks of paging, or of all of them together, and of nothing else."""
    kind = next((raw.text(one) for name, one in fields.items() if plain(name) in _KINDS and raw.kind(one) == '"'), "")
    if kind.lower() in _AROUND and pick(fields, (*shape.TOPIC, *shape.PAYLOAD)) is None:
        return not any(time_rank(name) in (shape.PUBLISHED, shape.PLAIN) for name in fields)
    return bool(fields) and all(plain(name) in _PAGING or plain(name) in _HEADINGS for name in fields)


def is_aside(fields: dict[str, bytes], row: dict[str, bytes]) -> bool:
    """Tell whether a line that has none of a row's fields speaks of all rows: of no failure, nor in words unknown."""
    if not fields or not {*map(plain, fields)}.isdisjoint(map(plain, row)) or failures.broken(fields):
        return False
    if pick(fields, (*shape.CLIENT, *shape.TOPIC, *shape.PAYLOAD, "value", "val")):  # it may be a row of another kind
        return False
    for name, one in fields.items():
        if raw.kind(one) == "{" and one != b"{}" and not is_aside(raw.members(one), row):
            return False
        if raw.kind(one) == "[" and any(raw.kind(part) in ("{", "[") for part in raw.elements(one)):
            return False
        if raw.kind(one) == '"' and _SAYS.fullmatch(plain(name)) and not _ENDS.search(raw.text(one)):
            return False
    return True


def is_end(fields: dict[str, bytes], row: dict[str, bytes]) -> bool:
    """Tell whether a line of a list, of whatever rows, is none: it counts them, says what is next, or that it ends."""
    texts = [raw.text(one) for name, one in fields.items() if raw.kind(one) == '"' and plain(name) not in _PAGING]
    return is_note(fields) or (is_aside(fields, row) and all(map(_ENDS.search, texts)))


def is_nothing(fields: dict[str, bytes]) -> bool:
    """Tell whether a line that speaks of all rows may do so of none: it counts none."""
    inner = [raw.members(one) for one in fields.values() if raw.kind(one) == "{"]
    return is_aside(fields, {}) and all(one in (b"0", b"null") for one in _counts(fields, *inner))


def _counts(*parts: dict[str, bytes]) -> list[bytes]:
    """Give how many rows there are said to be."""
    members = [one for part in parts for one in part.items()]
    return [
        one for name, one in members if plain(name) in _COUNTED or (plain(name) in _THEMSELVES and raw.kind(one) == "0")
    ]


def goes_on(fields: dict[str, bytes]) -> bool:
    """Tell whether a group of rows says that it has more of them than stand here."""
    said = paging.read({name: one for name, one in fields.items() if raw.kind(one) not in ("{", "[")}, 0)
    named = plain(said.cursor_name or "").startswith("next")
    return said.has_more is True or said.url is not None or (said.cursor is not None and named)


def is_empty(fields: dict[str, bytes], places: Collection[str], *, top: bool) -> bool:
    """Tell whether an object says that it has no rows; `places` are the members in which they could be."""
    known = [name for name in fields if is_place(name)]
    if any(fields[name] == b"{}" for name in known):
        return True
    around = (*shape.BESIDE, *_HEADINGS)
    places = [name for name in places if plain(name) not in _HEADINGS]
    nested = [raw.members(one) for name, one in fields.items() if plain(name) in around and raw.kind(one) == "{"]
    counts = _counts(fields, *nested)
    none = bool(counts) and all(one == b"0" for one in counts)
    nil = any(fields[name] == b"null" for name in known)
    if none and ((top and not places) or nil or any(fields[name] == b"[]" for name in places)):
        return True
    if not top or places:
        return False
    if any(name == "_links" for name in fields) and all(plain(n) in shape.BESIDE for n in fields):
        return True  # HAL leaves out the rows where there are none
    rest = {name: one for name, one in fields.items() if name not in known or one != b"null"}
    ends = paging.read(rest, 0).has_more is False or rest.get("type", b"").lower() in (b'"end"', b'"done"', b'"eof"')
    return ends and not counts and all(plain(name) in _PAGING for name in rest)


def nil(fields: dict[str, bytes], kind: str = "n", *, behind: bool = False) -> list[str] | None:
    """Give the way to the one place for rows that holds null, as Go writes a list of none, and the state around it.

    None if there is no one such place, or what stands around it speaks of a failure or of rows; those that a page
    `behind` others counts may be on these. With the `kind` ``"["`` it is that of an answer that has its rows there.
    """
    if failures.stated(fields, rows=False):
        return None
    if kind == "n" and (goes_on(fields) or not (behind or all(one in (b"0", b"null") for one in _counts(fields)))):
        return None
    ways: list[list[str]] = []
    for name, one in fields.items():
        if plain(name) not in shape.ROWS:
            continue
        if raw.kind(one) == kind:
            ways.append([name])
        elif raw.kind(one) == "{" and (way := nil(raw.members(one), kind, behind=behind)):
            ways.append([name, *way])
    states = (f"{name}: {one.decode('utf-8', 'replace')}" for name, one in fields.items() if plain(name) in _STATES)
    return [*ways[0], *sorted(states)] if len(ways) == 1 else None


def is_dated(group: dict[str, bytes]) -> bool:
    """Tell whether a group of no rows may be a row: it has a topic, and a date that is no end of a range."""
    dates = (name for name, one in group.items() if is_date(one) and not _OF_RANGE.search(plain(name)))
    return pick(group, shape.TOPIC) is not None and any(dates)


def name_of(group: dict[str, bytes]) -> tuple[str, ...]:
    """Give the name of a group that says neither client nor topic but has an id or a name: it is one of the two."""
    if pick(group, shape.CLIENT) or pick(group, shape.TOPIC):
        return ()
    return tuple(Label(raw.text(group[name])) for name in ("id", "name") if raw.kind(group.get(name, b"")) == '"')[:1]


def as_key(name: str) -> tuple[str, ...]:
    """Give a name under which rows stand in a group, unless it is one of a place for them."""
    return () if plain(name) in shape.ROWS or plain(name) in shape.LAST else (Inner(name),)


def shown_again(fields: dict[str, bytes], places: Collection[str]) -> set[str]:
    """Give the places of rows that are none of the answer's, as they stand beside a list of its messages."""
    named = {name for name in places if _AGAIN.fullmatch(plain(name))}
    listed = any(plain(name) in shape.ROWS and raw.kind(fields[name]) == "[" for name in places if name not in named)
    return named if listed else set()


def tags(group: dict[str, bytes]) -> dict[str, bytes]:
    """Give what databases of series say of one in an object beside its points."""
    named = next((one for one in ("tags", "stream", "metric") if raw.kind(group.get(one, b"")) == "{"), None)
    found = raw.members(group[named]) if named else {}
    return {"_field" if name == "__name__" else name: one for name, one in found.items()}


def is_any(name: bytes) -> bool:
    """Tell whether a client or topic stands for any, as where an answer repeats its question: a filter, or nothing."""
    return re.search(rb'[+#]|^"\*?"$', name) is not None


def labels(fields: dict[str, bytes]) -> dict[str, bytes]:
    """Give what an object says of the client, topic and account of all within it."""
    names = [name for known in (shape.CLIENT, shape.TOPIC, shape.ACCOUNT) if (name := pick(fields, known)) is not None]
    found = {name: fields[name] for name in names if raw.kind(fields[name]) == '"' and not is_any(fields[name])}
    nested = next((name for name, one in fields.items() if plain(name) in shape.CLIENT and raw.kind(one) == "{"), None)
    inner = raw.members(fields[nested]) if nested else {}
    named = pick(inner, (*shape.CLIENT, "id"))
    return {**found, "client_id": inner[named]} if named and "client_id" not in found else found


def topics_alone(fields: dict[str, bytes]) -> str | None:
    """Name the member that holds payloads by their topics, without anything beside them, if there is one."""
    for name, one in fields.items():
        inner = raw.fields(one) if plain(name) in shape.ROWS else {}
        if inner and all("/" in topic for topic in inner):
            return name
    return None


def unboxed(documents: list[bytes]) -> list[bytes]:
    """Take lines out of an object around each that says only that it is one, such as ``{"result": {…}}``."""
    inner: list[bytes] = []
    name = ""
    for document in documents:
        part = raw.fields(document)
        name = name or next(iter(part), "")
        if [*part] != [name] or plain(name) not in _LINES or raw.kind(part[name]) != "{":
            return documents  # at the first line already, mostly
        inner.append(part[name])
    return inner


def tabled(documents: list[bytes]) -> list[bytes]:
    """Make one array of lines that are arrays, of names first and of values then."""
    head = raw.first(documents[0]) if documents and all(raw.kind(one) == "[" for one in documents) else None
    return [b"[" + b",".join(documents) + b"]"] if raw.kind(head or b"") == '"' else documents


def walked(document: bytes, path: str) -> tuple[bytes, dict[str, bytes]]:
    """Give what stands in a document where a contract says that its rows are, and what is said around that.

    A failure is heard; that something is missing is not: so whoever names the place of sound rows gets them. A null
    there is no rows, as Go writes a list without any.
    """
    value, said = document, dict[str, bytes]()
    for name in path.split("."):
        fields = raw.fields(value)
        if name not in fields:
            raise AnswerError(
                f"the field {path!r}, which the contract names for the rows, is not in {failures.describe(document)}"
            )
        value = fields.pop(name)
        if failure := failures.stated(fields):
            raise AnswerError(f"the answer states a failure beside its rows: {failure}")
        said |= dict(notes(fields))
    return (b"[]" if value == b"null" else value), said


def opened(document: bytes) -> bytes:
    """Give an object with the JSON in the place of a text of JSON under which its rows may be, if there is one."""
    fields = raw.fields(document)
    texts = {n: raw.text(one) for n, one in fields.items() if plain(n) in (*shape.ROWS, "d") and raw.kind(one) == '"'}
    inner = {n: one.encode("utf-8", "surrogatepass") for n, one in texts.items() if one.lstrip()[:1] in ("[", "{")}
    if len(inner) != 1 or not all(map(raw.is_json, inner.values())):
        return document
    return columns.join(fields | inner)


def unheard(document: bytes) -> bytes:
    """Give publishers by their ids, of none of which a live answer has a message, as a list; else the document."""
    fields = raw.fields(document)
    places = [name for name, one in fields.items() if plain(name) in shape.ROWS and raw.kind(one) == "{"]
    if len(places) > 1:
        return document
    place = places[0] if places else "publishers"
    there = raw.fields(fields[place]) if places else fields
    clients = {name: (one, raw.fields(one)) for name, one in there.items() if plain(name) not in shape.BESIDE}
    nothing, is_named = (b"null", b"{}"), bool(places) and plain(place) in _OF_CLIENTS
    last = shape.LAST if is_named else ("lastmessage", "last", "latest")
    is_silent = (
        (is_named and one in nothing)
        or any(
            what in nothing and (plain(key) in last or (is_named and time_rank(key) is not None))
            for key, what in said.items()
        )
        for one, said in clients.values()
    )
    if not clients or not all(is_silent) or any(plain(name) in (*failures.FAILED, *_OF_ANSWERS) for name in clients):
        return document
    rows = [
        {"client_id": columns.key(name)[:-1], **(said or {"last_message": b"null"})}
        for name, (_, said) in clients.items()
    ]
    around = {name: one for name, one in fields.items() if places or plain(name) in shape.BESIDE}
    return columns.join({**around, place: b"[" + b",".join(map(columns.join, rows)) + b"]"})


def unwrapped(value: bytes) -> bytes:
    """Take a row out of what GraphQL or Elasticsearch puts around it, or JSON:API, which names its client beside it."""
    fields = raw.fields(value)
    if "_id" in fields and raw.kind(fields.get("_source", b"")) == "{":
        return fields["_source"]
    if raw.kind(fields.get("node", b"")) == "{" and not fields.keys() - {"node", "cursor", "__typename"}:
        return fields["node"]
    related = fields.get("relationships", b"")
    if not {"id", "type"} <= fields.keys() or {raw.kind(related), raw.kind(fields.get("attributes", b""))} != {"{"}:
        return value
    own, links = raw.members(fields["attributes"]), raw.members(related)
    named = pick(links, shape.CLIENT)
    data = raw.members(links[named]).get("data", b"") if named and raw.kind(links[named]) == "{" else b""
    if pick(own, shape.CLIENT) or raw.kind(data) != "{" or "id" not in (whose := raw.members(data)):
        return value
    return columns.join({"client_id": whose["id"], **own})
