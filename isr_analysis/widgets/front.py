"""What only the page itself can do: say that it shows a widget, and take a secret that never becomes a widget's state.

Both are a few lines of JavaScript in anywidget, which plotly's figures need as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

STYLE = """
.isr-widget { max-width: 100%; min-width: 0; overflow: visible; gap: 6px; padding: 2px;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, inherit); }
.isr-widget .widget-html, .isr-widget .jupyter-widgets.widget-html { height: auto; max-width: 100%; min-width: 0; }
.isr-widget .widget-html-content { line-height: 1.45; font-size: 13px; overflow: visible; white-space: normal; }
.isr-widget .widget-html:has(.widget-html-content:empty) { display: none; }
.isr-row { flex-flow: row wrap !important; align-items: center; gap: 6px 10px; overflow: visible; max-width: 100%; }
.isr-row > * { max-width: 100%; min-width: 0; }
.isr-widget .widget-checkbox { height: auto; }
.isr-widget .widget-checkbox label, .isr-widget .widget-label-basic { height: auto; white-space: normal;
  line-height: 1.4; }
.isr-widget .jupyter-button { max-width: 100%; }
.isr-top { align-items: flex-start; }
.isr-side { min-width: 0; overflow: visible; gap: 6px; }
.isr-widget input[type="datetime-local"] { color-scheme: light; flex: 1 1 auto; min-width: 0; height: 28px;
  box-sizing: border-box; font-family: inherit; font-size: 13px; padding: 2px 6px;
  color: var(--jp-ui-font-color1, inherit); background: var(--jp-layout-color1, #fff);
  border: 1px solid var(--jp-border-color1, #bbb); }
body[data-jp-theme-light="false"] .isr-widget input[type="datetime-local"] { color-scheme: dark; }
.isr-widget .widget-label { color: var(--jp-ui-font-color1, inherit); }
.isr-note { border-left: 4px solid; padding: 4px 10px; margin: 2px 0; border-radius: 2px; white-space: pre-wrap;
  overflow-wrap: anywhere; background: var(--jp-layout-color2, #f2f2f2); }
.isr-info { border-color: var(--jp-info-color1, #1565c0); }
.isr-good { border-color: var(--jp-success-color1, #2e7d32); }
.isr-warn { border-color: var(--jp-warn-color1, #ef6c00); }
.isr-bad { border-color: var(--jp-error-color1, #c62828); }
.isr-dim { color: var(--jp-ui-font-color2, #666); }
.isr-scroll { overflow-x: auto; max-width: 100%; container: isr / inline-size; }
.isr-widget details .isr-scroll { max-height: 420px; overflow-y: auto; }
.isr-widget .isr-tall { max-height: 720px; overflow: auto; }
.isr-widget .isr-tall .isr-scroll { overflow: visible; }
.isr-scroll:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); }
table.isr-table { border-collapse: collapse; font-size: 13px; width: 100%; margin: 0; }
table.isr-table th, table.isr-table td { text-align: left; padding: 4px 10px 4px 6px; vertical-align: top;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); }
table.isr-table td:last-child { overflow-wrap: anywhere; min-width: 9em; }
table.isr-table th { font-weight: 600; white-space: nowrap; position: sticky; top: 0;
  background: var(--jp-layout-color1, #fff); }
table.isr-table td:first-child { border-left: 4px solid transparent; font-weight: 600; }
tr.isr-good td:first-child { border-left-color: var(--jp-success-color1, #2e7d32); }
tr.isr-warn td:first-child { border-left-color: var(--jp-warn-color1, #ef6c00); }
tr.isr-bad td:first-child { border-left-color: var(--jp-error-color1, #c62828); }
tr.isr-warn, tr.isr-bad { background: var(--jp-layout-color2, #f5f5f5); }
tr.isr-off td { color: var(--jp-ui-font-color2, #666); }
@container isr (max-width: 680px) {
  table.isr-table thead { position: absolute; clip-path: inset(50%); }
  table.isr-table tbody, table.isr-table { display: block; }
  table.isr-table tr { display: flex; flex-flow: row wrap; gap: 0 14px; padding: 4px 0 6px;
    border-bottom: 1px solid var(--jp-border-color2, #ddd); }
  table.isr-table td { border-bottom: 0; padding: 0 0 0 8px; min-width: 0; }
  table.isr-table td:empty { display: none; }
  table.isr-table td:first-child, table.isr-table td:last-child { flex: 1 1 100%; box-sizing: border-box; }
}
.isr-faded table { opacity: 0.55; }
.isr-widget summary { cursor: pointer; padding: 2px 0; font-weight: 600; }
pre.isr-code { margin: 4px 0; padding: 8px 10px; overflow-x: auto; font-size: 12.5px; user-select: all;
  background: var(--jp-layout-color2, #f5f5f5); color: var(--jp-content-font-color1, inherit);
  font-family: var(--jp-code-font-family, monospace); border-radius: 3px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.isr-secret { display: flex; flex-flow: row wrap; gap: 6px 8px; align-items: center; }
.isr-secret label { display: flex; flex: 1 1 260px; min-width: 0; gap: 8px; align-items: center; font-size: 13px; }
.isr-secret input { flex: 1 1 12em; min-width: 0; height: 28px; box-sizing: border-box; padding: 2px 8px;
  font-size: 13px; color: var(--jp-ui-font-color1, inherit); background: var(--jp-layout-color1, #fff);
  border: 1px solid var(--jp-border-color1, #bbb); }
.isr-secret input:focus { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: -1px; }
.isr-secret button { height: 28px; padding: 0 14px; border: 0; font-size: 13px; cursor: pointer; border-radius: 2px;
  color: #fff; background: var(--jp-brand-color0, #1565c0); }
.isr-secret button:disabled, .isr-secret input:disabled { opacity: 0.55; cursor: default; }
.isr-secret button:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 2px; }
"""
"""The look of all widgets, in JupyterLab's own colours; it follows the theme."""

_PAGE = """
function render({ model, el }) {
  el.style.display = "none";
  const dark = () => document.body.dataset.jpThemeLight === "false";
  const tell = () => { if (!document.hidden) model.send({ seen: true, dark: dark() }); };
  // JupyterLab takes arrows, letters and Enter on a list or a button for commands of the notebook, unless the very
  // element that has the focus says that they are its own. Ctrl-S and the like stay Lab's.
  const keys = (event) => {
    if (event.target.closest?.(".isr-widget")) {
      const own = !(event.ctrlKey || event.metaKey || event.altKey);
      event.target.toggleAttribute("data-lm-suppress-shortcuts", own);
    }
  };
  window.addEventListener("keydown", keys, true);
  const theme = new MutationObserver(tell);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  document.addEventListener("visibilitychange", tell);
  const every = model.get("every");
  const timer = every ? setInterval(tell, 1000 * every) : 0;
  tell();
  return () => {
    clearInterval(timer);
    theme.disconnect();
    window.removeEventListener("keydown", keys, true);
    document.removeEventListener("visibilitychange", tell);
    model.send({ seen: false });
  };
}
export default { render };
"""

_FIELD = """
function render({ model, el }) {
  el.classList.add("isr-secret");
  const label = document.createElement("label");
  const text = document.createElement("span");
  const field = document.createElement("input");
  const button = document.createElement("button");
  field.type = "password";
  field.autocomplete = "off";
  field.spellcheck = false;
  label.append(text, field);
  el.append(label, button);
  const draw = () => {
    text.textContent = model.get("label");
    button.textContent = model.get("action");
    field.placeholder = model.get("hint");
    field.disabled = button.disabled = model.get("disabled");
  };
  const give = () => {
    const secret = field.value;
    field.value = "";
    if (secret) model.send({ secret });
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); give(); }
  });
  button.addEventListener("click", give);
  model.on("change", draw);
  draw();
  return () => { field.value = ""; model.off("change", draw); };
}
export default { render };
"""


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

    _esm = _PAGE
    _css = STYLE
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

    _esm = _FIELD
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
