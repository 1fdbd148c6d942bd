"""How many threads work at once: any number may wait for the portal, but more at work than there are cores slow all."""

from __future__ import annotations

import os
import threading

working = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Held while answers are read or payloads decoded, never while something is waited for."""
