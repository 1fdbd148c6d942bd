"""What a column contains in the rows of one series: measurements, states or events. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from isr_analysis.checks.series import CLIENT, TOPIC, Floats, by_type, is_text
from isr_analysis.messages import IDENTITY

UNITS = ("unit", "units")
"""The columns in which payloads give a unit."""

NO_MEASURE = {*IDENTITY, *UNITS, CLIENT, TOPIC, "device_id", "callsign", "username", "ts", "time", "timestamp",
              "payload.time", "payload.timestamp", "seq"}  # fmt: skip
"""Columns that say of what, by whom or when, and not how much."""

ON = {"on", "true", "online", "up", "yes", "active", "enabled", "closed", "connected", "running", "ok", "1"}
OFF = {"off", "false", "offline", "down", "no", "inactive", "disabled", "open", "disconnected", "stopped", "0"}
"""States as people and devices write them."""

_NAMED = re.compile(
    r"(?:^|[._\W])(?:version|firmware|fw|sw|hw|release|build|model|serial|revision|id|uuid|imei|iccid|mac|code|name)"
    r"(?:no|nr|number)?$",
    re.IGNORECASE,
)
"""How fields of versions and names are called, which may be written in digits and measure nothing."""

_VALUES = {"value", "val", "reading", "v"}
"""How fields are called that have the unit that stands beside them."""

_PLACES = {"lat", "lon", "lng", "latitude", "longitude"}

_DIRECTION = re.compile(
    r"(?:^|[._\W]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:azimuth|heading|bearing|course|cog|yaw|(?:wind|w)?dir(?:ection)?|lon|lng|longitude)"
    r"(?i:[._]?(?:deg|degrees|true|magnetic|avg|mean|\d+m))*$"
)
"""How fields of directions are called, in degrees."""

_UNIT_ENDS = ("_unit", ".unit", "_units", ".units", "Unit", "Units")
"""How the name of a field goes on in that of its unit."""

_SHORT_UNITS = ("uom", "u")
_FEW = 10
_TWO = 2
_TOLD = 20  # messages that show whether codes hold
_OFTEN = 0.4  # the share of messages from which on a code changes too often to be one
_CODE = 999  # the greatest that a code of a state is taken to be where none comes again
_LABELS = 4
_FIRST = 1000
_SAMPLE = 50
_ENOUGH = 10_000  # values that show how all are written


def unit_columns(frame: pd.DataFrame, field: str, *, alone: bool) -> list[str]:
    """Give the columns that may hold the unit of a field; `alone` where no other field could have it.

    What is called a value has the unit that stands beside it: ``p.value`` that of ``p.unit``. The short names are those
    of units only within an object, and where they hold no numbers: ``u`` may be a voltage.
    """
    inside, dot, leaf = field.rpartition(".")
    beside = [f"{inside}{dot}{name}" for name in UNITS] if leaf in _VALUES or alone else []
    if leaf in _VALUES:
        beside += [name for one in _SHORT_UNITS if (name := f"{inside}.{one}") in frame and not is_number(frame[name])]
    own = [f"{field}{end}" for end in _UNIT_ENDS]
    known = (*own, *beside, *(UNITS if alone else ()))
    return [name for name in dict.fromkeys(known) if name in frame.columns]


def is_unit(field: str) -> bool:
    """Judge by a field's name whether it holds a unit; ``u`` alone may as well be a voltage."""
    return field in UNITS or field.endswith(_UNIT_ENDS) or field.rpartition(".")[2] == _SHORT_UNITS[0]


def is_direction(field: str) -> bool:
    """Judge by a field's name whether it is a direction, whose values begin anew after a whole turn."""
    return _DIRECTION.search(field) is not None


def is_place(field: str) -> bool:
    """Judge by a field's name whether it is a coordinate on the earth: it stays where the device stays."""
    return field.rpartition(".")[2].lower() in _PLACES


