"""How a range is read to its end: what to ask after a page, and when the end is proven. Pure.

A portal names its next page by a link, a cursor, a number or an offset, or not at all. Then a full page may be the
portal's limit and not the end: the rest is asked for from the last instant on, until an answer is shorter than one
that the portal is known to be able to give.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import numpy as np
import pyarrow as pa

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.portal import roles
from isr_analysis.portal.contract import History


@dataclass(frozen=True, slots=True)
class Step:
    """What to ask next.

    Parameters
    ----------
    path : str
        The path, with a query if it came as a link.
    params : mapping of str to str or None
        The parameters; None where the link holds them.
    by_number : bool
        Whether the page is named by its number or offset, which a portal could ignore.
    """

    path: str
    params: Mapping[str, str] | None
    by_number: bool = False

    def __hash__(self) -> int:
        return hash((self.path, None if self.params is None else frozenset(self.params.items())))


END, BY_TIME = "end", "by time"
"""In place of a step: the portal said that this was the last page; or it says nothing of pages."""


def following(known: History, step: Step, page: Page, *, link: str | None, rows: int, first: bool) -> Step | str:
    """Decide what comes after a page.

    Parameters
    ----------
    known : History
        The contract.
    step : Step
        What was asked.
    page : Page
        What came.
    link : str or None
        The next page's address from the ``Link`` header.
    rows : int
        The rows of all pages so far, this one included.
    first : bool
        Whether it is the first page.

    Returns
    -------
    Step or str
        The next question, or `END`, or `BY_TIME`.
    """
    params, said = dict(step.params or {}), page.paging
    if url := link or said.url:
        return Step(_path(url, step.path), None)
    if said.cursor is not None:
        return Step(step.path, {**params, _cursor_parameter(known, said.cursor_name): said.cursor})
    for name, value in ((known.page or "page", said.next_page), (known.offset or "offset", said.next_offset)):
        if value is not None:
            return Step(step.path, {**params, name: str(value)})
    if said.has_more is False or (said.total is not None and rows >= said.total):
        return END
    if said.pages is not None and said.page is not None and said.page >= said.pages:
        return END
    if page.rows == 0 and not said.has_more:
        return END
    if known.page_size_is_kept and known.limit in params and page.rows < known.page_size and not said.has_more:
        return END
    if known.page is not None:
        # Without a number the first page was asked for, whichever number that has.
        first_page = said.page if said.page is not None else known.first_page
        number = int(params.get(known.page, first_page or 0)) + 1
        return Step(step.path, {**params, known.page: str(number)}, by_number=True)
    if known.offset is not None:
        return Step(step.path, {**params, known.offset: str(rows)}, by_number=True)
    if first:
        return BY_TIME
    return END  # the pages before named a next one, and this one does not


def next_link(header: str) -> str | None:
    """Find the next page's address in a ``Link`` header."""
    for url, attributes in re.findall(r"<([^>]*)>((?:\s*;\s*[^,;]+)*)", header):
        if re.search(r"""rel\s*=\s*["']?[^"']*\bnext\b""", attributes, re.IGNORECASE):
            return str(url)
    return None


def _path(url: str, base: str) -> str:
    parts = urlsplit(urljoin(base, url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _cursor_parameter(known: History, field: str | None) -> str:
    """Find the parameter of a cursor: the documented one, or the one that the field's name tells of."""
    plain = roles.snake(field or "")
    bare = plain.removeprefix("next_").removesuffix("_next")
    for name, role in ((known.page, roles.PAGE), (known.offset, roles.OFFSET)):
        if name is not None and roles.role_of(bare) == role:
            return name
    if known.cursor is not None:
        return known.cursor
    return "cursor" if bare in ("", "next", "cursor") else (field or "").removeprefix("next_")


class Overlap:
    """Takes out of an answer what an earlier one of the same range held already.

    Two answers overlap where the second begins at the first one's last instant. Messages that are alike in everything
    are counted, not merged: a device may publish the same twice.
    """

    def __init__(self) -> None:
        self._seen: Counter[tuple[Any, ...]] = Counter()

    def new(self, table: pa.Table) -> pa.Table:
        """Give the messages of an answer that were not seen before."""
        left = self._seen.copy()
        keep = np.ones(len(table), dtype=bool)
        at = instants(table)
        for i in np.flatnonzero(np.isin(at, [key[0] for key in left])):
            key = _key(table, int(i))
            if left[key] > 0:
                left[key] -= 1
                keep[i] = False
        return table.filter(pa.array(keep))

    def remember(self, table: pa.Table, span: times.Range) -> None:
        """Remember what the next answer, over a span, may hold again: what was known of it, and these messages."""
        at = instants(table)
        inside = np.flatnonzero((at >= span.start) & (at < span.end))
        self._seen = Counter({key: n for key, n in self._seen.items() if span.start <= key[0] < span.end})
        self._seen.update(_key(table, int(i)) for i in inside)


def instants(table: pa.Table) -> np.ndarray:
    """Give the messages' times as ns since 1970."""
    values: np.ndarray = table["time"].cast("int64").to_numpy()
    return values


def _key(table: pa.Table, i: int) -> tuple[Any, ...]:
    return (
        table["time"][i].value,
        *(table[name][i].as_py() for name in ("client_id", "topic", "payload", "extra")),
    )
