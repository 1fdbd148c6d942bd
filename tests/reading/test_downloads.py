"""A portal that names files in the place of messages: exactly the messages in them, and the token stays at home."""

from __future__ import annotations

import gzip
import itertools
import json

import httpx
import portal_rows
import portals
import pytest
from portal_messages import SPAN, inside, same
from portals import ACCOUNT, API, FIRST, Message

import isr_analysis as isr
from isr_analysis.errors import AnswerError, HistoryIncompleteError, PortalUnavailableError
from isr_analysis.times import DAY, HOUR

STORED = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"n": i}) for i in range(100)]
STORE = "https://files.example"


class Exporting:
    """Puts what is asked for into files, one a day, and names them as `names` does."""

    def __init__(self, names, *, signed=True, opens=None, expired=403, elsewhere=404):
        self.names, self.signed, self.opens = names, signed, opens
        self.expired, self.elsewhere = expired, elsewhere
        self.opened: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.numbers = itertools.count()
        self.leaks: list[str] = []

    def respond(self, request):
        """Answer a request, of the portal or of the store."""
        url = request.url
        if url.host == "files.example":
            self.leaks += [name for name in request.headers if name in ("authorization", "x-isr-account-id")]
            if self.opens is not None and not self.opens(url.path, self):
                return httpx.Response(self.expired, text="<Error><Message>Request has expired</Message></Error>")
            self.opened.add(url.path)
            return httpx.Response(200, content=self.files[url.path])
        if url.path == f"{API}/publishers":
            return httpx.Response(200, json=[{"client_id": "dev-a", "history_topic_prefix": f"{ACCOUNT}/dev-a/"}])
        if url.path != f"{API}/history":
            status = self.elsewhere if url.path.startswith("/exports/") else 404
            return httpx.Response(status, json={"detail": "no such route"})
        low, high = (portal_rows.read_instant("iso", url.params[name]) for name in ("start", "end"))
        found = [one for one in STORED if low <= one.at < high]
        days = dict.fromkeys(one.at // DAY for one in found) if self.names not in (alone, sent) else [0]
        return self.names([self.put([m for m in found if m.at // DAY == day or not day]) for day in days], url.params)

    def put(self, found):
        """Put messages into a file; gives its address."""
        path = f"/exports/{next(self.numbers)}.ndjson.gz"
        lines = b"".join(json.dumps(portal_rows.plain(one)).encode() + b"\n" for one in found)
        self.files[path] = gzip.compress(lines, mtime=0)
        return STORE + path + ("?X-Amz-Signature=abc&X-Amz-Expires=900" if self.signed else "")


def alone(urls, _):
    """Give the address of one file, and until when it opens."""
    return httpx.Response(200, json={"download_url": urls[0], "expires_at": "2026-11-05T06:00:00Z"})


def listed(urls, _):
    """Give an object for each file."""
    files = [{"date": "2026-11-01", "url": url, "rows": 24} for url in urls]
    return httpx.Response(200, json={"files": files, "count": len(files)})


def within(urls, _):
    """Give them a level down."""
    return httpx.Response(200, json={"data": {"files": [{"location": url, "format": "ndjson"} for url in urls]}})


def manifest(urls, _):
    """Give paths."""
    return httpx.Response(200, json={"manifest": [{"path": url} for url in urls]})


def sent(urls, _):
    """Send on to the file itself."""
    return httpx.Response(302, headers={"Location": urls[0]})


def bare(urls, asked):
    """Give nothing but addresses; of more than one file in pages."""
    at = int(asked.get("cursor", 0))
    more = str(at + 1) if at + 1 < len(urls) else None
    return httpx.Response(200, json={"urls": urls[at : at + 1], "next_cursor": more})


@pytest.mark.parametrize("names", [alone, listed, bare, within, manifest, sent])
@pytest.mark.parametrize("signed", [True, False])
def test_messages_are_read_from_the_files_that_are_named(home, names, signed):
    """Of all clients and of one; what opens by itself is fetched where it lies, without the token."""
    server = Exporting(names, signed=signed)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        same(isr.load_history("dev-a", "t/x", **SPAN, refresh=True, portal=portal), inside(STORED))
    assert server.files
    assert not server.leaks


@pytest.mark.parametrize("elsewhere", [401, 403, 404])
def test_what_the_portal_has_not_itself_is_fetched_where_it_lies(home, elsewhere):
    """However it says that it has no such path; the token does not go there."""
    server = Exporting(listed, signed=False, elsewhere=elsewhere)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
    assert server.opened
    assert not server.leaks


@pytest.mark.parametrize("names", [alone, listed])
@pytest.mark.parametrize("expired", [400, 403, 404, 410])
def test_an_address_that_no_longer_opens_is_asked_for_again(home, names, expired):
    """In the midst of a list, too: the files that came are not fetched again."""
    refused = set()

    def opens(path, server):
        known = server.files[path] in refused
        refused.add(server.files[path])
        return known

    server = Exporting(names, opens=opens, expired=expired)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
    assert refused


@pytest.mark.parametrize("names", [alone, listed, sent])
@pytest.mark.parametrize("expired", [400, 403, 404, 410])
def test_a_file_that_cannot_be_had_is_an_error(home, names, expired):
    """That a store has it no longer does not mean that there is nothing, or nothing so old."""
    server = Exporting(names, opens=lambda *_: False, expired=expired)
    with (
        portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal,
        pytest.raises((HistoryIncompleteError, PortalUnavailableError), match="Request has expired"),
    ):
        isr.load_history(**SPAN, portal=portal)


def test_an_address_among_a_messages_fields_is_no_file(home):
    """A payload may hold one, spread over its row."""

    def names(urls, _):
        rows = [{"time": "2026-11-02T00:00:00Z", "topic": "t/x", "client_id": "dev-a", "url": url} for url in urls[:1]]
        return httpx.Response(200, json={"files": rows})

    server = Exporting(names)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal:
        df = isr.load_history(start="2026-11-02", end="2026-11-03", portal=portal)
    assert df["url"].str.startswith(STORE).all()
    assert len(df) == 1


def test_a_list_of_files_that_is_not_understood_is_no_list_of_messages(home):
    """Also where one client is asked for, of which rows need not say more."""

    def names(urls, asked):
        day = asked["start"][:10]
        return httpx.Response(200, json={"inhalt": [{"date": day, "ort": url, "size": 7} for url in urls]})

    server = Exporting(names)
    with (
        portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal,
        pytest.raises(AnswerError, match="topic"),
    ):
        isr.load_history("dev-a", **SPAN, portal=portal)
