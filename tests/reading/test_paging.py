"""What comes after a page: by what the portal says in its answer and its headers."""

from __future__ import annotations

import base64
import dataclasses

import pyarrow as pa
import pytest

from isr_analysis import messages, times
from isr_analysis.answers import Page, Paging, read_paging
from isr_analysis.contract.contract import History
from isr_analysis.errors import AnswerError
from isr_analysis.portal import paging
from isr_analysis.portal.habits import Sizes
from isr_analysis.portal.paging import BY_TIME, END, Step, following, of_headers

PATH = "/api/v1/subscriber/history"
ASKED = {"start": "a", "end": "b", "limit": "100"}
FIRST = times.instant("2026-11-01")


def after(said=None, *, known=None, rows=40, so_far=None, nth=0, **shown):
    """Decide what comes after a page of 40 rows."""
    page = Page(messages.empty(), rows, paging=said or Paging())
    known = known or History(page_size=100)
    total = rows if so_far is None else so_far
    return following(known, Step(PATH, ASKED), page, rows=total, nth=nth, sizes=Sizes(**shown))


@pytest.mark.parametrize(
    ("said", "known", "added"),
    [
        (Paging(cursor="x", cursor_name="next_cursor"), History(), {"cursor": "x"}),
        (Paging(cursor="x", cursor_name="nextPageToken"), History(), {"pageToken": "x"}),
        (Paging(cursor="x", cursor_name="continuation_token"), History(), {"continuation_token": "x"}),
        (Paging(cursor="7", cursor_name="next_after_id"), History(), {"after_id": "7"}),
        (Paging(cursor="x", cursor_name="endCursor"), History(), {"after": "x"}),
        (Paging(cursor="x", cursor_name="next_cursor"), History(cursor="page_token"), {"page_token": "x"}),
        (Paging(cursor="2", cursor_name="next"), History(page="page"), {"page": "2"}),
        (Paging(next_page=3), History(page="p"), {"p": "3"}),
        (Paging(next_offset=80), History(), {"offset": "80"}),
        (Paging(page=1, pages=3), History(), {"page": "2"}),
        (Paging(page=0, pages=3, total=100), History(page="nr"), {"nr": "1"}),
        (Paging(offset=0, total=100), History(), {"offset": "40"}),
        (Paging(), History(page="page", first_page=1), {"page": "2"}),
        (Paging(), History(page="page"), {"page": "1"}),
        (Paging(), History(offset="skip"), {"skip": "40"}),
    ],
)  # fmt: skip
def test_the_next_page_is_named_as_the_portal_does(said, known, added):
    """By cursor, number or offset, under the documented name or the one that the answer's field tells of."""
    step = after(said, known=known)
    assert step == Step(PATH, {**ASKED, **added}, step.doubtful, step.numbered)
    documented = set(added) <= {known.cursor, known.page, known.offset} and not step.numbered and "skip" not in added
    assert step.doubtful is not documented


@pytest.mark.parametrize(
    ("text", "is_instant"),
    [
        ("{at}", True), ('{{"last": "{at}"}}', True), ('["{at}"]', True), ('{{"last": "{at}", "id": 7}}', False),
        ("2026-11-01T00:00:00.123Z", True), ("{at}|7", False), ("2026-10-31T00:00:00Z", False), ("7", False),
    ],
)  # fmt: skip
def test_an_instant_that_is_packed_in_a_cursor_names_no_page_either(text, is_instant):
    """One of the page, alone: beside an id it is that of a message; what is before and behind it is not certain."""
    one = {"time": FIRST, "client_id": "a", "topic": "t", "payload": b"1", "seq": 0, "source": "history", "extra": None}
    table = pa.Table.from_pylist([one], schema=messages.SCHEMA)
    for at in (times.iso(FIRST), str(FIRST // 10**6)):
        cursor = base64.urlsafe_b64encode(text.format(at=at).encode()).decode().rstrip("=")
        page = Page(table, 1, paging=Paging(cursor=cursor, cursor_name="next_cursor"))
        said = following(History(), Step(PATH, ASKED), page, rows=1, nth=0, sizes=Sizes())
        assert (said == BY_TIME) is is_instant


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("?cursor=x", f"{PATH}?cursor=x"),
        ("history?cursor=x", f"{PATH}?cursor=x"),
        ("/api/v1/subscriber/history?cursor=x", f"{PATH}?cursor=x"),
        ("/api/v1/subscriber/history/pages/2", f"{PATH}/pages/2"),
        ("http://internal:8000/history?cursor=x&limit=5", f"{PATH}?cursor=x&limit=5"),
        ("https://elsewhere.example/other?y=1", "/other?y=1"),
    ],
)
def test_a_link_is_asked_for_at_home(url, path):
    """Relative or absolute, of whatever host: only its path and query count."""
    assert after(Paging(url=url)) == Step(path, None)


