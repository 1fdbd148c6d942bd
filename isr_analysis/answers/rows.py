"""Lists that are no messages: publishers, members, invites, whatever stands around them."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from isr_analysis.answers import beside, failures, forms, raw, tables, unpack
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import BESIDE, CLIENT, ROWS, is_place, pick, plain
from isr_analysis.errors import AnswerError

_DEEPEST = 4
_OF_CLIENTS = (
    "publishers", "clients", "clientids", "devices", "items", "results", "result", "data", "rows", "records", "list",
    "content", "entries", "members", "value", "response", "output",
)  # fmt: skip
"""Where names, in place of objects, are those of clients."""


def read_rows(body: bytes, content_type: str | None = None) -> list[dict[str, Any]]:
    """Read a list of objects.

    Parameters
    ----------
    body : bytes
        JSON (an array, an object with the rows under any name, or an object keyed by client), JSON lines, or CSV;
        compressed or not.
    content_type : str, optional
        What the portal says that it is; the body itself is believed first.

    Returns
    -------
    list of dict
        The rows as Python values; of an object keyed by client, with the key as ``client_id``.

    Raises
    ------
    AnswerError
        There is no list in it; the message says what came.
    """
    try:
        texts = unpack.texts(body, content_type)
        if [one.strip() for one in texts] == [b"null"]:  # as Go writes a list of none
            return []
        documents, of_text, _ = forms.split(texts, content_type)
    except AnswerError as exc:
        raise AnswerError(f"the portal's list was not understood: {exc}") from exc
    rows = [row for table in of_text for row in _of_columns(table)]
    lines = _beside(documents)
    documents = [one for one in documents if one not in lines]
    values = [_value(one) for one in documents]
    if len(documents) == 1 and raw.kind(documents[0]) == "{":
        table = tables.columns_of(raw.members(documents[0]))
        values = [_of_columns(table)] if table is not None else values
    found = _rows(values if len(values) > 1 else values[0]) if values else []
    if found is None:
        came = failures.describe(documents[0])
        raise AnswerError(f"the portal's list was not understood: {came} came, not a list of objects")
    fields = raw.fields(documents[0]) if documents else {}
    if not (found and all(raw.kind(one) == "{" for one in fields.values())):  # else it is of clients by their ids
        if stated := failures.stated(fields, rows=bool(found or rows)):
            beside = "beside its rows" if found or rows else "and has no rows"
            raise AnswerError(f"the portal's list was not understood: it states a failure {beside}: {stated}")
        if lacking := failures.lacking(fields, counts=False):
            raise AnswerError(f"the portal's list {failures.NOT_WHOLE}: {lacking}. Try again later")
    return found + rows


def lines_beside(body: bytes) -> list[bytes]:
    """Give those lines of a list that say something of all its rows."""
    with contextlib.suppress(AnswerError):
        return _beside(raw.documents(body))
    return []


def _beside(documents: list[bytes]) -> list[bytes]:
    """Give those of the lines of a list that are no rows: the first and the last may speak of all of them.

    Raises
    ------
    AnswerError
        The last one states a failure.
    """
    if len(documents) < 2 or any(raw.kind(one) != "{" for one in documents):  # noqa: PLR2004
        return []
    first, last = raw.members(documents[0]), raw.members(documents[-1])
    if {*map(plain, first)}.isdisjoint(map(plain, last)) and (failure := failures.broken(last)):
        raise AnswerError(f"the portal's list was not understood: it breaks off with a failure: {failure}")
    ends = {0: raw.members(documents[1]), len(documents) - 1: raw.members(documents[-2])}
    return [documents[i] for i, row in ends.items() if beside.is_end(raw.members(documents[i]), row)]


def _of_columns(table: Columns) -> list[dict[str, Any]]:
    turned = {
        name: [one if isinstance(one, str | None) else _value(one) for one in column.to_pylist()]
        for name, column in table.items()
    }
    return [dict(zip(turned, row, strict=True)) for row in zip(*turned.values(), strict=True)]


def _value(document: bytes) -> Any:
    try:
        return json.loads(document.decode("utf-8", "replace"), strict=False)
    except (RecursionError, ValueError) as exc:  # a number of thousands of digits
        raise AnswerError(f"the portal's list was not understood: {exc}") from exc


def _rows(value: Any, depth: int = 0) -> list[dict[str, Any]] | None:
    """Find the rows in a value; None if it is no place for any."""
    if isinstance(value, list):
        if all(isinstance(one, dict) for one in value):
            return [_bare(one) for one in value]
        return [{"client_id": one} for one in value] if all(isinstance(one, str) for one in value) else None
    if not isinstance(value, dict) or depth > _DEEPEST or (depth and _is_publisher(value)):
        return None
    inner = {name: one for name, one in value.items() if isinstance(one, list | dict) and plain(name) not in BESIDE}
    if (found := _in_places(inner, depth)) is not None:
        return found
    if not inner and any(one is None and plain(name) in ROWS for name, one in value.items()):
        return []
    if value and all(plain(name) in BESIDE or (name == "_embedded" and not one) for name, one in value.items()):
        return [] if "_links" in value or _states_none(value) else None  # HAL leaves out what is empty
    return _by_client(value, inner)


def _in_places(inner: dict[str, Any], depth: int) -> list[dict[str, Any]] | None:
    """Give the rows of the first place for rows that has some; none of one that is empty; None if there is no place."""
    lists = {name: one for name, one in inner.items() if isinstance(one, list) and one}
    of_objects = [name for name, rows in lists.items() if any(isinstance(one, dict) for one in rows)]
    only = next((names[0] for names in ([*inner], of_objects) if len(names) == 1), None)
    place = "_embedded" if "_embedded" in inner else only  # as of HAL
    empty = None
    for name in sorted(inner, key=lambda name: ROWS.index(plain(name)) if plain(name) in ROWS else len(ROWS)):
        if depth and name in lists and name not in of_objects and plain(name) not in _OF_CLIENTS:
            continue  # a client's topics, or tags
        if (plain(name) in ROWS or name == place) and (found := _rows(inner[name], depth + 1)) is not None:
            if found:
                return found
            empty = found  # such as the messages of an envelope, beside its result
    return empty


def _by_client(value: dict[str, Any], inner: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Give the rows of an object that has one of each client under its id; None if it is no such object."""
    known = {key for name, one in inner.items() if isinstance(one, dict) for key in one}
    clients = {name: one for name, one in value.items() if name in inner or not _is_beside(name, one, known)}
    if [*inner.values()] == [{}] and all(
        plain(name) in ROWS or (len(clients) == 1 and is_place(name)) for name in inner
    ):
        return []
    if clients and all(isinstance(one, dict) for one in clients.values()):
        return [one if pick(one, CLIENT) else {"client_id": name, **one} for name, one in clients.items()]
    return None


