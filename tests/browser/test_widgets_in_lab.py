"""The widgets as people use them: JupyterLab in Chromium, a sandbox portal behind it."""

from __future__ import annotations

import json

import pytest

import isr_analysis as isr
from isr_analysis.sandbox import broker

pytestmark = pytest.mark.browser

CUT_OFF = """() => [...document.querySelectorAll('.isr-widget *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || !box.height || e.closest('svg, option, datalist, .js-plotly-plot, thead')) return false;
  const around = e.closest('.jp-OutputArea-output').getBoundingClientRect();
  const tooWide = box.right > around.right + 1 || box.left < around.left - 1;
  const hidden = getComputedStyle(e).overflowX !== 'visible' && !['INPUT', 'SELECT'].includes(e.tagName)
    && e.scrollWidth > e.clientWidth + 1;
  return tooWide || hidden;
}).map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""

# The lines of lists that are wider than their list, which shows nothing of the rest.
CUT_LINES = """() => [...document.querySelectorAll('.isr-widget select[multiple] option')].filter(
  e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""


@pytest.fixture(scope="module")
def sandbox():
    """Give a running sandbox, in this process, so that it can be made to fail."""
    with isr.sandbox.serve(days=16) as running:
        yield running


@pytest.fixture(scope="module")
def context(chromium):
    """Give a browser with an empty cache that its pages share."""
    made = chromium.new_context(viewport={"width": 1200, "height": 1600})
    yield made
    made.close()


@pytest.fixture
def page(context, console):
    """Give a fresh page in which no script fails."""
    made = context.new_page()
    failed: list[str] = []
    made.on("console", lambda said: console.append(f"{said.type}: {said.text}"))
    made.on("pageerror", lambda error: failed.append(str(error)))
    yield made
    made.close()
    assert not failed


def connected(sandbox, token) -> str:
    """Give the cell that connects to the sandbox without a token in its source: the name of a file is in it."""
    return (
        "import isr_analysis as isr\nfrom pathlib import Path\n"
        f"portal = isr.connect(Path({str(token)!r}).read_text(), origin={sandbox.origin!r})"
    )


@pytest.fixture
def token_file(sandbox, tmp_path):
    """Give a file with the sandbox's token."""
    path = tmp_path / "token"
    path.write_text(sandbox.token)
    return path


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


def test_the_board_runs_beside_the_kernel_and_ends_with_its_output(lab, page, sandbox, token_file):
    """It refreshes while another cell runs and where it was scrolled to, pauses, recovers, and rests when cleared."""
    notebook = lab.open(page, "board.ipynb", [
        connected(sandbox, token_file) + "\nboard = isr.widgets.live_board(every='1s')\nboard",
        "import threading, time\ntime.sleep(4)\nprint('another', 'cell')",
        "print([t.native_id for t in threading.enumerate() if t.name == 'isr-widget'], 'at', time.monotonic())",
    ])  # fmt: skip
    page.get_by_role("cell", name="isr-shack-01 · Station").wait_for()

    def asked() -> int:
        return sandbox.requests("publishers/live")

    def asks_on(before: int, many: int) -> None:
        for _ in range(150):
            if asked() >= before + many:
                return
            page.wait_for_timeout(100)
        pytest.fail(f"{asked() - before} requests in 15 s")

    def one_thread_but(old: list[int]) -> list[int]:
        seen = [notebook.output(2).inner_text()]
        for _ in range(30):  # what a page says of its boards reaches the kernel between two cells only
            notebook.run(2)
            seen.append(notebook.text(2, after=seen[-1]))
            now = json.loads(seen[-1].partition(" at")[0])
            if len(now) == 1 and now != old:
                return now
            page.wait_for_timeout(1000)
        pytest.fail(f"threads of boards: {seen}")

    notebook.run(1)
    before = asked()
    asks_on(before, 2)
    assert "another cell" not in notebook.output(1).inner_text()  # it is still running
    notebook.output(1).get_by_text("another cell").wait_for()

    first, second = page.evaluate("""async () => {
        const board = document.querySelector('.isr-tall'), told = board.innerText
        Object.assign(board.style, {maxHeight: '100px'})
        board.scrollTop = 60
        const before = board.scrollTop
        while (board.innerText === told) await new Promise(done => setTimeout(done, 50))
        return [before, board.scrollTop]
    }""")
    assert first == second == 60

    sandbox.fail("html", route="publishers/live")
    page.get_by_role("alert").get_by_text("Trying again in").first.wait_for()
    sandbox.heal()
    page.wait_for_function("!document.body.innerText.includes('Trying again in')")

    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").wait_for()
    page.wait_for_timeout(1200)
    before = asked()
    page.wait_for_timeout(2500)
    assert asked() == before
    page.get_by_role("button", name="Resume").click()
    asks_on(before, 1)

    notebook.reload()
    page.get_by_role("cell", name="isr-shack-01 · Station").wait_for()
    asks_on(asked(), 2)

    old = one_thread_but([])
    notebook.run(0)  # a new board takes the place of the old one, whose thread ends
    one_thread_but(old)
    page.get_by_role("cell", name="isr-shack-01 · Station").wait_for()

    notebook.menu("Edit", "Clear Outputs of All Cells")
    page.wait_for_timeout(1200)
    before = asked()
    page.wait_for_timeout(2500)
    assert asked() == before


def test_a_download_is_stopped_halfway_while_another_cell_runs(lab, page, sandbox, token_file):
    """The kernel is free, Stop stops, what had come is kept, and Load goes on from there."""
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
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped. What had come is on disk").wait_for()
    sandbox.heal()
    notebook.run(2)
    notebook.output(2).get_by_text("on disk: 0.").wait_for()
    assert 0 < float(notebook.output(2).inner_text().split(":")[1]) < 1
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("messages from").wait_for()


def test_dates_by_keyboard_and_pickers_by_label(lab, page, sandbox, token_file):
    """Every field has a name; a range is chosen without a mouse; errors are words in place."""
    lab.open(page, "fields.ipynb", [
        connected(sandbox, token_file) + "\ndates = isr.widgets.date_range(last='7d')\ndates",
        "picker = isr.widgets.picker()\npicker",
    ])  # fmt: skip
    page.get_by_label("Range").focus()
    page.keyboard.press("y")  # a list of choices goes to what begins so
    page.get_by_text("on disk").first.wait_for()
    assert page.get_by_label("Range").input_value() == "yesterday"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('list') !== null")  # the zone
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
    page.get_by_label("Topic").fill("a/#/b")
    page.get_by_label("Topic").press("Enter")
    page.get_by_role("alert").get_by_text("stands alone and last").wait_for()


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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_board_on_the_stream(lab, page, tmp_path, theme):
    """What is published shows within seconds, a broker that stops is told and waited for, and the text is all there."""
    if broker.program() is None:
        pytest.skip("mosquitto is not installed")
    lab.dress(theme)
    with isr.sandbox.serve(days=1, broker=True, rate=100) as talking:
        login = talking.make_subscriber()
        (tmp_path / "token").write_text(talking.token)
        (tmp_path / "password").write_text(login.password.reveal())
        (tmp_path / "password").chmod(0o600)
        lab.open(page, f"stream-{theme}.ipynb", [
            "import os\nos.environ |= " + repr({
                "ISR_MQTT_HOST": login.host, "ISR_MQTT_USERNAME": login.username,
                "ISR_MQTT_PASSWORD_FILE": str(tmp_path / "password"),
            }),
            connected(talking, tmp_path / "token") + "\nisr.widgets.live_board(every='1s')",
        ])  # fmt: skip
        page.get_by_text("stream, since").wait_for()
        assert page.evaluate("document.body.dataset.jpThemeLight") == str(theme == "light").lower()
        page.wait_for_function("[...document.querySelectorAll('td')].some(one => /^[0-5]\\s+s/.test(one.textContent))")
        page.screenshot(path=tmp_path / f"stream-{theme}.png")
        assert page.evaluate(CUT_OFF) == []
        talking.air.broker.stop()
        page.get_by_role("alert").get_by_text("broker cannot be reached").wait_for()
        page.screenshot(path=tmp_path / f"away-{theme}.png")
        talking.air.broker.start()
        page.get_by_text("missed something 1 time").wait_for()
