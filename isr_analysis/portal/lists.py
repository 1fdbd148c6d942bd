"""The small answers, to their end: the list of publishers and the last messages may come in pages too."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from isr_analysis import messages
from isr_analysis.amounts import counted
from isr_analysis.answers import Page, Paging
from isr_analysis.answers.shape import plain
from isr_analysis.contract.contract import Contract, History
from isr_analysis.errors import (
    AnswerError,
    IsrError,
    PortalUnavailableError,
    QuestionRefusedError,
    StoreError,
)
from isr_analysis.portal import paging
from isr_analysis.portal.habits import Sizes
from isr_analysis.portal.paging import Step
from isr_analysis.portal.parts import ALL, Part, of_messages, of_rows, picked_messages, picked_rows
from isr_analysis.portal.transport import EnoughError

if TYPE_CHECKING:
    from isr_analysis.portal.responses import Kept, Responses
    from isr_analysis.portal.wire import Answer

Read = TypeVar("Read")

PUBLISHED = ("client_id", "topic", "history_topic_prefix")

_USUAL = (("limit", "limit"), ("offset", "offset"), ("offset", "skip"), ("page", "page"))
"""The parameters by which more of a list may be had where nothing names any, each with what it is for."""


def live(responses: Responses, routes: Contract, account_id: str | None, *, max_age: float) -> list[tuple[Kept, Page]]:
    """Give the last messages of the publishers, at most `max_age` seconds old: each answer, and what it holds.

    If that is infinite, what is on disk has to do: the portal is not asked.

    Raises
    ------
    AnswerError
        An answer was not understood; or it says that there is more, and not how to ask for it.
    """
    part = functools.partial(of_messages, account_id=account_id, fields=routes.live_fields)
    asked = routes.paged(routes.live).fixed
    return list(_List(responses, routes.live, max_age, part, picked_messages, asked).read())


def publishers(responses: Responses, routes: Contract, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give the MQTT clients of the account: each answer, and its rows; errors as of `live`."""
    return [(kept, list(map(_published, page))) for kept, page in rows(responses, routes.publishers, max_age=max_age)]


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """Give a publisher's fields the names that the portal publishes for them; an id that is a number is text."""
    spelled = {plain(name): name for name in row}
    named = {spelled[plain(name)]: name for name in PUBLISHED if plain(name) in spelled}
    made = {named.get(name, name): value for name, value in row.items()}
    if "client_id" not in made and f"/{made.get('id')}/" in f"{made.get('topic')} {made.get('history_topic_prefix')}":
        made["client_id"] = made["id"]
    is_number = type(made.get("client_id")) is int  # True is one, too
    return {**made, "client_id": str(made["client_id"])} if is_number else made


