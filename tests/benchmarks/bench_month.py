"""A month of 20 clients and 12 topics, one message a series every five minutes: warm loads of a part and of all of it.

``pytest -m benchmark -s tests/benchmarks/bench_month.py``, or run the file.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import bench_decode
import bench_load

import isr_analysis as isr
from isr_analysis import messages, settings, times
from isr_analysis.messages import Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.store.store import Store
from isr_analysis.times import DAY, MINUTE, Range

CLIENTS = [f"isr-shack-{i:02}" for i in range(1, 21)]
FIRST, DAYS = times.instant("2026-10-01"), 30


def fill(store: Store) -> int:
    """Put the month into a store, as if it had been fetched; give the number of messages."""
    r = random.Random(1)
    kinds: dict[str, list[bytes]] = {}
    while len(kinds) < 12 or min(map(len, kinds.values())) < 50:
        topic, value = bench_decode.payload(r, "isr-shack-01")
        kinds.setdefault(topic, []).append(json.dumps(value).encode())
    series = [(client, topic) for client in CLIENTS for topic in kinds]
    rows = 0
    for day in Range(FIRST, FIRST + DAYS * DAY).days():
        at = np.arange(day.start, day.end, 5 * MINUTE)
        time_ = np.concatenate([at + number * 1_000_000 for number in range(len(series))])
        n = len(at)
        table = pa.table(
            [
                pa.array(time_, messages.SCHEMA.field("time").type),
                [client for client, _ in series for _ in range(n)],
                [topic for _, topic in series for _ in range(n)],
                [r.choice(kinds[topic]) for _, topic in series for _ in range(n)],
                np.arange(n * len(series)), ["history"] * (n * len(series)), pa.nulls(n * len(series), pa.string()),
            ],
            schema=messages.SCHEMA,
        )  # fmt: skip
        rows += store.commit(Selector(), day, [table], fetched_at=day.end + DAY)
    return rows


@pytest.mark.benchmark
def test_warm_loads(tmp_path: Path) -> None:
    """One series, one client, everything: the first time from Parquet, then from the memo."""
    profile = settings.profile(origin="http://127.0.0.1:9", account_id=bench_load.ACCOUNT, home=tmp_path, environ={})
    with Portal(profile, Token("isr_mqtt_rest_for-the-benchmark")) as portal:
        store = Store(portal.folder)
        rows = fill(store)
        whole = {"start": "2026-10-01", "end": "2026-10-31", "offline": True, "portal": portal}
        sys.stdout.write(f"\n{rows:,} messages, {store.health().bytes / 1e6:.0f} MB on disk\n")
        for name, asked in (
            ("one series", (CLIENTS[3], "telemetry/watt_meter")),
            ("one client", (CLIENTS[3],)),
            ("everything", ()),
            ("one series, beside all", (CLIENTS[5], "telemetry/watt_meter")),
        ):
            taken = []
            for _ in range(3):
                began = time.perf_counter()
                df = isr.load_history(*asked, **whole)
                taken.append(time.perf_counter() - began)
            sys.stdout.write(
                f"{name:<24}{len(df):>10,} messages {taken[0]:8.3f} s first {min(taken[1:]):8.3f} s then\n"
            )
            assert min(taken[1:]) < 3


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        test_warm_loads(Path(folder))
