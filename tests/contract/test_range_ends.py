"""Which parameters take the ends of the range, and what else has a role, in documents as real services have them."""

from __future__ import annotations

import pytest
from documents import ISO, document, query, read

from isr_analysis.contract import openapi
from isr_analysis.contract.file import overridden

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


@pytest.mark.parametrize(
    ("start", "end", "schema"),
    [
        ("occurred_after", "occurred_before", NUMBER),
        ("interval.startTime", "interval.endTime", ISO),
        ("intervalBegin", "intervalEnd", TEXT),
        ("filter[measured_at][gte]", "filter[measured_at][lte]", ISO),
        ("createdAt[$gte]", "createdAt[$lt]", ISO),
        ("eventDateStart", "eventDateEnd", TEXT),
        ("entryDateFrom", "entryDateTo", TEXT),
        ("from_day", "to_day", TEXT),
        ("query.minDate", "query.maxDate", TEXT),
        ("starting_at", "ending_at", TEXT),
        ("DateCreated>", "DateCreated<", TEXT),
        ("not-before", "not-after", ISO),
        ("sample_newer", "sample_older", ISO),
        ("statement.on_or_after", "statement.before", ISO),
        ("q[created_at_gteq]", "q[created_at_lteq]", TEXT),
        ("dt_from", "dt_to", TEXT),
    ],
)
def test_two_of_one_thing_are_the_ends(start, end, schema):
    """Whatever the thing is called, in either order, and whatever else stands beside them."""
    beside = [
        query("timeout", description="The server's time for an answer, in seconds", **NUMBER),
        query("site", **TEXT),
    ]
    for given in ([query(start, **schema), query(end, **schema)], [query(end, **schema), query(start, **schema)]):
        known = read(*beside, *given)
        assert (known.start, known.end) == (start, end)


@pytest.mark.parametrize(
    ("name", "schema", "words"),
    [
        (
            "duration",
            TEXT,
            "Such as `1d`: `?start=1430000000&end=1430864000` in seconds says the same from when to when",
        ),
        ("timeout", NUMBER, "How long the server may take for the answer, from its start on, in seconds"),
        ("searchMode", TEXT, "How the startTime and endTime are understood"),
        ("period", TEXT, "Used with start or end, in ISO 8601, such as P1D"),
        ("last", TEXT, "Point in time to start at (epoch timestamp)"),
        ("_since", ISO, "Only what came after this instant"),
        ("last_queried_date", ISO, "When it was asked for before, from this on"),
        ("country", TEXT, "To limit it to where it comes from: such as `us`"),
        ("site_id", TEXT, "From [the manual](https://support.us.example/sites): which site to start with"),
        ("filter", TEXT, "Such as `timestamp >= '2026-11-01T00:00:00Z'`"),
    ],
)
def test_what_is_no_end_is_taken_for_none(name, schema, words):
    """Though its words speak of instants, where others are called start and end, of which nothing is said."""
    given = [query(name, description=words, **schema), query("start", **TEXT), query("end", **TEXT)]
    known = read(*given)
    assert (known.start, known.end) == ("start", "end")
    assert name not in known.fixed


def test_an_end_alone_is_not_guessed_from_words():
    """A number of seconds whose words have a "to" in them is no range: how one is asked for is not said."""
    for one in (query("country", description="The country that it goes to, by its ISO 8601 date", **TEXT),
                query("printed", description="The latest day of printing", **ISO)):  # fmt: skip
        assert openapi.read(document(one, query("x", **TEXT)), "/openapi.json").is_assumed
    of_one = [query(f"start_time_{way}", **ISO) for way in ("eq", "gte", "lte")]
    known = read(query("start_eq", **ISO), query("end_eq", **ISO), *of_one)
    assert (known.start, known.end) == ("start_time_gte", "start_time_lte")
    words = "How long to wait for the answer, in seconds"
    found = openapi.read(document(query("timeout", description=words, **NUMBER), query("x", **TEXT)), "/openapi.json")
    assert found.is_assumed
    assert (found.history.start, found.history.end) == ("start", "end")


