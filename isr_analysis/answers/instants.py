"""Instants of every usual form, exact to the nanosecond: ISO 8601, numbers since 1970, RFC 2822, days with dots."""

from __future__ import annotations

import calendar
import datetime as dt
import email.utils
import re
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis import times
from isr_analysis.answers import columns, raw
from isr_analysis.answers.shape import unit_of
from isr_analysis.errors import AnswerError
from isr_analysis.times import SECOND

NS = {"s": SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}

_ISO = re.compile(
    r"(?P<year>\d{4})(?P<dash>[-/.]?)(?P<month>\d{2})(?P=dash)(?P<day>\d{2})"
    r"(?:[Tt _]+(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"\s*(?:(?P<zone>Z|z|UTC|GMT|(?P<sign>[+\-\u2212])(?P<hours>\d{2})(?::?(?P<minutes>\d{2}))?"
    r"(?: (?:[A-Z]{2,5}|[+-]\d{2,4})|(?<=[+]00:00)Z)?)(?:\[[^\]]*\])?)?"
)
"""A Z behind +00:00 is what programs append to an instant that names its zone already."""

_DOTTED = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d\d)(?P<rest>$|(?:,? +|T)\d.*)")
"""As much of Europe writes days, and never the month before them."""

_DATE = re.compile(r"/Date\((?P<ms>-?\d+)(?:[+-]\d{4})?\)/")
"""As ASP.NET writes instants: the offset behind milliseconds of UTC says where they were, and moves nothing."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")
_LIST = re.compile(rb"\[\s*([12]\d{3})" + rb"\s*,\s*(\d\d?)" * 4 + rb"(?:\s*,\s*(\d\d?)(?:\s*,\s*(\d{1,9}))?)?\s*\]")
_WHOLE = re.compile(r"-?\d+")
_DIGITS = re.compile(r"^((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d)([0-2]\d)([0-5]\d)([0-6]\d)(\d{3})?$")
"""A date and a time without anything between: as a number since 1970, of whichever unit, it is beyond 2262."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ZONES = ("UT", "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT")
"""The names of zones that dates of mails have, by RFC 2822."""

_ZONE_OF_MAIL = re.compile(rf"\b(?:{'|'.join(_ZONES)})\b|[+-]\d{{4}}")
_EPOCH = re.compile(r"\d{10}(?:\.\d+)?|\d{13}(?:\.\d+)?|\d{16}|\d{19}")
_YEARS = (times.instant("2015-01-01"), times.instant("2100-01-01"))
_SHORT = {"secs": "seconds", "nanos": "nanoseconds"}
_MAGNITUDES = (("s", 10**11), ("ms", 10**14), ("us", 10**17))
_INT64 = 2**63
EARLY = 10**8
"""An instant in 1973, s: numbers before it are hardly instants of messages."""


def to_ns(column: pa.ChunkedArray, name: str, form: str | None = None, zone: str | None = None) -> pa.ChunkedArray:
    """Turn a column of instants into nanoseconds since 1970-01-01 UTC.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Text or JSON texts.
    name : str
        The column's name; it may state the unit of its numbers.
    form : {"iso", "s", "ms", "us", "ns"}, optional
        The form, where it is known. A number's unit is otherwise that of the name, else that of its magnitude: up to
        10¹¹ seconds, 10¹⁴ milliseconds, 10¹⁷ microseconds, else nanoseconds.
    zone : str, optional
        The zone of texts that name none, such as ``"Europe/Zurich"``; else UTC. Of the hour that a clock shows twice
        it is the first.

    Returns
    -------
    pyarrow.ChunkedArray
        int64; null where there is none.

    Raises
    ------
    AnswerError
        A value is no instant; the message names its row.
    """
    text = columns.said(columns.texts(column, name))
    may_be_digits = form in (None, "iso") and not unit_of(name) and _DIGITS.match(columns.sample_text(text))
    if may_be_digits and pc.all(pc.match_substring_regex(text, _DIGITS.pattern)).as_py():
        text = pc.replace_substring_regex(text, _DIGITS.pattern, r"\1-\2-\3T\4:\5:\6.\70")
    kinds = (pa.timestamp("ns", "UTC"), pa.timestamp("ns"))
    for kind in () if _WHOLE.fullmatch(columns.sample_text(text)) else kinds:  # of numbers each would be tried in vain
        try:
            return _in_zone(text.cast(kind), zone).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
    if pc.all(pc.match_substring_regex(text, f"^{_WHOLE.pattern}$")).as_py() and form != "iso":
        try:
            numbers = text.cast(pa.int64())
            least, largest = pc.min_max(pc.abs_checked(numbers)).as_py().values()
            unit = _unit(name, form, largest)
            if form is None and unit_of(name) is None and _is_of_coarser(least, unit):
                raise AnswerError(f"the time field {name!r} holds numbers of several units, as {least} and {largest}")
            return pc.multiply_checked(numbers, NS[unit])
        except pa.ArrowInvalid as exc:
            raise AnswerError(f"the time field {name!r} holds a number out of range: {exc}") from exc
    return _one_by_one(text, name, form, zone)


def _is_of_coarser(number: int | None, unit: str) -> bool:
    """Tell whether a number is an instant of these years in a coarser unit, and one of 1970 in its own."""
    coarser = (ns for ns in NS.values() if ns > NS[unit])
    return number is not None and any(_YEARS[0] <= number * one < _YEARS[1] for one in coarser)


def completed(time: pa.ChunkedArray, column: pa.ChunkedArray, unit: str) -> pa.ChunkedArray | None:
    """Add the parts of a second to instants that lack them, or some of them; None if a column does not hold these."""
    parts = columns.texts(column, "")
    if (
        time.null_count
        or parts.null_count == len(parts)
        or not pc.all(pc.match_substring_regex(parts, r"^\d{1,9}$")).as_py()
    ):
        return None
    within = pc.fill_null(parts, "0").cast(pa.int64()).to_numpy() * NS[unit]
    whole = time.to_numpy()
    there = whole % SECOND
    cut = (there == 0) | np.logical_or.reduce([there == within // one * one for one in NS.values()])
    if within.max() >= SECOND or not cut.all():
        return None
    return pa.chunked_array([pa.array(whole - there + within)])


def _in_zone(times: pa.ChunkedArray, zone: str | None) -> pa.ChunkedArray:
    if zone is None or times.type.tz is not None:
        return times
    return pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="latest")


def is_instant(value: str) -> bool:
    """Tell whether a text looks like an instant; a number only where it is not one of the first days of 1970."""
    if _NUMBER.fullmatch(value):
        return abs(float(value)) > EARLY
    try:
        return _parse(value) is not None
    except (ValueError, ArithmeticError):
        return False


def instant_of(value: str) -> int | None:
    """Give the instant that a text is, a number since 1970 too, ns; None if it is none between 1678 and 2262."""
    try:
        return int(to_ns(columns.text([value]), "")[0].as_py()) if is_instant(value) else None
    except AnswerError:
        return None


def are_ages(column: pa.ChunkedArray, name: str) -> bool:
    """Tell whether a column holds numbers too small to be instants, of which not all are 0: seconds ago, perhaps."""
    text = columns.said(columns.texts(column, name)).drop_null()
    if not len(text) or not pc.all(pc.match_substring_regex(text, r"^\d{1,9}(?:\.\d*)?$")).as_py():
        return False
    return bool(0 < pc.max(text.cast(pa.float64())).as_py() < EARLY)


def is_date(value: str | bytes | None) -> bool:
    """Tell whether a text, or the JSON text of one, is an instant that is no number."""
    if isinstance(value, bytes):
        value = raw.text(value) if raw.kind(value) == '"' else None
    return value is not None and not _NUMBER.fullmatch(value.strip()) and is_instant(value.strip())


def is_of_these_years(value: str | bytes | None) -> bool:
    """Tell whether a text, or a JSON text, is a date or a number since 1970 that is hardly anything but an instant."""
    text = value.decode("utf-8", "replace").strip('"') if isinstance(value, bytes) else value or ""
    at = instant_of(text.strip()) if is_date(value) or _EPOCH.fullmatch(text.strip()) else None
    return at is not None and _YEARS[0] <= at < _YEARS[1]


def of_object(value: bytes) -> bytes | None:
    """Give the instant of MongoDB's ``$date``, of seconds and nanoseconds, or of Java's list, as a JSON text, or None.

    The list is of year, month, day, hour and minute, and of second and nanosecond where these are not 0; of no zone.
    """
    if raw.kind(value) == "[":
        return _of_list(value)
    inner = raw.fields(value)
    if set(inner) == {"$date"}:
        date = inner["$date"]
        date = raw.members(date).get("$numberLong", b"").strip(b'"') if raw.kind(date) == "{" else date
        return date if raw.kind(date) in ('"', "0") else None
    inner = {re.sub("^_|_since_epoch$", "", name): one.strip(b'"') for name, one in inner.items()}
    inner = {_SHORT.get(name, name): one for name, one in inner.items()}
    nanos = next((inner[one] for one in ("nanos", "nanoseconds") if one in inner), b"0")
    if len(inner) > 2 or not inner.get("seconds", b"").isdigit() or not nanos.isdigit():  # noqa: PLR2004
        return None
    return b'"%s"' % times.iso(int(inner["seconds"]) * SECOND + int(nanos)).encode()


def _of_list(value: bytes) -> bytes | None:
    found = _LIST.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute, second, ns = (int(one or 0) for one in found.groups())
    return b'"%04d-%02d-%02dT%02d:%02d:%02d.%09d"' % (year, month, day, hour, minute, second, ns)


def is_zoneless(column: pa.ChunkedArray) -> bool:
    """Tell whether a column holds texts of a clock that name no zone."""
    value = columns.sample(column)
    text = value if isinstance(value, str) else (value or b"").strip(b'"').decode("utf-8", "replace")
    found = _ISO.fullmatch(_dashed(text.strip()))
    if found is None and _DIGITS.match(text.strip()):
        return True
    if found is None:
        return _of_mail(text.strip()) is not None and not _ZONE_OF_MAIL.search(text)
    return found["hour"] is not None and found["zone"] is None


def _one_by_one(text: pa.ChunkedArray, name: str, form: str | None, zone: str | None) -> pa.ChunkedArray:
    encoded = pc.dictionary_encode(text).combine_chunks()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
    values = encoded.dictionary.to_pylist()
    numbers = [abs(Decimal(one)) for one in values if _NUMBER.fullmatch(one.strip())]
    unit = NS[_unit(name, form, max(numbers, default=Decimal(0)))]
    found = []
    for one in values:
        try:
            number = form != "iso" and _NUMBER.fullmatch(one.strip())
            ns = int(Decimal(one) * unit) if number else _parse(one.strip(), zone)
        except (ValueError, ArithmeticError):
            ns = None
        if ns is None or not -_INT64 <= ns < _INT64:
            row = pc.index(text, one).as_py() + 1
            raise AnswerError(
                f"row {row}: the time field {name!r} holds {one[:60]!r}, which is no instant between 1678 and 2262"
            )
        found.append(ns)
    return pa.chunked_array([pa.array(found, pa.int64()).take(encoded.indices)])


def _unit(name: str, form: str | None, largest: int | Decimal) -> str:
    if form is not None and form in NS:
        return form
    return unit_of(name) or next((unit for unit, limit in _MAGNITUDES if largest < limit), "ns")


def _parse(text: str, zone: str | None = None) -> int | None:
    """Read ISO 8601, as Go writes it too, RFC 2822 or ASP.NET's dates; `zone` is that of a text that names none."""
    if date := _DATE.fullmatch(text):
        return int(date["ms"]) * NS["ms"]
    found = _ISO.fullmatch(_dashed(text))
    if found is None:
        parts = _of_mail(text)
        if parts is None:
            return None
        seconds = calendar.timegm((*parts[:6], 0, 1, 0))
        return (seconds - parts[9] if _ZONE_OF_MAIL.search(text) else _utc(seconds, zone)) * SECOND
    part = {
        name: int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second", "hours", "minutes")
    }
    leap = part["second"] == 60  # noqa: PLR2004 (it is the first instant of the next minute)
    midnight = part["hour"] == 24 and not part["minute"] and not part["second"]  # noqa: PLR2004
    day = dt.date(part["year"], part["month"], part["day"])
    dt.time(0 if midnight else part["hour"], part["minute"], 59 if leap else part["second"])
    seconds = (day.toordinal() - 719_163) * 86_400 + part["hour"] * 3600 + part["minute"] * 60 + part["second"]
    shift = (part["hours"] * 3600 + part["minutes"] * 60) * (1 if found["sign"] == "+" else -1 if found["sign"] else 0)
    utc = seconds - shift if found["zone"] else _utc(seconds, zone)
    return utc * SECOND + int((found["fraction"] or "0").ljust(9, "0")[:9])


def _dashed(text: str) -> str:
    """Give a text that begins with a day in dots as ISO 8601 has it, another as it is."""
    found = _DOTTED.fullmatch(text)
    return f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}{found['rest'].lstrip(',')}" if found else text


def _of_mail(text: str) -> tuple[int, ...] | None:
    """Read a date of mails, of HTTP, of C or of JavaScript; None if it has a word that is no day, month or known zone.

    Such a word, as AM or CET, may move the instant.
    """
    text = re.sub(r"\s*\([^)]*\)$", "", text)
    text = re.sub(r"\b(?:GMT|UTC)(?=[+-]\d{4}\b)", "", text)
    words = re.findall(r"[A-Za-z]+", text)
    if ":" not in text or not any(word[:3].lower() in _MONTHS for word in words):
        return None
    if any(word[:3].lower() not in (*_MONTHS, *_WEEKDAYS) and word not in _ZONES for word in words):
        return None
    parts = email.utils.parsedate_tz(text)
    if parts is not None:
        dt.datetime(*parts[:6])  # noqa: DTZ001 (only whether there is such a day)
    return None if parts is None else (*parts[:9], parts[9] or 0)


def _utc(seconds: int, zone: str | None) -> int:
    """Give the UTC of a clock's seconds since 1970 in a zone."""
    if zone is None:
        return seconds
    clock = pa.chunked_array([pa.array([seconds], pa.timestamp("s"))])
    return int(_in_zone(clock, zone).cast(pa.int64())[0].as_py())