def test_a_link_that_is_no_address_is_an_error():
    """What follows is not known then."""
    with pytest.raises(AnswerError, match="no address"):
        after(Paging(url="http://[bad/history"))


@pytest.mark.parametrize(
    ("said", "known", "rows", "so_far", "what"),
    [
        (Paging(has_more=False), None, 40, None, END),
        (Paging(), None, 0, None, END),
        (Paging(total=90), None, 45, 90, END),
        (Paging(page=3, pages=3), History(page="page"), 40, 120, END),
        (Paging(page=0, pages=1), History(page="page"), 40, None, END),
        (Paging(total=9), None, 9, None, END),
        (Paging(), History(page_size=100, page_size_is_kept=True), 9, None, END),
        # Round numbers may be what the portal gives at once, whatever it says.
        (Paging(total=40), None, 40, None, BY_TIME),
        (Paging(), History(page_size=100, page_size_is_kept=True), 50, None, BY_TIME),
        (Paging(), History(page_size=100, page_size_is_kept=True), 100, None, BY_TIME),
        (Paging(), History(page_size=100, page_size_is_kept=True), 64, None, BY_TIME),
        (Paging(), None, 41, None, BY_TIME),
        (Paging(total=90), None, 41, None, BY_TIME),
        (Paging(has_more=True), None, 41, None, BY_TIME),
        (Paging(has_more=True), None, 0, None, BY_TIME),
        (Paging(), History(limit=None, page_size_is_kept=True), 9, None, BY_TIME),  # it was not asked for a size
        # A page that only says which one it is may be the only one.
        (Paging(page=1), None, 41, None, BY_TIME),
        (Paging(offset=0), None, 41, None, BY_TIME),
    ],
)
def test_the_end_is_what_is_told_without_doubt(said, known, rows, so_far, what):
    """Where nothing tells it, it is to be proven by time."""
    assert after(said, known=known, rows=rows, so_far=so_far) == what


@pytest.mark.parametrize("known", [None, History(page_size=100, page_size_is_kept=True)])
def test_a_total_and_a_documented_size_are_believed_once_they_were_shown(known):
    """A portal may state as the total what it gives at once, or give less than it documents, at any number."""
    said = Paging(total=41) if known is None else Paging()
    assert after(said, known=known, rows=41) == BY_TIME
    assert after(said, known=known, rows=41, longest=41) == BY_TIME
    assert after(said, known=known, rows=41, longest=42) == END
    assert after(said, known=known, rows=41, longest=41, whole=41) == END
    assert after(Paging(total=99), known=History(page_size=99), rows=99, longest=120) == BY_TIME


