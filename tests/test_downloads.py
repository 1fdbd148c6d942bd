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
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, HOUR

STORED = [Message(FIRST + i * HOUR, "dev-a", "t/x", {"n": i}) for i in range(100)]
STORE = "https://files.example"


class Exporting:
    """Puts what is asked for into files, one a day, and names them as `names` does."""

    def __init__(self, names, *, signed=True):
        self.names, self.signed = names, signed
        self.files: dict[str, bytes] = {}
        self.numbers = itertools.count()
        self.leaks: list[str] = []

    def respond(self, request):
        """Answer a request, of the portal or of the store."""
        url = request.url
        if url.host == "files.example":
            self.leaks += [name for name in request.headers if name in ("authorization", "x-isr-account-id")]
            return httpx.Response(200, content=self.files[url.path])
        if url.path == f"{API}/publishers":
            return httpx.Response(200, json=[{"client_id": "dev-a", "history_topic_prefix": f"{ACCOUNT}/dev-a/"}])
        if url.path != f"{API}/history":
            return httpx.Response(404, json={"detail": "Not Found"})
        low, high = (portal_rows.read_instant("iso", url.params[name]) for name in ("start", "end"))
        found = [one for one in STORED if low <= one.at < high]
        days = dict.fromkeys(one.at // DAY for one in found) if self.names is not alone else [0]
        return self.names([self.put([m for m in found if m.at // DAY == day or not day]) for day in days], url.params)

    def put(self, found):
        """Put messages into a file; gives its address."""
        path = f"/exports/{next(self.numbers)}.ndjson.gz"
        lines = b"".join(json.dumps(portal_rows.plain(one)).encode() + b"\n" for one in found)
        self.files[path] = gzip.compress(lines)
        return STORE + path + ("?X-Amz-Signature=abc&X-Amz-Expires=900" if self.signed else "")


def alone(urls, _):
    """Give the address of one file, and until when it opens."""
    return httpx.Response(200, json={"download_url": urls[0], "expires_at": "2026-11-05T06:00:00Z"})


def listed(urls, _):
    """Give an object for each file."""
    files = [{"date": "2026-11-01", "url": url, "rows": 24} for url in urls]
    return httpx.Response(200, json={"files": files, "count": len(files)})


def bare(urls, asked):
    """Give nothing but addresses; of more than one file in pages."""
    at = int(asked.get("cursor", 0))
    more = str(at + 1) if at + 1 < len(urls) else None
    return httpx.Response(200, json={"urls": urls[at : at + 1], "next_cursor": more})


@pytest.mark.parametrize("names", [alone, listed, bare])
@pytest.mark.parametrize("signed", [True, False])
def test_messages_are_read_from_the_files_that_are_named(home, names, signed):
    """Of all clients and of one; what opens by itself is fetched where it lies, without the token."""
    server = Exporting(names, signed=signed)
    with portals.connect("http://127.0.0.1:1", home, transport=httpx.MockTransport(server.respond)) as portal:
        same(isr.load_history(**SPAN, portal=portal), inside(STORED))
        same(isr.load_history("dev-a", "t/x", **SPAN, refresh=True, portal=portal), inside(STORED))
    assert server.files
    assert not server.leaks


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
