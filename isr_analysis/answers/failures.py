"""The failure that an answer states where its rows should be, in whatever words. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus

from isr_analysis.answers import columns, raw
from isr_analysis.answers.shape import BESIDE, CLIENT, ROWS, leaf, pick, plain
from isr_analysis.answers.words import error_words
from isr_analysis.errors import CONTRACT_FILE, AnswerError

FAILED = ("error", "errors", "exception", "fault")
NOT_WHOLE = "says that it is not whole"
ELSEWHERE = (
    "the page of a login, of a proxy on the way, or of another service. See that ISR_PORTAL_ORIGIN names the portal, "
    "and open it in a browser on this network"
)
"""What a page of HTML in the place of data is, and what to do: no contract file makes an answer of it."""

_BROKEN = re.compile(
    r"(?<!no )(?<!0 )(?:err(?:or)?s?\b|exception|fail|fault|abort|cancel|time[ds]?[ _-]?out|den(?:y|ied)|unavail"
    r"|unreach|interrupt|broken|kill|reject|\blost\b|incomplete|\bnot\b|n't\b)",
    re.IGNORECASE,
)
"""Words of a line that ends rows before their end."""

_PASSES = re.compile(r"states a failure|that states '|breaks off|is broken at byte")
NOTHING = (b"null", b"false", b'""', b"[]", b"{}", b"0")
NO_MESSAGE = rb"(?i)^\d|\bno \w|never|not (?:found|connected)|empty|none|offline|disconnect|inactive|disabled|paused"
"""What a publisher without a last message may say in place of a failure: a count, or why it has none."""

_DEEPEST = 8  # arrays and objects within one another that are described
_NOT_OK = {"error", "fail", "failed", "failure", "partial", "incomplete", "degraded", "timeout"}
_NOT_DONE = {
    *_NOT_OK, "aborted", "cancelled", "canceled", "denied", "exception", "forbidden", "rejected", "unavailable",
}  # fmt: skip
_NO = (b"false", b"0", b'"false"', b'"0"', b'"no"')
_STATES = ("status", "state", "result", "outcome")
_HEADS = {*BESIDE, "header", "head", "state", "status"}
"""Objects beside the rows in which the failure may stand."""

_CODES = ("code", "status", "statuscode", "httpstatus", "httpcode")
_STATED = (
    "message", "msg", "error", "detail", "title", "errors", "details", "description", "errormessage", "errormsg",
    "type", "success", "ok", "instance", "requestid", "traceid", "errorcode", "reason",
)  # fmt: skip
"""What an object says that is a failure and nothing else; the first of these in words."""

_SHORT = 10_000

_CODE = re.compile(r"(?:status|return|ret|result|response|res|err|error)?code|rc|ret|errno|status")
_BAD_CODE = re.compile(r"^e?err|error|fail|time_?out|unavailable|exception", re.IGNORECASE)
_SAID = re.compile(r"\w*(?:msg|message|reason|description)")
_OF_FAILURE = re.compile(
    r"(?:has|is)?(?:an)?(?:err|error|failure|exception|fault)s?(?:code|no|number|msg|message|text|description|details?"
    r"|reason)?|failed"
)
"""The names that speak of a failure, if they say anything but that there is none."""

_FINE = re.compile(r"ok(ay)?\b|success|done\b|none\b|no error|0*$|2\d\d$|$", re.IGNORECASE)
_THINGS = r"(?:data|messages?|records?|rows?|results?|entries|points?|telemetry|history)"
_NOTHING_THERE = re.compile(
    rf"\bno (?:\w+ )?{_THINGS}(?: {_THINGS})?(?:\W*$|[^\w\s-]|\s[-\u2013\u2014]\s|\W+(?:found|available|stored|recorded"
    r"|present|returned|received|published|exists?|match\w*|yet|here|was|were|is|are|ha[sd]|have|for|in|within|between"
    r"|since|from|on|at|to|of|after|before|during|until|that|which|with|under|by|and|or)\b)"
    rf"|\b{_THINGS} (?:(?:was|were|is|are) )?(?:not found|empty)",
    re.IGNORECASE,
)
"""Words that there is nothing: what follows them makes no other thing of it, such as a source of data."""

_WHY = re.compile(
    r"add-?ons?\b|access|permi(?:t|ssion)|\bscopes?\b|\bplans?\b|subscription|licen[cs]e|upgrade|enabled|disabled"
    r"|configured|\btoken|upstream|backend|reach|unavailable|timed?[ -]?out|exception|unable|overload|maintenance"
    r"|corrupt|\bfail(?:ed|ure|s)?\b(?!:)|\b(?:internal|server|stor(?:e|age)|database|query|read|i/?o) errors?\b"
    r"|(?:could|can) ?not\b(?! (?:be )?f(?:ou|i)nd| get )|\bcan['\u2019]?t\b|\bretry\b|again (?:later|soon|in)\b"
    r"|retention|retained|archived|purged|deleted|expired|too old|older than|no longer|\bkept\b"
    r"|\b(?:stor(?:e|age)|shard|node|database|server|service|system|cluster|broker)s?\b[^.;,]* down\b",
    re.IGNORECASE,
)
"""Words that give another reason for no rows than that nothing was published."""

_LACKING = re.compile(r"unavailable|unreachable|timed? ?out|failed|could not be|degraded", re.IGNORECASE)
_PARTS = (
    r"(?:(?:shard|node|partition|source|segment|part|chunk|block|store|file|object|backend|region|key|client|publisher"
    r"|device|station|topic|series|row|record|message|point|result|data|day|hour|window|range|id|is|has|any|num|number|of"
    r"|count|list)s?)*"
)
_LACK = (
    r"(?:failed|failures?|unavailable|unreachable|missing|skipped|unprocessed|unanswered|unread|omitted"
    r"|(?:partial)?(?:errors|exceptions))"
)
_LACKS = re.compile(rf"{_PARTS}{_LACK}{_PARTS}|(?:is)?degraded|partial(?:failure|error|exception)s?")
"""The names that speak of parts that are not there, such as of a store or of what was asked for, unless of none."""

_THINNED = re.compile(r"(?:is|was)?(?:(?:down|re)?sampled|thinned|decimated|aggregated)")
"""The names of flags that say that the rows are not all that was published."""

_NOTED = ("meta", "metadata", "info", "responsemetadata", "header", "head")
"""Objects beside the rows that speak of the answer itself."""

_WARNS = ("warning", "warnings", "notice", "notices")
_SAYS = ("message", "msg", "note", "notes", "info", "detail", "details", "comment", "hint")
"""Where words beside the rows stand that need not be a warning."""

_ANSWER = r"(?:results?|responses?|answers?|content|failures?|data)"
_IN_PART = re.compile(
    rf"(?<!no )(?<!not )\b(?:partial|incomplete) {_ANSWER}\b|\b{_ANSWER} (?:is|are) (?:partial|incomplete)\b"
    r"|\btimed[ -]?out\b|could not be (?:read|loaded|fetched|reached)"
    r"|\bsome\b.*\b(?:is|are|was|were) (?:missing|unavailable|unreachable)\b",
    re.IGNORECASE,
)
"""What words beside the rows say of rows that are not there."""

_COULD_NOT = re.compile(
    r"\b(?:could not|couldn't|cannot|can't|unable to|failed to) (?!(?:be )?f(?:i|ou)nd)\w+|\btime[ds]?[ -]?out\b"
    r"|\b(?:is|are|was|were|currently|temporarily) (?:un(?:available|reachable)|down|degraded|overloaded)\b",
    re.IGNORECASE,
)
"""What words where no rows are say of why there are none."""

_MAY = re.compile(r"\b(?:may|might|can)\b(?!'t)[^.;:!]*", re.IGNORECASE)
"""What is said only to be possible, as of the newest messages by a note that stands beside all answers."""

_DOUBTED = re.compile(r"missing|incomplete|partial|unavailable|delay|\blate|degraded|not (?:yet )?be", re.IGNORECASE)


def stated(fields: dict[str, bytes], *, rows: bool = True, counts: bool = True) -> str | None:
    """Give the failure that an envelope states; without `rows` beside it, all counts that may be the reason.

    A number of errors counts only with `counts`: what is of a client may have errors of its own.
    """
    counts = counts and (pick(fields, CLIENT) is None or not rows)
    for name, one in sorted(fields.items(), key=lambda member: plain(member[0]) not in FAILED):  # these say the most
        spelled = plain(name)
        if spelled in FAILED and one not in NOTHING and (counts or raw.kind(one) != "0"):
            return error_words(b'{"detail":' + one + b"}")
        if spelled in ("success", "ok") and one == b"false":
            return _words(fields)
        if spelled == "status" and pick(fields, CLIENT) is None and _text(one).lower() in _NOT_OK:
            said = {n: v for n, v in fields.items() if plain(n) in _SAYS}
            return f"status {_text(one)!r}" + (f": {_words(said)}" if said else "")
        if pick(fields, CLIENT) is None and _is_beside_rows(spelled, one, fields):
            return _words(fields)
    return None if rows or pick(fields, CLIENT) else _reason(fields)


def broken(fields: dict[str, bytes]) -> str | None:
    """Give the failure that a line of its own states behind rows, in any of its words."""
    if failure := stated(fields, rows=False):
        return failure
    speaks = (_text(one) if raw.kind(one) == '"' else name if one == b"true" else "" for name, one in fields.items())
    return _words(fields) if any(map(_BROKEN.search, speaks)) else None


def lacking(fields: dict[str, bytes], *, counts: bool = True, depth: int = 0) -> str | None:
    """Give what an envelope says of parts that are not in the answer: a part of a store that failed, a client.

    A number counts only with `counts`: beside publishers it is of those that are in that state, and a client has errors
    of its own.
    """
    counts = counts and pick(fields, CLIENT) is None
    for name, one in fields.items():
        spelled = plain(name)
        if spelled == "shards" and raw.kind(one) == "{" and raw.members(one).get("failed", b"0") not in NOTHING:
            return f"not all parts of a search were there: {_shown(one)}"
        if spelled in _WARNS and _LACKING.search(_MAY.sub("", one.decode("utf-8", "replace"))):
            return error_words(b'{"detail":' + one + b"}")
        if spelled in _SAYS and raw.kind(one) == '"' and counts and _IN_PART.search(_MAY.sub("", _text(one))):
            return error_words(b'{"detail":' + one + b"}")
        counted = raw.kind(one) == "0" and (not counts or spelled == "skipped")  # the rows of the pages before this one
        if _LACKS.fullmatch(spelled) and one not in NOTHING and not counted and not _FINE.match(_text(one) or "x"):
            return f"{name}: {_shown(one)}"
        if one == b"true" and _THINNED.fullmatch(spelled):
            return f"{name}: true"
        if not depth and spelled in _NOTED and raw.kind(one) == "{":
            found = lacking(raw.members(one), counts=counts, depth=1)
            if found:
                return found
    return None


def check_whole(fields: dict[str, bytes], *, counts: bool = True) -> None:
    """Refuse an envelope that says of parts that they are not in the answer, as of `lacking`.

    Raises
    ------
    AnswerError
        It does.
    """
    if said := lacking(fields, counts=counts):
        raise AnswerError(f"the answer {NOT_WHOLE}: {said}")


def check_others(others: dict[str, bytes], those: Collection[str]) -> None:
    """Refuse that of publishers, by name, `others` than `those` with a message state a failure.

    Raises
    ------
    AnswerError
        One states a failure that is no count, and not that it is away or never published.
    """
    for name, one in others.items():
        fields = raw.members(one) if raw.kind(one) == "{" and all(("/" in name) == ("/" in it) for it in those) else {}
        for field, said in fields.items():
            if plain(field) in FAILED and said not in NOTHING and not re.search(NO_MESSAGE, said):
                raise AnswerError(f"{name!r} has no message and states {field}: {_shown(said)}")


def remark(notes: dict[str, bytes]) -> str | None:
    """Give the words beside the rows by which some may be missing; None if there are none."""
    for name, one in notes.items():
        possible = _MAY.findall(one.decode("utf-8", "replace"))
        if leaf(name) in (*_WARNS, *_SAYS) and any(map(_DOUBTED.search, possible)):
            return error_words(b'{"detail":' + one + b"}")
    return None


def status_of(body: bytes) -> int | None:
    """Give HTTP's status of a failure, where a JSON object states it beside words, and holds nothing else."""
    fields = raw.fields(body.strip()) if len(body) < _SHORT and raw.is_json(body.strip()) else {}
    fields = {plain(name): one for name, one in fields.items() if one not in NOTHING or plain(name) in _CODES}
    inner = {plain(name): one for name, one in raw.fields(fields.get("error", b"")).items()}
    found = next((one for part in (fields, inner) for name in _CODES if _is_of_http(one := part.get(name, b""))), b"")
    is_alone = fields.keys() <= {*_CODES, *_STATED} and any(one in _STATED[:6] for one in fields)
    status = int(found.strip(b'"') or 0)
    return status if is_alone and status >= HTTPStatus.BAD_REQUEST else None


