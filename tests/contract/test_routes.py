"""The portal's own document: where its routes are, by its servers and paths."""

from __future__ import annotations

import pytest
from documents import ISO, document, query

from isr_analysis.contract import openapi


@pytest.mark.parametrize("base", ["/api/v1/subscriber", "api/v1/subscriber/"])
def test_servers_base_paths_and_path_level_parameters_count(base):
    """A route is found below the server's path; parameters of the path belong to its operations."""
    made = openapi.read(
        {
            "swagger": "2.0",
            "basePath": base,
            "paths": {
                "/history": {
                    "parameters": [{"name": "from", "in": "query", "type": "integer", "description": "ms"}],
                    "get": {},
                }
            },
        },
        "/swagger.json",
    )
    assert (made.history.path, made.history.start, made.history.time_form) == (
        "/api/v1/subscriber/history",
        "from",
        "ms",
    )
    assert made.source == "OpenAPI document /swagger.json"


@pytest.mark.parametrize("base", ["", "/", "data", "/data/"])
def test_a_route_begins_at_the_portals_root(base):
    """However its base is written: what is put behind the origin must not change the host."""
    found = {"swagger": "2.0", "basePath": base, "paths": {"history": {"get": {"parameters": [query("from", **ISO)]}}}}
    path = openapi.read(found, "/swagger.json").history.path
    assert path in ("/data/history", "/api/v1/subscriber/history")


def test_variables_of_a_servers_address_are_filled_in():
    """With the defaults that the document gives."""
    servers = [
        {"url": "https://{host}/api/{v}/subscriber", "variables": {"v": {"default": "v1"}, "host": {"default": "x"}}}
    ]
    assert openapi.read(document(path="/history", servers=servers), "/x").history.path == "/api/v1/subscriber/history"


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/history", {}),
        ("/subscriber/history/", {"basePath": "/api/v1"}),
        ("/api/v1/Subscriber/History", {}),
        ("/history", {"servers": [{"url": "./subscriber"}]}),
        (
            "/history",
            {"servers": [{"url": "https://x.example/{v}", "variables": {"v": {"default": "api/v1/subscriber"}}}]},
        ),
    ],
)
def test_the_published_path_is_the_routes_own(path, more):
    """Whatever stands before it in the document, and however it is spelled; a slash at its end stays."""
    document_of = document(query("since", **ISO), path=path, **more)
    known = openapi.read(document_of, "https://portal.example/api/v1/openapi.json").history
    assert known.path == f"/api/v1/subscriber/history{'/' if path.endswith('/') else ''}"
    assert known.start == "since"


def test_a_route_may_stand_elsewhere_in_the_document():
    """A reference in the place of the route's item is followed, as those of its parameters are."""
    item = {"parameters": [{"$ref": "#/components/parameters/S"}], "get": {"parameters": []}}
    parts = {"pathItems": {"H": item}, "parameters": {"S": query("since", **ISO)}}
    found = {"paths": {"/api/v1/subscriber/history": {"$ref": "#/components/pathItems/H"}}, "components": parts}
    assert openapi.read(found, "/openapi.json").history.start == "since"


def test_the_published_route_comes_before_others_that_are_called_so():
    """As of another version, which the document may name first."""
    others = [{"get": {"parameters": [query(name, **ISO)]}} for name in ("begin", "since")]
    paths = dict(zip(("/api/v2/subscriber/history", "/api/v1/subscriber/history"), others, strict=True))
    assert openapi.read({"paths": paths}, "/openapi.json").history.start == "since"
