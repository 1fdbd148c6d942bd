"""`isr doctor`: what a load rests on, in at most ten requests, with a remedy for each that fails."""

from __future__ import annotations

import dataclasses
import email.utils
import json
import time

import httpx
import portal_rows
import portals
import pytest
from click.testing import CliRunner
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import doctor, settings, times
from isr_analysis.cli import account
from isr_analysis.contract.file import overridden, to_toml
from isr_analysis.portal.token import Token
from isr_analysis.times import HOUR, MINUTE, SECOND

STORED = [Message(FIRST + i * HOUR, f"dev-{i % 2}", "t/x", {"i": i}) for i in range(4 * 24 + 5)]
FULL = Dialect("full")
DIALECTS = {
    "full": FULL,
    "no document": Dialect(doc=None),
    "docs page": Dialect(doc="docs"),
    "history only": Dialect(add_ons=("history",), row=portal_rows.by_path),
    "history only, no document": Dialect(add_ons=("history",), row=portal_rows.by_path, doc=None),
    "history only, no document, refuses": Dialect(
        add_ons=("history",), row=portal_rows.by_path, doc=None, strict=True, client=None, start="from", end="to",
        required=("from", "to"), asked="ms",
    ),
    "live only": Dialect(add_ons=("live",), doc=None, row=portal_rows.by_path),
    "client by client": Dialect(client_required=True, doc=None),
    "an hour at once": Dialect(longest=HOUR, doc=None),
    "nothing": Dialect(add_ons=(), doc=None),
}  # fmt: skip


def examine(server, home, *, respond=None, now=NOW, key=portals.TOKEN):
    """Examine a portal that has no socket; gives the checks by name, and the connection."""
    transport = httpx.MockTransport(respond or server.respond)
    profile = settings.profile(origin="http://127.0.0.1:1", home=home, environ={})
    checks, portal = doctor.examine(profile, Token(key), transport=transport, now=lambda: now)
    portal.close()
    return {check.name: check for check in checks}, portal


def dated(server, at):
    """Answer with a Date header."""

    def respond(request):
        response = server.respond(request)
        response.headers["Date"] = email.utils.formatdate(at / SECOND, usegmt=True)
        return response

    return respond


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_ten_requests_are_enough(home, dialect):
    """On any portal; add-ons are told apart, and what is missing is named with its remedy."""
    server = Server(dialect, STORED)
    checks, _ = examine(server, home)
    assert len(server.log) <= 10
    names = {"history": "Programmatic History Download", "live": "Live REST API", "mgmt": "Mgmt REST API"}
    for add_on, name in names.items():
        check = checks.get(f"add-on “{name}”")
        if check is None or "not asked" in check.found:
            continue
        assert check.state == (doctor.OK if add_on in dialect.add_ons else doctor.WARN), check
        assert (name in check.remedy) == (add_on not in dialect.add_ons)
    assert portals.TOKEN not in str(checks)


def test_a_range_that_is_not_followed_is_told_of(home):
    """A portal may ignore what it does not know: then the oldest message of all comes in place of one of a day."""
    checks, _ = examine(Server(Dialect(start="floor", end="ceiling", doc=None), STORED), home)
    assert checks["range"].state == doctor.WARN
    assert "gave a message of 2026-11-01" in checks["range"].found
    checks, _ = examine(Server(Dialect(doc=None), STORED), home)
    assert "range" not in checks


@pytest.mark.parametrize("add_ons", [(), ("live",), ("history",), ("mgmt",)])
def test_without_any_add_on_nothing_is_well(home, add_ons):
    """Each may be missing where the others are there; a token that opens nothing at all is a failure."""
    server = Server(dataclasses.replace(FULL, add_ons=add_ons), STORED)
    checks, _ = examine(server, home)
    assert ("add-ons" in checks) is (not add_ons)
    assert any(one.state == doctor.FAIL for one in checks.values()) is (not add_ons)


