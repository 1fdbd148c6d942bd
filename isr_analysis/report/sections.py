"""The sections of the report, each shown by one call in its notebook."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from typing import Any

import pandas as pd

import isr_analysis as isr
from isr_analysis import times
from isr_analysis.amounts import counted
from isr_analysis.checks.absence import FAILED, NEVER_FETCHED, SILENT
from isr_analysis.checks.kinds import is_place
from isr_analysis.checks.saying import saying
from isr_analysis.errors import in_words
from isr_analysis.messages import Selector
from isr_analysis.plots.outside import named
from isr_analysis.report.chapters import Chapter, bare
from isr_analysis.report.markup import (
    NOTHING,
    Markup,
    bullets,
    escaped,
    facts,
    listed,
    paragraph,
    reading,
    table,
    tiles,
    written,
)
from isr_analysis.report.material import Material, instant, is_closed
from isr_analysis.report.outline import note, problem, section, show

_CHANNELS = 60
_FINDINGS = 100
_LASTING = [SILENT, NEVER_FETCHED, FAILED, "value stuck"]
_NUMBERS = {"client_id": "Publisher", "channel": "Channel", "field": "Field", "unit": "Unit", "least": "Minimum",
            "mean": "Mean", "rise": "Rose by", "greatest": "Maximum", "now": "Last",
            "messages": "Messages"}  # fmt: skip
_VALUES = ["least", "mean", "rise", "greatest", "now"]
_METRE = 6  # decimals of a coordinate that tell a metre from the next
_LIBRARIES = ["pandas", "pyarrow", "plotly", "nbconvert"]


def heading(title: str, material: Material) -> None:
    """Show the report's title and its range; and what went wrong so far."""
    zone = material.zone
    start, end = instant(material.span.start, zone), instant(material.span.end, zone)
    said = (f"{one:%A}, {one.day} {one:%B %Y, %H:%M}" for one in (start, end))  # %-d is not known everywhere
    words = f"{' to '.join(said)} ({material.tz})"
    show(Markup(f'<h1>{escaped(title)}</h1><p class="lead">{escaped(words)}</p>', f"{title}\n{words}"))
    if material.is_offline:
        note("Made offline from what is on disk: the portal was not asked for anything newer.")
    for one in material.problems:
        problem(one.words, where=one.where)
    if not len(material.heard):
        which = "" if material.selector == Selector() else f" of {_selection(material)}"
        problem(f"There is no message{which} in this range.", where="No data")


def summary(material: Material) -> None:
    """Show the range in a few numbers and sentences."""
    heard, known = material.heard, material.publishers
    clients = [str(one) for one in heard["client_id"].cat.categories]
    findings = material.findings
    listed_ones = None if isinstance(known, Exception) else known
    of = "" if listed_ones is None else f" of {len(listed_ones):,}"
    silences = findings[findings["kind"] == SILENT]
    show(
        tiles({
            **_tile(len(heard), "message"),
            "publishers heard": f"{len(clients):,}{of}",
            **_tile(len(material.topics), "topic"),
            "hours with messages": f"{material.share.mean():.1%}" if clients else NOTHING,
            **_tile(len(findings), "finding"),
        })
    )  # fmt: skip
    show(bullets([
        _heard_words(material),
        _quiet_words(material),
        _silence_words(silences) if clients else "",
        _findings_words(findings),
        _open_words(material),
    ]))  # fmt: skip


def _tile(count: int, what: str) -> dict[str, str]:
    number, label = counted(count, what).split(" ")
    return {label: number}


def _heard_words(material: Material) -> str:
    if not len(material.heard):
        return "Nothing was published in this range, judging by what is on disk."
    index, length = material.heard.index, material.until - material.span.start
    if len(index) == 1:
        return f"The only message came at {written(index[0])}."
    each, words = (times.DAY, "a day") if length >= times.DAY else (times.HOUR, "an hour")
    rate = round(len(index) / (length / each))
    return (
        f"The first message came at {written(index[0])}, the last at {written(index[-1])}: "
        f"{f'{rate:,}' if rate else 'less than one'} {words}."
    )


