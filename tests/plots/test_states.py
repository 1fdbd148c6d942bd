"""Availability, timeline and coverage: days and spans."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stations import MINUTES, fleet, hours, plain, words

from isr_analysis import plots
from isr_analysis.errors import UsageError
from isr_analysis.plots.theme import INK


def test_coverage_of_a_series_is_refused():
    """What is no frame of the ledger is told by its type."""
    with pytest.raises(UsageError, match="not Series"):
        plots.coverage(pd.Series([1, 2]))


def test_availability_counts_the_hours_of_local_days():
    """A day of 25 hours that was heard throughout is 100 %; one that was heard half is half."""
    frame = hours("2026-10-24", count=24 + 25 + 24)
    assert plots.availability(frame).data[0].z.tolist() == [[100.0, 100.0, 100.0]]
    half = frame[(frame.index.day != 26) | (frame.index.hour >= 12)].assign(client_id="a-1")
    figure = plots.availability(half)
    assert figure.data[0].z.tolist() == [[100.0, 100.0, 50.0]]
    assert figure.data[0].x[1] == "2026-10-25"


def test_of_very_many_clients_the_least_heard_are_drawn_and_said():
    """Whoever is hardly there is not left out for others that are; the figure says how many there are."""
    index = pd.date_range("2026-11-01", periods=24, freq="1h", tz="UTC", name="time")
    some = [plain(np.arange(24), index).iloc[: 3 if n == 1999 else 24].assign(client_id=f"c-{n}") for n in range(2000)]
    figure = plots.availability(pd.concat(some).sort_index(kind="stable"))
    (drawn,) = figure.data
    assert len(drawn.y) == 60
    assert "c-1999" in drawn.y
    assert [*drawn.y] == sorted(drawn.y, key=lambda name: int(name[2:]), reverse=True)
    assert "the 60 least heard of 2,000 clients" in figure.layout.title.subtitle.text


def test_hours_are_those_of_the_local_clock():
    """Where it is half an hour off, a day begins within an hour of UTC; where midnight never came, an hour later."""
    at = ["2026-06-01T12:00", "2026-06-01T23:50", "2026-06-02T00:10", "2026-06-03T12:00"]
    index = pd.DatetimeIndex(at, tz="America/St_Johns", name="time")
    figure = plots.availability(plain(np.arange(4), index))
    assert figure.data[0].z.round(0).tolist() == [[17.0, 4.0, 8.0]]  # 2 of 12, 1 of 24, 1 of 13
    havana = pd.date_range("2025-03-08T05:00", periods=24 + 23 + 24, freq="1h", tz="UTC", name="time")
    figure = plots.availability(plain(np.arange(71), havana), tz="America/Havana")
    assert [*figure.data[0].x] == ["2025-03-08", "2025-03-09", "2025-03-10"]
    assert figure.data[0].z.tolist() == [[100.0, 100.0, 100.0]]


@pytest.mark.parametrize(("end", "share"), [("09:00:20", 100.0), ("09:40", 90.0)])
def test_an_hour_that_has_just_begun_does_not_count_as_silent(end, share):
    """A range that is loaded seconds after a full hour shows a healthy client as one that was loaded before."""
    index = pd.date_range("2026-11-19", periods=9, freq="1h", tz="UTC", name="time")
    frame = plain(np.arange(9), index)
    frame.attrs = {"start": "2026-11-19T00:00:00Z", "end": f"2026-11-19T{end}Z", "rows": 9}
    assert plots.availability(frame).data[0].z.tolist() == [[share]]


def test_a_day_that_has_just_begun_is_there():
    """Just after midnight all messages of the new day are ones to which late ones may still come."""
    index = pd.date_range("2026-11-19T18:00", "2026-11-20T00:07", freq="1min", tz="UTC", name="time")
    frame = plain(np.arange(len(index)), index)
    frame.attrs = {"start": "2026-11-19T18:00:00Z", "end": "2026-11-20T00:08:00Z", "rows": len(frame),
                   "provisional_from": "2026-11-19T23:58:00Z"}  # fmt: skip
    figure = plots.availability(frame)
    assert [*figure.data[0].x] == ["2026-11-19", "2026-11-20"]
    assert figure.data[0].z.tolist() == [[100.0, 100.0]]


def test_a_timeline_holds_states_but_not_through_an_outage():
    """On from message to message; empty where a device that speaks each minute was silent."""
    value = np.where(np.arange(300) < 150, "on", "off").astype(object)
    frame = plain(value).drop(MINUTES[50:100])
    figure = plots.timeline(frame)
    on = next(trace for trace in figure.data if trace.name == "on")
    assert [str(one)[11:16] for one in on.base] == ["00:00", "01:40"]
    assert [one / 60_000 for one in on.x] == [49, 50]


def test_a_state_of_a_wide_frame_ends_where_nothing_is_known():
    """A flag of each hour, of which one is NA, is not drawn through it; nor is its line."""
    index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
    flags = pd.DataFrame({"relay": pd.array([True] * 20 + [None] + [True] * 27, dtype="boolean")}, index=index)
    (bars,) = plots.timeline(flags).data
    assert [(str(base)[:13], length / 3_600_000) for base, length in zip(bars.base, bars.x, strict=True)] == [
        ("2026-11-01T00", 19), ("2026-11-01T21", 26),
    ]  # fmt: skip
    assert np.isnan(plots.timeseries(flags).data[0].y).sum() == 1


def test_states_that_are_published_on_a_change_hold_to_the_next():
    """Without a rhythm there is no silence: what was said last holds."""
    index = pd.DatetimeIndex(["2026-11-01T00:00", "2026-11-01T07:13", "2026-11-02T00:00"], tz="UTC")
    figure = plots.timeline(plain(["on", "off", "on"], index))
    off = next(trace for trace in figure.data if trace.name == "off")
    assert off.x[0] / 3_600_000 == pytest.approx(24 - 7 - 13 / 60)


def test_coverage_is_drawn_by_client_and_state():
    """The frame of the ledger: a row for each selector, states in words; nothing asked for says so."""
    days = pd.to_datetime(["2026-11-01", "2026-11-02", "2026-11-03"], utc=True)
    frame = pd.DataFrame({"client_id": ["*", "a-1"], "topic": ["#", "t/#"], "start": days[:2], "end": days[1:],
                          "state": ["settled", "failed"]})  # fmt: skip
    figure = plots.coverage(frame)
    assert [trace.name for trace in figure.data] == ["on disk for good", "portal failed"]
    assert [trace.y[0] for trace in figure.data] == ["all clients", "a-1 · t/#"]
    assert "No data" in words(plots.coverage(frame.iloc[:0]))
    with pytest.raises(UsageError, match="state"):
        plots.coverage(frame.drop(columns="state"))


def test_a_channel_that_is_well_all_the_time_has_its_row():
    """Beside one that is not: else the row of that one would be taken for all of them. A version has none."""
    states = ["ok", "ok", "high", "ok"] + ["ok", "ok"] * 98
    frame = plain(states, client_id="a", topic="state/temp_probe", firmware="1.9.3").rename(columns={"value": "state"})
    figure = plots.timeline(
        frame.assign(chan=[1, 2] * 100, state=[s if n % 2 == 0 else "ok" for n, s in enumerate(states)])
    )
    assert {row for trace in figure.data for row in trace.y} == {"chan 1", "chan 2"}
    assert {trace.name for trace in figure.data} == {"ok", "high"}


def test_spans_too_short_to_be_seen_are_one_bar_and_one_alone_is_seen():
    """A relay that chatters for an hour and a half of two days; a single minute of its own keeps its colour."""
    index = pd.date_range("2026-11-01", periods=3000, freq="1min", tz="UTC", name="time")
    value = np.array(["on"] * 3000, dtype=object)
    value[1000:1100:2] = value[2000] = "off"
    bars = {trace.name: (trace.base.astype("M8[m]") - np.datetime64("2026-11-01")).astype(int).tolist()
            for trace in plots.timeline(plain(value, index)).data}  # fmt: skip
    assert bars == {"changing quickly": [1000], "off": [2000], "on": [0, 1099, 2001]}


def test_an_instant_is_outlined_so_that_it_can_be_seen_and_gets_no_length():
    """A single message, the last one of a row, and a minute of two days: narrower than a pixel, or of no length."""
    (bar,) = plots.timeline(plain(["on"], pd.DatetimeIndex(["2026-11-01 12:00"], tz="UTC", name="time"))).data
    assert (list(bar.x), list(bar.marker.line.width)) == ([0.0], [2])
    assert list(bar.customdata) == ["Sun 01 Nov 2026 12:00:00"]
    index = pd.date_range("2026-11-01", periods=3000, freq="1min", tz="UTC", name="time")
    value = np.array(["on"] * 3000, dtype=object)
    value[2000] = value[-1] = "off"
    off, on = plots.timeline(plain(value, index)).data
    assert (list(off.x), list(off.marker.line.width)) == ([60_000.0, 0.0], [2, 2])
    assert list(on.marker.line.width) == [0, 0]


def test_of_very_many_spans_those_of_the_fullest_rows_are_joined_and_none_is_left_out():
    """Twenty channels that change every 100 minutes, and one that changes every 50: each row is full, and it is said.

    Left out, a state would seem never to have been there: a transmitter that was on for a minute each hour, always off.
    """
    index = pd.date_range("2026-11-01", periods=20_000, freq="1min", tz="UTC", name="time")
    parts = [plain(np.arange(20_000) // (50 if chan == 20 else 100) % 2, index, chan=chan) for chan in range(21)]
    figure = plots.timeline(pd.concat(parts).sort_index(kind="stable"))
    drawn: dict[str, list[tuple[str, float]]] = {}
    for trace in figure.data:
        for row, length in zip(trace.y, trace.x, strict=True):
            drawn.setdefault(row, []).append((trace.name, length))
    minutes = {row: sum(length for _, length in bars) / 60_000 for row, bars in drawn.items()}
    assert minutes == dict.fromkeys([f"chan {chan}" for chan in range(21)], 19_999)
    assert sum(map(len, drawn.values())) <= 4000
    whole = [row for row, bars in drawn.items() if len(bars) == 200]
    assert len(whole) == 19
    assert [name for name, _ in drawn["chan 20"]] == ["changing quickly"]
    assert "many changes: in 2 rows" in words(figure)


def test_of_very_many_silences_the_longest_spans_are_drawn_and_said():
    """Sixty channels that fall silent eighty times each: there is nothing to join."""
    begin = np.cumsum(np.random.default_rng(1).integers(60, 240, 80))
    heard = np.ones(begin[-1] + 60, bool)
    for minute in begin:
        heard[minute : minute + 30] = False
    index = pd.date_range("2026-11-01", periods=len(heard), freq="1min", tz="UTC", name="time")[heard]
    parts = [plain(["on"] * len(index), index, chan=chan) for chan in range(60)]
    figure = plots.timeline(pd.concat(parts).sort_index(kind="stable"))
    assert sum(len(trace.y) for trace in figure.data) == 4000
    assert "the 4,000 longest spans" in words(figure)


def test_rows_are_named_by_topic_field_and_what_tells_them_apart():
    """A field whose name says something stands there; what all have in common does not."""
    rows = lambda frame: sorted({row for trace in plots.timeline(frame).data for row in trace.y})  # noqa: E731
    both = fleet("a-1", "b-2")
    assert rows(both)[0] == "state/relay · a-1 · chan 1"
    assert rows(both)[-2:] == ["state/summary · online · a-1", "state/summary · online · b-2"]
    own = both[both["client_id"] == "a-1"]
    assert rows(own) == ["state/relay · chan 1", "state/relay · chan 2", "state/summary · online"]
    assert rows(own[own["topic"] == "state/relay"]) == ["chan 1", "chan 2"]
    flags = plain([0, 1, 1, 0]).assign(topic="state/x", status=[True, None, False, True], load=[1.5, 2, 3, 4])
    assert rows(flags) == ["status", "value"]


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("chan", ["chan 1 · a-1", "chan 1 · b-2", "chan 2 · a-1", "chan 2 · b-2"]),
        ("client_id", ["a-1 · chan 1", "a-1 · chan 2", "b-2 · chan 1", "b-2 · chan 2"]),
        (
            ["type", "chan"],
            ["relay · chan 1 · a-1", "relay · chan 1 · b-2", "relay · chan 2 · a-1", "relay · chan 2 · b-2"],
        ),
    ],
)
def test_each_channel_has_a_row_whatever_names_it(by, rows):
    """Two channels in one row would hide each other's states, so what tells them apart stands behind `by`."""
    frame = fleet("a-1", "b-2").query("topic == 'state/relay'")
    figure = plots.timeline(frame, "value", by=by)
    assert sorted({row for trace in figure.data for row in trace.y}) == rows
    spans = pd.concat([
        pd.DataFrame({"row": trace.y, "start": pd.to_datetime(trace.base), "length": trace.x}) for trace in figure.data
    ]).sort_values(["row", "start"])  # fmt: skip
    end = spans["start"] + pd.to_timedelta(spans["length"].astype(float), unit="ms")
    assert not (end.shift() > spans["start"])[spans["row"].eq(spans["row"].shift())].any()


