"""What a portal's refusal teaches."""

from __future__ import annotations

import dataclasses
import json

import pytest

from isr_analysis.answers import read_page
from isr_analysis.contract import limits, retention
from isr_analysis.contract.contract import History
from isr_analysis.contract.refusals import in_answer, nothing_there, revised, says_only_nothing
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR, MINUTE

ASKED = {"start": "2024-10-04T00:00:00Z", "end": "2024-10-05T00:00:00Z", "client_id": "x", "limit": "10000"}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("query.from: Field required; query.to: Field required", {"start": "from", "end": "to"}),
        ("missing required parameter 'since'", {"start": "since"}),
        (
            "occurred_after is required; occurred_before is required",
            {"start": "occurred_after", "end": "occurred_before"},
        ),
        ("Parameter 'sample_newer' must be provided", {"start": "sample_newer"}),
        ("The filter[measured_at][gte] field is required.", {"start": "filter[measured_at][gte]"}),
        ("Missing query parameter: createdAt[$gte]", {"start": "createdAt[$gte]"}),
        ("query.interval.startTime: Field required", {"start": "interval.startTime"}),
        ("getHistory.fromDate: must not be null", {"start": "fromDate"}),
        ("Unknown parameter 'start'. Allowed: observedFrom, observedTo", {"start": "observedFrom", "end": "end"}),
        ("Missing header or query parameter 'from'", {"start": "from"}),
        ("`device_id` is required", {"client": "device_id", "client_required": True}),
        ("unknown parameter: client_id", {"client": None}),
        (
            "property client_id should not exist; clientId must be a string",
            {"client": "clientId"},
        ),
        ("between is required (from,to)", {"start": "between", "end": "between", "divider": ","}),
        ("Unprocessable: interval is required (start/end)", {"start": "interval", "end": "interval", "divider": "/"}),
        ("range must be <from>..<to>", {"start": "range", "end": "range", "divider": ".."}),
        ("the range start/end must not exceed 6 hours", {"start": "start", "longest": "6h"}),
        ("unknown parameter 'start'. Allowed: since, until, device, limit", {"start": "since", "end": "end"}),
        ('"client_id" is not allowed; use clientId or topic', {"client": "clientId"}),
        (
            "query.startMs: Field required; query.start: Extra inputs are not permitted",
            {"start": "startMs", "time_form": "ms"},
        ),
        ("start: Datetimes provided to dates should have zero time - e.g. be exact dates", {"time_form": "date"}),
        ("start: Input should not have timezone info", {"time_form": "%Y-%m-%dT%H:%M:%S.%f"}),
        (
            "startDate must be a valid ISO 8601 date string; endDate must be a valid ISO 8601 date string",
            {"start": "startDate", "end": "endDate"},
        ),
        ("Bad Request: from must be ISO8601; to: Invalid value", {"start": "from", "end": "to"}),
        ("Query deserialize error: invalid digit found in string", {"time_form": "s"}),
        (
            "Failed to convert 'String' to required type 'long'; For input string: \"2024-10-04T00:00:00Z\"",
            {"time_form": "s"},
        ),
        ("Field validation for 'From' failed on the 'required' tag", {"start": "From"}),
        ("Failed to convert 'start' with value: '2024-10-04T00:00:00Z'", {"time_form": "s"}),
        ("Failed to convert to required type 'java.time.LocalDateTime'", {"time_form": "%Y-%m-%dT%H:%M:%S.%f"}),
        ("Failed to convert to required type 'java.time.LocalDate'", {"time_form": "date"}),
        ("start: The value '2024-10-04T00:00:00Z' is not valid for start.", {"start": "start", "time_form": "s"}),
        ('start: parsing time "2024-10-04T00:00:00Z": extra text: "T00:00:00Z"', {"time_form": "date"}),
        ('invalid end: parsing time "2024-10-05T00:00:00Z": extra text: "Z"', {"time_form": "%Y-%m-%dT%H:%M:%S"}),
        ("From can't be blank; To can't be blank", {"start": "From", "end": "To"}),
        ("Please provide a valid time range: from, to (ISO 8601)", {"start": "from", "longest": None}),
        ("You must supply since and until", {"start": "since"}),
        ("requires property 'from'", {"start": "from"}),
        ("no until supplied; no since specified", {"start": "since", "end": "until"}),
        ("A date range is required: from, to", {"start": "from", "longest": None}),
        ("query.limit: Input should be less than or equal to 500", {"page_size": 500, "page_size_is_kept": True}),
        ("Bad Request: limit must not be greater than 50", {"page_size": 50, "page_size_is_kept": True}),
        ("Invalid limit", {"page_size": 1000, "page_size_is_kept": False}),
        ("limit cannot exceed 50", {"page_size": 50, "page_size_is_kept": True}),
        ("limit must be between 1 and 2,000", {"page_size": 2000, "page_size_is_kept": True}),
        ("query.start: Input should be a valid integer, unable to parse string as an integer", {"time_form": "s"}),
        ("start must be a unix timestamp in milliseconds", {"time_form": "ms"}),
        ("start must be yyyy-MM-dd or yyyy-MM-dd'T'HH:mm:ss", {"time_form": "iso seconds"}),
        ("query.limit: Extra inputs are not permitted", {"limit": None}),
        ("query.start: Extra inputs are not permitted", {"start": None}),
        ('query.start: "query.start" is not allowed', {"start": None}),
        ("the range may be at most 6 hours", {"longest": "6h"}),
        ("ending_at must be within 6 hours of starting_at", {"longest": "6h"}),
        ("occurred_before must be at most 6 hours after 'occurred_after'", {"longest": "6h"}),
        ("time range too large", {"longest": "43200s"}),
        ("you may ask for up to 6 hours", {"longest": "6h"}),
        (
            "query.history_topic_prefix: Field required",
            {"topic": "history_topic_prefix", "topic_form": "path prefix", "client_required": True},
        ),
        ("tenant_id must be provided", {"account": "tenant_id"}),
        ("query.page_size: Field required", {"limit": "page_size"}),
        ("maximum page size is 250", {"page_size": 250, "page_size_is_kept": True}),
        ("The time range is limited to at most 24 hours", {"longest": "43200s"}),
        ("date: Field required", {"start": "date", "end": None, "time_form": "date", "longest": "1d"}),
        ("Invalid timestamp: expected Unix epoch seconds", {"time_form": "s"}),
        ("time data '2024-10-04T00:00:00Z' does not match format '%Y-%m-%d'", {"time_form": "date"}),
        ("start: does not match format '%Y-%m-%dT%H:%M:%SZ'", {"time_form": "iso seconds"}),
        ("missing query parameter: since (unix seconds)", {"start": "since", "time_form": "s"}),
        ('strconv.ParseFloat: parsing "2024-10-04T00:00:00Z": invalid syntax', {"time_form": "s"}),
        ("cannot parse '2024-10-04T00:00:00Z' as a number", {"time_form": "s"}),
        ("query.topic_prefix: Field required", {"topic": "topic_prefix", "topic_form": "path prefix"}),
        ("start: unconverted data remains: T23:59:59.999999Z", {"time_form": "date"}),
        ("start: unconverted data remains: Z", {"time_form": "%Y-%m-%dT%H:%M:%S"}),
        ("Invalid isoformat string: '2024-10-04T00:00:00Z'", {"time_form": "%Y-%m-%dT%H:%M:%S.%f+00:00"}),
        (
            "time data '2024-10-04T00:00:00Z' does not match format '%Y-%m-%d %H:%M:%S'",
            {"time_form": "%Y-%m-%d %H:%M:%S"},
        ),
        ('start: parsing time as "2006-01-02 15:04"', {"time_form": "%Y-%m-%d %H:%M"}),
        ("`end` has wrong format: use YYYYMMDDTHHMMSSZ", {"time_form": "%Y%m%dT%H%M%SZ"}),
        ("end must not be in the future", {"end_is_past": True}),
        ("Input should be less than or equal to 50", {"page_size": 50}),
        ("Unprocessable: Too big: expected number to be <=500", {"page_size": 500}),
        ("Must be greater than or equal to 1 and less than or equal to 500.", {"page_size": 500}),
        ("Invalid limit: 10000 (allowed range 1..20)", {"page_size": 20}),
        ("limit=10000 is out of range [1, 500]", {"page_size": 500}),
        ("Invalid value for limit: 10000. Must be in range 1-500", {"page_size": 500}),
        ("10000 is greater than the maximum of 500", {"page_size": 500}),
        ("page too large: 10000 > 500", {"page_size": 500}),
        ("cannot request more than 500 rows", {"page_size": 500}),
        ("limit > 50 not allowed", {"page_size": 50, "limit": "limit"}),
        ("Requested range of 7 days exceeds limit of 6 hours", {"longest": "6h", "page_size": 10_000}),
        ("end must be within 6 hours of start", {"longest": "6h"}),
        ("Requested time window too large; max_window_seconds=3600", {"longest": "3600s"}),
        ("Time range 24h0m0s exceeds maximum 6h0m0s", {"longest": "6h"}),
        ("duration exceeds max of PT6H", {"longest": "6h"}),
        ("only 6 hours may be requested per call", {"longest": "6h"}),
        ("end - start must be <= 3600 seconds", {"longest": "3600s", "time_form": "iso"}),
        ("please narrow the range (took 3 seconds)", {"longest": "43200s"}),
        ("querystring must NOT have additional properties: client_id", {"client": None}),
        ("client_id is not a recognized parameter", {"client": None}),
        ("since should not be empty", {"start": "since"}),
        ("You must specify device_id", {"client": "device_id", "client_required": True}),
        ("no since given", {"start": "since"}),
        ("Input should be a valid integer", {"time_form": "s"}),
        ("A valid integer is required.", {"time_form": "s"}),
        ("Expected number, received string", {"time_form": "s"}),
        ("start must be a number", {"time_form": "s"}),
        ("must be a number (unix seconds)", {"time_form": "s"}),
        ("must be like 2026-01-01T00:00:00+00:00", {"time_form": "%Y-%m-%dT%H:%M:%S.%f+00:00"}),
        ("must have the format YYYY-MM-DD HH:MM:SS", {"time_form": "%Y-%m-%d %H:%M:%S"}),
        ("expected format 2026-01-01T00:00Z", {"time_form": "%Y-%m-%dT%H:%MZ"}),
        ("expected format 2026-01-01T00:00:00Z", {"time_form": "iso seconds"}),
        ("use YYYYMMDDTHHMMSSZ", {"time_form": "%Y%m%dT%H%M%SZ"}),
    ],
)
def test_words_lead_to_another_question(words, change):
    """Names that are missing or unknown, forms, sizes and ranges."""
    new = revised(History(), ASKED, words, DAY)
    assert new is not None
    assert {name: getattr(new, name) for name in change} == change


