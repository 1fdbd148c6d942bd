"""Frames of messages, and their values, to check."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-11-01", tz="UTC")


def ticks(seconds, *, client="isr-shack-01", topic="telemetry/a", start=START, **columns):
    """Make a frame of messages at so many seconds after `start`."""
    index = start + pd.to_timedelta(np.asarray(seconds, dtype="float64"), unit="s")
    frame = pd.DataFrame({"client_id": client, "topic": topic, **columns}, index=index.as_unit("ns").rename("time"))
    return frame if "value" in frame else frame.assign(value=np.arange(len(frame)) % 97 + 0.5)


def joined(*frames):
    """Put frames together as a loader would."""
    frame = pd.concat(frames).sort_index(kind="stable")
    return frame.astype({"client_id": "category", "topic": "category"})


def minutes(first, last, step=1):
    """Give the seconds of every so many minutes of a range of them."""
    return np.arange(first, last, step) * 60


def at(minute):
    """Give the instant so many minutes after the start."""
    return START + pd.Timedelta(minutes=minute)


def noise(count, seed=1):
    """Give values of a measurement."""
    return 20 + np.random.default_rng(seed).normal(0, 1, count).round(2)
