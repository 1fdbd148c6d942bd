"""What a portal answers to a change: a password that it shows this once is found, masked, or missed aloud."""

from __future__ import annotations

import json

import httpx
import keyring
import pytest
from click.testing import CliRunner
from portal_mgmt import answering

import isr_analysis as isr
from isr_analysis import mgmt
from isr_analysis.cli import cli
from isr_analysis.errors import AddOnMissingError, AnswerError, RequestRefusedError
from isr_analysis.mgmt import made

WORD = "S3cr3t-of-the-test"
ONE = {"client_id": "site-x"}
CHANGES = {
    "made": lambda line: mgmt.create_publisher("site-x", portal=line),
    "rotated": lambda line: mgmt.rotate_credentials("site-x", portal=line),
    "subscriber": lambda line: mgmt.create_subscriber("desk", portal=line),
}
UNSHOWN = {
    "nothing": httpx.Response(201, headers={"Location": "/api/v1/subscriber/publishers/site-x"}),
    "204": httpx.Response(204),
    "202": httpx.Response(202, json={"status": "pending", "job_id": "j1"}),
    "its id": httpx.Response(201, json={**ONE, "status": "created", "message": "Publisher created"}),
    "null": httpx.Response(201, json={"device": {**ONE, "password": None}, "publish_topic": "u/site-x/#"}),
    "stars": httpx.Response(201, json={"device": {**ONE, "password": "********"}}),
    "an empty list": httpx.Response(200, json=[]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shown", UNSHOWN)
def test_a_password_that_is_not_shown_is_missed_aloud(shown, change):
    """The change is sent once; the error says what came, and how to get another password."""
    line, seen = answering(lambda _: UNSHOWN[shown])
    other = "create another subscriber" if change == "subscriber" else "isr publishers rotate"
    with pytest.raises(AnswerError, match=f"accepted this, but its answer, .*shows no password.*{other}"):
        CHANGES[change](line)
    assert [one.method for one in seen].count("POST") == 1


def test_a_login_without_its_password_is_kept_nowhere(tmp_path, monkeypatch):
    """A file with something else in the password's place would be found out by the broker alone."""
    file = tmp_path / "login"
    with isr.sandbox.serve(days=1) as here:
        monkeypatch.setenv("ISR_TOKEN", here.token)
        monkeypatch.setenv("ISR_PORTAL_ORIGIN", here.origin)
        monkeypatch.setattr("isr_analysis.mgmt.clients.change", lambda *_, **__: b'{"client_id": "site-x"}')
        with pytest.raises(AnswerError, match="shows no password"):
            CliRunner().invoke(cli, ["publishers", "create", "x", "--out", str(file)], catch_exceptions=False)
    assert not file.exists()


@pytest.mark.parametrize("place", ["--out", "--keyring"])
@pytest.mark.parametrize(
    "body",
    [
        {**ONE, "token": "t", "mqtt": {"pw": WORD}},
        {**ONE, "password": "p", "tls": {"private_key": WORD}},
        {**ONE, "temporary_password": "p", "other": WORD},
    ],
)
def test_what_is_shown_once_beside_the_password_is_kept_with_it(body, place, tmp_path, monkeypatch):
    """Whichever of them is the one that matters; nothing of it is printed."""
    file = tmp_path / "login"
    with isr.sandbox.serve(days=1) as here:
        monkeypatch.setenv("ISR_TOKEN", here.token)
        monkeypatch.setenv("ISR_PORTAL_ORIGIN", here.origin)
        monkeypatch.setattr("isr_analysis.mgmt.clients.change", lambda *_, **__: json.dumps(body).encode())
        for what in ("publishers", "subscribers"):
            words = [what, "create", "x", place, *([str(file)] if place == "--out" else [])]
            done = CliRunner().invoke(cli, words, catch_exceptions=False)
            assert done.exit_code == 0
            assert WORD not in done.output
            kept = file.read_text() if place == "--out" else str(list(keyring.get_keyring().kept.values()))
            assert WORD in kept
            file.unlink(missing_ok=True)
            keyring.get_keyring().kept.clear()


@pytest.mark.parametrize(
    "body",
    [
        {**ONE, "credentials": [{"type": "mqtt", "username": "u", "password": WORD}]},
        [{"device": {**ONE, "logins": [{"mqtt_password": WORD}]}}],
    ],
)
def test_a_password_in_a_list_of_one_is_found(body):
    """Whether the portal could give several or not."""
    line, _ = answering(lambda _: httpx.Response(201, json=body))
    found = mgmt.create_publisher("x", portal=line)
    assert (found.client_id, found.password.reveal()) == ("site-x", WORD)
    assert WORD not in repr(found)


@pytest.mark.parametrize(
    "body",
    [
        {**ONE, "fields": [{"name": "password", "value": WORD}]},
        {**ONE, "fields": [{"name": "user", "value": "u"}, {"name": "password", "value": WORD}]},
        {**ONE, "shown_once": {"lines": [[WORD]]}},
    ],
)
def test_what_may_be_the_password_is_masked_however_deep(body):
    """Where no name says which it is: nothing is printed, and nothing is lost."""
    line, _ = answering(lambda _: httpx.Response(201, json=body))
    found = mgmt.create_publisher("x", portal=line)
    assert (found.client_id, found.password) == ("site-x", None)
    assert WORD not in repr(found)
    assert WORD in str(found.reveal())


def test_where_a_portal_redirects_to_what_it_made_that_is_the_answer():
    """A 303 says that it was done; a 302 does not say whether, and neither does what cannot be read then."""
    to = "/api/v1/subscriber/made"

    def portal(status, then):
        def respond(request):
            return then if request.url.path == to else httpx.Response(status, headers={"Location": to})

        return answering(respond)[0]

    there = httpx.Response(200, json={**ONE, "password": WORD})
    assert mgmt.create_publisher("x", portal=portal(303, there)).password.reveal() == WORD
    for status, then in ((302, there), (303, httpx.Response(404))):
        with pytest.raises(RequestRefusedError, match=r"only a GET went.*may have taken effect anyway"):
            mgmt.create_publisher("x", portal=portal(status, then))


def test_a_change_that_is_forbidden_for_another_reason_names_no_add_on():
    """The portal's own words do; without any, it is the add-on that is missing most likely."""
    for words, kind in (("The last owner cannot be removed", RequestRefusedError), ("Forbidden", AddOnMissingError)):
        line, _ = answering(lambda _, words=words: httpx.Response(403, json={"detail": words}))
        with pytest.raises(kind, match=words) as caught:
            mgmt.remove_member("u1", portal=line)
        assert ("add-on" in str(caught.value)) is (kind is AddOnMissingError)


@pytest.mark.parametrize(
    "members",
    [
        {"u1": {"email": "a@x.example", "role": "owner"}},
        {"a@x.example": {"user_id": "u1", "role": "owner"}},
        {"members": {"u1": {"email": "a@x.example", "role": "owner"}}},
    ],
)
def test_members_that_are_keyed_have_their_keys(members):
    """By their ids, or by their addresses; else nobody could be removed."""
    line, _ = answering(lambda _: httpx.Response(200, json=members))
    found = mgmt.load_members(portal=line)
    assert found.iloc[0].to_dict() == {"user_id": "u1", "email": "a@x.example", "role": "owner"}


def test_a_link_that_opens_something_is_a_secret():
    """Of an invite: it is left out of the list, and masked where it was made; a link without is shown."""
    invite = {"id": "i1", "email": "c@x.example", "role": "member", "url": f"https://p.example/join?t=1&token={WORD}"}
    line, _ = answering(lambda request: httpx.Response(200, json=invite if request.method == "POST" else [invite]))
    assert WORD not in mgmt.load_invites(portal=line).to_string()
    found = mgmt.invite_member("c@x.example", portal=line)
    assert WORD not in repr(found)
    assert found.reveal()["url"].endswith(WORD)
    assert made.read(made.TENANT, b'{"url": "https://p.example/tenants?page=1"}')["url"].endswith("page=1")


def test_a_table_is_not_opened_by_its_lists():
    """A row with a list of one has the same columns as one with a list of two."""
    rows = [dict(made.flat({"id": i, "tenants": [{"name": "a"}] * i})) for i in (1, 2)]
    assert list(rows[0]) == list(rows[1]) == ["id", "tenants"]
