"""Records of SenML (RFC 8428), with what the records before them say for all that follow. Pure."""

from __future__ import annotations

from decimal import Decimal

from isr_analysis.answers import columns
from isr_analysis.answers.columns import Columns

_VALUES = {"v": "payload_num", "vs": "payload_str", "vb": "payload_bool", "vd": "payload_base64"}
_KNOWN = {"n", "t", "u", "bn", "bt", "bu", "bver", "ut", *_VALUES}


def resolved(table: Columns) -> Columns:
    """Give rows that are records of SenML with their whole names and times, and one payload each; others as they are.

    Records with sums or base values, which are not what was published, stay as they are too.
    """
    names = {name for name in table if not name.startswith("\0")}
    if not names <= _KNOWN or not names & _VALUES.keys() or not names & {"n", "bn"} or not names & {"t", "bt"}:
        return table
    base_names, base_times, base_units = (_forward(_texts(table, name)) for name in ("bn", "bt", "bu"))
    try:
        times = [
            str(Decimal(base or 0) + Decimal(one or 0))
            for base, one in zip(base_times, _texts(table, "t"), strict=True)
        ]
    except ArithmeticError:  # another kind of record
        return table
    topics = [(base or "") + (one or "") for base, one in zip(base_names, _texts(table, "n"), strict=True)]
    units = [one or base for base, one in zip(base_units, _texts(table, "u"), strict=True)]
    made = {name: column for name, column in table.items() if name.startswith("\0")}
    made |= {"time": columns.text(times), "topic": columns.text(topics)}
    made |= {_VALUES[name]: table[name] for name in _VALUES if name in table}
    return made | ({"unit": columns.text(units)} if any(units) else {})


def _texts(table: Columns, name: str) -> list[str | None]:
    if name not in table:
        return [None] * columns.length(table)
    found: list[str | None] = columns.texts(table[name], name).to_pylist()
    return found


def _forward(values: list[str | None]) -> list[str | None]:
    """Give what was last said by then, for each record."""
    said: list[str | None] = []
    for one in values:
        said.append(one if one is not None or not said else said[-1])
    return said
