"""HTML printed to PDF by Chromium or Chrome, if there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from isr_analysis.errors import MissingExtraError, StoreError

SETTING = "ISR_CHROMIUM"
"""The variable that names the browser where it is not found by itself."""

_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge"]
_PLACES = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
]
_PATIENCE = 120


def browser() -> str:
    """Find Chromium or one of its kin.

    Raises
    ------
    MissingExtraError
        There is none.
    """
    given = os.environ.get(SETTING, "").strip()
    candidates = [given] if given else [*_NAMES, *_PLACES]
    for name in candidates:
        if found := shutil.which(name):
            return found
    where = f"{SETTING}={given} is not a program" if given else f"none of {', '.join(_NAMES)} is installed"
    raise MissingExtraError(
        f"a PDF needs Chromium or Chrome, and {where}; install one, name it with {SETTING}, or open the HTML "
        "report in a browser and print it"
    )


def print_page(page: Path, pdf: Path, program: str) -> None:
    """Print an HTML file to PDF, without a network.

    Raises
    ------
    StoreError
        The browser failed.
    """
    with tempfile.TemporaryDirectory(prefix="isr-") as aside:
        made = Path(aside, "report.pdf")
        command = [
            program, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-extensions", f"--user-data-dir={aside}/profile",
            "--no-pdf-header-footer", "--virtual-time-budget=30000", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--print-to-pdf={made}",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # it refuses root otherwise; the page is our own and nothing else is opened
        try:
            done = subprocess.run(  # noqa: S603 (a browser that the user's own settings name)
                [*command, page.resolve().as_uri()], capture_output=True, timeout=_PATIENCE, check=False
            )
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [
                f"it ended with {done.returncode}"
            ]
        except subprocess.TimeoutExpired:
            said = [f"it did not end within {_PATIENCE} s"]
        except OSError as exc:
            said = [str(exc)]
        if not made.is_file():
            raise StoreError(f"{program} could not print {page} to PDF: {said[0]}")
        try:
            shutil.move(made, pdf)
        except OSError as exc:
            raise StoreError(f"{pdf} cannot be written ({exc.strerror or exc})") from exc
