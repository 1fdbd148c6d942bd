"""Messages as a DataFrame: one row per message, one column per field of the payloads."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import warnings
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from isr_analysis import messages, payloads, times
from isr_analysis.errors import UsageError
from isr_analysis.payloads import Column

Attrs = dict[str, Any]
"""Texts, numbers, booleans and lists: what every writer of frames keeps."""

_SHOWN, _COMPARED, _LONGEST = 10, 2000, 100
_END = 100_000
_STR = pd.StringDtype("pyarrow", na_value=np.nan)
_BLOCKS = 100
"""Of more columns that each stand alone in memory pandas warns when one is added; copied, they stand together."""


def to_frame(
    table: pa.Table,
    *,
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    attrs: Attrs | None = None,
) -> pd.DataFrame:
    """Decode messages into a DataFrame.

    Parameters
    ----------
    table : pyarrow.Table
        Messages, in any order.
    tz : str or tzinfo
        The zone of the index.
    fields : str or list of str, optional
        The fields that become columns, in this order; all, by name, if left out. Index and fixed columns are there
        in any case.
    attrs : dict, optional
        What is known of the messages, for ``DataFrame.attrs``.

    Returns
    -------
    pandas.DataFrame
        One row a message, ordered by time, client, topic and place in the answer. Index ``time``: DatetimeIndex in
        `tz`, ns. Columns ``client_id`` and ``topic`` (categories), then the fields, named and typed as
        `isr_analysis.payloads.decode` and `isr_analysis.payloads.resolve` say; what a message lacks, or has as null, is
        missing (``pd.NA``, NaN, or None in an object column). Beyond 500 fields the others are in
        ``extra`` (str), a JSON object a message, and so is a field of that name. No messages: the same index and fixed
        columns. What no message has of `fields` is a column of object in which all is missing.

    Raises
    ------
    UsageError
        `fields` names no field.

    Warns
    -----
    UserWarning
        There are messages, and none of them has a field of that name; it names those that come near. Or `fields` leaves
        out what tells channels of one topic apart.

    Examples
    --------
    >>> from isr_analysis import frame, messages
    >>> frame.to_frame(messages.empty(), tz="Europe/Zurich").columns.tolist()
    ['client_id', 'topic']
    """
    return from_decoded(payloads.decode(table), tz=tz, fields=fields, attrs=attrs, stacklevel=4)


def from_decoded(
    decoded: pa.Table,
    *,
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    attrs: Attrs | None = None,
    stacklevel: int = 3,
) -> pd.DataFrame:
    """Make the DataFrame that `to_frame` makes, of messages that are decoded already; see there.

    Parameters
    ----------
    decoded : pyarrow.Table
        Of `isr_analysis.payloads.decode`: whole, a part, or several put together; in any order.
    tz, fields, attrs
        As of `to_frame`.
    stacklevel : int
        Whose line a warning names: that of the caller's caller by default.
    """
    decoded = messages.in_order(decoded)
    wanted = _wanted(fields)
    found, extra, names = payloads.resolve(decoded, wanted)
    # At ns, in UTC, from the numbers: no time is parsed or checked again.
    stamps = messages.instants(decoded).view("M8[ns]")
    index = pd.DatetimeIndex(stamps, name="time").tz_localize("UTC").tz_convert(times.zone(tz))
    columns: dict[Hashable | None, Any] = {name: _category(decoded[name]) for name in ("client_id", "topic")}
    for column in found:
        columns[column.name] = _values(column, index)
    unknown = [name for name in wanted or () if name not in columns]
    for name in unknown:
        columns[name] = pd.Series(None, index=index, dtype=object)
    if extra is not None:
        columns[payloads.EXTRA] = _text(extra)
    alone = sum(isinstance(column.dtype, np.dtype) for column in columns.values())
    df = pd.DataFrame(columns, index=index, copy=alone > _BLOCKS)
    df.attrs.update(attrs or {})
    said = [_unknown(name, names) for name in unknown] if len(decoded) else []
    if mixed := _untold(decoded, wanted or ()):
        said.append(
            f"fields= leaves out {', '.join(mixed)}, by which channels of the same client and topic are told apart; "
            "without it they are one series to wide, figures and checks"
        )
    for words in said:
        df.attrs["warning"] = "; ".join(filter(None, [df.attrs.get("warning"), words]))
        warnings.warn(words, stacklevel=stacklevel)
    return df


def _wanted(fields: str | list[str] | None) -> list[str] | None:
    """Give the fields that are asked for, without the names that every frame has."""
    if not isinstance(fields, str | Iterable | None):
        raise UsageError(
            f"fields={fields!r}: {type(fields).__name__} is not a field name; give a name or a list of names"
        )
    wanted = None if fields is None else [fields] if isinstance(fields, str) else list(fields)
    for name in wanted or ():
        if not isinstance(name, str):
            raise UsageError(f"fields={fields!r}: {name!r} is not a field name; give a name or a list of names")
    return None if wanted is None else [name for name in wanted if name not in payloads.FIXED]


def _category(column: pa.ChunkedArray) -> pd.Categorical:
    """Give client ids or topics as categories: those that occur, by name."""
    names, codes = messages.coded(column)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))


def _values(column: Column, index: pd.DatetimeIndex) -> Any:
    """Give a field as what pandas keeps it in. Numbers are copied: frames may be written to, Arrow's memory may not."""
    if column.dtype == "str":
        return _text(column.kinds["text"])
    if column.dtype == "float64":
        reals = column.kinds["real"].to_numpy()
        return reals if reals.flags.writeable else reals.copy()
    if column.dtype == "object":
        return pd.Series(column.objects(), index=index, dtype=object, copy=False)
    masked = pd.arrays.IntegerArray if column.dtype == "Int64" else pd.arrays.BooleanArray
    return masked(*column.numbers())


