"""What the portal created: its fields under the portal's own names, with secrets masked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from isr_analysis.answers.shape import leaf
from isr_analysis.errors import AnswerError
from isr_analysis.secret import Secret, is_named_otherwise, is_named_secret, revealed

_PASSWORD = (
    "password", "mqttpassword", "newpassword", "plainpassword", "plaintextpassword", "passwordplain",
    "generatedpassword", "passwd", "pwd", "pass", "passphrase", "secret", "clientsecret", "mqttsecret", "credential",
    "psk",
)  # fmt: skip
_KEYS = ("key", "token")  # or something else
_USERNAME = ("username", "mqttusername", "user", "login", "mqttuser", "mqttlogin", "principal")
_CLIENT = ("clientid", "mqttclientid", "deviceid", "publisherid")
_TOPIC = ("publishtopic", "topicfilter", "subscribetopic", "topic", "filter", "topicpattern", "acl")
_HOST = ("host", "hostname", "mqtthost", "brokerhost", "broker", "endpoint", "server", "brokerurl", "url", "uri")
_PORT = ("tlsport", "mqttsport", "mqtttlsport", "sslport", "port", "mqttport", "brokerport")
_EXPIRES = ("expiresat", "expires", "expiry", "expiration", "validuntil", "expiresutc")
_ID = ("id", "userid", "memberid", "inviteid", "invitationid", "subscriberid", "accountid", "tenantid", "uuid")

_SAID = (
    "status", "state", "result", "message", "msg", "detail", "description", "info", "note", "notice", "hint", "kind",
    "protocol", "role", "email", "version", "self", "href",
)  # fmt: skip
"""What else an answer says in words, and is no password."""

_URL_LOGIN = re.compile(
    r"://(?:[^/@\s]*:[^/@\s]+@|\S*[?&#][\w.-]*(?:token|secret|passw\w*|code|key|sig(?:nature)?)=)", re.IGNORECASE
)
"""An address that opens something for whoever has it."""

_LOGIN = re.compile(r"(sub|pub)-\S+")


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """What the portal created or changed.

    Parameters
    ----------
    what : str
        What it is, such as ``"read-only subscriber"``.
    fields : mapping of str to Any
        The portal's whole answer, including unknown fields; nested names are joined with dots. Anything that is or may
        be a secret is a `Secret`.

    Examples
    --------
    >>> made = read("MQTT client", b'{"device": {"client_id": "a", "password": "x9"}, "publish_topic": "u/a/#"}')
    >>> made
    Made(MQTT client, device.client_id='a', device.password=Secret(…), publish_topic='u/a/#')
    >>> made.client_id, made.password.reveal(), made.topic
    ('a', 'x9', 'u/a/#')
    """

    what: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    def __repr__(self) -> str:
        return f"Made({', '.join([self.what, *(f'{name}={value!r}' for name, value in self.fields.items())])})"

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    @property
    def client_id(self) -> str | None:
        """The MQTT client's id."""
        return self._text(_CLIENT) or (self.id if self.what == CLIENT else None)

    @property
    def username(self) -> str | None:
        """The broker login."""
        texts = [value for value in self.fields.values() if isinstance(value, str) and _LOGIN.fullmatch(value)]
        return self._text(_USERNAME) or next(iter(texts), None)

    @property
    def password(self) -> Secret | None:
        """The broker password, which the portal shows only this once; None if none is recognised in the answer."""
        secrets = {name: v for name, v in self.fields.items() if isinstance(v, Secret)}
        called = {v for name, v in secrets.items() if "passw" in leaf(name)}
        alone = called.pop() if len(called) == 1 else None
        found = self._find(_PASSWORD, Secret) or alone or (self._find(_KEYS, Secret) if len(secrets) == 1 else None)
        return found if isinstance(found, Secret) else None

    @property
    def topic(self) -> str | None:
        """The topic to which it may publish, or the filter to which it may listen."""
        return self._text(_TOPIC)

    @property
    def host(self) -> str | None:
        """The broker's address, if the answer gives it; the address of a web page does not count."""
        found = self._text(_HOST)
        return None if found is None or found.startswith("http") else found

    @property
    def port(self) -> int | None:
        """The broker's port, if the answer gives it as a number or as text."""
        found = str(self._find(_PORT, int) or self._text(_PORT))
        return int(found) if found.isdecimal() else None

    @property
    def expires_at(self) -> str | None:
        """When it expires, as the portal writes it."""
        return self._text(_EXPIRES)

    @property
    def id(self) -> str | None:
        """The portal's id of a member, an invite, a tenant or a subscriber."""
        found = self._find(_ID, str) or self._find(_ID, int)
        return None if found is None else str(found)

    def reveal(self) -> dict[str, Any]:
        """Return all fields, with their secrets in plain text."""
        return {name: revealed(value) for name, value in self.fields.items()}

    def _text(self, known: tuple[str, ...]) -> str | None:
        found = self._find(known, str)
        return found if isinstance(found, str) else None

    def _find(self, known: tuple[str, ...], kind: type) -> Any:
        """Give the value of the first known name, by a field's last part; the least nested field wins."""
        there = {name: v for name, v in self.fields.items() if isinstance(v, kind) and not isinstance(v, bool)}
        by_depth = sorted(there, key=lambda name: name.count("."))
        for one in known:
            for name in by_depth:
                if leaf(name) == one:
                    return there[name]
        return None


