"""Which field is which: the names that portals give to time, client, topic and payload, in whatever spelling."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of an answer's fields, where they are known; None is found by shape.

    Parameters
    ----------
    rows : str or None
        The field of the envelope that holds the rows; dots go into nested objects.
    time, client_id, topic, payload : str or None
        The fields of a row; dots go into nested objects.
    time_form : str or None
        ``"iso"``, or the unit of a number since 1970: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
    time_zone : str or None
        The zone of instants that name none, such as ``"Europe/Zurich"``; by default UTC. The history is asked in it,
        too, if the layout of its question names no zone.
    payload_form : str or None
        What a payload that is a JSON string means: ``"json"`` (a text value), ``"text"`` (the published bytes as
        text), ``"base64"``, ``"hex"`` or ``"bytes"`` (a list of them); or ``"boxed"``, in an object that says how.
    clock : str or None
        Of rows with several times, the field of the one that the portal goes by, as it was found out; it stands for the
        message in each row that has it.
    """

    rows: str | None = None
    time: str | None = None
    client_id: str | None = None
    topic: str | None = None
    payload: str | None = None
    time_form: str | None = None
    time_zone: str | None = None
    payload_form: str | None = None
    clock: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and how the answer is to be read.

    Parameters
    ----------
    fields : Fields
        The names that are known.
    live : bool
        Whether the answer holds the last messages of publishers rather than history.
    account_id : str or None
        The account in use.
    client_id, topic : str or None
        The client and the topic filter that the question named.
    answered_at : int or None
        When the portal gave the answer, ns, where that is known.
    """

    fields: Fields
    live: bool
    account_id: str | None
    client_id: str | None
    topic: str | None
    answered_at: int | None = None

    @property
    def one_topic(self) -> str | None:
        """The topic that the question named, if that is no filter of several."""
        return None if self.topic is None or any(mark in self.topic for mark in "+#") else self.topic


SURE_CLIENT = ("clientid", "mqttclientid", "publisherid", "client", "publisher")
CLIENT = (
    *SURE_CLIENT, "deviceid", "device", "stationid", "station", "nodeid", "sourceclient", "cid", "clientidentifier",
    "clientuid", "clientslug", "deviceidentifier", "deviceuid", "deviceslug", "clientname", "devicename",
    "publishername", "entityid",
)  # fmt: skip
UNNAMED = ("id", "name", "username")
"""What a publisher may be called by in a live answer."""
PERHAPS_CLIENT = (
    "mqttclient", "node", "gateway", "gatewayid", "thing", "thingid", "deveui", "sensorid", "sensor", "machineid",
    "machine", "assetid", "asset", "imei", "serialnumber", "serial",
)  # fmt: skip
"""Names that count where nothing else says whose a message is."""
TOPIC = (
    "lasttopic", "lastmessagetopic", "topic", "mqtttopic", "topicname", "messagetopic", "msgtopic", "fulltopic",
    "topicpath", "topicfull", "subpath", "subtopic", "topicsub", "topicsuffix",
)  # fmt: skip
PERHAPS_TOPIC = ("channel", "subject", "path", "measurement", "attrname")
"""Names that count where there is no other and the values have levels."""
PAYLOAD = (
    "payload", "payloadjson", "jsonpayload", "lastpayload", "messagepayload", "msgpayload", "mqttpayload", "rawpayload",
    "payloadraw", "payloadtext", "payloadstring", "payloadstr", "payloadutf8", "payloaddata",
    "payloadobject", "payloadnum", "payloadnumber", "payloadnumeric", "payloaddouble", "payloadfloat", "payloadint",
    "payloadinteger", "payloadlong", "payloadbool", "payloadboolean",
)  # fmt: skip
_CODED = ("payload", "lastpayload", "message", "msg", "body", "data", "raw", "content")
BASE64 = (*(f"{one}base64" for one in _CODED), "payloadb64", "base64payload", "b64payload", "base64")
HEX = (*(f"{one}hex" for one in _CODED), "hexpayload", "hex")
PAYLOADS = (*PAYLOAD, *BASE64, *HEX)
# These hold the payload only if nothing else can: a payload spread over its row may have a field of the same name.
PERHAPS_PAYLOAD = (
    "lastmessage", "message", "body", "data", "content", "msg", "json", "raw", "value", "lastvalue", "val", "v",
    "fields", "values", "last", "latest", "result", "attrvalue",
)  # fmt: skip
HOLDERS = {
    "metrics", "measurements", "attributes", "properties", "readings", "object", "decoded", "parsed", "record",
    "document", "contents", "params", "telemetry", "doc", "reading", "sample", "observation", "details", "info",
}  # fmt: skip
"""What an object is called that holds all of a payload, where nothing else may be one."""
LAST = ("lastmessage", "message", "msg", "last", "latest")
"""What a live answer calls the object of a publisher's last message."""
WILL = ("lastwill", "will", "lwt", "willmessage", "lastwillmessage", "lastwilltestament")
"""What a publisher left with the broker, to be published when it is gone: no message of its."""
_OF_MESSAGES = {*TOPIC, *PAYLOADS, *PERHAPS_PAYLOAD}
ENCODING = (
    "payloadencoding", "encoding", "payloadformat", "payloadtype", "contentencoding", "isbase64encoded", "isbase64",
    "payloadisbase64", "base64encoded", "format",
)  # fmt: skip
ACCOUNT = ("accountid", "tenantid", "account", "tenant")
FRAGMENT = (("_field", "_value"), ("field", "value"), ("attrName", "attrValue"))
"""The field's name and its value, where a row is one field of a message."""

