"""What an account's owner can change: clients, read-only subscribers, members, invites. Kept only in memory."""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from typing import Any

from starlette.exceptions import HTTPException

from isr_analysis import times
from isr_analysis.sandbox import noise
from isr_analysis.sandbox.archive import Archive

INVITED_FOR = 48 * times.HOUR
_OWNER = "owner"


class UnknownError(HTTPException):
    """What was named does not exist."""

    def __init__(self, words: str) -> None:
        super().__init__(404, words)


class ConflictError(HTTPException):
    """What was asked for contradicts what is there."""

    def __init__(self, words: str) -> None:
        super().__init__(409, words)


class Books:
    """The books of one account; a client that is paused or removed in them publishes no more."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._account = archive.fleet.account_id
        self._lock = threading.RLock()
        self._made: dict[str, dict[str, Any]] = {}
        self._removed: set[str] = set()
        self._paused = {"spare-01"}
        self._subscribers: dict[str, tuple[str, int]] = {}
        self._invites: dict[str, dict[str, Any]] = {}
        self._members = {
            member["user_id"]: member
            for member in (
                self._member("operator@example.org", _OWNER),
                self._member("analyst@example.org", "data_manager"),
                self._member("friend@example.org", "member"),
            )
        }

    def publishers(self, now: int) -> list[dict[str, Any]]:
        """List the MQTT clients."""
        with self._lock:
            of_fleet = [
                self._publisher(client.client_id, client.username, client.label)
                for client in self._archive.fleet.clients
                if client.born <= now and client.gone > now - self._archive.kept
            ]
            rows = [*of_fleet, *(self._publisher(**made) for made in self._made.values())]
            return [row for row in rows if row["client_id"] not in self._removed]

    def make_publisher(self, label: str, *, allow_subscribe: bool, now: int) -> dict[str, Any]:
        """Make an MQTT client; its password is in the answer and nowhere else."""
        with self._lock:
            name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "client"
            taken = {client.client_id for client in self._archive.fleet.clients} | set(self._made)
            free = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
            client_id = next(one for one in free if one not in taken)
            made = {"client_id": client_id, "username": f"pub-{secrets.token_hex(5)}", "label": label}
            self._made[client_id] = made
            device = {**made, "allow_subscribe": allow_subscribe, "password": _password(), "created_at": _second(now)}
            return {"device": device, "publish_topic": f"{self._account}/{client_id}/#"}

    def pause(self, client_id: str, now: int, *, paused: bool) -> dict[str, Any]:
        """Pause a client, or let it go on."""
        with self._lock:
            row = self._named(client_id, now)
            if paused and not row["paused"]:
                self._paused.add(client_id)
                self._archive.pause(client_id, now)
            elif row["paused"] and not paused:
                self._paused.remove(client_id)
                self._archive.resume(client_id, now)
            return self._named(client_id, now)

    def remove(self, client_id: str, now: int) -> None:
        """Remove a client for good; what it published stays."""
        with self._lock:
            self._named(client_id, now)
            self._removed.add(client_id)
            self._archive.pause(client_id, now)

    def rotate(self, client_id: str, now: int) -> dict[str, Any]:
        """Give a client another password."""
        row = self._named(client_id, now)
        return {"client_id": client_id, "username": row["username"], "password": _password()}

    def make_subscriber(self, label: str, *, days: int, now: int) -> dict[str, Any]:
        """Make a broker login that may only listen; its password is in the answer, and known to the broker."""
        name = secrets.token_hex(5)
        made = {
            "id": name,
            "label": label,
            "username": f"sub-{name}",
            "topic_filter": f"{self._account}/#",
            "created_at": _second(now),
            "expires_at": _second(now + days * times.DAY),
        }
        password = _password()
        with self._lock:
            self._subscribers[made["username"]] = password, now + days * times.DAY
        return {**made, "password": password}

    def logins(self, now: int) -> dict[str, str]:
        """Give the read-only subscribers that have not expired, with their passwords."""
        with self._lock:
            return {name: password for name, (password, ends) in self._subscribers.items() if now < ends}

    def members(self) -> list[dict[str, Any]]:
        """List who works in the account."""
        with self._lock:
            return list(self._members.values())

    def set_role(self, user_id: str, role: str) -> dict[str, Any]:
        """Give a member another role."""
        with self._lock:
            member = self._member_of(user_id)
            if role != _OWNER:
                self._keep_an_owner(member)
            self._members[user_id] = {**member, "role": role}
            return self._members[user_id]

    def remove_member(self, user_id: str) -> None:
        """Take a member's access away."""
        with self._lock:
            member = self._member_of(user_id)
            self._keep_an_owner(member)
            del self._members[user_id]

    def invites(self, now: int) -> list[dict[str, Any]]:
        """List the invites that are still open."""
        with self._lock:
            return [one for one in self._invites.values() if times.instant(one["expires_at"]) > now]

    def invite(self, email: str, role: str, now: int) -> dict[str, Any]:
        """Invite somebody."""
        with self._lock:
            known = {one["email"].lower() for one in [*self._members.values(), *self.invites(now)]}
            if email.lower() in known:
                raise ConflictError(f"{email} is a member, or invited, already")
            made = {
                "invite_id": str(uuid.uuid4()),
                "email": email,
                "role": role,
                "created_at": _second(now),
                "expires_at": _second(now + INVITED_FOR),
            }
            self._invites[made["invite_id"]] = made
            return made

    def withdraw(self, invite_id: str, now: int) -> None:
        """Take an invite back."""
        with self._lock:
            if invite_id not in {one["invite_id"] for one in self.invites(now)}:
                raise UnknownError(f"there is no open invite {invite_id!r}")
            del self._invites[invite_id]

    def _named(self, client_id: str, now: int) -> dict[str, Any]:
        row = next((row for row in self.publishers(now) if row["client_id"] == client_id), None)
        if row is None:
            raise UnknownError(f"there is no client {client_id!r}")
        return row

    def _publisher(self, client_id: str, username: str, label: str) -> dict[str, Any]:
        path = f"{self._account}/{client_id}/"
        return {
            "client_id": client_id,
            "label": label,
            "username": username,
            "topic": f"{path}#",
            "history_topic_prefix": path,
            "paused": client_id in self._paused,
        }

    def _member(self, email: str, role: str) -> dict[str, Any]:
        number = noise.key(self._account, email) << 64 | noise.key(email, self._account)
        return {"user_id": str(uuid.UUID(int=number, version=4)), "email": email, "role": role}

    def _member_of(self, user_id: str) -> dict[str, Any]:
        if user_id not in self._members:
            raise UnknownError(f"there is no member {user_id!r}")
        return self._members[user_id]

    def _keep_an_owner(self, member: dict[str, Any]) -> None:
        owners = [one for one in self._members.values() if one["role"] == _OWNER]
        if owners == [member]:
            raise ConflictError("the last owner of an account stays its owner; make another member an owner first")


def _password() -> str:
    return secrets.token_urlsafe(18)


def _second(ns: int) -> str:
    return times.iso(times.whole_second(ns))
