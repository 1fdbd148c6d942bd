"""Parameters that decide whether messages come whole: none averaged or left out, with payloads, in UTC. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from isr_analysis.contract import roles
from isr_analysis.contract.parameters import Parameter

_WITH_PAYLOAD = re.compile(r"(?:include|with|show|return|embed)s?_(?:the_|full_)?(?:payload|body|message|value|data)s?")
_KINDS = (
    r"(?:archived?|cold(?:_storage)?|retained|duplicates?|duplicated|repeated|late|empty)(?:_messages|_data|_rows)?"
)
_WITH_ALL = re.compile(rf"(?:include|with|show|return)s?_{_KINDS}")
_WITHOUT_SOME = re.compile(
    rf"(?:exclude|without|skip|hide|omit|drop|ignore)s?_{_KINDS}"
    r"|(?:only_)?(?:latest|newest|last|changes?|changed|unique)(?:_only)?"
)
_THINNED = re.compile(
    r"resolution|granularity|interval|every|bucket|sampling|rollup|aggregat(?:e|ion|ed)(?:_(?:by|function|interval))?"
    r"|down_?sampl(?:e|ed|ing)|de_?dup(?:e|licate|lication)?|distinct|latest_only|last_only|compact|fill"
)
_POINTS = re.compile(r"(?:max|target|num|n)_(?:data_?)?(?:points|samples)")
_WHOLE = re.compile(
    r"un(?:aggregated|sampled|thinned)|full_resolution|(?:no|without|disable|skip)_(?:aggregation|down_?sampling|rollup)"
)
_EACH = ("raw", "none", "off", "no", "original", "native")
"""The choices that leave messages as they are; "all" and "full" may mean one number for all of them."""

_OF_SEVERAL = re.compile(
    r"avg|average|mean|median|min|max|sum|count|first|last|\d+ ?(?:s|m|h|d|min|sec)|minute\w*|hour\w*|dai?ly?|rollup"
    r"|aggregate\w*|\w*sampled?|thinned|summary|bucket\w*|lttb"
)
"""Choices that make one number or message of several."""

_OF_THINNING = re.compile(
    r"aggregat|averag|\bmeans?\b|down-?\s?sampl|\bsampl|thinn|roll-?up|bucket|interpolat", re.IGNORECASE
)
_INCLUDING = re.compile(r"includes?|expand|embed")
_PAYLOAD_NAMED = re.compile(r"""[`'"]payload[`'"]|\bpayload,|, ?payload\b""")
_DETAIL = re.compile(r"view|details?|detail_level|level|verbosity|projection|representation|mode")
_BRIEF = ("summary", "brief", "compact", "minimal", "short", "basic", "headers", "metadata")
_FULL = ("full", "complete", "detailed", "verbose", "extended", "all")
_ZONE = re.compile(r"(?:output_)?(?:tz|time_?zone)(?:_name)?")
EVERY = re.compile(r"all|any|both|every(?:thing)?|\*", re.IGNORECASE)
"""How the choice is called that leaves nothing out."""

_WRITTEN = re.compile(r"json|csv", re.IGNORECASE)
_OF_WRITING = re.compile(r"version|unit|precision|zone|(^|_)tz(_|$)|lang|locale")
"""The same of one that only says how the answer is written, and names of parameters that say it."""

_CHOICE = re.compile(rf"""[`'"]({"|".join(_EACH)})[`'"]""")
_ZERO = re.compile(r"\b0\b[^.;]{0,30}\b(?:raw|none|off|disable[sd]?|no|every|all)\b", re.IGNORECASE)


def as_published(one: Parameter) -> str | None:
    """Choose every message, whole, where a parameter decides that; None if it does not, or does so unless told."""
    name, default = roles.snake(one.name), one.schema.get("default")
    thins = _THINNED.fullmatch(name) is not None
    if one.kind == "boolean":
        whole = _WITH_PAYLOAD.fullmatch(name) or _WITH_ALL.fullmatch(name) or _WHOLE.fullmatch(name)
        if whole or ("raw" in name.split("_") and _OF_THINNING.search(one.words)):
            return "true"
        return "false" if default is True and (thins or _WITHOUT_SOME.fullmatch(name)) else None
    if one.kind in ("integer", "number"):
        if default and _POINTS.fullmatch(name) and isinstance(most := one.schema.get("maximum"), int):
            return str(most)
        return "0" if default and (thins or _OF_THINNING.search(one.words)) and _ZERO.search(one.words) else None
    offered = [value for value in one.schema.get("enum") or () if isinstance(value, str)]
    if _ZONE.fullmatch(name):  # of instants that name none, which would be taken to be of it
        return "UTC" if default != "UTC" and "UTC" in (offered or ["UTC"]) else None
    if _INCLUDING.fullmatch(name):
        named = offered or (["payload"] if _PAYLOAD_NAMED.search(one.words) else [])
        return next((value for value in named if value.lower() in ("payload", "payloads")), None)
    if _DETAIL.fullmatch(name) and str(default).lower() in _BRIEF and (most := _first(offered, _FULL)):
        return most
    thins = thins or any(_OF_SEVERAL.fullmatch(value.lower()) for value in offered)
    if not offered and (thins or _OF_THINNING.search(one.words)):
        return next(iter(_CHOICE.findall(one.words)), None)
    return _first(offered, _EACH) if thins else None


def narrowed(given: list[Parameter], fixed: Mapping[str, str], limit: str | None) -> str:
    """Say which parameters have the first of several values, as the portal wants one and none is that of all.

    And by which ones it thins messages out, whatever it is asked for.
    """
    narrow = [one for one in given if one.name in fixed and _leaves_out(one, fixed[one.name])]
    by_steps = not any(map(_is_off, given))  # else a step has a default for those that ask for means
    thinned = [one for one in given if one.name != limit and _thins_out(one, by_steps=by_steps)]
    return "; ".join([
        *(f"{one.name!r} of {', '.join(map(str, one.schema['enum']))}: {fixed[one.name]!r} alone is asked for"
          for one in narrow),
        *(f"{one.name!r}, by which it thins messages out ({one.schema['default']!r} unless told)" for one in thinned),
    ])  # fmt: skip


def _leaves_out(one: Parameter, value: str) -> bool:
    offered = list(one.schema.get("enum") or ())
    if (
        _OF_WRITING.search(roles.snake(one.name))
        or not one.required
        or one.kind != "string"
        or "default" in one.schema
        or len(offered) == 1
    ):
        return False
    is_whole = EVERY.fullmatch(value) or _WRITTEN.search(value) or as_published(one) is not None
    return [value] == offered[:1] and not is_whole and roles.role_of(one.name) != roles.ORDER


def _thins_out(one: Parameter, *, by_steps: bool) -> bool:
    """Tell whether the portal makes one message of several by a parameter, unless told, and offers no way not to."""
    default = one.schema.get("default")
    if not default or default == 1 or str(default).lower() in _EACH or as_published(one) is not None:
        return False
    return _POINTS.fullmatch(roles.snake(one.name)) is not None or (by_steps and _is_of_steps(one))


def _is_off(one: Parameter) -> bool:
    """Tell whether messages are not made one of several, if it is by this parameter that they would be."""
    chosen = as_published(one) or one.schema.get("default")
    is_off = chosen is None or str(chosen).lower() in (*_EACH, "false", "0")
    by_words = roles.role_of(one.name) is None and _OF_THINNING.search(one.words) is not None  # not "samples per page"
    return is_off and (_is_of_steps(one) or by_words)


def _is_of_steps(one: Parameter) -> bool:
    """Tell whether a parameter is of how many messages are made one: by its name, or by all that it offers."""
    offered = [value for value in (str(one).lower() for one in one.schema.get("enum") or ()) if value not in _EACH]
    by_choice = bool(offered) and all(map(_OF_SEVERAL.fullmatch, offered))
    return by_choice or _THINNED.fullmatch(roles.snake(one.name)) is not None


def _first(offered: list[str], known: tuple[str, ...]) -> str | None:
    """Give the first of the values that a parameter offers that is one of those that are known."""
    return next((value for value in offered if value.lower() in known), None)
