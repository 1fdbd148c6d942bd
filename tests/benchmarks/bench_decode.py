"""How fast messages become a DataFrame, side by side in one run with what users do today.

``pytest -m benchmark -s tests/benchmarks/bench_decode.py``, or run the file. orjson is measured if it is installed.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import random
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isr_analysis import answers, frame, messages, payloads

COUNT, PAGE = 400_000, 10_000
STATIONS = [f"isr-shack-{i:02}" for i in range(1, 9)]


def payload(r: random.Random, station: str) -> tuple[str, object]:
    """Make up one message of a station: topic and payload."""
    who = {"device_id": station, "callsign": f"HB9{station[-2:]}XY", "username": f"user{station[-1]}"}
    reading = {"station_controller_device_id": f"SC-0050C2{station[-2:]}A1F0", "chan": r.randint(1, 4),
               "module": r.randint(1, 2), "dcn": f"0x{r.randint(1, 3):02x}"}  # fmt: skip
    watt, temp, relay = ({**reading, "type": kind} for kind in ("watt_meter", "temp_probe", "relay"))
    kinds = {
        "telemetry/watt_meter": (25, lambda: {**watt, "value": round(r.random() * 99, 1), "unit": "W"}),
        "telemetry/temp_probe": (20, lambda: {**temp, "value": round(r.random() * 40, 2), "unit": "C"}),
        "state/watt_meter": (5, lambda: {**watt, "value": r.randint(0, 99), "state": "ok"}),
        "telemetry/relay": (5, lambda: {**relay, "value": r.randint(0, 1)}),
        "state/relay": (5, lambda: {**relay, "value": r.random() < 0.5}),
        "telemetry/bandwidth": (10, lambda: {**who, "rx_bytes": r.getrandbits(33), "rx_rate": r.random() * 1e4}),
        "telemetry/system": (10, lambda: {**who, "cpu": {"load": r.random(), "temp": 40 + r.randint(0, 90) / 10},
                                          "ram": {"used": r.getrandbits(32), "total": 2**32}}),
        "state/summary": (5, lambda: {**who, "cpu": {"load": r.random()}, "swap": None, "tags": ["a", "b"]}),
        "event/change": (5, lambda: {**who, "event": "relay", "from": False, "to": True, "note": "von Hand geändert"}),
        "heartbeat": (4, lambda: {**who, "uptime": r.getrandbits(24)}),
        "sensors/outside": (3, lambda: round(r.random() * 30, 1)),
        "sensors/door": (3, lambda: r.choice(["open", "closed"])),
    }  # fmt: skip
    topic = r.choices([*kinds], [share for share, _ in kinds.values()])[0]
    return topic, kinds[topic][1]()


def made(count: int) -> list[bytes]:
    """Make up pages, as a portal answers."""
    r, rows = random.Random(1), []
    for i in range(count):
        station = r.choice(STATIONS)
        topic, value = payload(r, station)
        at = pd.Timestamp("2026-11-01", tz="UTC") + pd.Timedelta(milliseconds=i * 1500)
        rows.append({"time": at.isoformat(), "client_id": station, "topic": topic, "payload": value})
    return [json.dumps(rows[i : i + PAGE], ensure_ascii=False).encode() for i in range(0, count, PAGE)]


def best(jobs, rounds=5):
    """Give the shortest time of each job, by the clock and of the processor. They take turns."""
    spent = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            gc.collect()  # what the run before left
            start = time.perf_counter(), time.process_time()
            job()
            spent[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {name: tuple(map(min, zip(*runs, strict=True))) for name, runs in spent.items()}


def read(pages: list[bytes]) -> pa.Table:
    """Read pages into messages."""
    return pa.concat_tables([answers.read_page(page).messages for page in pages])


def measured(count: int = COUNT) -> dict[str, float]:
    """Measure every way, print a table, and give the seconds by the clock."""
    pages = made(count)
    with tempfile.TemporaryDirectory() as folder:
        body, store, memo = (Path(folder) / name for name in ("page.json", "store.parquet", "memo.arrow"))
        body.write_bytes(b"\n".join(pages))
        table = messages.in_order(read(pages))
        pq.write_table(table, store, compression="zstd")
        decoded = payloads.decode(table)
        with pa.ipc.new_file(memo, decoded.schema) as file:
            file.write_table(decoded)
        jobs = {
            "bare read of the bytes": body.read_bytes,
            "json_normalize": lambda: pd.json_normalize([row for page in pages for row in json.loads(page)]),
            "page bytes to DataFrame": lambda: frame.to_frame(read(pages)),
            "messages to DataFrame": lambda: frame.to_frame(table),
            "store to DataFrame": lambda: frame.to_frame(pq.read_table(store, schema=messages.SCHEMA)),
            "memo to DataFrame": lambda: frame.from_decoded(pa.ipc.open_file(pa.memory_map(str(memo))).read_all()),
        }
        if importlib.util.find_spec("orjson"):
            orjson = importlib.import_module("orjson")
            jobs["orjson.loads alone"] = lambda: [orjson.loads(page) for page in pages]
        seconds = best(jobs)
    print(f"\n{count} messages, {sum(map(len, pages)) / 1e6:.0f} MB of JSON; by the clock, and of the processor")  # noqa: T201
    for name, (clock, work) in seconds.items():
        ours = seconds["page bytes to DataFrame"]
        print(  # noqa: T201
            f"{name:26} {clock:8.3f} s {work:8.3f} s {count / clock:12.0f} messages/s   "
            f"{clock / ours[0]:6.2f} and {work / ours[1]:6.2f} times page bytes to DataFrame"
        )
    return {name: clock for name, (clock, _) in seconds.items()}


@pytest.mark.benchmark
def test_faster_than_what_users_do_today():
    """Seven times faster than json_normalize from page to frame, and faster than parsing alone."""
    seconds = measured()
    assert seconds["json_normalize"] > 7 * seconds["page bytes to DataFrame"]
    assert seconds.get("orjson.loads alone", 1e9) > seconds["page bytes to DataFrame"]
    assert seconds["memo to DataFrame"] < seconds["store to DataFrame"] / 4


if __name__ == "__main__":
    measured()
