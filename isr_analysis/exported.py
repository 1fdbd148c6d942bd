"""Where exports go: a folder of days with notes about its contents, on disk or an object store, or a Delta table."""

from __future__ import annotations

import contextlib
import importlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from isr_analysis import messages, times
from isr_analysis.errors import MissingExtraError, StoreError, UsageError
from isr_analysis.files import aside_of, remove_asides

NOTES = "_isr_export.json"
"""The file in an exported folder that says what is in it. Programs that read such folders pass over its name."""

_DAY = "messages.parquet"


class Notes(TypedDict):
    """What an exported folder says of itself: the selection, and of each day its mark and file."""

    account: str
    selector: str
    delta: bool
    days: dict[str, list[str | None]]


class Folder:
    """A folder of days, and its notes; `new` are those of an empty one. It is made when the first is written."""

    def __init__(self, name: str, new: Notes) -> None:
        self.name = name
        self._new = new
        self._files, self._path = file_system(name)
        self._known()

    def files(self) -> dict[str, str]:
        """Tell which file each day has."""
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
        self._files.create_dir(path)
        return self._whole(
            f"{path}/{_DAY}", lambda to: pq.write_table(table, to, filesystem=self._files, compression="zstd")
        )

    def _whole(self, path: str, write: Callable[[str], None]) -> str:
        """Write a file in the place of what was there, whole or not at all."""
        if not isinstance(self._files, fs.LocalFileSystem):  # a store of objects writes each whole by itself
            write(path)
            return _which(self._files.get_file_info(path))
        remove_asides(Path(path))
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

    def _note(self, known: Notes) -> None:
        words = json.dumps(known, indent=1).encode()

        def write(path: str) -> None:
            with self._files.open_output_stream(path) as file:
                file.write(words)

        self._whole(posixpath.join(self._path, NOTES), write)

    def _known(self) -> Notes:
        """Give what is noted.

        Raises
        ------
        UsageError
            It is of another selection.
        """
        known = notes(self.name) or self._new
        if {**known, "days": {}} != {**self._new, "days": {}}:
            raise UsageError(
                f"{self.name} holds an export of {known['selector']} of account {known['account']}"
                f"{' as a Delta table' if known['delta'] else ''}; give the same selection again, or another folder"
            )
        return known

    @contextlib.contextmanager
    def noting(self) -> Iterator[dict[str, list[str | None]]]:
        """Give what is noted of each day, its state in the store and its file, to be changed.

        The notes are written at the end, also after a failure; those of a new folder at once, so that one whose export
        was killed is never taken for that of another selection.
        """
        known = self._known()
        try:
            self._files.create_dir(self._path)
            if known is self._new:
                self._note(known)
            try:
                yield known["days"]
            finally:
                self._note(known)
        except (OSError, pa.ArrowException) as exc:
            raise StoreError(
                f"{self.name} cannot be written ({exc}); see who may write to it, and whether there is room. "
                "The days that were finished are there, and are not written again"
            ) from exc


class Delta:
    """A Delta table, by one writer: each day in one commit; what is there of other days is not touched."""

    # Delta knows microseconds alone.
    _SCHEMA = messages.SCHEMA.set(0, pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False))

    def __init__(self, name: str, options: Mapping[str, str] | None) -> None:
        try:
            self._delta: Any = importlib.import_module("deltalake")
        except ImportError as exc:
            raise MissingExtraError.of("a Delta table", "deltalake", "delta") from exc
        self._name = name
        self._options = dict(options) if options else None

    def files(self) -> dict[str, str]:
        """Tell which files each day has."""
        days: dict[str, list[str]] = {}
        with self._told():
            try:
                found = self._delta.DeltaTable(self._name, storage_options=self._options).file_uris()
            except self._delta.exceptions.TableNotFoundError:
                found = []
        for one in sorted(found):
            folder, file = posixpath.split(one)
            days.setdefault(posixpath.basename(folder).removeprefix("date="), []).append(file)
        return {date: ", ".join(names) for date, names in days.items()}

    def put(self, date: str, table: pa.Table) -> str | None:
        """Put a day in the place of what was there of it, and tell which files it has."""
        made = table.cast(self._SCHEMA, safe=False)
        made = made.append_column(pa.field("date", pa.string()), pa.array([date] * len(made), pa.string()))
        with self._told():
            self._delta.write_deltalake(
                self._name, made, mode="overwrite", predicate=f"date = '{date}'", partition_by=["date"],
                storage_options=self._options,
            )  # fmt: skip
        return self.files().get(date)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._delta.exceptions.DeltaError, OSError) as exc:
            raise StoreError(
                f"the Delta table {self._name} cannot be read or written ({exc}); see whether it is one, and who may "
                "write to it"
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
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise UsageError(
            f"{name!a} is not a folder name that Arrow can write, as it is not UTF-8; give another"
        ) from exc
    if "://" not in name:
        return fs.LocalFileSystem(), str(Path(name).expanduser().absolute())
    try:
        files, path = fs.FileSystem.from_uri(name)
    except (pa.ArrowInvalid, NotImplementedError) as exc:
        try:
            fsspec: Any = importlib.import_module("fsspec")

            other, path = fsspec.core.url_to_fs(name)
        except (ImportError, ValueError) as why:
            raise UsageError(f"{name} is not a folder that Arrow ({exc}) or fsspec ({why}) can read and write") from why
        files = fs.PyFileSystem(fs.FSSpecHandler(other))
    except OSError as exc:
        raise StoreError(
            f"{name} cannot be reached ({exc}); check its name, the network, and who may use it (the credentials that "
            "such a store takes from the environment)"
        ) from exc
    return files, path


def _which(file: fs.FileInfo) -> str:
    """Give what tells a file from another one in its place.

    The time is cut to the second, as a listing of a folder may give it finer than a question about the file alone.
    """
    return f"{file.size} bytes, {(file.mtime_ns or 0) // times.SECOND}"
