"""A small fleet whose clock stands still, and connections to it, for what writes the store elsewhere or opens it."""

from __future__ import annotations

import pytest
from clocks import NOON

import isr_analysis as isr


@pytest.fixture(scope="module")
def sandbox():
    """Serve a small fleet whose clock stands still."""
    with isr.sandbox.serve(days=20, rate=0.05, now=lambda: NOON) as served:
        yield served


@pytest.fixture
def portal(sandbox):
    """Connect."""
    with sandbox.connect() as line:
        yield line
