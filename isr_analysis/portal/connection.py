"""Connecting: the settings and the token that are found make a connection, and one is the process's default."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import datetime as dt
import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isr_analysis import settings, times
from isr_analysis.contract.contract import Contract
from isr_analysis.errors import TokenMissingError, UsageError
from isr_analysis.files import path_of
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal import token as tokens
from isr_analysis.portal.portal import Portal


@dataclasses.dataclass(frozen=True, slots=True)
class _Default:
    """The default connection.

    Parameters
    ----------
    portal : Portal
        It.
    again : callable
        Connects once more, in the same way.
    profile : str or None
        The profile that an argument named.
    is_found : bool
        Whether its token came from the settings, and not as an argument.
    settings : int
        What stands for the settings by which it was made.
    """

    portal: Portal
    again: Callable[[], Portal]
    profile: str | None
    is_found: bool
    settings: int


_default: _Default | None = None
_connecting = threading.Lock()


def connect(
    token: str | tokens.Token | None = None,
    *,
    profile: str | None = None,
    origin: str | None = None,
    account_id: str | None = None,
    contract: str | Path | Contract | None = None,
    home: str | Path | None = None,
) -> Portal:
    """Connect to the portal, and make this the default connection of the process.

    This makes no request yet.

    Parameters
    ----------
    token : str or Token, optional
        The REST API token. By default, the first found of ``ISR_TOKEN``, the file named by ``ISR_TOKEN_FILE``, the
        keyring, and a prompt if someone is there.
    profile : str, optional
        A named set of settings, created by ``isr login --profile``. Default: ``ISR_PROFILE``, else ``"default"``.
    origin : str, optional
        ``https://host[:port]``. Default: ``ISR_PORTAL_ORIGIN``, else the profile's, else the public portal.
    account_id : str, optional
        Needed with a platform operator's token. Default: ``ISR_ACCOUNT_ID``, else the profile's.
    contract : str, Path or Contract, optional
        What the portal's parameters and fields mean, if the portal does not say so itself.
    home : str or Path, optional
        The folder where everything is kept. Default: ``ISR_HOME``, else the system's folder for user data.

    Returns
    -------
    Portal
        Its repr shows origin, profile and account, but never the token.

    Raises
    ------
    TokenMissingError
        No token was found, and there was nobody to ask.
    UsageError
        A setting cannot be used.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox:
    ...     portal = isr.connect(sandbox.token, origin=sandbox.origin)
    ...     len(isr.load_live(portal=portal)) > 0
    ...     isr.disconnect()
    True
    """
    global _default  # noqa: PLW0603 (the one global there is: the process's default connection)
    file = None if isinstance(contract, Contract | None) or contract == "" else path_of(contract, "contract")
    known = settings.profile(profile, origin=origin, account_id=account_id, contract=file, home=home)
    key = tokens.find(known, token)
    made = Portal(known, key, contract=contract if isinstance(contract, Contract) else None)
    again = functools.partial(  # whatever the process's folder is by then
        connect, None if token is None else key, profile=profile, origin=origin, account_id=account_id,
        contract=contract if file is None else known.contract, home=home and known.home,
    )  # fmt: skip
    _default = _Default(made, again, profile, token is None, _settings_of(made))
    return made


def current(portal: Portal | None = None, *, ask: bool | None = None) -> Portal:
    """Give the connection that a loader uses: its argument, the default one, or a new one from the settings.

    The default one is made anew where the settings have changed, or its token was refused and they may hold another.
    Under ISR_OFFLINE it sends nothing from here on. With ``ask=False`` nobody is prompted for a token: where there is
    none, that is the error.
    """
    if portal is None:
        if _default is None and ask is False:
            tokens.find(settings.profile(), ask=False)
        with _connecting:  # of several threads that begin at once, the first one connects
            portal = connect() if (default := _default) is None else _renewed(default)
    elif portal is existing():
        _heed_offline(portal)
    elif not isinstance(portal, Portal):
        how = "its connect()" if hasattr(portal, "connect") else "isr_analysis.connect()"  # of a sandbox
        raise UsageError(f"portal={type(portal).__name__} is no connection; give what {how} returns")
    if portal.profile.is_offline:
        portal.wire.allow(0)
    return portal


def _renewed(default: _Default) -> Portal:
    """Give the default connection, made anew where its settings have changed or its token was refused."""
    portal = default.portal
    replaced = default.is_found and portal.wire.is_refused and _finds_another(portal)
    changed = default.settings != _settings_of(portal)
    if replaced or (changed and (not default.is_found or has_token(default.profile))):
        portal = default.again()
        atexit.register(default.portal.close)  # whoever holds it goes on with it
    _heed_offline(portal)
    return portal


def _finds_another(portal: Portal) -> bool:
    """Tell whether the settings hold another token than that of a connection."""
    with contextlib.suppress(TokenMissingError):
        return tokens.find(portal.profile, ask=False).reveal() != portal.environment()["ISR_TOKEN"]
    return False


def _settings_of(portal: Portal) -> int:
    """Give what stands for the settings of a connection: the environment, and how its contract file is."""
    others = (settings.OFFLINE, "ISR_MQTT_")  # which are read when they are needed
    said = {name: value for name, value in settings.variables().items() if not name.startswith(others)}
    changed = None
    with contextlib.suppress(OSError):
        changed = portal.profile.contract and portal.profile.contract.stat().st_mtime_ns
    return hash((changed, *sorted(said.items())))


def _heed_offline(portal: Portal) -> None:
    """Let the default connection ask the portal or not, as the environment says now."""
    offline = settings.is_offline()
    if portal.profile.is_offline is not offline:
        portal.profile = dataclasses.replace(portal.profile, is_offline=offline)
        portal.wire.allow(None)


def asked(
    client_id: Clients | None,
    topic: str,
    start: times.Instant | None,
    end: times.Instant | None,
    last: str | dt.timedelta | None,
    tz: str | dt.tzinfo,
    portal: Portal | None,
    *,
    to_the_second: bool = False,
) -> tuple[Portal, Selector, times.Range]:
    """Read what every loader of history is asked: over which connection, which messages, of which range.

    The arguments are those of `load_history`. A range without an end of its own ends now; `to_the_second` for what
    people read.
    """
    zone = times.zone(tz)
    selector = Selector.of(client_id, topic)
    portal = current(portal)
    now = times.whole_second(portal.now()) if to_the_second else portal.now()
    return portal, selector, times.resolve(start, end, last, tz=zone, now=now)


def existing() -> Portal | None:
    """Give the default connection, if there is one."""
    default = _default  # another thread may forget it meanwhile
    return None if default is None else default.portal


def disconnect() -> None:
    """Close and forget the default connection; the next loader connects again.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox:
    ...     portal = isr.connect(sandbox.token, origin=sandbox.origin)
    ...     isr.disconnect()
    """
    global _default  # noqa: PLW0603 (see connect)
    if _default is not None:
        _default.portal.close()
        _default = None


def has_token(profile: str | None = None) -> bool:
    """Check whether a token is set up (environment, file or keyring), without prompting.

    Parameters
    ----------
    profile : str, optional
        The profile to check. Default: ``ISR_PROFILE``, else ``"default"``.

    Returns
    -------
    bool
        Whether `connect` would find a token without a prompt. It may have expired or been revoked; only the portal
        knows.

    Raises
    ------
    UsageError
        The profile does not exist.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> isr.has_token()  # in this shell nothing is set up
    False
    """
    try:
        tokens.find(settings.profile(profile), ask=False)
    except TokenMissingError:
        return False
    return True


def provenance(portal: Portal, selector: Selector | None = None) -> dict[str, Any]:
    """Give what every frame's ``attrs`` say of the connection that it came over, and of what was selected."""
    selected = {} if selector is None else {"clients": list(selector.clients or ()), "topic": selector.topic}
    return {
        "profile": portal.profile.name,
        "origin": portal.origin,
        "account": portal.account_id,
        "contract": known.source if (known := portal.known_contract) else "not needed: nothing was asked",
        **selected,
    }
