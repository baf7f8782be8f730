"""An audit goes as far as its mandate, and not one address further."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wizara.audit.mandate import Mandate, check_networks, read_mandate
from wizara.errors import ExitCode, Refusal, UsageFault

GOOD = {
    "commissioner": "SG", "reference": "1/2026", "date": "2026-01-01", "perimeter": ["10.1.0.0/16", "8.8.8.0/24", "192.0.2.0/24"],
    "exclusions": ["10.1.5.0/24"], "from": "2026-02-01", "to": "2026-02-28", "hours": ["08:00-12:00", "14:00-18:00"],
    "operators": ["awa"], "contact": "karim",
}  # fmt: skip
INSIDE = datetime(2026, 2, 10, 9, 30, tzinfo=UTC)


def mandate(**changes: object) -> Mandate:
    return Mandate.model_validate(GOOD | changes)


@pytest.mark.parametrize(
    ("address", "moment", "lab", "allowed"),
    [
        ("10.1.2.3", INSIDE, False, True),
        ("10.2.2.3", INSIDE, False, False),
        ("10.1.5.3", INSIDE, False, False),
        ("8.8.8.8", INSIDE, False, False),
        ("192.0.2.1", INSIDE, False, False),
        ("192.0.2.1", INSIDE, True, True),
        ("10.1.2.3", datetime(2026, 2, 28, 17, 59, tzinfo=UTC), False, True),
        ("10.1.2.3", datetime(2026, 3, 1, 9, 0, tzinfo=UTC), False, False),
        ("10.1.2.3", datetime(2026, 1, 31, 9, 0, tzinfo=UTC), False, False),
        ("10.1.2.3", datetime(2026, 2, 10, 12, 0, tzinfo=UTC), False, False),
        ("10.1.2.3", datetime(2026, 2, 10, 7, 59, tzinfo=UTC), False, False),
    ],
)
def test_each_destination_is_held_against_ranges_perimeter_and_time(
    address: str, moment: datetime, lab: bool, allowed: bool
) -> None:
    if allowed:
        mandate().limits(lab=lab).check_destination(IPv4Address(address), moment)
        return
    with pytest.raises(Refusal) as refusal:
        mandate().limits(lab=lab).check_destination(IPv4Address(address), moment)
    assert refusal.value.code == ExitCode.REFUSED


@pytest.mark.parametrize("network", ["10.0.0.0/8", "10.2.0.0/24", "8.8.8.0/24", "0.0.0.0/0"])
def test_a_network_must_be_private_and_wholly_inside(network: str) -> None:
    with pytest.raises(Refusal):
        check_networks(mandate(), (IPv4Network(network),), lab=False)


def test_without_a_mandate_there_is_no_audit(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="needs a mandate"):
        read_mandate(tmp_path / "mandate.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: &x 1\nb: *x",
        "- !!python/object/apply:os.system [id]",
        "[" * 3000,
        "commissioner: x",
        "\x00",
        "hours: [25:00-26:00]",
    ],
    ids=["open", "alias", "tag", "deep", "short", "nul", "hours"],
)
def test_a_broken_mandate_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mandate.yaml"
    path.write_text(text)
    with pytest.raises(UsageFault, match=r"mandate\.yaml"):
        read_mandate(path)


def test_the_shipped_mandate_covers_the_shipped_networks() -> None:
    shipped = read_mandate(Path(__file__).parents[3] / "inventories/mps/mandate.yaml")
    networks = ("10.20.99.0/24", "10.20.10.0/24", "10.20.20.0/24", "10.21.1.0/24", "10.22.1.0/24")
    check_networks(shipped, tuple(map(IPv4Network, networks)), lab=False)
    with pytest.raises(Refusal):
        check_networks(shipped, (IPv4Network("10.23.1.0/24"),), lab=False)
