"""What comes after a page: what the portal says of it, and what is to be asked. Pure.

A portal names its next page by a link, a cursor, a number or an offset, in the answer or in its headers; or not at
all. Then a full page may be the portal's limit and not the end, and `isr_analysis.reading.onward` proves which.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from isr_analysis import answers, times
from isr_analysis.answers import Page, Paging
from isr_analysis.contract import roles
from isr_analysis.contract.contract import History
from isr_analysis.errors import AnswerError
from isr_analysis.messages import instants
from isr_analysis.portal.habits import Sizes

_FEW = 16
"""Fewer messages than these are no limit of a portal's."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to ask next.

    Parameters
    ----------
    path : str
        The path, with a query if it came as a link.
    params : mapping of str to str or None
        The parameters; None where the link holds them.
    doubtful : bool
        Whether the portal may not know, or ignore, what names the page: a number, an offset, or a parameter whose
        name was guessed.
    numbered : bool
        Whether it is named by a number.
    """

    path: str
    params: Mapping[str, str] | None
    doubtful: bool = False
    numbered: bool = False

    def __hash__(self) -> int:
        return hash((self.path, None if self.params is None else frozenset(self.params.items())))


END, BY_TIME = "end", "by time"
"""In place of a step: the portal said that this was the last page; or nothing names what follows."""

_UNITS = (times.SECOND, 1_000_000, 1000, 1)
"""What an instant may be cut to that names what follows, ns."""

_VENDORS = re.compile(r"^(?:x-)?[a-z0-9]+-(?=(?:next|continuation)(?:-?(?:cursor|token|page|link|url|page-token))?$)")
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^,;]+)*)")


def following(
    known: History, step: Step, page: Page, *, rows: int, nth: int, sizes: Sizes, named: bool = False
) -> Step | str:
    """Decide what comes after a page.

    Parameters
    ----------
    known : History
        The contract.
    step : Step
        The question for the first page; a cursor, number or offset is added to it.
    page : Page
        What came, with what its headers say.
    rows : int
        The rows of all pages so far, this one included.
    nth : int
        The number of the page if the first one is numbered 0: how many came before it.
    sizes : Sizes
        How much the answers before this one had.
    named : bool
        Whether the portal itself named this page, in a way that is known: if it names no next one, there is none.

    Returns
    -------
    Step or str
        The next question, or `END`, or `BY_TIME`.
    """
    said, asked = page.paging, dict(step.params or {})
    if _is_time_alone(known, step, page):
        return BY_TIME
    if said.url is not None:
        return Step(_completed(path_of(said.url, step.path), step), None)
    if said.cursor is not None:
        name = _cursor_parameter(known, said.cursor_name)
        return Step(
            step.path, {**asked, name: said.cursor}, doubtful=name not in (known.cursor, known.page, known.offset)
        )
    for documented, name, value in ((known.page, "page", said.next_page), (known.offset, "offset", said.next_offset)):
        if value is not None:
            return Step(step.path, {**asked, documented or name: str(value)}, doubtful=documented is None)
    if said.has_more is False or (page.rows == 0 and not said.has_more):
        return END
    more = said.has_more or (said.total is not None and rows < said.total)
    if said.pages is not None and said.page is not None:
        more = is_before_last(said, nth)
        if not more:
            return END
    elif not more and (named or is_told(known, asked, page, rows=rows, sizes=sizes)):
        return END
    number = said.page if said.page is not None else (known.first_page or 0) + nth
    if known.page is not None or (more and said.page is not None):
        if not more and page.rows < sizes.longest:  # pages that are numbered are all of one size, but for the last
            return END
        return Step(
            step.path, {**asked, known.page or said.page_name or "page": str(number + 1)}, doubtful=True, numbered=True
        )
    if known.offset is not None or (more and said.offset is not None):
        return Step(step.path, {**asked, known.offset or said.offset_name or "offset": str(rows)}, doubtful=True)
    # The pages before named a next one, and this one does not; or no part can be asked for that would tell more.
    is_last = nth or (known.reaches_back and not is_round(page.rows, known.page_size))
    return END if is_last and not more else BY_TIME


def _is_time_alone(known: History, step: Step, page: Page) -> bool:
    """Tell whether it is an instant of the page alone that names what follows.

    Where the next page begins is then not certain: with the messages of that instant once more, or without those of it
    that this page had no room for.
    """
    if known.start is None or known.end is None or known.unit > times.SECOND or not len(page.messages):
        return False
    names = [page.paging.cursor]
    if page.paging.url is not None:
        query = parse_qs(urlsplit(page.paging.url).query)
        names = [values[-1] for name, values in query.items() if (step.params or {}).get(name) != values[-1]]
    if len(names) != 1 or names[0] is None:
        return False
    at = answers.instant_of(names[0]) or answers.instant_of(_unpacked(names[0]))
    ends = instants(page.messages)
    steps = [(int(one) // unit * unit, unit) for one in ends[[0, -1]] for unit in _UNITS]
    if at is None:
        return False
    # Or it is one that is shown cut to a second or so.
    return any(at in (cut - unit, cut, cut + unit) or at // unit * unit in ends[[0, -1]] for cut, unit in steps)


def is_before_last(said: Paging, nth: int) -> bool:
    """Tell whether more pages follow, by the number of this one and of all; the `nth`, from 0, may be numbered so."""
    return said.page is not None and said.pages is not None and said.page + (said.page == nth) < said.pages


def names_next(said: Paging) -> bool:
    """Tell whether an answer names what follows it."""
    return any(one is not None for one in (said.url, said.cursor, said.next_page, said.next_offset))


def says_more(said: Paging, nth: int) -> bool:
    """Tell whether an answer names what follows it, or says that something does."""
    if names_next(said):
        return True
    # What it says of this comes before numbers, which may begin with 0.
    return bool(is_before_last(said, nth) if said.has_more is None else said.has_more)


def _unpacked(cursor: str) -> str:
    """Give the one value that a cursor holds, as a text or as JSON, where it is packed in base64; else itself."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_").decode()
    except ValueError:
        return cursor
    found = re.fullmatch(r'\s*(?:\[|\{\s*"\w+"\s*:)?\s*"?([^"{}\[\],]+)"?\s*[\]}]?\s*', text)
    return found[1] if found else cursor


