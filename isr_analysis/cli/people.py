"""Commands of the Mgmt API about people: `isr members`, `isr tenants`."""

from __future__ import annotations

from typing import Any

import click

import isr_analysis as isr
from isr_analysis.cli.options import Group, ask, connecting, go_on, json_option, yes_option
from isr_analysis.cli.said import say, show


@click.group(cls=Group, invoke_without_command=True)
@json_option
@connecting
@click.pass_context
def members(context: click.Context, /, **given: Any) -> None:
    """List and manage the members of the account.

    Without a command, list them. Needs the add-on Mgmt REST API.
    """
    go_on(context, list_members, given)


@members.command("list")
@json_option
@connecting
def list_members(as_json: bool, **where: Any) -> None:
    """List the members."""
    with isr.connect(**where) as portal:
        show(isr.mgmt.load_members(max_age="1s", portal=portal), as_json=as_json)


@members.command("invites")
@json_option
@connecting
def list_invites(as_json: bool, **where: Any) -> None:
    """List the open invites."""
    with isr.connect(**where) as portal:
        show(isr.mgmt.load_invites(max_age="1s", portal=portal), as_json=as_json)


@members.command("invite")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(["member", "data_manager"]),
    default="member",
    show_default=True,
    help="The role of the new member.",
)
@json_option
@connecting
def invite(email: str, role: str, as_json: bool, **where: Any) -> None:
    """Invite someone; the invite is valid for 48 hours."""
    with isr.connect(**where) as portal:
        say(isr.mgmt.invite_member(email, role, portal=portal), f"{email} is invited as {role}", as_json=as_json)


@members.command("withdraw")
@click.argument("invite_id")
@yes_option
@connecting
def withdraw(invite_id: str, yes: bool, **where: Any) -> None:
    """Withdraw an invite."""
    ask(f"Withdraw the invite {invite_id}?", yes=yes)
    with isr.connect(**where) as portal:
        isr.mgmt.withdraw_invite(invite_id, portal=portal)
    click.echo(f"the invite {invite_id} was withdrawn", err=True)


@members.command("role")
@click.argument("user_id")
@click.argument("role", type=click.Choice(["owner", "member", "data_manager"]))
@yes_option
@json_option
@connecting
def set_role(user_id: str, role: str, yes: bool, as_json: bool, **where: Any) -> None:
    """Change a member's role."""
    ask(f"Change the role of {user_id} to {role}?", yes=yes)
    with isr.connect(**where) as portal:
        say(isr.mgmt.set_role(user_id, role, portal=portal), f"{user_id} now has the role {role}", as_json=as_json)


@members.command("remove")
@click.argument("user_id")
@yes_option
@connecting
def remove_member(user_id: str, yes: bool, **where: Any) -> None:
    """Remove a member from the account."""
    ask(f"Remove {user_id} from the account?", yes=yes)
    with isr.connect(**where) as portal:
        isr.mgmt.remove_member(user_id, portal=portal)
    click.echo(f"{user_id} was removed", err=True)


@click.group(cls=Group)
def tenants() -> None:
    """Create tenants, which are separate accounts.

    Needs the add-on Mgmt REST API.
    """


@tenants.command("create")
@click.argument("display_name")
@yes_option
@json_option
@connecting
def create_tenant(display_name: str, yes: bool, as_json: bool, **where: Any) -> None:
    """Create a tenant."""
    ask(f"Create the tenant {display_name!r}? The portal has no way to remove it.", yes=yes)
    with isr.connect(**where) as portal:
        say(isr.mgmt.create_tenant(display_name, portal=portal), f"{display_name!r} was created", as_json=as_json)
