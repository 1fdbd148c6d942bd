"""The portal's own words in an error body, on one line."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
from typing import Any

from isr_analysis.answers import unpack
from isr_analysis.answers.shape import plain
from isr_analysis.errors import AnswerError

LONGEST = 300

HTML = "(a page of HTML)"
"""What stands before the words of a page that was written for a browser."""

_KEYS = (
    "detail", "message", "errordescription", "description", "error", "title", "errors", "reason", "msg", "issues",
    "details", "violations", "fielderrors", "fieldviolations", "invalidparams", "validation", "validationerrors",
    "suberrors", "embedded", "errormessage", "errormessages", "errormsg", "messagedetail", "faultstring", "debuginfo",
    "innererrors", "invalidfields", "problems", "validations", "causes", "messages",
)  # fmt: skip
"""Members that say what is wrong, spelled as by `plain`; what is said by the later ones stands first."""

_ELSE = ("statusmessage", "summary", "cause", "fault")
"""Those that do so where none of these is there."""

_BESIDE = ("extra", "data")
"""Where the failed checks may stand as well, and other things."""

_BY_NAME = ("parameter", "parameters", "fields", "modelstate")
"""The same, where each stands under the name of its parameter."""

_OF_AGE = re.compile(
    r"retention|retain|oldest|earliest|max_?age|look_?back|too_?old|(?:available|kept|stored)_?(?:from|since)|expired"
    r"|archived|purged",
    re.IGNORECASE,
)
"""What stands beside the words, in a code or a name, where something was too old."""

_NAMES = ("field", "param", "parameter", "property")
"""Where a failed check names the parameter."""

_PLACES = (*_NAMES, "loc", "path", "propertypath", "pointer", "location", "instancepath", "key", "name", "context")
"""The same, in an entry of a list of checks."""

_TEXTS = ("msg", "message", "defaultmessage", "detail", "reason", "description", "errordescription", "title")
"""Where a failed check says what is wrong."""

_NAME = b"isr_mqtt_"
_CODED = "|".join(base64.b64encode(b"\0" * i + _NAME).decode()[(0, 2, 3)[i] : -4 if i else None] for i in range(3))
_TOKEN = re.compile(rf"isr_mqtt_(?:platform_)?rest_[A-Za-z0-9._~+/=%-]*|[A-Za-z0-9+/_-]*(?:{_CODED})[A-Za-z0-9+/_=-]*")
"""A token, plain or in base64 (at each of three places in a group): some portals repeat what they were sent."""

# None reaches beyond the next of its kind, or a long page of tags that nobody closes would take a minute.
_TITLE = re.compile(r"(?is)<(?:title|h1)\b[^<>]*>((?:(?!<(?:title|h1)\b).)*?)</(?:title|h1)>")
_OF_HTML = re.compile(r"(?i)<(?:!doctype html|html|head|body|title|h\d|p|div|script)\b")
_PARAGRAPH = re.compile(r"(?is)<p\b[^<>]*>((?:(?!</?p\b).)*)")
_NO_TEXT = re.compile(r"(?is)<(script|style)\b(?:(?!<\1\b).)*?</\1>|<[^<>]+>")


def error_words(body: bytes, content_type: str | None = None, *, longest: int | None = LONGEST) -> str:
    """Say what an error body says.

    Parameters
    ----------
    body : bytes
        JSON with ``detail`` (text or a list), problem+json, plain text, a page of HTML, or nothing.
    content_type : str, optional
        What the portal says that it is; the body itself is believed first.
    longest : int or None
        The characters after which it is cut; None for all.

    Returns
    -------
    str
        What is said, on one line; empty if it says nothing. A token in it is masked.
    """
    with contextlib.suppress(AnswerError):
        body = b"\n".join(unpack.texts(body, content_type))
    text = body[:100_000].decode("utf-8", "replace").strip()
    if text.startswith("<") and not (_OF_HTML.search(text, 0, 2000) or "html" in (content_type or "")):  # XML
        text = html.unescape(_NO_TEXT.sub(" ", text))
    elif text and (text.startswith("<") or (content_type or "").startswith("text/html")):
        title = _TITLE.search(text)
        shown = _NO_TEXT.sub(" ", "; ".join([title[1], *_PARAGRAPH.findall(text)]) if title else text)
        text = f"{HTML} {html.unescape(shown)}"
    else:
        with contextlib.suppress(ValueError, RecursionError):
            text = _say(json.loads(text))
    line = _TOKEN.sub("(a token)", " ".join(text.split()))
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def _say(given: Any) -> str:
    value = _spelled(given)
    if isinstance(value, dict):
        text = value.get("msg", value.get("message"))
        if isinstance(value.get("loc", value.get("path")), list) and isinstance(text, str):
            return _check(value) or text  # of no parameter alone, but of all of them together
        inner = _spelled(value.get("details"))
        where = [value, inner] if isinstance(inner, dict) else [value]
        named = next((one[key] for one in where for key in _NAMES if isinstance(one.get(key), str)), None)
        if named and isinstance(text, str) and named not in text:
            return f"{named}: {text}"
        said = [_say(value[key]) for key in _KEYS if value.get(key) and not _is_place(value[key])]
        said += [_say(value[key]) for key in _BESIDE if _are_checks(value.get(key))]
        said += [_of_names(value[key]) for key in _BY_NAME if _is_by_name(value.get(key), texts=key == "fields")]
        if _is_by_name(given) and not said:
            return _of_names(given)
        said = said or [_say(value[key]) for key in _ELSE if value.get(key)]
        # problem+json has a title and a detail; other bodies say the same twice.
        line = ": ".join(dict.fromkeys(reversed(said)))
        beside = [f"{name}: {one}" for name, one in given.items() if _is_of_age(name, one)]
        return f"{line} ({', '.join(beside)})" if beside and line else line or json.dumps(given, ensure_ascii=False)
    if isinstance(value, list):
        return "; ".join(_check(one) or _say(one) for one in value)
    if isinstance(value, str) and value.lstrip()[:2] in ("[{", "[\n", '{"'):  # JSON within JSON, as newer Zod has it
        with contextlib.suppress(ValueError, RecursionError):
            return _say(json.loads(value))
    return value if isinstance(value, str) else json.dumps(value)


def _spelled(value: Any) -> Any:
    """Give an object with its members in one spelling, the first of a spelling; anything else as it is."""
    return {plain(name): one for name, one in reversed(value.items())} if isinstance(value, dict) else value


def _check(given: Any) -> str:
    """Say what an entry of a list of failed checks says of which parameter; "" if it names none."""
    entry = _spelled(given)
    if not isinstance(entry, dict):
        return ""
    text = next((entry[key] for key in _TEXTS if isinstance(entry.get(key), str)), "")
    inner: dict[str, Any] = next((entry[key] for key in ("source", "params") if isinstance(entry.get(key), dict)), {})
    found = next((one for key in _PLACES if isinstance(one := entry.get(key), str | list) and one), None)
    found = found or next((one for one in inner.values() if isinstance(one, str)), "")
    place = found if isinstance(found, str) else ".".join(map(str, found))
    place = re.sub(r"^[#/]+", "", place).replace("/", ".").strip("_")
    if not text or not place:
        return ""
    return text if re.search(rf"\b{re.escape(place)}\b", text) else f"{place}: {text}"


def _is_place(value: Any) -> bool:
    """Tell whether it only repeats where what is wrong stands, as Hapi has it beside the words."""
    return isinstance(value, dict) and value.keys() <= {"source", "keys"}


def _are_checks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_check(one) for one in value)


def _is_by_name(value: Any, *, texts: bool = False) -> bool:
    """Tell whether an object has the failed checks of each parameter under its name, of each place of parameters.

    A text is one only with `texts`: it may also repeat what was sent.
    """
    if not isinstance(value, dict) or not value:
        return False
    kinds = list | str if texts else list
    return all(isinstance(one, kinds) or _is_check(one) or _is_by_name(one) for one in value.values())


def _of_names(checks: dict[str, Any]) -> str:
    """Say what the failed checks of each parameter are."""
    return "; ".join(_of_name(name, one) for name, one in checks.items())


def _of_name(name: str, checks: Any) -> str:
    if isinstance(checks, dict) and not _is_check(checks):
        return _say(checks)
    keys = checks.get("keys") if isinstance(checks, dict) else None
    name = ", ".join(map(str, keys)) if isinstance(keys, list) and keys else name
    return f"{name}: {', '.join(map(_say, checks if isinstance(checks, list) else [checks]))}"


def _is_of_age(name: str, value: Any) -> bool:
    """Tell whether a member says that something is too old, or from when on it is not."""
    if plain(name) in _KEYS or not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    return _OF_AGE.search(f"{name} {value}") is not None


def _is_check(value: Any) -> bool:
    """Tell whether a value is an object that says what is wrong with the parameter under whose name it stands."""
    return isinstance(value, dict) and isinstance(value.get("message", value.get("msg")), str)
