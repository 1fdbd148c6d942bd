"""Saved answers: the same frame as from the portal."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from pathlib import Path

import httpx
import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis import errors

SPAN = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-20T02:00:00Z"}


def saved(sandbox, **params):
    """Ask as curl does."""
    head = {"Authorization": f"Bearer {sandbox.token}"}
    answer = httpx.get(f"{sandbox.origin}/api/v1/subscriber/history", params={**SPAN, **params}, headers=head)
    return answer.raise_for_status().content


def test_a_saved_answer_gives_the_same_frame(sandbox, tmp_path):
    """From a path, a compressed file, bytes of any kind, and page by page."""
    with sandbox.connect() as portal:
        df = isr.load_history(**SPAN, portal=portal)
    body = saved(sandbox, limit=10_000)
    (tmp_path / "a.json").write_bytes(body)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(body))
    for source in (tmp_path / "a.json", str(tmp_path / "a.json.gz"), body, bytearray(body), memoryview(body)):
        read = isr.read_history(source)
        pd.testing.assert_frame_equal(read, df)
        assert (read.attrs["source"], read.attrs["rows"]) == ("file", len(df))
        assert read.attrs["files"] == ([str(source)] if isinstance(source, str | Path) else [])
    pages, cursor = [], {}
    while cursor is not None:
        page = saved(sandbox, limit=500, **cursor)
        pages.append(page)
        following = httpx.Response(200, content=page).json()["next_cursor"]
        cursor = {"cursor": following} if following else None
    assert len(pages) > 2
    pd.testing.assert_frame_equal(isr.read_history(pages), df)


def test_an_answer_about_one_client_is_picked_from(sandbox):
    """`topic` and `client_id` select, `fields` and `tz` shape."""
    body = saved(sandbox, client_id="isr-shack-01", limit=10_000)
    df = isr.read_history(
        body, client_id="isr-shack-01", topic="telemetry/+", fields=["chan", "value"], tz="Europe/Zurich"
    )
    assert set(df["client_id"]) == {"isr-shack-01"}
    assert all(topic.startswith("telemetry/") for topic in df["topic"])
    assert str(df.index.tz) == "Europe/Zurich"
    assert df.attrs["account"] == sandbox.account_id
    assert (df.attrs["clients"], df.attrs["topic"]) == (["isr-shack-01"], "telemetry/+")


def test_a_contract_names_the_fields_of_a_saved_answer(tmp_path):
    """Those that nothing in the answer tells apart from others, as for the portal's own answers."""
    (tmp_path / "mine.toml").write_text('[history.fields]\nclient_id = "wer"\ntopic = "was"\npayload = "inhalt"\n')
    body = b'[{"time": "2026-11-20T00:00:00Z", "wer": "a", "was": "t/x", "inhalt": {"v": 1}, "payload": {"v": 2}}]'
    df = isr.read_history(body, contract=tmp_path / "mine.toml")
    assert df[["client_id", "topic", "v"]].to_numpy().tolist() == [["a", "t/x", 1]]


def test_a_message_whose_fields_are_on_two_pages_is_one():
    """As answers that give one field a row are cut anywhere; whatever the page after them is like."""
    at = "2026-11-20T00:00:00Z"
    pages = [
        json.dumps([{"time": at, "client_id": "a", "topic": "t", "field": name, "value": value}]).encode()
        for name, value in (("x", 1), ("y", 2))
    ]
    whole = json.dumps([{"time": "2026-11-20T00:00:01Z", "client_id": "a", "topic": "t", "payload": {"x": 3}}]).encode()
    assert isr.read_history(pages)[["x", "y"]].to_numpy().tolist() == [[1, 2]]
    assert isr.read_history([*pages, whole])["x"].tolist() == [1, 3]


