"""The list of publishers, as portals may give it."""

from __future__ import annotations

import json

import portals
import pytest

import isr_analysis as isr
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
        ({"paused_at": None}, False), ({"paused_at": "0001-01-01T00:00:00Z"}, False), ({"paused_since": 0}, False),
        ({"paused": False, "paused_at": "2026-11-01"}, False), ({"pauseState": {"paused": True}}, True),
        ({"paused_at": "2026-11-01", "resumed_at": "2026-11-02"}, False),
        ({"paused_at": "2026-11-01", "resumed_at": "2026-10-02"}, True), ({"paused_at": 0, "resumed_at": 5}, False),
        ({"pause_state": "PAUSED_BY_USER"}, True), ({"status": "paused", "pause_url": "/pause"}, True),
        ({"status": {"state": "PAUSED"}}, True), ({"status": "active"}, False), ({"state": "unknown"}, None),
        ({"can_pause": True}, None), ({"pause_allowed": True}, None), ({"pause_count": 1}, None),
        ({"can_pause": False, "pause_count": 0, "active": True}, False),
        ({"active": True}, False), ({"active": 0}, True), ({"enabled": "false"}, True), ({"disabled": True}, True),
        ({"disabled": False}, False), ({"is_active": False}, True), ({"status": "online", "enabled": False}, True),
        ({"online": True}, None), ({}, None), ({"ingest_paused": True}, True), ({"publishingPaused": False}, False),
        ({"publish_allowed": False}, True), ({"allow_publish": True, "allow_subscribe": False}, False),
        ({"allow_subscribe": True}, None), ({"status": "publishing"}, False), ({"billing_paused": True}, None),
        ({"pause": {"active": True, "since": None}}, True), ({"pause": {"active": False}}, False),
        ({"pause": {"since": "2026-11-01"}}, True), ({"pause": {"reason": None}}, None),
    ],
)  # fmt: skip
def test_the_pause_state_under_every_name(row, paused):
    """It is NA where no field says it in a way that is understood, and never taken from a field of another meaning."""
    table = publishers._table([{"client_id": "a", **row}])
    assert table["paused"].dtype == "boolean"
    assert table["paused"].astype(object).where(table["paused"].notna(), None)[0] is paused


@pytest.mark.parametrize(
    ("field", "values", "paused"),
    [
        ("status", ["paused", "online", "offline", "unknown", None], [True, False, False, None, None]),
        ("pause_state", ["none", "paused"], [False, True]),
        ("status", ["online", "offline"], [None, None]),
        ("pausedAt", ["2026-11-01T00:00:00Z", None, ...], [True, False, False]),
    ],
)
def test_a_list_explains_its_own_words(field, values, paused):
    """Where one is paused by a word or since an instant, those of other words, or without an instant, are not."""
    rows = [{"client_id": str(i), **({} if value is ... else {field: value})} for i, value in enumerate(values)]
    found = publishers._table(rows)["paused"].astype(object)
    assert found.where(found.notna(), None).tolist() == paused


@pytest.mark.parametrize("client", ["dev-a", 17])
def test_the_published_fields_in_another_spelling(home, client):
    """The columns are the published ones, over a real socket; an id that is a number is text."""

    class Camel(portals.Server):
        def answer(self, url, headers):
            if not url.endswith("/publishers"):
                return super().answer(url, headers)
            path = f"{portals.ACCOUNT}/{client}/"
            row = {"clientId": client, "topic": f"{path}#", "historyTopicPrefix": path, "isPaused": True}
            return self._ok(portals.json_body({"items": [row]}))

    with portals.serve(Camel(portals.Dialect(), [])) as origin, portals.connect(origin, home) as portal:
        table = isr.load_publishers(portal=portal)
        assert list(table) == ["client_id", "topic", "paused", "history_topic_prefix", "isPaused"]
        assert (table["client_id"][0], table["paused"][0]) == (str(client), True)
        assert portal.client_ids() == [str(client)]


def test_secrets_are_left_out_however_deep():
    """Logins within a publisher's row are no part of the list."""
    row = {
        "client_id": "a", "mqtt": {"host": "h", "password": "hush1"}, "credentials": {"user": "u", "pw": "hush2"},
        "device": [{"password": "hush3", "apiKey": "hush4"}], "api_key": "hush5", "label": "x",
        "password_changed_at": "2026-11-01",
    }  # fmt: skip
    table = publishers._table([row])
    assert list(table)[:5] == ["client_id", "topic", "paused", "history_topic_prefix", "mqtt"]  # what is known first
    assert "hush" not in json.dumps(table.astype(object).where(table.notna(), None).to_dict("records"))
    assert table["mqtt"][0] == {"host": "h"}
    assert (table["label"][0], table["password_changed_at"][0]) == ("x", "2026-11-01")


def test_a_row_without_a_client_is_an_error_that_names_its_fields():
    """No publisher is left out of the list in silence."""
    with pytest.raises(AnswerError, match=r"a row without client_id; its fields are label, paused"):
        publishers._table([{"client_id": "a"}, {"paused": False, "label": "b"}])


def test_a_publisher_that_is_on_two_pages_is_one(home):
    """It moves to the next page while they are read, as one is made."""
    pages = {"1": ["c", "b"], "2": ["b", "a"]}

    class Moving(portals.Server):
        def answer(self, url, headers):
            status, given, body = super().answer(url, headers)
            path, asked = self.log[-1]
            if path.endswith("/publishers"):
                at = asked.get("page", "1")
                rows = [{"client_id": one, "is_paused": False} for one in pages[at]]
                body = json.dumps({"items": rows, "next_page": 2 if at == "1" else None}).encode()
            return status, given, body

    with portals.mocked(Moving(portals.Dialect(), []), home) as portal:
        assert isr.load_publishers(portal=portal)["client_id"].tolist() == ["a", "b", "c"]