@pytest.mark.parametrize(
    ("said", "known", "added"),
    [
        (Paging(has_more=True, page=1), History(), {"page": "2"}),
        (Paging(has_more=True), History(page="page", first_page=1), {"page": "2"}),
        (Paging(has_more=True), History(offset="skip"), {"skip": "9"}),
        (Paging(pages=3), History(page="page", first_page=1), {"page": "2"}),
    ],
)
def test_a_short_page_that_says_that_there_is_more_is_not_the_last(said, known, added):
    """Shorter than others, and than the documented size: what it says comes before."""
    known = dataclasses.replace(known, page_size=100, page_size_is_kept=said.has_more is True)
    step = after(said, known=known, rows=9, longest=9 if said.pages else 40)
    assert step == Step(PATH, {**ASKED, **added}, True, step.numbered)
    assert after(Paging(has_more=True), rows=9, nth=1, so_far=49) == BY_TIME


@pytest.mark.parametrize("known", [History(start=None), History(end=None), History(time_form="date")])
def test_an_instant_names_a_page_where_nothing_can_be_read_by_time(known):
    """Where no part of the range can be asked for, or none as short as is needed."""
    at = FIRST + 123_000_000
    one = {"time": at, "client_id": "a", "topic": "t", "payload": b"1", "seq": 0, "source": "history", "extra": None}
    said = Paging(cursor=times.iso(at), cursor_name="next_cursor")
    page = Page(pa.Table.from_pylist([one], schema=messages.SCHEMA), 1, paging=said)
    assert following(known, Step(PATH, ASKED), page, rows=1, nth=0, sizes=Sizes()).params["cursor"] == said.cursor
    behind = dataclasses.replace(page, paging=dataclasses.replace(said, cursor=str(at // 10**6 + 1)))
    assert following(History(), Step(PATH, ASKED), behind, rows=1, nth=0, sizes=Sizes()) == BY_TIME


def test_a_page_without_a_next_one_after_pages_with_one_is_the_last():
    """The portal has shown that it names them."""
    assert after(nth=2, so_far=120) == END


def test_a_numbered_page_that_is_shorter_than_others_is_the_last():
    """Those before are all of one size."""
    assert after(known=History(page="page", first_page=1), longest=41) == END


@pytest.mark.parametrize("known", [History(offset="offset"), History(page="page", first_page=1)])
def test_a_page_that_the_portal_named_and_that_names_none_is_the_last(known):
    """A parameter called offset or page may take an opaque cursor, and a number may be an error to it."""
    asked = Step(PATH, ASKED)
    for said, found in ((Paging(), END), (Paging(has_more=True), None), (Paging(total=200), None)):
        page = Page(messages.empty(), 40, paging=said)
        step = following(known, asked, page, rows=140, nth=2, sizes=Sizes(), named=True)
        assert (step == END) is (found == END)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"link": '<https://p/h?c=1>; rel="prev", </h?c=2>; rel="next"'}, {"url": "/h?c=2"}),
        ({"link": "<?page=2>; title=x; rel=next"}, {"url": "?page=2"}),
        ({"link": '</h?c=2>; rel="last next"'}, {"url": "/h?c=2"}),
        ({"link": '</h?c=1>; rel="prev"'}, {"url": None, "has_more": False}),
        ({"link": '</style.css>; rel="preload"'}, {"url": None, "has_more": None}),
        ({"link": '</h?c=2>; rel="next"; results="true"; cursor="0:2:0"'}, {"url": "/h?c=2"}),
        ({"link": '</h?c=2>; rel="next"; results="false"; cursor="0:2:0"'}, {"url": None, "has_more": False}),
        ({"x-next-cursor": "abc"}, {"cursor": "abc"}),
        ({"x-ms-continuation": "abc"}, {"cursor": "abc"}),
        ({"x-isr-next-cursor": "abc"}, {"cursor": "abc"}),
        ({"x-next-cursor": ""}, {"cursor": None, "has_more": False}),
        (
            {"x-pagination": '{"TotalCount": 70, "PageSize": 40, "CurrentPage": 1, "TotalPages": 2, "HasNext": true}'},
            {"total": 70, "limit": 40, "page": 1, "pages": 2, "has_more": True},
        ),
        ({"x-pagination": "page 1 of 2"}, {"has_more": None}),
        ({"x-pagination-page": "1", "x-pagination-page-count": "2"}, {"page": 1, "pages": 2}),
        ({"x-paging-totalresults": "70"}, {"total": 70}),
        ({"x-next-page": "3", "x-page": "2", "x-total-pages": "5"}, {"next_page": 3, "page": 2, "pages": 5}),
        ({"x-has-more": "true"}, {"has_more": True}),
        ({"x-total-count": "123"}, {"total": 123}),
        ({"content-range": "items 0-39/123"}, {"total": 123}),
        (
            {"content-type": "text/csv", "content-length": "99", "date": "Mon", "server": "x"},
            {"total": None, "cursor": None},
        ),
    ],
)
def test_headers_name_pages_too(headers, said):
    """For answers that have no place for it, such as CSV."""
    found = of_headers(headers, 40)
    assert {name: getattr(found, name) for name in said} == said


