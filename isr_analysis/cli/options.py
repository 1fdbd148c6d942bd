"""Options that several commands share."""

from __future__ import annotations

import difflib
import getpass
import sys
from collections.abc import Callable
from typing import Any

import click

from isr_analysis.errors import UsageError

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="For scripts: JSON, secrets masked.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong.")
wait_option = click.option("--wait", is_flag=True, help="Wait when this hour's requests are used up.")
offline_option = click.option(
    "--offline",
    is_flag=True,
    help="Use only what is on disk; ask the portal at most which account a new token belongs to.",
)


class Group(click.Group):
    """Commands whose errors help on: what is like a misspelt one, or what there is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            known = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], known)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(known)}."
            raise click.UsageError(f"{exc.message} {hint}", ctx) from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of the group itself."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            behind = f"{ctx.command_path} COMMAND {exc.option_name}"
            words = f"{exc.format_message()} If it is an option of a command, put it after the command: {behind}."
            raise click.UsageError(words, ctx) from None


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make one decorator of several options, which help shows in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


connecting = together(
    click.option("--profile", help="A named set of settings, created by `isr login` (ISR_PROFILE)."),
    click.option("--origin", help="The portal, https://host[:port] (ISR_PORTAL_ORIGIN)."),
)
"""Which portal, and whose account."""

whose = together(
    click.option("--client", "client_id", multiple=True, help="Only this publisher; can be repeated."),
    click.option("--topic", default="#", show_default=True, help="An MQTT topic filter on the subpath."),
)
"""Which messages, apart from their time."""

selecting = together(
    whose,
    click.option("--start", help='The start of the range, such as "2026-11-01".'),
    click.option("--end", help="The end of the range, exclusive.  [default: now]"),
    click.option("--last", help='Instead of --start: how far back, such as "7d".  [default: 7d]'),
    click.option("--tz", default="UTC", show_default=True, help="The time zone of all times, an IANA name."),
)
"""Which messages, of which range; `selected` reads them."""


def go_on(context: click.Context, usual: click.Command, given: dict[str, Any]) -> None:
    """Do what a group does without a command; one that follows takes the group's options as its own."""
    if context.invoked_subcommand is None:
        context.invoke(usual, **given)
    elif isinstance(context.command, click.Group):
        known = {name: value for name, value in given.items() if value}
        context.default_map = dict.fromkeys(context.command.commands, known)


def selected(
    client_id: tuple[str, ...], topic: str, start: str | None, end: str | None, last: str | None, tz: str
) -> dict[str, Any]:
    """Give what `selecting` read as the arguments of a loader."""
    return {
        "client_id": list(client_id) or None,
        "topic": topic,
        "start": start,
        "end": end,
        "last": last if start or last else "7d",
        "tz": tz,
    }


def typed(what: str, example: str) -> str:
    """Ask for a secret on a terminal, or take the first line of standard input.

    `example` is how it is given without a terminal, for an error.

    Raises
    ------
    UsageError
        Nothing came, or no text.
    """
    hint = f"type it on a terminal, or give it on standard input, such as `{example}`"
    try:
        given = getpass.getpass(f"{what.title()} (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    except UnicodeDecodeError:
        raise UsageError(f"the {what} is not text; give it as UTF-8: {hint}") from None
    given = given.removeprefix("\ufeff").strip()  # programs of Windows put such a mark before UTF-8
    if not given:
        raise UsageError(f"no {what} was given: {hint}")
    return given


def ask(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone.

    Raises
    ------
    UsageError
        Nobody is there to be asked.
    click.Abort
        The answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is nobody to ask: give --yes")
    click.confirm(question, abort=True)
