"""Whose data a token opens: tokens are bound to accounts by a fingerprint, and each account has its folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from urllib.parse import quote

from isr_analysis import database
from isr_analysis.errors import StoreError
from isr_analysis.files import make_folder
from isr_analysis.portal.token import Token

_FORMAT = database.Format(
    "CREATE TABLE IF NOT EXISTS binding (token TEXT PRIMARY KEY, origin TEXT NOT NULL, account TEXT NOT NULL)"
)

_SALT = "salt"


def fingerprint(token: Token, origin: str, home: Path) -> str:
    """Give a token's mark: the same for the same token, origin and home; the token cannot be found from it."""
    return hmac.new(_salt(home), f"{origin}\0{token.reveal()}".encode(), hashlib.sha256).hexdigest()[:32]


def bound_account(home: Path, mark: str) -> str | None:
    """Give the account that a token was seen to belong to."""
    with database.snapshot(home / "accounts.sqlite", _FORMAT) as db:
        row = db and db.execute("SELECT account FROM binding WHERE token = ?", (mark,)).fetchone()
        return str(row[0]) if row else None


def bind(home: Path, mark: str, origin: str, account: str) -> None:
    """Note the account that a token belongs to."""
    with database.transaction(home / "accounts.sqlite", _FORMAT) as db:
        db.execute("INSERT OR REPLACE INTO binding VALUES (?, ?, ?)", (mark, origin, account))


def folder(home: Path, origin: str, account: str) -> Path:
    """Give the folder of one account at one portal; whatever the portal calls it, it is a name and no path."""
    host = re.sub(r"[^A-Za-z0-9.-]", "_", origin.removeprefix("https://").replace("http://", "http_"))
    return home / "accounts" / host / re.sub(r"^\.", "%2E", quote(account, safe=""))


def folders(home: Path, origin: str) -> list[Path]:
    """Give the folders of all accounts of one portal that have one."""
    return sorted(one for one in folder(home, origin, "").glob("*") if one.is_dir())


def has_salt(home: Path) -> bool:
    """Tell whether tokens were marked in this home before."""
    return (home / _SALT).exists()


def _salt(home: Path) -> bytes:
    path = make_folder(home) / _SALT
    try:
        if not path.exists():
            # Written aside and linked into place: of two processes that begin at once, both use the first's.
            aside = home / f"salt.{os.getpid()}.{secrets.token_hex(4)}"
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            try:
                os.link(aside, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without links, such as exFAT: the last to begin is the one to be used
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
        return path.read_bytes()
    except OSError as exc:
        raise StoreError(
            f"{path} cannot be written ({exc.strerror}); set ISR_HOME to a folder on a local disk"
        ) from exc
