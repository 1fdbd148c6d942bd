"""Which of several times of its rows a portal goes by: when a message was published, say, or when it was stored.

By another one than it is asked by, what came late would be in no range: it lies outside of the one in which the portal
gives it.
"""

from __future__ import annotations

import logging

from isr_analysis import times
from isr_analysis.answers import Apart
from isr_analysis.contract.contract import History
from isr_analysis.errors import CONTRACT_FILE, AnswerError, QuestionRefusedError
from isr_analysis.portal.habits import Ranges
from isr_analysis.portal.portal import Portal
from isr_analysis.reading import names
from isr_analysis.reading.borders import count_of
from isr_analysis.reading.window import Window
from isr_analysis.times import Range

logger = logging.getLogger(__name__)

_SURE = 4
"""Asked for a moment around one time, this part of the way to the other one, a portal cannot mean the other."""


def is_other(portal: Portal, known: History, window: Window, *, last: bool = False) -> bool:
    """Find out, once, whether the portal goes by another time of its rows than was read; that is read from now on.

    Asked for the moments around a message, it gives it by the time that it goes by, and not by the other one. Where
    these are too close together, the order of its rows tells.

    Parameters
    ----------
    portal, known, window
        Who was asked for what, and how.
    last : bool
        Whether nothing else can tell any more.

    Raises
    ------
    AnswerError
        It gives the message by neither time, although these are far apart; only if that is the `last` look.
    """
    habits, apart = portal.habits, window.asker.apart
    if apart is None:
        return portal.contract.history.fields.clock != known.fields.clock
    with habits.finding:
        if portal.contract.history.fields.clock != known.fields.clock:
            return True  # another thread has found it out meanwhile
        if habits.instants.clock_is_proven or not known.has_ends or known.of_days:
            return False
        if not habits.is_worth_a_look("two times of a message"):
            return False
        near = min(known.slack, apart.by // _SURE)
        by_this = _gives(portal, known, window, apart, apart.at, near)
        # Where ends may be cut to whole minutes, both may give it.
        by_other = None if by_this and near == known.slack else _gives(portal, known, window, apart, apart.other, near)
        if by_this and not by_other:
            habits.instants.clock_is_proven = True
            return False
        if (by_other and not by_this) or (apart.is_order and bool(by_this) == bool(by_other)):
            logger.info("messages stand for their %s: the portal goes by that", apart.name)
            habits.instants.clock_is_proven = True
            habits.ranges = Ranges()  # what they showed was of other instants
            portal.learn_fields(clock=apart.name)
            return True
        if last and by_this is by_other is False and near == known.slack:
            raise AnswerError(
                f"the portal gave a message of {times.iso(apart.at)}, and, asked for the minutes around that, did not: "
                "it goes by another time than the one that is read from its messages, and what came late would be "
                f"missing. If that is {apart.name!r}, say time = {apart.name!r} under [history.fields] of "
                f"{CONTRACT_FILE}, and load once with refresh=True"
            )
    return False


def _gives(portal: Portal, known: History, window: Window, apart: Apart, at: int, near: int) -> bool | None:
    """Tell whether the portal gives a message for the moments around an instant; None if that cannot be told."""
    if near < times.SECOND:  # within one second, as the portal may cut ends to such
        near = min(near, at % times.SECOND - 2 * known.unit, times.SECOND - at % times.SECOND)
    if near < known.unit:
        return None
    around = Range(at - near, at + near)
    try:
        page = window.asker.part(around)
    except (QuestionRefusedError, AnswerError):  # too short a range, perhaps
        return None
    if not count_of(apart.message, page.messages, ("time", "client_id", "topic")):
        return None if portal.habits.sizes.may_be_cut(page.rows) else False
    reach = Range(around.start - apart.by, around.end + apart.by)
    return None if names.is_ignored(known, page.messages, reach) else True
