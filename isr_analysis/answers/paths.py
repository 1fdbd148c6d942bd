"""Which columns of an answer hold topics, and of what kind: platform paths, subpaths, filters, lists of levels."""

from __future__ import annotations

from isr_analysis.answers import columns, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import CLIENT, TOPIC, Asked, is_bookkeeping, leaf, plain
from isr_analysis.messages import split_topic


def is_path(table: Columns, name: str) -> bool:
    """Tell whether a column that may hold topics does: text with levels."""
    text = columns.sample_text(table[name])
    return "/" in text and not text.startswith(("/", "http"))


def topics(table: Columns, names: list[str], account_id: str | None) -> list[str]:
    """Give the columns that may hold topics: platform paths if any do, else topics rather than filters."""
    found = [name for name in names if is_topic(name) or is_path(table, name)]
    topics = [name for name in found if not is_pattern(table, name)]
    paths = [name for name in topics if is_topic(name) and is_whole(table, name, account_id)]
    return paths or topics or found


def other_path(table: Columns, names: list[str], asked: Asked) -> str | None:
    """Give the column that holds platform paths whatever its name, unless the one topic is known from the question."""
    if asked.one_topic is not None:
        return None
    usable = (name for name in names if not is_bookkeeping(name) and not is_pattern(table, name))
    return next((name for name in usable if is_whole(table, name, asked.account_id)), None)


def is_topic(name: str) -> bool:
    """Tell whether a column is called as topics are."""
    return leaf(name) in TOPIC


def is_pattern(table: Columns, name: str) -> bool:
    """Tell whether a column holds filters rather than topics, as the lists of publishers do."""
    value = columns.sample(table[name])
    return any(mark in (value if isinstance(value, str) else (value or b"").decode("latin-1")) for mark in "+#")


def is_whole(table: Columns, name: str | None, account_id: str | None) -> bool:
    """Tell whether topics are platform paths, with account and client."""
    return name is not None and split_topic(columns.sample_text(table[name]), account_id=account_id)[1] is not None


def without_clients(table: Columns, names: list[str], topic: str | None, asked: Asked) -> list[str]:
    """Leave out the columns, of some, that are called as clients are and repeat what each platform path says of it."""
    if topic is None or not is_whole(table, topic, asked.account_id):
        return names
    named = [one for one in names if plain(one) in CLIENT and isinstance(columns.sample(table[one]), str | bytes)]
    whole = columns.texts(table[topic], topic).to_pylist() if named else []
    clients = [split_topic(one or "", account_id=asked.account_id)[1] for one in whole]
    return [one for one in names if one not in named or columns.texts(table[one], one).to_pylist() != clients]


def any_of(table: Columns) -> bool:
    """Tell whether any column holds platform paths, or objects with one."""
    samples = [one for column in table.values() if isinstance(one := columns.sample(column), bytes)]
    inner = (one for value in samples if raw.kind(value) == "{" for one in raw.members(value).values())
    return any(account_of(one) for one in (*samples, *inner))


def account_of(value: bytes) -> str | None:
    """Give the account with which a text begins that is a platform path; None if it is none."""
    return split_topic(raw.text(value))[0] if raw.kind(value) == '"' else None


def levelled(table: Columns) -> Columns:
    """Join the levels of topics that stand as lists."""
    for name, column in table.items():
        value = columns.sample(column) if is_topic(name) else None
        if isinstance(value, bytes) and raw.kind(value) == "[":
            table = table | {name: columns.text([_path_of(one) for one in column.to_pylist()])}
    return table


def _path_of(value: bytes | None) -> str | None:
    if value is None or raw.kind(value) != "[":
        return None if value is None else raw.text(value) if raw.kind(value) == '"' else None
    return "/".join(raw.plain_text(one) for one in raw.elements(value))
