"""The notebooks: stored clean, and each runs from a clean kernel against the sandbox and against a portal."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbconvert.nbconvertapp import NbConvertApp
from portals import TOKEN, Dialect, Message, Server, serve

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.disclosure import disclosures
from isr_analysis.report import build

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SHIPPED = build.NOTEBOOK
NAMES = [path.stem for path in NOTEBOOKS]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("path", [*NOTEBOOKS, SHIPPED], ids=lambda path: path.stem)
def test_stored_clean(path: Path) -> None:
    """No outputs, no execution counts, no trace of the machine, ids that mean something, nothing given away."""
    nb = _read(path)
    assert {*nb["metadata"]} <= {"kernelspec", "language_info"}
    assert nb["metadata"]["language_info"] == {"name": "python"}
    for cell in nb["cells"]:
        assert re.fullmatch(r"[a-z][a-z-]+", cell["id"]), cell["id"]
        assert {*cell["metadata"]} <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert _source(cell).strip()
    assert disclosures(nb) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_story(path: Path) -> None:
    """Each begins with a title and a question, and connects in one cell that works with and without a token."""
    nb = _read(path)
    first = _source(nb["cells"][0])
    assert first.startswith("# ")
    assert "?" in first
    words = ("isr.connect()", "isr.has_token()", "isr.sandbox.serve(")
    assert any(all(one in _source(cell) for one in words) for cell in nb["cells"])


def _convert(path: Path, out: Path, **env: str) -> str:
    """Run a notebook as a user would, by nbconvert's command, warnings of this package and errors fatal.

    The command is called in this process, as it takes two seconds to begin; the kernel is one of its own.
    """
    own = {"IPYTHONDIR": str(out / "ipython"), "JUPYTER_CONFIG_DIR": str(out / "none"), "ISR_HOME": str(out / "home")}
    with pytest.MonkeyPatch.context() as here, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nbconvert itself
        for name in [one for one in os.environ if one.startswith("PLOTLY_")]:
            here.delenv(name)
        for name, value in {**own, **env}.items():
            here.setenv(name, value)
        NbConvertApp.clear_instance()
        command = NbConvertApp.instance()
        command.initialize(["--execute", "--to", "html", f"--output-dir={out}", str(path)])
        command.start()
        NbConvertApp.clear_instance()
    return (out / path.with_suffix(".html").name).read_text("utf-8")


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_runs_against_the_sandbox(path: Path, tmp_path: Path) -> None:
    """Without a token each runs to its end, and its figures are in the HTML, with plotly's script."""
    page = _convert(path, tmp_path)
    assert "Traceback" not in page
    assert not re.search(r'<div[^>]*data-mime-type="application/vnd.jupyter.stderr"', page)  # such as a warning
    if any("isr.plots." in _source(cell) for cell in _read(path)["cells"]):
        assert "Plotly.newPlot" in page
        assert len(re.findall(r"plotly\.js v\d", page)) == 1


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_runs_against_a_portal(path: Path, tmp_path: Path, sandbox: Any) -> None:
    """With nothing but a token and an origin each asks that portal, and the token is nowhere afterwards."""
    before = sandbox.requests()
    page = _convert(path, tmp_path, ISR_TOKEN=sandbox.token, ISR_PORTAL_ORIGIN=sandbox.origin)
    assert sandbox.requests() > before
    assert sandbox.token not in page
    token = sandbox.token.encode()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or token not in file.read_bytes(), file


@pytest.fixture(scope="module")
def week(one_sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home folder with eight days of the sandbox's fleet, and what it answered last."""
    home = tmp_path_factory.mktemp("week")
    with one_sandbox.connect(home=home) as portal:
        isr.sync(last="8d", portal=portal)
        isr.load_live(portal=portal)
        isr.load_publishers(portal=portal)
    return home


@pytest.mark.notebook
@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem != "05_live"], ids=lambda path: path.stem)
def test_runs_offline(path: Path, tmp_path: Path, one_sandbox: Any, week: Path) -> None:
    """On a train each does with what is on disk, though that ends before now; but for the one that listens."""
    before = one_sandbox.requests()
    known = {"ISR_TOKEN": one_sandbox.token, "ISR_PORTAL_ORIGIN": one_sandbox.origin, "ISR_HOME": str(week)}
    assert "Traceback" not in _convert(path, tmp_path, ISR_OFFLINE="1", **known)
    assert one_sandbox.requests() == before


@pytest.mark.notebook
def test_runs_over_minutes_of_one_client_and_what_was_never_fetched_is_no_silence(
    tmp_path: Path, one_sandbox: Any
) -> None:
    """Whoever changes the range of the notebook on quality is told nothing of all clients, which are not loaded."""
    text = (FOLDER / "03_quality.ipynb").read_text("utf-8")
    text = text.replace(r"load_history(last=\"7d\"", "load_history('rpt-west', last='10min'")
    text = text.replace("up.mean().sort_values()", "print(up.mean().to_dict())")
    (tmp_path / "minutes.ipynb").write_text(text, "utf-8")
    known = {"ISR_TOKEN": one_sandbox.token, "ISR_PORTAL_ORIGIN": one_sandbox.origin}
    page = _convert(tmp_path / "minutes.ipynb", tmp_path, **known)
    assert "<pre>{'rpt-west': nan}" in page


@pytest.mark.notebook
@pytest.mark.parametrize("stored", [[], [Message(0, "gw", "log", "link up"), Message(0, "gw", "log", "restart & go")]],
                         ids=["nothing", "words"])  # fmt: skip
@pytest.mark.parametrize("name", ["01_quickstart", "03_quality", "04_widgets", "05_live"])
def test_runs_over_a_fleet_that_measures_nothing(name: str, stored: list[Message], tmp_path: Path) -> None:
    """A new account, and devices that publish words alone: what there is is shown, and what is not is told."""
    now = time.time_ns()
    said = [dataclasses.replace(one, at=now - (len(stored) - at) * times.HOUR) for at, one in enumerate(stored)]
    with serve(Server(Dialect(), said, now=now)) as origin:
        page = _convert(FOLDER / f"{name}.ipynb", tmp_path, ISR_TOKEN=TOKEN, ISR_PORTAL_ORIGIN=origin)
    assert "Traceback" not in page


@pytest.mark.notebook
def test_the_report_of_ones_own_is_one(sandbox: Any, tmp_path: Path) -> None:
    """The notebook that tells how to write a report can be handed to `build_report`; its days are those of the zone."""
    own = FOLDER / "07_your_own_report.ipynb"
    today = pd.Timestamp.now("Pacific/Kiritimati")  # its midnight is ten o'clock of the day before, UTC
    start, end = f"{today - pd.Timedelta('1D'):%Y-%m-%d}", f"{today:%Y-%m-%d}"
    with sandbox.connect() as portal:
        path = isr.build_report(
            tmp_path / "own.html", topic="telemetry/#", start=start, end=end, tz=str(today.tz), notebook=own,
            portal=portal,
        )  # fmt: skip
    page = path.read_text("utf-8")
    assert f"{start} 00:00 to {end} 00:00" in page
    assert 'class="figure"' in page
    assert 'id="what-looks-wrong"' in page


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_is_asked_for_again_is_the_same_range(path: Path) -> None:
    """`last=` moves on with the clock: two answers of it cannot be compared."""
    for cell in _read(path)["cells"]:
        for line in _source(cell).splitlines():
            assert not ("last=" in line and "refresh=True" in line), line
