"""One question about a span of history, and its answers to the proven end."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import answers, messages, times
from isr_analysis.amounts import counted
from isr_analysis.answers import Page
from isr_analysis.contract.contract import History
from isr_analysis.errors import CONTRACT_FILE, AnswerError, HistoryIncompleteError, QuestionRefusedError
from isr_analysis.messages import Selector, instants, within
from isr_analysis.portal import paging
from isr_analysis.portal.paging import Step
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Waiting
from isr_analysis.reading.asking import Asker
from isr_analysis.reading.borders import REPEATED, are_same, is_gone, left_out, order_of, overlap, repeated
from isr_analysis.reading.onward import Onward
from isr_analysis.reading.reach import Reach
from isr_analysis.times import Range

logger = logging.getLogger(__name__)

_SEQ = messages.SCHEMA.get_field_index("seq")
_EMPTY = 20
"""Pages without a message, one after the other, that may be on the way to further messages."""

_DOUBTS = 3
"""How many messages of two pages may turn out to be two alike before no more are looked at."""

_ALONE = re.compile(r"combined|\balone\b|\bother (?:query )?param|together|exclusive", re.IGNORECASE)
"""Words of a refusal of a cursor beside the question that it holds."""

_NOT_SO = (400, 404, 409, 410, 416, 422)
"""The statuses with which a page is refused that the portal has not, or no longer, or does not know how to name."""


class PagesEndError(HistoryIncompleteError):
    """The portal's pages cannot be followed to their end: asked for once more, all is read by time, or as it wants."""


