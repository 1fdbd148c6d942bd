"""The widgets without a page: built, set and asserted, against a real sandbox."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import keyring
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isr_analysis as isr
from isr_analysis import disclosure, messages, times
from isr_analysis.errors import UsageError
from isr_analysis.portal import connection
from isr_analysis.portal.quota import Quota
from isr_analysis.widgets import board as boards
from isr_analysis.widgets import words
from isr_analysis.widgets.pick import narrowest
from isr_analysis.widgets.standing import standing
from isr_analysis.widgets.strip import shares, strip

NOW = times.instant("2026-11-24T07:30:00Z")
EVERY = ["token_entry", "date_range", "picker", "explorer", "live_board"]


@pytest.fixture(scope="module")
def sandbox():
    """Give a running sandbox, in whose days the buoy got a new id at least once: the former one is silent."""
    with isr.sandbox.serve(days=45) as running:
        yield running


@pytest.fixture
def portal(sandbox, home):
    """Give a connection with an empty store."""
    sandbox.heal()
    sandbox.set_quota()
    with sandbox.connect(home=home) as made:
        yield made


def state_of(widget) -> str:
    """Give all that a notebook could save of a widget and those within it."""
    import ipywidgets

    return json.dumps(ipywidgets.Widget.get_manager_state(), default=str) + repr(widget) + str(widget.get_state())


def test_a_closed_widget_leaves_nothing_behind():
    """What is saved of the others can still be written, and holds nothing of it."""
    import ipywidgets

    before = set(ipywidgets.Widget.get_manager_state()["state"])
    explorer = isr.widgets.explorer("isr-shack-01", last="6h")
    explorer.close()
    after = ipywidgets.Widget.get_manager_state()["state"]
    left = [after[one]["model_name"] for one in set(after) - before]
    assert [name for name in left if not name.endswith(("LayoutModel", "StyleModel"))] == []


# Token entry


@pytest.mark.parametrize("pasted", ["{}", "  {}\n", '"{}"', "Bearer {}", "'Authorization: Bearer {}'"])
def test_a_token_is_accepted_however_it_was_pasted(sandbox, pasted):
    """The account is shown, and the loaders use the connection from then on."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.field._handle_custom_msg({"secret": pasted.format(sandbox.token)}, [])
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert connection.current(ask=False).account_id == sandbox.account_id
    for words_shown in (f"{sandbox.account_id[:8]}…", "Live REST API", "requests left this hour"):
        assert words_shown in entry.said.value + entry.opens.value
    assert entry.field.disabled is False


@pytest.mark.parametrize("accepted", [True, False])
def test_no_state_holds_what_was_typed(sandbox, accepted):
    """Accepted or not, widget state, repr and traits are free of it."""
    typed = sandbox.token if accepted else "isr_mqtt_rest_revoked-long-ago"
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(typed)
    assert typed not in state_of(entry)
    assert entry.wait()
    assert bool(entry.value) is accepted
    assert typed not in state_of(entry)
    assert sandbox.account_id not in state_of(entry) + str(entry)


def test_widgets_that_wait_for_a_token_begin_when_it_is_there(sandbox):
    """Above them it is entered, and nobody has to press Refresh; what was said of the former one goes."""
    explorer = isr.widgets.explorer("isr-shack-01", last="6h")
    parts = explorer, explorer.picker, explorer.dates
    for one in parts:
        one._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert all(one.wait() for one in parts)
    assert "no token" in explorer.picker.trouble.value
    assert "no token" in explorer.dates.held.value
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(sandbox.token)
    assert entry.wait()
    assert all(one.wait() for one in parts)
    assert explorer.picker.trouble.value == ""
    assert "not on disk" in explorer.dates.held.value
    assert "to fetch" in explorer.plan.value
    explorer.close()


def test_what_is_no_token_is_refused_at_once_and_not_repeated(sandbox):
    """The form is checked before anything is sent."""
    before = sandbox.requests_total()
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit("hunter2")
    assert "isr_mqtt_rest_" in entry.said.value
    assert "Settings" in entry.said.value
    assert "hunter2" not in state_of(entry)
    assert sandbox.requests_total() == before


