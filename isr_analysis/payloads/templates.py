"""JSON texts of one template, cut into their values with numpy and Arrow, without a Python object for each value.

Messages of one topic mostly differ in their values alone: names, order, brackets and spaces are the same bytes. These
bytes are a template's pieces; between them are its slots. Nothing is guessed: a text fits only if it is piece, value,
piece, value and so on to its end, byte by byte, and no value but a list holds a quote. What does not fit is left to a
parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isr_analysis.payloads.message import Path

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

STRING, LIST, OTHER = "string", "list", "other"
"""What a slot holds: the inside of a string; what should be a list; what should be a number, true, false or null."""

_QUOTE = ord('"')
_MOST = 500
_KEY = re.compile(rb'\s*"([^"\\]*)"\s*:\s*')
_VALUE = re.compile(rb'"[^"\\]*"|[^\s{}\[\],:"\\]+')
_ANY = re.compile(rb'"(?:[^"\\]|\\.)*"|([{\[])|([}\]])|[^\s{}\[\],:"]+', re.DOTALL)
_AFTER = re.compile(rb"\s*([,}])")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the texts of a template differ.

    Parameters
    ----------
    path : tuple of str
        The keys that lead to it; none where a whole text is one value.
    holds : {"string", "list", "other"}
        What stands there.
    """

    path: Path
    holds: str


@dataclass(frozen=True, slots=True)
class Template:
    """What texts have in common.

    Parameters
    ----------
    pieces : tuple of bytes
        What stands before, between and behind the slots.
    slots : tuple of Slot
        One fewer than the pieces. At most one holds a list.
    """

    pieces: tuple[bytes, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, text: bytes) -> Template | None:
        """Give the template of a JSON text; None if it has a backslash, an empty object, a key twice, or two lists."""
        found: list[tuple[int, int, Slot]] = []
        try:
            _walk(text, 0, (), found)
        except ValueError:
            return None
        edges = [0, *(edge for begin, end, _ in found for edge in (begin, end)), len(text)]
        pieces = tuple(text[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True))
        slots = tuple(slot for _, _, slot in found)
        few = len(slots) <= _MOST and sum(slot.holds == LIST for slot in slots) <= 1
        return cls(pieces, slots) if few else None

    @property
    def quotes(self) -> int:
        """How many quotes the pieces have."""
        return sum(piece.count(b'"') for piece in self.pieces)

    @property
    def has_list(self) -> bool:
        """Whether one of the slots holds a list: then a text may have more quotes than the pieces."""
        return any(slot.holds == LIST for slot in self.slots)


def _walk(text: bytes, at: int, path: Path, found: list[tuple[int, int, Slot]]) -> int:
    """Find where the values begin and end in the JSON value that begins at a byte, and give where that ends."""
    if text[at : at + 1] == b"[":
        end = _end(text, at)
        found.append((at, end, Slot(path, LIST)))
        return end
    if text[at : at + 1] != b"{":
        value = _expect(_VALUE, text, at)
        inner = text[at] == _QUOTE
        found.append((at + inner, value.end() - inner, Slot(path, STRING if inner else OTHER)))
        return value.end()
    keys: set[str] = set()
    after = None
    at += 1
    while after is None or after[1] == b",":
        key = _expect(_KEY, text, at)
        name, at = key[1].decode(), key.end()
        if name in keys:
            raise ValueError(name)
        keys.add(name)
        at = _walk(text, at, (*path, name), found)
        after = _expect(_AFTER, text, at)
        at = after.end()
    return at


def _end(text: bytes, at: int) -> int:
    """Give where the JSON value ends that begins at a byte."""
    depth = 0
    for token in _ANY.finditer(text, at):
        depth += (token[1] is not None) - (token[2] is not None)
        if depth == 0:
            return token.end()
    raise ValueError(at)


def _expect(pattern: re.Pattern[bytes], text: bytes, at: int) -> re.Match[bytes]:
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(at)
    return found


class Texts:
    """Texts that stand one after the other.

    Parameters
    ----------
    data : buffer
        All of them.
    offsets : numpy.ndarray
        Where each begins, and where the last one ends.

    Attributes
    ----------
    quotes : numpy.ndarray
        How many quotes each has.
    """

    def __init__(self, data: pa.Buffer, offsets: Places) -> None:
        self._data, self._offsets = data, offsets
        self._quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
        self._first = np.searchsorted(self._quotes, offsets)
        self.quotes = np.diff(self._first)

    def cut(self, template: Template, some: Places) -> Cut:
        """Cut those of some texts that fit a template; it is no trouble if most have too many quotes, or too few."""
        counts = self.quotes[some]
        some = some[counts >= template.quotes if template.has_list else counts == template.quotes]
        edges = np.empty((len(some), 2 * len(template.pieces)), np.int64)
        starts, ends = edges[:, ::2], edges[:, 1::2]
        passed, ahead = 0, True
        for i, piece in enumerate(template.pieces):
            ahead = ahead and (i == 0 or template.slots[i - 1].holds != LIST)
            if i == 0:
                starts[:, i] = self._offsets[some]
            elif b'"' not in piece:
                starts[:, i] = self._offsets[some + 1] - len(piece)
            else:
                near = self._first[some] + passed if ahead else self._first[some + 1] + (passed - template.quotes)
                starts[:, i] = self._quotes[near] - piece.index(b'"')
            passed += piece.count(b'"')
        np.add(starts, [len(piece) for piece in template.pieces], out=ends)
        least = [slot.holds != STRING for slot in template.slots]
        fit = (ends[:, -1] == self._offsets[some + 1]) & (starts[:, 1:] - ends[:, :-1] >= least).all(axis=1)
        cut = Cut(self._data, template, some[fit], edges[fit])
        fit = cut.has_pieces()
        return cut if fit.all() else cut.only(fit)


class Cut:
    """Texts, cut into the pieces of their template and the values between.

    Attributes
    ----------
    some : numpy.ndarray
        Which texts they are.
    """

    def __init__(self, data: pa.Buffer, template: Template, some: Places, edges: Places) -> None:
        self.some = some
        self._data, self._template, self._edges = data, template, edges
        length = max(edges.size - 1, 0)
        buffers = [None, pa.py_buffer(np.ascontiguousarray(edges)), data]
        self._parts = pa.Array.from_buffers(pa.large_binary(), length, buffers)

    def __len__(self) -> int:
        return len(self.some)

    def only(self, these: Mask) -> Cut:
        """Give some of the texts."""
        return Cut(self._data, self._template, self.some[these], self._edges[these])

    def has_pieces(self) -> Mask:
        """Tell which texts have the template's pieces where they should be."""
        pieces = b"".join(self._template.pieces)
        if not pieces:
            return np.ones(len(self), np.bool_)
        found = np.frombuffer(self._taken(range(0, self._edges.shape[1], 2)).buffers()[2] or b"", np.uint8).reshape(
            -1, len(pieces)
        )
        same = found == np.frombuffer(pieces, np.uint8)
        return np.ones(len(self), np.bool_) if same.all() else same.all(axis=1)

    def values(self, *slots: int) -> pa.Array:
        """Copy out the values of slots, text by text, as ``large_binary``."""
        return self._taken([2 * slot + 1 for slot in slots])

    def _taken(self, columns: Sequence[int]) -> pa.Array:
        rows, width = self._edges.shape
        return self._parts.take(pa.array((np.arange(0, rows * width, width)[:, None] + columns).ravel()))
