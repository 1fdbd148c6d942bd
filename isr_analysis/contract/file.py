"""The contract as a TOML file, in which a person says what the portal does not."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w

from isr_analysis import times
from isr_analysis.contract import headers, layouts, lengths
from isr_analysis.contract.contract import Contract
from isr_analysis.errors import UsageError

_FOUND_OUT = ("lists", "narrowed", "is_assumed", "clock")
"""What is told of a contract, and stands in no file."""

_NOT_SAID = ("source", *_FOUND_OUT)
"""What a file of the user's has no part in."""


def overridden(contract: Contract, path: Path) -> Contract:
    """Give a contract with what a TOML file says in the place of its own.

    Parameters
    ----------
    contract : Contract
        What is known without the file.
    path : Path
        Only what is to differ stands in it; `to_toml` shows all that can. ``"none"`` takes a parameter away.

    Raises
    ------
    UsageError
        The file cannot be read, is no TOML, or says something that is not known.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"the contract file {path} cannot be read: {exc}; ISR_CONTRACT names it") from exc
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise UsageError(f"the contract file {path} is no TOML: {exc}; `isr doctor` prints one to begin with") from exc
    said.pop("source", None)
    made: Contract = _with(contract, said, path, "")
    of_history = said.get("history", {}).keys()
    return dataclasses.replace(
        made,
        source=f"{contract.source}, overridden by {path.name}",
        narrowed="" if "fixed" in of_history else made.narrowed,
        is_assumed=made.is_assumed and of_history.isdisjoint(("start", "end", "length")),
    )


def to_toml(contract: Contract) -> str:
    """Write a contract as TOML, ready to edit and to be named by ``ISR_CONTRACT``."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            names = (one.name for one in dataclasses.fields(value) if one.name not in _FOUND_OUT)
            return {name: plain(getattr(value, name)) for name in names}
        return dict(value) if isinstance(value, Mapping) else "none" if value is None else value

    return tomli_w.dumps(plain(contract))


def _with(known: Any, said: dict[str, Any], path: Path, where: str) -> Any:
    """Give a dataclass with the values of a table of the file, each checked against its field's type."""
    hints = typing.get_type_hints(type(known), include_extras=True)
    kinds = {name: kind for name, kind in hints.items() if name not in _NOT_SAID}
    new: dict[str, Any] = {}
    for name, value in said.items():
        if name not in kinds:
            raise UsageError(f"{path}: {where}{name} is not known; known are {', '.join(where + k for k in kinds)}")
        if dataclasses.is_dataclass(getattr(known, name)) and isinstance(value, dict):
            new[name] = _with(getattr(known, name), value, path, f"{where}{name}.")
        elif name == "headers" and isinstance(value, dict):
            new[name] = {**known.headers, **headers.checked(_checked(value, kinds[name], path, name), path)}
        else:
            new[name] = _checked(value, kinds[name], path, where + name)
    return dataclasses.replace(known, **new)


def _checked(value: Any, kind: Any, path: Path, name: str) -> Any:
    choices = typing.get_args(kind)
    if value == "none" and type(None) in choices:
        return None
    try:
        made = msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        literal = next((one for one in (kind, *choices) if typing.get_origin(one) is Literal), None)
        known = f"one of {', '.join(typing.get_args(literal))}" if literal else str(exc)
        raise UsageError(
            f"{path}: {name} = {value!r} cannot be used ({known}); `isr doctor` prints the file as it should be"
        ) from exc
    if name == "history.time_form" and not layouts.is_known(made):
        raise UsageError(
            f"{path}: {name} = {value!r} is none of {', '.join(layouts.NAMES)}, and no layout such as "
            "'%Y-%m-%d %H:%M:%S'"
        )
    if name == "history.length_form" and not lengths.is_known(made):
        raise UsageError(
            f"{path}: {name} = {value!r} is none of {', '.join(lengths.UNITS)}, and no text such as '24h', 'PT24H' or "
            "'1h,24h,7d'"
        )
    if name.endswith(("longest", "shortest")) and made is not None:
        times.duration(made, name=f"{path}: {name}")
    if name.endswith("time_zone") and made is not None:
        times.zone(made)
    return made
