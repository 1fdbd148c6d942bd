"""Reading on where nothing names the next page: by time, until the end is proven.

An answer that is as long as the longest ever may have been cut at a limit of the portal's own. The rest is asked for
as a range of its own, so that no instant is asked for in two halves: what an answer holds of the instant at which the
next question begins is left to that question. So nothing is lost or doubled, however many messages share an instant,
whichever way the portal orders them, and whether or not it counts the ends of a range in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.answers import Page
from isr_analysis.errors import CONTRACT_FILE, HistoryIncompleteError, QuestionRefusedError
from isr_analysis.messages import instants, within
from isr_analysis.portal.habits import Habits
from isr_analysis.reading import series
from isr_analysis.reading.borders import GRAINS, grain_of, order_of
from isr_analysis.times import EVER, Range

_CERTAIN = 6
"""Instants in one order that are no coincidence: 1 in 720."""

_NOISE = 500
"""By how much an instant may be shown early, ns: seconds since 1970 as a double are no finer than 240 ns."""

Part = tuple[pa.Table, Page]
"""Messages, and the answer that they came in."""


class Onward:
    """One range that is read to its end by time.

    Parameters
    ----------
    ask : callable
        Asks for a range, and gives the one answer.
    span : Range
        All that is wanted.
    unit : callable
        Gives the finest step that can be asked for, ns.
    longest : int or None
        The longest range that may be asked for, ns.
    habits : Habits
        What the portal's answers have shown; more is learned here.
    told : callable
        Tells whether an answer says itself that it is whole (True) or is not (False); None if it says nothing.
    incomplete : callable
        Makes the error for an end that cannot be proven.
    """

    def __init__(
        self,
        ask: Callable[[Range], Page],
        span: Range,
        *,
        unit: Callable[[], int],
        longest: int | None,
        habits: Habits,
        told: Callable[[Page], bool | None],
        incomplete: Callable[[str], HistoryIncompleteError],
    ) -> None:
        self._ask = ask
        self._span = span
        self._unit = unit
        self._longest = longest
        self._habits = habits
        self._told = told
        self._incomplete = incomplete
        self._whole: Page | None = None  # an answer that is known to hold all up to its last instant

    def read(self, page: Page, piece: Range = EVER) -> Iterator[Part]:
        """Give the messages of a piece of time, of which a page is the answer or the beginning of it.

        Raises
        ------
        HistoryIncompleteError
            More messages share an instant than the portal gives at once, or its answers contradict each other.
        """
        while True:
            table = within(page.messages, piece)
            by_series = False
            if not self._may_be_cut(page) and not (by_series := self._is_cut_by_series(page, piece)):
                yield table, page
                return
            if not len(table):
                raise self._same(page)
            at = instants(table)
            grain = self.grain(page)
            order = self._order(page)
            if by_series or (order is not None and not self._is_by_time(page, piece, order)):
                order = None
            first, last = int(at.min()) // grain * grain, int(at.max()) // grain * grain
            if first == last:
                if by_series or self._is_cut(page, Range(first, last + grain)):
                    raise self._too_dense(page)
                yield table, page
                return
            if order is not None:
                if (latest := (int(at.min()) + _NOISE) // grain * grain) < last:
                    first = latest  # at which it may be, though it is shown earlier
                if (found := self._in_order(page, piece, order, (first + grain, last))) is not None:
                    done, behind, rest = found
                    yield within(table, done), page
                    if behind is None:
                        return
                    page, piece = behind, rest
                    continue
            middle = _middle(np.unique(at // grain) * grain, grain, self._unit())
            for half in (Range(piece.start, middle), Range(middle, piece.end)):
                if half.common(self._span):  # of a whole answer each half is shorter, and so whole itself
                    yield from self.read(self._asked(half, page), half)
            return

    def _in_order(
        self, page: Page, piece: Range, order: str, ends: tuple[int, int]
    ) -> tuple[Range, Page | None, Range] | None:
        """Read on from an answer in order of time: give what it holds all of, the next answer, and that one's piece.

        There is no next one at the end. None if the answer lacks its beginning as well. `ends` are the end of its first
        instant and the beginning of its last one.
        """
        low, high = Range(piece.start, ends[0]), Range(ends[1], piece.end)
        rest, before = (high, low) if order == "up" else (low, high)
        at_end = self._passes(within(page.messages, piece)) or not rest.common(self._span)
        behind = None if at_end else self._following(page, rest, order)
        more = behind is not None and len(within(behind.messages, rest)) > len(within(page.messages, rest))
        if not more and (self._begins_later(page, before) or self._is_cut_by_series(page, piece)):
            return None
        done = Range(piece.start, ends[1]) if order == "up" else Range(ends[0], piece.end)
        return (piece if behind is None else done), behind, rest

    def _begins_later(self, page: Page, before: Range) -> bool:
        """Tell whether an answer lacks its beginning: it may hold the newest messages, the oldest of them first."""
        if self._whole is page or not (asked := before.common(self._span)):
            return False
        cut = len(within(self._ask(asked).messages, before)) > len(within(page.messages, before))
        if cut:
            self._habits.pages.by_time = False
        return cut

    def _following(self, page: Page, piece: Range, order: str) -> Page:
        """Ask for what comes after an answer, from its last instant on."""
        after = self._asked(piece, page)
        if order_of(after.messages) not in (order, "one"):
            raise self._incomplete("gives its messages in another order from one answer to the next")
        again = instants(within(page.messages, piece))
        shared = Range(int(again.min()), int(again.max()) + 1)
        if len(within(after.messages, shared)) < len(again):
            raise self._incomplete(
                "no longer gives messages, asked from their instant on, that it gave before (it may go by another time "
                "than the one that is read: name that as time under [history.fields] of " + CONTRACT_FILE + ")"
            )
        return after

    def _asked(self, piece: Range, former: Page) -> Page:
        page = self._ask(piece.common(self._span))
        slack = max(self._unit(), times.SECOND)
        around = Range(piece.start - slack, piece.end + slack)
        if page.rows > 1 and page.messages.equals(former.messages) and not around.holds(instants(page.messages)).all():
            raise self._same(page)
        wanted = piece.common(self._span)
        given = instants(within(page.messages, wanted))
        if wanted.start == self._span.start and len(given):  # what is older may have been deleted meanwhile
            wanted = Range(int(given.min()), wanted.end)
        if page.rows < former.rows and len(given) < len(within(former.messages, wanted)):
            raise self._incomplete(
                f"gave fewer messages of {wanted} when it was asked for that alone than with more: "
                'it may cut the ends of ranges to whole seconds (then say time_form = "iso seconds", or "s", under '
                f"[history] of {CONTRACT_FILE}), or go by another time than the one that is read (time under "
                "[history.fields])"
            )
        return page

    def _is_cut(self, page: Page, instant: Range) -> bool:
        """Tell whether an answer of one instant is not all there is: whether others are near, and no more come."""
        if self._told(page) is not None:
            return True
        length = self._span.end - self._span.start
        wider, around = page, self._span
        if self._longest is None or 3 * length <= self._longest:
            further = Range(max(self._span.start - length, 0), self._span.end + length)
            with contextlib.suppress(QuestionRefusedError):  # so long a range may not be asked for
                wider, around = self._ask(further), further
        if wider is page and page.rows % 100 == 0:
            return True
        self._habits.sizes.note(wider.rows)
        if wider.rows > page.rows:
            return False
        answers = [wider]
        for margin in (0, self._unit()):  # further away, where an answer still holds what lies on the border
            parts = (Range(EVER.start, instant.start - margin), Range(instant.end + margin, EVER.end))
            answers += [self._ask(side) for part in parts if (side := part.common(around))]
            if any(one.rows > page.rows for one in answers):
                return False
            if not any(one.rows for one in answers[1:]):
                break
        if not page.fragments and any(len(one.messages) < one.rows for one in answers):
            return True  # others of a longer range may have taken the place
        known = instants(page.messages)
        return not all(np.isin(instants(one.messages), known).all() for one in answers)

    def _may_be_cut(self, page: Page) -> bool:
        """Tell whether an answer is as long as the longest ever: the portal may be able to give no more at once."""
        longest = self._habits.sizes.note(page.rows)
        told = self._told(page)
        return 0 < page.rows >= longest if told is None else not told

    def _is_cut_by_series(self, page: Page, piece: Range) -> bool:
        """Tell whether an answer that says nothing of its end lacks messages of single clients and topics."""
        known = self._habits.series
        return self._told(page) is None and series.is_cut(page, piece.common(self._span), self._ask, known)

    def _passes(self, table: pa.Table) -> bool:
        """Tell whether messages, in order, go on beyond the end of what is wanted."""
        order, at = order_of(table), instants(table)
        return bool(at.max() >= self._span.end if order == "up" else order == "down" and at.min() < self._span.start)

    def _order(self, page: Page) -> str | None:
        """Tell the order of an answer, if that is more than a coincidence."""
        order = order_of(page.messages)
        if order in ("up", "down") and len(np.unique(instants(page.messages))) >= _CERTAIN:
            self._habits.pages.order = order
        return order if order == self._habits.pages.order else None

    def _is_by_time(self, page: Page, piece: Range, order: str) -> bool:
        """Tell whether an answer is in the order of time alone, and not of one client after the other.

        So it is if it is of several; else the portal is asked, once, for what the answer must hold all of.
        """
        known = self._habits.pages
        if known.by_time is None:
            grain = self.grain(page)
            last = int(instants(page.messages)[-1]) // grain * grain
            done = Range(piece.start, last) if order == "up" else Range(last + grain, piece.end)
            several = len(pc.unique(page.messages["client_id"])) > 1
            again = page if several else self._ask(done.common(self._span))
            self._whole = page if again.rows < page.rows else None
            known.by_time = len(within(again.messages, done)) == len(within(page.messages, done))
        return known.by_time

    def grain(self, page: Page) -> int:
        """Give the step at which a range may be parted: the portal may keep its times finer than it shows them."""
        at = instants(page.messages)
        return max(self._unit(), grain_of(at))

    def _too_dense(self, page: Page) -> HistoryIncompleteError:
        most = counted(page.rows, "message")
        if self._told(page) is None:
            return self._incomplete(f"gives no more than {most} at once, and as many share one instant")
        return self._incomplete(f"says that there are more than the {most} that it gives of one instant")

    def _same(self, page: Page) -> HistoryIncompleteError:
        at = instants(page.messages)
        if not len(at):  # those that came were of a longer range
            return self._incomplete(f"gives no more than {counted(page.rows, 'message')} at once")
        outside = ""
        if not len(within(page.messages, self._span)):
            outside = (
                f", and they are of {times.iso(int(at.min()))} to {times.iso(int(at.max()))}: it does not follow the "
                "range, or other fields or units hold its instants than those that are read (time and time_form under "
                f"[history.fields] of {CONTRACT_FILE})"
            )
        return self._incomplete(
            f"gives the same {counted(page.rows, 'message')} for a part of the range as for all of it{outside}"
        )


def _middle(grains: npt.NDArray[np.int64], grain: int, unit: int) -> int:
    """Give an instant near the middle of some, at which a range is parted; between two of them if there is room.

    It is a whole minute if one is there, or a whole second: a portal may cut the ends of ranges to these. It is never
    within a grain, or a message that is not among these could be given behind it and shown before it.
    """
    half = len(grains) // 2
    low, high = grains[:-1] + grain, grains[1:]
    roomy = high - low > 2 * unit
    for step in (*(one for one in GRAINS if one > grain), grain):
        cuts = (low + high) // 2 // step * step
        cuts = np.where(cuts < low, cuts + step, cuts)
        if len(fit := np.flatnonzero(roomy & (cuts <= high))):
            return int(cuts[fit[np.argmin(np.abs(fit + 1 - half))]])
    return int(grains[half])
