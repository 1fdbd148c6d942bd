"""One question of history, and its answer: read as a page, or as the refusal that it is."""

from __future__ import annotations

import dataclasses

from isr_analysis import answers, messages, times
from isr_analysis.answers import Page
from isr_analysis.errors import AnswerError, RequestRefusedError
from isr_analysis.messages import Selector
from isr_analysis.portal import jobs, paging, refusals
from isr_analysis.portal.contract import History
from isr_analysis.portal.paging import Step
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Answer, Waiting
from isr_analysis.times import Range

_NO_CONTENT = 204
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
    except RequestRefusedError as exc:
        if refusals.nothing_there(exc.status_code or 0, exc.words):
            return Page(messages.empty(), 0)
        raise
    if answer.status == _NO_CONTENT:
        return Page(messages.empty(), 0)
    try:
        page = _read(portal, known, selector, answer)
    except AnswerError as exc:
        asked, length = step.params or {}, span.end - span.start
        if refused := refusals.stated(known, asked, answer.body, answer.content_type, length):
            raise refused from exc
        guessed = portal.habits.unit_is_guessed  # then it is looked for further
        if answer.body.strip() != b"{}" or not (guessed or _gives_groups(portal, known, selector)):
            raise
        page = Page(messages.empty(), 0)  # no group at all
    portal.check_accounts(page.accounts)
    portal.habits.groups = portal.habits.groups or page.grouped
    said = paging.both(page.paging, paging.of_headers(answer.headers, page.rows, status=answer.status))
    return dataclasses.replace(page, paging=said)


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


def _gives_groups(portal: Portal, known: History, selector: Selector) -> bool:
    """Tell whether the portal's answers are objects of groups by client or topic, of which ``{}`` is one without any.

    If none was seen yet, one of the last days is looked at.
    """
    if not portal.habits.groups:
        length = min(_LATELY, times.duration(known.longest) if known.longest else _LATELY)
        lately = Range(portal.now() - length + known.unit, portal.now())
        question = known.question(selector, lately, account_id=portal.named_account, now=portal.now())
        try:
            portal.habits.groups = _read(portal, known, selector, portal.wire.get(known.path, question)).grouped
        except (AnswerError, RequestRefusedError):
            return False
    return portal.habits.groups
