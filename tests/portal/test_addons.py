"""What a refusal says of a missing add-on, in whatever words."""

from __future__ import annotations

import pytest

from isr_analysis.portal import addons


@pytest.mark.parametrize(
    "words",
    [
        "", "Forbidden", "403 Forbidden", "Access denied", "(a page of HTML) 403 Forbidden",
        "Insufficient permissions.",
        "addon_required: Mgmt REST API add-on is required", "The add-on is not enabled for this account",
        "rest_api_mgmt is not enabled", "Mgmt API is not enabled for this account",
        "This feature is not available on your plan", "Your plan does not include the Mgmt API",
        "Your subscription does not cover this; upgrade your plan", "missing addon",
    ],
)  # fmt: skip
def test_a_change_that_is_forbidden_for_want_of_an_add_on(words):
    """By the words, or where there are none that say more; to read, whatever the words."""
    assert addons.is_missing(403, "POST", words)
    assert addons.is_missing(403, "GET", words)


@pytest.mark.parametrize(
    "words",
    [
        "limit_reached: Your plan allows 5 publishers", "The last owner cannot be removed",
        "Token lacks the owner role",
        "Maximum number of subscribers reached; upgrade your plan", "You may not change your own role",
        "forbidden: member is the last owner",
    ],
)  # fmt: skip
def test_a_change_that_is_forbidden_for_another_reason(words):
    """It is what the portal says, and no add-on would help."""
    assert not addons.is_missing(403, "DELETE", words)


@pytest.mark.parametrize(
    ("status", "words", "missing"),
    [
        (402, "Payment required", True),
        (404, "The Live REST API add-on is not enabled for this account", True),
        (400, "addon_required", True),
        (404, "Not Found", False),
        (404, "no such publisher", False),
        (400, "label is required", False),
        (401, "the add-on is not enabled", False),
        (422, "limit must be at most 1000", False),
    ],
)
def test_other_statuses_say_it_by_their_words(status, words, missing):
    """Some portals do not tell a route that is closed from one that is not there."""
    assert addons.is_missing(status, "GET", words) is missing


def test_a_route_has_one_add_on():
    """With a slash at its end or without."""
    routes = ("history", "history/", "publishers/live", "publishers", "members/invites")
    named = [addons.opening(f"/api/v1/subscriber/{one}").split()[0] for one in routes]
    assert named == ["Programmatic", "Programmatic", "Live", "Mgmt", "Mgmt"]


@pytest.mark.parametrize(
    "words",
    [
        "IP address 203.0.113.7 is not allowed", "Access from your country is blocked", "Your network is not trusted",
        "You do not have access to this device", "not authorized for client dev-1", "Permission denied for topic t/x",
        "the device belongs to another account", "Topic is outside of your account", "client not in your account",
    ],
)  # fmt: skip
def test_a_refusal_of_one_client_or_a_network_is_not_for_want_of_an_add_on(words):
    """Unless the words name it."""
    assert not addons.is_missing(403, "GET", words)
    assert addons.is_missing(403, "GET", f"{words}: the add-on is not enabled")


@pytest.mark.parametrize(
    "words",
    [
        "Access denied", "device management is not included", "upgrade to read clients",
        "Your plan does not include access to client history",
    ],
)  # fmt: skip
def test_a_refusal_of_a_route_is_for_want_of_an_add_on(words):
    """Though it speaks of clients, which is what the route is about."""
    assert addons.is_missing(403, "GET", words)
