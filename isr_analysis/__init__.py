"""Telemetry of the iShareRadio portal in Jupyter and pandas.

>>> import isr_analysis as isr
>>> with isr.sandbox.serve() as sandbox:  # a local portal with invented stations
...     portal = sandbox.connect()
...     df = isr.load_history(topic="telemetry/#", last="2h", portal=portal)
>>> df.index.name, list(df.columns[:2])
('time', ['client_id', 'topic'])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isr_analysis import errors, mgmt, plots, report, sandbox, widgets
    from isr_analysis.checks import channels, completeness, gaps, intervals, quality, wide
    from isr_analysis.engines import open_exported, open_history
    from isr_analysis.export import export_history
    from isr_analysis.history import load_history
    from isr_analysis.holdings import coverage, sync
    from isr_analysis.live import load_live
    from isr_analysis.planning import Plan, plan_history
    from isr_analysis.portal.connection import connect, disconnect, has_token
    from isr_analysis.portal.portal import Portal
    from isr_analysis.publishers import load_publishers
    from isr_analysis.recording import load_recorded, record
    from isr_analysis.report import build_report
    from isr_analysis.saved import read_history
    from isr_analysis.streaming.login import has_subscriber
    from isr_analysis.streaming.stream import stream
    from isr_analysis.watching import watch_live

__version__ = "0.1.0"

__all__ = [
    "Plan",
    "Portal",
    "build_report",
    "channels",
    "completeness",
    "connect",
    "coverage",
    "disconnect",
    "errors",
    "export_history",
    "gaps",
    "has_subscriber",
    "has_token",
    "intervals",
    "load_history",
    "load_live",
    "load_publishers",
    "load_recorded",
    "mgmt",
    "open_exported",
    "open_history",
    "plan_history",
    "plots",
    "quality",
    "read_history",
    "record",
    "report",
    "sandbox",
    "stream",
    "sync",
    "watch_live",
    "wide",
    "widgets",
]

# What is not imported until it is used: the package itself costs little more than pandas.
_HOME = {
    "Plan": "planning",
    "Portal": "portal.portal",
    "build_report": "report",
    "channels": "checks",
    "completeness": "checks",
    "connect": "portal.connection",
    "coverage": "holdings",
    "disconnect": "portal.connection",
    "export_history": "export",
    "gaps": "checks",
    "has_subscriber": "streaming.login",
    "has_token": "portal.connection",
    "intervals": "checks",
    "load_history": "history",
    "load_live": "live",
    "load_publishers": "publishers",
    "load_recorded": "recording",
    "open_exported": "engines",
    "open_history": "engines",
    "plan_history": "planning",
    "quality": "checks",
    "read_history": "saved",
    "record": "recording",
    "stream": "streaming.stream",
    "sync": "holdings",
    "watch_live": "watching",
    "wide": "checks",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'isr_analysis' has no attribute {name!r}")
    if name in _HOME:
        return getattr(importlib.import_module(f"isr_analysis.{_HOME[name]}"), name)
    return importlib.import_module(f"isr_analysis.{name}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
