"""The names under which rows stand: places in an envelope, accounts, clients, topics."""

from __future__ import annotations

import pytest
from pages import live as read_live
from pages import read

from isr_analysis.answers.shape import is_place
from isr_analysis.errors import AnswerError

AT = "2026-11-01T00:00:00Z"
ACCOUNT = "7d6f5a1e-3b52-4c43-9b1a-5f1f6f1a2b3c"
ROW = {"time": AT, "topic": "t/x", "payload": 1}
BARE = {"time": AT, "value": 1}
A, B = ("a", "t/x"), ("b", "t/x")
KNOWN = ["stations", "attributes", "timeseries", "objectList", "telemetry_data", "Entities", "log"]
UNKNOWN = ["zeilen", "estaciones", "xyz"]


def labels(page):
    """Give client and topic of each message."""
    return [(row["client_id"], row["topic"]) for row in page.messages.to_pylist()]


def history(value, client_id=None, topic=None):
    """Give client and topic of each message of a page of history."""
    return labels(read(value, client_id=client_id, topic=topic))


def live(value):
    """Give client and topic of each message of a live answer."""
    return labels(read_live(value))


@pytest.mark.parametrize("place", KNOWN + UNKNOWN)
def test_a_place_around_clients_is_none(place):
    """Nor is it a topic, whatever it is called: clients stand below it, by name or in a list."""
    assert history({place: {"a": [ROW]}}) == [A]
    assert history({place: {"a": [ROW]}}, "a") == [A]
    assert history({place: {"a": [ROW], "b": [ROW]}, "count": 2}) == [A, B]
    assert history({place: [{"id": "a", "messages": [ROW]}, {"id": "b", "messages": [ROW]}]}) == [A, B]
    assert history({place: [{"name": "a", "messages": [ROW]}]}, "a") == [A]
    assert history({"answer": {place: {"a": [ROW]}}}) == [A]
    assert history({place: {ACCOUNT: {"a": [ROW]}}}) == [A]
    assert history({place: {"a": {"t/x": [BARE]}}}) == [A]
    assert history({place: {"a": {"temp": [BARE], "hum": [BARE]}}}, "a") == [("a", "temp"), ("a", "hum")]
    assert history({place: {"t/x": [{**BARE, "client_id": "a"}]}}) == [A]


@pytest.mark.parametrize("place", KNOWN + UNKNOWN)
def test_a_place_around_publishers_is_none(place):
    """Of the live answer, whether their last messages are in a place of their own or not."""
    last = {"last_message": ROW, "status": "online"}
    assert live({place: {"a": ROW}}) == live({place: {"a": ROW}, "count": 1, "server_time": AT}) == [A]
    assert live({place: {"a": last, "b": last}}) == [A, B]
    assert live({place: {"a": {"t/x": {"time": AT, "payload": 1}}}}) == [A]
    assert live({"data": {place: {"a": ROW}}}) == [A]


@pytest.mark.parametrize("place", KNOWN)
def test_a_place_is_no_client_where_one_was_asked_for(place):
    """Rows or their topics stand in it."""
    assert history({place: [ROW]}, "a") == [A]
    assert history({place: {"t/x": [BARE], "t/y": [BARE]}}, "a") == [A, ("a", "t/y")]


@pytest.mark.parametrize("place", KNOWN)
def test_there_may_be_nothing_in_a_place_of_a_usual_name(place):
    """That is no message."""
    assert history({place: {}}) == live({place: {}}) == []


def test_rows_under_what_may_be_another_client_are_not_left_out_without_a_word():
    """Or a place of an unusual name; several are clients, of an answer that does not heed the question."""
    for value in ({"dev-b": [ROW]}, {"shack7": {"t/x": [BARE]}}, {"zeilen": [ROW]}, {"zeilen": {"t/x": [BARE]}}):
        (name,) = value
        with pytest.raises(AnswerError, match=f"client 'a' was asked for, and all rows stand under '{name}'.*rows"):
            history(value, "a")
    assert history({"dev-b": [ROW], "b": [ROW]}, "a") == [("dev-b", "t/x"), B]
    assert history({"dev-b": [{**ROW, "client_id": None}]}) == [("dev-b", "t/x")]
    path = {**ROW, "topic": f"{ACCOUNT}/dev-b/t/x"}
    assert history({"dev-b": [path]}, "a") == [("dev-b", "t/x")]  # their topics say it, too


