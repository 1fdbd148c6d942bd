"""History for other programs: one file, or a folder of days that grows with each run, on a disk or an object store."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from isr_analysis import frame, messages, times
from isr_analysis.amounts import counted
from isr_analysis.errors import MissingExtraError, StoreError, UsageError
from isr_analysis.files import aside_of, path_of, replacing
from isr_analysis.history import load_history
from isr_analysis.holdings import sync
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.store.store import Store
from isr_analysis.times import Range

NOTES = "_isr_export.json"
"""The file in an exported folder that says what is in it. Programs that read such folders pass over its name."""

_DAY = "messages.parquet"

FILES = {".csv": "csv", ".gz": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}


class Notes(TypedDict):
    """What an exported folder says of itself: the selection, and of each day its mark and file."""

    account: str
    selector: str
    delta: bool
    days: dict[str, list[str | None]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Parameters
    ----------
    to : str
        The file or folder.
    rows : int
        Messages that were written.
    written, kept : int
        Days that were written, and days that were there already just as they are. A file counts as one.
    """

    to: str
    rows: int
    written: int
    kept: int

    def __str__(self) -> str:
        kept = f", {self.kept} were there already" if self.kept else ""
        return f"{counted(self.rows, 'message')} in {counted(self.written, 'part')}{kept}: {self.to}"

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
    """Write history where other programs read it; what is not on disk yet is fetched first.

    Parameters
    ----------
    to : str or Path
        A file, ``.csv``, ``.csv.gz``, ``.parquet``, ``.arrow`` or ``.feather``: the frame of `load_history`, fields as
        columns. A name without an extension, or one that is there already as a folder, is a folder: the messages as
        published, as Parquet, a folder ``date=2026-11-01`` for each UTC day that the range touches. These days are
        whole, also where the range begins or ends within one. Only days that have changed, here or there, are written,
        whenever it is exported to again. A folder may be the URL of an object store, such as ``s3://bucket/telemetry``.
    client_id, topic, start, end, last, tz, wait, progress, portal
        As of `load_history`. `tz` is also the zone of the times in a file.
    delta : bool
        Make the folder a Delta table, each day in one commit, by one export at a time. Needs the extra ``delta``.
    offline : bool
        Never ask the portal for history; for a file all of the range must be on disk, into a folder goes what is.
    storage_options : mapping, optional
        What the Delta writer needs to know of an object store, beside the environment.

    Returns
    -------
    Exported
        Printed, it is one line.

    Raises
    ------
    UsageError
        The extension is not known, or the folder holds the export of another selection.
    StoreError
        It cannot be written.
    MissingExtraError
        deltalake is not installed.
    IsrError
        As of `load_history`.

    Notes
    -----
    A folder has the columns of the store: ``time`` (ns, UTC), ``client_id``, ``topic``, ``payload`` (bytes, as
    published), ``seq``, ``source`` and ``extra``; a Delta table has its times in µs, which is all that it knows. Its
    payloads are decoded by `isr_analysis.frame.to_frame`, or as text by whatever reads JSON there.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     done = isr.export_history("day.parquet", "isr-shack-01", last="1h", portal=portal)
    ...     done.written
    1
    """
    messages.check_flags(delta=delta, offline=offline, wait=wait)
    portal = connection.current(portal)
    asked: dict[str, Any] = {"start": start, "end": end, "last": last, "tz": tz, "wait": wait, "progress": progress}
    name = str(to) if "://" in str(to) else str(path_of(to, "to"))
    kind = None if delta or "://" in name else _kind(Path(name))
    if delta and "://" not in name and Path(name).suffix.lower() in FILES and not Path(name).is_dir():
        raise UsageError(f"to={name!r} names a file, and a Delta table is a folder; give one, or leave delta=True out")
    if kind is not None:
        df = load_history(client_id, topic, **asked, offline=offline, portal=portal)
        _write_file(df, Path(name), kind)
        return Exported(name, len(df), 1, 0)
    selector = Selector.of(client_id, topic)
    span = times.resolve(start, end, last, tz=times.zone(tz), now=portal.now())
    span = Range(times.day_of(span.start).start, times.day_of(span.end - 1).end)
    if not offline:
        sync(client_id, topic, **{**asked, "start": times.iso(span.start), "end": times.iso(span.end), "last": None},
             portal=portal)  # fmt: skip
    folder = _Folder(name, {"account": portal.account_id, "selector": str(selector), "delta": delta, "days": {}})
    put = _delta_writer(name, storage_options) if delta else folder.put
    return _export_days(Store(portal.folder), selector, span, folder, put)


