"""Which words of a refusal are names of parameters, and which are those of a sentence."""

from __future__ import annotations

import dataclasses

import pytest

from isr_analysis.contract.contract import History
from isr_analysis.contract.refusals import revised
from isr_analysis.times import DAY

ASKED = {"start": "2024-10-04T00:00:00Z", "end": "2024-10-05T00:00:00Z", "client_id": "x", "limit": "10000"}


def test_the_names_of_ends_are_no_words_about_a_range():
    """An instant of ``interval.startTime`` is refused for its form, and not for how long the range is."""
    known = History(start="interval.startTime", end="interval.endTime")
    asked = {"interval.startTime": "2024-10-04T00:00:00Z", "interval.endTime": "2024-10-05T00:00:00Z"}
    for words in ("interval.startTime: use YYYYMMDDTHHMMSSZ", "query.interval.endTime: use YYYYMMDDTHHMMSSZ"):
        new = revised(known, asked, words, DAY)
        assert new is not None
        assert (new.time_form, new.longest, new.start) == ("%Y%m%dT%H%M%SZ", None, "interval.startTime")


def test_a_least_amount_that_is_wanted_is_no_start():
    """The refusal stands, and says what is missing."""
    assert revised(History(), ASKED, "min_voltage is required", DAY) is None


@pytest.mark.parametrize(("name", "other"), [("From", "from"), ("StartTime", "startTime"), ("startTime", None)])
def test_a_name_as_a_program_spells_its_own_field_is_tried_in_other_spellings(name, other):
    """Go tells of the field `From`, and takes the parameter `from`."""
    known, words = History(start=name), f"Field validation for '{name}' failed on the 'required' tag"
    found = revised(known, {"start" if other is None else name: "x", name: "x"}, words, DAY)
    assert found == (None if other is None else dataclasses.replace(known, start=other))


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("You need to narrow the range to 24 hours", "end"),
        ("You need to use a range of at most 1 day to get data from this endpoint", "end"),
        ("Range needs to be at most 1 day", "end"),
        ("unexpected parameter: end. Refer to the manual", None),
        ("Unknown parameter 'end'. Allowed: start and to", "to"),
    ],
)
def test_words_of_a_sentence_name_no_parameter(words, end):
    """Though "to", "from" and "day" are names elsewhere: what the sentence says is learned, and no other name."""
    new = revised(History(), {"start": ASKED["start"], "end": ASKED["end"]}, words, DAY)
    assert new == (History(end=end) if end != "end" else History(longest="43200s"))


@pytest.mark.parametrize(
    "words",
    ["start is required to be before end", "start_date must be before end_date", "end_date: must be after start_date",
     "Your plan needs access to history from before 2024"],
)  # fmt: skip
def test_ends_that_a_sentence_compares_are_not_missing(words):
    """The refusal stands: there is no other name in it."""
    assert revised(History(client=None), ASKED, words, DAY) is None


@pytest.mark.parametrize(
    "words",
    ["The start must be a valid date.", "start must be a valid ISO 8601 date string", "end must be a date before 2024"],
)
def test_words_of_what_was_sent_name_no_other_parameter(words):
    """A date is what it should be, and none that is missing."""
    found = revised(History(), ASKED, words, DAY)
    assert found is None or (found.start, found.end) == ("start", "end")


@pytest.mark.parametrize(
    "words",
    [
        "Required request header 'X-Account-Id' for method parameter type String is not present",
        "header X-Tenant is required",
        "Missing required headers",
    ],
)
def test_a_header_that_is_wanted_is_no_client(words):
    """The refusal stands, with the words that say which it is."""
    assert revised(History(), {"start": "2024-10-04T00:00:00Z"}, words, DAY) is None
