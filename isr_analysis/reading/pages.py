"""Pages of history: what is asked of the portal for a span, and what its refusals lead to."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.contract import refusals, retention
from isr_analysis.contract.contract import History
from isr_analysis.errors import (
    AnswerError,
    HistoryIncompleteError,
    IsrError,
    PortalUnavailableError,
    QuestionRefusedError,
    UsageError,
)
from isr_analysis.messages import Selector, within
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.wire import Waiting
from isr_analysis.reading import clocks, cuts, guesses, names
from isr_analysis.reading.window import PagesEndError, Window
from isr_analysis.times import Range

logger = logging.getLogger(__name__)

_REVISIONS = 20

_SHORT = times.HOUR
"""A range so long, ns, is answered in time by a portal that is well."""

_TOO_MUCH = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.GATEWAY_TIMEOUT, 524)
"""The statuses of an answer that is too much for the portal, or for a gateway before it."""

_NO_CLIENT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Those of a question about a client whom the portal does not know by this name."""

_PERHAPS = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY)
"""Those with which programs give up as well what is too much."""

_SLOW = re.compile(r"\btime[ds]?[- ]?out|deadline|duration", re.IGNORECASE)
"""Words of an answer that took too long, whatever its status."""

Question = tuple[Selector, Range]


class _OtherwiseError(PagesEndError):
    def __init__(self) -> None:
        super().__init__("the portal follows a range by other names of its ends, or by another time, than was thought")


_T = TypeVar("_T")


def to_the_end(read: Callable[[], _T]) -> _T:
    """Do what reads `pages`; once more where the portal's own pages could not be followed to their end."""
    try:
        return read()
    except PagesEndError as exc:
        logger.info("%s", exc)
        return read()


def pages(
    portal: Portal,
    selector: Selector,
    span: Range,
    *,
    wait: Waiting = False,
    refused: Callable[[tuple[int, str]], None] = lambda _: None,
) -> Iterator[pa.Table]:
    """Give the portal's messages of a span, page by page.

    Parameters
    ----------
    portal : Portal
        The connection. What a refusal teaches is put into its contract.
    selector : Selector
        What `History.askable` gives; of one client or of all.
    span : Range
        Half-open.
    wait : bool or callable
        Wait for the quota where it is used up.
    refused : callable
        Is given up to when the portal refused to give messages, as too old, ns, and its words.

    Yields
    ------
    pyarrow.Table
        Messages of the span (`messages.SCHEMA`) as answered; `seq` counts on from page to page. They may be of more
        topics than were asked for: the caller takes what it wanted.

    Raises
    ------
    PagesEndError
        The portal refuses a page that it named, or parts its pages badly, or deleted messages meanwhile, after others
        were given; or was found to want other names of the range's ends: see `to_the_end`.
    HistoryIncompleteError
        The end cannot be proven: the portal names the same page again, gives another number of messages than it
        states, or more at one instant than it gives at once.
    AnswerError
        The portal answers for another range than it was asked for, or its answer is not understood.
    QuestionRefusedError
        The portal refuses, and its words teach nothing.
    UsageError
        It wants a client named, and its list of clients is not to be had.
    WrongAccountError
        A page holds another account's data.
    """
    asked: list[tuple[History, Question]] = []  # what was refused, and how it was asked
    said, owners = "", dict[str, str]()
    todo: list[Question] = [(selector, span)]
    while todo:
        one, piece = todo.pop(0)
        kept = portal.habits.kept(one)
        if piece.end <= kept.since:
            refused((kept.since, kept.words))
            continue
        known = _known(portal)
        try:
            narrower = _narrower(portal, known, one, piece)
        except UsageError as exc:  # it may want something else than a client
            raise UsageError(f"{exc}{said}") from exc
        if narrower is not None:
            todo[:0] = narrower
            continue
        wide = known.widened(piece, portal.now())
        window = Window(portal, known, one, wide, wait=wait)
        try:
            first = window.first()
        except QuestionRefusedError as exc:
            if not retention.beyond(exc.status_code, exc.words):
                if (known, (one, piece)) in asked or len(asked) == _REVISIONS:
                    raise  # its words lead nowhere, or back to what it refused before
                asked.append((known, (one, piece)))
                said = f". The portal said: {exc.words!r}" if exc.words else ""
            instead = _instead(portal, known, window, (one, piece), exc)
            begin = instead[0][1].start if instead else piece.end
            if begin > piece.start:
                refused((begin, exc.words))
            todo[:0] = instead
            continue
        except PortalUnavailableError as exc:  # it may only need too long for so much
            if not _is_shortened(portal, known, one, wide, exc, wait=wait):
                raise
            todo.insert(0, (one, piece))
            continue
        if clocks.is_other(portal, known, window) or guesses.was_wrong(portal, known, one, wide, first):
            todo.insert(0, (one, piece))
            continue
        for table in _checked(portal, known, window, first, (one, wide), wait=wait):
            own = table if one.clients == selector.clients else _of_its_own(portal, table, one, owners)
            yield within(own, piece)  # an answer may reach over its border, to what the next piece gives as well


