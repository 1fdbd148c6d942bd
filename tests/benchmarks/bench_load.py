"""From request to DataFrame and from disk to DataFrame, beside what users do today, on the same rows in one run.

``pytest -m benchmark -s tests/benchmarks/bench_load.py``, or run the file. The competitors are in the group `bench`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
import requests_cache

sys.path.insert(0, str(Path(__file__).parent))
import bench_decode

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.contract.contract import Contract, History
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token

ACCOUNT = "6f1c7d52-0a53-4f6e-9b55-6f1d1a0e8f11"
HISTORY, PUBLISHERS, INFLUX = "/api/v1/subscriber/history", "/api/v1/subscriber/publishers", "/api/v2/query"
START = "2026-11-01"
ROUNDS = 3
NAMES = {
    "first": "first load",
    "second": "second load",
    "httpx": "httpx + json_normalize",
    "parsed": "httpx + orjson.loads, no frame",
    "influx": "influxdb-client query_data_frame",
    "cached": "requests-cache + json_normalize",
}


def render(folder: Path) -> tuple[int, int]:
    """Write the answers: messages in pages of a day, and the same as InfluxDB's CSV. Give rows and days."""
    rows = [row for page in bench_decode.made(bench_decode.COUNT) for row in json.loads(page)]
    for row in rows:
        row["topic"] = f"{ACCOUNT}/{row['client_id']}/{row['topic']}"
    index = []
    days: dict[str, list[dict]] = {}
    for row in rows:
        days.setdefault(row["time"][:10], []).append(row)
    for day, of_day in days.items():
        for at in range(0, len(of_day), bench_decode.PAGE):
            after = str(at + bench_decode.PAGE) if at + bench_decode.PAGE < len(of_day) else None
            page = {"messages": of_day[at : at + bench_decode.PAGE], "next_cursor": after}
            file = f"{day}-{at}.json"
            (folder / file).write_text(json.dumps(page, ensure_ascii=False))
            index.append([HISTORY, f"{day}T00:00:00Z", str(at) if at else "", "application/json", file])
    prefix = {"history_topic_prefix": f"{ACCOUNT}/{bench_decode.STATIONS[0]}/"}
    (folder / "publishers.json").write_text(json.dumps([{"client_id": bench_decode.STATIONS[0], **prefix}]))
    index.append([PUBLISHERS, "", "", "application/json", "publishers.json"])
    (folder / "influx.csv").write_text(as_influx(rows))
    index.append([INFLUX, "", "", "text/csv; charset=utf-8", "influx.csv"])
    (folder / "index.json").write_text(json.dumps(index))
    return len(rows), len(days)


