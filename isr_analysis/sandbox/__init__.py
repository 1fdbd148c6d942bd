"""A local portal with invented stations that behaves like the real one, as far as known, for trials and tests.

>>> import isr_analysis as isr
>>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
...     live = isr.load_live(portal=portal)
>>> "isr-shack-01" in set(live["client_id"])
True

What is published: `noise` and `signals` (pure functions of time), `devices` and `fleet` (who publishes what),
`troubles` (what goes wrong), `blocks` and `archive` (the stored messages, in pages), `air` and `broker` (the same over
MQTT). What is served: `world` (accounts, clock, tokens), `portal` and `mgmt` (the routes), `access` and `tokens` (who
may use them), `books` (what an owner can change), `forms`, `replies` and `docs` (the form of answers), `faults`
(failures on demand), `server` (all of it, running).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from isr_analysis.errors import MissingExtraError
from isr_analysis.sandbox.troubles import Trouble

if TYPE_CHECKING:
    from isr_analysis.sandbox.server import Sandbox

__all__ = ["Trouble", "run", "serve"]


def serve(
    *,
    port: int = 0,
    days: int = 90,
    seed: int = 1,
    troubles: bool = True,
    rate: float = 1.0,
    limit: int = 5000,
    now: Callable[[], int] = time.time_ns,
    broker: bool = False,
    certificate: tuple[Path, Path] | None = None,
) -> Sandbox:
    """Start a sandbox portal on loopback, which runs in its own thread until it is stopped.

    Parameters
    ----------
    port : int
        The port to listen on; 0 means any free port.
    days : int
        How many days of history to offer.
    seed : int
        Which invented fleet to use. Each seed is a separate account, the same at every start.
    troubles : bool
        Whether things go wrong in the fleet.
    rate : float
        How many times faster than usual everything is published; 1 is about 25 000 messages per day.
    limit : int
        Requests per hour and token.
    now : callable
        Returns the present time, ns since 1970 UTC. The fleet publishes by this clock.
    broker : bool
        Whether to run a real MQTT broker too (mosquitto, which must be installed), on which the fleet publishes and
        read-only subscribers may listen.
    certificate : (Path, Path), optional
        The broker's certificate and key (PEM files), to use TLS.

    Returns
    -------
    Sandbox
        ``origin``, ``token`` (gives access to everything), ``account_id``, ``connect()``, ``truth()`` and what tests
        need: other tokens, failures, request counts. It is a context manager that stops at the end of its block; you
        can also call `stop`.

    Raises
    ------
    UsageError
        The port is taken, or another argument cannot be used.
    MissingExtraError
        FastAPI, uvicorn, or what the broker needs is not installed.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve(seed=2) as sandbox:
    ...     sandbox.token.startswith("isr_mqtt_rest_")
    True
    """
    try:
        from isr_analysis.sandbox import server
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in ("fastapi", "uvicorn", "starlette", "pydantic"):
            raise
        raise MissingExtraError.of("the sandbox portal", str(exc.name), "sandbox") from exc
    return server.Sandbox(
        port=port, days=days, seed=seed, troubles=troubles, rate=rate, limit=limit, now=now, broker=broker,
        certificate=certificate,
    )  # fmt: skip


def run(
    *,
    port: int = 0,
    days: int = 90,
    seed: int = 1,
    broker: bool = False,
    announce: Callable[[Sandbox], None] | None = None,
) -> None:
    """Run a sandbox portal until Ctrl-C.

    Parameters
    ----------
    port, days, seed, broker
        See `serve`.
    announce : callable, optional
        Called with the running sandbox.

    Raises
    ------
    UsageError, MissingExtraError
        See `serve`.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> def look(sandbox):
    ...     print(sandbox.origin.partition("//")[2].startswith("127.0.0.1:"))
    ...     raise KeyboardInterrupt
    >>> isr.sandbox.run(announce=look)
    True
    """
    with serve(port=port, days=days, seed=seed, broker=broker) as sandbox, contextlib.suppress(KeyboardInterrupt):
        if announce is not None:
            announce(sandbox)
        while True:
            time.sleep(3600)
