"""The README's two commands on a new Debian that has only python3 (acceptance 1); run by name: ``python3 -m wizara test fresh``."""

from __future__ import annotations

import time
from collections.abc import Iterator

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


def said(done) -> str:
    return f"exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


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
        assert done.returncode == 0, f"{name} on {newcomer.suite}: {said(done)}"
        assert times[name] <= most, f"{name} on {newcomer.suite} took {times[name]:.0f} s, at most {most}"
