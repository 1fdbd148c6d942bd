"""What a refusal teaches: from the portal's words about a 4xx to a better contract. Pure."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from isr_analysis import answers, times
from isr_analysis.answers.shape import plain
from isr_analysis.contract import layouts, names, roles
from isr_analysis.contract.contract import NARROWEST, History
from isr_analysis.contract.limits import has_length, length_at_once, longest_below, longest_range, shortest_range
from isr_analysis.contract.parameters import Parameter
from isr_analysis.errors import QuestionRefusedError

_SHORT = 300
"""Bytes of an answer that may be words alone."""

REVISABLE = (400, 413, 414, 416, 422)
"""The statuses of which the words may say how else to ask."""

_MISSING = re.compile(
    r"required(?! type)|requires property|missing|mandatory|need|usage|expected parameter|specify|undefined"
    r"|must be a string|(not|\bno [\w.\[\]-]+) (provided|given|specified|supplied)"
    r"|(must|please) (be )?(given?|provided?|specified|suppl(y|ied)|set|include|pass|send)"
    r"|(not|never|['\u2019]t) be (null|empty|blank)",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"unknown|unexpected|unrecogni[sz]ed|unsupported|extra(?! text)|no such parameter|invalid (query )?parameter"
    r"|additional prop|should not exist"
    r"|not (a |an )?(allowed|permitted|supported|recogni[sz]ed|known|valid (for|(query )?parameter))",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(
    r"(?:(?:less|greater|more|larger|higher|bigger) than|at most|max|exceed|above|over|up to|<=|≤|between \d+ and"
    r"|\d\.\.)\D{0,20}?\d",
    re.IGNORECASE,
)
_FILLING = r"\W*(?:\w[\w ]*: )*(?:(?:ensure|expected|required|the|this|input|value|it|should|must|to|is|not|an?|be) )*"
_BOUND = re.compile(
    rf"{_FILLING}(?:number (?:must |to )?(?:be )?)?(?:(?:greater than or equal to|at least|>=?|≥) ?\d and )?"
    r"(?:less than or equal to|at most|no more than|not (?:be )?(?:greater|more|larger) than|<=|≤) ?\d+\W*",
    re.IGNORECASE,
)
"""A statement of nothing but how great a number may be; the size of a page is the only one so small that is sent."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d\S*")
_NUMBERS = re.compile(r"(?<!\w)(?<!\d\.)\d(?:[\d,_]*\d)?(?!\w|\.\d)")
_NO_NUMBER = re.compile(
    rf"{_FILLING}(?:valid |expected )?(?:integer|int|number|float)(?:, .*| is required)?\W*|.*\binvalid digit\b.*",
    re.IGNORECASE,
)
"""A statement of nothing but that a number is wanted; of what is sent only instants may be none."""

_RANGE = re.compile(
    r"\b(range|window|(?:time)?span|interval|period|too (long|large|wide|big|much)|max_range|shorter|narrow"
    r"|per (call|query|request)\b)",
    re.IGNORECASE,
)
_TOO_SHORT = re.compile(
    r"\bat least\b|\bminimum\b|(?<!\d)(?<!\d[ -])\bmin\b|smallest|shortest|too (?:short|small|narrow)"
    r"|(?:not|cannot|never|is|no)(?: be)? (?:shorter|less|smaller)|must be (?:longer|greater|more|larger) than",
    re.IGNORECASE,
)
"""Words of a range that should be longer: to ask for a shorter one would be wrong."""

_LONG = re.compile(r"\btoo\b|at most|max|exceed|longer|larger|shorter", re.IGNORECASE)
_OF_TIME = re.compile(r"time|date|instant|epoch|unix", re.IGNORECASE)
_SHOWS = re.compile(r"\b(format|like|e\.?g|examples?|such as|expected|match|use)\b", re.IGNORECASE)
"""Words before an instant that is an example of how one is written."""

