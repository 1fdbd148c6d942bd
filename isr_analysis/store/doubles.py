"""Which recorded messages the history does not have. Pure.

A message comes over MQTT without a time, so the recorder's time of it and the portal's never agree to the last. The
same message is known by its client, topic and payload, near in time, each counted once. How near follows from those
that cannot be mistaken: a payload that stands once in each of the two tells by how much the two times of its client
differ. So a state that is said again every few seconds is not taken for the one before.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isr_analysis import messages, times
from isr_analysis.times import Range

NEAR = 10 * times.SECOND
"""How far (ns) the recorder's time of a message may be from the portal's."""

_SAME = ["time", "client_id", "topic", "payload"]
_FEW = 3
_STEADY = times.SECOND // 2
_USUAL = times.SECOND

Flags = npt.NDArray[np.bool_]


def alone(history: pa.Table, recorded: pa.Table) -> Flags:
    """Tell of each recorded message whether there is none in the history that is the same; each in order of time.

    Returns
    -------
    array of bool
        One for each recorded message. JSON is the same whatever its spelling: the portal may write it anew. Where none
        of a topic's messages agree, it writes them in a way that is not known here, and the history alone counts up
        to its last one.
    """
    left = np.ones(len(recorded), np.bool_)
    if not len(history) or not len(recorded):
        return left
    ours, theirs = _Columns(recorded), _Columns(history)
    free = np.ones(len(history), np.bool_)
    said, written = ours.payloads, theirs.payloads
    if {*said} - {*written}:
        said, written = ([_plain(one) for one in some] for some in (said, written))
    _pair(ours, theirs, left, free, said, written)
    _mistrust(ours, theirs, left, free)
    return left


def lacking(history: pa.Table, recorded: pa.Table) -> Flags:
    """Tell as `alone` what the history lacks, of what came by stream and by live answer; one of the same in both."""
    streamed = np.array([source == messages.STREAM for source in recorded["source"].to_pylist()], np.bool_)
    left = np.zeros(len(recorded), np.bool_)
    left[streamed] = alone(history, recorded.filter(pa.array(streamed)))
    heard = messages.in_order(pa.concat_tables([history, recorded.filter(pa.array(left))]))
    left[~streamed] = alone(heard, recorded.filter(pa.array(~streamed)))
    return left


def unconfirmed(history: pa.Table, recorded: pa.Table, *, whole: bool) -> Flags:
    """Tell of each recorded message whether the history, which has settled, has none like it within a minute.

    What a broker delivered twice, or a clock told that was some seconds off, is none that the history lacks. That
    nothing of a topic agrees says something of the `whole` of what was heard, and nothing of what is left of that.
    """
    found = _near(history, recorded)
    doubtful = ~found & ~_of_places(recorded, recorded.filter(pa.array(found)))
    if not doubtful.any():
        return ~found
    some = recorded.filter(pa.array(doubtful))
    around, at = history.filter(pa.array(_of_places(history, some))), messages.instants(some)
    there = messages.within(around, Range(int(at.min()), int(at.max()) + 1))
    if len(there):  # of these topics nothing agrees: the portal may spell payloads in its own way
        like = _near(_plainly(around), _plainly(some))
        if whole:
            left = ~like & ~_of_places(some, some.filter(pa.array(like)))
            apart = np.flatnonzero(left)
            _mistrust(_Columns(some), _Columns(there), left, np.ones(len(there), np.bool_))
            like[apart] = ~left[apart]
        found[doubtful] = like
    return ~found


def _plainly(table: pa.Table) -> pa.Table:
    """Spell the payloads of a table in the one way."""
    payloads = pa.array([_plain(one) for one in table["payload"].to_pylist()], table["payload"].type)
    return table.set_column(table.schema.get_field_index("payload"), "payload", payloads)


def _of_places(table: pa.Table, others: pa.Table) -> Flags:
    """Tell of each message whether others are of its client and topic."""
    both = pa.concat_tables([one.select(["client_id", "topic"]) for one in (table, others)])
    mine, theirs = np.split(_numbers(both, "client_id", "topic"), [len(table)])
    return np.isin(mine, theirs)


def _numbers(table: pa.Table, *names: str) -> npt.NDArray[np.int64]:
    """Give each row a number; rows that are the same in these columns have the same."""
    code = np.zeros(len(table), np.int64)
    for name in names:
        found = table[name].dictionary_encode().unify_dictionaries().combine_chunks()
        code = code * max(1, len(found.dictionary)) + found.indices.to_numpy()
    return code


def _near(history: pa.Table, recorded: pa.Table) -> Flags:
    """Tell of each recorded message whether the history has one of its client, topic and payload within a minute."""
    both = pa.concat_tables([history.select(_SAME), recorded.select(_SAME)], promote_options="permissive")
    code, time, many = _numbers(both, *_SAME[1:]), messages.instants(both), len(history)
    found = np.zeros(len(both), np.bool_)
    order = np.lexsort((time, code))
    for turned in (order, order[::-1]):
        at = np.maximum.accumulate(np.where(turned < many, np.arange(len(turned)), -1))
        before = turned[np.maximum(at, 0)]
        apart = np.abs(time[before] - time[turned])
        found[turned] |= (at >= 0) & (code[before] == code[turned]) & (apart <= times.MINUTE)
    return found[many:]


_Place = tuple[str, str]
_Key = tuple[_Place, bytes]
_T = TypeVar("_T")


class _Columns:
    """A table's columns as Python and NumPy have them."""

    def __init__(self, table: pa.Table) -> None:
        self.time = messages.instants(table)
        self.place = list(messages.rows(table, "client_id", "topic"))
        self.payloads: list[bytes] = table["payload"].to_pylist()


