"""The requests that a token has in an hour, shared by every process on the machine that uses it.

Our own count is a sliding hour. The portal's word, from its headers or a 429, overrides it.
"""

from __future__ import annotations

import contextlib
import email.utils
import math
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from isr_analysis import database, times
from isr_analysis.errors import QuotaExhaustedError, UsageError

PER_HOUR = 5000
"""Requests per hour and token, where the portal does not say otherwise."""

BRIEFLY = 60.0
"""Seconds that a request waits by itself, in all, where the portal says that it gives more then."""

_UNSAID = 61.0
"""Seconds after a 429 that does not say until when: too long to be waited for without being asked."""

_SILLY = 10**9
"""Requests, or seconds, that no portal means."""

_SHOWN = 10_000
_UNIT_OF = r"(ms|millis|milliseconds|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)"
_AGAIN = re.compile(
    r"""["'][\w-]*?(?:retry|(?<!p)resets?|try_?again)(?:[_-]?(?:after|in|at|on|delay|date|time|timestamp|epoch|utc))*"""
    rf"""(?:[_-]?{_UNIT_OF})?["']\s*:\s*["']?([\w.:+-]+(?: \d\d:[\w.:+-]+)?)""",
    re.IGNORECASE,
)
_PIECE = re.compile(rf"(\d+(?:\.\d+)?)\s*{_UNIT_OF}(?![a-z])", re.IGNORECASE)
_IN_WORDS = tuple(
    re.compile(rf"\b{before}\s+((?:{_PIECE.pattern}(?:[\s,]|and\b)*)+)", re.IGNORECASE)
    for before in (
        r"(?:again|retry|wait|available|resets?|for another)(?: in| after| for)?",
        "(?:in|after|for|another)",
    )
)
"""How a body says when to ask again: in a field, or in words, the plainest first."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}

_SHORT = {"limit": "q", "remaining": "r", "reset": "t"}
_TIGHT = 0.02
_LONGEST_PAUSE = 30.0
_ON_ITS_WAY = 10 * times.MINUTE
_SAME = 2 * times.SECOND
_AHEAD = times.MINUTE
"""How far ahead of the present something may have been noted, ns; what is farther was, by a clock that was wrong."""

_FORMAT = database.Format(
    """
