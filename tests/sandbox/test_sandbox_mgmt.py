"""The sandbox's Mgmt API over real HTTP: clients, members and invites, and what a pause does to the history."""

from __future__ import annotations

import pytest
from clocks import Clock
from httpx import Client

from isr_analysis import sandbox, times

NOW = times.instant("2026-11-20T15:37:12")
HOUR, MINUTE = times.HOUR, times.MINUTE


@pytest.fixture
def clock():
    """Give the sandbox's clock."""
    return Clock(NOW)


@pytest.fixture
def line(clock):
    """Give an HTTP client of a fresh sandbox."""
    with (
        sandbox.serve(now=clock, troubles=False) as here,
        Client(
            base_url=f"{here.origin}/api/v1/subscriber", headers={"Authorization": f"Bearer {here.token}"}, timeout=30
        ) as made,
    ):
        made.headers["X-Test-Account"] = here.account_id
        yield made


def listed(line: Client) -> dict[str, dict]:
    """Give the publishers by their id."""
    return {row["client_id"]: row for row in line.get("publishers").json()["publishers"]}


def heard(line: Client, client_id: str, start: int, end: int) -> list[int]:
    """Give the instants at which a client was heard."""
    asked = {"client_id": client_id, "start": times.iso(start), "end": times.iso(end), "limit": 10_000}
    return [times.instant(row["time"]) for row in line.get("history", params=asked).json()["messages"]]


def test_a_client_is_made_with_its_password_shown_once(line):
    """The answer has the password and the topics; the list has the client, and never the password."""
    answer = line.post("publishers", json={"label": "site-alpha-sensor", "allow_subscribe": True})
    assert answer.status_code == 201
    made = answer.json()
    assert made["device"]["client_id"] == "site-alpha-sensor"
    assert made["device"]["allow_subscribe"] is True
    assert made["publish_topic"] == f"{line.headers['X-Test-Account']}/site-alpha-sensor/#"
    password = made["device"]["password"]
    assert len(password) > 16
    assert password not in line.get("publishers").text
    assert listed(line)["site-alpha-sensor"]["label"] == "site-alpha-sensor"
    again = line.post("publishers", json={"label": "site-alpha-sensor"}).json()
    assert again["device"]["client_id"] == "site-alpha-sensor-2"


def test_what_is_published_in_a_pause_is_lost(line, clock):
    """A paused client is marked, nothing of it is stored until it is resumed, and the rest stays."""
    paused = line.post("publishers/isr-shack-01/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    assert listed(line)["isr-shack-01"]["paused"] is True
    assert line.post("publishers/isr-shack-01/pause").status_code == 200
    clock.at = NOW + 10 * MINUTE
    (row,) = [one for one in line.get("publishers/live").json()["publishers"] if one["client_id"] == "isr-shack-01"]
    assert times.instant(row["time"]) < NOW
    assert line.post("publishers/isr-shack-01/resume").json()["paused"] is False
    clock.at = NOW + 20 * MINUTE
    instants = heard(line, "isr-shack-01", NOW - 10 * MINUTE, clock.at)
    assert not [t for t in instants if NOW <= t < NOW + 10 * MINUTE]
    assert [t for t in instants if t < NOW]
    assert [t for t in instants if t >= NOW + 10 * MINUTE]
    assert heard(line, "isr-hill-02", NOW, NOW + 10 * MINUTE)


def test_a_removed_client_leaves_its_history(line, clock):
    """It is listed no more and heard no more; what it published before stays."""
    assert line.delete("publishers/rpt-west").status_code == 204
    clock.at = NOW + HOUR
    assert "rpt-west" not in listed(line)
    assert "rpt-west" not in line.get("publishers/live").text
    instants = heard(line, "rpt-west", NOW - HOUR, clock.at)
    assert instants
    assert max(instants) < NOW
    assert line.delete("publishers/rpt-west").status_code == 404


def test_credentials_are_rotated(line):
    """The same login with another password each time."""
    one, two = (line.post("publishers/rpt-north/rotate-credentials").json() for _ in range(2))
    assert one["username"] == two["username"] == listed(line)["rpt-north"]["username"]
    assert one["password"] != two["password"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "publishers/nobody/pause"),
        ("POST", "publishers/nobody/resume"),
        ("POST", "publishers/nobody/rotate-credentials"),
        ("DELETE", "publishers/nobody"),
        ("DELETE", "members/nobody"),
        ("DELETE", "members/invites/nothing"),
    ],
)
def test_what_does_not_exist(line, method, path):
    """404 names what was not found."""
    answer = line.request(method, path)
    assert answer.status_code == 404
    assert path.split("/")[-1] in answer.json()["detail"] or path.split("/")[1] in answer.json()["detail"]


