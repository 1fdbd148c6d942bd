"""Figures of telemetry: DataFrame in, plotly Figure out. None of them changes its input."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from isr_analysis.plots import headless

if TYPE_CHECKING:
    from isr_analysis.plots.board import live
    from isr_analysis.plots.days import availability
    from isr_analysis.plots.lines import timeseries
    from isr_analysis.plots.pairs import compare
    from isr_analysis.plots.states import coverage, timeline
    from isr_analysis.plots.summary import distribution, profile
    from isr_analysis.plots.zoom import zoomable

__all__ = [
    "availability",
    "compare",
    "coverage",
    "distribution",
    "live",
    "profile",
    "timeline",
    "timeseries",
    "zoomable",
]

# plotly is imported when the first figure is drawn.
_HOME = {
    "availability": "days",
    "compare": "pairs",
    "coverage": "states",
    "distribution": "summary",
    "live": "board",
    "profile": "summary",
    "timeline": "states",
    "timeseries": "lines",
    "zoomable": "zoom",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'isr_analysis.plots' has no attribute {name!r}")
    headless.prepare()
    return getattr(importlib.import_module(f"isr_analysis.plots.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
