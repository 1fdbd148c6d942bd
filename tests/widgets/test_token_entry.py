"""The token entry: what is typed is checked, used and never kept."""

from __future__ import annotations

import json
import threading

import keyring
import pytest

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.portal import connection, token


def state_of(widget) -> str:
    """Give all that a notebook could save of a widget and those within it."""
    import ipywidgets

    return json.dumps(ipywidgets.Widget.get_manager_state(), default=str) + repr(widget) + str(widget.get_state())


@pytest.mark.parametrize("pasted", ["{}", "  {}\n", '"{}"', "Bearer {}", "'Authorization: Bearer {}'"])
def test_a_token_is_accepted_however_it_was_pasted(sandbox, pasted):
    """The account is shown, and the loaders use the connection from then on."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.field._handle_custom_msg({"secret": pasted.format(sandbox.token)}, [])
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert f"Connected to {sandbox.origin}: account {sandbox.account_id[:8]}…;" in str(entry)  # as a report shows it
    assert connection.current(ask=False).account_id == sandbox.account_id
    for words_shown in (f"{sandbox.account_id[:8]}…", "Live REST API", "requests left this hour"):
        assert words_shown in entry.said.value + entry.opens.value
    assert entry.field.disabled is False


@pytest.mark.parametrize("accepted", [True, False])
def test_no_state_holds_what_was_typed(sandbox, accepted):
    """Accepted or not, widget state, repr and traits are free of it."""
    typed = sandbox.token if accepted else "isr_mqtt_rest_revoked-long-ago"
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(typed)
    assert typed not in state_of(entry)
    assert entry.wait()
    assert bool(entry.value) is accepted
    assert typed not in state_of(entry)
    assert sandbox.account_id not in state_of(entry) + str(entry)


def test_widgets_that_wait_for_a_token_begin_when_it_is_there(sandbox):
    """Above them it is entered, and nobody has to press Refresh; what was said of the former one goes."""
    explorer = isr.widgets.explorer("isr-shack-01", last="6h")
    parts = explorer, explorer.picker, explorer.dates
    board, told = isr.widgets.live_board(every="1min"), threading.Event()
    board.trouble.observe(lambda _: told.set(), "value")
    for one in (*parts, board):
        one._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert all(one.wait() for one in parts)
    assert told.wait(10)
    assert "no token" in board.trouble.value
    told.clear()
    assert "isr.widgets.token_entry() takes one" in explorer.picker.trouble.value
    assert "no token" in explorer.picker.trouble.value
    assert "no token" in explorer.dates.held.value
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(sandbox.token)
    assert entry.wait()
    assert all(one.wait() for one in parts)
    assert explorer.picker.trouble.value == ""
    assert "never fetched" in explorer.dates.held.value
    assert "to fetch" in explorer.plan.value
    assert told.wait(10)  # the board asks at once, not when it would have tried again
    assert board.trouble.value == ""
    explorer.close()
    board.close()


def test_what_is_no_token_is_refused_at_once_and_not_repeated(sandbox):
    """The form is checked before anything is sent."""
    before = sandbox.requests()
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit("hunter2")
    assert "isr_mqtt_rest_" in entry.said.value
    assert "Settings" in entry.said.value
    assert "hunter2" not in state_of(entry)
    assert sandbox.requests() == before


def test_settings_that_cannot_be_used_are_told_where_the_token_was_typed(sandbox, home, monkeypatch):
    """The page shows nothing of what is raised while it waits for no answer."""
    entry = isr.widgets.token_entry()
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", "ftp://portal.example")
    entry.field._handle_custom_msg({"secret": sandbox.token}, [])
    assert "not an http or https address" in entry.said.value
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("no TOML")
    entry.field._handle_custom_msg({"secret": sandbox.token}, [])
    assert "is not valid TOML" in entry.said.value
    assert entry.field.disabled is False


def test_a_refused_token_leaves_the_connection_as_it_was(sandbox):
    """The portal's reason is shown; what worked before still works."""
    former = connection.connect(sandbox.token, origin=sandbox.origin)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit("isr_mqtt_rest_revoked-long-ago")
    assert entry.wait()
    assert "Not accepted" in entry.said.value
    assert connection.current() is former


def test_a_token_is_replaced_after_rotation(sandbox):
    """The new one takes the place of the old one, in the keyring too."""
    old = sandbox.make_token()
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(old)
    assert entry.wait()
    assert old in keyring.get_keyring().kept.values()
    new = sandbox.rotate(old)
    entry.submit(new)
    assert entry.wait()
    assert [*keyring.get_keyring().kept.values()] == [new]
    assert len(isr.load_live()) > 0


