"""Commands about history: `isr plan`, `isr sync`, `isr export`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

import isr_analysis as isr
from isr_analysis.amounts import counted
from isr_analysis.cli.options import (
    connecting,
    json_option,
    offline_option,
    quiet_option,
    selected,
    selecting,
    wait_option,
)
from isr_analysis.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@selecting
@connecting
@json_option
def plan(profile: str | None, origin: str | None, as_json: bool, **selection: Any) -> None:
    """Show what is on disk and what a sync would cost.

    Lists what a sync would request, by windows, and how long it would take. Fetches no history.
    """
    with isr.connect(profile=profile, origin=origin) as portal:
        planned = isr.plan_history(**selected(**selection), portal=portal)
    if as_json:
        click.echo(json.dumps(_told(planned), indent=2))
        return
    click.echo(str(planned))
    for client_id, topic, start, end, requests in _in_a_row(planned.windows):
        cost = counted(requests, "request")
        click.echo(f"  {start:%Y-%m-%d %H:%M %Z} to {end:%Y-%m-%d %H:%M %Z}  {client_id}  {topic}  {cost}")


@click.command()
@selecting
@connecting
@click.option("--refresh", is_flag=True, help="Request the whole range again.")
@wait_option
@quiet_option
@json_option
def sync(
    profile: str | None, origin: str | None, refresh: bool, wait: bool, quiet: bool, as_json: bool, **selection: Any
) -> None:
    """Fetch what is missing into the store; suits cron.

    Nothing is loaded into memory.
    """
    with isr.connect(profile=profile, origin=origin) as portal:
        done = isr.sync(
            **selected(**selection), refresh=refresh, wait=wait, progress=False if quiet else None, portal=portal
        )
    if not quiet:
        click.echo(json.dumps(dataclasses.asdict(done), indent=2) if as_json else str(done))


@click.command()
@click.argument("to")
@selecting
@connecting
@click.option("--delta", is_flag=True, help="Write the folder as a Delta table.")
@offline_option
@wait_option
@quiet_option
def export(
    to: str,
    profile: str | None,
    origin: str | None,
    delta: bool,
    offline: bool,
    wait: bool,
    quiet: bool,
    **selection: Any,
) -> None:
    """Export history for other programs.

    If TO is a file (.csv, .csv.gz, .parquet, .arrow, .feather), it gets the fields as columns. If TO has no extension,
    it is a folder, local or on an object store (s3://bucket/folder): it gets the messages as published, as Parquet by
    UTC day, with every day that the range touches complete. Exporting again writes only days that have changed.
    """
    if to == "-":
        raise UsageError("TO must be a file or a folder, not standard output: give a file, such as history.csv")
    with isr.connect(profile=profile, origin=origin) as portal:
        done = isr.export_history(
            to, **selected(**selection), delta=delta, offline=offline, wait=wait, progress=False if quiet else None,
            portal=portal,
        )  # fmt: skip
    if not quiet:
        click.echo(str(done))


def _in_a_row(windows: pd.DataFrame) -> Iterator[tuple[str, str, pd.Timestamp, pd.Timestamp, int]]:
    """Give client, topic, start, end and requests of each range that windows fill without a gap."""
    whose = [windows["client_id"], windows["topic"]]
    first = windows["start"] != windows.groupby(whose)["end"].shift()
    for (client_id, topic, _), some in windows.groupby([*whose, first.cumsum().rename("run")], sort=False):
        yield str(client_id), str(topic), some["start"].iloc[0], some["end"].iloc[-1], int(some["requests"].sum())


def _told(planned: isr.Plan) -> dict[str, Any]:
    """Give a plan as what JSON can say; instants are ISO 8601, in the zone that was asked for."""
    from isr_analysis import times

    windows = [
        {**row, "start": row["start"].isoformat(), "end": row["end"].isoformat()}
        for row in planned.windows.to_dict("records")
    ]
    told = {one.name: getattr(planned, one.name) for one in dataclasses.fields(planned)}
    quota = dataclasses.asdict(planned.quota) | {"resets_at": times.iso(planned.quota.resets_at)}
    return told | {"quota": quota, "windows": windows}
