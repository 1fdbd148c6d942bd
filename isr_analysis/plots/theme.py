"""The look of every figure: one template, light and dark, in colours that colour-blind people can distinguish."""

from __future__ import annotations

import functools
import html
import itertools
import re
import textwrap
import zlib
from collections.abc import Iterable
from typing import Any, Literal, cast

import plotly.graph_objects as go

from isr_analysis.checks.kinds import OFF, ON
from isr_analysis.errors import UsageError

Theme = Literal["light", "dark"]

# After Okabe and Ito; the others differ from these, and from one another, in lightness. Any two are told apart by eyes
# without red, green or blue receptors, too, and each stands out from the ground (3 to 1).
COLOURS = {
    "light": ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8422E6", "#665024", "#1492FF", "#660F49"],
    "dark": ["#56B4E9", "#FF8C42", "#2FD6A3", "#E79AC6", "#AC59FF", "#F0C83C", "#DDF5B0", "#998254"],
}
"""The colours of lines."""

SPARE = {"light": ["#B8860B", "#9D9443", "#4A5560", "#B5179E"], "dark": ["#D88A9C", "#D3E36A", "#C3CCD6", "#FF6FE0"]}
"""The colours of states beyond those of lines, for a figure that has very many."""

_PATTERNS = ["", "/", "x", "\\", ".", "-", "+"]  # upright stripes are those of what changes quickly
_DASHES = ["solid", "dash", "dot", "dashdot", "longdash"]
_LEGEND_WIDTH = 860
_AXES = 160  # px that are left to axes above a long legend
_TITLE_WIDTH = 72  # characters of a line, as many as a page of 700 px has room for
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

INK: dict[str, dict[str, str]] = {
    "light": {"paper": "#FFFFFF", "text": "#1F2933", "soft": "#616E7C", "grid": "#E4E7EB", "line": "#9AA5B1",
              "gap": "rgba(97,110,124,0.16)", "empty": "#EEF1F4", "bad": "#D55E00", "good": "#0072B2",
              "live": "#007A5A", "stale": "#9A6F00", "silent": "#B84D00"},
    "dark": {"paper": "#161B22", "text": "#E6EDF3", "soft": "#9DA7B3", "grid": "#2B333D", "line": "#57606A",
             "gap": "rgba(157,167,179,0.20)", "empty": "#222A33", "bad": "#FF8C42", "good": "#56B4E9",
             "live": "#2FD6A3", "stale": "#F0C83C", "silent": "#FF8C42"},
}  # fmt: skip
"""The colours of text, grid and ground, and of what is good or bad, live, stale or silent."""

SCALES: dict[str, list[list[Any]]] = {
    "light": [[0, "#F3F6F9"], [0.001, "#D6E6F4"], [0.25, "#AFD1E7"], [0.5, "#6BAED6"], [0.75, "#2171B5"],
              [1, "#08306B"]],
    "dark": [[0, "#1E2630"], [0.001, "#1D3E5C"], [0.25, "#1F5A8C"], [0.5, "#2E86C1"], [0.75, "#7FC4F0"],
             [1, "#E3F3FF"]],
}  # fmt: skip
"""The colours of heat maps, from little to much; nothing at all stands out from the least."""

