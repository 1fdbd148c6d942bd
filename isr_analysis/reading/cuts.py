"""Whether a portal shortens long ranges without saying so, for example to their last day, or to their first hours.

This is found out by a message that the portal is known to have. A long range is asked for that begins just before it,
and one that ends just behind it: both answers must hold it. Where messages are dense nothing is asked: each answer then
reaches over its whole range, and shows so itself that it is not cut.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from isr_analysis import messages, times
from isr_analysis.answers import Page
from isr_analysis.errors import CONTRACT_FILE, AnswerError, IsrError, QuestionRefusedError
from isr_analysis.messages import Selector, instants, within
from isr_analysis.portal import lists, paging
from isr_analysis.portal.paging import Step
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Waiting
from isr_analysis.reading.reach import LATE
from isr_analysis.reading.window import Window
from isr_analysis.times import Range

_SHORTEST = times.HOUR
"""A portal that follows ranges at all does not shorten one of this length, ns."""

_PART = 24
"""An end of a range is looked at where it is silent for more than this part of the range's length."""

_NEAR = 2 * times.SECOND
"""How far instants may be from those that are shown, which may be rounded."""


def check(portal: Portal, selector: Selector, span: Range, given: Range | None, *, wait: Waiting = False) -> None:
    """Find out, once, whether the portal answers so long a range whole.

    Where no message is known by which that could be told, the silent parts of the range are asked for alone, in halves.

    Parameters
    ----------
    portal, selector, span
        What was asked, of whom.
    given : Range or None
        From the first message that came to the last; None if none came.
    wait : bool or callable
        As of `isr_analysis.reading.pages.pages`.

    Raises
    ------
    AnswerError
        It cuts ranges short.
    """
    known, ranges = portal.contract.history, portal.habits.ranges
    asked = span.before(portal.now() - LATE)
    length = asked.end - asked.start
    if not length or known.longest is not None or not known.has_ends or known.of_days:
        return
    look = _Look(portal, wait)
    if given is None and ranges.seen and length < ranges.shortest:
        look.check_short(length)
    if not ranges.are_cut:
        silence = length if given is None else max(given.start - asked.start, asked.end - given.end)
        known_to_follow = given is not None or ranges.seen
        if (length <= _SHORTEST and known_to_follow) or silence <= length // _PART:
            return
        with portal.habits.finding:  # others that ask meanwhile need not find it out as well
            look.find_out(selector, asked, given)
    if ranges.are_cut:
        gave = "nothing" if given is None else f"messages of {times.iso(given.start)} to {times.iso(given.end)}"
        raise AnswerError(
            f"the portal was asked for {span} and gave {gave}, but, asked for other ranges as long, or for parts of "
            "one alone, it gave more: it cuts long ranges short, here or before. Say how long they may be, such as "
            f'longest = "1h", under [history] of {CONTRACT_FILE}, and load once with refresh=True'
        )


def unproven(portal: Portal, selector: Selector) -> str:
    """Give the warning that no message came, and so nothing shows whether ranges are answered whole; "" if one did."""
    ranges = portal.habits.ranges
    if ranges.seen or not ranges.unproven:
        return ""
    return (
        f"the portal has given no message of {selector}, nor any other yet: whether it answers so long a range whole, "
        "or follows the question as it was sent, is not known. If there should be some, say "
        'longest = "1h", or how it wants range, client or topic (start, end, time_form, client, topic, topic_form), '
        f"under [history] of {CONTRACT_FILE}, and load once with refresh=True"
    )


