"""The documentation page: plain HTML that loads nothing else."""

from __future__ import annotations

import html
import re
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-size:.9em}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}"
    "h2{margin-top:2.2rem;font-size:1.1rem}"
)


def page(document: dict[str, Any], address: str) -> str:
    """Write the page for an OpenAPI document that lies at an address."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{_text(document['info']['title'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(document['info']['title'])}</h1><p>{_text(document['info']['description'])}</p>",
        f'<p>The OpenAPI document: <a href="{_text(address)}">{_text(address)}</a></p>',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += [
                f"<h2><code>{method.upper()} {_text(path)}</code></h2>",
                f"<p>{_text(operation.get('description') or operation.get('summary', ''))}</p>",
                f"<p><small>{_text(', '.join(operation.get('tags', [])))}</small></p>",
            ]
            rows = [
                f"<tr><td><code>{_text(one['name'])}</code></td><td>{_text(one.get('description', ''))}</td></tr>"
                for one in operation.get("parameters", [])
            ]
            rows += [
                f"<tr><td>{_text(status)}</td><td>{_text(one.get('description', ''))}</td></tr>"
                for status, one in sorted(operation["responses"].items())
            ]
            parts.append(f"<table>{''.join(rows)}</table>")
    return "\n".join([*parts, "</body></html>"])


def _text(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(text), quote=True))
