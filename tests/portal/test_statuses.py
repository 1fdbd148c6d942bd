"""Statuses of failures: one error for each, in the portal's words."""

from __future__ import annotations

import base64
import gzip

import httpx
import pytest
from wires import ORIGIN, VALUE

from isr_analysis import errors
from isr_analysis.portal.wire import good


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, errors.TokenRefusedError, r"refused the token.*Settings → REST API tokens.*isr login"),
        (402, errors.AddOnMissingError, r"add-on “Programmatic History Download”.*owner"),
        (403, errors.AddOnMissingError, r"add-on “Programmatic History Download”.*owner"),
        (404, errors.QuestionRefusedError, r"`isr publishers` lists those.*is https://portal.example a portal"),
        (422, errors.QuestionRefusedError, r"see its words"),
        (
            429,
            errors.QuotaExhaustedError,
            r"used up until 2024-10-04T00:02:00Z \(in 2 min\).*wait=True; isr sync --wait",
        ),
        (500, errors.PortalUnavailableError, r"asked 4 times; try again later$"),
        (504, errors.PortalUnavailableError, r"asked 4 times.*shorter ranges: longest = "),
        (425, errors.PortalUnavailableError, r"asked 4 times; try again later"),
        (522, errors.PortalUnavailableError, r"asked 4 times; try again later"),
        (408, errors.PortalUnavailableError, r"\. Try again later, or for shorter ranges: longest = "),
        (524, errors.PortalUnavailableError, r"\. Try again later, or for shorter ranges: longest = "),
        (499, errors.PortalUnavailableError, r"\. Try again later$"),
        (501, errors.QuestionRefusedError, r"see its words"),
        (511, errors.PortalUnavailableError, r"\. It is the network that wants a login: open any page"),
    ],
)
def test_each_status_is_an_error_of_its_own_with_the_portals_words(line_to, status, kind, words):
    """Class, status, the portal's words and a remedy; the token is not in it."""
    line = line_to(lambda _: httpx.Response(status, json={"detail": "so it is"}, headers={"retry-after": "120"}))
    with pytest.raises(kind, match=words) as caught:
        line.get("/api/v1/subscriber/history")
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert "so it is" in str(caught.value)
    assert VALUE not in str(caught.value)
    assert not isinstance(caught.value, errors.RequestRefusedError) or caught.value.words == "so it is"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"code": 401, "message": "token expired", "data": None}, errors.TokenRefusedError, "isr login"),
        ({"status": "403", "error": "no add-on"}, errors.AddOnMissingError, "add-on"),
        ({"error": {"code": 503, "message": "back soon"}}, errors.PortalUnavailableError, r"\. Try again later"),
        ({"statusCode": 429, "msg": "slow down", "success": False}, errors.QuotaExhaustedError, "try again later"),
        ({"status": 422, "title": "Bad", "detail": "start is wrong"}, errors.QuestionRefusedError, "start is wrong"),
    ],
)
def test_a_failure_under_a_good_status_is_the_error_of_the_status_that_it_states(line_to, body, kind, words):
    """The portal's words and what to do are those of the failure."""
    line = line_to(lambda _: httpx.Response(200, json=body))
    with pytest.raises(kind, match=words) as caught:
        line.get("/api/v1/subscriber/history")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body",
    [
        {"code": 404, "message": "x", "client_id": "a"}, {"status": 500, "items": [{"a": 1}], "message": "x"},
        {"code": 0, "message": "ok"}, {"status": 200, "message": "x"}, {"code": 404}, [], {}, {"error": "x"},
        {"messages": [], "status": 404, "note": "none"},
    ],
)  # fmt: skip
def test_what_holds_more_than_a_failure_is_an_answer(line_to, body):
    """Of a client, say; or what has no status of HTTP's."""
    assert line_to(lambda _: httpx.Response(200, json=body)).get("/x").status == 200


