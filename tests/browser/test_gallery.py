"""Every plot, light and dark, on one page in a real browser.

``python tests/browser/test_gallery.py gallery.html`` writes the page, to be looked at.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

import isr_analysis as isr
from isr_analysis import plots, sandbox

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOW = int(pd.Timestamp("2026-10-27T10:00", tz="UTC").value)  # two days after the clocks changed
BOXES = """() => [...document.querySelectorAll('.plot')].map(plot => ({
  name: plot.id,
  texts: [...plot.querySelectorAll(
    '.gtitle, .gtitle-subtitle, .xtitle, .ytitle, .y2title, .annotation-text, .legendtext'
  )].filter(e => e.textContent.trim()).map(e => {
    const b = e.getBoundingClientRect();
    return [e.textContent, b.left, b.top, b.right, b.bottom, e.className.baseVal];
  }),
  ticks: plot.querySelectorAll('.xtick, .ytick').length,
  drawn: plot.querySelectorAll('path.js-line, path.point, .point path, .hm image, .cell-text').length,
  table: plot.querySelectorAll('.table').length,
  empty: [...plot.querySelectorAll('.legend .bg')].map(e => e.getBoundingClientRect().top - Math.max(
    ...[...plot.querySelectorAll('[class^=x][class$=title]')].map(e => e.getBoundingClientRect().bottom))),
}))"""


def frame() -> pd.DataFrame:
    """Load a bad week of an invented fleet that the end of summer time falls into."""
    with sandbox.serve(seed=1, now=lambda: NOW) as portal, portal.connect() as connection:
        return isr.load_history(last="6d", tz="Europe/Zurich", portal=connection, progress=False)


def figures(df: pd.DataFrame, theme: str) -> Iterator[tuple[str, go.Figure]]:
    """Draw each plot of the gallery."""
    station = df[df["client_id"] == "isr-shack-01"]
    power, probes = (df[df["topic"] == f"telemetry/{name}"] for name in ("watt_meter", "temp_probe"))
    days = df[df.index >= df.index[-1] - pd.Timedelta(days=2)]
    span = pd.date_range("2026-10-21", periods=4, freq="2D", tz="Europe/Zurich")
    held = pd.DataFrame({"client_id": ["*", "*", "isr-shack-01"], "topic": ["#", "#", "telemetry/#"],
                         "start": span[:3], "end": span[1:], "state": ["settled", "missing", "failed"]})  # fmt: skip
    one = probes[probes["client_id"] == "isr-shack-01"]
    other = probes[probes["client_id"] == "isr-hill-02"]
    yield "timeseries-clients", plots.timeseries(probes, "value", theme=theme)
    named = [
        one.assign(client_id=f"a-station-with-a-very-long-name-on-a-mountain-of-the-canton-{n:03d}") for n in range(12)
    ]
    yield "timeseries-names", plots.timeseries(pd.concat(named), "value", by="client_id", theme=theme)
    yield "timeseries-channels", plots.timeseries(one, "value", by="chan", theme=theme)
    yield "timeseries-all", plots.timeseries(station, theme=theme)
    yield (
        "timeseries-second",
        plots.timeseries(station, ["cpu.load"], second="ram.used_percent", title="Load and memory", theme=theme),
    )
    yield "timeseries-facets", plots.timeseries(power, "value", facet="client_id", theme=theme)
    yield "availability", plots.availability(df, theme=theme)
    yield "timeline", plots.timeline(station, theme=theme)
    yield "profile-day", plots.profile(one, "value", theme=theme)
    yield "profile-week", plots.profile(one, "value", over="week", theme=theme)
    yield "distribution", plots.distribution(pd.concat([power, probes]), "value", theme=theme)
    yield "compare-clients", plots.compare(one, other, "value", theme=theme)
    yield "compare-ranges", plots.compare(one.loc["2026-10-25":"2026-10-26"], one.loc["2026-10-22":"2026-10-23"],
                                          "value", theme=theme)  # fmt: skip
    yield "live", plots.live(df, theme=theme)
    yield "coverage", plots.coverage(held, theme=theme)
    yield "events", plots.timeseries(days[days["topic"] == "event/change"], theme=theme)
    yield "nothing", plots.timeseries(df.iloc[:0], theme=theme)


def page(df: pd.DataFrame) -> str:
    """Write the gallery as one file that needs nothing else."""
    parts = []
    for theme in ("light", "dark"):
        ground = "#FFFFFF" if theme == "light" else "#161B22"
        parts.append(f'<section style="background:{ground};padding:8px">')
        for name, figure in figures(df, theme):
            whole = not any("<script" in part for part in parts)
            html = figure.to_html(full_html=False, include_plotlyjs=whole, div_id=f"fig-{theme}-{name}")
            parts.append(f'<div class="plot" id="{theme}-{name}">{html}</div>')
        parts.append("</section>")
    return f'<!doctype html><meta charset="utf-8"><title>Gallery</title><body style="margin:0">{"".join(parts)}'


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the gallery once."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ISR_HOME", str(tmp_path_factory.mktemp("home")))
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    path.write_text(page(frame()), encoding="utf-8")
    patch.undo()
    return path


def overlap(one: list, other: list) -> bool:
    """Tell whether two boxes of text cover each other by more than a pixel or two."""
    return (min(one[3], other[3]) - max(one[1], other[1]) > 2) and (min(one[4], other[4]) - max(one[2], other[2]) > 2)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1100, 700])
def test_every_plot_is_drawn_and_no_text_lies_over_another(gallery, width):
    """No script error, nothing asked of the network, no empty axes or bands, no titles over each other or cut off."""
    playwright = pytest.importorskip("playwright.sync_api")
    troubles, asked = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": width, "height": 900})
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(gallery.as_uri())
        tab.wait_for_function("document.querySelectorAll('.plot .main-svg').length >= 34 * 2")
        tab.wait_for_timeout(500)
        found = tab.evaluate(BOXES)
        browser.close()
    assert troubles == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len(found) == 34
    for plot in found:
        if "nothing" in plot["name"]:
            assert any("No data" in text[0] for text in plot["texts"])
            continue
        assert plot["drawn"] > 0, plot["name"]
        assert plot["table"] or plot["ticks"] > 3, plot["name"]
        assert all(height < 40 for height in plot["empty"]), plot["name"]  # px between the axis and the legend
        for one, other in itertools.combinations(plot["texts"], 2):
            assert not overlap(one, other), (plot["name"], one[0], other[0])
        for text in plot["texts"]:
            assert text[1] >= 0, (plot["name"], text[0])
            assert text[3] <= width + 2 or "gtitle" in text[5], (plot["name"], text[0])


@pytest.mark.browser
def test_each_name_of_a_long_legend_is_seen_on_a_narrow_page_and_the_axes_have_room():
    """Forty stations of long names, a line each: plotly itself lets a legend scroll above half of the height."""
    playwright = pytest.importorskip("playwright.sync_api")
    index = pd.date_range("2026-11-01", periods=40, freq="1h", tz="UTC", name="time")
    names = [f"a-station-with-a-rather-long-name-on-a-mountain-top-{n:03d}" for n in range(40)]
    figure = plots.timeseries(pd.DataFrame(dict.fromkeys(names, range(40)), index=index), facet=False)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": 480, "height": 900})
        tab.set_content(figure.to_html())
        tab.wait_for_selector(".legendtext")
        legend, axes = (tab.locator(one).bounding_box() for one in (".legend .bg", ".nsewdrag"))
        ends = [one.bounding_box() for one in tab.locator(".legendtext").all()]
        browser.close()
    assert len(ends) == 40
    assert max(one["y"] + one["height"] for one in ends) <= legend["y"] + legend["height"] + 2
    assert axes["height"] > 250


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(frame()), encoding="utf-8")
