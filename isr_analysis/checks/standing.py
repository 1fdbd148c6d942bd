"""The state of each publisher on the live board and in its figure: live, stale or silent."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from isr_analysis import times
from isr_analysis.checks.saying import saying
from isr_analysis.errors import UsageError

LIVE, STALE, SILENT, NEVER, PAUSED = "live", "stale", "silent", "never heard", "paused"
"""Heard lately; not lately; not for long; not at all; paused in the portal, so that silence is no news."""

ORDER = [SILENT, STALE, LIVE, NEVER, PAUSED]


def standing(
    live: pd.DataFrame,
    publishers: pd.DataFrame | None = None,
    *,
    now: int,
    stale: str | dt.timedelta = "15min",
    silent: str | dt.timedelta = "1d",
) -> pd.DataFrame:
    """Tell how each publisher stands, those that need a look first.

    Parameters
    ----------
    live : pandas.DataFrame
        As `load_live` gives it: sorted by time, the last message of each client counts.
    publishers : pandas.DataFrame, optional
        As `load_publishers` gives it: for labels, and for those that are paused or were never heard.
    now : int
        The present instant, ns since 1970 UTC.
    stale, silent : str or timedelta
        How long ago a publisher was last heard to count as one of these.

    Returns
    -------
    pandas.DataFrame
        One row a publisher, with a RangeIndex. Columns ``client_id``, ``label``, ``state`` (str), ``heard``
        (datetime in the zone of `live`, or UTC; NaT if never), ``age`` (timedelta, below zero where a clock is ahead),
        ``topic`` and ``says`` (str; the topic of its last message, and what that says). No publisher: the same
        columns, no rows.

    Raises
    ------
    UsageError
        As of `limits_of`.
    """
    limits = limits_of(stale, silent)
    last = live[~live["client_id"].duplicated(keep="last")]
    heard = {str(client): (at, row) for at, (client, row) in zip(
        last.index, zip(last["client_id"], last.to_dict("records"), strict=True), strict=True)}  # fmt: skip
    labels: dict[str, str] = {}
    paused: set[str] = set()
    if publishers is not None:
        names = publishers["label"] if "label" in publishers else pd.Series("", publishers.index, dtype="str")
        labels = {
            str(who): "" if pd.isna(name) else str(name)
            for who, name in zip(publishers["client_id"], names, strict=True)
        }
        paused = {str(who) for who in publishers.loc[publishers["paused"].fillna(value=False), "client_id"]}
    rows = []
    for client in sorted({*heard, *labels}):
        at, message = heard.get(client, (pd.NaT, {}))
        age = None if pd.isna(at) else now - int(at.as_unit("ns").value)
        rows.append({
            "client_id": client, "label": labels.get(client, ""), "state": _state(age, client in paused, limits),
            "heard": at, "age": age, "topic": str(message.get("topic", "")), "says": saying(message),
        })  # fmt: skip
    rows.sort(key=lambda row: ORDER.index(row["state"]))
    table = pd.DataFrame(rows, columns=["client_id", "label", "state", "heard", "age", "topic", "says"])
    zone = getattr(live.index, "tz", None) or dt.UTC
    table["heard"] = pd.to_datetime(table["heard"], utc=True).dt.as_unit("ns").dt.tz_convert(zone)
    table["age"] = pd.to_timedelta(table["age"].astype("Int64"), unit="ns")
    return table.astype(dict.fromkeys(("client_id", "label", "state", "topic", "says"), "str"))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of `standing` for people: instants in whole seconds, and ages in words."""
    ages = [times.ago(None if pd.isna(one) else one.value) for one in table["age"]]
    return table.assign(heard=table["heard"].dt.floor("s"), age=pd.Series(ages, table.index, dtype="str"))


def limits_of(stale: str | dt.timedelta, silent: str | dt.timedelta) -> tuple[int, int]:
    """Read from which ages (ns) on a publisher counts as stale and as silent.

    Raises
    ------
    UsageError
        One is no span of time, or `silent` is shorter than `stale`.
    """
    limits = times.duration(stale, name="stale"), times.duration(silent, name="silent")
    if limits[1] < limits[0]:
        raise UsageError(f"silent={silent!r} is shorter than stale={stale!r}; give one that is longer")
    return limits


def _state(age: int | None, paused: bool, limits: tuple[int, int]) -> str:
    if paused:
        return PAUSED
    if age is None:
        return NEVER
    return LIVE if age <= limits[0] else STALE if age <= limits[1] else SILENT
