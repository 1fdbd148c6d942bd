"""Messages that come one field a row, as InfluxDB gives them, put together again."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence

import pyarrow as pa

from isr_analysis import messages
from isr_analysis.answers import columns, payload, raw
from isr_analysis.answers.columns import Columns, join
from isr_analysis.answers.keys import KEY
from isr_analysis.answers.shape import CLIENT, Asked, is_bookkeeping, plain, time_rank

_TOPIC = re.compile(r"(?=.*[^\s/]{4})[^\s/()\[\]]+(?:/[^\s/()\[\]]+)+")
"""The name of a column that may be a topic: a level of it is longer than the units of ``km/h``."""


def of_names(table: Columns, asked: Asked) -> Columns:
    """Take the names under which values and their instants stand for those of fields, where they can be no topics.

    That is so if one topic was asked for and they have none of its levels, as in ``{"temp": [{"ts": …, "value": …}]}``.
    Where rows stand under no names, columns that are named by topics become rows of these.
    """
    keys = [name for name in table if name.startswith(KEY)]
    if not keys:
        return _of_topics(table, asked)
    if asked.live or asked.one_topic is None:
        return table
    rest = [name for name in table if name not in keys]
    names = {*columns.texts(table[keys[-1]], keys[-1]).to_pylist()} - {None}
    pairs = len(rest) == 2 and "value" in rest and all(one == "value" or time_rank(one) is not None for one in rest)  # noqa: PLR2004
    if not pairs or any("/" in one or one in asked.one_topic.split("/") for one in names):
        return table
    if asked.client_id in names or (len(keys) == 1 and asked.client_id is None):  # they are the clients
        return table
    if payload.holds_object(table["value"]):  # which is all that a message held
        return table
    if not names or (len(names) == 1 and "ts" not in rest):  # it may be that of their place
        return table
    return {"_field" if name == keys[-1] else name: one for name, one in table.items()}


def _of_topics(table: Columns, asked: Asked) -> Columns:
    """Make a row of each value in columns that are named by topics, where there is no column of topics or payloads.

    A row without a value in such a column is no message of it.
    """
    named = [name for name in table if _TOPIC.fullmatch(name)]
    others = [name for name in table if name not in named]
    labels = all(time_rank(one) is not None or is_bookkeeping(one) or plain(one) in CLIENT for one in others)
    if not named or not labels or not (asked.one_topic is None or any(one.endswith(asked.one_topic) for one in named)):
        return table
    parts = []
    for name in named:
        there = columns.present(table[name])
        part = {one: table[one].filter(there) for one in others}
        part["payload"] = columns.as_json(table[name].filter(there))
        part["topic"] = columns.text([name] * columns.length(part))
        parts.append((part, columns.length(part)))
    return columns.concat(parts)


def gather(
    whose: Iterable[Hashable], fields: Sequence[str | None], values: Sequence[bytes | None]
) -> list[tuple[int, dict[str, bytes]]]:
    """Put fields together that belong to one message.

    Parameters
    ----------
    whose : iterable
        For each row what all fields of one message share: its instant, client, topic and tags.
    fields, values : sequence
        For each row the name of the field, and its value's JSON text; None is a missing value.

    Returns
    -------
    list of (int, dict)
        For each message the first of its rows, and its members. A field that comes again begins a new message.
    """
    found: list[tuple[int, dict[str, bytes]]] = []
    last: dict[tuple[Hashable, str], int] = {}
    places: dict[Hashable, list[int]] = {}
    for i, (one, name, value) in enumerate(zip(whose, fields, values, strict=True)):
        at = places.setdefault(one, [])
        if name is None or value is None or value == b"null":
            if not at:
                at.append(len(found))
                found.append((i, {}))
            continue
        nth = last.get((one, name), -1) + 1
        last[one, name] = nth
        if nth == len(at):
            at.append(len(found))
            found.append((i, {}))
        found[at[nth]][1][name] = value
    return found


def merge(table: pa.Table) -> pa.Table:
    """Join the messages of which one page holds some fields and another page others.

    Messages of one instant, client and topic are one if what both have is equal and each has a field that the other
    lacks.

    Parameters
    ----------
    table : pyarrow.Table
        Messages of all pages of a window (`messages.SCHEMA`), of pages whose ``fragments`` is true.

    Returns
    -------
    pyarrow.Table
        The same, with such messages joined; each stands where its first fragment stood.
    """
    payloads = table["payload"].to_pylist()
    groups: dict[tuple[int, str, str], list[int]] = {}
    for i, whose in enumerate(messages.rows(table, "time", "client_id", "topic")):
        groups.setdefault(whose, []).append(i)
    keep = [True] * len(table)
    for rows in groups.values():
        if len(rows) == 1 or any(raw.kind(payloads[i]) != "{" for i in rows):
            continue
        made: dict[int, dict[str, bytes]] = {}
        for i in rows:
            parts = raw.members(payloads[i])
            home = next((at for at, other in made.items() if _belong(other, parts)), None)
            if home is None:
                made[i] = parts
            else:
                made[home] |= parts
                payloads[home] = join(made[home])
                keep[i] = False
    if all(keep):
        return table
    at = messages.SCHEMA.get_field_index("payload")
    field = messages.SCHEMA.field("payload")
    return table.set_column(at, field, pa.array(payloads, field.type)).filter(pa.array(keep))


def _belong(one: dict[str, bytes], other: dict[str, bytes]) -> bool:
    common = one.keys() & other.keys()
    return len(common) < min(len(one), len(other)) and all(one[name] == other[name] for name in common)