def test_a_timeline_is_of_the_fields_in_the_zone_under_the_title_that_are_asked_for():
    """And a column that is not there is an error that names those that are."""
    frame = fleet("a-1").query("topic == 'state/summary'")
    figure = plots.timeline(frame, ["online"], tz="Asia/Tokyo", title="Who was there")
    assert {row for trace in figure.data for row in trace.y} == {"online"}
    assert figure.layout.title.text == "Who was there"
    assert figure.layout.xaxis.title.text == "Time (Asia/Tokyo, UTC+09:00)"
    assert str(figure.data[0].base[0])[:16] == "2026-11-01T09:00"
    for asked in ({"fields": "nope"}, {"by": "nope"}):
        with pytest.raises(UsageError, match=r"no column 'nope'.*online"):
            plots.timeline(frame, **asked)


def test_availability_is_headed_by_the_title_that_is_given():
    """Its own one tells what is counted."""
    assert plots.availability(fleet("a-1"), title="Uptime").layout.title.text == "Uptime"
    assert "share of each day's hours" in plots.availability(fleet("a-1")).layout.title.text


def test_coverage_is_drawn_in_the_zone_of_its_instants_or_the_one_that_is_asked_for():
    """Midnight of UTC is 01:00 in Zurich; of very many rows the figure says how many there are."""
    start = pd.date_range("2026-11-01", periods=70, freq="1D", tz="UTC")
    frame = pd.DataFrame({"client_id": [f"c-{n}" for n in range(70)], "start": start, "end": start + pd.Timedelta("1D"),
                          "state": "settled"})  # fmt: skip
    zurich = frame.assign(start=frame["start"].dt.tz_convert("Europe/Zurich"))
    for figure in (plots.coverage(frame, tz="Europe/Zurich"), plots.coverage(zurich)):
        assert str(figure.data[0].base[0])[:16] == "2026-11-01T01:00"
        assert "60 of 70 rows" in words(figure)
    assert str(plots.coverage(frame).data[0].base[0])[:16] == "2026-11-01T00:00"