def _is_beside(name: str, value: Any, known: set[str]) -> bool:
    """Tell whether something stands beside clients by their ids, of which `known` is said: no client is called so."""
    return plain(name) in BESIDE and isinstance(value, dict) and known.isdisjoint(value)


def _is_publisher(value: dict[str, Any]) -> bool:
    """Tell whether an object is a row, and no place for rows."""
    return any(isinstance(one, str) and plain(name) in ("topic", "historytopicprefix") for name, one in value.items())


def _states_none(around: dict[str, Any]) -> bool:
    """Tell whether what stands around a list says that there are no rows."""
    counts = (one for part in around.values() if isinstance(part, dict) for one in part.items())
    return any(re.search("total|count", name.lower()) and one == 0 and one is not False for name, one in counts)


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """Take a row out of what GraphQL and JSON:API put around it."""
    if isinstance(row.get("node"), dict) and not set(row) - {"node", "cursor", "__typename"}:
        return dict(row["node"])
    attributes = row.get("attributes")
    if not isinstance(attributes, dict) or not {"id", "type"} <= set(row):
        return row
    links = row.get("relationships")
    related = {} if pick(attributes, CLIENT) or not isinstance(links, dict) else links
    name = pick(related, CLIENT)
    data = related[name].get("data") if name and isinstance(related[name], dict) else None
    named = {"client_id": data["id"]} if isinstance(data, dict) and isinstance(data.get("id"), str) else {}
    around = {one: what for one, what in row.items() if one not in ("attributes", "relationships")}
    return {**around, **named, **attributes}