def is_told(known: History, asked: Mapping[str, str], page: Page, *, rows: int, sizes: Sizes) -> bool:
    """Tell whether an answer's size says that it is the last: it has all rows of the total, or less than a page's.

    That is doubted where the size is a round one, as programmers round too, or a whole page's; and where no answer
    was longer, or as long and whole: a portal may state as the total what it gives at once, and give less at once
    than it documents.
    """
    said = page.paging
    if said.total is not None and page.rows < rows >= said.total:  # of several pages, so it is not of each alone
        return True
    if is_round(page.rows, known.page_size) or page.rows >= max(_FEW, sizes.longest, sizes.whole + 1):
        return False
    if said.total is not None:
        return rows >= said.total
    return known.page_size_is_kept and known.limit in asked and page.rows < known.page_size


def is_round(rows: int, size: int | None) -> bool:
    """Tell whether so many rows are more likely a limit than other numbers: programmers round; or all of a size."""
    power_of_two = rows >= _FEW and rows.bit_count() == 1
    return rows % 10 == 0 or power_of_two or rows == size


def of_headers(headers: Mapping[str, str], rows: int, *, partial: bool = False) -> Paging:
    """Read what an answer's headers (lower-case names) say of the pages after it; `partial` if its status says that.

    These are ``Link``, ``Content-Range``, and the words of an envelope with or without ``X-`` before them, such as
    ``X-Next-Cursor`` or ``X-Total-Count``; that of the next page may have a vendor's name before it. They may stand
    in one object, ``X-Pagination``.
    """
    notes: dict[str, bytes] = {}
    for name, value in headers.items():
        plain = re.fullmatch(r"\d+|true|false", value.strip().lower())
        name = _VENDORS.sub("", name).removeprefix("x-")  # noqa: PLW2901
        notes |= _members(value) if name in ("pagination", "paging") else {}
        name = re.sub("^pag(?:ination|ing)-(?=.)", "", name)  # noqa: PLW2901
        notes[name] = plain[0].encode() if plain else json.dumps(value.strip()).encode()
    links = {rel.lower(): url for url, rel in _links(headers.get("link", ""))}
    if links.keys() & {"first", "prev", "previous", "last", "next"} and not links.get("next"):
        notes["next"] = b"null"
    if found := re.fullmatch(r"(?:\w+ )?\d+-(\d+)/(\d+)", headers.get("content-range", "").strip()):
        notes["total"] = found[2].encode()
        notes |= {"more": b"true"} if int(found[1]) + 1 < int(found[2]) else {}
    elif partial:
        notes["more"] = b"true"
    said = answers.read_paging(notes, rows)
    return dataclasses.replace(said, url=links["next"]) if links.get("next") else said


