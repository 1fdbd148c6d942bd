"""A connection: whose data a token opens, and that accounts never mix."""

from __future__ import annotations

import errno
import functools
import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import isr_analysis as isr
from isr_analysis import errors, settings
from isr_analysis.portal import accounts, connection, token
from isr_analysis.portal.portal import Portal
from isr_analysis.portal.token import Token

SPAN = {"start": "2026-11-20", "end": "2026-11-20T03:00"}


def test_a_sandbox_in_the_place_of_its_connection_is_told(sandbox):
    """The error says where the connection to it comes from."""
    with pytest.raises(errors.UsageError, match=r"^portal=Sandbox is no connection; give what its connect\(\) returns"):
        isr.load_live(portal=sandbox)


def test_connecting_makes_no_request(sandbox):
    """A cell that connects returns at once, also where the portal is away."""
    before = sandbox.requests()
    portal = isr.connect(sandbox.token, origin=sandbox.origin)
    assert sandbox.requests() == before
    assert connection.current() is portal
    isr.disconnect()


def test_a_connection_shows_no_token(sandbox):
    """Neither repr nor pickle gives it away."""
    with sandbox.connect() as portal:
        assert sandbox.token not in repr(portal)
        assert sandbox.token not in str(vars(portal))
        with pytest.raises(TypeError, match=r"connect in each process: isr.connect\(\)"):
            pickle.dumps(portal)


def test_the_environment_is_enough(sandbox, monkeypatch):
    """With ISR_TOKEN and ISR_PORTAL_ORIGIN set, a loader needs no connect."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    df = isr.load_history("isr-shack-01", "telemetry/watt_meter", **SPAN)
    assert len(df) > 0
    assert df.attrs["account"] == sandbox.account_id


@pytest.mark.parametrize("explicitly", [False, True])
def test_a_token_that_was_replaced_after_it_was_refused_is_used(sandbox, monkeypatch, explicitly):
    """In a notebook that goes on: the remedy that the error names needs no new kernel, nor another connect."""
    monkeypatch.setenv("ISR_TOKEN", old := sandbox.make_token())
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    if explicitly:
        isr.connect()
    assert len(isr.load_live()) > 0
    sandbox.revoke(old)
    with pytest.raises(errors.TokenRefusedError, match="ISR_TOKEN"):
        isr.load_live(max_age=0)
    assert connection.current() is connection.current()  # as long as there is no other
    monkeypatch.setenv("ISR_TOKEN", sandbox.make_token())
    assert len(isr.load_live(max_age=0)) > 0


def test_a_token_that_was_replaced_in_its_file_is_used_once_the_old_one_is_refused(sandbox, monkeypatch, tmp_path):
    """As a secret store's agent does it; as long as the file holds the refused one, the connection stays."""
    file = tmp_path / "token"
    file.write_text(old := sandbox.make_token())
    file.chmod(0o600)
    monkeypatch.setenv("ISR_TOKEN_FILE", str(file))
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    first = connection.current()
    assert len(isr.load_live()) > 0
    sandbox.revoke(old)
    with pytest.raises(errors.TokenRefusedError):
        isr.load_live(max_age=0)
    assert connection.current() is first
    file.write_text(sandbox.make_token())
    assert len(isr.load_live(max_age=0)) > 0


def test_a_token_that_was_given_is_replaced_by_no_other(sandbox, monkeypatch):
    """The environment may hold another account's."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    isr.connect(given := sandbox.make_token(), origin=sandbox.origin)
    sandbox.revoke(given)
    for _ in range(2):
        with pytest.raises(errors.TokenRefusedError):
            isr.load_live(max_age=0)


def test_settings_that_change_are_heeded_by_the_next_load(sandbox, monkeypatch, tmp_path):
    """Errors name variables and files to set: a notebook that goes on takes them, and another account's token."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    first = connection.current()
    monkeypatch.setenv("ISR_MQTT_HOST", "broker.example")
    assert connection.current() is first
    monkeypatch.setenv("ISR_CONTRACT", str(file := tmp_path / "contract.toml"))
    file.write_text('[history]\nlimit = "few"\n')
    assert connection.current().contract.history.limit == "few"
    file.write_text('[history]\nlimit = "many"\n')
    os.utime(file, ns=(1, 1))
    assert connection.current().contract.history.limit == "many"
    with isr.sandbox.serve(seed=2) as other:
        monkeypatch.setenv("ISR_PORTAL_ORIGIN", other.origin)
        monkeypatch.setenv("ISR_TOKEN", other.token)
        assert connection.current().account_id == other.account_id
    assert len(isr.load_live(portal=first)) > 0  # whoever holds it goes on


