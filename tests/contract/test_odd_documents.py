"""Documents with something odd in them: they are read all the same, and nothing but our own errors is raised."""

from __future__ import annotations

import copy

import pytest
from documents import ISO, document, query, read

from isr_analysis.contract import openapi
from isr_analysis.contract.contract import Contract

HOLDS_ITSELF = {"properties": {"from": {"format": "date-time"}, "and": {"$ref": "#/where"}}}


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"paths": []},
        {"paths": {"/x": 3}},
        {"paths": {"/history": {"get": {"parameters": [3, None, {}]}}}},
        {"paths": {"/history": {"get": {"parameters": [{"$ref": "#/a"}]}}}, "a": {"$ref": "#/a"}},
        document({"name": "where", "in": "query", "schema": {"$ref": "#/where"}}, where=HOLDS_ITSELF),
    ],
)
def test_an_odd_document_raises_nothing(odd):
    """What it does not say is as built in, or not there."""
    assert isinstance(openapi.read(odd, "/x"), Contract)


ODD = [
    None, 1, True, "x", "{", "http://[::1", [None], [1], {"a": 1}, {"$ref": "#/nowhere"}, 10**400, float("inf"),
    {"anyOf": 1}, {"enum": 1},
]  # fmt: skip


def places(value, path=()):
    """Give the path of everything within a document."""
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, name)
        yield from places(one, (*path, name))


def test_a_document_with_something_odd_in_it_is_read_all_the_same():
    """What stands in a place where it means nothing is left out; nothing but our own errors is raised."""
    sound = document(
        query("start", required=True, description="at most 24 hours", examples=["2026-11-01T00:00:00Z"], **ISO),
        query("order", anyOf=[{"enum": ["asc", "desc"]}, {"type": "null"}]),
        query("hours", type="integer", maximum=24, enum=["1h", "24h"]),
        {"name": "page", "in": "query", "style": "deepObject", "schema": {"properties": {"size": {"maximum": 9}}}},
        {"name": "topic", "in": "query", "examples": {"a": {"value": "t/#"}}, "schema": {"type": "array", "items": {}}},
        servers=[{"url": "https://x/{v}", "variables": {"v": {"default": "api"}}}],
    )
    assert openapi.read(sound, "/openapi.json").history.fixed == {"order": "asc"}
    for path in places(sound):
        for odd in ODD:
            made = copy.deepcopy(sound)
            inner = made
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = odd
            assert isinstance(openapi.read(made, "/openapi.json"), Contract)


LISTED = """Stored messages.

Query parameters:

- `from` (required): start, epoch milliseconds, inclusive
- `to` (required): end, epoch milliseconds, exclusive
- **client_id**: one client; not required
- `limit`: at most 500

Each row has:

- `time`: when it was published
- `payload`
"""
TABLED = """| name | what |
|---|---|
| `since` | ISO 8601 |
| `until` | ISO 8601 |
| `cursor` | the next page |
"""


def test_parameters_that_only_the_description_lists():
    """As a list or as a table; what it says of an answer's fields is no parameter."""
    known = read(description=LISTED)
    assert (known.start, known.end, known.client, known.limit) == ("from", "to", "client_id", "limit")
    assert (known.time_form, known.page_size, known.client_required) == ("ms", 500, False)
    known = read(description=TABLED)
    assert (known.start, known.end, known.cursor, known.client) == ("since", "until", "cursor", None)
    assert read(query("start", **ISO), query("end", **ISO), description=LISTED).start == "start"
    assert read(description="Rows have:\n- `client_id`\n- `topic`\n- `from`").start == "start"
