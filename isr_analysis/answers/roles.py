"""Which column of an answer is what, by its name and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, instants, paths, raw, shape
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.instants import are_ages, is_date, is_instant, is_of_these_years, of_object
from isr_analysis.answers.keys import KEY
from isr_analysis.answers.payload import coding, holds_object
from isr_analysis.answers.shape import (
    Asked,
    Fields,
    is_bookkeeping,
    is_of_making,
    is_of_payload,
    is_other_time,
    is_unit,
    leaf,
    may_be_time,
    of_last,
    of_record,
    part_of_second,
    pick,
    plain,
    time_rank,
)
from isr_analysis.errors import AnswerError

_CODING = re.compile(r"base64|b64|hex")
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of an answer by what they are.

    Parameters
    ----------
    time : tuple of str
        The instants, the published one first; a row is of the first that it has.
    client, topic, account, encoding : str or None
        None if there is no such column.
    payload : tuple of str
        The columns that hold payloads; a row's is the first that it has. Empty if payloads are spread over their rows.
    spread : tuple of str
        The columns over which payloads are spread.
    extra : tuple of str
        The rest.
    fragment : (str, str) or None
        The columns of a field's name and value, where a row is one field of a message; its tags are in `spread`.
    shown : str or None
        The column of payloads, where not its name but what it holds shows that it is that.
    part : str or None
        The column of the parts of a second that the first of `time` lacks.
    """

    time: tuple[str, ...]
    client: str | None
    topic: str | None
    account: str | None
    encoding: str | None
    payload: tuple[str, ...]
    spread: tuple[str, ...]
    extra: tuple[str, ...]
    fragment: tuple[str, str] | None = None
    shown: str | None = None
    part: str | None = None


def lift(table: Columns, fields: Fields) -> Columns:
    """Put the members of a nested object in the place of its column if time, client, topic or payload are in it."""
    table = _stamped(_dated(paths.levelled(table)))
    given = {name.rpartition(".")[0] for name in (fields.time, fields.client_id, fields.topic, fields.payload) if name}
    for _ in range(4):
        topical = pick(columns.scalars(table), shape.TOPIC) or paths.any_of(table)
        times = times_of(table) or (_other_times(table) if topical else {})
        payload = pick(table, shape.PAYLOADS)
        held = {name: raw.members(one) for name, column in table.items() if (one := _object(column)) is not None}
        clocks = {name for name, inner in held.items() if is_timed(inner)}
        for name in sorted(held, key=lambda one: one not in clocks):  # a message before a last will, which has no time
            whole = name in (payload, columns.REST, fields.payload) or plain(name) in shape.PAYLOAD
            if (whole or plain(name) in shape.WILL) and name not in given:
                continue
            inner, timed = held[name], name in clocks
            brings = (not times or min(times.values()) == shape.SEEN) and timed
            if plain(name) not in shape.PERHAPS_PAYLOAD:
                lacking = [known for known in (shape.CLIENT, shape.TOPIC) if not pick(columns.scalars(table), known)]
                spelled = [f"{name}.{one}" for one in inner]
                brings = brings or any(pick(spelled, known) for known in lacking)
                path = shape.TOPIC in lacking and not pick(table, shape.PERHAPS_TOPIC)
                brings = brings or (path and any(paths.account_of(one) for one in inner.values()))
            if name in given or brings or (payload is None and pick(inner, shape.PAYLOADS)):
                values = [one if one and raw.kind(one) == "{" else b"{}" for one in table[name].to_pylist()]
                parts, _ = columns.of_arrays([b"[" + b",".join(values) + b"]"])
                table = {one: column for one, column in table.items() if one != name}
                table |= {f"{name}.{one}": column for one, column in parts.items()}
                break
        else:
            break
    return paths.levelled(table)


def _object(column: pa.ChunkedArray) -> bytes | None:
    """Give the first value of a column, if it is an object."""
    value = columns.sample(column)
    return value if isinstance(value, bytes) and raw.kind(value) == "{" else None


def is_timed(inner: dict[str, bytes]) -> bool:
    """Tell whether an object says when it was."""
    return any(time_rank(one) is not None and _instant(one, text) for one, text in inner.items())


def of_publishers(table: Columns) -> Columns:
    """Name the instants of a live answer at which its publishers were made, rather than their last messages.

    They are that where a field says ``last`` of a message, or another field has an instant.
    """
    made = {name for name in table if is_of_making(name)}
    others = [name for name in table if name not in made]
    last = any(plain(name).startswith("last") and is_of_message(name) for name in others)
    if not last and not any(time_rank(name) is not None for name in others):
        return table
    return {shape.PUBLISHERS + name if name in made else name: column for name, column in table.items()}


