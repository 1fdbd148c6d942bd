"""5 000 messages a second for a minute, over a real broker, recorded.

``pytest -m benchmark -s tests/benchmarks/bench_stream.py``, or run the file (``--rate``, ``--seconds``). mosquitto's
own clients publish, so that what is measured is the recorder alone: what it received and stored, CPU, memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time

import pytest

import isr_analysis as isr
from isr_analysis.sandbox.broker import Broker
from isr_analysis.secret import Secret
from isr_analysis.store.recorded import Recorded
from isr_analysis.streaming import login as logins
from isr_analysis.streaming.login import Login

ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000000a"
PUBLISHERS = 5

PACER = """
import sys, time
rate, seconds, name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
at = time.monotonic()
sent, tick = 0, 0.05
until = at + seconds
while at < until:
    for _ in range(round(rate * tick)):
        sent += 1
        sys.stdout.write('{"station_controller_device_id":"SC-02F54C717DED","type":"watt_meter","chan":%d,"module":"WM2",'
                         '"dcn":"0x11","value":%.2f,"unit":"W"}\\n' % (sent % 8, sent * 0.01))
    sys.stdout.flush()
    at += tick
    time.sleep(max(0.0, at - time.monotonic()))
sys.stderr.write(str(sent))
"""


def measured(rate: int, seconds: float) -> tuple[int, int, float]:
    """Publish and record; print what was measured, and give what was published, what was stored, and CPU a second."""
    broker = Broker()
    broker.admit({"sub-bench": ("listen", ACCOUNT)})
    login = Login(logins.address(broker.url), "sub-bench", Secret("listen"), f"{ACCOUNT}/#")
    with tempfile.TemporaryDirectory() as home, isr.sandbox.serve(days=1) as here:
        portal = here.connect(home=home)
        portal._account = ACCOUNT  # the broker's account is no sandbox's
        stop, done = threading.Event(), []
        with isr.stream(login=login, portal=portal) as live:
            recorder = threading.Thread(target=lambda: done.append(isr.record(source=live, stop=stop, portal=portal)))
            recorder.start()
            time.sleep(1.0)
            before, began, cpu = (
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                time.monotonic(),
                time.process_time(),
            )
            running = [publish(broker, rate // PUBLISHERS, seconds, n) for n in range(PUBLISHERS)]
            sent = sum(int(pacer.communicate()[1]) for pacer, _ in running)
            took = time.monotonic() - began
            for _, client in running:
                client.wait()
            time.sleep(2.0)
            stop.set()
            recorder.join()
            share = (time.process_time() - cpu) / took
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kept = Recorded(portal.folder)
        stored = kept.health().rows
        sys.stdout.write(
            f"\npublished {sent:,} in {took:.1f} s ({sent / seconds:,.0f} a second)\n"
            f"received  {live.received:,}, stored {stored:,}, gaps {len(done[0].missed)}\n"
            f"CPU       {share:.0%} of one core\n"
            f"memory    {most / 1000:.0f} MB at most, {before / 1000:.0f} MB before\n"
            f"files     {kept.health().files}, {kept.health().bytes / 1e6:.1f} MB\n"
        )
    broker.close()
    return sent, stored, share


@pytest.mark.benchmark
def test_five_thousand_a_second():
    """A minute of 5 000 messages a second is received and stored whole, by less than one core."""
    sent, stored, share = measured(5000, 60.0)
    assert stored == sent
    assert share < 1.0


def publish(broker, rate, seconds, number):
    """Start what publishes as one device: something that sets the pace, and mosquitto's own client."""
    pacer = subprocess.Popen(
        [sys.executable, "-c", PACER, str(rate), str(seconds), str(number)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    words = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-l"]
    words += ["-u", "sandbox-fleet", "-P", broker._fleet, "-t", f"{ACCOUNT}/dev-{number}/telemetry/watt_meter"]
    client = subprocess.Popen(words, stdin=pacer.stdout, text=True)
    pacer.stdout.close()
    pacer.stdout = None
    return pacer, client


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rate", type=int, default=5000)
    asked.add_argument("--seconds", type=float, default=60.0)
    given = asked.parse_args()
    measured(given.rate, given.seconds)
