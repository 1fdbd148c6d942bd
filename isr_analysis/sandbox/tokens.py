"""Tokens of the sandbox: what each gives access to, until when, and how many requests are left of its hour."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from isr_analysis.errors import UsageError
from isr_analysis.sandbox import noise
from isr_analysis.times import DAY, HOUR, SECOND

ADD_ONS = {
    "history": "Programmatic History Download",
    "live": "Live REST API",
    "mgmt": "Mgmt REST API",
}
"""The add-ons, by a short name."""

PER_HOUR = 5000


@dataclass(slots=True)
class Grant:
    """What one token opens.

    Parameters
    ----------
    value : str
        The token.
    seed : int or None
        Whose data; None for a platform operator's, which opens every account.
    add_ons : frozenset of str
        Short names of `ADD_ONS`.
    expires_at : int
        ns.
    revoked : bool
        Whether it was taken back.
    window : int
        ns; when the current hour began.
    used : int
        Requests since then.
    """

    value: str = field(repr=False)
    seed: int | None
    add_ons: frozenset[str]
    expires_at: int
    revoked: bool = False
    window: int = 0
    used: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a token's hour: whether this request is allowed, the limit, what is left, seconds to the next."""

    allowed: bool
    limit: int
    left: int
    resets_in: int


class Tokens:
    """The tokens of a sandbox. They follow from seed and number, so that a printed one works after a restart."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._grants: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def make(self, seed: int | None, add_ons: Iterable[str] | None, *, now: int, days: float) -> str:
        """Make a token for a seed's account, or a platform operator's for seed None.

        Raises
        ------
        UsageError
            An add-on is not known.
        """
        given = frozenset([add_ons] if isinstance(add_ons, str) else ADD_ONS if add_ons is None else add_ons)
        if unknown := sorted(given - set(ADD_ONS)):
            raise UsageError(f"add_ons={unknown} are not known; there are {', '.join(ADD_ONS)}")
        with self._lock:
            number = sum(grant.seed == seed for grant in self._grants.values())
            form = "isr_mqtt_platform_rest_" if seed is None else "isr_mqtt_rest_"
            value = form + "".join(f"{noise.key('token', seed, number, part):016x}" for part in (1, 2))
            self._grants[value] = Grant(value, seed, given, now + round(days * DAY))
            return value

    def find(self, value: str) -> Grant | None:
        """Give what a token opens; None if it was never made."""
        return self._grants.get(value)

    def revoke(self, value: str) -> Grant:
        """Take a token back.

        Raises
        ------
        UsageError
            It was never made.
        """
        grant = self._grants.get(value)
        if grant is None:
            raise UsageError("this sandbox has made no such token")
        grant.revoked = True
        return grant

    def take(self, grant: Grant, now: int) -> Allowance:
        """Take one request off a token's hour, which begins with its first request."""
        with self._lock:
            if not grant.window <= now < grant.window + HOUR:
                grant.window, grant.used = now, 0
            allowed = grant.used < self.limit
            grant.used += allowed
            left = max(self.limit - grant.used, 0)
            return Allowance(allowed, self.limit, left, -(-(grant.window + HOUR - now) // SECOND))

    def reset(self, limit: int) -> None:
        """Set the limit, and give every token a new hour."""
        with self._lock:
            self.limit = limit
            for grant in self._grants.values():
                grant.window = grant.used = 0
