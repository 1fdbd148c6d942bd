"""A connection: one profile's token, its account, its quota and its folder."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import shutil
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import httpx

from isr_analysis import settings
from isr_analysis.contract import headers
from isr_analysis.contract.contract import Contract, History
from isr_analysis.contract.file import overridden
from isr_analysis.errors import (
    AddOnMissingError,
    AnswerError,
    IsrError,
    PortalUnavailableError,
    QuestionRefusedError,
    UsageError,
    WrongAccountError,
)
from isr_analysis.files import is_read_only, stand_in
from isr_analysis.portal import accounts, clients, discovery, identity, lists, quota, token, wire
from isr_analysis.portal.habits import Habits

if TYPE_CHECKING:  # requests-cache takes as long to import as all else
    from isr_analysis.portal.responses import Responses

_NAMELESS = "token-"
_LIST_AGE = 60.0  # s, of what is asked by
_HINT_AGE = _DOCUMENT_AGE = 86_400.0  # s
_SURE = dt.timedelta(minutes=10)  # for which a document is not read again


class Portal:
    """A connection to a portal, made by `connect`. It makes its first request when something is needed.

    Parameters
    ----------
    profile : settings.Profile
        Where the portal is and where data is kept.
    key : token.Token
        The token.
    contract : Contract, optional
        What the portal's parameters and fields mean; by default, what the portal itself says.
    now : callable
        Returns the present time, ns since 1970 UTC.
    sleep : callable
        Waits for a number of seconds.
    transport : httpx.BaseTransport, optional
        Used instead of the network.

    Attributes
    ----------
    habits : Habits
        What the portal's answers have shown so far, such as their maximum length and their order.
    """

    def __init__(
        self,
        profile: settings.Profile,
        key: token.Token,
        *,
        contract: Contract | None = None,
        now: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if key.is_platform and profile.account_id is None:
            raise UsageError(
                "a platform operator's token (isr_mqtt_platform_rest_…) works for one account at a time; say which "
                "with account_id= or ISR_ACCOUNT_ID"
            )
        self.profile = profile
        self.now = now
        self.habits = Habits()
        self._key = key
        self._place = profile.home
        self._is_unkept = is_read_only(profile.home)
        if self._is_unkept:  # what is there is read; the portal can be asked, and nothing of it is kept
            self._place = stand_in(profile.home)
            self._forgets = weakref.finalize(self, shutil.rmtree, self._place, ignore_errors=True)
        whose = f"{profile.origin}\n{profile.account_id}" if key.is_platform else profile.origin
        with contextlib.suppress(UsageError):  # of the file, which is told of when it is needed
            # A header may name a tenant: what it opens is another's than without it.
            whose += "".join(f"\n{one}" for one in sorted(self._said.headers.items()) if one[0].lower() != "accept")
        marked = profile.home if accounts.has_salt(profile.home) else self._place
        self._mark = accounts.fingerprint(key, whose, marked)
        self._tally = quota.Tally(self._place / "quota.sqlite", accounts.fingerprint(key, profile.origin, marked))
        self.wire = wire.Wire(
            profile.origin, key, profile.account_id,
            tally=self._tally, now=now, sleep=sleep, transport=transport, wanted=self._wanted_headers,
        )  # fmt: skip
        self._lock = threading.RLock()
        self._account: str | None = None
        self._responses: Responses | None = None
        self._listed = ""  # the path of the list of clients that was asked by
        self._contract = contract
        self._found: Contract | None = None  # as documented, before anything was learned
        self._read_at = dt.datetime.now(dt.UTC)  # when the document was given, or the oldest part of it

    def __repr__(self) -> str:
        account = self._account or self.profile.account_id
        account = f"{account[:8]}…" if account else "not asked yet"  # notebooks show it, and are shared
        return f"Portal({self.origin}, profile {self.profile.name!r}, account {account})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Portal is not pickled or copied, as it holds a token and open connections; connect in each process: "
            "isr.connect() finds the token in the environment or the keyring"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the cache file, and delete anything kept only temporarily."""
        self.wire.close()
        if self._responses is not None:
            self._responses.close()
        if self._is_unkept:
            self._forgets()

    @property
    def origin(self) -> str:
        """Scheme, host and port of the portal."""
        return self.profile.origin

    @property
    def requests(self) -> int:
        """How many requests this connection has made, including retries."""
        return self.wire.requests

    @property
    def quota(self) -> quota.Quota:
        """What is left of this hour's requests, as far as this machine knows."""
        return self._tally.state(self.now())

    @property
    def account_id(self) -> str:
        """The account that the token belongs to; the portal is asked once for each new token.

        Raises
        ------
        WrongAccountError
            The token belongs to a different account than the profile names.
        PortalUnavailableError
            The token is new here, and the portal cannot be asked which account it belongs to.
        """
        with self._lock:
            if self._account is None:
                self._account = self._find_account()
            return self._account

    @property
    def named_account(self) -> str | None:
        """The account as the portal names it; None if none of its answers names one."""
        return None if self.account_id.startswith(_NAMELESS) else self.account_id

    def verify(self) -> str:
        """Check with the portal that it accepts the token, even if the account is known, and return the account.

        Raises
        ------
        TokenRefusedError, WrongAccountError, QuotaExhaustedError, PortalUnavailableError
            The portal does not accept it, or could not be asked.
        """
        with self._lock:
            self._account = self._find_account(anew=True)
            return self._account

    @property
    def folder(self) -> Path:
        """The folder where the account's data is kept."""
        return accounts.folder(self.profile.home, self.origin, self.account_id.lower())

    @property
    def responses(self) -> Responses:
        """The cache of the account's small answers."""
        with self._lock:
            if self._responses is None:
                from isr_analysis.portal.responses import Responses

                if self._is_unkept:
                    warnings.warn(
                        f"{self.profile.home} cannot be written: what the portal answers is not kept, nor counted for "
                        "other processes; set ISR_HOME to a folder that can be written", stacklevel=2,
                    )  # fmt: skip
                folder = self._place if self._is_unkept else self.folder
                self._responses = Responses(self.wire, folder, lambda: self.contract, lambda: self._contract)
            return self._responses

    @property
    def contract(self) -> Contract:
        """What the portal's parameters and fields mean; read from its OpenAPI document when first needed."""
        with self._lock:
            if self._contract is None:
                self._contract = self._found = self._documented(_DOCUMENT_AGE)
            return self._contract

    def reads_anew(self) -> bool:
        """Read the portal's document again unless it was read just now, and return whether it has changed."""
        with self._lock, contextlib.suppress(IsrError):
            if self._found is not None and dt.datetime.now(dt.UTC) - self._read_at > _SURE:
                found = self._documented(0.0)
                if found != self._found and not found.source.startswith("built in"):  # then it may only be away
                    self._contract = self._found = found
                    self.habits = Habits()
                    return True
        return False

    @property
    def routes(self) -> Contract:
        """The contract as far as it is known without a request: enough for the routes whose paths are published."""
        with self._lock:
            return self._known()

    def _wanted_headers(self) -> Mapping[str, str]:
        nameless = self._account is None or self._account.startswith(_NAMELESS)
        return headers.filled(self._known().headers, self.profile.account_id if nameless else self._account)

    def _known(self) -> Contract:
        """Give `routes` without the lock: who holds that, to read the contract, may wait for the request that asks."""
        return self._contract or self._said

    @functools.cached_property
    def _said(self) -> Contract:
        """What is built in and what the user's file says, which is read once."""
        return Contract() if self.profile.contract is None else overridden(Contract(), self.profile.contract)

    @property
    def known_contract(self) -> Contract | None:
        """The contract if it has been needed yet, else None; makes no request."""
        return self._contract

    def learn(self, history: History, *, instead_of: History | None = None) -> bool:
        """Adopt what a refusal by the portal has shown about how to ask, and return whether it was adopted.

        It is not if another thread has learned something in the meantime, so that `instead_of` is no longer current.
        """
        with self._lock:
            if instead_of not in (None, self.contract.history):
                return False
            self._contract = self.contract.taught(history)
            return True

    def learn_fields(self, **shown: str) -> None:
        """Adopt what an answer has shown about its fields, in addition to what other threads have learned."""
        with self._lock:
            history = self.contract.history
            self.learn(dataclasses.replace(history, fields=dataclasses.replace(history.fields, **shown)))

    def client_ids(self) -> list[str]:
        """Return the ids of all publishers, from their list or, without the add-on for it, from the live answer.

        Raises
        ------
        UsageError
            The account's add-ons give access to neither; the message says to name a client.
        """
        ids, self._listed = self._clients(_LIST_AGE)
        return ids

    def doubt_of_clients(self) -> str:
        """Return a warning if the list of `client_ids` may have been cut; else ""."""
        return lists.doubt(self.responses, self._listed)

    def _clients(self, max_age: float) -> tuple[list[str], str]:
        """Give the ids of all publishers, and the path of the list that they are from."""
        return clients.ids(self.responses, self.routes, self.account_id, max_age=max_age)

    def listed_clients(self, wanted: Iterable[str]) -> tuple[list[str], str, list[str]]:
        """Return, for a hint, all publishers' ids, where they are from, and whose other names match one `wanted`.

        The list may be a day old, unless a wanted one is not in it. The live answer lacks those that never published.
        """
        try:
            found, path = self._clients(_HINT_AGE)
            if strange := sorted(set(wanted).difference(found)):
                found, path = self._clients(_LIST_AGE)
            if path == self.routes.live:
                return found, "in the portal's live answer", []
            return found, "at the portal", clients.otherwise(self.responses, self.routes, strange, max_age=_HINT_AGE)
        except IsrError:  # it cannot be had
            return [], "", []

    def heard_topics(self) -> list[str]:
        """Return the topics of the live answer, for a hint; empty if it cannot be fetched."""
        try:
            live = lists.live(self.responses, self.routes, self.account_id, max_age=_HINT_AGE)
            self.check_accounts(one for _, page in live for one in page.accounts)
        except IsrError:
            return []
        return sorted({one for _, page in live for one in page.messages["topic"].to_pylist()})

    def listed(self) -> list[dict[str, Any]]:
        """Return the rows of the list of publishers, as of this download; none if that is unavailable."""
        if (habits := self.habits).listed is None:
            try:
                found = lists.publishers(self.responses, self.routes, max_age=_LIST_AGE)
                habits.listed = [row for _, rows in found for row in rows if row.get("client_id")]
            except (AddOnMissingError, AnswerError, QuestionRefusedError):
                habits.listed = []
        return habits.listed

    def _documented(self, max_age: float) -> Contract:
        """Give what the portal's document says, and the user's file; the document is at most `max_age` seconds old."""

        def get(path: str) -> wire.Answer:
            if self._account is None:  # this is part of finding it out, which only the history route can tell
                return self.wire.get(path)  # it is kept once the account, and so its folder, is known
            kept = self.responses.get(path, max_age=max_age, away=self.profile.is_offline, any_form=True)
            self._read_at = min(self._read_at, kept.fetched_at)
            return kept.answer

        self._read_at = dt.datetime.now(dt.UTC)
        return discovery.contract(get, self.profile.contract, offline=self.profile.is_offline)

    def check_accounts(self, named: Iterable[str]) -> None:
        """Refuse, as `WrongAccountError`, an answer that names another account: nothing of it is stored or shown."""
        others = sorted({one for one in named if one.lower() != self.account_id.lower()})
        if others and not self.account_id.startswith(_NAMELESS):
            raise WrongAccountError(
                f"the portal's answer holds data of account {', '.join(others)}, but this token belongs to account "
                f"{self.account_id}: the answer was dropped. Tell the operator of {self.origin}"
            )

    def environment(self) -> dict[str, str]:
        """Return the environment variables that give a child process the same connection, including the token."""
        given = {
            "ISR_TOKEN": self._key.reveal(),
            "ISR_PORTAL_ORIGIN": self.origin,
            "ISR_PROFILE": self.profile.name,
            "ISR_HOME": str(self.profile.home),
            "ISR_ACCOUNT_ID": self.profile.account_id,
            "ISR_CONTRACT": str(self.profile.contract) if self.profile.contract else None,
        }
        return {name: value for name, value in given.items() if value}

    def _asked_account(self, *, anew: bool) -> str | None:
        if self.profile.is_offline and not anew:
            raise PortalUnavailableError(f"{settings.OFFLINE} is set, so the portal is not asked for anything")
        return identity.ask(self.wire, self.routes, lambda: self.contract.history, self.profile.account_id, self.now())

    @property
    def _nameless(self) -> str:
        return f"{_NAMELESS}{self._mark}"

    def _find_account(self, *, anew: bool = False) -> str:
        wanted = self.profile.account_id
        bound = None if anew else accounts.bound_account(self.profile.home, self._mark)
        if bound is None:
            try:
                bound = self._asked_account(anew=anew)
            except PortalUnavailableError as exc:
                if anew:
                    raise
                if wanted is not None and self.profile.account_is_given:
                    return wanted
                if wanted is None and accounts.folder(self.profile.home, self.origin, self._nameless).is_dir():
                    return self._nameless  # what this very token brought, of which no answer said whose it is
                raise PortalUnavailableError(
                    f"{exc}. This token was never used here, so it is not known whose data it opens; once the portal "
                    "has been reached with it, what is on disk can be read offline (or name it: ISR_ACCOUNT_ID)",
                    status_code=exc.status_code,
                    retry_after=exc.retry_after,
                ) from exc
            if bound is None:
                # Nobody says whose it is. What it brings is kept apart, for this token alone.
                return wanted or self._nameless
            if not self._is_unkept:
                accounts.bind(self.profile.home, self._mark, self.origin, bound)
        if wanted is not None and wanted.lower() != bound.lower():
            raise WrongAccountError(
                f"the token belongs to account {bound}, but profile {self.profile.name!r} is set to account {wanted}; "
                "use that account's token, or another profile (profile=, ISR_PROFILE)"
            )
        return bound
