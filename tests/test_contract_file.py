"""A contract file: what it says stands above what the portal's document does, or does not."""

from __future__ import annotations

import httpx
import portal_rows
import portals
import pytest
from portal_odd import MINUTES, SPAN
from portals import Dialect, Server

import isr_analysis as isr
from isr_analysis import errors


def test_a_contract_file_says_what_cannot_be_found_out(home, tmp_path, monkeypatch):
    """Names that no document tells and that the portal ignores; by argument and by ISR_CONTRACT."""
    file = tmp_path / "mine.toml"
    file.write_text(
        '[history]\nstart = "d1"\nend = "d2"\ntime_form = "ms"\nclient = "none"\nlimit = "none"\n'
        '[history.fields]\nrows = "odd.place"\ntime = "zeit"\nclient_id = "wer"\ntopic = "was"\npayload = "inhalt"\n'
    )

    def row(one, when):
        return {"zeit": when(one.at), "wer": one.client, "was": one.topic, "inhalt": one.payload, "time": "never"}

    def write(rows, notes):
        return portal_rows.json_body({"odd": {"place": rows}, "data": [], **notes})

    dialect = Dialect(
        doc=None,
        start="d1",
        end="d2",
        asked="ms",
        client=None,
        limit=None,
        row=row,
        when=portal_rows.number(10**6),
        write=write,
        cap=30,
    )
    with (
        portals.mocked(Server(dialect, MINUTES), home / "1") as portal,
        pytest.raises(errors.AnswerError, match="ISR_CONTRACT"),
    ):
        isr.load_history(**SPAN, portal=portal)
    with portals.mocked(Server(dialect, MINUTES), home / "2", contract_file=file) as portal:
        df = isr.load_history(**SPAN, portal=portal)
        assert df["i"].tolist() == list(range(100))
        assert "mine.toml" in df.attrs["contract"]


def test_a_contract_file_takes_the_place_of_documentation_that_fails(home, tmp_path):
    """Else a portal whose history works could not be read at all; without the file, the error says so."""
    server = Server(Dialect(start="since", end="until"), MINUTES)

    def respond(request):
        broken = "openapi" in request.url.path or request.url.path.endswith("/docs")
        return httpx.Response(500, text="no schema") if broken else server.respond(request)

    def connected(**more):
        return portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond), **more)

    with connected() as portal, pytest.raises(errors.PortalUnavailableError, match="no schema") as caught:
        isr.load_history(**SPAN, portal=portal)
    assert "ISR_CONTRACT" in "".join(caught.value.__notes__)
    file = tmp_path / "mine.toml"
    file.write_text('[history]\nstart = "since"\nend = "until"\n')
    with connected(contract_file=file) as portal:
        df = isr.load_history(**SPAN, portal=portal)
    assert df["i"].tolist() == list(range(100))
    assert "fails at its OpenAPI document), overridden by mine.toml" in df.attrs["contract"]
