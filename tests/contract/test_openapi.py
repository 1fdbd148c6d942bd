"""The portal's own document: which parameter is which, in whatever words."""

from __future__ import annotations

import pytest
from documents import ISO, document, query, read

from isr_analysis.contract import openapi
from isr_analysis.messages import Selector
from isr_analysis.times import HOUR, Range


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("start", "end"),
        ("from", "to"),
        ("since", "until"),
        ("startTime", "endTime"),
        ("from_ts", "to_ts"),
        ("begin", "stop"),
        ("after", "before"),
        ("time[gte]", "time[lt]"),
        ("start-date", "end-date"),
        ("ts_from", "ts_to"),
        ("$from", "$to"),
        ("published_after", "published_before"),
        ("min_time", "max_time"),
        ("created_at_gte", "created_at_lt"),
        ("filter[time][gte]", "filter[time][lt]"),
        ("where[ts][$gte]", "where[ts][$lt]"),
        ("timestamp__gte", "timestamp__lt"),
        ("starting_at", "ending_at"),
    ],
)
def test_the_range_is_found_under_any_usual_name(start, end):
    """Whichever spelling, and in whichever order they stand."""
    known = read(query(end, **ISO), query(start, **ISO))
    assert (known.start, known.end) == (start, end)


def test_an_instant_under_an_unknown_name_is_found_by_its_words():
    """What is said of a parameter tells which end it is."""
    known = read(
        query("vanaf", description="Start of the range", **ISO), query("tot", description="End of the range", **ISO)
    )
    assert (known.start, known.end) == ("vanaf", "tot")