def _known(portal: Portal) -> History:
    """Give how the portal is asked; a number since 1970 of which it did not say the unit is in seconds, for a guess."""
    known = portal.contract.history
    if known.time_form == "number":
        portal.habits.guesses.unit = True
        known = dataclasses.replace(known, time_form="s")
        portal.learn(known)
    return known


def _checked(
    portal: Portal, known: History, window: Window, first: Page, question: Question, *, wait: Waiting
) -> Iterator[pa.Table]:
    """Read a window to its end, then find out whether the portal answers so long a range whole.

    If it follows no range, its first page may have been of this one by chance, as its newest messages are, or its
    oldest: then it is found out by which names it does.
    """
    selector, span = question
    try:
        for table in _whole(portal, known, window, first, question, wait=wait):
            if names.is_ignored(known, table, span) and guesses.finds_names(portal, known, selector, first):
                raise _OtherwiseError
            yield table
    except PagesEndError:
        raise
    except (AnswerError, HistoryIncompleteError) as exc:
        if clocks.is_other(portal, known, window) or guesses.finds_names(portal, known, selector, first):
            raise _OtherwiseError from exc
        raise
    if clocks.is_other(portal, known, window, last=True):
        raise _OtherwiseError


def _whole(
    portal: Portal, known: History, window: Window, first: Page, question: Question, *, wait: Waiting
) -> Iterator[pa.Table]:
    def check() -> None:
        with portal.habits.finding:  # what came by wrong names shows no cut
            if guesses.are_other_names(portal, known):
                raise _OtherwiseError
            cuts.check(portal, *question, window.given, wait=wait)

    try:
        yield from window.read(first)
    except PagesEndError:
        raise
    except HistoryIncompleteError:  # where ranges are cut short, a part of one has what the whole has not
        check()
        raise
    check()


def _of_its_own(portal: Portal, table: pa.Table, one: Selector, owners: dict[str, str]) -> pa.Table:
    """Leave out what the questions for other clients bring as well: a portal may not heed which one is asked for.

    `owners` has for each name the client for which it came. What stands under names that no list has, as of devices
    that share a login, is of the first client for which it came.
    """
    assert one.clients is not None
    (client,) = one.clients
    owners.update({} if owners else {name: name for name in portal.client_ids()})
    others = [name for name in table["client_id"].unique().to_pylist() if owners.setdefault(name, client) != client]
    return table.filter(pc.invert(pc.is_in(table["client_id"], pa.array(others, pa.string())))) if others else table


def _is_shortened(
    portal: Portal, known: History, selector: Selector, span: Range, exc: IsrError, *, wait: Waiting = False
) -> bool:
    """Have shorter ranges asked for where one may have been too much for the portal.

    Not if it was short enough for any portal that is well, or if the failure may be another one and its last hour is
    not answered either.
    """
    length = (span.end - span.start) // 4
    sure = exc.status_code in _TOO_MUCH or (exc.status_code is not None and _SLOW.search(str(exc)))
    if length < _SHORT or not known.can_be_parted(span) or not (sure or exc.status_code in _PERHAPS):
        return False
    if not sure:
        part = known.widened(Range(span.end - _SHORT, span.end), portal.now())
        try:
            Window(portal, known, selector, part, wait=wait).first()
        except (PortalUnavailableError, QuestionRefusedError, AnswerError):
            return False
    portal.learn(dataclasses.replace(known, longest=f"{length // times.SECOND}s"), instead_of=known)
    logger.info("%s may have been too much to be answered: shorter ranges are asked for", span)
    return True


def _instead(
    portal: Portal, known: History, window: Window, question: Question, exc: QuestionRefusedError
) -> list[Question]:
    """Give what is asked in the place of a question that was refused, as the refusal taught; raise it if it did not."""
    selector, span = question
    too_old = retention.beyond(exc.status_code, exc.words)
    if too_old and portal.habits.guesses.unit:
        guesses.find_unit(portal, selector, span)
        return [question]
    if too_old and _is_of_age(portal, selector, span):
        return _of_what_is_kept(portal, known, question, exc)
    if exc.status_code == HTTPStatus.NOT_FOUND and window.asked.get(known.topic or "") == "#":  # it knows no such topic
        portal.learn(dataclasses.replace(known, **refusals.one_topic(known)), instead_of=known)
        return [question]
    if exc.status_code in refusals.REVISABLE and _is_revised(portal, known, window, span, exc):
        return [question]
    if exc.status_code in _NO_CLIENT and guesses.finds_client(portal, known, selector, span, refusal=exc.words):
        return [question]
    if too_old and _is_of_age(portal, selector, span, shorter=True):  # as a range so long is refused, too
        return _of_what_is_kept(portal, known, question, exc)
    if exc.status_code in _TOO_MUCH and _is_shortened(portal, known, selector, span, exc):
        return [question]
    raise exc


