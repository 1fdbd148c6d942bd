"""Without the portal: what is on disk of a range, and what is not; and ISR_OFFLINE, under which nothing is asked."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from isr_analysis import times
from isr_analysis.errors import HistoryIncompleteError, PortalUnavailableError, UsageError
from isr_analysis.messages import Selector
from isr_analysis.portal.portal import Portal
from isr_analysis.settings import OFFLINE
from isr_analysis.store.holding import MAX_AGE, Held
from isr_analysis.store.store import Store
from isr_analysis.times import Range

if TYPE_CHECKING:  # requests-cache takes as long to import as all else
    from isr_analysis.portal.responses import Kept

Read = TypeVar("Read")

_NAMED = 5  # ranges that are named


def check_online(portal: Portal) -> None:
    """Refuse what cannot be done without the portal."""
    if portal.profile.is_offline:
        raise UsageError(f"{OFFLINE} is set, so the portal is not asked for anything; unset it to fetch")


def answers(
    portal: Portal, what: str, read: Callable[[float], list[tuple[Kept, Read]]], max_age: float
) -> list[tuple[Kept, Read]]:
    """Read the answers of a list that are at most `max_age` seconds old; offline those that are kept, marked if older.

    Raises
    ------
    PortalUnavailableError
        Offline, and the list was never had, or its further pages are not kept any more.
    """
    if not portal.profile.is_offline:
        return read(max_age)
    _ = portal.account_id  # that it is not known whose they are is another error
    try:
        found = read(math.inf)
    except PortalUnavailableError as exc:
        raise PortalUnavailableError(
            f"{OFFLINE} is set, so the portal is not asked, and {what} is not on disk; load it once without {OFFLINE}"
        ) from exc
    now = dt.datetime.now(dt.UTC)
    return [
        (dataclasses.replace(kept, stale=(now - kept.fetched_at).total_seconds() > max_age), one) for kept, one in found
    ]


def on_disk(portal: Portal, selector: Selector, span: Range, *, is_open: bool) -> tuple[Range, str]:
    """Give the range that an offline load is of, all of which is on disk, and a warning if it has less than half.

    It is what was asked for; if that has no end of its own (`is_open`), it may end where what is on disk does.

    Raises
    ------
    HistoryIncompleteError
        Part of it is not on disk.
    """
    held = _held(portal, selector, span)
    if not held.missing:
        return span, ""
    if is_open and (until := _reach(span, held)) > span.start:
        found = Range(span.start, until)
        if span.end - until <= until - span.start:
            return found, ""
        return found, (
            f"{_how(portal)}, and of {selector} most of {span} is not on disk: this is what there is of it, {found}"
        )
    first = min(window.start for _, window in held.missing)
    there = f', or ask for what is there: end="{times.iso(first)}"' if first > span.start else ""
    if not there and (ever := [one.range.end for one in Store(portal.folder).spans(selector, times.EVER)[0]]):
        there = f"; what is on disk ends at {times.iso(times.whole_second(max(ever)))}"
    raise HistoryIncompleteError(
        f"{_not_on_disk(portal, selector, held)}; load the range once without {_how(portal)}{there}"
    )


def lacking(portal: Portal, selector: Selector, span: Range) -> str:
    """Say what of a range is not on disk; empty if nothing."""
    held = _held(portal, selector, span)
    return _not_on_disk(portal, selector, held) if held.missing else ""


def has_gaps(portal: Portal, selector: Selector, span: Range, *, is_open: bool) -> bool:
    """Tell whether more of a range is not on disk than its end, if it `is_open`."""
    try:
        return on_disk(portal, selector, span.before(portal.now()), is_open=is_open)[1] != ""
    except HistoryIncompleteError:
        return True


def keeping(portal: Portal, selector: Selector, span: Range, *, offline: bool) -> Callable[[Range], None]:
    """Give what makes sure, of a part of a range that was just read from the store, that nothing of it was removed.

    Another process may clear the store at any moment, and what is gone would look as if nothing was published.

    Parameters
    ----------
    portal, selector, span
        What is to be read.
    offline : bool
        Whether only what is on disk now is meant; else all of the range, which is about to be fetched.

    Returns
    -------
    callable
        It raises `HistoryIncompleteError`. Workers elsewhere can be given it.
    """
    if offline:
        return partial(_check_kept, portal.folder, selector, portal.now(), _held(portal, selector, span).missing)
    return partial(_check_kept, portal.folder, selector, portal.now() - MAX_AGE, [])


def _check_kept(folder: Path, selector: Selector, now: int, before: list[tuple[Selector, Range]], span: Range) -> None:
    for one, gap in Store(folder).held(selector, span, now=now, max_age=None).missing:
        if gap.minus([known for whose, known in before if whose == one]):
            raise HistoryIncompleteError(
                f"{gap} of {one} was removed from the store before it could be read; look what clears it "
                "(isr cache clear), and try again"
            )


def missing(portal: Portal, selector: Selector, span: Range) -> str:
    """Say what of a range is not on disk, to whoever reads a report."""
    return f"Of {selector} this is not on disk: {_gaps(_held(portal, selector, span))}."


def _held(portal: Portal, selector: Selector, span: Range) -> Held:
    """Tell what is there, however old, and what is not."""
    return Store(portal.folder).held(selector, span, now=portal.now(), max_age=None)


def _how(portal: Portal) -> str:
    return f"{OFFLINE}=1" if portal.profile.is_offline else "offline=True"


def _not_on_disk(portal: Portal, selector: Selector, held: Held) -> str:
    return f"{_how(portal)}, and of {selector} this is not on disk: {_gaps(held)}"


def _gaps(held: Held) -> str:
    gaps: dict[Selector, list[Range]] = {}
    for one, window in held.missing:  # a day each
        joined = gaps.setdefault(one, [])
        if joined and joined[-1].end == window.start:
            joined[-1] = Range(joined[-1].start, window.end)
        else:
            joined.append(window)
    # To the second: ends may be of the present, which nobody reads finer.
    found = [str(one.whole(times.SECOND)) for own in gaps.values() for one in own]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _reach(span: Range, held: Held) -> int:
    """Give the instant up to which all of a range is on disk, and after which nothing; its start if there is none."""
    gaps: dict[Selector, list[Range]] = {}
    for one, window in held.missing:
        gaps.setdefault(one, []).append(window)
    for windows in gaps.values():
        if sum(one.end - one.start for one in windows) < span.end - windows[0].start:
            return span.start
    return min(windows[0].start for windows in gaps.values())
