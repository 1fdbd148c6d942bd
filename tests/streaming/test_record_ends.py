"""How a recorder ends: killed, interrupted at the worst moment, stopped; nothing that came is lost, nor there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from recorders import EVER, S, needs_mosquitto, rows, said, truth, wait_for

import isr_analysis as isr
from isr_analysis.messages import Selector
from isr_analysis.store.recorded import Recorded
from isr_analysis.streaming.stream import Stream


@needs_mosquitto
def test_kill_9_loses_seconds_and_doubles_nothing(tmp_path):
    """What was stored stays; the next recorder goes on at once; nothing is there twice."""
    with isr.sandbox.serve(days=1, broker=True, rate=200) as here:
        login = here.make_subscriber()
        env = {
            **os.environ, "ISR_TOKEN": here.token, "ISR_PORTAL_ORIGIN": here.origin, "ISR_HOME": str(tmp_path / "kept"),
            "ISR_MQTT_HOST": login.host, "ISR_MQTT_USERNAME": login.username,
            "ISR_MQTT_PASSWORD": login.password.reveal(), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }  # fmt: skip
        words = [sys.executable, "-c", "from isr_analysis.cli import main; main()", "record", "--every", "1s"]
        began = time.time_ns()
        portal = here.connect(home=tmp_path / "kept")
        store = Recorded(portal.folder)
        first = subprocess.Popen(words, env=env, stderr=subprocess.PIPE)
        wait_for(lambda: store.health().rows > 50)
        first.kill()
        first.wait()
        first.stderr.close()
        kept = store.health().rows
        assert kept > 50
        second = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
        wait_for(lambda: store.health().rows > kept + 50)
        second.send_signal(signal.SIGTERM)
        told, _ = second.communicate(timeout=60)
        assert second.returncode == 0
        found = rows(store.read(Selector(), EVER))
        assert f"{len(found) - kept:,} messages" in told
        assert said(found) <= said(truth(here, began - 2 * S, time.time_ns()))


@needs_mosquitto
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_loses_nothing_that_came(ending):
    """Also where it, or the end of a service, comes after messages are taken and before they are stored."""
    taken = []

    def interrupt(frame, event, given):
        if event == "return" and frame.f_code is Stream.new.__code__ and given is not None and len(given):
            taken.append(len(given))
            if len(taken) == 2:
                signal.raise_signal(ending)

    with (
        isr.sandbox.serve(days=1, broker=True, rate=50) as here,
        here.connect() as portal,
        isr.stream(login=here.make_subscriber(), portal=portal) as live,
    ):
        former = signal.signal(ending, signal.default_int_handler)  # as the command has it
        sys.setprofile(interrupt)
        try:
            done = isr.record(source=live, every="0.2s", portal=portal)
        finally:
            sys.setprofile(None)
            signal.signal(ending, former)
        stored = Recorded(portal.folder).read(Selector(), EVER)
    assert len(taken) == 2
    assert done.rows == len(stored) >= sum(taken)
    numbers = stored["seq"].to_pylist()
    assert sorted(numbers) == list(range(min(numbers), live.received + 1))


@needs_mosquitto
def test_ctrl_c_while_a_recorder_closes_its_stream_loses_nothing():
    """As of somebody who presses it twice, since a connection that is being made takes its time to end."""

    def interrupt(frame, event, _):
        if event == "call" and frame.f_code is Stream.close.__code__ and not pressed:
            pressed.append(live.received)
            signal.raise_signal(signal.SIGINT)

    pressed, stop = [], threading.Event()
    with (
        isr.sandbox.serve(days=1, broker=True, rate=50) as here,
        here.connect() as portal,
        isr.stream(login=here.make_subscriber(), portal=portal) as live,
    ):
        threading.Thread(target=lambda: (wait_for(lambda: live.received > 20), stop.set())).start()
        sys.setprofile(interrupt)
        try:
            with pytest.raises(KeyboardInterrupt):
                isr.record(source=live, every="1h", stop=stop, portal=portal)
        finally:
            sys.setprofile(None)
        assert pressed
        numbers = Recorded(portal.folder).read(Selector(), EVER)["seq"].to_pylist()
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
    assert max(numbers) >= pressed[0]


@needs_mosquitto
@pytest.mark.parametrize("streams", [True, False])
def test_a_recorder_is_stopped_however_seldom_it_looks(streams):
    """Whoever stops one in a thread does not wait for its next look; what came by then is stored."""
    with (
        isr.sandbox.serve(days=1, broker=True, rate=50) as here,
        here.connect() as portal,
        isr.stream(login=here.make_subscriber(), portal=portal) as live,
    ):
        stop, done, store = threading.Event(), [], Recorded(portal.folder)
        options = {"source": live if streams else "live", "every": "1h", "stop": stop, "portal": portal}
        thread = threading.Thread(target=lambda: done.append(isr.record(**options)), daemon=True)
        thread.start()
        wait_for(lambda: live.received > 20 if streams else store.health().rows)
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
        assert done[0].rows == store.health().rows