def _quiet_words(material: Material) -> str:
    if isinstance(material.publishers, Exception):
        return ""
    known = material.publishers
    silent = known[~known["client_id"].isin(material.heard["client_id"].cat.categories)]
    if silent.empty:
        return "Every publisher was heard." if len(known) else ""
    paused = silent[silent["paused"].fillna(value=False)]["client_id"]
    others = silent[~silent["client_id"].isin(paused)]["client_id"]
    where = "at all" if material.selector.topic == "#" else f"on {material.selector.topic}"
    said = [f"Not heard {where}: {listed(others)}."] if len(others) else []
    said += [f"Paused: {listed(paused)}."] if len(paused) else []
    return " ".join(said)


def _silence_words(silences: pd.DataFrame) -> str:
    if silences.empty:
        return "No publisher was silent for longer than usual."
    longest = silences.sort_values("duration", ascending=False, kind="stable").iloc[0]
    what = " ".join(part for part in (longest["client_id"], longest["topic"], longest["channel"]) if part)
    return (
        f"{counted(len(silences), 'silence')} longer than usual; the longest: {what}, "
        f"{times.lasting(longest['duration'].value)} from {written(longest['start'])}."
    )


def _findings_words(findings: pd.DataFrame) -> str:
    others = findings[findings["kind"] != SILENT]
    if others.empty:
        return ""
    counts = others["kind"].value_counts()
    return f"Also found: {listed(f'{kind} ({count})' for kind, count in counts.items())}; see Quality."


def _open_words(material: Material) -> str:
    since = material.heard.attrs["provisional_from"]
    if not since:
        return ""
    return f"From {written(instant(times.instant(since), material.zone))} on, late messages may still arrive."


def publishers(material: Material) -> None:
    """Show who published how much, and who did not."""
    known = material.publishers
    heard = material.heard
    if isinstance(known, Exception):
        if material.is_offline:
            note("No list of publishers is on disk, so only those that were heard are shown.")
        else:
            (note if is_closed(known) else problem)(
                "The list of publishers could not be loaded, so only those that were heard are shown"
                + _why(material, known)
            )
        names = pd.DataFrame({"client_id": [str(one) for one in heard["client_id"].cat.categories]})
    else:
        names = known
    by = heard.groupby(heard["client_id"].astype("str"))
    rows = pd.DataFrame({"client_id": names["client_id"].astype("str").to_numpy()})
    rows["label"] = names["label"].fillna("").to_numpy() if "label" in names else ""
    paused = names["paused"] if "paused" in names else [None] * len(names)
    rows["state"] = ["" if pd.isna(one) else "paused" if one else "in use" for one in paused]
    rows["messages"] = rows["client_id"].map(by.size()).fillna(0).astype("Int64")
    rows["topics"] = rows["client_id"].map(by["topic"].nunique()).fillna(0).astype("Int64")
    rows["share"] = [f"{one:.1%}" for one in rows["client_id"].map(material.share).fillna(0.0)]
    lasts = heard.index.to_series().groupby(heard["client_id"].astype("str").to_numpy()).max()
    rows["last"] = [lasts.get(one, pd.NaT) for one in rows["client_id"]]
    heads = {"client_id": "Publisher", "label": "Label", "state": "State", "messages": "Messages", "topics": "Topics",
             "share": "Hours heard", "last": f"Last message ({material.tz})"}  # fmt: skip
    if not len(rows):
        show(paragraph("There are no publishers."))
        return
    mute = rows["messages"].eq(0)
    if material.selector.topic != "#" and mute.any() and not mute.all():  # on other topics they may speak all day
        note(f"Not listed: {counted(int(mute.sum()), 'publisher')} without a message on {material.selector.topic}.")
        rows = rows[~mute]
    show(table(rows, labels=_told(heads, rows, {"label", "state"}), muted=rows["messages"].eq(0), right=["share"]))


def _why(material: Material, exc: Exception) -> str:
    """Say why a source could not be had; of a portal that is away once is enough."""
    return ", like the history" if any(in_words(exc) in one.words for one in material.problems) else f": {exc}"


