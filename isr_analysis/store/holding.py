"""What the fetched spans say of a range: what is there, what is missing, and what may still come. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from isr_analysis import times
from isr_analysis.messages import Selector
from isr_analysis.store import ledger
from isr_analysis.store.ledger import Span
from isr_analysis.times import Range

SETTLE = 10 * times.MINUTE
MAX_AGE = times.MINUTE


@dataclass(frozen=True, slots=True)
class Held:
    """What the store knows of a selector over a range, at one moment.

    Parameters
    ----------
    missing : list of (Selector, Range)
        What must be asked for, a UTC day each.
    provisional_from : int or None
        The first instant, ns, from which messages may still come; None if all is settled.
    fetched_at : int or None
        When the oldest span that the range rests on was fetched, ns; None if there is none.
    """

    missing: list[tuple[Selector, Range]]
    provisional_from: int | None
    fetched_at: int | None


def weigh(
    found: list[Span],
    selector: Selector,
    span: Range,
    *,
    now: int,
    settle: int = SETTLE,
    max_age: int | None = MAX_AGE,
    since: int | None = None,
) -> Held:
    """Tell what is there and what is missing.

    Parameters
    ----------
    found : list of Span
        The fetched spans that say something of the selector.
    selector, span
        What is wanted.
    now : int
        The present instant, ns; nothing after it can be missing.
    settle : int
        A span is settled if it was fetched this long (ns) after its end.
    max_age : int or None
        What is not settled counts while it is younger than this (ns), and so does what was published since the
        last fetch, if that is not longer ago. None: what is not settled counts, however old.
    since : int, optional
        Only what was fetched after this instant (ns) counts.
    """
    if since is not None:
        found = [one for one in found if one.fetched_at > since]
    asked = span.before(now)
    missing: list[tuple[Selector, Range]] = []
    provisional: list[int] = []
    for client in selector.clients or (ledger.ALL,):
        own = [one for one in found if one.client in (ledger.ALL, client)]
        settled = [one.settled(settle) for one in own]
        provisional += [part.start for part in span.minus(settled)]
        there = [
            one.range if max_age is None or now - one.fetched_at < max_age else for_good
            for one, for_good in zip(own, settled, strict=True)
        ]
        gaps = asked.minus(there)
        if gaps and max_age is not None and now - gaps[-1].start < max_age:
            # Asked for up to the present of then, which is not longer ago than that.
            gaps = [gap for gap in gaps if gap is not gaps[-1] or all(held.end != gap.start for held in there)]
        one = Selector(None if client == ledger.ALL else (client,), selector.topic)
        missing += [(one, day) for gap in gaps for day in gap.days()]
    return Held(missing, min(provisional, default=None), min((one.fetched_at for one in found), default=None))
