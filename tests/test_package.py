"""The package from outside: its public names, its cost, and that its files do not drift apart."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import isr_analysis as isr
from isr_analysis import errors

ROOT = Path(__file__).parent.parent


def test_the_public_names_are_there_and_sorted():
    """`__all__` is sorted, each name can be had and is documented, and `dir` shows it."""
    assert list(isr.__all__) == sorted(isr.__all__)
    for name in isr.__all__:
        assert getattr(isr, name).__doc__, name
    assert set(isr.__all__) < set(dir(isr))


def test_each_room_that_a_notebook_uses_is_a_public_name():
    """`isr.report.section` needs no import of its own, whatever was used before it."""
    code = "import isr_analysis as isr; print(isr.report.section.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "section\n"


def test_a_room_shows_its_public_names_alone():
    """No helper and no module of it is offered beside the functions."""
    assert dir(isr.mgmt) == sorted(isr.mgmt.__all__)


def test_no_public_function_shares_its_name_with_a_module():
    """Importing the module would put it in the function's place."""
    modules = {path.stem for path in (ROOT / "isr_analysis").iterdir()}
    functions = {name for name in isr.__all__ if callable(getattr(isr, name))}
    assert not functions & modules


def test_an_unknown_name_is_an_attribute_error():
    """As for any module."""
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = isr.no_such_thing


def test_importing_is_lazy_and_touches_nothing(tmp_path):
    """No heavy library is imported, no file written, no socket opened."""
    code = (
        "import socket, sys\n"
        "socket.socket.connect = None\n"
        "import isr_analysis\n"
        "heavy = {'pandas', 'plotly', 'pyarrow', 'httpx', 'requests', 'fastapi', 'ipywidgets', 'nbconvert'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    env = {"ISR_HOME": str(tmp_path / "home"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("words", ["--help", "plan --help", "cache clear --help", "subscribers keep --help", "live -h"])
def test_the_commands_tell_how_they_are_used_without_what_they_need(words):
    """Whoever asks for help, or slips in an option, does not wait for pandas and the portal."""
    code = (
        "import sys\nfrom isr_analysis.cli import cli\n"
        f"cli.main({words.split()!r}, standalone_mode=False)\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'httpx', 'requests', 'keyring'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: " in done.stdout
    assert done.stdout.endswith("[]\n")


def test_every_error_is_in_the_tree_and_its_drawing():
    """One base; what the module's docstring draws is what there is."""
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert all(issubclass(one, errors.IsrError) for one in classes)
    assert all(one.__name__ in (errors.__doc__ or "") for one in classes)


def test_environment_yml_says_nothing_of_its_own():
    """All that it installs is what pyproject.toml names, in extras that exist."""
    yaml = importlib.import_module("yaml") if importlib.util.find_spec("yaml") else None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "environment.yml").read_text()
    if yaml is not None:
        python, pip, inner = yaml.safe_load(text)["dependencies"]
        assert (python, pip) == (f"python{project['requires-python']}", "pip")
        (line,) = inner["pip"]
    else:
        line = text.strip().splitlines()[-1].strip().removeprefix("- ")
    extras = line.removeprefix("--editable .[").removesuffix("]").split(",")
    assert set(extras) <= set(project["optional-dependencies"])


def test_the_version_is_one():
    """The package and its metadata say the same, and the changelog has it."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == isr.__version__
    assert isr.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_names_a_registry():
    """No file of the project names a package registry's host; the lock file, which does, is not kept."""
    hosts = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in files:
        text = (ROOT / name).read_text("utf-8", "replace") if (ROOT / name).is_file() else ""
        assert not [host for host in hosts if host in text], name
    assert "uv.lock" not in files
