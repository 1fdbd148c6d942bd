"""What the clients of an account are called: by the list of publishers or, without that, the live answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from isr_analysis.answers.shape import plain
from isr_analysis.contract.contract import Contract
from isr_analysis.errors import AddOnMissingError, QuestionRefusedError, UsageError
from isr_analysis.portal.lists import PUBLISHED, live, publishers

if TYPE_CHECKING:
    from isr_analysis.portal.responses import Responses

_CALLED = 3  # clients of one name that are told
_NAMING = re.compile(
    r"_?(?:(?:publisher|device|mqtt)?(?:client)?)_?(?:id|uuid|guid|pk|key|username|login|label|(?:display)?name)"
)
"""Fields of a list of publishers, as `plain` writes them, that may name one in a question."""


def ids(responses: Responses, routes: Contract, account_id: str | None, *, max_age: float) -> tuple[list[str], str]:
    """Give the ids of all publishers, and the path of the list that they are from; errors as of `live`.

    A `UsageError` where the portal refuses both the list of publishers and the live answer, or says that it has none.
    """
    try:
        listed = publishers(responses, routes, max_age=max_age)
        ids = {str(row["client_id"]) for _, page in listed for row in page if row.get("client_id")}
        return sorted(ids), routes.publishers
    except (AddOnMissingError, QuestionRefusedError) as exc:
        _check_closed(exc)
    try:
        heard = live(responses, routes, account_id, max_age=max_age)
    except (AddOnMissingError, QuestionRefusedError) as exc:
        _check_closed(exc)
        raise UsageError(
            "this portal gives the history of one client at a time, and the account's add-ons do not open the list of "
            "its clients; name them with client_id="
        ) from exc
    return sorted({one for _, page in heard for one in page.messages["client_id"].to_pylist()}), routes.live


def _check_closed(exc: AddOnMissingError | QuestionRefusedError) -> None:
    if isinstance(exc, QuestionRefusedError) and exc.status_code != HTTPStatus.NOT_FOUND:
        raise exc


def prefixes(listed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give what the topics of each client begin with, of the rows of a list of publishers."""
    named = {str(row["client_id"]): row.get("history_topic_prefix") for row in listed}
    return {one: text.rstrip("#") for one, text in named.items() if isinstance(text, str) and text}


def names(listed: Iterable[Mapping[str, Any]], field: str) -> dict[str, str]:
    """Give what a field of a list of publishers calls each client."""
    return {str(row["client_id"]): str(row[field]) for row in listed if type(row.get(field)) in (str, int)}


def naming(listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the fields of a list of publishers that name each of them, and each another way than its client id."""
    fields = [name for name in (listed[0] if listed else ()) if _NAMING.fullmatch(plain(name))]
    known = {name: names(listed, name) for name in fields}
    return [
        name
        for name, called in sorted(known.items(), key=lambda one: not plain(one[0]).endswith("id"))
        if len({*called.values()}) == len(listed) and all(client != one for client, one in called.items())
    ]


def otherwise(responses: Responses, routes: Contract, names: Iterable[str], *, max_age: float) -> list[str]:
    """Say which clients have one of these names in a field of another kind: their label, call sign or login.

    Errors as of `live`.
    """
    listed = [row for _, page in publishers(responses, routes, max_age=max_age) for row in page]
    said = []
    for name in names:
        found = [
            f"{name!r} stands in the {field} of client {row['client_id']!r}"
            for row in listed
            if row.get("client_id")
            for field, value in row.items()
            if field not in PUBLISHED and isinstance(value, str)
            if name.casefold() in {value.casefold(), *value.casefold().split()}
        ]
        said += found[:_CALLED]
    return said
