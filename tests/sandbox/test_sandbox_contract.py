"""The sandbox against its own OpenAPI document: whatever is asked, answers as described and no failure."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from isr_analysis import sandbox

schemathesis = pytest.importorskip("schemathesis")
openapi = pytest.importorskip("schemathesis.specs.openapi.checks")

ROUTES = 16


@pytest.fixture(scope="module")
def here():
    """Run a sandbox of its own: its books are filled with whatever comes to mind."""
    with sandbox.serve(days=2, limit=10**9) as running:
        yield running


def operations(here):
    """Give the operations of the sandbox's document."""
    document = schemathesis.openapi.from_url(f"{here.origin}/api/v1/subscriber/openapi.json")
    return [found.ok() for found in document.get_all_operations()]


def asked(operation, headers, count, mode):
    """Send made-up requests of an operation, and give the status codes; each answer must be as the document says."""
    seen = set()
    # No schema can say that a range runs forward, so some questions that fit it are refused, rightly. And what is wrong
    # in a query may be right on the wire, where the number 0.3 is a text like any other.
    excluded = [openapi.positive_data_acceptance, *([] if operation.body else [openapi.negative_data_rejection])]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=count, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def send(case):
        answer = case.call_and_validate(headers=headers, excluded_checks=excluded)
        seen.add(answer.status_code)
        assert answer.status_code < 500

    send()
    return seen


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_is_too_much(here, mode):
    """Made-up requests to every route, right or wrong, get an answer as described, never a failure of the server."""
    headers = {"Authorization": f"Bearer {here.token}"}
    seen = {}
    for operation in operations(here):
        try:
            seen[operation.label] = asked(operation, headers, 15, mode)
        except Unsatisfiable:  # a route to which nothing wrong can be sent
            assert mode is schemathesis.GenerationMode.NEGATIVE
    assert len(seen) == ROUTES or mode is schemathesis.GenerationMode.NEGATIVE
    assert {200, 201, 422} & set.union(*seen.values())


def test_nothing_is_given_without_a_token(here):
    """Without a token every route answers 401, and nothing else."""
    known = operations(here)
    assert len(known) == ROUTES
    for operation in known:
        answer = operation.Case(path_parameters={"client_id": "a", "invite_id": "a", "user_id": "a"}).call()
        assert answer.status_code == 401, operation.label
