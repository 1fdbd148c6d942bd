"""The publishers: the MQTT clients of the account."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from isr_analysis import times
from isr_analysis.errors import AnswerError
from isr_analysis.portal import connection, identity, lists
from isr_analysis.portal.connection import Portal

_FIRST = ["client_id", "label", "topic", "paused", "history_topic_prefix"]
_SECRET = ("password", "secret", "token")


def load_publishers(*, max_age: str | dt.timedelta = "60s", portal: Portal | None = None) -> pd.DataFrame:
    """Load the list of the account's MQTT clients.

    Parameters
    ----------
    max_age : str or timedelta
        An answer that is not older is taken from the cache.
    portal : Portal, optional
        The connection; by default that of `connect`.

    Returns
    -------
    pandas.DataFrame
        One row a client, sorted by ``client_id``, with a RangeIndex. Columns ``client_id`` (str), ``topic`` (str, a
        live MQTT pattern), ``paused`` (boolean; NA where the portal does not say), ``history_topic_prefix`` (str),
        then whatever else the portal gives, as it gives it. No client: the same four columns, no rows.
        ``attrs`` as of `load_live`.

    Raises
    ------
    TokenMissingError, TokenRefusedError, AddOnMissingError, QuotaExhaustedError, PortalUnavailableError
        The portal could not be asked, or refused.
    AnswerError
        The portal's answer was not understood.
    """
    age = times.duration(max_age, name="max_age") / times.SECOND
    line = connection.current(portal)
    found = lists.publishers(line.responses, line.routes, max_age=age)
    rows = [row for _, page in found for row in page]
    line.check_accounts(identity.accounts_of(rows, line.account_id))
    table = _table(rows)
    table.attrs.update(
        source="publishers",
        **connection.provenance(line),
        fetched_at=min(kept.fetched_at for kept, _ in found).isoformat().replace("+00:00", "Z"),
        stale=any(kept.stale for kept, _ in found),
        rows=len(table),
    )
    return table


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    for row in rows:
        if not isinstance(row.get("client_id"), str):
            raise AnswerError(
                f"the portal's list of publishers has a row without client_id; its fields are {', '.join(sorted(row))}"
            )
    shown = [{key: value for key, value in row.items() if not any(w in key.lower() for w in _SECRET)} for row in rows]
    for row in shown:
        row["paused"] = _paused(row)
    table = pd.DataFrame.from_records(shown)
    for column in ("client_id", "topic", "history_topic_prefix"):
        table[column] = table[column].astype("str") if column in table else pd.Series(pd.NA, table.index, dtype="str")
    table["paused"] = table["paused"].astype("boolean") if "paused" in table else pd.Series(dtype="boolean")
    columns = [column for column in _FIRST if column in table]
    columns += [column for column in table.columns if column not in columns]
    return table[columns].sort_values("client_id", kind="stable", ignore_index=True)


def _paused(row: dict[str, Any]) -> bool | None:
    """Find the pause state, whatever its field is called."""
    for key, value in row.items():
        name = key.lower()
        if "pause" in name and not name.endswith(("_at", "reason")):
            return bool(value) if isinstance(value, bool | int) else str(value).lower() in ("true", "yes", "paused")
    for key in ("status", "state"):
        if isinstance(row.get(key), str):
            return str(row[key]).lower() in ("paused", "suspended", "disabled")
    for key in ("active", "enabled", "is_active"):
        if isinstance(row.get(key), bool):
            return not row[key]
    return None
