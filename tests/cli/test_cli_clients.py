"""`isr publishers`, `isr subscribers`, `isr members`, `isr tenants` against the sandbox."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.cli import cli
from isr_analysis.errors import StoreError, UsageError
from isr_analysis.streaming import login as logins


@pytest.fixture
def here(monkeypatch):
    """Set the environment to a sandbox whose books may be changed."""
    with isr.sandbox.serve(days=1) as running:
        monkeypatch.setenv("ISR_TOKEN", running.token)
        monkeypatch.setenv("ISR_PORTAL_ORIGIN", running.origin)
        yield running


@pytest.fixture
def no_open_file_goes(monkeypatch):
    """Refuse to remove a file that this process has open, as Windows does."""
    unlink = os.unlink

    def refused(path, **more):
        if any(one.exists() and one.samefile(path) for one in Path("/proc/self/fd").iterdir()):
            raise PermissionError(errno.EACCES, "it is in use", os.fspath(path))
        unlink(path, **more)

    monkeypatch.setattr(os, "unlink", refused)


def run(*words, given=None):
    """Run a command, and give what it prints."""
    return CliRunner().invoke(cli, words, input=given, catch_exceptions=False)


def said(*words):
    """Run a command with --json, and give what it prints."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_publishers_from_the_first_to_the_last(here, tmp_path):
    """A client is made, listed, paused, resumed, rotated and removed."""
    file = tmp_path / "site.toml"
    made = said("publishers", "create", "Site alpha", "--allow-subscribe", "--out", str(file))
    assert made["device.client_id"] == "site-alpha"
    assert made["device.password"] == "…"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = tomllib.loads(file.read_text())
    assert kept["username"] == made["device.username"]
    assert len(kept["password"]) > 16
    assert "site-alpha" in {row["client_id"] for row in said("publishers", "list")}
    assert "site-alpha" in run("publishers", "list").stdout
    assert said("publishers", "pause", "site-alpha", "--yes")["paused"] is True
    assert said("publishers", "resume", "site-alpha")["paused"] is False
    assert said("publishers", "rotate", "site-alpha", "--yes", "--keyring")["password"] == "…"
    rotated = keyring.get_password("isr_analysis", f"mqtt-client:site-alpha@{here.origin}")
    assert rotated not in (None, kept["password"])
    assert run("publishers", "remove", "site-alpha", "--yes").exit_code == 0
    assert "site-alpha" not in {row["client_id"] for row in said("publishers", "list")}


def test_the_list_of_publishers_fits_a_terminal(here):
    """The account is not repeated in full; JSON says everything."""
    shown = run("publishers", "list").stdout
    assert run("publishers").stdout == shown
    assert shown.split("\n")[0].split() == ["client_id", "label", "paused", "topic"]
    assert here.account_id not in shown
    assert f"{here.account_id[:8]}…/isr-shack-01/#" in shown
    assert max(map(len, shown.splitlines())) <= 100
    rows = said("publishers", "list")
    assert {"history_topic_prefix", "username"} <= set(rows[0])
    assert rows[0]["topic"].startswith(f"{here.account_id}/")


def test_a_subscriber_is_kept_where_the_stream_finds_it(here, tmp_path, monkeypatch):
    """What --keyring and --out keep is the login that a stream takes."""
    made = said("subscribers", "create", "desk", "--days", "3", "--host", "broker.example", "--keyring")
    profile = settings.profile()
    found = logins.find(profile)
    assert (found.username, str(found.address)) == (made["username"], "mqtts://broker.example:8883")
    assert found.account_id == here.account_id
    file = tmp_path / "login"
    other = said("subscribers", "create", "desk", "--host", "broker.example:8884", "--out", str(file))
    monkeypatch.setenv("ISR_MQTT_PASSWORD_FILE", str(file))
    found = logins.find(profile)
    assert (found.username, found.address.port) == (other["username"], 8884)
    assert found.password.reveal() in file.read_text()


def test_a_login_made_in_the_portal_is_kept(here):
    """`isr subscribers keep` reads a password from standard input; a token in its place is refused."""
    done = run("subscribers", "keep", "sub-1", "--host", "broker.example", given="pass word\n")
    assert done.exit_code == 0
    assert "pass word" not in done.output
    assert logins.find(settings.profile()).password.reveal() == "pass word"
    with pytest.raises(UsageError, match="not for MQTT"):
        run("subscribers", "keep", "sub-1", "--host", "broker.example", given=f"{here.token}\n")
    with pytest.raises(UsageError, match="no password was given"):
        run("subscribers", "keep", "sub-1", "--host", "another.example", given="\n")
    assert logins.find(settings.profile()).address.host == "broker.example"


def test_members_invites_and_tenants(here):
    """Members are listed, given roles and removed; invites made, listed and withdrawn; a tenant is made."""
    rows = said("members", "list")
    assert run("members").stdout == run("members", "list").stdout
    friend = next(row["user_id"] for row in rows if row["role"] == "member")
    assert said("members", "role", friend, "data_manager", "--yes")["role"] == "data_manager"
    assert run("members", "remove", friend, "--yes").exit_code == 0
    assert friend not in {row["user_id"] for row in said("members", "list")}
    assert run("members", "invites").stdout.strip() == "(none)"
    made = said("members", "invite", "colleague@example.com", "--role", "data_manager")
    assert [row["invite_id"] for row in said("members", "invites")] == [made["invite_id"]]
    assert run("members", "withdraw", made["invite_id"], "--yes").exit_code == 0
    assert said("members", "invites") == []
    assert said("tenants", "create", "Production East", "--yes")["display_name"] == "Production East"
    assert here.requests("tenants") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("publishers", "pause", "isr-shack-01"),
        ("publishers", "remove", "isr-shack-01"),
        ("publishers", "rotate", "isr-shack-01", "--keyring"),
        ("members", "remove", "someone"),
        ("members", "role", "someone", "owner"),
        ("members", "withdraw", "something"),
        ("tenants", "create", "East"),
    ],
)
def test_where_nobody_can_be_asked_nothing_is_done(here, words):
    """What cannot be undone needs --yes in a script, and nothing goes out without."""
    with pytest.raises(UsageError, match="--yes"):
        run(*words, given="y\n")
    assert here.requests() == 0