_SIZE = re.compile(r"limit|page.?size|per.?page|\brows\b|max.?results", re.IGNORECASE)
_BAD_SIZE = re.compile(r"invalid|not (?:a )?valid|out of range|too (?:large|big|high|many)|exceed", re.IGNORECASE)
_LEAST = 100
_REST = r"(?:unconverted data remains|extra text): \W?"
_TIME_FORMS = (
    ("date", rf"{_REST}t\d|exact dates?\b"), ("iso seconds", rf"{_REST}\.\d"), ("%Y-%m-%dT%H:%M:%S", rf"{_REST}z"),
    ("%Y-%m-%dT%H:%M:%S.%f", r"\b(not|no|without)\b[^.;]{0,20}time ?zone|\blocaldatetime\b"),
    ("date", r"\blocaldate\b"),
    (layouts.OFFSET, r"invalid isoformat|\+00:00(?!\])"),
    ("iso seconds", r"t\d\d:\d\d:\d\dz?\b(?![.+-])"), ("%Y-%m-%dT%H:%MZ", r"t\d\d:\d\dz\b"),
    ("ns", r"nano"), ("us", r"micro"), ("ms", r"milli|\bms\b|epoch_ms|unix_ms"),
    ("s", (r"epoch|unix|integer|numeric|\bnumber\b|valid (int|float)|\bseconds\b|parse(float|int)|invalid digit"
           r"|for input string|type '(long|int)'")),
    ("date", r"yyyy-mm-dd(?!t)|%y-%m-%d(?!t)|valid date\b(?!-?time)"),
    ("iso", r"iso|rfc ?3339|date-?time|timestamp string"),
)  # fmt: skip
_UNREAD = re.compile(r"conver(t|sion)|pars(e|ing)|invalid|not (a )?valid|malformed|bad (value|format)", re.IGNORECASE)
"""Words that say that a value was not understood."""

_OTHERWISE = {
    "iso": "s",  # a number, of a unit to be found out
    "s": "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S": "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S": "date",
    "date": layouts.MILLISECONDS,
}
"""What is tried next where an instant was not understood, and no words say how it is wanted."""

_NO_FILTER = re.compile(
    rf"{_UNKNOWN.pattern}|{_UNREAD.pattern}|wildcard|exact|must not|cannot|no such|not found|[`'\"]?#", re.IGNORECASE
)
"""Words of a refusal of all topics."""

_OF_ONE = re.compile(rf"\s*({names.NAME}): ")
"""How a statement begins that is of one parameter: others that it names are its words."""

_WRONG = re.compile(
    rf"""(?:^|: )[\s`'"]*({names.NAME})[`'"]?(?:: (?:must be )?| must be )"""
    r"(?!must|before|after|earlier|later|less|greater|at (?:least|most)|within|between|in the|[<>≤≥])",
    re.IGNORECASE,
)
"""How a statement begins that says what is wrong with one parameter, but not beside another one."""

_ONLY = re.compile(r"\W*(?:there (?:is|are|was|were) )?no\b", re.IGNORECASE)
"""How words of a good answer begin that say only that there is nothing."""

_WANTED = (roles.START, roles.END, roles.CLIENT, roles.TOPIC, roles.LIMIT, roles.ACCOUNT)
"""What a refusal may want to have named."""

_STATED = (
    *("error", "errors", "message", "msg", "reason", "detail", "errormessage", "errormessages", "errormsg"),
    *("errordescription", "statusmessage", "fault"),
)
_FUTURE = re.compile(r"\b(in|into) the future\b|\bfuture (end|date|time|instant)|later than now", re.IGNORECASE)


def nothing_there(status: int | None, words: str) -> bool:
    """Tell whether the portal refused because there are no messages, which is no refusal."""
    return status in (404, 422) and answers.says_nothing_is_there(words)


def says_only_nothing(body: bytes, content_type: str | None) -> bool:
    """Tell whether an answer with a good status says in words that there are no messages, and nothing else."""
    words = answers.error_words(body, content_type)
    return len(body) <= _SHORT and _ONLY.match(words) is not None and answers.says_nothing_is_there(words)


