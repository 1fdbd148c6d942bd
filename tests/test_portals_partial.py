"""Portals that give less than there is, and do not say so plainly: an error, or a frame that says so."""

from __future__ import annotations

import pandas as pd
import portals
import pytest
from portal_odd import MINUTES, SPAN, Odd, rows
from portals import Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.errors import AnswerError


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
