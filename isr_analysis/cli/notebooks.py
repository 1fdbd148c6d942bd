"""The command `isr check-notebook`."""

from __future__ import annotations

from pathlib import Path

import click

from isr_analysis import disclosure
from isr_analysis.errors import UsageError

_FOUND, _UNREADABLE = 1, 2


@click.command("check-notebook")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--quiet", is_flag=True, help="Do not list clean files.")
def check_notebook(files: tuple[Path, ...], quiet: bool) -> int:
    """Find secrets in notebooks before you share them.

    Looks for tokens, passwords and account ids in sources, outputs, attachments, metadata and widget state, whether
    plain, encoded or split up. Secrets are never printed: for each one, a line gives the file, the cell and the kind.
    The exit status is 0 if all files are clean, 1 if anything was found, 2 if a file cannot be read.
    """
    status, kinds = 0, set()
    for path in files:
        try:
            found = disclosure.disclosures(disclosure.read(path.read_text("utf-8-sig")))
        except (OSError, UnicodeDecodeError, UsageError) as exc:
            click.echo(f"{path}: cannot be read: {exc}", err=True)
            status = _UNREADABLE
            continue
        kinds |= {one.kind for one in found}
        for one in found:
            click.echo(f"{path}: {one}")
        if found:
            status = max(status, _FOUND)
        elif not quiet:
            click.echo(f"{path}: clean")
    if kinds:
        advice = "Remove it, and clear the outputs and the widget state."
        if kinds & {disclosure.TOKEN, disclosure.HEADER}:
            advice += " Revoke a token that was ever saved (portal, Settings → REST API tokens)."
        if disclosure.PASSWORD in kinds:
            advice += " Change a password that was ever saved."
        click.echo(advice, err=True)
    return status
