"""The questions and answers of the sandbox's routes, as its OpenAPI document describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST = 10_000
USUAL = 1000


class HistoryQuestion(BaseModel):
    """Which stored messages are asked for."""

    model_config = ConfigDict(extra="forbid")

    start: Annotated[
        str | None,
        Field(
            description="The first instant of the range, ISO 8601; without an offset it is UTC. "
            "24 hours before `end` if left out.",
            examples=["2026-11-01T00:00:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    end: Annotated[
        str | None,
        Field(
            description="The first instant after the range (it is not part of it), ISO 8601; without an offset it is "
            "UTC. Now if left out.",
            examples=["2026-11-08T00:00:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    client_id: Annotated[
        list[str],
        Field(description="Only messages of this client; may be given again. All clients if left out."),
    ] = []
    topic: Annotated[
        str,
        Field(
            description="An MQTT topic filter on the subpath, which comes after account and client.",
            examples=["telemetry/#"],
        ),
    ] = "#"
    limit: Annotated[int, Field(ge=1, le=MOST, description="How many messages an answer holds at most.")] = USUAL
    cursor: Annotated[
        str | None,
        Field(min_length=1, description="`next_cursor` of the answer before; the other parameters stay as they were."),
    ] = None


class Message(BaseModel):
    """One stored message."""

    time: Annotated[datetime, Field(description="When it was published, UTC, to the microsecond.")]
    client_id: Annotated[str, Field(description="The device that published it.")]
    topic: Annotated[str, Field(description="The platform path, `{account_id}/{client_id}/{subpath}`.")]
    payload_encoding: Annotated[
        Literal["text", "base64"] | None,
        Field(
            description="Only where what was published is no JSON: `text` or `base64`, and `payload` is a string in "
            "that encoding.",
        ),
    ] = None
    payload: Annotated[Any, Field(description="What was published: any JSON value.")]


class HistoryPage(BaseModel):
    """A page of stored messages, oldest first."""

    messages: list[Message]
    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null if this was the last one.")]


class LivePage(BaseModel):
    """The last message of each publisher that has one."""

    publishers: list[Message]


class Publisher(BaseModel):
    """One MQTT client. Its password is never shown again."""

    client_id: Annotated[str, Field(description="The device's own id.")]
    label: str
    username: Annotated[str, Field(description="The broker login; devices of a fleet may share one.")]
    topic: Annotated[str, Field(description="A pattern for live MQTT.")]
    history_topic_prefix: Annotated[str, Field(description="The platform path of its stored messages.")]
    paused: bool


class PublishersPage(BaseModel):
    """The account's MQTT clients."""

    publishers: list[Publisher]


class PublisherQuestion(BaseModel):
    """An MQTT client to be made."""

    label: Annotated[str, Field(min_length=1, max_length=100, description="What its owner calls it.")]
    allow_subscribe: Annotated[bool, Field(strict=True, description="Whether it may listen as well.")] = False


class Credentials(BaseModel):
    """A broker login."""

    client_id: str
    username: Annotated[str, Field(description="The broker login.")]
    password: Annotated[str, Field(description="Shown this once.")]


class Device(Credentials):
    """An MQTT client that was just made."""

    label: str
    allow_subscribe: bool
    created_at: datetime


class PublisherMade(BaseModel):
    """An MQTT client that was just made, and where it may publish."""

    device: Device
    publish_topic: Annotated[str, Field(description="The pattern of the topics that it may publish to.")]


class SubscriberQuestion(BaseModel):
    """A read-only subscriber to be made."""

    label: Annotated[str, Field(max_length=100, description="What its owner calls it.")] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=365, strict=True, description="For how long it works.")] = 30


class Subscriber(BaseModel):
    """A read-only subscriber: a broker login that may listen and nothing else."""

    id: str
    label: str
    username: Annotated[str, Field(description="The broker login.", examples=["sub-0123456789"])]
    password: Annotated[str, Field(description="Shown this once.")]
    topic_filter: Annotated[str, Field(description="All that it may listen to, `{account_id}/#`.")]
    created_at: datetime
    expires_at: datetime
    broker_url: Annotated[str | None, Field(description="Where the broker is; left out where none runs.")] = None


class TenantQuestion(BaseModel):
    """A tenant to be made."""

    display_name: Annotated[str, Field(min_length=1, max_length=100)]


class Tenant(BaseModel):
    """A tenant: an account of its own."""

    account_id: str
    display_name: str


class Member(BaseModel):
    """Somebody who works in the account."""

    user_id: str
    email: str
    role: Literal["owner", "member", "data_manager"]


class MembersPage(BaseModel):
    """Who works in the account."""

    members: list[Member]


class RoleQuestion(BaseModel):
    """A member's new role."""

    role: Literal["owner", "member", "data_manager"]


class InviteQuestion(BaseModel):
    """Somebody to be invited."""

    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    role: Literal["member", "data_manager"]


class Invite(BaseModel):
    """An invite, valid for 48 hours."""

    invite_id: str
    email: str
    role: Literal["member", "data_manager"]
    created_at: datetime
    expires_at: datetime


class InvitesPage(BaseModel):
    """The invites that are still open."""

    invites: list[Invite]


class Refusal(BaseModel):
    """Why a request was refused."""

    detail: Annotated[str, Field(description="What is wrong, and what to do.")]


class Problem(BaseModel):
    """What is wrong with one parameter or field."""

    loc: Annotated[list[str | int], Field(description="Where it is: `query` or `body`, then its name.")]
    msg: Annotated[str, Field(description="What is wrong.")]
    type: str


class NotValid(BaseModel):
    """Which parameters or fields cannot be used, and why."""

    detail: list[Problem]
