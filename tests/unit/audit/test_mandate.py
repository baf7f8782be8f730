"""An audit goes as far as its mandate, and not one address further."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wizara.audit.facts import DeclaredHost
from wizara.audit.mandate import Mandate, check_networks, check_station, read_mandate
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


TEXT = """\
commissioner: SG
reference: 1/2026
date: {date}
perimeter: [10.1.0.0/16]
exclusions: [10.1.5.0/24]
from: 2026-02-01
to: 2099-02-28
hours: ["08:00-12:00"]
operators: [awa]
controllers: [pump, lift]
contact: karim
"""


def test_a_mandate_that_is_not_signed_yet_stops_the_audit(tmp_path: Path) -> None:
    path, today = tmp_path / "mandate.yaml", datetime.now().astimezone().date()
    path.write_text(TEXT.format(date=today))
    assert read_mandate(path).signed == today
    ahead = today + timedelta(days=1)
    path.write_text(TEXT.format(date=ahead))
    with pytest.raises(UsageFault, match=rf"mandate\.yaml:3:7: date: .* not signed yet: {ahead} lies ahead") as told:
        read_mandate(path)
    assert told.value.code == ExitCode.USAGE
    assert told.value.hint


@pytest.mark.parametrize(("address", "reached"), [("10.1.2.3", True), ("10.2.2.3", False), ("10.1.5.3", False)])
def test_a_controller_that_is_declared_where_the_mandate_does_not_reach_is_told(
    tmp_path: Path, address: str, reached: bool
) -> None:
    path = tmp_path / "mandate.yaml"
    path.write_text(TEXT.format(date="2026-01-01"))
    lift, other = (
        DeclaredHost(name=name, site="hq", lan="works", address=IPv4Address(ip), role="controller")
        for name, ip in (("lift", address), ("door", "10.9.9.9"))
    )
    if reached:
        assert read_mandate(path, [lift, other]).controllers == ("pump", "lift")
        return
    with pytest.raises(UsageFault, match=rf"mandate\.yaml:10:21: controllers\[1\]: 'lift' .* {address}, .* — .*SG"):
        read_mandate(path, [lift, other])


def test_a_node_outside_the_mandate_is_told_before_it_is_looked_from_and_an_excluded_one_never_is() -> None:
    assert check_station(mandate(), "gw", IPv4Address("10.1.2.3")) == ""
    assert "10.9.2.3" in check_station(mandate(), "gw", IPv4Address("10.9.2.3"))
    with pytest.raises(Refusal, match="gw") as told:
        check_station(mandate(), "gw", IPv4Address("10.1.5.3"))
    assert told.value.hint
