"""The Mgmt API by function: against the sandbox, and against answers that nobody has seen yet."""

from __future__ import annotations

import copy
import json
import pickle
import sqlite3

import httpx
import pytest
from portal_mgmt import ACCOUNT, answering

import isr_analysis as isr
from isr_analysis import mgmt, settings
from isr_analysis.errors import (
    AddOnMissingError,
    PortalUnavailableError,
    RequestRefusedError,
    UsageError,
    WrongAccountError,
)
from isr_analysis.mgmt import made
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.secret import Secret


@pytest.fixture
def portal():
    """Connect to a sandbox of its own, whose books may be changed."""
    with isr.sandbox.serve(troubles=False, days=2) as here, here.connect() as line:
        yield line


def test_a_publisher_is_made_paused_resumed_rotated_and_removed(portal):
    """Each route of MQTT clients works, and the list shows each change at once."""
    new = mgmt.create_publisher("site-alpha-sensor", allow_subscribe=True, portal=portal)
    assert new.client_id == "site-alpha-sensor"
    assert new.username.startswith("pub-")
    assert new.topic == f"{portal.account_id}/site-alpha-sensor/#"
    assert len(new.password.reveal()) > 16
    assert new["device.allow_subscribe"] is True

    def paused():
        listed = isr.load_publishers(max_age="1h", portal=portal).set_index("client_id")["paused"]
        return bool(listed["site-alpha-sensor"])

    assert not paused()
    assert mgmt.pause_publisher("site-alpha-sensor", portal=portal)["paused"] is True
    assert paused()
    assert mgmt.resume_publisher("site-alpha-sensor", portal=portal)["paused"] is False
    assert not paused()
    other = mgmt.rotate_credentials("site-alpha-sensor", portal=portal)
    assert other.username == new.username
    assert other.password != new.password
    assert mgmt.remove_publisher("site-alpha-sensor", portal=portal) is None
    assert "site-alpha-sensor" not in set(isr.load_publishers(max_age="1h", portal=portal)["client_id"])
    with pytest.raises(RequestRefusedError, match="no client 'site-alpha-sensor'"):
        mgmt.pause_publisher("site-alpha-sensor", portal=portal)


def test_a_subscriber_is_made_with_its_password_masked(portal):
    """A read-only subscriber has login, filter, end, and a password that no repr shows."""
    new = mgmt.create_subscriber("automation", expires_in_days=7, portal=portal)
    assert new.username.startswith("sub-")
    assert new.topic == f"{portal.account_id}/#"
    assert new.expires_at > new["created_at"]
    secret = new.password.reveal()
    for shown in (repr(new), str(new), f"{new}", repr(new.fields), f"{new.password}", str(vars(type(new)))):
        assert secret not in shown
    assert new.reveal()["password"] == secret
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(new.password)
    assert copy.deepcopy(new.password) is new.password


def test_members_and_invites(portal):
    """Members and invites are frames; roles are set, invites made and withdrawn, members removed."""
    members = mgmt.load_members(portal=portal)
    assert list(members.columns) == ["user_id", "email", "role"]
    assert members["role"].tolist() == ["owner", "data_manager", "member"]
    friend = members["user_id"][2]
    assert mgmt.set_role(friend, "data_manager", portal=portal)["role"] == "data_manager"
    assert mgmt.load_members(max_age="1h", portal=portal)["role"].tolist() == ["owner", "data_manager", "data_manager"]
    mgmt.remove_member(friend, portal=portal)
    assert friend not in set(mgmt.load_members(max_age="1h", portal=portal)["user_id"])
    with pytest.raises(RequestRefusedError, match="last owner"):
        mgmt.remove_member(members["user_id"][0], portal=portal)

    none = mgmt.load_invites(portal=portal)
    assert (len(none), list(none.columns)) == (0, ["invite_id", "email", "role"])
    new = mgmt.invite_member("colleague@example.com", "member", portal=portal)
    listed = mgmt.load_invites(max_age="1h", portal=portal)
    assert listed["invite_id"].tolist() == [new.id]
    assert {"created_at", "expires_at"} <= set(listed.columns)
    mgmt.withdraw_invite(new.id, portal=portal)
    assert mgmt.load_invites(max_age="1h", portal=portal).empty


