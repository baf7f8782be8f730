"""Nothing a person can type or set is undocumented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from wizara import text, tree
from wizara.cli.reference import ENVIRONMENT, commands, reference

PAGE = tree.root() / "docs" / "en" / "reference.md"
AGAIN = "python -m wizara.cli.reference > docs/en/reference.md"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_current", "en")


def _missing(page: str) -> list[str]:
    """Return the verbs and options that *page* does not tell."""
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    missing = []
    for words, command in commands():
        if words not in sections:
            missing.append(words)
            continue
        options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
        told = set(re.findall(r"--?[a-z][a-z-]*", sections[words]))
        missing += [f"{words} {name}" for option in options for name in option.opts if name not in told]
    return missing


def test_every_verb_and_option_is_in_the_reference() -> None:
    assert _missing(PAGE.read_text()) == [], f"run: {AGAIN}"


def test_a_verb_or_option_that_is_not_told_is_noticed() -> None:
    page = reference()
    assert _missing(page) == []
    assert "wizara check --json" in _missing(page.replace("--json", ""))
    assert _missing(page.replace("## wizara check", "## wizara chek")) == ["wizara check"]


def test_the_reference_is_what_help_says() -> None:
    line = [sys.executable, "-m", "wizara.cli.reference"]  # a process of its own: click remembers earlier help
    told = subprocess.run(line, check=True, capture_output=True, text=True, cwd=tree.root())
    assert PAGE.read_text() == told.stdout, f"run: {AGAIN}"


def test_every_option_has_a_help_text() -> None:
    silent = [
        f"{words} {option.opts[0]}"
        for words, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def _variables(folder: Path) -> set[str]:
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        found |= set(re.findall(r"environ[^\n]{0,40}?[\"'](WIZARA_[A-Z_]+)[\"']", path.read_text()))
    return found


def test_every_environment_variable_is_documented(tmp_path: Path) -> None:
    assert _variables(tree.root() / "wizara") <= set(ENVIRONMENT)
    (tmp_path / "new.py").write_text('os.environ.get("WIZARA_NEW")\n')
    assert _variables(tmp_path) == {"WIZARA_NEW"}
