"""The live board over the live answer: states, pauses, failures and the pace."""

from __future__ import annotations

import re
import threading

import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.checks.standing import readable, standing
from isr_analysis.errors import UsageError
from isr_analysis.portal.quota import Quota
from isr_analysis.widgets import board as boards

NOW = times.instant("2026-11-24T07:30:00Z")


def test_the_board_shows_what_needs_a_look_first(portal):
    """Silent before live; paused is no news; markup in a payload stays text; an age stays on one line."""
    board = isr.widgets.live_board(portal=portal)
    assert board.refresh() == pytest.approx(5.0)
    assert {board.trouble, board.board} < {*board.children}
    assert board.value["state"].iloc[0] == "silent"
    assert board.value["state"].iloc[-1] == "paused"
    assert "isr-bad" in board.board.value
    assert "live" in board.head.value
    assert "requests left" in board.head.value
    assert re.search(r"<td>\d+\xa0\w+(\xa0\d+\xa0\w+)?\xa0ago</td>", board.board.value)


def test_states_by_age_pause_and_silence():
    """Each limit belongs to the fresher state."""
    at = pd.to_datetime([NOW - 20 * times.MINUTE, NOW - 15 * times.MINUTE, NOW - 3 * times.DAY], utc=True)
    live = pd.DataFrame({"client_id": ["b", "a", "c"], "topic": "t", "value": [1.5, None, 3.0]}, index=at)
    pubs = pd.DataFrame(
        {
            "client_id": ["a", "d", "e"],
            "paused": pd.array([False, True, None], dtype="boolean"),
            "label": ["A", "", None],
        }
    )
    found = standing(live, pubs, now=NOW).set_index("client_id")
    assert found["state"].to_dict() == {"c": "silent", "b": "stale", "a": "live", "e": "never heard", "d": "paused"}
    assert found["says"].to_dict()["b"] == "1.5"
    assert [*found.index] == ["c", "b", "a", "e", "d"]
    empty = standing(live.iloc[:0], None, now=NOW)
    assert [*empty.columns] == [*found.reset_index().columns]
    assert empty.dtypes.equals(found.reset_index().dtypes)


def test_limits_in_the_wrong_order_are_refused(portal):
    """A board on which nobody is ever stale is no board; the figure says the same."""
    with pytest.raises(UsageError, match="silent='1h' is shorter than stale='1d'"):
        isr.widgets.live_board(stale="1d", silent="1h", portal=portal)


def test_a_clock_that_is_ahead_is_told():
    """Else a device that died would read as heard this second, for as long as its clock was ahead."""
    at = pd.to_datetime([NOW + times.HOUR], utc=True)
    found = standing(pd.DataFrame({"client_id": ["a"], "topic": "t"}, index=at), None, now=NOW)
    assert found["state"].tolist() == ["live"]
    assert found["age"].tolist() == [-pd.Timedelta("1h")]
    assert "1\xa0h\xa0ahead" in boards._written(found)[0][0]
    assert readable(found)["age"].tolist() == ["1 h ahead"]  # where there is no page: not "-1 days +23:00:00"


def test_the_board_runs_while_a_page_shows_it_and_rests_when_it_is_gone(sandbox, portal):
    """No request is made before the page, and none after it."""
    before = sandbox.requests("publishers/live")
    board = isr.widgets.live_board(every="1s", portal=portal)
    assert sandbox.requests("publishers/live") == before
    told = threading.Event()
    board.observe(lambda _: told.set(), "value")
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert told.wait(10)
    assert board._worker.busy
    board._page._handle_custom_msg({"seen": False}, [])
    assert board._worker.join(10)
    assert not board._worker.busy
    told.clear()
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert told.wait(10)
    board.close()
    assert board._worker.join(10)


def test_a_page_that_falls_silent_stops_the_board(portal, monkeypatch):
    """A closed browser says no good-bye."""
    monkeypatch.setattr(boards, "_PATIENCE", 0.0)
    board = isr.widgets.live_board(every="1s", portal=portal)
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert board._worker.join(10)


def test_pause_and_resume(portal):
    """Paused, what the page says starts nothing; the button says what it does."""
    board = isr.widgets.live_board(portal=portal)
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    board.pause.value = True
    assert board.paused
    assert board.pause.description == "Resume"
    assert board._worker.join(10)
    board._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert not board._worker.busy
    board.paused = False
    assert board._worker.busy
    board.close()


def test_a_portal_that_fails_shows_and_recovers(sandbox, portal):
    """What was known stays in sight, dimmed; the tries grow rarer, and the first success clears it."""
    board = isr.widgets.live_board(every="1s", portal=portal)
    sandbox.fail("html", route="publishers/live")
    delays = [board.refresh(), board.refresh()]
    assert delays[1] > delays[0] >= 1
    assert "Trying again in" in board.trouble.value
    sandbox.heal()
    assert board.refresh() == pytest.approx(1.0, abs=0.5)
    assert board.trouble.value == ""
    assert len(board.value) > 0


def test_offline_the_board_shows_what_was_answered_last_and_asks_for_nothing(sandbox, home):
    """With the labels and pauses that are on disk; it says why, and does not blame the portal."""
    with sandbox.connect(home=home) as portal:
        isr.widgets.live_board(portal=portal).refresh()
    with sandbox.connect(home=home) as portal:
        object.__setattr__(portal.profile, "is_offline", True)
        before = sandbox.requests()
        board = isr.widgets.live_board(every="0.01s", portal=portal)
        board.refresh()
        assert sandbox.requests() == before
        assert (
            board.trouble.value.count("ISR_OFFLINE is set, so the portal is not asked. This is its answer from 2") == 1
        )
        assert "reached" not in board.trouble.value
        assert "Station Q1ISR" in board.board.value
        assert board.value["state"].iloc[-1] == "paused"


def test_a_used_up_quota_is_waited_for(sandbox, portal):
    """The board says until when, and asks nothing before."""
    board = isr.widgets.live_board(every="0.001s", portal=portal)
    board.refresh()
    sandbox.set_quota(3)
    delays = [board.refresh() for _ in range(5)]
    before = sandbox.requests()
    delays.append(board.refresh())
    assert sandbox.requests() == before
    assert delays[-1] > 60
    assert "used up until" in board.trouble.value


@pytest.mark.parametrize(
    ("left", "seconds"), [(Quota(5000, 5000, NOW + times.HOUR), 5.0), (Quota(5000, 100, NOW + times.HOUR), 72.0),
                          (Quota(5000, 0, NOW + times.HOUR), 7200.0), (Quota(5000, 0, NOW), 5.0)]
)  # fmt: skip
def test_the_board_takes_at_most_half_of_what_is_left(left, seconds):
    """With plenty it keeps its own pace."""
    assert boards.pace(5.0, left, NOW) == seconds


def test_the_list_of_publishers_is_not_asked_for_each_time_where_its_add_on_is_missing(sandbox):
    """A board that is watched for long would take as many requests for that as for the live answer."""
    sandbox.set_quota()
    with sandbox.connect(sandbox.make_token(["live", "history"])) as portal:
        board = isr.widgets.live_board(portal=portal, every="1h")
        board.refresh()
        before = portal.requests
        for _ in range(3):
            board.refresh()  # the live answer is kept
        assert board.value is not None
        assert portal.requests == before
