"""Length: however long a line is, its figure is small and shows what matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from stations import plain, words

from isr_analysis import plots
from isr_analysis.plots.thin import POINTS, thin


@given(st.integers(0, 10_000), st.integers(3, 4000), st.integers(0, 30))
@settings(max_examples=60)
def test_thinning_keeps_extremes_ends_and_gaps(seed, count, holes):
    """However a line is thinned, its ends, its least and greatest value and its gaps are there, and few points."""
    rng = np.random.default_rng(seed)
    pause = np.ones(count, dtype="int64")
    pause[rng.integers(0, count, holes)] = 1000
    time, value = pause.cumsum(), rng.standard_cauchy(count)
    breaks = np.flatnonzero(np.diff(time) >= 1000)
    keep, kept = thin(time, value, breaks, 300)
    assert len(keep) <= 460
    assert (np.diff(keep) > 0).all()
    assert {0, count - 1, int(value.argmin()), int(value.argmax())} <= {*keep.tolist()}
    assert np.isin(keep[kept], breaks).all()
    assert (keep[kept + 1] == keep[kept] + 1).all()
    if len(breaks) <= 300 // 8:
        assert len(kept) == len(breaks)


def test_every_night_of_a_season_is_a_gap():
    """However few points a line may have, it is not drawn across what is wide enough to be seen."""
    day = np.arange(0, 12 * 3600, 60)
    time = (np.arange(100)[:, None] * 86_400 + day).ravel()
    breaks = np.flatnonzero(np.diff(time) > 60)
    keep, kept = thin(time, np.random.default_rng(1).normal(0, 1, len(time)), breaks, 300)
    assert keep[kept].tolist() == breaks.tolist()
    assert len(keep) <= 4 * 100 + 2


def test_of_equal_gaps_those_that_break_the_line_lie_everywhere():
    """A year of failures of the same length does not look whole in spring and broken in winter; a long one is kept."""
    time = (np.arange(8000)[:, None] * 3600 + np.arange(1200, 3600, 60)).ravel()
    time[160_000:] += 60
    breaks = np.flatnonzero(np.diff(time) > 60)
    keep, kept = thin(time, np.sin(time / 1e6), breaks, 12_000)
    assert len(kept) == 1500
    assert 160_000 - 1 in keep[kept]
    assert np.diff(keep[kept]).max() <= 6 * 40


def test_a_long_line_is_thinned_and_says_so():
    """Half a million points: a small figure with the true extremes that tells of the thinning."""
    index = pd.date_range("2026-11-01", periods=500_000, freq="1s", tz="UTC")
    value = np.random.default_rng(1).normal(0, 1, 500_000)
    value[123_456], value[345_678] = 99.0, -99.0
    figure = plots.timeseries(plain(value, index))
    assert len(figure.data[0].y) <= POINTS
    assert (np.nanmin(figure.data[0].y), np.nanmax(figure.data[0].y)) == (-99.0, 99.0)
    assert "thinned" in figure.layout.title.subtitle.text
    assert "thinned" not in words(plots.timeseries(plain(value[:500], index)))
    assert len(figure.to_json()) < 1_000_000


def test_a_thousand_long_lines_stay_a_small_figure():
    """A thousand channels of a thousand points: few lines, a note that says so, below a megabyte."""
    index = pd.date_range("2026-11-01", periods=1000, freq="1min", tz="UTC")
    frame = pd.DataFrame(
        {"chan": np.repeat(np.arange(1000), 1000), "value": np.random.default_rng(1).normal(0, 1, 1_000_000)},
        index=pd.DatetimeIndex(np.tile(index, 1000)),
    )
    figure = plots.timeseries(frame, "value", by="chan")
    assert "of 1,000 lines" in figure.layout.title.subtitle.text
    assert len(figure.to_json()) < 1_000_000
