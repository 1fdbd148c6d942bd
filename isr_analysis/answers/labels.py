"""Who published on what: clients, subpaths and accounts, from fields, topics, the names of groups and the question."""

from __future__ import annotations

from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import messages
from isr_analysis.answers import columns, keys, shape
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.roles import Roles
from isr_analysis.answers.shape import Asked, is_account_id, is_place, leaf, pick, time_rank
from isr_analysis.errors import AnswerError

_CODE = r"(?i)^\d+$|^[0-9a-f-]{12,}$"
"""A number or a hexadecimal id, as messages have it and topics do not."""


_LINK = r"^(?:https?://[^/]+)?/(?:[^/]+/)*([^/?#]+)/?$"
"""A client as a link to it, such as /api/clients/isr-shack-01: its id is one level of a topic, and holds no slash."""


def accounts_of(table: Columns, account_id: str | None) -> frozenset[str]:
    """Give the accounts that topics, filters and account fields name, whether a publisher ever published or not."""
    found: set[str] = set()
    for name, column in table.items():
        spelled = leaf(name)
        if is_account_id(name):
            found |= set(pc.unique(columns.texts(column, name)).drop_null().to_pylist())
        elif spelled in (*shape.TOPIC, "historytopicprefix", "publishtopic"):
            paths = pc.unique(columns.texts(column, name)).drop_null().to_pylist()
            named = (messages.split_topic(path, account_id=account_id)[0] for path in paths)
            found |= {one for one in named if one is not None}
    return frozenset(found)


def labels(table: Columns, role: Roles, asked: Asked) -> tuple[pa.ChunkedArray, pa.ChunkedArray, frozenset[str], bool]:
    """Give the client and the subpath of each row, the accounts that are named, and whether a fleet shares logins.

    A login is shared where the topic names another client than the field beside it.

    Raises
    ------
    AnswerError
        A row has no topic, or names no client; the message says which.
    """
    count = columns.length(table)
    client = _name_of(table, role.client)
    client = None if client is None or client.null_count == count else _of_links(client)
    topic = _decoded(_name_of(table, role.topic))
    account = text_of(table, role.account)
    is_named = account is not None and is_account_id(role.account or "")
    named = frozenset(pc.unique(account).drop_null().to_pylist() if is_named else ())
    if asked.live and role.client in shape.UNNAMED and client is not None:  # unless the names around say more
        table, client = table | {f"{keys.KEY}.Row": client}, None
    client, topic, around = keys.resolved(table, client, topic, asked)
    named |= around
    of_name = client is not None and role.client is None
    if role.topic is None and topic is not None and not asked.live and _is_place(topic, role, asked):
        topic = None
    if asked.live and role.topic is None and client is not None:
        topic = _own_names(table, client, topic)
    if topic is None and asked.one_topic is not None:
        topic = pa.chunked_array([pa.repeat(asked.one_topic, count)])
    if topic is None:
        if not asked.live:
            raise AnswerError(f"no field of the rows holds a topic; they have {columns.listed(table)}")
        topic = pa.chunked_array([pa.repeat("", count)])
    if pc.all(pc.starts_with(topic, "/")).as_py():  # the first level of each is empty: it is cut off, not published
        topic = pc.utf8_slice_codeunits(topic, 1)
    return _split(table, client, topic, asked, named, names_rows=of_name)


