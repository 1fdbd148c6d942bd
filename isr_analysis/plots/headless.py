"""Figures in a notebook that runs without a front end, as under ``jupyter nbconvert --execute``.

There plotly's default leaves only what a front end would draw, so that the figures are missing from the HTML. With the
renderer ``notebook`` beside it plotly's script comes once (4.8 MB) and every figure is there. In JupyterLab the default
stays, or each saved notebook would carry the script.
"""

from __future__ import annotations

import os

from isr_analysis.surroundings import kernel


def prepare() -> None:
    """Choose the renderer where nobody is there to see; leave alone what the user has chosen."""
    running = kernel()
    if running is None or getattr(running, "_allow_stdin", True) or "PLOTLY_RENDERER" in os.environ:
        return
    import plotly.io

    if plotly.io.renderers.default == "plotly_mimetype":
        plotly.io.renderers.default = "plotly_mimetype+notebook"
