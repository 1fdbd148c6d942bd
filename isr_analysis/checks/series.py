"""The rows of a frame by series, one for each client, topic and channel, each in order of time.

Everything that looks at a frame begins here: it takes frames of the loaders and any other with an index of time,
filtered, resampled, unsorted or made by hand, and never changes them.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from isr_analysis.errors import UsageError
from isr_analysis.messages import DEVICE, IDENTITY

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
T = TypeVar("T")

CLIENT, TOPIC = "client_id", "topic"

_MANY = 65_000
_FEW = 5  # names in an error
_DIGITS = 30  # more than any number in a name has
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of a frame, put in order of series and, within each, of time.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows, as they came.
    order : numpy.ndarray
        Positions in `frame`, in the order of series and time; equal instants stay in the frame's order.
    bounds : numpy.ndarray
        Series ``i`` is ``order[bounds[i]:bounds[i + 1]]``.
    time : numpy.ndarray
        The instants of `order`: ns since 1970-01-01 UTC, or on the clock of a frame without a zone.
    keys : pandas.DataFrame
        One row a series: what its rows have in common, by column.
    """

    frame: pd.DataFrame
    order: Ints
    bounds: Ints
    time: Ints
    keys: pd.DataFrame

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def tell(self) -> list[dict[str, Any]]:
        """Give the keys of each series by their names, without those that it lacks."""
        rows = self.keys.to_dict("records")
        return [{str(name): value for name, value in row.items() if not is_nothing(value)} for row in rows]

    @property
    def code(self) -> Ints:
        """The number of the series of each row of `order`."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    def part(self, number: int) -> slice:
        """Give where in `order`, and in all that stands in its order, one series is."""
        return slice(self.bounds[number], self.bounds[number + 1])

    def rows(self, number: int) -> Ints:
        """Give the positions in `frame` of one series, in order of time."""
        return self.order[self.part(number)]

    def times(self, number: int) -> Ints:
        """Give the instants of one series, ascending."""
        return self.time[self.part(number)]


def taken(data: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Accept what a person hands in, or say what is wrong with it.

    Rows without an instant are left out; names of columns, clients and topics become text; half of a pair of
    characters, which JSON can say and no text can hold, is written as JSON writes it. Nothing is changed in place.

    Raises
    ------
    UsageError
        It is no DataFrame or Series, its index is not one of time or reaches beyond 1970 to 2100, or two of its
        columns have one name.
    """
    if isinstance(data, pd.Series):
        data = data.to_frame("value" if data.name is None else data.name)
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"a pandas DataFrame with a time index is needed, not {_of_others(data)}")
    data = _with_time(data)
    if not isinstance(data.index, pd.DatetimeIndex):
        if len(data) == 0:
            return data.set_axis(pd.DatetimeIndex([], tz="UTC", name="time"), axis=0)
        raise UsageError(
            f"the index must be a DatetimeIndex; it is of type {type(data.index).__name__} "
            f"({_names(data, [])}); try {_way_to_time(data)}"
        )
    if data.index.hasnans:
        data = data[data.index.notna()]
    if len(data):
        _in_our_time(data.index.min(), data.index.max())
    if not all(isinstance(name, str) for name in data.columns):
        data = data.set_axis([_name(name) for name in data.columns], axis=1)
    if not data.columns.is_unique:
        twice = ", ".join(map(repr, data.columns[data.columns.duplicated()].unique()[:_FEW]))
        raise UsageError(
            f"several columns of the frame are called {twice}; give each its own name, for example with "
            "df.add_suffix before joining frames"
        )
    if strange := [name for name in (CLIENT, TOPIC) if name in data.columns and not _is_of_text(data[name])]:
        data = data.assign(**{name: data[name].astype("object").map(plain, na_action="ignore") for name in strange})
    if halved := [name for name, column in data.items() if _has_half_characters(column)]:
        data = data.assign(**{str(name): data[name].map(_whole) for name in halved})
    return data


def _of_others(data: object) -> str:
    """Say what came in place of a frame of pandas, and how one is made of it."""
    kind = type(data)
    ways = {
        "compute": "df.compute()", "collect": 'df.collect().to_pandas().set_index("time")',
        "to_pandas": 'df.to_pandas().set_index("time")', "fetchdf": 'df.df().set_index("time")',
    }  # fmt: skip
    way = next((way for name, way in ways.items() if hasattr(kind, name)), "")
    whose = kind.__module__.partition(".")[0]
    called = kind.__name__ if whose == "builtins" else f"{whose}.{kind.__name__}"
    return f"{called}{f'; convert it with {way}' if way else ''}"


