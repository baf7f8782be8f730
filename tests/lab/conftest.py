"""Machines for tests: the shipped ministry once a session, and fresh single ones."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from applied import Applied

from wizara import tree
from wizara.inventory import load
from wizara.inventory.models import Ministry
from wizara.inventory.types import Release
from wizara.lab import Lab, leftovers, rehearsal, rise, single

sys.path.insert(0, str(Path(__file__).parent))
import houses

_numbers = itertools.count(1)


def declared(name: str) -> Ministry:
    """Return a shipped ministry."""
    return load(tree.shipped_inventories() / name)


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep of every lab that a failed test used what tells why."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        folder = Path(os.environ.get("WIZARA_ARTIFACTS", "artifacts")) / item.name.replace("/", "_")
        for value in getattr(item, "funcargs", {}).values():
            used = value.lab if isinstance(value, Applied) else value
            if isinstance(used, Lab):
                used.artifacts(folder / used.name)
                report.sections.append(("artifacts", str(folder / used.name)))


def quiet(who: str, what: str) -> None:
    """Take the steps of a rise."""


@pytest.fixture(scope="session")
def ministry_lab() -> Iterator[Lab]:
    """The shipped ministry, up for the whole session."""
    folder = tree.shipped_inventories() / "mps"
    lab = rise(declared("mps"), rehearsal.read(folder), f"t{os.getpid()}", quiet)
    yield lab
    lab.down()


@pytest.fixture
def clone() -> Iterator[Callable[..., Lab]]:
    """Makes fresh single machines: ``clone("trixie")``; its node is ``machine``, its operator ``operator``."""
    made: list[str] = []

    def make(release: Release, login: rehearsal.Login | None = None) -> Lab:
        made.append(f"c{os.getpid()}-{next(_numbers)}")
        return rise(single.ministry(release), single.rehearsal(login), made[-1], quiet)

    yield make
    for name in made:
        leftovers.clear(name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., houses.House]]:
    """Makes a fresh machine with an inventory folder: ``house("trixie", {"user": "root", "key": True}, parts=[…])``."""
    made: list[str] = []

    def make(release: str, login: dict[str, Any] | None = None, **settings: Any) -> houses.House:
        made.append(f"h{os.getpid()}-{next(_numbers)}")
        folder = tmp_path / made[-1] / "single"
        houses.write(folder, release, login or {"user": "root", "key": True}, **settings)
        return houses.build(folder, made[-1])

    yield make
    for name in made:
        leftovers.clear(name)


@pytest.fixture(scope="session")
def applied_ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """The shipped ministry as its people would find it: lifted, enrolled and applied once for the whole session."""
    folder = tree.shipped_inventories() / "mps"
    name = f"a{os.getpid()}"
    lab = rise(declared("mps"), rehearsal.read(folder), name, quiet)
    try:
        made = Applied(lab, tmp_path_factory.mktemp("runs"))
        for words in (("secrets",), ("enrol",), ("apply", "--yes")):
            done = made.wizara(*words)
            assert done.returncode == 0, done.stdout + done.stderr
        yield made
    finally:
        leftovers.clear(name)
