"""How a portal wants to be asked where that had to be guessed: the unit of its instants, its topics, its names."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Callable
from typing import Any

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.contract import refusals
from isr_analysis.contract.contract import History
from isr_analysis.errors import CONTRACT_FILE, AnswerError, PortalUnavailableError, QuestionRefusedError
from isr_analysis.messages import Selector, within
from isr_analysis.portal import clients
from isr_analysis.portal.habits import Ranges
from isr_analysis.portal.portal import Portal
from isr_analysis.reading import names
from isr_analysis.reading.asking import others
from isr_analysis.reading.window import Window
from isr_analysis.times import Range

_FOUND = ("time_form", "topic_form", "client", "client_field")
"""What of a question is found out as it is asked."""

_SURE = re.compile(r"client_?ids?(\[\])?$", re.IGNORECASE)
"""A parameter that is called as the list of publishers calls a client's id takes that."""

_OF_CLIENT = re.compile(r"client|publisher|device|station|[gu]uid|valid integer", re.IGNORECASE)
"""Words of a refusal that may be about the client."""


def was_wrong(portal: Portal, known: History, selector: Selector, span: Range, first: Page) -> bool:
    """Tell whether a question was guessed, and wrongly, as its first page shows; how to ask is then found out."""
    guesses, now = portal.habits.guesses, portal.contract.history
    if any(getattr(now, name) != getattr(known, name) for name in _FOUND):
        return True  # another thread has found out meanwhile how to ask
    if guesses.unit:
        if not len(within(first.messages, span)):
            find_unit(portal, selector, span)
            return True
        guesses.unit = False
    if guesses.topic:
        if not first.rows:
            find_topic_form(portal, selector, span)
            return True
        guesses.topic = False
    if known.client is not None and selector.clients is not None and not guesses.clients_are_known:
        if first.rows:
            guesses.clients_are_known = True
        elif not _SURE.search(known.client) and finds_client(portal, known, selector, span):
            return True
    return names.is_ignored(known, first.messages, span) and finds_names(portal, known, selector, first)


def are_other_names(portal: Portal, known: History) -> bool:
    """Tell whether another thread has found out meanwhile by which names the portal follows a range."""
    now = portal.contract.history
    return (now.start, now.end, now.time_form) != (known.start, known.end, known.time_form)


def finds_names(portal: Portal, known: History, selector: Selector, page: Page) -> bool:
    """Tell whether the portal, of which this is a page, follows a range by other names than it was asked by.

    They are looked for once; whoever asked in the same way meanwhile is to ask again.
    """
    if not portal.contract.is_assumed or not len(page.messages):
        return False
    habits = portal.habits
    with habits.finding:
        if are_other_names(portal, known):
            return True
        if habits.guesses.names_are_looked_for:
            return False
        habits.guesses.names_are_looked_for = True
        new = names.found(portal, known, selector, page)
        if new is None:
            return False
        portal.learn(new)
        habits.ranges = Ranges()  # what they showed was of no range
        return True


def finds_client(
    portal: Portal, known: History, selector: Selector, span: Range, *, refusal: str | None = None
) -> bool:
    """Tell whether the portal takes another name of a client than its id, as its list of publishers has it.

    That is one with which it gives messages; or no longer refuses the question, if its `refusal` was about the client.
    Where it refuses each, all clients are asked for, if it lets them be. They are tried once.
    """
    guesses, is_refused = portal.habits.guesses, refusal is not None
    if known.client is None or selector.clients is None:
        return False
    if refusal is not None and not _OF_CLIENT.search(refusal.replace(known.client, "client")):
        return False
    with portal.habits.finding:
        now = portal.contract.history
        if (now.client, now.client_field) != (known.client, known.client_field):
            return True
        listed = [] if guesses.clients_are_known else portal.listed()
        if not any(row["client_id"] in selector.clients for row in listed):
            return False
        parts = (span,) if is_refused else (span, *_lately(portal.now())[:2])
        for field, part in itertools.product(clients.naming(listed), parts):
            with contextlib.suppress(QuestionRefusedError):
                new, page = first_of(portal, dataclasses.replace(known, client_field=field), selector, part)
                if is_refused or page.rows:
                    portal.learn(new)
                    break
        else:
            if is_refused and not known.client_required:
                portal.learn(dataclasses.replace(known, client=None))
        guesses.clients_are_known = True
        return portal.contract.history != known


