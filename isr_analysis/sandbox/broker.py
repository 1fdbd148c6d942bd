"""A real MQTT broker for the sandbox: Debian's mosquitto as a child process, with the logins from the sandbox's books.

A read-only subscriber may listen to all of its account and publish nothing. The fleet itself publishes through one
login of the sandbox's own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isr_analysis.errors import IsrError, MissingExtraError, UsageError

HOST = "127.0.0.1"

_FLEET = "sandbox-fleet"
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/local/sbin")
_PATIENCE = 15.0  # seconds
_TRIES = 5

# The shell ends the broker when its standard input closes: that is when this process ends, however that happens.
_KEEPER = 'trap "" INT; "$0" -c "$1" >/dev/null 2>&1 & echo $!; cat >/dev/null; kill $! 2>/dev/null; wait'


class Broker:
    """A broker on loopback, with TLS where a certificate and its key, PEM files, are given.

    Attributes
    ----------
    port : int
        Where it listens.
    url : str
        Its address, ``mqtt://host:port`` or ``mqtts://host:port``.

    Raises
    ------
    MissingExtraError
        mosquitto or paho-mqtt is not installed.
    UsageError
        The port is taken.
    """

    def __init__(self, *, certificate: tuple[Path, Path] | None = None) -> None:
        self._program = _installed()
        self._certificate = certificate
        self._folder = tempfile.TemporaryDirectory(prefix="isr-broker-", ignore_cleanup_errors=True)
        self._fleet = secrets.token_urlsafe(18)
        self._logins: dict[str, tuple[str, str]] = {}
        self._hashes: dict[tuple[str, str], str] = {}
        self._keeper: subprocess.Popen[str] | None = None
        self._client: Any = None
        self._lock = threading.RLock()
        self.port = 0
        try:
            self._start_somewhere()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt{'s' if self._certificate else ''}://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it takes connections."""
        return self._client is not None

    def start(self) -> None:
        """Start it (again), at the same port; returns when the fleet can publish."""
        with self._lock:
            if self._client is not None:
                return
            self._write_logins()
            keeper = subprocess.Popen(  # noqa: S603 (a program that was looked up, with a file of ours)
                ["/bin/sh", "-c", _KEEPER, self._program, str(self._configured())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                start_new_session=True,
            )  # fmt: skip
            self._keeper = keeper
            assert keeper.stdout is not None
            self._process = int(keeper.stdout.readline())
            try:
                self._client = self._connected()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop it: connections break, and what the fleet publishes meanwhile is heard by nobody."""
        with self._lock:
            if self._client is not None:
                self._client.disconnect()
                self._client.loop_stop()
                self._client = None
            if self._keeper is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process, signal.SIGTERM)
                assert self._keeper.stdin is not None
                assert self._keeper.stdout is not None
                self._keeper.stdin.close()
                self._keeper.wait(_PATIENCE)
                self._keeper.stdout.close()
                self._keeper = None

    def close(self) -> None:
        """Stop it for good, and remove its files."""
        self.stop()
        self._folder.cleanup()

    def admit(self, logins: Mapping[str, tuple[str, str]]) -> None:
        """Let in exactly these read-only subscribers; returns when the broker does.

        Parameters
        ----------
        logins : mapping of str to (str, str)
            User names, each with its password and the account that it may listen to.
        """
        with self._lock:
            new = [name for name, login in logins.items() if self._logins.get(name) != login]
            if self._logins == dict(logins):
                return
            self._logins = dict(logins)
            if self._client is None:
                return
            self._write_logins()
            os.kill(self._process, signal.SIGHUP)
            for name in new:
                self._wait_for(name, self._logins[name][0])

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish something as the fleet; nobody hears it while the broker is stopped."""
        client = self._client
        if client is not None:
            client.publish(topic, payload, qos=0)

    def _start_somewhere(self) -> None:
        for _ in range(_TRIES - 1):
            self.port = _free_port()
            with contextlib.suppress(UsageError):  # another program has just taken it
                return self.start()
        self.port = _free_port()
        return self.start()

    def _configured(self) -> Path:
        folder = Path(self._folder.name)
        lines = [
            f"listener {self.port} {HOST}",
            "allow_anonymous false",
            f"password_file {folder / 'passwords'}",
            f"acl_file {folder / 'acl'}",
            "persistence false",
            "max_queued_messages 0",
            f"log_dest file {folder / 'log'}",
            "log_type error",
        ]
        if hasattr(os, "getuid") and os.getuid() == 0:  # else it would change to a user who cannot read its files
            lines.append("user root")
        if self._certificate is not None:
            lines += [f"certfile {self._certificate[0]}", f"keyfile {self._certificate[1]}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        return folder / "mosquitto.conf"

    def _write_logins(self) -> None:
        folder = Path(self._folder.name)
        accounts = {_FLEET: self._fleet} | {name: password for name, (password, _) in self._logins.items()}
        lines = [f"{name}:{self._hash(name, password)}\n" for name, password in accounts.items()]
        rights = [f"user {_FLEET}\ntopic readwrite #\n"]
        rights += [f"user {name}\ntopic read {account}/#\n" for name, (_, account) in self._logins.items()]
        for name, text in (("passwords", "".join(lines)), ("acl", "\n".join(rights))):
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text)

    def _hash(self, name: str, password: str) -> str:
        if (name, password) not in self._hashes:
            salt, rounds = secrets.token_bytes(12), 101
            made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
            encoded = (base64.b64encode(part).decode() for part in (salt, made))
            self._hashes[name, password] = f"$7${rounds}${'$'.join(encoded)}"
        return self._hashes[name, password]

    def _connected(self) -> Any:
        """Give the fleet's client, connected."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            client, accepted = self._try(_FLEET, self._fleet)
            if accepted:
                return client
            if not _alive(self._process):
                log = Path(self._folder.name, "log")
                words = log.read_text("utf-8", "replace").strip().splitlines()[-1:] if log.exists() else []
                raise UsageError(
                    f"mosquitto cannot listen on port {self.port} of {HOST}: {''.join(words) or 'it ended'}"
                )
            time.sleep(0.02)
        raise IsrError(f"mosquitto did not start on port {self.port} within {_PATIENCE:.0f} s")

    def _wait_for(self, name: str, password: str) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            client, accepted = self._try(name, password)
            if accepted:
                client.disconnect()
                client.loop_stop()
                return
            time.sleep(0.02)
        raise IsrError(f"the sandbox's broker did not take a new subscriber within {_PATIENCE:.0f} s")

    def _try(self, name: str, password: str) -> tuple[Any, bool]:
        from paho.mqtt import client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        told, said = threading.Event(), []
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(name, password)
        if self._certificate is not None:
            client.tls_set(cert_reqs=ssl.CERT_NONE)  # its own broker, on loopback
            client.tls_insecure_set(True)

        def on_connect(*args: Any) -> None:
            said.append(not args[3].is_failure)
            told.set()

        client.on_connect = on_connect
        try:
            client.connect(HOST, self.port)
        except OSError:
            return client, False
        client.loop_start()
        told.wait(_PATIENCE)
        if said and said[0]:
            return client, True
        client.disconnect()
        client.loop_stop()
        return client, False


def program() -> str | None:
    """Give where mosquitto is; None where it is not installed."""
    if os.name != "posix":
        return None
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(_PLACES))


def _installed() -> str:
    found = program()
    if found is None:
        raise MissingExtraError(
            "the sandbox's broker is mosquitto, which is not installed here; install it (apt install mosquitto, "
            "brew install mosquitto), or serve the sandbox without broker=True"
        )
    try:
        import paho.mqtt  # noqa: F401 (asked for before anything is started)
    except ModuleNotFoundError as exc:
        raise MissingExtraError.of("the fleet on the sandbox's broker", "paho-mqtt", "mqtt") from exc
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