def test_another_folder_of_the_process_changes_no_connection(sandbox, monkeypatch, tmp_path):
    """Files that were named by where they are from there are still those; also where a setting is changed."""
    (tmp_path / "contract.toml").write_text('[history]\nlimit = "few"\n')
    monkeypatch.chdir(tmp_path)
    first = isr.connect(sandbox.token, origin=sandbox.origin, contract="contract.toml", home="kept")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert connection.current() is first
    monkeypatch.setenv("ISR_ACCOUNT_ID", sandbox.account_id)
    assert (portal := connection.current()) is not first
    assert portal.contract.history.limit == "few"
    assert portal.profile.home == tmp_path / "kept"
    isr.disconnect()
    first.close()


def test_a_token_that_is_taken_out_of_the_environment_is_still_used(sandbox, monkeypatch):
    """Whoever hides it from other programs, once it was read, is not asked for it again."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    first = connection.current()
    monkeypatch.delenv("ISR_TOKEN")
    assert connection.current() is first
    assert len(isr.load_live()) > 0


def test_threads_that_begin_at_once_have_one_connection(sandbox, monkeypatch):
    """Else each would have its own, and all but the last would stay open."""
    monkeypatch.setenv("ISR_TOKEN", sandbox.token)
    monkeypatch.setenv("ISR_PORTAL_ORIGIN", sandbox.origin)
    find, together = token.find, threading.Barrier(8, timeout=60)
    monkeypatch.setattr(token, "find", lambda *args, **more: time.sleep(0.05) or find(*args, **more))

    def load() -> int:
        together.wait()
        return id(connection.current())

    with ThreadPoolExecutor(8) as pool:
        assert len({one.result() for one in [pool.submit(load) for _ in range(8)]}) == 1


def test_the_account_is_asked_for_once_for_each_token(sandbox):
    """A token is bound to its account on disk: the next process asks no more."""
    with sandbox.connect() as portal:
        assert portal.account_id == sandbox.account_id
    before = sandbox.requests()
    with sandbox.connect() as portal:
        assert portal.account_id == sandbox.account_id
    assert sandbox.requests() == before


def test_from_a_read_only_home_is_read_and_the_portal_is_asked_all_the_same(sandbox, home, read_only):
    """What is there is given without a word; what the portal answers is not kept, with a warning."""
    with sandbox.connect() as portal:
        held = isr.load_history(**SPAN, portal=portal)
    read_only(home)
    before = sandbox.requests()
    with sandbox.connect() as portal:
        assert isr.load_history(**SPAN, portal=portal).equals(held)
        assert sandbox.requests() == before
        with pytest.warns(UserWarning, match=f"{home} cannot be written: .*set ISR_HOME"):
            assert len(isr.load_live(portal=portal)) > 0
        assert len(isr.load_publishers(portal=portal)) > 0
        with pytest.raises(errors.StoreError, match="ISR_HOME"):
            isr.sync(last="1h", portal=portal)
        assert portal._place.exists()
    assert not portal._place.exists()


def test_where_no_home_can_be_made_the_portal_is_asked_all_the_same(sandbox, tmp_path, read_only):
    """As in a container without a disk of its own: nothing is known from before, and nothing is kept."""
    (tmp_path / "medium").mkdir()
    read_only(tmp_path / "medium")
    with sandbox.connect(home=tmp_path / "medium" / "a" / "b") as portal:
        with pytest.warns(UserWarning, match="cannot be written"):
            assert len(isr.load_live(portal=portal)) > 0
        assert portal.quota.left < portal.quota.limit


def test_where_nothing_at_all_can_be_written_the_error_says_what_to_set(sandbox, tmp_path, read_only, monkeypatch):
    """A container with a read-only root has no folder for temporary files either."""
    (tmp_path / "medium").mkdir()
    read_only(tmp_path / "medium")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "medium"))
    with pytest.raises(errors.StoreError, match=r"medium cannot be written, .* temporary files .*set ISR_HOME"):
        sandbox.connect(home=tmp_path / "medium")


@pytest.mark.parametrize("add_ons", [["history"], ["live"], ["mgmt"]])
def test_the_account_is_found_with_any_add_on(sandbox, add_ons):
    """Each of the three routes says whose data it is."""
    with sandbox.connect(sandbox.make_token(add_ons)) as portal:
        assert portal.account_id == sandbox.account_id


def test_a_token_without_any_add_on_has_a_place_of_its_own(sandbox):
    """Nobody says whose it is: what it brings is kept apart, and no name of ours is sent as an account's."""
    with sandbox.connect(sandbox.make_token([])) as portal:
        assert portal.account_id.startswith("token-")
        assert portal.named_account is None


