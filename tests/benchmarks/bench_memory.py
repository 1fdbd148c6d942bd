"""The most memory that `isr sync` has, of one million messages and of ten, each in a process of its own.

``pytest -m benchmark -s tests/benchmarks/bench_memory.py``, or run the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import bench_decode
import bench_load
import page_server

PER_DAY = 200_000
CONTRACT = f"""
[history]
path = "{bench_load.HISTORY}"
start = "start"
end = "end"
start_included = true
cursor = "cursor"
"""
CHILD = """
import re, sys
from pathlib import Path
from isr_analysis.cli import cli
cli.main(sys.argv[1:], standalone_mode=False)
# Of this program alone: the system's own figure of a child begins with that of its parent.
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1000)
"""


def render(folder: Path) -> None:
    """Write the pages of one day, which stand for every day."""
    index = []
    rows = [row for page in bench_decode.made(PER_DAY) for row in json.loads(page)]
    for number, row in enumerate(rows):
        at = pd.Timestamp(page_server.DAY, tz="UTC") + pd.Timedelta(microseconds=number * 432_000)
        row["time"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        row["topic"] = f"{bench_load.ACCOUNT}/{row['client_id']}/{row['topic']}"
    for at in range(0, PER_DAY, bench_decode.PAGE):
        after = str(at + bench_decode.PAGE) if at + bench_decode.PAGE < PER_DAY else None
        page = {"messages": rows[at : at + bench_decode.PAGE], "next_cursor": after}
        (folder / f"{at}.json").write_text(json.dumps(page, ensure_ascii=False))
        index.append([bench_load.HISTORY, "each", str(at) if at else "", "application/json", f"{at}.json"])
    (folder / "index.json").write_text(json.dumps(index))


def synced(origin: str, home: Path, days: int) -> tuple[str, int]:
    """Sync some days in a process of its own; give what it said and its peak memory, MB."""
    home.mkdir()
    (home / "contract.toml").write_text(CONTRACT)
    end = pd.Timestamp("2026-01-01") + pd.Timedelta(days=days)
    settings = {
        "ISR_HOME": str(home),
        "ISR_PORTAL_ORIGIN": origin,
        "ISR_ACCOUNT_ID": bench_load.ACCOUNT,
        "ISR_TOKEN": "isr_mqtt_rest_for-the-benchmark",
        "ISR_CONTRACT": str(home / "contract.toml"),
    }
    environment = {**os.environ, **settings}
    command = [sys.executable, "-c", CHILD, "sync", "--start", "2026-01-01", "--end", f"{end:%Y-%m-%d}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *said, peak = done.stdout.split("\n")[:-1]
    return " ".join(said), int(peak)


@pytest.mark.benchmark
def test_memory_is_flat(tmp_path: Path) -> None:
    """One million messages and ten: below 500 MB, and hardly more for the ten."""
    pages = tmp_path / "pages"
    pages.mkdir()
    render(pages)
    peaks = []
    with bench_load.served(pages) as origin:
        for days in (5, 50):
            said, peak = synced(origin, tmp_path / f"home-{days}", days)
            assert said.startswith(f"{days * PER_DAY:,} messages came")
            sys.stdout.write(f"\n{said}; peak memory {peak} MB\n")
            peaks.append(peak)
    assert max(peaks) < 500
    assert peaks[1] < 1.2 * peaks[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        test_memory_is_flat(Path(folder))