_DAY = 86_400_000  # ms
# Instants as they are written everywhere else: the day before the month.
_TICKS: list[dict[str, Any]] = [
    {"dtickrange": [None, 0.999], "value": "%H:%M:%S.%6f\n%-d %b %Y"},
    {"dtickrange": [1, 999], "value": "%H:%M:%S.%3f\n%-d %b %Y"},
    {"dtickrange": [1000, 59_999], "value": "%H:%M:%S\n%-d %b %Y"},
    {"dtickrange": [60_000, _DAY - 1], "value": "%H:%M\n%-d %b %Y"},
    {"dtickrange": [_DAY, 14 * _DAY], "value": "%-d %b\n%Y"},
    {"dtickrange": ["M1", "M6"], "value": "%b\n%Y"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]
# Units without a prefix of their own.
_BARE = {
    "W", "V", "A", "B", "J", "F", "H", "m", "g", "s", "K", "N", "C", "S", "Hz", "VA", "Wh", "Ah", "Pa", "Ω", "bit",
    "bps", "b/s", "B/s", "bit/s", "V/m",
}  # fmt: skip
_SHORT = 40  # characters of a name beside an axis

# What is good or bad of a relay nobody can know: on and off are just that.
_BAD = {"fault", "error", "alarm", "fail", "failed", "failure", "critical", "lost", "missing"}


def checked(theme: str) -> Theme:
    """Accept the name of a theme.

    Raises
    ------
    UsageError
        It is neither "light" nor "dark".
    """
    if str(theme) in {"light", "dark"}:
        return cast("Theme", theme)
    raise UsageError(f'theme={theme!r} is not known; give "light" or "dark"')


def client_colour(client_id: str, theme: Theme) -> str:
    """Give a client's colour: the same in every figure, whoever else is in it.

    It rests on the id alone: its first word and its number. So the stations of a fleet that are numbered
    (``isr-shack-01``, ``isr-hill-02``) take neighbouring colours and never share one among eight.
    """
    number = re.search(r"\d{1,9}$", client_id)
    word = re.split(r"[-_./ ]", client_id, maxsplit=1)[0] if number else client_id
    colours = COLOURS[theme]
    return colours[(zlib.crc32(word.encode("utf-8", "replace")) + int(number[0] if number else 0)) % len(colours)]


def line_styles(
    clients: list[str | None], names: list[str], panels: list[Any], theme: Theme
) -> dict[str, tuple[str, str]]:
    """Give (colour, dash) for each name in a legend.

    Where there are several clients the colour says which, and the dash tells lines of the same colour apart, as long as
    there are any; lines of one client (or of none) take the colours in turn. Only lines that share a panel need to
    differ.
    """
    colours = COLOURS[theme]
    several = len({*clients}) > 1
    first = colours.index(client_colour(clients[0], theme)) if clients and clients[0] else 0
    styles: dict[str, tuple[str, str]] = {}
    beside: dict[Any, set[str]] = {}
    for name, panel in zip(names, panels, strict=True):
        beside.setdefault(panel, set()).add(name)
    for name, client in zip(names, clients, strict=True):
        if name in styles:
            continue
        used = {styles[other] for near in beside.values() if name in near for other in near if other in styles}
        if several:  # when all dashes are taken, a look that others need last
            own = client_colour(client or "", theme)
            looks = [(own, dash) for dash in _DASHES] + [(other, dash) for dash in _DASHES[::-1] for other in colours]
        else:
            looks = [(colour, dash) for dash in _DASHES for colour in [*colours[first:], *colours[:first]]]
        styles[name] = next((one for one in looks if one not in used), looks[0])
    return styles


def state_looks(states: Iterable[str], theme: Theme) -> dict[str, tuple[str, str]]:
    """Give each state its colour and pattern: off is pale, on is strong, faults stand out, others take them in turn.

    Those that come first have plain colours; when these are taken, the same come again with a pattern.
    """
    colours = COLOURS[theme]
    known = [(ON, INK[theme]["good"]), (OFF, "#C9D1D9" if theme == "light" else "#3B4552"), (_BAD, INK[theme]["bad"])]
    chosen = {
        state: next((colour for words, colour in known if state.strip().casefold() in words), "") for state in states
    }
    # Green last: nobody knows whether such a state is well.
    free = [one for one in [*colours[3:], *colours[2::-1], *SPARE[theme]] if one not in chosen.values()]
    turn = itertools.cycle((colour, pattern) for pattern in _PATTERNS for colour in free)
    return {state: (colour, "") if colour else next(turn) for state, colour in chosen.items()}


def state_colours(states: Iterable[str], theme: Theme) -> dict[str, str]:
    """Give each state the colour of its look."""
    return {state: colour for state, (colour, _) in state_looks(states, theme).items()}


def said(text: object) -> str:
    """Give what a device said as text for a figure: plotly takes it as HTML, and what looks like a tag would vanish."""
    return html.escape(str(text), quote=False)


def short(name: str, most: int = _SHORT) -> str:
    """Cut the middle out of a name that is too long to stand beside an axis."""
    return name if len(name) <= most else f"{name[: most - most // 2 - 1]}…{name[-(most // 2) :]}"


class _Folder(textwrap.TextWrapper):
    """Breaks also behind the slashes of a topic and between the parts of a name."""

    wordsep_re = re.compile(r"(\s+|[^\s/_-]+[/_-]+)")


def folded(text: str, most: int) -> str:
    """Break a text into lines of a table's cell; plotly itself breaks between words only, and cuts off the rest."""
    return "<br>".join(said(line) for line in _Folder(most).wrap(text) or [""])


def time_axis(title: str, ends: list[str]) -> dict[str, Any]:
    """Give what an axis of time needs beside the template."""
    return {"type": "date", "title": {"text": title}, "range": ends, "tickformatstops": _TICKS}


def number_axis(units: Iterable[str]) -> dict[str, Any]:
    """Give what an axis of numbers needs beside the template: 14,070 kHz are no "14.07k" of them.

    Plotly writes k and M behind great numbers, which only units without a prefix of their own can bear.
    """
    if all(not unit or unit in _BARE for unit in units):
        return {}
    return {"exponentformat": "power", "minexponent": 5, "separatethousands": True}


def name_axis(names: list[str]) -> dict[str, Any]:
    """Give what an axis of names needs beside the template, the first on top; long ones are cut, and stay apart."""
    axis: dict[str, Any] = {"type": "category", "categoryorder": "array", "categoryarray": names[::-1]}
    if any(len(name) > _SHORT for name in names):
        whole = [html.unescape(name) for name in names]
        rooms = range(_SHORT, max(map(len, whole)), 4)
        cuts = ([short(name, room) for name in whole] for room in rooms)
        cut = next((one for one in cuts if len({*one}) == len({*whole})), whole)
        axis |= {"tickvals": names, "ticktext": [*map(said, cut)]}
    return axis


@functools.cache
def template(theme: Theme) -> go.layout.Template:
    """Build the template of a theme; plotly's own default is left as it is."""
    c = INK[theme]
    axis = {
        "gridcolor": c["grid"], "linecolor": c["line"], "zerolinecolor": c["grid"], "zerolinewidth": 1,
        "showline": True, "ticks": "outside", "tickcolor": c["line"], "ticklen": 4, "automargin": True,
        "exponentformat": "SI", "separatethousands": True,  # else 1,008.5 stands beside 1009
        "title": {"standoff": 10, "font": {"size": 12, "color": c["soft"]}},
        "tickfont": {"size": 11, "color": c["soft"]},
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 12, "color": c["text"]},
            "title": {
                "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                "pad": {"l": 20, "t": 14, "b": 12}, "font": {"size": 17},
                "subtitle": {"font": {"size": 12, "color": c["soft"]}},
            },
            "paper_bgcolor": c["paper"], "plot_bgcolor": c["paper"], "colorway": COLOURS[theme],
            "margin": {"l": 64, "r": 24, "t": 78, "b": 56},
            "xaxis": axis, "yaxis": axis,
            "legend": {"orientation": "h", "x": 0, "xref": "paper", "y": 0, "yref": "container", "yanchor": "bottom",
                       "font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)", "itemwidth": 46, "tracegroupgap": 0},
            "hoverlabel": {"bgcolor": c["empty"], "bordercolor": c["line"], "align": "left", "namelength": -1,
                           "font": {"family": _FONT, "size": 12, "color": c["text"]}},
            "colorscale": {"sequential": SCALES[theme]},
            "annotationdefaults": {"font": {"size": 12, "color": c["soft"]}},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": c["soft"], "activecolor": c["text"]},
        }
    )  # fmt: skip


