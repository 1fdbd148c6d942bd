"""Settings: who wins, what is refused, what is written."""

from __future__ import annotations

import dataclasses
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

import isr_analysis as isr
from isr_analysis import settings
from isr_analysis.errors import StoreError, UsageError
from isr_analysis.portal import token as tokens
from isr_analysis.streaming import login as logins


def test_an_argument_wins_over_the_environment_over_the_file_over_the_default(home):
    """The four places, each hiding those behind it."""
    assert settings.profile(environ={"ISR_HOME": str(home)}).origin == "https://mqtt.ishareradio.com"
    env = {"ISR_HOME": str(home)}
    settings.save(settings.profile(origin="https://file.example", environ=env))
    assert settings.profile(environ=env).origin == "https://file.example"
    env["ISR_PORTAL_ORIGIN"] = "https://env.example"
    assert settings.profile(environ=env).origin == "https://env.example"
    assert settings.profile(origin="https://arg.example", environ=env).origin == "https://arg.example"


def test_a_profile_that_an_argument_names_wins_over_the_environment(home):
    """All that was kept of it: the environment may be meant for another one, and fills what it does not say."""
    made = settings.profile("club", origin="https://club.example", home=home, environ={}, may_be_new=True)
    kept = dataclasses.replace(made, account_id="club-1", token_file=home / "token")
    settings.save(kept)
    env = {
        "ISR_HOME": str(home), "ISR_PORTAL_ORIGIN": "https://env.example", "ISR_ACCOUNT_ID": "env-1",
        "ISR_TOKEN_FILE": str(home / "other"), "ISR_CONTRACT": str(home / "contract.toml"),
    }  # fmt: skip
    found = settings.profile("club", environ=env)
    assert (found.origin, found.account_id, found.token_file) == (kept.origin, kept.account_id, kept.token_file)
    assert found.contract == home / "contract.toml"
    assert not found.account_is_given
    found = settings.profile(environ={**env, "ISR_PROFILE": "club"})
    assert (found.origin, found.account_id, found.token_file) == ("https://env.example", "env-1", home / "other")
    assert found.account_is_given


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("https://mqtt.ishareradio.com/", "https://mqtt.ishareradio.com"),
        ("https://mqtt.ishareradio.com:443", "https://mqtt.ishareradio.com"),
        (" https://Portal.Example:8443 ", "https://portal.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_origin_has_one_form(given, plain):
    """The same portal is the same store, however it is written."""
    assert settings.check_origin(given) == plain


@pytest.mark.parametrize(
    "origin",
    ["http://portal.example", "http://10.0.0.1", "portal.example", "ftp://portal.example", "https://", "",
     "https://portal.example/api/v1", "https://portal.example?x=1", "https://portal.example#x", "https://me:secret@portal.example",
     "https://h:99999", "https://a b"],
)  # fmt: skip
def test_an_origin_that_would_leak_or_mislead_is_refused(origin):
    """Plain http to another machine, paths and passwords are refused, and a password is not repeated."""
    with pytest.raises(UsageError) as caught:
        settings.check_origin(origin)
    assert "secret" not in str(caught.value)


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    """As a container's user that no list has: the variable that helps, and no traceback."""
    monkeypatch.setattr(settings.platformdirs, "user_data_path", _no_home)
    with pytest.raises(UsageError, match="set ISR_HOME"):
        settings.profile(environ={})


def _no_home(_):
    raise RuntimeError("could not determine the home directory")


def test_a_file_may_begin_with_a_mark_of_its_coding(home):
    """As editors of Windows write it."""
    home.mkdir()
    (home / settings.CONFIG).write_text("[profiles.default]\norigin = 'https://portal.example'", "utf-8-sig")
    assert settings.profile(home=home, environ={}).origin == "https://portal.example"


def test_a_file_that_an_argument_names_is_found_from_any_folder(home, tmp_path, monkeypatch):
    """A path is kept whole, as the next program may begin elsewhere."""
    settings.save(settings.profile(contract="contract.toml", home=home, environ={"ISR_TOKEN_FILE": "token"}))
    monkeypatch.chdir(home)
    kept = settings.profile(home=home, environ={})
    assert (kept.contract, kept.token_file) == (tmp_path / "contract.toml", tmp_path / "token")


def test_what_is_kept_already_is_not_written_again(home, read_only):
    """After a rotation, where the folder can only be read, the profile is no hindrance."""
    settings.save(settings.profile(home=home, environ={}))
    read_only(home)
    settings.save(settings.profile(home=home, environ={}))
    with pytest.raises(StoreError, match="set ISR_HOME"):
        settings.save(settings.profile(origin="https://portal.example", home=home, environ={}))


def test_profiles_are_kept_apart(home):
    """Each name has its own settings; forgetting one leaves the other."""
    for name in ("one", "two"):
        settings.save(settings.profile(name, origin=f"https://{name}.example", home=home, environ={}))
    assert settings.profile("one", home=home, environ={}).origin == "https://one.example"
    assert settings.forget("one", home)
    assert not settings.forget("one", home)
    assert settings.profile("two", home=home, environ={}).origin == "https://two.example"
    with pytest.raises(UsageError, match=r"no profile 'one'.*two.*isr login"):
        settings.profile("one", home=home, environ={})


def test_a_misspelt_profile_is_refused(home):
    """Also where none is kept, and where the environment names a portal; one from the environment may be any."""
    here = {"ISR_PORTAL_ORIGIN": "https://portal.example"}
    with pytest.raises(UsageError, match=r"no profile 'sevice'.*there: none yet"):
        settings.profile("sevice", home=home, environ=here)
    assert settings.profile("sevice", origin="https://portal.example", home=home, environ={}).name == "sevice"
    settings.save(settings.profile("service", origin="https://portal.example", home=home, environ={}))
    with pytest.raises(UsageError, match=r"no profile 'sevice'.*there: service"):
        settings.profile("sevice", home=home, environ=here)
    assert settings.profile(home=home, environ={**here, "ISR_PROFILE": "other"}).name == "other"


def test_an_account_from_the_file_is_not_named_for_this_use(home):
    """Only argument and environment name an account strongly enough to open the store unasked."""
    settings.save(settings.profile(account_id="acme", home=home, environ={}))
    noted = settings.profile(home=home, environ={})
    assert (noted.account_id, noted.account_is_given) == ("acme", False)
    assert settings.profile(home=home, environ={"ISR_ACCOUNT_ID": "acme"}).account_is_given


@pytest.mark.parametrize(
    "text", ["[profiles.default]\ntoken = 'x'", "[profiles.default]\norigin = 3", "profiles = 3", "x = [",
             "x = " + "[" * 50_000, "[default]\norigin = 'https://portal.example'",
             "origin = 'https://portal.example'", "profiles.default = 3"]
)  # fmt: skip
def test_a_file_that_is_not_understood_is_named(home, text):
    """A token in the file, a wrong kind, a table that is no profile, or broken TOML: the error names the file."""
    home.mkdir()
    (home / "config.toml").write_text(text)
    with pytest.raises(UsageError, match=r"config\.toml"):
        settings.profile(home=home, environ={})


@pytest.mark.parametrize("name", ["a b", "../x", "", "-x", "x" * 65])
def test_a_profile_name_is_a_plain_word(name):
    """Names that could be paths are refused."""
    with pytest.raises(UsageError, match="profile"):
        settings.check_name(name)


def test_a_file_that_cannot_be_written_leaves_no_other_behind(home):
    """Where `config.toml` is a folder the error has a remedy, and no temporary file stays."""
    chosen = settings.profile(environ={"ISR_HOME": str(home)})
    settings.save(chosen)
    (home / settings.CONFIG).unlink()
    (home / settings.CONFIG).mkdir()
    with pytest.raises(StoreError, match="ISR_HOME"):
        settings._write(home / settings.CONFIG, {})
    with pytest.raises(StoreError, match="ISR_HOME"):
        settings.save(chosen)
    assert sorted(one.name for one in home.iterdir()) == ["config.lock", settings.CONFIG]


def kept_in(home):
    """Give the profiles that the file has."""
    return tomllib.loads((home / settings.CONFIG).read_text("utf-8"))["profiles"]


def test_profiles_that_are_saved_at_once_are_all_kept(home):
    """Several `isr login` and `isr logout` side by side: nobody writes over what another one wrote."""
    chosen = settings.profile(environ={"ISR_HOME": str(home)})
    names = [f"station-{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as side_by_side:
        list(side_by_side.map(lambda name: settings.save(dataclasses.replace(chosen, name=name)), names))
        assert set(kept_in(home)) == set(names)
        forgotten = side_by_side.map(lambda name: settings.forget(name, home), names[:20])
    assert all(forgotten)
    assert set(kept_in(home)) == set(names[20:])


@pytest.mark.parametrize(
    ("text", "environ", "where"),
    [
        (
            "origin = 'portal.example'",
            {},
            r"config\.toml, \[profiles\.default\]: origin='portal\.example' is not an http",
        ),
        ("account_id = 'a b'", {}, r"config\.toml, \[profiles\.default\]: account_id='a b' is not an account id"),
        ("contract = '~nobody-here/x'", {}, r"config\.toml, \[profiles\.default\]: contract="),
        ("origin = 'x'", {"ISR_PORTAL_ORIGIN": "http://portal.example"}, "^ISR_PORTAL_ORIGIN: origin='http://portal"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_where_it_stands(home, text, environ, where):
    """Nobody typed it in this session: the file and the profile are named, or the variable."""
    home.mkdir()
    (home / settings.CONFIG).write_text(f"[profiles.default]\n{text}")
    with pytest.raises(UsageError, match=where):
        settings.profile(home=home, environ=environ)
    with pytest.raises(UsageError, match=r"^origin='nowhere' is"):  # what an argument says needs no place
        settings.profile(origin="nowhere", home=home, environ=environ)


def test_the_environment_may_come_from_a_file_of_windows(home, tmp_path):
    """The carriage return that a shell leaves on each value makes no other folder, account, name or broker."""
    (token := tmp_path / "token").write_bytes(b"isr_mqtt_rest_0123456789abcdef\r\n")
    token.chmod(0o600)
    plain = {
        "ISR_HOME": str(home), "ISR_PROFILE": "cabin", "ISR_PORTAL_ORIGIN": "https://portal.example",
        "ISR_ACCOUNT_ID": "a1", "ISR_CONTRACT": str(tmp_path / "contract.toml"), "ISR_TOKEN_FILE": str(token),
        "ISR_OFFLINE": "1", "ISR_MQTT_HOST": "broker.example", "ISR_MQTT_PORT": "8884", "ISR_MQTT_USERNAME": "sub-1",
        "ISR_MQTT_PASSWORD_FILE": str(token),
    }  # fmt: skip
    marked = {name: f"{value}\r" for name, value in plain.items()}
    assert settings.profile(environ=marked) == settings.profile(environ=plain)
    assert tokens.find(settings.profile(environ=marked), environ=marked).reveal() == "isr_mqtt_rest_0123456789abcdef"
    token.write_bytes(b"pass\r\n")
    found = logins.find(settings.profile(environ=marked), environ=marked)
    assert (found.address.host, found.address.port, found.username) == ("broker.example", 8884, "sub-1")
    assert found.password.reveal() == "pass"


@pytest.mark.parametrize("wrong", [5, ["a"], {}, pd.NaT])
def test_what_is_no_text_is_told_with_the_arguments_name(wrong):
    """Neither taken for the text that Python writes of it, nor left out without a word."""
    for name in ("profile", "origin", "account_id"):
        with pytest.raises(UsageError, match=f"^{name}=.* is not text"):
            isr.connect(**{name: wrong})
        with pytest.raises(UsageError, match=f"^{name}=.* is not text"):
            isr.widgets.token_entry(**{name: wrong})
    with pytest.raises(UsageError, match=r"^contract=.* is not a path"):
        isr.connect(contract=wrong)
    with pytest.raises(UsageError, match=r"^account_id=.* is not text"):
        isr.read_history(b"[]", account_id=wrong)


@pytest.mark.parametrize("account", ["../other", "a b", "-x", "x" * 129])
def test_an_account_is_named_by_its_id(account):
    """What is no id is refused before anything is asked."""
    with pytest.raises(UsageError, match=r"is not an account id; .*the UUID"):
        settings.profile(account_id=account, environ={})