@pytest.mark.parametrize(
    ("value", "topics"),
    [
        ({"telemetry": {"watt": [{**ROW, "topic": "telemetry/watt"}]}}, ["telemetry/watt"]),
        ({"watt": [{**ROW, "topic": "telemetry/watt"}], "volt": [{**ROW, "topic": "telemetry/volt"}]},
         ["telemetry/watt", "telemetry/volt"]),
        ({"telemetry": {"watt": [BARE], "volt": [BARE]}}, ["telemetry/watt", "telemetry/volt"]),
        ({"telemetry": {"rf/watt": [BARE]}}, ["telemetry/rf/watt"]),
        ({"telemetry": {"telemetry/watt": [BARE]}}, ["telemetry/watt"]),
        ({"2026-11-01": [ROW], "2026-11-02": [ROW]}, ["t/x"] * 2),
        ({"2026": {"11": [ROW]}}, ["t/x"]),
        ({"pages": {"1": [ROW], "2": [ROW]}}, ["t/x"] * 2),
        ({"raw": [ROW]}, ["t/x"]),
        ({"data": {"items": [ROW]}}, ["t/x"]),
    ],
)  # fmt: skip
def test_what_stands_below_a_client_is_none(value, topics):
    """Levels of its topics, days, pages, and places."""
    assert history({"dev-a": value}) == [("dev-a", one) for one in topics]


GROUPED = [
    lambda client, topic: {"feeds": [{"id": client, "data": [{"name": topic, "timeseries": [BARE]}]}]},
    lambda client, topic: [{"device": client, "telemetryData": [{"name": topic, "payloads": [BARE]}]}],
    lambda client, topic: {"lista": [{"id": topic, "content": [{**BARE, "device": client}]}]},
    lambda client, topic: {"readings": {topic: [{"clientId": client, "payloads": [BARE]}]}},
    lambda client, topic: [{"id": client, "timeseries": {topic: [BARE]}}],
    lambda client, topic: {"lista": {client: [{"id": topic, "timeseries": [BARE]}]}},
]


@pytest.mark.parametrize("value", GROUPED)
@pytest.mark.parametrize("topic", ["t/x", "temp"])
def test_groups_within_groups(value, topic):
    """In lists and objects, by an id or a name, with places between them: of clients or topics first."""
    made = value("dev-1", topic)
    assert history(made) == history(made, "dev-1") == [("dev-1", topic)]


def test_clients_below_whole_topics_are_told_by_their_ids():
    """A name above them is of a place, as it has neither digit nor hyphen."""
    assert history({"lista": {"readings": {"t/x": {"dev-1": [BARE], "b": [BARE]}}}}) == [("dev-1", "t/x"), B]
    assert history({"t/x": [{"name": "b", "x": [BARE]}]}) == [B]


@pytest.mark.parametrize(
    "value",
    [
        {"zeilen": {"dev-1": [{"id": "t/x", "last_message": BARE}], "dev-2": [{"id": "t/x", "last_message": BARE}]}},
        {"dev-1": {"t/x": {"last_message": BARE}}, "dev-2": {"t/x": {"last_message": BARE}}},
        {"lista": [{"id": "dev-1", "latest": ROW}, {"id": "dev-2", "latest": ROW}]},
        {"lista": [{"name": "t/x", "client_id": one, **BARE} for one in ("dev-1", "dev-2")]},
        {"data": [{"name": one, "feeds": [{"id": "t/x", **BARE}]} for one in ("dev-1", "dev-2")]},
    ],
)
def test_ids_and_names_of_publishers_and_topics(value):
    """Of rows of a live answer, or of what stands around them."""
    assert live(value) == [("dev-1", "t/x"), ("dev-2", "t/x")]


def test_an_id_beside_a_topic_is_not_the_client_under_whose_name_it_stands():
    """It may be the message's."""
    assert live({"dev-1": [{"id": "m-17", **ROW}], "dev-2": [{"id": "m-18", **ROW}]}) == [
        ("dev-1", "t/x"),
        ("dev-2", "t/x"),
    ]


@pytest.mark.parametrize("name", ["last_message", "newest", "message", "state"])
def test_what_a_last_message_is_called_is_no_publisher(name):
    """Where there is but one publisher."""
    assert live({"dev-a": {name: ROW}}) == [("dev-a", "t/x")]


def test_names_that_are_all_there_is_are_those_of_clients():
    """Where the topic was asked for, and no client."""
    for bare in (BARE, {"ts": 1_793_491_200_000, "value": 1}):
        assert history({"a": [bare], "b": [bare]}, topic="t/x") == [A, B]
        assert history({"a": [bare]}, topic="t/x") == [A]


