"""What the template makes of a notebook's outputs."""

from __future__ import annotations

import re

import nbformat
import pandas as pd
import pytest

from isr_analysis.report.page import Page

FRAME = pd.DataFrame({
    "count": [1, 1_000], "real": [float("nan"), -1e-9], "few": pd.array([None, 7], "Int64"), "text": ["x", "-3"],
    "flag": [True, False], "at": pd.date_range("2026-11-01", periods=2), "none": [None, None],
}, index=pd.Index([1, 2], name="n"))  # fmt: skip


@pytest.fixture
def page() -> Page:
    """Give a page of an empty notebook."""
    return Page(nbformat.v4.new_notebook())


def test_numbers_of_a_pandas_table_stand_on_the_right(page: Page) -> None:
    """Columns of numbers and their headings do, missing ones among them; texts, flags and instants do not."""
    text = page.aligned(FRAME._repr_html_())
    assert re.findall(r'<th class="number">(.+?)</th>', text) == ["count", "real", "few"]
    found = re.findall(r'<td class="number">(.*?)</td>', text)
    assert found == ["1", "NaN", "&lt;NA&gt;", "1000", "-1.000000e-09", "7"]
    assert re.sub(' class="number"', "", text) == FRAME._repr_html_()


def test_headings_of_several_columns_stay_over_their_first(page: Page) -> None:
    """Of a table with two levels of columns and two of the index, those over one column of numbers go right."""
    table = FRAME.groupby(["text", "flag"]).agg({"count": ["min", "max"], "at": ["min"]})
    text = page.aligned(table._repr_html_())
    assert re.findall(r"<th([^>]*)>(.+?)</th>", text.partition("</thead>")[0]) == [
        (' colspan="2" halign="left"', "count"), ("", "at"), (' class="number"', "min"), (' class="number"', "max"),
        ("", "min"), ("", "text"), ("", "flag"),
    ]  # fmt: skip


@pytest.mark.parametrize("source", [
    FRAME[:0]._repr_html_(), FRAME.style.to_html(), "<p>1</p>", "<table><tr><td>1</td></tr></table>",
    FRAME.assign(text=["<td>1</td><td>2</td>", "x"]).to_html(escape=False),
], ids=["no rows", "styled", "no table", "no table of pandas", "HTML in its cells"])  # fmt: skip
def test_what_is_no_plain_table_of_pandas_is_left_as_it_is(page: Page, source: str) -> None:
    """No rows, a style of its own, HTML within cells: none of it is touched."""
    assert page.aligned(source) == source


@pytest.mark.parametrize(
    ("layout", "title"),
    [
        ({"title": {"text": "a <b>"}}, "a "),
        ({"title": "a"}, "a"),
        ({"title": {"text": None}}, "Figure"),
        ({"title": {"text": "Q1 &amp; Q2<br>· west"}}, "Q1 &amp; Q2 · west"),
        ({"title": {"text": ""}, "meta": {"title": "what it shows"}}, "what it shows"),
        ({"title": {"text": ""}, "meta": "of another program"}, "Figure"),
        (None, "Figure"),
    ],
)
def test_a_figure_of_another_program_is_shown(page: Page, layout: object, title: str) -> None:
    """Its title may be a text alone, and its layout left empty."""
    assert f'aria-label="{title}"' in page.figure({"data": [], "layout": layout})
