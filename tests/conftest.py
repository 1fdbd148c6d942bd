"""What every test has: folders, settings, keyring and time zone of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx_retries
import keyring
import pytest
from hypothesis import HealthCheck, settings
from keyring.backend import KeyringBackend
from keyring.errors import NoKeyringError, PasswordDeleteError

settings.register_profile("isr", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("isr")

# A shell lets what it runs in the background ignore Ctrl-C; what the tests start, and interrupt, would ignore it, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class MemoryKeyring(KeyringBackend):
    """A keyring that lives as long as its test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


class NoKeyring(KeyringBackend):
    """What a server or a container has."""

    priority = 0

    def get_password(self, *asked: str) -> str | None:
        raise NoKeyringError(asked[:2])

    set_password = delete_password = get_password


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Isolate environment, home folder, keyring, default connection, and a machine zone that is nobody's.

    Where a request is repeated, that is done at once. Certificates that the machine names are read for each connection,
    which takes a quarter of the time of tests that make many.
    """
    monkeypatch.setattr(httpx_retries.Retry, "sleep", lambda *_: None)
    for name in [*os.environ]:
        if name.startswith(("ISR_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ISR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TZ", "America/St_Johns")
    monkeypatch.chdir(tmp_path)
    time.tzset()
    former = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    if connection := sys.modules.get("isr_analysis.portal.connection"):
        connection.disconnect()
    keyring.set_keyring(former)
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[object]:
    """Run one sandbox portal for all tests that do not change its fleet.

    It has ten years of history, as tests ask for days of 2026 by their dates.
    """
    from isr_analysis import sandbox

    with sandbox.serve(days=3650) as running:
        yield running


@pytest.fixture
def sandbox(one_sandbox: object) -> Iterator[object]:
    """Give the sandbox portal, well and with a whole quota."""
    one_sandbox.heal()
    one_sandbox.set_quota()
    yield one_sandbox
    one_sandbox.heal()


@pytest.fixture
def isr(sandbox: object, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Give a function that runs a command against the sandbox, with a token in the environment."""
    from click.testing import CliRunner

    from isr_analysis.cli import cli

    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    return lambda *words, **more: CliRunner().invoke(cli, list(words), **more)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give the home folder that `ISR_HOME` names."""
    return tmp_path / "home"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be missing (CI), a skipped test is a failure; or it is noted, to be run with what it needs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = dict.fromkeys(one.nodeid for one in reporter.stats.get("skipped", []))
    if file := os.environ.get("SKIPPED_TO"):
        Path(file).write_text("\n".join(skipped), "utf-8")
    elif os.environ.get("CI") and skipped and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run the whole suite side by side: half of its time is waiting. What is asked for by name runs in this process."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    usual = config.option.markexpr == "not benchmark and not campaign"
    return (os.cpu_count() or 1) + 1 if whole and usual else 0


@pytest.fixture
def no_keyring() -> None:
    """Take the keyring away."""
    keyring.set_keyring(NoKeyring())


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Give a function that makes a folder read-only, as a mounted medium is; undone at the end."""
    mounted: list[Path] = []

    def make(folder: Path) -> None:
        mounted.append(folder)
        for options in ("bind", "remount,bind,ro"):
            done = subprocess.run(["mount", "-o", options, folder, folder], capture_output=True, check=False)
        if done.returncode and os.geteuid() == 0:
            pytest.skip("to root without the right to mount, nothing is read-only")
        for one in (*folder.rglob("*"), folder) if done.returncode else ():
            one.chmod(0o500)

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], capture_output=True, check=False)
        if folder.exists():
            folder.chmod(0o700)
            for one in folder.rglob("*"):
                one.chmod(0o700)


@pytest.fixture
def line_to(tmp_path: Path) -> Iterator[Callable[..., object]]:
    """Give a function that makes a line to a portal, as of `wires.lines`."""
    from wires import lines

    with lines(tmp_path) as make:
        yield make
