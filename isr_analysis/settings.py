"""Where the portal is and where data is kept, from arguments, the environment, and one file.

An argument wins over the environment, the environment over ``config.toml`` in the home folder, and the file over the
defaults. For a profile that an argument names, though, the file wins over the environment. The token is no setting: it
is never in the file (`isr_analysis.portal.token`).
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import tomli_w

from isr_analysis.errors import StoreError, UsageError, without_tokens
from isr_analysis.files import locked, path_of, replacing

DEFAULT_ORIGIN = "https://mqtt.ishareradio.com"
CONFIG = "config.toml"
OFFLINE = "ISR_OFFLINE"

_KEYS = {"origin", "account_id", "contract", "token_file"}
_ON, _OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One set of settings under a name.

    Parameters
    ----------
    name : str
        ``"default"`` if nothing else is said.
    origin : str
        Scheme, host and port of the portal, without a path.
    account_id : str or None
        The account, where it is named; otherwise the portal says it.
    account_is_given : bool
        Whether an argument or the environment names it, and not only the file. Only then may a token that was never
        seen here open what is on disk while the portal cannot be reached.
    is_chosen : bool
        Whether an argument names this profile and the file has it: then what is kept for it, its token too, comes
        before the environment.
    contract : Path or None
        A TOML file that says what the portal's parameters and fields mean.
    token_file : Path or None
        A file that holds the token.
    home : Path
        The folder in which everything is kept.
    is_offline : bool
        Whether the environment says that loaders give what is on disk, and the portal is not asked.
    """

    name: str
    origin: str
    account_id: str | None
    account_is_given: bool
    is_chosen: bool
    contract: Path | None
    token_file: Path | None
    home: Path
    is_offline: bool = False


def profile(
    name: str | None = None,
    *,
    origin: str | None = None,
    account_id: str | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    may_be_new: bool = False,
) -> Profile:
    """Put the settings of a profile together.

    Parameters
    ----------
    name : str, optional
        The profile; else ``ISR_PROFILE``; else ``"default"``.
    origin, account_id, contract, home : optional
        These win over ``ISR_PORTAL_ORIGIN``, ``ISR_ACCOUNT_ID``, ``ISR_CONTRACT`` and ``ISR_HOME``.
    environ : mapping, optional
        In place of the process's environment.
    may_be_new : bool
        Whether the profile need not be in the file yet, as it is about to be made.

    Raises
    ------
    UsageError
        A setting cannot be used, there is no such profile, or its entry in the file is not understood.
    StoreError
        The file cannot be read.
    """
    env = variables(environ)
    check_texts(profile=name, origin=origin, account_id=account_id)
    folder = home_folder(home, environ=env)
    given = name or env.get("ISR_PROFILE")
    called = check_name(given or "default")
    entries = _read(folder / CONFIG)
    # A service without kept profiles may name one in its environment; an argument means one that is kept.
    from_environment = env.get("ISR_PORTAL_ORIGIN") and not name
    known = called in entries or called == "default" or origin or from_environment
    if not known and not may_be_new:
        there = ", ".join(sorted(entries)) or "none yet"
        raise UsageError(
            f"there is no profile {called!r} in {folder / CONFIG} (there: {there}); "
            f'make it with "isr login --profile {called}"'
        )
    entry = entries.get(called, {})
    chosen = bool(name) and called in entries

    def setting(argument: str | Path | None, variable: str, key: str, read: Callable[[str], Any]) -> Any:
        kept = [(env.get(variable), variable), (entry.get(key), f"{folder / CONFIG}, [profiles.{called}]")]
        # The environment may be meant for another profile than the one that an argument names.
        for value, where in [(argument, ""), *(kept[::-1] if chosen else kept)]:
            if value:
                try:
                    return read(_no_token(str(value), key))
                except UsageError as exc:
                    if not where:
                        raise
                    raise UsageError(f"{where}: {exc}") from exc
        return None

    return Profile(
        name=called,
        origin=setting(origin, "ISR_PORTAL_ORIGIN", "origin", check_origin) or DEFAULT_ORIGIN,
        account_id=setting(account_id, "ISR_ACCOUNT_ID", "account_id", _check_account),
        account_is_given=bool(account_id or (env.get("ISR_ACCOUNT_ID") and not (chosen and entry.get("account_id")))),
        is_chosen=chosen,
        contract=setting(contract, "ISR_CONTRACT", "contract", lambda path: path_of(path, "contract").absolute()),
        token_file=setting(None, "ISR_TOKEN_FILE", "token_file", lambda path: path_of(path, "token_file").absolute()),
        home=folder,
        is_offline=is_offline(environ),
    )


def names(home: Path) -> list[str]:
    """Give the names of the profiles that are kept in a folder."""
    return sorted(_read(home / CONFIG))


