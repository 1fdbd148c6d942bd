"""The loader of history: what it says where there is little to give."""

from __future__ import annotations

import datetime as dt
import functools

import pandas as pd
import pytest
from clocks import Clock

import isr_analysis as isr
from isr_analysis import errors, times
from isr_analysis.portal import responses


@pytest.fixture
def here():
    """Serve a small fleet by a clock that stands still until it is moved."""
    clock = Clock()
    with isr.sandbox.serve(days=10, rate=0.2, now=clock) as served, served.connect() as portal:
        portal.clock, portal.served = clock, served
        yield portal


def test_without_an_end_offline_reaches_as_far_as_what_is_on_disk(here):
    """An hour after the last load, `last=` still gives what there is, and the frame says how far that goes."""
    df = isr.load_history(last="6h", portal=here)
    here.clock.at += times.HOUR
    later = isr.load_history(last="6h", offline=True, portal=here)
    assert later.attrs["end"] == df.attrs["end"]
    assert len(later) == (df.index >= later.attrs["start"]).sum()
    with pytest.raises(errors.HistoryIncompleteError, match="not on disk"):
        isr.load_history(last="6h", end="2026-11-20T13:00Z", offline=True, portal=here)


def test_a_frame_says_how_many_requests_it_took(here):
    """All of them, that which asks whose the token is too."""
    df = isr.load_history(last="6h", portal=here)
    assert df.attrs["requests"] == here.requests == here.served.requests()
    assert isr.load_history(last="6h", portal=here).attrs["requests"] == 0


@pytest.mark.parametrize("load", [functools.partial(isr.load_history, last="6h"), isr.load_live, isr.load_publishers])
def test_an_age_of_zero_asks_each_time(here, load):
    """What is a moment old counts, but not where it is wanted anew."""
    load(portal=here)
    before = here.served.requests()
    load(portal=here)
    assert here.served.requests() == before
    load(max_age="0s", portal=here)
    load(max_age="0s", portal=here)
    assert here.served.requests() >= before + 2


def test_without_a_network_the_error_says_what_of_the_range_is_on_disk(here):
    """Whoever sits in a train, and has most of it, is not left with a word on proxies; a hole in it is no offer."""
    isr.load_history(last="6h", portal=here)
    here.clock.at += times.HOUR
    here.served.fail("down")
    with pytest.raises(errors.PortalUnavailableError) as caught:
        isr.load_history(last="6h", portal=here)
    assert caught.value.status_code == 503
    assert str(caught.value).endswith("on disk of this range reaches to 2026-11-20T12:00:00Z: offline=True loads it")
    isr.load_history(last="6h", offline=True, portal=here)
    for asked in ({"last": "6h", "end": "2026-11-20T13:00Z"}, {"last": "1d"}):
        with pytest.raises(errors.PortalUnavailableError, match="503") as caught:
            isr.load_history(**asked, portal=here)
        assert "offline" not in str(caught.value)


def test_offline_most_of_a_range_that_is_not_there_is_told(here):
    """After a download that broke off, `last=` gives its beginning, and a warning says up to where."""
    isr.load_history(start="2026-11-18", end="2026-11-19", portal=here)
    with pytest.warns(UserWarning, match=r"most of \[2026-11-18T12:00:00Z.*what there is.*, 2026-11-19T00"):
        found = isr.load_history(last="2d", offline=True, portal=here)
    assert found.attrs["end"] == "2026-11-19T00:00:00Z"


@pytest.mark.parametrize("held", [True, False])
def test_a_call_sign_in_the_place_of_a_client_is_told_whose_it_is(here, held):
    """As it stands in the portal's list, beside the id; of a word that all have a few are told."""
    if held:
        isr.load_history(last="1h", portal=here)
    words = r"no client 'q1isr' .*; 'q1isr' stands in the label of client 'isr-shack-01'$"
    for load in (isr.load_history, isr.sync):
        with pytest.warns(UserWarning, match=words):
            load("q1isr", last="1h", portal=here)
    with pytest.warns(UserWarning, match=words):
        assert isr.load_live("q1isr", portal=here).empty
    with pytest.warns(UserWarning, match="no client 'Station'") as said:
        isr.load_history("Station", last="1h", portal=here)
    assert str(said[0].message).count("stands in the label of client") == 3


