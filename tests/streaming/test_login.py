"""A subscriber's login: where it comes from, what an address is, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest

import isr_analysis as isr
from isr_analysis import keyrings, settings
from isr_analysis.errors import (
    SubscriberMissingError,
    UsageError,
)
from isr_analysis.secret import Secret
from isr_analysis.streaming import login as logins
from isr_analysis.streaming.login import Address, Login, has_subscriber

ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("topic_filter", "account"),
    [
        (f"{ACCOUNT}/#", ACCOUNT), (f"site/{ACCOUNT}/#", ACCOUNT), (f"{ACCOUNT}/+/telemetry/#", ACCOUNT),
        ("club/#", "club"), ("#", None), ("+/#", None), ("a/b/#", None), ("{account_id}/#", None), (None, None),
    ],
)  # fmt: skip
def test_the_account_of_a_filter(topic_filter, account):
    """Where a filter says whose messages are meant, and where it does not."""
    assert Login(Address("x", 1), "sub-1", Secret("x"), topic_filter).account_id == account


@pytest.mark.parametrize(
    ("text", "port", "shown"),
    [
        ("broker.example", None, "mqtts://broker.example:8883"),
        (" broker.example:8884 ", None, "mqtts://broker.example:8884"),
        ("broker.example", "1234", "mqtts://broker.example:1234"),
        ("ssl://broker.example", None, "mqtts://broker.example:8883"),
        ("wss://broker.example/mqtt", None, "wss://broker.example:443/mqtt"),
        ("wss://broker.example", None, "wss://broker.example:443/"),
        ("mqtt://localhost", None, "mqtt://localhost:1883"),
        ("mqtts://[::1]:9", None, "mqtts://[::1]:9"),
    ],
)
def test_addresses(text, port, shown):
    """An address is read in every usual spelling; TLS is the rule."""
    assert str(logins.address(text, port)) == shown


@pytest.mark.parametrize(
    ("text", "port"),
    [("", None), ("http://x", None), ("a b", None), ("x", "many"), ("x", 70_000), ("mqtt://broker.example", None),
     ("mqtts://user:pass@x", None), ("x:99999", None)],
)  # fmt: skip
def test_bad_addresses(text, port):
    """What is no address, or would send a password in plain, is refused."""
    with pytest.raises(UsageError):
        logins.address(text, port)


@pytest.mark.parametrize("host", ["mqtts://sub-1:hunter2@broker.example:8883", "sub-1:hunter2@x", "ssl://a:hunter2/@x"])
def test_a_login_in_an_address_is_refused_and_not_repeated(host):
    """Words say where it goes; neither they nor a cause have the password."""
    with pytest.raises(UsageError, match=r"'…@.*contains a login.*username=") as caught:
        isr.stream(host=host)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["isr_mqtt_rest_abc", " isr_mqtt_platform_rest_abc\n"])
def test_a_rest_token_is_no_password(key, monkeypatch):
    """From wherever it comes, a token is refused, not sent, and not repeated."""
    with pytest.raises(UsageError, match="not for MQTT") as caught:
        isr.stream(host="broker.example", username="sub-1", password=key)
    assert "abc" not in str(caught.value)
    with pytest.raises(UsageError, match="not for MQTT"):
        isr.stream(host="broker.example", username=key.strip(), password="x")
    monkeypatch.setenv("ISR_MQTT_HOST", "broker.example")
    monkeypatch.setenv("ISR_MQTT_USERNAME", "sub-1")
    monkeypatch.setenv("ISR_MQTT_PASSWORD", key)
    with pytest.raises(UsageError, match="not for MQTT"):
        isr.stream()


def test_a_port_beside_the_host_is_the_hosts(monkeypatch):
    """An argument wins over the environment, also where its port is part of the address; 0 is none at all."""
    login = {"username": "sub-a", "password": "a"}
    monkeypatch.setenv("ISR_MQTT_HOST", "env.example:1885")
    monkeypatch.setenv("ISR_MQTT_PORT", "1884")
    ports = [
        logins.find(settings.profile(), **login, **where).address.port
        for where in (
            {"host": " arg.example:1 "},
            {"host": "arg.example"},
            {"host": "arg.example:1", "port": 2},
            {"port": 3},
        )
    ]
    assert ports == [1, 1884, 2, 3]
    for where in (
        {"port": 0}, {"host": "arg.example:0"}, {"host": "arg.example", "port": 0}, {"host": "arg.example:99999"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="not a broker's address"):
            logins.find(settings.profile(), **login, **where)
    monkeypatch.delenv("ISR_MQTT_PORT")
    assert logins.find(settings.profile(), **login).address.port == 1885
    assert logins.find(settings.profile(), **login, host="arg.example").address.port == 8883


def test_where_a_login_comes_from(tmp_path, monkeypatch):
    """Arguments, then the environment, then a file, then the keyring; and never half of one and half of another."""
    profile = settings.profile()
    with pytest.raises(SubscriberMissingError, match="ISR_MQTT_HOST"):
        logins.find(profile)
    logins.keep_in_keyring(profile, {"username": "sub-k", "password": Secret("k"), "host": "ring.example"})
    found = logins.find(profile)
    assert (found.username, found.password.reveal(), found.address.host) == ("sub-k", "k", "ring.example")
    with pytest.raises(SubscriberMissingError, match="no login"):  # the keyring's password is another subscriber's
        logins.find(profile, username="sub-a")
    file = tmp_path / "password"
    file.write_text("f\n")
    file.chmod(0o600)
    monkeypatch.setenv("ISR_MQTT_PASSWORD_FILE", str(file))
    monkeypatch.setenv("ISR_MQTT_USERNAME", "sub-f")
    found = logins.find(profile)
    assert (found.username, found.password.reveal(), found.address.host) == ("sub-f", "f", "ring.example")
    monkeypatch.setenv("ISR_MQTT_HOST", "env.example")
    monkeypatch.setenv("ISR_MQTT_PORT", "1884")
    monkeypatch.setenv("ISR_MQTT_PASSWORD", "e")
    assert (logins.find(profile).password.reveal(), str(logins.find(profile).address)) == (
        "e",
        "mqtts://env.example:1884",
    )
    found = logins.find(profile, host="arg.example:1", username="sub-a", password="a")
    assert (found.username, found.password.reveal()) == ("sub-a", "a")
    file.chmod(0o644)
    monkeypatch.delenv("ISR_MQTT_PASSWORD")
    with pytest.raises(UsageError, match="chmod 600"):
        logins.find(profile)


def test_what_is_given_needs_no_file_and_no_variable(monkeypatch):
    """A file that is not there matters only where no password was found before; an empty variable says nothing."""
    profile = settings.profile()
    monkeypatch.setenv("ISR_MQTT_PASSWORD_FILE", "gone")
    found = logins.find(profile, host="arg.example", username="sub-a", password="a")
    assert found.password.reveal() == "a"
    with pytest.raises(SubscriberMissingError, match="gone cannot be read"):
        logins.find(profile, host="arg.example", username="sub-a")
    monkeypatch.delenv("ISR_MQTT_PASSWORD_FILE")
    monkeypatch.setenv("ISR_MQTT_USERNAME", "")
    monkeypatch.setenv("ISR_MQTT_PASSWORD", "e")
    assert logins.find(profile, host="arg.example", username="sub-a").password.reveal() == "e"


@pytest.mark.parametrize("text", ["a=1", 'username = "sub-1"', "x=" + "[" * 50_000])
def test_a_file_without_a_password_of_that_name_is_the_password(text, monkeypatch, tmp_path):
    """Also where it happens to read as TOML; and the file may lie below the user's home."""
    file = tmp_path / "password"
    file.write_text(text)
    file.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("ISR_MQTT_PASSWORD_FILE", "~/password")
    found = logins.find(settings.profile(), host="arg.example", username="sub-a")
    assert found.password.reveal() == text


