"""What only the page can do: report that it shows a widget, and take a secret that never becomes widget state.

Both are a few lines of JavaScript in anywidget, ``page.js`` and ``secret.js``; plotly's figures need anywidget as well.
The look of all widgets is in ``widgets.css``, in JupyterLab's own colours: it follows the theme.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Page(anywidget.AnyWidget):
    """Tells when a page shows the widget that it is part of, and whether the page is dark.

    Parameters
    ----------
    heard : callable
        Called with ``seen=`` and ``dark=``, whether it is seen and whether the page is dark: at first sight, when the
        theme changes, when it is gone, and every few seconds if `every` is given.
    every : int
        How often (s) a page says that it still shows the widget; 0 is never.
    """

    _esm = _HERE / "page.js"
    _css = _HERE / "widgets.css"
    every = traitlets.Int(0).tag(sync=True)

    def __init__(self, heard: Callable[..., None], *, every: int = 0) -> None:
        super().__init__(every=every)
        self._heard = heard
        self.on_msg(self._told)

    def _told(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and "seen" in content:
            self._heard(seen=bool(content["seen"]), dark=bool(content.get("dark")))


class SecretField(anywidget.AnyWidget):
    """A password field whose content is sent as a message, once, and is no trait.

    ipywidgets' own Password field keeps what was typed in the widget's state until the kernel has cleared it: with a
    busy kernel, a notebook that is saved then holds the token. Here there is no state that could hold it.

    Parameters
    ----------
    given : callable
        Called with what was typed when Enter or the button is pressed; the field is empty again by then.
    label, action, hint : str
        The field's label, the button's, and what stands in the empty field.
    """

    _esm = _HERE / "secret.js"
    label = traitlets.Unicode().tag(sync=True)
    action = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, given: Callable[[str], None], *, label: str, action: str, hint: str) -> None:
        super().__init__(label=label, action=action, hint=hint)
        self._given = given
        self.on_msg(self._told)

    def _told(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("secret"), str):
            self._given(content["secret"])
