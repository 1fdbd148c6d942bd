"""Widgets for JupyterLab. Each calls the public functions, and shows the equivalent code.

None of them blocks a cell or makes a request before it is displayed. Without a front end (nbconvert, a script,
papermill), each shows what it can: its figure, its table, or an error that names the setting to change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isr_analysis.widgets.board import LiveBoard as live_board  # noqa: N813 (called like a function)
    from isr_analysis.widgets.dates import DateRange as date_range  # noqa: N813 (called like a function)
    from isr_analysis.widgets.explore import Explorer as explorer  # noqa: N813 (called like a function)
    from isr_analysis.widgets.pick import Picker as picker  # noqa: N813 (called like a function)
    from isr_analysis.widgets.token import TokenEntry as token_entry  # noqa: N813 (called like a function)

__all__ = ["date_range", "explorer", "live_board", "picker", "token_entry"]

_HOME = {
    "date_range": ("dates", "DateRange"),
    "explorer": ("explore", "Explorer"),
    "live_board": ("board", "LiveBoard"),
    "picker": ("pick", "Picker"),
    "token_entry": ("token", "TokenEntry"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'isr_analysis.widgets' has no attribute {name!r}")
    module, kind = _HOME[name]
    return getattr(importlib.import_module(f"isr_analysis.widgets.{module}"), kind)


def __dir__() -> list[str]:
    return __all__
