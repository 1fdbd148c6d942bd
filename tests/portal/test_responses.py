"""The small answers: kept for a while, and closed without harm."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import pickle
import sqlite3
import threading

import httpx
import pytest
from requests_cache.backends.sqlite import SQLiteDict

from isr_analysis.contract.contract import Contract
from isr_analysis.errors import PortalUnavailableError, StoreError, UsageError
from isr_analysis.portal.quota import Tally
from isr_analysis.portal.responses import Responses
from isr_analysis.portal.token import Token
from isr_analysis.portal.wire import Wire

TOKEN = "isr_mqtt_rest_example-not-a-real-one"


@pytest.fixture
def responses_of(tmp_path):
    """Give a function that makes a cache in front of a portal that is one function."""
    made = []

    def make(answer):
        line = Wire(
            "https://portal.example", Token(TOKEN), None, tally=Tally(tmp_path / "quota.sqlite", "t"),
            transport=httpx.MockTransport(answer),
        )  # fmt: skip
        made.extend((line, Responses(line, tmp_path / "account", Contract, Contract)))
        return made[-1]

    yield make
    for one in reversed(made):
        one.close()


def test_an_answer_is_kept_for_its_age(responses_of, tmp_path):
    """Young enough, it costs no request and is not stale; the token and the header that carries it are in no file."""
    seen = []
    responses = responses_of(lambda request: seen.append(request) or httpx.Response(200, json=[1]))
    for _ in range(3):
        kept = responses.get("/x", max_age=60)
        assert (kept.answer.body, kept.stale) == (b"[1]", False)
    assert len(seen) == 1
    responses.get("/x", max_age=0)
    responses.get("/x", params={"page": "2"}, max_age=60)
    assert len(seen) == 3
    responses.close()
    assert [path.name for path in (tmp_path / "account").iterdir()] == ["responses.sqlite"]  # no log beside it
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"not-a-real-one" not in kept


def test_an_answer_is_kept_whatever_its_headers_say(responses_of, caplog):
    """They are meant for browsers; what framework writes ``Vary: *`` does not know it."""
    answers = itertools.count()
    vary = {"Vary": "*", "Cache-Control": "no-store"}
    responses = responses_of(lambda _: httpx.Response(200, json=[next(answers)], headers=vary))
    for age, number in ((60, 0), (60, 0), (0, 1), (60, 1)):
        assert responses.get("/x", max_age=age).answer.body == b"[%d]" % number
    kept = responses.get("/x", max_age=0, away=True)
    assert (kept.answer.body, kept.stale) == (b"[1]", True)
    assert not caplog.records  # who is offline on purpose is not warned of it


def test_a_page_of_html_takes_no_answers_place(responses_of):
    """A network's login comes with status 200; what is kept is there when nothing is reached at all."""
    answers = iter([httpx.Response(200, json=[1]), httpx.Response(200, html="<h1>Log in</h1>")])
    responses = responses_of(lambda _: next(answers, httpx.Response(503)))
    assert responses.get("/x", max_age=60).answer.body == b"[1]"
    assert b"Log in" in responses.get("/x", max_age=0).answer.body
    assert responses.get("/x", max_age=0).answer.body == b"[1]"


def test_an_answer_that_was_kept_by_a_clock_ahead_is_asked_for_anew(responses_of, tmp_path):
    """It would count as fresh until the clock is there."""
    bodies = iter([[1], [2]])
    responses = responses_of(lambda _: httpx.Response(200, json=next(bodies)))
    responses.get("/x", max_age=60)
    year = dt.datetime.now(dt.UTC).year
    with contextlib.closing(sqlite3.connect(tmp_path / "account" / "responses.sqlite")) as db, db:
        (text,) = db.execute("SELECT value FROM responses").fetchone()
        kept = json.loads(text)
        kept["created_at"] = kept["created_at"].replace(str(year), str(year + 1))
        db.execute("UPDATE responses SET value = ?", (json.dumps(kept),))
    assert responses.get("/x", max_age=60).answer.body == b"[2]"


