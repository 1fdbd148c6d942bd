"""What a notebook gives away: tokens, passwords and account ids, plain, encoded or split up. Pure.

A notebook is looked at as the texts that it holds: sources, outputs, attachments, metadata and the state of widgets. Of
each text several views are made (unescaped, unquoted, decoded, string literals put together), views of views too, and
the same patterns are looked for in all of them. What was found is never repeated: only where and of what kind it is.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import unquote

import msgspec

from isr_analysis.errors import UsageError

TOKEN, PASSWORD, HEADER, ACCOUNT = "REST API token", "password", "Authorization header", "account id"

_DEPTH = 3
_LONG = 100_000
_START = 1_000
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_TOKEN = re.compile(r"isr_mqtt_(?:platform_)?rest_([A-Za-z0-9._~+/=-]+)")
_HEADER = re.compile(r"(?i)authorization[\"']?\s*[:=,\]]\s*f?[\"']?\s*(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]+)")
# What may be of any length is bounded: from each place where it could begin, a long word would be read to its end.
_NAMED = r"(?i)(?:password|passwd|passphrase|pwd)\w{0,64}[\"']?\]?\s*(?::|=>|=|,)\s*"
_PASSWORDS = [
    re.compile(_NAMED + r"[rbu]?([\"'])(?P<value>[^\"'\n]{4,}?)\1"),
    re.compile(_NAMED + r"(?P<bare>[^\s\"'<>{}()\[\],;$&|]{6,256})(?![\w.]*[(\[])"),
    re.compile(
        r"(?i)%(?:set_)?env\s+\w{0,64}(?:password|passwd|passphrase|pwd)\w{0,64}\s+(?P<bare>[^\s\"'<>{}()$]{6,256})"
    ),
    re.compile(r"\bcurl\b[^\n]{0,1024}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,256}:(?P<value>[^\s\"'<>{}$]{4,256})"),
    re.compile(r"username_pw_set\(\s*[^,)]{1,256},\s*(?:password\s*=\s*)?([\"'])(?P<value>[^\"'\n]{4,}?)\1"),
    re.compile(r"(?i)\bauth\s*=\s*\(\s*[^,)]{1,256},\s*([\"'])(?P<value>[^\"'\n]{4,}?)\1"),
    re.compile(r"(?i)\b(?:mqtts?|wss?|https?|amqps?|tcp|ssl)://[^\s/:@\"'<>{}]*:(?P<value>[^\s/@\"'<>{}$]{4,})@"),
    re.compile(r"mosquitto_(?:pub|sub|rr)\b[^\n]{0,1024}?\s(?:-P|--pw)[ =]?[\"']?(?P<value>[^\s\"'<>{}$]{4,})"),
]
_ACCOUNTS = [
    re.compile(r"(?<![\w-])(?<!kernels/)(?<!sessions/)(?<!terminals/)(?<!models/)(" + _UUID + r")/[\w+#-]", re.ASCII),
    re.compile(
        r"(?i)(?:account|tenant)[\w -]{0,12}[\"'\]]*[\s:=,>|]{1,8}f?[\"']?(" + _UUID + r"|[0-9a-f]{32})(?![\w-])"
    ),
]

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\"'/\\]))")
_JOINT = re.compile(r"(?<!\\)([\"'])(?:(?:\s|\\\n|\+|,|\.)+(?:\b[fbru])?[\"']|\1)")
_LINE_JOINT = re.compile(r"\\\n\s*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_WRAPPED = re.compile(r"(?<=[A-Za-z0-9+/_-]{16})\s*\\?n?\n\s*(?=[A-Za-z0-9+/_=-]{2})")
_HEX = re.compile(
    r"(?:[0-9a-fA-F]{2}){12,}|(?:[0-9a-fA-F]{2}[\s:,]){11,}[0-9a-fA-F]{2}|(?:0x[0-9a-fA-F]{2}[\s,]*){12,}"
)
_TELLING = re.compile(r"pass|pwd|account|tenant|authorization", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_NOT_HEX = re.compile(r"0x|[^0-9a-fA-F]")

_WORDS = frozenset(
    """a abc account admin also an and api as at auth b be bearer been bytes c can cannot change changed changeme char
    client d data default demo do dummy e empty enter env environ error example f fake field file for foo bar baz form
    format from generated get getpass given go goes has have here hidden id in input insert invalid is isr it its just
    key kept label left length like line list login long made make masked me missing mqtt must my n name never new no
    none not null of old on once one only optional or os own p pass password passwords passwd paste placeholder
    platform plain please portal prefix prompt put pw pwd random read real redacted refused removed replace required
    rest rotated s sample secret secrets see self set settings show shown some stars str string stored string text test
    that the this to token tokens type u undefined unset unused up url use used user username v value variable was
    when where which widget will with word wrong x y yes you your yours z true false on off""".split()  # noqa: SIM905 (a list literal of them fills pages)
)
_NOTHING_TO_HIDE = re.compile(
    r"(.)\1*|\d{1,4}|0?1?2345\d*|[a-z]?abc(d(e(f(g(h(i)?)?)?)?)?)?(\d{1,3})?|deadbeef|cafe|[x*.…•]+\w{0,4}",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[^A-Za-z0-9*•…]+|(?<=[a-z])(?=[A-Z])")
_EXAMPLE_IDS = {"123e4567-e89b-12d3-a456-426614174000", "550e8400-e29b-41d4-a716-446655440000",
                "12345678-1234-1234-1234-123456789abc", "12345678-1234-5678-1234-567812345678"}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Disclosure:
    """One thing that a notebook gives away; the thing itself is not kept.

    Parameters
    ----------
    cell : int
        The cell, counted from 1; 0 is the notebook as a whole.
    part : str
        ``"source"``, ``"output"``, ``"attachment"``, ``"metadata"`` or ``"widget state"``.
    kind : str
        ``"REST API token"``, ``"password"``, ``"Authorization header"`` or ``"account id"``.
    """

    cell: int
    part: str
    kind: str

    def __str__(self) -> str:
        where = f"cell {self.cell}, {self.part}" if self.cell else self.part
        return f"{where}: {self.kind}"


def disclosures(notebook: dict[str, Any]) -> list[Disclosure]:
    r"""Find what a notebook gives away.

    Parameters
    ----------
    notebook : dict
        A notebook as it stands in its file, of format 3 or 4.

    Returns
    -------
    list of Disclosure
        Each place and kind once, in order; empty for a clean notebook. Words that only stand for a secret, such as
        ``isr_mqtt_rest_<from-settings>`` or ``"your-password"``, are none.

    Examples
    --------
    >>> from isr_analysis.disclosure import disclosures
    >>> cell = {"cell_type": "code", "source": ["token = 'isr_mqtt_rest_' + \n", "    '9fKq27LxPd04'"], "outputs": []}
    >>> [str(one) for one in disclosures({"cells": [cell], "metadata": {}})]
    ['cell 1, source: REST API token']
    """
    found: set[Disclosure] = set()
    for cell, part, value in _parts(notebook):
        kinds = {kind for text in _texts(value) for kind in kinds_in(text)}
        if part == "widget state" and _has_typed_password(value):
            kinds.add(PASSWORD)
        if TOKEN in kinds:
            kinds.discard(HEADER)  # the header that carries it is the same finding
        found |= {Disclosure(cell, part, kind) for kind in kinds}
    return sorted(found)


class _Form(TypedDict, total=False):
    """What is relied on of a notebook: of format 4 the cells, of format 3 the worksheets."""

    cells: list[dict[str, Any]]
    worksheets: list[_Form]
    metadata: dict[str, Any]


def read(text: str) -> dict[str, Any]:
    """Read a notebook's file.

    Raises
    ------
    UsageError
        It is no notebook.
    """
    try:
        notebook: dict[str, Any] = json.loads(text)
        msgspec.convert(notebook, _Form)
    except (ValueError, RecursionError) as exc:  # msgspec's own among them
        raise UsageError(f"it is not a notebook: {exc}") from exc
    if not {"cells", "worksheets"} & notebook.keys():
        raise UsageError("it is not a notebook: it has no cells")
    return notebook


def _parts(notebook: dict[str, Any]) -> Iterator[tuple[int, str, Any]]:
    """Take a notebook apart: number of the cell, name of the part, and what it holds."""
    sheets = [notebook, *notebook.get("worksheets", ())]
    for number, cell in enumerate((cell for sheet in sheets for cell in sheet.get("cells", ())), 1):
        for key, value in cell.items():
            part = {"source": "source", "input": "source", "outputs": "output", "attachments": "attachment"}.get(key)
            yield number, part or "metadata", value if part else {key: value}
    metadata = dict(notebook.get("metadata", {}))
    widgets = metadata.pop("widgets", None)
    beside = {key: value for key, value in notebook.items() if key not in ("cells", "worksheets", "metadata")}
    yield 0, "metadata", [metadata, beside, *({**sheet, "cells": None} for sheet in sheets[1:])]
    yield 0, "widget state", widgets


def _texts(value: Any, key: str = "") -> Iterator[str]:
    """Give the texts of a value: each string, with the name it goes by, and lists of strings put together."""
    if isinstance(value, str):
        yield f"{key}: {json.dumps(value, ensure_ascii=False)}" if _TELLING.search(key) and "\n" not in value else value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _texts(one, str(name))
    elif isinstance(value, list):
        if value and all(isinstance(one, str) for one in value):
            yield "".join(value)
            if not all(one.endswith("\n") for one in value[:-1]):
                yield "\n".join(value)
        else:
            for one in value:
                yield from _texts(one, key)


def _has_typed_password(state: Any) -> bool:
    """Tell whether a password field was saved with what was typed into it."""
    if isinstance(state, dict):
        if state.get("_model_name") == "PasswordModel" and str(state.get("value") or ""):
            return True
        return any(_has_typed_password(one) for one in state.values())
    return isinstance(state, list) and any(_has_typed_password(one) for one in state)


def kinds_in(text: str) -> set[str]:
    """Tell which kinds of secret a text holds, plain or encoded."""
    found: set[str] = set()
    seen: set[str] = set()
    views = [_without_plotly(text)]
    for _ in range(_DEPTH + 1):
        fresh = [view for view in dict.fromkeys(views) if view not in seen]
        seen.update(fresh)
        for view in fresh:
            found |= set(_plain(view))
        views = [one for view in fresh if not _is_binary(view) for one in _views(view)]
    return found


def _is_binary(text: str) -> bool:
    """Tell whether a view is a picture or a row of numbers, decoded: it has nothing in it that is encoded once more."""
    start = text[:_START]
    return len(start) == _START and 10 * len(_CONTROL.findall(start)) > _START


def _without_plotly(text: str) -> str:
    """Leave out plotly's script, letter for letter as it is installed: 4.8 MB whose views would take a minute."""
    if "plotly.js v" not in text:
        return text
    from plotly.offline import get_plotlyjs

    return text.replace(get_plotlyjs(), "")