class Window:
    """One question.

    Attributes
    ----------
    asked : dict of str to str
        The first question's parameters.
    asker : Asker
        What asks for its parts.
    """

    def __init__(self, portal: Portal, known: History, selector: Selector, span: Range, *, wait: Waiting) -> None:
        self._portal = portal
        self.asker = Asker(portal, known, selector, span, wait=wait)
        self._selector = selector
        self._span = span
        self._rows = 0  # as the portal counts them, all pages together
        self._totals: list[tuple[int, int]] = []  # as stated, each beside the rows of its own page
        self._orders: set[str | None] = set()
        self._given: list[npt.NDArray[np.uint64]] = []  # hashes of messages of pages in no order
        self._doubts = 0  # messages of two pages that were asked for alone
        self._by_time = portal.habits.pages.lead_nowhere
        self._beyond = self._named = self._silent = self._ended = self._is_alone = False
        self._reach = Reach(portal, span, self.asker.part)
        self._descending = portal.habits.pages.order == "down"
        self._sample: int | None = None
        self.asked = self.asker.question(span)

    @property
    def _known(self) -> History:
        return self.asker.known

    @property
    def given(self) -> Range | None:
        """From the first message of the span that came to the last; None if none did."""
        return self._reach.given

    def first(self) -> Page:
        """Ask for the first page."""
        return self.asker.of_range(self._span, self.asked, bounded=self._known.can_be_parted(self._span))

    def read(self, held: Page) -> Iterator[pa.Table]:
        """Give the first page and all that follow, and check that they are all there is.

        Raises
        ------
        HistoryIncompleteError
            The end cannot be proven.
        AnswerError
            The answers are of another range than was asked for.
        """
        parts = self._parts(held)
        if held.fragments:  # what two pages hold of one message is joined
            whole = list(parts)
            yield answers.merge(pa.concat_tables(whole)) if whole else messages.empty()
        else:
            yield from parts
        self._check_totals()
        self._reach.check(self._known, self.asked, beyond=self._beyond, told=self._named)
        if self._silent:
            self._reach.check_density(self._known)
        if self.asker.zoneless:
            self._reach.check_zone(self._known, self.asked)
        self._learn_start()

    def _parts(self, held: Page) -> Iterator[pa.Table]:
        """Give the messages page by page; by time from where on no further page can be asked for."""
        step = Step(self._known.path, self.asked)
        been, sizes = {step}, self._portal.habits.sizes
        nth = shift = empty = 0
        while True:
            empty = 0 if held.rows else empty + 1
            what = self._following(held, step, nth + shift, empty)
            if what == paging.BY_TIME:
                yield from self._onward(held)
                return
            self._named = True  # the portal itself says where its answers end
            after: Page | None = None
            if isinstance(what, Step):
                if what in been:
                    raise self._incomplete("names the same next page twice")
                been.add(what)
                step = what
                after = self._next(what, held)
                silent = self._known.first_page is None and held.paging.page is None
                if after is held and what.numbered and nth + shift == 0 and silent:
                    shift = 1  # the first page has this very number
                    continue
                if after is None or after is held or self._overlap(held, after) or self._leaves_out(what, held, after):
                    # It does not know this way to name a page, has none of that name, or parts its pages badly.
                    yield from self._onward(held)
                    return
                self._check_order(held, after)
            sizes.note(held.rows)
            if after is not None and not (nth or after.rows):
                sizes.note_end(held.rows, is_last=True)
            yield self._numbered(held.messages, held)
            self._totals += [] if held.paging.total is None else [(held.paging.total, held.rows)]
            if after is None:
                if nth and self._is_moved():
                    raise self._pages_end()
                self._ended = held.paging.has_more is False
                return
            held, nth = after, nth + 1

    def _following(self, held: Page, step: Step, nth: int, empty: int) -> Step | str:
        """Decide what comes after a page, of which `nth` came before, `empty` without a message: `paging.following`."""
        first, rows = Step(self._known.path, self.asked), self._rows + held.rows
        sizes, named = self._portal.habits.sizes, step != first and not step.doubtful
        what = paging.following(self._known, first, held, rows=rows, nth=nth, sizes=sizes, named=named)
        if isinstance(what, Step):
            # A cursor may lead through other topics than the one that was asked for, which the portal leaves out.
            most = 10 * _EMPTY if self._known.topic in self.asked and not what.numbered else _EMPTY
            if empty > most:
                raise self._incomplete(f"gave {empty} pages without a message one after the other, and names another")
        if self._goes_beyond(held):
            self._beyond = True
            return paging.END
        if empty and what == step:  # a page that names itself: its cursor is where the next message will be
            self._check_silence(step)
            return paging.END
        return paging.BY_TIME if self._by_time and isinstance(what, Step) else what

    def _check_silence(self, step: Step) -> None:
        """Refuse an empty page that names a next one, perhaps in a way not understood, if parts do have messages."""
        if self._rows or not step.doubtful:
            return
        unit, span = self._known.unit, self._span
        for start in (span.start + unit, (span.start + span.end) // 2 // unit * unit):
            part = Range(start, max(span.end, start))
            if len(within(self.asker.part(part).messages, part)):
                raise self._incomplete(
                    "gave no message, names a next page in a way that is not understood, and gave messages when it was "
                    f"asked for {part} alone"
                )

    def _overlap(self, held: Page, after: Page) -> bool:
        """Tell whether a page begins with messages that the one before it ends with, and that are not two alike."""
        at = overlap(held, after, self.asker.part, self._known.unit)
        if at is None:
            return False
        logger.info("pages overlap at %s: what follows is read by time", times.iso(at))
        return True

    def _leaves_out(self, step: Step, held: Page, after: Page) -> bool:
        """Tell whether the pages leave out others of the instant at which one ends: the next may begin behind it."""
        known, at = self._portal.habits.pages, instants(held.messages)
        shares = 1 < len(np.unique(at)) < len(at)
        if step.numbered or not shares or order_of(held.messages) not in ("up", "down"):
            return False
        if len(after.messages) and instants(after.messages)[0] == at[-1]:
            known.keep_ties = True
        if known.keep_ties is None and held.paging.total is None:
            if not self._portal.habits.is_worth_a_look("a page ends in an instant"):
                return False
            try:
                found = left_out(held, after, self.asker.part, self._known.unit)
            except (AnswerError, QuestionRefusedError) as exc:  # its pages are all that there is to go by
                logger.info("the portal cannot be asked for an instant alone: %s", exc)
                known.keep_ties = True
                return False
            if found is not None:
                logger.info("messages of %s are on no page: what follows is read by time", times.iso(found))
                known.keep_ties = False
        return known.keep_ties is False

    def _check_order(self, held: Page, after: Page) -> None:
        """Refuse a page in no order with messages that those before it had as well."""
        unit = self._known.unit
        if self._doubts < _DOUBTS and (at := repeated(self._given, held, after, self._asked_alone, unit)) is not None:
            raise self._incomplete(REPEATED.format(times.iso(at)))

    def _asked_alone(self, span: Range) -> Page:
        self._doubts += 1
        return self.asker.part(span)

    def _forgets(self, held: Page, after: Page) -> bool:
        """Tell whether a link has forgotten the question: its page is of other times, or other clients, than before."""
        slack = max(self._known.slack, self._portal.habits.instants.slack)
        around = Range(self._span.start - slack, self._span.end + slack)
        if len(within(held.messages, around)) == len(held.messages) != 0:
            if len(within(after.messages, around)) < len(after.messages):
                return True
            wanted = Selector(self._selector.clients)
            return pc.all(wanted.mask(held.messages)).as_py() and not pc.all(wanted.mask(after.messages)).as_py()
        return False

    def _next(self, step: Step, held: Page) -> Page | None:
        """Ask for a next page; None if the portal refuses what may not be one, `held` if it gives the same again."""
        whole = paging.asking_too(step.path, Step(self._known.path, self.asked)) if step.params is None else step.path
        alone = {name: value for name, value in (step.params or {}).items() if name not in self.asked}
        step = dataclasses.replace(step, params=alone) if self._is_alone and alone else step
        try:
            after = self.asker.ask(step)
        except QuestionRefusedError as exc:
            if alone and alone != step.params and exc.status_code in _NOT_SO and _ALONE.search(exc.words):
                self._is_alone = True  # it holds the question, which is not to be said again
                return self._next(step, held)
            if exc.status_code in _NOT_SO and whole != step.path:  # what the link leaves out is wanted with it
                return self._next(Step(whole, None), held)
            if exc.status_code not in _NOT_SO:
                raise
            logger.info("no page is named by %s: %s", step, exc)
            return None
        if whole != step.path and self._forgets(held, after):
            after = self.asker.ask(Step(whole, None))
        self._portal.habits.ranges.note(self._selector, self._span, after.messages)
        if after.rows and are_same(after.messages, held.messages):
            if not step.doubtful:
                raise self._incomplete("gives the same page again under another name")
            return held
        return after

    def _onward(self, held: Page) -> Iterator[pa.Table]:
        """Read on by time after the first page.

        After others it is not known what is on them: a portal may give one client after the other.
        """
        if self._rows:
            raise self._pages_end()
        reader = Onward(
            self.asker.part,
            self._span,
            unit=lambda: self._known.unit,
            longest=None if self._known.longest is None else times.duration(self._known.longest),
            habits=self._portal.habits,
            told=self._told,
            incomplete=self._incomplete,
        )
        if len(held.messages):
            self._reach.note(held.messages, given=False)  # what is none of the range's is in none of its parts
        count = 0
        for table, page in reader.read(held):
            count += len(table)
            self._silent = self._told(page) is None
            yield self._numbered(table, page)
        if self._told(held) is not False:
            self._portal.habits.sizes.note_end(held.rows, is_last=count == len(held.messages))
        total = held.paging.total
        if total is not None and total != held.rows and not held.fragments:
            self._totals, self._rows = [(total, -1)], count

    def _pages_end(self) -> PagesEndError:
        self._portal.habits.pages.lead_nowhere = True
        return PagesEndError(
            f"the portal's pages of {self._selector} over {self._span} could not be followed to their end, after "
            f"{counted(self._rows, 'message')}: nothing of them was kept. Asked for once more, it is read by time"
        )

    def _is_moved(self) -> bool:
        """Tell whether the oldest message was deleted meanwhile: then pages that are counted have left others out.

        It is asked for again, unless one as old was still there lately.
        """
        given, known, now = self._reach.given, self._portal.habits.pages, self._portal.now()
        if given is None or self._orders == {"down"} or now - given.start < max(times.HOUR, known.age - times.HOUR):
            return False
        known.age = max(known.age, now - given.start)
        how = self.asker.part, self._known.unit, self._portal.habits.sizes.longest
        with contextlib.suppress(AnswerError, QuestionRefusedError):  # too short a range, perhaps
            return is_gone(given.start, *how) and not is_gone(given.end, *how)
        return False

    def _told(self, page: Page) -> bool | None:
        """Tell whether an answer says that it is whole, or that it is not; None if it says nothing."""
        said = page.paging
        if said.has_more is not None:
            return not said.has_more
        if paging.says_more(said, 0) or (said.total is not None and page.rows < said.total):
            return False
        told = paging.is_told(self._known, self.asked, page, rows=page.rows, sizes=self._portal.habits.sizes)
        return True if told else None

    def _goes_beyond(self, page: Page) -> bool:
        """Tell whether a page, like those before it in order of time, has reached the end of what is wanted."""
        if (order := order_of(page.messages)) == "one":
            return False
        self._orders.add(order)
        last = int(instants(page.messages)[-1])
        if self._orders == {"up"}:
            return self._known.end is None and last >= self._span.end
        return self._orders == {"down"} and self._known.start is None and last < self._span.start

    def _numbered(self, table: pa.Table, page: Page) -> pa.Table:
        """Count `seq` on from page to page; a portal that gives the newest first counts downward."""
        seq = table["seq"]
        if page.descending is not None:
            self._descending = page.descending
        elif self._descending:  # one instant, which does not show the order
            seq = pc.subtract(len(page.messages) - 1, seq)
        offset = -self._rows - page.rows if self._descending else self._rows
        self._rows += page.rows
        if len(table):
            at = self._reach.note(table)
            whole = at[at % self._known.unit == 0]
            self._sample = int(whole[0]) if len(whole) else self._sample
        return table.set_column(_SEQ, messages.SCHEMA.field("seq"), pc.add(seq, offset))

    def _check_totals(self) -> None:
        """Compare what came with the numbers that the portal stated, unless these are of each page alone."""
        totals = [total for total, _ in self._totals]
        if not totals or self._beyond or (len(totals) > 1 and all(total == rows for total, rows in self._totals)):
            return
        if min(totals) <= self._rows <= max(totals) or self._is_of_table(totals):
            return
        now = self.asker.of_range(self._span, self.asked).paging.total  # some may have come or gone meanwhile
        totals += [] if now is None else [now]
        if not min(totals) <= self._rows <= max(totals):
            stated = "/".join(str(total) for total in dict.fromkeys(totals))
            raise self._incomplete(f"states {stated} messages and gave {self._rows}")

    def _is_of_table(self, totals: list[int]) -> bool:
        """Tell whether totals are of all that is stored, and not of the question: a small part states no less.

        Only a portal that says of the last page that it is the last can be believed without its total.
        """
        known, least = self._portal.habits.pages, min(totals)
        if self._ended and self._rows < least and not known.total_is_of_table:
            unit = self._known.unit
            alone = self.asker.part(Range(self._span.start, self._span.start + unit))
            near = Range(self._span.start - times.MINUTE - unit, self._span.start + times.MINUTE + unit)
            whole = (alone.paging.total or 0) >= least > alone.rows and alone.paging.has_more is False
            known.total_is_of_table = whole and len(within(alone.messages, near)) == alone.rows
        return self._ended and self._rows < least and known.total_is_of_table

    def _learn_start(self) -> None:
        """Find out whether a message at the start is in the answer, where a range may not be longer than a window."""
        known = self._portal.contract.history
        if known.start_included is not None or known.longest is None or self._sample is None or known != self._known:
            return
        span = known.widened(Range(self._sample, self._sample + known.unit), self._portal.now())
        if span.start != self._sample:
            return
        try:
            at = instants(self.asker.ask(Step(known.path, self.asker.written(known, span))).messages)
        except QuestionRefusedError:  # too short a range, perhaps
            return
        new = dataclasses.replace(known, start_included=bool((at == self._sample).any()))
        self._portal.learn(new, instead_of=known)

    def _incomplete(self, what: str) -> HistoryIncompleteError:
        least = self._known.shortest
        if least is not None:
            what += f" (it takes no range shorter than {least}, so that no less could be asked for)"
        return HistoryIncompleteError(
            f"the portal {what}, while {self._selector} was read over {self._span}, after "
            f"{counted(self._rows, 'message')}: the end cannot be proven this way, and nothing of this window was "
            f"kept. If it has parameters for pages, name them in {CONTRACT_FILE}"
        )
