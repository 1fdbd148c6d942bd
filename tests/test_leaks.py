"""The token is in no file that is written: not in the home folder, a report, a notebook, a log, or the process list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

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
