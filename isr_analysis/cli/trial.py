"""Commands for trying it without a portal: `isr demo`, `isr sandbox`."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

import isr_analysis as isr
from isr_analysis.amounts import counted
from isr_analysis.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from isr_analysis.sandbox.server import Sandbox

DEMO_PORT = 47_800
"""Where the demo's sandbox listens: always the same place, so that a second run finds what the first one kept."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("isr-demo"), show_default=True,
              help="The folder for the report.")  # fmt: skip
def demo(out: Path) -> None:
    """See it work with an invented fleet, from token to report.

    Needs no account and no network connection.
    """
    if lacking := [name for name in _NEEDS if importlib.util.find_spec(name) is None]:
        raise MissingExtraError.of("the demo", ", ".join(lacking), "report,sandbox")
    began = time.monotonic()
    with _demo_sandbox() as portal_here, portal_here.connect() as portal:
        click.echo(f"Sandbox portal on {portal_here.origin} (invented stations, no network needed)")
        df = isr.load_history(last="7d", portal=portal)
        live = isr.load_live(portal=portal)
        history = df.attrs["requests"]
        click.echo("Writing the report, which takes some ten seconds …")
        report = isr.build_report(out / "report.html", last="7d", title="A week of the demo fleet", portal=portal)
        made = portal_here.requests()
    click.echo(
        f"\n  {len(df):,} messages of 7 days, from {df['client_id'].nunique()} publishers on "
        f"{df['topic'].nunique()} topics; the last messages of {len(live)} publishers\n"
        f"  {counted(made, 'request')} made, {history} of them for history"
        + (" (the rest of it was on disk)" if history < _FEW else "")
        + f"\n  {time.monotonic() - began:.1f} s\n  report: {report.resolve()}\n\n"
        "Next:\n"
        "  isr login                          your own token, stored in the system keyring; then\n"
        "  notebooks/01_quickstart.ipynb      the same in JupyterLab, step by step\n"
        "  with a token, three lines of Python:\n"
        "      import isr_analysis as isr\n"
        '      df = isr.load_history(topic="telemetry/#", last="7d")\n'
        "      isr.plots.timeseries(df)\n"
    )


_FEW = 5
_NEEDS = ("fastapi", "uvicorn", "ipykernel", "nbclient", "nbconvert", "nbformat")


def _demo_sandbox() -> Sandbox:
    try:
        return isr.sandbox.serve(port=DEMO_PORT)
    except UsageError:
        click.echo(
            f"(port {DEMO_PORT} is taken: using another one, so data from an earlier run is not found)",
            err=True,
        )
        return isr.sandbox.serve()


@click.command()
@click.option("--port", default=0, show_default="a free one", help="The port to listen on, on loopback.")
@click.option("--days", default=90, show_default=True, help="How many days of history to offer.")
@click.option("--seed", default=1, show_default=True, help="Which invented fleet; each is a separate account.")
@click.option("--broker", is_flag=True, help="Also run a real MQTT broker, on which the fleet publishes.")
def sandbox(port: int, days: int, seed: int, broker: bool) -> None:
    """Run a local portal with invented stations, until Ctrl-C."""

    def announce(here: Sandbox) -> None:
        click.echo(
            f"# a sandbox portal with invented stations; its documentation: {here.origin}/api/v1/subscriber/docs\n"
            f"# account {here.account_id}\n"
            f'export ISR_PORTAL_ORIGIN="{here.origin}"\n'
            f'export ISR_TOKEN="{here.token}"\n'
            f'export PORTAL_ORIGIN="{here.origin}" TOKEN="{here.token}"   # for the portal\'s own curl examples\n'
            + (_subscriber(here) if broker else "")
            + "# Ctrl-C ends it"
        )

    isr.sandbox.run(port=port, days=days, seed=seed, broker=broker, announce=announce)


def _subscriber(here: Sandbox) -> str:
    made = here.make_subscriber()
    assert made.password is not None
    return (
        f'export ISR_MQTT_HOST="{made.host}" ISR_MQTT_USERNAME="{made.username}"\n'
        f'export ISR_MQTT_PASSWORD="{made.password.reveal()}"\n'
    )