def first_of(portal: Portal, known: History, selector: Selector, span: Range) -> tuple[History, Page]:
    """Ask for the first page of a span to find something out; give it, and how it was asked for in the end.

    Refusals of anything but the range, such as the page's size, are not what is to be found out.

    Raises
    ------
    QuestionRefusedError
        The range is refused, or the words teach nothing.
    """
    while True:
        window = Window(portal, known, selector, known.widened(span, portal.now()), wait=False)
        try:
            return known, window.first()
        except QuestionRefusedError as exc:
            new = refusals.taught(known, window.asked, exc, span.end - span.start)
            if new is None or (new.page_size >= known.page_size and new.limit == known.limit):
                raise
            known = new


def find_unit(portal: Portal, selector: Selector, span: Range) -> None:
    """Find out which number since 1970 the portal wants: the one with which it gives messages of what was asked for.

    With a wrong one it would be asked for another time, and give nothing.
    """
    known = portal.contract.history
    # Each a little shorter, as a day may be the most at once.
    parts = [Range(one.start + (one.end - one.start) // 24, one.end) for one in (span, *_lately(portal.now()))]
    ones = [selector, *others(portal, known, selector)]
    questions = [(one, part) for part in parts for one in ones]
    if not known.client_required and selector != Selector():
        questions += [(Selector(), part) for part in parts[1:]]  # of this one there may be nothing
    ways = [{"time_form": form} for form in ("s", "ms", "us", "ns")]
    if _is_found(portal, ways, questions, lambda: portal.habits.guesses.unit):
        portal.habits.guesses.unit = False
        return
    raise AnswerError(
        "the portal wants instants as numbers since 1970 and does not say of what unit, and with none of them it gave "
        f'messages; say time_form = "s", "ms", "us" or "ns" in {CONTRACT_FILE}'
    )


def find_topic_form(portal: Portal, selector: Selector, span: Range) -> None:
    """Find out how the portal wants a topic: as that with which it gives messages; else, if all were asked for, one.

    With a wrong one it would give nothing.
    """
    known, whole = portal.contract.history, selector.topic == "#"
    ways: list[dict[str, Any]] = [{}] if whole else [{"topic_form": form} for form in ("subpath", "path")]
    longest = times.duration(known.longest) if known.longest else 30 * times.DAY
    lately = (Range(max(one.start, one.end - longest), one.end) for one in _lately(portal.now()))
    questions = [(selector, part) for part in dict.fromkeys((span, *lately))]
    if _is_found(portal, ways, questions, lambda: portal.habits.guesses.topic):
        portal.habits.guesses.topic = False
        return
    if whole:
        now = portal.contract.history
        portal.learn(dataclasses.replace(now, **refusals.one_topic(now)))
        return
    raise AnswerError(
        f"the portal wants a topic named ({known.topic!r}) and does not say how, and asked for {selector} as subpath "
        f"and as path it gave nothing, lately too; if there is something, say topic_form in {CONTRACT_FILE}"
    )


def _lately(now: int) -> list[Range]:
    """Give ranges in which there may be something if the one that was asked for has nothing."""
    return [Range(now - days * times.DAY, now) for days in (1, 7, 30, 366, 3660)]


def _is_found(
    portal: Portal, ways: list[dict[str, Any]], questions: list[tuple[Selector, Range]], is_open: Callable[[], bool]
) -> bool:
    """Tell whether one of several ways to ask gives messages of what is asked for: then that is how, from now on.

    It is no longer `is_open` once another thread has found it.
    """
    for (selector, span), way in itertools.product(questions, ways):
        if not is_open():
            return True
        try:
            known, page = first_of(portal, dataclasses.replace(portal.contract.history, **way), selector, span)
        except QuestionRefusedError:
            continue
        except PortalUnavailableError as exc:
            if exc.status_code is None:
                raise
            continue  # the year of so large a number may be more than it can bear
        if len(within(page.messages, span)):
            portal.learn(known)
            return True
    return False