def test_members_change_roles_but_one_owner_stays(line):
    """Roles are set and members removed; the last owner can be neither demoted nor removed."""
    members = {one["role"]: one for one in line.get("members").json()["members"]}
    assert set(members) == {"owner", "data_manager", "member"}
    owner, friend = members["owner"]["user_id"], members["member"]["user_id"]
    assert line.patch(f"members/{owner}", json={"role": "member"}).status_code == 409
    assert line.delete(f"members/{owner}").status_code == 409
    assert line.patch(f"members/{friend}", json={"role": "owner"}).json()["role"] == "owner"
    assert line.patch(f"members/{owner}", json={"role": "member"}).json()["role"] == "member"
    assert line.delete(f"members/{owner}").status_code == 204
    assert line.delete(f"members/{friend}").status_code == 409
    assert line.patch(f"members/{friend}", json={"role": "king"}).status_code == 422
    assert line.patch(f"members/{owner}", json={"role": "member"}).status_code == 404


def test_an_invite_is_open_for_two_days(line, clock):
    """An invite is listed until it is withdrawn or 48 hours are over; nobody is invited twice."""
    asked = {"email": "colleague@example.com", "role": "member"}
    made = line.post("members/invites", json=asked)
    assert made.status_code == 201
    assert made.json()["expires_at"] == "2026-11-22T15:37:12Z"
    assert line.post("members/invites", json=asked).status_code == 409
    assert line.post("members/invites", json={**asked, "role": "owner"}).status_code == 422
    assert line.post("members/invites", json={**asked, "email": "nonsense"}).status_code == 422
    assert [one["email"] for one in line.get("members/invites").json()["invites"]] == ["colleague@example.com"]
    clock.at = NOW + 48 * HOUR
    assert line.get("members/invites").json() == {"invites": []}
    again = line.post("members/invites", json=asked).json()
    assert line.delete(f"members/invites/{again['invite_id']}").status_code == 204
    assert line.get("members/invites").json() == {"invites": []}


def test_a_tenant_is_made(line):
    """A new tenant is an account of its own."""
    made = line.post("tenants", json={"display_name": "Production East"})
    assert made.status_code == 201
    assert made.json()["display_name"] == "Production East"
    assert made.json()["account_id"] != line.headers["X-Test-Account"]


def test_the_add_on_opens_all_of_them(clock):
    """Without the Mgmt add-on every one of its routes is 403, before anything is done."""
    with sandbox.serve(now=clock) as here:
        document_line = Client(base_url=here.origin)
        token = here.make_token({"history", "live"})
        with document_line as line:
            paths = line.get("/api/v1/subscriber/openapi.json").json()["paths"]
            asked = 0
            for path, methods in paths.items():
                for method, operation in methods.items():
                    if operation["tags"] == ["Mgmt REST API"]:
                        where = path.format(client_id="rpt-west", user_id="x", invite_id="x")
                        answer = line.request(method, where, headers={"Authorization": f"Bearer {token}"}, json={})
                        assert answer.status_code == 403, where
                        asked += 1
        assert asked == 14
        with Client(base_url=here.origin, headers={"Authorization": f"Bearer {here.token}"}) as line:
            assert "rpt-west" in line.get("/api/v1/subscriber/publishers").text
