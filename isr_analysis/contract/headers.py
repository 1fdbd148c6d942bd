"""Headers that a portal wants beside the token, such as ``X-Tenant``: which may be set, and how. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from isr_analysis.errors import CONTRACT_FILE, UsageError

_NOT_IN_A_FILE = re.compile(
    r"auth|cookie|token|secret|passw|credential|api-?key|^x-isr-account-id$"
    r"|^(?:host|connection|content-length|transfer-encoding|accept-encoding)$",
    re.IGNORECASE,
)
"""Headers that are secrets, or that are set by what sends them."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+: (?:[!-~](?:[ -~]*[!-~])?)?")
_NAMED = re.compile(r"\bX-(?!ISR-)[A-Za-z][A-Za-z0-9-]*\b", re.IGNORECASE)
_OF_ONE = re.compile(
    r"\b(?:missing|required?|lacks?|needs?)\b[^.;]{0,40}\bheader|\bheader\b[^.;]{0,60}\b(?:missing|required)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"^(?:accept|content-type)$", re.IGNORECASE)
"""Headers that documents describe in another place."""

_OF_ACCOUNT = re.compile(r"^(?:x-)?(?:isr-)?(?:account|tenant)-?(?:id|uuid)$", re.IGNORECASE)
"""Headers that take the account's id."""


def checked(given: Mapping[str, str], path: Path) -> Mapping[str, str]:
    """Refuse headers of a file that are not to be said there, or that are none."""
    for name, value in given.items():
        if _NOT_IN_A_FILE.search(name):
            raise UsageError(
                f"{path}: headers.{name} cannot be set: the token goes out by itself (`isr login`, ISR_TOKEN), the "
                "account by ISR_ACCOUNT_ID, and no other secret belongs into this file"
            )
        if not _HEADER.fullmatch(f"{name}: {value}"):
            raise UsageError(
                f"{path}: headers.{name} = {value!r} is no header; its name and value are plain ASCII text"
            )
    return given


def wanted(parameters: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give the headers that parameters of a document are, with their value if it leaves no choice, else ""."""
    found: dict[str, str] = {}
    for one in parameters:
        name, schema = one.get("name"), one.get("schema", one)
        if one.get("in") != "header" or one.get("required") is not True or not isinstance(name, str):
            continue
        set_elsewhere = _NOT_IN_A_FILE.search(name) and not _OF_ACCOUNT.search(name)
        if not isinstance(schema, dict) or set_elsewhere or _ELSEWHERE.search(name):
            continue
        only = schema.get("enum")
        value = schema.get("default", only[0] if isinstance(only, list) and len(only) == 1 else "")
        found[name] = value if isinstance(value, str) and _HEADER.fullmatch(f"{name}: {value}") else ""
    return found


def filled(given: Mapping[str, str], account_id: str | None) -> Mapping[str, str]:
    """Give headers with the account's id, if it is known, for those that take it and have no value."""
    own = {name: account_id for name, value in given.items() if account_id and not value and _OF_ACCOUNT.search(name)}
    return {**given, **own}


def remedy(status: int, words: str, lacking: Sequence[str]) -> str:
    """Say how a header is sent, where the portal's document wants those that are `lacking`, or its words speak of one.

    Else give "".
    """
    if status == HTTPStatus.NOT_FOUND and not lacking:  # what is not there may be called like a header
        return ""
    found = _NAMED.search(words)
    named = list(lacking) or ([found[0]] if found else ["Accept"] if status == HTTPStatus.NOT_ACCEPTABLE else [])
    if not named and not _OF_ONE.search(words):
        return ""
    wants = f"its document wants the header {', '.join(named)}" if lacking else "a header that it wants is sent"
    if named and _OF_ACCOUNT.search(named[0]):
        return f"; {wants}: set ISR_ACCOUNT_ID to the account's id"
    return f'; {wants}: say {named[0] if named else "X-Tenant"} = "…" under [headers] of {CONTRACT_FILE}'
