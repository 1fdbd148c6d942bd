"""A parameter that decides whether messages come whole: none averaged or left out, with payloads, in UTC. Pure."""

from __future__ import annotations

import re

from isr_analysis.contract import roles
from isr_analysis.contract.parameters import Parameter

_WITH_PAYLOAD = re.compile(r"(?:include|with|show|return|embed)s?_(?:the_|full_)?(?:payload|body|message|value|data)s?")
_THINNED = re.compile(
    r"resolution|granularity|interval|every|bucket|sampling|rollup|aggregat(?:e|ion|ed)(?:_(?:by|function|interval))?"
    r"|down_?sampl(?:e|ed|ing)|de_?dup(?:e|licate|lication)?|distinct|latest_only|last_only|compact|fill"
)
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
_DETAIL = re.compile(r"view|details?|detail_level|level|verbosity|projection|representation|mode")
_BRIEF = ("summary", "brief", "compact", "minimal", "short", "basic", "headers", "metadata")
_FULL = ("full", "complete", "detailed", "verbose", "extended", "all")
_ZONE = re.compile(r"(?:output_)?(?:tz|time_?zone)(?:_name)?")
_CHOICE = re.compile(rf"""[`'"]({"|".join(_EACH)})[`'"]""")
_ZERO = re.compile(r"\b0\b[^.;]{0,30}\b(?:raw|none|off|disable[sd]?|no|every|all)\b", re.IGNORECASE)


def as_published(one: Parameter) -> str | None:
    """Choose every message, whole, where a parameter decides that; None if it does not, or does so unless told."""
    name, default = roles.snake(one.name), one.schema.get("default")
    thins = _THINNED.fullmatch(name) is not None
    if one.kind == "boolean":
        whole = _WITH_PAYLOAD.fullmatch(name) or _WHOLE.fullmatch(name)
        if whole or ("raw" in name.split("_") and _OF_THINNING.search(one.words)):
            return "true"
        return "false" if thins and default is True else None
    if one.kind in ("integer", "number"):
        return "0" if default and (thins or _OF_THINNING.search(one.words)) and _ZERO.search(one.words) else None
    offered = [value for value in one.schema.get("enum") or () if isinstance(value, str)]
    if _ZONE.fullmatch(name):  # of instants that name none, which would be taken to be of it
        return "UTC" if default != "UTC" and "UTC" in (offered or ["UTC"]) else None
    if _INCLUDING.fullmatch(name):
        named = offered or (["payload"] if re.search(r"\bpayloads?\b", one.words, re.IGNORECASE) else [])
        return next((value for value in named if value.lower() in ("payload", "payloads")), None)
    if _DETAIL.fullmatch(name) and str(default).lower() in _BRIEF and (most := _first(offered, _FULL)):
        return most
    thins = thins or any(_OF_SEVERAL.fullmatch(value.lower()) for value in offered)
    if not offered and (thins or _OF_THINNING.search(one.words)):
        return next(iter(_CHOICE.findall(one.words)), None)
    return _first(offered, _EACH) if thins else None


def _first(offered: list[str], known: tuple[str, ...]) -> str | None:
    """Give the first of the values that a parameter offers that is one of those that are known."""
    return next((value for value in offered if value.lower() in known), None)
