"""The `isr` command: what it prints, its exit status, and that no token stands anywhere."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from isr_analysis import times
from isr_analysis.cli import cli
from isr_analysis.cli.live import table
from isr_analysis.cli.said import show
from isr_analysis.errors import HistoryIncompleteError, IsrError, MissingExtraError, UsageError
from isr_analysis.sandbox import broker


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
    assert done.stderr.startswith("isr: origin='nowhere' is not an http or https address")


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
        while child.poll() is None:  # one that comes just before it waits would only be seen after that
            child.send_signal(getattr(signal, name))
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=10)
    _, said = child.communicate()
    assert (child.returncode, said.strip()) == (130, "isr: stopped; what was stored is kept")


@pytest.mark.parametrize("words", [(), ("cache",), ("publishers",), ("subscribers",), ("members",), ("tenants",)])
def test_the_list_of_commands_fits_a_terminal(words):
    """On 80 columns no command's line is cut short."""
    shown = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80).output
    lines = shown.partition("Commands:")[2].strip().splitlines()
    assert lines
    assert [one for one in lines if one.endswith("...")] == []


@pytest.mark.parametrize(
    "words",
    [
        ("plan",), ("sync", "--last", "1h"), ("export", "a.csv", "--last", "1h"), ("live",), ("publishers",),
        ("members",), ("record", "--source", "live", "--for", "1s"), ("cache",), ("doctor",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_is_of_the_profile_that_is_named(isr, sandbox, monkeypatch, words):
    """Its portal and its token, and no other's."""
    monkeypatch.delenv("ISR_TOKEN")
    monkeypatch.delenv("ISR_PORTAL_ORIGIN")
    assert isr("login", "--profile", "club", "--origin", sandbox.origin, input=sandbox.token).exit_code == 0
    done = isr(*words, "--profile", "club")
    assert (done.exit_code, done.exception) == (0, None)


def test_history_is_asked_for_again_or_not_at_all_where_that_is_said(isr, sandbox):
    """`--refresh` asks for what is there, `--offline` for nothing."""
    hour = ("--start", "2026-11-20", "--end", "2026-11-20T01:00")
    before = sandbox.requests("history")
    assert isinstance(isr("export", "a.csv", *hour, "--offline").exception, HistoryIncompleteError)
    assert sandbox.requests("history") == before
    came = [json.loads(isr("sync", *hour, "--json", *more).output)["rows"] for more in ((), (), ("--refresh",))]
    assert came[0] == came[2] > came[1] == 0


def test_the_demo_names_all_that_it_lacks_before_it_begins(monkeypatch):
    """One command installs it; nothing is served or loaded before."""
    monkeypatch.setattr("isr_analysis.cli.trial._NEEDS", ("uvicorn", "nothing_such", "nor_this"))
    result = CliRunner().invoke(cli, ["demo"])
    assert isinstance(result.exception, MissingExtraError)
    assert "needs nothing_such, nor_this, which is not installed" in str(result.exception)
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
    assert str(result.exception).endswith("There is nobody to ask: give --yes")


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


def test_plan_and_sync(isr, sandbox):
    """A plan asks for no history; a sync brings it; then the plan says so."""
    span = ("--start", "2026-11-20", "--end", "2026-11-21")
    before = sandbox.requests("history")
    assert "to fetch: 1 window," in isr("plan", *span).output
    assert sandbox.requests("history") == before
    assert "messages came" in isr("sync", *span).output
    assert "all of it on disk" in isr("plan", *span).output
    assert isr("sync", "--quiet", *span).output == ""
    assert isr("export", "day.csv", "--quiet", *span).output == ""


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
        ("mine", ("sync", "--last", "ever"), 2, "--last 'ever' is not a duration"),
        ("mine", ("sync", "--last", "1d", "--start", "2026-11-01"), 2, "both --start and --last were given"),
        ("mine", ("sync", "--tz", "Mars/X"), 2, "--tz 'Mars/X'"),
        ("mine", ("sync", "--topic", "a#"), 2, "not an MQTT topic filter"),
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


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: os.truncate(file, 1000)])
def test_a_sync_tells_of_what_it_has_lost(sandbox, tmp_path, harm):
    """Nobody else would, under cron: by the ledger the range is on disk, and nothing is fetched. Once more, it is."""
    span = ("--start", times.iso(sandbox.now() - 4 * times.DAY)[:10], "--end", times.iso(sandbox.now())[:10])
    here = {"token": sandbox.token, "origin": sandbox.origin, "tmp_path": tmp_path}
    assert run("sync", *span, "--quiet", **here).returncode == 0
    lost, *_ = sorted(tmp_path.rglob("accounts/**/parts/**/*.parquet"))
    harm(lost)
    done = run("sync", *span, "--quiet", **here)
    assert done.returncode == 1
    assert lost.name in done.stderr
    assert "`isr sync --refresh`" in done.stderr
    assert run("sync", *span, "--quiet", "--refresh", **here).returncode == 0
    done = run("sync", *span, "--quiet", **here)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_console_of_another_coding_shows_what_it_can(sandbox, tmp_path):
    """As of Windows, where a file or a pipe is no UTF-8: what is well is told from what is not, and nothing fails."""
    here = {"origin": sandbox.origin, "tmp_path": tmp_path, "PYTHONIOENCODING": "cp1252"}
    done = run("doctor", token=sandbox.token, **here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("+ ")
    done = run("doctor", token="isr_mqtt_rest_none", **here)
    assert any(line.startswith("x ") for line in done.stdout.splitlines())
    assert " > " in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file here is always full")
def test_a_full_disk_behind_standard_output_is_one_message():
    """As where a cron job's log has filled the disk."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "isr_analysis", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "isr: the output could not be written (No space left on device)\n"


@pytest.mark.skipif(os.name != "posix", reason="no nohup here")
def test_what_the_system_refuses_is_one_message():
    """As reading what nohup gives in the place of a terminal, which can only be written."""
    with Path(os.devnull).open("w") as unreadable:
        done = subprocess.run(
            [sys.executable, "-m", "isr_analysis", "login"], stdin=unreadable, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "isr: a file could not be used (Bad file descriptor)\n")


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


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["reprot"], "Did you mean report or export?"),
        (["publishers", "delete", "x"], "There are create, list, pause, remove, resume, rotate."),
        (["publishers", "remov", "x"], "Did you mean remove?"),
        (["--profile", "club", "plan"], "put it after the command: isr COMMAND --profile."),
        (["cache", "--last", "3d"], "put it after the command: isr cache COMMAND --last."),
    ],
)
def test_a_command_or_option_that_is_not_there_leads_on(words, hint):
    """To what is like it, to what there is, or to where it belongs."""
    result = CliRunner().invoke(cli, words, prog_name="isr")
    assert result.exit_code == 2
    assert hint in " ".join(result.output.split())


@pytest.mark.parametrize("words", [["report", "2027/01/week.html"], ["export", "2027/01/week.csv"]])
def test_folders_on_the_way_to_a_file_are_made(isr, words, tmp_path):
    """A crontab that sorts by year and month does not end on New Year's Eve."""
    assert isr(*words, "--last", "1h", "--client", "isr-shack-01", "--topic", "heartbeat").exit_code == 0
    assert (tmp_path / words[1]).exists()
