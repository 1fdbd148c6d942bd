"""Who published on what: clients, subpaths and accounts, from fields, topics, the names of groups and the question."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import messages
from isr_analysis.answers import columns, paging, roles
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.roles import KEY, Roles
from isr_analysis.answers.shape import TOPIC, Asked, plain
from isr_analysis.errors import AnswerError


def accounts_of(table: Columns, account_id: str | None) -> frozenset[str]:
    """Give the accounts that topics, filters and account fields name, whether a publisher ever published or not."""
    found: set[str] = set()
    for name, column in table.items():
        spelled = plain(name.rpartition(".")[2])
        if paging.is_account(name):
            found |= set(pc.unique(columns.texts(column, name)).drop_null().to_pylist())
        elif spelled in (*TOPIC, "historytopicprefix", "publishtopic"):
            paths = pc.unique(columns.texts(column, name)).drop_null().to_pylist()
            named = (messages.split_topic(path, account_id=account_id)[0] for path in paths)
            found |= {one for one in named if one is not None}
    return frozenset(found)


def labels(table: Columns, role: Roles, asked: Asked) -> tuple[pa.ChunkedArray, pa.ChunkedArray, frozenset[str]]:
    """Give the client and the subpath of each row, and the accounts that are named.

    Topics are split once for each pair of client and topic.

    Raises
    ------
    AnswerError
        A row has no topic, or names no client; the message says which.
    """
    count = columns.length(table)
    keys = [table[name] for name in table if name.startswith(KEY)]
    client = text_of(table, role.client)
    topic = text_of(table, role.topic)
    account = text_of(table, role.account)
    named = frozenset(pc.unique(account).drop_null().to_pylist()) if account is not None else frozenset()
    named = frozenset(one for one in named if role.account is None or paging.is_account(role.account))
    for one in keys:
        paths = pc.any(pc.match_substring(one, "/")).as_py()
        if client is not None and pc.any(pc.equal(one, client)).as_py():
            continue
        if client is None and not paths and (topic is not None or asked.client_id is None):
            client = one
        elif topic is None:
            topic = one
    if topic is None and asked.topic is not None and not any(mark in asked.topic for mark in "+#"):
        topic = pa.chunked_array([pa.repeat(asked.topic, count)])
    if topic is None:
        if not asked.live:
            raise AnswerError(f"no field of the rows holds a topic; they have {roles.listed(table)}")
        topic = pa.chunked_array([pa.repeat("", count)])
    account_id = asked.account_id or (next(iter(named)) if len(named) == 1 else None)
    none = pa.chunked_array([pa.nulls(count, pa.string())])
    pairs = [pc.dictionary_encode(one).unify_dictionaries() for one in (none if client is None else client, topic)]
    codes = [np.concatenate([c.indices.fill_null(-1).to_numpy() for c in one.chunks]) for one in pairs]
    words = [one.chunk(0).dictionary.to_pylist() for one in pairs]
    _, first, back = np.unique(
        codes[0].astype("int64") * (len(words[1]) + 1) + codes[1], return_index=True, return_inverse=True
    )
    split: list[tuple[str, str]] = []
    accounts = set(named)
    for at in first:
        who = words[0][codes[0][at]] if codes[0][at] >= 0 else None
        what = words[1][codes[1][at]] if codes[1][at] >= 0 else "" if asked.live else None
        if what is None:
            raise AnswerError(f"{row(table, int(at))} has no topic")
        found, whose, subpath = messages.split_topic(what, client_id=who or asked.client_id, account_id=account_id)
        if not whose:
            raise AnswerError(f"{row(table, int(at))} names no client, neither in a field nor in its topic {what!r}")
        accounts |= {found} if found else set()
        split.append((whose, subpath))
    taken = [pa.array([one[i] for one in split], pa.string()).take(pa.array(back)) for i in (0, 1)]
    return pa.chunked_array([taken[0]]), pa.chunked_array([taken[1]]), frozenset(accounts)


def text_of(table: Columns, name: str | None) -> pa.ChunkedArray | None:
    """Give a column as text, in which nothing is missing; None if there is no such column."""
    if name is None:
        return None
    found = columns.texts(table[name], name)
    return pc.if_else(pc.equal(found, ""), None, found)


def row(table: Columns, at: int) -> str:
    """Name a row for an error, with the fields that it has."""
    there = {name: column[at].as_py() for name, column in table.items() if column[at].is_valid}
    return f"row {at + 1} (of {columns.length(table)}, with {roles.listed(there)})"
