"""What a portal answered, recognised by its shape: bytes in, messages out. Pure: no client, clock or disk.

The form of the portal's history and live answers is unpublished, so nothing here relies on one. `read_page` and
`read_live` find the rows in the body, the columns in the rows, and the messages in both; what cannot be recognised
raises an `AnswerError` that shows what came.
"""

from __future__ import annotations

from isr_analysis.answers.failures import of_change as failure_of_change
from isr_analysis.answers.forms import without_rows
from isr_analysis.answers.fragments import merge
from isr_analysis.answers.instants import instant_of
from isr_analysis.answers.page import Apart, Page, read_live, read_page
from isr_analysis.answers.paging import Paging
from isr_analysis.answers.paging import read as read_paging
from isr_analysis.answers.rows import read_rows
from isr_analysis.answers.shape import Fields
from isr_analysis.answers.words import error_words

__all__ = [
    "Apart", "Fields", "Page", "Paging", "error_words", "failure_of_change", "instant_of", "merge", "read_live",
    "read_page", "read_paging", "read_rows", "without_rows",
]  # fmt: skip
