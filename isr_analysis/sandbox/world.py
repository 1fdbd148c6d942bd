"""The invented accounts of a sandbox, and the clock and tokens that they share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isr_analysis import times
from isr_analysis.sandbox import fleet
from isr_analysis.sandbox.archive import Archive
from isr_analysis.sandbox.books import Books
from isr_analysis.sandbox.tokens import Tokens
from isr_analysis.sandbox.troubles import Plan

if TYPE_CHECKING:
    from isr_analysis.sandbox.broker import Broker

_AHEAD = 366 * times.DAY  # a sandbox that runs for a year still knows its clients


@dataclass(frozen=True, slots=True)
class Account:
    """One invented account: its archive, and the books that the Mgmt API changes."""

    archive: Archive
    books: Books

    @property
    def account_id(self) -> str:
        """The account's UUID."""
        return self.archive.fleet.account_id


class World:
    """All that the routes answer from.

    Attributes
    ----------
    broker : Broker or None
        Where the fleets publish, if they do.
    """

    def __init__(self, *, days: int, rate: float, troubles: bool, now: Callable[[], int], limit: int) -> None:
        self.now = now
        self.tokens = Tokens(limit)
        self.broker: Broker | None = None
        self._settings = (days, rate, troubles)
        self._accounts: dict[int, Account] = {}
        self._lock = threading.Lock()

    def account(self, seed: int) -> Account:
        """Give the account of a seed; it is made when it is first asked for."""
        with self._lock:
            if seed not in self._accounts:
                days, rate, troubles = self._settings
                now = self.now()
                made = fleet.fleet(seed, start=now - days * times.DAY, end=now + _AHEAD, rate=rate, troubles=troubles)
                archive = Archive(made, Plan(made, active=troubles), days=days, rate=rate)
                self._accounts[seed] = Account(archive, Books(archive))
            return self._accounts[seed]

    def accounts(self) -> list[Account]:
        """Give every account that was asked for so far."""
        with self._lock:
            return list(self._accounts.values())

    def named(self, account_id: str) -> Account | None:
        """Give the account with an id, if there is one."""
        with self._lock:
            return next((one for one in self._accounts.values() if one.account_id == account_id.lower()), None)

    def admit(self) -> None:
        """Let the books' subscribers listen at the broker, and nobody else; returns when the broker does."""
        if self.broker is None:
            return
        now = self.now()
        self.broker.admit(
            {
                name: (password, account.account_id)
                for account in self.accounts()
                for name, password in account.books.logins(now).items()
            }
        )
