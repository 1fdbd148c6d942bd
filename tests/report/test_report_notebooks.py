"""Reports by a notebook of one's own: what it is given, what is run, and what is said where it fails."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from reports import problems

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import ReportIncompleteError, StoreError, UsageError
from isr_analysis.report.pdf import print_page


def _notebook(folder: Path, *cells: str, parameters: bool = True, tags: dict[int, str] | None = None) -> Path:
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    for at, tag in {**({0: "parameters"} if parameters else {}), **(tags or {})}.items():
        made[at].metadata["tags"] = [tag]
    path = folder / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


def test_a_notebook_of_ones_own(sandbox: Any, tmp_path: Path) -> None:
    """It gets its parameters, is run in its own folder, and the file is not changed."""
    own = _notebook(
        tmp_path,
        'topic = "#"\ntitle = "mine"',
        "import os\nfrom pathlib import Path\nimport isr_analysis as isr\nfrom isr_analysis import report",
        "df = isr.load_history(client_id, topic, start=start, end=end, tz=tz, offline=offline)\n"
        "print(title, topic, len(df) > 0, Path.cwd().name, last)",
        "isr.plots.timeseries(df)",
        'with report.section("Broken & odd"):\n    1 / 0',
        "print('still here')",
    )
    before = own.read_bytes()
    with (
        sandbox.connect() as portal,
        pytest.raises(ReportIncompleteError, match="Broken & odd: ZeroDivisionError") as told,
    ):
        isr.build_report(
            tmp_path / "r.html", topic="telemetry/rf", last="2h", title="Ours", notebook=own, portal=portal
        )
    text = told.value.path.read_text("utf-8")
    assert f"Ours telemetry/rf True {tmp_path.name} None" in text
    assert "still here" in text
    assert text.count('class="figure"') == 1
    assert "Broken &amp; odd:" in problems(text)
    assert "ZeroDivisionError" in told.value.__notes__[0]
    assert "Traceback" in told.value.__notes__[0]
    assert "Traceback" not in text
    assert own.read_bytes() == before


def test_what_a_notebook_of_ones_own_selects_stays(sandbox: Any, tmp_path: Path) -> None:
    """Its client, topic, zone and title are its own where the report names none; what it does not set is set for it."""
    own = _notebook(tmp_path, "topic = 'voltage'\ntitle = 'mine'\ntz = 'Europe/Berlin'",
                    "print([topic, title, tz, client_id, offline])")  # fmt: skip
    for given, zone in (("UTC", "Europe/Berlin"), ("Asia/Tokyo", "Asia/Tokyo")):
        with sandbox.connect() as portal:
            isr.build_report(tmp_path / "r.html", last="1h", tz=given, notebook=own, portal=portal)
        assert f"['voltage', 'mine', '{zone}', None, True]" in (tmp_path / "r.html").read_text("utf-8")


def test_a_notebook_of_ones_own_soon_after_a_sync(sandbox: Any, tmp_path: Path) -> None:
    """What it may ask for is on disk to the end of its range, also where the last fetch was less than a minute ago."""
    own = _notebook(
        tmp_path, "topic = '#'",
        "import isr_analysis as isr\n"
        "print(len(isr.load_history(client_id, topic, start=start, end=end, tz=tz, offline=offline)), 'messages')",
    )  # fmt: skip
    with sandbox.connect() as portal:
        portal.now = lambda: time.time_ns() - 30 * times.SECOND
        isr.sync(topic="telemetry/rf", last="2h", portal=portal)
        portal.now = time.time_ns
        isr.build_report(tmp_path / "r.html", topic="telemetry/rf", last="1h", notebook=own, portal=portal)
    assert re.search(r"[1-9]\d* messages", (tmp_path / "r.html").read_text("utf-8"))


def test_a_cell_that_fails_is_said_at_the_top(sandbox: Any, tmp_path: Path) -> None:
    """A plain cell that raises is told with its kind and words; the cells after it are run."""
    own = _notebook(tmp_path, "topic = '#'", "raise LookupError('nobody <here>')", "print('after')")
    with sandbox.connect() as portal, pytest.raises(ReportIncompleteError, match="LookupError"):
        isr.build_report(tmp_path / "r.html", topic="voltage", last="6h", notebook=own, portal=portal)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "LookupError: nobody &lt;here&gt;" in problems(text)
    assert "after" in text


def test_tags_of_cells_mean_what_they_do_elsewhere(sandbox: Any, tmp_path: Path) -> None:
    """What is tagged to be left out is; an error that is meant is no failure, and one that is left out is told."""
    cells = ("topic = '#'", "print('set' + 'up')", "print('not' + 'es')", "1 / 0", "print('the' + ' end')")
    tags = {1: "remove-cell", 2: "remove_output", 3: "raises-exception"}
    own = _notebook(tmp_path, *cells, tags=tags)
    with sandbox.connect() as portal:
        text = isr.build_report(tmp_path / "r.html", last="1h", notebook=own, portal=portal).read_text("utf-8")
        body = text[text.index("<body") :]
        assert [one in body for one in ("setup", "notes", "ZeroDivisionError", "the end")] == [False, False, True, True]
        own = _notebook(tmp_path, *cells, tags={**tags, 3: "remove-cell"})
        with pytest.raises(ReportIncompleteError, match="ZeroDivisionError"):
            isr.build_report(tmp_path / "r.html", last="1h", notebook=own, portal=portal)


def test_what_a_cell_is_warned_of_is_on_the_page(sandbox: Any, tmp_path: Path) -> None:
    """Its words, as of a client that is not there; not its line of code, nor what else comes on standard error."""
    own = _notebook(
        tmp_path,
        'topic = "telemetry/rf"',
        "import sys\nimport warnings\nimport isr_analysis as isr\nprint('an aside', file=sys.stderr)",
        'both = ["rpt-north", "rpt-nort"]\n'
        "df = isr.load_history(both, topic, start=start, end=end, tz=tz, offline=offline)",
        "warnings.warn('an older way', DeprecationWarning)",
    )
    with sandbox.connect() as portal:
        text = isr.build_report(tmp_path / "r.html", last="2h", notebook=own, portal=portal).read_text("utf-8")
    (note,) = re.findall('<p class="note">(.*?)</p>', text)
    assert note.startswith("no message of rpt-nort")
    assert "an aside" not in text
    assert "an older way" not in text


def test_a_kernel_that_dies_is_said(sandbox: Any, tmp_path: Path) -> None:
    """The report holds what came until then."""
    own = _notebook(tmp_path, "print('begun')", "import os; os._exit(1)", "print('never')")
    with sandbox.connect() as portal, pytest.raises(ReportIncompleteError, match="kernel died"):
        isr.build_report(tmp_path / "r.html", topic="voltage", last="6h", notebook=own, portal=portal)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "begun" in text
    assert "kernel died" in problems(text)


def test_a_token_of_another_account_in_a_cell_is_in_no_page_and_no_error(sandbox: Any, tmp_path: Path) -> None:
    """A traceback shows the line in which somebody wrote a token; an example such as the docs' stays as it is."""
    other = "isr_mqtt_rest_" + "7f3a90c1" * 4
    lines = f"import isr_analysis as isr\nisr.connect({other!r}, origin={sandbox.origin!r}).account_id"
    own = _notebook(tmp_path, "last = None", "print('isr_mqtt_rest_<from-settings>')", lines)
    with sandbox.connect() as portal, pytest.raises(ReportIncompleteError) as told:
        isr.build_report(tmp_path / "r.html", topic="voltage", last="6h", notebook=own, portal=portal)
    text = told.value.path.read_text("utf-8")
    assert other not in text + str(told.value) + "".join(told.value.__notes__)
    assert "showed a token, which is left out here" in problems(text)
    assert "isr_mqtt_rest_&lt;from-settings&gt;" in text


