"""Colours: a client has its own, in every figure."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stations import MINUTES, plain

from isr_analysis import plots
from isr_analysis.plots.theme import COLOURS, INK, SPARE, client_colour, line_styles


@given(st.lists(st.from_regex(r"[a-z]{2,6}-[a-z]{2,6}-\d{2}", fullmatch=True), min_size=2, max_size=5, unique=True))
@settings(max_examples=30)
def test_a_client_has_the_same_colour_in_every_figure(clients):
    """A client's colour rests on its id alone: alone, among others, in any plot."""
    index = MINUTES[:30]
    parts = [plain(np.arange(30.0), index, client_id=client, topic="t") for client in clients]
    figure = plots.timeseries(pd.concat(parts), "value")
    for trace in figure.data:
        assert trace.line.color == client_colour(trace.name, "light")
    looks = [(trace.line.color, trace.line.dash) for trace in figure.data]
    assert len(set(looks)) == len(clients)


def test_numbered_stations_have_colours_of_their_own():
    """Eight numbered stations never share a colour."""
    for theme in ("light", "dark"):
        colours = {client_colour(f"isr-{place}-{n:02}", theme) for n, place in enumerate("abcdefgh", 1)}
        assert colours == set(COLOURS[theme])


def test_as_many_lines_as_a_figure_has_differ():
    """Forty clients of which more share a colour than there are dashes are told apart all the same."""
    clients = [f"isr-hill-{8 * n if n < 10 else 100 + n}" for n in range(40)]
    assert len({*line_styles(clients, clients, ["one panel"] * 40, "light").values()}) == 40


# Linear RGB as those without red, green or blue receptors see it (Machado, Oliveira and Fernandes 2009, severity 1).
EYES = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour, eye):
    """Give a colour as CIE L*a*b*, in which distances are those that an eye sees."""
    byte = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.clip(
        np.asarray(EYES[eye]) @ np.where(byte <= 0.04045, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4), 0, 1
    )
    xyz = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]] @ linear
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_colour_blind_people_tell_any_two_lines_apart(ground, eye):
    """The colours of lines are several times as far apart as what is just noticed, a distance of 2.3."""
    colours = [seen(one, eye) for one in COLOURS[ground]]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(colours, 2)) > 13


def contrast(colour, ground):
    """Give by how much a colour stands out from another, as WCAG 2 counts it: 1 not at all, 21 black on white."""
    byte = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in (colour, ground)]) / 255
    light = np.where(byte <= 0.04045, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722] + 0.05
    return light.max() / light.min()


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_lines_and_words_stand_out_from_the_ground(ground):
    """Three to one for what is drawn, 4.5 to one for what is read, as WCAG asks for; in the live table, too."""
    ink = INK[ground]
    assert min(contrast(one, ink["paper"]) for one in [*COLOURS[ground], *SPARE[ground]]) >= 3
    assert min(contrast(ink[one], ink["paper"]) for one in ("text", "soft", "live", "stale", "silent")) >= 4.5
    assert contrast(ink["soft"], ink["empty"]) >= 4.5
    frame = plain(["ok"] * 3, client_id=["a", "b", "c"], topic="t")
    frame.index = pd.DatetimeIndex(["2026-11-01", "2026-11-03 23:30", "2026-11-04"], tz="UTC", name="time")
    (table,) = plots.live(frame, theme=ground).data
    assert min(contrast(one, ink["paper"]) for column in table.cells.font.color for one in column) >= 4.5
