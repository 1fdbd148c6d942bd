"""The small answers, to their end: the list of publishers and the last messages may come in pages too."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from isr_analysis import answers, messages
from isr_analysis.answers import Page, Paging
from isr_analysis.answers.shape import BESIDE, ROWS, plain
from isr_analysis.errors import AnswerError, PortalUnavailableError, RequestRefusedError
from isr_analysis.portal import paging
from isr_analysis.portal.contract import Contract, History
from isr_analysis.portal.paging import Step
from isr_analysis.portal.wire import EnoughError

if TYPE_CHECKING:
    from isr_analysis.portal.responses import Kept, Responses

Read = TypeVar("Read")

_ALL = 2**62
"""More rows than any total that a portal states."""

_MANY = 1000
"""Rows that are asked for where a list may have been cut without a word."""

_NO_CONTENT = 204


def live(responses: Responses, routes: Contract, account_id: str | None, *, max_age: float) -> list[tuple[Kept, Page]]:
    """Give the last messages of the publishers: each answer, and what it holds.

    Parameters
    ----------
    responses : Responses
        Where answers come from.
    routes : Contract
        The routes, and the names of fields.
    account_id : str or None
        The account in use.
    max_age : float
        An answer that is not older, s, is taken from the cache.

    Raises
    ------
    AnswerError
        An answer was not understood; or it says that there is more, and not how to ask for it.
    """

    def read(kept: Kept) -> tuple[Page, Paging]:
        answer = kept.answer
        if answer.status == _NO_CONTENT:
            return Page(messages.empty(), 0), Paging()
        page = answers.read_live(
            answer.body, content_type=answer.content_type, account_id=account_id, fields=routes.live_fields
        )
        return page, page.paging

    return list(_every(responses, routes.live, read, max_age))


def publishers(responses: Responses, routes: Contract, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give the MQTT clients of the account: each answer, and its rows; parameters and errors as of `live`."""
    return rows(responses, routes.publishers, max_age=max_age)


def rows(responses: Responses, path: str, *, max_age: float) -> list[tuple[Kept, list[dict[str, Any]]]]:
    """Give a list of objects: each answer, and its rows; parameters and errors as of `live`."""

    def read(kept: Kept) -> tuple[list[dict[str, Any]], Paging]:
        if kept.answer.status == _NO_CONTENT:
            return [], Paging()
        found = answers.read_rows(kept.answer.body, content_type=kept.answer.content_type)
        return found, _said(kept.answer.body)

    return list(_every(responses, path, read, max_age))


def freshness(found: Iterable[Kept]) -> dict[str, Any]:
    """Give what the ``attrs`` of a frame say of the answers that it is made of: how old the oldest is."""
    kept = list(found)
    return {
        "fetched_at": min(one.fetched_at for one in kept).isoformat().replace("+00:00", "Z"),
        "stale": any(one.stale for one in kept),
    }


def _every(
    responses: Responses, path: str, read: Callable[[Kept], tuple[Read, Paging]], max_age: float
) -> Iterator[tuple[Kept, Read]]:
    question, known = Step(path, {}), History(path=path, limit=None)
    step, been, former, nth = question, {question}, b"", 0
    count, whose = 0, set[str]()
    while True:
        kept = responses.get(step.path, params=step.params or None, max_age=max_age)
        found, said = read(kept)
        said = paging.both(said, paging.of_headers(kept.answer.headers, 0, status=kept.answer.status))
        rows = _count(kept, found)
        count += rows
        page = Page(messages.empty(), min(rows, 1), paging=said)
        following = paging.following(known, question, page, rows=count % _ALL, nth=nth, habits=paging.Habits())
        named = next(
            (one for one in (said.url, said.cursor, said.next_page, said.next_offset) if one is not None), None
        )
        more = said.has_more
        if more is None:  # what it says of this comes before numbers, which may begin with 0
            more = paging.is_before_last(said, nth)
        yield kept, found
        whose |= _whose(found)
        if following == step and not rows:
            return  # its cursor is where the next one will be
        if not named and not more:
            missing = (said.total or 0) - count
            silent = nth == 0 and _may_be_cut(rows, said) and (path, rows) not in responses.whole
            if (missing > 0 or silent) and not kept.stale:
                for other, further, new in _others(responses, path, read, whose, count, max_age=max_age):
                    yield other, further
                    missing -= new
                responses.whole.add((path, rows))
            if missing > 0:
                raise AnswerError(
                    f"the portal states {said.total} rows of {path} and gave {count}, without saying how to ask for "
                    f"the other {missing}: the list would not be whole"
                )
            return
        if not isinstance(following, Step) or following in been or kept.answer.body == former:
            raise AnswerError(
                f"the portal says that there is more of {path} than it gave, but how it names what follows was not "
                f"understood (it says {', '.join(f'{k}={v}' for k, v in _shown(said))}): the list would not be whole"
            )
        step, former, nth = following, kept.answer.body, nth + 1
        been.add(step)


