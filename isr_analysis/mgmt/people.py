"""Members of the account, their roles and invites; and tenants."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any

import pandas as pd

from isr_analysis import offline, times
from isr_analysis.answers.shape import pick
from isr_analysis.errors import UsageError
from isr_analysis.mgmt import made
from isr_analysis.mgmt.calls import INVITES, MEMBERS, TENANTS, change, one_of, text
from isr_analysis.mgmt.made import Made
from isr_analysis.portal import connection, lists
from isr_analysis.portal.portal import Portal
from isr_analysis.secret import Secret

_ROLES = ("owner", "member", "data_manager")
_EMAIL = ("email", "mail", "emailaddress", "useremail")
_ROLE = ("role", "rolename", "access")
_MEMBER = {"user_id": ("userid", "memberid", "id", "uid", "uuid"), "email": _EMAIL, "role": _ROLE}
_KEY = "client_id"
"""The column of what a portal's object of them is keyed by, where it gives no list."""

_INVITE = {"invite_id": ("inviteid", "invitationid", "id", "uuid"), "email": _EMAIL, "role": _ROLE}


def load_members(*, max_age: str | dt.timedelta = "60s", portal: Portal | None = None) -> pd.DataFrame:
    """Load the list of the account's members.

    Parameters
    ----------
    max_age : str or timedelta
        A cached answer no older than this is used; with ``"0s"``, the portal is always asked.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    pandas.DataFrame
        One row per member, in the portal's order, with a RangeIndex. Columns ``user_id``, ``email``, ``role`` (str),
        then everything else that the portal returns, without secrets. Without any member: the same three columns, no
        rows. For ``attrs``, see `load_live`.

    Raises
    ------
    AddOnMissingError, TokenMissingError, TokenRefusedError, QuotaExhaustedError, PortalUnavailableError
        The portal could not be reached, or refused.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        The portal gave a round number of rows and may have more, or says that some may be missing.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     members = isr.mgmt.load_members(portal=portal)
    >>> members["role"].tolist()
    ['owner', 'data_manager', 'member']
    """
    return _load(MEMBERS, _MEMBER, "members", max_age, portal)


def load_invites(*, max_age: str | dt.timedelta = "60s", portal: Portal | None = None) -> pd.DataFrame:
    """Load the list of open invites.

    Parameters
    ----------
    max_age : str or timedelta
        A cached answer no older than this is used; with ``"0s"``, the portal is always asked.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    pandas.DataFrame
        One row per invite, with a RangeIndex. Columns ``invite_id``, ``email``, ``role`` (str), then everything else
        that the portal returns, without secrets. Without any invite: the same three columns, no rows. For ``attrs``,
        see `load_live`.

    Raises
    ------
    AddOnMissingError, TokenMissingError, TokenRefusedError, QuotaExhaustedError, PortalUnavailableError, AnswerError
        See `load_members`.

    Warns
    -----
    UserWarning
        See `load_members`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     _ = isr.mgmt.invite_member("colleague@example.com", portal=portal)
    ...     invites = isr.mgmt.load_invites(portal=portal)
    >>> invites["email"].tolist()[-1]
    'colleague@example.com'
    """
    return _load(INVITES, _INVITE, "invites", max_age, portal)


def invite_member(email: str, role: str = "member", *, portal: Portal | None = None) -> Made:
    """Invite somebody to the account; the invite is valid for 48 hours.

    Parameters
    ----------
    email : str
        The person's e-mail address.
    role : {"member", "data_manager"}
        The role that the person gets.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        ``id``, ``expires_at``, and in ``fields`` the portal's whole answer.

    Raises
    ------
    UsageError
        `email` is not an address, or `role` cannot be given by an invite.
    RequestRefusedError
        The portal refused, for example because the person is already a member.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.invite_member("colleague@example.com", "data_manager", portal=portal)
    >>> made.fields["role"]
    'data_manager'
    """
    whom = text(email, "email", "an address")
    if "@" not in whom.strip("@"):
        raise UsageError(f"email={email!r} is not an e-mail address; give one such as colleague@example.com")
    body = {"email": whom, "role": _role(role, _ROLES[1:])}
    return made.read(made.INVITE, change(connection.current(portal), "POST", INVITES, json=body))


