"""What servers that a browser looks at are started with."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LONG = 90_000  # ms: how long a page may take


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
