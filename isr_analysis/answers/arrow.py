"""Parquet files and Arrow streams as columns."""

from __future__ import annotations

import base64
import json

import pyarrow as pa

from isr_analysis.answers import columns
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import PAYLOAD, plain
from isr_analysis.errors import AnswerError

_PARQUET, _FILE, _STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"


def is_arrow(body: bytes) -> bool:
    """Tell whether a body is a Parquet file, or a file or a stream of Arrow."""
    return body.startswith((_PARQUET, _FILE, _STREAM))


def read(body: bytes) -> Columns:
    """Give its rows as columns.

    Raises
    ------
    AnswerError
        It is damaged or breaks off.
    """
    try:
        table = _table(body)
        return dict(_column(name, table[i]) for i, name in enumerate(table.column_names))
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise AnswerError(f"the body is Parquet or Arrow data that is damaged or breaks off ({exc})") from exc


def _table(body: bytes) -> pa.Table:
    source = pa.BufferReader(body)
    if body.startswith(_PARQUET):
        import pyarrow.parquet

        return pyarrow.parquet.read_table(source)
    return (pa.ipc.open_file(source) if body.startswith(_FILE) else pa.ipc.open_stream(source)).read_all()


def _column(name: str, column: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column(name, column.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind):
        return name, column.cast(pa.string())
    values = column.to_pylist()
    if any(isinstance(one, bytes) for one in values):
        coded = [None if one is None else base64.b64encode(one).decode() for one in values]
        whole = plain(name) in PAYLOAD  # these are the bytes that were published
        texts = coded if whole else [None if one is None else one.decode("utf-8", "replace") for one in values]
        return f"{name}_base64" if whole else name, columns.text(texts)
    return name, columns.json_texts([None if one is None else json.dumps(one, default=str).encode() for one in values])
