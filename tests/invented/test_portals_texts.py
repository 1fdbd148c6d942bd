"""Texts, numbers and booleans, published bare: the same columns and types whichever way a portal gives them."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json

import pandas as pd
import portal_rows
import portals
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from portal_odd import Odd, ends, give
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import messages
from isr_analysis.store.recorded import Recorded
from isr_analysis.times import DAY, HOUR, SECOND

LOG, QUOTED = (b"OK", b"FAULT\nline two", "naïve ☃".encode(), b"{half", b"007", b"[x", b""), b'"in quotes"'
PUBLISHED = {
    **{(one, "log"): {"payload": one.decode()} for one in LOG},
    (QUOTED, "quoted"): {"value": "in quotes"},
    **{(b"%r" % one, "level"): {"value": one} for one in (39.1, 33.8, -0.5)},
    **{(b"%d" % one, "count"): {"value": one} for one in (1, 2, 39)},
    (b"true", "door"): {"value": True},
    (b"false", "door"): {"value": False},
    **{(b'"%s"' % one, "serial"): {"value": one.decode()} for one in (b"39.1", b"40", b"true", b"null")},
    (b'{"v": 1, "on": true}', "tele/system"): {"v": 1, "on": True},
    (b'{"v": 2.5, "s": "21"}', "tele/system"): {"v": 2.5, "s": "21"},
    (b"[1, 2]", "list"): {"value": [1, 2]},
}
TYPES = {
    "log": ["str"], "quoted": ["str"], "level": ["float64"], "count": ["Int64"], "door": ["boolean"], "serial": ["str"],
    "tele/system": ["boolean", "str", "float64"], "list": ["object"],
}  # fmt: skip
STORED = [
    Message(at, "dev-a", topic, payload)
    for at, (payload, topic) in zip(range(FIRST, FIRST + 4 * DAY, HOUR), itertools.cycle(PUBLISHED), strict=False)
]
SPAN = {"start": "2026-11-01", "end": "2026-11-04"}


def parsed(data, first=None):
    """Decode JSON, or only what begins in one of some ways; else it is a text."""
    try:
        return json.loads(data if first is None or data[:1] in first else b"")
    except ValueError:
        return data.decode()


DECODE = ("decoded",)
WRITTEN = {
    "decoded": parsed,
    "objects decoded": lambda data: parsed(data, (b"{", b"[")),
    "text": bytes.decode,
    "base64": lambda data: base64.b64encode(data).decode(),
    "CSV": bytes.decode,
}


def portal_of(way, stored=STORED, **more):
    """Make a portal that gives payloads in one of the ways, and follows topics."""

    def row(one, when=portal_rows.iso):
        name = "payload_base64" if way == "base64" else "payload"
        return {"time": when(one.at), "client_id": one.client, "topic": one.topic, name: WRITTEN[way](one.payload)}

    write = portal_rows.separated if way == "CSV" else portal_rows.messages_in
    stored = [one for one in stored if way != "CSV" or one.payload]  # a cell of none may be one of nothing
    return Server(Dialect(row=row, topic="topic", cap=1000, write=write, **more), stored)


def fields(df):
    """Give the fields of each message."""
    rows = df.drop(columns=["client_id", "topic"]).to_dict("records")
    return [{k: v for k, v in one.items() if not (pd.api.types.is_scalar(v) and pd.isna(v))} for one in rows]


def wanted(stored, way):
    """Give the fields of what was published; a bare text is one in quotes to a portal that decodes JSON."""
    found = [PUBLISHED[one.payload, one.topic] for one in stored]
    return [{"value": one["payload"]} if "payload" in one and way in DECODE else one for one in found]


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("topic", TYPES)
def test_a_topic_is_the_same_alone_and_beside_others(tmp_path, way, topic):
    """However payloads are written, and whatever was asked for before; of a day each in one frame, too."""
    server = portal_of(way)
    for before in (
        (),
        (("#", *SPAN.values()),),
        ((topic, "2026-11-01", "2026-11-02"), ("#", "2026-11-02", "2026-11-04")),
    ):
        with portals.serve(server) as origin:
            for what, start, end in before:
                with portals.connect(origin, tmp_path / str(len(before))) as portal:
                    isr.load_history(topic=what, start=start, end=end, portal=portal)
            with portals.connect(origin, tmp_path / str(len(before))) as portal:
                df = isr.load_history(topic=topic, **SPAN, portal=portal)
                raw = isr.open_history(topic=topic, **SPAN, portal=portal).to_table()["payload"].to_pylist()
        meant = [one for one in server.stored if one.topic == topic and one.at < FIRST + 3 * DAY]
        assert fields(df) == wanted(meant, way)
        assert [str(one) for one in df.dtypes[2:]] == TYPES[topic]
        if way not in DECODE or topic != "log":  # where quotes do not show
            assert raw == [one.payload for one in meant]


@pytest.mark.parametrize(
    ("way", "topics", "more"),
    [
        ("text", ["#", "level", "log"], 0), ("decoded", ["#", "serial", "log"], 0), ("CSV", ["level", "log"], 0),
        ("decoded", ["log", "level"], 1), ("text", ["level", "door", "#"], 1), ("objects decoded", ["#", "level"], 1),
        ("decoded", ["serial", "#", "serial"], 1),
    ],
)  # fmt: skip
def test_one_request_more_shows_what_a_page_does_not(home, way, topics, more):
    """And none where pages show it, or it makes no difference."""
    server = portal_of(way)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for topic in topics:
            isr.load_history(topic=topic, **SPAN, refresh=True, portal=portal)
        asked = [asked for path, asked in server.log if path.endswith("/history")]
    named = [one.get("topic", "#") for one in asked]
    spans = {(one.get("topic", "#"), one["start"], one["end"]) for one in asked}
    assert sum(start < portal_rows.iso(FIRST) for _, start, _ in spans) == more, named


@pytest.mark.parametrize("way", ["text", "decoded"])
def test_where_nothing_came_of_late_older_messages_show_the_form(home, way):
    """An account that was silent for two months: one topic of an older range is read as it was beside others."""
    server = portal_of(way)
    for topic in ("#", "log", "serial"):
        with portals.mocked(server, home, now=lambda: NOW + 60 * DAY) as portal:
            df = isr.load_history(topic=topic, **SPAN, refresh=True, portal=portal)
        meant = [one for one in server.stored if topic in ("#", one.topic) and one.at < FIRST + 3 * DAY]
        assert fields(df) == wanted(meant, way)


@pytest.mark.parametrize("way", ["text", "decoded"])
def test_other_topics_show_the_form_where_a_client_has_to_be_named(home, way):
    """Its own: of the one topic that is asked for there may be nothing else."""
    server = portal_of(way, client="client_id", client_required=True)
    with portals.mocked(server, home) as portal:
        df = isr.load_history("dev-a", "log", **SPAN, portal=portal)
    assert fields(df) == wanted([one for one in server.stored if one.topic == "log" and one.at < FIRST + 3 * DAY], way)


def test_a_sample_that_takes_too_long_is_asked_for_of_a_day(home):
    """A portal that cannot give a month at once."""

    def answer(server, asked, _n):
        low, high = ends(asked)
        return give({"detail": "timed out"}, 504) if high - low > 7 * DAY else None

    stored = [Message(NOW - i * HOUR, "dev-a", "t", "21.5" if i > 60 else 3) for i in range(1, 96)]
    with portals.serve(Odd(answer, Dialect(), stored)) as origin, portals.connect(origin, home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
    assert set(df["value"]) == {"21.5"}


LAST = [Message(FIRST + i * SECOND, f"dev-{i}", "t", one) for i, one in enumerate((b"39.1", b"true", b"OK"))]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("way", [*WRITTEN][:4])
def test_the_live_answer_says_the_same_as_the_history(home, way, first):
    """Whichever is asked for first; one answer alone may not show what is a number."""
    last = [*LAST, Message(FIRST + 3 * SECOND, "dev-3", "t", b'"39.1"')]
    for those in (last, last[:1], last[3:]):
        server = portal_of(way, STORED, live=lambda rows: {"publishers": rows})
        server.last = lambda those=those: those
        home_of_it = home / str(len(those)) / those[0].client
        with portals.serve(server) as origin, portals.connect(origin, home_of_it) as portal:
            if first:
                isr.load_history(**SPAN, portal=portal)
            for _ in range(2):
                df = isr.load_live(max_age="0s", portal=portal)
                text = {"value" if way in DECODE else "payload": "OK"}
                expected = [{"value": 39.1}, {"value": True}, text, {"value": "39.1"}]
                assert fields(df) == [expected[last.index(one)] for one in those]


def test_a_live_answer_asks_no_history_that_the_account_does_not_have(home):
    """More than once."""
    server = portal_of("objects decoded", LAST, add_ons=("live",))
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(4):
            assert fields(isr.load_live(max_age="0s", portal=portal))[0] == {"value": 39.1}
    asked = [asked["limit"] for path, asked in server.log if path.endswith("/history")]
    assert asked == ["1", "500"]  # whose the token is, and what the payloads are
    assert server.count("/live") == 5  # one of them to know whose the token is


def test_a_history_that_fails_does_not_hold_up_each_live_answer(home):
    """It is asked again ever more rarely what the payloads are, and not while the portal is away."""
    server = portal_of("objects decoded", LAST)
    server._history = lambda *_: (503, {}, b"down")
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        for _ in range(24):
            assert fields(isr.load_live(max_age="0s", portal=portal))[0] == {"value": 39.1}
        tried = server.count("/history")
        server.answer = lambda *_: (503, {}, b"down")
        df = isr.load_live(max_age="0s", portal=portal)
        assert (fields(df)[0], df.attrs["stale"]) == ({"value": 39.1}, True)
    assert tried == server.count("/history") <= 8 * 8  # a look sends as many, as each request is repeated


def test_a_page_of_numbers_is_believed_though_others_were_of_text(home):
    """An object in quotes was published as such: strings of this portal that are numbers were in quotes, too."""
    stored = [Message(FIRST + HOUR, "dev-a", "t", '{"v": 1}'), Message(FIRST + DAY + HOUR, "dev-a", "t", "21.5"),
              Message(FIRST + DAY + 2 * HOUR, "dev-a", "t", 3)]  # fmt: skip
    with portals.serve(Server(Dialect(), stored)) as origin, portals.connect(origin, home) as portal:
        isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
        df = isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)
    assert df["value"].tolist() == ["21.5", 3]


@pytest.mark.parametrize("way", ["decoded", "text", "objects decoded"])
def test_saved_pages_are_read_as_one_answer(way):
    """What one of them does not show another does, in whatever order they are."""
    pages = [
        json.dumps([portal_of(way).dialect.row(one) for one in STORED if one.topic == topic][:8]).encode()
        for topic in TYPES
    ]
    of_topic = [[one for one in STORED if one.topic == topic][:8] for topic in TYPES]
    for some in (pages, pages[::-1]):
        df = isr.read_history(some)
        for topic, those in zip(TYPES, of_topic, strict=True):
            # Of no page that has objects and numbers it is seen that numbers are given as text.
            known_as = "decoded" if way == "objects decoded" else way
            assert fields(df[df["topic"] == topic]) == wanted(those, known_as)
    mixed = json.dumps([portal_of(way).dialect.row(one) for one in STORED[:24]]).encode()
    df = isr.read_history([pages[0], mixed])
    assert fields(df[df["topic"] == "log"])[:2] == wanted(of_topic[0][:1], way) * 2


@pytest.mark.parametrize("way", ["decoded", "text", "objects decoded", "base64"])
def test_recorded_messages_are_those_of_the_history(home, way):
    """Over MQTT come the bytes that were published: none is there twice."""
    whole = [Message(NOW + (i - 100) * SECOND, "dev-a", topic, one) for i, (one, topic) in enumerate(PUBLISHED)]
    with portals.serve(portal_of(way, [*STORED[:24], *whole[:-10]])) as origin, portals.connect(origin, home) as portal:
        rows = [
            {"time": one.at, "client_id": one.client, "topic": one.topic, "payload": one.payload, "seq": i,
             "source": messages.STREAM, "extra": None}
            for i, one in enumerate(whole)
        ]  # fmt: skip
        Recorded(portal.folder).append(pa.Table.from_pylist(rows, schema=messages.SCHEMA))
        df = isr.load_history(start="2026-11-04", portal=portal)
    assert df.attrs["recorded"] == 10
    assert fields(df) == [*wanted(whole[:-10], way), *wanted(whole[-10:], "")]


@pytest.mark.parametrize("way", ["text", "decoded", "objects decoded"])
@pytest.mark.parametrize("code", [base64.b64encode, lambda data: data.hex().encode()])
def test_what_a_device_publishes_in_base64_stays_that(home, way, code):
    """Beside others, in hours in which only it speaks, and alone; and it holds up nobody."""
    coded = [Message(at, "dev-b", "raw", code(b'{"v": %d}' % at)) for at in range(FIRST, FIRST + 4 * DAY, HOUR)]
    day = [one for one in STORED if one.at // HOUR % 24 < 18 and one.topic == "tele/system"]
    server = portal_of(way, [*coded, *day])
    asked = [
        ("#", *SPAN.values()),
        ("raw", *SPAN.values()),
        ("#", "2026-11-01T19:00", "2026-11-02"),
        ("#", *SPAN.values()),
    ]
    for topics in (asked, asked[1:], asked[2:]):
        with portals.mocked(server, home / str(len(topics))) as portal:
            for topic, start, end in topics:
                isr.load_history(topic=topic, start=start, end=end, refresh=True, portal=portal)
            found = isr.open_history(**SPAN, portal=portal).to_table().sort_by("time")
        raw = found.filter(pc.equal(found["topic"], "raw"))["payload"].to_pylist()
        assert [one.strip(b'"') for one in raw] == [one.payload for one in coded if one.at < FIRST + 3 * DAY]


def test_a_portal_that_goes_over_to_base64_is_read_as_that_at_once(home):
    """In an open connection, too, to which it gave payloads as text before."""
    server = portal_of("text", [one for one in STORED if one.topic == "tele/system"])
    text = server.dialect.row
    with portals.mocked(server, home) as portal:
        before = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)

        def row(one, when=portal_rows.iso):
            return {**text(one, when), "payload": base64.b64encode(one.payload).decode()}

        server.dialect = dataclasses.replace(server.dialect, row=row)
        after = isr.load_history(start="2026-11-02", end="2026-11-04", portal=portal)
    assert list(after.columns) == list(before.columns)
    assert fields(after) == [
        PUBLISHED[one.payload, one.topic] for one in server.stored if FIRST + DAY <= one.at < FIRST + 3 * DAY
    ]
