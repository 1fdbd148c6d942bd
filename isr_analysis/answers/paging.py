"""What an answer says of the pages after it, and of rows that may be missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from isr_analysis.answers import failures, raw
from isr_analysis.answers.shape import leaf, plain

_CURSOR = (
    "nextcursor", "cursornext", "nextpagetoken", "continuationtoken", "continuation", "nexttoken", "endcursor", "next",
    "after", "scrollid", "nextpage", "nextlink", "nexturl", "nexthref", "odatanextlink", "marker", "nextmarker",
    "bookmark", "cursor", "paginationtoken", "lastevaluatedkey", "linksnext", "linksnexthref",
)  # fmt: skip
_ECHOED = ("cursor", "after", "marker", "bookmark", "continuation", "scrollid")
"""Names under which a portal may repeat what was asked for: beside a ``next_cursor`` that is null, they are that."""
_TOTAL = (
    "total", "totalcount", "totalrows", "totalresults", "totalitems", "totalmessages", "totalrecords", "totalelements",
    "totalhits", "numfound", "totalsize", "odatacount",
)  # fmt: skip
_COUNT = ("count", "rowcount", "numrows", "returned", "numresults", "messagecount", "resultcount")
_MORE = ("hasmore", "more", "hasnext", "hasnextpage", "moreavailable")
_WHOLE = ("truncated", "istruncated", "complete", "iscomplete")
"""Flags of an answer that is whole: it is the last one, too, if nothing beside them names a further page."""

_CUT = re.compile(
    r"(?:is|has)?(?:partial|incomplete|timedout|limitreached|limitexceeded|capped)(?:results?|content|data|response)?"
)
"""If true, the answer is not whole; if false, there may be further pages all the same."""
_DONE = ("done", "islast", "last", "lastpage", "islastpage", "exhausted", "endofstream")
_SAYS_MORE = re.compile(r"(?:has|is|are)?(?:more|next)")
"""How a flag's name begins that, if true, says that there is more."""

_NEXT = re.compile(
    r"lastevaluatedkey|next(?!message|update|poll|refresh|run|retry|allow|sync|check|reset|report|expected"
    r"|forward|backward)"
)
"""How a field is named that says where more is."""

_NOTHING = re.compile(rb'null|""|"(?:null|none|nil|undefined)"', re.IGNORECASE)
_NO_NEXT = re.compile(rb'"?(?:0|-1)"?')
"""What says, where something is next, that nothing is: nothing precedes the first page."""

_FLAG = {b"1": b"true", b"0": b"false", b'"true"': b"true", b'"false"': b"false"}
"""Flags as programs write them that have no other."""

_ESTIMATE = re.compile(r"estimat|approx")
_ESTIMATED = (b'"estimated"', b'"estimate"', b'"approximate"', b'"planned"', b'"gte"')
"""What says of a total that it is none by which an end can be told."""

