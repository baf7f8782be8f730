"""Inventories to break: copies of a ministry that is kept here, so that its lines stay where they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wizara.errors import InventoryFaults
from wizara.inventory import load

Edit = Callable[..., Path]


@pytest.fixture
def mps(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(__file__).parent / "ministry", tmp_path / "mps"))


@pytest.fixture
def edit(mps: Path) -> Edit:
    def replace(file: str, old: str, new: str) -> Path:
        path = mps / file
        text = path.read_text()
        assert old in text, f"{old!r} does not stand in {file}"
        path.write_text(text.replace(old, new, 1))
        return mps

    return replace


@pytest.fixture
def told(mps: Path) -> Callable[[], list[str]]:
    """Return the faults of the copy, a line each, without the folder's name; none when it is valid."""

    def faults() -> list[str]:
        try:
            load(mps)
        except InventoryFaults as fault:
            return [str(one).replace(f"{mps}/", "") for one in fault.faults]
        return []

    return faults
