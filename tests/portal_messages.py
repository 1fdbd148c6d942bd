"""What goes into test portals, and whether a frame has exactly that."""

from __future__ import annotations

import json
import math
import random
from collections import Counter

import pandas as pd
import portals
from portals import FIRST, NOW, Message

from isr_analysis import frame
from isr_analysis.times import DAY, HOUR, SECOND

SPAN = {"start": "2026-11-01", "end": "2026-11-04"}
RICH = [
    {"value": 1.5, "chan": 3},
    {"on": True, "note": None},
    {"cpu": {"load": 0.25, "cores": 4}},
    {"callsign": "DB0ZU"},
    21.5,
    7,
    True,
    {},
    [1, 2],
    {"value": 2**53 + 1},
    {"text": "2026-11-01", "value": "n/a"},
    {"deep": {"a": [1, {"b": None}]}},
]
FLAT = [
    {"value": 1.5, "chan": 3},
    {"value": 2.25, "chan": 1, "note": "ok"},
    {"on": True},
    {"callsign": "DB0ZU", "rpm": 1200},
]


def published(payloads, *, unit=1_000_000, seed=0):
    """Make the messages of four days and more: borders, shared instants, repeats, a burst, and a day without any."""
    dice = random.Random(seed)
    clients = {"dev-a": ["telemetry/temp", "state/relay"], "dev-b": ["telemetry/temp"], "dev-ü": ["event/change", "x"]}
    made = []

    def say(at):
        who = dice.choice(list(clients))
        made.append(Message(at // unit * unit, who, dice.choice(clients[who]), dice.choice(payloads)))

    for at in (-1, 0, 1):  # around the borders of days, and of what is asked for
        for day in range(5):
            say(FIRST + day * DAY + at * unit)
    for day in (0, 2, 3):
        for _ in range(90):
            say(FIRST + day * DAY + dice.randrange(DAY))
    burst = FIRST + 2 * DAY + 7 * HOUR
    for _ in range(9):  # one instant for many
        say(burst)
    for i in range(30):
        say(burst + SECOND + i * unit)
    made += [Message(burst + 5 * SECOND, "dev-a", "telemetry/temp", payloads[0])] * 3  # the same, word for word
    say(FIRST - 3 * DAY)
    made.append(Message(NOW - SECOND // unit * unit, "dev-a", "telemetry/temp", payloads[0]))
    return [m for m in made if m.at < NOW]


def row(*values):
    """Give a row of a frame as something that can be counted."""
    return tuple("" if _missing(value) else json.dumps(value, default=str) for value in values)


def _missing(value):
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def told(df):
    """Give a frame's rows, and its columns with their dtypes."""
    cells = [df.index.asi8.tolist(), *(df[name].astype(object).tolist() for name in df)]
    return Counter(row(*one) for one in zip(*cells, strict=True)), {
        name: str(df[name].dtype) for name in df if name != "client_id"
    }


def same(df, went_in):
    """Check that a frame has exactly these messages: counts, instants, ids, topics, values, dtypes."""
    truth = frame.to_frame(portals.arrow(went_in))
    assert len(df) == len(truth)
    assert df.index.is_monotonic_increasing
    assert told(df) == told(truth)


def inside(stored, start=FIRST, end=FIRST + 3 * DAY):
    """Give the messages of a range."""
    return [one for one in stored if start <= one.at < end]
