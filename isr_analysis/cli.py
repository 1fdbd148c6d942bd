"""The `isr` command."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.errors import IsrError, UsageError
from isr_analysis.portal import connection
from isr_analysis.portal import token as tokens

DEMO_PORT = 47_800
"""Where the demo's sandbox listens: always the same place, so that a second run finds what the first one kept."""

_USAGE, _FAILED, _STOPPED = 2, 1, 130


def main() -> None:
    """Run the command; an error of ours is one message on standard error, and the exit status is not 0."""
    try:
        code = cli.main(standalone_mode=False)
    except IsrError as exc:
        click.echo(f"isr: {exc}", err=True)
        for note in getattr(exc, "__notes__", ()):
            click.echo(f"     {note}", err=True)
        sys.exit(_USAGE if isinstance(exc, UsageError) else _FAILED)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("isr: stopped; what was stored is kept", err=True)
        sys.exit(_STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


def _connecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which portal and whose account."""
    for option in (
        click.option("--profile", help="A set of settings made by `isr login` (ISR_PROFILE)."),
        click.option("--origin", help="The portal, https://host[:port] (ISR_PORTAL_ORIGIN)."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(isr.__version__, prog_name="isr")
def cli() -> None:
    """Telemetry of the iShareRadio portal: history, live answers, plots, reports.

    A token never stands on the command line: `isr login` keeps it, or set ISR_TOKEN or ISR_TOKEN_FILE.
    """


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("isr-demo"), show_default=True,
              help="The folder of the report.")  # fmt: skip
def demo(out: Path) -> None:
    """See it work: an invented fleet on this machine, from token to report."""
    began = time.monotonic()
    with _demo_sandbox() as portal_here, portal_here.connect() as portal:
        click.echo(f"Sandbox portal on {portal_here.origin} (invented stations, no network needed)")
        df = isr.load_history(last="7d", portal=portal)
        live = isr.load_live(portal=portal)
        history = df.attrs["requests"]
        click.echo("Writing the report …")
        report = isr.build_report(out / "report.html", last="7d", title="A week of the demo fleet", portal=portal)
        made = portal_here.requests_total()
    click.echo(
        f"\n  {len(df):,} messages of 7 days, {df['client_id'].nunique()} publishers "
        f"({len(live)} heard live), {df['topic'].nunique()} topics\n"
        f"  {made} requests made, {history} of them for history"
        + (" (the rest of it was on disk)" if history < _FEW else "")
        + f"\n  {time.monotonic() - began:.1f} s\n  report: {report.resolve()}\n\n"
        "Next:\n"
        "  isr login                          your own token, kept in the system's keyring\n"
        "  notebooks/01_quickstart.ipynb      the same in JupyterLab, step by step\n"
        "  or three lines of Python:\n"
        "      import isr_analysis as isr\n"
        '      df = isr.load_history(topic="telemetry/#", last="7d")\n'
        "      isr.plots.timeseries(df)\n"
    )


_FEW = 5


def _demo_sandbox() -> Any:
    try:
        return isr.sandbox.start(port=DEMO_PORT)
    except UsageError:
        click.echo(
            f"(port {DEMO_PORT} is taken: another one is used, and what an earlier run kept is not found)",
            err=True,
        )
        return isr.sandbox.start()


@cli.command()
@click.option("--profile", default=None, help="The name to keep it under; `default` if left out (ISR_PROFILE).")
@click.option("--origin", default=None, help="The portal, https://host[:port] (ISR_PORTAL_ORIGIN).")
@click.option("--account-id", default=None, help="The account; needed with a platform operator's token.")
def login(profile: str | None, origin: str | None, account_id: str | None) -> None:
    """Check a token at the portal and keep it in the system's keyring.

    It is asked for on a terminal, or read from standard input:  isr login < token.txt
    An older one of the same profile, revoked or not, is replaced.
    """
    name = settings.check_name(profile or os.environ.get("ISR_PROFILE") or "default")
    known = settings.profile(name, origin=origin or _origin_of(name), account_id=account_id)
    if sys.stdin.isatty():
        click.echo(f"{tokens.WHERE_TO_MAKE_ONE[0].upper()}{tokens.WHERE_TO_MAKE_ONE[1:]} ({known.origin}).")
        typed = getpass.getpass("Token (not shown): ")
    else:
        typed = sys.stdin.readline()
    key = tokens.Token(typed)
    with connection.Portal(known, key) as portal:
        account = portal.account_id
        left = portal.quota
    settings.save(known)
    tokens.to_keyring(known, key)
    click.echo(
        f"Profile {known.name!r}: account {account} at {known.origin}; "
        f"{left.left} of {left.limit} requests left this hour. The token is in the keyring."
    )


def _origin_of(name: str) -> str:
    """Give the origin of a profile that may not exist yet."""
    try:
        return settings.profile(name).origin
    except UsageError:
        return os.environ.get("ISR_PORTAL_ORIGIN") or settings.DEFAULT_ORIGIN


@cli.command()
@click.option("--profile", default=None, help="Which; `default` if left out (ISR_PROFILE).")
def logout(profile: str | None) -> None:
    """Forget the token of a profile. What was fetched stays on disk; revoke the token in the portal as well."""
    known = settings.profile(profile)
    try:
        forgotten = tokens.out_of_keyring(known)
    finally:
        settings.forget(known.name, known.home)
    click.echo(
        f"Profile {known.name!r}: " + ("token forgotten." if forgotten else "there was no token in the keyring.")
    )


@cli.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("report.html"))
@click.option("--client", "clients", multiple=True, help="Only this publisher; may be given again.")
@click.option("--topic", default="#", show_default=True, help="An MQTT topic filter on the subpath.")
@click.option("--start", help='The first instant, such as "2026-11-01".')
@click.option("--end", help="The first instant that is not wanted; now if left out.")
@click.option("--last", help='In place of --start: how far back, such as "7d".  [default: 7d]')
@click.option("--tz", default="UTC", show_default=True, help="The zone of all times, an IANA name.")
@click.option("--title", help="The report's title.")
@_connecting
def report(
    out: Path,
    clients: tuple[str, ...],
    topic: str,
    start: str | None,
    end: str | None,
    last: str | None,
    tz: str,
    title: str | None,
    profile: str | None,
    origin: str | None,
) -> None:
    """Write one self-contained HTML file about a range of time."""
    with isr.connect(profile=profile, origin=origin) as portal:
        path = isr.build_report(
            out,
            client_id=list(clients) or None,
            topic=topic,
            start=start,
            end=end,
            last=last if start or last else "7d",
            tz=tz,
            title=title,
            portal=portal,
        )
    click.echo(str(path))


@cli.command()
@click.option("--port", default=0, show_default="a free one", help="Where to listen, on loopback.")
@click.option("--days", default=90, show_default=True, help="How many days of history there are.")
@click.option("--seed", default=1, show_default=True, help="Which invented fleet; each is an account of its own.")
def sandbox(port: int, days: int, seed: int) -> None:
    """Run a local portal with invented stations, until Ctrl-C."""

    def announce(here: Any) -> None:
        click.echo(
            f"# a sandbox portal with invented stations; its documentation: {here.origin}/api/v1/subscriber/docs\n"
            f"# account {here.account_id}\n"
            f'export ISR_PORTAL_ORIGIN="{here.origin}"\n'
            f'export ISR_TOKEN="{here.token}"\n'
            f'export PORTAL_ORIGIN="{here.origin}" TOKEN="{here.token}"   # for the portal\'s own curl examples\n'
            "# Ctrl-C ends it"
        )

    isr.sandbox.run(port=port, days=days, seed=seed, announce=announce)
