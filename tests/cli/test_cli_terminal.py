"""Commands at a terminal: what is drawn there, and what is asked for there."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading

import pytest

if not hasattr(os, "openpty"):
    pytest.skip("there are no terminals of one's own here", allow_module_level=True)

import termios

ROWS, COLUMNS = 8, 50


@pytest.fixture
def terminal(sandbox, monkeypatch):
    """Give a function that runs a command at a small terminal, and gives its exit status and what stood there."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # and not that of who runs the tests
    monkeypatch.setenv("TERM", "xterm")

    def run(*words, typed="", after="\0"):
        ours, theirs = os.openpty()
        termios.tcsetwinsize(ours, (ROWS, COLUMNS))
        child = subprocess.Popen(
            [sys.executable, "-m", "isr_analysis", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            # readline sets LINES and COLUMNS for all that a process starts, workers of the tests among them
            env={name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")},
        )  # fmt: skip
        os.close(theirs)
        limit = threading.Timer(60, child.kill)
        limit.start()
        said = b""
        with contextlib.suppress(OSError):  # how a terminal ends whose other side is closed
            while part := os.read(ours, 10_000):
                said += part
                if after.encode() in said:
                    os.write(ours, typed.encode())
                    after = "\0"
        os.close(ours)
        limit.cancel()
        return child.wait(60), said.decode()

    return run


def test_a_table_of_the_last_messages_takes_the_place_of_the_former(terminal):
    """It begins at the top, fits the terminal, and leaves nothing of what stood there."""
    code, said = terminal("live", "--source", "live", "--for", "2s", "--every", "1s", "--tz", "Asia/Tokyo")
    assert code == 0, said
    before, *tables = said.split("\x1b[H")
    assert before == "\x1b[2J\x1b[1;1H"
    assert tables
    for one in tables:
        drawn, _, below = one.partition("\x1b[J")
        lines = drawn.replace("\x1b[K", "").split("\r\n")
        assert len(lines) <= ROWS
        assert all(len(line) <= COLUMNS for line in lines)
        assert (lines[-1], below) == ("", "")
        assert " JST · " in lines[0]
        assert re.fullmatch(r"… and \d+ more", lines[-2])


def test_at_a_terminal_messages_for_scripts_are_drawn_nowhere(terminal):
    """With `--json` they stand one after the other."""
    code, said = terminal("live", "--source", "live", "--for", "1s", "--every", "1s", "--json")
    assert code == 0, said
    assert "\x1b" not in said
    assert said.startswith('{"time": ')


def test_a_recorder_says_how_it_stands_in_one_line(terminal):
    """Each look takes the place of the one before, and so does what it says at its end."""
    code, said = terminal("record", "--source", "live", "--for", "1s", "--every", "1s")
    assert code == 0, said
    look, end = said.split("\r\x1b[K")
    assert "from the live answer" in look
    assert "\n" not in look
    assert "from the live answer" in end


def test_a_token_is_asked_for_and_not_shown(terminal, sandbox):
    """It is said where one is made; once it was checked, that there is no keyring here."""
    prompt = "Token (not shown): "
    code, said = terminal("login", typed=f"{sandbox.token}\n", after=prompt)
    assert said.startswith("Make one in the portal")
    assert prompt in said
    assert sandbox.token not in said
    assert (code, "no keyring that can store the token" in said) == (1, True)
