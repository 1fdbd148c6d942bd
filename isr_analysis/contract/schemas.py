"""The fields of an answer as an OpenAPI document describes them, where their names do not say what they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from isr_analysis.answers import Fields
from isr_analysis.answers.shape import BESIDE, CLIENT, PAYLOAD, PERHAPS_PAYLOAD, ROWS, TOPIC, pick, plain, time_rank
from isr_analysis.contract.parameters import resolved

_DEEPEST = 4
_TIME = re.compile(r"\b(?:time|instant|when|moment|timestamp)\b|zeit|datum", re.IGNORECASE)
_WHO = r"(?:client|device|publisher|station)"
_CLIENT = re.compile(
    rf"\b(?:id|identifier|uuid|name|serial|which)(?:\W+(?:of|for|the|this|a|an|each|number|mqtt|publishing|der))*\W+{_WHO}"
    r"\b(?!['\u2019])"
    rf"|{_WHO}(?:['\u2019]s)?[ _-]?(?:id|uuid|name|serial)\b"
    rf"|^\W*(?:(?:the|a|which|mqtt|publishing|sending)\W+)*{_WHO}\W*(?:$|\(|\b(?:that|which|who|in|by|and)\b)"
    rf"|{_WHO}\b[^.;,]{{0,10}}\b(?:that|which|who) (?:published|sent)|\bger(?:ä|ae)t",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"\b(?:sub)?topic|\bsubpath", re.IGNORECASE)
_PAYLOAD = re.compile(
    r"payload|nutzdaten|published (?:value|json|data)|(?:message|nachricht\w*) ?(?:body|content|inhalt)", re.IGNORECASE
)

_NO_TIME = re.compile(
    r"\b(?:time ?zone|real[ -]?time|(?:first|last|any|each|every|some|same|next|this|that|one|full) time)",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"(?:count|colou?r|model|version|types?|kind|roles?|firmware|zone|method|state|status|mode|secret|token|address|tag"
    r"|title|titles|url|link)$"
)
"""How a field is called that is something of a client or a message, and no name or instant of it."""

_BASE64 = re.compile(r"\b(?:byte|base64(?:url)?)\b")
"""How a schema says that a text is bytes in base64."""


def fields(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Fields:
    """Give the fields of an operation's answer that need naming; None is what is found by shape, or not described."""
    arrays = _arrays(document, _schema(document, operation), ())
    path, row = min(arrays, key=lambda found: _rank(found[0]), default=((), {}))
    if not row:
        return Fields()
    words = {name: " ".join(str(one.get(key, "")) for key in ("title", "description")) for name, one in row.items()}
    dated = [name for name, one in row.items() if one.get("format") in ("date-time", "datetime")]
    named = {name: words[name] for name, one in row.items() if _may_name(name, one)}
    instants = {name: _NO_TIME.sub("", said) for name, said in named.items()}
    labels = {
        name: said
        for name, said in named.items()
        if row[name].get("type") != "number" and name not in dated and time_rank(name) is None
    }
    found = {
        "time": None if any(time_rank(one) is not None for one in row) else _only(dated) or _named(instants, _TIME),
        "client_id": None if pick(row, CLIENT) else _named(labels, _CLIENT),
        "topic": None if pick(row, TOPIC) else _named(labels, _TOPIC),
        "payload": None if pick(row, (*PAYLOAD, *PERHAPS_PAYLOAD)) else _named(words, _PAYLOAD),
    }
    inner = [row, *(_properties(document, one) for one in row.values())]  # the last message of a publisher, say
    ranked = ((one, found["payload"] or pick(one, (*PAYLOAD, *PERHAPS_PAYLOAD))) for one in inner)
    payloads = [variant for one, name in ranked if name in one for variant in _variants(one[name])]
    coded = any(_BASE64.search(f"{one.get('format')} {one.get('contentEncoding')}") for one in payloads)
    given = [one for one in found.values() if one is not None]
    if len(set(given)) < len(given):  # one for two of them: the words were not understood
        return Fields()
    rows = ".".join(path) if given and path and any(plain(one) not in ROWS for one in path) else None
    return Fields(rows=rows, payload_form="base64" if coded else None, **found)


def _rank(path: tuple[str, ...]) -> int:
    """Tell how likely an array holds the rows, by its name: the least is the likeliest."""
    name = plain(path[-1]) if path else "rows"
    return 0 if name in ROWS else 2 if name in BESIDE or path[-1].startswith("_") else 1


def _may_name(name: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether a field may be an instant, or the name of a client or topic: a text or a number, free to choose."""
    is_label = schema.get("type", "string") not in ("boolean", "array", "object") and "enum" not in schema
    return is_label and not _NO_NAME.search(plain(name))


def _variants(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give a schema, and those of which it may be any."""
    return [schema, *(one for key in ("anyOf", "oneOf") for one in schema.get(key) or () if isinstance(one, dict))]


def _schema(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    """Give the schema of a good answer."""
    answers = operation.get("responses")
    for status in ("200", "2XX", "default"):
        answer = resolved(document, answers.get(status)) if isinstance(answers, dict) else {}
        content = answer.get("content")
        kinds = [one for one in content.values() if isinstance(one, dict)] if isinstance(content, dict) else []
        schema = next((one["schema"] for one in (*kinds, answer) if "schema" in one), None)
        if schema is not None:
            return schema
    return None


def _properties(document: Mapping[str, Any], value: Any, depth: int = _DEEPEST) -> dict[str, dict[str, Any]]:
    """Give the properties of an object and of what it is made of; a kind and its parent name each other."""
    schema = resolved(document, value)
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key) or () if depth]
    found = {name: one for part in parts for name, one in _properties(document, part, depth - 1).items()}
    own = schema.get("properties")
    return found | {
        # What stands beside a reference describes it here.
        name: {**resolved(document, one), **{k: v for k, v in one.items() if k != "$ref"}}
        for name, one in (own if isinstance(own, dict) else {}).items()
        if isinstance(one, dict)
    }


def _arrays(
    document: Mapping[str, Any], value: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, dict[str, Any]]]]:
    """Give the arrays of objects in a schema, each with its path and the properties of its elements."""
    schema = resolved(document, value)
    if len(path) > _DEEPEST:
        return
    if "items" in schema:
        if row := _properties(document, schema["items"]):
            yield path, row
        return
    for name, one in _properties(document, schema).items():
        yield from _arrays(document, one, (*path, name))


def _named(words: Mapping[str, str], pattern: re.Pattern[str]) -> str | None:
    return _only([name for name, said in words.items() if pattern.search(said)])


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None