ROWS = (
    "messages", "rows", "records", "history", "items", "results", "result", "data", "publishers", "clients", "devices",
    "entries", "points", "events", "telemetry", "values", "content", "list", "live", "response", "body", "hits", "docs",
    "edges", "nodes", "series", "topics", "members", "invites", "objects", "value", "last", "latest", "output",
    "member", "payload", "documents", "readings", "samples", "observations", "measurements", "feeds", "logs",
    "lastmessages", "latestmessages", "lastvalues", "latestvalues", "lasttopics", "bytopic", "lastbytopic",
    "latestbytopic", "entities", "contextresponses", "contextelement",
)  # fmt: skip
_PLACES = {
    "account", "all", "answer", "archive", "array", "asset", "attribute", "batch", "block", "board", "channel",
    "chunk", "client", "collection", "content", "context", "current", "daily", "data", "datapoint", "dataset",
    "datum", "device", "doc", "document", "element", "entity", "entry", "event", "feed", "field", "found", "frame",
    "gateway", "group", "history", "hit", "hourly", "item", "last", "latest", "list", "live", "log", "machine", "map",
    "match", "measurement", "message", "metric", "model", "mqtt", "msg", "newest", "node", "object", "observation",
    "output", "packet", "page", "parameter", "payload", "place", "point", "property", "publication", "publisher",
    "raw", "reading", "recent", "record", "reply", "report", "resource", "response", "result", "retained", "room",
    "row", "sample", "sensor", "series", "set", "site", "station", "stream", "subject", "table", "telemetry",
    "tenant", "thing", "time", "timeseries", "topic", "unit", "update", "uplink", "value", "variable",
}  # fmt: skip
"""Words that a place for rows is called by: several of them, or one in the plural."""
_PLACE_ALONE = {"archive", "batch", "chunk", "found", "history", "log", "reply", "report", "series", "timeseries"}

BESIDE = (
    "warnings", "errors", "notices", "links", "meta", "metadata", "pagination", "paging", "page", "pageinfo",
    "stats", "statistics", "schema", "columns", "fields", "included", "cursors", "query", "params", "request",
    "responsemetadata", "index", "next", "info",
)  # fmt: skip
"""What stands in an envelope beside the rows."""

AROUND = "\0around."
"""How names begin that a group of rows says of them all, and that are no part of a payload spread over a row."""

PUBLISHERS = "\0publisher."
"""How fields of a live answer are named that are of the publisher itself, such as when it was registered."""

