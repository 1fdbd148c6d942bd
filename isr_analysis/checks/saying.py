"""One message in a few words, the same on the live board, in a terminal and in a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from isr_analysis.checks.kinds import UNITS
from isr_analysis.checks.series import CLIENT, TOPIC, is_nothing
from isr_analysis.messages import DEVICE, IDENTITY
from isr_analysis.surroundings import printable

_WHOSE = {CLIENT, TOPIC, DEVICE, "device_id", "callsign", "username"}
_ALL, _EACH = 6, 40  # fields, and characters of one


def saying(row: Mapping[Any, Any]) -> str:
    """Write what a message says: its value with the unit first, then the other fields, six of them at most.

    What says whose message it is stands beside it already, and is left out.

    >>> saying({"station_controller_device_id": "SC-02", "type": "temp_probe", "chan": 2, "unit": "°C", "value": 35.05})
    '35.05 °C, chan 2'
    >>> saying({"lat": 46.989692, "ok": True})
    'lat 46.989692, ok true'
    """
    held = {str(name): value for name, value in row.items() if not is_nothing(value)}
    hidden = {*_WHOSE, "value"}
    if DEVICE in held:  # of any other device a `type` may be all that it says
        hidden |= {*IDENTITY} - {"chan"}
    words = []
    if "value" in held:
        units = [name for name in UNITS if name in held]
        hidden |= {*units[:1]}
        words.append(" ".join(_short(held[name]) for name in ("value", *units[:1])))
    words += [f"{name} {_short(value)}" for name, value in held.items() if name not in hidden]
    return ", ".join(words[:_ALL]) + (", …" if len(words) > _ALL else "")


def as_published(value: Any) -> str:
    """Write a value as text, lists and objects as the JSON that they came as.

    >>> as_published(["a", None, True, {"ü": 1.5}]), as_published("a")
    ('["a", null, true, {"ü": 1.5}]', 'a')
    """
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return str(value).lower()
    text = f"{value:.8g}" if isinstance(value, float) else as_published(value)
    text = printable(text)
    return text if len(text) <= _EACH else f"{text[: _EACH - 1]}…"
