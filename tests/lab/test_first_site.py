"""docs/en/first-site.md is followed literally, on two fresh machines, by its own commands."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from houses import environment, on_terminal, plain

from wizara import tree
from wizara.inventory import load
from wizara.lab import Lab, leftovers, rehearsal, rise

pytestmark = [pytest.mark.lab, pytest.mark.slow]
PASSWORDS = {"gw-hq": "rehearsal-gw", "dc1": "rehearsal-dc"}
OUTSIDE = {
    "gateway": "203.0.113.1/24", "operator": "203.0.113.2/24", "mirror": "203.0.113.10", "resolver": "203.0.113.53",
    "names": {"outside.test": "203.0.113.80"},
}  # fmt: skip
#: What the page itself says of a command's exit code.
CODES = {"wizara plan": {0, 4}}


def commands(language: str = "en") -> list[str]:
    """Return the page's blocks of commands, those that meet machines one by one."""
    page = (tree.root() / "docs" / language / "first-site.md").read_text()
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        found += [block] if "<<END" in block else block.splitlines()
    return found


def test_both_languages_give_the_same_commands() -> None:
    assert commands("fr") == commands("en")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[dict[str, object]]:
    """An engineer's computer: a home, an empty folder, and ``wizara`` on its path."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True, mode=0o700)
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    shim = tmp_path / "bin" / "wizara"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m wizara "$@"\n')
    shim.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    yield {
        "cwd": tmp_path / "work",
        "env": {**environment(), "HOME": str(tmp_path / "home"), "PATH": path, "TERM": "dumb"},
    }
    leftovers.clear(f"f{os.getpid()}")


def installed(folder: Path, name: str) -> Lab:
    """Raise the two machines that the page begins with, each with its own password for root."""
    copy = folder.parent.parent.parent / "installed"
    shutil.copytree(folder, copy)
    logins = {node: {"user": "root", "password": password} for node, password in PASSWORDS.items()}
    (copy / "rehearsal.yaml").write_text(plain({"outside": OUTSIDE, "logins": logins, "cdrom": ["dc1"]}))
    return rise(load(copy), rehearsal.read(copy), name, lambda _who, _what: None)


def test_the_page_leads_from_installed_to_applied(desk: dict[str, object]) -> None:
    lab: Lab | None = None
    codes = []
    for command in commands():
        if command.startswith("wizara verify") and importlib.util.find_spec("wizara.cli.verify") is None:
            continue
        if command.startswith("wizara enrol") and lab is None:
            lab = installed(Path(str(desk["cwd"])) / "inventories" / "dgp", f"f{os.getpid()}")
        password = PASSWORDS.get(command.split()[-1], "")
        answers = {"password of root": password, "are they the same?": "y", "apply these changes": "y"}
        enter = ["nsenter", f"--net={lab.world().namespace}", "--"] if lab else []
        code, shown = on_terminal([*enter, "bash", "-ec", command], answers, seconds=400, **desk)
        codes.append((" ".join(command.split()[:2]), code))
        assert code in CODES.get(codes[-1][0], {0}), f"{command}\n{shown}"
        assert password == "" or password not in shown
    assert [code for words, code in codes if words == "wizara plan"] == [4, 0]
