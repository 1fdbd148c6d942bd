"""Names of parameters in a portal's words: which words may be such, and of what. Pure."""

from __future__ import annotations

import re
from collections.abc import Container

from isr_analysis.contract import ends, roles

NAME = r"[$\w](?:[\w.$-]|\[[\w$]*\])*(?<![.-])"
"""What a name may consist of."""

_PROSE = re.compile(
    r"""(?<![\w`'"?&=.\[-])(?:to|from|since|until|till|before|after) (?=\w)"""
    r"(?!(?:is|are|was|were|to|until|must|should|may|can|cannot|has|have|needs?|and|or|not|fields?|param|parameter"
    r"|date|time|timestamp|value|missing|given|provided|specified|supplied|invalid|as|when|instead"
    r"|required(?! type))\b)"
    r"|\b(?:\d+|an?|one|per|each|every) (?:day|date)\b",
    re.IGNORECASE,
)
"""Words of a sentence that are names elsewhere, by what stands beside them."""

_OF_TWO = re.compile(
    r"(?:.*\.)?((?:filter|interval|period|range|window|time_?range|date_?range|page|pagination)\..+)", re.IGNORECASE
)
"""A name with a dot in it, perhaps behind those of where it stands, as ``query.`` is."""


def of_words(words: str) -> list[str]:
    """Give what may be names in words: "to" and "from" are none in "access to data from before 2024"."""
    return re.findall(NAME, _PROSE.sub(" ", words))


def bare(name: str, asked: Container[str]) -> str:
    """Give a name without those of where it stands, unless it was asked with them."""
    if name in asked:
        return name
    found = _OF_TWO.fullmatch(name)
    return found[1] if found else name.rsplit(".", 1)[-1]


def role_of(name: str) -> str | None:
    """Give the role of a parameter that a portal wants, by its name."""
    return roles.role_of(name) or ends.role_of(name)
