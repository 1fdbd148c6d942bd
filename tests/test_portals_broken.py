"""Portals that refuse, break or lie: the right error of the tree, never a short or empty frame."""

from __future__ import annotations

import dataclasses
import json

import httpx
import httpx_retries
import portals
import pytest
from portals import API, FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import errors, times
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, HOUR, SECOND


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Ask again at once where a request is repeated."""
    monkeypatch.setattr(httpx_retries.Retry, "sleep", lambda *_: None)


SPAN = {"start": "2026-11-02", "end": "2026-11-03"}
MINUTES = [Message(FIRST + DAY + i * 60 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(100)]
EARLIER = [Message(FIRST + 3 * HOUR, "dev-a", "t/x", {"i": -1}), *MINUTES]
CAPPED = Dialect(paging="none", pager=None, cap=40, doc=None)


class Odd(Server):
    """A portal whose history is answered by a function of the question and of how often it was asked."""

    def __init__(self, how, dialect=None, stored=MINUTES):
        super().__init__(dialect or Dialect(doc=None), stored)
        self._how = how
        self._asked = 0

    def answer(self, url, headers):
        if httpx.URL(url).path == "/login":
            return give("<html><title>Sign in</title><form></form></html>", content_type="text/html")
        return super().answer(url, headers)

    def _in(self, asked):
        """Give the messages of the range that was asked for."""
        low, high = (portals.read_instant("iso", asked[name]) for name in ("start", "end"))
        return [one for one in self.stored if low <= one.at < high]

    def _history(self, asked, path):
        self._asked += 1
        said = self._how(self, asked, self._asked)
        return super()._history(asked, path) if said is None else said


def give(body, status=200, **headers):
    """Make an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes | str):
        return status, headers, body.encode() if isinstance(body, str) else body
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