def test_a_state_that_never_changes_has_its_row():
    """Of numbers on a topic of states, and of flags; after an outage it is a bar of its own."""
    figure = plots.timeline(plain([1] * 300, topic="state/mode").drop(MINUTES[50:100]))
    (one,) = figure.data
    assert one.name == "1"
    assert [str(base)[11:16] for base in one.base] == ["00:00", "01:40"]
    assert [trace.name for trace in plots.timeline(plain([True] * 9)).data] == ["true"]


def test_the_title_says_the_topic_where_the_field_says_nothing():
    """“state” beside a topic is no name; of several clients it says how many."""
    frame = fleet("tx-1", "tx-2")
    relays = frame[frame["topic"] == "state/relay"]
    assert plots.timeline(relays).layout.title.text == "States: state/relay · 2 clients"
    assert plots.timeline(relays.drop(columns="topic")).layout.title.text == "States: value · 2 clients"
    assert plots.timeline(fleet("tx-1"), "online").layout.title.text == "States: online · tx-1"


def test_rows_are_in_the_order_in_which_people_count():
    """Channel 10 comes after channel 9, in bars of states, days and marks of events."""
    index = pd.date_range("2026-11-01", periods=12, freq="1h", tz="UTC", name="time")
    names = [f"dev-{n}" for n in (10, 1, 9, 2)]
    df = pd.concat([plain(["on", "off"] * 6, index).assign(client_id=name, topic="event/a") for name in names])
    in_order = ["dev-1", "dev-2", "dev-9", "dev-10"]
    assert [*plots.availability(df).data[0].y] == in_order[::-1]
    assert [*plots.timeline(df).layout.yaxis.categoryarray] == in_order[::-1]
    assert [*plots.timeseries(df).layout.yaxis.categoryarray] == in_order[::-1]


