"""Runs a notebook in its own kernel, independent of Jupyter's settings on this machine."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isr_analysis.errors import MissingExtraError

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run(notebook: Any, *, folder: Path, environ: Mapping[str, str]) -> str:
    """Run the cells of a notebook, in place, in a folder; `environ` is for its kernel alone, such as the token.

    The kernel is the Python that runs this, with neither the user's Jupyter nor IPython settings, so that a report
    comes out the same for a person and for cron, also without a writable home.

    Returns
    -------
    str
        Why the run ended early; empty if it did not.
    """
    try:
        from jupyter_core.utils import run_sync
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError
    except ModuleNotFoundError as exc:
        raise needs(exc) from exc

    with tempfile.TemporaryDirectory(prefix="isr-") as aside:
        manager = _manager(Path(aside))
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=None,
            allow_errors=True,
            shutdown_kernel="immediate",
            store_widget_state=False,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        )
        # The connection is said by `environ` alone.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ISR_")}
        own = {
            "IPYTHONDIR": str(Path(aside, "ipython")),
            "JUPYTER_CONFIG_DIR": str(Path(aside, "jupyter")),
            "JUPYTER_RUNTIME_DIR": str(Path(aside, "runtime")),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or it warns, in the outputs, of frozen modules
        }
        try:
            # Not client.execute: that would take over Ctrl-C, and end the kernel where it should end all of this.
            with client.setup_kernel(env={**inherited, **own, **environ}, cleanup_kc=True):
                for number, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, number)
        except DeadKernelError:
            return "the kernel died, as happens when memory runs out; ask for a shorter range or fewer topics"
        finally:
            if manager.has_kernel:  # interrupted while it started
                run_sync(manager.shutdown_kernel)(now=True)
    return ""


def _manager(aside: Path) -> Any:
    """Make the manager of a kernel of this very Python; an installed kernel of the same name may be another's."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class _ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(
                argv=[
                    sys.executable,
                    "-m",
                    "ipykernel_launcher",
                    "-f",
                    "{connection_file}",
                    "--HistoryManager.enabled=False",
                ],
                display_name=kernel_name,
                language="python",
            )

    # Sockets in a folder of our own where the system has them: nobody else can listen, and no port is used.
    local = {"transport": "ipc", "ip": str(aside / "k")} if os.name == "posix" else {}
    return AsyncKernelManager(kernel_spec_manager=_ThisPython(), connection_file=str(aside / "kernel.json"), **local)


def needs(exc: ModuleNotFoundError) -> MissingExtraError:
    """Say what to install for reports."""
    return MissingExtraError.of("a report", str(exc.name), "report")


def plain(traceback: list[str]) -> str:
    """Give a traceback without the colours of a terminal."""
    return _COLOURS.sub("", "\n".join(traceback))
