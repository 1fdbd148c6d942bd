"""Permanent changes: the type of a field, its unit, the fields of a payload, the id of a device."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from isr_analysis.checks.kinds import is_event, is_number, is_unit
from isr_analysis.checks.rhythm import Rhythm
from isr_analysis.checks.series import CLIENT, TOPIC, Flags, Ints, Series, by_type, is_text
from isr_analysis.checks.tables import Row
from isr_analysis.messages import DEVICE, IDENTITY
from isr_analysis.times import HOUR, MINUTE, Range

_TURNS = 6
_STEADY = 5
_NEARBY = 20
_ALIKE = 0.75
_PROOF = (DEVICE, "callsign")

_Portrait = tuple[set[str], set[str], float]
"""What a client is known by: its topics with their fields, what proves its identity, its fastest interval (ns)."""


def types_changed(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find fields whose values turn from one type to another; a field that alternates is one finding."""
    rows = []
    for name in series.frame.columns:
        column = series.frame[name]
        if name in {CLIENT, TOPIC} or not pd.api.types.is_object_dtype(column.dtype):
            continue
        kinds = np.array(by_type(column, _name), dtype="object")
        kinds[column.isna()] = ""
        kinds = kinds[series.order]
        for number, one in enumerate(found):
            part = kinds[series.part(number)]
            some = np.flatnonzero(part != "")
            part = part[some]
            turns = np.flatnonzero(part[1:] != part[:-1]) + 1
            if not len(turns):
                continue
            head = {"kind": "type changed", **one.which, "field": name}
            time = one.time[some]
            if len(turns) > _TURNS:
                words = f"{name} switches between {' and '.join(sorted({*part}))}"
                rows.append(head | {"start": int(time[turns[0]]), "end": int(time[turns[-1]]), "count": len(turns),
                                    "detail": words})  # fmt: skip
                continue
            for begin, end in zip(turns, [*turns[1:], len(part)], strict=True):
                words = f"{name}: {part[begin - 1]} → {part[begin]}"
                rows.append(head | {"start": int(time[begin]), "end": int(time[end - 1]), "count": int(end - begin),
                                    "detail": words})  # fmt: skip
    return rows


def _name(kind: type) -> str:
    names = {bool: "flag", np.bool_: "flag", str: "text", list: "list", tuple: "list", dict: "object", bytes: "bytes"}
    return next((name for one, name in names.items() if issubclass(kind, one)), "number")