def test_of_several_pairs_that_of_when_it_was_published_is_taken():
    """Not that of what became of it; half-open, where there are operators for that; and both ends of one pair."""
    known = read(*(query(f"{of}{way}", **TEXT) for of in ("updated", "created") for way in ("After", "Before")))
    assert (known.start, known.end) == ("createdAfter", "createdBefore")
    known = read(*(query(f"filter[event_time][{way}]", **ISO) for way in ("gt", "gte", "lte", "lt")))
    assert (known.start, known.end) == ("filter[event_time][gte]", "filter[event_time][lt]")
    known = read(*(query(f"{of}{way}", **ISO) for of in ("received_", "") for way in ("from", "to")))
    assert (known.start, known.end) == ("from", "to")
    known = read(query("start", description="The number from which on", **NUMBER), query("created_from", **TEXT),
                 query("created_to", **TEXT))  # fmt: skip
    assert (known.start, known.end) == ("created_from", "created_to")
    known = read(
        *(query(f"{of}_{way}", **kind) for of, kind in (("valid", ISO), ("measured", TEXT)) for way in ("from", "to"))
    )
    assert (known.start, known.end) == ("measured_from", "measured_to")
    known = read(*(query(name, **TEXT) for name in ("min_time", "max_time", "start", "end")))
    assert (known.start, known.end) == ("start", "end")
    of_ids = [query(name, description="The id of a message", **NUMBER) for name in ("after", "before")]
    known = read(*of_ids, query("start", **TEXT), query("end", **TEXT))
    assert (known.start, known.end, known.cursor) == ("start", "end", "after")
    known = read(*(query(name, **TEXT) for name in ("_since", "start", "end")))
    assert (known.start, known.end) == ("start", "end")
    known = read(*(query(name, **TEXT) for name in ("from", "limit", "afterEnqueuedAt", "beforeEnqueuedAt")))
    assert (known.start, known.end) == ("afterEnqueuedAt", "beforeEnqueuedAt")


def test_ends_are_told_by_their_words_in_either_order():
    """Under names that tell nothing; an end alone, too, if it is an instant."""
    first, last = query("y", description="When the period starts", **ISO), query("x", description="Its end", **ISO)
    for given in ([first, last], [last, first]):
        known = read(*given)
        assert (known.start, known.end) == ("y", "x")
    known = read(query("time", description="Only what came up to this instant", **ISO), query("limit", **NUMBER))
    assert (known.start, known.end) == (None, "time")


@pytest.mark.parametrize(
    "pair",
    [("price_min", "price_max"), ("min_id", "max_id"), ("value_from", "value_to"), ("min_interval", "max_interval"),
     ("range_min", "range_max"), ("time_of_day_from", "time_of_day_to")],
)  # fmt: skip
def test_two_of_what_is_no_time_are_no_ends(pair):
    """Nothing says that they are instants."""
    found = openapi.read(document(*(query(name, **NUMBER) for name in pair)), "/openapi.json")
    assert found.is_assumed
    assert (found.history.start, found.history.end) == ("start", "end")


def test_days_are_told_by_their_layout():
    """Where no example shows one; and what takes instants, too, is given these."""
    for words in ("The first day (YYYY-MM-DD)", "Must follow the format yyyy-mm-dd."):
        known = read(query("start_date", description=words, **TEXT), query("end_date", **TEXT))
        assert known.time_form == "date"
    for words in (
        "yyyy-MM-dd or yyyy-MM-dd'T'HH:mm:ss'Z'",
        "YYYY-MM-DD or yyyy-MM-dd\u2019T\u2019HH:mm:ss\u2019Z\u2019",
    ):
        assert read(query("from", description=words, **TEXT), query("to", **TEXT)).time_form == "iso seconds"


def test_us_is_no_unit_in_a_sentence():
    """But in brackets, or of an epoch, it is microseconds."""
    for words in ("Ask us about it", "Clients in the US", "In US and CA alone"):
        assert read(query("start", description=words, **TEXT), query("end", **TEXT)).time_form == "iso"
    for words in ("Instant (us)", "Epoch us", "In us since 1970"):
        assert read(query("start", description=words, **NUMBER), query("end", **NUMBER)).time_form == "us"


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("cursor", "next_page_token"),
        ("cursor", "batch_token"),
        ("limit", "rowCount"),
        ("limit", "paginate_limit"),
        ("page", "paginate_page"),
        ("limit", "pagination.limit"),
        ("offset", "paging.offset"),
        ("limit", "options[limit]"),
    ],
)
def test_pages_are_asked_for_by_more_names(role, name):
    """As services call them."""
    assert getattr(read(query(name, **TEXT)), role) == name


def test_the_plainer_name_has_the_role():
    """A token may be that of a login, and a greatest number that of something else."""
    known = read(*(query(name, **TEXT) for name in ("token", "max", "cursor", "pagesize")))
    assert (known.cursor, known.limit) == ("cursor", "pagesize")


