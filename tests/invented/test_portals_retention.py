"""Portals that refuse what is too old, by retention or by plan: that part alone is left out, and it is said."""

from __future__ import annotations

import portal_rows
import portals
import pytest
from portal_messages import same
from portal_odd import Odd, ends, give, rows
from portals import NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AddOnMissingError, QuestionRefusedError
from isr_analysis.times import DAY, HOUR, MINUTE, SECOND

KEPT = 30 * DAY
EDGE = times.iso(NOW - KEPT)
STORED = [Message(NOW - 33 * DAY + i * HOUR, f"dev-{i % 2}", "t/x", {"i": i}) for i in range(33 * 24)]
SPAN = {"start": times.iso(NOW - 33 * DAY), "end": times.iso(NOW - 27 * DAY)}

TOO_OLD = [
    *((status, "Your plan includes 30 days of history") for status in (400, 402, 403, 404, 410, 416, 422)),
    (400, "only the last 30 days are available"),
    (404, "history is kept for 30 days"),
    (400, "messages are stored for up to 720 hours"),
    (403, "Your subscription only allows access to the last 30 days of data."),
    (400, "Requested range exceeds your plan's retention of 30 days"),
    (400, "from must not be older than 30 days"),
    (422, "start must not be more than 30 days ago"),
    (400, f"history starts at {EDGE}"),
    (403, f"History before {EDGE} is not available on your plan. Upgrade to Pro for longer history."),
    (400, f"start is before the account was created ({EDGE})"),
    (400, "Cannot query data more than 30 days in the past"),
    (403, "History is limited to 30 days on the Free plan"),
    (422, f"Input should be greater than or equal to {EDGE}"),
    (400, "The lookback window is limited to 720 hours"),
    (402, {"error": {"code": "RANGE_OUT_OF_RETENTION", "message": "Upgrade your plan", "retention_days": 30}}),
    (400, {"code": "RANGE_OUT_OF_RETENTION", "message": "range out of bounds", "oldest": EDGE}),
    (422, {"error": "start_too_old", "max_age_hours": 720}),
    (400, {"code": "DATA_EXPIRED", "message": "The requested data has been purged", "retention": "P30D"}),
    (422, {"detail": [{"loc": ["query", "start"], "msg": "Data older than 30 days is not retained"}]}),
]


def body(said):
    """Give the body of a refusal."""
    return {"detail": said} if isinstance(said, str) else said


def keeping(status, said, edge=NOW - KEPT):
    """Make a portal that refuses what is before an edge."""

    def how(server, asked, _n):
        low = portal_rows.read_instant("iso", asked["start"])
        return give(body(said), status) if low < edge else rows(server._in(asked))

    return Odd(how, stored=STORED)


@pytest.mark.parametrize(("status", "said"), TOO_OLD)
def test_what_is_too_old_is_left_out_and_said(home, status, said):
    """In whichever words, and with whichever status: what is kept is there, to the message on the edge."""
    server = keeping(status, said)
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match=f"gives nothing from before {EDGE}"):
            df = isr.load_history(**SPAN, portal=portal)
        same(df, [one for one in STORED if NOW - KEPT <= one.at < NOW - 27 * DAY])
        assert "gives nothing from before" in df.attrs["warning"]
        asked = server.count()
        assert asked < 40
        with pytest.warns(UserWarning, match=f"gives nothing from before {EDGE}"):
            again = isr.load_history(**SPAN, portal=portal)
        same(again, [one for one in STORED if NOW - KEPT <= one.at < NOW - 27 * DAY])
        with pytest.warns(UserWarning, match=f"gives nothing from before {SPAN['start']}") as told:
            assert isr.sync(start=times.iso(NOW - 60 * DAY), end=SPAN["start"], portal=portal).rows == 0
        assert told[0].filename == __file__
        assert server.count() == asked


def test_a_portal_may_keep_a_few_hours_alone(home):
    """Then it refuses ranges of a day, however late they are."""
    edge, stored = NOW - 3 * HOUR, [Message(NOW - DAY + i * MINUTE, "dev-0", "t/x", {"i": i}) for i in range(1440)]
    server = keeping(400, "history is kept for 3 hours", edge)
    server.stored = stored
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match=f"gives nothing from before {times.iso(edge)}"):
            df = isr.load_history(start=times.iso(NOW - DAY), end=times.iso(NOW), portal=portal)
        same(df, stored[-180:])


