"""The explorer: plan, load, stop, export, and the code that does the same."""

from __future__ import annotations

import ast
import html
import threading

import pandas as pd
import pytest

import isr_analysis as isr


def test_what_was_loaded_is_told_in_the_zone_that_is_chosen(portal):
    """The clock of the fields above, not another one."""
    today = pd.Timestamp.now("Asia/Tokyo").normalize()
    start, end = (f"{today - pd.Timedelta(days, 'D'):%Y-%m-%d}" for days in (2, 1))
    range_ = {"start": start, "end": end, "tz": "Asia/Tokyo"}
    explorer = isr.widgets.explorer("isr-shack-01", **range_, portal=portal)
    explorer.go.click()
    assert explorer.wait()
    assert f"from {start} 00:00 to {end} 00:00 (Asia/Tokyo), " in explorer.said.value
    explorer.close()


@pytest.fixture
def explorer(portal):
    """Give an explorer of one publisher's readings, with nothing on disk."""
    made = isr.widgets.explorer("isr-shack-01", "telemetry/watt_meter", last="6h", portal=portal)
    yield made
    made.close()


def test_the_plan_comes_before_anything_is_fetched(explorer, portal, sandbox):
    """It is the line that plan_history prints, and follows the choice."""
    before = sandbox.requests("history")
    explorer._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert explorer.wait()
    plan = isr.plan_history("isr-shack-01", "telemetry/watt_meter", last="6h", portal=portal)
    assert html.unescape(explorer.plan.value).count(f"Plan: {plan}<") == 1
    assert "0% on disk" in explorer.plan.value
    explorer.dates.value = {"last": "4d"}
    assert explorer.wait()
    assert "windows" in explorer.plan.value
    assert sandbox.requests("history") == before


def test_loading_gives_the_frame_the_figure_the_gaps_and_the_code(explorer, portal):
    """The same as a script gets."""
    explorer.go.click()
    assert explorer.wait()
    same = isr.load_history("isr-shack-01", "telemetry/watt_meter", last="5h", portal=portal)
    assert set(same.index[:-3]) <= set(explorer.value.index)
    figure = explorer.figure.outputs[0]["data"]["application/vnd.plotly.v1+json"]
    assert len(figure["data"]) > 0
    assert "messages from" in explorer.said.value
    assert explorer.gaps.value
    assert not explorer.go.disabled
    assert explorer.halt.disabled
    assert "value" in explorer.field.options


def test_the_code_runs_and_gives_the_same(explorer, portal):
    """What the widget shows is Python that needs nothing but the connection."""
    explorer.go.click()
    assert explorer.wait()
    explorer.field.value = "value"
    assert explorer.wait()
    assert 'isr.plots.timeseries(df, "value")' in explorer.code()
    scope: dict[str, object] = {"portal": portal}
    exec(explorer.code(), scope)
    assert len(scope["df"]) >= len(explorer.value) - 3  # the range moved on meanwhile


def test_the_code_is_python_whatever_things_are_called(explorer, tmp_path):
    """Fields are named by devices, files by people: quotes and backslashes in a name end no text too early."""
    name = 'in "°C" \\'
    explorer.load()
    assert explorer.wait()
    explorer.field.options = [*explorer.field.options, name]
    explorer.field.value = name
    explorer.file.value = str(tmp_path / 'the "first"')
    explorer.export("csv")
    assert explorer.wait()
    calls = [node for node in ast.walk(ast.parse(explorer.code())) if isinstance(node, ast.Call)]
    said = {one.func.attr: [arg.value for arg in one.args if isinstance(arg, ast.Constant)] for one in calls}
    assert said["timeseries"] == [name]
    (export,) = (one for one in calls if one.func.attr == "export_history")
    assert [one.value.value for one in export.keywords if one.arg == "to"] == [str(tmp_path / 'the "first".csv')]


def test_a_download_is_stopped_halfway_and_goes_on_there(portal, sandbox):
    """What had come is on disk; the kernel's thread was free all the time."""
    asked = {"topic": "state/#", "last": "14d"}
    explorer = isr.widgets.explorer(**asked, portal=portal)
    sandbox.fail("slow", route="history", seconds=1.0)
    first = threading.Event()
    explorer.bar.observe(lambda change: first.set() if 0 < change["new"] < 1 else None, "value")
    explorer.go.click()
    assert explorer.go.disabled  # it is under way
    assert explorer.csv.disabled
    assert first.wait(30)
    explorer.halt.click()
    assert "Stopped" in explorer.said.value
    assert explorer.wait()
    assert explorer.value is None
    assert not explorer.go.disabled
    sandbox.heal()
    plan = isr.plan_history(**asked, portal=portal)
    assert 0 < plan.share < 1
    explorer.go.click()
    assert explorer.wait()
    assert len(explorer.value) > 0


