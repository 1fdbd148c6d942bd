"""Answers that are too long to be taken at once, or to be had in time: shorter ranges are asked for."""

import dataclasses
import gzip
import random

import pytest

from isr_analysis import errors, times
from isr_analysis.portal import transport
from tests.portals import EVERY_MINUTE, SPAN, Dialect, Server, connect, mocked, read, serve

EVERY = [one.at for one in EVERY_MINUTE if one.at < SPAN.end]
WHOLE = Dialect(paging="none", limit=None, cap=10_000)


class Packed(Server):
    """Packs what it gives."""

    def _history(self, asked, path):
        status, headers, body = super()._history(asked, path)
        return status, {**headers, "content-encoding": "gzip"}, gzip.compress(body)


class Slow(Server):
    """Has not enough time for longer ranges than some."""

    most = 6 * times.HOUR
    says = 504, "<h1>504 Gateway Time-out</h1>"

    def _history(self, asked, path):
        if times.instant(asked["end"]) - times.instant(asked["start"]) > self.most:
            return self.says[0], {"content-type": "text/html"}, self.says[1].encode()
        return super()._history(asked, path)


def ranges(server):
    """Give the lengths of the ranges that were asked for, in hours."""
    asked = [asked for path, asked in server.log if path.endswith("/history")]
    return [(times.instant(one["end"]) - times.instant(one["start"])) / times.HOUR for one in asked]


@pytest.mark.parametrize("kind", [Server, Packed])
def test_an_answer_that_is_too_long_is_asked_for_in_parts(home, monkeypatch, kind):
    """It is given up before it is whole; what comes in its place is all of it, and the next day is asked for so."""
    monkeypatch.setattr(transport, "AT_ONCE", 30_000)
    server = kind(WHOLE, EVERY_MINUTE)
    with serve(server) as origin, connect(origin, home) as portal:
        assert read(portal) == EVERY
        first = len(ranges(server))
        assert read(portal, times.Range(SPAN.end, SPAN.end + times.DAY))
    given_up, later = ranges(server)[:first], ranges(server)[first:]
    assert given_up[0] == 24
    assert max(later) < 12
    assert len(later) < first


@pytest.mark.parametrize("kind", [Server, Packed])
def test_what_counts_is_how_long_an_answer_is_unpacked(home, monkeypatch, kind):
    """However well it is packed: bytes of chance hardly at all."""
    chance = random.Random(1)
    stored = [dataclasses.replace(one, payload=chance.randbytes(100).hex()) for one in EVERY_MINUTE]
    for most, parted in ((600_000, False), (300_000, True)):  # a day has some 420 000
        monkeypatch.setattr(transport, "AT_ONCE", most)
        with serve(kind(WHOLE, stored)) as origin, connect(origin, home / str(most)) as portal:
            assert read(portal) == EVERY
            assert (portal.contract.history.longest is not None) == parted


def test_an_answer_that_cannot_be_parted_is_taken_as_it_is(home, monkeypatch):
    """A portal that takes days alone gives the whole day."""
    monkeypatch.setattr(transport, "AT_ONCE", 1_000)
    server = Server(Dialect(paging="none", limit=None, cap=10_000, asked="date", end_in=True), EVERY_MINUTE)
    with serve(server) as origin, connect(origin, home) as portal:
        assert read(portal) == EVERY


@pytest.mark.parametrize(
    "says",
    [
        (504, "<h1>504 Gateway Time-out</h1>"), (413, ""), (413, "the response is over 6291556 bytes"), (408, ""),
        (500, "canceling statement due to statement timeout"), (500, "Internal Server Error"), (502, "Bad Gateway"),
        (503, "query timed out"), (524, "A timeout occurred"),
    ],
)  # fmt: skip
def test_a_range_that_is_not_answered_in_time_is_asked_for_in_parts(home, says):
    """A portal, or a gateway, gives up on a whole day, however it says so; what is short enough comes."""
    server = Slow(WHOLE, EVERY_MINUTE)
    server.says = says
    with mocked(server, home) as portal:
        assert read(portal) == EVERY
    assert ranges(server)[-1] <= 6


@pytest.mark.parametrize(("status", "least"), [(504, 1.5), (500, 1), (503, 24)])
def test_a_portal_that_never_answers_in_time_fails(home, status, least):
    """Ranges are not made shorter and shorter for one that does not work; one short range may show that it does not."""
    server = Slow(WHOLE, EVERY_MINUTE)
    server.most, server.says = 0, (status, "out of order")
    with mocked(server, home) as portal, pytest.raises(errors.PortalUnavailableError, match=str(status)):
        read(portal)
    assert round(min(ranges(server)), 2) == least