def test_the_body_comes_before_the_headers():
    """Where both say something."""
    assert paging.both(Paging(cursor="a"), Paging(cursor="b", total=3)) == Paging(cursor="a", total=3)


def test_that_there_is_more_counts_wherever_it_stands():
    """In a header beside a body that says nothing follows, and by a status of which the body says nothing."""
    said = paging.with_headers(Paging(has_more=False), {"x-truncated": "true"}, 40, 200)
    assert said.has_more
    assert paging.with_headers(Paging(), {}, 40, 206).has_more
    assert paging.with_headers(Paging(has_more=False), {}, 40, 206).has_more is False  # the last of several, perhaps


@pytest.mark.parametrize("header", ["x-truncated", "x-has-more"])
def test_headers_do_not_end_what_the_body_goes_on_with(header):
    """Some stand beside every page; alone they are believed."""
    for said in (Paging(cursor="a"), Paging(url="/h?c=2"), Paging(offset=0, total=41)):
        assert paging.with_headers(said, {header: "false"}, 40, 200) == said
    for said in (Paging(), Paging(total=40)):
        assert paging.with_headers(said, {header: "false"}, 40, 200).has_more is False


@pytest.mark.parametrize(
    ("notes", "more", "cursor"),
    [
        ({"truncated": b"false"}, False, None),
        ({"isTruncated": b"true"}, True, None),
        ({"complete": b"0"}, True, None),
        ({"is_complete": b"true", "total": b"40"}, False, None),
        ({"complete": b"true", "total": b"41"}, None, None),
        ({"complete": b"true", "next_cursor": b'"a"'}, None, "a"),
        ({"truncated": b"false", "total": b"41"}, None, None),
        ({"complete": b"true", "next_cursor": b"null"}, False, None),
        ({"complete": b"true", "more": b"true"}, True, None),
        ({"truncated": b"true", "complete": b"true"}, True, None),
        ({"complete": b'"95 %"'}, None, None),
        ({"last": b"true", "next_cursor": b'"a"'}, False, None),
        ({"has_more": b"false", "total": b"41"}, False, None),
    ],
)
def test_an_answer_that_is_whole_need_not_be_the_last(notes, more, cursor):
    """It is, where nothing beside that names a further page; a flag of pages counts more."""
    said = read_paging(notes, 40)
    assert (said.has_more, said.cursor) == (more, cursor)


def test_a_link_that_names_a_number_alone_is_asked_with_the_question():
    """Else the next page would be one of another question; a token may hold the question itself."""
    asked = Step("/h", {"start": "a", "limit": "5"})
    for link, path in (
        ("/h?page=2", "/h?page=2&start=a&limit=5"),
        ("/h?page=2&start=b", "/h?page=2&start=b"),
        ("/h?cursor=xyz", "/h?cursor=xyz"),
        ("/elsewhere?page=2", "/elsewhere?page=2"),
    ):
        page = Page(messages.empty(), 40, paging=Paging(url=link))
        assert following(History(), asked, page, rows=40, nth=0, sizes=Sizes()) == Step(path, None)
