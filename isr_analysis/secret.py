"""A secret: masked wherever it could be printed, shown only when asked for."""

from __future__ import annotations

from typing import Any, NoReturn, Self


class Secret:
    """A password, masked in every repr.

    Parameters
    ----------
    value : str
        The password itself.

    Examples
    --------
    >>> Secret("correct horse")
    Secret(…)
    >>> Secret("correct horse").reveal()
    'correct horse'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would be written out in plain")
