"""Telemetry of the iShareRadio portal in Jupyter and pandas."""

from __future__ import annotations

__version__ = "0.1.0"