def test_what_is_sent_with_every_question_is_left_out_where_it_is_not_known():
    """The rest of it is still sent."""
    known = History(fixed={"order": "asc", "version": "2"})
    assert revised(known, {**ASKED, **known.fixed}, "unknown parameter 'order'", DAY).fixed == {"version": "2"}


def test_the_words_to_and_from_are_no_parameters_beside_one_that_is_named():
    """Where the ends of the range are called so."""
    known = History(start="from", end="to")
    asked = {"from": ASKED["start"], "to": ASKED["end"], "limit": "10000"}
    new = revised(known, asked, "query.limit: Input should be less than or equal to 50", DAY)
    assert new is not None
    assert (new.start, new.end, new.page_size) == ("from", "to", 50)


def test_a_layout_that_names_no_zone_is_first_taken_for_that_of_iso_8601():
    """People leave the zone out where they mean it; who refuses it again does not."""
    words = "start: must match yyyy-MM-dd'T'HH:mm:ss"
    first = revised(History(), ASKED, words, DAY)
    assert first == History(time_form="iso seconds")
    assert revised(first, ASKED, words, DAY) == History(time_form="%Y-%m-%dT%H:%M:%S")
    assert revised(first, ASKED, "start: must match yyyy-MM-dd'T'HH:mm:ss'Z'", DAY) is None


