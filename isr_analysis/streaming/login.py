"""The broker and the read-only subscriber's login: from arguments, the environment, a file, or the keyring."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import tomli_w

from isr_analysis import keyrings, secret, settings
from isr_analysis.errors import SubscriberMissingError, UsageError
from isr_analysis.secret import Secret

if TYPE_CHECKING:  # the commands that only read options wait for no pandas
    from isr_analysis.mgmt.made import Made

_SCHEMES = {
    "mqtts": (True, False, 8883), "ssl": (True, False, 8883), "tls": (True, False, 8883),
    "mqtt": (False, False, 1883), "tcp": (False, False, 1883),
    "wss": (True, True, 443), "ws": (False, True, 80),
}  # fmt: skip
_KEYS = {"username", "password", "host", "port", "topic_filter"}
_TOKEN = ("isr_mqtt_rest_", "isr_mqtt_platform_rest_")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is.

    Parameters
    ----------
    host : str
        Name or number.
    port : int
        1 to 65535.
    tls : bool
        Whether the connection is encrypted; it may be unencrypted only to this machine.
    path : str or None
        The path of a broker that speaks MQTT over WebSockets.
    """

    host: str
    port: int
    tls: bool = True
    path: str | None = None

    def __str__(self) -> str:
        scheme = f"ws{'s' if self.tls else ''}" if self.path is not None else f"mqtt{'s' if self.tls else ''}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}{self.path or ''}"


@dataclass(frozen=True, slots=True)
class Login:
    """A read-only subscriber at a broker.

    Parameters
    ----------
    address : Address
        Where the broker is.
    username : str
        ``sub-…``.
    password : Secret
        Masked.
    topic_filter : str or None
        The topics to which it may listen; ``{account_id}/#`` if unknown.
    """

    address: Address
    username: str
    password: Secret
    topic_filter: str | None = None

    @property
    def account_id(self) -> str | None:
        """The account named in the filter, if any."""
        from isr_analysis import messages

        told = self.topic_filter or ""
        levels, named = told.split("/"), messages.split_topic(told)[0]
        alone = levels[0] if len(levels) == 2 and levels[1] == "#" else None  # noqa: PLR2004 ({account_id}/#)
        return named or (alone if alone and not set("+{") & set(alone) else None)


def find(
    profile: settings.Profile,
    *,
    login: Made | Login | None = None,
    host: str | None = None,
    port: int | None = None,
    username: str | None = None,
    password: str | Secret | None = None,
    environ: Mapping[str, str] | None = None,
) -> Login:
    """Put a subscriber's login together.

    Looked for in this order: the arguments; `login`; ``ISR_MQTT_HOST``, ``ISR_MQTT_PORT``, ``ISR_MQTT_USERNAME``,
    ``ISR_MQTT_PASSWORD`` and ``ISR_MQTT_TOPIC_FILTER``; the file that ``ISR_MQTT_PASSWORD_FILE`` names; the keyring.

    Raises
    ------
    SubscriberMissingError
        The broker or the login is not to be found; the message says how to get each.
    UsageError
        An address, port or password cannot be used; a REST API token is none.
    """
    env = settings.variables(environ)
    if isinstance(login, Login):
        return login
    if login is not None and getattr(login, "password", None) is None:
        raise UsageError(
            f"login= has no password ({type(login).__name__}); give what isr.mgmt.create_subscriber returned"
        )
    sources: list[dict[str, Any]] = [
        {"host": host, "port": None if port is None else str(port), "username": username, "password": password},
        fields(login) if login is not None else {},
        {key: env.get(f"ISR_MQTT_{key.upper()}") for key in _KEYS},
    ]
    if login is None and password is None:
        sources += [_of_file(env), _of_keyring(profile)]
    known: dict[str, Any] = {}
    for source in sources:
        # A port within the address comes before one from another source.
        if source.get("host") and not known.get("host") and not source.get("port"):
            source = {**source, "port": _port_in(str(source["host"]))}  # noqa: PLW2901 (what it says, in full)
        # A password belongs to the user name beside it: it is never combined with that of another source.
        if known.get("username") and source.get("username") not in (None, "", known["username"]):
            source = {key: source.get(key) for key in ("host", "port")}  # noqa: PLW2901 (what is left of it)
        known = {key: known.get(key) or source.get(key) or None for key in _KEYS}
    where = known["host"]
    if where is None:
        raise SubscriberMissingError(
            "no broker is set up: live MQTT needs its address, which the portal shows beside the subscriber's login; "
            "give host= (and port=), or set ISR_MQTT_HOST (and ISR_MQTT_PORT)"
        )
    found = address(str(where), known["port"])
    if known["username"] is None or known["password"] is None:
        raise SubscriberMissingError(
            f"no login of a read-only subscriber for {found}: make one in the portal or with `isr subscribers create`, "
            "then give login=, or username= and password=, or set ISR_MQTT_USERNAME and ISR_MQTT_PASSWORD_FILE, or "
            "keep it in the keyring with `isr subscribers keep`"
        )
    key = known["password"] if isinstance(known["password"], Secret) else Secret(str(known["password"]))
    _refuse_token(str(known["username"]), key)
    return Login(found, str(known["username"]), key, known["topic_filter"])


def has_subscriber(profile: str | None = None) -> bool:
    """Check whether a broker and a read-only subscriber are set up (environment, file or keyring), without prompting.

    Parameters
    ----------
    profile : str, optional
        The profile to check. Default: ``ISR_PROFILE``, else ``"default"``.

    Returns
    -------
    bool
        Whether `isr_analysis.stream` would find a broker and a login without arguments. The login may have expired;
        only the broker knows.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> isr.has_subscriber()
    False
    """
    try:
        find(settings.profile(profile))
    except SubscriberMissingError:
        return False
    return True


