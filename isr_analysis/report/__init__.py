"""Reports: a parameterised notebook in, one self-contained HTML file out.

`build_report` runs the notebook; the other names are for use in the notebook, whether the built-in one or your own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isr_analysis.report import sections
    from isr_analysis.report.build import build_report
    from isr_analysis.report.markup import table
    from isr_analysis.report.material import Material, gather
    from isr_analysis.report.outline import note, problem, section, show

__all__ = ["Material", "build_report", "gather", "note", "problem", "section", "sections", "show", "table"]

_HOME = {
    "Material": "material",
    "build_report": "build",
    "gather": "material",
    "note": "outline",
    "problem": "outline",
    "section": "outline",
    "show": "outline",
    "table": "markup",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'isr_analysis.report' has no attribute {name!r}")
    if name in _HOME:
        return getattr(importlib.import_module(f"isr_analysis.report.{_HOME[name]}"), name)
    return importlib.import_module(f"isr_analysis.report.{name}")


def __dir__() -> list[str]:
    return __all__