def test_an_accepted_token_is_kept_when_asked_afterwards(sandbox):
    """The box may be ticked before or after; the profile is then found by name."""
    entry = isr.widgets.token_entry(profile="hill", origin=sandbox.origin)
    entry.submit(sandbox.token)
    assert entry.wait()
    assert keyring.get_keyring().kept == {}
    entry.keep.value = True
    assert entry.wait()
    assert "stored in the keyring" in entry.said.value
    isr.disconnect()
    assert isr.connect(profile="hill").account_id == sandbox.account_id


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_the_token_is_used_and_the_file_explained(sandbox):
    """A machine without a keyring is normal."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(sandbox.token)
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert "ISR_TOKEN_FILE" in entry.said.value
    assert entry.keep.value is False


def test_a_set_variable_that_comes_first_is_named(sandbox, monkeypatch):
    """A token kept in the keyring would be passed over by the next kernel."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(sandbox.token)
    assert entry.wait()
    assert "ISR_TOKEN is set" in entry.said.value


def test_a_platform_token_asks_for_the_account(sandbox):
    """The field for the account appears, and then it works."""
    key = sandbox.make_token(platform=True)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(key)
    assert "account" in entry.said.value
    assert entry.account.layout.display == "flex"
    entry.account.value = sandbox.account_id
    for _ in range(2):
        entry.submit(key)
        assert entry.wait()
        assert entry.value == sandbox.account_id
        assert entry.account.value == ""
        assert "Accepted: account" in entry.said.value  # the second time it is known
    named = isr.widgets.token_entry(origin=sandbox.origin, account_id=sandbox.account_id)
    named.submit(key)
    assert named.wait()
    assert named.value == sandbox.account_id


def test_a_token_that_is_set_up_is_checked_when_the_page_shows_the_entry(sandbox, monkeypatch):
    """Nothing is asked before."""
    before = sandbox.requests()
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    entry = isr.widgets.token_entry()
    assert sandbox.requests() == before
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == sandbox.account_id


@pytest.mark.parametrize("told", [{}, {"origin": "its own"}, {"profile": "default"}])
def test_a_connection_that_is_there_is_shown_and_left_as_it_is(sandbox, monkeypatch, told):
    """Who has connected is not asked for a token, nor connected anew with another one; its token can be kept."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.make_token())
    former = connection.connect(sandbox.token, origin=sandbox.origin)
    entry = isr.widgets.token_entry(**(told if "origin" not in told else {"origin": sandbox.origin}))
    assert entry.where.layout.display is None
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert "In use: account" in entry.said.value
    assert "Live REST API" in entry.opens.value
    assert entry.value == sandbox.account_id
    assert entry.where.layout.display == "none"
    assert connection.current() is former
    entry.keep.value = True
    assert entry.wait()
    assert keyring.get_keyring().kept == {("isr_analysis", f"default@{sandbox.origin}"): sandbox.token}


@pytest.mark.parametrize("told", [{"origin": "https://other.example"}, {"profile": "hill"}, {"account_id": "a-1"}])
def test_a_connection_to_another_portal_is_not_the_one_that_was_meant(sandbox, told):
    """Nothing is said of it, and a token is waited for."""
    connection.connect(sandbox.token, origin=sandbox.origin)
    entry = isr.widgets.token_entry(**told)
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == entry.said.value == ""
    assert entry.where.layout.display is None


def test_a_token_that_is_kept_for_one_portal_is_not_sent_to_another(sandbox):
    """The settings name a portal, and the entry was made for another."""
    usual = settings.profile(origin="https://other.example")
    settings.save(usual)
    token.to_keyring(usual, token.Token(sandbox.token))
    before = sandbox.requests()
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == entry.said.value == ""
    assert sandbox.requests() == before


def test_a_token_that_is_set_up_and_cannot_be_used_is_told(sandbox, monkeypatch):
    """Else nobody would know why the loaders fail."""
    monkeypatch.setenv("ISR_TOKEN", "hunter2")
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == ""
    assert "isr_mqtt_rest_" in entry.said.value
    assert "hunter2" not in state_of(entry)


def test_a_token_file_that_cannot_be_read_is_told(sandbox, monkeypatch, tmp_path):
    """It is not the same as no token at all, of which nothing is said."""
    monkeypatch.delenv("ISR_TOKEN", raising=False)
    monkeypatch.setenv("ISR_TOKEN_FILE", str(tmp_path / "not-there"))
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == ""
    assert "not-there cannot be read" in entry.said.value


def test_a_token_that_misses_an_add_on_says_which(sandbox):
    """It is accepted all the same."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(sandbox.make_token(["live"]))
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert "Programmatic History Download" in entry.opens.value
    assert "isr-warn" in entry.opens.value
