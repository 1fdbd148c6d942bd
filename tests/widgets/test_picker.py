"""The picker: publishers and topics are found, searched and chosen."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import isr_analysis as isr
from isr_analysis import messages
from isr_analysis.widgets.pick import narrowest


def test_publishers_are_listed_with_when_they_were_last_heard(portal):
    """Topics stand under their client."""
    picker = isr.widgets.picker(portal=portal)
    assert picker.list.options == ()
    picker.load()
    assert picker.wait()
    lines = [label for label, _ in picker.list.options]
    (line,) = (line for line in lines if line.startswith("isr-shack-01"))
    assert re.fullmatch(r"isr-shack-01 — .* ago · Station Q1ISR", re.sub(r"\s", " ", line))  # the age is not cut off
    assert any("spare-01" in line and "paused · never" in line for line in lines)
    at = next(n for n, (_, key) in enumerate(picker.list.options) if key[0] == "rpt-west")
    assert picker.list.options[at + 1][1][0] == "rpt-west"


def test_a_client_and_its_topic_were_heard_at_the_same_time(portal):
    """However long ago the portal was asked: both are told as of when the list is written."""
    picker = isr.widgets.picker(portal=portal)
    picker.load()
    assert picker.wait()
    now = portal.now()
    portal.now = lambda: now + 7200 * 10**9
    picker.search.value = "rpt-west"
    ages = [label.rpartition(" — ")[2].partition(" · ")[0] for label, _ in picker.list.options]
    assert len(ages) >= 2
    assert ages[0] in ages[1:]
    assert ages[0].startswith("2 h")


def test_a_search_narrows_the_list_and_keeps_what_was_chosen(portal):
    """Several publishers are chosen one search after the other; one that finds nothing says so."""
    picker = isr.widgets.picker(portal=portal)
    picker.load()
    assert picker.wait()
    for word, key in (("shack", ("isr-shack-01", None)), ("repeater north", ("rpt-north", None))):
        picker.search.value = word
        assert key in [own for _, own in picker.list.options]
        picker.list.value = [key]
    assert picker.value == {"client_id": ["isr-shack-01", "rpt-north"], "topic": "#"}
    assert picker.nothing.value == ""
    picker.search.value = "<b> shark"
    assert picker.list.options == ()
    assert "topic matches &quot;&lt;b&gt; shark&quot;" in picker.nothing.value
    picker.search.value = ""
    assert picker.nothing.value == ""
    assert set(picker.list.value) == {("isr-shack-01", None), ("rpt-north", None)}
    picker.clear.click()
    assert picker.value == {"client_id": None, "topic": "#"}
    assert picker.list.value == ()


def test_of_very_many_chosen_clients_the_first_are_named():
    """The names of a whole fleet would fill the page; the value has all."""
    picker = isr.widgets.picker([f"dev-{n:03d}" for n in range(300)])
    assert "300 clients: dev-000, dev-001, " in picker.said.value
    assert "dev-007 and 292 more · topic #" in picker.said.value
    assert len(picker.value["client_id"]) == 300


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
    picker.list.value = [("isr-shack-01", "telemetry/watt_meter"), ("isr-hill-02", None)]  # all of this one's
    assert picker.value == {"client_id": ["isr-hill-02", "isr-shack-01"], "topic": "#"}
    picker.list.value = []
    assert picker.value == {"client_id": None, "topic": "#"}


def test_what_is_entered_while_the_list_is_filled_counts(portal):
    """The list is filled in a thread of its own; what a person does just then is not taken for a part of that."""
    picker = isr.widgets.picker(portal=portal)
    picker.load()
    assert picker.wait()
    hand = threading.Thread(target=lambda: setattr(picker.topic, "value", "state/#"))

    def enter(_):
        hand.start()
        hand.join(0.3)  # before the list is filled, or at once after

    picker.list.observe(enter, "options")
    picker.search.value = "rpt-west"
    hand.join(10)
    assert picker.value == {"client_id": None, "topic": "state/#"}


def test_topics_are_found_while_the_publishers_are_asked_for(portal):
    """The one does not take the other's place."""
    picker = isr.widgets.picker(portal=portal)
    picker.load()
    picker.find_topics()
    assert picker.wait()
    keys = [key for _, key in picker.list.options]
    assert ("spare-01", None) in keys
    assert sum(topic is not None for _, topic in keys) > len({client for client, _ in keys})


def test_another_account_has_topics_of_its_own(sandbox):
    """What was listed of the former one goes when another token is entered."""
    with isr.connect(sandbox.token, origin=sandbox.origin), isr.sandbox.serve(days=1, seed=5) as second:
        picker = isr.widgets.picker()
        picker._page._handle_custom_msg({"seen": True, "dark": False}, [])
        assert picker.wait()
        entry = isr.widgets.token_entry(origin=second.origin)
        entry.submit(second.token)
        assert entry.wait()
        assert picker.wait()
        mine = set(isr.load_publishers()["client_id"]) | set(isr.load_live()["client_id"])
        assert {client for _, (client, _) in picker.list.options} == mine
        picker.close()


def test_a_topic_that_is_no_filter_is_explained_in_place():
    """The value is None until it is mended."""
    picker = isr.widgets.picker("isr-shack-01")
    picker.topic.value = "telemetry/#/x"
    assert picker.value is None
    assert "must be alone and last" in picker.trouble.value
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
    assert all(messages.covers(found, topic) for topic in topics)
    if len(set(topics)) == 1:
        assert found == topics[0]
