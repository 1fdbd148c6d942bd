"""How an instant is written in a question: by a form's name, or a layout of `strftime`, with %3f for ms. Pure."""

from __future__ import annotations

import contextlib
import datetime as dt
import re

from isr_analysis import times

_UNITS = {
    "iso": 1000, "iso seconds": times.SECOND, "date": times.DAY, "number": times.SECOND,
    "s": times.SECOND, "ms": 1_000_000, "us": 1000, "ns": 1,
}  # fmt: skip
NAMES = tuple(_UNITS)

OFFSET = "%Y-%m-%dT%H:%M:%S.%f+00:00"
"""ISO 8601 for those who do not know ``Z``."""

MILLISECONDS = "%Y-%m-%dT%H:%M:%S.%3fZ"
"""ISO 8601 with three digits behind the second, as JavaScript writes it and a layout of Java's demands."""

_STEPS = (("%3f", 1_000_000), ("%f", 1000), ("%S", times.SECOND), ("%M", times.MINUTE), ("%H", times.HOUR))

_TRIED = (
    "iso", "iso seconds", "date", "s", "ms", "us", "ns", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d%H%M%S", "%Y%m%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
    MILLISECONDS, "%Y-%m-%dT%H:%M:%S.%3f", "%Y-%m-%d %H:%M:%S.%3f",
    OFFSET, "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S.%3f+00:00",
)  # fmt: skip
"""The forms that are tried on a pattern."""

_INSTANTS = (1_793_528_430_123_456_000, 1_793_491_200_000_000_000)
_NO_INSTANTS = ("", "1", "12", "abc", "a-1", "x")

_NOTATIONS = {
    "python": ("%Y", "%m", "%d", "%H", "%M", "%S", "%f"),
    "letters": (r"\byyyy", "mm", "dd", "hh", "(?:mm|nn)", "ss", "[sfun]{1,9}"),
    "go": (r"\b2006", "01", "02", "15", "04", "05", "[09]{1,9}"),
    "php": (r"\by", "m", "d", "h", "i", "s", "[uv]"),
    "shown": (r"\b20\d\d", r"\d\d", r"\d\d", r"\d\d", r"\d\d", r"\d\d", r"\d{1,9}"),
}
_GENERAL = re.compile(r"rfc.?3339|iso.?8601", re.IGNORECASE)
_ZONE = r"(?P<zone> ?'?z(?:07:00)?\b'?|xxx|%z|(?<=s)p\b|[+±-](?:\d\d|hh):?(?:\d\d|mm))?"
_LAYOUTS = {
    name: re.compile(
        rf"{year}(?P<dash>[-/.]?){month}(?P=dash){day}"
        rf"(?:(?P<between>\\?'?t'?|[ _]{'' if name == 'shown' else '?'}){hour}(?P<colon>:?){minute}"
        rf"(?P<second>(?P=colon){second}(?P<part>[.,]{part})?)?{_ZONE})?",
        re.IGNORECASE,
    )
    for name, (year, month, day, hour, minute, second, part) in _NOTATIONS.items()
}


def unit(form: str) -> int:
    """Give the finest step between two instants that a form can say, ns."""
    return _UNITS.get(form) or next((step for mark, step in _STEPS if mark in form), times.DAY)


def is_known(form: str) -> bool:
    """Tell whether a text is the name of a form or a layout."""
    return form in _UNITS or all(mark in form for mark in ("%Y", "%m", "%d"))


def is_bare(form: str) -> bool:
    """Tell whether what a form says is of no zone, to the minute or finer."""
    return form not in _UNITS and "%M" in form and not re.search(r"Z$|%z|[+-]\d\d:?\d\d$", form)


def written(form: str, ns: int) -> str:
    """Write an instant, cut to the form's unit."""
    step = unit(form)
    if form in ("iso", "iso seconds"):
        return times.iso(ns // step * step)
    if form == "date":
        return times.iso(ns)[:10]
    if form in _UNITS:
        return str(ns // step)
    seconds, rest = divmod(ns, times.SECOND)
    form = form.replace("%3f", f"{rest // 1_000_000:03}")
    return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=rest // 1000).strftime(form)


def of_pattern(pattern: str) -> str | None:
    """Find the form whose instants fit a regular expression that other texts do not; None if none does."""
    with contextlib.suppress(re.error, OverflowError):
        wanted = re.compile(pattern)
        if not any(map(wanted.search, _NO_INSTANTS)):
            return next((one for one in _TRIED if all(wanted.search(written(one, ns)) for ns in _INSTANTS)), None)
    return None


def of_words(words: str, *, examples: bool = True) -> str | None:
    """Find the layout that words show, as programs or people write one; None if they show none but ISO 8601's own.

    An instant in the words is one, too, unless `examples` is False. People leave out the zone of ISO 8601 where they
    mean it; who writes down what a program parses does not.
    """
    plain = words.replace("[", "").replace("]", "").replace("%20", " ").replace("\u2019", "'")
    for name, pattern in _LAYOUTS.items():
        shown = [one for one in pattern.finditer(plain) if name != "shown" or (examples and _is_special(one))]
        if not shown:
            continue
        found = max(shown, key=lambda one: one["between"] is not None)  # the finest, where days alone are taken, too
        made = _layout(found)
        exact = name in ("python", "go", "php")
        if made.startswith("%Y-%m-%dT%H:%M:%S") and (found["zone"] or not exact):  # Go takes parts of a second too
            if "%3f" in made and found["zone"] and name == "letters" and not _GENERAL.search(plain):
                return made  # a program that parses by it takes no other number of digits
            return None if found["part"] or name == "go" else "iso seconds"
        return "date" if made == "%Y-%m-%d" else made
    return None


def _is_special(example: re.Match[str]) -> bool:
    """Tell whether an instant is written in another way than ISO 8601's usual one."""
    return example["between"] is not None and (example["dash"] != "-" or example["between"] not in ("T", "t"))


def _layout(found: re.Match[str]) -> str:
    dash, colon = found["dash"], found["colon"] or ""
    made = f"%Y{dash}%m{dash}%d"
    if (between := found["between"]) is None:
        return made
    made += f"{between.strip(chr(39) + chr(92)).upper()}%H{colon}%M"
    made += f"{colon}%S" if found["second"] else ""
    if part := found["part"]:
        made += f"{part[0]}{'%3f' if re.fullmatch('[a-z]{3}', part[1:], re.IGNORECASE) else '%f'}"
    zone = (found["zone"] or "").strip("' ").lower()
    return made + ("Z" if zone.startswith("z") else "%z" if zone == "%z" else "+00:00" if zone else "")