def in_answer(
    known: History, asked: Mapping[str, str], body: bytes, content_type: str | None, length: int
) -> QuestionRefusedError | None:
    """Find the refusal in an answer with a good status: an object without data whose words teach how else to ask."""
    try:
        value = json.loads(body[:10_000])
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not any(one for name, one in value.items() if plain(name) in _STATED):
        return None
    if any(isinstance(one, list) and one and plain(name) not in _STATED for name, one in value.items()):
        return None
    words = answers.error_words(body, content_type, longest=None)
    if revised(known, asked, words, length) is None:
        return None
    return QuestionRefusedError(
        f"the portal refused {known.path} with a good status: {words}", status_code=422, words=words
    )


def taught(known: History, asked: Mapping[str, str], refused: QuestionRefusedError, length: int) -> History | None:
    """Find out by a refusal what to ask instead, as of `revised`; None where its status speaks of something else."""
    return revised(known, asked, refused.words, length) if refused.status_code in REVISABLE else None


def revised(known: History, asked: Mapping[str, str], words: str, length: int) -> History | None:
    """Find out what to ask instead.

    `known` is what the refused question was written by, `asked` its parameters, `length` that of its range, ns.

    Returns
    -------
    History or None
        None if the words teach nothing new: the refusal stands.
    """
    change: dict[str, Any] = {}
    for clause in re.split(r"[;\n]|\.:?\s", words):
        change = _learn(dataclasses.replace(known, **change), asked, clause) | change  # what is said first is exact
    change = change or _of_all(known, asked, words, length)
    if not change and known.topic_required and known.topic is not None and known.topic not in asked:
        change = {"fixed": {**known.fixed, known.topic: "#"}}  # the document says that it is wanted, and not how
    for role in ("start", "end", "client"):  # what the portal does not know, it may name in its own way
        if change.get(role, "") is None:
            others = (names.bare(name, asked) for name in names.of_words(words))
            change[role] = next((name for name in others if name not in asked and names.role_of(name) == role), None)
    new = dataclasses.replace(known, **change)
    return None if new == known else new


def _of_all(known: History, asked: Mapping[str, str], words: str, length: int) -> dict[str, Any]:
    """Read the words as a whole, where no statement of theirs teaches anything: of a page's size, or of a range."""
    of_size = known.limit in asked and known.limit in names.of_words(words) and not _is_of_length(words)
    if of_size and _BAD_SIZE.search(words):
        return _smaller(known, words)
    if _FUTURE.search(words) and known.unit <= times.SECOND:  # a coarser one would leave out too much
        return {"end_is_past": True}
    if least := _least(known, words, length):
        return {"shortest": least}
    of_range, is_of_range = _by_role(known, words), _RANGE.search(words)
    most = longest_range(of_range) or length_at_once(of_range)
    a_day = known.of_days and not known.end_included and 0 < length <= times.DAY <= times.duration(most or "1d")
    if is_of_range and a_day:
        return {"end_included": True}  # a day was asked for as two
    too_short = most is None and _TOO_SHORT.search(words)
    if length <= NARROWEST or too_short or not (is_of_range or most):
        return {}
    half = f"{max(length // 2, NARROWEST) // times.SECOND}s"
    most = most or longest_below(words, length, least=NARROWEST) or half
    return {"longest": most if times.duration(most) < length else half}


def _by_role(known: History, words: str) -> str:
    """Put start and end for what the portal calls the ends of a range."""
    for name, role in ((known.start, "start"), (known.end, "end")):
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", role, words) if name else words
    return words


def _is_of_range(known: History, clause: str) -> bool:
    """Tell whether a statement about an instant is about how long a range is; names of its ends say nothing of that."""
    words = _by_role(known, clause)
    return _RANGE.search(words) is not None or has_length(words)


def _is_of_length(words: str) -> bool:
    """Tell whether words speak of a range and how long it is, and not of a page."""
    return bool(_RANGE.search(words)) and has_length(words)


def _size(known: History, clause: str) -> int | None:
    """Find the greatest number in a statement that may be a page's size, as it is less than the one that was sent."""
    sizes = {int(re.sub(r"\D", "", one)) for one in _NUMBERS.findall(_DATE.sub("", clause))}
    return max((one for one in sizes if 1 < one < known.page_size), default=None)