def _with_time(data: pd.DataFrame) -> pd.DataFrame:
    """Give a frame the index of time that its own stands for, if it is one of another kind."""
    if isinstance(data.index, pd.PeriodIndex):
        return data.set_axis(data.index.to_timestamp(), axis=0)
    if data.index.inferred_type == "date":  # of groupby(df.index.date)
        return data.set_axis(pd.DatetimeIndex(data.index), axis=0)
    if isinstance(data.index.dtype, pd.ArrowDtype) and pa.types.is_timestamp(data.index.dtype.pyarrow_dtype):
        return data.set_axis(pd.DatetimeIndex(data.index), axis=0)  # of read_parquet(…, dtype_backend="pyarrow")
    return _grouped(data) if isinstance(data.index, pd.MultiIndex) else data


def _grouped(data: pd.DataFrame) -> pd.DataFrame:
    """Give what `groupby` and `resample` made, by groups and time, an index of time; the groups become columns."""
    index = data.index
    assert isinstance(index, pd.MultiIndex)
    groups = [at for at, level in enumerate(index.levels) if not isinstance(level, pd.DatetimeIndex)]
    names = [index.names[at] for at in groups]
    if len(groups) != index.nlevels - 1 or None in names or len({*names, *data.columns}) < len(names) + data.shape[1]:
        return data
    return data.reset_index(level=groups)


def _way_to_time(data: pd.DataFrame) -> str:
    """Say how a frame comes by an index of time."""
    if pd.api.types.infer_dtype(data.index) in {"string", "datetime"}:  # of a CSV file, or of several zones
        return "df.set_index(pd.to_datetime(df.index, utc=True))"
    return 'df.set_index("time")' if "time" in data.columns else "df.set_index(pd.to_datetime(...))"


def _is_of_text(column: pd.Series) -> bool:
    """Whether a column holds text or nothing; in a frame of one's own, clients may be numbers."""
    held = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    return pd.api.types.infer_dtype(held, skipna=True) in {"string", "empty"}


def _has_half_characters(column: pd.Series) -> bool:
    if not pd.api.types.is_object_dtype(column.dtype):  # the other kinds of text cannot hold any
        return False
    try:
        "".join(column[by_type(column, is_text)]).encode()
    except UnicodeEncodeError:
        return True
    return False


def _whole(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _in_our_time(first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Refuse instants that ns cannot hold, or whose range no figure or check can be of use for."""
    if not _FIRST_YEAR <= first.year <= last.year <= _LAST_YEAR:
        raise UsageError(
            f"the index reaches from {first} to {last}; times must lie in {_FIRST_YEAR} to {_LAST_YEAR}, so leave out "
            f"the others: df[(df.index.year >= {_FIRST_YEAR}) & (df.index.year <= {_LAST_YEAR})]"
        )


def _name(name: Any) -> str:
    return " ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)


def listed(names: str | list[str] | None) -> list[str]:
    """Give one name, several or none as a list.

    Raises
    ------
    UsageError
        It is nothing of the kind.
    """
    if names is None or isinstance(names, str):
        return [] if names is None else [names]
    if not pd.api.types.is_list_like(names):
        raise UsageError(f"a column name or a list of names is needed, not {names!r}")
    return [*names]


def _names(data: pd.DataFrame, like: list[str], most: int = 20) -> str:
    names = [str(name) for name in data.columns]
    near = [one for name in like for one in difflib.get_close_matches(name, names)]
    names = [*dict.fromkeys(near + names)]  # what may have been meant is not in the part that is left out
    return "no columns" if not names else "columns: " + ", ".join(names[:most]) + (", …" if len(names) > most else "")


def missing(data: pd.DataFrame, wanted: list[str]) -> UsageError:
    """Make the error for columns that are not there."""
    gone = [name for name in wanted if name not in data.columns]
    return UsageError(f"the frame has no column {', '.join(map(repr, gone))}; it has {_names(data, [*map(str, gone)])}")


def nanoseconds(index: pd.Index[Any]) -> Ints:
    """Give an index of time as ns since 1970-01-01 (UTC; of a naive index, on its own clock)."""
    assert isinstance(index, pd.DatetimeIndex)
    return np.asarray(index.as_unit("ns").asi8)


def zone_of(data: pd.DataFrame) -> dt.tzinfo | None:
    """Give the zone of a frame's index, None if it has none."""
    index = data.index
    assert isinstance(index, pd.DatetimeIndex)
    return index.tz


def stamps(ns: Ints | list[int], zone: dt.tzinfo | None) -> pd.DatetimeIndex:
    """Turn ns into instants of a zone; where a frame had none, it counts as UTC."""
    return pd.DatetimeIndex(np.asarray(ns, dtype="int64").view("M8[ns]"), tz="UTC").tz_convert(zone or "UTC")


def identity(data: pd.DataFrame) -> list[str]:
    """Give the columns that tell the series of a frame apart: client, topic and the channel's identity."""
    own = [name for name in IDENTITY if name in data.columns]
    if DEVICE not in own and "chan" not in own:
        own = []
    return [name for name in (CLIENT, TOPIC) if name in data.columns] + own


def split(data: pd.DataFrame, by: list[str]) -> Series:
    """Split a frame into series by the columns `by`.

    Fields of a Station Controller's identity count only in its own readings: the ``type`` of some other device's
    event is no channel.
    """
    if absent := [name for name in by if name not in data.columns]:
        raise missing(data, absent)
    time = nanoseconds(data.index)
    reading = data[DEVICE].notna().to_numpy(bool) if DEVICE in data.columns else None
    code: Codes = np.zeros(len(data), dtype=np.int32)
    count = min(1, len(data))
    for name in by:
        own, many = _codes(data[name])
        if reading is not None and name in IDENTITY and not reading.all():
            own = np.where(reading, own, many - 1)
        if many > 1 and count * many > _MANY:
            code, count = _dense(code, count)
        if many > 1:
            if count * many > np.iinfo(np.int32).max:
                code = code.astype(np.int64)
            code, count = code * many + own, count * many
    code, count = _dense(code, count)
    order = _in_order(code, time, count)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=count))]).astype(np.int64)
    sorted_time = time[order]
    first = data.iloc[order[bounds[:-1]]]
    keys = pd.DataFrame({name: first[name].astype("object").to_numpy() for name in by}, index=range(count))
    if reading is not None and count:
        own_rows = reading[order[bounds[:-1]]]
        for name in set(by) & set(IDENTITY):
            keys[name] = keys[name].where(own_rows, None)
    return Series(data, order, bounds, sorted_time, keys)