def test_two_accounts_never_see_each_other(sandbox):
    """Two tokens of two accounts, one home, the same questions: no row of one reaches the other."""
    theirs = sandbox.make_token(seed=5)
    with sandbox.connect() as mine, sandbox.connect(theirs) as other:
        a, b = (isr.load_history(topic="telemetry/#", **SPAN, portal=portal) for portal in (mine, other))
        again = isr.load_history(topic="telemetry/#", **SPAN, portal=mine)
        live = [isr.load_live(portal=portal).attrs["account"] for portal in (mine, other)]
    assert a.attrs["account"] == sandbox.account_id
    assert b.attrs["account"] == sandbox.account_of(5)
    assert live == [sandbox.account_id, sandbox.account_of(5)]
    assert again.equals(a)
    assert not a.equals(b)


def test_another_accounts_token_under_a_profile_is_refused(sandbox, home):
    """Online and offline: the profile's data is not shown, and nothing is stored."""
    known = settings.profile("work", origin=sandbox.origin, account_id=sandbox.account_id, environ={}, home=home)
    with Portal(known, Token(sandbox.token)) as portal:
        isr.load_history(**SPAN, portal=portal)
    with Portal(known, Token(sandbox.make_token(seed=6))) as portal:
        for offline in (False, True, True):
            with pytest.raises(errors.WrongAccountError, match="belongs to account"):
                isr.load_history(**SPAN, offline=offline, portal=portal)


def test_a_rotated_token_keeps_everything(sandbox):
    """The new token opens what the old one fetched, with no request for history."""
    old = sandbox.make_token()
    with sandbox.connect(old) as portal:
        df = isr.load_history(**SPAN, portal=portal)
    new = sandbox.rotate(old)
    before = sandbox.requests("history")
    with sandbox.connect(new) as portal:
        assert isr.load_history(**SPAN, portal=portal).equals(df)
    assert sandbox.requests("history") == before
    with sandbox.connect(old) as portal, pytest.raises(errors.TokenRefusedError):
        isr.load_history(start="2026-11-18", end="2026-11-18T01:00", portal=portal)


def test_a_known_token_reads_offline_and_an_unknown_one_does_not(sandbox):
    """While the portal is away: what is on disk, for the token that fetched it, or a named account."""
    with sandbox.connect() as portal:
        df = isr.load_history(**SPAN, portal=portal)
    stranger = sandbox.make_token()
    sandbox.fail("down")
    with sandbox.connect() as portal:
        assert isr.load_history(**SPAN, portal=portal).equals(df)
    with sandbox.connect(stranger) as portal, pytest.raises(errors.PortalUnavailableError, match="never used here"):
        isr.load_history(**SPAN, offline=True, portal=portal)
    with sandbox.connect(stranger, account_id=sandbox.account_id) as portal:
        assert isr.load_history(**SPAN, offline=True, portal=portal).equals(df)
    with sandbox.connect(account_id=sandbox.account_of(5)) as portal, pytest.raises(errors.WrongAccountError):
        isr.load_history(**SPAN, offline=True, portal=portal)


def test_an_operators_token_opens_the_account_that_is_named(sandbox):
    """One token, two accounts, each in its place; without a name it is an error."""
    token = sandbox.make_token(platform=True)
    for account in (sandbox.account_id, sandbox.account_of(5)):
        with sandbox.connect(token, account_id=account) as portal:
            assert isr.load_publishers(portal=portal).attrs["account"] == account
    with pytest.raises(errors.UsageError, match="account_id="):
        sandbox.connect(token)


def test_what_is_no_connection_is_refused():
    """`portal=` takes what `connect` gives."""
    with pytest.raises(errors.UsageError, match="connect"):
        isr.load_live(portal="https://mqtt.ishareradio.com")


def test_a_token_is_looked_for_without_asking(monkeypatch):
    """`has_token` tells whether one is set up."""
    assert not isr.has_token()
    monkeypatch.setenv("ISR_TOKEN", "isr_mqtt_rest_example")
    assert isr.has_token()


def test_a_token_is_looked_for_in_the_profile_that_is_named():
    """Each has its own; one that was never made is a slip, and no profile without a token."""
    known = settings.profile("alpha", may_be_new=True)
    settings.save(known)
    token.keep(known, Token("isr_mqtt_rest_example"))
    assert (isr.has_token(profile="alpha"), isr.has_token(profile="default")) == (True, False)
    with pytest.raises(errors.UsageError, match="no profile 'alhpa'"):
        isr.has_token(profile="alhpa")


