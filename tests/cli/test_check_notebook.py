"""What a notebook gives away: found where it is, not claimed where it is not, never repeated."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import subprocess
import sys
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isr_analysis import disclosure
from isr_analysis.disclosure import ACCOUNT, HEADER, PASSWORD, TOKEN, Disclosure, disclosures, kinds_in
from isr_analysis.errors import UsageError

SEED = 20_261_124
MANY = 200

Made = tuple[str, str, str]
"""The secret itself, the text that holds it, and its kind."""


def _letters(dice: random.Random, count: int, of: str = string.ascii_letters + string.digits) -> str:
    return "".join(dice.choice(of) for _ in range(count))


def _an_id(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def _a_token(dice: random.Random) -> Made:
    form = dice.choice(["isr_mqtt_rest_", "isr_mqtt_rest_", "isr_mqtt_platform_rest_"])
    body = dice.choice(
        [_letters(dice, 32, "0123456789abcdef"), _letters(dice, 24), _letters(dice, 43) + "-_"[: dice.randint(0, 2)]]
    )
    token = form + body
    return token, dice.choice([token, f"Authorization: Bearer {token}", f"TOKEN={token} # from the portal"]), TOKEN


def _a_password(dice: random.Random) -> Made:
    word = _letters(dice, dice.randint(10, 24)) + dice.choice(["", "!", "#7"]) + str(dice.randint(0, 9))
    text = dice.choice([
        'client.username_pw_set("sub-7f21", "{}")', "password = '{}'", '{{"username": "sub-1", "password": "{}"}}',
        "MQTT_PASSWORD={}", "mosquitto_sub -h broker -u sub-7f21 -P {} -t '#'", "mqtt_password: '{}'",
        'auth=("sub-7f21", "{}")',
    ])  # fmt: skip
    if "#" in word and "MQTT_PASSWORD" in text:
        word = word.replace("#", "")
    return word, text.format(word), PASSWORD


def _a_header(dice: random.Random) -> Made:
    value = _letters(dice, 30)
    text = dice.choice(["Authorization: Bearer {}", '"Authorization": "Bearer {}"', "-H 'authorization: Basic {}'"])
    return value, text.format(value), HEADER


def _an_account(dice: random.Random) -> Made:
    known = _an_id(dice)
    text = dice.choice([
        "{}/isr-shack-01/telemetry/watt_meter", 'account_id="{}"', "X-ISR-Account-Id: {}", "account: {}",
        "prefix/{}/buoy-1/#", "{}/#",
    ])  # fmt: skip
    return known, text.format(known), ACCOUNT


def _in_pieces(dice: random.Random, text: str) -> str:
    cuts = sorted(dice.sample(range(1, len(text)), 3)) if len(text) > 4 else [1]
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    quoted = [json.dumps(part) for part in parts]
    return dice.choice([
        " + ".join(quoted), " ".join(quoted), "(\n    " + "\n    ".join(quoted) + "\n)",
        '"".join([' + ", ".join(quoted) + "])", " \\\n    + ".join(quoted),
    ])  # fmt: skip


def _wrapped_base64(text: str) -> str:
    return base64.encodebytes(("x" * 40 + " " + text + " " + "y" * 40).encode()).decode()


ENCODINGS: dict[str, Callable[[random.Random, str], str]] = {
    "plain": lambda _, text: text,
    "base64": lambda _, text: base64.b64encode(text.encode()).decode(),
    "base64, urlsafe": lambda _, text: "x-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64, in lines": lambda _, text: _wrapped_base64(text),
    "base64 twice": lambda _, text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "url": lambda _, text: urllib.parse.quote(text, safe=""),
    "url, every byte": lambda _, text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "json": lambda _, text: json.dumps({"said": json.dumps(text)}),
    "json, every character": lambda _, text: "".join(f"\\u{ord(one):04x}" for one in text),
    "bytes": lambda _, text: "".join(f"\\x{ord(one):02x}" for one in text),
    "html": lambda _, text: html.escape(text),
    "html, every character": lambda _, text: "".join(f"&#x{ord(one):x};" for one in text),
    "hex": lambda _, text: text.encode().hex(),
    "hex, spaced": lambda _, text: text.encode().hex(" "),
    "pieces": _in_pieces,
}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _code(source: str, outputs: list[Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": _lines(source),
        "outputs": outputs or [],
        "metadata": metadata,
        "execution_count": None,
    }


def _words(text: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": _lines(text), "metadata": {}, **more}


def _shown(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _as_source(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code(f"x = 1\ntoken_there = r'''{text}'''\nprint(x)"), {}


def _as_lines(dice: random.Random, text: str) -> tuple[Any, Any]:
    cut = dice.randint(1, len(text) - 1)
    cell = _code("")
    cell["source"] = ["a = '''", text[:cut], text[cut:], "'''\n"]
    return cell, {}


def _as_comment(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _words(f"# Notes\n\nUse this: `{text}`\n"), {}


def _as_stream(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code(
        "run()", [{"output_type": "stream", "name": "stdout", "text": _lines(f"connected\n{text}\nbye\n")}]
    ), {}


def _as_html(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code("df", [_shown(**{"text/html": _lines(f"<table><tr><td>{text}</td></tr></table>")})]), {}


def _as_traceback(dice: random.Random, text: str) -> tuple[Any, Any]:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mno\x1b[0m", text]}
    return _code("run()", [error]), {}


def _as_json_output(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code("df", [_shown(**{"application/json": {"deep": [{"er": text}]}})]), {}


def _as_cell_metadata(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code("1", note=text), {}


def _as_metadata(dice: random.Random, text: str) -> tuple[Any, Any]:
    return _code("1"), {"papermill": {"parameters": {"said": text}}}


def _as_attachment(dice: random.Random, text: str) -> tuple[Any, Any]:
    comment = b"tEXtComment\x00" + text.encode() + b"\x00"
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + dice.randbytes(200) + comment + dice.randbytes(99)).decode()
    return _words("![a](attachment:a.png)", attachments={"a.png": {"image/png": picture}}), {}


def _as_widget(dice: random.Random, text: str) -> tuple[Any, Any]:
    state = {
        _letters(dice, 32, "0123456789abcdef"): {
            "model_name": "TextModel",
            "state": {"_model_name": "TextModel", "value": text},
        }
    }
    return _code("w"), {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}}}


PLACES = [_as_source, _as_lines, _as_comment, _as_stream, _as_html, _as_traceback, _as_json_output, _as_cell_metadata,
          _as_metadata, _as_attachment, _as_widget]  # fmt: skip


def _notebook(cells: list[Any], **metadata: Any) -> dict[str, Any]:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": {**kernel, **metadata}, "nbformat": 4, "nbformat_minor": 5}


def _said(text: str) -> list[Any]:
    return [_shown(**{"text/plain": [text]})]


def _printed(text: str) -> list[Any]:
    return [{"output_type": "stream", "name": "stdout", "text": [text + "\n"]}]


def _harmless(dice: random.Random) -> Any:
    """Make a cell that looks as if it held something, and does not."""
    fig = f'<div id="{_an_id(dice)}" class="plotly-graph-div"></div><script>Plotly.newPlot("{_an_id(dice)}")</script>'
    return dice.choice([
        _words('Set it first: `export ISR_TOKEN="isr_mqtt_rest_<from-settings>"`, then go on.'),
        _words("A token begins with `isr_mqtt_rest_…`; a platform operator's with `isr_mqtt_platform_rest_…`."),
        _words('TOKEN="isr_mqtt_rest_your-token-here"\n\n    curl -H "Authorization: Bearer ${TOKEN}" "$ORIGIN/api"\n'),
        _words("MQTT passwords are shown once. The password: keep it in a secret manager, never in git."),
        _words("Stored as `{account_id}/{client_id}/{subpath}`: `00000000-0000-0000-0000-000000000000/isr-1/state`."),
        _code("import getpass\npassword = getpass.getpass('MQTT password: ')\nclient.username_pw_set(user, password)"),
        _code("password = os.environ['MQTT_PASSWORD']\ntoken = environ.get('ISR_TOKEN', 'isr_mqtt_rest_xxxxxxxxxxxx')"),
        _code("headers = {'Authorization': f'Bearer {token}', 'X-ISR-Account-Id': account_id}"),
        _code("widget = ipywidgets.Password(description='Token', placeholder='isr_mqtt_rest_…')\nwidget"),
        _code("assert token.startswith(('isr_mqtt_rest_', 'isr_mqtt_platform_rest_'))"),
        _code("re.compile(r'isr_mqtt_(platform_)?rest_[A-Za-z0-9._~+/=-]+')"),
        _code("fig.show()", [_shown(**{"text/html": [fig], "text/plain": ["Figure"]})]),
        _code("plt.show()", [_shown(**{"image/png": base64.b64encode(dice.randbytes(5000)).decode() + "\n"})]),
        _code("hashlib.sha256(data).hexdigest()", _said(repr(dice.randbytes(32).hex()))),
        _code("base64.b64encode(data)", _said(repr(base64.b64encode(dice.randbytes(90))))),
        _code("df.head()", [_shown(**{"text/html": _lines(
            "<table>\n<tr><th>client_id</th><th>topic</th><th>password</th></tr>\n"
            "<tr><td>isr-shack-01</td><td>telemetry/watt_meter</td><td>None</td></tr>\n</table>")})]),
        _code("portal", _said("Portal(https://portal.example, account not asked yet)")),
        _code("Token('…')", _said("Token(isr_mqtt_rest_…)")),
        _code("session", _printed(f"GET /api/kernels/{_an_id(dice)}/channels 200")),
        _code("!git log --oneline | head -1", _printed(f"{dice.randbytes(20).hex()} Fix")),
        _code("uuid.uuid4()", _said(f"UUID('{_an_id(dice)}')")),
        _code("body = {'label': 'automation', 'expires_in_days': 30, 'password': 'your-password'}"),
        _code("df['value'].mean()", _said(str(dice.random() * 100))),
        _code("u = 'https://user:password@broker.example'\nv = f'mqtts://{user}:{password}@{host}:8883'"),
        _code("isr.connect()", _printed("TokenMissingError: looked at token=, ISR_TOKEN, ISR_TOKEN_FILE, the keyring")),
    ])  # fmt: skip


def _planted(dice: random.Random) -> tuple[dict[str, Any], Made, str]:
    """Make a notebook that holds one secret among harmless cells."""
    while True:
        made = dice.choice([_a_token, _a_token, _a_password, _a_header, _an_account])(dice)
        encoding = dice.choice([*ENCODINGS])
        cell, metadata = dice.choice(PLACES)(dice, ENCODINGS[encoding](dice, made[1]))
        cells = [_harmless(dice) for _ in range(dice.randint(1, 5))]
        cells.insert(dice.randint(0, len(cells)), cell)
        return _notebook(cells, **metadata), made, encoding


@pytest.mark.parametrize("encoding", [*ENCODINGS])
@pytest.mark.parametrize("make", [_a_token, _a_password, _a_header, _an_account])
def test_finds_each_kind_in_each_encoding(make: Callable[[random.Random], Made], encoding: str) -> None:
    """Every kind is found plain, encoded and in pieces."""
    dice = random.Random(f"{SEED} {encoding}")
    for _ in range(10):
        _, text, kind = make(dice)
        coded = ENCODINGS[encoding](dice, text)
        assert kind in kinds_in(coded), coded


@pytest.mark.parametrize("place", PLACES)
def test_finds_a_token_wherever_a_notebook_can_hold_one(place: Callable[..., tuple[Any, Any]]) -> None:
    """Sources, outputs, metadata, attachments and widget state are all looked at."""
    dice = random.Random(SEED)
    cell, metadata = place(dice, _a_token(dice)[0])
    found = disclosures(_notebook([_words("Hello"), cell], **metadata))
    assert [one.kind for one in found] == [TOKEN]
    assert found[0].cell == (0 if metadata else 2)


def test_recall_and_false_alarms(record_property: Callable[[str, object], None]) -> None:
    """Of 200 notebooks with a secret at least 198 are found; of 200 clean ones at most one is suspected."""
    dice = random.Random(SEED)
    missed = []
    for _ in range(MANY):
        made, (secret, _, kind), encoding = _planted(dice)
        found = disclosures(made)
        assert secret not in repr(found)
        if kind not in {one.kind for one in found}:
            missed.append((kind, encoding))
    suspected = []
    for _ in range(MANY):
        clean = _notebook([_harmless(dice) for _ in range(dice.randint(2, 12))])
        suspected += [(str(one), clean["cells"][one.cell - 1]["source"]) for one in disclosures(clean)]
    record_property("found", f"{MANY - len(missed)} of {MANY}")
    record_property("falsely reported", len(suspected))
    assert len(missed) <= MANY // 100, missed
    assert len(suspected) <= MANY // 200, suspected


def test_each_harmless_cell_is_clean() -> None:
    """What only speaks of secrets is none: placeholders, variables, ids of figures, hashes, pictures."""
    dice = random.Random(SEED + 1)
    for _ in range(400):
        cell = _harmless(dice)
        assert not disclosures(_notebook([cell])), cell


@pytest.mark.parametrize(
    "text",
    [
        "isr_mqtt_rest_<from-settings>", "isr_mqtt_rest_…", "isr_mqtt_rest_...", "isr_mqtt_rest_YOUR_TOKEN",
        "isr_mqtt_rest_xxxxxxxxxxxxxxxx", "isr_mqtt_rest_${TOKEN}", "isr_mqtt_rest_{body}", "isr_mqtt_rest_token",
        "isr_mqtt_platform_rest_example", 'password="********"', "password: str", "password=password",
    ],
)  # fmt: skip
def test_placeholders_are_no_secrets(text: str) -> None:
    """Words that stand for a secret are left alone."""
    assert kinds_in(text) == set()


def test_a_password_field_saved_with_its_text() -> None:
    """A Password widget that was saved with what was typed is reported, whatever that is."""
    state = {"m": {"model_name": "PasswordModel", "state": {"_model_name": "PasswordModel", "value": "kitten"}}}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    assert disclosures(_notebook([], widgets=widgets)) == [Disclosure(0, "widget state", PASSWORD)]
    state["m"]["state"]["value"] = ""
    assert disclosures(_notebook([], widgets=widgets)) == []


def test_beside_plotlys_script_a_token_is_found() -> None:
    """The script itself is passed over, 4.8 MB in an executed notebook; what stands before and after it is not."""
    from plotly.offline import get_plotlyjs

    token = _a_token(random.Random(SEED))[0]
    for lines in ([get_plotlyjs(), token], [token, get_plotlyjs()]):
        cell = {"cell_type": "code", "source": [], "outputs": [{"data": {"text/html": "\n".join(lines)}}]}
        assert [one.kind for one in disclosures(_notebook([cell]))] == [TOKEN]


def test_old_notebooks_are_read_too() -> None:
    """A notebook of format 3, with worksheets and inputs, is looked at like any other."""
    token = _a_token(random.Random(SEED))[0]
    old = {
        "worksheets": [{"cells": [{"cell_type": "code", "input": [f"t = '{token}'"], "outputs": []}]}],
        "nbformat": 3,
    }
    assert [one.part for one in disclosures(old)] == ["source"]


def test_what_stands_beside_the_cells_is_looked_at() -> None:
    """Whatever its name, and what a cell has beside its text; of the third format also what a worksheet has."""
    token = _a_token(random.Random(SEED))[0]
    for notebook in ({"cells": [], "note": {"t": token}}, {"worksheets": [{"cells": [], "metadata": {"t": token}}]}):
        assert [str(one) for one in disclosures(notebook)] == ["metadata: REST API token"]
    cell = {"cell_type": "code", "metadata": {"t": token}}
    assert [str(one) for one in disclosures({"cells": [cell]})] == ["cell 1, metadata: REST API token"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("pwd: quicksilver", set()), ("password = own.secret9.kept", set()), ("a password: quick5ilver", {PASSWORD}),
     (r"'\151sr_mqtt_rest_9fKq27LxPd04'", {TOKEN})],
)  # fmt: skip
def test_what_a_text_gives_away(text: str, kinds: set[str]) -> None:
    """Without quotes a password has digits, and is no name of something; escapes may be octal."""
    assert kinds_in(text) == kinds


def test_what_is_no_notebook_is_refused() -> None:
    """A file that is not a notebook is not taken for a clean one."""
    odd = ('{"cells": ["a cell"]}', '{"cells": {}}', '{"worksheets": [1]}', '{"cells": [], "metadata": "text"}')
    for text in ("", "[]", "{}", '{"cells": ', "[" * 100_000, *odd):
        with pytest.raises(UsageError, match="not a notebook"):
            disclosure.read(text)


def test_the_command_says_where_and_never_what(tmp_path: Path) -> None:
    """`isr check-notebook` names file, cell and kind, ends with 1, and does not print the secret."""
    token = _a_token(random.Random(SEED))[0]
    bad, good = tmp_path / "bad.ipynb", tmp_path / "good.ipynb"
    bad.write_text(json.dumps(_notebook([_words("Hello"), _code(f"t = '{token}'")])), "utf-8")
    good.write_text(json.dumps(_notebook([_words("Hello")])), "utf-8")

    def check(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            "from isr_analysis.cli import main; main()",
            "check-notebook",
            *map(str, arguments),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = check(good, bad)
    assert done.returncode == 1
    assert f"{bad}: cell 2, source: REST API token" in done.stdout
    assert token not in done.stdout + done.stderr
    assert token[-12:] not in done.stdout + done.stderr
    assert "Revoke a token" in done.stderr
    whose = tmp_path / "whose.ipynb"
    whose.write_text(json.dumps(_notebook([_words(f"account {_an_id(random.Random(SEED))}")])), "utf-8")
    done = check(whose)
    assert (done.returncode, "oken" in done.stderr) == (1, False)
    clean = check("--quiet", good)
    assert (clean.returncode, clean.stdout) == (0, "")
    for files in ((tmp_path / "none.ipynb", bad), (bad, tmp_path / "none.ipynb")):
        done = check(*files)
        assert (done.returncode, "Revoke a token" in done.stderr) == (2, True)