def test_what_is_required_without_a_name_is_the_client():
    """Where none was named; else it is not known what is wanted."""
    asked = {name: value for name, value in ASKED.items() if name != "client_id"}
    assert revised(History(), asked, "Unprocessable: Field required", DAY) == History(client_required=True)
    assert revised(History(), ASKED, "Unprocessable: Field required", DAY) is None


def test_less_than_a_day_cannot_be_had_by_dates():
    """It is not taken for a day whose end counts: that would ask for nothing."""
    known = History(time_form="date")
    new = revised(known, ASKED, "the range may be at most 6 hours", DAY)
    assert new is None or not new.end_included
    one = revised(known, ASKED, "the range may be at most 1 day", DAY)
    assert one is not None
    assert one.end_included


@pytest.mark.parametrize(
    "words",
    ["", "start must be before end", "before 2024-10-01 00:00:00", "no", "query.start: something else is wrong",
     "forbidden", "Input should be a valid string", "must be <= 2026-10-04", "a number of words"],
)  # fmt: skip
def test_words_that_teach_nothing_leave_the_refusal(words):
    """The portal's refusal is then the caller's."""
    assert revised(History(), ASKED, words, DAY) is None


def test_no_day_and_no_minute_is_left_out_because_its_end_is_refused():
    """Only the present second is: the messages of more than that would be missed."""
    for form, learned in (("s", True), ("date", False), ("%Y-%m-%d %H:%M", False)):
        new = revised(History(time_form=form), ASKED, "end is in the future", DAY)
        assert (new is not None and new.end_is_past) is learned