def test_topics_around_clients_are_topics():
    """They may stand above them, whole or level by level."""
    for value in ({"t/x": {"a": [BARE]}}, {"t": {"x": {"a": [BARE]}}}):
        assert history(value, "a") == [A]
    assert history({"t/x": {"a": [BARE], "b": [BARE]}}) == [A, B]


@pytest.mark.parametrize("name", ["dev-a", "station", "gateway-1", "data-logger", "state", "time", "t/data", "", "gas"])
def test_names_of_clients_and_topics_are_no_places(name):
    """One word in the singular may be that of either."""
    assert not is_place(name)


@pytest.mark.parametrize("client_id", [None, "a"])
def test_paths_around_rows_are_read_though_their_topic_was_asked_for(client_id):
    """Each path says whose its rows are: the question's topic alone would lose that, and of another client be wrong."""
    paths = {f"{ACCOUNT}/a/t/x": [BARE], f"{ACCOUNT}/b/t/x": [BARE]}
    for answer in ({"topics": paths}, {"data": [{"topic": path, "rows": rows} for path, rows in paths.items()]},
                   [{"name": path, "points": rows} for path, rows in paths.items()]):  # fmt: skip
        assert history(answer, client_id, "t/x") == [A, B]
    assert history({"topics": {f"{ACCOUNT}/a/t/x": [BARE]}}, client_id, "t/x") == [A]


def test_paths_around_rows_that_have_their_topic_name_the_client():
    """Whatever the place is called in which the paths stand."""
    row = {"time": AT, "topic": "t/x", "value": 1}
    for answer in ({"xyz": {f"{ACCOUNT}/a/t/x": [row], f"{ACCOUNT}/b/t/x": [row]}},
                   {"xyz": [{"name": f"{ACCOUNT}/{one}/t/x", "rows": [row]} for one in "ab"]}):  # fmt: skip
        assert history(answer) == history(answer, topic="t/x") == [A, B]


@pytest.mark.parametrize("client_id", [None, "a"])
def test_a_group_with_the_path_of_its_rows_names_their_client(client_id):
    """Though they have the rest of it as their own topic, and the portal did not heed which client was asked for."""
    rows = [ROW, ROW]
    groups = [{"topic": f"{ACCOUNT}/b/t/x", "messages": rows}, {"topic": f"{ACCOUNT}/a/t/x", "messages": [ROW]}]
    assert history({"data": groups[:1]}, client_id) == [B, B]
    assert history({"data": groups}, client_id) == history({"data": groups}, client_id, "t/x") == [B, B, A]
    assert history({"data": [{"topic": "a/t/x", "messages": rows}]}, "b") == [B, B]
    assert history({"data": [{**groups[0], "messages": [{**ROW, "client_id": "a"}]}]}) == [A]


@pytest.mark.parametrize(
    ("answer", "topics"),
    [
        ({"t/x": [BARE], "t/y": [BARE]}, ["t/x", "t/y"]),
        ({"t/y": [BARE]}, ["t/y"]),
        ({"xyz": {"a": {"t/x": [BARE], "t/y": [BARE]}}}, ["t/x", "t/y"]),
        ({"a": {"t": {"x": [BARE], "y": [BARE]}}}, ["t/x", "t/y"]),
        ({"a": {"t": {"x": [BARE]}, "s": {"x": [BARE]}}}, ["t/x", "s/x"]),
        ([{"id": "x", "messages": [BARE]}, {"id": "y", "messages": [BARE]}], ["t/x", "t/y"]),
    ],
)  # fmt: skip
def test_topics_that_were_not_asked_for_are_not_taken_for_the_one_that_was(answer, topics):
    """A portal that does not heed the question is read by the names around its rows: the loader leaves out the rest."""
    assert history(answer, "a", "t/x") == [("a", topic) for topic in topics]


def test_levels_that_the_question_names_are_levels():
    """Though without it they may be a place."""
    rows = [{**BARE, "client_id": "a"}]
    for inner in ({"temp": rows, "hum": rows}, {"gps/pos": rows, "gps/x": rows}):
        first, other = inner
        assert history({"data": {"telemetry": inner}}, topic=f"telemetry/{first}") == [
            ("a", f"telemetry/{first}"), ("a", f"telemetry/{other}"),
        ]  # fmt: skip