def availability(material: Material) -> None:
    """Show on which days each publisher was heard, and the silences."""
    if not len(material.heard):
        show(paragraph("No message, so nothing to draw."))
        return
    if len(material.lacking):
        note("What is not on disk (see Missing, at the end) counts as hours without a message, here and above.")
    figure = isr.plots.availability(material.heard)
    said = bare(figure)
    show(paragraph("The share of each day's hours in which at least one message arrived."), figure)
    _notes(said)


def topics(material: Material) -> None:
    """Show each topic in a section of its own; one that failed says so in its place."""
    if not material.chapters:
        show(paragraph("No message, so no topic."))
    elif len(material.lacking):
        note(
            "What is not on disk (see Missing, at the end) is drawn as if nothing had arrived and no state had changed."
        )
    if more := len(material.topics) - len(material.chapters):
        note(
            f"Only the {len(material.chapters):,} topics with the most messages have a section; {more:,} more do not. "
            "A report on some of them (topic=, --topic) includes theirs."
        )
    for one in material.chapters:
        with section(one.topic or "(empty topic)", level=3):  # of a message that was published to its client's own
            topic(one, str(material.tz))


def topic(one: Chapter, tz: str) -> None:
    """Show one topic: in words, drawn, and its channels in numbers."""
    if one.problem:
        problem(one.problem, detail=one.detail)
        return
    every = f", every {listed(times.lasting(pace.value) for pace in one.every)}" if one.every else ""
    show(paragraph(f"{counted(one.rows, 'message')} of {listed(one.clients)}{every}."))
    show(*one.figures)
    _notes(one.said)
    if one.tail is not None:
        heads = {str(name): str(name) for name in one.tail} | {"time": f"Published ({tz})", "client_id": "Publisher"}
        show(table(one.tail, labels=heads, caption="The last messages; nothing in this topic can be drawn."))
    if len(one.numbers):
        more = len(one.numbers) - _CHANNELS
        shown = one.numbers.head(_CHANNELS).astype("object")
        for at, row in enumerate(shown.to_dict("records")):
            place = is_place(row["field"])
            many = min(row["decimals"], _METRE) if place else row["decimals"]
            for name in _VALUES:
                digits = 3 + _METRE if place else 4
                mean = name == "mean" and row["least"] < row["greatest"]
                none = pd.isna(row[name])
                shown.loc[at, name] = "" if none else reading(row[name], many, digits=digits, mean=mean)
        heads = _told(_NUMBERS, shown, {"channel", "unit", "mean", "rise"})
        said = [f"{more:,} more are not shown."] if more > 0 else []
        without: Counter[float] = sum(shown["without"], Counter())
        if without:
            said.append(f"Minimum, mean and maximum leave out values that mean “no measurement”: {named(without)}.")
        if "rise" in heads:
            said.append("Counters have no mean; what they rose by includes restarts from zero.")
        right = [name for name in [*_VALUES, "messages"] if name in heads]
        show(table(shown, labels=heads, caption=" ".join(said), right=right))


def _notes(said: list[str]) -> None:
    """Show what a figure says of itself, such as that it does not draw everything."""
    if said:
        note(" ".join(f"{one[0].upper()}{one[1:]}." for one in said))


def _told(labels: dict[str, str], rows: pd.DataFrame, perhaps: set[str]) -> dict[str, str]:
    """Leave out the columns that say nothing, of those that `perhaps` all rows lack."""
    return {name: label for name, label in labels.items() if name not in perhaps or rows[name].ne("").any()}


def findings(material: Material) -> None:
    """Show what looks wrong."""
    if material.heard.empty:
        show(paragraph("No message, so nothing to examine."))
        return
    found = material.findings
    failed = [one.topic for one in material.chapters if one.problem]
    if failed:
        note(f"Not examined because they failed: {listed(failed)}.")
    if more := len(material.topics) - len(material.chapters):
        note(f"{counted(more, 'topic')} without their own section were not examined, except for silences of clients.")
    if found.empty:
        show(paragraph("Nothing looks wrong: no silence, no repeats, no stuck values, no change of type or fields."))
        return
    found = found.assign(duration=found["duration"].where(found["kind"].isin(_LASTING)))
    places = zip(found["topic"], found["channel"], found["field"], strict=True)
    rows = found.assign(what=[" · ".join(part for part in parts if part) for parts in places])
    heads = {"client_id": "Publisher", "kind": "Finding", "what": "Where", "start": f"From ({material.tz})",
             "duration": "For", "detail": "In words"}  # fmt: skip
    said = ""
    if len(rows) > _FINDINGS:
        said = f"The {_FINDINGS} longest of {len(rows):,} findings, some of each kind; the others are not shown."
        rows = _gravest(rows)
    show(table(rows, labels=heads, caption=said))