class _Left:
    """The columns of an answer that have no role yet; each is taken once."""

    def __init__(self, table: Columns, asked: Asked) -> None:
        self._table = table
        self._asked = asked
        self._scalars = set(columns.scalars(table))
        self.names = dict.fromkeys(name for name in table if not name.startswith(KEY))

    def take(self, given: str | None, known: tuple[str, ...], *, within: list[str] | None = None) -> str | None:
        """Take the column that the contract gives, else the first of those that are known by their names."""
        if given is not None and given not in self._table:
            raise AnswerError(
                f"the field {given!r}, which the contract names, is not in the rows; they have "
                f"{columns.listed(self._table)}"
            )
        name = given or pick(self.names if within is None else within, known)
        self.names.pop(name or "", None)
        return name

    def times(self, payload: str | None) -> dict[str, int]:
        """Give the columns of instants, with their ranks."""
        table = self._table
        times = {name: rank for name, rank in times_of(table).items() if name != payload}
        times = times or _other_times(table) or _only_time({name: table[name] for name in self.names})
        if not times:
            raise AnswerError(
                f"no field of the rows holds an instant; they have {columns.listed(table)}{_unread(table)}"
            )
        return times | {name: -1 for name in times if name == self._asked.fields.clock}

    def topic(self) -> str | None:
        """Take the column of topics."""
        table, asked = self._table, self._asked
        topics = paths.topics(table, self._texts(), asked.account_id)
        perhaps = shape.PERHAPS_TOPIC if asked.one_topic else (*shape.PERHAPS_TOPIC, "name", "id")
        topic = self.take(asked.fields.topic, (*shape.TOPIC, *perhaps), within=topics)
        return topic or self.take(paths.other_path(table, topics, asked), ())

    def client(self, topic: str | None) -> str | None:
        """Take the column of clients, beside that of topics."""
        table, asked = self._table, self._asked
        if paths.is_whole(table, topic, asked.account_id):  # a device or station beside it is the payload's own
            return self.take(asked.fields.client_id, shape.SURE_CLIENT, within=self._texts())
        keyed = any(name.startswith(KEY) for name in table)
        perhaps = () if keyed or asked.client_id else shape.PERHAPS_CLIENT
        known = (*shape.CLIENT, *(shape.UNNAMED if asked.live else ()), *perhaps)
        client = self.take(asked.fields.client_id, known, within=self._texts())
        if client is None and not keyed:
            logins = [name for name in self.names if _is_all(table, name, asked.client_id)]
            client = self.take(None, ("username",), within=logins)
        return client

    def payloads(self, payload: str | None) -> tuple[list[str], str | None]:
        """Take the columns of payloads beside one, or without it, and the one that says how they are coded."""
        payloads = [payload] if payload else []
        encoding = self.take(coding(self._table, self.names, payload) if payload else None, ())
        encoded = [one for one in (self.take(None, shape.BASE64), self.take(None, shape.HEX)) if one]
        while payload and not self._asked.fields.payload and (other := self.take(None, shape.PAYLOAD)):
            payloads.append(other)  # a row may have its payload in either
        plainly = {_CODING.sub("", plain(name)) for name in encoded} - {""}
        bare = [self.take(None, (name,)) for name in sorted(plainly)]  # data, beside data_base64
        payloads += [one for one in (*bare, *encoded) if one]
        return payloads, encoding or (self.take(None, shape.ENCODING) if payload or encoded else None)

    def _texts(self) -> list[str]:
        """Give those that are left and hold no objects or arrays."""
        return [name for name in self.names if name in self._scalars]


