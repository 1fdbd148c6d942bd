"""The words of a refusal, taken out of whatever body they stand in."""

from __future__ import annotations

import json
import time

import pytest

from isr_analysis.answers import error_words, read_page
from isr_analysis.contract.contract import History
from isr_analysis.contract.refusals import revised
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY

ASKED = {"start": "2024-10-04T00:00:00Z", "end": "2024-10-05T00:00:00Z", "client_id": "x", "limit": "10000"}
ISSUES = [{"path": [name], "message": "Required"} for name in ("from", "to")]
"""What Zod says is wrong."""


def _took(page):
    """Measure how long a page takes at best, in processor time."""
    rounds = []
    for _ in range(3):
        began = time.process_time_ns()
        error_words(b"<html>" + page, "text/html")
        rounds.append(time.process_time_ns() - began)
    return min(rounds)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"<title>502</title><p>Bad <b>gate</b> way</p> and <p class=x>a &amp; b</p>", "502; Bad gate way; a & b"),
        (b"<h1>502</h1><p>Bad gateway<p>see the log" + b"<p>" * 30_000, "502; Bad gateway; see the log"),
        (b"<style>p { }</style>Bad <i>gateway</i><script>if (a < b) { }</script>", "Bad gateway"),
        (b"<" * 100_000, ""), (b"<script>" * 12_000, ""), (b"<style " * 14_000, ""), (b"<h1>" * 25_000, ""),
    ],
)  # fmt: skip
def test_a_page_of_html_is_read_at_once_whatever_it_leaves_open(page, said):
    """Paragraphs without an end are usual; tags without one are a page that was cut, or no page."""
    words = error_words(b"<html>" + page, "text/html")
    assert _took(page) < 10 * _took(page[: len(page) // 4])  # not with the square of its length
    assert words.startswith(f"(a page of HTML) {said}".strip())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": [{"loc": [], "msg": "end must be after start"}]}, "end must be after start"),
        ({"detail": {"loc": ["query", "start"], "msg": "field required"}}, "query.start: field required"),
        ({"issues": [{"path": [], "message": "Bad range"}, ISSUES[0]]}, "Bad range; from: Required"),
    ],
)
def test_a_check_of_no_parameter_is_told_as_one_of_a_parameter_is(body, said):
    """As of a rule over several of them, which pydantic and Zod place nowhere."""
    assert error_words(json.dumps(body).encode()) == said


