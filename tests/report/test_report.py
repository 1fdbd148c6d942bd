"""Reports: what stands in them, what they say is missing, and that they need nothing else."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner
from reports import problems

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.cli import cli
from isr_analysis.errors import AddOnMissingError, MissingExtraError, ReportIncompleteError, UsageError
from isr_analysis.messages import Selector
from isr_analysis.report import build, markup, material, outline, page, pdf, sections

TEMPLATES = Path(build.__file__).parent / "template"
SECTIONS = ["Summary", "Publishers", "Availability", "Topics", "Quality", "Live state", "Provenance"]
DASH = "\N{EN DASH}"
LIBRARY = re.compile(r"plotly\.js v\d")


@pytest.fixture(scope="module")
def week(one_sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give the report of a week of the sandbox's fleet, and its text."""
    folder = tmp_path_factory.mktemp("week")
    with one_sandbox.connect(home=folder / "home") as portal:
        path = isr.build_report(folder / "out" / "week.html", last="7d", title="A <week> & more", portal=portal)
    return path, path.read_text("utf-8")


def _without_library(text: str) -> str:
    """Take plotly's own script out of a page: it names addresses that it does not ask for."""
    begin = text.rindex("<script>", 0, LIBRARY.search(text).start())
    return text[:begin] + text[text.index("</script>", begin) :]


def test_a_title_that_is_no_text_is_refused_before_anything_is_asked(sandbox, tmp_path):
    """No notebook could hold it, which would come out after the download."""
    with sandbox.connect() as portal:
        before = sandbox.requests()
        for wrong in (5, ["week"], pd.Timestamp("2026-11-01")):
            with pytest.raises(UsageError, match=r"^title=.* is not text"):
                isr.build_report(tmp_path / "r.html", last="1h", title=wrong, portal=portal)
        assert sandbox.requests() == before


def test_a_report_has_every_section(week: tuple[Path, str]) -> None:
    """Title, contents, every section, a part for each topic, each publisher, and what it rests on."""
    _, text = week
    assert "<title>A &lt;week&gt; &amp; more</title>" in text
    assert "<h1 id=" in text
    assert re.search(r'<p class="lead">\w+day, [1-9]\d? \w+ 20\d\d, \d\d:\d\d to \w+day, [1-9]\d? ', text)
    for name in SECTIONS:
        assert re.search(rf"<h2 [^>]*>{name}</h2>", text), name
        assert re.search(rf'<a href="#[^"]+">{name}</a>', text), name
    for topic in ("telemetry/watt_meter", "state/relay", "voltage"):
        assert re.search(rf"<h3 [^>]*>{topic}</h3>", text), topic
    for client in ("isr-shack-01", "bench-sensor-01", "spare-01"):
        assert re.search(rf"<td[^>]*>{client}</td>", text), client
    for fact in ("Selection", "Range", "Fetched", "Provisional", "Missing", f"isr_analysis {isr.__version__}"):
        assert fact in text
    assert problems(text) == ""
    assert "Traceback" not in text


