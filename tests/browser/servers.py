"""What servers that a browser looks at are started with, and what is looked at in a page of widgets."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LONG = 90_000  # ms: how long a page may take


CUT_OFF = """() => [...document.querySelectorAll('.isr-widget *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || !box.height || e.closest('svg, option, datalist, .js-plotly-plot, thead')) return false;
  const around = e.closest('.jp-OutputArea-output').getBoundingClientRect();
  const tooWide = box.right > around.right + 1 || box.left < around.left - 1;
  const hidden = getComputedStyle(e).overflowX !== 'visible' && !['INPUT', 'SELECT'].includes(e.tagName)
    && e.scrollWidth > e.clientWidth + 1;
  return tooWide || hidden;
}).map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""
"""Gives what of the widgets is cut off, or wider than its place."""


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def of_its_own(folder: Path) -> dict[str, str]:
    """Give the environment of a server whose settings and store lie in a folder, and that knows no token."""
    (folder / "data").mkdir(exist_ok=True)  # not every version of Voilà makes it
    return {name: value for name, value in os.environ.items() if not name.startswith("ISR_")} | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "ISR_HOME": str(folder / "home"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def connected(sandbox, token) -> str:
    """Give the cell that connects to the sandbox without a token in its source: the name of a file is in it."""
    return (
        "import isr_analysis as isr\nfrom pathlib import Path\n"
        f"portal = isr.connect(Path({str(token)!r}).read_text(), origin={sandbox.origin!r})"
    )
