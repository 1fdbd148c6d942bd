"""A page of messages: what an answer holds, and what it says of the pages after it."""

from __future__ import annotations

import contextlib
import functools
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import messages
from isr_analysis.answers import (
    ages,
    columns,
    copies,
    failures,
    forms,
    fragments,
    instants,
    labels,
    paging,
    paths,
    payload,
    quoted,
    raw,
    roles,
    senml,
    shape,
    stamps,
    tables,
)
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.paging import Paging
from isr_analysis.answers.roles import Roles
from isr_analysis.answers.shape import Asked, Fields, is_account_id, pick, plain, time_rank
from isr_analysis.errors import AnswerError

_NEVER = rb'^(""|"?0(\.0+)?"?|"(0001|1970)-01-01([T ]00:00:00(\.0+)?(Z|[+-]00:?00)?)?")$'
"""The first instant of a kind, as programs write one that they were never given."""


@dataclass(frozen=True, slots=True)
class Page:
    """The messages of one answer.

    Parameters
    ----------
    messages : pyarrow.Table
        Of `messages.SCHEMA`, in the order of the answer. ``seq`` is 0 to n - 1 in the order of publishing: it runs
        backward through an answer that gives the newest first.
    rows : int
        How many rows the portal counted in the answer: what its limit on a page's size applies to.
    accounts : frozenset of str
        Every account that a topic or an account field names. The caller refuses others than its own.
    descending : bool or None
        Whether the newest come first; None where the answer does not tell (all of one instant, or of one row).
    fragments : bool
        Whether each row was one field of a message: then `merge` joins what two pages hold of one message.
    paging : Paging
        What the answer says of the pages after it.
    payload_form : str or None
        ``"base64"``, ``"hex"``, ``"bytes"`` or ``"boxed"`` if the payloads showed themselves that they are that, or
        one of `payload.STRINGS`: what other answers hold, too, where one alone would not tell.
    payload_unsure : bool
        Whether payloads may be coded bytes, and neither they nor a name show whether they are; or strings may be
        numbers, and no other payload shows how the portal gives these.
    payload_name : str or None
        The field that showed by what it holds that it is the payload, which one answer alone may not.
    zoneless : bool
        Whether instants name no zone, and nothing else does: they were taken to be UTC.
    aged : bool
        Whether instants follow from how long ago they were: they are right to a second or two.
    apart : stamps.Apart or None
        The message whose times are furthest apart, if its row has several: the portal may go by another one.
    """

    messages: pa.Table = field(default_factory=messages.empty)
    rows: int = 0
    accounts: frozenset[str] = frozenset()
    descending: bool | None = None
    fragments: bool = False
    paging: Paging = field(default_factory=Paging)
    payload_form: str | None = None
    payload_unsure: bool = False
    payload_name: str | None = None
    zoneless: bool = False
    aged: bool = False
    apart: stamps.Apart | None = None


def read_page(
    body: bytes,
    *,
    content_type: str | None = None,
    account_id: str | None = None,
    client_id: str | None = None,
    topic: str | None = None,
    fields: Fields | None = None,
    whole: bool = False,
) -> Page:
    """Read a page of history.

    Parameters
    ----------
    body : bytes
        The answer: JSON, JSON lines or sequences, CSV, InfluxDB's CSV, Parquet, Arrow; compressed or not.
    content_type : str, optional
        What the portal says that it is; the body itself is believed first.
    account_id : str, optional
        The account in use.
    client_id, topic : str, optional
        What was asked for: an answer about one client, or one topic without wildcards, need not name it again.
    fields : Fields, optional
        The names of the answer's fields, where they are known.
    whole : bool
        Whether it is known to have come whole: then the last line of CSV needs no end.

    Returns
    -------
    Page
        Its messages, and what it says of the next page. A page may be empty.

    Raises
    ------
    AnswerError
        The answer was not understood; the message says what came and what to do.

    Examples
    --------
    >>> body = b'[{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": {"on": true}}]'
    >>> read_page(body).messages["payload"].to_pylist()
    [b'{"on": true}']
    """
    return _read(body, content_type, Asked(fields or Fields(), False, account_id, client_id, topic), whole=whole)