def _gravest(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the longest of each kind in turn, or those of most messages, so that none is hidden; the longest first."""
    by = rows.sort_values(["duration", "count"], ascending=False, kind="stable")
    turn = by.groupby("kind").cumcount().sort_values(kind="stable").index
    return by.loc[by.index.isin(turn[:_FINDINGS])]


def live(material: Material) -> None:
    """Show the last message of each publisher, as the portal gives it now."""
    df = material.live
    if isinstance(df, Exception):
        if material.is_offline:
            show(paragraph("No live answer of the portal is on disk."))
        else:
            (note if is_closed(df) else problem)(f"The live answer could not be loaded{_why(material, df)}")
        return
    if df.attrs["stale"] and not material.is_offline:
        problem(f"The portal could not be reached; this is its answer from {df.attrs['fetched_at']}.")
    if df.empty:
        show(paragraph(f"There is no last message of {_selection(material)} in the portal's live answer."))
        return
    now = pd.Timestamp(df.attrs["fetched_at"])
    rows = pd.DataFrame({
        "client_id": df["client_id"].astype("str").to_numpy(),
        "topic": df["topic"].astype("str").to_numpy(),
        "time": list(df.index),
        "age": [times.ago((now - one).value) for one in df.index],
        "said": [saying(row) for row in df.to_dict("records")],
    }).sort_values("client_id")  # fmt: skip
    heads = {
        "client_id": "Publisher",
        "topic": "Topic",
        "time": f"Published ({material.tz})",
        "age": "Last heard",
        "said": "Content",
    }
    show(paragraph(f"As of {written(now.tz_convert(material.zone))} ({material.tz})."))
    old = [one < now - pd.Timedelta(days=1) for one in rows["time"]]
    show(table(rows, labels=heads, muted=old, right=["age"]))


def provenance(material: Material) -> None:
    """Show what this rests on: what, from where, when, with which versions, and what is missing or provisional."""
    attrs, span, now = material.heard.attrs, material.span, material.portal.now()
    since = attrs["provisional_from"]
    gaps = [_lacking(row) for row in material.lacking.to_dict("records")]
    sources = {"list of publishers": material.publishers, "live answer": material.live}
    asked = [f"{name}: " + (in_words(one) if isinstance(one, Exception) else _second(one.attrs["fetched_at"]))
             for name, one in sources.items()]  # fmt: skip
    show(facts({
        "Portal": f"{attrs['origin']} (profile {attrs['profile']})",
        "Account": f"{attrs['account'][:8]}…",
        "Selection": _selection(material),
        "Range": f"{times.iso(span.start)} to {times.iso(span.end)}, end excluded",
        "Messages": f"{len(material.heard):,}",
        "Fetched": f"history: {_second(attrs['fetched_at'])} (the oldest part); {'; '.join(asked)}",
        "Provisional": f"from {_second(since)} on" if since else "nothing: all of it is settled",
        "Missing": listed(gaps) if gaps else "nothing",
        "Made": f"{times.iso(times.whole_second(now))} with isr_analysis {isr.__version__}, "
                f"Python {platform.python_version()}, "
                + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES),
    }))  # fmt: skip


def _lacking(row: dict[Any, Any]) -> str:
    why = f": {row['detail']}" if row["detail"] else ""
    return f"{written(row['start'])} to {written(row['end'])} ({row['state']}{why})"


def _second(text: str) -> str:
    """Cut an instant of ISO 8601 to the second."""
    return f"{text[:19]}Z" if text else "never"


def _selection(material: Material) -> str:
    clients = listed(material.selector.clients, 20) if material.selector.clients else "all publishers"
    topics_of_it = "all topics" if material.selector.topic == "#" else f"topics {material.selector.topic}"
    return f"{clients}, {topics_of_it}"
