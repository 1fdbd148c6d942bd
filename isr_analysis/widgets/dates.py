"""A time range: calendars, presets, a zone, and below it how much of the range is on disk."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import traitlets

from isr_analysis import times
from isr_analysis.errors import UsageError, in_words
from isr_analysis.holdings import coverage
from isr_analysis.messages import Clients, Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.widgets.background import Task, Worker
from isr_analysis.widgets.base import Composite, row
from isr_analysis.widgets.strip import strip
from isr_analysis.widgets.words import Notice, call, notice

_OWN = "from … to …"
_PRESETS = (
    "last hour", "last 24 hours", "today", "yesterday", "last 7 days", "last 30 days", "this month", "last month",
)  # fmt: skip
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_LAST = {"last hour": "1h", "last 24 hours": "24h", "last 7 days": "7d", "last 30 days": "30d"}


class DateRange(Composite):
    """Choose a time range, by a preset or by its start and end.

    Parameters
    ----------
    client_id, topic
        The selection whose `coverage` is drawn under the range; by default, the whole account.
    start, end, last, tz
        The initial range; see `load_history`. By default, the last 7 days.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Attributes
    ----------
    value : dict or None
        The range as arguments for a loader: ``start``, ``end`` or ``last``, and ``tz``, each a str. It can be set. It
        is None while the input is not a valid range; the widget says why.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> dates = isr.widgets.date_range(start="2026-11-01", end="2026-11-08", tz="Europe/Zurich")
    >>> dates.value
    {'start': '2026-11-01', 'end': '2026-11-08', 'tz': 'Europe/Zurich'}
    """

    value: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(
        self,
        client_id: Clients | None = None,
        topic: str = "#",
        *,
        start: times.Instant | None = None,
        end: times.Instant | None = None,
        last: str | dt.timedelta | None = None,
        tz: str = "UTC",
        portal: Portal | None = None,
    ) -> None:
        super().__init__(portal=portal)
        self._now = time.time_ns if portal is None else portal.now
        Selector.of(client_id, topic)
        self._of: tuple[Clients | None, str] = (client_id, topic)
        self._worker = Worker(self._fail)
        self._workers = (self._worker,)
        style = {"description_width": "48px"}
        wide = {"width": "auto", "flex": "1 1 230px", "max_width": "300px"}
        self.preset = ipywidgets.Dropdown(options=[*_PRESETS, _OWN], description="Range", style=style, layout=wide)
        self.start = ipywidgets.NaiveDatetimePicker(description="Start", style=style, layout=wide)
        self.end = ipywidgets.NaiveDatetimePicker(description="End", style=style, layout=wide)
        zones = ["UTC", *sorted(times.zone_names() - {"UTC"})]
        self.zone = ipywidgets.Combobox(
            options=zones, description="Zone", continuous_update=False, style=style, layout=wide,
            tooltip="An IANA name, such as Europe/Zurich",
        )  # fmt: skip
        self.said = ipywidgets.HTML()
        self.held = ipywidgets.HTML()
        self.children = [
            self._page, row(self.preset, self.zone), row(self.start, self.end), self.said, self.held,
        ]  # fmt: skip
        given = {"start": start, "end": end, "last": "7d" if all(one is None for one in (start, last, end)) else last}
        self.value = {**{key: _written(one) for key, one in given.items() if one is not None}, "tz": str(tz)}
        self.preset.observe(self._chosen, "value")
        self.zone.observe(self._moved, "value")
        self.start.observe(self._edited, "value")
        self.end.observe(self._edited, "value")

    def of(self, client_id: Clients | None = None, topic: str = "#") -> None:
        """Set the selection whose data on disk is drawn."""
        self._of = (client_id, topic)
        self.draw()

    def draw(self) -> None:
        """Redraw what is on disk; returns immediately. Nothing is drawn before the widget is displayed."""
        if self._seen and self.value is not None:
            self._worker.start(self._draw)

    def range(self) -> times.Range:
        """Return the chosen range, relative to now.

        Raises
        ------
        UsageError
            The input is not a valid range.
        """
        return _resolve(self._entered() if self.value is None else self.value, self._now())

    def code(self) -> str:
        """Return Python code that reads the same part of the ledger."""
        client, topic = self._of
        asked = {"client_id": client, "topic": None if topic == "#" else topic, **(self.value or {})}
        return call("isr.coverage", asked, raw=self._raw)

    def parts(self) -> Iterator[Any]:
        """Return the range as text, and how much of it is on disk."""
        span, zone = self.range(), (self.value or {}).get("tz", "UTC")
        yield Notice(f"{_wall(span.start, zone)} to {_wall(span.end, zone)} ({zone})")
        yield self._covered()

    def _appear(self) -> None:
        self.draw()

    @traitlets.validate("value")
    def _usable(self, proposal: dict[str, Any]) -> dict[str, str] | None:
        given = proposal["value"]
        if given is None:
            return None
        if unknown := sorted(set(given) - {"start", "end", "last", "tz"}):
            raise UsageError(f"value has {', '.join(unknown)}; a range has start, end or last, and tz")
        _resolve(given, self._now())
        return {**given, "tz": given.get("tz", "UTC")}

    @traitlets.observe("value")
    def _fill(self, _: dict[str, Any]) -> None:
        """Show the value in the fields, unless it came from there."""
        if self.value is None:
            return
        if not self._filling:
            with self._quietly():
                span, tz = _resolve(self.value, self._now()), self.value["tz"]
                self.zone.value = tz
                self.start.value, self.end.value = _wall(span.start, tz), _wall(span.end, tz)
                asked = {key: one for key, one in self.value.items() if key != "tz"}
                same = [name for name in _PRESETS if self._preset(name, tz) == asked]
                if not same and "last" in asked:
                    same = [f"last {asked['last']}"]
                    self.preset.options = [*dict.fromkeys([*self.preset.options[:-1], *same]), _OWN]
                self.preset.value = same[0] if same else _OWN
        self.said.value = ""
        self.draw()

    def _chosen(self, change: dict[str, Any]) -> None:
        if not self._filling and change["new"] != _OWN:
            zone = self.zone.value.strip()
            self._take(lambda: {**self._preset(change["new"], zone), "tz": zone}, refill=True)

    def _moved(self, _: dict[str, Any]) -> None:
        if not self._filling:
            if self.preset.value != _OWN:
                self._chosen({"new": self.preset.value})
            else:
                self._take(self._entered)

    def _edited(self, _: dict[str, Any]) -> None:
        if not self._filling:
            with self._quietly():
                self.preset.value = _OWN
            self._take(self._entered)

    def _take(self, make: Callable[[], dict[str, str]], *, refill: bool = False) -> None:
        """Make what is entered the value, or say why it cannot be."""
        try:
            value = make()
            if refill:
                self.value = value
                return
            with self._quietly():
                self.value = value
        except UsageError as exc:
            self._worker.stop()
            self.said.value, self.held.value = notice(in_words(exc), "bad"), ""
            self.value = None

    def _entered(self) -> dict[str, str]:
        if self.start.value is None:
            raise UsageError(
                "the start is empty or not yet a complete date and time; the end may be left empty, which means now"
            )
        zone, said = self.zone.value.strip(), self.value or {}
        ends = {name: field.value for name, field in (("start", self.start), ("end", self.end)) if field.value}
        # A field shows no seconds, nor which of two hours is meant: what it still shows is meant as it was said.
        same = {n for n, at in ends.items() if n in said and _wall(times.instant(said[n], zone), zone) == at}
        return {**{name: said[name] if name in same else _written(at) for name, at in ends.items()}, "tz": zone}

    def _preset(self, name: str, tz: str) -> dict[str, str]:
        if name in _LAST or name not in _PRESETS:
            return {"last": _LAST.get(name) or name.removeprefix("last ")}
        today = _wall(self._now(), tz).date()
        month = today.replace(day=1)
        before = (month - dt.timedelta(days=1)).replace(day=1)
        starts, ends = {
            "today": (today, None),
            "yesterday": (today - dt.timedelta(days=1), today),
            "this month": (month, None),
            "last month": (before, month),
        }[name]
        return {"start": starts.isoformat(), **({} if ends is None else {"end": ends.isoformat()})}

    def _covered(self) -> Any:
        client, topic = self._of
        return coverage(client, topic, portal=self._connected(), **(self.value or self._entered()))

    def _draw(self, task: Task) -> None:
        drawn = strip(self._covered())
        with task.turn():
            self.held.value = drawn

    def _fail(self, exc: Exception) -> None:
        self.held.value = f'<div class="isr-dim">What is on disk is not known: {notice(in_words(exc), "bad")}</div>'


def _resolve(given: dict[str, str], now: int) -> times.Range:
    return times.resolve(given.get("start"), given.get("end"), given.get("last"), tz=given.get("tz"), now=now)


def _wall(ns: int, tz: str) -> dt.datetime:
    """Give an instant as the clock on the wall shows it, to the minute."""
    at = dt.datetime.fromtimestamp(ns // times.SECOND, dt.UTC).astimezone(times.zone(tz))
    return at.replace(tzinfo=None, second=0)


def _written(value: Any) -> str:
    """Write an instant as short as it can be: a date where it is midnight; a span of time in its largest unit."""
    if isinstance(value, dt.timedelta):
        seconds = value.total_seconds()
        size, unit = next((one for one in _UNITS if seconds % one[0] == 0), _UNITS[-1])
        return f"{seconds / size:.6f}".rstrip("0").rstrip(".") + unit
    if isinstance(value, dt.datetime) and type(value) is dt.datetime:
        if value.time() == dt.time() and value.tzinfo is None:
            return value.date().isoformat()
        return value.isoformat(timespec="minutes" if not value.second and not value.microsecond else "auto")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