def test_a_list_of_a_round_number_is_no_ten_requests(home):
    """Whether it was cut is looked at as far as the requests go; nothing of it fails."""
    stored = [Message(FIRST + SECOND, f"dev-{i}", "t", 1) for i in range(20)]
    server = Server(FULL, stored)

    def respond(request):
        answer = server.respond(request)
        if request.url.path.endswith("/publishers") and server.count("/publishers") == 1:
            return httpx.Response(404, json={"detail": "not at first"})
        return answer

    checks, _ = examine(server, home, respond=respond)
    assert len(server.log) <= 10
    assert checks["add-on “Mgmt REST API”"].state == doctor.OK


def test_history_is_asked_however_far_its_document_is_to_seek(home):
    """Behind a page of links that lead nowhere, and a token that opens history alone."""
    server = Server(dataclasses.replace(FULL, add_ons=("history",)), STORED)
    page = "".join(f'<a href="/spec/{i}.json">{i}</a>' for i in range(6))

    def respond(request):
        answer = server.respond(request)
        docs = request.url.path.endswith("/docs")
        found = httpx.Response(200, text=page) if docs else httpx.Response(404)
        return found if docs or request.url.path.endswith(".json") else answer

    checks, _ = examine(server, home, respond=respond)
    assert server.count("/history") >= 1
    assert len(server.log) <= 10
    assert checks["add-on “Programmatic History Download”"].state == doctor.OK


def test_a_portal_that_says_nothing_is_waited_for_once(home):
    """No later check waits for it again; the store and versions are told all the same."""
    asked = []

    def respond(request):
        asked.append(request.url.path)
        raise httpx.ReadTimeout("")

    checks, _ = examine(Server(FULL, STORED), home, respond=respond)
    assert asked == [f"{portals.API}/publishers/live"] * 2
    assert [one.state for one in checks.values()][2:] == [doctor.FAIL, doctor.WARN, doctor.OK]


def test_a_document_behind_a_redirect_a_script_and_a_configuration_is_read(home):
    """As springdoc has it: that takes more requests than ten, and none is made twice."""
    server = Server(dataclasses.replace(FULL, doc=None), STORED)
    range_ = [{"name": one, "in": "query", "schema": {"format": "date-time"}} for one in ("start", "end")]
    document = {"openapi": "3.0.1", "paths": {f"{portals.API}/history": {"get": {"parameters": range_}}}}
    pages = {
        "/docs": httpx.Response(302, headers={"Location": "/swagger-ui/index.html"}),
        "/swagger-ui/index.html": httpx.Response(200, text='<script src="./swagger-initializer.js"></script>'),
        "/swagger-ui/swagger-initializer.js": httpx.Response(200, text='({"configUrl": "/x/api-docs/swagger-config"})'),
        "/x/api-docs/swagger-config": httpx.Response(200, json={"configUrl": "/swagger-config", "url": "/x/api-docs"}),
        "/x/api-docs": httpx.Response(200, json=document),
    }
    asked = []

    def respond(request):
        asked.append(request.url.path)
        return pages.get(request.url.path) or server.respond(request)

    checks, _ = examine(server, home, respond=respond)
    assert checks["contract"].found == "OpenAPI document /x/api-docs"
    assert 10 < len(asked) <= 14


def test_history_is_asked_where_the_list_of_clients_comes_in_small_pages(home):
    """One client must be named: to find it takes requests of its own."""
    server = Server(dataclasses.replace(FULL, client_required=True, doc=None), STORED)
    listed = [{"client_id": f"dev-{i}", "history_topic_prefix": f"{portals.ACCOUNT}/dev-{i}/"} for i in range(5)]

    def respond(request):
        answer = server.respond(request)
        if not request.url.path.endswith("/publishers"):
            return answer
        limit, offset = (int(request.url.params.get(name, one)) for name, one in (("limit", 2), ("offset", 0)))
        return httpx.Response(
            200, json={"items": listed[offset : offset + min(limit, 3)], "total": 5, "offset": offset}
        )

    checks, _ = examine(server, home, respond=respond)
    assert server.count("/history") >= 1
    assert checks["add-on “Programmatic History Download”"].state == doctor.OK
    assert len(server.log) <= 14


def test_failures_count_too(home):
    """Every retry is a request: a portal that fails is not asked more than ten times."""
    server = Server(FULL, STORED)
    for broken in ("", "/publishers", "/history", "openapi.json", "/live"):

        def respond(request, broken=broken):
            answer = server.respond(request)
            return httpx.Response(503, text="maintenance") if request.url.path.endswith(broken) else answer

        server.log.clear()
        checks, _ = examine(server, home / (broken.strip("/") or "all"), respond=respond)
        assert len(server.log) <= 10
        assert any(check.state != doctor.OK for check in checks.values())


