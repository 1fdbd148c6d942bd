"""All widgets alike: without a page, printed, saved and closed; and the words that they share."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import isr_analysis as isr
from isr_analysis import disclosure
from isr_analysis.widgets import words

EVERY = ["token_entry", "date_range", "picker", "explorer", "live_board"]


def test_a_closed_widget_leaves_nothing_behind():
    """What is saved of the others can still be written, and holds nothing of it."""
    import ipywidgets

    before = set(ipywidgets.Widget.get_manager_state()["state"])
    explorer = isr.widgets.explorer("isr-shack-01", last="6h")
    explorer.close()
    after = ipywidgets.Widget.get_manager_state()["state"]
    left = [after[one]["model_name"] for one in set(after) - before]
    assert [name for name in left if not name.endswith(("LayoutModel", "StyleModel"))] == []


@pytest.mark.parametrize("name", EVERY)
def test_without_a_token_each_names_the_setting(name):
    """Printed, none raises, none prompts, none blocks."""
    shown = str(getattr(isr.widgets, name)())
    assert "ISR_TOKEN" in shown
    assert "isr login" in shown


@pytest.mark.parametrize("name", EVERY)
def test_printed_each_shows_its_plain_form(name, sandbox, portal):
    """A figure by its title, a table as text."""
    isr.connect(sandbox.token, origin=sandbox.origin)
    shown = str(getattr(isr.widgets, name)())
    assert {"token_entry": "requests left", "date_range": "missing", "picker": "isr-shack-01",
            "explorer": "[figure:", "live_board": "silent"}[name] in shown  # fmt: skip


def test_printed_the_token_entry_speaks_of_its_own_portal(sandbox, monkeypatch):
    """Of that which it was given, and not of the one that the settings name; with a token, of that one's account."""
    assert f"no token for {sandbox.origin}" in str(isr.widgets.token_entry(origin=sandbox.origin))
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    assert f"Connected to {sandbox.origin}: account {sandbox.account_id[:8]}…" in str(
        isr.widgets.token_entry(origin=sandbox.origin)
    )


@pytest.mark.parametrize("name", EVERY)
def test_where_no_page_is_alive_a_saved_notebook_has_no_account_id(name, sandbox, portal):
    """In none of the forms that a notebook keeps of an output; `isr check-notebook` would find it."""
    isr.connect(sandbox.token, origin=sandbox.origin)
    saved = [repr(part) + getattr(part, "_repr_html_", str)() for part in getattr(isr.widgets, name)()._plain()]
    assert saved
    assert sandbox.account_id not in repr(saved)


@pytest.mark.parametrize("name", EVERY)
def test_a_repr_asks_nobody_and_is_code(name, sandbox, portal):
    """It can be shown by a debugger at any time."""
    options = {} if name == "token_entry" else {"portal": portal}
    before = sandbox.requests()
    widget = getattr(isr.widgets, name)(**options)
    assert "isr." in repr(widget)
    compile(repr(widget), "code", "exec")
    bundle = widget._repr_mimebundle_()
    assert "isr." in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert sandbox.requests() == before


def test_under_nbconvert_the_plain_form_is_displayed(portal, monkeypatch):
    """Where nobody can be asked there is no page: tables and figures stand for the widget."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        with capture_output() as got:
            shell.display_formatter.format(isr.widgets.live_board(portal=portal))
    finally:
        InteractiveShell.clear_instance()
    assert any("isr-shack-01" in one.data.get("text/html", "") for one in got.outputs)


@pytest.mark.notebook
def test_the_saved_page_of_the_notebook_can_be_read(tmp_path):
    """Tables, the figure, the code and the error that names the setting stand where the widgets would."""
    notebook = Path(__file__).parents[2] / "notebooks" / "04_widgets.ipynb"
    folders = {"IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_CONFIG_DIR": str(tmp_path / "none")}
    executed = tmp_path / notebook.name
    for options in (["--execute", "--to", "notebook", notebook], ["--to", "html", executed]):
        command = [sys.executable, "-m", "nbconvert", f"--output-dir={tmp_path}", *options]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **folders})
    assert disclosure.disclosures(disclosure.read(executed.read_text("utf-8"))) == []
    page = (tmp_path / "04_widgets.html").read_text("utf-8")
    for words_shown in ("isr login", "Station Q1ISR", "silent", "Europe/Zurich)", "Plan: ", "Plotly.newPlot",
                        "isr.load_history("):  # fmt: skip
        assert words_shown in page, words_shown
    assert not re.search(r"isr_mqtt_(platform_)?rest_\w", page)


def test_unknown_names_are_refused():
    """The public names are these, and they are lazy."""
    assert dir(isr.widgets) == sorted(EVERY) == isr.widgets.__all__
    with pytest.raises(AttributeError, match="no attribute 'slider'"):
        _ = isr.widgets.slider


def test_html_holds_no_markup_of_others():
    """What a device publishes is text."""
    evil = "<img src=x onerror=alert(1)>"
    for made in (words.table([[evil]], [evil], [evil]), words.notice(evil), words.Code(evil)._repr_html_()):
        assert "<img" not in made


@given(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3))
def test_calls_are_written_as_python_that_means_the_same(text, several):
    """Quotes, backslashes and line ends among the arguments."""
    made = eval(words.call("dict", {"a": text, "b": several, "c": None}))
    assert made == {"a": text, "b": several}


def test_work_that_is_superseded_shows_nothing():
    """The newest piece of work is the one that shows its result."""
    from isr_analysis.widgets.background import Worker

    shown, gate = io.StringIO(), threading.Event()
    worker = Worker(lambda exc: shown.write(f"failed {exc}"))

    def work(name):
        def do(task):
            gate.wait(10)
            with task.turn():
                shown.write(name)

        return do

    worker.start(work("old"))
    old = worker._thread
    worker.start(work("new"))
    gate.set()
    old.join(10)
    assert worker.join(10)
    assert shown.getvalue() == "new"
    assert not worker.busy


def test_a_program_ends_although_a_download_is_under_way(sandbox, home, tmp_path):
    """It waits for the pages that are on their way, and not for the rest."""
    script = tmp_path / "script.py"
    script.write_text(
        "import isr_analysis as isr, pathlib, sys, threading\n"
        "portal = isr.connect(pathlib.Path('token').read_text(), origin=sys.argv[1])\n"
        "explorer = isr.widgets.explorer(last='15d', portal=portal)\n"
        "begun = threading.Event()\n"
        "explorer.said.observe(lambda change: begun.set() if 'windows' in change['new'] else None, 'value')\n"
        "explorer.load()\n"
        "assert begun.wait(30)\n"
    )
    (tmp_path / "token").write_text(sandbox.token)
    before = sandbox.requests("history")
    sandbox.fail("slow", route="history", seconds=0.2)
    try:
        subprocess.run([sys.executable, script, sandbox.origin], check=True, timeout=60, cwd=tmp_path)
    finally:
        sandbox.heal()
    assert sandbox.requests("history") - before < 15
