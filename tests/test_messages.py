"""Topics, filters and selectors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isr_analysis import messages
from isr_analysis.errors import UsageError
from isr_analysis.messages import Selector, covers, overlap, split_topic

ACCOUNT = "7b0c2f5e-6f5e-4d7c-9a3e-3f4c9d1b2a60"
OTHER = "00000000-0000-4000-8000-000000000002"


def table(*rows):
    """Make messages of (client, topic)."""
    return pa.Table.from_pylist(
        [{"time": i, "client_id": c, "topic": t, "payload": b"1", "seq": i, "source": "history", "extra": None}
         for i, (c, t) in enumerate(rows)], schema=messages.SCHEMA)  # fmt: skip


@pytest.mark.parametrize(
    ("topic_filter", "topic", "match"),
    [
        ("#", "a/b", True), ("a/#", "a", True), ("a/#", "a/b/c", True), ("a/#", "ab", False), ("+", "a", True),
        ("+", "a/b", False), ("a/+/c", "a/b/c", True), ("a/+", "a/", True), ("+/b", "/b", True), ("a", "A", False),
        ("a/b", "a", False), ("a", "a/b", False), ("+/#", "a", True),
    ],
)  # fmt: skip
def test_filters_match_as_mqtt_says(topic_filter, topic, match):
    """The wildcards of MQTT 3.1.1, section 4.7."""
    assert covers(topic_filter, topic) is match


@pytest.mark.parametrize("topic", ["", "a/#/b", "a#", "a/b+", "+a/b", None, ["a", "b"], f"{ACCOUNT}/dev/#"])
def test_what_is_no_filter_is_refused(topic):
    """A wildcard stands alone in its level, and # at the end."""
    with pytest.raises(UsageError, match="topic="):
        Selector.of(None, topic)


levels = st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=4)
filters = st.tuples(levels, st.booleans()).map(lambda p: "/".join(p[0] + ["#"] * p[1]))
topics = st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4).map("/".join)


@given(filters, filters, topics)
def test_a_covering_filter_matches_whatever_the_covered_one_does(wide, narrow, topic):
    """`covers` never claims too much, and two filters that share a topic overlap."""
    if covers(wide, narrow) and covers(narrow, topic):
        assert covers(wide, topic)
    if covers(wide, topic) and covers(narrow, topic):
        assert overlap(wide, narrow)


@pytest.mark.parametrize("client", ["", " ", "a/b", "+", [], ["a", ""], [3], "#", {"a": 1}, b"a", [["a"]], "\udcff"])
def test_what_is_no_client_is_refused(client):
    """A client id has no levels or wildcards; no client at all is said with None."""
    with pytest.raises(UsageError, match="client_id="):
        Selector.of(client)


def test_bytes_that_are_no_utf_8_are_no_topic():
    """As a terminal may hand them on; they could not be sent."""
    with pytest.raises(UsageError, match=r"topic='a/\\udcff' is not an MQTT topic filter"):
        Selector.of(None, "a/\udcff")


def keys(ids):
    """Give the keys of a dictionary."""
    return dict.fromkeys(ids).keys()


def polars_series(ids):
    """Give a column of a Polars frame."""
    return pytest.importorskip("polars", reason="polars is not installed").Series(ids)


@pytest.mark.parametrize(
    "kind", [tuple, set, keys, np.array, pd.Series, pd.Index, pd.Categorical, pa.array, polars_series]
)
def test_clients_come_in_any_kind_of_list(kind):
    """Those of another frame's column, too, in which they stand many times."""
    assert Selector.of(kind(["b", "a", "b"])).clients == ("a", "b")


def test_a_selector_takes_what_it_means():
    """Clients and topic filter together; order is kept."""
    rows = table(("a", "t/x"), ("b", "t/x"), ("a", "u"), ("a", "t"))
    assert Selector.of("a", "t/#").select(rows)["topic"].to_pylist() == ["t/x", "t"]
    assert Selector.of(["b", "a"]).clients == ("a", "b")
    assert Selector.of(None).select(rows).equals(rows)
    assert len(Selector.of("nobody").select(rows)) == 0
    assert len(Selector.of("a", "t/#").select(messages.empty())) == 0


