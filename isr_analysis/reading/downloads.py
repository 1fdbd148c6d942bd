"""Answers that lie elsewhere: a portal that names files, such as those of an object store, in the place of messages."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from isr_analysis import answers
from isr_analysis.answers import Paging
from isr_analysis.answers.shape import PAYLOAD, PLAIN, PUBLISHED, TOPIC, pick, plain, time_rank
from isr_analysis.errors import (
    AddOnMissingError,
    HistoryIncompleteError,
    PortalUnavailableError,
    QuestionRefusedError,
    TokenRefusedError,
)
from isr_analysis.portal import paging
from isr_analysis.portal.wire import Answer, Waiting, Wire

_LARGEST = 1_000_000
"""Bytes of an answer, at most, that may name files; one with messages is not read twice."""

_ANY_ADDRESS = re.compile(rb'"(?:https?:)?\\?/')
_FILE = re.compile(
    r"(?:(?:pre)?signed|download|file|export|result|archive|object|output|data)*(?:url|uri|href|link)|location|path"
)
_FILES = {
    "files", "urls", "parts", "chunks", "downloads", "objects", "exports", "segments", "archives", "downloadurls",
    "fileurls", "signedurls", "presignedurls", "manifest",
}  # fmt: skip
_SIGNED = re.compile(r"[?&](?:[^=&]*[-_])?(?:sig|signature|hmac)=[^&]", re.IGNORECASE)
"""What the query of an address has that opens a file by itself."""


def fetched(
    wire: Wire, answer: Answer, path: str, again: Callable[[], Answer], *, wait: Waiting
) -> tuple[Answer, Paging]:
    """Give an answer, or what is in the files that it names, as a zip of them; and what it says of further files.

    An address may open its file for a few minutes alone: `again` gives the answer once more, with others.

    Raises
    ------
    HistoryIncompleteError
        A file is not there, though it was named just now.
    """
    value = _value(answer)
    one, several = _single(value), _listed(value)
    if one is not None:
        return next(_files(wire, [one], path, again, wait=wait)), Paging()
    if not several:
        return answer, Paging()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for i, found in enumerate(_files(wire, several, path, again, wait=wait)):
            target.writestr(f"{i:06d}", found.body)
    notes = {name: json.dumps(one).encode() for name, one in _scalars(value).items()}
    said = answers.read_paging(notes, len(several))
    said = Paging(said.cursor, said.cursor_name, said.url, said.has_more)  # its numbers are of files
    headers = {name: one for name, one in answer.headers.items() if name == "link"}
    return dataclasses.replace(answer, body=packed.getvalue(), headers=headers), said


def _files(
    wire: Wire, addresses: list[str], path: str, again: Callable[[], Answer], *, wait: Waiting
) -> Iterator[Answer]:
    """Give the files of some addresses, one by one; those that no longer open are asked for again."""
    count, had = 0, -1
    while count < len(addresses):
        try:
            found = file(wire, addresses[count], path, wait=wait)
        except (QuestionRefusedError, AddOnMissingError, PortalUnavailableError) as exc:
            value = _value(again()) if count > had else None
            one = _single(value)
            new = _listed(value) if one is None else [one]
            if len(new) != len(addresses):
                raise HistoryIncompleteError(
                    f"the portal names files in the place of messages, and one of them could not be had ({exc}): ask "
                    "again, or for a shorter range"
                ) from exc
            had, addresses = count, new
        else:
            count += 1
            yield found


def file(wire: Wire, address: str, base: str, *, wait: Waiting) -> Answer:
    """Give a file that the portal names: from where it says if that opens by itself, else from the portal's own host.

    The token goes to the portal alone, wherever the file is.
    """
    elsewhere = re.match(r"https?://", address) is not None
    if elsewhere and _SIGNED.search(address):
        return wire.get(address, bulk=True, wait=wait)
    try:
        return wire.get(paging.path_of(address, base), bulk=True, wait=wait)
    except (QuestionRefusedError, AddOnMissingError, TokenRefusedError):
        if not elsewhere:
            raise
        return wire.get(address, bulk=True, wait=wait)


def _value(answer: Answer) -> Any:
    if len(answer.body) <= _LARGEST and _ANY_ADDRESS.search(answer.body):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(answer.body)
    return None


def _scalars(value: Any) -> dict[str, Any]:
    known = value.items() if isinstance(value, Mapping) else ()
    return {name: one for name, one in known if not isinstance(one, list | dict)}


def _address(row: Mapping[str, Any]) -> str | None:
    """Give the address of a file among the members of an object that is no message."""
    if pick(row, (*PAYLOAD, *TOPIC)) or any(time_rank(name) in (PUBLISHED, PLAIN) for name in row):
        return None
    found = (one for name, one in row.items() if _FILE.fullmatch(plain(name)) and isinstance(one, str))
    return next((one for one in found if re.match(r"https?://|/", one)), None)


def _single(value: Any) -> str | None:
    """Give the address of the one file of which an object speaks, and of nothing else."""
    if not isinstance(value, Mapping) or any(isinstance(one, list) for one in value.values()):
        return None
    inner = [one for one in value.values() if isinstance(one, Mapping)]
    return _address(value) if not inner else _address(inner[0]) if len(inner) == 1 else None


def _listed(value: Any) -> list[str]:
    """Give the addresses of a list of files; none if it is a list of anything else."""
    lists = value.items() if isinstance(value, Mapping) else [("", value)]
    lists = [(name, one) for name, one in lists if isinstance(one, list) and one]
    if len(lists) != 1:
        inner = [one for one in value.values() if isinstance(one, Mapping)] if isinstance(value, Mapping) else []
        return _listed(inner[0]) if len(inner) == 1 and not lists else []
    (name, rows), *_ = lists
    found = [_address(one) if isinstance(one, Mapping) else _address({"url": one}) for one in rows]
    named = plain(name) in _FILES
    given = [one for one in found if one and (named or _SIGNED.search(one))]
    return given if len(given) == len(rows) else []
