"""The token is in no file that is written: not in the home folder, a report, a notebook, a log, or the process list."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import click
import pytest

import isr_analysis as isr
from isr_analysis import errors

DRIVER = """
import logging, sys, traceback
logging.basicConfig(level=logging.DEBUG, filename="log.txt")
import isr_analysis as isr
from isr_analysis.errors import IsrError

portal = isr.connect()
df = isr.load_history(last="6h")
isr.load_live(), isr.load_publishers(), isr.coverage(last="6h"), isr.plan_history(last="2d")
df.to_pickle("frame.pkl"), df.to_csv("frame.csv")
isr.load_history(topic="telemetry/watt_meter", last="6h").to_parquet("f")
print(repr(portal), df.attrs)
isr.build_report("out/report.html", last="6h", title="Leaks")
for bad in (dict(topic="a#"), dict(tz="Mars/Olympus"), dict(fields="nothing-of-the-kind")):
    try:
        isr.load_history(last="6h", **bad)
    except IsrError:
        traceback.print_exc()
"""


def files_with(needles: list[bytes], *folders: Path) -> list[str]:
    """Give the files that hold one of the texts."""
    return [
        str(path.relative_to(folder))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


@pytest.mark.notebook
def test_the_token_is_in_no_file(sandbox, tmp_path):
    """After loads, a report, frames written out, and failures, with every library's finest log."""
    (tmp_path / "driver.py").write_text(DRIVER)
    token = sandbox.make_token()
    env = {**os.environ, "ISR_TOKEN": token, "ISR_PORTAL_ORIGIN": sandbox.origin, "ISR_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "driver.py"], cwd=tmp_path, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
    assert (tmp_path / "log.txt").stat().st_size > 1000
    secret = token.encode()
    assert files_with([secret, secret[-16:], secret[::-1]], tmp_path) == []
    assert secret not in done.stdout + done.stderr


def test_the_token_is_not_on_the_process_list(sandbox, tmp_path):
    """No command takes it as an argument, nor one within another."""
    from isr_analysis.cli import cli

    left, seen = [cli], []
    while left:
        command = left.pop()
        seen.append(command.name)
        assert not [param.name for param in command.params if "token" in (param.name or "")], command.name
        if isinstance(command, click.Group):
            left += [command.get_command(None, name) for name in command.list_commands(None)]
    assert {"login", "sync", "create", "verify"} <= {*seen}


SLIPPED = "isr_mqtt_rest_slipped-0123456789"


@pytest.mark.parametrize("name", ["ORIGIN", "ACCOUNT_ID", "PROFILE", "CONTRACT", "TOKEN_FILE"])
def test_a_token_in_the_place_of_another_setting_is_not_shown(name, monkeypatch):
    """Neither by the error nor by those that it came from; nothing is kept or asked for under it."""
    variable = {"ORIGIN": "ISR_PORTAL_ORIGIN"}.get(name, f"ISR_{name}")
    monkeypatch.setenv(variable, SLIPPED)
    with pytest.raises(errors.UsageError, match="not shown") as caught:
        isr.load_live()
    assert SLIPPED not in "".join(traceback.format_exception(caught.value))
    monkeypatch.delenv(variable)
    if name != "TOKEN_FILE":
        with pytest.raises(errors.UsageError, match="not shown") as caught:
            isr.connect(**{name.lower(): SLIPPED})
        assert SLIPPED not in "".join(traceback.format_exception(caught.value))


def test_a_file_may_be_named_after_what_it_holds(sandbox, tmp_path, monkeypatch):
    """Its name is no token."""
    (path := tmp_path / "isr_mqtt_rest_token_of_the_shack.txt").write_text(sandbox.token)
    path.chmod(0o600)
    monkeypatch.setenv("ISR_TOKEN_FILE", str(path))
    assert isr.connect(origin=sandbox.origin).account_id == sandbox.account_id


def test_a_token_in_the_place_of_a_client_is_neither_shown_nor_sent(sandbox):
    """As a parameter of a question it would stand in the logs of every proxy."""
    with sandbox.connect() as portal:
        before = sandbox.requests()
        with pytest.raises(errors.UsageError, match=r"client_id='\(a token\)' is not a client id") as caught:
            isr.load_history(sandbox.token, last="1h", portal=portal)
        assert sandbox.token not in "".join(traceback.format_exception(caught.value))
        assert sandbox.requests() == before


@pytest.mark.parametrize("typed", [[SLIPPED], ["login", SLIPPED], ["sync", SLIPPED], ["login", "--profile", SLIPPED],
                                   ["sync", "--origin", SLIPPED], ["sync", "--last", SLIPPED]])  # fmt: skip
def test_a_token_that_was_typed_behind_a_command_is_not_shown(typed):
    """Standard error may be a log."""
    done = subprocess.run([sys.executable, "-m", "isr_analysis", *typed], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert SLIPPED not in done.stdout + done.stderr
