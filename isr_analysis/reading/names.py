"""The names of a range's ends, where nobody told them: a portal may ignore a parameter that it does not know."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.contract import refusals
from isr_analysis.contract.contract import History
from isr_analysis.errors import AnswerError, QuestionRefusedError
from isr_analysis.messages import Selector, instants
from isr_analysis.portal.portal import Portal
from isr_analysis.reading.window import Window
from isr_analysis.times import Range

logger = logging.getLogger(__name__)

_PAIRS = (
    ("from", "to"), ("since", "until"), ("start_time", "end_time"), ("startTime", "endTime"), ("from_time", "to_time"),
    ("start_date", "end_date"), ("startDate", "endDate"), ("date_from", "date_to"), ("begin", "end"),
    ("start_ts", "end_ts"), ("from_ts", "to_ts"), ("after", "before"), ("gte", "lt"),
)  # fmt: skip
_FORMS = ("iso", "s", "ms")
_NEAR = times.MINUTE
_OUTSIDE = times.HOUR
"""How far an answer must reach over its range before it is taken for one that does not follow it."""

_BEFORE = 3 * times.HOUR
"""How long before a page a range is of which it is not: its messages may all be of the same minutes."""


def is_ignored(known: History, table: pa.Table, span: Range) -> bool:
    """Tell whether messages reach over the range that was asked for: the portal may not know its parameters.

    Where it refused them there is none that it could reach over.
    """
    ranged = known.start is not None and known.end is not None and not known.of_days
    if not (ranged or known.is_unranged) or not len(table):
        return False
    if known.is_unranged:
        return True
    at = instants(table)
    return bool(at.min() < span.start - _OUTSIDE or at.max() >= span.end + _OUTSIDE)


def found(portal: Portal, known: History, selector: Selector, page: Page) -> History | None:
    """Find the usual names by which the portal follows a range; None if by none.

    `page` is what it answered: asked for the minutes around a message of it alone, it must give that and no others.
    """
    at = np.sort(instants(page.messages))
    middle = int(at[len(at) // 2])
    span = Range(middle - _NEAR, middle + _NEAR)
    if not _ignores(portal, known, selector, (span, Range(*(one - _BEFORE for one in (span.start, span.end))))):
        return None
    # What it has no notice of is sent as well: it may be wanted all the same.
    ends = {known.start: known.instant(span.start), known.end: known.instant(span.end)}
    fixed = {**known.fixed, **{name: end for name, end in ends.items() if name is not None}}
    for form in _FORMS:
        asked = dataclasses.replace(known, time_form=form, fixed=fixed)
        every = {
            name: asked.instant(end) for pair in _PAIRS for name, end in zip(pair, (span.start, span.end), strict=True)
        }
        together = dataclasses.replace(asked, start=None, end=None, fixed={**every, **fixed})
        try:
            follows = _follows(_first(portal, together, selector, span), middle, span)
        except QuestionRefusedError:  # of one of them, perhaps
            follows = form == _FORMS[0]
        for start, end in _PAIRS if follows else ():
            tried = dataclasses.replace(asked, start=start, end=end)
            try:
                if _follows(_first(portal, tried, selector, span), middle, span):
                    logger.info("the portal follows a range by %s and %s", start, end)
                    return dataclasses.replace(tried, fixed=known.fixed)
            except QuestionRefusedError as exc:
                asks = tried.question(selector, span, account_id=portal.named_account, now=portal.now())
                taught = refusals.revised(tried, asks, exc.words, span.end - span.start)
                if taught is not None and (taught.start, taught.end) == (start, end):
                    return dataclasses.replace(taught, fixed=known.fixed)
    return None


def _ignores(portal: Portal, known: History, selector: Selector, spans: Iterable[Range]) -> bool:
    """Tell whether the answer to one of some ranges reaches over it; what is refused was read."""
    with contextlib.suppress(QuestionRefusedError):
        pages = ((_first(portal, known, selector, span), span) for span in spans)
        return any(page is not None and is_ignored(known, page.messages, span) for page, span in pages)
    return False


def _first(portal: Portal, known: History, selector: Selector, span: Range) -> Page | None:
    try:
        return Window(portal, known, selector, span, wait=False).first()
    except AnswerError:
        return None


def _follows(page: Page | None, middle: int, span: Range) -> bool:
    """Tell whether an answer has the message that it must have, and none that are far from it."""
    if page is None or not len(page.messages):
        return False
    at = instants(page.messages)
    near = Range(span.start - _NEAR, span.end + _NEAR).holds(at)
    return bool(near.all() and middle in at)