def test_a_figure_of_another_selection_than_the_present_one_is_told(explorer):
    """Whoever chooses another client during a load, or after it, does not take the one for the other."""
    explorer.go.click()
    chosen = explorer.picker.value
    explorer.picker.value = {"client_id": "rpt-west", "topic": "#"}
    assert explorer.wait()
    assert "rpt-west" in explorer.code()
    assert "another selection" in explorer.former.value
    explorer.picker.value = chosen
    assert explorer.former.value == ""
    explorer.dates.value = {"last": "2h"}
    assert "another selection" in explorer.former.value
    explorer.go.click()
    assert explorer.wait()
    assert explorer.former.value == ""


def test_a_load_after_a_cell_connected_leaves_no_word_of_a_missing_token(sandbox, monkeypatch):
    """The list of clients, which could not be asked for before, is asked for with the load."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    explorer = isr.widgets.explorer("rpt-west", last="1h")
    explorer.picker.load()
    assert explorer.picker.wait()
    assert "no token" in explorer.picker.trouble.value
    isr.connect(sandbox.token, origin=sandbox.origin)
    explorer.go.click()
    assert explorer.wait()
    assert explorer.picker.wait()
    isr.disconnect()
    assert explorer.picker.trouble.value == ""
    assert "Repeater West" in str(explorer.picker.list.options)


def test_a_failing_portal_is_explained_and_the_former_frame_stays(explorer, sandbox):
    """Errors stand in the widget, as words."""
    explorer.go.click()
    assert explorer.wait()
    kept = explorer.value
    sandbox.fail("html", route="history")
    explorer.dates.value = {"last": "3d"}
    explorer.go.click()
    assert explorer.wait()
    sandbox.heal()
    assert "isr-bad" in explorer.said.value
    assert explorer.value is kept
    assert not explorer.go.disabled


def test_exports_are_read_back_and_never_replace_a_file(explorer, tmp_path):
    """CSV and Parquet, where the kernel runs."""
    explorer.export("csv")
    assert "nothing to save" in explorer.written.value
    explorer.go.click()
    assert explorer.wait()
    for kind, read in (("csv", lambda path: pd.read_csv(path, index_col=0)), ("parquet", pd.read_parquet)):
        explorer.file.value = str(tmp_path / "out")
        explorer.export(kind)
        assert explorer.wait()
        assert len(read(tmp_path / f"out.{kind}")) == len(explorer.value)
        assert f'isr.export_history(\n    to="{tmp_path}/out.{kind}",\n' in explorer.code()
    explorer.export("csv")
    assert explorer.wait()
    assert "not replaced" in explorer.written.value
    explorer.file.value = "~nobody-of-that-name/out"
    explorer.csv.click()
    assert explorer.wait()
    assert "is not a path" in explorer.written.value


def test_a_file_of_all_topics_is_the_one_that_an_export_writes(portal, tmp_path):
    """Fields of lists and of mixed kinds, and bytes, too."""
    asked = {"start": "2026-11-18", "end": "2026-11-18T02:00"}
    explorer = isr.widgets.explorer(**asked, portal=portal)
    explorer.go.click()
    assert explorer.wait()
    assert "object" in {str(one) for one in explorer.value.dtypes}
    for kind in ("csv", "parquet"):
        explorer.file.value = str(tmp_path / "out")
        explorer.export(kind)
        assert explorer.wait()
        assert "rows in" in explorer.written.value
        isr.export_history(tmp_path / f"same.{kind}", **asked, portal=portal)
        assert (tmp_path / f"out.{kind}").read_bytes() == (tmp_path / f"same.{kind}").read_bytes()


def test_nothing_is_loaded_while_the_choice_is_none(explorer, sandbox):
    """The button says where to look."""
    before = sandbox.requests("history")
    explorer.picker.topic.value = "a/#/b"
    explorer.go.click()
    assert explorer.wait()
    assert "cannot be loaded" in explorer.said.value
    assert sandbox.requests("history") == before


def test_a_range_without_messages_is_said_so(portal):
    """No figure of nothing, no error."""
    explorer = isr.widgets.explorer("spare-01", last="1h", portal=portal)
    explorer.go.click()
    assert explorer.wait()
    assert "No message was published" in explorer.said.value
    assert len(explorer.value) == 0
    _, told, code = map(str, explorer.parts())  # where there is no page
    assert "No message was published" in told
    assert "isr.plots.timeseries(df)\n" in code


def test_a_client_that_is_not_there_is_told_beside_the_figure(portal):
    """The warning of the loader, which else nobody would see who presses Load."""
    explorer = isr.widgets.explorer(["isr-shack-01", "isr-shak-01"], "telemetry/watt_meter", last="2h", portal=portal)
    explorer.go.click()
    with pytest.warns(UserWarning, match="isr-shak-01"):
        assert explorer.wait()
    assert "no client &#x27;isr-shak-01&#x27;" in explorer.said.value
    assert "messages from" in explorer.said.value
    assert explorer.figure.outputs
    explorer.dates.value = {"last": "1h"}
    with pytest.warns(UserWarning, match="isr-shak-01"):
        assert "no client 'isr-shak-01'" in str(explorer)
    explorer.picker.value = {"client_id": ["isr-shack-01"], "topic": "#"}
    explorer.load()
    assert explorer.wait()
    assert "isr-shak-01" not in explorer.said.value
    explorer.close()


def test_without_a_token_that_is_said_once(sandbox, monkeypatch):
    """The list, the dates, the plan and the load cannot do without; each other thing that is wrong is shown."""
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    explorer = isr.widgets.explorer("isr-shack-01", last="2h")
    places = (explorer.said, explorer.plan, explorer.picker.trouble, explorer.dates.held)

    def seen() -> list[str]:
        assert explorer.wait()
        assert explorer.picker.wait()
        assert explorer.dates.wait()
        return [one.value for one in places if one.value and one.layout.display != "none"]

    explorer._page._handle_custom_msg({"seen": True, "dark": False}, [])
    for part in (explorer.picker, explorer.dates):
        part._page._handle_custom_msg({"seen": True, "dark": False}, [])
    assert ["no token" in one for one in seen()] == [True]
    explorer.go.click()
    assert ["no token" in one for one in seen()] == [True]
    explorer.picker.topic.value = "a/#/b"
    assert len(seen()) == 2
    explorer.close()


def test_the_figure_follows_the_page_into_the_dark(explorer):
    """When the theme is changed, it is drawn again."""
    explorer._page._handle_custom_msg({"seen": True, "dark": False}, [])
    explorer.go.click()
    assert explorer.wait()
    before = explorer.figure.outputs
    explorer._page._handle_custom_msg({"seen": True, "dark": True}, [])
    assert explorer.wait()
    grounds = [
        shown[0]["data"]["application/vnd.plotly.v1+json"]["layout"]["template"]["layout"]["paper_bgcolor"]
        for shown in (before, explorer.figure.outputs)
    ]
    assert grounds[0] != grounds[1]


def test_the_figure_is_of_what_was_loaded_last(portal):
    """Also where the field that was drawn before is not in it, so that all is drawn anew."""
    explorer = isr.widgets.explorer("isr-shack-01", "telemetry/system", last="1h", portal=portal)
    explorer.go.click()
    assert explorer.wait()
    explorer.field.value = "cpu.load"
    assert explorer.wait()
    explorer.picker.value = {"client_id": ["rpt-north"], "topic": "telemetry/rf"}
    explorer.go.click()
    assert explorer.wait()
    assert explorer.field.value == "all that can be drawn"
    shown = explorer.figure.outputs[0]["data"]["application/vnd.plotly.v1+json"]
    assert "rssi" in str(shown["layout"])
    assert "cpu.load" not in str(shown["layout"])
    explorer.close()


def test_a_field_of_words_is_drawn_as_bars(portal):
    """Whoever clicks through the fields gets a picture of each, and the code that draws it."""
    explorer = isr.widgets.explorer("isr-shack-01", "state/relay", last="2d", portal=portal)
    explorer.go.click()
    assert explorer.wait()
    explorer.field.value = "type"
    assert explorer.wait()
    assert explorer.figure.outputs[0]["data"]["application/vnd.plotly.v1+json"]["data"][0]["type"] == "bar"
    assert 'isr.plots.timeline(df, "type")' in explorer.code()
    explorer.close()


def test_a_field_that_no_picture_can_show_is_told_as_what_it_is(portal):
    """A list is neither a number nor a state: the words show one, and lead to no other plot that refuses it, too."""
    explorer = isr.widgets.explorer("gateway-a7c2", "vendor/spectrum", last="2h", portal=portal)
    explorer.go.click()
    assert explorer.wait()
    explorer.field.value = "value"
    assert explorer.wait()
    said = html.unescape(explorer.figure.outputs[0]["data"]["text/html"])
    assert "there are no numbers in 'value' (there: '[" in said
    explorer.close()


def test_a_saved_file_keeps_rows_apart_whose_texts_hold_a_carriage_return(explorer, tmp_path):
    """Each message stays one row."""
    index = pd.date_range("2026-11-01", periods=2, freq="1min", tz="UTC", name="time")
    explorer.value = df = pd.DataFrame({"payload": ["T=21\rQ=3", "T=22"]}, index=index)
    explorer.file.value = str(tmp_path / "saved")
    explorer.export("csv")
    assert explorer.wait()
    assert pd.read_csv(tmp_path / "saved.csv")["payload"].tolist() == df["payload"].tolist()
