"""What `isr live` writes: a table that fits its terminal, or JSON."""

from __future__ import annotations

import json

from recorders import table

from isr_analysis import frame, surroundings, times
from isr_analysis.cli import live as terminal


def test_what_is_no_number_in_json_is_null():
    """A payload may hold it all the same, at its top or within a list: each line is one that every reader takes."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    rows = [(0, "dev-a", "t", b'{"value": 1e999, "list": [NaN, -1e999, 1.5]}'), (1, "dev-a", "raw", b"\xffa")]
    df = frame.to_frame(table(rows), attrs={})
    told, raw = (json.loads(line, parse_constant=refuse) for line in terminal.lines(df))
    assert (told["value"], told["list"]) == (None, [None, None, 1.5])
    assert raw["payload"] == r"\xffa"  # as in an exported file


def test_a_table_is_cut_to_its_terminal():
    """Too many rows end with how many more there are; too long lines end with an ellipsis; control codes go."""
    rows = [(i * times.MINUTE, f"dev-{i:02}", "t", b'{"text": "a\\u001b[2Jb", "value": 1.23456789}') for i in range(30)]
    df = frame.to_frame(table(rows), attrs={"connected": False, "gaps": 2, "source": "stream"})
    lines = terminal.table(df, 90 * times.MINUTE, "UTC", width=72, height=10)
    assert len(lines) == 10
    assert "NOT CONNECTED · 2 gaps" in lines[0]
    assert lines[2].startswith("dev-29")
    assert lines[-1] == "… and 23 more"
    assert all(len(line) <= 72 and line.isprintable() for line in lines)
    assert "1 h 1 min ago" in lines[2]


def test_a_table_of_wide_signs_stands_in_columns_and_fits():
    """Signs of East Asia and emoji take two columns of a terminal each: no line is longer than that for them."""
    rows = [
        (i, name, "t", b'{"text": "' + "\u6f22\u5b57\U0001f680".encode() * 20 + b'"}')
        for i, name in enumerate("a\u6f22")
    ]
    df = frame.to_frame(table(rows), attrs={"connected": True, "gaps": 0, "source": "live"})
    lines = terminal.table(df, times.MINUTE, "UTC", width=60, height=10)
    assert lines == terminal.table(df, times.MINUTE, "UTC", width=60, height=len(lines))  # just as many as fit
    assert "CONNECTED" not in lines[0]
    assert all(surroundings.cells(line) <= 60 for line in lines)
    assert len({surroundings.cells(line[: line.index("t ")]) for line in lines[2:]}) == 1


def test_the_table_says_what_was_measured_first():
    """A reading's value, with its unit, is seen before anything is cut; what tells whose it is stands beside it."""
    reading = {"chan": 2, "dcn": "0x11", "module": "WM2", "station_controller_device_id": "SC-02", "type": "watt_meter",
               "unit": "W", "value": 48.28}  # fmt: skip
    rows = [
        (0, "shack", "telemetry/watt_meter", json.dumps(reading).encode()),
        (1, "gate", "door", b'{"type": "open"}'),
    ]
    df = frame.to_frame(table(rows), attrs={"connected": True, "gaps": 0, "source": "stream"})
    lines = terminal.table(df, times.MINUTE, "UTC", width=110, height=None)
    assert [line.rpartition("  ")[2] for line in lines[2:]] == ["type open", "48.28 W, chan 2"]
    heads = {width: terminal.table(df, times.MINUTE, "UTC", width=width, height=9)[1].split() for width in (72, 60, 40)}
    assert [len(one) for one in heads.values()] == [5, 4, 3]  # the time goes first, then the topic
    assert "48.28 W, ch" in terminal.table(df, times.MINUTE, "UTC", width=40, height=9)[3]


def test_the_zone_is_that_of_each_message(isr):
    """For scripts, too."""
    told = isr("live", "--json", "--tz", "Asia/Tokyo").output.splitlines()
    assert told
    assert all(json.loads(one)["time"].endswith("+09:00") for one in told)
