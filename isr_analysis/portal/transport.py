"""What each request goes through on its way: the token, the quota, and the bounds of an answer."""

from __future__ import annotations

import dataclasses
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx

from isr_analysis import answers, errors, times
from isr_analysis.portal import quota
from isr_analysis.portal.token import Token

PAUSE = "isr_pause"
"""The extension of a request that is spaced out as the quota's end comes near: a `Pause`."""

BOUNDED = "isr_bounded"
"""The extension of a request of which the answer is given up where it is longer than `AT_ONCE`."""

AT_ONCE = 16_000_000
"""Bytes that the answer to one range may have; else shorter ranges are asked for, as it might fill the memory."""

_PIECE = 1_000_000
"""Bytes that are unpacked at once."""

_ENDLESS = 30.0
"""Seconds after which a stream is taken for one without end."""

_LINES = re.compile(r"ndjson|jsonl|json-?lines|json-seq|stream\+json", re.IGNORECASE)
"""Media types of which each line comes when there is one."""

_FOR_ALL = ("host", "accept", "accept-encoding", "connection", "user-agent")

Pause = Callable[[float], None]
"""Waits for so many seconds; what it raises ends the waiting."""


class EnoughError(errors.IsrError):
    """As many requests were made as `Wire.allow` allows."""


class Auth(httpx.Auth):
    """Adds the token, and what else the portal wants, to a request, below every cache and log."""

    def __init__(self, token: Token, account_id: str | None, wanted: Callable[[], Mapping[str, str]]) -> None:
        self._token = token
        self._account_id = account_id
        self._wanted = wanted

    def auth_flow(self, request: httpx.Request) -> Any:
        """Put the headers on a request."""
        request.headers.update({name: value for name, value in self._wanted().items() if value})
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        if self._token.is_platform and self._account_id:
            request.headers["X-ISR-Account-Id"] = self._account_id
        yield request


class Counted(httpx.BaseTransport):
    """Counts what really goes out, keeps the token from every other host, and hears what is said of the quota."""

    def __init__(self, inner: httpx.BaseTransport, origin: str, tally: quota.Tally, now: Callable[[], int]) -> None:
        self._inner = inner
        self._origin = httpx.URL(origin)
        self.tally = tally
        self._now = now
        self.sent = 0
        self.most: int | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, if there is one left, and note what its answer says."""
        home = same_origin(request.url, self._origin)
        if not home:  # a redirect to elsewhere, such as a store of files
            for name in [one for one in request.headers if one not in _FOR_ALL]:
                del request.headers[name]
            return _unpacked(self._inner.handle_request(request))
        if self.most is not None and self.sent >= self.most:
            raise EnoughError(f"{request.url.path} was not asked for: the {self.most} requests allowed here were made")
        pause: Pause | None = request.extensions.get(PAUSE)
        while (taken := self.tally.take(self._now(), gently=pause is not None)).number is None:
            assert pause is not None
            pause(taken.pause)
        self.sent += 1
        response = _unpacked(self._inner.handle_request(request))
        if request.extensions.get(BOUNDED):
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _Bounded(response.stream, request.url.path)
        if _may_be_endless(request, response):
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _Ending(response.stream, request.url.path)
        try:
            self._hear(response, taken.number)
        except BaseException:  # Ctrl-C too: nobody else could give the connection back
            response.close()
            raise
        return response

    def _hear(self, response: httpx.Response, number: int) -> None:
        """Note what an answer says of the quota; raise if there is none of it left."""
        now = self._now()
        refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        body = response.read() if refused else b""
        word = quota.read_word(response.headers, response.status_code, now, body)
        self.tally.hear(word, now, number)
        if refused:
            state = self.tally.state(now)
            if word.resets_in is not None:  # another thread's answer may have been heard meanwhile: this one's counts
                until = now + round(word.resets_in * times.SECOND)
                state = dataclasses.replace(state, left=0, resets_at=until, told=True)
            raise quota.used_up(state, now, answers.error_words(body, response.headers.get("content-type")))

    def is_brief(self) -> bool:
        """Tell whether the portal gives more soon, or does again already."""
        now = self._now()
        state = self.tally.state(now)
        return state.left > 0 or state.is_brief(now)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _unpacked(response: httpx.Response) -> httpx.Response:
    """Have a body unpacked that is packed by gzip, to its end: httpx takes the first of several members for all.

    It does not notice either if the last one breaks off.
    """
    stated = response.headers.get("content-encoding", "").strip().lower()
    if stated in ("gzip", "x-gzip"):
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Gunzipped(response.stream)
        del response.headers["content-encoding"]
    return response


class _Gunzipped(httpx.SyncByteStream):
    """A body out of one member of gzip or several."""

    def __init__(self, inner: httpx.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        unpacker, begun = zlib.decompressobj(wbits=31), False
        for part in self._inner:
            rest = part
            while rest:
                if unpacker.eof:
                    if not (rest := rest.lstrip(b"\0")):  # what fills up a block
                        break
                    unpacker, begun = zlib.decompressobj(wbits=31), False
                begun = True
                try:
                    yield unpacker.decompress(rest, _PIECE)
                except zlib.error as exc:
                    raise httpx.DecodingError(str(exc)) from exc
                rest = unpacker.unconsumed_tail or unpacker.unused_data
        if begun and not unpacker.eof:
            raise httpx.RemoteProtocolError("the packed body breaks off")

    def close(self) -> None:
        self._inner.close()


class _Bounded(httpx.SyncByteStream):
    """A body that is given up where it is longer than `AT_ONCE`."""

    def __init__(self, inner: httpx.SyncByteStream, path: str) -> None:
        self._inner = inner
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        came = 0
        for part in self._inner:
            came += len(part)
            if came > AT_ONCE:
                self.close()
                raise errors.QuestionRefusedError(
                    f"the answer of {self._path} is longer than is read at once; ask for a shorter range",
                    status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    words="the range is too long for one answer",
                )
            yield part

    def close(self) -> None:
        self._inner.close()


def _may_be_endless(request: httpx.Request, response: httpx.Response) -> bool:
    """Tell whether an answer may be a stream of what is published from now on: events, or lines outside a download."""
    kind = response.headers.get("content-type", "")
    return "event-stream" in kind or (request.extensions.get(PAUSE) is None and _LINES.search(kind) is not None)


class _Ending(httpx.SyncByteStream):
    """A body that is given up where it goes on for longer than `_ENDLESS`."""

    def __init__(self, inner: httpx.SyncByteStream, path: str) -> None:
        self._inner = inner
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        until = time.monotonic() + _ENDLESS
        for part in self._inner:
            if time.monotonic() > until:
                self.close()
                raise errors.AnswerError(
                    f"the answer of {self._path} has not come to an end for {_ENDLESS:.0f} s: it seems to be a stream "
                    "of what is published from now on, where a list was expected. If the portal has another route for "
                    f"that, say so in {errors.CONTRACT_FILE}"
                )
            yield part

    def close(self) -> None:
        self._inner.close()


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Tell whether two addresses are of one origin; httpx leaves out the port that is the scheme's own."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
