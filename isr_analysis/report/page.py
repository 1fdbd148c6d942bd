"""What the nbconvert template ``isr`` needs besides the notebook: figures in light and dark, contents, problems.

The template names `ReportPage` in its ``conf.json``, so it works with nbconvert alone as well:
``jupyter nbconvert --to html --template isr notebook.ipynb``.
"""

from __future__ import annotations

import base64
import functools
import gzip
import html
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from nbconvert.preprocessors import Preprocessor

from isr_analysis.plots import theme
from isr_analysis.report.kernel import plain
from isr_analysis.report.outline import FIGURE, PROBLEM, Problem

_WIDGET = "application/vnd.jupyter.widget-view+json"

_HEADING = re.compile(r"<h([123])((?:\s[^>]*)?)>(.*?)</h\1>", re.DOTALL)
_TITLE = re.compile(r'<h1.*?</h1>(\s*<p class="lead">.*?</p>)?', re.DOTALL)
_ID = re.compile(r'\sid="([^"]*)"')
_ANCHOR = re.compile(r'<a class="anchor-link".*?</a>', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_LIBRARY = re.compile(r"plotly\.js v\d")
_FRAME = re.compile(
    r'(<table[^>]*class="dataframe[^"]*"[^>]*>.*?<thead>)(.*?)(</thead>.*?<tbody>)(.*?)(</tbody>)', re.DOTALL
)
_CELL = re.compile(r"<td>(.*?)</td>", re.DOTALL)
_HEAD = re.compile(r'<th((?:\scolspan="(\d+)")?[^>]*)>')
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?|-?inf", re.IGNORECASE)
_NO_NUMBER = {"", "...", "NaN", "nan", "None", "&lt;NA&gt;"}
_WARNED = re.compile(r"^.+:\d+: UserWarning: (.+)$", re.MULTILINE)
_FIRST_HEADING = re.compile(r"^#+\s+(.+)$", re.MULTILINE)


class ReportPage(Preprocessor):
    """Prepares a notebook for the template."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Take out of the outputs what a page must not hold, and put beside it what the template asks for."""
        for cell in nb.cells:
            cell["outputs"] = [_kept(one) for one in cell.get("outputs", ()) if not _is_library(one)]
            if cell.cell_type != "code":
                del cell["outputs"]
        resources["isr"] = Page(nb)
        return nb, resources


def _is_library(output: Any) -> bool:
    """Tell whether an output is plotly's script, which a renderer puts into a notebook: the page has it already."""
    source = output.get("data", {}).get("text/html", "")
    return len(source) > 1_000_000 and _LIBRARY.search(source[:20_000]) is not None  # noqa: PLR2004 (it has 4.8 MB)


def _kept(output: Any) -> Any:
    data = output.get("data", {})
    if FIGURE in data:
        output["data"] = {FIGURE: data[FIGURE]}
    elif _WIDGET in data:  # it lives in a front end; what stands beside it is what can be printed
        output["data"] = {kind: value for kind, value in data.items() if kind != _WIDGET}
        if {*output["data"]} <= {"text/plain"}:
            output["data"] = {"text/html": '<p class="note">An interactive widget; open the notebook to use it.</p>'}
    return output


class Page:
    """A notebook as the template sees it."""

    def __init__(self, nb: Any) -> None:
        self.problems = list(problems(nb))
        self.title = str(nb.metadata.get("title") or _first_heading(nb))
        self.has_figures = any(FIGURE in one.get("data", {}) for cell in nb.cells for one in cell.get("outputs", ()))

    @property
    def plotly_js(self) -> str:
        """Plotly's script, whole."""
        from plotly.offline import get_plotlyjs

        return str(get_plotlyjs())

    @property
    def dark(self) -> str:
        """The colours of the light ground with those of the dark one, as JSON."""
        return json.dumps(counterparts())

    def figure(self, figure: dict[str, Any]) -> str:
        """Give the element of a figure; the page's script draws it."""
        layout = figure.get("layout") or {}
        height = layout.get("height") or 450
        title = layout.get("title") or ""  # other programs than plotly.py may write it as a text alone
        title = title.get("text") if isinstance(title, dict) else title
        meta = layout.get("meta")  # has the title of a figure that is shown without it
        title = title or (meta.get("title") if isinstance(meta, dict) else "") or "Figure"
        title = html.unescape(_TAG.sub("", str(title).replace("<br>", " ")))
        source = json.dumps({key: figure[key] for key in ("data", "layout") if key in figure}, separators=(",", ":"))
        # Packed, as instants written out are three quarters of a figure; each browser since 2023 can unpack it.
        packed = base64.b64encode(gzip.compress(source.encode(), 6, mtime=0)).decode()
        return (
            f'<div class="figure" role="img" aria-label="{html.escape(title)}" style="min-height:{int(height)}px">'
            f'<script type="application/gzip">{packed}</script></div>'
        )

    def warned(self, text: str) -> list[str]:
        """Give what a cell was warned of, such as a client without messages, from what it wrote on standard error."""
        return _WARNED.findall(text)

    def aligned(self, source: str) -> str:
        """Put the numbers of a table that pandas wrote on the right, each under the other."""
        return _FRAME.sub(_aligned, source)

    def contents(self, body: str) -> tuple[str, str, list[dict[str, str]]]:
        """Give each heading of the page an id of its own, and list the second and third level.

        Returns
        -------
        tuple of str, str and list
            The HTML with ids, up to the title and the line below it, and after; and ``level``, ``id`` and ``text``
            (escaped) of each heading in order.
        """
        # Scripts hold figures, which are long and have no headings: they are set aside.
        pieces = re.split(r"(<script.*?</script>)", body, flags=re.DOTALL)
        used: set[str] = set()
        found: list[dict[str, str]] = []
        pieces[::2] = [_HEADING.sub(functools.partial(_numbered, used, found), piece) for piece in pieces[::2]]
        title = _TITLE.search(pieces[0])
        at = title.end() if title else 0
        return pieces[0][:at], pieces[0][at:] + "".join(pieces[1:]), found


def _numbered(used: set[str], found: list[dict[str, str]], match: re.Match[str]) -> str:
    level, attributes, inner = match.groups()
    text = _TAG.sub("", _ANCHOR.sub("", inner)).strip()
    base = re.sub(r"\W+", "-", html.unescape(text).lower()).strip("-") or "section"
    name, count = base, 1
    while name in used:
        count += 1
        name = f"{base}-{count}"
    used.add(name)
    if level != "1":
        found.append({"level": level, "id": html.escape(name), "text": text})
    return f'<h{level} id="{html.escape(name)}"{_ID.sub("", attributes)}>{_ANCHOR.sub("", inner)}</h{level}>'


def _aligned(match: re.Match[str]) -> str:
    before, head, between, body, after = match.groups()
    rows = [_CELL.findall(row) for row in body.split("<tr")[1:]]
    width = max(map(len, rows), default=0)
    if not width or any(len(row) != width for row in rows):
        return match[0]
    held = [[one for one in map(str.strip, column) if one not in _NO_NUMBER] for column in zip(*rows, strict=True)]
    right = [bool(column) and all(map(_NUMBER.fullmatch, column)) for column in held]
    at = itertools.cycle(range(width))
    body = re.sub("<td>", lambda _: '<td class="number">' if right[next(at)] else "<td>", body)
    return before + "<tr".join(_headed(row, right) for row in head.split("<tr")) + between + body + after


def _headed(row: str, right: list[bool]) -> str:
    """Mark the headings of numbers; of an index, and of several columns, they stay on the left."""
    left = len(right) - sum(int(one[2] or 1) for one in _HEAD.finditer(row))

    def cell(one: re.Match[str]) -> str:
        nonlocal left
        start, left = left, left + int(one[2] or 1)
        return f'<th class="number"{one[1]}>' if start >= 0 and left == start + 1 and right[start] else one[0]

    return _HEAD.sub(cell, row)


def problems(nb: Any) -> Iterator[Problem]:
    """Give what went wrong in a notebook: what it told, and the cells that failed."""
    for told in nb.metadata.get("isr", {}).get("problems", ()):
        yield Problem(**told)
    where = ""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and (heads := _FIRST_HEADING.findall(cell.source)):
            where = heads[-1].strip()
        for output in cell.get("outputs", ()):
            if PROBLEM in output.get("data", {}):
                yield Problem(**output["data"][PROBLEM])
            elif output.get("output_type") == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
                yield Problem(where, f"{output.ename}: {output.evalue}", plain(output.traceback))


def _first_heading(nb: Any) -> str:
    heads = (_FIRST_HEADING.search(cell.source) for cell in nb.cells if cell.cell_type == "markdown")
    return next((match[1].strip() for match in heads if match), "")


@functools.cache
def counterparts() -> dict[str, str]:
    """Give each colour of the figures on a light ground with its counterpart on a dark one."""
    pairs = [
        *zip(theme.COLOURS["light"], theme.COLOURS["dark"], strict=True),
        *zip(theme.SPARE["light"], theme.SPARE["dark"], strict=True),
        *((theme.INK["light"][name], theme.INK["dark"][name]) for name in theme.INK["light"]),
        *((one[1], other[1]) for one, other in zip(theme.SCALES["light"], theme.SCALES["dark"], strict=True)),
        (theme.state_colours(["off"], "light")["off"], theme.state_colours(["off"], "dark")["off"]),
    ]
    return dict(pairs)