def rows(stored, **more):
    """Give messages in an object."""
    return give({"messages": [portals.plain(one) for one in stored], **more})


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
        "says that there are more than the 1 messages",
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
    "forgets the cursor": (
        lambda _, asked, _n: give({"detail": "cursor expired"}, 410) if "cursor" in asked else None,
        errors.RequestRefusedError,
        "cursor expired",
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
        lambda *_: give([portals.by_path(MINUTES[0]) | {"topic": "0b1c2d3e-0000-4000-8000-000000000000/dev-a/t/x"}]),
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
    "does not follow the start": (
        lambda _server, asked, _n: rows([m for m in EARLIER if m.at < portals.read_instant("iso", asked["end"])]),
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


TOLERABLE = {
    "gives everything at once, whatever is asked": lambda server, _asked, _n: rows(server.stored),
    "has no messages and says so with 404": None,
    "has no content": None,
    "does not follow the end": lambda server, asked, _n: rows(
        [m for m in server.stored if m.at >= portals.read_instant("iso", asked["start"])]
    ),
    "does not follow the start, newest first": lambda server, asked, _n: rows(
        [m for m in server.stored[::-1] if m.at < portals.read_instant("iso", asked["end"])]
    ),
    "repeats the cursor that it was asked with": lambda server, asked, _n: (
        rows(server.stored[:60], cursor=None, next_cursor="b")
        if "cursor" not in asked
        else rows(server.stored[60:], cursor="b", next_cursor=None)
    ),
    "always names a cursor, in an empty page the one it was asked with": lambda server, asked, _n: (
        rows([], next_cursor="end")
        if asked.get("cursor") == "end"
        else rows(server.stored[60:], next_cursor="end")
        if "cursor" in asked
        else rows(server.stored[:60], next_cursor="b")
    ),
    "names an undocumented cursor": lambda server, asked, _n: (
        rows(server.stored[:60], nextPageToken="b") if "pageToken" not in asked else rows(server.stored[60:])
    ),
    "names a cursor that nothing takes": lambda server, asked, _n: rows(
        [m for m in server.stored if portals.read_instant("iso", asked["start"]) <= m.at][:40],
        **({"marker": "m"} if portals.read_instant("iso", asked["start"]) < server.stored[60].at else {}),
    ),
    "numbers its pages without a word in the document": lambda server, asked, _n: rows(
        server.stored[(p := int(asked.get("page", 1)) - 1) * 40 : p * 40 + 40], page=p + 1, pages=3, total=100
    ),
    "names the number of the next page": lambda server, asked, _n: rows(
        server.stored[(p := int(asked.get("page", 1)) - 1) * 40 : p * 40 + 40], next_page=p + 2 if p < 2 else None
    ),
    "fails twice and recovers": lambda _server, _asked, n: give("oops", 503) if n < 3 else None,
    "is in no order": lambda server, asked, _n: rows(sorted(server._in(asked), key=lambda m: hash((m.at, 7)))),
}
EMPTY = {
    "has no messages and says so with 404": lambda *_: give({"detail": "No messages found in this range"}, 404),
    "has no content": lambda *_: give(b"", 204),
}


@pytest.mark.parametrize("way", TOLERABLE)
def test_what_can_be_had_in_an_odd_way_is_had(home, way):
    """Exactly the messages of the range, or none where there are none."""
    stored = sorted(
        [
            Message(FIRST + 3 * HOUR, "dev-a", "t/x", {"i": -1}),
            *MINUTES[1:],
            Message(FIRST + 2 * DAY + HOUR, "dev-a", "t/x", {"i": -2}),
        ],
        key=lambda m: m.at,
    )
    how = TOLERABLE[way]
    if "cursor" in way or "page" in way or "recovers" in way:
        stored = MINUTES
    with portals.mocked(Odd(how or EMPTY[way], Dialect(cap=5000, doc=None), stored), home) as portal:
        df = isr.load_history(**SPAN, portal=portal)
        expected = [] if how is None else [m.payload["i"] for m in stored if m.payload["i"] >= 0]
        assert (df["i"].tolist() if len(df) else []) == expected


def test_an_end_in_the_future_is_asked_for_once(home):
    """Where instants are whole seconds, the present one is not over: it is left out if the portal refuses it."""
    now, refused = portals.NOW + SECOND // 2, []
    stored = [Message(portals.NOW - i * SECOND, "dev-a", "t/x", {"i": i}) for i in range(1, 100)]
    server = Server(Dialect(asked="s"), stored)

    def respond(request):
        if int(request.url.params.get("end", 0)) * SECOND > now:
            refused.append(request)
            return httpx.Response(400, json={"detail": "end is in the future"})
        return server.respond(request)

    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond), now=lambda: now) as portal:
        assert len(isr.load_history(last="90s", portal=portal)) == 89
        assert len(isr.load_history(last="90s", portal=portal, refresh=True)) == 89
        assert portal.contract.history.end_is_past
        assert len(refused) == 1


def test_a_link_to_another_host_is_asked_for_at_home(home):
    """Whatever host a next link names, the token goes to the portal alone."""
    hosts = []

    def respond(request):
        hosts.append(request.url.host)
        return server.respond(request)

    server = Server(Dialect(paging="body link", pager="c", cap=30), MINUTES)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond)) as portal:
        assert len(isr.load_history(**SPAN, portal=portal)) == len(MINUTES)
    assert set(hosts) == {"127.0.0.1"}


@pytest.mark.parametrize("errors_as", ["detail", "list", "problem", "text", "html"])
def test_what_is_no_longer_kept_counts_as_empty_once(home, errors_as):
    """Days before the retention are known to be empty; of the day in which it ends, the rest is there."""
    stored = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(4 * 24)]
    server = Server(Dialect(kept=2 * DAY, errors=errors_as), stored)
    with portals.mocked(server, home) as portal:
        df = isr.load_history(start="2026-10-20", end="2026-11-05", portal=portal)
        assert df["i"].tolist() == [i for i in range(4 * 24) if stored[i].at >= NOW - 2 * DAY]
        first = server.count()
        assert first < 50
        isr.load_history(start="2026-10-20", end="2026-11-04", portal=portal)
        assert server.count() == first


