"""The `isr` command."""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import signal
import sys
import warnings
from pathlib import Path

import click

import isr_analysis as isr
from isr_analysis.cli.options import Group
from isr_analysis.errors import IsrError, UsageError, without_tokens

_FAILED, _USAGE, _STOPPED = 1, 2, 130

_ARGUMENT = re.compile(r"\b(refresh|offline)=True\b|\b(start|end|last|tz|topic|client_id)=(?=$|[\s'\"),;.])")
"""Arguments of Python, as messages name them; the commands have options called the same."""

_HOME = {
    "cache": "cache",
    "check-notebook": "notebooks",
    "demo": "trial",
    "doctor": "account",
    "export": "history",
    "live": "live",
    "login": "account",
    "logout": "account",
    "members": "people",
    "plan": "history",
    "publishers": "clients",
    "record": "live",
    "report": "report",
    "sandbox": "trial",
    "subscribers": "clients",
    "sync": "history",
    "tenants": "people",
}
"""The module in which each command stands; it is imported when the command is used."""


class _Commands(Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(_HOME)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _HOME:
            return None
        module = importlib.import_module(f"isr_analysis.cli.{_HOME[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(isr.__version__, prog_name="isr")
def cli() -> None:
    """Telemetry from the iShareRadio portal: history, live answers, plots, reports.

    Never put a token on the command line: store it with `isr login`, or set ISR_TOKEN or ISR_TOKEN_FILE.
    """


def main() -> None:
    """Run the command; an error of ours is one message on standard error, and the exit status is not 0."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started it
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (to the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a console or a file of another coding has not is a "?"
            stream.reconfigure(errors="replace")
    _end_as_by_ctrl_c()
    warnings.showwarning = lambda message, *_, **__: click.echo(f"isr: {_in_options(message)}", err=True)
    try:
        code = cli.main(standalone_mode=False)
    except IsrError as exc:
        click.echo(f"isr: {_in_options(exc)}", err=True)
        for note in getattr(exc, "__notes__", ()):
            click.echo(f"     {_in_options(note)}", err=True)
        sys.exit(_USAGE if isinstance(exc, UsageError) else _FAILED)
    except click.ClickException as exc:
        exc.show(said := io.StringIO())
        click.echo(without_tokens(said.getvalue()), nl=False, err=True)
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("isr: stopped; what was stored is kept", err=True)
        sys.exit(_STOPPED)
    except OSError as exc:
        if exc.errno is None:
            raise
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
        where = "the output could not be written" if full else str(exc.filename or "a file could not be used")
        click.echo(f"isr: {where} ({exc.strerror})", err=True)
        if full and isinstance(sys.stdout, io.TextIOWrapper):  # Python writes at its end what is left, and would fail
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _in_options(said: object) -> str:
    """Name options where a message names arguments of Python."""

    def option(found: re.Match[str]) -> str:
        flag, name = found.groups()
        if flag == "refresh":  # which one command has
            return "`isr sync --refresh`"
        value = " " if found.string[found.end() : found.end() + 1] in ("'", '"') else ""
        return f"--{flag or name.removesuffix('_id')}{value}"

    return _ARGUMENT.sub(option, str(said))


def _end_as_by_ctrl_c() -> None:
    """Let a service manager's word, or a terminal that closes, end the command as Ctrl-C does: with all put away."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP; under nohup it is ignored, and stays so
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
