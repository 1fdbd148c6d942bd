"""Answers that take time: a portal that says 202 prepares them, names where, and gives them there later."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from isr_analysis import answers, times
from isr_analysis.answers.shape import plain
from isr_analysis.errors import AddOnMissingError, AnswerError, HistoryIncompleteError, QuestionRefusedError
from isr_analysis.portal import paging, quota
from isr_analysis.portal.wire import Answer, Waiting, Wire
from isr_analysis.reading import downloads

_LONGEST = 15 * times.MINUTE // times.SECOND
"""How long a portal may take, s."""

_SLOWEST = 30.0
_PENDING = re.compile(
    r"accepted|queued|pending|scheduled|created|submitted|start\w*|running|(?:in_?)?process\w*|in.?progress|prepar\w*"
    r"|wait\w*|new",
    re.IGNORECASE,
)
_FAILED = re.compile(r"fail\w*|error\w*|cancel\w*|abort\w*|expired|timed?.?out|rejected|dead", re.IGNORECASE)
_RESULT = re.compile(r"(?:download|resource|result|results|file|output|data|content)(?:url|uri|href|link|location)?")
_STATUS = re.compile(r"(?:status|job|task|operation|poll|monitor|export|request)?(?:url|uri|href|link|location|self)")


def awaited(wire: Wire, answer: Answer, path: str, *, wait: Waiting) -> Answer:
    """Give an answer, or the one that it promises.

    Raises
    ------
    AnswerError
        It is not said where the answer will be, or the portal failed at it.
    HistoryIncompleteError
        It is not there after a quarter of an hour, or no longer.
    """
    if answer.status != HTTPStatus.ACCEPTED:
        return answer
    where = _where(answer, path)
    if where is None:
        raise AnswerError(
            f"the portal says that it prepares its answer (202) but not where it will be: {_said(answer)!r}; a "
            "Location header, or status_url in the answer, was expected"
        )
    sleep = wait if callable(wait) else wire.sleep
    waited, pause = 0.0, 1.0
    while waited < _LONGEST:
        said = quota.retry_after(answer.headers.get("retry-after", ""), wire.now())
        seconds = min(max(said or pause, 1.0), _SLOWEST)
        sleep(seconds)
        waited, pause = waited + seconds, min(pause * 1.5, _SLOWEST)
        with _promised():
            answer = wire.get(where, bulk=True, wait=wait)
        state = _state(answer)
        if state is not None and _FAILED.fullmatch(state):
            raise AnswerError(f"the portal failed at the answer that it prepared: {_said(answer)!r}")
        if answer.status == HTTPStatus.ACCEPTED or (state is not None and _PENDING.fullmatch(state)):
            where = _where(answer, where) or where
            continue
        found = _addresses(answer, _RESULT) if state is not None else []
        with _promised():
            return downloads.file(wire, found[0], where, wait=wait) if found else answer
    raise HistoryIncompleteError(
        f"the portal prepares its answer (202) and has not done so after {_LONGEST // 60} minutes: {_said(answer)!r}; "
        "ask again later, or for a shorter range"
    )


@contextlib.contextmanager
def _promised() -> Iterator[None]:
    """Have a refusal of what was promised be no word on the question, such as that it found nothing."""
    try:
        yield
    except (QuestionRefusedError, AddOnMissingError) as exc:
        raise HistoryIncompleteError(
            f"the portal prepares its answer (202), and then did not give it ({exc}): ask again, or for a shorter range"
        ) from exc


def _object(answer: Answer) -> dict[str, Any]:
    """Give the object that speaks of a job; an answer that holds lists is none."""
    value: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(answer.body)
    if not isinstance(value, dict):
        return {}
    known = (value.get(one) for one in ("job", "data", "task", "export"))
    inner: dict[str, Any] = next((one for one in known if isinstance(one, dict)), {})
    return {**inner, **{name: one for name, one in value.items() if one is not inner}}


def _state(answer: Answer) -> str | None:
    """Give the word for the state of a job; None if the answer is none of a job's."""
    said = _object(answer)
    lists = (one for name, one in said.items() if isinstance(one, list) and plain(name) != "links")
    if any(isinstance(one, dict) for part in lists for one in part[:1]):
        return None
    states = (one for name, one in said.items() if plain(name) in ("status", "state", "jobstatus"))
    return next((one for one in states if isinstance(one, str)), None)


def _where(answer: Answer, base: str) -> str | None:
    """Give the path at which a job is asked for."""
    found = _addresses(answer, _STATUS)
    heads = (answer.headers.get(name) for name in ("location", "operation-location", "content-location"))
    found = [*(one for one in heads if one), *found]
    return paging.path_of(found[0], base) if found else None


def _addresses(answer: Answer, names: re.Pattern[str]) -> list[str]:
    """Give the addresses that an answer names by members of a kind."""
    return [text for name, text in _texts(_object(answer)) if names.fullmatch(plain(name))]


def _texts(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the addresses among the members of an object; of links, by their relation."""
    for name, one in value.items():
        if isinstance(one, str) and re.match(r"https?://|/|\?", one):
            yield name, one
        elif isinstance(one, dict) and plain(name) in ("links", "urls"):
            for relation, link in one.items():
                address = link.get("href") if isinstance(link, dict) else link
                if isinstance(address, str):
                    yield relation, address


def _said(answer: Answer) -> str:
    return answers.error_words(answer.body, answer.content_type)