def is_offline(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether the environment says that the portal is not to be asked."""
    return _is_set(variables(environ).get(OFFLINE, ""), OFFLINE)


def variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this package's variables of the environment, without the line ends of Windows that a file leaves on them."""
    env = os.environ if environ is None else environ
    return {name: value.strip() for name, value in env.items() if name.startswith("ISR_")}


def home_folder(home: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """Give the folder in which everything is kept; it need not exist yet."""
    given = variables(environ).get("ISR_HOME") or None if home is None or (isinstance(home, str) and not home) else home
    try:
        return path_of(given, "home").absolute() if given is not None else platformdirs.user_data_path("isr_analysis")
    except RuntimeError as exc:
        raise UsageError(
            f"this user has no home folder to store anything in ({exc}); set ISR_HOME to a folder"
        ) from exc


def save(to: Profile) -> Path:
    """Write a profile into ``config.toml``, whole or not at all, and give the file's path."""
    path = to.home / CONFIG
    values = {
        "origin": to.origin,
        "account_id": to.account_id,
        "contract": str(to.contract) if to.contract else None,
        "token_file": str(to.token_file) if to.token_file else None,
    }
    entry = {key: value for key, value in values.items() if value is not None}
    if _read(path).get(to.name) == entry:  # a folder that can only be read is no hindrance then
        return path
    with locked(path.with_suffix(".lock")):
        return _write(path, {**_read(path), to.name: entry})


def forget(name: str, home: Path) -> bool:
    """Remove a profile from ``config.toml``; tell whether it was there."""
    path = home / CONFIG
    if name not in _read(path):
        return False
    with locked(path.with_suffix(".lock")):
        entries = _read(path)
        was_there = entries.pop(name, None) is not None
        _write(path, entries)
    return was_there


def check_texts(**given: object) -> None:
    """Refuse arguments that are neither a text nor left out."""
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name}={value!r} is not text; give text, or leave it out")


def check_name(name: str) -> str:
    """Give a profile's name back if it can be one."""
    if not _NAME.fullmatch(_no_token(name, "profile")):
        raise UsageError(
            f"profile={name!r} cannot be a profile's name; use letters, digits, dots, dashes and underscores"
        )
    return name


def check_origin(origin: str) -> str:
    """Give a portal's origin in its plain form, ``https://host[:port]``.

    Raises
    ------
    UsageError
        No http address, a path or a password in it, or plain http to another machine.
    """
    hint = f'give only scheme, host and port, such as "{DEFAULT_ORIGIN}"'
    try:
        parts = urlsplit(origin.strip())
        port = parts.port
    except ValueError as exc:
        raise UsageError(f"origin={origin!r} is not a web address; {hint}") from exc
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"the origin has a user name or password in it; {hint}")
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", parts.netloc):
        raise UsageError(f"origin={origin!r} is not an http or https address; {hint}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"origin={origin!r} has a path; {hint}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"origin={origin!r} is plain http, where anyone on the way could read the token; use https "
            "(plain http is only for this machine)"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_set(value: str, variable: str) -> bool:
    """Read a switch of the environment."""
    word = value.strip().lower()
    if word not in {*_ON, *_OFF}:
        raise UsageError(f"{variable}={value!r} is neither yes nor no; give 1 or 0")
    return word in _ON


def _no_token(value: str, name: str) -> str:
    """Refuse a token in the place of another setting: as the name of a file or a profile it would be shown and kept."""
    is_file = os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111 (Path raises where the name is too long)
    if without_tokens(value) != value and not is_file:
        raise UsageError(
            f"{name}= was given a token (not shown here); give it as connect(token), in ISR_TOKEN, or in the file that "
            "ISR_TOKEN_FILE names"
        )
    return value


def _check_account(account: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", account):
        raise UsageError(
            f"account_id={account!r} is not an account id; it is the UUID that the portal shows in every topic"
        )
    return account


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))  # an editor of Windows may have marked it
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise StoreError(
            f"{path} cannot be read: {exc}; see who may read it, or set ISR_HOME to another folder"
        ) from exc
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise UsageError(f"{path} is not valid TOML: {exc}; fix it, or delete it and run `isr login`") from exc
    if unknown := sorted(set(document) - {"profiles"}):
        raise UsageError(
            f"{path} has {', '.join(unknown)}, which would be ignored; it may only have profiles, each under a heading "
            "such as [profiles.default]"
        )
    entries = document.get("profiles", {})
    if not isinstance(entries, dict):
        raise UsageError(
            f"{path}: profiles is not a table; put each profile under a heading such as [profiles.default]"
        )
    for name, entry in entries.items():
        unknown = sorted(set(entry) - _KEYS) if isinstance(entry, dict) else ["(no table)"]
        if unknown or not all(isinstance(value, str) for value in entry.values()):
            raise UsageError(
                f"{path}: [profiles.{name}] has {', '.join(unknown) or 'a value that is not text'}; "
                f"it may have {', '.join(sorted(_KEYS))}, each as text"
            )
    return dict(entries)


def _write(path: Path, entries: dict[str, dict[str, str]]) -> Path:
    try:
        with replacing(path) as aside:
            aside.touch(mode=0o600)
            aside.write_bytes(tomli_w.dumps({"profiles": entries}).encode())
    except OSError as exc:
        raise StoreError(
            f"{path} cannot be written: {exc.strerror or exc}; see who may write there, or set ISR_HOME to another "
            "folder"
        ) from exc
    return path
