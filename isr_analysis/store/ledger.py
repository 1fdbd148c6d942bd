"""The ledger: which parts count, and which span of which selector was fetched when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from isr_analysis import database, messages, times
from isr_analysis.messages import Selector
from isr_analysis.times import Range

ALL = "*"
"""Stands for all clients in a span."""

TOO_OLD = "too old: "
"""How the words of a failure begin if the portal refused the span as such, and it counts as fetched."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
    file TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, clients TEXT NOT NULL, topics TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS part_time ON part (first, last);
CREATE TABLE IF NOT EXISTS span (
    client TEXT NOT NULL, topic TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL, margin INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS span_time ON span ("end", start);
CREATE TABLE IF NOT EXISTS failure (
    client TEXT NOT NULL, topic TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    at INTEGER NOT NULL, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS speed (requests REAL NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS gone (file TEXT PRIMARY KEY, at INTEGER NOT NULL)
"""

MIGRATIONS = (
    """
    ALTER TABLE span ADD COLUMN margin INTEGER NOT NULL DEFAULT 0;
    UPDATE span SET margin = fetched_at - "end";
    """,
)
"""What brings a ledger of format 1, 2, … to the next one. The format goes up with each, and with nothing else."""

FORMAT = database.Format(SCHEMA, MIGRATIONS)


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
            selector.topic == "#" or any(messages.covers(selector.topic, topic) for topic in self.topics)
        )

    def lies_in(self, span: Range) -> bool:
        """Tell whether every message in it lies in a span."""
        return span.start <= self.first and self.last < span.end

    def is_all(self, selector: Selector, span: Range) -> bool:
        """Tell whether every message in it lies in a span and is meant by the selector."""
        return (
            self.lies_in(span)
            and (selector.clients is None or self.clients.issubset(selector.clients))
            and (selector.topic == "#" or all(messages.covers(selector.topic, topic) for topic in self.topics))
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
        When, ns; of a span that several fetches filled, the first of them.
    margin : int
        Each instant of it was fetched so long after it, ns, or longer.
    """

    client: str
    topic: str
    range: Range
    fetched_at: int
    margin: int

    def settled(self, settle: int) -> Range:
        """Give the part that was old enough when it was fetched for late messages to have come."""
        return self.range if self.margin >= settle else self.range.before(self.fetched_at - settle)


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
    """Give the names of all parts that count, and of those that did and are not removed yet."""
    return {row[0] for row in db.execute("SELECT file FROM part UNION SELECT file FROM gone")}


def all_spans(db: sqlite3.Connection, span: Range) -> list[Span]:
    """Give the fetched spans, of any selector, that touch a span, in order of time."""
    rows = db.execute(
        'SELECT client, topic, start, "end", fetched_at, margin FROM span WHERE "end" > ? AND start < ? ORDER BY start',
        (span.start, span.end),
    )
    return [Span(client, topic, Range(start, end), at, margin) for client, topic, start, end, at, margin in rows]


def spans(db: sqlite3.Connection, span: Range, selector: Selector) -> list[Span]:
    """Give the fetched spans that say something of a selector, over a span, in order of time."""
    return [
        one
        for one in all_spans(db, span)
        if messages.covers(one.topic, selector.topic)
        and (one.client == ALL or (selector.clients is not None and one.client in selector.clients))
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


def note(db: sqlite3.Connection, selector: Selector, span: Range, fetched_at: int, *, settle: int) -> None:
    """Write down that a selector was fetched over a span; what was known of it, or of part of it, gives way."""
    for client in selector.clients or (ALL,):
        forget(db, span, client=client, topic=selector.topic)
        _insert(db, Span(client, selector.topic, span, fetched_at, fetched_at - span.end))
        _join(db, client, selector.topic, span, settle)
        _make_good(db, span, client, selector.topic)


def forget(db: sqlite3.Connection, span: Range, *, client: str = ALL, topic: str = "#") -> None:
    """Let a span count as never fetched, for the selectors that `client` and `topic` answer; by default for all."""
    older = db.execute(
        'SELECT rowid, client, topic, start, "end", fetched_at, margin FROM span WHERE "end" > ? AND start < ?',
        (span.start, span.end),
    ).fetchall()
    for rowid, whose, what, start, end, at, margin in older:
        if client in (ALL, whose) and messages.covers(topic, what):
            db.execute("DELETE FROM span WHERE rowid = ?", (rowid,))
            for rest in Range(start, end).minus([span]):
                _insert(db, Span(whose, what, rest, at, max(margin, at - rest.end)))


def is_ahead(db: sqlite3.Connection, future: Range) -> bool:
    """Tell whether something was fetched in what is still to come: the clock was ahead then."""
    row = db.execute("SELECT 1 FROM span WHERE fetched_at >= ? AND fetched_at < ?", (future.start, future.end))
    return row.fetchone() is not None


def forget_ahead(db: sqlite3.Connection, future: Range) -> None:
    """Let what was fetched in what is still to come count as never fetched."""
    db.execute("DELETE FROM span WHERE fetched_at >= ? AND fetched_at < ?", (future.start, future.end))


def _insert(db: sqlite3.Connection, one: Span) -> None:
    db.execute(
        "INSERT INTO span VALUES (?, ?, ?, ?, ?, ?)",
        (one.client, one.topic, one.range.start, one.range.end, one.fetched_at, one.margin),
    )


def _join(db: sqlite3.Connection, client: str, topic: str, span: Range, settle: int) -> None:
    """Make one of the settled spans that touch, of the UTC days of a span: each look at today would leave one."""
    days = span.whole(times.DAY)
    rows = db.execute(
        'SELECT rowid, start, "end", fetched_at, margin FROM span '
        'WHERE client = ? AND topic = ? AND start >= ? AND "end" <= ? AND margin >= ? ORDER BY start',
        (client, topic, days.start, days.end, settle),
    ).fetchall()
    joined: list[Span] = []
    for _, start, end, at, margin in rows:
        one = Span(client, topic, Range(start, end), at, margin)
        before = joined[-1] if joined else None
        if before and before.range.end == start:
            whole = Range(before.range.start, end)
            joined[-1] = Span(client, topic, whole, min(before.fetched_at, at), min(before.margin, margin))
        else:
            joined.append(one)
    if len(joined) < len(rows):
        db.executemany("DELETE FROM span WHERE rowid = ?", [(row[0],) for row in rows])
        for one in joined:
            _insert(db, one)


def _make_good(db: sqlite3.Connection, span: Range, client: str, topic: str) -> None:
    """Forget, within a span, the failures that a fetch of a client, or of all, has made good."""
    older = db.execute(
        'SELECT rowid, client, topic, start, "end", at, words FROM failure '
        'WHERE ? IN (client, ?) AND "end" > ? AND start < ?',
        (client, ALL, span.start, span.end),
    ).fetchall()
    for rowid, whose, what, start, end, at, words in older:
        if messages.covers(topic, what):
            db.execute("DELETE FROM failure WHERE rowid = ?", (rowid,))
            for rest in Range(start, end).minus([span]):
                db.execute(
                    "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?)", (whose, what, rest.start, rest.end, at, words)
                )


def fail(db: sqlite3.Connection, selector: Selector, span: Range, at: int, words: str) -> None:
    """Write down that a span could not be fetched, and why, until it can.

    That it was too old still holds where it fails in another way later.
    """
    for client in selector.clients or (ALL,):
        db.execute(
            'DELETE FROM failure WHERE client = ? AND topic = ? AND start = ? AND "end" = ? '
            "AND substr(words, 1, ?) IS NOT ?",
            (client, selector.topic, span.start, span.end, len(TOO_OLD), TOO_OLD),
        )
        db.execute(
            "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?)", (client, selector.topic, span.start, span.end, at, words)
        )


def failures(db: sqlite3.Connection, span: Range, topic: str) -> list[tuple[Span, str]]:
    """Give what could not be fetched of a topic, of any client, when last tried, the newest first, and why."""
    rows = db.execute(
        'SELECT client, topic, start, "end", at, words FROM failure WHERE "end" > ? AND start < ? '
        "ORDER BY at DESC, rowid DESC",
        (span.start, span.end),
    )
    return [
        (Span(client, tried, Range(start, end), at, at - end), words)
        for client, tried, start, end, at, words in rows
        if messages.overlap(tried, topic)
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


def gone(db: sqlite3.Connection, before: int) -> list[str]:
    """Give the files that were replaced before an instant, ns."""
    return [row[0] for row in db.execute("SELECT file FROM gone WHERE at < ?", (before,))]


def removed(db: sqlite3.Connection, files: Iterable[str]) -> None:
    """Write down that files that were replaced are no more."""
    db.executemany("DELETE FROM gone WHERE file = ?", [(file,) for file in files])
