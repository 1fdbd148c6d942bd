"""The live board in JupyterLab: beside a kernel at work, and on the stream."""

from __future__ import annotations

import json

import pytest
from servers import CUT_OFF, connected

import isr_analysis as isr
from isr_analysis.sandbox import broker

pytestmark = pytest.mark.browser


def test_the_board_runs_beside_the_kernel_and_ends_with_its_output(lab, page, sandbox, token_file):
    """It refreshes while another cell runs and where it was scrolled to, pauses, recovers, and rests when cleared."""
    (done := token_file.with_name("done")).touch()  # for the run of all cells
    notebook = lab.open(page, "board.ipynb", [
        connected(sandbox, token_file) + "\nboard = isr.widgets.live_board(every='1s')\nboard",
        f"import os, threading, time\nwhile not os.path.exists('{done}'): time.sleep(0.1)\nprint('another', 'cell')",
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

    done.unlink()
    notebook.run(1)
    before = asked()
    asks_on(before, 2)
    assert "another cell" not in notebook.output(1).inner_text()  # it is still running
    done.touch()
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
        page.get_by_text("1 gap").wait_for()