def test_a_token_that_a_cell_shows_is_in_no_page_and_a_pdf_that_failed_hides_nothing(
    sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are told, and the page is there."""
    monkeypatch.setenv("ISR_CHROMIUM", sys.executable)  # it prints nothing
    own = _notebook(
        tmp_path, "last = None", 'import os\nprint("sent with", os.environ["ISR_TOKEN"])', 'os.environ["ISR_TOKEN"]'
    )
    with sandbox.connect() as portal, pytest.raises(ReportIncompleteError) as told:
        isr.build_report(tmp_path / "r.html", topic="voltage", last="6h", notebook=own, pdf=True, portal=portal)
    text = told.value.path.read_text("utf-8")
    assert "sent with …" in text
    assert sandbox.token not in text
    assert "showed the token" in problems(text)
    shown, printed = told.value.problems
    assert "showed the token" in shown
    assert "could not print" in printed


@pytest.mark.skipif(os.name != "posix", reason="its browser is a script of the shell")
def test_a_browser_that_fails_in_its_own_encoding_is_told(tmp_path: Path) -> None:
    """Its last words are shown as far as they can be read."""
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\nprintf 'no m\\351moire\\n' >&2\n")
    program.chmod(0o700)
    with pytest.raises(StoreError, match=r"could not print .* no m\ufffdmoire"):
        print_page(tmp_path / "r.html", tmp_path / "r.pdf", str(program))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.ipynb", "cannot be read"),
        ("text.ipynb", "not a readable notebook"),
        ("bare.ipynb", "tagged parameters"),
        ("other.ipynb", "in julia"),
    ],
)
def test_notebooks_that_cannot_be_used(sandbox: Any, tmp_path: Path, name: str, words: str) -> None:
    """Each is refused with its remedy before anything is written."""
    (tmp_path / "text.ipynb").write_text("hello", "utf-8")
    _notebook(tmp_path, "1", parameters=False).rename(tmp_path / "bare.ipynb")
    julia = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "j", "display_name": "J", "language": "julia"}})
    nbformat.write(julia, tmp_path / "other.ipynb")
    with sandbox.connect() as portal, pytest.raises(UsageError, match=words):
        isr.build_report(tmp_path / "r.html", last="1h", notebook=tmp_path / name, portal=portal)
    assert not (tmp_path / "r.html").exists()