def test_each_link_of_the_contents_leads_somewhere(week: tuple[Path, str]) -> None:
    """Every entry names one heading, and no two headings share an id."""
    _, text = week
    ids = re.findall(r'<h[123] id="([^"]+)"', text)
    links = re.findall(r'<li class="level-\d"><a href="#([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(links) < set(ids)
    assert len(links) > len(SECTIONS)


def test_a_report_is_one_file_that_asks_for_nothing(week: tuple[Path, str]) -> None:
    """Plotly's script is there once, and no address outside; the portal's own is named, not linked."""
    _, text = week
    assert len(LIBRARY.findall(text)) == 1
    rest = _without_library(text)
    assert {address.rpartition(":")[0] for address in re.findall(r"https?://[^\s\"'<>)]+", rest)} == {
        "http://127.0.0.1"
    }
    assert not re.findall(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=[\"'](?!data:)", rest)
    assert "@import" not in rest
    assert "url(" not in rest


def test_a_report_holds_no_secret(week: tuple[Path, str], one_sandbox: Any) -> None:
    """Neither the token nor the account's whole id nor the code stand in it."""
    _, text = week
    assert one_sandbox.token not in text
    assert one_sandbox.account_id not in text
    assert one_sandbox.account_id[:8] in text
    assert "build_report" not in text
    assert "material = gather" not in text


def test_a_report_is_small(week: tuple[Path, str]) -> None:
    """A week of eighteen topics stays below 8 MB, of which plotly's script is the most."""
    path, text = week
    assert path.stat().st_size < 8_000_000
    assert len(_without_library(text)) < 3_000_000


def test_a_range_without_data(sandbox: Any, tmp_path: Path) -> None:
    """It is written all the same, says so at the top, finds nothing to be in order, and the error names it."""
    with sandbox.connect() as portal, pytest.raises(ReportIncompleteError, match="no message") as told:
        isr.build_report(tmp_path / "none.html", start="2010-01-01", end="2010-01-02", portal=portal)
    assert told.value.path == tmp_path / "none.html"
    text = told.value.path.read_text("utf-8")
    assert "There is no message in this range" in problems(text)
    assert "No message, so nothing to examine." in text
    assert "Nothing looks wrong" not in text
    assert "No publisher was silent" not in text
    assert all(re.search(rf"<h2 [^>]*>{name}</h2>", text) for name in SECTIONS)


def test_a_portal_that_fails(sandbox: Any, tmp_path: Path) -> None:
    """What is on disk is shown; what could not be had, and why, stands at the top and in its place."""
    with sandbox.connect() as portal:
        isr.sync(topic="telemetry/rf", last="3h", portal=portal)
        sandbox.fail("down")
        with pytest.raises(ReportIncompleteError) as told:
            isr.build_report(tmp_path / "r.html", topic="telemetry/rf", last="6h", portal=portal)
    text = told.value.path.read_text("utf-8")
    top = problems(text)
    assert "History:" in top
    assert "not all of it could be fetched" in top
    assert "Live state" in top
    assert re.search(r"<h3 [^>]*>telemetry/rf</h3>", text)
    assert re.search(r"<th>Missing</th><td>20", text)
    assert sandbox.token not in text


def test_an_add_on_that_is_missing_is_no_failure(sandbox: Any, tmp_path: Path) -> None:
    """Who has no list of publishers and no live answer gets a report that says so, and is complete."""
    token = sandbox.make_token(add_ons=["history"])
    with sandbox.connect(token) as portal:
        with pytest.raises(AddOnMissingError):
            isr.load_live(portal=portal)
        path = isr.build_report(tmp_path / "r.html", "rpt-north", "telemetry/rf", last="2h", portal=portal)
    text = path.read_text("utf-8")
    assert "The live answer could not be loaded" in text
    assert re.search(r"<td[^>]*>rpt-north</td>", text)


def test_a_topic_that_cannot_be_worked_out_leaves_the_others(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One chapter fails, says so, and the rest of the report is there."""
    real = material.chapter

    def chapter(topic: str, *rest: Any) -> Any:
        if topic == "state/link":
            raise ZeroDivisionError("no link")
        return real(topic, *rest)

    monkeypatch.setattr(material, "chapter", chapter)
    with sandbox.connect() as portal:
        gathered = material.gather("rpt-north", last="2h", portal=portal)
        made = {one.topic: one for one in gathered.chapters}
        assert made["state/link"].problem == "ZeroDivisionError: no link"
        assert "Traceback" in made["state/link"].detail
        assert made["telemetry/rf"].figures
        assert isinstance(gathered.findings, pd.DataFrame)


def test_a_device_that_was_renamed_is_not_called_silent(sandbox: Any) -> None:
    """A buoy that goes on under another name is one finding, and no silence of either."""
    with sandbox.connect() as portal:
        found = material.gather(topic="telemetry/position", last="40d", portal=portal).findings
    assert "device renamed" in set(found["kind"])
    assert not (found[found["kind"] == "device silent"]["duration"] > pd.Timedelta(days=2)).any()


def test_of_very_many_findings_the_longest_of_each_kind_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year's table holds the longest silences whenever they were, hides no kind, and says what it leaves out."""
    start = pd.date_range("2026-01-01", periods=300, freq="1D", tz="UTC")
    found = pd.DataFrame({"client_id": "a", "topic": "", "channel": "", "field": "", "start": start, "end": start})
    found["kind"] = ["repeated messages"] * 150 + ["type changed"] * 2 + ["device silent"] * 148
    found["duration"] = pd.to_timedelta(range(300), unit="min")
    found["count"] = pd.array(range(300), dtype="Int64")
    found["detail"] = [f"no. {n}." for n in range(300)]
    shown: list[Any] = []
    monkeypatch.setattr(sections, "show", lambda *what: shown.extend(what))
    sections.findings(SimpleNamespace(findings=found, chapters=[], topics=[], tz="UTC", heard=found))  # type: ignore[arg-type]
    told = [int(n) for n in re.findall(r"no\. (\d+)\.", shown[0].source)]
    assert len(told) == 100
    assert told[:49] == [*range(299, 250, -1)]
    assert {149, 150, 151} <= set(told)
    assert "100 longest of 300 findings" in shown[0].source


def test_a_fleet_of_very_many_is_told_whole_and_what_is_not_drawn_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long table has its own scroll bar on the screen, and the availability says that it draws a part."""
    index = pd.date_range("2026-11-01", periods=24, freq="1h", tz="UTC", name="time")
    clients = pd.Categorical.from_codes([n for n in range(1200) for _ in index], [f"c-{n}" for n in range(1200)])
    heard = pd.DataFrame({"client_id": clients, "topic": "t", "value": 1.0}, index=index.append([index] * 1199))
    shown: list[Any] = []
    monkeypatch.setattr(sections, "show", lambda *what: shown.extend(what))
    monkeypatch.setattr(sections, "note", shown.append)
    sections.availability(SimpleNamespace(heard=heard.sort_index(kind="stable"), lacking=()))  # type: ignore[arg-type]
    assert shown[-1] == "The 60 least heard of 1,200 clients."
    tall, small = (markup.table(pd.DataFrame({"n": range(count)})).source for count in (1200, 60))
    assert tall.count("<tr>") == 1201
    assert 'class="wide tall" tabindex="0"' in tall
    assert "tall" not in small


def test_a_zone_without_a_name(sandbox: Any, tmp_path: Path) -> None:
    """A zone must be one that the kernel can be told; others are refused before anything is written."""
    with sandbox.connect() as portal, pytest.raises(UsageError, match="not a known time zone"):
        isr.build_report(tmp_path / "r.html", last="1h", tz=dt.timezone(dt.timedelta(hours=2)), portal=portal)


def test_a_name_that_is_no_html_file(sandbox: Any, tmp_path: Path) -> None:
    """A report is an HTML file; another ending is refused, and who wants a PDF is told how."""
    with sandbox.connect() as portal:
        with pytest.raises(UsageError, match=r'such as "report\.html"$'):
            isr.build_report(tmp_path / "report.docx", last="1h", portal=portal)
        with pytest.raises(UsageError, match=r'"report\.html"; pdf=True \(--pdf\) also writes a PDF$'):
            isr.build_report(tmp_path / "report.PDF", last="1h", portal=portal)


def test_a_title_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    """A crontab in Latin-1 gives bytes that no UTF-8 is; the page is there, and nothing is left beside it."""
    build._write(tmp_path / "r.html", "K\udcfcche")
    assert (tmp_path / "r.html").read_text("utf-8") == "K\\udcfcche"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_without_a_browser_no_pdf(sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it cannot be printed is said at once, with what to do, before anything is fetched."""
    monkeypatch.setenv("ISR_CHROMIUM", "/nowhere/chromium")
    with sandbox.connect() as portal, pytest.raises(MissingExtraError, match="ISR_CHROMIUM"):
        isr.build_report(tmp_path / "r.html", last="1h", pdf=True, portal=portal)
    assert not (tmp_path / "r.html").exists()
    with pytest.raises(MissingExtraError, match="is not a program"):
        pdf.browser()


def test_the_command(sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 0 and the path where it is complete; 3 and the reasons where it is not; quiet says nothing."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    out = tmp_path / "new" / "r.html"
    run = CliRunner().invoke
    done = run(cli, ["report", str(out), "--topic", "voltage", "--last", "6h", "--quiet"], standalone_mode=False)
    assert (done.return_value, done.stdout, done.stderr) == (0, "", "")
    assert out.exists()
    with pytest.warns(UserWarning, match="nothing/here"):
        done = run(cli, ["report", str(out), "--topic", "nothing/here", "--last", "1h"], standalone_mode=False)
    assert done.return_value == 3
    assert "it is not complete" in done.stderr
    assert "nothing/here" in problems(out.read_text("utf-8"))


def test_jupyter_settings_and_home_do_not_matter(sandbox: Any, tmp_path: Path) -> None:
    """No home that could be written, a broken Jupyter configuration, IPython start-up files: the report comes out."""
    config = tmp_path / "config"
    config.mkdir()
    for name in ("jupyter_config.py", "jupyter_nbconvert_config.py", "ipython_kernel_config.py"):
        (config / name).write_text("raise RuntimeError('your own settings')", "utf-8")
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("raise SystemExit('startup')", "utf-8")
    kernels = tmp_path / "data" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "x", "language": "python"})
    )
    env = {
        "PATH": os.environ["PATH"], "HOME": "/proc/none", "JUPYTER_CONFIG_DIR": str(config),
        "IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_PATH": str(tmp_path / "data"), "ISR_HOME": str(tmp_path / "home"), "ISR_TOKEN": sandbox.token,
        "ISR_PORTAL_ORIGIN": sandbox.origin,
    }  # fmt: skip
    command = [sys.executable, "-W", "error", "-c", "from isr_analysis.cli import main; main()", "report", "r.html",
               "--topic", "voltage", "--last", "6h"]  # fmt: skip
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("r.html\n", "")


def test_a_user_without_a_home_is_told_so(sandbox: Any, tmp_path: Path) -> None:
    """As a container's user whom no list has: before anything is fetched, and no traceback of nbconvert."""
    env = {"PATH": os.environ["PATH"], "ISR_HOME": str(tmp_path / "home"), "ISR_TOKEN": sandbox.token,
           "ISR_PORTAL_ORIGIN": sandbox.origin}  # fmt: skip
    without = "import pwd; pwd.getpwuid = {}.__getitem__; from isr_analysis.cli import main; main()"
    command = [sys.executable, "-c", without, "report", "r.html", "--last", "1h"]
    before = sandbox.requests("history")
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"isr: nbconvert, .* set HOME to a folder, which may be empty\n", done.stderr)
    assert sandbox.requests("history") == before


