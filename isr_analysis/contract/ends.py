"""Which parameters take the ends of the range: by their names, as two that belong together, or by their words. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from isr_analysis.contract import roles
from isr_analysis.contract.parameters import Parameter

_AMOUNTS = len(roles.ENDS) - 1
"""The kind of words that may be of amounts as well."""

_OF_TIME = re.compile(
    r"time|date|datetime|dt|timestamp|ts|at|day|instant|published|received|recorded|measured|observed|occurred|sampled"
    r"|sent|logged|created|inserted|ingested|stored"
)
_OF_RANGE = re.compile(r"interval|window|range")
_LATER = re.compile(r"updated|modified|changed|deleted|expire|valid|last|received|arrived|inserted|ingested|stored")
"""What speaks of what became of something, and not of when it was published."""

_SAID = (
    (roles.START, re.compile(r"\b(?:start|begin|from|since|earliest|lower|oldest|after)", re.IGNORECASE)),
    (roles.END, re.compile(r"\b(?:end|until\b|to\b|latest|upper|newest|before)", re.IGNORECASE)),
)


class Side(NamedTuple):
    """Which end of what a parameter is, by its name: ``measured_at`` in ``measured_at[gte]``; `kind` is the word's."""

    role: str
    kind: int
    of: str


_SIDES = {
    word: (role, kind)
    for kind, both in enumerate(roles.ENDS)
    for role, words in zip((roles.START, roles.END), both, strict=True)
    for word in words.split()
}


def side(name: str) -> Side | None:
    """Tell which end a parameter is by its name; None if that does not tell it."""
    levels = roles.snake(name).split("_")
    places = (len(levels) - 1, *range(len(levels) - 1))  # an operator stands last, as in start_date_gte
    at = next((i for i in places if levels[i] in _SIDES), None)
    if at is None or levels[-1] in ("eq", "ne", "in"):
        return None
    role, kind = _SIDES[levels.pop(at)]
    if at and levels[at - 1] == "not":  # not_before=
        del levels[at - 1]
        role = roles.END if role == roles.START else roles.START
    return Side(role, kind, "_".join(one for one in levels if one not in ("on", "or", "strictly")))


def role_of(name: str) -> str | None:
    """Give the role of a parameter that a portal wants, if its name tells which end it is, and of no amount."""
    found = side(name)
    return found.role if found and found.kind < _AMOUNTS else None


def of_names(starts: Iterable[Parameter], ends: Iterable[Parameter]) -> dict[str, Parameter]:
    """Give both ends if two of what names tell to be starts and ends are those of one thing; else none."""
    return _best([(one, found) for one in (*starts, *ends) if (found := side(one.name))], alike=True)


def of_pairs(given: Iterable[Parameter], by_role: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Give both ends if two parameters of instants are those of one thing, where names did not tell them; else none.

    A single end that was told, and of which nothing says that it is an instant, was none then.
    """
    known = [by_role[role] for role in (roles.START, roles.END) if role in by_role]
    if len(known) > 1 or any(one.time_form() for one in known):
        return {}
    return _best([(one, found) for one in given if (found := side(one.name)) and _may_be_instant(one, found)])


def _best(sides: list[tuple[Parameter, Side]], *, alike: bool = False) -> dict[str, Parameter]:
    """Choose two of one thing: rather of when something was published, of no amount, half-open, in like words.

    With `alike`, the words must go together.
    """
    pairs = [
        (
            (bool(_LATER.search(a.of)), a.kind == _AMOUNTS, a.kind != b.kind, _is_strict(first), not _is_strict(last)),
            first,
            last,
        )
        for (first, a), (last, b) in itertools.product(sides, sides)
        if (a.role, b.role, a.of) == (roles.START, roles.END, b.of) and (a.kind == b.kind or not alike)
    ]
    if not pairs:
        return {}
    _, first, last = min(pairs, key=lambda pair: pair[0])
    return {roles.START: first, roles.END: last}


def _may_be_instant(one: Parameter, found: Side) -> bool:
    """Tell whether a parameter is an instant by its name, or surely one by its words; ``not_before`` is of nothing."""
    if one.kind == "boolean" or "time_of_day" in found.of:
        return False
    words = found.of.split("_")
    of_time = any(map(_OF_TIME.fullmatch, words)) or (
        found.kind < _AMOUNTS and any(map(_OF_RANGE.fullmatch, words))  # min_interval= is how long one is
    )
    return not found.of or of_time or one.is_instant()


def _is_strict(one: Parameter) -> bool:
    return re.search(r"(^|_)(gt|lt|strictly)(_|$)", roles.snake(one.name)) is not None


def of_words(one: Parameter) -> str | None:
    """Tell which end an instant is by what is said of it, under a name that tells nothing; None if that does not."""
    if roles.role_of(one.name) is not None or not one.is_instant() or is_interval(one):
        return None
    return next((role for role, pattern in _SAID if pattern.search(one.words)), None)


def is_up_to(one: Parameter) -> bool:
    """Tell whether the words are plainly of the end of a range, as they must be where nothing is its start."""
    return (
        re.search(r"\b(?:up to|until|before|(?:no later|not later|older) than)\b", one.words, re.IGNORECASE) is not None
    )


def is_interval(one: Parameter) -> bool:
    """Tell whether one parameter, of a name that tells nothing, takes both ends of the range."""
    return roles.role_of(one.name) is None and divider(one) is not None


def divider(one: Parameter) -> str | None:
    """Find what stands between both ends in one value, if what is said of a parameter shows such."""
    return roles.divider(f"{one.words} {one.example or ''}")
