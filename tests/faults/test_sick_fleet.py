"""Sick nodes delay no good one, each is told with its own reason, and the brakes hold what they say."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fleet import Fleet, Told

pytestmark = [pytest.mark.lab, pytest.mark.fault_kind("sick fleet")]
LARGE = {"good": 85, "mute": 5, "refusing": 5, "full": 3, "slow": 2}
SMALL = {"good": 12, "mute": 2, "refusing": 2, "full": 2, "slow": 1}
PAIRS = 3
REASONS = {"mute": "does not speak SSH", "refusing": "Connection refused", "full": "No space left on device"}
OUTCOMES = {"good": "changed", "slow": "changed", "mute": "unreachable", "refusing": "unreachable", "full": "failed"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("large"), LARGE, seconds=1.0).up() as fleet:
        yield fleet


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("small"), SMALL).up() as fleet:
        yield fleet


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("waiting"), {"full": 2, "good": 3}, gateway="full0").up() as fleet:
        yield fleet


def last(told: Told) -> float:
    """Return when the last good node had ended."""
    return max(seconds for name, seconds in told.ended.items() if name.startswith("good"))


def told_right(fleet: Fleet, told: Told) -> None:
    """Every node has its outcome and its reason."""
    for kind, names in fleet.names.items():
        assert {told.outcomes[name] for name in names} == {OUTCOMES[kind]}, (
            kind,
            [told.messages[name] for name in names],
        )
        for name in names:
            assert REASONS.get(kind, "") in told.messages[name], told.messages[name]
            assert fleet.addresses[name] in told.messages[name] or kind not in {"mute", "refusing"}
    assert told.code == 3  # failed nodes weigh more than unreachable ones


def test_a_hundred_nodes_of_which_fifteen_are_sick(large: Fleet) -> None:
    alone, beside = [], []
    large.apply("good")
    for _pair in range(PAIRS):
        healthy = large.apply("good")
        assert (healthy.code, set(healthy.outcomes.values())) == (0, {"changed"})
        sick = large.apply()
        told_right(large, sick)
        alone.append(last(healthy))
        beside.append(last(sick))
    slow = min(seconds for name, seconds in sick.ended.items() if name.startswith("slow"))
    waited = min(seconds for name, seconds in sick.ended.items() if name.startswith("mute"))
    ratio = statistics.median(beside) / statistics.median(alone)
    print(
        f"\n85 good nodes: {alone} s alone, {beside} s beside 15 sick ones, {ratio:.2f}x; slow ones {slow:.1f} s, mute ones told at {waited:.1f} s"
    )
    assert ratio <= 1.2


@pytest.mark.share
def test_good_nodes_end_before_mute_and_slow_ones_are_told(small: Fleet) -> None:
    told = small.apply()
    told_right(small, told)
    assert last(told) < min(seconds for name, seconds in told.ended.items() if name.startswith(("mute", "slow")))


@pytest.mark.share
def test_only_unreachable_nodes_give_the_code_of_unreachable(small: Fleet) -> None:
    assert small.apply("good", "refusing").code == 5


@pytest.mark.share
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("limit", [0, 1])
def test_no_node_is_begun_after_too_many_failures(waiting: Fleet, limit: int, at_once: bool) -> None:
    """All wait for full0, which fails; then good ones and full1 come at the same time, or not at all."""
    told = waiting.apply(max_failures=limit, at_once=at_once)
    assert told.code == 3
    begun = {node for _moment, node in told.began}
    assert begun == ({"full0"} if limit == 0 else set(waiting.every))
    assert {name for name, outcome in told.outcomes.items() if outcome == "failed"} == begun - set(
        waiting.names["good"]
    )
    skipped = {name for name, outcome in told.outcomes.items() if outcome == "skipped"}
    assert skipped == set(waiting.every) - begun
    assert {told.messages[name] for name in skipped} <= {"not begun: 1 node has failed"}


@pytest.mark.share
def test_nobody_follows_a_canary_that_is_sick(small: Fleet) -> None:
    told = small.apply("full", "good", at_once=False, canary=("good0", "full0"))
    assert told.code == 3
    assert told.outcomes["good0"] == "changed"
    assert told.outcomes["full0"] == "failed"
    others = [name for name in told.outcomes if name not in {"good0", "full0"}]
    assert {told.outcomes[name] for name in others} == {"skipped"}
    assert {told.messages[name] for name in others} == {"the canary failed: full0"}
    assert {node for _moment, node in told.began} == {"good0", "full0"}


@pytest.mark.share
def test_all_follow_a_canary_that_lives(small: Fleet) -> None:
    told = small.apply("good", at_once=False, canary=("good0",))
    assert (told.code, set(told.outcomes.values())) == (0, {"changed"})
    first = told.ended["good0"]
    assert all(moment >= first for moment, node in told.began if node != "good0")