OF_CHECKS = [
    # Litestar, huma, Quarkus, Symfony
    {
        "detail": "Validation failed",
        "extra": [{"message": "is required", "key": "from"}, {"message": "is required", "key": "to"}],
    },
    {
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "validation failed",
        "errors": [
            {"message": "required query parameter is missing", "location": "query.from"},
            {"message": "missing", "location": "query.to"},
        ],
    },
    {
        "title": "Constraint Violation",
        "status": 400,
        "violations": [
            {"field": "history.from", "message": "must not be null"},
            {"field": "history.to", "message": "must not be null"},
        ],
    },
    {
        "detail": "Invalid",
        "violations": [
            {"propertyPath": "from", "message": "is required"},
            {"propertyPath": "to", "message": "is required"},
        ],
    },
    # celebrate, express-validator, Spring, RFC 7807 and 9457, JSON:API
    {
        "message": "celebrate request validation failed",
        "validation": {
            "query": {"source": "query", "keys": ["from"], "message": "is required"},
            "params": {"keys": ["to"], "message": "is required"},
        },
    },
    {"errors": [{"msg": "is required", "path": "from"}, {"msg": "is required", "path": "to"}]},
    {
        "message": "Validation failed",
        "errors": [
            {"codes": ["NotNull.q.x"], "defaultMessage": "must not be null", "field": "from"},
            {"defaultMessage": "must not be null", "field": "to"},
        ],
        "path": "/api/v1/subscriber/history",
    },
    {
        "title": "Invalid",
        "invalid-params": [{"name": "from", "reason": "is required"}, {"name": "to", "reason": "is required"}],
    },
    {
        "title": "Invalid",
        "errors": [{"detail": "is required", "pointer": "#/from"}, {"detail": "is required", "pointer": "#/to"}],
    },
    {
        "errors": [
            {"source": {"parameter": "from"}, "title": "Missing", "detail": "is required"},
            {"source": {"pointer": "/to"}, "title": "Missing", "detail": "is required"},
        ]
    },
    # Micronaut, Google's APIs, Zod's flatten, flask-smorest
    {
        "_embedded": {
            "errors": [
                {"message": "Required QueryValue [from] not specified"},
                {"message": "Required QueryValue [to] not specified"},
            ]
        },
        "message": "Bad Request",
    },
    {
        "error": {
            "message": "invalid argument",
            "details": [
                {
                    "fieldViolations": [
                        {"field": "from", "description": "is required"},
                        {"field": "to", "description": "is required"},
                    ]
                }
            ],
        }
    },
    {"error": {"formErrors": [], "fieldErrors": {"from": ["Required"], "to": ["Required"]}}},
    {"code": 422, "errors": {"query": {"from": ["Missing data"], "to": ["Missing data"]}}},
    # ASP.NET, and those of own making
    {"Message": "The request is invalid.", "ModelState": {"from": ["is required"], "to": ["is required"]}},
    {"error": {"message": "Invalid", "fields": {"from": "is required", "to": "is required"}}},
    {"title": "Bad parameters", "parameter": {"from": ["is required"], "to": ["is required"]}},
    {"message": "Invalid", "causes": [{"context": name, "description": "is required"} for name in ("from", "to")]},
    {"invalidFields": [{"name": name, "errorDescription": "is required"} for name in ("from", "to")], "ref": "7"},
    {"type": "about:blank", "problems": [{"name": name, "title": "is required"} for name in ("from", "to")]},
]
"""The failed checks of parameters, as frameworks write them."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": [{"field": "from", "message": "is required"}, {"field": "to", "message": "is required"}]}',
        b'{"error": [{"path": ["from"], "message": "Required"}, {"path": ["to"], "message": "Required"}]}',
        b'{"detail": [{"param": "from", "msg": "must be given"}, {"param": "to", "msg": "must be given"}]}',
        json.dumps({"success": False, "error": {"name": "ZodError", "issues": ISSUES}}).encode(),
        json.dumps({"error": {"name": "ZodError", "message": json.dumps(ISSUES, indent=2)}}).encode(),
        b'{"message": "Invalid", "details": {"from": {"message": "Required"}, "to": {"message": "Required"}}}',
        *(json.dumps(one).encode() for one in OF_CHECKS),
    ],
)
def test_a_name_beside_the_words_is_read_with_them(body):
    """As lists of failed checks have it."""
    new = revised(History(), ASKED, error_words(body), DAY)
    assert new is not None
    assert (new.start, new.end) == ("from", "to")


def test_what_stands_beside_the_words_and_is_no_check_is_left_out():
    """As the data of a failure: only lists of checks are words."""
    assert error_words(b'{"detail": "Gone", "extra": ["a"], "data": [{"id": 7}]}') == "Gone"
    assert error_words(b'{"message": "Gone", "extra": {"trace": 3}, "data": []}') == "Gone"
    assert error_words(b'{"message": "Gone", "parameters": {"start": "2024-10-04"}}') == "Gone"
    assert error_words(b'{"errors": [{"title": "Gone", "detail": "after 90 days"}]}') == "Gone: after 90 days"


@pytest.mark.parametrize(
    "body",
    [
        {"errorMessage": "Gone", "statusCode": 400},
        {"errorMessages": ["Gone"], "errors": {}},
        {"error_message": "Gone", "success": False},
        {"ErrorMessage": "Gone", "Kind": "Failed"},
        {"Message": "Gone"},
        {"MESSAGE": "Gone", "CODE": 7},
        {"status_message": "Gone", "status_code": 400},
        {"error": {"innerErrors": ["Gone"], "name": "ValidationError"}},
        {"errors": [{"description": "Gone", "errorCode": "E7"}]},
        {"fault": {"faultstring": "Gone", "code": 7}},
        {"fault": {"errors": [{"description": "Gone"}], "faultId": "7"}},
        {"code": 400, "description": "Gone"},
        {"messages": ["Gone"]},
    ],
)
def test_words_are_found_under_whatever_they_are_called(body):
    """In each spelling, and not shown as an object with all that stands beside them."""
    assert error_words(json.dumps(body).encode()) == "Gone"


def test_a_hint_for_developers_stands_before_what_says_nothing():
    """And so does the parameter that is meant, where it is told apart."""
    assert (
        error_words(b'{"code": 7, "debugInfo": "Login is locked", "message": "Forbidden"}')
        == "Login is locked: Forbidden"
    )
    words = b'{"error": {"details": {"param": "from"}, "message": "Parameter is missing.", "name": "paramMissing"}}'
    assert error_words(words) == "from: Parameter is missing."
    assert error_words(b'{"description": "For logs", "errorMessage": "Gone"}') == "Gone: For logs"


def test_nothing_is_no_page():
    """Frameworks call an empty body HTML, too."""
    assert error_words(b"", "text/html; charset=utf-8") == ""


def test_a_status_beside_rows_is_told_with_the_portals_words():
    """An error in the portal's own words, also where HTTP says that all is well."""
    with pytest.raises(AnswerError, match="status 'error': the store is down"):
        read_page(b'{"status": "error", "message": "the store is down", "data": []}')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"message": '"from" is required', "validation": {"source": "query", "keys": ["from"]}},
            '"from" is required',
        ),
        ({"title": "Missing parameter", "description": 'The "since" parameter is required.'},
         'Missing parameter: The "since" parameter is required.'),
    ],
)  # fmt: skip
def test_what_stands_around_the_words_is_left_out_and_all_of_these_are_told(body, said):
    """Of Hapi the place of a parameter, whose own names are no parameters; of Falcon what is missing."""
    assert error_words(json.dumps(body).encode(), "application/json") == said
