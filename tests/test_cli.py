"""The `isr` command: what it prints, its exit status, and that no token stands anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keyring
import pandas as pd
import pytest
from click.testing import CliRunner

from isr_analysis import settings
from isr_analysis.cli import cli
from isr_analysis.cli.live import table
from isr_analysis.cli.said import show
from isr_analysis.errors import IsrError, MissingExtraError, StoreError, UsageError
from isr_analysis.sandbox import broker
from isr_analysis.secret import Secret
from isr_analysis.streaming import login as logins


@pytest.fixture
def isr(sandbox, monkeypatch):
    """Give a function that runs a command against the sandbox, with a token in the environment."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    return lambda *words, **more: CliRunner().invoke(cli, list(words), **more)


def test_every_command_has_help():
    """Each says what it does."""
    shown = CliRunner().invoke(cli, ["--help"]).output
    names = [line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line.strip()]
    assert {"demo", "login", "logout", "doctor", "plan", "sync", "report", "sandbox"} <= set(names)
    for name in names:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, name
        assert "Usage:" in result.output


def test_the_package_is_the_command():
    """`python -m isr_analysis` is `isr`, where that is not on the path; its exit status, too."""
    done = subprocess.run(
        [sys.executable, "-m", "isr_analysis", "login", "--origin", "nowhere"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("isr: origin='nowhere' is no http or https address")


@pytest.mark.skipif(broker.program() is None, reason="mosquitto is not installed")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_sandbox_that_is_ended_leaves_nothing(tmp_path, name):
    """By Ctrl-C, a service manager, or a terminal that closes: its broker's folder goes with it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "isr_analysis", "sandbox", "--days", "1", "--broker"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 (nohup hands it down)
    )  # fmt: skip
    try:
        assert "# Ctrl-C ends it\n" in iter(child.stdout.readline, "")
        assert [*tmp_path.glob("isr-broker-*")]
        child.send_signal(getattr(signal, name))
        child.wait(60)
    finally:
        child.kill()
        child.communicate()
    assert not [*tmp_path.glob("isr-*")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_each_command_that_is_ended_puts_away_what_it_began(tmp_path, name):
    """As by Ctrl-C, so by `timeout`, cron or a service manager: what was being written is removed on the way out."""
    pipe = tmp_path / "slow.ipynb"
    os.mkfifo(pipe)
    child = subprocess.Popen(
        [sys.executable, "-m", "isr_analysis", "check-notebook", str(pipe)], stderr=subprocess.PIPE, text=True
    )
    with pipe.open("w"):  # there is a reader: it waits for words
        child.send_signal(getattr(signal, name))
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said.strip()) == (130, "isr: stopped; what was stored is kept")


@pytest.mark.parametrize("words", [(), ("cache",), ("publishers",), ("subscribers",), ("members",), ("tenants",)])
def test_the_list_of_commands_fits_a_terminal(words):
    """On 80 columns no command's line is cut short."""
    shown = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80).output
    lines = shown.partition("Commands:")[2].strip().splitlines()
    assert lines
    assert [one for one in lines if one.endswith("...")] == []


def test_the_demo_names_all_that_it_lacks_before_it_begins(monkeypatch):
    """One command installs it; nothing is served or loaded before."""
    monkeypatch.setattr("isr_analysis.cli.trial._NEEDS", ("uvicorn", "nothing_such", "nor_this"))
    result = CliRunner().invoke(cli, ["demo"])
    assert isinstance(result.exception, MissingExtraError)
    assert "needs nothing_such, nor_this, not installed" in str(result.exception)
    assert 'pip install "isr-analysis[report,sandbox]"' in str(result.exception)
    assert result.output == ""


def test_cache_clear_takes_no_range_of_what_is_decoded(isr):
    """It would remove more than was asked for."""
    result = isr("cache", "clear", "--decoded", "--start", "2026-11-01")
    assert isinstance(result.exception, UsageError)
    assert "--start" in str(result.exception)


def test_cache_clear_without_a_terminal(isr):
    """It says what to give, as every command that asks."""
    result = isr("cache", "clear")
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).endswith("Nobody is there to be asked: give --yes")