def test_a_field_that_no_message_has_is_warned_of_in_the_callers_line(sandbox):
    """By every loader: a job that runs each hour goes on through one without events."""
    body = b'[{"time": "2026-11-20T00:00:00Z", "client_id": "a", "topic": "state/relay", "payload": {"on": true}}]'
    with pytest.warns(UserWarning, match="fields='event': no message") as warned:
        assert isr.read_history(body, fields=["on", "event"])["event"].isna().all()
    with sandbox.connect() as portal:
        with pytest.warns(UserWarning, match="fields='event': no message") as of_history:
            df = isr.load_history(
                topic="telemetry/#", start="2026-11-20", end="2026-11-20T01:00", fields="event", portal=portal
            )
        with pytest.warns(UserWarning, match="fields='even': no message") as of_live:
            isr.load_live(fields="even", portal=portal)
    assert len(df) > 0
    assert "fields='event'" in df.attrs["warning"]
    assert {one[0].filename for one in (warned, of_history, of_live)} == {__file__}


def test_a_topic_that_may_begin_with_an_account_asks_for_it():
    """Only an id in the portal's form is known as that of an account."""
    body = b'[{"time": "2026-11-20T00:00:00Z", "topic": "mine/a/state/relay", "payload": {"on": true}}]'
    with pytest.raises(errors.AnswerError, match="begins with an account, say which with account_id="):
        isr.read_history(body)
    assert isr.read_history(body, account_id="mine")["client_id"].tolist() == ["a"]


@pytest.mark.parametrize("client_id", ["a", ["a"], pd.Index(["a"])])
def test_an_answer_that_names_no_client_is_of_the_one_that_was_asked_for(client_id):
    """Given as a text or as a list, as all loaders take it; of several nobody knows which is meant."""
    body = b'[{"time": "2026-11-20T00:00:00Z", "topic": "state/relay", "payload": {"on": true}}]'
    assert isr.read_history(body, client_id=client_id)["client_id"].tolist() == ["a"]
    accounts = [isr.read_history(body, client_id="a", account_id=one).attrs["account"] for one in (None, "mine")]
    assert accounts == ["", "mine"]
    with pytest.raises(errors.AnswerError, match="names no client"):
        isr.read_history(body, client_id=["a", "b"])


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({"client_id": "a"}, {"topic": "state/relay"}),
        ({"topic": "mine/a/state/relay"}, {"account_id": "mine"}),
        ({"client_id": "a", "topic": "state/relay", "account_id": "Mine"}, {"account_id": "mINE"}),
    ],
)
def test_what_was_asked_for_says_what_an_answer_does_not(row, asked):
    """The topic, or whose a topic is; and messages of one instant are as many as came."""
    rows = [{"time": "2026-11-20T00:00:00Z", "payload": payload, **row} for payload in ({"on": True}, {"watts": 5})]
    df = isr.read_history(json.dumps(rows).encode(), **asked)
    assert df[["client_id", "topic"]].to_dict("records") == [{"client_id": "a", "topic": "state/relay"}] * 2


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("no/such/file.json", errors.UsageError, "cannot be read"),
        ("[]", errors.UsageError, "cannot be read"),
        ([], errors.UsageError, "names no file"),
        ({"rows": []}, errors.UsageError, "source=dict is neither a path nor bytes; give .* response.content"),
        (pd.DataFrame({"client_id": ["a"]}), errors.UsageError, "source=DataFrame is neither a path nor bytes"),
        (".", errors.UsageError, r"Is a directory; isr\.open_exported reads"),
        ('[{"time": 5}]' * 5000, errors.UsageError, r"^.{,120}cannot be read: File name too long; give a path.{,40}$"),
        (io.BytesIO(b"[\n{}\n]"), errors.UsageError, "source=BytesIO is neither"),
        (b"<html><title>Sign in</title></html>", errors.AnswerError, "^the .*Sign in"),
        (b"", errors.AnswerError, "."),
    ],
)
def test_what_is_no_answer_is_refused(source, error, words):
    """With what came, and what to do."""
    with pytest.raises(error, match=words):
        isr.read_history(source)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_an_answer_in_a_table_is_read(tmp_path, kind):
    """Parquet and Arrow, from a file as from the portal."""
    at = pd.to_datetime(["2026-11-20T00:00:00.123456789Z", "2026-11-20T00:00:01Z"], format="ISO8601")
    table = pd.DataFrame({"time": at, "client_id": "a", "topic": "t/x", "payload": ['{"on": true}', "21.5"]})
    getattr(table, f"to_{kind}")(tmp_path / "a")
    df = isr.read_history(tmp_path / "a")
    assert df.index.tolist() == at.tolist()
    assert df["on"].tolist() == [True, pd.NA]
    assert df["value"].tolist()[1] == 21.5


