"""When a message was published: the instants of a row, in every form and under any name."""

from __future__ import annotations

import timeit

import pyarrow as pa
import pytest
from pages import AT, NS, ONE, ROW, live, read, told

from isr_analysis import answers
from isr_analysis.answers import instants
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY


@pytest.mark.parametrize(
    ("name", "value", "ns"),
    [
        ("time", AT, NS), ("time", "2026-11-01T07:30:00.5+01:00", NS),
        ("time", "2026-11-01T07:30:00.5+0100", NS), ("time", "2026-11-01 06:30:00.5", NS),
        ("time", "2026-11-01T06:30:00,5Z", NS), ("time", "2026-11-01 06:30:00.500 UTC", NS),
        ("time", "20261101T063000.5Z", NS), ("time", "2026-11-01t06:30:00.5z", NS),
        ("time", "2026-11-01 07:30:00.5 +0100", NS), ("time", "2026-11-01 08:00:00.5 +0130", NS),
        ("time", "2026/11/01 06:30:00.5", NS), ("time", "01.11.2026 06:30:00.5", NS),
        ("time", "01.11.2026, 06:30:00.5", NS), ("time", "1.11.2026, 06:30:00,5", NS),
        ("time", "01.11.2026 07:30:00.5 +01:00", NS), ("time", "01.11.2026", NS - 23_400_500_000_000),
        ("time", "2026-11-01T06:30:00.500000001Z", NS + 1), ("time", "2026-11-01T06:30:00.5000000019Z", NS + 1),
        ("time", "2026-11-01T00:00:00.5-06:30", NS), ("time", "2026-11-01T06:29:60.5Z", NS),
        ("time", "2026-11-01T06:30Z", NS - 500_000_000), ("time", "2026-11-01T06:30:00.5+00:00[UTC]", NS),
        ("time", "2026-11-01T06:30:00.5+00:00Z", NS),
        ("time", "Sun, 01 Nov 2026 06:30:00 GMT", NS - 500_000_000),
        ("time", "Sun, 01 Nov 2026 07:30:00 +0100", NS - 500_000_000),
        ("time", "Sun Nov 01 2026 07:30:00 GMT+0100 (Central European Standard Time)", NS - 500_000_000),
        ("time", "Sun Nov  1 06:30:00 2026", NS - 500_000_000),
        ("time", "2026-10-31T24:00:00Z", NS - 23_400_500_000_000),
        ("time", "20261101063000500", NS), ("ts", 20261101063000, NS - 500_000_000),
        ("ts_ns", 20261101063000500, 20261101063000500),
        ("ts", 1_793_514_600, NS - 500_000_000), ("ts", 1_793_514_600_500, NS), ("ts", 1_793_514_600_500_000, NS),
        ("ts", NS, NS), ("ts", NS + 1, NS + 1), ("ts", 1_793_514_600.5, NS), ("ts", "1793514600.500000001", NS + 1),
        ("ts", "1793514600500", NS), ("ts", "1.7935146005e9", NS), ("ts", "1793514600500.25", NS + 250_000),
        ("ts", 10**11, 10**17), ("ts", 10**14, 10**17), ("ts", 10**17, 10**17),
        ("time_ms", 1000, 1_000_000_000), ("timestamp_s", 5, 5_000_000_000), ("tsNs", 7, 7), ("time_us", 1, 1000),
        ("epochMillis", 1_793_514_600_500, NS), ("timestamp", 0, 0), ("ts", -1000, -1_000_000_000_000),
        ("publishedAt", AT, NS), ("@timestamp", AT, NS), ("received_at", AT, NS), ("createdAt", AT, NS),
        ("eventTimestamp", AT, NS), ("_time", AT, NS), ("t", 1_793_514_600_500, NS), ("msg_time", AT, NS),
        ("time_received", AT, NS), ("last_seen", AT, NS), ("DateTime", AT, NS), ("when", AT, NS), ("unix", NS, NS),
    ],
)  # fmt: skip
def test_instants_of_every_form_are_exact(name, value, ns):
    """Names, offsets, fractions, units by name or else by magnitude; a naive instant is UTC."""
    assert told(read([{name: value, "client_id": "a", "topic": "t", "payload": 1}]))[0][0] == ns
    if isinstance(value, str):
        line = f'{name};client_id;topic;payload\n"{value}";a;t;1\n'
        assert told(read(line.encode()))[0][0] == ns


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ([2026, 11, 1, 6, 30, 0, 500_000_000], NS), ([2026, 11, 1, 6, 30], NS - 500_000_000),
        ([2026, 11, 1, 6, 30, 1], NS + 500_000_000), ({"seconds": 1_793_514_600, "nanos": 500_000_000}, NS),
        ({"secs_since_epoch": 1_793_514_600, "nanos_since_epoch": 500_000_000}, NS), ({"$date": AT}, NS),
    ],
)  # fmt: skip
def test_instants_that_are_no_text_or_number_are_exact(value, ns):
    """As Java writes them where it is not told otherwise, protobuf, Rust and MongoDB."""
    row = {"ts": value, "client_id": "a", "topic": "t", "payload": 1}
    assert [told(read(body))[0][0] for body in ([row], {"messages": [row, row]})] == [ns, ns]
    assert told(live({"a": row}))[0][0] == ns


