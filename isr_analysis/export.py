"""History for other programs: one file, or a folder of days that grows with each run, on a disk or an object store."""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from isr_analysis import frame, messages, times
from isr_analysis.amounts import counted
from isr_analysis.errors import StoreError, UsageError
from isr_analysis.exported import Delta, Folder, Notes
from isr_analysis.files import path_of, remove_asides, replacing
from isr_analysis.history import load_history
from isr_analysis.holdings import sync
from isr_analysis.messages import Clients, Selector
from isr_analysis.offline import has_gaps, keeping, lacking
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.store.store import Store
from isr_analysis.times import Range

FILES = {".csv": "csv", ".gz": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What `export_history` did.

    Parameters
    ----------
    to : str
        The file or folder.
    rows : int
        Messages that were written.
    written, kept : int
        Days that were written, and days that were already there unchanged. A file counts as one.
    lacking : str
        For an offline export, what part of the range is not on disk and therefore not in it; empty if nothing.
    """

    to: str
    rows: int
    written: int
    kept: int
    lacking: str = ""

    def __str__(self) -> str:
        kept = f", {self.kept} were there already" if self.kept else ""
        lacking = f" ({self.lacking})" if self.lacking else ""
        return f"{counted(self.rows, 'message')} in {counted(self.written, 'part')}{kept}: {self.to}{lacking}"

    __repr__ = __str__


def export_history(
    to: str | Path,
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    delta: bool = False,
    offline: bool = False,
    wait: bool = False,
    progress: bool | Report | None = None,
    storage_options: Mapping[str, str] | None = None,
    portal: Portal | None = None,
) -> Exported:
    """Export history for other programs, to a file, folder or object store; what is missing is fetched first.

    Parameters
    ----------
    to : str or Path
        A file name ending in ``.csv``, ``.csv.gz``, ``.parquet``, ``.arrow`` or ``.feather`` gets the frame that
        `load_history` returns, with fields as columns. A name without an extension, an existing folder, or the URL of
        an object store such as ``s3://bucket/telemetry`` is a folder: it gets the messages as published, as Parquet,
        with a subfolder such as ``date=2026-11-01`` for each UTC day that the range touches. These days are exported
        whole, even if the range begins or ends within one. Exporting again writes only days that have changed, in the
        store or in the folder.
    client_id, topic, start, end, last, tz, wait, progress, portal
        See `load_history`. `tz` is also the time zone of the times in a file.
    delta : bool
        Write the folder as a Delta table, one commit per day; run only one export at a time. Needs the extra ``delta``.
    offline : bool
        Never request history from the portal. For a file, the whole range must be on disk; a folder gets what is there.
    storage_options : mapping, optional
        Options for the Delta writer's object store, in addition to the environment.

    Returns
    -------
    Exported
        Printed, it is one line.

    Raises
    ------
    UsageError
        The extension is unknown, or the folder holds the export of a different selection.
    StoreError
        The export cannot be written.
    MissingExtraError
        deltalake is not installed.
    IsrError
        See `load_history`.

    Warns
    -----
    UserWarning
        With `offline`: more than just the end of the range is not on disk.

    Notes
    -----
    A folder has the columns of the store: ``time`` (ns, UTC), ``client_id``, ``topic``, ``payload`` (bytes, as
    published), ``seq``, ``source`` and ``extra``. In a Delta table, times are in µs, the finest unit it has. Decode the
    payloads with `isr_analysis.frame.to_frame`, or as text with any JSON reader. Give Polars and DuckDB the path
    ``folder/**/*.parquet``, because the folder also contains notes; pandas, Dask and Spark skip these.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     done = isr.export_history("day.parquet", "isr-shack-01", last="1h", portal=portal)
    ...     done.written
    1
    """
    messages.check_flags(delta=delta, offline=offline, wait=wait)
    name = str(to) if "://" in str(to) else str(path_of(to, "to"))
    kind = None if delta or "://" in name else _kind(Path(name))
    if delta and "://" not in name and Path(name).suffix.lower() in FILES and not os.path.isdir(name):  # noqa: PTH112
        raise UsageError(f"to={name!r} names a file, and a Delta table is a folder; give one, or leave delta=True out")
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal)
    offline = offline or portal.profile.is_offline
    if kind is not None:
        words = lacking(portal, selector, span) if offline else ""
        df = load_history(
            client_id, topic, start=start, end=end, last=last, tz=tz, offline=offline, wait=wait, progress=progress,
            portal=portal,
        )  # fmt: skip
        write_file(df, Path(name), kind)
        return Exported(name, len(df), 1, 0, words)
    span = span.whole(times.DAY)
    new: Notes = {"account": portal.account_id, "selector": str(selector), "delta": delta, "days": {}}
    folder = Folder(name, new)
    target = Delta(name, storage_options) if delta else folder
    words, check = "", keeping(portal, selector, span, offline=offline)
    if offline:
        if (words := lacking(portal, selector, span)) and has_gaps(portal, selector, span, is_open=end is None):
            warnings.warn(words, stacklevel=2)
    else:
        sync(client_id, topic, start=times.iso(span.start), end=times.iso(span.end), wait=wait, progress=progress,
             portal=portal)  # fmt: skip
    return _export_days(Store(portal.folder), selector, span, folder, target, words, check)


def _kind(path: Path) -> str | None:
    """Tell the kind of a file by its extension; None is a folder."""
    extension = path.suffix.lower()
    if not extension or os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where nobody may look)
        return None
    if extension not in FILES or (extension == ".gz" and Path(path.stem).suffix.lower() != ".csv"):
        raise UsageError(
            f"to={str(path)!r}: {extension} is no kind of file that can be written; give one of "
            f"{', '.join('.csv.gz' if one == '.gz' else one for one in FILES)}, or a name without an extension for a "
            "folder"
        )
    return FILES[extension]


def _export_days(
    store: Store, selector: Selector, span: Range, folder: Folder, target: Folder | Delta, words: str,
    check: Callable[[Range], None],
) -> Exported:  # fmt: skip
    rows = written = kept = 0
    with folder.noting() as days:
        files = target.files()
        for day in span.days():
            date = times.iso(day.start)[:10]
            mark = store.mark(selector, day)
            if mark is None and not store.spans(selector, day)[0]:
                check(day)
                continue  # never fetched: it is no day without messages, and what was exported of it before stays
            # Of two exports at once, either may have written the day last, or the notes: the file tells which.
            if days.get(date, [None, None]) == [mark, files.get(date)]:
                days.setdefault(date, [None, None])  # a day without a message is noted, too
                kept += mark is not None
                continue
            table = store.read(selector, day)
            check(day)
            days[date] = [mark, target.put(date, table)]
            rows, written = rows + len(table), written + 1
    return Exported(folder.name, rows, written, kept, words)


def write_file(df: pd.DataFrame, path: Path, kind: str) -> None:
    """Write a frame of `load_history` as a file of a kind of `FILES`, whole or not at all.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_asides(path)
        with replacing(path) as aside:
            if kind == "csv":
                packed = {"method": "gzip", "mtime": 0} if path.suffix.lower() == ".gz" else None
                df = frame.as_text(df)
                df.to_csv(aside, compression=packed, errors="backslashreplace", lineterminator=frame.line_ends(df))
                return
            table = frame.as_table(df)
            with aside.open("wb") as file:  # Arrow itself opens no name that is no UTF-8
                if kind == "parquet":
                    pq.write_table(table, file, compression="zstd")
                else:
                    with pa.ipc.new_file(file, table.schema) as writer:
                        writer.write_table(table)
    except OSError as exc:
        raise StoreError(f"{path} cannot be written ({exc.strerror or exc}); what was there is untouched") from exc