def dressed(
    figure: go.Figure,
    theme: Theme,
    *,
    title: str,
    notes: Iterable[str] = (),
    height: int,
    legend: Iterable[str] = (),
    heading: bool = False,
) -> go.Figure:
    """Give a figure its template, title, notes, and room for a legend below.

    The height alone has that room: plotly takes from it what the legend really needs at the width of the page, and the
    axes get the rest. Only where they would get too little does the legend scroll.

    Parameters
    ----------
    legend : iterable of str
        The names in the legend, by whose length room is made; none hides it.
    heading : bool
        Whether a panel's heading needs room under the title.
    """
    told = [note for note in notes if note]
    lines = textwrap.wrap(str(title), _TITLE_WIDTH, break_on_hyphens=False) or [""]
    more = 22 * (len(lines) - 1)
    under = 16 * ("<br>" in (figure.layout.xaxis.title.text or ""))
    below = 18 * len(told)
    names = [*legend]
    room = 19 * _legend_rows(names) + 8 if names else 0
    margin = {"t": 60 + below + more + 16 * heading, "b": 62 + under}
    height += room + below + under + more + 16 * heading
    figure.update_layout(
        template=template(theme), height=height, margin=margin, showlegend=bool(names),
        title={"text": "<br>".join(lines), "subtitle": {"text": "<br>".join(told)} if told else None},
    )  # fmt: skip
    if names:
        figure.layout.legend.maxheight = max(height // 2, height - sum(margin.values()) - _AXES)
    return figure


def _legend_rows(names: list[str]) -> int:
    """Count the rows that the entries of a legend take, one after another."""
    rows, at = 1, 0
    for name in names:
        width = 7 * len(name) + 68
        rows, at = (rows + 1, width) if at and at + width > _LEGEND_WIDTH else (rows, at + width)
    return rows


def nothing(theme: Theme, *, title: str, words: str) -> go.Figure:
    """Draw that there is nothing to draw, and say so."""
    figure = go.Figure()
    figure.add_annotation(
        text=words, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False,
        font={"size": 16, "color": INK[theme]["soft"]},
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return dressed(figure, theme, title=title, height=320)
