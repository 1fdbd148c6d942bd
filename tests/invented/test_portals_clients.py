"""Portals with several clients: which of them are asked for, by how many questions."""

from __future__ import annotations

import json
import re
import uuid

import portal_rows
import portals
import pytest
from portal_messages import RICH, published, same
from portals import FIRST, Dialect, Message, Server

import isr_analysis as isr
from isr_analysis.times import DAY, HOUR


def test_a_client_that_only_a_topic_can_name_is_asked_for_alone(home):
    """One client costs its own messages, and several one question, as all."""
    dialect = Dialect(client=None, topic="topic", topic_form="path filter", row=portal_rows.by_path, cap=500)
    server = Server(dialect, published(RICH, unit=1_000_000))
    with portals.mocked(server, home) as portal:

        def topics_asked(client, day):
            del server.log[:]
            isr.load_history(client, start=f"2026-11-0{day}", end=f"2026-11-0{day + 1}", portal=portal)
            return [asked.get("topic") for path, asked in server.log if path.endswith("/history")]

        assert topics_asked("dev-a", 1)[-1] == f"{portals.ACCOUNT}/dev-a/#"
        assert topics_asked(["dev-a", "dev-b"], 2) == [None]
        assert topics_asked("dev-b", 3) == [f"{portals.ACCOUNT}/dev-b/#"]


def test_all_clients_by_their_names_are_asked_for_as_all(home):
    """One question brings them; a few, or some of them, are asked for one by one, and only those are in the frame."""
    stored = [Message(FIRST + i * HOUR, f"dev-{i % 5}", "t/x", {"i": i}) for i in range(5 * 24)]
    server = Server(Dialect(cap=500), stored)
    names = [f"dev-{i}" for i in range(5)]
    with portals.mocked(server, home) as portal:

        def clients_asked(clients, day):
            del server.log[:]
            span = {"start": f"2026-11-0{day}", "end": f"2026-11-0{day + 1}"}
            planned = len(isr.plan_history(clients, **span, portal=portal).windows)
            df = isr.load_history(clients, **span, portal=portal)
            begin = FIRST + (day - 1) * DAY
            same(df, [one for one in stored if begin <= one.at < begin + DAY and one.client in clients])
            asked = [asked.get("client_id") for path, asked in server.log if path.endswith("/history")]
            assert len(asked) == planned
            return sorted(asked, key=str)

        assert clients_asked(names, 1)[-1:] == [None]
        assert clients_asked(["dev-0"], 2) == ["dev-0"]
        assert clients_asked(names, 2) == [None]  # most of it is missing
        assert clients_asked(names, 2) == []
        assert clients_asked(names[:4], 3) == names[:4]
        assert clients_asked(names[3:], 4) == names[3:]


class OtherNames(Server):
    """A portal whose history takes another name of a client than its id, as its list of publishers has it."""

    field, unknown = "id", 404  # None: it has nothing of a client whom it does not know

    def called(self, client):
        """Give a client's other name."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, client)) if self.field == "id" else f"Shack {client}"

    def answer(self, url, headers):
        """Add the names to the list."""
        status, given, body = super().answer(url, headers)
        if status == 200 and re.search(r"/publishers(\?|$)", url):
            rows = [{**row, self.field: self.called(row["client_id"])} for row in json.loads(body)["items"]]
            body = json.dumps({"items": [{"plan": "club", "qos": 1, **row} for row in rows]}).encode()
        return status, given, body

    def _history(self, asked, path):
        name, known = self.dialect.client, {self.called(one.client): one.client for one in self.stored}
        if name not in asked:
            return super()._history(asked, path)
        if asked[name] not in known and self.unknown:
            return self._refuse(
                self.unknown, "Publisher not found" if self.unknown == 404 else "not a valid UUID", name
            )
        return super()._history({**asked, name: known.get(asked[name], "nobody")}, path)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    ("parameter", "field", "unknown"),
    [
        ("publisher_id", "id", 404), ("device", "id", 422), ("publisher_id", "id", None), ("client", "label", None),
        ("client_id", "id", 422), ("station", "label", 400),
    ],
)  # fmt: skip
def test_a_portal_that_calls_clients_otherwise_is_asked_in_its_way(home, parameter, field, unknown, required):
    """It refuses the client id, or gives nothing; each of several days that are asked for at once has its messages."""
    stored = [Message(FIRST + i * HOUR, f"dev-{i % 2}", "t/x", {"i": i}) for i in range(4 * 24)]
    server = OtherNames(Dialect(cap=500, client=parameter, client_required=required), stored)
    server.field, server.unknown = field, unknown
    span = {"start": "2026-11-01", "end": "2026-11-05"}
    with portals.mocked(server, home) as portal:
        same(isr.load_history("dev-1", **span, portal=portal), [one for one in stored if one.client == "dev-1"])
        same(isr.load_history(**span, portal=portal), stored)


@pytest.mark.parametrize("unknown", [404, None])
def test_a_client_of_whom_there_is_nothing_is_not_asked_for_by_other_names_for_long(home, unknown):
    """Other names are tried once, and a client whom the portal does not list is not tried by any."""
    stored = [Message(FIRST + i * HOUR, "dev-1", "t/x", {"i": i}) for i in range(24)]
    server = OtherNames(Dialect(cap=500, client="publisher"), stored)
    server.called, server.unknown = lambda client: f"{client}!", unknown
    with portals.mocked(server, home) as portal:
        for day in (2, 3):
            span = {"start": f"2026-11-0{day}", "end": f"2026-11-0{day + 1}"}
            assert not len(isr.load_history("dev-1", **span, portal=portal))
        assert server.count("/history") < 10
        del server.log[:]
        if unknown:
            with pytest.raises(isr.errors.QuestionRefusedError, match="not found"):
                isr.load_history("dev-9", start="2026-11-01", end="2026-11-02", portal=portal)
            return
        with pytest.warns(UserWarning, match="dev-9"):
            assert not len(isr.load_history("dev-9", start="2026-11-01", end="2026-11-02", portal=portal))
        assert server.count("/history") <= 3