_BOOKKEEPING = {
    "qos", "retain", "retained", "retainflag", "dup", "duplicate", "id", "messageid", "msgid", "mid", "packetid",
    "historytopicprefix", "contenttype", "userproperties", "mqttproperties", *ACCOUNT, *ENCODING[:1], "payloadsize",
    "payloadlength", "rowid", "measurement", "ioxmeasurement", "host", "attrtype", "entitytype",
}  # fmt: skip
_RECORDS = (
    ({"partition", "offset"}, {"key", "headers", "timestamptype", "leaderepoch"}),  # Kafka
    ({"specversion"}, {"source", "type", "subject", "datacontenttype", "dataschema", "traceparent", "tracestate"}),
    ({"rid", "etag", "ts"}, {"self", "attachments", "lsn"}),  # Cosmos DB
)
"""The fields that show a record of a broker or a CloudEvent, and its others: of the record, not of what is in it."""

_PUBLISHERS = {*WILL, "label", "displayname", "paused", "ispaused", "online", "connected", "isonline", "allowsubscribe"}

_UNITS = {
    "ns": "ns", "nanos": "ns", "nanoseconds": "ns", "nanosecond": "ns", "nsec": "ns", "us": "us", "micros": "us",
    "microseconds": "us", "microsecond": "us", "usec": "us", "ms": "ms", "millis": "ms", "milliseconds": "ms",
    "millisecond": "ms", "msec": "ms", "s": "s", "sec": "s", "secs": "s", "seconds": "s",
}  # fmt: skip
_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_UNITS_OF_AGES = {
    **{word: _NS[unit] for word, unit in _UNITS.items()},
    **dict.fromkeys(("minutes", "minute", "mins", "min"), 60 * 10**9),
    **dict.fromkeys(("hours", "hour", "hrs"), 3600 * 10**9),
}
_AGE = {"age", "ago", "idle", "elapsed", "since", "silent"}
"""Words of how long ago something was."""
_CLOCK_WORDS = {"at", "time", "timestamp", "ts", "date", "datetime"}
_FORMS = {"unix", "epoch", "utc", "iso", "iso8601", "rfc3339", "gmt"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+")
PUBLISHED, PLAIN, VAGUE, EVENT, RECEIVED, SEEN = range(6)
"""What a field of a message's time says, by its name; the first of these that a row has stands for the message."""

_INSTANT = re.compile(
    r"(?:last|latest)?(?P<published>publish(?:ed)?|pub|message|msg)?"
    r"(?P<event>events?|sampled?|samples|measured|measurement|measure|observed|observation|recorded|record|reading|device|"
    r"source|origin|sent|send|mqtt|telemetry|data|value|payload|captured|occurred|reported|report)?"
    r"(?P<received>received?|recv|rx|arrival|arrived|ingested|ingest|ingestion|stored?|storage|inserted|insert|created?|"
    r"creation|saved?|logged|log|server|broker|written|processed|row|db)?"
    r"(?P<word>time|timestamp|ts|datetime|date|at|epoch|when|instant|dt|t)?"
)
_NOT_ALONE = {
    "", "last", "latest", "device", "data", "message", "msg", "event", "events", "source", "mqtt", "record", "reading",
    "origin", "telemetry", "report", "row", "db", "log", "server", "broker", "sample", "samples", "storage",
    "measurement", "measure", "value", "lastvalue", "latestvalue", "payload", "lastpayload", "latestpayload",
}  # fmt: skip
"""What says whose time it is, but is none without a word for time."""
_SEEN = re.compile(
    r"last(?:seen|active|activity|updated?|heard|contact|report)(?:at|time|ts|timestamp)?|updatedat|lasttime"
)
_OF_LAST = re.compile(r"^(?:last|latest|newest|mostrecent|recent|current)(?:mqtt)?(?:message|msg)?")
_OF_DEVICE = re.compile(
    r"start|stop|end|boot|reboot|reset|up|down|on|off|expir|valid|connect|disconnect|online|offline|register|install|deploy"
    r"|renew|build|first|next|change|modif|updat|birth|death|join|retry|until|since|from|to$"
)
"""Words of times at which something befell a device or a record, and no message was published."""
_PARTS = {
    "payload", "message", "msg", "body", "json", "raw", "data", "content", "text", "string", "str", "object", "obj",
    "mqtt", "decoded", "parsed", "published", "last", "latest",
}  # fmt: skip
_MADE = re.compile(r"(?:created?|creation|registered|registration|inserted)(?:at|on|time|date|ts|timestamp)?")


@lru_cache(4096)
def plain(name: str) -> str:
    """Give a name without the differences of ``clientId``, ``client-id``, ``client.id`` and ``CLIENT_ID``.

    What Hydra's names begin with is left out, too.
    """
    return re.sub(r"[^0-9a-z]", "", name.lower().removeprefix("hydra:")) or name


@lru_cache(4096)
def leaf(name: str) -> str:
    """Give the last part of a nested field's name as `plain` does."""
    return plain(name.rpartition(".")[2])


def _words(name: str) -> list[str]:
    """Give the words of the last part of a nested field's name, in small letters."""
    return [word.lower() for word in _WORD.findall(name.rpartition(".")[2])]


def pick(names: Collection[str], known: tuple[str, ...]) -> str | None:
    """Give the first of the known names that occurs; a field of a nested object counts by its last part too.

    Its last part comes first: of a ``client`` with an ``id`` of the database and a ``client_id``, it is the latter.
    What a name says of the last message, before what it is, counts least: ``last_message_payload`` is a payload.
    """
    spelled: dict[str, str] = {}
    for name in sorted(names, key=lambda name: "." in name):
        spelled.setdefault(leaf(name), name)
    for name in names:
        spelled.setdefault(plain(name), name)
    for name in names:
        if (bare := of_last(name)) in _OF_MESSAGES:
            spelled.setdefault(bare, name)
    return next((spelled[one] for one in known if one in spelled), None)


@lru_cache(4096)
def is_place(name: str, *, singular: bool = False) -> bool:
    """Tell whether a name is one of a place for rows in an envelope, rather than that of a client or a topic.

    One word in the singular may be either, and is none unless `singular`.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    single = [re.sub(r"(?<=[hsx])es$|(?<!s)s$", "", re.sub(r"ies$", "y", word)) for word in words]
    known = all(word in _PLACES or one in _PLACES for word, one in zip(words, single, strict=True))
    sure = singular or len(words) > 1 or single != words or name.lower() in _PLACE_ALONE
    return plain(name) in ROWS or (known and sure and "/" not in name and "".join(words) == plain(name))


@lru_cache(4096)
def of_last(name: str) -> str:
    """Give a name, as `plain` does, without what says that it is of the last message."""
    spelled = leaf(name)
    return _OF_LAST.sub("", spelled) or spelled


@lru_cache(4096)
def is_of_payload(name: str) -> bool:
    """Tell whether a name is put together of words for a payload alone, such as ``message_body`` or ``rawJson``."""
    words = set(_words(name))
    return len(words) > 1 and words <= _PARTS and not words.isdisjoint(("payload", "message", "msg", "body", "json"))


@lru_cache(4096)
def time_rank(name: str) -> int | None:
    """Rank a field that may hold a message's time, from `PUBLISHED` to `SEEN`; None is no such field."""
    words = _words(name)
    core = "".join(word for word in words if word not in _UNITS and word not in _FORMS)
    if not core:
        return PLAIN if any(word in ("epoch", "unix", "utc") for word in words) else None
    if _SEEN.fullmatch(core):
        return SEEN
    found = _INSTANT.fullmatch(core) or _INSTANT.fullmatch(re.sub(r"^(timestamp|time|ts)(.+)", r"\2\1", core))
    if found is None or core in _NOT_ALONE:
        return None
    for group, rank in (("received", RECEIVED), ("event", EVENT), ("published", PUBLISHED)):
        if found[group]:
            return rank
    return VAGUE if found["word"] in ("date", "t", "at", "when", "dt") else PLAIN


@lru_cache(4096)
def is_same_time(name: str, other: str) -> bool:
    """Tell whether two fields say one instant, each in its form: ``created_at`` and ``created_epoch``, say."""
    words = [[word.lower() for word in _WORD.findall(one)] for one in (name, other)]
    formal = {*_UNITS, *_FORMS}
    whose = [[word for word in one if word not in formal and word not in _CLOCK_WORDS] for one in words]
    return whose[0] == whose[1] and (bool(whose[0]) or not formal.isdisjoint(words[0] + words[1]))


@lru_cache(4096)
def is_other_time(name: str) -> bool:
    """Tell whether a field is a time of a kind that is not known: it counts where it holds dates and no other does."""
    words = _words(name)
    if len(words) < 2 or time_rank(name) is not None or any(map(_OF_DEVICE.match, words)):  # noqa: PLR2004
        return False
    return words[-1] in ("time", "timestamp", "datetime")


@lru_cache(4096)
def may_be_time(name: str) -> bool:
    """Tell whether a field may be a message's time, whatever its name: no client, topic, note or act of a device."""
    spelled = leaf(name)
    if spelled in (*CLIENT, *TOPIC, *_BOOKKEEPING) or time_rank(name) is not None:
        return False
    return not any(map(_OF_DEVICE.match, (word.lower() for word in _WORD.findall(name))))


@lru_cache(4096)
def is_of_making(name: str) -> bool:
    """Tell whether a field says when a record was made, a publisher's perhaps."""
    return _MADE.fullmatch(plain(name)) is not None


@lru_cache(4096)
def unit_of(name: str) -> str | None:
    """Give the unit that a time's name states: s, ms, us or ns."""
    words = _words(name)
    return next((_UNITS[word] for word in words[1:] if word in _UNITS), None)


@lru_cache(4096)
def age_unit(name: str) -> int | None:
    """Give the unit (ns) in which a field says how long ago something last came; None if it says no such thing."""
    words = _words(name)
    of_device = any(_OF_DEVICE.match(word) for word in words if word not in ("since", "update", "updated"))
    if of_device or (_AGE.isdisjoint(words) and time_rank(name) != SEEN):
        return None
    return next((_UNITS_OF_AGES[word] for word in words if word in _UNITS_OF_AGES), 10**9)


@lru_cache(4096)
def part_of_second(name: str, time: str) -> str | None:
    """Give the unit of what a field may say of an instant beside its seconds: ns of ``ts_nanos`` beside ``ts``."""
    words = _words(name)
    unit = next((_UNITS[word] for word in words if _UNITS.get(word, "s") != "s"), None)
    same = name != time and name.rpartition(".")[0] == time.rpartition(".")[0] and is_same_time(time, name)
    return unit if same else None


@lru_cache(4096)
def is_unit(name: str) -> bool:
    """Tell whether a name is one of a unit of time that a payload's field may have as well, such as ``ms``."""
    return plain(name) in _UNITS and not plain(name).startswith(("nano", "nsec"))


@lru_cache(4096)
def is_label(name: str) -> bool:
    """Tell whether a field is likely to be read as text: a client, a topic, the time."""
    spelled = plain(name)
    return spelled in CLIENT or spelled in TOPIC or time_rank(name) in (PUBLISHED, PLAIN)


def is_account_id(name: str) -> bool:
    """Tell whether a field holds the id of an account."""
    return leaf(name) in ("accountid", "tenantid")


@lru_cache(4096)
def is_bookkeeping(name: str, *, live: bool = False) -> bool:
    """Tell whether a field is the portal's own note on a message and no part of a payload spread over its row."""
    spelled = leaf(name)
    of_publisher = live and (spelled in _PUBLISHERS or plain(name) == "username")  # its login, beside its message
    return spelled in _BOOKKEEPING or of_publisher or time_rank(name) in (RECEIVED, SEEN)


def of_record(names: Collection[str]) -> set[str]:
    """Give the names of fields that belong to a record around the message, where the fields together show one."""
    spelled = {plain(name): name for name in names}
    known = (shown | others for shown, others in _RECORDS if shown <= spelled.keys())
    return {spelled[one] for part in known for one in part if one in spelled}
