"""Each kind of failure is one clear error of its own class, never an empty frame, and shows no token."""

from __future__ import annotations

import logging
import re
import traceback

import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis import errors

SPAN = {"start": "2026-11-20", "end": "2026-11-20T03:00"}
LOADERS = {
    "history": lambda portal: isr.load_history(**SPAN, refresh=True, portal=portal),
    "publishers/live": lambda portal: isr.load_live(max_age="1s", portal=portal),
    "publishers": lambda portal: isr.load_publishers(max_age="1s", portal=portal),
}


def wrong_token(sandbox):
    """A token that the portal never made."""
    return "isr_mqtt_rest_example-nobody-made-this-one"


def expired_token(sandbox):
    """A token whose time is over."""
    return sandbox.make_token(days=-1)


def revoked_token(sandbox):
    """A token that was taken back."""
    token = sandbox.make_token()
    sandbox.revoke(token)
    return token


def missing_add_on(sandbox):
    """A token of an account without the add-on."""
    return sandbox.make_token([])


def used_up_quota(sandbox):
    """A token whose requests are used up."""
    token = sandbox.make_token()
    sandbox.set_quota(0)
    return token


def dead_portal(sandbox):
    """A portal that answers with 503."""
    sandbox.fail("down")
    return sandbox.token


def page_of_html(sandbox):
    """A portal that answers with a page of HTML."""
    token = sandbox.make_token()
    for route in LOADERS:
        sandbox.fail("html", route=route)
    return token


def broken_json(sandbox):
    """A portal whose answers end in the middle."""
    token = sandbox.make_token()
    for route in LOADERS:
        sandbox.fail("broken", route=route)
    return token


def cut_connection(sandbox):
    """A connection that breaks in the middle of each answer."""
    sandbox.fail("cut")
    return sandbox.token


KINDS = [
    (wrong_token, errors.TokenRefusedError),
    (expired_token, errors.TokenRefusedError),
    (revoked_token, errors.TokenRefusedError),
    (missing_add_on, errors.AddOnMissingError),
    (used_up_quota, errors.QuotaExhaustedError),
    (dead_portal, errors.PortalUnavailableError),
    (page_of_html, errors.AnswerError),
    (broken_json, errors.AnswerError),
    (cut_connection, errors.PortalUnavailableError),
]


@pytest.mark.parametrize("route", LOADERS)
@pytest.mark.parametrize(("kind", "error"), KINDS, ids=[kind.__name__ for kind, _ in KINDS])
def test_a_failure_is_an_error_of_its_class(sandbox, caplog, kind, error, route):
    """For each loader, with nothing in the cache; the token is in no message, traceback or log."""
    token = kind(sandbox)
    with caplog.at_level(logging.DEBUG), sandbox.connect(token) as portal, pytest.raises(error) as caught:
        LOADERS[route](portal)
    assert type(caught.value) is error
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert token not in shown


@pytest.mark.parametrize("route", LOADERS)
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda sandbox, token: sandbox.revoke(token), errors.TokenRefusedError),
        (lambda sandbox, _: sandbox.set_quota(0), errors.QuotaExhaustedError),
        (lambda sandbox, _: sandbox.fail("html"), errors.AnswerError),
    ],
    ids=["revoked", "quota", "html"],
)
def test_an_older_answer_hides_no_refusal(sandbox, monkeypatch, spoil, error, route):
    """With an answer in the cache that is too old, a refusal is still an error."""
    token = sandbox.make_token()
    with sandbox.connect(token) as portal:
        assert len(LOADERS[route](portal)) > 0
    spoil(sandbox, token)
    with sandbox.connect(token) as portal:
        monkeypatch.setattr("isr_analysis.portal.responses._is_fresh", lambda *_: False)
        with pytest.raises(error):
            LOADERS[route](portal)


@pytest.mark.parametrize("route", ["publishers/live", "publishers"])
def test_an_older_answer_stands_in_for_a_portal_that_is_away_and_says_so(sandbox, monkeypatch, route):
    """Only where the portal cannot be reached or fails, and marked as stale."""
    with sandbox.connect() as portal:
        fresh = LOADERS[route](portal)
    assert fresh.attrs["stale"] is False
    sandbox.fail("down")
    monkeypatch.setattr("isr_analysis.portal.responses._is_fresh", lambda *_: False)
    with sandbox.connect() as portal:
        old = LOADERS[route](portal)
    pd.testing.assert_frame_equal(old, fresh)
    assert old.attrs["stale"] is True
    apart = pd.Timestamp(old.attrs["fetched_at"]) - pd.Timestamp(fresh.attrs["fetched_at"])
    assert abs(apart) < pd.Timedelta("1s")


def test_no_token_is_an_error_that_says_how_to_get_one(sandbox):
    """Without any token, nobody at a terminal."""
    with pytest.raises(errors.TokenMissingError, match=r"Settings → REST API tokens.*isr login"):
        isr.connect(origin=sandbox.origin)


def test_an_answer_that_breaks_off_is_told_as_that(sandbox):
    """The portal was reached: neither its address nor the way to it is what has to be looked at."""
    sandbox.fail("cut")
    for load in LOADERS.values():
        with sandbox.connect() as portal, pytest.raises(errors.PortalUnavailableError) as caught:
            load(portal)
        assert re.search(r"the answer of http://\S+ to /api/\S+ broke off .*; try again later", str(caught.value))
        assert "cannot be reached" not in str(caught.value)
