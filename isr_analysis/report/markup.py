"""HTML for a report: tables, key figures and text, always escaped."""

from __future__ import annotations

import datetime as dt
import html
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from isr_analysis import times
from isr_analysis.checks.kinds import is_number

NOTHING = "\N{EN DASH}"
_LONG = 30  # characters of a word that may stand on one line of a cell
_SHORT, _SENTENCE = 16, 40  # characters of a column's longest text that stays on a line, or gets a line's length
_TALL = 60  # rows beyond which a table has a scroll bar of its own


class Markup:
    """HTML that a notebook shows, with the same in words for where no HTML is seen.

    Parameters
    ----------
    source : str
        The HTML, safe as it stands.
    words : str
        The plain text.
    """

    def __init__(self, source: str, words: str = "") -> None:
        self.source = source
        self.words = words

    def _repr_html_(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return self.words


def escaped(value: object) -> str:
    """Give a value as text that is safe in HTML."""
    return html.escape(str(value))


def written(value: Any) -> str:
    """Write one value for a reader: thousands in groups, few digits, instants to the second, a dash for nothing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return NOTHING
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, pd.Timedelta):
        return times.lasting(value.value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}"
    if isinstance(value, numbers.Real):
        return _real(float(value))
    text = str(value)
    return text if text.strip() else NOTHING


def _real(value: float) -> str:
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if 9999.5 <= abs(value) < 1e15 or (value == int(value) and abs(value) < 1e4):  # noqa: PLR2004 (exact integers)
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def reading(value: float, places: int, *, digits: int = 4, mean: bool = False) -> str:
    """Write a measured value with the decimals that it was published with, as far as `digits` digits reach.

    Parameters
    ----------
    value : float
        What is written.
    places : int
        Of `decimals`.
    digits : int
        How many digits a reader wants.
    mean : bool
        Whether it is a mean: it gets two decimals more where they are among its first four digits.
    """
    size = math.floor(math.log10(abs(value))) if value else 0
    if abs(value) >= 1e15 or (size < -4 and places > 6):  # noqa: PLR2004 (written with a power of ten)
        return f"{value:.4g}"
    if mean and value:
        places = max(places, min(places + 2, 3 - size))
    text = f"{value:,.{max(0, min(places, digits - 1 - size))}f}"
    return text if text.strip("-0.,") else text.removeprefix("-")


def table(
    rows: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    caption: str = "",
    muted: Iterable[bool] = (),
    right: Iterable[str] = (),
) -> Markup:
    """Format a frame as a table, without its index.

    Parameters
    ----------
    rows : pandas.DataFrame
        The rows to show.
    labels : mapping, optional
        The columns to show, in this order, with their headings; by default, all columns under their own names.
    caption : str
        A line above the table.
    muted : iterable of bool
        For each row, whether it is less important.
    right : iterable of str
        The text columns that contain numbers and are aligned right.

    Returns
    -------
    Markup
        HTML for a notebook cell or a report; printed, it is plain text.

    Examples
    --------
    >>> from isr_analysis import report
    >>> report.table(pd.DataFrame({"client_id": ["isr-shack-01"], "v": [13.8]}), labels={"client_id": "Who", "v": "V"})
             Who    V
    isr-shack-01 13.8
    """
    heads = dict(labels) if labels is not None else {str(name): str(name) for name in rows.columns}
    texts = {name: [written(one) for one in rows[name].astype("object")] for name in heads}
    kinds = {name: _kind(rows[name], texts[name]) for name in heads} | dict.fromkeys(right, "number")
    dull = [*muted, *[False] * len(rows)][: len(rows)]

    def cell(tag: str, name: str, text: str) -> str:
        is_text = kinds[name] not in ("time", "number")
        kind = "long" if is_text and max(map(len, text.split()), default=0) > _LONG else kinds[name]
        kind = f' class="{kind}"' if kind else ""
        return f"<{tag}{kind}>{escaped(text)}</{tag}>"

    head = "".join(cell("th", name, label) for name, label in heads.items())
    body = "".join(
        ('<tr class="muted">' if quiet else "<tr>")
        + "".join(cell("td", name, text) for name, text in zip(heads, row, strict=True))
        + "</tr>"
        for quiet, *row in zip(dull, *texts.values(), strict=True)
    )
    box, top = 'class="wide"', escaped(caption)
    if len(rows) > _TALL:
        box = f'class="wide tall" tabindex="0" role="region" aria-label="{len(rows):,} rows"'
        top += f' <span class="screen">{len(rows):,} rows; scroll the table to see them all.</span>'
    top = f"<caption>{top}</caption>" if top else ""
    plain = pd.DataFrame(texts).set_axis([*heads.values()], axis=1).to_string(index=False)
    return Markup(
        f'<div {box}><table class="isr">{top}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>',
        f"{caption}\n{plain}" if caption else plain,
    )


def _kind(column: pd.Series, texts: list[str]) -> str:
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "time"
    if is_number(column) or pd.api.types.is_timedelta64_dtype(kind):
        return "number"
    if max(map(len, texts), default=0) <= _SHORT:
        return "short"
    return "words" if max((len(one) for one in texts if " " in one), default=0) > _SENTENCE else ""


def tiles(facts: Mapping[str, str]) -> Markup:
    """Show a few figures of merit side by side: a label each, and what it is."""
    body = "".join(f"<div><dt>{escaped(label)}</dt><dd>{escaped(value)}</dd></div>" for label, value in facts.items())
    return Markup(f'<dl class="tiles">{body}</dl>', "\n".join(f"{label}: {value}" for label, value in facts.items()))


def facts(pairs: Mapping[str, str]) -> Markup:
    """Show what is known, a line each: a label, and what it is."""
    body = "".join(f"<tr><th>{escaped(label)}</th><td>{escaped(value)}</td></tr>" for label, value in pairs.items())
    return Markup(
        f'<div class="wide"><table class="isr facts"><tbody>{body}</tbody></table></div>',
        "\n".join(f"{label}: {value}" for label, value in pairs.items()),
    )


def bullets(lines: Iterable[str]) -> Markup:
    """Show sentences as a list."""
    said = [line for line in lines if line]
    return Markup("<ul>" + "".join(f"<li>{escaped(line)}</li>" for line in said) + "</ul>", "\n".join(said))


def paragraph(text: str) -> Markup:
    """Show a paragraph."""
    return Markup(f'<p class="intro">{escaped(text)}</p>', text)


def listed(names: Iterable[str], most: int = 6) -> str:
    """Write names in a row: ``a, b and c``; beyond `most` only how many more."""
    all_of_them = list(names)
    shown = all_of_them[:most]
    if len(all_of_them) > most:
        return f"{', '.join(shown)} and {len(all_of_them) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
