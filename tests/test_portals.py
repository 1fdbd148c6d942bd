"""Portals that nobody has seen: through each, exactly the messages that went in."""

from __future__ import annotations

import json
import math
import random
from collections import Counter

import pandas as pd
import portals
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portals import ACCOUNT, FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import frame, messages
from isr_analysis.messages import Selector
from isr_analysis.portal.pages import pages
from isr_analysis.times import DAY, HOUR, SECOND, Range

SPAN = {"start": "2026-11-01", "end": "2026-11-04"}
RICH = [
    {"value": 1.5, "chan": 3},
    {"on": True, "note": None},
    {"cpu": {"load": 0.25, "cores": 4}},
    {"callsign": "DB0ZU"},
    21.5,
    7,
    True,
    {},
    [1, 2],
    {"value": 2**53 + 1},
    {"text": "2026-11-01", "value": "n/a"},
    {"deep": {"a": [1, {"b": None}]}},
]
FLAT = [
    {"value": 1.5, "chan": 3},
    {"value": 2.25, "chan": 1, "note": "ok"},
    {"on": True},
    {"callsign": "DB0ZU", "rpm": 1200},
]


def published(payloads, *, unit=1_000_000, seed=0):
    """Make the messages of four days and more: borders, shared instants, repeats, a burst, and a day without any."""
    dice = random.Random(seed)
    clients = {"dev-a": ["telemetry/temp", "state/relay"], "dev-b": ["telemetry/temp"], "dev-ü": ["event/change", "x"]}
    made = []

    def say(at):
        who = dice.choice(list(clients))
        made.append(Message(at // unit * unit, who, dice.choice(clients[who]), dice.choice(payloads)))

    for at in (-1, 0, 1):  # around the borders of days, and of what is asked for
        for day in range(5):
            say(FIRST + day * DAY + at * unit)
    for day in (0, 2, 3):
        for _ in range(90):
            say(FIRST + day * DAY + dice.randrange(DAY))
    burst = FIRST + 2 * DAY + 7 * HOUR
    for _ in range(9):  # one instant for many
        say(burst)
    for i in range(30):
        say(burst + SECOND + i * unit)
    made += [Message(burst + 5 * SECOND, "dev-a", "telemetry/temp", payloads[0])] * 3  # the same, word for word
    say(FIRST - 3 * DAY)
    made.append(Message(NOW - SECOND // unit * unit, "dev-a", "telemetry/temp", payloads[0]))
    return [m for m in made if m.at < NOW]


def row(*values):
    """Give a row of a frame as something that can be counted."""
    return tuple("" if _missing(value) else json.dumps(value, default=str) for value in values)


def _missing(value):
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def told(df):
    """Give a frame's rows, and its columns with their dtypes."""
    cells = [df.index.asi8.tolist(), *(df[name].astype(object).tolist() for name in df)]
    return Counter(row(*one) for one in zip(*cells, strict=True)), {
        name: str(df[name].dtype) for name in df if name != "client_id"
    }


def same(df, went_in):
    """Check that a frame has exactly these messages: counts, instants, ids, topics, values, dtypes."""
    truth = frame.to_frame(portals.arrow(went_in))
    assert len(df) == len(truth)
    assert df.index.is_monotonic_increasing
    assert told(df) == told(truth)


def inside(stored, start=FIRST, end=FIRST + 3 * DAY):
    """Give the messages of a range."""
    return [one for one in stored if start <= one.at < end]


FAMILY = [
    Dialect("cursor"),
    Dialect(
        "epoch ms in camel case",
        start="fromMs",
        end="toMs",
        asked="ms",
        client="clientId",
        limit="pageSize",
        pager="pageToken",
        note="nextPageToken",
        row=portals.camel,
        when=portals.number(1_000_000),
        write=portals.under("items"),
        order="down",
    ),
    Dialect(
        "seconds, whole paths, numbered pages from 1",
        start="since",
        end="until",
        asked="s",
        client=None,
        limit="per_page",
        paging="page",
        pager="page",
        row=portals.by_path,
        when=portals.number(SECOND),
        write=portals.array,
        cap=60,
        says=("types", "names", "cap", "first"),
        end_in=True,
    ),
    Dialect(
        "numbered pages from 0, nothing said of it",
        paging="page",
        pager="page",
        first_page=0,
        row=portals.as_text,
        write=portals.under("results"),
        says=("types", "cap"),
    ),
    Dialect(
        "numbered pages from 1, nothing said of it",
        paging="page",
        pager="pageNumber",
        row=portals.as_text,
        write=portals.under("results"),
        says=("types",),
        order="down",
    ),
    Dialect(
        "offset, total, base64",
        paging="offset",
        pager="skip",
        limit="take",
        total="total",
        row=portals.as_base64,
        start="begin",
        end="stop",
        asked="us",
        when=portals.number(1000),
        write=portals.under("rows"),
        errors="problem",
    ),
    Dialect(
        "JSON lines, Link header",
        paging="link",
        pager="after_id",
        write=portals.lines,
        row=portals.by_path,
        start_in=False,
        start="after",
        end="before",
    ),
    Dialect(
        "link in the body to another host",
        paging="body link",
        pager="c",
        row=portals.nested,
        write=portals.under("data"),
    ),
    Dialect(
        "CSV without pages, a cap that it keeps to itself",
        paging="none",
        pager=None,
        write=portals.separated,
        cap=25,
        says=(),
        start_in=False,
        end_in=True,
    ),
    Dialect(
        "annotated CSV, a field a row",
        paging="none",
        pager=None,
        write=portals.influx,
        row=portals.spread,
        cap=1000,
        asked="ns",
    ),
    Dialect(
        "grouped by client and topic, capped, in no order",
        paging="none",
        pager=None,
        write=portals.grouped("client_id", "topic"),
        order="mixed",
        cap=33,
        says=(),
        doc=None,
    ),
    Dialect(
        "columns and values, newest first, capped, nothing documented",
        paging="none",
        pager=None,
        write=portals.table,
        order="down",
        cap=20,
        doc=None,
        end_in=True,
    ),
    Dialect(
        "nothing documented, other names, refuses",
        doc=None,
        start="from",
        end="to",
        required=("from", "to"),
        asked="ms",
        client="device",
        client_required=True,
        limit="max",
        strict=True,
        errors="list",
        row=portals.plain,
        cap=50,
    ),
    Dialect(
        "docs page, wildcard filter on whole paths",
        doc="docs",
        topic="topic",
        topic_form="path filter",
        row=portals.by_path,
        limit=None,
        cap=70,
        pager="continuation",
        note="continuation",
    ),
    Dialect(
        "spread over the row",
        row=portals.spread,
        write=portals.packed(portals.under("history")),
        paging="offset",
        pager="offset",
        says=("types",),
        cap=45,
    ),
    Dialect("at most six hours, as documented", longest=6 * HOUR, paging="none", pager=None, cap=5000),
    Dialect(
        "at most a day, start exclusive",
        longest=24 * HOUR,
        start_in=False,
        says=("types", "longest"),
        paging="none",
        pager=None,
        cap=5000,
    ),
    Dialect(
        "at most 2 hours, told by the refusal",
        longest=2 * HOUR,
        says=("types",),
        paging="none",
        pager=None,
        cap=5000,
        errors="text",
    ),
    Dialect("dates only, ends included", asked="date", end_in=True, paging="cursor", says=("types", "start")),
    Dialect(
        "dates only, one day at a time",
        asked="date",
        end_in=True,
        longest=DAY,
        says=("types",),
        cap=1000,
        paging="none",
        pager=None,
    ),
    Dialect(
        "since and nothing else",
        start="since",
        end=None,
        client=None,
        limit=None,
        paging="none",
        pager=None,
        cap=35,
        doc=None,
        required=("since",),
        strict=True,
        errors="text",
    ),
    Dialect(
        "until and nothing else",
        start=None,
        end="until",
        client=None,
        limit="n",
        paging="none",
        pager=None,
        cap=35,
        order="down",
        doc="openapi",
    ),
    Dialect(
        "whole seconds in ISO, nothing finer understood",
        asked="iso seconds",
        doc=None,
        when=portals.offset_iso,
        errors="list",
    ),
    Dialect("times shown to the second only", grain=SECOND, order="down", paging="none", pager=None, cap=50, doc=None),
    Dialect("total that is the page's own", total="total", paging="none", pager=None, cap=30, doc=None),
    Dialect("says only that there is more", total="count", paging="none", pager=None, cap=30, doc=None),
    Dialect(
        "one client after the other, documented",
        client="publisher",
        client_required=True,
        write=portals.grouped("topic"),
    ),
    Dialect(
        "array-style parameters",
        client="client_id[]",
        start="time[gte]",
        end="time[lt]",
        paging="offset",
        pager="page[offset]",
        limit="page[limit]",
        total="totalCount",
        write=portals.under("data", notes_in="meta"),
    ),
    Dialect("base64 that nothing names", row=portals.as_hidden_base64, paging="none", pager=None, cap=25, doc=None),
    Dialect("a cap of 37, documented as 1000", paging="none", pager=None, cap=37, documented=1000),
    Dialect("one day as a parameter", start="date", end=None, asked="date", longest=DAY, end_in=True, cap=1000),
]


def stored_for(dialect):
    """Give the messages that a dialect can say."""
    flat = dialect.row is portals.spread or dialect.write is portals.separated
    stored = published(FLAT if flat else RICH, unit=SECOND if dialect.asked == "s" else 1_000_000)
    if dialect.write is portals.influx:  # it has no message of the same series and instant twice
        stored = list({(one.at, one.client, one.topic): one for one in stored}.values())
    return stored


def shown(dialect, stored):
    """Give the messages with the instants that the portal shows."""
    return [Message(one.at // dialect.grain * dialect.grain, one.client, one.topic, one.payload) for one in stored]


@pytest.mark.parametrize("dialect", FAMILY, ids=lambda one: one.name)
def test_every_message_comes_through(dialect, home):
    """History, in counts, instants, ids, topics, values and dtypes; all of it, and of one client and topic."""
    stored = stored_for(dialect)
    server = Server(dialect, stored)
    with portals.serve(server) as origin, portals.connect(origin, home) as portal:
        df = isr.load_history(**SPAN, portal=portal)
        same(df, inside(shown(dialect, stored)))
        count = len(server.log)
        assert len(isr.load_history(**SPAN, portal=portal)) == len(df)
        assert len(server.log) == count
        one = isr.load_history("dev-a", "telemetry/#", **SPAN, refresh=True, portal=portal)
        same(
            one, [m for m in inside(shown(dialect, stored)) if m.client == "dev-a" and m.topic.startswith("telemetry/")]
        )
        part = isr.load_history(
            start="2026-11-02T23:00:00.001", end="2026-11-03T07:00:01.004", refresh=True, portal=portal
        )
        span = FIRST + DAY + 23 * HOUR + 1_000_000, FIRST + 2 * DAY + 7 * HOUR + SECOND + 4_000_000
        same(part, inside(shown(dialect, stored), *span))


@st.composite
def dialects(draw):
    """Any portal that can be read to the end: by what it says, or by time."""
    paging = draw(st.sampled_from(["cursor", "page", "offset", "link", "body link", "none", "none", "none"]))
    asked = draw(st.sampled_from(["iso", "iso", "s", "ms", "us", "ns", "iso seconds"]))
    doc = draw(st.sampled_from(["openapi", None])) if paging not in ("page", "offset") else "openapi"
    says = draw(st.sets(st.sampled_from(["names", "start", "cap", "longest", "first"]))) | {"types"}
    names = doc is not None
    cap = draw(st.integers(8, 14) | st.just(500))
    return Dialect(
        start=draw(st.sampled_from(["start", "from", "since", "begin"])) if names else "start",
        end=draw(st.sampled_from(["end", "to", "until", "stop"])) if names else "end",
        asked=asked if names else "iso",
        start_in=draw(st.booleans()),
        end_in=draw(st.booleans()),
        client=draw(st.sampled_from(["client_id", None])),
        limit=draw(st.sampled_from(["limit", "n", None])),
        longest=draw(st.sampled_from([None, None, 24 * HOUR, 5 * HOUR])),
        paging=paging,
        pager={"none": None, "page": "page", "offset": "offset"}.get(paging, "cursor"),
        first_page=draw(st.integers(0, 1)),
        cap=cap if cap == 500 or paging != "none" else draw(st.integers(10, 14)),
        total=draw(st.sampled_from([None, "total", "count"])),
        order=draw(st.sampled_from(["up", "down", "mixed"])),
        row=draw(st.sampled_from([portals.plain, portals.camel, portals.by_path, portals.as_text, portals.as_base64])),
        when=draw(st.sampled_from([portals.iso, portals.offset_iso, portals.number(SECOND)])),
        write=draw(st.sampled_from([portals.under("messages"), portals.array, portals.lines, portals.table])),
        doc=doc,
        says=tuple(says),
        errors=draw(st.sampled_from(["detail", "list", "problem", "text"])),
    )


@st.composite
def few_messages(draw, most=7):
    """A list of messages with shared instants, borders and repeats; at most so many at one instant."""
    unit = SECOND
    instants = st.one_of(
        st.sampled_from([FIRST + day * DAY + i * unit for day in range(4) for i in (-1, 0, 1)]),
        st.integers(0, 40).map(lambda i: FIRST + DAY + 7 * HOUR + i * unit),
        st.integers(-DAY // unit, 4 * DAY // unit).map(lambda i: FIRST + i * unit),
    )
    one = st.builds(
        Message,
        instants,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["t/x", "t"]),
        st.sampled_from([{"v": 1}, {"v": 2.5}, 3]),
    )
    made = draw(st.lists(one, max_size=60))
    crowded = Counter()
    kept = []
    for message in made:
        crowded[message.at] += 1
        if crowded[message.at] <= most:
            kept.append(message)
    return kept


@settings(max_examples=80)
@given(dialect=dialects(), stored=few_messages(most=3))
def test_any_messages_through_any_portal(tmp_path_factory, dialect, stored):
    """Whatever shares an instant, lies on a border or is repeated: what went in comes out."""
    server = Server(dialect, stored)
    with portals.mocked(server, tmp_path_factory.mktemp("home")) as portal:
        for day in range(3):
            span = Range(FIRST + day * DAY, FIRST + (day + 1) * DAY)
            found = pa.concat_tables([messages.empty(), *pages(portal, Selector(), span)])
            at = found["time"].cast("int64").to_numpy()
            found = found.filter(pa.array((at >= span.start) & (at < span.end)))
            same(frame.to_frame(found), inside(stored, span.start, span.end))


LAST = [
    Message(NOW - 90 * SECOND, "dev-a", "telemetry/temp", {"value": 1.5}),
    Message(NOW - 5 * SECOND, "dev-b", "state/relay", {"on": True}),
    Message(NOW - 3 * HOUR, "dev-c", "x", 21.5),
]
NEVER = {"client_id": "dev-z", "label": "never published"}


def flat(one):
    """The last message beside its publisher, by names that begin so."""
    return {
        "client_id": one.client,
        "last_seen": portals.iso(one.at),
        "last_topic": one.topic,
        "last_payload": one.payload,
    }


def beside(one):
    """The last message in an object of its own."""
    return {
        "id": one.client,
        "online": True,
        "last_message": {"ts": one.at // 10**6, "topic": f"{ACCOUNT}/{one.client}/{one.topic}", "payload": one.payload},
    }


def nameless(one):
    """The last message, under its client."""
    return {"last_seen": portals.iso(one.at), "last_topic": one.topic, "last_payload": one.payload, "online": False}


LIVES = {
    "list": lambda: [portals.plain(one) for one in LAST],
    "under data, with one that never published": lambda: {
        "data": [*map(flat, LAST), {**NEVER, "last_seen": None, "last_topic": None, "last_payload": None}]
    },
    "nested last message": lambda: {
        "publishers": [*map(beside, LAST), {"id": "dev-z", "online": False, "last_message": None}],
        "count": 4,
    },
    "keyed by client": lambda: {one.client: nameless(one) for one in LAST},
    "keyed by client, under a name": lambda: {
        "live": {one.client: {"time": portals.iso(one.at), "topic": one.topic, "payload": one.payload} for one in LAST},
        "as_of": portals.iso(NOW),
    },
    "when it was last seen beside what it said, keyed by client": lambda: {
        **{
            one.client: {
                "last_seen": portals.iso(one.at),
                "last_message": {"topic": one.topic, "payload": one.payload},
            }
            for one in LAST
        },
        "dev-z": {"last_seen": None, "last_message": None},
    },
    "one per topic, keyed by topic": lambda: {
        "clients": [
            {"client_id": one.client, "topics": {one.topic: {"at": portals.iso(one.at), "payload": one.payload}}}
            for one in LAST
        ]
    },
    "camel case in seconds": lambda: {
        "items": [
            {
                "clientId": one.client,
                "lastMessageAt": one.at / SECOND,
                "topic": one.topic,
                "payload": one.payload,
                "receivedAt": portals.iso(one.at + SECOND),
            }
            for one in LAST
        ]
    },
    "payload as text": lambda: {"result": [{**portals.as_text(one), "last_seen_at": portals.iso(NOW)} for one in LAST]},
    "base64": lambda: [portals.as_base64(one) for one in LAST],
    "base64 by its name, keyed by client and topic": lambda: {
        "clients": {
            one.client: {one.topic: {"ts": portals.iso(one.at), "payload_base64": portals.as_base64(one)["payload"]}}
            for one in LAST
        },
        "generated_at": portals.iso(NOW),
    },
    "whole paths alone": lambda: [portals.by_path(one) for one in LAST],
    "publisher beside message": lambda: {"publishers": [portals.nested(one) for one in LAST]},
    "columns": lambda: {
        "columns": ["time", "client_id", "topic", "payload"],
        "rows": [list(portals.plain(one).values()) for one in LAST],
    },
}


@pytest.mark.parametrize("shape", LIVES)
def test_live_gives_the_last_messages(home, shape):
    """A list, an object keyed by client, the last message nested or flat, with one that never published."""
    with portals.mocked(Server(Dialect(live=lambda _: LIVES[shape]()), LAST), home) as portal:
        df = isr.load_live(portal=portal)
        same(df, LAST)
        same(isr.load_live("dev-b", portal=portal), LAST[1:2])


def test_nobody_published_yet(home):
    """An empty list is an empty frame with its columns."""
    for empty in ([], {"publishers": []}, {}, {"publishers": [{**NEVER, "last_message": None}]}, {"live": {}}):
        with portals.mocked(Server(Dialect(live=lambda _, e=empty: e), []), home) as portal:
            df = isr.load_live(portal=portal, max_age="1s")
            assert (len(df), list(df)[:2]) == (0, ["client_id", "topic"])
            portal.responses._session.cache.clear()
