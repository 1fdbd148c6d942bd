"""What a report is made of: what of its range is on disk, what lacks, what was found in it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import isr_analysis as isr
from isr_analysis import messages, times
from isr_analysis.errors import PortalUnavailableError
from isr_analysis.messages import Selector
from isr_analysis.report import material, sections
from isr_analysis.report.outline import Problem
from isr_analysis.store.store import Store


def test_gathering_says_what_is_missing(sandbox: Any) -> None:
    """Material of a range that is half on disk gives that half, and names the other."""
    with sandbox.connect() as portal:
        today = portal.now() // times.DAY * times.DAY
        span = times.Range(today - 2 * times.DAY, today)
        half = times.iso(today - times.DAY)
        isr.sync(topic="voltage", start=half, end=times.iso(today), portal=portal)
        made = material.Material(Selector(None, "voltage"), span, tz="UTC", portal=portal, problems=[])
        assert made.lacking["state"].tolist() == ["missing"]
        assert len(made.heard) == len(made.topic("voltage")) > 0
        assert made.heard.index.min() >= pd.Timestamp(half)


def test_what_was_noted_on_a_failure_is_in_the_report(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is stored all the same, which a download notes on the error that ended it, is said, too."""

    def failing(*_: Any, **__: Any) -> None:
        exc = PortalUnavailableError("the portal is away")
        exc.add_note("1 of 2 windows are stored; the next call goes on there")
        raise exc

    monkeypatch.setattr(isr, "sync", failing, raising=False)
    with sandbox.connect() as portal:
        made = material.gather(topic="voltage", last="1h", portal=portal)
    assert [one.words for one in made.problems] == [
        "not all of it could be fetched: the portal is away. 1 of 2 windows are stored; the next call goes on there"
    ]


@pytest.mark.parametrize(("seconds", "lacking"), [(60, []), (61, ["missing"])])
def test_the_minute_after_a_sync_is_not_told_as_missing(sandbox: Any, seconds: int, lacking: list[str]) -> None:
    """It is left to the next sync; what is older than that lacks in a report."""
    with sandbox.connect() as portal:
        now = times.whole_second(portal.now())
        portal.now = lambda: now
        isr.sync(topic="voltage", last="1h", portal=portal)
        portal.now = lambda: now + seconds * times.SECOND
        start, end = (times.iso(now + hours * times.HOUR) for hours in (-1, 1))
        made = material.gather(topic="voltage", start=start, end=end, offline=True, portal=portal)
        assert made.lacking["state"].tolist() == lacking


@pytest.mark.parametrize(("hours", "trimmed"), [(3, True), (30, False)])
def test_offline_the_time_since_what_is_on_disk_is_told_only_if_it_is_most(
    sandbox: Any, hours: int, trimmed: bool
) -> None:
    """A report that lacks days names these; up to where it goes stands in its range."""
    with sandbox.connect() as portal:
        now = times.whole_second(portal.now()) - hours * times.HOUR
        portal.now = lambda: now
        for span in (times.Range(now - 20 * times.HOUR, now - 19 * times.HOUR), times.Range(now - times.HOUR, now)):
            ends = {"start": times.iso(span.start), "end": times.iso(span.end)}
            isr.sync(topic="voltage", **ends, portal=portal)
        portal.now = lambda: now + hours * times.HOUR
        since = times.iso(now - 20 * times.HOUR)
        made = material.gather(topic="voltage", start=since, offline=True, portal=portal)
        assert (made.span.end == now) is trimmed
        assert made.problems[0].words.count("[") == (1 if trimmed else 2)


