"""Add-ons of an account: which of them opens a route, and whether a refusal says that it is missing. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus

from isr_analysis.contract import retention

_OPENS = {"/history": "Programmatic History Download", "/publishers/live": "Live REST API"}
_MGMT = "Mgmt REST API"
"""The add-on that every other route below the API needs."""

_NAMED = re.compile(r"add[- _]?ons?(?![a-z])|\b(?:\w+_)?api(?:_\w+)?\b[^.;]{0,20}\bnot\b", re.IGNORECASE)
_OF_PLAN = re.compile(r"feature|\bplan\b|subscription|module|entitle|\bapi\b", re.IGNORECASE)
_NOT_THERE = re.compile(
    r"\bnot (?:been |currently )?(?:enabled?|activated?|active|included?|available|part of|subscribed|cover)|requires?"
    r"|required|missing|lacks?|upgrade|disabled|without",
    re.IGNORECASE,
)
_OF_NUMBER = re.compile(r"limit|maximum|at most|exceed|reached|too many|\ballows? (?:only )?\d", re.IGNORECASE)
"""Words of too many of something, which a plan may allow more of."""

_WHAT = r"\b(?:client|device|publisher|station|topic)s?\b"
_OF_ELSE = re.compile(
    rf"\bip\b|\bnetwork\b|\bcountry\b|\b(?:access|permission|allowed|authori[sz]ed|rights?)\b[^.;]{{0,30}}{_WHAT}"
    rf"|{_WHAT}[^.;]{{0,30}}\b(?:not yours|other (?:account|tenant)|belong|outside|not (?:in|of) (?:your|this))",
    re.IGNORECASE,
)
"""Words of who asks from where, or of one client: an add-on would not help."""

_BARE = re.compile(
    r"(?:(?:a page of html|error|forbidden|access denied|permission denied|insufficient permissions?|payment required"
    r"|not (?:allowed|authori[sz]ed|permitted)) ?)*"
)
"""Words that say nothing but that it may not be."""


def opening(path: str) -> str:
    """Give the add-on that opens a route."""
    return next((name for tail, name in _OPENS.items() if path.rstrip("/").endswith(tail)), _MGMT)


def is_missing(status: int, method: str, words: str) -> bool:
    """Tell whether a refusal is for want of an add-on.

    A route that is forbidden to read wants its add-on, unless it is what is too old that is refused, one client, or a
    network. A change may be forbidden for other reasons, which the portal's words tell: a limit of the plan, the last
    owner.
    """
    absent = _NOT_THERE.search(words) and not _OF_NUMBER.search(words)
    named = bool(absent and _NAMED.search(words))
    of_plan = bool(absent and _OF_PLAN.search(words))
    if status == HTTPStatus.FORBIDDEN and method != "GET":
        bare = _BARE.fullmatch(re.sub(r"[\W\d]+", " ", words.lower()).strip())
        return named or of_plan or bare is not None
    if status in (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN):
        return named or not (retention.beyond(status, words) or (_OF_ELSE.search(words) and not of_plan))
    return named and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