def coalesced(frame: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Give what the first of some columns says that says anything: one device says it in this, another in that."""
    found = frame[names[0]]
    for name in names[1:]:
        found = found.astype("object").where(found.notna(), frame[name])
    return found


def is_event(topic: str) -> bool:
    """Whether a topic is one of events, by its first level: they come when something happens."""
    return topic.split("/", maxsplit=1)[0] in {"event", "events"}


def is_state(number: Floats, topic: str | None) -> bool:
    """Judge whether numbers, in the order of time, are states: both 0 and 1, or on a topic of states few whole ones.

    Those are states that hold: as codes do, and a percentage that goes up and down does not. What is never the same
    twice in a row is published when it changes, as codes are.
    """
    head = number[:_FIRST]
    if ((head == 0) | (head == 1)).all() and ((number == 0) | (number == 1)).all():
        return bool((number == 0).any() and (number == 1).any()) or _state_topic(topic)
    if not _state_topic(topic) or (head != np.floor(head)).any():
        return False
    seen = np.unique(number)
    # Within a short range a counter has few values, too; but none comes again, and codes are not that great.
    counts = len(seen) == len(number) and np.abs(seen).max() > _CODE
    if len(seen) > _FEW or counts or (number != np.floor(number)).any():
        return False
    changes = float((number[1:] != number[:-1]).mean()) if len(number) > _TOLD and len(seen) > _TWO else 0.0
    return changes < _OFTEN or changes == 1


def is_named(field: str) -> bool:
    """Judge by a field's name whether it is one of versions or names: then no text in it is a number."""
    return _NAMED.search(field) is not None


def is_label(numbers: int, words: int) -> bool:
    """Judge by how many numbers and words there are whether both are names or versions: few numbers, as many words."""
    return numbers <= min(_LABELS, words)


def _state_topic(topic: str | None) -> bool:
    return topic is not None and topic.split("/", maxsplit=1)[0] in {"state", "status"}


def is_number(column: pd.Series) -> bool:
    """Whether a column's dtype is one of numbers (flags and complex ones are none)."""
    kind = column.dtype
    return bool(
        pd.api.types.is_numeric_dtype(kind)
        and not pd.api.types.is_bool_dtype(kind)
        and not pd.api.types.is_complex_dtype(kind)
    )


def numbers(column: pd.Series) -> Floats:
    """Read a column as numbers, NaN where there is none.

    Of mixed columns, those that are numbers. Text counts where a device wrote its numbers as text: most texts are
    numbers then, and the column is not one of versions or names.
    """
    if is_number(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    is_object = pd.api.types.is_object_dtype(column.dtype)
    if not (is_object or pd.api.types.is_string_dtype(column.dtype)):
        return np.full(len(column), np.nan)
    text = np.array(by_type(column, is_text), bool) if is_object else column.notna().to_numpy(bool)
    found = np.full(len(column), np.nan)
    if is_object:
        real = by_type(column, _is_real)
        found[real] = [as_real(value) for value in column[real]]
    texts = column[text]
    few = texts.iloc[:: max(1, len(texts) // _SAMPLE)]  # most texts are no numbers, and there may be many
    if not is_named(str(column.name)) and any(math.isfinite(of_text(one)) for one in few):
        code, words = pd.factorize(texts)
        read = np.array([of_text(word) for word in words])[code]
        if 2 * np.isfinite(read).sum() > len(read):
            found[text] = read
    return found


def of_text(word: str) -> float:
    """Read a number that stands as text, NaN if it is none or not finite."""
    try:
        found = float(word)
    except ValueError:
        return math.nan
    if "_" in word:  # Python takes it for a mark of thousands; a device writes names with it
        return math.nan
    return found if math.isfinite(found) else math.nan


def _is_real(kind: type) -> bool:
    return issubclass(kind, int | float | np.number) and not issubclass(kind, bool)


def as_real(value: Any) -> float:
    """Give a value as a real: infinity for an integer beyond all reals, NaN for what is no number."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return math.nan


def decimals(values: Floats) -> int:
    """Give with how many decimals numbers were published; more than six count as nine."""
    some = values[:: max(1, len(values) // _ENOUGH)]
    noise = 1e-13 * np.abs(some)  # of sums of decimal fractions
    return next((many for many in range(7) if (np.abs(np.round(some, many) - some) <= noise).all()), 9)


def on_off(states: Iterable[str]) -> dict[str, float] | None:
    """Read states as 1 and 0, if all of them are words for on or off."""
    found = {}
    for state in states:
        word = state.strip().casefold()
        if word not in ON | OFF:
            return None
        found[state] = 1.0 if word in ON else 0.0
    return found or None
