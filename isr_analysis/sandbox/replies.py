"""Answers in JSON, compressed if the client accepts it."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

from fastapi import Request, Response

_WORTH_PACKING = 1000


def reply(request: Request, body: bytes | dict[str, Any], status: int = 200) -> Response:
    """Answer with JSON: bytes that are JSON already, or an object."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Vary": "Accept-Encoding"}
    if len(content) >= _WORTH_PACKING and takes_gzip(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, status, headers, "application/json")


def takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header takes gzip."""
    weights: dict[str, float] = {}
    for one in accepted.lower().split(","):
        coding, _, rest = one.partition(";")
        weight = re.match(r"\s*q\s*=\s*(\d(?:\.\d*)?)", rest)
        weights[coding.strip()] = float(weight[1]) if weight else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
