"""How a report writes values, names and tables."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isr_analysis.checks.kinds import decimals
from isr_analysis.report import markup

DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, DASH), (float("nan"), DASH), (pd.NaT, DASH), (pd.NA, DASH), ("", DASH), (True, "yes"),
        (1234567, "1,234,567"), (0.000012345, "1.234e-05"), (3.14159, "3.142"), (98765.4, "98,765"), (-2.0, "-2"),
        (9999.97, "10,000"),
        (float("inf"), "∞"), (pd.Timedelta("3h 20min"), "3 h 20 min"),
        (pd.Timestamp("2026-11-01T06:07:08.9Z"), "2026-11-01 06:07:08"),
    ],
)  # fmt: skip
def test_values_are_written_for_readers(value: object, words: str) -> None:
    """Thousands in groups, four digits, instants to the second, a dash for nothing."""
    assert markup.written(value) == words


@given(st.text(max_size=30))
def test_whatever_is_published_is_escaped(text: str) -> None:
    """A topic, a label or a value from outside can hold HTML, and none of it becomes any."""
    made = markup.table(pd.DataFrame({"<b>": [text]}), caption=text).source
    made += markup.tiles({text: text}).source + markup.bullets([text]).source + markup.facts({text: text}).source
    assert not re.search(r"<(?!/?(?:div|table|caption|thead|tbody|tr|th|td|dl|dt|dd|ul|li)\b)", made)


def test_listed() -> None:
    """Names in a row, with and beyond the most that are shown."""
    assert [markup.listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert markup.listed("abcdefgh", 2) == "a, b and 6 more"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([36.0, 124.3, 0.7], ["36.0", "124.3", "0.7", "53.67"]),
        ([9999.97, -9999.97], ["10,000", "-10,000", "0.00"]),
        ([0, 3, 0, 1], ["0", "3", "0", "1", "1.00"]),
        ([0, 1, 0], ["0", "1", "0", "0.33"]),
        ([302_369, 604_709], ["302,369", "604,709", "453,539"]),
        ([1e-12 / 3, 2e-12], ["3.333e-13", "2e-12", "1.167e-12"]),
        ([0.000001, 100_000.0], ["0.000001", "100,000", "50,000"]),
        ([-0.01, 0.01], ["-0.01", "0.01", "0.00"]),
        ([1e15, 3e15], ["1e+15", "3e+15", "2e+15"]),
    ],
)
def test_readings_keep_the_decimals_that_they_were_published_with(values: list[float], words: list[str]) -> None:
    """Values and their mean: no digit is invented, none is lost among the first four, none is silly."""
    array = np.array(values, dtype=float)
    places = decimals(array)
    told = [*(markup.reading(one, places) for one in array), markup.reading(array.mean(), places, mean=True)]
    assert told == words


def test_a_column_of_words_has_the_room_that_it_needs() -> None:
    """Short ones stay on a line, sentences get a line's length, and a name without a space may be broken anywhere."""
    rows = pd.DataFrame({
        "finding": ["value stuck", "device silent"],
        "detail": ["no message for 19 h 19 min, usually one every 5 min", "short"],
        "label": ["New sensor in the barn", ""],
        "client": ["a" * 80, "b"],
    })  # fmt: skip
    source = markup.table(rows).source
    assert '<td class="short">value stuck</td><td class="words">no message' in source
    assert '<td class="words">short</td>' in source
    assert "<td>New sensor in the barn</td>" in source
    assert f'<td class="long">{"a" * 80}</td>' in source
