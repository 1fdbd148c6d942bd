"""Frames to draw, and what a figure says."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

MINUTES = pd.date_range("2026-11-01", periods=300, freq="1min", tz="UTC", name="time", unit="ns")


def plain(value, index=MINUTES, **columns):
    """Make a frame with one field, by hand."""
    return pd.DataFrame({"value": value, **columns}, index=index[: len(value)])


def fleet(*clients, channels=2, index=MINUTES):
    """Make a frame of a fleet, as a loader gives it: watt meters, relays, summaries, events."""
    parts = []
    for number, client in enumerate(clients):
        rng = np.random.default_rng(number)
        who = {"client_id": client, "station_controller_device_id": f"SC-{number}"}
        for chan in range(1, channels + 1):
            power = {"topic": "telemetry/watt_meter", "type": "watt_meter", "chan": chan, "unit": "W"}
            relay = {"topic": "state/relay", "type": "relay", "chan": chan}
            switched = np.where(np.arange(len(index)) // 50 % 2, "on", "off").astype(object)
            parts += [
                pd.DataFrame({**who, **power, "value": rng.normal(50, 2, len(index))}, index=index),
                pd.DataFrame({**who, **relay, "value": switched}, index=index),
            ]
        load = {"client_id": client, "topic": "state/summary", "cpu.load": rng.random(len(index)), "online": True}
        parts.append(pd.DataFrame(load, index=index))
        event = {"client_id": client, "topic": "event/change", "event": "ptt"}
        parts.append(pd.DataFrame(event, index=index[::60]))
    frame = pd.concat(parts).sort_index(kind="stable")
    frame = frame.astype({"client_id": "category", "topic": "category", "chan": "Int64", "online": "boolean"})
    return frame.rename_axis("time")


def words(figure):
    """Give all that a figure says besides its data."""
    title = figure.layout.title
    return " ".join([title.text or "", title.subtitle.text or "", *(note.text for note in figure.layout.annotations)])


def hours(day, zone="Europe/Zurich", count=48):
    """Make a frame of hours from a local midnight on."""
    index = pd.date_range(pd.Timestamp(day, tz=zone), periods=count, freq="1h", unit="ns", name="time")
    return pd.DataFrame({"value": np.arange(count) * 1.0}, index=index)


def shaded(figure):
    """Give what is grey in each panel of a figure, as pairs of instants on its axis."""
    pairs = [re.findall(r"M(\S+?),0V1H(\S+?)V0Z", shape.path) for shape in figure.layout.shapes]
    assert all(len(shape.path) == sum(map(len, sum(some, ()))) + 9 * len(some)
               for shape, some in zip(figure.layout.shapes, pairs, strict=True))  # fmt: skip
    return [[tuple(np.datetime64(one.replace("_", "T")) for one in pair) for pair in some] for some in pairs]
