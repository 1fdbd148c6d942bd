"""What all widgets share: they wait until they are displayed, and have a plain form without a front end."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import ipywidgets

from isr_analysis.errors import IsrError, TokenMissingError, in_words
from isr_analysis.portal import connection
from isr_analysis.portal.portal import Portal
from isr_analysis.surroundings import page_is_live
from isr_analysis.widgets.background import TURN, Worker
from isr_analysis.widgets.front import Page
from isr_analysis.widgets.words import Code, Notice, notice, plain_text


class Composite(ipywidgets.VBox):  # type: ignore[misc]
    """Base class of a widget made of other widgets, with one `value`.

    Parameters
    ----------
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.
    every : int
        How often (s) the page reports that it still shows the widget; 0 means never.
    """

    def __init__(self, *, portal: Portal | None, every: int = 0) -> None:
        if portal is not None:
            connection.current(portal)  # refuses what is no connection
        self._portal = portal
        self._page = Page(self._heard, every=every)
        self._workers: tuple[Worker, ...] = ()
        self._seen = self._is_filling = False
        super().__init__()
        self.add_class("isr-widget")

    def code(self) -> str:
        """Return equivalent Python code, without the widget."""
        raise NotImplementedError

    def parts(self) -> Iterator[Any]:
        """Return what is shown in place of the widget without a front end: figures, tables and text."""
        raise NotImplementedError

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until all work is done and return whether it is. For scripts and tests: a page never waits."""
        return all(worker.join(seconds) for worker in self._workers)

    def close(self) -> None:
        """Stop any work and remove the widget from the page."""
        for worker in self._workers:
            worker.stop()
        _SHOWN.discard(self)
        for child in self.children:
            _close(child)
        super().close()

    def __repr__(self) -> str:
        return f"{self.code()}  # a widget"

    def __str__(self) -> str:
        return "\n\n".join(plain_text(part) for part in self._plain())

    def _ipython_display_(self) -> None:
        if page_is_live():
            raise NotImplementedError  # IPython goes on to the widget itself
        from IPython.display import display

        for part in self._plain():
            display(part)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**options) or {})
        # What a saved notebook shows where the widget no longer lives.
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = Code(self.code())._repr_html_()
        return bundle

    def _plain(self) -> Iterator[Any]:
        try:
            yield from self.parts()
        except IsrError as exc:
            yield Notice(in_words(exc), "bad")

    def _heard(self, *, seen: bool, dark: bool) -> None:  # noqa: ARG002 (most colours follow the page by themselves)
        """Act on what the page says."""
        if seen and not self._seen:
            self._seen = True
            if self._portal is None:
                _SHOWN.add(self)
            self._appear()

    def _appear(self) -> None:
        """Begin, now that a page shows the widget for the first time, or the default connection is another one."""

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Do not take a change of a field for one by the user."""
        with TURN:
            before, self._is_filling = self._is_filling, True
            try:
                yield
            finally:
                self._is_filling = before

    @property
    def _filling(self) -> bool:
        """Whether this very thread fills fields; what another one fills is waited for."""
        with TURN:
            return self._is_filling

    def _connected(self) -> Portal:
        """Give the connection; where there is no token, the error says so, and nobody is prompted."""
        try:
            return connection.current(self._portal, ask=False)
        except TokenMissingError as exc:
            exc.add_note("In a live notebook isr.widgets.token_entry() takes one")
            raise

    @property
    def _raw(self) -> dict[str, str]:
        """The argument that code needs for a connection that is not the default one."""
        return {} if self._portal is None else {"portal": "portal"}


_SHOWN: weakref.WeakSet[Composite] = weakref.WeakSet()
"""The widgets on the default connection that a page shows."""


def begin_anew() -> None:
    """Let the widgets that a page shows ask over the new default connection: what the former one said is outdated."""
    for one in [*_SHOWN]:
        one._appear()  # noqa: SLF001 (its own method)


def _close(widget: ipywidgets.Widget) -> None:
    """Close a widget and all within it: a box left open would refer to closed widgets, whose state cannot be saved."""
    for one in getattr(widget, "children", ()):
        _close(one)
    widget.close()


def tell(field: ipywidgets.HTML, exc: Exception) -> None:
    """Show an error in a field."""
    field.value = notice(in_words(exc), "bad")


def row(*children: ipywidgets.Widget) -> ipywidgets.Box:
    """Put widgets side by side; they wrap where the page is narrow."""
    box = ipywidgets.Box(children)
    box.add_class("isr-row")
    return box


def side(*children: ipywidgets.Widget) -> ipywidgets.VBox:
    """Put widgets below each other in a column that grows and shrinks with the page."""
    box = ipywidgets.VBox(children, layout={"flex": "1 1 360px", "width": "auto"})
    box.add_class("isr-side")
    return box