def test_offline_a_hole_is_not_passed_over(here):
    """Only what is missing at the end shortens the range."""
    isr.load_history(start="2026-11-18", end="2026-11-19", portal=here)
    isr.load_history(last="6h", portal=here)
    with pytest.raises(errors.HistoryIncompleteError, match=r"2026-11-19"):
        isr.load_history(start="2026-11-18", offline=True, portal=here)


@pytest.mark.parametrize(
    ("client", "topic", "words"),
    [
        ("isr-shack-1", "#", r"no client 'isr-shack-1' on disk \(there: isr-shack-01"),
        ("ISR-SHACK-1", "#", r"no client 'ISR-SHACK-1' on disk \(there: isr-shack-01"),
        (None, "telemetry/watt_metr", r"'telemetry/watt_metr' \(there: telemetry/watt_meter"),
        (None, "Telemetry/Watt_Meter", r"'Telemetry/Watt_Meter' \(there: telemetry/watt_meter"),
        (None, "telemetry/*", r'"\*" is no wildcard, "\+" stands for one level of a topic and "#" for all that follow'),
    ],
)
def test_a_name_that_is_nearly_right_is_told(here, client, topic, words):
    """No message, and something of nearly this name on disk: a warning, and the frame is empty."""
    isr.load_history(last="1h", portal=here)
    with pytest.warns(UserWarning, match=words):
        assert isr.load_history(client, topic, last="1h", portal=here).empty
    with pytest.warns(UserWarning, match=words):
        isr.sync(client, topic, last="1h", portal=here)


def test_a_topic_that_begins_with_a_slash_is_told_where_nothing_of_it_came(here):
    """Also where nothing is on disk yet that it could be compared with, and of the live answer."""
    words = r"no message of .* '/telemetry/#' begins with a slash, and topics hardly ever do; try 'telemetry/#'"
    for load in (isr.load_live, isr.load_history, isr.sync):
        asked = {} if load is isr.load_live else {"last": "1h"}
        with pytest.warns(UserWarning, match=words):
            load("isr-shack-01", "/telemetry/#", **asked, portal=here)


def test_a_topic_that_is_nearly_one_of_the_live_answer_is_told(here):
    """Where it is empty; a topic of another kind is none that somebody has mistyped."""
    topic = isr.load_live(portal=here)["topic"].iloc[0]
    with pytest.warns(UserWarning, match=rf"none of '{topic}s', but of '{topic}'"):
        found = isr.load_live(topic=f"{topic}s", portal=here)
    assert found.empty
    assert topic in found.attrs["warning"]
    assert isr.load_live(topic="weather/rain", portal=here).attrs["warning"] == ""


@pytest.mark.parametrize(
    ("function", "given"),
    [
        ("load_history", {"wait": "5min"}), ("load_history", {"offline": "False"}), ("load_history", {"refresh": None}),
        ("sync", {"wait": "5min"}), ("plan_history", {"refresh": "no"}), ("open_history", {"decoded": "yes"}),
        ("open_history", {"wait": "1h"}), ("sync", {"wait": 60}),
    ],
)  # fmt: skip
def test_what_is_neither_true_nor_false_is_no_yes(here, function, given):
    """A time to wait, or the text "False" of a parametrised notebook, would count as True."""
    (name,) = given
    with pytest.raises(errors.UsageError, match=f"{name}=.* is neither True nor False"):
        getattr(isr, function)(last="1h", **given, portal=here)
    with pytest.raises(errors.UsageError, match="delta='no' is neither"):
        isr.export_history("out", last="1h", delta="no", portal=here)


def test_several_topics_and_what_is_no_client_are_answered_in_one_line(here):
    """With a way to have several, and without the whole of a frame in the words."""
    with pytest.raises(errors.UsageError, match=r"is not one MQTT topic filter but several; .*isin"):
        isr.load_history(topic=["telemetry/#", "state/#"], last="1h", portal=here)
    frame = pd.DataFrame({"client_id": ["a", "b"]})
    with pytest.raises(errors.UsageError, match=r"^client_id=a DataFrame is not a client id; give the device's own id"):
        isr.load_history(frame, last="1h", portal=here)
    with pytest.raises(errors.UsageError, match=r"A topic is given by name: topic='telemetry/#'"):
        isr.load_history("telemetry/#", last="1h", portal=here)


