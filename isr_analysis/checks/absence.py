"""Where messages are missing: a silent device, a span that was never fetched, a portal that failed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from isr_analysis import times
from isr_analysis.checks.rhythm import Rhythm, by_client, rhythms, tell_of_lost_edges
from isr_analysis.checks.series import CLIENT, TOPIC, identity, split, taken, zone_of
from isr_analysis.checks.tables import Row, never_heard, span_of, table
from isr_analysis.errors import UsageError
from isr_analysis.messages import check_flags, overlap
from isr_analysis.times import Range

SILENT, NEVER_FETCHED, FAILED = "device silent", "never fetched", "portal failed"
"""The kinds of gap. A value that does not change is none: `quality` reports it as stuck."""

STATES = {"settled": "on disk for good", "provisional": "on disk, late messages may come",
          "missing": NEVER_FETCHED, "failed": FAILED}  # fmt: skip
"""What the states of `coverage` mean, in the words of figures and widgets."""

_LACKING = ("missing", "failed")

_OFF = 0.05
"""The part of an interval by which a message may come early or late and still be the one that was due."""

_COLUMNS = {
    "kind": "str", CLIENT: "str", TOPIC: "str", "channel": "str", "start": "instant", "end": "instant",
    "duration": "duration", "missed": "Int64",
}  # fmt: skip


def gaps(
    df: pd.DataFrame | pd.Series,
    coverage: pd.DataFrame | None = None,
    *,
    start: times.Instant | None = None,
    end: times.Instant | None = None,
    each: bool = False,
) -> pd.DataFrame:
    """Find when messages are missing and, as far as can be known, why.

    The publishing interval of each series is worked out from its times. A pause of more than 2.5 intervals is a gap; a
    link that often loses single messages is allowed longer pauses. In a series without a regular interval a gap is a
    pause far longer than its other pauses let expect, of which there must be 60; it has no such gap if it publishes
    when something changes, and none where it is silent on most days. Events have no gaps.

    A client without any message in the frame is known only if it was asked for by name: to find those that were silent
    all the time too, load with ``client_id=load_publishers()["client_id"]``, from disk after a `sync` of everything.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        A frame from a loader, or any with a time index. It is not changed.
    coverage : pandas.DataFrame, optional
        The result of `coverage` for the same range. Without it, every gap counts as silence of the device.
    start, end : str, datetime, date, pandas.Timestamp or numpy.datetime64, optional
        The range that the frame represents, so that silence at its edges is found too, and none outside of it. Default:
        the range that was loaded, up to ``attrs["provisional_from"]``, provided no rows have been removed since; else
        from the first row to the last. Give both for one client of a loaded frame, ``gaps(df[df["client_id"] == "a"],
        start=df.attrs["start"], end=df.attrs["end"])``, or choose its rows from ``gaps(df)``.
    each : bool
        Return one row for each silent series. By default, a client that was silent as a whole is one row, with
        ``topic`` and ``channel`` empty (unless the frame has only one of it), and so is a topic, with ``channel``
        empty. ``gaps(df[["client_id"]])`` looks only at clients as a whole.

    Returns
    -------
    pandas.DataFrame
        One row per gap, sorted by start, with a RangeIndex. Columns ``kind`` (``device silent``, ``never fetched``,
        ``portal failed``), ``client_id``, ``topic`` and ``channel`` (str; where nothing was fetched, the first two are
        as in `coverage`, with ``"*"`` for all clients), ``start`` (the last message before) and ``end`` (the first
        message after; both in the frame's zone, UTC if it has none), ``duration`` (timedelta) and ``missed`` (Int64,
        the number of messages expected at the usual interval; NA where unknown). Without any gap: the same columns, no
        rows.

    Raises
    ------
    UsageError
        The index is not a time index, or `coverage` lacks a column.

    Warns
    -----
    UserWarning
        The frame was reduced to fewer clients or topics since it was loaded, and its rows begin or end so far from the
        edges of that range that silence there is not counted.

    Examples
    --------
    >>> import pandas as pd
    >>> import isr_analysis as isr
    >>> index = pd.date_range("2026-11-01", periods=60, freq="1min", tz="UTC", name="time")
    >>> df = pd.DataFrame({"client_id": "isr-shack-01", "value": 1.0}, index=index)
    >>> isr.gaps(df.drop(index[20:30]))[["kind", "client_id", "duration", "missed"]].values.tolist()
    [['device silent', 'isr-shack-01', Timedelta('0 days 00:11:00'), 10]]
    """
    check_flags(each=each)
    frame = taken(df)
    span = span_of(frame, start, end)
    unfetched = unfetched_in(coverage, span)
    found = rhythms(split(frame, identity(frame)), span)
    tell_of_lost_edges(frame, found, start=start is not None, end=end is not None)
    rows = [_row(one.kind, one.client, one.topic, one.span) for one in unfetched]
    rows += silent_rows(frame, found, span, unfetched, each=each)
    rows.sort(key=lambda row: (row["start"], row[CLIENT], row[TOPIC], row["channel"]))
    return table(rows, _COLUMNS, zone_of(frame))


def quiet(frame: pd.DataFrame, client: str, span: Range | None) -> list[Range]:
    """Give the spans in which a client was silent as a whole, as far as the frame has what it publishes.

    Of a client that the frame does not know, as it has no ids or they were left aside, those in which nobody spoke.
    """
    own = frame[CLIENT] == client if CLIENT in frame.columns else pd.Series(dtype=bool)
    whose = frame[own] if own.any() else frame
    found = rhythms(split(whose, identity(whose)), span)
    left = [(one, part) for one in found for part in one.silent]
    return _shared(found, left, span, [])[0] if left else []


@dataclass(frozen=True, slots=True)
class Unfetched:
    """A span that is not on disk.

    Parameters
    ----------
    kind : str
        Why: `NEVER_FETCHED` or `FAILED`.
    client : str
        Whose messages; ``"*"`` is all clients'.
    topic : str
        The topic filter.
    span : Range
        The span.
    """

    kind: str
    client: str
    topic: str
    span: Range

    def concerns(self, client: str, topic: str) -> bool:
        """Whether messages of a client on a topic, or on topics that a filter means, are among it."""
        return self.client in ("*", client) and (not topic or overlap(self.topic, topic))


def silent_rows(
    frame: pd.DataFrame, found: list[Rhythm], span: Range | None, unfetched: list[Unfetched], *, each: bool
) -> list[Row]:
    """Give the silences as rows of `gaps`, each told once at the widest level at which all was silent."""
    rows: list[Row] = []
    for client, own in by_client(found).items():
        left = [(one, part) for one in own for gap in one.silent for part in _fetched(one, gap, unfetched)]
        if not left:
            continue
        if not each:
            whole, left = _shared(own, left, span, unfetched)
            only = own[0].topic if len({one.topic for one in own}) == 1 else ""
            channel = own[0].channel if len(own) == 1 else ""
            rows += [_silent(client, only, channel, own, part) for part in whole]
            for topic in dict.fromkeys(one.topic for one, _ in left):
                same = [one for one in own if one.topic == topic]
                if len(same) > 1:
                    mine = [(one, part) for one, part in left if one.topic == topic]
                    whole, rest = _shared(same, mine, span, unfetched)
                    rows += [_silent(client, topic, "", same, part) for part in whole]
                    left = [(one, part) for one, part in left if one.topic != topic] + rest
        rows += [_silent(client, one.topic, one.channel, [one], part) for one, part in left]
    if span is not None:
        rows += _never_heard(frame, span, unfetched)
    return rows


def _silent(client: str, topic: str, channel: str, own: list[Rhythm], part: Range) -> Row:
    return _row(SILENT, client, topic, part, channel=channel, missed=sum(_missed(one, part) for one in own) or None)


def _row(kind: str, client: str, topic: str, part: Range, *, channel: str = "", missed: int | None = None) -> Row:
    return {"kind": kind, CLIENT: client, TOPIC: topic, "channel": channel, "start": part.start, "end": part.end,
            "duration": part.end - part.start, "missed": missed}  # fmt: skip


def _missed(one: Rhythm, part: Range) -> int:
    if not one.regular:
        return 0
    at = min(int(np.searchsorted(one.time, part.start, side="right")), max(0, len(one.time) - 2))
    rate = one.pace.rate_at(at)
    if not one.pace.regular[rate]:
        return 0
    pauses = (part.end - part.start) / float(one.pace.interval[rate])
    near = np.minimum(np.searchsorted(one.time, [part.start, part.end]), len(one.time) - 1)
    begins, ends = one.time[near] == [part.start, part.end]
    if begins and ends:
        return max(0, round(pauses) - 1)
    # In step with the message at one end. The other is a range's: what is due at its start is missed, at its end not.
    return math.ceil(pauses - _OFF) - 1 if begins else math.floor(pauses + _OFF)


def _shared(
    own: list[Rhythm], left: list[tuple[Rhythm, Range]], span: Range | None, unfetched: list[Unfetched]
) -> tuple[list[Range], list[tuple[Rhythm, Range]]]:
    """Take out the spans in which none of several series spoke.

    Returns
    -------
    whole, left
        Those spans, and what they leave unexplained of each series' silence.
    """
    if len(own) == 1:
        return [part for _, part in left], []
    every = np.unique(np.concatenate([one.time for one in own]))
    if span is not None:
        every = np.unique(np.concatenate([every, [span.start, span.end]]))
    least = min(one.allowed(gap) for one, gap in left)
    at = np.flatnonzero(np.diff(every) > least)
    quiet = [
        piece
        for begin, end in zip(every[at].tolist(), every[at + 1].tolist(), strict=True)
        for piece in _cut(Range(begin, end), own, unfetched)
    ]
    starts = np.array([one.start for one in quiet], dtype=np.int64)
    used: set[int] = set()
    within: list[tuple[Rhythm, Range, int, list[int]]] = []
    for one, gap in left:
        limit = one.allowed(gap)
        inside = []
        for number in range(int(np.searchsorted(starts, gap.start)), len(quiet)):
            if quiet[number].end > gap.end:
                break
            inside.append(number)
        used |= {number for number in inside if _all_silent(quiet[number], one, gap, own)}
        within.append((one, gap, limit, inside))
    rest: list[tuple[Rhythm, Range]] = []
    for one, gap, limit, inside in within:
        told = [quiet[number] for number in inside if number in used]
        # A slow series need not have missed a message in each: what they leave of its silence may be as usual.
        if sum(part.end - part.start for part in gap.minus(told)) > limit:
            own_size = [part for part in told if part.end - part.start > limit]
            rest += [(one, part) for part in gap.minus(own_size) if part.end - part.start > limit]
    return [quiet[number] for number in sorted(used)], rest


def _all_silent(quiet: Range, one: Rhythm, gap: Range, own: list[Rhythm]) -> bool:
    """Whether a span without any message makes out a silence, or is but a pause of a series that goes on in it."""
    length, limit = quiet.end - quiet.start, one.allowed(gap)
    if length <= limit:
        return False
    if gap.end - gap.start - length <= limit:  # it is all of the silence
        return True
    spoke = [
        other.allowed(quiet) for other in own
        if np.isfinite(other.pace.limit).any()
        and np.searchsorted(other.time, gap.start, "right") < np.searchsorted(other.time, gap.end)
    ]  # fmt: skip
    return length > max(spoke, default=0)


def _cut(gap: Range, own: list[Rhythm], unfetched: list[Unfetched]) -> list[Range]:
    """Take out of a silence what was not fetched for any one of `own`: of that nobody knows whether all were silent."""
    return gap.minus([part.span for part in unfetched if any(part.concerns(one.client, one.topic) for one in own)])


def _fetched(one: Rhythm, gap: Range, unfetched: list[Unfetched]) -> list[Range]:
    """Give the parts of a silence that were fetched, as far as each is longer than the series' rate explains."""
    cuts = [part.span for part in unfetched if part.concerns(one.client, one.topic)]
    return [part for part in gap.minus(cuts) if not cuts or part.end - part.start > one.allowed(part)]