def test_a_refused_token_leaves_the_connection_as_it_was(sandbox):
    """The portal's reason is shown; what worked before still works."""
    former = connection.connect(sandbox.token, origin=sandbox.origin)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit("isr_mqtt_rest_revoked-long-ago")
    assert entry.wait()
    assert "Not accepted" in entry.said.value
    assert connection.current() is former


def test_a_token_is_replaced_after_rotation(sandbox):
    """The new one takes the place of the old one, in the keyring too."""
    old = sandbox.make_token()
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(old)
    assert entry.wait()
    assert old in keyring.get_keyring().kept.values()
    new = sandbox.rotate(old)
    entry.submit(new)
    assert entry.wait()
    assert [*keyring.get_keyring().kept.values()] == [new]
    assert len(isr.load_live()) > 0


def test_an_accepted_token_is_kept_when_asked_afterwards(sandbox):
    """The box may be ticked before or after; the profile is then found by name."""
    entry = isr.widgets.token_entry(profile="hill", origin=sandbox.origin)
    entry.submit(sandbox.token)
    assert entry.wait()
    assert keyring.get_keyring().kept == {}
    entry.keep.value = True
    assert entry.wait()
    assert "kept in the keyring" in entry.said.value
    isr.disconnect()
    assert isr.connect(profile="hill").account_id == sandbox.account_id


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_the_token_is_used_and_the_file_explained(sandbox):
    """A machine without a keyring is normal."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(sandbox.token)
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert "ISR_TOKEN_FILE" in entry.said.value
    assert entry.keep.value is False


def test_a_set_variable_that_comes_first_is_named(sandbox, monkeypatch):
    """A token kept in the keyring would be passed over by the next kernel."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.keep.value = True
    entry.submit(sandbox.token)
    assert entry.wait()
    assert "ISR_TOKEN is set" in entry.said.value


def test_a_platform_token_asks_for_the_account(sandbox):
    """The field for the account appears, and then it works."""
    key = sandbox.make_token(platform=True)
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(key)
    assert "account" in entry.said.value
    assert entry.account.layout.display == "flex"
    entry.account.value = sandbox.account_id
    for _ in range(2):
        entry.submit(key)
        assert entry.wait()
        assert entry.value == sandbox.account_id
        assert entry.account.value == ""
    named = isr.widgets.token_entry(origin=sandbox.origin, account_id=sandbox.account_id)
    named.submit(key)
    assert named.wait()
    assert named.value == sandbox.account_id


def test_a_token_that_is_set_up_is_checked_when_the_page_shows_the_entry(sandbox, monkeypatch):
    """Nothing is asked before."""
    before = sandbox.requests_total()
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    entry = isr.widgets.token_entry()
    assert sandbox.requests_total() == before
    entry._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert entry.wait()
    assert entry.value == sandbox.account_id


def test_a_token_that_misses_an_add_on_says_which(sandbox):
    """It is accepted all the same."""
    entry = isr.widgets.token_entry(origin=sandbox.origin)
    entry.submit(sandbox.make_token(["live"]))
    assert entry.wait()
    assert entry.value == sandbox.account_id
    assert "Programmatic History Download" in entry.opens.value
    assert "isr-warn" in entry.opens.value


# Date range


@pytest.mark.parametrize(
    ("preset", "value"),
    [
        ("last hour", {"last": "1h"}),
        ("last 24 hours", {"last": "24h"}),
        ("today", {"start": "2026-11-24"}),
        ("yesterday", {"start": "2026-11-23", "end": "2026-11-24"}),
        ("last 7 days", {"last": "7d"}),
        ("last 30 days", {"last": "30d"}),
        ("this month", {"start": "2026-11-01"}),
        ("last month", {"start": "2026-10-01", "end": "2026-11-01"}),
    ],
)
def test_presets_are_arguments_of_a_loader(preset, value):
    """Days and months are those of the zone."""
    dates = isr.widgets.date_range(last="2h", tz="Europe/Zurich", now=lambda: NOW)
    dates.preset.value = preset
    assert dates.value == {**value, "tz": "Europe/Zurich"}
    assert dates.said.value == ""
    again = isr.widgets.date_range(**dates.value, now=lambda: NOW)
    assert again.preset.value == preset


