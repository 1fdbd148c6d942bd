"""The token: found, checked and kept, and never shown."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import re
from collections.abc import Mapping
from pathlib import Path

from isr_analysis import keyrings, secret, settings
from isr_analysis.errors import StoreError, TokenMissingError, UsageError
from isr_analysis.files import path_of
from isr_analysis.secret import Secret
from isr_analysis.settings import Profile
from isr_analysis.surroundings import someone_is_there

WHERE_TO_MAKE_ONE = "make one in the portal, Settings → REST API tokens"

_FORM = re.compile(r"isr_mqtt_(platform_)?rest_[A-Za-z0-9._~+/=-]+")


class Token(Secret):
    """A REST API token, masked wherever it could be printed.

    Parameters
    ----------
    value : str
        As pasted: blanks, quotes and a leading ``Bearer`` are taken off.

    Raises
    ------
    UsageError
        The value has not the form of a token. The message does not repeat it.
    """

    __slots__ = ()

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise UsageError(f"the token came as {type(value).__name__}; give it as a text: {WHERE_TO_MAKE_ONE}")
        text = value.strip().strip("\"'").strip()
        text = re.sub(r"(?i)^(authorization:\s*)?bearer\s+", "", text).strip().strip("\"'")
        if not _FORM.fullmatch(text):
            raise UsageError(
                f"what was given as the token ({len(value)} characters, not shown) is none: a token begins with "
                f"isr_mqtt_rest_ and has no blanks in it; {WHERE_TO_MAKE_ONE}. "
                "The password of an MQTT client or subscriber is no token"
            )
        super().__init__(text)

    @property
    def is_platform(self) -> bool:
        """Whether it is a platform operator's, which needs an account id beside it."""
        return self.reveal().startswith("isr_mqtt_platform_rest_")

    def __repr__(self) -> str:
        return f"Token(isr_mqtt_{'platform_' if self.is_platform else ''}rest_…)"

    __str__ = __repr__


def find(
    profile: Profile,
    token: str | Token | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    ask: bool | None = None,
) -> Token:
    """Find the token of a profile.

    Looked for in this order: the argument, ``ISR_TOKEN``, the file that ``ISR_TOKEN_FILE`` or the profile names,
    the system's keyring, and a prompt if someone is there. For a profile that was chosen by its name, its own file and
    the keyring come before the environment, which may hold another account's token.

    Parameters
    ----------
    profile : Profile
        Whose token.
    token : str or Token, optional
        The token itself.
    environ : mapping, optional
        In place of the process's environment.
    ask : bool, optional
        Whether to prompt; by default if standard input is a terminal or a live notebook.

    Raises
    ------
    TokenMissingError
        None was found and nobody could be asked.
    UsageError
        What was found has not the form of a token, or a token file can be read by others.
    """
    env = settings.variables(environ)
    if token is not None:
        return token if isinstance(token, Token) else Token(token)
    if profile.is_chosen:
        named = env.get("ISR_TOKEN_FILE")
        if profile.token_file and not (named and path_of(named, "token_file").absolute() == profile.token_file):
            return _of(_read_file(profile.token_file), str(profile.token_file))
        if kept := from_keyring(profile):
            return _of(kept, "the keyring")
    if value := env.get("ISR_TOKEN"):
        return _of(value, "ISR_TOKEN")
    if profile.token_file is not None:
        return _of(_read_file(profile.token_file), str(profile.token_file))
    if kept := from_keyring(profile):
        return _of(kept, "the keyring")
    if ask if ask is not None else someone_is_there():
        return Token(getpass.getpass(f"Token for {profile.origin} (not shown): "))
    others = ", ".join(one for one in settings.names(profile.home) if one != profile.name)
    there = f"; others that are there: {others}, by --profile, profile= or ISR_PROFILE" if others else ""
    raise TokenMissingError(
        f"no token for {profile.origin}: looked at the token= argument, ISR_TOKEN, ISR_TOKEN_FILE and the keyring "
        f"(profile {profile.name!r}{there}). If you have none, {WHERE_TO_MAKE_ONE}; then `isr login`, or set ISR_TOKEN "
        "or ISR_TOKEN_FILE"
    )


def _of(text: str, where: str) -> Token:
    try:
        return Token(text)
    except UsageError as exc:
        raise UsageError(f"{where}: {exc}") from exc


def keep(profile: Profile, token: Token) -> None:
    """Keep a token in the system's keyring and its profile in the settings; where one fails, both stay as they were.

    A file of the profile, which would come before the keyring, holds its token no more.

    Raises
    ------
    StoreError
        This machine has no keyring, or the settings cannot be written.
    """
    former = from_keyring(profile)
    to_keyring(profile, token)
    try:
        settings.save(dataclasses.replace(profile, token_file=None))
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(StoreError):
            if former is None:
                out_of_keyring(profile)
            else:
                keyrings.keep(_entry(profile), former, what="token", instead="")
        raise


def overruling(profile: Profile) -> str:
    """Say which variable comes before what the keyring holds for a profile; empty if none does."""
    env = settings.variables()
    if profile.name != (env.get("ISR_PROFILE") or "default"):  # it is used where it is named, and then the keyring is
        return ""
    over = next((name for name in ("ISR_TOKEN", "ISR_TOKEN_FILE") if env.get(name)), None)
    return f"{over} is set and comes before the keyring: change it there, too." if over else ""


def from_keyring(profile: Profile) -> str | None:
    """Give what the keyring holds for a profile; None also where there is no keyring."""
    return keyrings.get(_entry(profile))


def to_keyring(profile: Profile, token: Token) -> None:
    """Keep a token in the system's keyring, in place of the profile's former one.

    Raises
    ------
    StoreError
        This machine has no keyring; the message says what to do instead.
    """
    file = "~/.isr-token" if profile.name == "default" else f"~/.isr-token-{profile.name}"
    named = [f"    export ISR_TOKEN_FILE={file}"]
    if profile.name != "default":
        lines = {"origin": profile.origin, "account_id": profile.account_id, "token_file": file}
        table = f'"{profile.name}"' if "." in profile.name else profile.name
        named = [f"    [profiles.{table}]             # in {profile.home / settings.CONFIG}"]
        named += [f'    {key} = "{value}"' for key, value in lines.items() if value]
    keyrings.keep(
        _entry(profile),
        token.reveal(),
        what="token",
        instead="Put the token into a file that only you can read, and name it:\n"
        f"    install -m 600 /dev/null {file}    # then paste the token into it\n"
        + "\n".join(named)
        + "\nor have your secret manager set ISR_TOKEN",
    )


def out_of_keyring(profile: Profile) -> bool:
    """Forget a profile's token; tell whether there was one."""
    return keyrings.forget(_entry(profile), what=f"token of profile {profile.name!r}")


def _entry(profile: Profile) -> str:
    # The origin is part of the name: a token kept for one portal is never sent to another.
    return f"{profile.name}@{profile.origin}"


def _read_file(path: Path) -> str:
    try:
        return secret.read_file(path, "token")
    except OSError as exc:
        raise TokenMissingError(
            f"the token file {path} cannot be read ({exc.strerror}); ISR_TOKEN_FILE, or the profile's token_file, "
            "names a file that holds the token"
        ) from exc
