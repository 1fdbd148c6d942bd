"""Instants, half-open ranges and windows. Pure: reads no clock, no file, no network."""

from __future__ import annotations

import bisect
import contextlib
import datetime as dt
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd

from isr_analysis.errors import UsageError

Instant = str | dt.datetime | dt.date | pd.Timestamp | np.datetime64
"""What is taken as an instant. One without a zone is read in the caller's `tz`."""

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*((?i:s|sec(?:ond)?s?|min(?:ute)?s?|h(?:ours?)?|d(?:ays?)?|w(?:eeks?)?)|m)")
_DURATION = re.compile(rf"\s*(-?)(?:{_LENGTH.pattern}\s*)+")  # "1M" could be a month
_NO_ZONES = ("localtime", "posixrules", "Factory", "right/")  # this machine's own, and those that count leap seconds
_ALIKE, _SHORT = 0.8, 5  # of a zone's name that was meant; "CEST" and "GMT+1" are none
_DATE_ONLY = re.compile(r"\d{4}-?\d\d(-?\d\d?)?")
_ISO = re.compile(r"\d{4}-?\d\d")  # how it begins; of a year alone it is not known whether it is one
_EARLIEST_NS = 0
_LATEST_NS = 4_102_444_800 * SECOND  # 2100-01-01


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """A half-open span of time, ``[start, end)``.

    Parameters
    ----------
    start, end : int
        Nanoseconds since 1970-01-01 UTC. `end` is not part of the range.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise UsageError(f"a range runs forward: its start {iso(self.start)} comes after its end {iso(self.end)}")

    def __bool__(self) -> bool:
        return self.end > self.start

    def __str__(self) -> str:
        return f"[{iso(self.start)}, {iso(self.end)})"

    def days(self) -> Iterator[Range]:
        """Give the parts of the range that fall into each UTC day, in order."""
        at = self.start
        while at < self.end:
            until = min((at // DAY + 1) * DAY, self.end)
            yield Range(at, until)
            at = until

    def common(self, other: Range) -> Range:
        """Give what two ranges have in common; an empty range if that is nothing."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Range(start, max(start, end))

    def before(self, ns: int) -> Range:
        """Give the part of the range that comes before an instant; an empty range if there is none."""
        return Range(self.start, max(self.start, min(self.end, ns)))

    def holds(self, ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which of some instants lie in the range."""
        return (ns >= self.start) & (ns < self.end)

    def whole(self, step: int) -> Range:
        """Give the range widened to whole steps since 1970, such as UTC days."""
        return Range(self.start // step * step, -(-self.end // step) * step)

    def minus(self, held: list[Range]) -> list[Range]:
        """Give what is left of the range when the ranges of `held` (any order) are taken out."""
        left: list[Range] = []
        at = self.start
        for span in sorted(held):
            if span.end <= at or not span:  # an empty range splits nothing
                continue
            if span.start >= self.end:
                break
            if span.start > at:
                left.append(Range(at, span.start))
            at = span.end
        if at < self.end:
            left.append(Range(at, self.end))
        return left


EVER = Range(-(2**62), 2**62)
"""All of time, and more than any instant that is taken."""


def day_of(ns: int) -> Range:
    """Give the UTC day in which an instant lies."""
    return Range(ns // DAY * DAY, (ns // DAY + 1) * DAY)


def whole_second(ns: int) -> int:
    """Cut an instant to the whole second: nobody who reads the present needs it finer."""
    return ns // SECOND * SECOND


def iso(ns: int) -> str:
    """Write an instant as ISO 8601 in UTC, exact to the nanosecond and no longer than needed."""
    seconds, rest = divmod(ns, SECOND)
    text = dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def zone(tz: str | dt.tzinfo | None) -> dt.tzinfo:
    """Read the name of a time zone.

    Parameters
    ----------
    tz : str, datetime.tzinfo or None
        An IANA name such as ``"Europe/Zurich"``, ``"UTC"``, or a tzinfo; None is UTC.

    Raises
    ------
    UsageError
        The name is not known. The machine's own zone has no name here, on purpose.
    """
    if tz is None:
        return dt.UTC
    if isinstance(tz, dt.tzinfo):
        return tz
    if str(tz).upper() in {"UTC", "Z"}:
        return dt.UTC
    try:
        if str(tz).startswith(_NO_ZONES):
            raise ValueError(tz)  # noqa: TRY301 (one message for all of them)
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError) as exc:
        raise UsageError(
            f'tz={tz!r} is not a known time zone; give an IANA name such as "Europe/Zurich", or "UTC"{_meant(tz)}'
        ) from exc


def zone_names() -> set[str]:
    """Give the names that `zone` takes on this machine."""
    return {name for name in available_timezones() if not name.startswith(_NO_ZONES)}


def _meant(tz: object) -> str:
    """Say which zone's name is like what came: of a place, as abbreviations are alike that mean far-off hours."""
    names = [name for name in zone_names() if "/" in name and not name.startswith("Etc/")]
    known = {part.casefold(): name for name in names for part in (name.rpartition("/")[2], name)}
    near = difflib.get_close_matches(str(tz).casefold(), known, n=1, cutoff=_ALIKE) if len(str(tz)) > _SHORT else []
    return f'; did you mean "{known[near[0]]}"?' if near else ""


def instant(value: Instant, tz: str | dt.tzinfo | None = None, *, name: str = "instant") -> int:
    """Turn what a person writes into nanoseconds since 1970-01-01 UTC.

    Parameters
    ----------
    value : str, datetime.datetime, datetime.date, pandas.Timestamp or numpy.datetime64
        ISO 8601, with or without an offset. A date is its first instant in `tz`, also where midnight came twice or
        never.
    tz : str or datetime.tzinfo, optional
        The zone of a value that names none. UTC if not given.
    name : str
        What the value is called in an error.

    Returns
    -------
    int
        Nanoseconds since 1970-01-01 UTC.

    Raises
    ------
    UsageError
        The value is no instant, lies outside 1970 to 2100, or names a wall-clock time that came twice or never, as the
        clocks of `tz` were changed.
    """
    where = zone(tz)
    if isinstance(value, bool | int | float | np.number):
        raise UsageError(
            f"{name}={value!r} is a bare number, which could mean seconds or milliseconds; "
            f"give an ISO 8601 text, a datetime or pandas.Timestamp(..., unit=...)"
        )
    text = re.sub(" UTC$", "Z", value.strip().upper()) if isinstance(value, str) else ""
    day_only = (isinstance(value, dt.date) and not isinstance(value, dt.datetime)) or _DATE_ONLY.fullmatch(text)
    try:
        if isinstance(value, str) and not _ISO.match(text):
            raise ValueError("not ISO 8601")  # noqa: TRY301 (one message for all of them)
        # Of a text `Timestamp` takes more: 2026-11-01/2026-11-05 is 20:26 for it, and GMT+1 west of Greenwich.
        stamp = pd.to_datetime(text, format="ISO8601") if text else pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError) as exc:
        raise UsageError(
            f"{name}={value!r} is not an instant; give ISO 8601 such as "
            f'"2026-11-01" or "2026-11-01T06:30:00+01:00", a date, a datetime or a pandas.Timestamp'
        ) from exc
    if pd.isna(stamp):
        raise UsageError(f"{name}={value!r} is not an instant")
    if stamp.tz is None:
        stamp = _in_zone(stamp, where, day_only=bool(day_only), name=name)
    try:
        ns = int(stamp.as_unit("ns").value)
    except (OverflowError, ValueError) as exc:
        raise UsageError(f"{name}={value!r} lies outside of 1970 to 2100") from exc
    if not _EARLIEST_NS <= ns <= _LATEST_NS:
        raise UsageError(f"{name}={value!r} lies outside of 1970 to 2100")
    return ns