def _kind(path: Path) -> str | None:
    """Tell the kind of a file by its extension; None is a folder."""
    extension = path.suffix.lower()
    if not extension or path.is_dir():
        return None
    if extension not in FILES or (extension == ".gz" and Path(path.stem).suffix.lower() != ".csv"):
        raise UsageError(
            f"to={str(path)!r}: {extension} is no kind of file that can be written; give one of "
            f"{', '.join('.csv.gz' if one == '.gz' else one for one in FILES)}, or a name without an extension for a "
            "folder"
        )
    return FILES[extension]


def _export_days(
    store: Store, selector: Selector, span: Range, folder: _Folder, put: Callable[[str, pa.Table], str | None]
) -> Exported:
    rows = written = kept = 0
    with folder.noting() as days:
        files = folder.files()
        for day in span.days():
            date = times.iso(day.start)[:10]
            mark = store.mark(selector, day)
            if mark is None and not store.spans(selector, day)[0]:
                continue  # never fetched: it is no day without messages, and what was exported of it before stays
            # Of two exports at once, either may have written the day last, or the notes: the file tells which.
            if days.get(date, [None, None]) == [mark, files.get(date)]:
                days.setdefault(date, [None, None])  # a day without a message is noted, too
                kept += mark is not None
                continue
            table = store.read(selector, day)
            days[date] = [mark, put(date, table)]
            rows, written = rows + len(table), written + 1
    return Exported(folder.name, rows, written, kept)


class _Folder:
    """A folder of days, and its notes; `new` are those of an empty one."""

    def __init__(self, name: str, new: Notes) -> None:
        self.name = name
        self._new = new
        try:
            self._files, self._path = file_system(name)
            self._files.create_dir(self._path, recursive=True)
        except (OSError, pa.ArrowException) as exc:
            raise StoreError(
                f"{name} cannot be written ({exc}); see whether it is there, and who may write to it"
            ) from exc

    def files(self) -> dict[str, str]:
        """Tell which file each day has."""
        if self._new["delta"]:
            return {}
        try:
            found = self._files.get_file_info(fs.FileSelector(self._path, recursive=True))
        except (OSError, pa.ArrowException) as exc:
            raise StoreError(f"{self.name} cannot be read ({exc}); see who may read it") from exc
        days = {posixpath.split(one.path)[0]: _which(one) for one in found if one.base_name == _DAY}
        return {posixpath.basename(folder).removeprefix("date="): which for folder, which in days.items()}

    def put(self, date: str, table: pa.Table) -> str:
        """Put a day in the place of what was there of it, and tell which file it is.

        Whoever reads finds the one or the other.
        """
        path = f"{self._path}/date={date}"
        self._files.create_dir(path, recursive=True)
        return self._whole(
            f"{path}/{_DAY}", lambda to: pq.write_table(table, to, filesystem=self._files, compression="zstd")
        )

    def _whole(self, path: str, write: Callable[[str], None]) -> str:
        """Write a file in the place of what was there, whole or not at all."""
        if not isinstance(self._files, fs.LocalFileSystem):  # a store of objects writes each whole by itself
            write(path)
            return _which(self._files.get_file_info(path))
        aside = posixpath.join(posixpath.dirname(path), aside_of(posixpath.basename(path)))
        try:
            write(aside)
            written = _which(self._files.get_file_info(aside))
            self._files.move(aside, path)
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                self._files.delete_file(aside)
            raise
        return written

    def _note(self, path: str, words: bytes) -> None:
        with self._files.open_output_stream(path) as file:
            file.write(words)

    @contextlib.contextmanager
    def noting(self) -> Iterator[dict[str, list[str | None]]]:
        """Give what is noted of each day, its state in the store and its file, to be changed.

        The notes are written at the end, also after a failure.
        """
        known = notes(self.name) or self._new
        if {**known, "days": {}} != self._new:
            raise UsageError(
                f"{self.name} holds an export of {known['selector']} of account {known['account']}"
                f"{' as a Delta table' if known['delta'] else ''}; give the same selection again, or another folder"
            )
        try:
            try:
                yield known["days"]
            finally:
                words = json.dumps(known, indent=1).encode()
                self._whole(posixpath.join(self._path, NOTES), lambda to: self._note(to, words))
        except (OSError, pa.ArrowException) as exc:
            raise StoreError(
                f"{self.name} cannot be written ({exc}); see who may write to it, and whether there is room. "
                "The days that were finished are there, and are not written again"
            ) from exc


