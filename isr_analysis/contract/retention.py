"""Ranges that are refused as they are too old: what a portal no longer keeps, or what a plan does not reach. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus

from isr_analysis import times
from isr_analysis.errors import UsageError

_PAID = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)
_STATUSES = (400, 404, 416, 422, *_PAID)

_LENGTH = r"(?:\d{1,6}|one|an?)[ -]?(?:hours?|h|days?|d|weeks?|w|months?|years?)\b"
_STORED = r"(?:history|data|messages?|records?)"
_AGE = re.compile(
    r"retention|retain|archived|purged|too[ _]?old|oldest|older than|before the oldest|max_?age|look[ _-]?back"
    rf"|{_STORED}[ _](?:has |have |is |are )?expired|expired[ _]{_STORED}"
    r"|(?:before the earliest|earliest (?:available|stored|kept|message|data|date|start))"
    rf"|{_STORED} (?:only )?(?:starts?|begins?|before|prior to|older|(?:is|are) limited)\b"
    rf"|(?:last|past|previous|recent) {_LENGTH}|(?:kept|keeps?|stored|stores?|available|held) (?:\w+ ){{0,3}}{_LENGTH}"
    rf"|{_LENGTH} (?:ago|old|back|(?:of|in|into) (?:the )?(?:\w+ )?(?:past|{_STORED}))\b",
    re.IGNORECASE,
)
"""Words of what is too old, or of how far back it goes."""

_NOT_KEPT = re.compile(r"no longer (?:available|stored|kept)|\bnot (?:be )?(?:before|earlier)\b", re.IGNORECASE)
_LEAST = re.compile(
    r"(?:\bafter|>=?|≥|(?:greater|later) than(?: or equal to)?|on or after|since|from|before|created)\W*$",
    re.IGNORECASE,
)
"""Words before an instant that is the first that may be asked for."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_KEPT = re.compile(r"(?<!\d)(\d{1,6})[ -]?(hours?|h|days?|d|weeks?|w|months?|years?)\b", re.IGNORECASE)
_FIELD = re.compile(r"_?(hours|days|weeks|months|years)\W{1,3}(\d{1,6})\b|\bP(\d{1,6})(D|W|M|Y)\b", re.IGNORECASE)
_NS = {"h": times.HOUR, "d": times.DAY, "w": 7 * times.DAY, "m": 30 * times.DAY, "y": 365 * times.DAY}


def beyond(status: int | None, words: str) -> bool:
    """Tell whether a refusal speaks of what is too old.

    So may words about a range that is too long, or about an add-on: whether it is the age is known once the portal
    answers as long a range of late.
    """
    if status == HTTPStatus.GONE:
        return True
    if status not in _STATUSES:
        return False
    if _AGE.search(words) or (status not in _PAID and _NOT_KEPT.search(words)):
        return True
    return any(_LEAST.search(words[: one.start()]) for one in _INSTANT.finditer(words))


def oldest(words: str, now: int) -> int | None:
    """Give the instant from which on the portal says that it keeps messages, ns: the latest that it names before now.

    It is a hint: months are as long as most are, and words may name other instants as well.
    """
    named = [_instant(one) for one in _INSTANT.findall(words)]
    if not named:
        lengths = [*_KEPT.findall(words), *((n or m, unit or sign) for unit, n, m, sign in _FIELD.findall(words))]
        named = [now - int(number) * _NS[unit[0].lower()] for number, unit in lengths]
    return max((one for one in named if one is not None and 0 <= one < now), default=None)


def _instant(text: str) -> int | None:
    try:
        return times.instant(text)
    except UsageError:  # words may name what is none, such as 0001-01-01
        return None
