"""Without the portal: ISR_OFFLINE and `offline=True` give what is on disk, ask for nothing, and say what is missing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reports import problems

import isr_analysis as isr
from isr_analysis import audit, errors, times
from isr_analysis.messages import Selector
from isr_analysis.offline import keeping
from isr_analysis.report import material
from isr_analysis.store.store import Store
from isr_analysis.times import Range

DAY = {"start": "2026-11-18", "end": "2026-11-19"}


@pytest.fixture
def held() -> Iterator[Any]:
    """Serve a small fleet by a clock that stands at noon; a day and a morning of it are on disk, ended an hour ago."""
    noon = times.instant("2026-11-20T12:00:00Z")
    with isr.sandbox.serve(days=10, rate=0.2, now=lambda: noon) as served:
        with served.connect() as portal:
            isr.sync(start="2026-11-19", end="2026-11-20T11:00", portal=portal)
            served.before = len(isr.load_live(portal=portal)), len(isr.load_publishers(portal=portal))
        yield served


@contextlib.contextmanager
def offline(served: Any) -> Iterator[Any]:
    """Connect as under ISR_OFFLINE; nothing may be asked meanwhile."""
    with served.connect() as portal:
        object.__setattr__(portal.profile, "is_offline", True)
        before = served.requests()
        yield portal
        assert served.requests() == before


def test_loaders_give_what_is_on_disk_and_what_was_answered_last(held: Any) -> None:
    """History up to where it reaches; the live answer and the list of publishers marked as old; a plan."""
    with offline(held) as portal:
        df = isr.load_history(last="1d", portal=portal)
        assert df.attrs["end"] == "2026-11-20T11:00:00Z"
        live, publishers = (
            isr.load_live(max_age="0s", portal=portal),
            isr.load_publishers(max_age="0s", portal=portal),
        )
        assert (len(live), len(publishers)) == held.before
        assert live.attrs["stale"]
        assert publishers.attrs["stale"]
        assert isr.plan_history(last="2d", portal=portal).requests > 0
        assert isr.sync(start="2026-11-19", end="2026-11-20T11:00", portal=portal).rows == 0  # nothing is missing
        assert isr.export_history("out", start="2026-11-19", portal=portal).written == 2
        with pytest.warns(UserWarning, match=r"ISR_OFFLINE=1.* not on disk: \[2026-11-20T11:00:00Z, 2026-11-20T12:00"):
            assert isr.open_history(start="2026-11-19", portal=portal).count_rows() > len(df)


def test_a_range_without_an_end_ends_where_the_disk_does_if_nothing_is_held_behind(held: Any) -> None:
    """A warning tells where that is less than half of it; days that are lacking in a row are one range."""
    with offline(held) as portal:
        assert isr.load_history(start="2026-11-20T10:00", portal=portal).attrs["end"] == "2026-11-20T11:00:00Z"
        with pytest.warns(UserWarning, match=r"most of \[2026-11-20T10:01:00Z, .* is not on disk"):
            isr.load_history(start="2026-11-20T10:01", portal=portal)
        lacking = r"not on disk: \[2026-11-15T00:00:00Z, 2026-11-19T00:00:00Z\);"
        with pytest.raises(errors.HistoryIncompleteError, match=lacking):
            isr.load_history(start="2026-11-15", end="2026-11-20", portal=portal)
    for start, end, gaps in (
        ("11:30", "11:40", r"\[2026-11-20T11:00:00Z, 2026-11-20T11:30:00Z\), \[2026-11-20T11:40:00Z, [^)]*\);"),
        ("11:40", "12:00", r"\[2026-11-20T11:00:00Z, 2026-11-20T11:30:00Z\);"),
    ):
        with held.connect() as portal:
            isr.sync(start=f"2026-11-20T{start}", end=f"2026-11-20T{end}", portal=portal)
        with offline(held) as portal, pytest.raises(errors.HistoryIncompleteError, match=f"not on disk: {gaps}"):
            isr.load_history(start="2026-11-20T10:00", portal=portal)


@pytest.mark.parametrize(
    "load",
    [
        lambda portal: isr.sync(**DAY, portal=portal),
        lambda portal: isr.load_history(**DAY, refresh=True, portal=portal),
        lambda portal: next(isr.watch_live(source="live", portal=portal)),
        lambda portal: isr.record(source="live", duration="1s", portal=portal),
        lambda portal: isr.mgmt.create_publisher("a", portal=portal),
        lambda portal: audit.verify_store(portal=portal),
    ],
)
def test_what_needs_the_portal_is_refused(held: Any, load: Callable[[Any], Any]) -> None:
    """Fetching and listening under ISR_OFFLINE are a contradiction, which the error names."""
    with offline(held) as portal, pytest.raises(errors.UsageError, match=r"ISR_OFFLINE is set.*unset it"):
        load(portal)


def test_what_is_not_on_disk_is_an_error_that_says_what_is(held: Any, tmp_path: Path) -> None:
    """Neither a range that was never fetched nor a list that was never loaded is empty."""
    with offline(held) as portal:
        with pytest.raises(errors.HistoryIncompleteError, match="without ISR_OFFLINE=1; what is on disk ends at 2026"):
            isr.load_history(**DAY, portal=portal)
        (portal.folder / "responses.sqlite").unlink()
        for load, what in (
            (isr.load_live, "live answer"), (isr.load_publishers, "list of publishers"),
            (isr.mgmt.load_members, "list of members"), (isr.mgmt.load_invites, "list of invites"),
        ):  # fmt: skip
            with pytest.raises(errors.PortalUnavailableError, match=f"ISR_OFFLINE is set.*{what} is not on disk"):
                load(portal=portal)


def test_what_may_still_change_counts_however_old_it_is(held: Any) -> None:
    """Nothing can be asked again: what was fetched at once is on disk as all else, hours later, for whatever reads."""
    tail = {"start": "2026-11-20T11:00", "end": "2026-11-20T11:55"}
    with held.connect() as portal:
        isr.sync(**tail, portal=portal)
    with offline(held) as portal:
        portal.now = lambda: times.instant("2026-11-20T14:00:00Z")
        assert isr.sync(**tail, portal=portal).rows == 0
        many = len(isr.load_history(**tail, portal=portal))
        assert isr.open_history(**tail, portal=portal).count_rows() == many > 0
        assert isr.export_history("out", start="2026-11-20", portal=portal).written == 1


def test_what_is_removed_of_one_client_is_missed_beside_another(held: Any) -> None:
    """Of which the same was never on disk."""
    selector, day = Selector(("isr-hill-02", "isr-shack-01")), Range(*map(times.instant, DAY.values()))
    with held.connect() as portal:
        isr.sync("isr-shack-01", **DAY, portal=portal)
        check = keeping(portal, selector, day, offline=True)
        check(day)
        Store(portal.folder).clear(day, now=portal.now())
        with pytest.raises(errors.HistoryIncompleteError, match=r"of isr-shack-01 · # was removed from the store"):
            check(day)


def test_whose_data_an_unknown_token_opens_is_not_asked_either(held: Any) -> None:
    """What is on disk may be another account's: who names the account is believed."""
    stranger = held.make_token()
    for account, outcome in (
        (
            None,
            pytest.raises(errors.PortalUnavailableError, match=r"ISR_OFFLINE is set.*never used here.*ISR_ACCOUNT_ID"),
        ),
        (held.account_id, contextlib.nullcontext()),
    ):
        with held.connect(stranger, account_id=account) as portal:
            object.__setattr__(portal.profile, "is_offline", True)
            before = held.requests()
            with outcome:
                assert len(isr.load_history(last="1d", portal=portal))
            assert held.requests() == before