def test_on_an_empty_disk_the_portals_list_tells_of_a_name_that_is_nearly_right(here):
    """At the first load of all; of a client that is listed and silent nothing is told."""
    with pytest.warns(UserWarning, match=r"no client 'isr-shack-1' at the portal \(there: isr-shack-01"):
        assert isr.load_history("isr-shack-1", last="1h", portal=here).empty
    assert isr.load_history("spare-01", last="1h", portal=here).empty


def test_a_list_that_has_none_of_the_clients_on_disk_is_told(here, monkeypatch):
    """History under other names than the list's is an empty frame for each client; one in both is enough."""
    isr.load_history(last="1h", portal=here)
    listed = ["meter-a", "meter-b"]
    monkeypatch.setattr(type(here), "listed_clients", lambda *_: (listed, "at the portal", []))
    words = r"'meter-a' is listed at the portal, but none of the clients on disk is \(.*, …\): it may go by another"
    for load in (isr.load_history, isr.sync):
        with pytest.warns(UserWarning, match=words):
            load("meter-a", last="1h", portal=here)
    listed.append("isr-shack-01")
    assert isr.load_history("meter-a", last="1h", portal=here).empty


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("telemetry/wat_meter", "'telemetry/watt_meter'"),
        ("telemetri/#", "'telemetry/#'"),
        ("telemetry", "'telemetry/#'"),
        ("Telemetry/#", "'telemetry/#'"),
    ],
)
def test_on_an_empty_disk_the_live_answer_tells_of_a_topic_that_is_nearly_right(here, topic, near):
    """It is asked for once; of what is called quite otherwise nothing is told, as it has not all topics there are."""
    for load in (isr.load_history, isr.sync):
        with pytest.warns(UserWarning, match=f"live answer has none of {topic!r}, but of {near}"):
            load(None, topic, last="1h", portal=here)
    before = here.requests
    with pytest.warns(UserWarning, match="live answer has none"):
        assert isr.load_history(None, topic, last="1h", portal=here).empty
    assert here.requests == before
    assert isr.load_history(None, "firmware/update", last="1h", portal=here).empty
    assert isr.load_history(None, "event/change", last="1s", portal=here).empty


def test_one_of_two_clients_that_is_not_there_is_told(here):
    """The other's messages come, and a warning names the one that nobody knows."""
    with pytest.warns(UserWarning, match=r"no message of isr-shack-1 · # .*no client 'isr-shack-1' on disk"):
        found = isr.load_history(["isr-shack-01", "isr-shack-1"], last="1h", portal=here)
    assert set(found["client_id"]) == {"isr-shack-01"}
    with pytest.warns(UserWarning, match=r"no message of isr-shack-1 · # .*no client 'isr-shack-1' on disk"):
        assert isr.sync(["isr-shack-01", "isr-shack-1"], last="2h", portal=here).rows


def test_a_silent_client_is_not_asked_for_twice(here, monkeypatch):
    """Of a range that is held nothing is asked, also where no message of it came: the list may be hours old."""
    ask = {"start": "2026-11-01T06:00:00", "end": "2026-11-01T06:30:00", "portal": here}
    isr.load_history("spare-01", **ask)
    before = here.requests
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)
    monkeypatch.setattr(responses, "_now", lambda: later)
    assert isr.load_history("spare-01", **ask).empty
    assert here.requests == before


def test_a_quiet_hour_of_a_known_client_is_no_mistake(here):
    """Nothing is told, also where it is known from the portal's list alone: warnings are errors here."""
    isr.load_history(last="6h", portal=here)
    assert isr.load_history("spare-01", last="6h", portal=here).empty
    assert isr.sync("spare-01", last="6h", portal=here).rows == 0
    assert isr.load_history("isr-shack-01", "event/change", last="1s", portal=here).empty


def test_a_range_in_the_future_is_refused(here, tmp_path):
    """By everything that takes one, with the time that this machine thinks it is; nothing is written."""
    written = tmp_path / "written.html"
    for ask in (
        isr.load_history, isr.sync, isr.plan_history, isr.coverage, isr.open_history,
        functools.partial(isr.build_report, written),
        functools.partial(isr.export_history, written.with_suffix(".csv")),
    ):  # fmt: skip
        with pytest.raises(errors.UsageError, match=r"future.*2026-11-20T12:00:00Z"):
            ask(start="2026-11-21", end="2026-11-22", portal=here)
    assert not [*tmp_path.glob("written*")]