def test_what_is_too_old_is_said_of_each_range_that_lacks_it(home):
    """By who loads it another day, without the portal, and of its clients; not of what was kept."""
    server = keeping(400, "history is kept for 30 days")
    with portals.mocked(server, home) as portal, pytest.warns(UserWarning, match="gives nothing from before"):
        isr.load_history(**SPAN, portal=portal)
    with portals.mocked(server, home) as portal:
        for offline in (False, True):
            with pytest.warns(UserWarning, match=f'gives nothing from before {EDGE} \\("history is kept for 30 days"'):
                df = isr.load_history("dev-1", **SPAN, offline=offline, portal=portal)
            assert EDGE in df.attrs["warning"]
            later = isr.load_history(start=EDGE, end=SPAN["end"], offline=offline, portal=portal)
            assert later.attrs["warning"] == ""


def test_what_is_too_old_of_one_client_is_said_of_no_other(home):
    """Though it is loaded after that one, by the same connection: all of it came."""

    def how(server, asked, _n):
        low = portal_rows.read_instant("iso", asked["start"])
        if low < NOW - KEPT and asked["client_id"] == "dev-0":
            return give({"detail": "history is kept for 30 days"}, 400)
        return rows(server._in(asked))

    with portals.mocked(Odd(how, stored=STORED), home) as portal:
        with pytest.warns(UserWarning, match=f"gives nothing from before {EDGE}"):
            isr.load_history("dev-0", **SPAN, portal=portal)
        df = isr.load_history("dev-1", **SPAN, portal=portal)
        same(df, [one for one in STORED if one.client == "dev-1" and one.at < NOW - 27 * DAY])
        assert df.attrs["warning"] == ""


def test_what_is_kept_again_is_said_no_more(home):
    """As after a change of the plan: asked for once more, it is there."""
    server = keeping(400, "history is kept for 30 days")
    with portals.mocked(server, home) as portal, pytest.warns(UserWarning, match="gives nothing from before"):
        isr.load_history(**SPAN, portal=portal)
    with portals.mocked(keeping(400, "", edge=0), home) as portal:
        df = isr.load_history(**SPAN, refresh=True, portal=portal)
        same(df, [one for one in STORED if one.at < NOW - 27 * DAY])
        assert df.attrs["warning"] == ""
        assert isr.load_history(**SPAN, portal=portal).attrs["warning"] == ""


def test_a_page_that_is_refused_as_too_long_hides_no_retention(home):
    """Whether a range as long is answered of late is asked with a page of the size that the portal takes."""
    server = Server(Dialect(kept=KEPT, cap=500, strict=True, doc=None), STORED)
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match=f"gives nothing from before {EDGE}"):
            df = isr.load_history(start=times.iso(NOW - 33 * DAY), end=times.iso(NOW - 29 * DAY), portal=portal)
        same(df, [one for one in STORED if NOW - KEPT <= one.at < NOW - 29 * DAY])


