"""What is on disk, drawn as a thin strip. Pure: a frame of `coverage` in, HTML out."""

from __future__ import annotations

import html

import pandas as pd

from isr_analysis.amounts import percent
from isr_analysis.checks.absence import STATES

_CLIENTS = 6
_LOOK = {
    "settled": ("var(--jp-success-color1, #2e7d32)", "1"), "provisional": ("var(--jp-success-color1, #2e7d32)", "0.45"),
    "missing": ("var(--jp-border-color2, #ccc)", "0.6"), "failed": ("var(--jp-error-color1, #c62828)", "1"),
}  # fmt: skip


def shares(covered: pd.DataFrame) -> dict[str, float]:
    """Give the share of each state in the spans of `coverage`, 0 to 1; states that are not there are left out."""
    length: dict[str, float] = {}
    for spans in _by_client(covered).values():
        for start, end, state in zip(spans["start"], spans["end"], spans["state"], strict=True):
            length[state] = length.get(state, 0.0) + (end - start).total_seconds()
    total = sum(length.values())
    return {state: length[state] / total for state in _LOOK if length.get(state)} if total else {}


def strip(covered: pd.DataFrame) -> str:
    """Draw the spans of `coverage`, a line for each client, with the shares in words below.

    Parameters
    ----------
    covered : pandas.DataFrame
        As `coverage` gives it.
    """
    if not len(covered):
        return '<div class="isr-dim">Nothing is known about this range yet.</div>'
    first, last = covered["start"].min(), covered["end"].max()
    whole = max((last - first).total_seconds(), 1e-9)
    clients = _by_client(covered)
    words = " · ".join(f"{percent(share)} {STATES[state]}" for state, share in shares(covered).items())
    lines = []
    for client, spans in [*clients.items()][:_CLIENTS]:
        drawn = "".join(
            f'<rect x="{100 * (start - first).total_seconds() / whole:.3f}" y="0" height="10" '
            f'width="{max(100 * (end - start).total_seconds() / whole, 0.15):.3f}" '
            f'style="fill:{_LOOK[state][0]};fill-opacity:{_LOOK[state][1]}"/>'
            for start, end, state in zip(spans["start"], spans["end"], spans["state"], strict=True)
        )
        name = f'<div class="isr-dim">{html.escape(client)}</div>' if len(clients) > 1 else ""
        lines.append(
            f'{name}<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
            f'aria-label="{html.escape(words)}" style="width:100%;height:10px;display:block">{drawn}</svg>'
        )
    more = f'<div class="isr-dim">and {len(clients) - _CLIENTS} more</div>' if len(clients) > _CLIENTS else ""
    return f'<div>{"".join(lines)}{more}<div class="isr-dim">{html.escape(words)}</div></div>'


def _by_client(covered: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Give the spans of each client; what was fetched of all clients (``"*"``) counts for each."""
    named = [client for client in dict.fromkeys(covered["client_id"]) if client != "*"]
    return {client: covered[covered["client_id"].isin([client, "*"])] for client in named or ["*"]}