def test_a_length_that_is_no_preset_becomes_one_and_stays_a_length():
    """A range up to now that the list lacks is chosen in it, and another zone does not nail it down."""
    dates = isr.widgets.date_range(last="6h", now=lambda: NOW)
    assert dates.preset.value == "last 6h"
    dates.zone.value = "Europe/Zurich"
    assert dates.value == {"last": "6h", "tz": "Europe/Zurich"}
    dates.preset.value = "yesterday"
    dates.preset.value = "last 6h"
    assert dates.value == {"last": "6h", "tz": "Europe/Zurich"}


def test_today_is_that_of_the_zone():
    """Half past seven in UTC is another day at the date line."""
    dates = isr.widgets.date_range(tz="Pacific/Auckland", now=lambda: times.instant("2026-11-24T20:00Z"))
    dates.preset.value = "today"
    assert dates.value["start"] == "2026-11-25"


def test_calendars_give_the_clock_on_the_wall():
    """What is picked is read in the zone; midnight is written as a date."""
    dates = isr.widgets.date_range(start="2026-11-01", end="2026-11-08", tz="Europe/Zurich", now=lambda: NOW)
    assert (dates.start.value, dates.end.value) == (dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 8))  # noqa: DTZ001
    dates.start.value = dt.datetime(2026, 11, 2, 6, 30)  # noqa: DTZ001
    assert dates.value == {"start": "2026-11-02T06:30", "end": "2026-11-08", "tz": "Europe/Zurich"}
    assert dates.range().start == times.instant("2026-11-02T05:30Z")
    assert dates.preset.value == "from … to …"
    dates.end.value = None
    assert dates.range().end == NOW


def test_one_value_is_told_to_observers_once_a_change():
    """Setting start and end by a preset is one change."""
    dates = isr.widgets.date_range(last="7d", now=lambda: NOW)
    told = []
    dates.observe(lambda change: told.append(change["new"]), "value")
    dates.preset.value = "yesterday"
    dates.value = {"last": "1h"}
    assert told == [{"start": "2026-11-23", "end": "2026-11-24", "tz": "UTC"}, {"last": "1h", "tz": "UTC"}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 11, 9)), "not before end"),  # noqa: DTZ001
        (lambda dates: setattr(dates.start, "value", None), "the start is empty"),
        (lambda dates: setattr(dates.zone, "value", "Mars/Olympus"), "not a known time zone"),
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 10, 25, 2, 30)), "came twice"),  # noqa: DTZ001
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 3, 29, 2, 30)), "never came"),  # noqa: DTZ001
    ],
)
def test_a_bad_range_is_explained_in_place_and_is_no_value(change, said):
    """Nobody loads the former range by mistake; mending the field brings the value back."""
    dates = isr.widgets.date_range(start="2026-11-01", end="2026-11-08", tz="Europe/Zurich", now=lambda: NOW)
    change(dates)
    assert dates.value is None
    assert said in dates.said.value
    assert "alert" in dates.said.value
    dates.value = {"last": "1h"}
    assert dates.said.value == ""
    assert dates.zone.value == "UTC"


@pytest.mark.parametrize("bad", [{}, {"start": "x"}, {"last": "7d", "start": "2026-11-01"}, {"from": "2026-11-01"}])
def test_a_value_that_is_no_range_is_refused(bad):
    """A script hears it as an error, and the value stays."""
    dates = isr.widgets.date_range(last="7d")
    with pytest.raises(UsageError):
        dates.value = bad
    assert dates.value == {"last": "7d", "tz": "UTC"}


def test_what_is_on_disk_is_drawn_under_the_range(portal, sandbox):
    """In words too; nothing of the history is asked for."""
    isr.load_history(last="6h", portal=portal)
    before = sandbox.requests("history")
    dates = isr.widgets.date_range("isr-shack-01", last="12h", portal=portal)
    assert dates.held.value == ""
    dates._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert dates.wait()
    assert "<svg" in dates.held.value
    assert "50 % not on disk" in dates.held.value
    assert sandbox.requests("history") == before


def test_the_strip_counts_what_was_fetched_of_all_clients_for_each():
    """Two clients: one has all of it, the other half."""
    at = pd.to_datetime(["2026-11-01", "2026-11-02", "2026-11-03"], utc=True)
    covered = pd.DataFrame(
        {"client_id": ["*", "a", "b"], "topic": "#", "start": at[[0, 1, 1]], "end": at[[1, 2, 2]],
         "state": ["settled", "settled", "missing"], "fetched_at": pd.NaT, "detail": ""}
    )  # fmt: skip
    assert shares(covered) == {"settled": 0.75, "missing": 0.25}
    assert strip(covered).count("<svg") == 2
    assert "75 % on disk" in strip(covered)
    assert "Nothing" in strip(covered.iloc[:0])


