"""What was recorded and a settled history lacks: kept aside, told of, and loaded."""

from __future__ import annotations

import json
import time
import warnings

import pytest
from click.testing import CliRunner
from recorders import EVER, S, table

import isr_analysis as isr
from isr_analysis import errors, messages, times
from isr_analysis.cli import cli
from isr_analysis.messages import Selector
from isr_analysis.store.recorded import Recorded
from isr_analysis.store.store import SETTLE, Store
from isr_analysis.times import Range

T0 = times.instant("2026-11-20T12:00:00")
ALL = Selector()


def made(rows):
    """Make messages of (seconds, client, topic, payload) rows."""
    return messages.in_order(table([(int(T0 + at * S), *row) for at, *row in rows]))


def seconds(found):
    """Give when the messages were, in seconds."""
    return [(one - T0) / S for one in messages.instants(found).tolist()]


@pytest.fixture
def both(tmp_path):
    """Give an empty history, and what was recorded beside it."""
    return Store(tmp_path), Recorded(tmp_path)


def settled(both, given, heard, *, at=3600):
    """Let an hour of history settle over what was heard, and give when what is kept of it aside was heard."""
    history, recorded = both
    span = Range(T0, T0 + 3600 * S)
    if heard:
        recorded.append(made(heard))
    history.commit(ALL, span, [made(given)], fetched_at=T0 + (at + 600) * S)
    assert len(recorded.beside(history, ALL, span, settle=SETTLE, now=T0 + 9000 * S)) == 0
    assert recorded.health().rows == 0
    return seconds(recorded.unconfirmed.read(ALL, span))


def test_what_a_settled_history_lacks_is_kept_aside(both):
    """The portal stored nothing for ten minutes, or lost single messages: they may be nowhere else."""
    heard = [(at, "a", "t", b"%d" % at) for at in range(100, 3400, 10)]
    given = [row for row in heard if not 1000 <= row[0] < 1600 and row[0] != 2000]
    assert settled(both, given, heard) == [*range(1000, 1600, 10), 2000]
    aside = both[1].unconfirmed.files(ALL, EVER)
    assert len(settled(both, given, [], at=3700)) == 61
    assert both[1].unconfirmed.files(ALL, EVER) == aside  # a load that finds no more of them writes nothing


def test_a_part_that_ends_with_its_day_settles_with_the_next_one(both):
    """What is published up to midnight is no reason to keep all that was recorded of a day for ever."""
    history, recorded = both
    day, following = (Range(T0 + i * times.DAY, T0 + i * times.DAY + 1).whole(times.DAY) for i in (0, 1))
    heard = [((day.end - T0) / S + at, "a", "t", b"%d" % at) for at in (-7200, -3600, -5)]
    recorded.append(made(heard))
    later = [((following.start - T0) / S + 3600, "a", "t", b"1")]
    for fetched, given, left in ((day, heard[1:], 3), (following, later, 0)):
        history.commit(ALL, fetched, [made(given)], fetched_at=fetched.end + times.HOUR)
        assert len(recorded.beside(history, ALL, day, settle=SETTLE, now=fetched.end + times.HOUR)) == 0
        assert recorded.health().rows == left
    assert seconds(recorded.unconfirmed.read(ALL, EVER)) == [heard[0][0]]


def test_of_short_parts_too_what_history_lacks_is_kept_aside(both):
    """A part that lies within the time of which the portal stored nothing says nothing of how it spells payloads."""
    heard = [(at, "a", "t", b"%d" % at) for at in range(100, 3400, 10)]
    for begin in range(0, len(heard), 4):
        both[1].append(made(heard[begin : begin + 4]))
    given = [row for row in heard if not 1000 <= row[0] < 1600]
    assert settled(both, given, []) == [*range(1000, 1600, 10)]


def test_what_the_portal_has_after_all_is_aside_no_more(both):
    """It was late, and was asked once more."""
    heard = [(at, "a", "t", b"%d" % at) for at in range(100, 3400, 10)]
    assert settled(both, heard[:200], heard) == [row[0] for row in heard[200:]]
    assert settled(both, heard[:300], [], at=3700) == [row[0] for row in heard[300:]]
    assert settled(both, heard, [], at=3800) == []


def test_what_is_kept_aside_stays_in_few_files(both, tmp_path):
    """A recorder writes every few seconds; and what the portal has after all takes no room."""
    history, recorded = both
    span = Range(T0, T0 + 3600 * S)
    heard = [(at, "a", "t", b"%d" % at) for at in range(100, 1000, 60)]
    for row in heard:
        recorded.append(made([row]))

    def files():
        return len([*(tmp_path / "recorded" / "unconfirmed").rglob("*.parquet")])

    def settle(given, at):
        history.commit(ALL, span, [made(given)], fetched_at=T0 + at * S)
        recorded.beside(history, ALL, span, settle=SETTLE, now=T0 + at * S)
        return seconds(recorded.unconfirmed.read(ALL, span))

    assert settle([(3000, "a", "t", b"0")], 4200) == [row[0] for row in heard]
    recorded.append(made([(2000, "a", "t", b"2000")]))
    assert settle([(3000, "a", "t", b"0")], 9000) == [*(row[0] for row in heard), 2000]
    assert files() <= 2
    assert settle([*heard, (3000, "a", "t", b"0")], 13000) == [2000]
    assert settle([*heard, (3000, "a", "t", b"0")], 18000) == [2000]
    assert files() == 1


