"""The widgets as people use them: JupyterLab in Chromium, a sandbox portal behind it."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest
from servers import CUT_OFF, connected

pytestmark = pytest.mark.browser

# The lines of lists that are wider than their list, which shows nothing of the rest.
CUT_LINES = """() => [...document.querySelectorAll('.isr-widget select[multiple] option')].filter(
  e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""

# Parts of widgets whose kernel is gone.
DEAF = """async sources => {
  const values = { label: "Token", action: "Connect", hint: "a token", disabled: false, every: 0 };
  const send = () => { throw new Error("Cannot send"); };
  for (const source of sources) {
    const el = document.body.appendChild(document.createElement("div"));
    const made = await import(`data:text/javascript,${encodeURIComponent(source)}`);
    made.default.render({ model: { get: name => values[name], on() {}, off() {}, send }, el });
  }
}"""


def test_from_a_token_to_a_figure(lab, page, sandbox):
    """Type a token, see it accepted, pick a range, load, see the figure; save, and find no token; reload, and go on."""
    token = sandbox.make_token()
    notebook = lab.open(page, "path.ipynb", [
        f"import isr_analysis as isr\nisr.widgets.token_entry(origin={sandbox.origin!r})",
        "explorer = isr.widgets.explorer('isr-shack-01', 'telemetry/watt_meter', last='1h')\nexplorer",
        "import time\ntime.sleep(2)",
        "explorer.value is not None and f'{len(explorer.value)} rows'",
    ])  # fmt: skip
    field = page.get_by_label("Token", exact=True)

    field.fill("isr_mqtt_rest_revoked-long-ago")
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Not accepted").wait_for()
    assert field.input_value() == ""

    notebook.run(2)  # a busy kernel: what is typed now waits for it
    field.fill(f"  Bearer {token} ")
    field.press("Enter")
    saved = notebook.save()
    assert token not in saved
    page.get_by_text(f"Accepted: account {sandbox.account_id[:8]}").wait_for()
    page.get_by_text("Programmatic History Download").wait_for()
    assert page.get_by_label("New token").input_value() == ""

    page.get_by_label("Range").select_option("last 24 hours")
    page.get_by_text("0% on disk").wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    page.locator(".js-plotly-plot .scatterlayer path.js-line").first.wait_for(state="attached")
    page.get_by_text("messages from").wait_for()
    notebook.run(3)
    notebook.output(3).get_by_text(" rows").wait_for()

    saved = notebook.save()
    assert token not in saved
    assert "application/vnd.jupyter.widget-state+json" in json.loads(saved)["metadata"]["widgets"]

    notebook.reload()
    page.locator(".js-plotly-plot .scatterlayer path.js-line").first.wait_for(state="attached")
    page.get_by_text(f"Accepted: account {sandbox.account_id[:8]}").wait_for()
    page.get_by_label("Range").select_option("last hour")
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("Plan: ").wait_for()
    page.wait_for_function("document.body.innerText.includes('messages from')")
    assert token not in notebook.save()


def test_a_token_that_nobody_hears_is_told(page):
    """After a restart of the kernel the field says so and keeps nothing, and no script fails."""
    page.goto("about:blank")
    page.evaluate(
        DEAF, [(resources.files("isr_analysis.widgets") / name).read_text() for name in ("page.js", "secret.js")]
    )
    field = page.locator("input[type=password]")
    field.fill("isr_mqtt_rest_typed-in-vain")
    field.press("Enter")
    page.get_by_placeholder("not sent, as the kernel has ended").wait_for(timeout=5000)
    assert field.input_value() == ""


def test_a_load_shows_how_it_stands_and_leaves_nothing_behind(lab, page, sandbox, token_file):
    """A line while it runs, none when it is done, and after a reload no widget that cannot be found."""
    notebook = lab.open(page, "load.ipynb", [
        "import os\nos.environ['ISR_HOME'] = os.path.abspath('home-of-load')\n" + connected(sandbox, token_file),
        "df = isr.load_history(last='6d', refresh=True)\nprint(len(df) > 1000, 'loaded')",
    ])  # fmt: skip
    sandbox.fail("slow", route="history", seconds=0.5)
    notebook.run(1)
    page.get_by_role("progressbar", name="history").wait_for()
    page.get_by_text("left)").wait_for()
    notebook.output(1).get_by_text("True loaded").wait_for()
    sandbox.heal()
    assert page.get_by_role("progressbar", name="history").count() == 0
    assert "widget-view" not in notebook.save()
    notebook.reload()
    notebook.output(1).get_by_text("True loaded").wait_for()
    assert notebook.output(1).inner_text().strip() == "True loaded"


def test_a_download_is_stopped_halfway_while_another_cell_runs(lab, page, sandbox, token_file):
    """The kernel is free, Stop stops, what had come is kept, and Load goes on from there, and keeps the focus."""
    notebook = lab.open(page, "stop.ipynb", [
        connected(sandbox, token_file) + "\nexplorer = isr.widgets.explorer(last='8d')\nexplorer",
        "print('free', 'kernel')",
        "print('on disk:', isr.plan_history(last='8d').share)",
    ])  # fmt: skip
    sandbox.fail("slow", route="history", seconds=0.8)
    page.get_by_role("button", name="Load", exact=True).click()
    page.wait_for_function("/[1-8].9 windows/.test(document.body.innerText)")
    notebook.run(1)
    notebook.output(1).get_by_text("free kernel").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped. What had arrived is on disk").wait_for()
    sandbox.heal()
    notebook.run(2)
    notebook.output(2).get_by_text("on disk: 0.").wait_for()
    assert 0 < float(notebook.output(2).inner_text().split(":")[1]) < 1
    page.get_by_role("button", name="Load", exact=True).press("Enter")
    page.get_by_text("messages from").wait_for()
    page.wait_for_function("document.activeElement.innerText === 'Load'")  # it was out of use meanwhile


def test_dates_by_keyboard_and_pickers_by_label(lab, page, console, sandbox, token_file):
    """Every field has a name; a range is chosen without a mouse; errors are words in place."""
    lab.open(page, "fields.ipynb", [
        connected(sandbox, token_file) + "\ndates = isr.widgets.date_range(last='7d')\ndates",
        "picker = isr.widgets.picker()\npicker",
    ])  # fmt: skip
    page.get_by_label("Range").focus()
    page.keyboard.press("y")  # a list of choices goes to what begins so
    page.get_by_text(re.compile("% (on disk|never fetched)")).first.wait_for()
    assert page.get_by_label("Range").input_value() == "yesterday"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('list') !== null")  # the zone
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"  # it shows the focus
    page.keyboard.press("Control+a")
    page.keyboard.type("Mars/Olympus")
    page.keyboard.press("Tab")
    page.get_by_role("alert").get_by_text("not a known time zone").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("Europe/Zurich")
    page.keyboard.press("Tab")
    page.wait_for_function("!document.body.innerText.includes('not a known time zone')")
    assert page.evaluate("document.activeElement.type") == "datetime-local"
    page.keyboard.type("11012026")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('input[type=datetime-local]').value.startsWith('2026-11-01')")

    page.get_by_role("textbox", name="Search").fill("repeater north")
    page.wait_for_function("document.querySelector('select[multiple]').options.length <= 3")
    page.get_by_label("Clients").select_option(index=0)
    page.get_by_text("1 client: rpt-north").wait_for()
    page.get_by_role("textbox", name="Search").fill("repeater")
    page.wait_for_function("document.querySelector('select[multiple]').options.length > 3")
    page.get_by_label("Clients").press("Control+a")
    page.get_by_text("3 clients: rpt-north, rpt-south, rpt-west").wait_for()
    page.get_by_role("textbox", name="Search").fill("like nothing here")
    page.get_by_text("No client, label or topic matches").wait_for()
    page.wait_for_function("document.querySelector('select[multiple]').options.length === 0")
    assert [one for one in console if "Error setting state" in one] == []
    page.get_by_label("Topic").fill("a/#/b")
    page.get_by_label("Topic").press("Enter")
    page.get_by_role("alert").get_by_text("must be alone and last").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off(lab, page, sandbox, token_file, tmp_path, theme):
    """Wide and narrow, every widget fits, and text has contrast enough to be read."""
    lab.dress(theme)
    lab.open(page, f"look-{theme}.ipynb", [
        connected(sandbox, token_file) + f"\nisr.widgets.token_entry(origin={sandbox.origin!r})",
        "isr.widgets.date_range(['isr-shack-01', 'rpt-north'], last='7d')",
        "isr.widgets.picker()",
        "isr.widgets.live_board()",
        "isr.widgets.explorer('isr-shack-01', 'telemetry/watt_meter', last='2h')",
    ])  # fmt: skip
    assert page.evaluate("document.body.dataset.jpThemeLight") == str(theme == "light").lower()
    page.get_by_role("cell", name="isr-shack-01 · Station").first.wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.get_by_label("New token", exact=True).fill("x")  # in place of the one that is in use
    page.get_by_label("New token", exact=True).press("Enter")
    page.get_by_text("is none: a token begins").wait_for()
    for width in (1200, 560):
        page.set_viewport_size({"width": width, "height": 3400})
        if width < 1000:
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("Control+b")  # a narrow page has no room for the list of files
        page.wait_for_timeout(700)
        page.screenshot(path=tmp_path / f"{theme}-{width}.png")
        assert page.evaluate(CUT_OFF) == [], width
        assert page.evaluate(CUT_LINES) == [], width
    arrow = page.evaluate("getComputedStyle(document.querySelector('.isr-widget select')).backgroundImage")
    assert ("%23ccc" in arrow) == (theme == "dark")  # ipywidgets' own is black on black
    ground = page.evaluate("getComputedStyle(document.querySelector('.js-plotly-plot .main-svg')).background")
    assert ("rgb(255, 255, 255)" in ground) == (theme == "light")