def assign(table: Columns, asked: Asked) -> Roles:
    """Find the role of each column.

    Raises
    ------
    AnswerError
        A field that the contract names is not there, or nothing holds an instant.
    """
    fields, live, left = asked.fields, asked.live, _Left(table, asked)
    payload, stated = left.take(fields.payload, shape.PAYLOAD), left.take(fields.time, ())
    times = {stated: 0} if stated else left.times(payload)
    part = _part(table, times, fields)
    times.pop(part or "", None)
    # Of a row of a live answer, when it was last changed says less than when its publisher was last seen.
    ranked = sorted(times, key=lambda n: (times[n], "updated" in plain(n), "." not in n) if live else times[n])
    topic = left.topic()
    client, account = left.client(topic), left.take(None, shape.ACCOUNT)
    for name in (ranked[0], part):
        left.names.pop(name or "", None)
    payloads, encoding = left.payloads(payload)
    noted = _noted(table, left.names, live=live)
    spread = [name for name in left.names if name not in noted]
    own = tuple(name for name in ranked if name == ranked[0] or times[name] not in (shape.VAGUE, shape.EVENT))
    fragment = next((pair for pair in shape.FRAGMENT if pair[0] in spread and pair[1] in spread), None)
    if fragment and not payloads and (fragment[0] == "_field" or len(spread) == 2):  # noqa: PLR2004
        tags = tuple(name for name in spread if name not in fragment)
        return Roles(own, client, topic, account, None, (), tags, tuple(noted), fragment, part=part)
    shown = None
    if not payloads:
        candidate, coded, shown = _among(table, paths.without_clients(table, spread, topic, asked), topic, live=live)
        if candidate is None and spread:
            return Roles(own, client, topic, account, None, (), tuple(spread), tuple(noted), part=part)
        if candidate:
            left.names.pop(candidate)
            payloads, encoding = [candidate], left.take(coded, shape.ENCODING)
    extra = tuple(left.names)
    return Roles(tuple(ranked), client, topic, account, encoding, tuple(payloads), (), extra, shown=shown, part=part)


def _unread(table: Columns) -> str:
    """Show what a field holds that is called as times are."""
    name = next(
        (one for one in table if time_rank(one) in (shape.PUBLISHED, shape.PLAIN) and columns.sample(table[one])), None
    )
    if name is None:
        return ""
    value = columns.sample(table[name])
    text = (value if isinstance(value, str) else (value or b"").decode("utf-8", "replace"))[:40]
    return f"; {name!r} holds {text!r}, which is neither ISO 8601, with year, month and day, nor a number since 1970"


def _dated(table: Columns) -> Columns:
    """Join a day and a time of day that stand in columns of their own."""
    day = next((name for name in table if plain(name) in ("date", "day") and _holds(table, name, _DAY)), None)
    clock = next((name for name in table if plain(name) in ("time", "timeofday") and _holds(table, name, _CLOCK)), None)
    if day is None or clock is None:
        return table
    parts = columns.texts(table[day], day), columns.texts(table[clock], clock)
    return {name: column for name, column in table.items() if name != day} | {
        clock: pc.binary_join_element_wise(*parts, pa.scalar("T"))
    }


def _stamped(table: Columns) -> Columns:
    """Give instants that stand as objects, of protobuf, Firestore or MongoDB, as numbers or texts; if no others do."""
    if any(rank != shape.SEEN for rank in times_of(table).values()):
        return table
    for name, column in table.items():
        value = columns.sample(column)
        if time_rank(name) is None or not isinstance(value, bytes) or of_object(value) is None:
            continue
        texts = [None if one is None else of_object(one) or one for one in column.to_pylist()]
        table = table | {name: columns.json_texts(texts)}
    return table


def _holds(table: Columns, name: str, pattern: re.Pattern[str]) -> bool:
    return pattern.fullmatch(columns.sample_text(table[name])) is not None


def times_of(table: Columns) -> dict[str, int]:
    """Give the columns that hold instants, with their ranks; of days alone only if none says more of each row."""
    found: dict[str, int] = {}
    aside = of_record(table)
    for name, column in table.items():
        rank = None if name in aside else time_rank(name)
        if rank is not None and not name.startswith(shape.PUBLISHERS) and _instant(name, columns.sample(column)):
            found |= {} if rank == shape.SEEN and are_ages(column, name) else {name: rank}
    finer = {name: rank for name, rank in found.items() if not _holds(table, name, _DAY)}
    if len(finer) < len(found) and any(
        rank != shape.SEEN and pc.all(columns.present(table[name])).as_py() for name, rank in finer.items()
    ):
        return finer
    return found


def _part(table: Columns, times: dict[str, int], fields: Fields) -> str | None:
    """Find the column of the parts of a second that the instants lack which count."""
    spread = pick(table, shape.PAYLOADS) is None
    for name, column in table.items():
        time = min((one for one in times if one != name), key=lambda one: times[one], default=name)
        unit = part_of_second(name, time)
        if unit is None or (spread and is_unit(name)):  # it may be a field of the payload
            continue
        whole = instants.to_ns(table[time], time, fields.time_form, fields.time_zone)
        if instants.completed(whole, column, unit) is not None:
            return name
    return None