def _codes(column: pd.Series) -> tuple[Codes, int]:
    """Give each row the number of its value, the missing ones the last, and how many numbers there are.

    They are numbered as people sort them, so that series have one order however a frame holds their names.
    """
    codes: Codes
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories
    elif isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow":
        found = pa.array(column).dictionary_encode()  # twice as fast as pandas' factorize
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        codes, values = found.indices.fill_null(-1).to_numpy(zero_copy_only=False), found.dictionary.to_pylist()
    else:
        if pd.api.types.is_object_dtype(column.dtype):
            column = column.map(plain, na_action="ignore")  # channel 1 is channel "1", as another firmware writes it
        codes, values = numbered(column)
    many = len(values)
    if many <= _MANY:
        rank = np.full(many + 1, -1, dtype=np.int32)  # -1 is what is missing, and the number at that place
        rank[sorted(range(many), key=[natural(plain(one)) for one in values].__getitem__)] = np.arange(many)
        codes = rank[codes]
    codes = codes.astype(np.int32, copy=False)
    if len(codes) and codes.min() < 0:
        return np.where(codes < 0, many, codes), many + 1
    return codes, many + 1 if column.name in IDENTITY else max(many, 1)


def numbered(column: pd.Series) -> tuple[Codes, Any]:
    """Give each cell the number of its value, -1 where there is none, and the values."""
    try:
        codes, values = pd.factorize(column)
    except (TypeError, NotImplementedError):  # lists and objects within: told apart by how they read
        codes, values = pd.factorize(column.map(repr))
    return codes, values


def _dense(code: Codes, count: int) -> tuple[Codes, int]:
    """Renumber the codes from 0 without holes, in ascending order, and give how many there are."""
    if count <= 1:
        return code, count
    if count <= 4 * len(code) + _MANY:
        used = np.bincount(code, minlength=count) > 0
        if used.all():
            return code, count
        return (np.cumsum(used) - 1).astype(np.int32)[code], int(used.sum())
    values, code = np.unique(code, return_inverse=True)
    return code.astype(np.int32), len(values)


def _in_order(code: Codes, time: Ints, count: int) -> Ints:
    """Sort by code and time, stable; nearly free when the frame is in order of time, as the loaders' are."""
    if (time[1:] >= time[:-1]).all():
        if count <= 1:
            return np.arange(len(code))
        narrow = next((kind for kind in (np.uint8, np.uint16) if count <= np.iinfo(kind).max), np.int64)
        return np.argsort(code.astype(narrow), kind="stable")  # short ones sort by radix, far faster
    return np.lexsort((time, code))


def plain(value: Any) -> str:
    """Write a key: a whole number without a fraction, also where its column became one of reals."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def natural(name: str) -> str:
    """Give what names are sorted by as people do.

    >>> sorted(["chan 10", "chan 2"], key=natural)
    ['chan 2', 'chan 10']
    """
    return re.sub(r"\d+", lambda digits: digits[0].zfill(_DIGITS), name)


def by_type(column: pd.Series, say: Callable[[type], T]) -> list[T]:
    """Say something of each cell by its type; it is said once a type, as there may be millions of cells."""
    types = [*map(type, column.to_list())]
    said = {one: say(one) for one in {*types}}
    return [said[one] for one in types]


def is_text(kind: type) -> bool:
    """Whether cells of a type are text."""
    return issubclass(kind, str)


def is_nothing(value: Any) -> bool:
    """Whether a cell holds nothing, however that is written: None, NA, NaT, NaN."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float | np.floating) and math.isnan(value))
    )