class _Look:
    """What is asked to find out whether a portal cuts ranges."""

    def __init__(self, portal: Portal, wait: Waiting) -> None:
        self._portal = portal
        self._wait = wait

    def is_proven(self, length: int) -> bool:
        """Tell whether earlier answers show that ranges of this length are whole: they reached as far."""
        ranges = self._portal.habits.ranges
        return min(ranges.from_end, ranges.from_start) >= length - length // _PART

    def check_short(self, length: int) -> None:
        """Refuse an empty answer to a short range if one as short around a known message is answered without that."""
        ranges = self._portal.habits.ranges
        selector, at = ranges.seen[1]  # older ones may be deleted by now
        near = max(length // 2, _near(at))
        span = Range(at - near, self._behind(at, near + 1)).before(self._portal.now())
        page = self._ask(selector, span)
        if page is not None and not _has(page, at) and not self._portal.habits.sizes.may_be_cut(page.rows):
            raise _lost(at, f"asked for {span}")
        ranges.shortest = length

    def find_out(self, selector: Selector, span: Range, given: Range | None) -> None:
        """Find out whether it cuts ranges as long as a span, of which some messages were given, or none."""
        habits, ranges, length = self._portal.habits, self._portal.habits.ranges, span.end - span.start
        what = "nothing came" if given is None else "an end is silent"
        if not ranges.are_cut and not self.is_proven(length) and habits.is_worth_a_look(what):
            is_narrow = selector != Selector()  # the portal may know clients and topics by other names
            ranges.are_cut = self.finds_a_cut(length, is_narrow=is_narrow) or self.finds_more(selector, span, given)

    def finds_a_cut(self, length: int, *, is_narrow: bool) -> bool:
        """Tell whether a message is missing from a range of this length that begins, or ends, with it."""
        ranges, now = self._portal.habits.ranges, self._portal.now()
        seen, sure = ranges.seen, True
        if not seen and ranges.unproven is None:
            seen, sure = self._of_live(now - length), False
            ranges.unproven = not seen
        if not seen:
            return False
        (one, first), (other, last) = seen
        begins = Range(first - _near(first), first + max(length - _near(first), _near(first))).before(now)
        end = self._behind(last, _near(last))
        ends = Range(min(end - length, last - _near(last)), end)
        is_new = begins.end - begins.start > ranges.from_end + _near(first)
        found = (is_new and self._is_missing(one, first, begins, sure=sure)) or (
            ranges.from_start < length - length // _PART and self._is_missing(other, last, ends, sure=sure)
        )
        # The message is one of the live answer, and history has not given even that one.
        if (length <= _SHORTEST or is_narrow) and not (sure or found or ranges.seen):
            ranges.unproven = True
        return found

    def _is_missing(self, selector: Selector, at: int, span: Range, *, sure: bool) -> bool:
        """Tell whether a message is not in the answer to a range, and is there when it is asked for alone.

        It is `sure` that the portal has it if history gave it before.
        """
        page = self._ask(selector, span)
        if page is None or _has(page, at):
            return False
        known, habits = self._portal.contract.history, self._portal.habits
        after = paging.following(known, Step(known.path, {}), page, rows=page.rows, nth=0, sizes=habits.sizes)
        # An answer may be cut by its length as well, unless others were longer; or say itself that there is more.
        is_more = page.rows < (page.paging.total or 0) or habits.sizes.may_be_cut(page.rows)
        if isinstance(after, Step) or (after == paging.BY_TIME and is_more):
            return False
        sure = sure or any(abs(one - at) < times.SECOND for _, one in habits.ranges.seen)
        alone = self._ask(selector, Range(at - _near(at), self._behind(at, _near(at))))
        if sure and alone is not None and not _has(alone, at) and not self._may_be_deleted(at):
            raise _lost(at, f"asked for {span} and for the seconds around that")
        return sure if alone is None else _has(alone, at)

    def _may_be_deleted(self, at: int) -> bool:
        """Tell whether a message may have been deleted as too old: a later one is still given."""
        selector, last = self._portal.habits.ranges.seen[1]
        page = self._ask(selector, Range(last - _near(last), self._behind(last, _near(last))))
        return last > at and page is not None and _has(page, last)

    def finds_more(self, selector: Selector, span: Range, given: Range | None) -> bool:
        """Tell whether the silent parts of a range have messages after all, when they are asked for alone."""
        length = span.end - span.start
        if self.is_proven(length) or (given is None and not self._portal.contract.is_assumed):
            return False
        unit = self._portal.contract.history.unit
        whole = [(span.start, span.end)]
        silent = whole if given is None else [(span.start, given.start), (given.end + unit, span.end)]
        parts = [Range(start, stop) for start, stop in silent if stop - start > length // 4]
        halves = [half for part in parts for half in _halved(part, length // 2)]
        return any(len(within(page.messages, one)) for one in halves if (page := self._ask(selector, one)))

    def _behind(self, at: int, near: int) -> int:
        """Give the end of a range that is to hold a message: a whole minute, as a portal may cut ends to that."""
        end = -(-(at + near) // times.MINUTE) * times.MINUTE
        return end if end <= self._portal.now() else at + near

    def _ask(self, selector: Selector, span: Range) -> Page | None:
        """Ask for a range; None if it is refused, or the answer not understood."""
        try:
            return Window(self._portal, self._portal.contract.history, selector, span, wait=self._wait).first()
        except (QuestionRefusedError, AnswerError):
            return None

    def _of_live(self, before: int) -> tuple[tuple[Selector, int], ...]:
        """Give a message of the live answer, as `Ranges.seen` has them: the last before an instant, else the first."""
        portal = self._portal
        try:
            found = lists.live(portal.responses, portal.routes, portal.account_id, max_age=60.0)
        except IsrError:  # the account's add-ons do not open it, perhaps
            return ()
        table = pa.concat_tables([messages.empty(), *(page.messages for _, page in found)])
        if not len(table):
            return ()
        at = instants(table)
        early = at[at < before]
        one = int(early.max() if len(early) else at.min())
        row = table.slice(int(np.flatnonzero(at == one)[0]), 1)
        wanted = Selector((row["client_id"][0].as_py(),), row["topic"][0].as_py())
        return ((portal.contract.history.askable(wanted), one),) * 2


def _lost(at: int, how: str) -> AnswerError:
    return AnswerError(
        f"the portal gave a message of {times.iso(at)}, and, {how}, did not: its instants are not those that it is "
        f"asked by, or it follows a range in another way than it was sent. Say in {CONTRACT_FILE} how it wants the "
        "range, and which time it goes by"
    )


def _near(at: int) -> int:
    """Give how far a range is to reach around a message: its instant may be shown cut to the minute."""
    return times.MINUTE + _NEAR if at % times.MINUTE == 0 else _NEAR


def _has(page: Page, at: int) -> bool:
    return bool((np.abs(instants(page.messages) - at) < times.SECOND).any())


def _halved(part: Range, most: int) -> list[Range]:
    """Give a part in two halves if it is longer than `most`, as the portal may cut it short, too."""
    middle = part.start + (part.end - part.start) // 2
    return [part] if part.end - part.start <= most else [Range(part.start, middle), Range(middle, part.end)]