def test_retention_without_a_number_is_found_out(home):
    """Only 410 is said: the day in which the retention ends is not lost."""
    edge = FIRST + DAY + 7 * HOUR + 1234 * SECOND

    def how(server, asked, n):
        return give({"detail": "Gone"}, 410) if portals.read_instant("iso", asked["start"]) < edge else None

    stored = [Message(FIRST + i * 600 * SECOND, "dev-a", "t/x", {"i": i}) for i in range(3 * 144)]
    server = Odd(how, Dialect(cap=5000), stored)
    with portals.mocked(server, home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)
        assert df["i"].tolist() == [i for i, m in enumerate(stored) if m.at >= edge]
        assert server.count() < 30


def test_lists_in_pages_are_read_to_their_end(home):
    """Publishers and last messages: by cursor, or refused if it is not said how."""

    class Paged(Server):
        def answer(self, url, headers):
            status, given, body = super().answer(url, headers)
            name = {"/publishers": "items", "/publishers/live": "publishers"}.get(httpx.URL(url).path.removeprefix(API))
            if name is None or status != 200:
                return status, given, body
            listed, at = (
                json.loads(body)[name],
                int(dict(httpx.URL(url).params).get("cursor", "0").replace("same", "0")),
            )
            page = {name: listed[at : at + 2], "next_cursor": str(at + 2) if at + 2 < len(listed) else None}
            return give({**page, **extra})

    stored = [Message(FIRST + i * SECOND, f"dev-{i}", "t/x", {"i": i}) for i in range(7)]
    extra = {}
    with portals.mocked(Paged(Dialect(), stored), home) as portal:
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == [f"dev-{i}" for i in range(7)]
        assert isr.load_live(portal=portal)["i"].tolist() == list(range(7))
        assert portal.client_ids() == [f"dev-{i}" for i in range(7)]
    extra = {"next_cursor": "same"}
    with portals.mocked(Paged(Dialect(), stored), home / "other") as portal:
        for load in (isr.load_publishers, isr.load_live):
            with pytest.raises(errors.IsrError):
                load(portal=portal)


def test_an_answer_without_content_is_a_list_of_none(home):
    """204 of the publishers and of their last messages: nobody is there."""

    class Nobody(Server):
        def answer(self, url, headers):
            return (204, {}, b"") if "/publishers" in url else super().answer(url, headers)

    with portals.mocked(Nobody(Dialect(), []), home) as portal:
        assert len(isr.load_live(portal=portal)) == 0
        assert len(isr.load_publishers(portal=portal)) == 0


def clock(offset):
    """Write an instant as a clock without a zone shows it."""
    return lambda at: times.iso(at + offset).removesuffix("Z")


def test_local_times_without_a_zone_are_refused_wherever_messages_lie(home):
    """Not only where they lie so near a border that they fall out of the range."""
    noon = [Message(FIRST + DAY + 12 * HOUR, "dev-a", "t/x", {"i": 0})]
    with (
        portals.mocked(Server(Dialect(when=clock(HOUR)), noon), home) as portal,
        pytest.raises(errors.AnswerError, match="time_zone"),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_utc_without_a_zone_is_proven_once(home):
    """One request tells that instants are those that were asked for, for all that is loaded after."""
    with portals.mocked(server := Server(Dialect(when=clock(0), cap=5000), MINUTES), home) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(100))
        assert portal.habits.zone_is_proven
        before = server.count()
        isr.load_history("dev-a", start="2026-11-02T02:00", end="2026-11-02T04:00", refresh=True, portal=portal)
        assert server.count() == before + 1