def test_what_was_never_fetched_is_no_silence_and_hides_none(sandbox: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a day that is not on disk, amid others, that is said; the silences behind it are told, and no others."""
    with sandbox.connect() as portal:
        first = times.instant("2026-11-01")
        rows = [
            {"time": at, "client_id": client, "topic": topic, "payload": b"%d" % n, "seq": n, "source": "history"}
            for n, at in enumerate(range(first, first + 3 * times.DAY, 10 * times.MINUTE))
            for client, topic in (("single", "x"), ("several", "x"), ("several", "y"))
            if not first + 54 * times.HOUR < at < first + 60 * times.HOUR  # from six to noon of the third day
        ]
        table = pa.Table.from_pylist(rows, schema=messages.SCHEMA)
        for day in (0, 2):
            span = times.Range(first + day * times.DAY, first + (day + 1) * times.DAY)
            Store(portal.folder).commit(Selector(), span, [messages.within(table, span)], fetched_at=portal.now())
        made = material.gather(start="2026-11-01", end="2026-11-04", offline=True, portal=portal)
        assert [(one.kind, one.client_id, one.start.day, one.start.hour) for one in made.findings.itertuples()] == [
            ("never fetched", "*", 2, 0), ("device silent", "several", 3, 6), ("device silent", "single", 3, 6),
        ]  # fmt: skip
        assert made.heard.attrs["provisional_from"] == ""
        sections.availability(made)
        sections.topics(made)
        shown = capsys.readouterr().out  # what a page shows as figures is drawn without that day
        assert "What is not on disk (see Missing, at the end) counts as hours without a message" in shown
        assert "What is not on disk (see Missing, at the end) is drawn as if nothing had arrived" in shown


def test_what_lies_in_the_future_is_no_hour_without_a_message(sandbox: Any) -> None:
    """Of a range that ends the day after tomorrow the report is about what there can be by now."""
    with sandbox.connect() as portal:
        now = times.whole_second(portal.now())
        start, end = (times.iso(now + hours * times.HOUR) for hours in (-3, 48))
        made = material.gather("isr-shack-01", start=start, end=end, portal=portal)
        assert made.share.tolist() == [1.0]
        assert made.lacking.empty
        assert made.heard.attrs["provisional_from"] <= times.iso(now)
        assert times.iso(made.span.end) == end


def test_of_very_many_topics_the_fullest_have_a_section_and_the_others_are_counted(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device that writes ids into its topics makes thousands: the report says what it leaves out, in both places."""
    monkeypatch.setattr(material, "_CHAPTERS", 2)
    with sandbox.connect() as portal:
        span = times.Range(times.instant("2026-11-01"), times.instant("2026-11-02"))
        topics = ["job/1", "z", "job/2", "a", "z", "a", "job/3", "z"]
        rows = [
            {"time": span.start + n, "client_id": "c", "topic": topic, "payload": b"1", "seq": n, "source": "history"}
            for n, topic in enumerate(topics)
        ]
        table = pa.Table.from_pylist(rows, schema=messages.SCHEMA)
        Store(portal.folder).commit(Selector(), span, [table], fetched_at=portal.now())
        made = material.gather(start="2026-11-01", end="2026-11-02", offline=True, portal=portal)
        assert [one.topic for one in made.chapters] == ["a", "z"]
        assert len(made.topics) == 5
        shown: list[Any] = []
        monkeypatch.setattr(sections, "show", lambda *things: shown.extend(things))
        monkeypatch.setattr(sections, "note", shown.append)
        sections.topics(made)
        assert shown[0].startswith("Only the 2 topics with the most messages have a section; 3 more do not.")
        shown.clear()
        sections.findings(made)
        assert shown[0].startswith("3 topics without their own section were not examined")
        capsys.readouterr()


@pytest.mark.parametrize("tz", ["America/Bogota", dt.timezone(dt.timedelta(hours=-5))])
def test_material_is_gathered_in_the_zone_that_is_asked_for(sandbox: Any, tz: Any) -> None:
    """The range is read in it, and every instant given in it."""
    with sandbox.connect() as portal:
        day = times.day_of(portal.now() - times.DAY).start
        start, end = (times.iso(day + hours * times.HOUR)[:19] for hours in (0, 6))
        made = material.gather(topic="voltage", start=start, end=end, tz=tz, portal=portal)
        assert made.span == times.Range(day + 5 * times.HOUR, day + 11 * times.HOUR)
        assert made.heard.index.tz is made.zone
        assert {made.heard.index[0].utcoffset(), made.topic("voltage").index[-1].utcoffset()} == {
            dt.timedelta(hours=-5)
        }
        assert made.live.index.tz is made.zone
        assert made.coverage["start"].dt.tz is made.zone


@pytest.mark.parametrize(("words", "said"), [("away", ", like the history"), ("slow", ": slow")])
def test_of_a_portal_that_is_away_the_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    """Three times the same long sentence at the top of a report would hide what else is there."""
    told: list[str] = []
    monkeypatch.setattr(sections, "problem", told.append)
    failed = SimpleNamespace(
        live=PortalUnavailableError(words), is_offline=False, problems=[Problem("History", "not all of it: away")]
    )
    sections.live(failed)  # type: ignore[arg-type]
    assert told == [f"The live answer could not be loaded{said}"]
