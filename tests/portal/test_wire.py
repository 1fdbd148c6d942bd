"""HTTP with the portal: the token's way, retries, the quota, and one error for each failure."""

from __future__ import annotations

import logging
import socket

import httpx
import pytest
from wires import ORIGIN, VALUE

from isr_analysis import errors
from isr_analysis.portal.quota import Tally, Word
from isr_analysis.portal.token import Token
from isr_analysis.portal.wire import Wire, good


def test_the_token_goes_out_in_a_header(line_to):
    """As `Authorization: Bearer`, and nothing else carries it."""
    seen = []
    line_to(lambda request: seen.append(request) or httpx.Response(200), account_id="acme").get("/x", {"a": "b"})
    (request,) = seen
    assert request.headers["authorization"] == f"Bearer {VALUE}"
    assert VALUE not in str(request.url)
    assert "x-isr-account-id" not in request.headers


def test_an_operators_token_names_the_account(line_to):
    """With the header that the portal wants."""
    seen = []
    token = "isr_mqtt_platform_rest_example"
    line_to(lambda request: seen.append(request) or httpx.Response(200), token, "acme").get("/x")
    assert seen[0].headers["x-isr-account-id"] == "acme"


@pytest.mark.parametrize(
    "elsewhere", ["https://files.example/y", "http://portal.example/y", "https://portal.example:444/y"]
)
def test_a_redirect_to_elsewhere_does_not_get_the_token(line_to, elsewhere):
    """The answer is fetched from there without it, and costs no request of the quota."""
    seen = []

    def answer(request):
        seen.append(request)
        return (
            httpx.Response(302, headers={"location": elsewhere})
            if request.url.path == "/x"
            else httpx.Response(200, text="it")
        )

    line = line_to(answer, token="isr_mqtt_platform_rest_example", account_id="an-account")
    assert line.get("/x").body == b"it"
    assert seen[0].headers["x-isr-account-id"] == "an-account"
    assert not {"authorization", "x-isr-account-id"} & {*seen[1].headers}
    assert line.requests == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_a_redirect_to_elsewhere_refuses_is_not_laid_on_the_token(line_to, status):
    """A store of files refuses: the host is named, nobody is sent for a token, and it is no word on the question."""

    def answer(request):
        if request.url.host == "files.example":
            return httpx.Response(status, text="link has expired")
        return httpx.Response(302, headers={"location": "https://files.example/y"})

    with pytest.raises(errors.PortalUnavailableError, match=r"files.example.*link has expired") as caught:
        line_to(answer).get("/api/v1/subscriber/history")
    assert caught.value.status_code == status


def test_a_failure_of_elsewhere_is_one_that_may_pass(line_to):
    """A store of files that is down is tried again as the portal is, and is no refusal."""

    def answer(request):
        to = {"location": "https://files.example/y"}
        return httpx.Response(503) if request.url.host == "files.example" else httpx.Response(302, headers=to)

    with pytest.raises(errors.PortalUnavailableError) as failed:
        line_to(answer).get("/api/v1/subscriber/history")
    assert failed.value.retryable


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        ("br", b"\x8b\x02\x80abc\x03", "Content-Encoding 'br'.*asked for was gzip"),
        ("gzip", b'{"messages": []}', "not packed in the way that its Content-Encoding states"),
    ],
)
def test_a_body_that_is_not_packed_as_asked_is_named(line_to, coding, body, words):
    """What came and what was asked for; it is not taken for an unreachable portal."""

    def answer(_):
        return httpx.Response(200, headers={"content-encoding": coding}, stream=httpx.ByteStream(body))

    with pytest.raises(errors.AnswerError, match=words):
        line_to(answer).get("/x")


def test_a_coding_that_only_the_header_knows_is_passed_over(line_to):
    """The body is plain text all the same."""
    assert line_to(lambda _: httpx.Response(200, headers={"content-encoding": "br"}, content=b"[]")).get("/x").body


def test_who_cannot_be_reached_is_named_where_the_portal_redirects(line_to):
    """It is not the portal then."""

    def answer(request):
        if request.url.host == "login.example":
            raise httpx.ConnectError("no such name", request=request)
        return httpx.Response(302, headers={"location": "https://login.example/authorize"})

    with pytest.raises(
        errors.PortalUnavailableError, match=rf"^login\.example, to which {ORIGIN} redirects, cannot be"
    ):
        line_to(answer).get("/x")


