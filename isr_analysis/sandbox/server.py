"""The running sandbox: a portal on loopback, served by uvicorn in its own thread."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Self

import uvicorn

from isr_analysis import settings, times
from isr_analysis.errors import IsrError, UsageError
from isr_analysis.messages import check_flags
from isr_analysis.sandbox.faults import Failure, Front
from isr_analysis.sandbox.portal import API, application
from isr_analysis.sandbox.tokens import PER_HOUR
from isr_analysis.sandbox.troubles import Trouble
from isr_analysis.sandbox.world import World

if TYPE_CHECKING:
    from isr_analysis.contract.contract import Contract
    from isr_analysis.mgmt import Made
    from isr_analysis.portal.portal import Portal
    from isr_analysis.sandbox.air import Air

HOST = "127.0.0.1"
_PATIENCE = 30.0  # seconds


class Sandbox:
    """A local portal with invented stations, made by `serve`, which describes the parameters.

    It is a context manager: leaving it stops the portal and closes the connections made by it.
    """

    def __init__(
        self,
        *,
        port: int,
        days: int,
        seed: int,
        troubles: bool,
        rate: float,
        limit: int,
        now: Callable[[], int],
        broker: bool,
        certificate: tuple[Path, Path] | None,
    ) -> None:
        _check(days=days, rate=rate, port=port, seed=seed, limit=limit)
        check_flags(troubles=troubles, broker=broker)
        self.seed = seed
        self.now = now
        self._days = days
        self._named_port = port != 0
        self._world = World(days=days, rate=rate, troubles=troubles, now=now, limit=limit)
        self._front = Front(application(self._world), API, now)
        self._air: Air | None = None
        self._portals: list[Portal] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.token = self.make_token()
        self._socket = _listen(port)
        self.origin = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._server = _Server(
            uvicorn.Config(
                self._front,
                log_config=None,
                log_level="critical",  # what goes wrong on demand is no news; of the rest Front tells
                access_log=False,
                date_header=False,  # Front tells the sandbox's own
                lifespan="off",
                ws="none",  # else it imports whichever library for them is installed
                timeout_graceful_shutdown=2,
                timeout_keep_alive=75,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="isr-sandbox", daemon=True
        )
        self._thread.start()
        if broker:
            try:
                from isr_analysis.sandbox.air import Air
                from isr_analysis.sandbox.broker import Broker

                self._world.broker = Broker(certificate=certificate)
                self._air = Air(self._world, self._world.broker)
            except BaseException:
                self.stop()
                raise
        if not self._server.ready.wait(_PATIENCE):
            self.stop()
            raise IsrError(f"the sandbox did not start to listen on {self.origin} within {_PATIENCE:.0f} s")

    def __repr__(self) -> str:
        return f"Sandbox({self.origin}, seed {self.seed}, account {self.account_id})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the portal, close the connections made by it, and remove its temporary folder."""
        for portal in self._portals:
            portal.close()
        self._portals.clear()
        if self._air is not None:
            self._air.stop()
            self._air = self._world.broker = None
        self._server.should_exit = True
        self._thread.join(_PATIENCE)
        self._socket.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def air(self) -> Air:
        """The fleets on the broker, and the broker.

        Raises
        ------
        UsageError
            The sandbox was started without a broker.
        """
        if self._air is None:
            raise UsageError("this sandbox has no broker; start it with broker=True")
        return self._air

    @property
    def account_id(self) -> str:
        """The account of the sandbox's own seed."""
        return self.account_of(self.seed)

    def account_of(self, seed: int) -> str:
        """Return the account of another seed, which this portal also serves."""
        return self._world.account(seed).account_id

    def make_token(
        self,
        add_ons: Iterable[str] | None = None,
        *,
        seed: int | None = None,
        days: float = 30.0,
        platform: bool = False,
    ) -> str:
        """Create a token.

        Parameters
        ----------
        add_ons : iterable of str, optional
            What the token gives access to: ``"history"``, ``"live"``, ``"mgmt"``; by default, all.
        seed : int, optional
            The account, given by its seed; by default, the sandbox's own.
        days : float
            Days until the token expires; negative for one that has expired.
        platform : bool
            Create a platform operator's token, for the account that ``X-ISR-Account-Id`` names.

        Returns
        -------
        str
            The token itself. It depends only on the seed and on how many tokens were created before.
        """
        whose = None if platform else self.seed if seed is None else seed
        if whose is not None:
            self._world.account(whose)
        return self._world.tokens.make(whose, add_ons, now=self.now(), days=days)

    def make_subscriber(self, *, seed: int | None = None, days: int = 30) -> Made:
        """Create a read-only subscriber, as the Mgmt API does.

        Parameters
        ----------
        seed : int, optional
            The account, given by its seed; by default, the sandbox's own.
        days : int
            Days until it expires.

        Returns
        -------
        isr_analysis.mgmt.Made
            The login and the broker's address.
        """
        from isr_analysis import mgmt

        token = self.make_token(["mgmt"], seed=seed)
        with self.connect(token) as portal:
            return mgmt.create_subscriber("sandbox", expires_in_days=days, portal=portal)

    def revoke(self, token: str) -> None:
        """Revoke a token: requests with it get 401 from now on."""
        self._world.tokens.revoke(token)

    def rotate(self, token: str) -> str:
        """Revoke a token, and create another with the same access."""
        old = self._world.tokens.revoke(token)
        return self.make_token(old.add_ons, seed=old.seed, platform=old.seed is None)

    def connect(
        self,
        token: str | None = None,
        *,
        account_id: str | None = None,
        contract: Contract | None = None,
        home: str | Path | None = None,
    ) -> Portal:
        """Connect to this portal. The default connection of the process stays unchanged.

        Parameters
        ----------
        token : str, optional
            One of this sandbox's tokens; by default, `token`.
        account_id : str, optional
            Needed with a platform operator's token.
        contract : Contract, optional
            What the portal's parameters and fields mean.
        home : str or Path, optional
            Where data is kept. Default: ``ISR_HOME``, else the usual folder if the sandbox has a fixed port, else a
            temporary folder that is removed when the sandbox stops.

        Returns
        -------
        isr_analysis.Portal
            It uses the sandbox's clock, and is closed when the sandbox stops, if not before.
        """
        from isr_analysis.portal.portal import Portal
        from isr_analysis.portal.token import Token

        profile = settings.profile(
            "sandbox", origin=self.origin, account_id=account_id, home=home or self._home(), environ={}
        )
        portal = Portal(profile, Token(token or self.token), contract=contract, now=self.now)
        self._portals.append(portal)
        return portal

    def requests(self, route: str | None = None, *, token: str | None = None) -> int:
        """Count the requests received so far, whatever the outcome.

        Parameters
        ----------
        route : str, optional
            The path after ``/api/v1/subscriber/``, such as ``"history"`` or ``"publishers/live"``; by default, all.
        token : str, optional
            Count only requests with this token.
        """
        return self._front.count(route, token)

    def set_quota(self, limit: int = PER_HOUR) -> None:
        """Set the requests per hour, and start a new hour for every token."""
        self._world.tokens.reset(limit)

    def fail(self, how: Failure, *, route: str | None = None, times: int | None = None, seconds: float = 1.0) -> None:
        """Make requests fail from now on.

        Parameters
        ----------
        how : {"down", "html", "slow", "cut", "broken"}
            503; 200 with an HTML page; the right answer after a delay; a connection that breaks in the middle of the
            body; 200 with half of the JSON.
        route : str, optional
            Only this one, such as ``"history"``; by default, all.
        times : int, optional
            How many requests fail; by default, all until `heal`.
        seconds : float
            How long a slow answer takes.
        """
        self._front.fail(how, route, times, seconds)

    def heal(self) -> None:
        """Stop failing."""
        self._front.heal()

    def truth(self, start: times.Instant | None = None, end: times.Instant | None = None) -> list[Trouble]:
        """Return every trouble that was planted.

        Parameters
        ----------
        start, end : str, datetime, pandas.Timestamp or numpy.datetime64, optional
            Only troubles that touch ``[start, end)``, read as UTC if no zone is given; by default, all in the history.

        Returns
        -------
        list of Trouble
            Sorted by start; empty for a sandbox without troubles.
        """
        now = self.now()
        first = now - self._days * times.DAY if start is None else times.instant(start, name="start")
        last = now if end is None else times.instant(end, name="end")
        return self._world.account(self.seed).archive.troubles(first, last)

    def _home(self) -> Path:
        if self._named_port or os.environ.get("ISR_HOME"):
            return settings.home_folder()
        # The next sandbox has another port, so nobody would ever find again what is kept of this one.
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="isr-sandbox-", ignore_cleanup_errors=True)
        return Path(self._folder.name)


class _Server(uvicorn.Server):
    """uvicorn, which says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio switches off the delay that small answers would wait for (40 ms).
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere it would let two sandboxes share a port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen(128)
    except OSError as exc:
        made.close()
        raise UsageError(
            f"port {port} of {HOST} cannot be used ({exc.strerror}); give another, or 0 for any that is free"
        ) from exc
    return made


def _check(**given: float) -> None:
    """Refuse what a sandbox cannot be made with."""
    for name, value in given.items():
        kind, least, most, what = _LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
            raise UsageError(f"{name}={value!r} cannot be used; give {what}, {least} to {most}")


_LIMITS: dict[str, tuple[type, float, float, str]] = {
    "days": (Integral, 1, 3650, "the number of days of history"),
    "rate": (Real, 0.001, 1000, "how many times faster than usual"),
    "port": (Integral, 0, 65_535, "a port, or 0 for any that is free"),
    "seed": (Integral, 0, 2**63 - 1, "the number of a fleet"),
    "limit": (Integral, 0, 10**9, "the number of requests per hour and token"),
}
