"""What the portal's parameters and fields mean, as data.

The portal's history and live formats are unpublished, so nothing else in the package names a parameter of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from isr_analysis import times
from isr_analysis.answers import Fields
from isr_analysis.messages import Selector
from isr_analysis.portal.wire import API

TimeForm = Literal["iso", "s", "ms", "us", "ns"]


@dataclass(frozen=True, slots=True)
class History:
    """How `/history` is asked, and what it answers.

    Parameters
    ----------
    path : str
        The route.
    start, end : str
        The parameters of the range.
    client, topic, limit, cursor : str or None
        The parameters of one client, of a topic filter on the subpath, of the page's size and of where the next
        page begins; None if the route has none.
    time_form : {"iso", "s", "ms", "us", "ns"}
        How instants are written: ISO 8601, or a number since 1970.
    page_size : int
        Messages per page that are asked for.
    fields : Fields
        The names of the answer's fields; what is None is found by its shape.
    """

    path: str = f"{API}/history"
    start: str = "start"
    end: str = "end"
    client: str | None = "client_id"
    topic: str | None = "topic"
    limit: str | None = "limit"
    cursor: str | None = "cursor"
    time_form: TimeForm = "iso"
    page_size: int = 10_000
    fields: Fields = field(default_factory=Fields)

    def question(self, selector: Selector, span: times.Range) -> dict[str, str]:
        """Write the parameters that ask for one client's or all messages of a span."""
        asked = {self.start: self.instant(span.start), self.end: self.instant(span.end)}
        if self.client is not None and selector.clients is not None:
            (asked[self.client],) = selector.clients
        if self.topic is not None and selector.topic != "#":
            asked[self.topic] = selector.topic
        if self.limit is not None:
            asked[self.limit] = str(self.page_size)
        return asked

    def instant(self, ns: int) -> str:
        """Write an instant as the portal wants it."""
        if self.time_form == "iso":
            return times.iso(ns)
        return str(ns // {"s": times.SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}[self.time_form])


@dataclass(frozen=True, slots=True)
class Contract:
    """What is agreed with a portal.

    Parameters
    ----------
    history : History
        The stored messages.
    live, publishers : str
        The routes of the last message of each publisher, and of the MQTT clients.
    live_fields : Fields
        The names of the live answer's fields.
    source : str
        Where this came from; part of every frame's provenance.
    """

    history: History = field(default_factory=History)
    live: str = f"{API}/publishers/live"
    publishers: str = f"{API}/publishers"
    live_fields: Fields = field(default_factory=Fields)
    source: str = "built in"

    def with_cursor(self, asked: Mapping[str, str], cursor: str) -> dict[str, str]:
        """Write the parameters of the page that a cursor names."""
        return {**asked, str(self.history.cursor): cursor}
