"""What can be drawn from a column: its numbers, and its states as words. Mixed columns give both."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from isr_analysis.checks.kinds import NO_MEASURE, as_real, is_label, is_named, is_number, of_text, on_off
from isr_analysis.checks.series import Flags, Floats, Ints, is_nothing, listed, missing
from isr_analysis.errors import UsageError
from isr_analysis.plots import theme as look

_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
_WITH_UNIT = re.compile(r"\s*[-+]?\d+(\.\d+)?\s?[%°A-Za-zµΩ/]{1,6}\s*")
_SHOWN = 40  # characters of a value in an error
MOST = 1e300  # some devices say the greatest real there is for "no value"; browsers draw less than that


@dataclass(frozen=True, slots=True)
class Values:
    """A column, read for drawing.

    Parameters
    ----------
    number : numpy.ndarray
        Each row's number; NaN where it has none, or one `beyond` what can be drawn.
    code : numpy.ndarray
        Each row's word, by its place in `words`; -1 where it has none.
    words : list of str
        The texts that are no numbers, and ``false`` and ``true``.
    beyond : int
        How many numbers are infinite, or so large that neither a sum nor a browser can hold them.
    other : bool
        Whether there is something that is neither a number nor a word: an instant, a duration, a list.
    """

    number: Floats
    code: Ints
    words: list[str]
    beyond: int = 0
    other: bool = False

    @property
    def present(self) -> Flags:
        """Whether each row has anything."""
        return (self.code >= 0) | ~np.isnan(self.number)

    def drawn(self, rows: Ints) -> tuple[Floats, dict[float, str]]:
        """Give what a line through `rows` shows: numbers, or 0 and 1 with the words for them."""
        number = self.number[rows]
        if not self.words:
            return number, {}
        code = self.code[rows]
        used = np.unique(code[code >= 0])
        meaning = on_off([self.words[at] for at in used])
        plain = number[~np.isnan(number)]
        if meaning is None or not np.isin(plain, (0, 1)).all():
            return number, {}
        table = np.array([meaning.get(word, np.nan) for word in self.words])
        told: dict[float, str] = {}
        for word, value in meaning.items():
            told[value] = f"{told[value]}, {word}" if value in told else word
        return np.where(code >= 0, table[code], number), told

    def is_label(self, rows: Ints) -> bool:
        """Tell whether what `rows` hold is a name or version rather than a measurement."""
        if not self.words:
            return False
        code, number = self.code[rows], self.number[rows]
        return is_label(len(np.unique(number[~np.isnan(number)])), len(np.unique(code[code >= 0])))


def read(column: pd.Series, *, asked: bool = False) -> Values:
    """Read a column of any dtype; a version in digits counts as a number only where the column was `asked` for."""
    found = _read(column, asked=asked)
    beyond = np.abs(found.number) > MOST
    if not beyond.any():
        return found
    return dataclasses.replace(found, number=np.where(beyond, np.nan, found.number), beyond=int(beyond.sum()))


def _read(column: pd.Series, *, asked: bool) -> Values:
    as_words = not asked and is_named(str(column.name))
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        inner = _read(pd.Series(kind.categories, name=column.name), asked=asked)
        code = column.cat.codes.to_numpy().astype(np.int64)
        return Values(_pick(inner.number, code, np.nan), _pick(inner.code, code, -1), inner.words, other=inner.other)
    if pd.api.types.is_bool_dtype(kind):
        known = column.notna().to_numpy(bool)
        flag = column.to_numpy(dtype=bool, na_value=False) if not known.all() else column.to_numpy(dtype=bool)
        return Values(np.full(len(column), np.nan), np.where(known, flag, -1).astype(np.int64), ["false", "true"])
    if is_number(column):
        number = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Values(number, np.full(len(column), -1), [])
    if pd.api.types.is_string_dtype(kind) and not pd.api.types.is_object_dtype(kind):
        code, texts = pd.factorize(column)
        each = _each(list(texts), as_words=as_words)
        return Values(_pick(each.number, code, np.nan), _pick(each.code, code, -1), each.words)
    if pd.api.types.is_object_dtype(kind):
        return _each(column.tolist(), as_words=as_words)
    nobody = np.full(len(column), np.nan)
    other = bool(column.notna().any())  # instants and durations are no measurements
    return Values(nobody, np.full(len(column), -1), [], other=other)


def _pick(table: Any, code: Any, empty: float) -> Any:
    return np.where(code >= 0, table[code], empty).astype(table.dtype) if len(table) else np.full(len(code), empty)


def _each(values: list[Any], *, as_words: bool) -> Values:
    """Read values one by one: numbers, numbers written as text unless all text is `as_words`, words, and flags."""
    number, code = np.full(len(values), np.nan), np.full(len(values), -1, dtype=np.int64)
    known: dict[str, int] = {}
    other = False
    for at, value in enumerate(values):
        if isinstance(value, bool | np.bool_):
            code[at] = known.setdefault("true" if value else "false", len(known))
        elif isinstance(value, str):
            if as_words or math.isnan(found := of_text(value)):
                if word := value.strip():
                    code[at] = known.setdefault(word, len(known))
            else:
                number[at] = found
        elif not is_nothing(value):
            number[at] = as_real(value)
            other = other or math.isnan(number[at])
    return Values(number, code, list(known), other=other)


def fields_of(frame: pd.DataFrame, fields: str | list[str] | None) -> list[str]:
    """Give the fields to draw: those asked for, or all that may hold a measurement, the fullest first.

    Raises
    ------
    UsageError
        A field is not in the frame.
    """
    if fields is not None:
        wanted = listed(fields)
        if len(frame) and any(name not in frame.columns for name in wanted):
            raise missing(frame, wanted)
        return list(dict.fromkeys(wanted))
    names = [name for name in frame.columns if name not in NO_MEASURE and _may_hold(frame[name])]
    counts = {name: int(frame[name].notna().sum()) for name in names}
    return sorted(names, key=lambda name: (name != "value", -counts[name]))


def _may_hold(column: pd.Series) -> bool:
    kind = column.dtype
    return not (pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind))


def no_numbers(frame: pd.DataFrame, fields: list[str]) -> UsageError:
    """Make the error for fields that hold no number, but something else."""
    first = {name: held.iloc[0] for name in fields if len(held := frame[name].dropna())}
    there = next(iter(first.values()), None)
    came = "" if there is None else f" (there: {look.short(str(there), _SHOWN)!r}, …)"
    lasting = next((name for name in fields if pd.api.types.is_timedelta64_dtype(frame[name].dtype)), None)
    way = f"df[{lasting!r}].dt.total_seconds() turns durations into numbers" if lasting else ""
    if comma := next((name for name, one in first.items() if _COMMA.fullmatch(str(one))), None):
        way = f'pd.to_numeric(df[{comma!r}].str.replace(",", "."), errors="coerce") turns such texts into numbers'
    if unit := next((name for name, one in first.items() if _WITH_UNIT.fullmatch(str(one))), None):
        way = f'df[{unit!r}].str.extract(r"([-+.0-9]+)")[0].astype(float) takes the numbers out of such texts'
    return UsageError(
        f"there are no numbers in {', '.join(map(repr, fields[:8])) or 'this frame'}{came}; "
        f"{way or 'plots.timeline draws states in words'}; columns: {', '.join(frame.columns[:20])}"
    )
