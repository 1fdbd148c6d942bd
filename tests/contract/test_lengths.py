"""Ranges that are asked for by their length: what parameters of it take, and that nothing is lost on the way."""

from __future__ import annotations

import json

import portals
import pytest
from portals import FIRST, NOW, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis import errors, times
from isr_analysis.contract import lengths, openapi
from isr_analysis.contract.contract import History
from isr_analysis.messages import Selector
from isr_analysis.times import DAY, HOUR, MINUTE, Range

HOURLY = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"i": i}) for i in range(4 * 24)]


def read(*parameters) -> History:
    """Read the history's part of the contract from parameters, each a name, a schema and words."""
    listed = [
        {"name": name, "in": "query", "description": words, "schema": schema} for name, schema, words in parameters
    ]
    return openapi.read({"paths": {f"{portals.API}/history": {"get": {"parameters": listed}}}}, "/o.json").history


INTEGER, TEXT, ISO = {"type": "integer"}, {"type": "string"}, {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("name", "schema", "words", "form", "longest"),
    [
        ("hours", {**INTEGER, "maximum": 168}, "", "h", "168h"),
        ("last_days", INTEGER, "", "d", None),
        ("hours", {}, "", "h", None),
        ("lookback", INTEGER, "in minutes", "min", None),
        ("range", {**TEXT, "enum": ["1h", "24h", "7d"]}, "", "1h,24h,7d", "7d"),
        ("last", {**TEXT, "default": "24h"}, "", "24h", None),
        ("period", {**TEXT, "example": "PT1H"}, "", "PT24H", None),
        ("since", TEXT, "how far back, such as 90m", "24h", None),
        ("range", {**TEXT, "example": "PT6H"}, "ISO 8601 duration back from now", "PT24H", None),
        ("timespan", TEXT, "How far back to look, an ISO8601 time period", "PT24H", None),
        ("last", TEXT, "As an ISO 8601 duration", "PT24H", None),
    ],
)
def test_a_parameter_of_a_length_is_found(name, schema, words, form, longest):
    """With what it takes, and the longest that it allows; it is no instant then."""
    known = read((name, schema, words), ("limit", INTEGER, ""))
    assert (known.length, known.length_form, known.longest, known.start) == (name, form, longest, None)


@pytest.mark.parametrize("name", ["min_time", "minTimestamp", "min_ts"])
def test_the_least_instant_is_no_length_in_minutes(name):
    """Taken for one, it was not sent, and all that the portal has was asked for."""
    known = read((name, INTEGER, ""), ("max_time", INTEGER, ""))
    assert (known.start, known.end, known.length) == (name, "max_time", None)


def test_beside_a_range_a_length_means_something_else():
    """An average's window, or how long to wait: it is left alone."""
    window = ("window", {**TEXT, "default": "5m"}, "of the average")
    assert read(("start", ISO, ""), ("end", ISO, ""), window).length is None
    assert read(("start", ISO, ""), window).length is None
    assert read(("start", ISO, ""), ("hours", INTEGER, "")).length == "hours"


def test_a_duration_beside_a_start_is_the_ranges_own():
    """Left out, the portal would give its default of it."""
    known = read(("start", ISO, ""), ("duration", {**TEXT, "default": "1h"}, "e.g. 24h, at most 48h"))
    assert (known.length, known.length_form, known.longest) == ("duration", "24h", "48h")


@pytest.mark.parametrize(
    ("form", "ns", "written"),
    [
        ("h", HOUR, "1"),
        ("h", HOUR + 1, "2"),
        ("d", HOUR, "1"),
        ("24h", 25 * HOUR - 1, "25h"),
        ("PT24H", DAY, "PT24H"),
        ("1h,24h,7d", 2 * HOUR, "24h"),
        ("7d,1h,24h", MINUTE, "1h"),
        ("1h,24h", DAY + 1, None),
    ],
)
def test_a_length_holds_what_is_wanted(form, ns, written):
    """Rounded up, never down; None where nothing offered is long enough."""
    assert lengths.written(form, ns) == written


class Back(Server):
    """A portal that is asked how many hours or texts back; what it is not asked for is a day."""

    parameter, schema = "hours", {"type": "integer", "maximum": 24 * 7}

    def _document(self, *_):
        listed = [
            {"name": self.parameter, "in": "query", "schema": self.schema},
            {"name": "cursor", "in": "query", "schema": TEXT},
        ]
        body = {"paths": {f"{portals.API}/history": {"get": {"parameters": listed}}}}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def _range(self, asked):
        said = asked.get(self.parameter, "24")
        return self.now - (times.duration(said) if said[-1].isalpha() else int(said) * HOUR), self.now


class Offered(Back):
    """The same, with a few texts to choose from."""

    parameter, schema = "range", {"type": "string", "enum": ["24h", "3d", "7d"]}


@pytest.mark.parametrize("kind", [Back, Offered])
def test_a_range_that_lies_back_is_had_whole(home, kind):
    """Days long ago are no empty frame where the portal gives the last day unless it is asked for more."""
    with portals.mocked(kind(Dialect(start=None, end=None, cap=30), HOURLY), home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-04", portal=portal)
        assert df["i"].tolist() == list(range(72))
        assert isr.load_history(last="6h", portal=portal)["i"].tolist() == [95]


@pytest.mark.parametrize("order", ["up", "down", "mixed"])
def test_an_answer_of_an_odd_length_that_reaches_back_is_whole(home, order):
    """No part of it can be asked for; one of a round length may be the portal's limit, and is not taken for whole."""
    some = HOURLY[:71]
    server = Back(Dialect(start=None, end=None, cap=5000, order=order, paging="none"), some)
    with portals.mocked(server, home) as portal:
        df = isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
        assert df["i"].tolist() == list(range(24))
    if order == "mixed":
        server = Back(Dialect(start=None, end=None, cap=60, order=order, paging="none"), some)
        with portals.mocked(server, home / "other") as portal, pytest.raises(errors.HistoryIncompleteError):
            isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)


@pytest.mark.parametrize("kind", [Back, Offered])
def test_a_range_too_far_back_is_an_error(home, kind):
    """It cannot be asked for, so it is not taken for empty."""
    with (
        portals.mocked(kind(Dialect(start=None, end=None), HOURLY), home) as portal,
        pytest.raises(errors.HistoryIncompleteError, match="reaches back"),
    ):
        isr.load_history(start="2026-10-20", end="2026-10-22", portal=portal)


def test_from_a_start_on_the_length_is_the_ranges_own():
    """Start and length in the place of start and end."""
    known = History(end=None, length="hours")
    asked = known.question(Selector(), Range(FIRST, FIRST + DAY + 1), account_id=None, now=NOW)
    assert (asked["start"], asked["hours"]) == ("2026-11-01T00:00:00Z", "25")
