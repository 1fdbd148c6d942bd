"""Whose rows are, by the names under which they stand: of accounts, places, clients, and topics or their levels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import messages
from isr_analysis.answers import columns, instants
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import LAST, Asked, is_place, plain

KEY = "\0key"
"""How columns begin that hold the names under which rows stand."""

LEVELS = {"telemetry", "state", "event"}
"""The first levels of topics that the portal's own devices have."""

_TYPE = re.compile(r"(?:\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|arrow|feather|gz|zst|bz2|xz|lz4))+$", re.IGNORECASE)
_WHEN = r"20\d\d-?[01]\d-?[0-3]\d(?:T[\d.-]*Z?)?"
_DATED = re.compile(rf"^(?:{_WHEN}(?:[-_.]|$))+|(?:[-_.]{_WHEN})+$")
_DAY = re.compile(r"20\d\d(?:0[1-9]|1[0-2])[0-3]\d")


class Label(str):
    """The name that a group of rows has of itself, as its id: of a client or a topic, and no place."""

    __slots__ = ()


class Inner(str):
    """The name under which rows stand in such a group: a place mostly."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Key:
    """The names at one depth.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        The name of each row.
    names : list of str
        Those that occur.
    kind : str
        ``"Label"`` or ``"Inner"``, as of these classes; ``"Row"``, an id or a name that rows of a live answer have
        themselves; or ``"str"``, members of an object.
    """

    column: pa.ChunkedArray
    names: list[str]
    kind: str

    def is_whole(self) -> bool:
        """Tell whether there are topics of several levels among them."""
        return any("/" in name for name in self.names)

    def is_only(self, client_id: str | None) -> bool:
        """Tell whether they are the one client that was asked for."""
        return client_id is not None and self.names == [client_id]

    def is_like_ids(self) -> bool:
        """Tell whether one has a digit or a hyphen, as ids mostly have and words have not."""
        return any(re.search(r"[\d-]", name) for name in self.names)

    def may_be_place(self) -> bool:
        """Tell whether they are one name that may be of a place, in whatever words."""
        return len(self.names) == 1 and not self.is_like_ids() and self.kind != "Label"

    def is_aside(self, levels: set[str]) -> bool:
        """Tell whether they are neither clients nor topics: times, pages, places, or some of these levels of topics."""
        if levels & {*self.names} or all(is_place(name, singular=True) for name in self.names):
            return True
        return self.is_of_time() or all(re.fullmatch(r"\d{1,4}", name) for name in self.names)

    def is_of_time(self) -> bool:
        """Tell whether they are days or instants; a number is none, as it may be a client's."""
        return all(instants.is_date(name) or _DAY.fullmatch(name) for name in self.names)