def of_change(body: bytes) -> str | None:
    """Give the failure that is stated where the status says that something was done: an object's, or a page of HTML."""
    text = body.strip()
    if text.startswith(b"<"):
        return error_words(text, "text/html")
    return stated(raw.members(text)) if raw.is_json(text) and raw.kind(text) == "{" else None


_NIL = "is the value null"


def remedy(said: str) -> str:
    """Say what to do about an answer that was not understood, by what is said of it."""
    if ELSEWHERE in said:
        return ""
    if NOT_WHOLE in said:
        return f". Try again later; or, if its rows are sound, name their place (rows) in {CONTRACT_FILE}"
    again = "Try again later, or ask the portal's support. " if _PASSES.search(said) else ""
    what = "that means no rows, name their place (rows)" if said.endswith(_NIL) else "it is sound, name the fields"
    return f". {again}If {what} in {CONTRACT_FILE}"


def describe(value: bytes, depth: int = 0) -> str:
    """Say what a JSON text is, in a few words."""
    what = raw.kind(value)
    if what in ("{", "[") and depth > _DEEPEST:
        return "…"
    if what == "{":
        fields = raw.members(value)
        if words := next((name for name in ("detail", *FAILED) if fields.get(name, b"null") not in NOTHING), None):
            return f"an object that states {words!r}: {error_words(value)}"
        if failure := stated(fields, rows=False):
            return f"an object that states a failure: {failure}"
        inside = next((name for name in fields if plain(name) in ROWS and raw.kind(fields[name]) in ("[", "n")), None)
        within = f"; {inside!r} is {describe(fields[inside], depth + 1)}" if inside else ""
        return f"an object with the fields {', '.join(list(fields)[:20]) or '(none)'}{within}"
    if what == "[":
        head = raw.first(value)
        return (
            "an empty array" if head is None else f"an array of which the first element is {describe(head, depth + 1)}"
        )
    names = {'"': "the text", "0": "the number", "t": "the value", "f": "the value", "n": "the value"}
    return f"{names.get(what, 'the text')} {value[:60].decode('utf-8', 'replace')}"


