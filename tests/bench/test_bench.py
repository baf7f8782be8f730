"""The engine's speed, as it was promised: measured beside its peers on this computer, each bar on its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import table

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("what", ["far", "near"])
def test_every_bar_is_held(what: str, tmp_path: Path) -> None:
    bars = list(table.far(tmp_path / what, 3) if what == "far" else table.near(tmp_path / what))
    assert bars
    assert not [str(bar) for bar in bars if not bar.holds]