def units_changed(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find units that turn into others and stay so; those that alternate are of several measurements."""
    rows = []
    for name in series.frame.columns:
        column = series.frame[name]
        if not is_unit(name) or is_number(column):
            continue
        code, units = pd.factorize(column.astype("object").where(np.array(by_type(column, is_text), bool)))
        code = code[series.order]
        for number, one in enumerate(found):
            part = code[series.part(number)]
            some = np.flatnonzero(part >= 0)
            part, time = part[some], one.time[some]
            edges = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1), len(part)]
            if len(edges) - 2 > _TURNS or np.diff(edges).min() < _STEADY:
                continue
            rows += [
                {"kind": "unit changed", **one.which, "field": name, "start": int(time[begin]),
                 "end": int(time[end - 1]), "count": int(end - begin),
                 "detail": f"{name}: {units[part[begin - 1]]} → {units[part[begin]]}"}
                for begin, end in itertools.pairwise(edges[1:])
            ]  # fmt: skip
    return rows


def fields_changed(series: Series, found: list[Rhythm]) -> list[Row]:
    """Find fields that are missing for a span, where before or after it they were always there."""
    missing: dict[tuple[int, int, int], list[str]] = {}
    begins = series.bounds[:-1]
    for name in series.frame.columns:
        if name in {CLIENT, TOPIC, *IDENTITY}:
            continue
        there = series.frame[name].notna().to_numpy(bool)
        if there.all() or not there.any():
            continue
        there = there[series.order]
        count = np.add.reduceat(there.astype(np.int64), begins)
        for number in np.flatnonzero((count > 0) & (count < np.diff(series.bounds))).tolist():
            if is_event(found[number].topic):
                continue
            for begin, end in _absences(there[series.part(number)]):
                missing.setdefault((number, begin, end), []).append(name)
    rows = []
    for (number, begin, end), names in missing.items():
        one = found[number]
        begun, ended = begin > 0, end < len(one.time)
        when = "for a while" if begun and ended else "from then on" if begun else "until then"
        at = one.time[begin] if begun else one.time[min(end, len(one.time) - 1)]
        until = one.time[end - 1] if begun else at
        rows.append({
            "kind": "fields changed", **one.which, "field": ", ".join(names), "start": int(at), "end": int(until),
            "count": end - begin, "detail": f"{', '.join(names[:8])} missing {when}",
        })  # fmt: skip
    return rows


def _absences(there: Flags) -> list[tuple[int, int]]:
    """Give the spans in which a field is missing, if it comes and goes for good rather than now and then."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(there)) + 1, [len(there)]])
    if len(edges) - 1 > _TURNS or np.diff(edges).min() < _STEADY:
        return []
    return [(int(edges[at]), int(edges[at + 1])) for at in range(len(edges) - 1) if not there[edges[at]]]


def renamed(frame: pd.DataFrame, series: Series, found: list[Rhythm], span: Range | None) -> list[Row]:
    """Find clients that go on where another one fell silent for good.

    They publish the same fields on the same topics at the same pace. The same Station Controller or callsign makes up
    for a longer pause between them.
    """
    if span is None or CLIENT not in frame.columns:
        return []
    own: dict[str, list[int]] = {}
    for number, one in enumerate(found):
        own.setdefault(one.client, []).append(number)
    first = {client: min(int(found[n].time[0]) for n in numbers) for client, numbers in own.items()}
    last = {client: max(int(found[n].time[-1]) for n in numbers) for client, numbers in own.items()}
    limit = {client: max((found[n].limit for n in numbers), default=0) for client, numbers in own.items()}
    gone = [c for c in own if limit[c] and span.end - last[c] > limit[c]]
    fresh = [c for c in own if limit[c] and first[c] - span.start > limit[c]]
    told = _portraits(series, found, {client: own[client] for client in {*gone, *fresh}})
    rows: list[Row] = []
    former: set[str] = set()
    for new in sorted(fresh, key=lambda client: first[client]):
        near = [
            (first[new] - last[old], old) for old in gone
            if old != new and old not in former and first[new] - last[old] > 0
            and _alike(told[old], told[new], first[new] - last[old])
        ]  # fmt: skip
        if near:
            old = min(near)[1]
            former.add(old)
            words = f"continues where {old} fell silent, with the same topics and fields"
            rows.append({"kind": "device renamed", CLIENT: new, "former": old, "start": last[old], "end": first[new],
                         "detail": words})  # fmt: skip
    return rows


def _portraits(series: Series, found: list[Rhythm], own: dict[str, list[int]]) -> dict[str, _Portrait]:
    """Give what each client is known by, from the first and the last message of each of its series."""
    rows: list[Ints] = [series.rows(number)[[0, -1]] for numbers in own.values() for number in numbers]
    sample = series.frame.iloc[np.concatenate([*rows, np.zeros(0, dtype=np.int64)])]
    topics = (sample[TOPIC].astype("str") if TOPIC in sample.columns else pd.Series("", sample.index)).to_numpy()
    there = {name: sample[name].notna().to_numpy() for name in sample.columns if name not in {CLIENT, TOPIC}}
    values = {name: sample[name].to_numpy() for name in _PROOF if name in sample.columns}
    made, end = {}, 0
    for client, numbers in own.items():
        part = slice(end, end := end + 2 * len(numbers))
        fields = {f"{topic}|{name}" for name, has in there.items() for topic in set(topics[part][has[part]])}
        proof = {f"{name}|{value}" for name, held in values.items() for value in held[part][there[name][part]]}
        interval = min(float(found[number].pace.interval.min()) for number in numbers if found[number].regular)
        made[client] = fields, proof, interval
    return made


def _alike(old: _Portrait, new: _Portrait, pause: int) -> bool:
    if old[1] and new[1]:
        return bool(old[1] & new[1]) and pause <= 24 * HOUR
    shared = len(old[0] & new[0]) / max(1, len(old[0] | new[0]))
    same_pace = max(old[2], new[2]) <= 1.5 * min(old[2], new[2])
    return shared >= _ALIKE and same_pace and pause <= max(_NEARBY * new[2], 30 * MINUTE)
