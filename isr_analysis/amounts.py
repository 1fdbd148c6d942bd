"""Amounts as text: counts, shares, sizes. Pure."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """Write how many there are of something.

    >>> counted(0, "request"), counted(1, "request"), counted(1_000, "request")
    ('0 requests', '1 request', '1,000 requests')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """Write a share, 0 to 1; what is neither none nor all is written so.

    >>> percent(0), percent(1 / 200), percent(0.5), percent(199 / 200), percent(1)
    ('0%', '<1%', '50%', '>99%', '100%')
    """
    return "<1%" if 0 < share <= 0.005 else ">99%" if 0.995 <= share < 1 else f"{share:.0%}"  # noqa: PLR2004


def sized(count: int) -> str:
    """Write a size, given in bytes, in the unit that suits it.

    >>> sized(0), sized(2_300), sized(1_234_567_890)
    ('0 bytes', '2.3 kB', '1,234.6 MB')
    """
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return counted(count, "byte")
