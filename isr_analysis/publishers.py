"""The publishers: the MQTT clients of the account."""

from __future__ import annotations

import datetime as dt
import json
import re
import warnings
from typing import Any

import pandas as pd

from isr_analysis import offline, times
from isr_analysis.answers.shape import plain
from isr_analysis.errors import AnswerError
from isr_analysis.portal import connection, identity, lists
from isr_analysis.portal.portal import Portal
from isr_analysis.secret import is_named_secret

_FIRST = ["client_id", "topic", "paused", "history_topic_prefix"]
_YES = ("true", "t", "yes", "y", "on", "1")
_NO = ("false", "f", "no", "n", "off", "0")
_STOPPED = re.compile(r"(?:is[ _-]?)?(?:paused|suspended|disabled|deactivated|stopped)(?![a-z])")
_RUNS = re.compile(r"(?:active|enabled|running|resumed|unpaused|publishing|normal|ok|not[ _-]?paused)$")
_WHAT = r"(?:publisher|client|device|publish(?:ing)?|history|ingest(?:ion)?|storage|telemetry|data|mqtt)?"
_PAUSED = re.compile(rf"(?:is)?{_WHAT}(?:paused|suspended|disabled|pause)(?:flag)?")
_RUNNING = re.compile(rf"(?:is)?(?:{_WHAT}(?:active|enabled|unpaused)|(?:can|may|allow)publish|publish(?:ing)?allowed)")
_SINCE = re.compile(r"(?:paused|suspended|disabled)(?:at|since|on|time)|pausesince")
_NEVER = re.compile(r"(?:0|(?:0001|1970)-01-01.*)?")
_WORDS = ("status", "state", "pausestate", "pausestatus", "mode")
_STATES = ("state", "status", "value", "name", "code")
_OF_PAUSE = ("active", "isactive", "enabled", "on", *_STATES)
_UNSAID = ("", "unknown", "null", "n/a")


def load_publishers(*, max_age: str | dt.timedelta = "60s", portal: Portal | None = None) -> pd.DataFrame:
    """Load the list of the account's publishers (MQTT clients).

    Parameters
    ----------
    max_age : str or timedelta
        A cached answer no older than this is used; with ``"0s"``, the portal is always asked.
    portal : Portal, optional
        The connection to use; by default the one made by `connect`.

    Returns
    -------
    pandas.DataFrame
        One row per client, sorted by ``client_id``, with a RangeIndex. Columns ``client_id`` (str), ``topic`` (str, a
        live MQTT pattern), ``paused`` (boolean; NA where the portal does not say), ``history_topic_prefix`` (str),
        then everything else that the portal returns, unchanged. Without any client: the same four columns, no rows.
        For ``attrs``, see `load_live`.

    Raises
    ------
    UsageError
        An argument cannot be used.
    TokenMissingError, TokenRefusedError, AddOnMissingError, QuotaExhaustedError, PortalUnavailableError
        The portal could not be reached, or refused.
    AnswerError
        The portal's answer was not understood.

    Warns
    -----
    UserWarning
        The portal gave a round number of publishers and may have more, or says that some may be missing.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
    ...     publishers = isr.load_publishers(portal=portal)
    >>> "isr-shack-01" in publishers["client_id"].tolist()
    True
    """
    age = times.duration(max_age, name="max_age", zero=True) / times.SECOND
    portal = connection.current(portal)
    found = offline.answers(
        portal, "the list of publishers",
        lambda most: lists.publishers(portal.responses, portal.routes, max_age=most), age,
    )  # fmt: skip
    said = lists.caveats(portal.responses, portal.routes.publishers)
    # One that moves from a page to the next while they are read is on both.
    rows = list({json.dumps(row, sort_keys=True, default=str): row for _, page in found for row in page}.values())
    portal.check_accounts(identity.accounts_of(rows, portal.account_id))
    table = _table(rows)
    table.attrs.update(
        source="publishers",
        **connection.provenance(portal),
        **lists.freshness(kept for kept, _ in found),
        rows=len(table),
        warning="; ".join(said),
    )
    for words in said:
        warnings.warn(words, stacklevel=2)
    return table


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    for row in rows:
        if not isinstance(row.get("client_id"), str):
            raise AnswerError(
                f"the portal's list of publishers has a row without client_id; its fields are {', '.join(sorted(row))}"
            )
    shown = [_open(row) for row in rows]
    for row, said in zip(shown, _paused(shown), strict=True):
        row["paused"] = said
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


def _paused(rows: list[dict[str, Any]]) -> list[bool | None]:
    """Tell which publishers are paused; None where no field says it in a way that is understood.

    A list explains itself: where one is paused by a word, those with other words there are not, and neither are those
    without the instant since when others are.
    """
    named = [{plain(name): value for name, value in row.items()} for row in rows]
    found = [_said(row) for row in named]
    words = [name for name in _WORDS if any(_state(row.get(name)) for row in named)]
    dated = any(_SINCE.fullmatch(name) for row in named for name in row)
    runs = [dated or any(_word(row.get(name)) not in _UNSAID for name in words) for row in named]
    return [False if said is None and other else said for said, other in zip(found, runs, strict=True)]


def _said(row: dict[str, Any]) -> bool | None:
    """Find the pause state in a row, whatever its field is called."""
    for name, value in row.items():
        if _PAUSED.fullmatch(name) and (said := _of_pause(value)) is not None:
            return said
    for name in _WORDS:
        value = row.get(name)
        said = _state(value)
        if said is None and isinstance(value, dict):
            said = _of_pause(value)
        if said is not None:
            return said
    for name, value in row.items():
        if _RUNNING.fullmatch(name) and (said := _flag(value, _RUNS)) is not None:
            return not said
    since = [str(value) for name, value in row.items() if _SINCE.fullmatch(name) and _is_instant(value)]
    until = [str(value) for name, value in row.items() if name.startswith("resumed") and _is_instant(value)]
    return max(since) > max(until, default="") if since else None


def _of_pause(value: Any) -> bool | None:
    """Tell what a pause says of itself: a flag, or an object with one or with the instant since when it lasts."""
    if not isinstance(value, dict):
        return _flag(value, _STOPPED)
    inner = {plain(name): one for name, one in value.items()}
    flags = (_flag(one, _STOPPED) for name, one in inner.items() if name in _OF_PAUSE or _PAUSED.fullmatch(name))
    since = any(_is_instant(one) for name, one in inner.items() if name in ("at", "since") or _SINCE.fullmatch(name))
    return next((one for one in flags if one is not None), True if since else None)


def _is_instant(value: Any) -> bool:
    """Tell whether a value is an instant, and not the first that there is."""
    return bool(value) and not _NEVER.fullmatch(str(value))


def _flag(value: Any, words: re.Pattern[str]) -> bool | None:
    """Tell what a flag says: true or false, 1 or 0, words."""
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _YES or words.match(word) else False if word in _NO else None
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _state(value: Any) -> bool | None:
    """Tell whether a word for a publisher's state, or an object that holds one, says that it is paused."""
    word = _word(value)
    return True if _STOPPED.match(word) else False if _RUNS.match(word) else None


def _word(value: Any) -> str:
    if isinstance(value, dict):
        value = next((one for name, one in value.items() if plain(name) in _STATES), None)
    return value.strip().lower() if isinstance(value, str) else ""