def test_the_contract_that_is_printed_can_be_used(home, tmp_path):
    """What refusals taught is in it; named as the contract file, no request is refused any more."""
    dialect = DIALECTS["history only, no document, refuses"]
    server = Server(dataclasses.replace(dialect, add_ons=("history", "live", "mgmt"), strict=False), STORED)
    _, portal = examine(server, home)
    contract = portal.known_contract
    assert (contract.history.start, contract.history.end, contract.history.time_form) == ("from", "to", "ms")
    file = tmp_path / "contract.toml"
    file.write_text(to_toml(contract), "utf-8")
    assert overridden(type(contract)(), file).history == contract.history
    server.log.clear()
    with portals.mocked(server, home / "new", contract_file=file) as line:
        df = isr.load_history(start="2026-11-02", end="2026-11-03", portal=line)
    assert len(df) == 24
    assert all(
        set(asked) <= {"from", "to", "limit", "cursor"} for path, asked in server.log if path.endswith("/history")
    )


@pytest.mark.parametrize(
    ("off", "state", "words"), [(2 * SECOND, "ok", "within"), (HOUR, "failed", "future"), (-HOUR, "failed", "missing")]
)
def test_a_wrong_clock_is_seen(home, off, state, words):
    """By the Date header; and what it would do to the last seven days."""
    server = Server(FULL, STORED)
    checks, _ = examine(server, home, respond=dated(server, NOW - off))
    clock = checks["clock"]
    assert clock.state == state
    assert words in clock.found + clock.remedy