def read_live(
    body: bytes,
    *,
    content_type: str | None = None,
    account_id: str | None = None,
    fields: Fields | None = None,
    answered_at: int | None = None,
) -> Page:
    """Read the last messages of the publishers.

    Parameters
    ----------
    body, content_type, account_id, fields
        As of `read_page`.
    answered_at : int, optional
        When the portal gave the answer, ns: an answer may say only how long ago each message was.

    Returns
    -------
    Page
        One message a publisher, or one a topic. A publisher that never published has none; what the portal says of
        the publisher beside its message is in ``extra``.

    Raises
    ------
    AnswerError
        The answer was not understood; the message says what came and what to do.
    """
    return _read(body, content_type, Asked(fields or Fields(), True, account_id, None, None, answered_at))


def shown(pages: Iterable[Page]) -> tuple[str | None, str | None]:
    """Give the form of payloads that some pages show, and their field, where others are to be read otherwise by it."""
    found = {payload.seen(one.payload_form, unsure=one.payload_unsure): one.payload_name for one in pages}
    coded = next((form for form in found if form not in (None, *payload.STRINGS)), None)
    form = coded or next((one for one in reversed(payload.STRINGS) if one in found), None)
    return (None, None) if form in (None, "objects") else (form, found[form])


def _read(body: bytes, content_type: str | None, asked: Asked, *, whole: bool = False) -> Page:
    try:
        found = forms.read(body, content_type, fields=asked.fields, live=asked.live, whole=whole)
        return _understood(*found, asked)
    except (AnswerError, UnicodeError) as exc:  # a name or a cursor may hold what is no text
        if (page := _of_files(body, content_type, asked)) is not None:
            return page
        what = "live answer" if asked.live else "history answer"
        said = str(exc).encode("utf-8", "backslashreplace").decode()
        raise AnswerError(f"the portal's {what} was not understood: {said}{failures.remedy(said)}") from exc


def _of_files(body: bytes, content_type: str | None, asked: Asked) -> Page | None:
    """Read a zip or tar file of which the paths tell what its rows do not; None if they do not either."""
    with contextlib.suppress(AnswerError, UnicodeError):
        found = None if asked.live else forms.read_files(body, content_type, fields=asked.fields)
        return None if found is None else _understood(*found, asked)
    return None


def _understood(table: Columns, notes: dict[str, bytes], asked: Asked) -> Page:
    """Give the page of some rows, and of what stands beside them."""
    rows = columns.length(table)
    if (zone := asked.fields.time_zone or _zone(notes)) is not None:
        asked = replace(asked, fields=replace(asked.fields, time_zone=zone))
    page = _page(table, asked) if rows else Page()
    named = {raw.text(one) for name, one in notes.items() if is_account_id(name) and raw.kind(one) == '"'}
    page = replace(page, accounts=page.accounts | named, rows=rows)
    return replace(page, payload_form=forms.taught(page.payload_form, notes), paging=paging.read(notes, rows))


