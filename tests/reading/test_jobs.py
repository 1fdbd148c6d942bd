"""A portal that prepares its answer first: exactly the messages in the end, or an error that says what became of it."""

from __future__ import annotations

import json
from email.utils import formatdate

import httpx
import portal_rows
import portals
import pytest
from portal_messages import SPAN, inside, same
from portal_odd import ends
from portals import ACCOUNT, API, FIRST, NOW, Message

import isr_analysis as isr
from isr_analysis.errors import AnswerError, HistoryIncompleteError
from isr_analysis.times import HOUR, SECOND

STORED = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"n": i}) for i in range(50)]
JOBS = f"{API}/exports"


class Preparing:
    """Says 202 to a question, and `until` times to whoever asks again; `kind` is how it tells where."""

    def __init__(self, kind, *, until=2, state="running", done="completed", gone=None, after="5"):
        self.gone = gone
        self.after = after
        self.kind, self.until, self.state, self.done = kind, until, state, done
        self.jobs: list[tuple[dict[str, str], int]] = []

    def respond(self, request):
        """Answer a request."""
        path = request.url.path
        if path == f"{API}/publishers":
            return httpx.Response(200, json=[{"client_id": "dev-a", "history_topic_prefix": f"{ACCOUNT}/dev-a/"}])
        if path == f"{API}/history":
            self.jobs.append((dict(request.url.params), 0))
            return self.accepted(len(self.jobs) - 1)
        if not path.startswith(JOBS):
            return httpx.Response(404)
        number = int(path.split("/")[5])
        asked, count = self.jobs[number]
        self.jobs[number] = (asked, count + 1)
        if path.endswith("/file"):
            return httpx.Response(200, content=b"".join(json.dumps(row).encode() + b"\n" for row in self.rows(asked)))
        if self.gone and count:
            return httpx.Response(self.gone, json={"detail": "no such job"})
        if count < self.until:
            return self.accepted(number)
        if self.kind in ("location", "operation-location"):
            return httpx.Response(200, json={"messages": self.rows(asked), "status": "ok"})
        address = {"links": {"result": {"href": f"{JOBS}/{number}/file"}}}
        address = address if self.kind == "links" else {"download_url": f"https://internal:8000{JOBS}/{number}/file"}
        return httpx.Response(200, json={"job_id": number, "status": self.done, **address})

    def accepted(self, number):
        """Say that it is not there yet."""
        where = f"{JOBS}/{number}"
        if self.kind in ("location", "operation-location"):
            return httpx.Response(202, headers={self.kind: where, "Retry-After": self.after})
        if self.kind == "nowhere":
            return httpx.Response(202, json={"job_id": number, "status": self.state})
        told = {"links": {"self": {"href": where}}} if self.kind == "links" else {"status_url": where}
        return httpx.Response(202 if self.kind == "links" else 200 if self.jobs[number][1] else 202,
                              json={"data": {"id": number, "state": self.state}, **told})  # fmt: skip

    def rows(self, asked):
        """Give the rows of a range."""
        low, high = ends(asked)
        return [portal_rows.plain(one) for one in STORED if low <= one.at < high]


def connected(server, home, slept=None):
    """Connect to it; nothing is slept, but noted."""
    sleep = (slept if slept is not None else []).append
    return portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond), sleep=sleep)


@pytest.mark.parametrize("kind", ["location", "operation-location", "links", "urls"])
def test_an_answer_that_is_prepared_is_waited_for(home, kind):
    """By a Location, by links, or by addresses in the answer; the file may be another one."""
    slept: list[float] = []
    with connected(Preparing(kind), home, slept) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        assert set(slept) == ({5.0} if "location" in kind else {1.0, 1.5, 2.25})


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(formatdate(NOW / SECOND + 7, usegmt=True), 7.0), ("2.5", 2.5), ("0.001", 1.0), ("3600", 30.0)],
)
def test_when_to_ask_again_may_be_said_as_a_date(home, after, seconds):
    """Or as seconds; not sooner than after one, nor later than after half a minute."""
    slept: list[float] = []
    with connected(Preparing("location", after=after), home, slept) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        assert set(slept) == {seconds}


@pytest.mark.parametrize(
    ("server", "error", "words"),
    [
        (Preparing("nowhere"), AnswerError, "not where it will be"),
        (Preparing("urls", until=0, done="failed"), AnswerError, "failed at the answer"),
        (Preparing("location", until=10**6), HistoryIncompleteError, "15 minutes"),
        (Preparing("urls", until=10**6), HistoryIncompleteError, "15 minutes"),
        *((Preparing("urls", gone=status), HistoryIncompleteError, "no such job") for status in (403, 404, 410)),
    ],
)
def test_an_answer_that_never_comes_is_an_error(home, server, error, words):
    """Not an empty frame."""
    with connected(server, home) as portal, pytest.raises(error, match=words):
        isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