def test_a_connection_that_was_closed_says_so(sandbox):
    """Also for what it has in its cache: nothing is opened again behind the back of who closed it."""
    with sandbox.connect() as portal:
        isr.load_live(portal=portal)
    for load in (isr.load_live, functools.partial(isr.load_history, last="1h")):
        with pytest.raises(errors.UsageError, match="closed; connect again"):
            load(portal=portal)
    portal.close()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_disk_without_links_keeps_whose_a_token_is(sandbox, home, monkeypatch, number):
    """As one formatted with exFAT: nothing is left beside the salt, and the next connection finds the account."""

    def no_links(*_):
        raise OSError(number, "no links here")

    monkeypatch.setattr("os.link", no_links)
    with sandbox.connect(home=home) as portal:
        assert portal.account_id == sandbox.account_id
    assert [one.name for one in home.glob("salt*")] == ["salt"]
    with sandbox.connect(home=home) as portal:
        assert (portal.account_id, portal.requests) == (sandbox.account_id, 0)


def test_an_account_is_the_same_in_capitals(sandbox):
    """A UUID is, however it is written: by who names it, by the portal, and on disk."""
    with sandbox.connect() as plain, sandbox.connect(account_id=sandbox.account_id.upper()) as named:
        assert named.account_id.lower() == plain.account_id
        assert named.folder == plain.folder
        named.check_accounts([plain.account_id, plain.account_id.upper()])
        with pytest.raises(errors.WrongAccountError):
            named.check_accounts([plain.account_id.replace("-", "")])


def away(request):
    """Answer nothing."""
    raise httpx.ConnectError("no network", request=request)


def test_an_account_that_only_the_file_names_opens_nothing_to_an_unknown_token():
    """Offline it may be another account's token: only who names the account for this very use is believed."""
    made = settings.profile("mine", origin="https://portal.test", account_id="0a1b")
    settings.save(made)
    key = Token("isr_mqtt_rest_x")
    with Portal(made, key, sleep=lambda _: None, transport=httpx.MockTransport(away)) as named:
        assert named.account_id == "0a1b"
    kept = settings.profile("mine")
    assert kept.account_id == "0a1b"
    with (
        Portal(kept, key, sleep=lambda _: None, transport=httpx.MockTransport(away)) as portal,
        pytest.raises(errors.PortalUnavailableError, match="ISR_ACCOUNT_ID"),
    ):
        _ = portal.account_id


def test_an_account_has_one_folder_however_it_is_written():
    """What was fetched for it is found again offline by who names it in capitals."""
    folders = set()
    for account in ("0a1b-ffff", "0A1B-FFFF"):
        profile = settings.profile(origin="https://portal.test", account_id=account)
        with Portal(
            profile, Token("isr_mqtt_rest_x"), sleep=lambda _: None, transport=httpx.MockTransport(away)
        ) as one:
            folders.add(one.folder)
    assert len(folders) == 1


def test_a_child_process_gets_the_same_connection(sandbox, monkeypatch):
    """An operator's token with the account that it is for, and the folder."""
    token = sandbox.make_token(platform=True)
    with sandbox.connect(token, account_id=sandbox.account_id) as portal:
        for name, value in portal.environment().items():
            monkeypatch.setenv(name, value)
        with isr.connect() as child:
            assert (child.origin, child.account_id, child.folder) == (portal.origin, portal.account_id, portal.folder)


def test_of_two_that_begin_at_once_both_use_the_first_ones_salt(home, monkeypatch):
    """The salt that another process has just put there stays, and nothing is left beside it."""

    def overtaken(_, path):
        path.write_bytes(b"the first one's")
        raise FileExistsError(errno.EEXIST, "there already")

    monkeypatch.setattr("os.link", overtaken)
    key = Token("isr_mqtt_rest_x")
    mark = accounts.fingerprint(key, "https://portal.test", home)
    assert [one.name for one in home.glob("salt*")] == ["salt"]
    assert (home / "salt").read_bytes() == b"the first one's"
    assert accounts.fingerprint(key, "https://portal.test", home) == mark


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_were_forked_load_beside_each_other(sandbox):
    """As those of `multiprocessing` on Linux before Python 3.14, with the connection that their parent made."""
    forked = multiprocessing.get_context("fork")
    found = forked.SimpleQueue()
    with sandbox.connect() as portal:

        def load() -> tuple[int, int]:
            history = isr.load_history(topic="telemetry/#", refresh=True, portal=portal, **SPAN)
            return len(history), len(isr.load_live(portal=portal))

        want = load()
        children = [forked.Process(target=lambda: found.put(load())) for _ in range(3)]
        for one in children:
            one.start()
        for one in children:
            one.join(timeout=60)
        assert [one.exitcode for one in children] == [0, 0, 0]
        assert [found.get() for _ in children] == [want] * 3
        assert load() == want
