"""Portals that nobody has seen: through each, exactly the messages that went in."""

from __future__ import annotations

from collections import Counter

import portal_rows
import portals
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_messages import FLAT, RICH, SPAN, inside, published, same
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import frame, messages
from isr_analysis.messages import Selector
from isr_analysis.reading.pages import pages
from isr_analysis.times import DAY, HOUR, SECOND, Range

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
        row=portal_rows.camel,
        when=portal_rows.number(1_000_000),
        write=portal_rows.under("items"),
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
        row=portal_rows.by_path,
        when=portal_rows.number(SECOND),
        write=portal_rows.array,
        cap=60,
        says=("types", "names", "cap", "first"),
        end_in=True,
    ),
    Dialect(
        "numbered pages from 0, nothing said of it",
        paging="page",
        pager="page",
        first_page=0,
        row=portal_rows.as_text,
        write=portal_rows.under("results"),
        says=("types", "cap"),
    ),
    Dialect(
        "numbered pages from 1, nothing said of it",
        paging="page",
        pager="pageNumber",
        row=portal_rows.as_text,
        write=portal_rows.under("results"),
        says=("types",),
        order="down",
    ),
    Dialect(
        "offset, total, base64",
        paging="offset",
        pager="skip",
        limit="take",
        total="total",
        row=portal_rows.as_base64,
        start="begin",
        end="stop",
        asked="us",
        when=portal_rows.number(1000),
        write=portal_rows.under("rows"),
        errors="problem",
    ),
    Dialect(
        "JSON lines, Link header",
        paging="link",
        pager="after_id",
        write=portal_rows.lines,
        row=portal_rows.by_path,
        start_in=False,
        start="after",
        end="before",
    ),
    Dialect(
        "link in the body to another host",
        paging="body link",
        pager="c",
        row=portal_rows.nested,
        write=portal_rows.under("data"),
    ),
    Dialect(
        "CSV without pages, a cap that it keeps to itself",
        paging="none",
        pager=None,
        write=portal_rows.separated,
        cap=25,
        says=(),
        start_in=False,
        end_in=True,
    ),
    Dialect(
        "annotated CSV, a field a row",
        paging="none",
        pager=None,
        write=portal_rows.influx,
        row=portal_rows.spread,
        cap=1000,
        asked="ns",
    ),
    Dialect(
        "grouped by client and topic, capped, in no order",
        paging="none",
        pager=None,
        write=portal_rows.grouped("client_id", "topic"),
        order="mixed",
        cap=33,
        says=(),
        doc=None,
    ),
    Dialect(
        "columns and values, newest first, capped, nothing documented",
        paging="none",
        pager=None,
        write=portal_rows.table,
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
        row=portal_rows.plain,
        cap=50,
    ),
    Dialect(
        "docs page, wildcard filter on whole paths",
        doc="docs",
        topic="topic",
        topic_form="path filter",
        row=portal_rows.by_path,
        limit=None,
        cap=70,
        pager="continuation",
        note="continuation",
    ),
    Dialect(
        "wildcard filter on whole paths and nothing for the client",
        client=None,
        topic="topic",
        topic_form="path filter",
        row=portal_rows.by_path,
        cap=70,
    ),
    Dialect(
        "spread over the row",
        row=portal_rows.spread,
        write=portal_rows.packed(portal_rows.under("history")),
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
        when=portal_rows.offset_iso,
        errors="list",
    ),
    Dialect("times shown to the second only", grain=SECOND, order="down", paging="none", pager=None, cap=50, doc=None),
    Dialect("total that is the page's own", total="total", paging="none", pager=None, cap=30, doc=None),
    Dialect("says only that there is more", total="count", paging="none", pager=None, cap=30, doc=None),
    Dialect(
        "one client after the other, documented",
        client="publisher",
        client_required=True,
        write=portal_rows.grouped("topic"),
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
        write=portal_rows.under("data", notes_in="meta"),
    ),
    Dialect("base64 that nothing names", row=portal_rows.as_hidden_base64, paging="none", pager=None, cap=25, doc=None),
    Dialect("a cap of 37, documented as 1000", paging="none", pager=None, cap=37, documented=1000),
    Dialect("one day as a parameter", start="date", end=None, asked="date", longest=DAY, end_in=True, cap=1000),
]


def stored_for(dialect):
    """Give the messages that a dialect can say."""
    flat = dialect.row is portal_rows.spread or dialect.write is portal_rows.separated
    stored = published(FLAT if flat else RICH, unit=SECOND if dialect.asked == "s" else 1_000_000)
    if dialect.write is portal_rows.influx:  # it has no message of the same series and instant twice
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
        row=draw(
            st.sampled_from(
                [portal_rows.plain, portal_rows.camel, portal_rows.by_path, portal_rows.as_text, portal_rows.as_base64]
            )
        ),
        when=draw(st.sampled_from([portal_rows.iso, portal_rows.offset_iso, portal_rows.number(SECOND)])),
        write=draw(
            st.sampled_from([portal_rows.under("messages"), portal_rows.array, portal_rows.lines, portal_rows.table])
        ),
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


def test_a_late_message_of_the_second_up_to_which_all_has_settled_is_not_lost(home):
    """A portal that shows whole seconds shows it before that instant; the next load asks from the whole second."""
    now = [NOW + 3 * SECOND // 10]
    server = Server(Dialect(grain=SECOND), [Message(NOW - HOUR, "a", "t", {"v": 1})])
    with portals.mocked(server, home, now=lambda: now[0]) as portal:
        asked = {"start": "2026-11-05", "settle": "1s", "max_age": "1s", "portal": portal}
        assert isr.load_history(**asked)["v"].tolist() == [1]
        server.stored.append(Message(NOW - 3 * SECOND // 10, "a", "t", {"v": 2}))
        now[0] += 5 * SECOND
        assert isr.load_history(**asked)["v"].tolist() == [1, 2]


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
