"""The list of publishers, as portals may give it."""

from __future__ import annotations

import json

import pytest

from isr_analysis import publishers
from isr_analysis.errors import AnswerError


@pytest.mark.parametrize(
    ("row", "paused"),
    [
        *(({"paused": one}, True) for one in (True, 1, "1", "on", "t", " Yes", "TRUE", "paused")),
        *(({"paused": one}, False) for one in (False, 0, "0", "off", "no", " False")),
        *(({"paused": one}, None) for one in (None, "", "perhaps", 7, [], {})),
        ({"isPaused": True}, True), ({"is_paused": "false"}, False), ({"unpaused": True}, False),
        ({"unpaused": 0}, True), ({"paused_since": "2026-11-01"}, True), ({"pausedAt": "2026-11-01"}, True),
        ({"paused_at": None}, None), ({"paused": False, "paused_at": "2026-11-01"}, False),
        ({"pause_state": "PAUSED_BY_USER"}, True), ({"status": "paused", "pause_url": "/pause"}, True),
        ({"status": {"state": "PAUSED"}}, True), ({"status": "active"}, False), ({"state": "unknown"}, None),
        ({"can_pause": True}, None), ({"pause_allowed": True}, None), ({"pause_count": 1}, None),
        ({"can_pause": False, "pause_count": 0, "active": True}, False),
        ({"active": True}, False), ({"active": 0}, True), ({"enabled": "false"}, True), ({"disabled": True}, True),
        ({"disabled": False}, False), ({"is_active": False}, True), ({"status": "online", "enabled": False}, True),
        ({"online": True}, None), ({}, None),
    ],
)  # fmt: skip
def test_the_pause_state_under_every_name(row, paused):
    """It is NA where no field says it in a way that is understood, and never taken from a field of another meaning."""
    table = publishers._table([{"client_id": "a", **row}])
    assert table["paused"].dtype == "boolean"
    assert table["paused"].astype(object).where(table["paused"].notna(), None)[0] is paused


def test_secrets_are_left_out_however_deep():
    """Logins within a publisher's row are no part of the list."""
    row = {
        "client_id": "a", "mqtt": {"host": "h", "password": "hush1"}, "credentials": {"user": "u", "pw": "hush2"},
        "device": [{"password": "hush3", "apiKey": "hush4"}], "api_key": "hush5", "label": "x",
        "password_changed_at": "2026-11-01",
    }  # fmt: skip
    table = publishers._table([row])
    assert "hush" not in json.dumps(table.astype(object).where(table.notna(), None).to_dict("records"))
    assert table["mqtt"][0] == {"host": "h"}
    assert (table["label"][0], table["password_changed_at"][0]) == ("x", "2026-11-01")


def test_a_row_without_a_client_is_an_error_that_names_its_fields():
    """No publisher is left out of the list in silence."""
    with pytest.raises(AnswerError, match=r"a row without client_id; its fields are label, paused"):
        publishers._table([{"client_id": "a"}, {"paused": False, "label": "b"}])