def test_an_edge_that_moves_on_while_it_is_read(home):
    """It lies thirty days before the portal's now, which is later at each request."""
    asked_so_far = []

    def how(server, asked, n):
        low = portal_rows.read_instant("iso", asked["start"])
        asked_so_far.append(n)
        if low < NOW - KEPT + n * SECOND // 2:
            return give({"detail": "only the last 30 days are available"}, 403)
        return rows(server._in(asked))

    with portals.mocked(Odd(how, stored=STORED), home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(**SPAN, portal=portal)
        same(df, [one for one in STORED if NOW - KEPT < one.at < NOW - 27 * DAY])
    assert len(asked_so_far) < 80


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_edge_that_moves_on_while_it_is_read_by_time(home, after):
    """After whichever question from it on: what is kept a few seconds shorter is asked for again."""
    stored, moved = [Message(NOW - KEPT + i * 30 * MINUTE, "dev-0", "t/x", {"i": i}) for i in range(200)], []

    def how(server, asked, _n):
        low = portal_rows.read_instant("iso", asked["start"])
        if low < NOW - KEPT + 3 * SECOND * (len(moved) >= after):
            return give({"detail": "only the last 30 days are available"}, 403)
        moved.extend([low] * (low == NOW - KEPT))
        return rows(server._in(asked)[:20])

    with (
        portals.mocked(Odd(how, stored=stored), home) as portal,
        pytest.warns(UserWarning, match="gives nothing from before"),
    ):
        df = isr.load_history(**SPAN, portal=portal)
    assert df["i"].tolist() in [list(range(first, 3 * 48)) for first in (0, 1)]  # that on the edge may be gone
    # A third is asked from there where no other part of the load found out before how much comes at once.
    assert min(after, 2) <= len(moved) <= after


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (403, "Programmatic History Download is no longer available on your plan", AddOnMissingError),
        (403, "History is no longer available on your plan", AddOnMissingError),
        (403, "The History add-on is missing: your plan includes 30 days of history", AddOnMissingError),
        (403, "Your 14-day trial has expired", AddOnMissingError),
        (403, "Your plan includes 0 days of history", QuestionRefusedError),
        (410, "history was archived", QuestionRefusedError),
        (404, "no longer available", QuestionRefusedError),
        (422, "only the last 30 days are available", QuestionRefusedError),
    ],
)
def test_where_nothing_is_answered_whatever_its_age_it_is_an_error(home, status, said, error):
    """Never an empty frame: it is not the age for which the question is refused."""
    with (
        portals.mocked(Odd(lambda *_: give(body(said), status), stored=STORED), home) as portal,
        pytest.raises(error, match=said),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_the_instant_that_a_refusal_names_is_a_hint(home):
    """Such as the portal's own now: what is older than that is not taken for gone."""
    server = keeping(400, f"start is older than 30 days (it is {times.iso(NOW - SECOND)} now)")
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(**SPAN, portal=portal)
        same(df, [one for one in STORED if NOW - KEPT <= one.at < NOW - 27 * DAY])


@pytest.mark.parametrize("hours", [0, 4, 20])
@pytest.mark.parametrize("form", ["iso", "%Y-%m-%dT%H:%MZ"])
def test_words_of_whole_days_hide_nothing_that_is_kept_longer(home, hours, form):
    """A portal that says 30 days may delete by whole days: what is older and still there is had."""
    edge = NOW - KEPT - hours * HOUR

    def how(server, asked, _n):
        low = portal_rows.read_instant("iso", asked["start"])
        if form != "iso" and len(asked["start"]) > len("2026-11-10T00:00Z"):
            return give({"detail": "start: expected format 2026-01-01T00:00Z"}, 422)
        return give({"detail": "history is kept for 30 days"}, 400) if low < edge else rows(server._in(asked))

    with portals.mocked(Odd(how, stored=STORED), home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(**SPAN, portal=portal)
        same(df, [one for one in STORED if edge <= one.at < NOW - 27 * DAY])


@pytest.mark.parametrize("before", [5 * HOUR, 90 * SECOND])
def test_more_may_be_kept_than_a_refusal_says(home, before):
    """Thirty days may be counted from midnight, or by another clock: what is kept before that is there as well."""
    edge = NOW - KEPT - before
    stored = [*STORED, Message(NOW - KEPT - before // 2, "dev-0", "t/x", {"i": -1})]
    server = keeping(422, "only the last 30 days are available", edge)
    server.stored = stored
    with portals.mocked(server, home) as portal:
        with pytest.warns(UserWarning, match="gives nothing from before"):
            df = isr.load_history(**SPAN, portal=portal)
        same(df, [one for one in stored if edge <= one.at < NOW - 27 * DAY])


@pytest.mark.parametrize("status", [410, 422])
def test_a_day_that_is_refused_behind_one_that_is_answered_is_an_error(home, status):
    """It is not too old, whatever is said of it."""

    def how(server, asked, _n):
        low, high = ends(asked)
        if low < NOW - 28 * DAY < high:
            return give({"detail": "older than 30 days"}, status)
        return rows(server._in(asked))

    with portals.mocked(Odd(how, stored=STORED), home) as portal:
        first = isr.load_history(start=SPAN["start"], end=times.iso(NOW - 30 * DAY), portal=portal)
        assert len(first)
        with pytest.raises(QuestionRefusedError, match="older than 30 days"):
            isr.load_history(**SPAN, portal=portal)
