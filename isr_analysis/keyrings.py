"""The system keyring. A machine without one is normal, and its back ends may raise anything."""

from __future__ import annotations

import logging

from isr_analysis.errors import StoreError

logger = logging.getLogger(__name__)

_SERVICE = "isr_analysis"


def get(entry: str) -> str | None:
    """Give what an entry holds; None also where there is no keyring."""
    import keyring

    try:
        return keyring.get_password(_SERVICE, entry)
    except Exception as exc:  # noqa: BLE001 (a dead D-Bus, a locked chain)
        logger.debug("no keyring: %s", type(exc).__name__)
        return None


def keep(entry: str, value: str, *, what: str, instead: str) -> None:
    """Keep a secret, in place of what the entry held.

    `what` it is, and what to do `instead` where there is no keyring, are said in the error.

    Raises
    ------
    StoreError
        This machine has no keyring, or one that keeps nothing.
    """
    import keyring

    try:
        keyring.set_password(_SERVICE, entry, value)
        why = "" if keyring.get_password(_SERVICE, entry) == value else "what is put into it cannot be read back"
    except Exception as exc:  # noqa: BLE001 (see get)
        why = type(exc).__name__  # no more, and not chained: a back end's error may hold what it was given
    if why:
        raise StoreError(
            f"this machine has no keyring that can store the {what} ({why}), which is normal on servers and in "
            f"containers. {instead}"
        )


def forget(entry: str, *, what: str) -> bool:
    """Forget what an entry holds; tell whether there was anything.

    Raises
    ------
    StoreError
        The keyring does not give it up, or cannot be asked whether it has it, as one that is locked.
    """
    import keyring
    from keyring.errors import NoKeyringError

    try:
        if keyring.get_password(_SERVICE, entry) is None:
            return False
        keyring.delete_password(_SERVICE, entry)
    except NoKeyringError:
        return False
    except Exception as exc:
        raise StoreError(f"the {what} could not be removed from the keyring: {exc}") from exc
    return True
