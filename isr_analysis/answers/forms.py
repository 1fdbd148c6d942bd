"""From the bytes of a body to columns, whatever the format."""

from __future__ import annotations

from isr_analysis.answers import columns, envelope, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.roles import KEY
from isr_analysis.answers.shape import Fields


def read(body: bytes, content_type: str | None, *, fields: Fields, live: bool) -> tuple[Columns, dict[str, bytes]]:
    """Give the rows of a body as columns, and what stands beside them.

    Raises
    ------
    AnswerError
        The body has no form that is known, or breaks off.
    """
    found = envelope.find(raw.documents(body), fields=fields, live=live)
    return gather(found.groups), found.notes


def gather(groups: list[envelope.Group]) -> Columns:
    """Put groups of rows one below the other, with what stands around each as columns."""
    if not groups:
        return {}
    arrays = [one.rows for one in groups if isinstance(one.rows, bytes)]
    if len(arrays) == len(groups):
        table, counts = columns.of_arrays(arrays)
    else:
        tables = [columns.of_arrays([one.rows])[0] if isinstance(one.rows, bytes) else one.rows for one in groups]
        counts = [columns.length(one) for one in tables]
        table = columns.concat(list(zip(tables, counts, strict=True)))
    for name in dict.fromkeys(name for one in groups for name in one.outer):
        around = columns.json_texts(
            [one.outer.get(name) for one, count in zip(groups, counts, strict=True) for _ in range(count)]
        )
        table[name] = columns.first_of(table[name], around) if name in table else around
    for i in range(max(len(one.keys) for one in groups)):
        table[f"{KEY}{i}"] = columns.text(
            [one.keys[i] if i < len(one.keys) else None
             for one, count in zip(groups, counts, strict=True) for _ in range(count)]
        )  # fmt: skip
    return table