def _smaller(known: History, words: str) -> dict[str, Any]:
    """Give what changes where a page's size is refused: the size that words name, or a tenth, or none at last."""
    if size := _size(known, words):
        return {"page_size": size, "page_size_is_kept": True}
    return {"page_size": known.page_size // 10} if known.page_size >= _LEAST else {"limit": None}


def _least(known: History, words: str, length: int) -> str | None:
    """Find out how long a range must be at least, where it is refused as too short: as said, or twice as long."""
    too_short = _TOO_SHORT.search(words)
    before = max(length, 0 if known.shortest is None else times.duration(known.shortest))
    if (said := shortest_range(words)) and (too_short or "between" in words):
        return said if times.duration(said) > before else None
    if not too_short:
        return None
    more = 2 * max(before, NARROWEST)
    vague = _RANGE.search(words) and not longest_range(words)
    return f"{more // times.SECOND}s" if vague and more <= times.DAY else None


def is_of_unknown_topics(known: History, new: History) -> bool:
    """Tell whether it is a topic that is wanted, and nothing says how it is written."""
    before, after = ((one.topic, one.topic_form, one.fixed) for one in (known, new))
    return new.topic_required and before != after and new.topic_form in (None, "subpath")


def is_vague(known: History, new: History, words: str) -> bool:
    """Tell whether it is a number since 1970 that is wanted, and the words do not say of what."""
    return new.time_form == "s" != known.time_form and re.search(r"\bseconds?\b", words, re.IGNORECASE) is None


def _learn(known: History, asked: Mapping[str, str], clause: str) -> dict[str, Any]:
    """Read one statement, such as ``query.from: Field required`` or ``unknown parameter 'topic'``."""
    if (named := _named(asked, clause)) is None:
        return {}
    sent = known.limit if _BOUND.fullmatch(clause) else next((name for name in named if name in asked), None)
    of_all_topics = sent is not None and sent == known.topic and asked[sent] == "#"
    if of_all_topics and _NO_FILTER.search(clause):
        return one_topic(known)
    if of_all_topics and re.search("account", clause, re.IGNORECASE):
        return {**one_topic(known), "topic_form": "path filter"}
    if _is_of_size(known, asked, clause, sent) and (size := _size(known, clause)):
        return {"page_size": size, "page_size_is_kept": True}
    of_value = sent in (known.start, known.end) and re.search(r"\bvalue\b", clause, re.IGNORECASE)
    if sent is not None and _UNKNOWN.search(clause) and not of_value:
        return _without(known, sent)
    if (interval := _interval(named, clause)) is not None:
        return interval
    missing = _missing(known, asked, named) if _MISSING.search(clause) else {}
    if not missing and (one := _WRONG.search(clause)) and roles.role_of(one[1]) in (roles.START, roles.END):
        missing = _missing(known, asked, [one[1]])  # what is wrong with an end that was not sent is that
    form = None if "time_form" in missing else _time_form(known, asked, clause, sent, missing)
    if form not in (None, known.time_form):
        return {**missing, "time_form": form}
    unnamed = not missing and sent is None and _MISSING.search(clause) and not _is_of_length(clause)
    if unnamed and known.client not in (None, *asked):
        return {"client_required": True}  # it names nothing, and a client is what may have to be named
    return missing


def _named(asked: Mapping[str, str], clause: str) -> list[str] | None:
    """Give what may be names of parameters in a statement; None if it is of a header, which no parameter brings."""
    named = [name for name in names.of_words(clause) if name not in ("query", "string", "parameter")]
    # Those with a dot before them first: "to" and "from" are words as well.
    named = [names.bare(name, asked) for dotted in (True, False) for name in named if ("." in name) is dotted]
    is_of_header = re.search(r"\bheaders?\b", clause, re.IGNORECASE) is not None
    if is_of_header and not any(name in asked or names.role_of(name) in _WANTED for name in named):
        return None
    one = _OF_ONE.match(clause)
    return [one[1]] if one and (one[1] in asked or roles.role_of(one[1])) else named


def _is_of_size(known: History, asked: Mapping[str, str], clause: str, sent: str | None) -> bool:
    """Tell whether a statement is of a page's size."""
    of_size = sent == known.limit if sent else bool(_SIZE.search(clause) and _TOO_MUCH.search(clause))
    of_size = of_size or bool(known.limit in asked and re.search(rf"\b{known.page_size}\b", clause))
    return of_size and known.limit is not None and not _is_of_length(clause)


def _time_form(
    known: History, asked: Mapping[str, str], clause: str, sent: str | None, missing: Mapping[str, Any]
) -> str | None:
    """Find out how an instant is to be written, where a statement is about one; None if it does not tell."""
    values = [value for name in (known.start, known.end) if name and (value := asked.get(name))]
    told, sample = clause, any(value in clause for value in values)
    for value in values:
        told = told.replace(value, "")  # what was sent is no example
    shown = _SHOWS.search(told) is not None
    form = layouts.of_words(told, examples=shown)
    if sent is None:
        of_time = bool(
            _OF_TIME.search(clause) or _NO_NUMBER.fullmatch(clause) or form or (shown and _DATE.search(told))
        )
    else:
        of_time = sent in (known.start, known.end)
    if not (of_time or sample or missing.keys() & {"start", "end"}) or _is_of_range(known, clause):
        return None
    form = form or next((form for form, pattern in _TIME_FORMS if re.search(pattern, told, re.IGNORECASE)), None)
    if form is None and (sent or sample) and _UNREAD.search(told):
        return _OTHERWISE.get(known.time_form)
    if form == known.time_form == "iso seconds" and not re.search(r"\dz|ss'?(z|xxx)", told, re.IGNORECASE):
        return "%Y-%m-%dT%H:%M:%S"  # that it names no zone was meant
    return form


def _interval(named: list[str], clause: str) -> dict[str, Any] | None:
    """Find the one parameter that takes both ends of the range, as in ``between must be start,end``."""
    divider = roles.divider(clause)
    for name in (one for one in named if divider is not None and roles.is_range(one) and not _LONG.search(clause)):
        if re.search(rf"""(?:^\W*(?:\w+: )*(?:query\.)?|[`'"]|parameter\W+){re.escape(name)}\b""", clause):
            return {"start": name, "end": name, "divider": divider}
    return None


def one_topic(known: History) -> dict[str, Any]:
    """Give what changes where a portal that wants a topic named does not take ``#`` for all of them."""
    fixed = {name: value for name, value in known.fixed.items() if name != known.topic}
    return {"topic_form": "subpath", "fixed": fixed}


def _missing(known: History, asked: Mapping[str, str], named: list[str]) -> dict[str, Any]:
    """Give the role of the first of the names that is not asked with."""
    for name in named:
        if name in asked and name[:1].isupper():  # Go and .NET name their own fields, which others spell differently
            spelled = (name[:1].lower() + name[1:], roles.snake(name))
            name = next((one for one in spelled if one not in asked), name)  # noqa: PLW2901 (the same, as it may be)
        role = names.role_of(name)
        if name not in asked and roles.is_day(name):
            return {"start": name, **roles.DAY}
        if name in asked or role is None:
            continue
        if role == roles.CLIENT:
            return {"client": name, "client_required": True}
        if role == roles.TOPIC and "prefix" in roles.snake(name):
            own = {"client_required": True} if roles.is_of_publishers(name) else {}
            return {"topic": name, "topic_form": "path prefix", "topic_required": True, **own}
        if role == roles.TOPIC:  # whether it takes filters, and of what, is to be found out
            return {"topic": name, "topic_form": None, "topic_required": True, "fixed": {**known.fixed, name: "#"}}
        if role == roles.ACCOUNT:
            return {"account": name}
        if role in (roles.START, roles.END):
            form = Parameter(name, {"type": "string"}, "", True).time_form()  # of end_ms, say
            return {role: name, **({"time_form": form} if form else {})}
        if role == roles.LIMIT:
            return {role: name}
    return {}


def _without(known: History, name: str) -> dict[str, Any]:
    """Leave out a parameter that the portal does not know."""
    if name in known.fixed:
        return {"fixed": {key: value for key, value in known.fixed.items() if key != name}}
    parameters = ("start", "end", "client", "topic", "account", "limit", "cursor", "page", "offset")
    return {role: None for role in parameters if getattr(known, role) == name}  # none, if it is already another
