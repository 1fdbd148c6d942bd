"""The small answers, to their end: the list of publishers and the last messages may come in pages too."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pyarrow as pa

from isr_analysis import answers, messages
from isr_analysis.amounts import counted
from isr_analysis.answers import Page, Paging
from isr_analysis.answers.shape import BESIDE, CLIENT, ROWS, SURE_CLIENT, TOPIC, pick, plain
from isr_analysis.contract.contract import Contract, History
from isr_analysis.errors import AnswerError, IsrError, PortalUnavailableError, QuestionRefusedError
from isr_analysis.portal import discovery, paging
from isr_analysis.portal.habits import Habits
from isr_analysis.portal.paging import Step
from isr_analysis.portal.transport import EnoughError

if TYPE_CHECKING:
    from isr_analysis.portal.responses import Kept, Responses
    from isr_analysis.portal.wire import Answer

Read = TypeVar("Read")

_PUBLISHED = ("client_id", "topic", "history_topic_prefix")

_ALL = 2**62
"""More rows than any total that a portal states."""

_AGAIN = dt.timedelta(minutes=2)
"""How long it counts by what more of a list was found: it may have grown over a limit since."""

_CALLED = {
    *SURE_CLIENT, "id", "uuid", "username", "userid", "memberid", "inviteid", "invitationid", "email", "emailaddress",
}  # fmt: skip
"""What a client, a member or an invite may be called by."""

_USUAL = (("limit", "limit"), ("offset", "offset"), ("offset", "skip"), ("page", "page"))
"""The parameters by which more of a list may be had where nothing names any, each with what it is for."""


def live(responses: Responses, routes: Contract, account_id: str | None, *, max_age: float) -> list[tuple[Kept, Page]]:
    """Give the last messages of the publishers, at most `max_age` seconds old: each answer, and what it holds.

    Raises
    ------
    AnswerError
        An answer was not understood; or it says that there is more, and not how to ask for it.
    """
    part = functools.partial(_of_messages, account_id=account_id, fields=routes.live_fields)
    return list(_List(responses, routes.live, max_age, part, _picked_messages).read())


def publishers(responses: Responses, routes: Contract, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give the MQTT clients of the account: each answer, and its rows; errors as of `live`."""
    return [(kept, list(map(_published, page))) for kept, page in rows(responses, routes.publishers, max_age=max_age)]


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """Give a publisher's fields the names that the portal publishes for them; an id that is a number is text."""
    spelled = {plain(name): name for name in row}
    named = {spelled[plain(name)]: name for name in _PUBLISHED if plain(name) in spelled}
    made = {named.get(name, name): value for name, value in row.items()}
    if "client_id" not in made and f"/{made.get('id')}/" in f"{made.get('topic')} {made.get('history_topic_prefix')}":
        made["client_id"] = made["id"]
    is_number = type(made.get("client_id")) is int  # True is one, too
    return {**made, "client_id": str(made["client_id"])} if is_number else made


