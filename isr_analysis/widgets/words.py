"""Errors and tables for widgets, as text and plain HTML. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

_ACCOUNT = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Notice:
    """A few words that stand where a widget would.

    Parameters
    ----------
    text : str
        The words.
    kind : {"info", "good", "warn", "bad"}
        How they are meant.
    """

    text: str
    kind: str = "info"

    def __str__(self) -> str:
        return in_short(self.text)

    __repr__ = __str__  # a saved notebook has it beside the HTML

    def _repr_html_(self) -> str:
        return notice(self.text, self.kind)


@dataclass(frozen=True, slots=True)
class Code:
    """Python that does the same as a widget."""

    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # The style is for pages without the widgets' own.
        return f'<pre class="isr-code" style="font-family: monospace">{html.escape(self.text)}</pre>'


def in_short(text: str) -> str:
    """Shorten account ids: what a widget shows is saved with the notebook, and shared.

    >>> in_short("account 11111111-2222-4333-8444-555555555555 at home")
    'account 11111111… at home'
    """
    return _ACCOUNT.sub(r"\1…", text)


def notice(text: str, kind: str = "info") -> str:
    """Write words as HTML, in the colour of their kind; an error is told to screen readers at once."""
    role = "alert" if kind == "bad" else "status"
    return f'<div class="isr-note isr-{kind}" role="{role}">{html.escape(in_short(text))}</div>' if text else ""


def table(rows: Iterable[Iterable[str]], heading: Iterable[str], marks: Iterable[str] = ()) -> str:
    """Write a table as HTML.

    Parameters
    ----------
    rows : iterable of iterable of str
        Plain text; it is escaped here.
    heading : iterable of str
        The names of the columns.
    marks : iterable of str, optional
        A class for each row.
    """
    body, classes = list(rows), list(marks)
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heading)
    lines = [
        f'<tr class="{html.escape(classes[at]) if classes else ""}">'
        + "".join(f"<td>{html.escape(in_short(cell))}</td>" for cell in row)
        + "</tr>"
        for at, row in enumerate(body)
    ]
    return (
        f'<div class="isr-scroll" tabindex="0"><table class="isr-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def plain_text(part: Any) -> str:
    """Write a part of a widget's plain form as text: a table in full width, a figure by its title."""
    if isinstance(part, pd.DataFrame):
        return part.to_string(max_rows=40, index=False) if len(part) else "(no rows)"
    layout = getattr(part, "layout", None)
    if layout is not None and hasattr(layout, "title"):
        return f"[figure: {layout.title.text}]"
    return str(part)


def call(name: str, arguments: dict[str, Any], *, raw: dict[str, str] | None = None) -> str:
    """Write a call as Python, on one line where it fits.

    Parameters
    ----------
    name : str
        The function.
    arguments : dict
        Keyword arguments; those that are None are left out.
    raw : dict of str to str, optional
        Keyword arguments that are names, and not written as values.
    """
    parts = [f"{key}={literal(value)}" for key, value in arguments.items() if value is not None]
    parts += [f"{key}={value}" for key, value in (raw or {}).items()]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= 88:  # noqa: PLR2004 (what fits into a cell)
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in parts) + ")"


def literal(value: Any) -> str:
    """Write a value as Python."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # as Python reads it, in double quotes
    if isinstance(value, list):
        return "[" + ", ".join(literal(one) for one in value) + "]"
    return repr(value)
