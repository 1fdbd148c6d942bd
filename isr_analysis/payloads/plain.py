"""Many payloads of one template, their values taken out a column at a time.

Nothing here holds Python's lock for long, so that threads decode side by side. What is in doubt is left for a parser.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.payloads.columns import Rows, written
from isr_analysis.payloads.message import REFUSED, VALUE, name_of, read
from isr_analysis.payloads.templates import LIST, OTHER, STRING, Bytes, Cut, Mask, Places, Template, Texts

PORTION = 8192
"""Payloads that are read at once: few enough that what is known of each stays in the processor's cache."""

LEAST = 1024
"""Fewer payloads are not worth it."""

_ROUNDS = 8
_TRIES = 3
_DIGITS = 18  # of an integer that is surely within int64
_EXACT = 15  # of one that a double surely holds
_NINE = 9
_BACKSLASH, _MINUS, _POINT, _ZERO, _SPACE = b"\\-.0 "

Piece = tuple[str, str, Rows, Any]
"""Field, kind, rows and values, as `Cells.put` takes them."""

Values = tuple[str, str, Mask | None, Any]
"""Field, kind, where it is so (None: everywhere) and the values there."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of some messages.

    Parameters
    ----------
    columns : list
        Field, kind, rows and values, as `Cells.put` takes them.
    left : numpy.ndarray
        The rows of the messages that were not read.
    """

    columns: list[Piece]
    left: Rows


