"""Commands about the store of messages: `isr plan`, `isr sync`."""

from __future__ import annotations

from typing import Any

import click

import isr_analysis as isr
from isr_analysis.cli.options import connecting, selected, selecting


@click.command()
@selecting
@connecting
def plan(profile: str | None, origin: str | None, **selection: Any) -> None:
    """Tell what is on disk, what a sync would ask for, and how long it would take; fetches nothing."""
    with isr.connect(profile=profile, origin=origin) as portal:
        planned = isr.plan_history(**selected(**selection), portal=portal)
    click.echo(str(planned))
    for row in planned.windows.itertuples():
        click.echo(f"  {row.start:%Y-%m-%d %H:%M} to {row.end:%Y-%m-%d %H:%M}  {row.client_id}  {row.topic}")


@click.command()
@selecting
@connecting
@click.option("--refresh", is_flag=True, help="Ask for the whole range again.")
@click.option("--wait", is_flag=True, help="Wait where the requests of the hour are used up.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def sync(profile: str | None, origin: str | None, refresh: bool, wait: bool, quiet: bool, **selection: Any) -> None:
    """Bring the store up to date, without loading anything into memory: for cron."""
    with isr.connect(profile=profile, origin=origin) as portal:
        done = isr.sync(
            **selected(**selection), refresh=refresh, wait=wait, progress=False if quiet else None, portal=portal
        )
    if not quiet:
        click.echo(str(done))
