"""The report in a real browser: off the network, light and dark, on a phone and on paper."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from servers import LONG

import isr_analysis as isr
from isr_analysis.report import build, pdf

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1400, "height": 900}}


@pytest.fixture(scope="module")
def report(one_sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the report of two days of the sandbox's fleet."""
    folder = tmp_path_factory.mktemp("report")
    with one_sandbox.connect(home=folder / "home") as portal:
        return isr.build_report(folder / "report.html", last="2d", portal=portal)


def _opened(chromium: Any, report: Path, **how: Any) -> tuple[Any, list[str], list[str]]:
    """Open the report off the network and scroll through it; give the page, what it asked for, and its errors."""
    page = chromium.new_context(offline=True, **how).new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.set_default_timeout(LONG)
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelectorAll('.figure script').length === 0")
    for number in range(page.locator(".figure").count()):
        # What is drawn above may move it out of view again.
        page.wait_for_function(
            "n => { const one = document.querySelectorAll('.figure')[n]; one.scrollIntoView();"
            " return one.querySelector('.main-svg'); }", arg=number,
        )  # fmt: skip
    return page, asked, errors


@pytest.mark.parametrize("how", [DESK, PHONE, DESK | {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_opens_off_the_network(chromium: Any, report: Path, how: dict[str, Any]) -> None:
    """Every figure is drawn, nothing but the file is asked for, no error, and the page is no wider than the screen."""
    page, asked, errors = _opened(chromium, report, **how)
    assert asked == [report.as_uri()]
    assert errors == []
    assert page.evaluate("document.querySelectorAll('.figure').length") > 10
    assert page.evaluate("document.documentElement.scrollWidth") <= how["viewport"]["width"]
    too_wide = "[...document.querySelectorAll('.figure')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert page.evaluate(too_wide) == 0
    page.context.close()


def test_no_table_is_cut_off_on_a_desk(chromium: Any, report: Path) -> None:
    """Each table fits the page: nobody has to find out that it can be scrolled to the side."""
    page = chromium.new_context(offline=True, **DESK).new_page()
    page.set_default_timeout(LONG)
    page.goto(report.as_uri())
    tables = page.locator("table.isr")
    tables.filter(has_text="Finding").filter(has_text="watt_meter").first.wait_for()
    cut = "(all) => all.filter((one) => one.offsetWidth > one.parentElement.clientWidth).map((one) => one.innerText)"
    assert tables.evaluate_all(cut) == []
    page.context.close()


def test_a_picture_of_the_whole_page_has_every_figure(chromium: Any, report: Path) -> None:
    """They are drawn in the order of the page, when nothing else is to do; nobody has to scroll to them."""
    page = chromium.new_context(offline=True, **DESK).new_page()
    page.set_default_timeout(LONG)
    page.goto(report.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.figure')].every((one) => one.querySelector('.main-svg'))")
    assert page.evaluate("window.scrollY") == 0
    page.context.close()


def test_dark_and_light_change_while_it_is_open(chromium: Any, report: Path) -> None:
    """Page and figures follow the system's setting, at once and without a reload."""
    page, _, _ = _opened(chromium, report, **DESK, color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    drawn = "document.querySelector('.figure .main-svg').style.background"
    assert (page.evaluate(ground), page.evaluate(drawn)) == ("rgb(255, 255, 255)", "rgb(255, 255, 255)")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{drawn} === {ground} && {ground} === 'rgb(22, 27, 34)'")
    page.context.close()


def test_ticks_and_paper(chromium: Any, report: Path) -> None:
    """An axis of time writes the day before the month; on paper nothing has a scroll bar."""
    page, _, _ = _opened(chromium, report, **DESK)
    ticks = page.locator(".figure .xtick text").all_text_contents()
    assert [one for one in ticks if re.match(r"\d{1,2} [A-Z][a-z]{2}", one)]
    assert not [one for one in ticks if re.match(r"[A-Z][a-z]{2} \d", one)]
    page.emulate_media(media="print")
    scrolls = (
        "[...document.querySelectorAll('main *')].filter((one) => getComputedStyle(one).overflowX === 'auto').length"
    )
    assert page.evaluate(scrolls) == 0
    page.context.close()


def test_the_contents_lead_there(chromium: Any, report: Path) -> None:
    """A click on an entry brings its section into view."""
    page, _, _ = _opened(chromium, report, **DESK)
    page.evaluate("window.scrollTo(0, 0)")
    page.get_by_role("link", name="Provenance").click()
    page.wait_for_function(
        "(({ top }) => top >= 0 && top < innerHeight)(document.getElementById('provenance').getBoundingClientRect())"
    )
    page.context.close()


def test_on_paper(report: Path, tmp_path: Path) -> None:
    """`--pdf` prints every page off the network, with vector figures, links and no buttons."""
    out = tmp_path / "report.pdf"
    pdf.print_page(report, out, pdf.browser())
    data = out.read_bytes()
    assert data.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    assert 5 < pages < 40
    assert len(data) < 8_000_000


def test_the_heads_of_frames_stand_over_their_columns(chromium: Any) -> None:
    """Whatever style pandas brings along: heads and cells begin at the left, row names at the top of their rows."""
    plain = pd.DataFrame({"kind": ["device silent"], "detail": ["words " * 40]})
    several = plain.set_axis(pd.MultiIndex.from_product([["a"], ["b", "c"]]), axis=1).rename_axis("time")
    frames = [plain, plain.rename_axis("time"), several]
    styles = (build.TEMPLATES / "isr" / "isr.css").read_text("utf-8")
    page = chromium.new_page()
    page.set_content(f"<style>{styles}</style>" + "".join(frame._repr_html_() for frame in frames))
    heads = "[...new Set([...document.querySelectorAll('thead th')].map((one) => getComputedStyle(one).textAlign))]"
    names = "[...new Set([...document.querySelectorAll('tbody th')].map((one) => getComputedStyle(one).verticalAlign))]"
    assert (page.evaluate(heads), page.evaluate(names)) == (["left"], ["top"])
    page.close()


@pytest.mark.parametrize(("how", "shown"), [
    (PHONE, ["7c9e667…c1f90ae7", "7c9e667…1<b>01&c"]),
    (DESK, ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "7c9e6679-7425-40de-944b-e07fc1<b>01&c"]),
], ids=["phone", "desk"])  # fmt: skip
def test_long_names_leave_room_for_the_figure_on_a_phone(
    chromium: Any, tmp_path: Path, how: dict[str, Any], shown: list[str]
) -> None:
    """Their middles are cut out there, and only there; what is left tells them apart, and is no markup."""
    index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    names = ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "7c9e6679-7425-40de-944b-e07fc1<b>01&c"]
    frame = pd.concat([pd.DataFrame({"client_id": name, "topic": "t"}, index=index) for name in names])
    drawn = {"application/vnd.plotly.v1+json": json.loads(isr.plots.availability(frame).to_json())}
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", drawn)])
    text, _ = build.render(nbformat.v4.new_notebook(cells=[cell]))
    (made := tmp_path / "page.html").write_text(text, "utf-8")
    page, _, errors = _opened(chromium, made, **how)
    page.wait_for_selector(".ytick text")
    assert errors == []
    assert sorted(page.locator(".ytick text").all_text_contents()) == sorted(shown)
    room = page.evaluate("document.querySelector('.nsewdrag').getBoundingClientRect().width")
    assert room > page.evaluate("document.querySelector('.figure').clientWidth") / 3
    page.context.close()


def test_on_paper_a_long_legend_is_whole_and_leaves_room(chromium: Any, tmp_path: Path) -> None:
    """Paper does not scroll, and a figure that is taller than what a heading leaves of a sheet is torn in two."""
    index = pd.date_range("2026-11-01", periods=40, freq="1h", tz="UTC", name="time")
    names = [f"measuring-station-{n:03d}-upper-valley-north-ridge-cabinet" for n in range(40)]
    figure = isr.plots.timeseries(pd.DataFrame(dict.fromkeys(names, range(40)), index=index), facet=False)
    drawn = {"application/vnd.plotly.v1+json": json.loads(figure.to_json())}
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", drawn)])
    text, _ = build.render(nbformat.v4.new_notebook(cells=[cell]))
    (made := tmp_path / "page.html").write_text(text, "utf-8")
    page, _, _ = _opened(chromium, made, **DESK)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("document.querySelector('.figure .main-svg').clientWidth === 680")
    box = "(one) => document.querySelector(one).getBoundingClientRect()"
    legend, axes, svg = (page.evaluate(box, one) for one in (".legend .bg", ".nsewdrag", ".figure .main-svg"))
    ends = page.locator(".legendtext").evaluate_all("all => all.map(one => one.getBoundingClientRect().bottom)")
    assert len(ends) == 40
    assert max(ends) <= legend["bottom"] + 1
    assert axes["height"] > 150
    assert svg["height"] < 750
    page.context.close()


def test_the_last_row_of_the_board_is_whole(chromium: Any, tmp_path: Path) -> None:
    """Also where each row has two lines of words: nothing of the table lies below its place."""
    index = pd.DatetimeIndex(["2026-11-01T12:00"] * 12, tz="UTC", name="time")
    words = {"deviation_khz": 2.5, "pa_temp_c": 34.9, "rssi": -86, "users": 0, "longer": 123_456_789}
    frame = pd.DataFrame({"client_id": [f"c-{i}" for i in range(12)], "topic": "telemetry/rf", **words}, index=index)
    figure = isr.plots.live(frame)
    figure.write_html(path := tmp_path / "board.html")
    page = chromium.new_page(viewport={"width": 1000, "height": 1000})
    page.goto(path.as_uri())
    page.wait_for_selector(".cell-text")
    bottoms = "[...document.querySelectorAll('.cell-rect')].map((one) => one.getBoundingClientRect().bottom)"
    place = page.evaluate("document.querySelector('.main-svg').getBoundingClientRect().bottom") - figure.layout.margin.b
    assert place - 20 < max(page.evaluate(bottoms)) <= place
    page.close()


@pytest.mark.parametrize("width", [390, 620, 1000])
def test_nothing_of_the_board_is_cut_off_at_any_width(chromium: Any, tmp_path: Path, width: int) -> None:
    """Instants, ages and values stand whole in their columns on a phone, in a narrow JupyterLab and on a wide page."""
    index = pd.DatetimeIndex(["2026-09-01T12:00:45", "2026-11-01T12:00:45"], tz="UTC", name="time")
    words = {"deviation_khz": 2.5, "pa_temp_c": 34.9, "rssi": -86, "users": 0}
    frame = pd.DataFrame({"client_id": ["bench-sensor-01", "rpt-north"], "topic": "telemetry/rf", **words}, index=index)
    isr.plots.live(frame).write_html(path := tmp_path / "board.html")
    page = chromium.new_page(viewport={"width": width, "height": 1000})
    page.goto(path.as_uri())
    page.wait_for_selector(".cell-text")
    over = page.evaluate("""() => [...document.querySelectorAll('.column-cell')].filter((one) => {
        const box = (name) => one.querySelector(name).getBoundingClientRect()
        return box('.cell-text').right > box('.cell-rect').right
    }).map((one) => one.textContent)""")
    assert page.locator(".column-cell").count() == 9
    assert over == []
    page.close()
