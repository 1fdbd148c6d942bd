"""Secrets: masked wherever they could be printed, shown only on request, and kept in owner-only files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Self

from isr_analysis.errors import StoreError, UsageError

_NAMES = re.compile(r"passw|passphrase|pwd|secret|token|credential|api_?key|private_?key|psk|^pass$|^key$")
_OTHERS = re.compile(r"(_at|_id|_in|_until|_days|date|expires|expiry|count|label|name|type)$")


class Secret:
    """A password or token, masked in every repr.

    Examples
    --------
    >>> Secret("correct horse")
    Secret(…)
    >>> Secret("correct horse").reveal()
    'correct horse'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled: it would be written out in plain")


def read_file(path: Path, what: str) -> str:
    """Read a file that holds a secret; `what` it is, is said in an error.

    Raises
    ------
    UsageError
        It is no text, or others can read it.
    OSError
        It cannot be read.
    """
    try:
        info = path.stat()
        text = path.read_text("utf-8-sig")
        read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY) if hasattr(os, "statvfs") else True
    except UnicodeDecodeError as exc:
        raise UsageError(f"the {what} file {path} is not text; it must contain only the {what}") from exc
    mine = hasattr(os, "getuid") and info.st_uid == os.getuid()
    if mine and info.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and not read_only:
        raise UsageError(f"the {what} file {path} can be read by others; run: chmod 600 {path}")
    return text


def new_file(path: Path) -> int:
    """Make a file that only its owner can read, and give its descriptor.

    Raises
    ------
    UsageError
        There is a file of that name.
    StoreError
        It cannot be made.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise UsageError(f"{path} already exists; give the name of a new file: a secret never replaces one") from exc
    except OSError as exc:
        raise StoreError(f"{path} cannot be created ({exc.strerror})") from exc


def is_named_secret(name: str) -> bool:
    """Tell whether a field's name says that it holds a secret.

    >>> [is_named_secret(name) for name in ("mqttPassword", "api-key", "token_expires_at", "label")]
    [True, True, False, False]
    """
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return _NAMES.search(spelled) is not None and not is_named_otherwise(spelled)


def is_named_otherwise(name: str) -> bool:
    """Tell whether a field's name says that it holds no secret, but an id, a date, a number or a label."""
    return _OTHERS.search(name.lower()) is not None


def revealed(value: Any) -> Any:
    """Give what a secret hides, also within lists and objects; anything else as it is."""
    return _replaced(value, Secret.reveal)


def masked(value: Any) -> Any:
    """Give a text in a secret's place, also within lists and objects; anything else as it is."""
    return _replaced(value, lambda _: "…")


def _replaced(value: Any, by: Callable[[Secret], str]) -> Any:
    if isinstance(value, list):
        return [_replaced(one, by) for one in value]
    if isinstance(value, dict):
        return {key: _replaced(one, by) for key, one in value.items()}
    return by(value) if isinstance(value, Secret) else value