def _never_heard(frame: pd.DataFrame, span: Range, unfetched: list[Unfetched]) -> list[Row]:
    """Give the clients that were asked for by name and have no row at all."""
    topic = str(frame.attrs.get("topic", "#"))
    return [
        _row(SILENT, client, "" if topic == "#" else topic, part)
        for client in never_heard(frame)
        for part in span.minus([one.span for one in unfetched if one.concerns(client, topic)])
    ]


def unfetched_in(coverage: pd.DataFrame | None, span: Range | None) -> list[Unfetched]:
    """Read what coverage says is not on disk, within the range, neighbouring spans joined."""
    if coverage is None:
        return []
    if not isinstance(coverage, pd.DataFrame):
        raise UsageError(f"coverage must be the frame that isr.coverage returns, not {type(coverage).__name__}")
    if absent := [name for name in ("start", "end", "state") if name not in coverage.columns]:
        raise UsageError(
            f"coverage has no column {', '.join(absent)}; it must be the frame that isr.coverage returns, and has "
            f"{', '.join(map(str, coverage.columns)) or 'none'}"
        )
    found: list[Unfetched] = []
    wanted = coverage[coverage["state"].isin(_LACKING)].sort_values("start", kind="stable")
    for row in wanted.to_dict("records"):
        begin, until = (times.instant(row[name], name=name) for name in ("start", "end"))
        if span is not None:
            begin, until = max(begin, span.start), min(until, span.end)
        if until <= begin:
            continue
        new = Unfetched(STATES[row["state"]], str(row.get(CLIENT, "*")), str(row.get(TOPIC, "#")), Range(begin, until))
        before = next((one for one in found if replace(new, span=one.span) == one and one.span.end >= begin), None)
        if before is not None:
            found.remove(before)
            new = replace(new, span=Range(before.span.start, max(before.span.end, until)))
        found.append(new)
    return found