def test_what_is_kept_is_json(responses_of, tmp_path):
    """A pickle would run what it holds when it is read, and a home may be shared; an older version's is no answer."""
    responses = responses_of(lambda _: httpx.Response(200, json=[1]))
    responses.get("/x", max_age=60)
    with contextlib.closing(sqlite3.connect(tmp_path / "account" / "responses.sqlite")) as db, db:
        assert json.loads(db.execute("SELECT value FROM responses").fetchone()[0])["url"].endswith("/x")
        db.execute("UPDATE responses SET value = ?", (pickle.dumps({"url": "/x"}),))
    assert responses.get("/x", max_age=60).answer.body == b"[1]"
    responses.forget("/x")


def test_a_page_of_html_is_not_kept(responses_of):
    """A status of 200 is no proof of data."""
    bodies = iter([b"<html>", b"[]"])
    responses = responses_of(lambda _: httpx.Response(200, content=next(bodies)))
    assert responses.get("/x", max_age=60).answer.body == b"<html>"
    assert responses.get("/x", max_age=60).answer.body == b"[]"


def test_where_answers_cannot_be_kept_they_are_given_all_the_same(responses_of, monkeypatch, caplog):
    """On a full disk, or from a damaged file, each is asked for anew; no error of SQLite's escapes."""
    responses = responses_of(lambda _: httpx.Response(200, json=[1]))
    assert responses.get("/x", max_age=60).answer.body == b"[1]"

    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(SQLiteDict, "connection", full)
    for _ in range(2):
        assert responses.get("/x", max_age=60).answer.body == b"[1]"
    assert "database or disk is full; what the portal answers is not kept" in caplog.text
    with pytest.raises(StoreError, match="database or disk is full"):
        responses.forget("/x")


def test_a_damaged_file_of_answers_may_be_moved_away(responses_of, tmp_path):
    """The error says so: all of it can be asked for again."""
    (tmp_path / "account").mkdir()
    (tmp_path / "account" / "responses.sqlite").write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match=r"is damaged .*; move it away"):
        responses_of(lambda _: httpx.Response(200, json=[1]))


def test_an_answer_says_where_it_came_from(responses_of):
    """After a redirect, kept or not: what it links to is meant from there; forgotten it is where it was asked for."""
    asked = []

    def answer(request):
        asked.append(request.url.path)
        if request.url.path == "/docs":
            return httpx.Response(307, headers={"Location": "/docs/"})
        return httpx.Response(200, json=[])

    responses = responses_of(answer)
    for _ in range(2):
        assert responses.get("/docs", max_age=60).answer.url == "https://portal.example/docs/"
    responses.forget("/docs")
    responses.get("/docs", max_age=60)
    assert asked == ["/docs", "/docs/"] * 2


def test_forgetting_leaves_other_paths(responses_of):
    """What a change made untrue is asked for again, all its pages; the rest stays."""
    seen = []
    responses = responses_of(lambda request: seen.append(request.url.path) or httpx.Response(200, json=[]))
    for path in ("/x", "/y"):
        responses.get(path, max_age=60)
    responses.forget("/x")
    for path in ("/x", "/y"):
        responses.get(path, max_age=60)
    assert seen == ["/x", "/y", "/x"]


def test_closing_under_another_threads_request_waits_for_nobody_and_harms_nobody(responses_of):
    """The request ends well, then the file is closed; the next one is told so."""
    arrived, go_on = threading.Event(), threading.Event()

    def answer(_):
        arrived.set()
        assert go_on.wait(30)
        return httpx.Response(200, json=["late"])

    responses = responses_of(answer)
    got = []
    thread = threading.Thread(target=lambda: got.append(responses.get("/x", max_age=0).answer.body))
    thread.start()
    assert arrived.wait(30)
    responses.close()
    go_on.set()
    thread.join(30)
    assert got == [b'["late"]']
    with pytest.raises(UsageError, match="closed"):
        responses.get("/x", max_age=60)


def test_without_an_older_answer_the_failure_stands(responses_of):
    """There is nothing stale to give."""

    def answer(_):
        raise httpx.ConnectError("gone")

    with pytest.raises(PortalUnavailableError):
        responses_of(answer).get("/x", max_age=60)
