"""The ledger: which parts count, and which span of which selector was fetched when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from isr_analysis import messages, times
from isr_analysis.messages import Selector
from isr_analysis.times import Range

ALL = "*"
"""Stands for all clients in a span."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
    file TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, clients TEXT NOT NULL, topics TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS part_time ON part (first, last);
CREATE TABLE IF NOT EXISTS span (
    client TEXT NOT NULL, topic TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS span_time ON span ("end", start);
CREATE TABLE IF NOT EXISTS failure (
    client TEXT NOT NULL, topic TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    at INTEGER NOT NULL, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS speed (requests REAL NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS gone (file TEXT PRIMARY KEY, at INTEGER NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of messages.

    Parameters
    ----------
    file : str
        Its name, relative to the folder of parts.
    first, last : int
        The first and last instant in it, ns.
    rows, bytes : int
        Messages in it, and its size.
    clients, topics : frozenset of str
        What occurs in it.
    """

    file: str
    first: int
    last: int
    rows: int
    bytes: int
    clients: frozenset[str]
    topics: frozenset[str]

    def concerns(self, selector: Selector) -> bool:
        """Tell whether there can be a message in it that the selector means."""
        return (selector.clients is None or not self.clients.isdisjoint(selector.clients)) and (
            selector.topic == "#" or any(messages.topic_matches(selector.topic, topic) for topic in self.topics)
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A fetched span of one selector.

    Parameters
    ----------
    client : str
        A client id, or `ALL`.
    topic : str
        The topic filter that was asked for.
    range : Range
        What was asked for.
    fetched_at : int
        When, ns.
    """

    client: str
    topic: str
    range: Range
    fetched_at: int

    def settled(self, settle: int) -> Range:
        """Give the part that was old enough when it was fetched for late messages to have come."""
        return Range(self.range.start, max(self.range.start, min(self.range.end, self.fetched_at - settle)))


def parts(db: sqlite3.Connection, span: Range, selector: Selector) -> list[Part]:
    """Give the parts that can hold messages of a selector in a span."""
    rows = db.execute(
        "SELECT file, first, last, rows, bytes, clients, topics FROM part "
        "WHERE last >= ? AND first < ? ORDER BY first, file",
        (span.start, span.end),
    )
    found = (
        Part(file, first, last, count, size, frozenset(json.loads(clients)), frozenset(json.loads(topics)))
        for file, first, last, count, size, clients, topics in rows
    )
    return [part for part in found if part.concerns(selector)]


def files(db: sqlite3.Connection) -> set[str]:
    """Give the names of all parts that count."""
    return {row[0] for row in db.execute("SELECT file FROM part")}


def spans(db: sqlite3.Connection, span: Range, selector: Selector) -> list[Span]:
    """Give the fetched spans that say something of a selector, over a span."""
    rows = db.execute(
        'SELECT client, topic, start, "end", fetched_at FROM span WHERE "end" > ? AND start < ? ORDER BY start',
        (span.start, span.end),
    )
    return [
        Span(client, topic, Range(start, end), at)
        for client, topic, start, end, at in rows
        if messages.covers(topic, selector.topic)
        and (client == ALL or (selector.clients is not None and client in selector.clients))
    ]


def replace_parts(db: sqlite3.Connection, old: Iterable[Part], new: Iterable[Part], now: int) -> None:
    """Let new parts count in place of old ones, whose files go after a while."""
    for part in old:
        db.execute("DELETE FROM part WHERE file = ?", (part.file,))
        db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (part.file, now))
    for part in new:
        db.execute(
            "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                part.file, part.first, part.last, part.rows, part.bytes,
                json.dumps(sorted(part.clients)), json.dumps(sorted(part.topics)),
            ),
        )  # fmt: skip


def note(db: sqlite3.Connection, selector: Selector, span: Range, fetched_at: int) -> None:
    """Write down that a selector was fetched over a span; what was known of the same before gives way."""
    for client in selector.clients or (ALL,):
        older = db.execute(
            'SELECT rowid, start, "end", fetched_at FROM span '
            'WHERE client = ? AND topic = ? AND "end" > ? AND start < ?',
            (client, selector.topic, span.start, span.end),
        ).fetchall()
        for rowid, start, end, at in older:
            db.execute("DELETE FROM span WHERE rowid = ?", (rowid,))
            for rest in Range(start, end).minus([span]):
                db.execute(
                    "INSERT INTO span VALUES (?, ?, ?, ?, ?)",
                    (client, selector.topic, rest.start, rest.end, at),
                )
        db.execute(
            "INSERT INTO span VALUES (?, ?, ?, ?, ?)",
            (client, selector.topic, span.start, span.end, fetched_at),
        )
        db.execute(
            'DELETE FROM failure WHERE client = ? AND topic = ? AND start >= ? AND "end" <= ?',
            (client, selector.topic, span.start, span.end),
        )


def fail(db: sqlite3.Connection, selector: Selector, span: Range, at: int, words: str) -> None:
    """Write down that a span could not be fetched, and why, until it can."""
    for client in selector.clients or (ALL,):
        db.execute(
            'DELETE FROM failure WHERE client = ? AND topic = ? AND start = ? AND "end" = ?',
            (client, selector.topic, span.start, span.end),
        )
        db.execute(
            "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?)", (client, selector.topic, span.start, span.end, at, words)
        )


def failures(db: sqlite3.Connection, span: Range, selector: Selector) -> list[tuple[Span, str]]:
    """Give the spans that could not be fetched when last tried, and the portal's or our words."""
    rows = db.execute(
        'SELECT client, topic, start, "end", at, words FROM failure WHERE "end" > ? AND start < ? ORDER BY start',
        (span.start, span.end),
    )
    return [
        (Span(client, topic, Range(start, end), at), words)
        for client, topic, start, end, at, words in rows
        if messages.overlap(topic, selector.topic)
        and (client == ALL or selector.clients is None or client in selector.clients)
    ]


def note_speed(db: sqlite3.Connection, requests: int, seconds: float) -> None:
    """Keep how long a request takes; what was long ago counts less and less."""
    former = speed(db) or (0.0, 0.0)
    db.execute("DELETE FROM speed")
    db.execute("INSERT INTO speed VALUES (?, ?)", (former[0] * 0.8 + requests, former[1] * 0.8 + seconds))


def speed(db: sqlite3.Connection) -> tuple[float, float] | None:
    """Give requests and the seconds that they took; None if there were none yet."""
    row = db.execute("SELECT requests, seconds FROM speed").fetchone()
    return (float(row[0]), float(row[1])) if row else None


def held(found: list[Span], client: str, *, now: int, settle: int, max_age: int | None) -> list[Range]:
    """Give the ranges that need not be asked for again for one client (or `ALL`).

    A settled part counts for good, the rest while it is younger than `max_age` (ns; None is for ever).
    """
    return [
        span.range if max_age is None or now - span.fetched_at < max_age else span.settled(settle)
        for span in found
        if span.client in (ALL, client)
    ]


def provisional_from(found: list[Span], selector: Selector, span: Range, *, settle: int) -> int | None:
    """Give the first instant of a span that is not settled, or None."""
    starts = []
    for client in selector.clients or (ALL,):
        open_ = span.minus([one.settled(settle) for one in found if one.client in (ALL, client)])
        starts += [one.start for one in open_]
    return min(starts, default=None)


def gone(db: sqlite3.Connection, now: int, grace: int = times.HOUR) -> list[str]:
    """Take the files off the list of the gone that no reader can have open any more, and name them."""
    files = [row[0] for row in db.execute("SELECT file FROM gone WHERE at < ?", (now - grace,))]
    db.executemany("DELETE FROM gone WHERE file = ?", [(file,) for file in files])
    return files