def _text(array: pa.Array) -> Any:
    return pd.arrays.ArrowStringArray(array, dtype=_STR)  # type: ignore[call-arg]  # the stubs are of pandas 2


def _unknown(name: str, names: list[str]) -> str:
    usual = [one for one in names if len(one) <= _LONGEST][:_COMPARED]
    near = difflib.get_close_matches(name, usual, n=_SHOWN) or usual[:_SHOWN]
    more = f" and {len(names) - len(near)} more" if len(names) > len(near) else ""
    there = f"they have {', '.join(map(repr, near))}{more}" if names else "their payloads have none"
    return f"fields={name!r}: no message of this selection has that field; {there}"


def _untold(decoded: pa.Table, wanted: Collection[str]) -> list[str]:
    """Give the fields, not among those that are wanted, in which readings of a wanted field on one topic differ.

    Of a long table both ends show it, as channels speak again and again.
    """
    if len(decoded) > 2 * _END:
        decoded = pa.concat_tables([decoded.slice(0, _END), decoded.slice(len(decoded) - _END)])
    arrays = defaultdict(list)
    for label, array in zip(decoded.column_names, decoded.columns, strict=True):
        arrays[label.partition(":")[2]].append(array)
    lacking = [name for name in messages.IDENTITY if name in arrays and name not in wanted]
    there = [array for name in wanted if name not in messages.IDENTITY for array in arrays.get(name, ())]
    if not lacking or not there or not {messages.DEVICE, "chan"} & arrays.keys():
        return []
    rows = np.logical_or.reduce([array.is_valid().to_numpy() for array in there])
    if messages.DEVICE in arrays:  # the type of an event is no channel
        rows &= np.logical_or.reduce([array.is_valid().to_numpy() for array in arrays[messages.DEVICE]])
    (_, client), (names, topic) = (messages.coded(decoded[name]) for name in ("client_id", "topic"))
    place = client.astype(np.int64) * len(names) + topic
    return [name for name in lacking if any(_differs(array, rows, place) for array in arrays[name])]


def _differs(array: pa.ChunkedArray, rows: npt.NDArray[np.bool_], place: npt.NDArray[np.int64]) -> bool:
    """Whether there are several values in some rows at any one place."""
    encoded = array.dictionary_encode().unify_dictionaries().combine_chunks()
    code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    rows = rows & (code >= 0)
    pairs = place[rows] * len(encoded.dictionary) + code[rows]
    return len(pd.unique(pairs)) > len(pd.unique(place[rows]))


def as_arrow(df: pd.DataFrame) -> pa.Table:
    """Give a frame of `load_history` as an Arrow table: ``time`` first; fields of mixed kinds as JSON text."""
    return as_table(df).replace_schema_metadata(None)


def as_table(df: pd.DataFrame) -> pa.Table:
    """Give the table of `as_arrow`, which tells pandas its dtypes: else whole numbers come back as reals, rounded."""
    plain = df.reset_index()
    plain.attrs = {}  # who exported from where is nobody else's concern
    for name in _mixed(plain):
        plain[name] = pd.Series(as_json(plain[name]), dtype="str")
    return pa.Table.from_pandas(plain, preserve_index=False)


def as_json(column: pd.Series) -> list[str | None]:
    """Give a field of a frame of whatever dtype as JSON text; None where there is none."""
    return [None if none else written(value) for value, none in zip(column.tolist(), column.isna(), strict=True)]


def as_text(df: pd.DataFrame) -> pd.DataFrame:
    """Give a frame whose lists and objects are JSON, as any program reads it, and whose bytes are text."""
    plain = df.copy(deep=False)
    for name in _mixed(df):  # as series: of text alone pandas would make its own kind, which holds no half character
        plain[name] = pd.Series(map(_cell, df[name]), index=df.index, dtype="object")
    return plain


def line_ends(df: pd.DataFrame) -> str | None:
    """Give how `to_csv` must end lines to keep a frame's rows apart: by CRLF where a text holds a carriage return.

    It stands within quotes only where the lines end in one themselves, and every reader takes it for the end of a row.
    """
    texts = [df.columns, *(_words(column) for _, column in df.items() if column.dtype.kind == "O")]
    found = any("\r" in one for values in texts for one in values if isinstance(one, str))
    return "\r\n" if found else None


def _words(column: pd.Series) -> Iterable[object]:
    """Give what stands in a column; each text of a column of texts once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories
    return column if column.dtype == "object" else column.unique()


def _mixed(df: pd.DataFrame) -> list[str]:
    return [str(name) for name, dtype in df.dtypes.items() if dtype.name == "object"]


def _cell(value: object) -> object:
    if isinstance(value, list | dict):
        return written(value)
    return _said(value) if isinstance(value, bytes) else value


def written(value: object) -> str:
    """Write a value as JSON; what JSON has no number for, such as infinity, is null, and what it has no kind for text.

    >>> written([1.5, float("inf")])
    '[1.5, null]'
    """
    try:
        return _STRICT(value)
    except ValueError:
        return json.dumps(json.loads(json.dumps(value, default=_said), parse_constant=lambda _: None))


def _said(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


_STRICT = json.JSONEncoder(default=_said, allow_nan=False).encode
"""One for all: json.dumps would make one for each value."""