def columns_of(groups: Sequence[tuple[str, ...]], counts: Sequence[int]) -> Columns:
    """Give the names under which groups of rows stand as columns, one of each depth; `counts` are of the rows."""
    made: Columns = {}
    for i in range(max(map(len, groups))):
        names = [one[i] if i < len(one) else None for one in groups]
        kinds = {type(name).__name__ for name in names if name is not None}
        kind = kinds.pop() if len(kinds) == 1 else "str"
        made[f"{KEY}{i}.{kind}"] = columns.text(
            [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
        )
    return made


def of_path(path: str) -> tuple[str, ...]:
    """Give the names that the path of a file has, folders and its own, without its type, places and days."""
    parts = [_DATED.sub("", _TYPE.sub("", one)) for one in PurePosixPath(path).parts]
    return tuple(one for i, one in enumerate(parts) if one not in ("", "/") and (i or not is_place(one, singular=True)))


def paths_around(topic: pa.ChunkedArray, around: pa.ChunkedArray) -> Columns:
    """Give the topics of groups as names under which rows stand, if account and client are before what rows have."""
    ends = {*pc.unique(topic).drop_null().to_pylist()}
    names = pc.unique(around).drop_null().to_pylist()
    is_path = any(not ends.isdisjoint(_ends(name)[1:]) for name in names)
    return {f"{KEY}.Label": around} if is_path else {}


def resolved(
    table: Columns, client: pa.ChunkedArray | None, topic: pa.ChunkedArray | None, asked: Asked
) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None, frozenset[str]]:
    """Give the client and the topic, with what rows do not say themselves but the names do; also gives the accounts."""
    made = [(name.rpartition(".")[2], one) for name, one in table.items() if name.startswith(KEY)]
    keys = [_Key(one, pc.unique(one).drop_null().to_pylist(), kind) for kind, one in made]
    lasts = [one for one in keys if asked.live and all(plain(name) in LAST for name in one.names)]
    keys = _without(keys, lasts) if len(lasts) < len(keys) else keys
    if not keys:
        return client, topic, frozenset()
    is_bare = topic is None
    paths = {asked.one_topic or ""} if topic is None else {*pc.unique(topic).drop_null().to_pylist()}
    if client is None and any(not paths.isdisjoint(_ends(name)) for key in keys for name in key.names):
        topic = None  # paths stand around them, which name the client, too
    is_known = topic is not None or asked.one_topic is not None
    needed = (client is None) + (not is_known)
    levels = {level for path in paths for level in path.split("/")} | LEVELS
    accounts: frozenset[str] = frozenset()
    for i, key in enumerate(keys):
        below = [one for one in keys[i + 1 :] if not one.is_aside(levels)]
        if asked.account_id in key.names or (len(below) >= max(needed, 1) and all(map(messages.is_account, key.names))):
            accounts = frozenset(key.names)
            keys = keys[i + 1 :]  # what stands around an account is neither client nor topic
            break
    if client is not None:
        keys = [one for one in keys if not pc.any(pc.equal(one.column, client)).as_py()]
    if topic is None and asked.one_topic is not None:
        topic, keys = _beside(keys, asked.one_topic)
        is_known = topic is not None or not any(key.is_whole() for key in keys)
    if client is None and is_known:
        client = _client(keys, levels, asked, is_bare=is_bare)
    elif client is None:
        client, keys = _client_of_topics(keys, asked)
    return client, topic if is_known else _topic(keys), accounts


def _without(keys: list[_Key], others: list[_Key]) -> list[_Key]:
    return [one for one in keys if one not in others]


def _beside(keys: list[_Key], topic: str) -> tuple[pa.ChunkedArray | None, list[_Key]]:
    """Give the topics of names, or levels of them, that have the one asked for beside others; and the other names.

    So answers a portal that does not heed the question.
    """
    longest, found, left = "", None, keys
    for at, end in itertools.combinations(range(len(keys) + 1), 2):
        column = _joined(keys[at:end])
        names = pc.unique(column).to_pylist()
        name = next((one for one in names if f"/{topic}".endswith(f"/{one}")), "")
        if len(name) > len(longest) and (len(names) > 1 or "/" in name):
            above = topic.removesuffix(name)
            longest, found = name, pc.binary_join_element_wise(above, column, "")
            left = [*keys[:at], *keys[end:]]
    return found, left


def _ends(path: str) -> list[str]:
    """Give what stands behind each slash of a path."""
    return [path[at + 1 :] for at, one in enumerate(path) if one == "/"]


def _client(keys: list[_Key], levels: set[str], asked: Asked, *, is_bare: bool) -> pa.ChunkedArray | None:
    """Find the clients where the topics are known: rows have them, or are bare, as one was asked for."""
    if found := next((one for one in keys if one.is_only(asked.client_id)), None):
        return found.column
    keys = [one for one in keys if not one.is_whole()]
    left = [one for one in keys if one.kind != "Inner" and not one.is_aside(levels)]
    left = [one for one in left if one.kind == "Label"] or left
    rows = [one for one in left if one.kind == "Row"]
    left = rows if all(one.kind == "Row" or one.may_be_place() for one in left) and rows else _without(left, rows)
    while left and left[0].may_be_place() and (len(left) > 1 or (is_bare and asked.client_id is not None)):
        left = left[1:]
    while len(left) > 1 and len(left[0].names) == 1:
        left = left[1:]
    if not left and asked.client_id is None:
        left = [one for one in keys if one.kind != "Inner" and not one.is_of_time()]
    return left[0].column if left else None