def test_a_redirect_at_home_keeps_the_token(line_to):
    """Scheme, host and port are the same."""
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(307, headers={"location": "/y"}) if request.url.path == "/x" else httpx.Response(200)

    line_to(answer).get("/x")
    assert seen[1].headers["authorization"] == f"Bearer {VALUE}"


class BrokenOff(httpx.SyncByteStream):
    """A body that breaks off."""

    def __iter__(self):
        yield b"i"
        raise httpx.ReadError("reset by the other side")


def test_a_failure_that_passes_is_not_noticed(line_to):
    """5xx, and connections that break before an answer or in its body, are asked again, each a request of the quota."""
    broken = httpx.Response(200, stream=BrokenOff())
    answers = iter([httpx.Response(503), httpx.ConnectError("gone"), broken, httpx.Response(200, text="it")])

    def answer(_):
        one = next(answers)
        if isinstance(one, Exception):
            raise one
        return one

    line = line_to(answer)
    assert line.get("/x").body == b"it"
    assert line.requests == 4


def test_a_post_is_sent_once(line_to):
    """Nobody knows what a lost answer did."""
    seen = []
    line = line_to(lambda request: seen.append(request) or httpx.Response(503))
    with pytest.raises(errors.PortalUnavailableError):
        good(line.raw("POST", "/x", json={"label": "a"}), ORIGIN)
    assert len(seen) == 1


def test_a_used_up_quota_sends_nothing(line_to):
    """What the portal said of the quota holds for the next request, in any process."""
    seen = []
    line = line_to(
        lambda request: (
            seen.append(request)
            or httpx.Response(200, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "600"})
        )
    )
    line.get("/x")
    with pytest.raises(errors.QuotaExhaustedError, match="10 min"):
        line.get("/x")
    assert len(seen) == 1


def test_waiting_for_the_quota_asks_again(line_to):
    """With `wait`, a 429 is slept over."""
    answers = iter([httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(200, text="it")])
    slept = []
    line = line_to(lambda _: next(answers), slept=slept)
    assert line.get("/x", wait=True).body == b"it"
    assert slept == [7.0]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_portal_that_limits_the_pace_is_waited_for(line_to, method):
    """Without `wait` too, where it says that there is more in seconds: nothing is used up."""
    answers = iter([*(httpx.Response(429, headers={"retry-after": "5"}) for _ in range(3)), httpx.Response(200)])
    slept = []
    line = line_to(lambda _: next(answers), slept=slept)
    assert line.raw(method, "/x").status_code == 200
    assert slept == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("after", "asked", "total"),
    [
        ("25", 3, 50.0), ("1", 61, 60.0), ("61", 1, 0), ("1800", 1, 0), ("0", 7, 32.0),
        ("Tue, 04 Oct 2016 00:02:00 GMT", 7, 32.0),
    ],
)  # fmt: skip
def test_the_pace_is_not_waited_for_for_ever(line_to, after, asked, total):
    """A minute in all, longer each time if it says now; the error names no number that the portal did not name."""
    slept = []
    line = line_to(lambda _: httpx.Response(429, headers={"retry-after": after}), slept=slept)
    with pytest.raises(errors.QuotaExhaustedError, match="requests are used up until") as caught:
        line.get("/x")
    assert "5000" not in str(caught.value)
    assert (line.requests, sum(slept)) == (asked, total)


def test_our_own_count_is_not_waited_for(line_to):
    """Where the hour's requests are used up, somebody has to decide."""
    slept = []
    line = line_to(lambda _: httpx.Response(200, headers={"x-ratelimit-limit": "2"}), slept=slept)
    for _ in range(2):
        line.get("/x")
        line.sleep(1790)
    slept.clear()
    with pytest.raises(errors.QuotaExhaustedError, match="2 requests of this hour"):
        line.get("/x")
    assert not slept


def test_a_429_says_its_own_time_whatever_others_hear(line_to, monkeypatch):
    """An answer to another thread, heard between a 429 and its error, does not move until when that one says."""
    hear = Tally.hear

    def and_another(self, word, now, number=None):
        hear(self, word, now, number)
        hear(self, Word(limit=5000, remaining=0, resets_in=1800.0), now, number)

    monkeypatch.setattr(Tally, "hear", and_another)
    line = line_to(lambda _: httpx.Response(429, headers={"retry-after": "90"}))
    with pytest.raises(errors.QuotaExhaustedError) as caught:
        line.get("/api/v1/subscriber/history")
    assert caught.value.retry_after == 90


