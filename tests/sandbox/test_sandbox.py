"""What a sandbox answers over real HTTP: history and its pages, tokens, quota, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clocks import Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from sandboxes import API, NOW, ask, client, rows, span

from isr_analysis import sandbox, times
from isr_analysis.errors import UsageError
from isr_analysis.sandbox.replies import takes_gzip

DAY, HOUR, MINUTE = times.DAY, times.HOUR, times.MINUTE


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    """Give a sandbox whose clock stands; no test of this file changes it."""
    with sandbox.serve(now=Clock(NOW)) as here:
        yield here


def test_the_examples_that_users_have_in_their_hands(running):
    """Both curl examples of the portal's documentation answer as described."""
    listed = ask(running, "publishers")
    assert listed.status_code == 200
    rows = listed.json()["publishers"]
    assert "isr-shack-01" in {row["client_id"] for row in rows}
    for row in rows:
        assert row["history_topic_prefix"] == f"{running.account_id}/{row['client_id']}/"
        assert row["paused"] is (row["client_id"] == "spare-01")
        assert not any("password" in key for key in row)
    with client(running) as line:
        made = line.post("subscriber-mqtt-passwords", json={"label": "automation", "expires_in_days": 30})
    assert made.status_code == 201
    login = made.json()
    assert login["username"].startswith("sub-")
    assert login["password"]
    assert login["topic_filter"] == f"{running.account_id}/#"
    assert login["expires_at"] == "2026-12-20T15:37:12Z"


def test_a_row_says_time_client_topic_and_payload(running):
    """A message is (time, client, full topic, payload), in order, and the payload is what was published."""
    found = rows(running, **span(NOW - 6 * HOUR, NOW))
    assert len(found) > 3000
    order = [(row["time"], row["client_id"], row["topic"]) for row in found]
    assert order == sorted(order)
    for row in found:
        assert row["topic"].startswith(f"{running.account_id}/{row['client_id']}/")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["time"])
    kinds = {row["topic"].split("/", 2)[2]: row for row in found}
    reading = kinds["telemetry/watt_meter"]["payload"]
    assert {"station_controller_device_id", "type", "chan", "module", "dcn"} <= set(reading)
    assert isinstance(kinds["voltage"]["payload"], float)
    assert isinstance(kinds["vendor/spectrum"]["payload"], list)
    assert kinds["vendor/status"]["payload_encoding"] == "text"
    assert kinds["vendor/raw"]["payload_encoding"] == "base64"


@given(
    start=st.integers(NOW - 80 * DAY, NOW - DAY),
    length=st.integers(1, 90 * MINUTE),
    limit=st.sampled_from([1, 2, 3, 7, 50, 1000]),
    client_id=st.sampled_from([None, "isr-shack-01", "rpt-north"]),
    topic=st.sampled_from(["#", "telemetry/#", "+/watt_meter"]),
)
@settings(max_examples=25)
def test_pages_of_any_size_are_the_whole(running, start, length, limit, client_id, topic):
    """Whatever the page size, also within one instant, the pages together are the messages of [start, end), once."""
    start, end = start // 1000 * 1000, (start + length) // 1000 * 1000 + 1000
    if limit == 1:
        end = min(end, start + 5 * MINUTE)
    asked = {**span(start, end), "topic": topic, **({"client_id": client_id} if client_id else {})}
    whole = rows(running, **asked)
    assert rows(running, limit=limit, **asked) == whole
    assert all(start <= times.instant(row["time"]) < end for row in whole)
    middle = (start + end) // 2000 * 1000
    halves = rows(running, **{**asked, **span(start, middle)}) if start < middle else []
    assert halves + (rows(running, **{**asked, **span(middle, end)}) if middle < end else []) == whole


def test_a_page_border_within_one_instant(running):
    """Two channels of one instant, a page of one message: the cursor goes on between them."""
    asked = {**span(NOW - HOUR, NOW), "client_id": "isr-shack-01", "topic": "telemetry/watt_meter"}
    whole = rows(running, **asked)
    assert len({row["time"] for row in whole}) < len(whole)
    assert rows(running, limit=1, **asked) == whole


def test_both_ends_of_a_range(running):
    """A range holds a message at its very start, and none at its very end."""
    asked = {"client_id": "isr-hill-02", "topic": "telemetry/watt_meter"}
    one, two, three = rows(running, **span(NOW - HOUR, NOW), **asked)[:3]
    found = rows(running, start=one["time"], end=three["time"], **asked)
    assert found == [one, two]


def test_filters_take_out_what_they_name(running):
    """Client and topic filters give what is left when everything is filtered by hand; two clients may be named."""
    where = span(NOW - 3 * HOUR, NOW)
    everything = rows(running, **where)
    named = rows(running, client_id=["isr-shack-01", "rpt-west"], **where)
    assert named == [row for row in everything if row["client_id"] in ("isr-shack-01", "rpt-west")]
    metered = rows(running, topic="+/watt_meter", **where)
    assert metered
    assert metered == [row for row in everything if row["topic"].endswith("/watt_meter")]
    assert rows(running, client_id="nobody", **where) == []


