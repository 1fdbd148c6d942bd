"""The names of series: the channel as text, and only as much as is needed to distinguish them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from isr_analysis.checks.series import CLIENT, TOPIC, Series, identity, nanoseconds, plain
from isr_analysis.messages import DEVICE, IDENTITY

_SOME = 0.1
"""The part of messages beyond which several values at one instant are no accident."""

_BARE = {CLIENT, TOPIC, "type", "dcn", DEVICE}
"""Keys that tell by themselves what they are; the others are named beside their value."""

_MOST, _SEVERAL, _LOOKED_AT = 0.45, 4, 10_000
"""The part of messages that come with another one: of two channels it is half. How often each value is there at least,
on average, and how many are looked at."""


def named(series: Series) -> tuple[list[str], list[str], list[str]]:
    """Give client, topic and channel of each series as text, "" where there is none."""
    told = series.tell()
    clients, topics = ([str(one.get(name, "")) for one in told] for name in (CLIENT, TOPIC))
    return clients, topics, [channel(one) for one in told]


def channel(keys: dict[str, Any]) -> str:
    """Name a channel in words, the telling parts first; "" where there is none.

    >>> channel({"type": "relay", "chan": 3, "module": 1, "dcn": "0x01"})
    'relay 3 · module 1 · 0x01'
    """
    words = {name: plain(keys[name]) for name in IDENTITY if name in keys}
    head = " ".join(words[name] for name in ("type", "chan") if name in words)
    if "type" not in words and "chan" in words:
        head = f"chan {head}"
    rest = [f"module {words['module']}"] if "module" in words else []
    rest += [words[name] for name in ("dcn", DEVICE) if name in words]
    return " · ".join([head, *rest] if head else rest)


def telling(keys: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> list[str]:
    """Give the columns that are needed to tell series with such keys apart, the first ones first."""
    chosen: list[str] = []
    groups = 1
    for name in columns:
        now = len({tuple(str(one.get(part)) for part in [*chosen, name]) for one in keys})
        if now > groups:
            chosen.append(name)
            groups = now
    return chosen


def mingled(series: Series, field: str) -> str:
    """Say which series is rather several, as most of its instants have several messages, and what tells these apart.

    That is a column in which they always differ, of few values. "" if there is none.
    """
    again = np.flatnonzero((np.diff(series.time) == 0) & (np.diff(series.code) == 0))
    often = np.bincount(series.code[again], minlength=len(series)) > _MOST * np.diff(series.bounds)
    for number in np.flatnonzero(often).tolist():
        own = again[series.code[again] == number][:_LOOKED_AT]
        rows, other = series.frame.iloc[series.order[own]], series.frame.iloc[series.order[own + 1]]
        for name in series.frame.columns.drop([*series.keys.columns, field]):
            one, two = rows[name], other[name]
            if one.notna().all() and two.notna().all() and not pd.api.types.is_float_dtype(one.dtype):
                one, two = one.map(str), two.map(str)
                if (one.to_numpy() != two.to_numpy()).all() and one.nunique() * _SEVERAL <= len(one):
                    told = series.tell()[number]
                    which = " · ".join(str(told[key]) for key in (CLIENT, TOPIC) if key in told) or "the frame"
                    return (
                        f"{which} has several messages of {field!r} at most instants, which differ in {name!r} and are "
                        f"one column here; by={[*series.keys.columns, name]} makes one of each"
                    )
    return ""


def nameless(frame: pd.DataFrame) -> str:
    """Say that a loaded frame was cut to columns that do not tell whose rows they are; "" if it was not, or of one."""
    clients, topic = frame.attrs.get("clients"), str(frame.attrs.get("topic", ""))
    rows = frame.attrs.get("rows")
    if CLIENT in frame.columns or rows is None or not len(frame):
        return ""
    if rows == len(frame) and not (clients and len(clients) == 1 and not {"+", "#"} & {*topic}):
        what = f"{CLIENT}: what several clients or topics published"
    elif not identity(frame) and _is_at_once(frame):
        what = "what tells its channels apart: what they measured at the same instants"
    else:
        return ""
    names = ", ".join(map(str, frame.columns))
    return (
        f"of the loaded frame only {names} is given, without {what} is one series here; give the whole frame and name "
        'the field, as in wide(df, "value")'
    )


def _is_at_once(frame: pd.DataFrame) -> bool:
    """Tell whether rows of the same instant differ, more often than a clock of whole seconds explains."""
    frame = frame.iloc[np.argsort(nanoseconds(frame.index), kind="stable")]
    again = np.flatnonzero(np.diff(nanoseconds(frame.index)) == 0)
    if len(again) <= _SOME * len(frame):
        return False
    one, two = (frame.iloc[rows].map(str).to_numpy() for rows in (again, again + 1))
    return int((one != two).any(axis=1).sum()) > _SOME * len(frame)


def in_words(name: str, value: Any) -> str:
    """Write one key in the name of a series.

    >>> in_words("chan", 3.0), in_words("type", "relay")
    ('chan 3', 'relay')
    """
    return plain(value) if name in _BARE else f"{name} {plain(value)}"