def withdraw_invite(invite_id: str, *, portal: Portal | None = None) -> None:
    """Withdraw an invite.

    Parameters
    ----------
    invite_id : str
        The id from `load_invites`.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Raises
    ------
    RequestRefusedError
        There is no such invite, or it has been accepted.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.invite_member("colleague@example.com", portal=portal)
    ...     isr.mgmt.withdraw_invite(made.id, portal=portal)
    ...     invites = isr.mgmt.load_invites(portal=portal)
    >>> made.id in set(invites["invite_id"])
    False
    """
    change(connection.current(portal), "DELETE", one_of(INVITES, invite_id), json=None)


def set_role(user_id: str, role: str, *, portal: Portal | None = None) -> Made:
    """Change a member's role.

    Parameters
    ----------
    user_id : str
        The id from `load_members`.
    role : {"owner", "member", "data_manager"}
        The new role. The portal refuses to change the last owner's.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal now says about the member.

    Raises
    ------
    UsageError
        `role` is not a role.
    RequestRefusedError
        There is no such member, or it is the last owner.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     last = isr.mgmt.load_members(portal=portal)["user_id"].iloc[-1]
    ...     _ = isr.mgmt.set_role(last, "data_manager", portal=portal)
    ...     members = isr.mgmt.load_members(portal=portal)
    >>> members["role"].tolist()
    ['owner', 'data_manager', 'data_manager']
    """
    body = {"role": _role(role, _ROLES)}
    return made.read(made.MEMBER, change(connection.current(portal), "PATCH", one_of(MEMBERS, user_id), json=body))


def remove_member(user_id: str, *, portal: Portal | None = None) -> None:
    """Remove a member from the account.

    Parameters
    ----------
    user_id : str
        The id from `load_members`.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Raises
    ------
    RequestRefusedError
        There is no such member, or it is the last owner.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     last = isr.mgmt.load_members(portal=portal)["user_id"].iloc[-1]
    ...     isr.mgmt.remove_member(last, portal=portal)
    ...     members = isr.mgmt.load_members(portal=portal)
    >>> members["role"].tolist()
    ['owner', 'data_manager']
    """
    change(connection.current(portal), "DELETE", one_of(MEMBERS, user_id), json=None)


def create_tenant(display_name: str, *, portal: Portal | None = None) -> Made:
    """Create a tenant, which is a separate account.

    Parameters
    ----------
    display_name : str
        The tenant's name.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        ``id`` (the new account's), and in ``fields`` the portal's whole answer.

    Raises
    ------
    UsageError
        The name is not text, or is empty.
    RequestRefusedError
        The portal refused.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.create_tenant("Production East", portal=portal)
    >>> made.fields["display_name"]
    'Production East'
    """
    body = {"display_name": text(display_name, "display_name", "the tenant's name")}
    return made.read(made.TENANT, change(connection.current(portal), "POST", TENANTS, json=body))


def _load(
    path: str, names: dict[str, tuple[str, ...]], source: str, max_age: str | dt.timedelta, portal: Portal | None
) -> pd.DataFrame:
    age = times.duration(max_age, name="max_age", zero=True) / times.SECOND
    portal = connection.current(portal)
    found = offline.answers(
        portal, f"the list of {source}", lambda most: lists.rows(portal.responses, path, max_age=most), age
    )
    table = _table([row for _, page in found for row in page], names)
    table.attrs.update(
        source=source,
        **connection.provenance(portal),
        **lists.freshness(kept for kept, _ in found),
        rows=len(table),
        warning="; ".join(said := lists.caveats(portal.responses, path)),
    )
    for words in said:
        warnings.warn(words, stacklevel=3)
    return table


def _table(rows: list[dict[str, Any]], names: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    shown = [{name: value for name, value in made.flat(row) if not isinstance(value, Secret)} for row in rows]
    table = pd.DataFrame.from_records(shown)
    given = {column: pick(list(table.columns), known) for column, known in names.items()}
    if _KEY in table:
        column = "email" if table[_KEY].astype("str").str.contains("@").all() else next(iter(names))
        given[column] = given[column] or _KEY
    table = table.rename(columns={old: new for new, old in given.items() if old is not None and new not in table})
    for column in names:
        table[column] = table[column].astype("str") if column in table else pd.Series(pd.NA, table.index, dtype="str")
    return table[[*names, *(column for column in table.columns if column not in names)]]


def _role(role: str, known: tuple[str, ...]) -> str:
    if role not in known:
        raise UsageError(f"role={role!r} cannot be used here; give one of {', '.join(known)}")
    return role
