"""The routes of the Mgmt API: clients, read-only subscribers, tenants, members and invites."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from isr_analysis.sandbox import forms
from isr_analysis.sandbox.access import Caller, answers, opened_by
from isr_analysis.sandbox.replies import reply

router = APIRouter(tags=["Mgmt REST API"])

Owner = Annotated[Caller, Depends(opened_by("mgmt"))]


@router.get(
    "/publishers",
    responses=answers(forms.PublishersPage, words="One row a client, never with its password."),
)
def publishers(request: Request, caller: Owner) -> Response:
    """List the MQTT clients of the account."""
    return reply(request, {"publishers": caller.account.books.publishers(caller.world.now())})


@router.post(
    "/publishers",
    status_code=201,
    responses=answers(forms.PublisherMade, status=201, words="The new client; its password is shown this once."),
)
def make_publisher(request: Request, caller: Owner, asked: forms.PublisherQuestion) -> Response:
    """Make an MQTT client; its id follows from the label."""
    made = caller.account.books.make_publisher(
        asked.label, allow_subscribe=asked.allow_subscribe, now=caller.world.now()
    )
    return reply(request, made, 201)


@router.post(
    "/publishers/{client_id}/pause",
    responses=answers(forms.Publisher, words="The client, paused."),
)
def pause(request: Request, caller: Owner, client_id: str) -> Response:
    """Pause an MQTT client: what it publishes from now on is not stored."""
    return reply(request, caller.account.books.pause(client_id, caller.world.now(), paused=True))


@router.post(
    "/publishers/{client_id}/resume",
    responses=answers(forms.Publisher, words="The client, no longer paused."),
)
def resume(request: Request, caller: Owner, client_id: str) -> Response:
    """Let a paused MQTT client go on."""
    return reply(request, caller.account.books.pause(client_id, caller.world.now(), paused=False))


@router.delete(
    "/publishers/{client_id}",
    status_code=204,
    responses=answers(None, status=204, words="It is gone; what it published stays."),
)
def remove_publisher(caller: Owner, client_id: str) -> Response:
    """Remove an MQTT client for good. What it published stays in the history."""
    caller.account.books.remove(client_id, caller.world.now())
    return Response(status_code=204)


@router.post(
    "/publishers/{client_id}/rotate-credentials",
    responses=answers(forms.Credentials, words="The new password, shown this once."),
)
def rotate(request: Request, caller: Owner, client_id: str) -> Response:
    """Give an MQTT client another password; the old one ends at once."""
    return reply(request, caller.account.books.rotate(client_id, caller.world.now()))


@router.post(
    "/subscriber-mqtt-passwords",
    status_code=201,
    responses=answers(forms.Subscriber, status=201, words="The new login; its password is shown this once."),
)
def make_subscriber(request: Request, caller: Owner, asked: forms.SubscriberQuestion) -> Response:
    """Make a broker login that may listen to everything of the account, and publish nothing."""
    made = caller.account.books.make_subscriber(asked.label, days=asked.expires_in_days, now=caller.world.now())
    if caller.world.broker is not None:
        caller.world.admit()
        made["broker_url"] = caller.world.broker.url
    return reply(request, made, 201)


@router.post(
    "/tenants",
    status_code=201,
    responses=answers(forms.Tenant, status=201, words="The new tenant, empty."),
)
def make_tenant(request: Request, caller: Owner, asked: forms.TenantQuestion) -> Response:
    """Make a tenant, an account of its own with no client in it."""
    del caller  # the check that it may
    return reply(request, {"account_id": str(uuid.uuid4()), "display_name": asked.display_name}, 201)


@router.get(
    "/members",
    responses=answers(forms.MembersPage, words="One row a member."),
)
def members(request: Request, caller: Owner) -> Response:
    """List the members of the account."""
    return reply(request, {"members": caller.account.books.members()})


@router.patch(
    "/members/{user_id}",
    responses=answers(forms.Member, words="The member, with the new role.", conflict="It is the last owner."),
)
def set_role(request: Request, caller: Owner, user_id: str, asked: forms.RoleQuestion) -> Response:
    """Give a member another role; the last owner stays one."""
    return reply(request, caller.account.books.set_role(user_id, asked.role))


@router.delete(
    "/members/{user_id}",
    status_code=204,
    responses=answers(None, status=204, words="The member has no access any more.", conflict="It is the last owner."),
)
def remove_member(caller: Owner, user_id: str) -> Response:
    """Take a member's access away; the last owner stays."""
    caller.account.books.remove_member(user_id)
    return Response(status_code=204)


@router.get(
    "/members/invites",
    responses=answers(forms.InvitesPage, words="One row an invite that has not expired."),
)
def invites(request: Request, caller: Owner) -> Response:
    """List the invites that are still open."""
    return reply(request, {"invites": caller.account.books.invites(caller.world.now())})


@router.post(
    "/members/invites",
    status_code=201,
    responses=answers(
        forms.Invite, status=201, words="The invite, valid for 48 hours.", conflict="Is a member, or invited, already."
    ),
)
def invite(request: Request, caller: Owner, asked: forms.InviteQuestion) -> Response:
    """Invite somebody to the account."""
    return reply(request, caller.account.books.invite(asked.email, asked.role, caller.world.now()), 201)


@router.delete(
    "/members/invites/{invite_id}",
    status_code=204,
    responses=answers(None, status=204, words="The invite is void."),
)
def withdraw(caller: Owner, invite_id: str) -> Response:
    """Take an invite back before it is accepted."""
    caller.account.books.withdraw(invite_id, caller.world.now())
    return Response(status_code=204)
