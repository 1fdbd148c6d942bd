"""The line of progress: where someone sees it, and nowhere else."""

from __future__ import annotations

import io
import sys
import textwrap

import pytest

from isr_analysis import progress
from isr_analysis.progress import Status, reporting


class Terminal(io.StringIO):
    """What a terminal looks like to a program."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line(monkeypatch):
    """Rows, windows, requests, quota left, time left; it is wiped at the end, and never a second line."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "_EVERY", 0)
    with reporting(None, 5) as report:
        report(Status(5, 3, 12_345, 4, 4_987, 2.0))
        report(Status(5, 5, 20_000, 6, 4_985, 0.0))
    shown = sys.stderr.getvalue()
    assert "3/5 windows, 12,345 messages, 4 requests (4,987 left), 2 s to go" in shown
    assert "\n" not in shown
    assert shown.split("\r")[-2].strip() == ""


@pytest.mark.notebook
def test_a_cell_shows_a_line_and_keeps_nothing_of_it():
    """No widget, whose model would be missing where the notebook is opened again; also where threads report."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    import nbformat

    begin = """
        import threading, time
        from isr_analysis.progress import Status, reporting
        line = reporting(True, 5)
        report = line.__enter__()"""
    go_on = """
        time.sleep(0.2)
        told = threading.Thread(target=report, args=[Status(5, 3, 12_345, 4, 4_987, 2.0)])
        told.start(); told.join()"""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(one)) for one in (begin, go_on)]
    nb = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(nb, kernel_name="python3")
    with client.setup_kernel():
        for at, cell in enumerate(nb.cells):
            client.execute_cell(cell, at)
        (shown,) = nb.cells[0].outputs
        assert 'aria-label="history" value="3" max="5">' in shown.data["text/html"]
        assert "3/5 windows, 12,345 messages" in shown.data["text/html"]
        nb.cells.append(nbformat.v4.new_code_cell("line.__exit__(None, None, None)"))
        client.execute_cell(nb.cells[2], 2)
    assert shown.data == {"text/html": "", "text/plain": ""}
    assert not nb.cells[1].outputs


def test_one_is_not_several():
    """One window, one message and one request are written as such."""
    assert str(Status(1, 0, 1, 1, 4_999, None)) == "0/1 window, 1 message, 1 request (4,999 left)"


def test_a_log_shows_nothing(capsys):
    """Where nobody looks there is nobody to tell."""
    with reporting(None, 5) as report:
        assert report is None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("show", "windows"), [(True, 0), (False, 5)])
def test_nothing_to_fetch_or_not_wanted_shows_nothing(capsys, show, windows):
    """No line without a window, nor against the caller's word."""
    with reporting(show, windows) as report:
        assert report is None
    assert capsys.readouterr().err == ""


def test_a_function_of_the_callers_own_is_told(capsys):
    """And nothing is shown beside it."""
    told = []
    with reporting(told.append, 1) as report:
        report(Status(1, 1, 2, 3, 4, None))
    assert [status.rows for status in told] == [2]
    assert capsys.readouterr().err == ""
