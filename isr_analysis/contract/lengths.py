"""A parameter that takes how long the range is or how far it reaches back, such as ``hours=24`` or ``range=7d``. Pure.

A length's form is a unit (``"s"``, ``"min"``, ``"h"``, ``"d"`` or ``"w"``: a number of these is wanted), a text of
the kind (``"24h"`` or ``"PT24H"``), or the texts that are offered, with commas between them (``"1h,24h,7d"``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isr_analysis import times
from isr_analysis.contract import roles
from isr_analysis.errors import UsageError

UNITS = {"s": times.SECOND, "min": times.MINUTE, "h": times.HOUR, "d": times.DAY, "w": 7 * times.DAY}

_WORDS = (
    ("s", r"sec(ond)?s?|s"),
    ("min", r"min(ute)?s?"),
    ("h", r"h(ou)?rs?|h"),
    ("d", r"days?|d"),
    ("w", r"weeks?|w"),
)
_TEXT = re.compile(r"\b\d+ ?(s|min|m|h|d|w)\b")
_ISO = re.compile(r"\bP(?:\d+D|T\d+[HMS])\b|(?i:\biso[ -]?8601 (?:time )?(?:duration|period|span))")


def form_of(name: str, schema: Mapping[str, Any], words: str) -> str | None:
    """Tell what a parameter of a length takes, by its name, its schema and what is said of it; None if that says not.

    Its largest value is no part of the form: see `most`.
    """
    offered = [one for one in schema.get("enum") or () if isinstance(one, str) and ns_of(one)]
    if offered:
        return ",".join(offered)
    shown = f"{schema.get('example') or ''} {schema.get('default') or ''} {words}"
    text = "PT24H" if _ISO.search(shown) else "24h" if _TEXT.search(shown) else None
    if schema.get("type") in ("integer", "number") or (schema.get("type") is None and text is None):
        spelled = re.sub("^min(?=_)", "", roles.snake(name)).replace("_", " ")  # min_time is the least
        said = re.findall(r"[a-z]+", f"{spelled} {words}".lower())
        return next((unit for word in said for unit, pattern in _WORDS if re.fullmatch(pattern, word)), None)
    return text


def most(form: str, schema: Mapping[str, Any]) -> str | None:
    """Give the longest length that may be asked for, as a duration; None if that is not said."""
    if form not in UNITS:
        offered = form.split(",")
        return max(offered, key=ns_of) if ns_of(offered[0]) and form != "24h" else None
    top = schema.get("maximum")
    text = f"{int(top)}{form}" if isinstance(top, int | float) and 1 <= top < 2**63 else ""
    return text if ns_of(text) else None


def is_known(form: str) -> bool:
    """Tell whether a text is a form of a length."""
    return form in UNITS or form == "PT24H" or all(map(ns_of, form.split(",")))


def unit_of(form: str) -> int:
    """Give the step between two lengths that can be asked for, ns."""
    return UNITS.get(form, times.HOUR)


def written(form: str, ns: int) -> str | None:
    """Write the shortest length that holds `ns`; None if none is so long."""
    number = -(-ns // unit_of(form))
    if form in UNITS:
        return str(number)
    if form in ("24h", "PT24H"):
        return form.replace("24", str(number))
    return min((one for one in form.split(",") if ns_of(one) >= ns), key=ns_of, default=None)


def ns_of(text: str) -> int:
    """Give the length of a text such as ``7d``; 0 if it is none."""
    try:
        return times.duration(text.lower())
    except UsageError:
        return 0
