"""The clock that a figure's axis shows.

plotly knows no zones: it draws the digits that it is given. Within one offset from UTC the digits of the local clock
are right. Across a change of the clocks they are not (an hour comes twice, and the line would fold back on itself), so
there the axis keeps one offset throughout, says so, and the local time is in the hover text.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from isr_analysis.checks.series import Ints, stamps
from isr_analysis.times import DAY, HOUR, SECOND

_FORMAT = "%a %d %b %Y %H:%M:%S"
_FEW = 2
_MOMENT = SECOND // 1000


@dataclass(frozen=True, slots=True)
class Clock:
    """How instants of a range are drawn.

    Parameters
    ----------
    zone : datetime.tzinfo or None
        The zone of the frame; None draws its digits as they are.
    offset : int
        ns that the axis runs ahead of UTC, throughout.
    changes : tuple of str
        The local dates within the range on which the clocks were changed.
    fine : bool
        Whether hover text needs fractions of a second.
    """

    zone: dt.tzinfo | None
    offset: int
    changes: tuple[str, ...]
    fine: bool = False

    @property
    def title(self) -> str:
        """The title of the axis."""
        if self.zone is None:
            return "Time (the data has no time zone)"
        name, ahead = str(self.zone), _offset_name(self.offset)
        if self.changes:
            first, last, many = self.changes[0], self.changes[-1], len(self.changes)
            when = f"on {' and '.join(self.changes)}" if many <= _FEW else f"{many} times from {first} to {last}"
            return f"Time ({ahead} throughout:<br>{name} changed its clocks {when})"
        return f"Time ({name})" if name.upper().startswith("UTC") else f"Time ({name}, {ahead})"

    def axis(self, ns: Ints) -> npt.NDArray[np.datetime64]:
        """Give the digits that the axis shows for instants (ns, UTC), to the microsecond.

        A `FigureWidget` would send instants in ns as bare integers, and draw nothing; the page rounds to 0.1 µs anyway.
        """
        return (np.asarray(ns, dtype=np.int64) + self.offset).view("M8[ns]").astype("M8[us]")

    def local(self, ns: Ints) -> npt.NDArray[np.object_] | None:
        """Write the local clock for hover text where it differs from the axis within the range, else None."""
        if not self.changes:
            return None
        return np.asarray(stamps(ns, self.zone).strftime("%a %d %b %H:%M:%S %Z"), dtype=object)

    @property
    def hover(self) -> str:
        """The part of a hover template that shows the instant."""
        if self.changes:
            return f"%{{customdata}}<br>(%{{x|%H:%M:%S}} at {_offset_name(self.offset)})"
        return f"%{{x|%a %-d %b %Y %H:%M:%S{'.%3f' if self.fine else ''}}}"

    def words(self, ns: Ints) -> list[str]:
        """Write instants on the local clock, for a person; with its name where it changes within the range."""
        return [str(one) for one in stamps(ns, self.zone).strftime(_FORMAT + " %Z" * bool(self.changes))]


def clock(ns: Ints, zone: dt.tzinfo | None) -> Clock:
    """Choose the clock for the instants `ns`: local where that is one offset, else the offset that holds longest."""
    fine = bool(len(ns)) and bool((ns[:: max(1, len(ns) // 1000)] % SECOND != 0).any())
    if zone is None or not len(ns):
        return Clock(zone, 0, (), fine)
    begin, end = int(ns.min()), int(ns.max())
    steps = np.unique(np.append(np.arange(begin, end, HOUR if end - begin < 400 * DAY else 3 * HOUR), [begin, end]))
    offset = _offsets(steps, zone)
    if (offset == offset[0]).all():
        return Clock(zone, int(offset[0]), (), fine)
    values, counts = np.unique(offset, return_counts=True)
    jumps = np.flatnonzero(np.diff(offset)) + 1
    dates = tuple(str(stamps([int(steps[at])], zone)[0].date()) for at in jumps)
    return Clock(zone, int(values[counts.argmax()]), dates, fine)


def around(ns: Ints, hands: Clock) -> list[str]:
    """Give the range of an axis that shows these instants with a little room: around a single moment, an hour."""
    begin, end = int(ns.min()), int(ns.max())
    room = (end - begin) // 80 if end - begin >= _MOMENT else HOUR // 2
    return [str(one) for one in np.datetime_as_string(hands.axis(np.array([begin - room, end + room])), "us")]


def _offsets(ns: Ints, zone: dt.tzinfo) -> Ints:
    there = stamps(ns, zone)
    return np.asarray(there.tz_localize(None).as_unit("ns").asi8 - pd.DatetimeIndex(there).as_unit("ns").asi8)


def _offset_name(ns: int) -> str:
    if ns == 0:
        return "UTC"
    sign, minutes = "+" if ns > 0 else "\N{MINUS SIGN}", abs(ns) // (60 * SECOND)
    return f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"
