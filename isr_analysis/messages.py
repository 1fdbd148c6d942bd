"""What a message is: the Arrow schema, and topics with their MQTT filters. Pure.

A message is ``(time, client_id, topic, payload)``, exactly as published. ``topic`` is the subpath, without
the account and the client that the platform puts in front of it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.errors import UsageError, without_tokens
from isr_analysis.times import Range

Clients = str | Iterable[str]
"""Client ids as loaders take them: one, or a list, tuple, set, array, Series or Index of them."""

HISTORY, LIVE, STREAM = "history", "live", "stream"
"""Where a message came from."""

SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("ns", tz="UTC"), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("topic", pa.string(), nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("extra", pa.string()),
    ]
)
"""Messages as an Arrow table.

``time`` (ns, UTC), ``client_id``, ``topic`` (subpath), ``payload`` (bytes, as published), ``seq`` (order within
the answer), ``source`` (history, live or stream) and ``extra`` (what else the portal said, a JSON object, or null).
"""

DEVICE = "station_controller_device_id"
IDENTITY = (DEVICE, "type", "chan", "module", "dcn")
"""The fields of a payload that together say which channel a Station Controller's reading is of."""

_MOST = 2_000_000_000
"""Bytes of payloads that one Arrow array of `binary` may hold, less a margin."""

HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, as bytes of a command's arguments that are no UTF-8 are read; it cannot be sent."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def empty() -> pa.Table:
    """Give a table of no messages."""
    return SCHEMA.empty_table()


def instants(table: pa.Table) -> npt.NDArray[np.int64]:
    """Give the times of messages, or of a decoded table, as ns since 1970."""
    values: npt.NDArray[np.int64] = table["time"].cast(pa.int64()).to_numpy()
    return values


def rows(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Give the values of some columns of messages, row by row; of ``time`` as ns since 1970."""
    columns = (instants(table).tolist() if name == "time" else table[name].to_pylist() for name in names)
    return zip(*columns, strict=True)


def within(table: pa.Table, span: Range) -> pa.Table:
    """Give the messages of a table that lie in a span."""
    inside = span.holds(instants(table))
    return table if inside.all() else table.filter(pa.array(inside))


def in_order(table: pa.Table) -> pa.Table:
    """Sort messages, or a decoded table, by time, client, topic and `seq`; a table in order is given back as it is.

    Beyond 2 GB, which is all that can be taken from a `binary` column, the payloads come as `large_binary`.
    """
    time = instants(table)
    if (time[:-1] < time[1:]).all():  # mostly so
        return table
    keys = [time, coded(table["client_id"])[1], coded(table["topic"])[1], table["seq"].to_numpy()]
    late, same = np.zeros(len(table) - 1, np.bool_), np.ones(len(table) - 1, np.bool_)
    for key in keys:
        late |= same & (key[:-1] > key[1:])
        same &= key[:-1] == key[1:]
    if not late.any():
        return table
    if "payload" in table.column_names and table["payload"].nbytes > _MOST:
        at = table.column_names.index("payload")
        table = table.set_column(at, "payload", table["payload"].cast(pa.large_binary()))
    return table.take(pa.array(np.lexsort(keys[::-1])))


def coded(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.signedinteger[Any]]]:
    """Give the names that occur in a column of client ids or topics, sorted, and the place among them of each row's."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.unify_dictionaries().combine_chunks()
    names, codes = whole.dictionary.to_pylist(), whole.indices.to_numpy()
    used = np.zeros(len(names), np.bool_)
    used[codes] = True
    order = sorted(np.flatnonzero(used).tolist(), key=names.__getitem__)
    place = np.empty(len(names), np.min_scalar_type(-max(len(order), 1)))
    place[order] = np.arange(len(order))
    return [names[i] for i in order], place[codes]


def is_account(name: str) -> bool:
    """Tell whether a name has the form of an account's id."""
    return _UUID.fullmatch(name) is not None


def check_flags(**given: object) -> None:
    """Refuse arguments that are neither True nor False: the text "False", or a time to wait, would count as True.

    Raises
    ------
    UsageError
        One is neither; the message names it.
    """
    for name, value in given.items():
        if not (isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1))):
            raise UsageError(f"{name}={value!r} is neither True nor False; give one of the two")


def check_filter(topic: object) -> str:
    """Give an MQTT topic filter back if it is one.

    Raises
    ------
    UsageError
        ``#`` stands before the last level, or a wildcard shares a level with text.
    """
    if isinstance(topic, list | tuple | set | frozenset):
        raise UsageError(
            f"topic={topic!r} is not one MQTT topic filter but several; give one that covers them, such as "
            '"telemetry/#" or "#", and pick from the frame: df[df["topic"].isin([…])]'
        )
    if not isinstance(topic, str) or not topic or HALF.search(topic):
        raise UsageError(f'topic={topic!r} is not an MQTT topic filter; give one such as "telemetry/#", or "#" for all')
    levels = topic.split("/")
    if _UUID.fullmatch(levels[0]) and len(levels) > 2:  # noqa: PLR2004 (account, client, and what is meant)
        raise UsageError(
            f"topic={topic!r} begins with an account; a topic here is what comes after account and client: "
            f"client_id={levels[1]!r}, topic={'/'.join(levels[2:])!r}"
        )
    for i, level in enumerate(levels):
        if ("#" in level and (level != "#" or i != len(levels) - 1)) or ("+" in level and level != "+"):
            raise UsageError(
                f'topic={topic!r} is not an MQTT topic filter: "#" must be alone and last, "+" alone in its level, '
                'as in "telemetry/#" and "+/temp_probe"'
            )
    return topic