def test_what_is_not_in_a_list_is_said_in_the_portals_words(here):
    """A slip in an id is no reason to doubt that the portal is one."""
    with pytest.raises(isr.errors.RequestRefusedError, match="there is no client 'isr-shak'") as caught:
        run("publishers", "resume", "isr-shak")
    assert str(caught.value).endswith("look at the list for the ids there are")


def test_a_new_password_never_goes_into_a_pipe(here):
    """Without a terminal a place for the password must be named, before anything is made."""
    for words in (
        ("publishers", "create", "a"),
        ("subscribers", "create", "a"),
        ("subscribers", "create", "a", "--json"),
    ):
        with pytest.raises(UsageError, match="--out FILE"):
            run(*words)
    assert here.requests() == 0


def test_the_place_is_made_sure_of_before_anything_is_made(here, tmp_path, no_keyring):
    """A file that is there, a folder that is not, or no keyring at all: an error, and no request."""
    there = tmp_path / "there"
    there.write_text("something else")
    for place, error in (
        (["--out", str(there)], UsageError),
        (["--out", str(tmp_path / "no" / "folder")], StoreError),
        (["--keyring"], StoreError),
    ):
        with pytest.raises(error):
            run("subscribers", "create", "a", *place)
    assert here.requests() == 0
    assert there.read_text() == "something else"


def full_from(call, monkeypatch):
    """Let the disk be full from so many times on that something is made sure of."""
    sync, calls = os.fsync, []

    def fsync(file):
        calls.append(file)
        if len(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_disk_that_is_full_shows_before_anything_is_made(here, tmp_path, monkeypatch):
    """There is room for the login before the portal is asked for it."""
    full_from(1, monkeypatch)
    with pytest.raises(StoreError, match=r"login cannot be written \(No space left on device\); nothing was created"):
        run("subscribers", "create", "a", "--out", str(tmp_path / "login"))
    assert here.requests() == 0
    assert list(tmp_path.glob("login*")) == []


def test_a_password_that_cannot_be_kept_after_all_is_written_out(here, tmp_path, monkeypatch):
    """The portal shows it this once: as a last resort it stands on standard error, and the command fails."""
    full_from(2, monkeypatch)
    done = CliRunner().invoke(cli, ["subscribers", "create", "a", "--out", str(tmp_path / "login")])
    assert isinstance(done.exception, StoreError)
    assert "No space left on device" in str(done.exception)
    assert re.search(r"^password +[^ …]{16,}$", done.stderr, re.MULTILINE)
    assert done.stdout == ""
    assert not (tmp_path / "login").exists()


def test_what_one_of_two_places_has_is_not_written_out(here, tmp_path, monkeypatch):
    """The file has the login, the keyring failed: that is an error, but no reason to show the password."""
    monkeypatch.setattr(logins, "keep_in_keyring", lambda *_: (_ for _ in ()).throw(StoreError("it is locked")))
    file = tmp_path / "login"
    done = CliRunner().invoke(cli, ["subscribers", "create", "a", "--out", str(file), "--keyring"])
    assert str(done.exception) == "the login is stored in only one of the two places: it is locked"
    assert tomllib.loads(file.read_text())["password"] not in done.output


def test_a_keyring_that_keeps_nothing_is_none(here, monkeypatch):
    """Python's null keyring takes everything and has nothing: that shows before anything is made."""
    monkeypatch.setattr("keyring.get_password", lambda *_: None)
    with pytest.raises(StoreError, match=r"cannot be read back.*Have it written into a file with --out FILE"):
        run("publishers", "create", "a", "--keyring")
    assert here.requests() == 0


def test_a_failure_leaves_no_empty_file(here, tmp_path, no_open_file_goes):
    """If nothing was made, the file for its password goes again, on Windows too."""
    here.fail("down", route="subscriber-mqtt-passwords")
    file = tmp_path / "login"
    with pytest.raises(isr.errors.PortalUnavailableError, match="may have taken effect"):
        run("subscribers", "create", "a", "--out", str(file))
    assert not file.exists()


def on_a_terminal(*words, answer=None):
    """Run the command on a terminal of its own, and give what was seen there."""
    main, other = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", "from isr_analysis.cli import main; main()", *words], stdin=other, stdout=other,
        stderr=other, env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
    )  # fmt: skip
    os.close(other)
    if answer is not None:
        os.write(main, answer)
    seen = b""
    try:
        while part := os.read(main, 10_000):
            seen += part
    except OSError:  # the other side was closed
        pass
    os.close(main)
    return child.wait(60), seen.decode()


def test_on_a_terminal_the_password_is_shown_once_with_a_warning(here):
    """Where someone looks on, the password is printed, with the advice to note it."""
    code, seen = on_a_terminal("subscribers", "create", "desk")
    assert code == 0
    assert "will not be shown again" in seen
    password = next(line.split()[1] for line in seen.splitlines() if line.startswith("password"))
    assert len(password) > 16


def test_on_a_terminal_the_question_is_asked(here):
    """No is no: nothing goes out."""
    code, seen = on_a_terminal("publishers", "remove", "isr-shack-01", answer=b"n\n")
    assert code == 130
    assert "permanently?" in seen
    assert here.requests() == 0
