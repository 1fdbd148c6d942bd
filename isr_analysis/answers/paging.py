"""What an answer says of the pages after it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from isr_analysis.answers import raw
from isr_analysis.answers.shape import plain

_CURSOR = (
    "nextcursor", "cursornext", "nextpagetoken", "continuationtoken", "continuation", "nexttoken", "endcursor", "next",
    "after", "scrollid", "nextpage", "nextlink", "nexturl", "nexthref", "odatanextlink", "marker", "nextmarker",
    "bookmark", "cursor", "paginationtoken", "lastevaluatedkey", "links.next", "linksnext", "linksnexthref",
)  # fmt: skip
_ECHOED = ("cursor", "after", "marker", "bookmark", "continuation", "scrollid")
"""Names under which a portal may repeat what was asked for: beside a ``next_cursor`` that is null, they are that."""
_TOTAL = (
    "total", "totalcount", "totalrows", "totalresults", "totalitems", "totalmessages", "totalrecords", "totalelements",
    "totalhits", "numfound", "totalsize", "odatacount",
)  # fmt: skip
_COUNT = ("count", "rowcount", "numrows", "returned", "numresults", "messagecount", "resultcount")
_MORE = (
    "hasmore",
    "more",
    "hasnext",
    "hasnextpage",
    "truncated",
    "istruncated",
    "moreavailable",
)
_CUT = ("partial", "incomplete", "timedout", "limitreached", "limitexceeded", "capped")
"""If true, the answer is not whole; if false, there may be further pages all the same."""
_DONE = ("done", "complete", "islast", "last", "lastpage", "exhausted")
_NUMBERS = {
    "page": ("page", "pagenumber", "currentpage", "pageno", "number"),
    "pages": ("pages", "totalpages", "pagecount", "numpages", "lastpage"),
    "offset": ("offset", "skip", "startindex"),
    "limit": ("limit", "pagesize", "size", "perpage", "maxresults", "top"),
    "next_page": ("nextpage",),
    "next_offset": ("nextoffset",),
}


@dataclass(frozen=True, slots=True)
class Paging:
    """What an answer says of the pages after it; None is what it does not say.

    Parameters
    ----------
    cursor : str or None
        The token of the next page.
    cursor_name : str or None
        The name of the field that holds it, as the portal spells it.
    url : str or None
        The address of the next page, as the body gives it; perhaps only its path or its query.
    has_more : bool or None
        Whether there is a next page. A field for the next page that is null says that there is none.
    total : int or None
        How many rows all pages have together.
    page, pages : int or None
        The number of this page, and how many there are.
    offset, limit : int or None
        How many rows came before this page, and how many a page may have.
    next_page, next_offset : int or None
        The number of the next page, or how many rows come before it.
    """

    cursor: str | None = None
    cursor_name: str | None = None
    url: str | None = None
    has_more: bool | None = None
    total: int | None = None
    page: int | None = None
    pages: int | None = None
    offset: int | None = None
    limit: int | None = None
    next_page: int | None = None
    next_offset: int | None = None


def read(notes: dict[str, bytes], rows: int) -> Paging:  # noqa: C901 (one look after the other)
    """Read what an envelope says beside `rows` rows."""
    spelled: dict[str, bytes] = {}
    as_given: dict[str, str] = {}
    nothing: set[str] = set()
    for name, value in notes.items():
        last = plain(name.rpartition(".")[2])
        as_given.setdefault(last, name.rpartition(".")[2])
        if value in (b"null", b'""'):
            nothing |= {plain(name), last}
        else:
            spelled.setdefault(plain(name), value)
            spelled.setdefault(plain(name.rpartition(".")[2]), value)

    def integer(names: tuple[str, ...]) -> int | None:
        for name in names:
            found = re.fullmatch(rb'"?(\d{1,18})"?', spelled.get(name, b""))
            if found:
                return int(found[1])
        return None

    def flag(names: tuple[str, ...]) -> bool | None:
        said = [spelled[name] for name in names if spelled.get(name) in (b"true", b"false")]
        return (b"true" in said) if said else None

    numbers = {one: integer(names) for one, names in _NUMBERS.items()}
    more = flag(_CUT) or flag(_MORE)
    if more is None and (done := flag(_DONE)) is not None:
        more = not done
    if spelled.get("next") in (b"true", b"false"):
        more = spelled.pop("next") == b"true"
    total = integer(_TOTAL)
    if total is None and (counted := integer(_COUNT)) is not None and counted > rows:
        total = counted
    cursor = cursor_name = url = None
    ended = False
    if more is not False:
        for name in _CURSOR:
            value = spelled.get(name, b"")
            ended = ended or (name in nothing and not value)
            if not value or raw.kind(value) not in ('"', "0") or (ended and name in _ECHOED):
                continue
            text = raw.text(value) if raw.kind(value) == '"' else value.decode()
            if re.match(r"https?://|/", text) or "?" in text:
                url = text if url is None else url
            elif cursor is None and not (name == "nextpage" and text.isdigit()):
                cursor, cursor_name = text, as_given.get(name, name)
    if more is None and ended and cursor is None and url is None:
        more = False
    return Paging(cursor, cursor_name, url, more, total, **numbers)


def is_account(name: str) -> bool:
    """Tell whether a field holds the id of an account."""
    return plain(name.rpartition(".")[2]) in ("accountid", "tenantid")