@pytest.mark.parametrize(
    ("topic", "client", "account", "parts"),
    [
        (f"{ACCOUNT}/dev/t/x", None, None, (ACCOUNT, "dev", "t/x")),
        (f"{ACCOUNT}/dev/t/x", "dev", ACCOUNT, (ACCOUNT, "dev", "t/x")),
        (f"{ACCOUNT}/dev/t/x", "pub-77", ACCOUNT, (ACCOUNT, "dev", "t/x")),  # a shared credential beside it
        (f"{ACCOUNT}/dev/t/x", "pub-77", None, (ACCOUNT, "dev", "t/x")),
        (f"plant/3/{ACCOUNT}/dev/t", None, None, (ACCOUNT, "dev", "t")),  # an old on-premises prefix
        (f"plant/3/{ACCOUNT}/dev/t", "dev", None, (ACCOUNT, "dev", "t")),
        ("dev/t/x", "dev", ACCOUNT, (None, "dev", "t/x")),
        ("t/x", "dev", ACCOUNT, (None, "dev", "t/x")),
        ("dev", "dev", ACCOUNT, (None, "dev", "dev")),  # a topic that is called as its client is
        ("t/x", None, None, (None, None, "t/x")),
        (f"t/{OTHER}/x", "dev", ACCOUNT, (None, "dev", f"t/{OTHER}/x")),  # an id inside the subpath is no account
        (f"{OTHER}/t", OTHER, ACCOUNT, (None, OTHER, "t")),  # a client whose id is a UUID
        (f"{OTHER}/dev/t", "dev", ACCOUNT, (OTHER, "dev", "t")),  # another account's: to be refused by the caller
        ("acme/dev/t", None, "acme", ("acme", "dev", "t")),
        (f"{ACCOUNT}/dev", None, None, (ACCOUNT, "dev", "")),
    ],
)
def test_platform_paths_are_split(topic, client, account, parts):
    """Account, client and subpath are found with and without prefix, and by what the row says beside the topic."""
    assert split_topic(topic, client_id=client, account_id=account) == parts


def test_one_and_zero_are_true_and_false():
    """So are numpy's own, as they come from a column; a number that is neither is refused."""
    messages.check_flags(wait=1, offline=0, refresh=np.True_, decoded=True)
    for odd in (2, 1.0, "1", None):
        with pytest.raises(UsageError, match=r"wait=.* is neither True nor False"):
            messages.check_flags(offline=1, wait=odd)


@pytest.mark.parametrize(("one", "other"), [("a", "a/+"), ("a", "a/b"), ("a/+", "b/#"), ("+", "a/b")])
def test_filters_that_share_no_topic_do_not_overlap(one, other):
    """Whichever is named first."""
    assert not overlap(one, other)
    assert not overlap(other, one)


def test_order_is_time_client_topic_seq():
    """Ties of one instant are put in order by client, topic and place in the answer."""
    rows = table(("b", "t"), ("a", "u"), ("a", "t"), ("a", "t"))
    rows = rows.set_column(0, messages.SCHEMA.field("time"), pa.array([5, 5, 5, 5], messages.SCHEMA.field("time").type))
    seq = rows.set_column(4, messages.SCHEMA.field("seq"), pa.array([0, 1, 3, 2]))
    found = messages.in_order(seq)
    order = zip(*(found[name].to_pylist() for name in ("client_id", "topic", "seq")), strict=True)
    assert list(order) == [("a", "t", 2), ("a", "t", 3), ("a", "u", 1), ("b", "t", 0)]
    assert found.schema == messages.SCHEMA


def test_more_payloads_than_a_binary_array_holds_are_still_put_in_order(monkeypatch):
    """Beyond the limit they become large, and lose nothing."""
    rows = table(("b", "t"), ("a", "u"))[::-1]
    monkeypatch.setattr(messages, "_MOST", 1)
    found = messages.in_order(rows)
    assert found["payload"].type == pa.large_binary()
    assert found["payload"].to_pylist() == [b"1", b"1"]


def test_messages_without_their_payloads_are_put_in_order():
    """Whoever needs only times and topics reads only these."""
    rows = table(("b", "t"), ("a", "u"))[::-1].drop_columns(["payload", "extra"])
    assert messages.in_order(rows)["client_id"].to_pylist() == ["b", "a"]
