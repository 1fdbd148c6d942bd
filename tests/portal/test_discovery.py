"""Finding the portal's document, wherever it lies."""

from __future__ import annotations

import json
import sys

import pytest

from isr_analysis.errors import PortalUnavailableError, QuestionRefusedError, TokenRefusedError
from isr_analysis.portal import discovery
from isr_analysis.portal.wire import API, Answer

SINCE = {"name": "since", "in": "query", "schema": {"format": "date-time"}}
DOCUMENT = {"openapi": "3.1.0", "paths": {f"{API}/history": {"get": {"parameters": [SINCE]}}}}

MGMT = {"openapi": "3.1.0", "servers": [{"url": "/spec/"}], "paths": {f"{API}/members": {"get": {}}}}


class Pages:
    """A portal of pages by path; counts the questions."""

    def __init__(self, pages):
        self.pages = pages
        self.asked = []

    def __call__(self, path):
        self.asked.append(path)
        found = self.pages.get(path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise QuestionRefusedError("no such page", status_code=404)
        body = json.dumps(found) if isinstance(found, dict) else found
        return Answer(body.encode(), {}, f"https://portal.example{path}")


@pytest.mark.parametrize(
    "page",
    [
        '<script>SwaggerUIBundle({url: "/spec/v3.json"})</script>',
        "<script>const ui = SwaggerUIBundle({ 'url' : '/spec/v3.json' })</script>",
        '<redoc spec-url="/spec/v3.json"></redoc>',
        '<a href="../../../spec/v3.json">openapi</a>',
        '<link href="/static/openapi.css"><rapi-doc spec-url="https://portal.example/spec/v3.json"></rapi-doc>',
        '<script id="api-reference" data-url="/spec/v3.json"></script>',
        json.dumps({"swagger": "2.0", "info": {}, "paths": DOCUMENT["paths"]}),
        "<redoc spec-url='/three'></redoc>",
        '<script id="api-reference" data-url="/three"></script>',
        '<script>SwaggerUIBundle({url: "/doc"})</script>',
        '<script>SwaggerUIBundle({url: "/api-json"})</script>',
        '<script>SwaggerUIBundle({url: "/static/portal.yaml"})</script>',
        '<elements-api apiDescriptionUrl="/three" router="hash"></elements-api>',
        '<script id="api-reference" data-configuration="{&quot;url&quot;:&quot;/spec/v3.json&quot;}"></script>',
        f'<script id="api-reference" type="application/json">{json.dumps(DOCUMENT)}</script>',
        f"<script>Redoc.init({json.dumps(DOCUMENT)}, {{}}, document.body)</script>",
        f'<script>SwaggerUIBundle({{"a": b, spec: {json.dumps({"info": {"a": {}}, **DOCUMENT})}}})</script>',
        f"<script>SwaggerUIBundle({{spec: {json.dumps(dict(reversed(DOCUMENT.items())))}, dom_id: '#ui'}})</script>",
        '<script>SwaggerUIBundle({urls: [{url: "/spec/mgmt.json"}, {url: "/spec/v3.json"}]})</script>',
        "<a class=link href=/spec/v3.json>OpenAPI</a>",
        r"""<script>ui = SwaggerUIBundle(JSON.parse('{"urls":[{"url":"\/spec\/v3.json","name":"v1"}]}'))</script>""",
    ],
)
def test_the_docs_page_names_it(page):
    """Swagger UI, ReDoc and their like, a plain link, or the document in its place."""
    pages = {
        f"{API}/docs": page,
        "/spec/v3.json": DOCUMENT,
        "/three": DOCUMENT,
        "/doc": DOCUMENT,
        "/api-json": DOCUMENT,
        "/static/portal.yaml": DOCUMENT,
        "/spec/mgmt.json": MGMT,
    }
    assert discovery.find(Pages(pages)).history.start == "since"


@pytest.mark.parametrize(
    "other", ['<a href="/{}">x</a>', '<link href="/{}-openapi.css">', '<script src="/{}/x.min.js"></script>']
)
def test_the_document_is_found_among_many_other_links(other):
    """What is likely to be one is looked at, and not the rest."""
    page = "".join(other.format(number) for number in range(9)) + '<a href="/spec/v3.json">x</a>'
    portal = Pages({f"{API}/docs": page, "/spec/v3.json": DOCUMENT})
    assert discovery.find(portal).history.start == "since"
    assert portal.asked == [f"{API}/openapi.json", f"{API}/docs", "/spec/v3.json"]


def test_a_header_of_the_docs_page_names_it():
    """As RFC 8631 has it, whatever the page itself shows."""
    pages = Pages({"/three": DOCUMENT})
    link = '<https://cdn.example/x.css>; rel="preload", </three>; type="application/json"; rel="service-desc"'

    def get(path):
        is_docs = path == f"{API}/docs"
        return Answer(b"<html>", {"link": link}, f"https://portal.example{path}") if is_docs else pages(path)

    assert discovery.find(get).history.start == "since"


def test_a_document_of_other_routes_is_not_all_there_is():
    """At the usual address may lie one of the portal's pages for people; alone, the source says what it lacks."""
    pages = {f"{API}/openapi.json": MGMT, f"{API}/docs": '<redoc spec-url="/spec/v3.json"></redoc>'}
    assert "no history route" in discovery.find(Pages(pages)).source
    assert discovery.find(Pages({**pages, "/spec/v3.json": DOCUMENT})).history.start == "since"


@pytest.mark.parametrize(
    "script",
    [
        'window.ui = SwaggerUIBundle({ url: "../../../spec/v3.json", dom_id: "#ui" })',
        "var options = " + json.dumps({"swaggerDoc": {"openapi": "3.0.0", **DOCUMENT}, "customOptions": {}}),
        'window.ui = SwaggerUIBundle({ "configUrl" : "/spec/swagger-config" })',
        "ui = SwaggerUIBundle(Object.assign({}, {url: resolveUrl('./json')}))",
    ],
)
@pytest.mark.parametrize("name", ["./swagger-initializer.js", "swagger-ui-init.js", "app.js"])
def test_the_docs_pages_script_names_it(name, script):
    """Or holds the document itself, or names a configuration that names it."""
    page = f'<script src="./swagger-ui-bundle.js"></script><script src="{name}"></script>'
    pages = {f"{API}/docs": page, f"{API}/{name.removeprefix('./')}": script, "/spec/v3.json": DOCUMENT}
    pages["/spec/swagger-config"] = {"configUrl": "/spec/swagger-config", "url": "/spec/v3.json"}
    pages[f"{API}/docs/json"] = DOCUMENT
    portal = Pages(pages)
    assert discovery.find(portal).history.start == "since"
    assert len(portal.asked) == len(set(portal.asked))


def test_a_document_in_several_files_is_read_whole():
    """Its own references, those of the files, and those in a circle; no other host is asked for one."""
    away = {"$ref": "https://elsewhere.example/x.json"}
    route = {"get": {"parameters": [{"$ref": "../parts.json#/parameters/Since"}, {"$ref": "#/until"}, away]},
             "until": {"$ref": "../parts.json#/parameters/Until"}}  # fmt: skip
    parameters = {"Since": SINCE, "Until": {**SINCE, "name": "until", "schema": {"$ref": "spec/v3.json#/when"}}}
    pages = Pages({
        "/openapi.json": {"openapi": "3.1.0", "paths": {f"{API}/history": {"$ref": "spec/paths/history.json"}}},
        "/spec/paths/history.json": route, "/spec/parts.json": {"parameters": parameters},
        "/spec/spec/v3.json": {"when": {"type": "integer", "description": "epoch milliseconds"}, "$ref": "v3.json"},
    })  # fmt: skip
    found = discovery.find(pages).history
    assert (found.start, found.end) == ("since", "until")
    assert len(pages.asked) == len(set(pages.asked)) <= 6
    assert discovery.find(Pages({"/openapi.json": pages.pages["/openapi.json"]})).history.path == f"{API}/history"


def test_a_document_that_refers_to_others_without_end_is_read_as_far_as_some_go():
    """The portal is not asked for all of them."""
    pages = {f"/{number}.json": {"x": {"$ref": f"/{number + 1}.json"}} for number in range(99)}
    portal = Pages({**pages, "/openapi.json": {**DOCUMENT, "x": {"$ref": "/0.json"}}})
    assert discovery.find(portal).history.start == "since"
    assert 3 < len(portal.asked) < 20


def test_the_usual_address_is_asked_first():
    """One request where it lies there."""
    pages = Pages({f"{API}/openapi.json": DOCUMENT})
    assert discovery.find(pages).source == f"OpenAPI document {API}/openapi.json"
    assert len(pages.asked) == 1


def test_no_other_host_is_asked():
    """A docs page may name a document elsewhere; the token does not go there, nor is its path asked for here."""
    page = '<redoc spec-url="https://elsewhere.example/spec/openapi.json"></redoc>'
    pages = Pages({f"{API}/docs": page, "/spec/openapi.json": DOCUMENT})
    assert "built in" in discovery.find(pages).source
    assert "/spec/openapi.json" not in pages.asked


@pytest.mark.parametrize(
    "page",
    [
        "",
        "{",
        "[]",
        '{"paths": 3}',
        "null",
        "<html>",
        "[" * 100_000,
        '{"openapi": "3.1.0", "paths": {}}',
        '<redoc spec-url="http://[bad/openapi.json"></redoc>',
    ],
)
def test_what_is_no_document_is_passed_over(page):
    """Nothing raises, and the contract is the built-in one."""
    known = discovery.find(Pages({f"{API}/openapi.json": page, f"{API}/docs": page}))
    assert known.history.start == "start"


@pytest.mark.parametrize(
    "error", [TokenRefusedError("no", status_code=401), PortalUnavailableError("down", status_code=503)]
)
def test_a_portal_that_cannot_be_asked_is_no_portal_without_a_document(error):
    """Else its history would be asked for by assumption."""
    with pytest.raises(type(error)):
        discovery.find(Pages({f"{API}/openapi.json": error}))


WRITTEN = f"""# made by a tool
openapi: 3.0.3
paths:
  {API}/history:
    get:
      parameters:
      - {{name: since, in: query, schema: {{format: date-time}}}}
"""


def test_of_a_document_in_yaml_json_is_asked_for():
    """Some tools give YAML unless they are asked."""
    pages = Pages({f"{API}/docs": '<redoc spec-url="/schema/"></redoc>', "/schema/": WRITTEN})
    pages.pages["/schema/?format=json"] = DOCUMENT
    assert discovery.find(pages).history.start == "since"
    assert pages.asked[-1] == "/schema/?format=json"


def test_a_document_in_yaml_may_begin_with_anything():
    """Tools that sort the names write ``info`` before ``openapi``."""
    pytest.importorskip("yaml")
    written = "info:\n  title: iSR\n" + WRITTEN.partition("\n")[2]
    openapi, _, paths = written.partition("paths:")
    last = openapi.replace("openapi: 3.0.3\n", "") + "paths:" + paths + "openapi: 3.0.3\n"
    for body in (written, last):
        assert discovery.find(Pages({f"{API}/openapi.json": body})).history.start == "since"


@pytest.mark.parametrize("installed", [True, False])
def test_a_document_in_yaml_alone_is_read_or_named(monkeypatch, installed):
    """It is read where PyYAML is there; else the source says that there is one."""
    if installed:
        pytest.importorskip("yaml")
    else:
        monkeypatch.setitem(sys.modules, "yaml", None)
    known = discovery.find(Pages({f"{API}/docs": '<redoc spec-url="/schema/"></redoc>', "/schema/": WRITTEN}))
    assert (known.history.start == "since") is installed
    assert ("a YAML document at /schema/, which is not read" in known.source) is not installed
