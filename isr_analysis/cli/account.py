"""Commands about the token and the connection: `isr login`, `isr logout`, `isr doctor`."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from isr_analysis import settings
from isr_analysis.cli.options import connecting, typed
from isr_analysis.portal import token as tokens


@click.command()
@click.option("--profile", default=None, help="The name to store it under (ISR_PROFILE).  [default: default]")
@click.option("--origin", default=None, help="The portal, https://host[:port] (ISR_PORTAL_ORIGIN).")
@click.option("--account-id", default=None, help="The account; needed with a platform operator's token.")
def login(profile: str | None, origin: str | None, account_id: str | None) -> None:
    """Check a token and store it in the system keyring.

    On a terminal you are asked for it; otherwise it is read from standard input:

    \b
      isr login < token.txt

    It replaces the profile's previous token, whether revoked or not.
    """  # noqa: D301 (click reads the mark)
    from isr_analysis.portal.portal import Portal

    name = settings.check_name(profile or settings.variables().get("ISR_PROFILE") or "default")
    known = settings.profile(name, origin=origin, account_id=account_id, may_be_new=True)
    if sys.stdin.isatty():
        click.echo(f"{tokens.WHERE_TO_MAKE_ONE[0].upper()}{tokens.WHERE_TO_MAKE_ONE[1:]} ({known.origin}).")
    key = tokens.Token(typed("token", "isr login < token.txt"))
    with Portal(known, key) as portal:
        account = portal.verify()
        left = portal.quota
    tokens.keep(known, key)
    click.echo(
        f"Profile {known.name!r}: account {account} at {known.origin}; "
        f"{left.left} of {left.limit} requests left this hour. The token is in the keyring."
    )
    if over := tokens.overruling(known):
        click.echo(f"isr: {over}", err=True)


@click.command()
@click.option("--profile", default=None, help="The profile (ISR_PROFILE).  [default: default]")
def logout(profile: str | None) -> None:
    """Forget a profile's token and its subscriber's login.

    Fetched data stays on disk. Revoke the token in the portal as well.
    """
    from isr_analysis.streaming import login as logins

    known = settings.profile(profile)
    # The environment may name another portal than the one for which `isr login` kept a token; by its name it is that.
    kept = settings.profile(known.name, may_be_new=True)
    secrets = {"token": tokens.out_of_keyring, "subscriber's login": logins.out_of_keyring}
    forgotten = [what for what, forget in secrets.items() if any([forget(known), forget(kept)])]  # of each
    settings.forget(known.name, known.home)  # not before: where the keyring failed, the command can be given again
    click.echo(
        f"Profile {known.name!r}: "
        + (f"{' and '.join(forgotten)} forgotten." if forgotten else "there was no token in the keyring.")
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts: the checks and the contract as one JSON object.")
@connecting
def doctor(as_json: bool, profile: str | None, origin: str | None) -> int:
    """Check everything that a load depends on.

    Every problem comes with a remedy. This makes at most ten requests, and four more if necessary.

    The exit status is 0 if nothing failed. The contract is printed below the checks, ready to edit: save it to a file
    and set ISR_CONTRACT to its path.
    """
    from isr_analysis import doctor as doctors
    from isr_analysis.contract.file import to_toml

    checks, portal = doctors.examine(settings.profile(profile, origin=origin))
    ill = any(check.state == doctors.FAIL for check in checks)
    contract = None if portal is None else portal.known_contract
    if portal is not None:
        portal.close()
    if as_json:
        shown = {
            "well": not ill,
            "checks": [dataclasses.asdict(check) for check in checks],
            "contract": None if contract is None else dataclasses.asdict(contract),
        }
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return int(ill)
    coding, signs = sys.stdout.encoding or "ascii", "✓!✗→"
    if signs.encode(coding, "ignore").decode(coding) != signs:  # each would be the same question mark
        signs = "+!x>"
    marks = dict(zip((doctors.OK, doctors.WARN, doctors.FAIL), signs, strict=False))
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"{marks[check.state]} {check.name:<{width}}  {check.found}")
        if check.remedy:
            click.echo(f"  {'':<{width}}  {signs[-1]} {check.remedy}")
    if contract is not None:
        click.echo(f"\n# The contract: {contract.source}\n{to_toml(contract)}")
    return int(ill)