def test_cache_clear_says_that_recorded_messages_stay(isr):
    """What cannot be fetched again goes only where it is asked for, and nobody is left to think that it went."""
    assert isr("sync", "--last", "1h").exit_code == 0
    assert isr("record", "--source", "live", "--for", "1s").exit_code == 0
    for _ in range(2):
        result = isr("cache", "clear", "--yes")
        assert "recorded messages left: the portal may not have them (--recorded removes them)" in result.output
    assert result.output.startswith("0 messages removed\n")
    assert "  recorded  " in isr("cache").output
    result = isr("cache", "clear", "--recorded", "--yes")
    assert "messages removed; their files stay for an hour" in result.output
    assert "recorded" not in isr("cache").output
    assert isinstance(isr("cache", "clear", "--recorded", "--decoded").exception, UsageError)


def test_what_is_kept_as_json(isr, home):
    """For scripts: numbers and instants, and which files are lost; of an empty store, too."""
    empty = json.loads(isr("cache", "--json").output)
    assert (empty["messages"]["rows"], empty["fetched"]) == (0, None)
    assert isr("sync", "--start", "2026-11-20", "--end", "2026-11-21").exit_code == 0
    assert isr("record", "--source", "live", "--for", "1s").exit_code == 0
    lost = [path for path in home.rglob("*.parquet") if path.unlink() is None]
    shown = json.loads(isr("cache", "show", "--json").output)
    assert shown["messages"]["rows"] > 0
    assert shown["fetched"] == {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}
    named = shown["messages"]["lost"] + shown["recorded"]["lost"]
    assert sorted(Path(one).name for one in named) == sorted(path.name for path in lost)
    assert isr("cache").output.count("  lost      ") == len(lost) == 2


@pytest.mark.parametrize("group", ["cache", "publishers", "members"])
def test_a_group_without_a_command_takes_the_options_of_its_list(isr, group):
    """`isr cache --profile X` is `isr cache show --profile X`; the option may stand before the command, too."""
    for words in ((), ("list" if group != "cache" else "show",)):
        result = isr(group, "--origin", "http://127.0.0.1:1", *words)
        assert isinstance(result.exception, IsrError), words
        assert "http://127.0.0.1:1 cannot be reached" in str(result.exception)


def test_the_list_of_publishers_as_json(isr):
    """With the group's own option or the command's; topics stand in it as they are."""
    result = isr("publishers", "--json")
    assert result.output == isr("publishers", "list", "--json").output
    assert json.loads(result.output)[0]["client_id"]
    assert "\\/" not in result.output


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


@pytest.mark.parametrize("call", ["get_password", "delete_password"])
def test_logout_where_the_keyring_is_locked_can_be_given_again(isr, sandbox, monkeypatch, call):
    """The profile goes with its token, and not before it; nothing is said to be gone that is still there."""
    assert isr("login", "--profile", "work", input=sandbox.token).exit_code == 0

    def locked(*_):
        raise RuntimeError("locked")

    with monkeypatch.context() as patch:
        patch.setattr(keyring, call, locked)
        assert "did not give up the token" in str(isr("logout", "--profile", "work").exception)
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


def test_login_says_what_comes_before_the_keyring(isr, sandbox, monkeypatch):
    """The former token in a variable would go on being used."""
    assert "ISR_TOKEN is set and comes before the keyring" in isr("login", input=sandbox.token).stderr
    monkeypatch.delenv("ISR_TOKEN")
    assert isr("login", input=sandbox.token).stderr == ""


@pytest.mark.parametrize(("coding", "status"), [("utf-8-sig", 0), ("utf-16", 2)])
def test_a_token_from_a_file_of_windows(isr, sandbox, coding, status):
    """With a mark of its coding it is read; of another coding it is refused, in words."""
    done = isr("login", input=f"{sandbox.token}\r\n".encode(coding))
    assert done.exit_code == (status and 1)
    assert not status or "came as no text; give it as UTF-8" in str(done.exception)


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


