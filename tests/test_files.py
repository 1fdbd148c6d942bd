"""Folders and files: for their owner alone, and written whole or not at all."""

from __future__ import annotations

import pytest

import isr_analysis as isr
from isr_analysis import files
from isr_analysis.errors import StoreError, UsageError


def test_a_home_that_cannot_be_made_is_an_error_that_names_the_setting(tmp_path):
    """A file in the way is no place to keep things."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="ISR_HOME"):
        files.make_folder(tmp_path / "file" / "home")


def test_a_folder_and_those_made_above_it_are_for_their_owner_alone(home):
    """What is fetched is private, whichever folder is made first."""
    deep = files.make_folder(home / "accounts" / "one")
    assert [folder.stat().st_mode & 0o077 for folder in (home, deep.parent, deep)] == [0, 0, 0]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, failure):
    """What was there stays if the writing fails, Ctrl-C too, and nothing else is left behind."""
    path = tmp_path / "kept.txt"

    def write(text, failure=None):
        with files.replacing(path) as aside:
            aside.write_text(text)
            if failure is not None:
                raise failure

    write("old")
    with pytest.raises(failure):
        write("new, cut o", failure)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("kept.txt", "old")]


def test_a_file_that_is_replaced_stays_where_a_link_leads_and_closed_to_whom_it_was(tmp_path):
    """As a config.toml that is kept elsewhere, or a report that others may not read."""
    path, link = tmp_path / "kept.txt", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    with files.replacing(link) as aside:
        aside.write_text("new")
    assert link.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("given", [5, ["a"], "~nobody-of-that-name/x", " ", "a\0b"])
def test_what_is_no_path_is_said_wherever_one_is_taken(home, sandbox, given):
    """With the argument's name, and not in Python's words alone."""
    with sandbox.connect(home=home) as portal:
        calls = {
            "home": lambda: isr.connect(home=given),
            "contract": lambda: isr.read_history(b"[]", contract=given),
            "to": lambda: isr.export_history(given, last="1h", portal=portal),
            "path": lambda: isr.build_report(given, last="1h", portal=portal),
            "notebook": lambda: isr.build_report("x.html", last="1h", notebook=given, portal=portal),
        }
        for name, call in calls.items():
            with pytest.raises(UsageError, match=rf"^{name}=.* is not a path"):
                call()


def test_no_name_at_all_is_no_folder_to_export_to(sandbox, tmp_path, monkeypatch):
    """It would be the folder that the process is in."""
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    with sandbox.connect() as portal, pytest.raises(UsageError, match=r"^to='' is not a path"):
        isr.export_history("", last="1h", portal=portal)
    assert not list(here.iterdir())


def test_the_size_of_a_store_in_use_can_be_told(tmp_path, monkeypatch):
    """A file that goes between the listing and the look, as in a running sync, is no error."""
    (tmp_path / "there").write_bytes(b"12345")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr("pathlib.Path.is_file", lambda _: True)
    assert files.size_of(tmp_path) == 5
