"""Many payloads of one shape: read into structs, their values taken out field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from isr_analysis.payloads.columns import Cells, Rows
from isr_analysis.payloads.message import REFUSED, Path, name_of, read

Shape = tuple[tuple[str, Any], ...]
"""The keys of an object; beside each the shape of the object that it holds, or None."""

SAMPLE = 32
"""The number of payloads that tell a shape."""

_DEEPEST = 8
_WIDEST = 1000


@dataclass(frozen=True, slots=True)
class _Node:
    """A struct, and what to do with each of its attributes: its name as a field, and the struct that it may hold."""

    struct: type[msgspec.Struct]
    parts: tuple[tuple[str, str, _Node | None], ...]


def reader(sample: list[bytes]) -> Callable[[Cells, Rows, list[bytes]], Rows] | None:
    """Make what reads payloads of the shape that a sample has, or give None if they have too little in common.

    It takes the cells to add to, rows and their payloads, and gives back the rows of the payloads that do not fit.
    """
    merged: dict[str, Any] = {}
    keys = found = 0
    for payload in sample:
        try:
            value = read(payload)
        except REFUSED:
            continue
        if type(value) is dict:
            found += 1
            keys += _merge(merged, value)
    shape = _frozen(merged)
    # Where each message has keys of its own, structs with room for all of them would be mostly empty; and in a wide
    # struct msgspec looks long for keys that come in another order.
    alike = found and _size(shape) <= min(4 * keys / found + 8, _WIDEST)
    node = _node(shape) if alike else None
    return None if node is None else partial(_fitting, node)


def _fitting(node: _Node, cells: Cells, rows: Rows, payloads: list[bytes]) -> Rows:
    structs, misfit = _structs(msgspec.json.Decoder(node.struct).decode, payloads)
    fit = np.delete(rows, misfit) if misfit else rows
    found = [*_values(node, structs, fit)]
    unlike = {
        row
        for _, at, values, types in found
        if dict in types
        for row, value in zip(at.tolist(), values, strict=True)
        if type(value) is dict and value
    }
    if unlike:  # an object where the shape has none: not flattened, so it does not fit after all
        kept = np.array([row not in unlike for row in fit.tolist()])
        fit = fit[kept]
        found = [*_values(node, [struct for struct, keep in zip(structs, kept, strict=True) if keep], fit)]
    for name, at, values, types in found:
        cells.add(name, at, values, types)
    return rows[~np.isin(rows, fit)] if len(fit) < len(rows) else rows[:0]


def _structs(decode: Callable[[bytes], Any], payloads: list[bytes]) -> tuple[list[Any], list[int]]:
    """Read the payloads that can be read so, and say which cannot."""
    try:
        return list(map(decode, payloads)), []
    except REFUSED:  # not all of them: the slower way
        structs, misfit = [], []
        for i, payload in enumerate(payloads):
            try:
                structs.append(decode(payload))
            except REFUSED:
                misfit.append(i)
        return structs, misfit


def _values(node: _Node, structs: list[Any], rows: Rows) -> Iterator[tuple[str, Rows, list[Any], set[type]]]:
    """Give each field's name, the rows of its values, the values and their types."""
    for attribute, name, inner in node.parts:
        values = list(map(attrgetter(attribute), structs))
        types = set(map(type, values))
        if inner is None:
            yield name, rows, values, types
            continue
        at = rows
        if types != {inner.struct}:
            nulls = [i for i, value in enumerate(values) if value is None]
            yield name, rows[nulls], [None] * len(nulls), {type(None)}
            held = [i for i, value in enumerate(values) if type(value) is inner.struct]
            at, values = rows[held], [values[i] for i in held]
        # An empty object is a value; to a struct it is one that has nothing.
        nothing = inner.struct()
        empty = [i for i, value in enumerate(values) if value == nothing]
        yield name, at[empty], [{} for _ in empty], {dict}
        yield from _values(inner, values, at)


@lru_cache(maxsize=256)
def _node(shape: Shape) -> _Node | None:
    """Make the structs of a shape, or None if there can be none, or two fields would have one name."""
    try:
        node = _made(shape, ())
    except (ValueError, UnicodeError):  # a key that msgspec cannot give to a struct
        return None
    names = [*_named(node)]
    return node if len(set(names)) == len(names) else None


def _made(shape: Shape, path: Path) -> _Node:
    parts, attributes, keys = [], [], {}
    for i, (key, inside) in enumerate(shape):
        inner = None if inside is None else _made(inside, (*path, key))
        attribute = f"f{i}"
        keys[attribute] = key
        kind = Any if inner is None else inner.struct | None | UnsetType
        attributes.append((attribute, kind, UNSET))
        parts.append((attribute, name_of((*path, key)), inner))
    # gc=False: half a million structs that the collector need not look at; they hold no cycles.
    struct = msgspec.defstruct("Message", attributes, rename=keys, forbid_unknown_fields=True, gc=False)
    return _Node(struct, tuple(parts))


def _named(node: _Node) -> Iterator[str]:
    for _, name, inner in node.parts:
        yield name
        if inner is not None:
            yield from _named(inner)


def _merge(merged: dict[str, Any], value: dict[str, Any], level: int = 1) -> int:
    """Merge an object into a shape, and count its values."""
    count = 0
    for key, inner in value.items():
        if type(inner) is dict and inner and level < _DEEPEST:
            if merged.get(key) is None:
                merged[key] = {}
            count += _merge(merged[key], inner, level + 1)
        else:
            merged.setdefault(key, None)
            count += 1
    return count


def _frozen(merged: dict[str, Any]) -> Shape:
    return tuple((key, None if inner is None else _frozen(inner)) for key, inner in merged.items())


def _size(shape: Shape) -> int:
    return sum(1 if inner is None else _size(inner) for _, inner in shape)
