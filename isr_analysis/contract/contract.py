"""What the portal's parameters and fields mean, as data.

The portal's history and live formats are unpublished, so nothing else in the package names a parameter of theirs. A
contract is read from the portal's OpenAPI document (`isr_analysis.contract.openapi`), corrected by what the portal says
when it refuses (`isr_analysis.contract.refusals`), and overridden by a TOML file of the user's
(`isr_analysis.contract.file`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from isr_analysis import times
from isr_analysis.answers import Fields
from isr_analysis.contract import layouts, lengths
from isr_analysis.errors import CONTRACT_FILE, HistoryIncompleteError, UsageError
from isr_analysis.messages import Selector

TopicForm = Literal["filter", "path filter", "subpath", "path", "prefix", "path prefix"]

API = "/api/v1/subscriber"
"""The path of the API on a portal."""

Route = Annotated[str, msgspec.Meta(pattern="^/")]
"""A path on the portal: put behind the origin, it must not change the host."""

_LATER = 2 * times.MINUTE
"""How far the portal's clock may be ahead where a range reaches back from its now."""

_TOLD = ", corrected by what the portal said"
"""Behind the source of a contract that was."""

MANY = 1000
"""Rows of a list that are asked for at once, where the portal allows as many."""

NARROWEST = times.MINUTE
"""A range that is refused at this length is not refused as too long, ns."""


class TopicNeededError(UsageError):
    """A portal that gives one topic at a time was asked for all."""