@pytest.mark.parametrize("spelt", [lambda text: text, lambda text: json.dumps(json.loads(text), indent=1).encode()])
def test_what_the_history_has_in_its_way_is_not_lacking(both, spelt):
    """A broker delivers twice, a clock is off by half a minute, the portal spells JSON anew."""
    heard = [(at, "a", "t", b'{"n":%d,"m":1}' % at) for at in range(100, 3400, 10)]
    given = [(at, client, topic, spelt(payload)) for at, client, topic, payload in heard]
    late = 30 if spelt(b"[1,2]") == b"[1,2]" else 1
    assert settled(both, given, [(at + late, *row) for at, *row in [*heard, *heard[40:50]]]) == []


def test_what_is_kept_aside_is_there_once_whatever_is_cut_off(both, monkeypatch):
    """A process ends between keeping it aside and forgetting it where it was."""
    heard = [(at, "a", "t", b"%d" % at) for at in range(100, 3400, 10)]
    with monkeypatch.context() as patched:
        patched.setattr(Recorded, "replace", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            settled(both, heard[:100], heard)
    assert settled(both, heard[:100], []) == [row[0] for row in heard[100:]]


def test_what_history_lacks_is_told_by_each_load_and_loaded_by_itself(tmp_path):
    """Of two hours some days ago, in which the recorder heard one message more than the portal has."""
    with isr.sandbox.serve(days=4) as sandbox, sandbox.connect(home=tmp_path) as portal:
        start = portal.now() // times.DAY * times.DAY - 2 * times.DAY
        day = {"start": times.iso(start), "end": times.iso(start + times.DAY), "portal": portal}
        known = isr.load_history(**day)
        recorded = Recorded(portal.folder)
        heard = Store(portal.folder).read(ALL, Range(start + 3600 * S, start + 7200 * S))
        extra = table([(start + 5000 * S, "isr-shack-01", "event/change", b'{"only": "heard"}')])
        recorded.append(heard)
        recorded.append(extra)
        with pytest.warns(UserWarning, match="history of .* has settled without 1 message that `record` heard"):
            df = isr.load_history(**day)
        assert (df.attrs["unconfirmed"], df.attrs["recorded"], len(df)) == (1, 0, len(known))
        assert recorded.health().rows == 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            alone = isr.load_recorded(portal=portal)
            assert isr.load_history("isr-hill-02", **day).attrs["unconfirmed"] == 0
            assert isr.load_recorded(topic="telemetry/#", portal=portal).empty
        assert alone["only"].tolist() == ["heard"]
        assert alone.attrs["unconfirmed"] == 1
        setup = {"ISR_HOME": str(tmp_path), "ISR_PORTAL_ORIGIN": sandbox.origin, "ISR_TOKEN": sandbox.token}
        assert " 1 that the history lacks (see" in CliRunner().invoke(cli, ["cache"], env=setup).output
        recorded.clear(EVER, now=time.time_ns())
        assert isr.load_history(**day).attrs["unconfirmed"] == 0


def test_an_account_without_the_add_on_for_history_loads_what_it_recorded(tmp_path):
    """Else nothing would show it; the error of `load_history` says how."""
    with isr.sandbox.serve(days=1) as sandbox:
        token = sandbox.make_token(["live", "mgmt"])
        with isr.connect(token, origin=sandbox.origin, home=tmp_path) as portal:
            done = isr.record(duration="1s", portal=portal)
            df = isr.load_recorded(last="1h", tz="Europe/Zurich", portal=portal)
            assert done.rows == len(df) == df.attrs["rows"] > 0
            assert str(df.index.tz) == "Europe/Zurich"
            whole = isr.load_recorded(portal=portal)
            assert (len(whole), whole.attrs["start"], whole.attrs["end"]) == (len(df), "", "")
            early = isr.load_recorded(last="1h", end=df.index[0], portal=portal)
            assert (len(early), early.attrs["end"]) == (0, times.iso(df.index[0].value))
            with pytest.raises(errors.AddOnMissingError, match=r"isr\.load_recorded\(\) gives what was recorded of it"):
                isr.load_history(last="1d", portal=portal)
            with pytest.raises(errors.HistoryIncompleteError, match=r"isr\.load_recorded\(\) gives"):
                isr.load_history(last="1d", offline=True, portal=portal)