def _in_zone(stamp: pd.Timestamp, where: dt.tzinfo, *, day_only: bool, name: str) -> pd.Timestamp:
    """Place a wall-clock time in its zone, if the clocks there showed it once; a day begins at its first instant."""
    placed = stamp.tz_localize(where, ambiguous=True, nonexistent="NaT")
    first = placed if isinstance(placed, pd.Timestamp) else _after(stamp, where)
    if day_only:
        return first
    if first is not placed:
        raise UsageError(
            f"{name}={stamp.isoformat()!r} does not exist in {where}, where the clocks went forward over it; "
            f"the next instant there is {first.isoformat()!r}"
        )
    second = stamp.tz_localize(where, ambiguous=False)
    if second != first:
        raise UsageError(
            f"{name}={stamp.isoformat()!r} occurred twice in {where}, when the clocks went back; give one of them: "
            f"{first.isoformat()!r} or {second.isoformat()!r}, or use the zone UTC"
        )
    return first


def _after(stamp: pd.Timestamp, where: dt.tzinfo) -> pd.Timestamp:
    """Give the instant at which the clocks of a zone went forward over a time; pandas does so for an hour at most."""
    there = stamp.to_pydatetime(warn=False)
    near = int(there.replace(tzinfo=dt.UTC).timestamp())
    seconds = range(near - 2 * DAY // SECOND, near + 2 * DAY // SECOND)
    at = bisect.bisect(seconds, there, key=lambda one: dt.datetime.fromtimestamp(one, where).replace(tzinfo=None))
    return pd.Timestamp(seconds[at], unit="s", tz=where)


def duration(
    value: str | dt.timedelta | pd.Timedelta | pd.offsets.BaseOffset, *, name: str = "duration", zero: bool = False
) -> int:
    """Turn ``"7d"``, ``"90min"``, ``"2 weeks"``, ``"1 h 30 min"``, a timedelta or a pandas offset into nanoseconds.

    Of the offsets those of days, and shorter ones, are durations.

    Raises
    ------
    UsageError
        The value is no duration, is below zero, or is `zero` where that is none.
    """
    ns = 0 if zero and str(value) == "0" else None  # nothing needs no unit
    if isinstance(value, str):
        if match := _DURATION.fullmatch(value):
            length = sum(float(number) * _UNITS[unit[0].lower()] for number, unit in _LENGTH.findall(value))
            ns = round(-length if match[1] else length) if length < 2**63 else None
    elif isinstance(value, dt.timedelta | np.timedelta64 | pd.offsets.Tick | pd.offsets.Day):
        with contextlib.suppress(OverflowError, ValueError):  # longer than ns can count
            ns = int(pd.Timedelta(value).as_unit("ns").value)  # type: ignore[arg-type]  # the stubs lack Day
    how = 'give a number with s, min, h, d or w, such as "7d" or "90min"'
    if ns is None:
        raise UsageError(f"{name}={value!r} is not a duration; {how}")
    if ns < 0 or (ns == 0 and not zero):
        raise UsageError(f"{name}={value!r} is not a duration {'of zero or more' if zero else 'above zero'}; {how}")
    return ns


def resolve(
    start: Instant | None,
    end: Instant | None,
    last: str | dt.timedelta | None,
    *,
    tz: str | dt.tzinfo | None,
    now: int,
) -> Range:
    """Turn the arguments of a loader into a half-open range.

    Parameters
    ----------
    start, end : Instant, optional
        The first instant that is wanted and the first that is not. `end` is now if left out.
    last : str or datetime.timedelta, optional
        In place of `start`: how far back from `end`, such as ``"7d"``.
    tz : str or datetime.tzinfo, optional
        The zone of instants that name none. UTC if not given.
    now : int
        The present instant, ns since 1970-01-01 UTC.

    Raises
    ------
    UsageError
        No range, two ranges, or one that is empty, runs backward or lies in the future.
    """
    if (start is None) == (last is None):
        given = "both start= and last= were" if start is not None else "neither start= nor last= was"
        raise UsageError(f'{given} given; give either start= (and end=) or last=, such as last="7d"')
    until = now if end is None else instant(end, tz, name="end")
    begin = until - duration(last, name="last") if last is not None else 0
    if start is not None:
        begin = instant(start, tz, name="start")
    if end is not None and begin > until:
        raise UsageError(
            f"the range runs backward: its start {_shown(begin, tz)} comes after its end {_shown(until, tz)}; swap "
            "the two"
        )
    if begin == until and end is not None:
        raise UsageError(
            f"the range is empty: it starts and ends at {_shown(begin, tz)}, and its end is not part of it; give a "
            "later one"
        )
    if begin >= now:
        raise UsageError(
            f"the range begins in the future, at {_shown(begin, tz)}: by this machine's clock it is "
            f"{_shown(whole_second(now), tz)}"
        )
    if begin < _EARLIEST_NS:
        raise UsageError(f"last={last!r} reaches back before 1970; give a shorter one")
    return Range(begin, until)


def _shown(ns: int, tz: str | dt.tzinfo | None) -> str:
    """Write an instant as the clock of a zone shows it, as it was asked for in that."""
    where = zone(tz)
    return iso(ns) if where is dt.UTC else pd.Timestamp(ns, unit="ns", tz="UTC").tz_convert(where).isoformat()


def midnight_after(ns: int, tz: str) -> int:
    """Give the instant at which the next day of a zone begins.

    >>> iso(midnight_after(instant("2026-11-01T12:00"), "Europe/Zurich"))
    '2026-11-01T23:00:00Z'
    """
    return instant(dt.datetime.fromtimestamp(ns // SECOND, zone(tz)).date() + dt.timedelta(days=1), tz)


def on_the_wall(ns: int, tz: str, *, later: bool) -> int:
    """Give what the clock of a zone shows at an instant, as if it were UTC.

    A time that the clock shows twice may be read as either instant, so it is moved by as much as the clocks change:
    back, or forward if `later`.

    >>> iso(on_the_wall(instant("2026-11-01T12:00"), "Europe/Zurich", later=False))
    '2026-11-01T13:00:00Z'
    >>> [iso(on_the_wall(instant("2026-10-25T00:30"), "Europe/Zurich", later=one))[11:16] for one in (False, True)]
    ['01:30', '02:30']
    """

    def offset(at: int, fold: int | None = None) -> int:
        local = dt.datetime.fromtimestamp(at // SECOND, zone(tz))
        shown = (local if fold is None else local.replace(fold=fold)).utcoffset() or dt.timedelta(0)
        return round(shown.total_seconds()) * SECOND

    twice = offset(ns, 0) - offset(ns, 1)
    ns += twice if later else -twice
    return ns + offset(ns)


def lasting(ns: float) -> str:
    """Write a duration with two units at most: ``2 d 3 h``, ``11 min``, ``0.5 s``."""
    seconds = ns / SECOND
    if float(short := f"{seconds:.3g}") < 60:  # noqa: PLR2004 (seconds in a minute)
        return f"{short} s"
    left, words = round(seconds), []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
        elif words:
            break
    return " ".join(words[:2])


def ago(ns: float | None) -> str:
    """Write how long ago something was, in whole seconds at most: ``"12 s ago"``; None is ``"never"``.

    What will be in a minute or more comes from a clock that is ahead, and is no news of now.

    >>> ago(12.4 * SECOND), ago(2 * HOUR), ago(None), ago(-HOUR)
    ('12 s ago', '2 h ago', 'never', '1 h ahead')
    """
    if ns is None:
        return "never"
    if ns <= -MINUTE:
        return f"{lasting(whole_second(int(-ns)))} ahead"
    return f"{lasting(whole_second(int(max(ns, 0))))} ago"
