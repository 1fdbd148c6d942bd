"""The token: found in order, checked, and never shown."""

from __future__ import annotations

import dataclasses
import pickle
import sys

import pytest

from isr_analysis import settings, surroundings
from isr_analysis.errors import StoreError, TokenMissingError, UsageError
from isr_analysis.portal import token as tokens
from isr_analysis.portal.token import Token

VALUE = "isr_mqtt_rest_example-not-a-real-one"
OTHER = "isr_mqtt_rest_example-another"


@pytest.fixture
def profile(home):
    """Give a plain profile."""
    return settings.profile(home=home, environ={})


@pytest.mark.parametrize(
    "pasted", [VALUE, f"  {VALUE}\n", f'"{VALUE}"', f"'{VALUE}'", f"Bearer {VALUE}", f"Authorization: Bearer {VALUE}",
               f'"Bearer {VALUE}"', f"bearer  {VALUE}"]
)  # fmt: skip
def test_pasted_forms_are_cleaned(pasted):
    """Blanks, quotes and the header's words around a token are taken off."""
    assert Token(pasted).reveal() == VALUE


@pytest.mark.parametrize(
    "wrong", ["", "hunter2-secret", "isr_mqtt_rest_", f"{VALUE} {VALUE}", "isr_mqtt_rest_ä", f"x{VALUE}"]
)
def test_what_is_no_token_is_refused_without_repeating_it(wrong):
    """The message helps, and holds nothing of what was pasted."""
    with pytest.raises(UsageError, match="isr_mqtt_rest_") as caught:
        Token(wrong)
    assert "hunter2" not in str(caught.value)
    assert "not-a-real-one" not in str(caught.value)


@pytest.mark.parametrize("wrong", [5, b"isr_mqtt_rest_bytes", ["isr_mqtt_rest_list"]])
def test_what_is_no_text_is_no_token(wrong):
    """The kind is said, and not what it holds."""
    with pytest.raises(UsageError, match=f"came as {type(wrong).__name__}; give it as a text") as caught:
        Token(wrong)
    assert "isr_mqtt_rest" not in str(caught.value)


def test_a_token_is_masked_and_cannot_be_written_out():
    """Printing, formatting and pickling give nothing away."""
    token = Token(VALUE)
    for text in (repr(token), str(token), f"{token}", repr({"token": token}), repr([token])):
        assert "example" not in text
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(token)


def test_a_platform_token_is_known_by_its_form():
    """The operator's form needs an account beside it."""
    assert Token("isr_mqtt_platform_rest_example").is_platform
    assert not Token(VALUE).is_platform


def test_the_places_are_asked_in_order(profile, tmp_path):
    """Argument, environment, file, keyring."""
    file = tmp_path / "token"
    file.write_text(OTHER)
    file.chmod(0o600)
    tokens.to_keyring(profile, Token("isr_mqtt_rest_example-keyring"))
    with_file = settings.profile(home=profile.home, environ={"ISR_TOKEN_FILE": str(file)})
    env = {"ISR_TOKEN": VALUE}
    assert tokens.find(with_file, "isr_mqtt_rest_example-argument", environ=env).reveal().endswith("argument")
    assert tokens.find(with_file, environ=env).reveal() == VALUE
    assert tokens.find(with_file, environ={}).reveal() == OTHER
    assert tokens.find(profile, environ={}).reveal().endswith("keyring")


def test_the_token_of_a_chosen_profile_comes_before_the_environments(home):
    """With `profile="work"` the environment's token, perhaps of another account, is not sent in its place."""
    settings.save(settings.profile("work", origin="https://work.example", home=home, environ={}))
    env = {"ISR_TOKEN": VALUE, "ISR_PORTAL_ORIGIN": "https://env.example", "ISR_PROFILE": "work"}
    chosen = settings.profile("work", home=home, environ=env)
    assert chosen.origin == "https://work.example"
    tokens.to_keyring(chosen, Token(OTHER))
    assert tokens.find(chosen, environ=env).reveal() == OTHER
    by_environment = settings.profile(home=home, environ=env)
    assert by_environment.origin == "https://env.example"
    assert tokens.find(by_environment, environ=env).reveal() == VALUE


