"""In which unit and zone a span is asked for, and read: what nobody said is found out, or an error."""

from __future__ import annotations

import dataclasses
import re

import portals
import pytest
from portals import EVERY_MINUTE, FIRST, Dialect, Message, Server, read

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.errors import AnswerError
from isr_analysis.messages import Selector
from isr_analysis.reading import guesses
from isr_analysis.times import DAY, HOUR, Range


class Vague(Server):
    """A portal that wants a number, and says only that."""

    def _refuse(self, status, words, name=""):
        return super()._refuse(status, re.sub("must be a Unix.*", "Input should be a valid integer", words), name)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kept", [None, 30 * DAY])
@pytest.mark.parametrize("strict", [False, True])
def test_a_unit_that_is_not_said_is_found_out(home, unit, kept, strict):
    """A number is wanted, of what is not said: a wrong one would be asked for another time, and look empty."""
    dialect = Dialect(asked=unit, doc=None, kept=kept, cap=5000, strict=strict)
    with portals.mocked(Vague(dialect, EVERY_MINUTE), home) as portal:
        assert read(portal, Range(FIRST - DAY, FIRST)) == []
        assert len(read(portal)) == 1440
        assert portal.contract.history.time_form == unit


def test_a_unit_is_found_out_though_a_client_has_nothing(home):
    """By what others published: of this one there is nothing, and that is no error, but told."""
    with portals.mocked(Vague(Dialect(asked="ms", doc=None, cap=5000), EVERY_MINUTE), home) as portal:
        with pytest.warns(UserWarning, match="no client 'nobody' at the portal"):
            assert len(isr.load_history("nobody", start="2026-11-01", end="2026-11-02", portal=portal)) == 0
        assert portal.contract.history.time_form == "ms"


def test_a_unit_that_another_thread_has_found_is_not_looked_for_again(home):
    """Days are read at once: by one that is refused as too old none would be found, and that is no error then."""
    server = Vague(Dialect(asked="ms", doc=None, cap=5000, kept=DAY), EVERY_MINUTE)
    with portals.mocked(server, home) as portal:
        guesses.find_unit(portal, Selector(), Range(FIRST - 9 * DAY, FIRST - 8 * DAY))
        guesses.find_topic_form(portal, Selector(), Range(FIRST - 9 * DAY, FIRST - 8 * DAY))
        assert server.count() == 0


def test_what_was_asked_in_a_guessed_unit_is_asked_again_once_another_thread_has_found_it(home):
    """Its answer came when the guess was none any more, and was taken for an empty one."""
    server = Vague(Dialect(asked="ms", doc=None, cap=5000), EVERY_MINUTE)
    plain = server.answer

    def answer(url, headers):
        given = plain(url, headers)
        if re.search(r"[?&]start=\d{10}(?!\d)", url):
            portal.learn(dataclasses.replace(portal.contract.history, time_form="ms"))
            portal.habits.guesses.unit = False
        return given

    server.answer = answer
    with portals.mocked(server, home) as portal:
        assert len(read(portal)) == 1440


class Frail(Vague):
    """A portal of seconds that fails where a number is of a year that it cannot bear."""

    def answer(self, url, headers):
        """Fail, as a program does whose date is out of range."""
        if re.search(r"[?&]start=\d{12}", url):
            return 500, {"Content-Type": "text/plain"}, b"Internal Server Error"
        return super().answer(url, headers)


def test_a_unit_is_found_out_though_the_portal_fails_at_others(home):
    """It is asked in one after the other as nothing is in the range, and its failure speaks of that unit alone."""
    with portals.mocked(Frail(Dialect(asked="s", doc=None, cap=5000), EVERY_MINUTE), home) as portal:
        assert read(portal, Range(FIRST - DAY, FIRST)) == []
        assert portal.contract.history.time_form == "s"


def test_a_unit_that_cannot_be_found_out_is_no_empty_history(home):
    """Nothing comes with any: the error names what to say."""
    old = [Message(FIRST - 4000 * DAY, "dev", "t", 1)]
    server = Vague(Dialect(asked="ms", doc=None), old)
    with portals.mocked(server, home) as portal, pytest.raises(AnswerError, match="time_form"):
        read(portal)


def local(at):
    """Write an instant as a clock in Zurich shows it, and say so nowhere."""
    return times.iso(at + HOUR).removesuffix("Z")


@pytest.mark.parametrize("minutes", [1, 20])
@pytest.mark.parametrize("shift", [HOUR, -5 * HOUR])
@pytest.mark.parametrize("order", ["up", "down"])
def test_local_times_without_a_zone_lose_nothing_silently(home, minutes, shift, order):
    """What is asked for in UTC and shown in another zone is an error that says so, not rows of another hour."""
    some = EVERY_MINUTE[::minutes]
    server = Server(Dialect(cap=5000, order=order, when=lambda at: times.iso(at + shift).removesuffix("Z")), some)
    with portals.mocked(server, home) as portal:
        known = portal.contract.history
        with pytest.raises(AnswerError, match=r"local times; then say time_zone = .*\[history.fields\]"):
            read(portal)
        assert portal.contract.history == known


def test_local_times_are_read_in_the_zone_that_the_contract_names(home):
    """Then nothing is shifted."""
    with portals.mocked(Server(Dialect(cap=5000, when=local), EVERY_MINUTE), home) as portal:
        known = portal.contract.history
        fields = dataclasses.replace(known.fields, time_zone="Europe/Zurich")
        portal.learn(dataclasses.replace(known, fields=fields))
        assert read(portal) == [one.at for one in EVERY_MINUTE if one.at < FIRST + DAY]