def test_another_table_is_no_answer(tmp_path):
    """It is named, with what reads it: no contract file would help."""
    pd.DataFrame({"value": [1.0]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(errors.UsageError, match=r"a Parquet file.*pandas\.read_parquet reads it"):
        isr.read_history(tmp_path / "a.parquet")


def test_an_answer_that_is_not_understood_names_its_file(sandbox, tmp_path):
    """Of several files the one that is wrong."""
    (tmp_path / "good.json").write_bytes(saved(sandbox, limit=10_000))
    (tmp_path / "bad.json").write_bytes(b"<html><title>Sign in</title></html>")
    with pytest.raises(errors.AnswerError, match=r"bad\.json: .*Sign in"):
        isr.read_history([tmp_path / "good.json", tmp_path / "bad.json"])


def test_two_accounts_do_not_mix(sandbox):
    """Answers of two accounts in one call are refused, and so is another account than the one that is named."""
    mine = saved(sandbox, limit=10_000)
    theirs = mine.replace(sandbox.account_id.encode(), sandbox.account_of(5).encode())
    with pytest.raises(errors.WrongAccountError, match="account_id="):
        isr.read_history([mine, theirs])
    with pytest.raises(errors.WrongAccountError, match="not of"):
        isr.read_history(mine, account_id=sandbox.account_of(5))


def test_a_page_that_is_not_the_last_says_so(sandbox):
    """One page of several is no whole answer: a warning, and a mark in the frame."""
    with pytest.warns(UserWarning, match="one page of several"):
        df = isr.read_history(saved(sandbox, limit=10))
    assert (len(df), df.attrs["more_follows"]) == (10, True)


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ({"has_more": True}, True), ({"has_more": False, "total": 9}, False), ({"total": 2}, True),
        ({"page": 1, "pages": 3}, True), ({"page": 3, "pages": 3}, False), ({"next_page": 2}, True),
        ({"next_offset": 1}, True), ({"next": None}, False), ({"total": 1}, False), ({}, False),
    ],
)  # fmt: skip
def test_whatever_an_answer_says_of_more_is_heard(said, more):
    """A flag, a total, the number of pages: a part is never taken for the whole."""
    row = {"time": "2026-11-20T00:00:00Z", "client_id": "a", "topic": "t", "payload": 1}
    body = json.dumps({"data": [row], **said}).encode()
    with pytest.warns(UserWarning, match="one page of several") if more else contextlib.nullcontext():
        assert isr.read_history(body).attrs["more_follows"] is more


def test_pages_of_one_answer_together_have_its_total():
    """The last of them is no part any more."""
    rows = [{"time": f"2026-11-20T00:00:0{n}Z", "client_id": "a", "topic": "t", "payload": n} for n in range(2)]
    pages = [json.dumps({"data": [row], "total": 2, "page": n, "pages": 2}).encode() for n, row in enumerate(rows, 1)]
    assert isr.read_history(pages).attrs["more_follows"] is False
    with pytest.warns(UserWarning, match="one page of several"):
        isr.read_history(pages[:1])