def _client_of_topics(keys: list[_Key], asked: Asked) -> tuple[pa.ChunkedArray | None, list[_Key]]:
    """Find the clients where topics stand below or above them; also gives the names of which the topics are made."""
    whole = next((i for i, one in enumerate(keys) if one.is_whole()), None)
    at = _depth_of_clients(keys, asked, whole)
    if at is None:
        return None, keys
    if whole is not None:
        return keys[at].column, _without(keys, [keys[at]])
    below = [one for one in keys[at + 1 :] if one.kind != "Inner" or not one.is_aside(set())]
    return keys[at].column, below or keys[:at]


def _depth_of_clients(keys: list[_Key], asked: Asked, whole: int | None) -> int | None:
    """Find the depth at which clients stand, where whole topics may stand at another; None if at none."""
    at = next((i for i, one in enumerate(keys) if one.is_only(asked.client_id)), None)
    if at is None and asked.client_id is not None:  # the answer does not heed the question
        at = next((i for i, one in enumerate(keys) if asked.client_id in one.names), None)
    if at is not None:
        return at
    if whole is not None:  # next to the topics
        order = [i for i in (*range(whole - 1, -1, -1), *range(whole + 1, len(keys))) if keys[i].kind != "Inner"]
        order = [i for i in order if not keys[i].is_aside(LEVELS)]
        sure = [i for i in order if not keys[i].may_be_place()]
        return next(iter(sure or order), None)
    labels = [i for i, one in enumerate(keys) if one.kind == "Label"]
    if len(labels) > 1:
        return labels[0]
    if labels:
        above = [i for i in range(labels[0]) if not keys[i].is_aside(LEVELS)]
        is_client = _are_topics(keys[labels[0] + 1 :]) or not above
        return (None if asked.client_id else labels[0]) if is_client else above[-1]
    if keys[-1].kind == "Row":
        return next(
            (i for i, one in enumerate(keys) if not (one.is_aside(LEVELS) or one.may_be_place())), len(keys) - 1
        )
    if asked.client_id is not None:
        return None
    return 1 if len(keys) > 2 and keys[0].may_be_place() and keys[1].is_like_ids() else 0  # noqa: PLR2004


def _are_topics(inner: list[_Key]) -> bool:
    """Tell whether names of lists within groups are those of topics, rather than of a place."""
    return any(len(one.names) > 1 or one.is_whole() or not one.is_aside(set()) for one in inner)


def _topic(keys: list[_Key]) -> pa.ChunkedArray | None:
    """Put topics together: of whole ones, of what groups are called, or of levels."""
    whole = next((i for i, one in enumerate(keys) if one.is_whole()), None)
    named = [one for one in keys if one.kind == "Label"]
    inner = [one for one in keys if one.kind == "Inner"]
    levels = [one for one in keys if not (one.kind == "Inner" and one.is_aside(set()))]
    if whole is not None:  # perhaps the rest of them, below the first levels
        first = keys[whole - 1].names if whole else []
        again = any(name.startswith(f"{one}/") for one in first for name in keys[whole].names)
        made = keys[whole - 1 : whole + 1] if first and LEVELS.issuperset(first) and not again else [keys[whole]]
    elif inner and keys[-1].kind == "Inner" and (len(inner[-1].names) > 1 or not levels):
        made = inner[-1:]
    else:
        made = named or [one for one in levels if not one.is_of_time()] or keys  # a day, perhaps
    return _joined(made) if made else None


def _joined(keys: list[_Key]) -> pa.ChunkedArray:
    """Put names together, with a slash between those that a row has; None where it has none."""
    first, *rest = (one.column for one in keys)
    nameless = pc.is_null(pc.coalesce(first, *rest))
    first = pc.if_else(nameless, "", first)  # Arrow leaves out the rows of which all parts are skipped
    return pc.if_else(nameless, None, pc.binary_join_element_wise(first, *rest, "/", null_handling="skip"))