def test_a_portal_of_groups_is_empty_where_it_gives_none(home):
    """An object without a member is an answer only where others showed what its members are."""

    def write(rows, _):
        made = {}
        for row in rows:
            made.setdefault(row["client_id"], []).append({k: v for k, v in row.items() if k != "client_id"})
        return portals._json(made)

    with portals.mocked(Server(Dialect(write=write, cap=5000, paging="none"), MINUTES), home / "1") as portal:
        assert len(isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)) == 0
        assert len(isr.load_history(**SPAN, portal=portal)) == 100
    with (
        portals.mocked(Odd(lambda *_: give({})), home / "2") as portal,
        pytest.raises(errors.AnswerError, match="no rows"),
    ):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("documented", [True, False])
def test_the_unit_of_a_number_that_nobody_states_is_found_out(home, unit, documented):
    """By asking: with the wrong one the portal gives nothing, which is not taken for an answer."""

    class Numbers(Server):
        def _document(self, *_):
            if not documented:
                return self._refuse(404, "Not Found")
            listed = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("start", "end")]
            return give({"paths": {f"{API}/history": {"get": {"parameters": listed}}}})

        def _range(self, asked):
            if not asked["start"].isdigit():
                raise ValueError("start: Input should be a valid integer")
            return super()._range(asked)

    with portals.mocked(Numbers(Dialect(asked=unit, cap=5000), MINUTES), home) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(100))
        assert portal.contract.history.time_form == unit


def test_a_contract_file_says_what_cannot_be_found_out(home, tmp_path, monkeypatch):
    """Names that no document tells and that the portal ignores; by argument and by ISR_CONTRACT."""
    file = tmp_path / "mine.toml"
    file.write_text(
        '[history]\nstart = "d1"\nend = "d2"\ntime_form = "ms"\nclient = "none"\nlimit = "none"\n'
        '[history.fields]\nrows = "odd.place"\ntime = "zeit"\nclient_id = "wer"\ntopic = "was"\npayload = "inhalt"\n'
    )

    def row(one, when):
        return {"zeit": when(one.at), "wer": one.client, "was": one.topic, "inhalt": one.payload, "time": "never"}

    def write(rows, notes):
        return portals._json({"odd": {"place": rows}, "data": [], **notes})

    dialect = Dialect(
        doc=None,
        start="d1",
        end="d2",
        asked="ms",
        client=None,
        limit=None,
        row=row,
        when=portals.number(10**6),
        write=write,
        cap=30,
    )
    with (
        portals.mocked(Server(dialect, MINUTES), home / "1") as portal,
        pytest.raises(errors.AnswerError, match="ISR_CONTRACT"),
    ):
        isr.load_history(**SPAN, portal=portal)
    with portals.mocked(Server(dialect, MINUTES), home / "2", contract_file=file) as portal:
        df = isr.load_history(**SPAN, portal=portal)
        assert df["i"].tolist() == list(range(100))
        assert "mine.toml" in df.attrs["contract"]


def test_a_contract_file_takes_the_place_of_documentation_that_fails(home, tmp_path):
    """Else a portal whose history works could not be read at all; without the file, the error says so."""
    server = Server(Dialect(start="since", end="until"), MINUTES)

    def respond(request):
        broken = "openapi" in request.url.path or request.url.path.endswith("/docs")
        return httpx.Response(500, text="no schema") if broken else server.respond(request)

    def connected(**more):
        return portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond), **more)

    with connected() as portal, pytest.raises(errors.PortalUnavailableError, match="no schema") as caught:
        isr.load_history(**SPAN, portal=portal)
    assert "ISR_CONTRACT" in "".join(caught.value.__notes__)
    file = tmp_path / "mine.toml"
    file.write_text('[history]\nstart = "since"\nend = "until"\n')
    with connected(contract_file=file) as portal:
        df = isr.load_history(**SPAN, portal=portal)
    assert df["i"].tolist() == list(range(100))
    assert "fails at its OpenAPI document), overridden by mine.toml" in df.attrs["contract"]


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
