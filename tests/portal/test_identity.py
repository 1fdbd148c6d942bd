"""Whose data a token opens, asked of whatever route it opens."""

from __future__ import annotations

import httpx
import portal_rows
import portals
import pytest
from portals import ACCOUNT, FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.errors import PortalUnavailableError, WrongAccountError
from isr_analysis.portal import accounts
from isr_analysis.portal.identity import accounts_of
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.times import DAY, HOUR

OTHER = "0b1c2d3e-0000-4000-8000-000000000000"
STORED = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(4 * 24 + 5)]


@pytest.mark.parametrize(
    ("add_ons", "most"), [(("mgmt",), 1), (("live",), 2), (("history",), 9), (("history", "live", "mgmt"), 1)]
)
def test_any_route_tells(home, add_ons, most):
    """The publishers, the last messages or the history: by the topics that they name."""
    server = Server(Dialect(add_ons=add_ons, row=portal_rows.by_path), STORED)
    with portals.mocked(server, home) as portal:
        assert portal.named_account == ACCOUNT
        assert len(server.log) <= most


def test_history_tells_though_nobody_has_published_for_days(home):
    """Of an account with the add-on for history alone; else its messages would be kept as if nobody's."""
    server = Server(Dialect(add_ons=("history",), row=portal_rows.by_path), STORED[:48])
    with portals.mocked(server, home) as portal:
        assert portal.named_account == ACCOUNT
        assert server.count() == 2


def test_history_that_refuses_is_asked_again_as_it_wants(home):
    """Names, form and range are learned from what it says."""
    dialect = Dialect(
        add_ons=("history",), row=portal_rows.by_path, doc=None, start="since", end="until", asked="s",
        longest=6 * HOUR, required=("since", "until"), strict=True, client=None,
    )  # fmt: skip
    with portals.mocked(Server(dialect, STORED), home) as portal:
        assert portal.named_account == ACCOUNT


def test_history_that_refuses_with_a_good_status_is_asked_again(home):
    """As it is where messages are asked for."""
    dialect = Dialect(
        add_ons=("history",), row=portal_rows.by_path, doc=None, start="since", end="until", required=("since", "until")
    )
    server = Server(dialect, STORED)

    def respond(request):
        answer = server.respond(request)
        if answer.status_code != 422:
            return answer
        return httpx.Response(200, json={"status": "error", "message": answer.json()["detail"], "data": []})

    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(respond)) as portal:
        assert portal.named_account == ACCOUNT


@pytest.mark.parametrize("topic_form", ["path", "path filter", "path prefix"])
def test_where_nobody_says_whose_it_is_no_account_is_made_up(home, topic_form):
    """Rows without an account, by a portal that filters on whole paths: nothing is asked for under a wrong name."""
    server = Server(Dialect(add_ons=("history",), topic="topic", topic_form=topic_form), STORED)
    with portals.mocked(server, home) as portal:
        assert portal.named_account is None
        df = isr.load_history("dev-a", "t/#", start="2026-11-01", end="2026-11-02", portal=portal)
        assert len(df) == 24
        assert not any("token-" in str(asked) for _, asked in server.log)
    assert FIRST % DAY == 0


def test_what_a_token_brought_is_loaded_offline_though_nobody_says_whose_it_is(home):
    """In another process, too, and while the portal is away; but not by another token."""
    server, span = Server(Dialect(add_ons=("history",)), STORED), {"start": "2026-11-01", "end": "2026-11-02"}
    with portals.mocked(server, home) as portal:
        assert len(isr.load_history(**span, portal=portal)) == 24

    def away(_):
        raise httpx.ConnectError("no network")

    for is_offline in (False, True):
        with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(away)) as portal:
            object.__setattr__(portal.profile, "is_offline", is_offline)
            assert len(isr.load_history(**span, offline=True, portal=portal)) == 24
    unknown = pytest.raises(PortalUnavailableError, match="never used here")
    with Portal(portal.profile, Token(f"{portals.TOKEN}-of-another")) as another, unknown:
        isr.load_history(**span, portal=another)


def test_a_route_that_fails_is_not_the_only_one(home):
    """With the list of publishers down another route tells; with all of them down that is the error."""
    server = Server(Dialect(row=portal_rows.by_path), STORED)
    down = ["/publishers"]

    def respond(request):
        failing = any(request.url.path.endswith(one) for one in down)
        return httpx.Response(503, text="being mended") if failing else server.respond(request)

    def connected(name):
        return portals.connect("http://127.0.0.1:1", home / name, transport=httpx.MockTransport(respond))

    with connected("one") as portal:
        assert portal.account_id == ACCOUNT
    down += ["/live", "/history"]
    with connected("two") as portal, pytest.raises(PortalUnavailableError, match="being mended"):
        _ = portal.account_id


def test_two_accounts_are_an_error(home):
    """Of which one would be stored under the other's name."""
    rows = [{"time": portal_rows.iso(FIRST), "topic": f"{one}/dev/t/x", "payload": 1} for one in (ACCOUNT, OTHER)]
    server = Server(Dialect(add_ons=("live",), live=lambda _: rows), STORED)
    with portals.mocked(server, home) as portal, pytest.raises(WrongAccountError, match="several"):
        _ = portal.account_id


@pytest.mark.parametrize(
    ("row", "account"),
    [
        ({"account_id": "acme"}, "acme"),
        ({"tenantId": "acme", "topic": f"{ACCOUNT}/x/#"}, "acme"),
        ({"client_id": "x", "history_topic_prefix": f"{ACCOUNT}/x/"}, ACCOUNT),
        ({"client_id": "x", "history_topic_prefix": "/acme/x"}, "acme"),
        ({"client_id": "x", "history_topic_prefix": f"site/{ACCOUNT}/x/"}, ACCOUNT),
        ({"client_id": "x", "topic": f"{ACCOUNT}/x/#"}, ACCOUNT),
        ({"client_id": "x", "topic": "+/x/#"}, None),
        ({"client_id": "x", "topic": "fleet/x/#"}, None),
        ({"client_id": "x", "topic": None}, None),
        ({"ClientId": "x", "HistoryTopicPrefix": "acme/x/", "Topic": f"{OTHER}/up"}, "acme"),
        ({"clientId": 7, "historyTopicPrefix": "acme/7/"}, "acme"),
        ({"clientId": "x", "TenantID": "acme"}, "acme"),
        ({"client_id": "x", "history_topic_prefix": f"{ACCOUNT}/x/", "topic": f"{OTHER}/up/#"}, ACCOUNT),
        ({"client_id": "x", "history_topic_prefix": f"{ACCOUNT}/y/"}, ACCOUNT),
        ({"client_id": "x", "history_topic_prefix": "+/x/"}, None),
        ({"client_id": "x", "topic": f"acme/{ACCOUNT}/x/#"}, ACCOUNT),
    ],
)
def test_a_publisher_names_its_account(row, account):
    """In a field of its own, or in its topics."""
    assert accounts_of([row]) == ({account} if account else set())


@pytest.mark.parametrize("account", ["..", ".", "../../other", "/etc", ACCOUNT])
def test_an_accounts_folder_is_one_below_its_portals(tmp_path, account):
    """An id that is written like a path leads nowhere else, and no two ids to the same folder."""
    folder = accounts.folder(tmp_path, "https://portal.example", account)
    assert folder.resolve().parent == tmp_path / "accounts" / "portal.example"
    assert folder != accounts.folder(tmp_path, "https://portal.example", f"{account}_")