@dataclass(frozen=True, slots=True)
class History:
    """How `/history` is asked, and what it answers. A parameter that the route has not is None.

    Parameters
    ----------
    path : str
        The route.
    start, end : str or None
        The parameters of the range; one of that name twice takes both, with `divider` between the two.
    divider : str
        What stands between the two ends of the range where one parameter takes both: ``"/"`` as in ISO 8601, ``","`` or
        ``".."``; or all that it takes, with ``{start}`` and ``{end}`` in it, such as ``"time ge {start} and time lt
        {end}"``.
    time_form : {"iso", "iso seconds", "date", "number", "s", "ms", "us", "ns"} or str
        How instants are written: ISO 8601 (to the microsecond, or in whole seconds), a date alone, a number since
        1970, of a unit that is to be found out or of a known one; or a layout of UTC such as ``"%Y-%m-%d %H:%M:%S"``,
        with ``%3f`` for milliseconds.
    start_included : bool or None
        Whether a message at `start` is in the answer; None if that is not known.
    end_included : bool or None
        Where instants are dates: whether the messages of the day `end` are in the answer; None if that is not known.
    end_is_past : bool
        Whether the portal refuses an end that lies in the future: then it is now at the latest.
    longest : str or None
        The longest range that may be asked for at once, such as ``"24h"``.
    shortest : str or None
        The shortest range that may be asked for, such as ``"1h"``: a shorter one is read from one so long.
    length : str or None
        The parameter of how long the range is, from its start on; without `start` and `end`, how far it reaches back
        from now.
    length_form : str
        What `length` takes: a number of ``"s"``, ``"min"``, ``"h"``, ``"d"`` or ``"w"``, a text such as ``"24h"`` or
        ``"PT24H"``, or one of those that stand here with commas between them.
    client : str or None
        The parameter of one client id.
    client_field : str or None
        The field of the list of publishers that `client` takes, such as ``"id"`` or ``"label"``; None: the client id.
    client_required : bool
        Whether the portal wants one client named in each question.
    topic : str or None
        The parameter of the topic.
    topic_form : str or None
        What `topic` takes: ``"filter"`` or ``"path filter"``, an MQTT filter on the subpath or on the platform path;
        ``"subpath"`` or ``"path"``, one topic; ``"prefix"`` or ``"path prefix"``, how it begins. If None, it is not
        used: all topics are asked for, and picked from here.
    topic_required : bool
        Whether the portal wants a topic named in each question: then the whole of an account or of a client is, too.
    account : str or None
        The parameter of the account id, where the portal wants one.
    limit : str or None
        The parameter of the page's size.
    page_size : int
        Messages per page that are asked for, where the portal allows as many.
    page_size_is_kept : bool
        Whether the portal documents this size as allowed, so that a shorter page is the last.
    cursor, page, offset : str or None
        The parameter that names the next page: by a token, by its number, or by the messages before it.
    first_page : int or None
        The number of the first page, if it is known.
    fixed : mapping of str to str
        Parameters that are sent with every question.
    fields : Fields
        The names of the answer's fields; what is None is found by its shape.
    """

    path: Route = f"{API}/history"
    start: str | None = "start"
    end: str | None = "end"
    divider: str = "/"
    time_form: str = "iso"
    start_included: bool | None = None
    end_included: bool | None = None
    end_is_past: bool = False
    longest: str | None = None
    shortest: str | None = None
    length: str | None = None
    length_form: str = "h"
    client: str | None = "client_id"
    client_field: str | None = None
    client_required: bool = False
    topic: str | None = None
    topic_form: TopicForm | None = None
    topic_required: bool = False
    account: str | None = None
    limit: str | None = "limit"
    page_size: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    page_size_is_kept: bool = False
    cursor: str | None = None
    page: str | None = None
    first_page: int | None = None
    offset: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)

    @property
    def unit(self) -> int:
        """The finest step between two instants that can be asked for, ns."""
        unit = layouts.unit(self.time_form)
        return max(unit, lengths.unit_of(self.length_form)) if self.reaches_back else unit

    @property
    def slack(self) -> int:
        """How far an answer may reach over its range: ends may be rounded, or counted in, ns."""
        return max(times.MINUTE, 2 * self.unit)

    @property
    def has_ends(self) -> bool:
        """Whether a start or an end is asked for."""
        return self.start is not None or self.end is not None

    @property
    def of_days(self) -> bool:
        """Whether instants are dates alone."""
        return layouts.unit(self.time_form) == times.DAY

    @property
    def is_unranged(self) -> bool:
        """Whether no range is asked for."""
        return self.start is self.end is self.length is None

    @property
    def before(self) -> int:
        """How long before a range its question begins, as it is not known whether its start itself is counted in, ns.

        It is a second if ranges may be so long: a portal may round the start to that.
        """
        if self.start_included is True or self.of_days:
            return 0
        is_room = self.longest is None or times.duration(self.longest) > times.MINUTE
        return max(self.unit, times.SECOND if is_room else 0)

    @property
    def reaches_back(self) -> bool:
        """Whether the range can only be asked for by how far it reaches back from now."""
        return self.length is not None and self.start is None and self.end is None

    def can_be_parted(self, span: times.Range) -> bool:
        """Tell whether the portal can be asked for the halves of a range in its place."""
        ranged = self.start is not None and (self.end is not None or self.length is not None)
        least = max(NARROWEST, self.unit, 0 if self.shortest is None else times.duration(self.shortest))
        return ranged and not self.of_days and span.end - span.start >= 2 * least

    def widened(self, span: times.Range, now: int, *, back: bool = False) -> times.Range:
        """Give the range to ask for that holds another, and is as long as the portal wants.

        It is longer at its end, but not beyond `now`; at its beginning if there is no room, or with `back`.
        """
        least = 0 if self.shortest is None else times.duration(self.shortest)
        end = span.end if back else max(span.end, min(span.start + least, now))
        return times.Range(min(span.start, end - least), end)

    def askable(self, selector: Selector) -> Selector:
        """Give the narrowest selector that the portal can be asked for and that covers another one."""
        clients = selector.clients if self.client is not None or self._narrows_by_path else None
        topic, form = selector.topic, self.topic_form if self.topic is not None else None
        wild = "+" in topic or "#" in topic
        if form is None or (wild and form in ("subpath", "path")):
            topic = "#"
        elif wild and form in ("prefix", "path prefix"):
            levels = topic.split("/")
            fixed = levels[: next(i for i, level in enumerate(levels) if level in ("+", "#"))]
            topic = "/".join([*fixed, "#"])
        if form in ("path", "path prefix") and clients is None:  # a path begins with account and client
            topic = "#"
        return Selector(clients, topic)

    @property
    def _narrows_by_path(self) -> bool:
        """Whether one client of several can be asked for by the topic, for want of a parameter of its own."""
        form = self.topic_form if self.client is None and self.topic not in (None, *self.fixed) else None
        return form == "path filter" or (form == "path prefix" and self.client_required)

    def asks_by_path(self, selector: Selector) -> bool:
        """Tell whether the topic that is asked for begins with account and client, if one is."""
        narrows = self._narrows_by_path and selector.clients is not None
        named = selector.topic != "#" or self.topic_required or narrows
        return named and self.topic is not None and (self.topic_form or "").startswith("path")

    def question(
        self,
        selector: Selector,
        span: times.Range,
        *,
        account_id: str | None,
        now: int,
        prefixes: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, str]:
        """Write the parameters that ask for a span of what `askable` gave, of one client or of all.

        Where the account is not known (None), what cannot be said without it is left out, and so asked for wider.
        Some portals count back from `now`, or refuse what is later. `prefixes` is what the topics of each client begin
        with, as the portal says; an old installation has something before the account.

        Raises
        ------
        HistoryIncompleteError
            The portal does not reach back so far.
        TopicNeededError
            It gives one topic at a time, and none was asked for.
        """
        asked = dict(self.fixed)
        if self.of_days and (zone := self.fields.time_zone) is not None:  # its days are those of its clock
            ends = times.on_the_wall(span.start, zone, later=False), times.on_the_wall(span.end, zone, later=True)
            span = times.Range(*ends)
        if self.start is not None:
            asked[self.start] = self.instant(span.start)
        if self.end is not None:
            last_day = self.of_days and self.end_included and span.end > span.start
            end = span.end - 1 if last_day else -(-span.end // self.unit) * self.unit
            last = self.instant(min(end, now) if self.end_is_past else end, later=True)
            asked[self.end] = self._both(asked[self.end], last) if self.end == self.start else last
        if self.length is not None:
            asked[self.length] = self._length(span, now)
        if self.account is not None and account_id is not None:
            asked[self.account] = account_id
        client = None if selector.clients is None else selector.clients[0]
        if self.client is not None and client is not None:
            asked[self.client] = client
        topic = self._topic(selector.topic, client, account_id=account_id, prefixes=prefixes)
        if self.topic is not None and topic is not None:
            asked[self.topic] = topic
        if self.limit is not None:
            asked[self.limit] = str(self.page_size)
        return asked

    def _both(self, first: str, last: str) -> str:
        """Write both ends of a range as one parameter takes them."""
        if "{start}" in self.divider:
            return self.divider.replace("{start}", first).replace("{end}", last)
        return f"{first}{self.divider}{last}"

    def instant(self, ns: int, *, later: bool = False) -> str:
        """Write an instant as the portal wants it, cut to its unit; without a zone, by the clock of its answers."""
        if self.fields.time_zone is not None and layouts.is_bare(self.time_form):
            ns = times.on_the_wall(ns, self.fields.time_zone, later=later)
        return layouts.written(self.time_form, ns // self.unit * self.unit)

    def _length(self, span: times.Range, now: int) -> str:
        needed = span.end - span.start
        if self.reaches_back:  # from the portal's own now, a little later than ours
            needed = now + _LATER - span.start
        written = lengths.written(self.length_form, needed)
        if written is None or (
            self.longest is not None and needed > times.duration(self.longest) and self.reaches_back
        ):
            raise HistoryIncompleteError(
                f"the portal's history is asked for by how far it reaches back ({self.length!r}, at most "
                f"{self.longest or self.length_form}), which is not as far as {times.iso(span.start)}; ask for a later "
                f"range, or say in {CONTRACT_FILE} how else to ask"
            )
        return written

    def _topic(
        self, topic: str, client: str | None, *, account_id: str | None, prefixes: Mapping[str, str]
    ) -> str | None:
        """Write a topic as the portal wants it; None if none is to be sent, or what is set for it will do."""
        form = self.topic_form
        if self.topic is None or form is None or (account_id is None and form in ("path", "path prefix")):
            return None
        roots = (one.partition(f"{account_id}/") for one in prefixes.values())
        home = next((root for root, found, _ in roots if found), "") + (account_id or "+")
        if topic != "#":
            if form in ("prefix", "path prefix"):
                topic = topic.removesuffix("#").removesuffix("/")  # "t/#" matches "t" as well
            return f"{home}/{client or '+'}/{topic}" if form in ("path", "path filter", "path prefix") else topic
        is_narrowed = client is not None and account_id is not None and self._narrows_by_path
        if not self.topic_required and not is_narrowed:
            return None
        if form in ("subpath", "path"):
            raise TopicNeededError(
                f"this portal gives the history of one topic at a time ({self.topic!r} must be a whole topic, "
                "without wildcards): name one with topic= (and its client with client_id=)"
            )
        whole = f"{home}/" if client is None else f"{home}/{client}/"
        if form == "path prefix":
            return prefixes.get(client or "") or whole
        if form != "path filter" or self.topic in self.fixed:
            return None
        return "#" if account_id is None else f"{whole}#"


@dataclass(frozen=True, slots=True)
class Pages:
    """How a list and its further pages are asked for; the parameters are those of `History`."""

    limit: str | None = None
    page_size: int = MANY
    cursor: str | None = None
    page: str | None = None
    first_page: int | None = None
    offset: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)


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
    lists : mapping of str to Pages
        How other routes are asked for, by the ends of their paths, such as ``"/publishers"``.
    headers : mapping of str to str
        What is sent beside the token with each request, such as ``X-Tenant``. One without a value is wanted by the
        portal's document, and not sent.
    source : str
        Where this came from; part of every frame's provenance.
    narrowed : str
        Which parameters have the first of several values, in words: the portal wants one, and has none for all; or by
        which ones it thins messages out, and offers no way not to. ``""`` if there is no such parameter.
    is_assumed : bool
        Whether nothing says how a range is asked for: no document, no file of the user's; or the portal refuses it so.
    """

    history: History = field(default_factory=History)
    live: Route = f"{API}/publishers/live"
    publishers: Route = f"{API}/publishers"
    live_fields: Fields = field(default_factory=Fields)
    lists: Mapping[str, Pages] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = "built in"
    narrowed: str = ""
    is_assumed: bool = True

    def taught(self, history: History) -> Contract:
        """Give what is agreed on once the portal's refusal of a question, or its answer, taught how else to ask."""
        told = self.source if self.source.endswith(_TOLD) else self.source + _TOLD
        # It refuses the range, or its start, as it was sent: without it, it may give the last day alone.
        refused = history.start is None and history.length is None and self.history.start is not None
        return replace(self, history=history, source=told, is_assumed=self.is_assumed or refused)

    def paged(self, path: str) -> History:
        """Give how a route without a range is asked for, as far as something says it."""
        known = asdict(self.lists.get(path.removeprefix(API), Pages()))
        return History(path=path, start=None, end=None, client=None, **known)

    @property
    def choice(self) -> str:
        """What to tell of a choice that leaves messages out; ``""`` if none was made."""
        if not self.narrowed:
            return ""
        other = f"to choose another, name it in [history.fixed] of {CONTRACT_FILE} and load once with refresh=True"
        return f"the portal has {self.narrowed}; {other}"