def take(payloads: pa.Array, rows: Rows) -> Taken:
    """Read messages of one topic: those in at most `PORTION` rows of all payloads, which are ``large_binary``."""
    taken = payloads.take(pa.array(rows))
    try:
        taken.cast(pa.large_string())
    except pa.ArrowInvalid:  # not all of them are UTF-8
        return Taken([], rows)
    offsets, data = _buffers(taken)
    texts = Texts(taken.buffers()[2], offsets)
    unread = np.ones(len(rows), np.bool_)
    pending = np.arange(len(rows))
    if (data == _BACKSLASH).any():
        pending = np.setdiff1d(pending, _owners(offsets, np.flatnonzero(data == _BACKSLASH)))
    columns: list[Piece] = []
    tried: Counter[int] = Counter()
    for _ in range(_ROUNDS):
        if len(pending) < LEAST:
            break
        counts = texts.quotes[pending]
        most = int(np.bincount(counts).argmax())
        alike = pending[counts == most]
        tried[most] += 1
        template = _template(taken[int(alike[len(alike) * tried[most] // (_TRIES + 1)])].as_py())
        found, at = _read(texts.cut(template, pending), template) if template is not None else ([], pending[:0])
        columns += [
            (name, kind, rows[at if there is None else at[there]], values) for name, kind, there, values in found
        ]
        unread[at] = False
        pending = pending[unread[pending]]
        if 2 * len(at) >= len(alike):
            tried[most] = 0
        elif tried[most] == _TRIES:  # they have too little in common
            pending = np.setdiff1d(pending, alike, assume_unique=True)
    return Taken(columns, rows[unread])


def _template(payload: bytes) -> Template | None:
    """Give the template of a payload, if each of its fields has a name of its own."""
    try:
        read(payload)
    except REFUSED:
        return None
    template = Template.of(payload)
    return template if template and len(set(_names(template))) == len(template.slots) else None


def _names(template: Template) -> list[str]:
    return [name_of(slot.path) if slot.path else VALUE for slot in template.slots]


def _read(cut: Cut, template: Template) -> tuple[list[Values], Places]:
    """Give what the texts hold that are surely read, and which these are."""
    names = _names(template)
    others = [i for i, slot in enumerate(template.slots) if slot.holds == OTHER]
    while len(cut):
        found: list[Values] = []
        doubtful = np.zeros(len(cut), np.bool_)
        for i, slot in enumerate(template.slots):
            if slot.holds != OTHER:
                values, doubt = _READ[slot.holds](cut.values(i))
                doubtful |= doubt
                found.append((names[i], "text" if slot.holds == STRING else "other", None, values))
        if others:
            values, doubt = _others(cut.values(*others), [names[i] for i in others])
            doubtful |= doubt
            found += values
        if not doubtful.any():
            return found, cut.some
        cut = cut.only(~doubtful)
    return [], cut.some


def _strings(values: pa.Array) -> tuple[pa.Array, Mask]:
    """Read strings: what has a control character is none."""
    offsets, data = _buffers(values)
    doubtful = np.zeros(len(values), np.bool_)
    if data.min(initial=_SPACE) < _SPACE:
        doubtful[_owners(offsets, np.flatnonzero(data < _SPACE))] = True
    return values.cast(pa.large_string()), doubtful


def _lists(values: pa.Array) -> tuple[pa.Array, Mask]:
    """Read lists."""
    coded = values.dictionary_encode()
    lists = pa.array([_list(text) for text in coded.dictionary.to_pylist()], pa.large_string())
    taken = lists.take(coded.indices)
    return taken, taken.is_null().to_numpy(zero_copy_only=False)


def _list(text: bytes) -> str | None:
    try:
        value = read(text)
    except REFUSED:
        return None
    return written(value) if type(value) is list else None


def _others(values: pa.Array, names: list[str]) -> tuple[list[Values], Mask]:
    """Read numbers, true, false and null: of each text one for each name."""
    offsets, data = _buffers(values)
    first = data[offsets[:-1]]
    number = _is_digit(first) | (first == _MINUS)
    real, doubtful = _weighed(offsets, data, offsets[:-1] + (first == _MINUS))
    kinds: dict[str, tuple[Mask, Any]] = {}
    if not number.all():
        true, false, null = (_equal(values, word) for word in (b"true", b"false", b"null"))
        doubtful[~number] = ~(true | false | null)[~number]
        kinds = {"bool": (true | false, true), "null": (null, null)}
    if not doubtful.any():
        reals = _cast(values, number, pa.float64())
        whole = number & ~real
        kinds |= {"real": (real & number, reals), "int": (whole, _ints(values, whole, reals, np.diff(offsets)))}
    shape = (-1, len(names))
    found: list[Values] = []
    for kind, (where, given) in kinds.items():
        for name, there, these in zip(names, where.reshape(shape).T, given.reshape(shape).T, strict=True):
            if there.all():
                found.append((name, kind, None, these))
            elif there.any():
                found.append((name, kind, there, these[there]))
    return found, np.logical_or.reduce(doubtful.reshape(shape), axis=1)


def _weighed(offsets: Places, data: Bytes, first: Places) -> tuple[Mask, Mask]:
    """Tell of numbers, whose first digits are given, which are real, and which are none or have an exponent."""
    after = offsets[1:]
    real, doubtful = np.zeros(len(first), np.bool_), after == first
    signs = np.flatnonzero(~_is_digit(data))
    owners, points = _owners(offsets, signs), data[signs] == _POINT
    doubtful[owners[~points & (signs >= first[owners])]] = True  # neither a point nor the minus in front
    places, owners = signs[points], owners[points]
    real[owners] = True
    doubtful[owners[1:][owners[1:] == owners[:-1]]] = True  # two points
    doubtful[owners[(places == first[owners]) | (places == after[owners] - 1)]] = True  # no digit before it, or after
    zero = np.flatnonzero(after - first > 1)
    zero = zero[data[first[zero]] == _ZERO]
    doubtful[zero[_is_digit(data[first[zero] + 1])]] = True
    doubtful |= ~real & (after - first > _DIGITS)
    return real, doubtful


def _ints(values: pa.Array, whole: Mask, reals: npt.NDArray[np.float64], lengths: Places) -> npt.NDArray[np.int64]:
    ints = np.zeros(len(values), np.int64)
    ints[whole] = reals[whole]
    long = whole & (lengths > _EXACT)
    if long.any():
        ints[long] = _cast(values, long, pa.int64())[long]
    return ints


def _cast(values: pa.Array, these: Mask, kind: pa.DataType) -> Any:
    """Make numbers of some values."""
    every = these.all()
    made = (values if every else values.filter(pa.array(these))).cast(pa.large_string()).cast(kind).to_numpy()
    if every:
        return made
    out = np.zeros(len(values), made.dtype)
    out[these] = made
    return out


def _equal(values: pa.Array, word: bytes) -> Mask:
    found: Mask = pc.equal(values, pa.scalar(word, pa.large_binary())).to_numpy(zero_copy_only=False)
    return found


def _is_digit(data: Bytes) -> Mask:
    found: Mask = (data - _ZERO) <= _NINE  # below zero it wraps
    return found


def _owners(offsets: Places, places: Places) -> Places:
    """Give of each place in a buffer the value that it is in."""
    return np.searchsorted(offsets, places, "right") - 1


def _buffers(values: pa.Array) -> tuple[Places, Bytes]:
    """Give the offsets of values that were taken, and their bytes."""
    _, offsets, data = values.buffers()
    return np.frombuffer(offsets, np.int64, len(values) + 1), np.frombuffer(data or b"", np.uint8)


_READ = {STRING: _strings, LIST: _lists}