@pytest.mark.parametrize("own", ["id", "name"])
@pytest.mark.parametrize("place", ["messages", "payloads", "outputs"])
def test_names_that_part_the_messages_of_a_publisher_are_topics(own, place):
    """Where it gives nothing else; codes are of messages, one name a publisher is the publisher's, a place is none."""
    last = {"time": AT, "payload": 1}
    for inner in ({"last_message": last}, last):
        for names in (["temp", "hum"], ["t/x", "hum"]):
            rows = [{own: name, **inner} for name in names]
            assert live({"xyz": [{"client_id": "a", place: rows}]}) == [("a", name) for name in names]
            assert live([{"client_id": "a", **row} for row in rows]) == [("a", name) for name in names]
    for codes in ([17, 18], ["6d0c8f0e42a7", "6d0c8f0e42a8"], ["same", "same"]):
        assert live([{"client_id": "a", own: code, **last} for code in codes]) == [("a", "")] * 2
    assert live([{"client_id": "a", place: [{own: "North", **last}]}, {"client_id": "b", place: [last]}]) == [
        ("a", ""), ("b", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "client_id", "expected"),
    [
        ({"site-1": {"a": [ROW]}, "site-2": {"a": [ROW]}}, "a", [A, A]),
        ({"a": {"2026-11-01": {"t/x": [BARE]}}}, None, [A]),
        ({"a": {"x": [BARE], "y": [BARE]}, "b": {"x": [BARE]}}, "a", [("a", "x"), ("a", "y"), ("b", "x")]),
        ({"gateway": [ROW], "sensor": [ROW]}, None, [("gateway", "t/x"), ("sensor", "t/x")]),
        ({"a-1": {"xyz": {"t/x": [BARE]}}}, None, [("a-1", "t/x")]),
        ({"a": {"xyz": [ROW]}, "b": [ROW]}, None, [A, B]),
    ],
)
def test_clients_are_told_from_what_stands_around_and_below_them(answer, client_id, expected):
    """Sites, days and places; also where one was asked for, or is called by a word for a place."""
    assert history(answer, client_id) == expected


def test_clients_that_each_hold_values_are_no_fields_of_one():
    """As the one that was asked for is among them, or their values are all that a message held."""
    one, whole = {"time": AT, "value": 1}, {"time": AT, "value": {"v": 1}}
    assert history({"a": [one], "b": [one]}, "a", "t/x") == [A, B]
    page = read({"xyz": {"lmn": {"a": [whole], "b": [whole]}}}, topic="t/x")
    assert labels(page) == [A, B]
    assert page.messages["payload"].to_pylist() == [b'{"v": 1}'] * 2


@pytest.mark.parametrize(
    "said",
    [
        {"topic": "#"}, {"topic": "telemetry/+"}, {"topic": "#", "generated_at": AT}, {"topic": "*"}, {"topic": ""},
        {"client_id": "*"}, {"client_id": "+", "topic": "#"}, {"client_id": ""},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "rows",
    [
        {"a": {"t/x": [BARE]}}, {"a": [ROW]}, {"t/x": [{**BARE, "client_id": "a"}]}, {f"{ACCOUNT}/a/t/x": [BARE]},
        [{**ROW, "client_id": "a"}], {"time": [AT], "client_id": ["a"], "topic": ["t/x"], "value": [1]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["items", "answer"])
def test_a_question_that_is_repeated_beside_rows_says_nothing_of_them(place, rows, said):
    """It asks for any client, or any topic: the names under which rows stand say which."""
    assert history({**said, place: rows}) == [A]
    assert history({"result": {place: rows, **said}}) == [A]


def test_a_list_within_a_group_is_no_client():
    """Whatever it is called: the error says what is missing."""
    with pytest.raises(AnswerError, match="names no client"):
        history([{"topic": "t/x", "payloads": [ROW]}])
    assert history([{"topic": f"{ACCOUNT}/a/t/x", "payloads": [ROW]}]) == [A]


@pytest.mark.parametrize(
    "answer",
    [
        {"a": {"t": [BARE], "u": [BARE]}, "b": [BARE]},
        [{"id": "a", "t": [BARE], "u": [BARE]}, {"id": "b", "data": [BARE]}],
        [{"id": "a", "messages": [{"id": "t", "rows": [BARE]}]}, {"id": "b", "messages": [BARE]}],
    ],
)
def test_names_that_some_rows_lack_are_missing_from_these(answer):
    """It is an error that says which row has no topic; of a live answer, which need not tell it, it is none."""
    with pytest.raises(AnswerError, match=r"row (2|3) .* has no topic"):
        history(answer)
    value = {"time": AT, "v": 1}
    assert live({"a": {"name": "x", **value}, "b": value}) == [("a", "x"), ("b", "")]
    two = [{"name": "x", **value}, {"name": "y", **value}]
    assert live({"a": two, "b": value}) == [("a", "x"), ("a", "y"), ("b", "")]