def test_a_tenant_is_made(portal):
    """A tenant comes with the id of its account."""
    new = mgmt.create_tenant("Production East", portal=portal)
    assert new["display_name"] == "Production East"
    assert new.id not in (None, portal.account_id)


def test_without_the_add_on_the_error_names_it(portal):
    """A token without the Mgmt add-on is told which add-on is missing, by each function."""
    with isr.sandbox.serve(days=1) as here, here.connect(here.make_token(["history", "live"])) as line:
        for call in (
            lambda: mgmt.create_publisher("a", portal=line),
            lambda: mgmt.remove_publisher("a", portal=line),
            lambda: mgmt.create_subscriber("a", portal=line),
            lambda: mgmt.load_members(portal=line),
            lambda: mgmt.set_role("a", "owner", portal=line),
        ):
            with pytest.raises(AddOnMissingError, match="Mgmt REST API"):
                call()


@pytest.mark.parametrize(
    "call",
    [
        lambda line: mgmt.create_publisher(" ", portal=line),
        lambda line: mgmt.create_publisher("Z\udcfcrich", portal=line),
        lambda line: mgmt.pause_publisher("", portal=line),
        lambda line: mgmt.remove_publisher("..", portal=line),
        lambda line: mgmt.create_subscriber("a", expires_in_days=0, portal=line),
        lambda line: mgmt.create_subscriber("a", expires_in_days=True, portal=line),
        lambda line: mgmt.create_subscriber("a", expires_in_days="30d", portal=line),
        lambda line: mgmt.create_subscriber("a", expires_in_days=1.5, portal=line),
        lambda line: mgmt.invite_member("nobody", portal=line),
        lambda line: mgmt.invite_member("a@example.com", "owner", portal=line),
        lambda line: mgmt.set_role("a", "boss", portal=line),
        lambda line: mgmt.create_tenant("", portal=line),
        lambda line: mgmt.create_tenant(None, portal=line),
        lambda line: mgmt.create_publisher(5, portal=line),
        lambda line: mgmt.create_publisher("a", allow_subscribe={"yes"}, portal=line),
        lambda line: mgmt.create_publisher("a", allow_subscribe="false", portal=line),
        lambda line: mgmt.pause_publisher(7, portal=line),
        lambda line: mgmt.withdraw_invite(None, portal=line),
        lambda line: mgmt.remove_publisher(None, portal=line),
        lambda line: mgmt.rotate_credentials(None, portal=line),
        lambda line: mgmt.invite_member(b"a@example.com", portal=line),
    ],
)
def test_what_cannot_be_meant_is_not_sent(call):
    """An argument that makes no sense is an error before any change goes out."""
    line, seen = answering(lambda _: httpx.Response(500))
    with pytest.raises(UsageError):
        call(line)
    assert all(request.method == "GET" for request in seen)


@pytest.mark.parametrize("name", ["50% off", "a/b", "ä?#;b", "a+b", "%2e%2e"])
def test_ids_are_quoted_in_paths(name):
    """Whatever a client is called, it is one level of the path."""
    line, seen = answering(lambda _: httpx.Response(204))
    mgmt.remove_publisher(name, portal=line)
    path = seen[-1].url.raw_path.decode()
    prefix = "/api/v1/subscriber/publishers/"
    assert path.startswith(prefix)
    assert "/" not in path.removeprefix(prefix)
    assert httpx.URL(f"http://x/?q={path.removeprefix(prefix)}").params["q"].replace(" ", "+") == name.replace(" ", "+")


