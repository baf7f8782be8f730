"""The circuit breaker: a host that grows three times slower under the audit, or vanishes, is left alone from then on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

_FEW = 4
"""Answers that make a baseline, and as many that speak against it."""
_TIMES = 3.0
_LEAST = 0.03
"""Seconds that the answers must have grown by at least: below that, it is this computer that stutters."""
_SILENCES = 3
"""Services in a row that were open and answer no more."""


@dataclass
class Health:
    """How one host answers."""

    first: list[float] = field(default_factory=list)
    last: deque[float] = field(default_factory=lambda: deque(maxlen=_FEW))
    limit: float = 0.0
    """Seconds that most of its latest answers must not exceed; 0 until there is a baseline."""
    silences: int = 0
    tripped: str | None = None
    """Why it is left alone: ``latency``, ``vanished``, or ``slow`` when it let the audit wait too long in all."""

    @property
    def baseline(self) -> float:
        """Seconds that its first answers took."""
        return median(self.first) if self.first else 0.0

    @property
    def present(self) -> float:
        """Seconds that its latest answers took."""
        return median(self.last) if self.last else 0.0


class Breaker:
    """The health of every host, by its address."""

    def __init__(self) -> None:
        self._hosts: dict[str, Health] = {}

    def health(self, ip: str) -> Health:
        """Return what is known of *ip*."""
        return self._hosts.setdefault(ip, Health())

    def heard(self, ip: str, seconds: float) -> None:
        """Note an answer of *ip* after *seconds*."""
        health = self.health(ip)
        health.silences = 0
        if len(health.first) < _FEW:
            health.first.append(seconds)
            return
        health.last.append(seconds)
        if health.limit == 0.0:
            health.limit = max(_TIMES * health.baseline, health.baseline + _LEAST)
        if seconds > health.limit and len(health.last) == _FEW and health.present > health.limit:
            health.tripped = health.tripped or "latency"

    def missed(self, ip: str) -> None:
        """Note that a service of *ip* that was open takes no connection any more."""
        health = self.health(ip)
        health.silences += 1
        if health.silences >= _SILENCES:
            health.tripped = health.tripped or "vanished"

    def tired(self, ip: str) -> None:
        """Note that the time that *ip* may take is used up."""
        self.health(ip).tripped = self.health(ip).tripped or "slow"

    def vanished(self, ip: str) -> None:
        """Note that *ip* is not on its network any more."""
        self.health(ip).tripped = self.health(ip).tripped or "vanished"

    def tripped(self, ip: str) -> str | None:
        """Return why *ip* is left alone, if it is."""
        health = self._hosts.get(ip)
        return health.tripped if health else None