def test_plan_and_sync(isr, sandbox):
    """A plan asks for no history; a sync brings it; then the plan says so."""
    span = ("--start", "2026-11-20", "--end", "2026-11-21")
    before = sandbox.requests("history")
    assert "to fetch: 1 window," in isr("plan", *span).output
    assert sandbox.requests("history") == before
    assert "messages came" in isr("sync", *span).output
    assert "all of it on disk" in isr("plan", *span).output
    assert isr("sync", "--quiet", *span).output == ""


def test_a_plan_of_many_days_is_a_line_a_range(isr):
    """Windows without a gap between them are one range, with its requests; the zone is named as it is at each end."""
    clients = ("--client", "isr-shack-01", "--client", "isr-hill-02")
    assert isr("sync", *clients, "--start", "2026-10-22", "--end", "2026-10-24").exit_code == 0
    planned = isr("plan", *clients, "--start", "2026-10-20", "--end", "2026-10-28", "--tz", "Europe/Zurich")
    assert planned.output.splitlines()[1:] == [
        f"  2026-10-{start} to 2026-10-{end}  {client}  #  {requests} requests"
        for client in sorted(clients[1::2])
        for start, end, requests in (
            ("20 00:00 CEST", "22 02:00 CEST", 3),
            ("24 02:00 CEST", "28 00:00 CET", 4),
        )
    ]


def test_plan_and_sync_as_json(isr, sandbox):
    """For scripts: instants as ISO 8601, and no word beside the one object."""
    span = ("--start", "2026-11-20", "--end", "2026-11-21", "--tz", "Europe/Zurich", "--json")
    planned = json.loads(isr("plan", *span).output)
    assert (planned["rows"], planned["requests"], planned["at_least"]) == (0, 2, True)
    assert planned["windows"][0]["start"] == "2026-11-20T00:00:00+01:00"
    assert [window["requests"] for window in planned["windows"]] == [1, 1]
    assert planned["quota"]["left"] > 0
    done = json.loads(isr("sync", *span).output)
    assert done["rows"] > 0
    assert json.loads(isr("plan", *span).output)["rows"] == done["rows"]


def test_live_as_json_is_a_line_a_message(isr):
    """No message is no line, also no empty one, which would be no JSON."""
    shown = isr("live", "--json", "--client", "isr-shack-01").output
    assert [json.loads(line)["client_id"] for line in shown.splitlines()] == ["isr-shack-01"]
    assert isr("live", "--json", "--client", "spare-01").output == ""


def test_nothing_that_was_published_is_obeyed_by_the_terminal():
    """A device names its fields and topics, a person a client: none of them moves the cursor or clears the screen."""
    at = pd.DatetimeIndex(["2026-11-20"], tz="UTC", name="time")
    df = pd.DataFrame({"client_id": ["a\x1b[2J"], "topic": ["t\nx"], "k\x1b]0;y\x07": ["v\x1b[31m"]}, index=at)
    df.attrs |= {"connected": True, "gaps": 0, "source": "live"}
    shown = table(df, at[0].value, "UTC", width=110, height=None)
    assert [line for line in shown if not line.isprintable()] == []
    assert shown[-1].split() == ["a·[2J", "t·x", "00:00:00", "0", "s", "ago", "k·]0;y·", "v·[31m"]


def test_no_label_is_obeyed_by_the_terminal(capsys):
    """Nor by a file that is looked at on one."""
    show(pd.DataFrame({"client_id": ["a"], "label": ["x\x1b[2J\ny"]}), as_json=False)
    assert capsys.readouterr().out.split("\n")[1].split() == ["a", "x·[2J\\ny"]


