"""Small answers, kept for a while: requests-cache in front of httpx.

requests-cache cannot drive httpx, so an adapter sends its requests through our own `Wire`. The token is added below
it and reaches no cache file. A stale answer is given only when the portal cannot be reached or fails with 5xx;
a refusal (4xx) is never hidden by an older answer.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import requests_cache
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache.backends.sqlite import SQLiteCache

from isr_analysis import database, times
from isr_analysis.contract.contract import Contract
from isr_analysis.errors import IsrError, PortalUnavailableError, StoreError, UsageError
from isr_analysis.portal import discovery
from isr_analysis.portal.wire import Answer, Wire

logger = logging.getLogger(__name__)

_AGAIN = 120.0  # s until a document that failed is read again

_ADDRESS = "x-isr-address"
"""Where an answer came from after redirects, for what it links to; it is kept under the address that was asked."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, perhaps from the cache.

    Parameters
    ----------
    answer : Answer
        The answer itself.
    fetched_at : datetime.datetime
        When the portal gave it (UTC).
    stale : bool
        True if it is older than asked for, because the portal could not be reached.
    """

    answer: Answer
    fetched_at: dt.datetime
    stale: bool


class Responses:
    """The small answers of one account.

    They are in the account's own folder: no other account's answer can be found in it.

    Parameters
    ----------
    wire : Wire
        What asks the portal.
    folder : Path
        Where they are kept.
    contract : callable
        Gives what the portal's document says, which is read when it is called.
    known_contract : callable
        Gives it if it was read already; it may have been before the account was known, and so not be on disk.

    Attributes
    ----------
    ways : dict of str to (int, tuple of (str, str))
        For a list that looked cut, by its path, how many rows it had in all, and the parameters by which more of it
        was found, or may be, each behind what it is for.
    doubtful : dict of str to int
        The number of rows, by path, of the lists that may be cut all the same.
    remarks : dict of str to str
        The portal's words, by path, by which some of a list may be missing.
    """

    def __init__(
        self, wire: Wire, folder: Path, contract: Callable[[], Contract], known_contract: Callable[[], Contract | None]
    ) -> None:
        self._wire = wire
        self._contract = contract
        self._known_contract = known_contract
        self._reads_from = 0.0  # when, by the monotonic clock, the document is read again, as it failed
        self._origin = wire.origin
        self._path = folder / "responses.sqlite"
        self._closing = False
        self.ways: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {}
        self.doubtful: dict[str, int] = {}
        self.remarks: dict[str, str] = {}
        self._open()

    def _open(self) -> None:
        """Open the cache's file, in a process that was forked anew: SQLite's connections are not to be shared."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        path = self._path
        logged = database.prepare(path)  # by many processes at once, which requests-cache's own way does not bear
        try:
            self._cache = _Cache(path, serializer="json", wal=logged, busy_timeout=round(1000 * database.BUSY_SECONDS))
            self._session = requests_cache.CachedSession(backend=self._cache)
        except Exception as exc:
            raise StoreError(f"{path} cannot be used: {exc}; set ISR_HOME to a folder that can be written") from exc
        self._session.trust_env = False
        self._session.mount(self._origin, _Adapter(self._wire))

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        max_age: float,
        since: dt.datetime | None = None,
        away: bool = False,
        any_form: bool = False,
    ) -> Kept:
        """Give an answer that is at most `max_age` seconds old; if the portal is known to be `away`, a kept one.

        With `since` it is one of then or later, as a page of a list goes with a first page of then. With `any_form`
        what is no JSON is kept as well, for when the portal is away, as the portal's document may be in it.

        Raises
        ------
        PortalUnavailableError
            The portal cannot be reached, and no older answer is there.
        IsrError
            Whatever else the portal's status means; an older answer does not hide it.
        """
        url = self._origin + path
        with self._in_use():
            old = self._cache.get_response(
                self._cache.create_key(requests.Request("GET", url, params=params).prepare())
            )
            if not away and old is not None and _is_fresh(old, max_age, since):
                return _kept(old, stale=False)
            error = PortalUnavailableError(
                f"{self._origin} cannot be reached or fails, and the rest of {path} is not on disk; try again later"
            )
            if not away:
                self._cache.any_form = any_form
                try:
                    # Kept until it is forgotten, so that it is there when the portal is not; its age is judged here.
                    return _kept(self._session.get(url, params=params, force_refresh=True), stale=False)
                except PortalUnavailableError as exc:
                    error = exc
            if old is None:
                raise error
            if not away:
                logger.warning("%s cannot be reached or fails: its answer of %s is given", self._origin, old.created_at)
            return _kept(old, stale=True)

    def documented(self, *, away: bool) -> Contract:
        """Give what the portal's document says; if the portal is known to be `away`, as it is on disk.

        Where it cannot be had, that is what is built in, and it is asked for again after a while.
        """
        if away:
            known = self._known_contract()
            on_disk = functools.partial(self.get, max_age=0.0, away=True)
            return known if known and known.lists else discovery.find(lambda path: on_disk(path).answer, offline=True)
        if time.monotonic() >= self._reads_from:
            try:
                return self._contract()
            except IsrError:
                self._reads_from = time.monotonic() + _AGAIN
        return Contract()

    def forget(self, path: str, *, before: dt.datetime | None = None) -> None:
        """Forget the answers of a path, all its pages, because a change has just made them untrue.

        Those `before` an instant alone, where the list was read anew since: its pages may be others now.

        Raises
        ------
        StoreError
            The disk is full, or the file damaged.
        """
        with self._in_use():
            try:
                own = [one for one in self._cache.filter() if urlsplit(one.url).path == path]
                if old := [one.cache_key for one in own if before is None or one.created_at < before]:
                    self._cache.delete(*old)
            except sqlite3.Error as exc:
                raise StoreError(f"{self._cache.cache_name} cannot be used: {exc}") from exc

    def close(self) -> None:
        """Close the cache's file, or leave that to the thread that is using it just now; nothing is waited for."""
        self._closing = True
        if self._lock.acquire(blocking=False):
            self._release()

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        if self._process != os.getpid():
            self._of_parent = self._session  # kept, as closing it here would take its file's locks away
            self._open()
        # SQLite's connection is shared by the threads: closed under one of them, it takes the process down.
        self._lock.acquire()
        try:
            if self._closing:
                raise UsageError("this connection was closed; connect again")
            yield
        finally:
            self._release()

    def _release(self) -> None:
        if self._closing:
            self._session.close()  # type: ignore[no-untyped-call]
        self._lock.release()
        if self._closing and self._lock.acquire(blocking=False):  # it was asked for between the two lines above
            self._session.close()  # type: ignore[no-untyped-call]
            self._lock.release()