def rows(responses: Responses, path: str, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give a list of objects: each answer, and its rows; errors as of `live`."""
    return list(_List(responses, path, max_age, of_rows, picked_rows).read())


def doubt(responses: Responses, path: str) -> str:
    """Say that a list, as it was read last, may be cut; else ""."""
    if (rows := responses.doubtful.get(path)) is None:
        return ""
    return (
        f"the portal gave {rows} rows of {path}, said nothing of others, and does not follow the usual parameters of "
        "pages: if there should be more, the list is cut, and those are missing here"
    )


def caveats(responses: Responses, path: str) -> list[str]:
    """Give why some of a list, as it was read last, may be missing: its length, and what the portal says beside it."""
    said = responses.remarks.get(path)
    remark = f"the portal says beside the rows of {path}: {said!r}" if said else ""
    return [words for words in (doubt(responses, path), remark) if words]


def freshness(found: Iterable[Kept]) -> dict[str, Any]:
    """Give what the ``attrs`` of a frame say of the answers that it is made of: how old the oldest is."""
    kept = list(found)
    return {
        "fetched_at": min(one.fetched_at for one in kept).isoformat().replace("+00:00", "Z"),
        "stale": any(one.stale for one in kept),
    }


class _List(Generic[Read]):
    """A list that is read to its end, however the portal says that there is more, or if it does not say so.

    `part` reads one answer, and `picked` takes some of what it holds; `asked` are parameters of each question.
    """

    def __init__(
        self,
        responses: Responses,
        path: str,
        max_age: float,
        part: Callable[[Answer], Part[Read]],
        picked: Callable[[Read, list[bool]], Read],
        asked: Mapping[str, str] | None = None,
    ) -> None:
        self._responses = responses
        self._path = path
        self._max_age = max_age
        self._part = part
        self._picked = picked
        self._asked = dict(asked or {})  # in each question
        self._count = 0  # rows so far
        self._seen: set[str] = set()
        self._clients: Counter[str] = Counter()  # how many of the messages so far are theirs
        self._at_end = False  # whether the last answer with other rows says that it was the last
        self._heeded = False  # whether a page behind the rows that came was found to be empty
        self._is_away = max_age == math.inf  # whether what is kept has to do: offline, or the portal cannot be reached
        self._untried: IsrError | None = None  # why some way to the rest could not be tried
        self._ways: dict[tuple[str, str], bool] = {}  # by which more may be had, and whether they led to more
        self._since: dt.datetime | None = None  # before the first page was fetched: the others are no older

    def read(self) -> Iterator[tuple[Kept, Read]]:
        """Give each answer, and what it holds."""
        yield from self._pages()
        if not self._is_away:
            with contextlib.suppress(StoreError):  # it can be done another time
                self._responses.forget(self._path, before=self._since)

    def _pages(self) -> Iterator[tuple[Kept, Read]]:
        began = dt.datetime.now(dt.UTC)
        kept = self._first()
        self._since = min(began, kept.fetched_at)
        step = question = Step(self._path, self._asked)
        been, former, asked_for, is_named = {question}, b"", 0, True
        size, number = 0, None  # the rows of the first page, and what it says that its number is
        for nth in itertools.count():
            kept = self._get(step.path, step.params) if nth else kept
            self._is_away |= kept.stale
            part = self._part(kept.answer)
            said, rows = paging.with_headers(part.said, kept.answer.headers, 0, kept.answer.status), part.rows
            size, number = (size, number) if nth else (rows, said.page)
            self._responses.remarks[self._path] = said.remark or (self._responses.remarks[self._path] if nth else "")
            # A number that the portal does not follow brings the same again; what it named itself is another page.
            is_other = is_named and kept.answer.body != former
            new, found = (rows, part.found) if is_other else self._new(part)
            asked_for, self._count = asked_for + rows, self._count + new
            self._seen.update(part.keys, part.places)
            self._clients.update(part.clients if is_other else ())
            yield kept, found
            if not paging.says_more(said, 0 if number else nth):  # a 1 may be of the second page, or the first again
                least = said.total or 0 if nth else _least(size, said)
                yield from self._rest(rows, said, nth, least)
                self._check(said, least)
                return
            page = Page(messages.empty(), min(rows, 1), paging=said)
            known = self._known if said.url is None else Contract().paged(self._path)  # a link needs no other word
            following = paging.following(known, question, page, rows=asked_for % ALL, nth=nth, sizes=Sizes())
            if following == step and not rows:
                return  # its cursor is where the next one will be
            is_same = kept.answer.body == former or (rows > 0 and not new)
            if not isinstance(following, Step) or following in been or is_same:
                yield from self._others(sure=True)  # it does not say how the rest is had
                if self._at_end or 0 < _least(size, said) <= self._count:
                    self._check(said, said.total or 0)
                    return
                raise self._untried or self._not_understood(said)
            step, former, is_named = following, kept.answer.body, paging.names_next(said)
            been.add(step)

    def _not_understood(self, said: Paging) -> AnswerError:
        names = ("url", "cursor", "has_more", "page", "pages", "next_page", "next_offset")
        shown = ", ".join(f"{name}={one}" for name in names if (one := getattr(said, name)) is not None)
        return AnswerError(
            f"the portal says that there is more of {self._path} than it gave, but how it names what follows was not "
            f"understood (it says {shown}): the list would not be whole"
        )

    def _first(self) -> Kept:
        """Give the first answer; what the portal's document wants is asked for where it is not given without."""
        try:
            return self._get(self._path, self._asked)
        except (QuestionRefusedError, PortalUnavailableError) as exc:
            self._is_away |= isinstance(exc, PortalUnavailableError)  # what is on disk may be as the document wants it
            wanted = self._known.fixed
            if self._asked == wanted:
                raise
            self._asked = dict(wanted)
            return self._get(self._path, self._asked)

    @functools.cached_property
    def _known(self) -> History:
        """How it is asked for, as far as the portal's document says it, which is not needed else."""
        return self._responses.documented(away=self._is_away).paged(self._path)

    def _new(self, part: Part[Read]) -> tuple[int, Read]:
        """Give how many rows an answer has that were in none before it, and what is new of it."""
        unseen = [key not in self._seen for key in part.keys]
        if part.clients and not all(unseen):  # as of a list that is given again: who has one message has a newer one
            now = Counter(part.clients)
            unseen = [
                one and not now[who] == self._clients[who] == 1 for one, who in zip(unseen, part.clients, strict=True)
            ]
        self._clients.update(itertools.compress(part.clients, unseen))
        new = max(sum(place not in self._seen for place in part.places), sum(unseen))
        return new, self._picked(part.found, unseen)

    def _get(self, path: str, params: Mapping[str, str] | None) -> Kept:
        age, since = self._max_age, self._since
        return self._responses.get(path, params=params or None, max_age=age, since=since, away=self._is_away)

    def _check(self, said: Paging, least: int) -> None:
        """Refuse a list that has less rows than it states, or than so many pages as it states have at the least."""
        if least > self._count:
            stated = f"{said.pages} pages" if said.total is None else counted(least, "row")
            raise self._untried or AnswerError(
                f"the portal states {stated} of {self._path} and gave {counted(self._count, 'row')}, without saying "
                "how to ask for the others: the list would not be whole"
            )

    def _rest(self, rows: int, said: Paging, nth: int, least: int) -> Iterator[tuple[Kept, Read]]:
        """Ask for what the last answer may have left out: rows that it states, or that it was silent about."""
        missing = least > self._count
        silent = nth == 0 and _may_be_cut(rows, said, lambda: self._known)
        if missing or silent:
            yield from self._others(sure=missing)
            if not self._heeded and _is_a_limit(self._count):
                self._responses.doubtful[self._path] = self._count
        if self._responses.doubtful.get(self._path) != self._count:
            self._responses.doubtful.pop(self._path, None)

    def _others(self, *, sure: bool) -> Iterator[tuple[Kept, Read]]:
        """Give what the list has beside the rows so far, by what is documented or usual; `sure` if there is more.

        When it is read again, by those parameters that led on, or showed its end, and may lead on some day.
        """
        first, usual = self._count, _ways(self._known) or _USUAL
        before, ways = self._responses.ways.get(self._path, (first, usual))
        yield from self._by(ways)
        if self._count == first and not self._heeded and (sure or first != before):  # it is not as it was then
            yield from self._by([one for one in usual if one not in ways])
        if self._untried is None:
            # What has as many rows by another size may not heed that.
            told = [one for one, led in self._ways.items() if led or one[0] != "limit" or len(self._ways) == 1]
            self._responses.ways[self._path] = self._count, tuple(told)

    def _by(self, ways: Iterable[tuple[str, str]]) -> Iterator[tuple[Kept, Read]]:
        """Ask for more by parameters, one after the other, until one leads on."""
        size: dict[str, str] = {}
        for role, name in ways:
            before = self._count
            yield from self._more(role, name, size)
            if self._count > before:
                self._ways[role, name] = True
                if self._at_end or role != "limit":  # a size may have been cut as well
                    return
                size = {name: str(self._known.page_size)} if name == self._known.limit else {}

    def _more(self, role: str, name: str, size: Mapping[str, str]) -> Iterator[tuple[Kept, Read]]:
        """Ask for more by one parameter, and perhaps a size, until that brings nothing new."""
        first = 1 if self._known.first_page is None else self._known.first_page
        for nth in itertools.count():
            value = {"limit": self._known.page_size, "page": first + nth}.get(role, self._count)
            try:
                kept = self._get(self._path, {**self._asked, **size, name: str(value)})
                part = self._part(kept.answer)
            except (QuestionRefusedError, AnswerError) as exc:
                if exc.status_code == HTTPStatus.NOT_FOUND:
                    self._heeded = True
                    self._ways.setdefault((role, name), False)
                return
            except EnoughError as exc:  # it is only looked whether the list can be had
                self._untried = exc
                return
            except PortalUnavailableError as exc:
                if exc.status_code != HTTPStatus.INTERNAL_SERVER_ERROR and not self._is_away:
                    raise  # a parameter may be too much for a portal; that it is away is no word on the list
                self._untried = exc if self._is_away else self._untried
                return
            new, found = self._new(part)
            if new:
                self._count += new
                self._seen.update(part.keys, part.places)
                self._at_end = part.said.has_more is False
                yield kept, found
            elif role != "page" or not part.rows or nth * part.rows >= self._count:
                # The first page may have either number, and what a size led to fills some of these pages.
                self._heeded |= not part.rows
                if not part.rows or role == "limit":
                    self._ways.setdefault((role, name), False)
                return
            if self._at_end or role == "limit":  # the same again has nothing else
                return


def _least(rows: int, said: Paging) -> int:
    """Give how many rows a list has at the least, of which the first page has so many."""
    if said.total is None and said.pages is not None and rows < ALL:  # it does not say which of them it is
        return rows * (said.pages - 1) + 1 if said.pages > 1 else 0
    return said.total or 0


def _may_be_cut(rows: int, said: Paging, known: Callable[[], History]) -> bool:
    """Tell whether a list that says nothing of others has as many rows as a portal may give at once.

    A total that is less than these is none of rows. Where the portal's document names parameters of pages, `known`,
    less is enough.
    """
    if said.has_more is not None or (said.total or 0) >= rows or said.pages is not None or rows >= ALL:
        return False
    is_round = paging.is_round(rows, said.limit) or rows % 25 == 0
    return is_round or (rows % 5 == 0 and bool(_ways(known())))


def _ways(known: History) -> tuple[tuple[str, str], ...]:
    """Give the parameters that the portal's document names by which more of a list may be had."""
    return tuple((role, name) for role in ("limit", "offset", "page") if (name := getattr(known, role)))


def _is_a_limit(rows: int) -> bool:
    """Tell whether so many rows are more likely a limit than all there are."""
    return rows % 50 == 0 or (rows >= 64 and rows.bit_count() == 1)  # noqa: PLR2004
