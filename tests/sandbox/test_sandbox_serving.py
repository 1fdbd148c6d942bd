"""A sandbox as something that runs: counted, failing on demand, started, stopped, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from email.utils import parsedate_to_datetime
from unittest.mock import Mock

import httpx
import pytest
from clocks import Clock
from sandboxes import API, NOW, ask, client

from isr_analysis import sandbox
from isr_analysis.errors import UsageError
from isr_analysis.times import SECOND


def test_requests_are_counted_by_route_and_token():
    """The sandbox knows how often each route was asked, and with which token."""
    with sandbox.serve(now=Clock(NOW)) as here:
        other = here.make_token()
        ask(here, "history", limit=1)
        ask(here, "history", other, limit=1)
        ask(here, "publishers/live", other)
        assert here.requests() == 3
        assert here.requests("history") == 2
        assert here.requests("history", token=other) == 1
        assert here.requests(token=here.token) == 1


def test_every_answer_tells_the_time_of_the_sandbox_once():
    """A client that compares clocks finds none that is wrong, also where that of the sandbox is set."""
    with sandbox.serve(now=Clock(NOW)) as here:
        here.fail("down", times=1)
        for status in (503, 200):
            answer = ask(here, "publishers")
            assert answer.status_code == status
            (date,) = answer.headers.get_list("date")
            assert parsedate_to_datetime(date).timestamp() == here.now() // SECOND


def test_failures_on_demand():
    """Down, a page of HTML, slow, a body that breaks off, half of the JSON: each so often as was said, then well."""
    with sandbox.serve(now=Clock(NOW)) as here:
        here.fail("down", times=2)
        assert [ask(here, "publishers").status_code for _ in range(3)] == [503, 503, 200]
        here.fail("html", route="history")
        assert ask(here, "history").headers["content-type"].startswith("text/html")
        assert ask(here, "publishers").status_code == 200
        here.heal()
        assert ask(here, "history").headers["content-type"] == "application/json"
        here.fail("cut", times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            ask(here, "history")
        here.fail("broken", times=1)
        with pytest.raises(json.JSONDecodeError):
            ask(here, "history").json()
        here.fail("slow", times=1, seconds=0.8)
        with client(here) as line, pytest.raises(httpx.ReadTimeout):
            line.get("history", timeout=0.2)
        with pytest.raises(UsageError, match="sideways"):
            here.fail("sideways")
        with pytest.raises(UsageError, match="times=0"):
            here.fail("down", times=0)


def test_a_defect_of_the_sandbox_itself_is_logged(monkeypatch, caplog):
    """An answer of 500 that nobody asked for says in the log where it comes from; what fails on demand says nothing."""
    with sandbox.serve(now=Clock(NOW)) as here:
        here.fail("cut", times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            ask(here, "history")
        monkeypatch.setattr("isr_analysis.sandbox.archive.Archive.page", Mock(side_effect=RuntimeError("a defect")))
        assert ask(here, "history").status_code == 500
    (said,) = [one for one in caplog.records if one.name.startswith("isr_analysis")]
    assert "GET /api/v1/subscriber/history" in said.getMessage()
    assert str(said.exc_info[1]) == "a defect"


def test_a_port_that_is_taken():
    """The error names the port and what to do."""
    with sandbox.serve() as here:
        port = int(here.origin.rpartition(":")[2])
        with pytest.raises(UsageError, match=rf"port {port} .* 0 for any"):
            sandbox.serve(port=port)


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": "x"}, {"days": 1.5}, {"rate": 0.0}, {"port": 99_999}, {"port": 1.5}, {"seed": None},
              {"limit": "x"}, {"broker": "no"}, {"troubles": None}]
)  # fmt: skip
def test_arguments_that_cannot_be_used(wrong):
    """A wrong argument is refused before anything is started, and named."""
    ((name, value),) = wrong.items()
    with pytest.raises(UsageError, match=f"{name}.*{value}"):
        sandbox.serve(**wrong)


def test_nothing_stays_behind():
    """After the block the port is free, the threads end, and stopping twice is harmless."""
    before = set(threading.enumerate())
    with sandbox.serve() as here, client(here) as line:
        assert line.get("publishers").status_code == 200
        port = int(here.origin.rpartition(":")[2])
    here.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread
    with sandbox.serve(port=port) as again:
        assert again.origin == here.origin


def test_where_a_connection_keeps_things(tmp_path, monkeypatch):
    """`ISR_HOME` is used where it is set; else a folder that goes with the sandbox, whose port will not come again."""
    with sandbox.serve() as here:
        assert here.connect().profile.home == tmp_path / "home"
        monkeypatch.delenv("ISR_HOME")
        own = here.connect().profile.home
        assert own.is_dir()
        assert here.connect(home=tmp_path / "mine").profile.home == tmp_path / "mine"
    assert not own.exists()


def test_the_connection_has_the_sandbox_clock():
    """What is connected asks by the same clock, and knows the account."""
    with sandbox.serve(now=Clock(NOW)) as here, here.connect() as portal:
        assert portal.now() == NOW
        assert portal.account_id == here.account_id


def test_in_the_foreground_until_interrupted():
    """`run` says where it is, serves, and ends well and without a word on an interrupt."""
    code = (
        "from isr_analysis import sandbox; sandbox.run(seed=3, announce=lambda s: print(s.origin, s.token, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            origin, token = process.stdout.readline().split()
            answer = httpx.get(f"{origin}{API}/publishers", headers={"Authorization": f"Bearer {token}"})
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()  # else leaving it would wait for ever
    assert answer.status_code == 200
    assert (process.returncode, out, err) == (0, "", "")


def test_an_extra_that_is_missing():
    """Without FastAPI the error says what to install."""
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from isr_analysis import errors, sandbox\n"
        "try:\n    sandbox.serve()\n"
        "except errors.MissingExtraError as exc:\n    print(exc)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "isr-analysis[sandbox]"' in done.stdout