class _Cache(SQLiteCache):
    """A file of answers; where it cannot be used, as on a full disk, it has none and takes none.

    Nor does it take what is no data, unless it is to take `any_form`: what it has stays.
    """

    any_form = False

    def get_response(self, key: str, default: Any = None) -> Any:
        with self._unless_it_fails():
            return super().get_response(key, default)
        return default

    def save_response(self, response: Any, *given: Any, **named: Any) -> None:
        if self.any_form or _is_data(response):
            with self._unless_it_fails():
                super().save_response(response, *given, **named)

    @contextlib.contextmanager
    def _unless_it_fails(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            logger.warning("%s cannot be used: %s; what the portal answers is not kept", self.cache_name, exc)


class _Adapter(BaseAdapter):
    """Sends what requests prepared through httpx; raises our own errors, which requests lets through."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self._builder = HTTPAdapter()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = self._wire.get(str(request.url))
        # httpx has decoded the body already.
        headers = {k: v for k, v in answer.headers.items() if k not in ("content-encoding", "content-length")}
        headers[_ADDRESS] = answer.url
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=headers,
            status=answer.status,
            preload_content=False,
            request_method="GET",
        )
        return self._builder.build_response(request, raw)

    def close(self) -> None:
        self._builder.close()


def _is_fresh(old: Any, max_age: float, since: dt.datetime | None) -> bool:
    """Tell whether a kept answer is of `since` or later, or else at most `max_age` seconds old."""
    now, at = _now(), old.created_at
    # One of the future was kept while the clock was ahead.
    is_young = abs((now - at).total_seconds()) < max_age if since is None else since <= at <= now
    return is_young and _is_data(old)


def _is_data(response: Any) -> bool:
    """Tell whether an answer is data: a page of HTML with status 200 is not."""
    try:
        json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return True


def _kept(response: Any, *, stale: bool) -> Kept:
    headers = {name.lower(): value for name, value in response.headers.items()}
    url = headers.pop(_ADDRESS, str(response.url))
    came = round(response.created_at.timestamp() * times.SECOND)
    return Kept(Answer(response.content, headers, url, response.status_code, came), response.created_at, stale)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
