"""HTTP with the portal: the token under everything, the quota, retries, and one map from failures to errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx_retries

from isr_analysis import answers, errors, times
from isr_analysis.contract import headers
from isr_analysis.contract.contract import API
from isr_analysis.portal import addons, quota
from isr_analysis.portal.network import WhenNeeded
from isr_analysis.portal.patience import ASKED_AGAIN, PASSING, RETRIES, TIMEOUT, Patience, Retry
from isr_analysis.portal.token import WHERE_TO_MAKE_ONE, Token
from isr_analysis.portal.transport import BOUNDED, PAUSE, Auth, Counted, Pause, same_origin

logger = logging.getLogger(__name__)

_UNASKED = ("br", "compress")

Waiting = bool | Pause
"""Whether to wait where the quota is used up, or also how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A portal's answer with a good status, body read whole.

    Parameters
    ----------
    body : bytes
        Decompressed where HTTP itself said that it was compressed.
    headers : mapping of str to str
        With lower-case names.
    url : str
        Where it came from. Holds no token: that goes in a header.
    status : int
        2xx.
    came_at : int or None
        When it came, ns.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str
    status: int = 200
    came_at: int | None = None

    @property
    def content_type(self) -> str | None:
        """What the portal says that the body is."""
        return self.headers.get("content-type")

    @property
    def answered_at(self) -> int | None:
        """When the portal gave it, ns; by the portal's clock, if it says so."""
        told = answers.instant_of(self.headers.get("date", ""))
        return self.came_at if told is None else told

    @property
    def is_whole(self) -> bool:
        """Whether HTTP says how long it is. In chunks it may have broken off unnoticed before a proxy on the way."""
        return "content-length" in self.headers


