"""Whether the answers are of the range that was asked for.

A portal may not follow the range, or only one of its ends; its instants may be local times, or other ones than those by
which it picks messages; and it may thin long answers out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isr_analysis import times
from isr_analysis.answers import Page
from isr_analysis.contract.contract import History
from isr_analysis.errors import CONTRACT_FILE, AnswerError, PortalUnavailableError, QuestionRefusedError
from isr_analysis.messages import instants, within
from isr_analysis.portal.portal import Portal
from isr_analysis.reading.borders import grain_of
from isr_analysis.times import Range

LATE = 10 * times.MINUTE
"""How far from now the newest messages may be: younger ones may have come since, and clocks differ."""

_CLOCKS = 15 * times.HOUR
"""How far a clock of some zone may be ahead of UTC, and a little more."""

NAME_THE_ZONE = (
    'say time_zone = "Europe/Zurich", or which it is, under [history.fields] and [live_fields] of ' + CONTRACT_FILE
)
"""What to do about local times."""

ZONELESS = (
    f"Their instants name no zone and cannot be UTC; if they are local times, {NAME_THE_ZONE}; if a device's own clock "
    'is ahead, say time_zone = "UTC"'
)
"""What to do about messages of the future."""

_MANY = 200
"""How many messages an answer has at least that may have been thinned, as for a chart."""

_SOME = 20
"""How many instants of it are asked for again."""


class Reach:
    """How far the answers to one question reach, and whether that is as it should be.

    What is found out is put into the portal's contract and its habits. `ask` asks for another range in the same way.

    Attributes
    ----------
    earliest, latest : int
        The instants of the first and the last message, ns.
    """

    def __init__(self, portal: Portal, span: Range, ask: Callable[[Range], Page]) -> None:
        self._portal = portal
        self._span = span
        self._ask = ask
        self._middles: list[int] = []  # of each page an instant that it gave
        self._rows = 0
        self._part: tuple[Range, int] | None = None  # a small part of a long answer, and the messages given of it
        self.earliest, self.latest = 2**63 - 1, -(2**63)
        self._inside = (2**63 - 1, -(2**63))  # the first and the last that lie in the span

    @property
    def given(self) -> Range | None:
        """From the first message that lies in the span to the last; None if none does."""
        first, last = self._inside
        return Range(first, last) if first <= last else None

    def note(self, table: pa.Table, *, given: bool = True) -> npt.NDArray[np.int64]:
        """Note how far messages reach, and give their instants; not `given` if they are only looked at."""
        at = instants(table)
        self.earliest, self.latest = min(self.earliest, int(at.min())), max(self.latest, int(at.max()))
        if len(inside := at[self._span.holds(at)]):
            self._inside = min(self._inside[0], int(inside.min())), max(self._inside[1], int(inside.max()))
        if given:
            self._middles.append(int(np.partition(at, len(at) // 2)[len(at) // 2]))
            if self._rows == 0 and len(at) >= _MANY:
                self._part = _middle_part(at), 0
            if self._part is not None:
                part, count = self._part
                self._part = part, count + int(part.holds(at).sum())
            self._rows += len(at)
        return at

    def check(self, known: History, asked: Mapping[str, str], *, beyond: bool, told: bool) -> None:
        """Find out whether the portal follows the range, where some of what it gave lies outside."""
        if known.reaches_back:
            return
        if known.of_days and known.fields.time_zone is None:
            self._check_days(known)
        slack = max(known.slack, self._portal.habits.instants.slack)
        early, late = self.earliest < self._span.start - slack, self.latest >= self._span.end + slack
        to_now = early and self._span.end >= self._portal.now() - max(times.HOUR, slack)  # it may give all up to now
        if known.is_unranged:
            # It was not asked for a range: it must have given the whole of it, beyond doubt. Where its parameters were
            # only not found, it may give the last day alone.
            sure = (beyond or told) and not self._portal.contract.is_assumed
            if not sure and not (early and (late or to_now)):
                raise self._not_followed(known, asked)
            return
        if known.start is None and self._portal.contract.is_assumed and not (early or beyond):
            raise self._not_followed(known, asked)  # it may begin where it likes
        late = late and known.end is not None
        early = early and known.start is not None
        if early != late:
            self._check_one_end(known, asked, late=late, to_now=to_now, told=told)
        elif not early:
            self._check_near(known)

    def _check_near(self, known: History) -> None:
        """Find out why a message lies just outside of the range.

        A portal that rounds ranges also gives it when the seconds around it are asked for. One that does not goes by
        another time, such as when it stored the message: then this message would be in no range, and is refused.
        """
        habits = self._portal.habits
        beyond = {self.earliest: self._span.start - self.earliest, self.latest: self.latest - self._span.end}
        stray, by = max(beyond.items(), key=lambda one: one[1])
        near = max(known.unit, grain_of(stray))  # it may be shown rounded
        if not 2 * near < by < times.HOUR or known.of_days or habits.instants.are_rounded:
            return
        try:
            page = self._ask(Range(stray - near, stray + near))
            given = stray in instants(page.messages)
            habits.instants.are_rounded = given or (stray < self._span.start and self._is_of_moved(known))
        except QuestionRefusedError:  # too short a range, perhaps
            return
        if not habits.instants.are_rounded and not habits.sizes.may_be_cut(page.rows):
            raise self._stray(stray)

    def _is_of_moved(self, known: History) -> bool:
        """Tell whether nothing is early if the question begins at the very start: then one just before is rounded."""
        start = self._span.start + known.unit  # a question begins a unit earlier
        page = self._ask(Range(start, start + times.HOUR))
        whole = not self._portal.habits.sizes.may_be_cut(page.rows)
        return whole and not (instants(page.messages) < self._span.start).any()

    def _check_days(self, known: History) -> None:
        """Refuse what shows that the days by which the portal is asked are of another clock than UTC."""
        days = self._span.whole(times.DAY)
        begin, end = days.start, days.end
        beyond = end + (times.DAY if known.end is not None and known.end_included is not False else 0)
        if begin - _CLOCKS <= self.earliest < begin:
            raise self._other_days(self.earliest)
        if beyond <= self.latest < beyond + _CLOCKS or (end <= self.latest < beyond and self._is_of_another_day()):
            raise self._other_days(self.latest)

    def _is_of_another_day(self) -> bool:
        """Tell whether the last message is missing where its day alone is asked for."""
        habits, late = self._portal.habits, self.latest % times.DAY
        if late >= habits.instants.days_are_utc_from:
            return False
        page = self._ask(Range(self.latest - late, self.latest - late + times.DAY))
        at = instants(page.messages)
        if self.latest in at:
            habits.instants.days_are_utc_from = late
            return False
        begins_later = page.descending is False and self.latest < at.min()  # however soon it was cut
        return bool(begins_later or not habits.sizes.may_be_cut(page.rows))

    def _other_days(self, stray: int) -> AnswerError:
        return AnswerError(
            f"the portal was asked for {self._span} by dates and gave a message of {times.iso(stray)}: its days are of "
            "another clock than UTC, and messages of their ends would be missing. Say of which under [history.fields] "
            f'of {CONTRACT_FILE}, such as time_zone = "Europe/Zurich", or time_zone = "UTC" if they are of UTC after '
            "all, and load once with refresh=True"
        )

    def _check_one_end(self, known: History, asked: Mapping[str, str], *, late: bool, to_now: bool, told: bool) -> None:
        """Find out why messages lie outside of the range at one of its ends, `late` or else early, alone.

        The portal follows one end, or none and gave some other range, or rounds; or its instants are not those that it
        is asked by. Asked for the minutes around one that it gave, it must give that again.
        """
        near, middle = known.slack, self._middle()
        at = self._around(middle, known)
        if middle not in at:
            if to_now and told and len(at) and at.max() - at.min() > 4 * near:
                return  # it follows no range, and its pages held all up to now
            raise self._not_followed(known, asked, middle)
        before, after = bool(at.min() < middle - 2 * near), bool(at.max() >= middle + 2 * near)
        self._check_strays(at, middle, 2 * near, early=before and not late, late=late and after)
        if to_now and before and after:
            return
        if (before if late else after) and at.min() <= self.earliest and at.max() >= self.latest:
            raise self._not_followed(known, asked)  # the same for every range
        if at.max() - at.min() <= max(2 * times.HOUR, 4 * near):  # two, where the middle is between two
            over = self.latest - self._span.end if late else self._span.start - self.earliest
            if over > times.HOUR:
                raise self._stray(self.latest if late else self.earliest)
            seen = self._portal.habits.instants
            seen.slack = max(seen.slack, min(over + times.MINUTE, times.HOUR))
            seen.are_rounded |= bool(at.max() - at.min() > 2 * near)
            return
        now = self._portal.contract.history
        parted = now.start != now.end
        if late and not before and parted:
            self._portal.learn(dataclasses.replace(now, end=None))
        elif not late and not after and parted:
            self._portal.learn(dataclasses.replace(now, start=None))
        else:
            raise self._not_followed(known, asked)

    def _check_strays(self, at: npt.NDArray[np.int64], middle: int, near: int, *, early: bool, late: bool) -> None:
        """Refuse what lies outside if the portal, asked for the minutes around one message, kept to these."""
        inside = at[self._span.holds(at)]
        if early and self._inside[0] < middle - near <= int(inside.min(initial=middle)):
            raise self._stray(self.earliest)
        if late and self._inside[1] >= middle + near > int(inside.max(initial=middle)):
            raise self._stray(self.latest)

    def check_density(self, known: History) -> None:
        """Find out whether the portal thins long answers: a small part of one, asked for alone, must have no more.

        Answers up to twice as long are believed then.
        """
        ranges = self._portal.habits.ranges
        if self._part is None or self._rows <= 2 * ranges.dense or None in (known.start, known.end):
            return
        part, given = self._part
        if not 0 < given <= self._rows // 4 or part.end > self._portal.now() - LATE:
            return
        if self._has_more(part, than=given):
            raise AnswerError(
                f"the portal was asked for {self._span} and gave {given} messages of {part}; asked for that alone it "
                "gave more: it thins long answers. If it has a parameter for that, such as one of raw values or of "
                f"the most points, say it as [history.fixed] in {CONTRACT_FILE}; else say how long ranges may be, such "
                'as longest = "1h", under [history]. Then load once with refresh=True'
            )
        ranges.dense = self._rows

    def _has_more(self, part: Range, *, than: int = 0) -> bool:
        """Tell whether the portal has more messages of a part of the range than it gave."""
        try:
            return len(within(self._ask(part).messages, part)) > than
        except (QuestionRefusedError, AnswerError):  # too short a range, perhaps; or nothing, in its own way
            return False

    def check_zone(self, known: History, asked: Mapping[str, str]) -> None:
        """Find out, once, whether instants that name no zone are those that the portal is asked by.

        Where it is asked by dates nothing can tell: its days are those of its clock.
        """
        ranged = known.has_ends and not known.of_days
        if self._middles and ranged and not self._portal.habits.instants.zone_is_proven:
            middle = self._middle()
            # Of a range in pages only the first is looked at, which begins at one of its ends.
            if not any(one in self._around(one, known) for one in (middle, self.latest, self.earliest)):
                raise self._not_followed(known, asked, middle)
            self._check_ahead()
            self._portal.habits.instants.zone_is_proven = True

    def _check_ahead(self) -> None:
        """Refuse messages of the future: asked by the clock of its answers, a portal never contradicts itself."""
        now = self._portal.now()
        ahead = Range(now + LATE, now + _CLOCKS)
        try:
            found = self._has_more(ahead)
        except PortalUnavailableError:  # it may have no words for the future
            return
        if found:
            raise AnswerError(f"asked for {ahead}, which is in the future, the portal gave messages. {ZONELESS}")

    def _middle(self) -> int:
        return sorted(self._middles)[len(self._middles) // 2]

    def _around(self, middle: int, known: History) -> npt.NDArray[np.int64]:
        """Give the instants that the portal gives, asked for the minutes around one."""
        return instants(self._ask(Range(middle - known.slack, middle + known.slack)).messages)

    def _not_followed(self, known: History, asked: Mapping[str, str], lost: int | None = None) -> AnswerError:
        """Make the error; `lost` is an instant that it gave, and did not give when it was asked for just that."""
        gave = "nothing"
        if self.earliest <= self.latest:
            gave = f"messages of {times.iso(self.earliest)} to {times.iso(self.latest)}"
        if known.start is None and self._portal.contract.is_assumed:
            lacks, names = ("a range", "start and end") if known.is_unranged else ("a start", "start")
            says = 'start = "none"' + ' and end = "none"' * known.is_unranged
            return AnswerError(
                f"the portal was asked without {lacks}, as its name for it is not known "
                f"({self._portal.contract.source}), and gave {gave}: it cannot be told whether that is all of "
                f"{self._span}. Name its {names} under [history] of {CONTRACT_FILE}; or, if it has none and always "
                f"gives all that it has, say {says}"
            )
        condition = ""
        if self._portal.contract.is_assumed:
            condition = (
                f" (known so far: {self._portal.contract.source}). If one parameter takes a condition in a language, "
                'name it as start and as end, and all that it takes as divider = "time ge {start} and time lt {end}"'
            )
        return AnswerError(
            f"the portal was asked for {self._span} and gave {gave}: it does not follow the range as it was sent "
            f"({', '.join(f'{k}={v}' for k, v in asked.items())}; its parameters are taken to be "
            f"{known.start!r} and {known.end!r}). {_local(lost)}Say in {CONTRACT_FILE} how it wants the range"
            f"{condition}"
        )

    def _stray(self, at: int) -> AnswerError:
        return AnswerError(
            f"the portal was asked for {self._span}, follows that, and gave a message of {times.iso(at)} all the same: "
            "it goes by another time than the one that is read from its messages, and this message would be missing. "
            f"Name the time that it goes by under [history.fields] of {CONTRACT_FILE}"
        )


def _middle_part(at: npt.NDArray[np.int64]) -> Range:
    several = np.unique(at)
    first = len(several) // 2
    return Range(int(several[first]), int(several[min(first + _SOME, len(several) - 1)]))


def _local(lost: int | None) -> str:
    if lost is None:
        return ""
    return (
        f"Asked for the minutes around {times.iso(lost)} alone, it no longer gave the message of that instant: if its "
        'instants name no zone, they may be local times; then say time_zone = "Europe/Zurich", or which it is, under '
        "[history.fields] of a contract file. "
    )
