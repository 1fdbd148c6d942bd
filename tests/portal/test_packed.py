"""Answers that come packed (Content-Encoding): read to the end of what was packed, and refused if it breaks off."""

from __future__ import annotations

import gzip

import portal_rows
import pytest
from portal_odd import Odd, give
from portals import EVERY_MINUTE, SPAN, Dialect, Server, connect, read, serve

from isr_analysis.errors import AnswerError, PortalUnavailableError

EVERY = [one.at for one in EVERY_MINUTE if one.at < SPAN.end]


def lines(rows, _):
    """Write a row a line."""
    return b"".join(portal_rows.json_body(row)[0] + b"\n" for row in rows), "application/x-ndjson", {}


WHOLE = Dialect(paging="none", limit=None, cap=10_000, write=lines)


class Packed(Server):
    """Packs what it gives in its own way."""

    pack = staticmethod(gzip.compress)
    coding = "gzip"

    def _history(self, asked, path):
        status, headers, body = super()._history(asked, path)
        return status, {**headers, "Content-Encoding": self.coding}, self.pack(body) if body else body


def packing(pack, coding="gzip"):
    """Make a portal of a way to pack."""
    server = Packed(WHOLE, EVERY_MINUTE)
    server.pack, server.coding = pack, coding
    return server


def members(body):
    """Pack a third of the lines, and the others."""
    parts = body.splitlines(keepends=True)
    third = len(parts) // 3
    return b"".join(gzip.compress(b"".join(one)) for one in (parts[:third], parts[third:]))


@pytest.mark.parametrize(
    "server",
    [
        packing(gzip.compress), packing(gzip.compress, "x-gzip"), packing(members),
        packing(lambda body: members(body) + bytes(500)),
        packing(lambda body: members(body) + gzip.compress(b"")),
        packing(lambda body: gzip.compress(body.replace(b"\n", b"\n" + b" " * 5000))),
    ],
)  # fmt: skip
def test_all_members_are_read(home, server):
    """Such as of files that were packed one by one and put together; what only fills up the last block is not.

    What is packed to a thousandth is unpacked to its end.
    """
    with serve(server) as origin, connect(origin, home) as portal:
        assert read(portal) == EVERY


def test_an_answer_without_a_body_needs_none_that_is_packed(home):
    """Where a portal says of each answer that it is packed, also of that one."""
    empty = Odd(lambda *_: give(b"", 204, Content_Encoding="gzip"))
    with serve(empty) as origin, connect(origin, home) as portal:
        assert read(portal) == []


@pytest.mark.parametrize("lacking", [1, 8, 9, 2000])
def test_what_breaks_off_is_not_taken_for_whole(home, lacking):
    """Also where every line that came is whole: it is asked for again, and then told."""
    server = packing(lambda body: members(body)[:-lacking])
    with (
        serve(server) as origin,
        connect(origin, home) as portal,
        pytest.raises(PortalUnavailableError, match="breaks off"),
    ):
        read(portal)
    assert server.count() > 2


@pytest.mark.parametrize("pack", [lambda body: body, lambda body: gzip.compress(body) + b"<!-- -->"])
def test_what_is_not_packed_as_it_is_said_to_be_is_refused(home, pack):
    """All of it, or what stands behind it."""
    with (
        serve(packing(pack)) as origin,
        connect(origin, home) as portal,
        pytest.raises(AnswerError, match="not packed in the way"),
    ):
        read(portal)