def _plain(text: str) -> Iterator[str]:
    if any(_is_secret(match[1]) for match in _TOKEN.finditer(text)):
        yield TOKEN
    if any(_is_secret(match[1]) for match in _HEADER.finditer(text)):
        yield HEADER
    if any(_is_password(match) for pattern in _PASSWORDS for match in pattern.finditer(text)):
        yield PASSWORD
    if any(_is_account(match[1]) for pattern in _ACCOUNTS for match in pattern.finditer(text)):
        yield ACCOUNT


def without_tokens(text: str) -> str:
    """Give a text with an ellipsis in the place of each REST API token."""
    return _TOKEN.sub(lambda match: "…" if _is_secret(match[1]) else match[0], text)


def _is_password(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    if bare := groups.get("bare"):
        # Without quotes it may as well be code or prose: a password has digits, and is no name of something.
        mixed = re.search(r"\d", bare) and re.search(r"[A-Za-z]", bare)
        return bool(mixed) and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\.?", bare) and _is_secret(bare)
    value = groups["value"]
    return not re.search(r"[<>{}$]|\s{2}|\*\*|…", value) and " " not in value.strip() and _is_secret(value)


def _is_secret(value: str) -> bool:
    """Tell a secret from words that stand for one."""
    value = value.rstrip(".")
    if len(value) < 4:  # noqa: PLR2004 (nobody's secret is so short)
        return False
    parts = [part for part in _PARTS.split(value) if part]
    return not all(part.lower() in _WORDS or _NOTHING_TO_HIDE.fullmatch(part) for part in parts)


def _is_account(value: str) -> bool:
    known = value.lower()
    return known not in _EXAMPLE_IDS and len(set(known.replace("-", ""))) > 3  # noqa: PLR2004 (00000000-…, aaaa…)


def _views(text: str) -> Iterator[str]:
    """Give what a text may stand for."""
    yield html.unescape(text)
    yield unquote(text)
    yield _ESCAPE.sub(_unescaped, text)
    yield _JOINT.sub("", _LINE_JOINT.sub("", text))
    joined = _WRAPPED.sub("", text)
    for match in _BASE64.finditer(joined):
        if not match[0].isdigit():  # of a number, such as a reading's: no text is digits alone in base64
            yield from _from_base64(match[0])
    for match in _HEX.finditer(text):
        digits = _NOT_HEX.sub("", match[0])
        yield bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")


def _unescaped(match: re.Match[str]) -> str:
    four, two, eight, octal, itself = match.groups()
    if itself is not None:
        return itself
    code = int(octal, 8) if octal is not None else int(four or two or eight, 16)
    return chr(code) if code <= 0x10FFFF else match[0]  # noqa: PLR2004 (the last code point)


def _from_base64(run: str) -> Iterator[str]:
    """Decode a run of base64, of either alphabet; what stands before it may look like a part of it."""
    clean = run.rstrip("=").replace("-", "+").replace("_", "/")
    for skipped in range(4 if len(clean) < _LONG else 1):
        part = clean[skipped:]
        part = part[:-1] if len(part) % 4 == 1 else part
        yield base64.b64decode(part + "=" * (-len(part) % 4)).decode("latin-1")