def _is_revised(portal: Portal, known: History, window: Window, span: Range, exc: QuestionRefusedError) -> bool:
    """Learn from the words of a refusal how else to ask; tell whether they taught it."""
    if portal.contract.history != known:  # another thread has learned of it meanwhile
        return True
    asked = known.widened(span, portal.now())
    new = refusals.revised(known, window.asked, exc.words, asked.end - asked.start)
    if new is None:
        return False
    if not portal.learn(new, instead_of=known):
        return True
    logger.info("the portal's words led to another question: %s", exc.words)
    guesses = portal.habits.guesses
    guesses.unit = (guesses.unit and new.time_form == known.time_form) or refusals.is_vague(known, new, exc.words)
    guesses.topic |= refusals.is_of_unknown_topics(known, new)
    return True


def _of_what_is_kept(portal: Portal, known: History, question: Question, exc: QuestionRefusedError) -> list[Question]:
    """Give what is asked in the place of a question about what is too old: about the part that is kept."""
    selector, span = question
    logger.info("not all is kept of %s: %s", span, exc.words)
    begin = _kept_from(portal, known, selector, span, exc.words)
    if begin is None:
        return [question]
    if span.start == portal.habits.kept(selector).since:  # taken a moment ago: what is kept begins later and later
        begin = min(begin + times.MINUTE, span.end)
    if begin >= span.end:
        return []
    portal.habits.note_since(selector, begin, exc.words)
    return [(selector, Range(begin, span.end))]


def _narrower(portal: Portal, known: History, selector: Selector, span: Range) -> list[Question] | None:
    """Give the narrower questions that the portal takes in place of this one; None if it takes this one."""
    if selector.clients is None and known.client_required:
        return [(Selector((client,), selector.topic), span) for client in portal.client_ids()]
    if known.of_days and known.end is None and (zone := known.fields.time_zone) is not None:
        midnight = times.midnight_after(span.start, zone)  # one day of its clock at a time
        if midnight < span.end:
            return [(selector, Range(span.start, midnight)), (selector, Range(midnight, span.end))]
    if known.longest is None:
        return None
    most = max(times.duration(known.longest) - known.before, known.unit) // known.unit * known.unit
    if most > times.MINUTE:  # a portal may cut the ends of ranges to whole seconds or minutes
        most = most // times.MINUTE * times.MINUTE
    if span.end - span.start <= most:
        return None
    edges = [*range(span.start, span.end, most), span.end]
    return [(selector, Range(a, b)) for a, b in itertools.pairwise(edges)]


def _is_of_age(portal: Portal, selector: Selector, span: Range, *, shorter: bool = False) -> bool:
    """Tell whether a range may have been refused for its age: a recent one as long is answered, or a `shorter` one.

    It was not refused for that if one was answered that is older by more than a day. (Days may be kept whole, and the
    oldest may have gone since.)
    """
    kept, now, length = portal.habits.kept(selector), portal.now(), span.end - span.start
    if now - span.start < kept.age - times.DAY - times.HOUR:
        return False
    while length > kept.length:
        known = portal.contract.history
        # Later by whole hours, as the portal may take no other instants than such.
        step = times.DAY if known.of_days else times.HOUR if now - span.end >= times.HOUR else times.MINUTE
        end = span.end + max(now - span.end, 0) // step * step
        length = length // 2 if shorter else length
        part = Range(end - length, end)
        if length < known.unit:
            return False
        try:
            guesses.first_of(portal, known, selector, part)
        except QuestionRefusedError:
            if not shorter or length < times.MINUTE:
                return False
        else:
            kept.length = length
    return True


def _kept_from(portal: Portal, known: History, selector: Selector, span: Range, words: str) -> int | None:
    """Find, to within a second, from when on the portal has what lies in a span that it refused as too old.

    That is the span's end if it has nothing of it. What its words name is tried first, then halves. None if a refusal
    taught another way to ask meanwhile: the whole is asked again then.
    """
    step = max(times.SECOND, known.unit)
    exact = dataclasses.replace(known, start_included=True)  # what is a step before that is refused
    # Refused from `low` on, taken from `high` on; of the span itself it may be only the step before it.
    low, high = span.start - (step if known.before else 0), span.end
    first = retention.oldest(words, portal.now())  # words may be rounded, or days counted from midnight
    tries = [span.end - step]
    if first is not None and span.start <= first < span.end:
        tries = [first, first - step, first - times.MINUTE, first + times.MINUTE, span.start]
    while high - low > step:
        tried = bool(tries)
        begin = -(-(tries.pop(0) if tries else (low + high) // 2) // step) * step
        if not low < begin < high:
            if tried:
                continue
            break
        part = Range(begin, span.end)
        window = Window(portal, exact, selector, exact.widened(part, portal.now()), wait=False)
        try:
            window.first()
        except QuestionRefusedError as exc:
            if not retention.beyond(exc.status_code, exc.words):
                _instead(portal, known, window, (selector, part), exc)  # it may be too short a range
                return None
            low = begin
            if begin >= span.end - step:
                return span.end
        else:
            high = begin
    return high
