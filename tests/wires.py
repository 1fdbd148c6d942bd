"""A line to a portal that is one function."""

from __future__ import annotations

from contextlib import contextmanager

import httpx

from isr_analysis import times
from isr_analysis.portal.quota import Tally
from isr_analysis.portal.token import Token
from isr_analysis.portal.wire import Wire

ORIGIN = "https://portal.example"
VALUE = "isr_mqtt_rest_example-not-a-real-one"
NOW = 20_000 * times.DAY


@contextmanager
def lines(folder):
    """Give a function that makes a line to a portal that is one function, `Request → Response`."""
    made = []
    clock = [NOW]

    def make(answer, token=VALUE, account_id=None, slept=None):
        def sleep(seconds):
            clock[0] += round(seconds * 1e9)
            if slept is not None:
                slept.append(seconds)

        line = Wire(
            ORIGIN, Token(token), account_id, tally=Tally(folder / "quota.sqlite", "t"), now=lambda: clock[0],
            sleep=sleep, transport=httpx.MockTransport(answer),
        )  # fmt: skip
        made.append(line)
        return line

    yield make
    for line in made:
        line.close()
