"""The date range: presets, calendars, errors in place, and what is on disk."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import UsageError
from isr_analysis.widgets import dates as dates_module
from isr_analysis.widgets.strip import shares, strip

NOW = times.instant("2026-11-24T07:30:00Z")


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch):
    """Let the clock of a widget without a portal stand."""
    monkeypatch.setattr(dates_module, "time", SimpleNamespace(time_ns=lambda: NOW))


@pytest.mark.parametrize(
    ("preset", "value"),
    [
        ("last hour", {"last": "1h"}),
        ("last 24 hours", {"last": "24h"}),
        ("today", {"start": "2026-11-24"}),
        ("yesterday", {"start": "2026-11-23", "end": "2026-11-24"}),
        ("last 7 days", {"last": "7d"}),
        ("last 30 days", {"last": "30d"}),
        ("this month", {"start": "2026-11-01"}),
        ("last month", {"start": "2026-10-01", "end": "2026-11-01"}),
    ],
)
def test_presets_are_arguments_of_a_loader(preset, value):
    """Days and months are those of the zone."""
    dates = isr.widgets.date_range(last="2h", tz="Europe/Zurich")
    dates.preset.value = preset
    assert dates.value == {**value, "tz": "Europe/Zurich"}
    assert dates.said.value == ""
    again = isr.widgets.date_range(**dates.value)
    assert again.preset.value == preset


def test_a_length_that_is_no_preset_becomes_one_and_stays_a_length():
    """A range up to now that the list lacks is chosen in it, and another zone, as pasted, does not nail it down."""
    dates = isr.widgets.date_range(last="6h")
    assert dates.preset.value == "last 6h"
    dates.zone.value = " Europe/Zurich "
    assert dates.value == {"last": "6h", "tz": "Europe/Zurich"}
    dates.preset.value = "yesterday"
    dates.preset.value = "last 6h"
    assert dates.value == {"last": "6h", "tz": "Europe/Zurich"}


def test_today_is_that_of_the_zone():
    """Half past seven in UTC is another day at the date line."""
    dates = isr.widgets.date_range(tz="Pacific/Honolulu")
    dates.preset.value = "today"
    assert dates.value["start"] == "2026-11-23"


def test_calendars_give_the_clock_on_the_wall():
    """What is picked is read in the zone; midnight is written as a date."""
    dates = isr.widgets.date_range(start="2026-11-01", end="2026-11-08", tz="Europe/Zurich")
    assert (dates.start.value, dates.end.value) == (dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 8))  # noqa: DTZ001
    dates.start.value = dt.datetime(2026, 11, 2, 6, 30)  # noqa: DTZ001
    assert dates.value == {"start": "2026-11-02T06:30", "end": "2026-11-08", "tz": "Europe/Zurich"}
    assert dates.range().start == times.instant("2026-11-02T05:30Z")
    assert dates.preset.value == "from … to …"
    dates.end.value = None
    assert dates.range().end == NOW


@pytest.mark.parametrize("start", ["2026-10-25T02:30:00+01:00", "2026-10-24T08:15:59", "2026-10-25T00:30:00.5Z"])
def test_a_start_that_is_not_edited_is_meant_as_it_was_said(start):
    """The fields show no seconds, and not which of the two hours at the end of summer time."""
    dates = isr.widgets.date_range(start=start, end="2026-11-01", tz="Europe/Zurich")
    dates.end.value = dt.datetime.fromisoformat("2026-11-02T00:00")
    assert dates.value == {"start": start, "end": "2026-11-02", "tz": "Europe/Zurich"}
    dates.start.value = dt.datetime.fromisoformat("2026-10-26T08:00")
    assert dates.value == {"start": "2026-10-26T08:00", "end": "2026-11-02", "tz": "Europe/Zurich"}


def test_one_value_is_told_to_observers_once_a_change():
    """Setting start and end by a preset is one change."""
    dates = isr.widgets.date_range(last="7d")
    told = []
    dates.observe(lambda change: told.append(change["new"]), "value")
    dates.preset.value = "yesterday"
    dates.value = {"last": "1h"}
    assert told == [{"start": "2026-11-23", "end": "2026-11-24", "tz": "UTC"}, {"last": "1h", "tz": "UTC"}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 11, 9)), "comes after its end"),  # noqa: DTZ001
        (lambda dates: setattr(dates.start, "value", None), "the start is empty"),
        (lambda dates: setattr(dates.zone, "value", "Mars/Olympus"), "not a known time zone"),
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 10, 25, 2, 30)), "or use the zone UTC"),  # noqa: DTZ001
        (lambda dates: setattr(dates.start, "value", dt.datetime(2026, 3, 29, 2, 30)), "does not exist"),  # noqa: DTZ001
    ],
)
def test_a_bad_range_is_explained_in_place_and_is_no_value(change, said):
    """Nobody loads the former range by mistake; mending the field brings the value back."""
    dates = isr.widgets.date_range(start="2026-11-01", end="2026-11-08", tz="Europe/Zurich")
    change(dates)
    assert dates.value is None
    assert said in dates.said.value
    assert "alert" in dates.said.value
    dates.value = {"last": "1h"}
    assert dates.said.value == ""
    assert dates.zone.value == "UTC"


@pytest.mark.parametrize("bad", [{}, {"start": "x"}, {"last": "7d", "start": "2026-11-01"}, {"from": "2026-11-01"}])
def test_a_value_that_is_no_range_is_refused(bad):
    """A script hears it as an error, and the value stays."""
    dates = isr.widgets.date_range(last="7d")
    with pytest.raises(UsageError):
        dates.value = bad
    assert dates.value == {"last": "7d", "tz": "UTC"}
    for wrong in ({"last": 0}, {"last": ""}, {"client_id": 5}, {"topic": None}):
        with pytest.raises(UsageError):
            isr.widgets.date_range(**wrong)


def test_what_is_on_disk_is_drawn_under_the_range(portal, sandbox):
    """In words too; nothing of the history is asked for."""
    isr.load_history(last="6h", portal=portal)
    before = sandbox.requests("history")
    dates = isr.widgets.date_range("isr-shack-01", last="12h", portal=portal)
    assert dates.held.value == ""
    dates._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert dates.wait()
    assert "<svg" in dates.held.value
    assert "50% never fetched" in dates.held.value
    assert sandbox.requests("history") == before


def test_the_strip_counts_what_was_fetched_of_all_clients_for_each():
    """Two clients: one has all of it, the other half."""
    at = pd.to_datetime(["2026-11-01", "2026-11-02", "2026-11-03"], utc=True)
    covered = pd.DataFrame(
        {"client_id": ["*", "a", "b"], "topic": "#", "start": at[[0, 1, 1]], "end": at[[1, 2, 2]],
         "state": ["settled", "settled", "missing"], "fetched_at": pd.NaT, "detail": ""}
    )  # fmt: skip
    assert shares(covered) == {"settled": 0.75, "missing": 0.25}
    assert strip(covered).count("<svg") == 2
    assert "75% on disk" in strip(covered)
    assert "Nothing" in strip(covered.iloc[:0])


@pytest.mark.parametrize(("given", "written"), [("7D", "7d"), ("90min", "90min"), ("1h", "1h"), ("1.5s", "1.5s")])
def test_a_span_may_be_a_timedelta(given, written):
    """As the loaders take it; the value and the code have it as a text."""
    for made in (isr.widgets.date_range, isr.widgets.explorer):
        for span in (pd.Timedelta(given), pd.Timedelta(given).to_pytimedelta()):
            widget = made(last=span)
            assert f'last="{written}"' in widget.code()
            widget.close()


def test_each_zone_that_is_offered_is_taken():
    """Also where the machine has names for its own zone, which none may be."""
    offered = isr.widgets.date_range().zone.options
    assert "Europe/Zurich" in offered
    assert [str(times.zone(name)) for name in offered] == [*offered]
    assert "localtime" not in offered
