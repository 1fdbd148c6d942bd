"""Portals that give less than there is, and do not say so plainly: an error, or a frame that says so."""

from __future__ import annotations

import json

import pandas as pd
import portals
import pytest
from portal_odd import MINUTES, SPAN, Odd, give, rows
from portals import Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import answers, doctor
from isr_analysis.errors import AnswerError, PortalUnavailableError
from isr_analysis.portal.token import Token


def test_a_status_of_several_answers_is_no_whole_answer(home):
    """207: what is beside the rows of others may have failed."""
    server = Odd(lambda server, asked, _n: (207, *rows(server._in(asked))[1:]))
    with portals.mocked(server, home) as portal, pytest.raises(AnswerError, match="207"):
        isr.load_history(**SPAN, portal=portal)


class Limited(Server):
    """A portal that gives so many publishers at most, and takes no parameter of pages, or one of them."""

    most, offset = 100, False

    def answer(self, url, headers):
        """Leave out those behind the limit."""
        status, given, body = super().answer(url, headers)
        path, asked = self.log[-1]
        if path.endswith(("/publishers", "/live")):
            found = portals.json.loads(body)
            (name,) = found
            begin = int(asked.get("offset", 0)) if self.offset else 0
            body = portals.json.dumps({name: found[name][begin : begin + self.most]}).encode()
        return status, given, body


MANY = [Message(MINUTES[i % 100].at, f"dev-{i:03d}", "t/x", {"i": i}) for i in range(120)]


@pytest.mark.parametrize("load", [isr.load_publishers, isr.load_live])
def test_a_list_of_a_round_number_may_be_cut(home, load):
    """Where no parameter of pages is followed; the frame says it as often as it is asked for."""
    with portals.serve(Limited(Dialect(), MANY)) as origin, portals.connect(origin, home) as portal:
        for _ in range(2):
            with pytest.warns(UserWarning, match=r"gave 100 rows of .*cut"):
                found = load(portal=portal)
            assert "is cut" in found.attrs["warning"]
            assert len(found) == 100


class Remarking(Server):
    """A portal that says something beside its lists."""

    remark = "Some stations may be missing during maintenance."

    def answer(self, url, headers):
        """Add a note."""
        status, given, body = super().answer(url, headers)
        path = self.log[-1][0]
        if path.endswith("/members"):
            return give(
                {"members": [{"user_id": "u-1", "email": "a@example.com", "role": "member"}], "note": self.remark}
            )
        if path.endswith(("/publishers", "/live")):
            body = json.dumps({**json.loads(body), "meta": {"note": self.remark}}).encode()
        return status, given, body


@pytest.mark.parametrize("load", [isr.load_publishers, isr.load_live, isr.mgmt.load_members])
def test_what_may_be_missing_of_a_list_is_warned_of(home, load):
    """As often as it is loaded, from the cache too; what was said before is not said of another answer."""
    server = Remarking(Dialect(), MANY[:3])
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(2):
            with pytest.warns(UserWarning, match="beside the rows of /.*: 'Some stations may be missing") as caught:
                found = load(portal=portal)
            assert [found.attrs["warning"]] == [str(one.message) for one in caught]
            assert len(found) == (1 if load is isr.mgmt.load_members else 3)
        server.remark = "Newest first."
        assert load(portal=portal, max_age="0s").attrs["warning"] == ""


def test_what_was_said_in_a_load_that_failed_is_not_said_of_the_next(home):
    """That one holds nothing of the answer beside which it stood."""

    def how(server, asked, _n):
        if "cursor" in asked:
            return give({"detail": "no disk"}, 500)
        beside = {"note": "Older messages can be missing", "next_cursor": "c2"} if asked["start"] < "2026-11" else {}
        return rows(server._in(asked), **beside)

    with portals.mocked(Odd(how), home) as portal:
        with pytest.raises(PortalUnavailableError):
            isr.load_history(start="2026-10-01", end="2026-10-02", portal=portal)
        assert isr.load_history(**SPAN, portal=portal).attrs["warning"] == ""


class OfOneKind(Server):
    """A portal that wants to be told the kind of messages, of two, and gives no other."""

    def answer(self, url, headers):
        """Document the parameter, and heed it."""
        status, given, body = super().answer(url, headers)
        path, asked = self.log[-1]
        if path.endswith("/openapi.json"):
            told = json.loads(body)
            schema = {"type": "string", "enum": ["state", "telemetry"]}
            one = {"name": "kind", "in": "query", "required": True, "schema": schema}
            told["paths"][portals.API + "/history"]["get"]["parameters"].append(one)
            return status, given, json.dumps(told).encode()
        if path.endswith("/history"):
            answer = json.loads(body)
            rows = [row for row in answer["messages"] if row["topic"].startswith(asked["kind"])]
            body = json.dumps(answer | {"messages": rows}).encode()
        return status, given, body