def test_the_file_of_a_chosen_profile_comes_before_the_environments_token(home, tmp_path):
    """As on a server without a keyring; a file that the environment names is the environment's."""
    files = {name: tmp_path / name for name in ("club", "env")}
    for path in files.values():
        path.write_text(f"isr_mqtt_rest_example-{path.name}")
        path.chmod(0o600)
    made = settings.profile("club", origin="https://club.example", home=home, environ={}, may_be_new=True)
    settings.save(dataclasses.replace(made, token_file=files["club"]))
    env = {"ISR_TOKEN": VALUE, "ISR_TOKEN_FILE": str(files["env"])}
    chosen = settings.profile("club", home=home, environ=env)
    assert tokens.find(chosen, environ=env).reveal().endswith("club")
    settings.save(made)
    chosen = settings.profile("club", home=home, environ=env)
    assert tokens.find(chosen, environ=env).reveal() == VALUE


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("name", ["club", "club.2"])
def test_without_a_keyring_it_is_said_how_a_profile_is_made(home, tmp_path, name):
    """What stands in the message can be pasted into the settings, and then the profile is found with its token."""
    made = settings.profile(name, origin="https://club.example", account_id="a-1", home=home, environ={},
                            may_be_new=True)  # fmt: skip
    with pytest.raises(StoreError, match=f"install -m 600 /dev/null ~/.isr-token-{name}") as caught:
        tokens.keep(made, Token(VALUE))
    lines = str(caught.value).splitlines()
    (begin,) = (number for number, line in enumerate(lines) if "[profiles." in line)
    assert str(home / settings.CONFIG) in lines[begin]
    (tmp_path / f".isr-token-{name}").write_text(VALUE)
    (tmp_path / f".isr-token-{name}").chmod(0o600)
    entry = "\n".join(lines[begin : begin + 4]).replace("~", str(tmp_path))
    home.mkdir(exist_ok=True)
    (home / settings.CONFIG).write_text(entry)
    found = settings.profile(home=home, environ={"ISR_PROFILE": name})
    assert (found.origin, found.account_id) == ("https://club.example", "a-1")
    assert tokens.find(found, environ={}, ask=False).reveal() == VALUE


@pytest.mark.usefixtures("no_keyring")
def test_a_machine_without_a_keyring_is_one_without_a_token(profile):
    """Reading says that there is no token; keeping one explains the file."""
    with pytest.raises(TokenMissingError, match=r"ISR_TOKEN_FILE.*isr login"):
        tokens.find(profile, environ={}, ask=False)
    with pytest.raises(StoreError, match="ISR_TOKEN_FILE") as caught:
        tokens.to_keyring(profile, Token(VALUE))
    assert VALUE not in str(caught.value)


@pytest.mark.usefixtures("no_keyring")
def test_where_the_default_profile_has_no_token_the_others_are_named(home):
    """Whoever has kept tokens under names, and gave none of these, is not sent to make a token."""
    home.mkdir(exist_ok=True)
    (home / settings.CONFIG).write_text('[profiles.hut]\ntoken_file = "/a"\n[profiles.club]\ntoken_file = "/b"\n')
    with pytest.raises(TokenMissingError, match=r"profile 'default'; others that are there: club, hut, by --profile"):
        tokens.find(settings.profile(home=home, environ={}), environ={}, ask=False)


@pytest.mark.parametrize("former", [None, OTHER])
def test_a_token_is_kept_with_its_profile_or_not_at_all(profile, home, former):
    """Where the settings cannot be written, the keyring has what it had."""
    if former:
        tokens.to_keyring(profile, Token(former))
    (home / settings.CONFIG).mkdir(parents=True)
    with pytest.raises(StoreError, match=r"config\.toml cannot be read"):
        tokens.keep(profile, Token(VALUE))
    assert tokens.from_keyring(profile) == former
    (home / settings.CONFIG).rmdir()
    tokens.keep(profile, Token(VALUE))
    assert tokens.from_keyring(settings.profile(home=home, environ={})) == VALUE


