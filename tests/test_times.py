"""Instants, ranges, windows."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isr_analysis import times
from isr_analysis.errors import UsageError

NOON = 1_793_534_400 * times.SECOND  # 2026-11-01T12:00:00Z


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T12:00:00Z",
        "2026-11-01T13:00:00+01:00",
        "2026-11-01 12:00",
        dt.datetime(2026, 11, 1, 12),  # noqa: DTZ001 (a naive one is what is tried)
        dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC),
        pd.Timestamp("2026-11-01T12:00", tz="UTC"),
        np.datetime64("2026-11-01T12:00"),
    ],
)
def test_every_form_of_an_instant_is_the_same_instant(value):
    """ISO text, datetime, pandas and numpy instants mean the same; one without a zone is UTC."""
    assert times.instant(value) == NOON


def test_a_naive_instant_is_read_in_the_given_zone():
    """`tz` places a wall-clock time; an offset in the value wins over it."""
    assert times.instant("2026-11-01T13:00", "Europe/Zurich") == NOON
    assert times.instant("2026-11-01T12:00Z", "Europe/Zurich") == NOON


def test_a_date_is_its_first_instant_in_the_zone():
    """A day begins at midnight of its zone, as text and as a date."""
    begin = times.instant("2026-10-31T23:00Z")
    assert times.instant("2026-11-01", "Europe/Zurich") == begin
    assert times.instant(dt.date(2026, 11, 1), "Europe/Zurich") == begin


def test_the_first_and_the_last_instant_that_can_be_asked_for():
    """From 1970 to 2100, both ends counted in."""
    assert times.instant("1970-01-01") == 0
    assert times.iso(times.instant("2100-01-01")) == "2100-01-01T00:00:00Z"
    for beyond in ("1969-12-31T23:59:59.999999999", "2100-01-01T00:00:00.000000001"):
        with pytest.raises(UsageError, match="outside of 1970 to 2100"):
            times.instant(beyond)


@pytest.mark.parametrize("date", ["20151101", "2015-11", " 2015-11-01\n", dt.date(2015, 11, 1)])
def test_a_date_in_any_form_is_one(date):
    """In Havana it begins at the first of its two midnights, and is not asked back."""
    assert times.iso(times.instant(date, "America/Havana")) == "2015-11-01T04:00:00Z"


@pytest.mark.parametrize(
    "text",
    ["2026-11-01/2026-11-05", "2026-11-01..2026-11-02", "2026-11-01 - 2026-11-05", "2026-11-01 12:00 GMT+1",
     "2026-11-01 12:00 UTC+1", "2026-11-01-12"],
)  # fmt: skip
def test_what_is_a_range_or_names_a_zone_in_words_is_no_instant(text):
    """Of it nothing is made up: of a range no hour and minute, of GMT+1 no hour west of Greenwich."""
    with pytest.raises(UsageError, match="is not an instant; give ISO 8601"):
        times.instant(text, "Europe/Zurich")


@pytest.mark.parametrize(
    "text", ["2026-11-01t12:00:00z", "2026-11-01 12:00 UTC", "20261101T1300+01", " 2026-11-01T12 "]
)
def test_an_instant_in_other_ways_of_iso_8601(text):
    """As RFC 3339 allows it, as Python prints it, and short."""
    assert times.instant(text) == NOON


def test_a_time_that_came_twice_is_asked_back():
    """At the end of DST an hour repeats: the error shows both instants, each of which is then taken."""
    with pytest.raises(UsageError, match=r"twice.*\+02:00.*\+01:00"):
        times.instant("2026-10-25 02:30", "Europe/Zurich", name="start")
    assert times.instant("2026-10-25T02:30:00+01:00") - times.instant("2026-10-25T02:30:00+02:00") == times.HOUR


def test_a_day_that_begins_twice_begins_at_its_first_midnight():
    """In Havana midnight itself repeats when DST ends."""
    assert times.iso(times.instant("2025-11-02", "America/Havana")) == "2025-11-02T04:00:00Z"


@pytest.mark.parametrize(
    "value", ["2026-03-29 02:30", pd.Timestamp("2026-03-29").replace(hour=2), np.datetime64("2026-03-29T02:59:59")]
)
def test_a_time_that_never_came_is_refused(value):
    """At the start of DST 02:00 to 03:00 is skipped: the error gives the next instant, as which it can be written."""
    with pytest.raises(
        UsageError, match=r"^start='2026-03-29T02:.*does not exist in Europe/Zurich.*03:\d\d:\d\d\+02:00"
    ):
        times.instant(value, "Europe/Zurich", name="start")
    assert times.iso(times.instant("2026-03-29 03:00", "Europe/Zurich")) == "2026-03-29T01:00:00Z"


@pytest.mark.parametrize(
    ("date", "zone", "jump"),
    [("2026-03-29", "Asia/Beirut", "2026-03-28T22:00:00Z"), ("2016-10-22", "Antarctica/Casey", "2016-10-21T16:00:00Z"),
     ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z")],
)  # fmt: skip
def test_a_day_without_a_midnight_begins_at_the_jump(date, zone, jump):
    """In Beirut the clocks went from midnight to one, at Casey to three, and in Samoa to the next day."""
    assert times.iso(times.instant(date, zone)) == jump
    assert times.midnight_after(times.instant(jump) - 1, zone) == times.instant(jump)


def test_the_next_instant_is_right_where_the_clocks_jump_by_more_than_an_hour():
    """At Troll they go from one to three, at Casey they went from midnight to three."""
    for value, zone, after in (
        ("2026-03-29 01:30", "Antarctica/Troll", "2026-03-29T03:00:00+02:00"),
        ("2016-10-22T00:30:00.5", "Antarctica/Casey", "2016-10-22T03:00:00+11:00"),
    ):
        with pytest.raises(UsageError, match=f"does not exist in {zone}.*{re.escape(after)}"):
            times.instant(value, zone)


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "now", "12:00", "2026", 1793534400, 1.5, True, None, "NaT", "2026-13-01", "1066-10-14",
     "2262-04-12", []],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_its_name(value):
    """Numbers (which unit?), words, impossible and far-off dates raise an error that names the argument."""
    with pytest.raises(UsageError, match=r"^start="):
        times.instant(value, name="start")


@pytest.mark.parametrize(
    ("text", "ns"),
    [("7d", 7 * times.DAY), ("90min", 90 * times.MINUTE), ("1.5h", 90 * times.MINUTE), ("30 s", 30 * times.SECOND),
     ("2w", 14 * times.DAY), ("5m", 5 * times.MINUTE), (pd.Timedelta("2h"), 2 * times.HOUR),
     (np.timedelta64(2, "h"), 2 * times.HOUR), ("7 days", 7 * times.DAY), ("1 Week", 7 * times.DAY),
     ("12 hours", 12 * times.HOUR), ("45 Minutes", 45 * times.MINUTE), ("10sec", 10 * times.SECOND),
     (pd.offsets.Hour(2), 2 * times.HOUR), (pd.offsets.Minute(5), 5 * times.MINUTE), (pd.offsets.Day(), times.DAY),
     (pd.offsets.Milli(), times.SECOND // 1000),
     ("1h30m", 90 * times.MINUTE), (times.lasting(26 * times.HOUR), 26 * times.HOUR)],
)  # fmt: skip
def test_durations(text, ns):
    """A number and a unit make a duration, or several of them, as the toolkit itself writes one."""
    assert times.duration(text) == ns


@pytest.mark.parametrize(
    "value",
    ["", "d", "-1d", "0d", "7", "7 days or so", "1h30", "1M", "1d 1M", "2 months", "7dd", "9" * 400 + "d", 7, None,
     dt.timedelta(0), dt.timedelta(days=999_999), pd.offsets.MonthEnd(), pd.offsets.Week(weekday=0),
     pd.offsets.Hour(-1), pd.offsets.BusinessDay(), pd.offsets.Day(999_999_999)],
)  # fmt: skip
def test_what_is_no_duration_is_refused(value):
    """No unit, no number, zero or below: an error that shows the forms."""
    with pytest.raises(UsageError, match="7d"):
        times.duration(value)


def test_a_duration_of_nothing_is_told_from_what_is_none():
    """Of nothing or less it is said what is wrong: that it is not above zero."""
    for value in ("0s", "-1d", "0.0000000001s", dt.timedelta(0), np.timedelta64(-1, "h")):
        with pytest.raises(UsageError, match=r"is not a duration above zero; .*7d"):
            times.duration(value, name="every")
    for value in ("soon", "9" * 400 + "d", pd.NaT):
        with pytest.raises(UsageError, match=r"is not a duration; .*7d"):
            times.duration(value, name="every")


def test_an_age_may_be_zero():
    """Where nothing is a length, as of an age, it is taken; less than that is not."""
    for nothing in ("0s", dt.timedelta(0), 0, "0"):
        assert times.duration(nothing, zero=True) == 0
    for unclear in (False, 60, "60"):
        with pytest.raises(UsageError, match="is not a duration"):
            times.duration(unclear, zero=True)
    with pytest.raises(UsageError, match="is not a duration of zero or more"):
        times.duration(dt.timedelta(-1), zero=True)


@pytest.mark.parametrize(("zone", "meant"), [("europe/zurich", "Europe/Zurich"), ("New York", "America/New_York")])
def test_a_misspelt_zone_is_told_its_name(zone, meant):
    """As it stands in the list of zones; an abbreviation is like those of other hours, and is told none."""
    with pytest.raises(UsageError, match=f'did you mean "{meant}"'):
        times.zone(zone)
    for other in ("GMT+1", "CEST", "WEST", "GMT+02", "localtime"):  # Etc/GMT+2 lies west of Greenwich
        with pytest.raises(UsageError, match=r"or .UTC.$"):
            times.zone(other)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "local", 3, "localtime", "posixrules", "right/Europe/Zurich"])
def test_an_unknown_zone_is_refused(zone):
    """The machine's own zone has no name here, also where a file beside the zones holds it."""
    with pytest.raises(UsageError, match="time zone"):
        times.zone(zone)