@pytest.mark.parametrize("name", ["stamp", "tst", "Zeitstempel", "horodatage", "x"])
@pytest.mark.parametrize("value", [AT, 1_793_514_600_500, 1_793_514_600.5, str(NS)])
def test_a_time_of_any_name_counts_where_nothing_else_may_be_one(name, value):
    """A date, or a number of these years; of two, or beside a time that is not read, nobody knows."""
    row = {"id": 1_793_514_600, name: value, "client_id": "a", "topic": "t", "payload": "on", "qos": 1}
    assert [one[0] for one in told(read([row, row]))] == [NS, NS]
    assert [one[0] for one in told(live([row]))] == [NS]
    for other in ({"other": AT}, {"time": "half past six"}, {"time": None}):
        with pytest.raises(AnswerError, match="no field of the rows holds an instant"):
            read([{**row, **other}])


def test_what_lies_beyond_the_years_that_ns_can_count_is_no_instant_to_look_for():
    """A cursor of twenty digits; the zero time of Go and the last one of .NET beside other fields; an unsigned id."""
    for text in ("12345678901234567890", "1e300", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert answers.instant_of(text) is None
        row = {
            "stamp": AT,
            "seen": text,
            "valve": "9999999999999999999",
            "client_id": "a",
            "topic": "t",
            "payload": "on",
        }
        assert told(read([row]))[0][0] == NS


@pytest.mark.parametrize(
    ("name", "value"), [("valid_until", AT), ("firstSeen", AT), ("modified", NS), ("number", 1_793_514), ("id", NS)]
)
def test_what_is_no_time_of_a_message_is_not_taken_for_one(name, value):
    """Times at which something else befell, small numbers, ids."""
    with pytest.raises(AnswerError, match="no field of the rows holds an instant"):
        read([{name: value, "client_id": "a", "topic": "t", "payload": 1}])


@pytest.mark.parametrize(
    "value",
    ["Nov 1, 2026 06:30:00 PM", "Sun Nov 01 06:30:00 CET 2026", "Sun, 01 Nov 2026 06:30:00 CEST", "01.11.2026 6:30 PM"],
)
def test_a_word_that_may_move_an_instant_is_not_passed_over(value):
    """Half a day, or a zone that RFC 2822 does not know: the error shows what came."""
    for before in ([], [{**ROW, "time": "01.11.2026 06:30"}]):
        with pytest.raises(AnswerError, match=f"'time' holds '\"?{value}"):
            read([*before, {**ROW, "time": value}])


@pytest.mark.parametrize("name", ["phenomenonTime", "enqueuedTime", "gateway_timestamp"])
def test_a_time_of_an_unknown_kind_counts_where_it_is_the_only_one(name):
    """If it holds dates; beside a known one, or with a number, it is a field like any other."""
    row = {name: AT, "client_id": "a", "topic": "t/x", "result": {"time": "2020-01-01T00:00:00Z", "on": True}}
    assert told(read([row, {**row, "result": {}}]))[0][:3] == (NS, "a", "t/x")
    assert told(read([{**row, "result": {}}])) == [(NS, "a", "t/x", b"{}")]
    spread = {"received_at": AT, "client_id": "a", "topic": "t", name: "2020-01-01T00:00:00Z", "on": True}
    assert told(read([spread]))[0][0] == NS
    with pytest.raises(AnswerError, match=r"instant|no rows"):
        read([{**row, name: 21, "result": 1}])
    with pytest.raises(AnswerError, match=r"instant|no rows"):
        live([{"client_id": "a", "connected_time": AT, "topic": "t/x", "payload": 1}])


def test_the_notes_of_a_database_are_no_times_of_messages():
    """When Cosmos DB last wrote a document is not when the message was published."""
    row = {"enqueuedTime": AT, "clientId": "a", "topic": "t/x", "payload": {"on": True}, "_rid": "r", "_etag": "e"}
    assert told(read({"Documents": [{**row, "_ts": 1_793_514_602}]})) == ONE


def test_instants_of_several_forms_share_a_column():
    """A column is read value by value where its values differ in form."""
    rows = [{**ROW, "time": one} for one in (AT, "2026-11-01 06:30:00.5", "2026-11-01T07:30:00.5+01:00")]
    assert [one[0] for one in told(read(rows))] == [NS] * 3


def test_the_published_time_comes_before_others():
    """Published before received before last seen; a row without the first has the next."""
    rows = [
        {"received_at": "2026-11-02", "published_at": AT, "client_id": "a", "topic": "t", "payload": 1},
        {"received_at": "2026-11-02", "published_at": None, "client_id": "a", "topic": "t", "payload": 1},
    ]
    assert [one[0] for one in told(read(rows))] == [NS, 1_793_577_600_000_000_000]
    assert (
        told(read([{"date": "2026-11-01", "time": "06:30:00.5", "client_id": "a", "topic": "t", "payload": 1}]))[0][0]
        == NS
    )  # a day and a time of day apart


@pytest.mark.parametrize("day", ["date", "dt", "published_date"])
@pytest.mark.parametrize("time", ["time", "created_at", "event_time", "sent_at", "received_at"])
def test_a_day_alone_is_no_instant_where_another_field_says_more(day, time):
    """As tables have it that are kept by day; a row without the other has the day."""
    row = {day: "2026-11-01", "client_id": "a", "topic": "t", "payload": 1}
    page = read([{**row, time: AT}])
    assert told(page)[0][0] == NS
    assert page.messages["extra"].to_pylist() == [f'{{"{day}":"2026-11-01"}}']
    assert told(read([row]))[0][0] == NS // DAY * DAY
    assert [one[0] for one in told(read([{**row, time: AT}, {**row, time: None}]))][1] == NS // DAY * DAY


def test_dates_of_digits_alone_name_no_zone():
    """As other texts of a clock."""
    row = {**ROW, "time": "20261101063000"}
    assert read([row]).zoneless
    assert not read([{**row, "time": "1793514600500"}]).zoneless


def test_numbers_of_several_units_are_no_guess():
    """Read in one unit, the instants of the other would be of 1970; a clock that was never set has no such numbers."""
    with pytest.raises(AnswerError, match="numbers of several units, as 1793514600 and 1793514600500"):
        read([{**ROW, "time": 1_793_514_600_500}, {**ROW, "time": 1_793_514_600}])
    assert [one[0] for one in told(read([{**ROW, "time": NS // 10**6}, {**ROW, "time": 86_400_000}]))] == [
        NS, 86_400_000 * 10**6]  # fmt: skip


def test_the_name_of_a_zone_counts_beside_an_offset_alone():
    """As Java writes it; without one it is a clock that is not known here, and not that of UTC."""
    assert told(read([{**ROW, "time": "2026-11-01T07:30:00.5+01:00[Europe/Zurich]"}]))[0][0] == NS
    with pytest.raises(AnswerError, match=r"\[Europe/Zurich\]"):
        read([{**ROW, "time": "2026-11-01T07:30:00.5[Europe/Zurich]"}])


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T07:30:00", "Sun Nov  1 07:30:00 2026", "Sun, 01 Nov 2026 07:30:00", "1.11.2026, 07:30",
        "2026-11-01T07:29:60",
    ],
)  # fmt: skip
def test_local_instants_of_every_form_are_of_the_zone_that_is_named(value):
    """Summer time is none in November."""
    told_as = told(read([{**ROW, "time": value}], fields=answers.Fields(time_zone="Europe/Zurich")))
    assert told_as[0][0] == NS - NS % 10**9


def test_numbers_since_1970_are_read_about_as_fast_as_texts():
    """Not tried as texts first, in vain: that took longer than all the rest of a load."""
    many = 50_000
    texts = pa.chunked_array([[f"2026-11-01T06:30:00.{n:09d}Z" for n in range(many)]])
    numbers = pa.chunked_array([[str(NS + n) for n in range(many)]])

    def seconds(column):
        """Take the shortest time of several."""
        return min(timeit.repeat(lambda: instants.to_ns(column, "time"), number=1, repeat=5))

    assert instants.to_ns(numbers, "time").to_pylist()[-1] == NS + many - 1
    assert seconds(numbers) < 30 * seconds(texts)
