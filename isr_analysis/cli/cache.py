"""The command `isr cache`: what is stored on disk."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import click

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.amounts import counted, sized
from isr_analysis.cli.options import Group, ask, connecting, go_on, json_option, wait_option, yes_option
from isr_analysis.errors import TokenMissingError, UsageError
from isr_analysis.files import size_of
from isr_analysis.portal import accounts
from isr_analysis.portal import token as tokens

_EVER = (0, 4_102_444_800 * 10**9)
_LATER = "; their files stay for an hour, for current readers, and go with the next sync or recording after that"


@click.group(cls=Group, invoke_without_command=True)
@json_option
@connecting
@click.pass_context
def cache(context: click.Context, /, **given: Any) -> None:
    """Show, clear and verify what is stored on disk.

    Without a command, show it.
    """
    go_on(context, show, given)


@cache.command()
@json_option
@connecting
def show(profile: str | None, origin: str | None, as_json: bool) -> None:
    """Show what is stored, where, and how large it is.

    Without a token, this shows the only account stored for the portal, or the one in ISR_ACCOUNT_ID.
    """
    from isr_analysis import times
    from isr_analysis.store.recorded import Recorded
    from isr_analysis.store.store import Store

    folder = _folder(profile, origin)
    store = Store(folder)
    health, spans, kept = store.health(), store.all_spans(times.Range(*_EVER)), Recorded(folder)
    recorded, unconfirmed = kept.health(), kept.unconfirmed.health()
    decoded, size = store.memo.bytes(), size_of(folder)
    first = min((one.range.start for one in spans), default=None)
    last = max((one.range.end for one in spans), default=None)
    if as_json:
        shown = {
            "folder": str(folder),
            "messages": dataclasses.asdict(health),
            "fetched": None if first is None or last is None else {"start": times.iso(first), "end": times.iso(last)},
            "recorded": dataclasses.asdict(recorded),
            "unconfirmed": dataclasses.asdict(unconfirmed),
            "decoded_bytes": decoded,
            "bytes": size,
        }
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo(str(folder))
    click.echo(f"  messages  {health.rows:>12,} in {counted(health.files, 'file')}, {sized(health.bytes)}")
    if first is not None and last is not None:
        click.echo(f"  fetched   {times.iso(first)[:10]} to {times.iso(last)[:16]}Z (`isr.coverage()` lists it)")
    if recorded.rows:
        click.echo(f"  recorded  {recorded.rows:>12,} in {counted(recorded.files, 'file')}, {sized(recorded.bytes)}")
    if unconfirmed.rows:
        click.echo(f"  recorded  {unconfirmed.rows:>12,} that the history lacks (see `isr.load_recorded()`)")
    click.echo(f"  decoded   {sized(decoded)} (can be recreated)")
    click.echo(f"  in all    {sized(size)}")
    for file in health.lost:
        click.echo(f"  lost      {file}: fetch its messages again with `isr sync --refresh` over its day")
    for file in (*recorded.lost, *unconfirmed.lost):
        click.echo(f"  lost      {file}: its recorded messages, unless the portal has them")


@cache.command()
@click.option("--decoded", is_flag=True, help="Only decoded data, which can be recreated from the messages on disk.")
@click.option("--recorded", is_flag=True, help="Only what `isr record` stored: the portal may not have all of it.")
@click.option("--start", help='Only from this time on, such as "2026-11-01"; read as UTC if it has no zone.')
@click.option("--end", help="Only up to this time.")
@yes_option
@connecting
def clear(
    profile: str | None,
    origin: str | None,
    decoded: bool,
    recorded: bool,
    start: str | None,
    end: str | None,
    yes: bool,
) -> None:
    """Remove what was fetched for this account.

    It is fetched again when needed, if the portal still has it. What `isr record` stored is kept unless --recorded is
    given.
    """
    from isr_analysis import times
    from isr_analysis.messages import Selector
    from isr_analysis.store.recorded import Recorded
    from isr_analysis.store.store import Store

    if decoded and (start or end):
        raise UsageError("--decoded removes all decoded data; leave out either --decoded or --start and --end")
    if decoded and recorded:
        raise UsageError("--decoded and --recorded cannot be combined; give one of them")
    span = times.Range(
        _EVER[0] if start is None else times.instant(start, name="start"),
        _EVER[1] if end is None else times.instant(end, name="end"),
    )
    folder = _folder(profile, origin)
    if decoded:
        memo = Store(folder).memo
        size = memo.bytes()
        memo.clear()
        click.echo(f"{sized(size)} of decoded messages removed")
        return
    store = Recorded(folder) if recorded else Store(folder)
    what = f"all {'recorded ' if recorded else ''}messages {'of ' + str(span) if start or end else ''}".rstrip()
    ask(f"Remove {what} in {folder}?", yes=yes)
    store.memo.clear()
    gone = store.clear(span, now=time.time_ns())
    click.echo(f"{counted(gone, 'message')} removed" + (_LATER if gone else ""))
    kept = Recorded(folder)
    left = 0 if recorded else kept.count(Selector(), span) + kept.unconfirmed.count(Selector(), span)
    if left:
        click.echo(f"{counted(left, 'recorded message')} left: the portal may not have them (--recorded removes them)")


@cache.command()
@click.option("--count", default=10, show_default=True, help="How many windows (of at most one day each).")
@wait_option
@connecting
def verify(profile: str | None, origin: str | None, count: int, wait: bool) -> int:
    """Fetch some randomly chosen settled windows again and compare. The exit status is 0 if all are the same."""
    from isr_analysis.audit import DIFFERS, verify_store

    with isr.connect(profile=profile, origin=origin) as portal:
        compared = verify_store(count, wait=wait, portal=portal)
    for row in compared.itertuples():
        click.echo(
            f"  {row.start:%Y-%m-%d %H:%M} to {row.end:%Y-%m-%d %H:%M}  {row.client_id} · {row.topic}  "
            f"{row.held:,} on disk, {row.given:,} at the portal: {row.state}"
        )
    if compared.empty:
        click.echo("nothing on disk is settled (fetched ten minutes or more after its end): nothing was compared")
        return 0
    wrong = compared[compared["state"] == DIFFERS]
    click.echo(f"{counted(len(compared), 'window')} compared, {len(wrong)} differ")
    if len(wrong):
        click.echo("Fetch them again: isr sync --refresh --start … --end …")
    return int(len(wrong) > 0)


def _folder(profile: str | None, origin: str | None) -> Path:
    """Give the folder of the token's account; without a token, of the only account that is kept of the portal."""
    from isr_analysis.portal.portal import Portal

    known = settings.profile(profile, origin=origin)
    try:
        key = tokens.find(known, ask=False)
    except TokenMissingError as exc:
        there = accounts.folders(known.home, known.origin)
        kept = [one for one in there if known.account_id is None or one.name == known.account_id.lower()]
        if len(kept) == 1:
            return kept[0]
        if there:
            names = ", ".join(one.name for one in there)
            exc.add_note(f"stored here are the accounts {names}; name one with ISR_ACCOUNT_ID")
        raise
    with Portal(known, key) as portal:
        return portal.folder