# Picker


def test_publishers_are_listed_with_when_they_were_last_heard(portal):
    """Topics stand under their client."""
    picker = isr.widgets.picker(portal=portal)
    assert picker.list.options == ()
    picker.load()
    assert picker.wait()
    lines = [label for label, _ in picker.list.options]
    assert any(line.startswith("isr-shack-01 · Station") and line.endswith("ago") for line in lines)
    assert any("spare-01" in line and "paused · never" in line for line in lines)
    at = next(n for n, (_, key) in enumerate(picker.list.options) if key[0] == "rpt-west")
    assert picker.list.options[at + 1][1][0] == "rpt-west"


def test_a_search_narrows_the_list_and_keeps_what_was_chosen(portal):
    """Several publishers are chosen one search after the other."""
    picker = isr.widgets.picker(portal=portal)
    picker.load()
    assert picker.wait()
    for word, key in (("shack", ("isr-shack-01", None)), ("repeater north", ("rpt-north", None))):
        picker.search.value = word
        assert key in [own for _, own in picker.list.options]
        picker.list.value = [key]
    assert picker.value == {"client_id": ["isr-shack-01", "rpt-north"], "topic": "#"}
    picker.search.value = ""
    assert set(picker.list.value) == {("isr-shack-01", None), ("rpt-north", None)}
    picker.clear.click()
    assert picker.value == {"client_id": None, "topic": "#"}
    assert picker.list.value == ()


def test_topics_are_found_and_chosen_under_their_clients(portal):
    """The filter is the narrowest that covers them, and is shown."""
    picker = isr.widgets.picker(portal=portal)
    picker.find.click()
    assert picker.wait()
    picker.list.value = [("isr-shack-01", "telemetry/watt_meter")]
    assert picker.value == {"client_id": ["isr-shack-01"], "topic": "telemetry/watt_meter"}
    picker.list.value = [("isr-shack-01", "telemetry/watt_meter"), ("isr-hill-02", "telemetry/system")]
    assert picker.value == {"client_id": ["isr-hill-02", "isr-shack-01"], "topic": "telemetry/+"}
    assert "telemetry/+" in picker.said.value
    picker.list.value = []
    assert picker.value == {"client_id": None, "topic": "#"}


def test_a_topic_that_is_no_filter_is_explained_in_place():
    """The value is None until it is mended."""
    picker = isr.widgets.picker("isr-shack-01")
    picker.topic.value = "telemetry/#/x"
    assert picker.value is None
    assert "stands alone and last" in picker.trouble.value
    picker.topic.value = "telemetry/+"
    assert picker.value == {"client_id": ["isr-shack-01"], "topic": "telemetry/+"}
    assert picker.trouble.value == ""


@pytest.mark.parametrize("add_ons", [["live", "history"], ["mgmt", "history"]])
def test_one_of_the_two_add_ons_is_enough(sandbox, add_ons):
    """Publishers are listed from the live answer or from their list."""
    with sandbox.connect(sandbox.make_token(add_ons)) as portal:
        picker = isr.widgets.picker(portal=portal)
        picker.load()
        assert picker.wait()
        assert "isr-shack-01" in [key[0] for _, key in picker.list.options]
        assert picker.trouble.value == ""


def test_without_any_of_them_the_picker_says_what_is_missing(sandbox):
    """In words, in place."""
    with sandbox.connect(sandbox.make_token(["history"])) as portal:
        picker = isr.widgets.picker(portal=portal)
        picker.load()
        assert picker.wait()
        assert "Live REST API" in picker.trouble.value


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=5))
def test_the_narrowest_filter_is_a_filter_that_matches_all(topics):
    """One topic is its own filter."""
    found = narrowest(topics)
    assert messages.check_filter(found) == found
    assert all(messages.topic_matches(found, topic) for topic in topics)
    if len(set(topics)) == 1:
        assert found == topics[0]


# Explorer


