"""What the answers of a portal have shown of how it answers; it is learned as they come, and forgotten at the end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from isr_analysis import times
from isr_analysis.answers import STRINGS
from isr_analysis.messages import Selector, instants, within
from isr_analysis.times import Range

_LEAST = 10
"""Rows that any portal gives at once."""

SURE = 600.0
"""Seconds for which it counts how much a portal gave at once: it may give less by then."""

_OFTEN = 6
"""How often the same is looked at again, before that is done only now and then."""


@dataclass(slots=True)
class Habits:
    """What the answers of a portal have shown so far.

    Parameters
    ----------
    longest : int
        The most rows that one answer had: the portal is known to be able to give as many at once.
    whole : int
        The most rows of an answer behind which nothing more was found: up to there the portal's word on sizes is
        believed. -1 since it cut an answer without a word.
    from_end, from_start : int
        How long before the end of a range, and behind its start, messages were that its answer still held, ns.
    shortest : int
        The length of the shortest range of which a message came, ns.
    age : int
        How long ago the oldest message was when pages ended of which it was the first, ns.
    cuts : bool
        Whether a range was found to be cut short.
    seen : tuple of (Selector, int)
        What was asked for, and the instant of a message that came: of the earliest, and of the last.
    dense : int
        The most messages of an answer of which a small part, asked for alone, had no more.
    looks : Counter of str
        How often there was something to look at again, by what it is: see `is_worth_a_look`.
    live_is_asked : bool
        Whether the live answer was asked for messages, as history had given none.
    unproven : bool
        Whether no message was known that could show whether long ranges are answered whole.
    reach : int
        How far an answer reached over its range, although the portal follows it: it may round the ends, ns.
    rounds : bool
        Whether a message that it gave just outside of a range was found to be given in a range around it, too.
    order : {"up", "down", None}
        Whether its long answers gave the oldest first or the newest; None where none was long yet, or orders differ.
    by_time : bool or None
        Whether that order is of time alone; else it may be that of one client after the other.
    pages_end : bool
        Whether its pages could not be followed to their end, so that all is read by time.
    keeps_ties : bool or None
        Whether a page that it named went on with the instant in whose midst the one before it ended; None where it is
        not known.
    series : dict of int to int
        How often so long a series, of one client and topic, was found to be whole.
    series_limit : int or None
        How many messages of a series the portal gives at once, if it cuts each by itself.
    unit_is_guessed : bool
        Whether it wants a number since 1970 and did not say of what unit: then nothing is taken for empty yet.
    names_are_looked_for : bool
        Whether other names of the range's ends were tried, as it did not follow those that are usual.
    topic_is_guessed : bool
        Whether it wants a topic and did not say how it is written: then nothing is taken for empty yet.
    total_is_of_table : bool
        Whether the total that it states was found to be of all that is stored, whatever is asked for.
    without_rows : bytes or None
        What an answer without rows is, where that tells nothing by itself: ``{}``, or nothing at all.
    strings : str or None
        How it was seen to give payloads: one of `isr_analysis.answers.STRINGS`, by the page that tells the most.
    answered : dict of Selector to int
        What the portal is known to answer about, and of how long a range, ns: then it is no refusal if it finds nothing
        in one, or keeps nothing so old.
    kept_from : dict of Selector to int
        From when on it gives messages, as it refused what is before that as too old, ns.
    not_kept : tuple of int and str
        Up to when it refused to give messages, as too old, ns, and its words.
    answered_from : dict of Selector to int
        The earliest beginning of a range that was answered, by what was asked for, ns.
    ages : dict of Selector to int
        How long ago that was at the most when it was answered, ns: what is kept begins later and later.
    days_are_utc_from : int
        From which time of a day on messages were found in the day of UTC that is theirs, ns.
    payloads : tuple of (str or None, str or None), or None
        The form of payloads and the field that holds them, as other answers show where one alone does not; None where
        none was asked for yet.
    lock : threading.RLock
        Held while something is found out that others wait for.
    noting : threading.Lock
        Held while something is added to what is known, as several days are read at once.
    zone_is_proven : bool
        Whether instants that name no zone were found to be those that it is asked by.
    clock_is_proven : bool
        Whether, of rows with several times, the one that is read was found to be the one that it is asked by.
    remark : str
        Its words by which messages may be missing, as they stood beside those that came.
    prefixes : dict of str to str, or None
        What the topics of each client begin with; None where that was not needed yet.
    downloads : int
        How many are under way.
    sure_until : float
        Until when, by the monotonic clock, `longest` and `whole` count.
    """

    longest: int = 0
    whole: int = 0
    from_end: int = 0
    from_start: int = 0
    shortest: int = 2**63
    age: int = 0
    cuts: bool = False
    seen: tuple[tuple[Selector, int], ...] = ()
    dense: int = 0
    looks: Counter[str] = field(default_factory=Counter)
    live_is_asked: bool = False
    unproven: bool = False
    reach: int = 0
    rounds: bool = False
    order: str | None = None
    by_time: bool | None = None
    pages_end: bool = False
    keeps_ties: bool | None = None
    series: dict[int, int] = field(default_factory=dict)
    series_limit: int | None = None
    unit_is_guessed: bool = False
    names_are_looked_for: bool = False
    topic_is_guessed: bool = False
    total_is_of_table: bool = False
    without_rows: bytes | None = None
    strings: str | None = None
    answered: dict[Selector, int] = field(default_factory=dict)
    kept_from: dict[Selector, int] = field(default_factory=dict)
    not_kept: tuple[int, str] = (0, "")
    answered_from: dict[Selector, int] = field(default_factory=dict)
    ages: dict[Selector, int] = field(default_factory=dict)
    days_are_utc_from: int = times.DAY
    payloads: tuple[str | None, str | None] | None = None
    lock: Any = field(default_factory=threading.RLock)
    noting: Any = field(default_factory=threading.Lock)
    zone_is_proven: bool = False
    clock_is_proven: bool = False
    remark: str = ""
    prefixes: dict[str, str] | None = None
    downloads: int = 0
    sure_until: float = 0.0

    @contextlib.contextmanager
    def download(self, *, refresh: bool) -> Iterator[None]:
        """Learn anew, as a download begins, what a portal that is asked for weeks may have changed since.

        That is whether it cuts ranges, and which clients it has; after a while how much it gives at once, which costs
        requests; and with `refresh` from when on it keeps messages.
        """
        with self.noting:
            if not self.downloads:  # others go by it
                if time.monotonic() >= self.sure_until:
                    self.longest, self.whole = min(self.longest, _LEAST), min(self.whole, 0)
                    self.sure_until = time.monotonic() + SURE
                self.prefixes = None
                self.answered_from.clear()
                if refresh:
                    self.ages.clear()
                    self.kept_from.clear()
                    self.not_kept = 0, ""
                if self.cuts:
                    self.cuts = False
                    self.looks.clear()
            self.downloads += 1
        try:
            yield
        finally:
            with self.noting:
                self.downloads -= 1

    def note_messages(self, selector: Selector, span: Range, table: pa.Table) -> None:
        """Note how far from the ends of a range its answer holds messages."""
        if not len(inside := instants(within(table, span))):
            return
        first, last = int(inside.min()), int(inside.max())
        with self.noting:
            self.shortest = min(self.shortest, span.end - span.start)
            self.from_end = max(self.from_end, span.end - first)
            self.from_start = max(self.from_start, last - span.start)
            every = [*self.seen, (selector, first), (selector, last)]
            self.seen = min(every, key=lambda one: one[1]), max(every, key=lambda one: one[1])

    def note_strings(self, form: str | None) -> None:
        """Note how a page shows that payloads are given, if it is one of those ways."""
        with self.noting:
            known = (one for one in reversed(STRINGS) if one in (form, self.strings))
            self.strings = next(known, None)

    def note_not_kept(self, until: int, words: str) -> None:
        """Note up to when messages were refused as too old, and the words of that."""
        with self.noting:
            self.not_kept = max(self.not_kept, (until, words))

    def is_worth_a_look(self, what: str) -> bool:
        """Count something that may be looked at again, and tell whether to do so: ever more rarely."""
        self.looks[what] += 1
        return self.looks[what] <= _OFTEN or self.looks[what].bit_count() == 1

    def may_be_cut(self, rows: int) -> bool:
        """Tell whether an answer has as many rows as any before it: the portal may have more than it gives at once."""
        return rows >= max(self.longest, _LEAST)

    def show_end(self, rows: int, *, is_last: bool) -> None:
        """Note what was found behind an answer of so many rows that did not say itself whether it is the last."""
        with self.noting:
            if not is_last:
                self.whole = -1
            elif self.whole >= 0:
                self.whole = max(self.whole, rows)