def test_a_token_that_is_kept_is_found(profile, home):
    """Also where the profile had a file with the former one."""
    with_file = settings.profile(home=home, environ={"ISR_TOKEN_FILE": "old"})
    settings.save(with_file)
    tokens.keep(with_file, Token(VALUE))
    assert tokens.find(settings.profile(home=home, environ={}), environ={}, ask=False).reveal() == VALUE


def test_a_token_file_may_begin_with_a_mark_of_its_coding(tmp_path):
    """As editors of Windows write it."""
    file = tmp_path / "token"
    file.write_text(VALUE, "utf-8-sig")
    file.chmod(0o600)
    assert tokens.find(settings.profile(environ={"ISR_TOKEN_FILE": str(file)}), environ={}).reveal() == VALUE


def test_a_token_kept_for_one_portal_is_not_found_for_another(profile, home):
    """The keyring's entry carries the origin."""
    tokens.to_keyring(profile, Token(VALUE))
    elsewhere = settings.profile(origin="https://elsewhere.example", home=home, environ={})
    with pytest.raises(TokenMissingError):
        tokens.find(elsewhere, environ={}, ask=False)
    assert tokens.out_of_keyring(profile)
    assert not tokens.out_of_keyring(profile)


def test_a_token_file_that_others_can_read_is_refused(profile, tmp_path):
    """The error gives the command that mends it."""
    file = tmp_path / "token"
    file.write_text(VALUE)
    file.chmod(0o644)
    with_file = settings.profile(home=profile.home, environ={"ISR_TOKEN_FILE": str(file)})
    with pytest.raises(UsageError, match=f"chmod 600 {file}"):
        tokens.find(with_file, environ={})


def test_a_token_file_that_is_not_there_is_named(profile, tmp_path):
    """No token, and why."""
    with_file = settings.profile(home=profile.home, environ={"ISR_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(TokenMissingError, match="none"):
        tokens.find(with_file, environ={})


def test_nobody_is_asked_without_a_terminal(profile):
    """Under pytest there is no terminal: the call ends with an error and never blocks."""
    assert not surroundings.someone_is_there()
    with pytest.raises(TokenMissingError):
        tokens.find(profile, environ={})


def test_someone_at_a_terminal_is_asked(profile, monkeypatch):
    """The prompt does not echo, and its answer is cleaned like any other."""
    monkeypatch.setattr(tokens.getpass, "getpass", lambda _: f" {VALUE} ")
    assert tokens.find(profile, environ={}, ask=True).reveal() == VALUE
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert tokens.find(profile, environ={}).reveal() == VALUE


def test_a_token_file_that_is_no_text_is_refused(tmp_path):
    """Its bytes are not repeated."""
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfes\x00e\x00")
    file.chmod(0o600)
    with pytest.raises(UsageError, match=r"is not text; it must contain only the token"):
        tokens.find(settings.profile(environ={"ISR_TOKEN_FILE": str(file)}), environ={}, ask=False)


def test_what_is_no_token_is_told_with_where_it_stands(profile, home, tmp_path):
    """Of several places the one to mend is named; what stands there is not shown."""
    (path := tmp_path / "token").write_text("ISR_TOKEN=hunter2")
    path.chmod(0o600)
    named = settings.profile(home=home, environ={"ISR_TOKEN_FILE": str(path)})
    for where, environ, known in (("ISR_TOKEN", {"ISR_TOKEN": "hunter2"}, profile), (str(path), {}, named)):
        with pytest.raises(UsageError, match=f"^{where}: what was given as the token") as caught:
            tokens.find(known, environ=environ)
        assert "hunter2" not in str(caught.value)