def test_what_was_loaded_is_told_in_the_zone_that_is_chosen(portal):
    """The clock of the fields above, not another one."""
    range_ = {"start": "2026-11-20", "end": "2026-11-21", "tz": "Asia/Tokyo"}
    explorer = isr.widgets.explorer("isr-shack-01", **range_, portal=portal)
    explorer.go.click()
    assert explorer.wait()
    assert "from 2026-11-20 00:00 to 2026-11-21 00:00 (Asia/Tokyo), " in explorer.said.value
    explorer.close()


@pytest.fixture
def explorer(portal):
    """Give an explorer of one publisher's readings, with nothing on disk."""
    made = isr.widgets.explorer("isr-shack-01", "telemetry/watt_meter", last="6h", portal=portal)
    yield made
    made.close()


def test_the_plan_comes_before_anything_is_fetched(explorer, sandbox):
    """It is the line that plan_history prints, and follows the choice."""
    before = sandbox.requests("history")
    explorer._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert explorer.wait()
    assert explorer.plan.value.count("at least 1 request of") == 1
    assert "0% on disk" in explorer.plan.value
    explorer.dates.value = {"last": "4d"}
    assert explorer.wait()
    assert "windows" in explorer.plan.value
    assert sandbox.requests("history") == before


def test_loading_gives_the_frame_the_figure_the_gaps_and_the_code(explorer, portal):
    """The same as a script gets."""
    explorer.go.click()
    assert explorer.wait()
    same = isr.load_history("isr-shack-01", "telemetry/watt_meter", last="5h", portal=portal)
    assert set(same.index[:-3]) <= set(explorer.value.index)
    figure = explorer.figure.outputs[0]["data"]["application/vnd.plotly.v1+json"]
    assert len(figure["data"]) > 0
    assert "messages from" in explorer.said.value
    assert explorer.gaps.value
    assert not explorer.go.disabled
    assert explorer.halt.disabled
    assert "value" in explorer.field.options


def test_the_code_runs_and_gives_the_same(explorer, portal):
    """What the widget shows is Python that needs nothing but the connection."""
    explorer.go.click()
    assert explorer.wait()
    explorer.field.value = "value"
    assert explorer.wait()
    assert 'isr.plots.timeseries(df, "value")' in explorer.code()
    scope: dict[str, object] = {"portal": portal}
    exec(explorer.code(), scope)
    assert len(scope["df"]) >= len(explorer.value) - 3  # the range moved on meanwhile


def test_a_download_is_stopped_halfway_and_goes_on_there(portal, sandbox):
    """What had come is on disk; the kernel's thread was free all the time."""
    explorer = isr.widgets.explorer(topic="#", last="4d", portal=portal)
    sandbox.fail("slow", route="history", seconds=0.2)
    first = threading.Event()
    explorer.bar.observe(lambda change: first.set() if 0 < change["new"] < 1 else None, "value")
    began = time.monotonic()
    explorer.go.click()
    assert time.monotonic() - began < 1.0
    assert first.wait(30)
    explorer.halt.click()
    assert "Stopped" in explorer.said.value
    assert explorer.wait()
    assert explorer.value is None
    assert not explorer.go.disabled
    sandbox.heal()
    plan = isr.plan_history(last="4d", portal=portal)
    assert 0 < plan.share < 1
    explorer.go.click()
    assert explorer.wait()
    assert len(explorer.value) > 0


def test_a_failing_portal_is_explained_and_the_former_frame_stays(explorer, sandbox):
    """Errors stand in the widget, as words."""
    explorer.go.click()
    assert explorer.wait()
    kept = explorer.value
    sandbox.fail("html", route="history")
    explorer.dates.value = {"last": "3d"}
    explorer.go.click()
    assert explorer.wait()
    sandbox.heal()
    assert "isr-bad" in explorer.said.value
    assert explorer.value is kept
    assert not explorer.go.disabled


def test_exports_are_read_back_and_never_replace_a_file(explorer, tmp_path):
    """CSV and Parquet, where the kernel runs."""
    explorer.export("csv")
    assert "nothing to save" in explorer.written.value
    explorer.go.click()
    assert explorer.wait()
    for kind, read in (("csv", lambda path: pd.read_csv(path, index_col=0)), ("parquet", pd.read_parquet)):
        explorer.file.value = str(tmp_path / "out")
        explorer.export(kind)
        assert explorer.wait()
        assert len(read(tmp_path / f"out.{kind}")) == len(explorer.value)
        assert f"df.to_{kind}(" in explorer.code()
    explorer.export("csv")
    assert explorer.wait()
    assert "not replaced" in explorer.written.value


