"""Which nodes go first: those that --canary names among the nodes of the run, and a word for none of them is a mistake."""

from __future__ import annotations

import pytest

from wizara.cli.world import canary_of
from wizara.errors import UsageFault
from wizara.inventory import load, resolve
from wizara.inventory.models import Ministry


@pytest.fixture(scope="module")
def ministry() -> Ministry:
    return load(resolve("mps"))


@pytest.mark.parametrize(
    ("words", "nodes", "first"),
    [
        ((), ("dc1",), ()),
        (("dc1",), ("dc1", "gw-hq"), ("dc1",)),
        (("hq",), ("dc1", "gw-ons"), ("dc1",)),
        (("gw-ons,dc1",), ("dc1", "gw-ons", "gw-hq"), ("gw-ons", "dc1")),
    ],
)
def test_the_canary_is_part_of_the_run(
    ministry: Ministry, words: tuple[str, ...], nodes: tuple[str, ...], first: tuple[str, ...]
) -> None:
    assert canary_of(ministry, words, nodes) == first


@pytest.mark.parametrize("words", [("gw-hq",), ("dc1", "gw-hq"), ("dc1,gw-hq",), ("ghost",), ("",), (",",)])
def test_a_canary_outside_the_run_is_told_by_its_own_option(ministry: Ministry, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageFault, match="--canary") as told:
        canary_of(ministry, words, ("dc1",))
    assert "--limit" not in str(told.value)
