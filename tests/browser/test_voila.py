"""Widgets in a dashboard of Voilà, which runs a notebook before its page is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from servers import LONG, free_port, of_its_own

pytestmark = pytest.mark.browser

PATIENCE = 2 * LONG  # server, kernel and page begin one after the other

CELL = """
import isr_analysis as isr

portal = isr.sandbox.serve().connect()
display(isr.widgets.explorer("isr-shack-01", "telemetry/temp_probe", last="2h", portal=portal))
"""


@pytest.fixture
def page(chromium, console: list[str]):
    """Give an empty page."""
    made = chromium.new_page()
    made.set_default_timeout(PATIENCE)
    made.on("console", lambda said: console.append(f"{said.type}: {said.text}"))
    yield made
    made.close()


def test_widgets_are_alive_in_a_dashboard(page, tmp_path: Path) -> None:
    """Nobody can be prompted there, as under nbconvert, but the page answers: Load loads, and a figure is drawn."""
    pytest.importorskip("voila", reason="Voilà is not installed")
    notebook = tmp_path / "dashboard.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), notebook)
    port = free_port()
    command = [sys.executable, "-m", "voila", str(notebook), f"--port={port}", "--no-browser"]
    with (tmp_path / "voila.log").open("wb") as log:
        server = subprocess.Popen(command, env=of_its_own(tmp_path), stdout=log, stderr=subprocess.STDOUT)
        try:
            _visit(page, f"http://127.0.0.1:{port}/")
            page.wait_for_selector(".isr-note:has-text('Plan:')")  # what is clicked before the kernel answers is lost
            page.get_by_role("button", name="Load", exact=True).click()
            page.wait_for_selector(".js-plotly-plot .scatterlayer .trace")
            assert "messages from" in page.inner_text("body")
        finally:
            server.terminate()
            server.wait(30)


def _visit(page, address: str) -> None:
    until = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            page.goto(address, wait_until="commit")
        except Exception:  # it does not listen yet
            if time.monotonic() > until:
                raise
            page.wait_for_timeout(300)
        else:
            return
