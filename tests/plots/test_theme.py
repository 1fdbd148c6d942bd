"""Colours: a client has its own, in every figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from stations import MINUTES, plain

from isr_analysis import plots
from isr_analysis.plots.theme import client_colour, palette


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
        assert colours == set(palette(theme))
