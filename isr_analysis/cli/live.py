"""Commands for live messages: `isr live`, `isr record`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

import isr_analysis as isr
from isr_analysis.amounts import counted
from isr_analysis.cli.options import connecting, quiet_option, together, whose
from isr_analysis.surroundings import cells, cut, printable

if TYPE_CHECKING:
    import pandas as pd

_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_ROOM = 12  # characters that a message needs to say anything


_choosing = together(
    whose,
    click.option(
        "--source", type=click.Choice(["stream", "live"]),
        help="Listen to the stream with a read-only subscriber, or poll the live answer.  "
        "[default: stream if a subscriber is set up]",
    ),
    click.option("--for", "duration", help='How long to run, such as "1h".  [default: until Ctrl-C]'),
)  # fmt: skip
"""Which messages, from where."""


@click.command()
@_choosing
@click.option("--every", default="5s", show_default=True, help="How often the table is refreshed.")
@click.option("--tz", default="UTC", show_default=True, help="The time zone of all times, an IANA name.")
@click.option("--json", "as_json", is_flag=True, help="For scripts: each frame's messages, one JSON object per line.")
@connecting
def live(client_id: tuple[str, ...], topic: str, source: str | None, duration: str | None, every: str, tz: str,
         as_json: bool, **where: Any) -> None:  # fmt: skip
    """Show the last messages, refreshed until Ctrl-C.

    The table has the last message of each publisher on each topic. If standard output is not a terminal, one table is
    printed and the command ends, unless --for is given.
    """
    seen = sys.stdout.isatty()
    with isr.connect(**where) as portal:
        frames = isr.watch_live(
            list(client_id) or None, topic, every=every, source=source, duration=duration, tz=tz, portal=portal
        )
        if seen and not as_json:
            click.clear()
        try:
            for df in frames:
                if as_json:
                    click.echo("".join(f"{one}\n" for one in lines(df)), nl=False)
                elif seen:
                    size = shutil.get_terminal_size()
                    shown = table(df, portal.now(), tz, width=size.columns, height=size.lines - 1)
                    click.echo(_HOME + "".join(f"{one}{_CLEAR_LINE}\n" for one in shown) + _CLEAR_BELOW, nl=False)
                else:
                    click.echo("\n".join(table(df, portal.now(), tz, width=110, height=None)))
                if not seen and duration is None:
                    return
        except KeyboardInterrupt:
            return
        finally:
            frames.close()


@click.command()
@_choosing
@click.option(
    "--every",
    help="How often to store what the stream delivered, or to poll the live answer.  [default: 5s, or 10s]",
)
@quiet_option
@connecting
def record(client_id: tuple[str, ...], topic: str, source: str | None, duration: str | None, every: str | None,
           quiet: bool, **where: Any) -> None:  # fmt: skip
    """Store messages as they are published, until Ctrl-C.

    The history replaces them when it is fetched. A second recorder for the same account stands by, and takes over when
    the first one ends.
    """
    seen = sys.stderr.isatty() and not quiet

    def progress(state: Any) -> None:
        if seen:  # in one line, which the next one takes the place of
            click.echo(f"\r{cut(str(state), shutil.get_terminal_size().columns - 1)}{_CLEAR_LINE}", nl=False, err=True)

    with isr.connect(**where) as portal:
        done = isr.record(
            list(client_id) or None, topic, source=source, every=every, duration=duration, progress=progress,
            portal=portal,
        )  # fmt: skip
    from isr_analysis import times

    if not quiet:
        if seen:
            click.echo(f"\r{_CLEAR_LINE}", nl=False, err=True)
        click.echo(str(done))
    for gap in done.missed:
        words = f"; {gap.lost} dropped" if gap.lost else ""
        span = f"{times.iso(gap.start)[:19]}Z to {times.iso(gap.end)[:19]}Z ({gap.reason}{words})"
        click.echo(f"isr: may be missing: {span}" if quiet else f"  may be missing: {span}", err=quiet)


def table(df: pd.DataFrame, now: int, tz: str, *, width: int, height: int | None) -> list[str]:
    """Write the last messages as lines of text, the newest on top."""
    import pandas as pd

    from isr_analysis import times
    from isr_analysis.checks.saying import saying

    newest = df.iloc[::-1]
    rows = [
        tuple(
            map(printable, (str(client), str(topic), f"{time:%H:%M:%S}", times.ago(now - time.value), saying(row)))
        )
        for time, client, topic, row in zip(
            newest.index, newest["client_id"], newest["topic"],
            newest.drop(columns=["client_id", "topic"]).to_dict("records"), strict=True,
        )
    ]  # fmt: skip
    heads = ("publisher", "topic", "time", "heard", "says")
    wide = [max(cells(one[i]) for one in [heads, *rows]) for i in range(4)]
    kept = [0, 1, 2, 3]
    for least in (2, 1):  # a narrow terminal has no room for all: what a publisher says comes before when and on what
        if sum(wide[i] + 2 for i in kept) + _ROOM > width:
            kept.remove(least)
    state = "" if df.attrs["connected"] else " · NOT CONNECTED"
    gaps = f" · {counted(df.attrs['gaps'], 'gap')}" if df.attrs["gaps"] else ""
    many = counted(len(rows), "topic")
    lines_ = [f"{pd.Timestamp(now, tz=tz):%Y-%m-%d %H:%M:%S %Z} · {many} · {df.attrs['source']}{state}{gaps}"]
    if height is not None:  # a terminal, where the table takes the place of what was warned of
        lines_ += textwrap.wrap(df.attrs.get("warning", ""), width)
    lines_ += ["  ".join([*(one[i] + " " * (wide[i] - cells(one[i])) for i in kept), one[4]]) for one in [heads, *rows]]
    if height is not None and len(lines_) > height:
        lines_ = [*lines_[: height - 1], f"… and {len(lines_) - height + 1} more"]
    return [cut(one, width) for one in lines_]


def lines(df: pd.DataFrame) -> list[str]:
    """Write messages as JSON, an object each; what JSON has no number for, such as infinity, is null."""
    from isr_analysis.checks.series import is_nothing
    from isr_analysis.frame import written

    return [
        written({"time": time.isoformat(), **{k: v for k, v in row.items() if not is_nothing(v)}})
        for time, row in zip(df.index, df.to_dict("records"), strict=True)
    ]
