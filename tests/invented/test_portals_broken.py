"""Portals that refuse, break or lie: the right error of the tree, never a short or empty frame."""

from __future__ import annotations

import dataclasses

import portal_rows
import portals
import pytest
from portal_odd import MINUTES, SPAN, Odd, ends, give, rows
from portals import API, FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import errors, times
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, SECOND

EARLIER = [Message(FIRST + 3 * HOUR, "dev-a", "t/x", {"i": -1}), *MINUTES]
CAPPED = Dialect(paging="none", pager=None, cap=40, doc=None)


HOPELESS = {
    "names the same page again": (
        lambda *_: rows(MINUTES[:10], next_cursor="x"),
        errors.HistoryIncompleteError,
        "twice|same",
    ),
    "names pages in a circle": (
        lambda _, _asked, n: rows(MINUTES[n % 7 : n % 7 + 10], next_cursor="xyz"[n % 3]),
        errors.HistoryIncompleteError,
        "twice",
    ),
    "names ever new pages without a message": (
        lambda _, _asked, n: rows([], next_cursor=f"c{n}"),
        errors.HistoryIncompleteError,
        "21 pages without a message",
    ),
    "nests its answer without end": (
        lambda *_: give(b'{"messages":' + b"[" * 4000 + b"]" * 4000 + b"}"),
        errors.AnswerError,
        "no rows of messages",
    ),
    "states more than it gives": (
        lambda *_: rows(MINUTES[:10], total=12, next_cursor=None),
        errors.HistoryIncompleteError,
        "12 messages and gave 10",
    ),
    "states more than it gives, of whatever range": (
        lambda server, asked, _n: rows(given := server._in(asked), total=len(given) + 3 if given else 0),
        errors.HistoryIncompleteError,
        "says that there are more than the 1 message that",
    ),
    "states less than it gives": (
        lambda *_: rows(MINUTES[:11], total=4),
        errors.HistoryIncompleteError,
        "4 messages and gave 11",
    ),
    "fails for good on the second page": (
        lambda _, asked, _n: give("broken", 500) if "cursor" in asked else None,
        errors.PortalUnavailableError,
        "broken",
    ),
    "is up for maintenance": (
        lambda *_: give("<html><title>Back soon</title><body>x</body></html>", content_type="text/html"),
        errors.AnswerError,
        "Back soon",
    ),
    "gives half of the JSON": (
        lambda *_: give(b'{"messages": [{"time": "2026-11-02T00:00:00Z", "cli'),
        errors.AnswerError,
        "not understood",
    ),
    "gives nothing at all": (lambda *_: give(b""), errors.AnswerError, "empty"),
    "states a failure with status 200": (
        lambda *_: give({"error": "backend timed out", "messages": []}),
        errors.AnswerError,
        "timed out",
    ),
    "gives another account's data": (
        lambda *_: give(
            [portal_rows.by_path(MINUTES[0]) | {"topic": "0b1c2d3e-0000-4000-8000-000000000000/dev-a/t/x"}]
        ),
        errors.WrongAccountError,
        "another|belongs",
    ),
    "ignores the range, and gives the newest": (
        lambda *_: rows([Message(NOW - i * SECOND, "a", "t", i) for i in range(20)]),
        (errors.AnswerError, errors.HistoryIncompleteError),
        "does not follow|same 20",
    ),
    "ignores the range, and gives the oldest": (
        lambda *_: rows([Message(FIRST + i * SECOND, "a", "t", i) for i in range(20)]),
        errors.IsrError,
        "does not follow|same 20",
    ),
    "counts its instants as .NET does": (
        lambda server, asked, _n: give(
            {
                "messages": [
                    {**portal_rows.plain(one), "time": one.at // 100 + 621_355_968 * 10**9} for one in server._in(asked)
                ]
            }
        ),
        errors.HistoryIncompleteError,
        "of 1990-.* to 1990-.*time_form",
    ),
    "does not follow the start": (
        lambda _server, asked, _n: rows([m for m in EARLIER if m.at < portal_rows.read_instant("iso", asked["end"])]),
        errors.HistoryIncompleteError,
        "same 101",
    ),
    "gives the last hour, whatever is asked": (
        lambda *_: rows([m for m in MINUTES if m.at > MINUTES[-30].at]),
        errors.HistoryIncompleteError,
        "same|no longer",
    ),
    "goes by another time than that of a device's clock, which was never set": (
        lambda server, asked, _n: rows(
            [dataclasses.replace(m, at=5 * SECOND) if m is MINUTES[5] else m for m in server._in(asked)]
        ),
        errors.AnswerError,
        "another time.*history.fields",
    ),
    "gives a message of long ago with every answer, although it follows the range": (
        lambda server, asked, _: rows([Message(FIRST - 400 * DAY, "dev-a", "t/x", 0), *server._in(asked)]),
        errors.AnswerError,
        "another time.*history.fields",
    ),
    "gives a message of the future with every answer, although it follows the range": (
        lambda server, asked, _: rows([*server._in(asked), Message(FIRST + 400 * DAY, "dev-a", "t/x", 0)]),
        errors.AnswerError,
        "another time.*history.fields",
    ),
    "goes by another time than that of a device's clock, which is ahead": (
        lambda server, asked, _n: rows(
            [dataclasses.replace(m, at=NOW + 9999 * DAY) if m is MINUTES[5] else m for m in server._in(asked)]
        ),
        errors.AnswerError,
        "another time.*history.fields",
    ),
    "refuses without a word": (lambda *_: give(b"", 400), errors.RequestRefusedError, "without a word"),
    "refuses what it does not name": (
        lambda *_: give({"detail": "Bad request"}, 400),
        errors.RequestRefusedError,
        "Bad request",
    ),
    "wants what nobody knows": (
        lambda *_: give({"detail": [{"loc": ["query", "dataset"], "msg": "Field required"}]}, 422),
        errors.RequestRefusedError,
        "dataset",
    ),
    "redirects in a circle": (
        lambda *_: give(b"", 307, Location=f"{API}/history"),
        errors.PortalUnavailableError,
        "circle",
    ),
    "wants a login": (lambda *_: give(b"", 302, Location="/login"), errors.AnswerError, "Sign in"),
    "has no such add-on": (
        lambda *_: give({"detail": "add-on required"}, 403),
        errors.AddOnMissingError,
        "Programmatic History Download",
    ),
    "is out of requests": (lambda *_: give("slow down", 429), errors.QuotaExhaustedError, "slow down"),
    "calls the range too long, however short": (
        lambda *_: give({"detail": "time range too large"}, 422),
        errors.RequestRefusedError,
        "too large",
    ),
}


@pytest.mark.parametrize("fault", HOPELESS)
def test_what_cannot_be_had_is_an_error(home, fault):
    """Of the right class and with the portal's words; nothing is stored, and asking again fails again."""
    how, kind, words = HOPELESS[fault]
    with portals.mocked(Odd(how, Dialect(cap=40, doc=None)), home) as portal:
        for _ in range(2):
            with pytest.raises(kind, match=words) as caught:
                isr.load_history(**SPAN, portal=portal)
            assert portals.TOKEN not in str(caught.value)
            if kind is errors.QuotaExhaustedError:
                break
        assert Store(portal.folder).health().rows == 0
        assert portal.requests < 60


def test_more_at_one_instant_than_is_given_at_once_is_an_error(home):
    """It cannot be had by time, so it is not taken for all there is."""
    crowd = [
        *MINUTES[:50],
        *(Message(FIRST + DAY + 3 * HOUR, "dev-a", "t/x", {"n": n}) for n in range(41)),
        *MINUTES[90:],
    ]
    with (
        portals.mocked(Server(CAPPED, crowd), home) as portal,
        pytest.raises(errors.HistoryIncompleteError, match="one instant"),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_a_crowded_day_alone_is_not_taken_for_whole(home):
    """All of the day at one instant, more than the portal gives at once: other days tell that it can give no more."""
    crowd = [Message(FIRST + DAY + HOUR, "dev-a", "t/x", {"n": n}) for n in range(45)]
    others = [Message(FIRST + i * HOUR, "dev-a", "t/x", i) for i in range(24)] + [
        Message(FIRST + 2 * DAY, "dev-a", "t/x", 1)
    ]
    with (
        portals.mocked(Server(CAPPED, [*crowd, *others]), home) as portal,
        pytest.raises(errors.HistoryIncompleteError, match="one instant"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize("after", [None, "90", "Thu, 05 Nov 2026 05:05:00 GMT"])
def test_a_used_up_quota_says_until_when(home, after):
    """With and without Retry-After, in seconds or as a date."""
    headers = {} if after is None else {"Retry-After": after}
    with portals.mocked(Odd(lambda *_: give({"detail": "rate limit"}, 429, **headers)), home) as portal:
        with pytest.raises(errors.QuotaExhaustedError, match="rate limit") as caught:
            isr.load_history(**SPAN, portal=portal)
        wanted = 60 if after is None else 90 if after == "90" else 300
        assert caught.value.retry_after == pytest.approx(wanted, abs=2)
        assert caught.value.retryable


@pytest.mark.parametrize("errors_as", ["detail", "list", "problem", "text", "html", "empty"])
@pytest.mark.parametrize(
    "case", [(401, errors.TokenRefusedError), (403, errors.AddOnMissingError), (404, errors.RequestRefusedError)]
)
def test_refusals_in_every_form_say_what_to_do(home, case, errors_as):
    """Status, the portal's words and the remedy in one message; the class is the status's."""
    status, kind = case
    dialect = Dialect(doc=None, errors=errors_as)
    server = Odd(lambda server, *_: server._refuse(status, "no such luck"), dialect)
    with portals.mocked(server, home) as portal:
        with pytest.raises(kind) as caught:
            isr.load_history(**SPAN, portal=portal)
        assert caught.value.status_code == status
        said = str(caught.value)
        assert f"→ {status}" in said
        assert errors_as == "empty" or "no such luck" in said
        assert {401: "isr login", 403: "Programmatic History Download", 404: "portal"}[status] in said


def test_an_error_of_one_window_says_what_is_stored(home):
    """The days before are kept, and the next call goes on there."""
    stored = [dataclasses.replace(m, at=m.at + day * DAY) for day in (-1, 0, 1) for m in MINUTES]

    def how(server, asked, n):
        return give("down", 500) if broken and asked["start"].startswith("2026-11-02T23:59") else None

    broken = True
    with portals.mocked(Odd(how, Dialect(cap=5000, doc=None), stored), home) as portal:
        with pytest.raises(errors.PortalUnavailableError):
            isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)
        broken = False
        assert len(isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)) == 300


def test_an_empty_page_that_names_a_next_one_is_not_the_end_before_that_is_proven(home):
    """A portal that gives one day of a range, and names the next one in its own way, gives nothing of a moment."""

    def how(server, asked, _n):
        low, high = ends(asked)
        end = min(high, (low // DAY + 1) * DAY)
        found = [one for one in server.stored if low <= one.at < end]
        return rows(found, next_day=times.iso(end)[:10] if end < high else None)

    with (
        portals.mocked(Odd(how), home) as portal,
        pytest.raises(errors.HistoryIncompleteError, match="not understood"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize(
    "words",
    ["No data store reachable for this range, try again later", "No history add-on for this account",
     "No records could be read: shard 3 down", "The archive of this day is temporarily unavailable"],
)  # fmt: skip
def test_a_day_that_is_not_found_for_another_reason_is_no_empty_one(home, words):
    """It would be kept as one without messages, although the portal answers about others."""
    state = {"down": True}

    def answer(server, asked, _n):
        low, high = ends(asked)
        of_that_day = low < FIRST + 2 * DAY and high > FIRST + DAY + SECOND
        return give({"error": words}, 404) if of_that_day and state["down"] else None

    stored = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(72)]
    with portals.serve(Odd(answer, Dialect(), stored)) as origin, portals.connect(origin, home) as portal:
        span = {"start": "2026-11-01", "end": "2026-11-04", "portal": portal}
        for _ in range(2):
            with pytest.raises(errors.IsrError, match=words[:12]):
                isr.load_history(**span)
        state["down"] = False
        assert isr.load_history(**span)["i"].tolist() == [*range(72)]


@pytest.mark.parametrize(
    "words", ["", "Not Found", "The requested resource could not be found", "Cannot GET /history", "No rows", "no data"]
)
def test_a_day_that_is_not_found_is_an_empty_one(home, words):
    """Where others are answered."""

    def answer(server, asked, _n):
        return None if server._in(asked) else give({"error": words}, 404)

    stored = [Message(NOW - i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(1, 31)]
    with portals.serve(Odd(answer, Dialect(), stored)) as origin, portals.connect(origin, home) as portal:
        assert len(isr.load_history(start="2026-11-01", portal=portal)) == 30