def test_an_offset_may_be_that_behind_the_last_row_of_a_page():
    """So the last page, which is shorter, does not begin as far behind the former as that is long."""
    rows = [{"time": 1793491200 + n, "client_id": "a", "topic": "t", "payload": n} for n in range(5)]
    pages = [{"data": rows[:2], "offset": 2}, {"data": rows[2:4], "offset": 4}, {"data": rows[4:], "offset": 5}]
    saved = [json.dumps({**page, "has_more": page["offset"] < 5}).encode() for page in pages]
    assert len(isr.read_history(saved)) == 5


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ([{"page": 1, "pages": 3}, {"page": 3, "pages": 3}], "from page 1 to page 3"),
        ([{"page": 1, "pages": 2}, {"page": 1, "pages": 1}], "from page 1 to page 1"),
        ([{"offset": 0, "has_more": True}, {"offset": 2, "has_more": False}], "from offset 0 to offset 2"),
        ([{"offset": 0, "has_more": True}, {"offset": 1, "has_more": False}], ""),
        ([{"page": 1, "pages": 1}, {"page": 1, "pages": 1}], ""),  # of two questions
    ],
)
def test_a_page_that_is_missing_between_others_is_noticed(notes, words):
    """Where pages are numbered, and one says that more follows: the next in the list is that, or a warning says so."""
    pages = [
        json.dumps({"data": [{"time": n, "client_id": "a", "topic": "t", "payload": n}], **said}).encode()
        for n, said in enumerate(notes, 1793491200)
    ]
    with pytest.warns(UserWarning, match=words) if words else contextlib.nullcontext():
        assert len(isr.read_history(pages)) == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_frame_that_was_saved_is_told_from_an_answer(tmp_path, kind):
    """With a field called as the payload of an answer it looks like one, and its other fields would go unseen."""
    index = pd.date_range("2026-11-20", periods=3, freq="1min", tz="UTC", name="time")
    fields = {"payload": [None, None, "no JSON"], "value": [1.0, 2.0, None]}
    frame = pd.DataFrame({"client_id": "a", "topic": "t/x", **fields}, index=index)
    getattr(frame, f"to_{kind}")(tmp_path / "a")
    with pytest.warns(UserWarning, match=r"2 of 3 rows have no payload.*pandas\.read_csv or read_parquet"):
        isr.read_history(tmp_path / "a")
    getattr(frame.drop(columns="payload"), f"to_{kind}")(tmp_path / "b")
    assert isr.read_history(tmp_path / "b")["value"].tolist()[:2] == [1.0, 2.0]


def test_an_answer_without_messages_gives_an_empty_frame():
    """With the index and the fixed columns of every frame; so does one of which nothing is meant, as a warning says."""
    body = b'[{"time": "2026-11-20T00:00:00Z", "client_id": "a", "topic": "t", "payload": 1}]'
    with pytest.warns(
        UserWarning, match=r"^no message of b · # was found: .* no client 'b' in what was saved \(there: a"
    ):
        none = isr.read_history(body, client_id="b")
    with pytest.warns(
        UserWarning, match=r"^no message of all clients · /t was found: no topic .* by '/t' \(there: t\)$"
    ):
        isr.read_history(body, topic="/t")
    with pytest.warns(UserWarning, match="there is no client 'b' in what was saved"):
        assert isr.read_history(body, client_id=["a", "b"])["value"].tolist() == [1]
    for df in (isr.read_history(b"[]"), none, isr.read_history(b"[]", client_id="b")):
        assert (len(df), df.columns.tolist(), str(df.index.dtype)) == (0, ["client_id", "topic"], "datetime64[ns, UTC]")


@pytest.mark.parametrize("day", ["46327.25", "46327"])
def test_the_days_of_a_spreadsheet_are_no_seconds(day):
    """A warning says so, as nothing tells them apart but that they are of 1970; an answer of later years has none."""
    with pytest.warns(UserWarning, match="the days of a spreadsheet, were taken for seconds"):
        df = isr.read_history(f"time;client_id;topic;value\n{day};a;t;1\n".encode())
    assert df.index[0].year == 1970
    assert isr.read_history(b"time;client_id;topic;value\n1793491200;a;t;1\n").index[0].year == 2026