def rows(responses: Responses, path: str, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give a list of objects: each answer, and its rows; errors as of `live`."""
    return list(_List(responses, path, max_age, _of_rows, _picked_rows).read())


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


@dataclass(frozen=True, slots=True)
class _Part(Generic[Read]):
    """What one answer holds.

    Parameters
    ----------
    found : list of dict or Page
        The rows, or the last messages.
    said : Paging
        What it says of others.
    rows : int
        How many rows it has; `_ALL` where it is no list, as that is all there is.
    keys : sequence of str
        What tells each of `found` from others, whatever else changes in it.
    places : sequence of str
        What tells the rows of last messages from others: those of publishers that never published are no messages.
    """

    found: Read
    said: Paging
    rows: int = 0
    keys: Sequence[str] = ()
    places: Sequence[str] = ()


class _List(Generic[Read]):
    """A list that is read to its end, however the portal says that there is more, or if it does not say so.

    `part` reads one answer, and `picked` takes some of what it holds.
    """

    def __init__(
        self,
        responses: Responses,
        path: str,
        max_age: float,
        part: Callable[[Answer], _Part[Read]],
        picked: Callable[[Read, list[bool]], Read],
    ) -> None:
        self._responses = responses
        self._path = path
        self._max_age = max_age
        self._part = part
        self._picked = picked
        self._count = 0  # rows so far
        self._seen: set[str] = set()
        self._at_end = False  # whether the last answer with other rows says that it was the last
        self._heeded = False  # whether a page behind the rows that came was found to be empty
        self._is_away = False  # whether what is kept has to do, as the portal cannot be reached
        self._untried: IsrError | None = None  # why some way to the rest could not be tried
        self._ways: list[tuple[str, str]] = []  # that led to more
        self._at = dt.datetime.now(dt.UTC)  # when it was answered

    def read(self) -> Iterator[tuple[Kept, Read]]:
        """Give each answer, and what it holds."""
        question = Step(self._path, {})
        step, been, former, asked_for, is_named = question, {question}, b"", 0, True
        for nth in itertools.count():
            kept = self._get(step.path, step.params)
            self._at, self._is_away = kept.fetched_at, self._is_away or kept.stale
            part = self._part(kept.answer)
            said, rows = paging.with_headers(part.said, kept.answer.headers, 0, kept.answer.status), part.rows
            self._responses.remarks[self._path] = said.remark or (self._responses.remarks[self._path] if nth else "")
            asked_for += rows
            # A number that the portal does not follow brings the same again; what it named itself is another page.
            new, found = (rows, part.found) if is_named else self._new(part)
            self._count += new
            self._seen.update(part.keys, part.places)
            yield kept, found
            if not paging.says_more(said, nth):
                yield from self._rest(rows, said, nth)
                self._check_total(said)
                return
            page = Page(messages.empty(), min(rows, 1), paging=said)
            known = self._known if said.url is None else Contract().paged(self._path)  # a link needs no other word
            following = paging.following(known, question, page, rows=asked_for % _ALL, nth=nth, habits=Habits())
            if following == step and not rows:
                return  # its cursor is where the next one will be
            is_same = kept.answer.body == former or (rows > 0 and not new)
            if not isinstance(following, Step) or following in been or is_same:
                yield from self._others(rows)  # it does not say how the rest is had
                if self._at_end or (said.total is not None and said.total <= self._count):
                    self._check_total(said)
                    return
                names = ("url", "cursor", "has_more", "page", "pages", "next_page", "next_offset")
                shown = ", ".join(f"{name}={one}" for name in names if (one := getattr(said, name)) is not None)
                raise self._untried or AnswerError(
                    f"the portal says that there is more of {self._path} than it gave, but how it names what follows "
                    f"was not understood (it says {shown}): the list would not be whole"
                )
            step, former, is_named = following, kept.answer.body, paging.names_next(said)
            been.add(step)

    @functools.cached_property
    def _known(self) -> History:
        """How further pages are asked for, as far as the portal's document says it, which is not needed else."""
        responses, now = self._responses, dt.datetime.now(dt.UTC)
        if self._is_away:
            return discovery.find(lambda path: self._get(path, None).answer, offline=True).paged(self._path)
        if now - responses.undocumented >= _AGAIN:
            try:
                return responses.contract().paged(self._path)
            except IsrError:
                responses.undocumented = now
        return Contract().paged(self._path)

    def _new(self, part: _Part[Read]) -> tuple[int, Read]:
        """Give how many rows an answer has that were in none before it, and what is new of it."""
        unseen = [key not in self._seen for key in part.keys]
        return sum(place not in self._seen for place in part.places) or sum(unseen), self._picked(part.found, unseen)

    def _get(self, path: str, params: Mapping[str, str] | None) -> Kept:
        return self._responses.get(path, params=params or None, max_age=self._max_age, away=self._is_away)

    def _check_total(self, said: Paging) -> None:
        if said.total is not None and (missing := said.total - self._count) > 0:
            raise self._untried or AnswerError(
                f"the portal states {counted(said.total, 'row')} of {self._path} and gave {self._count}, without "
                f"saying how to ask for the other {missing}: the list would not be whole"
            )

    def _rest(self, rows: int, said: Paging, nth: int) -> Iterator[tuple[Kept, Read]]:
        """Ask for what the last answer may have left out: rows that it states, or that it was silent about."""
        missing = said.total is not None and said.total > self._count
        silent = nth == 0 and _may_be_cut(rows, said, lambda: self._known)
        if missing or (silent and self._led_on(rows) != ()):
            yield from self._others(rows)
            if not self._heeded and _is_a_limit(self._count):
                self._responses.doubtful[self._path] = self._count
        if self._responses.doubtful.get(self._path) != self._count:
            self._responses.doubtful.pop(self._path, None)

    def _others(self, rows: int) -> Iterator[tuple[Kept, Read]]:
        """Give what the list has beside the rows so far: asked for as documented, or in the usual ways.

        If some of these led on before, only by them.
        """
        known, led_on = self._known, self._led_on(rows)
        size: dict[str, str] = {}
        for role, name in led_on or _ways(known) or _USUAL:
            before = self._count
            yield from self._more(role, name, size)
            if self._count > before:
                self._ways.append((role, name))
                if self._at_end or role != "limit":  # a size may have been cut as well
                    break
                size = {name: str(known.page_size)} if name == known.limit else {}
        if self._untried is None and not led_on:
            self._responses.ways[self._path, rows] = self._at, tuple(self._ways)

    def _led_on(self, rows: int) -> tuple[tuple[str, str], ...] | None:
        """Give the parameters that led on when the list was so long a little while ago; None if that is not known."""
        at, found = self._responses.ways.get((self._path, rows), (self._at - _AGAIN, ()))
        return found if self._at - at < _AGAIN else None

    def _more(self, role: str, name: str, size: Mapping[str, str]) -> Iterator[tuple[Kept, Read]]:
        """Ask for more by one parameter, and perhaps a size, until that brings nothing new."""
        first = 1 if self._known.first_page is None else self._known.first_page
        for nth in itertools.count():
            value = {"limit": self._known.page_size, "page": first + nth}.get(role, self._count)
            try:
                kept = self._get(self._path, {**size, name: str(value)})
                part = self._part(kept.answer)
            except (QuestionRefusedError, AnswerError) as exc:
                self._heeded |= exc.status_code == HTTPStatus.NOT_FOUND
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
                return
            if self._at_end or role == "limit":  # the same again has nothing else
                return


def _of_rows(answer: Answer) -> _Part[list[dict[str, Any]]]:
    """Read a list of objects."""
    if answer.status == HTTPStatus.NO_CONTENT:
        return _Part([], Paging())
    found = answers.read_rows(answer.body, content_type=answer.content_type)
    return _Part(found, _said(answer.body), len(found), list(map(_key, found)))


def _picked_rows(found: list[dict[str, Any]], which: list[bool]) -> list[dict[str, Any]]:
    return list(itertools.compress(found, which))


def _of_messages(answer: Answer, account_id: str | None, fields: answers.Fields) -> _Part[Page]:
    """Read the last messages of the publishers."""
    if answer.status == HTTPStatus.NO_CONTENT:
        return _Part(Page(), Paging())
    kind = answer.content_type
    page = answers.read_live(answer.body, content_type=kind, account_id=account_id, fields=fields)
    try:
        rows = answers.read_rows(answer.body, content_type=kind)
    except AnswerError:  # an object for one publisher, or of another form
        return _Part(page, page.paging, _ALL, _messages(page))
    return _Part(page, page.paging, len(rows), _messages(page), _places(rows))


def _picked_messages(found: Page, which: list[bool]) -> Page:
    return dataclasses.replace(found, messages=found.messages.filter(pa.array(which, pa.bool_())))


def _key(row: Mapping[str, Any]) -> str:
    """Tell a row from others by what it is called, or what is in it, as all else may change; else by all of it."""
    for parts in ([row], [one for one in row.values() if isinstance(one, Mapping)]):
        called = [one for part in parts for name, one in part.items() if plain(name) in _CALLED]
        if who := sorted(str(one) for one in called if isinstance(one, str | int) and one != ""):
            return json.dumps(who)
    return json.dumps(row, sort_keys=True, default=str)


def _places(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Tell rows of a live answer from others by the client and topic that they name; not those that name neither."""
    named = ([_named(row, (*CLIENT, "id")), _named(row, TOPIC)] for row in rows)
    return [json.dumps(["row", *one], default=str) for one in named if one != [None, None]]


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Give what a row, or else an object in it, such as its last message, has under one of some names."""
    found = ((one, pick(one, names)) for one in (row, *row.values()) if isinstance(one, Mapping))
    return next((one[name] for one, name in found if name is not None), None)


def _messages(page: Page) -> list[str]:
    """Tell messages from others by their clients and topics."""
    whose = zip(page.messages["client_id"].to_pylist(), page.messages["topic"].to_pylist(), strict=True)
    return [json.dumps(["message", *one]) for one in whose]


def _may_be_cut(rows: int, said: Paging, known: Callable[[], History]) -> bool:
    """Tell whether a list that says nothing of others has as many rows as a portal may give at once.

    Where the portal's document names parameters of pages, `known`, less is enough.
    """
    if said.has_more is not None or said.total is not None or said.pages is not None or not 0 < rows < _ALL:
        return False
    is_round = paging.is_round(rows, said.limit) or rows % 25 == 0
    return is_round or (rows % 5 == 0 and bool(_ways(known())))


def _ways(known: History) -> list[tuple[str, str]]:
    """Give the parameters that the portal's document names by which more of a list may be had."""
    return [(role, name) for role in ("limit", "offset", "page") if (name := getattr(known, role))]


def _is_a_limit(rows: int) -> bool:
    """Tell whether so many rows are more likely a limit than all there are."""
    return rows % 50 == 0 or (rows >= 64 and rows.bit_count() == 1)  # noqa: PLR2004


def _said(body: bytes) -> Paging:
    """Read what a list's envelope says of the pages after it."""
    try:
        values = [json.loads(body)]
    except (ValueError, RecursionError):
        values = [json.loads(one) for one in answers.lines_beside(body)]
    return answers.read_paging({name: one for value in values for name, one in _notes(value)}, 0)


def _notes(value: Any, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    if not isinstance(value, Mapping) or prefix.count(".") > 3:  # noqa: PLR2004 (data.links.next.href)
        return
    if len(value) > 1 and all(
        isinstance(one, Mapping) and plain(n) not in (*BESIDE, *ROWS) for n, one in value.items()
    ):
        return  # publishers by their ids: what each says of itself
    for name, one in value.items():
        if isinstance(one, Mapping):
            yield from _notes(one, f"{prefix}{name}.")
        elif not isinstance(one, list) or plain(name) in ("warnings", "notices"):
            yield prefix + name, json.dumps(one).encode()