def _other_times(table: Columns) -> dict[str, int]:
    """Give the columns of dates that are times of kinds that are not known."""
    return {name: shape.VAGUE for name in table if is_other_time(name) and is_date(columns.sample(table[name]))}


def _only_time(table: Columns) -> dict[str, int]:
    """Give the one column that holds dates, or numbers that are instants of these years, whatever its name.

    It is none if another one is called as times are: that was not read, or holds none.
    """
    if any(time_rank(name) not in (None, shape.VAGUE) for name in table):
        return {}
    found = [name for name in table if may_be_time(name) and is_of_these_years(columns.sample(table[name]))]
    return {name: shape.VAGUE for name in found if len(found) == 1}


def _instant(name: str, value: str | bytes | None) -> bool:
    if plain(name).endswith(("message", "msg", "event", "data", "payload")):  # when it was, or what it was
        return is_of_these_years(value)
    if isinstance(value, str):
        return is_instant(value.strip()) or value.strip().isdigit()
    if not value or raw.kind(value) not in ('"', "0"):
        return False
    if raw.kind(value) == '"':
        return _instant(name, raw.text(value))
    short = plain(name) in ("t", "at", "when", "date", "published", "received", "sent", "stored", "recorded", "created")
    return not short or is_instant(value.decode())


def _is_all(table: Columns, name: str, client_id: str | None) -> bool:
    """Tell whether a column of text may name clients: if one was asked for, no others."""
    if plain(name) != "username" or not isinstance(columns.sample(table[name]), str | bytes):
        return False
    return client_id is None or pc.unique(columns.texts(table[name], name)).drop_null().to_pylist() == [client_id]


def _among(
    table: Columns, names: list[str], topic: str | None, *, live: bool
) -> tuple[str | None, str | None, str | None]:
    """Find the one column that holds payloads, the one that says how they are coded, and the first if that shows it."""
    name = pick(names, shape.PERHAPS_PAYLOAD) or next(filter(is_of_payload, names), None)
    if held := name is None and _holder(table, names, topic):
        return held, None, held
    if name is None:
        return None, None, None
    said = coding(table, [one for one in names if one != name], name)
    is_payload = said or _is_alone(name, names, live=live) or holds_object(table[name])
    return (name, said, name if said else None) if is_payload else (None, None, None)


def _is_alone(name: str, names: list[str], *, live: bool) -> bool:
    """Tell whether a column has none beside it but other times; or is that of a last message."""
    others = [one for one in names if plain(one) not in (plain(name), f"{plain(name)}time") and time_rank(one) is None]
    return not others or (live and leaf(name).startswith("last"))


def _holder(table: Columns, names: list[str], topic: str | None) -> str | None:
    """Give the one column that is left if it holds objects and is no field of a payload that is spread over its row.

    That is so if messages of several topics have it and nothing else, or if it holds what is no object as well; or by
    its name: a single letter, as in ``{"t": …, "p": {…}}``, or a word for what holds a payload.
    """
    name = names[0] if len(names) == 1 else None
    if name is None or name == columns.REST or not holds_object(table[name]):
        return None
    column = columns.as_json(table[name])
    several = topic is not None and len(pc.unique(columns.texts(table[topic], topic))) > 1
    whole = column.null_count == 0
    mixed = whole and not pc.all(pc.starts_with(column, b"{")).as_py()
    known = len(plain(name)) == 1 or plain(name) in shape.HOLDERS
    return name if known or mixed or (several and whole) else None


def _noted(table: Columns, names: Collection[str], *, live: bool) -> list[str]:
    """Give the columns that are notes on a message, and no part of a payload that is spread over its row."""
    aside = {name for name in names if name.startswith((shape.AROUND, shape.PUBLISHERS))} | of_record(names)
    paths_again = {name for name in names if paths.is_topic(name) and paths.is_path(table, name)}
    notes = {name for name in names if is_bookkeeping(name, live=live)} | aside | paths_again
    return [name for name in names if name in notes and name != columns.REST]


def is_of_message(name: str) -> bool:
    """Tell whether a field of a live answer is of the message rather than of its publisher."""
    spelled = leaf(name)
    names = (*shape.PAYLOADS, *shape.PERHAPS_PAYLOAD, "lasttopic")
    return spelled in names or of_last(name) in shape.PAYLOADS or time_rank(name) not in (None, shape.SEEN)
