"""Whose data a token opens: asked of the portal, of the first route that the token's add-ons open."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from isr_analysis import answers, messages, times
from isr_analysis.answers.shape import plain
from isr_analysis.contract import refusals
from isr_analysis.contract.contract import Contract, History
from isr_analysis.errors import (
    AddOnMissingError,
    AnswerError,
    PortalUnavailableError,
    QuestionRefusedError,
    WrongAccountError,
)
from isr_analysis.portal.transport import EnoughError
from isr_analysis.portal.wire import Answer, Wire

logger = logging.getLogger(__name__)

_REVISIONS = 6

_QUIET = 30 * times.DAY
"""How far back history is looked at where the last day has none."""


def ask(wire: Wire, routes: Contract, history: Callable[[], History], account_id: str | None, now: int) -> str | None:
    """Ask whose the token is; None if no answer names an account.

    `history` gives how history is asked for; it is called only where nothing else told.

    Raises
    ------
    WrongAccountError
        An answer names several.
    PortalUnavailableError, TokenRefusedError, QuotaExhaustedError
        The portal cannot be asked.
    """

    def of_publishers() -> set[str]:
        answer = wire.get(routes.publishers)
        return accounts_of(answers.read_rows(answer.body, content_type=answer.content_type), account_id)

    def of_live() -> set[str]:
        answer = wire.get(routes.live)
        page = answers.read_live(
            answer.body, content_type=answer.content_type, fields=routes.live_fields, answered_at=answer.answered_at
        )
        return set(page.accounts)

    def of_history() -> set[str]:
        return _of_history(wire, history(), account_id, now)

    failed: PortalUnavailableError | None = None
    for of_route in (of_publishers, of_live, of_history):
        try:
            named = {one.lower(): one for one in of_route()}
        except PortalUnavailableError as exc:
            if exc.status_code is None:  # nobody answers at all
                raise
            failed = exc
            continue
        except (AddOnMissingError, QuestionRefusedError, AnswerError) as exc:
            logger.debug("not told whose the token is: %s", exc)
            continue
        if len(named) > 1:
            raise WrongAccountError(
                f"the portal's answer holds data of several accounts ({', '.join(sorted(named))}); name the one that "
                "is meant with account_id= or ISR_ACCOUNT_ID"
            )
        if named:
            return named.popitem()[1]
    if failed is not None:
        raise failed
    return None


def _of_history(wire: Wire, known: History, account_id: str | None, now: int) -> set[str]:
    """Give the accounts that a message of the last day names, or, where there is none, one of the last days."""
    found: set[str] = set()
    with contextlib.suppress(EnoughError):  # what is left of the requests is for other questions
        for length in (times.DAY, _QUIET):
            answer, _ = recent(wire, known, account_id, now, length=length)
            page = answers.read_page(answer.body, content_type=answer.content_type, fields=known.fields)
            found = set(page.accounts)
            if page.rows or known.limit is None:  # without a limit all would come
                break
    return found


def recent(
    wire: Wire,
    known: History,
    account_id: str | None,
    now: int,
    *,
    length: int = times.DAY,
    client: Callable[[], str | None] = lambda: None,
    learn: Callable[[History], object] = lambda _: None,
) -> tuple[Answer, messages.Selector]:
    """Ask for one message of the last day, or of another `length`, in whichever way the portal's refusals lead to.

    `client` gives a client id for a portal that insists on one, and `learn` takes what a refusal taught.

    Raises
    ------
    IsrError
        The portal refuses, and its words teach nothing; or it cannot be asked.
    """
    revisions = 0
    while True:
        longest = length if known.longest is None else min(times.duration(known.longest), length)
        span = times.Range(now - max(longest - known.unit, known.unit), now)
        one = client() if known.client_required else None
        selector = messages.Selector(None if one is None else (one,))
        asked = known.question(selector, span, account_id=account_id, now=now)
        if known.limit is not None:
            asked[known.limit] = "1"
        try:
            answer = wire.get(known.path, asked, bounded=True)
            if refused := refusals.in_answer(known, asked, answer.body, answer.content_type, span.end - span.start):
                raise refused
        except QuestionRefusedError as exc:
            new = refusals.taught(known, asked, exc, span.end - span.start)
            if new is None or revisions == _REVISIONS:
                raise
            known, revisions = new, revisions + 1
            learn(known)
        else:
            return answer, selector


def accounts_of(rows: list[dict[str, Any]], account_id: str | None = None) -> set[str]:
    """Give the accounts that rows of publishers name, in a field of theirs or in a topic, however these are spelled."""
    found: set[str] = set()
    for row in rows:
        said = {plain(name): value for name, value in row.items() if value}
        named = said.get("accountid") or said.get("tenantid")
        if isinstance(named, str):
            found.add(named)
            continue
        client = str(said.get("clientid"))
        for key in ("historytopicprefix", "topic", "publishtopic"):
            path = said.get(key)
            if not isinstance(path, str):
                continue
            levels = path.strip("/").split("/")
            if key == "historytopicprefix" and client in levels[1:]:
                account: str | None = levels[levels.index(client, 1) - 1]
            else:
                account = messages.split_topic(path, account_id=account_id)[0]
            if account and account != "+":
                found.add(account)
                break
    return found