def test_resolve_reads_the_arguments_of_a_loader():
    """`start` and `end`, `last` before `end` or now; `end` is now if left out."""
    day, later = times.Range(NOON - times.DAY, NOON), NOON + 30 * times.DAY
    assert times.resolve("2026-10-31T12:00", "2026-11-01T12:00", None, tz=None, now=later) == day
    assert times.resolve(None, None, "1d", tz=None, now=NOON) == day
    assert times.resolve(None, "2026-11-01T12:00", dt.timedelta(days=1), tz=None, now=later) == day
    assert times.resolve("2026-10-31T12:00", None, None, tz=None, now=NOON) == day
    assert times.resolve(None, "1970-01-02", "1d", tz=None, now=NOON) == times.Range(0, times.DAY)


def test_a_range_that_is_none_is_told_in_the_zone_in_which_it_was_asked_for():
    """Somebody who wrote the tenth is not told of the ninth."""
    where = {"tz": "Europe/Zurich", "now": NOON}
    with pytest.raises(UsageError, match=r"2026-10-20T00:00:00\+02:00 comes after its end 2026-10-10T00:.*swap"):
        times.resolve("2026-10-20", "2026-10-10", None, **where)
    with pytest.raises(UsageError, match=r"is empty: it starts and ends at 2026-10-20T00:00:00\+02:00"):
        times.resolve("2026-10-20", "2026-10-20", None, **where)
    with pytest.raises(UsageError, match=r"in the future, at 2026-12-20T00:00:00\+01:00"):
        times.resolve("2026-12-20", None, None, **where)
    with pytest.raises(UsageError, match="2026-10-20T00:00:00Z comes after"):
        times.resolve("2026-10-20", "2026-10-10", None, tz="UTC", now=NOON)


