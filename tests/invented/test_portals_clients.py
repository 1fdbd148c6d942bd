"""Portals with several clients: which of them are asked for, by how many questions."""

from __future__ import annotations

import portal_rows
import portals
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