@pytest.mark.parametrize("refusal", ["revoked", "used up"])
def test_a_token_that_is_refused_or_used_up_is_told_what_is_on_disk(held: Any, refusal: str) -> None:
    """As without a network: whoever is refused learns how to load what is there."""
    held.set_quota(0) if refusal == "used up" else held.revoke(held.token)
    kind = errors.QuotaExhaustedError if refusal == "used up" else errors.TokenRefusedError
    with held.connect() as portal, pytest.raises(kind, match="reaches to 2026-11-20T11:00:00Z: offline=True loads it"):
        isr.load_history(last="1d", portal=portal)


@pytest.mark.parametrize(("value", "found"), [("1", True), (" Yes ", True), ("0", False), ("", False), (None, False)])
def test_the_environment_says_it(sandbox: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, found: bool) -> None:
    """ISR_OFFLINE is read when the connection is made, too; a sandbox of one's own does not heed it."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    if value is not None:
        monkeypatch.setenv("ISR_OFFLINE", value)
    assert isr.connect(sandbox.token).profile.is_offline is found
    assert not sandbox.connect().profile.is_offline


@pytest.mark.parametrize("given", [False, True])
def test_the_environment_is_heeded_after_the_first_load_too(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    """A notebook is set to work offline, and back, between two cells."""
    portal = isr.connect(sandbox.token, origin=sandbox.origin)
    over = {"portal": portal} if given else {}
    isr.load_live(**over)
    monkeypatch.setenv("ISR_OFFLINE", "1")
    before = sandbox.requests()
    assert isr.load_live(max_age=0, **over).attrs["stale"]
    assert sandbox.requests() == before
    with pytest.raises(errors.UsageError, match="ISR_OFFLINE is set"):
        isr.load_history(last="1h", refresh=True, **over)
    monkeypatch.delenv("ISR_OFFLINE")
    assert not isr.load_live(max_age=0, **over).attrs["stale"]
    assert sandbox.requests() > before


def test_a_word_that_is_neither_yes_nor_no_is_refused(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It might mean either."""
    monkeypatch.setenv("ISR_OFFLINE", "maybe")
    with pytest.raises(errors.UsageError, match=r"ISR_OFFLINE='maybe' is neither yes nor no; give 1 or 0"):
        isr.connect(sandbox.token)