def test_export_writes_no_folder_of_the_name_of_standard_output(isr, tmp_path, monkeypatch):
    """Who gives a dash wants a stream, and would look for it."""
    monkeypatch.chdir(tmp_path)
    assert "standard output" in str(isr("export", "-", "--last", "1h").exception)
    assert list(tmp_path.iterdir()) == []


def run(*words, token=None, origin=None, tmp_path, **more):
    """Run the command as a process of its own, with more variables."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("ISR_")}
    env |= {"ISR_HOME": str(tmp_path / "home"), **more}
    env |= {k: v for k, v in {"ISR_TOKEN": token, "ISR_PORTAL_ORIGIN": origin}.items() if v}
    return subprocess.run(
        [sys.executable, "-c", "from isr_analysis.cli import main; main()", *words],
        capture_output=True, text=True, errors="replace", env=env, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "words", "status", "said"),
    [
        (None, ("sync",), 1, "no token"),
        ("isr_mqtt_rest_example-nobody-made-this", ("sync",), 1, "refused the token"),
        ("mine", ("sync", "--last", "ever"), 2, "not a duration"),
        ("mine", ("sync", "--topic", "a#"), 2, "no MQTT topic filter"),
        ("mine", ("sinc",), 2, "No such command 'sinc'. Did you mean sync?"),
        ("mine", ("doctor", "--profile", "nobody", "--origin", "http://portal.example"), 2, "plain http"),
    ],
)
def test_a_failure_is_one_message_and_an_exit_status(sandbox, tmp_path, token, words, status, said):
    """On standard error, without a traceback."""
    done = run(*words, token=sandbox.token if token == "mine" else token, origin=sandbox.origin, tmp_path=tmp_path)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sandbox.token not in done.stderr + done.stdout


def test_a_console_of_another_coding_shows_what_it_can(sandbox, tmp_path):
    """As of Windows, where a file or a pipe is no UTF-8: a mark that it lacks is a question mark, and no error."""
    done = run("doctor", token=sandbox.token, origin=sandbox.origin, tmp_path=tmp_path, PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("? ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file here is always full")
def test_a_full_disk_behind_standard_output_is_one_message():
    """As where a cron job's log has filled the disk."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "isr_analysis", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("isr: what it writes has no room there")


@pytest.mark.skipif(os.name != "posix", reason="no nohup here")
def test_what_the_system_refuses_is_one_message():
    """As reading what nohup gives in the place of a terminal, which can only be written."""
    with Path(os.devnull).open("w") as unreadable:
        done = subprocess.run(
            [sys.executable, "-m", "isr_analysis", "login"], stdin=unreadable, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "isr: what it reads or writes (Bad file descriptor)\n")


@pytest.mark.skipif(os.name != "posix", reason="no shell here closes a stream")
@pytest.mark.parametrize(("closed", "words", "status"), [("<&-", "login", 2), (">&-", "live", 0), ("2>&-", "sinc", 2)])
def test_a_stream_that_is_closed_is_an_empty_one(sandbox, tmp_path, closed, words, status):
    """As some service managers start a program."""
    env = {"ISR_HOME": str(tmp_path / "home"), "ISR_TOKEN": sandbox.token, "ISR_PORTAL_ORIGIN": sandbox.origin}
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m isr_analysis {words} {closed}', sys.executable],
        capture_output=True, text=True, env={**os.environ, **env}, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_doctor_as_json(isr):
    """For scripts: one object, and the exit status says whether all is well."""
    result = isr("doctor", "--json")
    shown = json.loads(result.output)
    assert result.exit_code == 0
    assert shown["well"] is True
    assert shown["contract"]["history"]["start"] == "start"


def test_what_is_typed_stands_on_a_line_of_its_own_in_the_help():
    """A command that reads standard input is not broken across lines, and so can be copied."""
    for words, typed in ((["login"], "isr login < token.txt"),
                         (["subscribers", "keep"], "isr subscribers keep sub-… < password.txt")):  # fmt: skip
        shown = CliRunner().invoke(cli, [*words, "--help"], terminal_width=60).output
        assert typed in [line.strip() for line in shown.splitlines()]