def test_a_count_that_cannot_be_kept_gives_the_connection_back(line_to, tmp_path):
    """Else each such failure would hold one of the few that there are."""

    class Body(httpx.SyncByteStream):
        closed = False

        def __iter__(self):
            yield b"[]"

        def close(self):
            self.closed = True

    body = Body()

    def answer(_):
        (tmp_path / "quota.sqlite").write_bytes(b"no database" * 100)
        return httpx.Response(200, stream=body, headers={"RateLimit-Remaining": "7"})

    with pytest.raises(errors.StoreError, match="damaged"):
        line_to(answer).get("/x")
    assert body.closed


def test_many_requests_slow_down_near_the_end(line_to):
    """With 50 left for half an hour, one of many waits; a small one does not."""
    slept = []
    head = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "50", "x-ratelimit-reset": "900"}
    line = line_to(lambda _: httpx.Response(200, headers=head), slept=slept)
    line.get("/x")
    line.get("/x", bulk=True)
    assert slept == [pytest.approx(18.0)]


@pytest.mark.parametrize(
    ("status", "route", "body", "hints"),
    [
        (404, "history", '{"detail": "no such client"}', {"`isr publishers` lists", "a portal of iShareRadio?"}),
        (404, "history", "<html>Not Found</html>", {"a portal of iShareRadio?"}),
        (404, "history", "", {"a portal of iShareRadio?"}),
        (404, "publishers", '{"detail": "no such client"}', {"a portal of iShareRadio?"}),
        (400, "history", '{"detail": "start: what?"}', {"see its words", "under [history] of"}),
        (400, "publishers", '{"detail": "page: what?"}', {"see its words"}),
    ],
)
def test_a_refusal_is_told_with_what_may_help(line_to, status, route, body, hints):
    """By what was asked for, and whether the portal says a word on it."""
    with pytest.raises(errors.QuestionRefusedError) as caught:
        line_to(lambda _: httpx.Response(status, text=body)).get(f"/api/v1/subscriber/{route}")
    every = {"`isr publishers` lists", "a portal of iShareRadio?", "see its words", "under [history] of"}
    assert {one for one in every if one in str(caught.value)} == hints


def test_a_dead_portal_is_named_with_what_to_check(tmp_path):
    """A port where nobody listens: the error names the settings for proxies and certificates."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = Wire(f"http://127.0.0.1:{port}", Token(VALUE), None, tally=Tally(tmp_path / "q.sqlite", "t"))
    with pytest.raises(errors.PortalUnavailableError, match=r"refused.*HTTPS_PROXY.*SSL_CERT_FILE") as caught:
        line.get("/x")
    assert caught.value.status_code is None
    try:
        {}["what the caller is at"]
    except KeyError:
        with pytest.raises(errors.PortalUnavailableError, match=r"cannot be reached \(\w+: .*refused"):
            line.get("/x")
    line.close()


def test_an_address_that_is_none_is_an_error_of_ours(line_to):
    """As a link of the portal's may hold one."""
    with pytest.raises(errors.PortalUnavailableError, match=f"^{ORIGIN} cannot be reached .*InvalidURL"):
        line_to(lambda _: httpx.Response(200)).get("/x?after=\x01")


@pytest.mark.parametrize(
    ("words", "told"),
    [("Server disconnected without sending a response.", "RemoteProtocolError: Server d"), ("", "RemoteProtocolError")],
)
def test_a_connection_that_ends_before_an_answer_is_no_body_that_broke_off(line_to, words, told):
    """Nothing listens that speaks HTTP, or the portal is being started: the network is to be looked at."""

    def answer(_):
        raise httpx.RemoteProtocolError(words)

    with pytest.raises(errors.PortalUnavailableError, match=rf"^{ORIGIN} cannot be reached \({told}[^:]*\)"):
        line_to(answer).get("/x")


def test_a_line_that_was_closed_says_so(line_to):
    """An error of ours, and not one of httpx."""
    line = line_to(lambda _: httpx.Response(200, content=b"[]"))
    line.close()
    with pytest.raises(errors.UsageError, match="closed; connect again"):
        line.get("/x")


def test_nothing_of_the_token_is_logged(line_to, caplog):
    """At the finest level, of any library."""
    with caplog.at_level(logging.DEBUG):
        line = line_to(lambda _: httpx.Response(401))
        with pytest.raises(errors.TokenRefusedError):
            line.get("/x")
    assert caplog.records
    assert "not-a-real-one" not in caplog.text
