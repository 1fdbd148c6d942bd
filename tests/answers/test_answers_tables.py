"""Rows in the forms of tables: names beside values, lists, cells, and by number or instant."""

from __future__ import annotations

import json

import pytest
from pages import live, read, told

AT = ["2026-11-01T00:00:00Z", "2026-11-01T00:01:00Z", "2026-11-01T00:02:00Z"]
NS = [1_793_491_200_000_000_000 + i * 60_000_000_000 for i in range(3)]
PUBLISHED = [{"v": 1}, {"v": 2.5, "ok": True}, {"v": [3]}]


def cells(rows, name):
    """Put each value of each row in a box, as BigQuery and Google's charts do."""
    return [{name: [{"v": value} for value in row]} for row in rows]


TABLES = {
    "names and rows": lambda names, rows: {"columns": names, "rows": rows},
    "names and index": lambda names, rows: {"columns": names, "index": list(range(len(rows))), "data": rows},
    "a header": lambda names, rows: [names, *rows],
    "lists": lambda names, rows: dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)),
    "by number": lambda names, rows: {
        name: {str(j): row[i] for j, row in enumerate(rows)} for i, name in enumerate(names)
    },
    "BigQuery": lambda names, rows: {"schema": {"fields": [{"name": one} for one in names]}, "rows": cells(rows, "f")},
    "a chart": lambda names, rows: {"cols": [{"id": one, "type": "x"} for one in names], "rows": cells(rows, "c")},
}


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("name", ["payload", "value"])
def test_tables_of_messages(form, name):
    """Alone, in an envelope, or of each client or topic."""
    table = TABLES[form]
    of_all = table(
        ["topic", "time", "client_id", name], [["t/x", at, "a", what] for at, what in zip(AT, PUBLISHED, strict=True)]
    )
    of_topic = table(["time", name], [list(row) for row in zip(AT, PUBLISHED, strict=True)])
    of_client = table(["topic", "time", name], [["t/x", *row] for row in zip(AT, PUBLISHED, strict=True)])
    within = of_topic if isinstance(of_topic, dict) else {"rows": of_topic}
    bodies = [
        of_all, {"data": of_all}, {"a": of_client}, {"a": {"t/x": of_topic}}, {"result": {"a": {"t/x": of_topic}}},
        [{"client_id": "a", "topic": "t/x", **within}],
    ]  # fmt: skip
    for body in bodies:
        found = [(at, client, topic, json.loads(what)) for at, client, topic, what in told(read(body))]
        assert found == [(at, "a", "t/x", what) for at, what in zip(NS, PUBLISHED, strict=True)]


@pytest.mark.parametrize("moments", [AT, [str(at // 10**9) for at in NS], [str(at // 10**6) for at in NS]])
def test_rows_under_their_instants(moments):
    """Whole ones, or only what was published then: an object, or a value."""
    rows = {
        at: {"client_id": "a", "topic": "t/x", "payload": what} for at, what in zip(moments, PUBLISHED, strict=True)
    }
    alone = {"a": {"t/x": dict(zip(moments, PUBLISHED, strict=True))}}
    for body in (rows, {"messages": rows}, alone, {"data": alone}):
        assert [(one[0], json.loads(one[3])) for one in told(read(body))] == list(zip(NS, PUBLISHED, strict=True))
    values = told(read({"a": {"t/x": dict(zip(moments, [1, "on", None], strict=True))}}))
    assert [one[3] for one in values] == [b"1", b'"on"', b"null"]
    assert told(live({"a": {"t/x": {moments[0]: 21.5}}})) == [(NS[0], "a", "t/x", b"21.5")]


def test_days_and_numbers_of_clients_are_no_instants():
    """A day is none to the second; a client's number may look like one, and its message has an instant of its own."""
    row = {"time": AT[0], "topic": "t/x", "payload": 1}
    assert told(read({"a": {"2026-11-01": {"t/x": [{"time": AT[0], "payload": 1}]}}}))[0][1:3] == ("a", "t/x")
    for client in ("1793491200", "353161234567890", "10023"):
        assert told(live({client: row}))[0][:3] == told(read({client: [row]}))[0][:3] == (NS[0], client, "t/x")
