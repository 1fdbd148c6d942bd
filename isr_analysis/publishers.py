"""The publishers: the MQTT clients of the account."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd

from isr_analysis import times
from isr_analysis.answers.shape import plain
from isr_analysis.errors import AnswerError
from isr_analysis.portal import connection, identity, lists
from isr_analysis.portal.portal import Portal
from isr_analysis.secret import is_named_secret

_FIRST = ["client_id", "label", "topic", "paused", "history_topic_prefix"]
_YES = ("true", "t", "yes", "y", "on", "1")
_NO = ("false", "f", "no", "n", "off", "0")
_STOPPED = re.compile(r"(?:is[ _-]?)?(?:paused|suspended|disabled|deactivated|stopped)(?![a-z])")
_RUNS = re.compile(r"(?:active|enabled|running|resumed|unpaused|not[ _-]?paused)$")
_PAUSED = re.compile(r"(?:is)?(?:publisher|client|publishing|history)?(?:paused|suspended|disabled|pause)(?:flag)?")
_RUNNING = re.compile(r"(?:is)?(?:active|enabled|unpaused)")
_SINCE = re.compile(r"(?:paused|suspended|disabled)(?:at|since|on|time)|pausesince")
_STATES = ("state", "status", "value", "name", "code")


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

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     publishers = isr.load_publishers(portal=portal)
    >>> "isr-shack-01" in publishers["client_id"].tolist()
    True
    """
    age = times.duration(max_age, name="max_age") / times.SECOND
    portal = connection.current(portal)
    found = lists.publishers(portal.responses, portal.routes, max_age=age)
    rows = [row for _, page in found for row in page]
    portal.check_accounts(identity.accounts_of(rows, portal.account_id))
    table = _table(rows)
    table.attrs.update(
        source="publishers",
        **connection.provenance(portal),
        **lists.freshness(kept for kept, _ in found),
        rows=len(table),
    )
    return table


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    for row in rows:
        if not isinstance(row.get("client_id"), str):
            raise AnswerError(
                f"the portal's list of publishers has a row without client_id; its fields are {', '.join(sorted(row))}"
            )
    shown = [_open(row) for row in rows]
    for row in shown:
        row["paused"] = _paused(row)
    table = pd.DataFrame.from_records(shown)
    for column in ("client_id", "topic", "history_topic_prefix"):
        table[column] = table[column].astype("str") if column in table else pd.Series(pd.NA, table.index, dtype="str")
    table["paused"] = table["paused"].astype("boolean") if "paused" in table else pd.Series(dtype="boolean")
    columns = [column for column in _FIRST if column in table]
    columns += [column for column in table.columns if column not in columns]
    return table[columns].sort_values("client_id", kind="stable", ignore_index=True)


def _open(value: Any) -> Any:
    """Leave out what may be a secret, however deep it is."""
    if isinstance(value, dict):
        return {name: _open(one) for name, one in value.items() if not is_named_secret(str(name))}
    return [_open(one) for one in value] if isinstance(value, list) else value


def _paused(row: dict[str, Any]) -> bool | None:
    """Find the pause state, whatever its field is called: None where no field says it in a way that is understood."""
    by_name = {plain(name): value for name, value in row.items()}
    for name, value in by_name.items():
        if _PAUSED.fullmatch(name) and (said := _flag(value, _STOPPED)) is not None:
            return said
    for name in ("status", "state", "pausestate", "pausestatus", "mode"):
        if (said := _state(by_name.get(name))) is not None:
            return said
    for name, value in by_name.items():
        if _RUNNING.fullmatch(name) and (said := _flag(value, _RUNS)) is not None:
            return not said
    since = [value for name, value in by_name.items() if _SINCE.fullmatch(name)]
    return True if any(since) else None


def _flag(value: Any, words: re.Pattern[str]) -> bool | None:
    """Tell what a flag says: true or false, 1 or 0, words."""
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _YES or words.match(word) else False if word in _NO else None
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _state(value: Any) -> bool | None:
    """Tell whether a word for a publisher's state, or an object that holds one, says that it is paused."""
    if isinstance(value, dict):
        value = next((one for name, one in value.items() if plain(name) in _STATES), None)
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if _STOPPED.match(word) else False if _RUNS.match(word) else None
