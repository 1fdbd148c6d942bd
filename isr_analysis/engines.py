"""History in other engines: Arrow datasets, DuckDB, Polars, Dask. They read the store's own files."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import importlib
import warnings
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset as ds

from isr_analysis import frame, messages, payloads, times
from isr_analysis.errors import HistoryIncompleteError, MissingExtraError, UsageError
from isr_analysis.exported import Notes, file_system, notes
from isr_analysis.holdings import sync
from isr_analysis.messages import Clients, Selector
from isr_analysis.offline import keeping, lacking
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Report
from isr_analysis.store.store import Store
from isr_analysis.times import Range

Engine = Literal["arrow", "duckdb", "polars", "dask"]

_ENGINES = get_args(Engine)


def open_history(
    client_id: Clients | None = None,
    topic: str = "#",
    *,
    engine: Engine = "arrow",
    decoded: bool = False,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    last: str | dt.timedelta | None = None,
    tz: str | dt.tzinfo = "UTC",
    offline: bool = False,
    wait: bool = False,
    progress: bool | Report | None = None,
    portal: Portal | None = None,
) -> Any:
    """Open history lazily in another engine, which reads the stored files in place.

    Parameters
    ----------
    client_id, topic, start, end, last, tz, wait, progress, portal
        See `load_history`. What is not on disk yet is fetched first.
    engine : {"arrow", "duckdb", "polars", "dask"}
        All but the first need the extra of the same name.
    decoded : bool
        Return the payloads' fields as columns, as `load_history` does, instead of the messages as published. Dask
        decodes in its workers, which must be able to read the store's folder; the other engines get a table that is
        decoded immediately.
    offline : bool
        Never request history from the portal: open what is on disk, with a warning about what is missing.

    Returns
    -------
    pyarrow.dataset.Dataset, duckdb.DuckDBPyRelation, polars.LazyFrame or dask.dataframe.DataFrame
        Depends on `engine`. Messages have the columns ``time`` (ns, UTC), ``client_id``, ``topic``, ``payload`` (bytes,
        as published; in DuckDB, ``decode(payload)`` gives the text), ``seq``, ``source`` and ``extra``. Decoded, the
        columns are ``time`` in `tz`, ``client_id``, ``topic`` and the fields; a field of mixed kinds is JSON text.

        DuckDB computes in `tz`, whatever the machine's zone: use ``date_trunc('day', time::timestamptz)`` for days.
        Its ``df()`` may drop the zone, in which case the times are UTC. In Dask, the index is ``time``, with one
        partition per UTC day, and a field has the same dtype on all days: integers mixed with reals are ``float64``,
        and for other mixed kinds every value on every day is JSON. There is no ``extra``: every field is a column.

        Files that a later download replaces are kept for one hour: after that, open the history again.

    Raises
    ------
    UsageError
        The engine is unknown.
    MissingExtraError
        The engine is not installed.
    IsrError
        See `load_history`.

    Warns
    -----
    UserWarning
        With `offline`: part of the range is not on disk.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     data = isr.open_history(topic="telemetry/#", last="2h", portal=portal)
    ...     data.count_rows() > 0
    True
    """
    if engine not in _ENGINES:
        raise UsageError(f"engine={engine!r} is not known; there are {', '.join(_ENGINES)}")
    if engine != "arrow":
        _imported("dask.dataframe" if engine == "dask" else engine)
    messages.check_flags(decoded=decoded, offline=offline, wait=wait)
    portal, selector, span = connection.asked(client_id, topic, start, end, last, tz, portal)
    zone = times.zone(tz)
    offline = offline or portal.profile.is_offline
    check = keeping(portal, selector, span, offline=offline)
    if offline:
        if words := lacking(portal, selector, span):
            warnings.warn(words, stacklevel=2)
    else:
        sync(client_id, topic, start=times.iso(span.start), end=times.iso(span.end), wait=wait, progress=progress,
             portal=portal)  # fmt: skip
    if engine == "dask":
        return _dask(functools.partial(_of_store, portal.folder, selector, check), span, zone, decoded=decoded)
    store = Store(portal.folder)
    if decoded:
        data = ds.dataset(frame.as_arrow(frame.from_decoded(store.decoded(selector, span), tz=zone)))
    else:
        data = _messages(store, selector, span)
    check(span)
    return _in_engine(engine, data, zone)


def open_exported(
    folder: str | Path,
    topic: str = "#",
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    tz: str | dt.tzinfo = "UTC",
) -> Any:
    """Open a folder written by `export_history` as a Dask DataFrame, decoded in the workers.

    Parameters
    ----------
    folder : str or Path
        The folder or URL of a Parquet export (not a Delta table). The workers must be able to read it.
    topic, start, end, tz
        See `load_history`. By default, from the first exported day to the last. Each UTC day that the range touches
        must have been exported.

    Returns
    -------
    dask.dataframe.DataFrame
        Same as from ``open_history(engine="dask", decoded=True)``.

    Raises
    ------
    UsageError
        The folder is not such an export or contains other topics, or the range is empty.
    HistoryIncompleteError
        A day of the range was never exported.
    StoreError
        The folder cannot be read.
    MissingExtraError
        Dask is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> today = pd.Timestamp.now("UTC").normalize()
    >>> day = {"start": today - pd.Timedelta("1D"), "end": today}
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     done = isr.export_history("exported", topic="telemetry/#", **day, portal=portal)
    >>> lazy = isr.open_exported("exported", "telemetry/#")
    >>> len(lazy) == done.rows
    True
    """
    _imported("dask.dataframe")
    zone = times.zone(tz)
    known = _noted(str(folder), topic)
    days = [pd.Timestamp(day, tz="UTC") for day in sorted(known["days"])]
    if not days and (start is None or end is None):
        raise HistoryIncompleteError(f"{folder} has no day yet; finish its export first, with export_history")
    start, end = days[0] if start is None else start, days[-1] + pd.Timedelta("1D") if end is None else end
    span = times.resolve(start, end, None, tz=zone, now=2**63 - 1)  # both ends are known, and no clock counts
    _check_exported(str(folder), known["days"], span)
    read = functools.partial(_of_export, str(folder), Selector.of(None, topic))
    return _dask(read, span, zone, decoded=True)


def _noted(folder: str, topic: str) -> Notes:
    """Give what a folder says of itself; it must be able to have messages of a topic."""
    known = notes(folder)
    if known is None:
        raise UsageError(f"{folder} is no export; give the folder that export_history wrote, or the URL")
    if known["delta"]:
        raise UsageError(f"{folder} is a Delta table; open it with deltalake, or export without delta=True")
    if not messages.overlap(topic, known["selector"].rpartition(" · ")[2]):
        raise UsageError(f"{folder} has nothing of topic={topic!r}: it is an export of {known['selector']}")
    return known


def _check_exported(folder: str, days: Collection[str], span: Range) -> None:
    """Make sure that a folder has the days of a range."""
    dates = [times.iso(day.start)[:10] for day in span.days()]
    lacking = [date for date in dates if date not in days]
    if lacking:
        more = f", nor of {len(lacking) - 1} more of the {len(dates)} days that are asked for" if lacking[1:] else ""
        raise HistoryIncompleteError(
            f"{folder} has no export of {lacking[0]}{more}; it has {min(days, default='none')} to "
            f"{max(days, default='none')}. Export the range first, with export_history"
        )


def _messages(store: Store, selector: Selector, span: Range) -> ds.Dataset:
    """Give the store's files as a dataset of just what is meant."""
    found = store.files(selector, span)
    wanted = _lies_in(span)
    if selector.clients is not None:
        wanted &= pc.field("client_id").isin(list(selector.clients))
    if selector.topic != "#":
        topics = {topic for _, part in found for topic in part.topics}
        covered = [one for one in topics if messages.covers(selector.topic, one)]
        wanted &= pc.field("topic").isin(pa.array(covered, pa.string()))  # of none, too
    return ds.dataset([str(path) for path, _ in found], schema=messages.SCHEMA, format="parquet").filter(wanted)