def test_of_several_choices_that_of_all_is_made():
    """And where there is none, it is said which one is asked for; a file of the user's chooses another."""
    every = document(query("kind", required=True, enum=["state", "telemetry", "all"], **TEXT), query("start", **ISO))
    found = openapi.read(every, "/openapi.json")
    assert (found.history.fixed, found.narrowed) == ({"kind": "all"}, "")
    one = document(query("kind", required=True, enum=["state", "telemetry"], **TEXT), query("start", **ISO))
    found = openapi.read(one, "/openapi.json")
    assert found.history.fixed == {"kind": "state"}
    assert "'kind' of state, telemetry: 'state' alone is asked for" in found.narrowed


@pytest.mark.parametrize(
    "own",
    [
        {"default": "state"},
        {"enum": ["state"]},
        {"enum": ["raw", "hourly"]},
        {"enum": ["application/json", "text/csv"]},
        {"enum": [1, 2], "type": "integer"},
    ],
)
def test_a_choice_that_leaves_nothing_out_is_not_told(own):
    """The portal's own choice, the only one, that of messages as they are or of how they are written, or a version."""
    schema = {**TEXT, "enum": ["state", "telemetry"], **own}
    found = openapi.read(document(query("kind", required=True, **schema), query("start", **ISO)), "/openapi.json")
    assert (found.narrowed, len(found.history.fixed)) == ("", 1)


def test_a_choice_is_no_client():
    """Though clients are called so elsewhere."""
    choice = query("source", required=True, enum=["archive", "live"], **TEXT)
    found = openapi.read(document(choice, query("start", **ISO)), "/openapi.json")
    assert (found.history.client, found.history.fixed) == (None, {"source": "archive"})
    assert "'archive' alone" in found.narrowed


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("api-version", ["v1", "v2"]),
        ("units", ["metric", "imperial"]),
        ("timeZone", ["UTC", "local"]),
        ("lang", ["en", "de"]),
    ],
)
def test_a_choice_of_how_it_is_written_is_not_told(name, offered):
    """It leaves out nothing either."""
    found = openapi.read(document(query(name, required=True, enum=offered, **TEXT), query("start", **ISO)), "/o.json")
    assert (found.narrowed, found.history.fixed) == ("", {name: offered[0]})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"resolution": {**TEXT, "enum": ["1m", "1h"], "default": "1m"}}, "'resolution', by which it thins"),
        ({"mode": {**TEXT, "enum": ["hourly", "daily"], "default": "daily"}}, "'mode', by which it thins"),
        (
            {"limit": {"type": "integer", "description": "Samples per page"}, "bucket": {**TEXT, "default": "1m"}},
            "'bucket', by which it thins",
        ),
        ({"every": {"type": "integer", "default": 60}}, "'every', by which it thins messages out (60 unless told)"),
        ({"maxDataPoints": {"type": "integer", "default": 500}}, "'maxDataPoints', by which it thins"),
        ({"maxDataPoints": {"type": "integer", "default": 500, "maximum": 10**6}}, ""),
        ({"max_points": {"type": "integer", "default": 500}}, ""),  # with no other limit it is that of a page
        ({"resolution": {**TEXT, "enum": ["1m", "raw"], "default": "1m"}}, ""),
        ({"interval": {**TEXT, "default": "1m"}, "aggregate": {**TEXT, "enum": ["none", "avg"], "default": "avg"}}, ""),
        ({"interval": {**TEXT, "default": "1m"}, "aggregate": {**TEXT, "enum": ["avg", "max"]}}, ""),
        ({"every": {"type": "integer", "default": 1}}, ""),
        ({"interval": TEXT}, ""),
    ],
)
def test_what_thins_messages_out_and_cannot_be_told_not_to_is_told(given, told):
    """A step that counts only where means are asked for is none."""
    listed = [query(name, **schema) for name, schema in given.items()]
    found = openapi.read(document(*listed, query("start", **ISO), query("end", **ISO)), "/openapi.json")
    assert told in found.narrowed
    assert bool(told) == bool(found.narrowed)
    assert found.history.fixed.get("maxDataPoints", "1000000") == "1000000"


def test_an_empty_value_that_is_wanted_is_sent():
    """As the document has it for its default."""
    assert read(query("q", required=True, default="", **TEXT), query("start", **ISO)).fixed == {"q": ""}


def test_a_file_chooses_among_several(tmp_path):
    """Then there is nothing to be told."""
    one = document(query("kind", required=True, enum=["state", "telemetry"], **TEXT), query("start", **ISO))
    (path := tmp_path / "contract.toml").write_text('[history.fixed]\nkind = "telemetry"\n')
    found = overridden(openapi.read(one, "/openapi.json"), path)
    assert (found.history.fixed, found.narrowed) == ({"kind": "telemetry"}, "")
    path.write_text("[history]\npage_size = 10\n")
    assert "'state' alone" in overridden(openapi.read(one, "/openapi.json"), path).narrowed
