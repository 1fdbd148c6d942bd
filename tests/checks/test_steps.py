"""What the grid makes of the messages of a step: means, also of directions, increases, and what is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ticks import joined, minutes, ticks

from isr_analysis.checks import wide
from isr_analysis.errors import UsageError


def test_a_counter_gives_by_how_much_it_rose():
    """All that it counted is in the steps, a new start from zero too, and nothing twice that came again."""
    index = pd.date_range("2026-11-01", periods=9, freq="20s", tz="UTC", name="time")
    frame = pd.DataFrame({"wh": [100, 110, 100, 120, 150, 7, 9, 30, 31], "chan": 1}, index=index)
    grid = wide(frame.drop(index[3:6]), "wh", every="1min", counter=True)
    assert grid["chan 1"].tolist() == pytest.approx([10, np.nan, 9 + 21 + 1], nan_ok=True)
    assert wide(frame, "wh", every="1min", counter=True)["chan 1"].tolist() == [10, 10 + 30 + 7, 2 + 21 + 1]
    below = frame.assign(wh=np.arange(-5, 4))  # a meter of what was fed in less what was drawn
    assert wide(below, "wh", every="1min", counter=True)["chan 1"].tolist() == [2, 3, 3]
    assert wide(below, "wh", every="1min", counter=True, start=index[3], end=index[6])["chan 1"].tolist() == [3]
    assert wide(frame.iloc[:1], "wh", counter=True)["chan 1"].isna().all()
    with pytest.raises(UsageError, match="needs numbers, but there are none in 'wh'"):
        wide(frame.assign(wh="full"), "wh", counter=True)


def test_the_least_and_greatest_of_each_step():
    """Of measurements, whichever kind of number they are; what is held is held, and a gap stays one."""
    index = pd.date_range("2026-11-01", periods=6, freq="20s", tz="UTC", name="time").delete(3)
    frame = pd.DataFrame({"volts": pd.array([12, 11, None, 14, 13], "Int64"), "on": [True, False] * 2 + [True]}, index)
    frame = frame.set_axis([*index[:3], *(index[3:] + pd.Timedelta("2min"))], axis=0).rename_axis("time")
    given = {how: wide(frame, "volts", how=how)["value"].tolist() for how in ("min", "mean", "max")}
    assert given["min"] == pytest.approx([11, np.nan, np.nan, 13], nan_ok=True)
    assert given["mean"] == pytest.approx([11.5, np.nan, np.nan, 13.5], nan_ok=True)
    assert given["max"] == pytest.approx([12, np.nan, np.nan, 14], nan_ok=True)
    assert wide(frame.iloc[::-1], "volts", how="max")["value"].tolist()[0] == 12
    assert wide(frame, "on", how="max")["value"].tolist() == [True, pd.NA, pd.NA, True]
    assert wide(frame, "on", how="min")["value"].tolist() == [False, pd.NA, pd.NA, False]
    assert wide(frame, "volts", how="min", start="2026-11-02", end="2026-11-03", every="1h")["value"].isna().all()
    with pytest.raises(UsageError, match=r"how='std' is not known; give one of 'mean', 'median', .*'last'"):
        wide(frame, "volts", how="std")
    for how in ("max", "mean"):
        with pytest.raises(UsageError, match=rf"how='{how}' and counter=True"):
            wide(frame, "volts", how=how, counter=True)


@pytest.mark.parametrize("how", ["mean", "median", "min", "max", "sum", "count", "last"])
@pytest.mark.parametrize("topic", ["telemetry/rain", "state/summary", "event/rain"])
@pytest.mark.parametrize("values", ["0 and 1", "few whole", "real", "flags", "text"])
def test_what_is_aggregated_as_asked_is_what_pandas_makes_of_it(how, topic, values):
    """Of states and events, too; in days of 23 and 25 hours; and the sum of nothing is missing."""
    rng = np.random.default_rng(3)
    each = "4h" if how in ("sum", "count") else "1d"
    for first in ("2026-03-28", "2026-10-24"):
        index = pd.date_range(first, periods=4 * 288, freq="5min", tz="Europe/Zurich", name="time").delete(
            range(600, 900)
        )
        made = {"0 and 1": rng.integers(0, 2, len(index)), "few whole": np.repeat([4, 7, 9], len(index) // 3),
                "real": rng.normal(0, 1, len(index)), "flags": rng.random(len(index)) < 0.01}  # fmt: skip
        plain = pd.Series(made["real"] if values == "text" else made[values], index)
        given = plain.astype("str") if values == "text" else plain
        frame = pd.DataFrame({"client_id": "a", "topic": topic, "value": given})
        for every in ("1d", each):
            found = wide(frame, every=every, how=how).iloc[:, 0]
            wanted = (
                plain.resample(every.upper() if every == "1d" else every).agg("sum", min_count=1)
                if how == "sum"
                else plain.resample(every.upper() if every == "1d" else every).agg(how)
            )
            if values == "flags" and how in ("min", "max", "last"):
                assert found.dtype == "boolean"
            elif how == "count":
                assert found.dtype == "int64"
                assert (every == "1d") == (found > 0).all()
            if values == "flags" and every != "1d" and how != "count":
                wanted = wanted.where(plain.resample(every.upper() if every == "1d" else every).count() > 0)
            np.testing.assert_allclose(found.astype("float64"), wanted.astype("float64").reindex(found.index))


def test_words_are_counted_and_the_last_one_is_taken_but_they_have_no_mean():
    """Beside numbers they are left out with a warning; where there is nothing else, that is an error."""
    frame = joined(
        ticks(minutes(0, 4), chan=1, value=["on", "off", "on", "on"]), ticks(minutes(0, 4), chan=2, value=1.5)
    )
    frame = frame.drop(frame.index[4])
    assert wide(frame, every="1min", how="last")["chan 1"].isna().tolist() == [False, False, True, False]
    assert wide(frame, every="2min", how="last")["chan 1"].tolist() == ["off", "on"]
    assert wide(frame, every="2min", how="count").to_dict("list") == {"chan 1": [2, 1], "chan 2": [2, 1]}
    with pytest.warns(UserWarning, match=r"^chan 1: left out, as how='max' needs numbers") as told:
        assert wide(frame, every="1h", how="max").to_dict("list") == {"chan 2": [1.5]}
    assert told[0].filename == __file__
    with pytest.raises(UsageError, match=r"how='mean' needs numbers or flags, and 'value' holds words"):
        wide(frame[frame["chan"] == 1], how="mean")


def test_a_direction_has_a_mean_direction_and_else_plain_numbers():
    """Also where the mean is asked for; and counts have no unit."""
    frame = ticks([0, 1, 2], heading=[350.0, 20.0, 5.0], unit="deg")
    given = {how: wide(frame, "heading", every="1min", how=how).iloc[0, 0] for how in ("mean", "median", "sum")}
    assert given == pytest.approx({"mean": 5, "median": 20, "sum": 375})
    assert wide(frame, "heading", how="sum").attrs["units"] == ["deg"]
    assert wide(frame, "heading", how="count").attrs == {}


def test_the_mean_of_great_numbers_is_a_number():
    """The sum of two is infinite, and so is half of it; their mean is not."""
    grid = wide(ticks([0, 10], value=np.array([1.7e308, 1.5e308])), every="1min")
    assert grid.iloc[:, 0].tolist() == [pytest.approx(1.6e308)]


def test_what_is_infinite_alone_is_infinite_in_its_step():
    """Beside it the others are as they are."""
    grid = wide(ticks([0, 60, 120], value=[np.inf, np.inf, -np.inf]), every="1min")
    assert grid.iloc[:, 0].tolist() == [np.inf, np.inf, -np.inf]
    grid = wide(ticks([0, 30, 60], value=[np.inf, 1.5, 2.5]), every="1min")
    assert grid.iloc[:, 0].tolist() == [np.inf, 2.5]


def test_a_counter_without_any_number_beside_one_with_some():
    """A channel that only says "n/a", or is infinite, has an empty column; the other one is counted."""
    for nothing in ("n/a", np.inf):
        frame = joined(*(ticks([0, 60, 120], chan=chan, value=list(value)) for chan, value in
                         ((1, (4.0, 5.0, 7.0)), (2, (nothing,) * 3))))  # fmt: skip
        grid = wide(frame, every="1h", counter=True)
        assert grid["chan 1"].tolist() == [3.0]
        assert grid["chan 2"].isna().all()


@pytest.mark.parametrize(
    "field", ["heading", "wind_dir", "windDirection", "rotator.azimuth_deg", "Bearing", "cog", "wdir"]
)
def test_the_mean_of_directions_is_a_direction(field):
    """It does not leap between 360 and 0; without one over it, it is the plain mean."""
    value = [350.0, 20.0, 359.0, 1.0, 100.0, 160.0, 355.0, 345.0]
    frame = ticks(np.repeat(minutes(0, 4), 2) + [0, 1] * 4, **{field: value})
    assert wide(frame, field).iloc[:, 0].round(9).tolist() == [5, 0, 130, 350]
    assert wide(frame, field, every="1h").iloc[:, 0].between(0, 360).all()
    skewed = ticks([0, 1, 2, 3], **{field: [290.0, 20.0, 20.0, 20.0]})
    assert wide(skewed, field).iloc[:, 0].tolist() == [357.5]


def test_directions_that_do_not_pass_north_have_the_very_plain_mean():
    """No noise of rounding; of opposite ones there is no better."""
    rng = np.random.default_rng(5)
    value = rng.uniform(100, 200, 600).round(1)
    one, other = (
        wide(ticks(np.arange(600) * 60, **{name: value}), name, every="10min").iloc[:, 0]
        for name in ("heading", "power")
    )
    assert one.tolist() == other.tolist()
    assert wide(ticks([0, 1, 2], heading=[10.0, 10.0, 190.0]), "heading").iloc[:, 0].tolist() == [70]
    assert wide(ticks([0, 1], heading=[10.0, 350.0]), "heading").iloc[:, 0].tolist() == [0]
    assert wide(ticks([0, 1], heading=[10.0, 360.0]), "heading").iloc[:, 0].tolist() == [5]


def test_what_is_no_direction_is_averaged_plainly():
    """By its name, or as it goes beyond a turn; longitudes about 180 degrees keep their sign's way of counting."""
    at = [0, 1, 2, 3]
    assert wide(ticks(at, course_id=[350.0, 20.0] * 2), "course_id").iloc[:, 0].tolist() == [185]
    assert wide(ticks(at, subdir=[350.0, 20.0] * 2), "subdir").iloc[:, 0].tolist() == [185]
    assert wide(ticks(at, yaw=[700.0, 20.0] * 2), "yaw").iloc[:, 0].tolist() == [360]
    assert wide(ticks(at, lon=[179.0, -179.5] * 2), "lon").iloc[:, 0].round(9).tolist() == [179.75]
    assert wide(ticks(at, lon=[-73.0, -75.0] * 2), "lon").iloc[:, 0].round(9).tolist() == [-74]
