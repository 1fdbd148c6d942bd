"""Answers that are zip or tar files: what is in them, and what their paths say."""

from __future__ import annotations

import gzip
import json

import pytest
from pages import ACCOUNT, ALL, AT, ROW, ROWS, as_csv, read, tarred, told, zipped

from isr_analysis.errors import AnswerError

JSON = json.dumps(ROWS).encode()
LINES = b"\n".join(json.dumps(row).encode() for row in ROWS)
CSV = as_csv(ROWS)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_all_files_of_an_archive_are_read(pack):
    """In the order of their names, whatever their format; one of a day without messages is empty."""
    page = read(pack(JSON, b"", LINES))
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL] * 2


def test_what_is_packed_beside_data_to_be_read_by_people_is_left_out():
    """And what a machine leaves there; any other file that is not understood is an error."""
    around = {"README.md": b"# Your history", "LICENSE": b"Yours.", ".DS_Store": b"\0\1"}
    assert read(tarred(CSV, **around)).rows == 3
    with pytest.raises(AnswerError, match="neither JSON nor CSV"):
        read(tarred(CSV, **{"day-2.txt": b"# Your history"}))


@pytest.mark.parametrize(
    ("paths", "has"),
    [
        (["a/t/x.csv", "b/t/y.csv"], ()),
        ([f"{ACCOUNT}/a/t/x.csv", f"{ACCOUNT}/b/t/y.csv"], ()),
        (["history/a/t/x_2026-11-01.csv", "history/b/t/y_2026-11-01.csv"], ()),
        (["./2026-11-01/a/t/x.csv.gz", "./2026-11-01/b/t/y.csv.gz"], ()),
        (["a.csv", "b.csv"], ("topic",)),
        (["2026-11-01/a-2026-11-01.json", "2026-11-01/b-2026-11-01_20261102T000000Z.json"], ("topic",)),
        (["20261101_a.jsonl", "20261101_b.jsonl"], ("topic",)),
        (["t/x.csv", "t/y.csv"], ("client_id",)),
    ],
)
def test_the_paths_of_packed_files_say_what_their_rows_do_not(paths, has):
    """Account, client and topic, between folders of places and of days."""
    whose = [{"client_id": "a", "topic": "t/x"}, {"client_id": "b", "topic": "t/y"}]
    packed = {}
    for i, (path, own) in enumerate(zip(paths, whose, strict=True)):
        row = {"time": AT, **{name: own[name] for name in has}, "payload": {"i": i}}
        body = as_csv([row]) if ".csv" in path else json.dumps([row]).encode()
        packed[path] = gzip.compress(body) if path.endswith(".gz") else body
    page = read(tarred(folder="", **packed))
    assert [(*one[1:3], json.loads(one[3])) for one in told(page)] == [("a", "t/x", {"i": 0}), ("b", "t/y", {"i": 1})]


def test_a_tar_file_that_breaks_off_is_refused():
    """Between two of its files as well, where it looks whole."""
    whole = tarred(CSV, CSV)
    second = whole.index(b"history/day-1")
    for end in (second, second + 600, len(whole.rstrip(b"\0"))):
        with pytest.raises(AnswerError, match="tar data that is damaged or breaks off"):
            read(whole[:end])


def test_a_manifest_beside_tables_is_a_note():
    """Its count counts; a failure, or what may hold rows, is not passed over."""
    manifest = {"account_id": ACCOUNT, "total": 3, "created_at": AT, "format": "csv"}
    page = read(zipped(CSV, json.dumps(manifest).encode()))
    assert [json.loads(one[3]) for one in told(page)] == [one[3] for one in ALL]
    assert (page.rows, page.paging.total, page.accounts) == (3, 3, {ACCOUNT})
    assert read(zipped(CSV, json.dumps(ROW).encode())).rows == 4
    page = read(zipped(LINES, json.dumps(manifest, indent=1).encode()))
    assert (page.rows, page.paging.total, page.accounts) == (3, 3, {ACCOUNT})
    with pytest.raises(AnswerError, match="has no topic"):
        read(LINES + json.dumps(manifest).encode())
    with pytest.raises(AnswerError, match=r"no topic|names no client"):
        read(zipped(LINES, json.dumps({"time": AT, "on": True}).encode()))
    for other in ({"error": "timeout"}, {"status": "partial"}, {"files": [{"name": "day-0.csv"}]}, {}):
        with pytest.raises(AnswerError):
            read(zipped(CSV, json.dumps(other).encode()))


@pytest.mark.parametrize("files", [1, 2])
def test_a_zip_file_that_lists_less_than_it_holds_is_refused(files):
    """Its list is found by its length, and that was damaged on the way: it is not taken for an empty answer."""
    whole = zipped(*[JSON] * files)
    at = whole.rfind(b"PK\x05\x06") + 12
    with pytest.raises(AnswerError, match=rf"lists 0 files and states {files}"):
        read(whole[:at] + bytes(4) + whole[at + 4 :])
