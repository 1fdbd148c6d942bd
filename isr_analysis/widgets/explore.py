"""The explorer: choose, see the plan, load, look, and copy the code."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks import gaps
from isr_analysis.checks.series import zone_of
from isr_analysis.errors import IsrError, UsageError, in_words
from isr_analysis.export import write_file
from isr_analysis.files import path_of
from isr_analysis.history import load_history
from isr_analysis.holdings import coverage
from isr_analysis.messages import Clients
from isr_analysis.planning import plan_history
from isr_analysis.plots import timeline, timeseries
from isr_analysis.portal.portal import Portal
from isr_analysis.progress import Status
from isr_analysis.widgets.background import Task, Worker
from isr_analysis.widgets.base import Composite, row, side, tell
from isr_analysis.widgets.dates import DateRange
from isr_analysis.widgets.pick import Picker
from isr_analysis.widgets.words import Code, Notice, call, literal, notice, table

_ALL = "all that can be drawn"
_GAPS = 50
_NO_GAPS = "No gaps: every series kept to its usual interval."
_FORMER = "What is shown and saved here was loaded for another selection than the present one: press Load."
_BAD = re.compile(r'<div class="isr-note isr-bad".*?</div>', re.DOTALL)
_OFTEN = 0.15  # s between two lines of progress


class Explorer(Composite):
    """Choose publishers, topics and a range; see what loading costs; load and plot the data, and copy the code.

    Nothing is fetched before Load is pressed. A download can be stopped: what has arrived stays on disk, and the next
    download continues from there.

    Parameters
    ----------
    client_id, topic, start, end, last, tz
        The initial selection; see `load_history`. By default, the last 24 hours of the whole account.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`. The code then calls it ``portal``.

    Attributes
    ----------
    value : pandas.DataFrame or None
        The data loaded last, in the format of `load_history`. Observers are called in the thread that loaded it.
    picker, dates : Picker, DateRange
        The inner widgets; their ``value`` can be set.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     explorer = isr.widgets.explorer("isr-shack-01", "telemetry/watt_meter", last="2h", portal=portal)
    ...     explorer.load()
    ...     explorer.wait(), len(explorer.value) > 0
    (True, True)
    """

    value: Any = traitlets.Instance(pd.DataFrame, allow_none=True)

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
        if start is None and last is None:
            last = "24h"
        self.picker = Picker(client_id, topic, portal=portal)
        self.dates = DateRange(client_id, topic, start=start, end=end, last=last, tz=tz, portal=portal)
        self._dark = False
        self._exported = ""
        self._frame: pd.DataFrame | None = None  # what the figure is of, which is told before `value`
        self._drawn: dict[str, Any] | None = None  # and what was selected for it
        self._plot = "timeseries"
        self._planner = Worker(lambda exc: tell(self.plan, exc))
        self._loader = Worker(lambda exc: tell(self.said, exc), self._loaded)
        self._drawer = Worker(lambda exc: tell(self.said, exc))
        self._writer = Worker(lambda exc: tell(self.written, exc))
        self._workers = (self._loader, self._planner, self._drawer, self._writer)
        self.plan = ipywidgets.HTML()
        self.go = ipywidgets.Button(description="Load", button_style="primary", layout={"width": "110px"})
        self.halt = ipywidgets.Button(
            description="Stop", disabled=True, tooltip="Stop the download; what has arrived stays on disk",
            layout={"width": "110px"},
        )  # fmt: skip
        self.field = ipywidgets.Dropdown(
            options=[_ALL], description="Draw", disabled=True, style={"description_width": "40px"},
            layout={"width": "auto", "flex": "0 1 300px"},
        )  # fmt: skip
        self.bar = ipywidgets.FloatProgress(max=1.0, layout={"width": "auto", "height": "14px", "display": "none"})
        self.said = ipywidgets.HTML()
        self.former = ipywidgets.HTML()
        self.figure = ipywidgets.Output()
        self.gaps = ipywidgets.HTML()
        self.file = ipywidgets.Text(
            value="isr-export", description="File", continuous_update=False, style={"description_width": "40px"},
            layout={"width": "auto", "flex": "0 1 300px"},
        )  # fmt: skip
        self.csv = ipywidgets.Button(description="Save CSV", disabled=True, layout={"width": "120px"})
        self.parquet = ipywidgets.Button(description="Save Parquet", disabled=True, layout={"width": "140px"})
        self.written = ipywidgets.HTML()
        self.same = ipywidgets.HTML()
        self.go.on_click(lambda _: self.load())
        self.halt.on_click(lambda _: self.stop())
        self.field.observe(lambda _: self._drawer.start(self._redraw), "value")
        self.csv.on_click(lambda _: self.export("csv"))
        self.parquet.on_click(lambda _: self.export("parquet"))
        self.picker.observe(self._picked, "value")
        self.dates.observe(self._replan, "value")
        for one in (self.said, self.plan, self.picker.trouble, self.dates.held):
            one.observe(self._say_once, "value")
        sides = row(side(self.picker), side(self.dates))
        sides.add_class("isr-top")
        self.children = [
            self._page, sides, self.plan,
            row(self.go, self.halt, self.field), self.bar, self.said, self.former, self.figure, self.gaps,
            row(self.file, self.csv, self.parquet), self.written, self.same,
        ]  # fmt: skip
        self._write_code()

    def load(self) -> None:
        """Load the selection; returns immediately. `value`, the figure and the gaps are updated later."""
        asked = self._asked()
        if asked is None:
            self.said.value = notice("The selection cannot be loaded: see the message in red above.", "bad")
            return
        self._planner.stop()
        self.go.disabled, self.halt.disabled, self.csv.disabled, self.parquet.disabled = True, False, True, True
        self.bar.value, self.bar.layout.display, self.bar.bar_style = 0.0, "flex", ""
        self.said.value = notice("Loading …")
        self._loader.start(lambda task: self._load(task, asked))

    def stop(self) -> None:
        """Stop the download; what has arrived stays on disk."""
        if self._loader.busy:
            self._loader.stop()
            self.said.value = notice("Stopped. What had arrived is on disk; Load continues from there.", "warn")
            self._loaded()

    def export(self, kind: str) -> None:
        """Write the loaded data to a file; returns immediately.

        Parameters
        ----------
        kind : {"csv", "parquet"}
            The format, which is also the file name's extension. An existing file is not replaced.
        """
        if self.value is None:
            self.written.value = notice("There is nothing to save yet: press Load first.", "warn")
            return
        df, given = self.value, self.file.value.strip() or "isr-export"
        name = given if given.lower().endswith(f".{kind}") else f"{given}.{kind}"
        self._writer.start(lambda task: self._write(task, df, name, kind))

    def code(self) -> str:
        """Return equivalent Python code, without the widget."""
        asked = self._asked()
        if asked is None:
            return "# the selection cannot be loaded"
        field = None if self.field.value == _ALL else self.field.value
        usual = {"topic": "#", "tz": "UTC"}
        known = {key: one for key, one in asked.items() if one != usual.get(key)}
        if known.get("client_id") and len(known["client_id"]) == 1:
            known["client_id"] = known["client_id"][0]
        lines = [
            "import isr_analysis as isr", "",
            f"df = {call('isr.load_history', known, raw=self._raw)}",
            f"isr.plots.{self._plot}(df, {literal(field)})" if field else "isr.plots.timeseries(df)",
            "isr.gaps(df)",
        ]  # fmt: skip
        if self._exported:
            lines.append(call("isr.export_history", {"to": self._exported, **known}, raw=self._raw))
        return "\n".join(lines)

    def parts(self) -> Iterator[Any]:
        """Load the selection, and return the plan, the figure, the gaps and the code."""
        asked, portal = self._asked(), self._connected()
        if asked is None:
            raise UsageError("the selection cannot be loaded")
        yield Notice(f"Plan: {plan_history(**asked, portal=portal)}")
        df = load_history(**asked, portal=portal)
        if df.attrs["warning"]:
            yield Notice(df.attrs["warning"], "warn")
        if len(df):
            yield self._draw(df)
            found = gaps(df)
            yield found if len(found) else Notice(_NO_GAPS, "good")
        else:
            yield Notice("No message was published in this range.", "warn")
        yield Code(self.code())

    def close(self) -> None:
        """Stop any work and remove the widget from the page."""
        self.picker.close()
        self.dates.close()
        super().close()

    def _heard(self, *, seen: bool, dark: bool) -> None:
        turned, self._dark = seen and dark != self._dark, dark if seen else self._dark
        if turned:
            self._drawer.start(self._redraw)
        super()._heard(seen=seen, dark=dark)

    def _appear(self) -> None:
        self._replan()

    def _asked(self) -> dict[str, Any] | None:
        if self.picker.value is None or self.dates.value is None:
            return None
        topic = self.picker.value["topic"]
        return {"client_id": self.picker.value["client_id"], "topic": topic, **self.dates.value}

    def _picked(self, _: dict[str, Any]) -> None:
        if self.picker.value is not None:
            self.dates.of(**self.picker.value)
        self._replan()

    def _say_once(self, _: dict[str, Any]) -> None:
        """Hide what is said in red already, as where there is no token and nothing can be asked."""
        said = ""
        for one in (self.said, self.plan, self.picker.trouble, self.dates.held):
            bad = _BAD.search(one.value)
            one.layout.display = "none" if bad and bad[0] in said else None
            said += one.value

    def _replan(self, _: Any = None) -> None:
        """Say what a load would do now; nothing of the history is asked for."""
        self._write_code()
        asked = self._asked()
        if asked is None:
            self._planner.stop()
            self.plan.value = ""
        elif self._seen:
            self._planner.start(lambda task: self._plan(task, asked))

    def _plan(self, task: Task, asked: dict[str, Any]) -> None:
        plan = plan_history(**asked, portal=self._connected())
        with task.turn():
            self.plan.value = notice(f"Plan: {plan}")

    def _load(self, task: Task, asked: dict[str, Any]) -> None:
        portal = self._connected()
        df = load_history(**asked, portal=portal, progress=self._progress(task))
        task.check()
        shown = self._shown(df)
        silent = gaps(df, coverage(**asked, portal=portal))
        with task.turn():
            self.bar.value, self.bar.bar_style = 1.0, "success"
            start, end, open_from = (_wall(df, name) for name in ("start", "end", "provisional_from"))
            span, cost = f"{start} to {end} ({zone_of(df)})", counted(df.attrs["requests"], "request")
            late = f" From {open_from} on, late messages may still arrive." if open_from else ""
            self.said.value = notice(
                f"{counted(len(df), 'message')} from {span}, {cost}.{late}" if len(df)
                else f"No message was published from {span}.", "good" if len(df) else "warn",
            ) + notice(df.attrs["warning"], "warn")  # fmt: skip
            self.figure.outputs, self._frame, self._drawn = shown, df, asked
            self.gaps.value = _listed(silent) if len(df) else ""
            self._offer(df)
            self.picker.learn(df)
            if _BAD.search(self.picker.trouble.value):  # such as that there was no token, before a cell connected
                self.picker.load()
        self.value = df

    def _progress(self, task: Task) -> Callable[[Status], None]:
        told = 0.0

        def report(status: Status) -> None:
            nonlocal told
            task.check()
            if time.monotonic() - told >= _OFTEN:
                told = time.monotonic()
                with task.turn():
                    self.bar.value = status.done / max(status.windows, 1)
                    self.said.value = notice(f"Loading: {status}")

        return report

    def _offer(self, df: pd.DataFrame) -> None:
        """Offer the fields that can be drawn."""
        fields = [str(name) for name in df.columns if name not in ("client_id", "topic") and df[name].notna().any()]
        before = self.field.value
        with self.field.hold_trait_notifications():
            self.field.options = [_ALL, *fields]
            self.field.value = before if before in fields else _ALL
        self.field.disabled = not fields

    def _loaded(self) -> None:
        self.go.disabled, self.halt.disabled = False, True
        if self.bar.bar_style != "success":
            self.bar.layout.display = "none"
        self.csv.disabled = self.parquet.disabled = self.value is None
        self.dates.draw()
        self._replan()

    def _draw(self, df: pd.DataFrame) -> Any:
        field = None if self.field.value == _ALL else self.field.value
        theme = "dark" if self._dark else "light"
        self._plot = "timeseries"
        try:
            return timeseries(df, field, theme=theme)
        except UsageError as no_numbers:
            if field not in df.columns:
                raise
            try:
                figure = timeline(df, field, theme=theme)  # a field of words
            except UsageError:
                raise no_numbers from None
            self._plot = "timeline"
            return figure

    def _shown(self, df: pd.DataFrame) -> list[dict[str, Any]]:
        """Give the figure as an output of a cell, or what keeps it from being drawn as words.

        Not as a FigureWidget: that keeps the width that it had first, and takes instants in ns for numbers.
        """
        try:
            data: dict[str, Any] = {"application/vnd.plotly.v1+json": json.loads(self._draw(df).to_json())}
        except IsrError as exc:
            data = {"text/html": notice(in_words(exc), "warn")}
        return [{"output_type": "display_data", "data": data, "metadata": {}}]

    def _redraw(self, task: Task) -> None:
        if (df := self._frame) is not None:
            shown = self._shown(df)
            with task.turn():
                if df is self._frame:  # another one may have come meanwhile, with its own figure
                    self.figure.outputs = shown
                    self._write_code()

    def _write(self, task: Task, df: pd.DataFrame, name: str, kind: str) -> None:
        path = path_of(name, "file")
        if path.exists():
            raise UsageError(f"{path} already exists and is not replaced: give another name")
        write_file(df, path, kind)
        with task.turn():
            self._exported = path.as_posix()
            self.written.value = notice(f"{counted(len(df), 'row')} in {path.absolute()}", "good")
            self._write_code()

    def _write_code(self) -> None:
        other = self._drawn is not None and self._asked() != self._drawn
        self.former.value = notice(_FORMER, "warn") if other else ""
        self.same.value = (
            f"<details open><summary>The same in Python</summary>{Code(self.code())._repr_html_()}</details>"
        )


def _wall(df: pd.DataFrame, name: str) -> str:
    """Write an instant of a frame's provenance as the clock on the wall shows it; none stays empty."""
    iso = df.attrs[name]
    return f"{pd.Timestamp(iso).tz_convert(zone_of(df)):%Y-%m-%d %H:%M}" if iso else ""


def _listed(found: pd.DataFrame) -> str:
    """Write gaps as a table that opens on demand, the longest first."""
    if not len(found):
        return notice(_NO_GAPS, "good")
    longest = found.sort_values("duration", ascending=False).head(_GAPS)
    rows = [
        [str(one["kind"]), str(one["client_id"]), f"{one['topic']} {one['channel']}".strip(),
         f"{one['start']:%Y-%m-%d %H:%M}", f"{one['end']:%Y-%m-%d %H:%M}", str(one["duration"]).split(".")[0],
         "" if pd.isna(one["missed"]) else f"{one['missed']:,}"]
        for one in longest.to_dict("records")
    ]  # fmt: skip
    more = f" (the {_GAPS} longest of {len(found):,})" if len(found) > _GAPS else ""
    body = table(rows, ("Why", "Client", "Topic", "From", "To", "Length", "Missed"))
    return f"<details><summary>{counted(len(found), 'gap')}{more}</summary>{body}</details>"