@pytest.mark.parametrize(
    ("status", "error"), [(500, PortalUnavailableError), (503, PortalUnavailableError), (409, RequestRefusedError)]
)
def test_a_change_is_never_sent_twice(status, error):
    """A failure of the portal ends a change at once, and the message says that it may have been done."""
    line, seen = answering(lambda _: httpx.Response(status, json={"detail": "no luck"}))
    with pytest.raises(error, match="no luck") as caught:
        mgmt.create_publisher("a", portal=line)
    assert sum(request.method == "POST" for request in seen) == 1
    assert ("may have taken effect" in str(caught.value)) == (status >= 500)


@pytest.mark.parametrize(
    ("raised", "perhaps"), [(httpx.ReadTimeout("slow"), True), (httpx.ConnectError("refused"), False)]
)
def test_a_lost_answer_says_whether_it_may_have_been_done(raised, perhaps):
    """Where nothing was sent, nothing may have been done; where the answer was lost, it may."""

    def respond(_):
        raise raised

    line, seen = answering(respond)
    with pytest.raises(PortalUnavailableError) as caught:
        mgmt.create_subscriber("a", portal=line)
    assert ("may have taken effect" in str(caught.value)) is perhaps
    assert sum(request.method == "POST" for request in seen) == 1


def test_a_password_is_not_lost_where_the_kept_lists_cannot_be_forgotten(monkeypatch):
    """A disk that is full by then, or a cache's file that is locked, does not hide what is shown this once."""
    line, _ = answering(lambda _: httpx.Response(201, json={"device": {"client_id": "a", "password": "p"}}))

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("isr_analysis.portal.responses.Responses.forget", full)
    assert mgmt.create_publisher("a", portal=line).password.reveal() == "p"


def test_a_redirect_that_turns_a_change_into_a_question_is_an_error():
    """A 302, as of a page to log in, is not taken for success; a 308 keeps the method and is followed."""

    def respond(request):
        if request.url.path.endswith("/login"):
            return httpx.Response(200, json={"fine": True})
        if request.url.path.endswith("/"):
            return httpx.Response(201, json={"device": {"client_id": "a", "password": "p"}})
        status, to = (302, "/login") if request.url.path.endswith("passwords") else (308, f"{request.url.path}/")
        return httpx.Response(status, headers={"location": to})

    line, seen = answering(respond)
    with pytest.raises(RequestRefusedError, match="only a GET went"):
        mgmt.create_subscriber("a", portal=line)
    assert mgmt.create_publisher("a", portal=line).client_id == "a"
    assert [json.loads(one.content)["label"] for one in seen if one.method == "POST"] == ["a", "a", "a"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"success": false, "message": "The plan allows 5 clients"}', "The plan allows 5 clients"),
        (b'{"status": "error", "reason": "x"}', "status 'error'"),
        (b'{"code": 409, "message": "There is one already"}', "There is one already"),
        (b"<!doctype html><title>Sign in</title><p>Please sign in.", r"\(a page of HTML\) Sign in"),
    ],
)
@pytest.mark.parametrize(
    "change",
    [
        lambda line: mgmt.create_publisher("a", portal=line),
        lambda line: mgmt.remove_publisher("a", portal=line),
        lambda line: mgmt.invite_member("a@example.com", portal=line),
    ],
    ids=["create", "remove", "invite"],
)
def test_a_failure_with_the_status_of_success_is_an_error(change, body, words):
    """A portal that says 200 and, in its answer, that it did nothing has done nothing."""
    line, _ = answering(lambda _: httpx.Response(200, content=body))
    with pytest.raises(RequestRefusedError, match=words):
        change(line)


@pytest.mark.parametrize(
    "body", [{}, {"error": None, "ok": True}, {"status": "paused", "code": 200}, {"client_id": "a", "status": "error"},
             {"password": "p", "warning": "the mail failed"}],
)  # fmt: skip
def test_what_states_no_failure_is_done(body):
    """Nothing, a state, a code of success; and a password that is shown this once, whatever stands beside it."""
    line, _ = answering(lambda _: httpx.Response(200, json=body))
    assert {*mgmt.pause_publisher("a", portal=line).fields} == {*body}


