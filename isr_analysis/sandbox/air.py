"""The invented fleets on the broker: what they publish, at the time when it is due."""

from __future__ import annotations

import logging
import threading

from isr_analysis import times
from isr_analysis.sandbox.broker import Broker
from isr_analysis.sandbox.world import World

logger = logging.getLogger(__name__)

_TICK = 0.05  # seconds
_LONGEST = times.HOUR  # a clock that is set forward by more has slept


class Air:
    """Publishes every account's fleet on a broker, and keeps its logins those of the books, until it is stopped.

    A clock that runs fast publishes fast.
    """

    def __init__(self, world: World, broker: Broker) -> None:
        self.broker = broker
        self._world = world
        self._until = world.now()
        self._published = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="isr-sandbox-air", daemon=True)
        self._thread.start()

    @property
    def published(self) -> tuple[int, int]:
        """How many messages were given to the broker, and up to which instant (ns) that is all of them."""
        return self._published, self._until

    def stop(self) -> None:
        """Stop publishing, and the broker."""
        self._stop.set()
        self._thread.join()
        self.broker.close()

    def _run(self) -> None:
        while not self._stop.wait(_TICK):
            now = self._world.now()
            start = max(self._until, now - _LONGEST)
            for account in self._world.accounts() if start < now else ():
                for message in account.archive.published(start, now):
                    topic = f"{account.account_id}/{message.client.client_id}/{message.feed.topic}"
                    self.broker.publish(topic, message.payload)
                    self._published += self.broker.running
            self._until = max(self._until, now)
            try:
                self._world.admit()
            except Exception:  # the broker was just stopped, or killed from outside
                logger.exception("the sandbox's broker did not take its logins")
