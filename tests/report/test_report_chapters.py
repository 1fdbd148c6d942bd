"""What a report says of one topic: its figures, its numbers, its last messages."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest

from isr_analysis import times
from isr_analysis.checks import quality
from isr_analysis.messages import Selector
from isr_analysis.report import chapters, markup, material, sections
from isr_analysis.report.page import Page


def _shown_topic(df: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> str:
    shown: list[Any] = []
    monkeypatch.setattr(sections, "show", lambda *things: shown.extend(things))
    sections.topic(chapters.chapter(str(df["topic"].iloc[0]), df), "Europe/Zurich")
    return "".join(one.source for one in shown if isinstance(one, markup.Markup))


def _of_one_topic(**columns: Any) -> pd.DataFrame:
    index = pd.date_range("2026-11-01", periods=60, freq="1min", tz="Europe/Zurich", name="time", unit="ns")
    frame = pd.DataFrame({"client_id": "isr-car-01", "topic": "position", **columns}, index=index)
    return frame.astype({"client_id": "category", "topic": "category"})


def test_places_are_told_to_the_metre(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latitude and longitude keep six decimals in the table of numbers; other numbers keep four digits."""
    steps = [n / 1e4 for n in range(60)]
    df = _of_one_topic(**{"gps.lat": [47.123456 + n for n in steps], "speed": [12.345678 + n for n in steps]})
    text = _shown_topic(df, monkeypatch)
    assert ">47.123456<" in text
    assert ">47.126406<" in text  # the mean, with no more decimals than its values
    assert "47.1234560" not in text
    assert ">12.35<" in text
    assert "12.345678" not in text


def test_what_stands_for_no_measurement_is_in_no_least_and_no_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is outside the axis of the figure; the table says what it leaves out, and the last value is as it came."""
    value = [20 + n % 10 / 10 for n in range(60)]
    value[7] = value[30] = value[59] = 65535.0
    made = _chapter(temp=value)
    row = made.numbers.iloc[0]
    assert [row["least"], row["greatest"], row["now"], row["messages"]] == [20.0, 20.9, 65535.0, 60]
    assert row["mean"] == pytest.approx(20.44, abs=0.02)
    assert any(one.startswith("outside the axis: 65,535 (3 times)") for one in made.said)
    text = _shown_topic(_of_one_topic(temp=value), monkeypatch)
    assert "Minimum, mean and maximum leave out values that mean “no measurement”: 65,535 (3 times)." in text
    assert "leave out" not in _shown_topic(_of_one_topic(temp=value[:7] * 8 + value[:4]), monkeypatch)


def test_of_what_counts_up_the_table_says_by_how_much_it_rose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of a counter of bytes or of an uptime says nothing; that of a load beside it does."""
    counted = [1_222_935_000 + 1000 * n for n in range(60)]
    uptime = [*range(500, 680, 6), *range(0, 180, 6)]  # restarted after 30 messages
    columns = {"rx_bytes": counted, "uptime_s": uptime, "load": [n % 7 / 2 for n in range(60)]}
    rows = _chapter(**columns).numbers.set_index("field")
    assert rows["rise"].dropna().to_dict() == {"rx_bytes": 59_000, "uptime_s": 29 * 6 + 0 + 29 * 6}
    assert rows["mean"].dropna().index.tolist() == ["load"]
    assert rows.loc["uptime_s", ["least", "greatest", "now"]].tolist() == [0, 674, 174]
    text = _shown_topic(_of_one_topic(**columns), monkeypatch)
    assert re.findall(r"<th[^>]*>([^<]*)</th>", text)[1:] == [
        "Field", "Minimum", "Mean", "Rose by", "Maximum", "Last", "Messages",
    ]  # fmt: skip
    assert ">59,000<" in text
    assert "Counters have no mean; what they rose by includes restarts from zero." in text
    alone = _shown_topic(_of_one_topic(rx_bytes=counted), monkeypatch)
    assert "Rose by" in alone
    assert ">Mean<" not in alone


