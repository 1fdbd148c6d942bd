"""MQTT clients and read-only subscribers: made, paused, removed, given new passwords."""

from __future__ import annotations

from isr_analysis.errors import UsageError
from isr_analysis.messages import check_flags
from isr_analysis.mgmt import made
from isr_analysis.mgmt.calls import SUBSCRIBERS, change, one_of, text
from isr_analysis.mgmt.made import Made
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal


def create_publisher(label: str, *, allow_subscribe: bool = False, portal: Portal | None = None) -> Made:
    """Make an MQTT client, which may publish.

    Parameters
    ----------
    label : str
        What you call it; the portal makes its id.
    allow_subscribe : bool
        Whether it may listen as well.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        ``client_id``, ``username``, ``password`` (masked; the portal shows it this once), ``topic`` (where it may
        publish), and in ``fields`` all that the portal said.

    Raises
    ------
    UsageError
        The label is no text, or empty.
    AddOnMissingError
        The account lacks the Mgmt add-on.
    TokenMissingError, TokenRefusedError, QuotaExhaustedError, RequestRefusedError
        Nothing was made.
    PortalUnavailableError
        The message says whether it may have been made.
    AnswerError
        It was accepted, and no password was shown; the message says how to get another.

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
    body = {"label": text(label, "label", "what you call it"), "allow_subscribe": bool(allow_subscribe)}
    return made.read(made.CLIENT, change(portal, "POST", portal.routes.publishers, json=body), secret=True)


def pause_publisher(client_id: str, *, portal: Portal | None = None) -> Made:
    """Pause an MQTT client. What it would publish meanwhile is lost.

    Parameters
    ----------
    client_id : str
        As the list of publishers has it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal says of the client now; perhaps nothing.

    Raises
    ------
    RequestRefusedError
        There is no such client (404), or what `create_publisher` says.

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
    """Let a paused MQTT client go on.

    Parameters
    ----------
    client_id : str
        As the list of publishers has it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        What the portal says of the client now; perhaps nothing.

    Raises
    ------
    RequestRefusedError
        There is no such client (404), or what `create_publisher` says.

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
    """Remove an MQTT client for good; its login ends.

    Parameters
    ----------
    client_id : str
        As the list of publishers has it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Raises
    ------
    RequestRefusedError
        There is no such client (404), or what `create_publisher` says.

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
    """Give an MQTT client another password; the old one ends.

    Parameters
    ----------
    client_id : str
        As the list of publishers has it.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        With ``password`` (masked; the portal shows it this once).

    Raises
    ------
    RequestRefusedError, AnswerError
        There is no such client (404), or what `create_publisher` says.

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
    """Make a read-only subscriber: a broker login that may listen to all of the account, and publish nothing.

    Parameters
    ----------
    label : str
        What you call it.
    expires_in_days : int
        For how long it works.
    portal : Portal, optional
        The connection; by default that of `isr_analysis.connect`.

    Returns
    -------
    Made
        ``username`` (``sub-…``), ``password`` (masked; the portal shows it this once), ``topic`` (the filter that it
        may listen to), ``expires_at``, and in ``fields`` all that the portal said. `isr_analysis.stream` takes it as
        ``login=``.

    Raises
    ------
    UsageError
        The label is no text or empty, or the days are no whole number above zero.
    AddOnMissingError, RequestRefusedError, PortalUnavailableError, AnswerError
        As of `create_publisher`; a plan limits how many subscribers there may be.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     made = isr.mgmt.create_subscriber("notebook", expires_in_days=7, portal=portal)
    >>> made.username.startswith("sub-"), made.password
    (True, Secret(…))
    """
    if type(expires_in_days) is not int or expires_in_days < 1:  # True is one, too
        raise UsageError(f"expires_in_days={expires_in_days!r} is no number of days; give a whole one, 1 or more")
    portal = connection.current(portal)
    body = {"label": text(label, "label", "what you call it"), "expires_in_days": expires_in_days}
    return made.read(made.SUBSCRIBER, change(portal, "POST", SUBSCRIBERS, json=body), secret=True)


def _switch(client_id: str, to: str, portal: Portal | None) -> Made:
    portal = connection.current(portal)
    return made.read(made.CLIENT, change(portal, "POST", one_of(portal.routes.publishers, client_id, to), json=None))