def test_nothing_is_loaded_while_the_choice_is_none(explorer, sandbox):
    """The button says where to look."""
    before = sandbox.requests("history")
    explorer.picker.topic.value = "a/#/b"
    explorer.go.click()
    assert explorer.wait()
    assert "cannot be loaded" in explorer.said.value
    assert sandbox.requests("history") == before


def test_a_range_without_messages_is_said_so(portal):
    """No figure of nothing, no error."""
    explorer = isr.widgets.explorer("nobody-99", last="1h", portal=portal)
    explorer.go.click()
    assert explorer.wait()
    assert "No message was published" in explorer.said.value
    assert len(explorer.value) == 0


def test_the_figure_follows_the_page_into_the_dark(explorer):
    """When the theme is changed, it is drawn again."""
    explorer._page._handle_custom_msg({"seen": True, "dark": False}, [])
    explorer.go.click()
    assert explorer.wait()
    before = explorer.figure.outputs
    explorer._page._handle_custom_msg({"seen": True, "dark": True}, [])
    assert explorer.wait()
    grounds = [
        shown[0]["data"]["application/vnd.plotly.v1+json"]["layout"]["template"]["layout"]["paper_bgcolor"]
        for shown in (before, explorer.figure.outputs)
    ]
    assert grounds[0] != grounds[1]


# Live board


def test_the_board_shows_what_needs_a_look_first(portal):
    """Silent before live; paused is no news; markup in a payload stays text."""
    board = isr.widgets.live_board(portal=portal)
    assert board.refresh() == pytest.approx(5.0)
    assert board.value["state"].iloc[0] == "silent"
    assert board.value["state"].iloc[-1] == "paused"
    assert "isr-bad" in board.board.value
    assert "live" in board.head.value
    assert "requests left" in board.head.value


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


def test_a_used_up_quota_is_waited_for(sandbox, portal):
    """The board says until when, and asks nothing before."""
    board = isr.widgets.live_board(every="0.001s", portal=portal)
    board.refresh()
    sandbox.set_quota(3)
    delays = [board.refresh() for _ in range(5)]
    before = sandbox.requests_total()
    delays.append(board.refresh())
    assert sandbox.requests_total() == before
    assert delays[-1] > 60
    assert "used up until" in board.trouble.value


@pytest.mark.parametrize(
    ("left", "seconds"), [(Quota(5000, 5000, NOW + times.HOUR), 5.0), (Quota(5000, 100, NOW + times.HOUR), 72.0),
                          (Quota(5000, 0, NOW + times.HOUR), 7200.0), (Quota(5000, 0, NOW), 5.0)]
)  # fmt: skip
def test_the_board_takes_at_most_half_of_what_is_left(left, seconds):
    """With plenty it keeps its own pace."""
    assert boards.pace(5.0, left, NOW) == seconds


# Without a page


@pytest.mark.parametrize("name", EVERY)
def test_without_a_token_each_names_the_setting(name):
    """Printed, none raises, none prompts, none blocks."""
    shown = str(getattr(isr.widgets, name)())
    assert "ISR_TOKEN" in shown
    assert "isr login" in shown


@pytest.mark.parametrize("name", EVERY)
def test_printed_each_shows_its_plain_form(name, portal, monkeypatch):
    """A figure by its title, a table as text."""
    monkeypatch.setattr(connection, "_default", portal)
    shown = str(getattr(isr.widgets, name)())
    assert {"token_entry": "requests left", "date_range": "missing", "picker": "isr-shack-01",
            "explorer": "[figure:", "live_board": "silent"}[name] in shown  # fmt: skip


