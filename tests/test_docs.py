"""What is written for readers is true: examples run, and what the pages name is there."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import isr_analysis as isr
from isr_analysis.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
WRITTEN = "\n".join(page.read_text("utf-8") for page in PAGES)


def modules():
    """Name every module that has an example in it."""
    for found in pkgutil.walk_packages(isr.__path__, "isr_analysis."):
        path = ROOT / Path(*found.name.split("."))
        file = path / "__init__.py" if found.ispkg else path.with_suffix(".py")
        if ">>> " in file.read_text("utf-8"):
            yield found.name


@pytest.mark.parametrize("name", ["isr_analysis", *modules()])
def test_examples_run(name, tmp_path, monkeypatch):
    """Each docstring's example gives what it shows, without a network."""
    monkeypatch.chdir(tmp_path)
    if name == "isr_analysis.engines":
        pytest.importorskip("dask.dataframe")
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried
    assert not failed


def functions():
    """Give every public function, under the name by which a user calls it."""
    for room in ("", ".mgmt", ".plots", ".report", ".sandbox", ".widgets"):
        there = importlib.import_module(f"isr_analysis{room}")
        for name in there.__all__:
            if inspect.isfunction(value := getattr(there, name)):
                yield pytest.param(value, id=f"isr{room}.{name}")


@pytest.mark.parametrize("function", list(functions()))
def test_every_public_function_is_documented_in_full(function):
    """Parameters by name, what is returned, and an example."""
    doc = inspect.getdoc(function) or ""
    listed = doc.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    assert all(re.search(rf"\b{parameter}\b", listed) for parameter in inspect.signature(function).parameters)
    returned = inspect.unwrap(function).__annotations__["return"]
    assert returned == "None" or "Returns\n-------" in doc or "Yields\n------" in doc
    assert ">>> " in doc


def test_the_pages_name_what_is_there():
    """Every function, command and setting in them exists."""
    for dotted in set(re.findall(r"\bisr\.([a-z_]+(?:\.[a-z_]+)?)\(", WRITTEN)):
        value = isr
        for part in dotted.split("."):
            value = getattr(value, part)
    commands = set(re.findall(r"(?:^|`|run )isr ([a-z][a-z-]+)", WRITTEN, re.MULTILINE))
    assert {"demo", "login", "doctor", "report"} <= commands <= set(cli.list_commands(None))
    source = "".join(path.read_text("utf-8") for path in (ROOT / "isr_analysis").rglob("*.py"))
    assert [name for name in set(re.findall(r"\bISR_[A-Z_]+\b", WRITTEN)) if name not in source] == []


def test_the_pages_and_the_errors_agree():
    """Each error that they explain is in the tree."""
    told = re.findall(r"`(\w+Error)`", WRITTEN)
    assert "TokenMissingError" in told
    assert [name for name in told if not hasattr(isr.errors, name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_lead_somewhere(page):
    """Each file that a link or a picture names is there."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("room", ["answers", "contract", "portal", "reading", "sandbox"])
def test_the_map_of_a_large_room_has_each_of_its_modules(room):
    """What a room's docstring lists are its modules, all of them."""
    path = ROOT / "isr_analysis" / room
    listed = set(re.findall(r"`([a-z]+)`", importlib.import_module(f"isr_analysis.{room}").__doc__))
    assert {one.stem for one in path.glob("*.py")} - {"__init__"} == listed