def test_a_naive_instant_is_utc_and_an_offset_counts(running):
    """An instant without an offset is UTC, whatever the machine's zone; a date is its first instant."""
    utc = rows(running, start="2026-11-19T00:00:00Z", end="2026-11-19T01:00:00Z")
    assert utc
    assert rows(running, start="2026-11-19", end="2026-11-19 01:00") == utc
    assert rows(running, start="2026-11-19T05:30:00+05:30", end="2026-11-19T06:30:00+05:30") == utc


def test_the_range_may_be_left_out(running):
    """Without a range it is the last 24 hours, and a page has 1000 messages."""
    answer = ask(running, "history").json()
    assert len(answer["messages"]) == 1000
    assert times.instant(answer["messages"][0]["time"]) >= NOW - DAY
    assert rows(running) == rows(running, **span(NOW - DAY, NOW))


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"start": "yesterday"}, "start"),
        ({"start": "1732406400"}, "start"),
        ({"start": "2026-11-02", "end": "2026-11-02"}, "end"),
        ({"start": "2026-11-02", "end": "2026-11-01"}, "end"),
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"topic": "a#"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"from": "2026-11-01"}, "from"),
    ],
)
def test_a_parameter_that_cannot_be_used(running, params, name):
    """A wrong parameter is a 422 that names it; an unknown one is not passed over."""
    answer = ask(running, "history", **params)
    assert answer.status_code == 422
    assert [one["loc"] for one in answer.json()["detail"]] == [["query", name]]


def test_a_cursor_belongs_to_its_question(running):
    """A cursor of another question, or of another account, is refused."""
    cursor = ask(running, "history", limit=1).json()["next_cursor"]
    assert ask(running, "history", limit=1, cursor=cursor).status_code == 200
    assert ask(running, "history", cursor=cursor, client_id="isr-shack-01").status_code == 422
    assert ask(running, "history", running.make_token(seed=2), cursor=cursor).status_code == 422


def test_a_body_that_json_cannot_repeat(running):
    """NaN in a body is a 422, not a failure of the server."""
    with client(running) as line:
        answer = line.post(
            "subscriber-mqtt-passwords",
            content=b'{"expires_in_days": NaN}',
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code == 422


def test_live_is_the_end_of_the_history(running):
    """The live answer is each publisher's last stored message, silent ones too."""
    live = {row["client_id"]: row for row in ask(running, "publishers/live").json()["publishers"]}
    recent = {row["client_id"]: row for row in rows(running, **span(NOW - HOUR, NOW))}
    assert set(recent) < set(live)
    for name, row in recent.items():
        assert live[name] == row
    listed = {row["client_id"] for row in ask(running, "publishers").json()["publishers"]}
    assert set(live) == listed - {"spare-01"}, "one publisher has never published"


def test_compressed_only_when_asked(running):
    """Gzip where the client takes it, plain where it does not, and the same in both."""
    params = span(NOW - HOUR, NOW)
    with (
        client(running, **{"Accept-Encoding": "gzip"}) as packed,
        client(running, **{"Accept-Encoding": "gzip;q=0"}) as plain,
    ):
        one, other = packed.get("history", params=params), plain.get("history", params=params)
    assert one.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in other.headers
    assert one.content == other.content


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("*;q=0, gzip", True), ("gzip;q=0, *", False),
     ("gzip;q=0.0", False), ("*;q=0", False), ("br", False), ("x-gzip-like", False), ("", False)],
)  # fmt: skip
def test_gzip_is_taken_by_its_own_word(accepted, taken):
    """What is said of gzip counts before what is said of all; a weight of nothing is no."""
    assert takes_gzip(accepted) is taken


def test_the_same_seed_is_the_same_fleet(running):
    """Another sandbox with the same seed has the same account, tokens and messages; another seed has others."""
    where = span(NOW - 40 * DAY, NOW - 40 * DAY + HOUR)
    with sandbox.serve(now=Clock(NOW + DAY), days=50) as again:
        assert again.account_id == running.account_id
        assert again.token == running.token
        assert rows(again, **where) == rows(running, **where)
        other = again.make_token(seed=2)
        assert again.account_of(2) != again.account_id
        found = rows(again, other, **where)
        assert found
        assert all(row["topic"].startswith(again.account_of(2)) for row in found)


def test_nothing_from_the_future_and_nothing_too_old():
    """Messages are there once they are published, and no longer than `days`."""
    clock = Clock(NOW)
    with sandbox.serve(now=clock, days=2) as here:
        ahead = span(NOW - MINUTE, NOW + 10 * MINUTE)
        before = rows(here, **ahead)
        assert all(times.instant(row["time"]) < NOW for row in before)
        clock.at = NOW + 10 * MINUTE
        after = rows(here, **ahead)
        assert len(after) > len(before)
        old = rows(here, **span(NOW - 3 * DAY, NOW - DAY))
        assert times.instant(old[0]["time"]) >= clock.at - 2 * DAY


