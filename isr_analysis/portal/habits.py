"""What the answers of a portal have shown of how it answers; it is learned as they come, and forgotten at the end.

Several threads read days at once and share one `Habits`. A single value is set by whoever finds it out: at worst two
find out the same. What is counted, or compared before it is set, is set by the methods here, under a lock.
"""

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

_SURE = 600.0
"""Seconds for which it counts how much a portal gave at once: it may give less by then."""

_OFTEN = 6
"""How often the same is looked at again, before that is done only now and then."""

_NEVER = 2**63
"""Later than any instant, ns."""


@dataclass(slots=True)
class Sizes:
    """How many rows a portal gives at once; every page that is read adds to it.

    Parameters
    ----------
    longest : int
        The most rows that one answer had: the portal is known to be able to give as many at once.
    whole : int
        The most rows of an answer behind which nothing more was found: up to there the portal's word on sizes is
        believed. -1 since it cut an answer without a word.
    sure_until : float
        Until when these count, by the monotonic clock.
    """

    longest: int = 0
    whole: int = 0
    sure_until: float = 0.0
    _noting: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def renew(self) -> None:
        """Forget the most of it, if that was learned a while ago."""
        with self._noting:
            if time.monotonic() >= self.sure_until:
                self.longest, self.whole = min(self.longest, _LEAST), min(self.whole, 0)
                self.sure_until = time.monotonic() + _SURE

    def note(self, rows: int) -> int:
        """Note how many rows an answer has; give the most that any before it had."""
        with self._noting:
            before, self.longest = self.longest, max(self.longest, rows)
        return before

    def note_end(self, rows: int, *, is_last: bool) -> None:
        """Note what was found behind an answer of so many rows that did not say itself whether it is the last."""
        with self._noting:
            if not is_last:
                self.whole = -1
            elif self.whole >= 0:
                self.whole = max(self.whole, rows)

    def may_be_cut(self, rows: int) -> bool:
        """Tell whether an answer has as many rows as any before it: the portal may have more than it gives at once."""
        return rows >= max(self.longest, _LEAST)


@dataclass(slots=True)
class Ranges:
    """Whether ranges are answered whole: what `isr_analysis.reading.cuts` goes by, and what it found.

    Parameters
    ----------
    from_end, from_start : int
        How long before the end of a range, and behind its start, messages were that its answer still held, ns.
    shortest : int
        The length of the shortest range of which a message came, ns.
    seen : tuple of (Selector, int)
        What was asked for, and the instant of a message that came: of the earliest, and of the last.
    are_cut : bool
        Whether one was found to be cut short.
    unproven : bool or None
        Whether no message is known that could show whether long ranges are answered whole, not even by the live answer;
        None where that was not asked for one, as history had given some.
    dense : int
        The most messages of an answer of which a small part, asked for alone, had no more: it is not thinned.
    """

    from_end: int = 0
    from_start: int = 0
    shortest: int = _NEVER
    seen: tuple[tuple[Selector, int], ...] = ()
    are_cut: bool = False
    unproven: bool | None = None
    dense: int = 0
    _noting: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def note(self, selector: Selector, span: Range, table: pa.Table) -> None:
        """Note how far from the ends of a range its answer holds messages."""
        if not len(inside := instants(within(table, span))):
            return
        first, last = int(inside.min()), int(inside.max())
        with self._noting:
            self.shortest = min(self.shortest, span.end - span.start)
            self.from_end = max(self.from_end, span.end - first)
            self.from_start = max(self.from_start, last - span.start)
            every = [*self.seen, (selector, first), (selector, last)]
            self.seen = min(every, key=lambda one: one[1]), max(every, key=lambda one: one[1])


@dataclass(slots=True)
class Pages:
    """How a portal orders its messages, and parts them into pages: see `isr_analysis.reading.window` and `onward`.

    Parameters
    ----------
    order : {"up", "down", None}
        Whether its long answers gave the oldest first or the newest; None where none was long yet, or orders differ.
    by_time : bool or None
        Whether that order is of time alone; else it may be that of one client after the other.
    lead_nowhere : bool
        Whether they could not be followed to their end, so that all is read by time.
    keep_ties : bool or None
        Whether a page that it named went on with the instant in whose midst the one before it ended; None where it is
        not known.
    total_is_of_table : bool
        Whether the total that it states was found to be of all that is stored, whatever is asked for.
    age : int
        How long ago the oldest message was when pages ended of which it was the first, ns.
    """

    order: str | None = None
    by_time: bool | None = None
    lead_nowhere: bool = False
    keep_ties: bool | None = None
    total_is_of_table: bool = False
    age: int = 0


@dataclass(slots=True)
class Series:
    """Whether a portal cuts each series, of one client and topic, by itself: see `isr_analysis.reading.series`.

    Parameters
    ----------
    whole : Counter of int
        How often so long a series was found to be whole.
    limit : int or None
        How many messages of one the portal gives at once, if it cuts them.
    """

    whole: Counter[int] = field(default_factory=Counter)
    limit: int | None = None


@dataclass(slots=True)
class Instants:
    """How the instants of answers fit the ranges that are asked for: see `isr_analysis.reading.reach`.

    Parameters
    ----------
    slack : int
        How far an answer reached over its range, although the portal follows it: it may round the ends, ns.
    are_rounded : bool
        Whether a message that it gave just outside of a range was found to be given in a range around it, too.
    days_are_utc_from : int
        From which time of a day on messages were found in the day of UTC that is theirs, ns.
    zone_is_proven : bool
        Whether instants that name no zone were found to be those that it is asked by.
    clock_is_proven : bool
        Whether, of rows with several times, the one that is read was found to be the one that it is asked by.
    """

    slack: int = 0
    are_rounded: bool = False
    days_are_utc_from: int = times.DAY
    zone_is_proven: bool = False
    clock_is_proven: bool = False