def test_a_range_is_not_cut_for_ever():
    """At a minute the range is not what is wrong; nor does a number that means nothing help."""
    for number in ("999999999", "9" * 400):
        assert revised(History(), ASKED, f"the range may be at most {number} hours", DAY).longest == "43200s"
    assert retention.oldest(f"older than {'9' * 400} days", 17 * DAY) is None
    assert revised(History(), ASKED, "range too large", MINUTE) is None
    assert revised(History(longest="6h"), ASKED, "the range may be at most 6 hours", 6 * HOUR).longest == "10800s"


@pytest.mark.parametrize(
    ("status", "words", "beyond"),
    [(410, "", True), (422, "start lies before the retention of 90 days", True), (404, "no longer available", True),
     (422, "start is no instant", False), (404, "not found", False), (500, "retention", False)],
)  # fmt: skip
def test_what_is_no_longer_kept_is_known(status, words, beyond):
    """So that it counts as empty and is not asked for again and again."""
    assert retention.beyond(status, words) is beyond


def test_the_oldest_that_is_kept_is_read_from_words():
    """As an instant, or as how long it is kept."""
    now = 20_000 * DAY
    assert retention.oldest("the earliest available is 2024-10-01T06:00:00Z", now) == 19_997 * DAY + 6 * HOUR
    assert retention.oldest("start lies before the retention of 90 days", now) == now - 90 * DAY
    assert retention.oldest("Gone", now) is None
    assert retention.oldest("no longer kept: after 0001-01-01T00:00:00 or 2026-13-45", now) is None
    assert retention.oldest("no longer kept; 0001-01-01 was asked for, 2024-10-01 is the first", now) == 19_997 * DAY
    assert retention.oldest("kept for 0 days, or 999999 weeks", now) is None


@pytest.mark.parametrize(
    ("status", "words", "nothing"),
    [(404, "No messages found", True), (404, "no data for this range", True), (404, "Not Found", False),
     (422, "No matching records", True), (404, "no such device", False), (400, "no data parameter", False),
     (404, "There are no stored messages between 2026-11-01 and 2026-11-02", True), (404, "NOT_FOUND: no rows", True),
     (404, "Error: No history for client a. Please try again with other filters", True), (404, "no data, yet", True)],
)  # fmt: skip
def test_no_messages_are_no_refusal(status, words, nothing):
    """Some portals say it with 404."""
    assert nothing_there(status, words) is nothing


@pytest.mark.parametrize(
    "words",
    ["No history add-on for this account", "No data source configured", "No data access for this token",
     "No data store reachable, try again", "No results: upstream index unavailable", "No data in this plan, upgrade",
     "No records could be read: shard 3 down", "No data: backend timeout", "No data older than 30 days is kept",
     "No data because the store timed out", "No data available: the storage is down", "no message broker"],
)  # fmt: skip
def test_words_that_give_another_reason_than_that_nothing_was_published_are_a_refusal(words):
    """An empty day of them would be kept for good, and stay when the cause has gone."""
    assert nothing_there(404, words) is False
    with pytest.raises(AnswerError, match="states a failure"):
        read_page(json.dumps({"code": 1, "msg": words, "data": []}).encode())
    assert not says_only_nothing(words.encode(), "text/plain")


