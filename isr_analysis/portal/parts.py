"""What one answer of a list holds: its rows, what tells them from others, and what it says of the pages after it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pyarrow as pa

from isr_analysis import answers, messages
from isr_analysis.answers import Page, Paging
from isr_analysis.answers.shape import BESIDE, CLIENT, ROWS, SURE_CLIENT, TOPIC, pick, plain
from isr_analysis.errors import AnswerError

if TYPE_CHECKING:
    from isr_analysis.portal.wire import Answer

Read = TypeVar("Read")

ALL = 2**62
"""More rows than any total that a portal states."""

_CALLED = {
    *SURE_CLIENT, "id", "uuid", "username", "userid", "memberid", "inviteid", "invitationid", "email", "emailaddress",
}  # fmt: skip
"""What a client, a member or an invite may be called by."""


@dataclass(frozen=True, slots=True)
class Part(Generic[Read]):
    """What one answer holds.

    Parameters
    ----------
    found : list of dict or Page
        The rows, or the last messages.
    said : Paging
        What it says of others.
    rows : int
        How many rows it has; `ALL` where it is no list, as that is all there is.
    keys : sequence of str
        What tells each of `found` from others, whatever else changes in it.
    clients : sequence of str
        Of last messages, whose each of `found` is.
    places : sequence of str
        What tells the rows of last messages from others: those of publishers that never published are no messages.
    """

    found: Read
    said: Paging
    rows: int = 0
    keys: Sequence[str] = ()
    clients: Sequence[str] = ()
    places: Sequence[str] = ()


def of_rows(answer: Answer) -> Part[list[dict[str, Any]]]:
    """Read a list of objects."""
    if answer.status == HTTPStatus.NO_CONTENT:
        return Part([], Paging())
    found = answers.read_rows(answer.body, content_type=answer.content_type)
    return Part(found, _said(answer.body, len(found)), len(found), list(map(_key, found)))


def picked_rows(found: list[dict[str, Any]], which: list[bool]) -> list[dict[str, Any]]:
    """Give some of the rows."""
    return list(itertools.compress(found, which))


def of_messages(answer: Answer, account_id: str | None, fields: answers.Fields) -> Part[Page]:
    """Read the last messages of the publishers."""
    if answer.status == HTTPStatus.NO_CONTENT:
        return Part(Page(), Paging())
    kind = answer.content_type
    page = answers.read_live(
        answer.body, content_type=kind, account_id=account_id, fields=fields, answered_at=answer.answered_at
    )
    clients = page.messages["client_id"].to_pylist()
    try:
        rows = answers.read_rows(answer.body, content_type=kind)
    except AnswerError:  # an object for one publisher, or of another form
        return Part(page, page.paging, ALL, _messages(page), clients)
    return Part(page, page.paging, len(rows), _messages(page), clients, _places(rows))


def picked_messages(found: Page, which: list[bool]) -> Page:
    """Give some of the last messages."""
    return dataclasses.replace(found, messages=found.messages.filter(pa.array(which, pa.bool_())))


def _key(row: Mapping[str, Any]) -> str:
    """Tell a row from others by what it is called, or what is in it, as all else may change; else by all of it."""
    for parts in ([row], [one for one in row.values() if isinstance(one, Mapping)]):
        called = [one for part in parts for name, one in part.items() if plain(name) in _CALLED]
        if who := sorted(str(one) for one in called if isinstance(one, str | int) and one != ""):
            return json.dumps(who)
    return json.dumps(row, sort_keys=True, default=str)


def _places(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Tell rows of a live answer from others by the client and topic that they name; not those that name neither."""
    named = ([_named(row, (*CLIENT, "id")), _named(row, TOPIC)] for row in rows)
    return [json.dumps(["row", *one], default=str) for one in named if one != [None, None]]


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Give what a row, or else an object in it, such as its last message, has under one of some names."""
    found = ((one, pick(one, names)) for one in (row, *row.values()) if isinstance(one, Mapping))
    return next((one[name] for one, name in found if name is not None), None)


def _messages(page: Page) -> list[str]:
    """Tell messages from others by their clients and topics, and by the channels that have one topic."""
    found = messages.rows(page.messages, "client_id", "topic", "payload")
    return [json.dumps(["message", client, topic, _channel(payload)]) for client, topic, payload in found]


def _channel(payload: bytes) -> list[Any]:
    """Give what says of which channel a payload is; nothing of one that is no Station Controller's."""
    try:
        read = json.loads(payload)
    except (ValueError, RecursionError):
        return []
    return [read.get(name) for name in messages.IDENTITY] if isinstance(read, dict) else []


def _said(body: bytes, rows: int) -> Paging:
    """Read what a list's envelope says, beside so many rows, of the pages after it."""
    try:
        values = [json.loads(body)]
    except (ValueError, RecursionError):
        values = [json.loads(one) for one in answers.lines_beside(body)]
    return answers.read_paging({name: one for value in values for name, one in _notes(value)}, rows)


def _notes(value: Any, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    if not isinstance(value, Mapping) or prefix.count(".") > 3:  # noqa: PLR2004 (data.links.next.href)
        return
    if len(value) > 1 and all(
        isinstance(one, Mapping) and plain(n) not in (*BESIDE, *ROWS) for n, one in value.items()
    ):
        return  # publishers by their ids: what each says of itself
    for name, one in value.items():
        if isinstance(one, Mapping):
            yield from _notes(one, f"{prefix}{name}.")
        elif not isinstance(one, list) or plain(name) in ("warnings", "notices"):
            yield prefix + name, json.dumps(one).encode()