def test_a_change_never_reaches_another_account():
    """A token of another account than the profile's is refused before anything is changed."""
    line, seen = answering(lambda _: httpx.Response(201, json={}))
    other = settings.profile(origin="https://portal.test", account_id=ACCOUNT.replace("0a1b", "ffff"))
    strange = Portal(other, Token("isr_mqtt_rest_y"), transport=httpx.MockTransport(line.wire._counted._inner.handler))
    with pytest.raises(WrongAccountError):
        mgmt.create_tenant("East", portal=strange)
    assert all(request.method == "GET" for request in seen)


@pytest.mark.parametrize(
    ("body", "password", "username", "topic"),
    [
        ({"device": {"client_id": "a", "username": "pub-1", "password": "x9"}, "publish_topic": "u/a/#"},
         "x9", "pub-1", "u/a/#"),
        ({"mqttUsername": "sub-1", "mqttPassword": "x9", "topicFilter": "u/#"}, "x9", "sub-1", "u/#"),
        ({"data": {"credentials": {"user": "sub-1", "secret": "x9"}, "filter": "u/#"}}, "x9", "sub-1", "u/#"),
        ([{"subscriber": "sub-1", "new_password": "x9", "topic": "u/#", "password_expires_at": "2026-12-01"}],
         "x9", "sub-1", "u/#"),
        ({"login": "sub-1", "temporary_password": "x9", "topic": "u/#", "password_expires_at": "2026-12-01"},
         "x9", "sub-1", "u/#"),
        ({"login": "sub-1", "password": 700900, "topic": "u/#"}, "700900", "sub-1", "u/#"),
        ({"login": "sub-1", "passphrase": "x9", "acl": "u/#", "password_set": True}, "x9", "sub-1", "u/#"),
    ],
)  # fmt: skip
def test_answers_of_any_form_are_understood(body, password, username, topic):
    """Login, password and topic are found under several names, nested or not; all else is kept."""
    new = made.read(made.SUBSCRIBER, json.dumps(body).encode(), secret=True)
    assert (new.password.reveal(), new.username, new.topic) == (password, username, topic)
    assert password not in repr(new)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"mot_de_passe": "x9", "username": "sub-1"}', {"mot_de_passe": "x9", "username": "sub-1"}),
        (b'{"passwords": ["x9"], "username": "sub-1"}', {"passwords": ["x9"], "username": "sub-1"}),
        (b'{"token": "csrf", "pw": "x9"}', {"token": "csrf", "pw": "x9"}),
        (b'{"pw": "x9", "password_hint": "keep it"}', {"pw": "x9", "password_hint": "keep it"}),
        (b'"x9"', {"answer": "x9"}),
        (b"x9", {"answer": "x9"}),
        (b'{"uri": "mqtts://sub-1:x9@broker.example:8883"}', {"uri": "mqtts://sub-1:x9@broker.example:8883"}),
    ],
)
def test_a_password_that_is_not_recognised_is_neither_lost_nor_shown(body, shown):
    """What the portal shows once is kept and masked, whatever it is called."""
    new = made.read(made.SUBSCRIBER, body, secret=True)
    assert "x9" not in repr(new)
    assert new.reveal() == shown


@pytest.mark.parametrize(
    ("fields", "host", "port"),
    [
        ({"host": "broker.example", "port": 8883}, "broker.example", 8883),
        ({"broker": {"hostname": "broker.example", "port": 1883, "tls_port": 8883}}, "broker.example", 8883),
        ({"broker_url": "mqtts://broker.example:8884"}, "mqtts://broker.example:8884", None),
        ({"url": "https://portal.example/docs"}, None, None),
        ({"host": "broker.example", "port": "8884"}, "broker.example", 8884),
        ({"host": "broker.example", "port": "any"}, "broker.example", None),
        ({"backup": {"host": "other.example", "port": 1}, "host": "broker.example", "port": 2}, "broker.example", 2),
        ({}, None, None),
    ],
)
def test_where_the_broker_is_if_the_answer_says_it(fields, host, port):
    """Taken from the answer, the least nested; the encrypted port first, and no address of a page."""
    new = made.read(
        made.SUBSCRIBER, json.dumps({"username": "sub-1", "password": "x9", **fields}).encode(), secret=True
    )
    assert (new.host, new.port) == (host, port)


