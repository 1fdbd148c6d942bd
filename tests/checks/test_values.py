"""Values: what is stuck, and what stands for no measurement."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ticks import START, at, joined, minutes, noise, ticks

from isr_analysis.checks import quality


def kinds(frame, **options):
    """Give the kinds of the findings."""
    return quality(frame, **options)["kind"].tolist()


def test_a_measurement_that_stops_varying_is_stuck():
    """One value for hours, of what always varied, is told with its span and count."""
    value = noise(600)
    value[200:300] = value[200]
    found = quality(ticks(minutes(0, 600), value=value))
    assert found[["kind", "field", "count"]].to_numpy().tolist() == [["value stuck", "value", 100]]
    assert found["start"].iloc[0] == START + pd.Timedelta(minutes=200)
    assert found["end"].iloc[0] == START + pd.Timedelta(minutes=299)
    value[200:300] = np.inf
    assert quality(ticks(minutes(0, 600), value=value))["detail"].tolist() == ["value stayed inf for 100 messages"]


@pytest.mark.parametrize(
    "value",
    [
        np.full(600, 42.0),
        np.arange(600) // 60 * 1.0,
        np.round(np.sin(np.arange(600) / 90), 1),
        np.where(np.arange(600) % 200 < 150, 0.0, noise(600)),
        np.where(np.arange(600) < 300, 0.0, noise(600)),
        (np.arange(600) // 100 % 2).astype(bool),
        np.minimum(100.0, 99 + np.abs(np.sin(np.arange(600) / 20)) * 3).round(2),
        np.minimum(100.0, noise(600) + 90 * (np.arange(600) // 200 == 1)),
        np.cumsum(np.where(np.arange(600) // 150 % 2, 0.0, np.abs(noise(600)))).round(2),
        np.cumsum(np.where(np.arange(600) // 150 % 2, 0, 3)) - 300 * (np.arange(600) >= 400),
    ],
    ids=["constant", "steps", "slow", "off by turns", "off", "state", "at its limit by turns", "100 per cent once",
         "meter at rest", "counter that began anew"],
)  # fmt: skip
def test_what_keeps_its_value_by_nature_is_not_stuck(value):
    """Constants, slow values, states, counters, what is at its limit, and transmitters that are off are no finding."""
    assert kinds(ticks(minutes(0, 600), value=value)) == []


def of_few_levels(seed):
    """Give a week of measurements that have few levels, by name: values of each minute."""
    rng, count = np.random.default_rng(seed), 7 * 1440
    day = np.arange(count) / 1440 * 2 * np.pi
    slow = 0.5 * rng.normal(size=count).cumsum() / 30
    on = np.sin(40 * day) > np.sin(3 * day)
    return {
        "mains": np.round(50 + rng.normal(0, 0.01, count), 2), "signal": np.round(-70 + rng.normal(0, 1, count)),
        "room": np.round(2 * (21 + rng.normal(0, 0.4, count))) / 2,
        "slow room": np.round(21 + 2 * np.sin(day) + rng.normal(0, 0.03, count)),
        "drift": np.round(2 * (21 + np.sin(day / 3) + slow / 10 + rng.normal(0, 0.02, count))) / 2,
        "battery": np.round(100 - 6 * np.arange(count) / count + rng.normal(0, 0.2, count)),
        "volts": np.round(12.6 + 0.3 * np.sin(day) + rng.normal(0, 0.02, count), 1),
        "loads": np.where(on, rng.choice([1480, 1500, 1520], count), 3),
        "away": np.where(on & (abs(np.arange(count) - 5000) > 1500), rng.choice([1480, 1500, 1520], count), 3),
        "fan": np.where(np.sin(day) < -0.2, 2, rng.integers(1, 6, count)),
        "clients": np.minimum(rng.poisson(3, count), 9), "queue": rng.poisson(2, count) * (rng.random(count) < 0.05),
    }  # fmt: skip


@pytest.mark.parametrize("name", [*of_few_levels(0)])
def test_a_measurement_of_few_levels_is_stuck_only_where_it_is(name):
    """Chance decides, and what is as long as the others that are long is no finding."""
    for seed in range(5):
        value = of_few_levels(seed)[name] * 1.0
        frame = ticks(minutes(0, len(value)), value=value)
        assert quality(frame).empty
        if name in ("mains", "signal", "room"):
            frame.iloc[4000:4300, frame.columns.get_loc("value")] = value[4000]
            found = quality(frame)
            assert found["kind"].tolist() == ["value stuck"]
            assert 300 <= found["count"].iloc[0] < 310


def test_a_percentage_on_a_topic_of_states_can_be_stuck():
    """As what changes at most messages is no state."""
    value = np.random.default_rng(0).integers(40, 49, 2000)
    value[500:1000] = 44
    assert kinds(ticks(minutes(0, 2000), topic="state/summary", ram_percent=value, value=0.0)) == ["value stuck"]


def test_one_spike_at_the_other_end_hides_no_sentinel():
    """A sentinel is far from what most of the others are; what lies at its own end is not overlooked."""
    value = noise(5000)
    value[2000:2010] = -999
    value[100] = 5000.0
    frame = ticks(minutes(0, 5000), value=value)
    assert quality(frame)[["kind", "count"]].to_numpy().tolist() == [["sentinel value", 10]]
    value[200] = -900.0
    assert kinds(ticks(minutes(0, 5000), value=value)) == []


@pytest.mark.parametrize("level", [-999, 999.9, 9999, 85, -127, 65535, -327.68, -(2**31), 1e30, 3.4028234663852886e38])
def test_a_number_that_stands_for_no_measurement_is_told(level):
    """Far from all others; with its span and count. What devices send when they start is among them."""
    value = noise(600)
    value[[3, 200, 201, 400]] = level
    found = quality(ticks(minutes(0, 600), value=value, other=noise(600)))
    assert found[["kind", "field", "start", "end", "count"]].to_numpy().tolist() == [
        ["sentinel value", "value", at(3), at(400), 4]
    ]
    rest = np.delete(value, [3, 200, 201, 400])
    assert f"{level:g} in 4 of 600 messages" in found["detail"].iloc[0]
    assert f"({rest.min():g} to {rest.max():g})" in found["detail"].iloc[0]


@pytest.mark.parametrize("rest", [np.full(600, 3.2), np.arange(600) % 4])
def test_a_sentinel_among_few_levels_is_told(rest):
    """Of a coarse or a calm sensor; but for numbers that may be a code."""
    frame = ticks(minutes(0, 600), value=np.where(np.arange(600) % 50 == 0, -999.0, rest))
    assert quality(frame)[["kind", "count"]].to_numpy().tolist() == [["sentinel value", 12]]


def test_several_sentinels_of_a_field_are_told_each():
    """Infinity, which is no sentinel, hides none; the range in words is that of what was measured."""
    value = noise(600)
    value[1:6] = -999, -999, -9999, 65535, np.inf
    found = quality(ticks(minutes(0, 600), value=value))
    assert found[["kind", "count"]].to_numpy().tolist() == [["sentinel value", count] for count in (2, 1, 1)]
    assert found["detail"].str.contains(f"({value[6:].min():g} to {value[6:].max():g})", regex=False).all()


@pytest.mark.parametrize(
    "value",
    [
        np.linspace(-1500, 1500, 601),
        np.where(np.arange(600) % 50 == 0, 1000.0, noise(600)),
        np.where(np.arange(600) % 50 == 0, 999.0, np.arange(600) % 5),
        np.where(np.arange(600) % 50 == 0, 85.0, 60 + 5 * (noise(600) - 20)),
        np.full(600, -999.0),
        np.where(np.arange(600) % 9 == 0, 85.0, 1 + np.arange(600) % 13 / 10),
    ],
    ids=["passes it", "no such number", "few levels", "near", "constant", "a transmitter of 85 W"],
)
def test_what_may_be_measured_is_no_sentinel(value):
    """Numbers within reach of the others, and levels among few."""
    assert kinds(ticks(minutes(0, len(value)), value=value)) == []


def test_a_receiver_without_a_fix_is_told_and_a_car_that_is_parked_is_not_stuck():
    """Zero is where no device is, unless the others are near; and a position stays where the device stays."""
    lat, lon = 47 + np.cumsum(noise(600) - 20) / 1e3, np.cumsum(noise(600) - 20) / 1e3
    lat[200:400] = lat[200]
    lat[[3, 500]] = lon[[3, 500]] = 0
    found = quality(ticks(minutes(0, 600), lat=lat, lon=lon, **{"gps.latitude": lat}))
    assert found[["kind", "field", "count"]].to_numpy().tolist() == [
        ["sentinel value", "lat", 2], ["sentinel value", "gps.latitude", 2]
    ]  # fmt: skip


def test_a_stuck_value_is_told_of_its_channel_and_field():
    """Messages without the field end nothing and do not count; of events nothing is stuck."""
    temp = noise(600, 2)
    temp[200:300] = temp[200]
    temp[[250, 260]] = np.nan
    frame = ticks(minutes(0, 600), chan=2, value=noise(600), temp=temp)
    found = quality(joined(ticks(minutes(0, 600), chan=1, value=noise(600), temp=noise(600)), frame))
    assert found[["kind", "channel", "field", "start", "end", "count"]].to_numpy().tolist() == [
        ["value stuck", "chan 2", "temp", at(200), at(299), 98]
    ]
    assert kinds(frame.assign(topic="event/reading")) == []
    texts = frame.assign(temp=pd.array([None if np.isnan(one) else str(one) for one in temp], dtype="object"))
    assert quality(texts)[["field", "count"]].to_numpy().tolist() == [
        ["temp", 98]
    ]  # numbers written as text are numbers
