"""Who may use a route: the token, its hour, its account, its add-ons, and how each is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from isr_analysis import times
from isr_analysis.sandbox import forms
from isr_analysis.sandbox.tokens import ADD_ONS, Grant
from isr_analysis.sandbox.world import Account, World

ACCOUNT_HEADER = "X-ISR-Account-Id"

_bearer = HTTPBearer(auto_error=False, scheme_name="REST API token", description="isr_mqtt_rest_…")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the account whose data is meant, and the world it is in."""

    world: World
    account: Account


def opened_by(add_on: str) -> Callable[..., Caller]:
    """Make the check that a route's caller may use it: a dependency of the route."""

    def check(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        named: Annotated[
            str | None, Header(alias=ACCOUNT_HEADER, description="The account; for a platform operator's token.")
        ] = None,
    ) -> Caller:
        world: World = request.app.state.world
        grant = _grant(world, given)
        allowance = world.tokens.take(grant, world.now())
        request.state.headers = {
            "X-RateLimit-Limit": str(allowance.limit),
            "X-RateLimit-Remaining": str(allowance.left),
            "X-RateLimit-Reset": str(allowance.resets_in),
        }
        if not allowance.allowed:
            raise HTTPException(
                429,
                f"the {allowance.limit} requests per hour of this token are used up; again in "
                f"{allowance.resets_in} seconds",
                {"Retry-After": str(allowance.resets_in)},
            )
        account = _account(world, grant, named)
        if add_on not in grant.add_ons:
            raise HTTPException(
                403, f"the add-on {ADD_ONS[add_on]!r} is not enabled for this account, and this route needs it"
            )
        return Caller(world, account)

    return check


def _grant(world: World, given: HTTPAuthorizationCredentials | None) -> Grant:
    again = {"WWW-Authenticate": "Bearer"}
    if given is None or not given.credentials:
        raise HTTPException(401, "no token: send the header Authorization: Bearer isr_mqtt_rest_…", again)
    grant = world.tokens.find(given.credentials)
    if grant is None:
        raise HTTPException(401, "this token is not known", again)
    if grant.revoked:
        raise HTTPException(401, "this token was revoked", again)
    if grant.expires_at <= world.now():
        raise HTTPException(401, f"this token expired at {times.iso(grant.expires_at)}", again)
    return grant


def _account(world: World, grant: Grant, named: str | None) -> Account:
    if grant.seed is not None:
        return world.account(grant.seed)
    if named is None:
        raise HTTPException(400, f"a platform operator's token needs the header {ACCOUNT_HEADER}: <account_id>")
    account = world.named(named)
    if account is None:
        raise HTTPException(404, f"{ACCOUNT_HEADER}: there is no account {named!r}")
    return account


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": forms.Refusal, "description": f"A platform operator's token without {ACCOUNT_HEADER}."},
    401: {"model": forms.Refusal, "description": "No token, or one that is unknown, revoked or expired."},
    403: {"model": forms.Refusal, "description": "The add-on that opens the route is not enabled."},
    404: {"model": forms.Refusal, "description": "The route, the client or the account does not exist."},
    422: {"model": forms.NotValid, "description": "A parameter or a field cannot be used; `detail` names it."},
    429: {
        "model": forms.Refusal,
        "description": "The token's requests of this hour are used up.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}
_RATE_HEADERS = {
    "X-RateLimit-Limit": {"description": "Requests per hour and token.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "How many are left of them.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "Seconds until there are more.", "schema": {"type": "integer"}},
}


def answers(
    model: type | None, *, status: int = 200, words: str, conflict: str | None = None
) -> dict[int | str, dict[str, Any]]:
    """Describe what a route answers, and how it refuses, for the OpenAPI document."""
    good: dict[str, Any] = {"description": words, "headers": _RATE_HEADERS}
    if model is not None:
        good["model"] = model
    described: dict[int | str, dict[str, Any]] = {status: good, **_REFUSALS}
    if conflict is not None:
        described[409] = {"model": forms.Refusal, "description": conflict}
    return described