class Wire:
    """HTTP with one portal, under one token.

    Parameters
    ----------
    origin : str
        The only place that ever gets the token.
    token : Token
        Goes out in a header and nowhere else.
    account_id : str or None
        Sent as ``X-ISR-Account-Id`` beside a platform operator's token.
    tally : quota.Tally
        Each request is taken off it, each retry too.
    now : callable
        Gives the present instant, ns.
    sleep : callable
        Waits for so many seconds.
    transport : httpx.BaseTransport, optional
        In place of the network.
    wanted : callable
        Gives the headers that are sent to the portal as well; what has no value is not.

    Attributes
    ----------
    is_refused : bool
        Whether the portal refused the token when it was last asked.
    """

    def __init__(
        self,
        origin: str,
        token: Token,
        account_id: str | None,
        *,
        tally: quota.Tally,
        now: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
        wanted: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.origin = origin
        self._wanted = wanted
        self.is_refused = False
        self._off = 0  # how far the clock was ahead of the portal's at the last answer, ns
        self.now = now
        self.sleep = sleep
        self._counted = Counted(transport or Patience(WhenNeeded(origin)), origin, tally, now)
        retry = Retry(
            total=RETRIES,
            allowed_methods=["GET"],
            status_forcelist=ASKED_AGAIN,
            backoff_factor=0.3,
            max_backoff_wait=30.0,
            # An answer that breaks off in its body is asked for again, like one that never began.
            validate_response=_read_whole,
        )
        self._client = httpx.Client(
            base_url=origin,
            auth=Auth(token, account_id, wanted),
            headers={"Accept": "application/json, */*;q=0.8", "Accept-Encoding": "gzip", "User-Agent": "isr-analysis"},
            timeout=TIMEOUT,
            follow_redirects=True,
            transport=httpx_retries.RetryTransport(self._counted, retry=retry),
        )

    @property
    def requests(self) -> int:
        """How many requests went to the portal."""
        return self._counted.sent

    @property
    def ahead(self) -> int:
        """How far this machine's clock is ahead of the portal's, ns; 0 if that is no minute."""
        return self._off if self._off >= times.MINUTE else 0

    @property
    def off(self) -> int:
        """How far this machine's clock is ahead of the portal's, or behind, ns; 0 if nobody said, or beyond belief."""
        return self._off if abs(self._off) < times.DAY else 0

    def allow(self, most: int | None) -> None:
        """Allow so many requests in all, retries among them; after that, each is an `EnoughError` and not sent.

        None allows as many as there may be.
        """
        self._counted.most = most

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def raw(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        json: Any = None,
        pause: Pause | None = None,
        bounded: bool = False,
    ) -> httpx.Response:
        """Send a request and give the answer, whatever its status.

        With `pause`, a function that waits for so many seconds, it is spaced out as the quota's end comes near. Where
        the portal gives no more just now but soon (`quota.BRIEFLY`), that is waited for: such a request was not done.
        A GET is sent again where it fails; anything else is not, as nobody knows what became of it. With
        `bounded` an answer of more than `AT_ONCE` bytes is given up.

        Raises
        ------
        PortalUnavailableError
            There was no answer.
        QuotaExhaustedError, UsageError
            The request was not sent: none is left, or the connection was closed.
        RequestRefusedError
            The answer was given up (status 413).
        """
        waited = 0.0
        while True:
            try:
                return self._send(method, url, params=params, json=json, extensions={PAUSE: pause, BOUNDED: bounded})
            except errors.QuotaExhaustedError as exc:
                after = exc.retry_after if exc.retry_after >= 1 else max(waited, 1.0)  # it says now, and refuses again
                waited += after
                if waited > quota.BRIEFLY or not self._counted.is_brief():
                    raise
                logger.info("the portal gives no more for %.0f s, which are waited for", after)
                (pause or self.sleep)(after)

    def _send(self, method: str, url: str, *, params: Any, json: Any, extensions: Mapping[str, Any]) -> httpx.Response:
        if self._client.is_closed:
            raise errors.UsageError("this connection was closed; connect again")
        began = self.now()
        try:
            response = self._client.request(method, url, params=params, json=json, extensions={**extensions})
        except httpx.TimeoutException as exc:
            raise errors.PortalUnavailableError(
                f"{self.origin} did not answer in time ({_path(url)}); try again later, or ask for a shorter range"
            ) from exc
        except httpx.TooManyRedirects as exc:
            raise errors.PortalUnavailableError(f"{self.origin} redirects {_path(url)} in a circle") from exc
        except httpx.DecodingError as exc:
            raise errors.AnswerError(
                f"the answer of {_path(url)} is not packed in the way that its Content-Encoding states, or breaks off "
                f"({_cause(exc)}); try again later, and look whether a proxy on the way changes it"
            ) from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            if isinstance(exc, httpx.RemoteProtocolError) and "body" in str(exc):  # it was reached, and had begun
                raise errors.PortalUnavailableError(
                    f"the answer of {self._reached_for(exc)} to {_path(url)} broke off ({_cause(exc)}); try again "
                    "later, and look whether a proxy on the way cuts it"
                ) from exc
            raise errors.PortalUnavailableError(
                f"{self._reached_for(exc)} cannot be reached ({_cause(exc)}); check the network, and "
                "ISR_PORTAL_ORIGIN. Behind a proxy set HTTPS_PROXY, with a company's own certificates SSL_CERT_FILE"
            ) from exc
        self.is_refused = response.status_code == HTTPStatus.UNAUTHORIZED
        theirs = answers.instant_of(response.headers.get("date", ""))
        if theirs is not None and "age" not in response.headers:  # else it is of when a proxy on the way was answered
            self._off = max(began - theirs, 0) or min(self.now() - theirs, 0)  # it may have been long on its way
        return response

    def _reached_for(self, exc: Exception) -> str:
        """Say who cannot be reached: the portal, or where it redirected to."""
        request = getattr(exc, "_request", None)
        if request is None or same_origin(request.url, httpx.URL(self.origin)):
            return self.origin
        return f"{request.url.host}, to which {self.origin} redirects,"

    def get(
        self, url: str, params: Any = None, *, bulk: bool = False, wait: Waiting = False, bounded: bool = False
    ) -> Answer:
        """Ask for something, and raise the error of the tree that fits if it is not given.

        Parameters
        ----------
        url : str
            A path on the portal, or an address.
        params : mapping of str to str, optional
            The query.
        bulk : bool
            One of many: slow down as the quota's end comes near, so that smaller requests still find some.
        wait : bool or callable
            Wait where the quota is used up, and ask then; a function waits in place of `sleep`.
        bounded : bool
            Give up an answer of more than `AT_ONCE` bytes; it counts as refused (413).
        """
        sleep = wait if callable(wait) else self.sleep
        while True:
            try:
                pause, wanted = sleep if bulk else None, self._wanted()
                response = self.raw("GET", url, params=params, pause=pause, bounded=bounded)
                answer = good(response, self.origin, lacking=[name for name in wanted if not wanted[name]])
                if (status := answers.status_of(answer.body)) is None:
                    return answer
                raise error_for(response, self.origin, status=status)  # whatever that of HTTP is
            except errors.QuotaExhaustedError as exc:
                if not wait:
                    raise
                logger.info("the quota is used up; waiting %.0f s", exc.retry_after)
                sleep(max(exc.retry_after, 1.0))


def good(response: httpx.Response, origin: str, *, lacking: Sequence[str] = ()) -> Answer:
    """Give the answer of a response whose status says that all is well; else raise.

    Raises
    ------
    TokenRefusedError, AddOnMissingError, QuotaExhaustedError, RequestRefusedError, PortalUnavailableError
        By the status, with the portal's own words.
    AnswerError
        The body is packed in a way that was not asked for, or the status says that it may not be whole (207).
    """
    if response.is_success:
        _check_coding(response)
        if response.status_code == HTTPStatus.MULTI_STATUS:
            raise errors.AnswerError(
                f"{response.url.path} was answered with status 207, which says that a part of it may have failed: what "
                "came is not taken for the whole. Try again later, or ask the portal's support"
            )
        return Answer(response.content, dict(response.headers), str(response.url), response.status_code)
    raise error_for(response, origin, lacking=lacking)


def _check_coding(response: httpx.Response) -> None:
    """Refuse a body that is packed in a way that was not asked for, and that cannot be unpacked here."""
    stated = response.headers.get("content-encoding", "").lower()
    if not any(one.strip() in _UNASKED for one in stated.split(",")):
        return
    try:
        response.content.decode()
    except UnicodeDecodeError as exc:
        raise errors.AnswerError(
            f"the answer of {response.url.path} came with Content-Encoding {stated!r}, which cannot be read here; "
            "asked for was gzip or nothing (Accept-Encoding). A proxy on the way may pack it so: ask whoever runs it, "
            "or the portal, to keep to Accept-Encoding"
        ) from exc


def error_for(
    response: httpx.Response, origin: str, *, lacking: Sequence[str] = (), status: int | None = None
) -> errors.IsrError:
    """Make the error that fits a response, `lacking` headers: the one map from status to error.

    Give the `status` that the response states in its body, if it is another one than HTTP's.
    """
    often = RETRIES + 1 if status is None else 1
    status, path, method = status or response.status_code, response.url.path, response.request.method
    kind = response.headers.get("content-type")
    everything = answers.error_words(response.content, kind, longest=None)
    words = answers.error_words(response.content, kind)
    said = f"{method} {path} → {status}" + (f'; the portal said: "{words}"' if words else ", without a word")
    remedy = headers.remedy(status, everything, lacking)
    if not same_origin(response.url, httpx.URL(origin)):  # neither the token nor the question has a part in it
        return errors.PortalUnavailableError(
            f"the portal {origin} sent to {response.url.host}, which did not give what is there: {said}; try again, or "
            "ask the portal's support",
            status_code=status,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        text = f"the portal {origin} gives no more for now: {said}. What was fetched is kept; try again later"
        return errors.QuotaExhaustedError(text, status_code=status, words=everything, retry_after=quota.BRIEFLY)
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.TokenRefusedError(
            f"the portal {origin} refused the token: {said}. It is wrong, expired or revoked: {WHERE_TO_MAKE_ONE}, "
            f"then put it in the old one's place (`isr login`, ISR_TOKEN, or the file of ISR_TOKEN_FILE){remedy}",
            status_code=status,
            words=everything,
        )
    if addons.is_missing(status, method, everything):
        text = (
            f"this account may not use the route: {said}. It belongs to the add-on “{addons.opening(path)}”, which an "
            f"owner of the account enables in the portal ({origin}), in the account's settings under add-ons; the "
            f"token stays as it is{remedy}"
        )
        if words.startswith(answers.HTML):
            text += (
                ". As it came as a page of HTML, a firewall before the portal, or a proxy on the way, may have refused "
                "it: open the portal in a browser on this network, and ask whoever runs what it shows"
            )
        return errors.AddOnMissingError(text, status_code=status, words=everything)
    if status in PASSING:
        text = f"the portal {origin} failed: {said}. {_when_again(status, method, often)}"
        return errors.PortalUnavailableError(text, status_code=status)
    text = (
        f"the portal refused the request: {said}; {_what_to_change(status, method, path, origin, everything)}{remedy}"
    )
    return errors.QuestionRefusedError(text, status_code=status, words=everything)


def _when_again(status: int, method: str, often: int) -> str:
    """Say when to try again what failed, and was asked so `often`."""
    if method != "GET":
        return "It was asked once: look whether it did it all the same before you try again"
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        return "It is the network that wants a login: open any page in a browser on it, and try again then"
    asked = f"It was asked {often} times; try" if status in ASKED_AGAIN and often > 1 else "Try"
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT, 524):
        shorter = f'for shorter ranges: longest = "15min" under [history] of {errors.CONTRACT_FILE}'
        return f"{asked} again later, or {shorter}"
    return f"{asked} again later"


def _what_to_change(status: int, method: str, path: str, origin: str, words: str) -> str:
    """Say what to do about a request that was refused with some words, or none."""
    of_history = path == f"{API}/history"
    if status != HTTPStatus.NOT_FOUND:
        ask = "see its words for what to change" if words else "ask the portal's support what it wants"
        return f"{ask}, and say it under [history] of {errors.CONTRACT_FILE}" if of_history else ask
    # Before a change is asked for, the portal was seen to be one: there it is what was named that is not found.
    ask = f"is {origin} a portal of iShareRadio?" if method == "GET" else "look at the list for the ids there are"
    if of_history and words and not words.startswith(answers.HTML):
        return f"if it means a client, `isr publishers` lists those there are; else, {ask}"
    return ask


def _read_whole(response: httpx.Response) -> None:
    response.read()


def _path(url: str) -> str:
    return urlsplit(url).path


def _cause(exc: Exception) -> str:
    # The innermost words are the plain ones: "Connection refused", "certificate verify failed". A context beside the
    # causes may be of the caller's own.
    inner: BaseException = exc
    while inner.__cause__ is not None:
        inner = inner.__cause__
    return f"{type(exc).__name__}: {inner}" if str(inner) else type(exc).__name__