def test_a_clock_that_names_no_zone_is_one_of_utc(home, monkeypatch):
    """Whatever zone this machine has."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for date in (email.utils.formatdate(NOW / SECOND), email.utils.formatdate(NOW / SECOND)[:-6]):
            assert doctor._clock(date, NOW).state == "ok"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("ahead", "state"), [(-5, "warning"), (0, "ok"), (2, "failed")])
def test_a_clock_of_another_zone_is_seen(home, ahead, state):
    """Where the live instants name no zone: by the age that the newest would have."""
    dialect = dataclasses.replace(FULL, when=lambda at: times.iso(at + ahead * HOUR).removesuffix("Z"))
    stored = [Message(NOW - age, client, "t/x", {"i": 1}) for client, age in (("dev-a", MINUTE), ("dev-b", 30 * HOUR))]
    check = examine(Server(dialect, stored), home)[0]["time zone"]
    assert check.state == state
    assert ("time_zone" in check.remedy) is (state != "ok")
    assert "time zone" not in examine(Server(FULL, stored), home)[0]


@pytest.mark.parametrize(("left", "state"), [(251, "ok"), (250, "warning")])
def test_a_quota_that_runs_low_is_seen(home, left, state):
    """A twentieth of it is; from when there is more is said then alone."""
    server = Server(FULL, STORED)

    def respond(request):
        response = server.respond(request)
        response.headers.update({"x-ratelimit-limit": "5000", "x-ratelimit-remaining": str(left)})
        return response

    quota = examine(server, home, respond=respond)[0]["quota"]
    assert (quota.state, quota.found) == (state, f"{left} of 5000 requests left this hour")
    assert bool(quota.remedy) is (state != "ok")


def test_a_refused_token_is_seen_even_where_its_account_is_known(home):
    """A token that was revoked after it had been used."""
    server = Server(FULL, STORED)
    assert examine(server, home)[0]["account"].state == doctor.OK

    def respond(request):
        del request
        return httpx.Response(401, json={"detail": "token revoked"})

    check = examine(server, home, respond=respond)[0]["account"]
    assert check.state == doctor.FAIL
    assert "token revoked" in check.found
    assert "isr login" in check.remedy


def test_an_answer_that_is_not_understood_is_seen(home):
    """The route works, and its answer says nothing that could be read."""
    server = Server(dataclasses.replace(FULL, row=lambda *_: {"a": 1}, live=lambda rows: rows), STORED)
    checks, _ = examine(server, home)
    assert checks["add-on “Programmatic History Download”"].state == doctor.FAIL
    assert "ISR_CONTRACT" in checks["add-on “Programmatic History Download”"].remedy


def test_a_portal_that_is_not_there(home):
    """One check fails, with what to look at; the store and versions are told all the same."""

    def respond(request):
        raise httpx.ConnectError("Connection refused", request=request)

    checks, _ = examine(Server(FULL, STORED), home, respond=respond)
    assert checks["portal"].state == doctor.FAIL
    assert "ISR_PORTAL_ORIGIN" in checks["portal"].remedy + checks["portal"].found
    assert "pandas" in checks["versions"].found


def test_a_store_that_lost_a_file_or_can_only_be_read_is_seen(home, read_only):
    """With the name of what is gone, and what to do."""
    server = Server(FULL, STORED)
    with portals.mocked(server, home) as portal:
        isr.load_history(start="2026-11-01", end="2026-11-03", portal=portal)
        lost, *_ = portal.folder.rglob("*.parquet")
    kept = lost.rename(home / "elsewhere")
    checks, _ = examine(server, home)
    assert checks["store"].state == doctor.FAIL
    assert lost.name in checks["store"].found
    assert "refresh=True" in checks["store"].remedy
    kept.rename(lost)
    read_only(home)
    with pytest.warns(UserWarning, match="cannot be written"):
        checks, _ = examine(server, home)
    assert checks["store"].state == doctor.WARN
    assert "only be read" in checks["store"].found


@pytest.fixture
def command(monkeypatch, home):
    """Run the command on a real socket."""

    def run(dialect, *arguments, token=portals.TOKEN):
        stored = STORED
        server = Server(dialect, stored)
        with portals.serve(server) as origin:
            monkeypatch.setenv("ISR_PORTAL_ORIGIN", origin)
            if token is not None:
                monkeypatch.setenv("ISR_TOKEN", token)
            return CliRunner().invoke(account.doctor, [*arguments], standalone_mode=False), server

    return run


def test_the_table_ends_with_the_contract(command, tmp_path):
    """One line a check, remedies below, then TOML; status 1, as this family's clock is not the machine's."""
    result, server = command(FULL)
    table, _, toml = result.output.partition("# The contract: ")
    assert result.return_value == 0, result.output
    assert "✓ account" in table
    file = tmp_path / "c.toml"
    file.write_text("# " + toml, "utf-8")
    assert overridden(isr_contract(), file).history.start == "start"
    assert len(server.log) <= 10


def isr_contract():
    """Give the built-in contract."""
    from isr_analysis.contract.contract import Contract

    return Contract()


def test_json_for_scripts(command):
    """Checks and contract as one object; the status says whether all is well."""
    result, _ = command(FULL, "--json")
    said = json.loads(result.output)
    assert said["well"] is (result.return_value == 0)
    assert {"name", "state", "found", "remedy"} == set(said["checks"][0])
    assert said["contract"]["history"]["start"] == "start"
    bad, _ = command(FULL, "--json", token="isr_mqtt_rest_example-not-known")
    assert bad.return_value == 1
    assert json.loads(bad.output)["well"] is False


def test_without_a_token(command, monkeypatch):
    """It says how to get one, asks nobody, and ends with status 1."""
    monkeypatch.delenv("ISR_TOKEN", raising=False)
    result, server = command(FULL, token=None)
    assert result.return_value == 1
    assert "✗ token" in result.output
    assert "isr login" in result.output
    assert not server.log


def test_an_object_of_nothing_is_no_verdict_on_the_history(home):
    """It may be no message of the last day, where answers are groups: that is a warning, not a failure."""

    class Bare(Server):
        def _history(self, *_):
            return 200, {"Content-Type": "application/json"}, b"{}"

    transport = httpx.MockTransport(Bare(FULL, STORED).respond)
    profile = settings.profile(origin="http://127.0.0.1:1", home=home, environ={})
    checks, _ = doctor.examine(profile, Token(portals.TOKEN), now=lambda: NOW, transport=transport)
    (history,) = [one for one in checks if "History" in one.name]
    assert history.state == doctor.WARN
    assert "gives {}" in history.found