def test_printed_the_token_entry_speaks_of_its_own_portal(sandbox, monkeypatch):
    """Of that which it was given, and not of the one that the settings name; with a token, of that one's account."""
    assert f"no token for {sandbox.origin}" in str(isr.widgets.token_entry(origin=sandbox.origin))
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    assert f"Connected to {sandbox.origin}: account {sandbox.account_id[:8]}…" in str(
        isr.widgets.token_entry(origin=sandbox.origin)
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_repr_asks_nobody_and_is_code(name, sandbox, portal):
    """It can be shown by a debugger at any time."""
    options = {} if name == "token_entry" else {"portal": portal}
    before = sandbox.requests_total()
    widget = getattr(isr.widgets, name)(**options)
    assert "isr." in repr(widget)
    compile(repr(widget), "code", "exec")
    bundle = widget._repr_mimebundle_()
    assert "isr." in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert sandbox.requests_total() == before


def test_under_nbconvert_the_plain_form_is_displayed(portal, monkeypatch):
    """Where nobody can be asked there is no page: tables and figures stand for the widget."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        with capture_output() as got:
            shell.display_formatter.format(isr.widgets.live_board(portal=portal))
    finally:
        InteractiveShell.clear_instance()
    assert any("isr-shack-01" in one.data.get("text/html", "") for one in got.outputs)


@pytest.mark.notebook
def test_the_saved_page_of_the_notebook_can_be_read(tmp_path):
    """Tables, the figure, the code and the error that names the setting stand where the widgets would."""
    notebook = Path(__file__).parent.parent / "notebooks" / "04_widgets.ipynb"
    folders = {"IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_CONFIG_DIR": str(tmp_path / "none")}
    executed = tmp_path / notebook.name
    for options in (["--execute", "--to", "notebook", notebook], ["--to", "html", executed]):
        command = [sys.executable, "-m", "nbconvert", f"--output-dir={tmp_path}", *options]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **folders})
    assert disclosure.disclosures(disclosure.read(executed.read_text("utf-8"))) == []
    page = (tmp_path / "04_widgets.html").read_text("utf-8")
    for words_shown in ("isr login", "Station Q1ISR", "silent", "Europe/Zurich)", "Plan: ", "Plotly.newPlot",
                        "isr.load_history("):  # fmt: skip
        assert words_shown in page, words_shown
    assert not re.search(r"isr_mqtt_(platform_)?rest_\w", page)


def test_unknown_names_are_refused():
    """The public names are these, and they are lazy."""
    assert dir(isr.widgets) == sorted(EVERY) == isr.widgets.__all__
    with pytest.raises(AttributeError, match="no attribute 'slider'"):
        _ = isr.widgets.slider


# Words


def test_html_holds_no_markup_of_others():
    """What a device publishes is text."""
    evil = "<img src=x onerror=alert(1)>"
    for made in (words.table([[evil]], [evil], [evil]), words.notice(evil), words.Code(evil)._repr_html_()):
        assert "<img" not in made


@given(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3))
def test_calls_are_written_as_python_that_means_the_same(text, several):
    """Quotes, backslashes and line ends among the arguments."""
    made = eval(words.call("dict", {"a": text, "b": several, "c": None}))
    assert made == {"a": text, "b": several}


def test_work_that_is_superseded_shows_nothing():
    """The newest piece of work is the one that shows its result."""
    from isr_analysis.widgets.background import Worker

    shown, gate = io.StringIO(), threading.Event()
    worker = Worker(lambda exc: shown.write(f"failed {exc}"))

    def work(name):
        def do(task):
            gate.wait(10)
            with task.turn():
                shown.write(name)

        return do

    worker.start(work("old"))
    old = worker._thread
    worker.start(work("new"))
    gate.set()
    old.join(10)
    assert worker.join(10)
    assert shown.getvalue() == "new"
    assert not worker.busy


def test_a_program_ends_although_a_download_is_under_way(sandbox, home, tmp_path):
    """It waits for the pages that are on their way, and not for the rest."""
    script = tmp_path / "script.py"
    script.write_text(
        "import isr_analysis as isr, pathlib, sys, threading\n"
        "portal = isr.connect(pathlib.Path('token').read_text(), origin=sys.argv[1])\n"
        "explorer = isr.widgets.explorer(last='15d', portal=portal)\n"
        "begun = threading.Event()\n"
        "explorer.said.observe(lambda change: begun.set() if 'windows' in change['new'] else None, 'value')\n"
        "explorer.load()\n"
        "assert begun.wait(30)\n"
    )
    (tmp_path / "token").write_text(sandbox.token)
    before = sandbox.requests("history")
    sandbox.fail("slow", route="history", seconds=0.2)
    try:
        subprocess.run([sys.executable, script, sandbox.origin], check=True, timeout=60, cwd=tmp_path)
    finally:
        sandbox.heal()
    assert sandbox.requests("history") - before < 15
