"""When the last messages were published, where a live answer says only how long ago that was."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, instants, roles, shape
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import Asked

_MOMENT = "last_seen_ns"
_NUMBER = r"^\d{1,12}(?:\.\d*)?$"
_MS = 1_000_000


def dated(table: Columns, asked: Asked) -> tuple[Columns, bool]:
    """Give the instants of messages in the place of their ages, and whether there are any.

    Ages count only where nothing else says when the messages were published, and it is known when the portal answered.
    They are told as of then, mostly in whole seconds: instants are right to a second or two.
    """
    told = any(not shape.is_of_making(one) for one in roles.times_of(table))
    if asked.answered_at is None or asked.fields.time or told:
        return table, False
    found = {name: unit for name in table if (unit := shape.age_unit(name)) and _are_ages(table[name], name)}
    if not found:
        return table, False
    name = min(found, key=lambda one: (shape.of_last(one) == shape.leaf(one), "." not in one))  # the last message's
    ages = columns.texts(table[name], name).cast(pa.float64())
    ago = pc.multiply(pc.round(pc.multiply(ages, found[name] / _MS)).cast(pa.int64()), _MS)
    moments = pc.subtract(asked.answered_at, ago).cast(pa.string())
    return {one: column for one, column in table.items() if one != name} | {_MOMENT: moments}, True


def _are_ages(column: pa.ChunkedArray, name: str) -> bool:
    """Tell whether a column holds numbers and nothing else, of which the first is too small for an instant."""
    text = columns.texts(column, name).drop_null()
    is_number = bool(len(text)) and pc.all(pc.match_substring_regex(text, _NUMBER)).as_py()
    return is_number and not (shape.time_rank(name) is not None and instants.is_instant(text[0].as_py()))
