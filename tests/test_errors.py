"""Errors as a person sees them."""

from __future__ import annotations

import re

import pytest

TOKEN = "isr_mqtt_rest_of-a-portal-that-is-away"
CELL = f"""
import isr_analysis as isr
def mine(token):
    return isr.load_history(last="1h", portal=isr.connect(token))
mine("{TOKEN}")
"""
WHOLE = """
import sys, traceback
text = "".join(traceback.format_exception(sys.last_value))
assert "httpx.ConnectError" in text and "direct cause" in text and "history.py" in text
"""


@pytest.mark.notebook
@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose"])
def test_a_notebook_shows_the_cell_and_the_words_and_none_of_the_hundreds_of_lines_below(tmp_path, monkeypatch, mode):
    """What is behind it is not lost."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    import nbformat

    for name, value in {
        "ISR_HOME": str(tmp_path), "ISR_PORTAL_ORIGIN": "http://127.0.0.1:9",
        "ISR_ACCOUNT_ID": "0c4d6a2e-1111-4222-8333-444455556666",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    cells = [nbformat.v4.new_code_cell(one) for one in (f"%xmode {mode}", CELL, WHOLE)]
    nbclient.NotebookClient(
        nb := nbformat.v4.new_notebook(cells=cells), kernel_name="python3", allow_errors=True
    ).execute()
    (shown,) = nb.cells[1].outputs
    lines = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown.traceback)).splitlines()
    assert len(lines) < 30
    assert any('return isr.load_history(last="1h", ' in line for line in lines)
    assert any("in mine" in line for line in lines)
    assert lines[-1].startswith("PortalUnavailableError: http://127.0.0.1:9 cannot be reached")
    assert not any(TOKEN in line for line in lines)
    assert any("(a token)" in line for line in lines)
    assert not any("site-packages" in line or "isr_analysis/" in line for line in lines)
    assert nb.cells[2].outputs == []