@pytest.mark.parametrize(
    ("field", "value", "counter"),
    [
        ("energy", [12.5 + n / 8 for n in range(60)], True),
        ("meter", [5000 + 3 * n for n in range(60)], True),
        ("packets", [n // 12 for n in range(60)], True),
        ("battery", [40 + n // 2 for n in range(60)], False),  # it is charged
        ("temp", [10.0 + n / 8 for n in range(60)], False),  # a warm morning
        ("client_count", [7 * n % 5 for n in range(60)], False),
        ("meter", [5000 + 3 * n - 40 * (n % 9 == 3) for n in range(60)], False),
        ("azimuth_total", [6 * n for n in range(60)], True),
        ("azimuth", [1000 + 6 * n for n in range(60)], False),
        ("energy", [-5 + n for n in range(60)], False),
    ],
)
def test_a_counter_is_told_by_its_values_and_its_name(field: str, value: list[float], counter: bool) -> None:
    """It only rises, or begins anew; and it is called a total, or is whole and greater than a level."""
    (row,) = _chapter(**{field: value}).numbers.to_dict("records")
    assert (pd.notna(row["rise"]), pd.notna(row["mean"])) == (counter, not counter)
    if counter:
        assert row["rise"] == value[-1] - value[0]


def test_a_counter_that_stood_still_is_one_like_the_others_of_its_field() -> None:
    """It rose by nothing, and has no mean in the column in which the others have none."""
    df = _of_one_topic(tx_bytes=[1000 * n if n % 2 else 7000 for n in range(60)])
    df["client_id"] = pd.Categorical(["isr-car-01" if n % 2 else "isr-car-02" for n in range(60)])
    rows = chapters.chapter("position", df).numbers
    assert rows["rise"].tolist() == [58_000, 0]
    assert rows["mean"].isna().all()


def test_the_rise_of_a_counter_is_without_what_stands_for_no_measurement() -> None:
    """A meter that says 4294967295 once did not begin anew after it."""
    value: list[float] = [5000 + 3 * n for n in range(60)]
    value[30] = 4294967295
    (row,) = _chapter(meter=value).numbers.to_dict("records")
    assert (row["rise"], row["without"]) == (59 * 3, {4294967295: 1})


def test_last_messages_have_headings_and_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of last messages says in which zone its instants are, and whose the messages are."""
    text = _shown_topic(_of_one_topic(note=[f"text {n}" for n in range(60)]), monkeypatch)
    assert "The last messages" in text
    assert ">Published (Europe/Zurich)<" in text
    assert ">Publisher<" in text
    assert ">time<" not in text


def test_an_empty_topic_has_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """It stands in the table of contents, too, which leads there."""
    sections.topics(
        SimpleNamespace(chapters=[chapters.chapter("", _of_one_topic())], topics=[""], lacking=(), tz="UTC")
    )  # type: ignore[arg-type]
    assert "### (empty topic)" in capsys.readouterr().out


def test_half_a_character_is_shown_as_json_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One such message is no reason for its topic to be left out of the report."""
    df = _of_one_topic()
    df["note"] = pd.Series([f"half {n} \ud800" for n in range(60)], df.index, dtype="object")
    assert ">half 59 \\ud800<" in _shown_topic(df, monkeypatch)


def test_lists_in_last_messages_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand there as they were published, not as Python writes them; a long one says that it is cut."""
    held = [["a", None, True, {"ü": 1}]] * 59 + [list(range(100))]
    text = _shown_topic(_of_one_topic(note=held), monkeypatch)
    assert markup.escaped('["a", null, true, {"ü": 1}]') in text
    assert "None" not in text
    assert "0, 1, 2" in text
    assert "…" in text


def _chapter(*, span: times.Range | None = None, **columns: Any) -> chapters.Chapter:
    return chapters.chapter("position", _of_one_topic(**columns), span)


def _names(figure: Any) -> list[str]:
    """Give the titles of a figure's panels."""
    return [axis.title.text for axis in figure.select_yaxes() if axis.title.text]


def test_what_is_measured_is_drawn_as_lines_and_states_as_bars() -> None:
    """A topic that holds both has a figure of each, so that flags of several clients do not hide each other."""
    made = _chapter(power=range(60), on=[n % 7 == 0 for n in range(60)], mode=["idle", "tx"] * 30)
    lines, bars = made.figures
    assert _names(lines) == ["power"]
    assert {row for trace in bars.data for row in trace.y} == {"on", "mode"}
    assert made.numbers["field"].tolist() == ["power"]


def test_a_figure_without_a_title_is_still_called_by_it() -> None:
    """Who has it read out hears what it shows, and not 17 times that there is a figure."""
    (figure,) = _chapter(power=range(60)).figures
    assert not figure.layout.title.text
    source = json.loads(figure.to_json())  # as a cell's output holds it
    assert 'aria-label="power · position · ' in Page(nbformat.v4.new_notebook()).figure(source)


def test_what_never_changes_is_said_and_not_drawn() -> None:
    """Neither a flag nor a number that stayed as it was takes a panel; each is named with its one value."""
    made = _chapter(power=range(60), cores=4, online=True)
    assert [_names(one) for one in made.figures] == [["power"]]
    assert made.said == ["always the same, so not drawn: cores (4) and online (true)"]
    assert made.numbers["field"].tolist() == ["power", "cores"]


def test_flags_that_never_change_are_bars_where_there_is_nothing_else() -> None:
    """So the reader sees when they came; and a number alone is a line."""
    (bars,) = _chapter(cores=4, online=True, alarm=False).figures
    assert {row for trace in bars.data for row in trace.y} == {"online", "alarm"}
    (line,) = _chapter(cores=4).figures
    assert _names(line) == ["cores"]


def test_the_table_of_numbers_holds_what_is_drawn() -> None:
    """Units are kept apart, numbers among words are counted alone, and a version is no measurement."""
    made = _chapter(
        value=[*range(60)], unit=["W", "dBm"] * 30, fw=["1.9", "1.9.3"] * 30,
        volt=["12.5" if n % 2 else n for n in range(60)],
    )  # fmt: skip
    rows = made.numbers.set_index(["field", "unit"])
    assert rows["messages"].to_dict() == {("value", "W"): 30, ("value", "dBm"): 30, ("volt", ""): 60}
    assert rows["mean"].to_dict() == {
        ("value", "W"): 29,
        ("value", "dBm"): 30,
        ("volt", ""): (29 * 30 + 12.5 * 30) / 60,
    }
    assert _names(made.figures[0]) == ["value [W]", "value [dBm]", "volt"]


def test_numbers_too_large_to_be_drawn_are_in_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that says the greatest real there is for "no value" does not take its topic out of the report."""
    values = {"value": [sys.float_info.max if n % 10 == 0 else 20.5 + n % 2 for n in range(60)]}
    made = _chapter(**values)
    assert made.numbers[["least", "greatest", "messages"]].to_numpy().tolist() == [[20.5, 21.5, 54]]
    assert "6 values beyond 1e+300 left out" in made.said
    assert ">21.5<" in _shown_topic(_of_one_topic(**values), monkeypatch)


def test_figures_of_a_report_show_its_whole_range() -> None:
    """Who fell silent early is seen to have: each axis reaches from the report's start to its end."""
    index = pd.DatetimeIndex(["2026-11-01"], tz="UTC")
    start = int(index.as_unit("ns").asi8[0])
    made = _chapter(power=range(60), on=[True, False] * 30, span=times.Range(start, start + 7 * times.DAY))
    assert len(made.figures) == 2
    for figure in made.figures:
        begin, end = (pd.Timestamp(one, tz="Europe/Zurich") for one in figure.layout.xaxis.range)
        assert begin <= pd.Timestamp("2026-11-01", tz="Europe/Zurich")
        assert pd.Timestamp("2026-11-08T01:00", tz="Europe/Zurich") <= end < pd.Timestamp("2026-11-09", tz="UTC")


def test_an_outage_is_told_once() -> None:
    """The silence of a client's only channel is that of its topic, which the silence of the client explains."""
    df = _of_one_topic(value=range(60), chan=1, type="watt_meter", station_controller_device_id="SC-1")
    one = df.drop(df.index[20:40])
    two = pd.concat([one, df.assign(chan=2)]).sort_index()
    told = [chapters.chapter("position", frame).findings for frame in (one, two)]
    silent = [found[found["kind"] == "device silent"]["channel"].tolist() for found in told]
    assert silent == [[""], ["watt_meter 1 · SC-1"]]


@pytest.fixture
def half_a_day(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """Give what a report is about: twelve hours of two of four publishers; and what is shown of it, in words."""
    zone = times.zone("Europe/Zurich")
    index = pd.date_range("2026-11-01T12:30", periods=720, freq="1min", tz=zone, name="time", unit="ns")
    one = pd.DataFrame({"client_id": "a", "topic": "t/x"}, index=index.delete([*range(300, 400)]))
    two = pd.DataFrame({"client_id": "b", "topic": "t/y"}, index=index[100:130])
    heard = pd.concat([one, two]).sort_index(kind="stable").astype({"client_id": "category", "topic": "category"})
    heard.attrs["provisional_from"] = "2026-11-01T22:00:00Z"
    known = {"client_id": [*"abcd"], "label": ["Shack", "", "", ""], "paused": [False, None, True, False]}
    made = SimpleNamespace(
        heard=heard, publishers=pd.DataFrame(known), topics=["t/x", "t/y"], tz="Europe/Zurich", zone=zone,
        span=times.Range(index[0].value, index[0].value + times.DAY), until=index[0].value + times.DAY // 2,
        findings=quality(heard, end=index[0] + pd.Timedelta("12h")), selector=Selector(None, "#"),
    )  # fmt: skip
    made.share = material.Material.share.func(made)  # type: ignore[attr-defined]
    shown: list[str] = []
    monkeypatch.setattr(sections, "show", lambda *things: shown.extend(one.words for one in things))
    monkeypatch.setattr(sections, "note", shown.append)
    return made, shown


@pytest.mark.parametrize(("more", "hours"), [("20s", 12), ("29min", 12), ("30min", 13), ("40min", 13), ("90min", 14)])
def test_an_hour_that_has_just_begun_does_not_count_as_silent(half_a_day: tuple[Any, list[str]], more, hours) -> None:
    """A report that is made seconds after a full hour says the same of healthy publishers as one made before."""
    made, _ = half_a_day
    made.until += pd.Timedelta(more).value
    assert material.Material.share.func(made).tolist() == pytest.approx([11 / hours, 2 / hours])  # type: ignore[attr-defined]


def test_a_summary_is_right(half_a_day: tuple[Any, list[str]]) -> None:
    """Its numbers, what is said of who was not heard, the longest silence, and what may still come."""
    made, shown = half_a_day
    sections.summary(made)
    tiles, said = shown
    assert tiles.splitlines()[:3] == ["messages: 650", "publishers heard: 2 of 4", "topics: 2"]
    assert "hours with messages: 54.2%" in tiles  # 11 of its 12 hours, from half past twelve, and 2 of them
    assert said.splitlines() == [
        "The first message came at 2026-11-01 12:30:00, the last at 2026-11-02 00:29:00: 54 an hour.",
        "Not heard at all: d. Paused: c.",
        f"{len(made.findings)} silences longer than usual; the longest: b t/y, 9 h 51 min from 2026-11-01 14:39:00.",
        "From 2026-11-01 23:00:00 on, late messages may still arrive.",
    ]
    made.until, made.publishers, made.findings = made.span.end, made.publishers[:2], made.findings[:0]
    sections.summary(made)
    assert ": 650 a day." in shown[-1]
    assert "Every publisher was heard." in shown[-1]
    assert "No publisher was silent for longer than usual." in shown[-1]


@pytest.mark.parametrize(("many", "words"), [
    (1, "The only message came at 2026-11-01 12:30:00."),
    (3, "The first message came at 2026-11-01 12:30:00, the last at 2026-11-01 12:32:00: less than one an hour."),
])  # fmt: skip
def test_a_few_messages_are_not_none_an_hour(half_a_day: tuple[Any, list[str]], many: int, words: str) -> None:
    """The first and the last of one are no two, and a rate is not rounded to nothing."""
    made, shown = half_a_day
    attrs = made.heard.attrs
    made.heard = made.heard[:many].copy()
    made.heard.attrs = attrs
    sections.summary(made)
    assert shown[-1].splitlines()[0] == words


def test_a_clock_that_is_ahead_is_told_in_the_live_state(half_a_day: tuple[Any, list[str]]) -> None:
    """Nobody is heard this very second for an hour; whoever was last heard a day ago is greyed, as before."""
    made, shown = half_a_day
    at = pd.DatetimeIndex(["2026-11-01T13:00", "2026-10-31T11:59", "2026-11-01T11:59"], tz="UTC", name="time")
    made.live = pd.DataFrame({"client_id": [*"cba"], "topic": "t", "value": 1}, index=at)
    made.live.attrs.update(stale=False, fetched_at="2026-11-01T12:00:00Z")
    sections.live(made)
    assert [line.split()[0] for line in shown[-1].splitlines()[1:]] == [*"abc"]
    assert [words in shown[-1] for words in ("1 min ago", "1 d ago", "1 h ahead", "0 s")] == [True, True, True, False]


def test_who_spoke_on_other_topics_alone_is_not_said_to_be_unheard(half_a_day: tuple[Any, list[str]]) -> None:
    """A report of one topic knows nothing of the others, and says on which it did not hear them."""
    made, shown = half_a_day
    made.selector = Selector(None, "t/+")
    sections.summary(made)
    assert "Not heard on t/+: d. Paused: c." in shown[-1]


def test_the_table_of_publishers_is_right(half_a_day: tuple[Any, list[str]]) -> None:
    """Whoever was not heard stands in it too; without the list there are those that were heard."""
    made, shown = half_a_day
    sections.publishers(made)
    assert [line.split() for line in shown[-1].splitlines()[1:]] == [
        ["a", "Shack", "in", "use", "620", "1", "91.7%", "2026-11-02", "00:29:00"],
        ["b", markup.NOTHING, markup.NOTHING, "30", "1", "16.7%", "2026-11-01", "14:39:00"],
        ["c", markup.NOTHING, "paused", "0", "0", "0.0%", markup.NOTHING],
        ["d", markup.NOTHING, "in", "use", "0", "0", "0.0%", markup.NOTHING],
    ]
    made.selector = Selector(None, "t/+")
    sections.publishers(made)
    assert shown[-2] == "Not listed: 2 publishers without a message on t/+."
    assert [line.split()[0] for line in shown[-1].splitlines()[1:]] == ["a", "b"]
    made.publishers = made.publishers[["client_id"]][:0]
    sections.publishers(made)
    assert shown[-1] == "There are no publishers."


def test_who_was_heard_and_is_on_no_list_is_told_of(half_a_day: tuple[Any, list[str]], sandbox: Any) -> None:
    """A publisher that was deleted since has its messages: it counts, and has a row."""
    made, shown = half_a_day
    with sandbox.connect() as portal:
        asked = SimpleNamespace(portal=portal, selector=Selector(None, "#"), heard=made.heard)
        found = material.Material.publishers.func(asked)  # type: ignore[attr-defined]
    assert found["client_id"].tolist()[-2:] == ["a", "b"]
    assert "stale" in found.attrs
    known = made.publishers[2:].astype({"paused": "boolean"})
    known.attrs["stale"] = True
    made.publishers = material.with_heard(known, made.heard)
    assert made.publishers.attrs == {"stale": True}
    assert material.with_heard(made.publishers, made.heard) is made.publishers
    sections.summary(made)
    assert "publishers heard: 2 of 4" in shown[-2]
    assert "Not heard at all: d. Paused: c." in shown[-1]
    sections.publishers(made)
    assert [line.split() for line in shown[-1].splitlines()[1:]] == [
        ["c", "paused", "0", "0", "0.0%", markup.NOTHING],
        ["d", "in", "use", "0", "0", "0.0%", markup.NOTHING],
        ["a", markup.NOTHING, "620", "1", "91.7%", "2026-11-02", "00:29:00"],
        ["b", markup.NOTHING, "30", "1", "16.7%", "2026-11-01", "14:39:00"],
    ]


def test_states_are_not_drawn_while_their_device_is_silent_on_all_topics() -> None:
    """A relay that changed before an outage, and after it: what the device publishes else tells that it was away."""
    minutes = pd.date_range("2026-11-01", periods=300, freq="1min", tz="UTC", name="time", unit="ns")
    relay = _of_one_topic(on=["on", "off"] * 30).iloc[:2].set_axis(minutes[[5, 200]])
    beat = pd.DataFrame({"client_id": "isr-car-01", "topic": "heartbeat"}, index=minutes.delete(slice(50, 100)))
    beat = beat.astype({"client_id": "category", "topic": "category"})
    for heard, ends in ((None, ["03:20"]), (beat, ["00:49", "03:20"])):
        (figure,) = chapters.chapter("position", relay, heard=heard).figures
        on = next(trace for trace in figure.data if trace.name == "on")
        until = pd.DatetimeIndex(on.base) + pd.to_timedelta(list(on.x), unit="ms")
        assert [str(one)[11:16] for one in until] == ends
