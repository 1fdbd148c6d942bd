"""Profile and distribution: what is usual."""

from __future__ import annotations

import pandas as pd
import pytest
from stations import fleet, hours, plain, words

from isr_analysis import plots
from isr_analysis.errors import UsageError


def test_a_profile_is_the_median_of_each_local_hour():
    """Hour of the day in the zone of the frame, also across a change of the clocks."""
    index = pd.date_range("2026-10-20", "2026-10-30", freq="1h", tz="Europe/Zurich", name="time", inclusive="left")
    figure = plots.profile(pd.DataFrame({"value": index.hour * 1.0}, index=index))
    assert figure.data[-1].y.tolist() == [*range(24), 0]
    assert "Europe/Zurich" in figure.layout.xaxis.title.text
    with pytest.raises(UsageError, match="year"):
        plots.profile(plain([1.0]), over="year")


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Asia/Kathmandu", "UTC"])
def test_a_profile_says_on_how_many_days_its_hours_rest(zone):
    """One day of the zone is one day, although it is two of UTC; and so is one from noon to noon."""
    for begin in ("2026-11-01", "2026-11-01 12:00"):
        assert "over 1 day;" in words(plots.profile(hours(begin, zone, count=24)))
        assert "over 2 days;" in words(plots.profile(hours(begin, zone, count=48)))


def test_a_distribution_adds_up():
    """The shares of each line's classes add up to 100 %."""
    figure = plots.distribution(fleet("a-1", "b-2").query("topic == 'telemetry/watt_meter'"), "value")
    assert len(figure.data) == 4
    for trace in figure.data:
        assert trace.y[1::2][:-1].sum() == pytest.approx(100)


def test_a_profile_of_levels_says_what_its_share_is_of():
    """A relay is on or off; what has more levels is above 0 or not."""
    for level, said in ((1, "on"), (3, "above 0")):
        index = pd.date_range("2026-11-01", periods=48, freq="1h", tz="UTC", name="time")
        frame = pd.DataFrame({"topic": "state/mode", "mode": [0, level] * 24}, index=index)
        assert plots.profile(frame, "mode").layout.yaxis.title.text == f"mode, % of messages {said}"