def notes(folder: str) -> Notes | None:
    """Give what an exported folder says of itself; None where it says nothing, and so is none.

    Raises
    ------
    UsageError
        It is no folder that can be read.
    StoreError
        What it says cannot be read.
    """
    try:
        files, path = file_system(folder)
        path = posixpath.join(path, NOTES)
        if files.get_file_info(path).type == fs.FileType.NotFound:
            return None
        with files.open_input_stream(path) as file:
            return msgspec.json.decode(file.read(), type=Notes)
    except (OSError, msgspec.DecodeError, pa.ArrowException) as exc:
        raise StoreError(
            f"the notes of an export, {folder}/{NOTES}, cannot be read ({exc}); see who may read them. If they are "
            "damaged, delete them: then each day is written again"
        ) from exc


def file_system(name: str) -> tuple[fs.FileSystem, str]:
    """Give the file system of a folder, and its path there; Arrow's own, else one of fsspec."""
    if "://" not in name:
        return fs.LocalFileSystem(), str(Path(name).expanduser().absolute())
    try:
        files, path = fs.FileSystem.from_uri(name)
    except (pa.ArrowInvalid, NotImplementedError) as exc:
        try:
            fsspec: Any = importlib.import_module("fsspec")

            other, path = fsspec.core.url_to_fs(name)
        except (ImportError, ValueError) as why:
            raise UsageError(f"{name} is no folder that Arrow ({exc}) or fsspec ({why}) can read and write") from why
        files = fs.PyFileSystem(fs.FSSpecHandler(other))
    return files, path.rstrip("/")


def _which(file: fs.FileInfo) -> str:
    """Give what tells a file from another one in its place.

    The time is cut to the second, as a listing of a folder may give it finer than a question about the file alone.
    """
    return f"{file.size} bytes, {(file.mtime_ns or 0) // times.SECOND}"


def _delta_writer(name: str, options: Mapping[str, str] | None) -> Callable[[str, pa.Table], None]:
    try:
        import deltalake
    except ImportError as exc:
        raise MissingExtraError(
            'a Delta table needs deltalake, which is not installed; run: pip install "isr-analysis[delta]"'
        ) from exc
    # Delta knows microseconds alone. One writer, each day in one commit; what is there of other days is not touched.
    schema = messages.SCHEMA.set(0, pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False))

    def put(date: str, table: pa.Table) -> None:
        made = table.cast(schema, safe=False)
        made = made.append_column(pa.field("date", pa.string()), pa.array([date] * len(made), pa.string()))
        try:
            deltalake.write_deltalake(
                name, made, mode="overwrite", predicate=f"date = '{date}'", partition_by=["date"],
                storage_options=dict(options) if options else None,
            )  # fmt: skip
        except (deltalake.exceptions.DeltaError, OSError) as exc:
            raise StoreError(
                f"the Delta table {name} cannot be written ({exc}); see whether it is one, and who may write to it"
            ) from exc

    return put


def _write_file(df: pd.DataFrame, path: Path, kind: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            if kind == "csv":
                packed = {"method": "gzip", "mtime": 0} if path.suffix.lower() == ".gz" else None
                frame.as_text(df).to_csv(aside, compression=packed, errors="backslashreplace")
            elif kind == "parquet":
                pq.write_table(frame.as_table(df), aside, compression="zstd")
            else:
                table = frame.as_table(df)
                with pa.OSFile(str(aside), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
    except OSError as exc:
        raise StoreError(f"{path} cannot be written ({exc.strerror or exc}); what was there is untouched") from exc
