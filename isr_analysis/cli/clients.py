"""Commands of the Mgmt API about logins: `isr publishers`, `isr subscribers`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import isr_analysis as isr
from isr_analysis import secret, settings
from isr_analysis.cli.options import Group, ask, connecting, go_on, json_option, together, typed, yes_option
from isr_analysis.cli.said import lines, say, show
from isr_analysis.errors import StoreError, UsageError
from isr_analysis.streaming import login as logins

if TYPE_CHECKING:
    import pandas as pd

    from isr_analysis.mgmt.made import Made

_ROOM = 4096  # bytes that a file for a login is tried with


_keeping = together(
    click.option(
        "--out", type=click.Path(path_type=Path), help="Write the login to this new file, which only you can read."
    ),
    click.option("--keyring", is_flag=True, help="Store the login in the system keyring."),
)
"""Where a new password goes."""


@click.group(cls=Group, invoke_without_command=True)
@json_option
@connecting
@click.pass_context
def publishers(context: click.Context, /, **given: Any) -> None:
    """List and manage the account's MQTT clients.

    Without a command, list them. Needs the add-on Mgmt REST API.
    """
    go_on(context, list_publishers, given)


@publishers.command("list")
@json_option
@connecting
def list_publishers(as_json: bool, **where: Any) -> None:
    """List the MQTT clients."""
    with isr.connect(**where) as portal:
        table = isr.load_publishers(max_age="1s", portal=portal)
        show(table if as_json else _in_short(table, portal.account_id), as_json=as_json)


@publishers.command("create")
@click.argument("label")
@click.option("--allow-subscribe", is_flag=True, help="Let the client also listen.")
@_keeping
@json_option
@connecting
def create_publisher(label: str, allow_subscribe: bool, out: Path | None, keyring: bool, as_json: bool,
                     **where: Any) -> None:  # fmt: skip
    """Create an MQTT client. The portal shows its password only once."""
    with isr.connect(**where) as portal, _place(portal.profile, out, keyring=keyring) as put:
        put(isr.mgmt.create_publisher(label, allow_subscribe=allow_subscribe, portal=portal), as_json)


@publishers.command("pause")
@click.argument("client_id")
@yes_option
@json_option
@connecting
def pause_publisher(client_id: str, yes: bool, as_json: bool, **where: Any) -> None:
    """Pause an MQTT client; what it publishes meanwhile is lost."""
    ask(f"Pause {client_id}? What it publishes until it is resumed is lost.", yes=yes)
    with isr.connect(**where) as portal:
        say(isr.mgmt.pause_publisher(client_id, portal=portal), f"{client_id} is paused", as_json=as_json)


@publishers.command("resume")
@click.argument("client_id")
@json_option
@connecting
def resume_publisher(client_id: str, as_json: bool, **where: Any) -> None:
    """Resume a paused MQTT client."""
    with isr.connect(**where) as portal:
        say(isr.mgmt.resume_publisher(client_id, portal=portal), f"{client_id} is resumed", as_json=as_json)


@publishers.command("remove")
@click.argument("client_id")
@yes_option
@connecting
def remove_publisher(client_id: str, yes: bool, **where: Any) -> None:
    """Remove an MQTT client permanently."""
    ask(f"Remove {client_id} permanently? Its login stops working.", yes=yes)
    with isr.connect(**where) as portal:
        isr.mgmt.remove_publisher(client_id, portal=portal)
    click.echo(f"{client_id} was removed", err=True)


@publishers.command("rotate")
@click.argument("client_id")
@yes_option
@_keeping
@json_option
@connecting
def rotate_credentials(client_id: str, yes: bool, out: Path | None, keyring: bool, as_json: bool,
                       **where: Any) -> None:  # fmt: skip
    """Give an MQTT client a new password; the old one stops working."""
    ask(f"Give {client_id} a new password? The device cannot publish until it has it.", yes=yes)
    with isr.connect(**where) as portal, _place(portal.profile, out, keyring=keyring) as put:
        put(isr.mgmt.rotate_credentials(client_id, portal=portal), as_json)


@click.group(cls=Group)
def subscribers() -> None:
    """Create and store logins of read-only subscribers.

    They are needed for live MQTT.
    """


@subscribers.command("create")
@click.argument("label")
@click.option("--days", default=30, show_default=True, help="How many days it is valid.")
@click.option("--host", help="The broker, stored with the login: a name, host:port, or mqtts://host:port.")
@_keeping
@json_option
@connecting
def create_subscriber(label: str, days: int, host: str | None, out: Path | None, keyring: bool, as_json: bool,
                      **where: Any) -> None:  # fmt: skip
    """Create a read-only subscriber (add-on: Mgmt REST API). The portal shows its password only once."""
    if host is not None:
        logins.address(host)
    with isr.connect(**where) as portal, _place(portal.profile, out, keyring=keyring, host=host) as put:
        put(isr.mgmt.create_subscriber(label, expires_in_days=days, portal=portal), as_json)


@subscribers.command("keep")
@click.argument("username")
@click.option("--host", required=True, help="The broker: a name, host:port, or mqtts://host:port.")
@click.option("--profile", help="The profile to store it under (ISR_PROFILE).  [default: default]")
def keep(username: str, host: str, profile: str | None) -> None:
    """Store a login created in the portal in the keyring.

    On a terminal you are asked for the password; otherwise it is read from standard input:

    \b
      isr subscribers keep sub-… < password.txt
    """  # noqa: D301 (click reads the mark)
    logins.address(host)
    known = settings.profile(profile)
    password = typed("password", "isr subscribers keep sub-… < password.txt")
    login = logins.find(known, host=host, username=username, password=password, environ={})
    fields = {"username": username, "password": login.password, "host": host}
    logins.keep_in_keyring(known, fields)
    click.echo(f"Profile {known.name!r}: the login of {username} at {login.address} is in the keyring")


@contextlib.contextmanager
def _place(
    profile: settings.Profile, out: Path | None, *, keyring: bool, host: str | None = None
) -> Iterator[Callable[[Made, bool], None]]:
    """Make sure of a place for a password that is shown once, before it is made; give what puts it there."""
    if out is None and not keyring and not sys.stdout.isatty():
        raise UsageError(
            "the new password is shown only once, and standard output is not a terminal; say where to store it: --out "
            "FILE (a new file that only you can read) or --keyring"
        )
    if keyring:
        logins.check_keyring()
    with contextlib.ExitStack() as held:
        ways: list[Callable[[Made, dict[str, Any]], None]] = []
        if out is not None:
            ways.append(held.enter_context(_file(out)))
        if keyring:
            ways.append(lambda made, kept: _remember(profile, made, kept))

        def put(made: Made, as_json: bool) -> None:
            kept = {**logins.fields(made), "host": host or made.host}
            if made.password is None:  # not recognised: it must not be lost
                kept["password"] = json.dumps(made.reveal())
            elif others := {name: one for name, one in made.fields.items() if _is_another(one, made.password)}:
                kept["others"] = others
            failures: list[Exception] = []
            for way in ways:
                try:
                    way(made, kept)
                except (OSError, StoreError) as exc:
                    failures.append(exc)
            if failures and len(failures) == len(ways):
                click.echo(lines(made.reveal()), err=True)
                raise StoreError(
                    f"the password could not be stored ({failures[0]}); it is printed above and will not be shown again"
                ) from failures[0]
            say(made, "" if failures else _where(out, keyring=keyring), as_json=as_json, plain=not ways)
            if failures:
                raise StoreError(f"the login is stored in only one of the two places: {failures[0]}") from failures[0]

        yield put


@contextlib.contextmanager
def _file(out: Path) -> Iterator[Callable[[Made, dict[str, Any]], None]]:
    """Make a file with room for a login, and give what writes it; unwritten it goes again."""
    with contextlib.ExitStack() as held:
        unwritten = held.enter_context(contextlib.ExitStack())  # last of all: Windows removes no file that is open
        file = held.enter_context(os.fdopen(secret.new_file(out), "wb", buffering=0))
        unwritten.callback(out.unlink, missing_ok=True)
        try:
            file.write(b" " * _ROOM)  # a full disk shows now
            os.fsync(file.fileno())
        except OSError as exc:
            raise StoreError(f"{out} cannot be written ({exc.strerror}); nothing was created") from exc

        def write(_: Made, kept: dict[str, Any]) -> None:
            file.seek(0)
            file.truncate(file.write(logins.to_text(kept).encode()))
            os.fsync(file.fileno())
            unwritten.pop_all()

        yield write


def _remember(profile: settings.Profile, made: Made, kept: dict[str, Any]) -> None:
    from isr_analysis.mgmt.made import SUBSCRIBER

    if made.what == SUBSCRIBER:
        logins.keep_in_keyring(profile, kept)
    else:
        key = json.dumps(made.reveal()) if "others" in kept else secret.revealed(kept["password"])
        logins.to_keyring(f"mqtt-client:{made.client_id}@{profile.origin}", key)


def _is_another(one: object, password: secret.Secret) -> bool:
    return isinstance(one, secret.Secret) and one != password


def _where(out: Path | None, *, keyring: bool) -> str:
    if out is None and not keyring:
        return "Note the password now: it will not be shown again."
    return " and ".join([*([f"The login is in {out}"] if out else []), *(["the keyring has it"] if keyring else [])])


def _in_short(table: pd.DataFrame, account: str) -> pd.DataFrame:
    """Give who the clients are, whether they are paused, and their topic patterns with the account shortened."""
    known = [name for name in ("client_id", "label", "paused", "topic") if name in table]
    return table[known].assign(topic=table["topic"].str.replace(f"{account}/", f"{account[:8]}…/", regex=False))