def test_a_report_is_made_offline(isr: Callable[..., Any], sandbox: Any, tmp_path: Path) -> None:
    """`isr report --offline` asks for nothing, says so, and is complete as far as what is on disk reaches."""
    assert isr("report", "first.html", "--last", "3h", "--quiet").exit_code == 0
    sandbox.revoke(token := sandbox.make_token())  # no other token is of use, either
    assert token
    before = sandbox.requests()
    done = isr("report", "again.html", "--last", "3h", "--offline")
    assert (done.exit_code, done.stdout.strip()) == (0, "again.html"), done.output
    assert sandbox.requests() == before
    text = Path("again.html").read_text("utf-8")
    assert "Made offline from what is on disk" in text
    assert problems(text) == ""
    assert re.search(r"live answer: 20\d\d-", text)


def test_a_report_that_lacks_something_offline_says_so_once(
    isr: Callable[..., Any], sandbox: Any, tmp_path: Path
) -> None:
    """Of a week of which a day is on disk: what is missing stands at the top, and in the exit status."""
    assert isr("sync", "--last", "1d").exit_code == 0
    done = isr("report", "week.html", "--last", "7d", "--offline", standalone_mode=False)
    assert done.return_value == 3
    assert done.stderr.count("not on disk") == 1
    said = problems(Path("week.html").read_text("utf-8"))
    assert said.count("this is not on disk: [") == 1
    assert "offline=True" not in said  # which is no word for whoever reads a report


def test_the_material_of_a_notebook_ends_where_the_disk_does(held: Any) -> None:
    """`gather(offline=True)` without an end is about what is there, not about an hour of silence."""
    with held.connect() as portal:
        made = material.gather(last="1d", offline=True, portal=portal)
        assert times.iso(made.span.end) == "2026-11-20T11:00:00Z"
        assert made.problems == []
        assert made.lacking.empty
        made = material.gather(last="7d", offline=True, portal=portal)
        assert "this is not on disk" in made.problems[0].words


def test_the_doctor_says_that_the_portal_is_not_asked(isr: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wonders why nothing new comes, and forgot what is set, learns it."""
    monkeypatch.setenv("ISR_OFFLINE", "1")
    said = isr("doctor").output
    assert "ISR_OFFLINE is set" in said
    assert "unset it to fetch" in said