def _pair(
    ours: _Columns, theirs: _Columns, left: Flags, free: Flags, said: Iterable[bytes], written: Iterable[bytes]
) -> None:
    """Pair messages of the same client, topic and payload, in order of time."""
    waiting, coming = (_by(zip(one.place, what, strict=True)) for one, what in ((theirs, written), (ours, said)))
    delays = _delays(ours, theirs, coming, waiting)
    for key, mine in coming.items():
        delay, spread = delays.get(key[0][0]) or delays.get(None) or (0, 0)
        # First those that came when they had to; what is left over may have been held up on the way.
        for wide in (4 * spread, 4 * spread + _USUAL):
            found, at = [i for i in waiting.get(key, ()) if free[i]], 0
            for i in mine:
                if not left[i]:
                    continue
                expected = ours.time[i] - delay
                while at < len(found) and theirs.time[found[at]] < expected - wide:
                    at += 1
                if at < len(found) and theirs.time[found[at]] <= expected + wide:
                    left[i] = free[found[at]] = False
                    at += 1


def _by(keys: Iterable[_T]) -> dict[_T, list[int]]:
    """Give the places at which each key stands."""
    found: dict[_T, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return found


def _delays(
    ours: _Columns, theirs: _Columns, coming: dict[_Key, list[int]], waiting: dict[_Key, list[int]]
) -> dict[str | None, tuple[int, int]]:
    """Give by how much the recorded time comes after the history's, and its spread (ns): of clients, and of all.

    Only where it is the same each time: pairs of different messages that look the same have nothing in common.
    """
    seen: dict[str | None, list[int]] = defaultdict(list)
    for key, mine in coming.items():
        there = waiting.get(key, ())
        if len(mine) == len(there) == 1 and abs(by := int(ours.time[mine[0]] - theirs.time[there[0]])) <= NEAR:
            seen[key[0][0]].append(by)
            seen[None].append(by)
    found: dict[str | None, tuple[int, int]] = {}
    for client, delays in seen.items():
        usual = int(np.median(delays))
        spread = int(np.median(np.abs(np.array(delays) - usual)))
        if len(delays) >= _FEW and spread <= _STEADY:
            found[client] = usual, spread
    return found


def _mistrust(ours: _Columns, theirs: _Columns, left: Flags, free: Flags) -> None:
    """Leave out what was recorded of a topic up to the history's last message, if no payload of it ever agrees."""
    written = _by(theirs.place)
    for place, mine in _by(ours.place).items():
        near = [i for i in written.get(place, ()) if theirs.time[i] >= ours.time[mine[0]]]
        if len(near) >= _FEW and len(mine) >= _FEW and free[near].all():
            until = theirs.time[near[-1]] + _USUAL
            for i in mine:
                left[i] = left[i] and ours.time[i] > until


def _plain(payload: bytes) -> bytes:
    """Spell JSON in the one way, and a text without its quotes; anything else as it is."""
    try:
        value = json.loads(payload, parse_int=float)
        return (value if isinstance(value, str) else json.dumps(value, sort_keys=True)).encode()
    except (ValueError, RecursionError, OverflowError):
        return payload
