"""The contract, read from a portal's OpenAPI document. Pure."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from isr_analysis.contract import ends, headers, lengths, limits, parameters, roles, schemas, thinning
from isr_analysis.contract.contract import API, MANY, Contract, History, Pages, TopicForm
from isr_analysis.contract.parameters import Parameter

_PUBLISHED = f"{API}/history"
_ENDS = (roles.START, roles.END)
_OF_PAGES = (roles.LIMIT, roles.CURSOR, roles.PAGE, roles.OFFSET)
_NAMED = (*_ENDS, roles.CLIENT, roles.TOPIC, *_OF_PAGES)
"""The roles of which a parameter's name is all that is to be known, each called as the field of `History`."""


def read(document: Mapping[str, Any], url: str) -> Contract:
    """Read what a document, which came from `url`, says of the history route.

    Returns
    -------
    Contract
        What the document does not say is as built in, but a parameter that it does not list is None.
    """
    built_in = Contract()
    found: dict[str, Any] = {"source": f"OpenAPI document {url}"}
    operations = dict(_operations(document, url))
    path = _path(operations, "/history")
    if path is not None:
        item, operation = operations[path]
        history = _history(built_in.history, path, document, item, operation)
        given = [parameters.resolved(document, one) for part in (item, operation) for one in _listed(part)]
        found["headers"] = headers.wanted(given)
        found["narrowed"] = thinning.narrowed(list(parameters.listed(document, given)), history.fixed, history.limit)
        if history.is_unranged and (perhaps := _may_be_ranged(document, given)) is not None:
            unless = f", unless by {', '.join(perhaps)}" if perhaps else ""
            found["source"] += f" (which does not say how a range is asked for{unless}; that is as built in)"
            told = history if given else dataclasses.replace(built_in.history, path=path, fields=history.fields)
            history = dataclasses.replace(told, start=built_in.history.start, end=built_in.history.end)
        else:
            found["is_assumed"] = False
        found["history"] = history
    else:
        found["source"] += " (which has no history route; that is as built in)"
    live = _path(operations, "/publishers/live")
    if live is not None:
        found["live_fields"] = schemas.fields(document, operations[live][1])
    others = {one: parts for one, parts in operations.items() if one != path and "{" not in one}
    lists = {one.rstrip("/").rpartition("/subscriber/")[2]: _pages(document, *parts) for one, parts in others.items()}
    found["lists"] = {f"/{one.lstrip('/')}": pages for one, pages in lists.items() if pages is not None}
    return dataclasses.replace(built_in, **found)


def has_history(document: Mapping[str, Any], url: str) -> bool:
    """Tell whether a document has a history route."""
    return _path(dict(_operations(document, url)), "/history") is not None


