"""A real browser, and JupyterLab in it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from servers import LONG, free_port, of_its_own

import isr_analysis as isr

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
def console() -> list[str]:
    """Give a list for what a page writes to the browser's console."""
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the page looked like, and what stood in the browser's console."""
    report = yield
    given = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "page" in given:
        report.sections.append(("Console of the browser", "\n".join(given.get("console", []))))
        with contextlib.suppress(Exception):  # a page that is gone shows nothing
            report.sections.append(("Page", given["page"].inner_text("body", timeout=5000)))
    return report


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """Give Debian's Chromium, driven by playwright.

    For one module only: playwright keeps an event loop running in this thread, which others could not start beside.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sandbox():
    """Give a running sandbox, in this process, so that it can be made to fail."""
    with isr.sandbox.serve(days=16) as running:
        yield running


@pytest.fixture(scope="module")
def context(chromium):
    """Give a browser with an empty cache that its pages share."""
    made = chromium.new_context(viewport={"width": 1200, "height": 1600})
    yield made
    made.close()


@pytest.fixture
def page(context, console):
    """Give a fresh page in which no script fails."""
    made = context.new_page()
    failed: list[str] = []
    made.on("console", lambda said: console.append(f"{said.type}: {said.text}"))
    made.on("pageerror", lambda error: failed.append(str(error)))
    yield made
    made.close()
    assert not failed


@pytest.fixture
def token_file(sandbox, tmp_path):
    """Give a file with the sandbox's token."""
    path = tmp_path / "token"
    path.write_text(sandbox.token)
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a running JupyterLab with folders and settings of its own, which saves the state of widgets."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


class Lab:
    """A JupyterLab server on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        settings = folder / "settings" / "@jupyter-widgets" / "jupyterlab-manager"
        settings.mkdir(parents=True)
        # The hardest case for secrets: the state of every widget goes into the file.
        (settings / "plugin.jupyterlab-settings").write_text('{"saveState": true}')
        # Cells below the window are there as well, which older versions leave out.
        cells = folder / "settings" / "@jupyterlab" / "notebook-extension"
        cells.mkdir(parents=True)
        (cells / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        env = of_its_own(folder) | {
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        }
        self._log = (folder / "lab.log").open("wb")
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
            "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
            "--ServerApp.password=", f"--ServerApp.root_dir={self.folder}", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, env=env, stdout=self._log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                # Until the kernels are known, Lab asks a person which one to take.
                with urllib.request.urlopen(f"{self.origin}/api/kernelspecs", timeout=10):
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        pytest.fail(f"JupyterLab did not start; see {self._log.name}")

    def stop(self) -> None:
        """Stop the server and its kernels."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def dress(self, theme: str) -> None:
        """Choose "light" or "dark" for the pages that are opened from now on."""
        folder = self.folder.parent / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme.title()}"}))

    def write(self, name: str, cells: list[str]) -> Path:
        """Write a notebook of these cells."""
        made = [
            {
                "cell_type": "code",
                "id": f"cell-{n}",
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            }
            for n, cell in enumerate(cells)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = self.folder / name
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": made}))
        return path

    def open(self, page, name: str, cells: list[str]) -> Notebook:
        """Write a notebook, open it in a page, and run all of its cells."""
        path = self.write(name, cells)
        page.set_default_timeout(LONG)
        # JupyterLab's own questions, as of a kernel, are agreed to; one may stand behind another, or come back.
        page.add_locator_handler(
            page.locator(".jp-Dialog .jp-mod-accept").last, lambda button: button.click(force=True), no_wait_after=True
        )
        page.goto(f"{self.origin}/lab/tree/{name}?reset")
        return Notebook(page, path, len(cells)).run_all()


class Notebook:
    """A notebook in a page of JupyterLab."""

    def __init__(self, page, path: Path, cells: int) -> None:
        self.page = page
        self.path = path
        self._cells = cells
        self.ready()

    def ready(self) -> None:
        """Wait until the kernel can be asked: what is run before the page has one starts another in its place."""
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Toolbar-kernelName:has-text('Python')")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status='idle']")

    def menu(self, name: str, *entries: str) -> None:
        """Choose an entry of a menu."""
        self.page.get_by_role("menuitem", name=name, exact=True).first.click()
        for entry in entries:
            self.page.get_by_role("menuitem", name=entry, exact=True).first.click()

    def run_all(self) -> Notebook:
        """Run all cells, and wait until the last has run."""
        prompts = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent)"
        until = time.monotonic() + 120
        while time.monotonic() < until:  # what is run while the kernel still connects is lost: it is run again
            self.menu("Run", "Run All Cells")
            self.page.wait_for_timeout(500)
            for _ in range(60):
                seen = self.page.evaluate(prompts)
                if all(any(sign.isdigit() for sign in one) for one in seen[: self._cells]):
                    return self
                if not any("*" in one for one in seen):
                    break
                self.page.wait_for_timeout(500)
        pytest.fail("the cells were not run")

    def run(self, cell: int) -> None:
        """Run one cell, by keyboard."""
        self.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content").first.click()
        self.page.keyboard.press("Control+Enter")

    def output(self, cell: int):
        """Give where a cell shows what it gave."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea").first

    def text(self, cell: int, *, after: str) -> str:
        """Wait until a cell shows a text that is not the one before, and give it."""
        for _ in range(LONG // 100):
            now = self.output(cell).inner_text() if self.output(cell).is_visible() else ""
            if now not in ("", after):
                return now
            self.page.wait_for_timeout(100)
        pytest.fail(f"cell {cell} still shows {after!r}")

    def save(self) -> str:
        """Save, and give all that is in the file."""
        before = self.path.stat().st_mtime_ns
        for tick in range(600):
            if tick % 100 == 0:  # while Lab is busy, or asks something, a key may be lost
                self.page.keyboard.press("Control+s")
            self.page.wait_for_timeout(100)
            if self.path.stat().st_mtime_ns != before:
                break
        else:
            pytest.fail("the notebook was not saved")
        self.page.wait_for_timeout(300)
        return self.path.read_text("utf-8")

    def reload(self) -> None:
        """Save, and load the page again; the kernel lives on."""
        self.save()
        self.page.reload()
        self.page.wait_for_selector(".jp-Notebook .jp-OutputArea-output:not(:empty)")
        self.ready()
