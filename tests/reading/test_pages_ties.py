"""Pages that end in the midst of messages of one instant."""

import json

import pytest

from isr_analysis import times
from tests.portals import FIRST, Dialect, Message, Server, mocked, read

TIED = [Message(FIRST + i // 3 * times.SECOND, f"dev-{i % 3}", "t/x", {"i": i}) for i in range(600)]


class Behind(Server):
    """Goes on behind the last instant of a page, and not behind its last message, by a cursor that does not show it."""

    def _page(self, rows, asked, size, path):
        if given := asked.get("cursor"):
            at = int(given[::-1], 16)
            rows = [one for one in rows if (one.at < at if self.dialect.order == "down" else one.at > at)]
        status, headers, body = super()._page(rows, {**asked, "cursor": ""}, size, path)
        answer = json.loads(body)
        if answer["next_cursor"]:
            answer["next_cursor"] = f"{rows[size - 1].at:x}"[::-1]
        return status, headers, json.dumps(answer).encode()


@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("cap", [40, 50, 100])
def test_what_a_cursor_leaves_out_of_an_instant_is_found(home, order, cap):
    """The portal is asked for the instant with which a page ends; then all is read by time."""
    server = Behind(Dialect(cap=cap, order=order), TIED)
    with mocked(server, home) as portal:
        assert sorted(read(portal)) == [one.at for one in TIED]
        first = len(server.log)
        assert sorted(read(portal)) == [one.at for one in TIED]
    assert not any("cursor" in asked for _, asked in server.log[first + 2 :])


def test_an_instant_with_as_many_near_it_as_a_page_has_is_asked_for_alone(home):
    """Whole minutes may be finer than they are shown; of this one the portal gives no more than a page."""
    at = FIRST + times.HOUR
    near = [Message(at + i * 10**9, "dev-0", "t/x", {"i": i}) for i in range(1, 50)]
    stored = [*(Message(at, "dev-0", "t/x", {"i": -i}) for i in range(9)), *near]
    early = [Message(FIRST + i * times.SECOND, "dev-0", "t/x", {}) for i in range(36)]
    with mocked(Behind(Dialect(cap=40), early + stored), home) as portal:
        assert sorted(read(portal)) == [one.at for one in early + stored]


def alone(server):
    """Count the questions about an instant."""
    asked = [asked for path, asked in server.log if path.endswith("/history") and "end" in asked]
    return sum(times.instant(one["end"]) - times.instant(one["start"]) < times.MINUTE for one in asked)


def test_a_cursor_that_goes_on_within_an_instant_is_believed(home):
    """It costs no request."""
    server = Server(Dialect(cap=40), TIED)
    with mocked(server, home) as portal:
        assert read(portal) == [one.at for one in TIED]
    assert alone(server) == 0


def test_a_cursor_is_looked_at_a_few_times(home):
    """Pages that happen to end between two instants show nothing; the portal is asked ever more rarely."""
    server = Server(Dialect(cap=30), TIED)
    with mocked(server, home) as portal:
        assert read(portal) == read(portal) == [one.at for one in TIED]
    assert alone(server) == 9  # at the first six of forty ends, and at the eighth, sixteenth and thirty-second


class Coarse(Server):
    """Refuses short ranges, in words that teach nothing."""

    def _history(self, asked, path):
        if times.instant(asked["end"]) - times.instant(asked["start"]) < times.HOUR:
            return self._refuse(400, "denied")
        return super()._history(asked, path)


def test_a_portal_that_cannot_be_asked_for_an_instant_is_believed(home):
    """Its pages are all that there is to go by."""
    server = Coarse(Dialect(cap=30), TIED)
    with mocked(server, home) as portal:
        assert read(portal) == [one.at for one in TIED]
    assert alone(server) == 1
