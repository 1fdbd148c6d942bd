"""Who works in the account: members, their roles, invites; and tenants."""

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
    """Load the list of who works in the account.

    Parameters
    ----------
    max_age : str or timedelta
        An answer that is not older is taken from the cache; with ``"0s"``, none is.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    pandas.DataFrame
        One row a member, in the portal's order, with a RangeIndex. Columns ``user_id``, ``email``, ``role`` (str),
        then whatever else the portal gives. Nobody: the same three columns, no rows. ``attrs`` as of `load_live`.

    Raises
    ------
    AddOnMissingError, TokenMissingError, TokenRefusedError, QuotaExhaustedError, PortalUnavailableError
        The portal could not be asked, or refused.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        The portal may have more than the round number of rows that it gave, or says that some may be missing.

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
        An answer that is not older is taken from the cache; with ``"0s"``, none is.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    pandas.DataFrame
        One row an invite, with a RangeIndex. Columns ``invite_id``, ``email``, ``role`` (str), then whatever else the
        portal gives, without secrets. None: the same three columns, no rows. ``attrs`` as of `load_live`.

    Raises
    ------
    AddOnMissingError, TokenMissingError, TokenRefusedError, QuotaExhaustedError, PortalUnavailableError, AnswerError
        As of `load_members`.

    Warns
    -----
    UserWarning
        As of `load_members`.

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
        Whom.
    role : {"member", "data_manager"}
        With which rights.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        ``id``, ``expires_at``, and in ``fields`` all that the portal said.

    Raises
    ------
    UsageError
        It is no address, or no role that can be invited to.
    RequestRefusedError
        The portal refused, as for somebody who is a member already.

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
        raise UsageError(f"email={email!r} is no e-mail address; give one such as colleague@example.com")
    body = {"email": whom, "role": _role(role, _ROLES[1:])}
    return made.read(made.INVITE, change(connection.current(portal), "POST", INVITES, json=body))


def withdraw_invite(invite_id: str, *, portal: Portal | None = None) -> None:
    """Take an invite back.

    Parameters
    ----------
    invite_id : str
        As `load_invites` gives it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Raises
    ------
    RequestRefusedError
        There is no such invite, or it was accepted meanwhile.

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
    """Give a member another role.

    Parameters
    ----------
    user_id : str
        As `load_members` gives it.
    role : {"owner", "member", "data_manager"}
        The last owner stays one: the portal refuses.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal says of the member now.

    Raises
    ------
    UsageError
        It is no role.
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
    """Take a member's access away.

    Parameters
    ----------
    user_id : str
        As `load_members` gives it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

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
    """Make a tenant, an account of its own.

    Parameters
    ----------
    display_name : str
        What it is called.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        ``id`` (the new account's), and in ``fields`` all that the portal said.

    Raises
    ------
    UsageError
        The name is no text, or empty.
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
    body = {"display_name": text(display_name, "display_name", "what the tenant is called")}
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
        raise UsageError(f"role={role!r} is none here; give one of {', '.join(known)}")
    return role