def test_a_list_is_no_older_than_it_may_be():
    """One that is kept is taken as long as it is young enough."""
    line, seen = answering(lambda _: httpx.Response(200, json=[{"user_id": "m0"}]))
    for max_age, asked in (("60s", 1), ("60s", 1), ("0.001s", 2)):
        mgmt.load_members(max_age=max_age, portal=line)
        assert [one.url.path.rpartition("/")[2] for one in seen].count("members") == asked


def test_fields_that_nobody_knows_are_shown():
    """An answer with more fields than we know shows them; an answer without a body is nothing."""
    new = made.read(made.CLIENT, b'{"paused": true, "plan": {"left": 3}, "tags": ["a"], "token_id": "t1"}')
    assert dict(new.fields) == {"paused": True, "plan.left": 3, "tags": ["a"], "token_id": "t1"}
    assert repr(new) == "Made(MQTT client, paused=True, plan.left=3, tags=['a'], token_id='t1')"
    assert dict(made.read(made.CLIENT, b"").fields) == {}
    with pytest.raises(TypeError):
        new.fields["paused"] = False


def test_lists_in_other_envelopes_have_the_same_columns():
    """Members under other names and envelopes give the same columns, and nothing secret."""
    rows = [{"user": {"id": "7", "email": "a@b.example"}, "role": "owner", "session_token": "x9", "since": "2026"}]
    line, _ = answering(lambda _: httpx.Response(200, json={"data": {"items": rows, "total": 1}}))
    table = mgmt.load_members(portal=line)
    assert list(table.columns) == ["user_id", "email", "role", "since"]
    assert table.iloc[0].tolist() == ["7", "a@b.example", "owner", "2026"]


def test_a_list_that_may_be_cut_comes_with_a_warning():
    """As that of publishers: a hundred rows, whatever is asked for, may be all or the first hundred."""
    rows = [{"user_id": f"m{n}", "invite_id": f"i{n}", "email": f"{n}@b.example", "role": "member"} for n in range(100)]
    line, _ = answering(lambda _: httpx.Response(200, json=rows))
    for load in (mgmt.load_members, mgmt.load_invites):
        with pytest.warns(UserWarning, match="the list is cut") as caught:
            table = load(portal=line)
        assert caught[0].filename == __file__
        assert (len(table), table.attrs["warning"]) == (100, str(caught[0].message))


def test_lists_in_pages_are_whole_and_forgotten_whole():
    """A list that comes in pages is read to its end, and a change forgets each of them."""
    there = {f"m{i}": "member" for i in range(5)}

    def respond(request):
        if request.method == "DELETE":
            del there[request.url.path.rpartition("/")[2]]
            return httpx.Response(204)
        at = int(request.url.params.get("cursor", 0))
        rows = [{"user_id": one, "email": f"{one}@b.example", "role": role} for one, role in there.items()]
        more = str(at + 2) if at + 2 < len(rows) else None
        return httpx.Response(200, json={"members": rows[at : at + 2], "next_cursor": more})

    line, _ = answering(respond)
    assert mgmt.load_members(portal=line)["user_id"].tolist() == [f"m{i}" for i in range(5)]
    mgmt.remove_member("m3", portal=line)
    assert mgmt.load_members(max_age="1h", portal=line)["user_id"].tolist() == ["m0", "m1", "m2", "m4"]


def test_secrets_compare_and_hash_without_showing():
    """Two secrets of one value are equal, and a container of them shows none."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert repr([Secret("a")]) == "[Secret(…)]"
    assert not Secret("")
