"""A contract file: what it says stands above what the portal's document does, or does not."""

from __future__ import annotations

import json

import httpx
import portal_rows
import portals
import pytest
from portal_odd import MINUTES, SPAN
from portals import FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import errors
from isr_analysis.contract import headers
from isr_analysis.contract.contract import Contract
from isr_analysis.contract.file import overridden
from isr_analysis.errors import IsrError, UsageError
from isr_analysis.times import HOUR


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


class Wanting(Server):
    """Refuses what comes without a header that its document wants, and says which it is, or nothing."""

    routes, name, value = "/api/", "X-Tenant", "acme"
    words = "Required request header 'X-Tenant' is missing"

    def answer(self, url, headers):
        """Answer a request."""
        if self.routes in url and "openapi" not in url and headers.get(self.name.lower()) != self.value:
            self.log.append(("refused", {}))
            return 400, {"Content-Type": "text/plain"}, self.words.encode()
        status, had, body = super().answer(url, headers)
        if "openapi" in url and status == 200:
            document = json.loads(body)
            (get,) = (item["get"] for item in document["paths"].values())
            get["parameters"].append({"name": self.name, "in": "header", "required": True})
            body = json.dumps(document).encode()
        return status, had, body


@pytest.mark.parametrize(("doc", "words"), [(None, Wanting.words), ("openapi", "")])
def test_a_header_that_is_wanted_is_named_with_its_remedy(home, tmp_path, doc, words):
    """By the portal's words, or by its document alone; with the remedy all is there."""
    stored = [Message(FIRST + i * HOUR, "dev-a", "t", i) for i in range(24)]
    server = Wanting(Dialect(doc=doc), stored)
    server.words = words
    span = {"start": "2026-11-01", "end": "2026-11-02"}
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(IsrError, match=r"X-Tenant = .*\[headers\]"),
    ):
        isr.load_history(**span, portal=portal)
    contract = tmp_path / "portal.toml"
    contract.write_text('[headers]\nX-Tenant = "acme"\n')
    with portals.serve(server) as origin, portals.connect(origin, home, contract_file=contract) as portal:
        assert isr.load_history(**span, portal=portal)["value"].tolist() == list(range(24))


def test_what_is_not_there_is_no_header_though_it_is_called_like_one():
    """A client named as headers are; where the document wants a header, it may be that all the same."""
    assert headers.remedy(404, "no client x-y here", []) == ""
    assert 'X-Tenant = "…"' in headers.remedy(400, "missing X-Tenant", [])
    assert 'X-Tenant = "…"' in headers.remedy(404, "no client x-y here", ["X-Tenant"])


class OfAccount(Wanting):
    """Wants the account's id in a header of its history route."""

    routes, name, value = "/history", "X-Account-Id", portals.ACCOUNT
    words = "header.x-account-id: Field required"


def test_a_header_that_takes_the_account_has_it(home):
    """It is known from what the portal says of its publishers; nobody needs to write it down."""
    server = OfAccount(Dialect(), [Message(FIRST + i * HOUR, "dev-a", "t", i) for i in range(24)])
    with portals.mocked(server, home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
    assert df["value"].tolist() == list(range(24))


def test_no_name_of_ours_is_sent_where_a_header_takes_the_account(home):
    """Where no answer names it: the header is left out, and what the portal says then is an error."""
    sent = []

    class Nameless(OfAccount):
        def answer(self, url, headers):
            sent.append(headers.get("x-account-id"))
            return super().answer(url, headers)

    server = Nameless(Dialect(add_ons=("history",)), [Message(FIRST, "dev-a", "t", 1)])
    with (
        portals.serve(server) as origin,
        portals.connect(origin, home) as portal,
        pytest.raises(IsrError),
    ):
        isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
    assert {*sent} == {None}


def test_tenants_of_one_token_that_a_header_names_never_mix(home, tmp_path):
    """What was asked for as one of them is not what is held of another."""
    tenants = {name: Server(Dialect(), [Message(FIRST, "dev-a", "t", name)]) for name in ("acme", "club")}

    class Shared(Server):
        def answer(self, url, headers):
            status, had, body = tenants[headers["x-tenant"]].answer(url, headers)
            other = portals.ACCOUNT.replace("0", "1") if headers["x-tenant"] == "club" else portals.ACCOUNT
            return status, had, body.replace(portals.ACCOUNT.encode(), other.encode())

    with portals.serve(Shared(Dialect(), [])) as origin:
        for name in ("acme", "club", "acme"):
            contract = tmp_path / f"{name}.toml"
            contract.write_text(f'[headers]\nX-Tenant = "{name}"\n')
            with portals.connect(origin, home, contract_file=contract) as portal:
                df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
            assert df["value"].tolist() == [name]


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "X-ISR-Account-Id", "Host", "two words"])
def test_a_header_that_is_secret_or_none_is_refused(tmp_path, name):
    """The token has its own places, and the file is printed by `isr doctor`."""
    contract = tmp_path / "portal.toml"
    contract.write_text(f'[headers]\n"{name}" = "x"\n')
    with pytest.raises(UsageError, match=f"headers.{name}"):
        overridden(Contract(), contract)
