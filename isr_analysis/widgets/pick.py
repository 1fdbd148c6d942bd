"""Choosing publishers and topics: a search, a list grouped by client, and when each was last heard."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.standing import PAUSED, readable, standing
from isr_analysis.errors import AddOnMissingError, UsageError, in_words
from isr_analysis.history import load_history
from isr_analysis.live import load_live
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.publishers import load_publishers
from isr_analysis.widgets.background import Task, Worker
from isr_analysis.widgets.base import Composite, row, tell
from isr_analysis.widgets.words import call, notice

Key = tuple[str, str | None]
"""A line of the list: a client and one of its topics; None is all of them."""

_USUAL = ("#", "telemetry/#", "state/#", "event/#")
_NAMED = 8  # of the chosen clients, below the list
_INDENT = "\N{EM SPACE}" * 2


class Picker(Composite):
    """Choose publishers and topics.

    Parameters
    ----------
    client_id : str or list-like of str, optional
        The initial selection; by default, the whole account.
    topic : str
        An MQTT topic filter.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Attributes
    ----------
    value : dict or None
        The choice as arguments for a loader: ``client_id`` (list of str, or None for all) and ``topic`` (str). It can
        be set. It is None while the topic is not a valid filter; the widget says why.

    Notes
    -----
    A loader takes one topic filter. If several topics are chosen, it is the narrowest one that covers them all, and the
    widget shows it.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> picker = isr.widgets.picker("isr-shack-01", "telemetry/#")
    >>> picker.value
    {'client_id': ['isr-shack-01'], 'topic': 'telemetry/#'}
    """

    value: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, client_id: Clients | None = None, topic: str = "#", *, portal: Portal | None = None) -> None:
        super().__init__(portal=portal)
        self._chosen: set[Key] = set()
        self._topics: dict[str, dict[str, int]] = {}  # when each was last heard, ns since 1970
        self._table = pd.DataFrame({"client_id": pd.Series(dtype="str")})
        self._derived = False
        self._whose: str | None = None  # the account of what is listed
        self._worker, self._finder = (Worker(lambda exc: tell(self.trouble, exc)) for _ in range(2))
        self._workers = (self._worker, self._finder)
        style = {"description_width": "48px"}
        self.search = ipywidgets.Text(
            description="Search", placeholder="part of a client, label or topic", style=style,
            layout={"width": "auto", "flex": "1 1 220px"},
        )  # fmt: skip
        self.refresh = ipywidgets.Button(
            description="Refresh", tooltip="Ask the portal again when each publisher was last heard",
            layout={"width": "100px"},
        )  # fmt: skip
        self.list = ipywidgets.SelectMultiple(
            description="Clients", rows=9, style=style, layout={"width": "auto", "min_width": "0"}
        )
        self.nothing = ipywidgets.HTML()
        self.topic = ipywidgets.Combobox(
            value="#", options=_USUAL, description="Topic", continuous_update=False, style=style,
            placeholder="an MQTT filter, such as telemetry/#", layout={"width": "auto", "flex": "1 1 220px"},
        )  # fmt: skip
        self.find = ipywidgets.Button(
            description="Find topics", layout={"width": "120px"},
            tooltip="Load the last hour, and list under each client what it published",
        )  # fmt: skip
        self.clear = ipywidgets.Button(
            description="All clients", tooltip="Clear the selection: all clients", layout={"width": "100px"}
        )
        self.said = ipywidgets.HTML()
        self.trouble = ipywidgets.HTML()
        self.children = [
            self._page, row(self.search, self.refresh), self.list, self.nothing,
            row(self.topic, self.find, self.clear), self.said, self.trouble,
        ]  # fmt: skip
        self.value = {"client_id": client_id, "topic": topic}
        self.search.observe(lambda _: self._list(), "value")
        self.list.observe(self._selected, "value")
        self.topic.observe(self._typed, "value")
        self.refresh.on_click(lambda _: self.load(max_age="1s"))
        self.find.on_click(lambda _: self.find_topics())
        self.clear.on_click(lambda _: self._none())

    def load(self, *, max_age: str = "60s") -> None:
        """List the publishers, from the portal or a recent enough cached answer; returns immediately."""
        self._worker.start(lambda task: self._load(task, max_age))

    def find_topics(self) -> None:
        """Load the last hour, and list the topics that each client published; returns immediately."""
        self.trouble.value = notice("Loading the last hour …")
        self._finder.start(self._find)

    def learn(self, df: pd.DataFrame) -> None:
        """List the topics in a loader's frame under their clients."""
        if len(df):
            last = df.index.to_series().groupby([df["client_id"], df["topic"]], observed=True).max()
            for client, topic, at in last.rename("at").reset_index().itertuples(index=False):
                known = self._topics.setdefault(str(client), {})
                known[str(topic)] = max(at.as_unit("ns").value, known.get(str(topic), 0))
        self._list()

    def code(self) -> str:
        """Return Python code that loads the same publishers."""
        return call("isr.load_publishers", {}, raw=self._raw)

    def parts(self) -> Iterator[Any]:
        """Return the publishers as a table."""
        yield readable(_known(self._connected(), "60s")[0])

    def _appear(self) -> None:
        self.load()

    @traitlets.validate("value")
    def _usable(self, proposal: dict[str, Any]) -> dict[str, Any] | None:
        given = proposal["value"]
        if given is None:
            return None
        if unknown := sorted(set(given) - {"client_id", "topic"}):
            raise UsageError(f"value has {', '.join(unknown)}; a choice has client_id and topic")
        meant = Selector.of(given.get("client_id"), given.get("topic", "#"))
        return {"client_id": meant.client_id, "topic": meant.topic}

    @traitlets.observe("value")
    def _fill(self, _: dict[str, Any]) -> None:
        if self.value is None:
            return
        if not self._filling:
            with self._quietly():
                self._chosen = {(client, None) for client in self.value["client_id"] or ()}
                self._derived = False
                self.topic.value = self.value["topic"]
            self._list()
        who = self.value["client_id"]
        whom = "all clients" if who is None else f"{counted(len(who), 'client')}: {', '.join(who[:_NAMED])}"
        more = f" and {len(who) - _NAMED:,} more" if len(who or ()) > _NAMED else ""
        told = html.escape(f"Chosen: {whom}{more} · topic {self.value['topic']}")
        self.said.value = f'<span class="isr-dim">{told}</span>'
        self.trouble.value = ""

    def _none(self) -> None:
        self.value = {"client_id": None, "topic": "#" if self._derived else self.topic.value}

    def _selected(self, _: dict[str, Any]) -> None:
        if self._filling:
            return
        shown = {key for _, key in self.list.options}
        self._chosen = (self._chosen - shown) | set(self.list.value)  # a search hides, it does not take away
        topics = sorted({topic for _, topic in self._chosen if topic is not None})
        whole = any(topic is None for _, topic in self._chosen)
        if topics or self._derived:
            with self._quietly():
                self.topic.value = narrowest(topics) if topics and not whole else "#"
            self._derived = bool(topics)
        self._take()

    def _typed(self, _: dict[str, Any]) -> None:
        if not self._filling:
            self._derived = False
            self._take()

    def _take(self) -> None:
        """Make what is entered the value, or say why it cannot be."""
        clients = sorted({client for client, _ in self._chosen})
        try:
            with self._quietly():
                self.value = {"client_id": clients or None, "topic": self.topic.value.strip()}
        except UsageError as exc:
            self.value = None
            self.said.value, self.trouble.value = "", notice(in_words(exc), "bad")

    def _list(self) -> None:
        """Fill the list with what the search leaves of the clients and their topics."""
        now = time.time_ns() if self._portal is None else self._portal.now()
        words = self.search.value.casefold().split()
        lines: list[tuple[str, Key]] = []
        rows = {str(one["client_id"]): one for one in self._table.to_dict("records")}
        chosen = {client for client, _ in self._chosen}
        for client in sorted({*rows, *self._topics, *chosen}, key=lambda one: (one not in chosen, one)):
            told = rows.get(client, {})
            age = now - told["heard"].value if told and not pd.isna(told["heard"]) else None
            label = f" · {told['label']}" if told.get("label") else ""
            state = f"{PAUSED} · " if told.get("state") == PAUSED else ""
            last = f" — {state}{times.ago(age)}" if told else ""
            own: list[tuple[str, Key]] = [
                (f"{_INDENT}{topic} — {times.ago(now - at)}", (client, topic))
                for topic, at in sorted(self._topics.get(client, {}).items())
            ]
            if not _has(words, f"{client}{label}"):
                own = [line for line in own if _has(words, f"{client}{label} {line[1][1]}")]
                if not own:
                    continue
            lines += [(f"{client}{last}{label}", (client, None)), *own]  # a narrow list breaks the label
        lost = words and not lines and {*rows, *self._topics}
        self.nothing.value = notice(f'No client, label or topic matches "{" ".join(words)}".') if lost else ""
        with self._quietly(), self.list.hold_sync():  # a page would look for what was chosen among the new lines
            self.list.options = lines
            self.list.value = [key for _, key in lines if key in self._chosen]
            seen = {topic for own in self._topics.values() for topic in own}
            self.topic.options = [*_USUAL, *sorted(seen - {*_USUAL})]

    def _load(self, task: Task, max_age: str) -> None:
        portal = self._connected()
        table, live = _known(portal, max_age)
        account = portal.account_id
        with task.turn():
            if self._whose not in (None, account):
                self._topics.clear()
            self._table, self._whose = table, account
            if not self._finder.busy:
                self.trouble.value = ""
            self.learn(live)

    def _find(self, task: Task) -> None:
        who = None if self.value is None else self.value["client_id"]
        df = load_history(who, last="1h", portal=self._connected(), progress=lambda _: task.check())
        with task.turn():
            found = notice(
                f"The last hour has {counted(df['topic'].nunique(), 'topic')}.", "good" if len(df) else "warn"
            )
            self.trouble.value = found + notice(df.attrs["warning"], "warn")
            self.learn(df)


