"""A sandbox, and connections to it, for the widgets without a page: built, set and asserted."""

from __future__ import annotations

import pytest

import isr_analysis as isr


@pytest.fixture(scope="module")
def sandbox():
    """Give a running sandbox, in whose days the buoy got a new id at least once: the former one is silent."""
    with isr.sandbox.serve(days=45) as running:
        yield running


@pytest.fixture
def portal(sandbox, home):
    """Give a connection with an empty store."""
    sandbox.heal()
    sandbox.set_quota()
    with sandbox.connect(home=home) as made:
        yield made
