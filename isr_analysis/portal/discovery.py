"""Finding the portal's OpenAPI document: at the usual address, or where the docs page says."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import importlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import urljoin, urlsplit

from isr_analysis.contract import openapi
from isr_analysis.contract.contract import API, Contract
from isr_analysis.contract.file import overridden
from isr_analysis.errors import (
    CONTRACT_FILE,
    AddOnMissingError,
    AnswerError,
    PortalUnavailableError,
    QuestionRefusedError,
)
from isr_analysis.portal.transport import EnoughError
from isr_analysis.portal.wire import Answer

logger = logging.getLogger(__name__)

_SMALL = 100_000
"""Bytes of a script or a configuration, at most, that may name the document."""

_DOCS = f"{API}/docs"
_USUAL = (f"{API}/openapi.json", _DOCS, "/openapi.json", "/docs")
_NAMED = re.compile(
    r"""["']?(spec-?url|apiDescriptionUrl|data-url|url|href|src|openapi|definition)["']?\s*(?:[:=]\s*(?:[\w.]+\()?["']|=(?=[./\w]+/))([^"'<>\s]+)""",
    re.IGNORECASE,
)

_HEADER = re.compile(r"""<([^>]+)>[^,]*;\s*rel\s*=\s*["']?(service-desc|describedby)""", re.IGNORECASE)
"""A header's link to the document, as of RFC 8631."""

_VERSION = re.compile(r'"(?:openapi|swagger)"\s*:\s*"')
"""What a page, or a script of its own, has within where it holds the document itself, as of Swagger UI."""

_ELSEWHERE = re.compile(rb"""\$ref["']?\s*:\s*["']?[^#"'\s]""")
"""A reference to another document."""

_FILES = 8
"""Other documents that a document may refer to."""

_OBJECT = re.compile(r'\{\s*"')

_OF_DOCUMENT = ("spec-url", "specurl", "data-url", "apidescriptionurl", "service-desc", "describedby")
"""The attributes that name a document, wherever it lies."""

_OBJECTS = 50
"""Beginnings of objects in a page that are looked at, those aside that are whole."""

_LINKS = 6
"""Addresses of one page that are looked at."""

_SCRIPT = re.compile(r"/(?!.*(?:bundle|preset|standalone|min\b|jquery))[\w.-]+\.js$")
"""A script that is no library: the page's own, which may name the document."""

_YAML = re.compile(
    rb"(?![\s\xef\xbb\xbf]*[<{\[])(?=[\s\S]*^paths\s*:)[\s\S]*^[\"']?(?:openapi|swagger)[\"']?\s*:", re.MULTILINE
)


def contract(get: Callable[[str], Answer], file: Path | None, *, offline: bool) -> Contract:
    """Give the contract of the portal's document, with what a file of the user's says in place of its own.

    Raises
    ------
    IsrError
        As of `find`, where the file does not do without the document; or the file cannot be used.
    """
    try:
        known = find(get, offline=offline)
    except PortalUnavailableError as exc:
        if exc.status_code is None:  # nobody answers at all
            raise
        if file is None:
            exc.add_note(
                f"It failed at its documentation. If that is broken for long, say in {CONTRACT_FILE} how history is "
                "asked for: then it is not needed"
            )
            raise
        known = Contract(source="built in (the portal fails at its OpenAPI document)")
    except EnoughError:
        known = Contract(source="built in (the portal's OpenAPI document is far to seek)")
    return known if file is None else overridden(known, file)


def find(get: Callable[[str], Answer], *, offline: bool = False) -> Contract:
    """Find the document and read the contract from it.

    `get` gives the answer of a path on the portal, or raises; `offline` also where it is not on disk.

    Returns
    -------
    Contract
        The built-in one if there is no document.

    Raises
    ------
    PortalUnavailableError, TokenRefusedError, QuotaExhaustedError
        The portal cannot be asked at all.
    """
    unread, others = None, []
    ask = functools.cache(
        functools.partial(_answer, get, offline=offline)
    )  # a page may name what was asked for already
    for path in _USUAL:
        answer = ask(path)
        if answer is None:
            continue
        direct = _YAML.match(answer.body) or _document(answer) is not None
        for named, found in [(path, answer)] if direct else _linked(ask, answer):
            inner = found
            if _YAML.match(inner.body):
                unread = named
                inner = ask(f"{named}{'&' if '?' in named else '?'}format=json") or inner
            document = _document(inner) or _yaml(inner.body)
            if document is not None and _ELSEWHERE.search(inner.body):
                document = _whole(ask, document, named)
            if document is not None and openapi.has_history(document, named):
                return openapi.read(document, named)
            others += [] if document is None else [(document, named)]
    if others:  # of other routes: they may be in several documents
        return openapi.read(*others[0])
    if unread is not None:
        return Contract(
            source=f"built in (the portal shows a YAML document at {unread}, which is not read: install PyYAML, or say "
            "in a contract file what it says)"
        )
    none = "no OpenAPI document is on disk" if offline else "the portal shows no OpenAPI document"
    return Contract(source=f"built in ({none})")


def _answer(get: Callable[[str], Answer], path: str, *, offline: bool) -> Answer | None:
    try:
        return get(path)
    except (EnoughError, PortalUnavailableError):
        if not offline:
            raise
        return None
    except (AddOnMissingError, QuestionRefusedError, AnswerError) as exc:
        logger.debug("no OpenAPI document at %s: %s", path, exc)
        return None


def _document(answer: Answer) -> dict[str, Any] | None:
    text = answer.body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if not text.startswith("{"):
        return _within(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if _is_document(document) else None


def _is_document(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and isinstance(value.get("paths"), dict)


def _within(text: str) -> dict[str, Any] | None:
    """Find the document that a page or a script holds, whichever of its members comes first."""
    if not _VERSION.search(text):
        return None
    at, tries = 0, _OBJECTS
    while (found := _OBJECT.search(text, at)) and tries:
        try:
            value, at = json.JSONDecoder().raw_decode(text, found.start())
        except (ValueError, RecursionError):  # the script's own, or cut: what is in it may be whole
            at, tries = found.start() + 1, tries - 1
            continue
        inner = [value, *value.values()]
        if document := next((one for one in inner if _is_document(one)), None):
            return document
    return None


def _yaml(body: bytes) -> dict[str, Any] | None:
    """Read a document in YAML, where PyYAML happens to be installed."""
    document = _loaded(body) if _YAML.match(body) else None
    return document if _is_document(document) else None


def _whole(ask: Callable[[str], Answer | None], document: dict[str, Any], named: str) -> dict[str, Any]:
    """Give a document with the others on the portal that it refers to as parts of it."""
    places = {named: "#"}  # where each document is
    parts: dict[str, Any] = {}

    def referred(value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [referred(one, path) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: referred(one, path) for name, one in value.items()}
        if isinstance(reference := value.get("$ref"), str):
            file, _, pointer = reference.partition("#")
            there = urljoin(path, file) if file else path
            if there not in places and len(places) <= _FILES and not urlsplit(there).netloc:
                places[there] = f"#/x-documents/{len(places)}"
            found["$ref"] = places.get(there, there) + pointer
        return found

    with contextlib.suppress(RecursionError):
        whole = referred(document, named)
        while left := [one for one in places if one != named and one not in parts]:
            answer = ask(left[0])
            parts[left[0]] = {} if answer is None else referred(_loaded(answer.body), left[0])
        documents = {place.rpartition("/")[2]: parts[one] for one, place in places.items() if one != named}
        return {**whole, "x-documents": documents}
    return document


def _loaded(body: bytes) -> Any:
    """Read JSON, or YAML where PyYAML happens to be installed; None if it is neither."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(body)
    try:
        yaml: Any = importlib.import_module("yaml")
        return yaml.safe_load(body)
    except Exception as exc:  # noqa: BLE001 (not installed, or whatever a broken document leads to)
        logger.debug("the YAML document is not read: %s", exc)
        return None


def _linked(ask: Callable[[str], Answer | None], page: Answer, depth: int = 3) -> Iterator[tuple[str, Answer]]:
    """Give what a docs page names, and what its script or its configuration names in turn."""
    for named in _named(page):
        inner = ask(named)
        if inner is not None:
            yield named, inner
            if depth > 1 and len(inner.body) < _SMALL and _document(inner) is None:
                # What a script names is meant from the page that it is part of.
                there = dataclasses.replace(inner, url=page.url) if _SCRIPT.search(urlsplit(named).path) else inner
                yield from _linked(ask, there, depth - 1)


def _named(page: Answer) -> Iterator[str]:
    """Give the addresses on the portal itself that a docs page names as its document, the likeliest first."""
    # A script may write a slash as PHP and others do, behind a backslash.
    text = html.unescape(page.body[:1_000_000].decode("utf-8", "replace")).replace("\\/", "/")
    links: dict[str, bool] = {}  # whether that says itself that it is the document's
    headed = [(name, link) for link, name in _HEADER.findall(page.headers.get("link", ""))]
    for name, link in (*headed, *_NAMED.findall(text)):
        with contextlib.suppress(ValueError):  # it is no address
            for behind in ("", "/") if link.startswith("./") else ("",):  # a script may mean the page as a folder
                links.setdefault(urljoin(f"{page.url}{behind}", link), name.lower() in _OF_DOCUMENT)
    home = urlsplit(page.url)
    here = {one: sure for one, sure in links.items() if urlsplit(one)[:2] == home[:2]}
    usual = re.compile(r"openapi|swagger|api-?docs|schema|spec|\.(?:json|ya?ml)|[/-](?:doc|json|yaml)$")
    likely = [link for link, sure in here.items() if sure or usual.search(urlsplit(link).path)]
    usable = [one for one in likely if not re.search(r"\.(js|css|png|ico|svg)$", urlsplit(one).path)]
    usable += [one for one in here if _SCRIPT.search(urlsplit(one).path)]
    for link in usable[:_LINKS]:
        parts = urlsplit(link)
        yield parts.path + (f"?{parts.query}" if parts.query else "")