@pytest.mark.parametrize(
    ("start", "end", "last", "words"),
    [
        (None, None, None, "neither"),
        ("2026-11-01", None, "7d", "both"),
        ("2026-11-02", "2026-11-01", None, "backward"),
        ("2026-11-01", "2026-11-01", None, "empty"),
        ("2030-01-01", None, None, "future"),
        ("2026-11-01T12:00", None, None, "future"),
        ("2026-11-01T12:00", "2026-11-02", None, "future"),
        (None, None, "99999d", "1970"),
    ],
)
def test_resolve_refuses_what_is_no_range(start, end, last, words):
    """None, two, an empty or a backward range: the error says which."""
    with pytest.raises(UsageError, match=words):
        times.resolve(start, end, last, tz=None, now=NOON)


ranges = st.tuples(st.integers(0, 5 * times.DAY), st.integers(0, 5 * times.DAY)).map(lambda p: times.Range(*sorted(p)))


@given(ranges)
def test_days_are_seamless(span):
    """The days of a range meet without gap or overlap, and none crosses midnight UTC."""
    days = list(span.days())
    assert sum(d.end - d.start for d in days) == span.end - span.start
    assert all(a.end == b.start for a, b in itertools.pairwise(days))
    assert all(d and d.start // times.DAY == (d.end - 1) // times.DAY for d in days)


@given(ranges, st.lists(ranges, max_size=6), st.integers(0, 5 * times.DAY))
def test_minus_leaves_exactly_what_is_not_held(span, held, at):
    """An instant is in what is left if, and only if, it is in the range and in none of the held ones."""
    left = span.minus(held)
    inside = span.start <= at < span.end and not any(h.start <= at < h.end for h in held)
    assert any(part.start <= at < part.end for part in left) == inside
    assert all(part and part == part.common(span) for part in left)


def test_a_range_that_runs_backward_is_none():
    """Whoever makes one is told both ends."""
    with pytest.raises(UsageError, match=r"1970-01-01T00:00:00\.00000001Z comes after its end 1970-01-01T00:00:00Z"):
        times.Range(10, 0)
    assert not times.Range(10, 10)


def test_a_range_is_widened_to_whole_days():
    """At both ends; what is whole already stays."""
    wide = times.Range(2 * times.DAY, 4 * times.DAY)
    for one in (wide, times.Range(wide.start + 1, wide.end), times.Range(wide.start, wide.end - 1)):
        assert one.whole(times.DAY) == wide


def test_what_is_empty_parts_no_range():
    """Of it nothing is taken out, so one window stays one."""
    assert times.Range(0, 10).minus([times.Range(5, 5)]) == [times.Range(0, 10)]
    assert times.Range(0, 10).minus([times.Range(5, 5), times.Range(5, 7)]) == [times.Range(0, 5), times.Range(7, 10)]


@given(ranges, ranges, st.integers(0, 5 * times.DAY))
def test_what_ranges_have_in_common_is_in_both(span, other, at):
    """An instant is in what two ranges have in common if it is in both; what comes before an instant is so, too."""

    def has(one):
        return one.start <= at < one.end

    assert has(span.common(other)) == (has(span) and has(other))
    assert has(span.before(other.end)) == (has(span) and at < other.end)


@given(st.integers(0, 4_000_000_000 * times.SECOND))
def test_iso_is_exact(ns):
    """An instant written as ISO and read again is the same to the nanosecond."""
    assert times.instant(times.iso(ns)) == ns


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s ago"), (59.4, "59 s ago"), (90, "1 min 30 s ago"), (7200, "2 h ago"), (86_400 * 400, "400 d ago"),
     (None, "never"), (-5, "0 s ago"), (-59.9, "0 s ago"), (-60, "1 min ahead")],
)  # fmt: skip
def test_ages_are_written_in_whole_seconds(seconds, text):
    """A clock that is a little ahead is no negative age; one that is a minute ahead, or more, is told."""
    assert times.ago(None if seconds is None else seconds * times.SECOND) == text


def test_a_day_is_from_its_midnight_to_the_next():
    """Also where the instant is its first one."""
    one = times.instant("2026-11-01")
    for ns in (one, one + times.DAY - 1):
        assert times.day_of(ns) == times.Range(one, one + times.DAY)


def test_a_zone_may_be_any_that_python_has():
    """A fixed offset too, that no name means."""
    zone = dt.timezone(dt.timedelta(hours=5, minutes=45))
    assert times.zone(zone) is zone
    assert times.iso(times.instant("2026-11-01", zone)) == "2026-10-31T18:15:00Z"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "0.5 s"), (59.94, "59.9 s"), (59.98, "1 min"), (60, "1 min"), (3725, "1 h 2 min")]
)
def test_a_duration_is_written_with_two_units_at_most(seconds, words):
    """What rounds to a minute is a minute."""
    assert times.lasting(seconds * times.SECOND) == words


def test_zones_are_known_where_the_system_has_none():
    """As on Windows, and in small containers."""
    code = 'from isr_analysis import times; print(times.zone("Europe/Zurich"))'
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONTZPATH": ""}, capture_output=True,
                          check=True, text=True)  # fmt: skip
    assert done.stdout.strip() == "Europe/Zurich"