@dataclass(slots=True)
class Guesses:
    """What of a question is a guess: see `isr_analysis.reading.guesses`.

    Parameters
    ----------
    unit, topic : bool
        Whether the portal wants a number since 1970, or a topic, and did not say of what unit, or how it is written:
        then nothing is taken for empty yet.
    names_are_looked_for : bool
        Whether other names of the range's ends were tried, as it did not follow those that are usual.
    clients_are_known : bool
        Whether a client was asked for, and messages came; or other names for clients were tried.
    """

    unit: bool = False
    topic: bool = False
    names_are_looked_for: bool = False
    clients_are_known: bool = False


@dataclass(slots=True)
class Forms:
    """What answers show of the form of others, which do not show it alone: see `isr_analysis.reading.asking`.

    Parameters
    ----------
    strings : str or None
        How payloads were seen to be given: one of `isr_analysis.answers.STRINGS`, by the page that tells the most.
    payloads : tuple of (str or None, str or None), or None
        The form of payloads and the field that holds them, as answers of late show them; None where none was asked for
        yet.
    coded : str or None
        The form of payloads as answers of late show it, where those of one answer alone are all coded: a device may
        publish such. None where none was asked for yet in this download.
    without_rows : frozenset of bytes
        What an answer without rows may be, where that tells nothing by itself: ``{}``, null, or nothing at all.
    """

    strings: str | None = None
    payloads: tuple[str | None, str | None] | None = None
    coded: str | None = None
    without_rows: frozenset[bytes] = frozenset()
    _noting: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def note_strings(self, form: str | None) -> None:
        """Note how a page shows that payloads are given, if it is one of those ways."""
        with self._noting:
            known = (one for one in reversed(STRINGS) if one in (form, self.strings))
            self.strings = next(known, None)


@dataclass(slots=True)
class Retention:
    """How far back the portal answers about one selector.

    Parameters
    ----------
    length : int
        How long a range of late is that it is known to answer, ns: then it is no refusal if it finds nothing in one so
        long, or keeps nothing so old. -1 where it is not known to answer at all.
    earliest : int
        The earliest beginning of a range that was answered in this download, ns.
    age : int
        How long ago such a beginning was at the most when it was answered, ns: what is kept begins later and later.
    since, words : int and str
        From when on it gives messages, ns, as it refused what is before that as too old, in these words; 0 if it
        refused nothing.
    """

    length: int = -1
    earliest: int = _NEVER
    age: int = 0
    since: int = 0
    words: str = ""


@dataclass(slots=True)
class Habits:
    """What the answers of a portal have shown so far.

    Parameters
    ----------
    sizes, ranges, pages, series, instants, guesses, forms
        What they have shown of each.
    remark : str
        The portal's words by which messages may be missing, as they stood beside those that came in this download.
    listed : list of dict, or None
        The rows of the list of publishers; None where they were not needed yet in this download.
    finding : threading.RLock
        Held while something is found out, by requests, that others wait for.
    """

    sizes: Sizes = field(default_factory=Sizes)
    ranges: Ranges = field(default_factory=Ranges)
    pages: Pages = field(default_factory=Pages)
    series: Series = field(default_factory=Series)
    instants: Instants = field(default_factory=Instants)
    guesses: Guesses = field(default_factory=Guesses)
    forms: Forms = field(default_factory=Forms)
    remark: str = ""
    listed: list[dict[str, Any]] | None = None
    finding: Any = field(default_factory=threading.RLock, repr=False)
    _kept: dict[Selector, Retention] = field(default_factory=dict, init=False)
    _looks: Counter[str] = field(default_factory=Counter, init=False)
    _downloads: int = field(default=0, init=False)  # that are under way
    _noting: Any = field(default_factory=threading.Lock, init=False, repr=False)

    @contextlib.contextmanager
    def download(self, *, refresh: bool) -> Iterator[None]:
        """Learn anew, as a download begins, what a portal that is asked for weeks may have changed since.

        That is whether it cuts ranges, and which clients it has; after a while how much it gives at once, which costs
        requests; and with `refresh` from when on it keeps messages.
        """
        with self._noting:
            if not self._downloads:  # others go by it
                self._renew(refresh=refresh)
            self._downloads += 1
        try:
            yield
        finally:
            with self._noting:
                self._downloads -= 1

    def _renew(self, *, refresh: bool) -> None:
        self.sizes.renew()
        self.listed = self.forms.coded = None
        self.remark = ""
        for one in self._kept.values():
            one.earliest = _NEVER
            if refresh:
                one.age, one.since, one.words = 0, 0, ""
        if self.ranges.are_cut:
            self.ranges.are_cut = False
            self._looks.clear()

    def kept(self, selector: Selector) -> Retention:
        """Give what is known of how far back the portal answers about a selector."""
        with self._noting:
            return self._kept.setdefault(selector, Retention())

    def note_answered(self, selector: Selector, start: int, now: int) -> None:
        """Note that a range was answered that begins there."""
        kept = self.kept(selector)
        with self._noting:
            kept.earliest, kept.age = min(kept.earliest, start), max(kept.age, now - start)

    def note_since(self, selector: Selector, since: int, words: str) -> None:
        """Note from when on messages are given, as what is before that was refused as too old, in these words."""
        kept = self.kept(selector)
        with self._noting:
            if since > kept.since:
                kept.since, kept.words = since, words

    def is_worth_a_look(self, what: str) -> bool:
        """Count something that may be looked at again, and tell whether to do so: ever more rarely."""
        with self._noting:
            self._looks[what] += 1
            return self._looks[what] <= _OFTEN or self._looks[what].bit_count() == 1