def narrowest(topics: list[str]) -> str:
    """Give the narrowest MQTT topic filter that matches all topics.

    >>> narrowest(["telemetry/rf"]), narrowest(["telemetry/rf", "telemetry/gps"]), narrowest(["state/rf", "up"])
    ('telemetry/rf', 'telemetry/+', '#')
    """
    levels = [topic.split("/") for topic in dict.fromkeys(topics)]
    if len({len(one) for one in levels}) == 1:
        return "/".join(same.pop() if len(same := set(level)) == 1 else "+" for level in zip(*levels, strict=True))
    shared = []
    for level in zip(*levels, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join([*shared, "#"])


def _has(words: list[str], text: str) -> bool:
    return all(word in text.casefold() for word in words)


def _known(portal: Portal, max_age: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give how each publisher stands, and the live answer; one of the two add-ons is enough."""
    missing: AddOnMissingError | None = None
    live, publishers = pd.DataFrame(), None
    try:
        live = load_live(max_age=max_age, portal=portal)
    except AddOnMissingError as exc:
        missing = exc
    try:
        publishers = load_publishers(max_age=max_age, portal=portal)
    except AddOnMissingError:
        if missing is not None:
            raise missing from None
    if missing is not None:
        live = pd.DataFrame({"client_id": [], "topic": []}, index=pd.DatetimeIndex([], tz="UTC", name="time"))
    return standing(live, publishers, now=portal.now()), live
