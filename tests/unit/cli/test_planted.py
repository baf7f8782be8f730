"""What an audit found is compared with what was planted, on nodes too."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizara.cli.planted import compare
from wizara.inventory import load
from wizara.lab import rehearsal

MPS = Path(__file__).parents[3] / "inventories/mps"


@pytest.mark.parametrize(
    ("address", "invented"), [("10.20.10.10", True), ("10.20.99.20", True), ("10.20.20.60", False)]
)
def test_a_finding_on_a_hardened_machine_was_invented(address: str, invented: bool) -> None:
    compared = compare(load(MPS), rehearsal.read(MPS), "hq", [(address, "LAN-005")])
    assert (compared.invented == {(address, "LAN-005")}) is invented