def as_influx(rows: list[dict]) -> str:
    """Write rows as InfluxDB answers a query with `pivot`: one table a topic, one column a field."""
    kinds = {"float64": "double", "int64": "long", "bool": "boolean"}
    out = []
    for number, (topic, of_topic) in enumerate(pd.DataFrame(rows).groupby("topic")):
        plain = [p if isinstance(p, dict) else {"value": p} for p in of_topic["payload"]]
        table = pd.json_normalize(plain).map(lambda v: str(v) if isinstance(v, list) else v)
        client, subpath = topic.split("/", 2)[1:]
        table.insert(0, "topic", subpath)
        table.insert(0, "client_id", client)
        table.insert(0, "_time", of_topic["time"].str.replace("+00:00", "Z").to_numpy())
        table.insert(0, "table", number)
        table.insert(0, "result", "")
        types = ["string", "long", "dateTime:RFC3339", *(kinds.get(str(t), "string") for t in table.dtypes[3:])]
        group = ["false"] * 3 + ["true"] * 2 + ["false"] * (len(types) - 5)
        notes = [["#group", *group], ["#datatype", *types], ["#default", "_result", *[""] * (len(types) - 1)]]
        table.insert(0, "", None)
        out.append("\r\n".join([*map(",".join, notes), table.to_csv(index=False, lineterminator="\r\n")]))
    return "\r\n".join(out)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder from a process of its own; give the origin."""
    server = subprocess.Popen([sys.executable, str(Path(__file__).with_name("page_server.py")), str(folder)],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def gathered(get: Callable[[str, dict], dict], days: int) -> list[dict]:
    """Ask for the range page by page, as most scripts do; give its rows."""
    rows = []
    for day in pd.date_range(START, periods=days):
        params = {"start": f"{day:%Y-%m-%d}T00:00:00Z", "end": f"{day + pd.Timedelta('1D'):%Y-%m-%d}T00:00:00Z"}
        while True:
            page = get(HISTORY, params)
            rows += page["messages"]
            if page["next_cursor"] is None:
                break
            params = {**params, "cursor": page["next_cursor"]}
    return rows


def paged(get: Callable[[str, dict], dict], days: int) -> pd.DataFrame:
    """Load the range as most scripts do: page by page, then `json_normalize`."""
    df = pd.json_normalize(gathered(get, days))
    df["time"] = pd.to_datetime(df["time"], format="ISO8601")
    return df.set_index("time")


def ours(origin: str, home: Path, days: int, **more: object) -> pd.DataFrame:
    """Load the range with this package."""
    profile = settings.profile(origin=origin, account_id=ACCOUNT, home=home, environ={})
    contract = Contract(history=History(client="client_id", start_included=True, cursor="cursor"))
    end = pd.Timestamp(START) + pd.Timedelta(days=days)
    with Portal(profile, Token("isr_mqtt_rest_for-the-benchmark"), contract=contract) as portal:
        return isr.load_history(start=START, end=end, portal=portal, **more)


def influx(origin: str) -> pd.DataFrame:
    """Load the rows with InfluxDB's own client."""
    from influxdb_client import InfluxDBClient

    with InfluxDBClient(url=origin, token="t", org="o", timeout=600_000) as client:
        return client.query_api().query_data_frame('from(bucket: "b") |> range(start: 0)')


Seconds = tuple[float, float]
"""Of the clock, and of the processor."""


def best(runs: dict[str, Callable[[int], object]], rounds: int = ROUNDS) -> dict[str, Seconds]:
    """Give the seconds of each one's fastest round. They take turns: what else the machine does harms all alike."""
    taken: dict[str, list[Seconds]] = {name: [] for name in runs}
    for i in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter(), time.process_time()
            run(i)
            taken[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return {name: (min(clock for clock, _ in two), min(work for _, work in two)) for name, two in taken.items()}


@pytest.mark.benchmark
@pytest.mark.filterwarnings("ignore")
def test_loads(tmp_path: Path) -> None:
    """First and second loads reach what the design demands."""
    import orjson  # of the group `bench`

    pages, homes = tmp_path / "pages", tmp_path / "homes"
    pages.mkdir()
    rows, days = render(pages)
    with (
        served(pages) as origin,
        httpx.Client(base_url=origin) as line,
        requests_cache.CachedSession(str(tmp_path / "cache"), backend="sqlite") as cache,
    ):
        by_httpx = lambda url, params: line.get(url, params=params).json()  # noqa: E731
        by_orjson = lambda url, params: orjson.loads(line.get(url, params=params).content)  # noqa: E731
        by_cache = lambda url, params: cache.get(origin + url, params=params).json()  # noqa: E731
        assert len(ours(origin, homes / "held", days)) == rows == len(paged(by_cache, days))
        seconds = best({
            "first": lambda i: ours(origin, homes / str(i), days),
            "httpx": lambda _: paged(by_httpx, days),
            "parsed": lambda _: gathered(by_orjson, days),
            "influx": lambda _: influx(origin),
        })  # fmt: skip
        seconds |= best({
            "second": lambda _: ours(origin, homes / "held", days),
            "cached": lambda _: paged(by_cache, days),
        })  # fmt: skip
    sys.stdout.write(f"\n{rows:,} messages; seconds of the clock, and of the processor\n")
    for name, (clock, work) in seconds.items():
        against = seconds["second" if name in ("second", "cached") else "first"]
        times = f"{clock / against[0]:5.1f} and {work / against[1]:5.1f} times ours"
        sys.stdout.write(f"{NAMES[name]:<36}{clock:8.3f} {work:8.3f}   {times}\n")
    assert seconds["httpx"][0] / seconds["first"][0] >= 7
    assert seconds["influx"][0] / seconds["first"][0] >= 4
    assert seconds["cached"][0] / seconds["second"][0] >= 60


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        test_loads(Path(folder))