def test_faster_and_slower():
    """`rate` sets the pace; what is asked for in pages is still the whole."""
    counts = []
    for rate in (0.5, 1.0, 20.0):
        with sandbox.serve(now=Clock(NOW), rate=rate, troubles=False) as here:
            found = rows(here, **span(NOW - HOUR, NOW), topic="telemetry/watt_meter")
            assert rows(here, limit=999, **span(NOW - HOUR, NOW), topic="telemetry/watt_meter") == found
            counts.append(len(found))
    assert counts == [pytest.approx(120, abs=4), pytest.approx(240, abs=4), pytest.approx(4800, abs=8)]


def test_tokens_are_refused_for_what_they_are(running):
    """No token, a wrong, an expired, a revoked one: 401, each with its own words."""
    assert "no token" in httpx.get(f"{running.origin}{API}/publishers").json()["detail"]
    said = {}
    gone = running.make_token()
    running.revoke(gone)
    for word, token in {
        "not known": "isr_mqtt_rest_0",
        "expired": running.make_token(days=-1),
        "revoked": gone,
    }.items():
        answer = ask(running, "publishers", token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        said[word] = answer.json()["detail"]
    assert all(word in words for word, words in said.items())


@pytest.mark.parametrize(
    ("route", "add_on", "words"),
    [
        ("history", "history", "Programmatic History Download"),
        ("publishers/live", "live", "Live REST API"),
        ("publishers", "mgmt", "Mgmt REST API"),
    ],
)
def test_an_add_on_opens_its_route_alone(running, route, add_on, words):
    """A token without the add-on gets 403 that names it; one with it alone gets its route."""
    others = {"history", "live", "mgmt"} - {add_on}
    answer = ask(running, route, running.make_token(others))
    assert answer.status_code == 403
    assert words in answer.json()["detail"]
    assert ask(running, route, running.make_token(add_on)).status_code == 200


def test_rotation_keeps_the_account():
    """A rotated token is revoked, and the new one opens the same."""
    with sandbox.serve(now=Clock(NOW)) as here:
        old = here.make_token({"mgmt"}, seed=2)
        new = here.rotate(old)
        assert new != old
        assert ask(here, "publishers", old).status_code == 401
        assert here.account_of(2) in ask(here, "publishers", new).text
        assert ask(here, "history", new).status_code == 403


def test_a_platform_token_names_its_account(running):
    """A platform operator's token works for the account of its header, and not without it."""
    token = running.make_token(platform=True)
    assert token.startswith("isr_mqtt_platform_rest_")
    assert ask(running, "publishers", token).status_code == 400
    for account, status in ((running.account_of(2), 200), ("00000000-0000-4000-8000-000000000000", 404)):
        with client(running, token, **{"X-ISR-Account-Id": account}) as line:
            answer = line.get("publishers")
        assert answer.status_code == status
        assert account in answer.text


def test_an_hour_has_so_many_requests():
    """Headers count down; then 429 with Retry-After, and a new hour brings new ones. Each token has its own."""
    clock = Clock(NOW)
    with sandbox.serve(now=clock, limit=3) as here:
        other = here.make_token()
        left = [ask(here, "publishers").headers["x-ratelimit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        clock.at += 10 * MINUTE
        refused = ask(here, "publishers")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"] == "3000"
        assert "3 requests" in refused.json()["detail"]
        assert ask(here, "publishers", other).status_code == 200
        clock.at += 50 * MINUTE
        assert ask(here, "publishers").status_code == 200
        here.set_quota(0)
        assert ask(here, "publishers").status_code == 429
        here.set_quota()
        assert ask(here, "publishers").headers["x-ratelimit-limit"] == "5000"


def test_a_route_that_does_not_exist(running):
    """404 and 405 say that there is no such route, and where the routes are listed."""
    with client(running) as line:
        for answer, status in ((line.get("nothing"), 404), (line.delete("history"), 405)):
            assert answer.status_code == status
            assert f"{API}/docs" in answer.json()["detail"]


def test_the_documentation_needs_no_other_address(running):
    """The page links to the OpenAPI document and names nothing outside; the document describes every parameter."""
    page = httpx.get(f"{running.origin}{API}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//\S+", page.text)
    (address,) = re.findall(r'href="([^"]+)"', page.text)
    document = httpx.get(running.origin + address).json()
    assert document["openapi"].startswith("3.")
    operation = document["paths"][f"{API}/history"]["get"]
    asked = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    assert set(asked) == {"start", "end", "client_id", "topic", "limit", "cursor"}
    assert all(one["description"] for one in asked.values())
    assert asked["limit"]["schema"]["maximum"] == 10_000
    assert {"200", "401", "403", "404", "422", "429"} <= set(operation["responses"])


def test_a_token_of_an_add_on_that_is_none(running):
    """It is named, and no token is made."""
    with pytest.raises(UsageError, match="all"):
        running.make_token({"all"})
