"""Pages of history: ask, read, go on, and prove the end."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import answers, messages
from isr_analysis.errors import HistoryIncompleteError
from isr_analysis.messages import Selector
from isr_analysis.portal.connection import Portal
from isr_analysis.times import Range

_SEQ = messages.SCHEMA.get_field_index("seq")


def pages(portal: Portal, selector: Selector, span: Range) -> Iterator[pa.Table]:
    """Give the portal's messages of a span, page by page.

    Parameters
    ----------
    portal : Portal
        The connection.
    selector : Selector
        Of one client or of all.
    span : Range
        Half-open.

    Yields
    ------
    pyarrow.Table
        Messages (`messages.SCHEMA`) as answered; `seq` counts on from page to page. It may hold more than was asked
        for: the caller takes what it wanted.

    Raises
    ------
    HistoryIncompleteError
        The portal names the same next page again, or ends before the total that it stated.
    WrongAccountError
        A page holds another account's data.
    """
    contract = portal.contract.history
    asked = contract.question(selector, span)
    client = selector.clients[0] if selector.clients else None
    seen: set[str] = set()
    rows = 0
    while True:
        answer = portal.wire.get(contract.path, asked)
        page = answers.read_page(
            answer.body,
            content_type=answer.content_type,
            account_id=portal.account_id,
            client_id=client,
            fields=contract.fields,
        )
        portal.check_accounts(page.accounts)
        # The order of publishing within one instant: a portal that gives the newest first counts downward.
        offset = -rows - page.rows if page.descending else rows
        rows += page.rows
        seq = pc.add(page.messages["seq"], offset)
        yield page.messages.set_column(_SEQ, messages.SCHEMA.field("seq"), seq)
        cursor = page.next_cursor
        if cursor is None:
            break
        if cursor in seen:
            raise HistoryIncompleteError(
                f"the portal named the same next page twice while {selector} was read over {span}, after {rows} "
                "messages: the end cannot be reached this way, and nothing of this window was kept"
            )
        seen.add(cursor)
        asked = portal.contract.with_cursor(asked, cursor)
    if page.total is not None and len(seen) == 0 and page.total > rows:
        raise HistoryIncompleteError(
            f"the portal states {page.total} messages for {selector} over {span} but gave {rows} and names no next "
            "page: nothing of this window was kept"
        )
