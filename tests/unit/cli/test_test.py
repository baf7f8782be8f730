"""The verb that runs the tests counts them, and never calls nothing a success."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wizara import tree
from wizara.cli import test as verb
from wizara.errors import ExitCode, Unfinished, UsageFault


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    monkeypatch.setattr(tree, "root", lambda: tmp_path)
    monkeypatch.setattr(verb, "_WORKERS", "0")  # three interpreters more a test would be most of its time
    return tmp_path


def _run(*kinds: str) -> tuple[object, str]:
    result = CliRunner().invoke(verb.command, kinds, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout.splitlines()[-1]


def test_failures_are_counted_in_the_closing_line(checkout: Path) -> None:
    (checkout / "tests" / "unit" / "test_a.py").write_text(
        "import pytest\ndef test_good(): pass\ndef test_bad(): assert False\n"
        "@pytest.mark.skip(reason='x')\ndef test_left(): pass\n"
    )
    (checkout / "tests" / "test_b.py").write_text("def test_good(): pass\n")
    assert _run("unit") == (ExitCode.PENDING, "2 passed, 1 failed, 1 skipped")


def test_success_is_success(checkout: Path) -> None:
    (checkout / "tests" / "unit" / "test_a.py").write_text("def test_good(): pass\n")
    assert _run("unit") == (ExitCode.DONE, "1 passed, 0 failed")


def test_a_file_that_cannot_be_read_is_a_failure(checkout: Path) -> None:
    (checkout / "tests" / "unit" / "test_a.py").write_text("import nothing_of_that_name\n")
    assert _run("unit") == (ExitCode.PENDING, "0 passed, 1 failed")


@pytest.mark.parametrize("kind", [kind for kind in verb.KINDS if kind not in {"lint", "unit"}])
def test_a_kind_without_tests_is_no_success(kind: str, checkout: Path) -> None:
    with pytest.raises(UsageFault, match=f"there are no tests of the kind '{kind}' yet"):
        _run(kind)


def test_tests_that_do_not_run_are_no_success(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "tests" / "unit" / "test_a.py").write_text("def test_good(): pass\n")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unfinished, match="did not run"):
        _run("unit")


def test_a_package_without_tests_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "root", lambda: tmp_path)
    with pytest.raises(UsageFault, match="come with the checkout"):
        _run("lint")


def test_an_unknown_kind_is_refused() -> None:
    result = CliRunner().invoke(verb.command, ["everything"])
    assert result.exit_code == ExitCode.USAGE


def test_a_checker_that_complains_fails_and_the_others_run(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("ruff", "mypy", "lint-imports", "codespell"):
        (programs / name).write_text(f"#!/bin/sh\nexit {1 if name == 'mypy' else 0}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    assert _run("lint") == (ExitCode.PENDING, "4 passed, 1 failed")
