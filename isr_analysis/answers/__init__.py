"""What a portal answered, recognised by its shape: bytes in, messages out. Pure: no client, clock or disk.

The form of the portal's history and live answers is unpublished, so nothing here relies on one. `read_page` and
`read_live` find the rows in the body, the columns in the rows, and the messages in both; what cannot be recognised
raises an `AnswerError` that shows what came. On the way from a body to messages:

- `unpack` gives the texts under compression and encodings, `forms` the columns of a text in whichever format (`csv`,
  `arrow`, or JSON: `raw` takes it apart, `envelope` finds the rows, `beside` what stands beside them, `tables` columns
  that an object holds, `columns` makes columns of rows);
- `roles` tells which column is what, by the names of `shape`; `labels`, `keys` and `paths` whose messages they are,
  `stamps`, `instants` and `ages` when they were published, `payload` what was, with `boxes`, `copies`, `fragments`,
  `quoted` and `senml` for what portals put around it; `page` puts these together;
- `paging` reads what an answer says of the pages after it, `failures` and `words` how it says that it failed; `rows`
  reads lists that are no messages.
"""

from __future__ import annotations

from isr_analysis.answers.csv import MAY_BE_CUT
from isr_analysis.answers.failures import gives_a_reason, says_nothing_is_there, status_of
from isr_analysis.answers.failures import of_change as failure_of_change
from isr_analysis.answers.forms import nothing, without_rows
from isr_analysis.answers.fragments import merge
from isr_analysis.answers.instants import instant_of
from isr_analysis.answers.page import Page, read_live, read_page, shown
from isr_analysis.answers.paging import Paging
from isr_analysis.answers.paging import read as read_paging
from isr_analysis.answers.payload import STRINGS
from isr_analysis.answers.rows import lines_beside, read_rows
from isr_analysis.answers.shape import Fields
from isr_analysis.answers.stamps import Apart
from isr_analysis.answers.words import HTML, error_words

__all__ = [
    "HTML", "MAY_BE_CUT", "STRINGS", "Apart", "Fields", "Page", "Paging", "error_words", "failure_of_change",
    "gives_a_reason", "instant_of", "lines_beside", "merge", "nothing", "read_live", "read_page", "read_paging",
    "read_rows", "says_nothing_is_there", "shown", "status_of", "without_rows",
]  # fmt: skip