def modes(many, **columns):
    """Make a frame of many different states, each for ten minutes; mode 0 comes again and again."""
    index = pd.date_range("2026-11-01", periods=20 * many, freq="1min", tz="UTC", name="time")
    at = np.arange(20 * many) // 10
    return pd.DataFrame({"mode": [f"mode {n // 2 if n % 2 else 0}" for n in at], **columns}, index=index)


@pytest.mark.parametrize(("many", "asked"), [(13, True), (20, True), (60, True), (61, False), (400, False)])
def test_more_states_than_a_row_shows_by_itself_are_counted_and_drawn_where_they_are_named(many, asked):
    """The error says how many there are, and what to do; it does not say that there are none."""
    with pytest.raises(UsageError, match=rf"'mode' has {many} different values") as refused:
        plots.timeline(modes(many))
    assert ("fields='mode'" in str(refused.value)) is asked
    if asked:
        assert len(plots.timeline(modes(many), "mode").data) == many
    else:
        with pytest.raises(UsageError, match=rf"'mode' has {many} different values, and at most 60 are drawn"):
            plots.timeline(modes(many), "mode")
    assert len(plots.timeline(modes(12)).data) == 12


def test_a_column_of_too_many_states_beside_others_is_said_to_be_left_out():
    """Silently it would seem not to be there."""
    frame = modes(20, relay=[True, False] * 200)
    figure = plots.timeline(frame)
    assert {row for trace in figure.data for row in trace.y} == {"relay"}
    assert "left out, as they hold many different values: mode (20); fields= draws up to 60" in words(figure)
    assert "left out" not in words(plots.timeline(frame, ["mode", "relay"]))
    several = frame.assign(**{f"<{letter}>": frame["mode"] for letter in "abcd"})
    assert "mode (20), &lt;a&gt; (20), &lt;b&gt; (20) and 2 more;" in words(plots.timeline(several))


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_no_two_of_many_states_look_alike(ground):
    """Beyond the colours there are, they have patterns; what holds longest is plain."""
    figure = plots.timeline(modes(60), "mode", theme=ground)
    looks = {trace.name: (trace.marker.color, trace.marker.pattern.shape) for trace in figure.data}
    assert len({*looks.values()}) == len(looks) == 60
    assert looks["mode 0"][1] is None
    assert [trace.name for trace in figure.data] == [f"mode {n}" for n in range(60)]
    striped = [trace.marker.pattern for trace in figure.data if trace.marker.pattern.shape]
    assert {(one.fillmode, one.fgcolor) for one in striped} == {("overlay", INK[ground]["paper"])}
    assert "|" not in {one.shape for one in striped}  # that is what changes quickly
    few = plots.timeline(modes(12), theme=ground)
    assert {trace.marker.pattern.shape for trace in few.data} == {None}