CLIENT, SUBSCRIBER, TENANT, MEMBER, INVITE = "MQTT client", "read-only subscriber", "tenant", "member", "invite"

_ANOTHER = {
    CLIENT: "find the client in the list, and give it a new password (`isr publishers rotate`, or "
    "isr.mgmt.rotate_credentials)",
    SUBSCRIBER: "create another subscriber, and remove this one in the portal",
}
"""What to do where a new password was not shown."""


def read(what: str, body: bytes, *, secret: bool = False) -> Made:
    """Read the answer to a change.

    Parameters
    ----------
    what : str
        What was made or changed.
    body : bytes
        JSON of any form, text, or nothing.
    secret : bool
        Whether a password must be in it. If none is recognised, every text that is not plainly something else is
        masked: what was shown once is neither lost nor shown.

    Raises
    ------
    AnswerError
        A password must be in it, and nothing in it may be one.
    """
    value = _opened(_read(body))
    if not isinstance(value, dict):
        value = {"answer": Secret(value) if secret and isinstance(value, str) else value}
    made = Made(what, dict(flat(value)))
    if secret and made._find(_PASSWORD, Secret) is None:  # noqa: SLF001 (its own module)
        made = Made(what, {name: _masked(name, one, _may_be_secret) for name, one in made.fields.items()})
    if secret and not any(one.strip("*•") for one in _secrets(made.fields)):
        raise AnswerError(
            f"the portal accepted this, but its answer, {made!r}, shows no password, which will not be shown later. "
            f"Nothing is sent again automatically: {_ANOTHER[what]}"
        )
    return made


def _opened(value: Any) -> Any:
    """Give an answer in which each list of one object is that object."""
    if isinstance(value, list):
        return _opened(value[0]) if len(value) == 1 and isinstance(value[0], dict) else [_opened(one) for one in value]
    return {name: _opened(one) for name, one in value.items()} if isinstance(value, dict) else value


def _secrets(value: Any) -> Iterator[str]:
    """Give the secrets in an answer, within lists and objects, too."""
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets(one)
    elif isinstance(value, Secret):
        yield value.reveal()


def has_secret(body: bytes) -> bool:
    """Tell whether something in an answer is, or may be, a secret."""
    value = _opened(_read(body))
    return isinstance(value, dict) and any(isinstance(one, Secret) for _, one in flat(value))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace").strip()


def _may_be_secret(name: str, _: str) -> bool:
    """Tell whether a text is not plainly something else."""
    known = (*_USERNAME, *_CLIENT, *_TOPIC, *_HOST, *_EXPIRES, *_ID, *_SAID)
    return leaf(name) not in known and not is_named_otherwise(name)


def flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Give the fields of an object, nested names joined with dots, what may be a secret masked."""
    for key, one in value.items():
        name = f"{above}{key}"
        if isinstance(one, dict) and one:
            yield from flat(one, f"{name}.")
        else:
            yield name, _masked(str(key), one, _is_secret)


def _is_secret(name: str, value: str) -> bool:
    return is_named_secret(name) or _URL_LOGIN.search(value) is not None


def _masked(name: str, value: Any, is_secret: Callable[[str, str], bool]) -> Any:
    """Mask the texts in a value, however deep, that are secrets."""
    if isinstance(value, list):
        return [_masked(name, one, is_secret) for one in value]
    if isinstance(value, dict):
        return {key: _masked(str(key), one, is_secret) for key, one in value.items()}
    if type(value) is int and leaf(name) in _PASSWORD:
        return Secret(str(value))
    return Secret(value) if isinstance(value, str) and value and is_secret(name, value) else value
