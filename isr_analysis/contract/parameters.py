"""The parameters of a route as an OpenAPI document lists them, references and objects opened. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isr_analysis.contract import layouts, roles

_UNIT_WORDS: tuple[tuple[str, str], ...] = (
    ("ns", r"nano-?seconds?|\bns\b|_ns$|nanos\b"),
    ("us", r"micro-?seconds?|\(us\)|\b(?:epoch|unix)[ _]us\b|\b(?-i:[Ii]n us)\b|\bµs\b|_us$|micros\b"),
    ("ms", r"milli-?seconds?|\bms\b|_ms$|millis\b"),
    ("s", r"\bunix\b|\bseconds?\b|_s$|_unix$"),
    ("number", r"\bepoch\b|_epoch$"),
)
_MAGNITUDES: dict[int, str] = {
    9: "s", 10: "s", 11: "s", 12: "ms", 13: "ms", 14: "ms", 15: "us", 16: "us", 17: "us", 18: "ns", 19: "ns",
}  # fmt: skip
"""The unit of a number since 1970, by its digits."""

_ISO_WORDS = re.compile(
    r"iso[ -]?8601(?! (?:time )?(?:duration|period|span))|rfc[ -]?3339|date-?time|\b\d{4}-\d{2}-\d{2}T\d{2}",
    re.IGNORECASE,
)
_SINCE = re.compile(r"epoch|unix|1970|timestamp|\binstants?\b|\b(date|time) in\b", re.IGNORECASE)
_NO_INSTANT = re.compile(
    r"(^|_)(duration|timeout|period|interval|window|age|zone|timezone|format|token|id|country|code|filter|query|q)(_|$)"
)
_SAID = re.compile(r"^[ \t]*(?:[-*+|]|\d+\.)?[ \t]*(`|\*\*|'|\")(?P<name>[\w.$\[\]-]+)\1(?P<words>.*)", re.MULTILINE)
"""A line of a list or a table of parameters, in words."""

_DEEPEST = 3
"""How deep objects within objects are opened: one may hold itself."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter as documented; ``words`` is all that is said of it, ``schema`` without its references."""

    name: str
    schema: Mapping[str, Any]
    words: str
    required: bool

    @property
    def kind(self) -> str | None:
        """The type of its values."""
        return self.schema.get("type")

    @property
    def example(self) -> Any:
        """A value that the document shows."""
        values = self.schema.get("examples")
        first = next(iter(values), None) if isinstance(values, list) else None
        return self.schema.get("example", first)

    def time_form(self) -> str | None:
        """Tell how it wants an instant, or None if nothing says that it is one."""
        shape = str(self.schema.get("format", "")).lower()
        text = f"{self.words} {self.example or ''}"
        if (form := layouts.of_pattern(str(self.schema.get("pattern") or ""))) is not None:
            return form
        if (layout := layouts.of_words(text)) is not None and layout != "date":
            return layout
        if shape in ("date-time", "datetime"):
            return "iso"
        if shape == "date":
            return "date"
        number = self.kind in ("integer", "number")
        digits = re.fullmatch(r"\d{9,19}", str(self.example or self.schema.get("default") or ""))
        if number or digits or (self.kind == "string" and not _ISO_WORDS.search(text)):
            for unit, pattern in _UNIT_WORDS:
                if unit == "number" and digits:
                    return _MAGNITUDES[len(digits[0])]
                if re.search(pattern, f"{self.words}", re.IGNORECASE) or re.search(pattern, roles.snake(self.name)):
                    return unit
        if _ISO_WORDS.search(text):
            return "iso"
        if layout == "date" or re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(self.example or "")):
            return "date"
        return None

    def is_instant(self) -> bool:
        """Tell whether it surely takes an instant, and not how long something is, or a name."""
        form = self.time_form()
        if form is None or _NO_INSTANT.search(roles.snake(self.name)) is not None:
            return False
        return form not in ("s", "ms", "us", "ns") or _SINCE.search(f"{self.words} {self.name}") is not None


def listed(document: Mapping[str, Any], given: list[Any], *, depth: int = _DEEPEST) -> Iterator[Parameter]:
    """Give the query parameters of a list; the members of one that is an object, which are sent on their own."""
    for raw in given:
        one = resolved(document, raw)
        if one.get("in") != "query" or not isinstance(one.get("name"), str):
            continue
        schema = resolved(document, one.get("schema", one))
        if depth and isinstance(inner := schema.get("properties"), dict):  # Spring's Pageable, for one
            kind = {"in": "query", "style": one.get("style")}
            deep = kind["style"] == "deepObject"
            members = [
                {**kind, "name": f"{one['name']}[{name}]" if deep else name, "schema": part}
                for name, part in inner.items()
            ]
            yield from listed(document, members, depth=depth - 1)
            continue
        lists = (schema[key] for key in ("anyOf", "oneOf", "allOf") if isinstance(schema.get(key), list))
        for variant in (resolved(document, one) for part in lists for one in part):
            if variant.get("type") != "null":
                schema = {**schema, **{key: value for key, value in variant.items() if key not in schema}}
        if isinstance(schema.get("type"), list):  # OpenAPI 3.1: ["string", "null"]
            schema = {**schema, "type": next((t for t in schema["type"] if t != "null"), None)}
        if schema.get("type") == "array":
            schema = resolved(document, schema.get("items", {}))
        schema = {key: value for key, value in schema.items() if key != "enum" or isinstance(value, list)}
        schema = {**schema, "enum": [schema["const"]]} if "const" in schema else schema
        if "example" in one or "examples" in one:
            examples = one.get("examples")
            first = next(iter(examples.values()), None) if isinstance(examples, dict) else None
            inner = first.get("value") if isinstance(first, dict) else None
            schema = {**schema, "example": one.get("example", inner)}
        title = str(schema.get("title") or "")
        is_name = re.sub(r"[\W_]", "", title).lower() == re.sub(r"[\W_]", "", one["name"]).lower()
        title = "" if is_name else title
        words = " ".join(str(said) for said in (one.get("description"), schema.get("description"), title) if said)
        yield Parameter(one["name"], schema, words, one.get("required") is True)


def of_words(text: str) -> list[dict[str, Any]]:
    """Give the parameters that a description lists, a line each, as a document would; none if it tells no range.

    Other lists may be of what is answered.
    """
    lines = list(_SAID.finditer(text))
    if not {roles.START, roles.END} <= {roles.role_of(one["name"]) for one in lines}:
        return []
    return [
        {
            "name": one["name"],
            "in": "query",
            "description": one["words"].strip(" :|-"),
            "required": re.search(r"(?<!not )\brequired\b", one["words"], re.IGNORECASE) is not None,
            "schema": {"type": "string"},
        }
        for one in lines
        if roles.role_of(one["name"]) is not None
    ]


def resolved(document: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Follow references, as deep as they go (but not in a circle)."""
    for _ in range(20):
        if not isinstance(value, dict):
            return {}
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return value
        value = document
        for level in reference.removeprefix("#/").split("/"):
            value = value.get(level.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return {}