def address(text: str, port: int | str | None = None) -> Address:
    """Read a broker's address.

    Parameters
    ----------
    text : str
        ``host``, ``host:port``, ``mqtts://host:port``, ``wss://host/path``; ``mqtt://`` and ``ws://`` to this machine.
    port : int or str, optional
        8883 if neither it nor the address says.

    Raises
    ------
    UsageError
        It is no address, or not encrypted and not on this machine.
    """
    text = text.strip()
    hint = 'give a host name, "host:port" or "mqtts://host:port"'
    if "@" in text:
        raise UsageError(
            f"host='…@{text.rpartition('@')[2]}' contains a login; give it as username= and password=; {hint}"
        )
    try:
        parts = _split(text)
        tls, web, usual = _SCHEMES[parts.scheme]
        host, named = parts.hostname, parts.port  # one that cannot be is refused, also where another one counts
        number = int(port) if port is not None else usual if named is None else named
    except (ValueError, KeyError) as exc:
        raise UsageError(f"host={text!r}, port={port!r} is not a broker's address; {hint}") from exc
    if not host or any(c.isspace() for c in host) or not 0 < number < 65_536:  # noqa: PLR2004
        raise UsageError(f"host={text!r}, port={port!r} is not a broker's address; {hint}")
    if not tls and not settings.is_loopback(host):
        raise UsageError(
            f"host={text!r} is not encrypted, so anyone on the way could read the password; use mqtts:// (plain MQTT "
            "is only for this machine)"
        )
    return Address(host, number, tls, (parts.path or "/") if web else None)


def _split(text: str) -> SplitResult:
    return urlsplit(text if "://" in text else f"mqtts://{text}")


def _port_in(text: str) -> str | None:
    """Give the port that an address names; None if that cannot be read, which `address` then refuses."""
    try:
        port = _split(text.strip()).port
    except ValueError:
        return None
    return None if port is None else str(port)


def to_text(login: Mapping[str, Any]) -> str:
    """Write a login, its password in plain, as a file that ``ISR_MQTT_PASSWORD_FILE`` names has it."""
    return tomli_w.dumps({key: secret.revealed(value) for key, value in login.items() if value})


def keep_in_keyring(profile: settings.Profile, made: Mapping[str, Any]) -> None:
    """Keep a login in the system's keyring, in place of the profile's former one.

    Raises
    ------
    StoreError
        This machine has no keyring.
    """
    to_keyring(_entry(profile), json.dumps({key: secret.revealed(value) for key, value in made.items()}))


def out_of_keyring(profile: settings.Profile) -> bool:
    """Forget the login of a profile; tell whether there was one.

    Raises
    ------
    StoreError
        The keyring does not give it up.
    """
    return keyrings.forget(_entry(profile), what=f"subscriber's login of profile {profile.name!r}")


def to_keyring(entry: str, value: str) -> None:
    """Put something into the keyring.

    Raises
    ------
    StoreError
        This machine has no keyring.
    """
    keyrings.keep(entry, value, what="password", instead="Have it written into a file with --out FILE")


def check_keyring() -> None:
    """Make sure that there is a keyring, before something comes that is shown only once.

    Raises
    ------
    StoreError
        This machine has none, or one that keeps nothing.
    """
    to_keyring("probe", "it works")
    keyrings.forget("probe", what="probe")


def fields(made: Made) -> dict[str, Any]:
    """Give the fields of a login, taken from what the portal made."""
    return {
        "username": made.username, "password": made.password, "host": made.host, "port": made.port,
        "topic_filter": made.topic,
    }  # fmt: skip


def _of_file(env: Mapping[str, str]) -> dict[str, Any]:
    named = env.get("ISR_MQTT_PASSWORD_FILE")
    if not named:
        return {}
    path = Path(named).expanduser()
    try:
        text = secret.read_file(path, "password")
    except OSError as exc:
        raise SubscriberMissingError(
            f"the password file {path} cannot be read ({exc.strerror}); ISR_MQTT_PASSWORD_FILE names a file that holds "
            "the subscriber's password, or what `isr subscribers create --out` wrote"
        ) from exc
    try:
        known = tomllib.loads(text)
        if "password" in known:
            return {key: value for key, value in known.items() if key in _KEYS}
    except (tomllib.TOMLDecodeError, RecursionError):
        pass
    return {"password": text.strip()}


def _of_keyring(profile: settings.Profile) -> dict[str, Any]:
    try:
        known = json.loads(keyrings.get(_entry(profile)) or "{}")
    except ValueError:  # not written by `keep_in_keyring`
        return {}
    return known if isinstance(known, dict) else {}


def _entry(profile: settings.Profile) -> str:
    return f"mqtt:{profile.name}@{profile.origin}"


def _refuse_token(username: str, password: Secret) -> None:
    if username.startswith(_TOKEN) or password.reveal().strip().startswith(_TOKEN):
        raise UsageError(
            "the subscriber's login is a REST API token, which is not for MQTT: it is sent only to the portal. "
            "Live MQTT needs a read-only subscriber (sub-…), made in the portal or with "
            "`isr subscribers create`"
        )


def filter_of(login: Login, account_id: str) -> str:
    """Give the filter that a login listens to.

    Raises
    ------
    UsageError
        It is no MQTT topic filter.
    """
    from isr_analysis import messages

    told = login.topic_filter
    return messages.check_filter(told if told and "{" not in told else f"{account_id}/#")
