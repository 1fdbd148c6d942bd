"""Pages of history: ask, read, go on, and prove the end."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import answers, messages, times
from isr_analysis.answers import Page
from isr_analysis.errors import AnswerError, HistoryIncompleteError, RequestRefusedError
from isr_analysis.messages import Selector
from isr_analysis.portal import paging, refusals
from isr_analysis.portal.connection import Portal
from isr_analysis.portal.contract import History
from isr_analysis.portal.paging import Step
from isr_analysis.times import Range

logger = logging.getLogger(__name__)

_SEQ = messages.SCHEMA.get_field_index("seq")
_REVISIONS = 12
_SLACK = times.HOUR
"""How far outside of the asked range a message may lie before it is doubted that the portal follows the range."""


def pages(portal: Portal, selector: Selector, span: Range, *, wait: bool = False) -> Iterator[pa.Table]:
    """Give the portal's messages of a span, page by page.

    Parameters
    ----------
    portal : Portal
        The connection. What a refusal teaches is put into its contract.
    selector : Selector
        What `History.askable` gives; of one client or of all.
    span : Range
        Half-open.
    wait : bool
        Wait for the quota where it is used up.

    Yields
    ------
    pyarrow.Table
        Messages (`messages.SCHEMA`) as answered; `seq` counts on from page to page. It may hold more than was asked
        for: the caller takes what it wanted.

    Raises
    ------
    HistoryIncompleteError
        The end cannot be proven: the portal names the same page again, gives another number of messages than it
        states, or more at one instant than it gives at once.
    AnswerError
        The portal answers for another range than it was asked for, or its answer is not understood.
    WrongAccountError
        A page holds another account's data.
    """
    revisions = 0
    todo = [(one, span) for one in _one_by_one(portal, selector)]
    while todo:
        one, piece = todo.pop(0)
        known = portal.contract.history
        if known.client_required and one.clients is None:
            todo[:0] = [(each, piece) for each in _one_by_one(portal, one)]
            continue
        if (parts := _cut(known, piece)) is not None:
            todo[:0] = [(one, part) for part in parts]
            continue
        window = _Window(portal, known, one, piece, wait=wait)
        try:
            first = window.first()
        except RequestRefusedError as exc:
            if refusals.beyond_retention(exc.status_code or 0, exc.words):
                logger.info("nothing is kept of %s: %s", piece, exc.words)
                continue
            new = refusals.revised(known, window.asked, exc.words, piece.end - piece.start)
            if new is None or revisions >= _REVISIONS or exc.status_code not in (400, 413, 416, 422):
                raise
            revisions += 1
            logger.info("the portal's words led to another question: %s", exc.words)
            portal.learn(new)
            todo.insert(0, (one, piece))
            continue
        yield from window.read(*first)


def _one_by_one(portal: Portal, selector: Selector) -> list[Selector]:
    """Give the questions of one client each, where the portal insists on one."""
    if selector.clients is None and portal.contract.history.client_required:
        return [Selector((client,), selector.topic) for client in portal.client_ids()]
    if selector.clients is not None and len(selector.clients) > 1:
        return [Selector((client,), selector.topic) for client in selector.clients]
    return [selector]


def _cut(known: History, span: Range) -> list[Range] | None:
    """Cut a span into pieces that the portal allows; None if it is one."""
    if known.longest is None:
        return None
    most = max(times.duration(known.longest) - (known.unit if known.start_included is False else 0), known.unit)
    length = span.end - span.start
    if length <= most:
        return None
    step = -(-length // -(-length // most)) if known.time_form == "ns" else most // known.unit * known.unit
    edges = [*range(span.start, span.end, step), span.end]
    return [Range(a, b) for a, b in itertools.pairwise(edges)]


class _Window:
    """One question, and its answers to the end."""

    def __init__(self, portal: Portal, known: History, selector: Selector, span: Range, *, wait: bool) -> None:
        self._portal = portal
        self._known = known
        self._selector = selector
        self._span = span
        self._wait = wait
        self._rows = 0  # as the portal counts them, all pages together
        self._totals: list[int] = []
        self._earliest, self._latest = 2**63 - 1, -(2**63)
        self.asked = self._question(span)

    def first(self) -> tuple[Page, str | None]:
        """Ask for the first page."""
        return self._ask(Step(self._known.path, self.asked))

    def read(self, held: Page, link: str | None) -> Iterator[pa.Table]:
        """Give the first page and all that follow, and check that they are all there is."""
        step = Step(self._known.path, self.asked)
        been = {step}
        fragments: list[pa.Table] = []
        while True:
            what = paging.following(
                self._known, step, held, link=link, rows=self._rows + held.rows, first=len(been) == 1
            )
            if what == paging.BY_TIME:
                yield from self._by_time(held)
                break
            after: Page | None = None
            if isinstance(what, Step):
                if what in been:
                    raise self._incomplete("names the same next page twice")
                been.add(what)
                after, link = self._ask(what)
                if after.rows and what.by_number and after.messages.equals(held.messages):
                    if len(been) == 2 and self._known.first_page is None:  # noqa: PLR2004
                        step = what  # the first page has this very number
                        continue
                    if self._rows:
                        raise self._incomplete("gives the same page again under the next number")
                    self._portal.learn(dataclasses.replace(self._known, page=None, offset=None))
                    yield from self._by_time(held)
                    break
            table = self._numbered(held.messages, held)
            if held.fragments:
                fragments.append(table)
            else:
                yield table
            if after is None or not isinstance(what, Step):
                break
            held, step = after, what
        if fragments:
            yield answers.merge(pa.concat_tables(fragments))
        self._check()

    def _by_time(self, page: Page) -> Iterator[pa.Table]:
        """Read on where the portal says nothing of pages, and an answer may be cut off at a limit of its own."""
        order = _order(page.messages)
        if order is None:
            yield from self._by_halves(self._span, page)
            return
        unit, span, overlap = self._known.unit, self._span, paging.Overlap()
        table = page.messages
        yield self._numbered(table, page)
        while self._may_be_cut(page):
            at = paging.instants(table)
            if order == "up":
                span = Range(max((int(at.max()) // unit - 1) * unit, span.start), span.end)
            else:
                span = Range(span.start, min((int(at.min()) // unit + 2) * unit, span.end))
            overlap.remember(table, span)
            page, _ = self._ask(Step(self._known.path, self._question(span)))
            table = overlap.new(page.messages)
            if not len(table):
                if self._may_be_cut(page) and len(np.unique(paging.instants(page.messages))) > 1:
                    raise self._incomplete(
                        f"gives the same {page.rows} messages for a part of the range as for all of it"
                    )
                break
            if _order(page.messages) not in (order, "one"):
                raise self._incomplete("gives its messages in another order from one answer to the next")
            yield self._numbered(table, page)

    def _by_halves(self, span: Range, page: Page) -> Iterator[pa.Table]:
        """Read messages that come in no order: an answer is whole if its halves, asked for alone, hold as many."""
        unit = self._known.unit
        middle = (span.start + span.end) // 2 // unit * unit
        whole = _within(page.messages, span)
        if not self._may_be_cut(page):
            yield self._numbered(whole, page)
            return
        if not span.start < middle < span.end:
            raise self._incomplete(f"gives no more than {page.rows} messages at once, and as many share one instant")
        halves = [Range(span.start, middle), Range(middle, span.end)]
        answered = [self._ask(Step(self._known.path, self._question(half)))[0] for half in halves]
        counts = [len(_within(one.messages, half)) for one, half in zip(answered, halves, strict=True)]
        if sum(counts) == len(whole) and max(counts) < len(whole):
            yield self._numbered(whole, page)
            return
        for half, one in zip(halves, answered, strict=True):
            yield from self._by_halves(half, one)

    def _may_be_cut(self, page: Page) -> bool:
        """Tell whether an answer is as long as the longest ever: the portal may be able to give no more at once."""
        if page.paging.has_more:
            return True
        longest, self._portal.longest_answer = self._portal.longest_answer, max(self._portal.longest_answer, page.rows)
        return bool(page.rows > 0 and page.rows >= longest)

    def _question(self, span: Range) -> dict[str, str]:
        # Where it is not known whether a message at the start itself is in the answer, the question begins before it.
        sure = self._known.start_included is True or (self._known.start_included is None and self._known.longest)
        start = span.start if sure or self._known.time_form == "date" else max(span.start - self._known.unit, 0)
        return self._known.question(self._selector, Range(start, span.end), account_id=self._portal.account_id)

    def _ask(self, step: Step) -> tuple[Page, str | None]:
        answer = self._portal.wire.get(step.path, step.params, bulk=True, wait=self._wait)
        clients = self._selector.clients
        page = answers.read_page(
            answer.body,
            content_type=answer.content_type,
            account_id=self._portal.account_id,
            client_id=clients[0] if clients else None,
            topic=self._selector.topic,
            fields=self._known.fields,
        )
        self._portal.check_accounts(page.accounts)
        if len(page.messages):
            instants = paging.instants(page.messages)
            self._earliest = min(self._earliest, int(instants.min()))
            self._latest = max(self._latest, int(instants.max()))
        return page, paging.next_link(answer.headers.get("link", ""))

    def _numbered(self, table: pa.Table, page: Page) -> pa.Table:
        """Count `seq` on from page to page; a portal that gives the newest first counts downward."""
        offset = -self._rows - page.rows if page.descending else self._rows
        self._rows += page.rows
        if page.paging.total is not None:
            self._totals.append(page.paging.total)
        return table.set_column(_SEQ, messages.SCHEMA.field("seq"), pc.add(table["seq"], offset))

    def _check(self) -> None:
        """Compare what came with what was asked for, and with what the portal says of it."""
        if self._totals and not min(self._totals) <= self._rows <= max(self._totals):
            stated = "/".join(str(total) for total in dict.fromkeys(self._totals))
            raise self._incomplete(f"states {stated} messages and gave {self._rows}")
        slack = max(_SLACK, 2 * self._known.unit)
        early, late = self._earliest < self._span.start - slack, self._latest >= self._span.end + slack
        if (early or late) and not (early and (late or self._span.end >= self._portal.now() - slack)):
            raise AnswerError(
                f"the portal was asked for {self._span} and gave messages of {times.iso(self._earliest)} to "
                f"{times.iso(self._latest)}: it does not follow the parameters {self._known.start!r} and "
                f"{self._known.end!r} as they were sent ({', '.join(f'{k}={v}' for k, v in self.asked.items())}). "
                "Say in a contract file (ISR_CONTRACT) how it wants the range; `isr doctor` prints one to edit"
            )

    def _incomplete(self, what: str) -> HistoryIncompleteError:
        return HistoryIncompleteError(
            f"the portal {what}, while {self._selector} was read over {self._span}, after {self._rows} messages: the "
            "end cannot be proven this way, and nothing of this window was kept. If it has parameters for pages, name "
            "them in a contract file (ISR_CONTRACT); `isr doctor` prints one to edit"
        )


def _order(table: pa.Table) -> str | None:
    """Tell whether times run ``"up"``, ``"down"``, are all ``"one"``, or stand in no order (None)."""
    steps = np.diff(paging.instants(table))
    if not steps.any():
        return "one"
    return "up" if (steps >= 0).all() else "down" if (steps <= 0).all() else None


def _within(table: pa.Table, span: Range) -> pa.Table:
    at = paging.instants(table)
    return table.filter(pa.array((at >= span.start) & (at < span.end)))
