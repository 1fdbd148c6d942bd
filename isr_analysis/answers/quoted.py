"""Whole messages that stand in one field of their rows, as the text of their JSON. Pure."""

from __future__ import annotations

import contextlib

from isr_analysis.answers import columns, raw, roles
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import PAYLOAD, PAYLOADS, is_of_making, pick, plain
from isr_analysis.errors import AnswerError


def opened(table: Columns) -> Columns:
    """Give messages as objects that stand as texts: with their time and payload, where the rows have no time."""
    if any(not is_of_making(name) for name in roles.times_of(table)):
        return table
    for name, column in table.items():
        if plain(name) in PAYLOAD or not _is_message(columns.sample_text(column)):
            continue
        texts = [None if one is None else one.encode() for one in columns.texts(column, name).to_pylist()]
        if all(one is None or (one.lstrip()[:1] == b"{" and raw.is_json(one)) for one in texts):
            return table | {name: columns.json_texts(texts)}
    return table


def is_message(value: bytes) -> bool:
    """Tell whether a JSON text is a string that is the JSON of a message."""
    return raw.kind(value) == '"' and _is_message(raw.text(value))


def _is_message(text: str) -> bool:
    """Tell whether a text is the JSON of an object with a time and a payload."""
    if not text.lstrip().startswith("{"):
        return False
    with contextlib.suppress(AnswerError, UnicodeError):
        inner = raw.fields(text.strip().encode())
        return pick(inner, PAYLOADS) is not None and roles.is_timed(inner)
    return False