def test_each_profile_and_portal_has_a_login_of_its_own():
    """What was kept for one is not sent to the broker of another."""
    profile = settings.profile()
    logins.keep_in_keyring(profile, {"username": "sub-k", "password": Secret("k"), "host": "ring.example"})
    assert logins.find(profile).username == "sub-k"
    for other in ({"name": "club"}, {"origin": "https://other.example"}):
        with pytest.raises(SubscriberMissingError, match="no broker is set up"):
            logins.find(dataclasses.replace(profile, **other))


@pytest.mark.parametrize("kept", ["nonsense", "[1]"])
def test_what_another_program_left_in_the_keyring_is_no_login(kept):
    """It is as if there were none."""
    profile = settings.profile()
    keyrings.keep(f"mqtt:{profile.name}@{profile.origin}", kept, what="password", instead="")
    with pytest.raises(SubscriberMissingError, match="no broker is set up"):
        logins.find(profile)


@pytest.mark.parametrize(
    ("told", "heard"),
    [(None, f"{ACCOUNT}/#"), ("{account_id}/#", f"{ACCOUNT}/#"), (f"site/{ACCOUNT}/#", f"site/{ACCOUNT}/#")],
)
def test_the_filter_that_is_listened_to(told, heard):
    """The one that the portal told, the account's where it told none or only how it is made."""
    assert logins.filter_of(Login(Address("x", 1), "sub-1", Secret("x"), told), ACCOUNT) == heard
    with pytest.raises(UsageError, match="is not an MQTT topic filter"):
        logins.filter_of(Login(Address("x", 1), "sub-1", Secret("x"), "#/a"), ACCOUNT)


def test_whether_a_subscriber_is_set_up_is_told_of_each_profile():
    """Without asking anyone, and without an error where there is none."""
    club = dataclasses.replace(settings.profile(), name="club")
    settings.save(club)
    assert not has_subscriber("club")
    logins.keep_in_keyring(club, {"username": "sub-k", "password": Secret("k"), "host": "ring.example"})
    assert has_subscriber("club")
    assert not has_subscriber()


def test_no_repr_shows_a_password():
    """Logins and streams are shown without."""
    login = Login(Address("broker.example", 8883), "sub-1", Secret("hunter2"), None)
    assert "hunter2" not in repr(login)
