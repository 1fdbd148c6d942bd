"""What the commands of the Mgmt API print: lists, and what the portal created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from isr_analysis import secret
from isr_analysis.surroundings import printable

if TYPE_CHECKING:  # no command waits for pandas before it is known what it is to do
    import pandas as pd

    from isr_analysis.mgmt.made import Made


def say(made: Made, words: str, *, as_json: bool, plain: bool = False) -> None:
    """Print what the portal made: its secrets only where they are `plain`."""
    fields = made.reveal() if plain else {name: secret.masked(value) for name, value in made.fields.items()}
    if as_json:
        click.echo(json.dumps(fields, indent=2, ensure_ascii=False, default=str))
        return
    if fields:
        click.echo(lines(fields))
    if words:
        click.echo(words, err=True)


def lines(fields: Mapping[str, Any]) -> str:
    """Write fields, one a line, their values under each other."""
    width = max(map(len, fields), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in fields.items())


def show(table: pd.DataFrame, *, as_json: bool) -> None:
    """Print a list: as a table, or for scripts."""
    if as_json:
        rows = json.loads(table.to_json(orient="records"))  # pandas writes every / as \/
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        rows = table.to_string(index=False, na_rep="") if len(table) else "(none)"
        click.echo("\n".join(map(printable, rows.split("\n"))))
