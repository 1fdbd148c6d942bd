"""Parts: immutable Parquet files of messages, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isr_analysis import messages, times
from isr_analysis.errors import StoreError
from isr_analysis.files import make_folder, replacing
from isr_analysis.messages import Selector
from isr_analysis.store.ledger import Part
from isr_analysis.times import Range

ALL = Selector()

_BIG = 12_000_000
"""Bytes of messages, in memory, that make a part: several threads gather as much at a time."""


class DamagedError(StoreError):
    """A part is gone, or is no longer what was written."""


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
    above = [one.parent for one in (path.parent, *path.parent.parents) if not one.exists()]  # they get new names
    make_folder(path.parent)
    try:
        with replacing(path) as aside, aside.open("wb") as file:
            pq.write_table(
                table, file, compression="zstd", use_dictionary=["client_id", "topic", "source"],
                row_group_size=131_072, write_page_checksum=True,
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        for one in (path.parent, *above):
            _sync(one)
    except OSError as exc:
        raise StoreError(
            f"{path.parent} cannot be written ({exc.strerror or exc}); make room, or set ISR_HOME to another folder. "
            "What was stored before is untouched"
        ) from exc
    return Part(
        name, first, last, len(table), path.stat().st_size,
        frozenset(pc.unique(table["client_id"]).to_pylist()), frozenset(pc.unique(table["topic"]).to_pylist()),
    )  # fmt: skip


def _sync(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, where the system lets one."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(
    folder: Path,
    part: Part,
    span: Range | None = None,
    selector: Selector = ALL,
    *,
    columns: list[str] | None = None,
) -> pa.Table:
    """Read of a part what lies in a span and is meant by a selector, or only some columns of it.

    Raises
    ------
    FileNotFoundError
        It was replaced and removed meanwhile.
    DamagedError
        It cannot be read.
    """
    path = folder / part.file
    schema = pa.schema([messages.SCHEMA.field(name) for name in columns or messages.SCHEMA.names])
    try:
        table = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True).read(columns=columns)
        table = table.select(schema.names).cast(schema)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError) as exc:  # a KeyError: a column has another name
        raise DamagedError(
            f"{path} cannot be read ({exc}); it is damaged. Load the range with refresh=True: what it held is fetched "
            "again"
        ) from exc
    return selector.select(table if span is None or part.lies_in(span) else messages.within(table, span))


def is_there(folder: Path, part: Part) -> bool:
    """Tell whether a part's file is there, and as long as it was written."""
    try:
        return (folder / part.file).stat().st_size == part.bytes
    except FileNotFoundError:
        return False


def portions(batches: Iterable[pa.Table], selector: Selector, span: Range) -> Iterator[pa.Table]:
    """Gather what was asked for into tables of a part's size."""
    gathered: list[pa.Table] = []
    size = 0
    for batch in batches:
        wanted = selector.select(messages.within(batch, span))
        if len(wanted):
            gathered.append(wanted)
            size += wanted.nbytes
        if size >= _BIG:
            yield pa.concat_tables(gathered)
            gathered, size = [], 0
    if gathered:
        yield pa.concat_tables(gathered)


def without(table: pa.Table, selector: Selector, span: Range) -> pa.Table:
    """Give the messages of a table that a selector does not mean, or that lie outside of a span."""
    time = table["time"].cast("int64")
    inside = pc.and_(pc.greater_equal(time, span.start), pc.less(time, span.end))
    return table.filter(pc.invert(pc.and_(inside, selector.mask(table))))
