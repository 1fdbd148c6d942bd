"""What a parameter is for, by its name: the words that portals use."""

from __future__ import annotations

import re
from typing import Any

START, END, CLIENT, TOPIC, ACCOUNT = "start", "end", "client", "topic", "account"
LIMIT, CURSOR, PAGE, OFFSET, ORDER, FORMAT = "limit", "cursor", "page", "offset", "order", "format"

_TIME = r"(_?(time|date|datetime|ts|timestamp|at|utc|iso|epoch|unix|s|ms|us|ns|sec|seconds|millis|micros|nanos))*"
_BEFORE_TIME = (
    r"(?!(range|window|interval|period)_?m(in|ax))"  # how long one is
    r"((time|date|ts|timestamp|published|created|received|recorded|range|window|interval|period|t)(_at)?)?_?"
)

ENDS = (
    ("start starts starting begin begins beginning", "end ends ending stop finish"),
    ("from since", "to until till"),
    ("after newer", "before older"),
    ("gte gteq gt ge", "lte lteq lt le"),
    ("t0", "t1"),
    ("min lower earliest oldest", "max upper latest newest"),
)
"""Words of names that tell which end it is: those for starts and for ends that go together, last those of amounts."""

_STARTS, _STOPS = ("|".join(" ".join(words).split()) for words in zip(*ENDS, strict=True))

_NAMES = (
    # The order matters: the first that fits wins.
    (ACCOUNT, r"(account|tenant|org|organisation|organization)(_?(id|uuid))?"),
    (CLIENT, r"(mqtt_)?(client|device|publisher|station|source|sender|node)s?(_?(id|ids|name|uuid))?"),
    (TOPIC, (r"(mqtt_|sub|sub_|full_|history_)?(topic|path)s?(_?(filter|pattern|prefix|name|path|like))?|topic_?path"
            r"|channel|((history|platform)_?)?prefix")),
    (CURSOR, (r"(next_|page_|start_|batch_)*(cursor|token|continuation(_token)?|scroll_id|bookmark|marker)|page_after"
             r"|next|starting_after|start_key|next_key")),
    (LIMIT, (r"((row|result|message|record|item)_?)?(limit|count)|(page|batch|chunk)_?(size|limit)|per_?page|size|take"
            r"|top|n|rows|num|first|max(_?(rows|results|items|count|messages|records|entries|points))?")),
    (PAGE, r"page(_?(no|nr|num|number|index))?|p|pg"),
    (OFFSET, r"(page_)?offset|skip|start_?(index|row)|from_?(row|index)|first_?(row|result)|row_?offset"),
    (ORDER, (r"order(_?(by|dir|direction))?|sort(_?(by|dir|direction|order))?|direction|dir|desc(ending)?|asc(ending)?"
            r"|reverse|newest_first|oldest_first")),
    (FORMAT, r"format|fmt|output(_?format)?|response_format|accept|encoding|as|type|mime"),
    (START, rf"{_BEFORE_TIME}({_STARTS}){_TIME}"),
    (END, rf"{_BEFORE_TIME}({_STOPS}){_TIME}"),
)  # fmt: skip
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _NAMES)

VAGUE = (
    "max", "n", "num", "first", "top", "take", "count", "size", "rows", "token", "next", "marker", "source", "channel",
)  # fmt: skip
"""Names that may mean something else where another one has the same role."""

_WITHIN = re.compile(r"^(filter|where|search|paginate|pagination|paging|pageable|options)_(?=.)")
"""What stands around a parameter's name where it is one of several within an object."""

_LENGTH = re.compile(
    r"(?:(?:for|last|past|recent|look_?back|back|max_?age|since|previous|num)_?)*(?:(?:sec(?:ond)?|min(?:ute)?|h(?:ou)?r|day|week)s)"
    r"(?:_?(?:back|ago))?|look_?back(?:_?\w+)?|last|past|since|max_age|duration(?:_\w+)?|(?:time_?)?span"
)
_LENGTH_PERHAPS = re.compile(r"(?:time_?)?(?:range|period|window|frame)|time_?interval")
"""What is the range's length only where nothing else says the range: it may also be that of an average."""

_DIVIDER = re.compile(
    r"\d{4}-\d\d-\d\d[\w:.+-]*?(?P<shown>/|,|;|\.\.|~)\d{4}-\d\d-\d\d"
    r"|\b(?:start|from|begin|since)\w*[>}\])]?(?P<named>/|,|;|\.\.|~)[<{\[(]?(?:end|to|until)|(?P<open>\.\./|/\.\.)",
    re.IGNORECASE,
)
"""Words that show both ends of the range in one value: two instants, or their names, with something between them."""

DAY: dict[str, Any] = {"end": None, "time_form": "date", "longest": "1d"}
"""How history is asked for where its start is the one parameter of a day."""


def is_day(name: str) -> bool:
    """Tell whether a parameter is the day that is wanted."""
    return snake(name) in ("date", "day", "utc_date", "utc_day", "for_date", "on_date")


def is_length(name: str, *, alone: bool) -> bool:
    """Tell whether a parameter is how long the range is, or how far it reaches back; `alone` if none is its start."""
    plain = snake(name)
    return bool(_LENGTH.fullmatch(plain) or (alone and _LENGTH_PERHAPS.fullmatch(plain)))


def is_range(name: str) -> bool:
    """Tell whether a parameter may be the range as a whole."""
    return (
        re.fullmatch(r"(date_?)?(time_?)?(range|interval|span|period|window)?|temporal|between", snake(name))
        is not None
    )


def divider(words: str) -> str | None:
    """Find what stands between two instants in one value, if words show such: ISO 8601's slash, a comma, two dots."""
    found = _DIVIDER.search(words)
    return (found["shown"] or found["named"] or "/") if found else None


def snake(name: str) -> str:
    """Give a name in one spelling: ``fromTime`` and ``$FROM-TIME`` are ``from_time``, ``time>=`` is ``time_gte``."""
    for sign, word in ((">=", "_gte"), ("<=", "_lte"), (">", "_gt"), ("<", "_lt")):
        name = name.replace(sign, word)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def is_of_publishers(name: str) -> bool:
    """Tell whether a parameter takes what the list of publishers gives under that name, for one of them."""
    return re.fullmatch(r"history_?(topic_?)?prefix", snake(name)) is not None


def role_of(name: str) -> str | None:
    """Give the role that a parameter's name tells of, or None; what JSON:API and others put around it is left out."""
    plain = _WITHIN.sub("", snake(name))
    return next((role for role, pattern in _COMPILED if pattern.fullmatch(plain)), None)
