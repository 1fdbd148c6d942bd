"""Figures in a notebook that runs without a front end, as under ``jupyter nbconvert --execute``.

There plotly's default leaves only what a front end would draw, so that the figures are missing from the HTML. With the
renderer ``notebook`` beside it plotly's script comes once (4.8 MB) and every figure is there. In JupyterLab the default
stays, or each saved notebook would carry the script.
"""

from __future__ import annotations

import os
import sys


def prepare() -> None:
    """Choose the renderer where nobody is there to see; leave alone what the user has chosen."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None or getattr(kernel, "_allow_stdin", True) or "PLOTLY_RENDERER" in os.environ:
        return
    import plotly.io

    if plotly.io.renderers.default == "plotly_mimetype":
        plotly.io.renderers.default = "plotly_mimetype+notebook"