def _lies_in(span: Range) -> pc.Expression:
    kind = messages.SCHEMA.field("time").type
    return (pc.field("time") >= pa.scalar(span.start, kind)) & (pc.field("time") < pa.scalar(span.end, kind))


def _in_engine(engine: Engine, data: ds.Dataset, zone: dt.tzinfo) -> Any:
    if engine == "duckdb":
        duckdb = _imported("duckdb")
        session = duckdb.connect()
        for name in ("UTC", str(zone)):  # else it reads and shows instants in the machine's own zone
            with contextlib.suppress(duckdb.Error):  # a tzinfo whose name it does not know
                session.execute("SET TimeZone = ?", [name])
        return session.from_arrow(data)
    if engine == "polars":
        return _imported("polars").scan_pyarrow_dataset(data)
    return data


def _imported(engine: str) -> Any:
    try:
        return importlib.import_module(engine)
    except ImportError as exc:
        name = engine.partition(".")[0]
        raise MissingExtraError.of(f'engine="{name}"', exc.name or engine, name) from exc


def _of_store(
    folder: Path, selector: Selector, check: Callable[[Range], None], day: Range, *, decoded: bool
) -> pa.Table:
    store = Store(folder)
    table = store.decoded(selector, day) if decoded else store.read(selector, day)
    check(day)
    return table


