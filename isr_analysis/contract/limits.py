"""How long a range may or must be at once, read from a portal's words. Pure."""

from __future__ import annotations

import re

from isr_analysis.contract import lengths

_ONE = re.compile(r"\b(?:an?|one|a single|1 full) (?=(?:second|minute|hour|day|week|month|year)s?\b)", re.IGNORECASE)
_SPAN = r"(?:range|window|span|interval|period|per request|at once|at a time|(?:may|can|must) cover)"
_MOST = r"(?:max(?:imum|\.)?|longest|largest|at most|up to|no more than|limited to|not exceed|no longer than|capped at"
_MOST += r"|limit of|≤|<=)"
_LONG = r"(\d{1,9})[ -]?(seconds?|s|minutes?|mins?|hours?|h|days?|d|weeks?|w|months?|years?)(?:0m)?(?:0s)?\b"
_SPAN_WORDS = re.compile(
    rf"{_SPAN}[^.;]{{0,60}}?(?:{_MOST}|(?:larger|longer|more) than|exceeds?)[^.;\d]{{0,30}}?{_LONG}"
    rf"|{_MOST}[^.;\d]{{0,60}}?{_SPAN}[^.;\d]{{0,40}}?{_LONG}"
    rf"|{_MOST}[^.;\d]{{0,6}}?{_LONG}(?=[^.;]{{0,30}}{_SPAN})"
    rf"|(?:within|{_MOST})[^.;\d]{{0,6}}?{_LONG} (?:of|after|before|from)"
    r" \W?(?:to\b|[\w.$]*(?:start|end|from|since|until|after|before|begin))"
    rf"|(?:between start and end|from and to)[^.;]{{0,60}}?{_MOST}[^.;\d]{{0,30}}?{_LONG}",
    re.IGNORECASE,
)
"""Words such as "the range may be at most 24 hours" or "maximum window: 7d"."""

_LENGTHS = re.compile(
    rf"(?<![\w.]){_LONG}|\bPT?(\d{{1,9}})([dhms])\b"
    r"|(?<![a-z])(?P<unit>seconds?|minutes?|hours?|days?|weeks?)[\"']?\s*[:=]\s*(?P<number>\d{1,9})\b",
    re.IGNORECASE,
)
"""Lengths of time wherever they stand, such as ``24 hours``, ``24h0m0s``, ``PT24H`` or ``max_seconds=86400``."""

_AT_ONCE = re.compile(
    rf"(?:{_MOST}|longer than|more than)[^.;\d]{{0,12}}?"
    r"(\d{1,4}(?=[ -]?[hdw])|\d{4,7})[ -]?(hours?|h|days?|d|weeks?|seconds?|s)\b",
    re.IGNORECASE,
)
"""Words of a length that may be had at once, where nothing else can be meant: of an end of the range, in a refusal."""

_LEAST_WORDS = re.compile(
    r"(?:at least|\bmin(?:imum|\.)?\b|smallest|shortest|≥|>=|\bbetween|(?:shorter|less|smaller) than"
    rf"|must be (?:longer|greater|more|larger) than)[^.;\d]{{0,40}}?{_LONG}",
    re.IGNORECASE,
)
"""Words such as "at least 1 hour" or "minimum range: 60 minutes"."""

_OF_KEEPING = re.compile(
    r"kept|keep|stored|retention|retain|older|late\b|default|ago\b|available|delay|arriv|appear|publishing"
    r"|in the past",
    re.IGNORECASE,
)


def longest_range(words: str) -> str | None:
    """Find the longest range that words allow, as a duration such as ``"24h"``."""
    found = _SPAN_WORDS.search(_ONE.sub("1 ", words))
    return _length(*(one for one in found.groups() if one is not None)) if found else None


def longest_below(words: str, length: int, *, least: int) -> str | None:
    """Find the longest length in the words of a refusal that is less than the one that was refused, ns.

    One that is less than `least` is that of something else, such as how long it took to find out.
    """
    if _OF_KEEPING.search(words):
        return None
    found = []
    for one in _LENGTHS.finditer(words):
        number, unit = (one["number"], one["unit"]) if one["unit"] else (part for part in one.groups() if part)
        found.append(_length(number, unit) or "")
    return max((one for one in found if least <= lengths.ns_of(one) < length), key=lengths.ns_of, default=None)


def has_length(words: str) -> bool:
    """Tell whether words name a length of time."""
    return _LENGTHS.search(words) is not None


def shortest_range(words: str) -> str | None:
    """Find the shortest range that words allow, as a duration."""
    found = None if _OF_KEEPING.search(words) else _LEAST_WORDS.search(_ONE.sub("1 ", words))
    return _length(found[1], found[2]) if found else None


def length_at_once(words: str) -> str | None:
    """Find the longest range in words that can speak of nothing else, or of how long messages are kept."""
    for clause in re.split(r"[;\n]|\.(?:\s|$)", _ONE.sub("1 ", words)):
        if (found := _AT_ONCE.search(clause)) and not _OF_KEEPING.search(clause):
            return _length(found[1], found[2])
    return None


def _length(number: str, unit: str) -> str | None:
    """Write a length as a duration; None if it is none, or longer than one may be."""
    count, unit = int(number), unit.lower()
    if unit.startswith(("month", "year")):  # the shortest that is meant
        count, unit = count * (28 if unit.startswith("month") else 365), "d"
    length = f"{count}{unit[0].replace('m', 'min')}"
    return length if lengths.ns_of(length) else None