@pytest.mark.parametrize(
    ("status", "asked"), [(425, 4), (507, 4), (520, 4), (598, 4), (501, 1), (511, 1), (524, 1), (408, 1)]
)
def test_what_may_pass_at_once_is_asked_for_again(line_to, status, asked):
    """As often as the error says; what took too long, or cannot be, is not."""
    line = line_to(lambda _: httpx.Response(status, text="so it is"))
    with pytest.raises(errors.IsrError) as caught:
        line.get("/api/v1/subscriber/history")
    assert line.requests == asked
    assert ("4 times" in str(caught.value)) == (asked == 4)


def test_a_refusal_without_a_word_does_not_refer_to_its_words(line_to):
    """There are none."""
    line = line_to(lambda _: httpx.Response(409))
    with pytest.raises(errors.QuestionRefusedError, match=r"without a word; ask the portal's support"):
        line.get("/api/v1/subscriber/history")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("La durée est trop longue".encode("latin-1"), "text/plain; charset=ISO-8859-1", "La durée est trop longue"),
        ("期間が長すぎる".encode("shift_jis"), "text/plain; charset=shift_jis", "期間が長すぎる"),
        (b'\xef\xbb\xbf{"detail": "so it is"}', "application/json", "so it is"),
        (gzip.compress(b'{"detail": "so it is"}', mtime=0), "application/json", "so it is"),
        (
            b"<?xml version='1.0'?><Error><Code>E7</Code><Message>Bad &amp; so</Message></Error>",
            "text/xml",
            "E7 Bad & so",
        ),
    ],
)
def test_the_portals_words_are_read_in_whichever_form(line_to, body, kind, said):
    """In its charset, packed or not; XML is no page of HTML."""
    line = line_to(lambda _: httpx.Response(400, content=body, headers={"content-type": kind}))
    with pytest.raises(errors.QuestionRefusedError) as caught:
        line.get("/x")
    assert caught.value.words == said


def test_a_forbidden_page_of_html_may_be_of_a_firewall(line_to):
    """One for browsers is rarely the portal's own word on an add-on."""
    page = "<html><head><title>Attention Required!</title></head><body><p>You have been blocked</p></body></html>"
    line = line_to(lambda _: httpx.Response(403, html=page))
    with pytest.raises(errors.AddOnMissingError, match=r"You have been blocked.*a firewall before the portal"):
        line.get("/api/v1/subscriber/history")
    line = line_to(lambda _: httpx.Response(403, json={"detail": "no such add-on"}))
    with pytest.raises(errors.AddOnMissingError, match=r"no such add-on(?!.*firewall)"):
        line.get("/api/v1/subscriber/history")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("before", ["", ":", "u:", "abc"])
def test_a_token_that_the_portal_repeats_is_masked(line_to, status, before):
    """Plain, in a header's form, or in base64, whatever stands before it; the rest of the words stays."""
    coded = base64.b64encode(f"{before}{VALUE}".encode()).decode()
    words = {"detail": f"token {VALUE} not known; was Authorization: Basic {coded}, sorry"}
    line = line_to(lambda _: httpx.Response(status, json=words, headers={"retry-after": "900"}))
    with pytest.raises(errors.IsrError, match=r"token \(a token\) not known.*sorry") as caught:
        good(line.raw("POST", "/x", json={}), ORIGIN)
    shown = f"{caught.value} {getattr(caught.value, 'words', '')}"
    assert "not-a-real-one" not in shown
    assert coded[8:16] not in shown


def test_an_add_on_is_named_by_its_route(line_to):
    """Three add-ons open three kinds of routes."""
    line = line_to(lambda _: httpx.Response(403))
    for path, name in (
        ("publishers/live", "Live REST API"),
        ("publishers", "Mgmt REST API"),
        ("members", "Mgmt REST API"),
    ):
        with pytest.raises(errors.AddOnMissingError, match=name):
            line.get(f"/api/v1/subscriber/{path}")