def test_history_of_which_a_part_can_be_asked_for_alone_says_so(home, tmp_path):
    """With the choice that was made; a contract file makes another, of which nothing is said."""
    stored = [Message(one.at, "dev-1", f"{('state', 'telemetry')[i % 2]}/x", {"i": i}) for i, one in enumerate(MINUTES)]
    with portals.serve(OfOneKind(Dialect(), stored)) as origin:
        with portals.connect(origin, home) as portal:
            with pytest.warns(UserWarning, match="'kind' of state, telemetry: 'state' alone") as caught:
                df = isr.load_history(**SPAN, portal=portal)
            checks, other = doctor.examine(portal.profile, Token(portals.TOKEN))
            other.close()
        told = {one.name: one.remedy for one in checks}
        assert df.attrs["warning"] == str(caught[0].message) == told["contract"]
        assert set(df["topic"]) == {"state/x"}
        (tmp_path / "contract.toml").write_text('[history.fixed]\nkind = "telemetry"\n')
        with portals.connect(origin, home, contract_file=tmp_path / "contract.toml") as portal:
            df = isr.load_history(**SPAN, refresh=True, portal=portal)
        assert (set(df["topic"]), df.attrs["warning"]) == ({"telemetry/x"}, "")


@pytest.mark.parametrize(("clients", "offset"), [(100, True), (120, True), (90, False)])
def test_a_list_that_is_whole_is_no_cut_one(home, clients, offset):
    """Nothing is on the page behind it, or it has no number that anybody would take for a limit."""
    server = Limited(Dialect(), MANY[:clients])
    server.offset = offset
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        found = isr.load_publishers(portal=portal)
        assert found.attrs["warning"] == ""
        assert len(found) == clients


def test_a_history_by_a_list_that_may_be_cut_says_so(home):
    """A portal that wants a client is asked for each of its list."""
    server = Limited(Dialect(client_required=True), MANY)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        with pytest.warns(UserWarning, match=r"gave 100 rows of .*cut"):
            df = isr.load_history(**SPAN, portal=portal)
        assert isinstance(df, pd.DataFrame)
        assert df["client_id"].nunique() == 100
        assert "is cut" in df.attrs["warning"]


WORDS = [
    "partial results: shard 3 timed out", "Query timed out after 10 s; results may be incomplete",
    "results are incomplete",
    "some stations are unavailable", "3 blocks could not be read",
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("name", ["message", "detail", "note", "info"])
def test_words_beside_rows_that_say_that_some_are_missing_are_heard(name, words):
    """Beside them or in what speaks of the answer; the words of a row are its own, and so are those of a publisher."""
    row = {"time": "2026-11-01T00:00:00Z", "client_id": "a", "topic": "t", "payload": 1}
    for body in ({name: words, "messages": [row]}, {"meta": {name: words}, "messages": [row]}):
        with pytest.raises(AnswerError, match=f"not whole: {words}"):
            answers.read_page(json.dumps(body).encode())
    of_row = {**{key: row[key] for key in ("time", "client_id", "topic")}, name: words}
    for body in ([of_row], {"messages": [of_row]}, of_row):
        assert answers.read_page(json.dumps(body).encode()).rows == 1
    for fine in (
        "ok",
        "3 messages",
        "no partial results",
        "Newest first",
        "What is older than 90 days may be missing",
        "timeout=30s",
    ):
        assert answers.read_page(json.dumps({name: fine, "messages": [row]}).encode()).rows == 1
    assert answers.read_live(json.dumps({"a": {"last_message": row, name: words}}).encode()).rows == 1


MAYBE = [
    {"note": "Data of the last 5 minutes may be incomplete"},
    {"warnings": ["Recent readings might not yet be available"]},
    {"meta": {"notice": "Older messages can be missing: see the documentation"}},
    {"message": "OK. Some stations may be unavailable during maintenance."},
]  # fmt: skip


@pytest.mark.parametrize("said", MAYBE)
def test_what_may_be_missing_is_warned_of(home, said):
    """A note that stands beside all answers, also empty ones, fails none: its words are handed on, once a load."""
    server = Odd(lambda server, asked, _n: rows(server._in(asked), **said))
    with portals.mocked(server, home) as portal:
        for span in (SPAN, {"start": "2026-10-01", "end": "2026-10-02"}):
            with pytest.warns(UserWarning, match="the portal says beside its messages: .*(?:may|might|can) ") as caught:
                df = isr.load_history(**span, portal=portal)
            assert len(df) == (len(MINUTES) if span is SPAN else 0)
            assert df.attrs["warning"] in str(caught[0].message)
        assert isr.load_history(**SPAN, portal=portal).attrs["warning"] == ""
    body = json.dumps({**said, "messages": [{"time": "2026-11-01T00:00:00Z", "topic": "t", "payload": 1}]}).encode()
    with pytest.warns(UserWarning, match="the saved answer says beside its messages: "):
        isr.read_history(body, client_id="dev-a")
    of_none = {**said, "publishers": [{"client_id": "a", "last_message": None}]}
    assert not len(answers.read_live(json.dumps(of_none).encode()).messages)