def _others(
    responses: Responses,
    path: str,
    read: Callable[[Kept], tuple[Read, Paging]],
    whose: set[str],
    count: int,
    *,
    max_age: float,
) -> Iterator[tuple[Kept, Read, int]]:
    """Give what a list has beside the rows that it gave without a word of others: asked for in the usual ways."""
    for name in ("limit", "offset", "skip", "page"):
        before = count
        for nth in itertools.count(1):
            value = {"limit": _MANY, "page": nth}.get(name, count)
            try:
                kept = responses.get(path, params={name: str(value)}, max_age=max_age)
                found, new = _without(read(kept)[0], whose)
            except (RequestRefusedError, AnswerError, PortalUnavailableError):
                break
            except EnoughError:  # it is only looked whether the list can be had
                return
            if new:
                count += new
                whose |= _whose(found)
                yield kept, found, new
            elif name != "page" or nth > 1:  # the first page may have either number
                break
            if name == "limit":
                break
        if count > before and name != "limit":
            return


def _without(found: Any, whose: set[str]) -> tuple[Any, int]:
    """Leave out the rows that were there before, and count the others."""
    if isinstance(found, Page):
        new = [one not in whose for one in found.messages["client_id"].to_pylist()]
        kept = dataclasses.replace(found, messages=found.messages.filter(pa.array(new, pa.bool_())))
        return kept, len(_whose(kept))
    rows = [row for row in found if not _whose([row]) & whose]
    return rows, len(rows)


def _may_be_cut(rows: int, said: Paging) -> bool:
    """Tell whether a list that says nothing of others has as many rows as a portal may give at once."""
    if said.has_more is not None or said.total is not None or said.pages is not None or not 0 < rows < _ALL:
        return False
    power_of_two = rows >= 16 and rows.bit_count() == 1  # noqa: PLR2004
    return rows == said.limit or rows % 10 == 0 or rows % 25 == 0 or power_of_two


def _whose(found: Any) -> set[str]:
    """Give whose the rows of a list or of a live answer are."""
    if isinstance(found, Page):
        return set(found.messages["client_id"].to_pylist())
    return {json.dumps(row.get("client_id") or row, sort_keys=True, default=str) for row in found}


def _count(kept: Kept, found: Any) -> int:
    """Count the rows of a list; of a live answer the publishers, whether they ever published or not.

    What has no rows is all there is.
    """
    if isinstance(found, list):
        return len(found)
    try:
        return len(answers.read_rows(kept.answer.body, content_type=kept.answer.content_type))
    except AnswerError:  # an object for one publisher, or of another form
        return _ALL


def _shown(said: Paging) -> Iterator[tuple[str, Any]]:
    names = ("url", "cursor", "has_more", "page", "pages", "next_page", "next_offset")
    return ((name, value) for name in names if (value := getattr(said, name)) is not None)


def _said(body: bytes) -> Paging:
    """Read what a list's envelope says of the pages after it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Paging()
    return answers.read_paging(dict(_notes(value)), 0)


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