def test_the_rarest_of_more_states_than_can_be_told_apart_are_one_with_their_number():
    """Nine clients with ten modes each: 59 are named in the legend; of the others the hover text says which."""
    index = pd.date_range("2026-11-01", periods=1000, freq="1min", tz="UTC", name="time")
    parts = [
        pd.DataFrame(
            {"client_id": f"c{n}", "mode": [f"{n}-{min(9, at // (100 - n))}" for at in range(1000)]}, index=index
        )
        for n in range(9)
    ]
    figure = plots.timeline(pd.concat(parts).sort_index(kind="stable"))
    *named, others = figure.data
    assert (len(named), others.name) == (59, "31 other states")
    assert len(others.x) == 31
    said = {text.partition("<br>")[0] for text in others.customdata}
    assert said | {trace.name for trace in named} == {f"{n}-{m}" for n in range(9) for m in range(10)}
    assert "other states</b><br>%{customdata}" in others.hovertemplate
    assert max(others.x) <= min(min(trace.x) for trace in named)


def test_a_timeline_shows_no_state_while_its_device_is_silent_on_all_topics():
    """A relay speaks only when it changes: what else the device publishes tells that nobody knows its state."""
    beat = plain(np.arange(300), client_id="a", topic="telemetry/a").drop(MINUTES[50:100])
    relay = plain(["on", "off"], MINUTES[[5, 200]], client_id="a", topic="state/relay").rename(columns={"value": "on"})
    figure = plots.timeline(pd.concat([beat, relay]).sort_index(), "on")
    bars = [(trace.name, str(base)[11:16], length / 60_000) for trace in figure.data
            for base, length in zip(trace.base, trace.x, strict=True)]  # fmt: skip
    assert sorted(bars, key=lambda bar: bar[1])[:-1] == [("on", "00:05", 44), ("on", "01:40", 100)]


def test_a_client_that_was_asked_for_and_never_heard_has_an_empty_row():
    """Among the others: what is not drawn would not be missed."""
    frame = hours("2026-11-01", count=48).assign(client_id="a-1")
    frame.attrs = {
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-11-03T00:00:00Z",
        "rows": 48,
        "clients": ["a-0", "a-1"],
    }
    (drawn,) = plots.availability(frame, tz="UTC").data
    assert [*drawn.y] == ["a-1", "a-0"]
    assert drawn.z[1].max() == 0
