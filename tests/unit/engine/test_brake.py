"""The brake: it counts failures, and the first reason stands."""

from __future__ import annotations

import pytest

from wizara.engine.brake import Brake


@pytest.mark.parametrize(
    ("limit", "failures", "stops"), [(None, 50, False), (0, 0, False), (0, 1, True), (2, 2, False), (2, 3, True)]
)
def test_no_more_is_begun_once_more_than_the_limit_have_failed(limit: int | None, failures: int, stops: bool) -> None:
    brake = Brake(limit)
    for number in range(failures):
        brake.failed(f"n{number}")
    assert bool(brake.reason) is stops


def test_the_first_reason_stands() -> None:
    brake = Brake(0)
    brake.failed("a")
    first = brake.reason
    brake.pull("another")
    assert brake.reason == first
