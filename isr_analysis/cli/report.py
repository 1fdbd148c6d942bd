"""The command `isr report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import isr_analysis as isr
from isr_analysis.cli.options import connecting, offline_option, quiet_option, selected, selecting
from isr_analysis.errors import ReportIncompleteError

INCOMPLETE = 3
"""The exit status where a report was written and lacks something."""


@click.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("report.html"))
@selecting
@click.option("--title", help="The report's title.")
@click.option("--notebook", type=click.Path(path_type=Path), help="Your own notebook, with a cell tagged parameters.")
@click.option("--pdf", is_flag=True, help="Also write a PDF, using Chromium or Chrome.")
@offline_option
@quiet_option
@connecting
def report(
    out: Path, title: str | None, notebook: Path | None, pdf: bool, offline: bool, quiet: bool, profile: str | None,
    origin: str | None, **selection: Any,
) -> int:  # fmt: skip
    """Write a report on a time range, as one HTML file.

    The file needs nothing else, and no network.

    The exit status is 0 if the report is complete; 3 if it was written but says at the top what is missing (no data in
    the range, a source or a section that failed), or if its PDF could not be written; 1 or 2 if nothing was written.
    """
    with isr.connect(profile=profile, origin=origin) as portal:
        try:
            isr.build_report(
                out, **selected(**selection), title=title, notebook=notebook, pdf=pdf,
                offline=offline, progress=False if quiet else None, portal=portal,
            )  # fmt: skip
        except ReportIncompleteError as exc:
            click.echo(f"isr: {exc}", err=True)
            for note in getattr(exc, "__notes__", ()):
                click.echo(note, err=True)
            return INCOMPLETE
    if not quiet:
        click.echo(str(out))
        if pdf:
            click.echo(str(out.with_suffix(".pdf")))
    return 0