@pytest.mark.parametrize(
    ("schema", "description", "name", "form"),
    [
        (ISO, "", "start", "iso"),
        ({"type": "string", "format": "date"}, "", "start", "date"),
        ({"type": "string"}, "ISO 8601 instant", "start", "iso"),
        ({"type": "string", "example": "2026-11-01T00:00:00Z"}, "", "start", "iso"),
        ({"type": "string", "example": "2026-11-01"}, "", "start", "date"),
        ({"type": "string", "example": "2026-11-01 00:00:00"}, "", "start", "%Y-%m-%d %H:%M:%S"),
        ({"type": "string"}, "UTC, as yyyy-MM-dd HH:mm:ss.SSS", "start", "%Y-%m-%d %H:%M:%S.%3f"),
        ({"type": "string"}, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "start", "%Y-%m-%dT%H:%M:%S.%3f+00:00"),
        ({"type": "string"}, "%Y-%m-%d %H:%M:%S.%f", "start", "%Y-%m-%d %H:%M:%S.%f"),
        (
            {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
            "",
            "start",
            "%Y-%m-%dT%H:%M:%S.%3fZ",
        ),
        ({"type": "string"}, "YYYYMMDD", "start", "%Y%m%d"),
        ({"type": "string"}, "yyyyMMddHHmmss", "start", "%Y%m%d%H%M%S"),
        ({"type": "string", "example": "20261101"}, "Ymd", "start", "%Y%m%d"),
        ({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"}, "", "start", "%Y-%m-%d %H:%M:%S"),
        (
            {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$"},
            "",
            "start",
            "%Y-%m-%dT%H:%M:%S+00:00",
        ),
        ({"type": "string", "pattern": r"^[0-9]{14}$"}, "", "start", "%Y%m%d%H%M%S"),
        ({"type": "string", "pattern": r"^\d{13}$"}, "", "start", "ms"),
        ({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"}, "", "start", "%Y-%m-%dT%H:%M"),
        ({"type": "string", "pattern": r"^\S+$"}, "", "start", "iso"),
        ({"type": "string", "pattern": r"^(?<x>\d+$"}, "", "start", "iso"),
        ({"type": "string"}, "in format YYYY-MM-DD%20HH:NN:SS", "start", "%Y-%m-%d %H:%M:%S"),
        ({"type": "string"}, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX, RFC 3339", "start", "iso"),
        ({"type": "integer"}, "Unix time in milliseconds", "start", "ms"),
        ({"type": "integer"}, "Unix timestamp", "start", "s"),
        ({"type": "integer"}, "Start of the interval (epoch millis)", "start", "ms"),
        ({"type": "integer"}, "Epoch time", "start", "number"),
        ({"type": "integer", "example": 1793491200000}, "Epoch time", "start", "ms"),
        ({"type": "integer"}, "epoch, nanoseconds", "start", "ns"),
        ({"type": "integer"}, "", "start_ms", "ms"),
        ({"type": "integer"}, "", "fromMicros", "us"),
        ({"type": "integer", "example": 1793491200}, "", "start", "s"),
        ({"type": "integer", "example": 1793491200000}, "", "start", "ms"),
        ({"type": "string", "example": "1793491200000000"}, "", "start", "us"),
        ({"anyOf": [ISO, {"type": "null"}]}, "", "start", "iso"),
        ({"type": ["string", "null"], "format": "date-time"}, "", "start", "iso"),
        ({"type": ["integer", "null"]}, "", "start", "number"),
        ({"type": "integer", "default": 1793491200000}, "", "start", "ms"),
        ({"$ref": "#/components/schemas/When"}, "", "start", "ms"),
    ],
)
def test_the_form_of_time_is_found(schema, description, name, form):
    """By schema, by name, by description or by example, through references and alternatives."""
    when = {"schemas": {"When": {"type": "integer", "description": "ms since 1970"}}}
    assert read(query(name, description=description, **schema), components=when).time_form == form


@pytest.mark.parametrize(
    ("shown", "form"),
    [
        ({"example": 1793491200000}, "ms"),
        ({"examples": {"now": {"value": 1793491200}}}, "s"),
        ({"examples": {}}, "number"),
    ],
)
def test_a_parameter_may_show_an_example_beside_its_schema(shown, form):
    """One, or several with names."""
    assert read({**query("start", type="integer"), **shown}).time_form == form


def test_pages_are_found_in_each_usual_way():
    """Cursor, number and offset, with size and most."""
    cursor = read(
        query("page_size", type="integer", maximum=500),
        query("after", description="Opaque cursor", type="string"),
        query("from", **ISO),
    )
    assert (cursor.limit, cursor.page_size, cursor.page_size_is_kept, cursor.cursor) == (
        "page_size",
        500,
        True,
        "after",
    )
    bare = read(
        query("after", type="string"), query("start", **ISO), query("end", **ISO), query("before", type="string")
    )
    assert (bare.start, bare.end, bare.cursor) == ("start", "end", "after")
    first = read(query("after", description="Opaque cursor", type="string"), query("start"), query("end"))
    assert (first.start, first.end, first.cursor) == ("start", "end", "after")
    rows = read(query("from", description="Index of the first row", type="integer"), query("since"), query("until"))
    assert (rows.start, rows.end, rows.offset) == ("since", "until", "from")
    for words, number in (("zero-based", 0), ("The page, from 1", 1), ("The page", None)):
        assert read(query("page", description=words, type="integer")).first_page == number
    number = read(query("page", type="integer", default=0), query("per_page", type="integer"))
    assert (number.page, number.first_page, number.page_size_is_kept, number.cursor) == ("page", 0, False, None)
    offset = read(query("skip", type="integer"), query("take", type="integer", description="Rows, at most 2,000."))
    assert (offset.offset, offset.limit, offset.page_size) == ("skip", "take", 2000)


@pytest.mark.parametrize(
    ("name", "description", "form"),
    [
        ("topic", "MQTT topic filter on the subpath", "filter"),
        ("topic", "Full platform path, MQTT wildcards + and # allowed", "path filter"),
        ("topic", "Exact subpath, no wildcards", "subpath"),
        ("topic", "MQTT filter (+, #) on {account_id}/{client_id}/{subpath}", "path filter"),
        ("topic", "`<account_id>/<client_id>/<subpath>`, exact", "path"),
        ("topic", "The subpath, without {account_id}/{client_id}/", "subpath"),
        ("topic", "Topic below `{account_id}/{client_id}/`, supports + and #", "filter"),
        ("topic", "What comes after the account_id and client_id", "subpath"),
        ("topic_prefix", "Topics whose subpath begins with this", "prefix"),
        ("topicPrefix", "MQTT topic filter on the full topic; + and # are supported", "path filter"),
        ("topic_prefix", "Full topic, exact match", "path"),
        ("topicPrefix", "Of the subpath", "prefix"),
        ("subtopic", "Topic prefix, for example {account_id}/{client_id}/telemetry", "path prefix"),
        ("subtopic", "MQTT filter on the full topic, with + and #", "path filter"),
        ("subtopic", "Where it stands below {account_id}/{client_id}/", "subpath"),
        ("subpath", "", "subpath"),
        ("subpath", "SQL LIKE pattern, % matches anything", None),
        ("topic", "Regular expression on the subpath", None),
        ("topicPrefix", "Glob pattern on the subpath, * matches anything", None),
        ("topic", "", None),
        ("topic", "The topic", None),
    ],
)
def test_a_topic_is_used_only_if_its_meaning_is_said(name, description, form):
    """A filter sent in the wrong form would look like an empty history; a title made of the name says nothing."""
    for title in ({}, {"title": name.replace("_", " ").title()}):
        assert read(query(name, type="string", description=description, **title)).topic_form == form


@pytest.mark.parametrize(
    ("words", "longest"),
    [
        ("The range may be at most 24 hours.", "24h"),
        ("Maximum window: 7d", "7d"),
        ("max 31 days per request", "31d"),
        ("The time between start and end must not exceed 6 hours", "6h"),
        ("`end` must be within 7 days of `start`", "7d"),
        ("Max. time range: one day.", "1d"),
        ("The range may not be longer than 3 months", "84d"),
        ("Defaults to now; at most 1 hour after start", "1h"),
        ("Defaults to 24 hours ago", None),
        ("Longest range 90 minutes", "90min"),
        ("A single request may cover at most 24 hours", "24h"),
        ("You can request up to 6 hours of data in a single call.", "6h"),
        ("limit of 1 day per request", "1d"),
        ("At most 24h between start and end; not more than 10 000 rows", "24h"),
        ("end - start must be <= 86400 seconds", "86400s"),
        ("Data is available up to 2 hours after publishing", None),
        ("Data is kept for at most 30 days. Requests for more than 2 days are refused", "2d"),
        ("Returns at most 1000 rows", None),
        ("History of the last 90 days is kept", None),
        ("", None),
    ],
)
def test_the_longest_range_is_read_from_words(words, longest):
    """A limit of the range is told from a limit of rows and from the retention."""
    assert read(query("start", **ISO), description=words).longest == longest


def test_order_and_format_are_chosen_and_the_required_rest_is_filled():
    """Oldest first, JSON; what else is required gets a value that the portal names."""
    known = read(
        query("order", type="string", enum=["desc", "asc"]),
        query("format", type="string", enum=["csv", "json", "ndjson"]),
        query("version", required=True, type="integer", default=2),
        query("kind", required=True, const="message"),
        query("verbose", type="boolean", default=False),
        query("client", required=True, type="string"),
        query("account_id", required=True, type="string"),
    )
    assert known.fixed == {"order": "asc", "format": "json", "version": "2", "kind": "message"}
    for name, value in (("ascending", "true"), ("oldest_first", "true"), ("descending", "false")):
        assert read(query(name, type="boolean", default=False)).fixed == {name: value}
    assert (known.client, known.client_required, known.account) == ("client", True, "account_id")


def test_the_start_is_known_to_be_in_or_out():
    """Inclusive or not, where the words or the name say so."""
    assert read(query("start", description="inclusive", **ISO)).start_included is True
    assert read(query("after", **ISO)).start_included is False
    assert read(query("start", **ISO)).start_included is None
    assert read(query("start", **ISO), description="Messages of [from, to)").start_included is True


def test_a_day_alone_is_a_range():
    """A parameter of one day takes the place of start and end."""
    known = read(query("date", required=True, type="string", format="date"), query("client_id", type="string"))
    assert (known.start, known.end, known.time_form, known.longest, known.fixed) == ("date", None, "date", "1d", {})


def test_a_required_topic_is_always_sent():
    """All topics, where the portal insists on a filter."""
    known = read(query("topic", required=True, type="string", description="MQTT topic filter on the subpath, + and #"))
    assert known.fixed == {"topic": "#"}
    assert known.topic_form == "filter"
    known = read(query("topic", required=True, type="string", description="MQTT filter on {account_id}/…, + and #"))
    span = Range(0, HOUR)
    sent = [known.question(Selector(), span, account_id=one, now=HOUR)["topic"] for one in ("acme", None)]
    assert sent == ["acme/#", "#"]  # some portals refuse what is not within the account


def test_a_layout_without_parts_of_a_second_is_kept_to():
    """Finer instants would be refused."""
    for schema in ({"description": "YYYY-MM-DDTHH:MM:SSZ"}, {"pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"}):
        assert read(query("start", **{"type": "string", "description": "", **schema})).time_form == "iso seconds"


def test_a_topic_prefix_that_is_wanted_is_sent():
    """Where its words say what it is: account and client, also where all topics are asked for."""
    words = "history_topic_prefix of the publisher, e.g. {account_id}/{client_id}/"
    one = {"name": "topic_prefix", "in": "query", "required": True, "description": words, "schema": {"type": "string"}}
    path = "/api/v1/subscriber/history"
    known = openapi.read({"openapi": "3.1.0", "paths": {path: {"get": {"parameters": [one]}}}}, "/o").history
    asked = known.question(Selector(("dev",)), Range(0, 1), account_id="acme", now=0)
    assert asked["topic_prefix"] == "acme/dev/"


def test_members_of_an_object_are_parameters_of_their_own():
    """As Spring writes its pages."""
    pageable = {"type": "object", "properties": {"page": {"type": "integer", "minimum": 0}, "size": {"maximum": 50}}}
    parts = {"components": {"schemas": {"Pageable": pageable}}}
    listed = {"name": "pageable", "in": "query", "schema": {"$ref": "#/components/schemas/Pageable"}}
    known = read(query("from", **ISO), listed, **parts)
    assert (known.page, known.first_page, known.limit, known.page_size) == ("page", 0, "size", 50)


@pytest.mark.parametrize(
    ("sizes", "largest"), [([10, 50, 100, 500], 500), (["25", "50"], 50), ([100, 5000, 50_000], 5000)]
)
def test_of_several_page_sizes_to_choose_from_the_largest_of_use_is_asked_for(sizes, largest):
    """Any other is refused."""
    known = read(query("from", **ISO), query("per_page", type="integer", enum=sizes))
    assert (known.limit, known.page_size, known.page_size_is_kept) == ("per_page", largest, True)


@pytest.mark.parametrize(
    ("name", "words", "length"),
    [
        ("duration", "Length in seconds, at most 86400", "duration"),
        ("duration_seconds", "", "duration_seconds"),
        ("duration", "Unix time in seconds", None),
    ],
)
def test_a_duration_in_seconds_is_no_instant(name, words, length):
    """Beside a start: as long as the range is."""
    known = read(query("start", **ISO), query(name, type="integer", description=words))
    assert (known.start, known.end, known.length) == ("start", None, length)
    asked = known.question(Selector(), Range(0, HOUR), account_id=None, now=0)
    assert asked.get(name) == (None if length is None else "3600")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "datetime",
            "ISO 8601 interval `start/end`, e.g. 2026-11-01T00:00:00Z/2026-11-02T00:00:00Z. Open ends as `..`",
        ),
        ("datetime", "Either a date-time or an interval, open or closed: `../2018-03-18T12:31:12Z` and so on."),
        ("interval", "2026-11-01T00:00:00Z/2026-11-02T00:00:00Z"),
        ("timeRange", "<from>/<to>, RFC 3339"),
        ("between", "start,end as RFC 3339 timestamps"),
        ("range", "Such as 2026-11-01T00:00:00Z..2026-11-02T00:00:00Z"),
        ("phenomenonTime", "Time interval, ISO 8601 start/end"),
    ],
)
def test_one_parameter_may_be_both_ends_of_the_range(name, words):
    """As OGC's APIs have it."""
    divider = {"between": ",", "range": ".."}.get(name, "/")
    known = read(query(name, type="string", description=words), query("limit", type="integer"))
    assert (known.start, known.end, known.time_form, known.length) == (name, name, "iso", None)
    asked = known.question(
        Selector(), Range(1_793_514_600_500_000_000, 1_793_514_601_000_000_000), account_id=None, now=0
    )
    assert asked[name] == f"2026-11-01T06:30:00.5Z{divider}2026-11-01T06:30:01Z"
    assert read(query("interval", enum=["1m", "1h"], type="string"), query("start", **ISO)).end is None
    ends = read(query("start", **ISO), query("end", **ISO), query(name, type="string", description=words))
    assert (ends.start, ends.end) == ("start", "end")


def test_members_of_a_deep_object_are_named_within_it():
    """As OpenAPI writes ``range[start]``."""

    def deep(name, **members):
        return {"name": name, "in": "query", "style": "deepObject", "schema": {"type": "object", "properties": members}}

    known = read(
        deep("range", start={"format": "date-time"}, end={"format": "date-time"}),
        deep("filter", client_id={"type": "string"}),
        deep("page", number={"type": "integer", "default": 1}, size={"type": "integer", "maximum": 60}),
    )
    assert (known.start, known.end, known.client) == ("range[start]", "range[end]", "filter[client_id]")
    assert (known.page, known.first_page, known.limit, known.page_size) == ("page[number]", 1, "page[size]", 60)
    known = read(deep("filter", time={"type": "object", "properties": {"gte": ISO, "lt": ISO}}))
    assert (known.start, known.end) == ("filter[time][gte]", "filter[time][lt]")


def test_json_apis_pages_are_named_within_page():
    """By size and cursor, by number, or by offset."""
    known = read(query("page[size]", type="integer", maximum=50), query("page[after]", type="string"))
    assert (known.limit, known.cursor, known.page_size) == ("page[size]", "page[after]", 50)
    known = read(query("page[limit]", type="integer"), query("page[offset]", type="integer"))
    assert (known.limit, known.offset) == ("page[limit]", "page[offset]")
    assert read(query("page[number]", type="integer")).page == "page[number]"


@pytest.mark.parametrize("name", ["from", "start"])
def test_a_number_from_which_a_list_begins_is_an_offset(name):
    """A list has no range, of which it would be the start."""
    made = document(query(name, type="integer"), query("size", type="integer"), path="/api/v1/subscriber/publishers")
    pages = openapi.read(made, "/openapi.json").lists["/publishers"]
    assert (pages.offset, pages.limit) == (name, "size")


def test_a_number_without_a_unit_is_one_whose_unit_is_to_be_found_out():
    """It is no text of an instant."""
    assert read(query("startTs", type="integer"), query("endTs", type="integer")).time_form == "number"


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        ("resolution", {"type": "string", "enum": ["1m", "1h", "raw"], "default": "1m"}, "raw"),
        ("aggregation", {"type": "string", "enum": ["avg", "none"], "default": "avg"}, "none"),
        ("downsample", {"type": "boolean", "default": True}, "false"),
        ("include_payload", {"type": "boolean", "default": False}, "true"),
        ("mode", {"type": "string", "enum": ["aggregated", "raw"], "default": "aggregated"}, "raw"),
        ("step", {"type": "string", "enum": ["raw", "1m", "1h"], "default": "1m"}, "raw"),
        ("type", {"type": "string", "enum": ["hourly", "daily", "raw"]}, "raw"),
        ("raw", {"type": "boolean", "description": "Messages as they are, not 1-minute means"}, "true"),
        ("raw", {"type": "boolean", "description": "Every message instead of a sample"}, "true"),
        ("raw", {"type": "boolean", "description": "Not downsampled"}, "true"),
        ("bucket", {"type": "string", "default": "1m", "description": "Such as `5m`; `raw` for all messages"}, "raw"),
        ("every", {"type": "integer", "default": 60, "description": "Seconds to average over, 0 for raw data"}, "0"),
        ("raw", {"type": "boolean", "description": "The payload as a string"}, None),
        ("compression", {"type": "string", "enum": ["none", "gzip"]}, None),
        ("resolution", {"type": "string", "enum": ["1m", "1h"], "default": "1m"}, None),
        ("downsample", {"type": "boolean", "default": False}, None),
        ("verbose", {"type": "boolean", "default": True}, None),
        ("unsampled", {"type": "boolean"}, "true"),
        ("smooth", {"type": "boolean", "description": "Averages in the place of messages"}, None),
        ("timeout", {"type": "integer", "default": 30, "description": "Seconds, 0 for none"}, None),
        ("compression", {"type": "string", "description": "`gzip` or `none`"}, None),
        ("include_archived", {"type": "boolean", "default": False}, "true"),
        ("withRetained", {"type": "boolean"}, "true"),
        ("exclude_duplicates", {"type": "boolean", "default": True}, "false"),
        ("changes_only", {"type": "boolean", "default": True}, "false"),
        ("latest", {"type": "boolean", "default": False}, None),
        ("include_total", {"type": "boolean", "default": False}, None),
        ("include", {"type": "array", "items": {"type": "string", "enum": ["qos", "payload"]}}, "payload"),
        ("include", {"type": "string", "description": "Comma-separated: `qos`, `payload`"}, "payload"),
        ("include", {"type": "string", "description": "Only messages whose payload has this text"}, None),
        ("view", {"type": "string", "enum": ["summary", "full"], "default": "summary"}, "full"),
        ("view", {"type": "string", "enum": ["full", "summary"], "default": "full"}, None),
        ("tz", {"type": "string", "default": "Europe/Zurich"}, "UTC"),
        ("time_zone", {"type": "string", "default": "UTC"}, None),
        ("timezone", {"type": "string", "enum": ["Europe/Zurich", "Europe/Berlin"]}, None),
    ],
)
def test_every_message_is_asked_for_whole(name, schema, value):
    """What thins messages out by default is switched off, what leaves out payloads too, and the hour is of UTC."""
    found = read(query("start", **ISO), query("end", **ISO), query(name, **schema))
    assert found.fixed.get(name) == value