def test_the_template_alone(tmp_path: Path) -> None:
    """`jupyter nbconvert --template isr` makes such a page of any notebook: code folded, figures drawn, errors told."""
    figure = {"data": [{"type": "scatter", "y": [1, 2]}], "layout": {"title": {"text": "Two </script> points"}}}
    library = f"<script>/* plotly.js v7 */{'x' * 1_000_001}</script>"
    cells = [
        nbformat.v4.new_markdown_cell("# Mine\n\n## One\n\ntext"),
        nbformat.v4.new_code_cell("fig", outputs=[
            nbformat.v4.new_output("display_data", {outline.FIGURE: figure, "text/plain": "Figure"}),
            nbformat.v4.new_output("display_data", {"text/html": library}),
            nbformat.v4.new_output("display_data", {page._WIDGET: {"model_id": "1"}, "text/plain": "IntSlider()"}),
        ]),
        nbformat.v4.new_code_cell("for n in 1, 2: print(n, flush=True)", metadata={"tags": ["remove-input"]}, outputs=[
            nbformat.v4.new_output("stream", name="stdout", text="first\n"),
            nbformat.v4.new_output("stream", name="stdout", text="second\n"),
        ]),
        nbformat.v4.new_markdown_cell("## One\n\nagain"),
        nbformat.v4.new_code_cell("1/0", outputs=[nbformat.v4.new_output("error", ename="E", evalue="v")]),
    ]  # fmt: skip
    path = tmp_path / "mine.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "isr",
               f"--TemplateExporter.extra_template_basedirs={TEMPLATES}", str(path)]  # fmt: skip
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "none"), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    text = path.with_suffix(".html").read_text("utf-8")
    assert "<title>Mine</title>" in text
    assert len(LIBRARY.findall(text)) == 1
    assert text.count('class="figure"') == 1
    assert "first\nsecond" in text
    assert "for n in 1" not in text
    assert '<h2 id="one">' in text
    assert '<h2 id="one-2">' in text
    assert '<details class="code">' in text
    assert "An interactive widget" in text
    assert "<b>One:</b> E: v" in problems(text)
    assert "cdnjs" not in _without_library(text)