def _split(
    table: Columns,
    client: pa.ChunkedArray | None,
    topic: pa.ChunkedArray,
    asked: Asked,
    named: frozenset[str],
    *,
    names_rows: bool,
) -> tuple[pa.ChunkedArray, pa.ChunkedArray, frozenset[str], bool]:
    """Give what `labels` gives, by the clients and topics as they stand in the rows: each pair is split once.

    With `names_rows` the clients are the names under which the rows stand.
    """
    account_id = asked.account_id or (next(iter(named)) if len(named) == 1 else None)
    clients, whos = (0, [None]) if client is None else _coded(client)
    topics, whats = _coded(topic)
    pairs = pa.array(clients * len(whats) + topics).dictionary_encode()
    named_as = [(whos[pair // len(whats)], whats[pair % len(whats)]) for pair in pairs.dictionary.to_pylist()]
    split: list[tuple[str, str]] = []
    whole: list[str | None] = []  # topics before which no account stands
    accounts = set(named)
    logins = False
    for i, (who, what) in enumerate(named_as):
        known = who or asked.client_id
        lacks_topic = what is None and not asked.live
        path = _with_levels(what or "", known, account_id)
        found, whose, subpath = messages.split_topic(path, client_id=known, account_id=account_id)
        if lacks_topic or not whose:
            lacks = "has no topic" if lacks_topic else _no_client(what or "", account_id)
            raise AnswerError(f"{row(table, pc.index(pairs.indices, i).as_py())} {lacks}")
        accounts |= {found} if found else set()
        logins = logins or who not in (None, whose)
        split.append((whose, subpath))
        whole.append(None if found else path)
    if names_rows:  # no topic names them
        _check_asked({one[0] for one, path in zip(split, whole, strict=True) if path} & {*whos}, asked.client_id)
    if any(path and path == subpath for path, (_, subpath) in zip(whole, split, strict=True)):
        # One is a subpath, and so are all: a client's own id at the beginning of one was published.
        split = [(whose, path or subpath) for path, (whose, subpath) in zip(whole, split, strict=True)]
    client, topic = (
        column if [one[i] for one in split] == [one[i] for one in named_as]
        else pa.chunked_array([pa.array([one[i] for one in split], pa.string()).take(pairs.indices)])
        for i, column in enumerate((client, topic))
    )  # fmt: skip
    return client, topic, frozenset(accounts), logins


def _no_client(topic: str, account_id: str | None) -> str:
    way = " (if that begins with an account, say which with account_id=)"
    may_begin_so = account_id is None and topic.count("/") > 1
    return f"names no client, neither in a field nor in its topic {topic!r}{way if may_begin_so else ''}"


def _own_names(table: Columns, client: pa.ChunkedArray, topic: pa.ChunkedArray | None) -> pa.ChunkedArray | None:
    """Give the topics of a live answer; without any, the names of rows, if these part the messages of a publisher."""
    names = [] if topic is None else pc.unique(topic).to_pylist()
    if len(names) > 1 or any("/" in name for name in names):
        return topic
    for one in ("name", "id"):
        column = text_of(table, pick(table, (one,)))
        if column is not None and not column.null_count and not pc.any(pc.match_substring_regex(column, _CODE)).as_py():
            pairs = pa.table([client, column], ["client", "name"]).group_by(["client", "name"]).aggregate([])
            if len(pairs) == len(column) > len(pc.unique(client)):
                return column
    return None if all(map(is_place, names)) else topic


def _check_asked(names: set[str], client_id: str | None) -> None:
    """Refuse rows of which all stand under one name that is not that of the client which was asked for.

    Where only capitals differ, the loader says how the client is called.
    """
    name = next(iter(names), "")
    if client_id is not None and len(names) == 1 and name.casefold() != client_id.casefold():
        raise AnswerError(
            f"client {client_id!r} was asked for, and all rows stand under {name!r}, which may be another client, or a "
            f"name of their place (rows: {name})"
        )


def _decoded(topic: pa.ChunkedArray | None) -> pa.ChunkedArray | None:
    """Read topics of which the levels are parted as in an address, by %2F: if there is one, and no slash in any."""
    if topic is None or not pc.any(pc.match_substring(topic, "%2f", ignore_case=True)).as_py():  # mostly so
        return topic
    if pc.any(pc.match_substring(topic, "/")).as_py():
        return topic
    return columns.text([one and unquote(one) for one in topic.to_pylist()])


def _is_place(topic: pa.ChunkedArray, role: Roles, asked: Asked) -> bool:
    """Tell whether the one name under which all rows stand is that of their place, and no topic.

    So it is if another topic was asked for; or if nothing in the rows shows that they are messages.
    """
    names = pc.unique(topic).to_pylist()
    if len(names) > 1 or names[0] is None or "/" in names[0]:
        return False
    if asked.one_topic is not None:
        return True
    return not role.payload and role.fragment is None and time_rank(role.time[0]) == shape.VAGUE


def _with_levels(topic: str, client_id: str | None, account_id: str | None) -> str:
    """Give a platform path its levels, where dots part them as in a routing key."""
    for begin in (f"{account_id}.{client_id}", account_id, client_id):
        if begin and topic.startswith(f"{begin}.") and "/" not in topic:
            head = f"{account_id}/{client_id}" if begin not in (account_id, client_id) else begin
            return head + topic[len(begin) :].replace(".", "/")
    return topic


def _coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str | None]]:
    """Give the place of each row's text among those that occur, and these."""
    coded = column.dictionary_encode().unify_dictionaries()
    words = [*coded.chunk(0).dictionary.to_pylist(), None]
    chunks = (chunk.indices for chunk in coded.chunks)
    codes = np.concatenate([(one.fill_null(len(words) - 1) if one.null_count else one).to_numpy() for one in chunks])
    return codes.astype(np.int64), words


def _name_of(table: Columns, name: str | None) -> pa.ChunkedArray | None:
    """Give a column of clients or topics, which are texts or numbers."""
    found = text_of(table, name)
    if name is not None and pa.types.is_binary(table[name].type):
        other = pc.match_substring_regex(pc.fill_null(table[name], b"null"), rb"^(?:[{\[tf]|NaN|-?Inf)")
        if (at := pc.index(other, True).as_py()) >= 0:
            value = table[name][at].as_py()[:60].decode("utf-8", "replace")
            raise AnswerError(f"{row(table, at)} has {value} as {name!r}, which is no name")
    return found


def _of_links(client: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the ends of links, which are the clients' ids, where there are no other names."""
    if not pc.all(pc.match_substring_regex(client, _LINK)).as_py():  # mostly so
        return client
    return pc.replace_substring_regex(client, _LINK, r"\1")


def text_of(table: Columns, name: str | None) -> pa.ChunkedArray | None:
    """Give a column as text, in which nothing is missing; None if there is no such column."""
    if name is None:
        return None
    return columns.said(columns.texts(table[name], name))


def row(table: Columns, at: int) -> str:
    """Name a row for an error, with the fields that it has."""
    there = {name: column[at].as_py() for name, column in table.items() if column[at].is_valid}
    return f"row {at + 1} (of {columns.length(table)}, with {columns.listed(there)})"