_CUT_WORDS = re.compile(rb"truncat|incomplete|cut (off|short)|partial", re.IGNORECASE)
_NUMBERS = {
    "page": ("page", "pagenumber", "currentpage", "pagenum", "pageno", "pageindex", "number"),
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
    page_name, offset_name : str or None
        The name of the field that holds it, as the portal spells it; of a page, if it is more than ``page``.
    remark : str or None
        The portal's words by which some may be missing.
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
    page_name: str | None = None
    offset_name: str | None = None
    remark: str | None = None


def read(notes: dict[str, bytes], rows: int) -> Paging:
    """Read what an envelope says beside `rows` rows."""
    spelled: dict[str, bytes] = {}
    as_given: dict[str, str] = {}
    nothing: set[str] = set()
    further = False  # whether something is said to be next, under whatever name
    for name, value in notes.items():
        last = leaf(name)
        as_given.setdefault(last, name.rpartition(".")[2])
        if _NOTHING.fullmatch(value) or (last.startswith("next") and _NO_NEXT.fullmatch(value)):
            nothing |= {plain(name), last}
        else:
            spelled.setdefault(plain(name), value)
            spelled.setdefault(last, value)
            further = further or (value != b"false" and any(_NEXT.match(plain(one)) for one in name.split(".")))
    numbers = {one: _integer(spelled, names) for one, names in _NUMBERS.items()}
    total, whole = _total(spelled, rows), _is_whole(spelled)
    more = _more(spelled)
    more = True if more is None and whole is False else more
    cursor = cursor_name = url = None
    ended = False
    if more is not False:
        names = (*_CURSOR, *([] if numbers["offset"] is not None else _NUMBERS["offset"]))
        cursor, cursor_name, url, ended = _next(spelled, as_given, nothing, names)
    goes_on = cursor is not None or url is not None
    if more is None and (ended or further):
        more = None if goes_on else not ended
    if more is None and whole and not goes_on and (total is None or total <= rows):
        more = False
    echoed = (("pagenum", "pageno", "pageindex"), _NUMBERS["offset"])
    page_name, offset_name = (
        next((as_given[one] for one in known if _integer(spelled, (one,)) is not None), None) for known in echoed
    )
    return Paging(
        cursor, cursor_name, url, more, total, **numbers, page_name=page_name, offset_name=offset_name,
        remark=failures.remark(notes),
    )  # fmt: skip


def _integer(spelled: dict[str, bytes], names: Iterable[str]) -> int | None:
    """Give the first whole number under one of some names."""
    found = (re.fullmatch(rb'"?(\d{1,18})"?', spelled.get(name, b"")) for name in names)
    return next((int(one[1]) for one in found if one), None)


def _total(spelled: dict[str, bytes], rows: int) -> int | None:
    """Give how many rows all pages have, if that is no estimate; a count is one if it is more than those here."""
    estimated = (one in _ESTIMATED or (one == b"true" and _ESTIMATE.search(name)) for name, one in spelled.items())
    if any(estimated):
        return None
    total, count = _integer(spelled, _TOTAL), _integer(spelled, _COUNT)
    return count if total is None and count is not None and count > rows else total


def _next(
    spelled: dict[str, bytes], as_given: dict[str, str], nothing: set[str], names: Iterable[str]
) -> tuple[str | None, str | None, str | None, bool]:
    """Find the cursor of the next page, its field's name, and the page's address; and whether a field says of none."""
    spelled = {name: one for name, one in spelled.items() if name != "next" or one not in (b"true", b"false")}
    said = {name: one for name, one in spelled.items() if raw.kind(one) in ('"', "0")}
    cursor = cursor_name = url = None
    ended = False
    for name in names:
        ended = ended or (name in nothing and name not in spelled)
        if name not in said or (ended and name in _ECHOED):
            continue
        text = raw.plain_text(said[name])
        if _is_address(text):
            url = text if url is None else url
        elif cursor is None and not (name == "nextpage" and text.isdigit()):
            cursor, cursor_name = text, as_given.get(name, name)
    if url is None and cursor is None:
        texts = {n: raw.plain_text(v) for n, v in said.items() if _NEXT.match(n) and "." not in n}
        url = next(filter(_is_address, texts.values()), None)
        known = {"next", *_NUMBERS["next_page"], *_NUMBERS["next_offset"]}
        for one in [] if url is not None else [n for n in texts if n in as_given and n not in known][:1]:
            cursor, cursor_name = texts[one], as_given[one]  # next_after_id: the parameter has its name, perhaps
    return cursor, cursor_name, url, ended


def _flag(spelled: dict[str, bytes], names: Iterable[str]) -> bool | None:
    """Tell whether any of some flags is true; None if there are none."""
    said = [_FLAG.get(spelled[name], spelled[name]) for name in names if name in spelled]
    said = [one for one in said if one in (b"true", b"false")]
    return (b"true" in said) if said else None


def _is_whole(spelled: dict[str, bytes]) -> bool | None:
    """Tell whether an answer is said to be whole, and not cut."""
    cut, complete = _flag(spelled, _WHOLE[:2]), _flag(spelled, _WHOLE[2:])
    return complete if cut is None else not cut


def _more(spelled: dict[str, bytes]) -> bool | None:
    """Tell whether flags, or words of a warning, say that there is more or that there is not."""
    warned = any(_CUT_WORDS.search(spelled.get(name, b"")) for name in ("warning", "warnings", "notice", "notices"))
    if warned or any(one == b"true" and _SAYS_MORE.match(name) for name, one in spelled.items()):
        return True
    if (more := _flag(spelled, filter(_CUT.fullmatch, spelled)) or _flag(spelled, _MORE)) is not None:
        return more
    flags = (name for name in _DONE if not spelled.get(name, b"").isdigit())  # the last page may have a number
    done = _flag(spelled, flags)
    return (None if spelled.get("next") != b"false" else False) if done is None else not done


def _is_address(text: str) -> bool:
    """Tell whether a text is an address, or the path or query of one."""
    return re.match(r"https?://|/", text) is not None or "?" in text


def is_next(name: str) -> bool:
    """Tell whether a field says where more is, which is left out where there is no more."""
    return plain(name) in _CURSOR or plain(name).startswith("next")