def _zone(notes: dict[str, bytes]) -> str | None:
    """Give the time zone that an envelope names for its rows."""
    for name, value in notes.items():
        if shape.leaf(name) in ("timezone", "tz", "timezonename") and raw.kind(value) == '"':
            with contextlib.suppress(ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
                return zoneinfo.ZoneInfo(raw.text(value)).key
    return None


def _page(table: Columns, asked: Asked) -> Page:
    table = quoted.opened(senml.resolved(tables.of_series(fragments.of_names(table, asked))))
    table = roles.lift(table, asked.fields)
    stated: frozenset[str] = frozenset()
    aged = False
    if asked.live:
        stated = labels.accounts_of(table, asked.account_id)
        table, aged = ages.dated(table, asked)
        table = _published(roles.of_publishers(table))
        if not columns.length(table):
            return Page(accounts=stated)
    role = roles.assign(table, asked)
    coded = None
    if not asked.fields.payload and role.encoding is None and not role.fragment:
        role, coded = copies.of_coded(table, role)
    if coded is not None:
        asked = replace(asked, fields=replace(asked.fields, payload_form=coded))
    time = stamps.of_rows(table, role, asked)
    client, topic, accounts, shared = labels.labels(table, role, asked)
    if role.client is not None and shared:
        role = replace(role, extra=(*role.extra, role.client))
    extra = _extra(table, role)
    if role.fragment:
        at, published, noted = _joined(table, role, asked, (time, client, topic))
        time, client, topic = (one.take(at) for one in (time, client, topic))
        extra = pc.coalesce(noted, extra.take(at))
    else:
        published = _payload(table, role, asked)
    count = len(time)
    steps = np.diff(time.to_numpy())
    descending = None if not steps.any() else bool((steps < 0).sum() > (steps > 0).sum())
    seq = np.arange(count)[::-1] if descending else np.arange(count)
    made = pa.table(
        [
            time.cast(messages.SCHEMA.field("time").type), client, topic, published, seq,
            pa.repeat(messages.LIVE if asked.live else messages.HISTORY, count), extra,
        ],
        schema=messages.SCHEMA,
    )  # fmt: skip
    unnamed = len(role.payload) == 1 and role.encoding is None and payload.named_form(role.payload[0]) is None
    shown = coded or (payload.shown_form(table[role.payload[0]]) if unnamed else None)
    others = (table[name] for name in role.extra)
    unsure = unnamed and payload.is_unsure(table[role.payload[0]], others, shown, asked.fields.payload_form)
    if role.encoding and len(role.payload) == 1 and (said := copies.encoding(table, role.encoding, ())) is not None:
        shown, unsure = payload.strings_of(table[role.payload[0]], pc.fill_null(said, ""))
    zoneless = asked.fields.time_zone is None and instants.is_zoneless(table[role.time[0]])
    return Page(
        made, count, accounts | stated, descending, role.fragment is not None, payload_form=shown,
        payload_unsure=unsure, payload_name=role.shown, zoneless=zoneless, aged=aged,
        apart=None if asked.live or asked.fields.time else stamps.apart(table, made, time, role, asked),
    )  # fmt: skip


def _published(table: Columns) -> Columns:
    """Leave out the publishers of a live answer that never published: no payload, topic or instant of a message."""
    own = [name for name in table if not name.startswith(shape.PUBLISHERS)]
    names = [name for name in own if roles.is_of_message(name)]
    timed = [name for name in own if time_rank(name) is not None]
    names = names or timed
    if not names:
        return table
    there = columns.present(table[names[0]])
    for name in names[1:]:
        there = pc.or_(there, columns.present(table[name]))
    topic, seen = pick(own, shape.TOPIC), next((name for name in own if time_rank(name) == shape.SEEN), None)
    if topic and seen and not paths.is_pattern(table, topic):  # a message of null
        there = pc.or_(there, pc.and_(columns.present(table[topic]), columns.present(table[seen])))
    # Where neither instant nor topic nor payload is said, empty texts stand for null, and so does the first instant.
    said = [_is_said(table[name], timed=name in timed) for name in {*names, *timed, *([topic] if topic else [])}]
    there = pc.and_(there, functools.reduce(pc.or_, said))
    for name in (one for one in own if plain(one) in failures.FAILED):  # what it published could not be had
        failed = pc.and_(pc.invert(there), _is_stated(table[name]))
        if (at := pc.index(failed, True).as_py()) >= 0:
            raise AnswerError(f"{labels.row(table, at)} has no message and states {name}: {table[name][at].as_py()!r}")
    return {name: column.filter(there) for name, column in table.items()} if not pc.all(there).as_py() else table


def _is_said(column: pa.ChunkedArray, *, timed: bool) -> pa.ChunkedArray:
    """Tell for each row whether it has a value other than an empty text or, of instants, the first that there is."""
    nothing = pc.match_substring_regex(columns.as_json(column), _NEVER if timed else b'^""$')
    return pc.and_(columns.present(column), pc.invert(pc.fill_null(nothing, True)))


def _is_stated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell for each row whether it states a failure: no count, nor that the device is away or never published."""
    said = columns.as_json(column)
    fine = pc.is_in(said, value_set=pa.array(failures.NOTHING, pa.binary()))
    fine = pc.or_(fine, pc.match_substring_regex(said, failures.NO_MESSAGE))
    return pc.and_(columns.present(column), pc.invert(fine))


def _payload(table: Columns, role: Roles, asked: Asked) -> pa.ChunkedArray:
    if role.spread:
        # Flattened objects come as ``payload.on``, or as ``message.on`` beside ``message.time``.
        around = role.time[0].rpartition(".")[0]
        short = {name: name.removeprefix("payload.").removeprefix(f"{around}.") for name in role.spread}
        unique = {name: name if one in short else one for name, one in short.items()}
        return payload.spread({unique[name]: columns.filled(table[name]) for name in role.spread})
    if not role.payload:
        raise AnswerError(f"no field of the rows holds a payload; they have {columns.listed(table)}")
    encoding = copies.encoding(table, role.encoding, role.extra)
    found = None
    for name in (*reversed(copies.instead(table, role.payload, role.extra)), *reversed(role.payload)):
        form = payload.named_form(name) or asked.fields.payload_form or copies.form_of(table[name], name)
        one = payload.published(table[name], form, encoding)
        found = one if found is None else pc.if_else(columns.present(table[name]), one, found)
    return found


def _joined(
    table: Columns, role: Roles, asked: Asked, whose: tuple[pa.ChunkedArray, ...]
) -> tuple[pa.Array, pa.ChunkedArray, pa.ChunkedArray]:
    """Join rows of one field each; give the first row of each message, its payload, and the notes among its fields."""
    assert role.fragment is not None
    name, value = role.fragment
    tags = payload.spread({one: columns.filled(table[one]) for one in role.spread}) if role.spread else None
    shared = [one.to_pylist() for one in (*whose, *([] if tags is None else [tags]))]
    fields = labels.text_of(table, name)
    assert fields is not None
    found = fragments.gather(zip(*shared, strict=True), fields.to_pylist(), columns.as_json(table[value]).to_pylist())
    if found and all("payload" in members for _, members in found):  # the whole, with notes such as its QoS beside it
        made = payload.published(
            columns.json_texts([members.pop("payload") for _, members in found]), asked.fields.payload_form
        )
        notes = [columns.join(members).decode("utf-8", "replace") if members else None for _, members in found]
    else:
        own = [{} if tags is None else raw.members(tags[at].as_py()) for at, _ in found]
        made = columns.json_texts([columns.join(one | members) for one, (_, members) in zip(own, found, strict=True)])
        notes = [None] * len(found)
    return pa.array([at for at, _ in found]), made, columns.text(notes)


def _extra(table: Columns, role: Roles) -> pa.ChunkedArray:
    """Give what else the rows say, as JSON objects; null where that is nothing."""
    names = [name for name in role.extra if name != columns.REST]
    if not names:
        return pa.chunked_array([pa.nulls(columns.length(table), pa.string())])
    short = [name.rpartition(".")[2] for name in names]
    unique = [one if short.count(one) == 1 else name for one, name in zip(short, names, strict=True)]
    made = payload.spread({one: columns.as_json(table[name]) for one, name in zip(unique, names, strict=True)})
    try:
        made = made.cast(pa.string())
    except pa.ArrowInvalid:  # bytes that are no text
        made = columns.text([one.decode("utf-8", "replace") for one in made.to_pylist()])
    return pc.if_else(pc.equal(made, "{}"), None, made)
