"""What a portal's refusal teaches."""

from __future__ import annotations

import pytest

from isr_analysis.portal.contract import History
from isr_analysis.portal.refusals import beyond_retention, revised
from isr_analysis.times import DAY, HOUR, MINUTE

ASKED = {"start": "2024-10-04T00:00:00Z", "end": "2024-10-05T00:00:00Z", "client_id": "x", "limit": "10000"}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("query.from: Field required; query.to: Field required", {"start": "from", "end": "to"}),
        ("missing required parameter 'since'", {"start": "since"}),
        ("`device_id` is required", {"client": "device_id", "client_required": True}),
        ("unknown parameter: client_id", {"client": None}),
        ("query.limit: Input should be less than or equal to 500", {"page_size": 500, "page_size_is_kept": True}),
        ("limit must be between 1 and 2,000", {"page_size": 2000, "page_size_is_kept": True}),
        ("query.start: Input should be a valid integer, unable to parse string as an integer", {"time_form": "s"}),
        ("start must be a unix timestamp in milliseconds", {"time_form": "ms"}),
        ("query.limit: Extra inputs are not permitted", {"limit": None}),
        ("the range may be at most 6 hours", {"longest": "6h"}),
        ("time range too large", {"longest": "43200s"}),
        ("tenant_id must be provided", {"account": "tenant_id"}),
    ],
)
def test_words_lead_to_another_question(words, change):
    """Names that are missing or unknown, forms, sizes and ranges."""
    new = revised(History(), ASKED, words, DAY)
    assert new is not None
    assert {name: getattr(new, name) for name in change} == change


@pytest.mark.parametrize(
    "words", ["", "start must be before end", "no", "query.start: something else is wrong", "forbidden"]
)
def test_words_that_teach_nothing_leave_the_refusal(words):
    """The portal's refusal is then the caller's."""
    assert revised(History(), ASKED, words, DAY) is None


def test_a_range_is_not_cut_for_ever():
    """At a minute the range is not what is wrong."""
    assert revised(History(), ASKED, "range too large", MINUTE) is None
    assert revised(History(longest="6h"), ASKED, "the range may be at most 6 hours", 6 * HOUR).longest == "10800s"


@pytest.mark.parametrize(
    ("status", "words", "beyond"),
    [(410, "", True), (422, "start lies before the retention of 90 days", True), (404, "no longer available", True),
     (422, "start is no instant", False), (404, "not found", False), (500, "retention", False)],
)  # fmt: skip
def test_what_is_no_longer_kept_is_known(status, words, beyond):
    """So that it counts as empty and is not asked for again and again."""
    assert beyond_retention(status, words) is beyond