def _is_beside_rows(name: str, value: bytes, fields: dict[str, bytes]) -> bool:
    """Tell whether a member says, beside rows too, that a part of them could not be had: words, or a code of HTTP's."""
    if name in ("errormessage", "errormsg"):
        return raw.kind(value) == '"' and not _FINE.match(_text(value)) and not _says_nothing_is_there(fields)
    if not _is_of_http(value) or _says_nothing_is_there(fields):
        return False
    return name in ("status", "statuscode", "httpstatus", "httpcode") or (name == "code" and _says_more_than_ok(fields))


def _reason(fields: dict[str, bytes]) -> str | None:
    """Give what may be the reason why there are no rows: a code, a state, a flag, or what is called a failure."""
    for name, one in fields.items():
        spelled = plain(name)
        no = spelled in ("success", "ok") and one in _NO
        if no or (spelled in _STATES and _text(one).lower() in _NOT_DONE):
            return _words(fields)
        bad = _BAD_CODE.search(_text(one)) or (_is_bad(one) and (_is_of_http(one) or _says_more_than_ok(fields)))
        failed = one not in NOTHING and not _FINE.match(_text(one) or one.decode())
        if (_CODE.fullmatch(spelled) and bad) or (_OF_FAILURE.fullmatch(spelled) and failed):
            return None if _says_nothing_is_there(fields) else _words(fields)
        if raw.kind(one) == "{" and spelled in _HEADS and (found := stated(raw.members(one), rows=False)):
            return found
    words = [_text(one) for name, one in fields.items() if plain(name) in _SAYS or _SAID.fullmatch(plain(name))]
    is_failure = any(_COULD_NOT.search(_MAY.sub("", one)) for one in words)
    return _words(fields) if is_failure and not _says_nothing_is_there(fields) else None