def _operations(document: Mapping[str, Any], where: str) -> Iterator[tuple[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """Give each GET operation under its whole path, with the path's item."""
    paths = document.get("paths")
    for path, given in (paths if isinstance(paths, dict) else {}).items():
        item = parameters.resolved(document, given)
        if isinstance(item.get("get"), dict):
            bases = [base for part in (item["get"], item, document) for base in _bases(part, where)]
            bases = bases or [str(document.get("basePath") or "")]
            levels = ((base.strip("/"), str(path).lstrip("/")) for base in bases)
            wholes = [_whole("/" + "/".join(filter(None, two))) for two in levels]
            yield next((one for one in wholes if one.rstrip("/") == _PUBLISHED), wholes[0]), (item, item["get"])


def _bases(part: Mapping[str, Any], where: str) -> Iterator[str]:
    """Give what the servers of a document, a path or an operation put before its paths."""
    servers = part.get("servers")
    for server in servers if isinstance(servers, list) else ():
        url = str(server.get("url", "")) if isinstance(server, dict) else ""
        variables = server.get("variables") if url else None
        for name, one in (variables if isinstance(variables, dict) else {}).items():
            url = url.replace(f"{{{name}}}", str(one.get("default", "")) if isinstance(one, dict) else "")
        with contextlib.suppress(ValueError):  # it is no address
            yield urlsplit(urljoin(where, url)).path if url else ""


def _whole(path: str) -> str:
    """Give the published path of a route for one with more or less before it, or spelled in another way."""
    bare = path.rstrip("/")
    low = bare.lower()
    is_published = low.endswith(_PUBLISHED) or (_PUBLISHED.endswith(low) and "/history" in low)
    return _PUBLISHED + path[len(bare) :] if is_published else path


def _path(operations: Mapping[str, Any], tail: str) -> str | None:
    fitting = [path for path in operations if path.rstrip("/").endswith(tail) and "{" not in path]
    own = f"{API}{tail}"  # whatever else is called so
    return min(fitting, key=lambda one: (one.rstrip("/") != own, "/subscriber" not in one, len(one)), default=None)


def _history(
    built_in: History, path: str, document: Mapping[str, Any], item: dict[str, Any], operation: dict[str, Any]
) -> History:
    given = list(parameters.listed(document, [one for part in (item, operation) for one in _listed(part)]))
    by_role, fixed = _assigned(given)
    topic = by_role.get(roles.TOPIC)
    names: dict[str, Any] = {role: by_role[role].name if role in by_role else None for role in _NAMED}
    words = " ".join(
        [str(operation.get("summary", "")), str(operation.get("description", "")), *(o.words for o in given)]
    )
    of_range = [str(operation.get("description", "")), *(by_role[one].words for one in _ENDS if one in by_role)]
    start, limit = by_role.get(roles.START), by_role.get(roles.LIMIT)
    instant = start if start and start.time_form() else by_role.get(roles.END, start)
    client, account = by_role.get(roles.CLIENT), by_role.get(roles.ACCOUNT)
    most = _most(limit, built_in.page_size) if limit else None
    day = None if start or roles.END in by_role else next((one for one in given if roles.is_day(one.name)), None)
    if day is not None:
        built_in = dataclasses.replace(built_in, **roles.DAY)
        start, names[roles.START] = day, day.name
        fixed.pop(day.name, None)
    found = None if roles.END in by_role or day else _length(given, alone=start is None)
    if found is not None:
        length, form = found
        longest = lengths.most(form, length.schema) or limits.longest_range(words)
        longest = longest or limits.length_at_once(length.words)
        built_in = dataclasses.replace(built_in, length=length.name, length_form=form, longest=longest)
        fixed.pop(length.name, None)
    return dataclasses.replace(
        built_in,
        **names,
        path=path,
        divider=(start and ends.divider(start)) or "/",
        time_form=built_in.time_form if day or not instant else instant.time_form() or _unsaid(instant, built_in),
        start_included=_start_included(start, operation) if start else None,
        end_included=_end_included(by_role.get(roles.END)),
        longest=built_in.longest or limits.longest_range(words) or limits.length_at_once(". ".join(of_range)),
        client_required=bool((client and client.required) or (topic and topic.required and _of_publishers(topic))),
        topic_form=_topic_form(topic) if topic else None,
        topic_required=bool(topic and topic.required),
        account=account.name if account and account.required else None,
        page_size=min(built_in.page_size, most or built_in.page_size),
        page_size_is_kept=most is not None,
        first_page=_first_page(by_role[roles.PAGE]) if roles.PAGE in by_role else None,
        fixed=fixed,
        fields=schemas.fields(document, operation),
    )


def _pages(document: Mapping[str, Any], item: dict[str, Any], operation: dict[str, Any]) -> Pages | None:
    """Read how a list is asked for; None if there is nothing to say of it."""
    given = [one for part in (item, operation) for one in _listed(part)]
    by_role, fixed = _assigned(list(parameters.listed(document, given)))
    start = by_role.get(roles.START)
    if start and roles.snake(start.name) in ("from", "start") and start.kind == "integer" and not start.time_form():
        by_role.setdefault(roles.OFFSET, start)
    names = {role: by_role[role].name for role in _OF_PAGES if role in by_role}
    fixed = {name: value for name, value in fixed.items() if name not in names.values()}
    if not (names or fixed):
        return None
    limit, page = by_role.get(roles.LIMIT), by_role.get(roles.PAGE)
    most = (_most(limit, MANY) if limit else None) or MANY
    return Pages(**names, page_size=min(most, MANY), first_page=_first_page(page) if page else None, fixed=fixed)


def _may_be_ranged(document: Mapping[str, Any], given: list[dict[str, Any]]) -> list[str] | None:
    """Give the parameters that may be of a range, where none is known to be; None if the route gives all that it has.

    A document that lists no parameters, none of size or pages, or references to elsewhere, may only not tell of it.
    """
    listed = list(parameters.listed(document, given))
    known = [_role(one, {}) for one in listed]
    unclear = [
        one.name
        for one, role in zip(listed, known, strict=True)
        if role is None and one.kind != "boolean" and "enum" not in one.schema
    ]
    gives_all = all(given) and any(role in _OF_PAGES for role in known) and not unclear
    return None if gives_all else unclear


def _assigned(given: list[Parameter]) -> tuple[dict[str, Parameter], dict[str, str]]:
    """Give each role its parameter, and the parameters that are sent with every question their values."""
    by_role: dict[str, Parameter] = {}
    told: list[tuple[Parameter, str | None]] = []
    # What speaks of instants first: ``after`` is a time in one portal and a cursor in another.
    for one in sorted(given, key=lambda one: (one.time_form() is None, roles.snake(one.name) in roles.VAGUE)):
        role = _role(one, by_role)
        told.append((one, role))
        if role not in (None, roles.ORDER, roles.FORMAT):
            by_role.setdefault(role, one)
    by_role |= ends.of_names(*([one for one, role in told if role == end] for end in _ENDS))
    by_role |= ends.of_pairs([one for one, role in told if role in (None, *_ENDS)], by_role)
    said = [(one, role) for one, _ in told if (role := ends.of_words(one)) is not None]
    is_begun = roles.START in {*by_role, *(role for _, role in said)}
    for one, role in said:
        if is_begun or ends.is_up_to(one):
            by_role.setdefault(role, one)
    if not by_role.keys() >= {*_ENDS} and (interval := next(filter(ends.is_interval, given), None)) is not None:
        by_role |= {roles.START: interval, roles.END: interval}
    fixed = {
        one.name: value for one, role in told if not _is_in(one, by_role) and (value := _value(one, role)) is not None
    }
    topic = by_role.get(roles.TOPIC)
    if topic is not None and topic.required and _topic_form(topic) == "filter":
        fixed[topic.name] = "#"
    return by_role, fixed


def _is_in(one: Parameter, by_role: Mapping[str, Parameter]) -> bool:
    return any(one is other for other in by_role.values())


def _value(one: Parameter, role: str | None) -> str | None:
    """Give what is sent in a parameter with every question."""
    if role in (roles.ORDER, roles.FORMAT):
        return _choice(role, one)
    return (thinning.as_published(one) if role in (None, roles.LIMIT) else None) or _required_value(one)


def _listed(part: Mapping[str, Any]) -> list[Any]:
    found = part.get("parameters")
    return found if isinstance(found, list) and found else parameters.of_words(str(part.get("description") or ""))


def _unsaid(instant: Parameter, built_in: History) -> str:
    """Give the form of instants where nothing is said of it but perhaps that it is a number."""
    return "number" if instant.kind in ("integer", "number") else built_in.time_form


def _role(one: Parameter, taken: Mapping[str, Parameter]) -> str | None:
    role = roles.role_of(one.name)
    name = roles.snake(one.name)
    if role in (roles.CLIENT, roles.TOPIC) and name in roles.VAGUE and "enum" in one.schema:
        return None  # source=archive
    bare = name in ("after", "before", "start", "from", "min", "max", "first", "last")
    if role in (roles.START, roles.END) and one.time_form() is None:
        if role == roles.START and lengths.form_of(one.name, one.schema, one.words) and not bare:
            return None  # since=24h
        if re.search(r"cursor|opaque|next page|page token|continu", one.words, re.IGNORECASE):
            return roles.CURSOR
        if bare and re.search(r"\bids?\b|sequence", one.words, re.IGNORECASE):
            return roles.CURSOR if name == "after" else None
        if one.kind == "integer" and re.search(r"offset|index|skip|row", one.words, re.IGNORECASE):
            return roles.OFFSET
        if bare and role in taken and (name != "start" or one.kind != "string"):
            return roles.CURSOR if name == "after" and one.kind == "string" else None
    return role


def _length(given: list[Parameter], *, alone: bool) -> tuple[Parameter, str] | None:
    """Find the parameter of how long the range is, and what it takes."""
    for one in given:
        form = lengths.form_of(one.name, one.schema, one.words)
        span = "duration" in roles.snake(one.name) and not re.search(
            r"unix|epoch|1970|timestamp", one.words, re.IGNORECASE
        )
        if form is not None and roles.is_length(one.name, alone=alone) and (span or not one.time_form()):
            return one, form
    return None


def _of_publishers(one: Parameter) -> bool:
    return roles.is_of_publishers(one.name) or "history_topic_prefix" in one.words


def _topic_form(one: Parameter) -> TopicForm | None:
    """Tell what a topic parameter takes; None, and it is not used, if its words do not say."""
    words, shown = one.words.lower(), str(one.example or one.schema.get("default") or "")
    name = roles.snake(one.name)
    own = re.sub(r"/[{<:]?sub[-_]?(path|topic)", "", words)  # it is the end of the whole path that is shown so
    sub = bool(
        re.search(r"subpath|sub-?topic|(without|below|after|behind|excluding) (the )?[`'\"{<]*account|relative", own)
    )
    whole = not sub and bool(
        re.search(
            r"full (platform )?(path|topic)|platform path|account_?id|including (the )?account|\{account", words + shown
        )
    )
    sub = sub or (name.startswith("sub") and not whole)  # words say more than a name
    wild = (
        bool(re.search(r"wildcard|mqtt (topic )?filter|topic filter|[`'\"( /]#|`\+`|\+ and #", words)) or "#" in shown
    )
    wild = wild and not re.search(r"no wildcards?|without wildcards?|wildcards? (are )?not", words)
    if _of_publishers(one):
        return "path prefix"
    if re.search(r"\bglob\b|\bsql\b|like pattern|regex|regular expression", words):
        return None
    named = "prefix" in name and not (wild or re.search(r"\bexact", words))
    if named or re.search(r"\bprefix|begins? with|starts? with", words):
        return "path prefix" if whole else "prefix" if sub else None
    if wild:
        return "path filter" if whole else "filter" if sub else None
    return "path" if whole else "subpath" if sub else None


def _start_included(one: Parameter, operation: Mapping[str, Any]) -> bool | None:
    words = one.words.lower()
    if re.search(r"exclusive|strictly|excluded|not included|later than|newer than|greater than(?! or)", words):
        return False
    if re.search(r"inclusive|included|at or after|or later|>=|≥|greater than or equal|first instant", words):
        return True
    if re.search(
        r"half-open|\[start|\[from", f"{operation.get('description')} {operation.get('responses')}", re.IGNORECASE
    ):
        return True
    return False if re.search(r"^(after|gt)(_|$)|_gt$", roles.snake(one.name)) else None


def _end_included(one: Parameter | None) -> bool | None:
    words = one.words.lower() if one else ""
    if re.search(r"exclusive|excluded|not included", words):
        return False
    return True if re.search(r"inclusive|included|last day", words) else None


def _most(limit: Parameter, most_used: int) -> int | None:
    """Find the largest page size that the portal documents; of several to choose from, one that is of use."""
    if offered := [int(one) for one in limit.schema.get("enum") or () if str(one).isdecimal() and int(one)]:
        return max((one for one in offered if one <= most_used), default=min(offered))
    most = limit.schema.get("maximum", limit.schema.get("exclusiveMaximum"))
    if isinstance(most, int | float) and not isinstance(most, bool) and 1 <= most < math.inf:
        return int(most) - ("maximum" not in limit.schema)
    said = re.search(
        r"(?:max(?:imum)?|at most|up to|≤|<=|no more than)\D{0,20}?(\d[\d,_ ]*)", limit.words, re.IGNORECASE
    )
    number = int(re.sub(r"\D", "", said[1])) if said else 0
    return number or None


def _first_page(page: Parameter) -> int | None:
    """Find the number of the first page."""
    first = page.schema.get("default", page.schema.get("minimum"))
    if isinstance(first, int):
        return first
    words = page.words.lower()
    if re.search(r"(0|zero)[ -]based|from 0\b", words):
        return 0
    return 1 if re.search(r"(1|one)[ -]based|from 1\b", words) else None


def _choice(role: str, one: Parameter) -> str | None:
    """Choose the order oldest first, and JSON, where the document offers them."""
    offered = [value for value in one.schema.get("enum") or () if isinstance(value, str)]
    if role == roles.ORDER:
        if one.kind == "boolean":
            return "true" if re.search(r"asc|oldest", roles.snake(one.name)) else "false"
        oldest_first = re.compile(r"(time|timestamp|ts|published_at)?[ :_.+]?(asc|oldest|forward|chrono)")
        return next((value for value in offered if oldest_first.match(value.lower())), _required_value(one))
    for kind in (r"(?<!nd)(?<!nd-)json$", r"json", r"csv"):
        found = next((value for value in offered if re.search(kind, value.lower())), None)
        if found is not None:
            return found
    return thinning.as_published(one) or _required_value(one)  # type=raw


def _required_value(one: Parameter) -> str | None:
    return _any_value(one) if one.required else None


def _any_value(one: Parameter) -> str | None:
    """Give a value that the portal itself names for a parameter: its own, that of all, or the first."""
    offered = one.schema.get("enum") or ()
    every = next((value for value in offered if thinning.EVERY.fullmatch(str(value))), None)
    value = one.schema.get("default", next(iter(offered), one.example) if every is None else every)
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
