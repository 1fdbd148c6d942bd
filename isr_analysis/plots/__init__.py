"""Figures of telemetry: DataFrame in, plotly Figure out. None of them changes its input."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isr_analysis.plots.days import availability
    from isr_analysis.plots.lines import timeseries

__all__ = ["availability", "timeseries"]

_HOME = {"availability": "days", "timeseries": "lines"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'isr_analysis.plots' has no attribute {name!r}")
    return getattr(importlib.import_module(f"isr_analysis.plots.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
