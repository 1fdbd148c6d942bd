"""Documents with something odd in them: they are read all the same, and nothing but our own errors is raised."""

from __future__ import annotations

import copy

import pytest
from documents import ISO, document, query

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
