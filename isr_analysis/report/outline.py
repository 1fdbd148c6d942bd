"""The parts of a report as written in its notebook: sections that fail on their own, and reported problems.

A section that fails is shown as failed where it stands, and the rest goes on. What went wrong is kept in the output
under a type of its own, so that whoever turns the notebook into a page can say it at the top.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import json
import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from isr_analysis.errors import in_words
from isr_analysis.report.markup import Markup, escaped

FIGURE = "application/vnd.plotly.v1+json"
"""The MIME type of a figure."""

PROBLEM = "application/vnd.isr.problem+json"
"""The MIME type of an output that tells a problem."""

_section: contextvars.ContextVar[str] = contextvars.ContextVar("section", default="")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a report lacks.

    Parameters
    ----------
    where : str
        The section; empty if it concerns the whole report.
    words : str
        What is wrong, in one sentence or two.
    detail : str
        The traceback, for whoever mends it; it is not shown in the report.
    """

    where: str
    words: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.words}" if self.where else self.words


def show(*things: Any) -> None:
    """Show figures, frames and tables in a cell, one below the other.

    Parameters
    ----------
    *things : plotly.graph_objects.Figure, pandas.DataFrame or anything that a notebook shows
        Figures are kept as figures, so that the report can draw them in light and dark.

    Examples
    --------
    >>> import pandas as pd
    >>> from isr_analysis import report
    >>> report.show(report.table(pd.DataFrame({"client_id": ["isr-shack-01"], "volts": [13.8]})))
       client_id volts
    isr-shack-01  13.8
    """
    from IPython.display import display

    for thing in things:
        if hasattr(thing, "to_plotly_json") and os.environ.get("PLOTLY_RENDERER") == "plotly_mimetype":
            # As plotly itself would, without its renderers: to import those takes longer than to draw the figure.
            display({FIGURE: json.loads(thing.to_json()), "text/plain": "Figure"}, raw=True)
        else:
            display(thing)


@contextlib.contextmanager
def section(title: str, *, level: int = 2) -> Iterator[None]:
    """Begin a section of a report; if it fails, the failure is shown in its place and the cell continues.

    Parameters
    ----------
    title : str
        The heading, which also appears in the table of contents.
    level : int
        2 for a section, 3 for a part of one.

    Yields
    ------
    None
        Whatever is shown inside appears in the section.

    Examples
    --------
    >>> from isr_analysis import report
    >>> with report.section("Forward power"):
    ...     report.note("The meter was moved on 3 November.")
    ## Forward power
    The meter was moved on 3 November.
    """
    show(Markup(f"<h{level}>{escaped(title)}</h{level}>", f"{'#' * level} {title}"))
    outer = _section.set(title)
    try:
        yield
    except Exception as exc:  # noqa: BLE001 (whatever it is: it concerns this section alone)
        problem(in_words(exc), detail="".join(traceback.format_exception(exc)))
    finally:
        _section.reset(outer)


def problem(words: str, *, where: str | None = None, detail: str = "") -> None:
    """Report that something is missing or wrong: here, at the top of the report, and in the exit status.

    Parameters
    ----------
    words : str
        What is wrong, in one or two sentences.
    where : str, optional
        The section; by default, the one in which this is called.
    detail : str
        Details for whoever fixes it; not shown in the report.

    Examples
    --------
    >>> from isr_analysis import report
    >>> report.problem("The meter was off all week.", where="Forward power")
    {...'text/plain': 'The meter was off all week.'}
    """
    from IPython.display import display

    told = dataclasses.asdict(Problem(_section.get() if where is None else where, words, detail))
    shown = f'<div class="problem"><p>{escaped(words)}</p></div>'
    display({PROBLEM: told, "text/html": shown, "text/plain": words}, raw=True)


def note(words: str) -> None:
    """Show a remark that the reader should know, but that is not a problem.

    Parameters
    ----------
    words : str
        One or two sentences of plain text.

    Examples
    --------
    >>> from isr_analysis import report
    >>> report.note("Powers are of the meters, not of the radios.")
    Powers are of the meters, not of the radios.
    """
    show(Markup(f'<p class="note">{escaped(words)}</p>', words))
