"""One payload: its bytes in, its fields with their names out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

VALUE, PAYLOAD = "value", "payload"
FIXED = frozenset({"time", "client_id", "topic"})
"""The columns that every frame has; no field has their names."""

DEEPEST = 200
"""JSON that is nested deeper stays text, whatever the stack of the caller would bear."""

REFUSED = (msgspec.DecodeError, UnicodeDecodeError)
"""What `read` raises."""

Path = tuple[str, ...]

read = msgspec.json.Decoder().decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEP = np.zeros(256, np.int64)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def fields(payload: bytes) -> dict[str, Any]:
    """Give the fields of a payload, as `isr_analysis.payloads.decode` says."""
    try:
        value = read(payload)
    except REFUSED:
        try:  # Python's json takes NaN, Infinity, 1e400 and lone surrogates
            value = json.loads(payload.decode().removeprefix("\ufeff"))
        except ValueError:
            return raw(payload)
    if type(value) is not dict:
        return {VALUE: value}
    leaves = dict(_leaves(value, ()))
    named = {name_of(path): leaf for path, leaf in leaves.items()}
    return named if len(named) == len(leaves) else _told_apart(leaves)


def raw(payload: bytes) -> dict[str, Any]:
    """Give a payload whole."""
    try:
        return {PAYLOAD: payload.decode()}
    except UnicodeDecodeError:
        return {PAYLOAD: payload}


def is_deep(payload: bytes) -> bool:
    """Tell whether JSON is nested deeper than `DEEPEST`."""
    if payload.count(b"[") + payload.count(b"{") <= DEEPEST:
        return False
    brackets = np.frombuffer(_STRING.sub(b"", payload), np.uint8)
    return bool(_STEP[brackets].cumsum().max(initial=0) > DEEPEST)


def name_of(path: Path) -> str:
    """Name a field that has no rival in its message."""
    name = ".".join(path)
    if not name.isascii():  # a lone surrogate is no text that a column could be named with
        name = name.encode("utf-8", "backslashreplace").decode()
    return f"{PAYLOAD}.{name}" if name in FIXED else name


def _leaves(value: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, inner in value.items():
        if type(inner) is dict and inner:
            yield from _leaves(inner, (*path, key))
        else:
            yield (*path, key), inner


def _told_apart(leaves: dict[Path, Any]) -> dict[str, Any]:
    """Name the fields of a message of which two would have the same name: the deepest keeps it."""
    named: dict[str, Any] = {}
    for path in sorted(leaves, key=len, reverse=True):
        name = name_of(path)
        while name in named:
            name = f"{PAYLOAD}.{name}"
        named[name] = leaves[path]
    return named
