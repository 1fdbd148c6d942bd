"""Lists that are no messages: publishers, members, invites, whatever stands around them."""

from __future__ import annotations

import json
from typing import Any

from isr_analysis.answers import envelope, raw
from isr_analysis.answers.shape import BESIDE, CLIENT, ROWS, pick, plain
from isr_analysis.errors import AnswerError


def read_rows(body: bytes, content_type: str | None = None) -> list[dict[str, Any]]:
    """Read a list of objects.

    Parameters
    ----------
    body : bytes
        JSON: an array, an object with the rows under any name, or an object keyed by client.
    content_type : str, optional
        What the portal says that it is.

    Returns
    -------
    list of dict
        The rows as Python values; of an object keyed by client, with the key as ``client_id``.

    Raises
    ------
    AnswerError
        There is no list in it.
    """
    documents = raw.documents(body)
    rows = _rows(json.loads(documents[0].decode("utf-8", "replace"), strict=False)) if len(documents) == 1 else None
    if rows is None:
        what = envelope.describe(documents[0]) if documents else "nothing"
        raise AnswerError(f"the portal's list was not understood: {what} came, not a list of objects")
    return rows


def _rows(value: Any, depth: int = 0) -> list[dict[str, Any]] | None:
    if isinstance(value, list):
        if all(isinstance(one, dict) for one in value):
            return value
        return [{"client_id": one} for one in value] if all(isinstance(one, str) for one in value) else None
    if not isinstance(value, dict) or depth > 4:  # noqa: PLR2004
        return None
    inner = {name: one for name, one in value.items() if isinstance(one, list | dict) and plain(name) not in BESIDE}
    for name in sorted(inner, key=lambda name: ROWS.index(plain(name)) if plain(name) in ROWS else len(ROWS)):
        if (plain(name) in ROWS or len(inner) == 1) and (found := _rows(inner[name], depth + 1)) is not None:
            return found
    if value and len(inner) == len(value) and all(isinstance(one, dict) for one in value.values()):
        return [one if pick(one, CLIENT) else {"client_id": name, **one} for name, one in value.items()]
    return None
