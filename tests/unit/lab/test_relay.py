"""A relayed packet comes as late, as seldom and as slowly as its link says."""

from __future__ import annotations

import random

import pytest

from wizara.lab.relay import Relay

NEAR = bytes([192, 0, 2, 2])


def packet(size: int = 1000, destination: bytes = NEAR) -> bytes:
    return bytes(16) + destination + bytes(size - 20)


def relay(delay: float = 0.15, loss: float = 0, rate: float | None = None, seed: str = "1") -> Relay:
    return Relay(delay, loss, rate, NEAR, random.Random(seed))


def test_a_packet_waits_for_its_time_and_keeps_its_place():
    link = relay()
    first, second = packet(100), packet(200)
    link.take(first, 0.0)
    link.take(second, 0.0)
    assert link.due(0.149) == []
    assert link.due(0.15) == [first, second]
    assert link.due(9) == []


def test_loss_follows_the_seed():
    def survivors(seed: str) -> int:
        link = relay(loss=0.1, seed=seed)
        for _number in range(1000):
            link.take(packet(), 0.0)
        return len(link.due(1))

    assert survivors("1") == survivors("1")
    assert 850 < survivors("1") < 950


@pytest.mark.parametrize(("first", "second", "last"), [(NEAR, NEAR, 0.2), (NEAR, bytes(4), 0.1)])
def test_a_rate_paces_each_direction_by_itself(first, second, last):
    link = relay(delay=0, rate=10_000)
    link.take(packet(1000, first), 0.0)
    link.take(packet(1000, second), 0.0)
    assert len(link.due(last - 0.001)) + len(link.due(last + 0.001)) == 2
    link = relay(delay=0, rate=10_000)
    link.take(packet(1000, first), 0.0)
    link.take(packet(1000, second), 0.0)
    assert len(link.due(last - 0.001)) < 2


def test_a_full_queue_drops():
    link = relay(delay=0, rate=10_000)
    for _number in range(100):
        link.take(packet(), 0.0)
    assert len(link.due(99)) == 5
