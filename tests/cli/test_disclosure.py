"""What is looked at of a notebook's text, and what is not: pictures and numbers are no place for a secret in pieces."""

from __future__ import annotations

import base64
import json
import random
import time

import pytest

from isr_analysis import disclosure
from isr_analysis.disclosure import PASSWORD, TOKEN, kinds_in

SECRET = "isr_mqtt_rest_9fKq27LxPd04"


def a_picture() -> str:
    """Give what a notebook has of a picture."""
    return base64.b64encode(random.Random(1).randbytes(60_000)).decode()


def readings() -> str:
    """Give numbers as JSON writes them."""
    dice = random.Random(1)
    return json.dumps([dice.random() for _ in range(4_000)])


@pytest.mark.parametrize("text", [a_picture(), readings()], ids=["picture", "readings"])
def test_pictures_and_numbers_are_looked_at_a_few_times(text, monkeypatch):
    """Not in all that they could be decoded to once more: a notebook with some of them would take minutes."""
    looked, plain = [], disclosure._plain

    def counted(view):
        looked.append(len(view))
        return plain(view)

    monkeypatch.setattr(disclosure, "_plain", counted)
    assert kinds_in(text) == set()
    assert len(looked) < 100
    assert sum(looked) < 8 * len(text)


def test_a_token_beside_a_picture_or_numbers_is_found():
    """Before, behind, or within the bytes of a picture, in plain or encoded beside it."""
    coded = base64.b64encode(SECRET.encode()).decode()
    for text in (a_picture(), readings()):
        for one in (f"{SECRET} {text}", f"{text} {SECRET}", f"{coded} {text}", f"{text}\n {coded}"):
            assert kinds_in(one) == {TOKEN}
    within = random.Random(1).randbytes(6_000) + SECRET.encode() + b"\0"
    assert kinds_in(base64.b64encode(within).decode()) == {TOKEN}


@pytest.mark.parametrize(
    "text", [random.Random(1).randbytes(20_000).hex(), "." * 40_000, "password" * 5_000, "0a1b2c3d-" * 4_000]
)
def test_a_long_word_is_read_a_few_times(text):
    """The bytes of a payload as hex took half a minute, four times as long for twice as many."""
    began = time.process_time()
    assert kinds_in(text) == set()
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("%env ISR_MQTT_PASSWORD kF27LxPd04", {PASSWORD}), ("%set_env MQTT_PWD kF27LxPd04", {PASSWORD}),
        ("%env ISR_MQTT_PASSWORD your-password-1", set()), ("%env ISR_MQTT_PASSWORD $KEPT", set()),
        ("!curl -sS -u sub-1:kF27LxPd04 https://x.example", {PASSWORD}),
        ("curl --user 'me:kF27LxPd04' https://x.example", {PASSWORD}),
        ('curl -u "user:password" x', set()), ('curl -u "$USER:$PASS" x', set()),
        ("curl -u me https://x:8883/abc1", set()),
    ],
)  # fmt: skip
def test_passwords_of_a_notebooks_commands(text, kinds):
    """As IPython and a shell take them: behind a blank, or a colon."""
    assert kinds_in(text) == kinds
