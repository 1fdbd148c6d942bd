"""Answers that are cut series by series: a limit of the portal's on each client and topic, as databases of series have.

Such an answer does not look cut: other series go on to the end of the range. A cut is suspected where several series
are equally long, or the longest has a round number of messages, and proven by asking for what the longest one lacks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import Page
from isr_analysis.portal.habits import Series
from isr_analysis.times import Range

_FEWEST = 10
_MOSTLY = 0.95
_PROOFS = 2
"""How often a length is looked at: once, a series may have ended just at the limit."""


def is_cut(page: Page, span: Range, ask: Callable[[Range], Page], known: Series) -> bool:
    """Tell whether an answer lacks messages of a series, and note what was found.

    The longest series is asked for again at either end of the range, unless it is regular and no longer silent there
    than between two of its messages.
    """
    if page.fragments or len(page.messages) < _FEWEST:
        return False
    lengths = page.messages.group_by(["client_id", "topic"]).aggregate([([], "count_all")])
    most = pc.max(lengths["count_all"]).as_py()
    if known.limit is not None:
        return bool(most >= known.limit)
    alike = pc.sum(pc.equal(lengths["count_all"], most)).as_py()
    round_number = most % 10 == 0 or most.bit_count() == 1
    trusted = any(length >= most and (length > most or proofs >= _PROOFS) for length, proofs in known.whole.items())
    if most < _FEWEST or trusted or len(lengths) == 1 or not (round_number or alike > 1):
        return False
    longest = lengths.slice(pc.index(lengths["count_all"], most).as_py(), 1)
    at = np.sort(_of(page.messages, longest))
    first, last = int(at[0]), int(at[-1])
    pace = 1.5 * float(np.median(np.diff(at)))
    regular = (np.diff(at) <= pace).mean() > _MOSTLY  # then nothing is missing where it is silent for no longer
    for start, end, silence in ((last, span.end, span.end - last), (span.start, first + 1, first - span.start)):
        if silence <= (pace if regular else 0):
            continue
        part = Range(start, end)
        found = _of(ask(part).messages, longest)
        if part.holds(found).sum() > part.holds(at).sum():
            known.limit = most
            return True
    known.whole[most] += 1
    return False


def _of(table: pa.Table, series: pa.Table) -> npt.NDArray[np.int64]:
    """Give the instants of a series."""
    same = [pc.equal(table[name], series[name][0]) for name in ("client_id", "topic")]
    at: npt.NDArray[np.int64] = table.filter(pc.and_(*same))["time"].cast("int64").to_numpy()
    return at
