"""A portal, and an InfluxDB, that do nothing but send what was rendered before: what they cost is small, and equal.

``python page_server.py FOLDER`` prints its port. The folder has one file an answer; `index.json` says for which
request. An answer for the day `DAY`, where `index.json` says "each", stands for every day: its dates are written anew.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DAY = "2026-11-01"


class Pages:
    """The answers of a folder, by path, first instant and cursor."""

    def __init__(self, folder: Path) -> None:
        self.answers = {}
        for path, start, cursor, kind, file in json.loads((folder / "index.json").read_text()):
            body = (folder / file).read_bytes()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            self.answers[path, start, cursor] = head.encode(), body

    def answer(self, target: str) -> bytes:
        """Give an answer, as it goes over the wire; 404 where there is none."""
        parts = urlsplit(target)
        asked = parse_qs(parts.query)
        start, cursor = (asked.get(name, [""])[0] for name in ("start", "cursor"))
        for key in (start, "each"):
            if known := self.answers.get((parts.path, key, cursor)):
                head, body = known
                return head + (body.replace(DAY.encode(), start[:10].encode()) if key == "each" else body)
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                lengths = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
                await reader.readexactly(int(lengths[0]) if lengths else 0)
                writer.write(self.answer(lines[0].split(" ")[1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main(folder: Path) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Pages(folder).serve, "127.0.0.1", 0, limit=2**20)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
