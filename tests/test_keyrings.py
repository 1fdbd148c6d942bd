"""The keyring: what is said to be kept is kept."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.null import Keyring as KeepsNothing

from isr_analysis import keyrings
from isr_analysis.errors import StoreError


def test_a_secret_is_kept_replaced_and_forgotten():
    """Each entry by itself."""
    for value in ("first", "second"):
        keyrings.keep("a", value, what="token", instead="")
    keyrings.keep("b", "other", what="token", instead="")
    assert (keyrings.get("a"), keyrings.get("b")) == ("second", "other")
    assert keyrings.forget("a", what="token")
    assert not keyrings.forget("a", what="token")
    assert (keyrings.get("a"), keyrings.get("b")) == (None, "other")


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_nothing_is_kept_and_the_way_out_is_said():
    """Reading is as from an empty one; keeping is an error that does not show the secret."""
    assert keyrings.get("a") is None
    assert not keyrings.forget("a", what="token")
    with pytest.raises(StoreError, match=r"can store the token \(NoKeyringError\).* Use a file") as caught:
        keyrings.keep("a", "s3cret", what="token", instead="Use a file")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_keyring_that_is_switched_off_keeps_nothing_and_says_so():
    """Its back end takes what it is given without an error; a password that is shown once would be lost in it."""
    keyring.set_keyring(KeepsNothing())
    with pytest.raises(StoreError, match="what is put into it cannot be read back"):
        keyrings.keep("a", "s3cret", what="password", instead="Use a file")


def test_a_keyring_that_keeps_hold_of_a_secret_is_told(monkeypatch):
    """Forgetting is never said of what is still there."""
    keyrings.keep("a", "s3cret", what="token", instead="")

    def refuse(*_):
        raise RuntimeError("locked")

    monkeypatch.setattr(keyring, "delete_password", refuse)
    with pytest.raises(StoreError, match="token could not be removed from the keyring: locked"):
        keyrings.forget("a", what="token")
    monkeypatch.setattr(keyring, "get_password", refuse)  # one that is locked does not even say whether it has it
    with pytest.raises(StoreError, match="token could not be removed from the keyring: locked"):
        keyrings.forget("a", what="token")
