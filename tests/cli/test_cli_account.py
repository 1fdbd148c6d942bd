"""`isr login` and `isr logout`: where a token is kept, that it stands nowhere else, and what goes with it."""

from __future__ import annotations

import keyring
import pytest

from isr_analysis import settings
from isr_analysis.errors import IsrError, StoreError, UsageError
from isr_analysis.secret import Secret
from isr_analysis.streaming import login as logins


def test_login_checks_and_keeps_the_token(isr, sandbox, monkeypatch):
    """Read from standard input; the keyring has it, the output and the settings do not; then it is found."""
    monkeypatch.delenv("ISR_TOKEN")
    result = isr("login", input=f"  Bearer {sandbox.token}\n")
    assert result.exit_code == 0, result.exception
    assert sandbox.account_id in result.output
    assert "4,9" in result.output or "49" in result.output
    assert sandbox.token not in result.output
    assert keyring.get_password("isr_analysis", f"default@{sandbox.origin}") == sandbox.token
    assert isr("plan", "--last", "1h").exit_code == 0


def test_login_replaces_and_logout_forgets(isr, sandbox, monkeypatch):
    """After rotation the new token takes the old one's place."""
    monkeypatch.delenv("ISR_TOKEN")
    monkeypatch.delenv("ISR_PORTAL_ORIGIN")
    token = sandbox.make_token()
    for _ in range(2):
        assert isr("login", "--profile", "work", "--origin", sandbox.origin, input=token).exit_code == 0
        assert keyring.get_password("isr_analysis", f"work@{sandbox.origin}") == token
        token = sandbox.rotate(token)
    assert settings.profile("work").origin == sandbox.origin
    assert isr("logout", "--profile", "work").exit_code == 0
    assert keyring.get_password("isr_analysis", f"work@{sandbox.origin}") is None
    with pytest.raises(UsageError, match="there is no profile 'work'"):
        settings.profile("work")


@pytest.mark.parametrize("call", ["get_password", "delete_password"])
def test_logout_where_the_keyring_is_locked_can_be_given_again(isr, sandbox, monkeypatch, call):
    """The profile goes with its token, and not before it; nothing is said to be gone that is still there."""
    assert isr("login", "--profile", "work", input=sandbox.token).exit_code == 0

    def locked(*_):
        raise RuntimeError("locked")

    with monkeypatch.context() as patch:
        patch.setattr(keyring, call, locked)
        assert "could not be removed from the keyring" in str(isr("logout", "--profile", "work").exception)
    assert "token forgotten" in isr("logout", "--profile", "work").output
    assert keyring.get_keyring().kept == {}


def test_logout_forgets_the_token_of_the_portal_that_the_settings_have(isr, sandbox, monkeypatch):
    """Also where the environment names another one since."""
    assert isr("login", input=sandbox.token).exit_code == 0
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", "https://elsewhere.example")
    assert "token forgotten" in isr("logout").output
    assert keyring.get_keyring().kept == {}


def test_logout_forgets_the_subscriber_too(isr, sandbox):
    """What listens to the broker is a secret like the token; that of another profile stays."""
    work, club = (settings.profile(name, origin=sandbox.origin, may_be_new=True) for name in ("work", "club"))
    for profile in (work, club):
        logins.keep_in_keyring(profile, {"username": "sub-1", "password": Secret("p"), "host": "broker.example"})
    assert isr("login", "--profile", "work", input=sandbox.token).exit_code == 0
    assert "token and subscriber's login forgotten." in isr("logout", "--profile", "work").output
    assert [*keyring.get_keyring().kept] == [("isr_analysis", f"mqtt:club@{sandbox.origin}")]


def test_login_keeps_the_account_that_a_platform_operators_token_is_for(isr, sandbox, monkeypatch):
    """Under the name that the environment gives; later commands need not be told again."""
    monkeypatch.delenv("ISR_TOKEN")
    monkeypatch.setenv("ISR_PROFILE", "club")
    done = isr("login", "--account-id", sandbox.account_id, input=sandbox.make_token(platform=True))
    assert done.exit_code == 0, done.exception
    assert settings.profile("club").account_id == sandbox.account_id
    assert isr("plan", "--last", "1h").exit_code == 0


def test_logout_of_what_was_never_kept_says_so(isr, monkeypatch):
    """Also of a profile that is in the environment alone."""
    monkeypatch.setenv("ISR_PROFILE", "service")
    assert "there was no token in the keyring" in isr("logout").output


def test_login_says_what_comes_before_the_keyring(isr, sandbox, monkeypatch):
    """The former token in a variable would go on being used."""
    assert "ISR_TOKEN is set and comes before the keyring" in isr("login", input=sandbox.token).stderr
    assert isr("login", "--profile", "club", input=sandbox.token).stderr == ""  # nothing comes before a named one's
    monkeypatch.setenv("ISR_PROFILE", "club")
    assert "ISR_TOKEN is set" in isr("login", input=sandbox.token).stderr
    monkeypatch.setenv("ISR_TOKEN", " ")
    assert isr("login", input=sandbox.token).stderr == ""


@pytest.mark.parametrize(("coding", "status"), [("utf-8-sig", 0), ("utf-16", 2)])
def test_a_token_from_a_file_of_windows(isr, sandbox, coding, status):
    """With a mark of its coding it is read; of another coding it is refused, in words."""
    done = isr("login", input=f"{sandbox.token}\r\n".encode(coding))
    assert done.exit_code == (status and 1)
    assert not status or "is not text; give it as UTF-8" in str(done.exception)


def test_login_refuses_a_token_that_the_portal_refuses(isr, monkeypatch):
    """Nothing is kept."""
    monkeypatch.delenv("ISR_TOKEN")
    result = isr("login", input="isr_mqtt_rest_example-nobody-made-this")
    assert isinstance(result.exception, IsrError)
    assert keyring.get_keyring().kept == {}


def test_login_without_anything_to_read_says_how_it_is_given(isr):
    """An empty standard input, as under cron, is told apart from a wrong token."""
    result = isr("login", input="")
    assert isinstance(result.exception, UsageError)
    assert "isr login < token.txt" in str(result.exception)


def test_login_asks_the_portal_also_for_a_token_that_it_knows(isr, sandbox, monkeypatch):
    """A token that was taken back since is refused."""
    monkeypatch.delenv("ISR_TOKEN")
    token = sandbox.make_token()
    assert isr("login", input=token).exit_code == 0
    sandbox.revoke(token)
    assert isr("login", input=token).exit_code == 1


@pytest.mark.usefixtures("no_keyring")
def test_login_without_a_keyring_explains_the_file(isr, sandbox, monkeypatch):
    """A server has none: the message gives the commands, and no profile is kept whose token is nowhere."""
    monkeypatch.delenv("ISR_TOKEN")
    result = isr("login", input=sandbox.token)
    assert not (settings.profile().home / settings.CONFIG).exists()
    assert isinstance(result.exception, StoreError)
    assert "ISR_TOKEN_FILE" in str(result.exception)
    assert sandbox.token not in str(result.exception)
