"""One question of history, and its answer: read as a page, or as the refusal that it is."""

from __future__ import annotations

import contextlib
import dataclasses

from isr_analysis import answers, messages, times
from isr_analysis.answers import Page
from isr_analysis.errors import AnswerError, RequestRefusedError
from isr_analysis.messages import Selector
from isr_analysis.portal import downloads, jobs, paging, refusals
from isr_analysis.portal.contract import History
from isr_analysis.portal.paging import Step
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Answer, Waiting
from isr_analysis.times import Range

_NO_CONTENT = 204
_NOT_FOUND = 404
_LATELY = 30 * times.DAY
"""How far back a message is looked for that shows the form of the portal's answers."""


def ask(portal: Portal, known: History, selector: Selector, span: Range, step: Step, *, wait: Waiting = False) -> Page:
    """Ask for a page.

    Parameters
    ----------
    portal : Portal
        The connection.
    known : History
        How history is asked for.
    selector : Selector
        What is asked for; of one client or of all.
    span : Range
        The range that is read.
    step : Step
        The question.
    wait : bool or callable
        Wait for the quota where it is used up.

    Raises
    ------
    RequestRefusedError
        The portal refuses, perhaps with a good status.
    AnswerError
        The answer was not understood.
    WrongAccountError
        It holds another account's data.
    """
    try:
        answer = portal.wire.get(step.path, step.params, bulk=True, wait=wait)
        answer = jobs.awaited(portal.wire, answer, step.path, wait=wait)
        answer, of_files = downloads.fetched(portal.wire, answer, step.path, wait=wait)
    except RequestRefusedError as exc:
        if refusals.nothing_there(exc.status_code or 0, exc.words):
            return Page(messages.empty(), 0)
        raise
    if answer.status == _NO_CONTENT:
        return Page(messages.empty(), 0)
    try:
        page = _read(portal, known, selector, answer)
    except AnswerError as exc:
        if refusals.says_only_nothing(answer.body, answer.content_type):
            return Page(messages.empty(), 0)
        asked, length = step.params or {}, span.end - span.start
        if refused := refusals.stated(known, asked, answer.body, answer.content_type, length):
            raise refused from exc
        guessed = portal.habits.unit_is_guessed  # then it is looked for further
        nothing = answer.body.strip()
        if nothing not in (b"", b"{}", b"null") or not (guessed or nothing == _without_rows(portal, known, selector)):
            raise
        page = Page(messages.empty(), 0)
    if page.payload_unsure and (form := _form_of_others(portal, known, selector)):
        fields = dataclasses.replace(known.fields, payload_form=form)
        page = _read(portal, dataclasses.replace(known, fields=fields), selector, answer)
        page = dataclasses.replace(page, payload_form=form)
    portal.check_accounts(page.accounts)
    said = paging.both(page.paging, paging.of_headers(answer.headers, page.rows, status=answer.status))
    said = paging.both(said, of_files)
    return dataclasses.replace(page, paging=said)


def is_nothing(portal: Portal, known: History, selector: Selector, exc: RequestRefusedError) -> bool:
    """Tell whether a range was not found because nothing is in it: of late, the portal answers the same question."""
    if exc.status_code != _NOT_FOUND or refusals.beyond_retention(_NOT_FOUND, exc.words):
        return False
    if selector not in portal.habits.answered and _lately(portal, known, selector):
        portal.habits.answered.add(selector)
    return selector in portal.habits.answered


def is_answered_at_its_end(portal: Portal, known: History, selector: Selector, span: Range) -> bool:
    """Tell whether the last of a range is answered, of which the whole is not found: then it begins too long ago."""
    end = Range(max(span.end - max(times.SECOND, known.unit), span.start), span.end)
    try:
        portal.wire.get(known.path, known.question(selector, end, account_id=portal.named_account, now=portal.now()))
    except RequestRefusedError:
        return False
    return end != span


def _read(portal: Portal, known: History, selector: Selector, answer: Answer) -> Page:
    fields = known.fields
    if portal.habits.decoded and fields.payload_form is None:
        fields = dataclasses.replace(fields, payload_form="decoded")
    return answers.read_page(
        answer.body,
        content_type=answer.content_type,
        account_id=portal.account_id,
        client_id=selector.clients[0] if selector.clients else None,
        topic=selector.topic,
        fields=fields,
    )


def _without_rows(portal: Portal, known: History, selector: Selector) -> bytes | None:
    """Give what the portal's answers are without rows, where that tells nothing by itself: one of late is looked at."""
    if portal.habits.without_rows is None and (found := _lately(portal, known, selector)) and found[1].rows:
        portal.habits.without_rows = answers.without_rows(found[0].body, found[0].content_type)
    return portal.habits.without_rows


def _form_of_others(portal: Portal, known: History, selector: Selector) -> str | None:
    """Give the form in which payloads are, as an answer of late shows it, of all clients if that may be asked for.

    It is asked for once.
    """
    if portal.habits.form_is_looked_for:
        return None
    portal.habits.form_is_looked_for = True
    narrow = known.client_required or known.topic_required
    found = _lately(portal, known, selector if narrow else Selector())
    return found[1].payload_form if found else None


def _lately(portal: Portal, known: History, selector: Selector) -> tuple[Answer, Page] | None:
    """Give an answer about the last days that shows what the portal's answers are like; None if it refuses one."""
    most = times.duration(known.longest) if known.longest else _LATELY
    for length in dict.fromkeys(min(days, most) for days in (_LATELY, times.DAY)):  # it may keep less
        span = Range(portal.now() - length + known.unit, portal.now())
        question = known.question(selector, span, account_id=portal.named_account, now=portal.now())
        with contextlib.suppress(AnswerError, RequestRefusedError):
            answer = portal.wire.get(known.path, question)
            return answer, _read(portal, known, selector, answer)
    return None