CREATE TABLE IF NOT EXISTS request (token TEXT NOT NULL, at INTEGER NOT NULL, heard INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS request_at ON request (token, at);
CREATE TABLE IF NOT EXISTS word (
    token TEXT PRIMARY KEY, allowed INTEGER, remaining INTEGER, resets_at INTEGER, said_at INTEGER NOT NULL)
""",
    ("ALTER TABLE request ADD COLUMN heard INTEGER NOT NULL DEFAULT 0",),
)


@dataclass(frozen=True, slots=True)
class Quota:
    """What is known about a token's quota.

    Parameters
    ----------
    limit, left : int
        Requests per hour, and how many of them are left.
    resets_at : int
        When more requests are available, ns since 1970 UTC.
    told : bool
        Whether the portal said how many are left; else it is our own count.
    guessed : bool
        Whether the portal did not say when more are available.
    """

    limit: int
    left: int
    resets_at: int
    told: bool = False
    guessed: bool = False

    def is_brief(self, now: int) -> bool:
        """Tell whether the portal, where it gives no more, does so again soon: it limits the pace, and not the hour."""
        return self.told and not self.guessed and self.resets_at - now <= BRIEFLY * times.SECOND


@dataclass(frozen=True, slots=True)
class Word:
    """What the portal itself says, each None where it does not.

    Parameters
    ----------
    limit, remaining : int or None
        Requests per hour; how many are left.
    resets_in : float or None
        Seconds until they are given anew.
    """

    limit: int | None
    remaining: int | None
    resets_in: float | None


class Taken(NamedTuple):
    """A request's number, for `Tally.hear`, or None if it was not granted yet; and the seconds to wait then."""

    number: int | None
    pause: float


class Tally:
    """The shared count of one token's requests, by its fingerprint, never the token, in a file that processes share."""

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self._token = token

    def take(self, now: int, *, gently: bool = False) -> Taken:
        """Take one request off the quota.

        Parameters
        ----------
        now : int
            The present instant, ns.
        gently : bool
            It is one of many: near the end of the quota they are spaced out, over all processes together, so that the
            last of it lasts until there is more and smaller requests still find some.

        Raises
        ------
        QuotaExhaustedError
            None is left; nothing was sent. `retry_after` and the message say until when.
        """
        number, pause = None, 0.0
        # Losing the last second's count in a power cut is harmless, and a flush for each request is not.
        with database.transaction(self._path, _FORMAT, durable=False) as db:
            db.execute(
                "DELETE FROM request WHERE token = ? AND (at <= ? OR at > ?)",
                (self._token, now - times.HOUR, now + _AHEAD),
            )
            state = self._state(db, now)
            if gently and 0 < state.left <= state.limit * _TIGHT and self._is_end_known(db, state):
                (last,) = db.execute("SELECT max(at) FROM request WHERE token = ?", (self._token,)).fetchone()
                spacing = min(max(state.resets_at - now, 0) / times.SECOND / state.left, _LONGEST_PAUSE)
                pause = max((last or 0) + round(spacing * times.SECOND) - now, 0) / times.SECOND
            if state.left > 0 and not pause:
                number = db.execute("INSERT INTO request VALUES (?, ?, 0)", (self._token, now)).lastrowid
        if state.left <= 0:
            raise used_up(state, now)
        return Taken(number, pause)

    def _is_end_known(self, db: sqlite3.Connection, state: Quota) -> bool:
        """Tell whether it is known when there is more: what is left alone may be of a bucket that fills each second."""
        known = db.execute("SELECT 1 FROM word WHERE token = ? AND resets_at IS NOT NULL", (self._token,)).fetchone()
        return not state.told or known is not None

    def state(self, now: int) -> Quota:
        """Tell what is left, without taking any."""
        with database.snapshot(self._path, _FORMAT) as db:
            return Quota(PER_HOUR, PER_HOUR, now) if db is None else self._state(db, now)

    def hear(self, word: Word, now: int, number: int | None = None) -> None:
        """Note what the portal says of the quota, in its answer to the request of a number."""
        if word.remaining is None and word.limit is None:
            return
        resets_at = None if word.resets_in is None else now + round(word.resets_in * times.SECOND)
        with database.transaction(self._path, _FORMAT, durable=False) as db:
            remaining = word.remaining
            if remaining is not None:
                db.execute("UPDATE request SET heard = 1 WHERE rowid = ?", (number,))
                # Answers overtake each other: of one hour, the lowest word is the last.
                lower = db.execute(
                    "SELECT remaining FROM word WHERE token = ? AND abs(resets_at - ?) < ? AND remaining < ?",
                    (self._token, resets_at, _SAME, remaining),
                ).fetchone()
                remaining = lower[0] if lower else remaining
            db.execute(
                "INSERT OR REPLACE INTO word VALUES (?, ?, ?, ?, ?)",
                (self._token, word.limit, remaining, resets_at, now),
            )

    def _state(self, db: sqlite3.Connection, now: int) -> Quota:
        said = db.execute(
            "SELECT allowed, remaining, resets_at, said_at FROM word WHERE token = ? AND said_at <= ?",
            (self._token, now + _AHEAD),
        ).fetchone()
        allowed, remaining, resets_at, said_at = said or (None, None, None, 0)
        limit = allowed or PER_HOUR
        until = resets_at if resets_at is not None else said_at + times.MINUTE
        if remaining is not None and now < until:
            # What has no answer yet, the portal may have counted or not.
            (open_,) = db.execute(
                "SELECT count(*) FROM request WHERE token = ? AND at > ? AND NOT heard",
                (self._token, said_at - _ON_ITS_WAY),
            ).fetchone()
            guessed = until - said_at == _UNSAID * times.SECOND
            return Quota(limit, max(remaining - open_, 0), until, told=True, guessed=guessed)
        if resets_at is not None and resets_at - said_at <= BRIEFLY * times.SECOND:
            limit = PER_HOUR  # what was said limits the pace
        # Our own count: of an hour, or since the portal began a new one.
        since = max(now - times.HOUR, resets_at if resets_at is not None and remaining is not None else 0)
        used, oldest = db.execute(
            "SELECT count(*), min(at) FROM request WHERE token = ? AND at > ? AND at <= ?",
            (self._token, since, now + _AHEAD),
        ).fetchone()
        return Quota(limit, max(limit - used, 0), (oldest or now) + times.HOUR)


def used_up(state: Quota, now: int, words: str = "") -> QuotaExhaustedError:
    """Make the error of a used-up quota."""
    wait = max(state.resets_at - now, 0) / times.SECOND
    left = times.lasting(math.ceil(wait) * times.SECOND)
    said = f"; the portal said: {words}" if words else ""
    which = "requests" if state.told else f"{state.limit} requests of this hour"
    return QuotaExhaustedError(
        f"the token's {which} are used up until {times.iso(state.resets_at)[:19]}Z "
        f"(in {left}){said}. What was fetched is kept; try again then, ask for less, or let a load wait by itself "
        "(wait=True; isr sync --wait)",
        status_code=HTTPStatus.TOO_MANY_REQUESTS,
        retry_after=wait,
        words=words,
    )


def read_word(headers: Mapping[str, str], status: int, now: int, body: bytes = b"") -> Word:
    """Read what an answer's headers say of the quota, under any of the usual names.

    Parameters
    ----------
    headers : mapping
        With lower-case names.
    status : int
        429 means that nothing is left, whatever the headers say.
    now : int
        The present instant, ns.
    body : bytes
        Of a 429: what it says of when to ask again counts where no header does.
    """

    def number(*names: str) -> float | None:
        for name in names:
            for prefix in ("x-ratelimit-", "ratelimit-", "x-rate-limit-"):
                text = headers.get(prefix + name, "").split(",")[0].split(";")[0].strip()
                with contextlib.suppress(ValueError):
                    return float(text)
        # All in one, as drafts of the standard have it: r=50;t=30, or remaining=50, reset=30; and q=100 of a policy.
        short = "|".join({*names, *(_SHORT[name] for name in names if name in _SHORT)})
        found = re.search(rf"(?:^|[;,\s])(?:{short})=(\d+)", f"{headers.get('ratelimit', '')}, {policy}")
        return float(found[1]) if found else None

    policy, which = headers.get("ratelimit-policy", ""), headers.get("ratelimit", "").partition(";")[0]
    policy = policy[max(policy.find(which), 0) :]  # of several, the one of which the rest is told

    limit, remaining = number("limit"), number("remaining")
    resets = number("reset", "reset-after", "retry-after-seconds")
    resets = None if resets is None else _from_now(resets, now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        remaining, after = 0, retry_after(headers.get("retry-after", ""), now)
        resets = next(one for one in (after, resets, _in_body(body, now), _UNSAID) if _sane(one) is not None)
    limit, remaining, resets = _sane(limit), _sane(remaining), _sane(resets)
    return Word(
        None if limit is None or limit <= 0 else int(limit),
        None if remaining is None else max(int(remaining), 0),
        None if resets is None else max(resets, 0.0),
    )


def _from_now(number: float, now: int, unit: str = "") -> float:
    """Give the seconds from now on of a number that may be an instant, perhaps in milliseconds, or else has a unit."""
    if number <= now / times.SECOND / 2:
        return number * _seconds(unit or "s")
    return number / (1000 if number > now / times.SECOND * 100 else 1) - now / times.SECOND


def _in_body(body: bytes, now: int) -> float | None:
    """Find the seconds until there is more: ``"retry_after": 30``, ``"reset_at": "2026-…"``, ``in 30 minutes``."""
    text = body[:_SHOWN].decode("utf-8", "replace")
    for unit, value in _AGAIN.findall(text):
        with contextlib.suppress(ValueError):
            return _from_now(float(value), now, unit)
        with contextlib.suppress(UsageError):
            return max(times.instant(value) - now, 0) / times.SECOND
        if (span := _span(value)) is not None:
            return span
    found = next((one for words in _IN_WORDS if (one := words.search(text))), None)
    return _span(found[1]) if found else None


def _span(text: str) -> float | None:
    """Give the seconds of a time in words, such as ``1h30m`` or ``1 hour and 30 minutes``; None if it is none."""
    pieces = _PIECE.findall(text)
    return sum(float(number) * _seconds(unit) for number, unit in pieces) if pieces else None


def _seconds(unit: str) -> float:
    """Give the seconds of a unit of time."""
    unit = unit.lower()
    return 0.001 if unit in ("ms", "millis", "milliseconds") else _SECONDS[unit[0]]


def _sane(number: float | None) -> float | None:
    """Give a number of requests or seconds, if it may be meant as one: NaN and the infinities are not."""
    return number if number is not None and abs(number) < _SILLY else None


def retry_after(text: str, now: int) -> float | None:
    """Give the seconds of a header ``Retry-After``: a number, a date, or words; None if it is none."""
    try:
        return _sane(max(float(text), 0.0))
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - now / times.SECOND, 0.0)
    except (ValueError, TypeError):
        return _span(text)
