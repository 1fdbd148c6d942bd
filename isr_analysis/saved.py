"""An answer of the portal that someone saved, with curl or from a browser: the same frame as from the portal."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import answers, frame, messages, times
from isr_analysis.answers.instants import EARLY
from isr_analysis.contract.contract import Contract
from isr_analysis.contract.file import overridden
from isr_analysis.errors import AnswerError, UsageError, WrongAccountError
from isr_analysis.files import path_of
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal import paging
from isr_analysis.settings import check_texts
from isr_analysis.store.hints import near_misses

_TABLES = {b"PAR1": ("a Parquet", "read_parquet"), b"ARROW1": ("an Arrow", "read_feather")}
"""How files begin that hold a table: an answer of the portal, or anything else."""

_NOTHING = pa.array([b"", b'""', b"null"])

_SEQ = messages.SCHEMA.get_field_index("seq")


def read_history(
    source: str | Path | bytes | Sequence[str | Path | bytes],
    *,
    client_id: Clients | None = None,
    topic: str = "#",
    tz: str | dt.tzinfo = "UTC",
    fields: str | list[str] | None = None,
    account_id: str | None = None,
    contract: str | Path | None = None,
) -> pd.DataFrame:
    """Read saved `/history` answers as a DataFrame, without asking the portal or storing anything.

    Parameters
    ----------
    source : str, Path, bytes, or a list of them
        A file, or the answer itself as bytes; for several pages of one answer, a list in order. JSON, JSON lines, CSV,
        InfluxDB's CSV, Parquet or Arrow; compressed or not, or in a zip or tar file.
    client_id : str or list-like of str, optional
        The clients that were requested; messages of others are left out. If there is only one, the answer need not
        name it.
    topic : str
        The topic, or MQTT filter on the subpath, that was requested; messages that do not match it are left out.
    tz : str or tzinfo
        The time zone of the index.
    fields : str or list of str, optional
        The payload fields to return as columns; by default, all. A field that no message has gives a column of missing
        values, and a warning.
    account_id : str, optional
        The account; required if the answers name more than one.
    contract : str or Path, optional
        A TOML file that names the answer's fields if they are not recognised; see `isr doctor`.

    Returns
    -------
    pandas.DataFrame
        The same format as from `load_history`. ``attrs`` has the source, the account if the answers name it, and the
        number of rows.

    Raises
    ------
    UsageError
        The file does not exist, or an argument cannot be used.
    AnswerError
        The contents were not understood.
    WrongAccountError
        The data belongs to several accounts, or to a different one than `account_id`.

    Warns
    -----
    UserWarning
        A requested client or topic is not in it. `fields` leaves out what tells channels apart, such as ``chan``. The
        last answer says that more pages follow, or a page in between is missing. Most rows have other columns but no
        payload, as in a frame saved as CSV or Parquet. Or everything lies in the first days of 1970, because the
        numbers are not instants.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> body = b'[{"time": "2026-11-01T06:30:00Z", "client_id": "a", "topic": "state/relay", "payload": {"on": true}}]'
    >>> isr.read_history(body)["on"].tolist()
    [True]
    """
    check_texts(account_id=account_id)
    selector = Selector.of(client_id, topic)
    known = Contract() if contract is None else overridden(Contract(), path_of(contract, "contract"))
    sources = _sources(source)
    table, accounts, more = _read(sources, selector, known, account_id)
    for words in _doubts(table, more=more):
        warnings.warn(words, stacklevel=2)
    attrs = {
        "source": "file",
        "files": [str(one) for one in sources if not isinstance(one, bytes)],
        "account": next(iter(accounts), account_id or ""),
        "clients": list(selector.clients or ()),
        "topic": selector.topic,
        "more_follows": more,
        "rows": len(table),
    }
    return frame.to_frame(table, tz=times.zone(tz), fields=fields, attrs=attrs)


def _sources(source: Any) -> list[str | Path | bytes]:
    """Give the files, or answers, that are to be read."""
    # A file gives its lines, and a dict or a frame its names.
    if hasattr(source, "read") or isinstance(source, Mapping | pd.DataFrame):
        raise UsageError(
            f"source={type(source).__name__} is neither a path nor bytes; give the file's path, or the bytes of the "
            "answer, such as file.read() or response.content"
        )
    alone = isinstance(source, bytes | bytearray | memoryview | str) or not isinstance(source, Iterable)
    given = [source] if alone else source
    sources = [bytes(one) if isinstance(one, bytearray | memoryview) else one for one in given]
    if not sources:
        raise UsageError("source=[] names no file; give a path, the answer as bytes, or a list of them")
    return sources


def _doubts(table: pa.Table, *, more: bool) -> Iterator[str]:
    """Say what is odd about what was read: it is not all, no answer of the portal, or has no instants."""
    if more:
        yield (
            "the saved answer says that there is more after it: this is one page of several. Save the others too, or "
            "ask for a larger page; several are given as a list, in their order"
        )
    bare = pc.and_(pc.is_in(table["payload"], _NOTHING), pc.is_valid(table["extra"]))
    if 2 * (left := pc.sum(bare).as_py() or 0) > len(table):
        yield (
            f"{left:,} of {len(table):,} rows have no payload but other columns, which are left out: a table that "
            "`isr export`, df.to_csv or df.to_parquet wrote is no answer of the portal; pandas.read_csv or "
            "read_parquet reads it"
        )
    latest = pc.max(table["time"].cast("int64")).as_py()
    if latest is not None and 0 < latest < EARLY * times.SECOND:
        yield (
            f"the latest message is of {times.iso(latest)}: numbers that are no instants, as the days of a "
            "spreadsheet, were taken for seconds since 1970; write them as dates, such as 2026-11-01T06:30:00Z"
        )


def _read(
    sources: Sequence[str | Path | bytes], selector: Selector, known: Contract, account_id: str | None
) -> tuple[pa.Table, set[str], bool]:
    """Read pages in their order: the messages that are meant, the accounts they name, whether more pages follow."""
    only = selector.clients[0] if selector.clients is not None and len(selector.clients) == 1 else None
    pages: list[pa.Table] = []
    accounts: set[str] = set()
    fragments, more, rows = False, False, 0
    former: answers.Page | None = None
    read = _pages(sources, known.history.fields, account_id=account_id, client_id=only, topic=selector.topic)
    for nth, page in enumerate(read):
        if former and more and (words := _leap(former, page)):
            warnings.warn(
                f"the saved answers go {words}, and more follows the former: what lies between is missing; give the "
                "pages of one answer in their order, and all of them",
                stacklevel=3,
            )
        former = page
        accounts |= page.accounts
        if remark := page.paging.remark:
            warnings.warn(f"the saved answer says beside its messages: {remark!r}", stacklevel=3)
        fragments = fragments or page.fragments
        offset = -rows - page.rows if page.descending else rows
        pages.append(page.messages.set_column(_SEQ, messages.SCHEMA.field("seq"), pc.add(page.messages["seq"], offset)))
        rows += page.rows
        cut = page.paging.has_more is None and page.paging.total is not None and rows < page.paging.total
        more = cut or paging.says_more(page.paging, nth)
    _check_accounts(accounts, account_id)
    table = pa.concat_tables(pages)
    clients, topics = (pc.unique(table[name]).to_pylist() for name in ("client_id", "topic"))
    if words := near_misses(selector, clients, topics, at="in what was saved"):
        warnings.warn(words, stacklevel=3)
    return selector.select(answers.merge(table) if fragments else table), accounts, more


def _leap(former: answers.Page, page: answers.Page) -> str:
    """Say from where to where pages go by their numbers, if the latter does not follow the former; else ""."""
    for name, steps in (("page", {1}), ("offset", {former.rows, page.rows})):  # of its first row, or behind its last
        was, now = (getattr(one.paging, name) for one in (former, page))
        if was is not None and now is not None and now - was not in steps:
            return f"from {name} {was} to {name} {now}"
    return ""


def _pages(sources: Sequence[str | Path | bytes], fields: answers.Fields, **asked: Any) -> list[answers.Page]:
    """Read pages; what one of them alone does not show of its payloads is read as another shows."""
    read = [_page(one, fields=fields, **asked) for one in sources]
    form, name = answers.shown(read)
    if form is None:
        return read
    fields = replace(fields, payload_form=form, payload=fields.payload or name)
    pairs = zip(sources, read, strict=True)
    return [_page(one, fields=fields, **asked) if page.payload_unsure else page for one, page in pairs]


def _page(source: str | Path | bytes, *, fields: answers.Fields, **asked: Any) -> answers.Page:
    body = _bytes(source)
    try:
        return answers.read_page(body, fields=fields, **asked)
    except AnswerError as exc:
        if isinstance(source, bytes):
            raise
        for start, (kind, reader) in _TABLES.items():
            if body.startswith(start):
                raise UsageError(
                    f"{source} is {kind} file, and no saved answer of the portal; if it is another table, "
                    f"pandas.{reader} reads it ({exc})"
                ) from exc
        raise AnswerError(f"{source}: {exc}") from exc


def _bytes(source: str | Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    path = path_of(source, "source")
    try:
        body = path.read_bytes()
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc  # not its name, which may be a whole answer
        way = "give a path, or the answer itself as bytes"
        if isinstance(exc, IsADirectoryError):
            way = "isr.open_exported reads a folder that `isr export` wrote; or give a list of files"
        raise UsageError(f"source={str(source)[:80]!r} cannot be read: {why}; {way}") from exc
    return body


def _check_accounts(accounts: set[str], meant: str | None) -> None:
    others = sorted(one for one in accounts if meant is not None and one.lower() != meant.lower())
    if others or len({one.lower() for one in accounts}) > 1:
        raise WrongAccountError(
            f"the saved answer holds data of account {', '.join(others or sorted(accounts))}"
            + (f", not of {meant}" if others else "; name the one that is meant with account_id=")
        )
