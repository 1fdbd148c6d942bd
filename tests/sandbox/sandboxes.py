"""Asking a sandbox by hand: a clock that stands, a client, all pages of a range."""

from __future__ import annotations

from typing import Any

import httpx

from isr_analysis import times

API = "/api/v1/subscriber"
NOW = times.instant("2026-11-20T15:37:12.5")


def client(here: Any, token: str | None = None, **headers: str) -> httpx.Client:
    """Give an HTTP client with a token; the caller closes it."""
    return httpx.Client(
        base_url=here.origin + API, headers={"Authorization": f"Bearer {token or here.token}", **headers}, timeout=30
    )


def ask(here: Any, route: str, token: str | None = None, /, **params: Any) -> httpx.Response:
    """Ask once."""
    with client(here, token) as line:
        return line.get(route, params=params)


def rows(here: Any, token: str | None = None, /, *, limit: int = 10_000, **params: Any) -> list[dict[str, Any]]:
    """Read all pages of a range."""
    found: list[dict[str, Any]] = []
    asked = {**params, "limit": limit}
    with client(here, token) as line:
        while True:
            answer = line.get("history", params=asked)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["messages"]) <= limit
            found += page["messages"]
            if page["next_cursor"] is None:
                return found
            assert page["messages"], "a page that is not the last one is not empty"
            asked["cursor"] = page["next_cursor"]


def span(start: int, end: int) -> dict[str, str]:
    """Write a range as parameters."""
    return {"start": times.iso(start), "end": times.iso(end)}