def test_a_length_begins_with_a_number_or_an_article():
    """Of "at most, and" and "more than as" the first letters are none."""
    assert (limits.length_at_once("no more than a day"), limits.length_at_once("at most 24-hour parts")) == (
        "1d",
        "24h",
    )
    assert limits.length_at_once("the newest ones at most, and no others") is None
    assert revised(History(), ASKED, "it gives no more than as many as there are", DAY) is None


def test_a_day_that_is_two_is_asked_for_as_one():
    """Where dates are asked for and both ends count."""
    new = revised(History(time_form="date"), ASKED, "the range may be at most 24 hours", DAY)
    assert new.end_included is True
    assert new.longest is None


@pytest.mark.parametrize(
    ("words", "shortest"),
    [
        ("range must be at least 1 hour", "1h"),
        ("window too short", "3600s"),
        ("Minimum range is 1h", "1h"),
        ("The range must cover at least one day", "1d"),
        ("the range must be between 1 hour and 31 days", "1h"),
        ("range must be longer than 1 hour", "1h"),
        ("smallest range is 1 hour", "1h"),
        ("timespan must be at least 3600 seconds", "3600s"),
        ("the range must be at least a month", "28d"),
    ],
)
def test_a_range_that_is_too_short_is_not_asked_for_shorter(words, shortest):
    """It is asked for longer, in the same way."""
    assert revised(History(), ASKED, words, 30 * MINUTE) == History(shortest=shortest)


@pytest.mark.parametrize(
    "words",
    ["start must not be less than 30 days ago", "end must be at least 45 minutes in the past",
     "at least one of client_id, topic is wanted", "limit must be at least 1", "a delay of at least 3 hours applies"],
)  # fmt: skip
def test_a_least_that_is_of_no_range_teaches_no_shortest_one(words):
    """Of the age of messages, of how many there are, of names."""
    new = revised(History(), ASKED, words, 30 * MINUTE)
    assert new is None or new.shortest is None


@pytest.mark.parametrize(
    ("words", "longest"),
    [
        ("too wide a window, 30 min allowed", "30min"),
        ("the range must be between 1 hour and 31 days", "31d"),
        ("the range must be at least 1 hour and at most 31 days", "31d"),
        ("range too large: data older than 2 hours is slow", "2592000s"),
    ],
)
def test_a_range_that_is_too_long_is_not_taken_for_too_short(words, longest):
    """Minutes are no minimum, and of a range between two the other end may be meant."""
    length = DAY if "min " in words else 60 * DAY
    assert revised(History(), ASKED, words, length) == History(longest=longest)


@pytest.mark.parametrize("words", ["the range must be at least 1 hour", "window too short"])
def test_what_is_too_short_is_asked_for_neither_shorter_nor_ever_longer(words):
    """Where it was long enough by these words, or a day would not do, something else is wrong."""
    assert revised(History(), ASKED, words, 20 * HOUR) is None


@pytest.mark.parametrize(
    ("body", "is_refusal"),
    [
        (b'{"error": "limit must be at most 50"}', True),
        (b'{"error": "limit must be at most 50", "errors": ["limit"], "messages": []}', True),
        (b'{"error": "limit must be at most 50", "rows": [1]}', False),
        (b'{"note": "limit must be at most 50"}', False),
        (b'{"error": "it is late"}', False),
        (b'["limit must be at most 50"]', False),
        (b'{"errorMessage": "from is required", "status": "error"}', True),
        (b'{"Message": "the range may be at most 6 hours"}', True),
        (b'{"errorMessages": ["from is required"], "errors": {}}', True),
        (b'{"ErrorMessage": "", "rows": []}', False),
    ],
)
def test_a_refusal_with_a_good_status_is_words_that_teach_and_no_data(body, is_refusal):
    """What holds rows is an answer, however it reads."""
    assert (in_answer(History(), ASKED, body, "application/json", DAY) is not None) is is_refusal


def test_a_topic_that_the_document_wants_is_sent_where_a_refusal_says_nothing():
    """How it is written is not known, so that it is left out as long as the portal may do without."""
    known = History(topic="topic", topic_required=True)
    assert revised(known, ASKED, "Bad Request", DAY) == dataclasses.replace(known, fixed={"topic": "#"})
    assert revised(known, {**ASKED, "topic": "#"}, "Bad Request", DAY) is None
