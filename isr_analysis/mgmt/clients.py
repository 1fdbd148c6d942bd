"""MQTT clients and read-only subscribers: create, pause, remove, give new passwords."""

from __future__ import annotations

from isr_analysis.errors import UsageError
from isr_analysis.messages import check_flags
from isr_analysis.mgmt import made
from isr_analysis.mgmt.calls import SUBSCRIBERS, change, one_of, text
from isr_analysis.mgmt.made import Made
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal


def create_publisher(label: str, *, allow_subscribe: bool = False, portal: Portal | None = None) -> Made:
    """Create an MQTT client, which may publish.

    Parameters
    ----------
    label : str
        A name of your choice; the portal makes the id.
    allow_subscribe : bool
        Whether the client may also listen.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        ``client_id``, ``username``, ``password`` (masked; the portal shows it only this once), ``topic`` (where it may
        publish), and in ``fields`` the portal's whole answer.

    Raises
    ------
    UsageError
        The label is not text, or is empty.
    AddOnMissingError
        The account lacks the Mgmt add-on.
    TokenMissingError, TokenRefusedError, QuotaExhaustedError, RequestRefusedError
        Nothing was created.
    PortalUnavailableError
        The message says whether the client may have been created.
    AnswerError
        The client was created, but no password was shown; the message says how to get another.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.create_publisher("site-alpha-sensor", portal=portal)
    >>> made.client_id, made.password
    ('site-alpha-sensor', Secret(…))
    """
    check_flags(allow_subscribe=allow_subscribe)
    portal = connection.current(portal)
    body = {"label": text(label, "label", "a name of your choice"), "allow_subscribe": bool(allow_subscribe)}
    return made.read(made.CLIENT, change(portal, "POST", portal.routes.publishers, json=body), secret=True)


def pause_publisher(client_id: str, *, portal: Portal | None = None) -> Made:
    """Pause an MQTT client. What it would have published meanwhile is lost.

    Parameters
    ----------
    client_id : str
        The id as in the list of publishers.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal now says about the client; may be empty.

    Raises
    ------
    RequestRefusedError
        There is no such client (404); otherwise see `create_publisher`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     _ = isr.mgmt.pause_publisher("isr-shack-01", portal=portal)
    ...     publishers = isr.load_publishers(portal=portal).set_index("client_id")
    >>> bool(publishers.loc["isr-shack-01", "paused"])
    True
    """
    return _switch(client_id, "/pause", portal)


def resume_publisher(client_id: str, *, portal: Portal | None = None) -> Made:
    """Resume a paused MQTT client.

    Parameters
    ----------
    client_id : str
        The id as in the list of publishers.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal now says about the client; may be empty.

    Raises
    ------
    RequestRefusedError
        There is no such client (404); otherwise see `create_publisher`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     _ = isr.mgmt.pause_publisher("isr-shack-01", portal=portal)
    ...     _ = isr.mgmt.resume_publisher("isr-shack-01", portal=portal)
    ...     publishers = isr.load_publishers(portal=portal).set_index("client_id")
    >>> bool(publishers.loc["isr-shack-01", "paused"])
    False
    """
    return _switch(client_id, "/resume", portal)


def remove_publisher(client_id: str, *, portal: Portal | None = None) -> None:
    """Remove an MQTT client permanently; its login stops working.

    Parameters
    ----------
    client_id : str
        The id as in the list of publishers.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Raises
    ------
    RequestRefusedError
        There is no such client (404); otherwise see `create_publisher`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     isr.mgmt.remove_publisher("isr-shack-01", portal=portal)
    ...     publishers = isr.load_publishers(portal=portal)
    >>> "isr-shack-01" in set(publishers["client_id"])
    False
    """
    portal = connection.current(portal)
    change(portal, "DELETE", one_of(portal.routes.publishers, client_id), json=None)


def rotate_credentials(client_id: str, *, portal: Portal | None = None) -> Made:
    """Give an MQTT client a new password; the old one stops working.

    Parameters
    ----------
    client_id : str
        The id as in the list of publishers.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        With ``password`` (masked; the portal shows it only this once).

    Raises
    ------
    RequestRefusedError, AnswerError
        There is no such client (404); otherwise see `create_publisher`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.rotate_credentials("isr-shack-01", portal=portal)
    >>> made.password
    Secret(…)
    """
    portal = connection.current(portal)
    path = one_of(portal.routes.publishers, client_id, "/rotate-credentials")
    return made.read(made.CLIENT, change(portal, "POST", path, json=None), secret=True)


def create_subscriber(label: str, *, expires_in_days: int = 30, portal: Portal | None = None) -> Made:
    """Create a read-only subscriber: a broker login that may listen to the whole account and publish nothing.

    Parameters
    ----------
    label : str
        A name of your choice.
    expires_in_days : int
        How many days the login is valid.
    portal : Portal, optional
        The connection to use; by default the one made by `isr_analysis.connect`.

    Returns
    -------
    Made
        ``username`` (``sub-…``), ``password`` (masked; the portal shows it only this once), ``topic`` (the filter that
        it may listen to), ``expires_at``, and in ``fields`` the portal's whole answer. Pass it to `isr_analysis.stream`
        as ``login=``.

    Raises
    ------
    UsageError
        The label is not text or is empty, or the days are not a whole number above zero.
    AddOnMissingError, RequestRefusedError, PortalUnavailableError, AnswerError
        See `create_publisher`; a plan limits how many subscribers there may be.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.create_subscriber("notebook", expires_in_days=7, portal=portal)
    >>> made.username.startswith("sub-"), made.password
    (True, Secret(…))
    """
    if type(expires_in_days) is not int or expires_in_days < 1:  # True is one, too
        raise UsageError(f"expires_in_days={expires_in_days!r} is not a number of days; give a whole number, 1 or more")
    portal = connection.current(portal)
    body = {"label": text(label, "label", "a name of your choice"), "expires_in_days": expires_in_days}
    return made.read(made.SUBSCRIBER, change(portal, "POST", SUBSCRIBERS, json=body), secret=True)


def _switch(client_id: str, to: str, portal: Portal | None) -> Made:
    portal = connection.current(portal)
    return made.read(made.CLIENT, change(portal, "POST", one_of(portal.routes.publishers, client_id, to), json=None))