def _members(value: str) -> dict[str, bytes]:
    """Give the members of a header that holds an object, as those who write ASP.NET have it; none if it does not."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return {name: json.dumps(one).encode() for name, one in found.items()} if isinstance(found, dict) else {}


def both(one: Paging, other: Paging) -> Paging:
    """Give what either says of the pages after an answer; above all that there is more, then the first one's word."""
    names = [said.name for said in dataclasses.fields(one)]
    given = {name: getattr(other, name) for name in names if getattr(one, name) is None}
    return dataclasses.replace(one, **(given | {"has_more": True} if other.has_more else given))


def with_headers(said: Paging, headers: Mapping[str, str], rows: int, status: int) -> Paging:
    """Give what an answer says of the pages after it, in its body, its headers and its status.

    Where its body says that nothing follows, its status is only that of a page among others. Where it names what
    follows, or counts more rows, headers do not end it.
    """
    partial = status == HTTPStatus.PARTIAL_CONTENT and said.has_more is None
    beside = of_headers(headers, rows, partial=partial)
    goes_on = said.cursor is not None or said.url is not None or (said.total is not None and said.total > rows)
    if goes_on and beside.has_more is False:
        beside = dataclasses.replace(beside, has_more=None)
    return both(said, beside)


def _links(header: str) -> Iterator[tuple[str, str]]:
    """Give the address and what it is of each link; none where it is said to lead to no rows, as Sentry does."""
    for url, attributes in _LINK.findall(header):
        url = "" if re.search(r"""results\s*=\s*["']?false""", attributes) else url  # noqa: PLW2901
        if found := re.search(r"""rel\s*=\s*["']?([^"';,]+)""", attributes, re.IGNORECASE):
            for rel in found[1].split():
                yield url, rel


def path_of(url: str, base: str) -> str:
    """Give the path and query of a link; always one on the portal itself, whatever host the link names."""
    try:
        parts = urlsplit(urljoin(base, url))
    except ValueError as exc:
        raise AnswerError(f"the portal names a next page by {url[:80]!r}, which is no address ({exc})") from exc
    path = parts.path
    if path.rstrip("/").rpartition("/")[2] == base.rstrip("/").rpartition("/")[2]:
        path = base  # the portal, behind its proxy, does not know its own address
    return path + (f"?{parts.query}" if parts.query else "")


def _completed(link: str, step: Step) -> str:
    """Add the question to a link that names the page's number alone; a token may hold the whole question."""
    there = parse_qs(urlsplit(link).query, keep_blank_values=True)
    return asking_too(link, step) if all(values[-1].isdigit() for values in there.values()) else link


def asking_too(link: str, step: Step) -> str:
    """Add the question to a link that holds nothing of it."""
    parts = urlsplit(link)
    there = parse_qs(parts.query, keep_blank_values=True)
    if parts.path != step.path or not there or not step.params or there.keys() & step.params.keys():
        return link
    return f"{link}&{urlencode(step.params)}"


def _cursor_parameter(known: History, field: str | None) -> str:
    """Find the parameter of a cursor: the documented one, or the one that the field's name tells of."""
    given = (field or "").rpartition(".")[2]
    plain = roles.snake(given)
    bare = plain.removeprefix("next_").removesuffix("_next")
    if known.cursor is not None:
        return known.cursor
    if bare in ("", "next", "cursor"):
        return known.page or known.offset or "cursor"
    if bare == "end_cursor":
        return "after"
    if not plain.startswith("next_"):
        return given
    rest = given[len("next") :].lstrip("_-")  # as the portal spells it: nextPageToken is asked for as pageToken
    return rest[:1].lower() + rest[1:]
