"""The command `isr report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import isr_analysis as isr
from isr_analysis.cli.options import connecting, selected, selecting


@click.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("report.html"))
@selecting
@click.option("--title", help="The report's title.")
@connecting
def report(out: Path, title: str | None, profile: str | None, origin: str | None, **selection: Any) -> None:
    """Write one self-contained HTML file about a range of time."""
    with isr.connect(profile=profile, origin=origin) as portal:
        path = isr.build_report(out, **selected(**selection), title=title, portal=portal)
    click.echo(str(path))
