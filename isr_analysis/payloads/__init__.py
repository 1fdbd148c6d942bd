"""Payloads, decoded: messages in, the values of their fields out. Pure: no client, clock or disk.

`decode` gives a table that may be kept, sliced and put together with others (`concat`); `resolve` gives what is left
of it as one column a field. So the same messages give the same columns, whichever way they went.
"""

from __future__ import annotations

from isr_analysis.payloads.columns import EXTRA, concat
from isr_analysis.payloads.decoder import DECODER_VERSION, decode
from isr_analysis.payloads.fields import Column, resolve
from isr_analysis.payloads.message import FIXED

__all__ = ["DECODER_VERSION", "EXTRA", "FIXED", "Column", "concat", "decode", "resolve"]
