"""Entering a token: checked with the portal, stored on request, and never shown."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import ipywidgets
import traitlets

from isr_analysis import doctor, settings
from isr_analysis.errors import IsrError, StoreError, TokenMissingError, in_words
from isr_analysis.portal import connection, token
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token
from isr_analysis.widgets.background import Task, Worker
from isr_analysis.widgets.base import Composite, begin_anew, row, tell
from isr_analysis.widgets.front import SecretField
from isr_analysis.widgets.words import Notice, call, notice, table

_SHOWN = ("account", "add-on", "quota", "clock")
_MARK = {doctor.OK: "isr-good", doctor.WARN: "isr-warn", doctor.FAIL: "isr-bad"}


class TokenEntry(Composite):
    """Enter a REST API token, which is checked with the portal and then used by the loaders.

    The input leaves the page as a single message and is never part of the widget's state, so neither a saved notebook
    nor its HTML can contain it. Spaces, quotes and ``Bearer`` around a pasted token are removed. A new token replaces
    the previous one, for example after a rotation.

    Parameters
    ----------
    profile : str, optional
        The name under which the token is stored. Default: ``ISR_PROFILE``, else ``"default"``.
    origin : str, optional
        The portal, ``https://host[:port]``. Default: ``ISR_PORTAL_ORIGIN``, else the profile's, else the public portal.
    account_id : str, optional
        The account; needed with a platform operator's token.

    Attributes
    ----------
    value : str
        The account of the accepted token; empty until one is accepted.

    Examples
    --------
    >>> import isr_analysis as isr
    >>> with isr.sandbox.serve() as sandbox:
    ...     entry = isr.widgets.token_entry(origin=sandbox.origin)
    ...     entry.submit(f"Bearer {sandbox.token}")
    ...     entry.wait(), entry.value == sandbox.account_id
    (True, True)
    """

    value = traitlets.Unicode("")  # not synced: the page has no use for it, and would save it with the notebook

    def __init__(self, *, profile: str | None = None, origin: str | None = None, account_id: str | None = None) -> None:
        super().__init__(portal=None)
        self._origin, self._account = origin, account_id
        settings.check_texts(profile=profile, origin=origin, account_id=account_id)
        self._given = profile is not None
        self._accepted: tuple[settings.Profile, Token] | None = None
        self._worker = Worker(lambda exc: tell(self.said, exc), self._rest)
        self._workers = (self._worker,)
        self.field = SecretField(
            self.submit, label="Token", action="Connect", hint="isr_mqtt_rest_…  (not shown, not saved)"
        )
        self.keep = ipywidgets.Checkbox(
            description="Keep it in this machine's keyring", indent=False, layout={"width": "auto"}
        )
        self.profile = ipywidgets.Text(
            value=profile or settings.variables().get("ISR_PROFILE") or "default", description="as profile",
            continuous_update=False, style={"description_width": "initial"}, layout={"width": "210px"},
        )  # fmt: skip
        self.account = ipywidgets.Text(
            description="Account id", continuous_update=False,
            style={"description_width": "initial"}, layout={"width": "420px", "max_width": "100%", "display": "none"},
        )  # fmt: skip
        self.said = ipywidgets.HTML()
        self.opens = ipywidgets.HTML()
        self.where = ipywidgets.HTML(
            f'<span class="isr-dim">No token yet? {token.WHERE_TO_MAKE_ONE[0].upper()}{token.WHERE_TO_MAKE_ONE[1:]}. '
            "It is shown there once.</span>"
        )
        self.keep.observe(self._keep_now, "value")
        self.children = [
            self._page, self.field, self.account, row(self.keep, self.profile), self.where, self.said,
            self.opens,
        ]  # fmt: skip

    def submit(self, typed: str) -> None:
        """Check a token as typed or pasted; returns immediately.

        Parameters
        ----------
        typed : str
            The token, possibly with spaces, quotes or ``Bearer`` around it.
        """
        try:
            key = Token(typed)
            settings.check_name(self.profile.value)
            known = self._settings()
        except IsrError as exc:  # a page shows nothing of what is raised here
            self._say(in_words(exc), "bad")
            return
        if key.is_platform and not (self.account.value.strip() or self._account):
            self.account.layout.display = "flex"
            self._say("This is a platform operator's token, which works for one account at a time: give the account's "
                      "id in the field below it, then enter the token again.", "warn")  # fmt: skip
            return
        self._say(f"Checking the token at {known.origin} …", "info")
        self.field.disabled = True
        self._worker.start(lambda task: self._check(task, key))

    def check(self) -> None:
        """Check the token already in use or set up (environment, file or keyring), if any; returns immediately."""

        def look(task: Task) -> None:
            if (used := self._in_use()) is not None:
                self._check(task, Token(used.environment()["ISR_TOKEN"]), used)
                return
            name = self.profile.value if self._given else None
            # With the origin that it will be sent to: what is kept for one portal is not for another.
            known = settings.profile(name, origin=self._origin, may_be_new=True)
            try:
                key = token.find(known, ask=False)
            except TokenMissingError:
                if known.token_file is None:  # nothing is set up
                    return
                raise
            self._check(task, key)

        self._worker.start(look)

    def code(self) -> str:
        """Return Python code that connects without the widget; the token comes from the settings, not the code."""
        name = self.profile.value
        return call("isr.connect", {"profile": None if name == "default" else name})

    def parts(self) -> Iterator[Notice]:
        """Return which account the token belongs to, or where to set one."""
        with contextlib.ExitStack() as held:
            if (used := self._in_use()) is not None:
                portal = used
            elif self._is_told:
                known = self._settings()
                portal = held.enter_context(Portal(known, token.find(known, ask=False)))
            else:
                portal = self._connected()
            account, left = portal.account_id, portal.quota
        quota = f"{left.left:,} of {left.limit:,} requests left this hour"
        yield Notice(f"Connected to {portal.origin}: account {account}; {quota}.", "good")

    def _heard(self, *, seen: bool, dark: bool) -> None:  # noqa: ARG002 (the colours follow the page by themselves)
        if seen and not self.value and not self.said.value and not self._worker.busy:
            self.check()

    @property
    def _is_told(self) -> bool:
        """Whether it was said which portal or account, so that the default connection may be another's."""
        return bool(self._given or self._origin or self._account)

    def _in_use(self) -> Portal | None:
        """Give the default connection if it is the one that was said."""
        used = connection.existing()
        return used if used is not None and self._is_meant(used.profile) else None

    def _is_meant(self, used: settings.Profile) -> bool:
        """Tell whether a connection is to the portal, and of the profile and account, that were said."""
        return (
            (not self._given or used.name == self.profile.value)
            and (not self._origin or used.origin == settings.check_origin(self._origin))
            and (not self._account or used.account_id == self._account)
        )

    def _settings(self) -> settings.Profile:
        """Give the settings of the profile, which may not exist yet."""
        account = self.account.value.strip() or self._account
        return settings.profile(self.profile.value, origin=self._origin, account_id=account, may_be_new=True)

    def _check(self, task: Task, key: Token, used: Portal | None = None) -> None:
        """Check a token, and use it; that of the connection that is `used` already goes on being so."""
        known = self._settings() if used is None else used.profile
        checks, portal = doctor.examine(known, key)
        if portal is not None:
            portal.close()
        bad = next((one for one in checks if one.name in ("portal", "account") and one.state == doctor.FAIL), None)
        if bad is not None:
            with task.turn():
                self._say(f"Not accepted: {bad.found}. {bad.remedy}", "bad")
            return
        with task.turn():
            if used is None:
                account = connection.connect(
                    key, profile=known.name, origin=known.origin, account_id=known.account_id
                ).account_id
                # What stands in a field is saved with the notebook.
                self._account, self.account.value = self.account.value.strip() or self._account, ""
                self._say(f"Accepted: account {account} at {known.origin}. The loaders use it from now on.", "good")
                begin_anew()
            else:
                account, self.profile.value = used.account_id, known.name
                self._say(f"In use: account {account} at {known.origin}.", "good")
            self._accepted, self.value = (known, key), account
            self.field.label, self.field.action = "New token", "Replace"
            self.where.layout.display = "none"
            shown = [one for one in checks if one.name.startswith(_SHOWN)]
            self.opens.value = table(
                [(one.name, " ".join(part for part in (one.found, one.remedy) if part)) for one in shown],
                ("What it gives access to", ""), [_MARK[one.state] for one in shown],
            )  # fmt: skip
        if self.keep.value:
            self._store(task, known, key)

    def _keep_now(self, change: dict[str, Any]) -> None:
        if change["new"] and self._accepted is not None:
            known, key = self._accepted

            def store(task: Task) -> None:
                self._store(task, dataclasses.replace(known, name=settings.check_name(self.profile.value)), key)

            self._worker.start(store)

    def _store(self, task: Task, known: settings.Profile, key: Token) -> None:
        try:
            token.keep(known, key)
        except StoreError as exc:
            with task.turn():
                self.keep.value = False
                self._say(f"The token is in use, but could not be stored: {exc}", "warn")
            return
        over = token.overruling(known)
        with task.turn():
            kept = f"In use, and stored in the keyring as profile {known.name!r}."
            self._say(f"{kept} In a new kernel {over}" if over else kept, "warn" if over else "good")

    def _rest(self) -> None:
        self.field.disabled = False

    def _say(self, words: str, kind: str) -> None:
        self.said.value = notice(words, kind)
