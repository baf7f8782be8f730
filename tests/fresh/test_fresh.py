"""The README's two commands on a new Debian that has only python3 (acceptance 1); run by name: ``python3 -m wizara test fresh``."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_fresh_newcomer import Newcomer

from wizara.record.world import cache_folder

COLD, WARM = 12 * 60, 5 * 60


@pytest.fixture(params=["trixie", "bookworm"])
def newcomer(request: pytest.FixtureRequest) -> Iterator[Newcomer]:
    system = Newcomer(request.param, cache_folder() / "fresh")
    system.build()
    yield system
    system.remove()


def said(done, name: str, newcomer: Newcomer) -> str:
    """Return the end of what the command said; the whole, and the records of its runs, are kept beside it."""
    folder = Path(os.environ.get("WIZARA_ARTIFACTS", "artifacts")) / f"fresh-{newcomer.suite}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.out").write_text(done.stdout)
    (folder / f"{name}.err").write_text(done.stderr)
    runs = newcomer.root / "root/.local/state/wizara"
    if runs.is_dir():
        shutil.copytree(
            runs,
            folder / "state",
            symlinks=True,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("machines", "roots"),
        )
    return f"exit {done.returncode}; the whole is in {folder}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def test_the_two_commands_of_the_readme_work_on_a_new_debian(
    newcomer: Newcomer, capsys: pytest.CaptureFixture[str]
) -> None:
    times = {}
    for name, words, most in (
        ("demo, cold", ("demo",), COLD),
        ("demo, again", ("demo",), WARM),
        ("test lint unit", ("test", "lint", "unit"), 10 * 60),
    ):
        began = time.monotonic()
        done = newcomer.run("python3", "-m", "wizara", *words, timeout=most + 300)
        times[name] = time.monotonic() - began
        with capsys.disabled():
            print(f"\n{newcomer.suite}: {name} {times[name]:.0f} s, exit {done.returncode}")
        assert done.returncode == 0, f"{name} on {newcomer.suite}: {said(done, name, newcomer)}"
        assert times[name] <= most, f"{name} on {newcomer.suite} took {times[name]:.0f} s, at most {most}"