def _of_export(folder: str, selector: Selector, day: Range, *, decoded: bool) -> pa.Table:
    files, path = file_system(folder)
    file = f"{path}/date={times.iso(day.start)[:10]}/messages.parquet"
    if files.get_file_info(file).type == pa.fs.FileType.NotFound:
        table = messages.empty()
    else:
        table = ds.dataset(file, schema=messages.SCHEMA, filesystem=files).to_table(filter=_lies_in(day))
    table = selector.select(table)
    return payloads.decode(table) if decoded else table


_JSON = "json"
_DTYPES = {"int": "Int64", "real": "float64", "bool": "boolean", "text": "str", "other": _JSON, "bytes": _JSON}


def _dask(read: Callable[..., pa.Table], span: Range, zone: dt.tzinfo, *, decoded: bool) -> Any:
    dask, dataframe = _imported("dask"), _imported("dask.dataframe")
    days = [functools.partial(read, day) for day in span.days()]
    if not decoded:
        meta, make = _messages_frame(lambda **_: messages.empty()), _messages_frame
    else:
        # Which fields there are, and of which kinds, is known once a worker has decoded a day, which its memo keeps.
        kinds = dask.compute(*(dask.delayed(_kinds)(day) for day in days))
        dtypes = _dtypes(kinds)
        make = functools.partial(_decoded_frame, dtypes=dtypes, zone=zone)
        meta = make(lambda **_: payloads.decode(messages.empty()))
    edges = [pd.Timestamp(day.start, tz="UTC").tz_convert(zone if decoded else "UTC") for day in span.days()]
    last = pd.Timestamp(span.end - 1, tz="UTC").tz_convert(zone if decoded else "UTC")
    return dataframe.from_map(make, days, meta=meta, divisions=[*edges, last])


def _kinds(read: Callable[..., pa.Table]) -> dict[str, set[str]]:
    """Give the fields of a day, each with the kinds that it has; nulls are of none."""
    table = read(decoded=True)
    columns, _, _ = payloads.resolve(table, payloads.resolve(table)[2])
    return {
        column.name: {"other"} if column.dtype == "object" and kinds else kinds
        for column in columns
        for kinds in [column.kinds.keys() - {"null"}]
    }


def _dtypes(days: Iterable[dict[str, set[str]]]) -> dict[str, str]:
    """Give the one dtype that a field has over all days; of mixed kinds it is `_JSON`."""
    whole: dict[str, set[str]] = {}
    for day in days:
        for name, kinds in day.items():
            whole.setdefault(name, set()).update(kinds)
    return {
        name: _DTYPES[next(iter(kinds), "text")]
        if len(kinds) <= 1
        else "float64"
        if kinds == {"int", "real"}
        else _JSON
        for name, kinds in sorted(whole.items())
    }


def _messages_frame(read: Callable[..., pa.Table]) -> pd.DataFrame:
    table = read(decoded=False)
    kinds = {kind: pd.ArrowDtype(kind) for kind in (pa.binary(), pa.large_binary())}  # Dask makes text of objects
    df: pd.DataFrame = table.drop_columns(["time"]).to_pandas(types_mapper=kinds.get)
    df.index = pd.DatetimeIndex(table["time"].to_numpy(), tz="UTC", name="time")
    return df


def _decoded_frame(read: Callable[..., pa.Table], *, dtypes: dict[str, str], zone: dt.tzinfo) -> pd.DataFrame:
    """Decode a day into columns that are the same for every day."""
    table = read(decoded=True)
    there = set(payloads.resolve(table)[2])
    df: Any = frame.from_decoded(table, tz=zone, fields=[name for name in dtypes if name in there])
    columns: dict[str, Any] = {name: df[name].astype("str") for name in ("client_id", "topic")}
    for name, dtype in dtypes.items():
        values: Any = [None] * len(df)
        if name in there:
            values = frame.as_json(df[name]) if dtype == _JSON else df[name].array  # to_numpy would make text objects
        columns[name] = pd.array(values, dtype="str" if dtype == _JSON else dtype)
    return pd.DataFrame(columns, index=df.index)