def covers(wide: str, narrow: str) -> bool:
    """Tell whether an MQTT topic filter matches a topic, or every topic that another filter matches.

    ``a/#`` matches ``a`` as well.
    """
    for level, other in itertools.zip_longest(wide.split("/"), narrow.split("/")):
        if level == "#":
            return True
        if other in (None, "#") or level not in ("+", other):
            return False
    return True


def overlap(one: str, other: str) -> bool:
    """Tell whether there can be a topic that both filters match."""
    for levels in itertools.zip_longest(one.split("/"), other.split("/")):
        if "#" in levels:
            return True
        if None in levels or (levels[0] != levels[1] and "+" not in levels):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Selector:
    """Which messages are meant, apart from their time.

    Parameters
    ----------
    clients : tuple of str or None
        The client ids, sorted; None is all of the account.
    topic : str
        An MQTT topic filter on the subpath; ``"#"`` is all.
    """

    clients: tuple[str, ...] | None = None
    topic: str = "#"

    @property
    def client_id(self) -> list[str] | None:
        """The clients as a loader takes them: a list of them, None for all."""
        return None if self.clients is None else list(self.clients)

    @classmethod
    def of(cls, client_id: object, topic: object = "#") -> Selector:
        """Make a selector from what a loader is given.

        Raises
        ------
        UsageError
            A client id is empty or no text, or the topic is no MQTT filter.
        """
        if client_id is None:
            clients = None
        else:
            listed = getattr(client_id, "tolist", getattr(client_id, "to_list", None))  # numpy, pandas, Arrow; Polars
            given = client_id if listed is None else listed()
            given = list(given) if isinstance(given, list | tuple | AbstractSet) else [given]
            for one in given:
                is_text = isinstance(one, str) and one.strip() and not re.search("[/+#]", one)
                if not is_text or HALF.search(one) or without_tokens(one) != one:
                    told = repr(one) if isinstance(one, str | int | float | None) else f"a {type(one).__name__}"
                    is_topic = isinstance(one, str) and re.search("[/+#]", one) and len(given) == 1
                    raise UsageError(
                        f"client_id={told} is not a client id; give the device's own id as the portal lists it, "
                        "a list of them, or None for all clients"
                        + (f". A topic is given by name: topic={told}" if is_topic else "")
                    )
            if not given:
                raise UsageError("client_id=[] names no client; leave it out, or give None, for all clients")
            clients = tuple(sorted(set(given)))
        return cls(clients, check_filter(topic))

    def __str__(self) -> str:
        who = "all clients" if self.clients is None else ", ".join(self.clients)
        return f"{who} · {self.topic}"

    def mask(self, table: pa.Table) -> pa.ChunkedArray:
        """Give a boolean for each message of a table: whether the selector means it."""
        wanted = pa.chunked_array([pa.repeat(pa.scalar(True), len(table))])
        if self.clients is not None:
            wanted = pc.is_in(table["client_id"], value_set=pa.array(self.clients, pa.string()))
        if self.topic != "#":
            topics = pc.unique(table["topic"])
            hits = [t for t in topics.to_pylist() if covers(self.topic, t)]
            wanted = pc.and_(wanted, pc.is_in(table["topic"], value_set=pa.array(hits, pa.string())))
        return wanted

    def select(self, table: pa.Table) -> pa.Table:
        """Give the messages of a table that the selector means."""
        return table if self.clients is None and self.topic == "#" else table.filter(self.mask(table))


@lru_cache(4096)
def split_topic(
    topic: str, *, client_id: str | None = None, account_id: str | None = None
) -> tuple[str | None, str | None, str]:
    """Split a platform path ``[{prefix}/]{account_id}/{client_id}/{subpath}``.

    Parameters
    ----------
    topic : str
        The topic as the portal gave it, with or without account and client.
    client_id : str, optional
        The client, where the answer named it beside the topic.
    account_id : str, optional
        The account in use, where it is known.

    Returns
    -------
    account_id, client_id, subpath : str or None, str or None, str
        None where neither the topic nor the arguments say. What the topic says of the client comes first: behind
        a credential that a fleet shares, the topic names the device and the row beside it only the login.
    """
    levels = topic.split("/")
    pairs = list(enumerate(levels[:-1]))
    at = next((i for i, level in pairs if level and level == account_id), None)
    if at is None:
        uuids = [i for i, level in pairs if _UUID.fullmatch(level)]
        if client_id is None:
            at = next(iter(uuids), None)
        elif levels[0] != client_id:
            at = next((i for i in uuids if levels[i + 1] == client_id or i == 0), None)
    if at is not None:
        return levels[at], levels[at + 1], "/".join(levels[at + 2 :])
    if client_id is not None and levels[0] == client_id and len(levels) > 1:
        return None, client_id, "/".join(levels[1:])
    return None, client_id, topic
