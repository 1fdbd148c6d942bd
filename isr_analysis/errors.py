"""Every error that isr_analysis raises, in one tree.

::

    IsrError
    ├── UsageError                an argument or a setting cannot be used (also a ValueError)
    ├── MissingExtraError         an optional part is not installed (also an ImportError)
    ├── TokenMissingError         no token was found anywhere
    ├── WrongAccountError         an answer or a token belongs to a different account
    ├── StoreError                the folder that keeps the data cannot be used
    ├── HistoryIncompleteError    part of a range could not be fetched; nothing partial is returned
    ├── ReportIncompleteError     a report was written, but lacks something
    ├── AnswerError               the portal's answer could not be understood
    ├── SubscriberMissingError    no read-only subscriber's login, or no broker, is set up
    ├── SubscriberRefusedError    the broker refused the login or its topic filter
    ├── BrokerUnavailableError    the broker could not be reached
    ├── PortalUnavailableError    the portal could not be reached, or failed (5xx)
    └── RequestRefusedError       the portal refused the request (4xx)
        ├── TokenRefusedError     401: the token is wrong, expired or revoked
        ├── AddOnMissingError     403: the account lacks the add-on for this route
        ├── QuotaExhaustedError   429: the token's requests of this hour are used up
        └── QuestionRefusedError  400, 404, 422 and others: what was asked for, or how it was asked

Each message says what was received, what was expected and what to do. A notebook shows it below the lines of the cells
that led to it; ``traceback.print_last()`` shows the full traceback.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Self

_TOKEN = re.compile(r"isr_mqtt_(?:platform_)?rest_[A-Za-z0-9._~+/=-]{16,}")

CONTRACT_FILE = "a contract file (ISR_CONTRACT; `isr doctor` prints one to edit)"
"""Where a person can say what the portal does not, in the words of every message that advises it."""


class IsrError(Exception):
    """Base class of every error in this package.

    Parameters
    ----------
    message : str
        What was received, what was expected, what to do.
    status_code : int, optional
        The portal's HTTP status, if an answer was the cause.
    retry_after : float, optional
        Seconds after which the same call may work.

    Attributes
    ----------
    status_code : int or None
        See above.
    retry_after : float or None
        See above.
    retryable : bool
        Whether the same call may work later, unchanged.
    """

    retryable: bool = False

    def __init__(self, message: str, *, status_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(without_tokens(message))
        self.status_code = status_code
        self.retry_after = retry_after

    def _render_traceback_(self) -> list[str]:
        """Give what IPython shows of the error: the calls up to this package, without tokens in them, and the words.

        The way below, hundreds of lines with that of the HTTP libraries, is shown by ``traceback.print_last()``.
        """
        from IPython.core.getipython import get_ipython

        cause, is_suppressed = self.__cause__, self.__suppress_context__
        self.__cause__ = None
        try:
            formatter = get_ipython().InteractiveTB  # type: ignore[union-attr]  # nobody else asks for this
            trace = _up_to_here(self.__traceback__) or self.__traceback__
            shown: list[str] = formatter.structured_traceback(type(self), self, trace)
        finally:
            self.__cause__, self.__suppress_context__ = cause, is_suppressed
        return [without_tokens(one) for one in shown]


def _up_to_here(trace: TracebackType | None) -> TracebackType | None:
    """Cut a traceback where it enters this package."""
    above = []
    while trace is not None and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(Path(__file__).parent):
        above.append(trace)
        trace = trace.tb_next
    cut = None
    for one in reversed(above):
        cut = TracebackType(cut, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return cut


def without_tokens(text: str) -> str:
    """Mask the tokens in a text: one that was given in the wrong place is not shown where that is told.

    >>> without_tokens("origin='isr_mqtt_rest_example0123456789' is no address")
    "origin='(a token)' is no address"
    """
    return _TOKEN.sub("(a token)", text)


class UsageError(IsrError, ValueError):
    """An argument or a setting cannot be used as it is."""


class MissingExtraError(IsrError, ImportError):
    """A part of the package needs a library that is not installed."""

    @classmethod
    def of(cls, what: str, library: str, extra: str) -> Self:
        """Make the error of what needs a library that an extra brings."""
        return cls(f'{what} needs {library}, which is not installed; run: pip install "isr-analysis[{extra}]"')


class TokenMissingError(IsrError):
    """No token was found, and there is nobody to ask for one."""


class WrongAccountError(IsrError):
    """An answer, or the token, belongs to a different account than the one in use."""


class StoreError(IsrError):
    """The folder that keeps messages, caches and the quota cannot be used."""


class HistoryIncompleteError(IsrError):
    """Part of a range could not be fetched, so no frame is returned. What was fetched stays on disk."""

    retryable = True


class ReportIncompleteError(IsrError):
    """A report was written, and says at the top what it lacks.

    Parameters
    ----------
    path : Path
        The report.
    problems : list
        What is wrong, one text per problem.

    Attributes
    ----------
    path : Path
        See above.
    problems : list of str
        See above.
    """

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path} was written, but it is not complete:\n" + "\n".join(f"  - {one}" for one in problems))
        self.path = path
        self.problems = problems


class AnswerError(IsrError):
    """The portal's answer was read, but not understood."""


class SubscriberMissingError(IsrError):
    """Live MQTT needs a broker and a read-only subscriber's login, and one of them is not set up."""


class SubscriberRefusedError(IsrError):
    """The broker refused the subscriber's login or its topic filter."""


class BrokerUnavailableError(IsrError):
    """The broker could not be reached, or did not answer in time."""

    retryable = True


class PortalUnavailableError(IsrError):
    """The portal could not be reached, did not answer in time, or failed (5xx)."""

    retryable = True


class RequestRefusedError(IsrError):
    """The portal refused the request (4xx).

    Parameters
    ----------
    message, status_code, retry_after
        See `IsrError`.
    words : str
        What the portal said, in full; empty if it said nothing.

    Attributes
    ----------
    words : str
        See above.
    """

    def __init__(
        self, message: str, *, status_code: int | None = None, retry_after: float | None = None, words: str = ""
    ) -> None:
        super().__init__(message, status_code=status_code, retry_after=retry_after)
        self.words = words


class TokenRefusedError(RequestRefusedError):
    """401: the token is wrong, expired or revoked."""


class AddOnMissingError(RequestRefusedError):
    """403: the account lacks the add-on for the route, or the token the permission."""


class QuotaExhaustedError(RequestRefusedError):
    """429: the token's requests of this hour are used up; `retry_after` says for how long."""

    retryable = True
    retry_after: float


class QuestionRefusedError(RequestRefusedError):
    """400, 404, 422 and others: the portal refused this request, but may answer a different one."""


def in_words(exc: BaseException) -> str:
    """Write an error for a person: what it says, its name before that if it is none of ours, and what was noted on it.

    >>> in_words(UsageError("last='7' has no unit")), in_words(KeyError("value"))
    ("last='7' has no unit", "KeyError: 'value'")
    """
    name, said = type(exc).__name__, str(exc).strip()
    if not isinstance(exc, IsrError):
        said = f"{name}: {said}" if said else name
    return ". ".join([said, *getattr(exc, "__notes__", [])])