def test_dark_figures_are_what_plots_draws_for_dark(sandbox: Any) -> None:
    """The page's exchange of colours gives the very figure that `theme="dark"` gives."""
    known = page.counterparts()

    def dark(value: Any) -> Any:
        if isinstance(value, str):
            return known.get(value, value)
        if isinstance(value, dict):
            return {name: dark(one) for name, one in value.items()}
        return [dark(one) for one in value] if isinstance(value, list) else value

    with sandbox.connect() as portal:
        df = isr.load_history(["isr-shack-01", "rpt-west", "rpt-north"], last="12h", portal=portal)
    for draw in (isr.plots.timeseries, isr.plots.timeline, isr.plots.availability):
        light, wanted = (json.loads(draw(df, theme=theme).to_json()) for theme in ("light", "dark"))
        assert dark(light) == wanted, draw


def test_shares_stand_on_the_right_like_numbers(week: tuple[Path, str]) -> None:
    """Hours heard is a number with a unit, and is aligned as one."""
    _, text = week
    assert '<th class="number">Hours heard</th>' in text
    assert re.search(r'<td class="number">\d+\.\d%</td>', text)  # a full hour of which seconds have passed may lack


def test_one_is_not_many() -> None:
    """A tile of a single message does not say "messages"."""
    assert sections._tile(1, "message") == {"message": "1"}
    assert sections._tile(1234, "message") == {"messages": "1,234"}


def test_an_hour_of_one_topic_is_told_as_what_it_is(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its messages are counted by the hour; that its topic has no last message says nothing of the publishers."""
    shown: list[Any] = []
    monkeypatch.setattr(sections, "show", lambda *things: shown.extend(one.source for one in things))
    with sandbox.connect() as portal:
        now = portal.now()

        def made(minutes: int, topic: str) -> material.Material:
            span = times.Range(now - minutes * times.MINUTE, now)
            isr.sync(topic=topic, start=times.iso(span.start), end=times.iso(span.end), portal=portal)
            return material.Material(Selector(None, topic), span, tz="UTC", portal=portal, problems=[])

        assert re.search(r": 60 an hour\.$", sections._heard_words(made(120, "voltage")))
        assert re.search(r" a day\.$", sections._heard_words(made(24 * 60, "voltage")))
        sections.live(made(120, "state/relay"))
        assert "no last message of all publishers, topics state/relay in the portal" in shown.pop()
        sections.live(made(30, "#"))
        assert not re.search(r"\d\.\d+ s<", "".join(shown))
