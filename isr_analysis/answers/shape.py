"""Which field is which: the names that portals give to time, client, topic and payload."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of an answer's fields, where they are known; None is found by shape.

    Parameters
    ----------
    rows : str or None
        The field of the envelope that holds the rows; dots go into nested objects.
    time, client_id, topic, payload : str or None
        The fields of a row.
    time_form : str or None
        ``"iso"``, or the unit of a number since 1970: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
    payload_form : str or None
        What a payload that is a JSON string means: ``"json"`` (a text value), ``"text"`` (the published bytes as
        text) or ``"base64"``.
    """

    rows: str | None = None
    time: str | None = None
    client_id: str | None = None
    topic: str | None = None
    payload: str | None = None
    time_form: str | None = None
    payload_form: str | None = None


TIME = (
    "time", "timestamp", "ts", "_time", "published_at", "publishedat", "datetime", "date_time", "event_time",
    "message_time", "time_ns", "time_us", "time_ms", "time_s", "timestamp_ns", "timestamp_us", "timestamp_ms",
    "timestamp_s", "ts_ns", "ts_us", "ts_ms", "ts_s", "epoch", "epoch_ms", "epoch_s", "recorded_at", "received_at",
    "receivedat", "receive_time", "stored_at", "created_at", "createdat", "last_seen", "lastseen", "last_seen_at",
    "last_message_at", "last_published_at", "at", "when", "date", "t",
)  # fmt: skip
CLIENT = (
    "client_id", "clientid", "client", "device_id", "deviceid", "device", "publisher_id", "publisherid", "publisher",
    "station", "station_id", "source_client", "cid", "id",
)  # fmt: skip
TOPIC = (
    "topic", "mqtt_topic", "topic_name", "topicname", "full_topic", "path", "_topic", "subpath", "sub_topic", "subtopic",
    "channel",
)  # fmt: skip
PAYLOAD = (
    "payload", "message", "body", "data", "content", "msg", "payload_json", "payload_raw", "raw", "_value", "value",
    "last_payload", "last_message",
)  # fmt: skip
BASE64 = ("payload_base64", "payload_b64", "base64", "payloadbase64", "data_base64", "raw_base64", "message_base64")
ENCODING = ("payload_encoding", "encoding", "payload_format", "content_encoding", "payloadencoding")
ACCOUNT = ("account_id", "accountid", "tenant_id", "tenantid", "account", "tenant")
ROWS = (
    "messages", "rows", "data", "items", "results", "records", "history", "publishers", "entries", "values", "points",
    "content", "list", "clients", "devices", "telemetry", "events", "result", "live",
)  # fmt: skip
CURSOR = (
    "next_cursor", "nextcursor", "next_page_token", "nextpagetoken", "continuation_token", "continuation", "next_token",
    "next", "cursor_next", "after", "end_cursor", "next_link", "nextlink", "next_url", "nexturl", "next_page",
    "@odata.nextlink",
)  # fmt: skip
TOTAL = ("total", "total_count", "totalcount", "total_rows", "total_results", "total_items", "totalitems", "total_messages")
HAS_MORE = ("has_more", "hasmore", "more", "has_next", "hasnext", "has_next_page", "hasnextpage", "truncated")


def pick(names: Iterable[str], known: tuple[str, ...]) -> str | None:
    """Give the first of the known names that occurs, in whatever spelling."""
    spelled = {plain(name): name for name in reversed(list(names))}
    return next((spelled[plain(one)] for one in known if plain(one) in spelled), None)


def plain(name: str) -> str:
    """Give a name without the differences of ``clientId``, ``client-id`` and ``CLIENT_ID``."""
    return name.lower().replace("-", "_").replace(" ", "_").replace("_", "") or name
