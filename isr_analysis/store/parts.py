"""Parts: immutable Parquet files of messages, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isr_analysis import messages, times
from isr_analysis.errors import StoreError
from isr_analysis.settings import make_folder
from isr_analysis.store.ledger import Part
from isr_analysis.times import Range


def write(folder: Path, table: pa.Table) -> Part:
    """Write messages, in their order, as a new part.

    Raises
    ------
    StoreError
        There is no room, or the folder cannot be written.
    """
    table = messages.in_order(table)
    first, last = (pc.min_max(table["time"].cast("int64"))[key].as_py() for key in ("min", "max"))
    day = times.iso(first)[:10]
    name = f"{day[:7]}/{day}-{uuid.uuid4().hex}.parquet"
    path = folder / name
    make_folder(path.parent)
    aside = path.with_suffix(".tmp")
    try:
        with aside.open("wb") as file:
            pq.write_table(
                table, file, compression="zstd", use_dictionary=["client_id", "topic", "source"],
                row_group_size=131_072,
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise StoreError(
            f"{path.parent} cannot be written ({exc.strerror or exc}); make room, or set ISR_HOME to another folder. "
            "What was stored before is untouched"
        ) from exc
    return Part(
        name, first, last, len(table), path.stat().st_size,
        frozenset(pc.unique(table["client_id"]).to_pylist()), frozenset(pc.unique(table["topic"]).to_pylist()),
    )  # fmt: skip


def read(folder: Path, part: Part, span: Range | None = None, *, columns: list[str] | None = None) -> pa.Table:
    """Read a part, or what of it lies in a span, or only some columns.

    Raises
    ------
    FileNotFoundError
        It was replaced and removed meanwhile.
    StoreError
        It is damaged.
    """
    whole = span is None or (span.start <= part.first and part.last < span.end)
    try:
        table = pq.read_table(
            folder / part.file,
            schema=messages.SCHEMA,
            columns=columns,
            filters=None if whole or span is None else within(span),
        )
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as exc:
        raise StoreError(
            f"{folder / part.file} cannot be read ({exc}); it is damaged. Move it away and load with refresh=True"
        ) from exc
    return table


def within(span: Range) -> pc.Expression:
    """Give the condition that a message's time lies in a span."""
    kind = messages.SCHEMA.field("time").type
    return (pc.field("time") >= pa.scalar(span.start, kind)) & (pc.field("time") < pa.scalar(span.end, kind))