def _words(fields: dict[str, bytes]) -> str:
    return error_words(columns.join({n: v for n, v in fields.items() if raw.kind(v) not in ("{", "[")}))


def _shown(value: bytes) -> str:
    return value[:200].decode("utf-8", "replace")


def _text(value: bytes) -> str:
    return raw.text(value) if raw.kind(value) == '"' else ""


def _is_bad(code: bytes) -> bool:
    """Tell whether a number, or the text of one, is a failure's: neither 0 nor one of HTTP's good ones."""
    return re.fullmatch(rb'"?-?0*[1-9][0-9]*"?', code) is not None and not re.fullmatch(rb'"?2[0-9]{2}"?', code)


def _is_of_http(code: bytes) -> bool:
    """Tell whether it is one of HTTP's that is a failure's, or that of an answer in part."""
    return re.fullmatch(rb'"?(?:[45][0-9]{2}|20[67])"?', code) is not None


def _said(fields: dict[str, bytes]) -> list[str]:
    return [_text(one) for name, one in fields.items() if _SAID.fullmatch(plain(name)) and raw.kind(one) == '"']


def _says_more_than_ok(fields: dict[str, bytes]) -> bool:
    """Tell whether words stand beside a code, and are not those of success."""
    return any(not _FINE.match(one) for one in _said(fields))


def _says_nothing_is_there(fields: dict[str, bytes]) -> bool:
    """Tell whether it is said that there is nothing, which is no failure."""
    return any(map(says_nothing_is_there, _said(fields)))


def says_nothing_is_there(words: str) -> bool:
    """Tell whether words say that there are no messages, and give no other reason for it than that none was published.

    >>> [says_nothing_is_there(f"No data {one}") for one in ("for this range", "source configured", "(store is down)")]
    [True, False, False]
    """
    return _NOTHING_THERE.search(words) is not None and not gives_a_reason(words)


def gives_a_reason(words: str) -> bool:
    """Tell whether words say of what was not found why it was not, and not only that it is not there."""
    return _WHY.search(words) is not None
